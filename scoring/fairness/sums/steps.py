"""Steps of an amount whose width grows with the distance from where most amounts begin.

Amounts have long tails: equal steps that reach the largest are too wide for the others. Each doubling of the distance from an
origin is cut into 128 equal steps (as high dynamic range histograms do), so a step is never wider than 1/128 of its distance.
Its ends are sums of powers of two: every engine places an amount on the same side of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from scoring.fairness.sums.logarithm import FAINTEST, chosen

STEPS: Final = 128
KEY: Final = "amount_key"
GAP: Final = "amount_gap"
"""How far an amount is beyond the end of its step that is nearer to the origin."""
SHRINK: Final = "amount_shrink"
"""The power of two that brings the distance into [1, 2)."""
_SIDE, _FAR, _DOUBLING, _PLACE = "amount_side", "amount_far", "amount_doubling", "amount_place"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Steps:
    """How an amount becomes a key: the number of its step, counted from the origin, negative below it. Within 2^`least` of it: 0."""

    origin: float
    most: int
    """Every distance is under 2^most."""

    @property
    def least(self) -> int:
        """Return the power of two of the first doubling."""
        return self.most - FAINTEST

    def staged(self, frame: nw.LazyFrame[Any], value: nw.Expr) -> nw.LazyFrame[Any]:
        """Return the frame with the columns `KEY`, `GAP` and `SHRINK` of a value without gaps."""
        powers = range(self.least, self.most)
        edges = [math.ldexp(1.0, power) for power in powers[1:]]
        side = (value >= self.origin).cast(nw.Float64) - (value < self.origin).cast(nw.Float64)
        far, near = nw.col(_FAR), nw.col(_FAR) < math.ldexp(1.0, self.least)
        key = nw.when(near).then(0.0).otherwise(nw.col(_SIDE) * (1.0 + nw.col(_DOUBLING) * STEPS + nw.col(_PLACE)))
        gap = nw.when(near).then(far * nw.col(_SIDE)).otherwise(far - (1.0 + nw.col(_PLACE) / STEPS) / nw.col(SHRINK))
        return (
            frame.with_columns((value - self.origin).abs().alias(_FAR), side.alias(_SIDE))
            .with_columns(
                chosen(far, edges, [float(doubling) for doubling in range(len(powers))]).alias(_DOUBLING),
                chosen(far, edges, [math.ldexp(1.0, -power) for power in powers]).alias(SHRINK),
            )
            .with_columns(((far * nw.col(SHRINK) - 1.0) * STEPS).floor().alias(_PLACE))
            .with_columns(key.alias(KEY), gap.alias(GAP))
        )

    def nearer(self, keys: Floats) -> Floats:
        """Return the end of each step that is nearer to the origin: from it gaps are counted, away from the origin."""
        return self._end(keys, 0)

    def side(self, keys: Floats) -> Floats:
        """Return 1 where gaps are counted upwards, -1 where they are counted downwards."""
        return np.where(keys < 0, -1.0, 1.0)

    def ends(self, keys: Floats) -> tuple[Floats, Floats]:
        """Return the lower and the upper end of each step."""
        first, second = self._end(keys, 0), self._end(keys, 1)
        faint = np.where(keys == 0, math.ldexp(1.0, self.least), 0.0)
        return np.minimum(first, second) - faint, np.maximum(first, second) + faint

    def shrink(self, keys: Floats) -> Floats:
        """Return the power of two of each step."""
        return np.ldexp(1.0, -(self.least + self._doubling(keys)))

    def _doubling(self, keys: Floats) -> NDArray[np.int64]:
        return np.asarray(np.maximum(np.abs(keys) - 1, 0) // STEPS, np.int64)

    def _end(self, keys: Floats, further: int) -> Floats:
        place = np.maximum(np.abs(keys) - 1, 0) % STEPS + further
        far = (1.0 + place / STEPS) / self.shrink(keys)
        return self.origin + np.where(keys == 0, 0.0, np.sign(keys) * far)


def steps(low: float, high: float, origin: float) -> Steps:
    """Return the steps of amounts between `low` and `high`, from an origin between them.

    >>> found = steps(0.0, 1000.0, 0.0)
    >>> lower, upper = found.ends(np.array([1.0 + 51 * STEPS]))
    >>> found.most, lower.tolist(), upper.tolist()
    (10, [512.0], [516.0])
    """
    return Steps(origin, math.frexp(max(high - origin, origin - low))[1])
