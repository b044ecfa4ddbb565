"""How well a score tells those who came good from the others: AUC with its interval, from rows or from counts by bin of the score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import elementwise

from scoring.errors import EquiscoreError
from scoring.fairness.restricted import Floats, between_0_and_1, shaped

FEW = 20  # in the smaller class; below, DeLong's variance is too rough for its interval (Newcombe 2006)
FEW_BEATEN = 1.5  # smaller class x (1 - AUC); below, the logit covered 90 to 92 % where the score's limit covers 97 (docs/validity.md)
Number = TypeVar("Number", float, Floats)


@dataclass(frozen=True, slots=True)
class Estimate(Generic[Number]):
    """A value and its confidence limits, nan where there is none; of one curve numbers, of several arrays."""

    value: Number
    low: Number
    high: Number


@dataclass(frozen=True, slots=True)
class Curve:
    """What is known of some AUCs: arrays (curves). `good` and `bad` are effective sizes of the classes.

    `tied` is how far the unbinned AUC may lie to either side.
    """

    value: Floats
    variance: Floats
    good: Floats
    bad: Floats
    tied: Floats

    @property
    def rough(self) -> NDArray[np.bool_]:
        """Whether DeLong's variance is no footing."""
        return ~((self.variance > 0) & (np.minimum(self.good, self.bad) >= FEW))


def auc(scores: ArrayLike, outcome: ArrayLike, *, weights: ArrayLike | None = None, confidence: float = 0.95) -> Estimate[float]:
    """Return the chance that someone with outcome 1 scores above someone with outcome 0 (ties count half), with its interval.

    DeLong's variance, the interval on the logit; Newcombe's method 5 where the AUC is 0 or 1, the variance 0 or a class has under 20.
    nan where one of the outcomes does not occur.

    Parameters
    ----------
    scores : array_like
        One score a person, higher meaning outcome 1 is likelier.
    outcome : array_like
        0 or 1 (or False, True) a person.
    weights : array_like, optional
        Frequencies: weight k says that the row stands for k such people.
    confidence : float
        Coverage of the interval.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson 1988, *Biometrics* 44:837; Newcombe 2006, *Statistics in Medicine* 25:559.

    Examples
    --------
    >>> found = auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.75, 0.227, 0.967)
    """
    score, good = np.ravel(np.asarray(scores, dtype=np.float64)), np.ravel(np.asarray(outcome, dtype=np.float64))
    weight = np.ones_like(score) if weights is None else np.ravel(np.asarray(weights, dtype=np.float64))
    check_rows(score, good, weight)
    values, place = np.unique(score, return_inverse=True)
    good_at, bad_at = (np.bincount(place, weights=w, minlength=values.size) for w in (weight * good, weight * (1 - good)))
    found = auc_from_bins(good_at, bad_at, confidence=confidence, exact_ties=True)
    return Estimate(float(found.value), float(found.low), float(found.high))


def auc_from_bins(
    positives: ArrayLike,
    negatives: ArrayLike,
    *,
    confidence: float = 0.95,
    exact_ties: bool = False,
    squared: tuple[ArrayLike, ArrayLike] | None = None,
) -> Estimate[Floats]:
    """Return the AUC of counts by bin of the score (last axis, lowest bin first), with its interval.

    DeLong's variance of the binned score. The AUC of the unbinned score lies within ``T = sum positives negatives / (2 n1 n0)`` of the
    binned one, so the interval runs from the lower limit at A - T to the upper one at A + T, unless the bins are the score itself.

    Parameters
    ----------
    positives, negatives : array_like
        Counts (or frequencies) of outcome 1 and 0; leading axes are separate curves.
    confidence : float
        Coverage of the interval.
    exact_ties : bool
        True where the score takes one value in each bin (integer points): a tie is then a tie, not rounding.
    squared : tuple of array_like, optional
        Sums of squared weights of outcome 1 and 0, where weights are not frequencies: the variance is then linearised.

    Examples
    --------
    >>> found = auc_from_bins([5, 20, 45], [60, 35, 25])
    >>> round(float(found.value), 4), round(float(found.low), 4), round(float(found.high), 4)
    (0.7783, 0.5875, 0.9512)
    """
    z = quantile(confidence)
    curve, shape = curves_of(positives, negatives, squared, exact_ties=exact_ties)
    low, high = limits_of(curve, z)
    return Estimate(shaped(curve.value, shape), shaped(low, shape), shaped(high, shape))


def quantile(confidence: float) -> float:
    """Return the normal quantile of a two-sided confidence.

    >>> round(quantile(0.95), 4)
    1.96
    """
    return float(special.ndtri((1 + between_0_and_1(confidence, "confidence")) / 2))


def curves_of(
    positives: ArrayLike, negatives: ArrayLike, squared: tuple[ArrayLike, ArrayLike] | None, *, exact_ties: bool
) -> tuple[Curve, tuple[int, ...]]:
    """Return the curves of counts by bin, as one flat list, and the shape that they had; arguments as in `auc_from_bins`."""
    good, bad = np.broadcast_arrays(_counts(positives, "positives"), _counts(negatives, "negatives"))
    shape = good.shape[:-1]
    by_curve = math.prod(shape), good.shape[-1]
    good2, bad2 = (good, bad) if squared is None else np.broadcast_arrays(*(_counts(side, "squared") for side in squared))
    good, bad, good2, bad2 = (side.reshape(by_curve) for side in (good, bad, good2, bad2))
    with np.errstate(divide="ignore", invalid="ignore"):
        tied = np.zeros(by_curve[0]) if exact_ties else (good * bad).sum(axis=1) / (2 * good.sum(axis=1) * bad.sum(axis=1))
    return Curve(*_delong(good, bad, good2, bad2), tied), shape


