"""What the cover and the annexes share: their texts, dates as they are written, the gaps that are shown and what answers them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from babel.dates import format_date

from scoring.dossier.document import Heading
from scoring.dossier.view import View, rows_of
from scoring.texts import pick, say
from scoring.vocabulary import Verdict

_FORMS: Final = {"en": "d MMMM y", "fr": "d MMMM y"}
NEVER: Final = datetime.min.replace(tzinfo=UTC)


def words(view: View, key: str, /, **values: Any) -> str:
    """Return a text of the annexes."""
    return say(f"dossier_annexes.{key}", view.language, **values)


def part(view: View, anchor: str, **values: Any) -> Heading:
    """Return the heading of a part of a section."""
    return Heading(3, words(view, f"heading_{anchor}", **values), f"annex-{anchor.replace('_', '-')}")


def day(value: Any, language: str) -> str:
    """Return a day as the language writes it; what is no day stays as it is.

    >>> day("2026-01-31", "en"), day("2026-01-31T10:00:00Z", "fr"), day(date(2026, 5, 1), "fr"), day("soon", "en")
    ('31 January 2026', '31 janvier 2026', '1er mai 2026', 'soon')
    """
    found = moment(value)
    if found == NEVER:
        return "" if value is None else str(value)
    written = str(format_date(found.date(), _FORMS[language], locale=language))
    return f"1er{written[1:]}" if language == "fr" and found.day == 1 else written


def moment(value: Any) -> datetime:
    """Return when something was: a day is its first moment, a moment without a zone is of UTC, and what is neither is never.

    >>> moment("2026-01-31").isoformat(), moment("") == NEVER
    ('2026-01-31T00:00:00+00:00', True)
    """
    try:
        found = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else str(value))
    except ValueError:
        return NEVER
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def listed(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return a list of what people recorded; an absent one is empty."""
    return [one for one in record.get(name) or () if isinstance(one, Mapping)]


def shown_exclusions(view: View) -> list[dict[str, Any]]:
    """Return the published rows where exclusion is shown, but for those that are parts of an excluded group."""
    rows = view.judged
    return rows_of(rows[(rows["verdict"] == Verdict.EXCLUSION) & (rows["under"].fillna("") == "")])


def answers(declared: Mapping[str, Any], record: Mapping[str, Any]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Return the justification or measure of each gap, by attribute, group and metric; one of the register comes after one declared."""
    given = [*((declared.get("assessment") or {}).get("justifications") or ()), *listed(record, "justifications")]
    return {(str(one.get("attribute")), str(one.get("group")), str(one.get("metric") or "selection_rate")): one for one in given if _whole(one)}


def _whole(one: Mapping[str, Any]) -> bool:
    """Tell whether it is a measure or a justification in all four parts, as `scoring.assessment` asks; half an answer is none."""
    return bool(one.get("measure")) or all(one.get(name) for name in ("aim", "necessary", "appropriate", "alternatives"))


def gap(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return by what a justification names the gap of a row."""
    return str(row["attribute"]), str(row["group"]), str(row["metric"])


def in_words(view: View, given: Any) -> str:
    """Return declared words, or a list of them one a line; nothing where nothing is said."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        return "\n".join(found for one in given if (found := pick(one, view.language)))
    return view.pick(given)


def joined(parts: Iterable[str]) -> str:
    """Return parts one a line, without the empty ones."""
    return "\n".join(one for one in parts if one)


def absent(view: View, what: str, who: str, section: str) -> str:
    """Return that a piece is missing, who must supply it, and the section whose list of missing pieces holds it."""
    item = say("missing.item", view.language, what=what, who=say(f"missing.who_{who}", view.language))
    return words(view, "absent", missing=say("missing.title", view.language), item=item, section=section)
