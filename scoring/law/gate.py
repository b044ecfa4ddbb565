"""The go-live gate: everything that is open or breached and stops the launch, in one list with what is to be answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from scoring.errors import EquiscoreError
from scoring.law.conditions import NO, UNKNOWN, YES
from scoring.law.criteria import CriterionRow, Matrix
from scoring.law.formalities import Formalities, Formality, formalities
from scoring.law.rules import RuleBook
from scoring.law.trace import Answer, Finding, Outcome
from scoring.law.wording import day
from scoring.texts import say


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """One thing that stops the go-live."""

    kind: str
    """``formality``, ``rule`` or ``criterion``."""
    code: str
    state: str
    """``undone`` (required and known not to be done), ``required`` (not known to be done), ``unknown``, ``breached`` or ``open``."""
    title: tuple[str, str]
    questions: tuple[str, str]
    rules: tuple[str, ...]
    confidence: str

    def said(self, language: str) -> str:
        """Return the point as a sentence, its confidence with it."""
        french = language == "fr"
        sure = say(f"law.confidence_{self.confidence}", language) if self.confidence else say("law.confidence_none", language)
        given = {"title": self.title[french], "rules": ", ".join(self.rules) or "-", "questions": self.questions[french], "confidence": sure}
        return say(f"formalities.gate_{self.state}", language, **given).strip()

    def row(self, language: str) -> dict[str, Any]:
        """Return the point as a row of a table."""
        french = language == "fr"
        return {
            "kind": self.kind,
            "code": self.code,
            "state": self.state,
            "title": self.title[french],
            "questions": self.questions[french],
            "rules": ", ".join(self.rules),
            "confidence": self.confidence,
            "said": self.said(language),
        }


class GateClosed(EquiscoreError):  # noqa: N818  (a state of the gate, named so)
    """The launch is refused; ``points`` holds what is open."""

    def __init__(self, points: tuple[OpenPoint, ...], as_of: date, language: str = "en") -> None:
        self.points = points
        listed = [f"  {number}. {point.said(language)}" for number, point in enumerate(points, start=1)]
        head = say("formalities.gate_closed", language, number=len(points), as_of=day(as_of, language))
        tail = f"Fix: {say('formalities.gate_fix', language)} {say('law.no_advice', language)}"
        super().__init__("\n".join([head, *listed, tail]))


def gate(result: Formalities, matrix: Matrix | None = None) -> tuple[OpenPoint, ...]:
    """Return everything that stops the go-live: formalities, then rules, then criteria.

    A rule that calls for a formality is not listed again beside it. Once the formality is done, whether the rule calls for it no
    longer matters; a rule that is known to apply must still be met itself.

    Parameters
    ----------
    result : what `formalities` returned.
    matrix : the criteria; where absent, their questions are not looked at.

    >>> [point.code for point in gate(formalities({}, date(2026, 1, 1), RuleBook({})))][:3]
    ['declaration', 'authorisation', 'dpia']
    """
    closed = [_of_formality(item) for item in result.items if item.blocks]
    spoken = {rule for item in result.items if item.blocks for rule in item.covers}
    answered = {rule for item in result.items if item.done is YES for rule in item.covers}
    rules = [
        _of_rule(finding)
        for finding in result.trace.blocking
        if finding.rule.id not in spoken and not (finding.rule.id in answered and finding.applies is UNKNOWN)
    ]
    return (*closed, *rules, *(_of_criterion(row) for row in (matrix.blocking if matrix else ())))


def _of_formality(item: Formality) -> OpenPoint:
    state = "unknown" if item.required is not YES else "undone" if item.done is NO else "required"
    words = item.title("en"), item.title("fr")
    asked = " ".join(item.questions[0]), " ".join(item.questions[1])
    return OpenPoint("formality", item.code, state, words, asked, item.rules, item.confidence.value if item.confidence else "")


def _of_rule(finding: Finding) -> OpenPoint:
    rule = finding.rule
    state = "breached" if finding.outcome is Outcome.BREACHED else "open"
    asked = " ".join(finding.questions("en")), " ".join(finding.questions("fr"))
    return OpenPoint("rule", rule.id, state, (rule.title.en, rule.title.fr), asked, (rule.id,), rule.confidence.value)


def _of_criterion(row: CriterionRow) -> OpenPoint:
    told = {language: row.row(language) for language in ("en", "fr")}
    words, asked = (told["en"]["title"], told["fr"]["title"]), (told["en"]["question"], told["fr"]["question"])
    rules = ("FR-CC-2007-557", "EU-AIA-4A") if row.question == "q_bar_4a" else ("FR-CC-2007-557",)
    return OpenPoint("criterion", row.ground, "open", words, asked, rules, "")


def go_live(
    facts: Mapping[str, Any],
    as_of: date,
    *,
    rules: RuleBook | None = None,
    answers: Mapping[str, Answer] | None = None,
    matrix: Matrix | None = None,
    language: str = "en",
) -> Formalities:
    """Return the formalities of a launch that nothing stops, or refuse with everything that is open.

    Parameters
    ----------
    facts, as_of, rules, answers : as for `formalities`.
    matrix : the criteria of the study.
    language : of the refusal.

    Raises
    ------
    GateClosed
        While something blocking is open or breached; the text lists all of it.
    """
    result = formalities(facts, as_of, rules, answers)
    points = gate(result, matrix)
    if points:
        raise GateClosed(points, as_of, language)
    return result


def gate_table(points: tuple[OpenPoint, ...], language: str = "en") -> pd.DataFrame:
    """Return one row an open point; no row where nothing stops the launch.

    >>> gate_table(()).empty
    True
    """
    return pd.DataFrame([point.row(language) for point in points])
