import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.neighbors import KNeighborsClassifier

from scoring.errors import EquiscoreError
from scoring.models.boosting import GradientBoosting
from scoring.models.calibration import METHODS, CalibratedScore
from scoring.models.folds import deal_folds, people_of
from scoring.models.logistic import LogisticScore
from scoring.models.scorecard import Scorecard
from scoring.models.training import cross_fit, favourable_scores, make_engine

LOG = []


class Spy(ClassifierMixin, BaseEstimator):
    """Fails when it is asked to score, in order to be calibrated, somebody whom it was trained on; the last fit is the one shipped."""

    def fit(self, X, y):
        self.classes_, self.n_features_in_ = np.unique(y), X.shape[1]
        self.seen_ = set(X["person"])
        return self

    def decision_function(self, X):
        LOG.append(bool(self.seen_ & set(X["person"])))
        return np.linspace(-1, 1, len(X))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_nobody_is_calibrated_by_a_model_that_saw_them(seed):
    rng = np.random.default_rng(seed)
    X, y = pd.DataFrame({"person": rng.integers(0, 50, 150)}), rng.integers(0, 2, 150)
    LOG.clear()
    CalibratedScore(Spy(), folds=4).fit(X, y, groups=X["person"])
    assert LOG == [False] * 4


def test_cross_fitting_hands_the_persons_on(people):
    """Within a fold of the study too: the spy is calibrated on rows whose person it saw only if the groups got lost."""
    rng = np.random.default_rng(0)
    X, y = pd.DataFrame({"person": rng.integers(0, 60, 300)}), rng.integers(0, 2, 300).astype(float)
    LOG.clear()
    cross_fit(CalibratedScore(Spy(), folds=3), X, y, groups=X["person"], seed=1, folds=3)
    assert not any(LOG)
    assert len(LOG) == 3 * (3 + 1) + 3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_scikit_learns_calibration_on_the_same_folds(people, method, weighted):
    X, y = people
    weights = np.random.default_rng(0).integers(1, 4, len(X)).astype(float) if weighted else None
    groups = np.arange(len(X)) // 2
    ours = CalibratedScore(LogisticScore(), method=method, folds=4, seed=3).fit(X, y, sample_weight=weights, groups=groups)
    dealt = deal_folds(people_of(groups, len(X)), 1 + (y == "good").to_numpy().astype(int), folds=4, seed=3)
    splits = [(np.flatnonzero(dealt != fold), np.flatnonzero(dealt == fold)) for fold in range(4)]
    theirs = CalibratedClassifierCV(LogisticScore(), method=method, cv=splits, ensemble=False).fit(X, y, sample_weight=weights)
    assert ours.predict_proba(X) == pytest.approx(theirs.predict_proba(X), abs=1e-9)
    assert (ours.predict(X) == theirs.predict(X)).all()


@pytest.mark.parametrize("method", METHODS)
def test_points_stay_points(people, method):
    X, y = people
    made, card = CalibratedScore(Scorecard(favourable="bad"), method=method).fit(X, y), Scorecard(favourable="bad").fit(X, y)
    assert (made.score_points(X) == card.score_points(X)).all()
    assert made.points_table().equals(card.points_table())
    assert made.points_by_feature(X).equals(card.points_by_feature(X))
    assert (favourable_scores(made, X) == card.score_points(X)).all()
    assert made.favourable_ == "bad"
    assert not (made.predict_proba(X) == card.predict_proba(X)).all()


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_rise_with_the_score_and_one_row_is_that_row_of_many(people, method):
    X, y = people
    made = CalibratedScore(GradientBoosting(max_iter=30), method=method, folds=3).fit(X, y)
    raw, p = made.estimator_.decision_function(X), made.predict_proba(X)
    assert (np.diff(p[np.argsort(raw), 1]) >= 0).all()
    assert p.sum(axis=1) == pytest.approx(1)
    assert all((made.predict_proba(X.iloc[[i]])[0] == p[i]).all() for i in (0, 7, 399))


def test_log_odds_are_those_of_the_probability_where_there_are_any(people):
    X, y = people
    made = CalibratedScore(LogisticScore()).fit(X, y)
    p = made.predict_proba(X)
    assert np.log(p[:, 1] / p[:, 0]) == pytest.approx(made.decision_function(X))
    assert not hasattr(CalibratedScore(LogisticScore(), method="isotonic"), "decision_function")
    assert not hasattr(made, "score_points")


def test_it_mends_a_score_that_exaggerates():
    """Trees of a pure noise feature beside a true one are too sure; the slope out of fold comes near 1."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame({"x": rng.normal(size=800), "noise": rng.normal(size=800)})
    y = (1.5 * X["x"] + rng.logistic(size=800) > 0).astype(float)
    sure = {"learning_rate": 0.3, "max_leaf_nodes": 31, "l2_regularization": 0.0, "max_features": 1.0, "max_iter": 40}
    plain, mended = (cross_fit(make_engine("gradient_boosting", calibration=how, **sure), X, y, seed=0).calibration for how in ("none", "sigmoid"))
    assert plain.slope < 0.7
    assert 0.8 < mended.slope < 1.2
    assert mended.brier < plain.brier


def test_rows_of_no_weight_are_nobody(people):
    X, y = people
    weights = (np.arange(len(X)) % 5 > 0).astype(float)
    made = CalibratedScore(LogisticScore()).fit(X, y, sample_weight=weights)
    other = CalibratedScore(LogisticScore()).fit(X, np.where(weights > 0, y, "bad"), sample_weight=weights)
    assert made.predict_proba(X) == pytest.approx(other.predict_proba(X), abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "beside", "says"),
    [
        ({"method": "isotonicc"}, {}, "was 'isotonic' meant"),
        ({"folds": 1}, {}, "at least 2 folds"),
        ({"folds": 300}, {}, "for 300 folds"),
        ({"estimator": KNeighborsClassifier()}, {"sample_weight": np.ones(400)}, "takes no sample_weight"),
        ({}, {"groups": [None] * 400}, "do not say whose they are"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(people, arguments, beside, says):
    X = people[0][["income"]] if "estimator" in arguments else people[0]
    with pytest.raises(EquiscoreError, match=says) as refused:
        CalibratedScore(**arguments).fit(X, people[1], **beside)
    assert "Fix:" in str(refused.value)
