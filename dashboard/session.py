"""What a visit holds: the language, the study, and what was read of it, once.

A study is opened only after every byte was checked against its manifest, and from there on only its published tables are
handed out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from scoring.errors import EquiscoreError
from scoring.launch import STUDIES
from scoring.reading import Tables
from scoring.study import Study
from scoring.texts import LANGUAGES, pick, say

NAMES = {"en": "English", "fr": "Français"}
_MARKS = ("MANIFEST.json", "study.json")
T = TypeVar("T")
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A study folder that was checked: what it publishes, or why it is not opened."""

    folder: str
    tables: Tables | None = None
    reason: str = ""
    digest: str = ""
    document: Mapping[str, Any] | None = None
    source: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] | None = None
    place: str = ""

    @property
    def title(self) -> str:
        """The name of the activity in the reader's language, or of the folder."""
        return pick((self.document or {}).get("name"), language()) or self.folder


# the reader's choices


def choose_language() -> None:
    """Ask for the language; the address says which, so that a link keeps it, or else the browser."""
    spoken = "fr" if str(st.context.locale or "").lower().startswith("fr") else "en"
    if "lang" not in st.session_state:
        asked = st.query_params.get("lang")
        st.session_state["lang"] = asked if asked in LANGUAGES else spoken
    st.sidebar.segmented_control("Language · Langue", LANGUAGES, format_func=NAMES.__getitem__, required=True, key="lang", width="stretch")
    st.query_params["lang"] = language()


def language() -> str:
    """Return the reader's language."""
    chosen = st.session_state.get("lang")
    return chosen if chosen in LANGUAGES else "en"


def choose_study() -> None:
    """Ask for the study; a folder that failed its check is listed as such."""
    shelf = {place.name: opened(place) for place in study_folders()}
    st.session_state["shelf"] = shelf
    if not shelf:
        return
    names = sorted(shelf, key=lambda name: (shelf[name].tables is None, name))
    tongue = language()
    shown = {name: shelf[name].title if shelf[name].tables is not None else say("dashboard.study_not_opened", tongue, name=name) for name in names}
    if st.session_state.get("study") not in shelf:
        asked = st.query_params.get("study")
        st.session_state["study"] = asked if asked in shelf else names[0]
    label = say("dashboard.study", tongue)
    st.sidebar.selectbox(label, names, format_func=lambda name: shown.get(name, name), key="study", filter_mode=None)
    st.query_params["study"] = str(st.session_state["study"])
    if refused := [name for name in names if shelf[name].tables is None]:
        st.sidebar.caption(say("dashboard.studies_refused", tongue, n=len(refused)))


# the studies


def studies_root() -> Path:
    """Return the folder of the studies: the environment's, the first argument of the script, or ./studies."""
    return Path(os.environ.get(STUDIES) or next(iter(sys.argv[1:]), "studies"))


def study_folders() -> list[Path]:
    """Return the study folders under the root, or the root itself where it is one. A part of a study counts: it is shown as refused."""
    root = studies_root()
    if not root.is_dir():
        return []
    places = [root] if _is_study(root) else sorted(place for place in root.iterdir() if not place.name.startswith("."))
    return [place for place in places if _is_study(place)]


def _is_study(place: Path) -> bool:
    return any((place / mark).is_file() for mark in _MARKS)


def opened(place: Path) -> Opened:
    """Return a study folder as it was checked; it is read again only when a file of it has changed."""
    try:
        stamp = tuple(sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in place.iterdir()))
    except OSError as error:
        return Opened(place.name, reason=str(error))
    return _checked(str(place.absolute()), stamp)


@st.cache_resource(max_entries=64, show_spinner=False)
def _checked(place: str, stamp: Stamp) -> Opened:  # noqa: ARG001  (the stamp is a part of the key)
    name = Path(place).name
    try:
        study = Study.load(place)
    except (EquiscoreError, OSError, ValueError, LookupError, TypeError) as error:
        return Opened(name, reason=str(error))
    return Opened(name, study.published(), "", str(study.digest), study.document, study.source, study.environment, place)


def current() -> Opened | None:
    """Return the chosen study folder, or none where there is no study."""
    shelf = st.session_state.get("shelf", {})
    return shelf.get(st.session_state.get("study")) or next(iter(shelf.values()), None)


def is_open() -> bool:
    """Tell whether there is a study to show."""
    found = current()
    return found is not None and found.tables is not None


def study() -> Opened:
    """Return the study that is open."""
    found = current()
    if found is None or found.tables is None:
        raise EquiscoreError("No study is open. Fix: choose one in the sidebar.")
    return found


def tables() -> Tables:
    """Return what the open study publishes: the only numbers that a view may show."""
    found = study().tables
    if found is None:
        raise EquiscoreError("No study is open. Fix: choose one in the sidebar.")
    return found


def ask(what: Callable[..., T], *given: Any) -> T:
    """Return what a method of `Tables` says of the open study; it is worked out once, for every reader: ``ask(Tables.judged)``."""
    return _asked(study().digest, what.__name__, given, what, tables())


@st.cache_resource(max_entries=1024, show_spinner=False)
def _asked(digest: str, name: str, given: tuple[Any, ...], _what: Callable[..., T], _tables: Tables) -> T:  # noqa: ARG001  (parts of the key)
    return _what(_tables, *given)
