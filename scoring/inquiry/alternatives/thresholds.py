"""Cut-offs by group: the same score is worth more in one group than in another. That treats people by a protected attribute, and says so."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from scoring.models.training import favourable_scores
from scoring.vocabulary import UNKNOWN

Floats = NDArray[np.float64]
_STEPS = 1001


class GroupRanks(ClassifierMixin, BaseEstimator):
    """Score each person by their rank within their own group, so that one cut-off accepts the same share of every group.

    The deterministic counterpart of fairlearn's `ThresholdOptimizer` for demographic parity. **It uses the protected attribute at decision:**
    two people alike in everything but their group may be decided differently. Without `sensitive_features` at prediction, and for who is
    unknown or of a group never seen, the rank is that among everybody.

    Parameters
    ----------
    estimator : estimator
        What scores people before they are ranked.

    Attributes
    ----------
    estimator_ : the fitted estimator. ``classes_``, ``favourable_`` : the two classes of `y`, and the favourable one.
    levels_ : tuple of the groups. ``quantiles_`` : dict, the score at each thousandth of a group, and of everybody.
    """

    def __init__(self, estimator: Any = None, *, favourable: Any = None) -> None:
        self.estimator = estimator
        self.favourable = favourable

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, sensitive_features: Any = None) -> Self:
        """Fit the estimator and note how its scores are spread in each group."""
        model = clone(self.estimator).set_params(favourable=self.favourable)
        self.estimator_ = model.fit(X, y, sample_weight)
        self.classes_ = self.estimator_.classes_
        self.favourable_ = self.classes_[-1] if self.favourable is None else self.favourable
        return self.spread(X, sensitive_features)

    def spread(self, X: Any, sensitive_features: Any = None) -> Self:
        """Note how the scores of these people are spread in each group."""
        scores, groups = favourable_scores(self.estimator_, X), _levels(sensitive_features, len(X))
        self.levels_ = tuple(sorted(set(groups) - {UNKNOWN}))
        steps = np.linspace(0, 1, _STEPS)
        self.quantiles_ = {"": np.quantile(scores, steps)} | {name: np.quantile(scores[groups == name], steps) for name in self.levels_}
        return self

    def predict_proba(self, X: Any, *, sensitive_features: Any = None) -> Floats:
        """Return 1 less the rank, and the rank, of each person, from 0 to 1: an order, not a probability."""
        scores, groups = favourable_scores(self.estimator_, X), _levels(sensitive_features, len(X))
        rank = _rank(scores, self.quantiles_[""])
        for name in self.levels_:
            own = groups == name
            rank[own] = _rank(scores[own], self.quantiles_[name])
        return np.stack([1 - rank, rank] if self.favourable_ == self.classes_[1] else [rank, 1 - rank], axis=1)

    def predict(self, X: Any, *, sensitive_features: Any = None) -> NDArray[Any]:
        """Return the favourable class for the better half of each group."""
        above = (self.predict_proba(X, sensitive_features=sensitive_features)[:, 1] > 0.5).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[above]
        return predicted


def _levels(groups: Any, n: int) -> NDArray[np.object_]:
    if groups is None:
        return np.full(n, UNKNOWN, object)
    column = pd.Series(groups).reset_index(drop=True).astype(object)
    return np.asarray(column.where(column.notna(), UNKNOWN).astype(str).to_numpy(object))


def _rank(scores: Floats, quantiles: Floats) -> Floats:
    """Return the mid-rank of scores among quantiles, from 0 to 1."""
    places = np.searchsorted(quantiles, scores, side="left") + np.searchsorted(quantiles, scores, side="right")
    return np.asarray(places / (2.0 * len(quantiles)))
