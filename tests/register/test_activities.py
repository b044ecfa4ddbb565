"""Activities are found by any word of them, in any case and without accents; the sheet of art. 30 is safe to open."""

import csv
import datetime as dt
import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import ProcessingActivity
from scoring.errors import EquiscoreError
from scoring.register import activity, add_activity, find_activities, history, open_register, verify
from scoring.register.art30 import COLUMNS, records_of_processing
from scoring.register.canonical import SHORT_LENGTH, fold
from scoring.texts import say

BY = {"actor": "A. Martin", "at": dt.datetime(2026, 11, 22, 8, 5, tzinfo=dt.UTC)}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def credit():
    return ProcessingActivity.read(ROOT / "data/samples/credit/activity.yaml").document()


def made(reference, **given):
    return {"reference": reference, "name": f"Activity {reference}", "controller": {"name": "Company", "contact": "x@example.org"}, **given}


def references(register, *words, **where):
    return [row.reference for row in find_activities(register, " ".join(words), **where)]


def test_an_activity_is_kept_whole_and_its_history_told(register, credit):
    add_activity(register, credit, **BY, status="planned")
    add_activity(register, credit, **BY)
    held = activity(register, "CREDIT-2026-01")
    assert (held.document, held.status, held.controller) == (credit, "active", "Example Credit Company")
    assert [event.kind for event in history(register, "activities/CREDIT-2026-01")] == ["activities.added", "activities.changed"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(["CRÉDIT"], True, id="another case"),
        pytest.param(["pret", "demandeurs"], True, id="two words, without accents"),
        pytest.param(["prêt", "assurance"], False, id="one word that is not there"),
        pytest.param(["credit-2026"], True, id="the reference"),
        pytest.param(["%"], False, id="a wildcard is a letter"),
        pytest.param(["_redit"], False, id="another wildcard"),
        pytest.param(["'; DROP TABLE activities; --"], False, id="SQL is text"),
        pytest.param([], True, id="no word finds all"),
    ],
)
def test_search(register, credit, words, found):
    add_activity(register, credit, **BY)
    assert references(register, *words) == ["CREDIT-2026-01"] * found


def test_lists_are_in_order_by_page_by_state_and_by_controller(register):
    for name, state in (("c", "active"), ("a", "stopped"), ("b", "active")):
        add_activity(register, made(name), **BY, status=state)
    assert references(register) == ["a", "b", "c"]
    assert references(register, limit=1, offset=1) == ["b"]
    assert references(register, offset=2) == ["c"]
    assert references(register, status="active") == ["b", "c"]
    assert references(register, controller="Nobody") == []


@pytest.mark.parametrize(
    ("document", "says"),
    [({}, "no reference, name, controller"), (made(""), "no reference"), (made("a\x00b"), "no key"), (made("a" * 201), "no key")],
)
def test_what_is_no_activity_is_refused(register, document, says):
    with pytest.raises(EquiscoreError, match=rf"{says}.*Fix:"):
        add_activity(register, document, **BY)


def test_an_unknown_state_and_an_unknown_reference_are_refused(register, credit):
    with pytest.raises(EquiscoreError, match=r"no state.*Fix: use one of planned"):
        add_activity(register, credit, **BY, status="live")
    with pytest.raises(EquiscoreError, match=r"no such activity.*Fix:"):
        activity(register, "none")


def test_a_megabyte_of_text_is_kept_whole_and_indexed_short(register):
    add_activity(register, made("long", name="é" * 1_000_000), **BY)
    held = activity(register, "long")
    assert (len(held.document["name"]), len(held.name), verify(register)) == (1_000_000, SHORT_LENGTH, ())


@settings(max_examples=60, deadline=None)
@given(words=st.text(min_size=1, max_size=30))
def test_what_was_folded_once_is_folded(words):
    assert fold(fold(words)) == fold(words)


HOSTILE = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u200b=1", "=cmd|' /C calc'!A0", '"=1', "\uff1d1", "a;=1,=2\r\n=3"]


def hostile(register):
    for i, words in enumerate(HOSTILE):
        retention = [{"data": words, "period": words, "then": words}]
        purposes = [{"name": words, "legal_basis": "consent", "detail": words}]
        document = made(
            f"{i:02d}", name=words or "x", purposes=purposes, retention=retention, data=[{"name": words, "special": True}], persons=[words]
        )
        add_activity(register, document, **BY)


def cells(content, language):
    text = content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=say_delimiter(language)))


def say_delimiter(language):
    return {"en": ",", "fr": ";"}[language]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_cell_of_the_csv_is_a_formula(register, language):
    hostile(register)
    content = records_of_processing(register, language, "csv")
    rows = cells(content, language)
    assert content.startswith(b"\xef\xbb\xbf")
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert len(rows) == len(HOSTILE) + 1
    assert not [cell for row in rows for cell in row if cell.lstrip(" \u200b")[:1] in set("=+-@\t\r\n\uff1d")  and cell]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_cell_of_the_workbook_is_a_formula(register, language):
    hostile(register)
    sheet = openpyxl.load_workbook(io.BytesIO(records_of_processing(register, language))).active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    assert sheet.max_row == len(HOSTILE) + 1


@pytest.mark.parametrize(
    ("language", "basis", "nothing"), [("en", "contract or steps before a contract", "none"), ("fr", "mesures précontractuelles", "néant")]
)
def test_both_sheets_say_the_same_in_the_language(register, credit, language, basis, nothing):
    add_activity(register, credit, **BY)
    head, row = cells(records_of_processing(register, language, "csv"), language)
    sheet = openpyxl.load_workbook(io.BytesIO(records_of_processing(register, language))).active
    assert [[cell.value for cell in line] for line in sheet.iter_rows()] == [head, row]
    told = dict(zip(COLUMNS, row, strict=True))
    assert head == [say(f"register.{name}", language) for name in COLUMNS]
    assert basis in told["purposes"]
    assert (told["transfers"], told["changed"], told["controller"].split(",")[0]) == (nothing, "2026-11-22 08:05", "Example Credit Company")


def test_a_sheet_is_the_same_bytes_twice(register, credit):
    add_activity(register, credit, **BY)
    assert records_of_processing(register, "fr") == records_of_processing(register, "fr")


def test_a_text_that_no_cell_holds_is_cut_and_says_so():
    with open_register("sqlite://") as register:
        add_activity(register, made("long", persons=["x" * 1_000_000, "\x0b\ufffe"]), **BY)
        row = dict(zip(COLUMNS, cells(records_of_processing(register, "en", "csv"), "en")[1], strict=True))
    assert row["persons"].endswith("[cut: the whole text is in the register]")
    assert len(row["persons"]) < 32_767


def test_an_unknown_kind_or_language_is_refused(register):
    for language, kind in (("de", "csv"), ("en", "pdf")):
        with pytest.raises(EquiscoreError, match="Fix: use one of xlsx, csv"):
            records_of_processing(register, language, kind)
