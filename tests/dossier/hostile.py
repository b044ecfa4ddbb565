"""Texts that try to be something else, in every field of every block."""

from scoring.dossier.document import (
    Bullets,
    Callout,
    Code,
    Column,
    Document,
    Estimate,
    Figure,
    Finding,
    Findings,
    Heading,
    KeyValues,
    OutOf,
    Paragraph,
    Row,
    TableBlock,
)
from scoring.vocabulary import Verdict

TEXTS = {
    "typst": '#eval("panic()") #panic("x") @label <label> $ frac(1, 0) $ *b* _i_ `c` = H \\ #import "/etc/passwd": * #read("/etc/passwd")',
    "html": '<script>alert(1)</script><img src=x onerror="alert(1)"> &amp; ]]> <!-- <w:p/>',
    "formula": '=HYPERLINK("http://evil.example","x")+cmd|\' /C calc\'!A0',
    "template": "{{ 7*7 }} {% raw %} ${7*7} #{7*7} {page} {pages} {0.__class__}",
    "shell": "$(touch /tmp/owned) `touch /tmp/owned` ; rm -rf / | cat",
    "right to left": "before \u202eevil\u202c after \u2066x\u2069 \u200fy",
    "zero width": "a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg",
    "controls": "a\x00b\x07c\x1b[31md\x7fe\x85f\u2028g\ud800h\ufffei\ue000j\U000e0041k",
    "emoji": "\U0001f600 \U0001f9d1\u200d\U0001f4bb \u2764\ufe0f \U0001f1eb\U0001f1f7",
    "arabic": "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645 \u0661\u0662\u0663 (76 sur 149)",
    "far east": "\u4e2d\u6587\u5b57 \ud55c\uad6d\uc5b4 \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "combining": "e\u0301\u0301\u0301\u0301 \u0301x Z\u0351\u036b\u0343\u036a\u0302\u036b",
    "word": "W" * 3_000,
    "identifier": "customer_identifier_of_the_bank." * 60,
    "empty": "",
    "lines": "a\n\nb\r\nc\rd\te",
}
MEGABYTE = "one long text \u0645 \u4e2d <b> " * 45_000
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 604.8 208.8"><text x="9" y="99" style="font: 9px \'DejaVu Sans\'">{}</text></svg>'


def blocks_of(text, svg_text="x"):
    """Every kind of block, with the text in every field."""
    kinds = (Column(text), Column(text, "verdict"), Column(text, "ratio"), Column(text, "count"), Column(text, "percent"))
    cells = (text, Verdict.EXCLUSION, Estimate(0.8, 0.7, 0.9), 7, OutOf(0.5, 76, 152))
    rows = (Row(cells, text, text), Row((text, text, text, None, float("inf"))), Row(cells, section="s"))
    return (
        Heading(3, text, "a", new_page=True), Heading(2, text, "b"), Heading(4, text, "c"), Paragraph(text), Bullets((text, text)),
        KeyValues(((text, text), ("k", text))), TableBlock(text, kinds, rows, text, text), Figure(SVG.format(svg_text), text, text, (text, text)),
        Callout(text, (text, text)), Findings((Finding(Verdict.LEANING, text),)), Code(text), Bullets(()), KeyValues(()), TableBlock("t", (), ()),
    )  # fmt: skip


def document_of(text, language="en", svg_text="x"):
    """Return a document of hostile blocks."""
    return Document(text, language, blocks_of(text, svg_text), text, text)


def wide(columns):
    """Return a table of many columns."""
    kinds = (Column("Group"), *(Column(f"Measure number {i}", "ratio") for i in range(columns)))
    return TableBlock("Table 1. Wide", kinds, (Row(("G", *map(float, range(columns))), "because"), Row(("H", *map(float, range(columns))))), "Note.")
