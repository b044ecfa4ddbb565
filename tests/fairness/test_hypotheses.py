import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import test_proportions_2indep as statsmodels_test

from scoring.errors import EquiscoreError
from scoring.fairness.exact import exact_p
from scoring.fairness.hypotheses import adjust, fisher, focused_bh, permutation_p, ratio_test, restricted_estimate, score_statistic, used_exact
from scoring.fairness.intervals import ratio_interval
from scoring.fairness.planning import Unsettled, detectable_ratio, people_needed, people_needed_at_parity, why_unsettled
from scoring.fairness.restricted import estimate_at, without_skewness

statsmodels_test.__test__ = False


@st.composite
def samples(draw, most=400):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


pairs = st.tuples(samples(), samples()).filter(lambda pair: pair[0][0] + pair[1][0] > 0)
ratios = st.floats(0.3, 2.5)


def random_pairs(count, seed=0, most=60):
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, most, (2, count))
    return rng.binomial(n, rng.random(count)), n, rng.binomial(m, rng.random(count)), m


# --- the restricted estimate and its score -----------------------------------------------------------------------------------------


def by_bisection(x, n, y, m, ratio):
    """The rate of the reference at which the slope of the log-likelihood, cleared of its denominators, is 0."""

    def slope(p):
        return (x - n * ratio * p) * (1 - p) + (y - m * p) * (1 - ratio * p)

    low, high = 0.0, min(1.0, 1 / ratio)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return low


@settings(max_examples=100, deadline=None)
@given(pair=pairs, ratio=ratios)
def test_the_restricted_estimate_solves_the_score_equation(pair, ratio):
    (x, n), (y, m) = pair
    group, reference = restricted_estimate(x, n, y, m, ratio=ratio)
    assert reference == pytest.approx(by_bisection(x, n, y, m, ratio), rel=1e-12, abs=1e-14)
    assert group == pytest.approx(ratio * reference, abs=1e-15)
    assert 0 <= group <= 1


def test_the_restricted_estimate_keeps_its_digits_where_the_textbook_root_loses_them():
    x, n, y, m, ratio = 1.0, 3e6, 2.0, 40.0, 0.8
    _, reference = restricted_estimate(x, n, y, m, ratio=ratio)
    exact = by_bisection(x, n, y, m, ratio)
    b = ratio * (n + y) + m + x
    textbook = (b - np.sqrt(b * b - 4 * ratio * (n + m) * (x + y))) / (2 * ratio * (n + m))
    assert reference == pytest.approx(exact, rel=1e-14)
    assert abs(textbook / exact - 1) > 1e-12


def test_no_unrestricted_pair_with_the_ratio_is_likelier():
    x, n, y, m, ratio = 3, 20, 60, 100, 0.8
    group, reference = restricted_estimate(x, n, y, m, ratio=ratio)
    tried = np.linspace(0.01, 0.99, 9_801)
    likelihood = stats.binom.logpmf(x, n, ratio * tried) + stats.binom.logpmf(y, m, tried)
    assert reference == pytest.approx(tried[likelihood.argmax()], abs=1e-4)
    assert (round(float(group), 4), round(float(reference), 4)) == (0.4425, 0.5531)


