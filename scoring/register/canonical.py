"""What is stored is written one way only, so that equal content has equal bytes and one digest, whatever the database."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator

from scoring.errors import EquiscoreError

KEY_LENGTH: Final = 200
"""Longest key of a row, in characters."""
SHORT_LENGTH: Final = 300
"""Longest text of a column that is indexed: PostgreSQL refuses an index entry above 2,704 bytes. The document holds the whole."""
_CONTROL: Final = {"Cc", "Cs"}


def canonical(content: object) -> str:
    r"""Return JSON without choice: keys sorted, no blanks, no NaN.

    Raises
    ------
    EquiscoreError
        A value that JSON has no form for.

    >>> canonical({"b": 1, "a": [None, "é", "\x00"]})
    '{"a":[null,"é","\\u0000"],"b":1}'
    """
    try:
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise EquiscoreError(
            f"register: a value that cannot be kept as JSON ({type(error).__name__}). Fix: hand in text, numbers, lists and mappings."
        ) from error
    return text


def sha256(content: str | bytes) -> str:
    """Return the SHA-256 of a text (as UTF-8) or of bytes, in hexadecimal.

    >>> sha256("abc")[:16]
    'ba7816bf8f01cfea'
    """
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def instant(at: dt.datetime) -> str:
    """Return a moment as text in UTC; there is no clock in the register, the caller hands the moment in.

    Raises
    ------
    EquiscoreError
        A moment without a time zone.

    >>> instant(dt.datetime(2026, 11, 22, 13, tzinfo=dt.timezone(dt.timedelta(hours=1))))
    '2026-11-22T12:00:00.000000Z'
    """
    if at.tzinfo is None:
        raise EquiscoreError(f"{at}: a moment without a time zone. Fix: hand in an aware datetime, such as datetime.now(UTC).")
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def short(text: object) -> str:
    r"""Return a text as a column that is indexed holds it: no control characters, cut where it is long.

    >>> short("a\x00b\nc"), len(short("é" * 1_000_000))
    ('a b c', 300)
    """
    head = str(text)[: 4 * SHORT_LENGTH]
    return "".join(" " if unicodedata.category(sign) in _CONTROL else sign for sign in head)[:SHORT_LENGTH]


def key(text: str, what: str) -> str:
    """Return a key of a row, checked.

    Raises
    ------
    EquiscoreError
        Empty, too long, or with a control character.

    >>> key("CREDIT-2026-01", "reference")
    'CREDIT-2026-01'
    """
    if not text.strip() or len(text) > KEY_LENGTH or any(unicodedata.category(sign) in _CONTROL for sign in text):
        raise EquiscoreError(f"{short(text)[:40]!r}: no {what} of a register. Fix: 1 to {KEY_LENGTH} characters, no control characters.")
    return text


def fold(text: str) -> str:
    """Return a text as it is searched: neither case nor accents.

    >>> fold("Crédit à la Consommation")
    'credit a la consommation'
    """
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in parts if not unicodedata.combining(sign) and unicodedata.category(sign) not in _CONTROL)


class Canonical(TypeDecorator[Any]):
    """JSON kept as its canonical text: the same bytes in SQLite and PostgreSQL, NUL included (jsonb refuses it)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write."""
        return None if value is None else canonical(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Read."""
        return None if value is None else json.loads(value)


class Day(TypeDecorator[dt.date]):
    """A day kept as text (2026-11-22), so that it sorts and reads the same everywhere."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: dt.date | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.date | None:  # noqa: ARG002
        """Read."""
        return None if value is None else dt.date.fromisoformat(value)


def stored(value: object) -> Any:
    """Return a value of a column as the trail tells it: a day as text, bytes by their digest, all else as it is.

    >>> stored(dt.date(2026, 11, 22)), stored(b"abc")[:14], stored({"a": 1})
    ('2026-11-22', 'sha256:ba7816b', {'a': 1})
    """
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"sha256:{sha256(value)}"
    return dict(value) if isinstance(value, Mapping) else value
