"""How sure one can be of a rate, a difference and a ratio: score intervals, arrays in, arrays out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from scoring.errors import EquiscoreError
from scoring.fairness.exact import Held, HeldDifference, HeldRatio, exact_limits
from scoring.fairness.restricted import Floats, between_0_and_1, checked, checked_pairs, rising_root, shaped

Interval = tuple[Floats, Floats]
OfOne = Callable[[Floats, Floats, float], Interval]
OfTwo = Callable[[Floats, Floats, Floats, Floats, float], Interval]
Place = Callable[[Floats, Floats, Floats, Floats, Floats], Floats]
Odds = tuple[Floats | float, Floats, Floats]
Method = TypeVar("Method")

BLOCK = 8_192  # pairs at a time: what is worked out for them stays in the processor's cache, in a quarter of the time


def proportion_interval(hits: ArrayLike, trials: ArrayLike, *, confidence: float = 0.95, method: str = "wilson") -> Interval:
    """Return the limits (low, high) of a rate; nan for 0 of 0.

    ``"wilson"`` inverts the score test: mean coverage at the nominal level, at some rates a little under it. ``"clopper-pearson"`` inverts
    the exact binomial test: never under it, and wider. ``"mid-p"`` counts half the chance of the number seen: between the two, its mean
    coverage at the level. Counts may be fractional (effective sizes).

    References
    ----------
    Wilson 1927, *JASA* 22:209; Clopper & Pearson 1934, *Biometrika* 26:404; Lancaster 1961, *JASA* 56:223; Brown, Cai & DasGupta 2001,
    *Statistical Science* 16:101.

    Examples
    --------
    >>> low, high = proportion_interval([81, 0], [263, 20])
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.2553, 0.0], [0.3662, 0.1611])
    """
    x, n = checked(hits, trials)
    low, high = _named(method, _OF_ONE)(x.ravel(), n.ravel(), _quantile(confidence))
    return shaped(low, x.shape), shaped(high, x.shape)


def difference_interval(
    hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, confidence: float = 0.95, method: str = "newcombe"
) -> Interval:
    """Return the limits (low, high) of the group's rate minus the reference's; nan where one of them has no trials.

    ``"newcombe"`` joins two Wilson intervals (his method 10); ``"miettinen-nurminen"`` inverts the score test whose variance is
    multiplied by N/(N-1). ``"exact"`` inverts, on each side, the exact unconditional test that orders the tables by that score: never
    under the level, about .2 s a pair, and for whole counts only.

    References
    ----------
    Newcombe 1998, *Statistics in Medicine* 17:873; Miettinen & Nurminen 1985, *Statistics in Medicine* 4:213; Chan & Zhang 1999,
    *Biometrics* 55:1202; Berger & Boos 1994, *JASA* 89:1012.

    Examples
    --------
    >>> low, high = difference_interval(56, 70, 48, 80)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0524, 0.3339)
    """
    return _in_blocks(_named(method, _DIFFERENCES), checked_pairs(hits, trials, ref_hits, ref_trials), _quantile(confidence))


def ratio_interval(
    hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, confidence: float = 0.95, method: str = "koopman"
) -> Interval:
    """Return the limits (low, high) of the group's rate over the reference's; nan where it is 0/0 or one of them has no trials.

    ``"koopman"`` inverts the score test (a closed form); ``"gart-nam"`` the skewness-corrected one, and so agrees with
    `hypotheses.ratio_test` where that is not exact: it is the interval to show beside a verdict. ``"miettinen-nurminen"`` is Koopman's
    with the variance multiplied by N/(N-1). ``"exact"`` inverts the exact test of `ratio_test`, on each side and everywhere: never under
    the level, about .2 s a pair, and for whole counts only. ``"katz"`` is the logarithmic one, which without hits has no width: nan on
    the side it cannot give. Nobody hit in the group: low 0; nobody in the reference: high inf.

    References
    ----------
    Koopman 1984, *Biometrics* 40:513; Gart & Nam 1988, *Biometrics* 44:323; Laud 2017, *Pharmaceutical Statistics* 16:334;
    Miettinen & Nurminen 1985, *Statistics in Medicine* 4:213; Katz, Baptista, Azen & Pike 1978, *Biometrics* 34:469; Berger & Boos 1994,
    *JASA* 89:1012.

    Examples
    --------
    >>> low, high = ratio_interval(36, 40, 16, 80)
    >>> round(float(low), 4), round(float(high), 4)
    (2.9396, 7.1522)
    """
    return _in_blocks(_named(method, _RATIOS), checked_pairs(hits, trials, ref_hits, ref_trials), _quantile(confidence))


def zero_upper(trials: ArrayLike, *, alpha: float = 0.025) -> Floats:
    """Return the one-sided upper limit of a rate of which nobody was hit: 1 - alpha^(1/trials); nan without trials.

    >>> round(float(zero_upper(60, alpha=0.05)), 4)
    0.0487
    """
    level = between_0_and_1(alpha, "alpha")
    _, n = checked(0, trials)
    with np.errstate(divide="ignore"):
        return shaped(np.where(n > 0, -np.expm1(np.log(level) / n), np.nan), n.shape)


def _named(method: str, known: Mapping[str, Method]) -> Method:
    if method not in known:
        raise EquiscoreError(f"No interval {method!r}. Fix: use one of {', '.join(known)}.")
    return known[method]


def _in_blocks(limits: OfTwo, counts: tuple[Floats, Floats, Floats, Floats], z: float) -> Interval:
    x, n, y, m = (a.ravel() for a in counts)
    starts = range(0, max(x.size, 1), BLOCK)
    blocks = (slice(start, start + BLOCK) for start in starts)
    low, high = zip(*(limits(x[block], n[block], y[block], m[block], z) for block in blocks), strict=True)
    return shaped(np.concatenate(low), counts[0].shape), shaped(np.concatenate(high), counts[0].shape)


def _quantile(confidence: float) -> float:
    return float(special.ndtri((1 + between_0_and_1(confidence, "confidence")) / 2))


def _wilson(x: Floats, n: Floats, z: float) -> Interval:
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, half = x + z * z / 2, z * np.sqrt(x * (n - x) / n + z * z / 4)
        low, high = (centre - half) / (n + z * z), (centre + half) / (n + z * z)
    # at 0 and n of n the limits are 0 and 1 but for a rounding error
    low, high = np.where(x == 0, 0.0, np.maximum(low, 0.0)), np.where(x == n, 1.0, np.minimum(high, 1.0))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def _clopper_pearson(x: Floats, n: Floats, z: float) -> Interval:
    tail = special.ndtr(-z)
    low = np.where(x > 0, special.betaincinv(np.where(x > 0, x, 1.0), n - x + 1, tail), 0.0)
    high = np.where(x < n, special.betainccinv(x + 1, np.where(x < n, n - x, 1.0), tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def _mid_p(x: Floats, n: Floats, z: float) -> Interval:
    low, misses = _mid_p_low(x, n, z), _mid_p_low(n - x, n, z)
    return np.where(n > 0, low, np.nan), np.where(n > 0, 1 - misses, np.nan)


def _mid_p_low(x: Floats, n: Floats, z: float) -> Floats:
    """Return the rate at which P(more hits) + P(as many)/2 is the tail beyond z; 0 where there is no hit."""
    low, tail = np.zeros_like(x), np.full_like(x, special.ndtr(-z))
    full, sought = (x == n) & (n > 0), (x > 0) & (x < n)
    low[full] = np.exp(np.log(2 * tail[full]) / n[full])
    x, n = x[sought], n[sought]
    low[sought] = rising_root(_mid_p_tail, _wilson(x, n, z)[0], np.zeros_like(x), np.ones_like(x), x, n, tail[sought])
    return low


def _mid_p_tail(p: Floats, x: Floats, n: Floats, tail: Floats) -> tuple[Floats, Floats]:
    """Return P(more than x hits) + P(x)/2 - tail, and its slope in the rate p: half of two beta distributions and of their densities."""
    density = np.exp(special.xlogy(x - 1, p) + special.xlog1py(n - x, -p) - special.betaln(x, n - x + 1))
    beyond = special.betainc(x, n - x + 1, p) + special.betainc(x + 1, n - x, p)
    return beyond / 2 - tail, density * (1 + p / (1 - p) * (n - x) / x) / 2


def _newcombe(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    (low_g, high_g), (low_r, high_r) = _wilson(x, n, z), _wilson(y, m, z)
    group, reference = _over(x, n), _over(y, m)
    gap = group - reference
    low = gap - np.hypot(group - low_g, high_r - reference)
    return low, gap + np.hypot(high_g - group, reference - low_r)


def _score_of_difference(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    high = _highest_difference(x, n, y, m, z)
    return -_highest_difference(y, m, x, n, z), high


def _highest_difference(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Floats:
    """Return the difference above the estimate at which the score is -z; 1 where there is none below 1.

    Held to a difference, each rate solves a quadratic in v, the multiplier of the restriction, and the score is ``-v sqrt(V)``.
    """
    gap = _over(x, n) - _over(y, m)
    high = np.where(np.isnan(gap), np.nan, 1.0)
    sought = (gap < 1) & (n + m > 1)
    x, n, y, m, gap = (a[sought] for a in (x, n, y, m, gap))
    target = z * np.sqrt((n + m) / (n + m - 1))
    least = target**2 / (1 - gap)  # v (difference - estimate) is the score squared, and no difference is above 1
    found = rising_root(_beyond, 2 * least, least * (1 - 1e-9), np.full_like(gap, np.inf), x, n, y, m, target)
    high[sought] = 1 - _held_rate(n - x, n, found) - _held_rate(y, m, found)
    return high


def _held_rate(hits: Floats, trials: Floats, v: Floats) -> Floats:
    """Return the p at which ``trials p - hits + v p (1 - p) = 0``: the reference's rate, or the group's rate of misses."""
    return np.asarray(2 * hits / (trials + v + np.sqrt((trials - v) ** 2 + 4 * v * (trials - hits))))


def _beyond(v: Floats, x: Floats, n: Floats, y: Floats, m: Floats, target: Floats) -> tuple[Floats, Floats]:  # noqa: PLR0917  (as rising_root calls it)
    """Return ``v sqrt(V) - target`` and its slope in v."""
    misses, reference = _held_rate(n - x, n, v), _held_rate(y, m, v)
    of_group, of_reference = misses * (1 - misses) / n, reference * (1 - reference) / m
    root = np.sqrt(of_group + of_reference)
    fall = of_group * (1 - 2 * misses) / (n + v * (1 - 2 * misses)) + of_reference * (1 - 2 * reference) / (m + v * (1 - 2 * reference))
    return v * root - target, root - v * fall / (2 * root)


def _koopman(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    return _both_sides(_koopman_place, (x, n, y, m), np.full_like(x, z))


def _miettinen_nurminen(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _both_sides(_koopman_place, (x, n, y, m), np.where(n + m > 1, z * np.sqrt((n + m) / (n + m - 1)), np.inf))


def _gart_nam(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    return _both_sides(_gart_nam_place, (x, n, y, m), np.full_like(x, z))


def _both_sides(place: Place, counts: tuple[Floats, Floats, Floats, Floats], z: Floats) -> Interval:
    """Return the upper limit, and as the lower one the inverse of the upper with the samples exchanged: one search for both."""
    x, n, y, m = counts
    both = [np.concatenate(pair) for pair in ((y, x), (m, n), (x, y), (n, m), (z, z))]
    inverse, high = np.split(_highest_ratio(place, *both), 2)
    with np.errstate(divide="ignore"):
        return 1 / inverse, high


def _highest_ratio(place: Place, x: Floats, n: Floats, y: Floats, m: Floats, z: Floats) -> Floats:  # noqa: PLR0917  (a pair and its quantile)
    """Return the ratio above which the score is under -z; inf where there is none, nan where there is no ratio."""
    high = np.where((n > 0) & (m > 0) & (x + y > 0), np.inf, np.nan)
    sought = (n > 0) & (y > 0) & np.isfinite(z)
    x, n, y, m = (a[sought] for a in (x, n, y, m))
    d = place(x, n, y, m, z[sought])
    with np.errstate(divide="ignore", invalid="ignore"):
        s = y - np.maximum(d, 0.0)
        high[sought] = (x + s) / (n + s) * np.where(y < m, (m - y + d) / d, 1 + np.maximum(-d, 0.0) / m)
    return high


# Held to a ratio, the likeliest rates are (x + s)/(n + s) and (y - s)/(m - s), s from -x to y. Their odds against are A = (n - x)/(x + s)
# and B = (m - y)/(y - s), and score and skewness are functions of s, A and B alone. Where they lie is said by d = y - s, which keeps its
# digits as the ratio grows. Where everybody in the reference is hit, B is 0 until s is m; from there it is B that moves, and d is -m B.


def _koopman_place(x: Floats, n: Floats, y: Floats, m: Floats, z: Floats) -> Floats:
    """Return d where the plain score is -z, ``s^2 (A/n + B/m) = z^2``: a cubic in s, of a lower degree where a count is 0."""
    k, d = z * z, np.empty_like(x)
    cubic, full = (x > 0) & (x < n) & (y < m), y == m
    few = ~cubic & ~full
    d[cubic] = _koopman_cubic(*(a[cubic] for a in (x, n, y, m, k)))
    d[full] = _koopman_full_reference(*(a[full] for a in (x, n, m, k)))
    d[few] = _koopman_none_or_all(*(a[few] for a in (x, y, m, k)))
    return d


def _koopman_cubic(x: Floats, n: Floats, y: Floats, m: Floats, k: Floats) -> Floats:
    """Solve ``(x/n - y/m) s^3 + (y(n-x)/n + x(m-y)/m + k) s^2 - k(y-x) s - kxy = 0``, none of the four counts being 0.

    Its inverse u = 1/s has three real roots; the largest gives the upper limit.
    """
    square, linear = 1 / x - 1 / y, -(y * (n - x) / n + x * (m - y) / m + k) / (k * x * y)
    constant = (y / m - x / n) / (k * x * y)
    third = square / 3
    spread = third**2 - linear / 3
    turn = third * (third**2 - linear / 2) + constant / 2
    root = np.sqrt(spread)
    u = 2 * root * np.cos(np.arccos(np.clip(-turn / (spread * root), -1.0, 1.0)) / 3) - third
    for _ in range(2):  # the cosine loses up to half the digits where two roots nearly meet; two Newton steps bring them back
        u -= (((u + square) * u + linear) * u + constant) / ((3 * u + 2 * square) * u + linear)
    return np.asarray((y * u - 1) / u)


def _koopman_full_reference(x: Floats, n: Floats, m: Floats, k: Floats) -> Floats:
    """Return d where everybody in the reference is hit: first s moves alone, Wilson's interval of the group; past the pooled rate B does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        s = k * (n + np.sqrt(n * n + 4 * (n - x) * n * x / k)) / (2 * (n - x))
        return np.where(s < m, m - s, m * (n - x) / (n * (x + m)) * m - k)


