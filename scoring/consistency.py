"""What the parts of a declaration must not say against each other.

Works on the raw content, so that contradictions are reported together with the faults of single keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scoring.declaration import dotted
from scoring.errors import nearest
from scoring.segment_rules import RFM_RULES
from scoring.vocabulary import CROSS, Role

Place = tuple[str | int, ...]
Contradiction = tuple[Place, str]


def contradictions(raw: Mapping[str, Any]) -> list[Contradiction]:
    """Return each contradiction of a declaration: its place and a sentence that ends with the fix."""
    study = _mapping(raw.get("study"))
    return [fault for check in _CHECKS for fault in check(study)]


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(value: object) -> str:
    """Return a value as the name that it should be; what cannot be one is a fault of its own key, found elsewhere."""
    return value if isinstance(value, str) else ""


def _roles(column: object) -> list[str]:
    roles = _mapping(column).get("roles")
    return [roles] if isinstance(roles, str) else [_word(role) for role in _listed(roles)]


def _columns(study: Mapping[str, Any]) -> dict[str, Any]:
    return _mapping(study.get("columns"))


def _groups(study: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: _mapping(group) for name, group in _mapping(study.get("groups")).items()}


def _uses(study: Mapping[str, Any]) -> Iterator[tuple[Place, str, Role]]:
    """Go through every place that speaks of a column, with the role that the column must have there."""
    for name, group in _groups(study).items():
        yield ("study", "groups", name, "column"), _word(group.get("column")), Role.PROTECTED
    for part, role in (("decision", Role.DECISION), ("outcome", Role.OUTCOME), ("score", Role.SCORE), ("segments", Role.SEGMENT)):
        yield ("study", part, "column"), _word(_mapping(study.get(part)).get("column")), role
    for position, stage in enumerate(_listed(study.get("funnel"))):
        yield ("study", "funnel", position, "column"), _word(_mapping(stage).get("column")), Role.STAGE
    for name, amount in _mapping(study.get("amounts")).items():
        yield ("study", "amounts", name, "column"), _word(_mapping(amount).get("column")), Role.AMOUNT
    for name, membership in _mapping(study.get("memberships")).items():
        for level, column in _mapping(_mapping(membership).get("probabilities")).items():
            yield ("study", "memberships", name, "probabilities", level), _word(column), Role.PROBABILITY
        yield ("study", "memberships", name, "cell"), _word(_mapping(membership).get("cell")), Role.CELL
    cutoff = _mapping(_mapping(study.get("decision")).get("cutoff"))
    for cost in ("wrongly_accepted", "wrongly_refused"):
        yield ("study", "decision", "cutoff", cost, "column"), _word(_mapping(cutoff.get(cost)).get("column")), Role.AMOUNT
    for part, way in (("score", "train"), ("segments", "kmeans"), ("segments", "mixture")):
        names = _listed(_mapping(_mapping(study.get(part)).get(way)).get("features"))
        for position, name in enumerate(names):
            yield ("study", part, way, "features", position), _word(name), Role.FEATURE
    yield from _uses_of_segments(_mapping(study.get("segments")))


def _uses_of_segments(segments: Mapping[str, Any]) -> Iterator[tuple[Place, str, Role]]:
    for way, key, role in (*(("rfm", part, Role.FEATURE) for part in _RFM), ("tiers", "column", Role.FEATURE), ("tiers", "previous", Role.SEGMENT)):
        yield ("study", "segments", way, key), _word(_mapping(segments.get(way)).get(key)), role


_RFM = ("recency", "frequency", "monetary")
_MEASURED = {"kmeans": "k-means", "mixture": "a mixture", "rfm": "RFM", "tiers": "tiers"}


def _columns_are_declared(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    columns = _columns(study)
    for place, name, role in _uses(study):
        if not name or not columns:
            continue
        if name not in columns:
            near = nearest(str(name), map(str, columns))
            yield place, f"{dotted(place)}: {name!r} is not among study.columns. Fix: " + (f"did you mean {near!r}?" if near else "declare it there.")
        elif role not in _roles(columns[name]):
            yield ("study", "columns", name, "roles"), f"study.columns.{name}: used as {role}, but without that role. Fix: add {role} to its roles."


def _protected_columns_make_groups(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    columns = _columns(study)
    used = {_word(group.get("column")) for group in _groups(study).values()}
    used |= {nearest(name, map(str, columns)) or "" for name in used - set(columns)}  # a slip there is said there
    for name, column in _columns(study).items():
        if Role.PROTECTED in _roles(column) and name not in used:
            yield (
                ("study", "columns", name),
                f"study.columns.{name}: protected, but no group is made of it. Fix: add it to study.groups, or take the role away.",
            )


def _one_column_a_role(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    single = (Role.IDENTIFIER, Role.DECISION, Role.OUTCOME, Role.SCORE, Role.WEIGHT, Role.CLUSTER, Role.PERIOD, Role.SEGMENT)
    for role in single:
        holders = [name for name, column in _columns(study).items() if role in _roles(column)]
        if len(holders) > 1:
            yield ("study", "columns", holders[1]), f"study.columns: {' and '.join(holders)} all have the role {role}. Fix: leave it to one."


def _dates_need_a_day(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    columns = _columns(study)
    for name, group in _groups(study).items():
        kind = _word(_mapping(columns.get(_word(group.get("column")))).get("type"))
        cut = group.get("edges")
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
                f"study.groups.{name}.edges: {kind} cannot be cut at edges. Fix: take the edges away, or declare the column a number.",
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
    if score.get("applied_cutoff") is not None and _mapping(study.get("decision")).get("cutoff"):
        yield (
            ("study", "score", "applied_cutoff"),
            "study.score.applied_cutoff: the decision is itself a cut-off of the score. Fix: take it out, or declare study.decision.column.",
        )
    if _mapping(study.get("segments")).get("bands") and not score:
        yield ("study", "segments", "bands"), "study.segments.bands: there is no score to cut. Fix: add study.score."
    if score.get("train") is not None and not outcome:
        yield ("study", "score", "train"), "study.score.train: nothing to learn from. Fix: add study.outcome."
    if score.get("train") is not None and _columns(study) and not any(Role.FEATURE in _roles(c) for c in _columns(study).values()):
        yield ("study", "score", "train"), "study.score.train: no column has the role feature. Fix: give the role to those that may enter the score."
    if score.get("train") is not None:
        chosen = _listed(_mapping(score["train"]).get("features"))
        for name, column in _columns(study).items():
            if _mapping(column).get("type") == "date" and (name in chosen if chosen else Role.FEATURE in _roles(column)):
                yield (
                    ("study", "columns", name),
                    f"study.columns.{name}: a day is no feature of a score. Fix: give the role to a number, such as an age.",
                )
    if _mapping(_mapping(study.get("decision")).get("cutoff")).get("rule") == "cost" and not outcome:
        yield ("study", "decision", "cutoff"), "study.decision.cutoff: the rule cost weighs outcomes. Fix: add study.outcome, or choose another rule."


def _numbers_are_numbers(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Ask that scores, weights and what segments are measured by are numbers: a text would stop the run half-way."""
    uses = [(name, str(role)) for _, name, role in _uses(study) if role in {Role.SCORE, Role.AMOUNT, Role.PROBABILITY}]
    uses += [(name, str(Role.WEIGHT)) for name, column in _columns(study).items() if Role.WEIGHT in _roles(column)]
    uses += [(name, f"feature of {_MEASURED[str(at[2])]}") for at, name, role in _uses(study) if at[2] in _MEASURED and role is Role.FEATURE]
    for name, used in uses:
        if (kind := _word(_mapping(_columns(study).get(name)).get("type"))) in {"text", "boolean", "date"}:
            yield ("study", "columns", name, "type"), f"study.columns.{name}.type: a {used} is no {kind}. Fix: declare it number or integer."


