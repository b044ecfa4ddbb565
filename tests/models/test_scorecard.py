import json
import math
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline

from scoring.errors import EquiscoreError
from scoring.models import Scorecard, WoEBinner
from scoring.models.scorecard import BASE


@pytest.fixture(scope="module")
def card(people):
    return Scorecard().fit(*people)


def points_off_the_page(table, row):
    """Add up a person's points as a reader of the printed table would: by its words, not by our code."""
    total = 0
    for feature, bins in table.groupby("feature"):
        named = dict(zip(bins["bin"], bins["points"], strict=True))
        total += named["(everybody)"] if feature == BASE else named[its_bin(row[feature], list(named))]
    return total


def its_bin(value, bins):
    if pd.isna(value):
        return "(missing)"
    if (special := f"= {value!r}".removesuffix(".0")) in bins:
        return special
    if "(unseen)" in bins:
        others = next((bin_ for bin_ in bins if "(others)" in bin_.split(" | ")), "(unseen)")
        return next((bin_ for bin_ in bins if str(value) in bin_.split(" | ")), others)
    return next(bin_ for bin_ in bins if in_range(value, bin_.split()))


def in_range(value, words):
    if words[0] in {"<=", ">"}:
        return (value <= float(words[1])) == (words[0] == "<=")
    return words == ["any", "number"] or float(words[0]) < value <= float(words[-1])


STRANGERS = st.fixed_dictionaries(
    {
        "age": st.one_of(st.none(), st.floats(-1e6, 1e6)),
        "income": st.one_of(st.none(), st.floats(0, 1e9)),
        "home": st.sampled_from(["own", "rent", "lodger", "boat", "", None]),
        "job": st.sampled_from(["a", "b", "c", "d", None]),
        "member": st.sampled_from([True, False, None]),
        "children": st.one_of(st.none(), st.integers(0, 9)),
        "channel": st.sampled_from(["web", "shop", None]),
    }
)


@settings(deadline=None, max_examples=60)
@given(st.lists(STRANGERS, min_size=1, max_size=4))
def test_the_points_on_the_page_add_up_to_the_score(card, strangers):
    X = pd.DataFrame(strangers)[card.feature_names_in_]
    X = X.astype({"age": "float64", "income": "float64", "children": "Int64", "home": object, "job": object, "member": object})
    assert card.score_points(X).tolist() == [points_off_the_page(card.points_table(), row) for row in strangers]
    assert card.points_by_feature(X).sum(axis=1).tolist() == card.score_points(X).tolist()


BY_HAND = {"age": [30, 50], "home": [["own"], ["rent", "(others)"]], "job": [["a", "b"]]}


@pytest.mark.parametrize("unseen", ["neutral", "missing", "worst"])
@settings(deadline=None, max_examples=20)
@given(st.lists(STRANGERS, min_size=1, max_size=4), st.booleans())
def test_also_with_cuts_by_hand_special_values_and_either_rounding(people, unseen, strangers, round_points):
    X, y = people
    binner = WoEBinner(cuts=BY_HAND, special={"income": [22000], "age": [-1]}, unseen=unseen)
    made = fitted_once(X, y, binner, round_points)
    rows = [*strangers, {**strangers[0], "income": 22000.0, "age": -1.0}]
    new = pd.DataFrame(rows)[made.feature_names_in_]
    new = new.astype({"age": "float64", "income": "float64", "children": "Int64", "home": object, "job": object, "member": object})
    expected = [points_off_the_page(made.points_table(), row) for row in rows]
    assert made.score_points(new).tolist() == (expected if round_points else pytest.approx(expected))
    base, parts = made.contributions(new)
    assert np.abs(base + parts.sum(axis=1) - made.score_points(new)).max() <= (0 if round_points else 1e-9)


FITTED = {}


def fitted_once(X, y, binner, round_points):
    key = (binner.unseen, round_points)
    if key not in FITTED:
        FITTED[key] = Scorecard(binner=binner, round_points=round_points, min_iv=0).fit(X, y)
    return FITTED[key]


def test_contributions_are_named_by_feature_and_keep_the_index(card, people):
    X = people[0].set_index(people[0].index + 7)
    base, parts = card.contributions(X)
    assert base == card.base_
    assert tuple(parts.columns) == card.features_
    assert (base + parts.sum(axis=1)).tolist() == card.score_points(X).tolist()
    assert parts.index[0] == 7
    assert card.contributions(pl.from_pandas(people[0]))[1].to_numpy().tolist() == parts.to_numpy().tolist()


def test_also_for_those_it_was_fitted_on_and_unrounded(people):
    X, y = people
    card = Scorecard(round_points=False, min_iv=0).fit(X, y)
    table = card.points_table()
    assert card.score_points(X) == pytest.approx([points_off_the_page(table, row) for row in X.to_dict("records")])


