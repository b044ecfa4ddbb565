# ruff: noqa: PD011  (the values of Contributions are no pandas)
"""Parts that add up to the score of every person, or a refusal that says by how much they do not."""

import sys
import warnings
from importlib import util
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from scoring.errors import EquiscoreError
from scoring.inquiry import attribution
from scoring.inquiry.attribution import Contributions, NotAdditive, contributions
from scoring.models import Scorecard
from scoring.models.boosting import GradientBoosting
from scoring.models.threads import one_thread

HAS_SHAP = util.find_spec("shap") is not None
needs_shap = pytest.mark.skipif(not HAS_SHAP, reason="the extra shap is not installed")


@pytest.fixture
def without_shap(monkeypatch):
    monkeypatch.setattr(attribution.util, "find_spec", lambda _: None)


def numbers(n=600, seed=3):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=["a", "b", "c", "d"])
    X.loc[rng.random(n) < 0.1, "b"] = np.nan
    X["d"] = rng.integers(0, 12, n).astype(float)
    hidden = X["a"] * X["b"].fillna(0) + 2 * X["d"].isin([1, 4, 7]) + rng.normal(size=n)
    return X, (hidden > 0).to_numpy()


def fitted(model, X, y):
    with one_thread():  # threads of small trees wait for each other on a busy machine
        return model.fit(X, y)


def assert_adds_up(found, score):
    assert np.abs(found.values.sum(axis=1) + found.base - score).max() <= 1e-9 * max(1.0, np.abs(score).max())
    np.testing.assert_array_equal(found.total, score)


# -- exact roads


def test_the_parts_of_the_sample_card_are_its_points_for_every_row(credit_study, credit):
    X, _, _ = credit
    found = contributions(credit_study.estimator, X)
    assert (found.scale, found.method, found.names) == ("points", "points", credit_study.estimator.features_)
    assert_adds_up(found, credit_study.estimator.score_points(X))
    table = credit_study.estimator.points_table().set_index(["feature", "bin"])["points"]
    own = X["housing"].iloc[0]
    assert found.values[0, found.names.index("housing")] == table["housing", own]


@pytest.mark.parametrize("rounded", [True, False])
def test_a_card_with_unrounded_points_adds_up_too(credit, rounded):
    X, y, _ = credit
    card = Scorecard(round_points=rounded).fit(X, y)
    assert_adds_up(contributions(card, X), card.score_points(X))


def test_the_glass_box_adds_up_on_every_row_of_the_credit_sample(credit):
    X, y, _ = credit
    model = GradientBoosting(interactions=False, max_iter=100).fit(X, y)
    found = contributions(model, X)
    assert (found.scale, found.method) == ("log-odds", "curves")
    assert_adds_up(found, model.decision_function(X))


def test_the_glass_box_adds_up_on_every_row_of_the_made_sample(instalments):
    table, rule = instalments
    X = table[[*rule.names, "spend_12m_eur", "recency_days", "loyalty_card"]].assign(spend_12m_eur=table["spend_12m_eur"].astype(float))
    model = GradientBoosting(interactions=False, max_iter=60).fit(X, table["accepted"])
    assert_adds_up(contributions(model, X), model.decision_function(X))


def test_the_old_rule_of_the_made_sample_is_the_sum_of_its_table(instalments):
    _, rule = instalments
    assert rule.deviation == 0.0


def test_curves_are_those_that_the_trees_of_each_feature_add_up_to():
    X, y = numbers()
    model = fitted(HistGradientBoostingClassifier(interaction_cst="no_interactions", max_iter=40), X.to_numpy(), y)
    reference = np.zeros((1, 4))
    found = contributions(model, X.to_numpy(), reference=reference)
    by_trees = np.zeros((len(X) + 1, 4))
    known, places = model._bin_mapper.make_known_categories_bitsets()
    rows = np.ascontiguousarray(np.vstack([X.to_numpy(), reference]))
    for (tree,) in model._predictors:
        feature = int(tree.nodes["feature_idx"][0])
        by_trees[:, feature] += tree.predict(rows, known, places, 1)
    np.testing.assert_allclose(found.values, by_trees[:-1] - by_trees[-1], atol=1e-12)


