"""What two studies say of the score and of who is unknown: stability index, AUC, share of unknown people, overrides, then and now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.fairness.drift import Shared
from scoring.fairness.intervals import difference_interval
from scoring.models.shifts.stability_intervals import population_stability
from scoring.reading import Tables
from scoring.study import Study
from scoring.vocabulary import UNKNOWN, WeightMeaning

Floats = NDArray[np.float64]
PARTS: Final = 10
"""Tenths of the signed score, as Siddiqi (2006) has them."""
LEAST_PARTS: Final = 5
"""Our choice: of fewer common parts the index sees too little to be called measured."""
_NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Change:
    """A number then and now, its change with an interval; `reasons` say why one of them is not there."""

    then: float = _NAN
    now: float = _NAN
    change: float = _NAN
    low: float = _NAN
    high: float = _NAN
    reasons: tuple[str, ...] = ()
    more: Mapping[str, float] = field(default_factory=dict)
    """What else belongs to it: the chance, the bias and the parts of an index."""


# -- the score ---------------------------------------------------------------------------------------------------------------------


def score_stability(signed: Study, new: Study, confidence: float) -> Change:
    """Return the population stability index of the score (as `change`), on about ten parts of the signed one, with its interval.

    Parts are cut where both studies have an edge; people without a score are a part of their own. `models.shifts.stability_intervals`
    has the method and its sources. Where customers may be in both files, chance alone makes the index smaller than it says.
    """
    if not (len(signed.counts.edges) and len(new.counts.edges)):
        return Change(reasons=("no_score",))
    cuts = _cuts(signed, new)
    if len(cuts) + 1 < min(LEAST_PARTS, len(_usable(signed))):
        return Change(reasons=("no_common_edges",))
    (before, squares_before), (after, squares_after) = (_by_part(study, cuts) for study in (signed, new))
    if not (before.sum() and after.sum()):
        return Change(reasons=("no_score",))
    found = population_stability(before, after, expected_squares=squares_before, actual_squares=squares_after, confidence=confidence)
    more = {"p": float(found.p), "bias": float(found.bias), "bins": float(found.bins), "one_sided": float(found.one_sided)}
    return Change(change=float(found.value), low=float(found.low), high=float(found.high), more=more)


def _usable(study: Study) -> Floats:
    """Return the edges that part people; the lowest parts nobody where it is the lowest score itself."""
    return study.counts.edges[1:] if study.counts.exact else study.counts.edges


def _cuts(signed: Study, new: Study) -> Floats:
    """Return about nine edges of both studies that part the signed people into tenths."""
    common = _usable(signed) if new.counts.exact else np.intersect1d(_usable(signed), new.counts.edges)
    if signed.counts.exact and not new.counts.exact:
        common = new.counts.edges  # the bins are the values themselves: any edge parts them
    if not len(common):
        return common
    weight = _by_part(signed, common)[0][:-1]
    reached = np.cumsum(weight)[:-1] / max(weight.sum(), 1e-300)
    chosen = {int(np.argmin(np.abs(reached - share))) for share in np.arange(1, PARTS) / PARTS}
    return np.asarray(common[sorted(chosen)])


def _by_part(study: Study, cuts: Floats) -> tuple[Floats, Floats]:
    """Return sums of weights, and of what intervals need of them, by part of the score; who has no score comes last.

    A bin lies at or above its lower edge. That of the lowest bin is below every cut.
    """
    rows = study.counts.histogram
    rows = rows[rows["attribute"] == study.counts.attributes[0]]
    bins = rows["bin"].to_numpy(int)
    ends = np.append(-np.inf, study.counts.edges)
    part = np.where(bins < 0, len(cuts) + 1, np.searchsorted(cuts, ends[np.maximum(bins, 0)], side="right"))
    squared = "weight_squared" if study.counts.weighted is WeightMeaning.WEIGHT else "weight"
    sums, squares = (np.bincount(part, rows[name].to_numpy(float), len(cuts) + 2).astype(np.float64) for name in ("weight", squared))
    return sums, squares


def auc_change(signed: Tables, new: Tables, shared: Shared) -> Change:
    """Return the change of the AUC of published tables; its limits join those of both studies (square-and-add, Zou & Donner 2008)."""
    sides = [_auc(tables) for tables in (signed, new)]
    if any(side is None for side in sides):
        return Change(reasons=("no_auc",))
    (then, low_then, high_then), (now, low_now, high_now) = (side for side in sides if side is not None)
    if shared != "none":
        return Change(then, now, now - then, reasons=("shared",))
    low, high = now - then - np.hypot(now - low_now, high_then - then), now - then + np.hypot(high_now - now, then - low_then)
    return Change(then, now, now - then, float(low), float(high), () if np.isfinite(low + high) else ("no_interval",))


def _auc(tables: Tables) -> tuple[float, float, float] | None:
    rows = tables.performance()
    everybody = rows[rows["group"] == ""]
    if everybody.empty or everybody["auc"].isna().any():
        return None
    value, low, high = (float(everybody[name].iloc[0]) for name in ("auc", "low", "high"))
    return value, low, high


# -- shares ------------------------------------------------------------------------------------------------------------------------


def share_change(then: tuple[float, float], now: tuple[float, float], shared: Shared, confidence: float) -> Change:
    """Return the change of a share, hits of trials then and now, with Newcombe's interval (1998, method 10) where the two are independent.

    >>> found = share_change((20, 1000), (60, 1000), "none", 0.95)
    >>> round(found.change, 3), round(found.low, 4), round(found.high, 4)
    (0.04, 0.0231, 0.0579)
    """
    if not (then[1] > 0 and now[1] > 0):
        return Change(reasons=("no_people",))
    shares = then[0] / then[1], now[0] / now[1]
    if shared != "none":
        return Change(*shares, shares[1] - shares[0], reasons=("shared",))
    low, high = difference_interval(*now, *then, confidence=confidence)
    return Change(*shares, shares[1] - shares[0], float(low), float(high))


def unknown_changes(signed: pd.DataFrame, new: pd.DataFrame, shared: Shared, confidence: float) -> dict[str, Change]:
    """Return the change of the share of unknown people by attribute, from published rows; none of an attribute in one study only."""
    sides = [_unknown(rows) for rows in (signed, new)]
    found = {}
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        pair = [side.get(name) for side in sides]
        if any(one is None for one in pair):
            found[name] = Change(reasons=("not_shown" if all(name in side for side in sides) else "other_attributes",))
        else:
            then, now = (one for one in pair if one is not None)
            found[name] = share_change(then, now, shared, confidence)
    return found


def _unknown(rows: pd.DataFrame) -> dict[str, tuple[float, float] | None]:
    """Return unknown people and everybody by attribute; none where the unknowns are folded with small groups."""
    single = rows[(rows["depth"] == 1)].drop_duplicates(["attribute", "group"])
    found: dict[str, tuple[float, float] | None] = {}
    for name, part in single.groupby("attribute", sort=False):
        hidden = part["folded"].map(lambda folded: UNKNOWN in str(folded)).any()
        people = part.loc[part["group"] == UNKNOWN, "people"].sum()
        found[str(name)] = None if hidden else (float(people), float(part["people"].sum()))
    return found


# -- overrides ---------------------------------------------------------------------------------------------------------------------


def override_change(signed: Study, new: Study, shared: Shared, confidence: float) -> Change:
    """Return the change of the share of decisions that depart from the score.

    It is measured where decisions are a column and the cut-off of one of the studies parts its score; otherwise it is the fact
    `override_rate` that the declaration states. A decision that is the cut-off itself departs from nothing, so it says nothing.
    """
    cutoff = next((study.cutoff for study in (signed, new) if study.cutoff is not None), None)
    then, now = (_overridden(study, cutoff) for study in (signed, new))
    if then is None or now is None:
        return Change(reasons=("no_overrides",))
    if isinstance(then, tuple) and isinstance(now, tuple):
        return share_change(then, now, shared, confidence)
    before, after = (rate if isinstance(rate, float) else rate[0] / rate[1] for rate in (then, now))
    return Change(before, after, after - before, reasons=("stated",))


def _overridden(study: Study, cutoff: float | None) -> tuple[float, float] | float | None:
    """Return decisions that depart from the score and all with a score, or the rate that was stated, or none."""
    column, edges = study.plan.decision.column is not None, study.counts.edges
    if column and cutoff is not None and len(edges) and (study.counts.exact or cutoff in edges):
        rows = study.counts.histogram
        rows = rows[(rows["attribute"] == study.counts.attributes[0]) & (rows["bin"] >= 0)]
        favoured = np.append(-np.inf, edges)[rows["bin"].to_numpy(int)] >= cutoff
        weight = rows["weight"].to_numpy(float)
        if weight.sum() > 0:
            return float(weight[favoured != (rows["decision"] == 1).to_numpy()].sum()), float(weight.sum())
    stated = ((study.document or {}).get("facts") or {}).get("override_rate")
    return float(stated) if isinstance(stated, int | float) and not isinstance(stated, bool) else None
