"""The stages before the decision: at which of them each group is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from scoring.dossier.document import Block, Bullets, Column, Estimate, Figure, OutOf, Paragraph, Row, TableBlock
from scoring.dossier.further_rows import funnel as funnel_rows
from scoring.dossier.further_words import MOST, funnel_said, lost_on_the_way, stage_titles
from scoring.dossier.parts.study.wording import guideline
from scoring.dossier.view import View, rows_of
from scoring.fairness.verdicts import because_in
from scoring.plots.alternatives import funnel_alternative
from scoring.plots.canvas import to_svg
from scoring.plots.funnel import plot_funnel
from scoring.vocabulary import Verdict


def funnel(view: View) -> Iterator[Block]:
    """Say who is lost where, then draw and list the stages."""
    rows, withheld = funnel_rows(view.tables)
    if not view.plan.funnel:
        return
    stages = stage_titles(view.plan, view.language)
    yield view.heading("funnel")
    yield Paragraph(view.say("funnel_intro", names=view.listed(stages.values())))
    told = lost_on_the_way(rows, withheld)
    said = funnel_said(told, view.plan, view.language, view.titles) if len(told) else [view.say("funnel_none")]
    yield Bullets(tuple(said[:MOST]))
    if len(said) > MOST:
        yield Paragraph(view.say("further_more", n=len(said) - MOST))
    for attribute in told["attribute"].unique() if len(told) else ():
        yield _figure(view, rows[rows["attribute"] == attribute], stages)
    if len(rows):
        yield _table(view, rows, stages)
    if withheld:
        names = view.semicolons(view.say("named_stage", name=view.name(name), stage=stages.get(stage, stage)) for name, stage in withheld)
        yield Paragraph(view.say("funnel_withheld", threshold=view.threshold, names=names))


def _figure(view: View, rows: pd.DataFrame, stages: Mapping[str, str]) -> Figure:
    asked: dict[str, Any] = {"stages": dict(stages), "language": view.language, "titles": view.titles}
    attribute = str(rows["attribute"].iloc[0])
    rows = rows.assign(makes_the_gap=rows["makes_the_gap"].astype(bool))
    name = f"funnel-{view.tables.counts.attributes.index(attribute)}"
    svg = to_svg(plot_funnel(rows, bounds=view.plan.bounds, **asked), name)
    lines = tuple(_line(view, row, stages) for row in rows_of(rows.sort_values("position", kind="stable")))
    return Figure(svg, view.say("caption_funnel_figure", attribute=view.name(attribute)), funnel_alternative(rows, **asked), lines)


def _line(view: View, row: Mapping[str, Any], stages: Mapping[str, str]) -> str:
    numbers = {name: row[name] for name in ("hits", "trials", "value", "ratio")} | {"low": row["ratio_low"], "high": row["ratio_high"]}
    key = "line_funnel" if row["ratio"] == row["ratio"] else "line_funnel_none"
    return view.say(key, stage=stages.get(row["stage"], row["stage"]), who=view.level(row["group"]), **numbers)


def _table(view: View, rows: pd.DataFrame, stages: Mapping[str, str]) -> TableBlock:
    columns = (
        Column(view.say("col_group")),
        Column(view.say("col_stage")),
        Column(view.say("verdict"), "verdict"),
        Column(view.say("col_passed"), "percent"),
        Column(view.say("col_ref_passed"), "percent"),
        Column(view.say("col_ratio"), "ratio"),
    )
    listed = tuple(
        Row(
            (
                view.level(row["group"]),
                stages.get(row["stage"], row["stage"]),
                Verdict(row["verdict"]),
                OutOf(row["value"], row["hits"], row["trials"]) if row["trials"] else None,
                OutOf(row["reference_value"], row["ref_hits"], row["ref_trials"]) if row["ref_trials"] else None,
                Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
            ),
            because_in("funnel", row, view.plan.bounds, view.language),
            view.name(row["attribute"]),
        )
        for row in rows_of(rows)
    )
    note = f"{view.say('note_funnel', confidence=view.plan.bounds.confidence)} {guideline(view)}"
    return TableBlock(view.say("caption_funnel"), columns, listed, note, view.say("because"))
