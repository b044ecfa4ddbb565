"""`equiscore law`: the gate's exit code, what it prints, and what is still to be said."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from scoring.activity import ProcessingActivity
from scoring.commands.law import law_app
from scoring.errors import EquiscoreError
from scoring.facts import FACTS
from scoring.register import add_activity, open_register
from scoring.register.forms import AnswerForm, enter

CREDIT = "data/samples/credit/activity.yaml"


def run(*words):
    found = CliRunner().invoke(law_app, [str(word) for word in words], catch_exceptions=True)
    if isinstance(found.exception, EquiscoreError):
        raise found.exception
    return found


@pytest.fixture(scope="module")
def folder(credit_study, tmp_path_factory):
    return credit_study.save(tmp_path_factory.mktemp("law") / "study")


def test_rules_that_can_be_read_are_counted():
    assert "107 rules can be read" in run("check").output
    assert run("check", "--quiet").output == ""


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_gate_is_closed_for_a_study_and_says_why(folder, language):
    found = run("gate", folder, "--lang", language)
    assert found.exit_code == 1
    assert ("Go-live refused" if language == "en" else "Mise en œuvre refusée") in found.output
    assert "authorised" not in found.output.lower()


def test_the_gate_as_data(folder):
    found = run("gate", folder, "--json", "--as-of", "2028-01-01")
    told = json.loads(found.output)
    assert (found.exit_code, told["closed"], told["as_of"]) == (1, True, "2028-01-01")
    assert {"fria", "dpia"} <= {point["code"] for point in told["open_points"]}
    assert all(point["confidence"] or point["kind"] == "criterion" or not point["rules"] for point in told["open_points"])


def test_a_declaration_is_asked_without_a_study():
    assert run("gate", CREDIT).exit_code == 1


def test_the_gate_opens_with_exit_code_0_and_authorises_nothing(monkeypatch):
    monkeypatch.setattr("scoring.dossier.legal.gate", lambda *_: ())
    found = run("gate", CREDIT)
    assert found.exit_code == 0
    assert "authorises nothing" in found.output
    assert json.loads(run("gate", CREDIT, "--json").output)["closed"] is False


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_is_still_to_be_said_are_lines_of_a_declaration(language, tmp_path):
    lines = run("ask", CREDIT, "--lang", language).output.splitlines()
    keys = [line.removeprefix("  # ").split(":")[0] for line in lines if line.startswith("  # ") and line.split(":")[0].removeprefix("  # ") in FACTS]
    assert keys
    assert "facts:" in lines
    stated = set(ProcessingActivity.read(CREDIT).document()["facts"])
    assert len(stated) > 10
    assert not set(keys) & stated
    assert len(run("ask", CREDIT, "--all").output.splitlines()) > len(lines)
    # uncommented with a value, they are facts that a declaration may state
    content = yaml.safe_load(Path(CREDIT).read_text(encoding="utf-8"))
    content["facts"] = {**content.get("facts", {}), keys[0]: FACTS[keys[0]].allowed[0] if FACTS[keys[0]].allowed else "yes"}
    shutil.copy(Path(CREDIT).parent / "customers.csv", tmp_path)
    (tmp_path / "activity.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    again = run("ask", tmp_path / "activity.yaml").output
    assert f"  # {keys[0]}:" not in again


@pytest.mark.parametrize("wrong", [["--as-of", "2026-13-01"], ["--register", "oracle://x"]])
def test_what_cannot_be_read_is_refused_with_its_fix(wrong):
    with pytest.raises(EquiscoreError, match="Fix:"):
        run("gate", CREDIT, *wrong)


def test_answers_of_the_register_are_read(tmp_path):
    url, now = f"sqlite:///{tmp_path / 'register.db'}", datetime(2026, 11, 22, tzinfo=UTC)
    told = {"kind": "answer", "activity": "CREDIT-2026-01", "rule": "EU-GDPR-6", "by": "Lea Jurist", "at": "2026-11-10", "reason": "Art. 6(1)(b)."}
    with open_register(url) as register:
        add_activity(register, ProcessingActivity.read(CREDIT).document(), actor="test", at=now)
        before = run("ask", CREDIT, "--all", "--register", url).output
        enter(register, AnswerForm.model_validate({**told, "satisfied": True}), actor="test", at=now)
    after = run("ask", CREDIT, "--all", "--register", url).output
    assert "EU-GDPR-6:" in before
    assert "EU-GDPR-6:" not in after
