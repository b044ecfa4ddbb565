"""Which excluded combinations say something new, and which are only parts of an excluded group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from scoring.bounds import Bounds
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.metrics import METRICS
from scoring.vocabulary import CROSS, Better, Verdict

Conditions = frozenset[tuple[str, str]]


def accounted_for(rows: pd.DataFrame, bounds: Bounds) -> list[str]:
    """Return for each excluded combination the excluded group that accounts for it; "" where it stands by itself.

    A combination S is accounted for by an excluded group A that holds it, itself not accounted for, when S is not shown worse
    than the rest of A: ratio_test(S, A without S) at the tolerance gives p >= alpha. Who is excluded as a woman in a
    priority neighbourhood because everybody there is, is not a second finding. With several such groups, the one with most
    conditions is named.
    """
    under = np.full(len(rows), "", object)
    for _, table in rows[(rows["verdict"] == Verdict.EXCLUSION) & rows["known"].astype(bool)].groupby("metric"):
        places = zip(table.index, table["attribute"], table["levels"], strict=True)
        found = {_conditions(attribute, levels): place for place, attribute, levels in places}
        for depth in sorted(set(table["depth"]) - {1}):
            for place, ancestor in _explained(table[table["depth"] == depth], rows, found, under, bounds):
                under[rows.index.get_loc(place)] = ": ".join(str(part) for part in rows.loc[ancestor, ["attribute", "group"]])
    return [str(name) for name in under]


def _conditions(attribute: str, levels: Sequence[str]) -> Conditions:
    return frozenset(zip(attribute.split(CROSS), levels, strict=True))


def _explained(
    deep: pd.DataFrame, rows: pd.DataFrame, found: dict[Conditions, int], under: np.ndarray[tuple[int], np.dtype[np.object_]], bounds: Bounds
) -> Iterator[tuple[int, int]]:
    """Go through the combinations of one depth that an excluded group accounts for, with that group; all are tested at once."""
    pairs = [
        (place, found[ancestor])
        for place, attribute, levels in zip(deep.index, deep["attribute"], deep["levels"], strict=True)
        for ancestor in _holders(_conditions(attribute, levels))
        if ancestor in found and not under[rows.index.get_loc(found[ancestor])]
    ]
    if not pairs:
        return
    parts, wholes = rows.loc[[part for part, _ in pairs]], rows.loc[[whole for _, whole in pairs]]
    x, n = parts["x"].to_numpy(float), parts["n"].to_numpy(float)
    rest_n = np.maximum(wholes["n"].to_numpy(float) - n, 0.0)
    rest_x = np.clip(wholes["x"].to_numpy(float) - x, 0.0, rest_n)
    less = METRICS[str(parts["metric"].iloc[0])].better is Better.LESS
    tested = ratio_test(rest_x, rest_n, x, n, tolerance=bounds.tolerance) if less else ratio_test(x, n, rest_x, rest_n, tolerance=bounds.tolerance)
    shown_worse = tested.p_exclusion < bounds.alpha
    seen: set[int] = set()
    for (place, ancestor), worse in zip(pairs, shown_worse, strict=True):
        if not worse and place not in seen:
            seen.add(place)
            yield place, ancestor


def _holders(conditions: Conditions) -> Iterator[Conditions]:
    """Go through the groups that hold a combination, those with most conditions first."""
    for size in range(len(conditions) - 1, 0, -1):
        yield from (frozenset(some) for some in combinations(sorted(conditions), size))
