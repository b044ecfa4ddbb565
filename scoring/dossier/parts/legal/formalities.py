"""D1: which formalities are due, on which rules and facts; the gate; the tests behind it. The tool gives no legal advice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from scoring.dossier.document import Block, Callout, Column, Estimate, Heading, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.legal import HISTORIC, Law, law_of
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.view import View, rows_of
from scoring.law.ai_act import effective_from
from scoring.law.conditions import NO, UNKNOWN, YES
from scoring.law.decisiveness import DECISIVE_SHARE, Decisiveness
from scoring.law.formalities import Formality
from scoring.law.gate import OpenPoint
from scoring.law.rules import Confidence
from scoring.law.trace import Finding, Outcome
from scoring.law.wording import day, named, written
from scoring.law.wp248 import Test
from scoring.texts import NOTHING, number, say

APART: Final = ("fraud", "customer_risk", "professional_alert")
OVERRIDDEN: Final = (("group", "text"), ("people", "count"), ("overridden", "count"), ("raised", "count"), ("lowered", "count"), ("rate", "percent"))
RULES_APART: Final = ("FR-FRAUD", "FR-ALERTES-PRO", "FR-AIPD-LIST-9")


def told(view: View, key: str, /, **values: Any) -> str:
    """Return a text of the law in the dossier."""
    return say(f"dossier_law.{key}", view.language, **values)


def titled(view: View, key: str) -> Heading:
    """Return a heading of level 3."""
    return Heading(3, told(view, f"heading_{key}"), key.replace("_", "-"))


def columns(view: View, *keys: str) -> tuple[Column, ...]:
    """Return columns of text."""
    return tuple(Column(told(view, f"col_{key}")) for key in keys)


def sure(view: View, confidence: Confidence | None) -> str:
    """Return how far a rule was checked, in words; nothing where no rule speaks."""
    return say(f"law.confidence_{confidence.value}", view.language) if confidence else NOTHING


def became(view: View, finding: Finding, as_of: date) -> str:
    """Return what became of a rule, in words; one that hangs on a later day has no effect yet, which is not that it does not apply."""
    if finding.on_request:
        return say("law.outcome_on_request", view.language)
    first = effective_from(finding.rule)
    later = finding.outcome is Outcome.NOT_APPLICABLE and first is not None and first > as_of
    outcome = Outcome.NOT_IN_FORCE if later else finding.outcome
    return say(f"law.outcome_{outcome.value.replace(' ', '_')}", view.language)


def no_day(view: View) -> Iterator[Block]:
    """Show that the day is missing on which the law is asked; nothing of an audit."""
    if view.declared:
        yield from lacking(view, (told(view, "no_day"), "controller"))


def formalities(view: View) -> Iterator[Block]:
    """Show what is due and what stops the launch, then the tests that it rests on."""
    law = law_of(view)
    if law is None:
        yield from no_day(view)
        return
    yield titled(view, "formalities")
    yield Paragraph(told(view, "as_of", day=day(law.as_of, view.language)))
    yield Paragraph(say("law.no_advice", view.language))
    yield _due(view, law)
    yield from _gate(view, law)
    yield from _decisiveness(view, law)
    yield from _dpia(view, law)
    yield from _ai_act(view, law)
    yield from _historic(view, law)
    yield from _apart(view, law)


def _due(view: View, law: Law) -> TableBlock:
    rows = tuple(_row(view, item) for item in law.formalities.items if item.code not in HISTORIC)
    headed = columns(view, "formality", "required", "done", "rules", "sure")
    return TableBlock(told(view, "caption_formalities"), headed, rows, told(view, "note_formalities"), told(view, "remark_why"))


def _row(view: View, item: Formality) -> Row:
    done = NOTHING if item.required is NO else told(view, item.done.value)
    cells = (item.title(view.language), told(view, item.required.value), done, item.by_rules(view.language), sure(view, item.confidence))
    return Row(cells, item.reason(view.language))


def _gate(view: View, law: Law) -> Iterator[Block]:
    yield titled(view, "gate")
    if not law.points:
        yield Paragraph(told(view, "gate_open"))
        return
    number = len(law.points)
    yield Callout(told(view, "gate_number", number=number), (told(view, "gate_closed"),))
    headed = columns(view, "point", "state", "rules", "sure")
    rows = tuple(_point(view, law, point) for point in law.points)
    yield TableBlock(told(view, "caption_gate"), headed, rows, told(view, "note_gate"), told(view, "remark_questions"))
    yield from lacking(view, (told(view, "answers_wanted", number=number), "controller"))


def _point(view: View, law: Law, point: OpenPoint) -> Row:
    """Write an open point: the questions of its rules, then the names of the facts that are missing, whose own questions would say it again."""
    state = told(view, f"gate_state_{point.state}")
    words = say(f"law.confidence_{point.confidence}" if point.confidence else "law.confidence_none", view.language)
    cells = (point.title[view.language == "fr"], state, ", ".join(_shown(view, point.rules)), words)
    return Row(cells, "\n".join(_asked(view, law, point)), told(view, f"gate_kind_{point.kind}"))


def _asked(view: View, law: Law, point: OpenPoint) -> Iterator[str]:
    found = [finding for finding in law.trace.of(Outcome.OPEN) if finding.rule.id in point.rules]
    if point.kind == "criterion" or not found:
        yield point.questions[view.language == "fr"]
        return
    yield " ".join(dict.fromkeys(finding.rule.question.said(view.language) for finding in found))
    of_item = next((item.missing for item in law.formalities.items if item.code == point.code), ())
    missing = [name for name in (*of_item, *(name for finding in found for name in finding.missing)) if not name.startswith("rule(")]
    if missing:
        yield told(view, "trace_missing", facts=named(missing, view.language))


def _shown(view: View, rules: tuple[str, ...]) -> list[str]:
    return [say("formalities.cnil_list", view.language) if rule == "cnil_list" else rule for rule in rules]


def _decisiveness(view: View, law: Law) -> Iterator[Block]:
    yield titled(view, "decisiveness")
    found = law.decisiveness
    if found is None:
        yield Paragraph(told(view, f"decisive_{law.not_measured}"))
        yield from lacking(view, (told(view, "decisions_wanted"), "controller"))
        return
    given = {"share": found.share, "people": found.people, "low": found.low, "high": found.high}
    yield Paragraph(_in_force(view) + told(view, "decisive_measured", override=found.override_rate, threshold=DECISIVE_SHARE, **given))
    yield Paragraph(" ".join((told(view, "decisive_sides", people=found.people, raised=found.raised, lowered=found.lowered), _left_out(view, found))))
    headed = tuple(Column(told(view, f"col_{key}"), kind) for key, kind in OVERRIDDEN)
    rows = tuple(_overridden(view, row) for row in rows_of(found.by_group))
    note = told(view, "note_overrides", confidence=view.plan.bounds.confidence, threshold=view.threshold)
    yield TableBlock(told(view, "caption_overrides"), headed, rows, note)


def _in_force(view: View) -> str:
    """Write the declared cut-off, and a blank; nothing where none is declared."""
    score = view.plan.score
    if score is None or score.applied_cutoff is None:
        return ""
    return told(view, "decisive_at_most" if score.higher_is == "worse" else "decisive_at_least", value=score.applied_cutoff) + " "


def _left_out(view: View, found: Decisiveness) -> str:
    """Say who is in none of the numbers; counts of a few are not told."""
    fewer = view.say("fewer", threshold=view.threshold)
    undecided, unscored = (fewer if math.isnan(one) else number(one, "count", view.language) for one in (found.undecided, found.unscored))
    if math.isnan(found.unscored):
        return told(view, "decisive_few_unscored", undecided=undecided)
    return told(view, "decisive_left_out", unscored=unscored, undecided=undecided)


def _overridden(view: View, row: Mapping[str, Any]) -> Row:
    """Write a group and its decisions against the score; a fold names those that it joins."""
    rate = Estimate(row["override_rate"], row["low"], row["high"])
    cells = (view.level(row["level"]), row["people"], row["overridden"], row["raised"], row["lowered"], rate)
    joins = view.say("joins", names=row["folded"]) if row["folded"] else ""
    return Row(cells, joins, view.name(row["attribute"]))


def _dpia(view: View, law: Law) -> Iterator[Block]:
    tests = law.formalities.wp248
    yield titled(view, "wp248")
    yield Paragraph(told(view, "wp248_result", met=sum(one.truth is YES for one in tests), unknown=sum(one.truth is UNKNOWN for one in tests)))
    rows = tuple(
        Row((f"{number}. {one.title(view.language)}", told(view, one.truth.value), one.reason(view.language))) for number, one in enumerate(tests, 1)
    )
    yield TableBlock(told(view, "caption_wp248"), columns(view, "criterion", "met", "why"), rows, told(view, "note_wp248"))
    yield titled(view, "cnil_list")
    held = sorted(enumerate(law.formalities.cnil_list, 1), key=lambda pair: pair[1].rule is None)
    listed = tuple(_item(view, law, number, one) for number, one in held)
    headed = columns(view, "item", "met", "rule", "sure")
    yield TableBlock(told(view, "caption_cnil_list"), headed, listed, told(view, "note_cnil_list"), told(view, "remark_why"))


def _item(view: View, law: Law, number: int, one: Test) -> Row:
    """Write an item; what is to be asked of those that no rule speaks of is one question, which their part of the table asks once."""
    known = next((finding.rule.confidence for finding in law.trace if finding.rule.id == one.rule), Confidence.TO_VERIFY)
    cells = (f"{number}. {one.title(view.language)}", told(view, one.truth.value), one.rule or NOTHING, sure(view, known))
    remark = "" if one.rule is None and one.truth is UNKNOWN else one.reason(view.language)
    return Row(cells, remark, told(view, "listed_by_rule" if one.rule else "listed_by_nobody"))


def _ai_act(view: View, law: Law) -> Iterator[Block]:
    found = law.formalities.ai_class
    yield titled(view, "ai_act")
    yield KeyValues(
        (
            (told(view, "ai_class"), say(f"formalities.ai_{found.code}", view.language)),
            (told(view, "ai_since"), day(found.since, view.language) if found.since else NOTHING),
            (told(view, "ai_sure"), sure(view, found.confidence)),
            (told(view, "ai_missing"), named(found.missing, view.language) or NOTHING),
        )
    )
    rows = tuple(
        Row(
            (
                f"{duty.rule.title.said(view.language)} ({duty.rule.id})",
                day(duty.since, view.language) if duty.since else told(view, "undated"),
                told(view, duty.applies.value),
                sure(view, duty.rule.confidence),
            ),
            told(view, "trace_missing", facts=named(duty.missing, view.language)) if duty.missing else "",
        )
        for duty in law.formalities.duties
    )
    headed = columns(view, "duty", "since", "falls", "sure")
    yield TableBlock(told(view, "caption_duties"), headed, rows, told(view, "note_duties"), told(view, "remark_why"))


def _historic(view: View, law: Law) -> Iterator[Block]:
    if law.historic:
        yield titled(view, "historic")
        rows = tuple(
            Row(
                (item.title(view.language), told(view, item.required.value), item.by_rules(view.language), sure(view, item.confidence)),
                item.reason(view.language),
            )
            for item in law.historic
        )
        headed = columns(view, "formality", "required", "rules", "sure")
        yield TableBlock(told(view, "caption_historic"), headed, rows, "", told(view, "remark_why"))


def _apart(view: View, law: Law) -> Iterator[Block]:
    purposes = law.facts.get("purpose")
    found = tuple(one for one in APART if one in purposes) if isinstance(purposes, tuple) else None
    yield titled(view, "tracks")
    yield Paragraph(told(view, "tracks_intro"))
    key = "tracks_unknown" if found is None else "tracks_yes" if found else "tracks_no"
    yield Paragraph(told(view, key, purposes=written(found or (), view.language, "purpose")))
    rows = tuple(_apart_row(view, finding, law.as_of) for finding in law.trace if finding.rule.id in RULES_APART)
    headed = columns(view, "rule", "falls", "outcome", "sure")
    yield TableBlock(told(view, "caption_tracks"), headed, rows, "", told(view, "remark_why"))


def _apart_row(view: View, finding: Finding, as_of: date) -> Row:
    rule = finding.rule
    cells = (
        f"{rule.title.said(view.language)} ({rule.id})",
        told(view, finding.applies.value),
        became(view, finding, as_of),
        sure(view, rule.confidence),
    )
    return Row(cells, " ".join([rule.requirement.said(view.language), *finding.questions(view.language)[:1]]))
