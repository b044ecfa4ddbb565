"""Parts that the views share: words, headings, badges of verdicts, tables. They select and format, and work nothing out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import session
import streamlit as st

from scoring.fairness.metrics import METRICS
from scoring.fairness.narrative import level, who
from scoring.texts import NOTHING, has, number, pick, say
from scoring.vocabulary import CROSS, Verdict

TILE_WIDTH = 150
TEXT_WIDTH = 820
"""Longest line of running text, in pixels."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a verdict is shown: never by colour alone."""

    symbol: str
    shape: str
    """The same sign among Vega's shapes."""
    colour: str
    """Okabe and Ito 2008."""
    badge: str
    """The same colour among Streamlit's names."""


LOOKS: Mapping[str, Look] = {
    Verdict.EXCLUSION.value: Look("■", "square", "#D55E00", "red"),
    Verdict.LEANING.value: Look("▼", "triangle-down", "#E69F00", "orange"),
    Verdict.UNDETERMINED.value: Look("◆", "diamond", "#CC79A7", "violet"),
    Verdict.NOT_APPLICABLE.value: Look("○", "stroke", "#6B7480", "gray"),
    Verdict.WITHIN_TOLERANCE.value: Look("●", "circle", "#0072B2", "blue"),  # not green, not a tick: it clears nobody
}
TOO_COARSE = "too coarse"
"""Stands where a verdict would be, were the published counts fine enough."""
_COARSE = Look("≈", "cross", "#6B7480", "gray")

# words


def t(key: str, /, **values: Any) -> str:
    """Return a text of the dashboard in the reader's language."""
    return say(f"dashboard.{key}", session.language(), **values)


def num(value: float | None, kind: str = "count") -> str:
    """Write a number as the reader's language does."""
    return number(value, kind, session.language())


def score(value: float) -> str:
    """Write a score with all its digits: two cut-offs must not read alike."""
    written = np.format_float_positional(value, trim="-")
    return written.replace(".", ",") if session.language() == "fr" else written


def plain(text: str) -> str:
    r"""Return text from data or errors so that Markdown shows it letter by letter.

    >>> plain("<25 *and* $5")
    '\\<25 \\*and\\* \\$5'
    """
    return re.sub(r"([\\`*_{}\[\]<>#|~$!:^])", r"\\\1", text)


def read(text: str) -> None:
    """Show running text, at a length of line that can be read."""
    st.markdown(text, width=TEXT_WIDTH)


def note(text: str) -> None:
    """Show a remark in small print."""
    st.caption(text, width=TEXT_WIDTH)


def metric_name(name: str) -> str:
    """Return a metric in the reader's language."""
    if name in METRICS:
        return METRICS[name].fr if session.language() == "fr" else METRICS[name].en
    return t(f"metric_{name}") if has(f"dashboard.metric_{name}") else name


def attribute_name(name: str) -> str:
    """Return an attribute or a combination of attributes as the declaration calls it."""
    titles = session.tables().titles
    return " × ".join((titles.get(one) or {}).get(session.language()) or one for one in name.split(CROSS))


def group_name(name: str) -> str:
    """Return a group without its attribute."""
    return " × ".join(level(one, session.language()) for one in name.split(CROSS))


def named(row: Mapping[str, Any]) -> str:
    """Return a group with its attribute."""
    return who(row, session.language(), session.tables().titles)


def look(verdict: str) -> Look:
    """Return how a verdict is shown."""
    return LOOKS.get(verdict, _COARSE)


def verdict_name(verdict: str) -> str:
    """Return a verdict in words."""
    return t("verdict_too_coarse") if verdict == TOO_COARSE else say(f"verdict.{verdict}", session.language())


def signed(verdict: str) -> str:
    """Return a verdict as symbol and word."""
    return f"{look(verdict).symbol} {verdict_name(verdict)}" if verdict else ""


def badge(verdict: str) -> str:
    """Return a verdict as Markdown: symbol and word on its colour."""
    return f":{look(verdict).badge}-badge[{signed(verdict)}]"


def declare_language() -> None:
    """Tell screen readers the language of the page; Streamlit's own page says English."""
    st.html(f"<script>document.documentElement.lang = '{session.language()}'</script>", unsafe_allow_javascript=True)


# pieces of a page


def opening(page: str) -> None:
    """Show the name of the page and of the study."""
    st.title(t(f"page_{page}"), anchor=False)
    tables, opened = session.tables(), session.study()
    facts = [f"**{plain(opened.title)}**"]
    if title := (tables.plan.decision.title or {}).get(session.language()):
        facts.append(t("favourable", title=plain(title)))
    if period := pick(tables.plan.period, session.language()):
        facts.append(plain(period))
    read(" · ".join(facts))


