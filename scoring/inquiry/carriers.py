"""Which features carry both the gap in the score and the group itself, and what is said of it, in English and French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scoring.fairness.narrative import Titles, who
from scoring.inquiry.drivers import DRIVERS
from scoring.inquiry.proxies import ALL
from scoring.texts import pick, say

CARRIERS = [
    *("attribute", "group", "feature", "gap", "gap_low", "gap_high", "share", "total_gap", "total_low", "total_high", "scale"),
    *("auc", "low", "high", "without", "carries_gap", "recovers", "both", "confidence"),
]


def carriers(driver_rows: pd.DataFrame, proxy_rows: pd.DataFrame, *, least_share: float = 0.1, least_auc: float = 0.55) -> pd.DataFrame:
    """Return which features carry both the gap in the score and the group.

    Parameters
    ----------
    driver_rows, proxy_rows : DataFrame
        What `drivers` and `recoverability` gave for the same attributes and features.
    least_share, least_auc : float
        The least share of the total gap, and the least AUC, that are worth a flag; our choice. They keep large files from flagging crumbs.

    Returns
    -------
    DataFrame
        A row a group and feature: the gap and its total with their intervals, the AUC of the feature alone (nan where it was not
        asked), without (AUC of all others), carries_gap (the total gap and the feature's part are both shown to differ from 0, and
        the part is at least `least_share` of it), recovers (the AUC is shown to be above .5, and is at least `least_auc`), both.
        Groups in their order, within them those that carry both first, then by size of the part. False says that it is not shown,
        never that it is not so.

    Examples
    --------
    >>> drives = pd.DataFrame({"attribute": "sex", "group": "F", "feature": ["job", "age"], "gap": [-8.0, -2.0], "gap_low": [-9.0, -4.0],
    ...     "gap_high": [-7.0, 0.5], "share": [0.8, 0.2], "total_gap": -10.0, "total_low": -12.0, "total_high": -8.0, "scale": "points"})
    >>> tells = pd.DataFrame({"attribute": "sex", "level": "F", "feature": ["(all)", "job", "age"], "auc": [0.8, 0.7, 0.6],
    ...     "low": [0.75, 0.65, 0.55], "high": [0.85, 0.75, 0.65], "without": [np.nan, 0.7, 0.79], "confidence": 0.95})
    >>> carriers(drives, tells)[["feature", "carries_gap", "recovers", "both"]].values.tolist()
    [['job', True, True, True], ['age', False, True, False]]
    """
    told = proxy_rows.rename(columns={"level": "group"})[["attribute", "group", "feature", "auc", "low", "high", "without"]]
    gaps = driver_rows[[name for name in DRIVERS if name in driver_rows and name in CARRIERS]]
    joined = gaps.drop(columns="confidence", errors="ignore").merge(told, on=["attribute", "group", "feature"], how="left")
    asked = proxy_rows["confidence"].iloc[0] if len(proxy_rows) else float("nan")
    carries = _apart(joined["total_low"], joined["total_high"]) & _apart(joined["gap_low"], joined["gap_high"]) & (joined["share"] >= least_share)
    joined = joined.assign(carries_gap=carries, recovers=(joined["low"] > 0.5) & (joined["auc"] >= least_auc), confidence=asked)
    joined["both"] = joined["carries_gap"] & joined["recovers"]
    keys = joined.groupby(["attribute", "group"], sort=False).ngroup()
    order = np.lexsort((-joined["gap"].abs().to_numpy(), ~joined["both"].to_numpy(bool), keys.to_numpy()))
    return joined.iloc[order].reset_index(drop=True)[CARRIERS]


def _apart(low: pd.Series[Any], high: pd.Series[Any]) -> pd.Series[Any]:
    return (low > 0) | (high < 0)


# -- sentences ---------------------------------------------------------------------------------------------------------------------


def proxy_sentences(rows: pd.DataFrame, language: str, *, titles: Titles | None = None, most: int = 3) -> list[str]:
    """Return what the rows of `recoverability` say, a text a level: whether the group is recovered, by what, and of whom it was asked.

    `titles` names attributes and features by language; `most` is how many features are named. No text clears a feature.
    """
    return [_told(part, language, titles, most) for _, part in rows.groupby(["attribute", "level"], sort=False)]


def _told(part: pd.DataFrame, language: str, titles: Titles | None, most: int) -> str:
    whole = _plain(part[part["feature"] == ALL].iloc[0])
    named = who({"attribute": whole["attribute"], "group": whole["level"]}, language, titles)
    if whole["reason"]:
        return say(f"inquiry.proxies_{whole['reason']}", language, **{**whole, "who": named})
    said = [say("inquiry.recovered" if whole["low"] > 0.5 else "inquiry.unsettled", language, **{**whole, "who": named})]
    alone = part[(part["feature"] != ALL) & (part["low"] > 0.5)].head(most)
    if len(alone):
        listed = [say("inquiry.alone_one", language, **_titled(_plain(row), language, titles)) for _, row in alone.iterrows()]
        said.append(say("inquiry.alone", language, parts=", ".join(listed)))
        if not np.isnan(alone["without"].iloc[0]):
            said.append(say("inquiry.without", language, **_titled(_plain(alone.iloc[0]), language, titles)))
    if whole["unknown"]:
        said.append(say(f"inquiry.left_out_{'one' if whole['unknown'] == 1 else 'many'}", language, **whole))
    if whole["n"] < whole["people"]:
        said.append(say("inquiry.sampled", language, **whole))
    return " ".join(said)


def carrier_sentences(rows: pd.DataFrame, language: str, *, titles: Titles | None = None) -> list[str]:
    """Return a sentence for each feature that carries both, and one for each group with a gap of which none is shown to."""
    said = []
    for _, part in rows.groupby(["attribute", "group"], sort=False):
        first = _plain(part.iloc[0])
        named = who(first, language, titles)
        both = [_titled(_plain(row), language, titles) for _, row in part[part["both"]].iterrows()]
        said += [say("inquiry.carrier", language, **{**row, "who": named}) for row in both]
        if not both and (first["total_low"] > 0 or first["total_high"] < 0):
            said.append(say("inquiry.carrier_none", language, who=named))
    return said


def _plain(row: pd.Series[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _titled(row: Mapping[str, Any], language: str, titles: Titles | None) -> dict[str, Any]:
    return {**row, "feature": pick((titles or {}).get(str(row["feature"])), language) or str(row["feature"])}
