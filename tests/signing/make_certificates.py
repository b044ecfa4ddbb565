"""A certificate authority for tests, and the keys and certificates that it gives out. For tests and demonstrations only.

python tests/signing/make_certificates.py FOLDER     writes dpo.p12, model_reviewer.p12, controller.p12
                                                     (passphrase: test), and their certificates as .pem
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FROM, TO = datetime(2024, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
_USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
_USAGES += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


def new_key(kind="ec", bits=3072):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, bits)


def usage(*allowed):
    return x509.KeyUsage(**{name: name in allowed for name in _USAGES})


class Holder(NamedTuple):
    """A key, its certificate, and those of its issuers."""

    key: object
    certificate: x509.Certificate
    chain: tuple = ()

    def p12(self, path, passphrase="test", chain=None):
        sealed = BestAvailableEncryption(passphrase.encode())
        beside = list(self.chain if chain is None else chain)
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"key", self.key, self.certificate, beside, sealed))
        return path

    @property
    def fingerprint(self):
        return self.certificate.fingerprint(hashes.SHA256()).hex()


class Authority:
    """Issues certificates; `root` is its own."""

    def __init__(self, name="Test authority"):
        self.key = new_key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.root = self._certificate(self.name, self.key, [(x509.BasicConstraints(ca=True, path_length=None), True), (usage("key_cert_sign"), True)])

    def _certificate(self, subject, key, extensions, start=FROM, end=TO):
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        for extension, critical in extensions:
            made = made.add_extension(extension, critical)
        return made.sign(self.key, hashes.SHA256())

    def issue(self, name, *, kind="ec", bits=3072, start=FROM, end=TO, usages=("digital_signature", "content_commitment"), stamps=False):
        key = new_key(kind, bits)
        extensions = [(x509.BasicConstraints(ca=False, path_length=None), True), (usage(*usages), True)]
        extensions += [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)] if stamps else []
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return Holder(key, self._certificate(subject, key, extensions, start, end), (self.root,))


if __name__ == "__main__":
    authority, folder = Authority(), Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for signer in ("model_reviewer", "dpo", "controller"):
        holder = authority.issue(signer)
        holder.p12(folder / f"{signer}.p12")
        (folder / f"{signer}.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
