"""Model files as bytes: what a file holds, read and checked without making a single object of it.

A file of format 2 is the zip that skops reads, with one member more, `equiscore.json`, that says what it is, and a seal as the comment of
the zip: the SHA-256 of every byte before it. The seal finds damage. It stops nobody who can write a seal; for that, keep the digest that
`persistence.save` returns and hand it to `load`. A file of format 1 is the zip of skops as it was, without either.
A card as JSON holds the same facts and a digest of its own under the key `file`; a card without that key may be edited by hand.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import skops.io

from scoring.errors import EquiscoreError
from scoring.provenance import canonical

FORMAT: Final = 2
FACTS: Final = "equiscore.json"
SCHEMA: Final = "schema.json"
MOST_BYTES: Final = 256 << 20
MOST_UNPACKED: Final = 512 << 20
MOST_SCHEMA: Final = 64 << 20
MOST_MEMBERS: Final = 100_000
"""A model of a thousand trees needs a tenth of this; a file that unpacks to more is made to harm."""
_SEAL: Final = b"equiscore-model 2 sha256:"
_NAME: Final = re.compile(r"[0-9a-f-]+\.(npy|npz|bin)")
_CLOCK: Final = (1980, 1, 1, 0, 0, 0)
Json = dict[str, Any]


class UntrustedModel(EquiscoreError):  # noqa: N818  (it is the model that is not trusted)
    """A file, or an estimator to be filed, is not what this software may load."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A model file that was taken apart: nothing of it has been made into an object."""

    format: int
    facts: Json
    schema: Json
    unpacked: int
    """Bytes after decompression."""

    @property
    def kind(self) -> str:
        """The full name of the estimator's class."""
        return f"{self.schema['__module__']}.{self.schema['__class__']}"

    @property
    def types(self) -> tuple[str, ...]:
        """Every type and function that the file asks for, in the order of the alphabet."""
        return tuple(sorted({f"{node['__module__']}.{node['__class__']}" for node in nodes_of(self.schema) if "__class__" in node}))


# -- writing -----------------------------------------------------------------------------------------------------------------------


def pack(estimator: Any, facts: Callable[[Opened], Json]) -> bytes:
    """Write a fitted estimator as a sealed file. The same estimator gives the same bytes: no clock, no address in memory.

    Parameters
    ----------
    estimator
        What skops can write.
    facts
        Called with the parts of the file; returns what is written of it.
    """
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as made:
        schema = json.loads(made.read(SCHEMA))
        names = _renumbered(schema)
        members = {names.get(name, name): made.read(name) for name in made.namelist() if name != SCHEMA}
    members[SCHEMA] = canonical(schema, sort=False)
    members[FACTS] = canonical(facts(Opened(FORMAT, {}, schema, sum(map(len, members.values())))))
    return _sealed(members)


def _renumbered(schema: Json) -> dict[str, str]:
    """Renumber objects from 1 in the order in which they stand, in the place of their addresses; return the new names of their members."""
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    for node in nodes_of(schema):
        if isinstance(node.get("__id__"), int):
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if isinstance(node.get("file"), str):
            ending = node["file"].rpartition(".")[2]
            node["file"] = names.setdefault(node["file"], f"{len(names) + 1}.{ending}")
    return names


def _sealed(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _CLOCK)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, members[name])
        archive.comment = _SEAL + b"0" * 64
    body = buffer.getvalue()[: -len(archive.comment)]
    return body + _SEAL + hashlib.sha256(body).hexdigest().encode()


def pack_card(card: Mapping[str, Any], facts: Json) -> bytes:
    """Write a card as JSON with its facts and a digest of the whole."""
    content: Json = {**card, "file": facts}
    digest = hashlib.sha256(canonical(content)).hexdigest()
    return canonical({**content, "file": {**facts, "sha256": digest}})


# -- reading -----------------------------------------------------------------------------------------------------------------------


def unpack(data: bytes) -> Opened:
    """Take a model file apart and check that it is whole; no type of it is looked up, and no object made.

    Raises
    ------
    UntrustedModel
        Not a model file, one of a format to come, changed since it was written, or one that would unpack to too much.
    """
    if len(data) > MOST_BYTES:
        raise UntrustedModel(f"it has {len(data):,} bytes, more than the {MOST_BYTES:,} of any model. Fix: give a file that `save` wrote.")
    try:
        return _unpacked(data)
    except UntrustedModel:
        raise
    except Exception as fault:  # zipfile, json and numpy raise what the bytes made them stumble over: any error at all
        raise UntrustedModel(f"it is not a model file, or a damaged one ({_short(fault)}). Fix: give a file that `save` wrote.") from fault


