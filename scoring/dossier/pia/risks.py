"""Section 3 of the PIA: measures and the three feared events of the software.

It has none for exclusion, so exclusion and discrimination stand among the impacts of all three, a wrong or biased score among
the threats of unwanted modification, and what the declaration says of the risk of exclusion goes with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scoring.dossier.gaps import Answer
from scoring.dossier.parts.days import day
from scoring.dossier.parts.declared.justifications import answers_of
from scoring.dossier.pia.answers import Control, Given
from scoring.dossier.pia.markup import Passage
from scoring.dossier.pia.told import Told
from scoring.dossier.pia.tree import ITEMS

_WRONG_SCORE: Final = "modification"
"""The feared event that a wrong score is one of, and that the declared risk of exclusion belongs to."""


def controls(told: Told) -> dict[str, Control]:
    """Return the measures by key: those of the assessment, then the security measures of the register entry."""
    pick = told.view.pick
    held = {key: Control(pick(one["title"]), tuple(_content(told, one))) for key, one in (told.declared.get("measures") or {}).items()}
    known = {one.title for one in held.values()}
    security = [pick(one) for one in told.activity.get("security") or ()]
    fresh = {
        f"security {n}": Control(said, (Passage(said), Passage(told.say("from_register")))) for n, said in enumerate(security) if said not in known
    }
    more = {key: Control(told.say(f"title_{key}"), (told.words(key),)) for key in ("freeze", "breach") if told.declared.get(key)}
    return {**held, **fresh, **more, **_against_gaps(told)}


_GAP: Final = "gap "
"""Before the number of a measure that answers a gap: the keys of a declaration are words."""


def _against_gaps(told: Told) -> dict[str, Control]:
    """Return the measures that answer a gap shown: each is planned until it is done."""
    found = [(gap, one) for gap, said in answers_of(told.view).to for one in said if one.measure is not None]
    return {
        f"{_GAP}{n}": Control(told.say("title_gap", who=gap.who), (Passage(told.view.pick(one.measure)), *_promised(told, one)))
        for n, (gap, one) in enumerate(found)
    }


def _promised(told: Told, answer: Answer) -> Iterator[Passage]:
    if answer.owner and answer.due:
        yield Passage(told.say("planned", owner=answer.owner, due=day(answer.due, told.language)))


def _content(told: Told, one: Mapping[str, Any]) -> Iterator[Passage]:
    yield Passage(told.view.pick(one["content"]))
    if one.get("in_place", True):
        yield Passage(told.say("in_place"))
    else:
        yield Passage(told.say("planned", owner=one["owner"], due=day(one["due"], told.language)))


def answers_on_risks(told: Told, held: Mapping[str, Control]) -> dict[int, Given]:
    """Return the answers 321 to 346."""
    return {number: _given(told, item.risk, number, held) for item in ITEMS if item.risk for number in item.questions}


def _given(told: Told, risk: str, number: int, held: Mapping[str, Control]) -> Given:
    what = {1: "impacts", 2: "threats", 3: "sources", 4: "measures", 5: "severity", 6: "likelihood"}[number % 10]
    if what in {"severity", "likelihood"}:
        return _level(told, risk, what)
    if what == "measures":
        named = [key for one in _assessed(told, risk) for key in one.get("measures") or ()]
        named += [key for key in held if key.startswith(_GAP) and risk == _WRONG_SCORE]
        return Given(tags=tuple(held[key].title for key in dict.fromkeys(named) if key in held))
    return Given(tags=tuple(dict.fromkeys(_tags(told, risk, what))))


def _tags(told: Told, risk: str, what: str) -> Iterator[str]:
    """Give declared tags first, then those that stand here for exclusion; a missing piece is said in a tag of its own."""
    risks = told.declared.get("risks") or {}
    own = [told.view.pick(one) for one in (risks.get(risk) or {}).get(what) or ()]
    yield from own
    beside = (risks.get("exclusion") or {}).get(what) or ()
    if what == "impacts" or risk == _WRONG_SCORE:
        yield from map(told.view.pick, beside)
    if what == "impacts":
        yield from (told.say("impact_exclusion"), told.say("impact_discrimination"))
    if what == "threats" and risk == _WRONG_SCORE:
        yield told.say("threat_score")
    if not own:
        yield told.lacks(what).text


def _assessed(told: Told, risk: str) -> list[Mapping[str, Any]]:
    """Return what is declared of an event; with the wrong score goes the risk of exclusion."""
    risks = told.declared.get("risks") or {}
    names = (risk, "exclusion") if risk == _WRONG_SCORE else (risk,)
    return [risks[name] for name in names if risks.get(name)]


def _level(told: Told, risk: str, what: str) -> Given:
    """Return the declared level, of two the higher; none where the event itself was not assessed."""
    held = _assessed(told, risk)
    risks = told.declared.get("risks") or {}
    if not risks.get(risk):
        return Given(tuple(_exclusion_only(told, risk, what)))
    passages = [Passage(told.say("assessed", level=told.say(f"level_{max(one[what] for one in held)}")))]
    if len(held) > 1:
        passages.append(
            Passage(told.say("higher_of_two", **{f"{name}_level": told.say(f"level_{risks[name][what]}") for name in (risk, "exclusion")}))
        )
    reasons = [told.view.pick(one.get("reason")) for one in held]
    passages += [Passage(one) for one in reasons if one] or [told.lacks("risk_reason")]
    residual = [level for one in held if (level := one.get(f"residual_{what}")) is not None]
    if residual:
        passages.append(Passage(told.say("residual", level=told.say(f"level_{max(residual)}"))))
    return Given(tuple(passages), gauge=max(one[what] for one in held))


def _exclusion_only(told: Told, risk: str, what: str) -> Iterator[Passage]:
    exclusion = (told.declared.get("risks") or {}).get("exclusion")
    if exclusion and risk == _WRONG_SCORE:
        yield Passage(told.say("of_exclusion", level=told.say(f"level_{exclusion[what]}")))
