"""The trail: appended to and never changed; whatever is changed behind its back is named."""

import datetime as dt
import hashlib
import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from scoring.errors import EquiscoreError
from scoring.register import GENESIS, Head, history, open_register, verify
from scoring.register.canonical import canonical
from scoring.register.models import Activity, Document, Study, Training
from scoring.register.trail import event_hash, keep, record

AT = dt.datetime(2026, 11, 22, 13, 30, tzinfo=dt.UTC)
BY = {"actor": "A. Martin", "at": AT}


def training(name, **given):
    return Training(id=name, person="B. Petit", held=AT.date(), document={"subject": "exclusion"}, **given)


def act(name="A-1"):
    return Activity(id=name, name="Scoring", controller="Company", status="active", search="scoring", document={"reference": name})


@pytest.fixture
def written(register):
    """Six events: three rows, one of them changed, and two notes."""
    register.keep(act(), training("t1"), training("t2"), **BY)
    register.record("notes.added", "notes/1", {"text": "read"}, **BY)
    changed = act()
    changed.status = "stopped"
    register.keep(changed, **BY)
    register.record("notes.added", "notes/2", {}, **BY)
    return register


SWAP = [f"UPDATE trail SET sequence = {to} WHERE sequence = {was}" for was, to in ((4, 60), (6, 4), (60, 6))]
ADDED = "INSERT INTO training (id, written, person, held, document) SELECT 't3', 1, person, held, document FROM training WHERE id = 't1'"


def tamper(register, *statements, guards=True):
    """Do what somebody with the rights of the database could do."""
    postgres = register.engine.dialect.name == "postgresql"
    with register.engine.connect() as connection:
        if guards and postgres:
            connection.execute(text("SET session_replication_role = replica"))
        elif guards:
            kept = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
            for name, _ in kept:
                connection.execute(text(f"DROP TRIGGER {name}"))
            connection.commit()
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(text(statement))
        if guards and postgres:
            connection.execute(text("SET session_replication_role = DEFAULT"))
        elif guards:
            for _, sql in kept:
                connection.exec_driver_sql(sql)
        connection.commit()
        if guards and not postgres:
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")


def codes(register, head=None):
    return [problem.code for problem in verify(register, head=head)]


def test_a_new_register_is_empty_and_sound(register):
    assert (register.head(), verify(register), verify(register, head=GENESIS)) == (GENESIS, (), ())


def test_events_are_numbered_without_a_gap_and_chained(written):
    with written.reading() as session:
        rows = session.execute(text("SELECT sequence, previous, hash FROM trail ORDER BY sequence")).all()
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row[1] for row in rows] == [GENESIS.hash, *(row[2] for row in rows[:-1])]
    assert written.head() == Head(6, rows[-1][2])


def test_the_hash_of_an_event_is_the_sha256_of_its_fields_as_anybody_can_work_it_out(written):
    event = history(written, "notes/1")[0]
    fields = {name: getattr(event, name) for name in ("sequence", "kind", "subject", "actor", "at", "row_sha256", "payload", "previous")}
    by_hand = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert event.hash == hashlib.sha256(by_hand).hexdigest()
    assert event.at == "2026-11-22T13:30:00.000000Z"


def test_a_row_can_be_derived_from_its_last_event(written):
    first, last = history(written, "activities/A-1")
    with written.reading() as session:
        row = session.get(Activity, "A-1")
    told = json.loads(last.payload)["row"]
    assert told == {
        "id": "A-1",
        "name": "Scoring",
        "controller": "Company",
        "status": "stopped",
        "search": "scoring",
        "document": {"reference": "A-1"},
    }
    assert row.written == last.sequence
    assert (first.kind, last.kind) == ("activities.added", "activities.changed")
    assert last.row_sha256 == hashlib.sha256(canonical(told).encode()).hexdigest()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trail SET actor = 'nobody' WHERE sequence = 2",
        "DELETE FROM trail WHERE sequence = 6",
        "UPDATE trail SET sequence = 60 WHERE sequence = 6",
    ],
)
def test_the_database_refuses_to_change_or_delete_an_event(written, statement):
    head = written.head()
    with pytest.raises(EquiscoreError, match=r"append-only.*Fix: add an event"), written.writing() as session:
        session.execute(text(statement))
    assert (written.head(), verify(written)) == (head, ())


