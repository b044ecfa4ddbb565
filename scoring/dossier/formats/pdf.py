"""The blocks as PDF: PDF/A-3a to be kept, PDF/UA-1 to be read by everybody, with the evidence attached; the same bytes for the same study.

Typst sets the pages. What is said goes to it as JSON, never as its markup, so no text of a study is code; it reads no file, no
clock, no typeface of the machine and nothing from a network. It refuses to write a file that would not keep its claims.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache, partial, singledispatch
from importlib import resources
from itertools import zip_longest
from typing import Any, Final, NamedTuple

import typst

from scoring.dossier.document import Block, Bullets, Callout, Code, Column, Document, Figure, Findings, Heading, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.document import Cell as DocumentCell
from scoring.dossier.evidence import NAME
from scoring.dossier.formats import printed
from scoring.dossier.formats.cells import written
from scoring.dossier.parts.days import day as written_day
from scoring.errors import EquiscoreError
from scoring.plots.canvas import MARKS
from scoring.texts import say
from scoring.vocabulary import Verdict

STANDARDS: Final = ("a-3a", "ua-1")
_NO_DAY: Final = date(2000, 1, 1)
"""There is no clock in a study: a file of one that declares no day bears this one."""
_ROOM: Final = 493.0
"""Width of the text in points: A4 less 18 mm on each side."""
_FIGURE: Final = (538.0, 660.0)
"""Width and height that a figure may take, in points."""
_SMALLEST: Final = 0.74
"""A figure is not made smaller than this: its smallest type is 7.5 to 8 points as drawn. A taller one goes on over several pages."""
_OVERLAP: Final = 30.0
_TITLE: Final = 300
"""Most characters of what is repeated on every page or in the contents."""
_LEADS: Final = 500
"""A paragraph that is not longer stays with the table or the figure that it leads to."""
STUDY: Final = "d12"
"""The section whose parts the contents list too."""
_SHORT: Final = 1200
"""What is shorter is kept whole on its page."""


def pdf(document: Document, *, evidence: bytes | None = None, day: date | None = None, digest: str | None = None, status: str = "") -> bytes:
    """Return the document as one PDF file.

    Parameters
    ----------
    document
        What is said.
    evidence
        What is attached as ``evidence.json``, byte for byte (`scoring.dossier.evidence.evidence_of`).
    day
        The day that the study stands for; it is the file's date, so that no clock is read.
    digest
        Of the study's manifest; it stands on the first page and at the foot of each.
    status
        What the head of each page says of the dossier; by default what the document says of itself, or that it is a draft.

    Raises
    ------
    EquiscoreError
        Typst found that the file would not be PDF/A-3a or PDF/UA-1.
    """
    content, _ = typeset(document, evidence=evidence, day=day, digest=digest, status=status)
    return content


def typeset(
    document: Document, *, evidence: bytes | None = None, day: date | None = None, digest: str | None = None, status: str = ""
) -> tuple[bytes, tuple[str, ...]]:
    """Return the file, and what typst warned of: nothing, as far as is known."""
    inputs = {"document": json.dumps(_handed(document, evidence, day, digest, status), ensure_ascii=False)}
    if evidence is not None:
        inputs["evidence"] = evidence.decode()
    midnight = datetime.combine(day or _NO_DAY, datetime.min.time(), UTC)
    try:
        content, warnings = typst.compile_with_warnings(
            _template(), font_paths=typefaces(), ignore_system_fonts=True, sys_inputs=inputs, pdf_standards=list(STANDARDS), timestamp=midnight
        )
    except typst.TypstError as error:
        raise EquiscoreError(f"The PDF cannot be written ({str(error)[:300]}). Fix: write the dossier as html or docx, and report this.") from error
    return bytes(content) + b"\n", tuple(warning.message for warning in warnings)  # without the line end a signed file is no PDF/A (6.1.9)


@cache
def _template() -> bytes:
    return resources.files(__package__).joinpath("pdf_template.typ").read_bytes()


@cache
def typefaces() -> typst.Fonts:
    """Return the typefaces that typst may use: those that come with it and with matplotlib, none of the machine."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(printed.fonts())])


def _text(text: str, language: str, most: int = printed.MOST_CHARACTERS, word: int = printed.WORD) -> str:
    """Return text that the bundled typefaces draw, that may be divided where it is long, and that ends somewhere."""
    return printed.divisible(printed.visible(printed.shortened(text, language, most), printed.drawn()), word)


