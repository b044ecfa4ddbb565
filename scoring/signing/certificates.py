"""Who signs with what: keys in PKCS#12 files or on PKCS#11 tokens, certificates and the fingerprints that they are pinned by.

A certificate is known by the SHA-256 of its DER bytes, which the register pins to a reviewer; no list of authorities is asked.
No passphrase and no PIN is ever part of an error or of what is printed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from scoring.errors import EquiscoreError

SMALLEST_RSA: Final = 2048
"""Bits; NIST SP 800-131A rev. 2 (2019) allows no shorter RSA key to sign."""
_LARGEST: Final = 1 << 20


class SigningError(EquiscoreError):
    """A document that cannot be signed, or a key that cannot sign."""


@dataclass(frozen=True, slots=True)
class Pkcs12:
    """A key and its certificate in a PKCS#12 file (.p12, .pfx)."""

    path: Path
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Pkcs11:
    """A key on a token (smart card, HSM) that a PKCS#11 module reaches."""

    module: Path
    """Shared library of the token's maker."""
    certificate: str
    """Label of the certificate on the token."""
    key: str | None = None
    """Label of the key; that of the certificate where not given."""
    token: str | None = None
    """Label of the token; the first one where neither it nor the slot is given."""
    slot: int | None = None
    pin: str | None = field(default=None, repr=False)


Key = Pkcs12 | Pkcs11


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is kept of a certificate."""

    subject: str
    fingerprint: str
    valid_from: datetime
    valid_to: datetime

    def covers(self, at: datetime) -> bool:
        """Tell whether it was valid at a moment, ends included (RFC 5280, 4.1.2.5)."""
        return self.valid_from <= at <= self.valid_to


def facts_of(certificate: x509.Certificate) -> Certificate:
    """Return what is kept of a certificate."""
    der = certificate.public_bytes(Encoding.DER)
    subject = certificate.subject.rfc4514_string()
    return Certificate(subject, hashlib.sha256(der).hexdigest(), certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def public_key_of(certificate: x509.Certificate) -> bytes:
    """Return the public key of a certificate: what stays the same where it is issued again."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(text: str) -> str:
    """Return a SHA-256 fingerprint as it is compared; colons, blanks and capitals say nothing.

    Raises
    ------
    SigningError
        It is no SHA-256.

    >>> fingerprint("SHA256:" + "AB:" * 31 + "AB") == "ab" * 32
    True
    """
    bare = re.sub(r"^sha-?256[:=]?|[:\s]", "", text.strip().lower())
    bare = re.sub(r"[:\s]", "", bare)
    if not re.fullmatch(r"[0-9a-f]{64}", bare):
        raise SigningError(f"{text[:80]!r}: no SHA-256 fingerprint (64 digits). Fix: give what `openssl x509 -fingerprint -sha256` says.")
    return bare


def read_certificate(path: Path, passphrase: str = "") -> Certificate:
    """Return what is kept of the certificate in a PEM, DER or PKCS#12 file.

    Raises
    ------
    SigningError
        The file cannot be read, or holds no certificate.
    """
    content = _read(path)
    try:
        if b"-----BEGIN CERTIFICATE-----" in content:
            return facts_of(x509.load_pem_x509_certificate(content))
        if path.suffix.lower() in {".p12", ".pfx"}:
            return facts_of(_unlocked(path, content, passphrase).certificate)
        return facts_of(x509.load_der_x509_certificate(content))
    except ValueError as error:
        raise SigningError(f"{path}: no certificate in it. Fix: give a PEM, DER or PKCS#12 file.") from error


@contextmanager
def opened(key: Key) -> Iterator[Any]:
    """Lend pyHanko's signer of a key; a token's session ends with the block.

    Raises
    ------
    SigningError
        The file, the passphrase, the token or its PIN is not right, or the key is not one to sign with.
    """
    if isinstance(key, Pkcs11):
        with _session(key) as signer:
            yield signer
    else:
        yield _of_file(key)


