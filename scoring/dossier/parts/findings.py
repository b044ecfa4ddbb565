"""What was found: the headline, the sentences, the forest plot, the tables; then the combinations and the unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from scoring.dossier.document import Block, Bullets, Column, Estimate, Figure, Finding, Findings, OutOf, Paragraph, Row, TableBlock
from scoring.dossier.parts.wording import guideline
from scoring.dossier.view import View, rows_of
from scoring.fairness.disparity import combinations_of
from scoring.fairness.narrative import headline, sentence
from scoring.fairness.verdicts import because
from scoring.plots.canvas import to_svg
from scoring.plots.forest import plot_ratios
from scoring.texts import say
from scoring.vocabulary import CROSS, Verdict


def findings(view: View) -> Iterator[Block]:
    """Say who is excluded, then show it."""
    yield view.heading("findings")
    yield Bullets(tuple(headline(view.judged, view.language, view.plan.primary)))
    yield from _told(view, view.single(view.plan.primary))
    if own := _on_their_own(view, view.plan.primary):
        yield view.heading("only_combined", level=3)
        yield Paragraph(view.say("only_combined"))
        yield Findings(tuple(_finding(view, row) for row in own))
    yield from _forest(view, view.plan.primary)


def verdicts(view: View) -> Iterator[Block]:
    """Show the numbers behind the sentences, the primary metric first."""
    yield view.heading("verdicts")
    yield _meanings(view)
    yield from verdict_tables(view, view.single(view.plan.primary), view.metric(view.plan.primary))
    for metric in view.metrics[1:]:
        yield view.heading("secondary", level=3, metric=view.metric(metric))
        yield from _secondary(view, metric)


def _secondary(view: View, metric: str) -> Iterator[Block]:
    rows = view.single(metric)
    yield Paragraph(view.say("secondary", metric=view.metric(metric)))
    if (rows["verdict"] == Verdict.NOT_APPLICABLE).all():
        reasons = dict.fromkeys(because(tuple(row["reasons"]), row, view.plan.bounds, view.language) for row in rows_of(rows))
        yield Paragraph(view.say("never_asked", metric=view.metric(metric)))
        yield Bullets(tuple(reasons)[:3])
        return
    yield from _told(view, rows)
    yield from _forest(view, metric)
    yield from verdict_tables(view, rows, view.metric(metric))


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
    if withheld := sorted(every - set(crossed["attribute"])):
        yield Paragraph(view.say("withheld", threshold=view.threshold, names=view.listed(view.name(name) for name in withheld)))


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
    names = {f"{row['attribute']}: {row['group']}": view.who(row) for row in rows_of(view.judged)}
    return [(names.get(str(under), view.say("a_small_group")), int(n)) for under, n in parts["under"].value_counts(sort=True).items()]


def _same_column(view: View, every: set[str]) -> set[str]:
    """Return the combinations that are never asked: two cuts of one column cross into nothing new."""
    columns = {name: group.column for name, group in view.plan.groups.items()}
    return {name for name in every if len({columns[one] for one in name.split(CROSS)}) < len(name.split(CROSS))}


def _on_their_own(view: View, metric: str) -> list[Mapping[str, Any]]:
    """Return the excluded combinations that no excluded group accounts for."""
    rows = view.judged
    own = rows[(rows["metric"] == metric) & (rows["depth"] > 1) & (rows["verdict"] == Verdict.EXCLUSION) & (rows["under"].fillna("") == "")]
    return rows_of(own)


def _told(view: View, rows: pd.DataFrame) -> Iterator[Block]:
    told = [_finding(view, row) for row in rows_of(rows) if tuple(row["reasons"]) != ("is_reference",)]
    if told:
        yield Findings(tuple(told))


def _finding(view: View, row: Mapping[str, Any]) -> Finding:
    return Finding(Verdict(row["verdict"]), sentence(row, view.plan.bounds, view.language, view.tables.titles))


def _forest(view: View, metric: str) -> Iterator[Block]:
    rows = view.single(metric)
    axes = plot_ratios(rows, bounds=view.plan.bounds, language=view.language, titles=view.tables.titles)
    svg = to_svg(axes, f"forest-{metric}".replace("_", "-"))
    role = view.say("role_primary" if metric == view.plan.primary else "role_secondary")
    said = {"metric": view.metric(metric), "tolerance": view.plan.bounds.tolerance, "confidence": view.plan.bounds.confidence}
    lines = tuple(_line(view, row) for row in rows_of(rows))
    yield Figure(svg, view.say("caption_forest", role=role, **said), view.say("alternative_forest", rows=len(rows), **said), lines)


def _line(view: View, row: Mapping[str, Any]) -> str:
    verdict = say(f"verdict.{row['verdict']}", view.language)
    shown = {"ratio": row["ratio"], "low": row["ratio_low"], "high": row["ratio_high"]}
    key = "line_none" if row["verdict"] == Verdict.NOT_APPLICABLE else "line"
    return view.say(key, who=view.who(row), n=row["trials"], verdict=verdict, **shown)


def _meanings(view: View) -> TableBlock:
    columns = (Column(view.say("verdict"), "verdict"), Column(view.say("meaning")))
    rows = tuple(Row((verdict, say(f"verdict.explain_{verdict.value}", view.language))) for verdict in Verdict)
    return TableBlock(view.say("caption_meanings"), columns, rows, guideline(view))


def verdict_tables(view: View, rows: pd.DataFrame, about: str) -> Iterator[Block]:
    """Return the two tables of judged rows: what was found, and the tests behind it."""
    if len(rows):
        yield _found(view, rows, about)
        yield _tested(view, rows, about)


def _found(view: View, rows: pd.DataFrame, about: str) -> TableBlock:
    columns = (
        Column(view.say("col_group")),
        Column(view.say("col_hits"), "count"),
        Column(view.say("col_rate"), "percent"),
        Column(view.say("col_ref_hits"), "count"),
        Column(view.say("col_ref_rate"), "percent"),
        Column(view.say("col_ratio"), "ratio"),
        Column(view.say("col_short"), "count"),
        Column(view.say("verdict"), "verdict"),
    )
    listed = tuple(
        Row(
            (
                view.who(row),
                OutOf(row["hits"], row["trials"]),
                row["value"],
                OutOf(row["ref_hits"], row["ref_trials"]) if row["ref_trials"] > 0 else None,
                row["reference_value"],
                Estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
                Estimate(row["shortfall"], row["shortfall_low"], row["shortfall_high"]),
                Verdict(row["verdict"]),
            ),
            _why(view, row),
        )
        for row in rows_of(rows)
    )
    note = view.say("note_found", confidence=view.plan.bounds.confidence) + " " + guideline(view)
    return TableBlock(view.say("caption_found", about=about), columns, listed, note, view.say("because"))


def _why(view: View, row: Mapping[str, Any]) -> str:
    """Return the reasons of a verdict; of a folded row also the levels that it joins."""
    said = because(tuple(row["reasons"]), dict(row), view.plan.bounds, view.language)
    return f"{said} {view.say('joins', names=row['folded'])}" if row["folded"] else said


def _tested(view: View, rows: pd.DataFrame, about: str) -> TableBlock:
    kinds = {
        "refusal_ratio": "ratio", "ratio_to_best": "ratio", "p_exclusion": "p", "p_exclusion_adjusted": "p", "p_within": "p", "p_within_adjusted": "p",
        "family": "count", "needed": "count",
    }  # fmt: skip
    columns = (Column(view.say("col_group")), *(Column(view.say(f"col_{name}"), kind) for name, kind in kinds.items()))
    asked = rows[rows["verdict"] != Verdict.NOT_APPLICABLE]
    listed = tuple(Row((view.who(row), *(row[name] for name in kinds))) for row in rows_of(asked))
    level = view.plan.bounds.alpha
    return TableBlock(view.say("caption_tested", about=about), columns, listed, view.say("note_tested", level=level, power=view.plan.bounds.power))


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
