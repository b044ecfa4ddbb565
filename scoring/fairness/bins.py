"""Bins of a score: declared or found before the pass, the cut-off always an edge.

A score is grouped by its own values (few, or whole numbers: nothing is lost), by the declared edges, or on a grid of 1,000
equal steps whose origin is the cut-off; after the pass, steps are joined into about as many quantile bins as the bounds say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from scoring.plan import Score
from scoring.tables import collect

STEPS = 1_000
DISTINCT = 1_000
"""Up to so many different values, the score is kept as it is."""
NO_SCORE = -1
"""The bin of people without a score."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How a score becomes the key that the pass groups by. `width` 0: the key is the score itself, or its place among `edges`."""

    origin: float = 0.0
    width: float = 0.0
    lowest: int = 0
    highest: int = 0
    edges: tuple[float, ...] = ()
    least: float = math.inf
    """The smallest score of all: what lies below the grid is in its lowest step."""

    def key(self, score: nw.Expr) -> nw.Expr:
        """Return the key of a score; none where there is no score."""
        if self.edges:
            return nw.when(~score.is_null()).then(interval(score, self.edges))
        if not self.width:
            return score
        step = ((score - self.origin) / self.width).floor()
        # a quotient may be rounded over a whole number: the edge itself decides, so that a recount there agrees
        over, under = score >= self.origin + (step + 1) * self.width, score < self.origin + step * self.width
        return (step + over.cast(nw.Float64) - under.cast(nw.Float64)).clip(self.lowest, self.highest)

    def values(self, keys: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the lower end of each key's step."""
        if self.edges:
            ends = np.array([min(self.least, np.nextafter(self.edges[0], -np.inf)), *self.edges, np.nan])
            return np.asarray(ends[np.where(np.isnan(keys), -1, keys).astype(np.int64)])
        if not self.width:
            return keys
        ends = self.origin + keys * self.width
        return np.where(keys == self.lowest, np.minimum(ends, self.least), ends)

    def reached(self, keys: NDArray[np.float64], cutoff: float) -> NDArray[np.bool_]:
        """Tell which keys are at or above the cut-off, which is an edge."""
        return np.asarray(self.values(keys) >= cutoff)


def interval(value: nw.Expr, edges: Sequence[float], below: int = 0) -> nw.Expr:
    """Find the interval of a value by halving: as many comparisons as the edges have binary digits."""
    if not edges:
        return nw.lit(below)
    middle = len(edges) // 2
    left, right = interval(value, edges[:middle], below), interval(value, edges[middle + 1 :], below + middle + 1)
    return nw.when(value < edges[middle]).then(left).otherwise(right)


@dataclass(frozen=True, slots=True)
class Profile:
    """What must be known of a score before the pass: the range that matters, and whether its own values can be the bins."""

    low: float
    high: float
    kept: bool
    least: float = math.inf
    """The smallest score of all, outliers included."""


def profile(frame: nw.LazyFrame[Any], score: nw.Expr) -> Profile:
    """Look at a score: a cheap scan for its range, and one or two on a coarse grid where it is not made of whole numbers."""
    seen = frame.select(s=score).filter(~nw.col("s").is_null() & nw.col("s").is_finite())
    broken = (nw.col("s") != nw.col("s").floor()).cast(nw.Int64).sum()
    row = _rows(seen.select(rows=nw.len(), low=nw.col("s").min(), high=nw.col("s").max(), broken=broken))[0]
    if not row["rows"] or row["low"] == row["high"] or (not row["broken"] and row["high"] - row["low"] <= 10 * DISTINCT):
        return Profile(row["low"] or 0.0, row["high"] or 0.0, kept=True)
    return _narrowed(seen, row["low"], row["high"], least=row["low"])


def _narrowed(seen: nw.LazyFrame[Any], low: float, high: float, looks: int = 3, *, least: float) -> Profile:
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
        return _narrowed(seen, inner_low, inner_high, looks - 1, least=least)
    return Profile(low, high, kept=False, least=least)


def _rows(frame: nw.LazyFrame[Any]) -> list[dict[str, Any]]:
    return collect(frame).to_pylist()


def grid(found: Profile, cutoff: float | None, declared: Sequence[float] | NDArray[np.float64] = ()) -> Grid:
    """Choose the key of the pass."""
    if found.kept:
        return Grid()
    if len(declared):
        return Grid(edges=tuple(map(float, declared)), least=found.least)
    origin = found.low if cutoff is None else cutoff
    width = (found.high - found.low) / STEPS
    lowest, highest = math.floor((found.low - origin) / width) - 1, math.floor((found.high - origin) / width) + 1
    return Grid(origin, width, min(lowest, -1), max(highest, 0), least=found.least)  # a cut-off among the outliers still parts them


def declared_edges(score: Score | None, cutoff: float | None) -> NDArray[np.float64]:
    """Return the declared edges in the score's better direction, the cut-off among them; none where none are declared."""
    if score is None or score.edges is None:
        return np.empty(0)
    turned = np.array(score.edges, float) * score.direction
    return np.unique(np.append(turned, [] if cutoff is None else cutoff))


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
