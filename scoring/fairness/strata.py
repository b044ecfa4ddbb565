"""A group against its reference within strata: pooled effects, standardised rates, and what a gap is made of.

Arrays in, arrays out: the last axis of the counts is the strata, every axis before it is kept. A stratum in which one side has no trials
is not comparable: it is counted and never read as parity. Where nothing is comparable there is no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scoring.errors import EquiscoreError
from scoring.fairness.restricted import Floats, between_0_and_1, checked_pairs, estimate_at, positive, shaped

Mask = NDArray[np.bool_]
FARTHEST = 40.0  # logarithm of a ratio beyond which a limit is said to be 0 or infinite
HALVINGS = 70


class _Tables(NamedTuple):
    """Two-by-two tables (rows, strata); what is not comparable holds 0, and 1 as its total, so that it adds nothing."""

    x: Floats
    n: Floats
    y: Floats
    m: Floats
    total: Floats
    used: Mask
    one_sided: Mask


@dataclass(frozen=True, slots=True)
class Pooled:
    """Effects pooled over strata by Mantel and Haenszel, with what they leave out; arrays of the leading axes."""

    ratio: Floats
    low: Floats
    high: Floats
    se: Floats
    """Greenland and Robins' standard error of the logarithm of the ratio; nan where the limits come from the score test."""
    difference: Floats
    difference_low: Floats
    difference_high: Floats
    cmh: Floats
    """Cochran, Mantel and Haenszel's chi-square of no effect in any stratum, 1 degree of freedom."""
    p: Floats
    homogeneity: Floats
    """Q of one ratio for all strata."""
    homogeneity_df: Floats
    p_homogeneity: Floats
    odds_ratio: Floats
    odds_low: Floats
    odds_high: Floats
    breslow_day: Floats
    """Breslow and Day's chi-square of one odds ratio for all strata, with Tarone's correction. It says nothing of the ratio."""
    p_breslow_day: Floats
    strata: Floats
    """Strata with trials on both sides."""
    left_out: Floats
    """Of these, strata that say nothing of homogeneity: no hits on a side, or nothing but hits on both."""
    not_comparable: Floats
    """Strata with trials on one side only."""

    @property
    def value(self) -> Floats:
        """The ratio."""
        return self.ratio


class PooledTest(NamedTuple):
    """The two one-sided p-values of a pooled ratio against the tolerance."""

    p_exclusion: Floats
    """Small: the ratio within strata is shown to be below the tolerance."""
    p_within: Floats
    """Small: it is shown to be above it."""


def mantel_haenszel(
    hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, confidence: float = 0.95, correction: bool = False
) -> Pooled:
    """Pool ratio, difference and odds ratio of the group to the reference over strata.

    With x of n in the group, y of m in the reference and N = n + m in each stratum: ``ratio = sum(x m / N) / sum(y n / N)`` with the
    variance of Greenland & Robins 1985 on the logarithm; the difference with that of Sato, Greenland & Robins 1989; the odds ratio with
    that of Robins, Breslow & Greenland 1986; ``Q = sum (log R_k - log R)^2 / v_k``, ``v_k = (1-p_gk)/x_k + (1-p_rk)/y_k``, over the strata
    with hits on both sides (about R and not about the mean that makes Q smallest: at base rates of .1 and .9 its level is .08 where .05
    is nominal). Where nobody of the group is hit in any stratum the ratio is 0, where nobody of the reference is it is
    infinite, and where everybody is hit the variance is 0: the logarithm then gives no limits, and they are those that the stratified
    score test does not reject (Gart 1985), so that no interval is without width. The limits of a difference whose variance is 0 are nan.

    Parameters
    ----------
    hits, trials, ref_hits, ref_trials : array_like, shape (..., strata)
        Counts of group and reference, broadcast together; fractional ones are welcome (effective sizes).
    confidence : float
        Two-sided, of every interval.
    correction : bool
        Whether half a person is taken off in `cmh`, never past 0.

    Returns
    -------
    Pooled
        Arrays of the leading axes; nan everywhere but in the counts of strata where no stratum is comparable.

    Raises
    ------
    EquiscoreError
        A count that is none, or hits above trials.

    References
    ----------
    Mantel & Haenszel 1959, *JNCI* 22:719; Greenland & Robins 1985, *Biometrics* 41:55; Sato, Greenland & Robins 1989,
    *Biometrics* 45:1323; Robins, Breslow & Greenland 1986, *Biometrics* 42:311; Tarone 1985, *Biometrika* 72:91; Gart 1985,
    *Biometrika* 72:673.

    Examples
    --------
    >>> women = [89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341]
    >>> berkeley = mantel_haenszel(*women, [512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373])
    >>> [round(float(value), 4) for value in (berkeley.ratio, berkeley.odds_ratio, berkeley.cmh, berkeley.p)]
    [1.0583, 1.1053, 1.5246, 0.2169]
    """
    shape, t = _tables(hits, trials, ref_hits, ref_trials)
    z = _quantile(confidence)
    any_used = t.used.any(-1)
    parts = [*_pooled_ratio(t, z), *_pooled_difference(t, z), *_cmh(t, correction=correction)]
    homogeneity, left_out = _homogeneity(t, parts[0])
    odds, low, high = _pooled_odds(t, z)
    undefined = [np.where(any_used, part, np.nan) for part in (*parts, *homogeneity, odds, low, high, *_breslow_day(t, odds))]
    return Pooled(*(shaped(part, shape) for part in (*undefined, t.used.sum(-1), left_out, t.one_sided.sum(-1))))


