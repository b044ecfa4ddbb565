"""Which formalities a processing needs before it starts, on which facts and by which rules.

Each formality is a question put to rules: it is required where one of its rules applies, not required where all are known not
to apply, and unknown otherwise. The law gives no advice here and neither does this: every answer carries its confidence.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pandas as pd

from scoring.errors import EquiscoreError
from scoring.facts import Value, checked_facts
from scoring.law.ai_act import AiClass, Duty, ai_class, duties
from scoring.law.conditions import NO, UNKNOWN, YES, Reading, Truth, World, facts_named
from scoring.law.decisiveness import DECISIVE_SHARE
from scoring.law.rules import Confidence, RuleBook, condition, packaged_rules
from scoring.law.trace import Answer, Finding, Outcome, Trace, evaluate
from scoring.law.wording import named, stated
from scoring.law.wp248 import RULE_OF_ITEM, Test, cnil_list, nine_criteria, shown
from scoring.texts import say

NEVER_WEAKER: Final = [Confidence.TO_VERIFY, Confidence.TO_CONFIRM, Confidence.SECONDARY_SOURCE, Confidence.SOURCE_READ]
"""From the weakest: an answer is no surer than its weakest rule."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A formality: the rules that call for it and how it shows that it was done."""

    code: str
    rules: tuple[str, ...]
    done: str | None = None
    """Condition on which it is done, whichever rule calls for it; it is done as well where the rules that call for it are met."""
    blocking: bool = True


DPIA: Final = ("EU-GDPR-35-1", "EU-WP248", "FR-AIPD-LIST-8", "FR-AIPD-LIST-9", "FR-AIPD-LIST-10", "FR-ALERTES-PRO")
FORMS: Final = (
    _Form("declaration", ("FR-LIL-22-DECL",), "declaration_filed"),
    _Form("authorisation", ("FR-LIL-25-I-4",), "authorisation_obtained or (rule(FR-AU-005) and au_005_commitment and variables_in_list)"),
    _Form("au_005", ("FR-AU-005",), blocking=False),
    _Form("dpia", DPIA, "dpia_done and dpia_before_launch"),
    _Form("consultation", ("EU-GDPR-36",), "consultation_sent and consultation_answered"),
    _Form("automated_decision", ("EU-GDPR-22", "EU-CJEU-SCHUFA", "FR-LIL-47")),
    _Form("prohibited_ai", ("EU-AIA-5-1-c",)),
    _Form("fria", ("EU-AIA-27",), "fria_done and fria_notified"),
    _Form("ma_authorisation", ("MA-0908-12-AUT",), "cndp_authorisation_obtained"),
    _Form("ma_declaration", ("MA-0908-12-DECL",), "cndp_declaration_filed"),
    _Form("ma_automated_decision", ("MA-0908-11",)),
)
"""Au-005 itself does not block: it is one way to have the authorisation."""


@dataclass(frozen=True, slots=True)
class Formality:
    """Whether one formality is required, on what, and whether it is done."""

    code: str
    required: Truth
    done: Truth
    """Yes, no, or unknown; unknown is not done."""
    blocking: bool
    rules: tuple[str, ...]
    """The rules that decided: those that call for it; where none does, those not known; else all."""
    covers: tuple[str, ...]
    """The rules that it speaks for: all of it while it is open or done by its own condition; else those that decided."""
    inputs: tuple[tuple[str, Value], ...]
    missing: tuple[str, ...]
    confidence: Confidence | None
    """Of the weakest rule that decided; nothing where no rule of it is in force."""
    questions: tuple[tuple[str, ...], tuple[str, ...]]
    """What is asked, in English and in French."""

    @property
    def blocks(self) -> bool:
        """Whether it stops the go-live: it is, or may be, required, and is not known to be done."""
        return self.blocking and self.required is not NO and self.done is not YES

    def title(self, language: str) -> str:
        """Return its name."""
        return say(f"formalities.{self.code}", language)

    def reason(self, language: str) -> str:
        """Return why, in words: rules and facts, and how sure the rules are."""
        key = "out_of_force" if self.confidence is None else f"required_{self.required.value}"
        given, lacking = stated(self.inputs, language) or "-", named(self.missing, language) or "-"
        return say(f"formalities.{key}", language, rules=self.by_rules(language), facts=given, missing=lacking)

    def by_rules(self, language: str) -> str:
        """Return the ids of the rules that decided; the CNIL's list by its name."""
        return ", ".join(say("formalities.cnil_list", language) if rule == "cnil_list" else rule for rule in self.rules)

    def row(self, language: str) -> dict[str, Any]:
        """Return the formality as a row of a table."""
        sure = self.confidence.value if self.confidence else ""
        return {
            "code": self.code,
            "title": self.title(language),
            "required": self.required.value,
            "done": self.done.value,
            "blocks": self.blocks,
            "reason": self.reason(language),
            "rules": ", ".join(self.rules),
            "missing": ", ".join(self.missing),
            "confidence": sure,
            "confidence_words": say(f"law.confidence_{sure}", language) if sure else "",
            "questions": " ".join(self.questions[language == "fr"]),
        }


