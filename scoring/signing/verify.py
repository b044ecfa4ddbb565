"""Say of a signed dossier what is wrong with it: nothing is believed because the file says so.

Who may sign comes from outside (certificates pinned by their SHA-256), so does the study as it is now, the register's record and
the moment. No network, no clock. A file is valid where nothing is found that is a fault.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pyhanko.pdf_utils.reader import PdfFileReader

from scoring.signing.binding import Binding, Evidence, evidence_in
from scoring.signing.certificates import SigningError, fingerprint
from scoring.signing.changes import changes_after
from scoring.signing.findings import Finding, SeenSignature, TrailHead, Verification, unique
from scoring.signing.integrity import Signature, integrity, read_pdf, signatures_in
from scoring.signing.quiet import quiet
from scoring.signing.record import against_the_register, against_the_trail

_ENDS: Final = 5
"""How many ends of file are tried where the last one cannot be read."""


def verify_pdf(
    pdf: bytes | Path,
    *,
    expected_signers: Mapping[str, str],
    evidence_manifest: str | None = None,
    evidence: bytes | None = None,
    register_record: Mapping[str, Any] | None = None,
    trail_head: tuple[int, str] | None = None,
    timestamp_authorities: Collection[str] = (),
    at: datetime | None = None,
) -> Verification:
    """Verify the signatures of a dossier, and what they were put under.

    Parameters
    ----------
    pdf : bytes or Path
        The file.
    expected_signers : mapping of str to str
        SHA-256 fingerprint of the certificate by expected signer, as the register pins them.
    evidence_manifest : str, optional
        Digest of the study as it is now.
    evidence : bytes, optional
        The evidence of the study as it is now; the attached one must be the same, byte for byte.
    register_record : mapping, optional
        What the register holds of the file: `signatures` (rows, see `against_the_register`), `head` (the trail's now, as
        ``number:hash``) and `trail` (hash by number of event, of those that were signed at least; `heads_in` says which).
    trail_head : (int, str), optional
        Number and hash of the last event of the register's trail, as it is now.
    timestamp_authorities : collection of str
        SHA-256 fingerprints of the timestamp authorities' certificates that are believed.
    at : datetime, optional
        The moment of the verification, with its time zone.

    Returns
    -------
    Verification
        `valid`, `findings` and `signatures`; `sentences(language)` says it all in plain words.

    Raises
    ------
    SigningError
        The file cannot be read, a fingerprint is none, or a time has no time zone. What the file holds is never an error but a finding.
    """
    content = pdf if isinstance(pdf, bytes) else _read(pdf)
    pins = {signer: fingerprint(text) for signer, text in expected_signers.items()}
    authorities = {fingerprint(text) for text in timestamp_authorities}
    if at is not None and at.tzinfo is None:
        raise SigningError(f"{at}: a time without a time zone. Fix: give one, such as UTC.")
    try:
        with quiet():
            reader = read_pdf(content)
            held, attached = signatures_in(reader), evidence_in(reader.root)
            seen = [one.seen(content) for one in held]
            whole = [*_of_each(content, reader, held, authorities), *_of_the_end(content, reader, held)]
    except Exception as error:  # noqa: BLE001  (a file may be anything; it must not stop the one who verifies it)
        return Verification((*_junk(content), Finding("unreadable", {"reason": type(error).__name__})))
    trail, head = _trail(register_record or {}, trail_head)
    findings = [
        *whole,
        *_of_the_signers(seen, pins),
        *_of_the_times(held, seen, at),
        *_of_the_study(seen, attached, evidence_manifest, evidence),
        *against_the_register(seen, register_record),
        *against_the_trail(seen, trail, head),
        Finding("revocation_not_checked"),
    ]
    return Verification(unique(findings), tuple(seen))


def _junk(content: bytes) -> list[Finding]:
    """Tell whether a file can be read up to what was signed last: then only what stands after it is in the way."""
    ends = [place.end() for place in re.finditer(rb"%%EOF\r?\n?", content)][-_ENDS:]
    for end in reversed(ends):
        try:
            with quiet():
                last = signatures_in(read_pdf(content[:end]))[-1]
        except Exception:  # noqa: BLE001, S112  (it is not this end)
            continue
        return [Finding("trailing_bytes", {"signer": last.signer, "bytes": len(content) - last.end})] if last.end < len(content) else []
    return []


def bindings_in(pdf: bytes | Path) -> tuple[Binding, ...]:
    """Return what the signatures of a file say that they were put under; nothing of a file that cannot be read."""
    content = pdf if isinstance(pdf, bytes) else _read(pdf)
    try:
        with quiet():
            bound = [one.binding for one in signatures_in(read_pdf(content))]
    except Exception:  # noqa: BLE001  (`verify_pdf` says what is wrong with the file)
        return ()
    return tuple(one for one in bound if one)


def heads_in(pdf: bytes | Path) -> tuple[TrailHead, ...]:
    """Return the heads of the trail that the signatures of a file bear: what to ask the register for before it is verified."""
    return tuple(dict.fromkeys(one.trail for one in bindings_in(pdf) if one.trail))


def study_named_in(pdf: bytes | Path) -> str:
    """Return the digest of the study that a file names: by its signatures, else by its evidence; empty where it names none."""
    content = pdf if isinstance(pdf, bytes) else _read(pdf)
    if bound := bindings_in(content):
        return bound[-1].manifest
    try:
        with quiet():
            attached = evidence_in(read_pdf(content).root)
    except Exception:  # noqa: BLE001  (`verify_pdf` says what is wrong with the file)
        return ""
    return attached.manifest if attached else ""


def _trail(record: Mapping[str, Any], head: tuple[int, str] | None) -> tuple[Mapping[int, str] | None, tuple[int, str] | None]:
    """Return the trail and its head as they are now; a head that is handed in goes before that of the record."""
    number, _, text = str(record.get("head") or "").partition(":")
    return record.get("trail"), head or (TrailHead(int(number), text) if number.isdigit() else None)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SigningError(f"{path}: cannot be read ({error.strerror}). Fix: give the signed PDF.") from error


def _of_each(content: bytes, reader: PdfFileReader, held: Sequence[Signature], authorities: Collection[str]) -> Iterator[Finding]:
    for one in held:
        try:
            found = integrity(content, one, certified=one is held[0], authorities=authorities)
            named = changes_after(reader, one)
        except Exception as error:  # noqa: BLE001  (one broken signature must not hide the others)
            found, named = [Finding("signature_unreadable", {"signer": one.signer, "reason": type(error).__name__})], []
        yield from named
        yield from (finding for finding in found if not (named and finding.code == "changed_after"))


def _of_the_end(content: bytes, reader: PdfFileReader, held: Sequence[Signature]) -> list[Finding]:
    """Tell what stands after the last signature: it must cover the file whole."""
    if not held:
        return [Finding("unsigned")]
    last = held[-1]
    fields = {"signer": last.signer, "bytes": len(content) - last.end}
    if last.end == len(content):
        return []
    return [Finding("added_after_last" if reader.total_revisions - 1 > last.embedded.signed_revision else "trailing_bytes", fields)]


def _of_the_signers(seen: Sequence[SeenSignature], pins: Mapping[str, str]) -> Iterator[Finding]:
    if not pins:
        yield Finding("nobody_expected")
    for digest, count in Counter(pins.values()).items():
        if count > 1:
            yield Finding("one_certificate_for_several", {"signers": [signer for signer, pin in pins.items() if pin == digest]})
    there = {one.signer for one in seen}
    yield from (Finding("signature_missing", {"signer": signer}) for signer in pins if signer not in there)
    owner = {pin: signer for signer, pin in pins.items()}
    for one in seen:
        if one.signer not in pins:
            yield Finding("signer_unexpected", {"signer": one.signer})
        elif one.fingerprint in owner and owner[one.fingerprint] != one.signer and pins[one.signer] != one.fingerprint:
            yield Finding("signed_by_another", {"signer": one.signer, "other": owner[one.fingerprint]})
        elif pins[one.signer] != one.fingerprint:
            yield Finding("foreign_certificate", {"signer": one.signer, "fingerprint": one.fingerprint})


def _of_the_times(held: Sequence[Signature], seen: Sequence[SeenSignature], at: datetime | None) -> Iterator[Finding]:
    """Tell whether the certificates were valid when signed with, by the signer's clock and by the authority's."""
    for signature, one in zip(held, seen, strict=True):
        fields = {"signer": one.signer, "from": signature.certificate.valid_from, "to": signature.certificate.valid_to}
        times = [time for time in (one.at, one.stamped_at) if time]
        if not times:
            yield Finding("no_time", fields)
        yield from (Finding("certificate_expired", {**fields, "at": time}) for time in times if not signature.certificate.covers(time))
        if at is not None and any(time > at for time in times):
            yield Finding("signed_in_the_future", {**fields, "at": max(times), "now": at.astimezone(UTC)})
        if at is not None and at > signature.certificate.valid_to and all(map(signature.certificate.covers, times)):
            yield Finding("certificate_ended_since", fields)


def _of_the_study(seen: Sequence[SeenSignature], attached: Evidence | None, manifest: str | None, evidence: bytes | None) -> Iterator[Finding]:
    """Tell whether what is attached is what was signed, and whether it is of the study as it is now."""
    if attached is None or not attached.manifest:
        yield Finding("no_evidence")
    for one in seen:
        if not one.manifest:
            yield Finding("unbound", {"signer": one.signer})
        elif attached is not None and attached.sha256 != one.evidence:
            yield Finding("evidence_swapped", {"signer": one.signer})
        elif attached is not None and attached.manifest != one.manifest:
            yield Finding("evidence_of_another_study", {"signer": one.signer})
    signed = {one.manifest for one in seen if one.manifest} | ({attached.manifest} if attached and attached.manifest else set())
    if manifest is not None:
        yield from (Finding("study_changed", {"signed": digest[:12], "now": manifest[:12]}) for digest in sorted(signed) if digest != manifest)
    if evidence is not None and attached is not None and hashlib.sha256(evidence).hexdigest() != attached.sha256:
        yield Finding("evidence_differs")
    if manifest is None and evidence is None:
        yield Finding("study_not_checked")
