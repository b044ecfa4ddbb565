"""Studies by their digest, the gaps that they show, and the answer that each gap needs before anything goes live."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import select

from scoring.errors import EquiscoreError
from scoring.register.canonical import sha256, short
from scoring.register.database import Register
from scoring.register.models import Finding, Study
from scoring.register.trail import Event, keep

JUSTIFICATION: Final = ("aim", "necessary", "appropriate", "alternatives")
"""What a justification must say: the legitimate aim, why it is necessary, why appropriate, which alternatives were tried.

Source: direct. 2000/43 and 2006/54, art. 2; loi 2008-496, art. 1.
"""
OPEN, JUSTIFIED, MEASURE, DONE = "open", "justified", "measure", "done"
_GAP: Final = "exclusion"
_UNSETTLED: Final = ("leaning", "undetermined", "not applicable")


def add_study(
    register: Register, digest: str, *, activity: str, as_of: dt.date | None, verdicts: Iterable[Mapping[str, Any]], actor: str, at: dt.datetime
) -> tuple[Event, ...]:
    """Enter a study and a finding for each gap that it shows; all or nothing.

    Parameters
    ----------
    digest
        SHA-256 of the study's manifest: its key.
    activity
        Reference of the activity, which is in the register already.
    verdicts
        Published verdicts as plain rows with `attribute`, `group`, `metric`, `verdict`, perhaps `under`; every column is kept with a
        finding. What leans to exclusion or is undetermined is counted, and needs no answer yet.
        Hand in published tables only: the register is no place for cells that may not be shown.

    Raises
    ------
    EquiscoreError
        The activity is not there, or the digest is none. A study that is there already keeps its findings and their answers.
    """
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise EquiscoreError(f"{digest[:20]!r}: no digest of a study. Fix: save the study first; its MANIFEST.json bears the digest.")
    rows = [dict(row) for row in verdicts]
    kinds = [str(row["verdict"]) for row in rows]
    counted = {"exclusion": kinds.count(_GAP), "unsettled": sum(kind in _UNSETTLED for kind in kinds)}
    counted["within"] = len(kinds) - sum(counted.values())
    study = Study(id=digest, activity=activity, as_of=as_of, document={"verdicts": {kind: kinds.count(kind) for kind in sorted({*kinds})}}, **counted)
    with register.writing() as session:
        events = [keep(session, study, actor=actor, at=at)]
        for row in rows:
            if _is_gap(row) and session.get(Finding, name := _name(digest, row)) is None:
                made = Finding(id=name, study=digest, verdict=str(row["verdict"]), status=OPEN, document={"shown": row})
                events.append(keep(session, made, actor=actor, at=at))
    return tuple(events)


def _is_gap(row: Mapping[str, Any]) -> bool:
    """Tell whether a verdict needs an answer of its own: an exclusion that no larger or smaller group accounts for (`under`)."""
    return row["verdict"] == _GAP and not row.get("under")


def _name(digest: str, row: Mapping[str, Any]) -> str:
    """Return a key that is the same for the same gap of the same study."""
    return f"{digest[:12]}-{sha256('|'.join(str(row[part]) for part in ('attribute', 'group', 'metric')))[:12]}"


def justify(register: Register, finding: str, justification: Mapping[str, str], *, owner: str, due: dt.date, actor: str, at: dt.datetime) -> Event:
    """Answer a gap by why it is lawful: every part of `JUSTIFICATION`, who answers for it, and when it is looked at again.

    Raises
    ------
    EquiscoreError
        A part is missing or empty, or there is no such finding.
    """
    lacking = [part for part in JUSTIFICATION if not justification.get(part, "").strip()]
    unknown = sorted(set(justification) - set(JUSTIFICATION))
    if lacking or unknown:
        raise EquiscoreError(
            f"{finding[:60]}: a justification without {', '.join(lacking) or 'nothing'}; not known: {', '.join(unknown) or 'nothing'}. "
            f"Fix: say each of {', '.join(JUSTIFICATION)}."
        )
    return _answer(register, finding, {"justification": dict(justification)}, status=JUSTIFIED, owner=owner, due=due, actor=actor, at=at)


def plan_measure(
    register: Register, finding: str, measure: str, *, owner: str, due: dt.date, actor: str, at: dt.datetime, done: bool = False
) -> Event:
    """Answer a gap by what will be done about it, by whom and until when; `done` once it was.

    Raises
    ------
    EquiscoreError
        An empty text, or no such finding.
    """
    if not measure.strip():
        raise EquiscoreError(f"{finding[:60]}: an empty measure. Fix: say what will be done.")
    return _answer(register, finding, {"measure": measure}, status=DONE if done else MEASURE, owner=owner, due=due, actor=actor, at=at)


def _answer(
    register: Register, finding: str, answer: Mapping[str, Any], *, status: str, owner: str, due: dt.date, actor: str, at: dt.datetime
) -> Event:
    if not owner.strip():
        raise EquiscoreError(f"{finding[:60]}: nobody answers for it. Fix: name the owner.")
    with register.writing() as session:
        held = session.get(Finding, finding)
        if held is None:
            raise EquiscoreError(f"{finding[:60]!r}: no such finding. Fix: look it up with `equiscore register findings`.")
        document = {**held.document, **answer, "owner": owner}
        changed = Finding(id=held.id, study=held.study, verdict=held.verdict, status=status, owner=short(owner), due=due, document=document)
        session.expunge(held)
        return keep(session, changed, actor=actor, at=at, kind=f"findings.{status}")


def findings_of(register: Register, study: str, *, only_open: bool = False) -> list[Finding]:
    """Return the findings of a study; `only_open` those that nobody has answered: while there is one, nothing goes live."""
    query = select(Finding).where(Finding.study == study).order_by(Finding.id)
    with register.reading() as session:
        return list(session.scalars(query.where(Finding.status == OPEN) if only_open else query))


def answers_of(register: Register, study: str) -> list[dict[str, Any]]:
    """Return the answers that were given, as a declaration writes them: attribute, group, metric, the four parts or measure, owner, due."""
    told = []
    for row in findings_of(register, study):
        if row.status != OPEN:
            shown = {name: row.document["shown"][name] for name in ("attribute", "group", "metric")}
            said = {**row.document.get("justification", {}), **({"measure": row.document["measure"]} if "measure" in row.document else {})}
            told.append({**shown, **said, "owner": row.document["owner"], "due": row.due})
    return told
