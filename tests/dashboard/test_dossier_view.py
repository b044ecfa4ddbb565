"""The dossier's page: who signs, what stops the launch, what is due, what is lacking, and the files; in both languages."""

import dataclasses
import datetime as dt
import io
import json
import re
import shutil
import sys
import zipfile

import pytest

from scoring.authorising import enter_study, filed, give_opinion, record_of, submit_study
from scoring.dossier.compose import compose
from scoring.dossier.document import Callout
from scoring.dossier.legal import assess
from scoring.errors import EquiscoreError
from scoring.law.conditions import UNKNOWN
from scoring.register import open_register
from scoring.signing.review import Decision
from scoring.study import Study
from scoring.texts import say

# ruff: noqa: PLR0917  (a fixture is an argument)

pytest.importorskip("streamlit")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),  # its own use of asyncio and protobuf
    pytest.mark.filterwarnings("ignore::DeprecationWarning:altair"),  # its own use of narwhals
]
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
HEADINGS = ["version", "gate", "formalities", "lacking", "files"]
TOO_MUCH = {"authorised", "authorized", "autorisé", "autorisée", "fair", "unbiased", "compliant", "équitable", "conforme"}
"""Words that would clear somebody or authorise something: no page says them."""
REMARK = "Checked *again* on <b>a sample</b>; $5 and `more`."


@pytest.fixture(autouse=True)
def unnamed(monkeypatch):
    """Let no register of the environment come in."""
    monkeypatch.delenv("EQUISCORE_REGISTER", raising=False)


@pytest.fixture(scope="session")
def register_file(credit, tmp_path_factory):
    """Return a register in which the study was handed in, and one signer approved it with reservations."""
    place = tmp_path_factory.mktemp("register") / "register.db"
    study, held = Study.load(credit / "credit"), filed(credit / "credit")
    days = [dt.datetime(2026, 11, number, tzinfo=dt.UTC) for number in (2, 3, 4)]
    with open_register(place) as register:
        enter_study(register, study, actor="Anna", at=days[0])
        submit_study(register, held, by="Anna", at=days[1])
        give_opinion(register, held, by=held.required[0].name, decision=Decision.APPROVE_WITH_RESERVATIONS, text=REMARK, at=days[2])
    return place


@pytest.fixture
def register(register_file, monkeypatch):
    """Name the register in the environment, and return its file."""
    monkeypatch.setenv("EQUISCORE_REGISTER", f"sqlite:///{register_file}")
    return register_file


@pytest.fixture
def page(seen, credit):
    """Return the page of the sample without a register, for those who only read it."""
    return lambda language: seen(credit, language, "dossier")


def said(app):
    parts = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    texts = [part.value for part in parts] + [one.label for one in app.expander]
    texts += [str(cell) for table in app.table for cell in table.value.to_numpy().ravel()]
    return "\n".join(texts).replace("\\", "")


def words(key, language, **values):
    return say(f"dashboard_dossier.{key}", language, **values)


def pressed(app, kind):
    """Return the page once a file was asked for."""
    next(button for button in app.button if button.key.startswith(f"make_{kind}_")).click()
    return app.run()


def handed_out(app, monkeypatch, kind):
    """Return what the download button of a file hands out, by its name."""
    given = {}

    def offered(_place, _label, data, name, *_rest, **more):
        if more["key"].startswith(f"get_{kind}_"):
            given[name] = data

    monkeypatch.setattr("streamlit.delta_generator.DeltaGenerator.download_button", offered)
    assert not pressed(app, kind).exception
    return given


@LANGUAGES
def test_the_page_opens_in_its_order_and_clears_nobody(page, language):
    app = page(language)
    assert not app.exception
    assert app.title[0].value == say("dashboard.page_dossier", language)
    assert [head.value for head in app.header] == [words(key, language) for key in HEADINGS]
    assert say("law.no_advice", language) in said(app)
    assert not set(re.findall(r"\w+", said(app).lower())) & TOO_MUCH


@LANGUAGES
def test_without_a_register_nothing_is_taken_as_recorded(page, credit, language):
    app = page(language)
    assert words("no_register", language) in said(app)
    assert say("dossier_annexes.state_draft", language) in said(app)
    signers = Study.load(credit / "credit").document["review"]["signers"]
    table = app.table[0].value
    assert [cell.split("**")[1] for cell in table.iloc[:, 0]] == [one["name"] for one in signers]
    assert set(table.iloc[:, 2]) == {say("dossier_annexes.unsigned", language)}


