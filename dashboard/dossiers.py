"""The dossier of the open study: what people recorded, what the law asks, what is lacking, its files. Each is worked out once.

The study is read again and held against its manifest for each of them; what is handed out was made of its published tables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import session
import streamlit as st

from scoring.commands.options import kept_register
from scoring.dossier import render
from scoring.dossier.compose import compose
from scoring.dossier.document import Block, Callout, Heading
from scoring.dossier.legal import Law, assess
from scoring.errors import EquiscoreError
from scoring.study import Study

REGISTER: Final = "EQUISCORE_REGISTER"
"""The environment variable that names the register, as for the commands."""
REPORT: Final = ("pdf", "docx", "html", "xlsx")
"""What can be made of every study."""
FILES: Final[Mapping[str, tuple[str, str]]] = {
    "pdf": ("pdf", "application/pdf"),
    "docx": ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "html": ("html", "text/html"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pia": ("pia.json", "application/json"),
    "zip": ("zip", "application/zip"),
}
"""How the file of a format ends, and its type."""
Lacks = Sequence[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What people recorded of the open study, or why it cannot be read."""

    named: bool = False
    record: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


def recorded() -> Recorded:
    """Return what the named register holds of the open study; it is read at each visit, for people review and sign meanwhile."""
    if not (url := os.environ.get(REGISTER, "")):
        return Recorded()
    try:
        return Recorded(named=True, record=_read(url, session.study().place))
    except EquiscoreError as error:
        return Recorded(named=True, reason=str(error))


def _read(url: str, place: str) -> dict[str, Any]:
    from scoring.authorising import filed, record_of
    from scoring.register import open_register

    with open_register(kept_register(url)) as register:
        return record_of(register, filed(place))


def law(record: Mapping[str, Any]) -> Law:
    """Return what the law asks of the open study, with what people answered."""
    return _law(session.study().place, session.study().digest, dict(record))


@st.cache_resource(max_entries=64, show_spinner=False)
def _law(place: str, digest: str, record: dict[str, Any]) -> Law:
    return assess(_whole(place, digest), record=record)


def lacks(record: Mapping[str, Any]) -> Lacks:
    """Return what the dossier says that it lacks, by section; what stands in several sections is told in the first."""
    return _lacks(session.study().place, session.study().digest, session.language(), dict(record))


@st.cache_data(max_entries=64, show_spinner=False)
def _lacks(place: str, digest: str, language: str, record: dict[str, Any]) -> Lacks:
    return by_section(compose(_whole(place, digest), language, record).blocks)


def by_section(blocks: Sequence[Block]) -> Lacks:
    """Go through the blocks of a dossier, and gather what is missing under the section in which it is first told."""
    seen: dict[str, str] = {}
    title = ""
    for block in blocks:
        if isinstance(block, Heading) and block.level == 2:
            title = block.text
        elif isinstance(block, Callout) and block.missing:
            seen.update({item: title for item in block.items if item not in seen})
    return tuple((one, tuple(item for item, section in seen.items() if section == one)) for one in dict.fromkeys(seen.values()))


def file(kind: str, record: Mapping[str, Any]) -> bytes:
    """Return a file of the open study in the reader's language."""
    return _file(session.study().place, session.study().digest, session.language(), kind, dict(record))


@st.cache_data(max_entries=32, show_spinner=False)
def _file(place: str, digest: str, language: str, kind: str, record: dict[str, Any]) -> bytes:
    return render(_whole(place, digest), language, kind, record)


def file_name(kind: str) -> str:
    """Return the name that the command gives the file."""
    return f"{session.study().folder}.{session.language()}.{FILES[kind][0]}"


def _whole(place: str, digest: str) -> Study:
    """Read the study again; what lies there now must be what was opened."""
    study = Study.load(place)
    if study.digest != digest:
        raise EquiscoreError("The study changed while it was open. Fix: reload the page.")
    return study
