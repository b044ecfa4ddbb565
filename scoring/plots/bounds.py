"""What was not observed, drawn: the band of ratios that cannot be excluded, against the tolerance and against equality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import CARETLEFT, CARETRIGHT
from matplotlib.ticker import FixedLocator, NullLocator

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles
from scoring.fairness.verdicts import records
from scoring.plots.canvas import INK, MARKS, QUIET, fresh_axes, plain, quiet_axes
from scoring.plots.forest import label_of, ticks_of
from scoring.plots.styles import WIDTH, axis_words, below, beside, left_off, legend, no_two, nothing, of_metric, put, wrapped
from scoring.texts import NOTHING, has, number, say
from scoring.vocabulary import Verdict

MOST: Final = 40
"""Rows drawn; the table has the others."""
_REACH: Final = (0.2, 5.0)
_ROW: Final = 0.2
_BAND: Final = "#8fb8d6"
_NUMBERS: Final = ("ratio_lowest", "ratio_highest")


@dataclass(frozen=True, slots=True)
class _Line:
    """One row as it is drawn; `least` and `most` are the ends with sampling error, nan where the table has none."""

    label: str
    lowest: float
    highest: float
    least: float
    most: float
    value: float
    verdict: Verdict | None
    reason: str
    said: str
    at: float = 0.0

    @property
    def drawn(self) -> bool:
        """Whether there is a band to draw."""
        return not (math.isnan(self.lowest) or math.isnan(self.highest))

    @property
    def height(self) -> float:
        """Lines of text that it takes, and a space."""
        return 1.65 + 0.72 * max(self.label.count("\n"), 0 if self.drawn else self.reason.count("\n"))


def plot_bounds(
    rows: pd.DataFrame,
    *,
    bounds: Bounds,
    metric: str | None = None,
    ax: Axes | None = None,
    language: str = "en",
    titles: Titles | None = None,
) -> Axes:
    """Draw, a line a group, between what ratios it lies whatever the unobserved would have shown.

    Parameters
    ----------
    rows
        Rows of `Tables.bounds`, `membership.membership_rows` or `selective.selective_rows`: attribute, group, metric, ratio_lowest,
        ratio_highest, and what there is of ratio (the estimate), verdict, reasons, and the ends with sampling error: ratio_lowest_low
        and ratio_highest_high, or ratio_low and ratio_high.
    bounds
        The tolerance and the confidence.
    metric
        The metric to show, where the rows hold several.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of the attributes by language.

    Returns
    -------
    Axes
        A broad bar is what cannot be excluded, a thin line its ends with sampling error, a point the estimate where there is one. What
        goes beyond the axis ends in an arrow; a band that is not defined is not drawn, but its reason stands in its place.

    Raises
    ------
    EquiscoreError
        Several metrics, and none is chosen; or two rows for one place.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F"], "metric": "selection_rate", "ratio": 0.8, "ratio_lowest": 0.6, "ratio_highest": 1.1})
    >>> [(line.get_gid(), *map(float, line.get_xdata())) for line in plot_bounds(rows, bounds=Bounds()).lines if line.get_gid()]
    [('tolerance', 0.8, 0.8), ('equal', 1.0, 1.0), ('band-0', 0.6, 1.1), ('point-0', 0.8)]
    """
    held = of_metric(rows, metric) if len(rows) else rows
    if held.empty:
        return nothing(ax, language)
    no_two(held, ["attribute", "group", *(["assumption"] if "assumption" in held else [])])
    lines, depth = _placed([_line(row, bounds, language, titles) for row in records(held.head(MOST))])
    ax = _frame(ax, lines, depth)
    reach = _reach(lines, bounds.tolerance)
    _ground(ax, reach, depth, bounds, language)
    for place, line in enumerate(lines):
        _write(ax, line, place)
        if line.drawn:
            _draw(ax, line, place, *reach)
    _legend(ax, lines, bounds, language)
    left_off(ax, len(held) - len(lines), language, 86, "rows")
    return ax


def _line(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None) -> _Line:
    lowest, highest, value = (float(row.get(name, math.nan)) for name in (*_NUMBERS, "ratio"))
    least, most = (float(row.get(name, row.get(otherwise, math.nan))) for name, otherwise in _ENDS)
    verdict = Verdict(row["verdict"]) if row.get("verdict") else None
    written = {name: number(end, "ratio", language) for name, end in zip(("low", "high"), (lowest, highest), strict=True)}
    said = NOTHING if math.isnan(lowest) or math.isnan(highest) else say("plots.band", language, **written)
    return _Line(_label(row, language, titles), lowest, highest, least, most, value, verdict, _reason(row, bounds, language), said)


_ENDS: Final = (("ratio_lowest_low", "ratio_low"), ("ratio_highest_high", "ratio_high"))


def _label(row: Mapping[str, Any], language: str, titles: Titles | None) -> str:
    """Return the group, with what the table knows of how many were not observed, and under what assumption."""
    who = plain(label_of(row, language, titles))
    found = next((key for column, key in _KINDS if column in row), None)
    if found is None or found == "label":
        return wrapped(say("plots.label", language, who=who, n=row["people"]) if found else who, 42, 3)
    assumed = f"plots.assumption_{row.get('assumption', 'none')}"
    counts = say(f"plots.{found}", language, **_counts(row))
    return "\n".join([wrapped(who, 42), counts, *([say(assumed, language)] if has(assumed, language) else [])])


_KINDS: Final = (("unknown", "label_unknown"), ("unobserved", "label_unseen"), ("people", "label"))


def _counts(row: Mapping[str, Any]) -> dict[str, float]:
    names = {"unknown": "unknown", "unobserved": "unobserved", "observed": "observed", "people": "n"}
    return {name: float(row[column]) for column, name in names.items() if column in row}


def _reason(row: Mapping[str, Any], bounds: Bounds, language: str) -> str:
    """Return why there is no band, in the words of the table that it comes from."""
    chosen = {name: getattr(bounds, name) for name in ("tolerance", "refusal_tolerance", "minimum_group")}
    codes = [f"unobserved.{code}" for code in row.get("reasons", ()) if has(f"unobserved.{code}", language)]
    return wrapped(" ".join(say(code, language, **{**row, **chosen}) for code in codes[:1]) or NOTHING, 46)


def _placed(lines: Sequence[_Line]) -> tuple[list[_Line], float]:
    """Give each line its height from the top."""
    placed, top = [], 0.0
    for line in lines:
        numbers = (line.lowest, line.highest, line.least, line.most, line.value)
        placed.append(_Line(line.label, *numbers, line.verdict, line.reason, line.said, top + line.height / 2))
        top += line.height
    return placed, top


def _frame(ax: Axes | None, lines: Sequence[_Line], depth: float) -> Axes:
    longest = max(len(part) for line in lines for part in line.label.split("\n"))
    ax = ax or fresh_axes(WIDTH, 1.9 + _ROW * depth, left=0.4 + 0.066 * longest, right=1.6, top=0.45, bottom=1.45)
    quiet_axes(ax)
    return ax


def _reach(lines: Sequence[_Line], tolerance: float) -> tuple[float, float]:
    """Return the ends of the axis: all that can be shown without pressing the rest together."""
    ends = [end for line in lines for end in (line.lowest, line.highest, line.least, line.most, line.value) if _REACH[0] <= end <= _REACH[1]]
    return min([*ends, 0.85 * tolerance]) / 1.12, max([*ends, 1.25]) * 1.12


def _ground(ax: Axes, reach: tuple[float, float], depth: float, bounds: Bounds, language: str) -> None:
    """Draw what the bands are held against."""
    ax.set_xscale("log")
    ax.set_xlim(*reach)
    ax.set_ylim(depth, 0)
    ax.set_yticks([])
    ax.axvspan(reach[0], bounds.tolerance, color="#f4f0ea", lw=0, zorder=0)
    ax.axvline(bounds.tolerance, color=INK, lw=1.1, ls=(0, (4, 2.5)), zorder=3, gid="tolerance")
    ax.axvline(1.0, color=QUIET, lw=0.8, zorder=3, gid="equal")
    ticks = ticks_of(*reach, bounds.tolerance)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.set_xticklabels([number(tick, "ratio", language) for tick in ticks])
    axis_words(ax, say("plots.axis", language))
    head: dict[str, Any] = {"va": "bottom", "fontsize": 8, "transform": ax.get_xaxis_transform()}
    put(ax, bounds.tolerance, 1.0, f"{say('plots.tolerance', language, tolerance=bounds.tolerance)} ", ha="right", color=INK, **head)
    put(ax, 1.0, 1.0, f" {say('plots.equal', language)}", ha="left", color=QUIET, **head)
    put(ax, 1.03, 1.0, say("plots.band_column", language), **(head | {"transform": ax.transAxes}), color=QUIET)


def _write(ax: Axes, line: _Line, place: int) -> None:
    """Write a row's group on the left, its band on the right; where there is no band, the reason in its place."""
    look: dict[str, Any] = {"va": "center", "fontsize": 8.5, "color": INK, "linespacing": 1.1}
    put(ax, 0, line.at, line.label, transform=beside(ax, -0.28), ha="right", **look)
    if line.verdict and MARKS[line.verdict].marker:
        ax.plot([0], [line.at], transform=beside(ax, -0.14), clip_on=False, zorder=4, gid=f"verdict-{place}", **_look(line.verdict))
    put(ax, 1.03, line.at, line.said, transform=ax.get_yaxis_transform(), gid=f"said-{place}", **look)
    if not line.drawn:
        quiet = {"fontsize": 7.5, "color": QUIET, "style": "italic", "gid": f"reason-{place}"}
        put(ax, 0.5, line.at, line.reason, transform=ax.get_yaxis_transform(), ha="center", **(look | quiet))


