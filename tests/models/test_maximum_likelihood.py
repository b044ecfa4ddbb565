"""The maximiser against distributions whose maximum is known, and against SciPy's own fit."""

import numpy as np
import pytest
from scipy import special, stats
from sklearn.exceptions import ConvergenceWarning

from scoring.models.value.maximum_likelihood import maximise


def gamma_likelihood(values):
    mean, log_mean = values.mean(), np.log(values).mean()

    def told(parameters):
        k, rate = parameters
        value = k * np.log(rate) - special.gammaln(k) + (k - 1) * log_mean - rate * mean
        return float(value), np.array([np.log(rate) - special.psi(k) + log_mean, k / rate - mean])

    return told


def test_a_gamma_distribution_is_fitted_as_scipy_fits_it():
    values = stats.gamma(2.5, scale=0.4).rvs(500, random_state=np.random.default_rng(0))
    found = maximise(gamma_likelihood(values), [[1.0, 1.0], [10.0, 0.1]], people=500)
    k, _, scale = stats.gamma.fit(values, floc=0)
    assert found.parameters == pytest.approx([k, 1 / scale], rel=1e-6)
    information = np.array([[special.polygamma(1, k), -scale], [-scale, k * scale**2]])
    assert found.standard_errors == pytest.approx(np.sqrt(np.diag(np.linalg.inv(information)) / 500), rel=1e-5)
    assert found.mean_log_likelihood == pytest.approx(stats.gamma(k, scale=scale).logpdf(values).mean(), rel=1e-10)


def test_a_rough_climb_leads_to_the_same_place():
    values = stats.gamma(2.5, scale=0.4).rvs(500, random_state=np.random.default_rng(0))
    direct, helped = (maximise(gamma_likelihood(values), [[1.0, 1.0]], people=500, rough=rough) for rough in (None, gamma_likelihood(values[::7])))
    assert helped.parameters == pytest.approx(direct.parameters, rel=1e-9)


def test_a_parameter_that_nothing_tells_has_no_standard_error():
    with pytest.warns(ConvergenceWarning, match="no maximum inside its limits"):
        found = maximise(lambda p: (float(-1 / p[0]), np.array([1 / p[0] ** 2])), [[1.0]], people=10)
    assert found.parameters[0] > 1e3
