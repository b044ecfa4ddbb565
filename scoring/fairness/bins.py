"""Bins of a score: declared or found before the pass, the cut-off always an edge.

A score is grouped either by its own values (few, or whole numbers: nothing is lost) or on a grid of 1,000 equal steps whose
origin is the cut-off; after the pass, steps are joined into about as many quantile bins as the bounds say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from scoring.tables import collect

STEPS = 1_000
DISTINCT = 1_000
"""Up to so many different values, the score is kept as it is."""
NO_SCORE = -1
"""The bin of people without a score."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How a score becomes the key that the pass groups by. `width` 0: the key is the score itself."""

    origin: float = 0.0
    width: float = 0.0
    lowest: int = 0
    highest: int = 0

    def key(self, score: nw.Expr) -> nw.Expr:
        """Return the key of a score; none where there is no score."""
        if not self.width:
            return score
        return ((score - self.origin) / self.width).floor().clip(self.lowest, self.highest)

    def values(self, keys: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the lower end of each key's step."""
        return keys if not self.width else self.origin + keys * self.width


@dataclass(frozen=True, slots=True)
class Profile:
    """What must be known of a score before the pass: the range that matters, and whether its own values can be the bins."""

    low: float
    high: float
    kept: bool


def profile(frame: nw.LazyFrame[Any], score: nw.Expr) -> Profile:
    """Look at a score: a cheap scan for its range, and one or two on a coarse grid where it is not made of whole numbers."""
    seen = frame.select(s=score).filter(~nw.col("s").is_null() & nw.col("s").is_finite())
    broken = (nw.col("s") != nw.col("s").floor()).cast(nw.Int64).sum()
    row = _rows(seen.select(rows=nw.len(), low=nw.col("s").min(), high=nw.col("s").max(), broken=broken))[0]
    if not row["rows"] or row["low"] == row["high"] or (not row["broken"] and row["high"] - row["low"] <= 10 * DISTINCT):
        return Profile(row["low"] or 0.0, row["high"] or 0.0, kept=True)
    return _narrowed(seen, row["low"], row["high"])


def _narrowed(seen: nw.LazyFrame[Any], low: float, high: float, looks: int = 3) -> Profile:
    """Find the range that holds all but .2 % of the scores: one outlier must not squeeze everybody into one bin."""
    width = (high - low) / STEPS
    step = ((nw.col("s") - low) / width).floor().clip(-1, STEPS)
    grid = seen.select("s", k=step).group_by("k").agg(n=nw.len(), low=nw.col("s").min(), high=nw.col("s").max())
    rows = sorted(_rows(grid), key=lambda row: row["k"])
    if all(row["low"] == row["high"] for row in rows):
        return Profile(rows[0]["low"], rows[-1]["high"], kept=True)
    reached = np.cumsum([row["n"] for row in rows]) / sum(row["n"] for row in rows)
    first, last = np.searchsorted(reached, [0.001, 0.999])
    inner_low, inner_high = rows[first]["low"], rows[last]["high"]
    if looks > 1 and 0 < inner_high - inner_low < 0.1 * (high - low):
        return _narrowed(seen, inner_low, inner_high, looks - 1)
    return Profile(low, high, kept=False)


def _rows(frame: nw.LazyFrame[Any]) -> list[dict[str, Any]]:
    return collect(frame).to_pylist()


def grid(found: Profile, cutoff: float | None) -> Grid:
    """Choose the key of the pass."""
    if found.kept:
        return Grid()
    origin = found.low if cutoff is None else cutoff
    width = (found.high - found.low) / STEPS
    return Grid(origin, width, math.floor((found.low - origin) / width) - 1, math.floor((found.high - origin) / width) + 1)


def edges(values: NDArray[np.float64], counts: NDArray[np.int64], wanted: int, cutoff: float | None, *, exact: bool) -> NDArray[np.float64]:
    """Choose the edges of the bins among the values that the pass grouped by; every bin is [edge, next edge).

    `values` rise strictly. All of them are edges where there are few; otherwise about `wanted` quantiles, and the cut-off.
    """
    if len(values) <= wanted or (exact and len(values) <= DISTINCT):
        chosen = values
    else:
        reached = np.cumsum(counts) / counts.sum()
        positions = np.unique(np.searchsorted(reached, np.arange(1, wanted) / wanted, side="left"))
        chosen = np.concatenate([values[:1], values[np.minimum(positions + 1, len(values) - 1)]])
    return np.unique(chosen if cutoff is None else np.append(chosen, cutoff))


def bin_of(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each value: 0 below the first edge, i + 1 at or above edge i; NO_SCORE where there is none."""
    found = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), NO_SCORE, found).astype(np.int64)
