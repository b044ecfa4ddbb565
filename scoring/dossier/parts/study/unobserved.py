"""What was not observed: groups known by probability alone, and outcomes that nobody saw. No estimate without its bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from scoring.dossier.document import Block, Column, Estimate, Figure, Finding, Findings, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.further_rows import memberships as membership_rows
from scoring.dossier.further_rows import selective as selective_rows
from scoring.dossier.further_words import memberships_said, selective_said, source_of, undecided
from scoring.dossier.parts.study.wording import guideline
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
        source = source_of(view.plan, name, view.language)
        ground = say(f"criterion.{one.criterion.value}", view.language) if one.criterion else ""
        title = view.say("memberships_ground" if ground else "source_of", name=view.name(name), ground=ground)
        yield title, f"{source}\n{say('unobserved.assumption_membership', view.language, source=source)}"


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


def _between(view: View, low: float, high: float) -> str:
    """Write two ends; nothing where one of them is not defined."""
    return view.say("from_to", low=low, high=high) if not (math.isnan(low) or math.isnan(high)) else NOTHING


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
    yield _selective(view, rows, metric)


def _selective(view: View, rows: pd.DataFrame, metric: str) -> TableBlock:
    """Return a line a group: the band without an assumption, and beside it the band under each."""
    assumed = [str(name) for name in rows["assumption"].unique()]
    bands = [Column(view.say(f"col_band_{name}")) for name in assumed]
    counts = [Column(view.say(f"col_{name}"), "count") for name in ("observed", "unobserved")]
    columns = (Column(view.say("col_group")), Column(view.say("verdict"), "verdict"), *counts, *bands)
    listed = []
    for _, part in rows.groupby(["attribute", "group"], sort=False):
        found = {str(row["assumption"]): row for row in rows_of(part)}
        plain = found["none"]
        counted = plain["observed"], plain["unobserved"]
        cells = (view.level(plain["group"]), _verdict(plain["verdict"]), *counted, *(_band(view, found[name]) for name in assumed))
        listed.append(Row(cells, _under_assumption(view, found), view.name(plain["attribute"])))
    note = f"{view.say('note_selective', confidence=view.plan.bounds.confidence)} {guideline(view)}"
    return TableBlock(view.say("caption_selective", metric=view.metric(metric)), columns, tuple(listed), note, view.say("because"))


def _band(view: View, row: Mapping[str, Any]) -> str:
    """Write the band of ratios, and in brackets the same with sampling error."""
    band = _between(view, row["ratio_lowest"], row["ratio_highest"])
    wider = _between(view, row["ratio_low"], row["ratio_high"])
    return band if NOTHING in {band, wider} else view.say("band_and_sampling", band=band, wider=wider)


def _under_assumption(view: View, found: Mapping[str, Mapping[str, Any]]) -> str:
    """Say which verdict an assumption would give where the data alone give another."""
    other = [(name, row["verdict"]) for name, row in found.items() if row["verdict"] != found["none"]["verdict"] and row["verdict"]]
    words = {name: view.say(f"assumption_{name}") for name in found}
    return " ".join(view.say("under_assumption", assumption=words[name], verdict=say(f"verdict.{one}", view.language)) for name, one in other)


def _figure(view: View, rows: pd.DataFrame, of: str, metric: str) -> Figure:
    asked: dict[str, Any] = {"bounds": view.plan.bounds, "language": view.language, "titles": view.titles, "metric": metric}
    svg = to_svg(plot_bounds(rows, **asked), f"bounds-{of}-{metric}".replace("_", "-"))
    lines = tuple(view.say("line_bounds", who=view.who(row), low=row["ratio_lowest"], high=row["ratio_highest"]) for row in rows_of(rows))
    return Figure(svg, view.say(f"caption_bounds_{of}", metric=view.metric(metric)), bounds_alternative(rows, **asked), lines)
