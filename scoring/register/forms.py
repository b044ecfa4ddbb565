"""What people enter into the register by a file: opinions, answers, incidents, deviations, contracts, notices, training, clauses.

A file is YAML with a `kind`; it is judged whole, and every fault is said at once. What is entered is what a named person said: the
register adds nothing to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError, model_validator

from scoring.assessment import Clause as ContractClause
from scoring.declaration import Text, explained, load_yaml
from scoring.errors import DeclarationError, nearest, raise_all
from scoring.plan import Declared, Word
from scoring.register.canonical import canonical, sha256, short
from scoring.register.database import Register
from scoring.register.models import Actor, Clause, Contract, Deviation, Incident, Notice, Opinion, Record, Training
from scoring.register.trail import Event


class Form(Declared):
    """A file of one kind; `rows` are what it becomes."""

    kind: str

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register."""
        raise NotImplementedError

    @property
    def told(self) -> dict[str, Any]:
        """What was said, as plain data."""
        return self.model_dump(mode="json", exclude={"activity"})

    def _key(self, *parts: str) -> str:
        """Return a key that is the same for the same thing said twice."""
        return f"{short(parts[0])[:60]}-{sha256(canonical([self.kind, *parts]))[:16]}"


class OpinionForm(Form):
    """An opinion of the data protection officer, of the persons concerned, or of the authority (GDPR art. 35(2), 35(9), 36)."""

    kind: Literal["opinion"]
    activity: Word
    of: Literal["dpo", "persons", "authority"]
    by: Word
    at: dt.date
    sought: bool = Field(True, description="Whether the persons' views were sought; false needs the reason in `text`.")
    favourable: bool | None = Field(None, description="Whether the processing may go on; empty where the opinion does not say.")
    text: Word

    @model_validator(mode="after")
    def _only_persons_are_not_asked(self) -> OpinionForm:
        if not self.sought and (self.of != "persons" or self.favourable is not None):
            raise ValueError("only the persons' views may be left unsought, and then nothing is favourable. Fix: take `sought` or `favourable` out.")
        return self

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register."""
        name = self._key(self.activity, self.of, self.by, str(self.at))
        return (Opinion(id=name, activity=self.activity, giver=short(self.by), given=self.at, document=self.told),)


class AnswerForm(Form):
    """What a named human answers to a rule of law where no fact can (`equiscore law ask` lists the questions)."""

    kind: Literal["answer"]
    activity: Word
    rule: Word
    by: Word
    at: dt.date
    reason: Word
    applies: bool | None = None
    satisfied: bool | None = None

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register: an answer is an opinion on a rule; a later one of the same rule takes its place."""
        name = self._key(self.activity, self.rule)
        return (Opinion(id=name, activity=self.activity, giver=short(self.by), given=self.at, document=self.told),)


class IncidentForm(Form):
    """Something that went wrong: a breach (GDPR art. 33, 34), a complaint, a wrong decision."""

    kind: Literal["incident"]
    activity: Word
    at: dt.date
    what: Word
    people: int | None = Field(None, ge=0, description="How many people it touched.")
    done: Word | None = Field(None, description="What was done about it.")
    closed_at: dt.date | None = None

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register."""
        status = "closed" if self.closed_at else "open"
        name = self._key(self.activity, str(self.at), self.what)
        return (Incident(id=name, activity=self.activity, happened=self.at, status=status, document=self.told),)


class DeviationForm(Form):
    """A deviation from the study found after launch."""

    kind: Literal["deviation"]
    activity: Word
    study: Word | None = Field(None, description="Digest of the study that it departs from.")
    at: dt.date
    what: Word
    decided: Word | None = Field(None, description="What was decided about it.")
    by: Word

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register."""
        status = "decided" if self.decided else "open"
        name = self._key(self.activity, str(self.at), self.what)
        return (Deviation(id=name, activity=self.activity, study=self.study, found=self.at, status=status, document=self.told),)


class ContractForm(Form):
    """A contract with somebody who takes part: clauses of art. 28(3), licence and intellectual property, confidentiality."""

    kind: Literal["contract"]
    activity: Word
    party: Word
    role: Literal["processor", "joint_controller", "provider", "recipient"]
    object: Text
    clauses: tuple[ContractClause, ...] = ()
    signed: dt.date | None = None
    ends: dt.date | None = None
    licence: Text | None = None

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register: the body, then the contract with it."""
        body = Actor(id=self._key(self.party), name=short(self.party), role=self.role, document={"name": self.party, "role": self.role})
        name = self._key(self.activity, self.party, self.role)
        return (body, Contract(id=name, actor=body.id, activity=self.activity, ends=self.ends, document=self.told))


class NoticeForm(Form):
    """What persons are told (GDPR art. 12 to 14), by version."""

    kind: Literal["notice"]
    activity: Word
    language: Literal["en", "fr"]
    valid_from: dt.date
    to: Word
    when: Word
    says: Word
    version: Word

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register."""
        name = self._key(self.activity, self.to, self.when, self.language, self.version)
        return (Notice(id=name, activity=self.activity, language=self.language, valid_from=self.valid_from, document=self.told),)


class TrainingForm(Form):
    """Who was trained in what, and when."""

    kind: Literal["training"]
    person: Word
    held: dt.date
    what: Word

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register."""
        return (Training(id=self._key(self.person, str(self.held), self.what), person=short(self.person), held=self.held, document=self.told),)


class ClauseForm(Form):
    """A clause of the library, by language and version."""

    kind: Literal["clause"]
    title: Word
    language: Literal["en", "fr"]
    version: Word
    text: Word

    def rows(self) -> Sequence[Record]:
        """Return the rows of the register."""
        name = self._key(self.title, self.language, self.version)
        return (Clause(id=name, title=short(self.title), language=self.language, document=self.told),)


KINDS: Final[Mapping[str, type[Form]]] = {
    "opinion": OpinionForm,
    "answer": AnswerForm,
    "incident": IncidentForm,
    "deviation": DeviationForm,
    "contract": ContractForm,
    "notice": NoticeForm,
    "training": TrainingForm,
    "clause": ClauseForm,
}
"""The forms by their kind."""


def read_form(path: str | Path) -> Form:
    """Read a file to be entered.

    Raises
    ------
    FaultyInput or DeclarationError
        With every fault: file, line, key, what is wrong, how to mend it.
    """
    path = Path(path)
    raw, lines, faults = load_yaml(path)
    form = KINDS.get(str(raw.get("kind")))
    if form is None:
        near = nearest(str(raw.get("kind")), KINDS)
        fix = f"did you mean {near!r}?" if near else f"use one of {', '.join(KINDS)}."
        raise DeclarationError(f"{path}{lines.at(('kind',))}: kind: {str(raw.get('kind'))[:40]!r} is no kind of entry. Fix: {fix}")
    try:
        made = form.model_validate(raw)
    except ValidationError as error:
        raise_all(str(path), [*faults, *explained(error, form, raw, path, lines)])
        raise
    raise_all(str(path), faults)
    return made


def enter(register: Register, form: Form, *, actor: str, at: dt.datetime) -> tuple[Event, ...]:
    """Keep what a form says, all of it or nothing.

    Raises
    ------
    EquiscoreError
        The activity or the study that it speaks of is not in the register.
    """
    return register.keep(*form.rows(), actor=actor, at=at)
