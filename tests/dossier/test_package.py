"""The package of a prior consultation: the same bytes for the same files, and every change to them is found and named."""

import hashlib
import io
import json
import zipfile
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.dossier.package import LETTERS, MANIFEST, READ_ME, check_package, manifest_of, package
from scoring.errors import StudyError
from scoring.provenance import canonical, digest_of

FILES = {"credit.fr.pdf": b"%PDF-1.7 dossier", "pia.json": b"{}", "evidence.json": b"[1]", "trace.json": b"[2]", "model_card.json": b"[3]"}
ASKED = {"as_of": date(2026, 11, 1), "digest": "d" * 64, "language": "fr"}
WHOLE = package(FILES, **ASKED)


def rewritten(change, *, manifest=None):
    """Write the zip again, as a stranger would, after `change` of its files (a mapping that may be changed in place)."""
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as held:
        files = {info.filename: held.read(info) for info in held.infolist()}
    change(files)
    if manifest is not None:
        written = json.loads(files[MANIFEST])
        manifest(written)
        files[MANIFEST] = canonical(written)
    return zipped(files)


def zipped(files, mode=0o100644 << 16, kind=zipfile.ZIP_STORED):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", kind) as made:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0))
            info.create_system, info.external_attr, info.compress_type = 3, mode, kind
            made.writestr(info, content)
    return sink.getvalue()


def test_the_same_files_give_the_same_bytes_in_any_order():
    assert package(dict(reversed(FILES.items())), **ASKED) == WHOLE
    assert rewritten(dict) == WHOLE


def test_any_zip_tool_reads_it_and_finds_the_files_byte_for_byte():
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as held:
        assert held.testzip() is None
        assert sorted(held.namelist()) == sorted([*FILES, *READ_ME.values(), MANIFEST])
        assert {name: held.read(name) for name in FILES} == FILES


def test_the_manifest_gives_hash_size_and_letters_of_each_file():
    files = manifest_of(WHOLE)["files"]
    for name, content in FILES.items():
        assert (files[name]["sha256"], files[name]["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert {name: "".join(files[name]["article_36_3"]) for name in FILES} == {
        "credit.fr.pdf": "abcde",
        "pia.json": "e",
        "evidence.json": "",
        "trace.json": "",
        "model_card.json": "b",
    }


def test_the_manifest_says_which_sections_and_files_answer_each_letter():
    manifest = manifest_of(WHOLE)
    assert {letter: one["sections"] for letter, one in manifest["article_36_3"].items()} == {letter: list(held) for letter, held in LETTERS.items()}
    assert manifest["article_36_3"]["e"]["files"] == ["credit.fr.pdf", "pia.json"]
    assert (manifest["study"], manifest["as_of"], manifest["missing"]) == ("d" * 64, "2026-11-01", [])
    assert "aucun conseil juridique" in manifest["no_advice"]


def test_what_no_file_answers_and_what_the_dossier_lacks_is_said_in_manifest_and_read_me():
    held = package({"model_card.json": b""}, **ASKED, missing=["avis du délégué"])
    missing = manifest_of(held)["missing"]
    assert [one[:3] for one in missing[:4]] == ["(a)", "(c)", "(d)", "(e)"]
    assert "pia.json" in missing[4]
    assert missing[5] == "avis du délégué"
    with zipfile.ZipFile(io.BytesIO(held)) as zipped_:
        assert "avis du délégué" in zipped_.read("LISEZMOI.txt").decode()


def test_the_reader_is_spoken_to_in_both_languages():
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as held:
        english, french = (held.read(READ_ME[language]).decode() for language in ("en", "fr"))
    assert "no legal advice" in english
    assert "Study of 1 November 2026" in english
    assert "aucun conseil juridique" in french
    assert "Étude du 1er novembre 2026" in french


def test_a_whole_package_has_no_fault():
    assert check_package(WHOLE) == []
    assert check_package(WHOLE, digest=manifest_of(WHOLE)["digest"]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.update({"pia.json": b"[]"}), "pia.json: changed"),
        (lambda files: files.update({"pia.json": b"[]xx"}), "pia.json: 4 bytes, 2 were written"),
        (lambda files: files.pop("pia.json"), "pia.json: missing"),
        (lambda files: files.update({"more.txt": b""}), "more.txt: not in the manifest"),
        (lambda files: files.update({"../more.txt": b""}), "leads out of the package"),
        (lambda files: files.update({"/etc/passwd": b""}), "leads out of the package"),
        (lambda files: files.update({"a\\b.txt": b""}), "leads out of the package"),
        (lambda files: files.update({"C:x.txt": b""}), "leads out of the package"),
        (lambda files: files.update({"PIA.json": b""}), "pia.json: in the package twice"),
        (lambda files: files.update({"folder/": b""}), "leads out of the package"),
        (lambda files: files.pop(MANIFEST), "manifest.json: missing"),
        (lambda files: files.update({MANIFEST: b"{}"}), "not a manifest"),
        (lambda files: files.update({MANIFEST: b"{"}), "not a manifest"),
        (lambda files: files.update({MANIFEST: files[MANIFEST].replace(b"2026", b"2025")}), "its digest differs"),
        (lambda files: files.update({MANIFEST: files[MANIFEST] + b" "}), "in other bytes"),
    ],
)
def test_every_change_is_found_and_named(change, said):
    assert any(said in fault for fault in check_package(rewritten(change)))


