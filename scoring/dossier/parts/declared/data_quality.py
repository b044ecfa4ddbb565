"""D5: where the data come from, how they are kept exact, and who is missing from them, group by group, as the study counted it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.dossier.document import Block, Bullets, Cell, Column, KeyValues, Paragraph, Row
from scoring.dossier.parts.declared.shared import Lacks, cited, columns, heading, listed, of_declaration, said, table, text, truth, words
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.parts.study.page_one import rejections, standing
from scoring.dossier.view import View
from scoring.texts import pick
from scoring.vocabulary import CROSS, SMALL_GROUPS, UNKNOWN, Role

Held = dict[str, tuple[int, int]]
"""People of a group, and how many of them something is missing of."""


@of_declaration
def data_quality(view: View) -> Iterator[Block]:
    """Tell origins and care as declared, then completeness as measured."""
    yield heading(view, "origins")
    yield from origins(view)
    yield from said(view, quality="controller")
    yield heading(view, "completeness")
    yield from _completeness(view)
    yield heading(view, "labelling")
    yield Paragraph(_labelling(view))
    yield KeyValues((
        (view.say("period"), pick(view.plan.period, view.language) or words(view, "not_said")),
        (words(view, "duplicates"), words(view, "duplicates_refused" if view.plan.only(Role.IDENTIFIER) else "duplicates_not_sought")),
    ))  # fmt: skip
    yield from cited(view, "EU-GDPR-5")


def origins(view: View) -> Iterator[Block]:
    """List where the data come from, and what is missing of each origin."""
    found = listed(view, "origins")
    rows = [
        Row((text(view, one.get("source")), truth(view, one.get("external")), _updated(view, one)), text(view, one.get("collected"))) for one in found
    ]
    yield from table(view, "origins", columns(view, "source", "external", "updated"), rows, remark=words(view, "col_collected"))
    yield from lacking(view, *([lack for one in found for lack in _lacks(view, one)] if found else [(words(view, "lacks_origins"), "controller")]))


def _updated(view: View, origin: Mapping[str, Any]) -> str:
    return text(view, origin.get("updated")) or words(view, "not_said")


def _lacks(view: View, origin: Mapping[str, Any]) -> Iterator[Lacks]:
    source = text(view, origin.get("source"))
    if not origin.get("updated"):
        yield words(view, "lacks_updated", source=source), "controller"
    if origin.get("external") is None:
        yield words(view, "lacks_external", source=source), "controller"


def _completeness(view: View) -> Iterator[Block]:
    studied, rejected = standing(view)
    counted = [words(view, "file_counted", total=studied + rejected, studied=studied, rejected=rejected), *rejections(view)]
    yield Bullets(tuple(counted))
    asked = {"unscored": view.plan.score is not None, "unobserved": view.plan.outcome is not None}
    names = [name for name, wanted in asked.items() if wanted]
    titles = (
        Column(words(view, "col_group")),
        Column(words(view, "col_people"), "count"),
        *(Column(words(view, f"col_{name}"), "count") for name in names),
    )
    rows = [row for attribute in view.tables.counts.attributes for row in _groups(view, attribute, names)]
    yield from table(view, "completeness", titles, rows, note=words(view, "note_completeness", threshold=view.threshold))


def _groups(view: View, attribute: str, names: list[str]) -> Iterator[Row]:
    """Return the published groups of an attribute with what is missing of each; a column that would tell of a few people is withheld whole."""
    found = [shown(held, view.threshold) for held in (missing_of(view, attribute, name) for name in names)]
    single = view.single(view.plan.primary)
    held = single[single["attribute"] == attribute][["group", "people"]].itertuples(index=False)
    for group, people in sorted(held, key=lambda row: view.places.get((attribute, row[0]), len(view.places))):
        cells: list[Cell] = [view.say("withheld_cell") if told is None else told.get(group, (0, 0))[1] for told in found]
        yield Row((view.level(group), people, *cells), section=view.name(attribute))


def missing_of(view: View, attribute: str, what: str) -> Held:
    """Return for each published group of an attribute its people and how many have no score (`unscored`) or no outcome (`unobserved`).

    Groups that are not published as they are go into the row that joins them; the numbers are working counts until `shown` let them out.
    """
    single = view.single(view.plan.primary)
    published = set(single.loc[single["attribute"] == attribute, "group"])
    held: Held = dict.fromkeys(published, (0, 0))
    for group, people, without in _without(view, attribute, what):
        name = group if group in published else SMALL_GROUPS
        before = held.get(name, (0, 0))
        held[name] = (before[0] + people, before[1] + without)
    return held


def _without(view: View, attribute: str, what: str) -> Iterator[tuple[str, int, int]]:
    counts = view.tables.counts
    rows = counts.histogram[counts.histogram["attribute"] == attribute]
    if what == "unscored":
        gone = rows["n"].where(rows["bin"] < 0, 0)
        for group, part in rows.assign(gone=gone).groupby("group"):
            yield str(group), int(part["n"].sum()), int(part["gone"].sum())
        return
    margin = counts.margin([attribute])
    for key, states in zip(margin.keys, margin.people, strict=True):
        yield UNKNOWN if UNKNOWN in key else CROSS.join(key), int(states.sum()), int(states[4:].sum())


def shown(held: Held, threshold: int) -> Held | None:
    """Return what may be shown: all of it, or nothing where a part of a group would hold some people but fewer than the threshold.

    >>> shown({"F": (90, 12), "M": (80, 0)}, 10), shown({"F": (90, 3), "M": (80, 0)}, 10), shown({"F": (90, 88)}, 10)
    ({'F': (90, 12), 'M': (80, 0)}, None, None)
    """
    few = any(0 < part < threshold for people, without in held.values() for part in (without, people - without))
    return None if few else held


def _labelling(view: View) -> str:
    outcome = view.plan.outcome
    if outcome is None:
        return words(view, "not_labelled")
    values = view.listed(map(str, outcome.favourable))
    unlabelled = words(view, "labelled", column=outcome.column, values=values)
    horizon = view.plan.score.horizon if view.plan.score else None
    return unlabelled if horizon is None else f"{unlabelled} {view.say('horizon_said', days=horizon)}"
