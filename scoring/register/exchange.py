"""The whole register as one file of JSON lines, and back: SQLite to PostgreSQL and the other way, without loss, under the same head.

Line 1 says what the file is, then come the trail and the rows, then the SHA-256 of all lines before. Equal registers give equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import LargeBinary, func, insert, inspect, select, type_coerce, update
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from scoring.errors import EquiscoreError, raise_all
from scoring.register.canonical import Canonical, canonical
from scoring.register.checking import verify_in
from scoring.register.database import Register
from scoring.register.models import Base, Record, TrailEvent, TrailHead, record_tables
from scoring.register.trail import GENESIS, Head, head_of
from scoring.register.upgrading import schema_version

FORMAT: Final = 1
_BATCH: Final = 500


def export_register(register: Register, path: str | Path) -> Head:
    """Write the whole register to a file, for its owner only, whole or not at all; return the head that it was written at.

    Raises
    ------
    EquiscoreError
        The file cannot be written, or the database cannot be read.
    """
    place = Path(path).absolute()
    made: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        made = Path(name)
        with os.fdopen(handle, "wb") as stream, register.reading() as session:
            head = head_of(session)
            hashed = hashlib.sha256()
            for line in _lines(session, head):
                hashed.update(line)
                stream.write(line)
            stream.write(_line({"sha256": hashed.hexdigest()}))
            stream.flush()
            os.fsync(stream.fileno())
        made.replace(place)
    except json.JSONDecodeError:
        raise EquiscoreError(f"{register.described}: a document that is no JSON. Fix: see `equiscore register verify`.") from None
    except OSError as error:
        raise EquiscoreError(f"{place}: cannot be written ({error.strerror or error}). Fix: choose a folder that you may write to.") from None
    finally:
        if made is not None:
            made.unlink(missing_ok=True)
    return head


def _line(told: Mapping[str, Any]) -> bytes:
    return (canonical(told) + "\n").encode()


def _models() -> dict[str, type[Base]]:
    return {TrailEvent.__tablename__: TrailEvent, **record_tables()}


def _lines(session: Session, head: Head) -> Iterator[bytes]:
    counts = {name: session.scalar(select(func.count()).select_from(model)) for name, model in _models().items()}
    yield _line({"register": FORMAT, "schema": schema_version(), "head": str(head), "rows": counts})
    for name, model in _models().items():
        columns = inspect(model).columns.values()
        query = select(*(type_coerce(column, _as_written(column)).label(column.key) for column in columns))
        order = model.sequence if isinstance(model, type) and issubclass(model, TrailEvent) else _written(model)
        for row in session.execute(query.order_by(order).execution_options(yield_per=_BATCH)).mappings():
            yield _line({"table": name, "row": {key: _out(value) for key, value in row.items()}})


def _written(model: type[Base]) -> Any:
    return model.written if issubclass(model, Record) else None


def _as_written(column: Any) -> Any:
    """Return the type that hands a value out as it is stored; documents are read, so that the file is plain JSON."""
    return column.type if isinstance(column.type, Canonical) else NullType()


def _out(value: object) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def import_register(register: Register, path: str | Path) -> Head:
    """Read a whole register into an empty one; nothing is left where anything is wrong. Return the head, which is that of the file.

    Raises
    ------
    EquiscoreError
        The register is not empty; the file is cut short, changed, or of a newer schema; or what it holds is not as its trail tells.
    """
    place = Path(path)
    try:
        expected = _checked(place)
        with register.writing() as session:
            if not head_of(session).same(GENESIS):
                raise EquiscoreError(f"{register.described}: not empty. Fix: import into a new register.")
            _fill(session, place)
            session.execute(update(TrailHead).where(TrailHead.id == 1).values(sequence=expected.sequence, hash=expected.hash))
            raise_all(
                str(place), [EquiscoreError(f"{problem} Fix: ask for the file again; never mend it.") for problem in verify_in(session, expected)]
            )
    except OSError as error:
        raise EquiscoreError(
            f"{place}: cannot be read ({error.strerror or error}). Fix: give the file that `equiscore register export` wrote."
        ) from None
    return expected


def _checked(place: Path) -> Head:
    """Read the file once, hold it against its own digest, and return the head in its first line."""
    hashed, first, last = hashlib.sha256(), b"", b""
    with place.open("rb") as stream:
        for line in stream:
            hashed.update(last)
            first, last = first or line, line
    try:
        told, end = json.loads(first), json.loads(last)
        head, version, sound = Head.read(told["head"]), told["schema"], end["sha256"] == hashed.hexdigest() and told["register"] == FORMAT
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EquiscoreError(f"{place}: cut short, or no register. Fix: give the file that `equiscore register export` wrote, whole.") from None
    if not sound:
        raise EquiscoreError(f"{place}: changed or cut short since it was written. Fix: ask for the file again; never mend it.")
    if version != schema_version():
        raise EquiscoreError(f"{place}: schema {version}, this software writes {schema_version()}. Fix: export and import with one version.")
    return head


def _fill(session: Session, place: Path) -> None:
    """Insert the rows in the order of the file, some hundred at a time: the trail first, then each table after those it refers to."""
    models, name, batch = _models(), "", list[dict[str, Any]]()
    with place.open("rb") as stream:
        for told in map(json.loads, stream):
            if "row" not in told:
                continue
            if told["table"] not in models:
                raise EquiscoreError(f"{place}: no table {str(told['table'])[:40]!r} here. Fix: import with the version that exported it.")
            if batch and (told["table"] != name or len(batch) >= _BATCH):
                session.execute(insert(models[name]), batch)
                batch = []
            name = told["table"]
            batch.append(_in(models[name], told["row"]))
    if batch:
        session.execute(insert(models[name]), batch)


def _in(model: type[Base], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the file as the table takes it."""
    kinds = {column.key: column.type for column in inspect(model).columns}
    if set(row) != set(kinds):
        raise EquiscoreError(f"{model.__tablename__}: a row with other columns. Fix: import with the version that exported it.")
    return {key: _value(kinds[key], value) for key, value in row.items()}


def _value(kind: Any, value: Any) -> Any:
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value["base64"])
    from_text = getattr(kind, "process_result_value", None)
    return value if from_text is None or isinstance(kind, Canonical) else from_text(value, None)
