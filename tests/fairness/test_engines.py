"""The same customers in whatever kind of table, and in a file larger than the memory that is allowed, give the same counts and verdicts."""

import datetime as dt
import json
import os
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import scoring
from scoring.customers.intake import admit
from scoring.plan import Source
from scoring.scores import score_customers
from scoring.study import counted, study_of

ASKED = {
    "groups": {"sex": None, "birth": (25, 66), "age": (35.5,)},
    "as_of": dt.date(2026, 1, 31),
    "decision": "granted",
    "favourable": "yes",
    "outcome": "repaid",
    "favourable_outcome": "good",
    "score": "score",
    "strata": ["branch"],
    "weights": "weight",
    "funnel": {"called back": ("called", ["yes", "perhaps"])},
    "amounts": ["limit", "fee"],
    "memberships": {"origin": {"here": "p_here", "abroad": "p_abroad"}},
    "cells": {"origin": "zone"},
}
TABLES = ["cells", "histogram", "soft", "amounts"]
SAID = ["verdicts", "memberships", "funnel", "conditional", "amounts"]


def people(n=2_400):
    """Make customers as Arrow: dates, gaps, a score and an amount of more than a thousand values, weights, probabilities, stages."""
    rng = np.random.default_rng(21)
    birth = [None if i % 60 == 0 else dt.date(1930, 1, 1) + dt.timedelta(days=int(day)) for i, day in enumerate(rng.integers(0, 28_000, n))]
    here = np.round(rng.beta(2, 2, n), 6)
    called = rng.choice(["yes", "perhaps", "no"], n, p=[0.6, 0.2, 0.2])
    granted = np.where(called == "no", "no", rng.choice(["yes", "no"], n, p=[0.6, 0.4]))
    columns = {
        "sex": pa.array(rng.choice(["F", "M", "É", None], n, p=[0.45, 0.44, 0.05, 0.06]).tolist(), pa.string()),
        "birth": pa.array(birth, pa.date32()),
        "age": pa.array([None if i % 40 == 0 else int(a) for i, a in enumerate(rng.integers(18, 80, n))], pa.int64()),
        "branch": pa.array(rng.choice(["north", "south"], n).tolist(), pa.string()),
        "zone": pa.array(rng.choice(["z1", "z2", "z3", "z4"], n).tolist(), pa.string()),
        "weight": pa.array(rng.choice([1.0, 0.1, 2.5, 1 / 3], n)),
        "called": pa.array(called.tolist(), pa.string()),
        "granted": pa.array(granted.tolist(), pa.string()),
        "repaid": pa.array([["good", "bad", None][i] for i in rng.choice(3, n, p=[0.5, 0.2, 0.3])], pa.string()),
        "score": pa.array([None if i % 70 == 0 else value for i, value in enumerate(np.round(rng.normal(500, 50, n), 4).tolist())], pa.float64()),
        "limit": pa.array([None if i % 90 == 0 else value for i, value in enumerate(np.round(rng.lognormal(8, 1, n), 3).tolist())], pa.float64()),
        "fee": pa.array(rng.choice([0.0, 1.5, -2.0], n)),
        "p_here": pa.array(here),
        "p_abroad": pa.array(np.round(1 - here, 6)),
    }
    return pa.table(columns)


@pytest.fixture(scope="module")
def table():
    return people()


@pytest.fixture(scope="module")
def plan(table):
    return scoring.audit(table, **ASKED).plan


def studied(plan, frame=None):
    scored = score_customers(admit(plan, frame), plan)
    return study_of(plan, counted(scored, plan), scored, {}, None)


@pytest.fixture(scope="module")
def expected(plan, table):
    return studied(plan, table)


def check(study, expected):
    """Compare every table of counts byte for byte, then what is said of them."""
    for name in TABLES:
        found, wanted = getattr(study.counts, name), getattr(expected.counts, name)
        assert len(wanted) > 10
        pd.testing.assert_frame_equal(found, wanted, check_exact=True, obj=name)
    np.testing.assert_array_equal(study.counts.edges, expected.counts.edges)
    assert (study.counts.exact, study.cutoff) == (expected.counts.exact, expected.cutoff)
    for name in SAID:
        pd.testing.assert_frame_equal(getattr(study, name)(), getattr(expected, name)(), check_exact=True, obj=name)


def read(table, kind):
    """Return the customers as another kind of frame. Numbers of numpy know no missing score: not a number is one that is wrong."""
    nullable = {pa.float64(): pd.Float64Dtype(), pa.int64(): pd.Int64Dtype()}.get
    return {
        "pandas": lambda: table.to_pandas(types_mapper=nullable),
        "pandas of Arrow": lambda: table.to_pandas(types_mapper=pd.ArrowDtype),
        "pandas, rows in another order": lambda: table.to_pandas(types_mapper=nullable).sample(frac=1, random_state=1),
        "polars": lambda: pl.from_arrow(table),
        "polars, lazy": lambda: pl.from_arrow(table).lazy(),
        "Arrow in chunks": lambda: pa.concat_tables([table.slice(0, 700), table.slice(700, 1), table.slice(701)]),
        "DuckDB": lambda: duckdb.connect().from_arrow(table),
    }[kind]()


