"""The exact unconditional tests of a ratio and of a difference, for the pairs too small for any normal approximation, and their limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scoring.errors import EquiscoreError
from scoring.fairness.restricted import Floats, estimate_at, score_of_difference_at, variance_at

BEYOND = 1e-6  # the chance, added to p, that the reference's rate lies outside where it is sought (Berger & Boos 1994)
COARSE, FINE = 160, 32  # rates of the reference tried over its whole interval, then about the worst: found to 2e-5 of p on 400 random pairs
QUIET = 4  # values in a row that must be rejected before the search for a limit ends: p may ripple as the value moves
HALVINGS = 26  # of a step of a fraction of the interval's width: a limit is found to eight digits
FARTHEST = 60  # steps out; past them there is no limit


class Held(Protocol):
    """The two rates held to one another: the hypothesis under test."""

    def score(self, x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
        """Return what orders the tables, large where the group gets more than the hypothesis says."""

    def group(self, reference: Floats) -> Floats:
        """Return the group's rate at a rate of the reference."""

    def span(self) -> tuple[float, float]:
        """Return the lowest and highest rate of the reference that leave the group's between 0 and 1."""


class HeldRatio(NamedTuple):
    """The group's rate is `value` times the reference's."""

    value: float

    def score(self, x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
        """Return the plain score; a table that tells nothing of the ratio, nobody hit on either side, has 0."""
        ratio = np.full_like(x, self.value)
        group, reference = estimate_at(x, n, y, m, ratio)
        variance = variance_at(group, n, reference, m, ratio)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(variance > 0, (x / n - ratio * y / m) / np.sqrt(variance), 0.0)

    def group(self, reference: Floats) -> Floats:
        """Return ``value x reference``."""
        return np.minimum(self.value * reference, 1.0)

    def span(self) -> tuple[float, float]:
        """Return 0 and ``1/value``."""
        return 0.0, min(1.0, 1 / self.value)


class HeldDifference(NamedTuple):
    """The group's rate is the reference's plus `value`."""

    value: float

    def score(self, x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
        """Return the score at the likeliest rates with this difference."""
        return score_of_difference_at(x, n, y, m, np.full_like(x, self.value))

    def group(self, reference: Floats) -> Floats:
        """Return ``reference + value``."""
        return np.clip(reference + self.value, 0.0, 1.0)

    def span(self) -> tuple[float, float]:
        """Return where both rates are between 0 and 1."""
        return max(0.0, -self.value), min(1.0, 1 - self.value)


class _Table(NamedTuple):
    """One observed pair, the hypothesis, and the side on which the pair is extreme (+1: the group gets more, -1: less)."""

    x: float
    n: float
    y: float
    m: float
    held: Held
    side: int

    def extreme(self) -> Callable[[Floats, Floats], NDArray[np.bool_]]:
        """Return the question whether a pair (x', y') is at least as extreme as the observed one."""
        bar = self._score(np.array([self.x], dtype=np.float64), np.array([self.y], dtype=np.float64))[0]
        # pairs whose score is the same in exact arithmetic must not be parted by rounding
        bar -= 1e-9 * (1 + abs(bar))
        return lambda x, y: self._score(x, y) >= bar

    def _score(self, x: Floats, y: Floats) -> Floats:
        return self.side * self.held.score(x, np.full_like(x, self.n), y, np.full_like(x, self.m))


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

    Examples
    --------
    >>> round(exact_p(7, 15, 12, 15, 1.0, side=-1), 4)
    0.0341
    """
    return exact_p_held(x, n, y, m, HeldRatio(ratio), side=side)


def exact_p_held(x: float, n: float, y: float, m: float, held: Held, *, side: int, beyond: float = BEYOND) -> float:
    """Return the p-value of `exact_p` under any hypothesis that makes the group's rate a function of the reference's.

    With ``beyond=0`` the reference's rate runs over all its values, as in Chan & Zhang 1999, *Biometrics* 55:1202.

    >>> round(exact_p_held(7, 15, 12, 15, HeldDifference(0.0), side=-1), 4)
    0.0341
    """
    lowest, highest = held.span()
    if lowest > highest:
        return 0.0  # no rates are so held
    low = float(special.betaincinv(y, m - y + 1, beyond / 2)) if y else 0.0
    high = float(special.betainccinv(y + 1, m - y, beyond / 2)) if y < m else 1.0
    low, high = min(max(low, lowest), highest), max(min(high, highest), lowest)
    chance = _Region(_Table(x, n, y, m, held, side), low, high)
    # even steps of the arcsine are even steps of the standard error; the chance may ripple as often as there are steps of it
    grid = np.linspace(np.arcsin(np.sqrt(low)), np.arcsin(np.sqrt(high)), COARSE)
    coarse = chance(np.sin(grid) ** 2)
    worst = int(np.argmax(coarse))
    finer = np.linspace(grid[max(worst - 1, 0)], grid[min(worst + 1, COARSE - 1)], FINE)
    return float(min(1.0, max(coarse[worst], chance(np.sin(finer) ** 2).max()) + beyond))


def exact_limits(
    held: Callable[[float], Held], counts: tuple[Floats, Floats, Floats, Floats], start: Floats, nearer: Floats, *, side: int, tail: float
) -> Floats:
    """Return, for each pair, the outermost value that the exact test does not reject at the level `tail`; equal pairs are searched once.

    Parameters
    ----------
    held : callable
        The hypothesis of a value.
    counts : tuple of array, shape (k,)
        Hits and trials of group and reference; whole.
    start, nearer : array, shape (k,)
        An approximate limit to begin at, and one of a lower confidence, from which the steps are taken. Where `start` is not finite, or
        the two are equal, `start` is the limit.
    side : {1, -1}
        1: a lower limit (large values of the score are extreme); -1: an upper one.
    tail : float
        The level of this side.

    Raises
    ------
    EquiscoreError
        Where a count is not whole: only people have a binomial distribution.
    """
    for name, values in zip(("hits", "trials", "ref_hits", "ref_trials"), counts, strict=True):
        if (values != np.floor(values)).any():
            first = values[np.argmax(values != np.floor(values))]
            raise EquiscoreError(
                f"{name}: {first:g} is no whole number, and exact limits are of people counted. Fix: use a score method for weights."
            )
    sought = np.isfinite(start) & (start != nearer)
    steps = (start[sought] - nearer[sought]) / 4
    rows, back = np.unique(np.column_stack([*(a[sought] for a in (*counts, start)), steps]), axis=0, return_inverse=True)
    found = start.copy()
    found[sought] = np.array([_limit(row, held, side, tail) for row in rows.tolist()], dtype=np.float64)[back]
    return found


def _limit(row: Sequence[float], held: Callable[[float], Held], side: int, tail: float) -> float:
    """Return the outermost value with p above `tail`, of the four counts, a start and a step outward; infinite where there is no end."""
    x, n, y, m, start, step = row

    def p_at(value: float) -> float:
        return exact_p_held(x, n, y, m, held(value), side=side)

    inner = start
    while p_at(inner) <= tail:
        inner -= step
    at, quiet = inner, 0
    for _ in range(FARTHEST):
        at += step
        quiet = quiet + 1 if p_at(at) <= tail else 0
        inner = inner if quiet else at
        if quiet == QUIET:
            break
    else:
        return float(np.copysign(np.inf, step))
    outer = inner + step
    for _ in range(HALVINGS):
        middle = (inner + outer) / 2
        inner, outer = (inner, middle) if p_at(middle) <= tail else (middle, outer)
    return outer


class _Region:
    """The pairs at least as extreme as the observed one, as a boundary along the smaller sample; called with rates, their probability."""

    def __init__(self, table: _Table, low: float, high: float) -> None:
        self.held, self.walks_group = table.held, table.n <= table.m
        self.size, self.other = (table.n, table.m) if self.walks_group else (table.m, table.n)
        ends = np.array([low, high])
        self.walked = _plausible(self.size, *(self.held.group(ends) if self.walks_group else ends).tolist())
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
        group = self.held.group(reference)
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
