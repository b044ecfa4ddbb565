"""Whether a signature holds: what it covers, its cryptography, and that not one byte of its envelope is other than it was written.

A signature covers all bytes of its revision but its own envelope (CMS, RFC 5652), and of the envelope only some parts. What is left
over (padding, capitals of hexadecimal digits, algorithm names, embedded issuers) is therefore compared with what it must be. Of a
timestamp token only what its authority signed is held here; the register's digest of the file holds the rest.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from asn1crypto import algos, cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from scoring.signing.binding import Binding, binding_in, part_of
from scoring.signing.certificates import Certificate, SigningError, facts_of, may_sign, whole_chain
from scoring.signing.findings import Finding, SeenSignature
from scoring.signing.quiet import run

DIGEST: Final = "sha256"
_STAMP: Final = "signature_time_stamp_token"
_NO_TRAIL: Final = Binding("", "")


def field_name(signer: str) -> str:
    """Return the name of a signer's field: a dot parts names of fields in a PDF, so it is written otherwise.

    >>> field_name("a.martin"), field_name("contrôleur")
    ('a%2Emartin', 'contrôleur')
    """
    return signer.replace("%", "%25").replace(".", "%2E")


def read_pdf(content: bytes) -> PdfFileReader:
    """Open a PDF strictly.

    Raises
    ------
    SigningError
        It is encrypted.
    """
    reader = PdfFileReader(io.BytesIO(content), strict=True)
    if reader.encrypted:
        raise SigningError("The PDF is encrypted. Fix: give the file as it was rendered.")
    return reader


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """A signature in a file, and what it says of itself."""

    embedded: EmbeddedPdfSignature

    @property
    def signer(self) -> str:
        """Return the expected signer whose field it fills."""
        return unquote(self.embedded.field_name)

    @property
    def end(self) -> int:
        """Return where the bytes end that it covers."""
        return int(self.embedded.byte_range[2]) + int(self.embedded.byte_range[3])

    @property
    def x509(self) -> x509.Certificate:
        """Return the signer's certificate."""
        return x509.load_der_x509_certificate(self.embedded.signer_cert.dump())

    @property
    def certificate(self) -> Certificate:
        """Return what is kept of the signer's certificate."""
        return facts_of(self.x509)

    @property
    def at(self) -> datetime | None:
        """Return when it says that it was made."""
        told = self.embedded.self_reported_timestamp
        return told if told is None or told.tzinfo else told.replace(tzinfo=UTC)

    @property
    def binding(self) -> Binding | None:
        """Return what it is bound to."""
        return binding_in(str(part_of(self.embedded.sig_object, "/Reason", "")))

    @property
    def stamp(self) -> Any:
        """Return the signed data of its timestamp token; nothing where it has none."""
        for attribute in self.embedded.signer_info["unsigned_attrs"] or ():
            if attribute["type"].native == _STAMP:
                return attribute["values"][0]["content"]
        return None

    @property
    def stamped_at(self) -> datetime | None:
        """Return the time of its timestamp token."""
        stamp = self.stamp
        told: datetime | None = stamp["encap_content_info"]["content"].parsed["gen_time"].native if stamp is not None else None
        return told

    def seen(self, content: bytes) -> SeenSignature:
        """Return what is kept of it."""
        bound = self.binding or _NO_TRAIL
        digest = hashlib.sha256(content[: self.end]).hexdigest()
        return SeenSignature(self.signer, self.certificate.fingerprint, self.at, digest, bound.manifest, bound.evidence, bound.trail, self.stamped_at)


def signatures_in(reader: PdfFileReader) -> list[Signature]:
    """Return the signatures of a file in the order in which they were put on."""
    return sorted((Signature(embedded) for embedded in reader.embedded_regular_signatures), key=lambda one: one.end)


def integrity(content: bytes, signature: Signature, *, certified: bool, authorities: Collection[str] = ()) -> list[Finding]:
    """Return what is wrong with one signature by itself; who signed is not asked here.

    Parameters
    ----------
    content : bytes
        The file.
    signature : Signature
        One of its signatures.
    certified : bool
        Whether it is the first one, which must also certify the document.
    authorities : collection of str
        Fingerprints of the timestamp authorities that are believed.
    """
    fields = {"signer": signature.signer}
    status = run(_status(signature, authorities))
    if not (status.intact and status.valid):
        return [Finding("altered", fields)]
    found = [] if _envelope_is_as_written(content, signature) else [Finding("envelope_altered", fields)]
    if status.docmdp_ok is False or status.modification_level is None or status.modification_level > ModificationLevel.FORM_FILLING:
        found.append(Finding("changed_after", fields))
    if certified and signature.embedded.docmdp_level not in {MDPPerm.FILL_FORMS, MDPPerm.NO_CHANGES}:
        found.append(Finding("not_certified", fields))
    if not may_sign(signature.x509) or (not status.trusted and signature.at and signature.certificate.covers(signature.at)):
        found.append(Finding("certificate_unfit", fields))
    return [*found, *_of_the_stamp(signature, status.timestamp_validity)]


