"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scoring.errors import EquiscoreError


class Language(StrEnum):
    """The languages of what is written and said."""

    EN = "en"
    FR = "fr"


Lang = Annotated[Language, typer.Option("--lang", help="Language.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
RegisterUrl = Annotated[
    str | None,
    typer.Option("--register", envvar="EQUISCORE_REGISTER", help="sqlite:///FILE or postgresql://HOST/NAME; a password belongs in the variable."),
]


def kept_register(url: str | None) -> str:
    """Return the address of a register that is to be read. A file that is not there is a name mistyped: opened, it would hold nothing.

    >>> kept_register("postgresql://host/name")
    'postgresql://host/name'
    """
    named = needed_register(url)
    if (file := register_file(named)) is not None and not file.is_file():
        raise EquiscoreError(f"No register in the file {file}. Fix: correct the name, or make one with `equiscore register add ACTIVITY.yaml`.")
    return named


def needed_register(url: str | None) -> str:
    """Return the address of a register that may be made."""
    if url is None:
        raise EquiscoreError("No register is named. Fix: give --register sqlite:///register.db, or set EQUISCORE_REGISTER.")
    return url


def register_file(url: str) -> Path | None:
    """Return the file of a register that is one.

    >>> register_file("sqlite:///register.db").name, register_file("postgresql://host/name")
    ('register.db', None)
    """
    kind, mark, rest = url.partition("://")
    if not mark:
        return Path(url)
    place = rest.partition("?")[0].removeprefix("/")
    return Path(place) if kind.startswith("sqlite") and place not in {"", ":memory:"} else None
