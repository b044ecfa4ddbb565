"""What a study asks: the columns and their roles, the groups, the decision, the bounds.

This is the part of the declaration that the run reads. `ProcessingActivity` wraps it in the register entry;
`scoring.audit` builds it from a notebook's arguments.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from scoring.bounds import Bounds
from scoring.segment_rules import SegmentTable, segment_table
from scoring.vocabulary import REST, ColumnType, Criterion, Role, WeightMeaning

SHARES_ROUNDED = 0.005
"""Published shares are rounded: together they may miss 1 by so much."""
Word = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Value = bool | int | float | str
"""A value as it may stand in YAML or a frame; compared as text after the column's type was applied."""


def _listed(values: object) -> object:
    """Take one value for a list of one."""
    return [values] if isinstance(values, (str, int, float)) else values


Values = Annotated[tuple[Value, ...], Field(min_length=1), BeforeValidator(_listed, json_schema_input_type=Value | list[Value])]


class Declared(BaseModel):
    """A part of the declaration: frozen, and a key that is not known is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Declared):
    """Where the customer file is: a file, a folder of files, or a table of a database."""

    path: Path | None = Field(None, description="CSV or Parquet file, or a folder of either; relative to the declaration.")
    url: str | None = Field(None, description="sqlite:///file.db or postgresql://host/database; a password belongs in the environment, not here.")
    table: Word | None = Field(None, description="Table or schema.table of the database.")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Between the fields of a CSV; found out when absent.")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of a CSV.")
    encoding: Word = Field("utf-8", description="Of a CSV: utf-8, latin-1, cp1252 (Excel on Windows), utf-16 ...")

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        if (self.path is None) == (self.url is None):
            raise ValueError("a source is either a path or a url. Fix: declare one of them.")
        if self.url is not None and self.table is None:
            raise ValueError("a database holds many tables. Fix: declare `table`.")
        if self.url is not None and urlsplit(self.url).password:
            raise ValueError("a password does not belong in a declaration. Fix: take it out; PGPASSWORD or a file ~/.pgpass gives it.")
        return self

    @field_validator("delimiter")
    @classmethod
    def _stands_between_fields(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and delimiter in '"\r\n':
            raise ValueError("a quotation mark or a line break stands between no fields. Fix: declare the character between the fields, such as ;")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        try:
            "é".encode(encoding, "ignore")
        except LookupError:
            raise ValueError("no such encoding. Fix: use utf-8, latin-1, cp1252 or utf-16.") from None
        return encoding

    @property
    def described(self) -> str:
        """What is read, in words that hold neither a password nor a folder of this machine."""
        if self.url is None:
            return self.path.name if self.path else ""
        return f"{self.table} in {self.portable().url}"

    def portable(self) -> Source:
        """Return a copy that says what was read, not where it lay on this machine, nor with whose account."""
        if self.url is None:
            return self.model_copy(update={"path": Path(self.path.name) if self.path else None})
        place = urlsplit(self.url)
        host = place.netloc.rpartition("@")[2]
        return self.model_copy(update={"url": f"{place.scheme}://{host}/{place.path.rpartition('/')[2]}"})


class Column(Declared):
    """What a column holds and what it is for."""

    type: ColumnType
    roles: Annotated[frozenset[Role], BeforeValidator(_listed, json_schema_input_type=Role | list[Role])] = frozenset()
    levels: tuple[Value, ...] | None = Field(None, description="The only values allowed; another one is a fault.")
    description: str | None = None
    title: dict[Literal["en", "fr"], Word] = Field(default_factory=dict, description="What the column is called before the person concerned.")
    changeable: bool | None = Field(None, description="Whether a person can change it; nothing is proposed to anybody that is not declared so.")
    direction: Literal["rises", "falls"] | None = Field(None, description="The only way it can change: years at an address can only rise.")


class Group(Declared):
    """A protected attribute: a column, as it is or cut at edges, and the legal ground behind it."""

    column: Word
    criterion: Criterion | None = Field(None, description="Legal ground (loi 2008-496, art. 1).")
    edges: tuple[float, ...] | None = Field(None, description="Left-closed cuts of a number, or of the age in completed years of a date.")
    labels: tuple[Word, ...] | None = Field(None, description="Names of the intervals, from the lowest; one more than edges.")
    levels: tuple[Value, ...] | None = Field(None, description="The levels of the population, also those that never reach the score.")
    undeclared: Literal["refuse", "reject"] = Field("refuse", description="A level not declared refuses the study, or sends the row to the rejects.")
    title: dict[Literal["en", "fr"], Word] = Field(default_factory=dict, description="The attribute's name in a report.")

    @model_validator(mode="after")
    def _edges_rise(self) -> Group:
        if self.edges is not None and (not self.edges or list(self.edges) != sorted(set(self.edges))):
            raise ValueError("edges must rise. Fix: list them from the lowest, each once.")
        if self.labels is not None and len(self.labels) != len(self.edges or ()) + 1:
            raise ValueError(f"{len(self.labels)} labels for {len(self.edges or ()) + 1} intervals. Fix: one label more than edges.")
        if self.labels is not None and len(set(self.labels)) != len(self.labels):
            raise ValueError("two intervals bear the same label. Fix: give each its own.")
        if self.edges is not None and self.levels is not None:
            raise ValueError("edges make the levels. Fix: declare edges or levels, not both.")
        return self


class CostColumn(Declared):
    """A cost that is each person's own: the loan that is lost, the margin that is missed."""

    column: Word = Field(description="Column of amounts of 0 or more, with the role amount.")


