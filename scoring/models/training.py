"""Training such that nobody is scored by a model that saw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils.validation import has_fit_parameter

from scoring.models.columns import ModelError, as_table, read_favourable, read_target
from scoring.models.cutoffs import Costs, Cutoff, choose_cutoff
from scoring.models.engines import CALIBRATIONS, ENGINES, engine_parameters, make_engine
from scoring.models.folds import deal_folds, people_of
from scoring.models.reliability import Calibration, calibration_of

__all__ = [
    "CALIBRATIONS",
    "ENGINES",
    "Costs",
    "CrossFit",
    "Cutoff",
    "choose_cutoff",
    "cross_fit",
    "deal_folds",
    "engine_parameters",
    "favourable_scores",
    "make_engine",
]


@dataclass(frozen=True, slots=True, eq=False)
class CrossFit:
    """Scores of people by models that did not see them, and one model of everybody for those to come."""

    scores: NDArray[np.float64]
    """One a row: points of a scorecard, otherwise the probability of the favourable class."""
    scale: str
    """"points" or "probability"."""
    folds: NDArray[np.intp]
    """The fold of each row; it was scored by the model trained on all other folds."""
    observed: NDArray[np.bool_]
    """Rows whose outcome is known; the others trained no model."""
    favourable: Any
    """The class that the scores rise towards."""
    fold_aucs: tuple[float | None, ...]
    """Area under the ROC curve within each fold; None where a fold holds one class only (by weight)."""
    estimator: Any
    """The estimator refitted on all rows of known outcome. It has seen them: do not audit its scores of them."""
    probabilities: NDArray[np.float64]
    """The probability of the favourable class by the same models as the scores; nan where an estimator gives none."""
    calibration: Calibration
    """How far these probabilities are off, out of fold, over the rows of known outcome."""

    @property
    def auc(self) -> float | None:
        """Mean of the folds' AUCs, or None where no fold has one."""
        known = [auc for auc in self.fold_aucs if auc is not None]
        return sum(known) / len(known) if known else None


def cross_fit(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    seed: int,
    groups: Any = None,
    folds: int = 5,
    sample_weight: Any = None,
    observed: Any = None,
    favourable: Any = None,
) -> CrossFit:
    """Score every row by a model that was trained without that person.

    Rows are dealt to folds; the model of a fold is trained on the rows of known outcome of all *other* folds and scores the rows
    of this one. `groups` names the person (or household) of each row: all rows of one stay together, observed or not. A row whose
    outcome is not known (`observed` False; by default where `y` is missing) trains no model and is scored by the one model of its
    own fold, not by a mean over folds: a mean varies less, and would set these people apart from the others for no
    reason of theirs.

    Folds are dealt at random from `seed`, by class (people with favourable rows only, both, unfavourable only, none known) and within it by
    number of rows, so each fold has its part of each class. The same input gives the same result. `favourable` is handed to the estimator
    if it takes one; by default the second class is the favourable one.

    An estimator whose `fit` takes `groups` (`CalibratedScore`) is handed them, so that what it deals into folds within is dealt by person
    as well.

    Raises
    ------
    ModelError
        Columns of another length, an outcome of one value only, fewer people of a class than folds, rows without a person, weights for
        an estimator that heeds none.
    """
    X, told = as_table(X), pd.Series(y if isinstance(y, pd.Series) else np.asarray(y)).reset_index(drop=True)
    known = told.notna().to_numpy() if observed is None else np.array(observed, dtype=bool)
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    _check_lengths(X, {"y": told, "observed": known, "groups": groups, "sample_weight": weights})
    labels, favourable = _labels(estimator, told, known, favourable)
    people, good = people_of(groups, len(told)), labels == favourable
    learning = known if weights is None else known & (weights > 0)
    dealt = deal_folds(people, learning.astype(int) + (learning & good), folds=folds, seed=seed)
    model = _prepared(estimator, favourable, weighted=weights is not None)
    beside = {name: column for name, column in {"sample_weight": weights, **_heeded(model, groups, people)}.items() if column is not None}

    def fitted(rows: NDArray[np.bool_]) -> Any:
        return clone(model).fit(_rows(X, rows), labels[rows], **{name: column[rows] for name, column in beside.items()})

    scores, probabilities = np.empty(len(told)), np.empty(len(told))
    for fold in range(folds):
        here = dealt == fold
        scores[here], probabilities[here] = _both(fitted(known & ~here), _rows(X, here), favourable)
    aucs = tuple(_auc(good, scores, known & (dealt == fold), weights) for fold in range(folds))
    whole = fitted(known)
    told_by = _calibration(probabilities, good, known, weights)
    for array in (scores, dealt, known, probabilities):
        array.flags.writeable = False
    scale = "points" if hasattr(whole, "score_points") else "probability"
    return CrossFit(scores, scale, dealt, known, favourable, aucs, whole, probabilities, told_by)


