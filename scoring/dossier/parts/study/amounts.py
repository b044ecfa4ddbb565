"""Numbers that are decided: a limit, a discount, a price, beside those of the reference."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from scoring.dossier.document import Block, Bullets, Column, Estimate, Paragraph, Row, TableBlock
from scoring.dossier.further_rows import amounts as amount_rows
from scoring.dossier.further_rows import inequality
from scoring.dossier.further_words import amounts_said, inequality_said
from scoring.dossier.view import View, rows_of
from scoring.fairness.verdicts import because_in


def amounts(view: View) -> Iterator[Block]:
    """Say who gets less, then show means and medians, and how much of the inequality lies between groups."""
    if not view.plan.amounts:
        return
    rows, withheld = amount_rows(view.tables)
    yield view.heading("amounts")
    yield Paragraph(view.say("amounts_intro", names=view.listed(amount_title(view, name) for name in view.plan.amounts)))
    told = amounts_said(rows, view.plan, view.language, view.titles) if len(rows) else []
    if len(rows):
        yield Bullets(tuple(told) or (view.say("amounts_none"),))
        for name, part in rows.groupby("amount", sort=False):
            yield _table(view, part, str(name))
    if withheld:
        names = view.semicolons(view.say("pair_amount", name=view.name(name), amount=amount_title(view, amount)) for name, amount in withheld)
        yield Paragraph(view.say("amounts_withheld", threshold=view.threshold, names=names))
    if said := inequality_said(inequality(view.tables), view.plan, view.language, view.titles):
        yield Bullets(tuple(said))


def amount_title(view: View, name: str) -> str:
    """Return what an amount is called."""
    return view.pick({str(key): words for key, words in view.plan.amounts[name].title.items()}) or name


def _table(view: View, rows: pd.DataFrame, name: str) -> TableBlock:
    kind = "count" if rows["mean"].abs().max() >= 1000 else "ratio"
    columns = (
        Column(view.say("col_group")),
        Column(view.say("people"), "count"),
        Column(view.say("col_mean"), kind),
        Column(view.say("col_ref_mean"), kind),
        Column(view.say("col_median"), kind),
        Column(view.say("col_ratio"), "ratio"),
    )
    listed = tuple(
        Row(
            (
                view.level(row["group"]),
                row["people"],
                Estimate(row["mean"], row["mean_low"], row["mean_high"]),
                row["reference_mean"],
                Estimate(row["q50"], row["q50_low"], row["q50_high"]),
                Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
            ),
            because_in("amounts", row, view.plan.bounds, view.language),
            view.name(row["attribute"]),
        )
        for row in rows_of(rows)
    )
    amount = view.plan.amounts[name]
    said = [view.say("note_amounts", confidence=view.plan.bounds.confidence), view.say(f"amounts_of_{amount.of}")]
    note = " ".join([*said, view.say(f"amounts_{amount.higher_is}")])
    return TableBlock(view.say("caption_amounts", amount=amount_title(view, name)), columns, listed, note, view.say("because"))
