"""The lattice of combinations: which groups are excluded, alone and crossed, and what lies inside what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from scoring.fairness.narrative import Titles
from scoring.fairness.verdicts import records
from scoring.plots.canvas import HAIR, INK, MARKS, QUIET, fresh_axes, plain
from scoring.plots.forest import label_of
from scoring.plots.styles import below, left_off, legend, no_two, nothing, of_metric, put, wrapped
from scoring.texts import say
from scoring.vocabulary import CROSS, Verdict

MOST: Final = 40
"""Nodes drawn; more is a ball of wool."""
_TALLEST: Final = 14
"""Nodes in a column: a taller drawing would be too small on a page."""
_FLAGGED: Final = (Verdict.EXCLUSION, Verdict.LEANING)
_BOX, _GAP, _LINE, _PAD = 2.15, 0.5, 0.135, 0.07
"""Inches: width of a node, room for the edges between two columns, height of a line of text, space above and below it."""
Conditions = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Node:
    """A group as it is drawn: where, and what is written in it."""

    row: Mapping[str, Any]
    conditions: Conditions
    label: str
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        """Inches that it takes."""
        return _LINE * (2 + self.label.count("\n")) + 2 * _PAD

    @property
    def verdict(self) -> Verdict:
        """What was found."""
        return Verdict(self.row["verdict"])

    @property
    def part(self) -> bool:
        """Whether a larger excluded group accounts for it."""
        return bool(self.row["under"])


def plot_lattice(
    rows: pd.DataFrame, *, metric: str | None = None, ax: Axes | None = None, language: str = "en", titles: Titles | None = None
) -> Axes:
    """Draw the groups with exclusion or leaning to it, and all that hold them: a column a depth, an edge into each combination.

    Parameters
    ----------
    rows
        Rows of `Tables.judged`, first things first.
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
        In inches. What is only a part of an excluded group (`under`) has a pale, broken frame and a hollow mark. At most `MOST`
        groups are drawn, those that stand by themselves before the others; a line says how many are not.

    Raises
    ------
    EquiscoreError
        Several metrics, and none is chosen; or two rows for one group.

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": ["sex", "sex x age"], "group": ["F", "F x 66+"], "levels": [("F",), ("F", "66+")], "depth": [1, 2],
    ...     "metric": "selection_rate", "verdict": ["undetermined", "exclusion"], "under": "", "ratio": [0.9, 0.4], "people": [80, 20]})
    >>> [line.get_gid() for line in plot_lattice(rows).lines if str(line.get_gid()).startswith("edge")]
    ['edge-0-1']
    """
    if rows.empty:
        return nothing(ax, language)
    held = of_metric(rows, metric)
    no_two(held, ["attribute", "group"])
    every = [_node(row, language, titles) for row in records(held)]
    kept, missing = _chosen(every)
    if not kept:
        return nothing(ax, language, "plots.lattice_none")
    nodes, size = _placed(kept)
    ax = _frame(ax, *size)
    _columns(ax, nodes, language)
    for i, j in _edges(nodes):
        ends = [nodes[i].x + _BOX, nodes[j].x], [nodes[i].y, nodes[j].y]
        ax.add_line(Line2D(*ends, color=HAIR if nodes[j].part else QUIET, lw=0.9, zorder=1, gid=f"edge-{i}-{j}"))
    for place, node in enumerate(nodes):
        _draw(ax, node, place, language)
    _legend(ax, nodes, language)
    left_off(ax, missing, language, 26, "flagged")
    return ax


def _node(row: Mapping[str, Any], language: str, titles: Titles | None) -> _Node:
    # a row that joins small groups has no levels of its own
    names, levels = str(row["attribute"]).split(CROSS), row["levels"] if isinstance(row["levels"], tuple) else ()
    conditions = frozenset(zip(names, levels, strict=True)) if len(names) == len(levels) else frozenset({(str(row["attribute"]), str(row["group"]))})
    row = {**row, "under": row["under"] if isinstance(row["under"], str) else ""}
    return _Node(row, conditions, wrapped(plain(label_of(row, language, titles)), 28, 3))


def _chosen(every: Sequence[_Node]) -> tuple[list[_Node], int]:
    """Return the flagged groups with all that hold them, as many as fit, and how many flagged ones do not."""
    flagged = sorted((node for node in every if node.verdict in _FLAGGED), key=lambda node: node.part)
    kept: dict[Conditions, _Node] = {}
    missing = 0
    for node in flagged:
        family = {other.conditions: other for other in every if other.conditions <= node.conditions}
        if _fits(kept | family):
            kept |= family
        else:
            missing += node.conditions not in kept
    return [node for node in every if node.conditions in kept], missing


def _fits(kept: Mapping[Conditions, _Node]) -> bool:
    columns = Counter(node.row["depth"] for node in kept.values())
    return len(kept) <= MOST and max(columns.values()) <= _TALLEST


def _edges(nodes: Sequence[_Node]) -> Iterator[tuple[int, int]]:
    """Go through the pairs of a group and a combination inside it with no other drawn group between."""
    held = [[i for i, above in enumerate(nodes) if above.conditions < node.conditions] for node in nodes]
    for j, above in enumerate(held):
        between = {i for other in above for i in held[other]}
        yield from ((i, j) for i in above if i not in between)


def _placed(nodes: Sequence[_Node]) -> tuple[list[_Node], tuple[float, float]]:
    """Give each node its place: columns by depth, in each the order of what holds them, so that few edges cross."""
    depths = sorted({int(node.row["depth"]) for node in nodes})
    columns = {depth: [node for node in nodes if node.row["depth"] == depth] for depth in depths}
    height = max(sum(node.height + _PAD for node in column) for column in columns.values())
    placed: list[_Node] = []
    for k, depth in enumerate(depths):
        column = sorted(columns[depth], key=lambda node: _middle(node, placed))
        top = (height - sum(node.height + _PAD for node in column)) / 2
        for node in column:
            placed.append(_Node(node.row, node.conditions, node.label, k * (_BOX + _GAP), top + node.height / 2))
            top += node.height + _PAD
    return placed, (len(depths) * (_BOX + _GAP) - _GAP, height)


def _middle(node: _Node, placed: Sequence[_Node]) -> float:
    """Return the height at which the groups that hold a node stand; single groups keep their order."""
    heights = [above.y for above in placed if above.conditions < node.conditions]
    return sum(heights) / len(heights) if heights else 0.0


def _frame(ax: Axes | None, wide: float, high: float) -> Axes:
    margin = max(0.0, 2 * _BOX + _GAP - wide)
    ax = ax or fresh_axes(wide + margin + 0.3, high + 1.15, left=0.15, right=0.15 + margin, top=0.35, bottom=0.8)
    ax.set_axis_off()
    ax.set_xlim(-0.02, wide + 0.02)
    ax.set_ylim(high, -0.06)
    return ax


def _columns(ax: Axes, nodes: Sequence[_Node], language: str) -> None:
    """Name the columns."""
    for x, depth in sorted({(node.x, int(node.row["depth"])) for node in nodes}):
        said = say(f"plots.depth_{'one' if depth == 1 else 'many'}", language, n=depth)
        put(ax, x, 1.0, said, transform=ax.get_xaxis_transform(), va="bottom", fontsize=8, color=QUIET)


def _draw(ax: Axes, node: _Node, place: int, language: str) -> None:
    """Draw a node: frame, mark, name, and below it the ratio with the number of people."""
    mark = MARKS[node.verdict]
    flagged = node.verdict in _FLAGGED
    frame: dict[str, Any] = {"edgecolor": QUIET if node.part or not flagged else mark.colour, "lw": 0.8 if node.part or not flagged else 1.5}
    corner = (node.x, node.y - node.height / 2)
    box = Rectangle(corner, _BOX, node.height, facecolor="white", ls=(0, (3, 2)) if node.part else "solid", zorder=2, gid=f"node-{place}", **frame)
    ax.add_patch(box)
    if mark.marker:
        filled = mark.filled and not node.part
        point: dict[str, Any] = {"marker": mark.marker, "ms": 6, "mec": mark.colour, "mew": 1.3, "mfc": mark.colour if filled else "white"}
        ax.plot([node.x + 0.15], [node.y], zorder=3, gid=f"mark-{place}", **point)
    ratio = say("plots.lattice_ratio", language, ratio=node.row["ratio"], n=node.row["people"])
    quiet = QUIET if node.part else INK
    put(ax, node.x + 0.3, corner[1] + _PAD, node.label, va="top", fontsize=8, color=quiet, linespacing=1.12, zorder=3, gid=f"name-{place}")
    put(ax, node.x + 0.3, node.y + node.height / 2 - _PAD, ratio, va="bottom", fontsize=7.5, color=QUIET, zorder=3, gid=f"ratio-{place}")


def _legend(ax: Axes, nodes: Sequence[_Node], language: str) -> None:
    """Say what marks and frames mean, for those that are there."""
    keys = []
    words = []
    for verdict, mark in MARKS.items():
        if mark.marker and any(node.verdict is verdict for node in nodes):
            keys.append(Line2D([], [], ls="", marker=mark.marker, ms=6, mec=mark.colour, mew=1.3, mfc=mark.colour if mark.filled else "white"))
            words.append(say(f"verdict.{verdict.value}", language))
    if any(node.part for node in nodes):
        keys.append(Line2D([], [], color=QUIET, lw=0.8, ls=(0, (3, 2))))
        words.append(say("plots.lattice_part", language))
    where = {"loc": "upper left", "bbox_to_anchor": (0.0, 0.0), "bbox_transform": below(ax, 8)}
    legend(ax, keys, words, ncols=len(keys), handletextpad=0.4, columnspacing=1.3, handlelength=1.6, **where)
