"""What a number came from: digests, versions, and folders that appear whole or not at all."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from scoring._version import __version__
from scoring.errors import StudyError

MANIFEST = "MANIFEST.json"
BLOCK = 4096
_LIBRARIES = ("duckdb", "narwhals", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


def canonical(content: object, *, sort: bool = True) -> bytes:
    """Write JSON so that equal content is equal bytes; unsorted where the order of the declaration says something."""
    return (json.dumps(content, sort_keys=sort, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


@functools.cache
def environment() -> dict[str, Any]:
    """Return the versions that a number may depend on."""
    return {"equiscore": __version__, "python": platform.python_version(), "libraries": {name: _version(name) for name in _LIBRARIES}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def describe(content: bytes) -> dict[str, Any]:
    """Return what the manifest keeps of a file: its SHA-256, and a checksum a block so that a change can be placed."""
    blocks = [format(zlib.crc32(content[start : start + BLOCK]), "08x") for start in range(0, len(content), BLOCK)]
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "crc32_by_4096": blocks}


def write_folder(folder: Path, files: Mapping[str, bytes], facts: Mapping[str, Any], *, replaces: Callable[[Path], bool]) -> None:
    """Write files and their manifest as one folder, readable by its owner only; the folder appears whole or not at all.

    Raises
    ------
    StudyError
        The place is taken by something that `replaces` does not recognise, or cannot be written.
    """
    folder = folder.absolute()
    if folder.exists() and not (folder.is_dir() and (replaces(folder) or not any(folder.iterdir()))):
        raise StudyError(f"{folder}: something else is there. Fix: choose another folder, or move it away.")
    manifest = {**facts, "files": {name: describe(content) for name, content in files.items()}}
    manifest["digest"] = digest_of(manifest)
    with _parents_of(folder), tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent, ignore_cleanup_errors=True) as made:
        fresh = Path(made) / "fresh"
        fresh.mkdir(mode=0o700)
        for name, content in {**files, MANIFEST: canonical(manifest)}.items():
            _write(fresh / name, content)
        _swap(fresh, folder, Path(made) / "old")


@contextmanager
def _parents_of(place: Path) -> Iterator[None]:
    """Make the folders above a place; where the writing fails, those that were made go again, and the error says what to do."""
    missing = [parent for parent in place.parents if not parent.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError):
            raise StudyError(f"{place}: cannot be written ({error.strerror or error}). Fix: choose a place that you may write to.") from error
        raise


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _swap(fresh: Path, folder: Path, old: Path) -> None:
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise


def write_file(path: Path, content: bytes, *, restricted: bool = False) -> None:
    """Write one file, whole or not at all; a restricted one, which speaks of persons, for its owner only.

    Raises
    ------
    StudyError
        It cannot be written there.
    """
    path = path.absolute()
    with _parents_of(path):
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(made).chmod(0o600 if restricted else 0o644)
            Path(made).replace(path)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise


def digest_of(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest without its own digest: the one number that stands for the whole study."""
    return hashlib.sha256(canonical({name: value for name, value in manifest.items() if name != "digest"})).hexdigest()


def faults_of(folder: Path) -> list[str]:
    """Return what a folder has that its manifest does not say, each fault with its place; an empty list where all is as written.

    Raises
    ------
    StudyError
        There is no manifest to hold the folder against.
    """
    manifest = read_manifest(folder)
    listed: dict[str, dict[str, Any]] = manifest["files"]
    faults = []
    if digest_of(manifest) != manifest.get("digest"):
        faults.append(f"{MANIFEST}: changed since it was written (its digest differs)")
    elif (folder / MANIFEST).read_bytes() != canonical(manifest):
        faults.append(f"{MANIFEST}: changed since it was written (the same content in other bytes)")
    for name, known in sorted(listed.items()):
        path = folder / name
        faults += [f"{name}: missing"] if not path.is_file() else _changes(name, path.read_bytes(), known)
    faults += [f"{path.name}: not in the manifest" for path in sorted(folder.iterdir()) if path.name not in {*listed, MANIFEST}]
    return faults


def _changes(name: str, content: bytes, known: Mapping[str, Any]) -> list[str]:
    found = describe(content)
    if found["sha256"] == known["sha256"]:
        return []
    if found["bytes"] != known["bytes"]:
        return [f"{name}: {found['bytes']:,} bytes, {known['bytes']:,} were written"]
    pairs = enumerate(zip(found["crc32_by_4096"], known["crc32_by_4096"], strict=False))
    places = [f"{i * BLOCK:,}-{min((i + 1) * BLOCK, len(content)) - 1:,}" for i, (is_now, was) in pairs if is_now != was]
    return [f"{name}: changed in bytes {', '.join(places[:5]) or '?'}" + (f" and {len(places) - 5} more blocks" if len(places) > 5 else "")]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder.

    Raises
    ------
    StudyError
        No folder, no manifest, or one that is cut short.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise StudyError(f"{folder}: no such study. Fix: give the folder that `equiscore study` wrote.")
    if not path.is_file():
        raise StudyError(f"{folder}: no {MANIFEST}, so this is no study, or a part of one. Fix: make the study again, or copy the whole folder.")
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}). Fix: ask for the right to read the folder.") from error
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{path}: cut short or changed ({error}). Fix: copy the whole folder again, or make the study again.") from error
    if not _is_manifest(manifest):
        raise StudyError(f"{path}: not a manifest as it is written. Fix: copy the whole folder again, or make the study again.")
    return dict(manifest)


def _is_manifest(held: object) -> bool:
    """Tell whether the parts that are relied on have their form; a name that leads out of the folder has not."""
    files = held.get("files") if isinstance(held, dict) else None
    return isinstance(files, dict) and all(
        isinstance(known, dict)
        and name == Path(name).name
        and isinstance(known.get("sha256"), str)
        and isinstance(known.get("bytes"), int)
        and isinstance(known.get("crc32_by_4096"), list)
        for name, known in files.items()
    )
