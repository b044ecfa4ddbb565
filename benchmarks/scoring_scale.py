"""How many people a machine scores: `python benchmarks/scoring_scale.py [--rows 10] [--batch 131072]` (millions) prints a table.

The file is made by DuckDB, in parts, with an identifier, five features and a column that nobody reads. Each run is a process of its own, held
to what `equiscore score` does: repeated identifiers looked for, types checked, scored, cut, banded, offers, pseudonyms, Parquet written.
Time is that of the whole process but its imports; memory is the peak of its resident set.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ENGINES = ("scorecard", "gradient_boosting")
COLUMNS = {
    "id": {"type": "text", "roles": "identifier"},
    "sex": {"type": "text", "roles": "protected"},
    "age": {"type": "integer", "roles": "feature"},
    "income": {"type": "number", "roles": "feature"},
    "home": {"type": "text", "roles": "feature"},
    "job": {"type": "text", "roles": "feature"},
    "member": {"type": "boolean", "roles": "feature"},
    "repaid": {"type": "text", "roles": "outcome"},
}
PEOPLE = """SELECT 'person-' || i AS id, CASE WHEN hash(i * 29) % 2 = 0 THEN 'F' ELSE 'M' END AS sex, (18 + hash(i * 3) % 62)::BIGINT AS age,
 round(exp(9.5 + (hash(i * 5) % 10000) / 10000.0), 2) AS income,
 CASE hash(i * 7) % 5 WHEN 0 THEN NULL WHEN 1 THEN 'own' WHEN 2 THEN 'rent' WHEN 3 THEN 'lodger' ELSE 'family' END AS home,
 CASE hash(i * 11) % 3 WHEN 0 THEN 'fixed' WHEN 1 THEN 'short' ELSE 'none' END AS job, hash(i * 13) % 3 = 0 AS member,
 CASE WHEN (hash(i * 17) % 1000) / 1000.0 < 0.3 + 0.4 * (hash(i * 5) % 10000) / 10000.0 THEN 'yes' ELSE 'no' END AS repaid,
 'unread ' || hash(i * 19) AS unread FROM range({low}, {high}) AS made(i)"""


def activity(source: Path, engine: str) -> Any:
    """Return the declaration of a run."""
    from scoring.activity import ProcessingActivity
    from scoring.plan import Plan

    bands = {"edges": [520, 560]} if engine == "scorecard" else {"edges": [0.4, 0.6]}
    study = Plan(
        columns=COLUMNS, groups={"sex": {"column": "sex"}}, outcome={"column": "repaid", "favourable": "yes"}, source={"path": source},
        score={"train": {"engine": engine, "folds": 2}}, decision={"cutoff": {"rule": "accept_share", "value": 0.6}},
        segments={"bands": {**bands, "labels": ["C", "B", "A"]}, "offers": {"A": "card", "B": "card", "C": None}},
    )  # fmt: skip
    return ProcessingActivity.read(Path(__file__).parents[1] / "data/samples/credit/activity.yaml").model_copy(update={"study": study})


def child(folder: Path, engine: str, batch: int) -> None:
    """Score the file, and print what it took."""
    import resource
    import time

    from scoring.serving.score_files import score_file

    began = time.perf_counter()
    tally = score_file(
        activity(folder / "known.parquet", engine), folder / "people.parquet", folder / "out.parquet", model=folder / engine, rows=batch
    )
    used = resource.getrusage(resource.RUSAGE_SELF)
    took = {"seconds": time.perf_counter() - began, "processor": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss / 1024, "rows": tally.scored}
    print(json.dumps(took))


def main() -> None:
    """Read what is asked for: the whole, or one run of it."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=float, default=10, help="millions")
    asked.add_argument("--batch", type=int, default=1 << 17)
    asked.add_argument("--child", nargs=2)
    given = asked.parse_args()
    if given.child:
        child(Path(given.child[0]), given.child[1], given.batch)
    else:
        parent(given.rows, given.batch)


def parent(millions: float, batch: int) -> None:
    """Print a row of the table for each engine."""
    import duckdb

    import scoring

    with tempfile.TemporaryDirectory() as made:
        folder, rows = Path(made), int(millions * 1e6)
        for name, low, high in (("people", 0, rows), ("known", rows, rows + 20_000)):
            duckdb.sql(f"COPY ({PEOPLE.format(low=low, high=high)}) TO '{folder}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        print("| engine | rows | seconds | rows a second | processor seconds | peak MiB |\n|---|---|---|---|---|---|")
        for engine in ENGINES:
            scoring.conduct_study(activity(folder / "known.parquet", engine)).save(folder / engine)
            words = [sys.executable, __file__, "--child", str(folder), engine, "--batch", str(batch)]
            run = subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, "EQUISCORE_KEY": "secret"})
            took = json.loads(run.stdout)
            speed = f"{took['rows'] / took['seconds']:,.0f}"
            print(f"| {engine} | {took['rows']:,} | {took['seconds']:.0f} | {speed} | {took['processor']:.0f} | {took['mib']:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
