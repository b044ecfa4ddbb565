"""Every drawing of a study by name: which table, as it may be published, goes to which plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes

from scoring.errors import EquiscoreError, nearest
from scoring.further import FurtherTables
from scoring.plots.bounds import plot_bounds
from scoring.plots.forest import plot_ratios
from scoring.plots.frontier import plot_frontier
from scoring.plots.funnel import plot_funnel
from scoring.plots.groups_calibration import plot_group_calibration
from scoring.plots.heatmap import plot_heatmap
from scoring.plots.lattice import plot_lattice
from scoring.plots.roc import plot_roc
from scoring.plots.sweep import plot_sweep
from scoring.plots.waterfall import plot_waterfall
from scoring.vocabulary import SMALL_GROUPS


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be drawn, and where."""

    tables: FurtherTables
    metric: str
    attribute: str
    group: str | None
    look: Mapping[str, Any]
    """Where (`ax`), in which language, with which titles."""

    def only(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Leave the rows of the attribute, and of the group where one is named; what is folded has nothing to draw."""
        chosen = rows[(rows["attribute"] == self.attribute) & (rows["group"] != SMALL_GROUPS)]
        return chosen if self.group is None else chosen[chosen["group"] == self.group]


def _forest(asked: Asked) -> Axes:
    rows = asked.tables.judged(depth=1)
    return plot_ratios(rows[rows["metric"] == asked.metric], bounds=asked.tables.plan.bounds, **asked.look)


def _heatmap(asked: Asked) -> Axes:
    people = asked.tables.rates(metrics=["selection_rate"])[["attribute", "group", "trials"]].rename(columns={"trials": "people"})
    rows = asked.tables.disparities().merge(people, on=["attribute", "group"], how="left")
    return plot_heatmap(rows, bounds=asked.tables.plan.bounds, **asked.look)


def _bounds(asked: Asked) -> Axes:
    rows = asked.tables.bounds()
    return plot_bounds(rows[rows["metric"] == asked.metric], bounds=asked.tables.plan.bounds, **asked.look)


def _funnel(asked: Asked) -> Axes:
    plan = asked.tables.plan
    stages: dict[str, str | Mapping[str, str]] = {
        stage.name: {str(language): words for language, words in stage.title.items()} or stage.name for stage in plan.funnel
    }
    return plot_funnel(asked.only(asked.tables.funnel()), bounds=plan.bounds, stages=stages, **asked.look)


def _frontier(asked: Asked) -> Axes:
    plan = asked.tables.plan
    return plot_frontier(asked.tables.alternatives(), bounds=plan.bounds, **{**asked.look, "titles": plan.titles})


def _waterfall(asked: Asked) -> Axes:
    rows = asked.only(asked.tables.drivers())
    return plot_waterfall(rows[rows["group"] == rows["group"].iloc[0]] if len(rows) else rows, **asked.look)


DRAWINGS: Final[Mapping[str, Callable[[Asked], Axes]]] = {
    "forest": _forest,
    "heatmap": _heatmap,
    "lattice": lambda asked: plot_lattice(asked.tables.judged(), metric=asked.metric, **asked.look),
    "bounds": _bounds,
    "roc": lambda asked: plot_roc(asked.only(asked.tables.roc(asked.attribute)), cutoff=asked.tables.cutoff, **asked.look),
    "calibration": lambda asked: plot_group_calibration(asked.only(asked.tables.calibration(by=asked.attribute)), **asked.look),
    "sweep": lambda asked: plot_sweep(asked.only(asked.tables.threshold_sweep(asked.attribute)), cutoff=asked.tables.cutoff, **asked.look),
    "funnel": _funnel,
    "frontier": _frontier,
    "waterfall": _waterfall,
}


def draw(tables: FurtherTables, kind: str, *, metric: str | None, attribute: str | None, group: str | None, ax: Axes | None, language: str) -> Axes:
    """Draw a study.

    Raises
    ------
    EquiscoreError
        No such drawing or attribute, or what it draws was not studied.
    """
    if kind not in DRAWINGS:
        near = nearest(kind, DRAWINGS)
        raise EquiscoreError(f"No drawing {kind!r}. Fix: " + (f"did you mean {near!r}?" if near else f"use one of {', '.join(DRAWINGS)}."))
    known = tables.counts.attributes
    if attribute is not None and attribute not in known:
        raise EquiscoreError(f"No attribute {attribute!r}. Fix: use one of {', '.join(known)}.")
    look = {"ax": ax, "language": language, "titles": tables.titles}
    return DRAWINGS[kind](Asked(tables, metric or tables.plan.primary, attribute or known[0], group, look))
