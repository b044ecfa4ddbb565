"""The package of a prior consultation (GDPR art. 36(3)): one zip with what (a) to (e) ask for, a manifest, and what is missing.

The same files give the same bytes: no clock, no compression, names in order. What a package cannot carry is trust: whoever changes a
file may write a new manifest, so the digest of the manifest belongs where it is signed or told by another way.
"""

from __future__ import annotations

import hashlib
import io
import json
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Final

from scoring.errors import StudyError
from scoring.provenance import canonical, digest_of
from scoring.texts import LANGUAGES, say
from scoring.texts.shown import plainly

MANIFEST: Final = "manifest.json"
READ_ME: Final = {"en": "README.txt", "fr": "LISEZMOI.txt"}
FORMAT: Final = 1
LETTERS: Final[Mapping[str, tuple[str, ...]]] = {"a": ("D4",), "b": ("D3", "D11"), "c": ("D14", "D15"), "d": ("D0", "D2"), "e": ("D15", "D19")}
"""What art. 36(3) asks for, and the sections of the dossier that answer it."""
_ANSWERS: Final = (
    (("pia.json",), "e"),
    (("model_card.json",), "b"),
    ((".pdf", ".docx", ".html", ".md"), "abcde"),
)
"""By the end of a name, which letters a file answers; a dossier answers all. What fits nothing is evidence and answers none."""
_RESERVED: Final = frozenset({MANIFEST, *READ_ME.values()})
_LONGEST = 150
_MODE = 0o100644 << 16


def package(
    files: Mapping[str, bytes],
    *,
    as_of: date,
    digest: str,
    language: str,
    missing: Sequence[str] = (),
    answers: Mapping[str, str] | None = None,
) -> bytes:
    """Return the package as the bytes of a zip.

    Parameters
    ----------
    files
        name -> content: the rendered dossier, ``pia.json``, ``evidence.json``, ``trace.json``, ``model_card.json``. Plain names.
    as_of
        The day of the study; the files bear it.
    digest
        Of the study that all were made from.
    language
        ``en`` or ``fr``: of the files; the manifest is in it, the word to the reader in both.
    missing
        What the dossier lacks, in words.
    answers
        name -> letters that the file answers (such as ``"bc"``), where its name does not tell.

    Raises
    ------
    StudyError
        No file, a name that leads elsewhere, is reserved or is there twice but for case; a language or a letter that is not known.
    """
    missing = [plainly(one) for one in missing]
    if language not in LANGUAGES:
        raise StudyError(f"No language {language!r}. Fix: use one of {', '.join(LANGUAGES)}.")
    _check_names(files)
    letters = {name: letters_of(name, answers) for name in files}
    told = {READ_ME[tongue]: _read_me(tongue, letters, as_of, digest, missing).encode() for tongue in LANGUAGES}
    everything = {**files, **told}
    manifest = {
        "format": FORMAT,
        "what": say("dossier_annexes.package", language),
        "no_advice": say("dossier_annexes.no_advice", language),
        "as_of": as_of.isoformat(),
        "language": language,
        "study": digest,
        "files": {name: _entry(content, letters.get(name, "")) for name, content in sorted(everything.items())},
        "article_36_3": {letter: _letter(letter, letters, language) for letter in LETTERS},
        "missing": [*_unanswered(letters, language), *missing],
    }
    manifest["digest"] = digest_of(manifest)
    return _zipped({**everything, MANIFEST: canonical(manifest)}, as_of)


def letters_of(name: str, answers: Mapping[str, str] | None = None) -> str:
    """Return the letters of art. 36(3) that a file answers, by what is said of it or by its name.

    >>> letters_of("credit.fr.pdf"), letters_of("pia.json"), letters_of("evidence.json"), letters_of("note.json", {"note.json": "c"})
    ('abcde', 'e', '', 'c')
    """
    said = (answers or {}).get(name)
    if said is None:
        return next((letters for ends, letters in _ANSWERS if name.lower().endswith(ends)), "")
    if unknown := sorted(set(said) - set(LETTERS)):
        raise StudyError(f"{name}: art. 36(3) has no letter {', '.join(unknown)} here. Fix: use {', '.join(LETTERS)}.")
    return "".join(sorted(set(said)))


