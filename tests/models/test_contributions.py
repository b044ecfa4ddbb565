# ruff: noqa: PD011  (the values of Contributions are no pandas)
"""Parts that add up to the score of every person, or a refusal that says by how much they do not."""

import importlib.util
import sys
import warnings
from importlib import util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from scoring.errors import EquiscoreError
from scoring.models import Scorecard
from scoring.models.boosting import GradientBoosting
from scoring.models.calibration import CalibratedScore
from scoring.models.explaining import curves
from scoring.models.explaining.contributions import Contributions, NotAdditive, contributions
from scoring.models.explaining.curves import typical_person
from scoring.models.logistic import LogisticScore
from scoring.models.threads import one_thread

SAMPLES = Path(__file__).parents[2] / "data/samples"
BEHAVIOUR = ["residence_years", "months_as_customer", "channel", "product_range", "purchases_12m", "spend_12m_eur", "recency_days", "loyalty_card"]

HAS_SHAP = util.find_spec("shap") is not None
needs_shap = pytest.mark.skipif(not HAS_SHAP, reason="the extra shap is not installed")


@pytest.fixture
def without_shap(monkeypatch):
    monkeypatch.setattr(curves.util, "find_spec", lambda _: None)


@pytest.fixture(scope="module")
def credit():
    """All rows of the credit sample: its declared features, and the outcome."""
    table = pd.read_csv(SAMPLES / "credit/customers.csv")
    left_out = ["creditability", "age_in_years", "personal_status_and_sex", "foreign_worker"]
    return table.drop(columns=[name for name in left_out if name in table]), table["creditability"]


@pytest.fixture(scope="module")
def instalments():
    """All 60,000 rows of the made sample: behaviour and product (its score is given, so a model of ours is trained), and who was accepted."""
    spec = importlib.util.spec_from_file_location("instalments_generate_contributions", SAMPLES / "instalments/generate.py")
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    people = made.population(60_000)
    table = pd.DataFrame(made.customers(people, made.habits(people))).replace("", None)
    return table[BEHAVIOUR].assign(spend_12m_eur=table["spend_12m_eur"].astype(float)), table["accepted"]


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
    X, _ = credit
    X = X[list(credit_study.plan.features)]
    found = contributions(credit_study.estimator, X)
    assert (found.scale, found.method, found.names) == ("points", "points", credit_study.estimator.features_)
    assert_adds_up(found, credit_study.estimator.score_points(X))
    table = credit_study.estimator.points_table().set_index(["feature", "bin"])["points"]
    own = X["housing"].iloc[0]
    assert found.values[0, found.names.index("housing")] == table["housing", own]


@pytest.mark.parametrize("rounded", [True, False])
def test_a_card_with_unrounded_points_adds_up_too(credit, rounded):
    X, y = credit
    card = Scorecard(round_points=rounded).fit(X, y)
    assert_adds_up(contributions(card, X), card.score_points(X))


def test_the_glass_box_adds_up_on_every_row_of_the_credit_sample(credit):
    X, y = credit
    model = GradientBoosting(interactions=False, max_iter=100).fit(X, y)
    found = contributions(model, X)
    assert (found.scale, found.method) == ("log-odds", "curves")
    assert_adds_up(found, model.decision_function(X))


def test_the_logistic_score_states_parts_that_add_up_on_every_row_of_the_credit_sample(credit):
    X, y = credit
    model = LogisticScore().fit(X, y)
    found = contributions(model, X)
    assert (found.scale, found.method) == ("log-odds", "coefficients")
    assert_adds_up(found, model.decision_function(X))
    np.testing.assert_allclose(contributions(model, X, favourable="bad").values, -found.values)


@pytest.mark.parametrize(
    "model",
    [Scorecard(), Scorecard(round_points=False), GradientBoosting(interactions=False, max_iter=60), LogisticScore()],
    ids=["whole points", "broken points", "one curve a feature", "logistic"],
)
def test_parts_add_up_on_every_row_of_the_made_sample(instalments, model):
    X, y = instalments
    model = fitted(model, X, y)
    score = model.score_points(X) if hasattr(model, "score_points") else model.decision_function(X)
    assert_adds_up(contributions(model, X), score)


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
    X, y = credit
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


def test_a_feature_that_is_constant_has_no_part():
    X, y = numbers()
    X = X.assign(same=1.0, word="x")
    assert not contributions(GradientBoosting(interactions=False, max_iter=20).fit(X, y), X).values[:, -2:].any()
    assert not {"same", "word"} & set(Scorecard(min_iv=0).fit(X, y).features_)  # they tell nothing, so they do not enter


def test_the_same_person_has_the_same_parts_alone_as_among_others(credit):
    X, y = credit
    for model in (Scorecard().fit(X, y), LogisticScore().fit(X, y), GradientBoosting(interactions=False, max_iter=20).fit(X, y)):
        among = contributions(model, X, reference=typical_person(X))
        alone = contributions(model, X.iloc[[77]], reference=typical_person(X))
        np.testing.assert_array_equal(alone.values[0], among.values[77])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), gone=st.floats(0, 0.5), rounded=st.booleans())
