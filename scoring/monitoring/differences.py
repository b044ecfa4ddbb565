"""In what two studies differ beyond their people, and what makes them studies of different things."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from scoring.plan import Group, Plan
from scoring.provenance import canonical
from scoring.study import Study

NO = ""
"""Stands where a study has nothing of the kind."""

UNTOLD = "?"
"""Stands for a model that leaves no trace in a study: whether it is another one cannot be told."""


class Difference(NamedTuple):
    """A thing that is not the same; `what` is a key ``monitoring.differs_<what>`` of the texts."""

    what: str
    then: str
    now: str
    about: str = ""
    """The attribute or the part that differs, where there are several."""


def differences(signed: Study, new: Study) -> tuple[Difference, ...]:
    """Return everything declared, trained or read that is not the same."""
    return tuple(one for one in _pairs(signed, new) if one.then != one.now or (one.what == "model" and one.now == UNTOLD))


def obstacles(signed: Study, new: Study) -> tuple[str, ...]:
    """Return why two studies cannot be compared at all: keys ``monitoring.obstacle_<name>``; empty where they can."""
    return tuple(_obstacles(signed, new))


def redefined(signed: Plan, new: Plan) -> frozenset[str]:
    """Return the attributes that both studies have, and that do not mean the same."""
    both = set(signed.groups) & set(new.groups)
    return frozenset(name for name in both if _meaning(signed, signed.groups[name]) != _meaning(new, new.groups[name]))


def other_outcome(signed: Plan, new: Plan) -> bool:
    """Tell whether outcomes of the two mean something else: then rates of people who came good cannot be compared."""
    return signed.outcome is not None and new.outcome is not None and _outcome(signed) != _outcome(new)


def _obstacles(signed: Study, new: Study) -> Iterator[str]:
    references = [(study.document or {}).get("reference") for study in (signed, new)]
    if None not in references and references[0] != references[1]:
        yield "other_activity"
    if signed.plan.primary != new.plan.primary:
        yield "other_primary"
    columns = [study.plan.decision.column is not None for study in (signed, new)]
    if all(columns) and _favourable(signed.plan) != _favourable(new.plan):
        yield "other_decision"
    if signed.counts.weighted != new.counts.weighted:
        yield "other_weights"
    if not set(signed.counts.attributes) & set(new.counts.attributes):
        yield "no_common_attribute"
    if signed.digest is not None and signed.digest == new.digest:
        yield "same_study"


def _pairs(signed: Study, new: Study) -> Iterator[Difference]:
    """Go through what is held against each other."""
    then, now = signed.plan, new.plan
    for name in dict.fromkeys([*then.groups, *now.groups]):
        before, after = (_text(_meaning(plan, plan.groups[name])) if name in plan.groups else NO for plan in (then, now))
        yield Difference("group", before, after, name)
    for name in type(then.bounds).model_fields:
        yield Difference("bound", _text(getattr(then.bounds, name)), _text(getattr(now.bounds, name)), name)
    for was, told in ((_made(signed), _made(new)), (_asked(then), _asked(now))):
        yield from (Difference(name, _text(was[name]), _text(told[name])) for name in was)


def _asked(plan: Plan) -> dict[str, Any]:
    """Return what is declared, by the name under which it is told."""
    trained = plan.score is not None and plan.score.train is not None
    return {
        "period": plan.period, "reference": plan.reference, "primary": plan.primary, "decision": _favourable(plan),
        "cutoff_rule": plan.decision.cutoff, "outcome": _outcome(plan), "features": sorted(plan.features) if trained else None,
        "score": _score(plan), "segments": plan.segments,
    }  # fmt: skip


def _made(study: Study) -> dict[str, Any]:
    """Return what was read and worked out."""
    cutoff = None if study.cutoff is None else study.plan.direction * study.cutoff
    reference = (study.document or {}).get("reference")
    told = {"data": study.source.get("sha256"), "cutoff": cutoff, "model": _model(study), "activity": reference}
    return told | {"version": study.environment.get("equiscore")}


def _meaning(plan: Plan, group: Group) -> dict[str, Any]:
    """Return what makes the levels of an attribute: not its column's name, nor its title."""
    return {
        "edges": group.edges,
        "labels": group.labels,
        "levels": group.levels,
        "criterion": group.criterion,
        "type": plan.columns[group.column].type,
    }


def _favourable(plan: Plan) -> Any:
    decision = plan.decision
    return None if decision.favourable is None else sorted(map(str, decision.favourable))


def _outcome(plan: Plan) -> Any:
    return None if plan.outcome is None else sorted(map(str, plan.outcome.favourable))


def _score(plan: Plan) -> Any:
    """Return how the score comes about; the cuts of its histogram change no score."""
    return None if plan.score is None else plan.score.model_dump(mode="json", exclude={"edges"})


def _model(study: Study) -> str:
    """Return what stands for the trained model: digits of its points; `UNTOLD` where a model leaves no trace in the study."""
    if "points" in study.facts:
        return hashlib.sha256(canonical(study.facts["points"])).hexdigest()[:12]
    return UNTOLD if study.plan.score is not None and study.plan.score.train is not None else NO


def _text(value: Any) -> str:
    """Write a value so that equal ones are equal words."""
    if value is None:
        return NO
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_text(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(map(_text, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)
