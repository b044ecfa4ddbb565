"""What a search found, in plain sentences, English and French. No sentence clears a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from scoring.fairness.narrative import Titles, who
from scoring.inquiry.alternatives.settings import Settings
from scoring.texts import has, number, pick, say

ROOM: Final = "alternatives"
ALL: Final = "(all)"


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the sentences are made of: tables and choices, no people."""

    rows: pd.DataFrame
    settings: Settings
    baseline: str
    chosen: tuple[str, ...]
    max_auc_loss: float
    confirmed: pd.DataFrame | None
    set_aside: int
    rejected: int = 0


def title_of(row: Mapping[Any, Any], language: str, *, titles: Titles | None = None) -> str:
    """Return what a candidate is called, from its row of the table.

    >>> row = {"name": "x", "engine": "scorecard", "features_left_out": "rent, job", "parameters": "C=0.1", "method": "reweighing",
    ...     "attribute": "age", "settings": ""}
    >>> title_of(row, "en"), title_of({**row, "engine": "", "name": "(score in use)"}, "fr")
    ('scorecard without rent, job (C=0.1), reweighed by age', 'score en vigueur')
    """
    if not row["engine"]:
        return say(f"{ROOM}.in_use", language)
    engine = str(row["engine"])
    parts = [say(f"{ROOM}.engine_{engine}", language) if has(f"{ROOM}.engine_{engine}", language) else engine]
    if row["features_left_out"]:
        named = (pick((titles or {}).get(name), language) or name for name in str(row["features_left_out"]).split(", "))
        parts.append(say(f"{ROOM}.without", language, features=", ".join(named)))
    if row["parameters"]:
        parts.append(f"({row['parameters']})")
    title = " ".join(parts)
    if row["method"] == "plain":
        return title
    pairs = (pair.split("=", 1) for pair in str(row["settings"]).split(", ") if pair)
    settings = {name: number(float(value), "plain", language) for name, value in pairs}
    attribute = str(row["attribute"])
    named_attribute = say(f"{ROOM}.every_attribute", language) if attribute == ALL else pick((titles or {}).get(attribute), language) or attribute
    return say(f"{ROOM}.method_{row['method']}", language, title=title, attribute=named_attribute, **settings)


def narrative(told: Told, language: str = "en", *, titles: Titles | None = None) -> list[str]:
    """Return what was tried and found: baseline, choice, confirmation, and what the figures do not say."""
    return list(_sentences(told, language, titles))


def _sentences(told: Told, language: str, titles: Titles | None) -> Iterator[str]:
    rows = told.rows
    tried = rows[rows["family"] != "in use"]
    counts = {status: int((tried["status"] == status).sum()) for status in ("measured", "failed", "not tried")}
    yield _say("tried", language, measured=counts["measured"], failed=counts["failed"], not_tried=counts["not tried"], folds=told.settings.folds)
    base = rows[(rows["name"] == told.baseline) & (rows["status"] == "measured")]
    if base.empty:
        yield _say("no_baseline", language)
        return
    yield from _measured_on(base.iloc[0], told, language)
    yield _figures("baseline", base.iloc[0], told, language, titles)
    yield _say(f"frontier_{_number(tried['on_frontier'].sum())}", language, n=int(tried["on_frontier"].sum()))
    yield from _choice(told, language, titles)
    yield from _confirmation(told, language, titles)
    yield from _limits(tried, base.iloc[0], told, language)


def _measured_on(row: pd.Series[Any], told: Told, language: str) -> Iterator[str]:
    yield _say("people", language, people=row["people"], observed=row["observed"], unscored=row["unscored"], set_aside=told.set_aside)
    if told.rejected:
        yield _say(f"rejected_{_number(told.rejected)}", language, n=told.rejected)
    if row["observed"] < row["people"]:
        yield _say("observed_only", language, observed=row["observed"], people=row["people"])


def _figures(key: str, row: pd.Series[Any], told: Told, language: str, titles: Titles | None, **more: Any) -> str:
    plain = {str(name): value for name, value in row.items()}
    named = who({"attribute": plain["worst_attribute"], "group": plain["worst_group"]}, language, titles) if plain["worst_group"] else ""
    asked = {**plain, **more, "title": title_of(plain, language, titles=titles), "who": named}
    asked |= {"confidence": told.settings.bounds.confidence, "tolerance": told.settings.bounds.tolerance}
    said = say(f"{ROOM}.{key if named else key + '_no_group'}", language, **asked)
    if not np.isnan(plain["profit"]):
        said += " " + say(f"{ROOM}.profit", language, **asked)
    return said


def _choice(told: Told, language: str, titles: Titles | None) -> Iterator[str]:
    if not told.chosen:
        yield _say("none_chosen", language, loss=told.max_auc_loss)
        return
    rows = told.rows
    base = rows[rows["name"] == told.baseline].iloc[0]
    for name in told.chosen:
        row = rows[rows["name"] == name].iloc[0]
        yield _figures("chosen", row, told, language, titles, gap=float(row["auc"] - base["auc"]), loss=told.max_auc_loss)
        if row["uses_protected_at_decision"]:
            yield _say("at_decision", language)
        elif row["attribute"]:
            yield _say("while_learning", language)


def _confirmation(told: Told, language: str, titles: Titles | None) -> Iterator[str]:
    if told.confirmed is None:
        if told.chosen:
            yield _say("not_confirmed", language)
        return
    rows = told.confirmed
    for _, row in rows[rows["name"] != told.baseline].iterrows():
        plain = {str(name): value for name, value in row.items()}
        against = rows[rows["name"] == told.baseline].iloc[0]
        asked = {**plain, "before": float(against["worst_ratio"]), "confidence": told.settings.bounds.confidence}
        yield say(f"{ROOM}.confirmed", language, **asked)
        base = told.rows[told.rows["name"] == told.baseline].iloc[0]
        if base["worst_group"]:
            named = who({"attribute": base["worst_attribute"], "group": base["worst_group"]}, language, titles)
            yield say(f"{ROOM}.watched", language, **{**asked, "who": named})
            yield _say("gain_shown" if plain["watched_difference_low"] > 0 else "gain_open", language)
    if int(rows["looks"].iloc[0]) > 1:
        yield _say("looks", language, looks=int(rows["looks"].iloc[0]))


def _limits(tried: pd.DataFrame, base: pd.Series[Any], told: Told, language: str) -> Iterator[str]:
    yield _say("groups", language, groups=base["groups"], smallest=told.settings.least_people)
    if not tried["uses_protected_at_decision"].any():
        yield _say("left_out", language)
    absent = tried[tried["reason"] == "fairlearn is not installed"]
    if len(absent):
        yield _say("no_fairlearn", language, n=len(absent))
    yield _say("caution", language)


def _number(n: Any) -> str:
    return "one" if int(n) == 1 else "many"


def _say(key: str, language: str, **values: Any) -> str:
    return say(f"{ROOM}.{key}", language, **values)
