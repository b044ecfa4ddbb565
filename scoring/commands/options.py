"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


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
