"""Whether a score tells people apart better in one group than in another, or than another score does: DeLong's difference of AUCs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from scoring.errors import EquiscoreError
from scoring.fairness.curves import Curve, Number, check_rows, curves_of, limits_of, quantile
from scoring.fairness.restricted import Floats, shaped


@dataclass(frozen=True, slots=True)
class Difference(Generic[Number]):
    """An AUC less another: DeLong's limits, standard error and test of no difference; nan where there is none.

    Where a class has under 20 or a variance is 0, the limits join those of the two AUCs and there is no test.
    """

    value: Number
    low: Number
    high: Number
    standard_error: Number
    z: Number
    p: Number


def auc_difference(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike], *, confidence: float = 0.95, exact_ties: bool = False
) -> Difference[Floats]:
    """Return the AUC of one group of people less that of another, from counts by bin (last axis); the groups share nobody.

    Parameters
    ----------
    first, second : tuple of array_like
        Counts of outcome 1 and of outcome 0 by bin, lowest bin first; leading axes are separate comparisons.
    confidence : float
        Coverage of the interval.
    exact_ties : bool
        As in `auc_from_bins`; otherwise the limits are moved apart by what binning leaves open.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson 1988, *Biometrics* 44:837; joined limits: Zou & Donner 2008, *Statistics in Medicine* 27:1693.

    Examples
    --------
    >>> found = auc_difference(([5, 20, 45], [60, 35, 25]), ([20, 20, 30], [45, 35, 40]), exact_ties=True)
    >>> round(float(found.value), 4), round(float(found.low), 4), round(float(found.high), 4), round(float(found.p), 4)
    (0.2188, 0.1177, 0.3198, 0.0)
    """
    z = quantile(confidence)
    one, shape = curves_of(*first, None, exact_ties=exact_ties)
    other, _ = curves_of(*second, None, exact_ties=exact_ties)
    found = _difference(one, other, np.zeros_like(one.value), z)
    fields = (found.value, found.low, found.high, found.standard_error, found.z, found.p)
    return Difference(*(shaped(values, shape) for values in fields))


def auc_difference_paired(scores_a: ArrayLike, scores_b: ArrayLike, outcome: ArrayLike, *, confidence: float = 0.95) -> Difference[float]:
    """Return the AUC of one score less that of another on the same people: their placements go together, and so do the errors.

    Parameters
    ----------
    scores_a, scores_b : array_like
        Two scores a person, each higher where outcome 1 is likelier.
    outcome : array_like
        0 or 1 a person.
    confidence : float
        Coverage of the interval.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson 1988, *Biometrics* 44:837, equations 4 to 6; Sun & Xu 2014, *IEEE Signal Processing Letters* 21:1389.

    Examples
    --------
    >>> found = auc_difference_paired([1, 2, 3, 4, 5, 6], [2, 1, 3, 6, 4, 5], [0, 0, 1, 0, 1, 1])
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.222, -0.134, 0.581)
    """
    z = quantile(confidence)
    score = np.stack([np.ravel(np.asarray(scores, dtype=np.float64)) for scores in _same_length(scores_a, scores_b)])
    good = np.ravel(np.asarray(outcome, dtype=np.float64))
    for row in score:
        check_rows(row, good, np.ones_like(row))
    of_good, of_bad = _placements(score, good == 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shared = _covariance(of_good) / of_good.shape[1] + _covariance(of_bad) / of_bad.shape[1]
    value = of_good.mean(axis=1) if of_good.size and of_bad.size else np.full(2, np.nan)
    sizes = np.array([float(of_good.shape[1])]), np.array([float(of_bad.shape[1])])
    one, other = (Curve(value[[i]], shared[[i], i], *sizes, tied=np.zeros(1)) for i in (0, 1))
    found = _difference(one, other, shared[[0], 1], z)
    return Difference(*(float(values[0]) for values in (found.value, found.low, found.high, found.standard_error, found.z, found.p)))


def _same_length(scores_a: ArrayLike, scores_b: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
    if np.size(np.asarray(scores_a)) != np.size(np.asarray(scores_b)):
        raise EquiscoreError("scores_a and scores_b have different lengths. Fix: give both scores of every person, in the same order.")
    return scores_a, scores_b


def _placements(score: Floats, good: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the share of the other class that each good one beats and that each bad one is beaten by, ties half: (2, good), (2, bad)."""
    among_all = stats.rankdata(score, axis=1)
    n1, n0 = good.sum(), (~good).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        of_good = (among_all[:, good] - stats.rankdata(score[:, good], axis=1)) / n0
        of_bad = 1 - (among_all[:, ~good] - stats.rankdata(score[:, ~good], axis=1)) / n1
    return of_good, of_bad


def _covariance(placements: Floats) -> Floats:
    return np.cov(placements) if placements.shape[1] > 1 else np.full((2, 2), np.nan)


def _difference(one: Curve, other: Curve, covariance: Floats, z: float) -> Difference[Floats]:
    """Subtract: DeLong's interval and test, or limits joined from those of each where his variance is no footing."""
    value, tied = one.value - other.value, one.tied + other.tied
    error = np.sqrt(np.maximum(one.variance + other.variance - 2 * covariance, 0.0))
    rough = one.rough | other.rough
    (low_a, high_a), (low_b, high_b) = limits_of(one, z), limits_of(other, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        together = np.where(rough & (one.variance * other.variance > 0), covariance / np.sqrt(one.variance * other.variance), 0.0)
        score = np.where(rough, np.nan, np.where(error > 0, value / error, np.where(value == 0, 0.0, np.nan)))
    down = _joined(one.value - low_a, high_b - other.value, together)
    up = _joined(high_a - one.value, other.value - low_b, together)
    low, high = np.where(rough, value - down, value - z * error - tied), np.where(rough, value + up, value + z * error + tied)
    p = 2 * special.ndtr(-np.abs(score))
    return Difference(value, np.maximum(low, -1.0), np.minimum(high, 1.0), np.where(rough, np.nan, error), score, p)


def _joined(first: Floats, second: Floats, correlation: Floats) -> Floats:
    """Join two distances to limits into one (Zou 2007, Psychological Methods 12:399)."""
    return np.asarray(np.sqrt(np.maximum(first**2 + second**2 - 2 * correlation * first * second, 0.0)))
