"""The frontier: each candidate by its AUC and its worst impact ratio, against the tolerance."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles
from scoring.inquiry.alternatives.sentences import title_of
from scoring.plots.canvas import HAIR, INK, QUIET, fresh_axes, plain, quiet_axes
from scoring.plots.styles import WIDTH, axis_words, below, legend, nothing, put, wrapped
from scoring.texts import number, say

LOOKS: Final[dict[str, dict[str, Any]]] = {
    "others": {"marker": "o", "ms": 4.0, "mfc": "none", "mec": "#8b857d", "mew": 0.9},
    "frontier": {"marker": "o", "ms": 6.5, "mfc": "#0072B2", "mec": "white", "mew": 0.7},
    "baseline": {"marker": "s", "ms": 8.5, "mfc": INK, "mec": "white", "mew": 0.7},
    "chosen": {"marker": "D", "ms": 8.5, "mfc": "#D55E00", "mec": INK, "mew": 0.9},
}
"""Shape, size and fill differ as well as colour (Okabe & Ito 2008), so that grey print tells them apart."""


_HIGHEST: Final = 1.5


def plot_frontier(rows: pd.DataFrame, *, bounds: Bounds, ax: Axes | None = None, language: str = "en", titles: Titles | None = None) -> Axes:
    """Draw each measured candidate as a point, with intervals for the baseline and the choice; the table has those of all.

    Parameters
    ----------
    rows
        `Alternatives.table`: name, auc and worst_ratio with limits, on_frontier, baseline, chosen, status, people, observed.
    bounds
        The tolerance, and the confidence of the intervals.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of attributes and features by language.

    Returns
    -------
    Axes
        Who has no worst ratio or AUC is not drawn; the table has them.

    Examples
    --------
    >>> rows = pd.DataFrame({"name": ["a", "b"], "engine": "scorecard", "features_left_out": "", "parameters": "", "method": "plain", "attribute": "",
    ...     "settings": "", "auc": [0.8, 0.79], "auc_low": 0.7, "auc_high": 0.9, "worst_ratio": [0.6, 0.9], "worst_low": 0.5, "worst_high": 1.0,
    ...     "on_frontier": True, "baseline": [True, False], "chosen": [False, True], "status": "measured", "people": 100, "observed": 90})
    >>> [line.get_gid() for line in plot_frontier(rows, bounds=Bounds()).lines if (line.get_gid() or "").startswith("point")]
    ['point-baseline', 'point-chosen']
    """
    held = rows[(rows["status"] == "measured") & rows["auc"].notna() & rows["worst_ratio"].notna()]
    if held.empty:
        return nothing(ax, language, "alternatives.nothing")
    ax = _ground(ax, bounds, language)
    kinds = kinds_of(held)
    for kind, look in LOOKS.items():
        part = held[kinds == kind]
        if len(part):
            _points(ax, part, kind, look)
    _reach(ax, held, bounds)
    _keys(ax, held, kinds, language, titles)
    first = held.iloc[0]
    said = say("alternatives.drawn", language, people=first["people"], observed=first["observed"], confidence=bounds.confidence)
    put(ax, 0, 0, said, transform=below(ax, 40), ha="left", va="top", fontsize=8, color=QUIET, gid="n")
    return ax


def kinds_of(rows: pd.DataFrame) -> pd.Series[str]:
    """Return how each row is drawn: as baseline, chosen, on the frontier, or among the others."""
    kinds = pd.Series("others", index=rows.index)
    for name, column in (("frontier", "on_frontier"), ("chosen", "chosen"), ("baseline", "baseline")):
        kinds[rows[column].astype(bool)] = name
    return kinds


def _ground(ax: Axes | None, bounds: Bounds, language: str) -> Axes:
    ax = ax or fresh_axes(WIDTH, 5.0, left=0.75, right=2.9, top=0.2, bottom=0.85)
    quiet_axes(ax)
    ax.grid(color=HAIR, lw=0.6, zorder=0)
    ax.axhline(bounds.tolerance, color=INK, lw=1.1, ls=(0, (4, 2.5)), zorder=1, gid="tolerance")
    ax.axhline(1.0, color=QUIET, lw=0.8, zorder=1, gid="equal")
    for axis, kind in ((ax.xaxis, "ratio3"), (ax.yaxis, "ratio")):
        axis.set_major_locator(MaxNLocator(nbins=6))
        axis.set_major_formatter(FuncFormatter(lambda value, _, kind=kind: number(float(value), kind, language)))
    axis_words(ax, say("alternatives.axis_auc", language), say("alternatives.axis_ratio", language))
    tolerance = say("plots.tolerance", language, tolerance=bounds.tolerance)
    put(ax, 0.01, bounds.tolerance, tolerance, transform=ax.get_yaxis_transform(), ha="left", va="bottom", fontsize=7.5, color=INK)
    return ax


def _points(ax: Axes, part: pd.DataFrame, kind: str, look: dict[str, Any]) -> None:
    """Draw the points of one kind; intervals of baseline and choice alone, as a cross a candidate would hide them all."""
    order = 2 + list(LOOKS).index(kind)
    if kind in {"baseline", "chosen"}:
        colour = look["mfc"]
        ax.hlines(part["worst_ratio"], part["auc_low"], part["auc_high"], color=colour, lw=0.8, alpha=0.55, zorder=order, gid=f"across-{kind}")
        ax.vlines(part["auc"], part["worst_low"], part["worst_high"], color=colour, lw=0.8, alpha=0.55, zorder=order, gid=f"up-{kind}")
    ax.plot(part["auc"], part["worst_ratio"], ls="", zorder=order, gid=f"point-{kind}", **look)


def _reach(ax: Axes, rows: pd.DataFrame, bounds: Bounds) -> None:
    """Show all points, the intervals that are drawn and the tolerance; what is far above equal rates may run out of the frame."""
    marked = rows[rows["baseline"].astype(bool) | rows["chosen"].astype(bool)]
    across = pd.concat([rows["auc"], marked["auc_low"], marked["auc_high"]])
    up = pd.concat([rows["worst_ratio"], marked["worst_low"], marked["worst_high"], pd.Series([bounds.tolerance, 1.0])])
    aside, above = 0.06 * float(across.max() - across.min()) + 0.002, 0.04
    ax.set_xlim(float(across.min()) - aside, float(across.max()) + aside)
    ax.set_ylim(float(up.min()) - above, min(float(up.max()), _HIGHEST) + above)


def _keys(ax: Axes, rows: pd.DataFrame, kinds: pd.Series[str], language: str, titles: Titles | None) -> None:
    """Say what the marks mean, and name baseline and choice."""
    handles, words = [], []
    for kind in ("baseline", "chosen", "frontier", "others"):
        part = rows[kinds == kind]
        if part.empty:
            continue
        title = plain(title_of(part.iloc[0].to_dict(), language, titles=titles))
        handles.append(Line2D([], [], ls="", **LOOKS[kind]))
        words.append(wrapped(say(f"alternatives.key_{kind}", language, title=title, n=len(part)), 38, 4))
    where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "bbox_transform": below(ax, 0, aside=0.15)}
    legend(ax, handles, words, labelspacing=1.0, **where)


def frontier_alternative(rows: pd.DataFrame, language: str = "en", *, bounds: Bounds, titles: Titles | None = None) -> str:
    """Return what `plot_frontier` shows: how many candidates, the baseline, and the largest worst ratio on the frontier."""
    held = rows[(rows["status"] == "measured") & rows["auc"].notna() & rows["worst_ratio"].notna()]
    if held.empty:
        return say("alternatives.nothing", language)
    frontier, base = held[held["on_frontier"].astype(bool)], held[held["baseline"].astype(bool)]
    asked: dict[str, Any] = {"measured": len(held), "frontier": len(frontier), "people": held["people"].iloc[0], "tolerance": bounds.tolerance}
    if base.empty or frontier.empty:
        return say("alternatives.alt_no_baseline", language, **asked)
    best, first = frontier.iloc[int(frontier["worst_ratio"].to_numpy(float).argmax())].to_dict(), base.iloc[0].to_dict()
    asked |= {"baseline": title_of(first, language, titles=titles), "auc": first["auc"], "ratio": first["worst_ratio"]}
    asked |= {"best": title_of(best, language, titles=titles), "best_ratio": best["worst_ratio"], "best_auc": best["auc"]}
    return say("alternatives.alt", language, **asked)
