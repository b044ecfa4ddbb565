"""How unequal an amount is, and how much of it lies between groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from scoring.fairness.sums.amount_sums import Histogram, histogram
from scoring.plan import Amount
from scoring.texts import say

THEIL: Final = ["attribute", "amount", "of", "people", "zero", "negative", "mean", "theil", "within", "between", "between_share", "because"]


def theil(amounts: pd.DataFrame, plan_amounts: Mapping[str, Amount]) -> pd.DataFrame:
    """Return the inequality of each amount by Theil's T, exactly split into what lies between the groups of an attribute and within them.

    ``T = sum w a ln(a/mean) / sum w a = between + within``, between = sum s_g ln(mean_g / mean), within = sum s_g T_g, s_g the group's share
    of the total (Theil 1967; Shorrocks 1980, *Econometrica* 48:613). Who has 0 counts: a ln a is 0 there. Amounts below 0 have no T.

    Parameters
    ----------
    amounts
        What `amount_counts.count_amounts` counted.
    plan_amounts
        The declared amounts: whose are compared.

    Returns
    -------
    DataFrame
        A row per attribute and amount, columns `THEIL`, over those whose group is known. `between_share` is nan where all have the same.
    """
    parts = [
        _split(histogram(part, plan_amounts[str(name)])) | {"attribute": attribute, "amount": name, "of": plan_amounts[str(name)].of}
        for (attribute, name), part in amounts.groupby(["attribute", "amount"], sort=False)
        if name in plan_amounts
    ]
    return pd.DataFrame(parts, columns=THEIL)


def _split(held: Histogram) -> dict[str, Any]:
    weight, total, logs = (values[held.known] for values in (held.weight.sum(1), held.total.sum(1), held.log_total))
    negative = float(held.negative[held.known].sum())
    asked = negative == 0 and total.sum() > 0
    code = "" if asked else "negative" if negative else "nothing"
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total.sum() / weight.sum()
        index = logs.sum() / total.sum() - np.log(mean)
        share = total / total.sum()
        between = float(np.where(total > 0, share * np.log(total / weight / mean), 0.0).sum())
        within = float(np.where(total > 0, share * (logs / total - np.log(total / weight)), 0.0).sum())
    found = {"theil": float(index), "within": within, "between": between, "between_share": between / index if index > 1e-12 else np.nan}
    counted = {name: float(values[held.known].sum()) for name, values in (("people", held.people), ("zero", held.zero))}
    because = say(f"amounts.because_theil_{code}", "en") if code else ""
    return counted | {"negative": negative, "mean": float(mean), "because": because} | (found if asked else dict.fromkeys(found, np.nan))
