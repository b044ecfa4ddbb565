"""From a study to a signed dossier through the commands: three reviewers sign in turn, and each tampering is caught and named."""

import importlib.util
import json
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

import scoring
from scoring.authorising import filed, verify_dossier
from scoring.cli import app
from scoring.register import open_register
from scoring.signing.certificates import Pkcs12, opened
from scoring.signing.integrity import read_pdf, signatures_in
from scoring.signing.sign import put_signature

SIGNING = Path(__file__).parents[1] / "signing"
REVIEWERS = {"Claire Model": "model_reviewer", "Denis Protection": "dpo", "Rose Controller": "controller"}
AUTHOR = "Anna Analyst"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, SIGNING / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tampering, making = loaded("tampering"), loaded("make_certificates")


class Journey:
    """A folder with a study, a register, keys and a dossier, and the commands on them."""

    def __init__(self, folder):
        self.folder, self.study, self.pdf = folder, folder / "study", folder / "dossier.pdf"
        self.url = f"sqlite:///{folder / 'register.db'}"

    def run(self, *words, code=0):
        environment = {"EQUISCORE_REGISTER": self.url, "EQUISCORE_PASSPHRASE": "test"}
        result = CliRunner(env=environment).invoke(app, [*map(str, words)])
        said = result.output + (str(result.exception) if result.exception and not isinstance(result.exception, SystemExit) else "")
        assert (result.exit_code == 0) == (code == 0), said
        return said

    def sign(self, name, code=0):
        return self.run("sign", self.pdf, "--study", self.study, "--by", name, "--key", self.folder / f"{name}.p12", code=code)

    def codes(self, pdf=None, study=None):
        """Return the codes of all faults that are found, and check that each is said in both languages."""
        with open_register(self.url) as register:
            found = verify_dossier(pdf or self.pdf, register, study=study, at=datetime.now(UTC))
        assert all(found.sentences(language) for language in ("en", "fr"))
        return {one.code for one in found.file.faults} | {one.code for one in found.register}

    def copy(self, place):
        shutil.copytree(self.folder, place)
        return Journey(place)


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory, credit_study):
    """A study that three people approved, and its dossier."""
    journey, authority = Journey(tmp_path_factory.mktemp("journey")), making.Authority()
    credit_study.save(journey.study)
    journey.run("review", "submit", journey.study, "--by", AUTHOR)
    for name, role in REVIEWERS.items():
        holder = authority.issue(role)
        holder.p12(journey.folder / f"{name}.p12")
        (journey.folder / f"{name}.pem").write_bytes(holder.certificate.public_bytes(making.Encoding.PEM))
        journey.run("register", "reviewer", name, "--role", role, "--certificate", journey.folder / f"{name}.pem", "--url", journey.url)
    for name in REVIEWERS:
        journey.run("review", "give", journey.study, "--by", name, "--decision", "approve", "--text", "Worked out again; it holds.")
    authority.issue("dpo").p12(journey.folder / "stranger.p12")
    old = authority.issue("dpo", end=datetime(2026, 1, 1, tzinfo=UTC))
    old.p12(journey.folder / "old.p12")
    (journey.folder / "old.pem").write_bytes(old.certificate.public_bytes(making.Encoding.PEM))
    journey.run("dossier", journey.study, "--format", "pdf", "--out", journey.pdf, "--quiet")
    return journey


@pytest.fixture(scope="module")
def signed(reviewed):
    """The same, signed by all three in turn."""
    for name in REVIEWERS:
        reviewed.sign(name)
    return reviewed


def test_a_signed_dossier_is_valid_and_poppler_calls_each_signature_valid(signed):
    said = signed.run("verify", signed.pdf)
    assert "3 signature(s), and nothing is wrong" in said
    if shutil.which("pdfsig") is None:
        pytest.skip("poppler is not installed")
    told = subprocess.run(["pdfsig", "-nocert", signed.pdf], capture_output=True, text=True, check=False).stdout
    assert told.count("Signature is Valid") == len(REVIEWERS)
    assert "Total document signed" in told.split("Signature #")[-1]


def test_nobody_approves_own_work_and_nobody_signs_what_is_not_reviewed(tmp_path, credit_study, reviewed):
    journey = Journey(tmp_path)
    credit_study.save(journey.study)
    shutil.copy(reviewed.pdf, journey.pdf)
    journey.run("review", "submit", journey.study, "--by", AUTHOR)
    assert "four eyes" in journey.run("review", "give", journey.study, "--by", AUTHOR, "--decision", "approve", "--text", "mine", code=2)
    shutil.copy(reviewed.folder / "Claire Model.p12", tmp_path)
    assert "may not sign" in journey.sign("Claire Model", code=2)


def test_the_dossier_says_who_approved_and_the_head_of_the_trail(reviewed):
    text = reviewed.folder / "dossier.md"
    reviewed.run("dossier", reviewed.study, "--format", "md", "--out", text, "--quiet")
    told = text.read_text(encoding="utf-8")
    with open_register(reviewed.url) as register:
        assert register.head().hash in told
    for name in REVIEWERS:
        assert name in told
    assert "Draft: nobody has reviewed this version." not in told


