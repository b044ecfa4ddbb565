"""Features as trees and tables of rates read them: numbers with nan for missing, levels by number, and equal-sized bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError
from scoring.models.columns import Kind, as_table, kind_of, read_levels, read_numbers

Floats = NDArray[np.float64]

MOST_LEVELS: Final = 254
"""Levels kept by name, the commonest; the rest are one more level. Scikit-learn's boosting holds 255 categories."""
LEAST_IN_BIN: Final = 50
"""Mean people in a bin of numbers for a rate by bin; our choice."""
MOST_BINS: Final = 64
"""More bins of numbers than these tell no more; our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Features in numbers: ``values`` (people, features), which columns are levels, and which are the same for everybody."""

    names: tuple[str, ...]
    values: Floats
    levels: NDArray[np.bool_]
    order: NDArray[np.intp]
    """The place of each person when all are sorted by what they hold; those who hold the same have the same."""

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Which features do not vary, missing counting as a value."""
        missing = np.isnan(self.values)
        with_value = np.where(missing, -np.inf, self.values)
        return np.asarray((with_value == with_value[:1]).all(axis=0))

    def rows(self, chosen: NDArray[np.intp]) -> Encoded:
        """Return some of the people."""
        return Encoded(self.names, self.values[chosen], self.levels, self.order[chosen])

    def bins(self) -> NDArray[np.intp]:
        """Return the bin of each person and feature."""
        return np.stack([bins_of(self.values[:, j], levels=bool(self.levels[j])) for j in range(len(self.names))], axis=1)


def encoded(features: Any) -> Encoded:
    """Read a table of features: numbers as they are, everything else by level.

    >>> found = encoded(pd.DataFrame({"home": ["own", None, "rent"], "age": [30, 40, None]}))
    >>> found.values.tolist(), found.levels.tolist()
    ([[0.0, 30.0], [nan, 40.0], [1.0, nan]], [True, False])

    Raises
    ------
    EquiscoreError
        No column, two of one name, or a column that is neither numbers nor levels.
    """
    table = as_table(features)
    table = table if isinstance(table, pd.DataFrame) else pd.DataFrame(np.asarray(table)).rename(columns="x{}".format)
    if not table.shape[1] or not table.columns.is_unique:
        raise EquiscoreError(f"features: {table.shape[1]} columns, or two of one name. Fix: give at least one, each with a name of its own.")
    pairs = [_numbered(table[name], str(name)) for name in table.columns]
    values = np.stack([values for values, _ in pairs], axis=1)
    return Encoded(tuple(map(str, table.columns)), values, np.array([levels for _, levels in pairs]), _order(values))


def _order(values: Floats) -> NDArray[np.intp]:
    order = np.lexsort(values.T)
    moved = np.where(np.isnan(values), np.inf, values)[order]
    new = np.concatenate([[False], (moved[1:] != moved[:-1]).any(axis=1)])[: len(values)]
    place = np.empty(len(values), np.intp)
    place[order] = np.cumsum(new)
    return place


def _numbered(column: pd.Series[Any], name: str) -> tuple[Floats, bool]:
    if kind_of(column) is Kind.NUMBER:
        return read_numbers(column, name), False
    found = read_levels(column)
    codes = _commonest(found.codes, len(found.names))
    return np.where(codes < 0, np.nan, codes.astype(np.float64)), True


def _commonest(codes: NDArray[np.intp], n_levels: int) -> NDArray[np.intp]:
    """Join all but the `MOST_LEVELS` commonest levels; of equals the first by name stays."""
    if n_levels <= MOST_LEVELS:
        return codes
    people = np.bincount(codes[codes >= 0], minlength=n_levels)
    place = np.empty(n_levels, np.intp)
    place[np.argsort(-people, kind="stable")] = np.arange(n_levels)
    return np.where(codes < 0, codes, np.minimum(place[codes], MOST_LEVELS))


def bins_of(values: Floats, *, levels: bool) -> NDArray[np.intp]:
    """Return a bin for each person: of levels the level, of numbers about equal shares of the people; missing is a bin of its own, 0.

    >>> bins_of(np.array([3.0, np.nan, 7.0]), levels=True).tolist()
    [1, 0, 2]
    """
    known = ~np.isnan(values)
    bins = np.zeros(len(values), np.intp)
    wanted = max(2, min(MOST_BINS, int(known.sum()) // LEAST_IN_BIN))
    distinct = np.unique(values[known])
    if levels or len(distinct) <= wanted:
        bins[known] = np.searchsorted(distinct, values[known]) + 1
    else:
        edges = np.unique(np.quantile(values[known], np.arange(1, wanted) / wanted, method="inverted_cdf"))
        bins[known] = np.searchsorted(edges, values[known], side="left") + 1
    return bins