def test_a_link_a_packed_file_and_a_comment_are_faults():
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as held:
        files = {info.filename: held.read(info) for info in held.infolist()}
    assert any("a link" in fault for fault in check_package(zipped(files, mode=0o120777 << 16)))
    assert any("packed" in fault for fault in check_package(zipped(files, kind=zipfile.ZIP_DEFLATED)))
    sink = io.BytesIO(WHOLE)
    with zipfile.ZipFile(sink, "a") as made:
        made.comment = b"more"
    assert check_package(sink.getvalue())


def test_a_manifest_written_anew_is_found_by_the_digest_that_was_told():
    def forge(written):
        written["files"]["pia.json"] |= {"sha256": hashlib.sha256(b"[]").hexdigest()}
        written["digest"] = digest_of(written)

    forged = rewritten(lambda files: files.update({"pia.json": b"[]"}), manifest=forge)
    assert check_package(forged) == []
    assert any("not the one that was expected" in fault for fault in check_package(forged, digest=manifest_of(WHOLE)["digest"]))


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_no_byte_can_be_changed_unseen(place, by):
    changed = bytearray(WHOLE)
    changed[place] ^= by
    assert check_package(bytes(changed))


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_nothing_can_be_cut_off_or_put_before_or_after(place, more):
    assert check_package(WHOLE[:place])
    assert check_package(more + WHOLE)
    assert check_package(WHOLE + more)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_what_is_no_package_is_a_fault_and_no_crash(data):
    assert check_package(data)


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "/x", "a\\b", "C:x", ".x", "x\n", "manifest.json", "MANIFEST.json", "readme.txt", "x" * 200, "x. "]
)
def test_a_name_that_leads_elsewhere_or_is_taken_is_refused(name):
    with pytest.raises(StudyError, match="Fix:"):
        package({**FILES, name: b""}, **ASKED)


def test_names_that_differ_by_case_only_no_files_and_unknown_words_are_refused():
    for files, asked in (({**FILES, "PIA.JSON": b""}, {}), ({}, {}), (FILES, {"language": "de"}), (FILES, {"answers": {"pia.json": "z"}})):
        with pytest.raises(StudyError, match="Fix:"):
            package(files, **{**ASKED, **asked})


def test_a_package_that_was_changed_has_no_manifest_to_give():
    with pytest.raises(StudyError, match="not as it was made"):
        manifest_of(WHOLE[:-5])
