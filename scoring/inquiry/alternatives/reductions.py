"""Fairlearn's reductions behind ordinary estimators: nobody's group is needed at prediction, and nobody is scored by lot."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted

from scoring.errors import EquiscoreError
from scoring.models.columns import as_table, read_favourable, read_table, read_target
from scoring.models.scorecard import Scorecard

Floats = NDArray[np.float64]
_PENALTY_BOUND = 20.0
"""The largest sum of the prices that a violated constraint may have (`eps` of fairlearn is 1 over it); our choice."""


class FairlearnMissing(EquiscoreError):  # noqa: N818  (it names what is missing)
    """The reductions need fairlearn, which is not installed."""


def installed() -> bool:
    """Tell whether fairlearn is there."""
    return find_spec("fairlearn") is not None


def _reductions() -> Any:
    if not installed():
        raise FairlearnMissing("fairlearn is not installed. Fix: pip install 'equiscore[notebooks]', or leave the reductions out.")
    from fairlearn import reductions

    return reductions


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of how fairlearn 0.15 uses pandas 3: it works, and the reader can do nothing about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        yield


class ReducedScore(ClassifierMixin, BaseEstimator):
    """A mixture of models that together keep the rates of acceptance of groups near each other (exponentiated gradient).

    Fairlearn's `ExponentiatedGradient` with `DemographicParity` trains `estimator` again and again on relabelled and reweighed people, and
    says how much of each model to use. Its own prediction draws one of them by lot for each person; here the score is the mean of their
    probabilities of the favourable class, weighed by these shares: the same person has the same score twice. It orders people; as each model was
    taught on relabelled people it is no calibrated probability. The promise of the method is about the drawn decisions at `threshold`, not
    about the mean: what it does to groups is measured, as for any other candidate.

    Parameters
    ----------
    estimator : estimator, optional
        What is trained; it must heed `sample_weight`. By default a `Scorecard`.
    difference_bound : float
        Largest difference, in what is learned from, of a group's rate of acceptance to that of everybody.
    threshold : float
        The probability from which a person is accepted, which sets the costs of the two errors, ``threshold`` for a wrong acceptance and
        ``1 - threshold`` for a wrong refusal.
    rounds : int
        At most so many.
    favourable : object
        The class of `y` that is good for the person; by default the second in order.

    Attributes
    ----------
    estimators_ : list of the models used. ``shares_`` : array, the share of each; with ``constant_``, that of the trivial models which
    accept everybody, they add up to at most 1 (models that refuse everybody have the rest).
    classes_, favourable_ : the two classes of `y`, and the favourable one.

    References
    ----------
    Agarwal, Beygelzimer, Dudik, Langford & Wallach 2018, ICML (PMLR 80:60), algorithm 1.
    """

    def __init__(
        self, estimator: Any = None, *, difference_bound: float = 0.02, threshold: float = 0.5, rounds: int = 50, favourable: Any = None
    ) -> None:
        self.estimator = estimator
        self.difference_bound = difference_bound
        self.threshold = threshold
        self.rounds = rounds
        self.favourable = favourable

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, sensitive_features: Any = None) -> Self:
        """Train the mixture; without `sensitive_features` there is nothing to keep together, and it is `estimator` alone.

        Raises
        ------
        EquiscoreError
            Weights beside groups, which fairlearn cannot heed; a threshold that is no probability; fairlearn is not installed.
        """
        if not 0 < self.threshold < 1:
            raise EquiscoreError(f"threshold: {self.threshold} is no probability between 0 and 1. Fix: give one.")
        columns = read_table(self, X, reset=True)
        self.classes_, numbers = read_target(self, y, len(columns[0]))
        self.favourable_ = read_favourable(self.classes_, self.favourable)
        table = as_table(X)
        if sensitive_features is None:
            whole = self._model().fit(table, self.classes_[numbers], sample_weight)
            return self._holding([whole], np.ones(1), 0.0)
        if sample_weight is not None:
            raise EquiscoreError("fairlearn's reductions take no sample weights. Fix: leave the weights or the reductions out.")
        return self._reduced(table, (self.classes_[numbers] == self.favourable_).astype(np.intp), np.asarray(sensitive_features))

    def predict_proba(self, X: Any) -> Floats:
        """Return the mean of the models' probabilities of each class, in the order of ``classes_``."""
        check_is_fitted(self)
        read_table(self, X, reset=False)
        parts = [share * _favourable(model, X) for model, share in zip(self.estimators_, self.shares_, strict=True)]
        chance = np.clip(self.constant_ + np.sum(parts, axis=0), 0.0, 1.0) if parts else np.full(len(as_table(X)), self.constant_)
        return np.stack([1 - chance, chance] if self.favourable_ == self.classes_[1] else [chance, 1 - chance], axis=1)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the favourable class where its mean probability is above one half, else the other."""
        above = (self.predict_proba(X)[:, 1] > 0.5).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[above]
        return predicted

    def _model(self, favourable: Any = None) -> Any:
        model = Scorecard() if self.estimator is None else clone(self.estimator)
        wanted = self.favourable_ if favourable is None else favourable
        return model.set_params(favourable=wanted) if "favourable" in model.get_params() else model

    def _reduced(self, table: Any, good: NDArray[np.intp], groups: NDArray[Any]) -> Self:
        reductions = _reductions()
        costs = {"fp": float(self.threshold), "fn": float(1 - self.threshold)}
        run = reductions.ExponentiatedGradient(
            _ByPlace(self._model(1), table, self.threshold),
            reductions.DemographicParity(difference_bound=self.difference_bound),
            objective=reductions.ErrorRate(costs=costs),
            eps=1 / _PENALTY_BOUND,
            max_iter=self.rounds,
        )
        with _quiet():
            run.fit(np.arange(len(good)).reshape(-1, 1), good, sensitive_features=groups)
        used = [(run.predictors_[place], float(share)) for place, share in run.weights_.sort_index().items() if share > 0]
        models = [(held.model, share) for held, share in used if isinstance(held, _ByPlace)]
        everybody = sum(share for held, share in used if not isinstance(held, _ByPlace) and held.predict([[0]])[0] == 1)
        return self._holding([model for model, _ in models], np.array([share for _, share in models]), everybody)

    def _holding(self, models: list[Any], shares: Floats, constant: float) -> Self:
        self.estimators_, self.shares_, self.constant_ = models, shares, float(constant)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags = get_tags(Scorecard() if self.estimator is None else self.estimator).input_tags
        tags.input_tags.sparse = False
        return tags


def _favourable(model: Any, X: Any) -> Floats:
    """Return the probability of the favourable class: 1 of the relabelled people, or what the model knows itself."""
    wanted = getattr(model, "favourable_", model.classes_[-1])
    chance: Floats = np.asarray(model.predict_proba(X), dtype=np.float64)[:, list(model.classes_).index(wanted)]
    return chance


class _ByPlace:
    """What fairlearn trains: it is given the places of people in a table that it need neither read nor copy."""

    def __init__(self, model: Any, table: Any, threshold: float = 0.5) -> None:
        self.model, self.table, self.threshold = model, table, threshold

    def __deepcopy__(self, memo: Any) -> _ByPlace:
        return _ByPlace(clone(self.model), self.table, self.threshold)

    def fit(self, places: Any, y: Any, sample_weight: Any) -> _ByPlace:
        self.model.fit(_at(self.table, places), np.asarray(y), np.asarray(sample_weight, dtype=np.float64))
        self.chance = _favourable(self.model, self.table)
        return self

    def predict(self, places: Any) -> NDArray[np.intp]:
        # the relabelled problem already holds the costs, so its best answer is the likelier label
        return (self.chance[np.ravel(np.asarray(places, dtype=np.intp))] > 0.5).astype(np.intp)


def _at(table: Any, places: Any) -> Any:
    chosen = np.ravel(np.asarray(places, dtype=np.intp))
    return table.iloc[chosen] if isinstance(table, pd.DataFrame) else np.asarray(table)[chosen]


class _Recorder:
    """What fairlearn's grid trains in the place of a model: it keeps what it was to learn from, so that one point costs one model."""

    def fit(self, places: Any, y: Any, sample_weight: Any) -> _Recorder:  # noqa: ARG002  (as fairlearn calls it)
        self.y, self.weight = np.asarray(y), np.asarray(sample_weight, dtype=np.float64)
        return self

    def predict(self, places: Any) -> NDArray[np.intp]:
        return np.zeros(len(places), dtype=np.intp)


