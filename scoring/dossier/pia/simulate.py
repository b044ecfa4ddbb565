"""What the CNIL PIA software makes of a file: ids given anew, rows lost, the status of each item, the progress.

A model of LINCnil/pia 4.1.0 from its sources: `PiaService.importData`, `GlobalEvaluationService.verification`, `dpoValidation`,
`calculPiaProgress`. It takes what the software takes, faults included, so that a file is judged by what would happen to it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from scoring.dossier.pia.tree import ITEMS, Item

_FIRST_ID: Final = 1001
"""Ids in the software's own store: never those of the file, so that what is not mapped shows."""


@dataclass(frozen=True, slots=True)
class State:
    """What stands in the store after an import; `error` is what the user is told, or that the import never ends."""

    pia: Mapping[str, Any] | None = None
    answers: tuple[Mapping[str, Any], ...] = ()
    measures: tuple[Mapping[str, Any], ...] = ()
    evaluations: tuple[Mapping[str, Any], ...] = ()
    comments: tuple[Mapping[str, Any], ...] = ()
    statuses: Mapping[str, int] = field(default_factory=dict)
    """Item: 0 empty, 1 partly filled, 2 filled, 3 to correct, 4 pending, 5 partly evaluated, 6 evaluated, 7 complete, 8 validated."""
    lost: tuple[str, ...] = ()
    """Rows that the import loses without a word, or stores where nothing shows them."""
    error: str | None = None


class _Rows(NamedTuple):
    kept: tuple[Mapping[str, Any], ...]
    lost: tuple[str, ...] = ()


def simulate_import(file: object) -> tuple[State, float]:
    """Return what an import leaves behind, and the progress shown: 0 to 100, or nan where none is ever worked out.

    Parameters
    ----------
    file
        The parsed JSON, whatever it is.

    Examples
    --------
    >>> state, progress = simulate_import({"pia": {"name": "Minimal"}, "answers": [], "measures": [], "evaluations": [], "comments": []})
    >>> state.pia["name"], state.statuses["3.1"], progress
    ('(IMPORT) Minimal', 0, 0.0)
    >>> simulate_import([])
    (State(pia=None, ..., error='wrong pia file'), nan)
    """
    if not isinstance(file, Mapping) or not isinstance(file.get("pia"), Mapping):
        return State(error="wrong pia file"), math.nan
    pia = {**file["pia"], "name": f"(IMPORT) {file['pia'].get('name', 'undefined')}", "status": _parse_int(file["pia"].get("status"))}
    for key in ("answers", "measures", "comments"):
        if not isinstance(file.get(key), list) or not all(isinstance(row, Mapping) for row in file[key]):
            return State(pia=pia, error=f"{key}: no list of rows; a half-empty PIA is left behind"), math.nan
    answers = tuple(file["answers"])
    measures = tuple({**row, "id": _FIRST_ID + place} for place, row in enumerate(file["measures"]))
    renamed = {str(row.get("id", "undefined")): new["id"] for row, new in zip(file["measures"], measures, strict=True)}
    evaluations = _evaluations(file.get("evaluations"), renamed)
    if any(not isinstance(row.get("data"), Mapping) for row in answers):
        return State(
            pia, answers, measures, evaluations.kept, tuple(file["comments"]), error="an answer without data: the import never ends"
        ), math.nan
    statuses = {item.ref: _status(item, pia, answers, measures, evaluations.kept) for item in ITEMS}
    statuses["4.3"] = opinions_status(pia)
    lost = (*evaluations.lost, *_invisible(answers, measures, evaluations.kept))
    return State(pia, answers, measures, evaluations.kept, tuple(file["comments"]), statuses, lost), progress_of(statuses, pia["status"])


def _parse_int(value: object) -> int:
    """Read a number as JavaScript's parseInt does; what is none is 0."""
    found = re.match(r"\s*([+-]?\d{1,15})", "" if isinstance(value, bool) or value is None else str(value))
    return int(found[1]) if found else 0


def _evaluations(rows: object, renamed: Mapping[str, int]) -> _Rows:
    """Store evaluations until the first whose reference is no text: all later ones are lost, and nobody is told."""
    if not isinstance(rows, list):
        return _Rows((), ("evaluations: not a list, all lost",))
    kept: list[Mapping[str, Any]] = []
    for place, row in enumerate(rows):
        reference = row.get("reference_to") if isinstance(row, Mapping) else None
        if not isinstance(reference, str):
            return _Rows(tuple(kept), (f"evaluations[{place}:]: its reference is no text, {len(rows) - place} lost",))
        parts = reference.split(".")
        if reference.startswith("3.1") and len(parts) > 2 and parts[2] in renamed:
            reference = f"3.1.{renamed[parts[2]]}"
        kept.append({**row, "reference_to": reference})
    return _Rows(tuple(kept))


