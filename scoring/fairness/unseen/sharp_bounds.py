"""Sharp bounds of the rates of a group that is known by probability only, by cell, and what chance does to them.

In cell Z with q = P(event | Z) and r = P(A = a | Z), the share of members who have the event is only known to lie between
max(0, q + r - 1) and min(q, r) (Frechet); over all cells these ends are attained together, so the bounds are sharp (Kallus, Mao &
Zhou 2022). Z is a cell of people, never a person: with one person a cell q is 0 or 1 and the bounds collapse to a point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.intervals import ratio_interval
from scoring.fairness.metrics import Metric, more_is_better, vectors
from scoring.fairness.unseen.soft_sums import Sums

Floats = NDArray[np.float64]
DRAWS: Final = 2000
FEW: Final = 5.0
"""Under so many hits or misses at an end a redrawn count says too little: the score limit of the counts is heard as well."""
_AT_ONCE: Final = 3_000_000


class SharpBounds(NamedTuple):
    """The lowest and the highest rate that the cells allow, of a level and of its rest; the lowest of one goes with the highest of the other."""

    lowest: Floats
    highest: Floats
    rest_lowest: Floats
    rest_highest: Floats


class Band(NamedTuple):
    """Both ends of value, ratio and difference, each an array (..., levels, metrics)."""

    value_lowest: Floats
    value_highest: Floats
    ratio_lowest: Floats
    ratio_highest: Floats
    difference_lowest: Floats
    difference_highest: Floats


class BandInterval(NamedTuple):
    """A band's ends with sampling error, and p-values of its ratio against the tolerance, arrays (levels, metrics)."""

    low: Band
    """At the lower limits; only the lowest of each pair is meant to be read."""
    high: Band
    p_exclusion: Floats
    p_within: Floats


def sharp_bounds(people: ArrayLike, members: ArrayLike, hits: ArrayLike, misses: ArrayLike) -> SharpBounds:
    """Return the sharp bounds of hits / (hits + misses) among the members, and among the others, given the cells.

    With a cell's people w, members w r, hits w q1 and misses w q0 (all in people, or all in shares): the members hit are at most
    sum min(w q1, w r) and at least sum max(0, w q1 + w r - w), and so for misses; most hits and fewest misses can be had together.
    For the selection rate q0 = 1 - q1, and the bounds become [L(q), U(q)] / P(a). nan where no way to spread the members puts any
    of them in the denominator.

    Parameters
    ----------
    people, members, hits, misses : array_like
        Broadcast together, cells last.

    Returns
    -------
    SharpBounds
        Without the last axis. For two levels a and b, rate a minus rate b lies in [lowest a - highest b, highest a - lowest b];
        both ends are attained, also with further levels.

    References
    ----------
    Kallus, Mao & Zhou 2022, *Management Science* 68:1959 (Frechet bounds by cell).

    Examples
    --------
    >>> found = sharp_bounds([100, 100], [20, 60], [50, 30], [50, 70])
    >>> [round(float(end), 4) for end in found]
    [0.0, 0.625, 0.25, 0.6667]
    """
    w, r, h, m = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (people, members, hits, misses)))
    if (r > w * (1 + 1e-9)).any() or (h + m > w * (1 + 1e-9)).any():
        raise EquiscoreError("A cell has more members, or more hits and misses, than people. Fix: give counts of the same people.")
    return SharpBounds(*_extremes(w, r, h, m).rates(), *_extremes(w, w - r, h, m).rates())


class Extremes(NamedTuple):
    """The fewest and the most hits and misses among the members that the cells allow, without the axis of cells."""

    least_hits: Floats
    most_hits: Floats
    least_misses: Floats
    most_misses: Floats

    def counts(self, *, upper: bool) -> tuple[Floats, Floats]:
        """Return hits and trials at the upper or the lower end of the rate."""
        hits, misses = (self.most_hits, self.least_misses) if upper else (self.least_hits, self.most_misses)
        return hits, hits + misses

    def rates(self) -> tuple[Floats, Floats]:
        """Return the lowest and the highest rate; where the denominator can be emptied, what is left decides."""
        with np.errstate(divide="ignore", invalid="ignore"):
            lowest, highest = (hits / trials for hits, trials in (self.counts(upper=False), self.counts(upper=True)))
        only_hits, only_misses = (self.most_misses == 0) & (self.most_hits > 0), (self.most_hits == 0) & (self.most_misses > 0)
        return np.where(only_hits, 1.0, lowest), np.where(only_misses, 0.0, highest)


def _extremes(w: Floats, r: Floats, h: Floats, m: Floats) -> Extremes:
    ends = (np.maximum(h + r - w, 0.0), np.minimum(h, r), np.maximum(m + r - w, 0.0), np.minimum(m, r))
    return Extremes(*(end.sum(-1) for end in ends))


