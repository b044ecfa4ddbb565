"""Where to cut a number into ranges: the monotone bins of highest likelihood, found exactly.

All is arithmetic on counts of people by distinct value; it cannot matter whether a value is 1e9 or 1e-9, in which order people
come, or whether one row of weight 2 is two rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from scoring.models.card.evidence import Counts, Floats

Places = NDArray[np.intp]

DIRECTIONS: Final[Mapping[str, tuple[int, ...]]] = {"auto": (1, -1), "either": (1, -1), "ascending": (1,), "descending": (-1,), "none": (0,)}
"""What `monotone` may be, and the directions then tried: +1 more is more favourable, -1 less is, 0 any shape."""
TURN: Final = 30.0
"""Under "auto" the WoE may turn once where that gains this much deviance (2 x log-likelihood) on the better direction: measured on 27 data sets,
a U-shaped feature gains .06 in AUC and no set loses over .001; at 12 small sets lose .003 to .017."""
MOST_TURNS: Final = 40
"""Places at which a turn is looked for, of about equal numbers of people."""
MOST_DISTINCT: Final = 1024
"""A column with more distinct values is first cut at that many quantiles: a bin holds 5 % of people, so no bin needs finer steps."""
MOST_PIECES: Final = 200
"""More pieces than these are first joined to as many of about equal size: the search for the best cuts is quadratic in them."""


# -- counting ----------------------------------------------------------------------------------------------------------------------


def count_by(places: Places, favourable: NDArray[np.bool_], weights: Floats, n_places: int) -> Counts:
    """Count people by place (a bin, a distinct value), by weight: the only pass over the rows; all the rest is arithmetic on counts."""
    return np.stack([np.bincount(places, weights * chosen, minlength=n_places) for chosen in (favourable, ~favourable)])


def summed(counts: Counts, cuts: Places) -> Counts:
    """Add up the counts of each run between cuts; a cut is the last place of a run."""
    sums: Counts = np.add.reduceat(counts, np.concatenate([[0], cuts + 1]), axis=1)
    return sums


def log_loss(counts: Counts) -> float:
    """Return the log-loss of saying to each person the favourable share of their bin."""
    return -float(_likelihoods(counts).sum())


def _likelihoods(counts: Counts) -> Floats:
    """Return the log-likelihood of each bin at its own favourable share."""
    return np.asarray(_x_log_x(counts[0]) + _x_log_x(counts[1]) - _x_log_x(counts[0] + counts[1]))


def _x_log_x(x: Floats) -> Floats:
    return x * np.log(np.where(x > 0, x, 1.0))


# -- where a bin may end -----------------------------------------------------------------------------------------------------------


class Ordered(NamedTuple):
    """Values in order and the weight of those up to and including each."""

    values: Floats
    below: Floats

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> Ordered:
        """Sort people by value; where all weigh 1 a plain sort will do, which is several times faster."""
        if (weights == 1).all():
            return cls(np.sort(values), np.arange(1.0, len(values) + 1))
        order = np.argsort(values, kind="stable")
        return cls(values[order], np.cumsum(weights[order]))

    def between(self, ends: Floats) -> Floats:
        """Return the weight above each end's predecessor and up to the end."""
        upto = np.concatenate([[0.0], self.below])[np.searchsorted(self.values, ends, side="right")]
        return np.maximum(np.diff(upto, prepend=0.0), 0.0)

    def above(self, end: float) -> float:
        """Return the least value above `end`."""
        return float(self.values[np.searchsorted(self.values, end, side="right")])


def coarse(people: Ordered) -> Floats:
    """Return the distinct values that may end a bin: all of them, or those at `MOST_DISTINCT` quantiles of the people.

    >>> coarse(Ordered.of(np.array([3.0, 1.0, 3.0]), np.ones(3)))
    array([1., 3.])
    """
    if not len(people.values):
        return people.values
    last = np.flatnonzero(np.append(people.values[1:] != people.values[:-1], True))
    distinct, below = people.values[last], people.below[last]
    if len(distinct) <= MOST_DISTINCT:
        return distinct
    wanted = np.searchsorted(below, np.linspace(0, below[-1], MOST_DISTINCT + 1)[1:-1])
    ends: Floats = distinct[np.unique([*wanted, len(distinct) - 1])]
    return ends


