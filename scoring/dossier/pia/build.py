"""From answers to the file that the CNIL PIA software imports: five keys, exact types, nothing signed for anybody.

Source: LINCnil/pia 4.1.0, ``src/app/services/pia.service.ts`` (import and export), ``src/app/models/*.model.ts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from scoring.dossier.pia.answers import Answers, Control, Given
from scoring.dossier.pia.markup import Passage, plain, rich, titled
from scoring.dossier.pia.recorded import nothing_recorded, recorded_evaluations, recorded_opinions
from scoring.dossier.pia.simulate import simulate_import
from scoring.dossier.pia.tree import ITEMS, QUESTIONS, SUPPLIED_BY
from scoring.texts import say

ID: Final = 1
"""The software gives an id of its own on import; rows of a file only have to agree."""
UNASSESSED: Final = 4
"""Maximal: what nobody has assessed is not shown as small. The answer says that it stands for a missing one."""
_PIECES: Final = {1: "impacts", 2: "threats", 3: "sources", 4: "measures", 5: "severity", 6: "likelihood"}
_OF_QUESTIONS: Final = {
    111: "description",
    112: "controller",
    113: "standards",
    121: "data",
    122: "life_cycle",
    123: "supports",
    211: "purposes",
    212: "basis",
    213: "necessity",
    214: "quality",
    215: "retention",
    221: "notices",
    222: "consent",
    223: "access",
    224: "rectification",
    225: "objection",
    226: "contracts",
    227: "transfers",
    **{number: _PIECES[number % 10] for item in ITEMS if item.risk for number in item.questions},
}
"""Question: the piece that is missing where it has no answer at all."""


def missing(piece: str, language: str) -> str:
    """Return that a piece is missing, and who must supply it.

    >>> missing("standards", "en")
    'Missing: standards and reference texts that apply. To be supplied by: the data protection officer.'
    """
    by = say(f"pia.by_{SUPPLIED_BY[piece]}", language)
    return say("pia.missing", language, what=say(f"pia.need_{piece}", language), who=by)


def pia_file(answers: Answers, recorded: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the file as plain data: exactly ``pia``, ``answers``, ``measures``, ``evaluations``, ``comments``.

    Parameters
    ----------
    answers
        What is said; what is left out is answered as missing.
    recorded
        Opinions, evaluations and a validation that named humans recorded (`scoring.dossier.pia.recorded`); without it the status
        is 0, nothing is evaluated, and nobody has given an opinion.

    Raises
    ------
    EquiscoreError
        Something recorded bears no name, or is not of its form.

    Examples
    --------
    >>> from datetime import date
    >>> made = pia_file(Answers("en", date(2026, 1, 15), "Scoring"))
    >>> list(made), made["pia"]["status"], made["pia"]["progress"], len(made["answers"]), made["evaluations"]
    (['pia', 'answers', 'measures', 'evaluations', 'comments'], 0, 30.0, 36, [])
    """
    held = dict(recorded or {})
    answers = answers if answers.controls else replace(answers, controls=(_no_control(answers.language),))
    titles = _titles(answers.controls)
    stamp = f"{answers.on.isoformat()}T00:00:00.000Z"
    times = {"created_at": stamp, "updated_at": stamp}
    made: dict[str, Any] = {
        "pia": {**_head(answers), **nothing_recorded(), **recorded_opinions(held), **_TAIL, **times},
        "answers": [
            {"id": place, "pia_id": ID, "reference_to": number, "data": _data(number, answers, titles), **times}
            for place, number in enumerate(QUESTIONS, start=1)
        ],
        "measures": [_measure(place, title, one, times) for place, (title, one) in enumerate(zip(titles, answers.controls, strict=True), start=1)],
        "evaluations": [{"id": place, "pia_id": ID, **row, **times} for place, row in enumerate(recorded_evaluations(held), start=1)],
        "comments": [
            {"id": place, "pia_id": ID, "reference_to": number, "for_measure": False, "description": plain(text), **times}
            for place, (number, text) in enumerate(_remarks(answers), start=1)
        ],
    }
    made["pia"]["progress"] = simulate_import(made)[1]
    return made


_TAIL: Final = {
    "is_example": 0,
    "is_archive": 0,
    "structure_id": None,
    "structure_name": "",
    "structure_sector_name": "",
    "structure_data": None,
    "progress": 0,
}


def _head(answers: Answers) -> dict[str, Any]:
    named = {"author_name": answers.author, "evaluator_name": answers.evaluator, "validator_name": answers.validator}
    people = {key: plain(name) if name else missing(key.removesuffix("_name"), answers.language) for key, name in named.items()}
    return {"id": ID, "status": 0, "name": plain(answers.name), "category": plain(answers.category) if answers.category else None, **people}


def _no_control(language: str) -> Control:
    return Control(say("pia.no_control", language), (Passage(missing("measures", language), missing=True),))


def _titles(controls: tuple[Control, ...]) -> list[str]:
    """Return the titles, each its own: the software finds a measure of a risk by its title."""
    found: list[str] = []
    for control in controls:
        title, again = titled(control.title) or "-", 1
        while (numbered := title if again == 1 else f"{title} ({again})") in found:
            again += 1
        found.append(numbered)
    return found


def _measure(place: int, title: str, control: Control, times: Mapping[str, str]) -> dict[str, Any]:
    content = rich(control.passages) or rich([Passage(title)])
    return {"id": place, "pia_id": ID, "title": title, "content": content, "placeholder": "measures.default_placeholder", **times}


def _data(number: int, answers: Answers, titles: list[str]) -> dict[str, Any]:
    kind, given = QUESTIONS[number], answers.given.get(number, Given())
    said = missing(_OF_QUESTIONS[number], answers.language)
    if kind == "text":
        return {"text": rich(given.passages or (Passage(said, missing=True),)), "gauge": None, "list": []}
    if kind == "gauge":
        return _gauge(given, said, answers.language)
    if number % 10 == 4:
        named = [titles[place] for place, one in enumerate(answers.controls) if one.title in given.tags]
        return {"text": None, "gauge": None, "list": named or titles}
    return {"text": None, "gauge": None, "list": list(dict.fromkeys(filter(None, map(plain, given.tags)))) or [said]}


def _gauge(given: Given, said: str, language: str) -> dict[str, Any]:
    """Return a gauge with its words; one that nobody set stands at its highest, and says so."""
    level = given.gauge if given.gauge is not None else UNASSESSED
    passages = given.passages
    if given.gauge is None:
        passages = (Passage(f"{said} {say('pia.unassessed', language)}", missing=True), *passages)
    name = say(f"pia.level_{level}", language)
    return {"text": rich(passages or (Passage(say("pia.assessed", language, level=name)),)), "gauge": level, "list": []}


def _remarks(answers: Answers) -> Iterator[tuple[int, str]]:
    """Say beside lists and gauges what is missing; a text says it itself."""
    yield from answers.remarks
    for number, kind in QUESTIONS.items():
        given = answers.given.get(number, Given())
        if kind == "gauge" and given.gauge is None:
            yield number, f"{missing(_OF_QUESTIONS[number], answers.language)} {say('pia.unassessed', answers.language)}"
        if kind == "list" and not given.tags:
            key = "measures_not_linked" if number % 10 == 4 else None
            yield number, say(f"pia.{key}", answers.language) if key else missing(_OF_QUESTIONS[number], answers.language)
