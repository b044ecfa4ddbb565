"""What people recorded in the register, as the dossier reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from scoring.authorising.filed import Filed
from scoring.authorising.reviewing import reviews_of, studies_of
from scoring.register import Register
from scoring.register.findings import answers_of
from scoring.register.models import Contract, Deviation, Incident, Notice, Opinion, Record, Training
from scoring.register.people import signature_record
from scoring.signing.review import Decision
from scoring.signing.review import Review as Reviewing

_OUTCOMES: Final[Mapping[Decision, str]] = {
    Decision.APPROVE: "approve",
    Decision.APPROVE_WITH_RESERVATIONS: "reservations",
    Decision.REFUSE: "refuse",
}


def record_of(register: Register, study: Filed) -> dict[str, Any]:
    """Return what people recorded of an activity and a study, as the dossier reads it (`scoring.dossier.view.View.record`).

    A study whose activity is not in the register has nothing recorded but the head of the trail.
    """
    head = register.head()
    studies = studies_of(register, study.reference)
    reviews = reviews_of(register, study.reference)
    opinions = [row.document for row in _of_activity(register, Opinion, study.reference)]
    return {
        "trail_head": {"sequence": head.sequence, "hash": head.hash},
        "studies": [{"digest": study.digest, "files": dict(study.files)}],
        "reviews": [_opinion(one, review) for review in reviews for one in review.opinions],
        "submissions": [{"by": one.submitted_by, "digest": one.manifest, "at": _moment(one.submitted_at)} for one in reviews if one.submitted_at],
        "authors": [name for review in reviews if review.manifest == study.digest for name in review.authors],
        "signatures": [_signature(row, study) for row in signature_record(register, study.digest)["signatures"]],
        "justifications": [_dated(one) for one in answers_of(register, study.digest)] if study.digest in studies else [],
        "opinions": [{**one, "kind": one["of"]} for one in opinions if one["kind"] == "opinion"],
        "answers": [{**one, "on": one["at"]} for one in opinions if one["kind"] == "answer"],
        "incidents": [row.document for row in _of_activity(register, Incident, study.reference)],
        "deviations": [row.document for row in _of_activity(register, Deviation, study.reference)],
        "contracts": [row.document for row in _of_activity(register, Contract, study.reference)],
        "notices": [row.document for row in _of_activity(register, Notice, study.reference)],
        "training": [_trained(row.document) for row in _all(register, Training)],
        "pia": _of_pia(opinions),
    }


def _of_activity(register: Register, model: type[Record], reference: str) -> list[Any]:
    with register.reading() as session:
        found: Any = model
        return list(session.scalars(select(found).where(found.activity == reference).order_by(found.written)))


def _all(register: Register, model: type[Record]) -> list[Any]:
    with register.reading() as session:
        return list(session.scalars(select(model).order_by(model.written)))


def _opinion(one: Any, review: Reviewing) -> dict[str, Any]:
    told = {"by": one.by, "role": str(one.role), "outcome": _OUTCOMES[one.decision], "text": one.text}
    return {**told, "at": one.at.isoformat(), "digest": review.manifest}


def _signature(row: Mapping[str, Any], study: Filed) -> dict[str, Any]:
    roles = {one["name"]: one["role"] for one in (study.declared.get("review") or {}).get("signers", ())}
    return {"by": row["reviewer"], "role": roles.get(row["reviewer"], ""), "at": row.get("at"), "file_sha256": row["file_sha256"]}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _dated(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {**answer, "due": str(answer["due"]) if answer.get("due") else None}


def _trained(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"by": told["person"], "at": told["held"], "what": told["what"]}


def _of_pia(opinions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the opinions as the CNIL's file takes them: only what somebody recorded under a name; the last of each."""
    last = {one["of"]: one for one in opinions if one["kind"] == "opinion"}
    told: dict[str, Any] = {}
    if (dpo := last.get("dpo")) and dpo["favourable"] is not None:
        told["dpo"] = {"recorded_by": dpo["by"], "names": dpo["by"], "status": int(dpo["favourable"]), "opinion": dpo["text"]}
    people = last.get("persons")
    if people and not people["sought"]:
        told["concerned_people"] = {"recorded_by": people["by"], "searched": False, "reason": people["text"]}
    elif people and people["favourable"] is not None:
        said = {"names": people["by"], "status": int(people["favourable"]), "opinion": people["text"]}
        told["concerned_people"] = {"recorded_by": people["by"], "searched": True, **said}
    return told
