"""How facts, their values and days are written for a reader: short names in place of codes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from babel.dates import format_date

from scoring.facts import Value
from scoring.texts import SEMICOLON, has, number, say

_LOCALES: Final = {"en": "en_GB", "fr": "fr_FR"}
_SHARES: Final = frozenset({"decisions_following_score", "override_rate"})


def day(when: date, language: str) -> str:
    """Write a day the way the language does.

    >>> day(date(2026, 1, 31), "en"), day(date(2026, 8, 1), "fr")
    ('31 January 2026', '1er août 2026')
    """
    written = format_date(when, "long", locale=_LOCALES[language])
    return written.replace("1 ", "1er ", 1) if language == "fr" and when.day == 1 else written


def fact_name(name: str, language: str) -> str:
    """Return the short name of a fact, of ``rule(ID)`` or of ``ask``.

    >>> fact_name("exclusion_possible", "fr"), fact_name("rule(EU-GDPR-36)", "en")
    ('exclusion possible', 'rule EU-GDPR-36')
    """
    if name.startswith("rule("):
        return say("fact_names.rule", language, rule=name[len("rule(") : -1])
    return say(f"fact_names.{name}", language) if has(f"fact_names.{name}", language) else name


def named(names: Iterable[str], language: str) -> str:
    """Return the short names of facts in a line, each once.

    >>> named(["staff", "ask"], "en")
    'staff, answer of a named human'
    """
    return ", ".join(dict.fromkeys(fact_name(name, language) for name in names))


def written(value: Value, language: str, fact: str = "") -> str:
    r"""Return the value of a fact as it is shown.

    >>> written(True, "fr"), written(("email", "sms"), "en", "channel"), written(0.95, "fr", "override_rate")
    ('oui', 'e-mail, text message', '95,0\u202f%')
    """
    if isinstance(value, bool):
        return say("law.yes" if value else "law.no", language)
    if isinstance(value, date):
        return day(value, language)
    if isinstance(value, (int, float)):
        return number(value, "percent" if fact in _SHARES else "plain", language)
    words = (value,) if isinstance(value, str) else value or ("none",)
    return ", ".join(_word(one, language, fact) for one in words)


def _word(word: str, language: str, fact: str) -> str:
    """Return one word of the vocabulary of facts in the reader's language; words that it does not have stay as they are."""
    own = {"criterion": ("criterion", "criteria"), "cnil_list_items": ("formalities.cnil_list",)}.get(fact, ())
    rooms = [f"{room}_{word}" if "." in room else f"{room}.{word}" for room in own]
    keys = (*rooms, f"fact_names.value_{fact}_{word}", f"fact_names.value_{word}")
    return next((say(key, language) for key in keys if has(key, language)), word)


def stated(facts: Iterable[tuple[str, Value]], language: str) -> str:
    """Return facts with their values in a line.

    >>> stated([("profiling", True), ("jurisdiction", ("FR",))], "en")
    'profiling = yes; law that applies = France'
    """
    return SEMICOLON[language].join(f"{fact_name(name, language)} = {written(value, language, name)}" for name, value in facts)
