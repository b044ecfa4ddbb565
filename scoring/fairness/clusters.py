"""Rows that belong together (a household) are not independent: how much wider that makes intervals and tests.

M_cc' = sum over clusters h of W_hc W_hc' (W_hc = weight of cluster h in cell c) gives the variance of any statistic of the
cells: V = H/(H-1) d' M d, d its influence (Liang & Zeger 1986; Binder 1983). Groups that share clusters are not
independent, so the design effect is taken of the contrast, D = V(p_g - tau p_r) / V_iid(p_g - tau p_r), and tests and
intervals get the counts divided by D (Rao & Scott 1992). M is never written: what a study keeps are the effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from scoring.errors import StudyError
from scoring.fairness.metrics import STATES, Metric, vectors
from scoring.vocabulary import CROSS, UNKNOWN, Better, combined

Floats = NDArray[np.float64]
EFFECTS = ["effect_rate", "effect_ratio", "effect_difference", "clusters"]
FEW = 30
"""Fewer clusters than this in a group is said beside its verdict."""
ENOUGH = 2
"""Of one cluster there is no variance."""
NO_VARIANCE = 1e-9
"""A design effect under this is that of groups within which nothing varies from cluster to cluster."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Weights by cluster and cell, sparse: what M is made of. In memory only."""

    weights: Any
    """scipy sparse array (clusters, cells), cells in the order of `Counts.studied`."""

    @property
    def number(self) -> int:
        """How many clusters there are."""
        return int(self.weights.shape[0])


def gathered(clusters: NDArray[np.int64], cells: NDArray[np.int64], weights: Floats, n_cells: int) -> Clusters:
    """Gather one entry a cluster and cell."""
    shape = (int(clusters.max()) + 1 if len(clusters) else 0, n_cells)
    return Clusters(sparse.csr_array((weights, (clusters, cells)), shape=shape))


def effects_of_set(
    clusters: Clusters, place: NDArray[np.int64], margin: Any, metrics: Sequence[Metric], *, rest: bool, tolerance: float
) -> pd.DataFrame:
    """Return the design effects of each group of one set of attributes, for each metric, against the rest.

    Parameters
    ----------
    clusters
        Weights by cluster and cell.
    place
        Of each cell: its group in `margin`, times six, plus its state.
    margin
        The groups and their counts.
    metrics, tolerance
        What is compared, and the ratio under test.
    rest
        Whether the reference is the rest; nothing else is offered with clusters.
    """
    if not rest:
        raise StudyError("With clusters, groups are compared with the rest only. Fix: use reference='rest', or leave the cluster out.")
    classes = len(margin.keys) * len(STATES)
    gather = sparse.csr_array((np.ones(len(place)), (np.arange(len(place)), place)), shape=(len(place), classes))
    by_class = clusters.weights @ gather
    joint = (by_class.T @ by_class).toarray() * (clusters.number / max(clusters.number - 1, 1))
    squared = margin.weight_squared.ravel()
    inside = np.kron(np.eye(len(margin.keys)), np.ones(len(STATES))).astype(bool)
    outside = np.repeat(margin.known, len(STATES))[None, :] & ~inside
    member = sparse.csr_array(np.kron(np.eye(len(margin.keys)), np.ones((len(STATES), 1))))
    by_group = (by_class @ member).tocsc()
    present = np.diff(by_group.indptr)
    alone_in_one = (present < ENOUGH) | (_others_present(by_group, margin.known) < ENOUGH)
    parts = []
    for metric in metrics:
        group, other = (_influence(side, margin.weight.ravel(), metric) for side in (inside, outside))
        first, second = (group, other) if metric.better is Better.MORE else (other, group)
        alone = _of_the_same(inside, by_class, margin.weight_squared, metric)
        same = ~group.any(axis=1)  # all or nobody hit: the rate has no variance to compare, yet rows that belong together are fewer than they look
        found = {
            "effect_rate": np.where(same, alone, _ratio_of_variances(group, joint, squared)),
            "effect_ratio": _ratio_of_variances(first - tolerance * second, joint, squared),
            "effect_difference": _ratio_of_variances(first - second, joint, squared),
        }
        found |= {name: np.where(same, np.maximum(found[name], alone), found[name]) for name in ("effect_ratio", "effect_difference")}
        # one cluster shows nothing beyond itself, and its variance is 0: its people are worth nobody
        found |= {name: np.where(alone_in_one | (found[name] < NO_VARIANCE), np.inf, found[name]) for name in ("effect_ratio", "effect_difference")}
        found["effect_rate"] = np.where((present < ENOUGH) | (found["effect_rate"] < NO_VARIANCE), np.inf, found["effect_rate"])
        parts.append(pd.DataFrame({"metric": metric.name, "group": _labels(margin.keys), "clusters": present, **found}))
    return pd.concat(parts, ignore_index=True).assign(attribute=CROSS.join(margin.by))


def _others_present(by_group: Any, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return in how many clusters the rest of each group is: everybody known who is not in it."""
    held = (by_group > 0).toarray()
    anybody = held[:, known].sum(1)
    return np.asarray((anybody[:, None] - (held & known) > 0).sum(0), np.int64)


def _labels(keys: Sequence[tuple[str, ...]]) -> list[str]:
    return [UNKNOWN if UNKNOWN in key else combined(key) for key in keys]


def _influence(members: NDArray[np.bool_], weight: Floats, metric: Metric) -> Floats:
    """Return, per group and unit of weight in each class, the influence on the rate of `members`: (num - p den) / sum den."""
    numerator, denominator = (np.tile(side[:, 0], len(weight) // len(STATES)) for side in vectors([metric]))
    with np.errstate(divide="ignore", invalid="ignore"):
        trials = (members * weight * denominator).sum(1, keepdims=True)
        rate = (members * weight * numerator).sum(1, keepdims=True) / trials
        return np.asarray(np.where(members & (trials > 0), (numerator - rate * denominator) / trials, 0.0))


def _of_the_same(inside: NDArray[np.bool_], by_class: Any, squared: Floats, metric: Metric) -> Floats:
    """Return (sum over clusters of their squared weight) / (sum of squared weights), of the trials of each group: its mean cluster."""
    trials = np.tile(vectors([metric])[1][:, 0], len(squared))
    held = (by_class @ (inside * trials).T) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        found = held.sum(axis=0) / ((inside * trials) @ squared.ravel())
    return np.asarray(np.where(np.isfinite(found), np.maximum(found, 1.0), 1.0))


def _ratio_of_variances(influence: Floats, joint: Floats, squared: Floats) -> Floats:
    """Return V / V_iid; 1 where there is no variance to compare."""
    clustered = np.einsum("gc,cd,gd->g", influence, joint, influence)
    independent = (influence**2 * squared).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where((independent > 0) & (clustered > 0), clustered / independent, 1.0))
