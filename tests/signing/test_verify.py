"""Verification: every tampering is caught, named, and said in both languages."""

import importlib.util
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic

from scoring.signing.certificates import SigningError, certificate_of, opened
from scoring.signing.findings import NOTES, Finding, plain
from scoring.signing.integrity import read_pdf, signatures_in
from scoring.signing.sign import put_signature
from scoring.signing.verify import heads_in, verify_pdf
from scoring.texts import LANGUAGES, has

_spec = importlib.util.spec_from_file_location("tampering", Path(__file__).with_name("tampering.py"))
tampering = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tampering)
updated, draw_on, swap_evidence = tampering.updated, tampering.draw_on, tampering.swap_evidence

SIGNERS = ("model_reviewer", "dpo", "controller")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HEAD = (12, "c" * 64)
OTHER = "b" * 64


def faults(verified):
    assert all(sentence for language in LANGUAGES for sentence in verified.sentences(language))
    return {finding.code for finding in verified.faults}


def without_asking(world, pdf, name, *, holder=None, at=AT, reason=None, fields=SIGNERS):
    """Sign as somebody does who does not ask `sign_pdf`."""
    with opened(world.key(holder or name)) as key:
        told = reason if reason is not None else str(signatures_in(read_pdf(world.signed))[0].embedded.sig_object["/Reason"])
        return put_signature(pdf, key, name=name, reason=told, fields=fields, at=at, timestamper=None)


# Each tampering by its name


def test_what_was_signed_is_valid_and_says_so(world):
    verified = world.verify(world.signed)
    assert verified.valid
    assert verified.sentences("en")[0] == "The file is valid: 3 signature(s), and nothing is wrong with it."
    assert verified.sentences("fr")[0] == "Le fichier est valide\u202f: 3 signature(s), et aucune anomalie."
    assert verified.codes == {"time_claimed", "revocation_not_checked"}


@pytest.mark.parametrize("place", [200, 5_000, 12_000])
def test_one_flipped_byte_is_named(world, place):
    flipped = bytearray(world.signed)
    while flipped[place] in b"\n ":
        place += 1
    flipped[place] ^= 1
    assert faults(world.alone(bytes(flipped))) & {"altered", "unreadable", "signature_unreadable"}


def test_altered_words_of_one_signature_are_laid_to_it_and_to_all_after(world):
    changed = world.signed.replace(b"I have read it", b"I have rEad it", 1)
    told = [finding.fields["signer"] for finding in world.alone(changed).faults if finding.code == "altered"]
    assert told == list(SIGNERS)


@pytest.mark.parametrize("page", [0, 1])
def test_an_edited_page_is_named(world, page):
    verified = world.alone(updated(world.signed, draw_on(page)))
    assert faults(verified) == {"pages_changed", "added_after_last"}
    assert verified.faults[0].say("en") == f"Changed after model_reviewer signed: page(s) {page + 1}."


def test_a_page_edited_between_two_signatures_is_laid_to_the_earlier_one(world):
    edited = updated(world.steps[0].pdf, draw_on(1))
    verified = world.alone(without_asking(world, without_asking(world, edited, "dpo"), "controller"))
    assert faults(verified) == {"pages_changed"}
    assert [finding.fields["signer"] for finding in verified.faults] == ["model_reviewer"]


def test_swapped_evidence_is_named(world):
    verified = world.alone(updated(world.signed, swap_evidence))
    assert faults(verified) >= {"evidence_swapped", "study_changed", "added_after_last"}


def test_evidence_swapped_between_two_signatures_is_named(world):
    edited = updated(world.steps[1].pdf, swap_evidence)
    verified = world.alone(without_asking(world, edited, "controller"))
    assert "evidence_swapped" in faults(verified)


def test_evidence_that_is_not_that_of_the_study_is_named(world):
    held = json.dumps({"manifest": "a" * 64, "rates": [0.25, 0.5]}).encode()
    assert world.verify(world.signed, evidence=held).valid
    assert faults(world.verify(world.signed, evidence=held + b" ")) == {"evidence_differs"}


