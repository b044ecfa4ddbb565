"""What people enter by a file: each kind is kept as it was said, and every fault is told at once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from scoring.activity import ProcessingActivity
from scoring.errors import EquiscoreError
from scoring.register import add_activity, open_register, verify
from scoring.register.forms import KINDS, enter, read_form
from scoring.register.models import record_tables

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ACTIVITY = "CREDIT-2026-01"
CREDIT = Path(__file__).parents[2] / "data/samples/credit/activity.yaml"
SAID = {
    "opinion": {"of": "dpo", "by": "Denis", "at": "2026-11-10", "favourable": True, "text": "Favourable."},
    "answer": {"rule": "EU-GDPR-6", "by": "Lea", "at": "2026-11-10", "reason": "Art. 6(1)(b).", "satisfied": True},
    "incident": {"at": "2026-11-10", "what": "Score fed with the wrong file", "people": 40, "done": "Scored again"},
    "deviation": {"at": "2026-11-10", "what": "Used for canvassing", "by": "Anna", "decided": "Stopped"},
    "contract": {"party": "Example Hosting", "role": "processor", "object": "Hosting", "clauses": ["audit"], "signed": "2025-03-01"},
    "notice": {"language": "fr", "valid_from": "2026-01-01", "to": "Demandeurs", "when": "Avec le formulaire", "says": "Un score", "version": "3"},
    "training": {"person": "Anna", "held": "2026-06-01", "what": "Reading a score"},
    "clause": {"title": "Audit", "language": "en", "version": "1", "text": "The controller may audit."},
}
OF_NO_ACTIVITY = {"training", "clause"}


@pytest.fixture
def register(tmp_path):
    with open_register(f"sqlite:///{tmp_path / 'r.db'}") as made:
        add_activity(made, ProcessingActivity.read(CREDIT).document(), actor="test", at=NOW)
        yield made


def written(folder, kind, **said):
    path = folder / f"{kind}.yaml"
    activity = {} if kind in OF_NO_ACTIVITY else {"activity": ACTIVITY}
    path.write_text(yaml.safe_dump({"kind": kind, **activity, **SAID.get(kind, {}), **said}, allow_unicode=True), encoding="utf-8")
    return path


def test_every_kind_is_tried():
    assert set(SAID) == set(KINDS)


@pytest.mark.parametrize("kind", SAID)
def test_what_is_said_is_kept_as_it_was_said_and_the_trail_answers_for_it(register, tmp_path, kind):
    before = register.head().sequence
    events = enter(register, read_form(written(tmp_path, kind)), actor="test", at=NOW)
    assert register.head().sequence == before + len(events)
    tables = record_tables()
    with register.reading() as session:
        rows = [row for event in events for row in session.scalars(select(tables[event.subject.split("/")[0]])) if row.written == event.sequence]
    told = rows[-1].document
    assert {name: told[name] for name in SAID[kind]} == SAID[kind]
    assert verify(register) == ()


def test_the_same_said_twice_is_one_row_and_two_events(register, tmp_path):
    form = read_form(written(tmp_path, "opinion"))
    enter(register, form, actor="test", at=NOW)
    enter(register, form, actor="test", at=NOW)
    with register.reading() as session:
        assert len(list(session.scalars(select(record_tables()["opinions"])))) == 1


def test_every_fault_is_told_at_once_with_its_line(tmp_path):
    path = written(tmp_path, "opinion", of="lawyer", at="soon", texte="x")
    with pytest.raises(EquiscoreError) as told:
        read_form(path)
    said = str(told.value)
    assert all(f"{path}:" in line and "Fix:" in line for line in said.splitlines()[1:])
    assert {"of", "at", "texte"} <= {word.strip(":") for word in said.split()}


@pytest.mark.parametrize(
    ("kind", "said"),
    [("opinon", {}), ("opinion", {"sought": False}), ("incident", {"people": -1}), ("training", {"activity": "X"})],
    ids=["slip", "unsought dpo", "negative people", "key that it has not"],
)
def test_what_cannot_be_is_refused_with_its_fix(tmp_path, kind, said):
    with pytest.raises(EquiscoreError, match="Fix:"):
        read_form(written(tmp_path, kind, **said))


def test_an_entry_about_an_activity_that_is_not_there_writes_nothing(register, tmp_path):
    before = register.head()
    with pytest.raises(EquiscoreError, match="Fix:"):
        enter(register, read_form(written(tmp_path, "incident", activity="NOWHERE")), actor="test", at=NOW)
    assert register.head() == before


def test_text_of_any_kind_stays_text(register, tmp_path):
    hostile = "<script>alert(1)</script> =cmd|'/c calc'!A0 {{7*7}} \u202e $(id) '; DROP TABLE trail; --"
    enter(register, read_form(written(tmp_path, "incident", what=hostile)), actor=hostile, at=NOW)
    with register.reading() as session:
        assert next(iter(session.scalars(select(record_tables()["incidents"])))).document["what"] == hostile
    assert verify(register) == ()
