"""Put signatures on a dossier: PAdES, invisible, one signer after the other, each bound to the study.

The first signature also certifies the document: from then on nothing but the other signatures may be added (DocMDP, ISO 32000-1
12.8.2.2). Signatures are invisible because a stamp would break PDF/A and PDF/UA; who signed is shown from the register.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields as pdf_fields
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import TimeStamper

from scoring.provenance import write_file
from scoring.signing.binding import EVIDENCE, Binding, evidence_in
from scoring.signing.certificates import Certificate, Key, SigningError, certificate_of, facts_of, opened
from scoring.signing.findings import SeenSignature, TrailHead, plain
from scoring.signing.integrity import DIGEST, field_name, integrity, read_pdf, signatures_in
from scoring.signing.quiet import quiet, run
from scoring.signing.steady import steadiness

LONGEST_REASON: Final = 1_000


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed document, and what the register keeps of the signature."""

    pdf: bytes
    signature: SeenSignature


def sign_pdf(
    pdf: bytes | Path,
    signer: Key,
    *,
    name: str,
    reason: str,
    fields: Sequence[str],
    at: datetime,
    manifest: str | None = None,
    trail_head: tuple[int, str] | None = None,
    timestamper: str | TimeStamper | None = None,
    out: Path | None = None,
) -> Signed:
    """Sign a dossier in the name of one of its expected signers.

    Parameters
    ----------
    pdf : bytes or Path
        The dossier, unsigned or signed by others already; `evidence.json` is attached to it.
    signer : Pkcs12 or Pkcs11
        The key.
    name : str
        Who signs: one of `fields`.
    reason : str
        What is signed for, in words; the digests are put behind it.
    fields : sequence of str
        Everybody who is expected to sign, in order. Their empty fields come with the first signature.
    at : datetime
        When, with its time zone.
    manifest : str, optional
        Digest of the study as it is now: the dossier is refused where its evidence comes from another.
    trail_head : (int, str), optional
        Number and hash of the last event of the register's trail: a trail that is cut later then shows.
    timestamper : str, optional
        Address of a timestamp authority (RFC 3161), or a time stamper of pyHanko. Without it nothing uses the network.
    out : Path, optional
        Where the signed file is written, whole or not at all.

    Returns
    -------
    Signed
        The bytes, and the signature as the register keeps it.

    Raises
    ------
    SigningError
        No evidence, another study, a name that is not expected or has signed, a certificate that is not valid at `at`, an earlier
        signature that does not hold, a key or a timestamp authority that does not answer.
    """
    content = pdf if isinstance(pdf, bytes) else _read(pdf)
    if at.tzinfo is None:
        raise SigningError(f"{at}: a time without a time zone. Fix: give one, such as UTC.")
    if name not in fields or len(set(fields)) != len(fields):
        raise SigningError(f"{plain(name)}: not one of the expected signers, or one is named twice. Fix: correct review.signers in the declaration.")
    bound = _bound(content, fields, name, manifest, trail_head)
    with quiet(), opened(signer) as key:
        certificate = facts_of(certificate_of(key))
        _refuse_out_of_time(certificate, at)
        told, stamper = bound.at_the_end_of(_told(reason)), _stamper(timestamper)
        made = put_signature(content, key, name=name, reason=told, fields=fields, at=at, timestamper=stamper)
    if out is not None:
        write_file(out, made)
    stamped = (timestamper is not None and signatures_in(read_pdf(made))[-1].stamped_at) or None
    digest = hashlib.sha256(made).hexdigest()
    return Signed(made, SeenSignature(name, certificate.fingerprint, _seconds(at), digest, bound.manifest, bound.evidence, bound.trail, stamped))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SigningError(f"{path}: cannot be read ({error.strerror}). Fix: give the PDF that `equiscore dossier` wrote.") from error


def _told(reason: str) -> str:
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise SigningError(f"A signature needs a reason of at most {LONGEST_REASON:,} signs. Fix: say in a sentence what is signed for.")
    return reason.strip()


def _seconds(at: datetime) -> datetime:
    """Return a time as a PDF holds it: whole seconds."""
    return at.astimezone(UTC).replace(microsecond=0)