@pytest.mark.slow
def test_each_change_of_the_file_is_caught_and_named(signed, tmp_path):
    content = signed.pdf.read_bytes()
    changed = {
        "altered": tampering.flipped(content, content.index(b"stream") + 40),
        "pages_changed": tampering.updated(content, tampering.draw_on(2)),
        "evidence_swapped": tampering.updated(content, tampering.swap_evidence),
        "signature_missing": tampering.without_the_last(content),
        "trailing_bytes": content + b"more",
    }
    for code, made in changed.items():
        place = tmp_path / f"{code}.pdf"
        place.write_bytes(made)
        assert code in signed.codes(place), code


def forged(journey, tmp_path, key):
    """Return the dossier with the last signature made again by another key, without asking."""
    content = tampering.without_the_last(journey.pdf.read_bytes())
    reason = str(signatures_in(read_pdf(content))[0].embedded.sig_object["/Reason"])
    with opened(Pkcs12(journey.folder / key, "test")) as held:
        made = put_signature(content, held, name="Rose Controller", reason=reason, fields=tuple(REVIEWERS), at=datetime.now(UTC), timestamper=None)
    place = tmp_path / key.replace(".p12", ".pdf")
    place.write_bytes(made)
    return place


def test_a_foreign_certificate_is_named(signed, tmp_path):
    assert "foreign_certificate" in signed.codes(forged(signed, tmp_path, "stranger.p12"))


@pytest.mark.slow
def test_an_expired_certificate_is_named_even_if_it_is_pinned(signed, tmp_path):
    journey = signed.copy(tmp_path / "copy")
    pem = journey.folder / "old.pem"
    journey.run("register", "reviewer", "Rose Controller", "--role", "controller", "--certificate", pem, "--url", journey.url)
    assert "certificate_expired" in journey.codes(forged(signed, tmp_path, "old.p12"))


@pytest.mark.slow
def test_a_study_that_was_run_again_is_named_by_the_folder_and_by_the_register(signed, tmp_path, credit_study):
    journey = signed.copy(tmp_path / "copy")
    activity = scoring.ProcessingActivity.model_validate(credit_study.document)
    source = scoring.ProcessingActivity.read(Path(__file__).parents[2] / "data/samples/credit/activity.yaml").study.source
    again = activity.model_copy(update={"study": activity.study.model_copy(update={"seed": 2, "source": source})})
    scoring.conduct_study(again).save(journey.folder / "again")
    assert "study_changed" in journey.codes(study=filed(journey.folder / "again"))
    journey.run("review", "submit", journey.folder / "again", "--by", AUTHOR)
    assert "study_changed" in journey.codes()
    said = journey.run("review", "show", journey.folder / "again")
    assert "no longer covers the study" in said


def edited(journey, *statements):
    """Change the database behind the register's back, as somebody who may write the file can."""
    with sqlite3.connect(journey.folder / "register.db") as base:
        for name, sql in base.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall():
            assert sql
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            base.execute(statement)
    base.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE signatures SET file_sha256 = replace(file_sha256, substr(file_sha256, 1, 8), '00000000')", "register_file"),
        ("DELETE FROM signatures WHERE written = (SELECT max(written) FROM signatures)", "register_missing"),
        ("DELETE FROM trail WHERE sequence > (SELECT max(sequence) - 2 FROM trail)", "trail_cut"),
        ("UPDATE trail SET actor = 'somebody else' WHERE sequence = 4", "event"),
        ("UPDATE reviews SET status = 'draft'", "row_changed"),
    ],
)
def test_each_change_of_the_register_is_named(signed, tmp_path, statement, code):
    journey = signed.copy(tmp_path / "copy")
    edited(journey, statement)
    found = journey.codes()
    assert code in found or (code == "trail_cut" and found & {"cut", "head"}), found


@pytest.mark.slow
def test_a_trail_whose_head_was_mended_after_the_cut_is_named_by_the_signed_dossier(signed, tmp_path):
    journey = signed.copy(tmp_path / "copy")
    last = "(SELECT max(sequence) FROM trail)"
    mend = f"UPDATE trail_head SET sequence = {last}, hash = (SELECT hash FROM trail WHERE sequence = {last})"
    edited(journey, "DELETE FROM signatures", "DELETE FROM trail WHERE sequence > (SELECT max(sequence) - 3 FROM trail)", mend)
    assert journey.codes() & {"trail_cut", "cut"}


def test_the_package_for_the_authority_is_checked_too(reviewed, tmp_path):
    package = tmp_path / "package.zip"
    reviewed.run("dossier", reviewed.study, "--format", "zip", "--out", package, "--quiet")
    assert "as it was written" in reviewed.run("verify", package)
    package.write_bytes(tampering.flipped(package.read_bytes(), 200))
    reviewed.run("verify", package, code=2)


def test_what_the_gate_is_told_by_the_register_is_heard(reviewed, tmp_path):
    answer = tmp_path / "answer.yaml"
    answer.write_text(
        "kind: answer\nactivity: CREDIT-2026-01\nrule: EU-GDPR-6\nby: Lea Jurist\nat: 2026-11-10\nreason: Before a contract.\nsatisfied: true\n",
        encoding="utf-8",
    )
    reviewed.run("register", "enter", answer, "--url", reviewed.url)
    out = tmp_path / "d.md"
    reviewed.run("dossier", reviewed.study, "--format", "md", "--out", out, "--quiet")
    assert "Lea Jurist" in out.read_text(encoding="utf-8")
    assert json.loads(reviewed.run("review", "show", reviewed.study, "--json"))["state"] == "reviewed"
