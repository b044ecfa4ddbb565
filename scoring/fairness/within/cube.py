"""Counts of one attribute by group, stratum and state, and the two sides of each comparison: what conditional figures start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from scoring.fairness.clusters import Clusters
from scoring.fairness.counts import Counts, Margin, places, rank_of
from scoring.fairness.disparity import Side, measured, rest_of
from scoring.fairness.metrics import STATES, Metric, more_is_better, unobserved_refused, vectors
from scoring.fairness.one_pass import STRATUM
from scoring.vocabulary import CROSS, UNKNOWN, WeightMeaning

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SideCounts:
    """Hits and trials (groups, metrics, strata), as weighted and as effective counts."""

    hits: Floats
    trials: Floats
    x: Floats
    n: Floats


@dataclass(frozen=True, slots=True)
class Cube:
    """Counts of one attribute by group, stratum and state, and the two sides of each comparison."""

    margin: Margin
    place: NDArray[np.int64]
    """Of each studied cell: its (group, stratum, state) as one number."""
    strata: tuple[str, ...]
    weight: Floats
    squared: Floats
    ref_weight: Floats
    ref_squared: Floats
    """Of the reference: shape (groups, strata, 6) for the rest; (groups, metrics, strata, 6) for one chosen by metric."""
    own: SideCounts
    ref: SideCounts
    blind: Mask
    """Strata (groups, metrics, strata) in which no refused person's outcome is known on one of the sides."""

    def comparable(self) -> Mask:
        """Tell which strata have trials on both sides that say something."""
        return (self.own.trials > 0) & (self.ref.trials > 0) & ~self.blind

    def turned(self, metrics: Sequence[Metric]) -> tuple[Floats, Floats, Floats, Floats]:
        """Return hits and trials of who gains and of whom it is set against."""
        (x, y), (n, m) = exchanged(metrics, self.own.hits, self.ref.hits), exchanged(metrics, self.own.trials, self.ref.trials)
        return x, n, y, m


def cube_of(counts: Counts, margin: Margin, by: tuple[str, ...], metrics: Sequence[Metric], chosen: NDArray[np.int64] | None) -> Cube:
    """Count by group and stratum.

    Parameters
    ----------
    counts
        What the pass left.
    margin
        Groups of one attribute, declared ones that nobody holds included.
    by
        Columns of the strata; several are crossed.
    metrics
        Rows of the table of metrics.
    chosen : ndarray of int, shape (groups, metrics), optional
        Position of the reference of each group and metric; none for the rest.
    """
    place, strata = _placed(counts, margin, by)
    shape = (len(margin.keys), len(strata), len(STATES))
    held, weight, squared = (_summed(counts, place, name, shape) for name in ("held", "weight", "weight_squared"))
    own = _counted(weight, squared, metrics, counts.weighted)
    if chosen is None:
        ref_held, ref_weight, ref_squared = (_others(margin, part) for part in (held, weight, squared))
        # what is left of a sum from which everything was taken is a rounding error, not people
        ref_weight, ref_squared = (np.where(ref_held > 0, np.maximum(part, 0.0), 0.0) for part in (ref_weight, ref_squared))
        ref = _counted(ref_weight, ref_squared, metrics, counts.weighted)
        ref_blind = unobserved_refused(ref_weight)[:, None, :]
    else:
        ref_weight, ref_squared = weight[chosen], squared[chosen]
        ref = SideCounts(*(np.take_along_axis(part, chosen[:, :, None], 0) for part in (own.hits, own.trials, own.x, own.n)))
        ref_blind = unobserved_refused(weight)[chosen]
    refused = np.array([metric.needs_refused for metric in metrics])[None, :, None]
    blind = (unobserved_refused(weight)[:, None, :] | ref_blind) & refused
    return Cube(margin, place, strata, weight, squared, ref_weight, ref_squared, own, ref, blind)


