"""Measures that are no binomial proportions, and the score limits that they and every rate share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError, nearest
from scoring.fairness.bootstrap import FEWEST, REPLICATES, acceleration, bca_limits
from scoring.fairness.effective import effective_size
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.metrics import COMPOSITES, STATES, Composite, Metric, shares, unobserved_refused

Floats = NDArray[np.float64]
ROWS = ["attribute", "group", "metric", "hits", "trials", "value", "low", "high", "method"]


class Estimate(NamedTuple):
    """A measure and its limits, arrays (...)."""

    value: Floats
    low: Floats
    high: Floats
    least: Floats
    """The smallest count of hits or misses that it is made of."""


def effective_counts(weight: Floats, weight_squared: Floats | None, hits: Iterable[str], trials: Iterable[str]) -> tuple[Floats, Floats]:
    """Return hits and trials of a proportion over states (..., 6), as few as the weights make them worth.

    Without squares a weight counts people; with them it is linearised (`effective.effective_size`).

    Examples
    --------
    >>> one = np.array([30.0, 0, 70, 0, 0, 0])
    >>> hits, trials = effective_counts(2 * one, 4 * one, ("tp",), ("tp", "fn"))
    >>> float(hits.round(6)), float(trials.round(6))
    (30.0, 100.0)
    """
    numerator, other = _marks(hits), _marks(set(trials) - set(hits))
    x, misses = np.asarray(weight @ numerator), np.asarray(weight @ other)
    if weight_squared is None:
        return x, np.asarray(x + misses)
    x2, misses2 = weight_squared @ numerator, weight_squared @ other
    return effective_size(x, misses, np.asarray(x2), np.asarray(misses2))


def _marks(states: Iterable[str]) -> Floats:
    marked = set(states)
    return np.array([float(state in marked) for state in STATES])


def score_estimate(measure: Metric | Composite, weight: ArrayLike, weight_squared: ArrayLike | None = None, *, confidence: float = 0.95) -> Estimate:
    """Return a measure of counts (..., 6 states) with score limits, which hold at 0 and at all of n as well.

    A proportion: Wilson. F1: Wilson of J = tp/(tp+fp+fn), mapped by 2J/(1+J). The mean of two proportions of different people:
    the root of the summed squares of what their Wilson limits are away (Newcombe 1998, method 10).

    Examples
    --------
    >>> found = score_estimate(COMPOSITES["f1"], [[30.0, 10, 10, 50, 0, 0]])
    >>> [round(float(part[0]), 4) for part in found[:3]]
    [0.75, 0.6318, 0.8399]
    """
    counts, squares = np.asarray(weight, np.float64), None if weight_squared is None else np.asarray(weight_squared, np.float64)
    parts = measure.parts if isinstance(measure, Composite) else ((measure.hits, measure.trials),)
    found = [effective_counts(counts, squares, *part) for part in parts]
    limits = [proportion_interval(x, n, confidence=confidence) for x, n in found]
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = [x / n for x, n in found]
    least = np.minimum.reduce([np.minimum(x, n - x) for x, n in found])
    if not isinstance(measure, Composite):
        return Estimate(rates[0], *limits[0], least)
    value = measure.combine(*rates)
    if len(parts) == 1:
        return Estimate(value, measure.combine(limits[0][0]), measure.combine(limits[0][1]), least)
    below, above = (np.sqrt(sum((rate - limit[side]) ** 2 for rate, limit in zip(rates, limits, strict=True))) / len(parts) for side in (0, 1))
    return Estimate(value, np.maximum(value - below, 0.0), np.minimum(value + above, 1.0), least)


def influence(measure: Metric | Composite, counts: Floats) -> Floats:
    """Return what one more person in each state adds to a measure of counts (..., 6 states), to the first order; 0 where there is no measure.

    Examples
    --------
    >>> from scoring.fairness.metrics import METRICS
    >>> influence(METRICS["true_positive_rate"], np.array([30.0, 0, 70, 0, 0, 0])).round(4).tolist()
    [0.007, 0.0, -0.003, 0.0, 0.0, 0.0]
    """
    parts = measure.parts if isinstance(measure, Composite) else ((measure.hits, measure.trials),)
    rates, step = shares(counts, parts), 1e-6
    total = np.zeros_like(counts)
    for i, (hits, trials) in enumerate(parts):
        slope: Floats = np.ones(1)
        if isinstance(measure, Composite):
            up, down = (measure.combine(*[rate + (j == i) * shift for j, rate in enumerate(rates)]) for shift in (step, -step))
            slope = (up - down)[..., None] / (2 * step)
        with np.errstate(divide="ignore", invalid="ignore"):
            total = total + slope * (_marks(hits) - rates[i][..., None] * _marks(trials)) / (counts @ _marks(trials))[..., None]
    return np.nan_to_num(total, nan=0.0, posinf=0.0, neginf=0.0)


def composite_rows(
    weight: ArrayLike,
    weight_squared: ArrayLike | None = None,
    *,
    attribute: str,
    groups: Sequence[str],
    names: Iterable[str] | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
    replicates: int = REPLICATES,
) -> pd.DataFrame:
    """Return the rows of `rates()` for F1 and balanced accuracy, with one more column: by which method the limits are.

    Parameters
    ----------
    weight
        Counts, or sums of weights, of each group (groups, 6 states), such as `Margin.weight`.
    weight_squared
        Sums of squared weights, where a weight is no count of people; intervals are then linearised.
    attribute, groups
        What stands in the rows, `groups` in the order of `weight`.
    names
        Of `COMPOSITES`; by default all.
    confidence
        Of each interval by itself.
    rng
        For the bootstrap of balanced accuracy, where no count under it is below 5 and rows are unweighted; without one, and
        elsewhere, score limits.
    replicates
        Of the bootstrap.

    Returns
    -------
    DataFrame
        attribute, group, metric, hits, trials, value, low, high, method (``jaccard``, ``bca`` or ``square-and-add``). Hits and trials are
        those of J for F1 (J = tp/(tp+fp+fn)) and nan for a mean. No number where no refused person's outcome is known.

    Raises
    ------
    EquiscoreError
        A name that is not in `COMPOSITES`.

    Examples
    --------
    >>> composite_rows([[30.0, 10, 10, 50, 0, 0]], attribute="sex", groups=["F"], names=["f1"])["value"].round(9).tolist()
    [0.75]
    """
    counts = np.asarray(weight, np.float64)
    squares = None if weight_squared is None else np.asarray(weight_squared, np.float64)
    blind = unobserved_refused(counts)
    parts = []
    for measure in [_composite(name) for name in (COMPOSITES if names is None else names)]:
        found = score_estimate(measure, counts, squares, confidence=confidence)
        method = np.full(len(counts), "jaccard" if len(measure.parts) == 1 else "square-and-add", object)
        low, high = found.low.copy(), found.high.copy()
        if len(measure.parts) > 1 and rng is not None and squares is None and (enough := found.least >= FEWEST).any():
            low[enough], high[enough] = _bca_by_group(counts[enough], measure, confidence, replicates, rng)
            method[enough] = "bca"
        hits, trials = (counts @ _marks(measure.parts[0][side]) if len(measure.parts) == 1 else np.full(len(counts), np.nan) for side in (0, 1))
        numbers = {
            "hits": hits,
            "trials": trials,
            **{k: np.where(blind, np.nan, v) for k, v in (("value", found.value), ("low", low), ("high", high))},
        }
        parts.append(pd.DataFrame({"attribute": attribute, "group": list(groups), "metric": measure.name, **numbers, "method": method}))
    return pd.concat(parts, ignore_index=True)[ROWS] if parts else pd.DataFrame(columns=ROWS)


def _composite(name: str) -> Composite:
    if name not in COMPOSITES:
        near = nearest(name, COMPOSITES)
        raise EquiscoreError(f"No composite measure {name!r}. Fix: " + (f"did you mean {near!r}?" if near else f"use {' or '.join(COMPOSITES)}."))
    return COMPOSITES[name]


def _bca_by_group(counts: Floats, measure: Composite, confidence: float, replicates: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return BCa limits of each group, redrawn within the group: all groups in one draw."""
    total = counts.sum(1)
    drawn = rng.multinomial(np.round(total).astype(np.int64), counts / total[:, None], size=(replicates, len(counts)))
    accelerated = acceleration(counts, lambda n: measure.value(n)[..., None])[..., 0]
    return bca_limits(measure.value(drawn.astype(np.float64)), measure.value(counts), accelerated, confidence=confidence)
