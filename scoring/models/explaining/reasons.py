"""Reason codes: which features cost a person most against a baseline, ranked, for any number of people at once.

The semantics are those of the Scorecard of PMML 4.4 (Data Mining Group 2019, *Scorecard*): a part of the score is held against the
`baselineScore` of its characteristic, by ``pointsBelow`` (baseline - part: what it cost) or ``pointsAbove`` (part - baseline: what it
brought), and the largest differences are the first reasons. A tie goes to the feature that comes first in the model, and a feature
that cost nothing is no reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError
from scoring.models.columns import MISSING, UNSEEN
from scoring.models.explaining.contributions import TOLERANCE, Contributions
from scoring.models.explaining.curves import Floats
from scoring.models.explaining.traits import Trait, Traits, read_traits

BELOW, ABOVE = "points_below", "points_above"
ALGORITHMS: Final = (BELOW, ABOVE)
METHODS: Final = ("minimum", "maximum", "mean", "attainable", "neutral")
"""``minimum``, ``maximum``, ``mean``: of the population's parts. ``attainable``: the best bin of the card. ``neutral``: 0 (on a card WoE 0)."""
CLOSE: Final = 9
"""Differences that agree to so many decimals are a tie: what parts them is rounding."""

REASONS: Final = ["row", "rank", "feature", "part", "baseline", "difference", "unit", "protected", "changeable"]


@dataclass(frozen=True, slots=True, eq=False)
class ReasonCodes:
    """What each feature cost (or brought) each person against its baseline, and in which rank; nothing is left out of the arrays.

    Attributes
    ----------
    names : tuple of str
        The features, p of them, in the order of the model.
    parts : ndarray (people, p)
        What each feature gave each person.
    baseline : ndarray (p,)
        What it is held against.
    difference : ndarray (people, p)
        ``baseline - parts`` (points_below) or ``parts - baseline`` (points_above), in `unit`.
    rank : ndarray (people, p) of int16
        1 for the largest difference; 0 where the difference is not above 0: no reason.
    most : int
        How many reasons `table` and `wide` list.
    unit : str
        ``points``, ``log-odds`` or ``probability``.
    algorithm, method : str
        How parts are held against the baseline, and where it comes from (``given`` where it was).
    traits : Traits
        Which features are protected and which a person can change.
    """

    names: tuple[str, ...]
    parts: Floats
    baseline: Floats
    difference: Floats
    rank: NDArray[np.int16]
    most: int
    unit: str
    algorithm: str
    method: str
    traits: Traits

    def table(self) -> pd.DataFrame:
        """Return a row a person and reason, the first reason first: see `REASONS`; protected and changeable stand beside each.

        `row` is the place of the person from 0; `changeable` is missing where it was not declared.
        """
        row, feature = np.nonzero((self.rank > 0) & (self.rank <= self.most))
        order = np.lexsort((self.rank[row, feature], row))
        row, feature = row[order], feature[order]
        columns = {
            "row": row, "rank": self.rank[row, feature], "feature": np.array(self.names, object)[feature], "part": self.parts[row, feature],
            "baseline": self.baseline[feature], "difference": self.difference[row, feature], "unit": self.unit,
            "protected": self.marks["protected"].array[feature], "changeable": self.marks["changeable"].array[feature],
        }  # fmt: skip
        return pd.DataFrame(columns)[REASONS]

    def wide(self) -> pd.DataFrame:
        """Return a row a person with columns reason_1, reason_2, ...: the names of features, missing where there is no such reason."""
        order = np.argsort(np.where(self.rank > 0, self.rank, len(self.names) + 1), axis=1, kind="stable")[:, : self.most]
        there = np.take_along_axis(self.rank, order, axis=1) > 0
        codes = np.where(there, order, -1).astype(np.intp)
        columns = {f"reason_{k + 1}": pd.Categorical.from_codes(codes[:, k], pd.Index(self.names)) for k in range(codes.shape[1])}
        return pd.DataFrame(columns, index=range(len(codes)))

    @property
    def marks(self) -> pd.DataFrame:
        """A row a feature: protected, changeable."""
        known = [self.traits.of(name) for name in self.names]
        marks = {"protected": [one.protected for one in known], "changeable": pd.array([one.changeable for one in known], dtype="boolean")}
        return pd.DataFrame(marks, index=list(self.names))


