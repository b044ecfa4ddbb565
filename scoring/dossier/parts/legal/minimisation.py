"""D6: variable by variable, what it is for, foretells and stands for, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.dossier.document import Block, Cell, Column, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.legal import Law, law_of
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.parts.legal.formalities import no_day, titled, told
from scoring.dossier.view import View, rows_of
from scoring.texts import NOTHING, say

_COLUMNS = (
    *(("variable", "text"), ("purpose", "text"), ("value", "ratio"), ("proxy", "text"), ("strength", "ratio"), ("sensitive", "text")),
    ("decision", "text"),
)
_IN_CELLS: Final = ("q_no_purpose", "q_no_value", "q_no_proxy_test", "q_not_decided")
"""Questions that an empty cell stands for."""


def minimisation(view: View) -> Iterator[Block]:
    """Say why no less would do, then show the table of variables; what nobody said is asked once, below it."""
    law = law_of(view)
    if law is None:
        yield from no_day(view)
        return
    yield titled(view, "minimisation")
    yield from _necessity(view)
    if not law.variables:
        yield from lacking(view, (told(view, "variables_wanted"), "controller"))
        return
    rows = tuple(_row(view, row) for row in rows_of(law.minimisation(view.language)))
    headed = tuple(Column(told(view, f"col_{name}"), kind) for name, kind in _COLUMNS)
    note = f"{told(view, 'note_variables')} {_asked(view, law)}".strip()
    yield TableBlock(
        told(view, "caption_variables" if view.study.facts.get("model") else "caption_features"), headed, rows, note, told(view, "remark_why")
    )
    if "proxies" not in view.tables.inquiry:
        yield Paragraph(told(view, "proxies_not_searched"))


def _necessity(view: View) -> Iterator[Block]:
    """Show what is declared of why the purpose cannot be reached with less; not declared, it is missing."""
    said = view.pick(view.assessment.get("necessity"))
    if said:
        yield KeyValues(((told(view, "necessity"), said),))
    else:
        yield from lacking(view, (told(view, "necessity"), "controller"))


def _asked(view: View, law: Law) -> str:
    """Return the questions that an empty cell of the table asks, each once."""
    said = " ".join(row["questions"] for row in rows_of(law.minimisation(view.language)))
    open_ = [question for key in _IN_CELLS if (question := say(f"criteria.{key}", view.language)) in said]
    return told(view, "variables_asked", questions=" ".join(open_)) if open_ else ""


def _row(view: View, row: Mapping[str, Any]) -> Row:
    sensitive = row["sensitive"] if isinstance(row["sensitive"], bool) else None
    cells: tuple[Cell, ...] = (
        view.pick(view.plan.titles.get(row["variable"])) or row["variable"],
        row["purpose"] or NOTHING,
        row["predictive_value"],
        view.named.get(row["proxy_of"], row["proxy_of"]) or NOTHING,
        row["proxy_strength"],
        told(view, "unknown" if sensitive is None else "yes" if sensitive else "no"),
        told(view, row["decision"]),
    )
    own = say("criteria.q_no_reason", view.language)  # what no cell shows as open
    return Row(cells, "\n".join(filter(None, (row["reason"], own if own in row["questions"] else ""))))
