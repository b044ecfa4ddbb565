"""D13: studies of single operations; none can be declared yet, and that is said."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.dossier.document import Block, Paragraph
from scoring.dossier.parts.declared.shared import of_declaration, words
from scoring.dossier.view import View


@of_declaration
def campaigns(view: View) -> Iterator[Block]:
    """Say that no operation was studied here, and what must be studied before one."""
    yield Paragraph(words(view, "no_campaign"))
    yield Paragraph(words(view, "before_a_campaign"))