@LANGUAGES
def test_the_points_of_the_gate_are_those_of_the_law_with_questions_and_confidence(page, credit, language):
    app, points = page(language), assess(Study.load(credit / "credit")).points
    assert words("gate_closed", language, number=len(points)) in said(app)
    shown = {expander.label.replace("\\", ""): expander for expander in app.expander}
    for point in points:
        state = say(f"dossier_law.gate_state_{point.state}", language)
        expander = shown[f"**{point.title[language == 'fr']}** · {state}"]
        text = "\n".join(part.value for part in [*expander.markdown, *expander.caption]).replace("\\", "")
        assert say(f"law.confidence_{point.confidence or 'none'}", language) in text
        assert all(rule in text for rule in point.rules if rule != "cnil_list")
        asked = [line.removeprefix("- ") for part in expander.markdown for line in part.value.replace("\\", "").splitlines()]
        assert asked
        assert all(question in point.questions[language == "fr"] for question in asked)


@LANGUAGES
def test_a_formality_of_which_nobody_spoke_is_not_said_to_be_undone(page, credit, language):
    law = assess(Study.load(credit / "credit"))
    silent = {one.title(language) for one in law.formalities.items if one.done is UNKNOWN}
    labels = [one.label.replace("\\", "") for one in page(language).expander]
    spoken = [label for label in labels if label.split("**")[1:2] and label.split("**")[1] in silent]
    assert spoken
    assert not [label for label in spoken if re.search(r"\bnot done|\bnon accomplie", label)]


@LANGUAGES
def test_a_point_that_asks_nothing_says_what_is_to_be_done(opened, credit, monkeypatch, language):
    law = assess(Study.load(credit / "credit"))
    known = dataclasses.replace(law.points[0], code="known", questions=("", ""))
    opened(credit, language)  # the modules of the dashboard are there once it was opened
    monkeypatch.setattr(sys.modules["dossiers"], "law", lambda _: dataclasses.replace(law, points=(known,)))
    app = opened(credit, language, "dossier")
    (point,) = [one for one in app.expander if known.title[language == "fr"] in one.label.replace("\\", "")]
    assert [part.value for part in point.markdown] == [words("nothing_to_answer", language)]


@LANGUAGES
def test_each_formality_says_whether_it_is_required_and_why(page, credit, language):
    app, law = page(language), assess(Study.load(credit / "credit"))
    rows = {cells[0].replace("\\", ""): cells[1].replace("\\", "") for cells in app.table[-1].value.to_numpy()}
    forms = [one for one in law.formalities.items if one.code not in {"declaration", "authorisation", "au_005"}]
    assert list(rows) == [one.title(language) for one in forms]
    for one in forms:
        assert one.reason(language) in rows[one.title(language)]
        assert rows[one.title(language)].startswith(
            "**" + words(f"required_{one.required.value}", language, done=words(f"done_{one.done.value}", language))
        )
        assert one.confidence is None or say(f"law.confidence_{one.confidence.value}", language) in rows[one.title(language)]


@LANGUAGES
def test_what_is_lacking_is_what_the_dossier_says(page, credit, language):
    app, document = page(language), compose(Study.load(credit / "credit"), language)
    missing = [item for block in document.blocks if isinstance(block, Callout) and block.missing for item in block.items]
    folded = [expander for expander in app.expander if re.match(r"D\d", expander.label)]
    listed = [line.removeprefix("- ") for one in folded for part in one.markdown for line in part.value.replace("\\", "").splitlines()]
    assert listed == list(dict.fromkeys(missing))
    assert say("dossier_annexes.lacks", language, pieces=len(listed), sections=len(folded)) in said(app)


# the register


@LANGUAGES
def test_what_people_recorded_is_shown_letter_by_letter(opened, credit, register, language):
    app, held = opened(credit, language, "dossier"), filed(credit / "credit")
    assert not app.exception
    assert say("dossier_annexes.state_submitted", language) in said(app)
    entries = app.table[1].value.to_numpy()
    assert len(entries) == 1
    assert entries[0][0].startswith(f"**{words('review', language)}**")
    assert held.required[0].name in entries[0][0]
    assert REMARK in entries[0][1].replace("\\", "")
    assert "\\*again\\*" in entries[0][1]
    assert "\\<b\\>" in entries[0][1]
    assert {"en": "4 November 2026", "fr": "4 novembre 2026"}[language] in entries[0][0]


def test_the_gate_is_asked_with_what_people_recorded(opened, credit, register):
    with open_register(register) as held:
        points = assess(Study.load(credit / "credit"), record=record_of(held, filed(credit / "credit"))).points
    assert words("gate_closed", "en", number=len(points)) in said(opened(credit, "en", "dossier"))


def test_what_is_recorded_after_the_page_was_opened_is_seen(opened, credit, register_file, tmp_path, monkeypatch):
    place = tmp_path / "copy.db"
    place.write_bytes(register_file.read_bytes())
    monkeypatch.setenv("EQUISCORE_REGISTER", str(place))
    app, held = opened(credit, "en", "dossier"), filed(credit / "credit")
    before = len(app.table[1].value)
    with open_register(place) as register:
        give_opinion(register, held, by=held.required[1].name, decision=Decision.REFUSE, text="Not so.", at=dt.datetime(2026, 11, 5, tzinfo=dt.UTC))
    app.run()
    assert len(app.table[1].value) == before + 1
    assert say("dossier_annexes.refused", "en", who=held.required[1].name) in said(app)


