"""Facts of an activity, drawn from what a declaration and a study say.

A fact that nobody stated is absent, and absent is unknown: nothing here fills it in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scoring.errors import DeclarationError, raise_all
from scoring.facts import Value, checked_facts
from scoring.vocabulary import Criterion

SPECIAL: Final[frozenset[str]] = frozenset(
    {
        *(Criterion.HEALTH, Criterion.RELIGION, Criterion.POLITICAL_OPINIONS, Criterion.UNION_ACTIVITIES, Criterion.SEXUAL_ORIENTATION),
        *(Criterion.GENETIC_CHARACTERISTICS,),
    }
)
"""Grounds whose data are a special category (GDPR art. 9(1)) by their name alone. Origin may be nationality, and is not one."""


def facts_of(declaration: Mapping[str, Any], study: Mapping[str, Any] | None = None) -> dict[str, Value]:
    """Return the facts that a declaration and a study state.

    Three sources, and what none of them says is left out, which is unknown: what the declaration implies (a score is profiling,
    a decision that can refuse may exclude from a contract, empty transfers say that there are none); what the study measured;
    and ``facts`` of the declaration, which a human states by name.

    Parameters
    ----------
    declaration : plain data of a declaration (`ProcessingActivity.document`), with ``facts`` (name -> value) if there are any.
    study : facts that were measured, name -> value, such as those of `Decisiveness.facts`.

    Raises
    ------
    FaultyInput or DeclarationError
        Names or values that the vocabulary does not have; a stated fact that the declaration or the study contradicts.

    Examples
    --------
    >>> facts_of({"study": {"score": {"column": "s"}}, "transfers": [], "facts": {"jurisdiction": "FR"}})
    {'profiling': True, 'automated': True, 'recipient_outside_eea': False, 'jurisdiction': ('FR',)}
    """
    implied = _implied(declaration)
    measured = checked_facts(study or {}, where="study")
    stated = checked_facts(_mapping(declaration.get("facts")), where="facts")
    _agree(stated, {**implied, **measured})
    return _joined(_joined(implied, measured), stated)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, (list, tuple)) else []


def _implied(declaration: Mapping[str, Any]) -> dict[str, Value]:
    """Return what a declaration implies; each line is one inference, and none infers from silence."""
    study = _mapping(declaration.get("study"))
    groups = [_mapping(group) for group in _mapping(study.get("groups")).values()]
    criteria = tuple(dict.fromkeys(str(group["criterion"]) for group in groups if group.get("criterion")))
    bases = tuple(dict.fromkeys(str(one["legal_basis"]) for one in _items(declaration.get("purposes")) if one.get("legal_basis")))
    transfers, scored = declaration.get("transfers"), bool(study.get("score"))
    said: dict[str, Value | None] = {
        "personal_data": True if declaration.get("data") and declaration.get("persons") else None,
        "profiling": True if scored or study.get("segments") else None,
        "automated": True if scored or study.get("segments") else None,
        "legal_basis": bases or None,
        "exclusion_possible": ("contract",) if _can_refuse(study) else None,
        "special_category": True if any(one.get("special") is True for one in _items(declaration.get("data"))) or SPECIAL & {*criteria} else None,
        "recipient_outside_eea": bool(transfers) if isinstance(transfers, (list, tuple)) else None,
        "joint": True if declaration.get("joint_controllers") else None,
        "dpo_designated": True if declaration.get("dpo") else None,
        "bias_audit": True if groups else None,
        "criterion": criteria or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _can_refuse(study: Mapping[str, Any]) -> bool:
    """Tell whether a decision has an unfavourable side, or a segment no offer."""
    offers = _mapping(_mapping(study.get("segments")).get("offers"))
    return bool(_mapping(study.get("decision"))) or any(offer is None for offer in offers.values())


def _joined(first: Mapping[str, Value], second: Mapping[str, Value]) -> dict[str, Value]:
    """Put facts together: of a list, what either says; else the later."""
    joined = dict(first)
    for name, value in second.items():
        before = joined.get(name)
        both = isinstance(before, tuple) and isinstance(value, tuple)
        joined[name] = tuple(dict.fromkeys((*before, *value))) if both else value  # type: ignore[misc]  # both are tuples
    return joined


def _agree(stated: Mapping[str, Value], found: Mapping[str, Value]) -> None:
    """Refuse a stated fact that the declaration or the study contradicts."""
    faults = [
        DeclarationError(f"facts: {name}: stated as {value!r}, but the declaration or the study says {found[name]!r}. Fix: correct one of them.")
        for name, value in stated.items()
        if name in found and _against(value, found[name])
    ]
    raise_all("facts", faults)


def _against(stated: Value, found: Value) -> bool:
    if isinstance(stated, tuple) and isinstance(found, tuple):
        return "none" in stated and bool({*found} - {"none"})
    return stated != found
