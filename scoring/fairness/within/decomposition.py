"""What a gap is made of: standardised rates, composition and rates within strata, and whether strata turn the gap round.

Arrays in, arrays out: the last axis of the counts is the strata, every axis before it is kept. A stratum in which one side has no trials
is not comparable: it is counted and never read as parity. Where nothing is comparable there is no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from scoring.errors import EquiscoreError
from scoring.fairness.restricted import Floats, checked_pairs, shaped
from scoring.fairness.stratified import Mask, Tables, quantile, tables


@dataclass(frozen=True, slots=True)
class Standardised:
    """Rates that group and reference would have with one mix of strata; arrays of the leading axes."""

    value: Floats
    reference_value: Floats
    difference: Floats
    low: Floats
    high: Floats
    ratio: Floats
    ratio_low: Floats
    ratio_high: Floats
    strata: Floats
    """Strata with trials on both sides; the mix is over these."""


def standardised(
    hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, mix: str | ArrayLike = "both", confidence: float = 0.95
) -> Standardised:
    """Standardise both rates directly: each side's own rates, in one mix of strata, ``sum w_k p_k / sum w_k``.

    A gap that is all of mix becomes 0. The weights are those of the mix on each side, never their inverse.

    Parameters
    ----------
    hits, trials, ref_hits, ref_trials : array_like, shape (..., strata)
        Counts of group and reference.
    mix : {"both", "group", "reference"} or array_like, shape (..., strata)
        Whose mix; or weights of the strata, taken as known. Strata that are not comparable have none.
    confidence : float
        Two-sided, of difference and ratio (on its logarithm), by the delta method with the mix held fixed; nan where the variance is 0.

    Raises
    ------
    EquiscoreError
        A mix that is neither a name of these nor weights of 0 or more.

    References
    ----------
    Fleiss, Levin & Paik 2003, *Statistical Methods for Rates and Proportions*, ch. 19.

    Examples
    --------
    >>> both = standardised([80, 10], [100, 50], [40, 40], [50, 200])
    >>> round(float(both.difference), 12), round(90 / 150 - 80 / 250, 2)
    (0.0, 0.28)
    """
    shape, t = tables(hits, trials, ref_hits, ref_trials)
    share = _mix(t, mix, shape)
    z = quantile(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        share /= share.sum(-1, keepdims=True)
        (own, own_v), (ref, ref_v) = (_weighted_rate(share, *side, t.used) for side in ((t.x, t.n), (t.y, t.m)))
        half = z * np.sqrt(np.where(own_v + ref_v > 0, own_v + ref_v, np.nan))
        log_half = z * np.sqrt(np.where(own_v + ref_v > 0, own_v / own**2 + ref_v / ref**2, np.nan))
        ratio = own / ref
        limits = ratio * np.exp(-log_half), ratio * np.exp(log_half)
    found = (own, ref, own - ref, own - ref - half, own - ref + half, ratio, *limits, t.used.sum(-1))
    return Standardised(*(shaped(part, shape) for part in found))


def _mix(t: Tables, mix: str | ArrayLike, shape: tuple[int, ...]) -> Floats:
    named = {"both": t.n + t.m, "group": t.n, "reference": t.m}
    if isinstance(mix, str):
        if mix not in named:
            raise EquiscoreError(f"mix: no mix {mix!r}. Fix: use one of {', '.join(named)}, or give a weight for each stratum.")
        return np.array(named[mix])
    weights = np.broadcast_to(np.asarray(mix, np.float64), (*shape, t.x.shape[-1])).reshape(t.x.shape)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise EquiscoreError("mix: a weight is below 0 or no number. Fix: give a weight of 0 or more for each stratum.")
    return np.where(t.used, weights, 0.0)


def _weighted_rate(share: Floats, hits: Floats, trials: Floats, used: Mask) -> tuple[Floats, Floats]:
    """Return a rate in the mix `share`, and its variance."""
    rate = np.where(used, hits / trials, 0.0)
    variance = np.where(used, share**2 * rate * (1 - rate) / trials, 0.0)
    return (share * rate).sum(-1), variance.sum(-1)


@dataclass(frozen=True, slots=True)
class DemographicDisparity:
    """The group's share among the refused minus its share among the accepted: above 0, it gets less than its part."""

    value: Floats
    """Conditional: the mean over strata, each with the weight of its people."""
    crude: Floats
    """Over everybody, strata or not."""
    by_stratum: Floats
    """Shape (..., strata); nan where a stratum has one side only, or nobody accepted, or nobody refused."""
    strata: Floats
    """Strata that it could be worked out in."""


