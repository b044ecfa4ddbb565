"""One table of every public estimator, and what each must do in the hands of scikit-learn's own tools."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import has_fit_parameter

import scoring.models
from scoring.models.boosting import GradientBoosting
from scoring.models.calibration import CalibratedScore
from scoring.models.logistic import LogisticScore
from scoring.models.scorecard import Scorecard

CLASSIFIERS = {
    "scorecard": (Scorecard(), {"min_iv": [0.0, 0.05]}),
    "logistic": (LogisticScore(), {"C": [0.1, 1.0]}),
    "boosting": (GradientBoosting(max_iter=10), {"max_leaf_nodes": [3, 8]}),
    "glass box": (GradientBoosting(max_iter=10, interactions=False, monotone={"income": "ascending"}), {"learning_rate": [0.05, 0.1]}),
    "calibrated": (CalibratedScore(LogisticScore(), folds=2), {"method": ["sigmoid", "temperature"], "estimator__C": [0.1, 1.0]}),
}

ELSEWHERE = {
    "KMeansSegments": {"n_segments": 3, "n_init": 2, "features": ["x", "z"]},
    "ScoreBands": {"n_bands": 3},
    "WoEBinner": {},
    "RFMSegmenter": {},
    "GaussianMixtureSegments": {"n_segments": 3, "n_init": 1, "features": ["x", "z"]},
    "LoyaltyTiers": {"thresholds": {"silver": 5.0, "gold": 8.0}},
    "BGNBD": {},
    "GammaGamma": {},
}
"""name -> parameters."""

TABLES = {
    "RFMSegmenter": ["recency", "frequency", "monetary"],
    "ScoreBands": ["x"],
    "LoyaltyTiers": ["frequency"],
    "BGNBD": ["frequency", "recency", "T"],
    "GammaGamma": ["frequency", "monetary"],
    "WoEBinner": ["x", "z", "home"],
    "KMeansSegments": ["x", "z"],
    "GaussianMixtureSegments": ["x", "z"],
}


@pytest.fixture(params=CLASSIFIERS, ids=list(CLASSIFIERS))
def classifier(request):
    return CLASSIFIERS[request.param]


@pytest.fixture(params=ELSEWHERE, ids=list(ELSEWHERE))
def other(request, customers):
    """An estimator that groups, bins or values, unfitted, with a frame and a target that it takes."""
    made = getattr(scoring.models, request.param)(**ELSEWHERE[request.param])
    return made, customers[0][TABLES[request.param]], customers[1]


@pytest.fixture(scope="module")
def customers():
    """Purchases as BG/NBD has them: at a rate of each person's own, until they leave after one."""
    rng = np.random.default_rng(0)
    n = 600
    age = rng.integers(30, 60, n).astype(float)
    times = rng.exponential(1 / rng.gamma(0.8, 0.15, n)[:, None], (n, 80)).cumsum(axis=1)
    left = rng.random((n, 80)) < rng.beta(0.9, 2.5, n)[:, None]
    bought = (times < age[:, None]) & (left.cumsum(axis=1) - left == 0)
    frequency = bought.sum(axis=1).astype(float)
    table = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.normal(size=n) + 4 * rng.integers(0, 3, n),
            "home": rng.choice(["own", "rent"], n),
            "frequency": frequency,
            "recency": np.where(bought, times, 0.0).max(axis=1),
            "T": age,
            "monetary": np.where(frequency > 0, rng.gamma(5.0, 8.0, n), 0.0),
        }
    )
    return table, (rng.random(n) < 0.5).astype(int)


def answers(fitted, X):
    """Return what an estimator says of people, by the first of the ways that it has, as an array of a row each."""
    way = next(name for name in ("predict_proba", "transform", "predict") if hasattr(fitted, name))
    return np.asarray(getattr(fitted, way)(X), dtype=object)


def same(one, two):
    return one.shape == two.shape and all(a == b or (a != a and b != b) for a, b in zip(one.ravel(), two.ravel(), strict=True))  # noqa: PLR0124


# -- classifiers


def test_a_clone_has_the_parameters_and_gives_the_same(people, classifier):
    X, y = people
    made, _ = classifier
    twin = clone(made)
    assert repr(twin) == repr(made)
    assert same(answers(twin.fit(X, y), X), answers(clone(made).fit(X, y), X))
    assert not hasattr(made, "classes_")


def test_it_stands_in_a_pipeline_and_is_cross_validated_and_searched(people, classifier):
    X, y = people
    made, grid = classifier
    pipeline = make_pipeline(FunctionTransformer(), made)
    scored = cross_validate(pipeline, X, y == "good", scoring=["roc_auc", "neg_brier_score"], cv=3, error_score="raise")
    assert scored["test_roc_auc"].mean() > 0.6
    search = GridSearchCV(Pipeline([("score", made)]), {f"score__{name}": values for name, values in grid.items()}, scoring="roc_auc", cv=2)
    assert set(search.fit(X, y == "good").best_params_) == {f"score__{name}" for name in grid}


