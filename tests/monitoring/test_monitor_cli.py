"""The command: makes what is due, keeps it, says what fired, and exits by it; the day is handed in."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from scoring.commands.monitoring import app
from scoring.errors import StudyError
from tests.monitoring.conftest import SCHEDULE, people

TYPER = CliRunner()


def call(*words):
    return TYPER.invoke(app, list(map(str, words)))


def test_a_due_study_is_made_kept_and_compared_and_not_made_twice(launched):
    people(seed=2).to_csv(launched / "data-2026-01-31.csv", index=False)
    schedule = launched / "schedule.yaml"
    early = call("run", schedule, "--today", "2026-01-30")
    assert (early.exit_code, "2026-01-31" in early.output) == (0, True)
    first = call("run", schedule, "--today", "2026-02-01", "--lang", "fr")
    assert first.exit_code == 3  # overrides cannot be measured
    assert "Aucun déclencheur" in first.output
    held = json.loads((launched / "studies/after/2026-01-31.comparison.json").read_text(encoding="utf-8"))
    assert held["day"] == "2026-01-31"
    assert held["comparison"]["stability"]["change"] < 0.1
    assert (launched / "studies/after/2026-01-31/MANIFEST.json").is_file()
    assert "No study is due" in call("run", schedule, "--today", "2026-02-02").output


def test_a_drift_exits_with_1_and_compare_agrees_with_run(launched):
    people(seed=2, women=0.35).to_csv(launched / "data-2026-01-31.csv", index=False)
    ran = call("run", launched / "schedule.yaml", "--today", "2026-02-01", "--json")
    assert ran.exit_code == 1
    told = json.loads(ran.stdout)
    assert told["result"] == "revise"
    out = launched / "again.json"
    again = call("compare", launched / "studies/signed", launched / "studies/after/2026-01-31", "--shared", "none", "--out", out)
    assert again.exit_code == 1
    assert json.loads(out.read_text(encoding="utf-8"))["comparison"] == told["comparison"]


def test_another_folder_than_the_signed_one_is_refused(launched):
    schedule = launched / "schedule.yaml"
    schedule.write_text(yaml.safe_dump(SCHEDULE | {"digest": "0" * 64}), encoding="utf-8")
    found = call("run", schedule, "--today", "2026-02-01")
    assert isinstance(found.exception, StudyError)
    assert "was signed" in str(found.exception)


def test_status_says_what_is_due_and_whether_the_score_may_be_used(launched):
    schedule, switch = launched / "schedule.yaml", launched / "stop.json"
    assert call("status", schedule, "--today", "2026-02-01").exit_code == 1  # no switch: nothing says that it may be used
    assert call("resume", switch, "--by", "Ann", "--why", "put into service").exit_code == 0
    fine = call("status", schedule, "--today", "2026-03-01")
    assert (fine.exit_code, fine.output.count("\tdue")) == (0, 2)
    assert call("stop", switch, "--by", "Bea", "--why", "\x1b[31mwrong\x1b[0m").exit_code == 0
    stopped = call("status", schedule, "--today", "2026-03-01")
    assert stopped.exit_code == 1
    assert "Bea" in stopped.output
    assert "\x1b" not in stopped.output


@pytest.mark.parametrize("missing", ["--by", "--why"])
def test_a_stop_needs_a_name_and_a_reason(tmp_path, missing):
    words = {"--by": "Ann", "--why": "because"}
    words.pop(missing)
    assert call("stop", tmp_path / "stop.json", *[word for pair in words.items() for word in pair]).exit_code == 2


def test_new_writes_a_template_once(tmp_path):
    assert call("new", tmp_path / "schedule.yaml").exit_code == 0
    assert "is there already" in str(call("new", tmp_path / "schedule.yaml").exception)
