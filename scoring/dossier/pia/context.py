"""Section 1 of the PIA: what is done, by whom, with which data; the study of exclusion is summed up in 111."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from scoring.dossier.parts.study.page_one import standing
from scoring.dossier.parts.study.wording import cutoff_origin, decision_origin
from scoring.dossier.pia.markup import Passage
from scoring.dossier.pia.told import Told
from scoring.fairness.narrative import headline
from scoring.texts import pick, say

Writer = Callable[[Told], Iterator[Passage]]
"""What writes the answer of a question."""


def processing(told: Told) -> Iterator[Passage]:
    """111: what is done, and what the study of exclusion found."""
    view = told.view
    yield Passage(view.say("activity_named", **_named(told))) if told.activity else told.lacks("activity")
    yield told.words("description")
    yield told.words("intended_use", "intended_use")
    yield told.words("volume", "volume")
    cut = view.plan.decision.cutoff is not None and "cutoff" in view.study.facts
    yield Passage(told.say("decision", words=decision_origin(view)) + (f" {cutoff_origin(view)}" if cut else ""))
    yield told.fact("solely_automated")
    yield told.fact("score_decisive")
    studied, rejected = standing(view)
    groups = view.listed(view.name(name) for name in view.tables.counts.attributes)
    yield Passage(
        told.say(
            "studied", studied=studied, rejected=rejected, groups=groups, period=pick(view.plan.period, view.language) or view.say("not_declared")
        )
    )
    yield Passage(told.say("headline"), tuple(headline(view.judged, view.language, view.plan.primary)))
    if still := tuple(map(told.found, told.open_rows())):
        yield Passage(told.say("list_open"), still)
    yield Passage(told.say("annex"))


def _named(told: Told) -> dict[str, str]:
    return {"name": told.view.pick(told.activity["name"]), "reference": told.activity["reference"]}


def responsibilities(told: Told) -> Iterator[Passage]:
    """112: who answers for what."""
    if not told.activity:
        yield told.lacks("controller")
    else:
        yield Passage(told.party("controller"))
        joint = told.activity.get("joint_controllers") or ()
        if joint:
            yield Passage(told.say("joint"), tuple(told.view.listed(filter(None, (one["name"], one["contact"]))) for one in joint))
        for role in ("representative", "dpo"):
            if told.activity.get(role):
                yield Passage(told.party(role))
    yield told.listed("contracts", (contract(told, one) for one in told.declared.get("contracts") or ()))


def contract(told: Told, one: Mapping[str, Any]) -> str:
    """Return a contract in a line: with whom, as what, for what, since when."""
    said = told.say(f"contract_{one['role']}", party=one["party"], object=told.view.pick(one["object"]))
    return f"{said} {told.say('signed', day=one['signed'])}" if one.get("signed") else said


def standards(told: Told) -> Iterator[Passage]:
    """113: the standards that apply."""
    yield told.listed("standards", told.picked("standards"))
    yield Passage(say("law.no_advice", told.language))


def categories(told: Told) -> Iterator[Passage]:
    """121: which data, of whom, for whom."""
    view, held = told.view, told.activity
    if not held:
        yield told.lacks("data")
        return
    yield told.listed(
        "data", (view.say("special", name=view.pick(one["name"])) if one["special"] else view.pick(one["name"]) for one in held["data"])
    )
    yield Passage(told.say("list_persons"), tuple(map(view.pick, held["persons"])))
    recipients = tuple(map(view.pick, held["recipients"]))
    yield Passage(told.say("list_recipients"), recipients) if recipients else Passage(told.say("no_recipients"))


def life_cycle(told: Told) -> Iterator[Passage]:
    """122: from collection to erasure."""
    yield told.words("life_cycle")


def supports(told: Told) -> Iterator[Passage]:
    """123: what holds the data."""
    yield told.listed("supports", told.picked("supports"))


CONTEXT: Final[Mapping[int, Writer]] = {
    111: processing, 112: responsibilities, 113: standards,
    121: categories, 122: life_cycle, 123: supports,
}  # fmt: skip
"""Question: what writes its answer."""
