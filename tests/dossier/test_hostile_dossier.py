"""Words that try to be something else, in every free field of a declaration, of its data and of the register, in every format."""

import dataclasses
import io
import itertools
import json
import re
import shutil
import subprocess
import types
import typing
import unicodedata
import zipfile
from collections import Counter
from datetime import UTC, date, datetime
from enum import StrEnum
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pandas as pd
import pikepdf
import pytest
from docx import Document as WordFile
from markdown_it import MarkdownIt
from pydantic import BaseModel, ValidationError
from typer.testing import CliRunner

import scoring
from scoring.activity import Party
from scoring.assessment import Assessment, Measure
from scoring.commands.register import register_app
from scoring.dossier import render
from scoring.dossier.formats.printed import drawn, visible
from scoring.dossier.package import check_package
from scoring.register import add_activity, open_register
from scoring.register.art30 import records_of_processing
from scoring.texts.shown import plainly
from tests.dossier.hostile import TEXTS
from tests.dossier.once import Files

PLAIN = "plain words"
MARK = "Zq7"
FURTHER = {
    "comments": "// gone /* gone */ \\ \\\\ -- --- ... ~ << >> ' \" @cite(x) $ $x$ #[#strong[x]] #set page(width: 1pt) #let x = 1",
    "tab": "\t=1+1",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "minus": "-2+3+cmd|' /C calc'!A0",
    "links": "[click](javascript:alert(1)) ![i](http://evil.example/p.png) <http://evil.example> [a]: http://evil.example",
    "blocks": "# heading\n---\n> quote\n```\n1. one\n| a | b |\n|---|---|\n    code\n<div>",
    "format": "{0} {x!r} %s %(x)s {language} {name} {{name}} ${name} {0.__class__.__mro__}",
    "entities": "&lt;b&gt; &#60;script&#62; &#x202e; %3Cscript%3E \\u003cscript\\u003e",
    "ends": "\"' onmouseover=alert(1) x='\" </style></title></textarea><svg/onload=alert(1)>",
    "controls": "a\x00b\x07c\x1b[31md\x7fe\x85f\u2028g\ufffei\ue000j\U000e0041k",
}
HOSTILE = {name: text for name, text in {**TEXTS, **FURTHER}.items() if text}
MEGABYTE = "one long text \u0645 \u4e2d <b> " * 45_000
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
EACH = pytest.mark.parametrize("name", list(HOSTILE))
RECORDED = datetime(2026, 11, 22, 12, tzinfo=UTC)
_DAY = "2026-01-31"


class Filler:
    """Fills a model with hostile texts in turn wherever its annotations allow a free one: a new field is filled as it comes."""

    def __init__(self, texts):
        self.texts = itertools.cycle(texts)

    @property
    def text(self):
        return f"{next(self.texts)}{MARK}"

    def model(self, kind, *, leave=()):
        return {name: self.value(field.annotation) for name, field in kind.model_fields.items() if name not in leave}

    def value(self, kind):  # noqa: PLR0911  (a table of kinds)
        origin, inside = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Annotated, typing.Union, types.UnionType):
            return self.value(next(one for one in inside if one is not type(None)))
        if origin is typing.Literal:
            return inside[0]
        if origin is tuple:
            return [self.value(inside[0])]
        if origin is dict:
            named = isinstance(inside[0], type) and issubclass(inside[0], StrEnum)
            return {key: self.value(inside[1]) for key in (map(str, inside[0]) if named else [self.text.strip()])}
        if issubclass(kind, BaseModel):
            return self.model(kind)
        if issubclass(kind, StrEnum):
            return str(next(iter(kind)))
        return {bool: False, int: 2, date: "2027-01-31", float: 1.0}.get(kind, self.text)


def short(text):
    """Return a text as the name of a column: in one line, no NUL."""
    return " ".join(text.split()).replace("\x00", "")[:60] + MARK