def _bound(content: bytes, fields: Sequence[str], name: str, manifest: str | None, trail_head: tuple[int, str] | None) -> Binding:
    """Return what is signed, after a look at what is there already."""
    with quiet():
        try:
            reader = read_pdf(content)
            evidence = evidence_in(reader.root)
            before = signatures_in(reader)
            expected = [found[0] for found in pdf_fields.enumerate_sig_fields(reader)]
            broken = [found.signer for found in before if any(one.is_fault for one in integrity(content, found, certified=found is before[0]))]
            broken += [before[-1].signer] if before and before[-1].end != len(content) and not broken else []
            unsteady = steadiness(reader)
        except SigningError:
            raise
        except Exception as error:
            raise SigningError(f"The PDF cannot be read ({type(error).__name__}). Fix: render the dossier again.") from error
    if evidence is None or not evidence.manifest:
        raise SigningError(f"The PDF has no {EVIDENCE} that names its study. Fix: render it with `equiscore dossier STUDY --format pdf`.")
    if manifest is not None and manifest != evidence.manifest:
        raise SigningError("The PDF comes from another study, or the study was run again. Fix: render the dossier of the study as it is now.")
    if broken:
        raise SigningError(f"The PDF was changed after {plain(', '.join(broken))} signed. Fix: take the file as it was signed.")
    if unsteady:
        raise SigningError(f"{unsteady[0].say()} Fix: render it with `equiscore dossier STUDY --format pdf`, and sign that file.")
    if name in [found.signer for found in before]:
        raise SigningError(f"{plain(name)} has signed this file already. Fix: nothing is left to do for this signer.")
    if before and set(expected) != {field_name(one) for one in fields}:
        raise SigningError("The file was prepared for other signers. Fix: render the dossier again, and sign it from the start.")
    return Binding(evidence.manifest, evidence.sha256, TrailHead(*trail_head) if trail_head else None)


def _refuse_out_of_time(certificate: Certificate, at: datetime) -> None:
    if not certificate.covers(at):
        raise SigningError(
            f"{certificate.subject}: this certificate is valid from {certificate.valid_from:%Y-%m-%d} to {certificate.valid_to:%Y-%m-%d}, "
            f"not on {at:%Y-%m-%d}. Fix: sign with one that is valid."
        )


def _stamper(timestamper: str | TimeStamper | None) -> TimeStamper | None:
    if not isinstance(timestamper, str):
        return timestamper
    from pyhanko.sign.timestamps.requests_client import RequestsHTTPTimeStamper

    if urlsplit(timestamper).scheme not in {"http", "https"}:
        raise SigningError("The timestamp authority has no http(s) address. Fix: give its URL.")
    return RequestsHTTPTimeStamper(timestamper, timeout=30)  # type: ignore[no-untyped-call]


class _Writer(IncrementalPdfFileWriter):
    """Adds to a PDF without a look at the clock: dates of the document stay as they were rendered."""

    def _update_meta(self) -> None:
        return


def put_signature(content: bytes, key: Any, *, name: str, reason: str, fields: Sequence[str], at: datetime, timestamper: TimeStamper | None) -> bytes:
    """Sign without asking whether it may be done: `sign_pdf` asks.

    Raises
    ------
    SigningError
        pyHanko, the token or the timestamp authority refuses.
    """
    first = not signatures_in(read_pdf(content))
    whole = content if not first or content.endswith(b"\n") else content + b"\n"  # PDF/A-3, 6.1.9: an end of line before what is added
    try:
        writer = _Writer(io.BytesIO(whole))
        for expected in fields if first else ():
            pdf_fields.append_signature_field(writer, SigFieldSpec(field_name(expected), readable_field_name=expected))
        return run(_signed(writer, key, _metadata(name, reason, first=first), at, timestamper))
    except SigningError:
        raise
    except Exception as error:  # noqa: BLE001  (their texts may hold addresses with passwords, so only their kind is told)
        told = type(error).__name__
        raise SigningError(f"{plain(name)}: could not sign ({told}). Fix: check the key, the token and the timestamp authority.") from None


def _metadata(name: str, reason: str, *, first: bool) -> PdfSignatureMetadata:
    return PdfSignatureMetadata(
        field_name=field_name(name),
        name=name,
        reason=reason,
        md_algorithm=DIGEST,
        subfilter=SigSeedSubFilter.PADES,
        certify=first,
        docmdp_permissions=MDPPerm.FILL_FORMS,
    )


async def _signed(writer: _Writer, key: Any, metadata: PdfSignatureMetadata, at: datetime, timestamper: TimeStamper | None) -> bytes:
    """Sign as pyHanko's own `async_sign_pdf` does, at the time that is given."""
    session = PdfSigner(metadata, key, timestamper=timestamper).init_signing_session(writer, existing_fields_only=True)
    session.system_time = _seconds(at)
    reserved = await session.estimate_signature_container_size(None)
    document = session.prepare_tbs_document(validation_info=None, bytes_reserved=reserved)
    output = io.BytesIO()
    prepared, _ = document.digest_tbs_document(output=output)
    done = await document.perform_signature(
        document_digest=prepared.document_digest, pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=session.system_time)
    )
    await done.post_signature_processing(output)
    return output.getvalue()
