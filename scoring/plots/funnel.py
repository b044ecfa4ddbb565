"""The funnel of one attribute: how many of each group pass each stage, from the top, and which stage makes the gap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles, level
from scoring.fairness.verdicts import because_in, records
from scoring.plots.canvas import HAIR, INK, MARKS, QUIET, fresh_axes, plain, quiet_axes
from scoring.plots.styles import (
    WIDTH,
    attribute_title,
    axis_words,
    below,
    beside,
    left_off,
    legend,
    no_two,
    nothing,
    one_of,
    percents,
    put,
    wrapped,
)
from scoring.texts import number, pick, say
from scoring.vocabulary import Verdict

MOST: Final = 10
"""Groups drawn at each stage."""
_DECISION: Final = "(decision)"
"""The last stage, as `fairness.funnel` names it."""
_ROW: Final = 0.235
Names = Mapping[str, str | Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Line:
    """A row with its height from the top, and how many lines of text it takes."""

    row: Mapping[str, Any]
    label: str
    at: float


def plot_funnel(
    rows: pd.DataFrame,
    *,
    bounds: Bounds | None = None,
    stages: Names | None = None,
    ax: Axes | None = None,
    language: str = "en",
    titles: Titles | None = None,
) -> Axes:
    """Draw the pass rate of each group at each stage, with its interval, the counts and the ratio beside it.

    Parameters
    ----------
    rows
        Rows of `funnel.funnel_rows` of one attribute.
    bounds
        The confidence of the intervals and the numbers that reasons speak of; by default those of `Bounds`.
    stages
        Titles of the stages, by name; where there is none the name stands.
    ax
        Where to draw; by default on a figure of its own.
    language
        ``en`` or ``fr``.
    titles
        Names of the attributes by language.

    Returns
    -------
    Axes
        Stages from the top, in each the groups in the order of the rows. A ring marks the stage that makes the gap of a group. Where
        nobody is left there is no point, but the reason.

    Raises
    ------
    EquiscoreError
        Several attributes, or two rows for one place.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "stage": "(decision)", "position": 0, "hits": [3.0, 8.0], "trials": 9.0,
    ...     "value": [0.33, 0.89], "low": [0.1, 0.5], "high": [0.6, 0.97], "ratio": [0.4, 2.7], "ratio_low": [0.1, 1.0], "ratio_high": [1.0, 9.0],
    ...     "makes_the_gap": [True, False], "verdict": "undetermined", "reasons": [(), ()]})
    >>> [line.get_gid() for line in plot_funnel(rows).lines if "point" in str(line.get_gid()) or "gap" in str(line.get_gid())]
    ['gap-0', 'point-0', 'point-1']
    """
    if rows.empty:
        return nothing(ax, language)
    attribute = one_of(rows, "attribute")
    no_two(rows, ["group", "stage"])
    groups = list(rows["group"].unique())
    listed = records(rows[rows["group"].isin(groups[:MOST])].sort_values("position", kind="stable"))
    lines, heads, depth = _placed(listed, language)
    bounds = bounds or Bounds()
    ax = _ground(ax, depth, bounds, language)
    for text, at in heads:
        _head(ax, text, at, stage_title(text, stages, language))
    for place, line in enumerate(lines):
        _draw(ax, line, place, bounds, language)
    put(
        ax, 0, 1, wrapped(attribute_title(attribute, language, titles), 50), transform=below(ax, -8, aside=-2.0), va="bottom", fontsize=8.5, color=INK
    )
    _legend(ax, lines, language)
    left_off(ax, len(groups) - MOST, language, 60, aside=-2.0)
    return ax


def _placed(listed: Sequence[Mapping[str, Any]], language: str) -> tuple[list[_Line], list[tuple[str, float]], float]:
    """Give each row and each head of a stage its height."""
    lines, heads, top = [], [], 0.0
    for i, row in enumerate(listed):
        if i == 0 or row["stage"] != listed[i - 1]["stage"]:
            top += 0.35 if i else 0.0
            heads.append((str(row["stage"]), top + 0.55))
            top += 1.15
        label = wrapped(level(str(row["group"]), language), 26)
        high = 1.0 + 0.7 * label.count("\n")
        lines.append(_Line(row, label, top + high / 2))
        top += high
    return lines, heads, top


def stage_title(stage: str, stages: Names | None, language: str) -> str:
    """Return what a stage is called.

    >>> stage_title("(decision)", None, "fr"), stage_title("mail", {"mail": {"en": "reachable by mail"}}, "en")
    ('décision', 'reachable by mail')
    """
    named = pick((stages or {}).get(stage), language)
    return named or (say("funnel.decision", language) if stage == _DECISION else stage)


def _ground(ax: Axes | None, depth: float, bounds: Bounds, language: str) -> Axes:
    ax = ax or fresh_axes(WIDTH, 1.7 + _ROW * depth, left=2.15, right=2.85, top=0.5, bottom=1.2)
    quiet_axes(ax)
    percents(ax, language, "x")
    ax.set_ylim(depth, 0)
    ax.set_yticks([])
    axis_words(ax, say("plots.funnel_axis", language, confidence=bounds.confidence))
    head: dict[str, Any] = {"transform": ax.transAxes, "va": "bottom", "fontsize": 8, "color": QUIET}
    put(ax, 1.03, 1.0, say("plots.funnel_column", language), **head)
    return ax


def _head(ax: Axes, stage: str, at: float, title: str) -> None:
    """Write the name of a stage over its groups."""
    ax.axhline(at + 0.5, color=HAIR, lw=0.8, zorder=0.5)
    put(
        ax,
        0,
        at,
        wrapped(title, 70, 1),
        transform=beside(ax, -2.0),
        va="center",
        fontsize=9,
        fontweight="bold",
        color=INK,
        gid=f"stage-{plain(stage)}",
    )


def _draw(ax: Axes, line: _Line, place: int, bounds: Bounds, language: str) -> None:
    """Draw one group at one stage: label, interval, point, counts and ratio; a reason where there is no rate."""
    row, verdict = line.row, Verdict(line.row["verdict"])
    mark = MARKS[verdict] if MARKS[verdict].marker else MARKS[Verdict.UNDETERMINED]
    put(ax, 0, line.at, line.label, transform=beside(ax, -0.2), ha="right", va="center", fontsize=8.5, color=INK, linespacing=1.05)
    value = float(row["value"])
    put(ax, 1.03, line.at, _said(row, language), transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=INK, gid=f"said-{place}")
    if math.isnan(value):
        reason = wrapped(because_in("funnel", row, bounds, language) or say("plots.no_rate", language), 58)
        put(ax, 0.5, line.at, reason, ha="center", va="center", fontsize=7.5, color=QUIET, style="italic", gid=f"reason-{place}")
        return
    colour = QUIET if verdict is Verdict.NOT_APPLICABLE else mark.colour
    ax.add_line(Line2D([row["low"], row["high"]], [line.at] * 2, color=colour, lw=1.6, solid_capstyle="butt", zorder=2, gid=f"interval-{place}"))
    if row["makes_the_gap"]:
        ax.plot([value], [line.at], marker="o", ms=14, mfc="none", mec=INK, mew=1.3, clip_on=False, zorder=3, gid=f"gap-{place}")
    look: dict[str, Any] = _look(verdict)
    ax.plot([value], [line.at], clip_on=False, zorder=4, gid=f"point-{place}", **look)


def _look(verdict: Verdict) -> dict[str, Any]:
    """Return the point of a verdict; where none was asked for, a dot."""
    mark = MARKS[verdict]
    if not mark.marker:
        return {"marker": ".", "ms": 8, "mfc": QUIET, "mec": QUIET}
    return {"marker": mark.marker, "ms": 6, "mfc": mark.colour if mark.filled else "white", "mec": mark.colour, "mew": 1.5}


def _said(row: Mapping[str, Any], language: str) -> str:
    ratio = say("plots.ratio", language, ratio=row["ratio"], low=row["ratio_low"], high=row["ratio_high"])
    counts = {"hits": row["hits"], "trials": row["trials"]}
    return say("plots.funnel_said", language, **counts, ratio=number(math.nan, "ratio", language) if math.isnan(row["ratio"]) else ratio)


def _legend(ax: Axes, lines: Sequence[_Line], language: str) -> None:
    keys, words = [], []
    for verdict, text in _there(lines):
        keys.append(Line2D([], [], ls="", **_look(verdict)))
        words.append(say(text, language))
    if any(line.row["makes_the_gap"] for line in lines):
        keys.append(Line2D([], [], ls="", marker="o", ms=11, mfc="none", mec=INK, mew=1.3))
        words.append(say("plots.funnel_gap", language))
    where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": below(ax, 42, aside=-2.0)}
    legend(ax, keys, words, ncols=len(keys), handletextpad=0.2, columnspacing=1.2, **where)


def _there(lines: Sequence[_Line]) -> Iterator[tuple[Verdict, str]]:
    """Go through the verdicts that are drawn."""
    drawn = {Verdict(line.row["verdict"]) for line in lines if not math.isnan(float(line.row["value"]))}
    yield from ((verdict, f"verdict.{verdict.value}") for verdict in MARKS if verdict in drawn)
