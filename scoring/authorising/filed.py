"""A study as its review needs it, and its way into the register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from scoring.dossier.evidence import evidence_of
from scoring.errors import EquiscoreError
from scoring.provenance import read_manifest
from scoring.reading import plain_verdicts
from scoring.register import Register, add_activity
from scoring.register.findings import add_study
from scoring.register.trail import Event
from scoring.signing.kept_reviews import parts_of
from scoring.signing.review import Required, required_signers
from scoring.study import Study as Studied


@dataclass(frozen=True, slots=True)
class Filed:
    """A study as it lies in its folder: its digest, its declaration, and a digest of each of its parts."""

    digest: str
    declared: Mapping[str, Any]
    parts: Mapping[str, str]
    files: Mapping[str, str]
    study: Studied | None = field(default=None, repr=False, compare=False)
    """The study itself; none where only its declaration is known."""

    @property
    def reference(self) -> str:
        """Reference of its activity."""
        return str(self.declared["reference"])

    def evidence(self) -> bytes | None:
        """Return what its dossier carries as evidence; nothing where only the declaration is known."""
        return evidence_of(self.study) if self.study else None

    @property
    def required(self) -> tuple[Required, ...]:
        """Who must sign."""
        if not self.declared.get("review"):
            raise EquiscoreError("The declaration says nothing of who must sign. Fix: name them under review.signers, and study again.")
        return required_signers(self.declared["review"])


def filed(folder: str | Path) -> Filed:
    """Read the study of a folder as far as its review needs it.

    Raises
    ------
    EquiscoreError
        No study, one that was altered, or one without a declaration.
    """
    return filed_study(Studied.load(folder), read_manifest(Path(folder)))


def filed_study(study: Studied, manifest: Mapping[str, Any] | None = None) -> Filed:
    """Return a study as far as its review needs it; `manifest` is that of its folder."""
    if study.document is None or not study.digest:
        raise EquiscoreError("A study without a declaration, or one that was not saved, is not reviewed. Fix: study an activity.yaml, and save it.")
    held = manifest or {}
    files = {name: str(known["sha256"]) for name, known in held.get("files", {}).items()}
    return Filed(study.digest, study.document, parts_of(held, study.document), files, study)


def enter_study(register: Register, study: Studied, *, actor: str, at: datetime) -> tuple[Event, ...]:
    """Enter the activity of a study as it is declared, then the study, with a finding for each gap that it shows.

    Raises
    ------
    EquiscoreError
        No declaration, no day, or a study that was not saved.
    """
    held = filed_study(study)
    if study.plan.as_of is None:
        raise EquiscoreError("The study has no day. Fix: declare study.as_of, and study again.")
    first = add_activity(register, dict(held.declared), actor=actor, at=at)
    verdicts = plain_verdicts(study.published())
    return (first, *add_study(register, held.digest, activity=held.reference, as_of=study.plan.as_of, verdicts=verdicts, actor=actor, at=at))
