"""D9: how each right is exercised and within which time, who reviews, where one complains, and what the log says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.assessment import Right
from scoring.dossier.document import Block, KeyValues, Paragraph, Row
from scoring.dossier.parts.declared.shared import cited, columns, heading, in_force, of_declaration, rule_named, said, table, text, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View
from scoring.texts import NOTHING
from scoring.vocabulary import LegalBasis

LONGEST_MONTH: Final = 31
"""Days of the longest calendar month: a longer time is longer than the month of GDPR art. 12(3), whatever the day it begins."""


@of_declaration
def rights(view: View) -> Iterator[Block]:
    """List the eight rights, each with its desk or shown as missing; then review, complaints and the log."""
    yield heading(view, "rights")
    desks = view.assessment.get("rights") or {}
    rows = [Row((words(view, f"right_{right}"), *_told(view, right, desks.get(right)))) for right in Right]
    yield from table(view, "rights", columns(view, "right", "how", "within"), rows, note=_deadline(view))
    without = [right for right in rights_given(view) if right not in desks]
    yield from lacking(view, *((words(view, "lacks_right", right=words(view, f"right_{right}")), "controller") for right in without))
    yield from cited(
        view, "EU-GDPR-15", "EU-GDPR-16", "EU-GDPR-17", "EU-GDPR-18", "EU-GDPR-20", "EU-GDPR-21-1", "EU-GDPR-21-2", "EU-GDPR-22", "EU-AIA-86"
    )
    yield heading(view, "review")
    yield from said(view, oversight="controller", complaints="controller")
    yield heading(view, "log")
    yield from _log(view)


def rights_given(view: View) -> tuple[Right, ...]:
    """Return the rights that a desk is asked for: all, but to object only where GDPR art. 21 may give that right.

    Art. 21(1) gives it where a processing rests on a public task or a legitimate interest, art. 21(2) against direct marketing. On a
    basis that is not known it is asked for.
    """
    return tuple(right for right in Right if right is not Right.OBJECTION or _may_object(view))


def _may_object(view: View) -> bool:
    bases = [one.get("legal_basis") for one in view.declared.get("purposes") or ()]
    marketing = "prospecting" in ((view.declared.get("facts") or {}).get("purpose") or ())
    open_ = not bases or not all(bases) or not {LegalBasis.PUBLIC_TASK, LegalBasis.LEGITIMATE_INTERESTS}.isdisjoint(bases)
    return open_ or marketing or not in_force(view, "EU-GDPR-21-1")


def _told(view: View, right: Right, desk: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return how a right is exercised, or that the law does not give it on the bases declared."""
    return _desk(view, desk) if desk or right in rights_given(view) else (words(view, "no_objection"), NOTHING)


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
