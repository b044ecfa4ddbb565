"""Each group within the declared strata, never without the figure over all strata together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd

from scoring.dossier.document import Block, Bullets, Callout, Column, Estimate, OutOf, Paragraph, Row, TableBlock
from scoring.dossier.further_rows import by_stratum
from scoring.dossier.further_rows import conditional as conditional_rows
from scoring.dossier.further_words import MOST, cautions, conditional_said, loses, strata_title
from scoring.dossier.view import View, rows_of
from scoring.texts import say
from scoring.vocabulary import Role

_STRATA: Final = 40
"""Strata listed one by one; the XLSX file has all."""


def conditional(view: View) -> Iterator[Block]:
    """Show both figures of each group, what lies between them, and why neither replaces the other."""
    rows = conditional_rows(view.tables, [view.plan.primary])
    if rows.empty:
        return
    yield view.heading("conditional")
    yield Paragraph(view.say("conditional_intro", names=view.listed(_title(view, name) for name in view.plan.with_role(Role.STRATUM))))
    yield Callout(view.say("conditional_callout"), (*cautions(rows, view.language, _titles(view)), view.say("conditional_verdicts")))
    told = loses(rows)
    first = _first(view, told)
    if len(first) or told.empty:
        yield Bullets(tuple(conditional_said(first, view.plan.bounds, view.language, _titles(view))) or (view.say("conditional_none"),))
    if len(told) > len(first):
        yield Paragraph(view.say("conditional_more", n=len(told) - len(first)))
    several = len(rows["stratified_by"].unique()) > 1
    for by, part in rows.groupby("stratified_by", sort=False):
        caption = view.say("caption_conditional_by" if several else "caption_conditional", by=_title(view, by), metric=view.metric(view.plan.primary))
        yield _both(view, part, caption)
    yield from _strata(view, rows)


def _first(view: View, told: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are told in sentences: a reversal that is shown, and a ratio under the tolerance by either figure."""
    ratios = told[["ratio", "pooled_ratio"]]
    return told[told["simpson_shown"] | (ratios.min(axis=1) < view.plan.bounds.tolerance) | ratios.isna().any(axis=1)].head(MOST)


def _title(view: View, by: object) -> str:
    return strata_title(str(by), view.language, _titles(view))


def _titles(view: View) -> dict[str, Mapping[str, str]]:
    """Return the titles of attributes and, for strata, of columns."""
    return {**view.plan.titles, **view.titles}


def _both(view: View, rows: pd.DataFrame, caption: str) -> TableBlock:
    """Return the table of both figures, with the rate and out of how many beside them."""
    columns = (
        Column(view.say("col_group")),
        Column(view.say("col_rate"), "percent"),
        Column(view.say("col_crude"), "ratio"),
        Column(view.say("col_pooled"), "ratio"),
        Column(view.say("col_composition"), "points"),
        Column(view.say("col_within"), "points"),
        Column(view.say("col_strata"), "count"),
    )
    rates = view.tables.rates(metrics=[view.plan.primary])
    held = {(row["attribute"], row["group"]): OutOf(row["value"], row["hits"], row["trials"]) for row in rows_of(rates)}
    listed = tuple(
        Row(
            (
                view.level(row["group"]),
                held.get((row["attribute"], row["group"])),
                Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
                Estimate(row["pooled_ratio"], row["pooled_low"], row["pooled_high"]),
                row["composition"],
                row["within"],
                row["strata"],
            ),
            _remark(view, str(row["reason"]), simpson=bool(row["simpson"])),
            view.name(row["attribute"]),
        )
        for row in rows_of(rows)
    )
    return TableBlock(caption, columns, listed, view.say("note_conditional", confidence=view.plan.bounds.confidence), view.say("because"))


def _remark(view: View, reason: str, *, simpson: bool = False) -> str:
    said = [say(f"strata.why_{reason}", view.language)] if reason else []
    return " ".join([*([view.say("reversal")] if simpson else []), *said])


def _strata(view: View, rows: pd.DataFrame) -> Iterator[Block]:
    """List the strata of the comparisons that must be read one by one; what holds a small cell is withheld whole."""
    apart = rows[rows["simpson"] | (rows["p_homogeneity"] < 1 - view.plan.bounds.confidence)]
    shown, withheld = by_stratum(view.tables, [view.plan.primary])
    wanted = set(zip(apart["attribute"], apart["group"], apart["stratified_by"], strict=True))
    chosen = [row for row in rows_of(shown) if (row["attribute"], row["group"], row["stratified_by"]) in wanted]
    if not chosen and not withheld:
        return
    yield view.heading("by_stratum", level=3)
    if chosen:
        yield _by_stratum(view, chosen[:_STRATA])
    if len(chosen) > _STRATA:
        yield Paragraph(view.say("by_stratum_more", n=len(chosen) - _STRATA))
    if withheld:
        names = view.semicolons(view.say("pair", name=view.name(name), by=_title(view, by)) for name, by in withheld)
        yield Paragraph(view.say("by_stratum_withheld", threshold=view.threshold, names=names))


def _by_stratum(view: View, chosen: list[dict[str, object]]) -> TableBlock:
    columns = (
        Column(view.say("col_stratum")),
        Column(view.say("col_rate"), "percent"),
        Column(view.say("col_ref_rate"), "percent"),
        Column(view.say("col_ratio"), "ratio"),
    )
    listed = tuple(
        Row(
            (
                view.level(str(row["stratum"])),
                OutOf(row["value"], row["hits"], row["trials"]),  # type: ignore[arg-type]  # numbers of a table
                OutOf(row["reference_value"], row["ref_hits"], row["ref_trials"]) if row["ref_trials"] else None,  # type: ignore[arg-type]
                Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),  # type: ignore[arg-type]
            ),
            _remark(view, str(row["reason"])),
            view.say("section_by_stratum", who=view.who(row), by=_title(view, row["stratified_by"])),
        )
        for row in chosen
    )
    return TableBlock(view.say("caption_by_stratum", metric=view.metric(view.plan.primary)), columns, listed, "", view.say("because"))
