"""Folders that appear whole or not at all, and in which no changed byte goes unseen."""

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from scoring import provenance
from scoring.errors import StudyError
from scoring.provenance import BLOCK, MANIFEST, canonical, describe, digest_of, faults_of, read_manifest, write_file, write_folder

FILES = {"a.json": canonical({"a": [1, 2]}), "b.bin": bytes(range(256)) * 40}


def write(folder, files=FILES):
    write_folder(folder, files, {"format": 1}, replaces=lambda place: (place / "a.json").is_file())


def content_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "study")
    return tmp_path / "study"


def test_a_folder_as_it_was_written_has_no_fault(folder):
    assert faults_of(folder) == []


def test_equal_content_is_equal_bytes_whatever_the_order_of_its_keys():
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == b'{\n "a": "\xc3\xa9",\n "b": 1\n}\n'


def test_what_is_no_number_is_not_written_as_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})


@pytest.mark.parametrize("name", FILES)
def test_any_changed_byte_of_a_file_is_found_and_placed(folder, name):
    whole = (folder / name).read_bytes()
    for place in range(0, len(whole), 1 if len(whole) < 100 else 337):
        (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        start = place // BLOCK * BLOCK
        assert faults_of(folder) == [f"{name}: changed in bytes {start:,}-{min(start + BLOCK, len(whole)) - 1:,}"]


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80, 0x29], ids=hex)
def test_any_changed_byte_of_the_manifest_is_found(folder, flip):
    whole = (folder / MANIFEST).read_bytes()
    for place in range(len(whole)):
        (folder / MANIFEST).write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        try:
            assert any(fault.startswith(MANIFEST) for fault in faults_of(folder)), place
        except StudyError as error:
            assert all(part in str(error) for part in (MANIFEST, "Fix:"))  # noqa: PT017


def test_changes_far_apart_are_each_placed(folder):
    whole = bytearray((folder / "b.bin").read_bytes())
    whole[0] ^= 1
    whole[-1] ^= 1
    (folder / "b.bin").write_bytes(whole)
    assert faults_of(folder) == ["b.bin: changed in bytes 0-4,095, 8,192-10,239"]


def test_missing_extra_and_shortened_files_are_all_named(folder):
    (folder / "a.json").unlink()
    (folder / "b.bin").write_bytes(b"x")
    (folder / "c.txt").write_bytes(b"")
    (folder / "d").mkdir()
    assert faults_of(folder) == [
        "a.json: missing",
        "b.bin: 1 bytes, 10,240 were written",
        "c.txt: not in the manifest",
        "d: not in the manifest",
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "cut short or changed", id="empty"),
        pytest.param(b'{"files": {', "cut short or changed", id="cut short"),
        pytest.param(b"[" * 99_999, "cut short or changed", id="endless"),
        pytest.param(b"\xff\xfe", "cut short or changed", id="no text"),
        pytest.param(b"[]", "not a manifest", id="a list"),
        pytest.param(b"{}", "not a manifest", id="no files"),
        pytest.param(b'{"files": {"a.json": 5}}', "not a manifest", id="nothing known of a file"),
        pytest.param(json.dumps({"files": {"../a.json": describe(b"")}}).encode(), "not a manifest", id="a way out of the folder"),
    ],
)
def test_what_is_no_manifest_is_said_so(folder, content, says):
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(StudyError, match=rf"{says}.*Fix:"):
        faults_of(folder)


def test_a_manifest_sealed_again_after_a_change_still_tells_the_file(folder):
    manifest = {**read_manifest(folder), "format": 2}
    manifest["digest"] = digest_of(manifest)
    (folder / MANIFEST).write_bytes(canonical(manifest))
    (folder / "a.json").write_bytes(b"x")
    assert faults_of(folder) == [f"a.json: 1 bytes, {len(FILES['a.json'])} were written"]


def test_no_folder_and_no_manifest_are_two_different_errors(tmp_path):
    with pytest.raises(StudyError, match="no such study"):
        faults_of(tmp_path / "none")
    with pytest.raises(StudyError, match=r"no MANIFEST\.json, so this is no study"):
        faults_of(tmp_path)


def test_the_folder_and_its_files_are_for_their_owner_only(folder):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {"study": 0o700, "a.json": 0o600, "b.bin": 0o600, MANIFEST: 0o600}


def test_a_folder_is_replaced_whole(folder):
    write(folder, {"a.json": b"other"})
    assert set(content_of(folder)) == {"a.json", MANIFEST}
    assert [path.name for path in folder.parent.iterdir()] == ["study"]


def test_an_empty_folder_may_be_written_into(tmp_path):
    (tmp_path / "study").mkdir()
    write(tmp_path / "study")
    assert faults_of(tmp_path / "study") == []


@pytest.mark.parametrize("thing", ["a foreign folder", "a file"])
def test_what_is_not_ours_is_left_untouched(tmp_path, thing):
    place = tmp_path / "study"
    place.write_bytes(b"mine") if thing == "a file" else (place.mkdir(), (place / "mine.txt").write_bytes(b"mine"))
    before = content_of(tmp_path)
    with pytest.raises(StudyError, match=r"something else is there\. Fix: choose another folder"):
        write(place)
    assert content_of(tmp_path) == before


def fails(error):
    def fail(*_, **__):
        raise error

    return fail


BREAKS = {"no room": OSError(errno.ENOSPC, "No space left on device"), "stopped by hand": KeyboardInterrupt(), "out of memory": MemoryError()}


@pytest.mark.parametrize("where", ["fsync", "rename"])
@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("before", [True, False], ids=["over a study", "anew"])
def test_a_failure_in_the_middle_leaves_everything_as_it_was(tmp_path, monkeypatch, where, broken, before):
    place = tmp_path / "deep" / "down" / "study"
    if before:
        write(place)
    held = content_of(tmp_path)
    if where == "fsync":
        monkeypatch.setattr(os, "fsync", fails(broken))
    else:
        rename = Path.rename
        monkeypatch.setattr(Path, "rename", lambda self, to: fails(broken)() if self.name == "fresh" else rename(self, to))
    with pytest.raises(StudyError if isinstance(broken, OSError) else type(broken)) as caught:
        write(place, {"a.json": b"new"})
    assert not isinstance(broken, OSError) or "No space left on device). Fix:" in str(caught.value)
    assert content_of(tmp_path) == held
    assert [path.name for path in tmp_path.iterdir()] == (["deep"] if before else [])


@pytest.mark.parametrize(("restricted", "mode"), [(False, 0o644), (True, 0o600)])
def test_a_file_is_written_whole_for_those_who_may_read_it(tmp_path, restricted, mode):
    path = tmp_path / "new" / "report.html"
    write_file(path, b"x", restricted=restricted)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"x", mode)


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, broken):
    write_file(tmp_path / "a.html", b"old")
    monkeypatch.setattr(os, "fsync", fails(broken))
    for place in (tmp_path / "a.html", tmp_path / "new" / "b.html"):
        with pytest.raises(StudyError if isinstance(broken, OSError) else type(broken)):
            write_file(place, b"new")
    assert content_of(tmp_path) == {"a.html": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_a_folder_where_a_file_stands_is_an_error_with_a_fix(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StudyError, match=r"cannot be written.*Fix: choose a place that you may write to"):
        write_file(tmp_path / "file" / "a.html", b"x")


def test_the_versions_that_a_number_may_depend_on_are_kept():
    assert set(provenance.environment()["libraries"]) >= {"duckdb", "narwhals", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy"}
