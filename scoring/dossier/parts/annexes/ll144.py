"""Tables in the shape of New York City's Local Law 144 (6 RCNY 5-300 to 5-304), for the criteria of this study.

A shape that authorities and auditors know, and no duty outside New York City: point estimates against the most selected category.
All is worked out from published rows, so that neither a category that may not be shown nor a total gives one away: small categories
stand joined, the highest rate is that of a category that is shown, and the share of a category is of the people in the rows shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from scoring.dossier.document import Block, Bullets, Cell, Column, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.parts.annexes.shared import part, words
from scoring.dossier.parts.days import day
from scoring.dossier.parts.study.wording import crossed_level, crossing
from scoring.dossier.view import View, rows_of
from scoring.fairness.by_score.ll144 import impact_ratios
from scoring.vocabulary import CROSS, SMALL_GROUPS, UNKNOWN, WITHHELD

COLUMNS: Final = ["attribute", "group", "applicants", "hits", "rate", "low", "high", "impact_ratio", "share", "reason"]
"""`hits` is the number selected; of a scoring rate it is not told, for with few people without a score it would give them away."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the tables are of: attributes (all where none is named), how many may be crossed, and what is left out of the ratios."""

    criteria: tuple[str, ...] = ()
    depth: int = 2
    left_out: float = 0.0
    """Share of the people below which a category is left out of the ratios (the rule allows 0.02) and counted all the same."""
    why: str = ""
    """Why such categories are left out: the rule asks for it."""


def impact_table(rows: pd.DataFrame, left_out: float = 0.0) -> pd.DataFrame:
    """Return rates, impact ratios and shares of the published rows of one attribute or combination.

    Parameters
    ----------
    rows
        attribute, group, hits, trials, value, low, high: a row per category as published; `applicants` where they are not the trials.
    left_out
        Share below which a category has no ratio.

    Returns
    -------
    DataFrame
        `COLUMNS`, in the order of `rows`. reason: "unknown" (counted, no part of the calculation: 5-301(b)(5)), "left_out", "joined"
        (small categories together: a ratio, which may be over 1, and never the highest), "withheld", "nobody_selected", or "".

    Examples
    --------
    >>> rows = pd.DataFrame({"attribute": "sex", "group": ["F", "M"], "hits": [30.0, 60.0], "trials": [100.0, 120.0]})
    >>> impact_table(rows.assign(value=rows.hits / rows.trials, low=0.0, high=1.0))["impact_ratio"].tolist()
    [0.6, 1.0]
    """
    group, trials = rows["group"].to_numpy(object), rows["trials"].to_numpy(float)
    applicants = rows["applicants"].to_numpy(float) if "applicants" in rows else trials
    known, joined = group != UNKNOWN, group == SMALL_GROUPS
    total = float(applicants[known & np.isfinite(applicants)].sum())
    share = np.where(known, applicants / total if total else np.nan, np.nan)
    small = known & ~joined & (share < left_out)
    rate = np.where(known, rows["value"].to_numpy(float), np.nan)
    part_of = known & ~joined & ~small & np.isfinite(rate)
    found = impact_ratios(np.nan_to_num(rate), np.ones_like(rate), counted=part_of)
    top = float(rate[part_of].max()) if part_of.any() else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(joined, rate / top if top > 0 else np.nan, found.ratio)
    withheld = (group == WITHHELD) | (known & ~np.isfinite(rate))
    nobody = known & np.isfinite(rate) & ~np.isfinite(ratio)
    reason = np.select([~known, withheld, small, joined, nobody], ["unknown", "withheld", "left_out", "joined", "nobody_selected"], "")
    limits = {name: np.where(known, rows[name].to_numpy(float), np.nan) for name in ("low", "high")}
    told = {"attribute": rows["attribute"].to_numpy(object), "group": group, "applicants": applicants, "hits": rows["hits"].to_numpy(float)}
    return pd.DataFrame(told | {"rate": rate, **limits, "impact_ratio": ratio, "share": share, "reason": reason})[COLUMNS]


def selection(view: View, attributes: Sequence[str], left_out: float = 0.0) -> pd.DataFrame:
    """Return the table of selection rates of an attribute, or of several crossed; empty where nothing of it may be shown."""
    rows = view.tables.rates(list(attributes), ["selection_rate"])
    return impact_table(rows[rows["group"] != WITHHELD].reset_index(drop=True), left_out)


def scoring(view: View, attribute: str, left_out: float = 0.0) -> pd.DataFrame:
    """Return the table of scoring rates of an attribute: the share above the median score of all; empty without a score.

    Applicants are all of the category, those without a score too; the number above the median is not told.
    """
    if not len(view.tables.counts.edges):
        return pd.DataFrame(columns=COLUMNS)
    held = view.tables.scoring_table(attribute).set_index("group")
    rows = view.tables.rates([attribute], ["selection_rate"]).set_index("group", drop=False)
    scored = {"value": held["scoring_rate"], "low": held["low"], "high": held["high"]}
    told = rows.assign(**{name: values.reindex(rows.index).to_numpy(float) for name, values in scored.items()}, hits=np.nan)
    return impact_table(told.reset_index(drop=True), left_out)


