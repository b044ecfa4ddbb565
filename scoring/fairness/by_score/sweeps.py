"""Every cut-off of a score at once: rates of each group and ratios to the rest, with intervals, from the cumulated histogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError, StudyError
from scoring.fairness.bins import NO_SCORE
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import Side, measured
from scoring.fairness.intervals import proportion_interval, ratio_interval
from scoring.fairness.metrics import STATES, Metric, chosen, more_is_better, unobserved_refused
from scoring.fairness.restricted import Floats
from scoring.vocabulary import UNKNOWN, WeightMeaning

SWEPT: Final = ("selection_rate", "true_positive_rate", "false_positive_rate")
COLUMNS: Final = ["attribute", "group", "cutoff", "metric", "hits", "trials", "value", "low", "high", "ratio", "ratio_low", "ratio_high"]


class Sweep(NamedTuple):
    """Rates and ratios to the rest: arrays (groups, cut-offs, metrics)."""

    hits: Floats
    trials: Floats
    value: Floats
    low: Floats
    high: Floats
    ratio: Floats
    ratio_low: Floats
    ratio_high: Floats


class Effects(NamedTuple):
    """Design effects of clusters on rates and on ratios: arrays (groups, 1, metrics), nan where they are not known."""

    rate: Floats
    ratio: Floats


def threshold_sweep(
    counts: Counts, attribute: str, metrics: Sequence[str] = SWEPT, *, bounds: Bounds, cutoffs: ArrayLike | None = None
) -> pd.DataFrame:
    """Return rates of each group of an attribute at every cut-off, and ratios to the rest.

    At or above a cut-off is favourable; who has no score keeps the decision they have, as in `whatif.at_edge`. A ratio below 1 means
    that the group gets less of what is good for the person.

    Parameters
    ----------
    counts
        What the pass left, with a score.
    attribute
        One protected attribute: the histogram is kept for each alone.
    metrics
        Names in the table of metrics.
    bounds
        Confidence of the intervals.
    cutoffs
        Scores in the better direction; by default every edge of the bins. Where the bins are not the values of the score, edges only.

    Returns
    -------
    DataFrame
        A row per group, cut-off and metric, and no two with the same three: attribute, group, cutoff, metric, hits, trials, value
        with Wilson's low and high, ratio with Koopman's ratio_low and ratio_high.

    Raises
    ------
    StudyError
        No score, or no such attribute.
    EquiscoreError
        A cut-off within a bin, or a metric that is not in the table.
    """
    if attribute not in counts.attributes:
        raise StudyError(f"No attribute {attribute!r}. Fix: use one of {', '.join(counts.attributes)}.")
    if not len(counts.edges):
        raise StudyError("These counts have no score. Fix: declare a score, or train one.")
    listed = chosen(metrics, outcome=True)
    asked = counts.edges if cutoffs is None else np.unique(np.asarray(cutoffs, dtype=np.float64))
    keys = [key[0] for key in counts.margin((attribute,)).keys]
    own = _decided(counts, attribute, keys, _places(counts, asked))
    known = np.array([key != UNKNOWN for key in keys])
    others = known & ~np.eye(len(keys), dtype=bool)
    rest = Side(*(np.tensordot(others.astype(float), side, 1) for side in (own.weight, own.weight_squared)))
    found = sweep_arrays(own, rest, listed, confidence=bounds.confidence, weighted=counts.weighted, effects=_effects(counts, attribute, keys, listed))
    return _long(found, attribute, keys, asked, listed)


def _long(found: Sweep, attribute: str, keys: Sequence[str], cutoffs: Floats, metrics: Sequence[Metric]) -> pd.DataFrame:
    shape = len(keys), len(cutoffs), len(metrics)
    group, cutoff, metric = (axis.ravel() for axis in np.indices(shape))
    names = np.array([metric.name for metric in metrics], object)
    placed = {"attribute": attribute, "group": np.array(keys, object)[group], "cutoff": cutoffs[cutoff], "metric": names[metric]}
    return pd.DataFrame(placed | {name: getattr(found, name).ravel() for name in Sweep._fields})[COLUMNS]


def sweep_arrays(
    own: Side,
    rest: Side,
    metrics: Sequence[Metric],
    *,
    confidence: float = 0.95,
    weighted: WeightMeaning | None = None,
    effects: Effects | None = None,
) -> Sweep:
    """Return rates with Wilson's interval and ratios to the rest with Koopman's, of counts by state.

    Parameters
    ----------
    own, rest : Side
        Sums of weights and of squared weights, arrays (groups, cut-offs, 6 states).
    metrics : sequence of Metric
        Rows of the table of metrics.
    confidence : float
        Coverage of the intervals.
    weighted : WeightMeaning, optional
        What a weight means; for sampling weights the counts of the intervals are linearised.
    effects : Effects, optional
        Design effects of clusters, by which these counts are divided.

    Examples
    --------
    >>> counts = np.array([[[0, 0, 0, 0, 30.0, 70.0]], [[0, 0, 0, 0, 50.0, 50.0]]])
    >>> found = sweep_arrays(Side(counts, counts), Side(counts[::-1], counts[::-1]), chosen(["selection_rate"], outcome=False))
    >>> found.ratio.ravel(), found.ratio_low.ravel().round(3)
    (array([0.6       , 1.66666667]), array([0.417, 1.174]))
    """
    hits, trials, x, n = measured(own, metrics, weighted)
    ref_hits, ref_trials, y, m = measured(rest, metrics, weighted)
    blind = _blind(own, metrics) | _blind(rest, metrics)
    known = Effects(np.ones(1), np.ones(1)) if effects is None else effects
    by_rate, by_ratio = (np.where(np.isnan(effect), 1.0, effect) for effect in known)
    low, high = proportion_interval(x / by_rate, n / by_rate, confidence=confidence)
    a, b, c, d = (side / by_ratio for side in _turned((x, n, y, m), metrics))
    ratio_low, ratio_high = ratio_interval(a, b, c, d, confidence=confidence)
    gain, gains, floor, floors = _turned((hits, trials, ref_hits, ref_trials), metrics)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, ratio = hits / trials, (gain / gains) / (floor / floors)
    shown = {"value": value, "ratio": ratio}
    shown |= {"low": low + 0 * known.rate, "high": high + 0 * known.rate}
    shown |= {"ratio_low": ratio_low + 0 * known.ratio, "ratio_high": ratio_high + 0 * known.ratio}
    return Sweep(hits, trials, **{name: np.where(blind, np.nan, values) for name, values in shown.items()})


def _turned(sides: tuple[Floats, Floats, Floats, Floats], metrics: Sequence[Metric]) -> tuple[Floats, Floats, Floats, Floats]:
    """Exchange group and rest for metrics of which less is better, so that a ratio below 1 is always the group's loss."""
    x, n, y, m = sides
    more = more_is_better(metric.name for metric in metrics)
    return np.where(more, x, y), np.where(more, n, m), np.where(more, y, x), np.where(more, m, n)


