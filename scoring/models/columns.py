"""Columns as a model reads them: numbers with NaN for missing, or levels by name. Anything else is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, validate_data

from scoring.errors import EquiscoreError

MISSING = "(missing)"
"""The bin of those without a value. The text itself, found in the data, is read as a missing value."""
UNSEEN = "(unseen)"
"""The bin of those with a level that nobody had when the model was fitted."""
MAX_LEVELS = 255
"""More levels than this name people rather than describe them; also what scikit-learn's boosting can hold."""

_NUMBER_OBJECTS = frozenset({"integer", "floating", "mixed-integer-float", "decimal"})
_TRUTH = {"0": "False", "0.0": "False", "1": "True", "1.0": "True"}


class ModelError(EquiscoreError, ValueError):
    """A model cannot be fitted, applied or read; also a ValueError, as scikit-learn's callers expect."""


class Kind(StrEnum):
    """How a column is read."""

    NUMBER = "number"
    """Ordered; cut into ranges."""
    LEVELS = "levels"
    """Named levels without order: text, categories, yes or no."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of one column by name, and which of them each row has (-1: missing)."""

    names: tuple[str, ...]
    codes: NDArray[np.intp]


# -- the table ---------------------------------------------------------------------------------------------------------------------


def as_table(X: Any) -> Any:
    """Turn frames of other libraries (polars, Arrow) into pandas; leave everything else as it is."""
    return X.to_pandas() if hasattr(X, "to_pandas") and not isinstance(X, pd.DataFrame) else X


def read_table(estimator: Any, X: Any, *, reset: bool) -> list[pd.Series]:
    """Check a table by scikit-learn's rules (names, number of columns, shape) and hand out its columns, without copy where possible."""
    X = as_table(X)
    if isinstance(X, pd.DataFrame):
        _check_frame(estimator, X)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return [_plain(X.iloc[:, j]) for j in range(X.shape[1])]
    values = validate_data(estimator, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
    return [pd.Series(values[:, j]) for j in range(values.shape[1])]


def names_of(estimator: Any) -> tuple[str, ...]:
    """Return the names of the columns an estimator was fitted on; x0, x1, ... where they had none."""
    return tuple(getattr(estimator, "feature_names_in_", [f"x{j}" for j in range(estimator.n_features_in_)]))


def _check_frame(estimator: Any, X: pd.DataFrame) -> None:
    """Refuse an empty frame, and two columns of one name: nobody could read their points table."""
    if X.empty:
        raise ModelError(f"{_who(estimator)}: the table has {X.shape[0]} rows and {X.shape[1]} columns. Fix: give at least one of each.")
    if not X.columns.is_unique:
        twice = sorted({str(name) for name in X.columns[X.columns.duplicated()]})
        raise ModelError(f"{_who(estimator)}: several columns are named {', '.join(twice)}. Fix: give each column a name of its own.")


def _who(estimator: Any) -> str:
    return type(estimator).__name__


def _plain(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.SparseDtype):
        raise ModelError(f"Column {column.name!r} is sparse. Fix: give it dense (column.sparse.to_dense()).")
    return column


# -- one column --------------------------------------------------------------------------------------------------------------------


def kind_of(column: pd.Series) -> Kind:
    """Say how a column is to be read. Yes/no is levels; an object column is numbers only if all its values are.

    >>> kind_of(pd.Series([1, None, 3], dtype="Int64")).value, kind_of(pd.Series(["a", None])).value
    ('number', 'levels')
    """
    if pd.api.types.is_bool_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype):
        return Kind.LEVELS
    if pd.api.types.is_complex_dtype(column.dtype):
        raise ModelError(f"Complex data not supported: column {column.name!r}. Fix: give its real parts as columns.")
    if pd.api.types.is_numeric_dtype(column.dtype):
        return Kind.NUMBER
    held = pd.api.types.infer_dtype(column, skipna=True)
    if held.startswith(("date", "time", "period", "interval", "complex")):
        raise ModelError(f"Column {column.name!r} holds {held} values, which are neither numbers nor levels. Fix: make it a number (days since ...).")
    return Kind.NUMBER if held in _NUMBER_OBJECTS else Kind.LEVELS


def read_numbers(column: pd.Series, name: str) -> NDArray[np.float64]:
    """Read a column as floats with NaN for missing. Text where numbers were promised is an error, never a silent NaN."""
    plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb"
    values = column.to_numpy(dtype=np.float64) if plain else _converted(column, name)
    if np.isinf(values).any():
        raise ModelError(f"Input X contains infinity in column {name!r}. Fix: give a finite number, or leave it missing.")
    return values


def _converted(column: pd.Series, name: str) -> NDArray[np.float64]:
    values = np.full(len(column), np.nan)
    known = column.notna().to_numpy()
    if known.any() and kind_of(column) is Kind.LEVELS and not pd.api.types.is_bool_dtype(column.dtype):
        example = column[known].iloc[0]
        raise ModelError(f"Column {name!r} held numbers when the model was fitted and now holds {example!r}. Fix: give numbers, or leave it missing.")
    values[known] = column[known].astype(np.float64)
    return values


