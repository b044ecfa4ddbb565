"""What the parts of a declaration must not say against each other.

Works on the raw content, so that contradictions are reported together with the faults of single keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scoring.errors import nearest
from scoring.vocabulary import CROSS, Role

Place = tuple[str | int, ...]
Contradiction = tuple[Place, str]


def contradictions(raw: Mapping[str, Any]) -> list[Contradiction]:
    """Return each contradiction of a declaration: its place and a sentence that ends with the fix."""
    study = _mapping(raw.get("study"))
    return [fault for check in _CHECKS for fault in check(study)]


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _roles(column: object) -> list[str]:
    roles = _mapping(column).get("roles", [])
    return [roles] if isinstance(roles, str) else list(roles or [])


def _uses(study: Mapping[str, Any]) -> Iterator[tuple[Place, str, Role]]:
    """Go through every place that speaks of a column, with the role that the column must have there."""
    for name, group in _mapping(study.get("groups")).items():
        yield ("study", "groups", name, "column"), _mapping(group).get("column", ""), Role.PROTECTED
    for part, role in (("decision", Role.DECISION), ("outcome", Role.OUTCOME), ("score", Role.SCORE), ("segments", Role.SEGMENT)):
        yield ("study", part, "column"), _mapping(study.get(part)).get("column") or "", role
    train = _mapping(_mapping(study.get("score")).get("train"))
    kmeans = _mapping(_mapping(study.get("segments")).get("kmeans"))
    for place, names in ((("study", "score", "train", "features"), train), (("study", "segments", "kmeans", "features"), kmeans)):
        for position, name in enumerate(names.get("features") or []):
            yield (*place, position), name, Role.FEATURE


def _columns_are_declared(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    columns = _mapping(study.get("columns"))
    for place, name, role in _uses(study):
        if not name or not columns:
            continue
        if name not in columns:
            near = nearest(str(name), map(str, columns))
            yield place, f"{place[-1]}: {name!r} is not among study.columns. Fix: " + (f"did you mean {near!r}?" if near else "declare it there.")
        elif role not in _roles(columns[name]):
            yield ("study", "columns", name, "roles"), f"study.columns.{name}: used as {role}, but without that role. Fix: add {role} to its roles."


def _protected_columns_make_groups(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    used = {_mapping(group).get("column") for group in _mapping(study.get("groups")).values()}
    for name, column in _mapping(study.get("columns")).items():
        if Role.PROTECTED in _roles(column) and name not in used:
            yield (
                ("study", "columns", name),
                f"study.columns.{name}: protected, but no group is made of it. Fix: add it to study.groups, or take the role away.",
            )


def _one_column_a_role(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    single = (Role.IDENTIFIER, Role.DECISION, Role.OUTCOME, Role.SCORE, Role.WEIGHT, Role.CLUSTER, Role.PERIOD, Role.SEGMENT)
    for role in single:
        holders = [name for name, column in _mapping(study.get("columns")).items() if role in _roles(column)]
        if len(holders) > 1:
            yield ("study", "columns", holders[1]), f"study.columns: {' and '.join(holders)} all have the role {role}. Fix: leave it to one."


def _dates_need_a_day(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    columns = _mapping(study.get("columns"))
    for name, group in _mapping(study.get("groups")).items():
        kind = _mapping(columns.get(_mapping(group).get("column", ""))).get("type")
        cut = _mapping(group).get("edges")
        if kind == "date" and cut and not study.get("as_of"):
            yield (
                ("study", "groups", name),
                f"study.groups.{name}: an age needs a day to be worked out for. Fix: add study.as_of (there is no clock in a study).",
            )
        if kind == "date" and not cut:
            yield ("study", "groups", name), f"study.groups.{name}: a date makes no groups. Fix: add edges in completed years, such as [25, 66]."
        if kind in {"text", "boolean"} and cut:
            yield (
                ("study", "groups", name, "edges"),
                f"study.groups.{name}: {kind} cannot be cut at edges. Fix: take the edges away, or declare the column a number.",
            )
        if kind == "number" and not cut:
            yield (
                ("study", "groups", name),
                f"study.groups.{name}: a number without edges makes no groups. Fix: add edges, or declare the column integer or text.",
            )


def _scores_are_there(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    score, outcome = _mapping(study.get("score")), study.get("outcome")
    if _mapping(study.get("decision")).get("cutoff") and not score:
        yield ("study", "decision", "cutoff"), "study.decision.cutoff: there is no score to cut. Fix: add study.score."
    if _mapping(study.get("segments")).get("bands") and not score:
        yield ("study", "segments", "bands"), "study.segments.bands: there is no score to cut. Fix: add study.score."
    if score.get("train") and not outcome:
        yield ("study", "score", "train"), "study.score.train: nothing to learn from. Fix: add study.outcome."
    if score.get("train") and not any(Role.FEATURE in _roles(c) for c in _mapping(study.get("columns")).values()):
        yield ("study", "score", "train"), "study.score.train: no column has the role feature. Fix: give the role to those that may enter the score."
    if _mapping(_mapping(study.get("decision")).get("cutoff")).get("rule") == "cost" and not outcome:
        yield ("study", "decision", "cutoff"), "study.decision.cutoff: the rule cost weighs outcomes. Fix: add study.outcome, or choose another rule."


def _names_can_be_crossed(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    for name in _mapping(study.get("groups")):
        if CROSS in str(name):
            yield (
                ("study", "groups", name),
                f"study.groups: {name!r} holds {CROSS!r}, which stands between the names of a combination. Fix: rename it.",
            )


def _references_are_attributes(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    groups = _mapping(study.get("groups"))
    for name in _mapping(study.get("reference")):
        if groups and name not in groups:
            near = nearest(str(name), map(str, groups))
            yield (
                ("study", "reference", name),
                f"study.reference: {name!r} is no group. Fix: " + (f"did you mean {near!r}?" if near else "name one of study.groups."),
            )


def _measured_or_not(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    measured = {_mapping(group).get("criterion") for group in _mapping(study.get("groups")).values()}
    for position, row in enumerate(study.get("not_measured") or []):
        if (criterion := _mapping(row).get("criterion")) in measured:
            yield ("study", "not_measured", position), f"study.not_measured: {criterion} is measured by a group. Fix: take it out of one of the two."


_CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[Contradiction]], ...] = (
    _columns_are_declared,
    _protected_columns_make_groups,
    _one_column_a_role,
    _dates_need_a_day,
    _scores_are_there,
    _names_can_be_crossed,
    _references_are_attributes,
    _measured_or_not,
)
