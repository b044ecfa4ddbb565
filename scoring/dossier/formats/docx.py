"""The blocks as DOCX, for those who must write into it: real styles, headings, captions and head rows; the same bytes for the same study."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, partial, singledispatch
from itertools import chain
from typing import Any, Final

import docx as python_docx
import typst
from docx.document import Document as Word
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from scoring.dossier.document import Block, Bullets, Callout, Code, Document, Figure, Findings, Heading, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.document import Cell as DocumentCell
from scoring.dossier.formats import printed
from scoring.dossier.formats.cells import written
from scoring.dossier.formats.docx_page import QUIET, ROOM, bookmark, contents, element, paged, properties, styled, timeless
from scoring.dossier.formats.pdf import facts_of, figures_of, levelled, listed_in, status_of, typefaces
from scoring.errors import EquiscoreError
from scoring.plots.canvas import MARKS
from scoring.texts import say
from scoring.vocabulary import Verdict

_TITLE: Final = 300


def docx(document: Document, *, day: date | None = None, digest: str | None = None, status: str = "") -> bytes:
    """Return the document as one DOCX file.

    Parameters
    ----------
    document
        What is said.
    day
        The day that the study stands for; it is the file's date, so that no clock is read.
    digest
        Of the study's manifest.
    status
        What the head of each page says of the dossier; by default that it is a draft.
    """
    word = python_docx.Document()
    short = partial(_text, language=document.language, most=_TITLE)
    title = short(document.title.strip()).replace("\n", " ") or say("printed.untitled", document.language)
    styled(word, document.language)
    properties(word, title, document.language, day)
    paged(word, title, short(status_of(document, status)), document.language)
    told = (say("printed.status", document.language), short(status_of(document, status)))
    _cover(word, document, title, chain([told], facts_of(document, None, day, digest)))
    for place, block in enumerate(levelled(document.blocks)):
        to_docx(block, word, document.language, place)
    return timeless(word)


def _text(text: str, language: str, most: int = printed.MOST_CHARACTERS) -> str:
    return printed.visible(printed.shortened(text, language, most))


def _cover(word: Word, document: Document, title: str, facts: Iterator[tuple[str, str]]) -> None:
    short = partial(_text, language=document.language, most=_TITLE)
    word.add_paragraph(short(document.kicker), style="Dossier kicker")
    word.add_paragraph(title, style="Title")
    word.add_paragraph(short(document.subtitle), style="Dossier subtitle")
    _pairs(word, tuple(facts))
    word.add_paragraph(say("printed.contents", document.language), style="Dossier subtitle").paragraph_format.space_before = Pt(14)
    blocks = tuple(levelled(document.blocks))
    listed = frozenset(listed_in(blocks))
    headings = [(place, block) for place, block in enumerate(blocks) if isinstance(block, Heading) and block.level <= 2 and block.anchor in listed]
    contents(word, [(place, block.level, short(block.text).replace("\n", " ")) for place, block in headings])
    word.add_paragraph().add_run().add_break(WD_BREAK.PAGE)


@singledispatch
def to_docx(block: Block, word: Word, language: str, place: int) -> None:  # noqa: ARG001  (a table of functions has one signature)
    """Write a block at the end of the document."""
    raise EquiscoreError(f"No DOCX for {type(block).__name__}. Fix: register one beside the others in this file.")


@to_docx.register
def _(block: Heading, word: Word, language: str, place: int) -> None:
    line = word.add_heading(_text(block.text.strip(), language, _TITLE).replace("\n", " ") or "–", block.level)
    line.paragraph_format.page_break_before = block.new_page or None
    line._p.insert(1, element("w:bookmarkStart", **{"w:id": str(place), "w:name": bookmark(place)}))  # noqa: SLF001
    line._p.append(element("w:bookmarkEnd", **{"w:id": str(place)}))  # noqa: SLF001


@to_docx.register
def _(block: Paragraph, word: Word, language: str, place: int) -> None:  # noqa: ARG001
    word.add_paragraph(_text(block.text, language))


@to_docx.register
def _(block: Bullets, word: Word, language: str, place: int) -> None:  # noqa: ARG001
    for item in block.items:
        _styled(word, _text(item, language), "ListBullet")


@to_docx.register
def _(block: KeyValues, word: Word, language: str, place: int) -> None:  # noqa: ARG001
    _pairs(word, tuple((_text(name, language, _TITLE), _text(value, language)) for name, value in block.items))


def _styled(word: Word, text: str, style: str) -> Any:
    """Add a paragraph whose style is named by its id: by its name python-docx reads every style again."""
    line: Any = word.add_paragraph(text)
    line._p.style = style  # noqa: SLF001
    return line


def _pairs(word: Word, items: tuple[tuple[str, str], ...]) -> None:
    if not items:
        return
    table = _table(word, len(items), (0.3 * ROOM, 0.7 * ROOM))
    for row, (name, value) in zip(table.rows, items, strict=True):
        _put(row.cells[0], name, bold=True)
        _put(row.cells[1], value)
        _ruled(row)
    _styled(word, "", "Dossiernote")


def _table(word: Word, rows: int, widths: tuple[float, ...]) -> Any:
    """Add a table of fixed widths."""
    table: Any = word.add_table(rows, len(widths))
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.LEFT, False
    for column, width in zip(table._tbl.tblGrid.findall(qn("w:gridCol")), widths, strict=True):  # noqa: SLF001
        column.set(qn("w:w"), str(round(width * 20)))
    for cell, width in zip(table._cells, widths * rows, strict=True):  # noqa: SLF001  (rows[i].cells is quadratic)
        cell.width = Pt(width)
    return table


def _put(cell: Any, text: str, *, bold: bool = False, right: bool = False) -> Any:
    line = cell.paragraphs[0]
    line._p.style = "Dossiercell"  # noqa: SLF001  (by its id, as in `_styled`)
    line.add_run(text).bold = bold or None
    if right:
        line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    return line


def _ruled(row: Any, *, head: bool = False, rule: bool = True) -> None:
    """Draw the rule below a row, which is not divided between pages; a head row stands again on each page."""
    held = row._tr.get_or_add_trPr()  # noqa: SLF001
    held.append(element("w:cantSplit"))
    if head:
        held.append(element("w:tblHeader"))
    for cell in row._tr.tc_lst if rule else ():  # noqa: SLF001
        borders = element("w:tcBorders")
        for edge in ("top", "bottom") if head else ("bottom",):
            look = {"w:val": "single", "w:sz": "8" if head else "4", "w:space": "0", "w:color": "23211E" if head else "CFC9BF"}
            borders.append(element(f"w:{edge}", **look))
        cell.get_or_add_tcPr().append(borders)


@to_docx.register
def _(block: TableBlock, word: Word, language: str, place: int) -> None:  # noqa: ARG001
    if not block.columns:
        return
    for layout in printed.laid_out(block, language, ROOM):
        _styled(word, _text(layout.block.caption, language, _TITLE), "Caption")
        _fill(word, layout, language)
        _styled(word, _text(layout.block.note, language), "Dossiernote")


def _fill(word: Word, layout: printed.Layout, language: str) -> None:
    """Write the head row, and the parts with their rows."""
    block = layout.block
    lines: list[Callable[[Any], None]] = [partial(_head, block=block, language=language)]
    for section, rows in block.parts:
        lines += [partial(_spanning, text=_text(section, language, printed.MOST_IN_HEAD), bold=True)] if section else []
        for row in rows:
            lines.append(partial(_cells, told=row, block=block, language=language))
            lines += [partial(_spanning, text=_text(row.remark, language, printed.MOST_IN_CELL), bold=False)] if row.remark else []
    table = _table(word, len(lines), layout.widths)
    for line, write in zip(table.rows, lines, strict=True):
        write(line)


def _head(row: Any, block: TableBlock, language: str) -> None:
    for cell, column in zip(row.cells, block.columns, strict=True):
        _put(cell, _text(column.title, language, printed.MOST_IN_HEAD), bold=True, right=column.align == "right")
    _ruled(row, head=True)


def _spanning(row: Any, text: str, *, bold: bool) -> None:
    """Write one cell across a row; python-docx's `merge` would walk the whole table for each."""
    first, *others = row._tr.tc_lst  # noqa: SLF001
    if others:
        first.grid_span, first.width = 1 + len(others), sum(cell.width for cell in (first, *others))
    for cell in others:
        row._tr.remove(cell)  # noqa: SLF001
    line = _put(row.cells[0], text, bold=bold)
    line.paragraph_format.keep_with_next = bold or None
    _ruled(row)


