"""How fast, as ratios in one run on one machine. `python benchmarks/speed.py [--rows N] [--large N]` prints the table of the README.

1. A million rows, three attributes crossed, eight metrics: `scoring.audit` (counts, rates, disparities, intervals, verdicts)
   against fairlearn's MetricFrame (rates alone).
2. Ten million rows of Parquet: the counting pass, score bins and rejects included, against a bare DuckDB GROUP BY of the same
   columns and bins.
3. 2,000 bootstrap replicates of 2,000 cells, as multinomial draws, against one replicate of fairlearn's bootstrap.
4. The rates and disparities of part 1 against aequitas and AIF360, each in an environment of its own (`--peers FOLDER` keeps them).
5. The search of 10,000 subgroups, and a sweep of 1,000 cut-offs x 50 groups with intervals.
Each part runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

GROUPS = ["sex", "age", "region"]
METRICS = [
    *("selection_rate", "true_positive_rate", "false_positive_rate", "true_negative_rate", "false_negative_rate"),
    *("positive_predictive_value", "accuracy", "base_rate"),
]


def customers(rows: int, seed: int = 1) -> pd.DataFrame:
    """Make clean customers with three attributes of 3, 5 and 8 levels."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=rows)
    return pd.DataFrame(
        {
            "sex": rng.choice(np.array(["F", "M", "X"], object), rows, p=[0.5, 0.49, 0.01]),
            "age": rng.choice(np.array(["18-24", "25-39", "40-54", "55-65", "66+"], object), rows),
            "region": rng.choice(np.array([f"R{i}" for i in range(8)], object), rows),
            "score": score,
            "accepted": (score > 0.1).astype(int),
            "repaid": (rng.random(rows) < 0.9 - 0.1 * (score < 0)).astype(int),
        }
    )


def seconds(work: Callable[[], Any], times: int = 5) -> float:
    """Return the median time of some runs, after one to warm up."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def metric_frame(frame: pd.DataFrame, **more: Any) -> Any:
    """Return fairlearn's frame of eight metrics over three crossed attributes."""
    import fairlearn.metrics as fm
    from sklearn.metrics import accuracy_score, precision_score

    functions = {
        "selection_rate": fm.selection_rate, "tpr": fm.true_positive_rate, "fpr": fm.false_positive_rate, "tnr": fm.true_negative_rate,
        "fnr": fm.false_negative_rate, "ppv": precision_score, "accuracy": accuracy_score, "base_rate": lambda y, _: float(np.mean(y)),
    }  # fmt: skip
    return fm.MetricFrame(metrics=functions, y_true=frame["repaid"], y_pred=frame["accepted"], sensitive_features=frame[GROUPS], **more)


def against_fairlearn(rows: int) -> dict[str, float]:
    """Time eight metrics over three crossed attributes."""
    import scoring

    frame = customers(rows)

    def rates() -> Any:
        study = scoring.audit(frame, decision="accepted", favourable=1, groups=GROUPS, outcome="repaid")
        return study.rates(by=GROUPS, metrics=METRICS)

    def disparities() -> Any:
        study = scoring.audit(frame, decision="accepted", favourable=1, groups=GROUPS, outcome="repaid")
        return study.rates(by=GROUPS, metrics=METRICS), study.disparities(by=GROUPS, metrics=METRICS)

    def everything() -> Any:
        study = scoring.audit(frame, decision="accepted", favourable=1, groups=GROUPS, outcome="repaid")
        return study.rates(by=GROUPS, metrics=METRICS), study.disparities(by=GROUPS, metrics=METRICS), study.verdicts()

    start = time.perf_counter()
    _ = metric_frame(frame).by_group
    fairlearn = time.perf_counter() - start
    return {"fairlearn": fairlearn, "rates": seconds(rates), "disparities": seconds(disparities), "everything": seconds(everything)}


