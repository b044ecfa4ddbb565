"""The file held against the population served: who never gets as far as a decision."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from scoring.dossier.document import Block, Bullets, Column, Estimate, Finding, Findings, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.further_rows import representation as representation_rows
from scoring.dossier.further_words import fit_said, representation_said
from scoring.dossier.parts.study.wording import guideline
from scoring.dossier.view import View, rows_of
from scoring.fairness.verdicts import because_in
from scoring.vocabulary import Verdict


def representation(view: View) -> Iterator[Block]:
    """Cite the source, say whose share is short, show every share."""
    rows = representation_rows(view.tables)
    if rows.empty:
        return
    yield view.heading("representation")
    yield Paragraph(view.say("representation_intro"))
    yield KeyValues(tuple((view.say("source_of", name=view.name(name)), one.source) for name, one in view.plan.population.items()))
    told = representation_said(rows, view.plan, view.language, view.titles)
    findings = Findings(tuple(Finding(Verdict(verdict), text) for verdict, text in told))
    yield findings if told else Paragraph(view.say("representation_none"))
    if within := [view.who(row) for row in rows_of(rows) if row["verdict"] == Verdict.WITHIN_TOLERANCE]:
        yield Paragraph(view.say("representation_within", tolerance=view.plan.bounds.tolerance, groups=view.semicolons(within)))
    yield _table(view, rows)
    if fit := fit_said(view.tables.representation_fit(), view.language, view.titles):
        yield Bullets(tuple(fit))


def _table(view: View, rows: pd.DataFrame) -> TableBlock:
    columns = (
        Column(view.say("col_group")),
        Column(view.say("verdict"), "verdict"),
        Column(view.say("people"), "count"),
        Column(view.say("col_share_file"), "percent"),
        Column(view.say("col_share_population"), "percent"),
        Column(view.say("col_ratio"), "ratio"),
        Column(view.say("col_missing"), "count"),
    )
    listed = tuple(
        Row(
            (
                view.level(row["group"]),
                Verdict(row["verdict"]),
                row["people"],
                Estimate(row["share"], row["low"], row["high"]),
                row["benchmark"],
                Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
                Estimate(row["shortfall"], row["shortfall_low"], row["shortfall_high"]),
            ),
            because_in("representation", row, view.plan.bounds, view.language),
            view.name(row["attribute"]),
        )
        for row in rows_of(rows.sort_values("attribute", kind="stable"))
    )
    note = f"{view.say('note_representation', confidence=view.plan.bounds.confidence)} {guideline(view)}"
    return TableBlock(view.say("caption_representation"), columns, listed, note, view.say("because"))