def _cells(row: Any, told: Row, block: TableBlock, language: str) -> None:
    """Write the cells of a row, which stays with its remark."""
    for cell, held, column in zip(row.cells, told.cells, block.columns, strict=True):
        line = _put(cell, "", right=column.align == "right")
        _said(line, held, column.kind, language)
        line.paragraph_format.keep_with_next = bool(told.remark) or None
    _ruled(row, rule=not told.remark)


def _said(line: Any, held: DocumentCell, kind: str, language: str) -> None:
    """Write a cell: a verdict with its mark, an estimate above its interval."""
    if isinstance(held, Verdict):
        _marked(line, held, language)
        return
    text = written(held, kind, language)
    value, *below = (text,) if isinstance(held, str) else printed.stacked(text)
    line.add_run(_text(value, language, printed.MOST_IN_CELL))
    for one in below:
        line.add_run().add_break()
        line.add_run(one.replace(" ", "\u00a0")).font.color.rgb = QUIET


def _marked(line: Any, verdict: Verdict, language: str) -> None:
    mark = MARKS[verdict]
    line.add_run(f"{mark.symbol}\u00a0").font.color.rgb = RGBColor.from_string(mark.colour.removeprefix("#"))
    line.add_run(say(f"verdict.{verdict.value}", language))


