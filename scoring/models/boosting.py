"""Gradient boosting on customer tables as they are: scikit-learn's, behind a thin preparation of text, categories and missing values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils import Tags
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from scoring.errors import nearest
from scoring.models.columns import (
    Kind,
    ModelError,
    check_known,
    check_levels,
    check_two_classes,
    codes_among,
    kind_of,
    names_of,
    read_favourable,
    read_levels,
    read_numbers,
    read_table,
    read_target,
    read_weights,
)
from scoring.models.threads import threads_for

DIRECTIONS: Final[Mapping[str, int]] = {"ascending": 1, "descending": -1}
"""More is never less favourable, or never more."""


class GradientBoosting(ClassifierMixin, BaseEstimator):
    """`HistGradientBoostingClassifier` for tables with text, categories, yes/no and missing values.

    Levels are handed on as categories, by name, as found at fit; a missing value and a level never seen are both "missing" to the
    trees, which learn for each split where these go. Weights weigh the loss; bins and least leaf sizes still count rows, so a row
    of weight 2 is only nearly the same as two rows.

    Parameters
    ----------
    interactions : bool
        False lets each tree use one feature only. The score is then a sum of one curve a feature, which can be shown exactly, at
        a cost of 0.012 in AUC on German credit and 0.010 on Taiwan's.
    monotone : mapping of column to ``ascending`` or ``descending``
        ``ascending``: of two people who differ in this number alone, who has more is never scored lower. For numbers only.
    learning_rate, max_iter, max_leaf_nodes, min_samples_leaf, l2_regularization, max_features, early_stopping, random_state
        As in scikit-learn, but for the defaults: more, smaller and slower trees, each split chosen among 30 % of the features, none held back
        for early stopping. AUC out of five folds: .792 against .778 with scikit-learn's own on German credit (mean of five deals), .784
        against .780 on Taiwan's. `random_state` is fixed: the same table, the same scores.
    favourable : object
        The class of `y` that is good for the person; by default the second in order.

    Attributes
    ----------
    classes_, favourable_ : the two classes of `y`, and the favourable one.
    levels_ : tuple, one a column: the levels known at fit, or None for numbers.
    model_ : the fitted HistGradientBoostingClassifier.
    """

    def __init__(
        self,
        *,
        interactions: bool = True,
        monotone: Mapping[str, str] | None = None,
        learning_rate: float = 0.04,
        max_iter: int = 200,
        max_leaf_nodes: int = 8,
        min_samples_leaf: int = 20,
        l2_regularization: float = 1.0,
        max_features: float = 0.3,
        early_stopping: bool | str = False,
        favourable: Any = None,
        random_state: int = 0,
    ) -> None:
        self.interactions = interactions
        self.monotone = monotone
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.early_stopping = early_stopping
        self.favourable = favourable
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Note the levels of each column and boost.

        Raises
        ------
        ModelError
            A parameter that scikit-learn refuses; a direction of a column that is not there or has levels; a column without a value.
        """
        columns = read_table(self, X, reset=True)
        self.classes_, numbers = read_target(self, y, len(columns[0]))
        self.favourable_ = read_favourable(self.classes_, self.favourable)
        weights = read_weights(sample_weight, len(columns[0]))
        present = weights > 0
        check_two_classes(numbers[present])
        check_known(columns, names_of(self), present)
        self.levels_ = tuple(_known_levels(name, column[present]) for name, column in zip(names_of(self), columns, strict=True))
        values = self._prepared(columns)[present]
        with threads_for(len(values)), _parameters_said():
            self.model_ = self._boosting().fit(values, numbers[present], None if sample_weight is None else weights[present])
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, in the order of ``classes_``."""
        values = self._read(X)
        with threads_for(len(values)):
            probabilities: NDArray[np.float64] = self.model_.predict_proba(values)
        return probabilities

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the log-odds of ``classes_[1]``."""
        values = self._read(X)
        with threads_for(len(values)):
            log_odds: NDArray[np.float64] = self.model_.decision_function(values)
        return log_odds

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier class."""
        above = (self.decision_function(X) > 0).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[above]
        return predicted

    @property
    def n_iter_(self) -> int:
        """Number of trees; fewer than `max_iter` where `early_stopping` stopped it."""
        return int(self.model_.n_iter_)

    def _read(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        return self._prepared(read_table(self, X, reset=False))

    def _prepared(self, columns: list[pd.Series]) -> NDArray[np.float64]:
        pairs = zip(names_of(self), columns, self.levels_, strict=True)
        return np.stack([_as_numbers(name, column, levels) for name, column, levels in pairs], axis=1)

    def _boosting(self) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            max_features=self.max_features,
            early_stopping=self.early_stopping,
            monotonic_cst=self._directions(),
            categorical_features=[levels is not None for levels in self.levels_],
            interaction_cst=None if self.interactions else "no_interactions",
            random_state=self.random_state,
        )

    def _directions(self) -> list[int] | None:
        """Return the direction of each column towards ``classes_[1]``, as scikit-learn counts it."""
        if not self.monotone:
            return None
        kinds = dict(zip(names_of(self), self.levels_, strict=True))
        for name, direction in self.monotone.items():
            _check_direction(name, direction, kinds)
        sign = 1 if self.favourable_ == self.classes_[1] else -1
        return [sign * DIRECTIONS[self.monotone[name]] if name in self.monotone else 0 for name in kinds]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


@contextmanager
def _parameters_said() -> Iterator[None]:
    """Say a parameter that scikit-learn refuses as our own errors do."""
    try:
        yield
    except InvalidParameterError as fault:
        raise ModelError(
            f"GradientBoosting: {str(fault).replace('HistGradientBoostingClassifier', 'the boosting')} Fix: give such a value."
        ) from fault


def _check_direction(name: str, direction: str, kinds: Mapping[str, tuple[str, ...] | None]) -> None:
    if name not in kinds:
        near = nearest(str(name), kinds)
        fix = f"did you mean {near!r}?" if near else f"use one of {', '.join(kinds)}."
        raise ModelError(f"monotone: no column {name!r}. Fix: {fix}")
    if direction not in DIRECTIONS:
        raise ModelError(f"monotone: {name!r} cannot be {direction!r}. Fix: say ascending (more is more favourable) or descending.")
    if kinds[name] is not None:
        raise ModelError(f"monotone: column {name!r} has levels, which have no order. Fix: leave it out, or give it as a number.")


def _known_levels(name: str, column: pd.Series) -> tuple[str, ...] | None:
    if kind_of(column) is Kind.NUMBER:
        return None
    levels = read_levels(column).names
    check_levels(levels, name)
    return levels


def _as_numbers(name: str, column: pd.Series, levels: tuple[str, ...] | None) -> NDArray[np.float64]:
    """Return a column of numbers as it is, and of levels as level numbers, NaN where there is none that is known."""
    if levels is None:
        return read_numbers(column, name)
    codes = codes_among(column, levels)
    return np.where(codes < len(levels), codes.astype(np.float64), np.nan)
