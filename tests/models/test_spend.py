"""Gamma-Gamma and the value of a customer: published figures, integrals, recovery, and a sum by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats
from statsmodels.tools.numdiff import approx_hess

from scoring.errors import EquiscoreError
from scoring.models.value.customer_value import BGNBD
from scoring.models.value.spend import GammaGamma, _likelihood, customer_value, log_likelihoods

CDNOW = (6.248803, 3.744588, 15.447748)
TRUE = (4.0, 3.5, 20.0)


def given(parameters):
    model = GammaGamma()
    model.n_features_in_ = 2
    model.p_, model.q_, model.v_ = parameters
    return model


def people(n, *, seed):
    """Customers whose purchases are worth what the model says: the mean of x purchases of shape p is Gamma(p x) over x."""
    p, q, v = TRUE
    rng = np.random.default_rng(seed)
    x = rng.geometric(0.4, n) - 1.0
    nu = rng.gamma(q, 1 / v, n)
    mean = rng.gamma(p * np.maximum(x, 1)) / nu / np.maximum(x, 1)
    return pd.DataFrame({"frequency": x, "monetary": np.where(x > 0, mean, np.nan)})


@pytest.fixture(scope="module")
def customers():
    return people(6_000, seed=5)


@pytest.fixture(scope="module")
def fitted(customers):
    return GammaGamma().fit(customers)


def test_published_expectations_of_cdnow():
    """The first ten customers of Hardie's spreadsheet (brucehardie.com/notes/025), at its parameters of maximum likelihood."""
    x = [2, 1, 0, 0, 0, 7, 1, 0, 2, 0]
    mean = [22.35, 11.77, 0, 0, 0, 73.74, 11.77, 0, 25.55, 0]
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert given(CDNOW).expected_spend(np.column_stack([x, mean])) == pytest.approx(published, abs=0.01)


def test_the_published_parameters_of_cdnow():
    path = Path(__file__).parents[2].parent / "shared/data/cdnow_customers_summary_with_transactions.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    table = pd.read_csv(path)
    model = GammaGamma().fit(table[["x", "zbar"]].set_axis(["frequency", "monetary"], axis=1))
    assert model.parameters == pytest.approx((6.25, 3.74, 15.44), abs=0.01)
    assert [round(value, 3) for value in model.parameters] == [6.249, 3.745, 15.448]
    assert (model.n_customers_, round(model.correlation_, 2)) == (946, 0.11)


@pytest.mark.parametrize(("x", "mean"), [(1, 11.77), (2, 22.35), (7, 73.74)])
def test_the_likelihood_is_that_of_one_customer_integrated_over_customers(x, mean):
    p, q, v = CDNOW
    told, _ = integrate.quad(lambda nu: stats.gamma.pdf(mean, p * x, scale=1 / (nu * x)) * stats.gamma.pdf(nu, q, scale=1 / v), 0, 5, limit=300)
    assert log_likelihoods(CDNOW, np.array([x]), np.array([mean]))[0] == pytest.approx(np.log(told), abs=1e-7)


@pytest.mark.parametrize(("x", "mean"), [(0, 0.0), (1, 11.77), (7, 73.74)])
def test_the_expected_spend_is_the_mean_over_what_is_known_of_the_customer(x, mean):
    """Given x purchases of mean m, nu ~ Gamma(p x + q, v + x m); a purchase is worth p / nu."""
    p, q, v = CDNOW
    told, _ = integrate.quad(lambda nu: p / nu * stats.gamma.pdf(nu, p * x + q, scale=1 / (v + x * mean)), 0, 10, limit=300)
    assert given(CDNOW).expected_spend([[x, mean]])[0] == pytest.approx(told, rel=1e-6)


def test_the_gradient_is_that_of_differences(customers):
    rows = customers[customers["frequency"] > 0].to_numpy()[:200]
    likelihood = _likelihood(rows, np.ones(200), 1.0)
    at = np.array([3.0, 2.5, 18.0])
    assert likelihood(at)[1] == pytest.approx(optimize.approx_fprime(at, lambda p: likelihood(p)[0], 1e-7), abs=1e-5)
    assert likelihood(at)[0] == pytest.approx(log_likelihoods(tuple(at), *rows.T).mean())


def test_what_a_simulation_was_made_with_is_found_within_its_errors(customers, fitted):
    for found, true, error in zip(fitted.parameters, TRUE, fitted.standard_errors_.values(), strict=True):
        assert abs(found - true) < 3.5 * error
    rows = customers.dropna().to_numpy()
    hessian = approx_hess(np.array(fitted.parameters), lambda at: log_likelihoods(tuple(at), *rows.T).sum())
    assert list(fitted.standard_errors_.values()) == pytest.approx(np.sqrt(np.diag(np.linalg.inv(-hessian))), rel=5e-3)
    assert abs(fitted.correlation_) < 0.05


