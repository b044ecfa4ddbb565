"""The class of a system under the AI Act, Regulation (EU) 2024/1689 as amended, and its duties by date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scoring.facts import Value
from scoring.law.conditions import UNKNOWN, YES, Compared, Joined, Truth
from scoring.law.rules import Confidence, Rule, RuleBook
from scoring.law.trace import evaluate
from scoring.texts import say

TOPIC: Final = "ai_act"
PROHIBITED, HIGH_RISK = "EU-AIA-5-1-c", "EU-AIA-III-5B"


@dataclass(frozen=True, slots=True)
class AiClass:
    """What a system is under the AI Act: prohibited, high_risk, other, no_ai_system or unknown."""

    code: str
    since: date | None
    """The first day on which the class has effect."""
    in_force: bool
    rule: str | None
    missing: tuple[str, ...]
    confidence: Confidence | None

    def row(self, language: str) -> dict[str, Any]:
        """Return the class as plain data with its words."""
        sure = self.confidence.value if self.confidence else ""
        return {
            "code": self.code,
            "title": say(f"formalities.ai_{self.code}", language),
            "since": str(self.since) if self.since else "",
            "in_force": self.in_force,
            "rule": self.rule or "",
            "missing": ", ".join(self.missing),
            "confidence": sure,
        }


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty of the AI Act: whether it falls on this activity, and from which day."""

    rule: Rule
    since: date | None
    in_force: bool
    applies: Truth
    missing: tuple[str, ...]

    def row(self, language: str) -> dict[str, Any]:
        """Return the duty as a row of a table."""
        return {
            "rule": self.rule.id,
            "title": self.rule.title.said(language),
            "since": str(self.since) if self.since else "",
            "in_force": self.in_force,
            "applies": self.applies.value,
            "missing": ", ".join(self.missing),
            "confidence": self.rule.confidence.value,
        }


def duties(rules: RuleBook, facts: Mapping[str, Value], as_of: date) -> tuple[Duty, ...]:
    """Return the duties of the AI Act by date, each read on the first day that it is in force, or on the day asked if later.

    Parameters
    ----------
    rules, facts, as_of : as for `scoring.law.trace.evaluate`.

    >>> duties(RuleBook({}), {}, date(2026, 1, 1))
    ()
    """
    begins = {rule.id: effective_from(rule) for rule in rules if rule.topic == TOPIC}
    read_on = {name: max(as_of, first or as_of) for name, first in begins.items()}
    traces = {day: {finding.rule.id: finding for finding in evaluate(rules, facts, day)} for day in sorted({*read_on.values()})}
    found = []
    for name in sorted(begins, key=lambda one: (begins[one] or date.min, one)):
        first, finding = begins[name], traces[read_on[name]][name]
        in_force = finding.rule.in_force(as_of) and (first is None or first <= as_of)
        found.append(Duty(finding.rule, first, in_force, finding.applies, finding.missing if finding.applies is UNKNOWN else ()))
    return tuple(found)


def effective_from(rule: Rule) -> date | None:
    """Return the first day on which a rule can apply: in force, and not before a day that all of its condition hangs on.

    Art. 86 is in force from 2 August 2026, but hangs on a class that has effect from 2 December 2027 only.
    """
    parts = rule.when.parts if isinstance(rule.when, Joined) and rule.when.word == "and" else (rule.when,)
    bounds = [part.bound for part in parts if isinstance(part, Compared) and part.fact == "date" and part.sign == ">="]
    days = [day for day in (rule.valid_from, *bounds) if isinstance(day, date)]
    return max(days, default=None)


def ai_class(rules: RuleBook, facts: Mapping[str, Value], as_of: date) -> AiClass:
    """Return the class of the system: the strictest that is not known not to be its own.

    Parameters
    ----------
    rules, facts, as_of : as for `scoring.law.trace.evaluate`.

    >>> ai_class(RuleBook({}), {"ai_system": False}, date(2026, 1, 1)).code
    'no_ai_system'
    """
    if facts.get("ai_system") is False:
        return AiClass("no_ai_system", None, False, None, (), None)
    found = {duty.rule.id: duty for duty in duties(rules, facts, as_of) if duty.rule.id in {PROHIBITED, HIGH_RISK}}
    lacking = {name for duty in found.values() for name in duty.missing} | ({"ai_system"} - set(facts))
    for code, name in (("prohibited", PROHIBITED), ("high_risk", HIGH_RISK)):
        duty = found.get(name)
        stated = code == "high_risk" and facts.get("high_risk") is True is facts.get("ai_system")  # by a human, of another item of Annex III
        if duty is not None and (duty.applies is YES or stated):
            above = found[PROHIBITED].missing if code == "high_risk" and PROHIBITED in found else ()  # it may be prohibited as well
            return AiClass(code, duty.since, duty.in_force, None if duty.applies is not YES else name, tuple(sorted(above)), duty.rule.confidence)
    return AiClass("unknown" if lacking or len(found) < 2 else "other", None, False, None, tuple(sorted(lacking)), None)
