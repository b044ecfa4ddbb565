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

from scoring.errors import ContractError, raise_all


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


def _select(names: Sequence[str], place: Sequence[str]) -> str:
    """Write the query; every name is quoted, so that none can say more than a name. `names` are written already."""
    return f"SELECT {', '.join(names)} FROM {'.'.join(map(_quoted, place))}"  # noqa: S608  (identifiers quoted)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sqlite(url: str, table: str, columns: Sequence[str]) -> pa.Table:
    path = Path(url.removeprefix("sqlite:///"))
    if not path.is_file():
        raise ContractError(f"{path}: no such SQLite file. Fix: correct study.source.url.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            place = table.split(".", maxsplit=1)
            there = [row[0] for row in database.execute("SELECT name FROM pragma_table_info(?, ?)", (place[-1], place[0] if place[1:] else "main"))]
            _check(there, table, columns)
            rows = database.execute(_select([_quoted(name) for name in columns], place)).fetchall()
    except sqlite3.Error as error:
        raise ContractError(f"{path}: {error}. Fix: check that the file is a SQLite database and holds the table {table!r}.") from error
    # SQLite types each value by itself, so values travel as text and are cast as declared
    taken = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return pa.table({name: pa.array(map(_as_text, column), pa.string()) for name, column in zip(columns, taken, strict=True)})


def _as_text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _postgres(url: str, table: str, columns: Sequence[str]) -> pa.Table:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        raise ContractError("PostgreSQL needs a driver. Fix: pip install 'equiscore[postgres]'.") from error
    place = table.split(".", maxsplit=1)
    try:
        with dbapi.connect(url.replace("postgresql+psycopg", "postgresql", 1)) as database, database.cursor() as cursor:
            # found as SELECT finds it: by the search path, views included
            cursor.execute(
                "SELECT attname::text, atttypid::regtype::text FROM pg_attribute "
                "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
                (".".join(map(_quoted, place)),),
            )
            kinds: dict[str, str] = dict(cursor.fetchall())
            _check(list(kinds), table, columns)
            # what Arrow has no plain type for (numeric, enum, uuid, inet ...) travels as text and is cast as declared
            names = [_quoted(name) + ("" if kinds[name] in _PLAIN else f"::text AS {_quoted(name)}") for name in columns]
            cursor.execute(_select(names, place))
            return cursor.fetch_arrow_table()
    except dbapi.Error as error:
        said = str(error).strip().splitlines()[0]
        raise ContractError(f"{table} in {url.rpartition('@')[2]}: {said}. Fix: check url, table, password and rights.") from error


_PLAIN = {"smallint", "integer", "bigint", "real", "double precision", "boolean", "date", "text", "character varying"}


def _check(there: Sequence[str], table: str, columns: Sequence[str]) -> None:
    if not there:
        raise ContractError(f"{table}: no such table. Fix: correct study.source.table.")
    raise_all(table, [ContractError.missing_column(name, table=table, has=there) for name in columns if name not in there])


_READERS: Mapping[str, Callable[[str, str, Sequence[str]], pa.Table]] = {"sqlite": _sqlite, "postgresql": _postgres, "postgres": _postgres}
