"""What users read, in English and French: sentences are data, numbers are put in by one function.

Each file of a language is a room (because, verdicts, dossier, dashboard ...); `say("because.zero", "fr", people=60)` reads
the key `zero` of `fr/because.yaml`. A test holds the languages to the same keys and the same numbers.
"""

from __future__ import annotations

import functools
import math
import re
import string
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final

import yaml

from scoring.errors import EquiscoreError

LANGUAGES: Final = ("en", "fr")
_MARKS: Final = {"en": (",", "."), "fr": ("\u202f", ",")}
"""Between thousands and before decimals: French uses a narrow no-break space and a comma."""
_PERCENT: Final = {"en": "%", "fr": "\u202f%"}
_MINUS: Final = "\u2212"
"""The sign of a number; a hyphen is no minus, and may be parted from its number at the end of a line."""
SEMICOLON: Final = {"en": "; ", "fr": "\u202f; "}
"""Between the members of a list that may hold commas, as the language sets it."""
NOTHING: Final = "–"
"""What stands where there is no number."""


def say(key: str, language: str, /, **values: Any) -> str:
    """Return a sentence with its numbers.

    A field says how its number reads: ``{people:count}``, ``{ratio:ratio}``, ``{rate:percent}``, ``{p:p}``.

    >>> say("because.before_adjustment", "en", family=12)
    'Shown before adjustment for 12 comparisons, not after.'
    """
    room, _, name = key.partition(".")
    try:
        text = _room(language, room)[name]
    except KeyError:
        raise EquiscoreError(f"No text {key!r} in {language!r}. Fix: add it to scoring/texts/{language}/{room}.yaml.") from None
    return _Numbers(language).vformat(text, (), values)


def has(key: str, language: str = "en") -> bool:
    """Tell whether there is a text of that key."""
    room, _, name = key.partition(".")
    return name in _room(language, room)


def pick(words: str | Mapping[Any, str] | None, language: str) -> str:
    """Return words of a declaration in a language: that one, or the one that is there.

    >>> pick({"en": "Age"}, "fr"), pick("Age", "fr"), pick(None, "fr")
    ('Age', 'Age', '')
    """
    if isinstance(words, Mapping):
        return words.get(language) or next(iter(words.values()), "")
    return words or ""


def number(value: float | None, kind: str, language: str) -> str:
    """Write a number the way the language does.

    >>> number(1234.5678, "count", "en"), number(0.8, "ratio", "fr"), number(0.256, "percent", "en")
    ('1,235', '0,80', '25.6%')
    >>> number(float("nan"), "ratio", "en"), number(float("inf"), "ratio", "en"), number(0.00001, "p", "en"), number(-3, "count", "fr")
    ('–', '∞', '<0.0001', '−3')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    if kind not in _KINDS:
        raise EquiscoreError(f"No way {kind!r} to write a number. Fix: use one of {', '.join(_KINDS)}.")
    thousands, decimal = _MARKS[language]
    written = _NEGATIVE_ZERO.sub(r"\1", _KINDS[kind](value)).replace(",", "\0").replace(".", decimal).replace("\0", thousands)
    written = f"{_MINUS}{written[1:]}" if written.startswith("-") else written
    return written.replace("%", _PERCENT[language])


_NEGATIVE_ZERO: Final = re.compile(r"^-(0(?:\.0*)?%?)$")


def _p_value(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}" if value < 0.01 else f"{value:.3f}"


def _signed(written: str) -> str:
    """Put the sign that stands before a p-value in a sentence: one, not two."""
    return f"< {written[1:]}" if written.startswith("<") else f"= {written}"


_KINDS: Final[Mapping[str, Callable[[float], str]]] = {
    "count": lambda value: f"{value:,.0f}",
    "ratio": lambda value: f"{value:,.2f}",
    "ratio3": lambda value: f"{value:,.3f}",
    "times": lambda value: f"{value:,.1f}",
    "percent": lambda value: f"{100 * value:.1f}%",
    "percent0": lambda value: f"{100 * value:.0f}%",
    "points": lambda value: f"{100 * value:+.1f}",
    "plain": lambda value: f"{value:g}",
    "p": _p_value,
    "p_is": lambda value: _signed(_p_value(value)),
}


class _Numbers(string.Formatter):
    """str.format whose format codes are the kinds of `number`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        return number(float(value), format_spec, self.language) if format_spec else str(value)


@functools.cache
def _room(language: str, room: str) -> dict[str, str]:
    if language not in LANGUAGES:
        raise EquiscoreError(f"No language {language!r}. Fix: use one of {', '.join(LANGUAGES)}.")
    file = resources.files(__name__) / language / f"{room}.yaml"
    if not file.is_file():
        return {}
    texts = {str(key): str(text).strip() for key, text in yaml.safe_load(file.read_text(encoding="utf-8")).items()}
    return {key: french(text) for key, text in texts.items()} if language == "fr" else texts


_BOUND: Final = re.compile(r"(§|\b[Aa]rt\.|\b[Pp]\.|\b[Nn]°|\bnos?) (?=[LRD]?\.? ?\d)|(\bC\.) (?=[a-zé])")


def french(text: str) -> str:
    r"""Return a French text as it is set, so that whoever writes it need not: one apostrophe, and no line that ends where none may.

    Narrow no-break spaces stand before what French sets apart; an abbreviation keeps its number on its line.

    >>> french("l’art. L312-16 ; n° 2 « a »"), french("C. pénal, art. 225-1, § 1, art. premier")
    ("l'art.\xa0L312-16\u202f; n°\xa02 «\u202fa\u202f»", 'C.\xa0pénal, art.\xa0225-1, §\xa01, art. premier')
    """
    spaced = re.sub(r" (?=[:;!?»])|(?<=«) ", "\u202f", text.replace("’", "'"))
    return _BOUND.sub(lambda found: f"{found[0][:-1]}\u00a0", spaced)