def test_another_change_is_named_too(world):
    def change(writer):
        writer.root["/Lang"] = generic.TextStringObject("fr")
        writer.update_root()

    assert faults(world.alone(updated(world.signed, change))) == {"changed_after", "added_after_last"}


def test_even_an_empty_update_after_the_last_signature_is_named(world):
    assert "added_after_last" in faults(world.alone(updated(world.signed, lambda writer: writer.update_root())))


def test_a_dropped_signature_is_named(world):
    verified = world.alone(world.steps[1].pdf)
    assert faults(verified) == {"signature_missing"}
    assert verified.faults[0].fields["signer"] == "controller"
    assert faults(world.verify(world.steps[1].pdf)) == {"signature_missing", "register_more"}


def test_no_signature_at_all_is_named(world):
    assert faults(world.alone(world.unsigned)) == {"unsigned", "signature_missing"}


@pytest.mark.parametrize("junk", [b"\n", b"junk", b"%%EOF\n", b"\0" * 5_000])
def test_trailing_bytes_are_named(world, junk):
    verified = world.alone(world.signed + junk)
    assert "trailing_bytes" in faults(verified)
    assert {finding.fields["bytes"] for finding in verified.faults if finding.code == "trailing_bytes"} == {len(junk)}


def test_a_cut_file_is_not_valid(world):
    assert not [cut for cut in range(1, 4_000, 331) if world.alone(world.signed[:-cut]).valid]


def test_a_foreign_certificate_is_named(world):
    pdf = without_asking(world, world.steps[0].pdf, "dpo", holder="stranger")
    pdf = without_asking(world, pdf, "controller")
    verified = world.alone(pdf)
    assert faults(verified) == {"foreign_certificate"}
    assert verified.faults[0].fields["fingerprint"] == world.holders["stranger"].fingerprint


def test_a_signature_in_the_place_of_another_is_named(world):
    pdf = without_asking(world, world.steps[0].pdf, "dpo", holder="controller")
    verified = world.alone(without_asking(world, pdf, "controller"))
    assert faults(verified) == {"signed_by_another"}


def test_one_certificate_for_two_signers_is_named(world):
    pins = world.pins | {"controller": world.pins["dpo"]}
    assert "one_certificate_for_several" in faults(world.alone(world.signed, expected_signers=pins))


def test_nobody_expected_is_never_valid(world):
    assert faults(world.alone(world.signed, expected_signers={})) == {"nobody_expected", "signer_unexpected"}


def test_an_expired_certificate_is_named(world):
    pdf = without_asking(world, world.unsigned, "dpo", holder="old", fields=["dpo"])
    verified = world.alone(pdf, expected_signers={"dpo": world.holders["old"].fingerprint})
    assert faults(verified) == {"certificate_expired"}
    told = "The certificate of dpo was not valid when used (2026-03-02 09:30 UTC): it is valid from 2024-01-01 00:00 UTC to 2026-01-01 00:00 UTC."
    assert verified.faults[0].say("en") == told


def test_a_certificate_that_ended_after_it_was_used_is_a_note(world):
    pdf = without_asking(world, world.unsigned, "dpo", holder="old", fields=["dpo"], at=datetime(2025, 6, 1, tzinfo=UTC))
    verified = world.alone(pdf, expected_signers={"dpo": world.holders["old"].fingerprint})
    assert verified.valid
    assert "certificate_ended_since" in verified.codes


def test_a_certificate_that_may_not_sign_is_named(world):
    holder = world.authority.issue("dpo", usages=("key_encipherment",))
    holder.p12(world.folder / "unfit.p12")
    pdf = without_asking(world, world.unsigned, "dpo", holder="unfit", fields=["dpo"])
    assert faults(world.alone(pdf, expected_signers={"dpo": holder.fingerprint})) == {"certificate_unfit"}
    with opened(world.key("unfit")) as key, pytest.raises(SigningError):
        certificate_of(key)


def test_a_signature_from_the_future_is_named(world):
    assert faults(world.verify(world.signed, at=AT - timedelta(days=1))) == {"signed_in_the_future"}