def _draw(ax: Axes, line: _Line, place: int, low: float, high: float) -> None:
    """Draw a row's whiskers, band and point, cut at the ends of the axis; an arrow where something goes on."""

    def bar(first: float, last: float, gid: str, **look: Any) -> None:
        ends = [min(max(end, low), high) for end in (first, last)]
        ax.add_line(Line2D(ends, [line.at] * 2, solid_capstyle="butt", gid=f"{gid}-{place}", **look))

    if not (math.isnan(line.least) or math.isnan(line.most)):
        bar(line.least, line.most, "whiskers", color=INK, lw=1.1, zorder=1.5)
    # a band without width is a stroke: a line without length would not show
    bar(line.lowest, line.highest, "band", color=_BAND, lw=9, zorder=2, ms=9, mew=2.2, marker="|" if line.lowest == line.highest else "")
    ends = [end for end in (line.lowest, line.highest, line.least, line.most) if not math.isnan(end)]
    # what lies beyond the axis as a whole is its point at the edge, where it has one
    for end, beyond, arrow in (
        (low, min(ends) < low and (max(ends) > low or math.isnan(line.value)), CARETLEFT),
        (high, max(ends) > high and (min(ends) < high or math.isnan(line.value)), CARETRIGHT),
    ):
        if beyond:
            ax.plot([end], [line.at], marker=arrow, ms=7, color=INK, clip_on=False, zorder=3, gid=f"open-{place}")
    if not math.isnan(line.value):
        ax.plot([min(max(line.value, low), high)], [line.at], clip_on=False, zorder=4, gid=f"point-{place}", **_POINT)


