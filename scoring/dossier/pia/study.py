"""From a published study and a declaration to the answers of a PIA: nothing is made up, and what is missing says who must supply it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from scoring.dossier.pia.answers import Answers, Given
from scoring.dossier.pia.context import CONTEXT
from scoring.dossier.pia.principles import PRINCIPLES
from scoring.dossier.pia.risks import answers_on_risks, controls
from scoring.dossier.pia.told import Told
from scoring.dossier.view import View
from scoring.errors import EquiscoreError
from scoring.facts import checked_facts

_SIGNERS: Final = {"author": "analyst", "evaluator": "model_reviewer", "validator": "controller"}
"""Name on the file: the role that the declaration's sign-off gives it to."""


def answers_of(view: View, declared: Mapping[str, Any] | None = None, facts: Mapping[str, Any] | None = None, *, on: date | None = None) -> Answers:
    """Return what a PIA says of a study.

    Parameters
    ----------
    view
        The published tables of the study in the reader's language; its document is the register entry.
    declared
        What the controller said beyond the register entry, by the keys of `scoring.assessment.Assessment`; by default that of the
        study's document. It may also hold ``category``, ``author``, ``evaluator`` and ``validator``.
    facts
        Facts by the names of `scoring.facts`; by default those of the study's document.
    on
        The day that the file bears; by default the study's ``as_of``.

    Raises
    ------
    EquiscoreError
        No day is known: there is no clock in a study.
    """
    document = view.study.document or {}
    held = document.get("assessment") or {} if declared is None else declared
    stated = checked_facts(document.get("facts") or {} if facts is None else facts)
    day = on or view.plan.as_of
    if day is None:
        raise EquiscoreError("A PIA file bears a day, and the study declares none. Fix: declare study.as_of, or give `on`.")
    told = Told(view, document, held, stated)
    measures = controls(told)
    given = {number: Given(tuple(write(told))) for number, write in {**CONTEXT, **PRINCIPLES}.items()}
    named = {name: held.get(name) or _signer(document, role) for name, role in _SIGNERS.items()}
    return Answers(
        language=view.language,
        on=day,
        name=_name(told),
        given={**given, **answers_on_risks(told, measures)},
        controls=tuple(measures.values()),
        category=view.pick(held.get("category")) or told.say("category"),
        remarks=tuple(_remarks(told)),
        **named,
    )


def _signer(document: Mapping[str, Any], role: str) -> str | None:
    signers = (document.get("review") or {}).get("signers") or ()
    return ", ".join(str(one["name"]) for one in signers if one["role"] == role) or None


def _name(told: Told) -> str:
    if not told.activity:
        return told.view.say("title_audit")
    return told.view.say("activity_named", name=told.view.pick(told.activity["name"]), reference=told.activity["reference"])


def _remarks(told: Told) -> Iterator[tuple[int, str]]:
    """Say where exclusion stands in a file that has no place for it."""
    yield 331, told.say("remark_exclusion")
    yield 213, told.say("annex")
