"""D18: sanctions by rule and date, of the rules that apply or may apply and of no other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Final

from scoring.dossier.document import Block, Paragraph, Row, TableBlock
from scoring.dossier.legal import Law, law_of
from scoring.dossier.parts.legal.formalities import columns, no_day, sure, titled, told
from scoring.dossier.view import View
from scoring.law.ai_act import effective_from
from scoring.law.conditions import NO, Truth
from scoring.law.rules import Rule
from scoring.law.trace import Outcome
from scoring.law.wording import day
from scoring.texts import say

ORDER: Final = ("EU", "FR", "MA")
"""The jurisdictions as they are listed."""


def exposure(view: View) -> Iterator[Block]:
    """Show each sanction with its rule, its dates, what became of the rule, and how far the rule was checked."""
    law = law_of(view)
    if law is None:
        yield from no_day(view)
        return
    yield titled(view, "exposure")
    rows = _rows(view, exposed(law), {finding.rule.id for finding in law.trace if finding.on_request})
    if not rows:
        yield Paragraph(told(view, "exposure_none"))
        return
    headed = columns(view, "rule", "falls", "outcome", "dates", "sure")
    yield Paragraph(f"{told(view, 'note_exposure')} {say('law.no_advice', view.language)}")
    yield TableBlock(told(view, "caption_exposure"), headed, rows)


def _rows(view: View, found: list[tuple[Rule, Truth, Outcome]], asked: Collection[str]) -> tuple[Row, ...]:
    """Write the rules under their sanction: many have the same; those that a request sets off are owed to whoever asks."""
    rows = [_row(view, *one, on_request=one[0].id in asked) for one in sorted(found, key=lambda one: ORDER.index(one[0].jurisdiction))]
    places = {section: place for place, section in enumerate(dict.fromkeys(row.section for row in rows))}
    return tuple(sorted(rows, key=lambda row: places[row.section]))


def exposed(law: Law) -> list[tuple[Rule, Truth, Outcome]]:
    """Return the rules with a sanction that apply or may apply on the day, and of the AI Act those to come, as of their first day."""
    held = {finding.rule.id: (finding.rule, finding.applies, finding.outcome) for finding in law.trace}
    to_come = {duty.rule.id: (duty.rule, duty.applies, Outcome.NOT_IN_FORCE) for duty in law.formalities.duties if not duty.in_force}
    found = {**held, **to_come}
    kept = [one for name, one in found.items() if one[0].sanction and one[1] is not NO and (name in to_come or one[2] is not Outcome.NOT_IN_FORCE)]
    return [one for one in kept if one[2] is not Outcome.GIVES_WAY]


def _row(view: View, rule: Rule, applies: Truth, outcome: Outcome, *, on_request: bool) -> Row:
    sanction = rule.sanction.said(view.language).rstrip(".") if rule.sanction else ""
    said = say("law.outcome_on_request" if on_request else f"law.outcome_{outcome.value.replace(' ', '_')}", view.language)
    falls = told(view, "on_request" if on_request else applies.value)
    cells = (f"{rule.title.said(view.language)} ({rule.id})", falls, said, dates(view, rule), sure(view, rule.confidence))
    place = say(f"law.jurisdiction_{rule.jurisdiction}", view.language)
    return Row(cells, "", told(view, "sanction_in", place=place, sanction=sanction))


def dates(view: View, rule: Rule) -> str:
    """Write from when to when a rule is in force, or can have effect where that is later."""
    first, last = (_written(view, one) for one in (effective_from(rule), rule.valid_to))
    if first and last:
        return told(view, "from_to", first=first, last=last)
    return told(view, "from_on", first=first) if first else told(view, "until", last=last) if last else told(view, "undated")


def _written(view: View, when: date | None) -> str:
    return day(when, view.language) if when else ""