def grid_point(model: Any, X: Any, good: NDArray[np.intp], groups: Any, *, point: int, points: int) -> Any:
    """Train `model` on the people as one point of fairlearn's grid search relabels and reweighs them; return it.

    Parameters
    ----------
    model : estimator
        Unfitted; it heeds `sample_weight`, and 1 is its favourable class.
    X : table (n, features)
    good : ndarray (n,)
        1 favourable, 0 not.
    groups : array-like (n,)
        The level of each person, every one known.
    point, points : int
        Which point, from 0, of how many: each is a price of a difference in the rates of groups.

    Raises
    ------
    EquiscoreError
        A point that makes everybody alike, so that there is nothing to learn; fairlearn is not installed.

    References
    ----------
    Agarwal et al. 2018, section 3.3.
    """
    reductions = _reductions()
    grid = reductions.GridSearch(_Recorder(), reductions.DemographicParity(), grid_size=points)
    with _quiet():
        grid.fit(np.arange(len(good)).reshape(-1, 1), good, sensitive_features=np.asarray(groups))
    if point >= len(grid.predictors_):
        raise EquiscoreError(f"Fairlearn's grid has {len(grid.predictors_)} points here. Fix: ask for one of these.")
    held = grid.predictors_[point]
    if not isinstance(held, _Recorder):
        raise EquiscoreError("At this point of the grid everybody has the same label, so there is nothing to learn. Fix: use another point.")
    return model.fit(X, held.y, held.weight)
