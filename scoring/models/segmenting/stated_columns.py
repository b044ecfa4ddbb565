"""Columns with a meaning (recency, frequency, ...), found by name, or by order where a table does not have the names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.models.columns import Kind, ModelError, kind_of, names_of, read_numbers, read_table


class NotNumbersError(ModelError, TypeError):
    """A column to be measured is text; also a TypeError, as scikit-learn's callers expect."""


def read_stated(estimator: Any, X: Any, names: Sequence[str], *, reset: bool, least: int | None = None) -> NDArray[np.float64]:
    """Read columns that have a meaning as numbers, in the order of `names`.

    Found by name if the table has all of them, by order (the first, the second, ...) if it has none. A table with some of the names
    only is refused: a guess would swap meanings.

    Parameters
    ----------
    least : int, how many of the columns must be there; all by default. A table that is read by order may lack the others.

    Returns
    -------
    array of shape (rows, columns found), NaN for missing.

    Raises
    ------
    ModelError
        Too few columns, some of the names but not all, text, infinite values.
    """
    columns = read_table(estimator, X, reset=reset)
    has = names_of(estimator)
    places = [has.index(name) for name in names] if set(names) <= set(has) else _by_order(estimator, has, names, least or len(names))
    return np.stack([numbers_of(estimator, columns[place], has[place]) for place in places], axis=1)


def _by_order(estimator: Any, has: Sequence[str], names: Sequence[str], least: int) -> list[int]:
    who = type(estimator).__name__
    if here := [name for name in names if name in has]:
        missing = ", ".join(repr(name) for name in names if name not in has)
        raise ModelError(f"{who}: the table has {', '.join(map(repr, here))}, but no column {missing}. Fix: state how each is called there.")
    if len(has) < least:
        raise ModelError(f"{who}: the table has {len(has)} feature(s), but {', '.join(names[:least])} are needed. Fix: give a column for each.")
    return list(range(min(len(has), len(names))))


def numbers_of(estimator: Any, column: pd.Series, name: str) -> NDArray[np.float64]:
    """Read one column as floats with NaN for missing, or say that it is text."""
    known = column.dropna()
    if len(known) and kind_of(column) is Kind.LEVELS and not pd.api.types.is_bool_dtype(column.dtype):
        raise NotNumbersError(
            f"{type(estimator).__name__}: column {name!r} holds {known.iloc[0]!r}, but an argument must be given not as a string but as a number. "
            f"Fix: state the numeric columns in features."
        )
    return read_numbers(column, name)
