"""What a study asks: the columns and their roles, the groups, the decision, the bounds.

This is the part of the declaration that the run reads. `ProcessingActivity` wraps it in the register entry;
`scoring.audit` builds it from a notebook's arguments.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from scoring.bounds import Bounds
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


class Cutoff(Declared):
    """How a score becomes a decision."""

    rule: Literal["value", "accept_share", "cost"]
    value: float | None = Field(None, description="The cut-off (value) or the share to accept (accept_share).")
    wrongly_accepted: float | None = Field(None, ge=0, description="Cost of a person accepted whose outcome is bad (rule cost).")
    wrongly_refused: float | None = Field(None, ge=0, description="Cost of a person refused whose outcome would be good (rule cost).")

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

    engine: Literal["scorecard", "gradient_boosting"] = "scorecard"
    features: tuple[Word, ...] | None = Field(None, min_length=1, description="Default: every column with the role feature.")
    folds: int = Field(5, ge=2, le=50)
    seed: int = Field(1, ge=0)


class Score(Declared):
    """The score: a column that exists, or a model to train. More is better for the person unless `higher_is` says otherwise."""

    column: Word | None = None
    train: Training | None = None
    higher_is: Literal["better", "worse"] = "better"
    edges: tuple[float, ...] | None = Field(None, min_length=1, description="Cuts of the histogram; default: quantiles.")

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
        if self.edges is not None and list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must rise. Fix: list them from the lowest, each once.")
        return self


class Bands(Declared):
    """Segments by score: left-closed bands."""

    edges: tuple[float, ...] = Field(min_length=1)
    labels: tuple[Word, ...] | None = None

    @property
    def names(self) -> list[str]:
        """Names of the bands from the lowest; by default their numbers."""
        return list(self.labels or map(str, range(len(self.edges) + 1)))

    @model_validator(mode="after")
    def _edges_rise(self) -> Bands:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must rise. Fix: list them from the lowest, each once.")
        if len(set(self.names)) != len(self.edges) + 1:
            raise ValueError(f"{len(set(self.names))} labels for {len(self.edges) + 1} bands. Fix: one label more than edges, each different.")
        return self


class KMeans(Declared):
    """Segments by k-means on stated features."""

    segments: int = Field(ge=2, le=30)
    features: tuple[Word, ...] = Field(min_length=1)
    seed: int = Field(1, ge=0)


class Segments(Declared):
    """Segments and the offer of each. No offer is an exclusion."""

    column: Word | None = None
    bands: Bands | None = None
    kmeans: KMeans | None = None
    offers: dict[Word, Word | None] = Field(default_factory=dict, description="segment -> offer; empty means no offer.")
    version: Word = Field("1", description="Of the offer policy.")

    @model_validator(mode="after")
    def _one_way(self) -> Segments:
        if sum(way is not None for way in (self.column, self.bands, self.kmeans)) != 1:
            raise ValueError("segments come from a column, from bands or from kmeans. Fix: declare exactly one.")
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

    def portable(self) -> Plan:
        """Return a copy whose source says what was read, not where it lay."""
        return self.model_copy(update={"source": self.source and self.source.portable()})

    @property
    def features(self) -> list[str]:
        """Columns that a score trained here may use."""
        chosen = self.score.train.features if self.score and self.score.train else None
        return list(chosen) if chosen else self.with_role(Role.FEATURE)