def test_a_study_that_was_run_again_is_named(world):
    verified = world.verify(world.signed, evidence_manifest=OTHER)
    assert faults(verified) == {"study_changed"}
    assert "aaaaaaaaaaaa" in verified.faults[0].say("fr")


def test_a_signature_bound_to_nothing_or_to_another_study_is_named(world):
    unbound = without_asking(world, world.unsigned, "dpo", reason="I approve", fields=["dpo"])
    pins = {"dpo": world.holders["dpo"].fingerprint}
    assert faults(world.alone(unbound, expected_signers=pins)) == {"unbound"}
    digest = world.steps[0].signature.evidence
    other = without_asking(world, world.unsigned, "dpo", reason=f"I approve [study {OTHER} evidence {digest}]", fields=["dpo"])
    assert faults(world.alone(other, expected_signers=pins)) == {"evidence_of_another_study", "study_changed"}


def test_a_document_without_evidence_is_named(world):
    with pikepdf.open(io.BytesIO(world.unsigned)) as pdf:
        del pdf.attachments["evidence.json"]
        pdf.save(stream := io.BytesIO())
    assert "no_evidence" in faults(world.alone(without_asking(world, stream.getvalue(), "dpo", reason="Yes", fields=["dpo"])))


# The register


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("file_sha256", "register_file"),
        ("fingerprint", "register_certificate"),
        ("manifest", "register_manifest"),
        ("evidence", "register_evidence"),
        ("head", "register_head"),
        ("at", "register_time"),
    ],
)
def test_an_edited_row_of_the_register_is_named(world, column, code):
    rows = [dict(row) for row in world.record["signatures"]]
    rows[1][column] = "2026-03-01T00:00:00+00:00" if column == "at" else OTHER
    verified = world.verify(world.signed, register_record={**world.record, "signatures": rows})
    assert faults(verified) == {code}
    assert verified.faults[0].fields["signer"] == "dpo"


def test_a_deleted_row_of_the_register_is_named(world):
    rows = world.record["signatures"][1:]
    verified = world.verify(world.signed, register_record={**world.record, "signatures": rows})
    assert [(finding.code, finding.fields["signer"]) for finding in verified.faults] == [("register_missing", "model_reviewer")]


def test_a_doubled_row_of_the_register_is_named(world):
    rows = world.record["signatures"]
    assert faults(world.verify(world.signed, register_record={**world.record, "signatures": [*rows, rows[0]]})) == {"register_twice"}


def test_a_row_with_fewer_columns_and_another_way_to_write_a_time_is_the_same(world):
    rows = [{"reviewer": row["reviewer"], "file_sha256": row["file_sha256"], "at": "2026-03-02T10:30:00+01:00"} for row in world.record["signatures"]]
    assert world.verify(world.signed, register_record={"signatures": rows, "head": f"{HEAD[0]}:{HEAD[1]}"}, trail_head=None).valid


def test_a_cut_trail_is_named(world):
    verified = world.verify(world.signed, register_record={"signatures": world.record["signatures"]}, trail_head=(11, OTHER))
    assert faults(verified) == {"trail_cut"}
    assert "ends at event 11" in verified.faults[0].say("en")
    empty = world.verify(world.signed, register_record={**world.record, "trail": {}}, trail_head=None)
    assert faults(empty) == {"trail_cut"}


def test_a_rewritten_trail_is_named(world):
    told = {"register_record": {"signatures": world.record["signatures"], "trail": {12: OTHER}}, "trail_head": (40, "d" * 64)}
    assert faults(world.verify(world.signed, **told)) == {"trail_rewritten"}
    assert faults(world.verify(world.signed, register_record=None, trail_head=(12, OTHER))) == {"trail_rewritten"}


def test_a_longer_trail_that_holds_what_was_signed_is_right(world):
    assert heads_in(world.signed) == (HEAD,)
    assert world.verify(world.signed, trail_head=(40, "d" * 64)).valid
    only_the_head = world.verify(world.signed, register_record=None, trail_head=(40, "d" * 64))
    assert only_the_head.valid
    assert "trail_not_checked" in only_the_head.codes