def _delong(good: Floats, bad: Floats, good2: Floats, bad2: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return AUC, variance and effective class sizes from the placements of each bin: the share of the other class beaten, ties half.

    Of counts the squares are the counts and this is DeLong's variance; of weights it is linearised, with the same small-sample factor.
    """
    n1, n0 = good.sum(axis=1, keepdims=True), bad.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_good = (np.cumsum(bad, axis=1) - bad / 2) / n0
        of_bad = (n1 - np.cumsum(good, axis=1) + good / 2) / n1
        value = (good * of_good).sum(axis=1, keepdims=True) / n1
        size1, size0 = (np.where(n > 0, n**2 / of.sum(axis=1, keepdims=True), 0.0)[:, 0] for n, of in ((n1, good2), (n0, bad2)))
        of_one = (good2 * (of_good - value) ** 2).sum(axis=1) / n1[:, 0] ** 2 * size1 / (size1 - 1)
        of_other = (bad2 * (of_bad - value) ** 2).sum(axis=1) / n0[:, 0] ** 2 * size0 / (size0 - 1)
    return value[:, 0], of_one + of_other, size1, size0


def limits_of(curve: Curve, z: float) -> tuple[Floats, Floats]:
    """Return the limits of AUCs z standard errors out, from the lowest and the highest AUC that binning leaves open."""
    low = _limit(np.maximum(curve.value - curve.tied, 0.0), curve.variance, curve.good, curve.bad, -z)
    return low, _limit(np.minimum(curve.value + curve.tied, 1.0), curve.variance, curve.good, curve.bad, z)


def _limit(value: Floats, variance: Floats, n1: Floats, n0: Floats, z: float) -> Floats:
    """Return the limit z standard errors from `value`: on the logit, or by the score where the logit has no footing."""
    spread = value * (1 - value)
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = special.expit(special.logit(value) + z * np.sqrt(variance) / spread)
    smaller = np.minimum(n1, n0)
    sound = (variance > 0) & (spread > 0) & (smaller >= FEW) & (smaller * np.minimum(value, 1 - value) >= FEW_BEATEN)
    rough = ~sound & (n1 > 0) & (n0 > 0)
    limit[rough] = _newcombe_5(value[rough], n1[rough], n0[rough], z)
    return limit


def _newcombe_5(value: Floats, n1: Floats, n0: Floats, z: float) -> Floats:
    """Solve ``|t - value| = |z| sqrt(V(t))`` for the t on the side of z: Hanley & McNeil's variance at the limit itself.

    ``V(t) = t(1-t)(1 + N(1-t)/(2-t) + N t/(1+t)) / (n1 n0)``, both class sizes within replaced by their mean, ``N = (n1+n0)/2 - 1``.
    """
    if z > 0:  # V is the same in 1 - t
        return 1 - _newcombe_5(1 - value, n0, n1, -z)
    limit = np.zeros_like(value)
    moves = value > 0
    args = (value[moves], (n1 * n0)[moves], np.maximum((n1 + n0)[moves] / 2 - 1, 0.0), np.full_like(value[moves], z))
    limit[moves] = elementwise.find_root(_beyond_score, (np.zeros_like(args[0]), args[0]), args=args).x
    return limit


def _beyond_score(t: Floats, value: Floats, product: Floats, mean: Floats, z: Floats) -> Floats:
    """Return ``((t - value)^2 - z^2 V(t)) / (1 - t)``: divided, because at an AUC of 1 the value itself would be a root."""
    with np.errstate(invalid="ignore"):
        squared = np.where(value < 1, (t - value) ** 2 / (1 - t), 1 - t)
    return np.asarray(squared - z * z * t * (1 + mean * (1 - t) / (2 - t) + mean * t / (1 + t)) / product)


def check_rows(score: Floats, good: Floats, weight: Floats) -> None:
    """Refuse rows that are no scores, outcomes and frequencies, one of each a person."""
    if not score.size == good.size == weight.size:
        sizes = f"{score.size}, {good.size} and {weight.size}"
        raise EquiscoreError(f"scores, outcome and weights have {sizes} entries. Fix: give one of each for every person.")
    if np.isnan(score).any():
        raise EquiscoreError("scores: some are missing. Fix: leave out who has no score, and say how many they are.")
    if not np.isin(good, (0, 1)).all():
        raise EquiscoreError("outcome: some are neither 0 nor 1. Fix: give 1 for the outcome scored for, 0 for the other; leave out the unobserved.")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise EquiscoreError("weights: some are no frequency. Fix: give finite numbers of 0 or more.")


def _counts(values: ArrayLike, name: str) -> Floats:
    counts = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise EquiscoreError(f"{name}: some are no count. Fix: give finite numbers of 0 or more, one a bin.")
    return counts
