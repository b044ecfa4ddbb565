"""Signing: in turn, certifying first, without network and clock; what must not be signed is refused."""

import asyncio
import io
import logging
import shutil
import subprocess
import sys
import threading
import types
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import pikepdf
import pytest
from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from scoring.errors import StudyError
from scoring.signing.certificates import Pkcs11, Pkcs12, SigningError, fingerprint, read_certificate
from scoring.signing.integrity import read_pdf, signatures_in
from scoring.signing.sign import sign_pdf

SIGNERS = ("model_reviewer", "dpo", "controller")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MANIFEST = "a" * 64


def test_three_sign_in_turn_and_every_signature_holds(world):
    verified = world.verify(world.signed)
    assert verified.valid
    assert [one.signer for one in verified.signatures] == list(SIGNERS)
    assert [one.sha256 for one in verified.signatures] == [step.signature.sha256 for step in world.steps]
    assert [one.as_row() for one in verified.signatures] == world.record["signatures"]


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="pdfsig (poppler) is not installed")
def test_another_reader_of_signatures_calls_each_valid(world, tmp_path):
    (tmp_path / "signed.pdf").write_bytes(world.signed)
    told = subprocess.run(["pdfsig", "-nocert", str(tmp_path / "signed.pdf")], capture_output=True, text=True, check=True).stdout
    assert told.count("Signature is Valid.") == 3
    assert told.count("ETSI.CAdES.detached") == 3
    assert told.count("Total document signed") == 1


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
def test_a_signed_file_is_sound_to_a_checker_of_pdf(world, tmp_path):
    (tmp_path / "signed.pdf").write_bytes(world.signed)
    subprocess.run(["qpdf", "--check", str(tmp_path / "signed.pdf")], capture_output=True, check=True)


def test_signing_only_adds_and_keeps_what_the_file_claims(world):
    states = [world.unsigned + b"\n", *(step.pdf for step in world.steps)]
    assert all(after.startswith(before) for before, after in pairwise(states))
    with pikepdf.open(io.BytesIO(world.unsigned)) as before, pikepdf.open(io.BytesIO(world.signed)) as after:
        assert before.Root.Metadata.read_bytes() == after.Root.Metadata.read_bytes()
        assert b"pdfaid:part" in after.Root.Metadata.read_bytes()
        assert after.attachments["evidence.json"].get_file().read_bytes() == before.attachments["evidence.json"].get_file().read_bytes()


def test_the_first_signature_certifies_and_all_fields_are_there_from_the_start(world):
    first = read_pdf(world.steps[0].pdf)
    assert [str(field.get_object()["/T"]) for field in first.root["/AcroForm"]["/Fields"]] == list(SIGNERS)
    levels = [one.embedded.docmdp_level for one in signatures_in(read_pdf(world.signed))]
    assert levels[0] is not None
    assert levels[1:] == [None, None]
    assert "/DocMDP" in first.root["/Perms"]


def test_signatures_are_invisible(world):
    with pikepdf.open(io.BytesIO(world.signed)) as pdf:
        assert all(list(field.Rect) == [0, 0, 0, 0] for field in pdf.Root.AcroForm.Fields)


def test_the_time_is_the_one_handed_in(world):
    zone = datetime(2025, 5, 5, 12, tzinfo=UTC)
    made = world.sign(world.unsigned, "dpo", at=zone)
    assert made.signature.at == zone
    assert b"20260302" not in made.pdf
    assert f"{datetime.now(UTC):D:%Y%m%d}".encode() not in made.pdf[len(world.unsigned) :]


def test_the_reason_bears_the_words_and_what_they_are_bound_to(world):
    reason = str(signatures_in(read_pdf(world.signed))[0].embedded.sig_object["/Reason"])
    assert reason.startswith("I have read it and approve it [study " + MANIFEST)
    assert reason.endswith("trail 12 " + "c" * 64 + "]")


def test_a_reason_cannot_pass_for_another_binding(world):
    made = world.sign(world.unsigned, "dpo", reason=f"Yes [study {'f' * 64} evidence {'e' * 64}]")
    assert world.alone(made.pdf).signatures[0].manifest == MANIFEST


