# ruff: noqa: PD011  (the values of Contributions are no pandas)
"""The gap in the mean score is the sum of its parts, and each part has its interval."""

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.errors import EquiscoreError
from scoring.inquiry.drivers import DRIVERS, driver_sentences, drivers
from scoring.models import Scorecard, WoEBinner
from scoring.models.boosting import GradientBoosting
from scoring.models.explaining.contributions import Contributions, contributions
from scoring.vocabulary import UNKNOWN, WeightMeaning

few = settings(max_examples=40, deadline=None)


def made(values, base=500.0, **kw):
    values = np.asarray(values, float)
    return Contributions(tuple(f"f{j}" for j in range(values.shape[1])), values, base, base + values.sum(axis=1), **kw)


def of(rows, group, feature):
    found = rows[(rows["group"] == group) & (rows["feature"] == feature)]
    assert len(found) == 1
    return found.iloc[0]


# -- arithmetic


def test_the_old_rule_of_the_made_sample_is_the_sum_of_its_table(instalments):
    _, rule = instalments
    assert rule.deviation == 0.0


def test_a_tiny_card_by_hand():
    people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"]})
    card = Scorecard(binner=WoEBinner(shrink=False)).fit(
        people, ["good", "good", "bad", "good", "good", "bad"]
    )  # own 43, rent -26 points (its doctest)
    row = drivers(contributions(card, people), pd.Series(["F", "M", "F", "M", "F", None], name="sex")).iloc[0]
    assert (row["attribute"], row["group"], row["feature"]) == ("sex", "F", "home")
    assert (row["people"], row["reference_people"]) == (3, 2)
    assert (row["mean"], row["reference_mean"]) == ((43 - 26 - 26) / 3, 43.0)
    assert row["gap"] == row["total_gap"] == -46.0
    assert row["share"] == 1.0


@pytest.mark.parametrize("engine", ["card", "glass box"])
def test_the_parts_of_each_group_add_up_to_its_gap_on_the_credit_sample(credit, engine):
    X, y, ages = credit
    model = Scorecard().fit(X, y) if engine == "card" else GradientBoosting(interactions=False, max_iter=60).fit(X, y)
    found = contributions(model, X)
    rows = drivers(found, ages)
    score = model.score_points(X) if engine == "card" else model.decision_function(X)
    for (name, level), part in rows.groupby(["attribute", "group"]):
        inside = (ages[name] == level).to_numpy()
        gap = score[inside].mean() - score[~inside].mean()
        assert abs(part["gap"].sum() - gap) <= 1e-9
        assert part["total_gap"].unique() == pytest.approx([gap], abs=1e-9)
        assert part["share"].sum() == pytest.approx(1)
        assert part["gap"].abs().is_monotonic_decreasing


def test_the_parts_of_each_group_add_up_to_its_gap_on_the_made_sample(instalments):
    table, rule = instalments
    rows = drivers(rule, table[["sex", "commune_type", "qpv", "contact_language", "bank_domicile"]])
    sums = rows.groupby(["attribute", "group"])[["gap"]].sum().join(rows.groupby(["attribute", "group"])[["total_gap"]].first())
    assert (sums["gap"] - sums["total_gap"]).abs().max() <= 1e-9


def test_intervals_are_those_of_welch_in_scipy():
    rng = np.random.default_rng(2)
    found = made(rng.normal(size=(80, 3)) * [1, 5, 20])
    group = rng.choice(["a", "b", "c"], 80)
    rows = drivers(found, group, confidence=0.9)
    for level in "abc":
        for j in range(3):
            test = stats.ttest_ind(found.values[group == level, j], found.values[group != level, j], equal_var=False)
            row, limits = of(rows, level, f"f{j}"), test.confidence_interval(0.9)
            assert (row["gap_low"], row["gap_high"]) == pytest.approx((limits.low, limits.high), rel=1e-9)
        whole = stats.ttest_ind(found.total[group == level], found.total[group != level], equal_var=False).confidence_interval(0.9)
        assert (row["total_low"], row["total_high"]) == pytest.approx((whole.low, whole.high), rel=1e-9)


