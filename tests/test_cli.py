"""The command as a person meets it: exit codes, one clear error, nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
CREDIT = ROOT / "data/samples/credit"


def equiscore(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scoring.cli", *map(str, words)],
        capture_output=True, text=True, cwd=cwd, check=False, env={"PATH": "", "PYTHONPATH": str(ROOT), "HOME": str(cwd), "PYTHONUTF8": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    done = equiscore("study", CREDIT / "activity.yaml", "--out", folder / "credit", cwd=folder)
    assert done.returncode == 3, done.stderr
    return folder


def test_a_study_prints_groups_and_says_where_it_lies(made):
    done = equiscore("study", CREDIT / "activity.yaml", "--out", made / "again", cwd=made)
    assert "Exclusion is shown for no group. That is not a clearance" in " ".join(done.stderr.split())
    assert str(made / "again") in "".join(done.stderr.split("\n"))
    assert done.stdout == ""


def test_quiet_says_nothing_and_json_says_all(made):
    quiet = equiscore("study", CREDIT / "activity.yaml", "--out", made / "quiet", "--quiet", cwd=made)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (3, "", "")
    told = json.loads(equiscore("study", CREDIT / "activity.yaml", "--out", made / "json", "--json", cwd=made).stdout)
    assert told["exit_code"] == 3
    young = next(row for row in told["verdicts"] if (row["attribute"], row["group"], row["metric"]) == ("age", "<25", "selection_rate"))
    assert young["hits"] / young["trials"] == pytest.approx(young["value"])


@pytest.mark.parametrize(("language", "kind"), [("en", "html"), ("fr", "pdf"), ("fr", "md"), ("en", "xlsx")])
def test_a_dossier_is_written_in_each_language_and_format(made, language, kind):
    done = equiscore("dossier", made / "credit", "--lang", language, "--format", kind, "--out", made / f"d.{language}.{kind}", "--quiet", cwd=made)
    assert done.returncode == 0, done.stderr
    assert (made / f"d.{language}.{kind}").stat().st_size > 5_000
    assert done.stdout.strip() == str(made / f"d.{language}.{kind}")


def test_a_dossier_told_of_a_register_that_is_not_there_is_not_written(made):
    """Opened, it would be a new and empty register, and the dossier would say that nobody recorded anything."""
    done = equiscore("dossier", "credit", "--register", "sqlite:///mistyped.db", "--out", "told.md", "--format", "md", cwd=made)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No register in the file mistyped.db" in done.stderr
    assert not (made / "mistyped.db").exists()
    assert not (made / "told.md").exists()


def test_a_command_alone_is_answered_by_its_help(tmp_path):
    done = equiscore("register", cwd=tmp_path)
    assert done.returncode == 2
    assert "append-only" in done.stderr
    assert "records" in done.stderr


def test_verify_finds_one_changed_byte_and_says_where(made):
    assert equiscore("verify", made / "credit", cwd=made).returncode == 0
    equiscore("study", CREDIT / "activity.yaml", "--out", made / "broken", "--quiet", cwd=made)
    held = bytearray((made / "broken/cells.parquet").read_bytes())
    held[100] ^= 1
    (made / "broken/cells.parquet").write_bytes(held)
    done = equiscore("verify", made / "broken", cwd=made)
    assert done.returncode == 2
    assert "cells.parquet: changed in bytes 0-" in done.stderr
    dossier = equiscore("dossier", made / "broken", "--out", made / "no.html", cwd=made)
    assert dossier.returncode == 2
    assert not (made / "no.html").exists()


def test_exclusion_shown_is_exit_code_one(made, tmp_path):
    frame = pd.read_csv(CREDIT / "customers.csv")
    frame.loc[frame["age_in_years"] < 25, "creditability"] = "bad"
    frame.to_csv(tmp_path / "customers.csv", index=False)
    text = (CREDIT / "activity.yaml").read_text(encoding="utf-8")
    cut = text.replace(
        "    train: {engine: scorecard, folds: 5, seed: 1}", "    train: {engine: scorecard, folds: 5, seed: 1, features: [age_in_years]}"
    )
    cut = cut.replace("roles: [protected]", "roles: [protected, feature]")
    (tmp_path / "activity.yaml").write_text(cut, encoding="utf-8")
    done = equiscore("study", tmp_path / "activity.yaml", "--out", tmp_path / "s", cwd=tmp_path)
    assert done.returncode == 1, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["study", "nowhere.yaml"], "no such file", id="no declaration"),
        pytest.param(["study", str(CREDIT / "activity.yaml"), "--data", "nowhere.csv"], "no such file or folder", id="no customer file"),
        pytest.param(["dossier", "nowhere"], "no such study", id="no study"),
        pytest.param(["verify", "nowhere"], "no such study", id="nothing to verify"),
        pytest.param(["sample", "unicorns"], "No sample 'unicorns'", id="no such sample"),
        pytest.param(["activity", "check", "nowhere.yaml"], "no such file", id="nothing to check"),
        pytest.param(["dossier", "nowhere", "--lang", "de"], "'de' is not one of 'en', 'fr'", id="no such language"),
        pytest.param(["study"], "Missing argument 'activity'", id="nothing to study"),
        pytest.param(["verify", "x.zip", "--zzz"], "No such option: --zzz", id="no such option"),
        pytest.param(["alternatives", "a.yaml", "--jobs", "0"], "greater than or equal to 1", id="no processes"),
        pytest.param(["bogus"], "No such command 'bogus'", id="no such command"),
        pytest.param(
            ["verify", "x.pdf", "--register", "sqlite:///mistyped.db"], "No register in the file mistyped.db", id="no register to verify by"
        ),
    ],
)
def test_bad_input_is_one_clear_error_and_leaves_nothing_behind(words, said, tmp_path):
    done = equiscore(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.lstrip().startswith("equiscore: ")
    assert done.stderr.count("Fix:") == 1
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_new_declaration_can_be_checked_and_is_never_written_over(tmp_path):
    assert equiscore("activity", "new", "mine.yaml", cwd=tmp_path).returncode == 0
    assert equiscore("activity", "check", "mine.yaml", cwd=tmp_path).returncode == 0
    assert "is there already" in equiscore("activity", "new", "mine.yaml", cwd=tmp_path).stderr


def test_the_schema_is_json(tmp_path):
    assert json.loads(equiscore("activity", "schema", cwd=tmp_path).stdout)["type"] == "object"


def test_a_sample_is_copied_whole_and_can_be_studied(tmp_path):
    done = equiscore("sample", "credit", "--out", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert equiscore("study", "mine/activity.yaml", "--quiet", cwd=tmp_path).returncode == 3
    assert (tmp_path / "studies/mine/MANIFEST.json").is_file()
    assert "is there already" in equiscore("sample", "credit", "--out", "mine", cwd=tmp_path).stderr


def test_scores_of_people_go_out_under_pseudonyms(tmp_path):
    done = equiscore("study", CREDIT / "activity.yaml", "--out", "s", "--scores", "people.parquet", "--quiet", cwd=tmp_path)
    assert done.returncode == 3
    people = pd.read_parquet(tmp_path / "people.parquet")
    assert len(people) == 1000
    told = json.loads((tmp_path / "s/study.json").read_text(encoding="utf-8"))["facts"]["cutoff"]
    assert people["favoured"].mean() == pytest.approx(told["share"])
    assert told["share"] == pytest.approx(0.6, abs=0.01)


def test_the_version_is_said(tmp_path):
    assert equiscore("--version", cwd=tmp_path).stdout.startswith("equiscore ")