def people(texts):
    """Return made people, 30 of each level and a few of none; levels, segments, values and names of columns are hostile."""
    rng = np.random.default_rng(3)
    level = np.repeat(np.arange(max(3, len(texts))), 30)
    words = np.array([f"{place} {texts[place % len(texts)]}{MARK}" if place else f"{texts[0]}{MARK}" for place in level], dtype=object)
    words[:12] = None
    n, last = len(words), texts[-1]
    likely = rng.random(n).round(3)
    return pd.DataFrame({
        f"c {short(texts[0])}": words, "other": rng.choice([f"{last}{MARK} u", f"{last}{MARK} v"], n),
        f"d {short(last)}": np.where(rng.random(n) < np.where(level == 1, 0.2, 0.8), f"yes {last}", f"no {last}"),
        "score": rng.integers(300, 700, n).astype(float), "repaid": rng.choice([1, 0], n, p=[0.8, 0.2]),
        "tier": rng.choice([f"s {last}{MARK}", f"t {last}{MARK}"], n), "seen": f"yes {last}",
        "limit": rng.gamma(2.0, 500.0, n).round(), "likely": likely, "unlikely": 1 - likely,
    })  # fmt: skip


def declaration(texts):
    """Return a whole declaration, as plain data, with hostile text wherever a free one may stand."""
    filler, last = Filler(texts), texts[-1]
    held, decided = f"c {short(texts[0])}", f"d {short(last)}"

    def both():
        return {"en": (words := filler.text), "fr": words}

    plan = {
        "as_of": "2026-11-01",
        "period": both(),
        "columns": {
            held: {"type": "text", "roles": "protected", "title": both(), "description": filler.text},
            "other": {"type": "text", "roles": ["protected", "stratum"]}, decided: {"type": "text", "roles": "decision", "title": both()},
            "score": {"type": "number", "roles": "score"}, "repaid": {"type": "integer", "roles": "outcome"},
            "tier": {"type": "text", "roles": "segment"}, "seen": {"type": "text"}, "limit": {"type": "number", "roles": "amount"},
            "likely": {"type": "number"}, "unlikely": {"type": "number"},
        },
        "groups": {held: {"column": held, "criterion": "sex", "title": both()}, "other": {"column": "other", "title": both()}},
        "decision": {"column": decided, "favourable": f"yes {last}", "title": both()},
        "outcome": {"column": "repaid", "favourable": 1},
        "score": {"column": "score"},
        "segments": {"column": "tier", "offers": {f"s {last}{MARK}": filler.text, f"t {last}{MARK}": None}, "version": filler.text},
        "funnel": [{"name": filler.text, "column": "seen", "passes": f"yes {last}", "title": both()}],
        "amounts": {filler.text.strip(): {"column": "limit", "title": both()}},
        "population": {held: {"shares": {f"1 {texts[1 % len(texts)]}{MARK}": 0.5, f"2 {texts[2 % len(texts)]}{MARK}": 0.5}, "source": filler.text}},
        "memberships": {
            f"m {filler.text}": {"probabilities": {f"p {filler.text}": "likely", "q": "unlikely"}, "source": filler.text, "title": both()}
        },
        "not_measured": [{"criterion": "origin", "why": both()}, {"criterion": "age", "why": filler.text}],
    }  # fmt: skip
    entry = filler.model(scoring.ProcessingActivity, leave=("study", "facts", "assessment", "review"))
    review = {"signers": [{"name": f"{filler.text} {role}", "role": role} for role in ("analyst", "model_reviewer", "dpo", "controller")]}
    assessment = filler.model(Assessment)
    assessment["measures"] = {filler.text.strip(): filler.model(Measure) for _ in texts}
    for risk in assessment["risks"].values():
        risk["measures"] = list(assessment["measures"])
    return {**entry, "assessment": assessment, "review": review, "study": plan}


def study_of(*texts):
    activity = scoring.ProcessingActivity.model_validate(declaration(texts))
    return dataclasses.replace(scoring.conduct_study(activity, people(texts)), digest="d" * 64)


