"""The blocks as Markdown (CommonMark with tables): the same words as the page, for those who diff and archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import singledispatch

from scoring.dossier.document import Block, Bullets, Callout, Code, Document, Figure, Findings, Heading, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.formats.cells import written
from scoring.errors import EquiscoreError
from scoring.plots.canvas import MARKS
from scoring.texts import SEMICOLON, say
from scoring.texts.shown import plainly

_MEANT = re.compile(r"([\\`*_\[\]|#~])")
_SPACES = re.compile(r"[ \t\n]+")  # those that Markdown reads: four before a text would make it code
_OPENS = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|[-=+]|$)")


def markdown(document: Document) -> bytes:
    """Return the document as one Markdown file."""
    head = [escaped(document.kicker), f"# {escaped(document.title)}", f"*{escaped(document.subtitle)}*"]
    parts = [*head, *(to_markdown(block, document.language) for block in document.blocks)]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def escaped(text: str) -> str:
    r"""Return text that Markdown and the HTML within it read as nothing but text.

    >>> escaped("<b>*a*</b>")
    '&lt;b&gt;\\*a\\*&lt;/b&gt;'
    """
    flat = _MEANT.sub(r"\\\1", _SPACES.sub(" ", plainly(text)).strip(" ")).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _OPENS.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}", flat)


@singledispatch
def to_markdown(block: Block, language: str) -> str:  # noqa: ARG001  (a table of functions has one signature)
    """Return a block as Markdown."""
    raise EquiscoreError(f"No Markdown for {type(block).__name__}. Fix: register one beside the others in this file.")


@to_markdown.register
def _(block: Heading, language: str) -> str:  # noqa: ARG001  (a table of functions has one signature)
    return f"{'#' * block.level} {escaped(block.text)}"


@to_markdown.register
def _(block: Paragraph, language: str) -> str:  # noqa: ARG001
    return escaped(block.text)


@to_markdown.register
def _(block: Bullets, language: str) -> str:  # noqa: ARG001
    return "\n".join(f"- {escaped(item)}" for item in block.items)


@to_markdown.register
def _(block: KeyValues, language: str) -> str:
    return "\n".join(
        say("dossier.key_value_md", language, name=escaped(name), value=escaped(_in_a_line(value, language))) for name, value in block.items
    )


def _in_a_line(text: str, language: str) -> str:
    """Return lines as one line, with a semicolon as the language sets it."""
    return text.replace("\n", SEMICOLON[language])


@to_markdown.register
def _(block: TableBlock, language: str) -> str:
    titles = [column.title for column in block.columns] + ([block.remark] if block.remark else [])
    rules = [":--" if column.align == "left" else "--:" for column in block.columns] + ([":--"] if block.remark else [])
    lines = [_cells([escaped(title) for title in titles]), _cells(rules), *_body(block, language)]
    return "\n\n".join(part for part in (f"**{escaped(block.caption)}**", "\n".join(lines), f"*{escaped(block.note)}*" if block.note else "") if part)


def _body(block: TableBlock, language: str) -> Iterator[str]:
    blank = [""] * (len(block.columns) - 1 + bool(block.remark))
    for section, rows in block.parts:
        if section:
            yield _cells([f"**{escaped(section)}**", *blank])
        yield from (_row(block, row, language) for row in rows)


def _row(block: TableBlock, row: Row, language: str) -> str:
    """Write a row; where remarks have no column, the remark follows the first cell."""
    cells = [escaped(written(cell, column.kind, language)) for cell, column in zip(row.cells, block.columns, strict=True)]
    remark = escaped(_in_a_line(row.remark, language))
    if block.remark:
        return _cells([*cells, remark])
    return _cells([f"{cells[0]} ({remark})" if remark else cells[0], *cells[1:]])


def _cells(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


@to_markdown.register
def _(block: Figure, language: str) -> str:  # noqa: ARG001
    """Write what the drawing shows in words: the drawing itself is in the page."""
    lines = [f"**{escaped(block.caption)}**", escaped(block.alternative), "\n".join(f"- {escaped(line)}" for line in block.described)]
    return "\n\n".join(line for line in lines if line)


@to_markdown.register
def _(block: Callout, language: str) -> str:  # noqa: ARG001
    return "\n".join([f"> **{escaped(block.title)}**", ">", *(f"> - {escaped(item)}" for item in block.items)])


@to_markdown.register
def _(block: Findings, language: str) -> str:
    return "\n".join(
        f"- {MARKS[one.verdict].symbol} **{escaped(say(f'verdict.{one.verdict.value}', language))}** — {escaped(one.text)}" for one in block.items
    )


@to_markdown.register
def _(block: Code, language: str) -> str:  # noqa: ARG001
    text = plainly(block.text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
