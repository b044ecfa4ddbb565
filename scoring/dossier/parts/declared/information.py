"""D8: what the persons concerned are told, in which words, and what of the duties is declared to be met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.dossier.document import Block, Row
from scoring.dossier.parts.declared.shared import cited, columns, heading, listed, of_declaration, table, text, truth, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View

TOLD: Final = ("notice_given", "logic_explained", "refusal_notice")
"""Facts of the declaration that say what the notices hold."""


@of_declaration
def information(view: View) -> Iterator[Block]:
    """Show each notice with its text, then whether the logic and a refusal are told, as declared."""
    yield heading(view, "information")
    notices = listed(view, "notices")
    rows = [Row((_cell(view, one, "to"), _cell(view, one, "when"), _cell(view, one, "version")), text(view, one.get("says"))) for one in notices]
    yield from table(view, "notices", columns(view, "to", "when", "version"), rows, remark=words(view, "col_says"))
    without = [(words(view, "lacks_version", to=_cell(view, one, "to")), "controller") for one in notices if not one.get("version")]
    facts = view.declared.get("facts") or {}
    duties = [Row((words(view, f"told_{name}"), truth(view, facts.get(name)))) for name in TOLD]
    yield from table(view, "told", columns(view, "duty", "declared"), duties, note=words(view, "note_told"))
    open_ = [(words(view, "lacks_told", duty=words(view, f"told_{name}")), "controller") for name in TOLD if not isinstance(facts.get(name), bool)]
    yield from lacking(view, *([] if notices else [(words(view, "lacks_notice"), "controller")]), *without, *open_)
    yield from cited(view, "EU-GDPR-13-14", "EU-CJEU-DB", "EU-AIA-26")


def _cell(view: View, notice: Mapping[str, Any], key: str) -> str:
    return text(view, notice.get(key)) or words(view, "not_said")
