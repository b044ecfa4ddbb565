"""The published tables as sheets: every row, combinations included, numbers as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scoring.dossier.document import Cell, Column, Row
from scoring.dossier.further_sheets import further_tables
from scoring.dossier.parts.study.page_one import rejections, standing
from scoring.dossier.parts.study.score import calibration, shown_points
from scoring.dossier.parts.study.wording import guideline
from scoring.dossier.view import View, rows_of
from scoring.fairness.verdicts import because
from scoring.study import Study
from scoring.texts import say
from scoring.vocabulary import Criterion

_RATIO = {"ratio": "ratio", "ratio_low": "ratio", "ratio_high": "ratio"}
_RATES = {"hits": "count", "trials": "count", "value": "percent", "low": "percent", "high": "percent"}
_WHO = {"attribute": "text", "group": "text", "metric": "text"}
_LIMITS = ("", "_low", "_high")
_JUDGED = {
    **_WHO,
    "verdict": "text",
    "people": "count",
    **_RATES,
    "reference": "text",
    "ref_hits": "count",
    "ref_trials": "count",
    "reference_value": "percent",
    **_RATIO,
    **{f"difference{limit}": "percent" for limit in _LIMITS},
    **{f"shortfall{limit}": "count" for limit in _LIMITS},
    "refusal_ratio": "ratio",
    "ratio_to_best": "ratio",
    **dict.fromkeys(("p_exclusion", "p_exclusion_adjusted", "p_within", "p_within_adjusted"), "p"),
    "family": "count",
    "needed": "count",
    "under": "text",
    "folded": "text",
    "because": "text",
}
_SEGMENTS = {**_WHO, "segment": "text", "offer": "text", **_RATES, "reference_value": "percent", **_RATIO}
_BOUNDS = {
    **_WHO,
    "ratio": "ratio",
    "unknown": "count",
    "unknown_hits": "count",
    "ratio_lowest": "ratio",
    "ratio_highest": "ratio",
    "breakdown": "count",
}
_AUC = {"attribute": "text", "group": "text", "good": "count", "bad": "count", "auc": "ratio3", "auc_low": "ratio3", "auc_high": "ratio3"}
_CALIBRATION = {"part": "count", "from_score": "plain", "people": "count", "good": "count", "share": "percent"}
_POINTS = {"feature": "text", "bin": "text", "points": "plain", "woe": "ratio3", "count": "count", "favourable_share": "percent"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of its own: title, columns, rows."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def sheets(study: Study, language: str) -> tuple[Sheet, ...]:
    """Return the published tables of a study; the first sheet says what they are. A table without rows is left out."""
    view = View.of(study, language)
    made = [_sheet(view, name, kinds, rows) for name, kinds, rows in (*published_tables(view), *further_tables(view)) if len(rows)]
    return (_about(view, made), *made, _not_measured(view))


def published_tables(view: View) -> Iterator[tuple[str, Mapping[str, str], Sequence[Mapping[str, Any]]]]:
    """Go through the published tables of a study: name, kind of each column, rows."""
    yield "verdicts", _JUDGED, [_judged(view, row) for row in rows_of(view.judged)]
    yield "rates", {**_WHO, **_RATES}, [_named(view, row) for row in rows_of(view.tables.rates())]
    yield "bounds", _BOUNDS, [_named(view, row) for row in rows_of(_shown_bounds(view))]
    yield "segments", _SEGMENTS, [_segment(view, row) for row in rows_of(view.tables.segments().assign(metric="segment_share"))]
    yield "offers", _JUDGED, [_judged(view, {**row, "under": ""}) for row in rows_of(view.tables.offers())]
    auc = view.tables.performance().rename(columns={"low": "auc_low", "high": "auc_high"})
    yield "auc", _AUC, [_named(view, row) if row["group"] else {**row, "group": view.say("everybody")} for row in rows_of(auc)]
    yield "calibration", _CALIBRATION, rows_of(calibration(view))
    points = view.study.facts.get("points") or []
    yield "points", _POINTS, [_point(row, view.say("withheld_cell")) for row in shown_points(points, view.threshold, view.say("withheld_cell"))]


def _point(row: Mapping[str, Any], withheld: str) -> Mapping[str, Any]:
    """Withhold the weight of evidence with the count that it would give away."""
    return {**row, "woe": withheld} if row["count"] == withheld else row


def _shown_bounds(view: View) -> pd.DataFrame:
    """Return the bounds of the attributes whose unknown members are enough to be shown."""
    rows = view.tables.bounds()
    shown = [name for name in view.tables.counts.attributes if view.unknown(name)]
    return rows[rows["attribute"].isin(shown) & rows["ratio"].notna()]


def _named(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row in the reader's words."""
    metric = {"metric": view.metric(str(row["metric"]))} if "metric" in row else {}
    return {**row, "attribute": view.name(str(row["attribute"])), "group": view.level(str(row["group"])), **metric}