def record_of(*texts):
    """Return what people recorded in the register, with hostile text in every field that is one."""
    filler = Filler(texts)
    named = ("by", "role", "text", "at", "what", "owner", "due", "done", "done_at", "closed_at", "decided", "party", "object", "to", "says", "when")
    more = ("name", "title", "version", "digest", "file_sha256", "reason", "people", "signed")

    def entry(**more_said):
        return dict(zip((*named, *more), iter(lambda: filler.text, None), strict=False)) | more_said

    kinds = ("contracts", "notices", "training", "incidents", "deviations", "actions", "studies", "signatures")
    answer = ("attribute", "group", "metric", "aim", "necessary", "appropriate", "alternatives", "measure", "owner", "due")
    return {name: [entry()] for name in kinds} | {
        "opinions": [entry(kind=kind, favourable=None) for kind in ("dpo", "persons", "authority")],
        "reviews": [entry(outcome=outcome) for outcome in ("approve", "reservations", "refuse")],
        "justifications": [dict(zip(answer, iter(lambda: filler.text, None), strict=False))],
        "answers": [entry(rule=rule, on=_DAY, applies=True, satisfied=False) for rule in ("EU-GDPR-22", "EU-AIA-4")],
        "trail_head": {"sequence": filler.text, "hash": filler.text},
        "pia": {
            "dpo": {"recorded_by": filler.text, "names": filler.text, "opinion": filler.text, "status": 0},
            "concerned_people": {"recorded_by": filler.text, "searched": False, "reason": filler.text},
        },
    }


# --- what no format may do -------------------------------------------------------------------------------------------------------

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\U000e0000-\U000e007f]")


class Page(HTMLParser):
    """The elements of a page with the names of their attributes, what it points to, its text."""

    def __init__(self):
        super().__init__()
        self.found, self.points, self.text = Counter(), [], []

    def handle_starttag(self, tag, attrs):
        self.found[(tag, tuple(sorted(name for name, _ in attrs if (tag, name) != ("path", "style"))))] += 1
        self.points += [value or "" for name, value in attrs if name in {"href", "src", "xlink:href", "action", "formaction", "data", "srcdoc"}]

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        self.found["comment", data] += 1

    def handle_pi(self, data):
        self.found["instruction", data] += 1

    def unknown_decl(self, data):
        self.found["declaration", data] += 1


def page_of(content):
    page = Page()
    page.feed(content.decode())
    page.close()
    return page


def squeezed(text):
    return re.sub(r"[\s\u200b\u00ad]", "", unicodedata.normalize("NFKC", text))


def has_html(content, plain):
    page, usual = page_of(content), page_of(plain)
    assert set(page.found) <= set(usual.found) | {("path", ())}  # a mark that combines has no outline of its own in a drawing
    assert all(point.startswith("#") for point in page.points)
    text = "".join(page.text)
    assert not STEERING.search(content.decode())
    assert text.count(MARK) >= "".join(usual.text).count(MARK) / 2
    return text


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def has_markdown(content, plain):
    def tokens(text):
        for token in MARKDOWN.parse(text):
            yield from (token, *(token.children or ()))

    kinds = {token.type for token in tokens(plain.decode())}
    found = list(tokens(content.decode()))
    assert {token.type for token in found} <= kinds | {"text_special"}
    assert not {"html_inline", "html_block", "link_open", "image", "code_block"} & {token.type for token in found}
    assert not STEERING.search(content.decode())
    return "".join(token.content for token in found if token.type in {"text", "text_special", "code_inline", "fence"})


def has_xlsx(content, plain):
    book, cells = openpyxl.load_workbook(io.BytesIO(content)), []
    assert len(book.sheetnames) == len(openpyxl.load_workbook(io.BytesIO(plain)).sheetnames)
    for cell in (cell for sheet in book for row in sheet.iter_rows() for cell in row):
        assert cell.data_type != "f"
        assert cell.hyperlink is None
        if isinstance(cell.value, str):
            assert cell.quotePrefix or not cell.value.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert not STEERING.search(cell.value)
            cells.append(cell.value)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if re.search("external|vba|connection|query", name, re.IGNORECASE)]
        assert all(ET.fromstring(archive.read(name)) is not None for name in archive.namelist() if name.endswith((".xml", ".rels")))
    return "".join(cells)


def pdf_words(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True, text=True).stdout


