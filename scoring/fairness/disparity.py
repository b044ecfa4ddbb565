"""A group against its reference: rates, ratios, differences and people, from the counts, in whole arrays.

Every effect has one direction: a ratio below 1 or a difference below 0 means that the group gets less of what is good for
the person. For a metric of which less is better the two sides are exchanged, here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError, nearest
from scoring.fairness.clusters import EFFECTS
from scoring.fairness.counts import Counts, Margin
from scoring.fairness.effective import effective_size
from scoring.fairness.intervals import difference_interval, proportion_interval, ratio_interval
from scoring.fairness.metrics import Metric, more_is_better, unobserved_refused, vectors
from scoring.vocabulary import CROSS, REST, UNKNOWN, WeightMeaning, combined

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]
"""Columns of one table, by name: arrays of one length."""
Reference = str | Mapping[str, str]
RATES = ["attribute", "group", "metric", "hits", "trials", "value", "low", "high"]
DISPARITIES = [
    *("attribute", "group", "metric", "reference", "value", "reference_value", "ratio", "ratio_low", "ratio_high"),
    *("difference", "difference_low", "difference_high", "shortfall"),
]
IS_REFERENCE = "(is the reference)"


@dataclass(frozen=True, slots=True)
class Side:
    """Weighted counts of some groups: arrays (groups, 6 states)."""

    weight: Floats
    weight_squared: Floats


def combinations_of(attributes: Sequence[str], depth: int) -> list[tuple[str, ...]]:
    """Return every set of attributes up to a depth, single attributes first."""
    return [by for size in range(1, depth + 1) for by in combinations(attributes, size)]


def compare(
    counts: Counts,
    sets: Sequence[Sequence[str]],
    metrics: Sequence[Metric],
    *,
    reference: Reference = REST,
    bounds: Bounds,
    declared: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Return a row per group and metric for each set of attributes: counts of both sides, rates and effects with intervals.

    Parameters
    ----------
    counts
        What the pass left.
    sets
        Attributes, or tuples of attributes for combinations.
    metrics
        Rows of the table of metrics.
    reference
        ``rest`` (everyone known who is not in the group), ``best``, ``largest``, a level, or levels by attribute.
    bounds
        Confidence, smallest share of a best-off group.
    declared
        Levels that a single attribute is declared to have; one that nobody holds is a row of its own, with no people.

    Returns
    -------
    DataFrame
        The columns of rates and disparities, and: depth, people, reference_people, ref_hits, ref_trials, the effective counts
        x, n, y, m that intervals and tests are worked out from, refusal_ratio, ratio_to_best, known.
    """
    _check_reference(reference, counts, sets)
    rows = _with_rates(_measured_sets(counts, sets, metrics, reference, bounds, declared=declared or {}), bounds)
    return pd.DataFrame(_with_effects(rows, {metric.name: metric for metric in metrics}, bounds))


def _measured_sets(
    counts: Counts,
    sets: Sequence[Sequence[str]],
    metrics: Sequence[Metric],
    reference: Reference,
    bounds: Bounds,
    *,
    declared: Mapping[str, Sequence[str]],
) -> Columns:
    """Return the counts of both sides and the design effects, all sets below each other; a frame is made once, of all columns."""
    parts = [_one_set(with_declared(counts.margin(tuple(by)), declared), metrics, reference, bounds, counts.weighted) for by in sets]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _with_design(rows, counts, sets, metrics, bounds, rest=reference == REST)


def _with_design(rows: Columns, counts: Counts, sets: Sequence[Sequence[str]], metrics: Sequence[Metric], bounds: Bounds, *, rest: bool) -> Columns:
    """Add the design effects of clusters: 1 where rows are independent."""
    if not counts.clustered:
        ones = np.ones(len(rows["group"]))
        return rows | dict.fromkeys(EFFECTS[:-1], ones) | {"clusters": np.full(len(ones), np.nan)}
    keys = ["attribute", "group", "metric"]
    effects = pd.concat([counts.design_effects(tuple(by), metrics, bounds.tolerance, rest=rest) for by in sets], ignore_index=True)
    asked = pd.DataFrame({name: rows[name] for name in keys}, dtype=object)
    joined = asked.merge(effects[[*keys, *EFFECTS]].astype(dict.fromkeys(keys, object)), on=keys, how="left", validate="one_to_one")
    joined = joined.fillna(dict.fromkeys(EFFECTS[:-1], 1.0))
    return rows | {name: joined[name].to_numpy(float) for name in EFFECTS}


