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

from scoring.signing.binding import Evidence
from scoring.signing.certificates import SigningError, fingerprint, public_key_of
from scoring.signing.changes import changes_after, particulars_changed
from scoring.signing.findings import Finding, SeenSignature, TrailHead, Verification, unique
from scoring.signing.integrity import Signature, integrity, read_pdf, signatures_in
from scoring.signing.opened import OpenedPdf, open_pdf
from scoring.signing.quiet import quiet
from scoring.signing.record import against_the_register, against_the_trail
from scoring.signing.steady import steadiness

_ENDS: Final = 5
"""How many ends of file are tried where the last one cannot be read."""


def verify_pdf(
    pdf: bytes | Path | OpenedPdf,
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
    pdf : bytes, Path or OpenedPdf
        The file; one that was opened is not read again.
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
    file = open_pdf(pdf)
    pins = {signer: fingerprint(text) for signer, text in expected_signers.items()}
    authorities = {fingerprint(text) for text in timestamp_authorities}
    if at is not None and at.tzinfo is None:
        raise SigningError(f"{at}: a time without a time zone. Fix: give one, such as UTC.")
    if file.reader is None:
        return Verification((*_junk(file.content), Finding("unreadable", {"reason": file.fault})))
    try:
        with quiet():
            seen = [one.seen(file.content) for one in file.held]
            whole = [*_of_each(file, file.reader, authorities), *_of_the_end(file, file.reader), *_of_the_look(file.reader)]
    except Exception as error:  # noqa: BLE001  (a file may be anything; it must not stop the one who verifies it)
        return Verification((*_junk(file.content), Finding("unreadable", {"reason": type(error).__name__})))
    trail, head = _trail(register_record or {}, trail_head)
    findings = [
        *whole,
        *_of_the_signers(seen, pins),
        *_of_the_keys(file.held),
        *_of_the_times(file.held, seen, at),
        *_of_the_study(seen, file.attached, evidence_manifest, evidence),
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


def heads_in(pdf: bytes | Path | OpenedPdf) -> tuple[TrailHead, ...]:
    """Return the heads of the trail that the signatures of a file bear: what to ask the register for before it is verified."""
    return tuple(dict.fromkeys(one.trail for one in open_pdf(pdf).bindings if one.trail))


def _trail(record: Mapping[str, Any], head: tuple[int, str] | None) -> tuple[Mapping[int, str] | None, tuple[int, str] | None]:
    """Return the trail and its head as they are now; a head that is handed in goes before that of the record."""
    number, _, text = str(record.get("head") or "").partition(":")
    return record.get("trail"), head or (TrailHead(int(number), text) if number.isdigit() else None)


def _of_each(file: OpenedPdf, reader: PdfFileReader, authorities: Collection[str]) -> Iterator[Finding]:
    for one in file.held:
        found, named = list[Finding](), list[Finding]()
        try:
            found = integrity(file.content, one, certified=one is file.held[0], authorities=authorities)
            named = changes_after(reader, one)
            if one.end < len(file.content) and not named and all(other.code != "changed_after" for other in found):
                named = particulars_changed(file.content, one)
        except Exception as error:  # noqa: BLE001  (one broken signature must not hide the others)
            found = (
                found
                if any(other.is_fault for other in found)
                else [Finding("signature_unreadable", {"signer": one.signer, "reason": type(error).__name__})]
            )
        yield from named
        yield from (finding for finding in found if not (named and finding.code == "changed_after"))


def _of_the_look(reader: PdfFileReader) -> list[Finding]:
    """Tell what is unsteady; what cannot be gone through is no dossier either, and hides nothing that was found besides."""
    try:
        return steadiness(reader)
    except Exception as error:  # noqa: BLE001
        return [Finding("unreadable", {"reason": type(error).__name__})]


def _of_the_end(file: OpenedPdf, reader: PdfFileReader) -> list[Finding]:
    """Tell what stands after the last signature: it must cover the file whole."""
    if not file.held:
        return [Finding("unsigned")]
    last = file.held[-1]
    fields = {"signer": last.signer, "bytes": len(file.content) - last.end}
    if last.end == len(file.content):
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
    yield from (Finding("signed_twice", {"signer": signer}) for signer, count in Counter(one.signer for one in seen).items() if count > 1)
    owner = {pin: signer for signer, pin in pins.items()}
    for one in seen:
        if one.signer not in pins:
            yield Finding("signer_unexpected", {"signer": one.signer})
        elif one.fingerprint in owner and owner[one.fingerprint] != one.signer and pins[one.signer] != one.fingerprint:
            yield Finding("signed_by_another", {"signer": one.signer, "other": owner[one.fingerprint]})
        elif pins[one.signer] != one.fingerprint:
            yield Finding("foreign_certificate", {"signer": one.signer, "fingerprint": one.fingerprint})


def _of_the_keys(held: Sequence[Signature]) -> Iterator[Finding]:
    """Tell whether several signed with one key: a certificate can be issued again, under another name, to who holds the key."""
    issued: dict[bytes, dict[str, str]] = {}
    for one in held:
        issued.setdefault(public_key_of(one.x509), {})[one.certificate.fingerprint] = one.signer
    yield from (Finding("one_key_for_several", {"signers": list(names.values())}) for names in issued.values() if len(set(names.values())) > 1)


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
