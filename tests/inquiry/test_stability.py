"""The table of stability: everybody counted, groups on the same bins, words that never reassure, both languages."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.fairness.multiplicity import adjust
from scoring.inquiry.stability import STABILITY, stability_bins, stability_table
from scoring.inquiry.stability_sentences import churn_sentences, stability_sentences
from scoring.models.shifts.membership_churn import membership_churn
from scoring.models.shifts.stability_intervals import population_stability
from scoring.vocabulary import WeightMeaning


def people(n=3000, seed=1, moved=0.0, small=30):
    """Customers of two sexes and three regions; the scores of women move by `moved`."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["F", "M", None], n, p=[0.45, 0.45, 0.10])
    region = np.where(np.arange(n) < small, "isle", rng.choice(["north", "south"], n))
    score = rng.normal(size=n) + moved * (sex == "F")
    home = pd.Series(rng.choice(["own", "rent"], n), dtype="str").mask(rng.random(n) < 0.1)
    return pd.DataFrame({"score": score, "age": rng.integers(18, 80, n), "home": home, "sex": sex, "region": region})


@pytest.fixture(scope="module")
def table():
    settings_ = {"score": "score", "features": ["age", "home"], "groups": ["sex", "region"], "draws": 499}
    return stability_table(people(), people(seed=2, moved=0.5), **settings_)


def row(table, group, variable="score", attribute=None):
    found = table[(table["group"] == group) & (table["variable"] == variable)]
    return (found if attribute is None else found[found["attribute"] == attribute]).iloc[0]


def test_a_row_a_group_and_variable_with_the_stated_columns(table):
    assert list(table.columns) == STABILITY
    assert len(table) == 3 * (1 + 3 + 3)
    assert set(table.loc[table["variable"] == "score", "index"]) == {"PSI"}
    assert set(table.loc[table["variable"] != "score", "index"]) == {"CSI"}


def test_the_group_that_moved_is_found_and_the_others_are_not(table):
    assert row(table, "F")["verdict"] == "shift"
    assert row(table, "M")["verdict"] != "shift"
    assert row(table, "F")["psi"] > row(table, "(all)")["psi"]


def test_too_few_people_is_a_result_and_not_a_reassurance(table):
    isle = row(table, "isle")
    assert isle["psi"] > 0.25  # the customary band would call it unstable
    assert isle["verdict"] == "too few people"
    assert isle["convention"] == "open"
    assert isle["bias"] == pytest.approx((1 / 30 + 1 / 30) * (isle["bins"] - 1))


def test_the_unknown_are_a_row_and_groups_add_up_to_everybody(table):
    for variable in ("score", "age", "home"):
        for attribute in ("sex", "region"):
            mine = table[(table["attribute"] == attribute) & (table["variable"] == variable)]
            for column in ("people_before", "people_after", "missing_before", "missing_after"):
                assert mine[column].sum() == row(table, "(all)", variable)[column]
    assert "(unknown)" in set(table.loc[table["attribute"] == "sex", "group"])


def test_each_row_is_the_index_of_a_crosstable(table):
    before, after = people(), people(seed=2, moved=0.5)
    edges = np.quantile(before["score"], np.arange(1, 10) / 10, method="inverted_cdf")
    for group in ("F", "M"):
        counts = [np.bincount(np.searchsorted(edges, side.loc[side["sex"] == group, "score"]), minlength=10) for side in (before, after)]
        assert row(table, group)["psi"] == pytest.approx(population_stability(*counts).value)
    homes = [side["home"].fillna("?").value_counts().reindex(["own", "rent", "?"]).to_numpy() for side in (before, after)]
    assert row(table, "(all)", "home")["psi"] == pytest.approx(population_stability(*homes).value)
    assert row(table, "(all)", "home")["missing_before"] == before["home"].isna().sum()


def test_the_adjustment_is_holms_within_attribute_and_index(table):
    mine = table[(table["attribute"] == "sex") & (table["index"] == "CSI")]
    np.testing.assert_allclose(mine["p_adjusted"], adjust(mine["p"]))


def test_bins_add_up_to_the_index():
    before, after = people(), people(seed=2, moved=0.5)
    settings_ = {"score": "score", "features": ["home"], "groups": ["sex"]}
    parts = stability_bins(before, after, **settings_).groupby(["attribute", "group", "variable"])["part"].sum()
    rows = stability_table(before, after, **settings_, draws=0).set_index(["attribute", "group", "variable"])["psi"]
    np.testing.assert_allclose(parts.sort_index(), rows.sort_index())


def test_a_level_that_nobody_had_is_counted_and_said():
    before, after = pd.DataFrame({"x": ["a", "b"] * 50}), pd.DataFrame({"x": ["a", "b", "c", "d"] * 25})
    found = stability_table(before, after, features=["x"])
    assert found.loc[0, ["unseen_after", "one_sided", "bins"]].tolist() == [50, 1, 3]
    assert "50 people have a level that nobody had before" in stability_sentences(found, "en")[0]


def test_a_group_on_one_side_only_is_named_not_left_out():
    before, after = pd.DataFrame({"x": [1, 2] * 20, "g": ["a", "b"] * 20}), pd.DataFrame({"x": [1, 2] * 20, "g": ["a", "c"] * 20})
    found = stability_table(before, after, features=["x"], groups=["g"]).set_index("group")
    assert found.loc[["b", "c"], "reason"].tolist() == ["disappeared", "appeared"]
    assert found.loc["a", "reason"] == "one_bin"
    assert set(found.loc[["a", "b", "c"], "verdict"]) == {"not applicable"}


