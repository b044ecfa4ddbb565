"""The PDF keeps its claims, carries the evidence, breaks on no text, and is the same bytes for the same study."""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
from datetime import date

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.dossier.compose import compose
from scoring.dossier.document import Column, Document, Figure, Heading, Paragraph, Row, TableBlock
from scoring.dossier.evidence import evidence_of
from scoring.dossier.formats import printed
from scoring.dossier.formats.pdf import pdf, sliced, to_typst, typeset
from scoring.errors import EquiscoreError
from scoring.texts import say
from tests.dossier.hostile import MEGABYTE, SVG, TEXTS, document_of, wide
from tests.dossier.once import composed

DAY = date(2026, 11, 1)


@pytest.fixture(scope="module", params=["en", "fr"])
def language(request):
    return request.param


@pytest.fixture(scope="module")
def evidence(credit_study):
    return evidence_of(credit_study)


@pytest.fixture(scope="module")
def made(credit_study, evidence, language):
    return typeset(composed(credit_study, language), evidence=evidence, day=DAY, digest="ab" * 32)


def opened(content):
    return pikepdf.open(io.BytesIO(content))


def drawn_text(document, **given_):
    """Return what typst was handed to draw, all of it."""
    return [made for block in document.blocks for made in to_typst(block, document.language)]


def test_it_claims_what_it_keeps(made, language):
    content, warnings = made
    assert warnings == ()
    with opened(content) as read:
        claims = read.open_metadata()
        assert (claims["pdfaid:part"], claims["pdfaid:conformance"], claims["pdfuaid:part"]) == ("3", "A", "1")
        assert str(read.Root.Lang) == language
        assert read.Root.MarkInfo.Marked
        assert read.Root.ViewerPreferences.DisplayDocTitle
        assert "/StructTreeRoot" in read.Root
        assert read.Root.Outlines.Count


def test_the_evidence_comes_out_byte_for_byte(made, evidence):
    with opened(made[0]) as read:
        (attached,) = read.Root.AF
        assert str(attached.AFRelationship) == "/Data"
        assert list(read.attachments) == ["evidence.json"]
        assert read.attachments["evidence.json"].get_file().read_bytes() == evidence


