"""Text of others made safe for the PIA software: it shows answers, contents and titles of measures as HTML without cleaning them.

`rich` is for fields of its editor (paragraphs, lists, bold), `plain` for all others. What would not be seen (controls, direction
marks, blanks without width) is made visible: a reader must see what a validator signs.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINES: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
"""Where a browser would begin a tag; `<` before a blank or a digit is text."""
ALLOWED: Final = re.compile(r"</?(?:p|strong|em|ul|ol|li)>|<br ?/?>")
"""The tags that the editor and the PDF of the software know."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph, a list under it, and whether it says that something is missing."""

    text: str
    items: tuple[str, ...] = ()
    missing: bool = False


def visible(text: str) -> str:
    r"""Return a text whose lines end in one way and whose unseen characters are written as their code point.

    >>> visible("a\u202eb\r\nc\x00")
    'a[U+202E]b\nc[U+0000]'
    """
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", _LINES.sub("\n", text))


def plain(text: str) -> str:
    r"""Return a text of one line in which nothing begins a tag.

    >>> plain("<b>Panel\n of 12</b>, all < 30 years")
    '‹b>Panel of 12‹/b>, all < 30 years'
    """
    return TAG.sub("‹", " ".join(visible(text).split()))


def titled(text: str, *, most: int = 120) -> str:
    """Return a title as long as the software's field, cut between words where it must be.

    >>> titled("Access by role, encrypted storage", most=20)
    'Access by role,…'
    """
    said = plain(text)
    if len(said) <= most:
        return said
    kept = said[: most - 1]
    return (kept.rsplit(" ", 1)[0] if " " in kept else kept) + "…"


def rich(passages: Iterable[Passage]) -> str:
    """Return passages as the HTML that the software's editor writes, every character of theirs as text.

    >>> rich([Passage("A & B", ("<script>",)), Passage("Missing", missing=True)])
    '<p>A &amp; B</p><ul><li>&lt;script&gt;</li></ul><p><strong>Missing</strong></p>'
    """
    return "".join(_passage(one) for one in passages)


def _passage(one: Passage) -> str:
    said = _escaped(one.text)
    paragraph = f"<p><strong>{said}</strong></p>" if one.missing else f"<p>{said}</p>"
    listed = "".join(f"<li>{_escaped(item)}</li>" for item in one.items)
    return (paragraph if one.text else "") + (f"<ul>{listed}</ul>" if listed else "")


def _escaped(text: str) -> str:
    return html.escape(visible(text).strip(), quote=False).replace("\n", "<br />")


def strange(text: str, *, markup: str) -> str | None:
    """Return the tag that a field must not hold, or nothing.

    >>> strange("<p>a < 3</p><img src=x>", markup="rich"), strange("<p>", markup="none"), strange("<p>a</p>", markup="rich")
    ('<img src=x>', '<p>', None)
    """
    for found in TAG.finditer(text):
        allowed = ALLOWED.match(text, found.start()) if markup == "rich" else None
        if allowed is None:
            return text[found.start() : found.start() + 40].partition(">")[0] + (">" if ">" in text[found.start() : found.start() + 40] else "")
    return None
