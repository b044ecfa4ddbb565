"""Signing a reviewed dossier in turn, and verifying it against the register and the study as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from scoring.authorising.approved import (
    against_the_declaration,
    against_the_review,
    against_the_roles,
    contradicts,
    declared_in,
    held_review_of,
    wanted_signers,
)
from scoring.authorising.filed import Filed
from scoring.authorising.reviewing import held_review, studies_of
from scoring.errors import EquiscoreError
from scoring.provenance import write_file
from scoring.register import Head, Problem, Register, activity
from scoring.register import verify as verify_register
from scoring.register.models import Study
from scoring.register.people import add_signature, pinned, signature_record
from scoring.signing.certificates import Key
from scoring.signing.findings import Finding, TrailHead, Verification, unique
from scoring.signing.opened import open_pdf
from scoring.signing.review import Review, may_sign
from scoring.signing.sign import Signed, sign_pdf
from scoring.signing.verify import heads_in, verify_pdf


def sign_dossier(
    register: Register,
    study: Filed,
    pdf: Path,
    key: Key,
    *,
    name: str,
    reason: str,
    at: datetime,
    timestamper: str | None = None,
    out: Path | None = None,
) -> Signed:
    """Sign a dossier in the name of one of its required signers, and keep the signature in the register.

    The head of the register's trail goes into what is signed, so that a trail that is cut later shows. The file is written only once
    the register has kept the signature's row.

    Raises
    ------
    EquiscoreError
        The study is not reviewed or was refused, `name` is not one of the signers, the certificate is not the one pinned, or the file is
        not the dossier of this study.
    """
    review = held_review(register, study.digest)
    if not may_sign(review, name, study.digest):
        raise EquiscoreError(
            f"{name[:60]}: may not sign this study; its review is {review.state}, outcome {review.outcome}. "
            "Fix: every required reviewer approves first, and only those of review.signers sign."
        )
    _refuse_other_role(register, review, name)
    if contradicts(open_pdf(pdf).attached, study.evidence()):
        raise EquiscoreError(f"{pdf}: the evidence attached is not what the study says. Fix: render the dossier of the study again, and sign that.")
    head = register.head()
    made = sign_pdf(
        pdf,
        key,
        name=name,
        reason=reason,
        fields=review.signers,
        at=at,
        manifest=study.digest,
        trail_head=(head.sequence, head.hash),
        timestamper=timestamper,
    )
    row = {**made.signature.as_row(), "dossier": open_pdf(made.pdf).dossier}
    add_signature(register, row, actor=name, at=at)
    write_file(out or pdf, made.pdf)
    return made


def _refuse_other_role(register: Register, review: Review, name: str) -> None:
    for found in against_the_roles(register, [one for one in review.required if one.name == name]):
        raise EquiscoreError(f"{found.say()} Fix: correct the role in the register or in review.signers.")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a signed dossier and of the register that it is held against."""

    file: Verification
    register: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong with either."""
        return self.file.valid and not self.register

    def sentences(self, language: str) -> list[str]:
        """Return everything in plain words: the file first, then the register."""
        return [*self.file.sentences(language), *(problem.said(language) for problem in self.register)]


def verify_dossier(pdf: Path, register: Register, *, study: Filed | None = None, at: datetime | None = None) -> Checked:
    """Verify a signed dossier against the register, and against the study as it is now.

    Parameters
    ----------
    pdf
        The file.
    register
        Holds who must sign, their certificates, the rows of the signatures and the trail.
    study
        As it is now; by default the last study of its activity that the register holds.
    at
        The moment of the verification.

    Raises
    ------
    EquiscoreError
        The file cannot be read, or its study is not in the register and none was handed in.
    """
    file = open_pdf(pdf)
    declared, latest = _declared(register, file.study, study)
    signed = declared_in(file.attached)
    review, found = held_review_of(register, file.study)
    wanted = wanted_signers(review, signed) or wanted_signers(None, declared)
    heads = heads_in(file)
    record = signature_record(register, file.study, dossier=file.dossier, numbers=[head.sequence for head in heads])
    pins = pinned(register)
    expected = {one.name: pins[one.name] for one in wanted if one.name in pins}
    checked = verify_pdf(file, expected_signers=expected, evidence_manifest=latest, register_record=record, at=at)
    found += [Finding("certificate_not_entered", {"signer": one.name}) for one in wanted if one.name not in pins]
    found += [*against_the_roles(register, wanted), *against_the_review(register, file.study, checked.signatures)]
    found += against_the_declaration(signed, declared)
    found += [Finding("evidence_differs")] if study and study.digest == file.study and contradicts(file.attached, study.evidence()) else []
    newest: TrailHead | None = max(heads, key=lambda head: head.sequence, default=None)
    problems = verify_register(register, head=Head(newest.sequence, newest.hash) if newest else None)
    return Checked(replace(checked, findings=unique((*found, *checked.findings))), problems)


def _declared(register: Register, digest: str, study: Filed | None) -> tuple[Mapping[str, Any], str | None]:
    """Return the declaration that says who must sign, and the digest of the study as it is now."""
    if study is not None:
        return study.declared, study.digest
    with register.reading() as session:
        held = session.get(Study, digest) if digest else None
    if held is None:
        return {}, None
    return activity(register, held.activity).document, studies_of(register, held.activity)[-1]
