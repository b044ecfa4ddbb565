"""What PDF and DOCX share: text that paper can show, and columns that fit a page.

Text from data is shown as it is or with a visible mark in place of what cannot be shown: ``[U+202E]`` for a control that turns the
line around, for a character of no width, for one that no bundled typeface draws. Only soft hyphens and variation selectors go unmarked.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import matplotlib as mpl

from scoring.dossier.document import Estimate, OutOf, Row, TableBlock
from scoring.dossier.formats.cells import written
from scoring.texts import say

MOST_CHARACTERS: Final = 20_000
"""A text longer than this is cut on paper, and says so; the evidence holds the declaration whole."""
MOST_IN_CELL: Final = 2_000
MOST_IN_HEAD: Final = 150
"""The same in a cell of a table, and in its head, which stands again on every page."""
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\u00ad]")
WORD: Final = 32
"""A longer word may be divided in running text; a digest is not."""
_DIGEST: Final = re.compile("[0-9a-f]{64}[.,;]?")
_ZERO_WIDTH: Final = "\u200b"


def fonts() -> Path:
    """Return the folder of the typefaces that come with matplotlib: DejaVu is drawn in figures and stands in for what Libertinus lacks."""
    return Path(mpl.get_data_path()) / "fonts" / "ttf"


@cache
def drawn() -> frozenset[str]:
    """Return the characters that the bundled typefaces draw, upright and bold."""
    from matplotlib.ft2font import FT2Font

    upright, bold = (set(FT2Font(str(fonts() / name)).get_charmap()) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"))
    return frozenset(map(chr, upright & bold))


@cache
def drawn_alone() -> frozenset[str]:
    """Return those that stand by themselves: in a drawing, marks that are set over others are drawn without their text, which PDF/A refuses."""
    return frozenset(one for one in drawn() if not unicodedata.category(one).startswith("M"))


def visible(text: str, shown: Collection[str] | None = None) -> str:
    r"""Return text in which controls, characters of no width and, where `shown` is given, those outside it are marked by their code point.

    >>> visible("a\u202eb\u200bc\x00\n中"), visible("中\U0001f9ff", drawn())
    ('a[U+202E]b[U+200B]c[U+0000]\n中', '[U+4E2D][U+1F9FF]')
    """
    kept = unicodedata.normalize("NFC", _SELECTORS.sub("", text.replace("\r\n", "\n")))
    odd = {one for one in set(kept) if one != "\n" and (unicodedata.category(one) in _UNSHOWN or (shown is not None and one not in shown))}
    return kept.translate({ord(one): " " if one == "\t" else f"[U+{ord(one):04X}]" for one in odd}) if odd else kept


def shortened(text: str, language: str, most: int = MOST_CHARACTERS) -> str:
    """Return a text that is not longer than paper bears; one that was cut says how long it was.

    >>> shortened("abcdef", "en", 3)
    'abc … [cut here: 6 characters]'
    """
    return text if len(text) <= most else say("printed.cut", language, start=text[:most], characters=len(text))


def divisible(text: str, most: int = WORD) -> str:
    r"""Return text whose long words may be divided at the end of a line, by spaces of no width.

    >>> divisible("short customer_identifier_of_a_bank", 12).split("\u200b")
    ['short customer_', 'identifier_', 'of_a_', 'bank']
    """
    return re.sub(
        rf"[^ \n\u200b]{{{most + 1},}}", lambda found: found[0] if most >= WORD and _DIGEST.fullmatch(found[0]) else _divided(found[0], most), text
    )


def _divided(word: str, most: int) -> str:
    """Divide a word after its own marks, and where it has none after so many characters."""
    pieces = re.findall(rf"[^_/\\.,;:@=&?\-]{{1,{most}}}[_/\\.,;:@=&?\-]{{0,3}}|[_/\\.,;:@=&?\-]{{1,{most}}}", word)
    joined = [pieces[0]]
    for piece in pieces[1:]:
        if len(joined[-1]) + len(piece) <= most // 2 or unicodedata.combining(piece[0]):
            joined[-1] += piece
        else:
            joined.append(piece)
    return _ZERO_WIDTH.join(joined)


@dataclass(frozen=True, slots=True)
class Layout:
    """A table as it stands on a page: its part of the columns, their widths in points and the size of its type."""

    block: TableBlock
    widths: tuple[float, ...]
    size: float

    @property
    def whole(self) -> bool:
        """Whether it is short enough to be kept on one page."""
        return len(self.block.rows) <= _WHOLE and sum(map(self._lines, self.block.rows)) <= _WHOLE

    def _lines(self, row: Row) -> float:
        """Return about how many lines a row takes."""
        room = [max(1.0, (width - _PADDING) / (0.46 * self.size)) for width in self.widths]
        held = (
            len(cell) / space if isinstance(cell, str) else 1 + isinstance(cell, Estimate | OutOf)
            for cell, space in zip(row.cells, room, strict=True)
        )
        return 0.5 + max(map(math.ceil, held), default=1) + math.ceil(len(row.remark) / sum(room[1:] or room))


_SIZES: Final = (8.6, 8.0, 7.4)
_PADDING: Final = 9.0
_WIDEST: Final = 34.0
"""Ems of a line beyond which a column need not grow."""
_WHOLE: Final = 27
"""A table of no more lines is kept on one page."""


def laid_out(block: TableBlock, language: str, room: float) -> tuple[Layout, ...]:
    """Return a table as it fits into so many points: in smaller type where it must, and in several where it still does not fit.

    A table in several repeats its first column in each.
    """
    least, most, typical = _needs(block, language)
    for size in _SIZES:
        low, high = (tuple(_PADDING + size * one for one in needs) for needs in (least, most))
        if sum(low) <= room:
            return (Layout(block, _shared(low, _beside(block, low, high, room), typical, room), size),)
    if low[0] > room / 2:
        low = (room / 2, *low[1:])
    chunks = _chunks(low, room)
    parts = [_part(block, chunk, place, len(chunks), language) for place, chunk in enumerate(chunks)]
    return tuple(
        Layout(part, _shared(tuple(low[i] for i in chunk), tuple(high[i] for i in chunk), [typical[i] for i in chunk], room), size)
        for part, chunk in zip(parts, chunks, strict=True)
    )


_FEW_WORDS: Final = 125.0
"""Points that a column of a few words needs at most: such words stay on one line before long texts are given more."""
_BESIDE: Final = 0.3
"""Share of a page that the first column may take where remarks stand beside it, below the other columns."""


def _beside(block: TableBlock, low: tuple[float, ...], high: tuple[float, ...], room: float) -> tuple[float, ...]:
    """Return what the columns could use, the first one less where remarks need the room beside it; all that is left then goes to the last."""
    if len(high) == 1 or not any(row.remark for row in block.rows):
        return high
    first = max(low[0], min(high[0], _BESIDE * room))
    return (first, *high[1:-1], max(high[-1], room - first - sum(high[1:-1])))


CELL: Final = 22
"""A word longer than this may be divided in a cell of a table."""


@cache
def _em(character: str) -> float:
    """Return about how wide a character is in ems, rather too much than too little: Libertinus, and DejaVu for what it lacks."""
    if character == "\u200b":
        return 0.0
    if character in "mwMW@%":
        return 0.92
    if character.isascii() or unicodedata.category(character) in {"Zs", "Pd", "Pi", "Pf"}:
        return 0.7 if character.isupper() else 0.5
    return 0.55 if character < "\u0250" and not character.isupper() else 1.0


def ems(text: str) -> float:
    """Return about how wide a text is in ems.

    >>> round(ems("0,82"), 2), round(ems("WWW"), 2)
    (2.0, 2.76)
    """
    return sum(map(_em, text))


def _needs(block: TableBlock, language: str) -> tuple[list[float], list[float], list[float]]:
    """Return for each column, in ems, the widest piece that may not be broken, the widest line, and how long its texts are on the whole."""
    least, most, typical = [], [], []
    widest = _WIDEST if len(block.columns) > 1 else math.inf
    for place, column in enumerate(block.columns):
        texts = [divisible(written(row.cells[place], column.kind, language)[:500], CELL) for row in block.rows]
        words = column.align == "left"
        pieces = [piece for text in texts for piece in (re.split("[ \n\u200b]", text) if words else stacked(text))]
        lines = [line for text in texts for line in text.split("\n")] if words else pieces
        title = divisible(column.title, CELL)
        least.append(max([1.5, *map(ems, pieces), *(1.08 * ems(word) for word in re.split("[ \n\u200b]", title))]))
        most.append(max([least[-1], ems(title) / 2, *(min(ems(line) + (1.5 if column.kind == "verdict" else 0), widest) for line in lines)]))
        typical.append(1.0 + sum(map(ems, texts)) / max(1, len(texts)))
    return least, most, typical


def stacked(text: str) -> tuple[str, ...]:
    """Return a value and what stands below it: an interval, or out of how many.

    >>> stacked("0.82 (0.71 to 0.99)"), stacked("12")
    (('0.82', '(0.71 to 0.99)'), ('12',))
    """
    value, bracket, rest = text.partition(" (")
    return (value, f"({rest}") if bracket else (text,)


def _shared(low: tuple[float, ...], high: tuple[float, ...], typical: Sequence[float], room: float) -> tuple[float, ...]:
    """Give each column what it must have; then columns of a few words what they need, and the others what is left, by how much they say."""
    if sum(high) <= room:
        grown = min(room / sum(high), 1.4)
        return tuple(one * grown for one in high)
    if (spare := room - sum(low)) <= 0:
        return _scaled(low, room)
    given, wants = list(low), [more - one for one, more in zip(low, high, strict=True)]
    long = [more > _FEW_WORDS for more in high]
    waiting = sorted(range(len(low)), key=lambda place: (long[place], wants[place] / (typical[place] if long[place] else 1.0)))
    while waiting:
        place = waiting.pop(0)
        share = typical[place] / (typical[place] + sum(typical[other] for other in waiting)) if long[place] else 1 / (1 + len(waiting))
        more = min(wants[place], spare * share)
        given[place] += more
        spare -= more
    return tuple(given)


def _scaled(low: tuple[float, ...], room: float) -> tuple[float, ...]:
    return tuple(one * room / sum(low) for one in low)


def _chunks(low: tuple[float, ...], room: float) -> list[tuple[int, ...]]:
    chunks: list[tuple[int, ...]] = []
    held: tuple[int, ...] = (0,)
    for place in range(1, len(low)):
        if len(held) > 1 and sum(low[i] for i in held) + low[place] > room:
            chunks.append(held)
            held = (0,)
        held = (*held, place)
    return [*chunks, held]


def _part(block: TableBlock, chunk: tuple[int, ...], place: int, parts: int, language: str) -> TableBlock:
    """Return some columns of a table; remarks stand in the first part, the note below the last."""
    columns = tuple(block.columns[i] for i in chunk)
    rows = tuple(replace(row, cells=tuple(row.cells[i] for i in chunk), remark=row.remark if place == 0 else "") for row in block.rows)
    caption = block.caption if parts == 1 else say("printed.part", language, caption=block.caption, part=place + 1, parts=parts)
    return replace(block, caption=caption, columns=columns, rows=rows, note=block.note if place == parts - 1 else "")
