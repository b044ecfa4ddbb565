"""What segments by measured features share: the features stated, medians for missing values, standardised distinct rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from scoring.models.columns import ModelError, distinct_rows, names_of, read_table, read_weights
from scoring.models.segmenting.stated_columns import numbers_of


class Standardised(NamedTuple):
    """What segments are learned from: the values of all rows, and the distinct standardised rows of positive weight with their people."""

    values: NDArray[np.float64]
    rows: NDArray[np.float64]
    people: NDArray[np.float64]


class NumericSegments(ClusterMixin, BaseEstimator):
    """Segments by stated numeric features; a child learns them from `_standardise` and finds them for `_placed` rows."""

    n_segments: int
    n_init: int
    features: Sequence[str] | None

    def missing_values(self, X: Any) -> pd.Series:
        """Return how many rows of a table lack each feature, and were segmented by its median instead."""
        return pd.Series(np.isnan(self._read(X)).sum(axis=0), index=list(self.features_), name="replaced")

    def _standardise(self, X: Any, sample_weight: Any) -> Standardised:
        """Read, fill and standardise; sets ``features_``, ``replaced_``, ``medians_``, ``means_`` and ``scales_``."""
        columns = read_table(self, X, reset=True)
        self._check_numbers()
        self.features_ = self._chosen()
        weights = read_weights(sample_weight, len(columns[0]))
        values, present = self._numbers(columns), weights > 0
        if present.sum() < self.n_segments:
            raise ModelError(f"{self._who}: n_samples={present.sum()} cannot make {self.n_segments} segments. Fix: ask for fewer.")
        self.replaced_ = np.isnan(values[present]).sum(axis=0)
        self.medians_ = np.array([self._median(*pair, weights) for pair in zip(self.features_, values.T, strict=True)])
        rows, people = distinct_rows(self._filled(values)[present], weights[present])
        self.means_ = np.average(rows, axis=0, weights=people)
        spread = np.sqrt(np.average((rows - self.means_) ** 2, axis=0, weights=people))
        self.scales_ = np.where(spread > 0, spread, 1.0)
        return Standardised(values, (rows - self.means_) / self.scales_, people)

    def _placed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fill and standardise rows as at fit."""
        placed: NDArray[np.float64] = (self._filled(values) - self.means_) / self.scales_
        return placed

    def _possible(self, rows: NDArray[np.float64]) -> int:
        """Return how many segments distinct rows allow, saying where that is fewer than asked for."""
        n_segments = min(self.n_segments, len(rows))
        if n_segments < self.n_segments:
            warnings.warn(f"Only {n_segments} different rows: as many segments, not {self.n_segments}.", ConvergenceWarning, stacklevel=4)
        return n_segments

    def _in_own_units(self, centres: NDArray[np.float64]) -> pd.DataFrame:
        return pd.DataFrame(centres * self.scales_ + self.means_, columns=list(self.features_)).rename_axis("segment")

    def _read(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        return self._numbers(read_table(self, X, reset=False))

    @property
    def _who(self) -> str:
        return type(self).__name__

    def _check_numbers(self) -> None:
        if self.n_segments < 1 or self.n_init < 1:
            raise ModelError(f"{self._who}: n_segments={self.n_segments!r}, n_init={self.n_init!r}. Fix: give 1 or more of each.")

    def _chosen(self) -> tuple[str, ...]:
        has = names_of(self)
        chosen = has if self.features is None else tuple(self.features)
        if unknown := [name for name in chosen if name not in has]:
            raise ModelError(f"{self._who}: no column {', '.join(map(repr, unknown))} among {', '.join(has)}. Fix: state features that are there.")
        if not chosen or len(set(chosen)) < len(chosen):
            raise ModelError(f"{self._who}: features={self.features!r}. Fix: state at least one, and each once.")
        return chosen

    def _numbers(self, columns: list[pd.Series]) -> NDArray[np.float64]:
        by_name = dict(zip(names_of(self), columns, strict=True))
        return np.stack([numbers_of(self, by_name[name], name) for name in self.features_], axis=1)

    def _filled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(np.isnan(values), self.medians_, values)

    def _median(self, name: str, values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
        known = ~np.isnan(values) & (weights > 0)
        if not known.any():
            raise ModelError(f"{self._who}: nobody has a value of {name!r}. Fix: leave that feature out.")
        return float(np.quantile(values[known], 0.5, weights=weights[known], method="inverted_cdf"))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
