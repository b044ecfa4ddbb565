"""The tables of Local Law 144; the rule's own worked examples are in tests/published."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

import scoring
from scoring.bounds import Bounds
from scoring.errors import StudyError
from scoring.fairness.by_score.ll144 import SCORING, SELECTION, above_median, impact_ratios, scoring_table, selection_table
from scoring.texts import LANGUAGES, say


def frame_of(groups, unknown=0):
    """Make a frame from {level: (selected, not)}."""
    rows = [(level, value) for level, (yes, no) in groups.items() for value in [1] * yes + [0] * no]
    return pd.DataFrame([*rows, *[(None, 1)] * unknown], columns=["sex", "ok"])


def counts_of(frame, **asked):
    return scoring.audit(frame, **{"groups": ["sex"], "decision": "ok", "favourable": 1, **asked}).counts


def scored(frame, **asked):
    return scoring.audit(frame, **{"groups": ["sex"], "score": "score", "cutoff": float(frame["score"].median()), **asked}).counts


def test_the_selection_table_row_by_row():
    table = selection_table(counts_of(frame_of({"F": (30, 70), "M": (60, 60), "X": (2, 1)}, unknown=7)), "sex", Bounds())
    assert list(table) == SELECTION
    by = table.set_index("group")
    assert by["applicants"].to_dict() == {"F": 100, "M": 120, "X": 3, "(unknown)": 7}
    assert by["selection_rate"].tolist() == pytest.approx([0.3, 0.5, 2 / 3, np.nan], nan_ok=True)
    assert by["impact_ratio"].tolist() == pytest.approx([0.45, 0.75, 1.0, np.nan], nan_ok=True)
    assert by.loc["F", ["low", "high"]].tolist() == pytest.approx(proportion_confint(30, 100, method="wilson"))
    assert by["share"]["X"] == pytest.approx(3 / 223)
    assert by["under_2_percent"].tolist() == [False, False, True, False]
    assert by["most_selected"].tolist() == [False, False, True, False]
    assert by["reason"].tolist() == ["", "", "", "unknown"]


def test_a_category_under_2_percent_may_be_left_out_and_is_listed_still():
    table = selection_table(counts_of(frame_of({"F": (30, 70), "M": (60, 60), "X": (2, 1)})), "sex", Bounds(), leave_out_small=True).set_index(
        "group"
    )
    assert table["impact_ratio"].tolist() == pytest.approx([0.6, 1.0, np.nan], nan_ok=True)
    assert table.loc["X", ["applicants", "selected", "reason"]].tolist() == [3, 2, "left_out"]
    assert table["selection_rate"]["X"] == pytest.approx(2 / 3)
    assert table["most_selected"].tolist() == [False, True, False]


def test_the_share_of_the_rule_is_a_bound():
    counts = counts_of(frame_of({"F": (30, 70), "X": (2, 8)}))
    for share, small in ((0.05, False), (0.1, True)):
        assert selection_table(counts, "sex", Bounds(best_share=share)).set_index("group")["under_2_percent"]["X"] == small


def test_nobody_selected_is_no_parity():
    table = selection_table(counts_of(frame_of({"F": (0, 70), "M": (0, 60)}, unknown=2)), "sex", Bounds())
    assert table["impact_ratio"].isna().all()
    assert table["reason"].tolist() == ["nobody_selected", "nobody_selected", "unknown"]
    assert impact_ratios([0, 3], [0, 4]).ratio.tolist() == pytest.approx([np.nan, 1.0], nan_ok=True)


def test_a_category_of_which_nobody_is_selected_has_ratio_0():
    table = selection_table(counts_of(frame_of({"F": (0, 70), "M": (30, 30)})), "sex", Bounds()).set_index("group")
    assert table["impact_ratio"]["F"] == 0
    assert table["high"]["F"] > 0


def test_weights_are_people_or_are_linearised():
    frame = frame_of({"F": (30, 70), "M": (60, 60)}).assign(w=2)
    as_people, as_weights = (selection_table(counts_of(frame, weights="w", weight_meaning=kind), "sex", Bounds()) for kind in ("count", "weight"))
    assert as_people["applicants"].tolist() == as_weights["applicants"].tolist() == [200, 240]
    np.testing.assert_allclose(as_people["impact_ratio"], as_weights["impact_ratio"])
    assert ((as_weights["high"] - as_weights["low"]) > (as_people["high"] - as_people["low"])).all()


def test_clustered_rows_get_no_limits():
    frame = frame_of({"F": (30, 70), "M": (60, 60)})
    table = selection_table(counts_of(frame.assign(home=np.arange(len(frame)) // 2), cluster="home"), "sex", Bounds())
    assert table["low"].isna().all()
    assert table["selection_rate"].tolist() == pytest.approx([0.3, 0.5])
    assert set(table["reason"]) == {"clustered"}


# scoring rates


def brute_force(frame):
    median = np.median(frame["score"])
    return (frame["score"] > median).groupby(frame["sex"]).mean()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 40), values=st.integers(1, 8), groups=st.integers(1, 4))
def test_above_the_median_is_what_numpy_says(seed, n, values, groups):
    rng = np.random.default_rng(seed)
    score, group = rng.integers(0, values, n), rng.integers(0, groups, n)
    counts = np.zeros((groups, values))
    np.add.at(counts, (group, score), 1)
    held = np.flatnonzero(counts.sum(0))
    found = above_median(counts[:, held])
    above = np.bincount(group, score > np.median(score), groups)
    # bins of one value each: who is in the median's bin is not above it
    assert found.least.tolist() == above.tolist()
    assert (found.least <= found.above + 1e-9).all()
    assert (found.above <= found.most + 1e-9).all()


@pytest.mark.parametrize("n", [301, 300])
def test_the_scoring_table_of_whole_numbers_is_exact(n):
    rng = np.random.default_rng(n)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "score": rng.integers(0, 40, n).astype(float)})
    frame["score"] += 5 * (frame["sex"] == "M")
    table = scoring_table(scored(frame), "sex", Bounds())
    assert list(table) == SCORING
    by = table.set_index("group")
    rate = brute_force(frame)
    assert by["scoring_rate"].tolist() == pytest.approx(rate.tolist())
    assert by["impact_ratio"].tolist() == pytest.approx((rate / rate.max()).tolist())
    assert by["median"].tolist() == [np.median(frame["score"])] * 2
    assert by["exact"].all()
    np.testing.assert_array_equal(by["rate_low"], by["scoring_rate"])
    np.testing.assert_array_equal(by["rate_high"], by["scoring_rate"])


def test_a_binned_score_gives_bounds_that_hold_the_rate_and_says_so():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], 5001), "score": rng.normal(size=5001)})
    frame.loc[frame["sex"] == "M", "score"] += 0.3
    counts = scoring.audit(frame, groups=["sex"], score="score", cutoff=1.0).counts
    assert not counts.exact
    by, rate = scoring_table(counts, "sex", Bounds()).set_index("group"), brute_force(frame)
    assert not by["exact"].any()
    assert by["median"].isna().all()
    assert (by["rate_low"] <= rate).all()
    assert (rate <= by["rate_high"]).all()
    assert by["scoring_rate"].tolist() == pytest.approx(rate.tolist(), abs=0.005)


def test_the_median_is_of_all_applicants_the_unknowns_too():
    frame = pd.DataFrame({"sex": ["F"] * 4 + ["M"] * 4 + [None] * 6, "score": [1.0, 2, 3, 4, 1, 2, 3, 4] + [9.0] * 6})
    by = scoring_table(scored(frame), "sex", Bounds()).set_index("group")
    assert by["median"].iloc[0] == np.median(frame["score"]) == 4.0
    assert by["above_median"].tolist() == [0, 0, 6]
    assert by["scoring_rate"].tolist() == pytest.approx([0, 0, np.nan], nan_ok=True)
    assert by["reason"].tolist() == ["nobody_selected", "nobody_selected", "unknown"]


def test_people_without_a_score_are_counted():
    frame = pd.DataFrame({"sex": ["F"] * 4 + ["M"] * 4, "score": pd.array([1, None, 3, 4, 1, 2, 3, 4], "Float64"), "ok": 1})
    by = scoring_table(counts_of(frame, score="score"), "sex", Bounds()).set_index("group")
    assert by["applicants"].tolist() == [3, 4]
    assert by["unscored"].tolist() == [1, 0]


def test_an_attribute_that_is_none_is_refused():
    with pytest.raises(StudyError, match=r"No attribute 'race'. Fix: use one of sex"):
        scoring_table(scored(pd.DataFrame({"sex": ["F", "M"], "score": [1.0, 2.0]})), "race", Bounds())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8), st.integers(2, 5), st.randoms())
def test_impact_ratios_do_not_depend_on_order_or_scale(pairs, k, rng):
    hits, trials = (np.array(side, float) for side in zip(*((yes, yes + no) for yes, no in pairs), strict=True))
    found, many = impact_ratios(hits, trials), impact_ratios(k * hits, k * trials)
    np.testing.assert_allclose(found.ratio, many.ratio)
    order = rng.sample(range(len(pairs)), len(pairs))
    np.testing.assert_allclose(impact_ratios(hits[order], trials[order]).ratio, found.ratio[order])
    assert np.nanmax(np.append(found.ratio, 0)) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_reason_and_flag_has_words(language):
    said = say("score_metrics.ll144_under_2_percent", language, share=0.013)
    assert "1" in said
    for key, fields in {
        "unknown": {"applicants": 7},
        "left_out": {"applicants": 7, "rate": 0.5},
        "nobody_selected": {},
        "no_applicants": {},
        "scope": {},
    }.items():
        assert say(f"score_metrics.ll144_{key}", language, **fields)
