"""How far two segmentations of the same people agree, of counts, and the interval of a share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["adjusted_rand", "over", "wilson"]

Floats = NDArray[np.float64]


def adjusted_rand(tables: Floats, *, confidence: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Return the adjusted Rand index of tables of counts (..., before, after), with limits by the delta method.

    The index is that of Hubert & Arabie (1985, eq. 5). Its limits take the people as drawn, and are worked out after z^2 / 2 people were added
    who are spread as if the segmentations had nothing to do with each other (as Agresti & Coull 1998 do for a share), so that they keep a
    width where nobody changed; they always hold the index itself. nan where it is 0/0: everybody in one segment, or nobody. To the variance of
    the delta method that of no agreement at all is added (a degenerate U-statistic, Hoeffding 1948), the former being 0 there.

    Measured in 4,000 made tables a layout, at 95 %: five segments of which nine tenths stay, 1,000 people .950, 100 people .952; three with
    .98, 60 people .990; unequal segments (.80, .15, .05), .7 stay, 200 people .942; no agreement at all, 300 people .999.

    Examples
    --------
    >>> [round(float(x), 3) for x in adjusted_rand(np.array([[40.0, 10], [5, 45]]))]
    [0.485, 0.271, 0.662]
    """
    value = _rand_of_pairs(tables)
    z = float(special.ndtri((1 + confidence) / 2))
    n = tables.sum((-2, -1))
    added = n + z**2 / 2
    shares = over(tables, n[..., None, None])
    apart = shares.sum(-1, keepdims=True) * shares.sum(-2, keepdims=True)
    mixed = shares + over(z**2 / 2 * (apart - shares), added[..., None, None])
    centre, slope = _rand_of_shares(mixed)
    centre = centre - (_rand_of_shares(shares)[0] - value)  # people are compared with others, never with themselves
    variance = (mixed * slope**2).sum((-2, -1)) - (mixed * slope).sum((-2, -1)) ** 2
    error = z * np.sqrt(np.maximum(over(variance, added) + over(_spread_by_chance(mixed), added**2), 0.0))
    low, high = np.minimum(centre - error, value), np.maximum(centre + error, value)
    return value, low, np.where(np.isnan(value), np.nan, np.minimum(high, 1.0))


def _spread_by_chance(shares: Floats) -> Floats:
    """Return n^2 times the variance of the index of two segmentations that have nothing to do with each other."""
    sides = [shares.sum(axis) for axis in (-1, -2)]
    squares = [(side**2).sum(-1) for side in sides]
    kernels = [square - 2 * (side**3).sum(-1) + square**2 for side, square in zip(sides, squares, strict=True)]
    return over(2 * kernels[0] * kernels[1], ((squares[0] + squares[1]) / 2 - squares[0] * squares[1]) ** 2)


def _rand_of_pairs(tables: Floats) -> Floats:
    pairs, rows, columns, total = (part * (part - 1) / 2 for part in (tables, tables.sum(-1), tables.sum(-2), tables.sum((-2, -1))))
    together, one, other = pairs.sum((-2, -1)), rows.sum(-1), columns.sum(-1)
    chance = over(one * other, total)
    return over(together - chance, (one + other) / 2 - chance)


def _rand_of_shares(shares: Floats) -> tuple[Floats, Floats]:
    """Return the index of very many people with these shares, and its slope by cell."""
    rows, columns = shares.sum(-1, keepdims=True), shares.sum(-2, keepdims=True)
    both, one, other = (part[..., None, None] for part in ((shares**2).sum((-2, -1)), (rows**2).sum((-2, -1)), (columns**2).sum((-2, -1))))
    above, below = both - one * other, (one + other) / 2 - one * other
    up = 2 * shares - 2 * rows * other - 2 * columns * one
    down = rows + columns - 2 * rows * other - 2 * columns * one
    return over(above, below)[..., 0, 0], over(up * below - above * down, below**2)


def wilson(hits: Floats, trials: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the score interval of a share (Wilson 1927); nan where there is nobody.

    >>> [round(float(x), 3) for x in wilson(np.array(1.0), np.array(10.0), 0.95)]
    [0.018, 0.404]
    """
    z = float(special.ndtri((1 + confidence) / 2))
    share = over(hits, trials)
    square = over(np.full_like(trials, z**2), trials)
    half = np.sqrt(share * (1 - share) * square + square**2 / 4)
    centre = share + square / 2
    return np.clip((centre - half) / (1 + square), 0.0, 1.0), np.clip((centre + half) / (1 + square), 0.0, 1.0)


def over(a: Floats, b: Floats) -> Floats:
    """Divide; 0/0 is nan, without a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(a / b, np.float64)
