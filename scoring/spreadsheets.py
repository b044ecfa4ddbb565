"""Spreadsheets that run nothing and bear no time: text from data is text, and equal content has equal bytes."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any, Final

DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""There is no clock in what is written, so its files bear no time either."""
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula, the full-width forms of East Asian spreadsheets included."""


def put_text(cell: Any, text: str) -> None:
    """Write a cell as text that no spreadsheet reads as a formula; openpyxl takes a leading "=" for one unless it is told."""
    cell.value = text
    cell.data_type, cell.number_format, cell.quotePrefix = "s", "@", text.startswith(FORMULA)


def saved(book: Any) -> bytes:
    """Return a workbook of openpyxl as bytes that do not tell when it was written."""
    held, target = io.BytesIO(), io.BytesIO()
    book.save(held)
    with zipfile.ZipFile(held) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", DAY.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), content)
            new.writestr(zipfile.ZipInfo(name, DAY.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()