def test_of_a_logistic_regression_the_part_is_coefficient_times_distance_from_the_reference():
    X, y = numbers()
    X = X.fillna(0.0)
    model = LogisticRegression().fit(X, y)
    found = contributions(model, X, reference=X.iloc[[7]])
    np.testing.assert_allclose(found.values, (X - X.iloc[7]) * model.coef_[0], atol=1e-12)
    assert found.base == pytest.approx(model.decision_function(X.iloc[[7]])[0])


def test_a_pipeline_gives_the_parts_of_its_own_columns(credit):
    X, y, _ = credit
    X = X[["duration_in_month", "credit_amount", "housing", "purpose"]]
    scaled = make_column_transformer((StandardScaler(), ["duration_in_month", "credit_amount"]), (OneHotEncoder(), ["housing", "purpose"]))
    model = make_pipeline(scaled, LogisticRegression()).fit(X, y)
    found = contributions(model, X)
    assert found.names == tuple(X.columns)
    assert_adds_up(found, model.decision_function(X))
    coefficient = dict(zip(model[0].get_feature_names_out(), model[1].coef_[0], strict=True))
    per_month = coefficient["standardscaler__duration_in_month"] / model[0].named_transformers_["standardscaler"].scale_[0]
    np.testing.assert_allclose(found.values[:, 0], per_month * (X["duration_in_month"] - X["duration_in_month"].median()), atol=1e-12)


def test_parts_rise_towards_the_favourable_class():
    X, y = numbers()
    model = GradientBoosting(interactions=False, max_iter=20)
    up, down = (contributions(model.set_params(favourable=side).fit(X, y), X) for side in (True, False))
    np.testing.assert_allclose(up.values, -down.values, atol=1e-12)
    plain = fitted(HistGradientBoostingClassifier(interaction_cst="no_interactions", max_iter=20), X, y)
    assert_adds_up(contributions(plain, X, favourable=False), -plain.decision_function(X))


def test_the_reference_moves_the_base_and_no_difference_between_people():
    X, y = numbers()
    model = GradientBoosting(interactions=False, max_iter=20).fit(X, y)
    one, other = contributions(model, X), contributions(model, X, reference=X.iloc[[5]])
    np.testing.assert_allclose(one.values - one.values[0], other.values - other.values[0], atol=1e-12)
    assert not other.values[5].any()


def test_the_order_of_rows_moves_the_parts_with_their_people():
    X, y = numbers()
    model = GradientBoosting(interactions=False, max_iter=20).fit(X, y)
    order = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_array_equal(contributions(model, X.iloc[order]).values, contributions(model, X).values[order])


def test_a_feature_that_is_constant_or_missing_for_all_has_no_part():
    X, y = numbers()
    X = X.assign(same=1.0, word="x")
    assert not contributions(GradientBoosting(interactions=False, max_iter=20).fit(X, y), X).values[:, -2:].any()
    X = X.assign(gone=np.nan)
    assert not contributions(Scorecard(min_iv=0).fit(X, y), X).values[:, -3:].any()


# -- refusals


def test_boosting_with_interactions_is_refused_by_name_and_size(without_shap):
    X, y = numbers()
    with pytest.raises(NotAdditive, match=r"GradientBoosting: the parts miss the score \(log-odds\) by up to \d.*1e-09.*Fix:"):
        contributions(GradientBoosting(max_iter=40).fit(X, y), X)


def test_products_of_features_are_refused(without_shap):
    X, y = numbers()
    X = X.fillna(0.0)
    model = make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression()).fit(X, y)
    with pytest.raises(NotAdditive, match="Pipeline"):
        contributions(model, X)


def test_parts_that_do_not_add_up_cannot_be_made():
    with pytest.raises(NotAdditive, match="by up to 1,"):
        Contributions(("a",), np.ones((2, 1)), 0.0, np.array([1.0, 2.0]))
    with pytest.raises(NotAdditive, match="nan"):
        Contributions(("a",), np.array([[np.nan]]), 0.0, np.array([1.0]))
    with pytest.raises(EquiscoreError, match="shape"):
        Contributions(("a", "b"), np.ones((2, 1)), 0.0, np.ones(2))


