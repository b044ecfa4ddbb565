"""Bins of a score and of features, learned once from those before, and people counted by bin: what the index of stability is made of.

The people are read once, to be counted; whatever is asked afterwards costs the same for a thousand people and for a million. Missing
values are a bin of their own, and so are levels that nobody had before: nobody is left out of a count.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.models.columns import MISSING, UNSEEN, Kind, ModelError, check_levels, codes_among, kind_of, read_levels, read_numbers

__all__ = ["BinnedCounts", "VariableBins", "counted_bins", "learn_bins"]

Floats = NDArray[np.float64]
BINS = 10
"""Deciles, as Siddiqi (2006) has them."""


@dataclass(frozen=True, slots=True)
class VariableBins:
    """The bins of one variable: ranges between edges, or levels, each time followed by ``(missing)`` and ``(unseen)``."""

    name: str
    kind: Kind
    edges: tuple[float, ...] = ()
    """A value equal to an edge is in the range below it."""
    levels: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bins, in their order.

        >>> VariableBins("age", Kind.NUMBER, edges=(30.0, 50.0)).labels
        ('<= 30', '(30, 50]', '> 50', '(missing)', '(unseen)')
        """
        return (*(self.levels if self.kind is Kind.LEVELS else _ranges(self.edges)), MISSING, UNSEEN)

    def codes(self, column: pd.Series[Any]) -> NDArray[np.intp]:
        """Return the bin of each row.

        Raises
        ------
        EquiscoreError
            Text where there were numbers, or an infinite number.
        """
        if self.kind is Kind.LEVELS:
            return codes_among(column, self.levels)
        values = read_numbers(column, self.name)
        return np.where(np.isnan(values), len(self.edges) + 1, np.searchsorted(np.array(self.edges), values, side="left"))


def _ranges(edges: tuple[float, ...]) -> tuple[str, ...]:
    if not edges:
        return ("(any value)",)
    between = [f"({low:.6g}, {high:.6g}]" for low, high in itertools.pairwise(edges)]
    return (f"<= {edges[0]:.6g}", *between, f"> {edges[-1]:.6g}")


def learn_bins(column: pd.Series[Any], name: str, *, bins: int = BINS, weights: Floats | None = None) -> VariableBins:
    """Learn bins from those before: quantiles of numbers, each value where there are few, and levels by name.

    Parameters
    ----------
    column : Series
        Numbers, text, categories, yes/no; missing values are allowed.
    name : str
        What the variable is called.
    bins : int
        About how many ranges of numbers. Equal values stay together, so ties can make fewer.
    weights : array, optional
        How many people each row stands for; rows of weight 0 teach nothing.

    Raises
    ------
    EquiscoreError
        Fewer than two bins asked for, more levels than describe people, infinite numbers.

    Examples
    --------
    >>> learn_bins(pd.Series([1.0, 2, 3, 4, None]), "x", bins=2).edges
    (2.0,)
    >>> learn_bins(pd.Series(["own", "rent", None]), "home").labels
    ('own', 'rent', '(missing)', '(unseen)')
    """
    if bins < 2:
        raise ModelError(f"{name}: {bins} bins cannot show a change. Fix: ask for 2 or more.")
    present = column if weights is None else column[weights > 0]
    if kind_of(present) is Kind.LEVELS:
        levels = read_levels(present).names
        check_levels(levels, name)
        return VariableBins(name, Kind.LEVELS, levels=levels)
    return VariableBins(name, Kind.NUMBER, edges=_edges(read_numbers(present, name), bins, None if weights is None else weights[weights > 0]))


def _edges(values: Floats, bins: int, weights: Floats | None) -> tuple[float, ...]:
    known = ~np.isnan(values)
    values, weights = values[known], None if weights is None else weights[known]
    if not len(values):
        return ()
    wished = np.arange(1, bins) / bins
    edges = np.unique(np.quantile(values, wished, method="inverted_cdf", weights=weights))
    if len(edges) < bins - 1:  # ties: perhaps there are few different values, and each can be a bin
        distinct = np.unique(values)
        edges = distinct[:-1] if len(distinct) <= bins else edges[edges < distinct[-1]]
    return tuple(edges.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class BinnedCounts:
    """People by cell (a group) and bin of one variable, on one side: arrays (cells, bins)."""

    sums: Floats
    """Sums of weights; numbers of rows where there are none."""
    squares: Floats
    """Sums of squared weights; the same as `sums` where a weight is a number of people."""

    @property
    def total(self) -> BinnedCounts:
        """Everybody, as one cell."""
        return BinnedCounts(self.sums.sum(0, keepdims=True), self.squares.sum(0, keepdims=True))


def counted_bins(
    codes: NDArray[np.intp], n_bins: int, cells: NDArray[np.intp], n_cells: int, weights: Floats | None = None, *, squared: bool = False
) -> BinnedCounts:
    """Count people by cell and bin.

    Parameters
    ----------
    codes, cells : arrays (people,)
        The bin and the cell of each.
    n_bins, n_cells : int
        How many there are.
    weights : array (people,), optional
        What each row stands for.
    squared : bool
        The weights are no numbers of people: keep the sums of their squares as well.

    Examples
    --------
    >>> counted_bins(np.array([0, 1, 1]), 2, np.array([0, 0, 1]), 2).sums.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    keys, shape = cells * n_bins + codes, (n_cells, n_bins)
    sums = np.bincount(keys, weights, n_cells * n_bins).astype(np.float64).reshape(shape)
    if weights is None or not squared:
        return BinnedCounts(sums, sums)
    return BinnedCounts(sums, np.bincount(keys, weights**2, n_cells * n_bins).astype(np.float64).reshape(shape))
