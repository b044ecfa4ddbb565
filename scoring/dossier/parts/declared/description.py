"""D2: what is done with whose data, on what, and to whom they go."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.dossier.document import Block, KeyValues, Row
from scoring.dossier.parts.declared.shared import cited, columns, heading, of_declaration, said, table, text, words
from scoring.dossier.view import View


@of_declaration
def description(view: View) -> Iterator[Block]:
    """Say what is done, with which data of whom, on what, and to whom they go."""
    yield heading(view, "description")
    yield from said(view, description="controller", life_cycle="controller", supports="controller", volume="controller")
    yield heading(view, "data_map")
    document = view.declared
    yield KeyValues((
        (words(view, "persons"), text(view, document.get("persons")) or words(view, "not_said")),
        (words(view, "recipients"), text(view, document.get("recipients")) or words(view, "none_declared")),
    ))  # fmt: skip
    rows = [Row((view.pick(one["name"]), words(view, "special" if one.get("special") else "not_special"))) for one in document.get("data") or ()]
    yield from table(view, "data_map", columns(view, "category", "special"), rows, note=words(view, "note_special"))
    yield from cited(view, "EU-GDPR-30", "EU-GDPR-9")