_POINT: Final[dict[str, Any]] = {"marker": "o", "ms": 5.5, "mfc": INK, "mec": "white", "mew": 0.8, "ls": ""}


def _look(verdict: Verdict) -> dict[str, Any]:
    mark = MARKS[verdict]
    return {"marker": mark.marker, "ms": 5.5, "mfc": mark.colour if mark.filled else "white", "mec": mark.colour, "mew": 1.4, "ls": ""}


def _legend(ax: Axes, lines: Sequence[_Line], bounds: Bounds, language: str) -> None:
    """Say what bar, line and point are."""
    keys = [Line2D([], [], color=_BAND, lw=9, solid_capstyle="butt")]
    words = [say("plots.band_key", language)]
    if any(not math.isnan(line.least) for line in lines):
        keys.append(Line2D([], [], color=INK, lw=1.1))
        words.append(say("plots.band_sampling", language, confidence=bounds.confidence))
    if any(not math.isnan(line.value) for line in lines):
        keys.append(Line2D([], [], **_POINT))
        words.append(say("plots.band_point", language))
    for verdict in MARKS:
        if MARKS[verdict].marker and any(line.verdict is verdict for line in lines):
            keys.append(Line2D([], [], **_look(verdict)))
            words.append(say(f"verdict.{verdict.value}", language))
    where: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "bbox_transform": below(ax, 50)}
    legend(ax, keys, words, ncols=3, columnspacing=1.3, handlelength=1.6, handletextpad=0.5, **where)
