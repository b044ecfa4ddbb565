"""What was not observed bounds what can be said: people whose group is unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scoring.fairness.metrics import more_is_better
from scoring.vocabulary import REST

BOUNDS = ["attribute", "group", "metric", "ratio", "unknown", "unknown_hits", "ratio_lowest", "ratio_highest", "breakdown"]


def unknown_bounds(rows: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Return the worst and the best ratio over every allocation of the unknown members, one attribute at a time.

    With x of n in the group, y of m in the rest and u hits among N unknown:
    low = [x/(n+N-u)] / [(y+u)/(m+u)], high = [(x+u)/(n+u)] / [y/(m+N-u)] (Horowitz & Manski 1995): sharp, as the ratio rises in
    hits and falls in misses given to the group. `breakdown` is the smallest number of the N - u refused unknowns who, if all
    were members, bring the estimate to the tolerance; nan where no number of them does, 0 where it is there already.
    Bounds of several groups are not attained together.

    Parameters
    ----------
    rows
        Rows of `disparity.compare` with the reference ``rest``.
    tolerance
        The ratio that the breakdown is about.

    Returns
    -------
    DataFrame
        A row per group of a single attribute and metric, columns `BOUNDS`; `unknown` counts those in the metric's denominator.
    """
    single = rows[(rows["depth"] == 1) & (rows["reference"] == REST)]
    unknown = single[~single["known"].astype(bool)].set_index(["attribute", "metric"])[["trials", "hits"]]
    known = single[single["known"].astype(bool)].join(
        unknown.rename(columns={"trials": "unknown", "hits": "unknown_hits"}), on=["attribute", "metric"]
    )
    known = known.fillna({"unknown": 0.0, "unknown_hits": 0.0})
    x, n, y, m, total, u = (known[name].to_numpy(float) for name in ("hits", "trials", "ref_hits", "ref_trials", "unknown", "unknown_hits"))
    more = more_is_better(known["metric"])
    with np.errstate(divide="ignore", invalid="ignore"):
        low = (x / (n + total - u)) / ((y + u) / (m + u))
        high = ((x + u) / (n + u)) / (y / (m + total - u))
        lowest, highest = np.where(more, low, 1 / high), np.where(more, high, 1 / low)
        wanted = np.ceil(np.round(x * m / (tolerance * y) - n, 9))
    reachable = more & (wanted <= total - u)
    breakdown = np.where(reachable, np.maximum(wanted, 0.0), np.nan)
    return known.assign(ratio_lowest=lowest, ratio_highest=highest, breakdown=breakdown)[BOUNDS].reset_index(drop=True)


def depends_on_unknowns(rows: pd.DataFrame, tolerance: float) -> pd.Series[bool]:
    """Tell which rows could be below the tolerance if the unknowns were all members."""
    found = unknown_bounds(rows, tolerance).set_index(["attribute", "group", "metric"])["ratio_lowest"]
    keys = pd.MultiIndex.from_frame(rows[["attribute", "group", "metric"]])
    return pd.Series(found.reindex(keys).to_numpy(float) < tolerance, index=rows.index)
