"""A scorecard as an HTML table: one row a bin, in English or French, to print or to put into a page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, Final

from scoring.models.card.grouping import OTHERS
from scoring.models.card.scale import BASE, EVERYBODY
from scoring.models.columns import MISSING, UNSEEN
from scoring.texts import number, say

WORDS: Final = {BASE: "base", EVERYBODY: "everybody", MISSING: "missing", UNSEEN: "unseen", OTHERS: "others", "any number": "any_number"}
"""Names of the card's own making, and the keys of their texts."""
COLUMNS: Final = ("bin", "points", "people", "favourable_share", "woe")


def to_html(card: Any, *, language: str = "en") -> str:
    """Return the card as one HTML table, escaped, without style or script; edits by hand are listed beneath it.

    Parameters
    ----------
    language : {"en", "fr"}
        Of headings and of how numbers are written. Names of features and bins stay as they are on the card.

    Examples
    --------
    >>> import pandas as pd
    >>> from scoring.models import Scorecard
    >>> people = pd.DataFrame({"home": ["own", "own", "<rent>", "own", "<rent>", "<rent>"] * 50})
    >>> page = Scorecard().fit(people, ["good", "good", "bad", "good", "good", "bad"] * 50).to_html()
    >>> '<th scope="row">&lt;rent&gt;</th><td>−62</td>' in page
    True
    """
    table = card.points_table()
    parts = [_part(card, str(name), rows, language) for name, rows in table.groupby("feature", sort=False)]
    heads = "".join(f'<th scope="col">{_text(key, language)}</th>' for key in COLUMNS)
    caption = escape(say("scorecard.caption", language, pdo=card.pdo, odds=card.base_odds, points=card.base_points))
    page = f'<table class="scorecard" lang="{language}">\n<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n{"".join(parts)}</table>\n'
    return page + _edits(card, language)


def _part(card: Any, name: str, rows: Any, language: str) -> str:
    changed = {edit["bin"] for edit in getattr(card, "edits_", ()) if edit["feature"] == name}
    head = f'<tr><th scope="rowgroup" colspan="{len(COLUMNS)}">{_named(name, language)}</th></tr>\n'
    return f"<tbody>\n{head}{''.join(_row(row, language, by_hand=row.bin in changed) for row in rows.itertuples())}</tbody>\n"


def _row(row: Any, language: str, *, by_hand: bool) -> str:
    mark = f" {_text('by_hand', language)}" if by_hand else ""
    points = number(row.points, "count" if float(row.points).is_integer() else "ratio", language)
    cells = [
        points + mark,
        number(row.count, "count", language),
        number(row.favourable_share, "percent", language),
        number(row.woe, "ratio", language),
    ]
    return f'<tr><th scope="row">{_named(row.bin, language)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>\n'


def _edits(card: Any, language: str) -> str:
    edits: Iterable[dict[str, Any]] = getattr(card, "edits_", ())
    lines = "".join(f"<li>{_edit(edit, language)}</li>\n" for edit in edits)
    return f'<p lang="{language}">{_text("edited", language)}</p>\n<ul lang="{language}">\n{lines}</ul>\n' if lines else ""


def _edit(edit: dict[str, Any], language: str) -> str:
    key = "edited_bins" if edit["bin"] is None else "edited_points"
    before, after = (
        ", ".join(map(str, side)) if isinstance(side, list) else number(side, "plain", language) for side in (edit["before"], edit["after"])
    )
    told = {"feature": edit["feature"], "bin": edit["bin"], "before": before, "after": after, "who": edit["who"], "why": edit["why"]}
    return escape(say(f"scorecard.{key}", language, **told))


def _named(name: str, language: str) -> str:
    return _text(WORDS[name], language) if name in WORDS else escape(name)


def _text(key: str, language: str) -> str:
    return escape(say(f"scorecard.{key}", language))