def midpoint(low: float, high: float) -> float:
    """Return the number half-way, or `low` where rounding would put it at `high`: the edge itself belongs to the bin below.

    >>> midpoint(25, 26)
    25.5
    """
    middle = low / 2 + high / 2
    return middle if low <= middle < high else low


# -- the best cuts -----------------------------------------------------------------------------------------------------------------


def best_cuts(counts: Counts, direction: int, *, max_bins: int, min_share: float) -> Places:
    """Cut ordered distinct values into at most `max_bins` runs of highest likelihood; return the last place of each run but the last.

    Where the favourable share must go one way, the runs are unions of the blocks of the isotonic regression: the best monotone
    cutting ends where blocks end, and any union of them is monotone (Haiminen, Gionis and Laasonen 2008, Algorithms for unimodal
    segmentation, doi:10.1007/s10115-006-0053-3). Among them the best is found by dynamic programming, not by a greedy tree. With
    `min_share` it is the best of those unions whose runs are large enough.

    >>> best_cuts(np.array([[1.0, 1.0, 8.0, 9.0], [9.0, 9.0, 2.0, 1.0]]), 1, max_bins=2, min_share=0.05)
    array([1])
    """
    starts = _pieces(counts, direction)
    pieces: Counts = np.add.reduceat(counts, starts, axis=1)
    kept = _thinned(pieces.sum(axis=0), MOST_PIECES)
    chosen = _best_runs(np.add.reduceat(pieces, kept, axis=1), max_bins, min_share * float(counts.sum()) * (1 - 1e-9))
    return starts[kept[chosen]] - 1


def _pieces(counts: Counts, direction: int) -> Places:
    """Return where each piece starts that a run may be made of."""
    if not direction:
        return np.arange(counts.shape[1])
    people = counts.sum(axis=0)
    blocks = isotonic_regression(counts[0] / people, weights=people, increasing=direction > 0).blocks
    return np.asarray(blocks[:-1], np.intp)


def _thinned(people: Floats, most: int) -> Places:
    """Return the starts of at most `most` runs of about equal size."""
    if len(people) <= most:
        return np.arange(len(people))
    middle = np.cumsum(people) - people / 2
    place = np.floor(middle / people.sum() * most)
    return np.flatnonzero(np.diff(place, prepend=-1.0))


def _best_runs(pieces: Counts, max_bins: int, least: float) -> Places:
    """Return the starts of all runs but the first, of the cutting of highest likelihood; fewer runs where more gain nothing."""
    ends = np.concatenate([np.zeros((2, 1)), np.cumsum(pieces, axis=1)], axis=1)
    runs = ends[:, None, :] - ends[:, :, None]  # [class, start, end)
    gains = _likelihoods(np.maximum(runs, 0.0))
    gains[np.tril_indices(len(gains))] = -np.inf
    gains[runs.sum(axis=0) < least] = -np.inf
    tops, before = [gains[0]], []  # by number of runs: the best up to each end, and where its last run starts
    for _ in range(min(max_bins, pieces.shape[1]) - 1):
        candidates = tops[-1][:, None] + gains
        before.append(candidates.argmax(axis=0))
        tops.append(candidates.max(axis=0))
    reached = np.array([top[-1] for top in tops])
    if not np.isfinite(reached).any():
        return np.zeros(0, np.intp)
    enough = reached >= reached.max() - 1e-9 * float(pieces.sum())  # rounding is no gain
    return _way_back(before, int(enough.argmax()))


def _way_back(before: Sequence[Places], n_cuts: int) -> Places:
    found: list[int] = []
    end = len(before[0]) - 1 if before else 0
    for step in range(n_cuts - 1, -1, -1):
        end = int(before[step][end])
        found.append(end)
    return np.array(found[::-1], np.intp)


# -- a turn ------------------------------------------------------------------------------------------------------------------------


