"""The same blocks in every format; nothing from data becomes markup, formula or script; the same bytes for the same study."""

import io
import math
import re
import zipfile
from html.parser import HTMLParser

import openpyxl
import pytest

import scoring
from scoring.dossier import FORMATS, render, write_dossier
from scoring.dossier.document import Block, Code, Figure, Findings, Heading, Paragraph, TableBlock
from scoring.dossier.formats.html import to_html
from scoring.dossier.formats.markdown import escaped, to_markdown
from scoring.errors import EquiscoreError
from tests.dossier.once import Files, composed, written

TINY = "Île Minuscule"
VOID = {"meta", "br", "path", "use", "rect", "link", "img", "input", "hr"}

OF_A_DECLARATION = {"pia", "zip"}
"""Formats that need a declared activity."""


class Page(HTMLParser):
    """A reader of HTML that keeps what a test asks about, and that every element is closed."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.open, self.ids, self.text, self.faults = [], [], [], [], []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.faults.append((tag, self.open[-3:]))
        else:
            self.open.pop()

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module", params=["en", "fr"])
def language(request):
    return request.param


@pytest.fixture(scope="module", params=["credit_study", "small_study", "hostile_study"])
def any_study(request):
    return request.getfixturevalue(request.param)


def page(study, language):
    return Page(written(study, language, "html").decode())


def sheets(study, language):
    return openpyxl.load_workbook(io.BytesIO(written(study, language, "xlsx")))


def test_the_page_is_well_formed(any_study, language):
    read = page(any_study, language)
    assert not read.faults
    assert not read.open
    assert len(read.ids) == len(set(read.ids))
    assert read.all("html")[0]["lang"] == language
    assert len(read.all("main")) == len(read.all("h1")) == 1
    assert {attrs["href"].removeprefix("#") for attrs in read.all("a")} <= set(read.ids)


def test_the_page_stands_alone(any_study, language):
    content = written(any_study, language, "html").decode()
    read = Page(content)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in read.tags}
    values = [(name, str(value)) for _, attrs in read.tags for name, value in attrs.items()]
    assert not [pair for pair in values if pair[0].startswith("on")]
    assert all(value.startswith("#") for name, value in values if name in {"href", "src", "xlink:href", "action", "srcset", "data"})
    assert not re.search(r"@import|url\((?!#)", content)
    assert "default-src 'none'" in content


def test_drawings_have_a_role_a_name_and_words(credit_study, language):
    read = page(credit_study, language)
    figures = [block for block in composed(credit_study, language).blocks if isinstance(block, Figure)]
    drawn = read.all("svg")
    assert len(drawn) == len(figures) >= 3
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 20 for attrs in drawn)
    assert all(figure.described for figure in figures)


def test_tables_have_captions_and_scopes(any_study, language):
    read = page(any_study, language)
    assert len(read.all("table")) == len(read.all("caption"))
    assert all(attrs.get("scope") in {"col", "row", "rowgroup"} for attrs in read.all("th"))


def test_both_formats_tell_every_block(any_study, language):
    document = composed(any_study, language)
    text = " ".join("".join(page(any_study, language).text).split())
    markdown = written(any_study, language, "md").decode()
    for words in (word for block in document.blocks for word in _words(block)):
        assert " ".join(words.split()) in text, words
        assert escaped(words) in markdown, words


def _words(block):
    if isinstance(block, Heading | Paragraph):
        return [block.text]
    if isinstance(block, Findings):
        return [one.text for one in block.items]
    return [block.caption] if isinstance(block, TableBlock | Figure) else []


def test_markup_from_data_is_text(hostile_study, language):
    content = written(hostile_study, language, "html").decode()
    assert "<script" not in content
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content
    assert "{{ 7*7 }} ]]&gt;" in content
    markdown = written(hostile_study, language, "md").decode()
    assert "<script" not in markdown
    assert "&lt;script&gt;" in markdown
    rows = [line for line in markdown.splitlines() if "1\\|2" in line and line.startswith("|")]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", rows[0])) for line in rows[:1])


def test_a_formula_from_data_is_text(hostile_study, language):
    cells = [cell for sheet in sheets(hostile_study, language) for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    dangerous = [cell for cell in cells if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@"))]
    assert any("HYPERLINK" in cell.value for cell in dangerous)
    assert all(cell.quotePrefix for cell in dangerous)


def test_the_workbook_holds_every_published_row_with_numbers_as_numbers(any_study, language):
    held = sheets(any_study, language)
    judged = any_study.published().judged()
    verdicts = held["Verdicts"]
    assert verdicts.max_row == len(judged) + 1
    titles = [cell.value for cell in verdicts[1]]
    place = titles.index("Ratio" if language == "en" else "Rapport")
    got = [row[place].value for row in verdicts.iter_rows(min_row=2)]
    wanted = [None if math.isnan(ratio) else "∞" if math.isinf(ratio) else ratio for ratio in judged["ratio"]]
    assert got == pytest.approx(wanted)


def test_the_workbook_says_first_what_it_is(any_study, language):
    first = sheets(any_study, language).worksheets[0]
    said = " ".join(str(row[1].value) for row in first.iter_rows())
    assert ("US employment guideline" if language == "en" else "ligne directrice américaine") in said


def test_a_group_of_three_has_no_row_in_the_workbook(small_study, language):
    for sheet in sheets(small_study, language):
        for row in sheet.iter_rows(min_row=2):
            values = [str(cell.value) for cell in row]
            assert TINY not in values, sheet.title
            assert not any(
                TINY in value for value in values[:-2] if "(small groups)" not in values and "(petits groupes)" not in values
            ) or " + " in " ".join(values)


@pytest.fixture(scope="module")
def again(small_study):
    """Return the files of a second composition."""
    return Files(small_study, None)


@pytest.mark.parametrize("format_", sorted(set(FORMATS) - OF_A_DECLARATION))
def test_the_same_study_gives_the_same_bytes(small_study, hostile_study, again, format_):
    assert again["fr", format_] == written(small_study, "fr", format_)
    assert render(hostile_study, "fr", format_) == written(hostile_study, "fr", format_)


@pytest.mark.parametrize("format_", sorted(OF_A_DECLARATION))
def test_what_only_a_declared_activity_has_is_refused_to_an_audit_with_a_fix(small_study, credit_study, tmp_path, format_):
    with pytest.raises(EquiscoreError, match="Fix: "):
        render(small_study, "fr", format_)
    credit_study.save(tmp_path / "study")
    saved = scoring.Study.load(tmp_path / "study")
    assert render(saved, "fr", format_) == render(saved, "fr", format_)


def test_the_workbook_bears_no_time(small_study):
    with zipfile.ZipFile(io.BytesIO(written(small_study, "en", "xlsx"))) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2000, 1, 1, 0, 0, 0)}


def test_an_unknown_format_names_the_known_ones(small_study):
    with pytest.raises(EquiscoreError, match=r"Fix: .*html, md, xlsx, pdf, docx, pia, zip"):
        render(small_study, "en", "htlm")
    with pytest.raises(EquiscoreError, match="Fix: use one of en, fr"):
        render(small_study, "de", "html")


@pytest.mark.parametrize("reader", [to_html, to_markdown])
def test_a_block_that_a_format_does_not_know_is_a_fault_with_a_fix(reader):
    with pytest.raises(EquiscoreError, match="Fix: "):
        reader(object(), "en")


@pytest.mark.parametrize("reader", [to_html, to_markdown])
def test_every_block_has_a_reader_in_each_format(reader):
    assert set(Block.__args__) <= set(reader.registry)


def test_code_is_fenced_by_more_than_it_holds():
    assert to_markdown(Code("a ``` b"), "en").startswith("````\n")


def test_a_dossier_is_written_whole(hostile_study, tmp_path):
    out = write_dossier(hostile_study, language="fr", format="md", out=tmp_path / "deep" / "d.md")
    assert out.read_bytes() == written(hostile_study, "fr", "md")
    assert [path.name for path in out.parent.iterdir()] == ["d.md"]


def test_the_page_leads_to_its_contents_and_marks_what_is_missing(credit_study):
    page = written(credit_study, "fr", "html").decode()
    anchors = re.findall(r'<nav id="contents".*?</nav>', page, re.DOTALL)[0].count("<li>")
    assert anchors == len(composed(credit_study, "fr").sections) == 20
    assert '<a class="to-contents" href="#contents">' in page
    assert '<aside class="callout missing" aria-label="Manquant">' in page
    assert "<h4" in page