def _handed(document: Document, evidence: bytes | None, day: date | None, digest: str | None, status: str) -> dict[str, Any]:
    """Return what the template is handed."""
    language = document.language
    short = partial(_text, language=language, most=_TITLE)
    title = short(document.title.strip()) or say("printed.untitled", language)
    return {
        "language": language,
        "title": title.replace("\u200b", ""),
        "kicker": short(document.kicker),
        "subtitle": short(document.subtitle),
        "status": short(status_of(document, status)),
        "running": _text(document.title, language, 70).partition(" … [")[0],
        "footing": short(f"SHA-256 {digest[:16]}…" if digest else document.kicker),
        "page": say("printed.page", language, page="{page}", pages="{pages}"),
        "contents": say("printed.contents", language),
        "facts": [[short(name), short(value)] for name, value in facts_of(document, evidence, day, digest)],
        "evidence": {"name": NAME, "about": say("printed.attached_about", language)},
        "blocks": list(_written(document)),
    }


def status_of(document: Document, status: str = "") -> str:
    """Return what is said of how far the dossier has come: what the caller says, what the document says, or that it is a draft."""
    return status or document.standing or say("printed.draft", document.language)


def _written(document: Document) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks, each with what hangs on the others: whether the contents list it, whether it stays with the table that follows."""
    blocks = tuple(levelled(document.blocks))
    listed = frozenset(listed_in(blocks))
    for block, following in zip_longest(blocks, blocks[1:]):
        for made in to_typst(block, document.language):
            if isinstance(block, Heading):
                yield {**made, "listed": block.anchor in listed}
            elif isinstance(block, Paragraph):
                yield {**made, "sticky": isinstance(following, TableBlock | Figure) and len(block.text) <= _LEADS}
            else:
                yield made


def listed_in(blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the anchors of the headings that the contents list: the sections, and the parts of the study alone, so that a page holds them.

    The blocks are those of `levelled`. A study without a declaration has few sections, and all its parts are listed.
    """
    headings = [block for block in blocks if isinstance(block, Heading)]
    dossier = STUDY in {heading.anchor for heading in headings}
    deep = False
    for heading in headings:
        deep = (not dossier or heading.anchor == STUDY) if heading.level == 1 else deep
        if heading.level == 1 or (heading.level == 2 and deep):
            yield heading.anchor


def facts_of(document: Document, evidence: bytes | None, day: date | None, digest: str | None) -> Iterator[tuple[str, str]]:
    """Yield what the first page says: the activity and its version, the day, the study that it speaks of, what is attached."""
    language = document.language
    yield from document.cover
    if not document.cover:
        yield say("printed.as_of", language), written_day(day, language) if day else say("printed.no_day", language)
    yield say("printed.digest", language), digest or say("printed.no_digest", language)
    if evidence is not None:
        attached = say("printed.attached_said", language, name=NAME, digest=hashlib.sha256(evidence).hexdigest())
        yield say("printed.attached", language), attached