def reason_codes(
    found: Contributions,
    *,
    baseline: str | Mapping[str, float] = "mean",
    population: Contributions | None = None,
    weights: Any = None,
    card: Any = None,
    algorithm: str = BELOW,
    most: int = 4,
    traits: Traits | Mapping[str, Trait] | None = None,
) -> ReasonCodes:
    """Rank what each feature cost each person against its baseline.

    Parameters
    ----------
    found : Contributions
        What each feature gave each person.
    baseline : str or mapping from feature to number
        One of `METHODS`, or the numbers themselves (PMML's ``other``), in the units of `found`.
    population : Contributions, optional
        The people that minimum, maximum and mean are taken of; by default those of the card at fit, where there is a card, else
        those of `found`.
    weights : array_like, optional
        A weight for each person of the population, for the mean.
    card : Scorecard, optional
        The fitted card: ``attainable`` is the best of its bins of known values.
    algorithm : {"points_below", "points_above"}
        What a feature cost, or what it brought.
    most : int
        How many reasons to list.
    traits
        What is known of the features.

    Raises
    ------
    EquiscoreError
        An unknown method, algorithm or feature; a population explained from another base; ``attainable`` without a card.

    Examples
    --------
    The card of PMML 4.4's page, by hand: an engineer of 25 with an income of 500.

    >>> found = Contributions(("department", "age", "income"), np.array([[3.0, 0.0, 26.0]]), 0.0, np.array([29.0]))
    >>> reason_codes(found, baseline={"department": 19, "age": 18, "income": 10}).table()[["rank", "feature", "difference"]].values.tolist()
    [[1, 'age', 18.0], [2, 'department', 16.0]]
    """
    if algorithm not in ALGORITHMS or most < 1:
        raise EquiscoreError(f"algorithm={algorithm!r}, most={most!r}. Fix: use one of {', '.join(ALGORITHMS)}, and at least 1 reason.")
    held = baselines(found, baseline, population=population, weights=weights, card=card)
    difference = (held - found.values) * (1.0 if algorithm == BELOW else -1.0)  # noqa: PD011  (no pandas)
    method = baseline if isinstance(baseline, str) else "given"
    kept = read_traits(traits)
    return ReasonCodes(found.names, found.values, held, difference, ranked(difference), most, found.scale, algorithm, method, kept)


def ranked(difference: Floats) -> NDArray[np.int16]:
    """Return the rank of each positive difference within its row, 1 the largest, ties to the left; 0 elsewhere.

    >>> ranked(np.array([[2.0, 0.0, 5.0, 2.0, -1.0]]))
    array([[2, 0, 1, 3, 0]], dtype=int16)
    """
    close = np.round(difference, CLOSE)
    order = np.argsort(-close, axis=1, kind="stable")
    rank = np.empty(close.shape, np.int16)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(1, close.shape[1] + 1, dtype=np.int16), close.shape), axis=1)
    return np.where(close > 0, rank, np.int16(0))


# -- baselines ---------------------------------------------------------------------------------------------------------------------


def baselines(
    found: Contributions,
    baseline: str | Mapping[str, float],
    *,
    population: Contributions | None = None,
    weights: Any = None,
    card: Any = None,
) -> Floats:
    """Return the baseline of each feature (p,), in the units of `found`; see `reason_codes`."""
    if not isinstance(baseline, str):
        return _given(found, baseline)
    if baseline not in METHODS:
        raise EquiscoreError(f"No baseline {baseline!r}. Fix: use one of {', '.join(METHODS)}, or give a number a feature.")
    if baseline == "neutral":
        return np.zeros(len(found.names))
    if baseline == "attainable":
        return _by_bin(found, card, _best)
    if population is None and card is not None:
        return _by_bin(found, card, _OF_BINS[baseline])
    return _of_people(found, found if population is None else population, baseline, weights)


def _given(found: Contributions, baseline: Mapping[str, float]) -> Floats:
    if missing := [name for name in found.names if name not in baseline]:
        raise EquiscoreError(f"No baseline for {', '.join(map(repr, missing))}. Fix: give a number for each feature.")
    return np.array([baseline[name] for name in found.names], np.float64)


def _of_people(found: Contributions, population: Contributions, method: str, weights: Any) -> Floats:
    if population.names != found.names or abs(population.base - found.base) > TOLERANCE * max(1.0, abs(found.base)):
        raise EquiscoreError("The population was explained from another base or model. Fix: give both the same model and reference=.")
    if method == "mean":
        return np.asarray(np.average(population.values, axis=0, weights=weights), np.float64)
    return np.asarray((np.min if method == "minimum" else np.max)(population.values, axis=0), np.float64)


_OfBins = Callable[[Floats, Floats, NDArray[np.bool_]], float]


def _by_bin(found: Contributions, card: Any, reduced: _OfBins) -> Floats:
    """Reduce the points of the bins of each feature, their people at fit, and whether they hold known values, to one number."""
    if not hasattr(card, "points_table"):
        raise EquiscoreError('The best attainable part is read off the bins of a card. Fix: give card=, or use baseline="maximum".')
    rows = card.points_table()
    by_feature = dict(list(rows.groupby("feature", sort=False)))

    def of(name: str) -> float:
        part = by_feature[name]
        return reduced(part["points"].to_numpy(np.float64), part["count"].to_numpy(np.float64), ~part["bin"].isin([MISSING, UNSEEN]).to_numpy())

    return np.array([of(name) for name in found.names], np.float64)


def _best(points: Floats, _: Floats, known: NDArray[np.bool_]) -> float:
    return float(points[known].max())


_OF_BINS: Final[Mapping[str, _OfBins]] = {
    "minimum": lambda points, people, _: float(points[people > 0].min()),
    "maximum": lambda points, people, _: float(points[people > 0].max()),
    "mean": lambda points, people, _: float(np.average(points, weights=people)),
}
