"""What every declared part needs: words, days, what is said and what is missing, rules by how far they were read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

from scoring.dossier.document import Block, Column, Heading, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.parts import days
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.parts.rooms import texts_of
from scoring.dossier.view import View
from scoring.law.rules import Rule, packaged_rules
from scoring.texts import has, say

Part = Callable[[View], Iterator[Block]]
Lacks = tuple[str, str]
"""What is missing, in the reader's language, and who must supply it."""
words = texts_of("dossier_declared")


def of_declaration(part: Part) -> Part:
    """Make a part that says nothing of a study without a declaration."""

    @wraps(part)
    def told(view: View) -> Iterator[Block]:
        if view.declared:
            yield from part(view)

    return told


def known(view: View, key: str, otherwise: object) -> str:
    """Return a text of the declared sections, or the word of the data where there is none."""
    return words(view, key) if has(f"dossier_declared.{key}", view.language) else str(otherwise)


def heading(view: View, anchor: str, /, **values: Any) -> Heading:
    """Return the heading of a part of a section."""
    return Heading(3, words(view, f"heading_{anchor}", **values), f"declared-{anchor.replace('_', '-')}")


def columns(view: View, *names: str, **kinds: str) -> tuple[Column, ...]:
    """Return columns by the names of their titles; `kinds` gives those that hold no words."""
    return tuple(Column(words(view, f"col_{name}"), kinds.get(name, "text")) for name in names)


def pair(view: View, name: str, value: str) -> str:
    """Write a name and what it stands for in one line."""
    return words(view, "pair", name=name, value=value)


def truth(view: View, answer: object) -> str:
    """Return yes, no, or that it was not said."""
    return words(view, {True: "yes", False: "no"}[answer]) if isinstance(answer, bool) else words(view, "not_said")


def day(view: View, value: object) -> str:
    """Write a day the way the language does; what is no day stays as it stands, nothing is "not said".

    >>> from types import SimpleNamespace
    >>> day(SimpleNamespace(language="fr"), "2026-02-01"), day(SimpleNamespace(language="en"), None)
    ('1er février 2026', 'not said')
    """
    return days.day(value, view.language) or words(view, "not_said")


def text(view: View, said: Any) -> str:
    """Return declared words: one text, or several, each on its line; nothing for nothing."""
    if isinstance(said, Sequence) and not isinstance(said, str):
        return "\n".join(view.pick(one) for one in said)
    return view.pick(said)


def listed(view: View, name: str) -> list[Mapping[str, Any]]:
    """Return what the declaration lists under a key and what the register has under the same, each once."""
    found = [*(view.assessment.get(name) or ()), *(view.record.get(name) or ())]
    return [one for place, one in enumerate(found) if one not in found[:place]]


def said(view: View, elsewhere: Mapping[str, Any] | None = None, /, **who: str) -> Iterator[Block]:
    """Show what the assessment (or `elsewhere`) says under each key; what is not said is missing, to be supplied by whom the key names."""
    held = {**view.assessment, **(elsewhere or {})}
    told = [(key, text(view, held.get(key))) for key in who]
    if any(one for _, one in told):
        yield KeyValues(tuple((words(view, f"key_{key}"), one) for key, one in told if one))
    yield from lacking(view, *((words(view, f"key_{key}"), who[key]) for key, one in told if not one))


def table(view: View, caption: str, titles: tuple[Column, ...], rows: Sequence[Row], *, note: str = "", remark: str = "") -> Iterator[Block]:
    """Show a table unless it is empty."""
    if rows:
        yield TableBlock(words(view, f"caption_{caption}"), titles, tuple(rows), note, remark)


def in_force(view: View, rule: str) -> bool:
    """Tell whether a rule is in force on the day of the study; on no day in particular, every rule is taken."""
    return view.plan.as_of is None or packaged_rules()[rule].in_force(view.plan.as_of)


def checked(view: View, rule: Rule) -> str:
    """Return how far a rule was checked against its text."""
    return say(f"law.confidence_{rule.confidence}", view.language)


def rule_named(view: View, rule: str) -> str:
    """Return a rule by its reference and id with how far it was checked: none is presented as settled."""
    found = packaged_rules()[rule]
    return words(view, "rule", reference=view.pick(found.reference), rule=rule, checked=checked(view, found))


def cited(view: View, *rules: str) -> Iterator[Block]:
    """Name the rules that a section is about by how far they were checked, with the day from which one holds that is still to come."""
    named = defaultdict[str, list[str]](list)
    for rule in (packaged_rules()[name] for name in rules):
        if in_force(view, rule.id):
            named[checked(view, rule)].append(words(view, "rule_short", reference=view.pick(rule.reference), rule=rule.id))
        elif view.plan.as_of and rule.valid_from and rule.valid_from > view.plan.as_of:
            coming = words(view, "rule_from", reference=view.pick(rule.reference), rule=rule.id, start=day(view, rule.valid_from))
            named[checked(view, rule)].append(coming)
    if named:
        told = (words(view, "rules_so", checked=how, rules=view.semicolons(which)) for how, which in named.items())
        yield Paragraph(words(view, "rules", rules=view.semicolons(told)))
