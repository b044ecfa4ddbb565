"""From customers to scores, decisions and segments: what exists is used, what is declared is trained, cross-fitted.

Who has been seen by a model is never scored by it for the study. Columns that the run works out are added to the table under
names of their own; the counting pass does not know the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from scoring.errors import ContractError
from scoring.fairness.labels import as_text, named_levels, texts
from scoring.fairness.one_pass import SCORE_COLUMN, SEGMENT_COLUMN, group_key
from scoring.plan import Cutoff, Plan
from scoring.tables import FAULT, Table, collect, extended
from scoring.vocabulary import ColumnType, Role

if TYPE_CHECKING:
    from scoring.segmenting import Learned


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
    if plan.score is not None and (told := plan.score.model_dump(include={"family", "horizon"}, exclude_none=True)):
        facts["score"] = told
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
    engine = make_engine(train.engine, calibration=train.calibration, **plain_parameters(train.parameters))
    rows = collect(table.frame)
    frame = features_of(rows, table, plan)
    known, weights = sound_rows(rows, table, plan)
    told = outcomes_of(rows, table, plan)
    fitted = cross_fit(
        engine,
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
        "parameters": plain_parameters(train.parameters), "calibration": train.calibration, "calibrated": _known_only(fitted.calibration._asdict()),
    }  # fmt: skip
    if plan.score and plan.score.horizon:
        facts["horizon_not_passed"] = int(_running(rows, table, plan).sum())
    return extended(table, rows, {SCORE_COLUMN: pa.array(fitted.scores)}), fitted.estimator, facts


def sound_rows(rows: pa.Table, table: Table, plan: Plan) -> tuple[NDArray[np.bool_], NDArray[np.float64] | None]:
    """Return which rows break nothing that may be learned from, and what each weighs: nothing where its row is broken."""
    sound: NDArray[np.bool_] = rows[FAULT].is_null().to_numpy(zero_copy_only=False).astype(bool)
    if (name := plan.only(Role.WEIGHT)) is None:
        return sound, None
    weights = rows[table.own[name]].to_pandas().to_numpy(float, na_value=np.nan)
    sound &= np.isfinite(weights) & (weights >= 0)
    return sound, np.where(sound, weights, 0.0)


def features_of(rows: pa.Table, table: Table, plan: Plan, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the features, or the columns named, as a frame under their own names; blanks are missing."""
    taken = {name: rows[table.own[name]].to_pandas() for name in (plan.features if names is None else names)}
    return pd.DataFrame({name: column.replace(r"^\s*$", None, regex=True) if column.dtype.kind in "OU" else column for name, column in taken.items()})


def outcomes_of(rows: pa.Table, table: Table, plan: Plan) -> pd.Series[Any]:
    """Return 1 for a favourable outcome, 0 for another, missing where none was observed."""
    if plan.outcome is None:
        return pd.Series(pd.NA, index=range(len(rows)), dtype="Float64")
    told = texts(rows[table.own[plan.outcome.column]].to_pandas())
    truth = set(told.dropna()) <= {"true", "false"}  # 1 means true there
    good = [as_text(bool(value) if truth and value in (0, 1) else value) for value in plan.outcome.favourable]
    return told.isin(good).astype("Float64").mask(told.isna() | _running(rows, table, plan))


def _running(rows: pa.Table, table: Table, plan: Plan) -> NDArray[np.bool_]:
    """Return whose horizon has not passed: what came early in it is no outcome yet, nor is it a bad one."""
    name = plan.only(Role.PERIOD)
    if plan.score is None or plan.score.horizon is None or plan.as_of is None or name is None or plan.columns[name].type is not ColumnType.DATE:
        return np.zeros(len(rows), dtype=bool)
    begins = pd.to_datetime(rows[table.own[name]].to_pandas()).to_numpy().astype("datetime64[D]")
    passed: NDArray[np.bool_] = begins + np.timedelta64(plan.score.horizon, "D") <= np.datetime64(plan.as_of)
    return ~passed


def plain_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of an engine as its constructor takes them: lists, where a declaration holds tuples."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()}


