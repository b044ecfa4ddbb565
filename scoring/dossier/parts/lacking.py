"""What the dossier lacks is shown as missing, with who must supply it; nothing is invented in its place."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.dossier.document import Block, Callout
from scoring.dossier.view import View
from scoring.texts import say

WHO = frozenset({"controller", "dpo", "analyst", "reviewer", "lawyer", "persons", "security_officer", "processor"})
"""Who may have to supply something: keys ``missing.who_<name>`` of the texts."""


def lacking(view: View, *named: tuple[str, str]) -> Iterator[Block]:
    """Show what is missing: pairs of what it is, in the reader's language, and who (of `WHO`) must supply it; nothing for no pair."""
    if named:
        items = tuple(say("missing.item", view.language, what=what, who=say(f"missing.who_{who}", view.language)) for what, who in named)
        yield Callout(say("missing.title", view.language), items, missing=True)
