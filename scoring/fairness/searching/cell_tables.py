"""The cell table of some attributes and one metric: everybody studied, added up to combinations of levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scoring.errors import StudyError, nearest
from scoring.fairness.counts import Counts
from scoring.fairness.metrics import STATES, Metric, vectors
from scoring.fairness.one_pass import GROUP
from scoring.fairness.searching.conjunctions import Floats, Ints
from scoring.vocabulary import UNKNOWN, WeightMeaning


@dataclass(frozen=True, slots=True)
class Cells:
    """The cell table of some attributes and one metric."""

    attributes: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    """Names of the levels of each attribute, in the order of their codes."""
    codes: Ints
    """(cells, attributes), -1 where unknown."""
    tally: Floats
    """(cells, 2): hits and misses; (cells, 4): their sums of squared weights too."""
    people: Floats
    """(cells, 2): people who hit and who missed."""
    everybody: Floats
    """(cells,): people, in the denominator of the metric or not."""
    refused: Floats
    """(cells, 2): refused people whose outcome is not known, and whose is."""
    rows: Ints
    """(rows of `Counts.studied`,): the cell of each."""
    sides: Ints
    """(rows of `Counts.studied`,): 0 a hit, 1 a miss, 2 neither."""


def cells_of(counts: Counts, metric: Metric, attributes: Sequence[str] | None = None) -> Cells:
    """Add the studied counts up to the cells of some attributes.

    Raises
    ------
    StudyError
        An attribute that the counts do not have.
    """
    names = tuple(counts.attributes if attributes is None else attributes)
    if unknown := [name for name in names if name not in counts.attributes]:
        near = nearest(unknown[0], counts.attributes)
        raise StudyError(f"No attribute {unknown[0]!r}. Fix: " + (f"did you mean {near!r}?" if near else f"use {', '.join(counts.attributes)}."))
    studied = counts.studied
    coded = [_coded(studied[GROUP + name]) for name in names]
    codes = np.stack([column for column, _ in coded], axis=1)
    row = numbered_rows(codes)
    size = int(row.max(initial=-1)) + 1
    first = np.zeros(size, np.int64)
    first[row[::-1]] = np.arange(len(row))[::-1]
    flat = row * len(STATES) + studied["state"].map({name: i for i, name in enumerate(STATES)}).to_numpy(np.int64)
    numerator, denominator = (side[:, 0] for side in vectors([metric]))
    both = np.stack([numerator, denominator - numerator], axis=1)

    def by_state(column: str) -> Floats:
        added = np.bincount(flat, studied[column].to_numpy(float), size * len(STATES))
        return np.asarray(added, np.float64).reshape(size, len(STATES))

    people = by_state("n")
    weight = people if counts.weighted is None else by_state("weight")
    tally = weight @ both
    if counts.weighted is WeightMeaning.WEIGHT:
        tally = np.concatenate([tally, by_state("weight_squared") @ both], axis=1)
    refused = np.stack([weight[:, 5], weight[:, 2] + weight[:, 3]], axis=1)
    side = np.where(numerator > 0, 0, np.where(denominator > 0, 1, 2))[flat % len(STATES)]
    return Cells(names, tuple(levels for _, levels in coded), codes[first], tally, people @ both, people.sum(1), refused, row, side)


def _coded(column: pd.Series[str]) -> tuple[Ints, tuple[str, ...]]:
    """Return the level of each row as a number, in the order of the alphabet, and the names."""
    codes, levels = pd.factorize(column.where(column != UNKNOWN), sort=True)
    return codes.astype(np.int64), tuple(str(level) for level in levels)


def numbered_rows(codes: Ints) -> Ints:
    """Return a number for each different row of codes; numbered again after each column, so that no product of levels can overflow."""
    number = np.zeros(len(codes), np.int64)
    for column in codes.T:
        number = np.unique(number * (int(column.max(initial=-1)) + 2) + column + 1, return_inverse=True)[1].astype(np.int64)
    return number
