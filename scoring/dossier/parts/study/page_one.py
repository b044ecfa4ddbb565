"""Page one: what was studied, what was not measured, who is missing, by what it is judged, and what is not said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from scoring.dossier.document import Block, Bullets, Callout, Cell, Column, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.parts.days import day
from scoring.dossier.parts.study.wording import cutoff_origin, decision_origin, reject_reason
from scoring.dossier.view import View
from scoring.law.criteria import GROUNDS
from scoring.texts import pick, say
from scoring.vocabulary import ColumnType, Criterion, Role


def page_one(view: View) -> Iterator[Block]:
    """Say first what the reader must know before any finding."""
    yield view.heading("studied")
    yield KeyValues(tuple(_studied(view)))
    yield view.heading("not_measured", level=3)
    yield from _not_measured(view)
    yield view.heading("missing", level=3)
    yield _missing(view)
    yield view.heading("held_against", level=3)
    yield Bullets(tuple(_held_against(view)))
    yield Callout(view.say("not_said"), tuple(view.say(f"not_said_{name}") for name in ("law", "process", "clearance", "measured")))


def _studied(view: View) -> Iterator[tuple[str, str]]:
    plan, document = view.plan, view.study.document
    if document is None:
        yield view.say("activity"), view.say("no_declaration")
    else:
        yield view.say("purposes"), "\n".join(purpose(view, one) for one in document["purposes"])
    yield view.say("decision"), decision_origin(view)
    if plan.decision.cutoff is not None:
        yield view.say("cutoff"), cutoff_origin(view)
    yield view.say("groups"), "\n".join(_groups(view))
    if plan.outcome is not None:
        values = view.listed(map(str, plan.outcome.favourable))
        yield view.say("outcome"), view.say("outcome_said", column=column(view, plan.outcome.column), values=values)
    yield view.say("period"), pick(plan.period, view.language) or view.say("not_declared")
    if any(group.edges and plan.columns[group.column].type is ColumnType.DATE for group in plan.groups.values()):
        yield view.say("as_of"), day(plan.as_of, view.language) if plan.as_of else view.say("not_declared")


def column(view: View, name: str) -> str:
    """Return what a column is called before readers, where the declaration says so."""
    return view.pick(view.plan.titles.get(name)) or name


def party(view: View, one: Mapping[str, Any]) -> str:
    """Return a body with how to reach it."""
    return view.listed(str(part) for part in (one["name"], one.get("address"), one["contact"]) if part)


def purpose(view: View, one: Mapping[str, Any]) -> str:
    """Return a purpose with its legal basis, in the words of the declaration."""
    said = view.say("purpose", name=view.pick(one["name"]), basis=view.say(f"basis_{one['legal_basis']}"))
    return f"{said} {view.pick(one['detail'])}" if one.get("detail") else said


def _groups(view: View) -> Iterator[str]:
    for name in view.tables.counts.attributes:
        group = view.plan.groups[name]
        ground = say(f"criterion.{group.criterion.value}", view.language) if group.criterion else view.say("no_ground")
        cut = view.say("group_cut", edges=view.listed(view.number(edge, "plain") for edge in group.edges)) if group.edges else ""
        yield view.say("group_said", name=view.name(name), column=column(view, group.column), cut=cut, ground=ground)


def _not_measured(view: View) -> Iterator[Block]:
    measured = [group.criterion for group in view.plan.groups.values() if group.criterion]
    why = {one.criterion: view.pick(one.why) for one in view.plan.not_measured}
    left = [criterion for criterion in Criterion if criterion not in measured]
    named = {criterion: say(f"criterion.{criterion.value}", view.language) for criterion in Criterion}
    joint = {Criterion.ETHNICITY_OR_NATION: view.say("three_grounds", ground=named[Criterion.ETHNICITY_OR_NATION])}
    key = "grounds" if measured else "grounds_none"
    names = view.listed(named[criterion] for criterion in dict.fromkeys(measured))
    yield Paragraph(view.say(key, total=len(GROUNDS), left=left_out(measured), measured=names))
    if told := [criterion for criterion in left if criterion in why]:
        rows = tuple(Row((joint.get(criterion, named[criterion]), why[criterion])) for criterion in told)
        yield TableBlock(view.say("caption_not_measured"), (Column(view.say("ground")), Column(view.say("declared_reason"))), rows)
    if soft := [criterion for criterion in left if criterion in {one.criterion for one in view.plan.memberships.values()}]:
        yield Paragraph(view.say("grounds_by_probability", grounds=view.semicolons(named[criterion] for criterion in soft)))
    if silent := [joint.get(criterion, named[criterion]) for criterion in left if criterion not in why]:
        yield Paragraph(view.say("no_reason", grounds=view.semicolons(silent)))


def left_out(measured: Collection[Criterion]) -> int:
    """Return how many grounds of the law are not measured: it names some apart that are one criterion of a declaration.

    >>> left_out([]), left_out([Criterion.AGE]), left_out([Criterion.ETHNICITY_OR_NATION])
    (25, 24, 22)
    """
    left = [criterion for criterion in Criterion if criterion not in measured]
    apart = len(GROUNDS) - len(Criterion)
    return len(left) + (apart if Criterion.ETHNICITY_OR_NATION in left else 0)


def _missing(view: View) -> TableBlock:
    """Tell where everybody of the file is, as far as they are missing from what follows."""
    columns = (Column(view.say("people_who")), Column(view.say("people"), "count"))
    note = view.say("weighted_counts", column=view.plan.only(Role.WEIGHT)) if view.plan.only(Role.WEIGHT) else ""
    return TableBlock(view.say("caption_missing"), columns, tuple(_missing_rows(view)), note)


def _missing_rows(view: View) -> Iterator[Row]:
    studied, rejected = standing(view)
    yield Row((view.say("in_file"), studied + rejected))
    yield Row((view.say("studied"), studied))
    yield Row((view.say("rejected"), rejected), "\n".join(rejections(view)))
    if view.plan.score is not None:
        yield Row((view.say("unscored"), view.people(unscored(view))))
    for attribute in view.tables.counts.attributes:
        people = view.unknown(attribute)
        cell: Cell = view.say("folded_unknown") if people is None else int(people)
        yield Row((view.say("unknown_group", name=view.name(attribute)), cell))


def standing(view: View) -> tuple[int, int]:
    """Return how many people are studied and how many rejected."""
    rows = view.tables.everybody()
    rows = rows[rows["attribute"] == rows["attribute"].iloc[0]]
    studied, rejected = (int(rows[rows["standing"] == one]["people"].sum()) for one in ("studied", "rejected"))
    return studied, rejected


def rejections(view: View) -> list[str]:
    """Return each reason for a rejection with how many people it fell on."""
    found = sorted(view.tables.rejects().items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [view.say("rejection", reason=reject_reason(view, str(reason)), people=_written(view, n)) for reason, n in found]


def _written(view: View, count: float) -> str:
    people = view.people(count)
    return people if isinstance(people, str) else view.number(people, "count")


def unscored(view: View) -> int:
    """Return how many of those studied have no score."""
    histogram = view.tables.counts.histogram
    rows = histogram[histogram["attribute"] == view.tables.counts.attributes[0]]
    return int(rows[rows["bin"] < 0]["n"].sum())


def _held_against(view: View) -> Iterator[str]:
    bounds = view.plan.bounds
    yield view.say("tolerance_status", tolerance=bounds.tolerance)
    yield reference_said(view)
    yield view.say("level_said", confidence=bounds.confidence, minimum=bounds.minimum_group, refusals=bounds.refusal_tolerance)


def reference_said(view: View) -> str:
    """Return what each group is compared with."""
    reference = view.plan.reference
    if isinstance(reference, str):
        return view.known(f"reference_{reference}", view.say("reference_level", level=reference))
    named = view.listed(view.say("reference_one", name=view.name(name), level=level) for name, level in sorted(reference.items()))
    return view.say("reference_levels", levels=named)
