"""Whether a file shows everybody the same: what may change its look, or hand out something else, without a signed byte changing.

A dossier is rendered without any of it, so that what the signers saw is what every later reader sees (PDF/A-3, ISO 19005-3, forbids most
of it as well). Mladenov et al. (NDSS 2021) call "shadow attack" what is prepared before the signature and let loose after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject
from pyhanko.pdf_utils.reader import PdfFileReader

from scoring.signing.findings import Finding

_ACTIONS: Final = frozenset(
    {
        "/GoTo3DView",
        "/GoToE",
        "/GoToR",
        "/Hide",
        "/ImportData",
        "/JavaScript",
        "/Launch",
        "/Movie",
        "/Named",
        "/Rendition",
        "/ResetForm",
        "/RichMediaExecute",
        "/SetOCGState",
        "/Sound",
        "/SubmitForm",
        "/Thread",
        "/Trans",
    }
)
"""Every action of ISO 32000-1, 12.6.4, but a jump within the file and an address of the web."""
_ANNOTATIONS: Final = frozenset({"/Link", "/Widget"})
_TAGS: Final = "/StructTreeRoot"
"""Nine tenths of a dossier's objects, and they draw nothing."""


def steadiness(reader: PdfFileReader) -> list[Finding]:
    """Return a finding where a file has unsteady parts, which it names."""
    parts = unsteady_parts(reader)
    return [Finding("unsteady", {"unsteady": parts})] if parts else []


def unsteady_parts(reader: PdfFileReader) -> list[str]:
    """Return the kinds of unsteady parts that a file has, sorted; none where all that it shows is fixed.

    Parameters
    ----------
    reader : PdfFileReader
        The file as it is now. Everything that its root leads to is looked at, but the tags.

    Returns
    -------
    list of str
        ``actions`` (scripts, forms that are sent), ``annotations`` (notes laid over pages), ``external`` (content in other files),
        ``fields`` (a form to fill in), ``files`` (more attachments than the evidence), ``layers`` (content to switch on and off).
    """
    found, files = set[str](), set[int]()
    for node in _nodes(reader):
        found.update(_kinds(node))
        if "/EF" in node:
            files.add(id(node))
    return sorted(found | ({"files"} if len(files) > 1 else set()))


def _nodes(reader: PdfFileReader) -> Iterator[DictionaryObject]:
    """Go through every dictionary below the root but the tags, each object once: what refers to itself ends all the same."""
    root = reader.root
    waiting: list[Any] = [root]
    seen = set[tuple[int, int]]()
    while waiting:
        node = waiting.pop()
        if isinstance(node, IndirectObject):
            if (place := (node.idnum, node.generation)) not in seen:
                seen.add(place)
                waiting.append(node.get_object())  # type: ignore[no-untyped-call]
        elif isinstance(node, DictionaryObject):
            yield node
            waiting.extend(node.raw_get(name) for name in node if node is not root or name != _TAGS)
        elif isinstance(node, ArrayObject):
            waiting.extend(node.raw_get(place) for place in range(len(node)))


def _kinds(node: DictionaryObject) -> Iterator[str]:
    """Say what of a dictionary is unsteady."""
    if _name(node, "/S") in _ACTIONS:
        yield "actions"
    if "/OCProperties" in node:
        yield "layers"
    if "/XFA" in node or _name(node, "/FT") not in {"", "/Sig"}:
        yield "fields"
    if isinstance(node, StreamObject) and ("/F" in node or "/FFilter" in node):
        yield "external"
    if "/Rect" in node and _name(node, "/Subtype") not in _ANNOTATIONS:
        yield "annotations"


def _name(node: DictionaryObject, key: str) -> str:
    return str(node[key]) if key in node else ""
