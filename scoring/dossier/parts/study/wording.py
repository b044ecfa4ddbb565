"""Sentences that several parts need: how the decision came about, why a row was rejected, what stands under every table."""

from __future__ import annotations

from scoring.dossier.view import View
from scoring.vocabulary import CROSS, TIMES


def decision_origin(view: View) -> str:
    """Return what is decided and how."""
    decision = view.plan.decision
    title = view.pick({str(language): words for language, words in decision.title.items()}) if decision.title else ""
    said = view.say("decision_column", column=decision.column, values=view.listed(map(str, decision.favourable or ()))) if decision.column else ""
    return " ".join(part for part in (view.say("decision_title", title=title) if title else "", said or view.say("decision_score")) if part)


def cutoff_origin(view: View) -> str:
    """Return the cut-off and where it comes from, in the reader's language, from the rule and its numbers."""
    facts = view.study.facts["cutoff"]
    worse = view.plan.score is not None and view.plan.score.higher_is == "worse"
    side = view.say("at_most" if worse else "at_least", value=facts["value"])
    declared = facts["declared"]
    return view.say(f"cutoff_{facts['rule']}", side=side, share=facts["share"], **{"wished": declared.get("value", 0.0), **_costs(declared)})


def _costs(declared: dict[str, float]) -> dict[str, float]:
    return {name: declared.get(name, 0.0) for name in ("wrongly_accepted", "wrongly_refused")}


def reject_reason(view: View, reason: str) -> str:
    """Return the reason of a rejection in the reader's language; the core writes ``column: what is wrong``, small reasons joined by " + "."""
    if len(joined := reason.split(" + ")) > 1 and all(": " in one for one in joined):
        return view.semicolons(reject_reason(view, one) for one in joined)
    column, _, what = reason.rpartition(": ")
    return view.say("reject", column=column, what=view.known(f"reject_{what.replace(' ', '_').replace(',', '')}", what))


def crossing(view: View, attribute: str) -> str:
    """Return the title of an attribute, or of several crossed."""
    return TIMES.join(map(view.name, attribute.split(CROSS)))


def crossed_level(view: View, attribute: str, group: str) -> str:
    """Return a group as it is spoken of; that of a crossing level by level. A level of one attribute stays as people wrote it."""
    return TIMES.join(map(view.level, group.split(CROSS))) if CROSS in attribute else view.level(group)


def guideline(view: View) -> str:
    """Return what is printed with every table of verdicts."""
    return view.say("guideline", tolerance=view.plan.bounds.tolerance)