def _blind(side: Side, metrics: Sequence[Metric]) -> NDArray[np.bool_]:
    """Tell where a rate needs the outcomes of the refused and none of them was observed."""
    return np.asarray(unobserved_refused(side.weight)[..., None] & np.array([metric.needs_refused for metric in metrics]))


def _places(counts: Counts, cutoffs: Floats) -> NDArray[np.int64]:
    """Return how many bins lie wholly under each cut-off."""
    places = np.searchsorted(counts.edges, cutoffs)
    if not counts.exact and not np.isin(cutoffs, counts.edges).all():
        wrong = cutoffs[~np.isin(cutoffs, counts.edges)][0]
        near = counts.edges[np.argmin(np.abs(counts.edges - wrong))]
        raise EquiscoreError(f"cutoffs: {wrong:g} lies within a bin of the score. Fix: use an edge; the nearest is {near!r}.")
    return places + 1


def _decided(counts: Counts, attribute: str, keys: Sequence[str], places: NDArray[np.int64]) -> Side:
    """Return the counts by state at each cut-off: bins under it are refused, the others favoured."""
    rows = counts.histogram[counts.histogram["attribute"] == attribute]
    numbers = {key: i for i, key in enumerate(keys)}
    group, outcome = rows["group"].map(numbers).to_numpy(np.int64), np.array([1, 0, 2])[rows["outcome"].to_numpy(np.int64)]
    bins = rows["bin"].to_numpy(np.int64)
    # before the bins stand those without a score: refused at 0, favoured after all bins, where no cut-off reaches
    kept = np.where(rows["decision"].to_numpy() == 1, len(counts.edges) + 2, 0)
    shape = 3, len(keys), len(counts.edges) + 3
    place = np.ravel_multi_index((outcome, group, np.where(bins == NO_SCORE, kept, bins + 1)), shape)

    def stated(column: str) -> Floats:
        held = np.bincount(place, rows[column].to_numpy(float), minlength=int(np.prod(shape))).astype(float).reshape(shape)
        under = np.cumsum(held, -1)[..., places]
        over = np.cumsum(held[..., ::-1], -1)[..., ::-1][..., places + 1]
        by_state = {"tp": over[0], "fp": over[1], "fn": under[0], "tn": under[1], "au": over[2], "ru": under[2]}
        return np.stack([by_state[state] for state in STATES], -1)

    weight = stated("weight")
    return Side(weight, stated("weight_squared") if counts.weighted is WeightMeaning.WEIGHT else weight)


def _effects(counts: Counts, attribute: str, keys: Sequence[str], metrics: Sequence[Metric]) -> Effects | None:
    """Carry design effects over to every cut-off, none below 1: the histogram does not know who belongs together."""
    if not counts.clustered:
        return None
    found = counts.design_effects((attribute,), metrics, 0.8, rest=True)
    wanted = pd.MultiIndex.from_product([list(keys), [metric.name for metric in metrics]], names=["group", "metric"])
    wide = found.set_index(["group", "metric"]).reindex(wanted)
    rate, ratio = (wide[kind].to_numpy(float).clip(1.0).reshape(len(keys), 1, -1) for kind in ("effect_rate", "effect_ratio"))
    return Effects(rate, ratio)