def conditional_demographic_disparity(hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike) -> DemographicDisparity:
    """Return the conditional demographic disparity, ``sum N_k DD_k / sum N_k``, and the disparity DD_k of each stratum.

    ``DD_k = (n-x)/(N-x-y) - x/(x+y)`` with x of n accepted in the group and y of m in the reference, N = n + m. The mean is over strata,
    not over groups (which always cancel). A stratum of one side only would give 0 and is left out, as is one in which nobody or
    everybody is accepted.

    Parameters
    ----------
    hits, trials, ref_hits, ref_trials : array_like, shape (..., strata)
        Accepted, and people, of group and reference.

    References
    ----------
    Wachter, Mittelstadt & Russell 2021, *Computer Law & Security Review* 41:105567.

    Examples
    --------
    >>> women = [89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341]
    >>> found = conditional_demographic_disparity(*women, [512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373])
    >>> round(float(found.crude), 2), round(float(found.value), 3)
    (0.14, -0.019)
    """
    x, n, y, m = (np.atleast_1d(side) for side in checked_pairs(hits, trials, ref_hits, ref_trials))
    told = (n > 0) & (m > 0) & (x + y > 0) & (x + y < n + m)
    by_stratum = np.where(told, _demographic(x, n, y, m), np.nan)
    people = np.where(told, n + m, 0.0)
    with np.errstate(invalid="ignore"):
        value = (people * np.where(told, by_stratum, 0.0)).sum(-1) / people.sum(-1)
    crude = _demographic(*(side.sum(-1) for side in (x, n, y, m)))
    value, crude, strata = (shaped(part, x.shape[:-1]) for part in (value, crude, told.sum(-1)))
    return DemographicDisparity(value, crude, by_stratum, strata)


