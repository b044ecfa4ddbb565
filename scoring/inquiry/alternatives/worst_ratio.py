"""Whom a decision reaches: every group against its reference, from counts, and the worst ratio with an interval that holds for the worst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from scoring.fairness.clusters import gathered
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import compare
from scoring.fairness.intervals import ratio_interval
from scoring.fairness.labels import STUDIED
from scoring.fairness.metrics import METRICS, STATES
from scoring.fairness.one_pass import GROUP
from scoring.fairness.verdicts import judge
from scoring.inquiry.alternatives.learning import level_of_each
from scoring.inquiry.alternatives.people import Bools, Floats, People, Places
from scoring.inquiry.alternatives.settings import Settings
from scoring.inquiry.membership import Membership
from scoring.vocabulary import REST, UNKNOWN, Verdict, WeightMeaning

_NAMED_REFERENCES: Final = (REST, "best", "largest")
Groups = tuple[tuple[str, str], ...]
"""Attributes and their levels."""


def groups_of(people: People, favoured: Bools, settings: Settings) -> pd.DataFrame:
    """Return every group of every attribute against its reference, with its verdict: the rows of `verdicts.judge`.

    All attributes are one family of tests, as in a study.
    """
    states = _states(people.outcome, favoured)
    rows = []
    for held in people.groups:
        counts = _counts(people, held, states)
        rows.append(compare(counts, [(held.attribute,)], [METRICS["selection_rate"]], reference=reference_of(settings, held), bounds=settings.bounds))
    binomial = people.independent and (people.weight is None or people.meaning is WeightMeaning.COUNT)
    return judge(pd.concat(rows, ignore_index=True), settings.bounds, binomial=binomial)


def _states(outcome: Floats, favoured: Bools) -> Places:
    """Return the place of each person's state in `STATES`."""
    known, good = ~np.isnan(outcome), outcome == 1
    places = {name: i for i, name in enumerate(STATES)}
    cases = [favoured & good, favoured & known, good & ~favoured, known & ~favoured, favoured]
    return np.select(cases, [places[name] for name in ("tp", "fp", "fn", "tn", "au")], places["ru"]).astype(np.intp)


def _counts(people: People, held: Membership, states: Places) -> Counts:
    levels, n_states = np.array([*held.levels, UNKNOWN], object), len(STATES)
    place = np.where(held.codes < 0, len(held.levels), held.codes) * n_states + states
    size = len(levels) * n_states
    n = np.bincount(place, minlength=size)
    used = np.flatnonzero(n)
    total, squared, weight, weighted = n, n, np.ones(len(people)), None
    if people.weight is not None:
        weighted, weight = people.meaning, people.weight
        total, squared = (np.bincount(place, by, minlength=size) for by in (weight, weight**2))
        n, squared = (total, total) if weighted is WeightMeaning.COUNT else (n, squared)
    measures = {"n": n[used], "weight": total[used], "weight_squared": squared[used]}
    names = {GROUP + held.attribute: levels[used // n_states], "state": np.array(STATES, object)[used % n_states]}
    cells = pd.DataFrame({**names, "reject": STUDIED, **measures})
    together = None
    if not people.independent:
        cell = np.searchsorted(used, place).astype(np.int64)
        together = gathered(np.unique(people.person, return_inverse=True)[1].astype(np.int64), cell, weight, len(cells))
    return Counts(cells, pd.DataFrame(), np.empty(0), exact=True, weighted=weighted, clusters=together)


def reference_of(settings: Settings, held: Membership) -> str:
    """Return what this attribute is held against; the rest where the reference does not speak of it."""
    asked = settings.reference.get(held.attribute, REST) if isinstance(settings.reference, Mapping) else settings.reference
    return asked if asked in _NAMED_REFERENCES or asked in held.levels else REST


def large_groups(people: People, settings: Settings) -> Groups:
    """Return the (attribute, group) that have a part in the worst ratio: of enough people, and not everybody.

    It hangs on how many people there are and not on any score, so that it is the same for all candidates.
    """
    least = settings.least_people
    found = []
    for held in people.groups:
        n = np.bincount(held.codes[held.codes >= 0], minlength=len(held.levels))
        found += [(held.attribute, name) for name, size in zip(held.levels, n, strict=True) if size >= least and size < n.sum()]
    return tuple(found)


def worst(rows: pd.DataFrame, settings: Settings, among: Groups) -> dict[str, Any]:
    """Return the smallest ratio of some groups, whose it is, and its simultaneous interval."""
    pairs = pd.MultiIndex.from_frame(rows[["attribute", "group"]].astype(str))
    asked = rows[pairs.isin(list(among)) & rows["known"].to_numpy(bool) & rows["ratio"].notna().to_numpy()] if among else rows.iloc[:0]
    excluded = int(((rows["verdict"] == Verdict.EXCLUSION) & rows["known"].to_numpy(bool)).sum())
    if asked.empty:
        nothing = dict.fromkeys(("worst_ratio", "worst_low", "worst_high"), float("nan"))
        return {**nothing, "worst_attribute": "", "worst_group": "", "excluded_groups": excluded, "groups": 0}
    sides = (asked[name].to_numpy(float) for name in "xnym")
    low, high = ratio_interval(*sides, confidence=1 - (1 - settings.bounds.confidence) / len(asked), method="gart-nam")
    place = int(asked["ratio"].to_numpy(float).argmin())
    return {
        "worst_ratio": float(asked["ratio"].iloc[place]), "worst_low": float(np.nanmin(low)), "worst_high": float(np.nanmin(high)),
        "worst_attribute": str(asked["attribute"].iloc[place]), "worst_group": str(asked["group"].iloc[place]),
        "excluded_groups": excluded, "groups": len(asked),
    }  # fmt: skip


class Membered(NamedTuple):
    """Who is in each group that is large enough, and who in its rest: arrays (people, groups)."""

    inside: Bools
    outside: Bools


def membered(people: People, pairs: Groups) -> Membered:
    """Return who is in each (attribute, group), and who is known and not in it."""
    levels = {held.attribute: level_of_each(held) for held in people.groups}
    inside = np.stack([levels[attribute] == group for attribute, group in pairs], axis=1)
    known = np.stack([levels[attribute] != UNKNOWN for attribute, _ in pairs], axis=1)
    return Membered(inside, known & ~inside)
