"""Is a data protection impact assessment due? The nine criteria and the CNIL's list, each with what it rests on.

Sources: WP248 rev.01 (Article 29 Working Party 2017, endorsed by the EDPB), section III.B; CNIL, deliberation 2018-327, whose
wording was not read in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scoring.errors import EquiscoreError
from scoring.facts import CNIL_LIST, Facts, Value
from scoring.law.conditions import NO, UNKNOWN, YES, Reading, Truth, World
from scoring.law.rules import condition
from scoring.law.wording import stated
from scoring.texts import has, say

CRITERIA: Final[Mapping[str, str]] = {
    "evaluation": "profiling or purpose contains credit_scoring",
    "automated_decision": "automated and effect in [legal, similarly_significant]",
    "monitoring": "monitoring or public_monitoring",
    "sensitive": "special_category or special_category_inferred or highly_personal or offences or genetic_data",
    "large_scale": "large_scale",
    "matching": "matching or interconnection",
    "vulnerable": "vulnerable",
    "innovative": "innovative",
    "prevents": "exclusion_possible",
}
"""The nine criteria in the order of WP248, as conditions on the facts."""
ENOUGH: Final = 2
"""WP248: in most cases a processing that meets two criteria calls for an assessment; one may be enough."""
RULE_OF_ITEM: Final = {
    "professional_alerts": "FR-ALERTES-PRO",
    "exclusion_profiling": "FR-AIPD-LIST-8",
    "shared_breaches": "FR-AIPD-LIST-9",
    "external_profiling": "FR-AIPD-LIST-10",
}
"""The items of the CNIL's list that a rule formalises; of the others a human says whether the processing is one."""


@dataclass(frozen=True, slots=True)
class Test:
    """One criterion or item: whether it is met, why, and on which facts."""

    __test__ = False  # not one of pytest's

    room: str
    """``wp248`` or ``cnil_list``: the first part of its text's name."""
    code: str
    truth: Truth
    inputs: tuple[tuple[str, Value], ...] = ()
    missing: tuple[str, ...] = ()
    rule: str | None = None

    def title(self, language: str) -> str:
        """Return its name."""
        return say(f"formalities.{self.room}_{self.code}", language)

    def reason(self, language: str) -> str:
        """Return why it is met, not met or not known: the facts, or the questions to ask."""
        if self.truth is UNKNOWN:
            asked = [say(f"law.fact_{name}", language) for name in self.missing if has(f"law.fact_{name}", language)]
            return say("formalities.not_known", language, questions=" ".join(asked))
        return say(f"formalities.because_{self.truth.value}", language, facts=stated(self.inputs, language) or "-")


def put_together(room: str, code: str, reading: Reading, facts: Facts, rule: str | None = None) -> Test:
    """Put a reading and the facts that it rests on together."""
    inputs = tuple((name, facts[name]) for name in sorted(reading.rested) if name in facts)
    return Test(room, code, reading.truth, inputs, tuple(sorted(reading.missing)), rule)


def nine_criteria(facts: Facts, as_of: date) -> tuple[Test, ...]:
    """Return the nine criteria of WP248, each yes, no or unknown with its facts.

    >>> [test.truth.value for test in nine_criteria({"profiling": True, "vulnerable": False}, date(2026, 1, 1))]
    ['yes', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'no', 'unknown', 'unknown']
    """
    world = World(facts, as_of, _no_rules)
    return tuple(put_together("wp248", code, condition(text).read(world), facts) for code, text in CRITERIA.items())


def enough(tests: tuple[Test, ...]) -> Truth:
    """Return whether at least two criteria are met, as far as that is known whatever the unknown ones are."""
    met = sum(test.truth is YES for test in tests)
    open_ = sum(test.truth is UNKNOWN for test in tests)
    return YES if met >= ENOUGH else UNKNOWN if met + open_ >= ENOUGH else NO


def cnil_list(facts: Facts, as_of: date, applies: Mapping[str, Reading]) -> tuple[Test, ...]:
    """Return the 14 processings of the CNIL's list that always call for an assessment.

    Parameters
    ----------
    facts, as_of : the facts and the day.
    applies : rule id -> whether it applies; an item whose rule is not there is unknown.
    """
    return tuple(_item(code, facts, as_of, applies) for code in CNIL_LIST if code != "none")


def _item(code: str, facts: Facts, as_of: date, applies: Mapping[str, Reading]) -> Test:
    rule = RULE_OF_ITEM.get(code)
    if rule:
        return put_together("cnil_list", code, applies.get(rule, Reading(UNKNOWN, missing=frozenset({f"rule({rule})"}))), facts, rule)
    stated = condition(f"cnil_list_items contains {code}").read(World(facts, as_of, _no_rules))
    return put_together("cnil_list", code, stated, facts)


def _no_rules(rule: str) -> Reading:
    raise EquiscoreError(f"A criterion speaks of the rule {rule!r}. Fix: write it on facts alone.")


def shown(tests: tuple[Test, ...], language: str) -> list[dict[str, Any]]:
    """Return rows of a table: name, truth, reason, rule."""
    return [
        {"code": test.code, "title": test.title(language), "met": test.truth.value, "reason": test.reason(language), "rule": test.rule or ""}
        for test in tests
    ]
