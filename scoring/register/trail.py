"""The append-only trail: every change is one event, each hashed with the one before, written with the change or not at all."""

from __future__ import annotations

import datetime as dt
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy import inspect as inspected
from sqlalchemy.orm import Session

from scoring.errors import EquiscoreError
from scoring.register.canonical import KEY_LENGTH, canonical, instant, key, sha256, stored
from scoring.register.models import Record, TrailEvent, TrailHead

_KIND: Final = re.compile(r"[a-z_]+(\.[a-z_]+)+")


class Head(NamedTuple):
    """Number and hash of the last event: the one pair that stands for the whole trail up to it."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises
        ------
        EquiscoreError
            No head of a trail.

        >>> Head.read(str(GENESIS)) == GENESIS
        True
        """
        found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
        if found is None:
            raise EquiscoreError(f"{text[:80]!r}: no head of a trail. Fix: give it as `equiscore register head` prints it: NUMBER:HASH.")
        return cls(int(found[1]), found[2])

    def same(self, other: Head) -> bool:
        """Tell whether two heads are one; what somebody wrote into the database need not be a hash."""
        mine, theirs = (str(one).encode(errors="replace") for one in (self.hash, other.hash))
        return self.sequence == other.sequence and hmac.compare_digest(mine, theirs)


GENESIS: Final = Head(0, sha256("Equiscore register, format 1"))
"""What the first event is chained to."""
# Written once: to build a statement takes SQLAlchemy longer than the database takes to run it.
_READ: Final = select(TrailHead.sequence, TrailHead.hash).where(TrailHead.id == 1)
_LOCK: Final = _READ.with_for_update()
_MOVE: Final = update(TrailHead).where(TrailHead.id == 1).values(sequence=bindparam("to_sequence"), hash=bindparam("to_hash"))
_APPEND: Final = insert(TrailEvent)


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was written. `payload` is canonical JSON, `at` a moment in UTC."""

    sequence: int
    kind: str
    subject: str
    actor: str
    at: str
    row_sha256: str | None
    payload: str
    previous: str
    hash: str

    @property
    def head(self) -> Head:
        """The head of the trail once it was written."""
        return Head(self.sequence, self.hash)


def event_hash(**told: Any) -> str:
    """Return the SHA-256 of the canonical JSON of an event: every field but the hash itself, the payload as its text.

    >>> event_hash(sequence=1, kind="a.b", subject="s", actor="me", at="t", row_sha256=None, payload="{}", previous="0")[:16]
    '13290256f4337703'
    """
    return sha256(canonical(told))


def record(
    session: Session, kind: str, subject: str, payload: Mapping[str, Any], *, actor: str, at: dt.datetime, row_sha256: str | None = None
) -> Event:
    """Append an event, in the transaction of the change that it tells of.

    The head of the trail is locked first, so that writers wait for each other: numbers have no gap and the chain no fork.

    Parameters
    ----------
    kind
        Area and what happened, in lower case: ``activities.added``.
    subject
        What it is about: ``activities/CREDIT-2026-01``.
    payload
        Anything that JSON can hold.
    actor, at
        Who did it, and when (aware); handed in by the caller.
    row_sha256
        Digest of the row as the event leaves it (`keep` hands it in).

    Raises
    ------
    EquiscoreError
        A kind, subject, actor, moment or payload that cannot be kept.
    """
    if not _KIND.fullmatch(kind) or len(kind) > 100:
        raise EquiscoreError(f"{kind[:60]!r}: no kind of event. Fix: lower case words with a dot between: activities.added.")
    if len(subject) > 2 * KEY_LENGTH or not subject.isprintable():
        raise EquiscoreError(f"{subject[:60]!r}: no subject of an event. Fix: at most {2 * KEY_LENGTH} characters that can be printed.")
    last = locked_head(session)
    told: dict[str, Any] = {
        "sequence": last.sequence + 1,
        "kind": kind,
        "subject": subject,
        "actor": key(actor, "actor"),
        "at": instant(at),
        "row_sha256": row_sha256,
        "payload": canonical(payload),
        "previous": last.hash,
    }
    event = Event(**told, hash=event_hash(**told))
    connection = session.connection()
    connection.execute(_APPEND, {**told, "hash": event.hash})
    connection.execute(_MOVE, {"to_sequence": event.sequence, "to_hash": event.hash})
    return event


def locked_head(session: Session) -> Head:
    """Return the head and hold it until the transaction ends (PostgreSQL locks the row; SQLite has one writer anyway)."""
    return Head(*session.connection().execute(_LOCK).one())


def head_of(session: Session) -> Head:
    """Return the head of the trail: what is put into a signed dossier, so that a cut shows later."""
    return Head(*session.connection().execute(_READ).one())


def head_in(session: Session) -> Head:
    """Return the head as it is noted, whatever stands there; that of an empty trail where nothing does."""
    found = session.connection().execute(_READ).one_or_none()
    return GENESIS if found is None else Head(*found)


def content_of(row: Record) -> dict[str, Any]:
    """Return what the trail keeps of a row: every column but `written`; bytes by their digest."""
    return {column.key: stored(getattr(row, column.key)) for column in inspected(type(row)).columns if column.key != "written"}


def subject_of(row: Record) -> str:
    """Return table and key of a row."""
    return f"{row.__tablename__}/{row.id}"


def keep(session: Session, row: Record, *, actor: str, at: dt.datetime, kind: str | None = None) -> Event:
    """Write a row, new or changed, with the event that tells of it; the one way into the tables.

    Raises
    ------
    EquiscoreError
        A key, actor, moment or document that cannot be kept.
    """
    key(row.id, "key")
    content = content_of(row)
    known = session.get(type(row), row.id, with_for_update=True) is not None
    happened = kind or f"{row.__tablename__}.{'changed' if known else 'added'}"
    event = record(session, happened, subject_of(row), {"row": content}, actor=actor, at=at, row_sha256=sha256(canonical(content)))
    row.written = event.sequence
    session.merge(row)
    session.flush()
    return event
