"""One measure of grouped counts: its values, and its limits at any quantile; arrays (controls, groups) out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.fairness.bootstrap import FEWEST, quantiles, resample
from scoring.fairness.composites import influence, score_estimate
from scoring.fairness.frames.grouped import Grouped
from scoring.fairness.frames.simultaneous import (
    Limits,
    each_confidence,
    pairwise_confidence,
    smallest_ratio,
    smallest_ratio_to,
    widest_gap,
    widest_gap_to,
)
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.metrics import Composite, Metric, shares

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure of the counts of groups and of everybody; none counts people."""

    measure: Metric | Composite | None
    groups: Grouped
    known: NDArray[np.bool_]

    @property
    def everybody(self) -> Grouped:
        """Counts (controls, 1, 6 states)."""
        people, weight, squared = self.groups
        return Grouped(people.sum(1, keepdims=True), weight.sum(1, keepdims=True), None if squared is None else squared.sum(1, keepdims=True))

    def values(self) -> Floats:
        """Return the measure of each group (controls, groups); nan where there is nobody to measure."""
        return measured(self.measure, self.groups.weight)

    def overall(self) -> Floats:
        """Return the measure of everybody (controls,)."""
        return measured(self.measure, self.everybody.weight)[:, 0]

    def limits(self, confidence: float, *, of_all: bool = False) -> Limits:
        """Return score limits of each group, or of everybody (controls, 1), each by itself."""
        held = self.everybody if of_all else self.groups
        if self.measure is None:
            return _of_people(held.people, self.groups.people.sum(), confidence)
        found = score_estimate(self.measure, held.weight, held.weight_squared, confidence=confidence)
        return Limits(found.low, found.high)

    def least(self, *, of_all: bool = False) -> Floats:
        """Return the smallest count of hits or misses behind each value: under 5 nothing is redrawn."""
        held = self.everybody if of_all else self.groups
        if self.measure is None:
            n = held.people.sum(-1)
            return np.asarray(np.minimum(n, self.groups.people.sum() - n))
        return score_estimate(self.measure, held.people).least

    def together(self) -> Floats:
        """Return the correlation of each group's measure with everybody's, who it is part of (controls, groups)."""
        if self.measure is None:
            return np.zeros(self.groups.people.shape[:2])
        own, whole = influence(self.measure, self.groups.weight), influence(self.measure, self.everybody.weight)
        spread = self.groups.weight if self.groups.weight_squared is None else self.groups.weight_squared
        shared, alone = (spread * own * whole).sum(-1), (spread * own**2).sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = shared / np.sqrt(alone * (spread * whole**2).sum((-2, -1))[:, None])
        return np.clip(np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)


def measured(measure: Metric | Composite | None, counts: Floats) -> Floats:
    """Return a measure of counts (..., 6 states); people where there is none, nan where nobody is."""
    if measure is None:
        people = counts.sum(-1)
        return np.where(people > 0, people, np.nan)
    return measure.value(counts) if isinstance(measure, Composite) else shares(counts, ((measure.hits, measure.trials),))[0]


def _of_people(people: Floats, total: float, confidence: float) -> Limits:
    """Return limits of how many of all people are in a group; all of them is no matter of chance."""
    n = people.sum(-1)
    low, high = proportion_interval(n, np.full_like(n, total), confidence=confidence)
    certain, nobody = n == total, n == 0
    return Limits(*(np.where(nobody, np.nan, np.where(certain, n, total * limit)) for limit in (low, high)))


def redrawn(groups: Grouped, replicates: int, rng: np.random.Generator) -> Floats:
    """Return counts drawn again (replicates, controls, groups, 6 states), one draw for all measures of them."""
    people, weight, squared = groups
    weights = {} if squared is None else {"weight": weight.ravel(), "weight_squared": squared.ravel()}
    return resample(people.ravel(), replicates, rng, **weights).reshape(replicates, *people.shape)


def at_quantiles(held: Measured, levels: list[float], drawn: Floats, *, of_all: bool) -> list[Floats]:
    """Return each group's value at each quantile: of redrawn counts, or the score limit where a count under it is below 5.

    So 0 of 10 has the limits 0 and .28, not 0 and 0. A replicate that misses a group is left out for that group.
    """
    draws = measured(held.measure, drawn.sum(2, keepdims=True) if of_all else drawn)
    value = held.overall()[:, None] if of_all else held.values()
    enough = held.least(of_all=of_all) >= FEWEST
    return [np.where(enough, quantiles(draws, level), _score_at(held, level, value, of_all=of_all)) for level in levels]


def _score_at(held: Measured, level: float, value: Floats, *, of_all: bool) -> Floats:
    if level == 0.5:
        return value
    limits = held.limits(abs(1 - 2 * level), of_all=of_all)
    return np.where(np.isnan(value), np.nan, limits.low if level < 0.5 else limits.high)


Aggregate = Callable[["Measured", float], Limits]


def _known(held: Measured, confidence: float) -> tuple[Floats, Limits]:
    low, high = held.limits(confidence)
    return held.values()[:, held.known], Limits(low[:, held.known], high[:, held.known])


def _extreme(held: Measured, confidence: float, pick: np.ufunc) -> Limits:
    _, limits = _known(held, each_confidence(int(held.known.sum()), confidence))
    return Limits(*(np.asarray(pick.reduce(limit, axis=1, initial=np.nan)) for limit in limits))


def _between(held: Measured, confidence: float, of: Callable[..., Limits]) -> Limits:
    value, limits = _known(held, pairwise_confidence(int(held.known.sum()), confidence))
    return of(value, limits, together=-1.0 if held.measure is None else 0.0)  # people of two groups: as wide as any correlation makes it


def _to_overall(held: Measured, confidence: float, of: Callable[..., Limits]) -> Limits:
    each = each_confidence(int(held.known.sum()), confidence)
    value, limits = _known(held, each)
    return of(value, limits, held.overall()[:, None], held.limits(each, of_all=True), held.together()[:, held.known])


AGGREGATES: Final[Mapping[str, Aggregate]] = {
    "group_min": lambda held, confidence: _extreme(held, confidence, np.fmin),
    "group_max": lambda held, confidence: _extreme(held, confidence, np.fmax),
    "difference between_groups": lambda held, confidence: _between(held, confidence, widest_gap),
    "difference to_overall": lambda held, confidence: _to_overall(held, confidence, widest_gap_to),
    "ratio between_groups": lambda held, confidence: _between(held, confidence, smallest_ratio),
    "ratio to_overall": lambda held, confidence: _to_overall(held, confidence, smallest_ratio_to),
}
