"""Sums of probabilities by level, cell and state, as arrays, and cells merged until chance in them is small."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.fairness.metrics import STATES
from scoring.fairness.whatif import runs

Floats = NDArray[np.float64]
LEAST_PEOPLE: Final = 100
"""People in a cell after merging: in smaller ones chance in the cell's own rate makes bounds too narrow."""
MOST_CELLS: Final = 200
"""Cells after merging, so that two thousand replicates cost about a second; merging only widens bounds."""
_MEASURES: Final = ["n", "weight", "weight_squared", "expected", "r", "r_mixed", "r_squared"]


class Sums(NamedTuple):
    """Sums by level, cell and state: arrays (levels, cells, 6); where cells are merged, each level has its own cells, padded with 0."""

    n: Floats
    weight: Floats
    weight_squared: Floats
    expected: Floats
    r: Floats
    r_mixed: Floats
    r_squared: Floats


def sums_of(soft: pd.DataFrame) -> tuple[list[str], Sums]:
    """Return the levels, in their order, and the sums by level, cell and state of one attribute of `soft_counts.count_soft`."""
    levels, names = pd.factorize(soft["level"])
    cells, held = pd.factorize(soft["cell"])
    states = soft["state"].map({name: i for i, name in enumerate(STATES)}).to_numpy(np.int64)
    shape = (len(names), len(held), len(STATES))
    place = np.ravel_multi_index((levels, cells, states), shape)
    size = int(np.prod(shape))
    return list(names), Sums(*(np.bincount(place, soft[name].to_numpy(float), size).astype(float).reshape(shape) for name in _MEASURES))


def merged(sums: Sums, *, least: int = LEAST_PEOPLE, most: int = MOST_CELLS) -> Sums:
    """Merge cells that are neighbours in r until each holds `least` people, and there are no more than `most`; by each level's own r.

    Returns
    -------
    Sums
        Cells from the smallest r to the largest, those of a level that has fewer padded with 0.

    Examples
    --------
    >>> one = np.zeros((1, 3, 6)); one[0, :, 0] = [60, 60, 180]
    >>> merged(Sums(one, one, one, one, one / 2, one, one)).n[0, :, 0].tolist()
    [120.0, 180.0]
    >>> merged(Sums(one, one, one, one, one / 2, one, one), least=50).n[0, :, 0].tolist()
    [60.0, 60.0, 180.0]
    """
    people, members, weight = (part.sum(2) for part in (sums.n, sums.r, sums.weight))
    order = np.argsort(members / np.where(weight > 0, weight, 1.0), axis=1, kind="stable")
    threshold = max(least, int(np.ceil(people[0].sum() / most)))
    sorted_people = np.take_along_axis(people, order, 1)
    place = np.stack([runs(np.ceil(row).astype(np.int64), threshold) for row in sorted_people])
    held = int(place.max(initial=0)) + 1
    return Sums(*(_scattered(np.take_along_axis(part, order[:, :, None], 1), place, held) for part in sums))


def _scattered(part: Floats, place: NDArray[np.int64], held: int) -> Floats:
    """Add cells (levels, cells, 6) up by their place among the merged ones."""
    shape = (len(part), held, part.shape[2])
    level, state = np.arange(shape[0])[:, None, None], np.arange(shape[2])[None, None, :]
    flat = (level * held + place[:, :, None]) * shape[2] + state
    return np.bincount(flat.ravel(), part.ravel(), shape[0] * held * shape[2]).astype(float).reshape(shape)
