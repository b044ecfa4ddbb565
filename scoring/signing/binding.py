"""What a signature is bound to: the study's manifest, the evidence attached, the head of the register's trail.

The binding stands at the end of the reason that is signed, where every reader of PDF shows it, and in the evidence itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from scoring.signing.findings import TrailHead

EVIDENCE: Final = "evidence.json"
_DIGEST: Final = r"[0-9a-f]{64}"
_BOUND: Final = re.compile(rf"\[study ({_DIGEST}) evidence ({_DIGEST})(?: trail (\d{{1,18}}) ({_DIGEST}))?\]$")
_KEYS: Final = ("manifest_digest", "manifest")
"""Where evidence may name its study; it does so once."""
_DEEPEST: Final = 32


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
    """Return the attachment of the name `evidence.json` below the root of a PDF; nothing where there is none, or more than one."""
    tree = part_of(part_of(root, "/Names", {}), "/EmbeddedFiles", {})
    found = [specification["/EF"]["/F"].data for name, specification in _names(tree) if str(name) == EVIDENCE]
    return Evidence(bytes(found[0])) if len(found) == 1 else None


def part_of(node: Any, name: str, otherwise: Any = ()) -> Any:
    """Return an entry of a PDF dictionary, followed where it only points; `get` of pyHanko does not follow."""
    return node[name] if name in node else otherwise  # noqa: SIM401  (that is what it is for)


def _names(node: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Go through a name tree (ISO 32000-1, 7.9.6)."""
    if depth > _DEEPEST:
        return
    pairs = [one.get_object() for one in part_of(node, "/Names")]
    yield from zip(pairs[::2], pairs[1::2], strict=False)
    for kid in part_of(node, "/Kids"):
        yield from _names(kid.get_object(), depth + 1)
