"""The last pages: where everybody is, the method with its sources, the limits, the register entry, provenance, the command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.dossier.document import Block, Bullets, Code, Column, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.parts.study.page_one import party, purpose, standing
from scoring.dossier.view import View, rows_of
from scoring.vocabulary import Role, WeightMeaning

_METHODS: Final = {
    "wilson": "Wilson 1927, J. Am. Stat. Assoc. 22:209",
    "newcombe": "Newcombe 1998, Stat. Med. 17:873",
    "gart_nam": "Koopman 1984; Gart & Nam 1988; Laud 2017",
    "exact": "Berger & Boos 1994, J. Am. Stat. Assoc. 89:1012",
    "holm": "Holm 1979, Scand. J. Stat. 6:65",
    "bh": "Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289",
    "unknown": "Horowitz & Manski 1995",
    "needed": "Farrington & Manning 1990",
    "weights": "Korn & Graubard 1998; Woodruff 1971",
    "delong": "DeLong et al. 1988; Newcombe 2006",
    "cramer": "Bergsma 2013, J. Korean Stat. Soc. 42:323",
    "strata": "Mantel & Haenszel 1959; Greenland & Robins 1985; Kitagawa 1955",
    "amounts": "Fieller 1954; Woodruff 1952; Theil 1967",
    "representation": "Clopper & Pearson 1934; Rao & Scott 1981",
    "memberships": "Chen et al. 2019; Kallus, Mao & Zhou 2022",
    "selective": "Manski 1989; Manski & Pepper 2000",
    "score_groups": "Austin 2009; Kallus & Zhou 2019; Gardner, Brooks & Baker 2019",
    "folding": "Hundepool et al. 2012, ch. 4-5",
}
"""Each method and where it is from."""


def everybody(view: View) -> Iterator[Block]:
    """Show that nobody is lost: groups, unknown and rejected people add up to the file."""
    yield view.heading("everybody")
    studied, rejected = standing(view)
    yield Paragraph(view.say("everybody_said", threshold=view.threshold))
    columns = (Column(view.say("col_group")), Column(view.say("people"), "count"), Column(view.say("col_share"), "percent"))
    rows: list[Row] = []
    single = view.single(view.plan.primary)
    for attribute in view.tables.counts.attributes:
        own = single[single["attribute"] == attribute]
        held = own.iloc[sorted(range(len(own)), key=lambda place: view.places.get((attribute, own["group"].iloc[place]), len(view.places)))]
        counted: list[tuple[str, float, float | None, str]] = [
            (view.level(row["group"]), row["people"], row["people"] / studied if studied else None, _joined(view, row)) for row in rows_of(held)
        ]
        counted += [(view.say("rejected_row"), rejected, None, ""), (view.say("sum_row"), float(held["people"].sum()) + rejected, None, "")]
        rows += [Row((who, people, share), remark, view.name(attribute)) for who, people, share, remark in counted]
    yield TableBlock(view.say("caption_everybody"), columns, tuple(rows), view.say("note_everybody"))


def _joined(view: View, row: Mapping[str, Any]) -> str:
    return view.say("joins", names=row["folded"]) if row["folded"] else ""


def method(view: View) -> Iterator[Block]:
    """Tell on one page how every number was worked out, and what it cannot carry."""
    yield view.heading("method")
    yield Paragraph(view.say("method", confidence=view.plan.bounds.confidence))
    left_out = {
        "weights": view.tables.counts.weighted is not WeightMeaning.WEIGHT,
        "delong": view.plan.score is None,
        "cramer": view.plan.segments is None,
        "strata": not view.plan.with_role(Role.STRATUM),
        "amounts": not view.plan.amounts,
        "representation": not view.plan.population,
        "memberships": not view.plan.memberships,
        "selective": view.plan.outcome is None,
        "score_groups": view.plan.score is None,
    }
    columns = (Column(view.say("col_method")), Column(view.say("col_source")))
    rows = tuple(
        Row((view.say(f"method_{name}", threshold=view.threshold), source)) for name, source in _METHODS.items() if not left_out.get(name, False)
    )
    yield TableBlock(view.say("caption_method"), columns, rows)
    yield view.heading("choices", level=3)
    yield _choices(view)
    yield view.heading("limits", level=3)
    yield Bullets(tuple(_limits(view)))


def _choices(view: View) -> TableBlock:
    """List every number that a human chose."""
    bounds = view.plan.bounds
    kinds = {
        "tolerance": "ratio", "refusal_tolerance": "ratio", "confidence": "percent0", "power": "percent0", "minimum_group": "count",
        "best_share": "percent0", "publication_threshold": "count", "depth": "count", "max_rejected_share": "percent0",
    }  # fmt: skip
    rows = tuple(Row((view.say(f"choice_{name}"), view.number(getattr(bounds, name), kind))) for name, kind in kinds.items())
    return TableBlock(view.say("caption_choices"), (Column(view.say("col_choice")), Column(view.say("col_value"))), rows)


def _limits(view: View) -> Iterator[str]:
    names = ["process", "open", "overlap", "shared", "small", "all_or_none", "unmeasured"]
    for name in names:
        yield view.say(f"limit_{name}", threshold=view.threshold)
    if view.plan.outcome is not None:
        yield view.say("limit_outcome")


def register(view: View) -> Iterator[Block]:
    """Give the record of the processing activity, field by field, as it was declared."""
    yield view.heading("register")
    document = view.study.document
    if document is None:
        yield Paragraph(view.say("no_register"))
        return
    yield Paragraph(view.say("register"))
    yield KeyValues(tuple(_fields(view, document)))


def _fields(view: View, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    none = view.say("none")
    yield view.say("activity"), view.say("activity_named", name=view.pick(document["name"]), reference=document["reference"])
    yield view.say("controller"), party(view, document["controller"])
    yield view.say("joint_controllers"), "\n".join(party(view, one) for one in document["joint_controllers"]) or none
    for name in ("representative", "dpo"):
        yield view.say(name), party(view, document[name]) if document[name] else view.say("not_declared")
    yield view.say("purposes"), "\n".join(purpose(view, one) for one in document["purposes"])
    yield view.say("persons"), "\n".join(map(view.pick, document["persons"])) or none
    yield view.say("data"), "\n".join(_category(view, one) for one in document["data"])
    yield view.say("recipients"), "\n".join(map(view.pick, document["recipients"])) or none
    yield view.say("transfers"), "\n".join(_transfer(view, one) for one in document["transfers"]) or none
    yield view.say("retention"), "\n".join(_kept(view, one) for one in document["retention"])
    yield view.say("security"), "\n".join(map(view.pick, document["security"]))


def _category(view: View, one: Mapping[str, Any]) -> str:
    name = view.pick(one["name"])
    return view.say("special", name=name) if one["special"] else name


def _transfer(view: View, one: Mapping[str, Any]) -> str:
    return view.say("transfer", country=one["country"], recipient=one["recipient"], safeguards=view.pick(one["safeguards"]))


def _kept(view: View, one: Mapping[str, Any]) -> str:
    said = view.say("kept", data=view.pick(one["data"]), period=view.pick(one["period"]))
    return view.say("kept_then", kept=said, then=view.pick(one["then"])) if one.get("then") else said


def provenance(view: View) -> Iterator[Block]:
    """Tell what every number came from, and how to make it again."""
    yield view.heading("provenance")
    yield KeyValues(tuple(_origins(view)))
    yield view.heading("again", level=3)
    yield from _again(view)


def _origins(view: View) -> Iterator[tuple[str, str]]:
    source, versions = view.study.source, view.study.environment
    yield view.say("input"), str(source.get("name", view.say("not_recorded")))
    yield "SHA-256", source.get("sha256") or view.say("not_recorded")
    yield view.say("rows"), view.number(source.get("rows"), "count")
    yield "Equiscore", str(versions.get("equiscore", view.say("not_recorded")))
    yield "Python", str(versions.get("python", view.say("not_recorded")))
    yield view.say("libraries"), view.listed(f"{name} {version}" for name, version in versions.get("libraries", {}).items())
    yield view.say("seed"), str(view.plan.seed)
    yield view.say("digest"), view.study.digest or view.say("not_saved")


def _again(view: View) -> Iterator[Block]:
    if view.study.document is None:
        yield Paragraph(view.say("again_audit"))
        yield Code(audit_call(view))
    else:
        yield Paragraph(view.say("again"))
        yield Code(f"equiscore study activity.yaml --out study\nequiscore verify study\nequiscore dossier study --lang {view.language} --format html")
    yield Paragraph(view.say("again_same"))


def audit_call(view: View) -> str:
    """Return the call that made a study without a declaration."""
    plan = view.plan
    edges = {name: plan.groups[name].edges for name in view.tables.counts.attributes}
    groups = {name: None if cuts is None else list(cuts) for name, cuts in edges.items()}
    estimated = plan.score is not None and plan.score.column == "(estimated)"
    given: dict[str, Any] = {"decision": plan.decision.column}
    given["favourable"] = _one(plan.decision.favourable)
    if plan.outcome is not None:
        given |= {"outcome": plan.outcome.column, "favourable_outcome": _one(plan.outcome.favourable)}
    if plan.score is not None and not estimated:
        given["score"] = plan.score.column
    if plan.decision.cutoff is not None:
        given["cutoff"] = plan.decision.cutoff.value
    given |= {"strata": plan.with_role(Role.STRATUM) or None, "weights": plan.only(Role.WEIGHT), "cluster": plan.only(Role.CLUSTER)}
    given |= {"funnel": {stage.name: (stage.column, _one(stage.passes)) for stage in plan.funnel} or None}
    given |= {"amounts": [amount.column for amount in plan.amounts.values()] or None}
    given |= {"memberships": {name: dict(one.probabilities) for name, one in plan.memberships.items()} or None}
    given |= {"cells": {name: one.cell for name, one in plan.memberships.items() if one.cell is not None} or None}
    given |= {"segment": plan.segments.column if plan.segments else None, "reference": plan.reference, "metrics": plan.primary}
    given |= {"tolerance": plan.bounds.tolerance, "confidence": plan.bounds.confidence, "depth": plan.bounds.depth}
    written = [f"groups={groups!r}", *(["estimator=estimator"] if estimated else [])]
    written += [f"{name}={value!r}" for name, value in given.items() if value is not None]
    body = "".join(f"    {line},\n" for line in written)
    return f'study = scoring.audit(\n    frame,\n{body})\nstudy.save("study")'


def _one(values: tuple[Any, ...] | None) -> Any:
    return None if not values else values[0] if len(values) == 1 else list(values)
