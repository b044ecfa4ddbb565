"""Other ways to score that were tried: what each would have given, the choice, and its confirmation on people set aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.dossier.document import Block, Bullets, Column, Estimate, Figure, Paragraph, Row, TableBlock
from scoring.dossier.further_rows import other_ways as tried
from scoring.dossier.further_words import role_of
from scoring.dossier.view import View, rows_of
from scoring.inquiry.alternatives.sentences import title_of
from scoring.plots.canvas import to_svg
from scoring.plots.frontier import frontier_alternative, plot_frontier


def other_ways(view: View) -> Iterator[Block]:
    """Say what was found, draw every candidate, list those that no other beats; the workbook has all."""
    rows, listed = tried(view.tables)
    if rows.empty:
        return
    yield view.heading("alternatives")
    yield Paragraph(view.say("alternatives_intro"))
    yield Bullets(tuple(view.tables.alternatives_findings(view.language)))
    asked: dict[str, Any] = {"bounds": view.plan.bounds, "language": view.language, "titles": view.plan.titles}
    svg = to_svg(plot_frontier(rows, **asked), "alternatives")
    lines = tuple(_line(view, row) for row in rows_of(listed))
    yield Figure(svg, view.say("caption_alternatives_figure"), frontier_alternative(rows, **asked), lines)
    columns = (
        Column(view.say("col_candidate")),
        Column(view.say("col_auc"), "ratio3"),
        Column(view.say("col_worst_ratio"), "ratio"),
        Column(view.say("col_worst_group")),
        Column(view.say("col_excluded_groups"), "count"),
        Column(view.say("col_at_decision")),
    )
    yield TableBlock(view.say("caption_alternatives"), columns, tuple(_row(view, row) for row in rows_of(listed)), view.say("note_alternatives"))


def _row(view: View, row: Mapping[str, Any]) -> Row:
    cells = (
        title_of(row, view.language, titles=view.plan.titles),
        Estimate(row["auc"], row["auc_low"], row["auc_high"]),
        Estimate(row["worst_ratio"], row["worst_low"], row["worst_high"]),
        view.say("named_level", name=view.name(row["worst_attribute"]), level=view.level(row["worst_group"])) if row["worst_group"] else "",
        row["excluded_groups"],
        view.say("said_yes" if row["uses_protected_at_decision"] else "said_no"),
    )
    return Row(cells, role_of(row, view.language))


def _line(view: View, row: Mapping[str, Any]) -> str:
    figures = {name: row[name] for name in ("auc", "worst_ratio")}
    return view.say("line_alternatives", title=title_of(row, view.language, titles=view.plan.titles), **figures)
