"""What a DOCX file has around its blocks: styles, properties, running head, fields, contents, and an archive without a time."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from docx.document import Document as Word
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from scoring.texts import say

ROOM: Final = 482.0
"""Width of the text in points: A4 less 20 mm on each side."""
QUIET: Final = RGBColor(0x5B, 0x56, 0x4F)
_NO_DAY: Final = date(2000, 1, 1)
_EPOCH: Final = (2000, 1, 1, 0, 0, 0)
_LANGUAGES: Final = {"en": "en-GB", "fr": "fr-FR"}
_STYLES: Final = {"kicker": (9.0, True), "subtitle": (13.0, False), "note": (8.5, False), "cell": (8.5, False), "code": (8.5, False)}


def styled(word: Word, language: str) -> None:
    """Set type, language and styles; a word processor's own typefaces, since none can be relied on to be there but its own."""
    normal: Any = word.styles["Normal"]
    normal.font.name, normal.font.size = "Cambria", Pt(10.5)
    normal.paragraph_format.space_after = Pt(6)
    fonts = normal.element.get_or_add_rPr()
    fonts.append(element("w:lang", **{"w:val": _LANGUAGES[language], "w:eastAsia": _LANGUAGES[language], "w:bidi": "ar-SA"}))
    for found in word.styles.element.iter(qn("w:lang")):
        found.set(qn("w:val"), _LANGUAGES[language])
    for level, size in ((1, 16), (2, 12.5), (3, 11)):
        _plain_style(word.styles[f"Heading {level}"], size, bold=True)
    _plain_style(word.styles["Title"], 24, bold=True)
    _plain_style(word.styles["Caption"], 10, bold=True)
    word.styles["Caption"].paragraph_format.keep_with_next = True
    for name, (size, bold) in _STYLES.items():
        style: Any = word.styles.add_style(f"Dossier {name}", WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        style.font.size, style.font.bold = Pt(size), bold
    for name in ("Dossier kicker", "Dossier subtitle", "Dossier note"):
        word.styles[name].font.color.rgb = QUIET
    word.styles["Dossier cell"].paragraph_format.space_after = Pt(1)
    word.styles["Dossier code"].font.name = "Consolas"


def _plain_style(style: Any, size: float, *, bold: bool) -> None:
    """Set a style of the template in ink and in the type of the text."""
    style.font.name, style.font.size, style.font.bold, style.font.italic = "Cambria", Pt(size), bold, False
    style.font.color.rgb = RGBColor(0x23, 0x21, 0x1E)
    fonts = style.element.get_or_add_rPr().find(qn("w:rFonts"))
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)


def properties(word: Word, title: str, language: str, day: date | None) -> None:
    """Say what the file is; its dates are the study's day."""
    held = word.core_properties
    held.title, held.author, held.last_modified_by, held.comments, held.language = title[:255], "Equiscore", "Equiscore", "", _LANGUAGES[language]
    held.created = held.modified = datetime.combine(day or _NO_DAY, datetime.min.time(), UTC).replace(tzinfo=None)
    held.revision = 1


def paged(word: Word, title: str, status: str, language: str) -> None:
    """Set the page, its running head with the status, and its number."""
    section = word.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(20)
    section.top_margin = section.bottom_margin = Mm(23)
    for place, text in ((section.header, f"{title[:70]}\t{status}"), (section.footer, "\t")):
        line = place.paragraphs[0]
        line.style = word.styles["Dossier note"]
        line.paragraph_format.tab_stops.add_tab_stop(Pt(ROOM), WD_TAB_ALIGNMENT.RIGHT)
        line.add_run(text)
    words = say("printed.page", language, page="\0", pages="\1")
    for piece in re.split("([\0\1])", words):
        if piece in {"\0", "\1"}:
            field(section.footer.paragraphs[0], "PAGE" if piece == "\0" else "NUMPAGES", "1")
        else:
            section.footer.paragraphs[0].add_run(piece)


def element(name: str, **attributes: str) -> Any:
    """Return an element of the file's own XML."""
    made = OxmlElement(name)
    for key, value in attributes.items():
        made.set(qn(key) if key.startswith("w:") else key, value)
    return made


def _instruction(code: str) -> Any:
    made = element("w:instrText")
    made.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    made.text = f" {code} "
    return made


def field(paragraph: Any, code: str, shown: str) -> None:
    """Write a field that the word processor works out, and what stands there until it does."""
    for made in (element("w:fldChar", **{"w:fldCharType": "begin"}), _instruction(code), element("w:fldChar", **{"w:fldCharType": "separate"})):
        paragraph.add_run()._r.append(made)  # noqa: SLF001
    paragraph.add_run(shown)
    paragraph.add_run()._r.append(element("w:fldChar", **{"w:fldCharType": "end"}))  # noqa: SLF001


def contents(word: Word, entries: Sequence[tuple[int, int, str]]) -> None:
    """Write the contents as a field, filled with links (place, level, text): the word processor adds the pages when it updates it."""
    lines = [word.add_paragraph() for _ in entries] or [word.add_paragraph()]
    for kind, code in (("begin", ""), ("", 'TOC \\o "1-2" \\h \\z \\u'), ("separate", "")):
        run = lines[0].add_run()._r  # noqa: SLF001
        run.append(element("w:fldChar", **{"w:fldCharType": kind}) if kind else _instruction(code))
    for line, (place, level, text) in zip(lines, entries, strict=False):
        line.paragraph_format.left_indent, line.paragraph_format.space_after = Mm(6 * (level - 1)), Pt(2)
        link = element("w:hyperlink", **{"w:anchor": bookmark(place), "w:history": "1"})
        link.append(line.add_run(text)._r)  # noqa: SLF001
        line._p.append(link)  # noqa: SLF001
    lines[-1].add_run()._r.append(element("w:fldChar", **{"w:fldCharType": "end"}))  # noqa: SLF001


def bookmark(place: int) -> str:
    """Return the name under which a heading is found."""
    return f"_Toc{place:08d}"


def timeless(word: Word) -> bytes:
    """Return the file without the time at which it was written, its parts in the order of their names."""
    held, target = io.BytesIO(), io.BytesIO()
    word.save(held)
    with zipfile.ZipFile(held) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            new.writestr(zipfile.ZipInfo(name, _EPOCH), old.read(name), zipfile.ZIP_DEFLATED)
    return target.getvalue()
