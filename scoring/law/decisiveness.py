"""How far the decision follows the score: the measured part of art. 22 GDPR as CJEU C-634/21 (SCHUFA, 7 December 2023) reads it.

The Court asks whether a decision "draws strongly" on a score and gives no figure. The share is measured here; what share is
strong is for a lawyer, and `DECISIVE_SHARE` only ever raises the question, it never closes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError

DECISIVE_SHARE: Final = 0.90
"""Our choice, not a court's: from this share on, a score whose weight nobody stated is taken as decisive."""
Interval = Callable[[NDArray[Any], NDArray[Any]], tuple[ArrayLike, ArrayLike]]
"""Hits and trials, arrays of one length, to the low and high ends of intervals, such as Wilson's."""


@dataclass(frozen=True, slots=True)
class Decisiveness:
    """How many decisions are what the score alone would have decided."""

    people: float
    following: float
    """People whose decision is that of the score."""
    low: float
    high: float
    """Interval of `share`; nan where no interval was handed in."""
    by_group: pd.DataFrame
    """One row a group: attribute, level, people, overridden, override_rate, low, high, raised (favourable against the score), lowered."""
    unscored: float = 0.0
    """People decided about without a score: in no other number here. nan where they are too few to be told of."""
    undecided: float = 0.0
    """People about whom nothing was decided: in no other number here. nan where they are too few to be told of."""

    @property
    def share(self) -> float:
        """Share of decisions that follow the score; nan of nobody."""
        return self.following / self.people if self.people else float("nan")

    @property
    def override_rate(self) -> float:
        """Share of decisions that do not follow the score."""
        return 1 - self.share

    @property
    def raised(self) -> float:
        """People decided favourably against the score; nan where no group was counted."""
        return self._of_one("raised")

    @property
    def lowered(self) -> float:
        """People decided unfavourably against the score; nan where no group was counted."""
        return self._of_one("lowered")

    def _of_one(self, name: str) -> float:
        """Add up over the groups of one attribute: everybody is in one of them."""
        rows = self.by_group
        return float(rows.loc[rows["attribute"] == rows["attribute"].iloc[0], name].sum()) if len(rows) else float("nan")

    def facts(self) -> dict[str, float]:
        """Return what the law asks, as facts; nothing of nobody."""
        return {"decisions_following_score": self.share, "override_rate": self.override_rate} if self.people else {}


def decisiveness(
    decided: ArrayLike,
    score_side: ArrayLike,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    counts: ArrayLike | None = None,
    interval: Interval | None = None,
) -> Decisiveness:
    """Measure how far decisions follow the side of the cut-off that the score is on.

    Parameters
    ----------
    decided : shape (n,), whether the decision was favourable.
    score_side : shape (n,), whether the score alone would have decided favourably.
    groups : attribute -> shape (n,), the level of each entry; an unknown level is a level.
    counts : shape (n,), how many people each entry stands for; by default one. Counts of cells give what rows give.
    interval : hits, trials -> low, high. By default the ends are nan: no interval is worked out here.

    Raises
    ------
    EquiscoreError
        Arrays of different lengths, a missing decision, negative counts.

    Examples
    --------
    >>> found = decisiveness([1, 1, 0, 0], [1, 0, 0, 0], groups={"sex": ["F", "M", "F", "M"]}, counts=[60, 5, 30, 5])
    >>> found.share, found.by_group[["level", "overridden", "override_rate"]].values.tolist()
    (0.95, [['F', 0.0, 0.0], ['M', 5.0, 0.5]])
    """
    yes, side = _sides(decided, "decided"), _sides(score_side, "score_side")
    weight = np.ones(len(yes)) if counts is None else np.asarray(counts, dtype=float)
    levels = {name: np.asarray(values, dtype=object) for name, values in (groups or {}).items()}
    if {len(one) for one in (side, weight, *levels.values())} - {len(yes)}:
        raise EquiscoreError(f"Arrays of different lengths beside {len(yes)} decisions. Fix: give one entry a person, or a cell, in each.")
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise EquiscoreError("Counts that are negative or missing. Fix: give how many people each entry stands for.")
    sums = weight.sum(), weight[yes == side].sum()
    low, high = _ends(interval, np.array([sums[1]]), np.array([sums[0]]))
    rows = [_rows(name, values, weight, yes.astype(int) - side.astype(int), interval) for name, values in levels.items()]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=_COLUMNS)
    return Decisiveness(float(sums[0]), float(sums[1]), float(low[0]), float(high[0]), table)


_COLUMNS: Final = ["attribute", "level", "people", "overridden", "override_rate", "low", "high", "raised", "lowered"]


def _sides(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    raw = np.asarray(values)
    if raw.ndim != 1 or pd.isna(raw).any() or not np.isin(raw, [0, 1]).all():
        raise EquiscoreError(f"{name}: one yes or no an entry is wanted. Fix: leave out people without a decision or a score, and say how many.")
    return raw.astype(bool)


def _ends(interval: Interval | None, hits: NDArray[Any], trials: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    if interval is None:
        return np.full(len(hits), np.nan), np.full(len(hits), np.nan)
    low, high = interval(hits, trials)
    return np.asarray(low, dtype=float), np.asarray(high, dtype=float)


def _rows(name: str, values: NDArray[Any], weight: NDArray[Any], moved: NDArray[Any], interval: Interval | None) -> pd.DataFrame:
    """Count overrides a level: raised to favourable against the score, or lowered."""
    level, code = np.unique(values.astype(str), return_inverse=True)
    people, raised, lowered = (np.bincount(code, weight * part, len(level)) for part in (np.ones(len(moved)), moved > 0, moved < 0))
    overridden = raised + lowered
    rate = np.divide(overridden, people, out=np.full(len(level), np.nan), where=people > 0)
    low, high = _ends(interval, overridden, people)
    columns = (name, level, people, overridden, rate, low, high, raised, lowered)
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))