class Cutoff(Declared):
    """How a score becomes a decision."""

    rule: Literal["value", "accept_share", "cost"]
    value: float | None = Field(None, description="The cut-off (value) or the share to accept (accept_share).")
    wrongly_accepted: Annotated[float, Field(ge=0)] | CostColumn | None = Field(
        None, description="Cost of a person accepted whose outcome is bad (rule cost): a number, or a column of amounts."
    )
    wrongly_refused: Annotated[float, Field(ge=0)] | CostColumn | None = Field(
        None, description="Cost of a person refused whose outcome would be good (rule cost): a number, or a column of amounts."
    )

    @property
    def cost_columns(self) -> dict[str, str]:
        """The costs that each person has an amount of, and their columns."""
        costs = {"wrongly_accepted": self.wrongly_accepted, "wrongly_refused": self.wrongly_refused}
        return {name: cost.column for name, cost in costs.items() if isinstance(cost, CostColumn)}

    @model_validator(mode="after")
    def _whole(self) -> Cutoff:
        if self.rule == "cost" and (self.wrongly_accepted is None or self.wrongly_refused is None):
            raise ValueError("the rule cost needs both costs. Fix: declare wrongly_accepted and wrongly_refused.")
        if self.rule != "cost" and self.value is None:
            raise ValueError(f"the rule {self.rule} needs a value. Fix: declare `value`.")
        if self.rule == "accept_share" and not 0 < (self.value or 0) < 1:
            raise ValueError("a share lies between 0 and 1. Fix: write 0.6 for 60 %.")
        return self


class Decision(Declared):
    """What is decided: a column that exists, or a cut-off of the score (at or above it is favourable)."""

    column: Word | None = None
    favourable: Values | None = Field(None, description="Values that are good for the person; nothing guesses them.")
    unfavourable: Values | None = Field(None, description="The other values; when absent, every other one.")
    cutoff: Cutoff | None = None
    title: dict[Literal["en", "fr"], Word] = Field(default_factory=dict, description="What the favourable decision is called in a report.")

    @model_validator(mode="after")
    def _one_way(self) -> Decision:
        if (self.column is None) == (self.cutoff is None):
            raise ValueError("a decision is either a column or a cut-off of the score. Fix: declare one of them.")
        if self.column is not None and self.favourable is None:
            raise ValueError("which values are favourable is not said. Fix: declare `favourable`; nothing guesses it.")
        return self


class Outcome(Declared):
    """What came true; an empty value means that it was not observed."""

    column: Word
    favourable: Values = Field(description="Values that are the good outcome.")
    unfavourable: Values | None = Field(None, description="The other values; when absent, every other one.")


class Training(Declared):
    """A score to be trained here, cross-fitted: nobody is scored by a model that saw them."""

    engine: Literal["scorecard", "logistic", "gradient_boosting"] = "scorecard"
    parameters: dict[Word, Value | tuple[Value, ...] | dict[Word, Value] | None] = Field(
        default_factory=dict, description="Of the engine, by name, such as interactions: false or monotone: {income: ascending}."
    )
    calibration: Literal["none", "sigmoid", "isotonic", "temperature"] = Field(
        "none", description="How probabilities are made shares that came true."
    )
    features: tuple[Word, ...] | None = Field(None, min_length=1, description="Default: every column with the role feature.")
    folds: int = Field(5, ge=2, le=50)
    seed: int = Field(1, ge=0)

    @field_validator("parameters")
    @classmethod
    def _of_the_engine(cls, parameters: dict[str, object]) -> dict[str, object]:
        if said := sorted({"favourable", "binner", "calibration"} & set(parameters)):
            raise ValueError(
                f"{', '.join(said)}: said elsewhere. Fix: take it out; study.outcome says what is favourable, `calibration` stands beside."
            )
        return parameters