def has_pdf(content, path):
    path.write_bytes(content)
    with pikepdf.open(io.BytesIO(content)) as held:
        for thing in held.objects:
            if isinstance(thing, pikepdf.Dictionary):
                assert "/JS" not in thing
                assert thing.get("/S") not in {
                    pikepdf.Name(name) for name in ("/JavaScript", "/Launch", "/URI", "/SubmitForm", "/GoToR", "/ImportData")
                }
        assert len(held.pages) < 3_000
    if shutil.which("qpdf"):
        subprocess.run(["qpdf", "--check", path], capture_output=True, check=True)
    return pdf_words(path) if shutil.which("pdftotext") else None


def has_docx(content):
    held = WordFile(io.BytesIO(content))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if re.search("vba|embeddings|activeX", name)]
        parts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith((".xml", ".rels"))}
    assert all(ET.fromstring(part) is not None for part in parts.values())
    assert not [name for name, part in parts.items() if 'TargetMode="External"' in part]
    body = parts["word/document.xml"]
    told = re.findall(r"<w:instrText[^>]*>([^<]*)<", body)
    assert all(re.match(r"\s*(PAGE|NUMPAGES|TOC|PAGEREF|SEQ|REF)\b", one) for one in told), told
    assert not STEERING.search("".join(ET.fromstring(body).itertext()).replace("\u200b", ""))
    assert held.core_properties.title
    return "".join(ET.fromstring(body).itertext())


def has_pia(content):
    held = json.loads(content)
    for row in held["answers"]:
        page = page_of((row["data"]["text"] or "").encode())
        assert {tag for tag, _ in page.found} <= {"p", "ul", "li", "br", "strong"}
        assert not any(attributes for _, attributes in page.found)
    others = page_of(json.dumps([held["pia"], held["measures"], held["comments"]], ensure_ascii=False).encode())
    assert set(others.found) <= {("p", ()), ("ul", ()), ("li", ()), ("br", ()), ("strong", ())}
    assert not STEERING.search(content.decode())
    return content.decode()


def has_package(content):
    assert check_package(content) == []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if MARK in name or ".." in name or name.startswith("/")]
        for name in archive.namelist():
            if name.endswith(".json"):
                json.loads(archive.read(name))
            if name.endswith((".md", ".txt")):
                assert not STEERING.search(archive.read(name).decode())


def has_words(text, name):
    """Whether a text stands in what a reader sees, as it was written or with its marks; what is cut is there from its start."""
    told = squeezed(HOSTILE[name])[:40]
    shown = {told, squeezed(plainly(HOSTILE[name]))[:40], squeezed(visible(HOSTILE[name], drawn()))[:40], squeezed(visible(HOSTILE[name]))[:40]}
    return any(one in text for one in shown)


@pytest.fixture(scope="module")
def plain():
    """Return the dossier of harmless words: what elements it is made of."""
    return Files(study_of(PLAIN, PLAIN, PLAIN), record_of(PLAIN))


@pytest.fixture(scope="module")
def medley():
    """Return the dossier with every hostile text, each in some of the fields."""
    return Files(study_of(*HOSTILE.values()), record_of(*HOSTILE.values()))


def test_markup_is_text_on_a_page_a_sheet_and_in_the_file_of_the_authority(plain):
    """The quick one of those below."""
    texts = [HOSTILE[name] for name in ("html", "right to left", "formula")]
    made = Files(study_of(*texts), record_of(*texts))
    has_html(made["fr", "html"], plain["fr", "html"])
    has_xlsx(made["fr", "xlsx"], plain["fr", "xlsx"])
    has_pia(made["fr", "pia"])


@pytest.mark.slow
@LANGUAGES
def test_no_hostile_text_is_more_than_text_on_a_page_a_sheet_or_in_the_file_of_the_authority(medley, plain, language):
    text = squeezed(has_html(medley[language, "html"], plain[language, "html"]))
    assert [name for name in HOSTILE if not has_words(text, name)] == []
    text = squeezed(has_markdown(medley[language, "md"], plain[language, "md"]))
    assert [name for name in HOSTILE if not has_words(text, name)] == []
    assert MARK in has_xlsx(medley[language, "xlsx"], plain[language, "xlsx"])
    assert MARK in has_pia(medley[language, "pia"])


