"""Groups crossed with groups: those that speak of exclusion are listed, the others counted."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from scoring.dossier.document import Block, Bullets, Paragraph
from scoring.dossier.parts.study.verdicts import verdict_tables
from scoring.dossier.parts.study.wording import crossing
from scoring.dossier.view import View
from scoring.fairness.disparity import combinations_of
from scoring.texts import say
from scoring.vocabulary import CROSS, Verdict


def combinations(view: View) -> Iterator[Block]:
    """List the combinations that speak of exclusion; count the others."""
    crossed = view.judged[view.judged["depth"] > 1]
    every = {CROSS.join(by) for by in combinations_of(view.tables.counts.attributes, view.plan.bounds.depth) if len(by) > 1}
    every -= _same_column(view, every)
    if not every:
        return
    yield view.heading("combinations")
    yield Paragraph(view.say("combinations", depth=view.plan.bounds.depth, rows=len(crossed[crossed["metric"] == view.plan.primary])))
    for metric in view.metrics:
        yield from _crossed(view, crossed[crossed["metric"] == metric], metric)
    if withheld := every - set(crossed["attribute"]):
        least = sorted(name for name in withheld if not any(_within_set(other, name) for other in withheld))
        names = view.semicolons(crossing(view, name) for name in least)
        said = view.say("withheld", threshold=view.threshold, names=names)
        deeper = len(withheld) - len(least)
        yield Paragraph(f"{said} {view.say('withheld_deeper', deeper=deeper)}" if deeper else said)


def _crossed(view: View, rows: pd.DataFrame, metric: str) -> Iterator[Block]:
    speaks = rows["verdict"].isin([Verdict.EXCLUSION, Verdict.LEANING]) | (rows["zero"].astype(bool) & (rows["folded"] == ""))
    part = rows["under"].fillna("") != ""
    listed, parts, others = rows[speaks & ~part], rows[part], rows[~speaks & ~part]
    if len(listed):
        yield from verdict_tables(view, listed, view.say("combined", metric=view.metric(metric)))
    said = [view.say("none_listed", metric=view.metric(metric))] if not len(listed) and len(rows) else []
    said += [view.say("as_parts", whole=whole, parts=n) for whole, n in _wholes(view, parts)]
    counted = others.groupby("verdict").size()
    said += [
        view.say("counted", verdict=say(f"verdict.{verdict.value}", view.language), rows=int(counted[verdict.value]), metric=view.metric(metric))
        for verdict in Verdict
        if verdict.value in counted
    ]
    if said:
        yield Bullets(tuple(said))


def _wholes(view: View, parts: pd.DataFrame) -> list[tuple[str, int]]:
    """Return the excluded groups that account for combinations, as they are spoken of, and of how many each."""
    return [(view.named.get(str(under), view.say("a_small_group")), int(n)) for under, n in parts["under"].value_counts(sort=True).items()]


def _same_column(view: View, every: set[str]) -> set[str]:
    """Return the combinations that are never asked: two cuts of one column cross into nothing new."""
    columns = {name: group.column for name, group in view.plan.groups.items()}
    return {name for name in every if len({columns[one] for one in name.split(CROSS)}) < len(name.split(CROSS))}


def _within_set(other: str, name: str) -> bool:
    """Tell whether a combination of attributes is a proper part of another."""
    return set(other.split(CROSS)) < set(name.split(CROSS))
