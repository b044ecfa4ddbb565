"""Labels and groups held in memory, counted: what stands between a user's arrays and the arithmetic on counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError
from scoring.fairness.frames.metric_names import Reads, Served
from scoring.fairness.metrics import STATES
from scoring.vocabulary import UNKNOWN

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
_STATE: Final = np.array([[STATES.index(name) for name in row] for row in (("tn", "fn", "ru"), ("fp", "tp", "au"))])
"""State by decision (not favourable, favourable) and outcome (bad, good, not observed)."""
_PAIRS: Final = (frozenset({0, 1}), frozenset({-1, 1}))


class Feature(NamedTuple):
    """One way of grouping: a code for each row, into sorted levels; who has no value is at the last, `(unknown)`."""

    name: str
    codes: Codes
    levels: pd.Index

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which levels are memberships that are known."""
        return np.array([not (isinstance(level, str) and level == UNKNOWN) for level in self.levels], bool)


class Grouped(NamedTuple):
    """Counts (controls, groups, 6 states)."""

    people: Floats
    weight: Floats
    weight_squared: Floats | None


def features_of(given: Any, base: str, rows: int) -> list[Feature]:
    """Return the features of an array, a list, a Series, a DataFrame or a mapping of columns; nameless ones are numbered.

    Parameters
    ----------
    given
        One value a row, for one feature or several.
    base
        Start of the names of those without one: `sensitive_feature_`, `control_feature_`.
    rows
        How many rows there are to be.

    Raises
    ------
    EquiscoreError
        A name that is no text or stands twice, a length that differs, more than two dimensions.

    Examples
    --------
    >>> [feature] = features_of(["b", None, "a"], "sensitive_feature_", 3)
    >>> feature.name, feature.codes.tolist(), list(feature.levels)
    ('sensitive_feature_0', [1, 2, 0], ['a', 'b', '(unknown)'])
    """
    columns = _columns(given, base)
    for name, values in columns:
        if not isinstance(name, str):
            raise EquiscoreError(f"{base}: the name {name!r} is no text. Fix: name the column by text.")
        if len(values) != rows:
            raise EquiscoreError(f"{name}: {len(values):,} values for {rows:,} rows. Fix: give one value a row.")
    return [_feature(name, values) for name, values in columns]


def _columns(given: Any, base: str) -> list[tuple[Any, Any]]:
    if hasattr(given, "to_pandas"):  # polars and Arrow
        given = given.to_pandas()
    if isinstance(given, pd.Series):
        return [(f"{base}0" if given.name is None else given.name, given)]
    if isinstance(given, pd.DataFrame):
        return [(given.columns[i], given.iloc[:, i]) for i in range(given.shape[1])]
    if isinstance(given, Mapping):
        return [(name, pd.Series(values).reset_index(drop=True)) for name, values in given.items()]
    if isinstance(given, Sequence) and not all(pd.api.types.is_scalar(value) for value in given):
        given = np.array(given, dtype=object)
    values = given if isinstance(given, Sequence) else np.squeeze(np.asarray(given))
    if isinstance(values, Sequence) or values.ndim == 1:
        return [(f"{base}0", pd.Series(values))]
    if values.ndim != 2:
        raise EquiscoreError(f"{base}: an array of {values.ndim} dimensions. Fix: give one column a feature.")
    return [(f"{base}{i}", pd.Series(column).infer_objects()) for i, column in enumerate(values.T)]


def _feature(name: str, values: pd.Series[Any]) -> Feature:
    codes, levels = _factorized(values)
    missing = codes < 0
    if not missing.any():
        return Feature(name, codes, levels.rename(name))
    kept = list(levels)
    if UNKNOWN in kept:  # somebody wrote it out: the same people
        return Feature(name, np.where(missing, kept.index(UNKNOWN), codes), levels.rename(name))
    return Feature(name, np.where(missing, len(kept), codes), pd.Index([*kept, UNKNOWN], name=name))