@pytest.mark.parametrize("large", [1e6, 1e-3])
def test_rounding_is_measured_by_the_size_of_the_score(large):
    assert Contributions(("a",), np.array([[large * (1 + 1e-13)]]), 0.0, np.array([large])).deviation < 1e-6
    with pytest.raises(NotAdditive):
        Contributions(("a",), np.array([[large + max(1.0, large) * 1e-8]]), 0.0, np.array([large]))


def test_one_row_needs_somebody_to_be_counted_from():
    X, y = numbers()
    model = GradientBoosting(interactions=False, max_iter=20).fit(X, y)
    with pytest.raises(EquiscoreError, match="reference="):
        contributions(model, X.iloc[[0]])
    alone, among = contributions(model, X.iloc[[3]], reference=X.iloc[[9]]), contributions(model, X, reference=X.iloc[[9]])
    np.testing.assert_array_equal(alone.values[0], among.values[3])


def test_three_classes_are_refused():
    X, _ = numbers()
    model = LogisticRegression().fit(X.fillna(0.0), np.arange(len(X)) % 3)
    with pytest.raises(EquiscoreError, match="3 classes"):
        contributions(model, X.fillna(0.0))


# -- TreeSHAP


def stub_of_shap(values, base):
    explainer = SimpleNamespace(shap_values=lambda *_, **__: values, expected_value=base)
    return SimpleNamespace(TreeExplainer=lambda _: explainer)


def test_tree_shap_that_does_not_add_up_is_refused_whatever_it_says_itself(monkeypatch):
    X, y = numbers()
    model = GradientBoosting(max_iter=40).fit(X, y)
    monkeypatch.setattr(attribution.util, "find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "shap", stub_of_shap(np.zeros(X.shape), np.array([0.0])))
    with pytest.raises(NotAdditive, match="TreeSHAP is wrong on this model"):
        contributions(model, X)


def test_tree_shap_that_adds_up_is_taken(monkeypatch):
    X, y = numbers()
    model = GradientBoosting(max_iter=40).fit(X, y)
    values = np.zeros(X.shape)
    values[:, 0] = model.decision_function(X) - 0.25
    monkeypatch.setattr(attribution.util, "find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "shap", stub_of_shap(values, np.array([0.25])))
    found = contributions(model, X)
    assert (found.method, found.base) == ("TreeSHAP", 0.25)
    model.set_params(favourable=False).fit(X, y)
    assert contributions(model, X).base == -0.25


@needs_shap
def test_shap_is_silently_wrong_on_categorical_splits_and_is_refused():
    X, y = numbers()
    model = fitted(HistGradientBoostingClassifier(categorical_features=["d"], random_state=0), X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of matplotlib and numpy, as shap uses them
        import shap

        explainer = shap.TreeExplainer(model)
        told = explainer.shap_values(X)  # its own check is on, and says nothing
    assert np.abs(told.sum(axis=1) + explainer.expected_value - model.decision_function(X)).max() > 1
    with pytest.raises(NotAdditive, match=r"HistGradientBoostingClassifier.*TreeSHAP is wrong"):
        contributions(model, X)


@needs_shap
def test_shap_on_numbers_adds_up_to_the_log_odds():
    X, y = numbers()
    model = GradientBoosting(max_iter=40).fit(X, y)
    found = contributions(model, X)
    assert found.method == "TreeSHAP"
    assert_adds_up(found, model.decision_function(X))


@needs_shap
def test_shap_on_a_forest_adds_up_to_the_probability():
    X, y = numbers()
    model = RandomForestClassifier(20, max_depth=4, random_state=0).fit(X, y)
    found = contributions(model, X, favourable=False)
    assert (found.method, found.scale) == ("TreeSHAP", "probability")
    assert_adds_up(found, model.predict_proba(X)[:, 0])
