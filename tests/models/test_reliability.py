import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss

from scoring.errors import EquiscoreError
from scoring.fairness.by_score.calibration_metrics import calibration_error
from scoring.models.reliability import calibration_of


@pytest.fixture
def told():
    rng = np.random.default_rng(2)
    f = rng.normal(size=500).round(2)
    return expit(f), rng.random(500) < expit(0.6 * f + 0.4), rng.integers(1, 4, 500).astype(float)


def test_slope_and_intercept_are_those_of_statsmodels(told):
    p, good, weights = told
    x = logit(p)
    slope = sm.GLM(good, sm.add_constant(x), family=sm.families.Binomial(), freq_weights=weights).fit(tol=1e-12).params[1]
    shift = sm.GLM(good, np.ones(len(p)), family=sm.families.Binomial(), offset=x, freq_weights=weights).fit(tol=1e-12).params[0]
    found = calibration_of(p, good, weights)
    assert (found.slope, found.intercept) == (pytest.approx(slope, abs=1e-8), pytest.approx(shift, abs=1e-8))


def test_brier_is_scikit_learns_and_the_error_that_of_the_fairness_tables(told):
    p, good, weights = told
    found = calibration_of(p, good, weights)
    values, place = np.unique(p, return_inverse=True)
    won, lost = (np.bincount(place, weights * side) for side in (good, ~good))
    assert found.brier == pytest.approx(brier_score_loss(good, p, sample_weight=weights))
    assert found.ece == pytest.approx(float(calibration_error(won, lost, values)))
    assert found.people == weights.sum()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_order_repetition_and_the_other_side_change_nothing(seed):
    rng = np.random.default_rng(seed)
    p, good, weights = rng.uniform(0.05, 0.95, 60).round(2), rng.random(60) < 0.5, rng.integers(0, 3, 60)
    rows = rng.permutation(np.repeat(np.arange(60), weights))
    one, other, turned = calibration_of(p, good, weights), calibration_of(p[rows], good[rows]), calibration_of(1 - p, ~good, weights)
    assert np.array(other) == pytest.approx(np.array(one), abs=1e-7, nan_ok=True)
    assert (turned.slope, turned.intercept) == (pytest.approx(one.slope, abs=1e-6, nan_ok=True), pytest.approx(-one.intercept, abs=1e-6))


@pytest.mark.parametrize(
    ("p", "good", "undefined"),
    [
        ([0.2, 0.8, 1.0], [0, 1, 1], {"slope", "intercept"}),
        ([0.2, 0.8, 0.5], [1, 1, 1], {"slope", "intercept"}),
        ([0.5, 0.5, 0.5], [0, 1, 1], {"slope"}),
        ([0.2, 0.3, 0.8], [0, 0, 1], {"slope"}),
        ([], [], {"slope", "intercept", "brier", "ece"}),
    ],
    ids=["a certainty", "one class", "no difference", "separated", "nobody"],
)
def test_what_is_not_defined_is_not_a_number(p, good, undefined):
    found = calibration_of(p, np.array(good, bool))._asdict()
    assert {name for name, value in found.items() if np.isnan(value)} == undefined


@pytest.mark.parametrize("p", [[0.2, np.nan], [0.2, 1.4], [0.2]])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(EquiscoreError, match=r"a probability and an outcome for each person\. Fix:"):
        calibration_of(p, [True, False])
