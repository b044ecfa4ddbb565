"""Within strata: each figure by two roads, nothing compared where there is nothing to compare, and parts that add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from scoring.errors import EquiscoreError
from scoring.fairness.intervals import ratio_interval
from scoring.fairness.restricted import restricted_estimate
from scoring.fairness.strata import Pooled, mantel_haenszel, pooled_test
from scoring.fairness.within.decomposition import conditional_demographic_disparity, kitagawa, reversal, standardised

BERKELEY = ([89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341], [512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373])
SIMPSON = ([8, 20], [10, 90], [60, 1], [90, 10])
"""Group .8 and .222, reference .667 and .1: better in both strata, .28 against .61 in all."""
SAME = settings(max_examples=60, deadline=None)


def tables(least=0, smallest=1, most=6):
    """Counts of one to six strata, hits never above trials."""
    sides = st.tuples(st.integers(smallest, 60), st.integers(smallest, 60)).flatmap(
        lambda size: st.tuples(
            st.integers(min(least, size[0]), size[0]), st.just(size[0]), st.integers(min(least, size[1]), size[1]), st.just(size[1])
        )
    )
    return st.lists(sides, min_size=1, max_size=most).map(lambda rows: tuple(np.array(side, float) for side in zip(*rows, strict=True)))


def fields(result):
    return {name: np.asarray(getattr(result, name), float) for name in result.__slots__}


def assert_same(one, other, rtol=1e-9, atol=1e-12):
    for name, value in fields(one).items():
        np.testing.assert_allclose(value, fields(other)[name], rtol=rtol, atol=atol, err_msg=name)


def of_statsmodels(x, n, y, m):
    return StratifiedTable([np.array([[a, b - a], [c, d - c]], float) for a, b, c, d in zip(x, n, y, m, strict=True)])


# the pooled effects


@pytest.mark.filterwarnings("ignore::RuntimeWarning:statsmodels")  # the oracle divides by what it then leaves out
@SAME
@given(tables(least=2, smallest=12))
def test_ratio_odds_ratio_and_both_chi_squares_are_those_of_statsmodels(counts):
    oracle, pooled = of_statsmodels(*counts), mantel_haenszel(*counts)
    if not 0 < oracle.oddsratio_pooled < np.inf:
        return
    assert pooled.value == pooled.ratio == pytest.approx(oracle.riskratio_pooled, rel=1e-10)
    assert (pooled.odds_ratio, pooled.odds_low, pooled.odds_high) == pytest.approx((oracle.oddsratio_pooled, *oracle.oddsratio_pooled_confint()))
    plain = oracle.test_null_odds(correction=False)
    assert (pooled.cmh, pooled.p) == pytest.approx((plain.statistic, plain.pvalue), abs=1e-10)
    if np.isfinite(pooled.breslow_day) and oracle.oddsratio_pooled != 1:  # at odds of exactly 1 it divides 0 by 0
        tarone = oracle.test_equal_odds(adjust=True)
        assert (pooled.breslow_day, pooled.p_breslow_day) == pytest.approx((tarone.statistic, tarone.pvalue), rel=1e-6, abs=1e-8)


def test_at_odds_of_exactly_one_breslow_and_day_expect_what_the_margins_do():
    """Cells 6 of 12 and 3 of 12, then 3 and 6: expected 4.5 each; variance 1/(1/4.5 + 1/4.5 + 1/7.5 + 1/7.5); nothing for Tarone to take off."""
    pooled = mantel_haenszel([6, 3], [12, 12], [3, 6], [12, 12])
    assert pooled.odds_ratio == pytest.approx(1)
    assert pooled.breslow_day == pytest.approx(2 * 1.5**2 * (2 / 4.5 + 2 / 7.5))


def test_half_a_person_is_taken_off_and_never_more_than_there_is():
    assert mantel_haenszel(*BERKELEY, correction=True).cmh == pytest.approx(of_statsmodels(*BERKELEY).test_null_odds(correction=True).statistic)
    assert mantel_haenszel([5], [10], [5], [10], correction=True).cmh == 0


def test_two_strata_by_hand():
    """N = 20 and 40: ratio = (2*10/20 + 6*10/40) / (5*10/20 + 5*30/40) = 2.5 / 6.25."""
    pooled = mantel_haenszel([2, 6], [10, 30], [5, 5], [10, 10])
    assert pooled.ratio == pytest.approx(0.4)
    # sum (n m t - x y N)/N^2 = (700 - 200)/400 + (3300 - 1200)/1600 = 1.25 + 1.3125
    assert pooled.se == pytest.approx(np.sqrt(2.5625 / (2.5 * 6.25)))
    # weights n m / N = 5 and 7.5; gaps -.3 and -.3
    assert pooled.difference == pytest.approx(-0.3)
    q = [(np.log(r) - np.log(0.4)) ** 2 / v for r, v in ((0.4, 0.8 / 2 + 0.5 / 5), (0.4, 0.8 / 6 + 0.5 / 5))]
    assert (pooled.homogeneity, pooled.homogeneity_df) == pytest.approx((sum(q), 1), abs=1e-12)


@SAME
@given(tables(least=1, smallest=3, most=1))
def test_one_stratum_is_the_interval_of_katz(counts):
    x, n, y, m = counts
    if (x == n).all() and (y == m).all():
        return
    pooled = mantel_haenszel(*counts, confidence=0.9)
    assert (pooled.low, pooled.high) == pytest.approx(tuple(side[0] for side in ratio_interval(x, n, y, m, confidence=0.9, method="katz")))
    assert pooled.se**2 == pytest.approx((1 / x - 1 / n + 1 / y - 1 / m)[0])


@pytest.mark.parametrize("counts", [(0, 40, 20, 50), (4, 40, 0, 50), (40, 40, 50, 50), (0, 3, 1, 900)])
def test_at_the_edge_one_stratum_is_the_interval_of_koopman(counts):
    pooled = mantel_haenszel(*([side] for side in counts))
    assert (pooled.low, pooled.high) == pytest.approx(tuple(map(float, ratio_interval(*counts))), rel=1e-9)
    assert np.isnan(pooled.se)


def brute_score(x, n, y, m, theta):
    gap = variance = 0.0
    for a, b, c, d in zip(x, n, y, m, strict=True):
        p, q = (float(rate) for rate in restricted_estimate(a, b, c, d, ratio=theta))
        w = b * d / (b + d)
        gap += w * (a / b - theta * c / d)
        variance += w**2 * (p * (1 - p) / b + theta**2 * q * (1 - q) / d)
    return gap / np.sqrt(variance)


def test_nobody_of_the_group_in_any_stratum_has_an_upper_limit_by_the_score_and_never_no_width():
    counts = ([0, 0], [30, 10], [12, 30], [60, 50])
    pooled = mantel_haenszel(*counts)
    assert (pooled.ratio, pooled.low) == (0, 0)
    assert brute_score(*counts, float(pooled.high)) == pytest.approx(stats.norm.ppf(0.025))
    assert pooled_test(*counts, tolerance=float(pooled.high)).p_exclusion == pytest.approx(0.025)
    other = mantel_haenszel(*counts[2:], *counts[:2])
    assert (other.ratio, other.high) == (np.inf, np.inf)
    assert other.low == pytest.approx(1 / pooled.high)


def test_where_everybody_is_hit_the_interval_has_a_width():
    pooled = mantel_haenszel([5, 7], [5, 7], [9, 4], [9, 4])
    assert pooled.low < pooled.ratio == 1 < pooled.high
    assert np.isnan([pooled.difference_low, pooled.difference_high]).all()


@SAME
@given(tables(least=1, smallest=5), st.floats(0.3, 1.5))
def test_the_test_agrees_with_the_interval_and_its_sides_add_up_to_one(counts, tolerance):
    pooled, test = mantel_haenszel(*counts), pooled_test(*counts, tolerance=tolerance)
    assert test.p_exclusion + test.p_within == pytest.approx(1)
    if abs(pooled.high - tolerance) > 1e-9 and abs(pooled.low - tolerance) > 1e-9:
        assert (test.p_exclusion < 0.025) == (pooled.high < tolerance)
        assert (test.p_within < 0.025) == (pooled.low > tolerance)


def test_standard_errors_are_those_of_a_simulation():
    rng = np.random.default_rng(4)
    n, m, q = np.array([40, 150, 90]), np.array([200, 80, 120]), np.array([0.2, 0.5, 0.7])
    x, y = rng.binomial(n, 0.8 * q, (20_000, 3)), rng.binomial(m, q, (20_000, 3))
    pooled = mantel_haenszel(x, n, y, m)
    assert pooled.se.mean() == pytest.approx(np.log(pooled.ratio).std(), rel=0.02)
    width = (pooled.difference_high - pooled.difference_low) / (2 * stats.norm.ppf(0.975))
    assert width.mean() == pytest.approx(pooled.difference.std(), rel=0.02)
    assert ((pooled.low < 0.8) & (pooled.high > 0.8)).mean() == pytest.approx(0.95, abs=0.008)


def test_one_ratio_is_one_ratio_to_q_and_not_to_breslow_day():
    """Ratio .8 in two strata of base rate .1 and .9: formulas, section 6, give 5e-7 for Breslow-Day (1,000 people a side)."""
    n, q = np.full(2, 1_000.0), np.array([0.1, 0.9])
    pooled = mantel_haenszel(0.8 * q * n, n, q * n, n)
    assert pooled.homogeneity == pytest.approx(0, abs=1e-12)
    assert f"{pooled.p_breslow_day:.0e}" == "5e-07"


@pytest.mark.parametrize(("rates", "level"), [((0.2, 0.2, 0.2), 0.05), ((0.3, 0.5, 0.7), 0.055), ((0.1, 0.9), 0.076)])
def test_q_is_liberal_where_base_rates_are_far_apart_and_by_no_more_than_this(rates, level):
    """Q is about the ratio of Mantel and Haenszel, not about the mean that would make it smallest."""
    rng, q = np.random.default_rng(5), np.array(rates)
    drawn = mantel_haenszel(rng.binomial(1_000, 0.8 * q, (8_000, len(q))), 1_000, rng.binomial(1_000, q, (8_000, len(q))), 1_000)
    assert (drawn.p_homogeneity < 0.05).mean() == pytest.approx(level, abs=0.009)


def test_strata_without_hits_on_a_side_are_left_out_of_homogeneity_and_counted():
    pooled = mantel_haenszel([0, 5, 9, 4], [10, 10, 20, 4], [3, 6, 8, 7], [10, 10, 20, 7])
    assert (pooled.strata, pooled.left_out, pooled.homogeneity_df) == (4, 2, 1)
    two = mantel_haenszel([5, 9], [10, 20], [6, 8], [10, 20])
    parts = [(np.log(r) - np.log(pooled.ratio)) ** 2 / v for r, v in ((5 / 6, 0.5 / 5 + 0.4 / 6), (9 / 8, 0.55 / 9 + 0.6 / 8))]
    assert pooled.homogeneity == pytest.approx(sum(parts))
    assert two.left_out == 0


# what no stratum can say


def test_p23_nothing_comparable_is_no_number_and_never_parity():
    pooled = mantel_haenszel([4, 0, 0], [10, 0, 0], [0, 3, 0], [0, 10, 0])
    counted = {"strata", "left_out", "not_comparable"}
    assert all(np.isnan(value) for name, value in fields(pooled).items() if name not in counted)
    assert (pooled.strata, pooled.not_comparable) == (0, 2)
    assert np.isnan(pooled_test([4, 0], [10, 0], [0, 3], [0, 10])).all()
    both = standardised([4, 0], [10, 0], [0, 3], [0, 10])
    assert np.isnan([both.difference, both.ratio]).all()
    assert np.isnan(conditional_demographic_disparity([4, 0], [10, 0], [0, 3], [0, 10]).value)
    parts = kitagawa([4, 0], [10, 0], [0, 3], [0, 10])
    assert np.isnan([parts.composition, parts.within]).all()
    assert (parts.gap, parts.not_comparable) == pytest.approx((0.1, 0.1))


@SAME
@given(tables(least=1, smallest=3))
def test_p23_a_stratum_of_one_side_changes_no_pooled_figure(counts):
    more = [np.append(side, extra) for side, extra in zip(counts, (5, 9, 0, 0), strict=True)]
    plain, with_it = fields(mantel_haenszel(*counts)), fields(mantel_haenszel(*more))
    assert with_it.pop("not_comparable") == plain.pop("not_comparable") + 1
    for name, value in plain.items():
        np.testing.assert_allclose(with_it[name], value, rtol=1e-12, err_msg=name)
    assert standardised(*more).difference == pytest.approx(standardised(*counts).difference, nan_ok=True)
    assert conditional_demographic_disparity(*more).value == pytest.approx(conditional_demographic_disparity(*counts).value, nan_ok=True)


def test_nobody_hit_on_either_side_is_undefined():
    pooled = mantel_haenszel([0, 0], [5, 5], [0, 0], [9, 9])
    assert np.isnan([pooled.ratio, pooled.low, pooled.high, pooled.odds_ratio, pooled.cmh]).all()
    assert pooled.difference == 0
    assert np.isnan(pooled.difference_low)


def test_no_strata_at_all_are_no_strata():
    assert np.isnan(mantel_haenszel([], [], [], []).ratio)


# invariants


@SAME
@given(tables(least=1, smallest=4), st.randoms(use_true_random=False))
def test_the_order_of_strata_is_nothing(counts, random):
    order = list(range(len(counts[0])))
    random.shuffle(order)
    moved = tuple(side[order] for side in counts)
    assert_same(mantel_haenszel(*counts), mantel_haenszel(*moved), rtol=1e-7)
    assert standardised(*counts).difference == pytest.approx(standardised(*moved).difference, abs=1e-12)
    assert kitagawa(*counts).within == pytest.approx(kitagawa(*moved).within, abs=1e-12)


@SAME
@given(tables(least=1, smallest=4))
def test_exchanging_the_sides_inverts_ratios_and_turns_differences(counts):
    x, n, y, m = counts
    one, other = mantel_haenszel(x, n, y, m), mantel_haenszel(y, m, x, n)
    assert (one.ratio, one.low, one.high) == pytest.approx((1 / other.ratio, 1 / other.high, 1 / other.low), rel=1e-7)
    assert [one.difference, one.cmh] == pytest.approx([-other.difference, other.cmh], abs=1e-10, nan_ok=True)
    ahead, back = kitagawa(x, n, y, m), kitagawa(y, m, x, n)
    assert [ahead.gap, ahead.composition, ahead.within] == pytest.approx([-back.gap, -back.composition, -back.within], abs=1e-12)
    assert ahead.within_low == pytest.approx(-back.within_high, abs=1e-12, nan_ok=True)


@SAME
@given(tables(least=1, smallest=2), st.integers(2, 5))
def test_a_stratum_split_into_like_parts_changes_no_estimate(counts, parts):
    whole = tuple(side * parts for side in counts)
    split = tuple(np.concatenate([side] * parts) for side in counts)
    one, other = mantel_haenszel(*whole), mantel_haenszel(*split)
    assert (other.ratio, other.difference, other.odds_ratio) == pytest.approx((one.ratio, one.difference, one.odds_ratio), nan_ok=True)
    assert (other.low, other.high) == pytest.approx((one.low, one.high), rel=1e-6)
    assert [kitagawa(*split).composition, kitagawa(*split).within] == pytest.approx(
        [kitagawa(*whole).composition, kitagawa(*whole).within], abs=1e-12
    )


@SAME
@given(tables(least=1, smallest=5), st.floats(0.2, 9))
def test_counts_times_k_keep_estimates_and_divide_variances(counts, k):
    one, many = mantel_haenszel(*counts), mantel_haenszel(*(side * k for side in counts))
    assert (many.ratio, many.difference) == pytest.approx((one.ratio, one.difference))
    assert many.se**2 * k == pytest.approx(one.se**2, nan_ok=True)


@SAME
@given(st.integers(1, 9), st.integers(1, 20), st.integers(2, 30), st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_with_one_rate_and_one_mix_the_pooled_ratio_is_the_crude_one(hits, ref_hits, ref_people, sizes):
    size = np.array(sizes, float)
    x, n, y, m = hits * size, 10 * size, min(ref_hits, ref_people) * size, ref_people * size
    pooled = mantel_haenszel(x, n, y, m)
    assert pooled.ratio == pytest.approx((x.sum() / n.sum()) / (y.sum() / m.sum()))
    assert kitagawa(x, n, y, m).composition == pytest.approx(0, abs=1e-12)


def test_leading_axes_are_kept_and_each_row_is_worked_out_by_itself():
    rng = np.random.default_rng(1)
    n, m = rng.integers(0, 40, (2, 3, 5, 4))
    x, y = rng.binomial(n, 0.3), rng.binomial(m, 0.5)
    for function in (mantel_haenszel, standardised, kitagawa, conditional_demographic_disparity):
        whole = function(x, n, y, m)
        for i in np.ndindex(3, 5):
            for name, value in fields(function(x[i], n[i], y[i], m[i])).items():
                np.testing.assert_allclose(np.asarray(getattr(whole, name))[i], value, rtol=1e-9, atol=1e-12, err_msg=name)
    assert isinstance(mantel_haenszel(x, n, y, m), Pooled)


# standardised rates


def test_p13_a_gap_that_is_all_of_mix_is_nothing_within_strata():
    rate, n, m = np.array([0.9, 0.5, 0.2]), np.array([10, 40, 400]), np.array([300, 90, 20])
    counts = rate * n, n, rate * m, m
    crude = counts[0].sum() / n.sum() - counts[2].sum() / m.sum()
    assert crude < -0.5
    for mix in ("both", "group", "reference", [1, 2, 3]):
        found = standardised(*counts, mix=mix)
        assert (found.difference, found.ratio) == pytest.approx((0, 1), abs=1e-12)
        assert abs(found.difference) < abs(crude)  # the peer's inverted weights made it grow
    assert mantel_haenszel(*counts).ratio == pytest.approx(1)
    assert kitagawa(*counts).within == pytest.approx(0, abs=1e-12)
    assert kitagawa(*counts).composition == pytest.approx(crude)


@SAME
@given(tables(least=1, smallest=3))
def test_standardised_rates_are_weighted_means(counts):
    x, n, y, m = counts
    for mix, weight in (("both", n + m), ("group", n), ("reference", m)):
        found = standardised(x, n, y, m, mix=mix)
        assert found.value == pytest.approx(np.average(x / n, weights=weight))
        assert found.reference_value == pytest.approx(np.average(y / m, weights=weight))
        assert found.ratio == pytest.approx(found.value / found.reference_value)
    assert standardised(x, n, y, m, mix="group").value == pytest.approx(x.sum() / n.sum())


def test_limits_of_standardised_rates_are_those_of_a_simulation():
    rng = np.random.default_rng(8)
    n, m = np.array([60, 120]), np.array([200, 90])
    found = standardised(rng.binomial(n, [0.3, 0.6], (20_000, 2)), n, rng.binomial(m, [0.4, 0.7], (20_000, 2)), m, mix=[1, 1])
    width = (found.high - found.low) / (2 * stats.norm.ppf(0.975))
    assert width.mean() == pytest.approx(found.difference.std(), rel=0.02)
    log_width = np.log(found.ratio_high / found.ratio_low) / (2 * stats.norm.ppf(0.975))
    assert log_width.mean() == pytest.approx(np.log(found.ratio).std(), rel=0.02)


# conditional demographic disparity


def test_p12_the_closed_form_of_a_simpson_reversal():
    """Refused 2+70 of 72+39, accepted 28 of 28+61; within: 2/32 - 8/68 and 70/79 - 20/21, weights 100 and 100."""
    found = conditional_demographic_disparity(*SIMPSON)
    assert found.crude == pytest.approx(72 / 111 - 28 / 89)
    assert found.by_stratum == pytest.approx([2 / 32 - 8 / 68, 70 / 79 - 20 / 21])
    assert found.value == pytest.approx((found.by_stratum[0] + found.by_stratum[1]) / 2)
    assert found.crude > 0.3
    assert found.value < 0


def test_p12_the_mean_over_groups_cancels_and_is_not_what_is_worked_out():
    x, n, y, m = (sum(side) for side in SIMPSON)
    over_groups = n * conditional_demographic_disparity(x, n, y, m).crude + m * conditional_demographic_disparity(y, m, x, n).crude
    assert abs(over_groups / (n + m)) < 0.02  # what the peer returns, whatever the disparity
    assert abs(conditional_demographic_disparity(*SIMPSON).value) > 0.02


@SAME
@given(tables(least=0, smallest=1))
def test_conditional_demographic_disparity_by_brute_force(counts):
    told = [(a, b, c, d) for a, b, c, d in zip(*counts, strict=True) if 0 < a + c < b + d]
    people = sum(b + d for _, b, _, d in told)
    each = [(b + d) * ((b - a) / (b + d - a - c) - a / (a + c)) for a, b, c, d in told]
    found = conditional_demographic_disparity(*counts)
    assert found.value == pytest.approx(sum(each) / people if told else np.nan, nan_ok=True, abs=1e-12)
    assert found.strata == len(told)


def test_a_stratum_where_everybody_or_nobody_is_accepted_has_no_disparity():
    found = conditional_demographic_disparity([5, 0, 4], [5, 8, 9], [7, 0, 3], [7, 2, 9])
    assert np.isnan(found.by_stratum[:2]).all()
    assert found.value == found.by_stratum[2]


# the parts of a gap


@SAME
@given(tables(smallest=0))
def test_the_parts_add_up_to_the_gap(counts):
    x, n, y, m = counts
    parts = kitagawa(x, n, y, m)
    if n.sum() == 0 or m.sum() == 0:
        assert np.isnan(parts.gap)
        return
    assert parts.gap == pytest.approx(x.sum() / n.sum() - y.sum() / m.sum(), abs=1e-12)
    assert np.nansum([parts.composition, parts.within, parts.not_comparable]) == pytest.approx(parts.gap, abs=1e-12)
    for name in ("composition", "within", "not_comparable"):
        each = np.nansum(getattr(parts, f"{name}_by_stratum"))
        assert each == pytest.approx(np.nan_to_num(getattr(parts, name)), abs=1e-12)


@SAME
@given(tables(smallest=1))
def test_the_parts_are_those_of_kitagawa(counts):
    x, n, y, m = counts
    s, r, p, q = n / n.sum(), m / m.sum(), x / n, y / m
    parts = kitagawa(x, n, y, m)
    assert parts.composition == pytest.approx(sum((a - b) * (c + d) / 2 for a, b, c, d in zip(s, r, p, q, strict=True)), abs=1e-12)
    assert parts.within_by_stratum == pytest.approx((p - q) * (s + r) / 2, abs=1e-12)
    assert parts.not_comparable == 0


def test_what_cannot_be_compared_is_a_part_of_its_own():
    """Group: .5 in the common stratum and 1 in its own, half of it each; reference: .4 in the common one alone."""
    parts = kitagawa([25, 50], [50, 50], [40, 0], [100, 0])
    assert (parts.composition, parts.within, parts.not_comparable) == pytest.approx((0, 0.1, 0.25))
    assert np.isnan([parts.composition_by_stratum[1], parts.within_by_stratum[1]]).all()
    assert parts.not_comparable_by_stratum == pytest.approx([0, 0.25])
    # a stratum may be set apart though both sides are in it
    apart = kitagawa([25, 50], [50, 50], [40, 9], [100, 10], comparable=[True, False])
    assert apart.composition + apart.within + apart.not_comparable == pytest.approx(75 / 100 - 49 / 110)


def test_limits_of_the_parts_are_those_of_a_simulation():
    rng = np.random.default_rng(3)
    cells_g, cells_r = np.array([30, 70, 80, 20, 15, 25]) / 240, np.array([50, 50, 300, 60, 0, 0]) / 460
    g, r = rng.multinomial(240, cells_g, 20_000).reshape(-1, 3, 2), rng.multinomial(460, cells_r, 20_000).reshape(-1, 3, 2)
    parts = kitagawa(g[..., 0], g.sum(-1), r[..., 0], r.sum(-1))
    for name in ("composition", "within", "not_comparable"):
        width = (getattr(parts, f"{name}_high") - getattr(parts, f"{name}_low")) / (2 * stats.norm.ppf(0.975))
        assert width.mean() == pytest.approx(getattr(parts, name).std(), rel=0.03), name


def test_a_part_without_variance_has_no_limits():
    assert np.isnan(kitagawa([5, 5], [5, 5], [9, 3], [9, 3]).within_low)


# reversal


def test_simpson_is_told_and_whether_it_is_shown():
    pooled, crude = mantel_haenszel(*SIMPSON), ratio_interval(28, 100, 61, 100)
    told = reversal((28 / 61, *crude), (pooled.ratio, pooled.low, pooled.high))
    assert told.simpson
    assert not told.shown
    many = mantel_haenszel(*(np.array(side) * 50 for side in SIMPSON))
    assert reversal((28 / 61, *ratio_interval(1_400, 5_000, 3_050, 5_000)), (many.ratio, many.low, many.high)).shown


@pytest.mark.parametrize(("crude", "pooled"), [(0.9, 1.0), (1.0, 0.9), (np.nan, 0.5), (0.5, np.nan), (0.9, 0.8), (1.2, 1.1)])
def test_what_does_not_change_sides_is_no_reversal(crude, pooled):
    assert not reversal((crude, 0.1, 0.2), (pooled, 2.0, 3.0)).simpson


# what is no count


@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param(lambda: mantel_haenszel([3], [2], [1], [2]), "hits: 3 is more than trials: 2", id="hits above trials"),
        pytest.param(lambda: mantel_haenszel([-1], [2], [1], [2]), "hits: -1 is no count", id="a negative count"),
        pytest.param(lambda: mantel_haenszel([1], [2], [1], [2], confidence=95), "confidence: 95 is not between 0 and 1", id="a confidence of 95"),
        pytest.param(lambda: pooled_test([1], [2], [1], [2], tolerance=0), "tolerance: 0 is not a ratio", id="a tolerance of 0"),
        pytest.param(lambda: standardised([1], [2], [1], [2], mix="all"), "mix: no mix 'all'", id="an unknown mix"),
        pytest.param(lambda: standardised([1], [2], [1], [2], mix=[-1]), "mix: a weight is below 0", id="a negative weight"),
    ],
)
def test_bad_input_says_what_where_and_how(call, said):
    with pytest.raises(EquiscoreError, match="Fix:") as refused:
        call()
    assert said in str(refused.value)