def _placed(counts: Counts, margin: Margin, by: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the (group, stratum, state) of each studied cell as one number, and the names of the strata in order."""
    cells = counts.studied
    levels = list(zip(*(cells[STRATUM + name].to_numpy(object) for name in by), strict=True))
    order = sorted(set(levels), key=lambda row: (UNKNOWN in row, *map(rank_of, row)))
    number = {row: i for i, row in enumerate(order)}
    group, state = np.divmod(places(cells, margin), len(STATES))
    stratum = np.array([number[row] for row in levels], np.int64)
    return (group * len(order) + stratum) * len(STATES) + state, tuple(CROSS.join(row) for row in order)


def _summed(counts: Counts, place: NDArray[np.int64], column: str, shape: tuple[int, ...]) -> Floats:
    """Sum the studied cells by place; ``held`` counts them, and what weights mean is minded as in `counts.margin`."""
    cells = counts.studied
    if column == "weight" and counts.weighted is None:
        column = "n"
    elif column == "weight_squared" and counts.weighted is not WeightMeaning.WEIGHT:
        column = "n" if counts.weighted is None else "weight"
    values = (cells["n"] > 0).to_numpy(float) if column == "held" else cells[column].to_numpy(float)
    return np.bincount(place, values, minlength=int(np.prod(shape))).astype(float).reshape(shape)


def _others(margin: Margin, counted: Floats) -> Floats:
    """Return the counts of the rest of each group, stratum by stratum."""
    flat = counted.reshape(len(margin.keys), -1)
    return rest_of(Margin(margin.by, margin.keys, flat, flat, flat)).weight.reshape(counted.shape)


def _counted(weight: Floats, squared: Floats, metrics: Sequence[Metric], weighted: WeightMeaning | None) -> SideCounts:
    flat = Side(weight.reshape(-1, len(STATES)), squared.reshape(-1, len(STATES)))
    found = measured(flat, metrics, weighted)
    return SideCounts(*(np.moveaxis(part.reshape(*weight.shape[:2], len(metrics)), -1, 1) for part in found))


def exchanged(metrics: Sequence[Metric], own: Floats, ref: Floats) -> tuple[Floats, Floats]:
    """Exchange the sides of metrics of which less is better, here and nowhere else: below 1, the group gets less of what is good.

    `own` and `ref` have the shape (groups, metrics, strata).

    >>> from scoring.fairness.metrics import METRICS
    >>> own, ref = exchanged([METRICS["selection_rate"], METRICS["error_rate"]], np.array([[[1.0], [2.0]]]), np.array([[[3.0], [4.0]]]))
    >>> own.ravel().tolist(), ref.ravel().tolist()
    ([1.0, 4.0], [3.0, 2.0])
    """
    more = more_is_better(metric.name for metric in metrics)[None, :, None]
    return np.where(more, own, ref), np.where(more, ref, own)


def design_effects(counts: Counts, cube: Cube, metrics: Sequence[Metric], tolerance: float) -> Floats:
    """Return the design effect (groups, metrics, 1) of weights and clusters on the contrast ``sum w (p_a - tolerance p_b)``.

    D = V / V_iid of its linearised influence (Binder 1983; Rao & Scott 1992): counts divided by D keep every ratio, and their variances
    are right. 1 for plain counts.
    """
    effects = np.ones((*cube.own.trials.shape[:2], 1))
    if counts.weighted is not WeightMeaning.WEIGHT and counts.clusters is None:
        return effects
    numerator, denominator = vectors(metrics)
    x, n, y, m = cube.turned(metrics)
    used = cube.comparable()
    total = np.where(used, n + m, 1.0)
    both = np.where(used, (x + tolerance * y) / total**2, 0.0)
    of_a = np.where(used, m / total, 0.0), -m * both
    of_b = np.where(used, -tolerance * n / total, 0.0), n * both
    for i, metric in enumerate(metrics):
        by_state = [hit[:, i, :, None] * numerator[:, i] + trial[:, i, :, None] * denominator[:, i] for hit, trial in (of_a, of_b)]
        own, ref = by_state if more_is_better([metric.name])[0] else by_state[::-1]
        ref_weight, ref_squared = (part[:, i] if part.ndim == 4 else part for part in (cube.ref_weight, cube.ref_squared))
        plain = (own**2 * cube.weight + ref**2 * ref_weight).sum((1, 2))
        spread = (
            (own**2 * cube.squared + ref**2 * ref_squared).sum((1, 2)) if counts.clusters is None else _clustered(counts.clusters, cube, own, ref)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            effects[:, i, 0] = np.where((plain > 0) & (spread > 0), spread / plain, 1.0)
    return effects


def _clustered(clusters: Clusters, cube: Cube, own: Floats, ref: Floats) -> Floats:
    """Return H/(H-1) times the sum over clusters of the squared influence, each group against the rest."""
    groups, classes = len(own), own[0].size
    gather = sparse.csr_array((np.ones(len(cube.place)), (np.arange(len(cube.place)), cube.place)), shape=(len(cube.place), groups * classes))
    by_class = clusters.weights @ gather
    known = np.repeat(cube.margin.known, classes)
    own_only = sparse.csr_array(
        (
            (own.reshape(groups, -1) - cube.margin.known[:, None] * ref.reshape(groups, -1)).ravel(),
            (np.arange(groups * classes), np.repeat(np.arange(groups), classes)),
        )
    )
    everybody = np.tile(ref.reshape(groups, -1).T, (groups, 1)) * known[:, None]
    sums = (by_class @ own_only).toarray() + by_class @ everybody
    return np.asarray((sums**2).sum(0) * clusters.number / max(clusters.number - 1, 1))
