"""A group against its reference within strata: effects pooled by Mantel and Haenszel, with what they leave out.

Arrays in, arrays out: the last axis of the counts is the strata, every axis before it is kept. A stratum in which one side has no trials
is not comparable: it is counted and never read as parity. Where nothing is comparable there is no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from scoring.fairness.restricted import Floats, estimate_at, positive, shaped
from scoring.fairness.stratified import Mask, Tables, quantile, tables
from scoring.fairness.within.decomposition import (
    Decomposition,
    DemographicDisparity,
    Reversal,
    Standardised,
    conditional_demographic_disparity,
    kitagawa,
    reversal,
    standardised,
)

__all__ = [
    "Decomposition",
    "DemographicDisparity",
    "Pooled",
    "PooledTest",
    "Reversal",
    "Standardised",
    "conditional_demographic_disparity",
    "kitagawa",
    "mantel_haenszel",
    "pooled_test",
    "reversal",
    "standardised",
]
FARTHEST = 40.0  # logarithm of a ratio beyond which a limit is said to be 0 or infinite
HALVINGS = 70


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
    shape, t = tables(hits, trials, ref_hits, ref_trials)
    z = quantile(confidence)
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
    shape, t = tables(hits, trials, ref_hits, ref_trials)
    tau = positive(tolerance, "tolerance")
    ratio, se = _log_ratio(t)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(_has_error(se), np.log(ratio / tau) / se, _stratified_score(t, np.broadcast_to(tau, ratio.shape)))
    z = np.where(np.isnan(ratio), np.nan, z)
    return PooledTest(shaped(special.ndtr(z), shape), shaped(special.ndtr(-z), shape))


def _log_ratio(t: Tables) -> tuple[Floats, Floats]:
    """Return the ratio and the standard error of its logarithm."""
    group, reference = (t.x * t.m / t.total).sum(-1), (t.y * t.n / t.total).sum(-1)
    # n m (x + y) - x y N, written without a difference of large numbers
    spread = ((t.n * t.x * (t.m - t.y) + t.m * t.y * (t.n - t.x)) / t.total**2).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return group / reference, np.sqrt(spread / (group * reference))


def _has_error(se: Floats) -> Mask:
    return np.isfinite(se) & (se > 0)


def _pooled_ratio(t: Tables, z: float) -> tuple[Floats, Floats, Floats, Floats]:
    ratio, se = _log_ratio(t)
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = ratio * np.exp(-z * se), ratio * np.exp(z * se)
    edge = ~_has_error(se) & ~np.isnan(ratio)
    if edge.any():
        at_edge = Tables(t.x[edge], t.n[edge], t.y[edge], t.m[edge], t.total[edge], t.used[edge], t.one_sided[edge])
        low[edge], high[edge] = _score_limit(at_edge, z), _score_limit(at_edge, -z)
    return ratio, low, high, np.where(edge, np.nan, se)


def _stratified_score(t: Tables, ratio: Floats) -> Floats:
    """Return the score of a common ratio: sum w (p_g - ratio p_r) over its error at the restricted estimates, w = n m / N."""
    theta = ratio[..., None]
    group, reference = (np.where(t.used, rate, 0.0) for rate in estimate_at(t.x, t.n, t.y, t.m, theta))
    gap = ((t.x * t.m - theta * t.y * t.n) / t.total).sum(-1)
    spread = t.m * group * (1 - group) + theta**2 * t.n * reference * (1 - reference)
    variance = (t.n * t.m / t.total**2 * spread).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, gap / np.sqrt(variance), 0.0)


def _score_limit(t: Tables, score: float) -> Floats:
    """Return the ratio at which the stratified score, which falls in the ratio, is `score`; 0 or infinite where it never is."""
    low, high = np.full(len(t.x), -FARTHEST), np.full(len(t.x), FARTHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = _stratified_score(t, np.exp(middle)) > score
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.select([high <= 1 - FARTHEST, low >= FARTHEST - 1], [np.zeros_like(low), np.full_like(low, np.inf)], np.exp((low + high) / 2))


def _pooled_difference(t: Tables, z: float) -> tuple[Floats, Floats, Floats]:
    weight = (t.n * t.m / t.total).sum(-1)
    a, b = t.n / t.total, t.m / t.total
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = (t.x * b - t.y * a).sum(-1) / weight
        by_gap = (t.y * a**2 - t.x * b**2 + a * b * (t.m - t.n) / 2).sum(-1)
        rest = ((t.x * (t.m - t.y) + t.y * (t.n - t.x)) / t.total).sum(-1) / 2
        variance = (gap * by_gap + rest) / weight**2
        half = z * np.sqrt(np.where(variance > 0, variance, np.nan))
    return gap, np.maximum(gap - half, -1.0), np.minimum(gap + half, 1.0)


def _cmh(t: Tables, *, correction: bool) -> tuple[Floats, Floats]:
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


def _homogeneity(t: Tables, ratio: Floats) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    """Return Q with its degrees of freedom and p, and the number of comparable strata that say nothing of it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (t.n - t.x) / (t.n * t.x) + (t.m - t.y) / (t.m * t.y)
        told = t.used & (t.x > 0) & (t.y > 0) & (variance > 0)
        apart = np.where(told, (np.log(t.x * t.m / (t.n * t.y)) - np.log(ratio)[:, None]) ** 2 / variance, 0.0)
    free = np.maximum(told.sum(-1) - 1.0, 0.0)
    q = np.where(free > 0, apart.sum(-1), np.nan)
    return (q, free, special.chdtrc(free, q)), (t.used & ~told).sum(-1)


def _pooled_odds(t: Tables, z: float) -> tuple[Floats, Floats, Floats]:
    r, s = t.x * (t.m - t.y) / t.total, (t.n - t.x) * t.y / t.total
    p, q = (t.x + t.m - t.y) / t.total, (t.n - t.x + t.y) / t.total
    over, under = r.sum(-1), s.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = over / under
        parts = (p * r).sum(-1) / over**2, (p * s + q * r).sum(-1) / (over * under), (q * s).sum(-1) / under**2
        half = z * np.sqrt(sum(parts) / 2)
        return odds, odds * np.exp(-half), odds * np.exp(half)


def _breslow_day(t: Tables, odds: Floats) -> tuple[Floats, Floats]:
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
