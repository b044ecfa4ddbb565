"""Rules of law as dated data: what a rule file may say, and every fault of it at once.

A lawyer adds or mends a rule in ``data/*.yaml`` and runs `equiscore law check`; no code changes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from scoring.declaration import Lines, Text, explained, load_yaml
from scoring.errors import DeclarationError, EquiscoreError, nearest, raise_all
from scoring.law.conditions import Condition, ConditionError, Known, rules_named
from scoring.law.parsing import parse
from scoring.plan import Declared, Word
from scoring.texts import french

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]


class Confidence(StrEnum):
    """How far a rule as written here was checked against its text."""

    SOURCE_READ = "source_read"
    """A published source that states the rule was read, often an excerpt, not the official journal."""
    SECONDARY_SOURCE = "secondary_source"
    """A secondary or partial source."""
    TO_CONFIRM = "to_confirm"
    """A well-known rule whose text was not read again."""
    TO_VERIFY = "to_verify_before_use"
    """To be checked on the official text before anyone relies on it: never shown as settled."""


class Both(Declared):
    """Words in both languages."""

    en: Word
    fr: Word

    @field_validator("fr")
    @classmethod
    def _set(cls, words: str) -> str:
        return french(words)

    def said(self, language: str) -> str:
        """Return the words in a language."""
        return self.fr if language == "fr" else self.en


class Rule(Declared):
    """A dated rule of law, as a lawyer keeps it."""

    id: Id
    jurisdiction: Literal["FR", "EU", "MA"] = Field(description="Where it holds; what holds in the EU holds in France.")
    topic: Word
    valid_from: date | None = Field(description="The first day in force; empty: not dated.")
    valid_to: date | None = Field(description="The last day in force; empty: still in force.")
    reference: Text
    title: Both
    requirement: Both
    applies: Word = Field(description="Condition on which it applies.")
    satisfied: Word | None = Field(description="Condition on which it is met; empty: only a human can say.")
    question: Both = Field(description="What is asked while it is not known.")
    evidence: Both | None
    sanction: Both | None = None
    blocking: bool = Field(description="Whether it stops the go-live while it is open or breached.")
    prose: Word = Field(description="The condition in the words of the source list.")
    confidence: Confidence
    source: str = Field(description="Where the rule was read; empty where it was not.")
    over: tuple[Id, ...] = Field((), description="Rules that this one comes before: the special before the general.")

    @field_validator("reference")
    @classmethod
    def _set(cls, reference: Text) -> Text:
        return (
            reference if isinstance(reference, str) else {language: french(one) if language == "fr" else one for language, one in reference.items()}
        )

    @model_validator(mode="after")
    def _dates_rise(self) -> Rule:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from. Fix: write the first and the last day in force.")
        return self

    def in_force(self, as_of: date) -> bool:
        """Tell whether the rule is in force on a day; both of its dates are days in force."""
        return (self.valid_from is None or self.valid_from <= as_of) and (self.valid_to is None or as_of <= self.valid_to)

    @property
    def when(self) -> Condition:
        """The condition on which it applies."""
        return condition(self.applies)

    @property
    def met(self) -> Condition:
        """The condition on which it is met; a human's answer where none is written."""
        return condition(self.satisfied) if self.satisfied else Known(always=False)


class RuleFile(Declared):
    """A file of rules."""

    rules: tuple[Rule, ...]


@functools.lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """Read a condition, once for each text.

    >>> print(condition("profiling and exclusion_possible contains contract"))
    profiling and exclusion_possible contains contract
    """
    return parse(text)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules by id, in the order of their files."""

    rules: Mapping[str, Rule]

    def __getitem__(self, rule: str) -> Rule:
        if rule not in self.rules:
            near = nearest(rule, self.rules)
            raise EquiscoreError(f"No rule {rule!r}. Fix: " + (f"did you mean {near!r}?" if near else "see `equiscore law check`."))
        return self.rules[rule]

    def __contains__(self, rule: object) -> bool:
        return rule in self.rules

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())

    def __len__(self) -> int:
        return len(self.rules)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A rule as it stands in a file, sound or not."""

    raw: Mapping[str, Any]
    at: Callable[[str], str]
    """Where one of its keys stands: ``file:line``."""

    @property
    def id(self) -> str:
        return str(self.raw.get("id") or "(no id)")


def packaged_files() -> list[Path]:
    """Return the rule files of the package, sorted by name."""
    return sorted(Path(str(files("scoring.law"))).joinpath("data").glob("*.yaml"))


def check_rules(paths: Iterable[str | Path] | None = None) -> list[EquiscoreError]:
    """Return every fault of rule files: form, languages, conditions, dates, doubled ids, rules of nothing, circles.

    Parameters
    ----------
    paths : the files (or folders of them), judged together; by default those of the package.
    """
    return _read(paths)[1]


def read_rules(paths: Iterable[str | Path] | None = None) -> RuleBook:
    """Read rule files, judged together.

    Raises
    ------
    FaultyInput or DeclarationError
        With every fault: file, line, rule, what is wrong and how to mend it.
    """
    rules, faults = _read(paths)
    raise_all("rules", faults)
    return RuleBook({rule.id: rule for rule in rules})


@functools.cache
def packaged_rules() -> RuleBook:
    """Return the rules that the package carries."""
    return read_rules()


