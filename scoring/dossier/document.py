"""A document is a title and a tuple of blocks; a format is a reader of blocks.

Blocks hold what is said, not how it looks: numbers stay numbers until a format writes them. Nothing here knows a study.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from scoring.texts import say
from scoring.vocabulary import Verdict


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OutOf:
    """A rate that never forgets out of how many; no rate where none can be given."""

    value: float
    hits: float
    trials: float


Cell = str | int | float | None | Verdict | Estimate | OutOf
"""What may stand in a table; a bare number or an estimate is written as its column's kind says."""

_LEFT: Final = frozenset({"text", "verdict"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and the kind of its cells: ``text``, ``verdict`` or a kind of `scoring.texts.number`."""

    title: str
    kind: str = "text"

    @property
    def align(self) -> str:
        """The side on which its cells are read."""
        return "left" if self.kind in _LEFT else "right"


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, a remark that stands below them over the whole width, and the part of the table that they belong to."""

    cells: tuple[Cell, ...]
    remark: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A title within the document; level 2 opens a section, level 3 a part of it."""

    level: int
    text: str
    anchor: str
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyValues:
    """Names and what each stands for."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table; `remark` is what remarks of rows are called where a format gives them a column."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    remark: str = ""

    @property
    def parts(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """The rows by section, in their order."""
        return tuple((section, tuple(rows)) for section, rows in groupby(self.rows, key=lambda row: row.section))


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as SVG, with what it shows in words: `alternative` in a line, `described` in full."""

    svg: str
    caption: str
    alternative: str
    described: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Callout:
    """What must not be missed; `missing` marks what the dossier still lacks, with who must supply it."""

    title: str
    items: tuple[str, ...]
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict in a sentence."""

    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Verdicts in sentences, in their order."""

    items: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Something to type."""

    text: str


Block = Heading | Paragraph | Bullets | KeyValues | TableBlock | Figure | Callout | Findings | Code


@dataclass(frozen=True, slots=True)
class Document:
    """The whole: what it is called, its language, its blocks."""

    title: str
    language: str
    blocks: tuple[Block, ...]
    kicker: str = ""
    subtitle: str = ""
    cover: tuple[tuple[str, str], ...] = ()
    """What a title page says of the activity and of this version, where a format has one."""
    standing: str = ""
    """How far this version has come, in a few words."""

    @property
    def sections(self) -> tuple[Heading, ...]:
        """The headings that open a section."""
        return tuple(block for block in self.blocks if isinstance(block, Heading) and block.level == 2)


def numbered(blocks: tuple[Block, ...], language: str) -> tuple[Block, ...]:
    """Return the blocks with their tables and figures numbered in order.

    >>> [block.caption for block in numbered((TableBlock("People", (), ()), TableBlock("Rates", (), ())), "en")]
    ['Table 1. People', 'Table 2. Rates']
    """
    done: list[Block] = []
    held = {TableBlock: 0, Figure: 0}
    for block in blocks:
        if isinstance(block, TableBlock | Figure):
            held[type(block)] += 1
            key = "dossier.table" if isinstance(block, TableBlock) else "dossier.figure"
            done.append(replace(block, caption=say(key, language, number=held[type(block)], caption=block.caption)))
        else:
            done.append(block)
    return tuple(done)
