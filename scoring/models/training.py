"""Training such that nobody is scored by a model that saw them, and the engines to train."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils.validation import has_fit_parameter

from scoring.models.boosting import GradientBoosting
from scoring.models.columns import ModelError, as_table, read_favourable, read_target
from scoring.models.cutoffs import Costs, Cutoff, choose_cutoff
from scoring.models.scorecard import Scorecard

__all__ = ["ENGINES", "Costs", "CrossFit", "Cutoff", "choose_cutoff", "cross_fit", "favourable_scores", "make_engine"]

ENGINES: Mapping[str, Callable[..., Any]] = {"scorecard": Scorecard, "gradient_boosting": GradientBoosting}
"""What `make_engine` can make; each takes `favourable` and parameters of its own, all by keyword."""


def make_engine(name: str, **parameters: Any) -> Any:
    """Make an unfitted estimator by the name of its engine."""
    if name not in ENGINES:
        raise ModelError(f"No engine {name!r}. Fix: use one of {', '.join(ENGINES)}.")
    return ENGINES[name](**parameters)


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
    """
    X, told = as_table(X), pd.Series(y if isinstance(y, pd.Series) else np.asarray(y)).reset_index(drop=True)
    known = told.notna().to_numpy() if observed is None else np.array(observed, dtype=bool)
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    _check_lengths(X, {"y": told, "observed": known, "groups": groups, "sample_weight": weights})
    labels, favourable = _labels(estimator, told, known, favourable)
    dealt = deal_folds(_people(groups, len(told)), known.astype(int) + (known & (labels == favourable)), folds=folds, seed=seed)
    model = _prepared(estimator, favourable, weighted=weights is not None)

    def fitted(rows: NDArray[np.bool_]) -> Any:
        return clone(model).fit(_rows(X, rows), labels[rows], **({} if weights is None else {"sample_weight": weights[rows]}))

    scores = np.empty(len(told))
    for fold in range(folds):
        here = dealt == fold
        scores[here] = favourable_scores(fitted(known & ~here), _rows(X, here), favourable=favourable)
    aucs = tuple(_auc(labels == favourable, scores, known & (dealt == fold), weights) for fold in range(folds))
    whole = fitted(known)
    for array in (scores, dealt, known):
        array.flags.writeable = False
    return CrossFit(scores, "points" if hasattr(whole, "score_points") else "probability", dealt, known, favourable, aucs, whole)


def favourable_scores(fitted: Any, X: Any, *, favourable: Any = None) -> NDArray[np.float64]:
    """Score people with a fitted estimator, more being more favourable: points where it gives points, else the favourable class's probability.

    `favourable` is needed only for an estimator that does not know its favourable class (``favourable_``).
    """
    if hasattr(fitted, "score_points"):
        return np.asarray(fitted.score_points(X), dtype=np.float64)
    favourable = read_favourable(fitted.classes_, getattr(fitted, "favourable_", None) if favourable is None else favourable)
    return np.asarray(fitted.predict_proba(X), dtype=np.float64)[:, list(fitted.classes_).index(favourable)]


def deal_folds(people: NDArray[np.intp], outcome: NDArray[np.intp], *, folds: int, seed: int) -> NDArray[np.intp]:
    """Deal people to folds like cards; return the fold of each row.

    `people` numbers the person of each row from 0; `outcome` is 0 not known, 1 unfavourable, 2 favourable. People are sorted by the
    outcomes they have, then by number of rows, then by chance, and dealt round and round: folds differ by at most one
    person of each class, and have about as many rows.

    >>> deal_folds(np.array([0, 1, 2, 3, 0]), np.array([1, 2, 1, 2, 1]), folds=2, seed=1)
    array([0, 0, 1, 1, 0])
    """
    rows, bad, good = (np.bincount(people[chosen], minlength=people.max() + 1) for chosen in (outcome >= 0, outcome == 1, outcome == 2))
    if folds < 2:
        raise ModelError(f"{folds} folds leave nobody to be scored by another's model. Fix: ask for at least 2 folds.")
    for name, count in (("favourable", (good > 0).sum()), ("unfavourable", (bad > 0).sum())):
        if count < folds:
            raise ModelError(f"{count} people have a known {name} outcome, for {folds} folds. Fix: ask for fewer folds, or bring more people.")
    stratum = np.select([(good > 0) & (bad == 0), good > 0, bad > 0], [0, 1, 2], 3)  # who has a class stands together, so it is dealt evenly
    order = np.lexsort((np.random.default_rng(seed).permutation(len(rows)), -rows, stratum))
    fold_of = np.empty(len(rows), dtype=np.intp)
    fold_of[order] = np.arange(len(rows)) % folds
    return fold_of[people]


# -- small parts of cross_fit ------------------------------------------------------------------------------------------------------


def _labels(estimator: Any, told: pd.Series, known: NDArray[np.bool_], favourable: Any) -> tuple[NDArray[Any], Any]:
    """Return the class of each row (any class where it is not known: it is never used) and the favourable one."""
    if not known.any():
        raise ModelError("No row has a known outcome. Fix: give outcomes for some.")
    classes, numbers = read_target(estimator, told[known], int(known.sum()))
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


def _people(groups: Any, n_rows: int) -> NDArray[np.intp]:
    if groups is None:
        return np.arange(n_rows)
    codes, _ = pd.factorize(np.asarray(groups), sort=True)
    if (codes < 0).any():
        raise ModelError(f"{(codes < 0).sum()} rows do not say whose they are. Fix: give each row a person; a number of its own where unknown.")
    return codes


def _check_lengths(X: Any, columns: Mapping[str, Any]) -> None:
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if wrong := {name: length for name, length in lengths.items() if length != len(X)}:
        raise ModelError(f"X has {len(X)} rows, but {wrong}. Fix: give one of each for each row.")


def _rows(X: Any, rows: NDArray[np.bool_]) -> Any:
    return X[rows] if isinstance(X, pd.DataFrame) else np.asarray(X)[rows]


def _auc(truth: NDArray[np.bool_], scores: NDArray[np.float64], rows: NDArray[np.bool_], weights: NDArray[np.float64] | None) -> float | None:
    rows = rows if weights is None else rows & (weights > 0)
    if len(np.unique(truth[rows])) < 2:
        return None
    return float(roc_auc_score(truth[rows], scores[rows], sample_weight=None if weights is None else weights[rows]))
