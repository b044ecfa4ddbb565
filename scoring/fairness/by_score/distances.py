"""How far apart two distributions of a score are, from counts by bin: arrays (groups, bins) in, arrays (groups) out.

Each figure has two kinds of limits. `low` and `high` speak of chance; `bound_low` and `bound_high` of what binning leaves open:
where the score takes one value in each bin they are the value itself, inf where a bin has no end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from scoring.errors import EquiscoreError
from scoring.fairness.curves import quantile
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.restricted import Floats


class Bounded(NamedTuple):
    """A figure of each group, its confidence limits, and the limits between which the unbinned figure lies."""

    value: Floats
    low: Floats
    high: Floats
    bound_low: Floats
    bound_high: Floats


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the bins of a score stand: arrays (bins,), rising. `score` stands for everybody in the bin; exact: it is their score."""

    score: Floats
    low: Floats
    high: Floats
    exact: bool = True

    @classmethod
    def of_values(cls, values: Floats) -> Axis:
        """Return the axis of a score that takes these values, rising.

        >>> Axis.of_values(np.array([1.0, 2.0])).exact
        True
        """
        if (np.diff(values) <= 0).any():
            raise EquiscoreError("values: they do not rise. Fix: give each value of the score once, the lowest first.")
        return cls(values, values, values)


@dataclass(frozen=True, slots=True)
class Sample:
    """People by group and bin: sums of weights and of their squares, arrays (..., bins). Of counts the squares are the counts."""

    weight: Floats
    squared: Floats

    @classmethod
    def of_counts(cls, counts: Floats) -> Sample:
        """Return a sample in which each row is one person.

        >>> Sample.of_counts(np.array([[1.0, 3.0]])).size
        array([4.])
        """
        return cls(counts, counts)

    @property
    def total(self) -> Floats:
        """Return the sum of weights of each group."""
        return np.asarray(self.weight.sum(-1))

    @property
    def size(self) -> Floats:
        """Return the effective size of each group (Kish 1965); of counts the people."""
        squared = self.squared.sum(-1)
        return np.where(squared > 0, self.total**2 / np.where(squared > 0, squared, 1.0), 0.0)

    def __add__(self, other: Sample) -> Sample:
        return Sample(self.weight + other.weight, self.squared + other.squared)


def shares(weight: Floats) -> Floats:
    """Return what share of its group is in each bin; nan where nobody is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(weight / weight.sum(-1, keepdims=True))


def along(weight: Floats, values: Floats) -> Floats:
    """Return the weighted mean of values by bin; an infinite value counts only where somebody is."""
    return np.asarray((shares(weight) * np.where(weight > 0, values, 0.0)).sum(-1))


def centred(sample: Sample, values: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of values by bin within each group; the variance is nan where the effective size is not above 1."""
    mean = along(sample.weight, values)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = along(sample.weight, (values - mean[..., None]) ** 2)
        return mean, np.where(sample.size > 1, spread * sample.size / (sample.size - 1), np.nan)


def error_of_mean(sample: Sample, values: Floats) -> Floats:
    """Return the variance of a weighted mean, linearised (Woodruff 1971); of counts the usual one."""
    mean, size = along(sample.weight, values), sample.size
    with np.errstate(divide="ignore", invalid="ignore"):
        linear = (sample.squared * (values - mean[..., None]) ** 2).sum(-1) / sample.total**2
        return np.where(size > 1, linear * size / (size - 1), np.nan)


def mean_score(sample: Sample, axis: Axis, *, confidence: float = 0.95) -> Bounded:
    """Return the mean score of each group, with Student's interval.

    >>> found = mean_score(Sample.of_counts(np.array([[2.0, 2.0]])), Axis.of_values(np.array([0.0, 1.0])))
    >>> found.value, found.low.round(3), found.high.round(3)
    (array([0.5]), array([-0.419]), array([1.419]))
    """
    mean, error = along(sample.weight, axis.score), np.sqrt(error_of_mean(sample, axis.score))
    t = special.stdtrit(np.maximum(sample.size - 1, 1e-9), (1 + confidence) / 2)
    return Bounded(mean, mean - t * error, mean + t * error, along(sample.weight, axis.low), along(sample.weight, axis.high))


def score_quantile(sample: Sample, axis: Axis, share: float, *, confidence: float = 0.95) -> Bounded:
    """Return the score at or below which a share of each group is, with the interval of Woodruff 1952 (*JASA* 47:635).

    The interval is the scores at Wilson's limits of the share. It holds the ends of the bins, so binning widens it.

    >>> found = score_quantile(Sample.of_counts(np.array([[30.0, 40.0, 30.0]])), Axis.of_values(np.array([1.0, 2.0, 3.0])), 0.5)
    >>> found.value, found.low, found.high
    (array([2.]), array([2.]), array([2.]))
    """
    size, there = sample.size, sample.total > 0
    low, high = proportion_interval(share * size, size, confidence=confidence)
    at, at_low, at_high = (_reached(sample.weight, np.where(there, part, 0.0)) for part in (np.full(size.shape, share), low, high))
    read = ((axis.score, at), (axis.low, at_low), (axis.high, at_high), (axis.low, at), (axis.high, at))
    return Bounded(*(np.where(there, ends[places], np.nan) for ends, places in read))


def _reached(weight: Floats, share: Floats) -> Floats:
    """Return the first bin by which a share of each group is reached."""
    reached = np.cumsum(weight, -1)
    wanted = share[..., None] * reached[..., -1:]
    return np.asarray(np.minimum((reached < wanted * (1 - 1e-12)).sum(-1), weight.shape[-1] - 1))


