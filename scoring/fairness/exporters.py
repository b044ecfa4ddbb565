"""Our tables under the names and signs of aequitas and AIF360.

Where a denominator is 0 the libraries differ; exports keep our rule and say so here (run with fairlearn 0.15.0, aequitas 1.1.0 and AIF360
0.6.1):

=======================  ====  =========================  =============  ==================================================
case                     here  fairlearn                  aequitas       AIF360
=======================  ====  =========================  =============  ==================================================
rate, 0 of 0             nan   0.0                        nan            nan (TPR, FPR); 0.0 (PPV, NPV, FDR, FOR)
ratio, 0 to 0            nan   nan                        nan            nan
ratio, 0 to more         0     0                          0              0
ratio, more to 0         inf   0 (smallest over largest)  10.0 (capped)  inf; 0.0 in its scikit-learn style, with a warning
difference with 0 of 0   nan   as from a rate of 0        none           nan
=======================  ====  =========================  =============  ==================================================

An aequitas disparity is always rate over reference rate, and an AIF360 difference always unprivileged minus privileged, whichever
way is good for the person; ours are turned for metrics of which less is better. Both are worked out here from the rates, not from
the turned effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from scoring.errors import EquiscoreError
from scoring.fairness.disparity import IS_REFERENCE
from scoring.vocabulary import UNKNOWN

_KEYS: Final = ["attribute", "group"]
AEQUITAS: Final[Mapping[str, str]] = {
    "accuracy": "accuracy",
    "true_positive_rate": "tpr",
    "true_negative_rate": "tnr",
    "false_omission_rate": "for",
    "false_discovery_rate": "fdr",
    "false_positive_rate": "fpr",
    "false_negative_rate": "fnr",
    "negative_predictive_value": "npv",
    "positive_predictive_value": "precision",
    "selection_rate": "pprev",
    "base_rate": "prev",
}
"""Our names and aequitas' names of the rates."""
_COUNTS: Final = (
    ("pp", "selection_rate", "hits"),
    ("group_size", "selection_rate", "trials"),
    ("tp", "true_positive_rate", "hits"),
    ("fp", "false_positive_rate", "hits"),
    ("fn", "false_negative_rate", "hits"),
    ("tn", "true_negative_rate", "hits"),
    ("group_label_pos", "true_positive_rate", "trials"),
    ("group_label_neg", "false_positive_rate", "trials"),
)
AIF360: Final[Mapping[str, tuple[str, str]]] = {
    "statistical_parity_difference": ("selection_rate", "difference"),
    "disparate_impact": ("selection_rate", "ratio"),
    "mean_difference": ("base_rate", "difference"),
    "equal_opportunity_difference": ("true_positive_rate", "difference"),
    "true_positive_rate_difference": ("true_positive_rate", "difference"),
    "false_positive_rate_difference": ("false_positive_rate", "difference"),
    "false_negative_rate_difference": ("false_negative_rate", "difference"),
    "false_omission_rate_difference": ("false_omission_rate", "difference"),
    "false_discovery_rate_difference": ("false_discovery_rate", "difference"),
    "false_positive_rate_ratio": ("false_positive_rate", "ratio"),
    "false_negative_rate_ratio": ("false_negative_rate", "ratio"),
    "false_omission_rate_ratio": ("false_omission_rate", "ratio"),
    "false_discovery_rate_ratio": ("false_discovery_rate", "ratio"),
    "error_rate_difference": ("error_rate", "difference"),
    "error_rate_ratio": ("error_rate", "ratio"),
}
"""AIF360's names, the rate they are of and how it is compared. `mean_difference` is of the outcomes, as for a dataset of its own."""


def to_aequitas(rates: pd.DataFrame, disparities: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a row per attribute and group with aequitas' column names.

    Parameters
    ----------
    rates
        `Study.rates()`.
    disparities
        `Study.disparities()`, for the columns `<metric>_disparity` and `<metric>_ref_group_value`; its reference is theirs.

    Returns
    -------
    DataFrame
        model_id, attribute_name, attribute_value, the rates (``pprev`` is our selection rate, ``ppr`` the group's share of all who
        were selected, which is no rate of the group), pp, pn, group_size, total_entities, k and, where outcomes are
        known, tp, fp, fn, tn, group_label_pos, group_label_neg, prev; then the disparities. Nothing is capped.

    Raises
    ------
    EquiscoreError
        Rates without the selection rate, or frames that are not these tables.

    Examples
    --------
    >>> rates = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "metric": "selection_rate",
    ...                       "hits": [2.0, 6.0], "trials": [8.0, 8.0], "value": [0.25, 0.75]})
    >>> to_aequitas(rates)[["attribute_value", "pprev", "ppr", "pp", "group_size"]].to_dict("list")
    {'attribute_value': ['F', 'M'], 'pprev': [0.25, 0.75], 'ppr': [0.25, 0.75], 'pp': [2.0, 6.0], 'group_size': [8.0, 8.0]}
    """
    _needs(rates, ["hits", "trials", "value"], "rates")
    if not (rates["metric"] == "selection_rate").any():
        raise EquiscoreError("rates: no selection_rate, which gives aequitas its group sizes. Fix: ask rates() for it as well.")
    order = rates[_KEYS].drop_duplicates()
    table = order.merge(_counted(rates), on=_KEYS, how="left")
    table = table.merge(_wide(rates, "value", AEQUITAS), on=_KEYS, how="left")
    if disparities is not None:
        table = table.merge(_compared(disparities), on=_KEYS, how="left")
    return table.rename(columns={"attribute": "attribute_name", "group": "attribute_value"}).assign(model_id=0).pipe(_first, "model_id")


def _counted(rates: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of each group, as aequitas names them."""
    known = set(rates["metric"])
    parts = {ours: rates[rates["metric"] == metric].set_index(_KEYS)[column].astype(float) for ours, metric, column in _COUNTS if metric in known}
    table = pd.DataFrame(parts).reset_index()
    of = table.groupby("attribute")
    selected = of["pp"].transform("sum")
    return table.assign(
        pn=table["group_size"] - table["pp"], k=selected, total_entities=of["group_size"].transform("sum"),
        ppr=(table["pp"] / selected.where(selected > 0)),
    )  # fmt: skip


