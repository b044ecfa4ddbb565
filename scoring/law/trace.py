"""What the rules come to on the facts of an activity, as of a day, with everything that they rest on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

import pandas as pd

from scoring.errors import EquiscoreError
from scoring.facts import FACTS, Facts, Value, checked_facts
from scoring.law.conditions import NO, UNKNOWN, YES, Among, Reading, Truth, World, facts_named
from scoring.law.rules import Confidence, Rule, RuleBook
from scoring.texts import has, pick, say

TERRITORY: Final = {"FR": ("FR",), "EU": ("EU", "FR"), "MA": ("MA",)}
"""The jurisdictions of an activity in which the rules of each hold."""


class Outcome(StrEnum):
    """What became of a rule."""

    NOT_IN_FORCE = "not in force"
    """The day lies outside its dates. This says nothing on whether it would apply."""
    NOT_APPLICABLE = "not applicable"
    """It does not apply on the facts given."""
    GIVES_WAY = "gives way"
    """It applies, but a rule that comes before it applies as well."""
    MET = "met"
    """It applies and is met on the facts given."""
    BREACHED = "breached"
    """It applies and is not met on the facts given."""
    OPEN = "open"
    """Whether it applies or is met is not known. Never read this as met."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a named human answered where no fact can: it settles ``ask`` and nothing else."""

    by: str
    on: date
    reason: str
    applies: bool | None = None
    satisfied: bool | None = None

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.reason.strip():
            raise EquiscoreError("An answer without a name or a reason. Fix: say who answers, and why.")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule came to."""

    rule: Rule
    outcome: Outcome
    applies: Truth
    satisfied: Truth
    """Unknown where it was not asked: the rule is not in force or does not apply."""
    rested: tuple[str, ...] = ()
    """Facts and rules that it rests on."""
    missing: tuple[str, ...] = ()
    """Facts that would settle it; ``ask`` where only a human can."""
    gives_way_to: tuple[str, ...] = ()
    answer: Answer | None = None
    on_request: bool = False
    """Whether all that is open of its applying is whether a person has asked: the duty to answer stands, whoever asks."""

    @property
    def blocks(self) -> bool:
        """Whether it stops the go-live."""
        return self.rule.blocking and self.outcome in {Outcome.OPEN, Outcome.BREACHED}

    @property
    def settled(self) -> bool:
        """Whether it may be shown as settled: nothing is open, and the rule was not marked to verify before use."""
        return self.outcome is not Outcome.OPEN and self.rule.confidence is not Confidence.TO_VERIFY

    def questions(self, language: str) -> list[str]:
        """Return what is to be asked, the rule's own question first, then one a missing fact."""
        if self.outcome is not Outcome.OPEN:
            return []
        keys = [f"law.fact_{name}" for name in self.missing if name != "ask"]
        return [self.rule.question.said(language), *(say(key, language) for key in keys if has(key, language))]

    def row(self, language: str) -> dict[str, Any]:
        """Return the finding as a row of a table."""
        return {
            "rule": self.rule.id,
            "jurisdiction": self.rule.jurisdiction,
            "topic": self.rule.topic,
            "valid_from": self.rule.valid_from,
            "valid_to": self.rule.valid_to,
            "reference": pick(self.rule.reference, language),
            "title": self.rule.title.said(language),
            "outcome": self.outcome.value,
            "applies": self.applies.value,
            "satisfied": self.satisfied.value,
            "blocks": self.blocks,
            "settled": self.settled,
            "confidence": self.rule.confidence.value,
            "confidence_words": say(f"law.confidence_{self.rule.confidence.value}", language),
            "rested_on": ", ".join(self.rested),
            "missing": ", ".join(self.missing),
            "gives_way_to": ", ".join(self.gives_way_to),
            "questions": " ".join(self.questions(language)),
            "answered_by": self.answer.by if self.answer else "",
            "reason": self.answer.reason if self.answer else "",
            "source": self.rule.source,
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """What all rules came to, and on what."""

    as_of: date
    facts: tuple[tuple[str, Value], ...]
    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, rule: str) -> Finding:
        found = next((finding for finding in self.findings if finding.rule.id == rule), None)
        if found is None:
            raise EquiscoreError(f"No rule {rule!r} in this trace. Fix: use one of its {len(self.findings)} rules.")
        return found

    def of(self, *outcomes: Outcome) -> tuple[Finding, ...]:
        """Return the findings of some outcomes."""
        return tuple(finding for finding in self.findings if finding.outcome in outcomes)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that stop the go-live."""
        return tuple(finding for finding in self.findings if finding.blocks)

    def table(self, language: str = "en") -> pd.DataFrame:
        """Return one row a rule: what it came to, what it rests on, what is missing, its confidence."""
        return pd.DataFrame([finding.row(language) for finding in self.findings])

    def document(self, language: str = "en") -> dict[str, Any]:
        """Return the trace as plain data, ready for JSON."""
        rows = [{key: str(value) if isinstance(value, date) else value for key, value in finding.row(language).items()} for finding in self.findings]
        return {"as_of": str(self.as_of), "no_advice": say("law.no_advice", language), "facts": _plain(self.facts), "rules": rows}

    def json(self, language: str = "en") -> str:
        """Return the trace as JSON text, the same for the same facts, rules and day."""
        return json.dumps(self.document(language), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _plain(facts: tuple[tuple[str, Value], ...]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else str(value) if isinstance(value, date) else value for name, value in facts}


def evaluate(rules: RuleBook, facts: Mapping[str, Any], as_of: date, answers: Mapping[str, Answer] | None = None) -> Trace:
    """Evaluate every rule on the facts, as of a day.

    A rule holds where its jurisdiction is one of the activity's (EU rules in France as well). Truth is three-valued: what is
    not known is an open question, never a pass. Of two rules that apply, the one that is ``over`` the other comes first;
    where each is over the other, the later in force, then the one that blocks (a prohibition before a permission).

    Parameters
    ----------
    rules : the rules.
    facts : name -> value; what is not known is left out.
    as_of : the day on which the law is asked.
    answers : rule id -> what a named human answered where no fact can.

    Raises
    ------
    FaultyInput or DeclarationError
        Facts that the vocabulary does not have; an answer to no rule.

    Examples
    --------
    >>> evaluate(RuleBook({}), {"profiling": True}, date(2026, 1, 1)).findings
    ()
    """
    known, answers = checked_facts(facts), answers or {}
    for rule in answers:
        _ = rules[rule]
    found = _applying(rules, known, as_of, answers)
    first = {rule.id: _before(rule, rules, found, as_of) for rule in rules}
    findings = tuple(_finding(rule, found[rule.id], first[rule.id], _world(known, as_of, found), answers.get(rule.id)) for rule in rules)
    return Trace(as_of, tuple(sorted(known.items())), findings)


def _applying(rules: RuleBook, facts: Facts, as_of: date, answers: Mapping[str, Answer]) -> dict[str, Reading]:
    """Return whether each rule applies; a rule that another speaks of is read first."""
    found: dict[str, Reading] = {}

    def applies(name: str) -> Reading:
        if name not in found:
            found[name] = read(rules[name])
        return found[name]

    def read(rule: Rule) -> Reading:
        if not rule.in_force(as_of):
            return Reading(NO, frozenset({"date"}))
        here = Among("jurisdiction", TERRITORY[rule.jurisdiction], "in").read(World(facts, as_of, applies))
        inside = answered(rule.when.read(World(facts, as_of, applies)), rule, answers)
        settling = next((one for one in (here, inside) if one.truth is NO), None)
        return settling or Reading.of(UNKNOWN if UNKNOWN in {here.truth, inside.truth} else YES, (here, inside))

    def answered(reading: Reading, rule: Rule, given: Mapping[str, Answer]) -> Reading:
        answer = given.get(rule.id)
        if answer is None or answer.applies is None or "ask" not in reading.missing:
            return reading
        return rule.when.read(World(facts, as_of, applies, answer.applies))

    for rule in rules:
        applies(rule.id)
    return found


def _world(facts: Facts, as_of: date, found: Mapping[str, Reading]) -> World:
    return World(facts, as_of, lambda name: found[name])


def _before(rule: Rule, rules: RuleBook, found: Mapping[str, Reading], as_of: date) -> tuple[str, ...]:
    """Return the rules that apply and come before this one."""
    return tuple(
        other.id for other in rules if rule.id in other.over and other.in_force(as_of) and found[other.id].truth is YES and _prevails(other, rule)
    )


def _prevails(special: Rule, general: Rule) -> bool:
    """Tell whether a rule over another comes first: it does, but where the other is over it too, dates and blocking decide."""
    return special.id not in general.over or _rank(special) > _rank(general)


def _rank(rule: Rule) -> tuple[date, bool]:
    return rule.valid_from or date.min, rule.blocking


def _finding(rule: Rule, applies: Reading, first: tuple[str, ...], world: World, answer: Answer | None) -> Finding:
    """Put together what a rule came to."""
    if not rule.in_force(world.as_of):
        return Finding(rule, Outcome.NOT_IN_FORCE, NO, UNKNOWN, ("date",))
    if applies.truth is NO:
        return Finding(rule, Outcome.NOT_APPLICABLE, NO, UNKNOWN, tuple(sorted(applies.rested)), answer=answer)
    if applies.truth is YES and first:
        return Finding(rule, Outcome.GIVES_WAY, YES, UNKNOWN, tuple(sorted(applies.rested)), gives_way_to=first, answer=answer)
    met = rule.met.read(World(world.facts, world.as_of, world.applies, answer.satisfied if answer else None))
    missing = (applies.missing | met.missing) if applies.truth is UNKNOWN else met.missing
    open_ = UNKNOWN in {applies.truth, met.truth}
    outcome = Outcome.OPEN if open_ else Outcome.MET if met.truth is YES else Outcome.BREACHED
    rested, asked = tuple(sorted(applies.rested | met.rested)), applies.truth is UNKNOWN and _on_request(rule, world)
    return Finding(rule, outcome, applies.truth, met.truth, rested, tuple(sorted(missing)), answer=answer, on_request=asked)


_EVERY_REQUEST: Final = tuple(word for word in FACTS["request"].allowed if word != "none")


def _on_request(rule: Rule, world: World) -> bool:
    """Tell whether a rule would apply here if a person made every request there is, of which nothing is known."""
    if "request" in world.facts or "request" not in facts_named(rule.when):
        return False
    asked = World({**world.facts, "request": _EVERY_REQUEST}, world.as_of, world.applies)
    here = Among("jurisdiction", TERRITORY[rule.jurisdiction], "in").read(asked)
    return here.truth is YES and rule.when.read(asked).truth is YES