@dataclass(frozen=True, slots=True)
class Formalities:
    """All formalities of an activity as of a day, and what they rest on."""

    as_of: date
    items: tuple[Formality, ...]
    wp248: tuple[Test, ...]
    cnil_list: tuple[Test, ...]
    ai_class: AiClass
    duties: tuple[Duty, ...]
    trace: Trace

    def __getitem__(self, code: str) -> Formality:
        found = next((item for item in self.items if item.code == code), None)
        if found is None:
            raise EquiscoreError(f"No formality {code!r}. Fix: use one of {', '.join(item.code for item in self.items)}.")
        return found

    def table(self, language: str = "en") -> pd.DataFrame:
        """Return one row a formality."""
        return pd.DataFrame([item.row(language) for item in self.items])

    def document(self, language: str = "en") -> dict[str, Any]:
        """Return everything as plain data, ready for JSON."""
        return {
            "as_of": str(self.as_of),
            "no_advice": say("law.no_advice", language),
            "formalities": [item.row(language) for item in self.items],
            "wp248": shown(self.wp248, language),
            "cnil_list": shown(self.cnil_list, language),
            "ai_class": self.ai_class.row(language),
            "duties": [duty.row(language) for duty in self.duties],
            "trace": self.trace.document(language),
        }


def formalities(facts: Mapping[str, Any], as_of: date, rules: RuleBook | None = None, answers: Mapping[str, Answer] | None = None) -> Formalities:
    """Decide which formalities are required, as of a day.

    Parameters
    ----------
    facts : name -> value (`scoring.facts`); what is not known is left out.
    as_of : the day on which the law is asked.
    rules : by default those of the package.
    answers : rule id -> what a named human answered where no fact can.

    Raises
    ------
    FaultyInput or DeclarationError
        Facts that the vocabulary does not have.

    Examples
    --------
    >>> formalities({"profiling": True}, date(2026, 1, 1), RuleBook({}))["dpia"].required.value
    'unknown'
    """
    book = packaged_rules() if rules is None else rules
    known = derived(checked_facts(facts))
    trace = evaluate(book, known, as_of, answers)
    readings = {finding.rule.id: reading_of(finding) for finding in trace}
    items = cnil_list(known, as_of, readings)
    forms = tuple(_formality(form, trace, items, known) for form in FORMS)
    return Formalities(as_of, forms, nine_criteria(known, as_of), items, ai_class(book, known, as_of), duties(book, known, as_of), trace)


def derived(facts: Mapping[str, Value]) -> dict[str, Value]:
    """Add what measurement says: a score that decisions nearly always follow is taken as decisive, unless a human said otherwise.

    A smaller share clears nobody: whether the score is decisive stays unknown.

    >>> derived({"decisions_following_score": 0.97})["score_decisive"], derived({"decisions_following_score": 0.5})
    (True, {'decisions_following_score': 0.5})
    """
    share = facts.get("decisions_following_score")
    decisive = "score_decisive" not in facts and isinstance(share, float) and share >= DECISIVE_SHARE
    return {**facts, "score_decisive": True} if decisive else dict(facts)


def reading_of(finding: Finding) -> Reading:
    """Return whether a rule calls for what it says: one that is not in force or gives way does not."""
    calls = NO if finding.outcome in {Outcome.NOT_IN_FORCE, Outcome.GIVES_WAY} else finding.applies
    later = _of_its_duty(finding.rule.applies, finding.rule.satisfied)
    return Reading(calls, frozenset(finding.rested) - later, frozenset(finding.missing if calls is UNKNOWN else ()) - later)


@functools.lru_cache(maxsize=1024)
def _of_its_duty(applies: str, satisfied: str | None) -> frozenset[str]:
    """Return the facts that tell whether a rule is met, and not whether it applies."""
    return frozenset(facts_named(condition(satisfied)) - facts_named(condition(applies)) if satisfied else ())