def _compared(disparities: pd.DataFrame) -> pd.DataFrame:
    """Return rate over reference rate, and who the reference is; of itself it is 1."""
    _needs(disparities, ["reference", "value", "reference_value"], "disparities")
    itself = disparities["reference"] == IS_REFERENCE
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = disparities["value"].to_numpy(float) / disparities["reference_value"].to_numpy(float)
    rows = disparities.assign(
        disparity=np.where(itself & disparities["value"].notna(), 1.0, ratio), named=disparities["reference"].where(~itself, disparities["group"])
    )
    ratios, names = _wide(rows, "disparity", AEQUITAS, "_disparity"), _wide(rows, "named", AEQUITAS, "_ref_group_value")
    return ratios.merge(names, on=_KEYS)


def to_aif360(disparities: pd.DataFrame) -> pd.DataFrame:
    """Return a row per attribute and group with AIF360's measures and signs: the group (unprivileged) minus its reference (privileged).

    Parameters
    ----------
    disparities
        `Study.disparities(reference=...)`; the reference is who counts as privileged: a named level, the best-off, the rest.

    Returns
    -------
    DataFrame
        attribute, group, privileged, then the measures of `AIF360` that the rows give, `average_odds_difference` (the mean of the
        differences of false and true positive rates: gaps of opposite sign cancel in it, so it never comes without the two) and
        `average_abs_odds_difference`. Neither the reference itself nor the unknowns have a row: they are no unprivileged group.

    Raises
    ------
    EquiscoreError
        A frame that is not that table.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F"], "metric": "selection_rate", "reference": "M"})
    >>> rows = rows.assign(value=0.25, reference_value=0.75)
    >>> to_aif360(rows)[["group", "privileged", "statistical_parity_difference"]].to_dict("list")
    {'group': ['F'], 'privileged': ['M'], 'statistical_parity_difference': [-0.5]}
    """
    _needs(disparities, ["reference", "value", "reference_value"], "disparities")
    rows = disparities[(disparities["reference"] != IS_REFERENCE) & (disparities["group"] != UNKNOWN)]
    with np.errstate(divide="ignore", invalid="ignore"):
        own, other = rows["value"].to_numpy(float), rows["reference_value"].to_numpy(float)
        rows = rows.assign(difference=own - other, ratio=own / other)
    wide = {kind: rows.pivot_table(index=_KEYS, columns="metric", values=kind, dropna=False, sort=False) for kind in ("difference", "ratio")}
    privileged = rows.drop_duplicates(_KEYS).set_index(_KEYS)["reference"]
    measures = {name: wide[kind][metric] for name, (metric, kind) in AIF360.items() if metric in wide[kind]}
    table = pd.DataFrame({"privileged": privileged, **{name: values.reindex(privileged.index) for name, values in measures.items()}})
    if {"true_positive_rate", "false_positive_rate"} <= set(wide["difference"]):
        both = wide["difference"][["false_positive_rate", "true_positive_rate"]].reindex(privileged.index)
        table = table.assign(
            average_odds_difference=both.mean(axis=1, skipna=False), average_abs_odds_difference=both.abs().mean(axis=1, skipna=False)
        )
    return table.reset_index()


def _wide(rows: pd.DataFrame, column: str, names: Mapping[str, str], suffix: str = "") -> pd.DataFrame:
    """Return one column a metric."""
    held = rows[rows["metric"].isin(list(names))]
    columns = {names[str(metric)] + suffix: part.set_index(_KEYS)[column] for metric, part in held.groupby("metric", sort=False)}
    return pd.DataFrame(columns).reset_index()


def _first(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    return table[[*columns, *(name for name in table if name not in columns)]]


def _needs(frame: pd.DataFrame, columns: list[str], name: str) -> None:
    absent = [column for column in [*_KEYS, "metric", *columns] if column not in frame]
    if absent:
        raise EquiscoreError(f"{name}: no column {absent[0]!r}. Fix: hand in what {name}() of a study returns.")
