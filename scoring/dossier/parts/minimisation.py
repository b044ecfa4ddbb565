"""D6: variable by variable, what it is for, foretells and stands for, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.dossier.document import Block, Cell, Column, Row, TableBlock
from scoring.dossier.legal import law_of
from scoring.dossier.parts.formalities import no_day, titled, told
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View, rows_of
from scoring.texts import NOTHING

_COLUMNS = (
    *(("variable", "text"), ("purpose", "text"), ("value", "ratio"), ("proxy", "text"), ("strength", "ratio"), ("sensitive", "text")),
    ("decision", "text"),
)


def minimisation(view: View) -> Iterator[Block]:
    """Show the table of variables; what nobody said is asked below each."""
    law = law_of(view)
    if law is None:
        yield from no_day(view)
        return
    yield titled(view, "minimisation")
    if not law.variables:
        yield from lacking(view, (told(view, "variables_wanted"), "controller"))
        return
    rows = tuple(_row(view, row) for row in rows_of(law.minimisation(view.language)))
    headed = tuple(Column(told(view, f"col_{name}"), kind) for name, kind in _COLUMNS)
    yield TableBlock(told(view, "caption_variables"), headed, rows, told(view, "note_variables"), told(view, "remark_why"))


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
    return Row(cells, " ".join(filter(None, (row["reason"], row["questions"]))))
