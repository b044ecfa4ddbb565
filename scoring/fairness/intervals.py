"""How sure one can be of a rate, a difference and a ratio: score intervals, arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import elementwise

from scoring.errors import EquiscoreError
from scoring.fairness.restricted import Floats, between_0_and_1, checked, checked_pairs, score_at, shaped

Interval = tuple[Floats, Floats]
OfOne = Callable[[Floats, Floats, float], Interval]
OfTwo = Callable[[Floats, Floats, Floats, Floats, float], Interval]
Method = TypeVar("Method")

DOUBLINGS = 12  # of a bracket .1 wide on the logarithm of a ratio
FARTHEST = 200.0  # logarithm of a ratio whose cube, times a count, is still a float


def proportion_interval(hits: ArrayLike, trials: ArrayLike, *, confidence: float = 0.95, method: str = "wilson") -> Interval:
    """Return the limits (low, high) of a rate; nan for 0 of 0.

    ``"wilson"`` inverts the score test: mean coverage at the nominal level, at some rates a little under it. ``"clopper-pearson"`` inverts
    the exact binomial test: never under it, and wider. Counts may be fractional (effective sizes).

    References
    ----------
    Wilson 1927, *JASA* 22:209; Clopper & Pearson 1934, *Biometrika* 26:404; Brown, Cai & DasGupta 2001, *Statistical Science* 16:101.

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
    multiplied by N/(N-1).

    References
    ----------
    Newcombe 1998, *Statistics in Medicine* 17:873; Miettinen & Nurminen 1985, *Statistics in Medicine* 4:213.

    Examples
    --------
    >>> low, high = difference_interval(56, 70, 48, 80)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0524, 0.3339)
    """
    x, n, y, m = checked_pairs(hits, trials, ref_hits, ref_trials)
    low, high = _named(method, _DIFFERENCES)(x.ravel(), n.ravel(), y.ravel(), m.ravel(), _quantile(confidence))
    return shaped(low, x.shape), shaped(high, x.shape)


def ratio_interval(
    hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, confidence: float = 0.95, method: str = "koopman"
) -> Interval:
    """Return the limits (low, high) of the group's rate over the reference's; nan where it is 0/0 or one of them has no trials.

    ``"koopman"`` inverts the score test (a closed form); ``"gart-nam"`` the skewness-corrected one, and so agrees with
    `hypotheses.ratio_test` where that is not exact: it is the interval to show beside a verdict. ``"katz"`` is the logarithmic one,
    which without hits has no width: nan on the side it cannot give. Nobody hit in the group: low 0; nobody in the reference: high inf.

    References
    ----------
    Koopman 1984, *Biometrics* 40:513; Gart & Nam 1988, *Biometrics* 44:323; Laud 2017, *Pharmaceutical Statistics* 16:334;
    Katz, Baptista, Azen & Pike 1978, *Biometrics* 34:469.

    Examples
    --------
    >>> low, high = ratio_interval(36, 40, 16, 80)
    >>> round(float(low), 4), round(float(high), 4)
    (2.9396, 7.1522)
    """
    x, n, y, m = checked_pairs(hits, trials, ref_hits, ref_trials)
    low, high = _named(method, _RATIOS)(x.ravel(), n.ravel(), y.ravel(), m.ravel(), _quantile(confidence))
    return shaped(low, x.shape), shaped(high, x.shape)


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


def _newcombe(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    (low_g, high_g), (low_r, high_r) = _wilson(x, n, z), _wilson(y, m, z)
    group, reference = _over(x, n), _over(y, m)
    gap = group - reference
    low = gap - np.hypot(group - low_g, high_r - reference)
    return low, gap + np.hypot(high_g - group, reference - low_r)


def _miettinen_nurminen(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    high = _highest_difference(x, n, y, m, z)
    return -_highest_difference(y, m, x, n, z), high


def _highest_difference(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Floats:
    """Return the difference above the estimate at which the score is -z; 1 where there is none below 1."""
    gap = _over(x, n) - _over(y, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = elementwise.find_root(_score_of_difference, (gap, np.ones_like(gap)), args=(x, n, y, m, np.full_like(x, z)))
    return np.where(gap >= 1, 1.0, np.where(np.isnan(gap), np.nan, found.x))


def _score_of_difference(gap: Floats, x: Floats, n: Floats, y: Floats, m: Floats, z: Floats) -> Floats:  # noqa: PLR0917  (as find_root hands them)
    """Return the score of the difference `gap`, plus z (Miettinen & Nurminen 1985, Farrington & Manning 1990)."""
    group, reference = _restricted_to_difference(gap, x, n, y, m)
    variance = (group * (1 - group) / n + reference * (1 - reference) / m) * (n + m) / (n + m - 1)
    score = (x / n - y / m - gap) / np.sqrt(np.maximum(variance, 1e-300))
    return np.clip(score + z, -1e6, 1e6)  # at the ends of the parameter space the variance is 0: the sign is what counts


def _restricted_to_difference(gap: Floats, x: Floats, n: Floats, y: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Return the likeliest rates (group, reference) whose difference is `gap`: the middle root of a cubic, by trigonometry."""
    total = n + m
    square = ((n + 2 * m) * gap - total - x - y) / (3 * total)
    linear = ((m * gap - total - 2 * y) * gap + x + y) / (3 * total)
    constant = y * gap * (1 - gap) / (2 * total)
    turn = square**3 - 1.5 * linear * square + constant
    size = np.copysign(np.sqrt(np.maximum(square**2 - linear, 0.0)), turn)
    angle = (np.pi + np.arccos(np.clip(turn / np.where(size == 0, 1.0, size**3), -1.0, 1.0))) / 3
    reference = np.clip(2 * size * np.cos(angle) - square, np.maximum(0.0, -gap), np.minimum(1.0, 1 - gap))
    return np.clip(reference + gap, 0.0, 1.0), reference