@settings(max_examples=60, deadline=None)
@given(pair=pairs, ratio=ratios)
def test_the_score_turns_its_sign_with_the_samples(pair, ratio):
    (x, n), (y, m) = pair
    here, there = score_statistic(x, n, y, m, ratio=ratio), score_statistic(y, m, x, n, ratio=1 / ratio)
    assert here.plain == pytest.approx(-there.plain, rel=1e-7, abs=1e-7)
    assert here.corrected == pytest.approx(-there.corrected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("pair", [(3, 20, 60, 100), (36, 40, 16, 80), (1, 12, 5, 30), (6, 7, 3, 9)])
def test_the_plain_score_is_that_of_statsmodels(pair):
    theirs = statsmodels_test(*pair, value=0.8, method="score", compare="ratio", correction=False)
    assert score_statistic(*pair, ratio=0.8).plain == pytest.approx(theirs.statistic, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(pair=pairs, ratio=ratios)
def test_the_corrected_score_solves_its_own_equation(pair, ratio):
    (x, n), (y, m) = pair
    z, s = score_statistic(x, n, y, m, ratio=ratio)
    p, q = restricted_estimate(x, n, y, m, ratio=ratio)
    variance = p * (1 - p) / n + ratio**2 * q * (1 - q) / m
    if variance < 1e-12:
        return
    third = p * (1 - p) * (1 - 2 * p) / n**2 - ratio**3 * q * (1 - q) * (1 - 2 * q) / m**2
    a = third / (6 * variance**1.5)
    if 1 + 4 * a * (z + a) > 0:
        assert s + a * (s * s - 1) == pytest.approx(z, abs=1e-7)
    else:
        assert s == pytest.approx(-1 / (2 * a))


def test_where_no_score_solves_the_equation_it_stops_at_the_turning_point():
    z, a = np.array([-3.0, 3.0, -0.7]), np.array([0.5, -0.5, 0.0])
    np.testing.assert_array_equal(without_skewness(z, a), [-1.0, 1.0, -0.7])


def test_where_only_one_table_is_possible_there_is_no_score():
    assert score_statistic(20, 20, 30, 30, ratio=1) == (0, 0)
    assert np.isnan(score_statistic([0, 0, 3], [20, 0, 9], [0, 5, 0], [30, 9, 0], ratio=0.8)).all()


# --- the test of a ratio -----------------------------------------------------------------------------------------------------------


def test_the_two_sides_have_exactly_two_fields():
    assert ratio_test(3, 20, 60, 100)._fields == ("p_exclusion", "p_within")


@settings(max_examples=80, deadline=None)
@given(pair=pairs, tolerance=ratios, confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_without_exactness_the_test_agrees_with_the_gart_nam_interval(pair, tolerance, confidence):
    (x, n), (y, m) = pair
    low, high = ratio_interval(x, n, y, m, confidence=confidence, method="gart-nam")
    if min(abs(tolerance - low), abs(tolerance - high)) < 1e-6:
        return
    p_exclusion, p_within = ratio_test(x, n, y, m, tolerance=tolerance, exact=False)
    assert (p_exclusion < (1 - confidence) / 2) == (high < tolerance)
    assert (p_within < (1 - confidence) / 2) == (low > tolerance)
    assert p_exclusion + p_within == pytest.approx(1)


def test_exactness_changes_only_the_small_p_values_of_few_expected():
    x, n, y, m = random_pairs(300, seed=5)
    plain, test = ratio_test(x, n, y, m, exact=False), ratio_test(x, n, y, m)
    few = used_exact(x, n, y, m)
    group, reference = estimate_at(*(a.astype(float) for a in (x, n, y, m)), np.array(0.8))
    expected = np.min([n * group, n * (1 - group), m * reference, m * (1 - reference)], axis=0)
    assert (few == ((expected < 5) & (np.fmin(*plain) < 0.1))).all()
    assert 20 < few.sum() < 280
    for before, after in zip(plain, test, strict=True):
        changed = ~np.isclose(before, after, rtol=1e-12, equal_nan=True)
        assert (changed <= few & (before < 0.1)).all()
    assert all(np.fmin(*test)[i] == pytest.approx(brute_p(x[i], n[i], y[i], m[i], ratio=0.8), rel=1e-3) for i in np.flatnonzero(few)[:12])


def brute_p(x, n, y, m, *, ratio, side=None, steps=1_500):
    """Every table scored, every rate of a fine grid tried: the exact p-value without a single short cut."""
    side = side or (1 if x * m > ratio * y * n else -1)
    group, reference = np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij")
    score = side * np.nan_to_num(score_statistic(group, n, reference, m, ratio=ratio).plain)
    region = (score >= score[x, y] - 1e-9).astype(float)
    low, high = stats.binomtest(int(y), int(m)).proportion_ci(1 - 1e-6, method="exact")
    rates = np.sin(np.linspace(*np.arcsin(np.sqrt(np.minimum([low, high], 1 / ratio))), steps)) ** 2
    of_group = stats.binom.pmf(np.arange(n + 1), n, np.minimum(ratio * rates, 1)[:, None])
    of_reference = stats.binom.pmf(np.arange(m + 1), m, rates[:, None])
    return min(1.0, np.einsum("pi,ij,pj->p", of_group, region, of_reference).max() + 1e-6)


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.0, 1.25])
def test_the_exact_p_is_that_of_brute_enumeration(ratio):
    for x, n, y, m in zip(*random_pairs(12, seed=int(100 * ratio), most=45), strict=True):
        if x + y:
            for side in (1, -1):
                assert exact_p(x, n, y, m, ratio, side=side) == pytest.approx(brute_p(x, n, y, m, ratio=ratio, side=side), rel=2e-4)


def size(test, n, m, alpha, *, ratio, rates):
    """P(p_within < alpha) and P(p_exclusion < alpha) over all tables, at each rate of the reference, the ratio being exactly the tolerance."""
    group, reference = np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij")
    of_group = stats.binom.pmf(np.arange(n + 1), n, ratio * rates[:, None])
    of_reference = stats.binom.pmf(np.arange(m + 1), m, rates[:, None])
    rejected = [np.nan_to_num(p, nan=1.0) < alpha for p in test(group, n, reference, m)]
    return [np.einsum("pi,ij,pj->p", of_group, region, of_reference).max() for region in rejected]


@pytest.mark.parametrize("alpha", [0.025, 0.005])
def test_the_exact_test_keeps_its_level_at_every_rate_where_the_plain_score_does_not(alpha):
    n, m, ratio = 8, 40, 0.8
    rates = np.linspace(0.005, 0.995, 199)

    def exact(*counts):
        return ratio_test(*counts, tolerance=ratio)

    def plain(*counts):
        z = score_statistic(*counts, ratio=ratio).plain
        return stats.norm.cdf(z), stats.norm.sf(z)

    few = used_exact(*np.meshgrid(np.arange(n + 1), [n], np.arange(m + 1), [m], indexing="ij"), tolerance=ratio)
    assert few.mean() > 0.2
    assert max(size(exact, n, m, alpha, ratio=ratio, rates=rates)) <= alpha
    assert max(size(plain, n, m, alpha, ratio=ratio, rates=rates)) > 1.2 * alpha


def within_size(which, n, m, alpha, ratio=0.8):
    """Return, by rate of the reference, the chance of a false WITHIN_TOLERANCE over alpha, and the smallest expected count."""
    rates = np.arange(0.02, 0.9801, 0.005)
    x, y = np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij")
    region = np.nan_to_num(getattr(score_statistic(x, n, y, m, ratio=ratio), which)) > stats.norm.isf(alpha)
    of_group, of_reference = stats.binom.pmf(np.arange(n + 1), n, ratio * rates[:, None]), stats.binom.pmf(np.arange(m + 1), m, rates[:, None])
    chance = np.einsum("pi,pi->p", of_group, of_reference @ region.T.astype(float))
    return chance / alpha, np.min([n * ratio * rates, n * (1 - ratio * rates), m * rates, m * (1 - rates)], axis=0)


def test_why_not_the_plain_score():
    """[size/alpha of p_within at .025/100: z 18, 4.6 where five are expected (50 : 950), 2.4 where 20 to 50 are (200 : 1,800); s at most 1.2.]"""
    small, expected = within_size("plain", 50, 950, 0.00025)
    assert small.max() == pytest.approx(18.0, abs=0.1)
    assert small[expected >= 5].max() == pytest.approx(4.5, abs=0.2)
    large, expected = within_size("plain", 200, 1_800, 0.00025)
    assert large[(expected >= 20) & (expected < 50)].max() == pytest.approx(2.4, abs=0.05)
    for n, m in ((50, 950), (200, 1_800)):
        assert within_size("corrected", n, m, 0.00025)[0].max() <= 1.2


def test_nobody_selected_is_tested_and_nobody_at_all_is_not():
    """[0 of 3 where .06 were expected is no finding; 0 of 60 where 6 were is, p about .0045.]"""
    assert ratio_test(0, 3, 100, 5_000).p_exclusion > 0.5
    assert ratio_test(0, 60, 300, 3_000).p_exclusion == pytest.approx(0.0045, abs=0.0003)
    assert np.isnan(ratio_test([0, 0, 5], [60, 0, 9], [0, 3, 0], [600, 9, 0])).all()
    assert ratio_test(5, 20, 0, 600).p_within < 0.001


def test_fractional_counts_are_never_tested_exactly():
    assert used_exact(0, 6, 480, 800)
    assert not used_exact(0.5, 6.5, 480, 800)
    assert ratio_test(0.5, 6.5, 480, 800) == ratio_test(0.5, 6.5, 480, 800, exact=False)


def test_pairs_and_tolerances_broadcast_in_any_order():
    x, n, y, m = random_pairs(40, seed=9)
    whole = np.array(ratio_test(x, n, y, m))
    order = np.random.default_rng(2).permutation(40)
    np.testing.assert_array_equal(np.array(ratio_test(x[order], n[order], y[order], m[order])), whole[:, order])
    assert ratio_test(x[:, None], n[:, None], y[:, None], m[:, None], tolerance=[0.8, 0.9]).p_within.shape == (40, 2)
    assert ratio_test([], [], [], []).p_within.shape == (0,)


def test_a_pair_that_occurs_again_is_tested_exactly_once(monkeypatch):
    asked = []
    monkeypatch.setattr("scoring.fairness.hypotheses.exact_p", lambda *row, side: asked.append((*row, side)) or exact_p(*row, side=side))
    x, n, y, m = np.array([[0, 6, 480, 800], [3, 3, 200, 800], [0, 6, 480, 800], [30, 100, 480, 800]] * 50).T
    repeated = np.array(ratio_test(x, n, y, m))
    assert sorted(asked) == [(0, 6, 480, 800, 0.8, -1), (3, 3, 200, 800, 0.8, 1)]
    singly = [np.array(ratio_test(*pair)) for pair in zip(x[:4], n[:4], y[:4], m[:4], strict=True)]
    np.testing.assert_array_equal(repeated, np.tile(np.transpose(singly), 50))


def test_p10_another_tolerance_of_the_same_pairs_is_another_test_each():
    whole = ratio_test(3, 20, 60, 100, tolerance=[0.5, 0.8, 0.8, 1.0])
    for i, tolerance in enumerate((0.5, 0.8, 0.8, 1.0)):
        one = ratio_test(3, 20, 60, 100, tolerance=tolerance)
        assert (whole.p_exclusion[i], whole.p_within[i]) == one


@pytest.mark.parametrize("tolerance", [0, -0.8, np.nan, np.inf])
def test_a_tolerance_is_a_ratio(tolerance):
    with pytest.raises(EquiscoreError, match=r"tolerance: .* is not a ratio. Fix: "):
        ratio_test(1, 10, 5, 10, tolerance=tolerance)


# --- families ----------------------------------------------------------------------------------------------------------------------

families = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(p=families, rng=st.randoms(use_true_random=False))
@pytest.mark.parametrize(("ours", "theirs"), [("holm", "holm"), ("bh", "fdr_bh"), ("by", "fdr_by")])
def test_p14_adjusted_p_values_are_those_of_statsmodels_and_do_not_depend_on_order(ours, theirs, p, rng):
    adjusted = adjust(p, ours)
    np.testing.assert_allclose(adjusted, multipletests(p, method=theirs)[1], rtol=1e-12, atol=1e-300)
    assert (adjusted >= p).all()
    order = rng.sample(range(len(p)), len(p))
    np.testing.assert_array_equal(adjust(np.array(p)[order], ours), adjusted[order])


def test_p14_of_families_without_a_finding_no_more_than_the_level_show_one():
    """With ranks taken for places it was 78 % of families of 30, at a nominal 10 %."""
    p = np.random.default_rng(14).random((2_000, 30))
    for method, share in (("holm", 0.1), ("bh", 0.1), ("by", 0.03)):
        shown = np.mean([adjust(family, method).min() <= 0.1 for family in p])
        assert shown == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("method", ["holm", "bh", "by"])
def test_what_has_no_p_value_stays_without_and_does_not_count(method):
    adjusted = adjust([0.01, np.nan, 0.04, np.nan], method)
    assert np.isnan(adjusted[[1, 3]]).all()
    np.testing.assert_array_equal(adjusted[[0, 2]], adjust([0.01, 0.04], method))
    assert np.isnan(adjust([np.nan, np.nan], method)).all()
    assert adjust([], method).size == 0
    assert adjust(0.03, method) == 0.03
    assert adjust([[0.01, 0.02], [0.03, 0.04]], method).shape == (2, 2)


def test_an_adjustment_refuses_what_it_does_not_know():
    with pytest.raises(EquiscoreError, match=r"No adjustment 'sidak'\. Fix: use one of holm, bh, by"):
        adjust([0.1], "sidak")
    with pytest.raises(EquiscoreError, match=r"outside \[0, 1\]. Fix: "):
        adjust([0.1, 1.2])


# --- filtered families -------------------------------------------------------------------------------------------------------------


def all_kept(found):
    return found


@settings(max_examples=60, deadline=None)
@given(p=families, q=st.sampled_from([0.01, 0.05, 0.2, 0.5]))
def test_p14_focused_bh_with_nothing_folded_is_benjamini_hochberg(p, q):
    np.testing.assert_array_equal(focused_bh(p, all_kept, q), adjust(p, "bh") <= q)


def folding(seed, size):
    """A filter that hides findings under others, at random: neither monotone nor simple, but always the same of the same set."""
    rng = np.random.default_rng(seed)
    hidden_by = rng.random((size, size)) < rng.choice([0.02, 0.1, 0.3])
    return lambda found: found & ~(hidden_by & found & ~np.eye(size, dtype=bool)).any(axis=1)


def by_every_threshold(p, kept, q):
    """Every t from the largest p-value down, without a short cut."""
    m = np.count_nonzero(~np.isnan(p))
    for t in np.unique(p[~np.isnan(p)])[::-1]:
        result = kept(p <= t)
        if result.sum() and t * (m / result.sum()) <= q:
            return result
    return np.zeros(p.shape, dtype=bool)


@pytest.mark.parametrize("seed", range(150))
def test_focused_bh_is_the_largest_threshold_of_all(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 40))
    p = np.where(rng.random(size) < 0.5, rng.random(size) ** 6, rng.random(size)).round(int(rng.integers(2, 6)))
    p[rng.random(size) < 0.1] = np.nan
    asked = []

    def kept(found):
        asked.append(found)
        return folding(seed, size)(found)

    for q in (0.05, 0.2):
        asked.clear()
        found = focused_bh(p, kept, q)
        np.testing.assert_array_equal(found, by_every_threshold(p, folding(seed, size), q))
        assert len(asked) <= np.sum(adjust(p, "bh") <= q)
        assert not found[np.isnan(p)].any()
        assert (found <= (adjust(p, "bh") <= q)).all()


