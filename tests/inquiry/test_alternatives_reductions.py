"""Fairlearn's reductions behind our estimators: the mixture is theirs, no lot is drawn, no group is asked for at prediction."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from scoring.errors import EquiscoreError
from scoring.inquiry.alternatives import reductions as module
from scoring.inquiry.alternatives.reductions import ReducedScore, grid_point, installed
from scoring.inquiry.alternatives.thresholds import GroupRanks
from scoring.models.scorecard import Scorecard

there = pytest.mark.skipif(not installed(), reason="fairlearn is not installed")

QUIET = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # how fairlearn 0.15 uses pandas 3


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(2)
    n = 300
    group = rng.choice(["a", "b"], n)
    X = pd.DataFrame({"one": rng.normal(size=n) + (group == "a"), "two": rng.normal(size=n)})
    good = (X["one"] + X["two"] + rng.logistic(size=n) > 0).astype(int).to_numpy()
    return X, good, group


@parametrize_with_checks([ReducedScore(), ReducedScore(LogisticRegression())])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@there
@QUIET
@pytest.mark.slow
def test_the_mixture_is_that_of_fairlearn(made):
    from fairlearn.reductions import DemographicParity, ErrorRate, ExponentiatedGradient

    X, good, group = made
    ours = ReducedScore(LogisticRegression(), threshold=0.5, rounds=4).fit(X, good, sensitive_features=group)
    theirs = ExponentiatedGradient(
        LogisticRegression(), DemographicParity(difference_bound=0.02), objective=ErrorRate(costs={"fp": 0.5, "fn": 0.5}), eps=0.05, max_iter=4
    ).fit(X, good, sensitive_features=group)
    used = theirs.weights_[theirs.weights_ > 0]
    mean = sum(share * theirs.predictors_[place].predict_proba(X)[:, 1] for place, share in used.items())
    assert ours.predict_proba(X)[:, 1] == pytest.approx(mean, abs=1e-9)
    assert ours.shares_.sum() + ours.constant_ == pytest.approx(1)


@there
def test_the_same_person_has_the_same_score_twice_and_alone(made):
    X, good, group = made
    fitted = ReducedScore(LogisticRegression(), rounds=3).fit(X, good, sensitive_features=group)
    assert fitted.predict_proba(X).tolist() == fitted.predict_proba(X).tolist()
    assert fitted.predict_proba(X.iloc[[7]])[0] == pytest.approx(fitted.predict_proba(X)[7], abs=1e-12)


@there
@pytest.mark.slow
def test_the_constraint_narrows_the_gap(made):
    X, good, group = made
    plain = LogisticRegression().fit(X, good).predict_proba(X)[:, 1]
    held = ReducedScore(LogisticRegression(), rounds=8).fit(X, good, sensitive_features=group).predict_proba(X)[:, 1]
    gaps = [abs((score > 0.5)[group == "a"].mean() - (score > 0.5)[group == "b"].mean()) for score in (plain, held)]
    assert gaps[1] < gaps[0] / 2


@there
@QUIET
def test_a_point_of_the_grid_is_that_of_fairlearn(made):
    from fairlearn.reductions import DemographicParity, GridSearch

    X, good, group = made
    theirs = GridSearch(LogisticRegression(), DemographicParity(), grid_size=5).fit(X, good, sensitive_features=group)
    for point in (0, 3):
        ours = grid_point(LogisticRegression(), X, good, group, point=point, points=5)
        assert ours.coef_ == pytest.approx(theirs.predictors_[point].coef_)


@there
def test_weights_beside_groups_are_refused(made):
    X, good, group = made
    with pytest.raises(EquiscoreError, match="take no sample weights"):
        ReducedScore().fit(X, good, np.ones(len(X)), sensitive_features=group)


def test_without_fairlearn_it_says_so(made, monkeypatch):
    X, good, group = made
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(EquiscoreError, match="Fix: pip install"):
        ReducedScore(LogisticRegression()).fit(X, good, sensitive_features=group)


def test_without_groups_it_is_the_estimator_alone(made):
    X, good, _ = made
    assert ReducedScore(LogisticRegression()).fit(X, good).predict_proba(X) == pytest.approx(LogisticRegression().fit(X, good).predict_proba(X))


def test_ranks_accept_the_same_share_of_each_group_and_do_without_it(made):
    X, good, group = made
    fitted = GroupRanks(Scorecard(round_points=False), favourable=1).fit(X, good, sensitive_features=group)
    rank = fitted.predict_proba(X, sensitive_features=group)[:, 1]
    for share in (0.2, 0.6):
        rates = [(rank >= 1 - share)[group == name].mean() for name in ("a", "b")]
        assert rates == pytest.approx([share, share], abs=0.05)
    alone = fitted.predict_proba(X)[:, 1]
    order = np.argsort(fitted.estimator_.score_points(X), kind="stable")
    assert (np.diff(alone[order]) >= 0).all()
    assert set(fitted.predict(X, sensitive_features=group)) == {0, 1}
    assert clone(fitted).get_params()["favourable"] == 1