def _one_set(margin: Margin, metrics: Sequence[Metric], reference: Reference, bounds: Bounds, weighted: WeightMeaning | None) -> Columns:
    group = Side(margin.weight, margin.weight_squared)
    chosen = chosen_reference(margin, metrics, reference, bounds)
    other = rest_of(margin) if chosen is None else None
    hits, trials, x, n = measured(group, metrics, weighted)
    if other is not None:
        ref_hits, ref_trials, y, m = measured(other, metrics, weighted)
        ref_people = np.broadcast_to(other_people(margin)[:, None], hits.shape)
        named = np.full(hits.shape, REST, object)
    else:
        ref_hits, ref_trials, y, m = (np.take_along_axis(side, chosen, 0) if chosen is not None else side for side in (hits, trials, x, n))
        ref_people = margin.people.sum(1)[chosen]
        named = np.array([combined(key) for key in margin.keys], object)[chosen]
        itself = chosen == np.arange(len(margin.keys))[:, None]
        named = np.where(itself, IS_REFERENCE, named)
    refused = np.array([metric.needs_refused for metric in metrics])
    blind, missing = unobserved_refused(group.weight)[:, None] & refused, group.weight[:, 5:] * refused
    if other is not None:
        blind |= unobserved_refused(other.weight)[:, None] & refused
    people = margin.people.sum(1)
    labels = [UNKNOWN if UNKNOWN in key else combined(key) for key in margin.keys]
    shape = hits.shape
    columns = {
        "attribute": np.full(shape, CROSS.join(margin.by), object),
        "group": np.broadcast_to(np.array(labels, object)[:, None], shape),
        "metric": np.broadcast_to(np.array([metric.name for metric in metrics], object), shape),
        "levels": _levels(margin, shape),
        "depth": np.full(shape, len(margin.by)),
        "known": np.broadcast_to(margin.known[:, None], shape),
        "people": np.broadcast_to(people[:, None], shape),
        "reference": named,
        "reference_is_best": np.full(shape, reference == "best"),
        "eligible": np.broadcast_to(_eligible(margin, bounds)[:, None], shape),
        "reference_people": ref_people,
        "hits": hits, "trials": trials, "ref_hits": ref_hits, "ref_trials": ref_trials,
        "x": x, "n": n, "y": y, "m": m, "blind": blind, "unobserved": missing,
        "ratio_to_best": _to_best(margin, metrics, bounds),
    }  # fmt: skip
    return {name: np.asarray(values).ravel() for name, values in columns.items()}


def _levels(margin: Margin, shape: tuple[int, ...]) -> NDArray[np.object_]:
    """Return the levels of each group as a tuple, for those who must not read them out of a label."""
    levels = np.empty(len(margin.keys), object)
    levels[:] = margin.keys
    return np.broadcast_to(levels[:, None], shape)


def measured(side: Side, metrics: Sequence[Metric], weighted: WeightMeaning | None) -> tuple[Floats, Floats, Floats, Floats]:
    """Return hits and trials (groups, metrics), and the effective counts that intervals are worked out from.

    Weights that mean something else than repeated rows are linearised (`effective.effective_size`).
    """
    numerator, denominator = vectors(metrics)
    hits, trials = side.weight @ numerator, side.weight @ denominator
    if weighted is not WeightMeaning.WEIGHT:
        return hits, trials, hits, trials
    missed = denominator - numerator
    x, n = effective_size(hits, side.weight @ missed, side.weight_squared @ numerator, side.weight_squared @ missed)
    return hits, trials, x, n


