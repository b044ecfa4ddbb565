"""What plots of several groups share: looks that differ in grey too, text that is never mathematics, notes, legends, empty plots."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation, Transform

from scoring.errors import EquiscoreError
from scoring.fairness.narrative import Titles, level
from scoring.plots.canvas import HAIR, INK, QUIET, fresh_axes, plain
from scoring.texts import NOTHING, has, number, pick, say
from scoring.vocabulary import CROSS

WIDTH: Final = 8.4
"""Inches of every plot, as in the forest plot: a page shows them at one size."""
Handle = Line2D | Patch


@dataclass(frozen=True, slots=True)
class Look:
    """How the line of a group looks: colour, dashes and marker all differ, so that two of them do without the third."""

    colour: str
    dashes: Any
    marker: str

    def line(self, **more: Any) -> dict[str, Any]:
        """Return the look as keywords of a line."""
        return {"color": self.colour, "ls": self.dashes, "lw": 1.7, "solid_capstyle": "butt", **more}

    def point(self, size: float = 5.5, **more: Any) -> dict[str, Any]:
        """Return the look as keywords of a marker without a line."""
        return {"marker": self.marker, "ms": size, "mfc": self.colour, "mec": "white", "mew": 0.7, "ls": "", **more}


LOOKS: Final = (
    Look("#0072B2", "solid", "o"),
    Look("#D55E00", (0, (5, 2)), "s"),
    Look("#009E73", (0, (1, 1.2)), "^"),
    Look("#8A5A7B", (0, (6, 1.6, 1, 1.6)), "D"),
    Look(INK, (0, (10, 2.5)), "v"),
    Look("#B87F00", (0, (3, 1.2, 1, 1.2, 1, 1.2)), "P"),
    Look("#3A8FC4", (0, (2.4, 2.4)), "X"),
    Look("#8b857d", (0, (12, 2, 2, 2)), "*"),
)
"""As many lines as one plot can hold; yellow is left out, as white paper swallows it, and orange and sky blue are darker than Okabe and Ito's."""


def wrapped(text: str, width: int, lines: int = 2) -> str:
    r"""Return text of the data in short lines, without control characters; what does not fit ends in an ellipsis.

    >>> wrapped("a\x00 very long name of a group", 12)
    'a  very long\nname of a …'
    """
    return textwrap.fill(plain(text), width, max_lines=lines, placeholder=" …", drop_whitespace=True)


def put(ax: Axes, x: float, y: float, text: str, **look: Any) -> Text:
    """Write words that are never read as mathematics."""
    return ax.text(x, y, text, parse_math=False, **look)


def below(ax: Axes, points: float, *, aside: float = 0.0) -> Transform:
    """Return the frame of the axes moved down by points, so that a tall plot does not push away what stands below it, and aside by inches."""
    return ax.transAxes + ScaledTranslation(aside, -points / 72, ax.figure.dpi_scale_trans)


def beside(ax: Axes, inches: float) -> Transform:
    """Return the frame of the axes, its heights those of the data, moved to the right by inches."""
    return ax.get_yaxis_transform() + ScaledTranslation(inches, 0, ax.figure.dpi_scale_trans)


def nothing(ax: Axes | None, language: str, key: str = "plots.nothing") -> Axes:
    """Return axes that say why nothing is drawn."""
    ax = ax or fresh_axes(WIDTH, 1.0, left=0.2, right=0.2, top=0.1, bottom=0.1)
    ax.set_axis_off()
    put(ax, 0.5, 0.5, say(key, language), ha="center", va="center", transform=ax.transAxes, fontsize=9, color=QUIET, gid="nothing")
    return ax


def left_off(ax: Axes, n: int, language: str, points: float, kind: str = "groups", *, aside: float = 0.0) -> None:
    """Say how many are not drawn, below the axes."""
    if n > 0:
        said = say(f"plots.more_{kind}_{'one' if n == 1 else 'many'}", language, n=n)
        put(ax, 0, 0, said, transform=below(ax, points, aside=aside), ha="left", va="top", fontsize=8, color=QUIET, gid="left-off")


def one_of(rows: pd.DataFrame, column: str) -> str:
    """Return the one value of a column of the rows.

    Raises
    ------
    EquiscoreError
        There are several: a plot that mixed them would show two numbers in one place.
    """
    held = rows[column].astype(str).unique()
    if len(held) != 1:
        raise EquiscoreError(f"rows: {len(held)} values of {column!r} ({', '.join(held[:3])} ...), where this plot shows one. Fix: keep one of them.")
    return str(held[0])