@pytest.mark.slow
@LANGUAGES
def test_no_hostile_text_is_more_than_text_on_paper(medley, language, tmp_path):
    text = has_pdf(medley[language, "pdf"], tmp_path / "dossier.pdf")
    if text is not None:
        assert [name for name in HOSTILE if name not in {"arabic", "lines", "combining"} and not has_words(squeezed(text), name)] == []
    text = squeezed(has_docx(medley[language, "docx"]))
    assert [name for name in HOSTILE if not has_words(text, name)] == []
    has_package(medley[language, "zip"])


@pytest.mark.slow
@EACH
def test_each_hostile_text_in_every_field_is_text_on_a_page_a_sheet_and_in_the_file_of_the_authority(plain, name):
    made = Files(study_of(HOSTILE[name]), record_of(HOSTILE[name]))
    has_html(made["fr", "html"], plain["fr", "html"])
    has_markdown(made["fr", "md"], plain["fr", "md"])
    has_xlsx(made["fr", "xlsx"], plain["fr", "xlsx"])
    has_pia(made["fr", "pia"])


@pytest.fixture(scope="module")
def long(credit_study):
    """Return the dossier with a text of a megabyte in the register entry, the assessment and the record."""
    document = {**credit_study.document, "name": MEGABYTE, "persons": [MEGABYTE]}
    document["assessment"] = {**document["assessment"], "description": MEGABYTE, "limitations": [MEGABYTE]}
    study = dataclasses.replace(credit_study, document=document, digest="d" * 64)
    opinion = {"kind": "dpo", "by": "D", "at": _DAY, "favourable": True, "text": MEGABYTE}
    return Files(study, {"opinions": [opinion]})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["html", "md", "xlsx", "pdf", "docx", "pia", "zip"])
def test_a_text_of_a_megabyte_takes_bounded_room(long, kind):
    """A file in which it stands whole holds it once a field."""
    assert len(long["fr", kind]) < 40 * len(MEGABYTE.encode())


@pytest.mark.slow
def test_half_a_character_is_refused_with_a_reason_and_never_breaks_a_page():
    with pytest.raises(ValidationError, match="string"):
        Party(name="a\ud800b", contact="x")
    study = study_of(PLAIN)
    opinion = {"kind": "dpo", "by": "a\ud800b", "at": _DAY, "favourable": True, "text": "\udfffx"}
    for kind in ("html", "md", "pia"):
        render(study, "en", kind, {"opinions": [opinion]}).decode()


# --- the register ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def register(tmp_path_factory):
    place = f"sqlite:///{tmp_path_factory.mktemp('register')}/register.db"
    with open_register(place) as held:
        for number, text in enumerate(HOSTILE.values()):
            add_activity(held, {**declaration([text]), "reference": f"R-{number:02d}"}, actor="somebody", at=RECORDED)
        yield place, held


@LANGUAGES
def test_records_of_processing_hold_hostile_text_as_text(register, language):
    book = openpyxl.load_workbook(io.BytesIO(records_of_processing(register[1], language, "xlsx")))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert all(cell.quotePrefix for cell in cells if str(cell.value).startswith(("=", "+", "-", "@")))
    assert any(MARK in str(cell.value) for cell in cells)
    table = pd.read_csv(io.BytesIO(records_of_processing(register[1], language, "csv")), sep=None, engine="python", encoding="utf-8-sig", dtype=str)
    assert len(table) == len(HOSTILE)
    assert not [value for value in table.to_numpy().ravel() if str(value).startswith(("=", "+", "-", "@", "\t"))]
    for text in (*(str(cell.value) for cell in cells), *map(str, table.to_numpy().ravel())):
        assert not STEERING.search(text)


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["show", "R-05"], ["show", "R-00"]], ids=" ".join)
def test_the_command_prints_nothing_that_steers_a_terminal(register, words):
    found = CliRunner().invoke(register_app, [*words, "--url", register[0]])
    assert found.exit_code == 0, found.output
    assert MARK in found.output
    assert not STEERING.search(found.output)
    if words[0] == "list" and len(words) == 1:
        assert len(found.output.splitlines()) == len(HOSTILE)