def band(found: SharpBounds, more: NDArray[np.bool_]) -> Band:
    """Return both ends of value, ratio and difference; for a metric of which less is better, group and rest are exchanged.

    An end that is 0/0 is the widest: 0 below, infinite above; nan only where the rate of one side is undefined throughout.
    """
    low, high = np.where(more, found.lowest, found.rest_lowest), np.where(more, found.highest, found.rest_highest)
    floor_low, floor_high = np.where(more, found.rest_lowest, found.lowest), np.where(more, found.rest_highest, found.highest)
    undefined = np.isnan(low) | np.isnan(floor_low) | ((high == 0) & (floor_high == 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where((low == 0) & (floor_high == 0), 0.0, low / floor_high)
        above = np.where((high == 0) & (floor_low == 0), 0.0, high / floor_low)
    ratios = np.where(undefined, np.nan, below), np.where(undefined, np.nan, above)
    return Band(found.lowest, found.highest, *ratios, low - floor_high, high - floor_low)


def bounds_of(sums: Sums, metrics: Sequence[Metric]) -> Band:
    """Return the sharp bounds of every level and metric, from merged cells."""
    return _band(_both_sides(sums.weight, sums.r.sum(2), *vectors(metrics)), more_is_better(metric.name for metric in metrics))


def _both_sides(weight: Floats, members: Floats, hit: Floats, trial: Floats) -> tuple[Extremes, Extremes]:
    """Return extremes (..., levels, metrics) of members and others, from weights (..., levels, cells, 6) and members (..., levels, cells)."""
    hits, misses = np.moveaxis(weight @ hit, -1, -2), np.moveaxis(weight @ (trial - hit), -1, -2)
    people = weight.sum(-1)[..., None, :]
    inside = np.minimum(members[..., None, :], people)
    return _extremes(people, inside, hits, misses), _extremes(people, people - inside, hits, misses)


def _band(sides: tuple[Extremes, Extremes], more: NDArray[np.bool_]) -> Band:
    return band(SharpBounds(*sides[0].rates(), *sides[1].rates()), more)


def bound_interval(
    sums: Sums,
    metrics: Sequence[Metric],
    rng: np.random.Generator,
    *,
    tolerance: float = 0.8,
    alpha: float = 0.025,
    draws: int = DRAWS,
    design_effect: float = 1.0,
) -> BandInterval:
    """Return the bounds with sampling error: the alpha-quantile of the redrawn lower end, the (1 - alpha)-quantile of the upper one.

    Rows are redrawn by cell and state (a multinomial; beside it the first two moments of w and w r within cell and state). A minimum
    of two redrawn numbers is on average too small, so the estimated band is a little too narrow and a redrawn one twice that: the
    quantile reflected at the estimate (the basic interval) undoes it, and the outer of the two is taken. Where an end stands on
    fewer than five hits or misses, so is the score limit of its own counts.

    Parameters
    ----------
    sums
        Of `merged`.
    metrics
        Rows of the table of metrics.
    rng
        Where the draws come from.
    tolerance, alpha
        What the ratio is tested against, and the level of each side.
    draws
        Number of replicates.
    design_effect
        By how much clusters widen a variance; 1 for independent rows.

    References
    ----------
    Horowitz & Manski 2000, *JASA* 95:77 (bootstrap of bounds); Efron & Tibshirani 1993, ch. 13.
    """
    estimate, redrawn = bounds_of(sums, metrics), _redrawn(sums, metrics, rng, draws, design_effect)
    low, high = {}, {}
    for name, at, drawn in zip(Band._fields, estimate, redrawn, strict=True):
        turned = _reflected(at, drawn, log=name == "ratio_highest")
        low[name] = np.fmin(_quantile(drawn, alpha), _quantile(turned, alpha))
        high[name] = np.fmax(_quantile(drawn, 1 - alpha), _quantile(turned, 1 - alpha))
    few = _where_few(sums, metrics, tolerance, alpha, design_effect)
    low["ratio_lowest"] = np.maximum(np.fmin(low["ratio_lowest"], few.low), 0.0)
    high["ratio_highest"] = np.fmax(high["ratio_highest"], few.high)
    above = _share(estimate.ratio_highest, redrawn.ratio_highest, lambda ends: ends >= tolerance, log=True)
    below = _share(estimate.ratio_lowest, redrawn.ratio_lowest, lambda ends: ends <= tolerance, log=False)
    p_exclusion, p_within = np.fmax(above, few.p_exclusion), np.fmax(below, few.p_within)
    return BandInterval(Band(**low), Band(**high), p_exclusion, p_within)


class _Few(NamedTuple):
    """What score methods say of the counts at the ends, where these are few; nan elsewhere."""

    low: Floats
    high: Floats
    p_exclusion: Floats
    p_within: Floats


def _where_few(sums: Sums, metrics: Sequence[Metric], tolerance: float, alpha: float, design_effect: float) -> _Few:
    worth = sums.weight[0].sum() / sums.weight_squared[0].sum() / design_effect
    more = more_is_better(metric.name for metric in metrics)
    members, others = _both_sides(sums.weight, sums.r.sum(2), *vectors(metrics))
    found = []
    for upper in (False, True):
        own, rest = (
            tuple(worth * np.where(more, *pair) for pair in zip(members.counts(upper=upper), others.counts(upper=upper), strict=True)),
            tuple(worth * np.where(more, *pair) for pair in zip(others.counts(upper=not upper), members.counts(upper=not upper), strict=True)),
        )
        few = np.minimum.reduce([own[0], own[1] - own[0], rest[0], rest[1] - rest[0]]) < FEW
        limits, test = ratio_interval(*own, *rest, confidence=1 - 2 * alpha), ratio_test(*own, *rest, tolerance=tolerance, exact=False)
        found += [np.where(few, limits[upper], np.nan), np.where(few, test[not upper], np.nan)]
    return _Few(found[0], found[2], found[3], found[1])


def _share(estimate: Floats, drawn: Floats, beyond: Callable[[Floats], NDArray[np.bool_]], *, log: bool) -> Floats:
    """Return the larger share of draws, as they are or reflected, that lie beyond the tolerance; nan where there is no ratio."""
    turned = _reflected(estimate, drawn, log=log)
    shares = [(1 + beyond(ends).sum(0)) / (len(drawn) + 1) for ends in (drawn, turned)]
    return np.where(np.isnan(estimate), np.nan, np.maximum(*shares))


def _redrawn(sums: Sums, metrics: Sequence[Metric], rng: np.random.Generator, draws: int, design_effect: float) -> Band:
    """Redraw the bounds: arrays (draws, levels, metrics), in batches that fit into memory."""
    hit, trial = vectors(metrics)
    more = more_is_better(metric.name for metric in metrics)
    batch = max(1, _AT_ONCE // (sums.n.size * max(1, len(metrics) // 2)))
    sizes = [min(batch, draws - start) for start in range(0, draws, batch)]
    parts = [_band(_both_sides(*_resampled(sums, rng, size, design_effect), hit, trial), more) for size in sizes]
    return Band(*(np.concatenate(ends) for ends in zip(*parts, strict=True)))


def _resampled(sums: Sums, rng: np.random.Generator, size: int, design_effect: float) -> tuple[Floats, Floats]:
    """Return weights (size, levels, cells, 6) and members (size, levels, cells) of redrawn rows.

    Within cell and state: w* = N w/n + sqrt(N v) e, and r w follows w at the mean r of that state, plus what of it w does not explain.
    """
    levels = len(sums.n)
    rows = max(1, round(sums.n[0].sum() / design_effect))
    flat = sums.n.reshape(levels, -1)
    drawn = rng.multinomial(rows, flat / flat.sum(1, keepdims=True), size=(size, levels)).reshape(size, *sums.n.shape).astype(float)
    some, held = np.where(sums.n > 0, sums.n, 1.0), np.where(sums.weight > 0, sums.weight, 1.0)
    mean, share = sums.weight / some, sums.r / held
    spread = np.maximum(sums.weight_squared / some - mean**2, 0.0)
    left = np.maximum((sums.r_squared - 2 * share * sums.r_mixed + share**2 * sums.weight_squared) / some, 0.0)
    root = np.sqrt(drawn)
    weight = drawn * mean
    if spread.max(initial=0.0) > 1e-12:
        weight = np.maximum(weight + root * np.sqrt(spread) * rng.standard_normal(drawn.shape), 0.0)
    members = weight * share
    if left.max(initial=0.0) > 1e-12:
        members = np.clip(members + root * np.sqrt(left) * rng.standard_normal(drawn.shape), 0.0, weight)
    return weight, members.sum(-1)


def _reflected(estimate: Floats, drawn: Floats, *, log: bool) -> Floats:
    """Reflect draws at the estimate, on the logarithm where that reaches farther (an upper end of ratios); nan where it is not finite."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if log:
            return np.where((estimate > 0) & np.isfinite(estimate), estimate**2 / drawn, np.nan)
        return np.asarray(2 * estimate - drawn)


def _quantile(drawn: Floats, level: float) -> Floats:
    """Return a quantile over the draws that are defined, by rank: an infinite draw must not spoil its neighbour."""
    filled = np.sort(drawn, axis=0)
    defined = (~np.isnan(filled)).sum(0)
    place = np.clip(np.ceil(level * defined).astype(np.int64) - 1, 0, np.maximum(defined - 1, 0))
    return np.asarray(np.take_along_axis(filled, place[None], 0)[0])
