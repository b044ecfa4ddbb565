"""Signing with a real PKCS#11 token: SoftHSM, where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scoring.signing.certificates import Pkcs11, SigningError
from scoring.signing.sign import sign_pdf

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")
PIN = "1234"


@pytest.fixture
def token(world, tmp_path, monkeypatch):
    """A token that holds the key and the certificate of the first signer."""
    pytest.importorskip("pkcs11")
    module = next((path for path in map(Path, MODULES) if path.exists()), None)
    if module is None or not shutil.which("softhsm2-util") or not shutil.which("pkcs11-tool"):
        pytest.skip("SoftHSM and OpenSC are not installed")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nobjectstore.backend = file\n", encoding="utf-8")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    holder = world.holders["model_reviewer"]
    key, certificate = tmp_path / "key.der", tmp_path / "certificate.der"
    key.write_bytes(holder.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(holder.certificate.public_bytes(Encoding.DER))
    _run("softhsm2-util", "--init-token", "--free", "--label", "signers", "--pin", PIN, "--so-pin", PIN)
    put = ("pkcs11-tool", "--module", module, "--token-label", "signers", "--login", "--pin", PIN, "--label", "reviewer", "--id", "01")
    _run(*put, "--write-object", key, "--type", "privkey", "--usage-sign")
    _run(*put, "--write-object", certificate, "--type", "cert")
    return Pkcs11(module, "reviewer", token="signers", pin=PIN)


def _run(*words):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_token_signs_and_the_signature_is_valid(world, token):
    signers = ("model_reviewer",)
    made = sign_pdf(world.unsigned, token, name="model_reviewer", reason="Read and approved.", fields=signers, at=world.steps[0].signature.at)
    assert made.signature.fingerprint == world.holders["model_reviewer"].fingerprint
    found = world.alone(made.pdf, expected_signers={"model_reviewer": made.signature.fingerprint})
    assert found.valid, found.sentences()


def test_a_wrong_pin_is_refused_without_telling_it(world, token):
    wrong = Pkcs11(token.module, token.certificate, token=token.token, pin="9999")
    with pytest.raises(SigningError, match="Fix: ") as told:
        sign_pdf(world.unsigned, wrong, name="model_reviewer", reason="Read.", fields=("model_reviewer",), at=world.steps[0].signature.at)
    assert "9999" not in str(told.value)
