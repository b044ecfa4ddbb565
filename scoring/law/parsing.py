"""Reading the text of a condition: words, then a descent of one function a level of binding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final, NamedTuple

from scoring.facts import FACTS, Fact, mend
from scoring.law.conditions import OPERATORS, Among, Applies, Compared, Condition, ConditionError, Count, Elapsed, Joined, Known, Not, Stated

DEPTH: Final = 50
"""Brackets within brackets: more is a slip or an attack, not a rule."""
LENGTH: Final = 10_000
RESERVED: Final = frozenset({"and", "or", "not", "in", "contains", "count", "rule", "date", "always", "ask", "elapsed"})
UNITS: Final = {"day": "days", "days": "days", "month": "months", "months": "months", "year": "years", "years": "years"}
_TOKEN: Final = re.compile(
    r"""(?P<blank>\s+) | (?P<rule>rule\s*\(\s*(?P<id>[A-Za-z0-9][A-Za-z0-9.-]*)\s*\)) | (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?) | (?P<word>[A-Za-z_][A-Za-z0-9_]*) | (?P<sign>>=|<=|!=|=|>|<) | (?P<mark>[()\[\],])""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A word, sign or number of a condition."""

    kind: str
    text: str
    column: int


def parse(text: str, facts: Mapping[str, Fact] = FACTS) -> Condition:
    """Read a condition.

    Parameters
    ----------
    text : the condition; line breaks are blanks.
    facts : the vocabulary.

    Raises
    ------
    ConditionError
        At the first thing that does not fit, with its column; a fact or value that is not known comes with the nearest one.

    Examples
    --------
    >>> print(parse("channel in [email, sms] and not (opposed or consent = withdrawn)"))
    channel in [email, sms] and not (opposed or consent = withdrawn)
    >>> parse("profilling and exclusion_possible")
    Traceback (most recent call last):
    scoring.law.conditions.ConditionError: column 1: no fact 'profilling'. Fix: did you mean 'profiling'?
    """
    if len(text) > LENGTH:
        raise ConditionError(1, f"{len(text):,} characters. Fix: at most {LENGTH:,}; split the rule.")
    parser = _Parser([*_tokens(text), Token("end", "the end", len(text) + 1)], facts)
    condition = parser.either()
    if parser.here.kind != "end":
        raise parser.fault("what comes before is complete", "join the parts by `and` or `or`, in lower case.")
    return condition


def _tokens(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            raise ConditionError(place + 1, f"{text[place]!r} is no part of a condition. Fix: take it out, or see the grammar.")
        if found.lastgroup != "blank":
            kind = "rule" if found["rule"] else str(found.lastgroup)
            yield Token(kind, found["id"] if kind == "rule" else found[0], place + 1)
        place = found.end()


class _Parser:
    """Goes through the tokens once; each method reads one level of binding."""

    def __init__(self, tokens: list[Token], facts: Mapping[str, Fact]) -> None:
        self.tokens, self.facts, self.place, self.depth = tokens, facts, 0, 0

    @property
    def here(self) -> Token:
        return self.tokens[self.place]

    def fault(self, said: str, fix: str, at: Token | None = None) -> ConditionError:
        token = at or self.here
        return ConditionError(token.column, f"{token.text!r}: {said}. Fix: {fix}")

    def take(self) -> Token:
        token = self.here
        self.place += token.kind != "end"
        return token

    def took(self, *texts: str) -> Token | None:
        """Go past the next token if it is one of these words or marks."""
        fits = self.here.text in texts and self.here.kind in {"word", "sign", "mark"}
        return self.take() if fits else None

    def need(self, text: str) -> Token:
        token = self.took(text)
        if token is None:
            raise self.fault(f"{text!r} is wanted here", f"write {text!r} before it.")
        return token

    def either(self) -> Condition:
        return self.joined("or", self.both)

    def both(self) -> Condition:
        return self.joined("and", self.single)

    def joined(self, word: str, level: Callable[[], Condition]) -> Condition:
        parts = [level()]
        while self.took(word):
            parts.append(level())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def single(self) -> Condition:
        self.depth += 1
        if self.depth > DEPTH:
            raise self.fault(f"more than {DEPTH} levels", "split the rule.")
        found = Not(self.single()) if self.took("not") else self.group() if self.took("(") else self.leaf()
        self.depth -= 1
        return found

    def group(self) -> Condition:
        inside = self.either()
        self.need(")")
        return inside

    def leaf(self) -> Condition:
        token = self.take()
        if token.kind == "rule":
            return Applies(token.text)
        if token.kind != "word" or token.text in RESERVED - set(_WORDS):
            raise self.fault("a fact is wanted here", f"name one, or one of {', '.join(_WORDS)}.", token)
        return _WORDS.get(token.text, _Parser.about)(self, token)

    def known(self, token: Token) -> Condition:
        return Known(token.text == "always")

    def count(self, _: Token) -> Condition:
        self.need("(")
        parts = [self.either()]
        while self.took(","):
            parts.append(self.either())
        self.need(")")
        return Count(tuple(parts), self.sign(), self.number())

    def elapsed(self, _: Token) -> Condition:
        self.need("(")
        token = self.take()
        if self.kind(token) != "date":
            raise self.fault("is not a day", "name a fact that is a day.", token)
        self.need(")")
        sign, number, unit = self.sign(), self.number(), self.take()
        if unit.text not in UNITS or number != int(number) or not 0 <= number <= 1000:
            raise self.fault("a span is whole days, months or years", "write it like `elapsed(collected_on) > 3 years`.", unit)
        return Elapsed(token.text, sign, int(number), UNITS[unit.text])

    def evaluation_date(self, _: Token) -> Condition:
        return Compared("date", self.sign(), self.day())

    def sign(self) -> str:
        if self.here.text not in OPERATORS:
            raise self.fault("a comparison is wanted here", f"use one of {' '.join(OPERATORS)}.")
        return self.take().text

    def number(self) -> float:
        if self.here.kind != "number":
            raise self.fault("a number is wanted here", "write one, such as 2.")
        return float(self.take().text)

    def day(self) -> date:
        token = self.take()
        try:
            return date.fromisoformat(token.text)
        except ValueError:
            raise self.fault("a day is wanted here", "write it like 2026-08-11.", token) from None

    def kind(self, token: Token) -> str:
        if token.text not in self.facts:
            raise ConditionError(token.column, f"no fact {token.text!r}. Fix: {mend(token.text, self.facts)}")
        return self.facts[token.text].kind

    def about(self, token: Token) -> Condition:
        """Read what is said of a fact, by its kind."""
        kind = self.kind(token)
        return self.measured(token, kind) if kind in {"number", "date"} else self.truth(token) if kind == "bool" else self.words(token)

    def measured(self, token: Token, kind: str) -> Condition:
        return Compared(token.text, self.sign(), self.number() if kind == "number" else self.day())

    def truth(self, token: Token) -> Condition:
        """Read a yes/no fact, which ``= yes`` or ``= no`` may follow."""
        sign = self.took("=", "!=")
        if not sign:
            return Stated(token.text)
        said = self.take()
        if said.text not in {"yes", "no", "true", "false"}:
            raise self.fault(f"{token.text} is yes or no", f"write `{token.text}`, or `not {token.text}`.", said)
        return Stated(token.text) if (said.text in {"yes", "true"}) is (sign.text == "=") else Not(Stated(token.text))

    def words(self, token: Token) -> Condition:
        if sign := self.took("=", "!=", "contains"):
            return Among(token.text, (self.value(token),), sign.text)
        if self.took("in"):
            return Among(token.text, self.values(token), "in")
        if self.here.text == "not" and self.tokens[self.place + 1].text == "in":
            self.place += 2
            return Among(token.text, self.values(token), "not in")
        fact = self.facts[token.text]
        if fact.kind == "word" and "none" not in fact.allowed:
            raise self.fault("is a word, not yes or no", f"write `{token.text} = ...` or `{token.text} in [...]`.", token)
        return Stated(token.text)

    def values(self, token: Token) -> tuple[str, ...]:
        self.need("[")
        values = [self.value(token)]
        while self.took(","):
            values.append(self.value(token))
        self.need("]")
        return tuple(values)

    def value(self, fact: Token) -> str:
        said = self.take()
        allowed = self.facts[fact.text].allowed
        if said.kind != "word" or (allowed and said.text not in allowed):
            raise ConditionError(said.column, f"{fact.text}: no value {said.text!r}. Fix: {mend(said.text, allowed)}")
        return said.text


_WORDS: Final[dict[str, Callable[[_Parser, Token], Condition]]] = {
    "always": _Parser.known,
    "ask": _Parser.known,
    "count": _Parser.count,
    "elapsed": _Parser.elapsed,
    "date": _Parser.evaluation_date,
}