def test_weights_and_persons_are_routed(people, classifier):
    X, y = people
    made, _ = classifier
    weights = np.random.default_rng(0).integers(1, 5, len(X)).astype(float)
    persons = np.arange(len(X)) // 2
    with sklearn.config_context(enable_metadata_routing=True):
        asked = clone(made).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        if isinstance(made, CalibratedScore):
            asked = asked.set_fit_request(groups=True)
        kept = cross_validate(asked, X, y, cv=GroupKFold(2), params={"sample_weight": weights, "groups": persons}, return_estimator=True)
    rows = next(GroupKFold(2).split(X, y, persons))[0]
    beside = {"groups": persons[rows]} if isinstance(made, CalibratedScore) else {}
    by_hand = clone(made).fit(X.iloc[rows], y.iloc[rows], sample_weight=weights[rows], **beside)
    assert same(answers(kept["estimator"][0], X), answers(by_hand, X))


def test_text_categories_objects_and_polars_are_read_alike(people, classifier):
    X, y = people
    polars = pytest.importorskip("polars")
    made, _ = classifier
    text = ["home", "job", "channel"]
    given = answers(clone(made).fit(X, y), X)
    for kind in ("str", "category", object):
        told = X.assign(**{name: X[name].astype(kind) for name in text})
        assert same(answers(clone(made).fit(told, y), told), given), kind
    plain = X.assign(home=X["home"].astype(object).where(X["home"].notna(), None), job=X["job"].astype("str"))
    frame = polars.DataFrame({name: polars.Series(plain[name].tolist(), strict=False) for name in plain})
    frame = frame.with_columns(polars.col("age").fill_nan(None), polars.Series("children", [None if pd.isna(v) else v for v in plain["children"]]))
    assert same(answers(clone(made).fit(frame, y), frame), given)


def test_a_single_row_is_scored_as_in_its_batch_bit_for_bit(people, classifier):
    X, y = people
    fitted = clone(classifier[0]).fit(X, y)
    every = fitted.predict_proba(X)
    assert all(fitted.predict_proba(X.iloc[[i]]).tobytes() == every[i].tobytes() for i in range(0, 400, 57))
    assert fitted.predict_proba(X.iloc[[0]].assign(home="boat", age=np.nan)).shape == (1, 2)


def test_the_callers_frame_stays_as_it_was(people, classifier):
    X, y = people
    before = X.copy(deep=True)
    clone(classifier[0]).fit(X, y).predict_proba(X)
    pd.testing.assert_frame_equal(X, before)


def test_names_are_noted_and_others_refused(people, classifier):
    X, y = people
    fitted = clone(classifier[0]).fit(X, y)
    assert (fitted.n_features_in_, fitted.feature_names_in_.tolist()) == (X.shape[1], list(X))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict_proba(X.rename(columns={"age": "years"}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda X, y: (X, y.mask(y == "bad", "good")), "class"),
        (lambda X, y: (X.assign(age=np.inf), y), "infinity"),
        (lambda X, y: (X.assign(home=[f"h{i}" for i in range(len(X))]), y), "levels"),
        (lambda X, y: (X, y.mask(y.index == 3)), "outcome of 1 of 400"),
        (lambda X, y: (X.assign(age=np.nan), y), "'age' has no value"),
    ],
    ids=["a constant target", "an infinite value", "a level a person", "a missing outcome", "a feature all missing"],
)
def test_bad_input_is_refused_in_words(people, classifier, change, says):
    with pytest.raises(ValueError, match=says) as refused:
        clone(classifier[0]).fit(*change(*people))
    assert "Fix:" in str(refused.value)


# -- what groups, bins and values


def test_others_are_cloned_and_give_the_same_again(other):
    made, X, y = other
    one, two = (clone(made).fit(X, y) for _ in "ab")
    assert repr(clone(made)) == repr(made)
    assert same(answers(one, X), answers(two, X))


def test_others_give_a_row_alone_what_they_give_it_in_a_batch(other):
    made, X, y = other
    fitted = clone(made).fit(X, y)
    every = answers(fitted, X)
    assert all(same(answers(fitted, X.iloc[[i]]), every[[i]]) for i in range(0, len(X), 41))


def test_others_leave_the_callers_frame_and_read_polars(other):
    made, X, y = other
    polars = pytest.importorskip("polars")
    before = X.copy(deep=True)
    fitted = clone(made).fit(X, y)
    given = answers(fitted, X)
    pd.testing.assert_frame_equal(X, before)
    frame = polars.DataFrame({name: X[name].tolist() for name in X})
    assert same(answers(clone(made).fit(frame, y), frame), given)


def test_others_that_transform_name_their_columns_and_set_the_output(other):
    made, X, y = other
    if not hasattr(made, "transform"):
        pytest.skip(f"{type(made).__name__} does not transform")
    fitted = clone(made).set_output(transform="pandas").fit(X, y)
    out = fitted.transform(X)
    assert isinstance(out, pd.DataFrame)
    assert out.columns.tolist() == fitted.get_feature_names_out().tolist()
    assert out.index.equals(X.index)


def test_others_stand_in_a_pipeline_and_heed_routed_weights(other):
    made, X, y = other
    if not has_fit_parameter(made, "sample_weight"):
        pytest.skip(f"{type(made).__name__} learns nothing from people, so it weighs none")
    weights = np.ones(len(X))
    weights[:40] = 3.0
    with sklearn.config_context(enable_metadata_routing=True):
        piped = make_pipeline(FunctionTransformer(), clone(made).set_fit_request(sample_weight=True)).fit(X, y, sample_weight=weights)
    assert same(answers(piped, X), answers(clone(made).fit(X, y, sample_weight=weights), X))
