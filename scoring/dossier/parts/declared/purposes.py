"""D3: what the processing is for, what it must not be used for, and how actual use is held against both, as declared."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.dossier.document import Block, Paragraph, Row
from scoring.dossier.parts.declared.shared import cited, columns, heading, of_declaration, said, table, words
from scoring.dossier.view import View


@of_declaration
def purposes(view: View) -> Iterator[Block]:
    """List the purposes with their bases; say that the tool did not look at actual use."""
    yield heading(view, "purposes")
    rows = [Row((view.pick(one["name"]), view.say(f"basis_{one['legal_basis']}"))) for one in view.declared.get("purposes") or ()]
    yield from table(view, "purposes", columns(view, "purpose", "basis"), rows)
    yield from said(view, prohibited_uses="controller", diversion_check="controller")
    yield Paragraph(words(view, "use_not_checked"))
    yield from cited(view, "EU-GDPR-5")
