from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn.metrics import roc_auc_score, roc_curve

from scoring.errors import EquiscoreError
from scoring.fairness.by_score.curve_differences import auc_difference, auc_difference_paired
from scoring.fairness.by_score.roc_area import roc
from scoring.fairness.curves import Estimate, auc, auc_from_bins

Z = 1.959963984540054


def rows(n=400, *, gap=1.0, seed=0, share=0.4, digits=None):
    rng = np.random.default_rng(seed)
    outcome = (rng.random(n) < share).astype(int)
    scores = rng.normal(gap * outcome)
    return (scores if digits is None else np.round(scores, digits)), outcome


def delong(scores, outcome):
    """AUC and variance by every pair of rows (DeLong, DeLong & Clarke-Pearson 1988, equations 4 to 6)."""
    good, bad = scores[outcome == 1][:, None], scores[outcome == 0][None, :]
    beats = (good > bad) + (good == bad) / 2
    v10, v01 = beats.mean(axis=1), beats.mean(axis=0)
    return beats.mean(), v10.var(ddof=1) / v10.size + v01.var(ddof=1) / v01.size


def logit_interval(value, variance, z=Z):
    centre, half = np.log(value / (1 - value)), z * np.sqrt(variance) / (value * (1 - value))
    return [1 / (1 + np.exp(-(centre + side * half))) for side in (-1, 1)]


def method_5(value, n1, n0, z):
    """Newcombe's method 5 by a walk from the value outwards: the first of a million steps whose score is beyond z, then bisected."""

    def score(t):
        mean = (n1 + n0) / 2 - 1
        return abs(t - value) / np.sqrt(t * (1 - t) / (n1 * n0) * (1 + mean * (1 - t) / (2 - t) + mean * t / (1 + t)))

    # without its end points, where the variance is 0
    walk = np.linspace(value, float(z > 0), 10_002)[1:-1]
    if value == (z > 0):
        return value
    first = int(np.argmax(score(walk) > Z))
    return optimize.brentq(lambda t: score(t) - Z, walk[first - 1], walk[first], xtol=1e-14)


@pytest.mark.parametrize("digits", [None, 1, 0], ids=["no ties", "some ties", "many ties"])
def test_auc_is_sklearns_and_its_interval_delongs_on_the_logit(digits):
    scores, outcome = rows(digits=digits)
    found = auc(scores, outcome)
    value, variance = delong(scores, outcome)
    assert found.value == pytest.approx(roc_auc_score(outcome, scores), abs=1e-12) == pytest.approx(value, abs=1e-12)
    assert [found.low, found.high] == pytest.approx(logit_interval(value, variance), abs=1e-12)


def test_weights_are_frequencies():
    scores, outcome = rows(120, digits=1)
    times = np.random.default_rng(1).integers(0, 4, scores.size)
    weighted, repeated = auc(scores, outcome, weights=times), auc(np.repeat(scores, times), np.repeat(outcome, times))
    assert astuple(weighted) == pytest.approx(astuple(repeated), abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "outcome"),
    [
        pytest.param(np.arange(50), np.arange(50) >= 25, id="1"),
        pytest.param(-np.arange(50), np.arange(50) >= 25, id="0"),
        pytest.param(np.zeros(60), np.arange(60) % 2, id="variance 0"),
        pytest.param(*rows(30, seed=3), id="a class under 20"),
    ],
)
def test_where_the_logit_has_no_footing_the_interval_is_newcombes_method_5(scores, outcome):
    found = auc(scores, outcome)
    n1, n0 = np.sum(outcome == 1), np.sum(outcome == 0)
    assert (found.low, found.high) == pytest.approx((method_5(found.value, n1, n0, -Z), method_5(found.value, n1, n0, Z)), abs=1e-9)
    assert found.low < found.high


@pytest.mark.parametrize("outcome", [np.ones(9), np.zeros(9)], ids=["only good", "only bad"])
def test_one_outcome_alone_has_no_auc(outcome):
    found = auc(np.arange(9.0), outcome)
    assert np.isnan([found.value, found.low, found.high]).all()


def test_nobody_has_no_auc():
    assert np.isnan(auc([], []).value)
    assert np.isnan(auc_from_bins([0, 0], [3, 4]).low)