def test_points_table_is_the_whole_card(card, people):
    X, y = people
    table = card.points_table()
    assert list(table.columns) == ["feature", "bin", "points", "woe", "count", "favourable_share"]
    assert table["points"].dtype == np.int64
    assert not table.duplicated(["feature", "bin"]).any()
    assert (table.groupby("feature")["count"].sum() == len(X)).all()
    assert table.loc[0, "favourable_share"] == pytest.approx((y == "good").mean())


def test_nobody_at_fit_means_no_points(card):
    table = card.points_table()
    assert (table.loc[table["count"] == 0, "points"] == 0).all()


def test_more_points_are_more_favourable(card, people):
    X, y = people
    assert roc_auc_score(y == "good", card.score_points(X)) > 0.7
    order = np.argsort(card.log_odds(X))
    unrounded = Scorecard(round_points=False).fit(X, y)
    assert (np.diff(unrounded.score_points(X)[order]) >= -1e-9).all()


def test_the_scale_is_what_it_says(people):
    X, y = people
    card = Scorecard(base_points=500, base_odds=4, pdo=30, round_points=False).fit(X, y)
    assert card.score_points(X) == pytest.approx(500 + 30 * np.log2(np.exp(card.log_odds(X)) / 4))


def test_rounding_moves_a_score_by_half_a_point_a_row_at_most(people):
    X, y = people
    exact, rounded = (Scorecard(round_points=whole).fit(X, y) for whole in (False, True))
    assert np.abs(exact.score_points(X) - rounded.score_points(X)).max() <= 0.5 * (len(rounded.features_) + 1)


def test_the_regression_against_another_solver(people):
    """Second road: lbfgs on the transformed rows, one by one."""
    X, y = people
    card = Scorecard(
        min_iv=0,
    ).fit(X, y)
    evidence = WoEBinner().fit_transform(X, y)
    other = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(evidence, y)
    assert card.coef_ == pytest.approx(other.coef_[0], abs=1e-5)
    assert card.predict_proba(X) == pytest.approx(other.predict_proba(evidence), abs=1e-5)


def test_features_that_tell_little_stay_out(people):
    card = Scorecard(min_iv=0.02).fit(*people)
    values = card.information_values()
    assert set(card.features_) == set(values.index[values >= 0.02])
    assert len(card.features_) < people[0].shape[1]


def test_a_card_without_features_is_its_base():
    X, y = pd.DataFrame({"x": [1.0] * 10}), [1] * 8 + [0] * 2
    card = Scorecard(base_odds=4).fit(X, y)
    assert card.points_table()["feature"].tolist() == [BASE]
    assert card.score_points(X).tolist() == [600] * 10
    assert card.predict_proba(X)[:, 1] == pytest.approx([0.8] * 10)


@pytest.mark.parametrize("favourable", ["good", "bad"])
def test_either_class_may_be_the_favourable_one(people, favourable):
    X, y = people
    card = Scorecard(favourable=favourable).fit(X, y)
    column = list(card.classes_).index(favourable)
    assert roc_auc_score(y == favourable, card.score_points(X)) > 0.7
    assert card.predict_proba(X)[:, column] == pytest.approx(1 / (1 + np.exp(-card.log_odds(X))))
    assert ((card.decision_function(X) > 0) == (card.predict(X) == "good")).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_weight_k_is_k_rows_and_order_does_not_matter_to_the_last_bit(people, seed):
    X, y = people
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, len(X))
    order = rng.permutation(np.repeat(np.arange(len(X)), weights))
    weighed = Scorecard(round_points=False).fit(X, y, weights)
    assert weighed.to_dict() == Scorecard(round_points=False).fit(X.iloc[order], y.iloc[order]).to_dict()


def test_one_row_scores_as_among_many(card, people):
    X = people[0].iloc[:40]
    for method in (card.score_points, card.predict_proba):
        assert np.array_equal(np.concatenate([method(X.iloc[[i]]) for i in range(len(X))]), method(X))


# -- weights of the wrong sign


