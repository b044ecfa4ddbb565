"""The tables of the register. Every row has a key, the number of the event that wrote it last, and its whole document as JSON.

Columns beside the document are what is searched, joined or sorted by; they are taken from it. Consents, requests of persons and
golden-record events will be tables and kinds of events beside these: one database, one trail, the next migration.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scoring.register.canonical import KEY_LENGTH, SHORT_LENGTH, Canonical, Day

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
_Number = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """What all tables share: names of constraints that are the same in every database."""

    metadata = MetaData(naming_convention=_NAMES)


class TrailEvent(Base):
    """One event of the append-only trail; triggers refuse to change or delete it."""

    __tablename__ = "trail"

    sequence: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=False)
    """1, 2, 3 ... without a gap."""
    kind: Mapped[str] = mapped_column(String(100), index=True)
    """Subject area and what happened: ``activities.added``, later ``consents.given``."""
    subject: Mapped[str] = mapped_column(String(2 * KEY_LENGTH), index=True)
    """Table and key of the row that it is about."""
    actor: Mapped[str] = mapped_column(String(KEY_LENGTH))
    at: Mapped[str] = mapped_column(String(27))
    row_sha256: Mapped[str | None] = mapped_column(String(64))
    """Digest of the row as the event left it; none where no row changed."""
    payload: Mapped[str] = mapped_column(Text)
    """Canonical JSON."""
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    """Hash of the event before; unique, so that the chain cannot fork."""
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class TrailHead(Base):
    """The last event: one row, locked by whoever writes."""

    __tablename__ = "trail_head"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(_Number)
    hash: Mapped[str] = mapped_column(String(64))


def _key(table: str, *, optional: bool = False) -> Any:
    """Return a column that refers to a row of another table."""
    return mapped_column(String(KEY_LENGTH), ForeignKey(f"{table}.id"), index=True, nullable=optional)


def _short(*, optional: bool = False) -> Any:
    return mapped_column(String(SHORT_LENGTH), index=True, nullable=optional)


def _day(*, optional: bool = False) -> Any:
    return mapped_column(Day, index=True, nullable=optional)


class Record(Base):
    """A row that the trail answers for."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    written: Mapped[int] = mapped_column(_Number, ForeignKey("trail.sequence"), index=True)
    """Number of the event that wrote the row last."""
    document: Mapped[dict[str, Any]] = mapped_column(Canonical, sort_order=100)


class Activity(Record):
    """A processing activity (GDPR art. 30); the document is the declaration, whole."""

    __tablename__ = "activities"

    name: Mapped[str] = _short()
    controller: Mapped[str] = _short()
    status: Mapped[str] = _short()
    search: Mapped[str] = mapped_column(Text)
    """Words to search by, without case and accents."""


class Study(Record):
    """A study by the digest of its manifest, with how many verdicts of each kind it gave."""

    __tablename__ = "studies"

    activity: Mapped[str] = _key("activities")
    as_of: Mapped[dt.date | None] = _day(optional=True)
    exclusion: Mapped[int] = mapped_column(Integer)
    unsettled: Mapped[int] = mapped_column(Integer)
    within: Mapped[int] = mapped_column(Integer)


class Finding(Record):
    """A gap that a study shows, and the answer to it: a justification, or a measure with owner and date."""

    __tablename__ = "findings"

    study: Mapped[str] = _key("studies")
    verdict: Mapped[str] = _short()
    status: Mapped[str] = _short()
    owner: Mapped[str | None] = _short(optional=True)
    due: Mapped[dt.date | None] = _day(optional=True)


class Actor(Record):
    """A body with a part in the processing: controller, joint controller, processor, recipient, licensor."""

    __tablename__ = "actors"

    name: Mapped[str] = _short()
    role: Mapped[str] = _short()


class Contract(Record):
    """A contract with an actor: clauses of art. 28(3), licence and intellectual property, confidentiality."""

    __tablename__ = "contracts"

    actor: Mapped[str] = _key("actors")
    activity: Mapped[str | None] = _key("activities", optional=True)
    ends: Mapped[dt.date | None] = _day(optional=True)


class Notice(Record):
    """What persons are told (GDPR art. 12 to 14), by version."""

    __tablename__ = "notices"

    activity: Mapped[str] = _key("activities")
    language: Mapped[str] = _short()
    valid_from: Mapped[dt.date] = _day()


class Opinion(Record):
    """An opinion of the data protection officer or of the persons concerned (GDPR art. 35(2), 35(9))."""

    __tablename__ = "opinions"

    activity: Mapped[str] = _key("activities")
    giver: Mapped[str] = _short()
    given: Mapped[dt.date] = _day()


class Reviewer(Record):
    """A person who reviews or signs, with the fingerprint of the one certificate that is theirs."""

    __tablename__ = "reviewers"

    __table_args__ = (Index("uq_reviewers_fingerprint", "fingerprint", unique=True),)

    name: Mapped[str] = _short()
    role: Mapped[str] = _short()
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the certificate (DER), hexadecimal."""
    status: Mapped[str] = _short()


class Review(Record):
    """The review of a study: draft, submitted, reviewed."""

    __tablename__ = "reviews"

    study: Mapped[str] = _key("studies")
    status: Mapped[str] = _short()


class Decision(Record):
    """What one reviewer decided in a review: approve, approve with reservations, refuse; each with its text."""

    __tablename__ = "decisions"

    review: Mapped[str] = _key("reviews")
    reviewer: Mapped[str] = _key("reviewers")
    decision: Mapped[str] = _short()


class Document(Record):
    """A file kept with the register; its key is the SHA-256 of its bytes, which the trail tells as well."""

    __tablename__ = "documents"

    name: Mapped[str] = _short()
    content: Mapped[bytes] = mapped_column(LargeBinary, sort_order=101)


class Signature(Record):
    """A signature on a dossier: whose, on which bytes, for which study, at which head of the trail."""

    __tablename__ = "signatures"

    study: Mapped[str] = _key("studies")
    reviewer: Mapped[str] = _key("reviewers")
    file_sha256: Mapped[str] = mapped_column(String(64), index=True)
    fingerprint: Mapped[str] = mapped_column(String(64))


class Incident(Record):
    """Something that went wrong: a breach (GDPR art. 33, 34), a complaint, a wrong decision."""

    __tablename__ = "incidents"

    activity: Mapped[str] = _key("activities")
    happened: Mapped[dt.date] = _day()
    status: Mapped[str] = _short()


class Deviation(Record):
    """A deviation from the study found after launch."""

    __tablename__ = "deviations"

    activity: Mapped[str] = _key("activities")
    study: Mapped[str | None] = _key("studies", optional=True)
    found: Mapped[dt.date] = _day()
    status: Mapped[str] = _short()


class Training(Record):
    """Who was trained in what, and when."""

    __tablename__ = "training"

    person: Mapped[str] = _short()
    held: Mapped[dt.date] = _day()


class Clause(Record):
    """A clause of the library, by language and version."""

    __tablename__ = "clauses"

    title: Mapped[str] = _short()
    language: Mapped[str] = _short()


def record_tables() -> dict[str, type[Record]]:
    """Return the tables that the trail answers for, by name, each after those that it refers to.

    >>> [name for name in record_tables() if name in ("findings", "studies", "activities")]
    ['activities', 'studies', 'findings']
    """
    known = {model.__tablename__: model for model in Record.__subclasses__()}
    return {table.name: known[table.name] for table in Base.metadata.sorted_tables if table.name in known}
