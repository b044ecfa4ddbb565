"""Reweighing makes outcome and group independent by weight, and keeps the weight of each."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.inquiry.alternatives.reweighing import reweighing_cells, reweighing_weights

PEOPLE = st.lists(st.tuples(st.sampled_from([0, 1, None]), st.sampled_from(["a", "b", "c", None]), st.integers(0, 3)), min_size=1, max_size=60)


def columns(people):
    return [list(side) for side in zip(*people, strict=True)]


def by_the_book(y, groups, weights):
    """W = P(s) P(y) / P(s, y), one row at a time (Kamiran & Calders 2012, section 5.2)."""
    known = [i for i in range(len(y)) if y[i] is not None and groups[i] is not None]
    total = sum(weights[i] for i in known)
    found = []
    for i in range(len(y)):
        cell = sum(weights[k] for k in known if y[k] == y[i] and groups[k] == groups[i])
        of_group = sum(weights[k] for k in known if groups[k] == groups[i])
        of_outcome = sum(weights[k] for k in known if y[k] == y[i])
        found.append(weights[i] * (of_group * of_outcome / total / cell if i in known and cell else 1.0))
    return found


@settings(max_examples=60, deadline=None)
@given(PEOPLE)
def test_weights_are_those_of_the_book_one_row_at_a_time(people):
    y, groups, weights = columns(people)
    assert reweighing_weights(y, groups, weights) == pytest.approx(by_the_book(y, groups, weights))


@settings(max_examples=60, deadline=None)
@given(PEOPLE)
def test_after_it_every_group_has_the_outcome_as_often_where_each_cell_has_somebody(people):
    y, groups, weights = columns(people)
    held = pd.DataFrame({"y": y, "g": groups, "w": weights, "after": reweighing_weights(y, groups, weights)}).dropna()
    table = held.pivot_table(index="g", columns="y", values="w", aggfunc="sum", observed=True)
    if table.size == 0 or table.isna().any(axis=None) or (table == 0).any(axis=None):
        return
    after = held.pivot_table(index="g", columns="y", values="after", aggfunc="sum", observed=True)
    assert after.sum(axis=1).to_numpy() == pytest.approx(table.sum(axis=1).to_numpy())
    assert after.sum().to_numpy() == pytest.approx(table.sum().to_numpy())
    shares = after.to_numpy() / after.sum(axis=1).to_numpy()[:, None]
    assert shares == pytest.approx(np.broadcast_to(shares[:1], shares.shape))


@settings(max_examples=40, deadline=None)
@given(PEOPLE)
def test_a_row_of_weight_k_is_k_rows(people):
    y, groups, weights = columns(people)
    alone = reweighing_weights(y, groups, weights)
    repeated = reweighing_weights(np.repeat(np.array(y, object), weights), np.repeat(np.array(groups, object), weights))
    assert np.bincount(np.repeat(np.arange(len(y)), weights), repeated, minlength=len(y)) == pytest.approx(alone)


def test_who_is_not_known_keeps_the_weight_and_is_counted():
    y, groups = [1, 0, 1, None, 1, 0], ["f", "f", "m", "m", None, "(unknown)"]
    assert reweighing_weights(y, groups, [1, 1, 1, 2, 3, 4])[3:].tolist() == [2, 3, 4]
    cells = reweighing_cells(y, groups)
    assert cells["n"].sum() == 6
    assert cells.loc[(cells["group"] == "(unknown)") | (cells["outcome"] == "(unknown)"), "factor"].tolist() == [1.0, 1.0, 1.0]


def test_categories_and_text_read_alike():
    y, groups = pd.Series([1.0, 0.0, 1.0, 0.0]), pd.Series(["a", "a", "b", None])
    assert reweighing_weights(y, groups.astype("category")).tolist() == reweighing_weights(y, groups).tolist()


@pytest.mark.parametrize(("weights", "said"), [([1, -1], "negative"), ([1, np.nan], "not finite"), ([1], "Fix: give one of each")])
def test_weights_that_are_none_are_refused(weights, said):
    with pytest.raises(EquiscoreError, match=said):
        reweighing_weights([1, 0], ["a", "b"], weights)