def pooled_test(hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, tolerance: float = 0.8) -> PooledTest:
    """Test the pooled ratio of the strata against `tolerance` from both sides: z = (log R - log tolerance) / se (Greenland & Robins 1985).

    Counts as for `mantel_haenszel`. Where the logarithm has no standard error, z is the stratified score at the tolerance. nan where no
    stratum is comparable or nobody is hit on either side. Raises `EquiscoreError` for a tolerance that is no ratio.

    Examples
    --------
    >>> test = pooled_test([30, 0], [100, 40], [60, 20], [100, 50])
    >>> round(float(test.p_exclusion), 4), round(float(test.p_within), 4)
    (0.0, 1.0)
    """
    shape, t = _tables(hits, trials, ref_hits, ref_trials)
    tau = positive(tolerance, "tolerance")
    ratio, se = _log_ratio(t)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(_has_error(se), np.log(ratio / tau) / se, _stratified_score(t, np.broadcast_to(tau, ratio.shape)))
    z = np.where(np.isnan(ratio), np.nan, z)
    return PooledTest(shaped(special.ndtr(z), shape), shaped(special.ndtr(-z), shape))


def _tables(hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike) -> tuple[tuple[int, ...], _Tables]:
    """Return the shape of the leading axes, and the tables with these axes as one."""
    counts = [np.atleast_1d(side) for side in checked_pairs(hits, trials, ref_hits, ref_trials)]
    shape, strata = counts[0].shape[:-1], counts[0].shape[-1]
    x, n, y, m = (side.reshape(int(np.prod(shape)), strata) for side in counts)
    used = (n > 0) & (m > 0)
    x, n, y, m = (np.where(used, side, 0.0) for side in (x, n, y, m))
    one_sided = ((counts[1] > 0) != (counts[3] > 0)).reshape(used.shape)
    return shape, _Tables(x, n, y, m, np.where(used, n + m, 1.0), used, one_sided)


def _quantile(confidence: float) -> float:
    return float(special.ndtri((1 + between_0_and_1(confidence, "confidence")) / 2))


def _log_ratio(t: _Tables) -> tuple[Floats, Floats]:
    """Return the ratio and the standard error of its logarithm."""
    group, reference = (t.x * t.m / t.total).sum(-1), (t.y * t.n / t.total).sum(-1)
    # n m (x + y) - x y N, written without a difference of large numbers
    spread = ((t.n * t.x * (t.m - t.y) + t.m * t.y * (t.n - t.x)) / t.total**2).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return group / reference, np.sqrt(spread / (group * reference))


def _has_error(se: Floats) -> Mask:
    return np.isfinite(se) & (se > 0)


def _pooled_ratio(t: _Tables, z: float) -> tuple[Floats, Floats, Floats, Floats]:
    ratio, se = _log_ratio(t)
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = ratio * np.exp(-z * se), ratio * np.exp(z * se)
    edge = ~_has_error(se) & ~np.isnan(ratio)
    if edge.any():
        at_edge = _Tables(t.x[edge], t.n[edge], t.y[edge], t.m[edge], t.total[edge], t.used[edge], t.one_sided[edge])
        low[edge], high[edge] = _score_limit(at_edge, z), _score_limit(at_edge, -z)
    return ratio, low, high, np.where(edge, np.nan, se)


def _stratified_score(t: _Tables, ratio: Floats) -> Floats:
    """Return the score of a common ratio: sum w (p_g - ratio p_r) over its error at the restricted estimates, w = n m / N."""
    theta = ratio[..., None]
    group, reference = (np.where(t.used, rate, 0.0) for rate in estimate_at(t.x, t.n, t.y, t.m, theta))
    gap = ((t.x * t.m - theta * t.y * t.n) / t.total).sum(-1)
    spread = t.m * group * (1 - group) + theta**2 * t.n * reference * (1 - reference)
    variance = (t.n * t.m / t.total**2 * spread).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, gap / np.sqrt(variance), 0.0)


