"""The nine headings of Annex IV of the AI Act, and where the dossier holds each: a map, not a technical file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scoring.assessment import Risk
from scoring.dossier.document import Block, Column, Paragraph, Row, TableBlock
from scoring.dossier.parts.annexes.shared import in_words, listed, part, words
from scoring.dossier.view import View
from scoring.texts import say

_SECTIONS: Final = {
    1: "D2, D19",
    2: "D5, D6, D11, D12, D16",
    3: "D9, D12, D14, D19",
    4: "D12",
    5: "D15",
    6: "D17",
    7: "D4",
    8: "",
    9: "D17",
}
"""Where each heading is held; the declaration of the provider (8) is no part of a dossier."""


@dataclass(frozen=True, slots=True)
class Place:
    """A heading, the sections that hold it, what evidence is there and what is missing (keys of the texts)."""

    number: int
    sections: str
    held: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def state(self) -> str:
        """Whether everything is there, some of it, or nothing."""
        return "missing" if not self.held else "part" if self.missing else "held"


def places(declared: Mapping[str, Any], record: Mapping[str, Any], *, model: bool, digest: str | None) -> tuple[Place, ...]:
    """Return where each heading stands, from declaration and record alone.

    Examples
    --------
    >>> [(place.number, place.state) for place in places({"study": {}}, {}, model=True, digest="d")][:4]
    [(1, 'missing'), (2, 'part'), (3, 'part'), (4, 'held')]
    """
    said = declared.get("assessment") or {}
    there = {name: bool(said.get(name)) for name in ("description", "intended_use", "origins", "variables", "oversight", "limitations", "standards")}
    events, followed = set(said.get("risks") or {}), said.get("monitoring") or {}
    there |= {"monitoring": bool(followed), "stop": bool(followed.get("stop")), "measures": bool(said.get("measures"))}
    there |= {"risks": bool(events), "every_risk": set(Risk) <= events}
    there |= {"study": "study" in declared, "model": model, "digest": digest is not None, "signed": bool(listed(record, "signatures"))}
    there |= {"changes": "deviations" in record, "provider_declaration": False}
    needed = {
        1: ("description", "intended_use"),
        2: ("model", "origins", "variables", "study", "digest", "signed"),
        3: ("oversight", "limitations", "study", "measures"),
        4: ("study",),
        5: ("risks", "every_risk") if events else ("risks",),
        6: ("changes",),
        7: ("standards",),
        8: ("provider_declaration",),
        9: ("monitoring", "stop") if followed else ("monitoring",),
    }
    return tuple(
        Place(number, _SECTIONS[number], tuple(name for name in names if there[name]), tuple(name for name in names if not there[name]))
        for number, names in needed.items()
    )


def annex_iv(view: View) -> Iterator[Block]:
    """Show the map: each heading, where it is held, the evidence, and what is missing."""
    if not view.declared:
        return
    yield part(view, "annex_iv")
    yield Paragraph(words(view, "annex_iv"))
    columns = tuple(Column(words(view, f"col_{name}")) for name in ("annex_heading", "where", "state", "evidence"))
    found = places(view.declared, view.record, model=bool(view.study.facts.get("model")), digest=view.study.digest)
    rows = tuple(
        Row((words(view, f"annex_{place.number}"), place.sections or "–", words(view, f"place_{place.state}"), _evidence(view, place)))
        for place in found
    )
    yield TableBlock(words(view, "caption_annex_iv"), columns, rows, words(view, "note_annex_iv"))


def _evidence(view: View, place: Place) -> str:
    """Return what is there and what is missing, in words; the standards by their names."""
    there = [words(view, f"evidence_{name}") for name in place.held]
    if "standards" in place.held:
        there = [view.semicolons(in_words(view, view.assessment["standards"]).split("\n"))]
    lacks = [words(view, f"evidence_{name}") for name in place.missing]
    title = say("missing.title", view.language)
    return " ".join(
        [f"{view.listed(there)}." if there else "", f"{words(view, 'pair', name=title, value=view.listed(lacks))}." if lacks else ""]
    ).strip()
