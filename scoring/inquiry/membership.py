"""Who is in which group, as arrays: the levels of an attribute and the level of each person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError
from scoring.fairness.labels import as_text, texts
from scoring.vocabulary import UNKNOWN, WeightMeaning

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Membership:
    """One attribute: its levels that somebody has, and the level of each person, -1 where it is not known."""

    attribute: str
    levels: tuple[str, ...]
    codes: NDArray[np.intp]


def memberships(groups: Any, n_rows: int, attribute: str | None = None) -> Iterator[Membership]:
    """Read one attribute (a Series or array) or several (a frame, a column each), by position.

    Levels are texts in the order of the alphabet, or in the order of a categorical column. A missing value, blanks and
    ``(unknown)`` are not known.

    Raises
    ------
    EquiscoreError
        Not one entry a person.

    Examples
    --------
    >>> found = next(memberships(pd.Series(["F", None, "M", "(unknown)"], name="sex"), 4))
    >>> found.attribute, found.levels, found.codes.tolist()
    ('sex', ('F', 'M'), [0, -1, 1, -1])
    """
    if isinstance(groups, pd.DataFrame):
        for name in groups.columns:
            yield _read(groups[name], n_rows, str(name))
        return
    column = groups if isinstance(groups, pd.Series) else pd.Series(np.asarray(groups))
    yield _read(column, n_rows, attribute or ("group" if column.name is None else str(column.name)))


def _read(column: pd.Series[Any], n_rows: int, attribute: str) -> Membership:
    if len(column) != n_rows:
        raise EquiscoreError(f"{attribute}: {len(column)} entries for {n_rows} people. Fix: give the group of each person, in the order of the rows.")
    named = _ordered(column) if isinstance(column.dtype, pd.CategoricalDtype) else texts(column)
    there = named.cat.remove_unused_categories()
    there = there.cat.remove_categories([UNKNOWN]) if UNKNOWN in there.cat.categories else there
    return Membership(attribute, tuple(there.cat.categories), there.cat.codes.to_numpy().astype(np.intp))


def _ordered(column: pd.Series[Any]) -> pd.Series[Any]:
    """Write categories as text, in the order they have; one level that is written like another is the same."""
    written = pd.Series([as_text(level).strip() for level in column.cat.categories], dtype=object)
    names = list(dict.fromkeys(name for name in written if name))
    places = np.array([*(names.index(name) if name else -1 for name in written), -1], np.int64)
    return pd.Series(pd.Categorical.from_codes(places[column.cat.codes], pd.Index(names, dtype=object)))


def read_weights(weights: ArrayLike | None, n_rows: int) -> Floats:
    """Read one finite weight of 0 or more a person; one each where none are given.

    Raises
    ------
    EquiscoreError
        Another number of weights, or one that is none.
    """
    if weights is None:
        return np.ones(n_rows)
    read = np.ravel(np.asarray(weights, dtype=np.float64))
    if len(read) != n_rows or not (np.isfinite(read) & (read >= 0)).all():
        raise EquiscoreError(f"weights: {len(read)} for {n_rows} people, or some are no weight. Fix: give each a finite number of 0 or more.")
    return read


def spread_weights(weights: Floats, meaning: WeightMeaning) -> Floats:
    """Return what stands before the squared deviation of each person: w where a row is w people, otherwise w squared (linearisation)."""
    return weights if meaning is WeightMeaning.COUNT else weights**2