def test_what_was_not_looked_at_is_said(world):
    verified = verify_pdf(world.signed, expected_signers=world.pins)
    assert verified.valid
    assert {"study_not_checked", "register_not_checked", "trail_not_checked", "revocation_not_checked"} <= verified.codes


# Any byte


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_makes_the_file_not_valid(world, place, bit):
    flipped = bytearray(world.signed)
    flipped[int(place * len(flipped))] ^= 1 << bit
    assert not world.alone(bytes(flipped)).valid


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), digit=st.sampled_from(b"0123456789abcdefABCDEF \n"))
def test_no_digit_of_the_last_envelope_can_be_another(world, place, digit):
    _, start, end, _ = map(int, signatures_in(read_pdf(world.signed))[-1].embedded.byte_range)
    changed = bytearray(world.signed)
    changed[start + int(place * (end - start))] = digit
    assert bytes(changed) == world.signed or not world.alone(bytes(changed)).valid


def test_capitals_of_a_name_in_the_last_envelope_cannot_be_others(world):
    """Names of issuers are compared without regard to capitals (RFC 5280, 7.1), so a reader of certificates sees no change."""
    _, start, _, _ = map(int, signatures_in(read_pdf(world.signed))[-1].embedded.byte_range)
    name, other = (text.hex().upper().encode() for text in (b"Test authority", b"Test AUTHORITY"))
    places = [found.start() for found in re.finditer(name, world.signed) if found.start() > start]
    assert len(places) >= 3
    changed = [world.signed[:place] + other + world.signed[place + len(name) :] for place in places]
    assert not [pdf for pdf in changed if world.alone(pdf).valid]


def test_what_stands_around_an_issuer_in_the_last_envelope_cannot_be_other(world):
    """The last bit of a signature may be 0; a count of unused bits that says so changes nothing for a reader of certificates."""
    authority = next(made for made in iter(world.make.Authority, None) if not made.root.signature[-1] & 1)
    holder = authority.issue("dpo")
    holder.p12(world.folder / "even.p12")
    pdf, told = without_asking(world, world.unsigned, "dpo", holder="even", fields=["dpo"]), {"expected_signers": {"dpo": holder.fingerprint}}
    assert world.alone(pdf, **told).valid
    wrapped = (b"\0" + authority.root.signature).hex().upper().encode()
    assert pdf.count(wrapped) == 1
    assert faults(world.alone(pdf.replace(wrapped, b"01" + wrapped[2:]), **told)) == {"envelope_altered"}


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=300))
def test_any_content_is_judged_and_none_breaks_the_judge(world, content):
    for pdf in (content, b"%PDF-1.7\n" + content, world.signed[:9_000] + content):
        assert not world.alone(pdf).valid


# Handing in


def test_what_is_handed_in_wrongly_is_an_error(world, tmp_path):
    with pytest.raises(SigningError, match="no SHA-256"):
        verify_pdf(world.signed, expected_signers={"dpo": "nothing"})
    with pytest.raises(SigningError, match="no SHA-256"):
        verify_pdf(world.signed, expected_signers=world.pins, timestamp_authorities=["nothing"])
    with pytest.raises(SigningError, match="time zone"):
        verify_pdf(world.signed, expected_signers=world.pins, at=datetime(2026, 3, 2))  # noqa: DTZ001
    with pytest.raises(SigningError, match="cannot be read"):
        verify_pdf(tmp_path / "none.pdf", expected_signers=world.pins)


def test_a_name_from_a_file_cannot_disguise_what_is_said(world):
    assert plain("dpo\u202e\n\x1b[31m") == "dpo[U+202E][U+000A][U+001B][31m"
    assert "\u202e" not in Finding("signer_unexpected", {"signer": "a\u202eb"}).say("fr")


def test_every_note_has_a_text():
    assert all(has(f"signatures.{code}", language) for code in NOTES for language in LANGUAGES)
