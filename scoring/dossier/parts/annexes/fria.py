"""The fundamental rights impact assessment as art. 27(1)(a) to (f) of the AI Act asks for it: six blocks, from what is declared and measured.

Whether art. 27 applies is a question of D1. What a block lacks is named there, with who must supply it; the cover counts it once,
in the section that asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.dossier.document import Block, Bullets, Callout, KeyValues, Paragraph
from scoring.dossier.gaps import shown
from scoring.dossier.parts.annexes.shared import absent, in_words, joined, part, words
from scoring.dossier.parts.days import day
from scoring.dossier.parts.declared.justifications import answers_of
from scoring.dossier.parts.study.page_one import purpose
from scoring.dossier.view import View
from scoring.texts import say

_ASKED: Final = {
    "a": (("description", "D2"), ("intended_use", "D19")),
    "b": (("volume", "D2"),),
    "c": (),
    "d": (("exclusion_risk", "D15"),),
    "e": (("oversight", "D9"),),
    "f": (("measures", "D14"), ("complaints", "D9"), ("stop", "D14")),
}
"""What each block needs of the controller, and the section that lists it where it is missing."""


def fria(view: View) -> Iterator[Block]:
    """Show the six blocks, each with what it lacks."""
    if not view.declared:
        return
    yield part(view, "fria")
    yield Paragraph(words(view, "fria"))
    blocks = {"a": _process, "b": _period, "c": _people, "d": _harms, "e": _oversight, "f": _measures}
    held = _held(view)
    for letter, told in blocks.items():
        yield part(view, f"fria_{letter}", level=4)
        items = tuple((name, value) for name, value in told(view) if value)
        if items:
            yield KeyValues(items)
        if letter == "d":
            yield from _shown(view)
        if lacks := [absent(view, words(view, f"missing_{name}"), "controller", section) for name, section in _ASKED[letter] if not held[name]]:
            yield Callout(words(view, "missing_elsewhere"), tuple(lacks))


def _held(view: View) -> dict[str, bool]:
    said = view.assessment
    named = ("description", "intended_use", "volume", "oversight", "measures", "complaints")
    return {name: bool(said.get(name)) for name in named} | {
        "exclusion_risk": bool(_risk(view)),
        "stop": bool((said.get("monitoring") or {}).get("stop")),
    }


def _risk(view: View) -> Mapping[str, Any]:
    return (view.assessment.get("risks") or {}).get("exclusion") or {}


def _process(view: View) -> Iterator[tuple[str, str]]:
    yield words(view, "process"), in_words(view, view.assessment.get("description"))
    yield words(view, "users"), in_words(view, view.assessment.get("intended_use"))
    yield view.say("purposes"), joined(purpose(view, one) for one in view.declared["purposes"])


def _period(view: View) -> Iterator[tuple[str, str]]:
    yield words(view, "volume"), in_words(view, view.assessment.get("volume"))
    yield (
        words(view, "period_studied"),
        view.pick(view.plan.period),
    )
    yield words(view, "people_studied"), view.number(view.study.source.get("rows"), "count")


def _people(view: View) -> Iterator[tuple[str, str]]:
    yield view.say("persons"), in_words(view, view.declared["persons"])
    yield view.say("groups"), joined(_group(view, name) for name in view.tables.counts.attributes)
    unmeasured = ((say(f"criterion.{one.criterion.value}", view.language), view.pick(one.why)) for one in view.plan.not_measured)
    yield words(view, "not_measured"), joined(words(view, "pair", name=name, value=why) for name, why in unmeasured)


def _group(view: View, name: str) -> str:
    levels = [group for attribute, group in view.places if attribute == name]
    return words(view, "pair", name=view.name(name), value=view.listed(map(view.level, levels)))


def _harms(view: View) -> Iterator[tuple[str, str]]:
    risk = _risk(view)
    if not risk:
        return
    yield words(view, "impacts"), in_words(view, risk["impacts"])
    yield words(view, "threats"), in_words(view, risk["threats"])
    yield words(view, "gravity"), words(view, "gravity_said", severity=_level(view, risk["severity"]), likelihood=_level(view, risk["likelihood"]))
    if risk.get("residual_severity") and risk.get("residual_likelihood"):
        residual = {"severity": _level(view, risk["residual_severity"]), "likelihood": _level(view, risk["residual_likelihood"])}
        yield words(view, "residual"), words(view, "gravity_said", **residual)


def _level(view: View, level: Any) -> str:
    return words(view, f"level_{level}")


def _shown(view: View) -> Iterator[Block]:
    rows = shown(view.tables, view.judged)
    yield Paragraph(words(view, "shown" if rows else "shown_none", groups=len(rows)))
    if rows:
        yield Bullets(tuple(words(view, "shown_one", who=view.who(row), metric=view.metric(row["metric"]), ratio=row["ratio"]) for row in rows))


def _oversight(view: View) -> Iterator[tuple[str, str]]:
    yield words(view, "oversight"), in_words(view, view.assessment.get("oversight"))


def _measures(view: View) -> Iterator[tuple[str, str]]:
    said = view.assessment
    named, measures = _risk(view).get("measures") or (), said.get("measures") or {}
    mine = [one for key, one in measures.items() if key in named or one.get("kind") == "exclusion"]
    yield words(view, "measures"), joined([*(_measure(view, one) for one in mine), *_answers(view)])
    yield words(view, "complaints"), in_words(view, said.get("complaints"))
    yield words(view, "stop"), in_words(view, (said.get("monitoring") or {}).get("stop"))


def _answers(view: View) -> Iterator[str]:
    """Return the measures that answer a gap shown, each with the group that it is for."""
    for gap, said in answers_of(view).to:
        for one in said:
            if one.measure is not None:
                promised = words(view, "planned", owner=one.owner or "?", day=day(one.due, view.language))
                yield f"{words(view, 'pair', name=gap.who, value=in_words(view, one.measure))} {promised}"


def _measure(view: View, one: Mapping[str, Any]) -> str:
    said = words(view, "pair", name=view.pick(one["title"]), value=view.pick(one["content"]))
    if one.get("in_place", True):
        return said
    return f"{said} {words(view, 'planned', owner=one.get('owner') or '?', day=day(one.get('due'), view.language))}"
