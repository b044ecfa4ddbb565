"""From customers to scores, decisions and segments: what exists is used, what is declared is trained, cross-fitted.

Who has been seen by a model is never scored by it for the study. Columns that the run works out are added to the table under
names of their own; the counting pass does not know the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from scoring.errors import ContractError
from scoring.fairness.labels import as_text, texts
from scoring.fairness.one_pass import SCORE_COLUMN, SEGMENT_COLUMN
from scoring.plan import Plan
from scoring.tables import FAULT, Table, collect, extended
from scoring.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Scored:
    """The table with what was worked out, the cut-off in the score's better direction, and facts for the reviewer."""

    table: Table
    cutoff: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    estimator: Any = None


def score_customers(table: Table, plan: Plan) -> Scored:
    """Train what is to be trained, choose the cut-off, make the segments.

    Raises
    ------
    ContractError or EquiscoreError
        Nothing to learn from, a cut-off that cannot be chosen, a segment without an offer.
    """
    facts: dict[str, Any] = {}
    estimator = None
    if plan.score is not None and plan.score.train is not None:
        table, estimator, facts["model"] = _trained(table, plan)
    cutoff = None
    if plan.decision.cutoff is not None:
        cutoff, facts["cutoff"] = _cut(table, plan)
    if plan.segments is not None:
        table, facts["segments"] = _segmented(table, plan)
    return Scored(table, cutoff, facts, estimator)


def _trained(table: Table, plan: Plan) -> tuple[Table, Any, dict[str, Any]]:
    from scoring.models.training import cross_fit, make_engine

    train = plan.score.train if plan.score else None
    if train is None or plan.outcome is None:
        raise ContractError("There is nothing to learn from. Fix: declare study.outcome.")
    rows = collect(table.frame)
    frame = features_of(rows, table, plan)
    known, weights = sound_rows(rows, table, plan)
    told = _outcomes(rows, table, plan)
    fitted = cross_fit(
        make_engine(train.engine),
        frame,
        told.astype(float),
        seed=train.seed,
        folds=train.folds,
        groups=persons_of(rows, table, plan),
        observed=known & told.notna().to_numpy(),
        sample_weight=weights,
        favourable=1.0,
    )
    facts = {
        "engine": train.engine, "scale": fitted.scale, "folds": train.folds, "seed": train.seed, "features": plan.features,
        "fold_aucs": list(fitted.fold_aucs), "trained_on": int((known & told.notna()).sum()),
    }  # fmt: skip
    return extended(table, rows, {SCORE_COLUMN: pa.array(fitted.scores)}), fitted.estimator, facts


def sound_rows(rows: pa.Table, table: Table, plan: Plan) -> tuple[NDArray[np.bool_], NDArray[np.float64] | None]:
    """Return which rows break nothing that may be learned from, and what each weighs: nothing where its row is broken."""
    sound: NDArray[np.bool_] = rows[FAULT].is_null().to_numpy(zero_copy_only=False).astype(bool)
    if (name := plan.only(Role.WEIGHT)) is None:
        return sound, None
    weights = rows[table.own[name]].to_pandas().to_numpy(float, na_value=np.nan)
    sound &= np.isfinite(weights) & (weights >= 0)
    return sound, np.where(sound, weights, 0.0)


def features_of(rows: pa.Table, table: Table, plan: Plan) -> pd.DataFrame:
    """Return the features as a frame under their own names; blanks are missing."""
    taken = {name: rows[table.own[name]].to_pandas() for name in plan.features}
    return pd.DataFrame({name: column.replace(r"^\s*$", None, regex=True) if column.dtype.kind in "OU" else column for name, column in taken.items()})


def _outcomes(rows: pa.Table, table: Table, plan: Plan) -> pd.Series[Any]:
    """Return 1 for a favourable outcome, 0 for another, missing where none was observed."""
    if plan.outcome is None:
        return pd.Series(pd.NA, index=range(len(rows)), dtype="Float64")
    told = texts(rows[table.own[plan.outcome.column]].to_pandas())
    truth = set(told.dropna()) <= {"true", "false"}  # 1 means true there
    good = [as_text(bool(value) if truth and value in (0, 1) else value) for value in plan.outcome.favourable]
    return told.isin(good).astype("Float64").mask(told.isna())


def persons_of(rows: pa.Table, table: Table, plan: Plan) -> Any:
    """Return whose each row is, so that all rows of a person or household are scored by models that saw none of them."""
    name = plan.only(Role.CLUSTER) or plan.only(Role.IDENTIFIER)
    if name is None:
        return None
    who = rows[table.own[name]].to_pandas()
    return who.where(who.notna(), pd.Series([f"row {i}" for i in range(len(who))]))


