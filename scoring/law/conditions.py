"""Conditions of rules: a small language read by a parser of our own, and its three-valued evaluation.

Nothing is executed: a text becomes a tree of frozen values, or a `ConditionError` that names the column. Truth is Kleene's strong
three-valued logic (Kleene 1952, section 64): what is not known stays unknown unless the known facts settle the matter alone.

=================================================  =========================================================================
``fact``                                           a yes/no fact; of a list or of a word with the value none: anything but none
``fact = value``, ``fact != value``                one value; of a list: the list holds it, or does not
``fact in [a, b]``, ``fact not in [a, b]``         one of them; of a list: any of them, or none of them
``fact contains value``                            of a list: the list holds it
``fact >= 3`` (also ``<= > <``)                    a number, or a day (``collected_on >= 2026-01-31``)
``elapsed(fact) > 3 years``                        calendar time from a day to the evaluation date (days, months, years)
``date >= 2026-08-11``                             the evaluation date
``count(a, b, c) >= 2``                            how many of the conditions hold
``rule(ID)``                                       that rule applies, as of the evaluation date
``always``, ``ask``                                true; unknown, which only a human can answer
``not``, ``and``, ``or``, ``( )``                  binding in that order
=================================================  =========================================================================
"""

from __future__ import annotations

import calendar
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from scoring.errors import DeclarationError
from scoring.facts import Facts, Value


class ConditionError(DeclarationError):
    """A condition cannot be read; ``column`` counts from 1."""

    def __init__(self, column: int, said: str) -> None:
        self.column = column
        super().__init__(f"column {column}: {said}")


class Truth(StrEnum):
    """What is known of a statement."""

    YES = "yes"
    """It holds on the facts given."""
    NO = "no"
    """It does not hold on the facts given."""
    UNKNOWN = "unknown"
    """The facts given do not say. Never read this as no."""

    def negated(self) -> Truth:
        """Return the truth of the contrary.

        >>> Truth.YES.negated(), Truth.UNKNOWN.negated()
        (<Truth.NO: 'no'>, <Truth.UNKNOWN: 'unknown'>)
        """
        return {Truth.YES: Truth.NO, Truth.NO: Truth.YES}.get(self, self)


YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


def truth(value: bool | None) -> Truth:  # noqa: FBT001  (the value is the question)
    """Return the truth of yes (True), no (False) or not known (None).

    >>> truth(None)
    <Truth.UNKNOWN: 'unknown'>
    """
    return UNKNOWN if value is None else YES if value else NO


@dataclass(frozen=True, slots=True)
class Reading:
    """What a condition came to, what it rests on and what it lacks."""

    truth: Truth
    rested: frozenset[str] = frozenset()
    """Names of the facts (and ``rule(ID)``) that it rests on."""
    missing: frozenset[str] = frozenset()
    """Names of the facts whose absence leaves it unknown; ``ask`` where no fact can answer."""

    @classmethod
    def of(cls, truth: Truth, parts: Sequence[Reading]) -> Reading:
        """Join the readings that a truth hangs on."""
        rested = frozenset[str]().union(*(part.rested for part in parts))
        missing = frozenset[str]().union(*(part.missing for part in parts)) if truth is UNKNOWN else frozenset()
        return cls(truth, rested, missing)


@dataclass(frozen=True, slots=True)
class World:
    """What a condition is read against."""

    facts: Facts
    as_of: date
    applies: Callable[[str], Reading]
    """Whether the rule of an id applies."""
    asked: bool | None = None
    """What a human answered to ``ask``; nothing where nobody did."""


