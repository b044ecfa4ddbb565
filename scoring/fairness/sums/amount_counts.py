"""Numbers that are decided, counted: sums and histograms of an amount by group, favoured or not; one grouping query an amount.

An amount is grouped by its own values where they are few, otherwise by steps that widen with the amount. What is added up are
whole numbers, so that every engine gives the same bytes. Sums start at the end of each step: a variance is then never the small
difference of two large numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import ContractError
from scoring.fairness import bins
from scoring.fairness.counts import studied_rows
from scoring.fairness.labels import levels_of
from scoring.fairness.one_pass import GROUP, SCORE_COLUMN
from scoring.fairness.sums.logarithm import LOGARITHM, with_logarithm
from scoring.fairness.sums.steps import GAP, KEY, SHRINK, STEPS, Steps, steps
from scoring.plan import Plan
from scoring.tables import Table, collect
from scoring.vocabulary import UNKNOWN, Role, WeightMeaning

AMOUNTS: Final = [
    *("attribute", "group", "amount", "favoured", "sign", "bin", "lower", "upper"),
    *("n", "weight", "weight_squared", "total", "squared_total", "spread", "log_total"),
]
BINS: Final = 1_000
LARGEST: Final = 1e100
"""Whatever is beyond is no amount; its square would soon be no float."""
_FAVOURED: Final = ("tp", "fp", "au")
_VALUE, _THERE, _SIGN, _OUTER, _WEIGHT = "amount_value", "amount_there", "amount_sign", "amount_outer", "amount_weight"
_PLACE: Final = ["group", "favoured", "sign", "bin"]
_ADDED: Final = ["n", "weight", "weight_squared", "total", "squared_total", "spread", "log_total"]


def count_amounts(table: Table, plan: Plan, cutoff: float | None) -> pd.DataFrame | None:
    """Count the declared amounts; nothing where none is declared.

    Parameters
    ----------
    table
        The customer file under names of our own.
    plan
        What is studied.
    cutoff
        Of a decision by score, in the score's better direction.

    Returns
    -------
    DataFrame
        The columns `AMOUNTS`: a row per attribute, group, amount, favoured (0, 1), sign of the amount (0 where there is none) and bin (-1:
        no amount, or one that is not finite). All amounts of a bin lie in [lower, upper]. Of amounts a with weights w: `n` people, `weight`
        sum w, `weight_squared` sum w^2, `total` sum w a, `squared_total` sum w^2 a, `spread` sum w^2 (a - m)^2 about the row's own
        m = squared_total / weight_squared, `log_total` sum w a ln a over amounts above 0. Without weights w is 1; where weights are counts,
        n is sum w and w stands for w^2.

    Raises
    ------
    ContractError
        An amount too large to be one.
    """
    if not plan.amounts:
        return None
    prepared, trimmed = _decided(table, plan, cutoff), _trimmed(plan)
    parts = [_one_amount(prepared, trimmed, cutoff, amount.column).assign(amount=name) for name, amount in plan.amounts.items()]
    return pd.concat(parts, ignore_index=True)[AMOUNTS]


def _trimmed(plan: Plan) -> Plan:
    """Return the plan without what an amount does not ask for: the fewer keys, the fewer combinations."""
    unasked = {Role.STRATUM, Role.PERIOD}
    columns = {name: column.model_copy(update={"roles": column.roles - unasked}) for name, column in plan.columns.items()}
    return plan.model_copy(update={"columns": columns, "segments": None, "outcome": None})


def _decided(table: Table, plan: Plan, cutoff: float | None) -> Table:
    """Return the table with two values of the score, one on either side of the cut-off; what is no score stays as it is."""
    if plan.score is None:
        return table
    own, turn = table.own[plan.score.column or SCORE_COLUMN], plan.direction
    score, edge = nw.col(own).cast(nw.Float64), cutoff or 0.0
    side = nw.when(score * turn >= edge).then(edge * turn).otherwise((edge - max(1.0, abs(edge))) * turn)
    return replace(table, frame=table.frame.with_columns(nw.when(score.is_finite()).then(side).otherwise(score).alias(own)))


@dataclass(frozen=True, slots=True)
class _Range:
    """What must be known before whole numbers can be made: how many rows, the least and the largest amount, the largest weight."""

    rows: int
    low: float
    high: float
    weight: float

    @property
    def largest(self) -> float:
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True, slots=True)
class _Sum:
    """A number to add up, and by what it becomes whole: a power of two, which may be another in the outer steps.

    A sum of gaps is multiplied by the power `by` of what shrinks its step's distance into [1, 2).
    """

    value: nw.Expr
    near: float
    far: float
    by: int = 0

    @property
    def whole(self) -> nw.Expr:
        """The number made whole."""
        value = self.value if self.near == self.far else self.value * nw.when(nw.col(_OUTER)).then(self.far / self.near).otherwise(1.0)
        for _ in range(self.by):
            value *= nw.col(SHRINK)
        return (value * self.near + 0.5).floor().cast(nw.Int64)


def _one_amount(table: Table, plan: Plan, cutoff: float | None, column: str) -> pd.DataFrame:
    value = _finite(table, column)
    seen = _range(table, plan, column)
    found = bins.profile(table.frame, value)
    cut = None if found.kept else steps(seen.low, seen.high, found.low)
    sums = _sums(plan, seen, cut, found.high)
    staged = replace(table, frame=_staged(table, plan, value, cut, high=found.high, seen=seen))
    key = nw.when(nw.col(_THERE)).then(nw.col(KEY))
    rows = studied_rows(staged, plan, cutoff, {"key": key, "sign": nw.col(_SIGN)}, {name: part.whole for name, part in sums.items()})
    rows = rows.assign(favoured=rows["state"].isin(_FAVOURED).astype(np.int64), key=rows["key"].astype(float))
    edges = _edges(rows, cut)
    parts = []
    for name, group in plan.groups.items():
        measured = _measured(_added(rows, name, sums), plan, cut, sums, found.high)
        order = {level: place for place, level in enumerate(levels_of(group, plan))}
        parts.append(_ordered(_binned(measured, edges), order).assign(attribute=name))
    return _with_ends(pd.concat(parts, ignore_index=True), seen)


def _finite(table: Table, column: str) -> nw.Expr:
    """Return the amount; none where it is not a finite number. 0 has no sign of its own."""
    value = table.col(column).cast(nw.Float64)
    return nw.when(value.is_finite()).then(value + 0.0)


def _valid_weight(table: Table, plan: Plan) -> nw.Expr:
    """Return the weight, 1 where none is declared; 0 where there is no usable one, as such rows are rejected."""
    if (weight := plan.only(Role.WEIGHT)) is None:
        return nw.lit(1.0)
    value = table.col(weight).cast(nw.Float64)
    return nw.when(value.is_finite() & (value >= 0)).then(value).otherwise(0.0)


def _range(table: Table, plan: Plan, column: str) -> _Range:
    looked = table.frame.select(a=_finite(table, column), w=_valid_weight(table, plan))
    asked = looked.select(rows=nw.len(), low=nw.col("a").min(), high=nw.col("a").max(), weight=nw.col("w").max())
    row: dict[str, Any] = collect(asked).to_pylist()[0]
    seen = _Range(int(row["rows"]), float(row["low"] or 0.0), float(row["high"] or 0.0), float(row["weight"] or 1.0))
    if seen.largest > LARGEST:
        worst = seen.high if seen.high > LARGEST else seen.low
        raise ContractError(
            f"{table.described}: column {column!r} holds {worst:g}, which is no amount. "
            "Fix: mend the column, or leave the cell empty where there is no amount."
        )
    return seen


def _staged(table: Table, plan: Plan, value: nw.Expr, cut: Steps | None, *, high: float, seen: _Range) -> nw.LazyFrame[Any]:
    """Return the frame with what the sums are made of, each a column of its own; who has no amount stands at the origin."""
    there = ~value.is_null()
    filled = nw.when(there).then(value).otherwise(0.0 if cut is None else cut.origin)
    frame = table.frame.with_columns(filled.alias(_VALUE), there.alias(_THERE), _valid_weight(table, plan).alias(_WEIGHT))
    amount = nw.col(_VALUE)
    sign = nw.when(nw.col(_THERE)).then((amount > 0).cast(nw.Int64) - (amount < 0).cast(nw.Int64)).otherwise(0)
    frame = frame.with_columns(sign.alias(_SIGN))
    if cut is None:
        return frame.with_columns(amount.alias(KEY))
    staged = with_logarithm(cut.staged(frame, amount), amount, seen.largest)
    return staged.with_columns((nw.col(KEY).abs() > _last_inner(cut, high)).alias(_OUTER))


def _last_inner(cut: Steps, high: float) -> float:
    """Return the key up to which a step lies where nearly all amounts are: the last of the doubling of its upper end."""
    doublings = math.frexp(max(high - cut.origin, math.ldexp(1.0, cut.least)))[1] - cut.least
    return float(doublings * STEPS)


def _sums(plan: Plan, seen: _Range, cut: Steps | None, high: float) -> dict[str, _Sum]:
    """Return what must be added up row by row; where the values are the keys, nothing but the squares of weights."""
    sampled = plan.only(Role.WEIGHT) is not None and plan.weight_meaning is WeightMeaning.WEIGHT
    w, gap = nw.col(_WEIGHT), nw.col(GAP)
    squared, power = (w * w, 2) if sampled else (w, 1)
    of_weight = [seen.weight**power for power in (0, 1, 2)]

    def made(value: nw.Expr, size: float, far: float = 0.0, by: int = 0) -> _Sum:
        return _Sum(value, _scale(seen.rows, size), _scale(seen.rows, far or size), by)

    sums = {"squares": made(squared, of_weight[2])} if sampled else {}
    if cut is None:
        return sums
    # a gap shrunk is under 1/128, and under 1 about the origin itself
    inner = abs(cut.origin) + math.ldexp(1.0, cut.least + int(_last_inner(cut, high)) // STEPS)
    near, far = (of_weight[1] * _log_size(size) for size in (min(inner, seen.largest), seen.largest))
    sums["rest"] = made(w * gap, of_weight[1], by=1)
    sums["rest_log"] = made(w * nw.col(_VALUE) * nw.col(LOGARITHM), near, far)
    sums["squared_rest"] = made(squared * gap, of_weight[power], by=1)
    sums["rest_squared"] = made(squared * gap * gap, of_weight[power], by=2)
    return sums


def _log_size(largest: float) -> float:
    """Return a bound of |a ln a| for a up to `largest`: up to 1/e it rises, and is 1/e there."""
    if not largest:
        return 1.0
    return max(largest * abs(math.log(largest)), 1 / math.e if largest > 1 / math.e else 0.0)


def _scale(rows: int, size: float) -> float:
    """Return the power of two by which numbers up to `size` become whole ones whose sum fits into 63 bits."""
    bits = min(52, 62 - math.ceil(math.log2(rows + 1)))
    return math.ldexp(1.0, bits - math.ceil(math.log2(size)) - 1)


def _edges(rows: pd.DataFrame, cut: Steps | None) -> NDArray[np.float64]:
    """Return the edges of the bins: every value where they are few, about 1,000 quantiles otherwise."""
    held = rows[rows["key"].notna()].groupby("key")["n"].sum()
    keys = held.index.to_numpy(float)
    return bins.edges(keys if cut is None else cut.ends(keys)[0], held.to_numpy(), BINS, None, exact=cut is None) if len(keys) else np.empty(0)


def _added(rows: pd.DataFrame, attribute: str, sums: Mapping[str, _Sum]) -> pd.DataFrame:
    """Add whole numbers up to the groups of one attribute, favoured or not, and steps; sums of integers have no order."""
    whole = [*sums, "n", *(["weight"] if "weight" in rows else [])]
    listed = rows.assign(group=rows[GROUP + attribute].astype(object), key=rows["key"].fillna(0.0), missing=rows["key"].isna())
    added = listed.astype(dict.fromkeys(whole, np.int64)).groupby(["group", "favoured", "sign", "missing", "key"], as_index=False)[whole].sum()
    weighed = rows[rows["q"] > 0]
    unit = 1.0 if "weight" not in rows or weighed.empty else float(weighed["weight"].iloc[0] / weighed["q"].iloc[0])
    return added.assign(q=(added["weight"] if "weight" in rows else added["n"]) / unit)


def _measured(added: pd.DataFrame, plan: Plan, cut: Steps | None, sums: Mapping[str, _Sum], high: float) -> pd.DataFrame:
    """Turn whole numbers back into sums: of the amounts, of their spread within the step, of a ln a."""
    key, q, n = (added[name].to_numpy(float) for name in ("key", "q", "n"))
    far = np.zeros(len(key), bool) if cut is None else np.abs(key) > _last_inner(cut, high)
    shrink = np.ones_like(key) if cut is None else cut.shrink(key)
    held = {name: added[name].to_numpy(float) / (np.where(far, part.far, part.near) * shrink**part.by) for name, part in sums.items()}
    q2 = np.maximum(held["squares"], q**2 / n) if "squares" in held else q
    rest, rest_2, rest_22 = (held.get(name, np.zeros_like(q)) for name in ("rest", "squared_rest", "rest_squared"))
    end, side = (key, 1.0) if cut is None else (cut.nearer(key), cut.side(key))
    lower, upper = (key, key) if cut is None else cut.ends(key)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(q2 > 0, np.maximum(rest_22 - rest_2**2 / q2, 0.0), 0.0)
        logs = held["rest_log"] if cut is not None else np.where(key > 0, q * key * np.log(key), 0.0)
    counted = plan.only(Role.WEIGHT) is not None and plan.weight_meaning is WeightMeaning.COUNT
    there = ~added["missing"].to_numpy(bool)
    found = {"total": end * q + side * rest, "squared_total": end * q2 + side * rest_2, "spread": spread, "log_total": logs}
    return added[["group", "favoured", "sign"]].assign(
        n=q if counted else n, weight=q, weight_squared=q2,
        **{name: np.where(there, values, 0.0) for name, values in found.items()},
        **{name: np.where(there, values, np.nan) for name, values in (("lower", lower), ("upper", upper))},
    )  # fmt: skip


def _binned(rows: pd.DataFrame, edges: NDArray[np.float64]) -> pd.DataFrame:
    """Join steps into bins; the spread about the mean of a bin is that within its steps and that between them."""
    rows = rows.assign(bin=bins.bin_of(rows["lower"].to_numpy(float), edges))
    by = rows.groupby(_PLACE)[["weight_squared", "squared_total"]].transform("sum")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, own = (part["squared_total"].to_numpy() / part["weight_squared"].to_numpy() for part in (by, rows))
        between = np.where(mean == own, 0.0, rows["weight_squared"].to_numpy() * (own - mean) ** 2)
    rows = rows.assign(spread=rows["spread"] + np.nan_to_num(between))
    ends = {"lower": ("lower", "min"), "upper": ("upper", "max")}
    return rows.groupby(_PLACE, as_index=False).agg(**{name: (name, "sum") for name in _ADDED}, **ends)


def _ordered(rows: pd.DataFrame, order: Mapping[str, int]) -> pd.DataFrame:
    """Sort groups as declared, then by name, the unknown last."""
    places = [(level == UNKNOWN, order.get(level, len(order)), level) for level in rows["group"]]
    ranks = {place: rank for rank, place in enumerate(sorted(set(places)))}
    return rows.assign(place=[ranks[place] for place in places]).sort_values(["place", *_PLACE[1:]], ignore_index=True).drop(columns="place")


def _with_ends(rows: pd.DataFrame, seen: _Range) -> pd.DataFrame:
    """Give a bin the same ends whoever is in it, none beyond the amounts that there are."""
    ends = rows.groupby("bin").agg(lower=("lower", "min"), upper=("upper", "max")).clip(seen.low, seen.high)
    return rows.drop(columns=["lower", "upper"]).join(ends, on="bin")