def _cut(table: Table, plan: Plan) -> tuple[float, dict[str, Any]]:
    """Choose the cut-off by the declared rule, in the score's own units."""
    from scoring.models.cutoffs import choose_cutoff

    rule = plan.decision.cutoff
    if rule is None or plan.score is None:
        raise ContractError("There is no score to cut. Fix: declare study.score.")
    turned = plan.direction
    needed = {plan.score.column or SCORE_COLUMN, *([plan.outcome.column] if plan.outcome else []), *plan.with_role(Role.WEIGHT)}
    rows = collect(table.frame.select(*[nw.col(table.own[name]) for name in sorted(needed)], nw.col(FAULT)))
    sound, weights = sound_rows(rows, table, plan)
    scores = turned * pd.to_numeric(rows[table.own[plan.score.column or SCORE_COLUMN]].to_pandas()).to_numpy(float, na_value=np.nan)
    chosen = np.isfinite(scores) & sound
    if not chosen.any():
        raise ContractError(f"{table.described}: nobody has a score. Fix: check the column of the score.")
    value: Any = turned * rule.value if rule.rule == "value" and rule.value is not None else rule.value
    if rule.rule == "cost":
        value = {"wrongly_accepted": rule.wrongly_accepted, "wrongly_refused": rule.wrongly_refused}
    outcome = _outcomes(rows, table, plan)[chosen].astype(object) if plan.outcome and rule.rule == "cost" else None
    found = choose_cutoff(
        scores[chosen],
        rule=rule.rule,
        value=value,
        outcome=None if outcome is None else outcome.where(outcome.notna(), None),
        weights=None if weights is None else weights[chosen],
    )
    facts = {"value": turned * found.value, "share": found.share, "rule": found.rule, "declared": rule.model_dump(exclude_none=True)}
    return found.value, facts


def _segmented(table: Table, plan: Plan) -> tuple[Table, dict[str, Any]]:
    """Make the declared segments; check that the offers speak of each."""
    rule = plan.segments
    if rule is None or rule.column is not None:
        return table, {"from": rule.column if rule else None}
    if rule.bands is not None:
        return _banded(table, plan), {"from": "bands", **rule.bands.model_dump(mode="json")}
    return _clustered(table, plan)


def _banded(table: Table, plan: Plan) -> Table:
    """Cut the score into bands without reading it: the band is one more expression of the pass. `models.ScoreBands` gives the same."""
    bands = plan.segments.bands if plan.segments else None
    if bands is None or plan.score is None:
        raise ContractError("There is no score to cut into bands. Fix: declare study.score.")
    score = nw.col(table.own[plan.score.column or SCORE_COLUMN]).cast(nw.Float64)
    edges, names = bands.edges, bands.names
    band = nw.lit(names[0])
    for edge, name in zip(edges, names[1:], strict=True):
        band = nw.when(score >= edge).then(nw.lit(name)).otherwise(band)
    own = f"c{len(table.own)}"
    return Table(
        table.frame.with_columns(nw.when(score.is_finite()).then(band).alias(own)),
        {**table.own, SEGMENT_COLUMN: own},
        table.described,
        table.fingerprint,
    )


def _clustered(table: Table, plan: Plan) -> tuple[Table, dict[str, Any]]:
    from scoring.models.segments import KMeansSegments

    rule = plan.segments.kmeans if plan.segments else None
    if rule is None:
        raise ContractError("No segments are declared. Fix: declare study.segments.")
    rows = collect(table.frame)
    frame = pd.DataFrame({name: rows[table.own[name]].to_pandas() for name in rule.features})
    sound, weights = sound_rows(rows, table, plan)
    made = KMeansSegments(rule.segments, rule.seed, features=list(rule.features)).fit(frame, sample_weight=sound if weights is None else weights)
    facts = {
        "from": "k-means", "segments": rule.segments, "features": list(rule.features), "seed": rule.seed,
        "centres": made.centres().to_dict("records"), "replaced": {name: int(n) for name, n in zip(made.features_, made.replaced_, strict=True)},
    }  # fmt: skip
    return extended(table, rows, {SEGMENT_COLUMN: pa.array([str(label) for label in made.labels_])}), facts


def person_rows(scored: Scored, plan: Plan) -> pa.Table:
    """Return the score, decision, segment and offer of each person: personal data, for the controller alone."""
    from scoring.customers.intake import with_pseudonyms

    table = scored.table
    wanted = {"score": (plan.score and plan.score.column) or SCORE_COLUMN, "segment": (plan.segments and plan.segments.column) or SEGMENT_COLUMN}
    identifier = plan.only(Role.IDENTIFIER)
    names = {name: table.own[column] for name, column in wanted.items() if column in table.own}
    names |= {"decision": table.own[plan.decision.column]} if plan.decision.column else {}
    names |= {"identifier": table.own[identifier]} if identifier else {}
    rows = collect(table.frame.select(**{name: nw.col(own) for name, own in names.items()}))
    if scored.cutoff is not None and plan.score is not None:
        score = plan.direction * rows["score"].to_pandas().to_numpy(float, na_value=np.nan)
        rows = rows.append_column("favoured", pa.array(score >= scored.cutoff, mask=~np.isfinite(score)))
    if plan.segments is not None and plan.segments.offers:
        offers = plan.segments.offers
        rows = rows.append_column("offer", pa.array([offers.get(segment) for segment in rows["segment"].to_pylist()], pa.string()))
    return with_pseudonyms(rows, "identifier") if identifier else rows.append_column("row", pa.array(range(1, len(rows) + 1)))
