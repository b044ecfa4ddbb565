"""The whole register as a file: nothing is lost on the way, and nothing wrong is let in."""

import datetime as dt
import json
import os
import stat

import pytest
from sqlalchemy import text

from scoring import ProcessingActivity
from scoring.errors import EquiscoreError
from scoring.register import GENESIS, add_activity, export_register, import_register, open_register, verify
from scoring.register.canonical import sha256
from scoring.register.findings import add_study, findings_of, plan_measure
from scoring.register.models import Actor, Clause, Contract, Decision, Deviation, Incident, Notice, Opinion, Record, Training, record_tables
from scoring.register.people import add_document, add_reviewer, add_signature, fingerprint_of, keep_review

AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
DAY = AT.date()
BY = {"actor": "A. Martin", "at": AT}
DIGEST = "ab" * 32


@pytest.fixture(scope="module")
def declaration():
    from pathlib import Path

    return ProcessingActivity.read(Path(__file__).parents[2] / "data/samples/credit/activity.yaml").document()


@pytest.fixture
def full(register, declaration):
    """A register with rows in every table."""
    add_activity(register, declaration, **BY)
    judged = (("<25", "exclusion"), ("25+", "within tolerance"))
    shown = [{"attribute": "âge", "group": group, "metric": "selection_rate", "verdict": verdict, "ratio": 0.1 + 0.2} for group, verdict in judged]
    add_study(register, DIGEST, activity="CREDIT-2026-01", as_of=None, verdicts=shown, **BY)
    plan_measure(register, findings_of(register, DIGEST)[0].id, "Lower the cut-off", owner="C. Roux", due=DAY, **BY)
    add_reviewer(register, "dpo", name="Zoé\u202e", role="dpo", certificate=b"certificate", **BY)
    keep_review(register, DIGEST, "submitted", {"signers": ["dpo"]}, **BY)
    signed = {"reviewer": "dpo", "manifest": DIGEST, "file_sha256": sha256("%PDF"), "fingerprint": fingerprint_of(b"certificate")}
    add_signature(register, signed | {"head": str(register.head())}, **BY)
    add_document(register, "dossier.pdf", bytes(range(256)), media_type="application/pdf", **BY)
    about = {"activity": "CREDIT-2026-01", "document": {"text": "nul \x00 مرحبا 😀 " + "é" * 5000, "amount": 1e-7, "big": 10**30}}
    register.keep(
        Actor(id="host", name="Host", role="processor", document={}),
        Contract(id="c", actor="host", ends=DAY, **about),
        Notice(id="n", language="fr", valid_from=DAY, **about),
        Opinion(id="o", giver="dpo", given=DAY, **about),
        Decision(id="d", review=DIGEST, reviewer="dpo", decision="refuse", document={"text": "no"}),
        Incident(id="i", happened=DAY, status="open", **about),
        Deviation(id="v", study=None, found=DAY, status="open", **about),
        Training(id="t", person="B", held=DAY, document={}),
        Clause(id="k", title="Audit", language="fr", document={}),
        **BY,
    )
    return register


def counts(register):
    with register.reading() as session:
        return {name: session.scalar(text(f"SELECT count(*) FROM {name}")) for name in ["trail", *record_tables()]}


def test_every_table_is_carried_over(full, tmp_path):
    assert min(counts(full).values()) > 0
    head = export_register(full, tmp_path / "all.jsonl")
    assert head == full.head()
    with open_register(tmp_path / "other.db") as other:
        assert import_register(other, tmp_path / "all.jsonl") == head
        assert (counts(other), other.head(), verify(other, head=head)) == (counts(full), head, ())
        export_register(other, tmp_path / "again.jsonl")
        other.record("notes.added", "notes/1", {}, **BY)
        assert verify(other, head=head) == ()
    assert (tmp_path / "all.jsonl").read_bytes() == (tmp_path / "again.jsonl").read_bytes()