def _score_limit(t: _Tables, score: float) -> Floats:
    """Return the ratio at which the stratified score, which falls in the ratio, is `score`; 0 or infinite where it never is."""
    low, high = np.full(len(t.x), -FARTHEST), np.full(len(t.x), FARTHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = _stratified_score(t, np.exp(middle)) > score
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.select([high <= 1 - FARTHEST, low >= FARTHEST - 1], [np.zeros_like(low), np.full_like(low, np.inf)], np.exp((low + high) / 2))


def _pooled_difference(t: _Tables, z: float) -> tuple[Floats, Floats, Floats]:
    weight = (t.n * t.m / t.total).sum(-1)
    a, b = t.n / t.total, t.m / t.total
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = (t.x * b - t.y * a).sum(-1) / weight
        by_gap = (t.y * a**2 - t.x * b**2 + a * b * (t.m - t.n) / 2).sum(-1)
        rest = ((t.x * (t.m - t.y) + t.y * (t.n - t.x)) / t.total).sum(-1) / 2
        variance = (gap * by_gap + rest) / weight**2
        half = z * np.sqrt(np.where(variance > 0, variance, np.nan))
    return gap, np.maximum(gap - half, -1.0), np.minimum(gap + half, 1.0)


def _cmh(t: _Tables, *, correction: bool) -> tuple[Floats, Floats]:
    hit = t.x + t.y
    told = t.total > 1  # an effective size of one person or less tells nothing
    surplus = np.abs(np.where(told, t.x - t.n * hit / t.total, 0.0).sum(-1))
    if correction:
        surplus = np.maximum(surplus - 0.5, 0.0)
    spread = t.n * t.m * hit * (t.total - hit) / (t.total**2 * np.where(told, t.total - 1, 1.0))
    variance = np.where(told, spread, 0.0).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cmh = np.where(variance > 0, surplus**2 / variance, np.nan)
    return cmh, special.chdtrc(1, cmh)


def _homogeneity(t: _Tables, ratio: Floats) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    """Return Q with its degrees of freedom and p, and the number of comparable strata that say nothing of it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (t.n - t.x) / (t.n * t.x) + (t.m - t.y) / (t.m * t.y)
        told = t.used & (t.x > 0) & (t.y > 0) & (variance > 0)
        apart = np.where(told, (np.log(t.x * t.m / (t.n * t.y)) - np.log(ratio)[:, None]) ** 2 / variance, 0.0)
    free = np.maximum(told.sum(-1) - 1.0, 0.0)
    q = np.where(free > 0, apart.sum(-1), np.nan)
    return (q, free, special.chdtrc(free, q)), (t.used & ~told).sum(-1)


def _pooled_odds(t: _Tables, z: float) -> tuple[Floats, Floats, Floats]:
    r, s = t.x * (t.m - t.y) / t.total, (t.n - t.x) * t.y / t.total
    p, q = (t.x + t.m - t.y) / t.total, (t.n - t.x + t.y) / t.total
    over, under = r.sum(-1), s.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = over / under
        parts = (p * r).sum(-1) / over**2, (p * s + q * r).sum(-1) / (over * under), (q * s).sum(-1) / under**2
        half = z * np.sqrt(sum(parts) / 2)
        return odds, odds * np.exp(-half), odds * np.exp(half)


def _breslow_day(t: _Tables, odds: Floats) -> tuple[Floats, Floats]:
    hit, psi = t.x + t.y, odds[:, None]
    told = t.used & (hit > 0) & (hit < t.total)
    with np.errstate(divide="ignore", invalid="ignore"):
        # hits of the group that the common odds ratio expects: the root of (1-psi) a^2 + b a - psi n t = 0 in the range, without cancellation
        b = t.m - hit + psi * (t.n + hit)
        root = np.sqrt(b**2 + 4 * (1 - psi) * psi * t.n * hit)
        a = np.where(b >= 0, 2 * psi * t.n * hit / (b + root), (root - b) / (2 * (1 - psi)))
        variance = np.where(told, 1 / (1 / a + 1 / (t.n - a) + 1 / (hit - a) + 1 / (t.m - hit + a)), 0.0)
        gap = np.where(told, t.x - a, 0.0)
        squares = np.where(told, gap**2 / variance, 0.0).sum(-1)
        statistic = squares - gap.sum(-1) ** 2 / variance.sum(-1)
    free = told.sum(-1) - 1.0
    statistic = np.where((free > 0) & np.isfinite(odds) & (odds > 0), statistic, np.nan)
    return statistic, special.chdtrc(np.maximum(free, 0.0), statistic)


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
    shape, t = _tables(hits, trials, ref_hits, ref_trials)
    share = _mix(t, mix, shape)
    z = _quantile(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        share /= share.sum(-1, keepdims=True)
        (own, own_v), (ref, ref_v) = (_weighted_rate(share, *side, t.used) for side in ((t.x, t.n), (t.y, t.m)))
        half = z * np.sqrt(np.where(own_v + ref_v > 0, own_v + ref_v, np.nan))
        log_half = z * np.sqrt(np.where(own_v + ref_v > 0, own_v / own**2 + ref_v / ref**2, np.nan))
        ratio = own / ref
        limits = ratio * np.exp(-log_half), ratio * np.exp(log_half)
    found = (own, ref, own - ref, own - ref - half, own - ref + half, ratio, *limits, t.used.sum(-1))
    return Standardised(*(shaped(part, shape) for part in found))


def _mix(t: _Tables, mix: str | ArrayLike, shape: tuple[int, ...]) -> Floats:
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
        half = _quantile(confidence) * np.sqrt(np.where(variance > 0, variance, np.nan))
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
