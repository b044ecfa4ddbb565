"""The widest gap and the smallest ratio among groups, with limits that can hold 0 and 1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.fairness.frames.simultaneous import (
    Limits,
    each_confidence,
    gap_limits,
    pairwise_confidence,
    ratio_low,
    smallest_ratio,
    smallest_ratio_to,
    widest_gap,
    widest_gap_to,
)
from scoring.fairness.intervals import difference_interval, proportion_interval, ratio_interval

COUNTS = st.tuples(st.integers(0, 60), st.integers(1, 60)).map(lambda pair: (min(pair), max(pair)))


def measured(hits, trials, confidence):
    return np.asarray(hits) / trials, Limits(*proportion_interval(hits, trials, confidence=confidence))


def test_one_pair_is_judged_at_its_own_level():
    assert pairwise_confidence(2, 0.95) == pytest.approx(0.95, abs=1e-9)
    assert pairwise_confidence(1, 0.95) == each_confidence(1, 0.95) == 0.95


@pytest.mark.parametrize("groups", [3, 10, 50, 200, 201, 1000])
def test_more_groups_ask_more_of_each_pair_but_never_more_than_bonferroni(groups):
    bonferroni = 1 - 0.05 / (groups * (groups - 1) / 2)
    assert 0.95 < pairwise_confidence(groups, 0.95) <= bonferroni + 1e-12
    assert stats.norm.ppf(0.5 + pairwise_confidence(groups, 0.95) / 2) > 0.96 * stats.norm.ppf(0.5 + bonferroni / 2)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(one=COUNTS, other=COUNTS)
def test_a_gap_of_two_is_newcombes(one, other):
    (p, first), (q, second) = (measured(*pair, 0.95) for pair in (one, other))
    np.testing.assert_allclose(gap_limits(p, *first, second, of=q), difference_interval(*one, *other), atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(one=COUNTS, other=COUNTS)
def test_the_lower_limit_of_a_ratio_solves_its_quadratic(one, other):
    """(p - R q)^2 = a^2 + R^2 b^2 at the limit, and R is under the ratio."""
    (p, first), (q, second) = (measured(*pair, 0.95) for pair in (one, other))
    low = ratio_low(p, first.low, q, second.high)
    if one[0] == 0:
        assert np.isnan(low) if other[0] == 0 else low == 0
    else:
        assert (p - low * q) ** 2 == pytest.approx((p - first.low) ** 2 + low**2 * (second.high - q) ** 2, abs=1e-9)
        assert 0 <= low * q <= p


def test_mover_and_koopman_agree_where_there_are_people():
    (p, first), (q, second) = measured(360, 400, 0.95), measured(160, 800, 0.95)
    low, high = ratio_low(p, first.low, q, second.high), 1 / ratio_low(q, second.low, p, first.high)
    assert (low, high) == pytest.approx(ratio_interval(360, 400, 160, 800), rel=0.004)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(groups=st.lists(COUNTS, min_size=2, max_size=8), seed=st.integers(0, 99))
def test_extremes_are_those_of_all_pairs_whatever_their_order(groups, seed):
    hits, trials = np.array(groups).T
    value, limits = measured(hits, trials, 0.99)
    pairs = [(i, j) for i in range(len(hits)) for j in range(len(hits)) if i != j]
    low, high = np.array([difference_interval(hits[i], trials[i], hits[j], trials[j], confidence=0.99) for i, j in pairs]).T
    gap = widest_gap(value, limits)
    assert (gap.low, gap.high) == pytest.approx((max(low.max(), 0), high.max()), abs=1e-12)
    order = np.random.default_rng(seed).permutation(len(hits))
    moved = Limits(limits.low[order], limits.high[order])
    for of in (widest_gap, smallest_ratio):
        np.testing.assert_allclose(of(value[order], moved), of(value, limits), atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(groups=st.lists(COUNTS, min_size=2, max_size=8))
def test_limits_hold_the_estimate_and_stay_on_their_side(groups):
    hits, trials = np.array(groups).T
    value, limits = measured(hits, trials, 0.95)
    gap, ratio = widest_gap(value, limits), smallest_ratio(value, limits)
    assert 0 <= gap.low <= np.ptp(value) + 1e-12 <= gap.high + 2e-12
    if value.max() > 0:
        assert 0 <= ratio.low <= value.min() / value.max() + 1e-12 <= ratio.high + 2e-12 <= 1 + 3e-12
    else:
        assert np.isnan(ratio).all()


@pytest.mark.parametrize("groups", [2, 5, 10])
def test_p03_equal_groups_have_0_and_1_inside_as_often_as_promised(groups):
    """2,000 files of groups of 300 (one of 60) at a rate of .3: the percentiles of |max - min| hold 0 in none."""
    rng, sizes = np.random.default_rng(groups), np.array([60] + [300] * (groups - 1))
    value, limits = measured(rng.binomial(sizes, 0.3, (2000, groups)), sizes, pairwise_confidence(groups, 0.95))
    assert (widest_gap(value, limits).low == 0).mean() >= 0.94
    assert (smallest_ratio(value, limits).high == 1).mean() >= 0.94


@pytest.mark.parametrize("rates", [(0.3, 0.5), (0.3, 0.35, 0.5), (0.02, 0.1, 0.1, 0.12)], ids=str)
def test_a_true_gap_and_a_true_ratio_are_inside_as_often_as_promised(rates):
    rng, truth = np.random.default_rng(0), np.array(rates)
    value, limits = measured(rng.binomial(200, truth, (2000, len(rates))), np.full(len(rates), 200), pairwise_confidence(len(rates), 0.95))
    gap, ratio = widest_gap(value, limits), smallest_ratio(value, limits)
    assert ((gap.low <= np.ptp(truth)) & (np.ptp(truth) <= gap.high)).mean() >= 0.94
    least = truth.min() / truth.max()
    assert ((ratio.low <= least) & (least <= ratio.high)).mean() >= 0.94


def test_to_everybody_a_true_distance_is_inside_as_often_as_promised():
    """Groups are part of everybody: their estimates rise together, which `together` says (the share of the group's variance in it)."""
    rng, truth, sizes = np.random.default_rng(1), np.array([0.3, 0.4, 0.6]), np.array([100, 300, 400])
    hits, level = rng.binomial(sizes, truth, (2000, 3)), each_confidence(3, 0.95)
    value, limits = measured(hits, sizes, level)
    overall, of = measured(hits.sum(1, keepdims=True), np.array([sizes.sum()]), level)
    p = (sizes * truth).sum() / sizes.sum()
    spread = truth * (1 - truth) * sizes
    together = np.broadcast_to(np.sqrt(spread / spread.sum()), value.shape)
    gap, ratio = widest_gap_to(value, limits, overall, of, together), smallest_ratio_to(value, limits, overall, of, together)
    farthest, least = np.abs(truth - p).max(), np.minimum(truth / p, p / truth).min()
    assert ((gap.low <= farthest) & (farthest <= gap.high)).mean() >= 0.94
    assert ((ratio.low <= least) & (least <= ratio.high)).mean() >= 0.94


def test_one_group_alone_has_no_gap():
    value, limits = np.array([0.5, np.nan]), Limits(np.array([0.4, np.nan]), np.array([0.6, np.nan]))
    assert np.isnan([*widest_gap(value, limits), *smallest_ratio(value, limits)]).all()
    assert np.isnan(widest_gap_to(value, limits, value[:1], Limits(value[:1], value[:1]), np.zeros(2))).all()


def test_nobody_in_one_group_is_a_ratio_of_0_with_an_upper_limit():
    value, limits = measured(np.array([0, 30]), np.array([40, 60]), 0.95)
    ratio = smallest_ratio(value, limits)
    assert ratio.low == 0
    assert 0.05 < ratio.high < 0.25
