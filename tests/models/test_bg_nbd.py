"""The arithmetic of BG/NBD by another road: integrals over people, simulation, series, special cases by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special

from scoring.models.value.bg_nbd import Histories, expected_purchases, integrated, log_likelihoods, mean_log_likelihood, probability_alive

CDNOW = (0.243, 4.414, 0.793, 2.426)
PARAMETERS = [CDNOW, (1.5, 20.0, 2.0, 3.0), (0.4, 3.0, 0.3, 0.6)]


def people(*rows):
    return Histories.of(*np.array(rows, dtype=float).T)


@pytest.mark.parametrize("history", [(0, 0.0, 38.86), (1, 1.71, 38.86), (2, 30.43, 38.86), (11, 35.0, 38.0)])
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_the_likelihood_is_that_of_one_customer_integrated_over_customers(parameters, history):
    """Of one customer (Fader, Hardie & Lee 2005, eq. 3): (1-p)^x rate^x e^(-rate T) + 1{x>0} p (1-p)^(x-1) rate^x e^(-rate t_x)."""
    r, alpha, a, b = parameters
    x, t_x, T = history

    def over_rates(end):
        """Integrate rate^x e^(-rate end) over the rates, with the pole of their density as a weight."""
        density = alpha**r / special.gamma(r)
        whole, _ = integrate.quad(lambda rate: rate**x * np.exp(-rate * (alpha + end)), 0, 5, weight="alg", wvar=(r - 1, 0), epsabs=0, epsrel=1e-9)
        return density * whole

    def over_leaving(power, times):
        """Integrate p^times (1-p)^power over the probabilities of leaving."""
        whole, _ = integrate.quad(lambda p: p**times * (1 - p) ** power, 0, 1, weight="alg", wvar=(a - 1, b - 1), epsabs=0, epsrel=1e-9)
        return whole / special.beta(a, b)

    value = over_leaving(x, 0) * over_rates(T) + (over_leaving(x - 1, 1) * over_rates(t_x) if x else 0.0)
    assert log_likelihoods(parameters, people(history))[0] == pytest.approx(np.log(value), abs=1e-7)


def test_the_gradient_is_that_of_differences():
    known = people((0, 0, 30), (1, 4, 30), (7, 29, 31), (3, 3.5, 12))
    for parameters in PARAMETERS:
        told = mean_log_likelihood(np.array(parameters), known)[1]
        assert told == pytest.approx(optimize.approx_fprime(np.array(parameters), lambda at: mean_log_likelihood(at, known)[0], 1e-7), abs=1e-5)


def test_the_mean_is_the_mean_of_people_by_weight():
    known = people((0, 0, 30), (1, 4, 30), (7, 29, 31))._replace(weights=np.array([5.0, 2.0, 1.0]))
    assert mean_log_likelihood(np.array(CDNOW), known)[0] == pytest.approx(
        np.average(log_likelihoods(CDNOW, known), weights=known.weights), rel=1e-14
    )


def test_published_expectations_of_cdnow():
    """Hardie's spreadsheet: expected purchases of a new customer by week, and 1.226 in 39 weeks of the customer of x=2, t_x=30.43, T=38.86."""
    nobody = np.zeros(6)
    weeks = np.array([0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0])
    fitted = (0.2425929, 4.4135315, 0.7928861, 2.4257535)
    assert expected_purchases(fitted, nobody, nobody, nobody, weeks) == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8580], abs=1e-4)
    assert expected_purchases(fitted, *np.array([[2.0], [30.43], [38.86]]), 39)[0] == pytest.approx(1.226, abs=5e-4)


def test_special_cases_by_hand():
    """Who has no repeat is alive; of one purchase at T itself (t_x = T) the odds of having left are a to b + x - 1."""
    x, t_x, T = np.array([[0, 0, 10], [1, 10, 10], [3, 10, 10]], dtype=float).T
    assert probability_alive((1, 5, 2, 3), x, t_x, T) == pytest.approx([1, 3 / 5, 5 / 7])
    assert log_likelihoods((1, 5, 2, 3), people((0, 0, 10)))[0] == pytest.approx(np.log(5 / 15))
    assert expected_purchases((1, 5, 2, 3), x, t_x, T, 0.0) == pytest.approx([0, 0, 0], abs=1e-12)


def simulated(parameters, n, T, *, seed):
    """Let customers buy and leave as the model says; repeat purchases, last one, and the purchases of each until 2 T."""
    r, alpha, a, b = parameters
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    now, x, t_x, later, here = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.arange(n)
    while len(here):
        now[here] += rng.exponential(1 / np.maximum(rate[here], 1e-300))
        here = here[now[here] <= 2 * T]
        early = here[now[here] <= T]
        x[early], t_x[early] = x[early] + 1, now[early]
        later[here[now[here] > T]] += 1
        here = here[rng.random(len(here)) >= leaves[here]]
    return x, t_x, later


def test_expectations_are_those_of_simulated_customers():
    parameters, n, T = (0.8, 6.0, 0.9, 2.5), 200_000, 20.0
    x, t_x, later = simulated(parameters, n, T, seed=4)
    told = expected_purchases(parameters, x, t_x, np.full(n, T), T)
    for chosen in (x == 0, x == 1, (x >= 2) & (t_x > 15), (x >= 2) & (t_x < 10)):
        error = later[chosen].std() / np.sqrt(chosen.sum())
        assert abs(told[chosen].mean() - later[chosen].mean()) < 4 * error
    both = expected_purchases(parameters, *np.zeros((3, 1)), 2 * T)[0]
    assert both == pytest.approx((x + later).mean(), abs=4 * (x + later).std() / np.sqrt(n))


positive = st.floats(0.05, 20)


@settings(max_examples=60, deadline=None)
@given(st.tuples(positive, positive, positive, positive), st.integers(0, 400), st.floats(0, 1), st.floats(0.1, 100), st.floats(0, 500))
def test_the_closed_form_is_the_integral(parameters, x, part, T, horizon):
    known = np.array([[x], [part * T if x else 0.0], [T]], dtype=float)
    told = expected_purchases(parameters, *known, horizon)
    other = integrated_at(parameters, *known, horizon)
    assert told == pytest.approx(other, rel=1e-6, abs=1e-9)
    assert 0 <= probability_alive(parameters, *known)[0] <= 1


def integrated_at(parameters, x, t_x, T, horizon):
    from scoring.models.value.bg_nbd import Parameters

    return integrated(Parameters(*parameters), x, T, np.array([horizon])) * probability_alive(parameters, x, t_x, T)


@pytest.mark.parametrize("at", [(0.3, 4.0, 1.0, 2.0), (0.3, 4.0, 1 + 1e-9, 2.0), (0.3, 4.0, 0.4, 0.6), (0.3, 4.0, 0.4, 0.6 + 1e-10)])
def test_the_poles_of_the_formula_are_none_of_the_expectation(at):
    known = np.array([[0.0, 3.0], [0.0, 7.0], [10.0, 10.0]])
    beside = (at[0], at[1], at[2] + 0.003, at[3] + 0.003)
    assert expected_purchases(at, *known, 20.0) == pytest.approx(expected_purchases(beside, *known, 20.0), rel=5e-3)


def test_a_thousand_purchases_overflow_nothing():
    known = np.array([[1000.0], [99.0], [100.0]])
    assert np.isfinite(expected_purchases(CDNOW, *known, 1000.0)).all()
    assert np.isfinite(log_likelihoods(CDNOW, Histories.of(*known))).all()