class Score(Declared):
    """The score: a column that exists, or a model to train. More is better for the person unless `higher_is` says otherwise."""

    column: Word | None = None
    train: Training | None = None
    higher_is: Literal["better", "worse"] = "better"
    family: Literal["propensity", "churn", "risk", "value"] | None = Field(None, description="What kind of thing the score foretells.")
    horizon: int | None = Field(
        None,
        ge=1,
        description="Days after the decision over which the outcome is observed; where they have not passed by `as_of` (column of the role period) "
        "it is not observed.",
    )
    edges: tuple[float, ...] | None = Field(None, min_length=1, description="Cuts of the histogram; default: quantiles.")
    applied_cutoff: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        None,
        description="Cut-off in force when the decisions of the decision column were taken, in the score's own units: at or above it the score "
        "alone was favourable (at or below it where `higher_is` is worse). With it, how far decisions follow the score is measured.",
    )

    @property
    def direction(self) -> float:
        """1 where a higher score is better for the person, -1 where it is worse: times it, more is better."""
        return -1.0 if self.higher_is == "worse" else 1.0

    @model_validator(mode="after")
    def _one_way(self) -> Score:
        if (self.column is None) == (self.train is None):
            raise ValueError("a score is either a column or a model to train. Fix: declare one of them.")
        if self.train is not None and self.higher_is == "worse":
            raise ValueError("a score trained here rises with the favourable outcome. Fix: take `higher_is` out.")
        if self.train is not None and self.applied_cutoff is not None:
            raise ValueError("a score trained here was in force for no decision yet. Fix: take `applied_cutoff` out.")
        if self.edges is not None and list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must rise. Fix: list them from the lowest, each once.")
        return self


class Bands(Declared):
    """Segments by score: left-closed bands, at edges or of about as many people each."""

    edges: tuple[float, ...] = ()
    quantiles: int | None = Field(None, ge=2, le=100, description="In the place of edges: so many bands of about as many people each.")
    labels: tuple[Word, ...] | None = None

    @property
    def number(self) -> int:
        """How many bands there are."""
        return self.quantiles or len(self.edges) + 1

    @property
    def names(self) -> list[str]:
        """Names of the bands from the lowest; by default their numbers."""
        return list(self.labels or map(str, range(self.number)))

    @model_validator(mode="after")
    def _edges_rise(self) -> Bands:
        if bool(self.edges) == (self.quantiles is not None):
            raise ValueError("bands are cut at edges or by quantiles. Fix: declare exactly one.")
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must rise. Fix: list them from the lowest, each once.")
        if len(self.names) != self.number or len(set(self.names)) != self.number:
            raise ValueError(f"{len(set(self.names))} labels for {self.number} bands. Fix: one label a band (one more than edges), each different.")
        return self


class KMeans(Declared):
    """Segments by k-means on stated features."""

    segments: int = Field(ge=2, le=30)
    features: tuple[Word, ...] = Field(min_length=1)
    seed: int = Field(1, ge=0)
    replicates: int = Field(10, ge=0, le=500, description="Bootstrap samples that tell how stable the segments are; 0 for none.")

    @field_validator("replicates")
    @classmethod
    def _spread(cls, replicates: int) -> int:
        if replicates == 1:
            raise ValueError("one sample shows no spread. Fix: 0 for none, or 2 and more.")
        return replicates


class Mixture(KMeans):
    """Segments by a Gaussian mixture on stated features."""

    covariance: Literal["full", "tied", "diag", "spherical"] = "full"


Box = dict[Literal["r", "f", "m", "fm"], int | tuple[int, int]]
"""Ranges of scores, both ends in them: r recency, f frequency, m monetary value, fm the mean of the latter two."""


