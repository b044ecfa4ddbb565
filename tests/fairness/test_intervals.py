from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from scoring.errors import EquiscoreError
from scoring.fairness import intervals
from scoring.fairness.exact import HeldDifference, HeldRatio, exact_p_held
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.intervals import difference_interval, proportion_interval, ratio_interval, zero_upper
from scoring.fairness.restricted import rising_root, score_statistic

PROPORTIONS, DIFFERENCES = ("wilson", "clopper-pearson", "mid-p"), ("newcombe", "miettinen-nurminen")
RATIOS = ("koopman", "gart-nam", "katz", "miettinen-nurminen")
Z = 1.959963984540054
NAN, INF = np.nan, np.inf


@st.composite
def samples(draw, most=400):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


pairs = st.tuples(samples(), samples())


def random_pairs(count, most=60, seed=0):
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, most, (2, count))
    x, y = rng.binomial(n, rng.random(count)), rng.binomial(m, rng.random(count))
    x[:20], y[10:30] = 0, m[10:30]
    x[20:40], y[35:50] = n[20:40], 0
    return x, n, y, m


# --- against others ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ours", "theirs"), [("wilson", "wilson"), ("clopper-pearson", "exact")])
def test_proportion_limits_are_those_of_scipy(ours, theirs):
    x, n = np.array([(x, n) for n in (1, 2, 17, 60) for x in range(n + 1)]).T
    expected = [stats.binomtest(int(k), int(t)).proportion_ci(0.9, method=theirs) for k, t in zip(x, n, strict=True)]
    np.testing.assert_allclose(np.transpose(proportion_interval(x, n, confidence=0.9, method=ours)), expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("ours", "theirs"), [("wilson", "wilson"), ("clopper-pearson", "beta")])
def test_proportion_limits_of_fractional_counts_are_those_of_statsmodels(ours, theirs):
    assert proportion_interval(3.7, 21.2, method=ours) == pytest.approx(proportion_confint(3.7, 21.2, method=theirs), rel=1e-9)


