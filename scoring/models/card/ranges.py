"""Ranges of numbers between edges: which range a number is in, what it is called, and edges given by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring.models.columns import ModelError

FEW_EDGES: Final = 32


def places_among(edges: Sequence[float], values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the number of edges below each value: the place of its range; nan is in the first.

    >>> places_among((25.5, 40.0), np.array([25.5, 26.0, 99.0]))
    array([0, 1, 2])
    """
    if len(edges) > FEW_EDGES:
        return np.where(np.isnan(values), 0, np.searchsorted(np.array(edges), values, side="left"))
    found = np.zeros(len(values), np.intp)
    for edge in edges:  # for few edges several times faster than a search
        found += values > edge
    return found


def range_labels(edges: Sequence[float]) -> tuple[str, ...]:
    """Name the ranges between edges; edges are written with as many digits as tell them apart.

    >>> range_labels([]), range_labels([0.5])
    (('any number',), ('<= 0.5', '> 0.5'))
    """
    if not edges:
        return ("any number",)
    words = [number_word(edge) for edge in edges]
    return (f"<= {words[0]}", *(f"{low} < .. <= {high}" for low, high in pairwise(words)), f"> {words[-1]}")


def number_word(value: float) -> str:
    """Write a number with as many digits as tell it apart from all others; no decimal point where it is whole."""
    return repr(float(value)).removesuffix(".0")


def read_edges(edges: Sequence[Any], column: str) -> tuple[float, ...]:
    """Read edges given by hand: finite numbers, each above the one before.

    >>> read_edges([18, 25.5], "age")
    (18.0, 25.5)
    """
    try:
        read = tuple(float(edge) for edge in edges)
    except (TypeError, ValueError):
        raise ModelError(f"cuts of {column!r}: {list(edges)!r} are not numbers. Fix: give upper edges, or lists of levels.") from None
    if not np.isfinite(read).all() or any(low >= high for low, high in pairwise(read)):
        raise ModelError(f"cuts of {column!r}: {list(edges)!r}. Fix: give finite edges, each above the one before.")
    return read