@pytest.mark.parametrize(
    ("url", "language"), [("sqlite:///{}/absent.db", "fr"), ("mysql://me:secret@nowhere/x", "en")], ids=["no file", "no such kind"]
)
def test_a_register_that_cannot_be_read_is_said_and_none_is_made(opened, credit, tmp_path, monkeypatch, language, url):
    monkeypatch.setenv("EQUISCORE_REGISTER", url.format(tmp_path))
    app = opened(credit, language, "dossier")
    assert not app.exception
    assert words("register_unread", language) in said(app)
    assert "secret" not in said(app)
    assert say("dossier_annexes.state_draft", language) in said(app)
    assert not list(tmp_path.iterdir())


# files


@LANGUAGES
def test_files_are_made_when_asked_for_under_the_names_of_the_command(opened, credit, language):
    app = opened(credit, language, "dossier")
    assert not app.download_button
    assert [button.key.split("_")[1] for button in app.button] == ["pdf", "docx", "html", "xlsx", "pia", "zip"]
    names = []
    for kind, end in (("html", "html"), ("pia", "pia.json")):
        app = pressed(app, kind)
        assert not app.exception
        names.append(words("download", language, name=f"credit.{language}.{end}"))
        assert [one.label for one in app.download_button] == names  # what was made stays at hand
    assert [button.key.split("_")[1] for button in app.button] == ["pdf", "docx", "xlsx", "zip"]


def test_the_files_are_those_of_this_study_in_the_language_of_the_page(opened, credit, register, monkeypatch):
    app = opened(credit, "fr", "dossier")
    held = {kind: handed_out(app, monkeypatch, kind) for kind in ("pia", "zip")}
    assert {kind: next(iter(files)) for kind, files in held.items()} == {"pia": "credit.fr.pia.json", "zip": "credit.fr.zip"}
    assert json.loads(held["pia"]["credit.fr.pia.json"])["pia"]["status"] == 0
    with zipfile.ZipFile(io.BytesIO(held["zip"]["credit.fr.zip"])) as package:
        assert package.read("dossier.fr.pdf").startswith(b"%PDF")
        assert json.loads(package.read("manifest.json"))["study"] == Study.load(credit / "credit").digest


# other studies


@LANGUAGES
def test_an_audit_has_a_report_and_no_dossier_of_prior_authorisation(opened, unscored, monkeypatch, language):
    app = opened(unscored, language, "dossier")
    assert not app.exception
    assert words("no_declaration", language) in said(app)
    assert [head.value for head in app.header] == [words("report", language)]
    assert [button.key.split("_")[1] for button in app.button] == ["pdf", "docx", "html", "xlsx"]
    ((name, content),) = handed_out(app, monkeypatch, "docx").items()
    assert name == f"decisions.{language}.docx"
    assert content.startswith(b"PK")


@LANGUAGES
def test_a_study_without_a_day_says_that_the_law_cannot_be_asked(seen, worse, language):
    app = seen(worse, language, "dossier")
    assert not app.exception
    assert say("dossier_law.no_day", language) in said(app)
    assert not any(button.key.startswith("make_zip") for button in app.button)
    assert words("lacking", language) in [head.value for head in app.header]


def test_what_cannot_be_made_is_said(opened, credit, monkeypatch):
    app = opened(credit, "en", "dossier")

    def fail(*_):
        raise EquiscoreError("No *letters* for this. Fix: install them.")

    monkeypatch.setattr(sys.modules["dossiers"], "render", fail)
    app = pressed(app, "pdf")
    assert not app.exception
    assert not app.download_button
    assert app.error[0].value.replace("\\", "") == "No *letters* for this. Fix: install them."


@LANGUAGES
def test_a_damaged_study_has_no_page(opened, damaged, language):
    app = opened(damaged, language)
    app.selectbox(key="study").set_value("altered").run()
    app.switch_page("views/dossier.py").run()
    assert not app.exception
    assert app.title[0].value == say("dashboard.refused_title", language)
    assert not app.button
    assert not app.table


def test_a_study_that_changes_while_it_is_open_is_not_handed_out(opened, credit, tmp_path):
    shutil.copytree(credit, tmp_path, dirs_exist_ok=True)
    app = opened(tmp_path, "en", "dossier")
    (tmp_path / "credit" / "study.json").write_text("{}")
    app.run()
    assert app.title[0].value == say("dashboard.refused_title", "en")
    assert not app.button
