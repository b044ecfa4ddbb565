"""How much a purchase of each customer is worth, by the Gamma-Gamma model, and what a customer is worth over a time ahead."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, psi
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from scoring.models.columns import ModelError, as_table, distinct_rows, names_of, read_weights
from scoring.models.segmenting.stated_columns import read_stated
from scoring.models.value.customer_value import BGNBD
from scoring.models.value.maximum_likelihood import maximise

Vector = NDArray[np.float64]
STARTS = ((1.0, 2.0), (6.0, 4.0), (0.5, 6.0), (20.0, 2.0))
"""Of p and q; v follows from the mean spend."""


class GammaGamma(BaseEstimator):
    """Gamma-Gamma model of spend a purchase (Fader & Hardie 2013, note 25; Fader, Hardie & Lee 2005, J. Marketing Research 42(4)).

    A customer's purchases vary as Gamma(p, nu), and nu among customers as Gamma(q, v), whatever how often the customer buys:
    `correlation_` tells how far that holds. Fitted by maximum likelihood on customers with a repeat purchase.

    Parameters
    ----------
    frequency, monetary : names of the columns: how many purchases the mean is of (repeat purchases), and their mean spend. The mean is
        not read where the frequency is 0, and may be missing there. A table that has neither name is read by order.

    Attributes
    ----------
    p_, q_, v_ : float; v is in units of money. ``standard_errors_`` : dict by these names. ``log_likelihood_`` : float.
    n_customers_ : float, sum of the weights of those with a repeat purchase.
    correlation_ : float, of frequency and mean spend among them; nan where one of the two does not vary.

    Raises
    ------
    ModelError
        Missing or negative frequencies, a spend that is missing or not above 0 where there are purchases, nobody with a repeat purchase.

    Examples
    --------
    The published CDNOW parameters; of a customer of two repeat purchases at 22.35, of one of whom nothing is known:

    >>> model = GammaGamma()
    >>> model.n_features_in_, model.p_, model.q_, model.v_ = 2, 6.25, 3.74, 15.44
    >>> model.expected_spend([[2, 22.35], [0, float("nan")]]).round(2)
    array([24.66, 35.22])
    """

    def __init__(self, *, frequency: str = "frequency", monetary: str = "monetary") -> None:
        self.frequency = frequency
        self.monetary = monetary

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: ARG002  (scikit-learn's signature)
        """Find the parameters of the highest likelihood."""
        values = self._read(X, reset=True)
        weights = read_weights(sample_weight, len(values))
        chosen = (values[:, 0] > 0) & (weights > 0)
        if not chosen.any():
            raise ModelError("GammaGamma: nobody has a repeat purchase, so there is no spend to learn from. Fix: give a longer period.")
        rows, people = distinct_rows(values[chosen], weights[chosen])
        unit = float(people @ rows[:, 1] / people.sum())  # euros or cents: the same path to the same maximum
        found = maximise(_likelihood(rows, people, unit), [(p, q, q / p) for p, q in STARTS], people=people.sum())
        self.p_, self.q_, self.v_ = (found.parameters * [1, 1, unit]).tolist()
        self.standard_errors_ = dict(zip("pqv", (found.standard_errors * [1, 1, unit]).tolist(), strict=True))
        self.log_likelihood_ = float(people @ log_likelihoods(self.parameters, *rows.T))
        self.n_customers_ = float(people.sum())
        self.correlation_ = _correlation(rows[:, 0], rows[:, 1], people)
        return self

    @property
    def parameters(self) -> tuple[float, float, float]:
        """The three parameters p, q, v."""
        check_is_fitted(self, "p_")
        return self.p_, self.q_, self.v_

    def predict(self, X: Any) -> Vector:
        """Return the expected spend a purchase of each customer."""
        return self.expected_spend(X)

    def expected_spend(self, X: Any) -> Vector:
        """Return the expected spend a purchase: a mean of the customer's own and the population's (Fader & Hardie 2013, eq. 5).

        E[M | x, m] = p (v + x m) / (p x + q - 1); inf where that mean does not exist (p x + q at most 1).
        """
        (p, q, v), (x, mean) = self.parameters, self._read(X, reset=False).T
        below = p * x + q - 1
        return np.where(below > 0, p * (v + x * mean) / np.where(below > 0, below, 1.0), np.inf)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # noqa: ARG002  (scikit-learn's signature)
        """Return the mean log-likelihood of customers with a repeat purchase; nan where there is none."""
        parameters, values = self.parameters, self._read(X, reset=False)
        weights = np.where(values[:, 0] > 0, read_weights(sample_weight, len(values)), 0.0)
        bought = weights > 0
        return float(np.average(log_likelihoods(parameters, *values[bought].T), weights=weights[bought])) if bought.any() else float("nan")

    def _read(self, X: Any, *, reset: bool) -> NDArray[np.float64]:
        return self._checked(read_stated(self, X, (self.frequency, self.monetary), reset=reset))

    def _checked(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Refuse what is no spend; a mean of no purchases is nothing, and becomes 0."""
        x, mean = values.T
        faults = {
            "hold NaN (missing values)": np.isnan(x) | ((x > 0) & np.isnan(mean)),
            "have a negative frequency": x < 0,
            "have purchases, but a mean spend of 0 or less": (x > 0) & (mean <= 0),
        }
        if told := [f"{rows.sum()} rows {what}" for what, rows in faults.items() if rows.any()]:
            raise ModelError(f"GammaGamma: {'; '.join(told)}. Fix: give the number of repeat purchases and their mean spend, above 0.")
        return np.column_stack([x, np.where(x > 0, mean, 0.0)])