@pytest.fixture(scope="module")
def two_of_a_kind():
    """`copy` says what `x` says, with noise: beside `x` it weighs negatively."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=3000)
    noise = rng.normal(size=3000)
    y = (x - 0.5 * noise + rng.logistic(size=3000) > 0).astype(int)
    return pd.DataFrame({"x": x, "copy": x + noise}), y


def test_a_feature_of_the_wrong_sign_is_left_out_where_asked(two_of_a_kind):
    X, y = two_of_a_kind
    card = Scorecard(wrong_sign="drop").fit(X, y)
    assert card.features_ == ("x",)
    assert card.wrong_sign_ == ("copy",)
    alone = Scorecard().fit(X[["x"]], y)
    assert card.score_points(X).tolist() == alone.score_points(X[["x"]]).tolist()
    assert Scorecard.from_dict(card.to_dict()).wrong_sign_ == ("copy",)


def test_or_it_is_kept_with_a_warning_or_without(two_of_a_kind):
    X, y = two_of_a_kind
    with pytest.warns(UserWarning, match="copy: better evidence takes points"):
        warned = Scorecard(wrong_sign="warn").fit(X, y)
    kept = Scorecard().fit(X, y)
    assert kept.coef_.tolist() == warned.coef_.tolist()
    assert kept.coef_.min() < 0
    assert kept.wrong_sign_ == ("copy",)


# -- in scikit-learn's ways


def test_a_grid_search_sets_the_binner_whether_there_is_one_or_not(people):
    X, y = people
    grid = {"binner__monotone": ["auto", "none"], "binner__max_bins": [2, 4]}
    searches = [GridSearchCV(Scorecard(binner=binner), grid, cv=2, scoring="roc_auc").fit(X, y) for binner in (None, WoEBinner())]
    assert searches[0].best_params_ == searches[1].best_params_
    assert searches[0].best_estimator_.binner_.max_bins in {2, 4}


def test_parameters_of_the_binner_leave_an_own_one_and_the_class_alone():
    card = Scorecard(binner=WoEBinner(max_bins=3)).set_params(binner__smoothing=2, pdo=40)
    assert (card.binner.max_bins, card.binner.smoothing, card.pdo) == (3, 2, 40)
    assert Scorecard().binner is None
    assert Scorecard().set_params(binner=WoEBinner(), binner__max_bins=9).binner.max_bins == 9
    with pytest.raises(ValueError, match="Invalid parameter"):
        Scorecard().set_params(binner__nonsense=1)


def test_in_a_pipeline_with_weights_routed_and_cross_validated(people):
    X, y = people
    weights = np.random.default_rng(0).integers(1, 3, len(X))
    pipeline = Pipeline([("card", Scorecard(min_iv=0))]).set_params(card__binner__max_bins=4)
    assert pipeline.fit(X, y).predict_proba(X).shape == (len(X), 2)
    with config_context(enable_metadata_routing=True):
        card = Scorecard().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scores = cross_validate(Pipeline([("card", card)]), X, y, params={"sample_weight": weights}, cv=3)["test_score"]
    assert (scores > 0.5).all()


def test_polars_categories_and_nullable_columns_score_alike(card, people):
    X = people[0]
    other = X.astype({"home": "category", "job": "str", "member": "boolean", "age": "Float64", "channel": "category"})
    assert card.score_points(other).tolist() == card.score_points(X).tolist()
    assert card.score_points(pl.from_pandas(X)).tolist() == card.score_points(X).tolist()


# -- as HTML


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_holds_every_row_of_the_table_and_is_well_formed(card, language):
    page = card.to_html(language=language)
    root = ET.fromstring(page)
    bodies = root.findall("tbody")
    assert sum(len(body.findall("tr")) - 1 for body in bodies) == len(card.points_table())
    points = [row.findall("td")[0].text for body in bodies for row in body.findall("tr")[1:]]
    written = [f"{value:,}".replace("-", "−") for value in card.points_table()["points"]]
    assert points == [value.replace(",", "," if language == "en" else "\u202f") for value in written]
    assert ("Valeur absente" in page) == (language == "fr")
    assert "(missing)" not in page


def test_what_people_wrote_is_escaped_on_the_page():
    X, y = pd.DataFrame({"<b>": ["<script>alert(1)</script>", "a & b"] * 20}), [0, 1] * 20
    page = Scorecard().fit(X, y).with_points("<b>", "a & b", 3, who="<i>", why='"x" & <y>').to_html()
    assert "<script" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    ET.fromstring(f"<div>{page}</div>")


# -- as JSON


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"round_points": False, "min_iv": 0.0},
        {"favourable": "bad", "binner": WoEBinner(monotone={"age": "none"}, max_bins=3)},
        {"binner": WoEBinner(cuts={"home": [["own"], ["rent", "(others)"]], "age": np.array([30, 50])}, special={"age": (-1, 20)}, unseen="worst")},
    ],
    ids=["rounded", "unrounded", "with a binner of its own", "with cuts by hand"],
)
def test_json_round_trip_is_exact(people, parameters):
    X, y = people
    card = Scorecard(**parameters).fit(X, y)
    again = Scorecard.from_dict(json.loads(json.dumps(card.to_dict(), allow_nan=False)))
    strange = pd.concat([X, X.assign(home="boat", age=np.nan)])
    assert np.array_equal(again.score_points(strange), card.score_points(strange))
    assert np.array_equal(again.predict_proba(strange), card.predict_proba(strange))
    assert np.array_equal(again.predict(X), card.predict(X))
    pd.testing.assert_frame_equal(again.points_table(), card.points_table())
    assert again.to_dict() == card.to_dict()


@pytest.mark.parametrize("classes", [[0, 1], [False, True], [2.0, 3.0], ["no", "yes"]], ids=str)
def test_json_keeps_the_kind_of_class(classes):
    X, y = np.arange(40.0).reshape(-1, 1), np.repeat(classes, 20)
    card = Scorecard().fit(X, y)
    again = Scorecard.from_dict(json.loads(json.dumps(card.to_dict())))
    assert again.classes_.dtype == card.classes_.dtype
    assert not hasattr(again, "feature_names_in_")
    assert np.array_equal(again.predict(X), card.predict(X))


OLD = {
    "format": "equiscore-scorecard", "version": 1,
    "parameters": {"base_points": 600, "base_odds": 50, "pdo": 20, "round_points": True, "min_iv": 0.02, "C": 1.0, "favourable": "good"},
    "binner": None,
    "binner_fitted": {"favourable": "good", "max_bins": 6, "min_share": 0.05, "monotone": "auto", "smoothing": 0.5, "unseen": "neutral"},
    "classes": ["bad", "good"], "classes_dtype": "<U4", "favourable": "good", "names_known": True, "intercept": 0.6578295014419694,
    "base_points_everybody": 506,
    "features": [
        {
            "name": "home", "kind": "levels", "edges": [], "levels": ["own", "rent"], "bins": ["own", "rent", "(missing)", "(unseen)"],
            "favourable": [3.0, 1.0, 0.0, 0.0], "unfavourable": [0.0, 2.0, 0.0, 0.0],
            "woe": [1.7047480922384253, -1.0296194171811581, 0.0, 0.0], "coefficient": 0.8756, "points": [43, -26, 0, 0],
        }
    ],
}  # fmt: skip
"""As version 1 wrote the card of the class's example."""