def test_the_database_refuses_to_empty_or_replace_the_trail(written):
    postgres = written.engine.dialect.name == "postgresql"
    said = "TRUNCATE trail CASCADE" if postgres else "INSERT OR REPLACE INTO trail SELECT 1, 'a.b', 's', 'a', 't', NULL, '{}', 'p', 'h'"
    with pytest.raises(EquiscoreError, match="append-only"), written.writing() as session:
        session.execute(text(said))


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(["UPDATE trail SET actor = 'nobody' WHERE sequence = 4"], ["event"], id="an actor edited"),
        pytest.param(["UPDATE trail SET payload = '{ }' WHERE sequence = 6"], ["event"], id="a payload edited, the same JSON"),
        pytest.param(["UPDATE trail SET row_sha256 = NULL WHERE sequence = 2"], ["event", "row_unknown"], id="the digest of a row taken away"),
        pytest.param(["DELETE FROM trail WHERE sequence = 4"], ["gap"], id="an event deleted"),
        pytest.param(["DELETE FROM trail WHERE sequence = 6"], ["head"], id="the last event deleted"),
        pytest.param(SWAP, ["order", "event", "order", "order", "event", "head"], id="two events swapped"),
        pytest.param(["UPDATE trail_head SET sequence = 7"], ["head"], id="the head edited"),
        pytest.param(["UPDATE activities SET status = 'active'"], ["row_changed"], id="a column edited"),
        pytest.param(["UPDATE activities SET document = '{\"reference\": \"A-1\"}'"], ["row_changed"], id="a document written otherwise"),
        pytest.param(["UPDATE activities SET document = 'no JSON'"], ["row_changed"], id="a document spoilt"),
        pytest.param(["UPDATE training SET held = 'never' WHERE id = 't1'"], ["row_changed"], id="a day spoilt"),
        pytest.param(["UPDATE training SET written = 3 WHERE id = 't1'"], ["row_changed"], id="another event named"),
        pytest.param(["DELETE FROM training WHERE id = 't2'"], ["row_missing"], id="a row deleted"),
        pytest.param([ADDED], ["row_unknown"], id="a row added"),
    ],
)  # fmt: skip
def test_what_was_changed_behind_the_register_is_named(written, statements, found):
    tamper(written, *statements)
    problems = verify(written)
    assert [problem.code for problem in problems] == found
    assert all(problem.said(language) for problem in problems for language in ("en", "fr"))


def test_a_guard_that_is_gone_is_named(written):
    on = " ON trail" if written.engine.dialect.name == "postgresql" else ""
    tamper(written, f"DROP TRIGGER trail_update{on}", guards=False)
    assert codes(written) == ["guard"]


NEUTERED = {
    "sqlite": ("DROP TRIGGER trail_update", "CREATE TRIGGER trail_update BEFORE UPDATE ON trail BEGIN SELECT 1; END"),
    "postgresql": ("CREATE OR REPLACE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",),
}


def test_a_guard_that_is_there_and_lets_everything_pass_is_named(written):
    tamper(written, *NEUTERED[written.engine.dialect.name], guards=False)
    assert set(codes(written)) == {"guard"}


@pytest.mark.full
def test_a_guard_that_fires_for_copies_only_is_named(new_database):
    with open_register(new_database()) as register:
        tamper(register, "ALTER TABLE trail ENABLE REPLICA TRIGGER trail_update", guards=False)
        assert codes(register) == ["guard"]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE trail SET hash = 'é' WHERE sequence = 6", ["event", "head"]),
        ("UPDATE trail_head SET hash = 'é'", ["head"]),
        ("DELETE FROM trail_head", ["head"]),
        (f"UPDATE training SET document = '{'[' * 50_000}{']' * 50_000}' WHERE id = 't1'", ["row_changed"]),
    ],
    ids=["hash", "head", "no head", "deep document"],
)
def test_what_cannot_be_read_is_named_and_stops_nothing(written, statement, found):
    tamper(written, statement)
    assert codes(written) == found


def test_a_cut_that_also_mends_the_head_shows_against_a_head_kept_elsewhere(written):
    kept = written.head()
    tamper(written, "DELETE FROM trail WHERE sequence = 6", "UPDATE trail_head SET sequence = 5, hash = (SELECT hash FROM trail WHERE sequence = 5)")
    assert (codes(written), codes(written, kept)) == ([], ["cut"])
    written.record("notes.added", "notes/2", {"other": True}, **BY)
    assert codes(written, kept) == ["other_head"]


def test_a_trail_that_went_on_still_holds_the_head_that_was_kept(written):
    kept = written.head()
    written.record("notes.added", "notes/3", {}, **BY)
    assert verify(written, head=kept) == ()