@pytest.mark.skipif(shutil.which("pdfdetach") is None, reason="poppler is not installed")
def test_another_program_detaches_the_same_bytes(made, evidence, tmp_path):
    (tmp_path / "dossier.pdf").write_bytes(made[0])
    subprocess.run(["pdfdetach", "-save", "1", "-o", "out.json", "dossier.pdf"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "out.json").read_bytes() == evidence


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
def test_another_program_finds_no_fault(made, tmp_path):
    (tmp_path / "dossier.pdf").write_bytes(made[0])
    assert subprocess.run(["qpdf", "--check", "dossier.pdf"], cwd=tmp_path, check=False, capture_output=True).returncode == 0


def test_it_ends_with_a_line_end_so_that_a_signed_file_stays_pdf_a(made):
    assert made[0].endswith(b"%%EOF\n")


def test_its_date_is_the_studys_and_not_the_clocks(made):
    with opened(made[0]) as read:
        assert str(read.docinfo.get("/CreationDate", read.docinfo.get("/ModDate"))).startswith("D:20261101")


def test_every_typeface_is_inside_and_no_other_than_ours(made):
    with opened(made[0]) as read:
        fonts = [one for one in read.objects if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor"]
        assert fonts
        assert all({"/FontFile2", "/FontFile3"} & set(font.keys()) for font in fonts)
        assert {str(font.FontName).partition("+")[2].partition("-")[0] for font in fonts} <= {"LibertinusSerif", "DejaVuSans", "DejaVuSansMono"}


def tagged(content, kind):
    with opened(content) as read:
        return [one for one in read.objects if isinstance(one, pikepdf.Dictionary) and one.get("/S") == f"/{kind}"]


def test_tables_have_head_cells_and_captions_and_figures_an_alternative(credit_study, evidence, language):
    document = composed(credit_study, language)
    with opened(pdf(document, evidence=evidence)) as read:
        tags = [one for one in read.objects if isinstance(one, pikepdf.Dictionary) and "/S" in one]
        kinds = [str(one.S) for one in tags]
        tables = [block for block in document.blocks if isinstance(block, TableBlock)]
        assert kinds.count("/Table") == len(tables) == kinds.count("/THead")
        assert kinds.count("/TH") >= sum(len(block.columns) for block in tables)
        alternatives = [str(one.Alt) for one in tags if one.S == "/Figure"]
    figures = [block for block in document.blocks if isinstance(block, Figure)]
    assert len(alternatives) == len(figures)
    for figure in figures:
        assert any(figure.alternative in said and all(line in said for line in figure.described) for said in alternatives)


_PROGRAM = """
import sys, hashlib, datetime, scoring
from scoring.dossier.compose import compose
from scoring.dossier.formats.pdf import pdf
from scoring.dossier.formats.docx import docx
document = compose(scoring.Study.load(sys.argv[1]), "fr")
day = datetime.date(2026, 11, 1)
print([hashlib.sha256(made).hexdigest() for made in (pdf(document, evidence=b"{}", day=day), docx(document, day=day))])
"""


@pytest.mark.slow
def test_the_bytes_depend_on_no_hash_seed_no_time_zone_and_no_clock(small_study, tmp_path):
    folder = small_study.save(tmp_path / "study")

    def told(seed, zone):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        return subprocess.run([sys.executable, "-c", _PROGRAM, str(folder)], env=environment, capture_output=True, text=True, check=True).stdout

    first = told("1", "UTC")
    assert first == told("77", "Pacific/Auckland")
    content = pdf(compose(scoring.Study.load(folder), "fr"), evidence=b"{}", day=DAY)
    assert hashlib.sha256(content).hexdigest() in first


def words_of(content, tmp_path):
    (tmp_path / "dossier.pdf").write_bytes(content)
    return (
        subprocess.run(["pdftotext", "-layout", "dossier.pdf", "-"], cwd=tmp_path, check=True, capture_output=True)
        .stdout.decode()
        .replace("\u202f", " ")
        .replace("\u200b", "")
    )


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
def test_every_page_bears_the_status_and_its_number(made, language, tmp_path):
    pages = words_of(made[0], tmp_path).split("\f")[:-1]
    assert len(pages) > 10
    for number, page in enumerate(pages, start=1):
        assert say("printed.draft", language).replace("\u202f", " ") in page
        assert say("printed.page", language, page=number, pages=len(pages)) in page


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
def test_no_heading_and_no_caption_stands_last_on_a_page(credit_study, language, tmp_path):
    document = composed(credit_study, language)
    heads = {block.text for block in document.blocks if isinstance(block, Heading)} | {
        b.caption for b in document.blocks if isinstance(b, TableBlock)
    }
    for page in words_of(pdf(document), tmp_path).split("\f")[1:-1]:
        lines = [line.strip() for line in page.splitlines() if line.strip()]
        assert lines[-2] not in {head.replace("\u202f", " ") for head in heads}


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_breaks_it_or_is_run(name, language):
    content, warnings = typeset(document_of(TEXTS[name], language), evidence=b"{}")
    assert warnings == ()
    with opened(content) as read:
        assert 2 <= len(read.pages) <= 60
        assert "/JavaScript" not in (read.Root.get("/Names") or {})
        assert not [one for one in read.objects if isinstance(one, pikepdf.Dictionary) and one.get("/S") in {"/URI", "/JavaScript", "/Launch"}]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("typst", '#eval("panic()")'), ("html", "<script>alert(1)</script>"), ("template", "{{ 7*7 }}"), ("shell", "$(touch /tmp/owned)"),
        ("right to left", "[U+202E]evil[U+202C]"), ("zero width", "a[U+200B]b[U+200C]c"), ("controls", "a[U+0000]b[U+0007]"),
        ("far east", "[U+4E2D][U+6587]"), ("formula", "=HYPERLINK("),
    ],
)  # fmt: skip
def test_a_text_is_shown_as_it_is_or_by_its_code_points(name, shown, tmp_path):
    assert shown in words_of(pdf(Document("t", "en", (Paragraph(TEXTS[name]),))), tmp_path)


