"""Which candidates no other beats at once in performance and in the worst ratio, and which of them to take."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError


def on_frontier(objectives: ArrayLike) -> NDArray[np.bool_]:
    """Tell which rows no other row dominates: at least as good in every column, and better in one.

    Parameters
    ----------
    objectives : array_like (rows, objectives)
        More is better in each. A row with a nan is not on the frontier and dominates nobody.

    Returns
    -------
    ndarray of bool (rows,)
        Equal rows are on it together.

    References
    ----------
    Pareto 1906, *Manuale di economia politica*, ch. 6; Miettinen 1999, *Nonlinear Multiobjective Optimization*, def. 2.2.1.

    Examples
    --------
    >>> on_frontier([[0.8, 0.6], [0.7, 0.9], [0.7, 0.8], [float("nan"), 1.0]]).tolist()
    [True, True, False, False]
    """
    held = np.asarray(objectives, dtype=np.float64)
    known = np.atleast_1d(~np.isnan(held).any(axis=1))
    values = np.where(known[:, None], held, -np.inf)
    as_good = (values[:, None, :] >= values[None, :, :]).all(axis=2)  # [i, j]: i at least as good as j
    better = (values[:, None, :] > values[None, :, :]).any(axis=2)
    return np.asarray(known & ~(as_good & better & known[:, None]).any(axis=0))


def with_frontier(rows: pd.DataFrame) -> pd.DataFrame:
    """Add `on_frontier`: of AUC, profit (where it was measured) and the worst ratio.

    A candidate that uses a protected attribute at decision pushes no other off the frontier. The score in use is no candidate, but it
    does: what it beats is no alternative.
    """
    measured = (rows["status"] == "measured").to_numpy(bool)
    names = ["auc", "worst_ratio", *(["profit"] if rows["profit"].notna().any() else [])]
    values = rows[names].to_numpy(float)
    at_decision = rows["uses_protected_at_decision"].to_numpy(bool)
    found = np.zeros(len(rows), dtype=bool)
    lawful = measured & ~at_decision
    found[lawful] = on_frontier(values[lawful])
    found[measured & at_decision] = on_frontier(values[measured])[at_decision[measured]]
    return rows.assign(on_frontier=found)


def chosen_of(rows: pd.DataFrame, baseline: str, *, max_auc_loss: float = 0.01) -> str | None:
    """Return the name of the candidate of largest worst ratio among those on the frontier that lose at most so much AUC to the baseline.

    None where no such candidate has a larger worst ratio than the baseline. Candidates that use a protected attribute at decision are never
    chosen by this rule; of equals, the one of higher AUC, then the one tried first. The rule reads estimates of the same people for all
    candidates: the best of many looks better than it is, which is why the choice is confirmed on people set aside.

    Raises
    ------
    EquiscoreError
        The baseline was not measured, or the loss is no number of 0 or more.

    Examples
    --------
    >>> rows = pd.DataFrame({"name": ["now", "a", "b"], "auc": [0.8, 0.795, 0.7], "worst_ratio": [0.6, 0.85, 0.99], "on_frontier": True,
    ...     "status": "measured", "uses_protected_at_decision": False, "family": ["engines", "penalty", "penalty"]})
    >>> chosen_of(rows, "now")
    'a'
    """
    if not max_auc_loss >= 0:
        raise EquiscoreError(f"max_auc_loss: {max_auc_loss} is no loss. Fix: give 0 or more (0.01 for one point of AUC).")
    held = rows[(rows["name"] == baseline) & (rows["status"] == "measured")]
    if held.empty:
        raise EquiscoreError(
            f"The baseline {baseline!r} was not measured, so there is nothing to hold others against. Fix: see its reason in the log."
        )
    least, ratio = float(held["auc"].iloc[0]) - max_auc_loss, float(held["worst_ratio"].iloc[0])
    fit = rows["on_frontier"] & (rows["auc"] >= least - 1e-12) & (rows["name"] != baseline) & ~rows["uses_protected_at_decision"].astype(bool)
    asked = rows[fit & ((rows["worst_ratio"] > ratio) | np.isnan(ratio)) & (rows["family"] != "in use")]
    if asked.empty:
        return None
    return str(asked.sort_values(["worst_ratio", "auc"], ascending=False, kind="stable")["name"].iloc[0])