def favourable_scores(fitted: Any, X: Any, *, favourable: Any = None) -> NDArray[np.float64]:
    """Score people with a fitted estimator, more being more favourable: points where it gives points, else the favourable class's probability.

    `favourable` is needed only for an estimator that does not know its favourable class (``favourable_``).
    """
    if hasattr(fitted, "score_points"):
        return np.asarray(fitted.score_points(X), dtype=np.float64)
    return _probability(fitted, X, favourable)


def _probability(fitted: Any, X: Any, favourable: Any) -> NDArray[np.float64]:
    favourable = read_favourable(fitted.classes_, getattr(fitted, "favourable_", None) if favourable is None else favourable)
    return np.asarray(fitted.predict_proba(X), dtype=np.float64)[:, list(fitted.classes_).index(favourable)]


# -- small parts of cross_fit ------------------------------------------------------------------------------------------------------


def _labels(estimator: Any, told: pd.Series, known: NDArray[np.bool_], favourable: Any) -> tuple[NDArray[Any], Any]:
    """Return the class of each row (any class where it is not known: it is never used) and the favourable one."""
    if not known.any():
        raise ModelError("No row has a known outcome. Fix: give outcomes for some.")
    classes, numbers = read_target(estimator, told[known], int(known.sum()))
    if len(classes) < 2:
        raise ModelError(f"Every known outcome is {str(classes[0])!r}: there is nothing to tell apart. Fix: give rows of both outcomes.")
    everyone = np.zeros(len(told), dtype=np.intp)
    everyone[known] = numbers
    asked = getattr(estimator, "favourable", None) if favourable is None else favourable
    return classes[everyone], read_favourable(classes, asked)


def _prepared(estimator: Any, favourable: Any, *, weighted: bool) -> Any:
    """Return a copy that knows its favourable class, if it takes one; refuse weights that it would not heed."""
    if weighted and not has_fit_parameter(estimator, "sample_weight"):
        raise ModelError(f"{type(estimator).__name__}.fit takes no sample_weight. Fix: leave the weights out, or use an estimator that heeds them.")
    copy = clone(estimator)
    return copy.set_params(favourable=favourable) if "favourable" in copy.get_params() else copy


def _heeded(model: Any, groups: Any, people: NDArray[np.intp]) -> dict[str, NDArray[np.intp] | None]:
    """Return the person of each row for an estimator that asks for it."""
    return {"groups": people if groups is not None and has_fit_parameter(model, "groups") else None}


def _both(fitted: Any, X: Any, favourable: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores and the probabilities of one model; a probability is not asked for twice."""
    scores = favourable_scores(fitted, X, favourable=favourable)
    if not hasattr(fitted, "score_points"):
        return scores, scores
    return scores, _probability(fitted, X, favourable) if hasattr(fitted, "predict_proba") else np.full(len(scores), np.nan)


def _check_lengths(X: Any, columns: Mapping[str, Any]) -> None:
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if wrong := {name: length for name, length in lengths.items() if length != len(X)}:
        raise ModelError(f"X has {len(X)} rows, but {wrong}. Fix: give one of each for each row.")


def _rows(X: Any, rows: NDArray[np.bool_]) -> Any:
    return X[rows] if isinstance(X, pd.DataFrame) else np.asarray(X)[rows]


def _calibration(p: NDArray[np.float64], good: NDArray[np.bool_], known: NDArray[np.bool_], weights: NDArray[np.float64] | None) -> Calibration:
    if np.isnan(p).any():
        return Calibration(*[np.nan] * 5)
    return calibration_of(p[known], good[known], None if weights is None else weights[known])


def _auc(truth: NDArray[np.bool_], scores: NDArray[np.float64], rows: NDArray[np.bool_], weights: NDArray[np.float64] | None) -> float | None:
    rows = rows if weights is None else rows & (weights > 0)
    if len(np.unique(truth[rows])) < 2:
        return None
    return float(roc_auc_score(truth[rows], scores[rows], sample_weight=None if weights is None else weights[rows]))
