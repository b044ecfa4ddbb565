"""D14: the measures that protect people and their data, how data are frozen, how the score is stopped, what is done on a breach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.dossier.document import Block, Bullets, Row
from scoring.dossier.parts.declared.shared import cited, columns, day, heading, known, of_declaration, said, table, text, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View


@of_declaration
def security(view: View) -> Iterator[Block]:
    """Show the measures of the register entry and of the assessment, then freeze, stop and breach."""
    yield heading(view, "security")
    if declared := view.declared.get("security"):
        yield Bullets(tuple(view.pick(one) for one in declared))
    measures = view.assessment.get("measures") or {}
    rows = [Row(_cells(view, one), text(view, one.get("content"))) for one in measures.values()]
    yield from table(view, "measures", columns(view, "measure", "kind", "state", "owner", "due"), rows, remark=words(view, "col_content"))
    if not measures:
        yield from lacking(view, (words(view, "lacks_measures"), "security_officer"))
    yield heading(view, "freeze")
    stop = {"stop": (view.assessment.get("monitoring") or {}).get("stop")}
    yield from said(view, stop, freeze="controller", stop="controller", breach="security_officer")
    yield from cited(view, "EU-GDPR-32", "EU-GDPR-33-34")


def _cells(view: View, measure: Mapping[str, Any]) -> tuple[str, ...]:
    planned = not measure.get("in_place", True)
    kind = known(view, f"kind_{measure.get('kind')}", measure.get("kind") or words(view, "not_said"))
    owner = str(measure.get("owner") or words(view, "not_said"))
    return text(view, measure.get("title")), kind, words(view, "planned" if planned else "in_place"), owner, day(view, measure.get("due"))
