"""What a person could change: for each feature, the other bins, levels or values that can be reached, and what each step costs.

A card is changed by bins, so every value is spoken for; any other model by the values that people of a background table have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from scoring.errors import EquiscoreError
from scoring.models.binning import FeatureBins
from scoring.models.card.grouping import OTHERS
from scoring.models.columns import Kind, kind_of, level_name
from scoring.models.explaining.traits import Trait


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: a range (upper end included), a level, or nowhere, being missing or unseen (`label` alone)."""

    label: str
    low: float = -math.inf
    high: float = math.inf
    level: str | None = None
    ranged: bool = False


class Option(NamedTuple):
    """A change of one feature."""

    feature: str
    value: Any
    """A value that stands for the place: the nearest to the person's own."""
    to: Place
    steps: int
    """Bins (or values) moved; 1 where there is no order."""
    effort: float
    """Steps times what a step costs."""
    gain: float = math.nan
    """What the score gains, on the scale on which parts add up."""


# -- bins of a card ----------------------------------------------------------------------------------------------------------------


def bins_of(card: Any) -> dict[str, FeatureBins]:
    """Return the bins of each feature that entered the card."""
    return {bins.name: bins for bins in card.binner_.bins_ if bins.name in card.features_}


def place_in(bins: FeatureBins, column: pd.Series[Any]) -> tuple[int, Place]:
    """Return the bin of the one value of a column: its number, and where that is; a level known at fit is named, whatever its bin."""
    code = int(bins.codes(column)[0])
    if bins.kind == Kind.LEVELS:
        own = None if column.isna().iloc[0] else level_name(column.iloc[0])
        named = next((name for name in (own, bins.labels[code]) if name in bins.levels), None)  # 1 is read as True, and so named
        return code, Place(bins.labels[code]) if named is None else Place(named, level=named)
    return code, _places(bins)[code]


def _places(bins: FeatureBins) -> list[Place]:
    """Return where each bin of a number is; those behind the ranges (special values, missing) have a label alone."""
    ends = [-math.inf, *bins.edges, math.inf]
    known = [Place(label, low, high, ranged=True) for label, low, high in zip(bins.labels, ends[:-1], ends[1:], strict=False)]
    return known + [Place(label) for label in bins.labels[len(known) :]]


def bin_options(bins: FeatureBins, column: pd.Series[Any], trait: Trait, *, whole: bool) -> Iterator[Option]:
    """Yield the other bins of known values that the person could come into; of levels the other levels, which may share a bin."""
    code, place = place_in(bins, column)
    if bins.kind == Kind.LEVELS:
        levels = [level for level in bins.levels if level != OTHERS]
        yield from _level_options(bins.name, place.level, levels, levels, trait)
        return
    own = float(column.iloc[0]) if place.ranged else math.nan
    for k, to in enumerate(_places(bins)):
        if k != code and to.ranged:
            value = _nearest_in(to, own, trait, whole=whole, never=bins.special)
            if value is not None and _reachable(value, own, trait):
                steps = abs(k - code) if place.ranged else 1
                yield Option(bins.name, value, to, steps, steps * trait.cost)


def _nearest_in(to: Place, own: float, trait: Trait, *, whole: bool, never: Sequence[float] = ()) -> float | None:
    """Return the value of the range that is nearest to one's own (from a missing one: its lower end) and can be reached, if any.

    A special value (`never`) has a bin of its own wherever it lies, so its neighbour is taken.
    """
    least = math.floor(to.low) + 1 if whole and math.isfinite(to.low) else math.nextafter(to.low, math.inf)
    most = math.floor(to.high) if whole and math.isfinite(to.high) else to.high
    least = max(least, -math.inf if trait.low is None else math.ceil(trait.low) if whole else trait.low)
    most = min(most, math.inf if trait.high is None else math.floor(trait.high) if whole else trait.high)
    wished = own if not math.isnan(own) else least if math.isfinite(to.low) else most
    value = min(max(wished, least), most)
    value = value if math.isfinite(value) else 0.0
    way = 1 if value <= least else -1
    while value in never:
        value = value + way if whole else math.nextafter(value, way * math.inf)
    return value if least <= value <= most else None


def _reachable(value: float, own: float, trait: Trait) -> bool:
    """Tell whether the direction and the range allow a number; from a missing one every number within the range can be told."""
    inside = (trait.low is None or value >= trait.low) and (trait.high is None or value <= trait.high)
    turned = {"rises": value > own, "falls": value < own}.get(trait.direction or "", True) or math.isnan(own)
    return inside and turned


def _level_options(name: str, own: str | None, levels: Sequence[str], values: Sequence[Any], trait: Trait) -> Iterator[Option]:
    """Yield the other levels; where they can only rise (or fall), those behind (or before) one's own in the declared order."""
    ordered = trait.levels or ()
    if trait.direction is not None and trait.levels is None:
        raise EquiscoreError(f"Feature {name!r} has levels, of which none is higher. Fix: give their order in levels=, or take direction out.")
    place = {level: k for k, level in enumerate(ordered)}
    sign = -1 if trait.direction == "falls" else 1
    for level, value in zip(levels, values, strict=True):
        if level == own or (trait.levels is not None and level not in place):
            continue
        steps = sign * (place[level] - place[own]) if trait.direction is not None and own in place else 1
        if steps > 0:
            yield Option(name, value, Place(level, level=level), steps, steps * trait.cost)


# -- values of other people --------------------------------------------------------------------------------------------------------


def value_options(name: str, column: pd.Series[Any], background: pd.Series[Any], trait: Trait, grid: int) -> Iterator[Option]:
    """Yield values that people of the background have: all of a number where there are no more than `grid`, else so many quantiles."""
    known = background[background.notna()]
    if not len(known):
        return
    if kind_of(background) is Kind.LEVELS:
        first = known[~known.duplicated()]
        names = [level_name(value) for value in first]
        order = sorted(range(len(names)), key=names.__getitem__)
        own = None if column.isna().iloc[0] else level_name(column.iloc[0])
        yield from _level_options(name, own, [names[k] for k in order], [first.iloc[k] for k in order], trait)
        return
    distinct = np.unique(known.to_numpy(np.float64))
    values = distinct[np.unique(np.linspace(0, len(distinct) - 1, min(grid, len(distinct))).round().astype(np.intp))]
    own_value = math.nan if column.isna().iloc[0] else float(column.iloc[0])
    for value in values.tolist():
        if value != own_value and _reachable(value, own_value, trait):
            between = ((values > min(own_value, value)) & (values < max(own_value, value))).sum()
            steps = 1 if math.isnan(own_value) else int(between) + 1
            yield Option(name, value, Place(f"{value:g}", value, value, ranged=True), steps, steps * trait.cost)


def is_whole(column: pd.Series[Any], background: pd.Series[Any] | None) -> bool:
    """Tell whether a number is counted in whole steps: by its type, or because everybody known has a whole one."""
    if kind_of(column) is not Kind.NUMBER:
        return False
    if background is None or not background.notna().any():
        return pd.api.types.infer_dtype(column, skipna=True) == "integer"
    known = background[background.notna()].to_numpy(np.float64)
    return bool((known == np.rint(known)).all())
