"""The cheapest set of changes that gains enough: fewest first, then least effort; exact, by dynamic programming over features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scoring.models.explaining.contributions import TOLERANCE
from scoring.models.explaining.options import Option


class _Set(NamedTuple):
    effort: float
    gain: float
    chosen: tuple[Option, ...]


def cheapest(by_feature: Sequence[Sequence[Option]], need: float) -> tuple[Option, ...] | None:
    """Return the fewest changes, one a feature at most, that gain `need`: of these the least effort, of these the most gain.

    Exact, by dynamic programming over features: of two sets of as many changes, one of more effort and no more gain is never part of
    the answer, as whatever completes it completes the other too.

    >>> from scoring.models.explaining.options import Place
    >>> a, b = ([Option(name, 0, Place(""), 1, effort, gain) for effort, gain in told] for name, told in
    ...         (("a", [(1.0, 5.0), (2.0, 9.0)]), ("b", [(1.0, 4.0)])))
    >>> [one.gain for one in cheapest([a, b], 8.0)], [one.gain for one in cheapest([a, b], 12.0)], cheapest([a, b], 14.0)
    ([9.0], [9.0, 4.0], None)
    """
    best = sorted((max(one.gain for one in own) for own in by_feature if own), reverse=True)
    reach = np.cumsum(best)
    for most in range(1, len(best) + 1):
        if reach[most - 1] >= need - TOLERANCE * max(1.0, abs(need)) and (found := _of_size(by_feature, need, most)) is not None:
            return found
    return None


def _of_size(by_feature: Sequence[Sequence[Option]], need: float, size: int) -> tuple[Option, ...] | None:
    fronts: list[list[_Set]] = [[_Set(0.0, 0.0, ())], *([] for _ in range(size))]
    for j, own in enumerate(by_feature):
        rest = sorted((max(one.gain for one in later) for later in by_feature[j + 1 :] if later), reverse=True)
        for held in range(min(j, size - 1), -1, -1):
            short = need - sum(rest[: size - held - 1]) - TOLERANCE * max(1.0, abs(need))  # what cannot be completed any more is dropped
            grown = [_Set(old.effort + one.effort, old.gain + one.gain, (*old.chosen, one)) for old in fronts[held] for one in own]
            fronts[held + 1] = _undominated(fronts[held + 1] + [one for one in grown if one.gain >= short])
    complete = [one for one in fronts[size] if one.gain >= need]
    return min(complete, key=lambda one: (one.effort, -one.gain)).chosen if complete else None


def _undominated(sets: list[_Set]) -> list[_Set]:
    kept: list[_Set] = []
    for one in sorted(sets, key=lambda one: (one.effort, -one.gain)):
        if not kept or one.gain > kept[-1].gain:
            kept.append(one)
    return kept