def _factorized(values: pd.Series[Any]) -> tuple[Codes, pd.Index]:
    """Encode in the order of the sorted levels that occur, whatever the order of a category; -1 where there is no value."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        codes, levels = pd.factorize(values, sort=True)
        return codes.astype(np.int64), pd.Index(levels)
    held = values.cat.codes.to_numpy()
    used = np.unique(held[held >= 0])
    places, levels = pd.factorize(values.cat.categories[used], sort=True)
    place = np.full(len(values.cat.categories) + 1, -1, np.int64)  # the last entry is that of code -1
    place[used] = places
    return place[held], pd.Index(levels)


def labels_of(given: ArrayLike, name: str, rows: int | None = None) -> NDArray[Any]:
    """Return labels as an array of one dimension.

    >>> labels_of([[0], [1]], "y_true").tolist()
    [0, 1]
    """
    values = np.asarray(given)
    values = np.squeeze(values) if values.size > 1 else values.reshape(-1)
    if rows is not None and len(values) != rows:
        raise EquiscoreError(f"{name}: {len(values):,} values for {rows:,} rows. Fix: give one value a row.")
    return values


def states_of(y_true: NDArray[Any], y_pred: NDArray[Any], served: Served) -> Codes:
    """Return the state of each row, for what a measure reads of it.

    An outcome that is missing is not observed; a decision that is missing is refused. The favourable label is named, or the
    labels are 0 and 1, -1 and 1, or booleans: nothing guesses it.

    Raises
    ------
    EquiscoreError
        Labels that need a `pos_label`, one that does not occur, more than two labels, a decision without a value.

    Examples
    --------
    >>> counted = Served(None, Reads.BOTH)
    >>> [STATES[i] for i in states_of(np.array([1, 0, np.nan]), np.array([1, 0, 1]), counted)]
    ['tp', 'tn', 'au']
    """
    if served.reads is Reads.PEOPLE:
        return np.zeros(len(y_pred), np.int64)
    unseen = _missing(y_true) if served.reads is not Reads.DECISION else np.ones(len(y_pred), bool)
    if _missing(y_pred).any():
        raise EquiscoreError("y_pred: some rows have no value. Fix: leave out who was not decided upon, or say what was decided.")
    if served.reads is Reads.AGREEMENT:
        agree = np.asarray(y_true == y_pred)
        return np.where(unseen, STATES.index("au"), np.where(agree, STATES.index("tp"), STATES.index("fn"))).astype(np.int64)
    labels = set(_distinct(y_pred))
    if served.reads is Reads.BOTH:
        labels |= set(_distinct(y_true[~unseen]))
    favourable = _favourable(labels, served)
    decided = np.asarray(y_pred == favourable).astype(np.int64)
    outcome = np.full(len(y_pred), 2) if served.reads is Reads.DECISION else np.where(unseen, 2, (y_true == favourable).astype(np.int64))
    return np.asarray(_STATE[decided, outcome])


def _favourable(labels: set[Any], served: Served) -> Any:
    usual = any(labels <= pair for pair in _PAIRS)
    shown = ", ".join(map(repr, sorted(labels, key=str)[:6]))
    label = served.pos_label
    if label is None:
        if not usual:
            raise EquiscoreError(
                f"The labels are {shown}, and which one is favourable is not said. "
                "Fix: give pos_label, or functools.partial(metric, pos_label=...); nothing guesses it."
            )
        return 1
    if label not in labels and not (usual and any(labels | {label} <= pair for pair in _PAIRS)):
        raise EquiscoreError(f"pos_label {label!r} does not occur; the labels are {shown}. Fix: give one that does.")
    if served.reads is Reads.BOTH and len(labels | {label}) > 2:
        raise EquiscoreError(f"The labels are {shown}: more than two. Fix: make them favourable or not, or pass a function of your own.")
    return label


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.zeros(len(values), bool) if values.dtype.kind in "biuUS" else np.asarray(pd.isna(values))


def _distinct(values: NDArray[Any]) -> list[Any]:
    return list(pd.unique(values if values.dtype.kind not in "US" else values.astype(object)))


def counted(codes: Codes, shape: tuple[int, int], states: Codes, weight: ArrayLike | None) -> Grouped:
    """Count the rows by group and state.

    Parameters
    ----------
    codes
        Group of each row, controls first.
    shape
        How many controls and groups there are.
    states
        State of each row.
    weight
        Of each row; none counts people.

    Raises
    ------
    EquiscoreError
        A weight that is negative or no number.

    Examples
    --------
    >>> counted(np.array([0, 0, 1]), (1, 2), np.array([0, 3, 0]), None).people[0].tolist()
    [[1.0, 0.0, 0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    cells = codes * len(STATES) + states
    size = shape[0] * shape[1] * len(STATES)
    people = np.bincount(cells, minlength=size).astype(np.float64).reshape(*shape, len(STATES))
    if weight is None:
        return Grouped(people, people, None)
    w = labels_of(weight, "sample_weight", len(codes)).astype(np.float64)
    if not (w >= 0).all():
        raise EquiscoreError("sample_weight: some are negative or no number. Fix: give weights of 0 or more.")
    first, second = (np.bincount(cells, weights=power, minlength=size).astype(np.float64).reshape(people.shape) for power in (w, w * w))
    return Grouped(people, first, second)