def check_package(data: bytes, *, digest: str | None = None) -> list[str]:
    """Return what is wrong with a package, each fault with its place; an empty list where it is as it was made.

    Parameters
    ----------
    data
        The bytes of the zip. Nothing is unpacked to disk, and no more is read than the manifest says.
    digest
        Of the manifest, as it was told by another way; without it a package whose manifest was written anew passes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as held:
            infos = held.infolist()
            if faults := _faulty_places(infos):
                return faults
            return _held_against_manifest(held, data, digest)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, ValueError) as error:
        return [f"not a package that can be read ({error or type(error).__name__})"]


def manifest_of(data: bytes) -> dict[str, Any]:
    """Return the manifest of a package; its ``digest`` is what a receiver should be told by another way.

    Raises
    ------
    StudyError
        The package is not as it was made.
    """
    if faults := check_package(data):
        raise StudyError(f"The package is not as it was made: {'; '.join(faults)}. Fix: ask for it again.")
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        return dict(json.loads(held.read(MANIFEST)))


def _check_names(files: Mapping[str, bytes]) -> None:
    if not files:
        raise StudyError("A package of no files. Fix: hand in at least the dossier and pia.json.")
    for name in files:
        if not _plain(name) or _alike(name) in {_alike(one) for one in _RESERVED}:
            raise StudyError(f"{name!r}: no name for a file of the package. Fix: use a plain file name, without folders, other than {MANIFEST}.")
    if len({_alike(name) for name in files}) < len(files):
        raise StudyError("Two names differ by case only: one would overwrite the other where they are unpacked. Fix: rename one.")


def _plain(name: str) -> bool:
    """Tell whether a name stays where it is unpacked, on any system."""
    whole = bool(name) and name == PurePosixPath(name).name and not name.startswith(".") and len(name) <= _LONGEST
    return (
        whole and not set(name) & set('\\:*?"<>|') and not any(unicodedata.category(letter)[0] == "C" for letter in name) and name == name.strip(" .")
    )


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _entry(content: bytes, letters: str) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "article_36_3": list(letters)}


def _letter(letter: str, letters: Mapping[str, str], language: str) -> dict[str, Any]:
    return {
        "asks": say(f"dossier_annexes.letter_{letter}", language),
        "sections": list(LETTERS[letter]),
        "files": sorted(name for name, held in letters.items() if letter in held),
    }


def _unanswered(letters: Mapping[str, str], language: str) -> list[str]:
    held = set("".join(letters.values()))
    missing = [
        say("dossier_annexes.letter_missing", language, letter=letter, asks=say(f"dossier_annexes.letter_{letter}", language))
        for letter in LETTERS
        if letter not in held
    ]
    return missing if any(name.lower().endswith("pia.json") for name in letters) else [*missing, say("dossier_annexes.pia_missing", language)]


def _read_me(language: str, letters: Mapping[str, str], as_of: date, digest: str, missing: Sequence[str]) -> str:
    from scoring.dossier.parts.days import day

    def told(key: str, **values: Any) -> str:
        return say(f"dossier_annexes.{key}", language, **values)

    lines = [told("package"), "", told("no_advice"), "", told("package_of", day=day(as_of, language), digest=digest), "", told("package_asks"), ""]
    for letter, sections in LETTERS.items():
        files = ", ".join(sorted(name for name, held in letters.items() if letter in held)) or told("package_no_file")
        lines += [f"({letter}) {told(f'letter_{letter}')}", f"    {told('package_files', files=files, sections=', '.join(sections))}"]
    other = sorted(name for name, held in letters.items() if not held)
    lines += ["", told("package_other", files=", ".join(other))] if other else []
    lacks = [*_unanswered(letters, language), *missing]
    lines += [
        "",
        told("package_missing" if lacks else "package_whole"),
        *(f"  - {one}" for one in lacks),
        "",
        told("package_check", manifest=MANIFEST),
    ]
    return "\n".join(lines) + "\n"


def _zipped(files: Mapping[str, bytes], as_of: date) -> bytes:
    """Write files in the order of their names, unpacked: what compresses may differ from machine to machine."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as made:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, (max(as_of.year, 1980), as_of.month, as_of.day, 0, 0, 0))
            info.create_system, info.external_attr = 3, _MODE
            made.writestr(info, files[name])
    return sink.getvalue()


