"""How far one machine goes. `python benchmarks/scale.py [--rows 10,30,100] [--spark 10,30]` (millions) prints the table of the README.

1. The whole study (counts, rates, disparities, verdicts) of Parquet files on DuckDB, which may hold 2 GiB before it spills.
2. The same expression on Spark in local mode, with the plan shown: what reaches the driver is the counts.
Each size runs in a process of its own, so that its peak of memory is its own. Figures are ratios of one run on one machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CAP = "2GiB"
COLUMNS: dict[str, Any] = {
    "sex": {"type": "text", "roles": "protected"},
    "age": {"type": "integer", "roles": "protected"},
    "region": {"type": "text", "roles": "protected"},
    "accepted": {"type": "integer", "roles": "decision"},
    "repaid": {"type": "integer", "roles": "outcome"},
    "score": {"type": "number", "roles": "score"},
}
CUSTOMERS = """
    SELECT a AS customer, b AS account, 'R' || (b // 70 % 8) AS region, (18 + (b % 70))::INTEGER AS age, score,
           CASE WHEN a % 100 < 49 THEN 'F' WHEN a % 100 < 98 THEN 'M' WHEN a % 100 < 99 THEN 'X' END AS sex,
           (score > 0.1)::INTEGER AS accepted, CASE WHEN score > 0.1 THEN (a // 1000 % 10 > 0)::INTEGER END AS repaid
    FROM (SELECT (hash(i) >> 1)::BIGINT AS a, (hash(i, 7919) >> 1)::BIGINT AS b, hash(i, 104729) / 18446744073709551616.0 * 10 - 5 AS score
          FROM range({first}, {last}) AS numbers(i))
"""


def plan() -> Any:
    """Return what is studied: three attributes, one cut at edges, a decision, an outcome seen for the accepted, a score."""
    from scoring.plan import Plan

    groups = {"sex": {"column": "sex"}, "age": {"column": "age", "edges": [25, 40, 55, 66]}, "region": {"column": "region"}}
    decision, outcome = {"column": "accepted", "favourable": 1}, {"column": "repaid", "favourable": 1}
    return Plan.model_validate({"columns": COLUMNS, "groups": groups, "decision": decision, "outcome": outcome, "score": {"column": "score"}})


def make_files(folder: str, millions: int) -> dict[str, float]:
    """Write one Parquet file a million customers."""
    import duckdb

    for part in range(millions):
        query = CUSTOMERS.format(first=part * 1_000_000, last=(part + 1) * 1_000_000)
        duckdb.execute(f"COPY ({query}) TO '{folder}/part{part:03}.parquet'")
    return {}


def on_one_machine(folder: str, millions: int) -> dict[str, float]:
    """Study the first `millions` files on DuckDB under the cap."""
    os.environ["EQUISCORE_MEMORY"] = CAP
    from scoring.tables import connection

    files = [f"{folder}/part{part:03}.parquet" for part in range(millions)]
    return _timed(connection().read_parquet(files))


def on_spark(folder: str, millions: int) -> dict[str, float]:
    """Study the same files on Spark in local mode; count what reaches the driver."""
    session = _session()
    frame = session.read.parquet(*[f"{folder}/part{part:03}.parquet" for part in range(millions)])
    found = _timed(frame)
    found["cells"] = _cells(frame)
    session.stop()
    return found


def _session() -> Any:
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "8", "spark.sql.session.timeZone": "UTC",
    }  # fmt: skip
    builder = SparkSession.builder.master("local[2]").appName("equiscore-scale")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def _cells(frame: Any) -> int:
    """Print the plan of the pass, and return how many rows it hands to the driver."""
    from scoring.customers.intake import admit
    from scoring.fairness import one_pass

    handed = []
    collect = one_pass.collect

    def seen(lazy: Any) -> Any:
        handed.append((lazy.to_native(), rows := collect(lazy)))
        return rows

    one_pass.collect = seen  # type: ignore[attr-defined]  # a look over its shoulder
    one_pass.run(admit(plan(), frame), plan(), None)
    native, rows = handed[-1]
    text = native._jdf.queryExecution().simpleString()  # noqa: SLF001  (pyspark has no public way to the text of a plan)
    final = text.partition("== Initial Plan ==")[0]
    print("\n".join(line[:110] for line in final.splitlines() if line.strip()))
    return len(rows)


def _timed(frame: Any) -> dict[str, float]:
    from scoring.customers.intake import admit
    from scoring.fairness.counts import count
    from scoring.reading import Tables

    start = time.perf_counter()
    counts = count(admit(plan(), frame), plan())
    counted = time.perf_counter()
    verdicts = Tables(plan(), counts).verdicts()
    return {"count": counted - start, "after": time.perf_counter() - counted, "people": counts.total, "verdicts": len(verdicts)}


def _alone(work: Callable[..., dict[str, float]], *given: Any) -> dict[str, float]:
    """Run a part in a process of its own; add its peak of memory in GiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (work.__name__, given))


def _measured(name: str, given: tuple[Any, ...]) -> dict[str, float]:
    found = globals()[name](*given)
    return {**found, "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10,30,100", help="millions of rows on DuckDB")
    parser.add_argument("--spark", default="10,30", help="millions of rows on Spark; empty for none")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    sizes, clustered = ([int(part) for part in given.split(",") if part] for given in (chosen.rows, chosen.spark))
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        _alone(make_files, folder, max([*sizes, *clustered]))
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**30
        for millions in sizes:
            found[f"DuckDB, {millions} million"] = _alone(on_one_machine, folder, millions)
        for millions in clustered:
            found[f"Spark local, {millions} million"] = _alone(on_spark, folder, millions)
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    print(f"\nFiles: {size:.1f} GiB of Parquet; DuckDB may hold {CAP}; {multiprocessing.cpu_count()} cores.\n")
    print("| where, rows | counting, s | s a million | the rest of the study, s | peak memory of the process, GiB |\n|---|---:|---:|---:|---:|")
    for name, row in found.items():
        print(f"| {name} | {row['count']:.1f} | {row['count'] / row['people'] * 1e6:.3f} | {row['after']:.2f} | {row['peak_gib']:.2f} |")


if __name__ == "__main__":
    main()
