"""D9: how each right is exercised and within which time, who reviews, where one complains, and what the log says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.assessment import Right
from scoring.dossier.document import Block, KeyValues, Paragraph, Row
from scoring.dossier.parts.declared.shared import cited, columns, heading, in_force, of_declaration, rule_named, said, table, text, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View

LONGEST_MONTH: Final = 31
"""Days of the longest calendar month: a longer time is longer than the month of GDPR art. 12(3), whatever the day it begins."""


@of_declaration
def rights(view: View) -> Iterator[Block]:
    """List the eight rights, each with its desk or shown as missing; then review, complaints and the log."""
    yield heading(view, "rights")
    desks = view.assessment.get("rights") or {}
    rows = [Row((words(view, f"right_{right}"), *_desk(view, desks.get(right)))) for right in Right]
    yield from table(view, "rights", columns(view, "right", "how", "within"), rows, note=_deadline(view))
    yield from lacking(
        view, *((words(view, "lacks_right", right=words(view, f"right_{right}")), "controller") for right in Right if right not in desks)
    )
    yield from cited(view, "EU-GDPR-15", "EU-GDPR-16", "EU-GDPR-17", "EU-GDPR-18", "EU-GDPR-20", "EU-GDPR-21-1", "EU-GDPR-22", "EU-AIA-86")
    yield heading(view, "review")
    yield from said(view, oversight="controller", complaints="controller")
    yield heading(view, "log")
    yield from _log(view)


def _desk(view: View, desk: Mapping[str, Any] | None) -> tuple[str, str]:
    if not desk:
        return words(view, "not_declared"), words(view, "not_declared")
    days = desk.get("days")
    if days is None:
        return text(view, desk.get("how")), words(view, "legal_time" if _month(view) else "not_said")
    return text(view, desk.get("how")), words(view, "days_long" if days > LONGEST_MONTH and _month(view) else "days", days=days)


def _month(view: View) -> bool:
    """Tell whether the law gives one month on the day of the study."""
    return in_force(view, "EU-GDPR-15")


def _deadline(view: View) -> str:
    return words(view, "note_deadline", rule=rule_named(view, "EU-GDPR-15")) if _month(view) else ""


def _log(view: View) -> Iterator[Block]:
    """Count the incidents that the register holds; requests of persons are not in it yet, and that is said."""
    if (incidents := view.record.get("incidents")) is None:
        yield from lacking(view, (words(view, "lacks_incidents"), "controller"))
    else:
        still = sum(not one.get("closed_at") for one in incidents)
        yield KeyValues(((words(view, "incidents"), words(view, "incidents_said", incidents=len(incidents), still=still)),))
    yield Paragraph(words(view, "requests_not_supplied"))
