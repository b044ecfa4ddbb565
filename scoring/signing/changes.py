"""What was changed after a signature: pages, evidence, particulars, named; a signed file keeps every state that it was in."""

from __future__ import annotations

import hashlib
from itertools import zip_longest
from typing import Any, Final

from pyhanko.pdf_utils.reader import PdfFileReader

from scoring.signing.binding import evidence_in, leaves, part_of, unpacked
from scoring.signing.findings import Finding
from scoring.signing.integrity import Signature, read_pdf

_LARGEST: Final = 1 << 26
"""Bytes of a page, or of what a file says of itself, unpacked."""


def changes_after(reader: PdfFileReader, signature: Signature) -> list[Finding]:
    """Name the pages and the evidence that are other now than when a signature was put on.

    Parameters
    ----------
    reader : PdfFileReader
        The file as it is now.
    signature : Signature
        One of its signatures.
    """
    if signature.embedded.signed_revision == reader.total_revisions - 1:
        return []
    then = reader.get_historical_root(signature.embedded.signed_revision)
    signed, shown = ([_page(page) for page in leaves(root["/Pages"])] for root in (then, reader.root))
    pages = [number for number, (was, is_now) in enumerate(zip_longest(signed, shown), 1) if was != is_now]
    told = {"signer": signature.signer}
    found = [Finding("pages_changed", {**told, "pages": pages})] if pages else []
    return found + ([Finding("evidence_swapped", told)] if evidence_in(then) != evidence_in(reader.root) else [])


def particulars_changed(content: bytes, signature: Signature) -> list[Finding]:
    """Tell whether a file says other things of itself than when it was signed; pyHanko lets that pass, as most readers do."""
    same = _particulars(content[: signature.end]) == _particulars(content)
    return [] if same else [Finding("particulars_changed", {"signer": signature.signer})]


def _page(page: Any) -> str:
    """Return a digest of what a page draws."""
    held = part_of(page, "/Contents")
    streams = [held] if hasattr(held, "data") else [one.get_object() for one in held]
    return hashlib.sha256(b"\n".join(unpacked(one, _LARGEST) for one in streams)).hexdigest()


def _particulars(content: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """Return what a file says of itself (XMP, and the older dictionary): title, author, dates, standards."""
    reader = read_pdf(content)
    told, older = part_of(reader.root, "/Metadata", None), part_of(reader.trailer_view, "/Info", {})
    return b"" if told is None else unpacked(told, _LARGEST), sorted((str(name), str(older[name])) for name in older)
