"""Section 2 of the PIA: proportionality, and the protection of rights, from the declaration and the published study.

The software knows no question on exclusion: what the study shows stands in 111, 211 to 213, 221 and 225.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.assessment import ARTICLE_28, Right
from scoring.dossier.parts.days import day
from scoring.dossier.parts.declared.rights import rights_given
from scoring.dossier.parts.study.page_one import left_out, purpose, rejections, standing, unscored
from scoring.dossier.pia.context import Writer, contract
from scoring.dossier.pia.markup import Passage
from scoring.dossier.pia.told import Told, ended
from scoring.law.criteria import GROUNDS
from scoring.texts import say
from scoring.vocabulary import Role


def purposes(told: Told) -> Iterator[Passage]:
    """211: what for, what not for, and how many the decision shuts out."""
    yield told.listed("purposes", (told.view.pick(one["name"]) for one in told.activity.get("purposes") or ()))
    yield told.listed("prohibited_uses", told.picked("prohibited_uses"))
    yield told.words("diversion_check", "diversion_check")
    yield Passage(told.say("shut_out", **_shut_out(told)))
    if weight := told.view.plan.only(Role.WEIGHT):
        yield Passage(told.view.say("weighted_counts", column=weight))


def _shut_out(told: Told) -> dict[str, float]:
    """Count everybody of one attribute, known or not: each person stands in one of its groups."""
    rows = told.view.tables.rates(metrics=["selection_rate"])
    rows = rows[rows["attribute"] == told.view.tables.counts.attributes[0]]
    hits, trials = float(rows["hits"].sum()), float(rows["trials"].sum())
    return {"hits": hits, "trials": trials, "left": trials - hits, "rate": 1 - hits / trials if trials else float("nan")}


def basis(told: Told) -> Iterator[Passage]:
    """212: on what legal basis; which prohibited grounds were looked at; how each gap is answered."""
    view = told.view
    yield told.listed("basis", (purpose(view, one) for one in told.activity.get("purposes") or ()))
    if any(one["legal_basis"] == "legitimate_interests" for one in told.activity.get("purposes") or ()):
        yield told.words("balance", "balance")
    measured = dict.fromkeys(group.criterion for group in view.plan.groups.values() if group.criterion)
    named = view.listed(say(f"criterion.{one.value}", told.language) for one in measured)
    yield Passage(view.say("grounds" if measured else "grounds_none", total=len(GROUNDS), left=left_out(measured), measured=named))
    rows = list(told.gaps())
    if not rows:
        yield Passage(told.say("no_gap"))
    for row in rows:
        yield Passage(told.found(row))
        yield from _answered(told, row)


def _answered(told: Told, row: Mapping[str, Any]) -> Iterator[Passage]:
    """Give the justification or the measure that answers a gap; or that there is none."""
    found = told.answers_to(row)
    if not found:
        yield told.lacks("justification")
    for one in found:
        parts = ("aim", "necessary", "appropriate", "alternatives", "measure")
        items = tuple(told.say(f"gap_{part}", words=told.view.pick(one[part])) for part in parts if one.get(part))
        yield Passage(told.say("gap_answered", owner=one["owner"], due=day(one["due"], told.language)), items)


def necessity(told: Told) -> Iterator[Passage]:
    """213: why no less would do, variable by variable."""
    view = told.view
    yield told.words("necessity")
    features, ours = view.plan.with_role(Role.FEATURE), bool(view.study.facts.get("model"))
    if not features:
        yield told.lacks("features")
    else:
        yield Passage(told.say("features" if ours else "features_handed", n=len(features)), tuple(_feature(told, name) for name in features))
        reasons = told.declared.get("variables") or {}
        silent = [_title(told, name) for name in features if not any((reasons.get(name) or {}).get(key) for key in ("purpose", "reason"))]
        if silent:
            yield Passage(f"{told.lacks('variables').text} {told.say('variables_silent', names=view.semicolons(silent))}", missing=True)
    if not ours:
        yield Passage(told.say("inputs_unknown"))
        return
    columns = {group.column for group in view.plan.groups.values()}
    used = [_title(told, name) for name in features if name in columns]
    yield Passage(told.say("grounds_used", names=view.semicolons(used)) if used else told.say("grounds_unused"))


def _title(told: Told, name: str) -> str:
    column = told.view.plan.columns.get(name)
    return told.view.pick({str(language): words for language, words in column.title.items()}) if column is not None and column.title else name


def _feature(told: Told, name: str) -> str:
    held = (told.declared.get("variables") or {}).get(name) or {}
    said = [told.view.pick(held.get("purpose")), told.say("sensitive") if held.get("sensitive") else "", told.view.pick(held.get("reason"))]
    words = " ".join(ended(one) for one in said if one)
    return told.say("feature", name=_title(told, name), words=words) if words else _title(told, name)


def quality(told: Told) -> Iterator[Passage]:
    """214: where the data are from, how they are kept exact, and what the study found missing."""
    view = told.view
    yield told.listed("origins", (_origin(told, one) for one in told.declared.get("origins") or ()))
    yield told.words("quality")
    studied, rejected = standing(view)
    yield Passage(told.say("rows", total=studied + rejected, rejected=rejected), tuple(rejections(view)))
    if view.plan.score is not None:
        people = view.people(unscored(view))
        yield Passage(told.say("unscored", people=people if isinstance(people, str) else view.number(people, "count")))
    unknown = {name: view.unknown(name) for name in view.tables.counts.attributes}
    items = (told.say("unknown", name=view.name(name), people=_known(told, people)) for name, people in unknown.items())
    yield Passage(told.say("list_unknown"), tuple(items))


def _known(told: Told, people: float | None) -> str:
    return told.view.say("folded_unknown") if people is None else told.view.number(people, "count")


def _origin(told: Told, one: Mapping[str, Any]) -> str:
    pick_ = told.view.pick
    said = told.say("origin", source=pick_(one["source"]), collected=pick_(one["collected"]))
    return f"{ended(said)} {ended(told.say('updated', words=pick_(one['updated'])))}" if one.get("updated") else said


def retention(told: Told) -> Iterator[Passage]:
    """215: how long, then what."""
    view = told.view
    kept = (view.say("kept", data=view.pick(one["data"]), period=view.pick(one["period"])) for one in told.activity.get("retention") or ())
    then = (view.pick(one.get("then")) for one in told.activity.get("retention") or ())
    yield told.listed("retention", (view.say("kept_then", kept=one, then=after) if after else one for one, after in zip(kept, then, strict=True)))


def information(told: Told) -> Iterator[Passage]:
    """221: what persons are told, the score's logic and the study among it."""
    yield told.listed("notices", (_notice(told, one) for one in told.declared.get("notices") or ()))
    yield told.fact("logic_explained")
    yield told.fact("refusal_notice")
    yield Passage(told.say("to_be_told"))