def test_a_megabyte_in_every_field_is_cut_and_says_so():
    content, warnings = typeset(document_of(MEGABYTE[:1_000_000]))
    assert warnings == ()
    with opened(content) as read:
        assert len(read.pages) < 400
    (made,) = drawn_text(Document("t", "en", (Paragraph(MEGABYTE),)))
    assert made["text"].endswith(f"[cut here: {len(MEGABYTE):,} characters]")


def test_a_drawing_with_hostile_text_is_drawn():
    for text in ("\u4e2d\u6587", "\u0645\u0631\u062d\u0628\u0627", "a\u200bb\u202e", "\U0001f600"):
        assert typeset(document_of("x", "en", text))[1] == ()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=8))
def test_any_text_can_be_printed(texts):
    blocks = tuple(Paragraph(text) for text in texts)
    table = TableBlock("t", (Column("a"), Column("b", "count")), tuple(Row((text, 1), text) for text in texts))
    assert typeset(Document(texts[0], "fr", (*blocks, Heading(2, texts[0], "h"), table)))[1] == ()


def test_every_character_that_is_said_to_be_drawn_is_drawn():
    text = " ".join(sorted(one for one in printed.drawn() if printed.visible(one, printed.drawn()) == one))
    assert len(text) > 10_000
    blocks = tuple(Paragraph(text[start : start + 10_000]) for start in range(0, len(text), 10_000))
    assert typeset(Document("t", "en", (*blocks, Heading(2, text[:250], "h"))))[1] == ()


def test_a_table_too_wide_for_a_page_goes_on_in_several_with_its_first_column():
    tables = drawn_text(Document("t", "en", (wide(40),)))
    assert len(tables) > 1
    assert all(table["columns"][0]["title"] == "Group" for table in tables)
    assert sum(len(table["columns"]) - 1 for table in tables) == 40
    assert [bool(table["note"]) for table in tables] == [False] * (len(tables) - 1) + [True]
    assert all(sum(column["width"] for column in table["columns"]) <= 493.1 for table in tables)
    assert tables[0]["caption"] == f"Table 1. Wide (1/{len(tables)})"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.sampled_from("aWm é_中"), max_size=80), min_size=1, max_size=12), st.sampled_from(["text", "count", "ratio"]))
def test_a_table_is_never_wider_than_its_page_and_keeps_every_column(titles, kind):
    block = TableBlock("t", tuple(Column(title, kind) for title in titles), (Row(tuple(titles)), Row((1,) * len(titles))))
    layouts = printed.laid_out(block, "fr", 493.0)
    assert all(sum(layout.widths) <= 493.01 and min(layout.widths) > 0 for layout in layouts)
    kept = [column.title for place, layout in enumerate(layouts) for column in layout.block.columns[place > 0 :]]
    assert kept == titles


def test_a_tall_drawing_is_whole_where_it_can_be_read_and_goes_on_where_it_cannot():
    def height(tall):
        return sliced(SVG.replace("604.8 208.8", f"604.8 {tall}"))

    assert [len(height(tall)) for tall in (200, 880, 1_400, 5_000)] == [1, 1, 2, 7]
    tops = [float(re.search(r'viewBox="0 ([\d.]+)', svg)[1]) for svg, _ in height(5_000)]
    ends = [float(re.search(r'viewBox="0 [\d.]+ [\d.]+ ([\d.]+)', svg)[1]) + top for (svg, _), top in zip(height(5_000), tops, strict=True)]
    assert ends[-1] == pytest.approx(5_000, abs=0.1)
    assert all(end > start for end, start in zip(ends, tops[1:], strict=False))


def test_french_pages_have_french_words_of_their_own(credit_study):
    facts = {say(f"printed.{key}", "fr") for key in ("draft", "status", "as_of", "digest", "attached", "contents", "untitled", "no_day", "no_digest")}
    assert not facts & {say(f"printed.{key}", "en") for key in ("draft", "status", "as_of", "digest", "attached", "contents", "untitled")}
    assert "Projet\u202f: ni revu, ni signé" in facts


def test_a_status_that_is_given_stands_on_the_first_page():
    assert pdf(Document("t", "en", ()), status="Reviewed") != pdf(Document("t", "en", ()))


def test_what_typst_refuses_is_an_error_with_a_fix():
    with pytest.raises(EquiscoreError, match="Fix:"):
        pdf(Document("t", "en", (Figure("<svg", "c", "a"),)))
