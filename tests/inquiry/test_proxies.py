"""How well features recover a group: asked of people the models had not seen, and never read as a clearance."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from scoring.errors import EquiscoreError
from scoring.fairness.curves import auc
from scoring.inquiry import recovery
from scoring.inquiry.carriers import CARRIERS, carrier_sentences, carriers, proxy_sentences
from scoring.inquiry.columns import MOST_LEVELS, bins_of, encoded
from scoring.inquiry.drivers import drivers
from scoring.inquiry.proxies import ALL, PROXIES, recoverability
from scoring.models.training import deal_folds
from scoring.vocabulary import UNKNOWN, WeightMeaning

FIGURES = ["auc", "low", "high", "without", "fall"]


def people(n=300, seed=5):
    """A feature that tells the group, one that tells a little, one that tells nothing, with missing values."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], n, p=[0.4, 0.4, 0.2])
    X = pd.DataFrame(
        {
            "tells": np.where(rng.random(n) < 0.1, np.nan, (group == "a") * 1.5 + rng.normal(size=n)),
            "hints": np.where(rng.random(n) < 0.6, group, rng.choice(["a", "b", "c"], n)),
            "noise": rng.normal(size=n),
        }
    )
    return X, pd.Series(group, name="group")


def task_of(dealt, weight=None, meaning=WeightMeaning.WEIGHT):
    n = len(dealt)
    empty = encoded(pd.DataFrame({"x": np.zeros(n)}))
    return recovery.Task(
        empty, empty.bins(), None, np.ones(n) if weight is None else weight, meaning, int(dealt.max()) + 1, 1, 0.95, 0
    )  # fmt: skip


def whole(rows, level):
    return rows[(rows["level"] == level) & (rows["feature"] == ALL)].iloc[0]


# -- the figure


def test_in_one_fold_the_figure_is_the_auc_of_curves_and_of_scikit_learn():
    rng = np.random.default_rng(1)
    member, scores = rng.random(200) < 0.3, np.round(rng.normal(size=200), 1)
    found = recovery.estimated(task_of(np.zeros(200, int)), scores, member, np.zeros(200, int))
    known = auc(scores, member)
    assert (found.value, found.low, found.high) == pytest.approx((known.value, known.low, known.high))
    assert found.value == pytest.approx(roc_auc_score(member, scores))


def test_in_several_folds_only_people_of_the_same_fold_are_compared():
    rng = np.random.default_rng(2)
    member, dealt = rng.random(300) < 0.3, rng.integers(0, 3, 300)
    scores = np.round(rng.normal(size=300) + 10 * dealt, 1)  # pooled, the folds would drown the people
    found = recovery.estimated(task_of(dealt), scores, member, dealt)
    sides = [(member & (dealt == f)).sum() * (~member & (dealt == f)).sum() for f in range(3)]
    parts = [roc_auc_score(member[dealt == f], scores[dealt == f]) for f in range(3)]
    assert found.value == pytest.approx(np.average(parts, weights=sides))
    by_hand = sum(a > b for f in range(3) for a in scores[member & (dealt == f)] for b in scores[~member & (dealt == f)])
    ties = sum(a == b for f in range(3) for a in scores[member & (dealt == f)] for b in scores[~member & (dealt == f)])
    assert found.value == pytest.approx((by_hand + ties / 2) / sum(sides))


def test_counts_are_repeated_people_and_weights_are_linearised():
    rng = np.random.default_rng(3)
    member, scores, k = np.arange(120) % 3 == 0, np.round(rng.normal(size=120), 1), rng.integers(1, 4, 120)
    one = np.zeros(120, int)
    counted = recovery.estimated(task_of(one, k.astype(float), WeightMeaning.COUNT), scores, member, one)
    again = auc(np.repeat(scores, k), np.repeat(member, k))
    assert (counted.value, counted.low, counted.high) == pytest.approx((again.value, again.low, again.high))
    weighed = recovery.estimated(task_of(one, k.astype(float)), scores, member, one)
    assert weighed.value == pytest.approx(counted.value)
    assert weighed.high - weighed.low > counted.high - counted.low


