"""Groups against metrics: every impact ratio of a study in one table, the deeper coloured the further it is from 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Rectangle

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles
from scoring.fairness.verdicts import records
from scoring.plots.canvas import INK, QUIET, fresh_axes, plain
from scoring.plots.forest import label_of
from scoring.plots.styles import WIDTH, below, left_off, legend, metric_title, no_two, nothing, put, wrapped
from scoring.texts import number, say

MOST: Final = 40
"""Groups drawn; the table has the others."""
_LESS, _MORE = "#D55E00", "#0072B2"
_FURTHEST: Final = math.log(2.5)
"""Ratios of 0.4 and of 2.5 have the deepest colour."""
_DEEPEST: Final = 0.55
"""Share of the colour in the deepest tint: ink on it stays legible, in grey too."""
_CORNER: Final = ((0.0, 0.0), (0.24, 0.0), (0.0, 0.42))


def plot_heatmap(rows: pd.DataFrame, *, bounds: Bounds, ax: Axes | None = None, language: str = "en", titles: Titles | None = None) -> Axes:
    """Draw the impact ratio of each group and metric as a cell with its number.

    Parameters
    ----------
    rows
        Rows of `Tables.disparities`: attribute, group, metric, ratio; with `people`, the labels say how many.
    bounds
        The tolerance.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of the attributes by language.

    Returns
    -------
    Axes
        Cell i, j is the i-th group and the j-th metric in the order of the rows. Below the tolerance a cell has a dark corner and a
        heavy number: that is the estimate, not a verdict. A ratio of 0 stands white on black; one that is not defined is a dash.

    Raises
    ------
    EquiscoreError
        Two rows for one cell.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "metric": "selection_rate", "ratio": [0.62, 1.61]})
    >>> [text.get_text() for text in plot_heatmap(rows, bounds=Bounds()).texts if text.get_gid()]
    ['0.62', '1.61']
    """
    if rows.empty:
        return nothing(ax, language)
    no_two(rows, ["attribute", "group", "metric"])
    groups = records(rows.drop_duplicates(["attribute", "group"]))
    metrics = [str(name) for name in rows["metric"].unique()]
    ratio = {(row["attribute"], row["group"], str(row["metric"])): float(row["ratio"]) for row in records(rows)}
    shown = groups[:MOST]
    labels = [_label(row, language, titles) for row in shown]
    ax = _frame(ax, labels, len(metrics))
    for j, name in enumerate(metrics):
        put(ax, j, -0.62, wrapped(metric_title(name, language), 34, 1), rotation=55, rotation_mode="anchor", ha="left", fontsize=8, color=INK)
    for i, row in enumerate(shown):
        put(ax, -0.62, i, labels[i], ha="right", va="center", fontsize=8.5, color=INK, linespacing=1.05)
        for j, name in enumerate(metrics):
            _cell(ax, (i, j), ratio.get((row["attribute"], row["group"], name), math.nan), bounds.tolerance, language)
    aside = 0.15 - _left(labels)
    _legend(ax, bounds, language, aside)
    left_off(ax, len(groups) - len(shown), language, 68, aside=aside)
    return ax


def _label(row: Mapping[str, Any], language: str, titles: Titles | None) -> str:
    who = plain(label_of(row, language, titles))
    return wrapped(say("plots.label", language, who=who, n=row["people"]) if "people" in row else who, 34)


def _frame(ax: Axes | None, labels: list[str], metrics: int) -> Axes:
    """Return axes whose cells are as high as their labels ask for, and not wider than a number needs."""
    left = _left(labels)
    wide = min(0.85 * metrics, WIDTH - left - 0.9)
    height = 0.33 if any("\n" in label for label in labels) else 0.27
    ax = ax or fresh_axes(WIDTH, 2.95 + height * len(labels), left=left, right=WIDTH - left - wide, top=1.8, bottom=1.15)
    ax.set_axis_off()
    ax.set_xlim(-0.5, metrics - 0.5)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    return ax


def _left(labels: list[str]) -> float:
    """Return the inches that the longest label takes."""
    return 0.25 + 0.066 * max(len(line) for label in labels for line in label.split("\n"))


def _cell(ax: Axes, at: tuple[int, int], ratio: float, tolerance: float, language: str) -> None:
    """Draw one cell: tint, corner where it is below the tolerance, number."""
    i, j = at
    low, zero = ratio < tolerance, ratio == 0
    ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=_tint(ratio), edgecolor="#e6e1d9", lw=0.6, gid=f"cell-{i}-{j}"))
    if low and not zero:
        corner = [(j - 0.48 + x, i - 0.46 + y) for x, y in _CORNER]
        ax.add_patch(Polygon(corner, facecolor=INK, lw=0, gid=f"below-{i}-{j}"))
    look: dict[str, Any] = {"color": "white" if zero else QUIET if math.isnan(ratio) else INK, "fontweight": "bold" if low else "normal"}
    said = "0" if zero else number(ratio, "ratio", language)
    put(ax, j + (0.05 if low else 0), i, said, ha="center", va="center", fontsize=8, gid=f"ratio-{i}-{j}", **look)


def _tint(ratio: float) -> str:
    """Return the colour of a cell: orange for less, blue for more, the deeper the further the ratio is from 1."""
    if math.isnan(ratio):
        return "#ffffff"
    if ratio == 0:
        return INK
    share = _DEEPEST * min(1.0, abs(math.log(ratio)) / _FURTHEST)
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(_LESS if ratio < 1 else _MORE))
    return to_hex((red, green, blue))


def _legend(ax: Axes, bounds: Bounds, language: str, aside: float) -> None:
    """Say what the tints and the corner mean, from the left edge of the labels."""
    corner: dict[str, Any] = {"marker": [(-1, 1), (1, 1), (-1, -1)], "ms": 7, "mfc": INK, "mec": INK, "ls": ""}
    keys: list[Line2D | Patch] = [
        Line2D([], [], **corner),
        Patch(facecolor=_tint(0.4)),
        Patch(facecolor=INK),
        Patch(facecolor=_tint(2.5)),
    ]
    words = [say(f"plots.heat_{name}", language, tolerance=bounds.tolerance) for name in ("below", "less", "zero", "more")]
    where = {"loc": "upper left", "bbox_to_anchor": (0.0, 0.0), "bbox_transform": below(ax, 8, aside=aside)}
    legend(ax, keys, words, ncols=2, handlelength=1.4, columnspacing=1.6, **where)
    said = wrapped(say("plots.heat_axis", language), 120)
    put(ax, 0, 0, said, transform=below(ax, 43, aside=aside), ha="left", va="top", fontsize=8, color=QUIET)