def _koopman_none_or_all(x: Floats, y: Floats, m: Floats, k: Floats) -> Floats:
    """Return d where nobody or everybody in the group is hit."""
    nobody = 2 * k * y / (y + k + np.sqrt(np.maximum((y + k) ** 2 - 4 * k * y**2 / m, 0.0)))
    everybody = 2 * k * y / (k + np.sqrt(k * (k + 4 * y * (m - y) / m)))
    return y - np.where(x == 0, nobody, everybody)


def _gart_nam_place(x: Floats, n: Floats, y: Floats, m: Floats, z: Floats) -> Floats:
    """Return d where the corrected score is -z, sought from Koopman's; of a handful of people it never gets as low, and d is 0 or -inf."""
    d = np.where(y < m, 0.0, -np.inf)
    sought = z * z < 1 + 6 * y  # towards an infinite ratio the corrected score tends to -sqrt(1 + 6 y)
    x, n, y, m, z = (a[sought] for a in (x, n, y, m, z))
    start, full = _koopman_place(x, n, y, m, z), y == m
    found = np.empty_like(x)
    for these, excess, lowest in ((~full, _excess, 0.0), (full, _excess_full_reference, -np.inf)):
        counts = [a[these] for a in (x, n, y, m, z)]
        highest = np.where((x == n) & full, 0.0, x + y)[these]
        found[these] = rising_root(excess, start[these], np.full_like(highest, lowest), highest, *counts)
    d[sought] = found
    return d