class RFM(Declared):
    """Segments by recency (days since the last purchase: fewer is better), frequency and monetary value."""

    recency: Word
    frequency: Word
    monetary: Word | None = None
    bins: int | tuple[int, ...] = Field(5, description="How many scores, 1 to 10: one number, or one a dimension.")
    cuts: dict[Literal["recency", "frequency", "monetary"], tuple[float, ...]] = Field(
        default_factory=dict, description="Cuts of a dimension, in the place of quantiles."
    )
    rules: dict[Word, Box | tuple[Box, ...]] | None = Field(None, description="segment -> ranges of scores; default: the ten in common use.")
    match: Literal["exclusive", "first"] = Field("exclusive", description="Whether rules that overlap are refused, or the first one counts.")
    rest: Word | None = Field(None, description="The segment of whom no rule speaks of; without it, such a gap is refused.")

    @property
    def columns(self) -> dict[str, str]:
        """The column of each dimension."""
        told = {"recency": self.recency, "frequency": self.frequency, "monetary": self.monetary}
        return {part: name for part, name in told.items() if name is not None}

    @property
    def table(self) -> SegmentTable:
        """Which segment each combination of scores is in."""
        parts = list(self.columns)
        bins = (self.bins,) * len(parts) if isinstance(self.bins, int) else self.bins
        scores = [len(self.cuts[part]) + 1 if part in self.cuts else number for part, number in zip(parts, bins, strict=True)]
        rules: Any = self.rules
        return segment_table(scores, rules, match=self.match, rest=self.rest)

    @model_validator(mode="after")
    def _whole(self) -> RFM:
        parts = self.columns
        if len(set(parts.values())) < len(parts):
            raise ValueError("a column stands for two dimensions. Fix: name one of its own for each.")
        if not isinstance(self.bins, int) and len(self.bins) != len(parts):
            raise ValueError(f"{len(self.bins)} numbers of bins for {len(parts)} dimensions. Fix: one number for all, or one for each.")
        if wrong := [part for part, cuts in self.cuts.items() if part not in parts or not cuts or list(cuts) != sorted(set(cuts))]:
            raise ValueError(f"cuts of {', '.join(wrong)} do not rise, or are of no column. Fix: list them from the lowest, for a declared column.")
        _ = self.table  # faulty rules are refused here
        return self


class Tiers(Declared):
    """Loyalty tiers: the highest whose threshold the points reach."""

    column: Word = Field(description="Points or spend of the period.")
    thresholds: dict[Word, float] = Field(min_length=1, description="tier -> points that earn it, from the lowest tier.")
    keep: dict[Word, float] = Field(default_factory=dict, description="tier -> points that keep it once held; needs `previous`.")
    previous: Word | None = Field(None, description="Column of the tier held so far.")
    below: Word = Field("(none)", description="The name of those under the lowest threshold.")
    version: Word = Field("1", description="Of these rules.")

    @property
    def names(self) -> list[str]:
        """Names of the tiers from the lowest."""
        return [self.below, *self.thresholds]

    @model_validator(mode="after")
    def _rise(self) -> Tiers:
        earn = list(self.thresholds.values())
        keep = [self.keep.get(name, value) for name, value in self.thresholds.items()]
        if earn != sorted(set(earn)) or keep != sorted(keep) or len(set(self.names)) < len(self.names):
            raise ValueError("tiers do not rise, or share a name. Fix: list them from the lowest, each with a higher threshold.")
        if set(self.keep) - set(self.thresholds) or any(low > high for low, high in zip(keep, earn, strict=True)):
            raise ValueError("a tier is kept that is not there, or from more points than earn it. Fix: at most its threshold.")
        if bool(self.keep) != (self.previous is not None):
            raise ValueError("what is kept hangs on the tier held so far. Fix: declare both `keep` and `previous`, or neither.")
        return self


