"""Counting people whose group is known by probability only: sums of the probabilities, by the cell that they come from.

One more pass for each such attribute. Probabilities are added up as whole numbers, so that the sums are the same on every engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import ContractError, EquiscoreError, raise_all
from scoring.fairness import one_pass
from scoring.fairness.counts import studied_rows
from scoring.fairness.labels import or_unknown, texts
from scoring.plan import Plan
from scoring.tables import Table
from scoring.vocabulary import Role, WeightMeaning

SOFT: Final = ["attribute", "cell", "level", "state", "n", "weight", "weight_squared", "expected", "r", "r_mixed", "r_squared"]
"""n people of the cell and state, expected members among them (sum of r), and the sums of w, w^2, w r, w^2 r and w^2 r^2."""
SUMS_TO_ONE: Final = 1e-6
_UNIT: Final = math.ldexp(1.0, 30)
"""A probability becomes a whole number of 2^-30: 8.5 thousand million people still add up within 63 bits."""
_BINS: Final = {1: 20, 2: 20, 3: 10}
"""Bins of a probability without a declared cell, by how many levels are binned: at most 1,000 cells together."""
_FAULTS: Final = {
    "none": "holds no probability (empty, not a number, or infinite)",
    "outside": "holds a probability below 0 or above 1",
}
_FIXES: Final = {
    "none": "give each person a probability, that of the whole population where nothing more is known, or leave them out of the file",
    "outside": "write a share between 0 and 1, such as 0.2 for 20 %",
}


def count_soft(table: Table, plan: Plan, cutoff: float | None) -> pd.DataFrame | None:
    """Add up the probabilities of membership by cell, level and state; nothing where the plan declares none.

    The cell is the declared column's value, or else a bin of the probabilities themselves. Cells are as fine as they come: they
    are merged to at least 100 people each when bounds are worked out (`membership.merged`).

    Parameters
    ----------
    table
        The customer file under names of our own.
    plan
        What is studied.
    cutoff
        Of a decision by score.

    Returns
    -------
    DataFrame
        A row per attribute, cell, declared level and state, columns `SOFT`, sorted. With a weight that counts people n is their
        number; without weights expected, r and r_mixed are the same.

    Raises
    ------
    ContractError or FaultyInput
        Rows without a probability, with one outside [0, 1], or whose levels do not add up to one within 1e-6: all at once.
    """
    if not plan.memberships:
        return None
    lean = _lean(plan)
    counted = {name: _Counted(table, lean, cutoff, name) for name in plan.memberships}
    raise_all(table.described, [fault for one in counted.values() for fault in one.faults()])
    return pd.concat([one.long() for one in counted.values()], ignore_index=True)


def _lean(plan: Plan) -> Plan:
    """Return the plan without what only splits the counts: strata, periods, segments and the steps of the score."""
    beside = {Role.STRATUM, Role.PERIOD}
    columns = {name: column.model_copy(update={"roles": column.roles - beside}) for name, column in plan.columns.items()}
    score = plan.score and plan.score.model_copy(update={"edges": (0.0,)})
    return plan.model_copy(update={"columns": columns, "segments": None, "score": score})


class _Counted:
    """One attribute after its pass: a row per key of the pass, cell and state."""

    def __init__(self, table: Table, plan: Plan, cutoff: float | None, name: str) -> None:
        self.name, self.membership, self.table, self.plan = name, plan.memberships[name], table, plan
        self.levels = list(self.membership.probabilities)
        self.weight = plan.only(Role.WEIGHT)
        alone = 1.0 if self._counts else 0.0
        self.scales = one_pass.scales_of(table, self.weight, alone) if self.weight else {}
        key = table.col(self.membership.cell) if self.membership.cell else _binned([safe(p) for p in self._probabilities])
        self.rows = studied_rows(table, plan, cutoff, {"cell": key}, dict(self._sums()))

    @property
    def _probabilities(self) -> list[nw.Expr]:
        return [self.table.col(column).cast(nw.Float64) for column in self.membership.probabilities.values()]

    def _sums(self) -> Iterator[tuple[str, nw.Expr]]:
        """Go through what is added up: probabilities times weights, and how many rows are at fault."""
        weight = safe(self.table.col(self.weight).cast(nw.Float64), most=math.inf) if self.weight else nw.lit(1.0)
        once, twice = self.scales.get("weight", _UNIT), self.scales.get("weight_squared", _UNIT)
        for i, probability in enumerate(self._probabilities):
            r = safe(probability)
            yield f"expected{i}", _whole(r * _UNIT)
            yield f"squares{i}", _whole(r * r * weight * (once if self._counts else weight * twice))
            if self.weight:
                yield f"r{i}", _whole(r * weight * once)
                yield f"mixed{i}", _whole(r * weight * weight * twice)
            finite = probability.is_finite()
            yield f"none{i}", _flag(finite, if_true=0, otherwise=1)
            yield f"outside{i}", _flag(finite & ((probability < 0) | (probability > 1)), if_true=1, otherwise=0)
        if len(self.levels) > 1:
            total = sum(self._probabilities[1:], self._probabilities[0])
            uneven = ((total - 1).abs() > SUMS_TO_ONE) & total.is_finite()
            yield "uneven", _flag(uneven, if_true=1, otherwise=0)

    @property
    def _counts(self) -> bool:
        """Whether a weight counts people."""
        return self.weight is not None and self.plan.weight_meaning is WeightMeaning.COUNT

    def faults(self) -> Iterator[EquiscoreError]:
        """Go through what is wrong with the probabilities of the people studied."""
        where = f"study.memberships.{self.name}"
        for i, column in enumerate(self.membership.probabilities.values()):
            for fault, words in _FAULTS.items():
                if rows := int(self.rows[f"{fault}{i}"].sum()):
                    yield ContractError(f"{where}: column {column!r} {words} in {rows:,} rows. Fix: {_FIXES[fault]}.")
        if (rows := int(self.rows.get("uneven", pd.Series([0])).sum())) > 0:
            columns = ", ".join(map(repr, self.membership.probabilities.values()))
            yield ContractError(
                f"{where}: columns {columns} do not add up to 1 (within {SUMS_TO_ONE:g}) in {rows:,} rows. "
                "Fix: declare every level of the attribute, or one level alone (its rest is worked out), and make each row add up to 1."
            )

    def long(self) -> pd.DataFrame:
        """Return a row per cell, level and state, the whole numbers turned back into people and weights."""
        named = self.rows.assign(cell=self._cells())
        summed = [f"{part}{i}" for part in ("expected", "squares", "r", "mixed") for i in range(len(self.levels))]
        measures = [name for name in ("n", "weight", "weight_squared", *summed) if name in named]
        added = named.groupby(["cell", "state"], as_index=False, observed=True, sort=True)[measures].sum()
        parts = [self._level(added, i).assign(level=level, place=i) for i, level in enumerate(self.levels)]
        stacked = pd.concat(parts, ignore_index=True).sort_values(["cell", "place", "state"], ignore_index=True)
        return stacked.assign(attribute=self.name)[SOFT]

    def _level(self, added: pd.DataFrame, i: int) -> pd.DataFrame:
        once, twice = self.scales.get("weight", _UNIT), self.scales.get("weight_squared", _UNIT)
        kept, n = added[["cell", "state"]], added["n"].astype(float)
        expected, squares = added[f"expected{i}"] / _UNIT, added[f"squares{i}"] / (once if self._counts else twice)
        if not self.weight:
            return kept.assign(n=n, weight=n, weight_squared=n, expected=expected, r=expected, r_mixed=expected, r_squared=squares)
        weight, r, mixed = added["weight"] / once, added[f"r{i}"] / once, added[f"mixed{i}"] / twice
        if self._counts:
            return kept.assign(n=weight, weight=weight, weight_squared=weight, expected=r, r=r, r_mixed=r, r_squared=squares)
        squared = (added["weight_squared"] / twice).clip(lower=weight**2 / n)
        return kept.assign(n=n, weight=weight, weight_squared=squared, expected=expected, r=r, r_mixed=mixed, r_squared=squares)

    def _cells(self) -> pd.Series[Any]:
        """Return the cell of each row as text."""
        if self.membership.cell:
            return or_unknown(texts(self.rows["cell"])).astype(object)
        return pd.Series(_names(self.rows["cell"].to_numpy(np.int64), _binned_levels(len(self.levels))), index=self.rows.index)


def safe(value: nw.Expr, most: float = 1.0) -> nw.Expr:
    """Return the value where it lies between 0 and `most`, and 0 where it does not: a sum must not break on what is refused anyway."""
    return nw.when(value.is_finite() & (value >= 0) & (value <= most)).then(value).otherwise(0.0)


def _whole(value: nw.Expr) -> nw.Expr:
    return (value + 0.5).floor().cast(nw.Int64)


def _flag(where: nw.Expr, *, if_true: int, otherwise: int) -> nw.Expr:
    return nw.when(where).then(if_true).otherwise(otherwise).cast(nw.Int64)


def _binned_levels(levels: int) -> int:
    """Return how many levels are binned: all but the last, which is what is left of one; no more than three."""
    return min(max(levels - 1, 1), max(_BINS))


def _binned(probabilities: Sequence[nw.Expr]) -> nw.Expr:
    """Return the number of the bin that the probabilities fall into together."""
    chosen = probabilities[: _binned_levels(len(probabilities))]
    bins = _BINS[len(chosen)]
    number: nw.Expr = nw.lit(0.0)
    for probability in chosen:
        number = number * bins + (probability * bins).floor().clip(0, bins - 1)
    return number


def _names(numbers: NDArray[np.int64], levels: int) -> list[str]:
    """Name bins by their ranges, the first level's first.

    >>> _names(np.array([0, 19]), 1), _names(np.array([21]), 2)
    (['0-0.05', '0.95-1'], ['0.05-0.1 / 0.05-0.1'])
    """
    bins = _BINS[levels]
    places = np.stack([numbers // bins**power % bins for power in reversed(range(levels))], axis=-1)
    ranges = [f"{low / bins:g}-{(low + 1) / bins:g}" for low in range(bins)]
    return [" / ".join(ranges[place] for place in row) for row in places]