def certificate_of(signer: Any) -> x509.Certificate:
    """Return the certificate of pyHanko's signer.

    Raises
    ------
    SigningError
        The certificate does not allow to sign, or its key is too short.
    """
    certificate = x509.load_der_x509_certificate(signer.signing_cert.dump())
    if not may_sign(certificate):
        raise SigningError(
            f"{certificate.subject.rfc4514_string()}: not a certificate to sign documents with (its usage, or its key). "
            f"Fix: ask for one with the usage digitalSignature or nonRepudiation, and an EC key or an RSA key of {SMALLEST_RSA} bits at least."
        )
    return certificate


def may_sign(certificate: x509.Certificate) -> bool:
    """Tell whether the usage and the key of a certificate let it sign documents."""
    public = certificate.public_key()
    if not isinstance(public, EllipticCurvePublicKey | RSAPublicKey) or (isinstance(public, RSAPublicKey) and public.key_size < SMALLEST_RSA):
        return False
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def whole_chain(signer: x509.Certificate, others: list[x509.Certificate]) -> list[x509.Certificate]:
    """Return the issuers of a certificate up to the one that issued itself; an empty list where the chain does not get there.

    Only such a chain is put into a file: each of its bytes then stands under a signature, so that a changed one is seen.
    """
    chain = [signer]
    while not _issued(chain[-1], chain[-1]):
        issuer = next((other for other in others if other not in chain and _issued(other, chain[-1])), None)
        if issuer is None:
            return []
        chain.append(issuer)
    return chain[1:]


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise SigningError(f"{path}: cannot be read ({error.strerror}). Fix: give the path of the file, and the right to read it.") from error
    if len(content) > _LARGEST:
        raise SigningError(f"{path}: too large for a certificate or a key. Fix: give the .p12, .pfx, .pem or .der file.")
    return content


@dataclass(frozen=True, slots=True)
class _Unlocked:
    certificate: x509.Certificate
    others: list[x509.Certificate]


def _unlocked(path: Path, content: bytes, passphrase: str) -> _Unlocked:
    try:
        held = pkcs12.load_pkcs12(content, passphrase.encode() or None)
    except ValueError:
        raise SigningError(f"{path}: cannot be opened as PKCS#12. Fix: give the right passphrase, or export the key again.") from None
    if held.cert is None or held.key is None:
        raise SigningError(f"{path}: no key with its certificate in it. Fix: export both into one PKCS#12 file.")
    return _Unlocked(held.cert.certificate, [other.certificate for other in held.additional_certs])


def _of_file(key: Pkcs12) -> Any:
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    content = _read(key.path)
    held = _unlocked(key.path, content, key.passphrase)
    loaded = SimpleSigner.load_pkcs12_data(content, other_certs=(), passphrase=key.passphrase.encode() or None)
    keep = {other.public_bytes(Encoding.DER) for other in whole_chain(held.certificate, held.others)}
    chain = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    chain.register_multiple([known for known in loaded.cert_registry if known.dump() in keep])  # what the store holds is put into the file
    return SimpleSigner(loaded.signing_cert, loaded.signing_key, chain)


@contextmanager
def _session(key: Pkcs11) -> Iterator[Any]:
    try:
        from pyhanko.config.pkcs11 import TokenCriteria
        from pyhanko.sign import pkcs11
    except ImportError as error:
        raise SigningError("Signing with a token needs python-pkcs11. Fix: pip install 'pyhanko[pkcs11]'.") from error
    criteria = TokenCriteria(label=key.token) if key.token else None
    try:
        session = pkcs11.open_pkcs11_session(str(key.module), slot_no=key.slot, token_criteria=criteria, user_pin=key.pin)
    except Exception as error:  # noqa: BLE001  (a module of the token's maker may raise anything)
        told = type(error).__name__  # its text may hold what was typed
        raise SigningError(f"{key.module}: the token cannot be opened ({told}). Fix: check module, token, slot and PIN.") from None
    with session:
        raw = _signs_digests_only(session)
        yield pkcs11.PKCS11Signer(session, cert_label=key.certificate, key_label=key.key, other_certs_to_pull=(), use_raw_mechanism=raw)


def _signs_digests_only(session: Any) -> bool:
    """Tell whether a token takes no whole documents on elliptic curves, as SoftHSM and many cards: the digest is made here then."""
    known = {getattr(one, "name", str(one)) for one in session.token.slot.get_mechanisms()}
    return "ECDSA" in known and "ECDSA_SHA256" not in known
