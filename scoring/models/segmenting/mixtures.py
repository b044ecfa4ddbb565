"""Segments as a mixture of normal distributions: a customer may be between two, and how far is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scoring.models.columns import ModelError
from scoring.models.segmenting.numeric_segments import NumericSegments

MOST_ROWS = 20_000_000
"""Weights are repeated rows; more of them than this do not fit in memory."""


class GaussianMixtureSegments(NumericSegments):
    """Gaussian mixture on standardised numeric features, with segment numbers that stay.

    As `KMeansSegments`: segments are numbered by the mean of their first feature, lowest first; the order of rows does not matter; a
    missing value is replaced by the feature's median and counted (`replaced_`, `missing_values`). Scikit-learn's mixture takes no
    weights: a whole number k is k rows, anything else is refused.

    Parameters
    ----------
    n_segments, seed : int
    features : sequence of column names, or None for all columns, which must then all be numbers.
    covariance : "full", "tied", "diag" or "spherical"; tied is one shape for all segments.
    n_init : int, number of starts.
    reg_covar : float, added to the variances (of standardised features), so that none collapses on equal rows.

    Attributes
    ----------
    labels_ : segment of each row at fit. ``features_`` : names used. ``medians_, means_, scales_, replaced_`` : arrays, one entry a
    feature. ``shares_`` : share of the mixture of each segment. ``bic_`` : Bayesian information criterion at fit, lower is better.
    mixture_ : scikit-learn's mixture in standardised units, its components in the order of the segments.

    Examples
    --------
    >>> spent = pd.DataFrame({"spent": [10.0, 12, 11, 13, 90, 95, 92, None]})
    >>> GaussianMixtureSegments(2, features=["spent"]).fit(spent).centres()["spent"].round(1).tolist()
    [11.8, 92.3]
    """

    def __init__(
        self,
        n_segments: int = 5,
        seed: int = 0,
        *,
        features: Sequence[str] | None = None,
        covariance: Literal["full", "tied", "diag", "spherical"] = "full",
        n_init: int = 5,
        reg_covar: float = 1e-6,
    ) -> None:
        self.n_segments = n_segments
        self.seed = seed
        self.features = features
        self.covariance = covariance
        self.n_init = n_init
        self.reg_covar = reg_covar

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: ARG002  (scikit-learn's signature)
        """Standardise, fit the mixture, and number the segments."""
        learned = self._standardise(X, sample_weight)
        people = _whole(learned.people)
        mixture = GaussianMixture(
            self._possible(learned.rows),
            covariance_type=self.covariance,
            n_init=self.n_init,
            reg_covar=self.reg_covar,
            random_state=self.seed,
        )
        rows = np.repeat(learned.rows, people, axis=0)
        with threadpool_limits(1):  # several threads add up in an order of their own
            self.mixture_ = _ordered(mixture.fit(rows))
            self.bic_ = float(self.mixture_.bic(rows))
            self.labels_ = self._found(learned.values)
        self.shares_ = self.mixture_.weights_
        return self

    def predict(self, X: Any) -> NDArray[np.intp]:
        """Return the likeliest segment of each row, from 0."""
        return self._found(self._read(X))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each segment (across) for each row (down)."""
        values = self._read(X)
        probabilities: NDArray[np.float64] = self.mixture_.predict_proba(self._placed(values))
        return probabilities

    def bic(self, X: Any) -> float:
        """Return the Bayesian information criterion of a table; lower is better."""
        values = self._read(X)
        return float(self.mixture_.bic(self._placed(values)))

    def centres(self) -> pd.DataFrame:
        """Return the mean of each feature (across) in each segment (down), in the features' own units."""
        check_is_fitted(self)
        return self._in_own_units(self.mixture_.means_)

    def _found(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        found: NDArray[np.intp] = self.mixture_.predict(self._placed(values)).astype(np.intp)
        return found


def _whole(people: NDArray[np.float64]) -> NDArray[np.intp]:
    counts = np.rint(people).astype(np.intp)
    if not np.array_equal(counts, people):
        raise ModelError("GaussianMixtureSegments: sample_weight has parts of a row. Fix: give whole numbers (k is k rows), or use KMeansSegments.")
    if counts.sum() > MOST_ROWS:
        raise ModelError(f"GaussianMixtureSegments: sample_weight stands for {counts.sum():,} rows. Fix: give at most {MOST_ROWS:,}.")
    return counts


def _ordered(mixture: Any) -> Any:
    """Put the components of a fitted mixture in the order of their means."""
    order = np.lexsort(mixture.means_.T[::-1])
    shapes = () if mixture.covariance_type == "tied" else ("covariances_", "precisions_", "precisions_cholesky_")
    for name in ("weights_", "means_", *shapes):
        setattr(mixture, name, getattr(mixture, name)[order])
    return mixture