def _segment(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_named(view, row), "segment": view.level(str(row["segment"])), "offer": _offer(view, row)}


def _offer(view: View, row: Mapping[str, Any]) -> str:
    offers = view.plan.segments.offers if view.plan.segments else {}
    return (offers.get(str(row["segment"])) or view.say("no_offer")) if offers else ""


def _judged(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        **_named(view, row),
        "verdict": say(f"verdict.{row['verdict']}", view.language),
        "reference": view.whom(row),
        "because": because(tuple(row["reasons"]), dict(row), view.plan.bounds, view.language),
        "under": view.named.get(str(row["under"]), "") if isinstance(row["under"], str) else "",
    }


def _sheet(view: View, name: str, kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Sheet:
    columns = tuple(Column(view.say(f"x_{column}"), kind) for column, kind in kinds.items())
    return Sheet(view.say(f"sheet_{name}"), columns, tuple(Row(tuple(row[column] for column in kinds)) for row in rows))


def _about(view: View, made: Sequence[Sheet]) -> Sheet:
    """Say what the file is, whom it is about, and what it does not say."""
    document, source = view.study.document, view.study.source
    studied, rejected = standing(view)
    told: list[tuple[str, Cell]] = [
        (view.say("activity"), view.pick(document["name"]) if document else view.say("no_declaration")),
        (view.say("in_file"), studied + rejected),
        (view.say("studied"), studied),
        (view.say("rejected"), rejected),
        *((view.say("rejected"), said) for said in rejections(view)),
        (view.say("heading_held_against"), guideline(view)),
        (view.say("published"), view.say("published_said", threshold=view.threshold)),
        *((view.say("not_said"), view.say(f"not_said_{name}")) for name in ("law", "process", "clearance", "measured")),
        (view.say("input"), str(source.get("name"))),
        ("SHA-256", source.get("sha256") or view.say("not_recorded")),
        ("Equiscore", str(view.study.environment.get("equiscore", ""))),
        (view.say("digest"), view.study.digest or view.say("not_saved")),
        *((view.say("sheet"), view.say("sheet_rows", sheet=sheet.title, rows=len(sheet.rows))) for sheet in made),
    ]
    columns = (Column(view.say("x_what")), Column(view.say("x_said")))
    return Sheet(view.say("sheet_about"), columns, tuple(Row(pair) for pair in told))


def _not_measured(view: View) -> Sheet:
    measured = {group.criterion for group in view.plan.groups.values()}
    why = {one.criterion: view.pick(one.why) for one in view.plan.not_measured}
    columns = (Column(view.say("ground")), Column(view.say("declared_reason")))
    rows = tuple(
        Row((say(f"criterion.{criterion.value}", view.language), why.get(criterion, view.say("no_reason_short"))))
        for criterion in Criterion
        if criterion not in measured
    )
    return Sheet(view.say("sheet_not_measured"), columns, rows)
