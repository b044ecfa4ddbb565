"""Making the studies that a schedule asks for, and keeping each with its comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from scoring.activity import ProcessingActivity
from scoring.errors import EquiscoreError, StudyError
from scoring.monitoring.comparison import Comparison, compare
from scoring.monitoring.schedule import Schedule, due
from scoring.monitoring.triggers import Trigger, conclude, triggers
from scoring.provenance import canonical, write_file
from scoring.study import Step, Study, conduct_study

SUFFIX: Final = ".comparison.json"


@dataclass(frozen=True, slots=True)
class Look:
    """One scheduled study, held against the signed one."""

    day: date
    place: Path
    comparison: Comparison
    triggers: tuple[Trigger, ...]


def done(schedule: Schedule) -> list[date]:
    """Return the days of which a study was made and compared."""
    days = []
    for path in schedule.studies.glob(f"*{SUFFIX}") if schedule.studies.is_dir() else ():
        try:
            days.append(date.fromisoformat(path.name.removesuffix(SUFFIX)))
        except ValueError:
            continue
    return sorted(days)


def to_do(schedule: Schedule, made: Sequence[date], today: date) -> tuple[list[date], list[date]]:
    """Return the days to be studied now, and those that were missed: of one file that is overwritten only the last day can still be seen."""
    waiting = due(schedule, made, today)
    if schedule.by_day:
        return waiting, []
    last = [day for day in waiting[-1:] if not made or day > max(made)]
    return last, [day for day in waiting if day not in last]


def signed_study(schedule: Schedule) -> Study:
    """Return the signed study.

    Raises
    ------
    StudyError
        It is not as it was written, or not the one that was signed.
    """
    study = Study.load(schedule.signed)
    if schedule.digest is not None and study.digest != schedule.digest:
        raise StudyError(
            f"{schedule.signed}: digest {str(study.digest)[:12]}, but {schedule.digest[:12]} was signed. Fix: give the folder of the signed study."
        )
    return study


def asked(schedule: Schedule, day: date, signed: Study) -> ProcessingActivity:
    """Return the declaration of a scheduled study: its data, the day for ages, and the signed cuts of the score, so that parts can be compared."""
    declared = ProcessingActivity.read(schedule.activity)
    plan = declared.study
    update: dict[str, object] = {"source": schedule.data_of(day)}
    if plan.as_of is not None:
        update["as_of"] = day
    if plan.score is not None and plan.score.edges is None and len(signed.counts.edges) and plan.direction == signed.plan.direction:
        cuts = sorted(float(plan.direction * edge) for edge in signed.counts.edges)
        update["score"] = plan.score.model_copy(update={"edges": tuple(cuts)})
    return declared.model_copy(update={"study": plan.model_copy(update=update)})


def look(schedule: Schedule, day: date, signed: Study, *, step: Step = lambda _: None) -> Look:
    """Make the study of a scheduled day, compare it with the signed one, and keep both.

    Raises
    ------
    EquiscoreError
        The data are not what the declaration promises, or nothing can be written.
    """
    study = conduct_study(asked(schedule, day, signed), step=step)
    place = study.save(schedule.studies / day.isoformat())
    held = compare(signed, Study.load(place), shared=schedule.shared)
    found = triggers(held, schedule.triggers)
    write_file(place.with_name(f"{place.name}{SUFFIX}"), canonical(kept(held, found, schedule, day), sort=False), restricted=True)
    return Look(day, place, held, found)


def kept(comparison: Comparison, found: Sequence[Trigger], schedule: Schedule | None = None, day: date | None = None) -> dict[str, object]:
    """Return a comparison and what it asks for as plain JSON, such as the dossier is handed."""
    end = conclude(found)
    counted = {"result": end.result, "fired": end.fired, "not_measurable": end.not_measurable, "open": end.open}
    return {
        "day": None if day is None else day.isoformat(),
        "schedule": None if schedule is None else schedule.document(),
        **counted,
        "triggers": [one.document() for one in found],
        "comparison": comparison.document(),
    }


def check_day(text: str) -> date:
    """Read a day as it is typed.

    >>> check_day("2026-07-01").isoformat()
    '2026-07-01'
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise EquiscoreError(f"{text!r} is no day. Fix: write it as 2026-07-01.") from None
