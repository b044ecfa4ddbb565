"""What was not observed: groups known by probability alone, and outcomes that nobody saw. No estimate without its bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from scoring.dossier.document import Block, Column, Estimate, Figure, Finding, Findings, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.further_rows import memberships as membership_rows
from scoring.dossier.further_rows import selective as selective_rows
from scoring.dossier.further_words import memberships_said, selective_said, undecided
from scoring.dossier.parts.wording import guideline
from scoring.dossier.view import View, rows_of
from scoring.plots.alternatives import bounds_alternative
from scoring.plots.bounds import plot_bounds
from scoring.plots.canvas import to_svg
from scoring.texts import NOTHING, say
from scoring.vocabulary import Verdict


def memberships(view: View) -> Iterator[Block]:
    """Cite where the probabilities come from; show what they allow to be said, and how much they leave open."""
    if not view.plan.memberships:
        return
    rows = membership_rows(view.tables, [view.plan.primary])
    yield view.heading("memberships")
    yield Paragraph(view.say("memberships_intro"))
    yield KeyValues(tuple(_sources(view)))
    if rows.empty:
        yield Paragraph(view.say("memberships_small"))
        return
    told = memberships_said(rows, view.plan, view.language, view.titles)
    yield Findings(tuple(Finding(Verdict(verdict or Verdict.NOT_APPLICABLE), text) for verdict, text in told))
    yield _figure(view, rows, "memberships", view.plan.primary)
    yield _memberships(view, rows)


def _sources(view: View) -> Iterator[tuple[str, str]]:
    for name, one in view.plan.memberships.items():
        ground = say(f"criterion.{one.criterion.value}", view.language) if one.criterion else view.say("no_ground")
        assumed = say("unobserved.assumption_membership", view.language, source=one.source)
        yield view.say("memberships_ground", name=view.name(name), ground=ground), f"{one.source}\n{assumed}"


def _memberships(view: View, rows: pd.DataFrame) -> TableBlock:
    columns = (
        Column(view.say("col_group")),
        Column(view.say("verdict"), "verdict"),
        Column(view.say("col_about"), "count"),
        Column(view.say("col_rate_bounds"), "percent"),
        Column(view.say("col_ratio_bounds"), "ratio"),
        Column(view.say("col_bounds_sampling")),
    )
    listed = tuple(
        Row(
            (
                view.level(row["group"]),
                _verdict(row["verdict"]),
                row["people"],
                Estimate(row["value"], row["value_lowest"], row["value_highest"]),
                Estimate(row["ratio"], row["ratio_lowest"], row["ratio_highest"]),
                _between(view, row["ratio_lowest_low"], row["ratio_highest_high"]),
            ),
            section=view.name(row["attribute"]),
        )
        for row in rows_of(rows)
    )
    said = [view.say("note_memberships", confidence=view.plan.bounds.confidence), say("unobserved.bias_formula", view.language), guideline(view)]
    return TableBlock(view.say("caption_memberships", metric=view.metric(view.plan.primary)), columns, listed, " ".join(said))


def _verdict(value: str) -> Verdict | None:
    return Verdict(value) if value else None


def _between(view: View, low: float, high: float, key: str = "from_to") -> str:
    """Write two ends; nothing where one of them is not defined."""
    return view.say(key, low=low, high=high) if not (math.isnan(low) or math.isnan(high)) else NOTHING


def selective(view: View) -> Iterator[Block]:
    """Show between what values each metric of outcomes lies, whatever came of those whose outcome nobody saw."""
    rows = selective_rows(view.tables)
    if rows.empty:
        return
    yield view.heading("selective")
    for metric, part in rows.groupby("metric", sort=False):
        yield from _one_metric(view, part, str(metric))


def _one_metric(view: View, rows: pd.DataFrame, metric: str) -> Iterator[Block]:
    yield Paragraph(view.say("selective_intro", metric=view.metric(metric)))
    if told := selective_said(rows, view.plan, view.language, view.titles):
        yield Findings(tuple(Finding(Verdict(verdict), text) for verdict, text in told))
    if names := undecided(rows, view.language, view.titles):
        yield Paragraph(view.say("selective_undecided", names=view.semicolons(names)))
    yield _figure(view, rows[rows["assumption"] == "none"], "selective", metric)
    columns = (
        Column(view.say("col_group")),
        Column(view.say("col_assumption")),
        Column(view.say("verdict"), "verdict"),
        Column(view.say("col_observed"), "count"),
        Column(view.say("col_unobserved"), "count"),
        Column(view.say("col_rate_between")),
        Column(view.say("col_ratio_between")),
        Column(view.say("col_bounds_sampling")),
    )
    listed = tuple(
        Row(
            (
                view.level(row["group"]),
                view.say(f"assumption_{row['assumption']}"),
                _verdict(row["verdict"]),
                row["observed"],
                row["unobserved"],
                _between(view, row["lowest"], row["highest"], "from_to_percent"),
                _between(view, row["ratio_lowest"], row["ratio_highest"]),
                _between(view, row["ratio_low"], row["ratio_high"]),
            ),
            section=view.name(row["attribute"]),
        )
        for row in rows_of(rows)
    )
    note = f"{view.say('note_selective', confidence=view.plan.bounds.confidence)} {guideline(view)}"
    yield TableBlock(view.say("caption_selective", metric=view.metric(metric)), columns, listed, note)


def _figure(view: View, rows: pd.DataFrame, of: str, metric: str) -> Figure:
    asked: dict[str, Any] = {"bounds": view.plan.bounds, "language": view.language, "titles": view.titles, "metric": metric}
    svg = to_svg(plot_bounds(rows, **asked), f"bounds-{of}-{metric}".replace("_", "-"))
    lines = tuple(view.say("line_bounds", who=view.who(row), low=row["ratio_lowest"], high=row["ratio_highest"]) for row in rows_of(rows))
    return Figure(svg, view.say(f"caption_bounds_{of}", metric=view.metric(metric)), bounds_alternative(rows, **asked), lines)
