"""Sheets as an XLSX file: numbers as numbers, text from data as text, and the same bytes for the same study."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

from scoring.dossier.document import Cell, Column
from scoring.dossier.workbook import Sheet
from scoring.spreadsheets import DAY, put_text, saved
from scoring.texts import number
from scoring.texts.shown import plainly

_FORMATS: Final = {
    "count": "#,##0", "ratio": "0.00", "ratio3": "0.000", "percent": "0.0%", "percent0": "0%", "p": "0.0000", "plain": "General", "text": "@",
}  # fmt: skip
_MOST_CHARACTERS: Final = 32_000


def xlsx(sheets: Sequence[Sheet]) -> bytes:
    """Return the sheets as one file."""
    book = Workbook()
    book.remove(book.active)
    book.properties.creator = "Equiscore"
    book.properties.created = book.properties.modified = DAY.replace(tzinfo=None)
    for sheet, title in zip(sheets, _titles(sheets), strict=True):
        _fill(book.create_sheet(title), sheet)
    return saved(book)


def _titles(sheets: Sequence[Sheet]) -> Iterator[str]:
    """Give each sheet a name that a spreadsheet accepts."""
    for sheet in sheets:
        yield re.sub(r"[\[\]:*?/\\]", " ", sheet.title)[:31]


def _fill(target: Any, sheet: Sheet) -> None:
    for place, column in enumerate(sheet.columns, start=1):
        head = target.cell(1, place, column.title)
        head.font, head.border = Font(bold=True), Border(bottom=Side("thin"))
        head.alignment = Alignment(wrap_text=True, vertical="bottom", horizontal=column.align)
        target.column_dimensions[get_column_letter(place)].width = _width(sheet, place - 1)
    for line, row in enumerate(sheet.rows, start=2):
        for place, (cell, column) in enumerate(zip(row.cells, sheet.columns, strict=True), start=1):
            put(target.cell(line, place), cell, column)
    target.freeze_panes = "A2"
    target.page_setup.orientation, target.page_setup.fitToHeight = "landscape", 0
    target.sheet_properties.pageSetUpPr.fitToPage = True
    target.print_title_rows = "1:1"
    if sheet.rows:
        target.auto_filter.ref = f"A1:{get_column_letter(len(sheet.columns))}{len(sheet.rows) + 1}"


def put(target: Any, cell: Cell, column: Column) -> None:
    """Write a cell: a number as a number, all else as text that no spreadsheet reads as a formula."""
    target.alignment = Alignment(vertical="top", horizontal=column.align, wrap_text=column.kind == "text")
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return
    if isinstance(cell, int | float) and math.isfinite(cell):
        target.value, target.number_format = cell, _FORMATS[column.kind]
        return
    text = number(cell, "plain", "en") if isinstance(cell, int | float) else str(cell)
    put_text(target, plainly(text)[:_MOST_CHARACTERS])


def _width(sheet: Sheet, place: int) -> float:
    """Return a width that holds what is there, up to what can be read across."""
    if sheet.columns[place].kind != "text":
        return 12.0
    longest = max((len(str(row.cells[place] or "")) for row in sheet.rows), default=0)
    return float(min(max(longest, len(sheet.columns[place].title), 8) + 2, 70))
