"""What chance alone makes of a figure: groups of the same sizes, drawn from the counts of everybody (multivariate hypergeometric)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from scoring.errors import EquiscoreError
from scoring.fairness.restricted import Floats

AT_ONCE = 4_000_000
"""Counts held at the same time."""
Figure = Callable[[Floats, Floats], Floats]


class UnderEquality(NamedTuple):
    """The mean of a figure over groups drawn at random, and the share of draws as far out as what was seen (never 0)."""

    mean: Floats
    p: Floats


def redrawn(pool: Floats, take: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Draw groups of `take` people from the counts of a pool, without replacement.

    Halves are drawn first, then halves of halves: as many calls as the number of cells has binary digits, for all draws and groups.

    Parameters
    ----------
    pool : array (groups, cells)
        Whole numbers of people by cell.
    take : array (groups,)
        People to draw, at most those in the pool.
    draws : int
        How many times.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    array (draws, groups, cells)

    Examples
    --------
    >>> redrawn(np.array([[3.0, 0.0, 2.0]]), np.array([5.0]), 1, np.random.default_rng(0))
    array([[[3, 0, 2]]])
    """
    cells = pool.shape[-1]
    depth = max(int(np.ceil(np.log2(max(cells, 1)))), 0)
    sums = [np.pad(pool.astype(np.int64), ((0, 0), (0, 2**depth - cells)))]
    for _ in range(depth):
        sums.append(sums[-1][:, ::2] + sums[-1][:, 1::2])
    drawn = np.broadcast_to(take.astype(np.int64)[:, None], (draws, len(take), 1))
    for held in sums[-2::-1]:
        left, right = np.broadcast_to(held[:, ::2], drawn.shape), np.broadcast_to(held[:, 1::2], drawn.shape)
        first = rng.hypergeometric(left, right, drawn)
        drawn = np.stack([first, drawn - first], -1).reshape(draws, len(take), -1)
    return np.asarray(drawn[..., :cells])


def under_equality(
    own: Floats, rest: Floats, figures: dict[str, tuple[Figure, Floats]], *, draws: int, rng: np.random.Generator
) -> dict[str, UnderEquality]:
    """Return mean and p-value of figures if membership said nothing of the score: each group drawn anew from itself and its rest.

    Parameters
    ----------
    own, rest : array (groups, cells)
        People by cell, whole numbers.
    figures : dict
        By name: a function of (group, rest), arrays (draws, groups, cells), to (draws, groups), and what was seen, (groups,).
    draws : int
        How many times groups are drawn.
    rng : numpy.random.Generator
        Where chance comes from; none is global.

    References
    ----------
    Phipson & Smyth 2010, *Statistical Applications in Genetics and Molecular Biology* 9:39: p = (b + 1)/(m + 1), so never 0.

    Examples
    --------
    >>> own, rest = np.array([[8.0, 2.0]]), np.array([[2.0, 8.0]])
    >>> high = lambda one, other: one[..., 0] / one.sum(-1)
    >>> found = under_equality(own, rest, {"share": (high, np.array([0.8]))}, draws=99, rng=np.random.default_rng(1))["share"]
    >>> found.mean.round(2), found.p
    (array([0.49]), array([0.02]))
    """
    if draws < 1:
        raise EquiscoreError(f"draws: {draws} is none. Fix: draw at least once, better 200 times.")
    totals = {name: np.zeros((3, len(own))) for name in figures}
    pool, take = own + rest, own.sum(-1)
    for part in _portions(draws, own.size):
        one = redrawn(pool, take, part, rng).astype(np.float64)
        for name, (figure, seen) in figures.items():
            drawn = figure(one, pool - one)
            # a small group may be drawn without one of the outcomes: there is no figure then, and no draw
            there = np.isfinite(drawn)
            totals[name] += [there.sum(0), np.where(there, drawn, 0.0).sum(0), (there & (drawn >= seen - 1e-12)).sum(0)]
    return {name: _mean_and_p(totals[name], seen) for name, (_, seen) in figures.items()}


def _mean_and_p(totals: Floats, seen: Floats) -> UnderEquality:
    drawn, added, beyond = totals
    defined = (drawn > 0) & np.isfinite(seen)
    mean, p = added / np.maximum(drawn, 1), (beyond + 1) / (drawn + 1)
    return UnderEquality(np.where(defined, mean, np.nan), np.where(defined, p, np.nan))


def _portions(draws: int, size: int) -> Iterator[int]:
    """Part the draws so that no portion holds too many counts at once."""
    most = max(AT_ONCE // max(size, 1), 1)
    yield from (min(most, draws - done) for done in range(0, draws, most))
