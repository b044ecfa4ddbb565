"""Named segments of scores: exclusive, exhaustive, or refused."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.segment_rules import RFM_RULES, segment_table
from scoring.texts import LANGUAGES, say


def placed(*bins, **asked):
    """The segment of each combination of scores."""
    table = segment_table(bins, **asked)
    cells = product(*(range(1, number + 1) for number in bins))
    return {cell: table.names[place] for cell, place in zip(cells, table.places, strict=True)}


def test_the_default_grid_by_hand():
    """Recency across from 5 to 1, the mean of frequency and monetary value down from 5 to 1."""
    rows = {
        5: "champions loyal loyal cannot_lose cannot_lose",
        4: "champions loyal loyal at_risk at_risk",
        3: "potential_loyalists potential_loyalists need_attention at_risk at_risk",
        2: "potential_loyalists potential_loyalists about_to_sleep hibernating hibernating",
        1: "new promising about_to_sleep hibernating hibernating",
    }
    by_hand = {(r, value): name for value, row in rows.items() for r, name in zip((5, 4, 3, 2, 1), row.split(), strict=True)}
    assert placed(5, 5) == by_hand
    assert all(name == by_hand[r, (f + m + 1) // 2] for (r, f, m), name in placed(5, 5, 5).items())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 10), min_size=2, max_size=3))
def test_the_default_gives_everybody_one_segment_whatever_the_number_of_bins(bins):
    found = placed(*bins)
    assert len(found) == len([*product(*(range(number) for number in bins))])
    assert set(found.values()) <= set(RFM_RULES)
    if min(bins) > 1:
        assert (found[tuple(bins)], found[(1,) * len(bins)]) == ("champions", "hibernating")


def test_a_dimension_of_one_bin_is_in_the_middle():
    assert placed(1, 5) == {(1, 1): "about_to_sleep", (1, 2): "about_to_sleep", (1, 3): "need_attention", (1, 4): "loyal", (1, 5): "loyal"}


def test_a_segment_may_be_several_ranges_and_the_rest_has_a_name():
    rules = {"ends": [{"r": 1, "f": 1}, {"r": 3, "f": 3}]}
    assert [cell for cell, name in placed(3, 3, rules=rules, rest="others").items() if name == "ends"] == [(1, 1), (3, 3)]


def test_the_first_match_counts_where_one_says_so():
    rules = {"best": {"r": 3, "f": 3}, "good": {"r": [2, 3]}, "any": {}}
    assert placed(3, 3, rules=rules, match="first") == {
        (r, f): "best" if (r, f) == (3, 3) else "good" if r >= 2 else "any" for r, f in product((1, 2, 3), repeat=2)
    }


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"rules": {"a": {"r": [1, 2]}, "b": {"r": [2, 3]}}}, "'a' and 'b' overlap: both have r=2 f=1"),
        ({"rules": {"a": {"r": [1, 2]}}}, "No segment has r=3 f=1"),
        ({"rules": {"a": {}, "b": {"r": 1}}, "match": "first"}, "Nobody can be in 'b'"),
        ({"rules": {"a": {"x": 1}}}, "no dimension 'x'"),
        ({"rules": {"a": {"m": 1}}}, "no dimension 'm'"),
        ({"rules": {"a": {"r": 4}}}, "r=4"),
        ({"rules": {"a": {"r": [2, 1]}}}, r"r=\[2, 1\]"),
        ({"rules": {"a": {"r": [1, 2, 3]}}}, r"r=\[1, 2, 3\]"),
        ({"rules": {}}, "state at least one"),
        ({"rules": {"(unknown)": {}}}, "a name other than"),
        ({"rest": "(unknown)"}, "a name other than"),
    ],
)
def test_faulty_rules_are_refused(asked, says):
    with pytest.raises(EquiscoreError, match=rf"{says}(.|\n)*Fix:|Fix:.*{says}"):
        segment_table((3, 3), **asked)


@pytest.mark.parametrize("bins", [(0, 5), (5, 11), (5,), (5, 5, 5, 5)])
def test_impossible_numbers_of_scores_are_refused(bins):
    with pytest.raises(EquiscoreError, match=r"Bins .*Fix: give 1 to 10"):
        segment_table(bins)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_default_segment_has_a_name_and_is_explained(language):
    told = [say(f"segments.{prefix}{name}", language) for name in RFM_RULES for prefix in ("", "explain_")]
    assert len(set(told)) == 2 * len(RFM_RULES)
