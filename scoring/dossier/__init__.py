"""The dossier: a study for those who must read, check and authorise. Blocks first, formats after; published tables only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from scoring.errors import EquiscoreError, nearest
from scoring.provenance import write_file
from scoring.study import Study
from scoring.texts import LANGUAGES


def _html(study: Study, language: str) -> bytes:
    from scoring.dossier.compose import compose
    from scoring.dossier.formats.html import html

    return html(compose(study, language))


def _markdown(study: Study, language: str) -> bytes:
    from scoring.dossier.compose import compose
    from scoring.dossier.formats.markdown import markdown

    return markdown(compose(study, language))


def _xlsx(study: Study, language: str) -> bytes:
    from scoring.dossier.formats.xlsx import xlsx
    from scoring.dossier.workbook import sheets

    return xlsx(sheets(study, language))


FORMATS: Final[Mapping[str, Callable[[Study, str], bytes]]] = {"html": _html, "md": _markdown, "xlsx": _xlsx}
"""What writes each format."""
_LATER: Final = ("pdf", "docx", "pia")


def render(study: Study, language: str = "en", format: str = "html") -> bytes:  # noqa: A002  (the word that the command uses)
    """Return the dossier of a study as the bytes of one file.

    Parameters
    ----------
    study
        Of a declaration or of an audit; only its published tables are read.
    language
        ``en`` or ``fr``.
    format
        ``html`` (one self-contained page), ``md`` (the same blocks) or ``xlsx`` (every published row).

    Raises
    ------
    EquiscoreError
        A format or a language that is not known.
    """
    if language not in LANGUAGES:
        raise EquiscoreError(f"No language {language!r}. Fix: use one of {', '.join(LANGUAGES)}.")
    if format in _LATER:
        raise EquiscoreError(f"The format {format!r} is not written by this version. Fix: use html (every browser prints it as PDF), md or xlsx.")
    if format not in FORMATS:
        near = nearest(format, FORMATS)
        raise EquiscoreError(f"No format {format!r}. Fix: " + (f"did you mean {near!r}? " if near else "") + f"Use one of {', '.join(FORMATS)}.")
    return FORMATS[format](study, language)


def write_dossier(study: Study, *, language: str = "en", format: str = "html", out: str | Path) -> Path:  # noqa: A002
    """Write the dossier of a study as one file, whole or not at all, and return its path.

    Raises
    ------
    EquiscoreError
        A format or a language that is not known, or a place that cannot be written.
    """
    content = render(study, language, format)
    write_file(Path(out), content)
    return Path(out)