def test_one_person_on_each_side_has_one():
    found = auc([1.0, 2.0], [0, 1])
    assert found.value == found.high == 1.0
    assert 0 < found.low < 1


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 120), gap=st.floats(-2, 4), digits=st.sampled_from([None, 0]))
def test_turning_scores_or_outcome_turns_the_interval(seed, n, gap, digits):
    scores, outcome = rows(n, gap=gap, seed=seed, digits=digits)
    found = auc(scores, outcome)
    if np.isnan(found.value):
        return
    assert 0 <= found.low <= found.value <= found.high <= 1
    for turned in (auc(-scores, outcome), auc(scores, 1 - outcome)):
        assert [turned.value, turned.low, turned.high] == pytest.approx([1 - found.value, 1 - found.high, 1 - found.low], abs=1e-7)
    wider = auc(scores, outcome, confidence=0.99)
    assert wider.low <= found.low
    assert found.high <= wider.high


def binned(scores, outcome, bins=100):
    place = np.digitize(scores, np.quantile(scores, np.arange(1, bins) / bins))
    return np.bincount(place, outcome, bins), np.bincount(place, 1 - outcome, bins)


def test_the_unbinned_auc_lies_within_t_of_the_binned_one():
    """[20,000 rows, 100 bins: T .0042, error .00007, standard error .00424 = that of the rows.]"""
    scores, outcome = rows(20_000, gap=0.75, share=0.3, seed=4)
    positives, negatives = binned(scores, outcome)
    tied = np.sum(positives * negatives) / (2 * positives.sum() * negatives.sum())
    exact, counted, as_ties = auc(scores, outcome), auc_from_bins(positives, negatives), auc_from_bins(positives, negatives, exact_ties=True)
    assert tied == pytest.approx(0.0042, abs=0.0003)
    assert abs(exact.value - counted.value) < 0.0005 < tied
    assert as_ties.high - as_ties.low == pytest.approx(exact.high - exact.low, rel=0.01)
    assert counted.low == pytest.approx(as_ties.low - tied, abs=3e-4)
    assert counted.high == pytest.approx(as_ties.high + tied, abs=3e-4)
    # T is sharp: within the bins the rows could lie so that the AUC is at either end
    order = np.repeat(np.arange(100), (positives + negatives).astype(int))
    best = np.concatenate([[0.0] * int(q) + [0.5] * int(p) for p, q in zip(positives, negatives, strict=True)])
    good = np.concatenate([[0] * int(q) + [1] * int(p) for p, q in zip(positives, negatives, strict=True)])
    assert auc(order + best, good).value == pytest.approx(counted.value + tied, abs=1e-12)


def test_the_widened_interval_holds_that_of_the_rows_in_every_coarseness():
    for bins in (2, 5, 20):
        for seed in range(5):
            scores, outcome = rows(300, seed=seed)
            found, rough = auc(scores, outcome), auc_from_bins(*binned(scores, outcome, bins))
            assert rough.low <= found.value <= rough.high
            assert rough.low <= found.low + 0.01
            assert rough.high >= found.high - 0.01


def test_bins_of_one_value_each_are_the_rows():
    scores, outcome = rows(digits=0)
    values = np.unique(scores)
    positives, negatives = (np.array([np.sum((scores == v) & (outcome == side)) for v in values]) for side in (1, 0))
    counted, exact = auc_from_bins(positives, negatives, exact_ties=True), auc(scores, outcome)
    assert [counted.value, counted.low, counted.high] == pytest.approx([exact.value, exact.low, exact.high], abs=1e-12)


def test_several_curves_at_once_are_the_curves_one_by_one():
    counts = np.random.default_rng(6).integers(0, 9, (2, 3, 4, 10))
    counts[:, 0, 0] = 0
    whole = auc_from_bins(*counts)
    assert whole.value.shape == whole.low.shape == whole.high.shape == (3, 4)
    for place in np.ndindex(3, 4):
        one = auc_from_bins(counts[0][place], counts[1][place])
        np.testing.assert_allclose([whole.value[place], whole.low[place], whole.high[place]], [one.value, one.low, one.high], rtol=1e-9)