def _excess(d: Floats, x: Floats, n: Floats, y: Floats, m: Floats, z: Floats) -> tuple[Floats, Floats]:  # noqa: PLR0917  (as rising_root calls it)
    s = y - d
    against, reference = (n - x) / (x + s), (m - y) / d
    return _corrected_excess((s, against, reference), (-1.0, against / (x + s), -reference / d), n, m, z)


def _excess_full_reference(d: Floats, x: Floats, n: Floats, y: Floats, m: Floats, z: Floats) -> tuple[Floats, Floats]:  # noqa: ARG001, PLR0917  (as _excess)
    past = d < 0
    s = np.where(past, m, m - d)
    against, reference = (n - x) / (x + s), np.where(past, -d / m, 0.0)
    slopes = np.where(past, 0.0, -1.0), np.where(past, 0.0, against / (x + s)), np.where(past, -1 / m, 0.0)
    return _corrected_excess((s, against, reference), slopes, n, m, z)


def _corrected_excess(held: Odds, slopes: Odds, n: Floats, m: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Return something of the sign of the corrected score plus z, and its slope, given s, A, B and their slopes.

    The corrected score is -z where ``-s sqrt(W) + z = a (z^2 - 1)``, W = A/n + B/m and a the skewness, as long as ``2 a z <= 1``; where
    a is larger, the corrected score is above -z.
    """
    (s, group, reference), (ds, dgroup, dreference) = held, slopes
    w, dw = group / n + reference / m, dgroup / n + dreference / m
    root = np.sqrt(w)
    third = group * (group - 1) / n**2 - reference * (reference - 1) / m**2
    dthird = (2 * group - 1) * dgroup / n**2 - (2 * reference - 1) * dreference / m**2
    a = third / (6 * w * root)
    da = dthird / (6 * w * root) - 1.5 * a * dw / w
    solved, turned = z - s * root - a * (z * z - 1), 2 * a * z - 1
    dsolved = -ds * root - s * dw / (2 * root) - da * (z * z - 1)
    return np.maximum(solved, turned), np.where(solved >= turned, dsolved, 2 * z * da)


def _exact_difference(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    score, nearer = _score_of_difference(x, n, y, m, z), _score_of_difference(x, n, y, m, z / 2)
    low, high = _exactly(HeldDifference, (x, n, y, m), score, nearer, z)
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def _exact_ratio(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    with np.errstate(divide="ignore"):
        score, nearer = ([np.log(limit) for limit in _koopman(x, n, y, m, quantile)] for quantile in (z, z / 2))
    low, high = _exactly(lambda value: HeldRatio(math.exp(value)), (x, n, y, m), score, nearer, z)
    return np.exp(low), np.exp(high)


def _exactly(
    held: Callable[[float], Held], counts: tuple[Floats, Floats, Floats, Floats], score: Sequence[Floats], nearer: Sequence[Floats], z: float
) -> Interval:
    tail = float(special.ndtr(-z))
    low, high = (exact_limits(held, counts, score[i], nearer[i], side=side, tail=tail) for i, side in enumerate((1, -1)))
    return low, high


def _katz(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, half = (x / n) / (y / m), z * np.sqrt(1 / x - 1 / n + 1 / y - 1 / m)
        low, high = ratio * np.exp(-half), ratio * np.exp(half)
    low, high = np.where((x == 0) & (y > 0) & (m > 0) & (n > 0), 0.0, low), np.where((y == 0) & (x > 0) & (m > 0), np.inf, high)
    return np.where(y == 0, np.nan, low), np.where(x == 0, np.nan, high)


def _over(hits: Floats, trials: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(hits / trials)


_OF_ONE: Mapping[str, OfOne] = {"wilson": _wilson, "clopper-pearson": _clopper_pearson, "mid-p": _mid_p}
_DIFFERENCES: Mapping[str, OfTwo] = {"newcombe": _newcombe, "miettinen-nurminen": _score_of_difference, "exact": _exact_difference}
_RATIOS: Mapping[str, OfTwo] = {
    "koopman": _koopman,
    "gart-nam": _gart_nam,
    "katz": _katz,
    "miettinen-nurminen": _miettinen_nurminen,
    "exact": _exact_ratio,
}
