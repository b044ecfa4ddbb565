"""The facts of one person's score as the parts of a sheet, in the reader's language; all words are in the room ``explanation``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from scoring.explanations.facts import Facts, Held
from scoring.explanations.sheet import Grid, Part
from scoring.models.card.grouping import OTHERS
from scoring.models.columns import MISSING, UNSEEN, level_name
from scoring.models.explaining.nearest_change import FOUND, OUT_OF_REACH, NearestChange
from scoring.models.explaining.options import Option, Place
from scoring.texts import SEMICOLON, number, pick, say

LARGE: Final = 10_000
"""From here on whole numbers are written with marks between thousands: below it may be a year."""


@dataclass(frozen=True, slots=True)
class Words:
    """How the sheet speaks: the language, and what only the controller knows."""

    language: str
    decision_title: str | Mapping[str, str] = ""
    origin: str = ""
    contact: str = ""

    def say(self, key: str, **values: Any) -> str:
        """Return a text of the room."""
        return say(f"explanation.{key}", self.language, **values)

    def names(self, facts: Facts, names: Iterable[str]) -> str:
        """Return features by their titles, in a row."""
        return SEMICOLON[self.language].join(self.name(facts, one) for one in names)

    def name(self, facts: Facts, name: str) -> str:
        """Return a feature by its title, or its own name where it has none."""
        return pick(facts.traits.of(name).title, self.language) or name


def sheet_parts(facts: Facts, words: Words) -> tuple[Part, ...]:
    """Return the parts of the sheet in their order."""
    first = [part(facts, words) for part in (_result, _data, _procedure, _points, _reasons)]
    return (*first, *_changes(facts, words), _unknown(facts, words), _rights(words))


# -- numbers and values ------------------------------------------------------------------------------------------------------------


def figure(value: float, unit: str, language: str, *, signed: bool = False) -> str:
    """Write a score, or a part of one, in its unit.

    >>> figure(512.0, "points", "fr"), figure(-0.25, "log-odds", "en", signed=True), figure(0.5, "probability", "fr")
    ('512', '−0.250', '50,0\u202f%')
    """
    kind = {"points": "count" if float(value).is_integer() else "times", "log-odds": "ratio3"}.get(unit, "percent")
    return f"{'+' if signed and value > 0 else ''}{number(value, kind, language)}"


def written(value: Any, language: str) -> str:
    """Write a value that was held: numbers as the language does, truth values as words, all else as it is.

    >>> written(1234567, "fr"), written(2015, "en"), written(0.25, "fr"), written(True, "fr"), written("a", "fr")
    ('1\u202f234\u202f567', '2015', '0,25', 'oui', 'a')
    """
    name = level_name(value)
    if name in ("True", "False"):
        return say(f"explanation.{'yes' if name == 'True' else 'no'}", language)
    if not isinstance(value, int | float | np.number):
        return name
    amount = float(value)
    if amount.is_integer():
        return number(amount, "count" if abs(amount) >= LARGE else "plain", language)
    return number(amount, "ratio" if abs(amount) >= 1000 else "plain", language)


def placed(place: Place, language: str, *, whole: bool) -> str:
    """Write where a value stands: a range in words, a level as it is.

    >>> placed(Place("", 25.5, 40.5, ranged=True), "en", whole=True), placed(Place("", 25.5, ranged=True), "fr", whole=False)
    ('26 to 40', 'plus de 25,5')
    """
    if not place.ranged:
        ours = {MISSING: "value_missing", UNSEEN: "value_unseen", OTHERS: "value_others"}
        return say(f"explanation.{ours[place.label]}", language) if place.label in ours else written(place.label, language)
    below, above = math.isinf(place.low), math.isinf(place.high)
    if place.low == place.high:
        return written(place.low, language)
    low, high = (math.floor(place.low) + 1 if whole and not below else place.low), (math.floor(place.high) if whole and not above else place.high)
    if low == high:
        return written(low, language)
    key = "any" if below and above else "up_to" if below else ("from" if whole else "above") if above else "whole" if whole else "between"
    ends = {"low": "" if below else written(low, language), "high": "" if above else written(high, language)}
    return say(f"explanation.range_{key}", language, **ends)


def _value(facts: Facts, held: Held, words: Words) -> str:
    if held.missing:
        return words.say("value_missing")
    unit = pick(facts.traits.of(held.name).unit, words.language)
    value = written(held.value, words.language)
    return words.say("with_unit", value=value, unit=unit) if unit else value


def _mark(facts: Facts, name: str, words: Words) -> str:
    trait = facts.traits.of(name)
    change = {True: "changeable", False: "not_changeable"}.get(trait.changeable) if trait.changeable is not None else None
    return SEMICOLON[words.language].join(words.say(key) for key in (("protected",) if trait.protected else ()) + ((change,) if change else ()))


def _unit(facts: Facts) -> str:
    return facts.found.scale.replace("-", "_")


def _figure(facts: Facts, value: float, words: Words, *, signed: bool = True) -> str:
    return figure(value, facts.found.scale, words.language, signed=signed)


def _score(facts: Facts, value: float, words: Words) -> str:
    return figure(value, facts.scale, words.language)


# -- parts -------------------------------------------------------------------------------------------------------------------------


def _result(facts: Facts, words: Words) -> Part:
    lines = [words.say(f"result_{facts.scale}", score=_score(facts, facts.score, words))]
    if facts.cutoff is None:
        return Part(words.say("h_result"), (*lines, words.say("no_cutoff")))
    title = pick(words.decision_title, words.language)
    lines += [words.say("result_title", title=title)] if title else []
    lines += [words.say("cutoff", cutoff=_score(facts, facts.cutoff, words)), words.origin or words.say("origin_unknown")]
    return Part(words.say("h_result"), (*lines, words.say("favourable" if facts.favoured else "unfavourable")))


def _data(facts: Facts, words: Words) -> Part:
    rows = tuple((words.name(facts, one.name), _value(facts, one, words), _mark(facts, one.name, words)) for one in facts.held)
    unused = (words.say("data_unused", names=words.names(facts, facts.unused)),) if facts.unused else ()
    heads = (words.say("col_data"), words.say("col_value"), words.say("col_mark"))
    return Part(words.say("h_data"), (words.say("data"),), grid=Grid(heads, rows), after=unused)


def _procedure(facts: Facts, words: Words) -> Part:
    kind = "coefficients" if facts.found.method == "coefficients" else _unit(facts)
    lines = [words.say(f"procedure_{kind}", base=_figure(facts, facts.found.base, words, signed=False))]
    lines += [words.say("calibrated")] if facts.found.calibrated else []
    return Part(words.say("h_procedure"), (*lines, words.say("added_up")))


def _points(facts: Facts, words: Words) -> Part:
    named = [words.name(facts, one.name) for one in facts.held]
    counted = [placed(one.place, words.language, whole=one.whole) if one.place else _value(facts, one, words) for one in facts.held]
    parts = [_figure(facts, float(part), words) for part in facts.found.values[0]]
    ends = [(words.say("start"), "", _figure(facts, facts.found.base, words, signed=False))]
    ends += [(words.say(f"total_{_unit(facts)}"), "", _figure(facts, float(facts.found.total[0]), words, signed=False))]
    heads = (words.say("col_data"), words.say("col_place"), words.say(f"col_part_{_unit(facts)}"))
    whole = all(float(part).is_integer() for part in facts.found.values[0])
    grid = Grid(heads, (ends[0], *zip(named, counted, parts, strict=True), ends[1]), frozenset({2}))
    return Part(words.say("h_points"), grid=grid, after=() if whole else (words.say("rounded"),))


def _reasons(facts: Facts, words: Words) -> Part:
    rows = facts.reasons.table()
    protected = [name for name in facts.found.names if facts.traits.of(name).protected]
    after = (words.say("protected_counts"),) if protected else ()
    if rows.empty:
        return Part(words.say("h_reasons"), (words.say("reasons_none"),), after=after)
    listed = tuple(
        (str(rank), words.name(facts, name), _value(facts, _held(facts, name), words), _figure(facts, -cost, words), _mark(facts, name, words))
        for rank, name, cost in zip(rows["rank"], rows["feature"], rows["difference"], strict=True)
    )
    heads = tuple(words.say(f"col_{name}") for name in ("rank", "data", "value", "difference", "mark"))
    return Part(words.say("h_reasons"), (words.say(f"reasons_{facts.reasons.method}"),), grid=Grid(heads, listed, frozenset({0, 3})), after=after)


def _changes(facts: Facts, words: Words) -> Iterator[Part]:
    nearest = facts.nearest
    if nearest is None:
        return
    key = f"change_{nearest.status}" + (f"_{'one' if len(nearest.changes) == 1 else 'many'}" if nearest.status == FOUND else "")
    reached = {"score": _score(facts, nearest.score_after, words), "cutoff": _score(facts, nearest.cutoff, words)}
    first = words.say(key, n=len(nearest.changes), **(reached if nearest.status == OUT_OF_REACH else {}))
    after = (words.say("change_after", **reached),) if nearest.status == FOUND else ()
    listed = tuple(_changed(facts, one, words) for one in nearest.changes)
    yield Part(words.say("h_change"), (first,), listed, after=(*after, *_tried(facts, nearest, words)))
    if not facts.favoured and (grid := _alone(facts, nearest, words)):
        yield Part(words.say("h_alone"), (words.say("change_alone"),), grid=grid)


def _changed(facts: Facts, one: Option, words: Words) -> str:
    own = _held(facts, one.feature)
    gain = words.say(f"gain_{_unit(facts)}", gain=_figure(facts, one.gain, words))
    to = placed(one.to, words.language, whole=own.whole)
    return words.say("change_one", name=words.name(facts, one.feature), to=to, before=_value(facts, own, words), gain=gain)


def _alone(facts: Facts, nearest: NearestChange, words: Words) -> Grid | None:
    """Return the best single change of each feature that a person can change; none where nothing would gain anything."""
    gaining = nearest.variations[nearest.variations["gain"].astype(float) > 0]
    best = gaining.sort_values(["score", "effort"], ascending=[False, True], kind="stable").drop_duplicates("feature")
    heads = tuple(words.say(f"col_{name}") for name in ("data", "place", "instead", "alone", "crosses"))
    rows = tuple(_single(facts, nearest, row, words) for row in best.to_dict("records"))
    return Grid(heads, rows, frozenset({3})) if rows else None


def _single(facts: Facts, nearest: NearestChange, row: Mapping[Any, Any], words: Words) -> tuple[str, ...]:
    own = _held(facts, row["feature"])
    to = placed(nearest.places[row["feature"], row["to"]], words.language, whole=own.whole)
    crosses = words.say("yes" if row["crosses"] else "no")
    return words.name(facts, own.name), to, _value(facts, own, words), _score(facts, row["score"], words), crosses


def _held(facts: Facts, name: str) -> Held:
    return next(one for one in facts.held if one.name == name)


def _tried(facts: Facts, nearest: NearestChange, words: Words) -> Iterator[str]:
    if facts.favoured:
        return
    if nearest.considered:
        yield words.say("change_considered", names=words.names(facts, nearest.considered))
        if all(one.place is None for one in facts.held):
            yield words.say("change_grid")
    if nearest.undeclared:
        yield words.say("change_undeclared", names=words.names(facts, nearest.undeclared))
    yield words.say("change_no_promise")


def _unknown(facts: Facts, words: Words) -> Part:
    lacking = {key: [one.name for one in facts.held if getattr(one, key)] for key in ("missing", "unseen")}
    lines = [words.say(key, names=words.names(facts, names)) for key, names in lacking.items() if names]
    return Part(words.say("h_unknown"), (*(lines or [words.say("known_all")]), words.say("not_said")))


def _rights(words: Words) -> Part:
    contact = (words.say("contact", contact=words.contact),) if words.contact else ()
    return Part(words.say("h_rights"), listed=tuple(words.say(f"rights_{name}") for name in ("review", "data", "complaint")), after=contact)
