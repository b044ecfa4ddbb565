"""What is prepared before the signatures to show something else after them, and what is slipped in between two."""

import importlib.util
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pikepdf import Array, AttachedFileSpec, Dictionary, Name, String
from pyhanko.pdf_utils import generic

from scoring.signing.certificates import SigningError, opened
from scoring.signing.integrity import read_pdf, signatures_in
from scoring.signing.sign import put_signature
from scoring.texts import LANGUAGES

_spec = importlib.util.spec_from_file_location("tampering", Path(__file__).with_name("tampering.py"))
tampering = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tampering)

SIGNERS = ("model_reviewer", "dpo", "controller")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def prepared(world, prepare):
    """Return the dossier as somebody rendered it who has something in mind."""
    with pikepdf.open(io.BytesIO(world.unsigned)) as pdf:
        prepare(pdf)
        pdf.save(stream := io.BytesIO())
    return stream.getvalue()


def signed_by(world, pdf, *names, holder=None):
    reason = str(signatures_in(read_pdf(world.signed))[0].embedded.sig_object["/Reason"])
    for name in names:
        with opened(world.key(holder or name)) as key:
            pdf = put_signature(pdf, key, name=name, reason=reason, fields=SIGNERS, at=AT, timestamper=None)
    return pdf


def faults(verified):
    assert all(sentence for language in LANGUAGES for sentence in verified.sentences(language))
    return {finding.code for finding in verified.faults}


def script(pdf):
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("this.getOCGs()[0].state = false"))


def layer(pdf):
    held = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("other numbers")))
    pdf.Root.OCProperties = Dictionary(OCGs=Array([held]), D=Dictionary(OFF=Array([held])))


def form(pdf):
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=pdf.make_stream(b"<xdp/>"))


def text_field(pdf):
    page = pdf.pages[0].obj
    held = Dictionary(FT=Name.Tx, T=String("rate"), V=String("1"), Type=Name.Annot, Subtype=Name.Widget, Rect=Array([10, 10, 200, 40]), P=page)
    page.Annots = Array([pdf.make_indirect(held)])
    pdf.Root.AcroForm = Dictionary(Fields=page.Annots)


def note(pdf):
    held = Dictionary(Type=Name.Annot, Subtype=Name.FreeText, Rect=Array([0, 0, 500, 500]), Contents=String("approved"))
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(held)])


def outside(pdf):
    held = pdf.make_stream(b"")
    held.F = String("other.txt")
    pdf.pages[0].obj.Contents = Array([pdf.pages[0].obj.Contents, held])


def more_files(pdf):
    pdf.attachments["notes.txt"] = AttachedFileSpec(pdf, b"read this", filename="notes.txt")


@pytest.mark.parametrize(
    ("prepare", "part"),
    [
        (script, "actions"),
        (layer, "layers"),
        (form, "fields"),
        (text_field, "fields"),
        (note, "annotations"),
        (outside, "external"),
        (more_files, "files"),
    ],
)
def test_what_can_change_its_look_is_not_signed_and_not_valid_though_all_signed_it(world, prepare, part):
    pdf = prepared(world, prepare)
    with pytest.raises(SigningError, match="Fix: render it"):
        world.sign(pdf, "dpo")
    verified = world.alone(signed_by(world, pdf, *SIGNERS))
    assert "unsteady" in faults(verified)
    assert [finding.fields["unsteady"] for finding in verified.faults if finding.code == "unsteady"] == [[part]]


def second_of_the_name(pdf):
    pdf.attachments["other"] = AttachedFileSpec(pdf, b'{"rates": [9]}', filename="evidence.json")


def second_content(pdf):
    pdf.attachments["evidence.json"].obj.EF.UF = pdf.make_stream(b'{"rates": [9]}')


@pytest.mark.parametrize("prepare", [second_of_the_name, second_content])
def test_evidence_that_readers_may_take_for_another_is_none(world, prepare):
    pdf = prepared(world, prepare)
    with pytest.raises(SigningError, match=r"no evidence\.json"):
        world.sign(pdf, "dpo")
    assert "no_evidence" in faults(world.alone(signed_by(world, pdf, *SIGNERS)))


def names_in_a_circle(pdf):
    node = pdf.make_indirect(Dictionary(Names=Array([])))
    node.Kids = Array([node, node])
    pdf.Root.Names.EmbeddedFiles = node


def endless_evidence(pdf):
    held = pikepdf.Stream(pdf, b"x")
    held.write(tampering.packed(300), filter=Name.FlateDecode)
    pdf.attachments["evidence.json"].obj.EF = Dictionary(F=held, UF=held)


@pytest.mark.parametrize("prepare", [names_in_a_circle, endless_evidence])
def test_what_has_no_end_is_refused_at_once(world, prepare):
    assert faults(world.alone(prepared(world, prepare))) == {"unreadable"}


# Between two signatures


def title(writer):
    writer.set_info(generic.DictionaryObject({generic.pdf_name("/Title"): generic.TextStringObject("Refused")}))


def particulars(writer):
    held = generic.StreamObject({generic.pdf_name("/Type"): generic.pdf_name("/Metadata")}, stream_data=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    writer.root["/Metadata"] = writer.add_object(held)
    writer.update_root()


@pytest.mark.parametrize("change", [title, particulars])
def test_another_title_slipped_in_before_the_last_signature_is_named(world, change):
    edited = tampering.updated(world.steps[1].pdf, change)
    verified = world.alone(signed_by(world, edited, "controller"))
    assert faults(verified) == {"particulars_changed"}
    with pytest.raises(SigningError, match=r"was changed after dpo signed"):
        world.sign(edited, "controller")


def test_one_who_signs_two_fields_is_named(world):
    """Two names of a field that are read as one signer."""
    pdf = world.unsigned
    for field in ("dpo", "%64po"):
        reason = str(signatures_in(read_pdf(world.signed))[0].embedded.sig_object["/Reason"])
        with opened(world.key("dpo")) as key:
            pdf = _in_field(pdf, key, field, reason)
    assert "signed_twice" in faults(world.alone(pdf, expected_signers={"dpo": world.pins["dpo"]}))


def _in_field(pdf, key, field, reason):
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.signers import PdfSignatureMetadata, sign_pdf

    return sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), PdfSignatureMetadata(field_name=field, reason=reason), key).getvalue()


def test_one_key_under_certificates_in_two_names_is_named(world):
    holder, authority = world.holders["dpo"], world.authority
    again = x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "controller")]))
    again = again.issuer_name(authority.name).public_key(holder.key.public_key()).serial_number(x509.random_serial_number())
    again = again.not_valid_before(world.make.FROM).not_valid_after(world.make.TO).sign(authority.key, hashes.SHA256())
    second = world.make.Holder(holder.key, again, holder.chain)
    second.p12(world.folder / "again.p12")
    pdf = signed_by(world, signed_by(world, world.steps[1].pdf), "controller", holder="again")
    verified = world.alone(pdf, expected_signers=world.pins | {"controller": second.fingerprint})
    assert faults(verified) == {"one_key_for_several"}
    assert "one_key_for_several" not in json.dumps(sorted(faults(world.alone(world.signed))))
