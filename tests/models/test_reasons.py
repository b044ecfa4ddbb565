# ruff: noqa: PD011  (the values of Contributions are no pandas)
"""Reasons are ranked as PMML ranks them, for everybody at once, and nothing protected goes unmarked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from scoring.errors import EquiscoreError
from scoring.models import Scorecard
from scoring.models.explaining.contributions import Contributions, contributions
from scoring.models.explaining.reasons import METHODS, REASONS, baselines, ranked, reason_codes
from scoring.models.explaining.traits import Trait, Traits

few = settings(max_examples=60, deadline=None)


def made(values, base=0.0, **kw):
    values = np.asarray(values, float)
    return Contributions(tuple("abcdefgh"[: values.shape[1]]), values, base, base + values.sum(axis=1), **kw)


@pytest.fixture(scope="module")
def card(people):
    X, y = people
    return Scorecard(min_iv=0).fit(X, y)


# -- published: the sample scorecard of the PMML 4.4 page (dmg.org), whose reason codes RC1, RC2, RC3 are those of three characteristics

PARTIAL = {
    "department": {None: -9, "marketing": 19, "engineering": 3, "business": 6},
    "age": {None: -1, 18: -3, 29: 0, 39: 12, 99: 18},
    "income": {None: 5, 1000: 26, 2500: 5, 9999: -3},
}
BASELINE = {"department": 19, "age": 18, "income": 10}


@pytest.mark.parametrize(
    ("person", "score", "reasons"),
    [
        pytest.param(("engineering", 29, 1000), 29, [("age", 18), ("department", 16)], id="income above its baseline is no reason"),
        pytest.param(("marketing", 99, 1000), 63, [], id="nothing below any baseline"),
        pytest.param((None, None, None), -5, [("department", 28), ("age", 19), ("income", 5)], id="everything missing"),
        pytest.param(("business", 39, 9999), 15, [("department", 13), ("income", 13), ("age", 6)], id="a tie goes to the first"),
    ],
)
def test_the_sample_scorecard_of_pmml_by_hand(person, score, reasons):
    parts = [[float(PARTIAL[name][value]) for name, value in zip(PARTIAL, person, strict=True)]]
    found = Contributions(tuple(PARTIAL), np.array(parts), 0.0, np.array([float(score)]))
    rows = reason_codes(found, baseline=BASELINE).table()
    assert list(zip(rows["feature"], rows["difference"], strict=True)) == reasons
    above = reason_codes(found, baseline=BASELINE, algorithm="points_above")
    np.testing.assert_array_equal(above.difference, -reason_codes(found, baseline=BASELINE).difference)


# -- ranks

matrices = st.integers(0, 2**31).flatmap(
    lambda seed: st.tuples(st.integers(1, 30), st.integers(1, 8)).map(lambda shape: np.random.default_rng(seed).integers(-3, 4, shape).astype(float))
)


@few
@given(matrices)
def test_ranks_are_scipys_ordinal_ranks_of_what_is_above_0(difference):
    by_scipy = rankdata(-difference, method="ordinal", axis=1)
    np.testing.assert_array_equal(ranked(difference), np.where(difference > 0, by_scipy, 0))


@few
@given(matrices, st.randoms(use_true_random=False))
def test_the_order_of_people_and_who_else_is_there_do_not_matter(values, random):
    order = list(range(len(values)))
    random.shuffle(order)
    all_of_them, moved = (reason_codes(made(rows), baseline="neutral").rank for rows in (values, values[order]))
    np.testing.assert_array_equal(moved, all_of_them[order])
    np.testing.assert_array_equal(reason_codes(made(values[:1]), baseline="neutral").rank, all_of_them[:1])


@few
@given(matrices)
def test_weights_k_are_rows_k_times(values):
    times = np.arange(len(values)) % 3 + 1
    weighted = baselines(made(values), "mean", weights=times)
    np.testing.assert_allclose(weighted, baselines(made(np.repeat(values, times, axis=0)), "mean"), atol=1e-12)


def test_rounding_does_not_break_a_tie():
    assert ranked(np.array([[0.1 + 0.2, 0.3 + 1e-15]])).tolist() == [[1, 2]]


def test_the_long_and_the_wide_table_say_the_same_and_no_more_than_asked():
    found = made([[-1.0, -3.0, 2.0, -2.0], [5.0, 5.0, 5.0, 5.0], [0.0, -1.0, -1.0, 0.0]])
    codes = reason_codes(found, baseline="neutral", most=2)
    long, wide = codes.table(), codes.wide()
    assert list(long.columns) == REASONS
    assert long[["row", "rank", "feature"]].values.tolist() == [[0, 1, "b"], [0, 2, "d"], [2, 1, "b"], [2, 2, "c"]]
    assert wide.astype(object).where(wide.notna(), None).values.tolist() == [["b", "d"], [None, None], ["b", "c"]]
    np.testing.assert_array_equal(codes.rank[0], [3, 1, 0, 2])  # the arrays keep what the tables leave out


# -- baselines


def test_baselines_of_people_are_pandas_minimum_maximum_and_mean(card, people):
    found = contributions(card, people[0])
    table = pd.DataFrame(found.values)
    np.testing.assert_array_equal(baselines(found, "minimum"), table.min())
    np.testing.assert_array_equal(baselines(found, "maximum"), table.max())
    np.testing.assert_allclose(baselines(found, "mean"), table.mean(), atol=1e-9)


@pytest.mark.parametrize("method", ["minimum", "maximum", "mean"])
def test_the_baseline_of_a_card_alone_is_that_of_the_people_it_was_fitted_on(card, people, method):
    found = contributions(card, people[0])
    np.testing.assert_allclose(baselines(found, method, card=card), baselines(found, method), atol=1e-9)


def test_the_best_attainable_is_the_best_bin_of_a_known_value_whether_or_not_anybody_is_in_it(card, people):
    found = contributions(card, people[0].iloc[:2])
    table = card.points_table()
    best = table[~table["bin"].isin(["(missing)", "(unseen)"])].groupby("feature")["points"].max()
    np.testing.assert_array_equal(baselines(found, "attainable", card=card), best[list(found.names)])


def test_against_the_mean_the_costs_of_all_people_cancel_out(card, people):
    codes = reason_codes(contributions(card, people[0]), baseline="mean")
    np.testing.assert_allclose(codes.difference.sum(axis=0), 0, atol=1e-7)


# -- what is protected


def test_protected_and_immutable_features_are_marked_and_never_dropped(card, people):
    traits = {"age": Trait(protected=True, changeable=False), "income": Trait(changeable=True)}
    codes = reason_codes(contributions(card, people[0]), traits=traits, baseline="attainable", card=card, most=99)
    rows = codes.table()
    marked = rows.drop_duplicates("feature").set_index("feature")
    assert marked["protected"].to_dict() == {name: name == "age" for name in marked.index}
    assert bool(marked.loc["income", "changeable"]) is True
    assert bool(marked.loc["age", "changeable"]) is False
    assert pd.isna(marked.loc["home", "changeable"])
    plain = reason_codes(contributions(card, people[0]), baseline="attainable", card=card)
    np.testing.assert_array_equal(codes.rank, plain.rank)
    found = contributions(card, people[0])
    np.testing.assert_allclose(codes.baseline.sum() - codes.difference.sum(axis=1) + found.base, found.total)


# -- refusals


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"baseline": "median"}, "No baseline 'median'.*mean"),
        ({"baseline": {"a": 1}}, "No baseline for 'b'"),
        ({"baseline": "attainable"}, "give card="),
        ({"algorithm": "pointsBelow"}, "points_below"),
        ({"most": 0}, "at least 1 reason"),
        ({"population": Contributions(("a", "b"), np.zeros((1, 2)), 5.0, np.array([5.0]))}, "another base"),
    ],
)
def test_what_cannot_be_ranked_is_refused_with_its_mend(asked, says):
    with pytest.raises(EquiscoreError, match=f"{says}(.|\n)*"):
        reason_codes(made([[1.0, 2.0]]), **asked)


@pytest.mark.parametrize("wrong", [{"direction": "up"}, {"cost": 0}, {"low": 2, "high": 1}])
def test_a_trait_that_means_nothing_is_refused(wrong):
    with pytest.raises(EquiscoreError, match="Fix:"):
        Trait(**wrong)


def test_a_slip_in_the_name_of_a_trait_is_found():
    with pytest.raises(EquiscoreError, match="was 'age' meant"):
        Traits({"aeg": Trait(protected=True)}).checked(["age", "home"])


def test_every_method_gives_one_number_a_feature(card, people):
    found = contributions(card, people[0].iloc[:3])
    assert all(baselines(found, method, card=card).shape == (len(found.names),) for method in METHODS)
