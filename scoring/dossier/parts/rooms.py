"""Texts of a room of their own: each family of parts reads one."""

from __future__ import annotations

from typing import Any, Protocol

from scoring.dossier.view import View
from scoring.texts import say


class Words(Protocol):
    """A reader of the texts of one room, in the language of a view."""

    def __call__(self, view: View, key: str, /, **values: Any) -> str:
        """Return a text with its numbers."""


def texts_of(room: str) -> Words:
    """Return the reader of a room.

    >>> from types import SimpleNamespace
    >>> texts_of("missing")(SimpleNamespace(language="fr"), "title")
    'Manquant'
    """

    def words(view: View, key: str, /, **values: Any) -> str:
        return say(f"{room}.{key}", view.language, **values)

    return words
