"""Names of people, compared: who made a study must not approve it under another spelling."""

from __future__ import annotations

import unicodedata
from typing import Final

_INVISIBLE: Final = dict.fromkeys((0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
"""Letters that are drawn as nothing, and choices of form (Unicode 15, Default_Ignorable_Code_Point)."""
_VIRAMA: Final = 9
"""Combining class of the last marks that make another letter; above it stand accents and vowel points."""
_ALIKE: Final = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0458\u0501\u051b\u051d\u04bb\u04cf", "abekmhopctyxsijdqwhl"
) | str.maketrans("\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0261\u0131\u0251", "abezhikmnoptyxgia")
"""Small letters of Cyrillic, of Greek and of phonetics whose small or capital form looks like a Latin one (Unicode TS 39, confusables)."""


def same_person(name: str, other: str) -> bool:
    """Tell whether two names are those of one person, however they are written.

    >>> same_person("Hélène  MARTIN", "martin, helene"), same_person("Anna Roy", "\u0410nna R\u043ey"), same_person("Anna Roy", "Anna Ray")
    (True, True, False)
    """
    return person_of(name) == person_of(other)


def person_of(name: str) -> str:
    """Return a name as people are told apart.

    Capitals, accents, blanks, signs between words, their order (MARTIN Anne), invisible signs and letters of another script that look
    the same make nobody another: who made a study must not approve it under another spelling.
    """
    whole = unicodedata.normalize("NFKD", name).translate(_INVISIBLE).casefold()
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", whole) if not _is_unseen(sign))
    words = "".join(sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else " " for sign in bare.translate(_ALIKE)).split()
    return " ".join(sorted(words))


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) == "Cf" or unicodedata.combining(sign) > _VIRAMA
