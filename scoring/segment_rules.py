"""Named segments of recency, frequency and monetary scores: rules as ranges, held to be exclusive and to leave nobody out.

Read by the declaration, which refuses faulty rules before anything runs, and by `scoring.models.segmenting.rfm`, which applies them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from scoring.errors import EquiscoreError, nearest
from scoring.vocabulary import UNKNOWN

DIMENSIONS = ("r", "f", "m")
VALUE = "fm"
"""The mean of the frequency and the monetary score, halves rounded up."""
FIFTHS = 5

Range = int | Sequence[int]
Box = Mapping[str, Range]
Rules = Mapping[str, Box | Sequence[Box]]

RFM_RULES: Rules = {
    "champions": {"r": 5, "fm": [4, 5]},
    "loyal": {"r": [3, 4], "fm": [4, 5]},
    "potential_loyalists": {"r": [4, 5], "fm": [2, 3]},
    "new": {"r": 5, "fm": 1},
    "promising": {"r": 4, "fm": 1},
    "need_attention": {"r": 3, "fm": 3},
    "about_to_sleep": {"r": 3, "fm": [1, 2]},
    "cannot_lose": {"r": [1, 2], "fm": 5},
    "at_risk": {"r": [1, 2], "fm": [3, 4]},
    "hibernating": {"r": [1, 2], "fm": [1, 2]},
}
"""The ten segments in common use, on fifths: of recency against the mean of frequency and monetary value. The tables one finds for them overlap;
this one gives each of the 25 cells to one segment."""


class SegmentRuleError(EquiscoreError, ValueError):
    """Rules of segments overlap, leave somebody out, or speak of scores that nobody has."""


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """Which segment each combination of scores is in."""

    names: tuple[str, ...]
    bins: tuple[int, ...]
    """How many scores each dimension has: recency, frequency and, where there is one, monetary value."""
    places: tuple[int, ...]
    """The number in `names` of each combination, the last dimension running fastest."""

    def codes(self, name: str) -> list[int]:
        """Return the combinations of a segment, numbered as `places` is."""
        wanted = self.names.index(name)
        return [code for code, place in enumerate(self.places) if place == wanted]


def segment_table(
    bins: Sequence[int], rules: Rules | None = None, *, match: Literal["exclusive", "first"] = "exclusive", rest: str | None = None
) -> SegmentTable:
    """Give each combination of scores its segment.

    Parameters
    ----------
    bins : how many scores recency, frequency and (if there is one) monetary value have: 1, the worst, to so many.
    rules : segment -> ranges of scores, or several such; by default `RFM_RULES`, for which scores are put on fifths first (the
        lowest is 1, the highest 5, a dimension of a single score 3). A range is a score or [from, to], both of them in it. Dimensions are r, f, m
        and fm, the mean of the latter two, halves rounded up; one that is not named may be anything.
    match : "exclusive" refuses two rules for one combination; "first" takes the earlier.
    rest : the segment of what no rule speaks of; without it, that is refused.

    Raises
    ------
    SegmentRuleError
        Unknown dimensions, scores that nobody has, an overlap, a gap, a segment that nobody can be in, a reserved name.

    Examples
    --------
    >>> segment_table([2, 2], {"good": {"r": 2}, "bad": {"r": 1}}).places
    (1, 1, 0, 0)
    >>> segment_table([2, 2], {"good": {"r": 2}, "best": {"r": 2, "f": 2}}, rest="bad")
    Traceback (most recent call last):
    scoring.segment_rules.SegmentRuleError: Segments 'good' and 'best' overlap: both have r=2 f=2. Fix: ...
    """
    if not all(1 <= number <= 10 for number in bins) or len(bins) not in {2, 3}:
        raise SegmentRuleError(f"Bins {list(bins)}. Fix: give 1 to 10 for recency, frequency and, if there is one, monetary value.")
    given = RFM_RULES if rules is None else rules
    boxes = {name: tuple(_boxes(name, told, (FIFTHS,) * len(bins) if rules is None else bins)) for name, told in given.items()}
    names = (*boxes, *([rest] if rest is not None and rest not in boxes else []))
    if not names or UNKNOWN in names or "" in names:
        raise SegmentRuleError(f"Segments {list(names)}. Fix: state at least one, each with a name other than {UNKNOWN!r}.")
    cells = [tuple(cell) for cell in product(*(range(1, number + 1) for number in bins))]
    seen = cells if rules is not None else [tuple(map(_fifth, cell, bins)) for cell in cells]
    places = tuple(_place(cell, boxes, names, match, rest) for cell in seen)
    if rules is not None and (empty := [name for i, name in enumerate(names) if i not in places]):
        raise SegmentRuleError(f"Nobody can be in {', '.join(map(repr, empty))}. Fix: take it out, or put its rule before those that cover it.")
    return SegmentTable(names, tuple(bins), places)


def _fifth(score: int, number: int) -> int:
    """Put a score of 1..number on fifths: ends on ends, halves up."""
    return 3 if number == 1 else 1 + int((score - 1) * (FIFTHS - 1) / (number - 1) + 0.5)


def _boxes(name: str, told: Box | Sequence[Box], bins: Sequence[int]) -> Iterator[dict[str, tuple[int, int]]]:
    """Go through the ranges of a segment, checked."""
    limits = dict(zip(DIMENSIONS, bins, strict=False))
    if len(set(bins[1:])) == 1:
        limits[VALUE] = bins[1]
    for box in [told] if isinstance(told, Mapping) else told:
        if strange := [dimension for dimension in box if dimension not in limits]:
            near = nearest(str(strange[0]), limits)
            hint = f"did you mean {near!r}?" if near else f"use {', '.join(limits)} (fm needs as many scores of f as of m)."
            raise SegmentRuleError(f"Segment {name!r}: no dimension {strange[0]!r}. Fix: {hint}")
        yield {dimension: _ends(name, dimension, ends, limits[dimension]) for dimension, ends in box.items()}


def _ends(name: str, dimension: str, ends: Range, most: int) -> tuple[int, int]:
    pair = (ends, ends) if isinstance(ends, int) else tuple(ends)
    if len(pair) != 2 or not all(isinstance(end, int) for end in pair) or not 1 <= pair[0] <= pair[1] <= most:
        raise SegmentRuleError(f"Segment {name!r}: {dimension}={ends!r}. Fix: a score, or [from, to], among 1 to {most}.")
    return pair[0], pair[1]


def _place(
    cell: tuple[int, ...], boxes: Mapping[str, Sequence[Mapping[str, tuple[int, int]]]], names: Sequence[str], match: str, rest: str | None
) -> int:
    scores = dict(zip(DIMENSIONS, cell, strict=False))
    scores[VALUE] = (sum(cell[1:]) + len(cell) - 2) // (len(cell) - 1)
    found = [name for name, ranges in boxes.items() if any(all(low <= scores[d] <= high for d, (low, high) in box.items()) for box in ranges)]
    told = " ".join(f"{dimension}={scores[dimension]}" for dimension in DIMENSIONS[: len(cell)])
    if len(found) > 1 and match != "first":
        raise SegmentRuleError(
            f"Segments {found[0]!r} and {found[1]!r} overlap: both have {told}. Fix: change a range, or say that the first match counts."
        )
    if not found and rest is None:
        raise SegmentRuleError(f"No segment has {told}. Fix: widen a range, or name the rest.")
    return names.index(found[0] if found else str(rest))