def _status(
    item: Item,
    pia: Mapping[str, Any],
    answers: Sequence[Mapping[str, Any]],
    measures: Sequence[Mapping[str, Any]],
    evaluations: Sequence[Mapping[str, Any]],
) -> int:
    """Return the status of an item (`GlobalEvaluationService.verification`)."""
    if item.evaluated == "measure":
        held: list[Mapping[str, Any]] = [row for row in measures if row.get("title") and row.get("content")]
        asked, valid = len(measures), len(held)
    else:
        held = [found for number in item.questions if (found := _answer(answers, number)) is not None]
        asked, valid = len(item.questions), sum(_filled(item.questions[row["reference_to"]], row["data"]) for row in held)
    if not held:
        return 0
    if valid < asked:
        return 1
    references = item.references(tuple(row["id"] for row in measures))
    placed = [row for one in references if (row := next((row for row in evaluations if row["reference_to"] == one), None)) is not None]
    return _evaluated(item, placed, pia["status"]) if placed else 2


def _answer(answers: Sequence[Mapping[str, Any]], number: int) -> Mapping[str, Any] | None:
    """Return the first answer of a question; a reference that is text is never found."""
    return next((row for row in answers if type(row.get("reference_to")) in {int, float} and row["reference_to"] == number), None)


def _filled(kind: str, data: Mapping[str, Any]) -> bool:
    text, gauge, listed = bool(data.get("text")), _above(data.get("gauge"), 0), bool(data.get("list"))
    return {"text": text, "list": listed, "gauge": text and gauge}[kind]


def _above(value: object, bound: float) -> bool:
    """Compare as JavaScript does: a text that is a number counts as one, what is none is not above."""
    if value is None or isinstance(value, (list, Mapping)):
        return False
    try:
        return float(value) > bound  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return False


def _evaluated(item: Item, found: Sequence[Mapping[str, Any]], status: int) -> int:
    started = [_above(row.get("status"), 0) for row in found]
    if not all(started):
        return 5 if any(started) else 4
    if all(_above(row.get("status"), 1) and row.get("global_status") == 2 for row in found):
        return 8 if status >= 2 else 7
    if any(row.get("status") == 1 and row.get("global_status") == 1 for row in found):
        return 3
    return 6 if all(_evaluation_filled(item, row) for row in found) else 5


def _evaluation_filled(item: Item, row: Mapping[str, Any]) -> bool:
    if row.get("status") == 1:
        return bool(row.get("evaluation_comment"))
    if row.get("status") == 2:
        gauges = row.get("gauges") if isinstance(row.get("gauges"), Mapping) else {}
        placed = item.evaluated != "item" or (item.gauges and all(_above((gauges or {}).get(axis), 0) for axis in "xy"))
        return bool(row.get("action_plan_comment")) and placed
    return row.get("status") == 3


def opinions_status(pia: Mapping[str, Any]) -> int:
    """Return the status of page 4.3 (`dpoValidation`): 7 or 8 where opinions are complete, else 0.

    >>> people = {"concerned_people_searched_opinion": False, "concerned_people_searched_content": "No panel yet."}
    >>> dpo = {"dpos_names": "D. P.", "dpo_status": 1, "dpo_opinion": "Favourable."}
    >>> opinions_status({**dpo, **people}), opinions_status({**dpo, **people, "dpo_status": "1"})
    (7, 0)
    """
    dpo = bool(pia.get("dpos_names")) and _zero_or_one(pia.get("dpo_status")) and bool(pia.get("dpo_opinion"))
    searched = pia.get("concerned_people_searched_opinion")
    if searched is True:
        people = bool(pia.get("people_names")) and _zero_or_one(pia.get("concerned_people_status")) and bool(pia.get("concerned_people_opinion"))
    else:
        people = searched is False and bool(pia.get("concerned_people_searched_content"))
    return (8 if _parse_int(pia.get("status")) > 1 else 7) if dpo and people else 0


def _zero_or_one(value: object) -> bool:
    return type(value) in {int, float} and value in {0, 1}


def progress_of(statuses: Mapping[str, int], status: int) -> float:
    """Return the progress from the statuses of items and the status of the PIA.

    >>> progress_of({"1.1": 2, "1.2": 5, "4.3": 7}, 0), progress_of({item.ref: 8 for item in ITEMS} | {"4.3": 8}, 2)
    (17.25, 100.0)
    """
    shares = [0.0, *[3.75] * 4, *[7.5] * 2, *[11.25] * 2]
    reached = sum(shares[statuses[item.ref]] for item in ITEMS if item.ref in statuses)
    return min(100.0, reached + (4.0 if status > 0 else 0.0) + (6.0 if statuses.get("4.3", 0) >= 7 else 0.0))


def _invisible(
    answers: Sequence[Mapping[str, Any]], measures: Sequence[Mapping[str, Any]], evaluations: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    """Return what is stored and never shown: answers and evaluations that nothing looks up."""
    shown = [id(_answer(answers, number)) for item in ITEMS for number in item.questions]
    known = {reference for item in ITEMS for reference in item.references(tuple(row["id"] for row in measures))}
    lost = [f"answers[{place}]: never shown" for place, row in enumerate(answers) if id(row) not in shown]
    return (*lost, *(f"evaluations {row['reference_to']}: never shown" for row in evaluations if row["reference_to"] not in known))
