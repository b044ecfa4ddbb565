"""What a signature is bound to: the study's manifest, the evidence attached, the head of the register's trail.

The binding stands at the end of the reason that is signed, where every reader of PDF shows it, and in the evidence itself.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from scoring.signing.certificates import SigningError
from scoring.signing.findings import TrailHead

EVIDENCE: Final = "evidence.json"
_DIGEST: Final = r"[0-9a-f]{64}"
_BOUND: Final = re.compile(rf"\[study ({_DIGEST}) evidence ({_DIGEST})(?: trail (\d{{1,18}}) ({_DIGEST}))?\]$")
_KEYS: Final = ("manifest_digest", "manifest")
"""Where evidence may name its study; it does so once."""
_DEEPEST: Final = 64
_LARGEST: Final = 1 << 28
"""Bytes of evidence, unpacked; a dossier of a large study has some hundred thousand."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a signature was put under."""

    manifest: str
    evidence: str
    trail: TrailHead | None = None

    def at_the_end_of(self, reason: str) -> str:
        """Return the reason with the binding after it."""
        trail = f" trail {self.trail.sequence} {self.trail.hash}" if self.trail else ""
        return f"{reason} [study {self.manifest} evidence {self.evidence}{trail}]".lstrip()


def binding_in(reason: str) -> Binding | None:
    """Read the binding at the end of a reason; nothing where there is none.

    >>> bound = Binding("a" * 64, "b" * 64, TrailHead(7, "c" * 64))
    >>> binding_in(bound.at_the_end_of("I approve")) == bound, binding_in("I approve")
    (True, None)
    """
    found = _BOUND.search(reason)
    return Binding(found[1], found[2], TrailHead(int(found[3]), found[4]) if found[3] else None) if found else None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence attached to a document."""

    content: bytes

    @property
    def sha256(self) -> str:
        """Return its SHA-256."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def manifest(self) -> str:
        """Return the digest of the study that it says it comes from; empty where it says none."""
        try:
            told = json.loads(self.content)
        except (ValueError, RecursionError):
            return ""
        named = [told[key] for key in _KEYS if key in told] if isinstance(told, dict) else []
        return named[0] if len(named) == 1 and isinstance(named[0], str) and re.fullmatch(_DIGEST, named[0]) else ""


def evidence_in(root: Any) -> Evidence | None:
    """Return the attachment of the name `evidence.json` below the root of a PDF; nothing where there is none, or more than one.

    A file has a name in the tree and two in its specification, and its content may stand there twice (ISO 32000-1, 7.11): readers differ
    in which they show, so all of them count.
    """
    tree = part_of(part_of(root, "/Names", {}), "/EmbeddedFiles", {})
    named = [specification for name, specification in _names(tree) if EVIDENCE in {str(name), *_names_of(specification)}]
    held = {unpacked(one.get_object(), _LARGEST) for specification in named for one in _contents(specification)}
    return Evidence(held.pop()) if len(named) == len(held) == 1 else None


def _names_of(specification: Any) -> set[str]:
    return {str(part_of(specification, key, "")) for key in ("/F", "/UF")}


def _contents(specification: Any) -> list[Any]:
    return list(part_of(specification, "/EF", {}).values())


def unpacked(stream: Any, largest: int) -> bytes:
    """Return the content of a stream of a PDF, which may say that it is small and be without end.

    Raises
    ------
    SigningError
        It is larger, or packed otherwise than by deflate.
    """
    packed = part_of(stream, "/Filter", "")
    names = [str(one) for one in packed] if isinstance(packed, list) else [str(packed)] * bool(packed)
    if names not in ([], ["/FlateDecode"]) or "/DecodeParms" in stream:
        raise SigningError("A part of the PDF is packed otherwise than a dossier's. Fix: render the dossier again.")
    engine = zlib.decompressobj()
    try:
        content = engine.decompress(stream.encoded_data, largest + 1) if names else bytes(stream.encoded_data)
    except zlib.error:
        return b""  # an altered byte: what is signed says so, and says more than that something cannot be unpacked
    if len(content) > largest:
        raise SigningError(f"A part of the PDF is larger than {largest:,} bytes. Fix: render the dossier again.")
    return bytes(content)


def part_of(node: Any, name: str, otherwise: Any = ()) -> Any:
    """Return an entry of a PDF dictionary, followed where it only points; `get` of pyHanko does not follow."""
    return node[name] if name in node else otherwise  # noqa: SIM401  (that is what it is for)


def _names(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Go through a name tree (ISO 32000-1, 7.9.6)."""
    for node in leaves(tree):
        pairs = [one.get_object() for one in part_of(node, "/Names")]
        yield from zip(pairs[::2], pairs[1::2], strict=False)


def leaves(node: Any, seen: set[tuple[int, int]] | None = None, depth: int = 0) -> Iterator[Any]:
    """Go through a tree of a PDF, of names or of pages, to what has no `/Kids`.

    Raises
    ------
    SigningError
        A node stands in two places, so that the way might never end; or the tree is deeper than any.
    """
    seen = set() if seen is None else seen
    kids = part_of(node, "/Kids", None)
    if kids is None:
        yield node
        return
    for kid in kids:
        place = (kid.idnum, kid.generation) if hasattr(kid, "idnum") else None
        if place in seen or depth > _DEEPEST:
            raise SigningError("A tree of the PDF comes back to itself. Fix: render the dossier again.")
        seen.update({place} if place else ())
        yield from leaves(kid.get_object(), seen, depth + 1)