def _demographic(x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((n - x) / (n + m - x - y) - x / (x + y))


@dataclass(frozen=True, slots=True)
class Decomposition:
    """What a gap between two rates is made of; `composition + within + not_comparable` is the gap."""

    gap: Floats
    composition: Floats
    """From the two sides being in different strata; nan where no stratum is comparable."""
    composition_low: Floats
    composition_high: Floats
    within: Floats
    """From different rates in the same strata; nan where no stratum is comparable."""
    within_low: Floats
    within_high: Floats
    not_comparable: Floats
    """From strata that only one side is in: the whole gap where no stratum is comparable, 0 where all are."""
    not_comparable_low: Floats
    not_comparable_high: Floats
    composition_by_stratum: Floats
    """Shape (..., strata), about the mean rate of both sides: below 0 where the group is more often in a stratum of low rates."""
    within_by_stratum: Floats
    not_comparable_by_stratum: Floats


def kitagawa(
    hits: ArrayLike,
    trials: ArrayLike,
    ref_hits: ArrayLike,
    ref_trials: ArrayLike,
    *,
    confidence: float = 0.95,
    comparable: ArrayLike | None = None,
) -> Decomposition:
    """Decompose the gap ``p_g - p_r`` into composition, rates within strata, and what cannot be compared.

    With the shares s_g, s_r of the comparable strata: ``composition = sum (s_g - s_r)(p_gk + p_rk)/2`` and
    ``within = sum (p_gk - p_rk)(s_g + s_r)/2`` (Kitagawa 1955): no interaction is left over. With strata that hold one side only, both are
    over the comparable ones, and ``(p_g - p_g on these) - (p_r - p_r on these)`` is a part of its own (Nopo 2008). Intervals by the delta
    method, the shares estimated too; nan where a variance is 0.

    Parameters
    ----------
    hits, trials, ref_hits, ref_trials : array_like, shape (..., strata)
        Counts of group and reference.
    confidence : float
        Two-sided.
    comparable : array_like of bool, optional
        Strata that may be compared at all; one with trials on both sides may be, by default.

    References
    ----------
    Kitagawa 1955, *JASA* 50:1168; Nopo 2008, *Review of Economics and Statistics* 90:290.

    Examples
    --------
    >>> parts = kitagawa([80, 10], [100, 50], [40, 40], [50, 200])
    >>> round(float(parts.gap), 2), round(float(parts.composition), 2), round(float(parts.within), 2)
    (0.28, 0.28, 0.0)
    """
    x, n, y, m = (np.atleast_1d(side) for side in checked_pairs(hits, trials, ref_hits, ref_trials))
    used = (n > 0) & (m > 0) & (True if comparable is None else np.asarray(comparable, bool))
    group, reference = _Population(x, n, used), _Population(y, m, used)
    composition = (group.share - reference.share) * (group.centred + reference.centred) / 2
    within = (group.rate - reference.rate) * (group.share + reference.share) / 2
    apart = group.apart - reference.apart
    found: list[Any] = [group.whole - reference.whole]
    pairs = {"composition": (composition, _of_composition), "within": (within, _of_within), "apart": (apart, _of_apart)}
    for name, (by_stratum, influence) in pairs.items():
        value = by_stratum.sum(-1) if name == "apart" else np.where(used.any(-1), by_stratum.sum(-1), np.nan)
        variance = group.variance(*influence(group, reference)) + reference.variance(*influence(reference, group))
        half = quantile(confidence) * np.sqrt(np.where(variance > 0, variance, np.nan))
        found += [value, value - half, value + half]
    none = np.where(used, 1.0, np.nan)  # a stratum that is not compared has no part in either
    found = [shaped(part, x.shape[:-1]) for part in found]
    found += [composition * none, within * none, apart]
    return Decomposition(*found)


class _Population:
    """One side of a decomposition: what its strata hold, 0 where they are not comparable."""

    def __init__(self, hits: Floats, trials: Floats, used: Mask) -> None:
        self.hits, self.misses, self.used = hits, trials - hits, used
        self.people = trials.sum(-1, keepdims=True)
        inside = np.where(used, trials, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.whole = np.asarray(hits.sum(-1) / self.people[..., 0])
            self.on = np.where(used, hits, 0.0).sum(-1, keepdims=True) / inside.sum(-1, keepdims=True)
            self.part = inside.sum(-1, keepdims=True) / self.people
            self.share = np.where(used, inside / inside.sum(-1, keepdims=True), 0.0)
            self.rate = np.where(used, hits / trials, 0.0)
        self.centred = np.where(used, self.rate - self.on, 0.0)
        # without a comparable stratum the whole rate lies apart
        base = np.where(np.isnan(self.on), 0.0, self.on)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.apart = np.where(used | (trials == 0), 0.0, (hits - base * trials) / self.people)
        self.apart = np.where(self.people > 0, self.apart, np.nan)

    def variance(self, of_hit: Floats, of_miss: Floats) -> Floats:
        """Return sum of counts times squared influences, over the square of the people."""
        squares = (self.hits * of_hit**2 + self.misses * of_miss**2).sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(squares / self.people[..., 0] ** 2)


def _influence(own: _Population, of_share: Floats, of_rate: Floats) -> tuple[Floats, Floats]:
    """Return the influence of a hit and of a miss in each stratum, from the derivatives by the shares and the rates."""
    centred = of_share - (own.share * of_share).sum(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_rate = np.where(own.used, of_rate / own.share, 0.0)
        found = [np.where(own.used, (centred + by_rate * (outcome - own.rate)) / own.part, 0.0) for outcome in (1.0, 0.0)]
    return found[0], found[1]


def _of_composition(own: _Population, other: _Population) -> tuple[Floats, Floats]:
    return _influence(own, (own.rate + other.rate) / 2, (own.share - other.share) / 2)


def _of_within(own: _Population, other: _Population) -> tuple[Floats, Floats]:
    return _influence(own, (own.rate - other.rate) / 2, (own.share + other.share) / 2)


def _of_apart(own: _Population, _: _Population) -> tuple[Floats, Floats]:
    """Return the influence on ``p - p on the comparable strata``."""
    base, part = np.where(np.isnan(own.on), 0.0, own.on), np.where(own.part > 0, own.part, 1.0)
    whole = own.whole[..., None]
    found = [outcome - whole - np.where(own.used, (outcome - base) / part, 0.0) for outcome in (1.0, 0.0)]
    return found[0], found[1]


class Reversal(NamedTuple):
    """Whether strata turn an effect round (Simpson 1951)."""

    simpson: Mask
    """The crude and the pooled ratio lie on opposite sides of 1."""
    shown: Mask
    """Both do so beyond chance: neither interval holds 1."""


def reversal(crude: tuple[ArrayLike, ArrayLike, ArrayLike], pooled: tuple[ArrayLike, ArrayLike, ArrayLike]) -> Reversal:
    """Tell where the ratio within strata lies on the other side of 1 than the crude one.

    Parameters
    ----------
    crude, pooled : tuple of array_like
        Ratio, lower and upper limit of each.

    References
    ----------
    Simpson 1951, *JRSS B* 13:238.

    Examples
    --------
    >>> reversal(([0.95, 0.68], [0.89, 0.63], [1.01, 0.74]), ([1.07, 0.9], [1.0, 0.8], [1.13, 1.0]))
    Reversal(simpson=array([ True, False]), shown=array([False, False]))
    """
    (ratio, low, high), (within, within_low, within_high) = (tuple(np.asarray(part, np.float64) for part in side) for side in (crude, pooled))
    down, up = (ratio < 1) & (within > 1), (ratio > 1) & (within < 1)
    shown = (down & (high < 1) & (within_low > 1)) | (up & (low > 1) & (within_high < 1))
    return Reversal(np.asarray(down | up), np.asarray(shown))