def test_the_variance_of_a_weighted_mean_is_the_robust_one_of_statsmodels():
    rng = np.random.default_rng(4)
    found, weight, group = made(rng.normal(size=(60, 1))), rng.uniform(0.2, 3, 60), np.repeat(["a", "b"], 30)
    row = of(drivers(found, group, weights=weight), "a", "f0")
    fits = [sm.WLS(found.values[side, 0], np.ones(30), weights=weight[side]).fit(cov_type="HC1", use_t=True) for side in (group == "a", group == "b")]
    variance = [fit.bse[0] ** 2 for fit in fits]
    freedom = sum(variance) ** 2 / sum(v**2 / 29 for v in variance)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(variance))
    assert row["gap"] == pytest.approx(fits[0].params[0] - fits[1].params[0])
    assert (row["gap_high"] - row["gap"]) == pytest.approx(half, rel=1e-9)


# -- laws


@few
@given(st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    values, group = rng.normal(size=(40, 3)), pd.Series(rng.choice(["a", "b", None], 40), dtype=object)
    order = rng.permutation(40)
    pd.testing.assert_frame_equal(drivers(made(values), group), drivers(made(values[order]), group.iloc[order]), rtol=1e-9, atol=1e-12)


@few
@given(st.integers(0, 10_000))
def test_new_names_of_groups_change_names_only(seed):
    rng = np.random.default_rng(seed)
    found, group = made(rng.normal(size=(40, 2))), pd.Series(rng.choice(["a", "b", "c"], 40))
    renamed = drivers(found, group.map({"a": "z", "b": "y", "c": "x"}))
    back = renamed.assign(group=renamed["group"].map({"z": "a", "y": "b", "x": "c"})).sort_values("group", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(back, drivers(found, group), check_exact=False, rtol=1e-9, atol=1e-12)


@few
@given(st.integers(0, 10_000))
def test_a_row_that_counts_k_is_k_rows(seed):
    rng = np.random.default_rng(seed)
    values, group, k = rng.normal(size=(30, 2)), np.array(list("ab") * 15), rng.integers(1, 5, 30)
    counted = drivers(made(values), group, weights=k, meaning=WeightMeaning.COUNT)
    repeated = drivers(made(np.repeat(values, k, axis=0)), np.repeat(group, k))
    pd.testing.assert_frame_equal(counted, repeated, rtol=1e-9, atol=1e-12)


def test_weights_alike_are_no_weights_and_weight_0_is_nobody():
    rng = np.random.default_rng(8)
    values, group = rng.normal(size=(30, 2)), np.array(list("ab") * 15)
    pd.testing.assert_frame_equal(drivers(made(values), group, weights=np.full(30, 2.5)), drivers(made(values), group), rtol=1e-9)
    nobody = np.where(np.arange(30) < 4, 0.0, 1.0)
    rows = drivers(made(values), group, weights=nobody)
    pd.testing.assert_frame_equal(rows, drivers(made(values[4:]), group[4:]), rtol=1e-9)


def test_two_attributes_with_the_same_labels_stay_apart():
    found = made([[1.0], [2.0], [3.0], [4.0]])
    rows = drivers(found, pd.DataFrame({"owns": ["yes", "no", "yes", "no"], "rents": ["no", "no", "yes", "yes"]}))
    gaps = rows.set_index(["attribute", "group"])["gap"]
    assert gaps.to_dict() == {("owns", "no"): 1.0, ("owns", "yes"): -1.0, ("rents", "no"): -2.0, ("rents", "yes"): 2.0}


# -- edges


def test_the_unknown_are_in_no_rest_and_stand_last_against_all_who_are_known():
    rows = drivers(made([[1.0], [3.0], [100.0], [100.0]]), ["a", "b", None, "(unknown)"])
    assert rows["group"].tolist() == ["a", "b", UNKNOWN]
    assert rows["reference_mean"].tolist() == [3.0, 1.0, 2.0]
    assert rows["people"].tolist() == [1, 1, 2]


def test_a_group_of_everybody_has_no_gap_and_says_why():
    rows = drivers(made([[1.0], [3.0]]), ["a", "a"])
    assert (rows["reason"][0], rows["reference_people"][0]) == ("everybody", 0)
    assert rows[["gap", "gap_low", "share", "total_gap"]].isna().all(axis=None)
    assert "everybody" in driver_sentences(rows, "en")[0]


def test_where_nobody_is_known_there_is_a_row_that_says_so():
    rows = drivers(made([[1.0], [3.0]]), [None, None])
    assert (rows["group"].tolist(), rows["reason"].tolist()) == ([UNKNOWN], ["nobody_known"])


def test_a_single_person_has_a_gap_without_interval():
    row = of(drivers(made([[1.0], [3.0], [4.0]]), ["a", "b", "b"]), "a", "f0")
    assert (row["gap"], row["reason"]) == (-2.5, "one_person")
    assert np.isnan([row["gap_low"], row["total_high"]]).all()


def test_a_constant_part_has_no_gap_and_an_interval_without_width():
    rng = np.random.default_rng(1)
    values = np.column_stack([rng.normal(size=20), np.full(20, 0.1)])
    row = of(drivers(made(values), list("ab") * 10), "a", "f1")
    assert row[["gap", "gap_low", "gap_high", "share"]].tolist() == [0, 0, 0, 0]
    assert row["mean"] == pytest.approx(0.1)


def test_shares_of_no_gap_are_undefined():
    rows = drivers(made([[1.0, -1.0], [2.0, -2.0], [3.0, -3.0], [4.0, -4.0]]), ["a", "a", "b", "b"])
    assert rows["share"].isna().all()
    assert rows["gap"].tolist() == [-2, 2, 2, -2]


def test_declared_order_of_levels_is_kept_and_levels_of_nobody_have_no_row():
    group = pd.Series(pd.Categorical(["<25", "60+", "25-59"] * 2, ["<25", "25-59", "60+", "never"], ordered=True), name="age")
    assert drivers(made(np.arange(6.0)[:, None]), group)["group"].tolist() == ["<25", "25-59", "60+"]


def test_the_columns_are_those_promised():
    assert list(drivers(made([[1.0], [2.0]]), ["a", "b"])) == DRIVERS


@pytest.mark.parametrize(
    ("group", "more"),
    [(["a"], {}), (["a", "b"], {"weights": [1.0]}), (["a", "b"], {"weights": [1.0, -1.0]}), (["a", "b"], {"confidence": 1.5}), (pd.DataFrame(), {})],
    ids=["a group missing", "a weight missing", "a weight below 0", "no confidence", "no attribute"],
)
def test_what_is_no_table_of_people_is_refused(group, more):
    with pytest.raises(EquiscoreError, match="Fix:"):
        drivers(made([[1.0], [2.0]]), group, **more)


# -- sentences


def test_the_sentence_names_gap_interval_and_parts():
    values = [[10.0, 0.0], [12.0, 0.0], [30.0, -2.0], [31.0, -5.0]]
    rows = drivers(made(values), ["F", "F", "M", "M"], attribute="sex")
    english, french = (driver_sentences(rows, language, titles={"sex": {"en": "Sex", "fr": "Sexe"}})[0] for language in ("en", "fr"))
    assert "Sex: F: the score is 16.0 points lower" in english
    assert english.endswith("Of this difference: 19.5 from f0; the other way, 3.5 from f1.")
    assert "inférieur de 16,0 points" in french
    assert french.endswith("De cette différence : 19,5 pour f0 ; en sens inverse, 3,5 pour f1.".replace(" :", "\u202f:").replace(" ;", "\u202f;"))


def test_a_gap_that_is_open_is_not_called_none_and_parts_that_cancel_are_named():
    rng = np.random.default_rng(0)
    group = np.array(list("ab") * 100)
    cancel = np.column_stack([5.0 * (group == "a"), -5.0 * (group == "a")]) + rng.normal(size=(200, 2))
    said = driver_sentences(drivers(made(cancel), group), "en")[0]
    assert "none is ruled out" in said
    assert re.search(r"f\d [+−-]\d.*; f\d [+−-]\d", said)


def test_the_features_not_named_are_added_up():
    rng = np.random.default_rng(0)
    values = np.where(np.arange(200)[:, None] % 2, 1.0, 0.0) * [9.0, 5.0, 1.0, 1.0] + 0.01 * rng.normal(size=(200, 4))
    rows = drivers(made(values, scale="log-odds"), list("ab") * 100)
    said = driver_sentences(rows, "en", most=2)
    assert "from the 2 other features together" in said[0]
    assert "(log-odds) lower" in said[0]
    assert "from the one other feature" in driver_sentences(rows, "en", most=3)[0]