def _koopman(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    """Return the upper limit, and as the lower one the inverse of the upper with the samples exchanged."""
    with np.errstate(divide="ignore"):
        low = 1 / _koopman_high(y, m, x, n, z * z)
    return low, _koopman_high(x, n, y, m, z * z)


def _koopman_high(x: Floats, n: Floats, y: Floats, m: Floats, k: float) -> Floats:
    """Return the largest ratio whose squared score is k."""
    inner = (x > 0) & (x < n) & (y > 0) & (y < m)
    high = np.full_like(x, np.nan)
    high[inner] = _koopman_cubic(x[inner], n[inner], y[inner], m[inner], k)
    rest = ~inner & (n > 0) & (m > 0) & (x + y > 0)
    high[rest] = _koopman_edges(x[rest], n[rest], y[rest], m[rest], k)
    return high


def _koopman_cubic(x: Floats, n: Floats, y: Floats, m: Floats, k: float) -> Floats:
    """Solve ``z^2 = k`` for the ratio above the estimate, none of the four counts being 0.

    With ``s = (y - m p)/(1 - p)``, p the restricted estimate of the reference, ``ratio = (x+s)(m-s) / ((n+s)(y-s))`` increases in s, and
    ``z^2 = k`` is ``(x/n - y/m) s^3 + (y(n-x)/n + x(m-y)/m + k) s^2 - k(y-x) s - kxy = 0``. Its inverse u = 1/s has three real roots;
    the largest is the upper limit.
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
    return np.asarray((x * u + 1) * (m * u - 1) / ((n * u + 1) * (y * u - 1)))


def _koopman_edges(x: Floats, n: Floats, y: Floats, m: Floats, k: float) -> Floats:
    """Return the upper limit where a count of hits or misses is 0: the cubic then loses a degree."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # nobody in the group
        s = 2 * k * y / (y + k + np.sqrt(np.maximum((y + k) ** 2 - 4 * k * y**2 / m, 0.0)))
        nobody = s * (m - s) / ((n + s) * (y - s))
        # everybody in the reference: its restricted rate stays 1 up to the pooled rate (Wilson's interval), then falls (a linear equation)
        pooled, wilson = (x + m) / (n + m), _wilson(x, n, np.sqrt(k))[1]
        full_reference = np.where(wilson < pooled, wilson, x / n + k * pooled / m)
        # everybody in the group: Wilson's lower limit of the reference, the samples exchanged
        full_group = 1 / _wilson(y, m, np.sqrt(k))[0]
    return np.select([y == 0, y == m, x == n], [np.full_like(x, np.inf), full_reference, full_group], nobody)


def _gart_nam(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    # one search for both limits: the lower one is the inverse of the upper with the samples exchanged
    first, of_first, second, of_second = (np.concatenate(pair) for pair in ((y, x), (m, n), (x, y), (n, m)))
    exchanged, high = np.split(_gart_nam_high(first, of_first, second, of_second, z), 2)
    with np.errstate(divide="ignore"):
        return 1 / exchanged, high


def _gart_nam_high(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Floats:
    """Return the ratio above which the corrected score is under -z, sought on the logarithm from Koopman's limit."""
    start = _koopman_high(x, n, y, m, z * z)
    sought = np.isfinite(start)
    counts = x[sought], n[sought], y[sought], m[sought]
    near = np.log(start[sought])
    args = (*counts, np.full_like(near, z))
    bracket = elementwise.bracket_root(_above, near - 0.05, near + 0.05, args=args, maxiter=DOUBLINGS)
    found = elementwise.find_root(_above, bracket.bracket, args=args)
    high = start.copy()
    # of a handful of people, at a high confidence, the corrected score never gets as low as -z: no ratio is too large
    high[sought] = np.where(bracket.success, np.exp(found.x), np.inf)
    return high


def _above(log_ratio: Floats, x: Floats, n: Floats, y: Floats, m: Floats, z: Floats) -> Floats:  # noqa: PLR0917  (as find_root hands them)
    return score_at(x, n, y, m, np.exp(np.clip(log_ratio, -FARTHEST, FARTHEST))).corrected + z


def _katz(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, half = (x / n) / (y / m), z * np.sqrt(1 / x - 1 / n + 1 / y - 1 / m)
        low, high = ratio * np.exp(-half), ratio * np.exp(half)
    low, high = np.where((x == 0) & (y > 0) & (m > 0) & (n > 0), 0.0, low), np.where((y == 0) & (x > 0) & (m > 0), np.inf, high)
    return np.where(y == 0, np.nan, low), np.where(x == 0, np.nan, high)


def _over(hits: Floats, trials: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(hits / trials)


_OF_ONE: Mapping[str, OfOne] = {"wilson": _wilson, "clopper-pearson": _clopper_pearson}
_DIFFERENCES: Mapping[str, OfTwo] = {"newcombe": _newcombe, "miettinen-nurminen": _miettinen_nurminen}
_RATIOS: Mapping[str, OfTwo] = {"koopman": _koopman, "gart-nam": _gart_nam, "katz": _katz}
