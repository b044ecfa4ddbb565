"""The commands of the register, from an activity to a verified export, as a person types them."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from scoring.commands.register import register_app
from scoring.errors import EquiscoreError
from scoring.register import Head, open_register

ROOT = Path(__file__).parents[2]
CREDIT = ROOT / "data/samples/credit/activity.yaml"


@pytest.fixture
def run(tmp_path, blank, monkeypatch):
    import shutil

    shutil.copy(blank, tmp_path / "register.db")
    monkeypatch.setenv("EQUISCORE_REGISTER", f"sqlite:///{tmp_path / 'register.db'}")

    def call(*words, code=0):
        done = CliRunner().invoke(register_app, [str(word) for word in words])
        if isinstance(done.exception, EquiscoreError):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.stdout.strip()

    return call


def test_an_activity_is_entered_listed_and_shown(run):
    assert run("add", CREDIT, "--actor", "A. Martin") == "CREDIT-2026-01: activities.added, event 1"
    assert run("list", "crédit", "LOAN").startswith("CREDIT-2026-01\tactive\t")
    assert json.loads(run("list", "--json", "--status", "stopped")) == []
    shown = json.loads(run("show", "CREDIT-2026-01"))
    assert (shown["activity"]["reference"], shown["history"][0]["actor"]) == ("CREDIT-2026-01", "A. Martin")


@pytest.fixture
def excluding_study(tmp_path, small_study, credit_study):
    """A saved study that shows exclusions, under the reference of the credit activity."""
    import dataclasses

    return dataclasses.replace(small_study, document=credit_study.document).save(tmp_path / "small")


def test_a_study_is_entered_and_its_gaps_are_answered(run, excluding_study):
    run("add", CREDIT)
    digest = json.loads((excluding_study / "MANIFEST.json").read_text())["digest"]
    run("study", excluding_study)
    findings = json.loads(run("findings", digest, "--json"))
    found = len(findings)
    assert found > 1
    answer = ("--aim", "repayment", "--necessary", "n", "--appropriate", "a", "--alternatives", "t", "--owner", "B", "--due", "2027-01-31")
    run("justify", findings[0]["finding"], *answer)
    run("measure", findings[1]["finding"], "lower the cut-off", "--owner", "C", "--due", "2027-01-31")
    assert {one["status"] for one in json.loads(run("findings", digest, "--json"))} >= {"justified", "measure"}
    assert len(json.loads(run("findings", digest, "--json", "--open"))) == found - 2
    assert run("findings", digest).count("2027-01-31") == 2
    with pytest.raises(EquiscoreError, match="no day"):
        run("measure", findings[0]["finding"], "x", "--owner", "C", "--due", "soon")


def test_a_study_without_exclusion_has_no_finding(run, tmp_path, credit_study):
    run("add", CREDIT)
    assert ": 0 new findings" in run("study", credit_study.save(tmp_path / "credit"))


def test_the_register_is_verified_against_a_head_kept_elsewhere(run, tmp_path):
    run("add", CREDIT)
    head = Head.read(run("head"))
    assert run("verify", "--head", head).endswith(f"1 events, head {head}")
    assert "noted elsewhere" in run("verify", "--head", Head(5, "0" * 64), code=2)
    with open_register(tmp_path / "register.db") as register, register.writing() as session:
        session.execute(text("UPDATE activities SET status = 'stopped'"))
    assert "modifiée hors du registre" in run("verify", "--lang", "fr", code=2)
    told = json.loads(run("verify", "--json", code=2))
    assert [problem["code"] for problem in told["problems"]] == ["row_changed"]


def test_a_register_is_exported_whole_and_imported(run, tmp_path):
    run("add", CREDIT)
    run("export", tmp_path / "all.jsonl")
    other = f"sqlite:///{tmp_path / 'other.db'}"
    run("import", tmp_path / "all.jsonl", "--url", other)
    assert run("head", "--url", other) == run("head")


@pytest.mark.parametrize("end", ["xlsx", "csv"])
def test_the_records_of_processing_are_written(run, tmp_path, end):
    run("add", CREDIT)
    assert run("records", tmp_path / f"records.{end}", "--lang", "fr") == str(tmp_path / f"records.{end}")
    assert (tmp_path / f"records.{end}").stat().st_size > 500
    with pytest.raises(EquiscoreError, match=r"let the name end in \.xlsx or \.csv"):
        run("records", tmp_path / "records.pdf")


def self_signed(name):
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    first, last = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 1, first, last)
    return made.sign(key, SHA256()).public_bytes(Encoding.DER)


def test_a_reviewer_is_entered_with_the_certificate(run, tmp_path):
    (tmp_path / "zoe.der").write_bytes(self_signed("Zoé"))
    assert run("reviewer", "Zoé", "--role", "dpo", "--certificate", tmp_path / "zoe.der") == "Zoé: reviewers.added, event 1"
    with pytest.raises(EquiscoreError, match="cannot be read"):
        run("reviewer", "Max", "--role", "dpo", "--certificate", tmp_path / "none.pem")


@pytest.mark.parametrize(("name", "said"), [("max.pem", "no certificate in it"), ("max.p12", "holds a key beside")])
def test_what_is_no_certificate_is_never_pinned(run, tmp_path, name, said):
    (tmp_path / name).write_bytes(b"%PDF-1.7 no certificate")
    with pytest.raises(EquiscoreError, match=said):
        run("reviewer", "Max", "--role", "dpo", "--certificate", tmp_path / name)
    assert run("head").startswith("0:")


@pytest.mark.parametrize("words", [["list"], ["verify"], ["head"], ["export", "out.jsonl"], ["findings", "0" * 64], ["show", "CREDIT-2026-01"]])
@pytest.mark.parametrize("option", ["--register", "--url"])
def test_a_register_mistyped_is_refused_and_none_is_made(run, tmp_path, words, option):
    with pytest.raises(EquiscoreError, match=r"No register in the file .*mistyped\.db\. Fix: "):
        run(*words, option, f"sqlite:///{tmp_path / 'mistyped.db'}")
    assert not (tmp_path / "mistyped.db").exists()


def test_findings_of_a_study_that_is_not_there_are_not_none(run):
    with pytest.raises(EquiscoreError, match="no such study"):
        run("findings", "0" * 64)


@pytest.mark.parametrize(("language", "said"), [("en", "as it was written"), ("fr", "intact depuis son écriture")])
def test_verify_speaks_the_language_asked_for(run, language, said):
    assert said in run("verify", "--lang", language)


def test_help_names_every_command_and_shows_no_address(run):
    said = run("--help")
    assert all(
        name in said for name in ("add", "list", "show", "study", "findings", "justify", "reviewer", "verify", "head", "export", "import", "records")
    )
