"""The index of stability: the textbook's sum, the law where nothing moved, coverage, small groups, weights, bins."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.errors import EquiscoreError
from scoring.models.shifts.stability import counted_bins, learn_bins
from scoring.models.shifts.stability_intervals import population_stability, stability_parts

EVEN = np.full(10, 0.1)
SKEWED = np.array([0.60, 0.20, 0.10, 0.05, 0.03, 0.015, 0.005])


def tilted(strength, bins=10):
    shares = np.exp(strength * np.linspace(-1, 1, bins))
    return shares / shares.sum()


def drawn(p, n, q, m, times):
    rng = np.random.default_rng(1)
    return rng.multinomial(n, p, times), rng.multinomial(m, q, times)


def true_index(p, q):
    return float(((q - p) * np.log(q / p)).sum())


# -- the value


def test_the_index_is_both_entropies_added():
    before, after = np.array([120, 80, 200, 100]), np.array([90, 110, 210, 190])
    p, q = before / before.sum(), after / after.sum()
    both = stats.entropy(p, q) + stats.entropy(q, p)
    assert population_stability(before, after).value == pytest.approx(both)
    assert stability_parts(before, after).sum() == pytest.approx(both)


def test_the_index_by_hand():
    # shares .5 and .5 before, .75 and .25 after: .25 ln 1.5 + (-.25) ln .5
    assert population_stability([10, 10], [30, 10]).value == pytest.approx(0.25 * np.log(1.5) + 0.25 * np.log(2))


def test_a_bin_empty_on_one_side_counts_half_a_person_and_is_said():
    found = population_stability([10, 0, 10], [10, 10, 10])
    p, q = np.array([10, 0.5, 10]) / 20.5, np.full(3, 1 / 3)
    assert found.value == pytest.approx(true_index(p, q))
    assert found.one_sided == 1
    assert np.isfinite(found.value)


def test_a_bin_empty_on_both_sides_is_no_bin():
    with_empty, without = population_stability([10, 0, 20], [15, 0, 15]), population_stability([10, 20], [15, 15])
    assert [float(x) for x in with_empty] == pytest.approx([float(x) for x in without])


def test_nobody_on_a_side_is_undefined_and_one_bin_has_no_chance():
    nobody = population_stability([[0, 0], [5, 5]], [[3, 4], [0, 0]])
    assert np.isnan(nobody.value).all()
    assert np.isnan([nobody.low, nobody.high, nobody.p, nobody.bias]).all()
    alone = population_stability([7, 0], [9, 0])
    assert alone.value == 0
    assert np.isnan(alone.p)
    assert np.isnan(alone.high)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"actual_counts": [1, 2, 3]}, id="other bins"),
        pytest.param({"actual_counts": [1, -2]}, id="negative"),
        pytest.param({"actual_counts": [1, np.inf]}, id="infinite"),
        pytest.param({"confidence": 1.0}, id="confidence"),
        pytest.param({"smoothing": 0.0}, id="no smoothing"),
        pytest.param({"expected_squares": [1]}, id="squares of other bins"),
    ],
)
def test_what_is_no_count_is_refused(wrong):
    with pytest.raises(EquiscoreError, match="Fix:"):
        population_stability(**{"expected_counts": [1, 2], "actual_counts": [3, 4], **wrong})


# -- the law where nothing moved


def test_the_bias_is_that_of_the_published_law():
    before, after = [100, 200, 300], [50, 100, 150]
    found = population_stability(before, after)
    assert found.bias == pytest.approx((1 / 600 + 1 / 300) * 2)


def test_the_chance_is_that_of_the_published_law():
    before, after = np.array([100, 200, 300]), np.array([60, 110, 130])
    found = population_stability(before, after)
    assert found.p == pytest.approx(stats.chi2.sf(found.value / (1 / 600 + 1 / 300), 2))


def test_close_to_no_change_the_chance_is_pearsons():
    before, after = np.array([10_000, 20_000, 30_000]), np.array([5_050, 10_000, 14_950])
    pearson = stats.chi2_contingency(np.array([before, after]), correction=False)
    assert population_stability(before, after).p == pytest.approx(pearson.pvalue, rel=0.01)


@pytest.mark.parametrize(("n", "m"), [(5000, 5000), (50, 50), (2000, 30)])
def test_where_nothing_moved_the_chance_is_rarely_small(n, m):
    found = population_stability(*drawn(EVEN, n, EVEN, m, 600), draws=499)
    assert (found.p < 0.05).mean() < 0.075
    assert (found.low == 0).mean() > 0.955


def test_chi_squared_alone_would_call_small_groups_unstable():
    before, after = drawn(EVEN, 50, EVEN, 50, 600)
    assert (population_stability(before, after, draws=0).p < 0.05).mean() > 0.08


def test_the_mean_index_of_small_groups_is_their_bias():
    found = population_stability(*drawn(EVEN, 200, EVEN, 100, 3000), draws=0)
    assert found.value.mean() == pytest.approx(found.bias.mean(), rel=0.08)
    assert found.value.mean() > 0.10  # the customary band would call it a change


def test_the_chance_by_draws_is_that_of_all_divisions():
    before, after = np.array([4, 0, 1]), np.array([1, 3, 2])
    pooled, n = before + after, before.sum()
    every = [(i, j, n - i - j) for i in range(pooled[0] + 1) for j in range(pooled[1] + 1) if 0 <= n - i - j <= pooled[2]]
    chances = np.array([stats.multivariate_hypergeom.pmf(one, pooled, n) for one in every])
    values = population_stability(every, pooled - np.array(every), draws=0).value
    exact = chances[values >= population_stability(before, after, draws=0).value * (1 - 1e-9)].sum()
    assert population_stability(before, after, draws=19_999).p == pytest.approx(exact, abs=0.01)


# -- the interval


@pytest.mark.parametrize(
    ("p", "q", "n", "m"),
    [
        pytest.param(EVEN, tilted(0.5), 500, 500, id="index .10, 500 a side"),
        pytest.param(EVEN, tilted(0.5), 60, 60, id="index .10, 60 a side"),
        pytest.param(EVEN, tilted(1.5), 2000, 300, id="index .78, 2,000 and 300"),
        pytest.param(EVEN, tilted(1.5), 100_000, 60, id="index .78, 100,000 and 60"),
        pytest.param(SKEWED, np.array([0.50, 0.22, 0.13, 0.07, 0.05, 0.02, 0.01]), 400, 400, id="unequal bins"),
        pytest.param(EVEN, tilted(0.05), 100_000, 100_000, id="index .001, 100,000 a side"),
    ],
)
def test_coverage(p, q, n, m):
    found = population_stability(*drawn(p, n, q, m, 1500), draws=199)
    inside = (found.low <= true_index(p, q)) & (true_index(p, q) <= found.high)
    assert inside.mean() > 0.935


def test_far_from_no_change_the_interval_is_that_of_the_delta_method():
    before, after = EVEN * 1e6, tilted(1.5) * 1e6
    found = population_stability(before, after)
    p, q = EVEN, tilted(1.5)
    slopes = np.log(q / p) + 1 - p / q, -np.log(q / p) + 1 - q / p
    variance = sum((share * slope**2).sum() - (share * slope).sum() ** 2 for share, slope in zip((q, p), slopes, strict=True)) / 1e6
    assert found.high - found.low == pytest.approx(2 * 1.959964 * np.sqrt(variance), rel=0.01)


def test_an_index_smaller_than_chance_gives_shows_no_less_of_a_change():
    alike = population_stability([10, 10], [10, 10])
    assert alike.value == 0
    assert alike.high > 0.2


# -- weights


def weighted(rng, n, shares):
    weights, bins = rng.lognormal(0, 0.8, n), rng.choice(len(shares), n, p=shares)
    return np.bincount(bins, weights, len(shares)), np.bincount(bins, weights**2, len(shares))


def test_weights_that_are_no_counts_keep_level_and_coverage():
    rng = np.random.default_rng(5)
    pairs = [(weighted(rng, 500, EVEN), weighted(rng, 500, EVEN), weighted(rng, 500, tilted(0.5))) for _ in range(600)]
    before, same, moved = (np.stack([pair[i] for pair in pairs]) for i in range(3))
    null = population_stability(before[:, 0], same[:, 0], expected_squares=before[:, 1], actual_squares=same[:, 1])
    assert (null.p < 0.05).mean() < 0.08
    assert (population_stability(before[:, 0], same[:, 0]).p < 0.05).mean() > 0.4  # as if they were counts
    found = population_stability(before[:, 0], moved[:, 0], expected_squares=before[:, 1], actual_squares=moved[:, 1])
    truth = true_index(EVEN, tilted(0.5))
    assert ((found.low <= truth) & (truth <= found.high)).mean() > 0.925


counts = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=8).filter(lambda x: np.all(np.sum(x, axis=0) > 0))


@settings(max_examples=60, deadline=None)
@given(counts, st.randoms(use_true_random=False))
def test_the_order_of_bins_changes_nothing(pairs, random):
    other = list(pairs)
    random.shuffle(other)
    one, two = (population_stability(*np.array(x).T, draws=99) for x in (pairs, other))
    np.testing.assert_allclose([float(x) for x in one], [float(x) for x in two], atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(counts)
def test_before_and_after_exchanged_give_the_same_index_and_limits(pairs):
    before, after = np.array(pairs).T
    one, two = population_stability(before, after, draws=0), population_stability(after, before, draws=0)
    np.testing.assert_allclose([float(x) for x in one], [float(x) for x in two], atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(counts, st.floats(0.01, 100))
def test_the_unit_of_a_weight_changes_nothing(pairs, unit):
    before, after = np.array(pairs, float).T
    one = population_stability(before, after, draws=0)
    two = population_stability(before, after * unit, actual_squares=after * unit**2, draws=0)
    np.testing.assert_allclose([float(x) for x in one], [float(x) for x in two], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("counts", [[2, 3], [200, 300], [40, 1, 7, 90]])
def test_wholly_equal_shares_have_the_limits_of_shares_that_are_nearly_equal(counts):
    """At 0 the scale is 0 / 0, and rounding must not decide what stands there."""
    counts = np.array(counts, float)
    moved = counts * 3 + 1e-5 * np.resize([1.0, -1.0], len(counts))
    wholly, nearly = (population_stability(counts, after, actual_squares=3 * after, draws=0) for after in (counts * 3, moved))
    assert wholly.value < 1e-24 < nearly.value < 1e-9
    assert float(wholly.high) == pytest.approx(float(nearly.high), rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(counts)
def test_the_limits_hold_together(pairs):
    found = population_stability(*np.array(pairs).T, draws=99)
    if found.bins > 1:
        assert 0 <= found.low <= found.high
        assert 0 < found.p <= 1
        assert found.low == 0 or found.p < 0.025


def test_rows_are_worked_out_each_on_its_own():
    before, after = drawn(EVEN, 40, tilted(0.3), 40, 6)
    together = population_stability(before, after)
    alone = [population_stability(a, b) for a, b in zip(before, after, strict=True)]
    assert together.p.tolist() == [float(one.p) for one in alone]
    assert together.low.tolist() == [float(one.low) for one in alone]


# -- bins


def test_bins_are_deciles_of_those_before():
    column = pd.Series(np.arange(1, 1001.0))
    learned = learn_bins(column, "x")
    assert learned.edges == tuple(np.quantile(column, np.arange(1, 10) / 10, method="inverted_cdf"))
    assert np.bincount(learned.codes(column)).tolist() == [100] * 10


def test_few_values_are_a_bin_each_and_ties_stay_together():
    assert learn_bins(pd.Series([3, 1, 2, 2, 2]), "children").edges == (1.0, 2.0)
    tied = learn_bins(pd.Series([0.0] * 900 + list(range(1, 101))), "spent")
    assert np.bincount(tied.codes(pd.Series([0.0] * 900 + list(range(1, 101)))))[0] == 900


def test_missing_and_unseen_are_bins_of_their_own():
    learned = learn_bins(pd.Series(["own", "rent", None]), "home")
    named = [learned.labels[code] for code in learned.codes(pd.Series(["boat", None, "own"]))]
    assert named == ["(unseen)", "(missing)", "own"]
    numbers = learn_bins(pd.Series([1.0, 2.0]), "x")
    assert [numbers.labels[code] for code in numbers.codes(pd.Series([np.nan, 99]))] == ["(missing)", "> 1"]


def test_a_feature_all_missing_has_one_place_for_everybody():
    learned = learn_bins(pd.Series([np.nan, np.nan]), "x")
    assert [learned.labels[code] for code in learned.codes(pd.Series([np.nan, 3.0]))] == ["(missing)", "(any value)"]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        pytest.param(pd.Series([1.0, np.inf]), "infinity", id="infinite"),
        pytest.param(pd.Series([f"id{i}" for i in range(10_000)]), "10000 levels", id="names of people"),
    ],
)
def test_columns_that_cannot_be_binned_are_refused(column, said):
    with pytest.raises(EquiscoreError, match=said):
        learn_bins(column, "x")


def test_one_bin_is_no_question():
    with pytest.raises(EquiscoreError, match="2 or more"):
        learn_bins(pd.Series([1.0, 2.0]), "x", bins=1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=40))
def test_a_weight_k_is_k_rows(people):
    codes, cells, weights = np.array(people).T
    again = np.repeat(np.arange(len(codes)), weights)
    weighed = counted_bins(codes, 4, cells, 3, weights.astype(float))
    assert np.array_equal(weighed.sums, counted_bins(codes[again], 4, cells[again], 3).sums)
    assert weighed.total.sums.sum() == weights.sum()


def test_edges_learned_with_weights_are_those_of_repeated_rows():
    rng = np.random.default_rng(3)
    values, weights = rng.normal(size=200), rng.integers(0, 4, 200)
    weighed = learn_bins(pd.Series(values), "x", weights=weights.astype(float))
    assert weighed.edges == learn_bins(pd.Series(np.repeat(values, weights)), "x").edges
