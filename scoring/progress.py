"""Progress of what takes long, for people at a terminal: on standard error, gone when it is done, and nothing for machines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

_STEPS = {
    "intake": "Opening the customer file",
    "why": "Asking what drives the score",
    "alternatives": "Searching for ways to score that exclude less",
    "scores": "Scores and segments",
    "counts": "Counting",
    "people": "Writing scores",
    "rejects": "Listing rejected rows",
}


@contextmanager
def steps(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show what is being done and for how long, on standard error; nothing where that is no terminal or `quiet`."""
    if quiet:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda name: bar.update(task, description=_STEPS.get(name, name))


@contextmanager
def rows_bar(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many rows are done, from two seconds on; nothing where standard error is no terminal, or `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ExitStack() as shown:
        bar = Progress(*columns, console=Console(stderr=True), transient=True)
        task = bar.add_task("Scoring", total=None)

        def step(done: int, total: int) -> None:
            if not bar.live.is_started and time.monotonic() - began > 2:
                shown.enter_context(bar)
            bar.update(task, completed=done, total=total)

        yield step