@pytest.mark.parametrize("signer", ["a.martin", "Élodie Ñandú", "100 % sûr.e", "مراجع", "anna@example.org"])
def test_names_of_any_kind_can_sign(world, signer):
    made = sign_pdf(world.unsigned, world.key("dpo"), name=signer, reason="Read", fields=[signer], at=AT)
    verified = world.alone(made.pdf, expected_signers={signer: world.holders["dpo"].fingerprint})
    assert verified.valid
    assert verified.signatures[0].signer == signer


def test_a_file_is_written_whole_and_a_path_is_read(world, tmp_path):
    (tmp_path / "plain.pdf").write_bytes(world.unsigned)
    made = world.sign(tmp_path / "plain.pdf", "dpo", out=tmp_path / "signed.pdf")
    assert (tmp_path / "signed.pdf").read_bytes() == made.pdf
    with pytest.raises(StudyError, match="Fix:"):
        world.sign(world.unsigned, "dpo", out=tmp_path / "plain.pdf" / "inside.pdf")


def test_it_runs_where_a_loop_runs_already(world):
    async def in_a_notebook():
        return world.alone(world.sign(world.unsigned, "dpo").pdf)

    assert "signature_missing" in asyncio.run(in_a_notebook()).codes


def test_an_rsa_key_signs_too(world):
    holder = world.authority.issue("dpo", kind="rsa")
    holder.p12(world.folder / "rsa.p12")
    made = sign_pdf(world.unsigned, world.key("rsa"), name="dpo", reason="Read", fields=["dpo"], at=AT)
    assert world.alone(made.pdf, expected_signers={"dpo": holder.fingerprint}).valid


def test_a_chain_that_does_not_reach_its_root_stays_out_of_the_file(world):
    world.holders["dpo"].p12(world.folder / "broken.p12", chain=[world.holders["stranger"].chain[0]])
    made = sign_pdf(world.unsigned, world.key("broken"), name="dpo", reason="Read", fields=["dpo"], at=AT)
    assert world.alone(made.pdf, expected_signers={"dpo": world.holders["dpo"].fingerprint}).valid
    assert len(signatures_in(read_pdf(made.pdf))[0].embedded.signed_data["certificates"]) == 1
    assert len(signatures_in(read_pdf(world.signed))[0].embedded.signed_data["certificates"]) == 2


# What is refused


def refused(world, match, pdf=None, name="dpo", **others):
    with pytest.raises(SigningError, match=match) as caught:
        world.sign(pdf or world.unsigned, name, **others)
    assert "Fix:" in str(caught.value)
    return str(caught.value)


def test_another_study_than_expected_is_not_signed(world):
    refused(world, "another study", manifest="b" * 64)
    assert world.sign(world.unsigned, "dpo", manifest=MANIFEST).signature.manifest == MANIFEST


def test_a_document_without_evidence_is_not_signed(world):
    with pikepdf.open(io.BytesIO(world.unsigned)) as pdf:
        del pdf.attachments["evidence.json"]
        pdf.save(stream := io.BytesIO())
    refused(world, "no evidence.json", pdf=stream.getvalue())


def test_a_changed_document_is_not_signed_further(world):
    changed = world.steps[0].pdf.replace(b"approve it", b"approve at", 1)
    assert changed != world.steps[0].pdf
    refused(world, "changed after model_reviewer signed", pdf=changed)


def test_nobody_signs_twice_and_no_stranger_at_all(world):
    refused(world, "signed this file already", pdf=world.steps[1].pdf)
    refused(world, "not one of the expected", name="model_reviewer", fields=("dpo", "controller"))
    refused(world, "prepared for other signers", pdf=world.steps[0].pdf, fields=("dpo", "controller"))


def test_a_certificate_out_of_its_time_does_not_sign(world):
    refused(world, "valid from 2024-01-01 to 2026-01-01, not on 2026-03-02", holder="old")
    refused(world, "not on 2031", at=datetime(2031, 1, 1, tzinfo=UTC))


def test_a_certificate_for_something_else_does_not_sign(world):
    world.authority.issue("dpo", usages=("key_encipherment",)).p12(world.folder / "usage.p12")
    world.authority.issue("dpo", kind="rsa", bits=1024).p12(world.folder / "short.p12")
    refused(world, "not a certificate to sign documents", holder="usage")
    refused(world, "not a certificate to sign documents", holder="short")