def no_two(rows: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse rows that would be drawn in the same place.

    Raises
    ------
    EquiscoreError
        Two rows have the same values in all of the columns.
    """
    twice = rows[rows.duplicated(list(columns))]
    if len(twice):
        where = ", ".join(f"{name} {twice[name].iloc[0]!r}" for name in columns)
        raise EquiscoreError(f"rows: two rows for {where}. Fix: keep one row for each {', '.join(columns)}.")


def of_metric(rows: pd.DataFrame, metric: str | None) -> pd.DataFrame:
    """Return the rows of one metric: the one asked for, or the only one."""
    if metric is None:
        one_of(rows, "metric")
        return rows
    return rows[rows["metric"] == metric]


def by_group(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Go through the groups in the order of the rows."""
    return ((str(name), part) for name, part in rows.groupby("group", sort=False))


def attribute_title(name: str, language: str, titles: Titles | None) -> str:
    """Return what an attribute, or a combination of several, is called."""
    return CROSS.join(pick((titles or {}).get(part), language) or part for part in name.split(CROSS))


def metric_title(name: str, language: str) -> str:
    """Return what a metric is called; one without a text keeps its name.

    >>> metric_title("selection_rate", "fr"), metric_title("offer_rate", "en")
    ('taux de sélection', 'offer rate')
    """
    return say(f"plots.metric_{name}", language) if has(f"plots.metric_{name}", language) else name.replace("_", " ")


def named(group: str, language: str, n: float | None = None) -> str:
    """Return a group with its number of people, in short lines."""
    who = level(group, language)
    return wrapped(who if n is None else say("plots.label", language, who=who, n=n), 30, 3)


def legend(ax: Axes, handles: Sequence[Handle], labels: Sequence[str], **where: Any) -> Legend | None:
    """Draw a legend whose words are never mathematics and never lost: matplotlib drops a label that begins with an underscore."""
    if not handles:
        return None
    look: dict[str, Any] = {"fontsize": 8, "frameon": False, "labelcolor": INK, "borderaxespad": 0.0} | where
    drawn = ax.legend(handles=list(handles), labels=[str(place) for place in range(len(handles))], **look)
    for text, label in zip(drawn.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(label)
    return drawn


def legend_of_lines(ax: Axes, looks: Sequence[Look | None], labels: Sequence[str], title: str) -> None:
    """Name the lines at the right of the axes; a group without a line has an empty place and says so."""
    handles = [
        Line2D([], [], ls="") if look is None else Line2D([], [], **look.line(marker=look.marker, ms=5.5, mec="white", mew=0.7)) for look in looks
    ]
    words = [f"{label} {NOTHING}" if look is None else label for look, label in zip(looks, labels, strict=True)]
    where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "bbox_transform": below(ax, 0, aside=0.2)}
    drawn = legend(ax, handles, words, handlelength=4.2, labelspacing=0.75, title="0", title_fontsize=8.5, alignment="left", **where)
    if drawn is not None:
        drawn.get_title().set_parse_math(False)
        drawn.get_title().set_text(wrapped(title, 36))
        drawn.get_title().set_color(INK)


def percents(ax: Axes, language: str, axis: str = "y") -> None:
    """Make an axis one of shares from 0 to 1."""
    ticks = [0, 0.25, 0.5, 0.75, 1]
    labels = [number(tick, "percent0", language) for tick in ticks]
    (ax.set_yticks if axis == "y" else ax.set_xticks)(ticks, labels)
    (ax.set_ylim if axis == "y" else ax.set_xlim)(0, 1)
    ax.grid(axis="y" if axis == "y" else "x", color=HAIR, lw=0.6, zorder=0)


def plain_numbers(ax: Axes, language: str) -> None:
    """Write the numbers of the lower axis the way the language does."""
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value), "plain", language)))


def axis_words(ax: Axes, x: str | None = None, y: str | None = None) -> None:
    """Name the axes, in two lines where one would be longer than the axis."""
    box = ax.get_window_extent()
    wide, high = (side / ax.get_figure(root=True).dpi / 0.061 for side in (box.width, box.height))  # type: ignore[union-attr]  # axes have a figure
    if x is not None:
        ax.set_xlabel(textwrap.fill(x, max(24, int(1.15 * wide))), fontsize=8, color=QUIET, labelpad=6, parse_math=False)
    if y is not None:
        ax.set_ylabel(textwrap.fill(y, max(24, int(high))), fontsize=8, color=QUIET, parse_math=False)


def nearest_cutoff(rows: pd.DataFrame, cutoff: float | None) -> float | None:
    """Return the cut-off of the rows that stands for the one asked for: the nearest, as in `Tables.at_cutoff`."""
    if cutoff is None or rows.empty:
        return None
    held = rows["cutoff"].to_numpy(float)
    return float(held[np.abs(held - cutoff).argmin()])


def one_n(part: pd.DataFrame) -> float:
    """Return how many people stand behind a line: of the row that has most."""
    return float(part["trials"].max())