def test_coverage_with_few_positives_is_that_measured():
    """[AUC .90 to .97 with 10 to 20 positives: Wald .84 to .90, method 5 .96 to .98.]"""
    rng = np.random.default_rng(8)
    gap = np.sqrt(2) * stats.norm.ppf(0.95)
    covered, wald = 0, 0
    for _ in range(600):
        scores, outcome = np.concatenate([rng.normal(gap, size=12), rng.normal(size=80)]), np.repeat([1, 0], [12, 80])
        found = auc(scores, outcome)
        covered += found.low <= 0.95 <= found.high
        value, variance = delong(scores, outcome)
        wald += abs(value - 0.95) <= Z * np.sqrt(variance)
    assert 0.95 <= covered / 600 <= 0.99
    assert wald / 600 < 0.92


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([1, 2], [0, 1, 1]), "2, 3 and 2 entries"),
        (([1, np.nan], [0, 1]), "scores: some are missing"),
        (([1, 2], [0, 2]), "outcome: some are neither 0 nor 1"),
        (([1, 2], [0, np.nan]), "outcome: some are neither 0 nor 1"),
    ],
)
def test_rows_that_are_none_are_refused(arguments, says):
    with pytest.raises(EquiscoreError, match=rf"{says}.* Fix: "):
        auc(*arguments)


def test_weights_and_bins_that_are_no_counts_are_refused():
    with pytest.raises(EquiscoreError, match=r"weights: some are no frequency. Fix: "):
        auc([1, 2], [0, 1], weights=[1, -1])
    with pytest.raises(EquiscoreError, match=r"negatives: some are no count. Fix: "):
        auc_from_bins([1, 2], [3, np.nan])


def test_an_estimate_is_a_value():
    assert Estimate(0.7, 0.6, 0.8) == Estimate(0.7, 0.6, 0.8)
    with pytest.raises(AttributeError):
        Estimate(0.7, 0.6, 0.8).low = 0.1


# differences


def pairs_covariance(a, b, outcome):
    """DeLong's covariance matrix of two AUCs by every pair of rows (1988, equations 4 to 6)."""
    sides = [[], []]
    for scores in (a, b):
        good, bad = scores[outcome == 1][:, None], scores[outcome == 0][None, :]
        beats = (good > bad) + (good == bad) / 2
        for side, axis in zip(sides, (1, 0), strict=True):
            side.append(beats.mean(axis=axis))
    return sum(np.cov(side) / len(side[0]) for side in sides)


@pytest.mark.parametrize("digits", [None, 0], ids=["no ties", "many ties"])
def test_the_paired_difference_is_that_of_every_pair_of_rows(digits):
    rng = np.random.default_rng(12)
    a, outcome = rows(300, digits=digits)
    b = np.round(0.6 * a + rng.normal(size=300), 3 if digits is None else 0)
    found, covariance = auc_difference_paired(a, b, outcome), pairs_covariance(a, b, outcome)
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.value == pytest.approx(roc_auc_score(outcome, a) - roc_auc_score(outcome, b), abs=1e-12)
    assert found.standard_error == pytest.approx(error, abs=1e-12)
    assert [found.low, found.high] == pytest.approx([found.value - Z * error, found.value + Z * error], abs=1e-12)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.value) / error), abs=1e-12)


def test_the_unpaired_difference_adds_the_variances():
    (a, y), (b, w) = rows(300, seed=1, digits=1), rows(200, seed=2, gap=0.3, digits=1)
    counts = [[np.bincount(np.unique(s, return_inverse=True)[1], side) for side in (o, 1 - o)] for s, o in ((a, y), (b, w))]
    found = auc_difference(*counts, exact_ties=True)
    (one, first), (other, second) = delong(a, y), delong(b, w)
    assert float(found.value) == pytest.approx(one - other)
    assert float(found.standard_error) == pytest.approx(np.sqrt(first + second), abs=1e-12)
    assert float(found.z) == pytest.approx((one - other) / np.sqrt(first + second))


def test_binning_widens_the_difference_by_what_it_leaves_open():
    (a, y), (b, w) = rows(3000, seed=1), rows(3000, seed=2)
    one, other = binned(a, y, 20), binned(b, w, 20)
    exact, wide = auc_difference(one, other, exact_ties=True), auc_difference(one, other)
    open_ = sum(np.sum(p * q) / (2 * p.sum() * q.sum()) for p, q in (one, other))
    assert float(wide.high - exact.high) == pytest.approx(open_)
    assert float(exact.low - wide.low) == pytest.approx(open_)
    assert float(wide.low) <= auc(a, y).value - auc(b, w).value <= float(wide.high)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 150), digits=st.sampled_from([None, 0]))