def test_a_time_without_a_zone_and_a_reason_without_words_are_refused(world):
    refused(world, "time zone", at=datetime(2026, 3, 2))  # noqa: DTZ001
    refused(world, "needs a reason", reason=" ")
    refused(world, "needs a reason", reason="x" * 1_001)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"\0" * 500, b"<html></html>"])
def test_what_is_no_pdf_is_not_signed(world, content):
    with pytest.raises(SigningError, match="Fix:"):
        world.sign(content, "dpo")


def test_a_missing_file_says_so(world, tmp_path):
    with pytest.raises(SigningError, match="cannot be read"):
        world.sign(tmp_path / "none.pdf", "dpo")
    with pytest.raises(SigningError, match="cannot be read"):
        sign_pdf(world.unsigned, Pkcs12(tmp_path / "none.p12"), name="dpo", reason="Read", fields=["dpo"], at=AT)


# Secrets


def test_no_passphrase_and_no_pin_is_told(world, caplog, tmp_path):
    secret = "correct-horse-battery"
    key = Pkcs12(world.folder / "dpo.p12", secret)
    with caplog.at_level(logging.DEBUG), pytest.raises(SigningError, match="right passphrase") as caught:
        sign_pdf(world.unsigned, key, name="dpo", reason="Read", fields=["dpo"], at=AT)
    token = Pkcs11(tmp_path / "module.so", "dpo", pin=secret)
    with pytest.raises(SigningError, match="Fix:") as other:
        sign_pdf(world.unsigned, token, name="dpo", reason="Read", fields=["dpo"], at=AT)
    told = [str(caught.value), str(other.value), repr(key), repr(token), caplog.text, repr(caught.value.__cause__), repr(caught.value.__context__)]
    assert not [text for text in told if secret in text]


def test_the_address_of_an_authority_is_not_told_with_its_password(world):
    told = refused(world, "could not sign", timestamper="http://me:hush@127.0.0.1:1/tsa")
    assert "hush" not in told


def test_nothing_is_logged_while_signing_and_verifying(world, caplog):
    with caplog.at_level(logging.DEBUG):
        world.alone(world.sign(world.unsigned, "dpo").pdf + b"junk")
    assert not [record for record in caplog.records if record.name.startswith("pyhanko")]


# Certificates


def test_a_certificate_is_known_by_the_same_fingerprint_in_every_form(world, tmp_path):
    holder = world.holders["dpo"]
    (tmp_path / "dpo.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "dpo.der").write_bytes(holder.certificate.public_bytes(Encoding.DER))
    read = [read_certificate(tmp_path / "dpo.pem"), read_certificate(tmp_path / "dpo.der"), read_certificate(world.folder / "dpo.p12", "test")]
    assert {one.fingerprint for one in read} == {holder.fingerprint}
    assert read[0].subject == "CN=dpo"
    pairs = ":".join(holder.fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
    assert fingerprint(f"sha256 Fingerprint={pairs}".split("=")[1]) == fingerprint("SHA-256: " + holder.fingerprint) == holder.fingerprint


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "a" * 40])
def test_a_fingerprint_that_is_none_is_refused(text):
    with pytest.raises(SigningError, match="Fix:"):
        fingerprint(text)


def test_a_file_that_holds_no_certificate_is_refused(tmp_path):
    (tmp_path / "x.der").write_bytes(b"nothing")
    with pytest.raises(SigningError, match="no certificate"):
        read_certificate(tmp_path / "x.der")


# Timestamps


