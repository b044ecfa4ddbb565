"""BG/NBD as an estimator: published parameters, recovery from simulation, standard errors by another road, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from statsmodels.tools.numdiff import approx_hess

from scoring.errors import EquiscoreError
from scoring.models.value.bg_nbd import Histories, log_likelihoods
from scoring.models.value.customer_value import BGNBD

NAMES = ["frequency", "recency", "T"]
TRUE = (0.6, 5.0, 1.2, 3.0)


@pytest.fixture(scope="module")
def cdnow():
    path = Path(__file__).parents[2].parent / "shared/data/cdnow_customers_summary.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return pd.read_csv(path)


@pytest.fixture(scope="module")
def published(cdnow):
    return BGNBD().fit(cdnow[NAMES])


@pytest.fixture(scope="module")
def customers():
    """8,000 customers who buy and leave as the model says, seen for 10 to 40 weeks."""
    r, alpha, a, b = TRUE
    rng = np.random.default_rng(2)
    n = 8_000
    rate, leaves, T = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n), rng.uniform(10, 40, n)
    now, x, t_x, here = np.zeros(n), np.zeros(n), np.zeros(n), np.arange(n)
    while len(here):
        now[here] += rng.exponential(1 / np.maximum(rate[here], 1e-300))
        here = here[now[here] <= T[here]]
        x[here], t_x[here] = x[here] + 1, now[here]
        here = here[rng.random(len(here)) >= leaves[here]]
    return pd.DataFrame({"frequency": x, "recency": t_x, "T": T})


@pytest.fixture(scope="module")
def fitted(customers):
    return BGNBD().fit(customers)


def test_the_published_parameters_of_cdnow_to_three_decimals(published):
    assert [round(value, 3) for value in published.parameters] == [0.243, 4.414, 0.793, 2.426]
    assert published.log_likelihood_ == pytest.approx(-9582.4, abs=0.05)
    assert published.n_customers_ == 2357


def test_the_published_expectations_of_cdnow(published):
    weeks = np.array([0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0])
    assert published.expected_purchases_new(weeks) == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8580], abs=1e-4)
    assert published.expected_purchases(pd.DataFrame([[2, 30.43, 38.86]], columns=NAMES), 39)[0] == pytest.approx(1.226, abs=5e-4)


def test_what_a_simulation_was_made_with_is_found_within_its_errors(fitted):
    for found, true, error in zip(fitted.parameters, TRUE, fitted.standard_errors_.values(), strict=True):
        assert abs(found - true) < 3.5 * error
        assert error < 0.25 * true


def test_standard_errors_are_those_of_the_second_derivatives(customers, fitted):
    """By statsmodels' differences of the likelihood itself, in the parameters and not in their logarithms."""
    known = Histories.of(*customers.to_numpy().T)
    hessian = approx_hess(np.array(fitted.parameters), lambda at: log_likelihoods(at, known).sum())
    assert list(fitted.standard_errors_.values()) == pytest.approx(np.sqrt(np.diag(np.linalg.inv(-hessian))), rel=5e-3)


def test_no_start_leads_higher(customers, fitted):
    known = Histories.of(*customers.to_numpy().T)
    rng = np.random.default_rng(0)
    for _ in range(50):
        elsewhere = np.array(fitted.parameters) * np.exp(rng.normal(scale=0.05, size=4))
        assert log_likelihoods(elsewhere, known).sum() < fitted.log_likelihood_


def test_neither_order_nor_weights_nor_the_unit_of_time_change_the_model(customers, fitted):
    order = np.random.default_rng(1).permutation(len(customers))
    assert BGNBD().fit(customers.iloc[order]).parameters == fitted.parameters
    some = customers[:500]
    weights = np.random.default_rng(2).integers(0, 4, len(some))
    repeated = some.loc[np.repeat(some.index, weights)]
    weighed, rows = BGNBD().fit(some, sample_weight=weights), BGNBD().fit(repeated)
    assert (weighed.parameters, weighed.standard_errors_) == (rows.parameters, rows.standard_errors_)
    days = BGNBD().fit(customers.assign(recency=customers["recency"] * 7, T=customers["T"] * 7))
    assert days.parameters == pytest.approx((fitted.r_, fitted.alpha_ * 7, fitted.a_, fitted.b_), rel=1e-7)


def test_columns_are_found_by_name_or_all_by_order(customers, fitted):
    assert BGNBD().fit(customers[["T", "frequency", "recency"]]).parameters == fitted.parameters
    assert BGNBD().fit(customers.to_numpy()).parameters == fitted.parameters
    assert BGNBD().fit(pl.from_pandas(customers)).parameters == fitted.parameters
    named = customers.set_axis(["x", "t", "age"], axis=1).assign(sex="F")
    assert BGNBD(frequency="x", recency="t", age="age").fit(named).parameters == fitted.parameters
    with pytest.raises(EquiscoreError, match=r"has 'frequency', but no column 'recency', 'T'\. Fix:"):
        BGNBD().fit(customers.rename(columns={"recency": "t", "T": "age"}))


def test_a_single_customer_is_told_alone(customers, fitted):
    alone = [fitted.expected_purchases(customers[i : i + 1], 12)[0] for i in range(5)]
    assert alone == fitted.expected_purchases(customers[:5], 12).tolist()
    assert fitted.expected_purchases(customers[:5], [12, 0, 12, 12, 12])[[0, 1]].tolist() == [alone[0], 0.0]


def test_it_stands_in_cross_validation_and_search(customers, fitted):
    told = cross_validate(BGNBD(), customers[:3000], cv=3, error_score="raise")["test_score"]
    assert np.isfinite(told).all()
    search = GridSearchCV(BGNBD(), {"horizon": [1.0, 4.0]}, cv=2).fit(customers[:3000])
    assert search.best_estimator_.predict(customers[:3]).shape == (3,)
    assert fitted.score(customers) == pytest.approx(fitted.log_likelihood_ / len(customers))
    with pytest.raises(NotFittedError):
        clone(fitted).predict(customers)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([1, np.nan, 5], "1 rows hold NaN"),
        ([-1, 1, 5], "1 rows have negative numbers"),
        ([1, 6, 5], "1 rows have a last purchase after their age"),
        ([1, 0, 5], "1 rows have repeat purchases, but none after the first day"),
        ([0, 3, 5], "1 rows have repeat purchases, but none after the first day, or the reverse"),
    ],
)
def test_what_is_no_history_is_refused(row, says):
    with pytest.raises(EquiscoreError, match=rf"{says}.*Fix:"):
        BGNBD().fit([[1.0, 2.0, 5.0], row])


def test_people_who_never_came_back_teach_nothing():
    with pytest.raises(EquiscoreError, match=r"nobody has a repeat purchase.*Fix:"):
        BGNBD().fit([[0, 0, 5.0], [0, 0, 9.0]])


def test_a_likelihood_without_a_maximum_is_said():
    """Nobody ever left: the probability of leaving tends to 0, and a and b with it or b beyond all bounds."""
    rng = np.random.default_rng(3)
    T = np.full(300, 50.0)
    x = np.maximum(rng.poisson(rng.gamma(4, 0.1, 300) * 50), 1).astype(float)
    with pytest.warns(ConvergenceWarning, match="the data do not tell all parameters"):
        model = BGNBD().fit(np.column_stack([x, T - 1e-3, T]))
    assert model.probability_alive([[10, 49.999, 50]])[0] > 0.99


def test_a_time_ahead_is_finite_and_not_past(fitted, customers):
    with pytest.raises(EquiscoreError, match="finite time ahead"):
        fitted.expected_purchases(customers, -1)
