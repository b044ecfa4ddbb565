"""Both ends of a rate whose outcomes were seen only for some: the corners of what the unseen could have been.

What `selective` reports, in arrays: groups cut into the parts within which an assumption holds, hits and trials at both ends, and
the counts that their variances are worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from scoring.errors import EquiscoreError
from scoring.fairness.bins import NO_SCORE
from scoring.fairness.counts import Counts, Margin, places
from scoring.fairness.metrics import STATES, Metric, f1_of_jaccard, vectors
from scoring.fairness.one_pass import STRATUM
from scoring.fairness.whatif import runs
from scoring.vocabulary import WeightMeaning

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Assumption = Literal["none", "monotone", "score"]
ASSUMPTIONS: Final = ("none", "monotone", "score")
LEAST_SEEN: Final = 100
MOST_STEPS: Final = 5
"""The bins that an isotonic fit is made on hold at least so many accepted people with a known outcome, and are at most so many."""
_STATE: Final = np.array([["fn", "tn", "ru"], ["tp", "fp", "au"]], object)
_NUMBER: Final = {name: i for i, name in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Parts:
    """Groups cut into parts within which the share of good among the seen accepted caps that of the unseen refused.

    `group` is the position of each part's group (parts,); `weight` and `weight_squared` are sums (parts, 6 states); `free`: where
    nothing is assumed (parts,).
    """

    group: Integers
    weight: Floats
    weight_squared: Floats
    free: NDArray[np.bool_]

    @property
    def cap(self) -> Floats:
        """The largest share of good outcomes among the unseen refused of each part: 1 where nothing is assumed or nobody was seen."""
        good, seen = self.weight[:, 0], self.weight[:, :2].sum(1)
        return np.where(self.free | (seen == 0), 1.0, good / np.where(seen > 0, seen, 1.0))


class Ends(NamedTuple):
    """Hits and trials at both ends of metrics and their linearised squares, arrays (groups, metrics, 2): the lowest end first."""

    hits: Floats
    trials: Floats
    hit_hit: Floats
    hit_trial: Floats
    trial_trial: Floats

    def others(self, known: NDArray[np.bool_]) -> Ends:
        """Return the same of everyone known who is not in the group: people are disjoint, so sums and variances subtract."""
        mine = known[:, None, None]
        return Ends(*((part * mine).sum(0) - part * mine for part in self))

    def filled(self) -> Ends:
        """Put the other end where one is 0/0: of the outcomes that define the rate, it is then the only value."""
        empty = self.trials <= 0
        return Ends(*(np.where(empty, part[..., ::-1], part) for part in self))


class Rated(NamedTuple):
    """Rates at both ends, and the hits and trials that their variances are worth, arrays (groups, metrics, 2)."""

    rate: Floats
    x: Floats
    n: Floats


def ends_of(parts: Parts, groups: int, metrics: Sequence[Metric]) -> Ends:
    """Return both ends of each metric and group.

    Parameters
    ----------
    parts
        Of the groups, with the cap of the assumption.
    groups
        How many there are.
    metrics
        Rows of the table of metrics.

    References
    ----------
    Manski 1989, *J. Human Resources* 24:343; Manski & Pepper 2000, *Econometrica* 68:997; Binder 1983, *Int. Stat. Rev.* 51:279.

    Examples
    --------
    >>> from scoring.fairness.metrics import METRICS
    >>> parts = Parts(np.array([0]), np.array([[60.0, 20, 0, 0, 0, 20]]), np.array([[60.0, 20, 0, 0, 0, 20]]), np.array([True]))
    >>> found = ends_of(parts, 1, [METRICS["true_positive_rate"]])
    >>> (found.hits / found.trials).tolist()
    [[[0.75, 1.0]]]
    """
    hit, trial = (side[:4] for side in vectors(metrics))
    worth = 2 * hit - trial  # 1 for a hit, -1 for a miss, 0 outside
    # who of the unseen accepted counts as good, and whether as many as may of the unseen refused do: at the low end, at the high end
    accepted = np.stack([worth[0] < worth[1], worth[0] > worth[1]], axis=-1).astype(float)
    refused = np.stack([worth[2] < worth[3], worth[2] > worth[3]], axis=-1).astype(float)
    moved_hit, moved_trial = (_per_person(parts, side, accepted, refused) for side in (hit, trial))
    s1, s2 = parts.weight[:, :, None, None], parts.weight_squared[:, :, None, None]
    # the caps are estimated too: a good or bad outcome seen moves what is taken of the refused
    slope_hit, slope_trial = (_slope(parts, (side[2] - side[3])[:, None] * refused) for side in (hit, trial))
    sums = [(s1 * moved).sum(1) for moved in (moved_hit, moved_trial)]
    moved_hit, moved_trial = moved_hit + slope_hit, moved_trial + slope_trial
    squares = [(s2 * one * other).sum(1) for one, other in ((moved_hit, moved_hit), (moved_hit, moved_trial), (moved_trial, moved_trial))]
    return Ends(*(_summed(part, parts.group, groups) for part in (*sums, *squares)))


def _per_person(parts: Parts, side: Floats, accepted: Floats, refused: Floats) -> Floats:
    """Return what a person in each state adds to hits, or trials, at both ends: (parts, 6, metrics, 2)."""
    seen = np.broadcast_to(side[None, :, :, None], (len(parts.group), 4, *accepted.shape))
    unseen = accepted * side[0][:, None] + (1 - accepted) * side[1][:, None]
    good = refused[None] * parts.cap[:, None, None]
    turned_down = good * side[2][:, None] + (1 - good) * side[3][:, None]
    return np.concatenate([seen, np.broadcast_to(unseen, (len(parts.group), 1, *accepted.shape)), turned_down[:, None]], axis=1)


def _slope(parts: Parts, gained: Floats) -> Floats:
    """Return how much a person seen among the accepted moves the sum over the refused through the cap: R (y - f)/(tp + fp)."""
    moved = np.zeros((len(parts.group), len(STATES), *gained.shape))
    seen = parts.weight[:, :2].sum(1)
    pull = np.where(parts.free | (seen == 0), 0.0, parts.weight[:, 5] / np.where(seen > 0, seen, 1.0))[:, None, None] * gained
    moved[:, 0], moved[:, 1] = pull * (1 - parts.cap)[:, None, None], -pull * parts.cap[:, None, None]
    return moved


def _summed(part: Floats, group: Integers, groups: int) -> Floats:
    into = np.zeros((groups, *part.shape[1:]))
    np.add.at(into, group, part)
    return into


def parts_of(counts: Counts, held: Margin, assumption: Assumption) -> Parts:
    """Return the parts within which an assumption holds: groups, strata of groups, or runs of score bins whose isotonic fit is one value.

    Raises
    ------
    EquiscoreError
        An assumption that there is none of, or one about a score that the study has not.
    """
    if assumption not in ASSUMPTIONS:
        raise EquiscoreError(f"No assumption {assumption!r}. Fix: use one of {', '.join(ASSUMPTIONS)}.")
    if assumption == "score":
        return _by_score(counts, held)
    strata = [name for name in counts.studied if str(name).startswith(STRATUM)]
    if assumption == "none" or not strata:
        free = np.full(len(held.keys), assumption == "none")
        return Parts(np.arange(len(held.keys)), held.weight, held.weight_squared, free)
    cells = counts.studied
    group, state = np.divmod(places(cells, held), len(STATES))
    stratum = cells.groupby([str(name) for name in strata], observed=True).ngroup().to_numpy(np.int64)
    keys, part = np.unique(np.stack([group, stratum]), axis=1, return_inverse=True)
    weight, squared = _gathered(part.ravel() * len(STATES) + state, keys.shape[1], cells, squares=counts.weighted is WeightMeaning.WEIGHT)
    return Parts(keys[0], weight, squared, np.zeros(keys.shape[1], bool))


def _gathered(place: Integers, parts: int, rows: pd.DataFrame, *, squares: bool) -> tuple[Floats, Floats]:
    """Add weights and their squares up by part and state."""
    columns = ("weight", "weight_squared" if squares else "weight")
    size = parts * len(STATES)
    summed = [np.bincount(place, rows[name].to_numpy(float), minlength=size).astype(float).reshape(-1, len(STATES)) for name in columns]
    return summed[0], summed[1]


def _by_score(counts: Counts, held: Margin) -> Parts:
    """Cut each group's histogram where the isotonic fit of good on the bins of the accepted rises."""
    if not len(counts.edges):
        raise EquiscoreError("No score, so nothing rises with it. Fix: declare study.score, or use the assumption 'monotone'.")
    rows = counts.histogram[(counts.histogram["attribute"] == held.by[0]) & (counts.histogram["decision"] >= 0)]
    groups, bins = len(held.keys), len(counts.edges) + 1
    number = {key[0]: i for i, key in enumerate(held.keys)}
    group = rows["group"].map(number).to_numpy(np.int64)
    state = pd.Series(_STATE[rows["decision"].to_numpy(int), np.array([1, 0, 2])[rows["outcome"].to_numpy(int)]])
    flat = group * bins + rows["bin"].to_numpy(np.int64)
    scored = rows["bin"].to_numpy() != NO_SCORE
    codes = state.map(_NUMBER).to_numpy(np.int64)
    good, seen, people = (
        np.bincount(flat[chosen], rows[measure].to_numpy(float)[chosen], groups * bins).astype(float)
        for chosen, measure in ((scored & (codes == 0), "weight"), (scored & (codes < 2), "weight"), (scored & (codes < 2), "n"))
    )
    run_of, rising = _rising(good, seen, people, bins)
    # who has no score, or one above all the accepted, is in a part of the group where nothing is assumed
    part = np.where(scored & (run_of[flat] >= 0), run_of[flat], rising + group)
    summed, squared = _gathered((part * len(STATES) + codes).astype(np.int64), rising + groups, rows, squares=counts.weighted is WeightMeaning.WEIGHT)
    owner = np.zeros(rising, np.int64)
    owner[run_of[run_of >= 0]] = (np.arange(groups * bins) // bins)[run_of >= 0]
    return Parts(np.append(owner, np.arange(groups)), summed, squared, np.append(np.zeros(rising, bool), np.ones(groups, bool)))


def _rising(good: Floats, seen: Floats, people: Floats, bins: int) -> tuple[Integers, int]:
    """Return the run of equal fitted values of each bin of each group, -1 above all that were seen; and how many runs there are.

    Neighbouring bins are joined first, to `LEAST_SEEN` people and no more than `MOST_STEPS` of them: at its ends an isotonic fit follows
    the last few people (spiking: Woodroofe & Sun 1993), and its lowest value is what all the refused below are taken by. One regression serves
    all groups: each is lifted above the one before it, so that none is pooled with another.
    """
    fitted = np.flatnonzero(seen > 0)
    if not len(fitted):
        return np.full(len(seen), -1), 0
    group = fitted // bins
    joined = (
        pd.Series(people[fitted]).groupby(group).transform(lambda n: runs(n.to_numpy().astype(np.int64), max(LEAST_SEEN, int(n.sum() / MOST_STEPS))))
    )
    _, place = np.unique(np.stack([group, joined.to_numpy(np.int64)]), axis=1, return_inverse=True)
    held, of = np.bincount(place.ravel(), seen[fitted]), np.zeros(int(place.max()) + 1, np.int64)
    of[place.ravel()] = group
    found = isotonic_regression(np.bincount(place.ravel(), good[fitted]) / held + 2.0 * of, weights=held)
    first = np.zeros(len(held), np.int64)
    first[found.blocks[1:-1]] = 1
    run = np.cumsum(first)[place.ravel()]
    every = np.arange(len(seen))
    above = np.minimum(np.searchsorted(fitted, every), len(fitted) - 1)
    inside = (fitted[above] >= every) & (group[above] == every // bins)
    return np.where(inside, run[above], -1), int(run.max()) + 1


def rated(ends: Ends, *, f1: NDArray[np.bool_], exact: bool, design_effect: Floats | float = 1.0) -> Rated:
    """Return the rates at both ends with what they are worth as counts.

    Parameters
    ----------
    ends
        Of `ends_of`.
    f1
        Which metrics are J = tp/(tp+fp+fn), to be shown as F1 = 2J/(1+J) (metrics,).
    exact
        Whether hits and trials are counts of people themselves, neither weighted nor capped.
    design_effect
        By how much clusters widen variances.
    """
    ends = ends.filled()
    with np.errstate(divide="ignore", invalid="ignore"):
        p = ends.hits / ends.trials
        variance = np.maximum(ends.hit_hit - 2 * p * ends.hit_trial + p**2 * ends.trial_trial, 0.0) / ends.trials**2
        shown = f1[:, None]
        rate = np.where(shown, f1_of_jaccard(p), p)
        variance = np.where(shown, variance * (2 / (1 + p) ** 2) ** 2, variance)
        inner = (rate > 0) & (rate < 1) & (variance > 1e-15)
        n = np.where(inner, rate * (1 - rate) / np.where(inner, variance, 1.0), ends.trials**2 / ends.trial_trial)
        n = np.where(exact & ~shown, ends.trials, n) / design_effect
    n = np.where(np.isfinite(n) & (ends.trials > 0), n, 0.0)
    return Rated(rate, np.where(n > 0, np.nan_to_num(rate) * n, 0.0), n)