def _notice(told: Told, one: Mapping[str, Any]) -> str:
    pick_ = told.view.pick
    return told.say("notice", to=pick_(one["to"]), when=pick_(one["when"]), says=pick_(one["says"]))


def consent(told: Told) -> Iterator[Passage]:
    """222: how consent is collected, or why none is needed."""
    yield told.words("consent")


def access(told: Told) -> Iterator[Passage]:
    """223: access, portability, and the explanation of one's own score."""
    yield from map(told.desk, ("access", "portability", "explanation"))


def rectification(told: Told) -> Iterator[Passage]:
    """224: rectification and erasure."""
    yield from map(told.desk, ("rectification", "erasure"))


def objection(told: Told) -> Iterator[Passage]:
    """225: restriction, objection, and a human who can change the decision."""
    given = (told.declared.get("rights") or {}).get("objection") or Right.OBJECTION in rights_given(told.view)
    yield told.desk("restriction")
    yield told.desk("objection") if given else Passage(told.say("no_objection"))
    yield told.desk("human_review")
    yield told.words("oversight", "oversight")
    yield told.words("complaints", "complaints")
    yield told.fact("human_review_with_authority")
    yield told.fact("contest_channel")
    yield Passage(told.say("contest", **_shut_out(told)))


def processors(told: Told) -> Iterator[Passage]:
    """226: contracts with processors, and which clauses of article 28 they lack."""
    held = [one for one in told.declared.get("contracts") or () if one["role"] == "processor"]
    yield told.listed("contracts", (contract(told, one) for one in held), "list_processors")
    for one in held:
        lacking = [told.say(f"clause_{clause}") for clause in ARTICLE_28 if clause not in (one.get("clauses") or ())]
        if lacking:
            words = told.say("clauses_lacking", party=one["party"], names=told.view.semicolons(lacking))
            yield Passage(f"{words} {told.say('supplied', who=told.say('by_controller'))}", missing=True)


def transfers(told: Told) -> Iterator[Passage]:
    """227: transfers to third countries; a declared empty list says that there are none."""
    view = told.view
    if "transfers" not in told.activity:
        yield told.lacks("transfers")
        return
    said = (
        view.say("transfer", country=one["country"], recipient=one["recipient"], safeguards=view.pick(one["safeguards"]))
        for one in told.activity["transfers"]
    )
    items = tuple(said)
    yield Passage(told.say("list_transfers"), items) if items else Passage(told.say("no_transfers"))


PRINCIPLES: Final[Mapping[int, Writer]] = {
    211: purposes, 212: basis, 213: necessity, 214: quality, 215: retention,
    221: information, 222: consent, 223: access, 224: rectification, 225: objection, 226: processors, 227: transfers,
}  # fmt: skip
"""Question: what writes its answer."""
