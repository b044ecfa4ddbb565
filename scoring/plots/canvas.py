"""What every drawing shares: a figure of its own, the marks of the verdicts, and SVG whose bytes do not change.

Nothing here touches pyplot, so no drawing depends on what was drawn before it. Colours are Okabe and Ito's (2008), told apart
by colour-blind readers; shape and fill tell the verdicts apart in grey.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scoring.errors import EquiscoreError
from scoring.vocabulary import Verdict

INK: Final = "#23211e"
QUIET: Final = "#6b6660"
HAIR: Final = "#d9d4cc"


@dataclass(frozen=True, slots=True)
class Mark:
    """How a verdict looks: marker and fill in a plot, symbol in a text, colour in both."""

    marker: str
    symbol: str
    colour: str
    filled: bool = True


MARKS: Final[dict[Verdict, Mark]] = {
    Verdict.EXCLUSION: Mark("D", "◆", "#D55E00"),
    Verdict.LEANING: Mark("v", "▼", "#E69F00"),
    Verdict.UNDETERMINED: Mark("o", "○", "#8A5A7B", filled=False),  # Okabe and Ito's purple, darker: a hollow mark needs it
    Verdict.WITHIN_TOLERANCE: Mark("s", "■", "#0072B2"),
    Verdict.NOT_APPLICABLE: Mark("", "–", QUIET),
}


def fresh_axes(width: float, height: float, *, left: float, right: float, top: float, bottom: float) -> Axes:
    """Return the axes of a new figure; all measures in inches, margins around the axes."""
    figure = Figure(figsize=(width, height), facecolor="none")
    axes: Axes = figure.add_axes((left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height))
    axes.set_facecolor("none")
    return axes


def plain(text: str) -> str:
    r"""Return text that an SVG may hold: no control characters. It is never read as mathematics.

    >>> plain("a\x00b\nc")
    'a b c'
    """
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", " ", text)


def quiet_axes(axes: Axes) -> None:
    """Leave only the lower edge of the frame, in a quiet colour."""
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(HAIR)
    axes.tick_params(colors=QUIET, labelsize=8, length=3, which="both")


def to_svg(axes: Axes, name: str) -> str:
    """Return the figure of the axes as an SVG element that stands in a page: no script, no link, no date; ids begin with `name`.

    Text stays text, so it prints and is found; the page's own type is used, and nothing is loaded.
    """
    target, figure = io.StringIO(), axes.get_figure(root=True)
    if figure is None:
        raise EquiscoreError("These axes stand on no figure. Fix: draw on axes of a figure, or leave `ax` out.")
    with mpl.rc_context({"svg.hashsalt": "equiscore", "svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # only measured here; the reader's type draws it
        figure.savefig(target, format="svg", metadata={"Date": None}, transparent=True)
    svg = target.getvalue()
    svg = svg[svg.index("<svg") :].rstrip()
    svg = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    return re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', _OPENING, svg, count=1)


_OPENING: Final = (
    r'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="\1" stroke-linejoin="round" stroke-linecap="butt">'
)
