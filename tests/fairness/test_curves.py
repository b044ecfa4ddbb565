from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn.metrics import roc_auc_score

from scoring.errors import EquiscoreError
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
