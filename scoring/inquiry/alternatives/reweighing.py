"""Weights that make the outcome and a group independent in what a model learns from (Kamiran & Calders 2012)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError
from scoring.vocabulary import UNKNOWN

CELLS = ["group", "outcome", "n", "weight", "factor", "reweighed"]


def reweighing_weights(y: Any, groups: Any, sample_weight: Any = None) -> NDArray[np.float64]:
    """Weigh each row so that, by weight, the outcome no longer depends on the group.

    The factor of a row of group s and outcome y is ``W(s, y) = P(s) P(y) / P(s, y)``, the number of such rows expected under
    independence over the number there is (Kamiran & Calders 2012, Knowledge and Information Systems 33, algorithm 3). Total weight,
    weight of each group and weight of each outcome stay as they were. The model learns from these weights; it never reads the group.

    Parameters
    ----------
    y : array-like of shape (n,)
        Outcome, any values; missing where it was not observed.
    groups : array-like of shape (n,)
        The group of each row, any values; missing or ``(unknown)`` where it is not known.
    sample_weight : array-like of shape (n,), optional
        What each row weighs to begin with; 1 by default. Shares are by weight.

    Returns
    -------
    ndarray of shape (n,)
        Weight of each row: the first weight times its factor. A row of unknown group or unobserved outcome keeps its first weight: it
        is in no share and nothing is known that would make it count for more or less (`reweighing_cells` counts these rows).

    Raises
    ------
    EquiscoreError
        Different lengths, or a weight that is negative or not finite.

    Examples
    --------
    >>> reweighing_weights([1, 1, 1, 0, 1, 0, 0, None], ["m", "m", "m", "m", "f", "f", "f", "f"]).round(3)
    array([0.762, 0.762, 0.762, 1.714, 1.714, 0.643, 0.643, 1.   ])
    """
    outcome, group, weight = _read(y, groups, sample_weight)
    expected, there = _expected(outcome, group, weight)
    known = (outcome >= 0) & (group >= 0)
    factor = np.ones(len(weight))
    factors = np.divide(expected, there, out=np.ones_like(there), where=there > 0)  # a cell of weight 0 has nothing to weigh
    factor[known] = factors[group[known], outcome[known]]
    return weight * factor


def reweighing_cells(y: Any, groups: Any, sample_weight: Any = None) -> pd.DataFrame:
    """Count the rows behind `reweighing_weights`: a row a group and outcome, those not known among them, so that nobody is lost.

    Returns
    -------
    DataFrame
        group, outcome (``(unknown)`` where not known), n (rows), weight (before), factor (1 where either is not known), reweighed (after).

    Examples
    --------
    >>> reweighing_cells([1, 0, 1, None], ["m", "m", "f", "f"])[["group", "outcome", "n", "factor"]].values.tolist()
    [['f', '(unknown)', 1, 1.0], ['f', '1.0', 1, 0.6666666666666666], ['m', '0.0', 1, 0.6666666666666666], ['m', '1.0', 1, 1.3333333333333333]]
    """
    after = reweighing_weights(y, groups, sample_weight)
    before = np.ones(len(after)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    rows = pd.DataFrame({"group": _named(groups), "outcome": _named(y), "n": 1, "weight": before, "reweighed": after})
    cells = rows.groupby(["group", "outcome"], sort=True).sum().reset_index()
    cells["factor"] = np.divide(cells["reweighed"], cells["weight"], out=np.full(len(cells), np.nan), where=cells["weight"] > 0)
    return cells[CELLS]


def _named(values: Any) -> list[str]:
    column = pd.Series(values).reset_index(drop=True)
    return [UNKNOWN if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]


def _read(y: Any, groups: Any, sample_weight: Any) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return the codes of outcome and group, -1 where not known, and the first weights."""
    told, held = (pd.Series(values).reset_index(drop=True) for values in (y, groups))
    outcome = pd.factorize(told, sort=False)[0].astype(np.intp)
    group = pd.factorize(held.where(held.astype(object) != UNKNOWN), sort=False)[0].astype(np.intp)
    weight = np.ones(len(outcome)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if not len(outcome) == len(group) == len(weight):
        raise EquiscoreError(f"Reweighing: {len(outcome)} outcomes, {len(group)} groups, {len(weight)} weights. Fix: give one of each a row.")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise EquiscoreError("Reweighing: a weight is negative or not finite. Fix: give weights of 0 or more.")
    return outcome, group, weight


def _expected(outcome: NDArray[np.intp], group: NDArray[np.intp], weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weight of each cell under independence and as it is, groups down, outcomes across; only rows of which both are known."""
    known = (outcome >= 0) & (group >= 0)
    n_groups, n_outcomes = group.max(initial=-1) + 1, outcome.max(initial=-1) + 1
    places = group[known] * n_outcomes + outcome[known]
    there: NDArray[np.float64] = np.bincount(places, weight[known], minlength=n_groups * n_outcomes).reshape(n_groups, n_outcomes).astype(np.float64)
    total = there.sum()
    return (np.outer(there.sum(axis=1), there.sum(axis=0)) / total if total else there), there