def _offers_name_segments(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Each segment that the declaration makes has its offer, and no offer is for a segment that nobody makes."""
    segments = _mapping(study.get("segments"))
    offers, names = _mapping(segments.get("offers")), [str(name) for name in _segments_made(segments)]
    if not offers or not names:
        return
    for name in offers:
        if str(name) not in names:
            near = nearest(str(name), names)
            fix = f"did you mean {near!r}?" if near else f"use one of {', '.join(names)}."
            yield ("study", "segments", "offers", name), f"study.segments.offers.{name}: no such segment. Fix: {fix}"
    if silent := [name for name in names if name not in map(str, offers)]:
        yield (
            ("study", "segments", "offers"),
            f"study.segments.offers: nothing is said of {', '.join(map(repr, silent))}. Fix: add each; empty (null) says that there is no offer.",
        )


def _segments_made(segments: Mapping[str, Any]) -> list[Any]:
    """Return the names of the segments that the declaration makes; none where it does not say, or not rightly."""
    bands, rfm, tiers = (_mapping(segments.get(way)) for way in ("bands", "rfm", "tiers"))
    clusters = _mapping(segments.get("kmeans")) or _mapping(segments.get("mixture"))
    if rfm:
        rest = rfm.get("rest")
        return [*(_mapping(rfm.get("rules")) or RFM_RULES), *([rest] if _word(rest) else [])]
    if tiers:
        return [tiers.get("below", "(none)"), *_mapping(tiers.get("thresholds"))]
    edges, number = _listed(bands.get("edges")), clusters.get("segments") or bands.get("quantiles")
    if made := _listed(bands.get("labels")) or (list(map(str, range(len(edges) + 1))) if edges else []):
        return made if all(map(_word, made)) else []
    return list(range(number)) if isinstance(number, int) and 0 < number <= 100 else []


def _names_can_be_crossed(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    for name in _mapping(study.get("groups")):
        if CROSS in str(name):
            yield (
                ("study", "groups", name),
                f"study.groups: {name!r} holds {CROSS!r}, which stands between the names of a combination. Fix: rename it.",
            )


def _populations_are_of_groups(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    groups = _groups(study)
    for name, population in _mapping(study.get("population")).items():
        if groups and name not in groups:
            near = nearest(str(name), map(str, groups))
            fix = f"did you mean {near!r}?" if near else "name one of study.groups."
            yield ("study", "population", name), f"study.population: {name!r} is no group. Fix: {fix}"
            continue
        group = groups.get(name, {})
        levels = [str(level) for level in _listed(group.get("labels")) or _listed(group.get("levels"))]
        if strange := [str(level) for level in _mapping(_mapping(population).get("shares")) if levels and str(level) not in levels]:
            yield (
                ("study", "population", name, "shares"),
                f"study.population.{name}.shares: {', '.join(map(repr, strange))} is no level of {name!r}. Fix: use {', '.join(levels)}.",
            )


def _stages_differ(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    names = [_word(_mapping(stage).get("name")) for stage in _listed(study.get("funnel"))]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        yield ("study", "funnel"), f"study.funnel: two stages are called {name!r}. Fix: give each its own name."


def _memberships_are_no_groups(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    for name in set(_mapping(study.get("memberships"))) & set(_groups(study)):
        yield ("study", "memberships", name), f"study.memberships: {name!r} is a group too. Fix: rename one of the two."


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
    known = [*_groups(study).values(), *map(_mapping, _mapping(study.get("memberships")).values())]
    measured = {_word(part.get("criterion")) for part in known} - {""}
    for position, row in enumerate(_listed(study.get("not_measured"))):
        if (criterion := _word(_mapping(row).get("criterion"))) in measured:
            yield ("study", "not_measured", position), f"study.not_measured: {criterion} is measured by a group. Fix: take it out of one of the two."


def _horizons_end(study: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Ask for the day by which a horizon has passed or not."""
    if _mapping(study.get("score")).get("horizon") is None:
        return
    place = ("study", "score", "horizon")
    periods = [name for name, column in _columns(study).items() if Role.PERIOD in _roles(column)]
    for name in periods:
        dated = _word(_mapping(_columns(study)[name]).get("type")) == "date"
        if dated and not study.get("as_of"):
            yield (
                place,
                f"study.score.horizon: no day says whether it has passed since {name!r}. Fix: add study.as_of, the last day that the file knows of.",
            )


_CHECKS: tuple[Callable[[Mapping[str, Any]], Iterator[Contradiction]], ...] = (
    _columns_are_declared,
    _protected_columns_make_groups,
    _one_column_a_role,
    _dates_need_a_day,
    _scores_are_there,
    _numbers_are_numbers,
    _offers_name_segments,
    _names_can_be_crossed,
    _populations_are_of_groups,
    _stages_differ,
    _memberships_are_no_groups,
    _references_are_attributes,
    _measured_or_not,
    _horizons_end,
)