def _formality(form: _Form, trace: Trace, items: tuple[Test, ...], facts: Mapping[str, Value]) -> Formality:
    """Put the rules of a formality together."""
    found = {finding.rule.id: finding for finding in trace if finding.rule.id in form.rules}
    calls = _calls(form, found, items, facts)
    required = next((truth for truth in (YES, UNKNOWN) if any(call.truth is truth for call in calls.values())), NO)
    deciding = {name: call for name, call in calls.items() if call.truth is required}
    in_force = [found[name] for name in deciding if name in found and found[name].outcome is not Outcome.NOT_IN_FORCE]
    unsure = {} if required is NO else {name: call for name, call in calls.items() if call.truth is UNKNOWN and name not in deciding}
    done = Reading(UNKNOWN) if required is NO else _done(form, in_force, trace, facts, alone=len(in_force) == len(deciding) and not unsure)
    whole = form.done is not None and condition(form.done).read(_world(trace, facts)).truth is YES
    lacking = done.missing if required is YES else frozenset[str]()
    met = done.truth is not YES and {finding.outcome for finding in in_force} == {Outcome.MET}  # were it not for what may call for it besides
    asked = [*in_force, *(found[name] for name in unsure if met and name in found)]
    lacking |= {name for call in unsure.values() for name in call.missing if met}
    rested = {name for call in deciding.values() for name in call.rested if name in facts}
    named = tuple(name for name in deciding if name not in found or found[name] in in_force)
    return Formality(
        code=form.code,
        required=required,
        done=done.truth,
        blocking=form.blocking,
        rules=named or form.rules,
        covers=form.rules if whole or done.truth is not YES else named,
        inputs=tuple((name, facts[name]) for name in sorted(rested)),
        missing=tuple(sorted({name for call in deciding.values() for name in call.missing} | lacking)),
        confidence=min((finding.rule.confidence for finding in in_force), key=NEVER_WEAKER.index, default=None),
        questions=_questions(asked),
    )


def _calls(form: _Form, found: Mapping[str, Finding], items: tuple[Test, ...], facts: Mapping[str, Value]) -> dict[str, Reading]:
    """Return whether each rule of a formality calls for it; a rule that is not in the book is not known not to."""
    calls = {name: reading_of(found[name]) if name in found else Reading(UNKNOWN, missing=frozenset({f"rule({name})"})) for name in form.rules}
    listed = found.get(RULE_OF_ITEM["exclusion_profiling"])
    places = facts.get("jurisdiction")
    if form.code == "dpia" and (places is None or "FR" in _words(places)) and listed is not None and listed.outcome is not Outcome.NOT_IN_FORCE:
        stated = _stated([item for item in items if item.rule is None], facts)
        nowhere = places is None and stated.truth is YES  # the list is of France: elsewhere it calls for nothing
        calls["cnil_list"] = Reading(UNKNOWN, stated.rested, frozenset({"jurisdiction"})) if nowhere else stated
    return calls


def _words(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)


def _stated(items: list[Test], facts: Mapping[str, Value]) -> Reading:
    """Join the items that no rule formalises: any of them calls for an assessment."""
    joined = next((truth for truth in (YES, UNKNOWN) if any(item.truth is truth for item in items)), NO)
    return Reading(joined, frozenset({"cnil_list_items"} & set(facts)), frozenset(name for item in items for name in item.missing))


def _done(form: _Form, deciding: list[Finding], trace: Trace, facts: Mapping[str, Value], *, alone: bool) -> Reading:
    """Return whether a formality is done: its own condition, or that the rules that call for it are met (``alone``: nothing else does, or may)."""
    outcomes = {finding.outcome for finding in deciding}
    met = YES if alone and outcomes == {Outcome.MET} else NO if Outcome.BREACHED in outcomes and form.done is None else UNKNOWN
    by_rules = Reading(met, missing=frozenset({name for finding in deciding for name in finding.missing} if met is UNKNOWN else ()))
    if form.done is None or met is YES:
        return by_rules
    return condition(form.done).read(_world(trace, facts))


def _world(trace: Trace, facts: Mapping[str, Value]) -> World:
    calls = {finding.rule.id: reading_of(finding) for finding in trace}
    return World(facts, trace.as_of, lambda rule: calls.get(rule, Reading(UNKNOWN)))


def _questions(deciding: list[Finding]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    english, french = (tuple(dict.fromkeys(text for one in deciding for text in one.questions(tongue))) for tongue in ("en", "fr"))
    return english, french