def make_file(path: str, rows: int) -> dict[str, float]:
    """Write the customers of the second part, a million at a time."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        for part, start in enumerate(range(0, rows, 1_000_000)):
            customers(min(1_000_000, rows - start), seed=part).to_parquet(Path(folder) / f"part{part:03}.parquet", index=False)
        duckdb.execute(f"COPY (SELECT * FROM read_parquet('{folder}/part*.parquet')) TO '{path}'")  # noqa: S608  (our own folder)
    return {}


def against_group_by(path: str) -> dict[str, float]:
    """Time the pass over Parquet against the same grouping written by hand."""
    import duckdb

    from scoring.customers.intake import admit
    from scoring.fairness.counts import count
    from scoring.plan import Column, Decision, Group, Outcome, Plan, Score, Source

    plan = Plan(
        columns={
            **{name: Column(type="text", roles=frozenset(["protected"])) for name in GROUPS},
            "accepted": Column(type="integer", roles=frozenset(["decision"])),
            "repaid": Column(type="integer", roles=frozenset(["outcome"])),
            "score": Column(type="number", roles=frozenset(["score"])),
        },
        groups={name: Group(column=name) for name in GROUPS},
        decision=Decision(column="accepted", favourable=(1,)),
        outcome=Outcome(column="repaid", favourable=(1,)),
        score=Score(column="score"),
        source=Source(path=Path(path)),
    )
    bare, table = duckdb.connect(), admit(plan)
    score_bin = "floor((score + 5.5) / 0.011)::INT AS bin"  # a thousand bins, as in our pass
    query = f"SELECT sex, age, region, accepted, repaid, {score_bin}, count(*) FROM read_parquet('{path}') GROUP BY ALL"  # noqa: S608

    def by_hand() -> Any:
        return bare.sql(query).to_arrow_table()

    return {"group_by": seconds(by_hand), "count": seconds(lambda: count(table, plan))}


def bootstrap(rows: int) -> dict[str, float]:
    """Time 2,000 draws of the cells, eight metrics of every crossed group each, against one replicate of fairlearn's bootstrap of the same."""
    import scoring
    from scoring.fairness.bootstrap import resample
    from scoring.fairness.metrics import METRICS as TABLE
    from scoring.fairness.metrics import vectors

    frame = customers(rows)
    people = scoring.audit(frame, decision="accepted", favourable=1, groups=GROUPS, outcome="repaid").counts.margin(tuple(GROUPS)).people
    numerator, denominator = vectors([TABLE[name] for name in METRICS])

    def ours() -> Any:
        drawn = resample(people.ravel(), 2_000, np.random.default_rng(1)).reshape(2_000, *people.shape)
        return np.quantile((drawn @ numerator) / (drawn @ denominator), [0.025, 0.975], axis=0)

    cells = np.random.default_rng(0).integers(5, 2_000, 2_000).astype(float)

    def of_many_cells() -> Any:
        return resample(cells, 2_000, np.random.default_rng(1))

    start = time.perf_counter()
    metric_frame(frame, n_boot=1, ci_quantiles=[0.5])
    with_one = time.perf_counter() - start
    start = time.perf_counter()
    metric_frame(frame)
    return {"replicates": seconds(ours, 3), "2000_cells": seconds(of_many_cells, 3), "fairlearn_replicate": with_one - (time.perf_counter() - start)}


def searched(rows: int) -> dict[str, float]:
    """Time the search of about 10,000 subgroups among `rows` customers."""
    import scoring
    from scoring.bounds import Bounds
    from scoring.fairness.searching.search import search

    rng = np.random.default_rng(0)
    # people in a few thousand of the possible cells, as attributes hang together
    kinds = np.stack([rng.integers(0, size, 4_000) for size in (6, 7, 8, 8, 9, 9)], axis=1)
    held = kinds[rng.choice(4_000, rows, p=rng.dirichlet(np.full(4_000, 2.0)))]
    frame = pd.DataFrame({f"a{i}": held[:, i].astype(str) for i in range(6)})
    frame["accepted"] = (rng.random(rows) < np.where((held[:, 0] == 0) & (held[:, 1] == 1), 0.3, 0.5)).astype(int)
    counts = scoring.audit(frame, decision="accepted", favourable=1, groups=list(frame.columns[:6]), depth=1).counts
    bounds = Bounds(depth=3)
    conjunctions = sum(len(counts.margin(by).keys) for by in _sets(counts.attributes))
    return {"search": seconds(lambda: search(counts, "selection_rate", bounds=bounds), 3), "subgroups": conjunctions, "cells": len(counts.cells)}


def _sets(attributes: list[str]) -> list[tuple[str, ...]]:
    from scoring.fairness.disparity import combinations_of

    return combinations_of(attributes, 3)


def swept() -> dict[str, float]:
    """Time a sweep of 1,000 cut-offs x 50 groups, rates and ratios with intervals."""
    from scoring.fairness.by_score.sweeps import sweep_arrays
    from scoring.fairness.disparity import Side
    from scoring.fairness.metrics import METRICS as TABLE

    rng = np.random.default_rng(0)
    above = np.sort(rng.integers(100, 5_000, (50, 1_000)), axis=1)[:, ::-1].astype(float)
    held = np.zeros((50, 1_000, 6))
    held[..., 4], held[..., 5] = above, above[:, :1] + 2_000 - above
    own, rest = Side(held, held), Side(held.sum(0) - held, held.sum(0) - held)
    return {"sweep": seconds(lambda: sweep_arrays(own, rest, [TABLE["selection_rate"]]))}


