"""A search for other ways to score, kept with the study: on disk, in the command, in the dossier, on the dashboard's page."""

import io
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

import scoring
from scoring.alternatives import Asked
from scoring.cli import app
from scoring.dossier import render
from scoring.errors import EquiscoreError, StudyError
from scoring.vocabulary import OF_A_SEARCH

ACTIVITY = Path(__file__).parents[1] / "data/samples/credit/activity.yaml"
HEADINGS = {"en": "Other ways to score that were tried", "fr": "Autres façons de calculer le score qui ont été essayées"}


@pytest.fixture(scope="module")
def searched():
    declared = scoring.ProcessingActivity.read(ACTIVITY)
    return scoring.conduct_study(declared, alternatives=Asked(families=("reweighing",), n_jobs=1))


@pytest.fixture(scope="module")
def loaded(searched, tmp_path_factory):
    return scoring.Study.load(searched.save(tmp_path_factory.mktemp("searched") / "study"))


def test_what_was_tried_is_kept_whole(searched, loaded):
    for name in OF_A_SEARCH:
        pd.testing.assert_frame_equal(searched.inquiry[name], loaded.inquiry[name], check_dtype=False)
    rows = loaded.alternatives()
    assert list(rows.loc[rows["baseline"].astype(bool), "name"]) == ["scorecard"]
    assert set(rows["attribute"]) == {"", "age", "age band"}
    assert not rows["uses_protected_at_decision"].astype(bool).any()
    assert loaded.published().alternatives_findings("fr")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_study_draws_its_frontier(loaded, language):
    drawn = loaded.plot(kind="frontier", language=language)
    assert drawn._repr_png_().startswith(b"\x89PNG")
    words = " ".join(text.get_text() for text in drawn.figure.findobj(lambda one: hasattr(one, "get_text")))
    assert "n = 700" in words


def test_the_search_changes_nothing_in_the_study(searched, credit_study):
    pd.testing.assert_frame_equal(searched.judged(), credit_study.judged())


def test_a_study_without_a_search_says_how_to_ask_for_one(credit_study):
    for ask in (credit_study.alternatives, credit_study.confirmed, credit_study.alternatives_findings):
        with pytest.raises(StudyError, match=r"holds no .*equiscore alternatives"):
            ask()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_dossier_tells_draws_and_lists_them(loaded, credit_study, language):
    text = render(loaded, language, "md").decode()
    assert HEADINGS[language] in text
    assert HEADINGS[language] not in render(credit_study, language, "md").decode()
    page = render(loaded, language, "html").decode()
    assert HEADINGS[language] in page
    book = openpyxl.load_workbook(io.BytesIO(render(loaded, language, "xlsx")), read_only=True)
    sheet = next(book[name] for name in book.sheetnames if name in {"Other ways to score", "Autres façons de noter"})
    assert sum(1 for _ in sheet.iter_rows()) >= len(loaded.alternatives())


def equiscore(*said):
    return CliRunner().invoke(app, list(map(str, said)))


def test_the_command_keeps_a_log_and_tries_nothing_twice(tmp_path):
    asked = ("alternatives", ACTIVITY, "--family", "reweighing", "--jobs", 1, "--log", tmp_path / "log.jsonl", "--json")
    first = equiscore(*asked, "--out", tmp_path / "one")
    assert first.exit_code == 0, first.output
    logged = (tmp_path / "log.jsonl").read_bytes()
    again = json.loads(equiscore(*asked, "--out", tmp_path / "two").output)
    assert (tmp_path / "log.jsonl").read_bytes() == logged
    assert [row["auc"] for row in again["alternatives"]] == [row["auc"] for row in json.loads(first.output)["alternatives"]]


def test_an_unknown_family_is_refused_with_those_that_are_known(tmp_path):
    found = equiscore("alternatives", ACTIVITY, "--family", "magic", "--out", tmp_path / "s")
    assert isinstance(found.exception, EquiscoreError)
    assert "'magic'" in str(found.exception)
    assert "reweighing" in str(found.exception)
    assert not (tmp_path / "s").exists()