def rest_of(margin: Margin) -> Side:
    """Return everyone known who is not in the group; for the unknowns, everyone known."""
    known = margin.known[:, None]

    def others(counts: Floats) -> Floats:
        return (counts * known).sum(0) - counts * known

    return Side(others(margin.weight), np.maximum(others(margin.weight_squared), 0.0))


def other_people(margin: Margin) -> Floats:
    """Return how many people are in the rest of each group."""
    people = margin.people.sum(1)
    return np.asarray((people * margin.known).sum() - people * margin.known)


def chosen_reference(margin: Margin, metrics: Sequence[Metric], reference: Reference, bounds: Bounds) -> NDArray[np.int64] | None:
    """Return the position of the reference group for each group and metric, or nothing where it is the rest."""
    shape = (len(margin.keys), len(metrics))
    people = np.where(margin.known, margin.people.sum(1), -1.0)
    if not margin.known.any():
        return None  # nobody is known, so nobody can be the reference: the rest is empty, and says so
    if reference == "largest":
        return np.full(shape, int(np.argmax(people)))
    if reference == "best":
        return np.broadcast_to(np.argmax(_ranked(margin, metrics, bounds), axis=0), shape)
    named = _named(margin, reference)
    return None if named is None else np.full(shape, margin.keys.index(named))


def _named(margin: Margin, reference: Reference) -> tuple[str, ...] | None:
    """Return the levels of a named reference; nothing where it does not speak of these attributes (then it is the rest)."""
    wanted = tuple(reference.get(name) for name in margin.by) if isinstance(reference, Mapping) else (reference,) if len(margin.by) == 1 else (None,)
    found = [key for key in margin.keys if key == wanted]
    return found[0] if found and reference != REST else None


def _ranked(margin: Margin, metrics: Sequence[Metric], bounds: Bounds) -> Floats:
    """Return how well off each group is by each metric; -inf for who cannot be the best-off: unknown, or too small a share."""
    rate = _rates(margin, metrics)
    turned = np.where(more_is_better(metric.name for metric in metrics), rate, -rate)
    return np.where(_eligible(margin, bounds)[:, None] & ~np.isnan(turned), turned, -np.inf)


def _rates(margin: Margin, metrics: Sequence[Metric]) -> Floats:
    numerator, denominator = vectors(metrics)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((margin.weight @ numerator) / (margin.weight @ denominator))


def _eligible(margin: Margin, bounds: Bounds) -> NDArray[np.bool_]:
    """Tell which groups may be the best-off one: known, and no smaller a share than the bounds say."""
    people = margin.people.sum(1)
    return np.asarray(margin.known & (people >= bounds.best_share * people[margin.known].sum()))


def _to_best(margin: Margin, metrics: Sequence[Metric], bounds: Bounds) -> Floats:
    """Return the ratio of estimates to the best-off group."""
    best, rate = np.abs(_ranked(margin, metrics, bounds).max(axis=0)), _rates(margin, metrics)
    more = more_is_better(metric.name for metric in metrics)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isfinite(best), np.where(more, rate / best, best / rate), np.nan)


