"""The people of an experiment on reject inference: whom to hide, and everybody's score by models that did not see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.models.columns import ModelError, as_table, read_favourable, read_weights
from scoring.models.refused.reject_experiment import hide
from scoring.models.refused.reject_methods import KINDS, RejectMethod, Seen, Training, fit_training, seen_by
from scoring.models.scorecard import Scorecard
from scoring.models.training import deal_folds

__all__ = ["RejectTask", "read_task", "scored", "simulated"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class RejectTask:
    """The people and the settings of an experiment, by position."""

    estimator: Any
    acceptance: Any
    X: Any
    favourable: Bools
    classes: NDArray[Any]
    observed: Bools
    weights: Floats
    persons: NDArray[np.intp]
    seed: int


def read_task(  # noqa: PLR0917  (what the public function was given, read)
    estimator: Any, acceptance: Any, X: Any, y: Any, observed: Any, hidden: Any, favourable: Any, groups: Any, sample_weight: Any, seed: int
) -> RejectTask:
    """Read what `reject_inference_experiment` was given.

    Raises
    ------
    EquiscoreError
        Not one entry a person, an observed outcome that is missing, no two classes.
    """
    X, told = as_table(X), pd.Series(y if isinstance(y, pd.Series) else np.asarray(y)).reset_index(drop=True)
    known = told.notna().to_numpy()
    if observed is not None:
        wanted = np.asarray(observed, dtype=bool) | (np.zeros(len(told), bool) if hidden is None else np.asarray(hidden, dtype=bool))
        if len(wanted) != len(told) or (wanted & ~known).any():
            raise ModelError(f"observed: {len(wanted)} entries for {len(told)} outcomes, or an observed outcome is missing. Fix: one entry a row.")
        known = wanted
    if len(X) != len(told):
        raise ModelError(f"X has {len(X)} rows, y {len(told)}. Fix: give one of each for each person.")
    classes = np.unique(told[known].to_numpy())
    if len(classes) != 2:
        raise ModelError(f"y holds {len(classes)} classes where it is known. Fix: give a known outcome of two classes.")
    good = read_favourable(classes, favourable)
    ordered = np.array([*classes[classes != good], good])
    persons = np.arange(len(told)) if groups is None else pd.factorize(np.asarray(groups), sort=True)[0]
    if (persons < 0).any():
        raise ModelError(f"{(persons < 0).sum()} rows do not say whose they are. Fix: give each row a person; a number of its own where unknown.")
    weights = read_weights(sample_weight, len(told))
    return RejectTask(
        estimator, Scorecard() if acceptance is None else acceptance, X, (told == good).to_numpy(), ordered, known, weights, persons, seed
    )


def simulated(task: RejectTask, folds: int, share: float | None, odds_ratio: float) -> Bools:
    """Return whom of the accepted to hide."""
    if task.observed.all():
        raise ModelError(
            "Nobody was refused: there is no policy to imitate. Fix: give everybody, those refused with a missing outcome; or give hidden."
        )
    dealt = deal_folds(task.persons, 1 + task.observed.astype(np.intp), folds=folds, seed=task.seed)
    accepted = np.empty(len(dealt))
    for fold in range(folds):
        here, others = dealt == fold, np.flatnonzero(dealt != fold)
        gate = fit_training(task.acceptance, task.X, Training(others, task.observed[others], task.weights[others]), np.array([0, 1]))
        accepted[here] = gate.predict_proba(_part(task.X, here))[:, list(gate.classes_).index(1)]
    wanted = 1 - task.weights[task.observed].sum() / task.weights.sum() if share is None else share
    concealed = np.zeros(len(dealt), bool)
    rng = np.random.default_rng(task.seed)
    concealed[task.observed] = hide(accepted[task.observed], ~task.favourable[task.observed], share=wanted, odds_ratio=odds_ratio, rng=rng)
    return concealed


def scored(task: RejectTask, concealed: Bools, among: Bools, methods: Sequence[RejectMethod], folds: int) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Score everybody without and with each method, by models of the other folds to which the hidden are refused people; and the folds."""
    visible = task.observed & ~concealed
    dealt = deal_folds(task.persons, visible.astype(np.intp) + (visible & task.favourable), folds=folds, seed=task.seed)
    scores = np.full((len(methods) + 1, len(dealt)), np.nan)
    for fold in range(folds):
        train, here = among & (dealt != fold), dealt == fold
        X, arrays = _part(task.X, train), [part[train] for part in (visible, task.favourable, task.weights)]
        alone, seen = seen_by(task.estimator, task.acceptance, X, arrays[0], arrays[1], task.classes, arrays[2], seed=task.seed + fold)
        models = [alone, *(_fitted(task, X, seen, method) for method in methods)]
        asked = _part(task.X, here)
        scores[:, here] = [model.predict_proba(asked)[:, list(model.classes_).index(task.classes[1])] for model in models]
    return scores[0], scores[1:], dealt


def _fitted(task: RejectTask, X: Any, seen: Seen, method: RejectMethod) -> Any:
    return fit_training(task.estimator, X, KINDS[method.kind](seen, method), task.classes)


def _part(X: Any, rows: Bools) -> Any:
    return X[rows] if isinstance(X, pd.DataFrame) else np.asarray(X)[rows]
