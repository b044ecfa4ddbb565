"""Processing activities: the record that GDPR art. 30 asks for, entered, listed and searched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import select

from scoring.errors import EquiscoreError
from scoring.register.canonical import fold, short
from scoring.register.database import Register
from scoring.register.models import Activity, TrailEvent
from scoring.register.trail import Event

STATES: Final = ("planned", "active", "stopped")
_SEARCHED: Final = ("reference", "name", "controller", "joint_controllers", "dpo", "purposes", "persons", "data", "recipients", "transfers")
_MOST: Final = 8_000
"""Characters that are searched; what comes later in a longer record is found by reading it."""


class Listed(NamedTuple):
    """An activity in a list."""

    reference: str
    name: str
    controller: str
    status: str
    written: int


def activity_row(document: Mapping[str, Any], *, status: str = "active") -> Activity:
    """Return the row of a declaration, as `ProcessingActivity.document` gives it.

    Raises
    ------
    EquiscoreError
        A state that there is not, or no reference, name or controller.
    """
    if status not in STATES:
        raise EquiscoreError(f"{status!r}: no state of an activity. Fix: use one of {', '.join(STATES)}.")
    if lacking := [name for name in ("reference", "name", "controller") if not document.get(name)]:
        raise EquiscoreError(f"activity: no {', '.join(lacking)}. Fix: hand in the declaration, whole.")
    words = " ".join(short_text for name in _SEARCHED for short_text in _texts(document.get(name)))
    return Activity(
        id=document["reference"],
        name=short(" / ".join(dict.fromkeys(_texts(document["name"])))),
        controller=short(document["controller"]["name"]),
        status=status,
        search=fold(words[:_MOST]),
        document=dict(document),
    )


def _texts(held: object) -> Iterator[str]:
    """Return every text of a part of a document, in its order."""
    if isinstance(held, str):
        yield held
    elif isinstance(held, Mapping | list | tuple):
        for part in held.values() if isinstance(held, Mapping) else held:
            yield from _texts(part)


def add_activity(register: Register, document: Mapping[str, Any], *, actor: str, at: dt.datetime, status: str = "active") -> Event:
    """Enter an activity, or a new state of one; what it was before stays in the trail.

    Parameters
    ----------
    document
        The declaration as plain data (`ProcessingActivity.document`); its reference is the key.
    actor, at
        Who enters it, and when (aware).
    status
        planned, active or stopped.

    Raises
    ------
    EquiscoreError
        What cannot be kept, and why.
    """
    return register.keep(activity_row(document, status=status), actor=actor, at=at)[0]


def find_activities(
    register: Register, search: str = "", *, status: str | None = None, controller: str | None = None, limit: int | None = None, offset: int = 0
) -> list[Listed]:
    """List activities by reference; each word of `search` must be somewhere in what is searched, without regard to case and accents."""
    query = select(Activity.id, Activity.name, Activity.controller, Activity.status, Activity.written).order_by(Activity.id)
    for word in fold(search).split():
        query = query.where(Activity.search.contains(word, autoescape=True))
    query = query.where(Activity.status == status) if status else query
    query = query.where(Activity.controller == controller) if controller else query
    with register.reading() as session:
        return [Listed(*row) for row in session.execute(query.limit(limit).offset(offset or None))]


def activity(register: Register, reference: str) -> Activity:
    """Return one activity, whole.

    Raises
    ------
    EquiscoreError
        It is not in the register.
    """
    with register.reading() as session:
        found = session.get(Activity, reference)
    if found is None:
        raise EquiscoreError(f"{reference[:80]!r}: no such activity in {register.described}. Fix: look it up with `equiscore register list`.")
    return found


def history(register: Register, subject: str) -> list[Event]:
    """Return the events about a subject (``activities/CREDIT-2026-01``), first things first."""
    columns = [getattr(TrailEvent, name) for name in Event.__slots__]
    with register.reading() as session:
        return [Event(*row) for row in session.execute(select(*columns).where(TrailEvent.subject == subject).order_by(TrailEvent.sequence))]
