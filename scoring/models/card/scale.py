"""How log-odds become points and back, and how the evidence of the bins is weighed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

BASE: Final = "(base)"
"""The row of the points table, and the column of `points_by_feature`, that everybody gets."""
EVERYBODY: Final = "(everybody)"
"""The one bin of the base."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How log-odds become points: ``points = offset + factor * ln(odds of the favourable class)``."""

    factor: float
    offset: float

    @classmethod
    def through(cls, base_points: float, base_odds: float, pdo: float) -> Scale:
        """Return the scale that gives `base_points` at `base_odds` and `pdo` more whenever the odds double.

        >>> scale = Scale.through(600, 50, 20)
        >>> [round(scale.offset + scale.factor * math.log(odds), 6) for odds in (25, 50, 100)]
        [580.0, 600.0, 620.0]
        """
        factor = pdo / math.log(2)
        return cls(factor, base_points - factor * math.log(base_odds))

    def log_odds(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Return the log-odds that points stand for.

        >>> Scale.through(600, 50, 20).log_odds(np.array([600, 620])).round(3)
        array([3.912, 4.605])
        """
        return np.asarray((points - self.offset) / self.factor, np.float64)


class Weights(NamedTuple):
    """A fitted regression on evidence: which columns it kept, their weights, and the log-odds of no evidence."""

    kept: tuple[int, ...]
    coefficients: NDArray[np.float64]
    intercept: float


def weigh(evidence: NDArray[np.float64], outcome: NDArray[Any], people: NDArray[np.float64], *, C: float, only_positive: bool) -> Weights:
    """Weigh evidence by logistic regression.

    Parameters
    ----------
    evidence, outcome, people
        (n, p) weight of evidence, (n,) 1 for favourable and 0, (n,) how many people each row stands for.
    only_positive
        Leave out the column of the lowest weight and fit again, until none is below 0.

    >>> told = np.array([[1.0, -1.0], [-1.0, 1.1], [1.0, -0.9]] * 9)
    >>> weigh(told, np.array([1, 0, 1] * 9), np.ones(27), C=1.0, only_positive=True).kept
    (0,)
    """
    kept = [*range(evidence.shape[1])]
    while kept:
        # Newton's method, for it stops at the optimum and not somewhere near it: a card must not hang on the tolerance of its solver.
        regression = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10).fit(evidence[:, kept], outcome, sample_weight=people)
        found = regression.coef_[0]
        if found.min() >= 0 or not only_positive:
            return Weights(tuple(kept), found, float(regression.intercept_[0]))
        kept.pop(int(found.argmin()))
    return Weights((), np.zeros(0), math.log(people[outcome == 1].sum() / people[outcome == 0].sum()))


BASELINES: Final[Mapping[str, str]] = {
    "max": "the best bin that anybody was in",
    "mean": "the mean of the people at fit",
    "min": "the worst bin that anybody was in",
    "neutral": "0 points, what a value that tells nothing gives",
}
"""What the points of a feature may be held against, and what it means; the names are PMML's."""


def baseline_points(points: NDArray[np.float64], count: NDArray[np.float64], baseline: str) -> float:
    """Return the points of a feature to compare a person's with.

    >>> [baseline_points(np.array([10.0, -20.0, 0.0]), np.array([3.0, 1.0, 0.0]), name) for name in BASELINES]
    [10.0, 2.5, -20.0, 0.0]
    """
    held = points[count > 0]
    return float({"max": held.max(), "mean": np.average(points, weights=count), "min": held.min(), "neutral": 0.0}[baseline])
