"""Trying candidates one after the other or in several processes: what the log holds is not tried again, and what fails sinks nothing."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import joblib

from scoring.inquiry.alternatives.candidates import Candidate
from scoring.inquiry.alternatives.evaluate import measure, out_of_fold
from scoring.inquiry.alternatives.learning import one_core
from scoring.inquiry.alternatives.log import Log, Record
from scoring.inquiry.alternatives.people import People
from scoring.inquiry.alternatives.reductions import installed
from scoring.inquiry.alternatives.settings import Settings
from scoring.provenance import environment

IN_USE: Final = "(score in use)"
"""The name of the score that people are given today, where there is one: measured like a candidate, never chosen."""
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Task:
    """What a worker needs, on disk, so that it is read once and not sent with each candidate."""

    people: People
    settings: Settings


def tried(
    listed: Sequence[Candidate], people: People, settings: Settings, log: Log, *, n_jobs: int, deadline: float | None, step: Step
) -> list[Record]:
    """Try what the log does not hold, in order; return a record of each candidate."""
    data = _measured_on(people, settings)
    keys = [one.key(data) for one in listed]
    open_ = [(one, key) for one, key in zip(listed, keys, strict=True) if log.tried(key) is None and _possible(one)]

    def before_the_end() -> Iterator[tuple[Candidate, str]]:
        for task in open_:
            if deadline is not None and time.monotonic() >= deadline:
                return
            yield task

    for place, (one, key, figures, seconds) in enumerate(_measured(before_the_end(), people, settings, n_jobs), start=1):
        log.write({"kind": "candidate", "key": key, **asdict(one), **figures})
        log.took(key, seconds)
        step(f"{one.name} ({place} of {len(open_)})")
    return [log.tried(key) or _left(one, key, log) for one, key in zip(listed, keys, strict=True)]


def _possible(candidate: Candidate) -> bool:
    return installed() or candidate.family != "reductions"


def _left(candidate: Candidate, key: str, log: Log) -> Record:
    """Log that a candidate was not tried, and why; once for each reason."""
    reason = "the budget was spent" if _possible(candidate) else "fairlearn is not installed"
    record = {"kind": "candidate", "key": key, **asdict(candidate), "status": "not tried", "reason": reason}
    if not any(held.get("key") == key and held.get("reason") == reason for held in log.records):
        log.write(record)
    return record


Measured = tuple[Candidate, str, dict[str, Any], float]


def _measured(tasks: Iterator[tuple[Candidate, str]], people: People, settings: Settings, n_jobs: int) -> Iterator[Measured]:
    """Measure candidates one after the other, or in several processes; in the order of the tasks either way."""
    task = _Task(people, settings)
    if n_jobs == 1:
        yield from (measured_one(task, one, key) for one, key in tasks)
        return
    with tempfile.TemporaryDirectory(prefix="equiscore-") as folder:
        place = Path(folder) / "people"
        joblib.dump(task, place)
        run = joblib.Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
        yield from run(joblib.delayed(_measured_from)(str(place), one, key) for one, key in tasks)


@lru_cache(maxsize=1)
def _held(place: str) -> _Task:
    """Read the task that the parent process wrote."""
    task: _Task = joblib.load(place)
    return task


def _measured_from(place: str, candidate: Candidate, key: str) -> Measured:
    return measured_one(_held(place), candidate, key)


def measured_one(task: _Task, candidate: Candidate, key: str) -> Measured:
    """Cross-fit and measure a candidate; whatever fails in it is its record, and does not sink the search."""
    begun = time.monotonic()
    try:
        with one_core():
            scores = out_of_fold(candidate, task.people, task.settings)
            figures = {"status": "measured", "reason": "", **measure(task.people, scores, task.settings)}
    except Exception as error:  # noqa: BLE001  (any library may fail in any way, and the others are still to be tried)
        figures = {"status": "failed", "reason": f"{type(error).__name__}: {error}"[:500]}
    return candidate, key, figures, time.monotonic() - begun


def _measured_on(people: People, settings: Settings) -> str:
    """Return what the figures of a candidate hang on beside itself: people, settings and the versions of the libraries."""
    return f"{people.digest()}{settings.told()}{environment()['libraries']}"


def score_in_use(people: People, settings: Settings, log: Log) -> list[Record]:
    """Measure the score in use, where there is one."""
    if people.current is None:
        return []
    one = Candidate(IN_USE, "in use", "")
    key = one.key(_measured_on(people, settings))
    if log.tried(key) is None:
        log.write({"kind": "candidate", "key": key, **asdict(one), "status": "measured", "reason": "", **measure(people, people.current, settings)})
    return [log.tried(key) or {}]
