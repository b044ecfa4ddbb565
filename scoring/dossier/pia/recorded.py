"""What named humans recorded: opinions, evaluations, a validation. Nothing here is made up, and nothing without a name is taken.

The mapping comes from the register::

    {"dpo": {"recorded_by": ..., "names": ..., "status": 0 | 1, "opinion": ...},
     "concerned_people": {"recorded_by": ..., "searched": True, "names": ..., "status": 0 | 1, "opinion": ...}
                      or {"recorded_by": ..., "searched": False, "reason": ...},
     "evaluations": [{"recorded_by": ..., "on": "2.1.211", "status": 1 | 2 | 3, "completed": bool, "comment": ..., "action_plan": ...,
                      "day": "2026-01-31", "severity": 1-4, "likelihood": 1-4, "person_in_charge": ..., "due": "2026-06-30"}],
     "validation": {"recorded_by": ..., "status": 1 | 2 | 3, "reason": ..., "adjustments": ...}}

``on`` is what the software evaluates: an item (``1.1``), a question (``2.1.211``) or a measure (``3.1.2``, the second of the file).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from scoring.dossier.pia.markup import plain
from scoring.errors import EquiscoreError, nearest, raise_all

_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "dpo": frozenset({"recorded_by", "names", "status", "opinion"}),
    "concerned_people": frozenset({"recorded_by", "searched", "names", "status", "opinion", "reason"}),
    "evaluations": frozenset(
        {"recorded_by", "on", "status", "completed", "comment", "action_plan", "day", "severity", "likelihood", "person_in_charge", "due"}
    ),
    "validation": frozenset({"recorded_by", "status", "reason", "adjustments"}),
}


def nothing_recorded() -> dict[str, Any]:
    """Return the fields of opinions and validation as they stand while nobody has spoken."""
    names = ["dpo_status", "dpo_opinion", "dpos_names", "people_names", "concerned_people_searched_opinion"]
    names += ["concerned_people_searched_content", "concerned_people_status", "concerned_people_opinion"]
    return {**dict.fromkeys(names), "rejection_reason": "", "applied_adjustments": ""}


def recorded_opinions(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of opinions and validation that named humans filled.

    Raises
    ------
    EquiscoreError
        With every fault: a key that is not known, an opinion without the name of who recorded it, a status that is no number.

    Examples
    --------
    >>> recorded_opinions({"dpo": {"recorded_by": "D. Protection", "names": "D. Protection", "status": 1, "opinion": "Favourable."}})
    {'dpos_names': 'D. Protection', 'dpo_status': 1, 'dpo_opinion': 'Favourable.'}
    """
    raise_all("recorded", list(_faults(recorded)))
    made: dict[str, Any] = {}
    if dpo := recorded.get("dpo"):
        made |= {"dpos_names": _text(dpo["names"]), "dpo_status": dpo["status"], "dpo_opinion": _text(dpo["opinion"])}
    if people := recorded.get("concerned_people"):
        made |= {"concerned_people_searched_opinion": people["searched"]}
        made |= _sought(people) if people["searched"] else {"concerned_people_searched_content": _text(people["reason"])}
    if validation := recorded.get("validation"):
        made |= {"status": validation["status"], "rejection_reason": _text(validation.get("reason") or "")}
        made |= {"applied_adjustments": _text(validation.get("adjustments") or "")}
    return made


def _sought(people: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "people_names": _text(people["names"]),
        "concerned_people_status": people["status"],
        "concerned_people_opinion": _text(people["opinion"]),
    }


def recorded_evaluations(recorded: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give each recorded evaluation as a row of the file; one that asks for correction is never complete (global status 2)."""
    for one in recorded.get("evaluations") or ():
        done = 2 if one.get("completed") and one["status"] > 1 else 1 if one.get("completed") else 0
        yield {
            "reference_to": str(one["on"]),
            "status": one["status"],
            "global_status": done,
            "action_plan_comment": _or_none(one.get("action_plan")),
            "evaluation_comment": _or_none(one.get("comment")),
            "evaluation_date": _day(one.get("day")),
            "gauges": {"x": one.get("severity") or 0, "y": one.get("likelihood") or 0},
            "estimated_implementation_date": _day(one.get("due")),
            "person_in_charge": _or_none(one.get("person_in_charge")),
        }


def _text(words: Any) -> str:
    return plain(str(words))


def _or_none(words: Any) -> str | None:
    return _text(words) if words else None


def _day(day: Any) -> str | None:
    return f"{day.isoformat() if isinstance(day, date) else day}T00:00:00.000Z" if day else None


def _faults(recorded: Mapping[str, Any]) -> Iterator[EquiscoreError]:
    for name, held in recorded.items():
        if name not in _KEYS:
            near = nearest(name, _KEYS)
            yield EquiscoreError(
                f"recorded.{name}: no such record. Fix: " + (f"did you mean {near!r}?" if near else f"use one of {', '.join(_KEYS)}.")
            )
        elif held:
            rows: Sequence[Any] = held if name == "evaluations" else [held]
            for place, row in enumerate(rows):
                where = f"recorded.{name}[{place}]" if name == "evaluations" else f"recorded.{name}"
                yield from (EquiscoreError(f"{where}: {said}") for said in _of_row(name, row))


def _of_row(name: str, row: Any) -> Iterator[str]:
    if not isinstance(row, Mapping):
        yield "not keys and values. Fix: see `scoring.dossier.pia.recorded`."
        return
    yield from (f"{key}: no such key. Fix: use one of {', '.join(sorted(_KEYS[name]))}." for key in sorted(map(str, row)) if key not in _KEYS[name])
    if not str(row.get("recorded_by") or "").strip():
        yield "nobody is named as who recorded it. Fix: take it from the register, where each opinion bears a name."
    for key, allowed in _wanted(name, row):
        value = row.get(key)
        fits = type(value) in {int, bool} and value in allowed if allowed else bool(str(value or "").strip())
        if not fits or (allowed and type(value) is not type(allowed[0])):
            yield f"{key}: " + (f"should be one of {', '.join(map(str, allowed))} (it is {value!r})" if allowed else "missing") + ". Fix: record it."


def _wanted(name: str, row: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Give the keys that a record needs, with the values that it may have."""
    if name == "dpo":
        yield from (("names", ()), ("status", (0, 1)), ("opinion", ()))
    if name == "concerned_people":
        yield "searched", (True, False)
        yield from (("names", ()), ("status", (0, 1)), ("opinion", ())) if row.get("searched") is True else (("reason", ()),)
    if name == "evaluations":
        yield from (("on", ()), ("status", (1, 2, 3)))
    if name == "validation":
        yield "status", (1, 2, 3)