def levelled(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Yield the blocks, headings one level up (the title is no heading here) and none of them more than one below the last."""
    held = 0
    for block in blocks:
        if isinstance(block, Heading):
            held = max(1, min(block.level - 1, held + 1))
            yield Heading(held, block.text, block.anchor, block.new_page)
        else:
            yield block


@singledispatch
def to_typst(block: Block, language: str) -> Iterator[Mapping[str, Any]]:  # noqa: ARG001  (a table of functions has one signature)
    """Yield a block as what the template is handed."""
    raise EquiscoreError(f"No PDF for {type(block).__name__}. Fix: add it to pdf_template.typ and register it in this file.")


@to_typst.register
def _(block: Heading, language: str) -> Iterator[Mapping[str, Any]]:
    yield {"kind": "heading", "level": block.level, "text": _text(block.text.strip(), language, _TITLE) or "–", "new_page": block.new_page}


@to_typst.register
def _(block: Paragraph, language: str) -> Iterator[Mapping[str, Any]]:
    yield {"kind": "paragraph", "text": _text(block.text, language)}


@to_typst.register
def _(block: Bullets, language: str) -> Iterator[Mapping[str, Any]]:
    if block.items:
        yield {"kind": "bullets", "items": [_text(item, language) for item in block.items]}


@to_typst.register
def _(block: KeyValues, language: str) -> Iterator[Mapping[str, Any]]:
    if block.items:
        yield {"kind": "key_values", "items": [[_text(name, language, _TITLE, printed.CELL), _text(value, language)] for name, value in block.items]}


@to_typst.register
def _(block: TableBlock, language: str) -> Iterator[Mapping[str, Any]]:
    if not block.columns:
        return
    for layout in printed.laid_out(_shown_table(block, language), language, _ROOM):
        columns = [
            {"title": column.title, "align": column.align, "width": round(width, 2)}
            for column, width in zip(layout.block.columns, layout.widths, strict=True)
        ]
        parts = [{"section": section, "rows": [_row(row, layout.block.columns, language) for row in rows]} for section, rows in layout.block.parts]
        told = {"caption": layout.block.caption, "note": layout.block.note, "size": layout.size, "whole": layout.whole}
        yield {"kind": "table", **told, "columns": columns, "parts": parts}


def _shown_table(block: TableBlock, language: str) -> TableBlock:
    """Return the table with its titles as they are set; what is repeated on every page ends early."""
    short = partial(_text, language=language, most=printed.MOST_IN_HEAD, word=printed.CELL)
    columns = tuple(Column(short(column.title), column.kind) for column in block.columns)
    rows = tuple(Row(row.cells, _text(row.remark, language, printed.MOST_IN_CELL), short(row.section)) for row in block.rows)
    return TableBlock(_text(block.caption, language, _TITLE), columns, rows, _text(block.note, language), block.remark)


def _row(row: Row, columns: tuple[Column, ...], language: str) -> dict[str, Any]:
    cells = [_cell(cell, column.kind, language) for cell, column in zip(row.cells, columns, strict=True)]
    long = max(len(text) for text in (row.remark, *(str(cell.get("text", "")) for cell in cells)))
    return {"cells": cells, "remark": row.remark, "short": long <= _SHORT}


def _cell(cell: DocumentCell, kind: str, language: str) -> dict[str, Any]:
    text = written(cell, kind, language)
    if isinstance(cell, Verdict):
        return {"verdict": _verdict(cell, language)}
    if isinstance(cell, str):
        return {"text": _text(text, language, printed.MOST_IN_CELL, printed.CELL)}
    value, *below = (part.replace(" ", "\u00a0") for part in printed.stacked(text))
    return {"text": value, "below": below[0]} if below else {"text": value}


def _verdict(verdict: Verdict, language: str) -> dict[str, str]:
    return {"text": say(f"verdict.{verdict.value}", language), "symbol": MARKS[verdict].symbol, "colour": MARKS[verdict].colour}


@to_typst.register
def _(block: Figure, language: str) -> Iterator[Mapping[str, Any]]:
    for one in figures_of(block, language):
        yield {"kind": "figure", "svg": one.svg, "width": round(one.width, 2), "alt": one.alternative, "caption": one.caption}


class Drawn(NamedTuple):
    """A figure, or a part of one, as it stands on a page: `width` in points, `alternative` says all that it shows."""

    svg: str
    width: float
    alternative: str
    caption: str


def figures_of(block: Figure, language: str) -> Iterator[Drawn]:
    """Yield a figure as it fits on pages."""
    said = "\n".join((block.alternative.strip() or block.caption.strip() or "–", *block.described))
    said, caption = printed.visible(printed.shortened(said, language), printed.drawn()), _text(block.caption, language, _TITLE)
    slices = sliced(printed.visible(block.svg, printed.drawn_alone()))
    for place, (svg, width) in enumerate(slices, start=1):
        named = caption if len(slices) == 1 else say("printed.slice", language, caption=caption, part=place, parts=len(slices))
        yield Drawn(svg, width, said, named)


def sliced(svg: str) -> list[tuple[str, float]]:
    """Return a drawing as it fits on pages, with the width of each part in points.

    A drawing that would have to be made too small to be read goes on over several pages, each of which begins with the end of the last.
    """
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if found is None:
        return [(svg, _ROOM)]
    width, height = map(float, found.groups())
    scale = min(1.0, _FIGURE[0] / width)
    if height * _SMALLEST <= _FIGURE[1]:
        return [(svg, min(scale, _FIGURE[1] / height) * width)]
    step = _FIGURE[1] / scale
    tops = [0.0]
    while tops[-1] + step < height:
        tops.append(tops[-1] + step - _OVERLAP)
    return [(svg.replace(found[0], f'viewBox="0 {top:g} {width:g} {min(step, height - top):g}"', 1), scale * width) for top in tops]


@to_typst.register
def _(block: Callout, language: str) -> Iterator[Mapping[str, Any]]:
    items = [_text(item, language) for item in block.items]
    yield {"kind": "callout", "title": _text(block.title, language, _TITLE), "items": items, "long": sum(map(len, items)) > 2 * _SHORT}


@to_typst.register
def _(block: Findings, language: str) -> Iterator[Mapping[str, Any]]:
    texts = [(one.verdict, _text(one.text, language)) for one in block.items]
    items = [{"verdict": _verdict(verdict, language), "text": text, "long": len(text) > _SHORT} for verdict, text in texts]
    yield {"kind": "findings", "items": items}


@to_typst.register
def _(block: Code, language: str) -> Iterator[Mapping[str, Any]]:
    yield {"kind": "code", "text": printed.visible(printed.shortened(block.text, language), printed.drawn())}
