"""D19: what every rule came to, on which facts, and what is missing; with its dates, its source and how far it was checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from scoring.dossier.document import Block, Paragraph, Row, TableBlock
from scoring.dossier.legal import law_of
from scoring.dossier.parts.legal.exposure import ORDER, dates
from scoring.dossier.parts.legal.formalities import became, columns, no_day, sure, titled, told
from scoring.dossier.view import View
from scoring.law.trace import Finding
from scoring.law.wording import day, fact_name
from scoring.texts import has, say


def rule_trace(view: View) -> Iterator[Block]:
    """Show all rules, by jurisdiction; none is left out, not even one that is not in force."""
    law = law_of(view)
    if law is None:
        yield from no_day(view)
        return
    yield titled(view, "rule_trace")
    yield Paragraph(told(view, "trace_intro", number=len(law.trace.findings)))
    found = sorted(law.trace, key=lambda finding: ORDER.index(finding.rule.jurisdiction))
    rows = tuple(_row(view, finding, law.as_of) for finding in found)
    headed = columns(view, "rule", "outcome", "dates", "sure")
    yield TableBlock(told(view, "caption_trace"), headed, rows, say("law.no_advice", view.language), told(view, "remark_why"))


def _row(view: View, finding: Finding, as_of: date) -> Row:
    rule = finding.rule
    outcome = became(view, finding, as_of)
    cells = (f"{rule.id}: {rule.title.said(view.language)}" if view.language == "en" else f"{rule.id}\u202f: {rule.title.said('fr')}", outcome)
    place = say(f"law.jurisdiction_{rule.jurisdiction}", view.language)
    return Row((*cells, dates(view, rule), sure(view, rule.confidence)), " ".join(_remarks(view, finding)), place)


def _remarks(view: View, finding: Finding) -> Iterator[str]:
    rule, answer = finding.rule, finding.answer
    if set(finding.rested) - {"date"}:  # what rests on the day alone is told by the rule's dates
        yield told(view, "trace_rests", facts=_coded(view, finding.rested))
    if finding.missing:
        yield told(view, "trace_missing", facts=_coded(view, finding.missing))
    if finding.gives_way_to:
        yield told(view, "trace_way", rules=", ".join(finding.gives_way_to))
    if answer:
        yield told(view, "trace_answered", by=answer.by, day=day(answer.on, view.language), reason=answer.reason)
    yield from finding.questions(view.language)[:1]  # the rule's own; those of the facts are told by their names
    own = f"dossier_law.read_in_{rule.id}"  # sources with words of ours beside them are in both languages
    source = say(own, view.language) if has(own, view.language) else view.semicolons(rule.source.split("; ")) or told(view, "not_read")
    yield told(view, "trace_source", reference=view.pick(rule.reference), source=source)


def _coded(view: View, names: Iterable[str]) -> str:
    """Write facts with their codes, which are those of the declaration."""
    return ", ".join(f"{fact_name(name, view.language)} [{name}]" for name in names)
