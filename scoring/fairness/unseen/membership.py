"""Groups that nobody is asked for: what probabilities of membership allow to be said, and what they do not.

The weighted rate p_W(a) = sum r yhat / sum r differs from the true one by -E[Cov(1_a, yhat | Z)]/P(a) (Chen et al. 2019), which
no data without the group can give. Members who do worse than their neighbours in the same cell, the usual harm, make it too
favourable. What can be given are sharp bounds over every way in which the members may be spread within each cell (`sharp_bounds`);
the weighted rate never stands without them. Stated assumption: P(A|Z) of the outside source holds among the people of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scoring.bounds import Bounds
from scoring.fairness.intervals import proportion_interval, ratio_interval
from scoring.fairness.metrics import Metric, more_is_better, vectors
from scoring.fairness.unobserved import judge_band
from scoring.fairness.unseen.sharp_bounds import Band, BandInterval, bound_interval, bounds_of, sharp_bounds
from scoring.fairness.unseen.soft_sums import Sums, merged, sums_of

__all__ = [
    "MEMBERSHIPS",
    "Sums",
    "Weighted",
    "bound_interval",
    "bounds_of",
    "largest_bias",
    "membership_rows",
    "merged",
    "sharp_bounds",
    "sums_of",
    "weighted_rates",
]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Weighted(NamedTuple):
    """Weighted estimates with standard errors, arrays (levels, metrics); ratio and difference below 1 and 0 mean less of what is good."""

    value: Floats
    value_se: Floats
    reference: Floats
    difference: Floats
    difference_se: Floats
    ratio: Floats
    log_ratio_se: Floats
    value_size: Floats
    """Kish's number of members in the denominator, (sum w r)^2 / sum (w r)^2: the size of the sample where a rate is 0 or 1."""
    reference_size: Floats