class Segments(Declared):
    """Segments and the offer of each. No offer is an exclusion."""

    column: Word | None = None
    bands: Bands | None = None
    kmeans: KMeans | None = None
    mixture: Mixture | None = None
    rfm: RFM | None = None
    tiers: Tiers | None = None
    offers: dict[Word, Word | None] = Field(default_factory=dict, description="segment -> offer; empty means no offer.")
    version: Word = Field("1", description="Of the offer policy.")
    valid_from: date | None = Field(None, description="The first day of the offer policy.")

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that the rule reads, but for the score and a segment that exists already."""
        clustered = self.kmeans or self.mixture
        tiers = (self.tiers.column, self.tiers.previous) if self.tiers else ()
        named = (*(clustered.features if clustered else ()), *(self.rfm.columns.values() if self.rfm else ()), *tiers)
        return tuple(name for name in named if name is not None)

    @model_validator(mode="after")
    def _one_way(self) -> Segments:
        ways = ("column", "bands", "kmeans", "mixture", "rfm", "tiers")
        if sum(getattr(self, way) is not None for way in ways) != 1:
            raise ValueError(f"segments come from one of {', '.join(ways)}. Fix: declare exactly one.")
        return self


class Stage(Declared):
    """A stage of the funnel: who holds one of the passing values goes on; an empty value does not pass."""

    name: Word
    column: Word
    passes: Values
    title: dict[Literal["en", "fr"], Word] = Field(default_factory=dict, description="What the stage is called in a report.")


class Amount(Declared):
    """A number that is decided: a credit limit, a discount, a price."""

    column: Word
    higher_is: Literal["better", "worse"] = "better"
    of: Literal["favoured", "everybody"] = Field("favoured", description="Whose amounts are compared: of those decided favourably, or of everybody.")
    title: dict[Literal["en", "fr"], Word] = Field(default_factory=dict, description="What the amount is called in a report.")


class Population(Declared):
    """Who the population served is, by a public source: the file is held against it."""

    shares: dict[Word, Annotated[float, Field(ge=0, le=1)]] = Field(min_length=2, description="Share of each level; together 1.")
    source: Word = Field(description="Publisher, title, year and place of the figures.")

    @model_validator(mode="after")
    def _whole(self) -> Population:
        if abs(sum(self.shares.values()) - 1) > SHARES_ROUNDED:
            raise ValueError(f"the shares add up to {sum(self.shares.values()):.4g}. Fix: give each level its share, together 1.")
        return self


class Membership(Declared):
    """An attribute that nobody is asked for: an outside source gives each person, or area, a probability of each level."""

    probabilities: dict[Word, Word] = Field(min_length=1, description="level -> column of probabilities; one level has a rest.")
    cell: Word | None = Field(None, description="Column of the area or name group that the probabilities come from; bins of them when absent.")
    source: Word = Field(description="Where the probabilities come from.")
    criterion: Criterion | None = Field(None, description="Legal ground (loi 2008-496, art. 1).")
    title: dict[Literal["en", "fr"], Word] = Field(default_factory=dict, description="The attribute's name in a report.")


class NotMeasured(Declared):
    """A legal ground that this study did not look at, and why."""

    criterion: Criterion
    why: str | dict[Literal["en", "fr"], Word]


class Plan(Declared):
    """Everything that the run reads."""

    as_of: date | None = Field(None, description="The day that ages are worked out for. There is no clock in a study.")
    source: Source | None = None
    columns: dict[Word, Column] = Field(min_length=1)
    groups: dict[Word, Group] = Field(min_length=1)
    decision: Decision
    outcome: Outcome | None = None
    score: Score | None = None
    segments: Segments | None = None
    funnel: tuple[Stage, ...] = Field((), description="Stages before the decision, in their order.")
    amounts: dict[Word, Amount] = Field(default_factory=dict, description="Numbers that are decided, by name.")
    population: dict[Word, Population] = Field(default_factory=dict, description="group -> shares of the population served, with their source.")
    memberships: dict[Word, Membership] = Field(default_factory=dict, description="Attributes known by probability only.")
    looks: int = Field(1, ge=1, description="How many studies of a sequence are planned: the level is shared among them.")
    weight_meaning: WeightMeaning = WeightMeaning.WEIGHT
    reference: Word | dict[Word, str] = Field(REST, description="rest, best, largest, or a named level by attribute.")
    primary: Word = Field("selection_rate", description="The metric that the verdict is about.")
    period: Word | dict[Literal["en", "fr"], Word] | None = Field(None, description="The period of the decisions, in words, or words by language.")
    bounds: Bounds = Bounds()
    not_measured: tuple[NotMeasured, ...] = ()
    seed: int = Field(1, ge=0, description="Of everything that draws by chance.")

    def with_role(self, role: Role) -> list[str]:
        """Return the columns that have a role, in the order of the declaration."""
        return [name for name, column in self.columns.items() if role in column.roles]

    def only(self, role: Role) -> str | None:
        """Return the one column that has a role, or nothing."""
        return next(iter(self.with_role(role)), None)

    @property
    def direction(self) -> float:
        """The direction of the score; 1 where there is none."""
        return 1.0 if self.score is None else self.score.direction

    @property
    def applied_cutoff(self) -> float | None:
        """The cut-off that was in force when the decisions were taken, in the better direction of the score; nothing where it is not declared."""
        applied = None if self.score is None else self.score.applied_cutoff
        return None if applied is None else self.direction * applied

    @property
    def titles(self) -> dict[str, dict[str, str]]:
        """What columns and attributes are called before readers, by language; an attribute comes before a column of its name."""
        named: dict[str, Column | Group] = {**self.columns, **self.groups}
        return {name: {str(language): words for language, words in one.title.items()} for name, one in named.items() if one.title}

    def portable(self) -> Plan:
        """Return a copy whose source says what was read, not where it lay."""
        return self.model_copy(update={"source": self.source and self.source.portable()})

    @property
    def features(self) -> list[str]:
        """Columns that a score trained here may use."""
        chosen = self.score.train.features if self.score and self.score.train else None
        return list(chosen) if chosen else self.with_role(Role.FEATURE)