def test_bytes_of_a_document_are_held_by_their_digest(register):
    register.keep(Document(id="d", name="dossier.pdf", content=b"%PDF", document={}), **BY)
    assert verify(register) == ()
    assert "sha256:" in history(register, "documents/d")[0].payload
    tamper(register, "UPDATE documents SET content = name" if register.engine.dialect.name == "sqlite" else "UPDATE documents SET content = 'other'")
    assert codes(register) == ["row_changed"]


def divide(number):
    return number / 0


def test_a_change_that_fails_leaves_no_event(written):
    head = written.head()
    lost = Study(id="0" * 64, activity="none", as_of=AT.date(), exclusion=0, unsettled=0, within=0, document={})
    with pytest.raises(EquiscoreError, match="add first what the row refers to"):
        written.keep(training("t9"), lost, **BY)
    with pytest.raises(ZeroDivisionError), written.writing() as session:
        divide(keep(session, training("t9"), **BY).sequence)
    assert (written.head(), codes(written)) == (head, [])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kind": "Added"}, "no kind of event"),
        ({"kind": "a.b; DROP"}, "no kind of event"),
        ({"subject": "a\x00"}, "no subject"),
        ({"subject": "a" * 401}, "no subject"),
        ({"actor": " "}, "no actor"),
        ({"actor": "\ud800"}, "no actor"),
        ({"at": AT.replace(tzinfo=None)}, "without a time zone"),
        ({"payload": {"x": float("nan")}}, "kept as JSON"),
        ({"payload": {"x": "\ud800"}}, "kept as JSON"),
        ({"payload": {"x": AT}}, "kept as JSON"),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused(register, given, says):
    event = {"kind": "notes.added", "subject": "notes/1", "payload": {}, **BY, **given}
    with pytest.raises(EquiscoreError, match=rf"{says}.*Fix:"), register.writing() as session:
        record(session, **event)
    assert register.head() == GENESIS


HOSTILE = [
    "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{ 7*7 }} #eval", "'; DROP TABLE trail; --", "$(reboot) `id`", "\u202eabc\u200b\ufeff",
    "é" * 300_000,
        "مرحبا 😀 \U0001f468\u200d\U0001f469", "nul \x00 bell \x07", "%s %(x)s :x ? _ %",
]  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE, ids=lambda words: ascii(words[:12]))
def test_hostile_text_is_text(register, words):
    register.record("notes.added", "notes/1", {words[:50]: words}, **BY)
    register.keep(Training(id="t", person="B", held=AT.date(), document={"text": words}), **BY)
    with register.reading() as session:
        assert session.get(Training, "t").document == {"text": words}
    assert json.loads(history(register, "notes/1")[0].payload) == {words[:50]: words}
    assert verify(register) == ()


def test_threads_of_one_register_do_not_fork_the_chain(register):
    def work(name):
        for i in range(20):
            register.record("notes.added", f"notes/{name}-{i}", {}, **BY)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (register.head().sequence, verify(register)) == (80, ())


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8)


@settings(max_examples=60, deadline=None)
@given(content=JSON)
def test_canonical_json_reads_back_and_is_written_one_way(content):
    try:
        written = canonical(content)
    except EquiscoreError:
        assert any(0xD800 <= ord(sign) < 0xE000 for sign in json.dumps(content, ensure_ascii=False))
        return
    assert json.loads(written) == content
    assert canonical(json.loads(written)) == written


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=5)), min_size=1, max_size=8), edit=st.integers(0, 7))
def test_any_sequence_of_changes_verifies_and_any_edit_of_the_last_hash_does_not(steps, edit):
    with open_register("sqlite://") as register:
        for name, words in steps:
            register.keep(Training(id=name, person="B", held=AT.date(), document={"text": words}), **BY)
        assert verify(register) == ()
        assert register.head().sequence == len(steps)
        kept = Head(edit % len(steps) + 1, "0" * 64)
        assert codes(register, kept) == ["other_head"]


def test_a_head_is_read_as_it_is_written():
    head = Head(7, "ab" * 32)
    assert Head.read(f" {head}\n") == head
    with pytest.raises(EquiscoreError, match="no head of a trail"):
        Head.read("7:xyz")


def test_the_hash_tells_every_field_apart():
    told = {"sequence": 1, "kind": "a.b", "subject": "s", "actor": "a", "at": "t", "row_sha256": None, "payload": "{}", "previous": "p"}
    others = [{**told, name: 2 if name == "sequence" else f"{value}x"} for name, value in told.items()]
    assert len({event_hash(**told), *(event_hash(**other) for other in others)}) == 9