def weighted_rates(sums: Sums, metrics: Sequence[Metric]) -> Weighted:
    """Return the weighted estimate of each level and of its rest, difference and ratio, with linearised standard errors.

    One person counts on both sides, r as a member and 1 - r as one of the rest: the influence on the difference is
    u = r(yhat - p_a)/sum r - (1 - r)(yhat - p_b)/sum(1 - r), among the metric's denominator, and V = sum u^2. Two samples taken for
    independent would be too unsure of it. The error of the estimate itself (see the top of this file) is no part of V.

    References
    ----------
    Chen, Kallus, Mao, Svacha & Udell 2019, FAT* (weighted estimator); Binder 1983, *Int. Stat. Rev.* 51:279 (linearisation).

    Examples
    --------
    >>> hard = np.zeros((1, 2, 6)); hard[0, 0, [0, 3]] = [30, 70]; hard[0, 1, [0, 3]] = [50, 50]
    >>> member = hard * np.array([1, 0])[None, :, None]
    >>> from scoring.fairness.metrics import METRICS
    >>> found = weighted_rates(Sums(hard, hard, hard, member, member, member, member), [METRICS["selection_rate"]])
    >>> found.value.tolist(), found.reference.tolist(), found.ratio.round(6).tolist()
    ([[0.3]], [[0.5]], [[0.6]])
    """
    hit, trial = vectors(metrics)
    more = more_is_better(metric.name for metric in metrics)
    both, cross = sums.r_squared.sum(1), (sums.r_mixed - sums.r_squared).sum(1)
    other = np.maximum((sums.weight_squared - 2 * sums.r_mixed + sums.r_squared).sum(1), 0.0)
    inside, outside = sums.r.sum(1), np.maximum((sums.weight - sums.r).sum(1), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        (p, own), (q, others) = _influence(inside, hit, trial), _influence(outside, hit, trial)

        def spread(first: Floats, second: Floats) -> Floats:
            """Return sum u^2 for u = r first - (1 - r) second."""
            squares = both[:, :, None] * first**2 - 2 * cross[:, :, None] * first * second + other[:, :, None] * second**2
            return np.sqrt(np.maximum(squares.sum(1), 0.0))

        nothing = np.zeros_like(own)
        gap, ratio = np.where(more, p - q, q - p), np.where(more, p / q, q / p)
        relative = spread(own / p[:, None, :], others / q[:, None, :])
        sizes = (inside @ trial) ** 2 / (both @ trial), (outside @ trial) ** 2 / (other @ trial)
        return Weighted(p, spread(own, nothing), q, gap, spread(own, others), ratio, np.where((p > 0) & (q > 0), relative, np.nan), *sizes)


def _influence(members: Floats, hit: Floats, trial: Floats) -> tuple[Floats, Floats]:
    """Return rates (levels, metrics) of members (levels, 6), and the influence of a unit in each state (levels, 6, metrics)."""
    trials = members @ trial
    rate = (members @ hit) / trials
    return rate, (hit[None] - rate[:, None, :] * trial[None]) / trials[:, None, :]


def largest_bias(value: ArrayLike, lowest: ArrayLike, highest: ArrayLike) -> Floats:
    """Return how far the weighted estimate may be off at most, as the bounds imply; its true bias cannot be estimated.

    >>> float(largest_bias(0.5, 0.2, 0.6))
    0.3
    """
    value, lowest, highest = (np.asarray(part, np.float64) for part in (value, lowest, highest))
    return np.asarray(np.maximum(np.abs(value - lowest), np.abs(highest - value)))


SHOWN_BIAS: Final = 0.0005
"""A bias that shows in a rate written to a tenth of a percent."""
MEMBERSHIPS: Final = [
    *("attribute", "group", "metric", "people", "cells", "value", "low", "high", "value_lowest", "value_highest", "reference_value"),
    *("ratio", "ratio_low", "ratio_high", "ratio_lowest", "ratio_highest", "ratio_lowest_low", "ratio_highest_high"),
    *("difference", "difference_low", "difference_high", "difference_lowest", "difference_highest"),
    *("difference_lowest_low", "difference_highest_high", "largest_bias", "p_exclusion", "p_within", "verdict", "reasons", "because"),
]


def membership_rows(
    soft: pd.DataFrame, metrics: Sequence[Metric], *, bounds: Bounds, rng: np.random.Generator, design_effect: float = 1.0
) -> pd.DataFrame:
    """Return each level known by probability against its rest: the weighted estimate, its sharp bounds, and what these allow to be said.

    Parameters
    ----------
    soft
        Of `soft_counts.count_soft`; one attribute or several.
    metrics
        Those marked `judged` get a verdict, each metric a family of its own; the others are described.
    bounds
        Tolerance, confidence, smallest group.
    rng
        Of the redrawn bounds.
    design_effect
        By how much clusters widen variances. The mean size of a person's cluster is an upper bound of it (Kish 1965).

    Returns
    -------
    DataFrame
        Columns `MEMBERSHIPS`. people is the expected number of members; value and ratio with _low and _high are weighted estimates
        with limits that do not know the estimate's bias; _lowest and _highest are the sharp bounds, _lowest_low and _highest_high
        the same with sampling error. A verdict is drawn from the whole band alone.
    """
    parts = [_attribute(str(name), rows, metrics, bounds, rng, design_effect) for name, rows in soft.groupby("attribute", sort=False)]
    rows = pd.concat(parts, ignore_index=True)
    obstacles = {code: rows[code].to_numpy(bool) for code in ("everybody", "nobody_known", "outcome_never_seen", "blind", "nobody_hit")}
    objections = {code: rows[code].to_numpy(bool) for code in ("small", "unobserved", "refusals", "not_of_the_best")}
    notes = {"bias": (rows["largest_bias"] > SHOWN_BIAS).to_numpy(), "clusters": np.full(len(rows), design_effect > 1)}
    return judge_band(rows, bounds, family=["metric"], obstacles=_first(obstacles), objections=objections, notes=notes)[MEMBERSHIPS]


def _first(obstacles: Mapping[str, Mask]) -> dict[str, Mask]:
    """Keep for each row the first reason why there is no answer."""
    before = np.cumsum(np.stack(list(obstacles.values())), axis=0) - 1
    return {code: mask & (earlier == 0) for (code, mask), earlier in zip(obstacles.items(), before, strict=True)}


def _attribute(  # noqa: PLR0917
    name: str, soft: pd.DataFrame, metrics: Sequence[Metric], bounds: Bounds, rng: np.random.Generator, design_effect: float
) -> pd.DataFrame:
    """Return the rows of one attribute, and by code what stands in the way of a verdict."""
    levels, sums = sums_of(soft)
    cells = merged(sums)
    found = bounds_of(cells, metrics)
    limits = bound_interval(cells, metrics, rng, tolerance=bounds.tolerance, alpha=bounds.alpha, design_effect=design_effect)
    estimate = weighted_rates(sums, metrics)
    shape = estimate.value.shape
    columns: dict[str, NDArray[Any]] = {
        "group": np.broadcast_to(np.array(levels, object)[:, None], shape),
        "metric": np.broadcast_to(np.array([metric.name for metric in metrics], object), shape),
        "judged": np.broadcast_to([metric.judged for metric in metrics], shape),
        "people": np.broadcast_to(sums.expected.sum((1, 2))[:, None], shape),
        "cells": np.broadcast_to((cells.n.sum(2) > 0).sum(1)[:, None], shape),
        **_estimated(estimate, metrics, bounds.confidence, design_effect),
        **found._asdict(),
        **_with_sampling_error(limits),
        "largest_bias": largest_bias(estimate.value, found.value_lowest, found.value_highest),
        **_in_the_way(sums, estimate, found, metrics, bounds),
    }
    return pd.DataFrame({column: np.ravel(values) for column, values in columns.items()}).assign(attribute=name)


def _with_sampling_error(limits: BandInterval) -> dict[str, Floats]:
    ends = {f"{of}_lowest_low": getattr(limits.low, f"{of}_lowest") for of in ("ratio", "difference")}
    ends |= {f"{of}_highest_high": getattr(limits.high, f"{of}_highest") for of in ("ratio", "difference")}
    return ends | {"p_exclusion": limits.p_exclusion, "p_within": limits.p_within}


def _estimated(found: Weighted, metrics: Sequence[Metric], confidence: float, design_effect: float) -> dict[str, Floats]:
    """Return the weighted estimates with limits: of a rate Wilson at its effective size, of a difference by delta, of a ratio on the logarithm."""
    z, wider = float(special.ndtri((1 + confidence) / 2)), np.sqrt(design_effect)
    more = more_is_better(metric.name for metric in metrics)
    own = _effective(found.value, found.value_se * wider, found.value_size / design_effect)
    low, high = proportion_interval(*own, confidence=confidence)
    with np.errstate(over="ignore", invalid="ignore"):
        factor = np.exp(z * wider * found.log_ratio_se)
        ratio_low, ratio_high = found.ratio / factor, found.ratio * factor
    rest = _effective(found.reference, np.full_like(found.value, np.nan), found.reference_size / design_effect)
    first, second = ([np.where(more, *pair) for pair in zip(*sides, strict=True)] for sides in ((own, rest), (rest, own)))
    score_low, score_high = ratio_interval(*first, *second, confidence=confidence)
    edge = np.isnan(found.log_ratio_se)
    half = z * wider * found.difference_se
    return {
        "value": found.value, "low": low, "high": high, "reference_value": found.reference,
        "ratio": found.ratio, "ratio_low": np.where(edge, score_low, ratio_low), "ratio_high": np.where(edge, score_high, ratio_high),
        "difference": found.difference, "difference_low": found.difference - half, "difference_high": found.difference + half,
    }  # fmt: skip


def _effective(rate: Floats, se: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Return hits and trials that a rate with that standard error is worth: n = p(1-p)/se^2, Kish's size where that is not defined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where((rate > 0) & (rate < 1) & (se > 0), rate * (1 - rate) / se**2, size)
    n = np.where(np.isfinite(n) & ~np.isnan(rate), n, 0.0)
    return np.where(n > 0, np.nan_to_num(rate) * n, 0.0), n


def _in_the_way(sums: Sums, estimate: Weighted, found: Band, metrics: Sequence[Metric], bounds: Bounds) -> dict[str, Mask]:
    """Return by code what stands in the way of any verdict, or of the reassuring one."""
    weight, people = sums.weight[0].sum(0), sums.expected.sum((1, 2))[:, None]
    seen, refused_seen, refused_unseen = weight[:4].sum(), weight[2:4].sum(), weight[5]
    outcome = np.array([metric.needs_outcome for metric in metrics])
    refused = np.array([metric.needs_refused for metric in metrics])
    more = more_is_better(metric.name for metric in metrics)
    share = people / max(sums.n[0].sum(), 1.0)
    best = np.where(share >= bounds.best_share, found.value_highest, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest_highest = np.where(more, found.value_lowest - found.difference_lowest, np.nan)
        refusals = more & ((1 - found.value_lowest) / (1 - rest_highest) > bounds.refusal_tolerance)
        behind = more & (found.value_lowest / np.fmax.reduce(best, axis=0, keepdims=True) < bounds.tolerance)
    shape = estimate.value.shape
    return {
        "everybody": np.broadcast_to(people >= sums.n[0].sum() * (1 - 1e-9), shape),
        "nobody_known": np.broadcast_to(people <= 0, shape),
        "outcome_never_seen": np.broadcast_to(outcome & (seen == 0), shape),
        "blind": np.broadcast_to(refused & (refused_seen == 0) & (refused_unseen > 0), shape),
        "nobody_hit": np.isnan(found.ratio_highest),
        "small": np.broadcast_to(people < bounds.minimum_group, shape),
        "unobserved": np.broadcast_to(refused & (refused_unseen > 0), shape),
        "refusals": refusals,
        "not_of_the_best": behind,
    }