def rates_of(
    counts: Counts, sets: Sequence[Sequence[str]], metrics: Sequence[Metric], bounds: Bounds, declared: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return the rows of `compare` with rates and their intervals alone."""
    return pd.DataFrame(_with_rates(_measured_sets(counts, sets, metrics, REST, bounds, declared=declared), bounds))


def _with_rates(rows: Columns, bounds: Bounds) -> Columns:
    """Add the rate of each group with its interval; no number where no refused person's outcome is known."""
    by_rate = rows["effect_rate"]
    low, high = proportion_interval(rows["x"] / by_rate, rows["n"] / by_rate, confidence=bounds.confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = rows["hits"] / rows["trials"]
    return rows | {name: np.where(rows["blind"], np.nan, values) for name, values in (("value", value), ("low", low), ("high", high))}


def _with_effects(rows: Columns, metrics: Mapping[str, Metric], bounds: Bounds) -> Columns:
    """Add ratio, difference, shortfall and the ratio of refusals, with intervals; x, n, y, m become those of the ratio's test."""
    without = (rows["reference"] == IS_REFERENCE) | rows["blind"]
    more = more_is_better(rows["metric"])
    judged = np.array([metrics[name].judged for name in rows["metric"]], bool)
    x, n, y, m = (rows[name] for name in "xnym")
    by_ratio, by_gap, trials = (rows[name] for name in ("effect_ratio", "effect_difference", "trials"))
    a, b = (np.where(more, x, y), np.where(more, n, m)), (np.where(more, y, x), np.where(more, m, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        value, against = rows["hits"] / trials, rows["ref_hits"] / rows["ref_trials"]
        gain, floor = np.where(more, value, against), np.where(more, against, value)
        ratio, refusal = gain / floor, np.where(more, (1 - value) / (1 - against), np.nan)
    ratio_low, ratio_high = ratio_limits(_over(a, by_ratio), _over(b, by_ratio), judged, bounds.confidence)
    gap_low, gap_high = difference_interval(*_over(a, by_gap), *_over(b, by_gap), confidence=bounds.confidence)
    effects = {
        "ratio": ratio, "ratio_low": ratio_low, "ratio_high": ratio_high,
        "difference": gain - floor, "difference_low": gap_low, "difference_high": gap_high,
        "shortfall": trials * (floor - gain), "shortfall_low": -trials * gap_high, "shortfall_high": -trials * gap_low,
        "reference_value": against, "refusal_ratio": refusal, "expected_hits": trials * against,
    }  # fmt: skip
    divided = dict(zip("xnym", (side / by_ratio for side in (x, n, y, m)), strict=True))
    return rows | divided | {name: np.where(without, np.nan, values) for name, values in effects.items()}


def _over(side: tuple[Floats, Floats], effect: Floats) -> tuple[Floats, Floats]:
    """Divide hits and trials by a design effect."""
    return side[0] / effect, side[1] / effect


def ratio_limits(a: tuple[Floats, Floats], b: tuple[Floats, Floats], judged: NDArray[np.bool_], confidence: float) -> tuple[Floats, Floats]:
    """Return limits that agree with the test where there is a verdict (Gart & Nam), Koopman's elsewhere."""
    low, high = np.empty(len(judged)), np.empty(len(judged))
    for method, where in (("gart-nam", judged), ("koopman", ~judged)):
        sides = (a[0][where], a[1][where], b[0][where], b[1][where])
        low[where], high[where] = ratio_interval(*sides, confidence=confidence, method=method)
    return low, high


def with_declared(margin: Margin, declared: Mapping[str, Sequence[str]]) -> Margin:
    """Add a row without people for each declared level of a single attribute that nobody in the file holds."""
    absent = [(level,) for level in declared.get(margin.by[0], ()) if (level,) not in margin.keys] if len(margin.by) == 1 else []
    if not absent:
        return margin
    known = int(margin.known.sum())

    def extended(counts: Floats) -> Floats:
        return np.insert(counts, [known] * len(absent), 0.0, axis=0)

    keys = (*margin.keys[:known], *absent, *margin.keys[known:])
    return Margin(margin.by, keys, extended(margin.people), extended(margin.weight), extended(margin.weight_squared))


def _check_reference(reference: Reference, counts: Counts, sets: Sequence[Sequence[str]]) -> None:
    """Refuse a reference that speaks of nothing in the file."""
    wanted = dict(reference) if isinstance(reference, Mapping) else {} if reference in {REST, "best", "largest"} else {"": reference}
    for name, level in wanted.items():
        held = {key[0] for by in sets if len(by) == 1 and name in ("", by[0]) for key in counts.margin(tuple(by)).keys} - {UNKNOWN}
        if held and level not in held:
            near = nearest(level, [*held, "rest", "best", "largest"])
            raise EquiscoreError(
                f"No reference {level!r}{f' in {name!r}' if name else ''}. Fix: "
                + (f"did you mean {near!r}? " if near else "")
                + "Use rest, best, largest, or one of "
                f"{', '.join(sorted(held))}."
            )
