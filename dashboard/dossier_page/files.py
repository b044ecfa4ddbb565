"""What the dossier lacks, and its files, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dossiers
import parts
import session
import streamlit as st
from dossier_page.words import cover, heading, refused, words

from scoring.errors import EquiscoreError


def lacking(record: Mapping[str, Any]) -> None:
    """Show what the dossier says that it lacks, section by section, with who must supply it."""
    heading("lacking")
    try:
        with st.spinner(words("composing")):
            found = dossiers.lacks(record)
    except EquiscoreError as error:
        refused(error)
        return
    if not found:
        parts.read(parts.plain(cover("lacks_nothing")))
        return
    parts.read(parts.plain(cover("lacks", pieces=len([item for _, items in found for item in items]), sections=len(found))))
    for title, items in found:
        with st.expander(parts.plain(cover("lacks_section", title=title, pieces=len(items))), width=parts.TEXT_WIDTH):
            st.markdown("\n".join(f"- {parts.plain(item)}" for item in items))


@st.fragment
def files(record: Mapping[str, Any], kinds: tuple[str, ...], title: str) -> None:
    """Make a file when it is asked for, then offer it; only this part of the page is drawn again."""
    heading(title)
    parts.read(words(f"{title}_said"))
    for kind in kinds:
        offer(record, kind)
    if title == "files":
        parts.note(words("unsigned"))


def offer(record: Mapping[str, Any], kind: str) -> None:
    """Show one file: what it is, and the button that makes it or hands it out."""
    key, name = f"{kind}_{session.language()}_{session.study().digest}", dossiers.file_name(kind)
    with st.container(border=True, width=parts.TEXT_WIDTH, gap="xsmall"):
        st.markdown(f"**{words(f'file_{kind}')}**")
        parts.note(words(f"file_{kind}_said"))
        slot = st.empty()
        if not slot.button(words("make", name=name), key=f"make_{key}", icon=":material/draft:") and not st.session_state.get(f"made_{key}"):
            return
        content = made(record, kind)
        if content is not None:
            st.session_state[f"made_{key}"] = True
            slot.download_button(
                words("download", name=name), content, name, dossiers.FILES[kind][1], key=f"get_{key}", icon=":material/download:", on_click="ignore"
            )


def made(record: Mapping[str, Any], kind: str) -> bytes | None:
    """Make a file; where it cannot be made, say why."""
    try:
        with st.spinner(words("making")):
            return dossiers.file(kind, record)
    except EquiscoreError as error:
        refused(error)
        return None