def _read(paths: Iterable[str | Path] | None) -> tuple[list[Rule], list[EquiscoreError]]:
    rules, placed, faults = list[Rule](), list[_Placed](), list[EquiscoreError]()
    for path in _files(paths):
        if not path.is_file():
            faults.append(DeclarationError(f"{path}: no such file. Fix: give the path of a file of rules."))
            continue
        try:
            raw, lines, twice = load_yaml(path)
        except EquiscoreError as fault:
            faults.append(_ours(fault))
            continue
        found, wrong = _of_file(path, raw, lines)
        rules, placed, faults = rules + found, placed + _placed(path, raw, lines), faults + twice + wrong
    return rules, faults + [fault for one in placed for fault in _unreadable(one)] + _between(placed)


def _files(paths: Iterable[str | Path] | None) -> list[Path]:
    given = packaged_files() if paths is None else [Path(path) for path in paths]
    return [file for path in given for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])]


def _of_file(path: Path, raw: Mapping[str, Any], lines: Lines) -> tuple[list[Rule], list[EquiscoreError]]:
    try:
        return list(RuleFile.model_validate(raw).rules), []
    except ValidationError as error:
        return [], [_ours(fault) for fault in explained(error, RuleFile, raw, path, lines)]


def _ours(fault: EquiscoreError) -> EquiscoreError:
    """Take out of a sentence on declarations what does not hold of rules."""
    said = str(fault).replace("; `equiscore activity new` shows an example", "").replace("start from `equiscore activity new`", "begin with `rules:`")
    return DeclarationError(said.replace("a declaration is keys and values", "a file of rules is keys and values"))


def _placed(path: Path, raw: Mapping[str, Any], lines: Lines) -> list[_Placed]:
    listed = raw.get("rules")
    rules = enumerate(listed) if isinstance(listed, list) else ()
    return [
        _Placed(rule, lambda key, position=position: f"{path}{lines.at(('rules', position, key))}")  # type: ignore[misc]  # a default binds now
        for position, rule in rules
        if isinstance(rule, dict)
    ]


def _conditions(rule: _Placed) -> Iterator[tuple[str, str]]:
    for key in ("applies", "satisfied"):
        text = rule.raw.get(key)
        if isinstance(text, str) and text.strip():
            yield key, text.strip()


def _unreadable(rule: _Placed) -> Iterator[EquiscoreError]:
    """Go through the faults of the conditions of a rule."""
    for key, text in _conditions(rule):
        try:
            condition(text)
        except ConditionError as fault:
            yield DeclarationError(f"{rule.at(key)}: {rule.id}: {key}, {fault}")


def _links(rule: _Placed, key: str) -> list[str]:
    """Return the rules that a key of a rule speaks of; a condition that cannot be read speaks of none."""
    if key == "over":
        return [str(other) for other in rule.raw.get("over") or []]
    try:
        return sorted({other for name, text in _conditions(rule) if name == key for other in rules_named(condition(text))})
    except ConditionError:
        return []


def _between(placed: Sequence[_Placed]) -> list[EquiscoreError]:
    """Return the faults that rules have together."""
    first: dict[str, _Placed] = {}
    faults: list[EquiscoreError] = []
    for rule in placed:
        if rule.id in first:
            faults.append(DeclarationError(f"{rule.at('id')}: {rule.id}: the id is also at {first[rule.id].at('id')}. Fix: give one another id."))
        first.setdefault(rule.id, rule)
    for rule in placed:
        for key in ("applies", "satisfied", "over"):
            for other in _links(rule, key):
                if other not in first:
                    near = nearest(other, first)
                    fix = f"did you mean {near!r}?" if near else "add that rule, or take it out."
                    faults.append(DeclarationError(f"{rule.at(key)}: {rule.id}: {key}: no rule {other!r}. Fix: {fix}"))
    return faults + _circles(first)


def _circles(rules: Mapping[str, _Placed]) -> list[EquiscoreError]:
    """Return the circles of rules that hang on each other.

    ``applies`` may not come back to its rule. Two rules over each other are a conflict of equals, which dates decide;
    three in a ring, or one over itself, say nothing.
    """
    found = []
    for key, smallest in (("applies", 1), ("over", 3)):
        graph = {name: [other for other in _links(rule, key) if other in rules] for name, rule in rules.items()}
        for circle in _rings(graph):
            if len(circle) >= smallest or len(circle) == 1:
                path = " -> ".join((*circle, circle[0]))
                found.append(DeclarationError(f"{rules[circle[0]].at(key)}: {circle[0]}: {key} runs in a circle: {path}. Fix: take one link out."))
    return list[EquiscoreError](found)


def _rings(graph: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return one ring through each set of names that hang on each other."""
    rings: dict[frozenset[str], tuple[str, ...]] = {}
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        ahead: list[tuple[int, str]] = [(0, start)]
        while ahead:
            level, name = ahead.pop()
            done.update(trail[level:])
            del trail[level:]
            if name in trail:
                ring = tuple(trail[trail.index(name) :])
                rings.setdefault(frozenset(ring), ring)
            elif name not in done:
                trail.append(name)
                ahead += [(level + 1, other) for other in graph[name]]
        done.update(trail)
    return list(rings.values())