def _faulty_places(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return what no reader should unpack: names that lead elsewhere, names twice, links, packed or locked entries."""
    names = [_alike(info.orig_filename) for info in infos]
    faults = [f"{info.orig_filename!r}: a name that leads out of the package" for info in infos if not _plain(info.orig_filename)]
    faults += [f"{name}: in the package twice" for name in sorted({name for name in names if names.count(name) > 1})]
    odd = [info for info in infos if info.external_attr != _MODE or info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1]
    return faults + [f"{info.orig_filename!r}: a link, a folder, packed or locked; a package holds plain files" for info in odd]


def _held_against_manifest(held: zipfile.ZipFile, data: bytes, digest: str | None) -> list[str]:
    sizes = {info.filename: info.file_size for info in held.infolist()}
    if MANIFEST not in sizes:
        return [f"{MANIFEST}: missing, so nothing can be checked"]
    written, contents = held.read(MANIFEST), dict[str, bytes]()
    manifest = _manifest(written)
    if manifest is None:
        return [f"{MANIFEST}: not a manifest as it is written"]
    faults = _of_manifest(manifest, written, digest)
    for name, known in sorted(manifest["files"].items()):
        if name not in sizes:
            faults.append(f"{name}: missing")
        elif sizes[name] != known["bytes"]:
            faults.append(f"{name}: {sizes[name]:,} bytes, {known['bytes']:,} were written")
        else:
            contents[name] = _read(held, name)
            faults += [] if hashlib.sha256(contents[name]).hexdigest() == known["sha256"] else [f"{name}: changed since it was written"]
    faults += [f"{name}: not in the manifest" for name in sorted(sizes) if name not in {*manifest["files"], MANIFEST}]
    again = faults or _zipped({**contents, MANIFEST: canonical(manifest)}, date.fromisoformat(manifest["as_of"])) == data
    return faults if faults or again else ["the package: the same files in other bytes (something before, between or after them)"]


def _read(held: zipfile.ZipFile, name: str) -> bytes:
    """Read a file; where its checksum does not fit, what is there: the manifest says that it was changed."""
    try:
        return held.read(name)
    except zipfile.BadZipFile:
        return b""


def _of_manifest(manifest: Mapping[str, Any], written: bytes, digest: str | None) -> list[str]:
    faults = []
    if digest_of(manifest) != manifest.get("digest"):
        faults.append(f"{MANIFEST}: changed since it was written (its digest differs)")
    elif canonical(manifest) != written:
        faults.append(f"{MANIFEST}: changed since it was written (the same content in other bytes)")
    if digest is not None and manifest.get("digest") != digest:
        faults.append(f"{MANIFEST}: not the one that was expected (its digest is {str(manifest.get('digest'))[:12]})")
    return faults


def _manifest(written: bytes) -> dict[str, Any] | None:
    """Return a manifest whose parts that are relied on have their form; none where they have not."""
    try:
        held = json.loads(written)
        date.fromisoformat(held["as_of"])
        whole = all(isinstance(known["sha256"], str) and type(known["bytes"]) is int for known in held["files"].values())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return held if whole else None