OPERATORS: Final[dict[str, Callable[..., bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Known:
    """``always``, or ``ask``."""

    always: bool

    def read(self, world: World) -> Reading:
        """Return yes; for ``ask`` a human's answer, or unknown for want of one."""
        if self.always:
            return Reading(YES)
        answered = truth(world.asked)
        return Reading(UNKNOWN, missing=frozenset({"ask"})) if answered is UNKNOWN else Reading(answered, frozenset({"answer"}))

    def __str__(self) -> str:
        return "always" if self.always else "ask"


@dataclass(frozen=True, slots=True)
class Stated:
    """A yes/no fact; of a list or a word: anything but none."""

    fact: str

    def read(self, world: World) -> Reading:
        """Return what the fact says, unknown where it is absent."""
        return _of_fact(world, self.fact, lambda value: value if isinstance(value, bool) else bool({*_listed(value)} - {"none"}))

    def __str__(self) -> str:
        return self.fact


@dataclass(frozen=True, slots=True)
class Among:
    """A fact has one of some words (or, negated, none of them)."""

    fact: str
    values: tuple[str, ...]
    written: str
    """One of ``=``, ``!=``, ``in``, ``not in``, ``contains``."""

    @property
    def wanted(self) -> bool:
        """Whether one of the words is to be there."""
        return self.written not in {"!=", "not in"}

    def read(self, world: World) -> Reading:
        """Return whether the fact has any of the words, or none where that is asked."""
        return _of_fact(world, self.fact, lambda value: (not {*_listed(value)}.isdisjoint(self.values)) is self.wanted)

    def __str__(self) -> str:
        values = f"[{', '.join(self.values)}]" if self.written.endswith("in") else self.values[0]
        return f"{self.fact} {self.written} {values}"


@dataclass(frozen=True, slots=True)
class Compared:
    """A number or a day against a bound; ``date`` is the evaluation date."""

    fact: str
    sign: str
    bound: float | date

    def read(self, world: World) -> Reading:
        """Return how the fact stands to the bound."""
        if self.fact == "date":
            return Reading(truth(OPERATORS[self.sign](world.as_of, self.bound)), frozenset({"date"}))
        return _of_fact(world, self.fact, lambda value: OPERATORS[self.sign](value, self.bound))

    def __str__(self) -> str:
        return f"{self.fact} {self.sign} {self.bound if isinstance(self.bound, date) else f'{self.bound:.15g}'}"


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Calendar time since a day against a span: over three years are past on the third anniversary's morrow."""

    fact: str
    sign: str
    number: int
    unit: str

    def read(self, world: World) -> Reading:
        """Return how the time from the fact's day to the evaluation date stands to the span."""
        return _of_fact(world, self.fact, lambda day: OPERATORS[self.sign](world.as_of, self.end(day)))

    def end(self, day: Value) -> date:
        """Return the day on which the span is complete."""
        if not isinstance(day, date):
            raise DeclarationError(f"elapsed({self.fact}): {day!r} is no day. Fix: give facts that `checked_facts` has read.")
        return later(day, self.number, self.unit)

    def __str__(self) -> str:
        return f"elapsed({self.fact}) {self.sign} {self.number} {self.unit}"


@dataclass(frozen=True, slots=True)
class Applies:
    """Another rule applies."""

    rule: str

    def read(self, world: World) -> Reading:
        """Return what the other rule came to; it is rested on under its own name."""
        other = world.applies(self.rule)
        return Reading(other.truth, other.rested | {str(self)}, other.missing)

    def __str__(self) -> str:
        return f"rule({self.rule})"


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    part: Condition

    def read(self, world: World) -> Reading:
        """Return the contrary of the part's truth."""
        inside = self.part.read(world)
        return Reading(inside.truth.negated(), inside.rested, inside.missing)

    def __str__(self) -> str:
        return f"not {_bracketed(self.part)}"


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts joined by ``and`` or by ``or``."""

    word: str
    parts: tuple[Condition, ...]

    def read(self, world: World) -> Reading:
        """Return no for an ``and`` with any no (yes for an ``or`` with any yes); else unknown with any unknown."""
        settling = NO if self.word == "and" else YES
        read = [part.read(world) for part in self.parts]
        for truth_ in (settling, UNKNOWN):
            if these := [one for one in read if one.truth is truth_]:
                return Reading.of(truth_, these)
        return Reading.of(settling.negated(), read)

    def __str__(self) -> str:
        return f" {self.word} ".join(map(_bracketed, self.parts))


@dataclass(frozen=True, slots=True)
class Count:
    """How many of the parts hold, against a bound."""

    parts: tuple[Condition, ...]
    sign: str
    bound: float

    def read(self, world: World) -> Reading:
        """Return the comparison where it is the same for every number that the unknown parts allow."""
        read = [part.read(world) for part in self.parts]
        least = sum(one.truth is YES for one in read)
        most = least + sum(one.truth is UNKNOWN for one in read)
        possible = {OPERATORS[self.sign](number, self.bound) for number in range(least, most + 1)}
        found = truth(possible.pop() if len(possible) == 1 else None)
        return Reading.of(found, [one for one in read if found is UNKNOWN or one.truth in self._carry(found)])

    def _carry(self, found: Truth) -> set[Truth]:
        """Return which parts a settled comparison hangs on: "at least" on those that hold, "not so many" on the others, "just so many" on all."""
        if self.sign in {"=", "!="}:
            return {YES, NO}
        return {found if self.sign in {">=", ">"} else found.negated()}

    def __str__(self) -> str:
        return f"count({', '.join(map(str, self.parts))}) {self.sign} {self.bound:.15g}"


Condition = Known | Stated | Among | Compared | Elapsed | Applies | Not | Joined | Count


def _bracketed(part: Condition) -> str:
    return f"({part})" if isinstance(part, Joined) else str(part)


def _listed(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)


def _of_fact(world: World, fact: str, says: Callable[..., bool]) -> Reading:
    if fact not in world.facts:
        return Reading(UNKNOWN, missing=frozenset({fact}))
    return Reading(truth(says(world.facts[fact])), frozenset({fact}))


def later(day: date, number: int, unit: str) -> date:
    """Return a day so many days, months or years later; where the month is shorter, its last day.

    >>> later(date(2024, 2, 29), 1, "years"), later(date(2026, 1, 31), 1, "months")
    (datetime.date(2025, 2, 28), datetime.date(2026, 2, 28))
    """
    if unit == "days":
        return day + timedelta(days=number)
    months = day.year * 12 + day.month - 1 + number * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def leaves(condition: Condition) -> Iterator[Condition]:
    """Go through the parts of a condition that have no parts."""
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts if isinstance(condition, (Joined, Count)) else ()
    if not parts:
        yield condition
    for part in parts:
        yield from leaves(part)


def facts_named(condition: Condition) -> set[str]:
    """Return the names of the facts that a condition speaks of, the evaluation date aside."""
    return {leaf.fact for leaf in leaves(condition) if isinstance(leaf, (Stated, Among, Compared, Elapsed))} - {"date"}


def rules_named(condition: Condition) -> set[str]:
    """Return the ids of the rules that a condition speaks of."""
    return {leaf.rule for leaf in leaves(condition) if isinstance(leaf, Applies)}