def choose(label: str, names: Mapping[str, str], *, key: str, place: Any = st) -> str:
    """Ask for one of some names, each shown in the reader's words; the choice outlives a change of page."""
    return str(place.selectbox(label, list(names), format_func=lambda name: names.get(name, name), key=key, persist_state="session"))


def section(key: str) -> None:
    """Show a heading of the second level."""
    st.header(t(key), anchor=False, divider=False)


def tile(figure: str, words: str, below: str | None = None) -> None:
    """Show a figure, what it is, and a remark."""
    with st.container(border=True, width=TILE_WIDTH, height="stretch", gap="xxsmall"):
        st.metric(words, figure, label_visibility="collapsed")
        st.markdown(words)
        if below:
            st.caption(below)


def verdict_tile(verdict: str, figure: str, below: str | None = None) -> None:
    """Show how many stand at a verdict."""
    tile(figure, f":{look(verdict).badge}[{look(verdict).symbol}] {verdict_name(verdict)}", below)


def finding(verdict: str, sentence: str) -> None:
    """Show a sentence under the badge of its verdict."""
    with st.container(border=True, width=TEXT_WIDTH, gap="xsmall"):
        st.markdown(badge(verdict))
        st.markdown(plain(sentence))


def legend(verdicts: Sequence[str] = tuple(LOOKS)) -> None:
    """Say what each verdict means."""
    for verdict in verdicts:
        read(f"{badge(verdict)} {say(f'verdict.explain_{verdict}', session.language())}")


def nothing_to_show() -> None:
    """Say why there is no study on the page: none was found, or the chosen folder failed its check."""
    found = session.current()
    if found is None:
        st.title(t("no_study_title"), anchor=False)
        read(t("no_study", root=plain(str(session.studies_root()))))
        return
    st.title(t("refused_title"), anchor=False)
    read(t("refused", name=plain(found.folder)))
    st.error(plain(found.reason), icon=":material/gpp_bad:", width=TEXT_WIDTH)
    note(t("refused_why"))


# tables

Kinds = Mapping[str, str]
"""Columns of a table in their order, with how each is written: a kind of `scoring.texts.number`, or text, verdict, attribute, group."""
_WORDS = {
    "text": str,
    "verdict": lambda value: signed(str(value)),
    "attribute": lambda value: attribute_name(str(value)),
    "group": lambda value: group_name(str(value)),
    "score": lambda value: score(float(value)),
}


def table(rows: pd.DataFrame, kinds: Kinds, *, alt: str) -> None:
    """Show rows with headers in the reader's language. Numbers stay numbers, so that a column sorts; only their writing is ours."""
    shown = pd.DataFrame({name: _cells(rows[name], kind) for name, kind in kinds.items()}).reset_index(drop=True)
    numeric = {name: kind for name, kind in kinds.items() if kind not in _WORDS}
    styled = shown.style.format({name: _writer(kind) for name, kind in numeric.items()})
    config = {name: st.column_config.Column(t(f"column_{name}"), help=_help(name), pinned=i == 0) for i, name in enumerate(kinds)}
    height = "content" if len(shown) <= 15 else "auto"
    st.dataframe(styled, hide_index=True, column_config=config, alt=alt, height=height, placeholder=NOTHING)


Words = str | tuple[str, str]
"""A cell of words; of two, the first stands out."""


def words_table(titles: Sequence[str], rows: Sequence[Sequence[Words]], *, alt: str) -> None:
    """Show rows of words, each cell in full; what they say is shown letter by letter."""
    shown = pd.DataFrame([[_worded(cell) for cell in row] for row in rows], columns=list(titles))
    with st.container(width=TEXT_WIDTH):
        st.table(shown, border="horizontal", hide_index=True, alt=alt)


def _worded(cell: Words) -> str:
    return plain(cell) if isinstance(cell, str) else f"**{plain(cell[0])}** {plain(cell[1])}"


def _cells(values: pd.Series[Any], kind: str) -> pd.Series[Any]:
    return values.map(_WORDS[kind]).astype(object) if kind in _WORDS else values.astype(float)


def _writer(kind: str) -> Any:
    language = session.language()
    return lambda value: number(float(value), kind, language)


def _help(name: str) -> str | None:
    return t(f"help_{name}") if has(f"dashboard.help_{name}") else None
