"""The forest plot: one impact ratio a line with its interval, against the tolerance and against equality."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import CARETLEFT, CARETRIGHT
from matplotlib.ticker import FixedLocator, NullLocator

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles, level
from scoring.fairness.verdicts import because, records
from scoring.plots.canvas import INK, MARKS, QUIET, fresh_axes, plain, quiet_axes
from scoring.plots.styles import below
from scoring.texts import SEMICOLON, number, pick, say
from scoring.vocabulary import CROSS, Verdict

_SIZE: Final = 9
_WIDTH, _RIGHT, _ROW = 8.4, 1.8, 0.2
_REACH: Final = (0.2, 5.0)
"""Ratios beyond are shown by an arrow: an axis that holds them would press the others together."""
_TICKS: Final = (1.0, 0.5, 2.0, 0.2, 5.0, 0.1, 10.0, 0.05, 20.0, 0.65, 1.25, 1.5, 0.9, 1.1, 0.7, 0.6, 3.0, 0.3)


@dataclass(frozen=True, slots=True)
class _Line:
    """One row as it is drawn."""

    label: str
    value: float
    low: float
    high: float
    verdict: Verdict
    reason: str
    said: str
    at: float = 0.0

    @property
    def drawn(self) -> bool:
        """Whether there is a point to draw."""
        return self.verdict is not Verdict.NOT_APPLICABLE and not math.isnan(self.value)

    @property
    def height(self) -> int:
        """Lines of text that it takes."""
        return 1 + max(self.label.count("\n"), 0 if self.drawn else self.reason.count("\n"))


def plot_ratios(rows: pd.DataFrame, *, bounds: Bounds, ax: Axes | None = None, language: str = "en", titles: Titles | None = None) -> Axes:
    """Draw one impact ratio a line with its interval.

    Parameters
    ----------
    rows
        Rows of `Tables.judged`, drawn in their order from the top.
    bounds
        The tolerance and the confidence that they were judged by.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of the attributes by language.

    Returns
    -------
    Axes
        A point that is nobody's (not applicable) is not drawn: its reason stands in its place.
    """
    lines = list(_placed([_line(row, bounds, language, titles) for row in records(rows)]))
    depth = sum(line.height + 0.6 for line in lines) or 1.0
    longest = max((len(part) for line in lines for part in line.label.split("\n")), default=10)
    ax = ax or fresh_axes(_WIDTH, 1.55 + _ROW * depth, left=0.2 + 0.07 * longest, right=_RIGHT, top=0.45, bottom=1.1)
    reach = _reach(lines, bounds.tolerance)
    _ground(ax, reach, depth, bounds, language)
    _heads(ax, bounds, language)
    for place, line in enumerate(lines):
        _write(ax, line)
        if line.drawn:
            _draw(ax, line, place, *reach)
    _legend(ax, lines, language)
    return ax


def label_of(row: Mapping[str, Any], language: str, titles: Titles | None = None) -> str:
    """Return the group of a row, its attribute before it."""
    names, levels = str(row["attribute"]).split(CROSS), str(row["group"]).split(CROSS)
    titled = [pick((titles or {}).get(name), language) or name for name in names]
    pairs = zip(titled, levels, strict=True) if len(names) == len(levels) else [(CROSS.join(titled), str(row["group"]))]
    parts = (say("plots.group", language, attribute=name, group=level(one, language)) for name, one in pairs)
    return SEMICOLON[language].join(parts)


def _line(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None) -> _Line:
    verdict = Verdict(row["verdict"])
    label = say("plots.label", language, who=plain(label_of(row, language, titles)), n=row["trials"])
    value, low, high = (float(row[name]) for name in ("ratio", "ratio_low", "ratio_high"))
    reason = because(tuple(row["reasons"]), dict(row), bounds, language) if math.isnan(row["ratio"]) else ""
    shown = verdict is not Verdict.NOT_APPLICABLE and not math.isnan(value)
    said = say("plots.ratio", language, ratio=value, low=low, high=high) if shown else say(f"verdict.{verdict.value}", language)
    return _Line(textwrap.fill(label, 44), value, low, high, verdict, textwrap.fill(plain(reason), 56, max_lines=2, placeholder=" …"), said)


def _placed(lines: Sequence[_Line]) -> Iterator[_Line]:
    """Give each line its height from the top."""
    top = 0.0
    for line in lines:
        held = line.height + 0.6
        yield _Line(line.label, line.value, line.low, line.high, line.verdict, line.reason, line.said, top + held / 2)
        top += held


def _reach(lines: Sequence[_Line], tolerance: float) -> tuple[float, float]:
    """Return the ends of the axis: all that can be shown without pressing the rest together."""
    held = [end for line in lines if line.drawn for end in (line.value, line.low, line.high) if _REACH[0] <= end <= _REACH[1]]
    return min([*held, 0.85 * tolerance]) / 1.12, max([*held, 1.25]) * 1.12


def _ground(ax: Axes, reach: tuple[float, float], depth: float, bounds: Bounds, language: str) -> None:
    """Draw what the ratios are held against."""
    quiet_axes(ax)
    ax.set_xscale("log")
    ax.set_xlim(*reach)
    ax.set_ylim(depth, 0)
    ax.set_yticks([])
    ax.axvspan(reach[0], bounds.tolerance, color="#f4f0ea", lw=0, zorder=0)
    ax.axvline(bounds.tolerance, color=INK, lw=1.1, ls=(0, (4, 2.5)), zorder=1)
    ax.axvline(1.0, color=QUIET, lw=0.8, zorder=1)
    ticks = ticks_of(*reach, bounds.tolerance)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.set_xticklabels([number(tick, "ratio", language) for tick in ticks])
    ax.set_xlabel(say("plots.axis", language), fontsize=8, color=QUIET, labelpad=6)


def _heads(ax: Axes, bounds: Bounds, language: str) -> None:
    """Name the two lines and the column of numbers."""
    at_line, at_side = ax.get_xaxis_transform(), ax.transAxes
    tolerance, equal = say("plots.tolerance", language, tolerance=bounds.tolerance), say("plots.equal", language)
    ax.text(bounds.tolerance, 1.0, f"{tolerance} ", ha="right", va="bottom", fontsize=8, color=INK, transform=at_line)
    ax.text(1.0, 1.0, f" {equal}", ha="left", va="bottom", fontsize=8, color=QUIET, transform=at_line)
    column = say("plots.column", language, confidence=bounds.confidence)
    ax.text(1.03, 1.0, column, ha="left", va="bottom", fontsize=8, color=QUIET, transform=at_side)


def ticks_of(low: float, high: float, tolerance: float) -> list[float]:
    """Return the ticks that fit, the tolerance and 1 before all."""
    taken: list[float] = []
    span = math.log(high / low)
    for tick in (tolerance, *_TICKS):
        if low < tick < high and all(abs(math.log(tick / other)) > 0.13 * span for other in taken):
            taken.append(tick)
    return sorted(taken)


def _write(ax: Axes, line: _Line) -> None:
    """Write a row's group on the left, its numbers on the right; where there is no point, the reason in its place."""

    def put(x: float, text: str, side: str, **look: Any) -> None:
        ax.text(x, line.at, text, ha=side, va="center", transform=ax.get_yaxis_transform(), parse_math=False, **look)

    put(-0.025, line.label, "right", fontsize=_SIZE, color=INK, linespacing=1.15)
    put(1.03, line.said, "left", fontsize=_SIZE, color=INK if line.drawn else QUIET)
    if not line.drawn:
        put(0.5, line.reason, "center", fontsize=7.5, color=QUIET, style="italic")


