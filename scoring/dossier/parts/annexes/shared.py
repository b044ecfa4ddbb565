"""What the cover and the annexes share: their texts, and declared words as they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scoring.dossier.document import Heading
from scoring.dossier.parts.rooms import texts_of
from scoring.dossier.view import View
from scoring.texts import pick, say

words = texts_of("dossier_annexes")


def part(view: View, anchor: str, level: int = 3, **values: Any) -> Heading:
    """Return the heading of a part of a section, or of a part of that."""
    return Heading(level, words(view, f"heading_{anchor}", **values), f"annex-{anchor.replace('_', '-')}")


def listed(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return a list of what people recorded; an absent one is empty."""
    return [one for one in record.get(name) or () if isinstance(one, Mapping)]


def in_words(view: View, given: Any) -> str:
    """Return declared words, or a list of them one a line; nothing where nothing is said."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        return "\n".join(found for one in given if (found := pick(one, view.language)))
    return view.pick(given)


def joined(parts: Iterable[str]) -> str:
    """Return parts one a line, without the empty ones."""
    return "\n".join(one for one in parts if one)


def absent(view: View, what: str, who: str, section: str) -> str:
    """Return that a piece is missing, who must supply it, and the section whose list of missing pieces holds it."""
    item = say("missing.item", view.language, what=what, who=say(f"missing.who_{who}", view.language))
    return words(view, "absent", item=item, section=section)
