"""A sheet of paper: titled parts of sentences, lists and tables, as HTML and as Markdown. Text of data is nothing but text in both."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

_MEANT: Final = re.compile(r"([\\`*_\[\]{}|#~$])")
_OPENS: Final = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|[-=+]|$)")
_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1f2328}"
    "table{border-collapse:collapse;margin:.5rem 0}caption{text-align:left;font-style:italic}"
    "th,td{border-bottom:1px solid #d0d7de;padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}"
    "td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}h2{font-size:1.15rem;margin-top:1.5rem}"
)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of written cells; `numbers` are the columns that are aligned to the right."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A titled part: sentences, then a list, then a table, then sentences again."""

    title: str
    text: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    grid: Grid | None = None
    after: tuple[str, ...] = ()


def to_html(title: str, parts: Iterable[Part], language: str) -> str:
    """Return one page without scripts, that loads nothing."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="{escape(language)}"><head>{head}</head><body>\n{fragment(title, parts)}\n</body></html>\n'


def fragment(title: str, parts: Iterable[Part]) -> str:
    """Return the sheet as a piece of a page.

    >>> fragment("a < b", [])
    '<h1>a &lt; b</h1>'
    """
    return "\n".join([f"<h1>{escape(title)}</h1>", *map(_part_html, parts)])


def _part_html(part: Part) -> str:
    listed = f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in part.listed)}</ul>" if part.listed else ""
    blocks = [f"<h2>{escape(part.title)}</h2>", _lines(part.text), listed, _grid_html(part.grid) if part.grid else "", _lines(part.after)]
    return "\n".join(block for block in blocks if block)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(f"<p>{escape(line)}</p>" for line in lines)


def _grid_html(grid: Grid) -> str:
    def row(cells: Iterable[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}{_class(k, grid)}>{escape(cell)}</{tag}>' for k, cell in enumerate(cells))}</tr>"

    caption = f"<caption>{escape(grid.caption)}</caption>" if grid.caption else ""
    return f"<table>{caption}<thead>{row(grid.heads, 'th')}</thead><tbody>{''.join(row(cells, 'td') for cells in grid.rows)}</tbody></table>"


def _class(k: int, grid: Grid) -> str:
    return ' class="number"' if k in grid.numbers else ""


def to_markdown(title: str, parts: Iterable[Part]) -> str:
    """Return the sheet as Markdown (CommonMark with tables)."""
    return "\n\n".join([f"# {escaped(title)}", *map(_part_markdown, parts)]) + "\n"


def escaped(text: str) -> str:
    r"""Return text that Markdown and the HTML within it read as nothing but text.

    >>> escaped("<b>*a*</b>"), escaped("1. x")
    ('&lt;b&gt;\\*a\\*&lt;/b&gt;', '1\\. x')
    """
    flat = _MEANT.sub(r"\\\1", " ".join(text.split("\n"))).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _OPENS.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}", flat)


def _part_markdown(part: Part) -> str:
    listed = "\n".join(f"- {escaped(line)}" for line in part.listed)
    grid = _grid_markdown(part.grid) if part.grid else ""
    return "\n\n".join(block for block in [f"## {escaped(part.title)}", *map(escaped, part.text), listed, grid, *map(escaped, part.after)] if block)


def _grid_markdown(grid: Grid) -> str:
    rules = ["--:" if k in grid.numbers else ":--" for k in range(len(grid.heads))]
    lines = [_cells(map(escaped, grid.heads)), _cells(rules), *(_cells(map(escaped, row)) for row in grid.rows)]
    return "\n\n".join(block for block in (f"*{escaped(grid.caption)}*" if grid.caption else "", "\n".join(lines)) if block)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