KINDS = ["pandas", "pandas of Arrow", "pandas, rows in another order", "polars", "polars, lazy", "Arrow in chunks", "DuckDB"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_frame_gives_the_same_counts_and_verdicts(plan, table, expected, kind):
    check(studied(plan, read(table, kind)), expected)


@pytest.mark.parametrize("kind", ["one file", "a folder of two", "CSV"])
def test_a_file_gives_those_of_the_frame(plan, table, expected, tmp_path, kind):
    if kind == "CSV":
        pa.csv.write_csv(table, tmp_path / "people.csv")
    else:
        parts = [table] if kind == "one file" else [table.slice(0, 900), table.slice(900)]
        for i, part in enumerate(parts):
            pq.write_table(part, tmp_path / f"part{i}.parquet")
    place = {"CSV": "people.csv", "one file": "part0.parquet", "a folder of two": ""}[kind]
    check(studied(plan.model_copy(update={"source": Source(path=tmp_path / place)})), expected)


def test_what_is_compared_is_sensitive(plan, table, expected):
    """One person whose decision, one whose amount, and one whose probability is another: each is seen."""
    for name, value in (("granted", "no"), ("limit", 1.0), ("p_here", 0.0)):
        frame = read(table, "pandas")
        row = int(np.flatnonzero((frame["granted"] == "yes") & frame["limit"].notna())[3])
        frame.loc[row, name] = value
        frame.loc[row, "p_abroad"] = 1 - frame.loc[row, "p_here"]
        with pytest.raises(AssertionError):
            check(studied(plan, frame), expected)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_cluster_gives_those_of_one_machine(plan, table, expected, monkeypatch):
    session_of = pytest.importorskip("pyspark.sql").SparkSession
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = session_of.builder.master("local[2]").appName("equiscore-tests")
    settings = {"ui.enabled": "false", "driver.host": "127.0.0.1", "driver.bindAddress": "127.0.0.1", "sql.shuffle.partitions": "2"}
    for name, value in (settings | {"sql.session.timeZone": "UTC"}).items():
        builder = builder.config(f"spark.{name}", value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    try:
        check(studied(plan, session.createDataFrame(table)), expected)
    finally:
        session.stop()


# more than the memory holds

COUNTED = """
import json, resource, sys
from scoring.customers.intake import admit
from scoring.plan import Plan
from scoring.scores import score_customers
from scoring.study import counted
from scoring.tables import connection

columns = {"id": {"type": "text", "roles": "identifier"}, "sex": {"type": "text", "roles": "protected"},
           "ok": {"type": "integer", "roles": "decision"}, "score": {"type": "number", "roles": "score"}}
plan = Plan(source={"path": sys.argv[1]}, columns=columns, groups={"sex": {"column": "sex"}},
            decision={"column": "ok", "favourable": 1}, score={"column": "score"})
cap = connection().sql("SELECT current_setting('memory_limit')").fetchall()[0][0]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
table = admit(plan)
found = counted(score_customers(table, plan), plan)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
rows = found.cells.groupby("group.sex")["n"].sum()
print(json.dumps({"cap": cap, "total": found.total, "grown": grown * 1024, "sex": {str(k): int(v) for k, v in rows.items()},
                  "favoured": int(found.cells.loc[found.cells["state"] == "au", "n"].sum()), "scored": int(found.histogram["n"].sum())}))
"""
ROWS = 1_400_000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the peak of memory is asked of the operating system in the way of Unix")
def test_a_file_larger_than_the_memory_allowed_is_counted_whole(tmp_path):
    """157 MB of identifiers, notes and scores against 64 MB: each person is told from every other, and what is held stays under the file."""
    place = tmp_path / "large.parquet"
    drawn = duckdb.connect()
    rows = (
        "SELECT md5(i::VARCHAR) AS id, repeat(md5(i::VARCHAR), 2) AS note, CASE WHEN i % 10 < 5 THEN 'F' WHEN i % 10 < 9 THEN 'M' END AS sex, "
        f"(i % 7 < 4)::INT AS ok, (hash(i) % 1000000) / 1000.0 AS score FROM range({ROWS}) t(i)"
    )
    drawn.execute(f"COPY ({rows}) TO '{place}' (FORMAT parquet, COMPRESSION uncompressed)")
    drawn.close()
    size = place.stat().st_size
    assert size > 150e6
    asked = {**os.environ, "EQUISCORE_MEMORY": "64MB"}
    done = subprocess.run([sys.executable, "-c", COUNTED, str(place)], capture_output=True, text=True, check=False, cwd=tmp_path, env=asked)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["cap"] == "61.0 MiB"
    assert (found["total"], found["scored"]) == (ROWS, ROWS)
    assert found["sex"] == {"(unknown)": ROWS // 10, "F": ROWS // 2, "M": ROWS * 4 // 10}
    assert found["favoured"] == ROWS * 4 // 7
    assert found["grown"] < size
