"""All conjunctions of the protected attributes up to a depth, as sums of cells.

A conjunction ("sex is F and age is 66+") has a number; conjunctions of one set of attributes are numbered in a row. Only those that
somebody holds exist. Who is unknown in an attribute is in no conjunction that speaks of it, and in no reference of one (formulas,
section 2). Nothing here loops over conjunctions; what loops, loops over sets of attributes (41 of 6 attributes to depth 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from scoring.fairness.effective import effective_size
from scoring.vocabulary import CROSS, combined

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
DENSE = 1 << 22
"""Up to so many possible combinations of a set, presence is looked up in an array; above it by sorting."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """Conjunctions and where they are: `place[i, s]` is the conjunction of attribute set s that holds cell i, -1 where unknown."""

    codes: Ints
    """(cells, attributes): level of each cell, -1 where unknown."""
    sets: tuple[tuple[int, ...], ...]
    """Sets of attributes, as positions, single attributes first."""
    place: Ints
    """(cells, sets)."""
    of_set: Ints
    """(conjunctions,): the set of attributes that each speaks of."""
    some_cell: Ints
    """(conjunctions,): one of the cells that each holds."""
    subsets: Ints
    """(sets, 2^depth): the set made of the attributes whose bits are set; -1 for none, or bits that a set does not have."""

    @property
    def size(self) -> int:
        """How many conjunctions somebody holds."""
        return len(self.of_set)

    @property
    def depth(self) -> Ints:
        """(conjunctions,): how many conditions each has."""
        return np.array([len(by) for by in self.sets], np.int64)[self.of_set]

    def parts(self, which: Ints) -> Ints:
        """Return (len(which), 2^depth): the conjunction made of the conditions whose bits are set; -1 for none, or too many bits."""
        columns = self.subsets[self.of_set[which]]
        return np.where(columns < 0, -1, self.place[self.some_cell[which][:, None], columns])

    def conditions(self, which: Ints) -> Ints:
        """Return (len(which), attributes): the level that each asks for, -1 where it asks for none."""
        asked = np.zeros((len(self.sets), self.codes.shape[1]), bool)
        for position, by in enumerate(self.sets):
            asked[position, list(by)] = True
        return np.where(asked[self.of_set[which]], self.codes[self.some_cell[which]], -1)


def lattice(codes: Ints, depth: int) -> Lattice:
    """Return every conjunction up to a depth that a cell holds, numbered.

    Parameters
    ----------
    codes
        Array (cells, attributes) of whole numbers from 0; -1 where a membership is unknown.
    depth
        How many conditions a conjunction may have.

    Examples
    --------
    >>> found = lattice(np.array([[0, 0], [0, 1], [1, -1]]), 2)
    >>> found.size, found.depth.tolist(), found.place.tolist()
    (6, [1, 1, 1, 1, 2, 2], [[0, 2, 4], [0, 3, 5], [1, -1, -1]])
    """
    codes = np.ascontiguousarray(codes, np.int64)
    depth = min(depth, codes.shape[1])
    sets = tuple(by for size in range(1, depth + 1) for by in combinations(range(codes.shape[1]), size))
    levels = codes.max(axis=0, initial=-1) + 1
    place = np.full((len(codes), len(sets)), -1, np.int64)
    sizes = np.zeros(len(sets), np.int64)
    for position, by in enumerate(sets):
        known = np.flatnonzero((codes[:, by] >= 0).all(axis=1))
        numbers, sizes[position] = _numbered(codes[known][:, by], levels[list(by)])
        place[known, position] = numbers + sizes[:position].sum()
    some_cell = np.zeros(int(sizes.sum()), np.int64)
    cell, column = np.nonzero(place >= 0)
    some_cell[place[cell, column]] = cell
    return Lattice(codes, sets, place, np.repeat(np.arange(len(sets)), sizes), some_cell, _subsets(sets, depth))


def _numbered(codes: Ints, levels: Ints) -> tuple[Ints, int]:
    """Return the number of each combination, in the order of their levels, and how many occur."""
    key = np.zeros(len(codes), np.int64)
    for column, size in enumerate(levels):
        key = key * int(size) + codes[:, column]
    if int(np.prod(levels.astype(float))) > DENSE:
        present, numbers = np.unique(key, return_inverse=True)
        return numbers.astype(np.int64), len(present)
    held = np.zeros(int(np.prod(levels)), bool)
    held[key] = True
    return (np.cumsum(held) - 1)[key].astype(np.int64), int(held.sum())


def _subsets(sets: Sequence[tuple[int, ...]], depth: int) -> Ints:
    """Return for each set and each pattern of bits the position of the set that those bits leave."""
    position = {by: i for i, by in enumerate(sets)}

    def left(by: tuple[int, ...], bits: int) -> int:
        kept = tuple(name for bit, name in enumerate(by) if bits >> bit & 1)
        return -1 if bits >> len(by) else position.get(kept, -1)

    return np.array([[left(by, bits) for bits in range(1 << depth)] for by in sets], np.int64).reshape(len(sets), 1 << depth)


def sums(held: Lattice, values: Floats) -> Floats:
    """Add values of cells (cells, K) up by conjunction: (conjunctions, K).

    >>> sums(lattice(np.array([[0, 0], [0, 1], [1, -1]]), 2), np.array([[1.0], [2.0], [4.0]])).ravel().tolist()
    [3.0, 4.0, 1.0, 2.0, 1.0, 2.0]
    """
    flat = np.where(held.place < 0, held.size, held.place).ravel()
    added = [np.bincount(flat, np.repeat(column, len(held.sets)), held.size + 1)[:-1] for column in values.T]
    return np.stack(added, axis=1)


def known_sums(held: Lattice, values: Floats) -> Floats:
    """Add values of cells (cells, K) up over everybody known in all attributes of a set: (sets, K)."""
    return np.asarray((held.place >= 0).T.astype(float) @ values)


def sums_within(held: Lattice, values: Floats, which: Ints) -> Floats:
    """Add values up over who meets the conditions whose bits are set, among those known in all attributes of a conjunction.

    Returns
    -------
    ndarray
        (len(which), 2^depth, K); bits that a conjunction does not have are 0.
    """
    parts = held.parts(which)
    within = np.where((parts >= 0)[:, :, None], sums(held, values)[parts], 0.0)
    within[:, 0] = known_sums(held, values)[held.of_set[which]]
    for own in np.unique(held.of_set[which]):
        known = held.place[:, own] >= 0
        if known.all():
            continue
        rows = np.flatnonzero(held.of_set[which] == own)
        for bits in np.flatnonzero(held.subsets[own] >= 0):
            place = held.place[known, held.subsets[own, bits]]
            added = np.stack([np.bincount(place, column, held.size) for column in values[known].T], axis=1)
            within[rows, bits] = added[parts[rows, bits]]
    return within


def effective(added: Floats) -> tuple[Floats, Floats]:
    """Return the hits and trials that tests and intervals are worked out from, of sums (..., K).

    K is 2 (hits, misses) where a row is a person or stands for identical ones, 4 (and sums of squared weights of both) where a weight
    means something else: then they are linearised (`effective.effective_size`).

    >>> effective(np.array([3.0, 1.0]))
    (np.float64(3.0), np.float64(4.0))
    """
    hits, misses = np.maximum(added[..., 0], 0.0), np.maximum(added[..., 1], 0.0)
    if added.shape[-1] == 2:
        return hits, hits + misses
    return effective_size(hits, misses, np.maximum(added[..., 2], 0.0), np.maximum(added[..., 3], 0.0))


def labels(
    held: Lattice, attributes: Sequence[str], levels: Sequence[Sequence[str]], which: Ints
) -> tuple[list[str], list[str], list[tuple[str, ...]]]:
    """Return the attribute ("sex x age"), the group ("F x 66+") and the levels of conjunctions."""
    asked = [[(name, levels[name][code]) for name, code in enumerate(row) if code >= 0] for row in held.conditions(which).tolist()]
    tuples = [tuple(level for _, level in conditions) for conditions in asked]
    return [CROSS.join(attributes[name] for name, _ in conditions) for conditions in asked], [combined(one) for one in tuples], tuples
