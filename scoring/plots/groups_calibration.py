"""Whether a score means the same for each group: the share of good outcomes by part of the score, a line a group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles, level
from scoring.plots.canvas import fresh_axes, quiet_axes
from scoring.plots.styles import (
    LOOKS,
    WIDTH,
    Look,
    attribute_title,
    axis_words,
    by_group,
    left_off,
    legend_of_lines,
    no_two,
    nothing,
    one_of,
    percents,
    plain_numbers,
    wrapped,
)
from scoring.texts import number, say


def plot_group_calibration(
    rows: pd.DataFrame, *, bounds: Bounds | None = None, ax: Axes | None = None, language: str = "en", titles: Titles | None = None
) -> Axes:
    """Draw the share of good outcomes of each group in each part of the score, with its interval.

    Parameters
    ----------
    rows
        One attribute: attribute, group, part, people, share, low, high, and `mean_score` (the place of a point on the axis is its score)
        or `from_score` (its place is the number of the part).
    bounds
        The confidence of the intervals; by default that of `Bounds`.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of the attributes by language.

    Returns
    -------
    Axes
        Lines of several groups stand a few points apart on the paper, so that their intervals do not hide each other; the numbers drawn
        are those of the rows. A part without a known share has a gap.

    Raises
    ------
    EquiscoreError
        Several attributes, or two rows for one place.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": "F", "part": [1, 2], "from_score": [300, 500], "people": [9, 8],
    ...     "share": [0.5, 0.75], "low": [0.2, 0.4], "high": [0.8, 0.9]})
    >>> [float(y) for y in plot_group_calibration(rows).lines[-1].get_ydata()]
    [0.5, 0.75]
    """
    if rows.empty:
        return nothing(ax, language)
    attribute = one_of(rows, "attribute")
    no_two(rows, ["group", "part"])
    ax = ax or fresh_axes(WIDTH, 4.1, left=0.75, right=2.6, top=0.25, bottom=0.85)
    _ground(ax, rows, bounds or Bounds(), language)
    groups = list(by_group(rows))
    n = min(len(groups), len(LOOKS))
    looks = [look if _line(ax, part, look, k, n) else None for k, ((_, part), look) in enumerate(zip(groups, LOOKS, strict=False))]
    labels = [_label(name, part, language) for name, part in groups[: len(LOOKS)]]
    legend_of_lines(ax, looks, labels, attribute_title(attribute, language, titles))
    left_off(ax, len(groups) - len(looks), language, 46)
    return ax


def _where(rows: pd.DataFrame) -> str:
    """Return the column that places a point: the score where it is known, else the number of the part."""
    return "mean_score" if "mean_score" in rows else "part"


def _ground(ax: Axes, rows: pd.DataFrame, bounds: Bounds, language: str) -> None:
    quiet_axes(ax)
    percents(ax, language)
    places = rows[_where(rows)].astype(float)
    low, high = places.min(), places.max()
    edge = 0.05 * (high - low) or 0.5
    ax.set_xlim(low - edge, high + edge)
    if _where(rows) == "part":
        ax.set_xticks(*_ticks(rows, language))
        axis_words(ax, say("plots.cal_parts", language, confidence=bounds.confidence), say("plots.good", language))
    else:
        plain_numbers(ax, language)
        axis_words(ax, say("plots.cal_score", language, confidence=bounds.confidence), say("plots.good", language))


def _ticks(rows: pd.DataFrame, language: str) -> tuple[list[float], list[str]]:
    """Return the parts with the score that each begins at; its number where it begins elsewhere for each group, or nowhere."""
    listed = [(float(str(part)), held["from_score"].unique() if "from_score" in held else [np.nan]) for part, held in rows.groupby("part")]
    said = [number(float(scores[0]), "plain", language) if len(scores) == 1 and not np.isnan(scores[0]) else f"({part:g})" for part, scores in listed]
    return [part for part, _ in listed], said


def _line(ax: Axes, part: pd.DataFrame, look: Look, k: int, n: int) -> bool:
    """Draw the line of a group and the intervals; tell whether there was anything to draw."""
    held = part.sort_values(_where(part))
    if held["share"].isna().all():
        return False
    aside: dict[str, Any] = {"transform": ax.transData + ScaledTranslation((k - (n - 1) / 2) * 3.2 / 72, 0, ax.figure.dpi_scale_trans)}
    x, share, low, high = (held[name].to_numpy(float) for name in (_where(part), "share", "low", "high"))
    for place, ends in enumerate(zip(x, low, high, strict=True)):
        if not np.isnan(ends).any():
            ax.add_line(Line2D([ends[0]] * 2, ends[1:], color=look.colour, lw=1.1, zorder=2, gid=f"interval-{k}-{place}", **aside))
    marks = {"marker": look.marker, "ms": 5.5, "mec": "white", "mew": 0.7}
    ax.add_line(Line2D(x, share, zorder=3, gid=f"line-{k}", **look.line(**marks), **aside))
    return True


def _label(name: str, part: pd.DataFrame, language: str) -> str:
    """Return a group with the smallest and the largest number of people that stand behind one of its points."""
    few, many = float(part["people"].min()), float(part["people"].max())
    return wrapped(say("plots.label_parts", language, who=level(name, language), few=few, many=many), 30, 3)
