"""D7: how long each category of data is kept, and what follows."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.dossier.document import Block, Paragraph, Row
from scoring.dossier.parts.declared.shared import cited, columns, heading, of_declaration, table, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View


@of_declaration
def retention(view: View) -> Iterator[Block]:
    """List the periods as declared; what follows a period and was not said is missing."""
    yield heading(view, "retention")
    kept = view.declared.get("retention") or ()
    rows = [Row((view.pick(one["data"]), view.pick(one["period"]), view.pick(one.get("then")) or words(view, "not_said"))) for one in kept]
    yield from table(view, "retention", columns(view, "data", "period", "then"), rows)
    yield from lacking(view, *((words(view, "lacks_then", data=view.pick(one["data"])), "controller") for one in kept if not one.get("then")))
    yield Paragraph(words(view, "purge_not_supplied"))
    yield Paragraph(words(view, "by_analogy"))
    yield from cited(view, "EU-GDPR-5", "FR-RET-PROSPECT", "FR-RET-CUSTOMER", "FR-REF-GC-SCOPE")
