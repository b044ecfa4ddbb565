"""Who is in which segment and who gets an offer: each segment is read as a decision, by the same machinery.

"No offer" is an exclusion: whether an offer is made at all is judged like any other favourable decision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from scoring.bounds import Bounds
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import Reference, compare
from scoring.fairness.metrics import METRICS
from scoring.fairness.one_pass import GROUP
from scoring.vocabulary import REST, UNKNOWN

SHARES = [
    *("attribute", "group", "segment", "offer", "hits", "trials", "value", "low", "high", "reference", "reference_value"),
    *("ratio", "ratio_low", "ratio_high"),
]
NO_OFFER = "(no offer)"


def segment_rows(counts: Counts, offers: Mapping[str, str | None], *, reference: Reference = REST, bounds: Bounds) -> pd.DataFrame:
    """Return the share of each group in each segment, beside the reference's: rows of `compare` with segment and offer."""
    levels = sorted(counts.studied["segment"].unique(), key=lambda level: (level == UNKNOWN, level)) if "segment" in counts.cells else []
    parts = []
    for level in levels:
        rows = _as_decision(counts, counts.cells["segment"] == level, reference, bounds)
        parts.append(rows.assign(segment=level, offer=(offers.get(level) or NO_OFFER) if offers else ""))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SHARES)


def offer_rows(counts: Counts, offers: Mapping[str, str | None], *, reference: Reference = REST, bounds: Bounds) -> pd.DataFrame:
    """Return rows of `compare` in which the favourable decision is to get an offer at all."""
    made = [level for level, offer in offers.items() if offer]
    return _as_decision(counts, counts.cells["segment"].isin(made), reference, bounds)


def _as_decision(counts: Counts, favoured: pd.Series[bool], reference: Reference, bounds: Bounds) -> pd.DataFrame:
    decided = replace(counts, cells=counts.cells.assign(state=np.where(favoured, "au", "ru")), _margins={})
    return compare(decided, [(name,) for name in counts.attributes], [METRICS["selection_rate"]], reference=reference, bounds=bounds)


def association(counts: Counts, shown: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Return how far segments and groups go together: bias-corrected Cramer's V and total variation distance.

    The distance names one of the groups of each attribute that are `shown` as they are.

    V after Bergsma (2013, J. Korean Stat. Soc. 42:323): phi2 less (r-1)(c-1)/(n-1), never below 0. The distance of a group is
    half the sum of the absolute differences between its shares of the segments and the rest's; the largest one is given.
    """
    found: list[dict[str, Any]] = []
    for name in counts.attributes:
        table = counts.studied.pivot_table(index=GROUP + name, columns="segment", values="weight", aggfunc="sum", fill_value=0.0)
        known = table.drop(index=UNKNOWN, errors="ignore")
        found.append({"attribute": name, "cramers_v": cramers_v(known.to_numpy(float)), **_farthest(known, shown.get(name, ()))})
    return pd.DataFrame(found)


def cramers_v(table: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Return the bias-corrected Cramer's V of a table of counts; nan where a side has fewer than two levels.

    >>> round(cramers_v(np.array([[30.0, 10.0], [10.0, 30.0]])), 4)
    0.4903
    """
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    n, (rows, columns) = table.sum(), table.shape
    if min(rows, columns) < 2:
        return float("nan")
    expected = np.outer(table.sum(1), table.sum(0)) / n
    phi2 = max(0.0, ((table - expected) ** 2 / expected).sum() / n - (rows - 1) * (columns - 1) / (n - 1))
    free = min(side - (side - 1) ** 2 / (n - 1) for side in (rows, columns)) - 1
    return float(np.sqrt(phi2 / free))


def _farthest(table: pd.DataFrame, shown: Collection[str]) -> dict[str, Any]:
    """Return the shown group whose segments differ most from the rest's, and by how much."""
    counts = table.to_numpy(float)
    rest = counts.sum(0) - counts
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = 0.5 * np.abs(counts / counts.sum(1, keepdims=True) - rest / rest.sum(1, keepdims=True)).sum(1)
    distance = np.where(table.index.isin(list(shown)), distance, np.nan)
    if np.isnan(distance).all():
        return {"group": "", "total_variation": float("nan")}
    return {"group": str(table.index[int(np.nanargmax(distance))]), "total_variation": float(np.nanmax(distance))}
