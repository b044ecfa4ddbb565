"""Reviewers with the certificate that is theirs, their decisions and signatures, and the contracts that bind others."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from scoring.assessment import ARTICLE_28, Clause
from scoring.errors import EquiscoreError
from scoring.register.canonical import sha256, short
from scoring.register.database import Register
from scoring.register.models import Contract, Decision, Document, Review, Reviewer, Signature, TrailEvent
from scoring.register.trail import GENESIS, Event, Head, head_of, keep

ROLES: Final = ("analyst", "model_reviewer", "dpo", "controller")
DECISIONS: Final = ("approve", "approve_with_reservations", "refuse")


def fingerprint_of(certificate: bytes) -> str:
    r"""Return the SHA-256 of a certificate, given as PEM or DER: the same either way.

    Raises
    ------
    EquiscoreError
        A PEM text that cannot be read.

    >>> fingerprint_of(b"abc") == fingerprint_of(b"-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n")
    True
    """
    if b"-----BEGIN" not in certificate:
        return sha256(certificate)
    found = re.search(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", certificate, re.DOTALL)
    try:
        return sha256(base64.b64decode(b"".join(found[1].split()), validate=True)) if found else _no_certificate()
    except ValueError:
        return _no_certificate()


def _no_certificate() -> str:
    raise EquiscoreError("The file holds no certificate. Fix: give the reviewer's certificate (PEM or DER), never the private key.")


def add_reviewer(
    register: Register, reviewer: str, *, name: str, role: str, actor: str, at: dt.datetime, certificate: bytes | None = None, active: bool = True
) -> Event:
    """Enter a reviewer, or a change: another certificate, or one who reviews no more.

    The key is the name that a declaration asks for under `review.signers`.

    Raises
    ------
    EquiscoreError
        A role that there is not, or a certificate that is another reviewer's.
    """
    if role not in ROLES:
        raise EquiscoreError(f"{role!r}: no role of a reviewer. Fix: use one of {', '.join(ROLES)}.")
    pinned = fingerprint_of(certificate) if certificate else None
    state = "active" if active else "withdrawn"
    row = Reviewer(id=reviewer, name=short(name), role=role, fingerprint=pinned, status=state, document={"name": name, "role": role})
    return register.keep(row, actor=actor, at=at)[0]


def pinned(register: Register) -> dict[str, str]:
    """Return the fingerprint of each active reviewer's certificate, by key: the signers that a file is held against."""
    query = select(Reviewer.id, Reviewer.fingerprint).where(Reviewer.status == "active", Reviewer.fingerprint.is_not(None)).order_by(Reviewer.id)
    with register.reading() as session:
        return {reviewer: str(fingerprint) for reviewer, fingerprint in session.execute(query)}


def roles_of(register: Register) -> dict[str, str]:
    """Return the role of each active reviewer, by key."""
    query = select(Reviewer.id, Reviewer.role).where(Reviewer.status == "active").order_by(Reviewer.id)
    with register.reading() as session:
        return {str(reviewer): str(role) for reviewer, role in session.execute(query)}


def keep_review(register: Register, study: str, status: str, document: Mapping[str, Any], *, actor: str, at: dt.datetime) -> Event:
    """Keep the state of the review of a study, which the workflow above worked out; one review a study.

    Raises
    ------
    EquiscoreError
        The study is not in the register.
    """
    row = Review(id=study, study=study, status=status, document=dict(document))
    return register.keep(row, actor=actor, at=at, kind=f"reviews.{_word(status)}")[0]


def review_of(register: Register, study: str) -> dict[str, Any] | None:
    """Return the review of a study as it was kept; None where there is none."""
    with register.reading() as session:
        held = session.get(Review, study)
    return None if held is None else held.document


def review_written(register: Register, study: str) -> int | None:
    """Return the number of the event that wrote the review of a study last; None where there is none."""
    with register.reading() as session:
        held = session.get(Review, study)
    return None if held is None else held.written


def _word(status: str) -> str:
    return re.sub(r"[^a-z]+", "_", status.lower()).strip("_") or "changed"


def decide(register: Register, study: str, reviewer: str, decision: str, text: str, *, actor: str, at: dt.datetime) -> Event:
    """Keep what a reviewer decided of a study; a later decision of the same reviewer replaces it, and the trail keeps both.

    Raises
    ------
    EquiscoreError
        No such decision, no text, no review of the study, or no such active reviewer.
    """
    if decision not in DECISIONS or not text.strip():
        raise EquiscoreError(f"{decision!r}: no decision, or one without a text. Fix: one of {', '.join(DECISIONS)}, and say why.")
    with register.writing() as session:
        held = _active(session, reviewer)
        told = {"text": text, "role": held.role, "name": held.name}
        name = f"{study[:64]}-{sha256(reviewer)[:16]}"
        return keep(session, Decision(id=name, review=study, reviewer=reviewer, decision=decision, document=told), actor=actor, at=at)