def ll144(view: View, shape: Shape | None = None) -> Iterator[Block]:
    """Show the tables: each criterion alone, criteria crossed, and the scoring rates where there is a score."""
    if not view.declared:
        return
    shape = shape or Shape()
    criteria = [name for name in view.tables.counts.attributes if not shape.criteria or name in shape.criteria]
    yield part(view, "ll144")
    yield Paragraph(words(view, "ll144"))
    yield KeyValues(tuple(_about(view, shape, criteria)))
    yield part(view, "ll144_single", level=4)
    yield from _table(view, "selection", "each", {name: selection(view, [name], shape.left_out) for name in criteria})
    yield from _crossed(view, shape, criteria)
    if len(view.tables.counts.edges):
        yield part(view, "ll144_scoring", level=4)
        yield from _table(view, "scoring", "each", {name: scoring(view, name, shape.left_out) for name in criteria})
    yield Bullets(tuple(words(view, f"ll144_{name}", threshold=view.threshold) for name in ("joined", "unknown", "small", "interval")))


def _about(view: View, shape: Shape, criteria: Sequence[str]) -> Iterator[tuple[str, str]]:
    source, as_of, period = view.study.source, view.plan.as_of, view.plan.period
    yield words(view, "ll144_criteria"), view.listed(view.name(name) for name in criteria)
    yield (
        words(view, "ll144_source"),
        words(view, "data_said", name=source.get("name") or "?", rows=source.get("rows") or float("nan"), sha256=source.get("sha256") or "?"),
    )
    yield words(view, "ll144_data"), view.pick(period) or view.say("not_declared")
    yield words(view, "ll144_day"), day(as_of, view.language) if as_of else view.say("not_declared")
    left = words(view, "ll144_left_out", share=shape.left_out, why=shape.why or view.say("not_declared"))
    yield words(view, "ll144_ratios"), left if shape.left_out else words(view, "ll144_all")


def _crossed(view: View, shape: Shape, criteria: Sequence[str]) -> Iterator[Block]:
    """Show combinations of criteria of different columns, as far as anything of them may be shown."""
    column = {name: view.plan.groups[name].column for name in criteria}
    depth = min(shape.depth, view.plan.bounds.depth)
    sets = [names for size in range(2, depth + 1) for names in combinations(criteria, size) if len({column[name] for name in names}) == size]
    if sets:
        yield part(view, "ll144_crossed", level=4)
        yield from _table(view, "selection", "together", {CROSS.join(names): selection(view, names, shape.left_out) for names in sets})


def _table(view: View, kind: str, about: str, found: Mapping[str, pd.DataFrame]) -> Iterator[Block]:
    """Show one table, a part of it per criterion or crossing; name those of which nothing may be shown."""
    hits = (Column(words(view, "col_selected"), "count"),) if kind == "selection" else ()
    columns = (
        *(Column(words(view, "col_category")), Column(words(view, "col_applicants"), "count"), *hits),
        *(
            Column(words(view, f"col_{kind}_rate"), "percent"),
            Column(words(view, "col_impact"), "ratio3"),
            Column(words(view, "col_known_share"), "percent"),
        ),
    )
    listed = tuple(_listed(view, name, row, kind) for name, rows in found.items() for row in rows_of(rows))
    if listed:
        caption = words(view, f"caption_ll144_{kind}", about=words(view, f"ll144_{about}"))
        yield TableBlock(caption, columns, listed, words(view, "note_ll144"), words(view, "remark"))
    if hidden := [crossing(view, name) for name, rows in found.items() if rows.empty]:
        yield Paragraph(words(view, "ll144_hidden", about=view.semicolons(hidden), threshold=view.threshold))


def _listed(view: View, name: str, row: Mapping[str, object], kind: str) -> Row:
    return Row(_cells(view, row, kind), words(view, f"ll144_reason_{row['reason']}") if row["reason"] else "", crossing(view, name))


def _cells(view: View, row: Mapping[str, object], kind: str) -> tuple[Cell, ...]:
    nothing = view.say("withheld_cell") if row["reason"] == "withheld" else None

    def cell(name: str) -> Cell:
        value = float(str(row[name]))
        return value if np.isfinite(value) else nothing

    hits = (cell("hits"),) if kind == "selection" else ()
    return (
        crossed_level(view, str(row["attribute"]), str(row["group"])),
        cell("applicants"),
        *hits,
        cell("rate"),
        cell("impact_ratio"),
        cell("share"),
    )