@pytest.mark.full
def test_sqlite_to_postgresql_and_back_gives_the_same_bytes(full, new_database, tmp_path):
    export_register(full, tmp_path / "0.jsonl")
    for step, url in enumerate((new_database(), f"sqlite:///{tmp_path / 'back.db'}", new_database())):
        with open_register(url) as register:
            import_register(register, tmp_path / f"{step}.jsonl")
            assert verify(register, head=full.head()) == ()
            export_register(register, tmp_path / f"{step + 1}.jsonl")
    assert len({(tmp_path / f"{step}.jsonl").read_bytes() for step in range(4)}) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_the_file_is_for_its_owner_only(full, tmp_path):
    export_register(full, tmp_path / "all.jsonl")
    assert stat.S_IMODE((tmp_path / "all.jsonl").stat().st_mode) == 0o600
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".all")]


def resealed(lines):
    """Lines with a digest that fits: a change by somebody who knows the form."""
    return [*lines, json.dumps({"sha256": sha256("".join(f"{line}\n" for line in lines))})]


def changed_row(lines):
    return resealed([line.replace('"Lower the cut-off"', '"Do nothing"') if '"findings"' in line else line for line in lines[:-1]])


MENDED = {
    "cut short": (lambda lines: lines[:-3], "cut short, or no register"),
    "a line dropped": (lambda lines: lines[:4] + lines[5:], "changed or cut short"),
    "a letter changed": (lambda lines: [line.replace("Martin", "Marten") for line in lines], "changed or cut short"),
    "a row changed and sealed again": (changed_row, "not as event"),
    "an event dropped and sealed again": (
        lambda lines: resealed([line for line in lines[:-1] if '"sequence":17' not in line]),
        "missing|(?i:foreign key)",
    ),
    "a row dropped and sealed again": (lambda lines: resealed([line for line in lines[:-1] if '"table":"clauses"' not in line]), "deleted outside"),
    "a table of its own": (lambda lines: resealed([*lines[:-1], '{"row":{},"table":"consents"}']), "no table 'consents'"),
    "a row with other columns": (lambda lines: resealed([*lines[:-1], '{"row":{"id":"x"},"table":"clauses"}']), "other columns"),
    "a newer schema": (lambda lines: resealed([lines[0].replace('"schema":"0001"', '"schema":"0009"'), *lines[1:-1]]), "schema 0009"),
    "empty": (lambda _: [], "no register"),
    "no register": (lambda _: ['{"a":1}'], "no register"),
}


@pytest.mark.parametrize("fault", MENDED)
def test_a_file_that_was_changed_is_refused_and_nothing_is_left(full, tmp_path, fault):
    mend, says = MENDED[fault]
    export_register(full, tmp_path / "all.jsonl")
    lines = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "all.jsonl").write_text("".join(f"{line}\n" for line in mend(lines)), encoding="utf-8")
    with open_register(tmp_path / "other.db") as other:
        with pytest.raises(EquiscoreError, match=rf"(?s)({says}).*Fix:"):
            import_register(other, tmp_path / "all.jsonl")
        assert (other.head(), set(counts(other).values())) == (GENESIS, {0})


def test_a_register_that_is_not_empty_takes_nothing_in(full, tmp_path):
    head = full.head()
    export_register(full, tmp_path / "all.jsonl")
    with pytest.raises(EquiscoreError, match=r"not empty.*Fix: import into a new register"):
        import_register(full, tmp_path / "all.jsonl")
    assert full.head() == head


def test_places_that_cannot_be_written_or_read_are_one_error(full, tmp_path):
    with pytest.raises(EquiscoreError, match=r"cannot be written.*Fix:"):
        export_register(full, tmp_path / "none" / "all.jsonl")
    with pytest.raises(EquiscoreError, match=r"cannot be read.*Fix:"):
        import_register(full, tmp_path / "none.jsonl")


def test_the_models_have_no_table_that_the_sample_forgets():
    assert len(Record.__subclasses__()) == 16
