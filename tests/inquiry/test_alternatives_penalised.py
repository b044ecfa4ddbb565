"""The penalised card is the optimum of what its text says, an ordinary card, and the unpenalised one at strength 0."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from scoring.errors import EquiscoreError
from scoring.inquiry.alternatives.penalised import penalised_scorecard
from scoring.inquiry.membership import Membership
from scoring.models.scorecard import Scorecard


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(3)
    n = 1200
    sex = rng.integers(0, 2, n)
    years = rng.integers(0, 20, n) * (1 + sex)
    income = rng.normal(size=n)
    y = (0.08 * years + 0.6 * income + rng.logistic(size=n) > 0.8).astype(float)
    y[rng.random(n) < 0.1] = np.nan
    codes = np.where(rng.random(n) < 0.05, -1, sex).astype(np.intp)
    return pd.DataFrame({"years": years, "income": income}), y, Membership("sex", ("F", "M"), codes)


def objective(card, made, weight, strength):
    """The sum of the docstring, written out."""
    X, y, held = made
    evidence = card.binner_.transform(X)[:, [bins.name in card.features_ for bins in card.binner_.bins_]]
    known, there = ~np.isnan(y), held.codes >= 0

    def value(at):
        line = at[0] + evidence[known] @ at[1:]
        likelihood = weight[known] @ np.where(y[known] == 1, np.log1p(np.exp(-line)), np.log1p(np.exp(line)))
        score = (evidence @ at[1:])[there]
        charged = 0.0
        for level in range(2):
            member = held.codes[there] == level
            share = np.average(member, weights=weight[there])
            cov = np.average((member - share) * score, weights=weight[there])
            charged += cov**2 / (share * (1 - share))
        return likelihood + at[1:] @ at[1:] / 2 + strength * weight[known].sum() / 2 * charged

    return value


@pytest.mark.parametrize("strength", [0.5, 20.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_card_is_the_optimum_of_the_stated_sum(made, strength, weighted):
    X, y, held = made
    weight = np.random.default_rng(5).integers(1, 4, len(X)).astype(float) if weighted else np.ones(len(X))
    card = penalised_scorecard(X, y, [held], strength=strength, sample_weight=weight if weighted else None)
    value = objective(card, made, weight, strength)
    other = minimize(value, np.zeros(1 + len(card.coef_)), method="BFGS", options={"gtol": 1e-6})
    assert [card.intercept_, *card.coef_] == pytest.approx(other.x, abs=2e-4)
    assert value(np.array([card.intercept_, *card.coef_])) <= other.fun + 1e-8


def test_at_strength_0_it_is_the_scorecard(made):
    X, y, held = made
    known = ~np.isnan(y)
    plain = Scorecard(favourable=1.0).fit(X[known], y[known])
    assert penalised_scorecard(X, y, [held], strength=0.0).score_points(X).tolist() == plain.score_points(X).tolist()
    nearly = penalised_scorecard(X, y, [held], strength=1e-12)
    assert nearly.coef_ == pytest.approx(plain.coef_, abs=1e-6)


def test_the_gap_in_the_score_falls_with_the_strength(made):
    X, y, held = made
    gaps = []
    for strength in (0.0, 1.0, 10.0, 100.0):
        score = penalised_scorecard(X, y, [held], strength=strength).log_odds(X)
        gaps.append(abs(score[held.codes == 1].mean() - score[held.codes == 0].mean()))
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.05 * gaps[0]


def test_points_are_those_of_an_ordinary_card(made):
    X, y, held = made
    card = penalised_scorecard(X, y, [held], strength=3.0, round_points=False)
    assert card.points_by_feature(X).sum(axis=1).to_numpy() == pytest.approx(card.score_points(X))
    factor = card.pdo / np.log(2)
    assert card.score_points(X) == pytest.approx(card.base_points - factor * np.log(card.base_odds) + factor * card.log_odds(X))
    again = Scorecard.from_dict(card.to_dict())  # refuses points that are not those of the evidence
    assert again.score_points(X).tolist() == card.score_points(X).tolist()
    assert type(card) is Scorecard


def test_a_group_that_is_everybody_or_nobody_is_no_fault(made):
    X, y, _ = made
    alone = Membership("one", ("a",), np.zeros(len(X), np.intp))
    nobody = Membership("none", (), np.full(len(X), -1, np.intp))
    plain = penalised_scorecard(X, y, [], strength=1.0)
    assert penalised_scorecard(X, y, [alone, nobody], strength=1.0).coef_ == pytest.approx(plain.coef_, abs=1e-8)


@pytest.mark.parametrize("strength", [-1.0, float("nan")])
def test_a_strength_that_is_none_is_refused(made, strength):
    X, y, held = made
    with pytest.raises(EquiscoreError, match="Fix: give 0 or more"):
        penalised_scorecard(X, y, [held], strength=strength)
