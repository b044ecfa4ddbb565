"""What was changed after a signature: pages and evidence, named; a signed file keeps every state that it was in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader

from scoring.signing.binding import evidence_in, part_of
from scoring.signing.findings import Finding
from scoring.signing.integrity import Signature

_DEEPEST = 64


def changes_after(reader: PdfFileReader, signature: Signature) -> list[Finding]:
    """Name the pages and the evidence that are other now than when a signature was put on.

    Parameters
    ----------
    reader : PdfFileReader
        The file as it is now.
    signature : Signature
        One of its signatures.
    """
    then = reader.get_historical_root(signature.embedded.signed_revision)
    signed, shown = list(map(_page, _pages(then["/Pages"]))), list(map(_page, _pages(reader.root["/Pages"])))
    length = max(len(signed), len(shown))
    pages = [number + 1 for number in range(length) if signed[number : number + 1] != shown[number : number + 1]]
    found = [Finding("pages_changed", {"signer": signature.signer, "pages": pages})] if pages else []
    was, is_now = evidence_in(then), evidence_in(reader.root)
    return found if was == is_now else [*found, Finding("evidence_swapped", {"signer": signature.signer})]


def _pages(node: Any, depth: int = 0) -> Iterator[Any]:
    """Go through a tree of pages (ISO 32000-1, 7.7.3)."""
    kids = part_of(node, "/Kids", None) if depth < _DEEPEST else None
    if kids is None:
        yield node
        return
    for kid in kids:
        yield from _pages(kid.get_object(), depth + 1)


def _page(page: Any) -> str:
    """Return a digest of what a page draws."""
    held = part_of(page, "/Contents")
    streams = [held] if hasattr(held, "data") else [one.get_object() for one in held]
    return hashlib.sha256(b"\n".join(bytes(one.data) for one in streams)).hexdigest()