def test_neither_order_nor_weights_nor_the_currency_change_the_model(customers, fitted):
    order = np.random.default_rng(1).permutation(len(customers))
    assert GammaGamma().fit(customers.iloc[order]).parameters == fitted.parameters
    some = customers[:400]
    weights = np.random.default_rng(2).integers(0, 3, len(some))
    assert GammaGamma().fit(some, sample_weight=weights).parameters == GammaGamma().fit(some.loc[np.repeat(some.index, weights)]).parameters
    cents = GammaGamma().fit(customers.assign(monetary=customers["monetary"] * 100))
    assert cents.parameters == pytest.approx((fitted.p_, fitted.q_, fitted.v_ * 100), rel=1e-7)


def test_who_did_not_come_back_teaches_nothing_and_is_expected_to_spend_the_mean(customers, fitted):
    assert GammaGamma().fit(customers[customers["frequency"] > 0]).parameters == fitted.parameters
    p, q, v = fitted.parameters
    assert fitted.expected_spend(pd.DataFrame({"frequency": [0.0], "monetary": [np.nan]})) == pytest.approx([p * v / (q - 1)])


def test_a_mean_that_does_not_exist_is_infinite():
    assert given((2.0, 0.8, 10.0)).expected_spend([[0, 0.0], [1, 5.0]]).tolist() == [np.inf, pytest.approx(2 * 15 / 1.8)]


@pytest.mark.parametrize(
    ("row", "says"), [([1, np.nan], "1 rows hold NaN"), ([-1, 3.0], "a negative frequency"), ([2, 0.0], "a mean spend of 0 or less")]
)
def test_what_is_no_spend_is_refused(row, says):
    with pytest.raises(EquiscoreError, match=rf"{says}.*Fix:"):
        GammaGamma().fit([[1.0, 2.0], row])


def test_nobody_with_a_repeat_purchase_is_refused():
    with pytest.raises(EquiscoreError, match="nobody has a repeat purchase"):
        GammaGamma().fit([[0, 0.0]])


# -- the value of a customer


@pytest.fixture(scope="module")
def both():
    """Both models at the CDNOW parameters, and customers."""
    histories = pd.DataFrame({
        "who": list("abc"), "frequency": [2, 0, 7], "recency": [30.43, 0.0, 29.43], "T": [38.86] * 3, "monetary": [22.35, np.nan, 73.74],
    })  # fmt: skip
    purchases = BGNBD()
    purchases.n_features_in_, purchases.feature_names_in_ = 3, np.array(["frequency", "recency", "T"], dtype=object)
    purchases.r_, purchases.alpha_, purchases.a_, purchases.b_ = 0.243, 4.414, 0.793, 2.426
    spend = given(CDNOW)
    spend.feature_names_in_ = np.array(["frequency", "monetary"], dtype=object)
    return purchases, spend, histories


def test_the_value_is_the_discounted_sum_over_periods(both):
    purchases, spend, people = both
    names, rate = ["frequency", "recency", "T"], 0.01
    by_hand = np.zeros(3)
    for k in range(1, 13):
        bought = purchases.expected_purchases(people[names], 4.345 * k) - purchases.expected_purchases(people[names], 4.345 * (k - 1))
        by_hand += 0.3 * bought * spend.expected_spend(people[["frequency", "monetary"]]) / (1 + rate) ** k
    assert customer_value(purchases, spend, people, periods=12, period=4.345, discount_rate=rate, margin=0.3) == pytest.approx(by_hand, rel=1e-12)


def test_without_a_discount_the_value_is_purchases_times_spend(both):
    purchases, spend, people = both
    told = customer_value(purchases, spend, people, periods=10, period=3.9)
    bought = purchases.expected_purchases(people[["frequency", "recency", "T"]], 39)
    assert told == pytest.approx(bought * spend.expected_spend(people[["frequency", "monetary"]]), rel=1e-12)
    assert (customer_value(purchases, spend, people, periods=10, period=3.9, discount_rate=0.02) < told).all()


@pytest.mark.parametrize("wrong", [{"periods": 0}, {"periods": 1, "period": 0.0}, {"periods": 1, "discount_rate": -1.0}])
def test_periods_and_rates_that_make_no_sense_are_refused(both, wrong):
    with pytest.raises(EquiscoreError, match="Fix:"):
        customer_value(*both, **wrong)


def test_a_table_without_the_columns_is_refused(both):
    with pytest.raises(EquiscoreError, match=r"no column 'monetary'\. Fix:"):
        customer_value(both[0], both[1], both[2].drop(columns="monetary"), periods=1)