def turning_cuts(counts: Counts, sign: int, *, max_bins: int, min_share: float) -> Places:
    """Cut as `best_cuts` does, where the favourable share rises and then falls (`sign` +1), or falls and then rises (-1).

    The turn is where a rising isotonic regression up to it and a falling one from it are likeliest together (Stout 2008, Unimodal
    regression via prefix isotonic regression, doi:10.1016/j.csda.2008.08.005), among `MOST_TURNS` places.

    >>> turning_cuts(np.array([[1.0, 9.0, 1.0], [9.0, 1.0, 9.0]]), 1, max_bins=3, min_share=0.05)
    array([0, 1])
    """
    kept = _thinned(counts.sum(axis=0), MOST_TURNS)
    places: Counts = np.add.reduceat(counts, kept, axis=1)
    if len(kept) < 3:
        return np.zeros(0, np.intp)
    both = _prefix_likelihoods(places, sign)[:-1] + _prefix_likelihoods(places[:, ::-1], sign)[::-1][1:]
    turn = int(both.argmax()) + 1
    pieces = np.concatenate([_pieces(places[:, :turn], sign), turn + _pieces(places[:, turn:], -sign)])
    chosen = _best_runs(np.add.reduceat(places, pieces, axis=1), max_bins, min_share * float(counts.sum()) * (1 - 1e-9))
    return kept[pieces[chosen]] - 1


def _prefix_likelihoods(counts: Counts, sign: int) -> Floats:
    """Return the log-likelihood of the isotonic regression of the first 1, 2, ... places; blocks pool as new ones come."""
    likelihood = 0.0
    blocks: list[tuple[float, float, float]] = []
    found = []
    for good, bad in zip(*counts.tolist(), strict=True):
        block = good, bad, _likelihood(good, bad)
        likelihood += block[2]
        while blocks and sign * blocks[-1][0] * (block[0] + block[1]) >= sign * block[0] * (blocks[-1][0] + blocks[-1][1]):
            last = blocks.pop()
            joined = last[0] + block[0], last[1] + block[1]
            likelihood -= last[2] + block[2]
            block = *joined, _likelihood(*joined)
            likelihood += block[2]
        blocks.append(block)
        found.append(likelihood)
    return np.array(found)


def _likelihood(good: float, bad: float) -> float:
    return sum(x * math.log(x / (good + bad)) for x in (good, bad) if x > 0)


class Cutting(NamedTuple):
    """Upper edges of all ranges but the last, and for each which way the WoE goes across it: +1 up, -1 down, 0 either."""

    edges: tuple[float, ...] = ()
    steps: tuple[int, ...] = ()


def find_edges(values: Floats, favourable: NDArray[np.bool_], weights: Floats, *, monotone: str, max_bins: int, min_share: float) -> Cutting:
    """Return where to cut known numbers: half-way between the values on the two sides of a cut.

    >>> find_edges(np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1], bool), np.ones(4), monotone="auto", max_bins=6, min_share=0.05)
    Cutting(edges=(2.5,), steps=(1,))
    """
    people = Ordered.of(values, weights)
    ends = coarse(people)
    if len(ends) < 2:
        return Cutting()
    counts = np.stack([Ordered.of(values[chosen], weights[chosen]).between(ends) for chosen in (favourable, ~favourable)])
    tried = {direction: best_cuts(counts, direction, max_bins=max_bins, min_share=min_share) for direction in DIRECTIONS[monotone]}
    loss = {direction: log_loss(summed(counts, cuts)) for direction, cuts in tried.items()}
    direction = min(loss, key=lambda direction: loss[direction])
    cuts, steps = tried[direction], np.full(len(tried[direction]), direction)
    if monotone == "auto":
        turns = [turning_cuts(counts, sign, max_bins=max_bins, min_share=min_share) for sign in (1, -1)]
        turned = min(turns, key=lambda cuts: log_loss(summed(counts, cuts)))
        if 2 * (loss[direction] - log_loss(sums := summed(counts, turned))) >= TURN:
            cuts, steps = turned, np.sign(np.diff(sums[0] / sums.sum(axis=0))).astype(np.intp)
    return Cutting(tuple(midpoint(float(low), people.above(float(low))) for low in ends[cuts]), tuple(steps.tolist()))
