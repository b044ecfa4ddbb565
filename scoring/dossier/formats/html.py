"""The blocks as one self-contained page: no script, nothing loaded, text from data escaped by the template engine."""

from __future__ import annotations

from functools import cache, singledispatch
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from scoring.dossier.document import Block, Bullets, Callout, Code, Document, Figure, Findings, Heading, KeyValues, Paragraph, TableBlock
from scoring.dossier.formats.cells import written
from scoring.errors import EquiscoreError
from scoring.plots.canvas import MARKS
from scoring.texts import say
from scoring.texts.shown import plainly
from scoring.vocabulary import Verdict


def html(document: Document) -> bytes:
    """Return the document as one HTML file."""
    blocks = [to_html(block, document.language) for block in document.blocks]
    page: str = _template("page.html.j2").render(document=document, blocks=blocks, marks=_marks(), say=_words(document.language))
    return page.encode()


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("scoring.dossier.formats"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    environment.globals["written"] = written
    return environment.get_template(name)


def _plain(value: Any) -> Any:
    """Mark in what is data, and no markup of ours, what would steer the page."""
    return plainly(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _words(language: str) -> Any:
    return lambda key, **values: say(f"dossier.{key}", language, **values)


def _marks() -> dict[str, dict[str, str]]:
    """Return symbol, colour and class of each verdict."""
    return {verdict.value: {"symbol": mark.symbol, "colour": mark.colour, "name": css_class(verdict)} for verdict, mark in MARKS.items()}


def css_class(verdict: Verdict) -> str:
    """Return the class of a verdict.

    >>> css_class(Verdict.WITHIN_TOLERANCE)
    'v-within-tolerance'
    """
    return f"v-{verdict.value.replace(' ', '-')}"


@singledispatch
def to_html(block: Block, language: str) -> Markup:  # noqa: ARG001  (a table of functions has one signature)
    """Return a block as HTML: the macro of that name in the template."""
    raise EquiscoreError(f"No HTML for {type(block).__name__}. Fix: add a macro to blocks.html.j2 and register it in this file.")


def _macro(name: str, block: Block, language: str, **values: Any) -> Markup:
    macro = getattr(_template("blocks.html.j2").module, name)
    return Markup(macro(block, **values, language=language, marks=_marks(), say=_words(language)))  # noqa: S704  (the template escapes)


@to_html.register
def _(block: Heading, language: str) -> Markup:
    return _macro("heading", block, language)


@to_html.register
def _(block: Paragraph, language: str) -> Markup:
    return _macro("paragraph", block, language)


@to_html.register
def _(block: Bullets, language: str) -> Markup:
    return _macro("bullets", block, language)


@to_html.register
def _(block: KeyValues, language: str) -> Markup:
    return _macro("key_values", block, language)


@to_html.register
def _(block: TableBlock, language: str) -> Markup:
    return _macro("table", block, language)


@to_html.register
def _(block: Figure, language: str) -> Markup:
    label = str(Markup.escape(plainly(block.alternative)))
    drawn = plainly(block.svg).replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return _macro("figure", block, language, drawn=Markup(drawn))  # noqa: S704  (drawn by us; matplotlib escapes the text in it)


@to_html.register
def _(block: Callout, language: str) -> Markup:
    return _macro("callout", block, language)


@to_html.register
def _(block: Findings, language: str) -> Markup:
    return _macro("findings", block, language)


@to_html.register
def _(block: Code, language: str) -> Markup:
    return _macro("code", block, language)
