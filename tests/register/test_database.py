"""Opening: which databases, which schema, and what no error may tell."""

import datetime as dt
import logging
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from scoring.errors import EquiscoreError
from scoring.register import GENESIS, open_register, upgrading
from scoring.register.models import Base, Record, Reviewer, record_tables

AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
BY = {"actor": "A. Martin", "at": AT}


def test_the_migrations_make_what_the_models_say(register):
    def of_ours(_, name, kind, *__):
        return not (kind == "table" and name == upgrading.VERSION_TABLE)

    with register.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": of_ours, "compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_table_but_the_trail_is_one_that_the_trail_answers_for():
    assert set(Base.metadata.tables) - {"trail", "trail_head"} == set(record_tables())
    assert len(record_tables()) == len(Record.__subclasses__())


def test_opening_again_changes_nothing(url):
    with open_register(url) as register:
        register.record("notes.added", "notes/1", {}, **BY)
        head = register.head()
    with open_register(url) as register:
        assert register.head() == head


def test_many_may_open_a_new_register_at_once(url):
    code = "import sys; from scoring.register import open_register; print(open_register(sys.argv[1]).head().sequence)"
    processes = [subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    found = [process.communicate(timeout=60) for process in processes]
    assert [out.strip() for out, _ in found] == ["0"] * 6, found


def test_a_newer_schema_is_refused_and_left_alone(register, url):
    with register.engine.begin() as connection:
        connection.execute(text(f"UPDATE {upgrading.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(EquiscoreError, match=r"newer Equiscore \(schema 9999\).*Fix: update"):
        open_register(url)
    with register.engine.connect() as connection:
        assert connection.scalar(text(f"SELECT version_num FROM {upgrading.VERSION_TABLE}")) == "9999"


NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None
def upgrade():
    op.create_table("consents", sa.Column("id", sa.String(10), primary_key=True))
    {then}
"""


@pytest.fixture
def next_migration(tmp_path, monkeypatch):
    """A function that adds a migration, as a later version will."""
    here = tmp_path / "migrations"
    shutil.copytree(Path(upgrading.__file__).parent / "migrations", here)
    script = upgrading.ScriptDirectory

    def add(then):
        (here / "versions" / "r0002_consents.py").write_text(NEXT.format(then=then))
        monkeypatch.setattr(upgrading, "ScriptDirectory", lambda _: script(str(here)))

    return add


def test_a_register_of_before_is_brought_up_to_date(register, url, next_migration):
    event = register.record("notes.added", "notes/1", {}, **BY)
    next_migration("pass")
    with open_register(url) as later:
        with later.reading() as session:
            assert session.scalars(text("SELECT id FROM consents")).all() == []
            assert session.scalars(text(f"SELECT version_num FROM {upgrading.VERSION_TABLE}")).all() == ["0002"]
        assert later.head() == event.head


def test_a_migration_that_fails_leaves_the_register_as_it_was(register, url, next_migration):
    next_migration("op.execute('SELECT no FROM nothing')")
    with pytest.raises(EquiscoreError, match="Fix:"):
        open_register(url)
    with register.reading() as session:
        assert session.scalars(text(f"SELECT version_num FROM {upgrading.VERSION_TABLE}")).all() == ["0001"]
    next_migration("pass")
    open_register(url).close()


def test_a_database_of_something_else_is_refused(url, register, tmp_path):
    with register.engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {upgrading.VERSION_TABLE}"))
    with pytest.raises(EquiscoreError, match=r"holds other tables \(activities.*Fix: give an empty database"):
        open_register(url)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear Sir" * 1000)
    with pytest.raises(EquiscoreError, match=r"not a database.*Fix: give another file"):
        open_register(tmp_path / "letter.txt")


def test_a_folder_that_is_not_there_is_one_error(tmp_path):
    with pytest.raises(EquiscoreError, match=r"cannot be opened.*Fix:"):
        open_register(tmp_path / "none" / "register.db")


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_the_file_is_for_its_owner_only(tmp_path):
    with open_register(tmp_path / "register.db") as register:
        register.record("notes.added", "notes/1", {}, **BY)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}


def test_sqlite_waits_checks_references_and_writes_through(tmp_path):
    with open_register(tmp_path / "register.db") as register, register.reading() as session:
        told = {name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")}
    assert told == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 60_000}


@pytest.mark.parametrize("url", ["mysql://anne:s3cret@host/x", "postgresql://anne:s3cret@host:port/x", "oracle://anne:s3cret@host/x", "s3cret://"])
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url):
    with pytest.raises(EquiscoreError, match=r"Fix: .*sqlite:///FILE or postgresql:") as caught:
        open_register(url)
    assert "s3cret@" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_does_not_answer_is_one_error_without_the_account(caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(EquiscoreError, match=r"Connection refused.*Fix:") as caught:
        open_register("postgresql://anne:s3cret@127.0.0.1:1/x")
    for told in (str(caught.value), caplog.text):
        assert "s3cret" not in told
        assert "anne" not in told


@pytest.mark.full
def test_neither_password_nor_account_nor_values_are_told(server, new_database, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(EquiscoreError, match="Fix: check the URL, the account and its rights") as caught:
        open_register(server.replace("s3cret-word", "wr0ng-word") + "/postgres")
    url = new_database()
    with open_register(url) as register:
        register.keep(Reviewer(id="1", name="Zoé", role="dpo", fingerprint="f", status="active", document={}), **BY)
        with pytest.raises(EquiscoreError, match="is there already") as doubled:
            register.keep(Reviewer(id="2", name="Zoé", role="dpo", fingerprint="f", status="active", document={}), **BY)
        told = [str(caught.value), str(doubled.value), repr(register), register.described, caplog.text]
    for text_ in told:
        assert not [word for word in ("wr0ng", "s3cret", "anne", "Zoé") if word in text_]


@pytest.mark.full
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
def test_postgresql_may_be_written_three_ways(new_database, scheme):
    with open_register(new_database().replace("postgresql", scheme, 1)) as register:
        assert register.head() == GENESIS
