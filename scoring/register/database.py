"""The database of the register: SQLite by default, PostgreSQL by URL. No password reaches a log, an error or a `repr`."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from scoring.errors import EquiscoreError
from scoring.register.models import Record
from scoring.register.trail import Event, Head, head_of, keep, locked_head, record
from scoring.register.upgrading import is_current, upgrade

DEFAULT: Final = "sqlite:///register.db"
_BUSY_SECONDS: Final = 60
"""How long a writer of SQLite waits for the others."""
_DRIVERS: Final = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class Register:
    """An open register: reading, writing, closing. What is written goes through `keep` or `record`, with its event."""

    def __init__(self, engine: Engine, described: str) -> None:
        self.described = described
        self.engine = engine
        self._writer = engine.execution_options(register_writes=True)
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if engine.dialect.name == "postgresql" else {}
        self._reader = engine.execution_options(**snapshot)

    def __repr__(self) -> str:
        return f"<Register {self.described}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Lend a session that writes: all of the block or nothing; other writers wait.

        Raises
        ------
        EquiscoreError
            The database refuses: a reference to a row that is not there, a doubled fingerprint, no right to write, no answer.
        """
        with explained(self.described), Session(self._writer, expire_on_commit=False) as session, session.begin():
            locked_head(session)  # before any row is touched, so that two writers cannot wait for each other
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Lend a session that reads the register as it is at one moment, whatever others write meanwhile."""
        with explained(self.described), Session(self._reader, expire_on_commit=False) as session:
            yield session

    def keep(self, *rows: Record, actor: str, at: dt.datetime, kind: str | None = None) -> tuple[Event, ...]:
        """Write rows, new or changed, each with its event; all or none."""
        with self.writing() as session:
            return tuple(keep(session, row, actor=actor, at=at, kind=kind) for row in rows)

    def record(self, kind: str, subject: str, payload: dict[str, Any], *, actor: str, at: dt.datetime) -> Event:
        """Append an event that changes no row, such as a reading that must be told."""
        with self.writing() as session:
            return record(session, kind, subject, payload, actor=actor, at=at)

    def head(self) -> Head:
        """Return number and hash of the last event, to be put into what is signed."""
        with self.reading() as session:
            return head_of(session)


def open_register(url: str | Path = DEFAULT) -> Register:
    """Open a register, and make it or bring its schema up to date where needed.

    Parameters
    ----------
    url
        ``sqlite:///register.db`` or a path; ``postgresql://host/name`` (also ``postgresql+psycopg://``).

    Raises
    ------
    EquiscoreError
        A URL that cannot be read, no answer, a schema newer than this software, or a database that is none of ours.

    >>> import datetime as dt
    >>> with open_register("sqlite://") as register:
    ...     event = register.record("notes.added", "notes/1", {"text": "opened"}, actor="A. Martin", at=dt.datetime(2026, 11, 22, tzinfo=dt.UTC))
    ...     register.head() == event.head, event.sequence
    (True, 1)
    """
    place = _place(str(url))
    register = Register(_engine(place), _described(place))
    try:
        with explained(register.described):
            _bring_up_to_date(register)
    except BaseException:
        register.close()
        raise
    return register


def _place(text: str) -> URL:
    """Read a URL; the text itself, which may hold a password, is in no error."""
    try:
        url = make_url(text if "://" in text else f"sqlite:///{text}")
    except (ArgumentError, ValueError):
        raise EquiscoreError("The URL of the register cannot be read. Fix: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.") from None
    if url.drivername not in _DRIVERS:
        raise EquiscoreError(f"No register in {url.drivername!r}. Fix: use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.")
    return url.set(drivername=_DRIVERS[url.drivername])


def _described(url: URL) -> str:
    """Say where the register is, without the account."""
    kind = url.get_backend_name()
    return f"{kind}:///{url.database or ''}" if kind == "sqlite" else f"{kind}://{url.host or 'localhost'}/{url.database or ''}"


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return create_engine(url, hide_parameters=True, pool_pre_ping=True)


def _sqlite(url: URL) -> Engine:
    """Make an engine for one file (or memory): one writer at a time, references checked, a change on the disk before it is told."""
    memory = url.database in {None, "", ":memory:"}
    if not memory:
        _own_file(Path(str(url.database)))
    pool: dict[str, Any] = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}} if memory else {}
    engine = create_engine(url, hide_parameters=True, **({"connect_args": {"timeout": _BUSY_SECONDS}} | pool))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # sqlite3 would begin by itself, and too late
        for said in (f"busy_timeout = {_BUSY_SECONDS * 1000}", "foreign_keys = ON", "synchronous = FULL"):
            connection.execute(f"PRAGMA {said}")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
            connection.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("register_writes") else "BEGIN")

    return engine


def _own_file(path: Path) -> None:
    """Make a new file readable by its owner only: a register names persons."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise EquiscoreError(f"{path}: cannot be opened ({error.strerror}). Fix: choose a file in a folder that you may write to.") from None


def _bring_up_to_date(register: Register) -> None:
    with register.engine.connect() as connection:
        current = is_current(connection)
    if not current:
        with register._writer.begin() as connection:  # noqa: SLF001  (its own module)
            upgrade(connection)


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what a database says into one error of ours; neither the account nor the values of a statement are in it."""
    try:
        yield
    except DBAPIError as error:
        said = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        raise EquiscoreError(f"{where}: {_unnamed(said)}. Fix: {_fix(error)}.") from None
    except SQLAlchemyError as error:
        raise EquiscoreError(f"{where}: {type(error).__name__}. Fix: check the URL, the account and its rights.") from None


def _unnamed(said: str) -> str:
    """Return the complaint of a driver without the account."""
    return re.sub(r'(user|role) "[^"]*"', r"\1 (not shown)", said).strip(" .") or "no connection"


_FIXES: Final[tuple[tuple[Callable[[str], bool], str], ...]] = (
    (lambda said: "append-only" in said, "add an event; what was written stays"),
    (lambda said: "foreign key" in said, "add first what the row refers to (activity, study, reviewer ...)"),
    (lambda said: "unique" in said, "what must be there once is there already; look it up"),
    (lambda said: "locked" in said, "try again when the other writers are done"),
    (lambda said: "not a database" in said, "give another file"),
)


def _fix(error: DBAPIError) -> str:
    said = str(error.orig).lower()
    return next((fix for holds, fix in _FIXES if holds(said)), "check the URL, the account and its rights")
