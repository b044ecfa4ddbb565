"""Outcomes seen only for the accepted: what a metric can be, whatever the refused would have done.

Per group, a1 = tp and a0 = fp are seen, R = ru refused are not; s of them would have had the good outcome, 0 <= s <= R. Likewise
t of the A = au accepted whose outcome is not seen, 0 <= t <= A; some refused may have been seen (fn, tn). A metric counts hits and
trials, so its extremes stand at the corners of the rectangle of (s, t): all unseen people of a kind take the outcome that helps, or
hurts, most. With fn = tn = A = 0 this gives TPR [a1/(a1+R), 1], FPR [a0/(a0+R), 1], base rate [a1, a1+R]/n, accuracy the same, NPV
[0, 1], F1 [2a1/(2a1+a0+R), 2a1/(2a1+a0)], PPV as seen (Manski 1989).

Two assumptions narrow it, each named wherever it is used. *monotone*: the unseen refused are, within group and stratum, no better
than the accepted that were seen, s <= R f, f = tp/(tp+fp) (Manski & Pepper 2000). *score*: good outcomes never fall with the
score, s <= sum over bins of R_b f_b, f the isotonic fit of good on the bins of the accepted, joined to at least 100 people and a fifth
of the group (a finer fit follows the last few people at its lower end, which is what counts); below the lowest of these its lowest
value, between two of them the upper one's, above all of them and without a score nothing is assumed.

Sampling error. Each end is a ratio of sums over people: its variance is linearised, f's own included, and it gets the score
interval of as many people as that variance is worth, n = p(1-p)/V. Without weights or assumption these are the plain counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.counts import Counts, Margin
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.intervals import proportion_interval, ratio_interval
from scoring.fairness.metrics import COMPOSITES, METRICS, Composite, Metric
from scoring.fairness.unobserved import judge_band
from scoring.fairness.unseen.selective_ends import ASSUMPTIONS, Assumption, Floats, Rated, ends_of, parts_of, rated
from scoring.vocabulary import UNKNOWN, Better, WeightMeaning

SELECTIVE: Final = [
    *("attribute", "group", "metric", "assumption", "observed", "unobserved", "lowest", "highest", "low", "high"),
    *("ratio_lowest", "ratio_highest", "ratio_low", "ratio_high", "p_exclusion", "p_within", "verdict", "reasons", "because"),
]
EVERY_METRIC: Final[tuple[Metric | Composite, ...]] = (*(metric for metric in METRICS.values() if metric.needs_outcome), COMPOSITES["f1"])


def selective_rows(
    counts: Counts, metrics: Sequence[Metric | Composite] | None = None, *, bounds: Bounds, assumption: Assumption = "none"
) -> pd.DataFrame:
    """Return between what values each metric lies, whatever the outcomes that were not seen, against the rest, for single attributes.

    Parameters
    ----------
    counts
        What the pass left, unfolded.
    metrics
        Metrics that need an outcome, and F1 (``COMPOSITES["f1"]``); by default all of them. Those marked `judged` get a verdict, each
        metric and assumption a family of its own; the others are described.
    bounds
        Tolerance, confidence, smallest group.
    assumption
        ``none``; or ``monotone``, ``score``: its rows come with those without it beside.

    Returns
    -------
    DataFrame
        Columns `SELECTIVE`. observed and unobserved are people with and without a known outcome; lowest and highest are the bounds,
        low and high the same with sampling error, likewise for the ratio to the rest ([low_g/high_r, high_g/low_r]; for a metric of
        which less is better the two are exchanged). A verdict is drawn from the whole band alone.

    Raises
    ------
    EquiscoreError
        An unknown assumption, one about a score that is not there, or balanced accuracy, which is no rate.
    """
    listed = [_as_rate(metric) for metric in metrics or EVERY_METRIC]
    listed = [metric for metric in listed if metric.needs_outcome]
    asked: list[Assumption] = ["none"] if assumption == "none" else ["none", assumption]
    parts = [_one(counts, (name,), listed, bounds, which) for name in counts.attributes for which in asked]
    return _judged(pd.concat(parts, ignore_index=True), bounds, clustered=counts.clustered)


def _as_rate(metric: Metric | Composite) -> Metric:
    """Return a metric as it is; F1 as the proportion J that it is a function of."""
    if isinstance(metric, Metric):
        return metric
    if metric.name != "f1":
        raise EquiscoreError(f"{metric.name} has no bounds of its own. Fix: ask for the rates that it is made of.")
    hits, trials = metric.parts[0]
    return Metric(metric.name, hits, trials, metric.better, metric.en, metric.fr, metric.source)


def _one(counts: Counts, by: tuple[str, ...], metrics: Sequence[Metric], bounds: Bounds, assumption: Assumption) -> pd.DataFrame:
    held = counts.margin(by)
    ends = ends_of(parts_of(counts, held, assumption), len(held.keys), metrics)
    exact = assumption == "none" and counts.weighted is not WeightMeaning.WEIGHT
    f1 = np.array([metric.name == "f1" for metric in metrics], bool)
    effect = _design_effect(counts, by, held, bounds)
    group, rest = (rated(side, f1=f1, exact=exact, design_effect=effect) for side in (ends, ends.others(held.known)))
    shape = group.rate.shape[:2]
    seen, unseen = held.people[:, :4].sum(1), held.people[:, 4:].sum(1)
    low, high = proportion_interval(group.x, group.n, confidence=bounds.confidence)
    columns = {
        "group": np.array([UNKNOWN if UNKNOWN in key else key[0] for key in held.keys], object)[:, None],
        "metric": np.array([metric.name for metric in metrics], object),
        "judged": np.array([metric.judged for metric in metrics]),
        "observed": seen[:, None], "unobserved": unseen[:, None],
        "lowest": group.rate[..., 0], "highest": group.rate[..., 1], "low": low[..., 0], "high": high[..., 1],
        "alone": ((held.people.sum(1) * held.known).sum() - held.people.sum(1) * held.known <= 0)[:, None],
        "outcome_never_seen": not seen.any(),
        "outcome_unseen_here": (seen == 0)[:, None],
        "outcome_unseen_there": ((seen * held.known).sum() - seen * held.known <= 0)[:, None],
        "small": (held.people.sum(1) < bounds.minimum_group)[:, None],
        "not_of_the_best": _behind(group.rate, held, metrics, bounds),
        **_ratios(group, rest, metrics, bounds, binomial=exact and not counts.clustered),
    }  # fmt: skip
    rows = pd.DataFrame({name: np.broadcast_to(values, shape).ravel() for name, values in columns.items()})
    return rows.assign(attribute=by[0], assumption=assumption)


def _design_effect(counts: Counts, by: tuple[str, ...], held: Margin, bounds: Bounds) -> Floats | float:
    """Return how much clusters widen the ratio of selection rates of each group, taken for the other metrics as well; none below 1."""
    if not counts.clustered:
        return 1.0
    found = counts.design_effects(by, [METRICS["selection_rate"]], bounds.tolerance, rest=True)
    effects = found[found["metric"] == "selection_rate"].set_index("group")["effect_ratio"]
    labels = [UNKNOWN if UNKNOWN in key else key[0] for key in held.keys]
    return np.maximum(effects.reindex(labels).fillna(1.0).to_numpy(float), 1.0)[:, None, None]


def _ratios(group: Rated, rest: Rated, metrics: Sequence[Metric], bounds: Bounds, *, binomial: bool) -> dict[str, Floats]:
    """Return the band of ratios to the rest with limits, and the tests of its ends against the tolerance."""
    more = np.array([metric.better is Better.MORE for metric in metrics], bool)
    found: dict[str, Floats] = {}
    for upper, name, p in ((False, "low", "p_within"), (True, "high", "p_exclusion")):
        first, second = ([part[..., int(upper)] for part in group], [part[..., int(not upper)] for part in rest])
        flipped = [part[..., int(upper)] for part in rest], [part[..., int(not upper)] for part in group]
        a, b = ([np.where(more, *pair) for pair in zip(*sides, strict=True)] for sides in ((first, flipped[0]), (second, flipped[1])))
        with np.errstate(divide="ignore", invalid="ignore"):
            found[f"ratio_{name}est"] = a[0] / b[0]
        sides = np.round(a[1], 9), np.round(a[2], 9), np.round(b[1], 9), np.round(b[2], 9)
        found[f"ratio_{name}"] = ratio_interval(*sides, confidence=bounds.confidence, method="gart-nam")[int(upper)]
        found[p] = getattr(ratio_test(*sides, tolerance=bounds.tolerance, exact=binomial), p)
    return _widest(found)


def _widest(found: dict[str, Floats]) -> dict[str, Floats]:
    """Fill an end that is 0/0 with the widest value, unless the other is too: then there is no ratio at all."""
    low, high = np.isnan(found["ratio_lowest"]), np.isnan(found["ratio_highest"])
    for name, empty, other, value in (("low", low, high, 0.0), ("high", high, low, np.inf)):
        for end in (f"ratio_{name}", f"ratio_{name}est"):
            found[end] = np.where(np.isnan(found[end]) & empty & ~other, value, found[end])
    found["p_within"] = np.where(low & ~high, 1.0, found["p_within"])
    found["p_exclusion"] = np.where(high & ~low, 1.0, found["p_exclusion"])
    return found


def _behind(rate: Floats, held: Margin, metrics: Sequence[Metric], bounds: Bounds) -> NDArray[np.bool_]:
    """Tell which groups could be behind the best-off one by more than the tolerance, among groups large enough to be it."""
    people = held.people.sum(1)
    eligible = held.known & (people >= bounds.best_share * people[held.known].sum())
    more = np.array([metric.better is Better.MORE for metric in metrics], bool)
    best = np.fmax.reduce(np.where(eligible[:, None], rate[..., 1], np.nan), axis=0, keepdims=True)
    least = np.fmin.reduce(np.where(eligible[:, None], rate[..., 0], np.nan), axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(more, rate[..., 0] / best, least / rate[..., 1]) < bounds.tolerance)


def _judged(rows: pd.DataFrame, bounds: Bounds, *, clustered: bool) -> pd.DataFrame:
    """Add verdict and reasons; where an assumption alone gives a verdict, it says so."""
    mask = {name: rows[name].to_numpy(bool) for name in ("outcome_never_seen", "alone", "outcome_unseen_here", "outcome_unseen_there")}
    earlier = np.cumsum(np.stack(list(mask.values())), axis=0) - np.stack(list(mask.values()))
    obstacles = {name: here & (before == 0) for (name, here), before in zip(mask.items(), earlier, strict=True)}
    obstacles["nobody_hit"] = ~np.logical_or.reduce(list(mask.values())) & (rows["ratio_lowest"].isna() & rows["ratio_highest"].isna()).to_numpy()
    objections = {name: rows[name].to_numpy(bool) for name in ("small", "not_of_the_best")}
    notes = {f"assumed_{name}": (rows["assumption"] == name).to_numpy() for name in ASSUMPTIONS[1:]}
    notes["clusters"] = np.full(len(rows), clustered)
    judged = judge_band(rows, bounds, family=["metric", "assumption"], obstacles=obstacles, objections=objections, notes=notes)
    return judged[SELECTIVE]
