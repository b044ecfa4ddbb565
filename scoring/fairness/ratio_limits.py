"""Limits of a ratio of two rates, from the scores that they invert: Koopman's in a closed form, the corrected one sought from there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scoring.fairness.restricted import Floats, rising_root

Interval = tuple[Floats, Floats]
Place = Callable[[Floats, Floats, Floats, Floats, Floats], Floats]
Odds = tuple[Floats | float, Floats, Floats]


def koopman(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    """Return the limits (low, high) of the ratio at which the plain score is z and -z; nan where there is no ratio.

    Parameters
    ----------
    x, n, y, m : ndarray, shape (pairs,)
        Hits and trials of the group and of the reference, judged already; fractional ones are welcome.
    z : float
        Quantile of the normal distribution, two-sided: 1.96 for 95 %.

    References
    ----------
    Koopman 1984, *Biometrics* 40:513.

    Examples
    --------
    >>> counts = (np.array([float(count)]) for count in (36, 40, 16, 80))
    >>> [round(float(limit[0]), 4) for limit in koopman(*counts, 1.959964)]
    [2.9396, 7.1522]
    """
    return _both_sides(_koopman_place, (x, n, y, m), np.full_like(x, z))


def miettinen_nurminen(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    """Return Koopman's limits with the variance multiplied by N/(N-1); parameters as for `koopman`. None of one person alone.

    References
    ----------
    Miettinen & Nurminen 1985, *Statistics in Medicine* 4:213.

    Examples
    --------
    >>> counts = (np.array([float(count)]) for count in (36, 40, 16, 80))
    >>> [round(float(limit[0]), 4) for limit in miettinen_nurminen(*counts, 1.959964)]
    [2.9346, 7.1663]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return _both_sides(_koopman_place, (x, n, y, m), np.where(n + m > 1, z * np.sqrt((n + m) / (n + m - 1)), np.inf))


def gart_nam(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Interval:
    """Return the limits of the skewness-corrected score, those that agree with `hypotheses.ratio_test`; parameters as for `koopman`.

    References
    ----------
    Gart & Nam 1988, *Biometrics* 44:323; Laud 2017, *Pharmaceutical Statistics* 16:334.

    Examples
    --------
    >>> counts = (np.array([float(count)]) for count in (36, 40, 16, 80))
    >>> [round(float(limit[0]), 4) for limit in gart_nam(*counts, 1.959964)]
    [2.9677, 7.3549]
    """
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
