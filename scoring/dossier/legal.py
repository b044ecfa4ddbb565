"""The law of a study: facts drawn from declaration and study, formalities, criteria, variables, and the gate. It gives no legal advice.

This is where the study is turned into plain facts: `scoring.law` itself knows no study.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pandas as pd

from scoring.activity import ProcessingActivity
from scoring.dossier.measured import gap_facts, measured_decisiveness, names_of, variable, variables_of
from scoring.dossier.view import View
from scoring.errors import EquiscoreError
from scoring.facts import Value
from scoring.further import FurtherTables
from scoring.law.criteria import Matrix, criteria_matrix, minimisation
from scoring.law.decisiveness import Decisiveness
from scoring.law.facts import facts_of
from scoring.law.formalities import Formalities, Formality, formalities
from scoring.law.gate import GateClosed, OpenPoint, gate
from scoring.law.rules import RuleBook
from scoring.law.trace import Answer, Outcome, Trace
from scoring.plan import Plan
from scoring.study import Study

LAST_DAY_BEFORE_GDPR: Final = date(2018, 5, 24)
HISTORIC: Final = ("declaration", "authorisation", "au_005")


@dataclass(frozen=True, slots=True)
class Law:
    """What the law asks of an activity as of a day, on the facts that were declared, measured or answered."""

    facts: Mapping[str, Value]
    as_of: date
    formalities: Formalities
    historic: tuple[Formality, ...]
    """The regimes before 25 May 2018, asked on the same facts on their last day: what would have been due, not what is."""
    matrix: Matrix
    variables: tuple[Mapping[str, Any], ...]
    """What `scoring.law.criteria.minimisation` reads, one mapping a variable."""
    decisiveness: Decisiveness | None
    not_measured: str
    """Why `decisiveness` is not there: ``no_study``, or a key of `scoring.decisions.FIXES`; else empty."""
    points: tuple[OpenPoint, ...]
    """What stops the launch."""

    @property
    def trace(self) -> Trace:
        """What every rule came to, and on what."""
        return self.formalities.trace

    def minimisation(self, language: str = "en") -> pd.DataFrame:
        """Return the table of variables."""
        return minimisation(self.variables, language)

    def document(self, language: str = "en") -> dict[str, Any]:
        """Return everything as plain data, ready for JSON."""
        return {**self.formalities.document(language), "gate": [point.row(language) for point in self.points]}


def assess(
    study: Study,
    *,
    as_of: date | None = None,
    record: Mapping[str, Any] | None = None,
    rules: RuleBook | None = None,
    cutoff: float | None = None,
    tables: FurtherTables | None = None,
) -> Law:
    """Ask the law about a study.

    Parameters
    ----------
    study
        Of a declaration.
    as_of
        The day on which the law is asked; by default that of the declaration.
    record
        What people recorded in the register; ``answers`` and ``justifications`` are read.
    rules
        By default those of the package.
    cutoff
        Of a study whose decision is a column: the cut-off that the score was used with, in the score's own units. With it, how far the
        decisions follow the score is measured. By default the declared one (``study.score.applied_cutoff``).
    tables
        The published tables, of a caller that has them.

    Raises
    ------
    EquiscoreError
        No declaration, no day, an answer to no rule, a stated fact that the declaration or the study contradicts.
    """
    if study.document is None:
        raise EquiscoreError("An audit has no declaration, so that the law cannot be asked about it. Fix: declare the activity, then make its study.")
    known = record or {}
    shown = tables or study.published()
    found, why_not = measured_decisiveness(shown, cutoff)
    measured = {**(found.facts() if found else {}), **gap_facts(study, known, shown)}
    asked = _Asked(study.document, study.plan, _day(study.plan, as_of), known, rules)
    return _law(asked, measured, variables_of(study, shown), found, why_not)


def assess_activity(
    activity: ProcessingActivity, *, as_of: date | None = None, record: Mapping[str, Any] | None = None, rules: RuleBook | None = None
) -> Law:
    """Ask the law about a declaration that was not studied yet: what only a study measures stays unknown.

    Parameters and errors are those of `assess`.
    """
    plan = activity.study
    variables = tuple(variable(name, plan, activity.document(), {}, {}) for name in names_of(plan, activity.document()))
    return _law(_Asked(activity.document(), plan, _day(plan, as_of), record or {}, rules), {}, variables, None, "no_study")


def go_live(
    study: Study | ProcessingActivity,
    as_of: date | None = None,
    record: Mapping[str, Any] | None = None,
    *,
    rules: RuleBook | None = None,
    language: str = "en",
) -> Law:
    """Return the law of a launch that nothing known here stops, or refuse with everything that is open.

    Nothing is authorised by this: it only finds no open point in the rules that it holds.

    Raises
    ------
    GateClosed
        While something blocking is open or breached.
    """
    if isinstance(study, Study):
        asked = assess(study, as_of=as_of, record=record, rules=rules)
    else:
        asked = assess_activity(study, as_of=as_of, record=record, rules=rules)
    if asked.points:
        raise GateClosed(asked.points, asked.as_of, language)
    return asked


def law_of(view: View) -> Law | None:
    """Return the law of a view, worked out once a view; nothing of an audit, or where no day is declared."""
    held = vars(view)  # as cached_property keeps what it worked out
    if "_law" not in held:
        held["_law"] = assess(view.study, record=view.record, tables=view.tables) if view.declared and view.plan.as_of else None
    law: Law | None = held["_law"]
    return law


@dataclass(frozen=True, slots=True)
class _Asked:
    """About what, and as of when, the law is asked."""

    document: Mapping[str, Any]
    plan: Plan
    as_of: date
    record: Mapping[str, Any]
    rules: RuleBook | None


def _law(asked: _Asked, measured: Mapping[str, Any], variables: tuple[Mapping[str, Any], ...], found: Decisiveness | None, why_not: str) -> Law:
    stated = asked.document.get("facts") or {}
    facts = facts_of(asked.document, {name: value for name, value in measured.items() if not _left_to_human(name, value, stated)})
    result = formalities(facts, asked.as_of, asked.rules, answers_of(asked.record))
    excused = [one.model_dump(mode="json") for one in asked.plan.not_measured]
    matrix = criteria_matrix(_groups(asked.plan), excused, as_of=asked.as_of, facts=facts)
    return Law(facts, asked.as_of, result, _before_gdpr(facts, asked.rules), matrix, variables, found, why_not, gate(result, matrix))


def _before_gdpr(facts: Mapping[str, Value], rules: RuleBook | None) -> tuple[Formality, ...]:
    """Return the French regimes of before; none where the activity is known not to fall under French law."""
    places = facts.get("jurisdiction")
    if isinstance(places, tuple) and "FR" not in places:
        return ()
    before = formalities(facts, LAST_DAY_BEFORE_GDPR, rules)
    return tuple(before[code] for code in HISTORIC)


def _day(plan: Plan, as_of: date | None) -> date:
    found = as_of or plan.as_of
    if found is None:
        raise EquiscoreError("The day on which the law is asked is not said. Fix: declare study.as_of, or pass as_of (--as-of 2026-01-31).")
    return found


def _left_to_human(name: str, value: Any, stated: Mapping[str, Any]) -> bool:
    """Tell whether a human states what the study leaves open: a gap that this file does not show, a justification that does not hold."""
    said = str(stated.get(name)).lower()
    return (name == "group_gap" and value is False and said in {"yes", "true"}) or (name == "gap_justified" and said in {"no", "false"})


def answers_of(record: Mapping[str, Any]) -> dict[str, Answer]:
    """Return what named humans answered where no fact can; of several answers to a rule the last counts.

    >>> answers_of({"answers": [{"rule": "EU-X", "by": "a lawyer", "on": "2026-01-31", "reason": "read", "applies": False}]})["EU-X"].on
    datetime.date(2026, 1, 31)
    """
    return {str(one["rule"]): _answer(one) for one in record.get("answers") or ()}


def _answer(given: Mapping[str, Any]) -> Answer:
    try:
        on = given["on"] if isinstance(given["on"], date) else date.fromisoformat(str(given["on"])[:10])
        return Answer(str(given["by"]), on, str(given["reason"]), given.get("applies"), given.get("satisfied"))
    except (KeyError, ValueError) as fault:
        raise EquiscoreError(f"An answer to {given.get('rule')!r} cannot be read ({fault}). Fix: give rule, by, on (2026-01-31), reason.") from None


def _groups(plan: Plan) -> Iterator[Mapping[str, Any]]:
    for name, group in plan.groups.items():
        yield {"name": name, "criterion": group.criterion.value if group.criterion else None}
    for name, soft in plan.memberships.items():
        yield {"name": name, "criterion": soft.criterion.value if soft.criterion else None, "proxy": True}


# what is still to be said


@dataclass(frozen=True, slots=True)
class Asked:
    """A fact that nobody stated, and the rules that wait for it; ``ask`` is what only a named human can answer, rule by rule."""

    fact: str
    rules: tuple[str, ...]


def wanted(law: Law, *, whole: bool = False) -> tuple[Asked, ...]:
    """Return the facts that the open points wait for, each once, in the order of the points; `whole`: those of every open rule."""
    findings = {finding.rule.id: finding for finding in law.trace.of(Outcome.OPEN)}
    items = {item.code: item.missing for item in law.formalities.items}
    waiting: dict[str, list[str]] = {}
    for point in law.points:
        _wait(waiting, items.get(point.code, ()), point.rules)
        for rule in point.rules:
            _wait(waiting, findings[rule].missing if rule in findings else (), (rule,))
    for rule, finding in findings.items() if whole else ():
        _wait(waiting, finding.missing, (rule,))
    return tuple(Asked(fact, tuple(dict.fromkeys(rules))) for fact, rules in waiting.items() if not fact.startswith("rule("))


def _wait(waiting: dict[str, list[str]], facts: tuple[str, ...], rules: tuple[str, ...]) -> None:
    for fact in facts:
        waiting.setdefault(fact, []).extend(rules)
