"""Is the register as it was written? The trail against itself, against a head kept elsewhere, and the tables against the trail."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import inspect, select, text, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from scoring.errors import EquiscoreError
from scoring.register.canonical import Canonical, canonical, stored
from scoring.register.canonical import sha256 as digest
from scoring.register.database import Register
from scoring.register.migrations.versions.r0001_register import GUARDS as _MADE
from scoring.register.models import Record, TrailEvent, record_tables
from scoring.register.trail import GENESIS, Head, event_hash, head_in
from scoring.texts import say

_BATCH: Final = 1000
GUARDS: Final[Mapping[str, Mapping[str, object]]] = {
    "sqlite": {made.split()[2]: made for made in _MADE["sqlite"]},
    "postgresql": {"trail_update": 19, "trail_delete": 11, "trail_truncate": 34},
}
"""How each trigger must be defined: its text in SQLite, its moment in PostgreSQL (`pg_trigger.tgtype`: row 1, before 2, delete 8, update 16)."""
_DEFINED: Final = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'trail'",
    # 'O' fires for whoever writes; no condition; and what it calls must still refuse
    "postgresql": (
        "SELECT tgname, tgtype FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE tgrelid = to_regclass('trail') "
        "AND tgenabled IN ('O', 'A') AND tgqual IS NULL AND prosrc = :refusal"
    ),
}
_REFUSAL: Final = _MADE["postgresql"][0].split("$$")[1]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was written.

    >>> print(Problem("row_missing", {"subject": "activities/A"}))
    activities/A: the trail tells of this row, but it is not in its table. It was deleted outside the register.
    """

    code: str
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def said(self, language: str) -> str:
        """Return it in plain words."""
        return say(f"register.problem_{self.code}", language, **self.fields)

    def __str__(self) -> str:
        return self.said("en")


def verify(register: Register, *, head: Head | None = None) -> tuple[Problem, ...]:
    """Hold the whole register against its trail; nothing is changed.

    Parameters
    ----------
    register
        An open register.
    head
        Head of the trail as it was noted elsewhere, such as in a signed dossier: without it a cut at the end cannot be seen
        when the head in the database was changed as well.

    Returns
    -------
    tuple of Problem
        Empty where all is as it was written: an event edited, deleted, reordered, added by hand or cut off; a guard that is gone;
        a row edited, deleted or added without its event.
    """
    with register.reading() as session:
        return tuple(verify_in(session, head))


def verify_in(session: Session, head: Head | None = None) -> Iterator[Problem]:
    """Yield the problems that `verify` returns, in the transaction of a session."""
    yield from _guards(session)
    told: dict[str, tuple[int, str]] = {}
    last = yield from _chain(session, told, head)
    if head is not None and head.sequence > last.sequence:
        yield Problem("cut", {"kept": head.sequence, "found": last.sequence})
    if not last.same(noted := head_in(session)):
        yield Problem("head", {"noted": noted.sequence, "found": last.sequence})
    for table, model in record_tables().items():
        yield from _rows(session, table, model, told)
    yield from (Problem("row_missing", {"subject": subject}) for subject in sorted(told))


def _guards(session: Session) -> Iterator[Problem]:
    """Hold the triggers of the trail against what was made: one of the same name that lets everything pass is none."""
    dialect = session.get_bind().dialect.name
    asked = text(_DEFINED[dialect])
    found = session.execute(asked.bindparams(refusal=_REFUSAL) if dialect == "postgresql" else asked)
    defined = {str(name): made for name, made in found}
    for name, made in sorted(GUARDS[dialect].items()):
        if defined.get(name) != made:
            yield Problem("guard", {"guard": name})


def _chain(session: Session, told: dict[str, tuple[int, str]], head: Head | None) -> Generator[Problem, None, Head]:
    """Walk the trail; note in `told` what each row should be; return the last head."""
    last = GENESIS
    columns = [column for column in inspect(TrailEvent).columns if column.key != "hash"]
    query = select(*columns, TrailEvent.hash).order_by(TrailEvent.sequence).execution_options(yield_per=_BATCH)
    for *values, found in session.execute(query):
        event = dict(zip((column.key for column in columns), values, strict=True))
        yield from _link(event, found, last)
        last = Head(event["sequence"], found)
        if head is not None and head.sequence == last.sequence and not head.same(last):
            yield Problem("other_head", {"sequence": last.sequence})
        if event["row_sha256"] is not None:
            told[event["subject"]] = (event["sequence"], event["row_sha256"])
    return last


def _link(event: Mapping[str, Any], found: str, last: Head) -> Iterator[Problem]:
    """Hold one event against its own hash, and against the one before it."""
    sequence = event["sequence"]
    if sequence != last.sequence + 1:
        gap = {"first": last.sequence + 1, "last": sequence - 1}
        yield Problem("gap", gap)
    elif event["previous"] != last.hash:
        yield Problem("order", {"sequence": sequence, "before": last.sequence})
    if _hash(event) != found:
        yield Problem("event", {"sequence": sequence, "kind": str(event["kind"]), "subject": str(event["subject"])})


def _hash(event: Mapping[str, Any]) -> str | None:
    """Return the hash that an event should bear; none where what stands there cannot even be written."""
    try:
        return event_hash(**event)
    except EquiscoreError:
        return None


def _rows(session: Session, table: str, model: type[Record], told: dict[str, tuple[int, str]]) -> Iterator[Problem]:
    """Hold the rows of a table against what their last events say; those that are there are taken out of `told`."""
    columns = inspect(model).columns.values()
    raw = [type_coerce(column, NullType()).label(column.key) for column in columns]  # as stored: what was tampered with may not fit its type
    for row in session.execute(select(*raw).execution_options(yield_per=_BATCH)).mappings():
        subject = f"{table}/{row['id']}"
        sequence, known = told.pop(subject, (None, None))
        if known is None:
            yield Problem("row_unknown", {"subject": subject})
        elif sequence != row["written"] or known != _row_digest(dict(row), columns):
            yield Problem("row_changed", {"subject": subject, "sequence": sequence})


def _row_digest(row: Mapping[Any, Any], columns: Sequence[Any]) -> str | None:
    """Return the digest that `content_of` of the row would have; none where it cannot be worked out."""
    try:
        content = {
            column.key: json.loads(row[column.key]) if isinstance(column.type, Canonical) else stored(row[column.key])
            for column in columns
            if column.key != "written"
        }
        documents = [column.key for column in columns if isinstance(column.type, Canonical)]
        same = all(canonical(content[name]) == row[name] for name in documents)
        return digest(canonical(content)) if same else None
    except (ValueError, TypeError, RecursionError, EquiscoreError):
        return None
