"""D10: on what each purpose rests, the interests weighed, and consent."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.dossier.document import Block, Paragraph, Row
from scoring.dossier.parts.declared.shared import cited, columns, heading, of_declaration, said, table, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View
from scoring.vocabulary import LegalBasis


@of_declaration
def legal_basis(view: View) -> Iterator[Block]:
    """Show the basis of each purpose with what makes it hold; the balance is missing where an interest is claimed and none is written."""
    yield heading(view, "legal_basis")
    declared = view.declared.get("purposes") or ()
    holds = [view.pick(one.get("detail")) for one in declared]
    rows = [
        Row((view.pick(one["name"]), view.say(f"basis_{one['legal_basis']}")), detail or words(view, "not_said"))
        for one, detail in zip(declared, holds, strict=True)
    ]
    yield from table(view, "legal_basis", columns(view, "purpose", "basis"), rows, remark=words(view, "col_holds"))
    without = [view.pick(one["name"]) for one, detail in zip(declared, holds, strict=True) if not detail]
    yield from lacking(view, *((words(view, "lacks_holds", purpose=name), "controller") for name in without))
    if view.assessment.get("balance") or LegalBasis.LEGITIMATE_INTERESTS in {one["legal_basis"] for one in declared}:
        yield from said(view, balance="controller")
    yield heading(view, "consent")
    yield from said(view, consent="controller")
    yield Paragraph(words(view, "ledger_not_supplied"))
    yield from cited(view, "EU-GDPR-6", "EU-GDPR-7", "EU-GDPR-21-2")
