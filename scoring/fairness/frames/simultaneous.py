"""Limits of the widest gap and the smallest ratio among several groups: the pairs are judged together, so 0 and 1 can be inside.

Percentiles of redrawn |max - min| never reach 0, as a maximum less a minimum is never negative: under equality they cover the
truth about never. Here every pair gets its signed interval at a level that holds for all pairs at once, and the widest gap lies
between the largest of the lower and the largest of the upper limits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
_MOST_RANGED: Final = 200


class Limits(NamedTuple):
    """Lower and upper limits, arrays (...)."""

    low: Floats
    high: Floats


def pairwise_confidence(groups: int, confidence: float) -> float:
    """Return the confidence of one pair so that all pairs of `groups` hold together: by the studentised range.

    For more than 200 groups by Bonferroni, which by then costs under 3 % of the width.

    References
    ----------
    Agresti, Bini, Bertaccini & Ryu 2008, *Biometrics* 64:1270; Hayter 1984, *Annals of Statistics* 12:61 (unequal sizes).

    Examples
    --------
    >>> round(pairwise_confidence(2, 0.95), 6), round(pairwise_confidence(5, 0.95), 4)
    (0.95, 0.9936)
    """
    if groups < 2:
        return confidence
    if groups > _MOST_RANGED:
        return 1 - (1 - confidence) / (groups * (groups - 1) / 2)
    return float(2 * special.ndtr(stats.studentized_range.ppf(confidence, groups, np.inf) / np.sqrt(2)) - 1)


def each_confidence(groups: int, confidence: float) -> float:
    """Return the confidence of one group so that all of `groups` independent ones hold together (Sidak 1967).

    >>> round(each_confidence(2, 0.95), 4)
    0.9747
    """
    return float(confidence ** (1 / max(groups, 1)))


def gap_limits(
    value: ArrayLike, low: ArrayLike, high: ArrayLike, against: Limits | None = None, *, of: ArrayLike = 0.0, together: ArrayLike = 0.0
) -> Limits:
    """Return limits of one measure less another, from the limits of each (square-and-add).

    Parameters
    ----------
    value, low, high
        The measure and its limits (...).
    against, of
        Limits and value of the other.
    together
        Correlation of the two estimates, 0 for different people.

    References
    ----------
    Newcombe 1998, *Statistics in Medicine* 17:873, method 10; Zou & Donner 2008, *Statistics in Medicine* 27:1693.

    Examples
    --------
    >>> found = gap_limits(0.8, 0.6921, 0.8769, Limits(np.array(0.4905), np.array(0.7003)), of=0.6)
    >>> round(float(found.low), 3), round(float(found.high), 3)
    (0.053, 0.334)
    """
    other = against or Limits(np.zeros(()), np.zeros(()))
    p, q = np.asarray(value, np.float64), np.asarray(of, np.float64)
    down, up = p - np.asarray(low), np.asarray(high) - p
    less, more = q - other.low, other.high - q
    rho = np.asarray(together, np.float64)

    def root(a: Floats, b: Floats) -> Floats:
        return np.sqrt(np.maximum(a**2 - 2 * rho * a * b + b**2, 0.0))

    return Limits(p - q - root(down, more), p - q + root(up, less))


def ratio_low(value: ArrayLike, low: ArrayLike, of: ArrayLike, of_high: ArrayLike, *, together: ArrayLike = 0.0) -> Floats:
    """Return the lower limit of one measure over another; the upper one is 1 over that of the inverse.

    The smaller root of (p - R q)^2 = a^2 - 2 rho R a b + R^2 b^2, a = p - low, b = of_high - q, written so that nothing is divided by what may
    be 0. Nobody in the first: 0. Nobody in the second: finite. Nobody in either: nan.

    References
    ----------
    Donner & Zou 2012, *Statistical Methods in Medical Research* 21:347 (MOVER-R).

    Examples
    --------
    >>> round(float(ratio_low(0.9, 0.7695, 0.2, 0.3005)), 3)
    2.902
    """
    p, q = np.asarray(value, np.float64), np.asarray(of, np.float64)
    a, b = p - np.asarray(low), np.asarray(of_high) - q
    first, second, middle = p**2 - a**2, q**2 - b**2, p * q - np.asarray(together) * a * b
    with np.errstate(divide="ignore", invalid="ignore"):
        found = first / (middle + np.sqrt(np.maximum(middle**2 - first * second, 0.0)))
    return np.where((p == 0) & (q == 0), np.nan, np.where(first <= 0, np.where(np.isnan(p + q), np.nan, 0.0), found))


def widest_gap(value: Floats, limits: Limits, *, together: float = 0.0) -> Limits:
    """Return limits of the largest less the smallest of some measures (..., groups); never below 0, nan for fewer than two.

    The limits of each measure must be at `pairwise_confidence`.

    Examples
    --------
    >>> widest_gap(np.array([0.5, 0.6]), Limits(np.array([0.4, 0.5]), np.array([0.6, 0.7]))).low
    array(0.)
    """
    pairs = gap_limits(
        value[..., :, None], limits.low[..., :, None], limits.high[..., :, None],
        Limits(limits.low[..., None, :], limits.high[..., None, :]), of=value[..., None, :], together=together,
    )  # fmt: skip
    itself = np.eye(value.shape[-1], dtype=bool)  # a group differs from itself by nothing, however unsure one is of it
    return _of_two_or_more(value, Limits(np.maximum(_largest(pairs.low), 0.0), _largest(np.where(itself, np.nan, pairs.high))))


def smallest_ratio(value: Floats, limits: Limits, *, together: float = 0.0) -> Limits:
    """Return limits of the smallest over the largest of some measures (..., groups); never above 1, nan for fewer than two.

    Examples
    --------
    >>> smallest_ratio(np.array([0.5, 0.6]), Limits(np.array([0.4, 0.5]), np.array([0.6, 0.7]))).high
    array(1.)
    """
    low = ratio_low(value[..., :, None], limits.low[..., :, None], value[..., None, :], limits.high[..., None, :], together=together)
    itself = np.eye(value.shape[-1], dtype=bool)
    low = np.where(itself & ~np.isnan(value)[..., None, :], np.where(value[..., None, :] > 0, 1.0, np.nan), low)
    with np.errstate(divide="ignore"):
        high = 1 / _largest(low)
    return _of_two_or_more(value, Limits(np.fmin.reduce(low, axis=(-2, -1)), np.minimum(high, 1.0)))


def _largest(pairs: Floats) -> Floats:
    return np.asarray(np.fmax.reduce(pairs, axis=(-2, -1)))


def _of_two_or_more(value: Floats, limits: Limits) -> Limits:
    enough = (~np.isnan(value)).sum(-1) >= 2
    return Limits(*(np.where(enough, limit, np.nan) for limit in limits))


def widest_gap_to(value: Floats, limits: Limits, overall: Floats, of: Limits, together: Floats) -> Limits:
    """Return limits of the largest distance of some measures (..., groups) from that of everybody (..., 1), who they are part of.

    Limits must be at a confidence that holds for all groups; `together` is the correlation of each group with everybody.

    Examples
    --------
    >>> one = Limits(np.array([0.4, 0.5]), np.array([0.6, 0.7]))
    >>> widest_gap_to(np.array([0.5, 0.6]), one, np.array([0.55]), Limits(np.array([0.5]), np.array([0.6])), np.zeros(2)).low
    array(0.)
    """
    pairs = gap_limits(value, *limits, of, of=overall, together=together)
    low = np.maximum(pairs.low, -pairs.high)
    high = np.maximum(np.abs(pairs.low), np.abs(pairs.high))
    return _of_two_or_more(value, Limits(np.maximum(np.fmax.reduce(low, axis=-1), 0.0), np.fmax.reduce(high, axis=-1)))


def smallest_ratio_to(value: Floats, limits: Limits, overall: Floats, of: Limits, together: Floats) -> Limits:
    """Return limits of the smallest ratio to everybody, each ratio taken the way that keeps it under 1 (as fairlearn takes it).

    Examples
    --------
    >>> one = Limits(np.array([0.4, 0.5]), np.array([0.6, 0.7]))
    >>> smallest_ratio_to(np.array([0.5, 0.6]), one, np.array([0.55]), Limits(np.array([0.5]), np.array([0.6])), np.zeros(2)).high
    array(1.)
    """
    low = ratio_low(value, limits.low, overall, of.high, together=together)
    with np.errstate(divide="ignore"):
        high = 1 / ratio_low(overall, of.low, value, limits.high, together=together)
        folded_low, folded_high = np.minimum(low, 1 / high), np.where((low <= 1) & (high >= 1), 1.0, np.minimum(high, 1 / low))
    return _of_two_or_more(value, Limits(np.fmin.reduce(folded_low, axis=-1), np.fmin.reduce(folded_high, axis=-1)))