def test_the_rate_of_a_level_is_that_of_the_other_folds_drawn_to_that_of_all():
    member = np.array([1, 1, 0, 0, 1, 0], bool)
    dealt, level = np.array([0, 0, 0, 1, 1, 1]), ["x", "x", "y", "x", "y", "y"]
    told = encoded(pd.DataFrame({"v": level}))
    task = recovery.Task(told, told.bins(), None, np.ones(6), WeightMeaning.WEIGHT, 2, 1, 0.95, 0)
    x_0, y_0, x_1, y_1 = (0 + 10 / 3) / 11, (1 + 10 / 3) / 12, (2 + 20 / 3) / 12, (0 + 20 / 3) / 11
    np.testing.assert_allclose(recovery.by_rate(task, member, dealt, 0), [x_0, x_0, y_0, x_1, y_1, y_1])


def test_a_single_level_column_gives_what_its_table_gives():
    group = np.repeat(["north", "south"], 50)
    X = pd.DataFrame({"postcode": ["a"] * 60 + ["b"] * 40})
    rows = recoverability(X, group)
    assert rows["auc"].tolist() == pytest.approx([0.9] * 4)  # all of the north is in a, ten of the south


# -- what it says of features


def test_what_tells_is_found_and_its_loss_is_seen():
    X, group = people()
    rows = recoverability(X, group, left_out=None)
    a = rows[rows["level"] == "a"].set_index("feature")
    assert a.index[0] == ALL
    assert a.loc["tells", "low"] > 0.7
    assert a.loc["noise", "auc"] < 0.58
    assert a.loc["noise", "fall"] < 0.02 < a.loc["tells", "fall"]
    assert a.loc["tells", "fall"] == pytest.approx(a.loc[ALL, "auc"] - a.loc["tells", "without"])
    assert np.isnan(a.loc[ALL, "without"])


def test_only_the_strongest_are_left_out_where_no_more_is_asked():
    X, group = people()
    rows = recoverability(X, group, left_out=1)
    assert rows[rows["without"].notna()].groupby("level")["feature"].count().tolist() == [1, 1, 1]
    strongest = rows[rows["feature"] != ALL].groupby("level")["auc"].max()
    assert rows[rows["without"].notna()].set_index("level")["auc"].to_dict() == strongest.to_dict()


def test_the_attribute_itself_recovers_itself():
    _, group = people()
    rows = recoverability(group.to_frame("same"), group, left_out=None)
    assert rows["auc"].tolist() == pytest.approx([1] * 6)
    assert (rows["high"] == 1).all()
    assert (rows.loc[rows["feature"] == "same", "without"] == 0.5).all()


def test_constant_and_missing_features_tell_nothing():
    X, group = people()
    X = X[["tells"]].assign(same="x", gone=np.nan, none=pd.Series([None] * len(X), dtype=object))
    rows = recoverability(X, group)
    told = rows[rows["feature"].isin(["same", "gone", "none"])]
    assert (told["auc"].eq(0.5) & told["reason"].eq("constant") & told["fall"].eq(0)).all()
    nothing = recoverability(X[["same", "gone"]], group)
    assert (nothing["feature"].tolist(), nothing["auc"].tolist()) == ([ALL] * 3, [0.5] * 3)


def test_a_feature_known_of_a_handful_breaks_no_fold():
    X, group = people()
    rare = np.full(len(X), np.nan)
    rare[7] = 1.0
    assert recoverability(X.assign(rare=rare), group)["auc"].notna().all()


def test_more_levels_than_trees_can_hold_are_joined_and_still_tell():
    rng = np.random.default_rng(1)
    place = rng.integers(0, 400, 4000)
    X = pd.DataFrame({"postcode": [f"{p:03d}" for p in place]})
    assert encoded(X).values.max() == MOST_LEVELS  # noqa: PD011  (no pandas)
    assert whole(recoverability(X, np.where(place < 100, "in", "out"), left_out=0), "in")["low"] > 0.7