def _draw(ax: Axes, line: _Line, place: int, low: float, high: float) -> None:
    """Draw a row's interval and point; what goes beyond the axis ends in an arrow, what lies beyond it stands at its edge."""
    mark = MARKS[line.verdict]
    left, right = (low if math.isnan(line.low) else max(line.low, low)), (high if math.isnan(line.high) else min(line.high, high))
    ax.add_line(Line2D([left, max(left, right)], [line.at] * 2, color=mark.colour, lw=1.6, solid_capstyle="butt", zorder=2, gid=f"interval-{place}"))
    for end, beyond, arrow in ((low, line.low < low < line.value, CARETLEFT), (high, line.high > high > line.value, CARETRIGHT)):
        if beyond:
            ax.plot([end], [line.at], marker=arrow, ms=7, color=mark.colour, clip_on=False, zorder=3, gid=f"open-{place}")
    point = min(max(line.value, low), high)
    ax.plot([point], [line.at], **_look(line.verdict), clip_on=False, zorder=4, gid=f"point-{place}")


def _look(verdict: Verdict) -> dict[str, Any]:
    mark = MARKS[verdict]
    return {"marker": mark.marker, "ms": 6.5, "mfc": mark.colour if mark.filled else "white", "mec": mark.colour, "mew": 1.6}


def _legend(ax: Axes, lines: Sequence[_Line], language: str) -> None:
    """Say what the marks mean, for the verdicts that are there."""
    there = [verdict for verdict in MARKS if any(line.drawn and line.verdict is verdict for line in lines)]
    keys = [Line2D([], [], ls="", label=say(f"verdict.{verdict.value}", language), **_look(verdict)) for verdict in there]
    if any(line.drawn and line.value == 0 for line in lines):
        ax.text(0.5, 0, say("plots.zero", language), transform=below(ax, 66), ha="center", va="top", fontsize=8, color=QUIET)
    if keys:
        look = {"fontsize": 8, "frameon": False, "handletextpad": 0.2, "columnspacing": 1.4, "labelcolor": INK, "borderaxespad": 0}
        ax.legend(handles=keys, loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=below(ax, 42), ncols=len(keys), **look)
