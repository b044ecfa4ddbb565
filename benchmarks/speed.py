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
import tempfile
import time
from collections.abc import Callable
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


def against_fairlearn(rows: int) -> dict[str, float]:
    """Time eight metrics over three crossed attributes."""
    import fairlearn.metrics as fm
    from sklearn.metrics import accuracy_score, precision_score

    import scoring

    frame = customers(rows)

    def theirs() -> Any:
        functions = {
            "selection_rate": fm.selection_rate, "tpr": fm.true_positive_rate, "fpr": fm.false_positive_rate, "tnr": fm.true_negative_rate,
            "fnr": fm.false_negative_rate, "ppv": precision_score, "accuracy": accuracy_score, "base_rate": lambda y, _: float(np.mean(y)),
        }  # fmt: skip
        return fm.MetricFrame(metrics=functions, y_true=frame["repaid"], y_pred=frame["accepted"], sensitive_features=frame[GROUPS]).by_group

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
    theirs()
    fairlearn = time.perf_counter() - start
    return {"fairlearn": fairlearn, "rates": seconds(rates), "everything": seconds(everything)}


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
    """Time multinomial draws of cells against one replicate of fairlearn's."""
    import fairlearn.metrics as fm

    rng = np.random.default_rng(0)
    cells = rng.integers(5, 2_000, 2_000)

    def ours() -> Any:
        drawn = np.random.default_rng(1).multinomial(cells.sum(), cells / cells.sum(), size=2_000)
        return np.quantile(drawn[:, :1000].sum(1) / drawn.sum(1), [0.025, 0.975])

    frame = customers(min(rows, 100_000))
    start = time.perf_counter()
    fm.MetricFrame(
        metrics=fm.selection_rate, y_true=frame["repaid"], y_pred=frame["accepted"], sensitive_features=frame[GROUPS], n_boot=2, ci_quantiles=[0.5]
    )
    theirs = (time.perf_counter() - start) / 2
    return {"2000_replicates": seconds(ours), "fairlearn_one_replicate_100k_rows": theirs}


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
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "customers.parquet")
        _alone(make_file, path, chosen.large)
        found = {"group_by": _alone(against_group_by, path)}
    found |= {"fairlearn": _alone(against_fairlearn, chosen.rows), "bootstrap": _alone(bootstrap, chosen.rows)}
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    _show(found, chosen)


def _show(found: dict[str, dict[str, float]], chosen: argparse.Namespace) -> None:
    """Print the table of the README."""
    fair, passed, boot = found["fairlearn"], found["group_by"], found["bootstrap"]
    rows, large = f"{chosen.rows:,} rows, 3 attributes crossed, 8 metrics", f"{chosen.large:,} rows of Parquet"
    listed = [
        (f"{rows}: fairlearn's rates", fair["fairlearn"], ""),
        (f"{rows}: our rates, from the frame", fair["rates"], f"{fair['fairlearn'] / fair['rates']:.0f} times faster"),
        (
            "the same with disparities, intervals, verdicts to depth 3",
            fair["everything"],
            f"{fair['fairlearn'] / fair['everything']:.0f} times faster",
        ),
        (f"{large}: bare DuckDB GROUP BY, score bin included", passed["group_by"], ""),
        (f"{large}: our pass, rejects and histogram included", passed["count"], f"{passed['count'] / passed['group_by']:.2f} times its time"),
        ("2,000 bootstrap replicates of 2,000 cells", boot["2000_replicates"], f"peak memory of the pass {passed['peak_gib']:.2f} GiB"),
    ]
    print(f"Python {platform.python_version()}, {multiprocessing.cpu_count()} cores, {platform.machine()}\n\n| what | seconds | |\n|---|---:|---|")
    print("\n".join(f"| {what} | {taken:.2f} | {ratio} |" for what, taken, ratio in listed))


if __name__ == "__main__":
    main()
