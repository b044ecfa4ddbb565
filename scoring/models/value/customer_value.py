"""How often customers will buy again, by the BG/NBD model, from three numbers of each."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from scoring.models.columns import ModelError, distinct_rows, read_weights
from scoring.models.segmenting.stated_columns import read_stated
from scoring.models.value import bg_nbd
from scoring.models.value.bg_nbd import Histories, Parameters
from scoring.models.value.maximum_likelihood import maximise

Vector = NDArray[np.float64]
ROUGH_ROWS = 4000
"""So many distinct histories choose among the starts; all of them are read for the last climb."""
STARTS = tuple((r, a, b) for r in (0.3, 2.0) for a, b in ((0.5, 2.0), (0.2, 4.0), (2.0, 8.0)))


class BGNBD(BaseEstimator):
    """Beta-geometric/NBD model of repeat buying without a contract (Fader, Hardie & Lee 2005, Marketing Science 24(2), 275-284).

    Buying rates vary among customers as Gamma(r, alpha), the probability of leaving after a purchase as Beta(a, b). Fitted by maximum
    likelihood. A row of weight k is k customers; neither the order of the rows nor their repetition changes the fit.

    Parameters
    ----------
    frequency, recency, age : names of the columns: repeat purchases (days with a purchase but the first), age at the last purchase, age now;
        both ages since the first purchase, in one unit of time. A table that has none of the names is read by order.
        `transactions.purchase_histories` makes the columns. The recency of RFM, days *since* the last purchase, is another number.
    horizon : float, the time ahead of `predict`, in the same unit.

    Attributes
    ----------
    r_, alpha_, a_, b_ : float. alpha is in units of time. ``standard_errors_`` : dict by these names; nan where the data do not tell.
    log_likelihood_ : float. ``n_customers_`` : float, sum of the weights.

    Raises
    ------
    ModelError
        Missing values, negative numbers, a last purchase after the age, repeat purchases without a time or a time without repeat purchases,
        nobody with a repeat purchase.

    Examples
    --------
    The published CDNOW parameters (time in weeks); a customer of two repeat purchases, and one without any:

    >>> model = BGNBD()
    >>> model.n_features_in_, model.r_, model.alpha_, model.a_, model.b_ = 3, 0.243, 4.414, 0.793, 2.426
    >>> model.expected_purchases([[2, 30.43, 38.86], [0, 0, 38.86]], 39).round(3)
    array([1.226, 0.195])
    >>> model.probability_alive([[2, 30.43, 38.86], [0, 0, 38.86]]).round(3)
    array([0.727, 1.   ])
    """

    def __init__(self, *, frequency: str = "frequency", recency: str = "recency", age: str = "T", horizon: float = 1.0) -> None:
        self.frequency = frequency
        self.recency = recency
        self.age = age
        self.horizon = horizon

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: ARG002  (scikit-learn's signature)
        """Find the parameters of the highest likelihood."""
        values = self._read(X, reset=True)
        weights = read_weights(sample_weight, len(values))
        rows, people = distinct_rows(values[weights > 0], weights[weights > 0])
        if not rows[:, 0].any():
            raise ModelError("BGNBD: nobody has a repeat purchase, so nothing tells how often people buy. Fix: give a longer period.")
        unit = float(rows[:, 2].max())  # days or weeks: the same path to the same maximum
        known, some = _histories(rows, people), slice(None, None, -(-len(rows) // ROUGH_ROWS))
        rough = None if len(rows) <= ROUGH_ROWS else _likelihood(_histories(rows[some], people[some]), unit)
        found = maximise(_likelihood(known, unit), _starts(rows, people, unit), people=people.sum(), rough=rough)
        self.r_, self.alpha_, self.a_, self.b_ = (found.parameters * [1, unit, 1, 1]).tolist()
        names = ("r", "alpha", "a", "b")
        self.standard_errors_ = dict(zip(names, (found.standard_errors * [1, unit, 1, 1]).tolist(), strict=True))
        self.log_likelihood_ = float(people @ bg_nbd.log_likelihoods(self.parameters, known))
        self.n_customers_ = float(people.sum())
        return self

    @property
    def parameters(self) -> Parameters:
        """The four parameters."""
        check_is_fitted(self)
        return Parameters(self.r_, self.alpha_, self.a_, self.b_)

    def predict(self, X: Any) -> Vector:
        """Return the expected number of purchases of each customer within `horizon`."""
        return self.expected_purchases(X, self.horizon)

    def expected_purchases(self, X: Any, horizon: ArrayLike) -> Vector:
        """Return the expected number of purchases of each customer in the time ahead (eq. 10); `horizon` is one number or one a row."""
        parameters, values = self.parameters, self._read(X, reset=False)
        x, t_x, T = values.T
        return bg_nbd.expected_purchases(parameters, x, t_x, T, _ahead(horizon))

    def expected_purchases_new(self, horizon: ArrayLike) -> Vector:
        """Return the expected number of repeat purchases of a customer who has just bought for the first time (eq. 9), by `horizon`."""
        parameters, ahead = self.parameters, _ahead(horizon)
        nothing = np.zeros(ahead.shape)
        return bg_nbd.expected_purchases(parameters, nothing, nothing, nothing, ahead)

    def probability_alive(self, X: Any) -> Vector:
        """Return the probability that each customer has not left; 1 without a repeat purchase, as nobody leaves before one."""
        parameters, values = self.parameters, self._read(X, reset=False)
        return bg_nbd.probability_alive(parameters, *values.T)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # noqa: ARG002  (scikit-learn's signature)
        """Return the mean log-likelihood of customers, which cross-validation may compare."""
        parameters, values = self.parameters, self._read(X, reset=False)
        weights = read_weights(sample_weight, len(values))
        return float(np.average(bg_nbd.log_likelihoods(parameters, _histories(values, weights)), weights=weights))

    def _read(self, X: Any, *, reset: bool) -> NDArray[np.float64]:
        return self._checked(read_stated(self, X, (self.frequency, self.recency, self.age), reset=reset))

    def _checked(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Refuse what is no history of purchases, whatever of it."""
        x, t_x, T = values.T
        faults = {
            "hold NaN (missing values)": np.isnan(values).any(axis=1),
            "have negative numbers": (values < 0).any(axis=1),
            "have a last purchase after their age": t_x > T,
            "have repeat purchases, but none after the first day, or the reverse": (x > 0) != (t_x > 0),
        }
        if told := [f"{rows.sum()} rows {what}" for what, rows in faults.items() if rows.any()]:
            raise ModelError(f"BGNBD: {'; '.join(told)}. Fix: give repeat purchases, age at the last one and age (transactions.purchase_histories).")
        return values


def _histories(rows: NDArray[np.float64], people: Vector) -> Histories:
    return Histories.of(rows[:, 0], rows[:, 1], rows[:, 2], people)


def _likelihood(known: Histories, unit: float) -> Any:
    scaled = known._replace(t_x=known.t_x / unit, T=known.T / unit)
    return lambda parameters: bg_nbd.mean_log_likelihood(parameters, scaled)


def _starts(rows: NDArray[np.float64], people: Vector, unit: float) -> list[tuple[float, float, float, float]]:
    """Return starts whose mean buying rate is that of the customers."""
    mean_rate = float(people @ rows[:, 0] / (people @ rows[:, 2])) * unit
    return [(r, r / mean_rate, a, b) for r, a, b in STARTS]


def _ahead(horizon: ArrayLike) -> Vector:
    ahead = np.asarray(horizon, dtype=np.float64)
    if not (np.isfinite(ahead) & (ahead >= 0)).all():
        raise ModelError(f"BGNBD: horizon={horizon!r}. Fix: give a finite time ahead, 0 or more.")
    return ahead
