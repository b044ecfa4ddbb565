"""The further tables, ready to be shown: published rows that hold numbers; empty where the study does not ask the question.

Dossier, workbook and dashboard read them here, so that what one of them withholds, all of them do.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from scoring.fairness.metrics import COMPOSITES, METRICS
from scoring.further import FurtherTables
from scoring.vocabulary import OF_A_SEARCH, SMALL_GROUPS, Role

_NOTHING = pd.DataFrame()


def conditional(tables: FurtherTables, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Return each group's ratio over all strata and within them, side by side."""
    if not tables.plan.with_role(Role.STRATUM):
        return _NOTHING
    rows = _whole(tables.conditional(metrics=metrics))
    return rows.assign(**{name: rows[name].astype(bool) for name in ("simpson", "simpson_shown")})


def by_stratum(tables: FurtherTables, metrics: Sequence[str] | None = None) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Return each group in each stratum, and the pairs (attribute, strata) that are withheld; their strata are not named."""
    if not tables.plan.with_role(Role.STRATUM):
        return _NOTHING, []
    rows = _whole(tables.by_stratum(metrics=metrics))
    held = rows["withheld"].to_numpy(bool)
    left = dict.fromkeys((str(attribute), str(by)) for attribute, by in rows.loc[held, ["attribute", "stratified_by"]].to_numpy())
    return rows[~held].reset_index(drop=True), list(left)


def funnel(tables: FurtherTables) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Return who passed each stage, and the pairs (attribute, stage) that are withheld."""
    if not tables.plan.funnel:
        return _NOTHING, []
    rows = _whole(tables.funnel())
    held = rows["withheld"].to_numpy(bool)
    left = dict.fromkeys((str(attribute), str(stage)) for attribute, stage in rows.loc[held, ["attribute", "stage"]].to_numpy())
    return rows[~held].reset_index(drop=True), list(left)


def amounts(tables: FurtherTables) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Return mean and quantiles of each amount, and the pairs (attribute, amount) that are withheld.

    A group large enough to be shown may have amounts of a few only; a mean of these, or of everybody but these, gives them away.
    """
    if not tables.plan.amounts:
        return _NOTHING, []
    rows = _in_order(tables, _whole(tables.amounts()))
    if tables.threshold is not None:
        held = rows["withheld"].to_numpy(bool)
        left = dict.fromkeys((str(attribute), str(amount)) for attribute, amount in rows.loc[held, ["attribute", "amount"]].to_numpy())
        return rows[~held].reset_index(drop=True), list(left)
    return rows, []


def inequality(tables: FurtherTables) -> pd.DataFrame:
    """Return how unequal each amount is, and how much of it lies between groups; not where a group's amounts are withheld."""
    if not tables.plan.amounts:
        return _NOTHING
    rows, left = tables.inequality(), set(amounts(tables)[1])
    return rows[[pair not in left for pair in zip(rows["attribute"], rows["amount"], strict=True)]].reset_index(drop=True)


def representation(tables: FurtherTables) -> pd.DataFrame:
    """Return each group's share of the file beside its share of the population served."""
    return _whole(tables.representation()) if tables.plan.population else _NOTHING


def memberships(tables: FurtherTables, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the weighted estimate and the bounds of each level known by probability."""
    return tables.memberships(metrics) if tables.plan.memberships else _NOTHING


def selective(tables: FurtherTables) -> pd.DataFrame:
    """Return between what values the judged metrics of outcomes lie: without an assumption, then under each that can be asked.

    Empty where every outcome was observed.
    """
    metrics = [name for name in judged_metrics(tables) if METRICS[name].needs_outcome]
    if tables.plan.outcome is None or not metrics:
        return _NOTHING
    plain = _whole(tables.selective("none", metrics))
    if plain.empty or not (plain["unobserved"] > 0).any() or not (plain["observed"] > 0).any():
        return _NOTHING
    asked = ["monotone", "score"] if len(tables.counts.edges) else ["monotone"]
    assumed = [_whole(tables.selective(name, metrics)) for name in asked]  # type: ignore[arg-type]  # names of assumptions
    rows = pd.concat([plain, *(found[found["assumption"] != "none"] for found in assumed)], ignore_index=True)
    return _in_order(tables, rows)


def judged_metrics(tables: FurtherTables) -> list[str]:
    """Return the names of the metrics with a verdict, the primary one first."""
    names = [name for name in dict.fromkeys([tables.plan.primary, *tables.judged(depth=1)["metric"]]) if name not in COMPOSITES]
    return [name for name in names if name in METRICS]


def scores(tables: FurtherTables) -> pd.DataFrame:
    """Return the score metrics that have a value, of everybody and of each group."""
    if not len(tables.counts.edges):
        return _NOTHING
    rows = _whole(tables.scores())
    return rows[rows["value"].notna()].reset_index(drop=True)


def sweep(tables: FurtherTables, attribute: str) -> pd.DataFrame:
    """Return the selection rate of each group at each cut-off, in the score's own direction."""
    if not len(tables.counts.edges):
        return _NOTHING
    rows = _whole(tables.threshold_sweep(attribute, ["selection_rate"]))
    return rows.assign(cutoff=tables.plan.direction * rows["cutoff"])


def other_ways(tables: FurtherTables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return every way to score that was tried, and those to be listed: the one in use, the choice, and those that no other beats."""
    if OF_A_SEARCH[0] not in tables.inquiry:
        return _NOTHING, _NOTHING
    rows = tables.alternatives()
    marks = ["baseline", "chosen", "on_frontier", "uses_protected_at_decision"]
    rows = rows.assign(**{name: rows[name].astype(bool) for name in marks})
    listed = rows[rows[marks[:3]].any(axis=1) & (rows["status"] == "measured")]
    return rows, listed.sort_values(["baseline", "chosen", "auc"], ascending=False, kind="stable").reset_index(drop=True)


def _in_order(tables: FurtherTables, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows in the order of the rates, whatever the order in which they were counted."""
    rates = tables.rates(metrics=[tables.plan.primary])
    places = {pair: place for place, pair in enumerate(zip(rates["attribute"], rates["group"], strict=True))}
    order = [places.get(pair, len(places)) for pair in zip(rows["attribute"], rows["group"], strict=True)]
    return rows.assign(order=order).sort_values("order", kind="stable").drop(columns="order").reset_index(drop=True)


def _whole(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out the rows that only name who is folded."""
    return rows[rows["group"] != SMALL_GROUPS].reset_index(drop=True)
