"""The frontier, held against a search of all pairs; the rule of choice, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.inquiry.alternatives.frontier import chosen_of, on_frontier, with_frontier

POINTS = st.lists(st.tuples(*[st.sampled_from([0.1, 0.2, 0.3, 0.4, float("nan")])] * 3), min_size=1, max_size=25)


def beats(one, other):
    return all(a >= b for a, b in zip(one, other, strict=True)) and any(a > b for a, b in zip(one, other, strict=True))


@settings(max_examples=60, deadline=None)
@given(POINTS)
def test_the_frontier_is_that_of_all_pairs(points):
    sound = [not any(np.isnan(point)) for point in points]
    brute = [sound[i] and not any(sound[j] and beats(points[j], points[i]) for j in range(len(points))) for i in range(len(points))]
    assert on_frontier(points).tolist() == brute


@settings(max_examples=40, deadline=None)
@given(POINTS, st.randoms())
def test_the_order_of_candidates_does_not_matter(points, chance):
    order = list(range(len(points)))
    chance.shuffle(order)
    assert on_frontier([points[i] for i in order]).tolist() == on_frontier(points)[order].tolist()


def table(**more):
    rows = {
        "name": ["now", "a", "b", "c", "d", "e"],
        "family": ["engines", "penalty", "penalty", "proxies", "thresholds", "penalty"],
        "auc": [0.80, 0.795, 0.79, 0.70, 0.80, np.nan],
        "profit": np.nan,
        "worst_ratio": [0.60, 0.85, 0.90, 0.99, 1.00, np.nan],
        "uses_protected_at_decision": [False, False, False, False, True, False],
        "status": ["measured"] * 5 + ["failed"],
    }
    return with_frontier(pd.DataFrame({**rows, **more}))


def test_a_candidate_that_uses_the_attribute_at_decision_pushes_nobody_off():
    assert table()["on_frontier"].tolist() == [True, True, True, True, True, False]
    users = table(uses_protected_at_decision=False)
    assert users["on_frontier"].tolist() == [False, False, False, False, True, False]


def test_profit_counts_where_it_was_measured():
    rows = table(auc=[0.8, 0.8, 0.8, 0.7, 0.8, np.nan], worst_ratio=[0.6, 0.6, 0.5, 0.5, 0.5, np.nan], profit=[1.0, 2.0, 3.0, 2.5, 0.0, np.nan])
    assert rows["on_frontier"].tolist() == [False, True, True, False, False, False]


@pytest.mark.parametrize(("loss", "chosen"), [(0.01, "b"), (0.006, "a"), (0.001, None), (0.2, "c")])
def test_the_choice_is_the_largest_worst_ratio_within_the_loss(loss, chosen):
    assert chosen_of(table(), "now", max_auc_loss=loss) == chosen


def test_nothing_is_chosen_that_is_no_better():
    assert chosen_of(table(worst_ratio=[0.95, 0.85, 0.9, 0.9, 1.0, np.nan]), "now") is None


def test_a_baseline_that_was_not_measured_is_said():
    with pytest.raises(EquiscoreError, match="Fix: see its reason"):
        chosen_of(table(), "e")