def _unpacked(data: bytes) -> Opened:
    known = _sealed_format(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        _check_members(entries, known)
        schema = json.loads(archive.read(SCHEMA))
        facts = json.loads(archive.read(FACTS)) if known > 1 else {}
        used = {node["file"] for node in nodes_of(schema) if isinstance(node.get("file"), str)}
        if used | {SCHEMA, FACTS} != {entry.filename for entry in entries} | {SCHEMA, FACTS}:
            raise _changed("its members are not those that it speaks of")
        for name in used:
            _check_array(archive.read(name), name)
    if not isinstance(schema.get("__module__"), str) or not isinstance(facts, dict):
        raise _changed("its parts are not what they should be")
    return Opened(known, facts, schema, sum(entry.file_size for entry in entries))


def _sealed_format(data: bytes) -> int:
    """Return the format of a file, after its seal was held against its bytes; 1 has none."""
    body, seal = data[: -len(_SEAL) - 64], data[-len(_SEAL) - 64 :]
    if seal.startswith(_SEAL):
        if hashlib.sha256(body).hexdigest().encode() != seal[len(_SEAL) :]:
            raise _changed("its seal is broken")
        return FORMAT
    if found := re.search(rb"equiscore-model (\d{1,3}) sha256:[0-9a-f]{64}$", seal):
        raise UntrustedModel(f"its format, {int(found[1])}, is not known here. Fix: read it with the equiscore that wrote it.")
    return 1


def _check_members(entries: list[zipfile.ZipInfo], known: int) -> None:
    """Refuse too much, names that lead elsewhere, and a member that stands twice, before anything is unpacked."""
    names = [entry.filename for entry in entries]
    if len(names) > MOST_MEMBERS or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise UntrustedModel(f"it would unpack to more than {MOST_UNPACKED:,} bytes. Fix: give a file that `save` wrote.")
    if any(entry.file_size > MOST_SCHEMA for entry in entries if entry.filename in {SCHEMA, FACTS}):
        raise UntrustedModel(f"its schema would unpack to more than {MOST_SCHEMA:,} bytes. Fix: give a file that `save` wrote.")
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) or name in {SCHEMA, FACTS} for name in names):
        raise _changed("it holds members of other names")
    if (FACTS in names) != (known > 1):
        raise _changed("its seal is missing")


def _check_array(content: bytes, name: str) -> None:
    """Refuse an array that says it is larger than it is, or that holds objects: numpy would make room first and look after."""
    if not name.endswith(".npy"):
        raise _changed(f"it holds {name}, which is no array")
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(stream)
    size = kind.itemsize * int(np.prod([int(n) for n in shape], dtype=object))
    if kind.hasobject or min((0, *shape)) < 0 or size != len(content) - stream.tell():
        raise _changed(f"{name} is not the array that it says it is")


def unpack_card(data: bytes) -> tuple[Json, Json | None]:
    """Return a card and its facts; none for a card without a digest, which anybody may have edited.

    Raises
    ------
    UntrustedModel
        Not JSON, or changed since it was written.
    """
    try:
        held = json.loads(data)
        facts = held.pop("file", None)
        if facts is None and any(isinstance(part, dict) and "sha256" in part for part in held.values()):
            raise _changed("its digest stands under another key")
        if facts is not None:
            told = facts.pop("sha256")
            again = {**held, "file": {**facts, "sha256": told}}
            if told != hashlib.sha256(canonical({**held, "file": facts})).hexdigest() or data != canonical(again):
                raise _changed("its digest is another. If you edited the card on purpose, take the key `file` out of it")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise UntrustedModel(f"it is not a card, or a damaged one ({_short(fault)}). Fix: give a file that `save` wrote.") from fault
    return held, facts


def _changed(what: str) -> UntrustedModel:
    return UntrustedModel(f"changed since it was written: {what}. Fix: get the file as it was saved; do not mend or re-save it.")


def _short(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {str(fault)[:200]}".removesuffix(": ")


def nodes_of(part: Any) -> Iterator[Json]:
    """Go through every mapping of a schema, outermost first; without recursion, for depth is the file's choice."""
    waiting = [part]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            yield here
            waiting.extend(reversed(list(here.values())))
        elif isinstance(here, list):
            waiting.extend(reversed(here))
