"""Every fault of a PIA file before anybody imports it: kinds, then what must agree, then what an import would make of it.

The software takes almost anything and loses rows without a word; this takes nothing that it would lose.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from scoring.dossier.pia.markup import strange
from scoring.dossier.pia.simulate import opinions_status, simulate_import
from scoring.dossier.pia.tree import ITEMS, KEYS, QUESTIONS, data

_IS: Final[Mapping[str, Callable[[object], bool]]] = {
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in {int, float},
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z")
_MEASURE: Final = re.compile(r"3\.1\.(0|[1-9]\d*)", re.ASCII)
_GAUGED: Final = frozenset(item.ref for item in ITEMS if item.gauges)


def check_pia(file: object) -> list[str]:
    """Return every fault of a file, each with its place and its fix; an empty list where it may be imported.

    Parameters
    ----------
    file
        The parsed JSON, whatever it is: no content makes this raise.

    Examples
    --------
    >>> check_pia([])
    ['file: not an object with pia, answers, measures, evaluations, comments. Fix: write those five keys.']
    """
    if not isinstance(file, dict):
        return [f"file: not an object with {', '.join(KEYS)}. Fix: write those five keys."]
    faults = list(_of_form(file))
    return (
        faults
        or [*_of_answers(file), *_of_measures(file), *_of_evaluations(file), *_of_comments(file), *_of_opinions(file), *_of_rows(file)]
        or [*_of_import(file)]
    )


def _of_form(file: Mapping[str, Any]) -> Iterator[str]:
    """Hold every row against the kinds of its fields."""
    yield from (f"{key}: missing. Fix: write it; all five keys must be there." for key in KEYS if key not in file)
    yield from (f"{key!s:.60}: no such key. Fix: take it out; the file holds {', '.join(KEYS)}." for key in file if key not in KEYS)
    if "pia" in file:
        yield from _row("pia", file["pia"], "pia")
    for key in KEYS[1:]:
        rows = file.get(key, [])
        if not isinstance(rows, list):
            yield f"{key}: not a list. Fix: write a list; an empty one is []."
            continue
        for place, row in enumerate(rows):
            yield from _row(f"{key}[{place}]", row, key)


def _row(where: str, row: object, kind: str) -> Iterator[str]:
    if not isinstance(row, dict):
        yield f"{where}: not an object. Fix: write keys and values."
        return
    fields: Mapping[str, Mapping[str, Any]] = data("fields")[kind]
    yield from (f"{where}.{name}: missing. Fix: write it." for name, field in fields.items() if field.get("needed") and name not in row)
    for name, value in row.items():
        if name not in fields:
            yield f"{where}.{name!s:.60}: no such key. Fix: take it out, or correct the slip."
        elif said := _value(value, fields[name]):
            yield f"{where}.{name}: {said}"
        elif name in {"data", "gauges"} and isinstance(value, dict):
            yield from _row(f"{where}.{name}", value, name)
        elif name == "list" and value is not None:
            yield from _tags(f"{where}.list", value)


def _value(value: Any, field: Mapping[str, Any]) -> str | None:
    """Return what is wrong with one value, or nothing."""
    if not any(_IS[kind](value) for kind in field["kinds"]):
        kinds = " or ".join(field["kinds"])
        return f"should be {kinds} (it is {value!r:.60}). Fix: write a {kinds}, as JSON spells it."
    if "among" in field and not any(value is one or (type(value) is type(one) and value == one) for one in field["among"]):
        return f"should be one of {', '.join(map(str, field['among']))} (it is {value!r:.60}). Fix: use one of them."
    if type(value) in {int, float} and "least" in field and not field["least"] <= value <= field.get("most", math.inf):
        return f"should be {field['least']} to {field.get('most', 'any')} (it is {value!r:.60}). Fix: correct it."
    return _words(value, field) if isinstance(value, str) else None


def _words(value: str, field: Mapping[str, Any]) -> str | None:
    if field.get("filled") and not value.strip():
        return "empty. Fix: write something there."
    if field.get("day") and not _is_day(value):
        return f"no time such as 2026-01-31T00:00:00.000Z (it is {value!r:.60}). Fix: write one, ending in Z."
    if (markup := field.get("markup")) and (tag := strange(value, markup=markup)):
        return f"holds the tag {tag!r}, which the software would run. Fix: write it as text."
    return "holds a character that is no text. Fix: take it out." if re.search("[\ud800-\udfff]", value) else None


def _is_day(value: str) -> bool:
    found = _DAY.fullmatch(value)
    try:
        return found is not None and bool(date.fromisoformat(found[1]))
    except ValueError:
        return False


def _tags(where: str, tags: Sequence[object]) -> Iterator[str]:
    field = {"kinds": ["string"], "filled": True, "markup": "none"}
    for place, tag in enumerate(tags):
        if said := _value(tag, field):
            yield f"{where}[{place}]: {said}"


def _of_answers(file: Mapping[str, Any]) -> Iterator[str]:
    """Each of the 36 questions has one answer, and the answer what its kind asks."""
    told = Counter(row["reference_to"] for row in file["answers"])
    yield from (f"answers: question {n} has no answer. Fix: answer it, or say what is missing." for n in QUESTIONS if n not in told)
    yield from (f"answers: question {n} is answered {times} times; only the first is shown. Fix: keep one." for n, times in told.items() if times > 1)
    titles = {row["title"] for row in file["measures"]}
    for place, row in enumerate(file["answers"]):
        where, number, given = f"answers[{place}]", row["reference_to"], row["data"]
        if number not in QUESTIONS:
            yield f"{where}: {number} is no question. Fix: use one of the 36 numbers, 111 to 346."
            continue
        yield from (f"{where} (question {number}): {said}" for said in _of_answer(QUESTIONS[number], given))
        if number in {324, 334, 344}:
            strangers = [tag for tag in given["list"] or () if tag not in titles]
            yield from (f"{where} (question {number}): {tag!r:.60} is the title of no measure. Fix: add the measure." for tag in strangers)


def _of_answer(kind: str, given: Mapping[str, Any]) -> Iterator[str]:
    if kind in {"text", "gauge"} and not (given["text"] or "").strip():
        yield "no text. Fix: write the answer, or what is missing."
    if kind == "gauge" and not given["gauge"]:
        yield "no level. Fix: set the gauge to 1, 2, 3 or 4."
    if kind == "list" and not given["list"]:
        yield "an empty list. Fix: name at least one."
    if kind != "gauge" and given["gauge"] is not None:
        yield "a gauge where none is asked. Fix: write null."
    if kind != "list" and given["list"]:
        yield "a list where none is asked. Fix: write []."
    if kind == "list" and given["text"]:
        yield "a text where a list is asked. Fix: write null."


def _of_measures(file: Mapping[str, Any]) -> Iterator[str]:
    for name, why in (("id", "evaluations would be mixed up"), ("title", "a risk finds its measures by title")):
        again = [value for value, times in Counter(row[name] for row in file["measures"]).items() if times > 1]
        yield from (f"measures: {name} {value!r:.60} is there twice; {why}. Fix: give each its own." for value in again)
    if not file["measures"]:
        yield "measures: none. Fix: write one at least, or one that says that they are missing."


def _of_evaluations(file: Mapping[str, Any]) -> Iterator[str]:
    ids = tuple(row["id"] for row in file["measures"])
    known = {reference for item in ITEMS for reference in item.references(ids)}
    again = Counter(row["reference_to"] for row in file["evaluations"])
    yield from (f"evaluations: {one} is evaluated {times} times. Fix: keep one." for one, times in again.items() if times > 1)
    for place, row in enumerate(file["evaluations"]):
        where, reference = f"evaluations[{place}]", row["reference_to"]
        if reference not in known:
            orphan = "a measure that is not there" if _MEASURE.fullmatch(reference) else "nothing that the software evaluates"
            yield f"{where}: {reference!r:.60} is {orphan}. Fix: refer to an item, a question of 2.1 or 2.2, or 3.1.<id of a measure>."
        yield from (f"{where} ({reference:.20}): {said}" for said in _of_evaluation(row))


def _of_evaluation(row: Mapping[str, Any]) -> Iterator[str]:
    if row["status"] == 1 and not (row.get("evaluation_comment") or "").strip():
        yield "to be corrected, and no comment says what. Fix: write evaluation_comment."
    if row["status"] == 2 and not (row.get("action_plan_comment") or "").strip():
        yield "improvable, and no action plan. Fix: write action_plan_comment."
    gauges = row.get("gauges") or {}
    if row["status"] == 2 and row["reference_to"] in _GAUGED and not (gauges.get("x") and gauges.get("y")):
        yield "improvable, and no level after the measures. Fix: set gauges x (severity) and y (likelihood) to 1 to 4."
    if row["global_status"] == 2 and row["status"] < 2:
        yield "closed though it is pending or to be corrected. Fix: global_status 0 or 1."


def _of_comments(file: Mapping[str, Any]) -> Iterator[str]:
    for place, row in enumerate(file["comments"]):
        if row["reference_to"] not in QUESTIONS:
            yield f"comments[{place}]: {row['reference_to']} is no question. Fix: comment on questions only; others are not found after an import."


def _of_opinions(file: Mapping[str, Any]) -> Iterator[str]:
    """Hold opinions to be whole and named, a refusal to have a reason, a validation to stand on opinions."""
    pia = file["pia"]

    def lacking(names: Sequence[str]) -> list[str]:
        return [name for name in names if pia.get(name) is None or (isinstance(pia[name], str) and not pia[name].strip())]

    dpo, people = ("dpos_names", "dpo_status", "dpo_opinion"), ("people_names", "concerned_people_status", "concerned_people_opinion")
    searched = pia.get("concerned_people_searched_opinion")
    if 0 < len(lacking(dpo)) < len(dpo):
        yield f"pia: an opinion of the data protection officer without {', '.join(lacking(dpo))}. Fix: record the whole opinion, or none."
    if searched is True and lacking(people):
        yield f"pia: views of the persons concerned without {', '.join(lacking(people))}. Fix: record them, or that they were not sought and why."
    if searched is False and lacking(["concerned_people_searched_content"]):
        yield "pia: the persons concerned were not heard, and no reason is given. Fix: write concerned_people_searched_content."
    if searched is not True and len(lacking(people)) < len(people):
        yield "pia: views of the persons concerned that were not sought. Fix: set concerned_people_searched_opinion to true, or take them out."
    if pia["status"] == 1 and lacking(["rejection_reason"]):
        yield "pia: refused without a reason. Fix: write rejection_reason."
    if pia["status"] >= 2 and not opinions_status(pia):
        yield "pia: validated without the opinions of page 4.3. Fix: record them, or set status to 0."


def _of_rows(file: Mapping[str, Any]) -> Iterator[str]:
    """Ids are their own, and rows belong to the one PIA of the file."""
    for key in ("answers", "evaluations", "comments"):
        told = Counter(row["id"] for row in file[key] if "id" in row)
        yield from (f"{key}: id {one} is there {times} times. Fix: give each row its own." for one, times in told.items() if times > 1)
    own = file["pia"].get("id")
    for key in KEYS[1:]:
        others = {row["pia_id"] for row in file[key] if "pia_id" in row} - {own}
        if others and own is not None:
            yield f"{key}: rows of another PIA ({', '.join(map(str, sorted(others)))}). Fix: set pia_id to {own}."


def _of_import(file: Mapping[str, Any]) -> Iterator[str]:
    """Say what an import would lose, and what a validation lacks."""
    state, _ = simulate_import(file)
    yield from (f"import: {said}. Fix: correct its reference." for said in (*state.lost, *([state.error] if state.error else [])))
    if file["pia"]["status"] >= 2:
        open_items = [item.ref for item in ITEMS if state.statuses.get(item.ref, 0) < 7]
        if open_items:
            yield f"pia: validated while {', '.join(open_items)} are not complete. Fix: record their evaluations, or set status to 0."
