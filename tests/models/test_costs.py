import numpy as np
import pytest
from sklearn import config_context
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV, cross_validate

from scoring.errors import EquiscoreError
from scoring.models.costs import cost_scorer, decision_cost
from scoring.models.cutoffs import choose_cutoff
from scoring.models.logistic import LogisticScore


@pytest.fixture(scope="module")
def lent(people):
    rng = np.random.default_rng(4)
    return *people, rng.lognormal(6, 1, len(people[1])), rng.lognormal(4, 1, len(people[1]))


def test_the_cost_of_decisions_is_the_sum_by_hand():
    y, told, loss, margin, weights = [1, 0, 0, 1], [1, 1, 0, 0], [9, 300, 800, 9], [7, 7, 7, 40], [1, 2, 1, 1]
    assert decision_cost(y, told, wrongly_accepted=loss, wrongly_refused=margin, sample_weight=weights) == (2 * 300 + 40) / 5
    assert decision_cost(["a", "b"], ["b", "a"], favourable="b", wrongly_accepted=3, wrongly_refused=5) == (3 + 5) / 2


@pytest.mark.parametrize("favourable", ["good", "bad"])
def test_scikit_learns_tuned_threshold_finds_the_same_least_cost(lent, favourable):
    """Second road: every threshold between two probabilities is tried by scikit-learn, amounts routed row by row."""
    X, y, loan, margin = lent
    fitted = LogisticScore(favourable=favourable).fit(X, y)
    p = fitted.predict_proba(X)[:, list(fitted.classes_).index(favourable)]
    ours = choose_cutoff(p, rule="cost", outcome=y == favourable, wrongly_accepted=loan, wrongly_refused=margin)
    decided = np.where(p >= ours.value, favourable, "other")
    least = decision_cost(y, decided, favourable=favourable, wrongly_accepted=loan, wrongly_refused=margin)
    edges = np.unique(fitted.predict_proba(X)[:, 1])
    between = np.concatenate([[0.0], (edges[1:] + edges[:-1]) / 2, [1.0]])
    with config_context(enable_metadata_routing=True):
        tuned = TunedThresholdClassifierCV(FrozenEstimator(fitted), scoring=cost_scorer(favourable), thresholds=between, cv="prefit", refit=False)
        tuned.fit(X, y, wrongly_accepted=loan, wrongly_refused=margin)
    assert -tuned.best_score_ == pytest.approx(least)


def test_amounts_are_routed_through_cross_validation_and_search(lent):
    X, y, loan, margin = lent
    amounts = {"wrongly_accepted": loan, "wrongly_refused": margin}
    with config_context(enable_metadata_routing=True):
        tuned = TunedThresholdClassifierCV(LogisticScore(), scoring=cost_scorer("good"), thresholds=20, cv=3)
        done = cross_validate(tuned, X, y, scoring=cost_scorer("good"), params=amounts, cv=3)
        untuned = cross_validate(LogisticScore(), X, y, scoring=cost_scorer("good"), params=amounts, cv=3)
        search = GridSearchCV(LogisticScore(), {"C": [0.01, 1.0]}, scoring=cost_scorer("good", wrongly_refused=5.0), cv=3)
        search.fit(X, y, wrongly_accepted=loan)
    assert done["test_score"].mean() > untuned["test_score"].mean()  # cheaper than the likelier class
    assert search.best_score_ <= 0


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(EquiscoreError, match=r"routed as metadata\. Fix: sklearn\.set_config"):
        cost_scorer("good")
    with config_context(enable_metadata_routing=True), pytest.raises(EquiscoreError, match="no cost of a decision"):
        cost_scorer("good", wrong=1.0)
    with pytest.raises(EquiscoreError, match="1 of the 1 amounts needed"):
        decision_cost([0, 1], [1, 1], wrongly_accepted=[np.nan, 1])
