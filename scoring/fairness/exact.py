"""The exact unconditional test of a ratio, for the pairs too small for any normal approximation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scoring.fairness.restricted import Floats, score_at

BEYOND = 1e-6  # the chance, added to p, that the reference's rate lies outside where it is sought (Berger & Boos 1994)
COARSE, FINE = 160, 32  # rates of the reference tried over its whole interval, then about the worst: found to 2e-5 of p on 400 random pairs


class _Table(NamedTuple):
    """One observed pair, and the side on which it is extreme (+1: the group gets more, -1: less)."""

    x: float
    n: float
    y: float
    m: float
    ratio: float
    side: int

    def extreme(self) -> Callable[[Floats, Floats], NDArray[np.bool_]]:
        """Return the question whether a pair (x', y') is at least as extreme as the observed one."""
        bar = self._score(np.array([self.x], dtype=np.float64), np.array([self.y], dtype=np.float64))[0]
        # pairs whose score is the same in exact arithmetic must not be parted by rounding
        bar -= 1e-9 * (1 + abs(bar))
        return lambda x, y: self._score(x, y) >= bar

    def _score(self, x: Floats, y: Floats) -> Floats:
        n, m, ratio = (np.full_like(x, value) for value in (self.n, self.m, self.ratio))
        # nobody hit on either side tells nothing of the ratio: score 0
        return self.side * np.where(x + y > 0, score_at(x, n, y, m, ratio).plain, 0.0)


def exact_p(x: float, n: float, y: float, m: float, ratio: float, *, side: int) -> float:
    """Return P(a score at least as extreme as the observed one), at the worst rates whose ratio is `ratio`.

    The plain score orders the pairs; the reference's rate runs over its 1 - 1e-6 Clopper-Pearson interval, and 1e-6 is added. Never above
    the level, whatever the rates (Berger & Boos 1994, *JASA* 89:1012).

    Parameters
    ----------
    x, n, y, m : float
        Whole counts: hits and trials of group and reference.
    ratio : float
        The ratio under test.
    side : {1, -1}
        1: large ratios are extreme; -1: small ones.
    """
    low = float(special.betaincinv(y, m - y + 1, BEYOND / 2)) if y else 0.0
    high = float(special.betainccinv(y + 1, m - y, BEYOND / 2)) if y < m else 1.0
    low, high = min(low, 1 / ratio), min(high, 1 / ratio)
    chance = _Region(_Table(x, n, y, m, ratio, side), low, high)
    # even steps of the arcsine are even steps of the standard error; the chance may ripple as often as there are steps of it
    grid = np.linspace(np.arcsin(np.sqrt(low)), np.arcsin(np.sqrt(high)), COARSE)
    coarse = chance(np.sin(grid) ** 2)
    worst = int(np.argmax(coarse))
    finer = np.linspace(grid[max(worst - 1, 0)], grid[min(worst + 1, COARSE - 1)], FINE)
    return float(min(1.0, max(coarse[worst], chance(np.sin(finer) ** 2).max()) + BEYOND))


class _Region:
    """The pairs at least as extreme as the observed one, as a boundary along the smaller sample; called with rates, their probability."""

    def __init__(self, table: _Table, low: float, high: float) -> None:
        self.ratio, self.walks_group = table.ratio, table.n <= table.m
        self.size, self.other = (table.n, table.m) if self.walks_group else (table.m, table.n)
        scale = table.ratio if self.walks_group else 1.0
        self.walked = _plausible(self.size, min(low * scale, 1.0), min(high * scale, 1.0))
        # the score rises in x and falls in y: the extreme counts of the other sample lie at one end of it
        self.at_low_end = self.walks_group == (table.side > 0)
        self.count = self._boundary(table)

    def _boundary(self, table: _Table) -> Floats:
        """Return, for each count of the smaller sample, the first count of the other at which being extreme changes (bisection)."""
        extreme = table.extreme()
        first, last = np.zeros_like(self.walked), np.full_like(self.walked, self.other + 1)
        while (first < last).any():
            middle = np.floor((first + last) / 2)
            tried = np.minimum(middle, self.other)
            is_extreme = extreme(self.walked, tried) if self.walks_group else extreme(tried, self.walked)
            past = (is_extreme != self.at_low_end) | (middle > self.other)
            open_ = first < last
            first, last = np.where(open_ & ~past, middle + 1, first), np.where(open_ & past, middle, last)
        return first

    def __call__(self, reference: Floats) -> Floats:
        """Return the probability of the region at each rate of the reference."""
        group = np.minimum(self.ratio * reference, 1.0)
        rate, other = (group, reference) if self.walks_group else (reference, group)
        chance = _binomial(self.walked, self.size, rate[:, None])
        beyond = _at_least(self.count, self.other, other[:, None])
        total: Floats = np.sum(chance * (1 - beyond if self.at_low_end else beyond), axis=1)
        return total


def _plausible(size: float, low: float, high: float) -> Floats:
    """Return the counts outside which a binomial with rate in [low, high] falls with chance under 1e-15 (Bernstein's inequality)."""
    reach = [12 + np.sqrt(144 + 72 * size * rate * (1 - rate)) for rate in (low, high)]
    return np.arange(max(0.0, np.floor(size * low - reach[0])), min(size, np.ceil(size * high + reach[1])) + 1)


def _binomial(k: Floats, size: float, rate: Floats) -> Floats:
    ways = special.gammaln(size + 1) - special.gammaln(k + 1) - special.gammaln(size - k + 1)
    return np.asarray(np.exp(ways + special.xlogy(k, rate) + special.xlog1py(size - k, -rate)))


def _at_least(k: Floats, size: float, rate: Floats) -> Floats:
    """Return P(K >= k), k from 0 to size + 1."""
    inside = (k > 0) & (k <= size)
    chance = np.broadcast_to((k <= 0).astype(np.float64), np.broadcast_shapes(k.shape, rate.shape)).copy()
    chance[:, inside] = special.betainc(k[inside], size - k[inside] + 1, rate)
    return chance