def read_levels(column: pd.Series) -> Levels:
    """Read a column as named levels, in order of name; whole numbers read alike however they are stored (1, 1.0, "1").

    >>> read_levels(pd.Series(["b", None, "a"]))
    Levels(names=('a', 'b'), codes=array([ 1, -1,  0]))
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(np.intp), column.cat.categories
    else:
        codes, values = _factorized(column)
    names = [level_name(value) for value in values]
    present = np.bincount(codes[codes >= 0], minlength=len(names)) > 0
    kept = sorted({name for name, there in zip(names, present, strict=True) if there and name != MISSING})
    place = {name: i for i, name in enumerate(kept)}
    lookup = np.array([*(place.get(name, -1) for name in names), -1], dtype=np.intp)
    return Levels(tuple(kept), lookup[codes])


def _factorized(column: pd.Series) -> tuple[NDArray[np.intp], pd.Index]:
    try:
        codes, values = pd.factorize(column)
    except TypeError:  # a value that cannot be hashed, such as a dict: its text is its name
        codes, values = pd.factorize(column.map(str, na_action="ignore"))
    return codes.astype(np.intp), pd.Index(values)


def level_name(value: object) -> str:
    """Name a level: text as it is, whole numbers without a decimal point, truth values as words.

    >>> level_name(1.0), level_name(True), level_name("own"), level_name(2.5)
    ('1', 'True', 'own', '2.5')
    """
    if isinstance(value, int | float | np.number) and not isinstance(value, bool) and float(value).is_integer():
        return str(int(value))
    return str(value)


def codes_among(column: pd.Series, known: Sequence[str]) -> NDArray[np.intp]:
    """Place each row among the known levels; ``len(known)`` is missing, ``len(known) + 1`` a level never seen.

    Where the known levels are True and False, 1 and 0 are read as these: a file loses the difference easily.

    >>> codes_among(pd.Series(["b", None, "z"]), ["a", "b"])
    array([1, 2, 3])
    """
    found = read_levels(column)
    place = {name: i for i, name in enumerate(known)}
    places = [place.get(name, place.get(_TRUTH.get(name, name), len(known) + 1)) for name in found.names]
    return np.array([*places, len(known)], dtype=np.intp)[found.codes]


def check_levels(names: Sequence[str], column: str) -> None:
    """Refuse a column whose levels are too many to describe people, or bear a reserved name."""
    if len(names) > MAX_LEVELS:
        raise ModelError(
            f"Column {column!r} has {len(names)} levels, more than {MAX_LEVELS}: it names people or places one by one. "
            f'Fix: leave it out, or group its levels (scorecard: cuts={{"{column}": [[...], ["(others)"]]}}).'
        )
    if UNSEEN in names:
        raise ModelError(f"Column {column!r} has a level {UNSEEN!r}, a reserved name. Fix: rename that level.")


# -- target and weights ------------------------------------------------------------------------------------------------------------


def read_target(estimator: Any, y: Any, n_rows: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Read a target of two classes: the classes in order, and the class number of each row."""
    if y is None:
        raise ModelError(f"This {_who(estimator)} estimator requires y to be passed, but the target y is None. Fix: pass y.")
    y = column_or_1d(_without_extension(y), warn=True)
    assert_all_finite(y, estimator_name=_who(estimator), input_name="y")
    if len(y) != n_rows:
        check_consistent_length(np.empty(n_rows), y)
    check_classification_targets(y)
    if (found := type_of_target(y, input_name="y", raise_unknown=True)) != "binary":
        raise ModelError(f"Only binary classification is supported. The type of the target is {found}. Fix: give a target of two classes.")
    classes, numbers = np.unique(y, return_inverse=True)
    return classes, numbers


def _without_extension(y: Any) -> Any:
    """Nullable pandas types to plain ones; a missing outcome is named as what it is: not observed."""
    if not isinstance(y, pd.Series):
        return y
    if missing := int(y.isna().sum()):
        said = f"the outcome of {missing} of {len(y)} rows is missing"
        raise ModelError(f"Input y contains NaN: {said}. Fix: fit on the rows that have one (cross_fit does).")
    return np.array(y.tolist())


def read_favourable(classes: NDArray[Any], favourable: object) -> Any:
    """Return the favourable class: the one named, or by default the second (scikit-learn's positive class)."""
    if favourable is None:
        return classes[-1]
    found = [known for known in classes if known == favourable]
    if not found:
        raise ModelError(f"The favourable class {favourable!r} is not in the target, which has {list(classes)}. Fix: name one of these.")
    return found[0]


def read_weights(sample_weight: Any, n_rows: int) -> NDArray[np.float64]:
    """Read weights as floats: not negative, not all zero; one each where none are given."""
    weights: NDArray[np.float64] = _check_sample_weight(sample_weight, np.empty((n_rows, 1)), dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ModelError("All sample_weight are zero: nobody is left to learn from. Fix: give at least one positive weight.")
    return weights


def check_two_classes(numbers: NDArray[np.intp]) -> None:
    """Refuse a target of which only one class has weight: there is nothing to tell apart."""
    if len(np.unique(numbers)) < 2:
        raise ModelError("Only one class is present among the rows of positive weight. Fix: give rows of both classes.")


def check_known(columns: Sequence[pd.Series], names: Sequence[str], present: NDArray[np.bool_]) -> None:
    """Refuse columns without a single value among the rows of positive weight; all of them are named at once."""
    empty = [name for name, column in zip(names, columns, strict=True) if not (column.notna().to_numpy() & present).any()]
    if empty:
        said = f"Column {empty[0]!r} has" if len(empty) == 1 else f"Columns {', '.join(map(repr, empty))} have"
        raise ModelError(f"{said} no value in any of {int(present.sum())} rows. Fix: leave out what is empty, or bring rows that have it.")


def distinct_rows(matrix: NDArray[Any], weights: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Count equal rows together, in sorted order: neither the order of the rows nor their repetition can then change a fit.

    >>> distinct_rows(np.array([[2, 1], [0, 3], [2, 1]]), np.ones(3))
    (array([[0, 3], [2, 1]]), array([1., 2.]))
    """
    ties = () if (weights == np.rint(weights)).all() else (weights,)  # whole numbers add up alike in any order
    order = np.lexsort((*ties, *matrix.T[::-1]))
    ordered = matrix[order]
    first = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    return ordered[first], np.add.reduceat(weights[order], np.flatnonzero(first))
