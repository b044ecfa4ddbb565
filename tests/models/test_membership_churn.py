"""Who changed segment: everybody counted once, shares against statsmodels, the Rand index against scikit-learn, coverage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score
from statsmodels.stats.proportion import proportion_confint

from scoring.errors import EquiscoreError
from scoring.models.shifts.membership_agreement import adjusted_rand
from scoring.models.shifts.membership_churn import membership_churn

LABELS = st.sampled_from(["a", "b", "c", None])


def series(labels, start=0):
    return pd.Series(labels, index=[f"c{i + start}" for i in range(len(labels))], dtype=object)


def test_everybody_of_either_date_is_in_one_place():
    then = pd.Series({"ann": "low", "bea": "low", "cleo": None, "dan": "high"})
    now = pd.Series({"eve": "low", "bea": "high", "cleo": "low", "dan": "high"})
    row = membership_churn(then, now).rows.iloc[0]
    assert row[["both", "no_segment", "entered", "left", "changed"]].tolist() == [2, 1, 1, 1, 1]
    assert row["people_before"] == row["both"] + row["no_segment"] + row["left"] == len(then)
    assert row["people_after"] == row["both"] + row["no_segment"] + row["entered"] == len(now)


def test_transitions_name_who_came_and_went():
    found = membership_churn(pd.Series({"ann": "low", "bea": "low", "cleo": None}), pd.Series({"bea": "high", "cleo": "low", "eve": "low"}))
    listed = found.transitions[["segment_before", "segment_after", "people"]].to_numpy().tolist()
    assert sorted(listed) == [["(absent)", "low", 1], ["(no segment)", "low", 1], ["low", "(absent)", 1], ["low", "high", 1]]
    assert found.matrix().to_numpy().sum() == 4


def test_the_share_and_its_limits_are_wilsons():
    then, now = series(["a"] * 30 + ["b"] * 20), series(["a"] * 25 + ["b"] * 25)
    row = membership_churn(then, now).rows.iloc[0]
    assert row["share"] == 5 / 50
    assert [row["low"], row["high"]] == pytest.approx(proportion_confint(5, 50, method="wilson"))
    cells = membership_churn(then, now).transitions.set_index(["segment_before", "segment_after"])
    assert cells.loc[("a", "b"), ["low", "high"]].tolist() == pytest.approx(proportion_confint(5, 30, method="wilson"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40))
def test_the_rand_index_is_scikit_learns(pairs):
    then, now = (series([pair[i] for pair in pairs]) for i in (0, 1))
    row = membership_churn(then, now).rows.iloc[0]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    assert row["both"] == len(known)
    assert row["changed"] == sum(a != b for a, b in known)
    expected = adjusted_rand_score(*zip(*known, strict=True)) if known else 1.0
    if np.isnan(row["rand"]):  # 0/0: all in one segment or each in one of their own, which scikit-learn calls 1
        assert expected == 1
        assert {len(set(side)) for side in zip(*known, strict=True)} <= {1, len(known)}
    else:
        assert row["rand"] == pytest.approx(expected, abs=1e-9)
        assert row["rand_low"] <= row["rand"] <= row["rand_high"] + 1e-12


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_neither_order_nor_names_of_customers_matter(pairs, random):
    then, now = (series([pair[i] for pair in pairs]) for i in (0, 1))
    names = list(then.index)
    random.shuffle(names)
    other = membership_churn(then.loc[names], now)
    pd.testing.assert_frame_equal(other.rows, membership_churn(then, now).rows)


def test_new_names_of_segments_leave_the_agreement_and_change_everybody():
    then = series(["a", "b"] * 50)
    row = membership_churn(then, then.map({"a": "b", "b": "a"})).rows.iloc[0]
    assert row["rand"] == 1
    assert row["share"] == 1
    assert row["rand_low"] < 1


def shares_of(stay, margin):
    margin = np.array(margin)
    apart = np.outer(margin, margin)
    return stay * np.diag(margin) + (1 - stay) * apart


def rand_of_shares(p):
    both, one, other = (p**2).sum(), (p.sum(1) ** 2).sum(), (p.sum(0) ** 2).sum()
    return (both - one * other) / ((one + other) / 2 - one * other)


@pytest.mark.parametrize(
    ("stay", "margin", "n"),
    [
        pytest.param(0.9, [0.2] * 5, 1000, id="five segments, most stay"),
        pytest.param(0.98, [1 / 3] * 3, 60, id="few people, nearly all stay"),
        pytest.param(0.7, [0.80, 0.15, 0.05], 200, id="unequal segments"),
        pytest.param(0.0, [0.2] * 5, 300, id="no agreement"),
    ],
)
def test_coverage_of_the_rand_index(stay, margin, n):
    p = shares_of(stay, margin)
    tables = np.random.default_rng(1).multinomial(n, p.ravel(), 2000).reshape(-1, *p.shape).astype(float)
    _, low, high = adjusted_rand(tables)
    assert ((low <= rand_of_shares(p)) & (rand_of_shares(p) <= high)).mean() > 0.93


def test_groups_add_up_with_the_unknown():
    rng = np.random.default_rng(4)
    then, now = series(rng.choice(["a", "b"], 80)), series(rng.choice(["a", "b"], 80), start=20)
    groups = pd.DataFrame({"sex": rng.choice(["F", "M", None], 70), "age": rng.choice([1, 2], 70)}, index=[f"c{i}" for i in range(70)])
    rows = membership_churn(then, now, groups=groups).rows
    added = ["people_before", "people_after", "both", "entered", "left", "changed"]
    for attribute in ("sex", "age"):
        mine = rows[rows["attribute"] == attribute]
        assert mine[added].sum().tolist() == rows.loc[0, added].tolist()
        assert "(unknown)" in set(mine["group"])


def test_bands_move_up_and_down_where_they_have_an_order():
    then, now = series([1, 2, 10, 2]), series([2, 1, 10, 10])
    assert membership_churn(then.astype(int), now.astype(int)).rows.loc[0, ["up", "down"]].tolist() == [2, 1]
    kind = pd.CategoricalDtype(["low", "middle", "high"], ordered=True)
    ordered = [series(labels).astype(kind) for labels in (["low", "high"], ["high", "middle"])]
    assert membership_churn(*ordered).rows.loc[0, ["up", "down"]].tolist() == [1, 1]
    assert np.isnan(membership_churn(series(["a"]), series(["b"])).rows.loc[0, "up"])


def test_who_has_no_identifier_is_counted_not_joined():
    then = pd.Series(["a", "a"], index=["ann", None])
    found = membership_churn(then, pd.Series(["a", "b"], index=["ann", "bea"]))
    assert (found.unidentified_before, found.unidentified_after) == (1, 0)
    assert found.rows.loc[0, "people_before"] == 1


def test_nobody_in_common_has_no_share():
    row = membership_churn(pd.Series({"ann": "a"}), pd.Series({"bea": "a"})).rows.iloc[0]
    assert np.isnan([row["share"], row["low"], row["high"], row["rand"]]).all()
    assert (row["entered"], row["left"]) == (1, 1)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param(pd.Series(["a", "b"], index=["x", "x"]), pd.Series({"x": "a"}), "more than once", id="twice"),
        pytest.param(["a"], pd.Series({"x": "a"}), "Series", id="no identifiers"),
        pytest.param(pd.Series([], index=[], dtype=object), pd.Series([], index=[], dtype=object), "nobody", id="nobody"),
    ],
)
def test_what_cannot_be_joined_is_refused(before, after, said):
    with pytest.raises(EquiscoreError, match=said):
        membership_churn(before, after)


def test_frames_of_the_caller_stay_as_they_were():
    then, now = series(["a", None]), series(["b", "a"])
    copies = then.copy(), now.copy()
    membership_churn(then, now, groups=pd.Series(["F"], index=["c0"], name="sex"))
    pd.testing.assert_series_equal(then, copies[0])
    pd.testing.assert_series_equal(now, copies[1])