def test_focused_bh_asks_the_filter_once_where_the_first_threshold_holds_and_never_where_none_can():
    asked = []
    focused_bh([0.001, 0.002, 0.9], lambda found: asked.append(1) or found, 0.05)
    assert len(asked) == 1
    assert not focused_bh([0.4, 0.5, 0.9], lambda found: asked.append(1) or found, 0.05).any()
    assert len(asked) == 1
    assert focused_bh([], all_kept, 0.05).shape == (0,)
    assert focused_bh([[0.001, np.nan], [0.9, 0.01]], all_kept, 0.05).tolist() == [[True, False], [False, True]]


def test_focused_bh_finds_more_at_a_smaller_threshold_where_the_filter_is_not_monotone():
    """The fourth finding folds the three before it into itself: one kept at .012, three at .003."""
    p = np.array([0.001, 0.002, 0.003, 0.012, 0.8])

    def kept(found):
        return found & np.array([not found[3]] * 3 + [True] * 2)

    assert focused_bh(p, kept, 0.05).tolist() == [True, True, True, False, False]


def test_folding_after_bh_leaves_the_false_findings_and_focused_bh_does_not():
    """[24 true discoveries folded into one beside 173 nulls, at q = .05: false share 40 % after BH, 4.6 % after Focused BH.]"""
    rng, truly, size, files = np.random.default_rng(3), 24, 197, 400
    shares = []
    for _ in range(files):
        p = np.concatenate([rng.random(truly) * 1e-6, rng.random(size - truly)])
        rank = np.concatenate([np.arange(truly), np.zeros(size - truly)])

        def kept(found, rank=rank):
            return found & (rank == 0)

        shares.append([np.sum(mask[truly:]) / max(1, mask.sum()) for mask in (kept(adjust(p, "bh") <= 0.05), focused_bh(p, kept, 0.05))])
    after, focused = np.mean(shares, axis=0)
    assert after > 0.3
    assert focused <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / files)


