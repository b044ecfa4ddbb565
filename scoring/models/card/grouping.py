"""Bins made by hand: levels put together, and values that are a bin of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from scoring.models.columns import MISSING, UNSEEN, ModelError, check_levels, level_name

OTHERS: Final = "(others)"
"""In a group by hand: every level that no group names, and every level that turns up later."""

Cuts = Mapping[str, Sequence[Any]]
Special = Mapping[str, Sequence[Any]] | Sequence[Any]


def is_grouping(cuts: Sequence[Any] | None) -> bool:
    """Tell lists of levels from edges.

    >>> is_grouping([["own"], ["rent", "lodger"]]), is_grouping([18, 25]), is_grouping(None)
    (True, False, False)
    """
    return cuts is not None and len(cuts) > 0 and all(isinstance(part, list | tuple | set | frozenset) for part in cuts)


def group_levels(found: Sequence[str], groups: Sequence[Sequence[Any]] | None, column: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the levels by name and the bin of each: as grouped by hand, each other level a bin of its own.

    Parameters
    ----------
    found
        The levels in the data, by name.
    groups
        Lists of levels, one list a bin; ``"(others)"`` in one of them takes all levels that are not named. None: no level is joined.

    >>> group_levels(["lodger", "own", "rent"], [["rent", "lodger"]], "home")
    (('lodger', 'rent', 'own'), (0, 0, 1))
    """
    named = [sorted({level_name(level) for level in group}) for group in groups or ()]
    flat = [level for group in named for level in group]
    if len(set(flat)) < len(flat) or not all(named) or {MISSING, UNSEEN} & set(flat):
        raise ModelError(f"cuts of {column!r}: {named}. Fix: name each level once, no group empty, and not {MISSING} or {UNSEEN}.")
    alone = [] if OTHERS in flat else [level for level in found if level not in set(flat)]
    if groups is not None and OTHERS in alone:
        raise ModelError(f"Column {column!r} has a level {OTHERS!r}, which a grouping means in its own way. Fix: name it in a group.")
    check_levels(alone, column)
    bins = [*named, *([level] for level in alone)]
    if len({" | ".join(group) for group in bins}) < len(bins):
        raise ModelError(f"cuts of {column!r}: two bins would be called alike. Fix: rename the level that holds a bar ( | ).")
    return tuple(level for group in bins for level in group), tuple(place for place, group in enumerate(bins) for _ in group)


def group_labels(levels: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    """Name the bins of levels: the level, or the levels with a bar between them.

    >>> group_labels(("lodger", "rent", "own"), (0, 0, 1))
    ('lodger | rent', 'own')
    """
    joined: dict[int, list[str]] = {}
    for level, place in zip(levels, places, strict=True):
        joined.setdefault(place, []).append(level)
    return tuple(" | ".join(joined[place]) for place in sorted(joined))


def special_of(special: Special | None, column: str) -> tuple[float, ...]:
    """Return the values of a numeric column that are a bin of their own, in order.

    >>> special_of([999, -1], "age"), special_of({"age": [-1]}, "income"), special_of(None, "age")
    ((-1.0, 999.0), (), ())
    """
    given = special.get(column, ()) if isinstance(special, Mapping) else special or ()
    try:
        values = tuple(sorted({float(value) for value in given}))
    except (TypeError, ValueError):
        raise ModelError(
            f"special of {column!r}: {list(given)!r} are not numbers. Fix: give numbers; each level of text is a bin as it is."
        ) from None
    if not np.isfinite(values).all():
        raise ModelError(f"special of {column!r}: {list(given)!r}. Fix: give finite numbers; missing values are a bin of their own as it is.")
    return values


def check_named(asked: Mapping[str, Any] | Any, names: Sequence[str], parameter: str) -> None:
    """Refuse a mapping that names a column which is not there: a slip of the pen must not go unheard."""
    unknown = sorted(set(asked) - set(names)) if isinstance(asked, Mapping) else []
    if unknown:
        raise ModelError(f"WoEBinner: {parameter} names {unknown[0]!r}, which is no column. Fix: use some of {', '.join(map(str, names))}.")