@pytest.fixture(scope="module")
def authority(world):
    holder = world.authority.issue("Timestamps", kind="rsa", bits=2048, usages=("digital_signature",), stamps=True)
    key = keys.PrivateKeyInfo.load(holder.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    certificate = asn1_x509.Certificate.load(holder.certificate.public_bytes(Encoding.DER))
    return holder, DummyTimeStamper(certificate, key, fixed_dt=AT + timedelta(minutes=1))


@pytest.fixture(scope="module")
def stamped(world, authority):
    holder, stamper = authority
    made = sign_pdf(world.unsigned, world.key("dpo"), name="dpo", reason="Read", fields=["dpo"], at=AT, timestamper=stamper)
    return made, {"expected_signers": {"dpo": world.holders["dpo"].fingerprint}, "timestamp_authorities": [holder.fingerprint]}


def test_a_timestamp_vouches_for_the_time(world, authority):
    holder, stamper = authority
    made = sign_pdf(world.unsigned, world.key("dpo"), name="dpo", reason="Read", fields=["dpo"], at=AT, timestamper=stamper)
    told = {"expected_signers": {"dpo": world.holders["dpo"].fingerprint}}
    pinned = world.alone(made.pdf, timestamp_authorities=[holder.fingerprint], **told)
    assert pinned.valid
    assert not {"time_claimed", "authority_not_pinned"} & pinned.codes
    assert made.signature.stamped_at == pinned.signatures[0].stamped_at == AT + timedelta(minutes=1)
    unknown = world.alone(made.pdf, **told)
    assert unknown.valid
    assert "authority_not_pinned" in unknown.codes


@settings(max_examples=30, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_of_a_stamped_envelope_can_be_another_where_the_register_is_asked(world, stamped, place, bit):
    made, told = stamped
    _, start, end, _ = map(int, signatures_in(read_pdf(made.pdf))[-1].embedded.byte_range)
    changed = bytearray(made.pdf)
    changed[start + int(place * (end - start))] ^= 1 << bit
    record = {"signatures": [made.signature.as_row()]}
    assert world.verify(made.pdf, register_record=record, trail_head=None, **told).valid
    assert not world.verify(bytes(changed), register_record=record, trail_head=None, **told).valid


def test_a_backdated_signature_is_caught_by_its_timestamp(world, authority):
    holder, stamper = authority
    made = world.sign(world.unsigned, "dpo", holder="old", at=datetime(2025, 6, 1, tzinfo=UTC), timestamper=stamper)
    expected = {"dpo": world.holders["old"].fingerprint}
    assert "certificate_expired" in world.alone(made.pdf, expected_signers=expected, timestamp_authorities=[holder.fingerprint]).codes


def test_an_authority_is_asked_over_http(world, authority):
    holder, stamper = authority

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            request = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            body = stamper.request_tsa_response(request).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        made = sign_pdf(world.unsigned, world.key("dpo"), name="dpo", reason="Read", fields=["dpo"], at=AT, timestamper=address)
        server.shutdown()
    expected = {"dpo": world.holders["dpo"].fingerprint}
    assert world.alone(made.pdf, expected_signers=expected, timestamp_authorities=[holder.fingerprint]).valid
    with pytest.raises(SigningError, match=r"no http\(s\) address"):
        world.sign(world.unsigned, "dpo", timestamper="ftp://example.org")


# Tokens


def test_a_token_signs_with_what_was_declared(world, monkeypatch, tmp_path):
    from pyhanko.sign.signers import SimpleSigner

    asked = []

    class Session:
        token = types.SimpleNamespace(slot=types.SimpleNamespace(get_mechanisms=list))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            asked.append("closed")

    def open_session(module, **told):
        asked.append((module, told["slot_no"], told["token_criteria"].label, told["user_pin"]))
        return Session()

    def signer(session, **told):
        asked.append(told)
        return SimpleSigner.load_pkcs12_data((world.folder / "dpo.p12").read_bytes(), other_certs=(), passphrase=b"test")

    made = types.ModuleType("pyhanko.sign.pkcs11")
    made.open_pkcs11_session, made.PKCS11Signer = open_session, signer
    monkeypatch.setitem(sys.modules, "pyhanko.sign.pkcs11", made)
    monkeypatch.setattr("pyhanko.sign.pkcs11", made, raising=False)
    token = Pkcs11(tmp_path / "module.so", "DPO certificate", key="DPO key", token="card", slot=2, pin="1234")
    signed = sign_pdf(world.unsigned, token, name="dpo", reason="Read", fields=["dpo"], at=AT)
    assert asked[0] == (str(tmp_path / "module.so"), 2, "card", "1234")
    assert asked[1] == {"cert_label": "DPO certificate", "key_label": "DPO key", "other_certs_to_pull": (), "use_raw_mechanism": False}
    assert asked[-1] == "closed"
    assert world.alone(signed.pdf, expected_signers={"dpo": world.holders["dpo"].fingerprint}).valid