def peers(rows: int, folder: str) -> dict[str, float]:
    """Time aequitas and AIF360 on the customers of the first part, each in an environment of its own."""
    path = Path(folder) / "customers.parquet"
    customers(rows).to_parquet(path)
    return {name: taken for name in ("aequitas", "aif360") if (taken := _peer(name, Path(folder), path)) is not None}


def _peer(name: str, folder: Path, path: Path) -> float | None:
    """Return the seconds of a peer; none where it does not install."""
    python = folder / name / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
        if subprocess.run([str(python), "-m", "pip", "install", "-q", name, "pyarrow"], check=False, capture_output=True).returncode:
            return None
    script = Path(__file__).parent / "peers" / f"time_{name}.py"
    done = subprocess.run([str(python), "-W", "ignore", str(script), str(path)], check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def _alone(work: Callable[..., dict[str, float]], *given: Any) -> dict[str, float]:
    """Run a part in a process of its own; add its peak of memory in GiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found, peak = pool.apply(_measured, (work.__name__, given))
    return {**found, "peak_gib": peak}


def _measured(name: str, given: tuple[Any, ...]) -> tuple[dict[str, float], float]:
    found = globals()[name](*given)
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--peers", type=Path, help="folder of the peers' environments; they are not timed without it")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "customers.parquet")
        _alone(make_file, path, chosen.large)
        found = {"group_by": _alone(against_group_by, path)}
    found |= {"fairlearn": _alone(against_fairlearn, chosen.rows), "bootstrap": _alone(bootstrap, chosen.rows)}
    found |= {"search": _alone(searched, 200_000), "sweep": _alone(swept)}
    if chosen.peers is not None:
        chosen.peers.mkdir(parents=True, exist_ok=True)
        found["peers"] = peers(chosen.rows, str(chosen.peers))
    print(json.dumps(found, indent=1) if chosen.json else _table(found, chosen))


def _table(found: dict[str, dict[str, float]], chosen: argparse.Namespace) -> str:
    """Return the table of the README."""
    head = f"Python {platform.python_version()}, {multiprocessing.cpu_count()} cores, {platform.machine()}\n\n| what | seconds | |\n|---|---:|---|\n"
    return head + "\n".join(f"| {what} | {_plain(taken)} | {ratio} |" for what, taken, ratio in _lines(found, chosen))


def _lines(found: dict[str, dict[str, float]], chosen: argparse.Namespace) -> Iterator[tuple[str, float, str]]:
    fair, passed, boot = found["fairlearn"], found["group_by"], found["bootstrap"]
    rows, large = f"{chosen.rows:,} rows, 3 attributes crossed, 8 metrics", f"{chosen.large:,} rows of Parquet"

    def times(slow: float, fast: float) -> str:
        return f"{slow / fast:,.0f} times faster" if slow > 10 * fast else f"{slow / fast:.1f} times faster"

    yield f"{rows}: fairlearn's rates", fair["fairlearn"], ""
    for name, taken in found.get("peers", {}).items():
        yield f"the same, rates and disparities: {name}", taken, f"{times(taken, fair['disparities'])} here"
    yield f"{rows}: our rates, from the frame", fair["rates"], times(fair["fairlearn"], fair["rates"])
    yield "the same and disparities with intervals", fair["disparities"], times(fair["fairlearn"], fair["disparities"])
    yield "the same and verdicts to depth 3, with the search", fair["everything"], times(fair["fairlearn"], fair["everything"])
    yield f"{large}: bare DuckDB GROUP BY, score bin included", passed["group_by"], ""
    yield f"{large}: our pass, rejects and histogram included", passed["count"], f"{passed['count'] / passed['group_by']:.2f} times its time"
    yield f"{rows}: one replicate of fairlearn's bootstrap", boot["fairlearn_replicate"], ""
    each = boot["replicates"] / 2_000
    yield "the same: 2,000 replicates from the counts", boot["replicates"], f"{times(boot['fairlearn_replicate'], each)} a replicate"
    yield "2,000 replicates of 2,000 cells", boot["2000_cells"], f"peak memory of the pass {passed['peak_gib']:.2f} GiB"
    yield f"search of {found['search']['subgroups']:,.0f} subgroups in {found['search']['cells']:,.0f} cells", found["search"]["search"], ""
    yield "1,000 cut-offs x 50 groups, rates and ratios with intervals", found["sweep"]["sweep"], ""


def _plain(taken: float) -> str:
    return f"{taken:.2f}" if taken >= 0.1 else f"{taken:.3f}"


if __name__ == "__main__":
    main()
