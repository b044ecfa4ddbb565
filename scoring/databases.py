"""Tables of a database as Arrow: SQLite by Python itself, PostgreSQL by ADBC (the extra `postgres`).

DuckDB's own extensions for both are fetched from the network at first use; a customer file is no reason to open one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from scoring.errors import ContractError


def fetch(url: str, table: str, columns: Sequence[str]) -> pa.Table:
    """Read the stated columns of a table, in the order of `columns`.

    Raises
    ------
    ContractError
        Unknown kind of database, no connection, no such table or column.
    """
    scheme = urlsplit(url).scheme.partition("+")[0]
    if scheme not in _READERS:
        raise ContractError(f"{scheme or url}: no reader for this database. Fix: use one of {', '.join(_READERS)}.")
    return _READERS[scheme](url, table, columns)


def _select(table: str, columns: Sequence[str]) -> str:
    """Write the query; every name is quoted, so that none can say more than a name."""
    listed, place = (separator.join(_quoted(part) for part in parts) for separator, parts in ((", ", columns), (".", table.split("."))))
    return f"SELECT {listed} FROM {place}"  # noqa: S608  (identifiers quoted)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sqlite(url: str, table: str, columns: Sequence[str]) -> pa.Table:
    path = Path(url.removeprefix("sqlite:///"))
    if not path.is_file():
        raise ContractError(f"{path}: no such SQLite file. Fix: correct study.source.url.")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            there = [row[1] for row in database.execute(f"PRAGMA table_info({_quoted(table)})")]
            _check(there, table, columns)
            rows = database.execute(_select(table, columns)).fetchall()
    except sqlite3.Error as error:
        raise ContractError(f"{path}: {error}. Fix: check that the file is a SQLite database and holds the table {table!r}.") from error
    # SQLite types each value by itself, so values travel as text and are cast as declared
    taken = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return pa.table(
        {
            name: pa.array([None if value is None else str(value) for value in column], pa.string())
            for name, column in zip(columns, taken, strict=True)
        }
    )


def _postgres(url: str, table: str, columns: Sequence[str]) -> pa.Table:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        raise ContractError("PostgreSQL needs a driver. Fix: pip install 'equiscore[postgres]'.") from error
    try:
        with dbapi.connect(url.replace("postgresql+psycopg", "postgresql", 1)) as database, database.cursor() as cursor:
            schema, _, name = table.rpartition(".")
            cursor.execute(
                "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1 AND ($2 = '' OR table_schema = $2)", (name, schema)
            )
            _check([row[0] for row in cursor.fetchall()], table, columns)
            cursor.execute(_select(table, columns))
            return cursor.fetch_arrow_table()
    except dbapi.Error as error:
        raise ContractError(f"{url.split('@')[-1]}: {str(error).splitlines()[0]}. Fix: check url, table and rights.") from error


def _check(there: Sequence[str], table: str, columns: Sequence[str]) -> None:
    if not there:
        raise ContractError(f"{table}: no such table. Fix: correct study.source.table.")
    for name in columns:
        if name not in there:
            raise ContractError.missing_column(name, table=table, has=there)


_READERS: Mapping[str, Callable[[str, str, Sequence[str]], pa.Table]] = {"sqlite": _sqlite, "postgresql": _postgres, "postgres": _postgres}
