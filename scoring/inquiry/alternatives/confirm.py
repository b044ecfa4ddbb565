"""Confirmation: what was chosen, and what it was held against, on people whom neither the search nor any model has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from scoring.fairness.bootstrap import FEWEST, quantiles, resample
from scoring.fairness.by_score.curve_differences import auc_difference_paired
from scoring.inquiry.alternatives.evaluate import brought, cut, mean_of, measure
from scoring.inquiry.alternatives.people import Bools, Floats, People
from scoring.inquiry.alternatives.settings import Settings
from scoring.inquiry.alternatives.worst_ratio import Groups, membered, reference_of
from scoring.vocabulary import REST, WeightMeaning

DIFFERENCES: Final = [f"{what}_difference{end}" for what in ("auc", "profit", "ratio", "watched") for end in ("", "_low", "_high")]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One score of the people set aside, and the share that its cut-off accepted in the search."""

    name: str
    scores: Floats
    share: float


@dataclass(frozen=True, slots=True)
class Watched:
    """The groups of the worst ratio, and the one that was worst off in the search by the baseline: chosen before these people were looked at."""

    among: Groups
    worst: Groups


def confirm(people: People, baseline: Shown, others: list[Shown], settings: Settings, watched: Watched) -> pd.DataFrame:
    """Measure scores on people set aside, the baseline first, and each against it.

    The groups that had a part in the worst ratio of the search have it here, however few of them were set aside. Each score accepts the share
    that its cut-off accepted in the search, or as near as its values allow: nothing is chosen on these people, and all are compared at their
    own strictness.

    Returns
    -------
    DataFrame
        name, the figures of `evaluate.FIGURES`, and the differences to the baseline on the same people, each with limits: AUC (DeLong's
        paired; nan with weights or several rows a person), profit (paired by person), ratio (the worst ratio less that of the baseline:
        percentiles of a bootstrap of the counts of groups and both decisions together; nan with sampling weights, several rows a person, a
        reference that is not the rest, or under five favoured of a group), and watched: the same for the ratio of the one group that was worst
        off by the baseline in the search. The smallest of several ratios leans on the smallest groups set aside; the one group does not.
    """
    held = {one.name: _decided(people, one, settings) for one in (baseline, *others)}
    rows = []
    for one in (baseline, *others):
        figures = measure(people, one.scores, held[one.name][0], watched.among)
        gaps = dict.fromkeys(DIFFERENCES, float("nan")) if one is baseline else _gaps(people, baseline, one, held, settings, watched)
        rows.append({"name": one.name, **figures, **gaps})
    return pd.DataFrame(rows)


def _decided(people: People, shown: Shown, settings: Settings) -> tuple[Settings, Bools]:
    """Return the settings with this score's share, and whom it favours; who has no score is not favoured."""
    own = replace(settings, rule="accept_share", value=min(max(shown.share, 1e-9), 1 - 1e-9), payoffs=settings.gains)
    scored = np.isfinite(shown.scores)
    some = people.rows(scored)
    favoured = np.zeros(len(people), dtype=bool)
    favoured[scored] = shown.scores[scored] >= cut(some, shown.scores[scored], own)
    return own, favoured


def _gaps(  # noqa: PLR0917  (the two, and what they are measured by)
    people: People, baseline: Shown, one: Shown, held: Mapping[str, tuple[Settings, Bools]], settings: Settings, watched: Watched
) -> dict[str, float]:
    """Return the differences to the baseline, over the people who have both scores."""
    both = np.isfinite(baseline.scores) & np.isfinite(one.scores)
    some = people.rows(both)
    (_, first), (_, second) = held[baseline.name], held[one.name]
    before, after = first[both], second[both]
    found = [
        *_area_gap(some, one.scores[both], baseline.scores[both], settings),
        *_profit_gap(some, before, after, settings),
        *ratio_gap(some, before, after, settings, watched.among),
        *ratio_gap(some, before, after, settings, watched.worst),
    ]
    return dict(zip(DIFFERENCES, found, strict=True))


def _area_gap(people: People, scores: Floats, against: Floats, settings: Settings) -> list[float]:
    known = ~np.isnan(people.outcome)
    if people.weight is not None or not people.independent or not known.any():
        return [float("nan")] * 3
    gap = auc_difference_paired(scores[known], against[known], people.outcome[known], confidence=settings.bounds.confidence)
    return [gap.value, gap.low, gap.high]


def _profit_gap(people: People, before: Bools, after: Bools, settings: Settings) -> list[float]:
    gap = mean_of(brought(people, after, settings) - brought(people, before, settings), people, settings.bounds.confidence)
    return [gap.value, gap.low, gap.high]


def ratio_gap(people: People, before: Bools, after: Bools, settings: Settings, among: Groups) -> list[float]:
    """Return the worst ratio after less the worst ratio before, with percentiles of the bootstrap.

    Cells are what a person is in every group and both decisions; redrawn counts are multinomial, which is the bootstrap of rows exactly.
    The groups are the same before and after, each against everyone else known.
    """
    if not among or any(reference_of(settings, held) != REST for held in people.groups):
        return [float("nan")] * 3
    if (people.weight is not None and people.meaning is not WeightMeaning.COUNT) or not people.independent:
        return [float("nan")] * 3
    inside, outside = membered(people, among)
    table = np.column_stack([inside, outside, before, after])
    cells, place = np.unique(table, axis=0, return_inverse=True)
    n = np.bincount(np.ravel(place), people.weight, minlength=len(cells)).astype(np.float64)
    groups = len(among)
    sides = cells[:, :groups].astype(float), cells[:, groups : 2 * groups].astype(float)
    decided = cells[:, -2].astype(float), cells[:, -1].astype(float)
    value = _worst(n[None, :], sides, decided[1]) - _worst(n[None, :], sides, decided[0])
    if min(float((n * chosen @ sides[0]).min()) for chosen in decided) < FEWEST:
        return [float(value[0]), float("nan"), float("nan")]
    drawn = resample(n, settings.replicates, np.random.default_rng(settings.seed))
    gaps = _worst(drawn, sides, decided[1]) - _worst(drawn, sides, decided[0])
    tail = (1 - settings.bounds.confidence) / 2
    return [float(value[0]), float(quantiles(gaps, tail)), float(quantiles(gaps, 1 - tail))]


def _worst(n: Floats, sides: tuple[Floats, Floats], decided: Floats) -> Floats:
    """Return the smallest ratio of a group's rate to that of its rest, for each row of counts (replicates, cells)."""
    hits = n * decided
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = [(hits @ side) / (n @ side) for side in sides]
        return np.asarray(np.fmin.reduce(rates[0] / rates[1], axis=1))


def told(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, for the log."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