def test_bins_of_numbers_hold_about_equal_shares_and_missing_is_apart():
    values = np.append(np.random.default_rng(1).normal(size=1000), [np.nan] * 7)
    bins = bins_of(values, levels=False)
    assert (bins == 0).sum() == 7
    assert np.bincount(bins)[1:].tolist() == [50] * 20
    assert (np.diff(bins[np.argsort(values[:1000])]) >= 0).all()


# -- laws


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 10_000))
def test_neither_the_order_of_rows_nor_the_names_of_groups_change_a_figure(seed):
    X, group = people(150)
    order = np.random.default_rng(seed).permutation(len(X))
    first = recoverability(X, group, left_out=0)
    pd.testing.assert_frame_equal(recoverability(X.iloc[order], group.iloc[order], left_out=0), first)
    renamed = recoverability(X, group.map({"a": "z", "b": "y", "c": "x"}), left_out=0)
    for old, new in zip("abc", "zyx", strict=True):
        np.testing.assert_array_equal(renamed.loc[renamed["level"] == new, FIGURES], first.loc[first["level"] == old, FIGURES])


def test_a_seed_is_a_result_and_another_seed_another():
    X, group = people()
    first, again, other = (recoverability(X, group, left_out=0, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert (first["auc"] != other["auc"]).any()
    assert (first["auc"] - other["auc"]).abs().max() < 0.1


def test_two_levels_are_one_question():
    X, group = people()
    rows = recoverability(X, group.where(group == "a", "not a"), left_out=1)
    a, other = (rows[rows["level"] == level] for level in ("a", "not a"))
    np.testing.assert_array_equal(a[FIGURES], other[FIGURES])
    assert a["members"].iloc[0] + other["members"].iloc[0] == 300
    among_three = recoverability(X, group, left_out=1)
    np.testing.assert_array_equal(a[FIGURES], among_three.loc[among_three["level"] == "a", FIGURES])


def test_two_attributes_with_the_same_labels_stay_apart():
    X, group = people()
    flags = pd.DataFrame({"is a": group.eq("a").map({True: "yes", False: "no"}), "is c": group.eq("c").map({True: "yes", False: "no"})})
    rows = recoverability(X, flags, left_out=0)
    figures = rows[rows["feature"] == ALL].set_index(["attribute", "level"])
    assert figures.loc[("is a", "yes"), "members"] == (group == "a").sum()
    assert figures.loc[("is a", "yes"), "auc"] != figures.loc[("is c", "yes"), "auc"]


def test_weights_alike_are_no_weights_and_weight_0_is_nobody():
    X, group = people()
    first = recoverability(X, group, left_out=0)
    pd.testing.assert_frame_equal(recoverability(X, group, left_out=0, weights=np.full(300, 3.0)), first)
    nobody = np.where(np.arange(300) < 20, 0.0, 1.0)
    pd.testing.assert_frame_equal(recoverability(X, group, left_out=0, weights=nobody), recoverability(X[20:], group[20:], left_out=0))


# -- who is asked


def test_rows_of_a_person_are_never_on_both_sides():
    rng = np.random.default_rng(6)
    each = pd.DataFrame({"x": rng.normal(size=80), "y": rng.normal(size=80)})
    group = rng.choice(["a", "b"], 80)
    four = pd.concat([each] * 4, ignore_index=True)
    named = np.tile([f"person {i}" for i in range(80)], 4)
    apart = recoverability(four, np.tile(group, 4), groups=named, left_out=0).iloc[0]
    mixed = recoverability(four, np.tile(group, 4), left_out=0).iloc[0]
    assert apart["low"] < 0.55
    assert mixed["low"] > 0.7  # known by heart


def test_the_unknown_are_left_out_and_counted():
    X, group = people()
    masked = group.mask(np.arange(300) < 40).where(np.arange(300) != 41, "(unknown)")
    rows = recoverability(X, masked, left_out=0)
    assert rows[["n", "people", "unknown"]].drop_duplicates().to_numpy().tolist() == [[259, 259, 41]]
    seen = np.r_[40, 42:300]
    pd.testing.assert_frame_equal(rows.assign(unknown=0), recoverability(X.iloc[seen], group.iloc[seen], left_out=0))
    assert "41 people whose group is not known were left out." in proxy_sentences(rows, "en")[0]


def test_of_too_many_a_sample_of_whole_persons_is_drawn_and_said():
    X, group = people(900)
    who = np.repeat(np.arange(300), 3)
    rows = recoverability(X, group, groups=who, most=400, left_out=0)
    assert rows["people"].eq(900).all()
    assert rows["n"].between(390, 400).all()
    assert (rows["n"] % 3 == 0).all()
    assert re.search(r"Measured on \d+ of 900 people, drawn with seed 1\.", proxy_sentences(rows, "en")[0])
    order = np.random.default_rng(1).permutation(900)
    pd.testing.assert_frame_equal(recoverability(X.iloc[order], group.iloc[order], groups=who[order], most=400, left_out=0), rows)


def test_a_model_learns_from_so_many_of_each_side_and_says_of_how_many(monkeypatch):
    monkeypatch.setattr(recovery, "LEARNED", 60)
    X, group = people()
    rows = recoverability(X, group, left_out=0)
    assert rows["learned_from"].max() <= 120
    assert whole(rows, "a")["low"] > 0.6


@pytest.mark.parametrize(
    ("group", "level", "reason"),
    [
        (["a"] * 40, "a", "everybody"),
        ([None] * 40, UNKNOWN, "nobody_known"),
        (["a"] * 4 + ["b"] * 36, "a", "few_members"),
        (["a"] * 4 + ["b"] * 36, "b", "few_others"),
    ],
    ids=["everybody", "nobody known", "four for five folds", "four others for five folds"],
)
def test_where_the_question_cannot_be_asked_the_row_says_why(group, level, reason):
    rows = recoverability(pd.DataFrame({"x": np.arange(40.0)}), group)
    row = whole(rows, level)
    assert row["reason"] == reason
    assert rows[FIGURES].isna().all(axis=None)
    said = proxy_sentences(rows, "fr") + proxy_sentences(rows, "en")
    assert all(said)
    assert not any("AUC" in text for text in said)


@pytest.mark.parametrize(
    ("features", "more"),
    [(pd.DataFrame(index=range(3)), {}), ({"x": [1, 2]}, {}), ({"x": [1, 2, 3]}, {"folds": 1}), ({"x": [1, 2, 3]}, {"groups": ["p", None, "q"]})],
    ids=["no feature", "a person missing", "one fold", "a row of nobody"],
)
def test_what_cannot_be_asked_of_is_refused(features, more):
    with pytest.raises(EquiscoreError, match="Fix:"):
        recoverability(pd.DataFrame(features), ["a", "b", "a"], **more)


def test_the_folds_have_each_side_in_them():
    X, group = people()
    dealt = deal_folds(np.arange(300), 1 + (group == "c").to_numpy().astype(int), folds=5, seed=1)
    assert set(np.bincount(dealt[(group == "c").to_numpy()])) <= {12, 13, 11}
    assert list(recoverability(X, group, left_out=0)) == PROXIES


# -- the samples


def test_age_is_recovered_from_the_credit_sample_that_does_not_show_it(credit):
    X, _, ages = credit
    rows = recoverability(X, ages[["age"]], left_out=1)
    found = whole(rows, "<25")
    assert 0.76 < found["auc"] < 0.83
    assert found["low"] > 0.7
    assert rows[rows["feature"] != ALL].iloc[0]["feature"] == "housing"


def test_the_planted_proxy_is_the_one_carrier_of_the_gap_of_its_neighbourhoods(instalments):
    table, rule = instalments
    found = recoverability(table[list(rule.names)], table[["qpv"]], left_out=None)
    rows = carriers(drivers(rule, table[["qpv"]]), found)
    assert list(rows) == CARRIERS
    assert rows.loc[rows["both"], ["group", "feature"]].to_numpy().tolist() == [["no", "residence_years"], ["yes", "residence_years"]]
    planted = rows[rows["both"] & (rows["group"] == "yes")].iloc[0]
    assert planted["share"] == pytest.approx(1, abs=0.1)
    assert planted["low"] > 0.7
    assert 0.45 < planted["without"] < 0.55  # nothing else in the file tells of the neighbourhood
    said = carrier_sentences(rows, "en", titles={"residence_years": {"en": "years at the address"}})
    assert any("qpv: yes: years at the address carries both" in text for text in said)


# -- carriers and sentences


def joined(**changes):
    gap = {"attribute": "sex", "group": "F", "feature": "job", "gap": -8.0, "gap_low": -9.0, "gap_high": -7.0, "share": 0.8}
    gap |= {"total_gap": -10.0, "total_low": -12.0, "total_high": -8.0, "scale": "points"}
    told = {"attribute": "sex", "level": "F", "feature": "job", "auc": 0.7, "low": 0.65, "high": 0.75, "without": 0.6, "confidence": 0.95}
    names = {name: value for name, value in changes.items() if name in gap}
    return carriers(pd.DataFrame([gap | names]), pd.DataFrame([told | {k: v for k, v in changes.items() if k not in gap}])).iloc[0]


@pytest.mark.parametrize(
    ("changes", "carries_gap", "recovers"),
    [
        ({}, True, True),
        ({"gap_high": 0.1}, False, True),
        ({"total_high": 0.1}, False, True),
        ({"share": 0.05}, False, True),
        ({"share": -0.8}, False, True),
        ({"low": 0.5}, True, False),
        ({"auc": 0.54, "low": 0.53}, True, False),
        ({"attribute": "age"}, True, False),
    ],
    ids=["both", "part open", "gap open", "a crumb", "the other way", "AUC open", "AUC a crumb", "not asked"],
)
def test_a_carrier_is_flagged_where_both_are_shown(changes, carries_gap, recovers):
    row = joined(**changes)
    assert (row["carries_gap"], row["recovers"], row["both"]) == (carries_gap, recovers, carries_gap and recovers)


def test_no_sentence_clears_a_feature():
    rng = np.random.default_rng(0)
    rows = recoverability(pd.DataFrame({"x": rng.normal(size=200)}), rng.choice(["a", "b"], 200), attribute="club")
    english, french = (proxy_sentences(rows, language)[0] for language in ("en", "fr"))
    assert english.endswith("That does not show that they cannot.")
    assert french.endswith("Cela n'établit pas qu'elles ne le peuvent pas.")
    gap = {"attribute": "sex", "group": "F", "feature": "job", "gap": -8.0, "gap_low": -9.0, "gap_high": -7.0, "share": 0.8}
    gap |= {"total_gap": -10.0, "total_low": -12.0, "total_high": -8.0, "scale": "points"}
    nothing = carriers(pd.DataFrame([gap]), rows.iloc[:0])
    assert "That does not show that none does" in carrier_sentences(nothing, "en")[0]
    assert "n'établit pas qu'aucune ne le fait" in carrier_sentences(nothing, "fr")[0]


def test_a_model_that_does_not_see_the_attribute_is_said_not_to_be_blind():
    X, group = people()
    rows = recoverability(X, group, left_out=1)
    english, french = (proxy_sentences(rows, language)[0] for language in ("en", "fr"))
    assert "A model that never sees this attribute is not blind to it." in english
    assert "Alone, the strongest are tells (AUC 0." in english
    assert "Without tells, the others together reach 0." in english
    assert "ne l'ignore pas pour autant" in french
