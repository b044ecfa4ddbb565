"""Days and moments as people declare or record them, and a day as a language writes it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from scoring.law.wording import day as written_day

NEVER: Final = datetime.min.replace(tzinfo=UTC)


def moment(value: Any) -> datetime:
    """Return when something was: a day is its first moment, a moment without a zone is of UTC, and what is neither is never.

    >>> moment("2026-01-31").isoformat(), moment("") == NEVER
    ('2026-01-31T00:00:00+00:00', True)
    """
    try:
        found = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else str(value))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return NEVER


def as_day(value: Any) -> date | None:
    """Return the day of a date, of a moment, or of their ISO text; none of what is neither.

    >>> as_day("2026-01-31T10:00:00Z"), as_day("soon")
    (datetime.date(2026, 1, 31), None)
    """
    found = moment(value)
    return None if found == NEVER else found.date()


def day(value: Any, language: str) -> str:
    """Return a day as the language writes it; what is no day stays as it is, nothing is nothing.

    >>> day("2026-01-31", "en"), day("2026-01-31T10:00:00Z", "fr"), day(date(2026, 5, 1), "fr"), day("soon", "en"), day(None, "fr")
    ('31 January 2026', '31 janvier 2026', '1er mai 2026', 'soon', '')
    """
    found = as_day(value)
    if found is None:
        return "" if value is None else str(value)
    return written_day(found, language)
