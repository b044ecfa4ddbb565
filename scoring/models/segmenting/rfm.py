"""Segments by recency, frequency and monetary value: scores by quantiles or stated cuts, and exclusive named segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from scoring.models.columns import ModelError, names_of, read_weights
from scoring.models.segmenting.quantile_edges import quantile_edges
from scoring.models.segmenting.stated_columns import read_stated
from scoring.segment_rules import Rules, segment_table
from scoring.texts import say
from scoring.vocabulary import UNKNOWN

PARTS = ("recency", "frequency", "monetary")


class RFMSegmenter(TransformerMixin, BaseEstimator):
    """Score customers by recency, frequency and monetary value from 1, the worst, and name the segment of each combination.

    Recency is days since the last purchase: fewer is better. Frequency and monetary value: more is better. Learned cuts are
    existing values and equal values stay together, so heavy ties leave some scores to nobody rather than splitting equals; a score then still
    says which part of the people it is of (with 80 % of frequencies at 1, these score 1 and the others 5). The lowest frequency
    always scores 1. A value on a cut is in the bin above it.

    Parameters
    ----------
    bins : int or one for each dimension, 1 to 10: how many scores.
    cuts : mapping of dimension ("recency", "frequency", "monetary") to rising cuts, used in the place of quantiles.
    recency, frequency, monetary : names of the columns; monetary None for none. A table that has none of the names is read by
        order, and if it has two columns, without monetary value.
    rules, match, rest : the named segments, see `scoring.segment_rules.segment_table`; by default the ten in common use.
    language : "en" or "fr" for the names of the default segments; None for their codes ("champions").

    Attributes
    ----------
    cuts_ : dict of dimension to array of cuts; a learned cut stands several times where ties left no other.
    segments_ : array of the names of the segments, in the order of the rules. ``bins_`` : how many scores each dimension has.
    labels_ : number of each row's segment at fit, its place in `segments_`; -1 for unknown.

    A row with a missing value is in the segment ``(unknown)``, number -1, and its score is NaN where the value is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"recency": [3, 200, 10, 90], "frequency": [9, 1, 1, None], "monetary": [800.0, 20, 25, 50]})
    >>> rfm = RFMSegmenter(cuts={"recency": [7, 30, 60, 120], "frequency": [2, 3, 5, 8], "monetary": [30, 60, 120, 500]}).fit(people)
    >>> rfm.segment(people).tolist()
    ['champions', 'hibernating', 'promising', '(unknown)']
    >>> rfm.transform(people)[0]
    array([5., 5., 5.])
    """

    def __init__(
        self,
        *,
        bins: int | Sequence[int] = 5,
        cuts: Mapping[str, Sequence[float]] | None = None,
        recency: str = "recency",
        frequency: str = "frequency",
        monetary: str | None = "monetary",
        rules: Rules | None = None,
        match: Literal["exclusive", "first"] = "exclusive",
        rest: str | None = None,
        language: str | None = None,
    ) -> None:
        self.bins = bins
        self.cuts = cuts
        self.recency = recency
        self.frequency = frequency
        self.monetary = monetary
        self.rules = rules
        self.match = match
        self.rest = rest
        self.language = language

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: ARG002  (scikit-learn's signature)
        """Take or learn the cuts, and check the rules."""
        values = self._read(X, reset=True)
        self._refuse_ages()
        weights, parts = read_weights(sample_weight, len(values)), PARTS[: values.shape[1]]
        given, bins = _given(self.cuts, parts), _bins(self.bins, len(parts))
        told = zip(parts, values.T, bins, strict=True)
        self.cuts_ = {part: given[part] if part in given else _learned(part, column, weights, number) for part, column, number in told}
        scores = [len(given[part]) + 1 if part in given else number for part, number in zip(parts, bins, strict=True)]
        table = segment_table(scores, self.rules, match=self.match, rest=self.rest)
        self.bins_, self.places_ = table.bins, np.array(table.places)
        self.segments_ = np.array([self._named(name) for name in table.names], dtype=object)
        self.labels_ = self._numbered(values)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the scores: one row a person, one column a dimension, NaN where the value is missing."""
        check_is_fitted(self)
        return self._scores(self._read(X, reset=False))

    def predict(self, X: Any) -> NDArray[np.intp]:
        """Return the number of each person's segment, its place in ``segments_``; -1 where a value is missing."""
        check_is_fitted(self)
        return self._numbered(self._read(X, reset=False))

    def segment(self, X: Any) -> NDArray[Any]:
        """Return the name of each person's segment; ``(unknown)`` where a value is missing."""
        numbers = self.predict(X)
        return np.array([*self.segments_, UNKNOWN], dtype=object)[numbers]

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[np.intp]:
        """Fit, and return the number of the segment of each row."""
        return self.fit(X, y, sample_weight=sample_weight).labels_

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:  # noqa: ARG002  (scikit-learn's signature)
        """Return the names of the scores: recency_score, frequency_score, monetary_score."""
        check_is_fitted(self)
        return np.array([f"{part}_score" for part in self.cuts_], dtype=object)

    def _read(self, X: Any, *, reset: bool) -> NDArray[np.float64]:
        names = [self.recency, self.frequency, *([] if self.monetary is None else [self.monetary])]
        return read_stated(self, X, names, reset=reset, least=2)

    def _refuse_ages(self) -> None:
        """Refuse a table of purchase histories: what is called recency there is the age at the last purchase, of which more is better."""
        if {"T", "recency"} <= set(names_of(self)) and self.recency == "recency":
            raise ModelError(
                "RFMSegmenter: the table has T, so its recency is the age at the last purchase, not the days since. "
                "Fix: give days since (transactions.rfm_table), or leave T out."
            )

    def _scores(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        pairs = zip(self.cuts_.items(), values.T, self.bins_, strict=True)
        return np.stack([_scored(part, cuts, column, number) for (part, cuts), column, number in pairs], axis=1)

    def _numbered(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        scores = self._scores(values)
        known = ~np.isnan(scores).any(axis=1)
        codes = np.ravel_multi_index(tuple(np.where(known, scores.T, 1).astype(np.intp) - 1), self.bins_)
        return np.where(known, self.places_[codes], -1)

    def _named(self, name: str) -> str:
        return say(f"segments.{name}", self.language) if self.language is not None and self.rules is None else name

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _scored(part: str, cuts: NDArray[np.float64], column: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    band = np.searchsorted(cuts, column, side="right")
    return np.where(np.isnan(column), np.nan, number - band if part == "recency" else band + 1.0)


def _learned(part: str, column: NDArray[np.float64], weights: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    known = ~np.isnan(column)
    if not (weights[known] > 0).any():
        raise ModelError(f"RFMSegmenter: nobody has a value of {part}. Fix: give the column, or cuts for it.")
    return quantile_edges(column[known], weights[known], number)


def _bins(bins: int | Sequence[int], parts: int) -> tuple[int, ...]:
    told = (bins,) * parts if isinstance(bins, int) else tuple(bins)
    if len(told) != parts or not all(isinstance(number, int | np.integer) and 1 <= number <= 10 for number in told):
        raise ModelError(f"RFMSegmenter: bins={bins!r}. Fix: give one number for all, or one for each of {parts} dimensions, 1 to 10.")
    return told


def _given(cuts: Mapping[str, Sequence[float]] | None, parts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the stated cuts as arrays."""
    given = {part: np.array(edges, dtype=np.float64) for part, edges in (cuts or {}).items()}
    for part, edges in given.items():
        if part not in parts or edges.ndim != 1 or len(edges) > 9 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
            raise ModelError(f"RFMSegmenter: cuts of {part!r}: {edges.tolist()}. Fix: at most 9 rising numbers for one of {', '.join(parts)}.")
    return given