def test_mid_p_limits_leave_half_a_tail_beyond_them():
    x, n = np.array([(x, n) for n in (1, 2, 17, 60, 3_000) for x in range(0, n + 1, max(1, n // 40))]).T
    low, high = proportion_interval(x, n, confidence=0.9, method="mid-p")
    below, above = stats.binom.sf(x, n, low) + stats.binom.pmf(x, n, low) / 2, stats.binom.cdf(x, n, high) - stats.binom.pmf(x, n, high) / 2
    np.testing.assert_allclose(below[x > 0], 0.05, rtol=1e-9)
    np.testing.assert_allclose(above[x < n], 0.05, rtol=1e-9)
    assert (low[x == 0] == 0).all()
    assert (high[x == n] == 1).all()
    exact = proportion_interval(x, n, confidence=0.9, method="clopper-pearson")
    assert ((exact[0] <= low) & (high <= exact[1])).all()
    np.testing.assert_allclose(low, 1 - np.array(proportion_interval(n - x, n, confidence=0.9, method="mid-p")[1]), atol=1e-14)


def test_mid_p_of_fractional_counts_lies_between_those_of_whole_ones():
    lower, between, upper = (proportion_interval(x, 20, method="mid-p") for x in (3, 3.4, 4))
    assert (np.array(lower) < between).all()
    assert (np.array(between) < upper).all()


def test_newcombe_is_that_of_statsmodels():
    x, n, y, m = random_pairs(200)
    theirs = [confint_proportions_2indep(*pair, method="newcomb", compare="diff") for pair in zip(x, n, y, m, strict=True)]
    np.testing.assert_allclose(np.transpose(difference_interval(x, n, y, m)), theirs, atol=1e-12)


def likeliest_at_difference(gap, x, n, y, m):
    """The restricted estimate by bisection of the score equation, not by the cubic of the code."""

    def slope(p):
        return (x - n * (p + gap)) * p * (1 - p) + (y - m * p) * (p + gap) * (1 - p - gap)

    low, high = max(0 * gap, -gap), min(1 + 0 * gap, 1 - gap)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return low + gap, low


@pytest.mark.parametrize("pair", [(56, 70, 48, 80), (5, 56, 0, 29), (1, 30, 29, 31), (7, 7, 3, 9), (2.5, 11.5, 7.25, 40)])
def test_miettinen_nurminen_limits_solve_the_score_equation(pair):
    """Statsmodels is no oracle here: its null estimates of a difference do not solve the likelihood equation (0.15)."""
    x, n, y, m = pair
    for limit, z in zip(difference_interval(*pair, method="miettinen-nurminen"), (Z, -Z), strict=True):
        if abs(limit) == 1:
            continue
        p, q = likeliest_at_difference(limit, *pair)
        variance = (p * (1 - p) / n + q * (1 - q) / m) * (n + m) / (n + m - 1)
        assert (x / n - y / m - limit) / np.sqrt(variance) == pytest.approx(z, abs=1e-6)


def test_miettinen_nurminen_keeps_its_digits_where_the_rates_are_hardly_free():
    """One of 3,548 missed against 94 of 18,812 hit: the cubic of the restricted rates loses them, the multiplier does not."""
    counts, confidence = (94, 18_812, 3_547, 3_548), 0.99999
    x, n, y, m = map(Decimal, counts)
    for limit, sign in zip(difference_interval(*counts, confidence=confidence, method="miettinen-nurminen"), (1, -1), strict=True):
        gap = Decimal(float(limit))
        with localcontext(prec=50):
            p, q = likeliest_at_difference(gap, x, n, y, m)
            variance = (p * (1 - p) / n + q * (1 - q) / m) * (n + m) / (n + m - 1)
            score = float((x / n - y / m - gap) / variance.sqrt())
        assert score == pytest.approx(sign * stats.norm.ppf((1 + confidence) / 2), abs=1e-8)


@pytest.mark.parametrize("pair", [(36, 40, 16, 80), (3, 20, 60, 100), (1, 12, 5, 30), (6, 7, 3, 9), (24, 73, 53, 65)])
def test_miettinen_nurminens_ratio_is_that_of_statsmodels(pair):
    theirs = confint_proportions_2indep(*pair, method="score", compare="ratio", correction=True)
    assert ratio_interval(*pair, method="miettinen-nurminen") == pytest.approx(theirs, rel=1e-6)


def test_miettinen_nurminens_ratio_is_koopmans_at_a_larger_quantile_in_each_pair():
    x, n, y, m = random_pairs(300, seed=4)
    low, high = ratio_interval(x, n, y, m, method="miettinen-nurminen")
    for limit, z in ((low, Z), (high, -Z)):
        shown = np.isfinite(limit) & (limit > 0)
        plain = score_statistic(x[shown], n[shown], y[shown], m[shown], ratio=limit[shown]).plain
        total = (n + m)[shown]
        np.testing.assert_allclose(plain * np.sqrt((total - 1) / total), z, atol=1e-6)
    assert np.transpose(ratio_interval([0.2, 0.0], 0.5, [0.1, 0.1], 0.5, method="miettinen-nurminen")).tolist() == [[0, INF], [0, INF]]


def test_koopman_is_that_of_statsmodels_and_not_miettinen_nurminen():
    assert np.round(ratio_interval(36, 40, 16, 80), 4).tolist() == [2.9396, 7.1522]
    assert np.round(ratio_interval(36, 40, 16, 80, method="miettinen-nurminen"), 4).tolist() == [2.9346, 7.1663]
    assert ratio_interval(36, 40, 16, 80) == pytest.approx(
        confint_proportions_2indep(36, 40, 16, 80, method="score", compare="ratio", correction=False), rel=1e-7
    )
    corrected = confint_proportions_2indep(36, 40, 16, 80, method="score", compare="ratio", correction=True)
    assert np.round(corrected, 4).tolist() == [2.9346, 7.1663]  # the N/(N-1) that Koopman does not have


def test_katz_is_scipys_relative_risk():
    for pair in ((36, 40, 16, 80), (3, 20, 60, 100), (0, 9, 4, 12), (4, 12, 0, 9)):
        low, high = stats.contingency.relative_risk(*pair).confidence_interval(0.95)
        np.testing.assert_allclose(ratio_interval(*pair, method="katz"), (low, high), rtol=1e-12)


def bisected(statistic, target):
    """The ratio at which a falling statistic passes the target."""
    return np.exp(optimize.brentq(lambda log_ratio: statistic(np.exp(log_ratio)) - target, -12, 12, xtol=1e-13))


@pytest.mark.parametrize("pair", [(36, 40, 16, 80), (1, 30, 29, 31), (2.5, 11.5, 7.25, 40), (3, 3, 5, 9), (3, 8, 5, 5), (480, 600, 1, 600)])
@pytest.mark.parametrize("method", ["koopman", "gart-nam"])
def test_score_limits_of_a_ratio_are_found_again_by_bisection(pair, method):
    which = {"koopman": "plain", "gart-nam": "corrected"}[method]
    by_bisection = [bisected(lambda ratio: float(getattr(score_statistic(*pair, ratio=ratio), which)), z) for z in (Z, -Z)]
    assert ratio_interval(*pair, method=method) == pytest.approx(by_bisection, rel=1e-9)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_gart_and_nams_limits_are_brentqs_to_ten_digits(confidence):
    """Among them nobody and everybody hit on either side, fractional counts and counts of a million."""
    z = stats.norm.ppf((1 + confidence) / 2)
    few = [(0, 5, 3, 9), (5, 5, 3, 9), (3, 9, 9, 9), (5, 5, 9, 9), (0, 5, 9, 9), (0.3, 2.7, 1.9, 30.5), (48e4, 1e6, 51e4, 1e6), (12, 1e6, 3, 90)]
    for pair in (*few, *zip(*random_pairs(60, seed=6), strict=True)):
        if pair[0] + pair[2] == 0:
            continue
        found = ratio_interval(*pair, confidence=confidence, method="gart-nam")
        for limit, target in zip(found, (z, -z), strict=True):
            if 0 < limit < INF:
                # the bracket is a factor of 4 about what was found: what is asked is whether the sign turns there
                root = optimize.brentq(
                    lambda log_ratio, pair=pair, target=target: float(score_statistic(*pair, ratio=np.exp(log_ratio)).corrected) - target,
                    np.log(limit) - 1.4,
                    np.log(limit) + 1.4,
                    xtol=1e-14,
                )
                assert limit == pytest.approx(np.exp(root), rel=1e-10 if max(pair) < 1e5 else 1e-8)


@pytest.mark.parametrize("y", [1, 2, 3, 0.4])
@pytest.mark.parametrize("everybody", [False, True])
def test_there_is_an_upper_limit_as_long_as_the_corrected_score_gets_that_low(y, everybody):
    """Towards an infinite ratio the corrected score tends to -sqrt(1 + 6 y): beyond that quantile no ratio is too large."""
    lowest = np.sqrt(1 + 6 * y)
    m = y if everybody else y + 7
    assert score_statistic(5, 9, y, m, ratio=1e14).corrected == pytest.approx(-lowest, rel=1e-5)
    within, beyond = (2 * stats.norm.cdf(lowest * factor) - 1 for factor in (0.98, 1.02))
    assert np.isfinite(ratio_interval(5, 9, y, m, confidence=within, method="gart-nam")[1])
    assert ratio_interval(5, 9, y, m, confidence=beyond, method="gart-nam")[1] == INF


def test_koopmans_closed_form_meets_the_quantile_for_counts_of_every_size():
    rng = np.random.default_rng(7)
    n, m = (10 ** rng.uniform(0.3, 6, (2, 20_000))).astype(int)
    x, y = rng.binomial(n, rng.random(n.size) ** 3), rng.binomial(m, 1 - rng.random(n.size) ** 3)
    low, high = ratio_interval(x, n, y, m)
    for limit, z in ((low, Z), (high, -Z)):
        shown = np.isfinite(limit) & (limit > 0)
        assert shown.sum() > 15_000
        missed = np.abs(score_statistic(x[shown], n[shown], y[shown], m[shown], ratio=limit[shown]).plain - z)
        assert np.quantile(missed, 0.999) < 4e-8  # the bound of formulas, section 3
        assert missed.max() < 1e-5  # where all but a few of a million are hit, 1 - p has few digits and z itself is no surer


# --- exact limits ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "held"), [(ratio_interval, HeldRatio), (difference_interval, HeldDifference)])
@pytest.mark.parametrize("pair", [(9, 11, 4, 12), (1, 6, 3, 14), (7, 7, 2, 9), (2, 9, 8, 8)])
def test_exact_limits_are_where_the_exact_test_begins_to_reject(interval, held, pair):
    for limit, side, outward in zip(interval(*pair, method="exact"), (1, -1), (-1, 1), strict=True):
        inside, outside = (exact_p_held(*pair, held(limit * (1 - step * np.sign(limit) * outward)), side=side) for step in (1e-4, -1e-4))
        assert inside > 0.025 >= outside


@pytest.mark.parametrize(("interval", "truth"), [(ratio_interval, lambda p, q: p / q), (difference_interval, lambda p, q: p - q)])
def test_exact_limits_cover_at_every_pair_of_rates(interval, truth):
    n, m, confidence = 3, 5, 0.8
    x, y = (a.ravel() for a in np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij"))
    low, high = interval(x, n, y, m, method="exact", confidence=confidence)
    p, q = (a.ravel()[:, None] for a in np.meshgrid(np.linspace(0.01, 0.99, 25), np.linspace(0.01, 0.99, 25)))
    low, high = np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=INF)  # nobody hit at all leaves every ratio open
    covered = (low <= truth(p, q)) & (truth(p, q) <= high)
    coverage = np.sum(stats.binom.pmf(x, n, p) * stats.binom.pmf(y, m, q) * covered, axis=1)
    assert coverage.min() >= confidence
    score = "koopman" if interval is ratio_interval else "miettinen-nurminen"
    low, high = (
        np.nan_to_num(limit, nan=end) for limit, end in zip(interval(x, n, y, m, method=score, confidence=confidence), (0, INF), strict=True)
    )
    assert np.sum(stats.binom.pmf(x, n, p) * stats.binom.pmf(y, m, q) * ((low <= truth(p, q)) & (truth(p, q) <= high)), axis=1).min() < confidence


def test_exact_limits_at_the_edges_take_arrays_and_repeat_nothing(monkeypatch):
    asked = []
    monkeypatch.setattr("scoring.fairness.exact.exact_p_held", lambda *counts, **how: asked.append(counts[:4]) or exact_p_held(*counts, **how))
    low, high = ratio_interval([[0, 5, 0, 3], [5, 0, 3, 3]], [[9, 9, 9, 9], [9, 0, 9, 9]], [[3, 0, 0, 4], [0, 3, 4, 4]], 9, method="exact")
    assert low[0, 0] == 0 < high[0, 0] < INF
    assert 0 < low[0, 1] < high[0, 1] == INF
    assert np.isnan([low[0, 2], high[0, 2], low[1, 1], high[1, 1]]).all()
    assert low[0, 3] == low[1, 2] == low[1, 3]
    once = len(asked)
    ratio_interval([0, 5, 3], 9, [3, 0, 4], 9, method="exact")
    assert len(asked) == 2 * once
    assert np.isclose(difference_interval(3, 3, 0, 4, method="exact")[1], 1.0)
    assert np.isnan(difference_interval(0, 0, 3, 4, method="exact")).all()
    assert ratio_interval([], [], [], [], method="exact")[0].shape == (0,)


@pytest.mark.parametrize(("counts", "name"), [((2.5, 9, 1, 9), "hits: 2.5"), ((2, 9.5, 1, 9), "trials: 9.5"), ((2, 9, 1, 9.1), "ref_trials: 9.1")])
@pytest.mark.parametrize("interval", [ratio_interval, difference_interval])
def test_exact_limits_are_of_people_counted(interval, counts, name):
    with pytest.raises(EquiscoreError, match=rf"^{name} is no whole number.*Fix: "):
        interval(*counts, method="exact")


# --- the search for a root ---------------------------------------------------------------------------------------------------------


def test_a_root_is_found_wherever_newton_alone_would_leave_or_circle():
    def arctangent(v, at):
        return np.arctan(v - at), 1 / (1 + (v - at) ** 2)

    at = np.array([0.0, 3.0, 1e6, -2e4])
    found = rising_root(arctangent, np.full(4, 50.0), np.full(4, -INF), np.full(4, INF), at)
    np.testing.assert_allclose(found, at, rtol=1e-12, atol=1e-12)


def test_a_root_at_once_and_no_root_to_seek():
    def line(v):
        return v - 2.0, np.ones_like(v)

    ends = np.array([0.0]), np.array([9.0])
    assert rising_root(line, np.array([2.0]), *ends).tolist() == [2.0]
    assert rising_root(line, np.empty(0), np.empty(0), np.empty(0)).size == 0


@pytest.mark.parametrize("method", RATIOS)
def test_blocks_leave_no_seam(method, monkeypatch):
    x, n, y, m = random_pairs(100, seed=8)
    whole = np.array(ratio_interval(x, n, y, m, method=method))
    monkeypatch.setattr(intervals, "BLOCK", 7)
    np.testing.assert_array_equal(np.array(ratio_interval(x, n, y, m, method=method)), whole)


# --- the level is only a level -----------------------------------------------------------------------------------------------------


def test_p10_another_level_moves_the_limits_and_nothing_else():
    """The p-values know no level; at every level the side of the tolerance on which the limits lie is the verdict of p < alpha."""
    x, n, y, m = random_pairs(150, seed=10)
    test = ratio_test(x, n, y, m, exact=False)
    for alpha in (0.1, 0.025, 0.005):
        low, high = ratio_interval(x, n, y, m, confidence=1 - 2 * alpha, method="gart-nam")
        np.testing.assert_array_equal(test.p_exclusion < alpha, high < 0.8)
        np.testing.assert_array_equal(test.p_within < alpha, low > 0.8)
        np.testing.assert_array_equal(np.array(ratio_test(x, n, y, m, exact=False)), np.array(test))


# --- edges -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "wilson", "exact"),
    [
        pytest.param((0, 20), (0, 0.1611), (0, 0.1684), id="nobody"),
        pytest.param((20, 20), (0.8389, 1), (0.8316, 1), id="everybody"),
        pytest.param((0, 0), (NAN, NAN), (NAN, NAN), id="0 of 0 is no rate"),
    ],
)
def test_proportions_at_the_edge(counts, wilson, exact):
    np.testing.assert_array_equal(np.round(proportion_interval(*counts), 4), wilson)
    np.testing.assert_array_equal(np.round(proportion_interval(*counts, method="clopper-pearson"), 4), exact)


K = Z * Z


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        pytest.param((0, 20, 30, 100), 0.0, None, id="nobody in the group"),
        pytest.param((5, 20, 0, 100), None, INF, id="nobody in the reference"),
        pytest.param((0, 20, 0, 100), NAN, NAN, id="nobody at all"),
        pytest.param((0, 0, 30, 100), NAN, NAN, id="no group"),
        pytest.param((5, 20, 0, 0), NAN, NAN, id="no reference"),
        pytest.param((0, 0, 0, 0), NAN, NAN, id="no one"),
        pytest.param((20, 20, 100, 100), 20 / (20 + K), 1 + K / 100, id="everybody on both sides"),
        pytest.param((20, 20, 0, 100), None, INF, id="everybody against nobody"),
        pytest.param((0, 20, 100, 100), 0.0, K / (20 + K), id="nobody against everybody"),
        pytest.param((0, 20, 3, 3), 0.0, K * 3 / 23 / 3, id="nobody against everybody of very few"),
    ],
)
def test_koopman_at_the_edge(counts, low, high):
    found = ratio_interval(*counts)
    for limit, expected, z in zip(found, (low, high), (Z, -Z), strict=True):
        if expected is None:
            assert float(score_statistic(*counts, ratio=limit).plain) == pytest.approx(z, abs=1e-7)
        else:
            np.testing.assert_allclose(limit, expected, rtol=1e-9)


@pytest.mark.parametrize("method", RATIOS)
@pytest.mark.parametrize("counts", [(0, 20, 0, 100), (0, 0, 30, 100), (5, 20, 0, 0), (0, 0, 0, 0)])
def test_no_method_makes_up_a_ratio(method, counts):
    assert np.isnan(ratio_interval(*counts, method=method)).all()


@pytest.mark.parametrize("method", DIFFERENCES)
def test_no_method_makes_up_a_difference(method):
    assert np.isnan(difference_interval([0, 3, 0], [0, 10, 0], [3, 0, 0], [10, 0, 0], method=method)).all()


@pytest.mark.parametrize("method", ["koopman", "gart-nam"])
def test_every_table_of_a_few_people_has_its_limits(method):
    """Among them those of which the corrected score never reaches the quantile: their upper limit is infinite, not missing."""
    tables = np.array([(x, n, y, m) for n in (1, 2, 5) for m in (1, 3, 8) for x in range(n + 1) for y in range(m + 1) if x + y])
    x, n, y, m = tables.T
    low, high = ratio_interval(x, n, y, m, confidence=0.999, method=method)
    assert not np.isnan([low, high]).any()
    assert (low[x == 0] == 0).all()
    assert np.isinf(high[y == 0]).all()


def test_zero_upper_is_the_exact_one_sided_limit():
    trials = np.array([1, 20, 60, 0])
    np.testing.assert_allclose(zero_upper(trials, alpha=0.05)[:3], special.betaincinv(1, trials[:3], 0.95))
    assert np.isnan(zero_upper(0, alpha=0.05))


# --- laws --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", DIFFERENCES)
@settings(max_examples=60, deadline=None)
@given(pair=pairs)
def test_limits_of_a_difference_bracket_it_and_turn_with_the_samples(method, pair):
    (x, n), (y, m) = pair
    low, high = difference_interval(x, n, y, m, method=method)
    assert -1 <= low <= x / n - y / m <= high <= 1
    assert difference_interval(y, m, x, n, method=method) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize("method", RATIOS)
@settings(max_examples=60, deadline=None)
@given(pair=pairs)
def test_limits_of_a_ratio_bracket_it_and_invert_with_the_samples(method, pair):
    (x, n), (y, m) = pair
    if x == 0 or y == 0:
        return
    low, high = ratio_interval(x, n, y, m, method=method)
    assert 0 < low <= (x / n) / (y / m) * (1 + 1e-12)
    assert (x / n) / (y / m) <= high * (1 + 1e-12)
    assert ratio_interval(y, m, x, n, method=method) == pytest.approx((1 / high, 1 / low), rel=1e-8)


@settings(max_examples=60, deadline=None)
@given(pair=pairs, levels=st.tuples(st.floats(0.7, 0.995), st.floats(0.7, 0.995)))
def test_more_confidence_means_wider_limits(pair, levels):
    less, more = sorted(levels)
    (x, n), (y, m) = pair
    families = ((proportion_interval, (x, n), PROPORTIONS), (difference_interval, (x, n, y, m), DIFFERENCES), (ratio_interval, (x, n, y, m), RATIOS))
    for interval, counts, methods in families:
        for method in methods:
            inner, outer = (interval(*counts, confidence=c, method=method) for c in (less, more))
            slack = 1e-9 * (1 + np.abs(np.nan_to_num(inner, posinf=0)))
            # a limit that is undefined is so at every confidence
            assert not outer[0] > inner[0] + slack[0]
            assert not outer[1] < inner[1] - slack[1]
            assert np.isnan(inner).tolist() == np.isnan(outer).tolist()


@pytest.mark.parametrize("method", RATIOS)
def test_arrays_give_what_scalars_give_in_any_order(method):
    x, n, y, m = random_pairs(60)
    whole = np.array(ratio_interval(x, n, y, m, method=method))
    singly = np.transpose([ratio_interval(*pair, method=method) for pair in zip(x, n, y, m, strict=True)])
    np.testing.assert_allclose(whole, singly, rtol=1e-9)
    order = np.random.default_rng(1).permutation(x.size)
    np.testing.assert_allclose(np.array(ratio_interval(x[order], n[order], y[order], m[order], method=method)), whole[:, order], rtol=1e-9)


def test_counts_broadcast_and_nothing_at_all_is_no_error():
    low, high = ratio_interval(np.array([[1], [2]]), 20, [30, 40, 50], 100)
    assert low.shape == high.shape == (2, 3)
    for interval in (difference_interval, ratio_interval):
        assert interval([], [], [], [])[0].shape == (0,)
    assert ratio_interval([], [], [], [], method="gart-nam")[1].shape == (0,)


def test_wilson_covers_as_was_measured():
    """[Unrestricted minimum of Wilson's coverage .894, at n = 20, p = .972; never under .92 with five hits and misses expected.]"""
    low, high = proportion_interval(np.arange(21), 20)
    rates = np.arange(0.02, 0.98001, 0.0001)[:, None]
    coverage = np.sum(stats.binom.pmf(np.arange(21), 20, rates) * ((low <= rates) & (rates <= high)), axis=1)
    assert coverage.min() == pytest.approx(0.894, abs=0.0005)
    assert rates[coverage.argmin(), 0] == pytest.approx(0.972, abs=0.0005)
    assert coverage[(rates[:, 0] >= 0.25) & (rates[:, 0] <= 0.75)].min() > 0.92
    assert 0.94 < coverage.mean() < 0.965


# --- refusals ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        pytest.param((-1, 10, 1, 10), "hits: -1 is no count", id="negative"),
        pytest.param((1, NAN, 1, 10), "trials: nan is no count", id="missing"),
        pytest.param((1, INF, 1, 10), "trials: inf is no count", id="infinite"),
        pytest.param((1, 10, [5, 11], 10), "ref_hits: 11 is more than ref_trials: 10", id="more hits than trials"),
    ],
)
@pytest.mark.parametrize("interval", [difference_interval, ratio_interval])
def test_what_is_no_count_is_refused_by_name(interval, counts, says):
    with pytest.raises(EquiscoreError, match=rf"^{says}.*Fix: "):
        interval(*counts)


def test_a_rounding_error_is_no_fault():
    assert proportion_interval(0.1 + 0.2, 0.3)[1] == 1.0


@pytest.mark.parametrize(
    ("call", "known"),
    [
        (lambda: proportion_interval(1, 2, method="wald"), "wilson, clopper-pearson"),
        (lambda: difference_interval(1, 2, 1, 2, method="wald"), "newcombe, miettinen-nurminen"),
        (lambda: ratio_interval(1, 2, 1, 2, method="wald"), "koopman, gart-nam, katz"),
    ],
)
def test_an_unknown_method_names_the_known_ones(call, known):
    with pytest.raises(EquiscoreError, match=rf"No interval 'wald'. Fix: use one of {known}"):
        call()


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.1, NAN])
def test_a_confidence_is_a_share(confidence):
    with pytest.raises(EquiscoreError, match=r"confidence: .* is not between 0 and 1. Fix: "):
        proportion_interval(1, 2, confidence=confidence)
