"""People whose group is unknown: between which ratios each group lies, whoever they are."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.dossier.document import Block, Column, Paragraph, Row, TableBlock
from scoring.dossier.view import View, rows_of


def unknown_members(view: View) -> Iterator[Block]:
    """Show between which ratios each group lies, whoever the people of unknown group are."""
    held = {name: view.unknown(name) for name in view.tables.counts.attributes}
    yield view.heading("unknown")
    if none := [view.name(name) for name, people in held.items() if people == 0]:
        yield Paragraph(view.say("unknown_none", names=view.listed(none)))
    if small := [view.name(name) for name, people in held.items() if people is None]:
        yield Paragraph(view.say("unknown_small", names=view.listed(small)))
    shown = [name for name, people in held.items() if people]
    rows = view.tables.bounds()
    rows = rows[rows["attribute"].isin(shown) & (rows["metric"] == view.plan.primary) & rows["ratio"].notna()]
    if len(rows):
        yield Paragraph(view.say("unknown_bounds", tolerance=view.plan.bounds.tolerance))
        columns = (
            Column(view.say("col_group")),
            Column(view.say("col_unknown"), "count"),
            Column(view.say("col_ratio_seen"), "ratio"),
            Column(view.say("col_lowest"), "ratio"),
            Column(view.say("col_highest"), "ratio"),
            Column(view.say("col_breakdown"), "count"),
        )
        names = ("unknown", "ratio", "ratio_lowest", "ratio_highest", "breakdown")
        listed = tuple(Row((view.level(row["group"]), *(row[name] for name in names)), section=view.name(row["attribute"])) for row in rows_of(rows))
        yield TableBlock(view.say("caption_unknown"), columns, listed, view.say("note_unknown", tolerance=view.plan.bounds.tolerance))
