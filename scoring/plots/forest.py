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
from matplotlib.ticker import FixedLocator, NullLocator

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles, level, records
from scoring.fairness.verdicts import because
from scoring.plots.canvas import HAIR, INK, MARKS, QUIET, fresh_axes, plain, quiet_axes
from scoring.texts import number, pick, say
from scoring.vocabulary import CROSS, Verdict

_SIZE: Final = 9
_WIDTH, _RIGHT, _ROW = 8.4, 1.8, 0.2
_REACH: Final = (0.04, 25.0)
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
    ax = ax or fresh_axes(_WIDTH, 1.35 + _ROW * depth, left=0.2 + 0.07 * longest, right=_RIGHT, top=0.45, bottom=0.9)
    low, high = _reach(lines, bounds.tolerance)
    _ground(ax, low, high, depth, bounds, language)
    for place, line in enumerate(lines):
        _draw(ax, line, place, low, high)
    _legend(ax, lines, language)
    return ax


def label_of(row: Mapping[str, Any], language: str, titles: Titles | None = None) -> str:
    """Return the group of a row, its attribute before it."""
    names, levels = str(row["attribute"]).split(CROSS), str(row["group"]).split(CROSS)
    titled = [pick((titles or {}).get(name), language) or name for name in names]
    pairs = zip(titled, levels, strict=True) if len(names) == len(levels) else [(CROSS.join(titled), str(row["group"]))]
    return "; ".join(say("plots.group", language, attribute=name, group=level(one, language)) for name, one in pairs)


def _line(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None) -> _Line:
    verdict = Verdict(row["verdict"])
    label = say("plots.label", language, who=plain(label_of(row, language, titles)), n=row["trials"])
    value, low, high = (float(row[name]) for name in ("ratio", "ratio_low", "ratio_high"))
    reason = because(tuple(row["reasons"]), dict(row), bounds, language) if verdict is Verdict.NOT_APPLICABLE else ""
    shown = verdict is not Verdict.NOT_APPLICABLE and not math.isnan(value)
    said = say("plots.ratio", language, ratio=value, low=low, high=high) if shown else say(f"verdict.{verdict.value}", language)
    return _Line(textwrap.fill(label, 40), value, low, high, verdict, textwrap.fill(plain(reason), 56, max_lines=2, placeholder=" …"), said)


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


def _ground(ax: Axes, low: float, high: float, depth: float, bounds: Bounds, language: str) -> None:
    """Draw what the ratios are held against."""
    quiet_axes(ax)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(depth, 0)
    ax.set_yticks([])
    ax.axvspan(low, bounds.tolerance, color="#f4f0ea", lw=0, zorder=0)
    ax.axvline(bounds.tolerance, color=INK, lw=1.1, ls=(0, (4, 2.5)), zorder=1)
    ax.axvline(1.0, color=QUIET, lw=0.8, zorder=1)
    ax.xaxis.set_minor_locator(NullLocator())
    ticks = _ticks(low, high, bounds.tolerance)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.set_xticklabels([number(tick, "ratio", language) for tick in ticks])
    ax.set_xlabel(say("plots.axis", language), fontsize=8, color=QUIET, labelpad=6)
    over = {"transform": ax.get_xaxis_transform(), "va": "bottom", "fontsize": 8, "parse_math": False}
    ax.text(bounds.tolerance, 1.0, say("plots.tolerance", language, tolerance=bounds.tolerance) + " ", ha="right", color=INK, **over)
    ax.text(1.0, 1.0, " " + say("plots.equal", language), ha="left", color=QUIET, **over)
    ax.text(1.03, 1.0, say("plots.column", language, confidence=bounds.confidence), **{**over, "transform": ax.transAxes}, color=QUIET)


def _ticks(low: float, high: float, tolerance: float) -> list[float]:
    """Return the ticks that fit, the tolerance and 1 before all."""
    taken: list[float] = []
    span = math.log(high / low)
    for tick in (tolerance, *_TICKS):
        if low < tick < high and all(abs(math.log(tick / other)) > 0.13 * span for other in taken):
            taken.append(tick)
    return sorted(taken)


def _draw(ax: Axes, line: _Line, place: int, low: float, high: float) -> None:
    """Draw one row: label, interval, point, and the numbers in words."""
    words = {"va": "center", "fontsize": _SIZE, "parse_math": False, "clip_on": False}
    ax.text(-0.025, line.at, line.label, ha="right", color=INK, linespacing=1.15, transform=ax.get_yaxis_transform(), **words)
    ax.text(1.03, line.at, line.said, ha="left", color=INK if line.drawn else QUIET, transform=ax.get_yaxis_transform(), **words)
    if not line.drawn:
        ax.text(0.5, line.at, line.reason, ha="center", color=QUIET, style="italic", transform=ax.get_yaxis_transform(), **{**words, "fontsize": 7.5})
        return
    mark = MARKS[line.verdict]
    left, right = (low if math.isnan(line.low) else max(line.low, low)), (high if math.isnan(line.high) else min(line.high, high))
    ax.add_line(Line2D([left, right], [line.at, line.at], color=mark.colour, lw=1.6, solid_capstyle="butt", zorder=2, gid=f"interval-{place}"))
    point = min(max(line.value, low), high)
    for end, beyond, arrow in ((low, line.low < low and line.value > low, 4), (high, line.high > high and line.value < high, 5)):
        if beyond:
            ax.plot([end], [line.at], marker=arrow, ms=7, color=mark.colour, clip_on=False, zorder=3, gid=f"open-{place}")
    face = mark.colour if mark.filled else "white"
    ax.plot([point], [line.at], marker=mark.marker, ms=6.5, mfc=face, mec=mark.colour, mew=1.6, clip_on=False, zorder=4, gid=f"point-{place}")


def _legend(ax: Axes, lines: Sequence[_Line], language: str) -> None:
    """Say what the marks mean, for the verdicts that are there."""
    there = [verdict for verdict in MARKS if any(line.drawn and line.verdict is verdict for line in lines)]
    keys = [
        Line2D([], [], ls="", marker=MARKS[verdict].marker, ms=6.5, mew=1.6, mec=MARKS[verdict].colour, label=say(f"verdict.{verdict.value}", language),
               mfc=MARKS[verdict].colour if MARKS[verdict].filled else "white")
        for verdict in there
    ]  # fmt: skip
    if any(line.drawn and line.value == 0 for line in lines):
        keys.append(Line2D([], [], ls="", label=say("plots.zero", language)))
    if keys:
        made = ax.legend(handles=keys, loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=_below(ax), ncols=len(keys), fontsize=8, frameon=False,
                         handletextpad=0.2, columnspacing=1.4, labelcolor=INK, borderaxespad=0)  # fmt: skip
        made.set_in_layout(False)


def _below(ax: Axes) -> Any:
    """Return the frame of the axes, moved below its title: in points, so that a tall plot does not push the legend away."""
    from matplotlib.transforms import ScaledTranslation

    return ax.transAxes + ScaledTranslation(0, -42 / 72, ax.figure.dpi_scale_trans)
