"""The records of processing activities (GDPR art. 30) as a sheet: XLSX, or CSV that a spreadsheet opens as it stands.

Text of the records is text: what a spreadsheet would run as a formula is marked so that it does not.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select

from scoring.errors import EquiscoreError
from scoring.register.database import Register
from scoring.register.models import Activity, TrailEvent
from scoring.spreadsheets import FORMULA, put_text, saved
from scoring.texts import LANGUAGES, pick, say
from scoring.texts.shown import plainly

COLUMNS: Final = (
    *("reference", "name", "status", "controller", "joint_controllers", "representative", "dpo", "purposes", "persons"),
    *("data", "special", "recipients", "transfers", "retention", "security", "changed"),
)
_DELIMITER: Final = {"en": ",", "fr": ";"}
"""What a spreadsheet of that language takes for the next column."""
_MOST: Final = 32_000
"""A cell holds 32,767 characters."""
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def records_of_processing(register: Register, language: str, kind: str = "xlsx") -> bytes:
    """Return all activities as one sheet.

    Parameters
    ----------
    language
        Of headings and of the texts, where a record has them in that language.
    kind
        xlsx; or csv: UTF-8 with a byte order mark, and the delimiter of the language.

    Raises
    ------
    EquiscoreError
        A language or kind that there is not.
    """
    if language not in LANGUAGES or kind not in _WRITERS:
        raise EquiscoreError(f"No {kind!r} in {language!r}. Fix: use one of {', '.join(_WRITERS)} in one of {', '.join(LANGUAGES)}.")
    head = [say(f"register.{name}", language) for name in COLUMNS]
    return _WRITERS[kind]([head, *rows_of(register, language)], language)


def rows_of(register: Register, language: str) -> list[list[str]]:
    """Return a row of `COLUMNS` an activity, in the words of a language; what a record does not say is said to be missing."""
    query = select(Activity, TrailEvent.at).join(TrailEvent, TrailEvent.sequence == Activity.written).order_by(Activity.id)
    with register.reading() as session:
        return [[_told(name, row, at, language) for name in COLUMNS] for row, at in session.execute(query)]


def _told(name: str, row: Activity, at: str, language: str) -> str:
    if name == "status":
        return say(f"register.status_{row.status}", language)
    if name == "changed":
        return at[:16].replace("T", " ")
    return _CELLS[name](row.document, language)


def _one_a_line(parts: Iterable[str], language: str) -> str:
    return "\n".join(parts) or say("register.none", language)


def _party(party: Mapping[str, Any] | None, language: str) -> str:
    if not party:
        return say("register.not_named", language)
    return ", ".join(str(party[part]) for part in ("name", "address", "contact") if party.get(part))


def _purpose(purpose: Mapping[str, Any], language: str) -> str:
    told = say("register.between", language, name=pick(purpose["name"], language), told=say(f"dossier.basis_{purpose['legal_basis']}", language))
    return told + (f" ({pick(purpose['detail'], language)})" if purpose.get("detail") else "")


def _retention(kept: Mapping[str, Any], language: str) -> str:
    period = pick(kept["period"], language)
    if kept.get("then"):
        period = say("register.then", language, period=period, then=pick(kept["then"], language))
    return say("register.between", language, name=pick(kept["data"], language), told=period)


def _transfer(transfer: Mapping[str, Any], language: str) -> str:
    where = f"{transfer['country']}, {transfer['recipient']}"
    return say("register.between", language, name=where, told=pick(transfer["safeguards"], language))


def _listed(name: str, write: Callable[[Any, str], str]) -> Callable[[Mapping[str, Any], str], str]:
    return lambda document, language: _one_a_line((write(part, language) for part in document.get(name) or ()), language)


def _special(document: Mapping[str, Any], language: str) -> str:
    return _one_a_line((pick(part["name"], language) for part in document.get("data") or () if part.get("special")), language)


def _optional(name: str) -> Callable[[Mapping[str, Any], str], str]:
    """Write a party that a record need not have."""
    return lambda document, language: _party(document[name], language) if document.get(name) else say("register.none", language)


_CELLS: Final[Mapping[str, Callable[[Mapping[str, Any], str], str]]] = {
    "reference": lambda document, _: str(document["reference"]),
    "name": lambda document, language: pick(document["name"], language),
    "controller": lambda document, language: _party(document.get("controller"), language),
    "joint_controllers": _listed("joint_controllers", _party),
    "representative": _optional("representative"),
    "dpo": lambda document, language: _party(document.get("dpo"), language),
    "purposes": _listed("purposes", _purpose),
    "persons": _listed("persons", pick),
    "data": _listed("data", lambda part, language: pick(part["name"], language)),
    "special": _special,
    "recipients": _listed("recipients", pick),
    "transfers": _listed("transfers", _transfer),
    "retention": _listed("retention", _retention),
    "security": _listed("security", pick),
}


def _whole(text: str, language: str) -> str:
    """Return what a cell can hold, and say where it is not all."""
    held = _ILLEGAL.sub(" ", plainly(text))
    return held if len(held) <= _MOST else f"{held[:_MOST]} {say('register.cut', language)}"


def _csv(rows: Sequence[Sequence[str]], language: str) -> bytes:
    """Write with a byte order mark, so that a spreadsheet reads UTF-8; a cell that would be a formula gets an apostrophe."""
    held = io.StringIO(newline="")
    writer = csv.writer(held, delimiter=_DELIMITER[language], quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([_unarmed(_whole(cell, language)) for cell in row] for row in rows)
    return held.getvalue().encode("utf-8-sig")


def _unarmed(text: str) -> str:
    return f"'{text}" if text.lstrip(" \u00a0\u200b\u200e\u200f\ufeff").startswith(FORMULA) or text.startswith(FORMULA) else text


def _xlsx(rows: Sequence[Sequence[str]], language: str) -> bytes:
    """Write text cells, which no spreadsheet runs; equal rows give equal bytes."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.create_sheet(say("register.sheet", language)[:31], 0)
    del book[book.sheetnames[1]]
    for line, row in enumerate(rows, start=1):
        for place, text in enumerate(row, start=1):
            cell = sheet.cell(line, place)
            put_text(cell, _whole(text, language))
            cell.alignment, cell.font = Alignment(wrap_text=True, vertical="top"), Font(bold=line == 1)
    for place in range(1, len(COLUMNS) + 1):
        sheet.column_dimensions[get_column_letter(place)].width = 32
    sheet.freeze_panes, sheet.print_title_rows, sheet.page_setup.orientation = "C2", "1:1", "landscape"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(COLUMNS))}{len(rows)}"
    return saved(book)


_WRITERS: Final[Mapping[str, Callable[[Sequence[Sequence[str]], str], bytes]]] = {"xlsx": _xlsx, "csv": _csv}
