"""What a gap in the mean score is made of: one bar a feature, from nothing to the whole gap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from scoring.fairness.narrative import Titles, who, whom
from scoring.fairness.verdicts import records
from scoring.plots.canvas import INK, QUIET, fresh_axes, quiet_axes
from scoring.plots.styles import WIDTH, axis_words, below, beside, left_off, legend, no_two, nothing, one_of, put, wrapped
from scoring.texts import has, number, pick, say
from scoring.vocabulary import REST

MOST: Final = 20
"""Features drawn, in the order of the rows: the largest parts first."""
OTHERS: Final = "(other features)"
"""The feature of a row that joins several; its `features` says how many."""
_POINTS: Final = "points"
_LOOKS: Final = {"down": ("#D55E00", "////"), "up": ("#0072B2", ""), "total": ("#6b6660", "")}


class _Bar(NamedTuple):
    """A part as it is drawn: where it begins and what it adds, with its interval."""

    label: str
    start: float
    gap: float
    low: float
    high: float
    kind: str


def plot_waterfall(rows: pd.DataFrame, *, ax: Axes | None = None, language: str = "en", titles: Titles | None = None) -> Axes:
    """Draw the parts of a gap in the mean score one after the other, each from where the one before it ends, and the whole below.

    Parameters
    ----------
    rows
        Rows of `drivers.drivers` of one attribute and group. A row whose feature is `OTHERS` joins several.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of attributes and features by language.

    Returns
    -------
    Axes
        Bar k is the k-th row, the last bar the whole; hatched where the group is lower. Each has its interval at its end. With more
        than `MOST` features the others are not drawn: a dotted line leads over what they make together.

    Raises
    ------
    EquiscoreError
        Several attributes or groups, or two rows for a feature.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": "F", "feature": ["age", "home"], "people": 9, "reference_people": 8,
    ...     "gap": [-20.0, 5.0], "gap_low": [-30.0, 1.0], "gap_high": [-10.0, 9.0], "total_gap": -15.0, "total_low": -27.0, "total_high": -3.0,
    ...     "scale": "points", "confidence": 0.95, "reason": ""})
    >>> [(bar.get_x(), bar.get_width()) for bar in plot_waterfall(rows).patches]
    [(0.0, -20.0), (-20.0, 5.0), (0.0, -15.0)]
    """
    if rows.empty:
        return nothing(ax, language)
    for column in ("attribute", "group"):
        one_of(rows, column)
    no_two(rows, ["feature"])
    listed = records(rows)
    first, kind = listed[0], "times" if listed[0]["scale"] == _POINTS else "ratio3"
    if math.isnan(first["total_gap"]):
        return _reason(ax, first, language, titles)
    bars = [*_bars(listed[:MOST], language, titles), _total(first, language)]
    missing = len(listed) - min(len(listed), MOST)
    ax = _ground(ax, bars, first, language)
    for place, bar in enumerate(bars):
        _draw(ax, bar, place, language, kind)
    _connect(ax, bars, jump=missing > 0)
    _heads(ax, first, language, titles)
    _legend(ax, bars, language)
    left_off(ax, missing, language, 66, "features")
    return ax


def _bars(listed: Sequence[Mapping[str, Any]], language: str, titles: Titles | None) -> Iterator[_Bar]:
    """Go through the parts; each begins where the one before it ends."""
    start = 0.0
    for row in listed:
        gap = float(row["gap"])
        yield _Bar(_name(row, language, titles), start, gap, float(row["gap_low"]), float(row["gap_high"]), "down" if gap < 0 else "up")
        start += 0.0 if math.isnan(gap) else gap


def _name(row: Mapping[str, Any], language: str, titles: Titles | None) -> str:
    if row["feature"] == OTHERS:
        return say("plots.fall_others", language, n=row.get("features", math.nan))
    return wrapped(pick((titles or {}).get(str(row["feature"])), language) or str(row["feature"]), 30)


def _total(row: Mapping[str, Any], language: str) -> _Bar:
    gap, low, high = (float(row[f"total_{name}"]) for name in ("gap", "low", "high"))
    return _Bar(say("plots.fall_total", language), 0.0, gap, low, high, "total")


def _reason(ax: Axes | None, row: Mapping[str, Any], language: str, titles: Titles | None) -> Axes:
    """Say why there is no gap to take apart."""
    ax = nothing(ax, language)
    key = f"inquiry.drivers_{row['reason']}"
    if row["reason"] and has(key, language):
        ax.texts[-1].set_text(wrapped(say(key, language, who=who(row, language, titles), whom=whom({**row, "reference": REST}, language)), 100, 4))
    return ax


def _ground(ax: Axes | None, bars: Sequence[_Bar], row: Mapping[str, Any], language: str) -> Axes:
    """Make the axes: as wide as bars and intervals ask for."""
    ax = ax or fresh_axes(WIDTH, 2.0 + 0.3 * len(bars), left=2.35, right=1.75, top=0.75, bottom=1.25)
    quiet_axes(ax)
    ends = [bar.start + end for bar in bars for end in (0.0, bar.gap, bar.low, bar.high) if math.isfinite(end)]
    reach = 0.05 * (max(ends) - min(ends)) or 1.0
    ax.set_xlim(min(ends) - reach, max(ends) + reach)
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value), "plain", language)))
    ax.axvline(0, color=INK, lw=0.9, zorder=1, gid="nothing-line")
    unit = say(f"inquiry.unit_{str(row['scale']).replace('-', '_')}", language)
    axis_words(ax, say("plots.fall_axis", language, unit=unit))
    return ax


def _draw(ax: Axes, bar: _Bar, place: int, language: str, kind: str) -> None:
    """Draw a part: name, bar, interval at its end, numbers."""
    strong = "bold" if bar.kind == "total" else "normal"
    put(ax, 0, place, bar.label, transform=beside(ax, -0.12), ha="right", va="center", fontsize=8.5, color=INK, fontweight=strong, linespacing=1.05)
    written = {name: number(getattr(bar, name), kind, language) for name in ("gap", "low", "high")}
    said = say("plots.fall_said", language, **written)
    put(ax, 1.03, place, said, transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=INK, fontweight=strong, gid=f"said-{place}")
    if math.isnan(bar.gap):
        return
    colour, hatch = _LOOKS[bar.kind]
    box = Rectangle((bar.start, place - 0.29), bar.gap, 0.58, facecolor=colour if not hatch else "white", edgecolor=colour, hatch=hatch, lw=1.0)
    box.set(zorder=2, gid=f"part-{place}")
    ax.add_patch(box)
    if not math.isnan(bar.low) and not math.isnan(bar.high):
        ends = [bar.start + bar.low, bar.start + bar.high]
        ax.add_line(Line2D(ends, [place] * 2, color=INK, lw=1.2, marker="|", ms=6, mew=1.2, zorder=3, gid=f"interval-{place}"))


def _connect(ax: Axes, bars: Sequence[_Bar], *, jump: bool) -> None:
    """Lead from the end of each part to the beginning of the next, and from the last to the whole."""
    for place, bar in enumerate(bars[:-1]):
        end = bar.start + (0.0 if math.isnan(bar.gap) else bar.gap)
        ax.add_line(Line2D([end] * 2, [place + 0.29, place + 0.71], color=QUIET, lw=0.8, zorder=1, gid=f"step-{place}"))
    if jump:
        ends = [bars[-2].start + bars[-2].gap, bars[-1].gap]
        ax.add_line(Line2D(ends, [len(bars) - 1.29] * 2, color=QUIET, lw=1.2, ls=(0, (1, 1.5)), zorder=1, gid="jump"))


def _heads(ax: Axes, row: Mapping[str, Any], language: str, titles: Titles | None) -> None:
    """Say of whom the gap is, and name the column of numbers."""
    counts = {"people": row["people"], "others": row["reference_people"]}
    said = wrapped(say("plots.fall_who", language, who=who(row, language, titles), **counts), 105)
    put(ax, 0, 1, said, transform=below(ax, -20, aside=-2.2), va="bottom", fontsize=8.5, color=INK)
    column = say("plots.fall_column", language, confidence=row["confidence"])
    put(ax, 1.03, 1.0, column, transform=ax.transAxes, va="bottom", fontsize=8, color=QUIET)


def _legend(ax: Axes, bars: Sequence[_Bar], language: str) -> None:
    there = [kind for kind in ("down", "up") if any(bar.kind == kind for bar in bars)]
    keys = [Patch(facecolor=_LOOKS[kind][0] if not _LOOKS[kind][1] else "white", edgecolor=_LOOKS[kind][0], hatch=_LOOKS[kind][1]) for kind in there]
    where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": below(ax, 44)}
    legend(ax, keys, [say(f"plots.fall_{kind}", language) for kind in there], ncols=2, handlelength=1.8, **where)
