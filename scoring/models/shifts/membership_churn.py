"""The same customers in two segmentations: who changed, from where to where, and how far the two agree.

Customers are joined by identifier. Who is on one side only has entered or left; who has no segment on a side, or no identifier, is counted
as such. Everybody of either date stands in exactly one place of the transitions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.models.columns import Levels, ModelError, as_table, read_levels
from scoring.models.shifts.membership_agreement import adjusted_rand, over, wilson
from scoring.vocabulary import UNKNOWN

__all__ = ["ALL", "Churn", "membership_churn"]

ALL: Final = "(all)"
ABSENT: Final = "(absent)"
"""Not among the customers at that date: entered later, or left."""
NO_SEGMENT: Final = "(no segment)"
"""A customer whose segment at that date is missing."""
CHURN: Final = [
    *("attribute", "group", "people_before", "people_after", "both", "no_segment", "entered", "left", "changed", "share", "low", "high"),
    *("up", "down", "rand", "rand_low", "rand_high", "confidence"),
]
TRANSITIONS: Final = ["attribute", "group", "segment_before", "segment_after", "people", "share", "low", "high"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Churn:
    """What `membership_churn` found; `rows` and `transitions` have a part for everybody and one for each group."""

    rows: pd.DataFrame
    transitions: pd.DataFrame
    unidentified_before: int
    """Rows without an identifier, which no join can follow."""
    unidentified_after: int

    def matrix(self, attribute: str = ALL, group: str = ALL) -> pd.DataFrame:
        """Return people by segment before (down) and after (across).

        Raises
        ------
        EquiscoreError
            No such group.
        """
        mine = self.transitions[(self.transitions["attribute"] == attribute) & (self.transitions["group"] == group)]
        if mine.empty:
            raise ModelError(f"churn: nobody is in {attribute}: {group}. Fix: ask for a group of `rows`.")
        order = [list(dict.fromkeys(self.transitions[name])) for name in ("segment_before", "segment_after")]
        wide = mine.pivot_table(index="segment_before", columns="segment_after", values="people", aggfunc="sum", fill_value=0.0)
        return wide.reindex(index=[s for s in order[0] if s in wide.index], columns=[s for s in order[1] if s in wide.columns])


def membership_churn(before: pd.Series[Any], after: pd.Series[Any], *, groups: Any = None, confidence: float = 0.95) -> Churn:
    """Return how many of the same customers changed their segment between two dates, for everybody and each group.

    Parameters
    ----------
    before, after : Series
        The segment of each customer, indexed by identifier: names, numbers (bands) or categories. A missing segment is counted as such.
    groups : Series or DataFrame, optional
        Attributes, indexed by identifier; a customer without an entry, or with a missing one, is in the row ``(unknown)``.
    confidence : float
        Of the intervals.

    Returns
    -------
    Churn
        `rows`, columns `CHURN`: both (had a segment at both dates), no_segment (there at both dates, without one at some), entered,
        left; changed of both, the share with Wilson's interval; up and down (of bands: numbers or ordered categories; nan otherwise);
        rand, the adjusted Rand index (Hubert & Arabie 1985, eq. 5) of those with both, with its limits. people_before = both + no_segment
        + left, people_after = both + no_segment + entered. `transitions`, columns `TRANSITIONS`: people from each segment to each, who is
        not there as ``(absent)``; the share of the segment before, for those with a segment at both dates.

    Raises
    ------
    EquiscoreError
        An identifier that stands twice, no Series, nobody.

    Notes
    -----
    A share of customers who changed is no share of a population: its interval is that of customers like these. The Rand index knows no
    names: where two segments merely exchanged their numbers it is 1, and everybody changed.

    Examples
    --------
    >>> then = pd.Series({"ann": "low", "bea": "low", "cleo": "high", "dan": "high"})
    >>> now = pd.Series({"ann": "low", "bea": "high", "cleo": "high", "eve": "low"})
    >>> found = membership_churn(then, now)
    >>> found.rows[["both", "entered", "left", "changed", "share"]].round(3).values.tolist()
    [[3.0, 1.0, 1.0, 1.0, 0.333]]
    >>> found.matrix().loc["low", "high"]
    np.float64(1.0)
    """
    if not 0 < confidence < 1:
        raise ModelError(f"churn: confidence={confidence!r}. Fix: give a number between 0 and 1, such as 0.95.")
    (first, lost_before), (second, lost_after) = (_identified(side, name) for side, name in ((before, "before"), (after, "after")))
    everybody = first.index.union(second.index, sort=True)
    if not len(everybody):
        raise ModelError("churn: nobody is in either segmentation. Fix: give at least one customer.")
    names, ordered = _segments(first, second)
    codes = [_places(side, everybody, names) for side in (first, second)]
    parts = [_part(*one, codes, names, confidence, ordered=ordered) for one in _members(groups, everybody)]
    rows, transitions = (pd.concat([part[i] for part in parts], ignore_index=True) for i in (0, 1))
    return Churn(rows[CHURN], transitions[TRANSITIONS], lost_before, lost_after)


# -- reading -----------------------------------------------------------------------------------------------------------------------


def _identified(side: Any, name: str) -> tuple[pd.Series[Any], int]:
    """Return the customers with an identifier, and how many rows have none."""
    if not isinstance(side, pd.Series):
        raise ModelError(f"churn: {name} is a {type(side).__name__}. Fix: give a pandas Series of segments, indexed by identifier.")
    known = np.asarray(side.index.notna(), bool)
    kept = side[known]
    if twice := list(kept.index[kept.index.duplicated()][:3]):
        raise ModelError(f"churn: {name} has {', '.join(map(repr, twice))} more than once. Fix: give each customer one segment at a date.")
    return kept, int((~known).sum())


def _segments(first: pd.Series[Any], second: pd.Series[Any]) -> tuple[tuple[str, ...], bool]:
    """Return the names of the segments in their order, and whether that order means more or less."""
    types = [side.dtype for side in (first, second)]
    names = [read_levels(side).names for side in (first, second)]
    every = sorted(set(names[0]) | set(names[1]))
    if all(isinstance(kind, pd.CategoricalDtype) and kind.ordered for kind in types) and types[0] == types[1]:
        listed = [str(level) for level in first.cat.categories]
        return (*(name for name in listed if name in every), *(name for name in every if name not in listed)), set(every) <= set(listed)
    if all(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in types):
        return tuple(sorted(every, key=float)), True
    return tuple(every), False


def _places(side: pd.Series[Any], everybody: pd.Index, names: tuple[str, ...]) -> NDArray[np.intp]:
    """Return the segment of each customer; ``len(names)`` for none, ``len(names) + 1`` for not being there."""
    found = read_levels(side)
    lookup = np.array([*(names.index(name) for name in found.names), len(names)], np.intp)
    place = np.full(len(everybody), len(names) + 1, np.intp)
    place[everybody.get_indexer(side.index)] = lookup[found.codes]
    return place


def _members(groups: Any, everybody: pd.Index) -> Iterator[tuple[str, tuple[str, ...], NDArray[np.intp]]]:
    """Go through the attributes: name, levels, and the level of each customer, the last being the unknown."""
    yield ALL, (ALL,), np.zeros(len(everybody), np.intp)
    table = pd.DataFrame() if groups is None else _table(groups)
    if twice := list(table.index[table.index.duplicated()][:3]):
        raise ModelError(f"churn: groups has {', '.join(map(repr, twice))} more than once. Fix: give each customer one row.")
    for name in table.columns:
        levels = _known(read_levels(table[name].reindex(everybody)))
        yield str(name), (*levels.names, UNKNOWN), np.where(levels.codes < 0, len(levels.names), levels.codes)


def _table(groups: Any) -> pd.DataFrame:
    return groups.to_frame(groups.name or "group") if isinstance(groups, pd.Series) else pd.DataFrame(as_table(groups))


def _known(levels: Levels) -> Levels:
    """Read blanks and ``(unknown)`` as not known."""
    kept = tuple(name for name in levels.names if name.strip() and name != UNKNOWN)
    lookup = np.array([*(kept.index(name) if name in kept else -1 for name in levels.names), -1], np.intp)
    return Levels(kept, lookup[levels.codes])


# -- counts, and what follows from them --------------------------------------------------------------------------------------------


def _part(  # noqa: PLR0917  (an attribute as `_members` yields it comes first)
    attribute: str,
    levels: tuple[str, ...],
    member: NDArray[np.intp],
    codes: list[NDArray[np.intp]],
    names: tuple[str, ...],
    confidence: float,
    *,
    ordered: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    size = len(names) + 2
    cube = np.bincount((member * size + codes[0]) * size + codes[1], minlength=len(levels) * size**2).reshape(-1, size, size).astype(np.float64)
    there = cube.sum((1, 2)) > 0
    named, cube = np.array(levels, object)[there], cube[there]
    return _summary(attribute, named, cube, confidence, ordered=ordered), _listed(attribute, named, cube, names, confidence)


def _summary(attribute: str, groups: NDArray[np.object_], cube: Floats, confidence: float, *, ordered: bool) -> pd.DataFrame:
    stayed = cube[:, :-2, :-2]
    both = stayed.sum((1, 2))
    up, down = (part.sum((1, 2)) if ordered else np.full(len(cube), np.nan) for part in (np.triu(stayed, 1), np.tril(stayed, -1)))
    changed = both - np.trace(stayed, axis1=1, axis2=2)
    low, high = wilson(changed, both, confidence)
    rand, rand_low, rand_high = adjusted_rand(stayed, confidence=confidence)
    columns = {
        "group": groups, "people_before": cube[:, :-1].sum((1, 2)), "people_after": cube[:, :, :-1].sum((1, 2)), "both": both,
        "no_segment": cube[:, :-1, :-1].sum((1, 2)) - both, "entered": cube[:, -1].sum(1), "left": cube[:, :, -1].sum(1),
        "changed": changed, "share": over(changed, both), "low": low, "high": high, "up": up, "down": down,
        "rand": rand, "rand_low": rand_low, "rand_high": rand_high,
    }  # fmt: skip
    return pd.DataFrame(columns).assign(attribute=attribute, confidence=confidence)


def _listed(attribute: str, groups: NDArray[np.object_], cube: Floats, names: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Lay the cells out as rows; those that nobody is in are left out."""
    said = np.array([*names, NO_SEGMENT, ABSENT], object)
    trials = np.broadcast_to(cube[:, :-2, :-2].sum(2)[..., None], (len(cube), len(names), len(names)))
    padded = np.full(cube.shape, np.nan)
    padded[:, :-2, :-2] = trials
    low, high = wilson(cube, padded, confidence)
    group, first, second = np.nonzero(cube)
    columns = {
        "group": groups[group], "segment_before": said[first], "segment_after": said[second], "people": cube[group, first, second],
        "share": over(cube, padded)[group, first, second], "low": low[group, first, second], "high": high[group, first, second],
    }  # fmt: skip
    return pd.DataFrame(columns).assign(attribute=attribute)
