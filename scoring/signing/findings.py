"""What a verification found: codes with fields, spoken in the language of the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from scoring.texts import say

NOTES: Final = frozenset(
    {
        "authority_not_pinned",
        "certificate_ended_since",
        "register_not_checked",
        "review_with_reservations",
        "revocation_not_checked",
        "study_not_checked",
        "time_claimed",
        "trail_not_checked",
        "trail_not_signed",
    }
)
"""What a reader should know and what is no fault. Everything else makes a file not valid."""
_LONGEST: Final = 200
_WORDS: Final = {"changed": "part_", "unsteady": "unsteady_", "known": "role_", "asked": "role_"}
"""Fields that list codes, and what their texts begin with."""


class TrailHead(NamedTuple):
    """The last event of the register's trail: its number and its hash."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        """Return it as the register writes it."""
        return f"{self.sequence}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: a code that machines read, and the fields of its sentence.

    >>> Finding("signature_missing", {"signer": "dpo"}).say("en")
    'Expected and not there: the signature of dpo. It was never given, or it was cut off.'
    """

    code: str
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_fault(self) -> bool:
        """Tell whether the file is not valid because of it."""
        return self.code not in NOTES

    def say(self, language: str = "en") -> str:
        """Return it as a sentence; what comes out of a file is shown without its control characters."""
        words = {name: [say(f"signatures.{_WORDS[name]}{one}", language) for one in self.fields[name]] for name in _WORDS if name in self.fields}
        return say(f"signatures.{self.code}", language, **{name: _shown(value) for name, value in {**self.fields, **words}.items()})


@dataclass(frozen=True, slots=True)
class SeenSignature:
    """A signature as it stands in a file: what it says of itself, and what the file was when it was put on."""

    signer: str
    fingerprint: str
    """SHA-256 of the signer's certificate."""
    at: datetime | None
    """When it says that it was made."""
    sha256: str
    """SHA-256 of the file as it was right after this signature."""
    manifest: str = ""
    """Digest of the study that it is bound to; empty where it is bound to none."""
    evidence: str = ""
    """SHA-256 of the evidence that was attached when it was made."""
    trail: TrailHead | None = None
    """Head of the register's trail when it was made."""
    stamped_at: datetime | None = None
    """Time of the timestamp authority, where there is one."""

    def as_row(self) -> dict[str, Any]:
        """Return what the register keeps of it, in words only."""
        told: dict[str, Any] = {"reviewer": self.signer, "file_sha256": self.sha256, "fingerprint": self.fingerprint}
        told |= {"manifest": self.manifest, "evidence": self.evidence, "head": str(self.trail) if self.trail else None}
        return told | {name: time.isoformat() if time else None for name, time in (("at", self.at), ("stamped_at", self.stamped_at))}


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: valid where nothing found is a fault, and every signature that was seen."""

    findings: tuple[Finding, ...]
    signatures: tuple[SeenSignature, ...] = ()

    @property
    def valid(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.faults

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return what makes the file not valid."""
        return tuple(finding for finding in self.findings if finding.is_fault)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Return what was not looked at and what is good to know."""
        return tuple(finding for finding in self.findings if not finding.is_fault)

    @property
    def codes(self) -> frozenset[str]:
        """Return the codes of all that was found."""
        return frozenset(finding.code for finding in self.findings)

    def sentences(self, language: str = "en") -> list[str]:
        """Return the outcome in plain words: the verdict first, then the faults, then the notes."""
        verdict = Finding("valid" if self.valid else "not_valid", {"signatures": len(self.signatures), "faults": len(self.faults)})
        return [finding.say(language) for finding in (verdict, *self.faults, *self.notes)]


def unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep each finding once, in order."""
    return tuple({(one.code, tuple(sorted((name, str(value)) for name, value in one.fields.items()))): one for one in findings}.values())


def _shown(value: object) -> object:
    """Write a value as a reader may see it."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_shown(one)) for one in value)
    return plain(value) if isinstance(value, str) else value


def plain(text: str) -> str:
    r"""Return a text of one line, with the code point where a sign is invisible or turns the direction of writing.

    >>> plain("an\u202ena"), len(plain("x" * 1_000))
    ('an[U+202E]na', 203)
    """
    shown = "".join(sign if sign.isprintable() else f"[U+{ord(sign):04X}]" for sign in text[:_LONGEST])
    return shown + "..." * (len(text) > _LONGEST)