def test_exchanging_the_scores_turns_the_difference(seed, n, digits):
    a, outcome = rows(n, seed=seed, digits=digits)
    b, _ = rows(n, seed=seed + 1, digits=digits)
    one, other = auc_difference_paired(a, b, outcome), auc_difference_paired(b, a, outcome)
    assert [other.value, other.low, other.high, other.z] == pytest.approx([-one.value, -one.high, -one.low, -one.z], abs=1e-7, nan_ok=True)
    if not np.isnan(one.value):
        assert -1 <= one.low <= one.value <= one.high <= 1
        order = np.random.default_rng(seed).permutation(n)
        assert astuple(auc_difference_paired(a[order], b[order], outcome[order])) == pytest.approx(astuple(one), abs=1e-9, nan_ok=True)


def test_the_same_score_twice_does_not_differ():
    scores, outcome = rows(200)
    found = auc_difference_paired(scores, 3 * scores, outcome)
    assert (found.value, found.standard_error, found.z, found.p) == (0.0, pytest.approx(0.0, abs=1e-8), 0.0, 1.0)


@pytest.mark.parametrize("n", [10, 40])
def test_two_perfect_scores_are_no_certainty(n):
    """DeLong's variance is 0 there: the limits join those of the two AUCs, and there is no test."""
    outcome = np.arange(n) >= n // 2
    found = auc_difference((np.bincount(np.arange(n), outcome), np.bincount(np.arange(n), ~outcome)), ([0, 30], [30, 0]), exact_ties=True)
    assert found.value == 0
    assert found.low < 0 < found.high
    assert np.isnan(found.p)


def test_coverage_of_the_difference():
    """Two groups of the same AUC: 0 is covered as often as is promised."""
    rng = np.random.default_rng(21)
    good, bad = rng.multinomial(60, np.full(20, 0.05) * np.linspace(0.5, 1.5, 20), (2, 600)), rng.multinomial(90, np.full(20, 0.05), (2, 600))
    found = auc_difference((good[0], bad[0]), (good[1], bad[1]), exact_ties=True)
    assert 0.93 <= ((found.low <= 0) & (found.high >= 0)).mean() <= 0.97


def test_scores_of_two_lengths_are_refused():
    with pytest.raises(EquiscoreError, match=r"different lengths. Fix: "):
        auc_difference_paired([1, 2], [1, 2, 3], [0, 1])


@pytest.mark.parametrize("outcome", [np.ones(9), np.zeros(9), np.array([1] + [0] * 8)], ids=["only good", "only bad", "one good"])
def test_a_class_without_spread_gives_no_test(outcome):
    found = auc_difference_paired(np.arange(9.0), np.arange(9.0)[::-1], outcome)
    assert np.isnan(found.p)
    assert np.isnan(found.value) == (outcome.min() == outcome.max())


def test_weights_that_are_no_frequencies_are_linearised():
    """Against the spread of the AUC over redrawn people of fixed classes; as frequencies the weights would promise too much."""
    rng = np.random.default_rng(31)
    values = []
    low = high = 0
    for _ in range(400):
        place = np.concatenate([rng.choice(6, 200, p=[0.05, 0.1, 0.15, 0.2, 0.2, 0.3]), rng.choice(6, 200)])
        good = np.repeat([1, 0], 200)
        w = rng.gamma(0.5, 2.0, 400)
        (g, b), (g2, b2) = ([np.bincount(place, side * weight, 6) for side in (good, 1 - good)] for weight in (w, w**2))
        found = auc_from_bins(g, b, exact_ties=True, squared=(g2, b2))
        values.append(float(found.value))
        low, high = low + float(found.low), high + float(found.high)
    half = 1.96 * np.std(values)
    assert (high - low) / 400 / 2 == pytest.approx(half, rel=0.12)


def test_p24_ties_at_the_top_and_a_score_of_two_values():
    """The curve starts at (0, 0) whatever ties at the top; a score of two values has the AUC of one triangle, not 0."""
    outcome, scores = np.array([1, 1, 1, 0, 0, 1]), np.array([9.0, 9.0, 9.0, 9.0, 1.0, 1.0])
    curve = roc(*(np.bincount((scores > 1).astype(int), side).astype(float) for side in (outcome, 1 - outcome)))
    false_positive, true_positive, _ = roc_curve(outcome, scores)
    assert curve.false_positive.tolist() == false_positive.tolist() == [0.0, 0.5, 1.0]
    assert curve.true_positive.tolist() == true_positive.tolist() == [0.0, 0.75, 1.0]
    assert auc(scores, outcome).value == roc_auc_score(outcome, scores) == 0.625
    assert auc(np.ones(6), outcome).value == 0.5
