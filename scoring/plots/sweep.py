"""What each cut-off of a score would do to each group: its rate, or its ratio to the rest."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles
from scoring.plots.canvas import INK, QUIET, fresh_axes, quiet_axes
from scoring.plots.forest import ticks_of
from scoring.plots.styles import (
    LOOKS,
    WIDTH,
    Look,
    attribute_title,
    axis_words,
    by_group,
    left_off,
    legend_of_lines,
    metric_title,
    named,
    nearest_cutoff,
    no_two,
    nothing,
    one_n,
    one_of,
    percents,
    plain_numbers,
    put,
)
from scoring.texts import number, say

Shown = Literal["value", "ratio"]
_REACH: Final = (0.2, 5.0)
"""Ratios beyond stand at the edge: an axis that holds them would press the others together."""
_COLUMNS: Final[dict[str, tuple[str, str, str]]] = {"value": ("value", "low", "high"), "ratio": ("ratio", "ratio_low", "ratio_high")}


def plot_sweep(
    rows: pd.DataFrame,
    *,
    metric: str = "selection_rate",
    cutoff: float | None = None,
    show: Shown = "value",
    bounds: Bounds | None = None,
    ax: Axes | None = None,
    language: str = "en",
    titles: Titles | None = None,
) -> Axes:
    """Draw a line a group over all cut-offs, with its interval as a band.

    Parameters
    ----------
    rows
        Rows of `sweeps.threshold_sweep` of one attribute.
    metric
        The metric to show.
    cutoff
        The cut-off in force: a line at the nearest cut-off of the rows.
    show
        ``value``, the rate; or ``ratio``, that to the rest, on a logarithmic scale with the tolerance as a line.
    bounds
        The tolerance and the confidence of the rows; by default those of `Bounds`.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of the attributes by language.

    Returns
    -------
    Axes
        Where a rate or a ratio is not defined the line has a gap. Ratios beyond 0.2 and 5 stand at the edge.

    Raises
    ------
    EquiscoreError
        Several attributes, or two rows for one place.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": "F", "cutoff": [1.0, 2.0], "metric": "selection_rate", "trials": 9.0,
    ...     "value": [0.9, 0.4], "low": [0.6, 0.2], "high": [0.98, 0.7]})
    >>> [float(y) for y in plot_sweep(rows).lines[-1].get_ydata()]
    [0.9, 0.4]
    """
    held = rows[rows["metric"] == metric] if len(rows) else rows
    if held.empty:
        return nothing(ax, language)
    attribute = one_of(held, "attribute")
    no_two(held, ["group", "cutoff"])
    bounds = bounds or Bounds()
    ax = ax or fresh_axes(WIDTH, 3.9, left=0.85, right=2.6, top=0.35, bottom=0.95)
    (_ratios if show == "ratio" else _rates)(ax, held, metric, bounds, language)
    groups = list(by_group(held))
    looks = [look if _line(ax, part, look, k, show) else None for k, ((_, part), look) in enumerate(zip(groups, LOOKS, strict=False))]
    labels = [named(name, language, one_n(part)) for name, part in groups[: len(LOOKS)]]
    legend_of_lines(ax, looks, labels, attribute_title(attribute, language, titles))
    _cutoff(ax, nearest_cutoff(held, cutoff), language)
    left_off(ax, len(groups) - len(looks), language, 44)
    return ax


def _rates(ax: Axes, rows: pd.DataFrame, metric: str, bounds: Bounds, language: str) -> None:
    """Make the ground for rates."""
    _ground(ax, rows, bounds, language)
    percents(ax, language)
    axis_words(ax, y=metric_title(metric, language))


def _ratios(ax: Axes, rows: pd.DataFrame, metric: str, bounds: Bounds, language: str) -> None:
    """Make the ground for ratios: logarithmic, with the tolerance and equality."""
    _ground(ax, rows, bounds, language)
    every = rows[["ratio", "ratio_low", "ratio_high"]].to_numpy(float)
    held = every[(every >= _REACH[0]) & (every <= _REACH[1])]
    if ((every < _REACH[0]) | (every > _REACH[1])).any():
        edge = say("plots.sweep_edge", language, low=_REACH[0], high=_REACH[1])
        axis_words(ax, f"{say('plots.sweep_axis', language, confidence=bounds.confidence)} · {edge}")
    low, high = min([*held, 0.85 * bounds.tolerance]) / 1.12, max([*held, 1.25]) * 1.12
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    ticks = sorted({*ticks_of(low, high, bounds.tolerance), 1.0})
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.set_yticklabels([number(tick, "ratio", language) for tick in ticks])
    ax.axhspan(low, bounds.tolerance, color="#f4f0ea", lw=0, zorder=0)
    ax.axhline(bounds.tolerance, color=INK, lw=1.1, ls=(0, (4, 2.5)), zorder=1, gid="tolerance")
    ax.axhline(1.0, color=QUIET, lw=0.8, zorder=1, gid="equal")
    put(ax, 0.01, bounds.tolerance, say("plots.tolerance", language, tolerance=bounds.tolerance), transform=ax.get_yaxis_transform(), **_BESIDE)
    axis_words(ax, y=say("plots.sweep_ratio", language, metric=metric_title(metric, language)))


_BESIDE: Final[dict[str, Any]] = {"ha": "left", "va": "top", "fontsize": 8, "color": INK, "zorder": 5}


def _ground(ax: Axes, rows: pd.DataFrame, bounds: Bounds, language: str) -> None:
    quiet_axes(ax)
    first, last = rows["cutoff"].min(), rows["cutoff"].max()
    ax.set_xlim(first, last if last > first else first + 1)
    plain_numbers(ax, language)
    axis_words(ax, say("plots.sweep_axis", language, confidence=bounds.confidence))


def _line(ax: Axes, part: pd.DataFrame, look: Look, k: int, show: Shown) -> bool:
    """Draw the line of a group and its band; tell whether there was anything to draw."""
    held = part.sort_values("cutoff")
    value, low, high = (held[name].to_numpy(float) for name in _COLUMNS[show])
    if np.isnan(value).all():
        return False
    bottom, top = ax.get_ylim()
    x = held["cutoff"].to_numpy(float)
    band: dict[str, Any] = {"facecolor": look.colour, "alpha": 0.1, "edgecolor": "none", "lw": 0, "zorder": 1.5, "gid": f"band-{k}"}
    ax.fill_between(x, np.clip(low, bottom, top), np.clip(high, bottom, top), where=~np.isnan(low) & ~np.isnan(high), **band)
    marks = {"marker": look.marker, "ms": 5, "mec": "white", "mew": 0.7, "markevery": (0.04 + 0.02 * k, 0.25)}
    ax.plot(x, np.clip(value, bottom, top), zorder=3, clip_on=False, gid=f"line-{k}", **look.line(**marks))
    return True


def _cutoff(ax: Axes, cutoff: float | None, language: str) -> None:
    """Mark the cut-off in force."""
    if cutoff is not None:
        ax.axvline(cutoff, color=INK, lw=0.9, ls=(0, (1, 1.5)), zorder=2, gid="cutoff")
        said = say("plots.sweep_cutoff", language, cutoff=cutoff)
        put(ax, cutoff, 1.01, said, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=8, color=INK)