@pytest.mark.parametrize("kept", [lambda found: ~found, lambda found: found[:1], lambda found: found.astype(float)])
def test_a_filter_gives_back_a_part_of_what_it_is_given(kept):
    with pytest.raises(EquiscoreError, match=r"^kept: the filter returned what it was not given\. Fix: "):
        focused_bh([0.001, 0.002, 0.9], kept, 0.05)


def test_focused_bh_refuses_what_is_no_probability():
    with pytest.raises(EquiscoreError, match=r"q: .* is not between 0 and 1\. Fix: "):
        focused_bh([0.1], all_kept, 5)
    with pytest.raises(EquiscoreError, match=r"outside \[0, 1\]\. Fix: "):
        focused_bh([0.1, -0.2], all_kept, 0.05)


# --- permutation -------------------------------------------------------------------------------------------------------------------


def test_p25_a_permutation_p_is_never_0_and_counts_the_data_themselves():
    assert permutation_p(9.0, np.zeros(99)) == 0.01
    assert permutation_p(0.0, np.ones(99)) == 1
    assert permutation_p(9.0, np.empty(0)) == 1
    assert permutation_p([9.0, 0.5], [[1, 1], [2, 0], [3, 0], [9, 0]]).tolist() == [0.4, 0.4]


def test_p25_it_is_that_of_scipy():
    rng = np.random.default_rng(25)
    first, second = rng.normal(0.5, 1, 12), rng.normal(0, 1, 15)

    def statistic(a, b, axis):
        return np.mean(a, axis=axis) - np.mean(b, axis=axis)

    theirs = stats.permutation_test((first, second), statistic, n_resamples=999, alternative="greater", vectorized=True, rng=1)
    assert permutation_p(theirs.statistic, theirs.null_distribution) == pytest.approx(theirs.pvalue)


