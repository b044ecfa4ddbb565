"""Loyalty tiers: thresholds, what is kept, promises, and faulty rules. The other road is a loop over people."""

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.models.offers import OfferPolicy, in_force
from scoring.models.segmenting.tiers import LoyaltyTiers, guaranteed_on

EARN = {"bronze": 100.0, "silver": 500.0, "gold": 2000.0}
KEEP = {"silver": 400.0, "gold": 1500.0}
TIERS = LoyaltyTiers(thresholds=EARN, keep=KEEP, version="2026")
ORDER = ["(none)", *EARN]


def by_hand(points, before, promised):
    if np.isnan(points):
        return before if promised and before in ORDER else "(unknown)"
    earned = max((tier for tier in EARN if points >= EARN[tier]), key=ORDER.index, default="(none)")
    held = [tier for tier in EARN if before in ORDER and ORDER.index(tier) <= ORDER.index(before) and points >= KEEP.get(tier, EARN[tier])]
    return max([earned, *held, *([before] if promised and before in ORDER else [])], key=ORDER.index)


def test_each_one_has_the_highest_tier_reached():
    points = [0, 99.9, 100, 499, 500, 2000, 1e9, np.nan, -5]
    assert TIERS.tier(points).tolist() == ["(none)", "(none)", "bronze", "bronze", "silver", "gold", "gold", "(unknown)", "(none)"]


people = st.tuples(st.floats(0, 3000) | st.just(np.nan), st.sampled_from([*ORDER, "(unknown)", None]), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(people, min_size=1, max_size=30))
def test_what_is_kept_is_what_a_loop_over_people_keeps(rows):
    points, before, promised = (list(column) for column in zip(*rows, strict=True))
    told = TIERS.renewed(points, before, guaranteed=promised)
    assert told.tolist() == [by_hand(*row) for row in rows]
    without = TIERS.renewed(points, before)
    assert without.tolist() == [by_hand(point, tier, promised=False) for point, tier, _ in rows]


def test_nobody_goes_up_and_down_between_the_two_thresholds():
    """1,800 points: not enough to earn gold, enough to keep it."""
    assert TIERS.renewed([1800, 1800], ["gold", "silver"]).tolist() == ["gold", "silver"]


def test_a_promise_ends_on_its_last_day():
    assert guaranteed_on(date(2026, 12, 31), ["2026-12-31", "2026-12-30", None]).tolist() == [True, False, False]
    assert TIERS.renewed([0], ["gold"], guaranteed=guaranteed_on(date(2026, 6, 1), [date(2026, 12, 31)])).tolist() == ["gold"]


def test_as_a_transformer_it_gives_numbers_in_order():
    table = pd.DataFrame({"points": [50.0, 600, np.nan]})
    fitted = TIERS.fit(table)
    assert fitted.transform(table).ravel().tolist() == [0, 2, -1]
    assert fitted.tiers_[2] == "silver"
    assert list(fitted.set_output(transform="pandas").transform(table).columns) == ["points"]
    assert LoyaltyTiers(thresholds=EARN).fit(pl.DataFrame({"points": [1.0]})).transform(pl.DataFrame({"points": [100.0]})).tolist() == [[1]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": {}},
        {"thresholds": {"a": 2, "b": 1}},
        {"thresholds": {"a": np.inf}},
        {"thresholds": {"a": 1}, "keep": {"b": 1}},
        {"thresholds": {"a": 1}, "keep": {"a": 2}},
        {"thresholds": {"a": 1, "b": 5}, "keep": {"b": 0}},
        {"thresholds": {"(none)": 1}},
        {"thresholds": {"(unknown)": 1}},
        {"thresholds": {"a": 1}, "version": ""},
        {"thresholds": {"a": 1}, "valid_from": "in spring"},
    ],
)
def test_faulty_rules_are_refused(wrong):
    with pytest.raises(EquiscoreError, match=r"LoyaltyTiers: .*Fix:"):
        LoyaltyTiers(**wrong).fit([[1.0]])


def test_a_tier_that_is_not_there_and_points_that_are_none_are_refused():
    with pytest.raises(EquiscoreError, match=r"no tier 'platinum'\. Fix:"):
        TIERS.renewed([1], ["platinum"])
    with pytest.raises(EquiscoreError, match="finite numbers"):
        TIERS.tier([np.inf])


# -- offers by date


def test_the_policy_of_a_day_is_the_one_that_began_last():
    ever, spring = OfferPolicy.of({"a": None}, version="0"), OfferPolicy.of({"a": "card"}, version="1", valid_from=date(2026, 3, 1))
    assert [in_force([spring, ever], day).version for day in (date(2026, 2, 28), date(2026, 3, 1))] == ["0", "1"]
    with pytest.raises(EquiscoreError, match="No offer policy counts on 2026-02-28"):
        in_force([spring], date(2026, 2, 28))
    with pytest.raises(EquiscoreError, match="Several offer policies begin on 2026-03-01"):
        in_force([spring, spring], date(2026, 3, 1))


def test_a_policy_has_a_line_for_each_tier_and_no_other():
    OfferPolicy.of(dict.fromkeys(ORDER, "card"), version="1").check(ORDER)
    with pytest.raises(EquiscoreError, match=r"no rule for 'silver'; no such segment as 'platinum'\. Fix:"):
        OfferPolicy.of(dict.fromkeys(["(none)", "bronze", "gold", "platinum"], "card"), version="1").check(ORDER)


def test_offers_of_many_people_are_those_of_a_mapping():
    tiers = np.random.default_rng(0).choice(ORDER, 1000)
    rules = {"(none)": None, "bronze": "mug", "silver": "card", "gold": "card"}
    told = OfferPolicy.of(rules, version="1").apply(tiers)
    assert [None if pd.isna(offer) else offer for offer in told] == [rules[tier] for tier in tiers]
