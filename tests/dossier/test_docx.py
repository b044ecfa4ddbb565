"""The DOCX has real styles, headings, head rows and alternatives; it breaks on no text and has no clock."""

import io
import zipfile
from datetime import date

import docx as python_docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from scoring.dossier.document import Callout, Document, Figure, Heading, Paragraph, TableBlock
from scoring.dossier.formats.docx import docx
from scoring.dossier.formats.pdf import levelled, listed_in
from scoring.texts import say
from tests.dossier.hostile import MEGABYTE, TEXTS, document_of, wide
from tests.dossier.once import composed as compose

DAY = date(2026, 11, 1)


@pytest.fixture(scope="module", params=["en", "fr"])
def language(request):
    return request.param


@pytest.fixture(scope="module")
def composed(credit_study, language):
    return compose(credit_study, language)


@pytest.fixture(scope="module")
def made(composed):
    return docx(composed, day=DAY, digest="ab" * 32)


def opened(content):
    return python_docx.Document(io.BytesIO(content))


def words(content):
    return "\n".join(part.text or "" for part in opened(content).element.body.iter(qn("w:t")))


def test_every_part_is_well_formed_and_bears_no_time(made):
    with zipfile.ZipFile(io.BytesIO(made)) as read:
        assert read.testzip() is None
        assert {one.date_time for one in read.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        assert read.namelist()[0] == "[Content_Types].xml"
        for name in read.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(read.read(name))


def test_headings_are_headings_with_their_levels(made, composed):
    told = [(line.style.name, line.text) for line in opened(made).paragraphs if line.style.name.startswith("Heading")]
    assert told == [(f"Heading {block.level - 1}", block.text) for block in composed.blocks if isinstance(block, Heading)]


def test_the_contents_are_a_field_that_leads_to_each_heading(made, composed):
    body = opened(made).element.body
    assert any("TOC" in one.text for one in body.iter(qn("w:instrText")))
    targets = [one.get(qn("w:anchor")) for one in body.iter(qn("w:hyperlink"))]
    assert len(targets) == len(list(listed_in(tuple(levelled(composed.blocks)))))
    assert set(targets) <= {one.get(qn("w:name")) for one in body.iter(qn("w:bookmarkStart"))}
    kinds = [one.get(qn("w:fldCharType")) for one in body.iter(qn("w:fldChar"))]
    assert kinds == ["begin", "separate", "end"]


def test_each_table_has_a_head_row_that_stands_again_and_a_caption(made, composed):
    body = opened(made).element.body
    tables = [block for block in composed.blocks if isinstance(block, TableBlock)]
    assert len(list(body.iter(qn("w:tblHeader")))) == len(tables)
    captions = [line.text for line in opened(made).paragraphs if line.style.name == "Caption"]
    assert captions == [block.caption for block in composed.blocks if isinstance(block, TableBlock | Figure)]


def test_each_drawing_has_its_alternative(made, composed):
    figures = [block for block in composed.blocks if isinstance(block, Figure)]
    said = [one.get("descr") for one in opened(made).element.body.iter(qn("wp:docPr"))]
    assert len(said) == len(figures)
    for figure, alternative in zip(figures, said, strict=True):
        assert figure.alternative in alternative
        assert all(line in alternative for line in figure.described)


def test_language_title_and_dates_are_the_studys(made, composed, language):
    read = opened(made)
    assert read.core_properties.title == composed.title
    assert read.core_properties.created.date() == read.core_properties.modified.date() == DAY
    languages = {one.get(qn("w:val")) for one in read.styles.element.iter(qn("w:lang"))}
    assert languages == {"en-GB" if language == "en" else "fr-FR"}
    assert say("printed.draft", language) in read.sections[0].header.paragraphs[0].text


def test_the_same_study_is_the_same_bytes(composed, made):
    assert docx(composed, day=DAY, digest="ab" * 32) == made


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_breaks_it_or_is_run(name, language):
    content = docx(document_of(TEXTS[name], language))
    with zipfile.ZipFile(io.BytesIO(content)) as read:
        assert not [one for one in read.namelist() if "vba" in one.lower()]
        assert b'TargetMode="External"' not in b"".join(read.read(one) for one in read.namelist() if one.endswith(".rels"))
    fields = {one.text.split()[0] for one in opened(content).element.body.iter(qn("w:instrText"))}
    assert fields == {"TOC"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("html", "<script>alert(1)</script>"), ("right to left", "[U+202E]evil"), ("controls", "a[U+0000]b"),
        ("template", "{{ 7*7 }}"), ("arabic", "\u0645\u0631\u062d\u0628\u0627"),
    ],
)  # fmt: skip
def test_a_text_is_shown_as_it_is_or_by_its_code_points(name, shown):
    assert shown in words(docx(Document("t", "en", (Paragraph(TEXTS[name]),))))


def test_a_megabyte_is_cut_and_says_so():
    assert f"[cut here: {len(MEGABYTE):,} characters]" in words(docx(document_of(MEGABYTE)))


def test_a_table_too_wide_for_a_page_goes_on_in_several():
    assert len(opened(docx(Document("t", "fr", (wide(40),)))).tables) > 2


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_written(text):
    read = opened(docx(Document("t", "fr", (Paragraph(text), Heading(2, text, "h")))))
    assert read.paragraphs


def test_what_is_missing_stands_in_ruled_paragraphs_and_not_in_a_table():
    content = docx(Document("t", "fr", (Callout("Manquant", ("ceci", "cela"), missing=True),)))
    lines = [line for line in opened(content).paragraphs if line._p.pPr is not None and line._p.pPr.find(qn("w:pBdr")) is not None]
    assert [line.text for line in lines] == ["Manquant", "ceci", "cela"]
    assert {line._p.pPr.find(qn("w:pBdr"))[0].get(qn("w:val")) for line in lines} == {"dashed"}
    assert not any("ceci" in cell.text for table in opened(content).tables for cell in table._cells)
