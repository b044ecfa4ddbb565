"""The dossier: a study for those who must read, check and authorise. Blocks first, formats after; published tables only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from scoring.errors import EquiscoreError, nearest
from scoring.provenance import write_file
from scoring.study import Study
from scoring.texts import LANGUAGES

Record = Mapping[str, Any]
"""What people recorded in the register of an activity and study, as plain data (`scoring.dossier.view.View.record`)."""


def _html(study: Study, language: str, record: Record) -> bytes:
    from scoring.dossier.compose import compose
    from scoring.dossier.formats.html import html

    return html(compose(study, language, record))


def _markdown(study: Study, language: str, record: Record) -> bytes:
    from scoring.dossier.compose import compose
    from scoring.dossier.formats.markdown import markdown

    return markdown(compose(study, language, record))


def _xlsx(study: Study, language: str, _: Record) -> bytes:
    from scoring.dossier.formats.xlsx import xlsx
    from scoring.dossier.workbook import sheets

    return xlsx(sheets(study, language))


def _pia(study: Study, language: str, record: Record) -> bytes:
    from scoring.dossier.pia import pia_bytes, pia_of

    return pia_bytes(pia_of(study, language, recorded=record.get("pia")))


def _pdf(study: Study, language: str, record: Record) -> bytes:
    from scoring.dossier.compose import compose
    from scoring.dossier.evidence import evidence_of
    from scoring.dossier.formats.pdf import pdf

    document = compose(study, language, record)
    return pdf(document, evidence=evidence_of(study), day=study.plan.as_of, digest=study.digest)


def _docx(study: Study, language: str, record: Record) -> bytes:
    from scoring.dossier.compose import compose
    from scoring.dossier.formats.docx import docx

    return docx(compose(study, language, record), day=study.plan.as_of, digest=study.digest)


def _zip(study: Study, language: str, record: Record) -> bytes:
    from scoring.dossier.authority import package_of

    return package_of(study, language, record)


FORMATS: Final[Mapping[str, Callable[[Study, str, Record], bytes]]] = {
    "html": _html,
    "md": _markdown,
    "xlsx": _xlsx,
    "pdf": _pdf,
    "docx": _docx,
    "pia": _pia,
    "zip": _zip,
}
"""What writes each format."""


def render(study: Study, language: str = "en", format: str = "html", record: Record | None = None) -> bytes:  # noqa: A002  (the word that the command uses)
    """Return the dossier of a study as the bytes of one file.

    Parameters
    ----------
    study
        Of a declaration or of an audit; only its published tables are read.
    language
        ``en`` or ``fr``.
    format
        ``html`` (one self-contained page), ``pdf`` (PDF/A-3a and PDF/UA-1, its evidence attached), ``docx``, ``md`` (the same blocks),
        ``xlsx`` (every published row), ``pia`` (the file that the CNIL's PIA software imports) or ``zip`` (package of GDPR art. 36(3)).
    record
        What people recorded in the register: opinions, reviews, signatures, answers; without it the dossier says that they are missing.

    Raises
    ------
    EquiscoreError
        A format or a language that is not known.
    """
    if language not in LANGUAGES:
        raise EquiscoreError(f"No language {language!r}. Fix: use one of {', '.join(LANGUAGES)}.")
    if format not in FORMATS:
        near = nearest(format, FORMATS)
        raise EquiscoreError(f"No format {format!r}. Fix: " + (f"did you mean {near!r}? " if near else "") + f"Use one of {', '.join(FORMATS)}.")
    return FORMATS[format](study, language, record or {})


def write_dossier(
    study: Study,
    *,
    language: str = "en",
    format: str = "html",  # noqa: A002
    out: str | Path,
    record: Record | None = None,
) -> Path:
    """Write the dossier of a study as one file, whole or not at all, and return its path.

    Raises
    ------
    EquiscoreError
        A format or a language that is not known, or a place that cannot be written.
    """
    content = render(study, language, format, record)
    write_file(Path(out), content)
    return Path(out)
