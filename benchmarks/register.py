"""The register under load, in figures. `python benchmarks/register.py write|kill|list --url URL` prints one line of JSON.

1. write: processes append at once, an event a transaction, a tenth of them with a row; none may be lost and the trail must verify.
2. kill: a writer is killed (SIGKILL) at a random moment, again and again; no half event, and nothing that was told as written is gone.
3. list: activities listed whole, by page and by search.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from scoring.register import Register, find_activities, open_register, verify
from scoring.register.activities import activity_row
from scoring.register.models import Training
from scoring.register.trail import keep, record

AT = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
PROCESSES = multiprocessing.get_context("forkserver")
WORDS = ("credit", "loan", "télévente", "fidélité", "prospects", "assurance", "épargne", "retention", "web", "magasins")


def trained(name: str) -> Training:
    """Make a row."""
    return Training(id=name, person=f"Person {name}", held=AT.date(), document={"subject": "scoring and exclusion", "hours": 2})


def write_some(url: str, name: int, events: int, ready: Any) -> None:
    """Append events, each in a transaction of its own; every tenth with a row."""
    with open_register(url) as register:
        ready.wait()
        for i in range(events):
            if i % 10:
                register.record("notes.added", f"notes/{name}-{i}", {"process": name, "number": i}, actor=f"process {name}", at=AT)
            else:
                register.keep(trained(f"{name}-{i}"), actor=f"process {name}", at=AT)


def write(url: str, processes: int, events: int) -> dict[str, Any]:
    """Let processes write at once."""
    open_register(url).close()
    ready = PROCESSES.Barrier(processes + 1)
    each = events // processes
    workers = [PROCESSES.Process(target=write_some, args=(url, name, each, ready)) for name in range(processes)]
    for worker in workers:
        worker.start()
    ready.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - start
    failed = sum(worker.exitcode != 0 for worker in workers)
    return {"processes": processes, "events": each * processes, "seconds": seconds, "failed": failed, **checked(url)}


def checked(url: str) -> dict[str, Any]:
    """Verify, and say what is there."""
    with open_register(url) as register:
        start = time.perf_counter()
        problems = [str(problem) for problem in verify(register)]
        return {"in_trail": register.head().sequence, "problems": problems[:5], "verify_seconds": time.perf_counter() - start}


def write_until_killed(url: str, name: int, told: Connection) -> None:
    """Write two rows and two events in one transaction, and tell the number of the last once it is written."""
    with open_register(url) as register:
        for i in range(1_000_000):
            with register.writing() as session:
                keep(session, trained(f"k{name}-{i}-a"), actor="writer", at=AT)
                event = keep(session, trained(f"k{name}-{i}-b"), actor="writer", at=AT)
                event = record(session, "notes.added", f"notes/{name}-{i}", {"after": event.sequence}, actor="writer", at=AT)
            told.send(event.sequence)


def kill(url: str, times: int, seed: int = 1) -> dict[str, Any]:
    """Kill a writer at random moments; each transaction is three events, so their number divides by three."""
    draw, lost, halves, told_last, failed = random.Random(seed), 0, 0, 0, 0
    open_register(url).close()
    start = time.perf_counter()
    for name in range(times):
        here, there = PROCESSES.Pipe(duplex=False)
        worker = PROCESSES.Process(target=write_until_killed, args=(url, name, there))
        worker.start()
        there.close()
        told_last = here.recv()  # it writes now
        time.sleep(draw.uniform(0, 0.05))
        worker.kill()
        worker.join()
        failed += worker.exitcode != -signal.SIGKILL
        told_last = last_of(here, told_last)
        with open_register(url) as register:
            found = register.head().sequence
            lost += found < told_last
            halves += found % 3 != 0
    return {"killed": times, "failed": failed, "lost": lost, "half": halves, "seconds": time.perf_counter() - start, **checked(url)}


def last_of(pipe: Connection, known: int) -> int:
    """Return the last number that a writer told before it was killed."""
    try:
        while pipe.poll():
            known = pipe.recv()
    except (EOFError, OSError):
        pass
    return known


def fill(register: Register, activities: int) -> None:
    """Enter made activities with records of a usual length."""
    draw = random.Random(1)
    with register.writing() as session:
        for i in range(activities):
            name = f"{draw.choice(WORDS)} {draw.choice(WORDS)} {i}"
            document = {
                "reference": f"A-{i:06d}",
                "name": {"en": f"Scoring of {name}", "fr": f"Scoring : {name}"},
                "controller": {"name": f"Company {i % 50}", "contact": "privacy@example.org"},
                "purposes": [{"name": f"Choose whom to offer {draw.choice(WORDS)}", "legal_basis": "consent"}],
                "persons": ["Customers", "Prospects"],
                "data": [{"name": f"{draw.choice(WORDS)} data, part {part}", "special": False} for part in range(8)],
                "security": ["Access by role, encrypted storage, log of readings. " * 40],
            }
            keep(session, activity_row(document), actor="maker", at=AT)


def median_ms(work: Callable[[], Any], times: int = 7) -> float:
    """Return the median time of some runs, after one to warm up."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


def listing(url: str, activities: int) -> dict[str, Any]:
    """Measure what a list and a search take, in milliseconds."""
    with open_register(url) as register:
        start = time.perf_counter()
        fill(register, activities)
        filled = time.perf_counter() - start
        return {
            "activities": len(find_activities(register)),
            "seconds_to_fill": filled,
            "all_ms": median_ms(lambda: find_activities(register)),
            "page_ms": median_ms(lambda: find_activities(register, limit=50, offset=activities - 100)),
            "search_ms": median_ms(lambda: find_activities(register, "fidelite TELEVENTE")),
            "found": len(find_activities(register, "fidelite TELEVENTE")),
            "search_nothing_ms": median_ms(lambda: find_activities(register, "zzz")),
            "controller_ms": median_ms(lambda: find_activities(register, controller="Company 7")),
        }


def main() -> None:
    """Run one part."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("part", choices=["write", "kill", "list"])
    asked.add_argument("--url", help="register, empty; by default a SQLite file that is thrown away")
    asked.add_argument("--processes", type=int, default=20)
    asked.add_argument("--events", type=int, default=50_000)
    asked.add_argument("--times", type=int, default=200)
    asked.add_argument("--activities", type=int, default=10_000)
    given = asked.parse_args()
    PROCESSES.set_forkserver_preload(["scoring.register.exchange"])
    with tempfile.TemporaryDirectory(prefix="equiscore-register-") as folder:
        url = given.url or f"sqlite:///{Path(folder) / 'register.db'}"
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "write": lambda: write(url, given.processes, given.events),
            "kill": lambda: kill(url, given.times),
            "list": lambda: listing(url, given.activities),
        }
        print(json.dumps(parts[given.part]()))


if __name__ == "__main__":
    main()