def test_whatever_the_people_their_parts_add_up(seed, gone, rounded):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=80), "b": rng.integers(0, 4, 80).astype(float), "c": rng.choice(["x", "y", "z"], 80)})
    X = X.mask(rng.random(X.shape) < gone)
    y = np.where(rng.random(80) < 0.5, "good", "bad")
    y[:2] = ["good", "bad"]
    new = pd.DataFrame({"a": [np.nan, 1e6], "b": [9.0, np.nan], "c": ["never met", None]})
    for model in (Scorecard(round_points=rounded, min_iv=0), LogisticScore()):
        model.fit(X, y)
        both = pd.concat([X, new], ignore_index=True)
        assert_adds_up(contributions(model, both), model.score_points(both) if hasattr(model, "score_points") else model.log_odds(both))


def test_of_a_calibrated_model_the_score_before_calibration_is_explained_and_said_to_be():
    X, y = numbers()
    inner = GradientBoosting(interactions=False, max_iter=20)
    model = fitted(CalibratedClassifierCV(inner, ensemble=False, cv=3), X, y)
    found = contributions(model, X)
    under = model.calibrated_classifiers_[0].estimator
    assert found.calibrated
    assert_adds_up(found, under.decision_function(X))
    assert not contributions(under, X).calibrated


def test_of_a_calibrated_card_the_points_are_explained_where_it_gives_points_else_the_log_odds_that_its_probabilities_are_made_of(credit):
    X, y = credit
    model = CalibratedScore(Scorecard(), folds=2).fit(X, y)
    points = contributions(model, X)
    assert (points.scale, points.calibrated) == ("points", False)
    assert_adds_up(points, model.score_points(X))
    card = model.estimator_
    found = contributions(CalibratedClassifierCV(FrozenEstimator(card), method="isotonic").fit(X, y), X)
    assert (found.scale, found.calibrated) == ("log-odds", True)
    assert_adds_up(found, card.log_odds(X))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_under_our_calibration_the_score_before_it_is_explained_towards_the_same_class(method):
    X, y = numbers()
    model = CalibratedScore(LogisticScore(), method=method, folds=2, favourable=False).fit(X, y)
    found = contributions(model, X)
    assert (found.method, found.calibrated) == ("coefficients", True)
    assert_adds_up(found, -model.estimator_.decision_function(X))


# -- refusals


def test_a_mean_of_several_calibrated_models_is_refused_by_name():
    X, y = numbers()
    model = fitted(CalibratedClassifierCV(LogisticScore(), cv=3), X, y)
    with pytest.raises(NotAdditive, match=r"CalibratedClassifierCV: the mean of 3 calibrated models.*Fix: .*ensemble=False"):
        contributions(model, X)


def test_a_model_that_states_wrong_parts_is_refused_by_name():
    class Boasting(LogisticScore):
        def contributions(self, X):
            base, parts = super().contributions(X)
            return base + 0.5, parts

    X, y = numbers()
    with pytest.raises(NotAdditive, match=r"Boasting: the parts miss the score \(log-odds\) by up to 0.5"):
        contributions(Boasting().fit(X, y), X)


def test_trees_that_split_on_categories_are_never_left_to_shap(monkeypatch):
    X, y = numbers()
    X = X.assign(d=X["d"].astype(int).astype(str))
    monkeypatch.setattr(curves.util, "find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "shap", stub_of_shap(np.full(X.shape, 99.0), np.array([0.0])))
    plain = fitted(HistGradientBoostingClassifier(categorical_features=["d"], max_iter=20), X.assign(d=X["d"].astype(float)), y)
    for model, rows in ((GradientBoosting(max_iter=40).fit(X, y), X), (plain, X.assign(d=X["d"].astype(float)))):
        with pytest.raises(NotAdditive, match="interactions=False"):  # of the curves; shap's 99 would have said otherwise
            contributions(model, rows)


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
    monkeypatch.setattr(curves.util, "find_spec", lambda _: True)
    monkeypatch.setitem(sys.modules, "shap", stub_of_shap(np.zeros(X.shape), np.array([0.0])))
    with pytest.raises(NotAdditive, match="TreeSHAP is wrong on this model"):
        contributions(model, X)


def test_tree_shap_that_adds_up_is_taken(monkeypatch):
    X, y = numbers()
    model = GradientBoosting(max_iter=40).fit(X, y)
    values = np.zeros(X.shape)
    values[:, 0] = model.decision_function(X) - 0.25
    monkeypatch.setattr(curves.util, "find_spec", lambda _: True)
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
    with pytest.raises(NotAdditive, match=r"HistGradientBoostingClassifier: the parts miss"):
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