def standardised_mean_difference(group: Sample, rest: Sample, axis: Axis, *, confidence: float = 0.95) -> Bounded:
    """Return the group's mean score less the rest's, in units of sqrt((s_g^2 + s_r^2) / 2); the bound is known for exact bins only.

    References
    ----------
    Austin 2009, *Statistics in Medicine* 28:3083, for the unit; Bonett 2008, *Psychological Methods* 13:99, for the interval.

    Examples
    --------
    >>> group, rest = (Sample.of_counts(np.array([n])) for n in ([30.0, 10.0], [10.0, 30.0]))
    >>> found = standardised_mean_difference(group, rest, Axis.of_values(np.array([0.0, 1.0])))
    >>> found.value.round(3), found.low.round(3), found.high.round(3)
    (array([-1.14]), array([-1.619]), array([-0.662]))
    """
    (mean_g, spread_g), (mean_r, spread_r) = centred(group, axis.score), centred(rest, axis.score)
    unit = (spread_g + spread_r) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(unit > 0, (mean_g - mean_r) / np.sqrt(unit), np.nan)
        of_unit = spread_g**2 / (group.size - 1) + spread_r**2 / (rest.size - 1)
        of_means = sum(error_of_mean(side, axis.score) * side.size / (side.size - 1) for side in (group, rest))
        error = np.sqrt(value**2 * of_unit / (8 * unit**2) + of_means / unit)
    z, bound = quantile(confidence), value if axis.exact else np.full_like(value, np.nan)
    return Bounded(value, value - z * error, value + z * error, bound, bound)


def kolmogorov_smirnov(first: Sample, second: Sample, *, exact: bool = True, confidence: float = 0.95) -> Bounded:
    """Return the largest gap between two distributions, with limits that hold at any sample size and are wide for it.

    The limits take a band about each distribution (Massart's constant, half of what may be missed on either side). Between the
    bins' ends the gap may be larger, but by no more than the mass of a bin; the upper limit starts from there.

    References
    ----------
    Massart 1990, *Annals of Probability* 18:1269.

    Examples
    --------
    >>> found = kolmogorov_smirnov(*(Sample.of_counts(np.array([n])) for n in ([30.0, 10.0], [10.0, 30.0])))
    >>> found.value, found.low.round(3), found.high.round(3)
    (array([0.5]), array([0.032]), array([0.968]))
    """
    value, bound = gap(first.weight, second.weight), gap(first.weight, second.weight)
    if not exact:
        bound = _widest_gap(shares(first.weight), shares(second.weight))
    with np.errstate(divide="ignore"):
        band = sum(np.sqrt(np.log(4 / (1 - confidence)) / (2 * side.size)) for side in (first, second))
    return Bounded(value, np.maximum(value - band, 0.0), np.minimum(bound + band, 1.0), value, bound)


def gap(first: Floats, second: Floats) -> Floats:
    """Return the largest difference of two cumulated distributions (last axis).

    >>> gap(np.array([3.0, 1.0]), np.array([1.0, 1.0])).tolist()
    0.25
    """
    return np.asarray(np.abs(np.cumsum(shares(first) - shares(second), -1)).max(-1))


def _widest_gap(first: Floats, second: Floats) -> Floats:
    """Return how large the gap may be within the bins: all of one side of a bin before all of the other."""
    before = np.cumsum(first - second, -1) - (first - second)
    return np.minimum(np.maximum(before + first, second - before).max(-1), 1.0)


def wasserstein(first: Sample, second: Sample, axis: Axis, *, confidence: float = 0.95) -> Bounded:
    """Return how far scores must be moved, on average, to turn one distribution into the other, in points of the score.

    The interval is from the influence of each score (del Barrio, Gine & Matran 1999, *Annals of Probability* 27:1009). It is right
    where the distributions differ; where they are alike the value is biased upwards, so read it beside the value under equality.

    >>> first, second = (Sample.of_counts(np.array([n])) for n in ([30.0, 10.0], [10.0, 30.0]))
    >>> found = wasserstein(first, second, Axis.of_values(np.array([0.0, 10.0])))
    >>> found.value, found.low.round(3), found.high.round(3)
    (array([5.]), array([3.078]), array([6.922]))
    """
    value, steps = moved(first.weight, second.weight, axis.score), np.diff(axis.score)
    sign = np.sign(np.cumsum(shares(first.weight) - shares(second.weight), -1)[..., :-1]) * steps
    # what a member at a bin adds to the area: all signed steps at or above the bin
    above = np.concatenate([np.cumsum(sign[..., ::-1], -1)[..., ::-1], np.zeros_like(sign[..., :1])], -1) if len(steps) else first.weight * 0
    half = quantile(confidence) * np.sqrt(error_of_mean(first, above) + error_of_mean(second, above))
    reach = np.maximum(axis.score - axis.low, axis.high - axis.score)
    open_ = along(first.weight, reach) + along(second.weight, reach)
    return Bounded(value, np.maximum(value - half, 0.0), value + half, np.maximum(value - open_, 0.0), value + open_)


def moved(first: Floats, second: Floats, score: Floats) -> Floats:
    """Return Wasserstein's distance of order 1 between two distributions over the same scores (last axis).

    >>> moved(np.array([3.0, 1.0]), np.array([1.0, 1.0]), np.array([0.0, 10.0])).tolist()
    2.5
    """
    return np.asarray((np.abs(np.cumsum(shares(first) - shares(second), -1))[..., :-1] * np.diff(score)).sum(-1))