def test_a_card_of_version_1_is_read_for_ever():
    card = Scorecard.from_dict(json.loads(json.dumps(OLD)))
    assert card.score_points(pd.DataFrame({"home": ["own", None, "boat", "rent"]})).tolist() == [549, 506, 506, 480]
    assert card.edits_ == ()
    assert not card.is_edited
    assert Scorecard.from_dict(card.to_dict()).to_dict()["version"] == 2


def broken(card, change):
    stored = json.loads(json.dumps(card.to_dict()))
    change(stored)
    return stored


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda d: d.update(format="other"), "not a scorecard", id="another format"),
        pytest.param(lambda d: d.update(version=99), "format 99 is not known", id="a later version"),
        pytest.param(lambda d: d.pop("intercept"), "damaged", id="a part is missing"),
        pytest.param(lambda d: d["features"][0]["woe"].pop(), "faulty bins for 'age'", id="a bin is missing"),
        pytest.param(lambda d: d["features"][0]["edges"].reverse(), "faulty bins for 'age'", id="edges that fall"),
        pytest.param(lambda d: d["features"][0]["points"].__setitem__(0, 99), "gives 99 points for age", id="points set by hand"),
        pytest.param(lambda d: d["features"][2].update(places=[0, 2, 1, 9]), "faulty bins for 'home'", id="levels in no bin"),
        pytest.param(lambda d: d.update(edits=[{"feature": "age", "bin": "x"}]), "does not say", id="an edit of nobody"),
        pytest.param(lambda d: d.update(base_points_everybody=0), "gives 0 points for", id="base set by hand"),
        pytest.param(lambda d: d.update(intercept=math.nan), "where a finite number belongs", id="not a number"),
        pytest.param(lambda d: d.update(favourable="other"), "one of them the favourable one", id="a favourable class that is none"),
        pytest.param(lambda d: d["parameters"].update(surprise=1), "damaged", id="a parameter that is none"),
    ],
)
def test_a_card_that_is_not_whole_is_refused(card, change, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        Scorecard.from_dict(broken(card, change))
    assert "Fix:" in str(refused.value)


@pytest.mark.parametrize("wrong", [{"pdo": 0}, {"base_odds": -1}, {"C": 0}, {"min_iv": -1}, {"base_points": math.inf}, {"wrong_sign": "flip"}])
def test_wrong_parameters_are_refused(people, wrong):
    with pytest.raises(EquiscoreError, match="Fix:"):
        Scorecard(**wrong).fit(*people)
