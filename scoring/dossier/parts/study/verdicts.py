"""The numbers behind the sentences: each group beside its reference, and the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from scoring.dossier.document import Block, Bullets, Column, Estimate, OutOf, Paragraph, Row, TableBlock
from scoring.dossier.parts.study.findings import forest, told, within_tolerance
from scoring.dossier.parts.study.wording import guideline
from scoring.dossier.view import View, rows_of
from scoring.fairness.verdicts import because
from scoring.texts import say
from scoring.vocabulary import Verdict

_TESTS: Final = {
    "refusal_ratio": "ratio",
    "ratio_to_best": "ratio",
    "p_exclusion": "p",
    "p_exclusion_adjusted": "p",
    "p_within": "p",
    "p_within_adjusted": "p",
    "needed": "count",
}
"""What is shown of the tests, and how each number is written."""


def verdicts(view: View) -> Iterator[Block]:
    """Show the numbers behind the sentences, the primary metric first."""
    yield view.heading("verdicts")
    yield _meanings(view)
    yield from verdict_tables(view, view.single(view.plan.primary), view.metric(view.plan.primary))
    for metric in view.metrics[1:]:
        yield view.heading("secondary", level=3, metric=view.metric(metric))
        yield from _secondary(view, metric)


def _secondary(view: View, metric: str) -> Iterator[Block]:
    rows = view.single(metric)
    yield Paragraph(view.say("secondary", metric=view.metric(metric)))
    if (rows["verdict"] == Verdict.NOT_APPLICABLE).all():
        yield Paragraph(view.say("never_asked", metric=view.metric(metric)))
        yield Bullets(tuple(_never_asked(view, rows)))
        return
    within = rows["verdict"] == Verdict.WITHIN_TOLERANCE
    yield from told(view, rows[~within])
    if within.any():
        yield from within_tolerance(view, rows[within])
    yield from forest(view, metric)
    yield from verdict_tables(view, rows, view.metric(metric))


def _never_asked(view: View, rows: pd.DataFrame) -> Iterator[str]:
    """Say each reason once, with the first group that it holds for."""
    for _, found in rows.groupby("reasons", sort=False):
        first = rows_of(found)[0]
        said = because(tuple(first["reasons"]), first, view.plan.bounds, view.language)
        yield view.say("never_asked_more" if len(found) > 1 else "never_asked_one", who=view.who(first), reason=said, rows=len(found) - 1)


def _meanings(view: View) -> TableBlock:
    columns = (Column(view.say("verdict"), "verdict"), Column(view.say("meaning")))
    rows = tuple(Row((verdict, say(f"verdict.explain_{verdict.value}", view.language))) for verdict in Verdict)
    return TableBlock(view.say("caption_meanings"), columns, rows, guideline(view))


def verdict_tables(view: View, rows: pd.DataFrame, about: str) -> Iterator[Block]:
    """Return the two tables of judged rows: what was found, and the tests behind it."""
    if len(rows):
        yield _found(view, rows, about)
    if len(asked := rows[rows["verdict"] != Verdict.NOT_APPLICABLE]):
        yield _tested(view, asked, about)


def _found(view: View, rows: pd.DataFrame, about: str) -> TableBlock:
    columns = (
        Column(view.say("col_group")),
        Column(view.say("verdict"), "verdict"),
        Column(view.say("col_rate"), "percent"),
        Column(view.say("col_ref_rate"), "percent"),
        Column(view.say("col_ratio"), "ratio"),
        Column(view.say("col_short"), "count"),
    )
    listed = tuple(
        Row(
            (
                view.who(row),
                Verdict(row["verdict"]),
                OutOf(row["value"], row["hits"], row["trials"]),
                OutOf(row["reference_value"], row["ref_hits"], row["ref_trials"]) if row["ref_trials"] > 0 else None,
                Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
                Estimate(row["shortfall"], row["shortfall_low"], row["shortfall_high"]),
            ),
            _why(view, row),
        )
        for row in rows_of(rows)
    )
    blank = rows["ref_trials"].isna() & rows["reference_value"].notna()
    hidden = view.say("note_reference_withheld") if blank.any() else ""
    note = " ".join(filter(None, (view.say("note_found", confidence=view.plan.bounds.confidence), hidden, guideline(view))))
    return TableBlock(view.say("caption_found", about=about), columns, listed, note, view.say("because"))


def _why(view: View, row: Mapping[str, Any]) -> str:
    """Return the reasons of a verdict; of a folded row also the levels that it joins."""
    said = because(tuple(row["reasons"]), dict(row), view.plan.bounds, view.language)
    return f"{said} {view.say('joins', names=row['folded'])}" if row["folded"] else said


def _test(row: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a test; that nobody more is needed decides nothing where another rule keeps the case open."""
    return None if name == "needed" and row[name] == 0 else row[name]


def _tested(view: View, rows: pd.DataFrame, about: str) -> TableBlock:
    columns = (Column(view.say("col_group")), *(Column(view.say(f"col_{name}"), kind) for name, kind in _TESTS.items()))
    listed = tuple(Row((view.who(row), *(_test(row, name) for name in _TESTS))) for row in rows_of(rows))
    bounds = view.plan.bounds
    note = view.say("note_tested", level=bounds.alpha, power=bounds.power, family=rows["family"].max())
    return TableBlock(view.say("caption_tested", about=about), columns, listed, note)
