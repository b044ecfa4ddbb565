"""What the parts of the dossier's page say alike: texts, headings, roles, what cannot be made."""

from __future__ import annotations

from typing import Any

import parts
import session
import streamlit as st

from scoring.errors import EquiscoreError
from scoring.texts import NOTHING, has, say


def words(key: str, /, **values: Any) -> str:
    """Return a text of this page."""
    return say(f"dashboard_dossier.{key}", session.language(), **values)


def legal(key: str, /, **values: Any) -> str:
    """Return a text of the law in the dossier."""
    return say(f"dossier_law.{key}", session.language(), **values)


def cover(key: str, /, **values: Any) -> str:
    """Return a text of the dossier's cover."""
    return say(f"dossier_annexes.{key}", session.language(), **values)


def heading(key: str) -> None:
    """Show a heading of the second level."""
    st.header(words(key), anchor=False, divider=False)


def refused(error: EquiscoreError) -> None:
    """Show why something cannot be made."""
    st.error(parts.plain(str(error)), icon=":material/error:", width=parts.TEXT_WIDTH)


def role(name: Any) -> str:
    """Return a role in the reader's language; one that is not ours stays as it was recorded."""
    key = f"dossier_annexes.role_{name}"
    return say(key, session.language()) if has(key, session.language()) else str(name or NOTHING)
