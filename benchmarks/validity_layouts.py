"""Files of which the truth is known: which groups there are, how large, and who stands exactly at the tolerance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from validity_report import Floats, Ints, Mask
from validity_rules import TAU, Sides

GROUPS, RATES = (2, 5, 20, 100), (0.03, 0.3, 0.75)
SIZES = ("50", "500", "20 to 20,000")
DESIGNS: Mapping[str, float] = {"named": 1.0, "rest, 50 %": 0.5, "rest, 95 %": 0.95, "parity": 0.0}
PAIRS = 400_000  # groups of all files worked out at a time


class Layout(NamedTuple):
    """Which groups there are, and who is how far from the reference."""

    groups: int
    sizes: str
    rate: float
    design: str
    seed: int = 0


class Truth(NamedTuple):
    """People and rate of each group (groups,), and who stands exactly at the tolerance."""

    people: Ints
    rate: Floats
    at_tolerance: Mask
    named: bool


def truth(layout: Layout) -> Truth | None:
    """Return the rates of a layout; None where no rates restore the overall one.

    >>> found = truth(Layout(2, "50", 0.3, "named"))
    >>> found.rate.round(4).tolist(), float(found.rate.mean().round(4))
    ([0.2667, 0.3333], 0.3)
    """
    k = layout.groups
    people = np.geomspace(20, 20_000, k).round().astype(np.int64) if "to" in layout.sizes else np.full(k, int(layout.sizes))
    share = people / people.sum()
    if layout.design == "parity":
        return Truth(people, np.full(k, layout.rate), np.zeros(k, bool), named=False)
    if layout.design == "named":
        reference = layout.rate / (share[-1] + TAU * (1 - share[-1]))
        at = np.arange(k) < k - 1
        return Truth(people, np.where(at, TAU * reference, reference), at, named=True) if reference <= 1 else None
    at = np.arange(k) < np.clip(round(DESIGNS[layout.design] * k), 1, k - 1)
    rate = TAU * layout.rate / (1 - share * (1 - TAU))
    others = (layout.rate - (share * rate)[at].sum()) / share[~at].sum()
    return Truth(people, np.where(at, rate, others), at, named=False) if layout.rate <= others <= 1 else None


def sides_of(hits: Floats, known: Truth) -> Sides:
    """Return hits and trials of each group judged and of its reference, arrays (files, groups): the last group, or the rest."""
    people = np.broadcast_to(known.people.astype(float), hits.shape)
    if known.named:
        return hits[:, :-1], people[:, :-1], np.broadcast_to(hits[:, -1:], hits[:, :-1].shape), np.broadcast_to(people[:, -1:], hits[:, :-1].shape)
    return hits, people, hits.sum(1, keepdims=True) - hits, people.sum(1, keepdims=True) - people


def chunks(files: int, exact_files: int, groups: int) -> Iterator[tuple[int, int]]:
    """Go through the files, those with the exact test first, so many at a time that they fit."""
    step = max(1, PAIRS // groups)
    for first, last in ((0, exact_files), (exact_files, files)):
        for start in range(first, last, step):
            yield start, min(start + step, last)


def limit(nominal: float, files: int, room: float) -> float:
    """Return the largest share of so many files that may come out: nominal, some room, and three standard errors."""
    return nominal + room + 3 * float(np.sqrt(nominal * (1 - nominal) / files))
