"""What was found: the headline, the sentences, the forest plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from scoring.dossier.document import Block, Bullets, Figure, Finding, Findings, Paragraph
from scoring.dossier.view import View, rows_of
from scoring.fairness.narrative import headline, sentence
from scoring.plots.canvas import to_svg
from scoring.plots.forest import plot_ratios
from scoring.texts import say
from scoring.vocabulary import Verdict


def findings(view: View) -> Iterator[Block]:
    """Say who is excluded, then show it."""
    yield view.heading("findings")
    yield Bullets(tuple(headline(view.judged, view.language, view.plan.primary)))
    rows = view.single(view.plan.primary)
    within = rows["verdict"] == Verdict.WITHIN_TOLERANCE
    yield from told(view, rows[~within])
    if own := _on_their_own(view, view.plan.primary):
        yield view.heading("only_combined", level=3)
        yield Paragraph(view.say("only_combined"))
        yield Findings(tuple(_finding(view, row) for row in own))
    if within.any():
        yield view.heading("within", level=3)
        yield from within_tolerance(view, rows[within])
    yield from forest(view, view.plan.primary)


def within_tolerance(view: View, rows: pd.DataFrame) -> Iterator[Block]:
    """Name the groups that are shown within the tolerance, and what stands against reading more into it."""

    def named(code: str) -> str:
        return view.semicolons(view.who(row) for row in rows_of(rows) if not code or code in row["reasons"])

    yield Paragraph(view.say("within", groups=named("")))
    if smaller := named("smaller_difference"):
        yield Paragraph(view.say("within_smaller", groups=smaller))
    if unsure := named("depends_on_unknowns"):
        yield Paragraph(view.say("within_unknowns", groups=unsure, tolerance=view.plan.bounds.tolerance))


def _on_their_own(view: View, metric: str) -> list[dict[str, Any]]:
    """Return the excluded combinations that no excluded group accounts for."""
    rows = view.judged
    own = rows[(rows["metric"] == metric) & (rows["depth"] > 1) & (rows["verdict"] == Verdict.EXCLUSION) & (rows["under"].fillna("") == "")]
    return rows_of(own)


def told(view: View, rows: pd.DataFrame) -> Iterator[Block]:
    """Say what each row says, in sentences; a reference has nothing to be told of."""
    listed = [_finding(view, row) for row in rows_of(rows) if tuple(row["reasons"]) != ("is_reference",)]
    if listed:
        yield Findings(tuple(listed))


def _finding(view: View, row: Mapping[str, Any]) -> Finding:
    return Finding(Verdict(row["verdict"]), sentence(row, view.plan.bounds, view.language, view.tables.titles))


def forest(view: View, metric: str) -> Iterator[Block]:
    """Draw the single attributes of a metric, in the order of the sentences."""
    rows = view.single(metric)
    axes = plot_ratios(rows, bounds=view.plan.bounds, language=view.language, titles=view.tables.titles)
    svg = to_svg(axes, f"forest-{metric}".replace("_", "-"))
    role = view.say("role_primary" if metric == view.plan.primary else "role_secondary")
    said = {"metric": view.metric(metric), "tolerance": view.plan.bounds.tolerance, "confidence": view.plan.bounds.confidence}
    lines = tuple(_line(view, row) for row in rows_of(rows))
    yield Figure(svg, view.say("caption_forest", role=role, **said), view.say("alternative_forest", rows=len(rows), **said), lines)


def _line(view: View, row: Mapping[str, Any]) -> str:
    verdict = say(f"verdict.{row['verdict']}", view.language)
    shown = {"ratio": row["ratio"], "low": row["ratio_low"], "high": row["ratio_high"]}
    key = "line_none" if row["verdict"] == Verdict.NOT_APPLICABLE else "line"
    return view.say(key, who=view.who(row), n=row["trials"], verdict=verdict, **shown)
