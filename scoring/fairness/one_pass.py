"""The one pass over the customer file: rows become the counts of what stands in them.

It groups by what is in the file, which is cheap on any engine. Names, decisions and states are read off the few rows that
come back (`labels`). Validation is counting too: the number of a row's first fault is one more key.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import narwhals as nw
import pandas as pd

from scoring.errors import ContractError
from scoring.fairness import bins
from scoring.plan import Group, Plan
from scoring.tables import FAULT, Table, collect, encoded
from scoring.vocabulary import ColumnType, Role, WeightMeaning

GROUP: Final = "group."
STRATUM: Final = "stratum."
STAGE: Final = "stage."
"""Before the names of attributes, strata and stages, so that no name of a column can collide with ours."""
SCORE_COLUMN: Final = "(score)"
SEGMENT_COLUMN: Final = "(segment)"
"""Names under which a table bears what was worked out here."""
MOST_CELLS: Final = 5_000_000
MOST_ROWS: Final = 2**31 - 2
"""Of groups by cluster or by further keys: as many as an engine takes for a limit."""
HEAVIEST: Final = 1e100
"""The square of a larger weight would soon be no float."""
_POWERS: Final = {"weight": 1, "weight_squared": 2}
_ARTICLE: Final = {
    ColumnType.TEXT: "text",
    ColumnType.INTEGER: "an integer",
    ColumnType.NUMBER: "a number",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.DATE: "a date",
}


@dataclass(frozen=True, slots=True)
class Pass:
    """What came back: a row per combination; the reasons that `fault` numbers from 1; the grid that `score` is on."""

    rows: pd.DataFrame
    reasons: tuple[str, ...]
    grid: bins.Grid
    exact: bool
    scales: Mapping[str, float]
    """What weights were multiplied by to become whole numbers."""


def run(
    table: Table, plan: Plan, cutoff: float | None, *, also: Mapping[str, nw.Expr] | None = None, sums: Mapping[str, nw.Expr] | None = None
) -> Pass:
    """Group the customers by everything that the study asks for, and by `also` if it is given; add up `sums`, whole numbers, in each.

    Raises
    ------
    ContractError
        More combinations than counts can be made of.
    """
    score = _score(table, plan)
    found = bins.profile(table.frame, score) if score is not None else None
    grid = bins.grid(found, cutoff, bins.declared_edges(plan.score, cutoff)) if found is not None else bins.Grid()
    listed = list(faults(table, plan, score))
    keys = _keys(table, plan)
    if score is not None:
        keys["score"] = grid.key(nw.when(score.is_finite()).then(score))
    keys["fault"] = _number(listed)
    keys |= also or {}
    weight = plan.only(Role.WEIGHT)
    alone = 1.0 if plan.weight_meaning is WeightMeaning.COUNT else 0.0  # a rejected row without a usable weight is one row still
    scales = scales_of(table, weight, alone) if weight else {}
    added = {name: _scaled(table.col(weight), name, scale, alone) for name, scale in scales.items() if weight} | dict(sums or {})
    rows = _grouped(table, keys, added, most=MOST_ROWS if also else MOST_CELLS)
    return Pass(rows, tuple(reason for reason, _ in listed), grid, found is None or found.kept, scales)


def _grouped(table: Table, keys: Mapping[str, nw.Expr], added: Mapping[str, nw.Expr], *, most: int) -> pd.DataFrame:
    plain = {name: f"k{i}" for i, name in enumerate(keys)}  # an engine may read a name with a dot or a blank as something else
    summed = {name: f"s{i}" for i, name in enumerate(added)}
    prepared = table.frame.select(**{plain[name]: key for name, key in keys.items()}, **{summed[name]: value for name, value in added.items()})
    sums = {f"t{own}": nw.col(own).sum() for own in summed.values()}
    grouped = prepared.group_by(*plain.values()).agg(n=nw.len(), **sums).head(most + 1)
    names = {own: name for name, own in plain.items()} | {f"t{own}": name for name, own in summed.items()}
    rows = encoded(collect(grouped)).to_pandas().rename(columns=names)
    if len(rows) > most:
        raise ContractError(f"{table.described}: over {most:,} combinations of groups. Fix: cut numbers at edges, or protect fewer columns.")
    return rows.astype(dict.fromkeys(added, "int64"))


def _keys(table: Table, plan: Plan) -> dict[str, nw.Expr]:
    keys = {GROUP + name: group_key(table, plan, group) for name, group in plan.groups.items()}
    keys |= {STRATUM + name: table.col(name) for name in plan.with_role(Role.STRATUM)}
    keys |= {f"{STAGE}{position}": table.col(stage.column) for position, stage in enumerate(plan.funnel)}
    segment = plan.segments and (plan.segments.column or SEGMENT_COLUMN)
    parts = {
        "decision": plan.decision.column,
        "outcome": plan.outcome and plan.outcome.column,
        "period": plan.only(Role.PERIOD),
        "segment": segment if segment in table.own else None,
    }
    keys |= {part: table.col(name) for part, name in parts.items() if name}
    if (period := plan.only(Role.PERIOD)) is not None and plan.columns[period].type is ColumnType.DATE:
        keys["period"] = table.col(period).dt.year() * 100 + table.col(period).dt.month()  # days would make every cell a person
    return keys


def _score(table: Table, plan: Plan) -> nw.Expr | None:
    """Return the score turned so that more is better for the person."""
    if plan.score is None:
        return None
    score = table.col(plan.score.column or SCORE_COLUMN).cast(nw.Float64)
    return -score if plan.score.higher_is == "worse" else score


def group_key(table: Table, plan: Plan, group: Group) -> nw.Expr:
    """Return the level of a group, or the number of the interval that it falls into."""
    value, kind = table.col(group.column), plan.columns[group.column].type
    if group.edges is None:
        return value
    if kind is ColumnType.DATE:
        if plan.as_of is None:
            raise ContractError(
                f"column {group.column!r}: an age needs a day to be worked out for. Fix: declare study.as_of; there is no clock here."
            )
        value = _completed_years(value, plan.as_of)
    else:
        value = nw.when(value.cast(nw.Float64).is_finite()).then(value.cast(nw.Float64))
    return nw.when(~value.is_null()).then(bins.interval(value, group.edges))


def _completed_years(birth: nw.Expr, day: date) -> nw.Expr:
    """Return the age in completed years: it turns on the birthday."""
    had_birthday = (birth.dt.month() * 100 + birth.dt.day()) <= day.month * 100 + day.day
    return (nw.lit(day.year) - birth.dt.year() - nw.when(had_birthday).then(0).otherwise(1)).cast(nw.Float64)


def faults(table: Table, plan: Plan, score: nw.Expr | None) -> Iterator[tuple[str, nw.Expr]]:
    """Go through what can be wrong with a row whatever its groups: the reason, and the expression that is true for it."""
    for name, own in table.own.items():
        if name in plan.columns and plan.columns[name].type is not ColumnType.TEXT:
            yield f"{name}: not {_ARTICLE[plan.columns[name].type]}", nw.col(FAULT) == own
    if (weight := plan.only(Role.WEIGHT)) is not None:
        value = table.col(weight).cast(nw.Float64)
        yield f"{weight}: no weight", value.is_null() | ~value.is_finite()
        yield f"{weight}: negative weight", value < 0
    for name in dict.fromkeys(amount.column for amount in plan.amounts.values()):
        value = table.col(name).cast(nw.Float64)
        yield f"{name}: not a number", ~value.is_null() & ~value.is_finite() & ~value.is_nan()  # not-a-number is how a frame says: none
    if score is not None and plan.score is not None:
        yield f"{plan.score.column or 'score'}: not a number", ~score.is_null() & ~score.is_finite()


def _number(listed: Sequence[tuple[str, nw.Expr]]) -> nw.Expr:
    """Return the number of a row's first fault, 0 where there is none."""
    code = nw.lit(0)
    for number, (_, broken) in reversed(list(enumerate(listed, start=1))):
        code = nw.when(broken).then(number).otherwise(code)
    return code


