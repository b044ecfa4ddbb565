"""The histogram of `Counts` as arrays: once, for everybody and each group of each attribute, with the rest of each group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError, StudyError
from scoring.fairness.bins import NO_SCORE
from scoring.fairness.by_score.distances import Axis, Sample
from scoring.fairness.counts import MEASURES, Counts
from scoring.fairness.restricted import Floats
from scoring.vocabulary import UNKNOWN, WeightMeaning

PROBABILITIES = ("good", "bad")
"""What a score may be the probability of; turned scores ("higher is worse") are held as less the probability of bad."""


@dataclass(frozen=True, slots=True)
class ScoreBins:
    """People with a score by outcome (good, bad, not observed), group and bin; the first group is everybody, and has no rest."""

    attribute: NDArray[np.object_]
    group: NDArray[np.object_]
    axis: Axis
    own: Sample
    """Arrays (3, groups, bins)."""
    rest: Sample
    """The same of who is known in the attribute and not in the group; for the unknowns everybody known."""
    people: Floats
    """Rows whatever their weight, (3, groups, bins)."""
    others: NDArray[np.bool_]
    """Which groups (columns) are the rest of which (rows)."""
    unscored: Floats
    """Weight of those without a score, by group."""
    counted: bool
    """Whether a row is one person, so that chance can be drawn from the counts."""
    clustered: bool

    @property
    def good(self) -> Sample:
        """Return those whose outcome was good, (groups, bins)."""
        return _of(self.own, 0)

    @property
    def bad(self) -> Sample:
        """Return those whose outcome was bad."""
        return _of(self.own, 1)

    @property
    def rest_good(self) -> Sample:
        """Return those of the rest whose outcome was good."""
        return _of(self.rest, 0)

    @property
    def rest_bad(self) -> Sample:
        """Return those of the rest whose outcome was bad."""
        return _of(self.rest, 1)

    @property
    def everyone(self) -> Sample:
        """Return the group whatever the outcome."""
        return Sample(self.own.weight.sum(0), self.own.squared.sum(0))

    @property
    def rest_everyone(self) -> Sample:
        """Return the rest whatever the outcome."""
        return Sample(self.rest.weight.sum(0), self.rest.squared.sum(0))


def _of(sides: Sample, outcome: int) -> Sample:
    return Sample(sides.weight[outcome], sides.squared[outcome])


def score_bins(counts: Counts, *, probability: str | None = None) -> ScoreBins:
    """Turn the histogram into arrays; bins that nobody is in are left out.

    Parameters
    ----------
    counts
        What the pass left, with a score.
    probability
        ``"good"`` where the score is the probability of a good outcome, ``"bad"`` where it is less the probability of a bad one
        (a score of which higher is worse, as it is held): it then runs from 0 to 1. Said, never guessed from the range.

    Raises
    ------
    StudyError
        There is no score.
    EquiscoreError
        A score that is said to be a probability is none.
    """
    if counts.histogram.empty:
        raise StudyError("These counts have no score. Fix: declare a score, or train one.")
    keys = [("", ""), *((name, key[0]) for name in counts.attributes for key in counts.margin((name,)).keys)]
    filled = _filled(counts, keys)
    axis, kept = _axis(counts, probability)
    people, weight, squared = (measure[:, :, 1 + kept] for measure in filled)
    attribute, group = (np.array([key[i] for key in keys], object) for i in (0, 1))
    others = (attribute[:, None] == attribute) & (group != UNKNOWN) & ~np.eye(len(keys), dtype=bool)
    return ScoreBins(
        attribute,
        group,
        axis,
        own=Sample(weight, squared),
        rest=Sample(others @ weight, others @ squared),
        people=people,
        others=others,
        unscored=filled[1][:, :, 0].sum(0),
        counted=counts.weighted is not WeightMeaning.WEIGHT and bool((people == np.floor(people)).all()),
        clustered=counts.clustered,
    )


def _filled(counts: Counts, keys: list[tuple[str, str]]) -> list[Floats]:
    """Return people, weights and squared weights as arrays (outcome good, bad, not observed; groups; no score and then bins)."""
    rows = counts.histogram
    first = rows[rows["attribute"] == rows["attribute"].iloc[0]].assign(attribute="", group="")
    rows = pd.concat([first, rows], ignore_index=True)
    numbers = {key: i for i, key in enumerate(keys)}
    group = np.array([numbers[key] for key in zip(rows["attribute"], rows["group"], strict=True)], np.int64)
    outcome = np.array([1, 0, 2])[rows["outcome"].to_numpy(np.int64)]
    shape = 3, len(keys), len(counts.edges) + 2
    place = np.ravel_multi_index((outcome, group, rows["bin"].to_numpy(np.int64) - NO_SCORE), shape)
    size = int(np.prod(shape))
    filled: list[Floats] = [np.bincount(place, rows[name].to_numpy(float), minlength=size).astype(float).reshape(shape) for name in MEASURES]
    if counts.weighted is None:
        filled[1] = filled[2] = filled[0]
    elif counts.weighted is WeightMeaning.COUNT:
        filled[2] = filled[1]
    return filled


def _axis(counts: Counts, probability: str | None) -> tuple[Axis, NDArray[np.int64]]:
    """Return where the bins that somebody is in stand, and their numbers.

    Within a bin of several recorded scores, everybody stands at their mean; at its middle where they were recorded at its lower end.
    """
    held = counts.histogram[counts.histogram["bin"] != NO_SCORE].groupby("bin")[["n", "score_sum"]].sum()
    held = held[held["n"] > 0]
    kept = held.index.to_numpy(np.int64)
    low, high = np.append(-np.inf, counts.edges)[kept], np.append(counts.edges, np.inf)[kept]
    if counts.exact:
        return _turned(Axis(low, low, low), probability), kept
    mean = (held["score_sum"] / held["n"]).to_numpy(float)
    closed = np.isfinite(low) & np.isfinite(high)
    with np.errstate(invalid="ignore"):  # the lowest bin has no lower end: -inf + inf
        within = (mean > low + 1e-9 * np.abs(low)) & (mean < high)
        score = np.where(within | ~closed, mean, (low + high) / 2)
    return _turned(Axis(score, low, high, exact=False), probability), kept


def _turned(axis: Axis, probability: str | None) -> Axis:
    """Turn a score that is said to be a probability into that of a good outcome; its bins then end at 0 and 1."""
    if probability is None:
        return axis
    if probability not in PROBABILITIES:
        raise EquiscoreError(f"probability: {probability!r} is none. Fix: use one of {', '.join(PROBABILITIES)}, or None for points.")
    shift = 0.0 if probability == "good" else 1.0
    low, high = np.maximum(axis.low + shift, 0.0), np.minimum(axis.high + shift, 1.0)
    score = axis.score + shift
    if ((score < 0) | (score > 1) | (axis.low + shift > 1)).any():
        raise EquiscoreError(
            f"probability={probability!r}: the score runs from {score.min():g} to {score.max():g}. Fix: leave probability out for a score in points."
        )
    return Axis(score, low, high, exact=axis.exact)