def _active(session: Session, reviewer: str) -> Reviewer:
    held = session.get(Reviewer, reviewer)
    if held is None or held.status != "active":
        raise EquiscoreError(f"{reviewer[:60]!r}: no active reviewer. Fix: enter the reviewer first, with the certificate that is theirs.")
    return held


def add_signature(register: Register, row: Mapping[str, Any], *, actor: str, at: dt.datetime) -> Event:
    """Keep a signature as it was put on a dossier.

    Parameters
    ----------
    row
        ``reviewer``, ``manifest`` (the study), ``file_sha256`` (of the file as this signature left it), ``fingerprint`` (of the
        certificate), ``head`` (of the trail, as it stands in the file, or None) and whatever else is to be told later; all are kept.
        A row may bear ``dossier``, where one study is signed in several files.

    Raises
    ------
    EquiscoreError
        A part is missing, the certificate is not the one pinned to the reviewer, or the head is not one of this trail.
    """
    if lacking := [name for name in ("reviewer", "manifest", "file_sha256", "fingerprint") if not row.get(name)]:
        raise EquiscoreError(f"signature: no {', '.join(lacking)}. Fix: hand in the row of a signature, whole.")
    reviewer, digest = str(row["reviewer"]), str(row["file_sha256"])
    with register.writing() as session:
        if _active(session, reviewer).fingerprint != row["fingerprint"]:
            raise EquiscoreError(
                f"{reviewer[:60]}: signed with a certificate that is not the one entered. Fix: enter the certificate, or sign again."
            )
        if row.get("head"):
            _own_head(session, Head.read(str(row["head"])))
        made = Signature(id=f"{digest}-{sha256(reviewer)[:16]}", study=str(row["manifest"]), reviewer=reviewer, file_sha256=digest)
        made.fingerprint, made.document = str(row["fingerprint"]), dict(row)
        return keep(session, made, actor=actor, at=at)


def _own_head(session: Session, head: Head) -> None:
    if _hashes(session, [head.sequence]).get(head.sequence) != head.hash:
        raise EquiscoreError(f"{head.sequence}: not a head of this trail. Fix: put the head of this register into the dossier before it is signed.")


def _hashes(session: Session, numbers: Iterable[int]) -> dict[int, str]:
    """Return the hashes of some events by number."""
    found = session.execute(select(TrailEvent.sequence, TrailEvent.hash).where(TrailEvent.sequence.in_([*numbers])))
    return {row.sequence: row.hash for row in found} | {GENESIS.sequence: GENESIS.hash}


def signature_record(register: Register, study: str, *, dossier: str | None = None, numbers: Iterable[int] = ()) -> dict[str, Any]:
    """Return what a signed file of a study is held against.

    Parameters
    ----------
    dossier
        Only the signatures on this file of the study.
    numbers
        Events whose hashes are asked for, such as those that stand in the file.

    Returns
    -------
    dict
        ``signatures``: rows as they were handed in, in the order of signing, with the columns of the table where they were edited;
        ``head``: the trail's now (``NUMBER:HASH``); ``trail``: hash by number, of the events asked for and those of the rows.
    """
    query = select(Signature).where(Signature.study == study).order_by(Signature.written)
    with register.reading() as session:
        rows = [_signature(row) for row in session.scalars(query) if dossier is None or row.document.get("dossier") == dossier]
        heads = {Head.read(row["head"]).sequence for row in rows if row.get("head")}
        return {"study": study, "signatures": rows, "head": str(head_of(session)), "trail": _hashes(session, heads | {*numbers})}


def _signature(row: Signature) -> dict[str, Any]:
    return {**row.document, "reviewer": row.reviewer, "file_sha256": row.file_sha256, "fingerprint": row.fingerprint}


def add_document(register: Register, name: str, content: bytes, *, media_type: str, actor: str, at: dt.datetime) -> Event:
    """Keep a file under the SHA-256 of its bytes."""
    row = Document(id=sha256(content), name=short(name), content=content, document={"name": name, "media_type": media_type, "bytes": len(content)})
    return register.keep(row, actor=actor, at=at)[0]


def missing_clauses(contract: Contract) -> tuple[Clause, ...]:
    """Return what a contract does not say: for a processor art. 28(3)(a) to (h); for everybody licence and intellectual property.

    >>> [clause.value for clause in missing_clauses(Contract(id="c", actor="a", document={"role": "processor", "clauses": list(ARTICLE_28)}))]
    ['licence', 'intellectual_property']
    """
    asked = tuple(Clause) if contract.document.get("role") == "processor" else tuple(clause for clause in Clause if clause not in ARTICLE_28)
    return tuple(clause for clause in asked if clause not in set(contract.document.get("clauses") or ()))
