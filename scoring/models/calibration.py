"""Scores that mean what they say: probabilities calibrated on people whom the model did not see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from scoring.errors import nearest
from scoring.models.columns import ModelError, as_table, read_favourable, read_table, read_target, read_weights
from scoring.models.folds import deal_folds, people_of
from scoring.models.scorecard import Scorecard

Floats = NDArray[np.float64]

METHODS: Final = ("sigmoid", "isotonic", "temperature")

Method = TypeVar("Method", bound=Callable[..., Any])


def _where(told: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Give a method only to the scores of which something holds, as scikit-learn does."""
    decorated: Callable[[Method], Method] = available_if(told)
    return decorated


class CalibratedScore(ClassifierMixin, BaseEstimator):
    """Another score, with its probabilities mapped to shares that came true.

    The map is fitted on scores that nobody got from a model that saw them: people (`groups`, all rows of one together) are dealt to
    folds, the model of a fold is trained on the others. The score shipped is the model refitted on everybody, behind that one
    map (scikit-learn's ``ensemble=False``). Points of a scorecard stay what they are: the map changes probabilities only.

    Parameters
    ----------
    estimator : classifier of two classes
        What scores; by default a `Scorecard`. Its log-odds (`decision_function`, else those of its probability) are what is mapped.
    method : str
        ``sigmoid``: intercept and slope of the log-odds (Platt 1999; two numbers, safe on few people). ``temperature``: a slope
        alone (Guo et al. 2017; changes no order, leaves even odds even, so moves the mean). ``isotonic``: rising steps (Zadrozny & Elkan 2002; any
        shape, but people who differed may come out equal; not under some 1,000 people).
    folds, seed : int
        Into how many folds people are dealt, and by what chance.
    favourable : object
        The class of `y` that is good for the person; handed to the estimator if it takes one.

    Attributes
    ----------
    classes_, favourable_ : the two classes of `y`, and the favourable one.
    estimator_ : the score, fitted on everybody.
    slope_, intercept_ : float, of ``sigmoid`` and ``temperature`` (its 0): log-odds of ``classes_[1]``, calibrated = slope * raw + intercept.
    steps_ : ndarray (2, number of steps), of ``isotonic``: raw log-odds and the probability there, straight lines between.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(300, 1)), rng.random(300) < 0.5
    >>> CalibratedScore(method="temperature", folds=3).fit(X, y, groups=np.arange(300) // 2).predict_proba(X[:1]).shape
    (1, 2)
    """

    def __init__(self, estimator: Any = None, *, method: str = "sigmoid", folds: int = 5, seed: int = 0, favourable: Any = None) -> None:
        self.estimator = estimator
        self.method = method
        self.folds = folds
        self.seed = seed
        self.favourable = favourable

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Score everybody by models that did not see them, fit the map on these scores, then the model on everybody.

        Raises
        ------
        ModelError
            An unknown method, an estimator that heeds no weights, too few people of a class for the folds.
        """
        if self.method not in METHODS:
            near = nearest(str(self.method), METHODS)
            said = f" (was {near!r} meant?)" if near else ""
            raise ModelError(f"No calibration {self.method!r}{said}. Fix: use one of {', '.join(METHODS)}.")
        X = as_table(X)
        n_rows = len(read_table(self, X, reset=True)[0])
        X = X if isinstance(X, pd.DataFrame) else np.asarray(X)
        self.classes_, numbers = read_target(self, y, n_rows)
        self.favourable_ = read_favourable(self.classes_, self._asked())
        weights = None if sample_weight is None else read_weights(sample_weight, len(X))
        self.estimator_ = self._fitted(X, numbers, weights)
        raw = self._unseen(X, numbers, weights, people_of(groups, len(X)))
        held = np.ones(len(X), bool) if weights is None else weights > 0
        self._map(raw[held], numbers[held], None if weights is None else weights[held])
        return self

    def _asked(self) -> Any:
        return getattr(self.estimator, "favourable", None) if self.favourable is None else self.favourable

    def _fitted(self, X: Any, numbers: NDArray[np.intp], weights: Floats | None) -> Any:
        made = Scorecard() if self.estimator is None else clone(self.estimator)
        if "favourable" in made.get_params():
            made.set_params(favourable=self.favourable_)
        if weights is not None and not has_fit_parameter(made, "sample_weight"):
            raise ModelError(f"{type(made).__name__}.fit takes no sample_weight. Fix: leave the weights out, or use an estimator that heeds them.")
        return made.fit(X, self.classes_[numbers], **({} if weights is None else {"sample_weight": weights}))

    def _unseen(self, X: Any, numbers: NDArray[np.intp], weights: Floats | None, people: NDArray[np.intp]) -> Floats:
        """Return the log-odds of each row by a model that saw nothing of that person."""
        learning = np.ones(len(X), np.intp) if weights is None else (weights > 0).astype(np.intp)
        outcome = learning * np.where(self.classes_[numbers] == self.favourable_, 2, 1)
        dealt = deal_folds(people, outcome, folds=self.folds, seed=self.seed)
        raw = np.empty(len(X))
        for fold in range(self.folds):
            here = dealt == fold
            model = self._fitted(X[~here], numbers[~here], None if weights is None else weights[~here])
            raw[here] = raw_log_odds(model, X[here])
        return raw

    def _map(self, raw: Floats, numbers: NDArray[np.intp], weights: Floats | None) -> None:
        """Fit scikit-learn's calibrator on the scores and keep its numbers: a file of them is read without its private classes."""
        everyone = np.arange(len(raw))
        calibrated = CalibratedClassifierCV(GivenLogOdds(), method=self.method, cv=[(everyone, everyone)], ensemble=False)
        with config_context(enable_metadata_routing=False):  # nothing is routed within
            calibrated.fit(raw[:, None], numbers, sample_weight=weights)
        calibrator = calibrated.calibrated_classifiers_[0].calibrators[0]
        _KEPT[self.method](self, calibrator)

    def predict_proba(self, X: Any) -> Floats:
        """Return the calibrated probability of each class, in the order of ``classes_``."""
        check_is_fitted(self)
        raw = raw_log_odds(self.estimator_, as_table(X))
        if self.method == "isotonic":
            second = np.interp(raw, *self.steps_)
            return np.stack([1 - second, second], axis=1)
        return np.stack([expit(-self._calibrated(raw)), expit(self._calibrated(raw))], axis=1)

    def _calibrated(self, raw: Floats) -> Floats:
        return self.slope_ * raw + self.intercept_

    @_where(lambda self: self.method != "isotonic")
    def decision_function(self, X: Any) -> Floats:
        """Return the calibrated log-odds of ``classes_[1]``; not of ``isotonic``, whose ends may be 0 and 1."""
        check_is_fitted(self)
        return self._calibrated(raw_log_odds(self.estimator_, as_table(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier class by the calibrated probability."""
        likelier = (self.predict_proba(X)[:, 1] > 0.5).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[likelier]
        return predicted

    @_where(lambda self: _has(self, "score_points"))
    def score_points(self, X: Any) -> NDArray[Any]:
        """Return the points of the card, which calibration does not touch."""
        return self.estimator_.score_points(X)

    @_where(lambda self: _has(self, "points_by_feature"))
    def points_by_feature(self, X: Any) -> Any:
        """Return what each feature gave each person in points, as the card does."""
        return self.estimator_.points_by_feature(X)

    @_where(lambda self: _has(self, "points_table"))
    def points_table(self) -> Any:
        """Return the card."""
        return self.estimator_.points_table()

    @property
    def base_(self) -> float:
        """Points that everybody gets, of a card."""
        return float(self.estimator_.base_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags = get_tags(Scorecard() if self.estimator is None else self.estimator).input_tags
        return tags


class GivenLogOdds(ClassifierMixin, BaseEstimator):
    """A score that is known already: the one column is the log-odds of the second class."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:  # noqa: ARG002  (scikit-learn's signature)
        """Note the classes."""
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return the column."""
        return np.asarray(X, np.float64)[:, 0]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likelier class."""
        predicted: NDArray[Any] = self.classes_[(self.decision_function(X) > 0).astype(np.intp)]
        return predicted


def _keep_sigmoid(score: CalibratedScore, fitted: Any) -> None:
    score.slope_, score.intercept_ = -float(fitted.a_), -float(fitted.b_)  # Platt's signs: 1 / (1 + exp(a f + b))


def _keep_temperature(score: CalibratedScore, fitted: Any) -> None:
    score.slope_, score.intercept_ = 2 * float(fitted.beta_), 0.0  # its softmax weighs -f against f


def _keep_isotonic(score: CalibratedScore, fitted: IsotonicRegression) -> None:
    score.steps_ = np.stack([fitted.X_thresholds_, fitted.y_thresholds_])


_KEPT: Mapping[str, Callable[[CalibratedScore, Any], None]] = {
    "sigmoid": _keep_sigmoid,
    "isotonic": _keep_isotonic,
    "temperature": _keep_temperature,
}


def _has(score: CalibratedScore, name: str) -> bool:
    return hasattr(score.estimator_ if hasattr(score, "estimator_") else score.estimator or Scorecard(), name)


def raw_log_odds(fitted: Any, X: Any) -> Floats:
    """Return the log-odds of ``classes_[1]`` of a fitted classifier of two classes; of a probability, kept 1e-12 away from 0 and 1."""
    if hasattr(fitted, "decision_function"):
        return np.asarray(fitted.decision_function(X), np.float64)
    return np.asarray(logit(np.clip(np.asarray(fitted.predict_proba(X), np.float64)[:, 1], 1e-12, 1 - 1e-12)), np.float64)
