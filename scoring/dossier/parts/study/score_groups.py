"""The score, group by group: how far apart groups are, whose good are ranked behind, what each cut-off would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from scoring.dossier.document import Block, Bullets, Cell, Column, Estimate, Figure, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.further_rows import scores, sweep
from scoring.dossier.further_words import MOST, ranked_behind
from scoring.dossier.view import View, rows_of
from scoring.plots.alternatives import sweep_alternative
from scoring.plots.canvas import to_svg
from scoring.plots.sweep import plot_sweep
from scoring.texts import say
from scoring.vocabulary import Verdict

_TOLD: Final = ("mean_score", "smd", "cross_group_auc", "xauc_rest", "abroca")
"""What is shown of each group; the AUC stands above, the others in the XLSX file."""


def score_groups(view: View) -> Iterator[Block]:
    """Say whose good are ranked behind; show each group beside the others; draw who would pass at each cut-off."""
    rows = scores(view.tables)
    if rows.empty:
        return
    held = rows[rows["metric"].isin(_TOLD)]
    yield view.heading("score_groups", level=3)
    yield Paragraph(view.say("score_groups_intro"))
    present = [name for name in _TOLD if name in set(held["metric"])]
    yield KeyValues(tuple((say(f"score_metrics.{name}", view.language), say(f"score_metrics.explain_{name}", view.language)) for name in present))
    if "cross_group_auc" in present:
        said = ranked_behind(rows, view.language, view.titles) or [view.say("ranked_none")]
        yield Bullets(tuple(said[:MOST]))
    yield _table(view, held, present)
    drawn = [(attribute, sweep(view.tables, attribute)) for attribute in _drawn(view)]
    if any(len(curve) for _, curve in drawn):
        yield Paragraph(view.say("sweep_drawn"))
    yield from (_figure(view, curve, attribute) for attribute, curve in drawn if len(curve))


def _drawn(view: View) -> list[str]:
    """Return the attributes of which a group is at exclusion or leans to it; the dashboard moves the cut-off for all."""
    rows = view.single(view.plan.primary)
    held = set(rows.loc[rows["verdict"].isin([Verdict.EXCLUSION, Verdict.LEANING]), "attribute"])
    return [name for name in view.tables.counts.attributes if name in held]


def _table(view: View, rows: pd.DataFrame, present: list[str]) -> TableBlock:
    turned = view.plan.direction
    columns = [Column(view.say("col_group")), Column(view.say("col_scored"), "count")]
    means = rows.loc[rows["metric"] == "mean_score", "value"].abs()
    kinds = {"mean_score": "times" if means.max() >= 20 else "ratio3", "smd": "ratio", "abroca": "text"}
    titles = {"mean_score": "mean_score", "smd": "smd", "cross_group_auc": "cross_group", "xauc_rest": "xauc_rest", "abroca": "abroca"}
    columns += [Column(view.say(f"col_{titles[name]}"), kinds.get(name, "ratio3")) for name in present]
    listed = []
    for (attribute, group), part in rows.groupby(["attribute", "group"], sort=False):
        found = {str(row["metric"]): row for row in rows_of(part)}
        cells = [_cell(view, name, found.get(name), turned) for name in present]
        section = view.name(str(attribute)) if attribute else ""
        people = float(part["people"].iloc[0])
        listed.append(Row((view.level(str(group)) if attribute else view.say("everybody"), people, *cells), section=section))
    note = view.say("note_score_groups", confidence=view.plan.bounds.confidence)
    note = f"{note} {view.say('note_score_turned')}" if turned < 0 else note
    return TableBlock(view.say("caption_score_groups"), tuple(columns), tuple(listed), note)


def _cell(view: View, name: str, row: dict[str, Any] | None, turned: float) -> Cell:
    """Return a figure with its interval; the area between curves with what chance alone would make of it."""
    if row is None:
        return None
    if name == "abroca":
        known = row["under_equality"] == row["under_equality"]
        return view.say("abroca_cell", value=row["value"], chance=row["under_equality"]) if known else view.number(row["value"], "ratio3")
    if name == "mean_score" and turned < 0:
        return Estimate(-row["value"], -row["high"], -row["low"])
    return Estimate(row["value"], row["low"], row["high"])


def _figure(view: View, rows: pd.DataFrame, attribute: str) -> Figure:
    cutoff = None if view.tables.cutoff is None else view.plan.direction * view.tables.cutoff
    asked: dict[str, Any] = {"cutoff": cutoff, "language": view.language, "titles": view.titles}
    name = f"sweep-{view.tables.counts.attributes.index(attribute)}"
    svg = to_svg(plot_sweep(rows, bounds=view.plan.bounds, **asked), name)
    steps = sorted(rows["cutoff"].unique())
    at = min(steps, key=lambda step: abs(step - cutoff)) if cutoff is not None else steps[len(steps) // 2]
    here = rows_of(rows[rows["cutoff"] == at])
    numbers = ("hits", "trials", "value")
    lines = tuple(view.say("line_sweep", cutoff=at, who=view.level(row["group"]), **{one: row[one] for one in numbers}) for row in here)
    described = (*lines, view.say("note_sweep", threshold=view.threshold))
    return Figure(svg, view.say("caption_sweep", attribute=view.name(attribute)), sweep_alternative(rows, **asked), described)