async def _status(signature: Signature, authorities: Collection[str]) -> Any:
    """Ask pyHanko; the signer's own certificate is the anchor, for whose it is is a matter of pins."""
    moment = signature.at or signature.certificate.valid_from
    pinned = [one for one in _certificates(signature.stamp) if facts_of(x509.load_der_x509_certificate(one.dump())).fingerprint in authorities]
    embedded = signature.embedded
    return await async_validate_pdf_signature(
        embedded,
        signer_validation_context=ValidationContext(trust_roots=[embedded.signer_cert], moment=moment, allow_fetching=False),
        ts_validation_context=ValidationContext(trust_roots=pinned, moment=signature.stamped_at or moment, allow_fetching=False),
        key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}),
    )


def _certificates(signed_data: Any) -> list[Any]:
    return [one.chosen for one in signed_data["certificates"] or () if one.name == "certificate"] if signed_data is not None else []


def _of_the_stamp(signature: Signature, status: Any) -> list[Finding]:
    if status is None:
        return [Finding("time_claimed", {"signer": signature.signer})]
    fields = {"signer": signature.signer, "at": status.timestamp}
    if not (status.intact and status.valid):
        return [Finding("timestamp_altered", fields)]
    return [] if status.trusted else [Finding("authority_not_pinned", fields)]


def _envelope_is_as_written(content: bytes, signature: Signature) -> bool:
    """Tell whether the gap that a signature leaves holds its envelope, zeros, and nothing else."""
    start, first, second, rest = map(int, signature.embedded.byte_range)
    der = cms.ContentInfo({"content_type": "signed_data", "content": _rewritten(signature)}).dump()
    gap = content[first:second]
    padded = b"<" + der.hex().upper().encode().ljust(len(gap) - 2, b"0") + b">"
    return start == 0 and rest >= 0 and gap == padded and _issuers_hold(signature)


def _rewritten(signature: Signature) -> Any:
    """Write an envelope again from the parts that are signed; one that we make has one form only (RFC 5652, 5)."""
    signed_data = signature.embedded.signed_data
    (info,) = signed_data["signer_infos"]
    signer = signature.embedded.signer_cert  # names are found alike whatever their capitals: only those of the certificate are right
    scheme = "rsa" if isinstance(signature.x509.public_key(), RSAPublicKey) else "ecdsa"
    digest = algos.DigestAlgorithm({"algorithm": DIGEST})
    fresh = {
        "version": "v1",
        "sid": {"issuer_and_serial_number": cms.IssuerAndSerialNumber({"issuer": signer.issuer, "serial_number": signer.serial_number})},
        "digest_algorithm": digest,
        "signed_attrs": cms.CMSAttributes(list(info["signed_attrs"])),
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": f"{DIGEST}_{scheme}"}),
        "signature": info["signature"].native,
    }
    unsigned = {"unsigned_attrs": info["unsigned_attrs"]} if info["unsigned_attrs"] else {}
    return {
        "version": "v1",
        "digest_algorithms": cms.DigestAlgorithms((digest,)),
        "encap_content_info": {"content_type": "data"},
        "certificates": cms.CertificateSet(list(signed_data["certificates"])),
        "signer_infos": [cms.SignerInfo({**fresh, "sid": cms.SignerIdentifier(fresh["sid"]), **unsigned})],
    }


def _issuers_hold(signature: Signature) -> bool:
    """Tell whether every certificate beside the signer's is an issuer whose own signature holds, up to the root."""
    signer = signature.x509
    held = _certificates(signature.embedded.signed_data)
    beside = [one for one in (x509.load_der_x509_certificate(one.dump()) for one in held) if one != signer]
    return len(held) == len(beside) + 1 and len(whole_chain(signer, beside)) == len(beside) and all(map(_is_as_issued, held))


def _is_as_issued(certificate: Any) -> bool:
    """Tell whether what stands around the signed part of a certificate is what must stand there (RFC 5280, 4.1.1)."""
    signed = certificate["tbs_certificate"]
    parts = {"tbs_certificate": signed, "signature_algorithm": signed["signature"], "signature_value": certificate["signature_value"].native}
    return bool(type(certificate)(parts).dump() == certificate.dump())