@to_docx.register
def _(block: Figure, word: Word, language: str, place: int) -> None:  # noqa: ARG001
    for figure in figures_of(block, language):
        width = min(figure.width, ROOM)
        line = word.add_paragraph()
        line.paragraph_format.keep_with_next = True
        shape = line.add_run().add_picture(io.BytesIO(_png(figure.svg)), width=Pt(width))
        shape._inline.docPr.set("descr", figure.alternative)  # noqa: SLF001  (python-docx has no way to give it)
        below = _styled(word, figure.caption.replace("\u200b", ""), "Caption")
        below.paragraph_format.keep_with_next = False


@cache
def _png(svg: str) -> bytes:
    """Draw a figure in print quality: what every word processor shows."""
    return bytes(typst.compile(_DRAWING, font_paths=typefaces(), ignore_system_fonts=True, sys_inputs={"svg": svg}, format="png", ppi=_PPI))


_PPI: Final = 260.0
_DRAWING: Final = b"""#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg", width: 538pt)"""


@to_docx.register
def _(block: Callout, word: Word, language: str, place: int) -> None:  # noqa: ARG001
    line = _boxed(word.add_paragraph(), missing=block.missing)
    line.add_run(_text(block.title, language, _TITLE)).bold = True
    line.paragraph_format.keep_with_next, line.paragraph_format.space_after = True, Pt(0)
    for item in block.items:
        _boxed(_styled(word, _text(item, language), "ListBullet"), missing=block.missing)
    _styled(word, "", "Dossiernote")


def _boxed(line: Any, *, missing: bool) -> Any:
    """Shade a paragraph and rule its side, dashed where something is missing: paragraphs, since a table of one cell is read as a table."""
    look = {"w:val": "dashed" if missing else "single", "w:sz": "24", "w:space": "8", "w:color": "A8480F" if missing else "23211E"}
    borders = element("w:pBdr")
    borders.append(element("w:left", **look))
    properties_ = line._p.get_or_add_pPr()  # noqa: SLF001
    properties_.append(borders)
    properties_.append(element("w:shd", **{"w:val": "clear", "w:color": "auto", "w:fill": "F5F2EC"}))
    return line


@to_docx.register
def _(block: Findings, word: Word, language: str, place: int) -> None:  # noqa: ARG001
    for one in block.items:
        head = word.add_paragraph()
        head.paragraph_format.keep_with_next, head.paragraph_format.space_after = True, Pt(0)
        _marked(head, one.verdict, language)
        for run in head.runs:
            run.bold = True
        text = word.add_paragraph(_text(one.text, language))
        head.paragraph_format.left_indent = text.paragraph_format.left_indent = Mm(4)


@to_docx.register
def _(block: Code, word: Word, language: str, place: int) -> None:  # noqa: ARG001
    word.add_paragraph(_text(block.text, language), style="Dossier code")