def test_with_very_many_people_a_shift_is_shown_small_by_convention():
    rng = np.random.default_rng(1)
    found = stability_table(pd.DataFrame({"x": rng.normal(size=200_000)}), pd.DataFrame({"x": rng.normal(0.05, 1, 200_000)}), score="x")
    assert found.loc[0, ["verdict", "convention"]].tolist() == ["shift", "< .10"]
    alike = stability_table(pd.DataFrame({"x": rng.normal(size=20_000)}), pd.DataFrame({"x": rng.normal(size=20_000)}), score="x")
    assert alike.loc[0, "verdict"] == "small if any"


# -- weights


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_a_weight_k_is_k_rows(seed):
    rng = np.random.default_rng(seed)
    sides = [people(60, seed + i).assign(w=rng.integers(0, 4, 60)) for i in (0, 1)]
    repeated = [side.loc[np.repeat(side.index, side["w"])] for side in sides]
    settings_ = {"score": "score", "features": ["home"], "groups": ["sex"], "draws": 99}
    weighed, rows = stability_table(*sides, weights="w", **settings_), stability_table(*repeated, **settings_)
    pd.testing.assert_frame_equal(weighed, rows)


def test_weights_that_are_no_counts_widen_the_interval():
    rng = np.random.default_rng(3)
    sides = [people(1500, i, moved=0.4 * i).assign(w=rng.lognormal(0, 1, 1500)) for i in (0, 1)]
    counts, weights = (stability_table(*sides, score="score", weights="w", meaning=meaning).iloc[0] for meaning in WeightMeaning)
    assert counts["psi"] == pytest.approx(weights["psi"])
    assert weights["high"] - weights["low"] > counts["high"] - counts["low"]
    assert weights["bias"] > counts["bias"]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_neither_order_nor_names_of_groups_matter(seed):
    before, after = people(200, seed), people(200, seed + 1)
    order = np.random.default_rng(seed).permutation(200)
    settings_ = {"score": "score", "features": ["home"], "groups": ["sex"], "draws": 99}
    one = stability_table(before, after, **settings_)
    pd.testing.assert_frame_equal(one, stability_table(before.iloc[order], after.iloc[order[::-1]], **settings_))
    renamed = [side.assign(sex=side["sex"].map({"F": "Z", "M": "A"})) for side in (before, after)]
    other = stability_table(*renamed, **settings_)
    assert sorted(other["psi"]) == sorted(one["psi"])


# -- what is given


def test_polars_and_categories_and_the_callers_frame():
    polars = pytest.importorskip("polars")
    before, after = people(300), people(300, 2)
    copy = before.copy()
    settings_ = {"score": "score", "features": ["home", "age"], "groups": ["sex"], "draws": 99}
    found = stability_table(before, after, **settings_)
    pd.testing.assert_frame_equal(stability_table(polars.from_pandas(before), polars.from_pandas(after), **settings_), found)
    category = [side.assign(home=side["home"].astype("category")) for side in (before, after)]
    pd.testing.assert_frame_equal(stability_table(*category, **settings_), found)
    pd.testing.assert_frame_equal(before, copy)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({}, "neither a score nor a feature", id="no variable"),
        pytest.param({"score": "points"}, "no column 'points'", id="no such column"),
        pytest.param({"score": "score", "weights": "home"}, "no numbers", id="weights of text"),
        pytest.param({"score": "score", "confidence": 1.0}, "confidence", id="confidence"),
        pytest.param({"score": "score", "bins": 1}, "2 or more", id="one bin"),
    ],
)
def test_what_cannot_be_asked_is_refused(more, said):
    with pytest.raises(EquiscoreError, match=said):
        stability_table(people(50), people(50), **more)


def test_nobody_and_text_for_numbers_are_refused():
    with pytest.raises(EquiscoreError, match="nobody"):
        stability_table(people(50), people(50).iloc[:0], score="score")
    with pytest.raises(EquiscoreError, match="held numbers"):
        stability_table(people(50), people(50).assign(score="high"), score="score")


# -- sentences


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_row_has_a_sentence_and_none_says_stable(table, language):
    said = stability_sentences(table, language, titles={"sex": {"en": "sex", "fr": "sexe"}, "score": {"en": "the score", "fr": "le score"}})
    assert len(said) == len(table)
    assert not [text for text in said if "stable" in text.lower()]


def test_sentences_of_churn_in_both_languages():
    then, now = pd.Series({"a": 1, "b": 2, "c": 3}), pd.Series({"a": 1, "b": 3, "d": 1})
    rows = membership_churn(then, now, groups=pd.Series({"a": "F", "b": "F", "c": "M", "d": "M"}, name="sex")).rows
    english, french = (churn_sentences(rows, language) for language in ("en", "fr"))
    assert english[0].startswith("Everybody: of 2 customers with a segment at both dates, 1 changed it (50.0%;")
    assert english[2] == "sex: M: no customer has a segment at both dates. 1 customers entered, 1 left, and 0 have no segment at one of the dates."
    assert french[0].startswith("Ensemble\u202f: sur 2 clients")