def log_likelihoods(parameters: tuple[float, float, float], x: Vector, mean: Vector) -> Vector:
    """Return the log-likelihood of each mean spend of x purchases, x above 0 (Fader & Hardie 2013, eq. 1a).

    ln f = ln[Γ(px+q)/(Γ(px)Γ(q))] + q ln v + (px-1) ln m + px ln x - (px+q) ln(v + x m)

    >>> log_likelihoods((6.25, 3.74, 15.44), np.array([2.0]), np.array([22.35])).round(4)
    array([-3.5513])
    """
    p, q, v = parameters
    shape = p * x
    told: Vector = -betaln(shape, q) + q * np.log(v) + (shape - 1) * np.log(mean) + shape * np.log(x) - (shape + q) * np.log(v + x * mean)
    return told


def customer_value(
    purchases: BGNBD, spend: GammaGamma, X: Any, *, periods: int, period: float = 1.0, discount_rate: float = 0.0, margin: float = 1.0
) -> Vector:
    """Return what each customer is expected to bring in over a time ahead, discounted.

    The purchases expected within each period times the expected spend, paid at the end of the period:
    sum over k = 1..periods of margin E[M] (E[Y(k period)] - E[Y((k-1) period)]) / (1 + discount_rate)^k. Without discount it is
    margin E[M] E[Y(periods period)]. It is the value to come: what was bought already does not count.

    Parameters
    ----------
    purchases, spend : both fitted; each finds its own columns in X by name.
    X : frame with the columns of both.
    periods : int, how many. period : float, the length of one in the time unit of `purchases` (4.345 weeks to a month).
    discount_rate : float, a *period*, above -1: 0.15 a year is ``1.15 ** (1 / 12) - 1`` a month.
    margin : float, the part of the spend that is earned.

    Returns
    -------
    array, money, one entry a customer.
    """
    if periods < 1 or period <= 0 or discount_rate <= -1:
        said = f"periods={periods!r}, period={period!r}, discount_rate={discount_rate!r}"
        raise ModelError(f"customer_value: {said}. Fix: at least one period of a length above 0, and a rate above -1.")
    columns = {model: _columns(model, X) for model in (purchases, spend)}
    bought = np.stack([purchases.expected_purchases(columns[purchases], k * period) for k in range(1, periods + 1)])
    discounts = (1 + discount_rate) ** -np.arange(1.0, periods + 1)
    return margin * spend.expected_spend(columns[spend]) * (discounts @ np.diff(bought, axis=0, prepend=0.0))


def _columns(model: Any, X: Any) -> Any:
    """Return the columns that a model was fitted on, from a table that has others too."""
    table = as_table(X)
    names = list(names_of(model))
    if missing := [name for name in names if name not in getattr(table, "columns", [])]:
        raise ModelError(
            f"customer_value: no column {', '.join(map(repr, missing))}. Fix: fit {type(model).__name__} on named columns, and give them."
        )
    return table[names]


def _likelihood(rows: NDArray[np.float64], people: Vector, unit: float) -> Any:
    x, mean = rows[:, 0], rows[:, 1] / unit
    counts, place = np.unique(x, return_inverse=True)
    at = np.bincount(place, people)
    log_mean, log_x = np.log(mean), np.log(x)

    def told(parameters: Vector) -> tuple[float, Vector]:
        """Return the mean log-likelihood and its gradient in p, q, v; functions of x alone are worked out once a count."""
        p, q, v = parameters
        total = v + x * mean
        log_total = np.log(total)
        value = at @ -betaln(p * counts, q) + people.sum() * q * np.log(v)
        value += people @ ((p * x - 1) * log_mean + p * x * log_x - (p * x + q) * log_total)
        in_p = at @ (counts * (psi(p * counts + q) - psi(p * counts))) + (people * x) @ (log_mean + log_x - log_total)
        in_q = at @ (psi(p * counts + q) - psi(q)) + people.sum() * np.log(v) - people @ log_total
        in_v = people.sum() * q / v - people @ ((p * x + q) / total)
        return float(value / people.sum()), np.array([in_p, in_q, in_v]) / people.sum()

    return told


def _correlation(x: Vector, mean: Vector, people: Vector) -> float:
    covariance = np.cov(x, mean, aweights=people, bias=True)
    scale = np.sqrt(covariance[0, 0] * covariance[1, 1])
    return float(covariance[0, 1] / scale) if scale > 0 else float("nan")
