"""Where groups stand in a table with several features, and in which shape a result is handed back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError
from scoring.fairness.frames.grouped import Codes, Feature

Shown = Any
"""A number, a Series or a DataFrame: fairlearn's rule, by whether there is one metric or several and whether there are controls."""


@dataclass(frozen=True, slots=True)
class Layout:
    """All combinations of levels, controls first; arrays of results are (controls, groups, metrics)."""

    controls: tuple[Feature, ...]
    sensitive: tuple[Feature, ...]
    names: tuple[str, ...]
    single: bool
    """Whether the user handed in one metric, not a mapping of some."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many combinations of control levels there are, and of sensitive ones."""
        sizes = [int(np.prod([len(feature.levels) for feature in features])) for features in (self.controls, self.sensitive)]
        return sizes[0], sizes[1]

    @property
    def codes(self) -> Codes:
        """Place of each row among all combinations."""
        features = (*self.controls, *self.sensitive)
        return reduce(lambda codes, feature: codes * len(feature.levels) + feature.codes, features[1:], features[0].codes)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which combinations of sensitive levels are known in every feature."""
        return reduce(lambda held, feature: np.logical_and.outer(held, feature.known).ravel(), self.sensitive, np.ones(1, bool))

    def by_group(self, values: NDArray[Any]) -> Shown:
        """Shape an array (controls, groups, metrics) with a row a combination."""
        frame = pd.DataFrame(values.reshape(-1, len(self.names)), index=_index((*self.controls, *self.sensitive)), columns=list(self.names))
        return frame[self.names[0]] if self.single else frame

    def overall(self, values: NDArray[Any]) -> Shown:
        """Shape an array (controls, metrics): a number or a Series of metrics without controls, otherwise a row a control level."""
        if not self.controls:
            return values[0, 0] if self.single else pd.Series(values[0], index=list(self.names))
        frame = pd.DataFrame(values, index=_index(self.controls), columns=list(self.names))
        return frame[self.names[0]] if self.single else frame


def laid_out(sensitive: Sequence[Feature], controls: Sequence[Feature], names: Sequence[str], *, single: bool) -> Layout:
    """Return the layout of some features.

    Raises
    ------
    EquiscoreError
        No sensitive feature, or a name that stands twice.
    """
    listed = [feature.name for feature in (*sensitive, *controls)]
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if twice:
        raise EquiscoreError(
            f"The feature name {twice[0]!r} stands twice. Fix: rename one; a sensitive and a control feature need names of their own."
        )
    if not sensitive:
        raise EquiscoreError("No sensitive feature. Fix: give at least one column of groups.")
    return Layout(tuple(controls), tuple(sensitive), tuple(names), single)


def _index(features: Sequence[Feature]) -> pd.Index:
    if len(features) == 1:
        return features[0].levels
    return pd.MultiIndex.from_product([feature.levels for feature in features], names=[feature.name for feature in features])


def cells(found: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a value, a Series or a frame as an array of that shape, whatever its cells hold.

    >>> cells(pd.Series([1, 2]), (2, 1)).tolist()
    [[1.0], [2.0]]
    """
    flat = found.to_numpy().ravel() if isinstance(found, (pd.Series, pd.DataFrame)) else [found]
    held = np.empty(len(flat), object)
    held[:] = list(flat)
    return (held.astype(np.float64) if all(np.isscalar(value) for value in held) else held).reshape(shape)


def floats(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return what are numbers, and nan for what are none.

    >>> floats(np.array([0.5, [1, 2]], dtype=object)).tolist()
    [0.5, nan]
    """
    if values.dtype != object:
        return values.astype(np.float64)
    return np.array([value if np.isscalar(value) else np.nan for value in values.ravel()], np.float64).reshape(values.shape)


def of_two(values: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep what was found where at least two groups (controls, groups, metrics) have a value: one alone cannot be compared."""
    return np.where((~np.isnan(values)).sum(axis=1) >= 2, found, np.nan)
