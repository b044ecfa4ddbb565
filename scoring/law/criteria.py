"""The criteria of discrimination law, row by row: measured, by proxy, not measurable and why; and the table of variables.

The list is that of art. 225-1 of the Code pénal with art. 1 of loi 2008-496: 25 grounds. What nobody spoke of is unknown; it is
never taken for not measurable. French law bars studies that rest on ethnic origin or race (Cons. const. 2007-557 DC), and art.
4a of the AI Act leaves open how the two go together: a question that blocks, never a silent choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

import pandas as pd

from scoring.errors import EquiscoreError
from scoring.facts import SPLIT, mend
from scoring.texts import pick, say
from scoring.vocabulary import Criterion

GROUNDS: Final = tuple(ground for criterion in Criterion for ground in (SPLIT if criterion is Criterion.ETHNICITY_OR_NATION else (criterion.value,)))
"""The 25 grounds: the vocabulary has one member for ethnicity, nation and race."""
ETHNO_RACIAL: Final = frozenset({"ethnicity", "race"})
DOUBTFUL: Final = frozenset({"origin", Criterion.ETHNICITY_OR_NATION.value})
"""Grounds that objective data (place of birth, nationality) may measure, and ethno-racial categories may not."""
ONLY_2008: Final = frozenset({"bank_domiciliation"})
WHISTLEBLOWER_SINCE: Final = date(2022, 9, 1)
ART_4A_SINCE: Final = date(2026, 7, 27)


class Measured(StrEnum):
    """How a criterion is looked at."""

    DIRECTLY = "measured"
    """A column of the file holds it."""
    BY_PROXY = "by proxy"
    """By something else that goes with it: an area, a name, a probability."""
    NOT = "not measurable"
    """It was declared that the study cannot look at it, with the reason."""
    UNKNOWN = "unknown"
    """Nobody said. A question."""


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """One of the 25 grounds: whether and how the study looks at it."""

    ground: str
    measured: Measured
    by: tuple[str, ...]
    """Names of the groups that measure it."""
    why: tuple[tuple[str, str], ...]
    """The reason given, by language."""
    texts: tuple[str, ...]
    """References that name the ground on the day asked."""
    question: str | None = None
    """Key of the question that is open, of the room ``criteria``."""
    blocks: bool = False

    def row(self, language: str) -> dict[str, Any]:
        """Return the row of a table."""
        key = self.ground if self.ground in SPLIT else None
        return {
            "criterion": self.ground,
            "title": say(f"criteria.{key}", language) if key else say(f"criterion.{self.ground}", language),
            "measured": self.measured.value,
            "measured_words": say(f"criteria.{self.measured.name.lower()}", language),
            "by": ", ".join(self.by),
            "why": pick(dict(self.why), language),
            "texts": ", ".join(self.texts),
            "note": say(f"criteria.note_{self.ground}", language) if self.ground in NOTED else "",
            "question": say(f"criteria.{self.question}", language) if self.question else "",
            "blocks": self.blocks,
        }


NOTED: Final = frozenset({"residence", "name", "age", "sex", "economic_vulnerability", "bank_domiciliation", "whistleblower", "origin", *SPLIT})


@dataclass(frozen=True, slots=True)
class Matrix:
    """All 25 grounds."""

    as_of: date
    rows: tuple[CriterionRow, ...]

    def __getitem__(self, ground: str) -> CriterionRow:
        found = next((row for row in self.rows if row.ground == ground), None)
        if found is None:
            raise EquiscoreError(f"no ground {ground!r}. Fix: {mend(ground, GROUNDS)}")
        return found

    @property
    def blocking(self) -> tuple[CriterionRow, ...]:
        """The rows whose question stops the go-live."""
        return tuple(row for row in self.rows if row.blocks)

    def table(self, language: str = "en") -> pd.DataFrame:
        """Return one row a ground."""
        return pd.DataFrame([row.row(language) for row in self.rows])


def criteria_matrix(
    groups: Iterable[Mapping[str, Any]], not_measured: Iterable[Mapping[str, Any]] = (), *, as_of: date, facts: Mapping[str, Any] | None = None
) -> Matrix:
    """Say of each of the 25 grounds how the study looks at it.

    Parameters
    ----------
    groups : one mapping a group: ``name``, ``criterion`` and, where it is not a column that holds the ground, ``proxy: true``.
    not_measured : ``criterion`` and ``why`` (words, or words by language) of what the study cannot look at.
    as_of : the day on which the law is asked.
    facts : of the activity; ``jurisdiction``, ``ethno_racial_groups``, ``art_4a_conditions_met`` are read.

    Raises
    ------
    EquiscoreError
        A ground that the law does not name.

    Examples
    --------
    >>> matrix = criteria_matrix([{"name": "sex", "criterion": "sex"}], as_of=date(2026, 1, 1))
    >>> len(matrix.rows), matrix["sex"].measured.value, matrix["religion"].measured.value
    (25, 'measured', 'unknown')
    """
    named, excused = _by_ground(groups), _by_ground(not_measured)
    known = dict(facts or {})
    return Matrix(as_of, tuple(_row(ground, named, excused, as_of, known) for ground in GROUNDS))


def _by_ground(given: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in given:
        criterion = str(one.get("criterion") or "")
        if not criterion:
            continue
        if criterion not in {*Criterion, *SPLIT}:
            raise EquiscoreError(f"no ground {criterion!r}. Fix: {mend(criterion, [*Criterion, *SPLIT])}")
        for ground in SPLIT if criterion == Criterion.ETHNICITY_OR_NATION else (criterion,):
            found.setdefault(ground, []).append(one)
    return found


def _row(
    ground: str, named: Mapping[str, list[Mapping[str, Any]]], excused: Mapping[str, list[Mapping[str, Any]]], as_of: date, facts: Mapping[str, Any]
) -> CriterionRow:
    groups, reasons = named.get(ground, []), excused.get(ground, [])
    why = reasons[0].get("why") if reasons else None
    said = tuple(why.items()) if isinstance(why, Mapping) else (("en", str(why)), ("fr", str(why))) if why else ()
    direct = any(not group.get("proxy") for group in groups)
    measured = Measured.DIRECTLY if direct else Measured.BY_PROXY if groups else Measured.NOT if said else Measured.UNKNOWN
    bar = _bar(ground, groups, as_of, facts)
    question = bar or ("q_not_said" if measured is Measured.UNKNOWN else None)
    return CriterionRow(ground, measured, tuple(str(group.get("name", ground)) for group in groups), said, _texts(ground, as_of), question, bool(bar))


def _texts(ground: str, as_of: date) -> tuple[str, ...]:
    if ground in ONLY_2008:
        return ("loi 2008-496",)
    if ground == Criterion.WHISTLEBLOWER:
        return ("C. pénal 225-1",) if as_of >= WHISTLEBLOWER_SINCE else ()
    return ("C. pénal 225-1", "loi 2008-496")


def _bar(ground: str, groups: Sequence[Mapping[str, Any]], as_of: date, facts: Mapping[str, Any]) -> str | None:
    """Return the question that blocks where a group may rest on ethnic origin or race in France."""
    told = facts.get("jurisdiction")
    places = {told} if isinstance(told, str) else set(told or ())
    if not groups or (places and "FR" not in places):
        return None
    criteria = {str(group.get("criterion")) for group in groups}
    doubtful = ground in ETHNO_RACIAL or not criteria.isdisjoint(DOUBTFUL)
    if not doubtful or (facts.get("ethno_racial_groups") in {False, "no"} and criteria.isdisjoint(ETHNO_RACIAL)):
        return None
    return "q_bar_4a" if as_of >= ART_4A_SINCE else "q_bar"


class Kept(StrEnum):
    """What was decided on a variable."""

    KEPT = "kept"
    REMOVED = "removed"
    UNKNOWN = "unknown"


VARIABLE_COLUMNS: Final = [
    *("variable", "purpose", "predictive_value", "proxy_of", "proxy_strength", "sensitive", "decision", "reason", "questions"),
]


def minimisation(variables: Iterable[Mapping[str, Any]], language: str = "en") -> pd.DataFrame:
    """Return the table of variables (GDPR art. 5(1)(c)): what each is for, foretells and stands for, and what was decided.

    Parameters
    ----------
    variables : one mapping a variable: ``name``; ``purpose`` (words, or words by language); ``predictive_value`` (a number, as
        the caller measures it); ``proxy_of`` and ``proxy_strength`` (the attribute that it goes with most, and how far);
        ``sensitive``; ``kept`` (true, false, or nothing while it is not decided); ``reason``.
    language : of the words.

    Returns
    -------
    One row a variable. What was not given is nan or empty, and a question says so. A variable is kept only where that was
    declared, with a purpose and a reason where it is sensitive or stands for an attribute; otherwise its decision is unknown.

    Examples
    --------
    >>> minimisation([{"name": "income", "purpose": "ability to repay", "kept": True, "predictive_value": 0.4,
    ...     "proxy_of": "age", "proxy_strength": 0.1, "reason": "weak proxy"}, {"name": "city", "kept": True}])["decision"].tolist()
    ['kept', 'unknown']
    """
    return pd.DataFrame([_variable(one, language) for one in variables], columns=VARIABLE_COLUMNS)


def _variable(given: Mapping[str, Any], language: str) -> dict[str, Any]:
    purpose, reason = pick(given.get("purpose"), language), pick(given.get("reason"), language)
    value, strength = _number(given.get("predictive_value")), _number(given.get("proxy_strength"))
    asked = [
        key
        for key, lacking in {
            "q_no_purpose": not purpose,
            "q_no_value": math.isnan(value),
            "q_no_proxy_test": math.isnan(strength),
            "q_not_decided": given.get("kept") is None,
            "q_no_reason": given.get("kept") is not False and not reason and bool(given.get("sensitive") or given.get("proxy_of")),
        }.items()
        if lacking
    ]
    sound = given.get("kept") is not None and not ({"q_no_purpose", "q_no_reason"} & set(asked) and given["kept"])
    decision = Kept.UNKNOWN if not sound else Kept.KEPT if given["kept"] else Kept.REMOVED
    questions = " ".join(say(f"criteria.{key}", language) for key in asked if not (key != "q_not_decided" and decision is Kept.REMOVED))
    shown = (str(given.get("name", "")), purpose, value, str(given.get("proxy_of") or ""), strength, given.get("sensitive"), decision.value, reason)
    return dict(zip(VARIABLE_COLUMNS, (*shown, questions), strict=True))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