def _known_only(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Return figures as JSON knows them: none where there is no number."""
    return {name: value if np.isfinite(value) else None for name, value in figures.items()}


def persons_of(rows: pa.Table, table: Table, plan: Plan) -> Any:
    """Return whose each row is, so that all rows of a person or household are scored by models that saw none of them."""
    name = plan.only(Role.CLUSTER) or plan.only(Role.IDENTIFIER)
    if name is None:
        return None
    who = rows[table.own[name]].to_pandas()
    return who.where(who.notna(), pd.Series([f"row {i}" for i in range(len(who))]))


def groups_of(table: Table, plan: Plan) -> pd.DataFrame:
    """Return the level of each person in each attribute, in the order of the rows."""
    keys = {f"k{i}": group_key(table, plan, group) for i, group in enumerate(plan.groups.values())}
    held: pa.Table = collect(table.frame.select(**keys))
    kinds = [plan.columns[group.column].type for group in plan.groups.values()]
    named = zip(plan.groups.items(), held.column_names, kinds, strict=True)
    return pd.DataFrame({name: named_levels(held[own].to_pandas(), group, kind) for (name, group), own, kind in named})


def _cut(table: Table, plan: Plan) -> tuple[float, dict[str, Any]]:
    """Choose the cut-off by the declared rule, in the score's own units."""
    from scoring.models.cutoffs import choose_cutoff

    rule = plan.decision.cutoff
    if rule is None or plan.score is None:
        raise ContractError("There is no score to cut. Fix: declare study.score.")
    turned = plan.direction
    needed = {
        plan.score.column or SCORE_COLUMN,
        *([plan.outcome.column] if plan.outcome else []),
        *plan.with_role(Role.WEIGHT),
        *plan.with_role(Role.PERIOD),
    }
    needed |= set(rule.cost_columns.values())
    rows = collect(table.frame.select(*[nw.col(table.own[name]) for name in sorted(needed)], nw.col(FAULT)))
    sound, weights = sound_rows(rows, table, plan)
    scores = turned * pd.to_numeric(rows[table.own[plan.score.column or SCORE_COLUMN]].to_pandas()).to_numpy(float, na_value=np.nan)
    chosen = np.isfinite(scores) & sound
    if not chosen.any():
        raise ContractError(f"{table.described}: nobody has a score. Fix: check the column of the score.")
    value: Any = turned * rule.value if rule.rule == "value" and rule.value is not None else rule.value
    costs = costs_of(rows, table, rule, chosen)
    outcome = outcomes_of(rows, table, plan)[chosen].astype(object) if plan.outcome and rule.rule == "cost" else None
    found = choose_cutoff(
        scores[chosen],
        rule=rule.rule,
        value=value,
        outcome=None if outcome is None else outcome.where(outcome.notna(), None),
        weights=None if weights is None else weights[chosen],
        **costs,
    )
    declared = rule.model_dump(exclude_none=True)
    # where each person has a cost of their own, the mean stands where the dossier looks for a number
    declared |= {name: float(pd.Series(costs[name]).mean()) for name in rule.cost_columns}
    facts = {"value": turned * found.value, "share": found.share, "rule": found.rule, "declared": declared, "cost_columns": rule.cost_columns}
    return found.value, facts


def costs_of(rows: pa.Table, table: Table, rule: Cutoff, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the costs of the rule cost by name: a number, or the amount of each person who may move the cut-off."""
    if rule.rule != "cost":
        return {}
    own = {name: rows[table.own[column]].to_pandas().to_numpy(float, na_value=np.nan)[chosen] for name, column in rule.cost_columns.items()}
    return {"wrongly_accepted": rule.wrongly_accepted, "wrongly_refused": rule.wrongly_refused, **own}


def _segmented(table: Table, plan: Plan) -> tuple[Table, dict[str, Any]]:
    """Make the declared segments, from the columns that they need and no other."""
    from scoring.segmenting import make_segments

    return make_segments(table, plan, lambda names: learned_from(table, plan, names))


def learned_from(table: Table, plan: Plan, names: Sequence[str]) -> Learned:
    """Return the numbers that segments are learned from, and what each row weighs: nothing where it is broken."""
    from scoring.segmenting import Learned

    needed = sorted({*names, *plan.with_role(Role.WEIGHT)})
    rows = collect(table.frame.select(*[nw.col(table.own[name]) for name in needed], nw.col(FAULT)))
    sound, weights = sound_rows(rows, table, plan)
    frame = pd.DataFrame({name: pd.to_numeric(rows[table.own[name]].to_pandas()).to_numpy(float, na_value=np.nan) for name in names})
    return Learned(frame, sound.astype(float) if weights is None else weights)


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