def scales_of(table: Table, weight: str, least: float) -> dict[str, float]:
    """Return the powers of two by which weights and their squares become integers whose sums fit into 63 bits.

    Sums of integers are the same bytes on every engine and in every order; sums of floats are not.
    """
    seen = table.frame.select(w=table.col(weight).cast(nw.Float64)).filter(~nw.col("w").is_null() & nw.col("w").is_finite() & (nw.col("w") > 0))
    row: dict[str, Any] = collect(seen.select(high=nw.col("w").max(), rows=nw.len())).to_pylist()[0]
    if not row["rows"]:
        raise ContractError(f"{table.described}: column {weight!r} holds no weight above 0. Fix: give positive weights, or leave the weight out.")
    if row["high"] > HEAVIEST:
        raise ContractError(f"{table.described}: column {weight!r} holds {row['high']:g}, which is no weight. Fix: give weights up to {HEAVIEST:g}.")
    bits = min(52, 62 - math.ceil(math.log2(row["rows"] + 1)))
    return {name: math.ldexp(1.0, bits - math.ceil(power * math.log2(max(row["high"], least))) - 1) for name, power in _POWERS.items()}


def _scaled(weight: nw.Expr, name: str, scale: float, alone: float) -> nw.Expr:
    value = weight.cast(nw.Float64)
    valid = nw.when(value.is_finite() & (value >= 0)).then(value).otherwise(alone)
    return ((valid * valid if name == "weight_squared" else valid) * scale + 0.5).floor().cast(nw.Int64)
