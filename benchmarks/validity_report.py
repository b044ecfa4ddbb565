"""What a part of the validity benchmark hands back, and how it becomes Markdown."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Job = TypeVar("Job")
Result = TypeVar("Result")

QUIET = 2.0  # seconds between two lines of progress


class Section(NamedTuple):
    """One table of a part: what was simulated, what is promised, what came out, and where it misses."""

    heading: str
    simulated: str
    promised: str
    table: pd.DataFrame
    misses: Sequence[str]
    remarks: Sequence[str] = ()


class Part(NamedTuple):
    """A part of the page: its heading, and its sections."""

    name: str
    heading: str
    sections: Sequence[Section]


def spread(work: Callable[[Job], Result], jobs: Iterable[Job], processes: int, title: str) -> list[Result]:
    """Do `work` on every job, on some processes, and say on stderr how far it is."""
    listed, begun, said, done = list(jobs), time.perf_counter(), 0.0, []
    if processes > 1:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            results: Iterable[Result] = pool.map(work, listed)
            for result in results:
                done.append(result)
                said = _progress(title, len(done), len(listed), begun, said)
        return done
    for job in listed:
        done.append(work(job))
        said = _progress(title, len(done), len(listed), begun, said)
    return done


def _progress(title: str, done: int, of: int, begun: float, said: float) -> float:
    elapsed = time.perf_counter() - begun
    if elapsed - said < QUIET:
        return said
    print(f"{title}: {done} of {of}, {elapsed:.0f} s", file=sys.stderr, flush=True)
    return elapsed


def markdown(part: Part) -> str:
    """Return a part as Markdown."""
    return "\n\n".join([f"## {part.heading}", *(_section(section) for section in part.sections)])


def _section(section: Section) -> str:
    missed = ["**Misses:** none."] if not section.misses else ["**Misses:**\n\n" + "\n".join(f"- {miss}" for miss in section.misses)]
    lines = [f"### {section.heading}", f"*Simulated.* {section.simulated}", f"*Promised.* {section.promised}", table(section.table)]
    return "\n\n".join([*lines, *missed, *section.remarks])


def table(rows: pd.DataFrame) -> str:
    """Return a data frame as a Markdown table; numbers as they are written in it."""
    lines = [" | ".join(map(str, rows.columns)), " | ".join("---" for _ in rows.columns)]
    lines += [" | ".join(_cell(value) for value in row) for row in rows.itertuples(index=False)]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) >= 10 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int | np.integer) else str(value)


def percent(share: float) -> str:
    """Return a share as a percentage with two decimals.

    >>> percent(0.0254)
    '2.54 %'
    """
    return f"{100 * share:.2f} %"


def written(part: Part, page: Path, *, head: str) -> None:
    """Replace one part of the page by what was just measured; what was measured before of the others stays."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    blocks = dict(re.findall(r"<!-- part: (\w+) -->\n(.*?)\n<!-- end -->", text, flags=re.DOTALL))
    blocks[part.name] = markdown(part)
    ordered = [name for name in ORDER if name in blocks]
    body = [f"<!-- part: {name} -->\n{blocks[name]}\n<!-- end -->" for name in ordered]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n\n".join([head, _missed(blocks), *body]) + "\n", encoding="utf-8")


def _missed(blocks: Mapping[str, str]) -> str:
    """List all that misses, part by part."""
    sections = [section.split("\n", 1) for name in ORDER for section in blocks.get(name, "").split("\n### ")[1:]]
    found = [
        f"- {heading}: {miss}"
        for heading, text in sections
        for listed in re.findall(r"^\*\*Misses:\*\*\n\n((?:- .*\n?)+)", text, flags=re.MULTILINE)
        for miss in re.findall(r"^- (.*)$", listed, flags=re.MULTILINE)
    ]
    return "\n".join(["## Where it misses", "", *(found or ["Nowhere, of what is measured below."])])


ORDER = ("coverage", "familywise", "power", "subgroups", "others")
