"""The ROC curve of each group: what share of the good and of the bad a cut-off lets through."""

from __future__ import annotations

from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from scoring.fairness.narrative import Titles, level
from scoring.plots.canvas import INK, QUIET, fresh_axes, quiet_axes
from scoring.plots.styles import (
    LOOKS,
    WIDTH,
    Look,
    attribute_title,
    axis_words,
    by_group,
    left_off,
    legend_of_lines,
    nearest_cutoff,
    no_two,
    nothing,
    one_n,
    one_of,
    percents,
    put,
    wrapped,
)
from scoring.texts import say

RATES: Final = ("true_positive_rate", "false_positive_rate")


def plot_roc(rows: pd.DataFrame, *, cutoff: float | None = None, ax: Axes | None = None, language: str = "en", titles: Titles | None = None) -> Axes:
    """Draw the ROC curve of each group as steps from cut-off to cut-off, beside the diagonal of a score that knows nothing.

    Parameters
    ----------
    rows
        Rows of `sweeps.threshold_sweep` of one attribute, with the true and the false positive rate.
    cutoff
        The cut-off in force, in the score's better direction: a large point on each curve, at the nearest cut-off of the rows.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of the attributes by language.

    Returns
    -------
    Axes
        A line a group, as many as there are looks; a group of which one of the two rates is not known has a dash in the legend.

    Raises
    ------
    EquiscoreError
        Several attributes, or two rows for one place.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": "F", "cutoff": [1.0, 1.0, 2.0, 2.0], "metric": [*RATES] * 2,
    ...     "trials": [9.0, 5.0] * 2, "value": [0.9, 0.4, 0.5, 0.1]})
    >>> [float(x) for x in plot_roc(rows).lines[-1].get_xdata()]
    [0.1, 0.4]
    """
    if rows.empty:
        return nothing(ax, language)
    attribute = one_of(rows, "attribute")
    held = rows[rows["metric"].isin(RATES)]
    no_two(held, ["group", "cutoff", "metric"])
    ax = _ground(ax, language)
    place = nearest_cutoff(held, cutoff)
    groups = list(by_group(held))
    looks: list[Look | None] = []
    for k, ((_, part), look) in enumerate(zip(groups, LOOKS, strict=False)):
        looks.append(look if _curve(ax, part, look, k, place) else None)
    labels = [_label(name, part, language) for name, part in groups[: len(LOOKS)]]
    legend_of_lines(ax, looks, labels, attribute_title(attribute, language, titles))
    if place is not None:
        put(ax, 0.98, 0.03, say("plots.roc_cutoff", language, cutoff=place), ha="right", fontsize=8, color=INK, gid="cutoff")
    left_off(ax, len(groups) - len(looks), language, 38)
    return ax


def _ground(ax: Axes | None, language: str) -> Axes:
    """Draw the square and its diagonal."""
    ax = ax or fresh_axes(WIDTH, 5.0, left=0.75, right=3.4, top=0.2, bottom=0.8)
    quiet_axes(ax)
    percents(ax, language)
    percents(ax, language, "x")
    ax.plot([0, 1], [0, 1], color=QUIET, lw=0.8, zorder=1, gid="chance")
    put(ax, 0.6, 0.585, say("plots.roc_chance", language), rotation=45, rotation_mode="anchor", va="top", fontsize=7.5, color=QUIET)
    axis_words(ax, say("plots.roc_bad", language), say("plots.roc_good", language))
    return ax


def _curve(ax: Axes, part: pd.DataFrame, look: Look, k: int, cutoff: float | None) -> bool:
    """Draw the curve of a group, the strictest cut-off first; tell whether there was anything to draw."""
    curve = part.pivot_table(index="cutoff", columns="metric", values="value", aggfunc="first").reindex(columns=list(RATES)).dropna()
    curve = curve.sort_index(ascending=False)
    if curve.empty:
        return False
    good, bad = (curve[name].to_numpy(float) for name in RATES)
    ax.plot(bad, good, drawstyle="steps-post", zorder=2, clip_on=False, gid=f"line-{k}", **look.line())
    if cutoff in curve.index:
        here = curve.loc[[cutoff]]
        ax.plot(here[RATES[1]], here[RATES[0]], zorder=4, clip_on=False, gid=f"cutoff-{k}", **look.point(9, mec=INK))
    return True


def _label(name: str, part: pd.DataFrame, language: str) -> str:
    good, bad = (one_n(part[part["metric"] == rate]) for rate in RATES)
    return wrapped(say("plots.label_roc", language, who=level(name, language), good=good, bad=bad), 34, 3)
