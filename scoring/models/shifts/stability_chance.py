"""The index of two samples in bins, and the chance of one as large where nothing moved."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Sides", "chance", "index_of", "over", "shares", "smoothed", "terms"]

Floats = NDArray[np.float64]
LEAST_EXPECTED = 5.0
"""Expected people in the smallest bin from which chi-squared is trusted; Cochran's (1954) customary number."""
FIRST_DRAWS = 199
LARGEST_DRAWN = 1_000_000_000
"""numpy draws hypergeometrically from no more people than this."""


class Sides(NamedTuple):
    """Both samples: sums of weights, of their squares, and which bins are in use; all (..., bins)."""

    before: Floats
    after: Floats
    before_squares: Floats
    after_squares: Floats
    used: NDArray[np.bool_]


def smoothed(sides: Sides, smoothing: float) -> Sides:
    """Count a bin that is empty on one side for a part of a person there, of the mean weight that people have."""
    parts = []
    for sums, squares in ((sides.before, sides.before_squares), (sides.after, sides.after_squares)):
        unit = over(squares.sum(-1, keepdims=True), sums.sum(-1, keepdims=True))
        empty = sides.used & (sums == 0)
        parts += [np.where(empty, smoothing * unit, sums), np.where(empty, smoothing * unit**2, squares)]
    return Sides(parts[0], parts[2], parts[1], parts[3], sides.used)


def shares(sides: Sides) -> tuple[Floats, Floats]:
    """Return the shares of the bins, before and after."""
    return over(sides.before, sides.before.sum(-1, keepdims=True)), over(sides.after, sides.after.sum(-1, keepdims=True))


def over(a: Floats, b: Floats) -> Floats:
    """Divide; 0/0 is nan, without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(a / b, np.float64)


def terms(p: Floats, q: Floats, used: NDArray[np.bool_]) -> Floats:
    """Return what each bin adds to the index (Siddiqi 2006, ch. 9); 0 where nobody is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(used, (q - p) * np.log(q / p), 0.0)


def index_of(sides: Sides) -> Floats:
    """Return the index of counts in which no bin is empty on one side only."""
    return np.asarray(terms(*shares(sides), sides.used).sum(-1))


def chance(sides: Sides, value: Floats, null_bias: Floats, bins: NDArray[np.intp], *, draws: int, seed: int, smoothing: float) -> Floats:
    """Return the chance of an index as large where nothing moved, (...,): chi-squared, or by draws where bins are small; nan with one bin.

    Parameters
    ----------
    sides, value, null_bias, bins
        The samples, their index, its mean where nothing moved, and how many bins are in use.
    draws, seed, smoothing
        As `population_stability` takes them.
    """
    degrees = np.maximum(bins - 1, 1)
    p = np.asarray(special.chdtrc(degrees, over(value * degrees, null_bias)))
    p = np.where(bins > 1, p, np.nan)
    if draws:
        flat, values = p.ravel().copy(), np.ravel(value)
        rows = [np.reshape(part, (-1, part.shape[-1])) for part in sides]
        for i in np.flatnonzero(_too_few(sides).ravel() & (np.ravel(bins) > 1)):
            flat[i] = _by_draws(rows[0][i], rows[1][i], float(values[i]), draws=draws, seed=seed, smoothing=smoothing)
        p = flat.reshape(p.shape)
    return p


def _too_few(sides: Sides) -> NDArray[np.bool_]:
    """Tell where a bin has too few expected people for chi-squared and whole people to be drawn."""
    pooled = sides.before + sides.after
    totals = [part.sum(-1) for part in (sides.before, sides.after)]
    least = np.where(sides.used, pooled, np.inf).min(-1) * over(np.minimum(*totals), totals[0] + totals[1])
    whole = ((sides.before == sides.before_squares) & (sides.after == sides.after_squares) & (pooled == np.rint(pooled))).all(-1)
    return np.asarray(whole & (least < LEAST_EXPECTED) & (np.minimum(*totals) > 0) & (totals[0] + totals[1] < LARGEST_DRAWN))


def _by_draws(before: Floats, after: Floats, value: float, *, draws: int, seed: int, smoothing: float) -> float:
    """Return the share of random divisions of the same people with an index as large (Besag & Clifford 1991: fewer where it is common)."""
    order = np.argsort(before + after, kind="stable")  # the order of the bins must not change the draws
    pooled = (before + after)[order].astype(np.int64)
    pooled = pooled[pooled > 0]
    smaller = int(min(before.sum(), after.sum()))
    rng = np.random.default_rng(seed)
    as_large = taken = 0
    for size in (min(FIRST_DRAWS, draws), max(draws - FIRST_DRAWS, 0)):
        one = rng.multivariate_hypergeometric(pooled, smaller, size=size, method="marginals").astype(np.float64)
        drawn = Sides(one, pooled - one, one, pooled - one, np.ones(one.shape, bool))
        as_large += int((index_of(smoothed(drawn, smoothing)) >= value * (1 - 1e-9)).sum())
        taken += size
        if as_large > 0.1 * taken:
            break
    return (1 + as_large) / (1 + taken)
