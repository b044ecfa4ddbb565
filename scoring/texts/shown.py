"""Text from data as a screen shows it: nothing in it turns a line around, hides, or steers a terminal."""

from __future__ import annotations

import json
import re
from typing import Final

_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, marks of direction, characters of no width, halves of characters. Joiners stay: scripts and emoji are written with them."""


def plainly(text: str) -> str:
    r"""Return text in which what would steer a reader's screen is marked by its code point, as on paper (`printed.visible`).

    >>> plainly("a\u202eb\u200bc\x1b[31m\r\nd"), plainly("É\u202f!")
    ('a[U+202E]b[U+200B]c[U+001B][31m\nd', 'É\u202f!')
    """
    return _STEERING.sub(lambda found: f"[U+{ord(found[0]):04X}]", text.replace("\r\n", "\n"))


def plain_json(content: object, indent: int | None = None) -> str:
    r"""Return JSON that reads back as it was and holds nothing that would steer a terminal: such characters are written as escapes.

    >>> plain_json({"é": "a\u202eb"})
    '{"é": "a\\u202eb"}'
    """
    return re.sub(f"(?!\n){_STEERING.pattern}", lambda found: json.dumps(found[0])[1:-1], json.dumps(content, ensure_ascii=False, indent=indent))
