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
from scoring.fairness.ratio_limits import Interval, gart_nam, koopman, miettinen_nurminen
from scoring.fairness.restricted import Floats, between_0_and_1, checked, checked_pairs, rising_root, shaped

OfOne = Callable[[Floats, Floats, float], Interval]
OfTwo = Callable[[Floats, Floats, Floats, Floats, float], Interval]
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


def _exact_difference(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    score, nearer = _score_of_difference(x, n, y, m, z), _score_of_difference(x, n, y, m, z / 2)
    low, high = _exactly(HeldDifference, (x, n, y, m), score, nearer, z)
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def _exact_ratio(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    with np.errstate(divide="ignore"):
        score, nearer = ([np.log(limit) for limit in koopman(x, n, y, m, quantile)] for quantile in (z, z / 2))
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
    "koopman": koopman,
    "gart-nam": gart_nam,
    "katz": _katz,
    "miettinen-nurminen": miettinen_nurminen,
    "exact": _exact_ratio,
}