def test_p25_it_keeps_its_level_with_few_draws():
    rng = np.random.default_rng(26)
    values = rng.integers(0, 4, (20, 20_000)).astype(float)  # twenty exchangeable values with many ties
    p = permutation_p(values[0], values[1:])
    for alpha in (0.05, 0.2, 0.5):
        assert np.mean(p <= alpha) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / p.size)


def test_p25_rounding_and_what_is_undefined_never_make_it_smaller():
    assert permutation_p(0.3, [0.1 + 0.2 - 1e-16, 0.3 * (1 - 1e-15), 0.0]) == 0.75
    assert permutation_p(0.3, [np.nan, 0.0, 0.0]) == 0.5
    assert np.isnan(permutation_p(np.nan, [0.1, 0.2]))
    with pytest.raises(EquiscoreError, match=r"^draws: shape \(3,\).*Fix: "):
        permutation_p([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])


# --- Fisher's exact test -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
def test_fisher_is_that_of_scipy(side):
    tables = [(x, n, y, m) for n, m in ((1, 3), (4, 4), (7, 2), (6, 9)) for x in range(n + 1) for y in range(m + 1)]
    x, n, y, m = np.vstack([tables, np.transpose(random_pairs(150, seed=20, most=900))]).T
    theirs = [stats.fisher_exact([[a, b - a], [c, d - c]], alternative=side).pvalue for a, b, c, d in zip(x, n, y, m, strict=True)]
    np.testing.assert_allclose(fisher(x, n, y, m, side=side), theirs, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(pair=pairs)
def test_fisher_turns_with_the_samples(pair):
    (x, n), (y, m) = pair
    assert fisher(x, n, y, m) == pytest.approx(float(fisher(y, m, x, n)), rel=1e-9)
    assert fisher(x, n, y, m, side="less") == pytest.approx(float(fisher(y, m, x, n, side="greater")), rel=1e-9)
    assert fisher(x, n, y, m) == pytest.approx(float(fisher(n - x, n, m - y, m)), rel=1e-9)


def test_fisher_at_the_edge():
    assert fisher([0, 20, 0], [9, 20, 9], [0, 30, 5], [9, 30, 5]).round(6).tolist() == [1, 1, 0.0005]
    assert np.isnan(fisher([0, 3], [0, 9], [3, 0], [9, 0])).all()
    assert fisher(3, 9, [1, 2], [[9], [20]]).shape == (2, 2)
    assert fisher([], [], [], []).shape == (0,)
    with pytest.raises(EquiscoreError, match=r"^No side 'lower'\. Fix: use one of two-sided, less, greater"):
        fisher(1, 2, 1, 2, side="lower")
    with pytest.raises(EquiscoreError, match=r"^fisher: a count is no whole number\. Fix: "):
        fisher(1.5, 2, 1, 2)


# --- people needed -----------------------------------------------------------------------------------------------------------------


def shown_share(n, p_g, m, p_r, *, alpha=0.025, corrected=False, draws=20_000):
    """How often the side that is true would be shown, in simulated files."""
    rng = np.random.default_rng(11)
    score = score_statistic(rng.binomial(n, p_g, draws), n, rng.binomial(m, p_r, draws), m, ratio=0.8)
    side = np.sign(p_g - 0.8 * p_r)
    return np.mean(side * score[corrected] > stats.norm.isf(alpha))


@pytest.mark.parametrize(("p_g", "p_r", "m"), [(0.4, 0.6, 2_000), (0.3, 0.5, 800), (0.55, 0.6, 3_000), (0.12, 0.2, 10_000)])
def test_with_the_people_needed_the_power_is_what_was_asked_for(p_g, p_r, m):
    """[Simulated power at the n given: .797-.803 (z), .80-.82 (s).]"""
    n_g = 20
    n = int(n_g + people_needed(n_g * p_g, n_g, m * p_r, m))
    assert shown_share(n, p_g, m, p_r) == pytest.approx(0.80, abs=0.012)
    assert 0.785 < shown_share(n, p_g, m, p_r, corrected=True) < 0.835


def needs(n, p_g, m, p_r, *, alpha=0.025, power=0.8, tolerance=0.8):
    """The inequality of formulas, section 4, written once more."""
    p0, q0 = restricted_estimate(n * p_g, n, m * p_r, m, ratio=tolerance)
    under = np.sqrt(p0 * (1 - p0) / n + tolerance**2 * q0 * (1 - q0) / m)
    true = np.sqrt(p_g * (1 - p_g) / n + tolerance**2 * p_r * (1 - p_r) / m)
    return stats.norm.isf(alpha) * under + stats.norm.ppf(power) * true <= abs(p_g - tolerance * p_r)


@settings(max_examples=60, deadline=None)
@given(pair=pairs, alpha=st.sampled_from([0.025, 0.0025]))
def test_the_people_needed_are_the_first_number_that_suffices(pair, alpha):
    (x, n), (y, m) = pair
    more = float(people_needed(x, n, y, m, alpha=alpha))
    p_g, p_r = x / n, y / m
    if np.isfinite(more):
        assert more == int(more) >= 0
        assert needs(n + more + 1e-9, p_g, m, p_r, alpha=alpha)
        assert more == 0 or not needs(n + more - 1, p_g, m, p_r, alpha=alpha)
    else:
        assert not needs(1e9, p_g, m, p_r, alpha=alpha)


def test_more_hypotheses_and_more_power_need_more_people():
    alone, family, surer = (people_needed(18, 30, 480, 600, **asked) for asked in ({}, {"alpha": 0.025 / 20}, {"power": 0.9}))
    assert np.isinf(family)
    assert np.isinf(surer)
    assert np.isfinite(alone)
    few, many = people_needed(15, 30, 480, 600), people_needed(15, 30, 480, 600, alpha=[0.025 / 20])
    assert 0 < few < many[0]


def test_the_reasons_why_more_members_would_not_settle_it_are_told_apart():
    x, n, y, m = np.array([[64, 100, 80, 100], [63, 100, 4, 5], [20, 100, 480, 600], [0, 10, 0, 10], [50, 100, 480, 600], [0, 0, 3, 9]]).T
    assert why_unsettled(x, n, y, m).tolist() == [
        Unsettled.AT_TOLERANCE,
        Unsettled.REFERENCE_TOO_SMALL,
        Unsettled.MORE_MEMBERS,
        Unsettled.UNDEFINED,
        Unsettled.MORE_MEMBERS,
        Unsettled.UNDEFINED,
    ]
    needed = people_needed(x, n, y, m)
    np.testing.assert_array_equal(np.isinf(needed), [True, True, False, False, False, False])
    np.testing.assert_array_equal(np.isnan(needed), [False, False, False, True, False, True])
    assert why_unsettled(64, 100, 80, 100) is Unsettled.AT_TOLERANCE
    assert why_unsettled(20, 20, 30, 30, tolerance=1) is Unsettled.AT_TOLERANCE  # no variance either


def test_at_parity_only_the_reference_counts():
    assert people_needed_at_parity(30, 480, 600) == people_needed(24, 30, 480, 600)
    assert people_needed_at_parity([30, 30], 480, 600, tolerance=[0.8, 1.0]).tolist() == [37, np.inf]


def test_the_detectable_ratio_solves_the_same_equation_on_each_side():
    low, high = detectable_ratio([30, 300, 3_000], 480, 600)
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) < 0).all()
    assert (low < 0.8).all()
    assert (high > 0.8).all()
    for n, below, above in zip([30, 300, 3_000], low, high, strict=True):
        for ratio, inward in ((below, 1e-6), (above, -1e-6)):
            assert needs(n, 0.8 * (ratio - inward), 600, 0.8)
            assert not needs(n, 0.8 * (ratio + inward), 600, 0.8)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        pytest.param((3, 480, 600), False, True, id="3 people: no rate is high enough"),
        pytest.param((2, 30, 600), True, False, id="2 people of a rare good: no rate is low enough"),
        pytest.param((0, 480, 600), True, True, id="no group"),
        pytest.param((30, 0, 600), True, True, id="nobody in the reference"),
        pytest.param((30, 0, 0), True, True, id="no reference"),
    ],
)
def test_where_no_ratio_would_be_shown_there_is_none(counts, low, high):
    assert [bool(np.isnan(limit)) for limit in detectable_ratio(*counts)] == [low, high]


def test_no_group_is_at_a_tolerance_that_takes_more_than_everybody():
    assert np.isnan(detectable_ratio(300, 480, 600, tolerance=1.3)).all()


def test_planning_broadcasts():
    for function, counts in ((people_needed, (10, [20, 30], 480, 600)), (people_needed_at_parity, ([20, 30], 480, 600))):
        assert function(*counts).shape == (2,)
    assert people_needed(10, 20, 480, 600, tolerance=[[0.8], [0.9]], alpha=[0.025, 0.01]).shape == (2, 2)
    combined = list(itertools.product([0.8, 0.9], [0.025, 0.01]))
    singly = [float(people_needed(10, 20, 480, 600, tolerance=tolerance, alpha=alpha)) for tolerance, alpha in combined]
    assert people_needed(10, 20, 480, 600, tolerance=[[0.8], [0.9]], alpha=[0.025, 0.01]).ravel().tolist() == singly
