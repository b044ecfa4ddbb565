"""The share of good outcomes from the lowest to the highest part of the score."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from scoring.plots.canvas import HAIR, INK, QUIET, fresh_axes, quiet_axes
from scoring.texts import number, say

_BLUE = "#0072B2"


def plot_calibration(rows: pd.DataFrame, *, ax: Axes | None = None, language: str = "en") -> Axes:
    """Draw a bar a part of the score: how many of its people had a good outcome.

    Parameters
    ----------
    rows
        Rows of `Tables.calibration`.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    """
    ax = ax or fresh_axes(8.4, 2.9, left=0.75, right=0.2, top=0.3, bottom=0.75)
    quiet_axes(ax)
    ax.set_ylim(0, 1)
    ax.set_xlim(0.4, len(rows) + 0.6)
    ax.set_yticks([0, 0.5, 1], [number(tick, "percent0", language) for tick in (0, 0.5, 1)])
    ax.grid(axis="y", color=HAIR, lw=0.7, zorder=0)
    ax.set_ylabel(say("plots.good", language), fontsize=8, color=QUIET)
    ax.set_xlabel(say("plots.parts", language), fontsize=8, color=QUIET, labelpad=6)
    places = list(range(1, len(rows) + 1))
    ax.set_xticks(places, [say("plots.part", language, score=score, n=n) for score, n in zip(rows["from_score"], rows["people"], strict=True)])
    for place, share in zip(places, rows["share"], strict=True):
        ax.bar(place, share, width=0.62, color=_BLUE, zorder=2, gid=f"part-{place - 1}")
        ax.text(place, min(share + 0.03, 1.02), number(share, "percent0", language), ha="center", va="bottom", fontsize=8, color=INK)
    return ax
