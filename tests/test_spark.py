"""A frame on a Spark cluster gives, cell by cell, the counts that one machine gives."""

import datetime as dt
import os
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import scoring
from scoring.customers.intake import admit
from scoring.errors import ContractError
from scoring.fairness.counts import count
from scoring.plan import Plan
from scoring.rejects import rejected_rows
from scoring.scores import score_customers
from scoring.serving.score_files import score_frame
from scoring.serving.served import Served, serve
from scoring.tables import collect, open_frame
from scoring.vocabulary import ColumnType as Type

pytestmark = [
    pytest.mark.full,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # pyspark of pandas 3
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def spark():
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        if os.environ.get("EQUISCORE_FULL") == "1":
            pytest.fail("pyspark is not here, and EQUISCORE_FULL=1 asks for it")
        pytest.skip("pyspark is not here")
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC",
    }  # fmt: skip
    builder = SparkSession.builder.master("local[2]").appName("equiscore-tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


COLUMNS = {
    "id": {"type": "text", "roles": "identifier"},
    "sex": {"type": "text", "roles": "protected"},
    "birth": {"type": "date", "roles": "protected"},
    "age": {"type": "integer", "roles": "protected"},
    "member": {"type": "boolean", "roles": "protected"},
    "region; DROP `x`": {"type": "text", "roles": "stratum"},
    "weight": {"type": "number", "roles": "weight"},
    "granted": {"type": "text", "roles": "decision"},
    "repaid": {"type": "text", "roles": "outcome"},
    "score": {"type": "number", "roles": "score"},
}


def plan(**changes):
    return Plan(
        **{
            "as_of": "2026-01-31",
            "columns": COLUMNS,
            "groups": {
                "sex": {"column": "sex", "levels": ["F", "M"], "undeclared": "reject"},
                "birth": {"column": "birth", "edges": [25, 66]},
                "age": {"column": "age", "edges": [35]},
                "member": {"column": "member"},
            },
            "decision": {"column": "granted", "favourable": "yes"},
            "outcome": {"column": "repaid", "favourable": "good"},
            "score": {"column": "score"},
            "segments": {"bands": {"edges": [450.5, 550]}},
            "bounds": {"max_rejected_share": 0.9},
            **changes,
        }
    )


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(5)
    n = 2_000
    birth = [None if i % 50 == 0 else dt.date(1930, 1, 1) + dt.timedelta(days=int(d)) for i, d in enumerate(rng.integers(0, 29_000, n))]
    frame = pd.DataFrame({
        "id": [f"person-{i}" for i in range(n)],
        "sex": rng.choice(["F", "M", "X", " ", None], n),
        "birth": pd.Series(birth, dtype=object),
        "age": rng.choice(["30", "40.0", " 50 ", "12.5", "12d", "x", "", None], n),
        "member": rng.choice(["true", "FALSE", "1", "0.0", "2", "", None], n),
        "region; DROP `x`": rng.choice(["north", "south", None], n),
        "weight": rng.choice([1.0, 0.1, 2.5, -1.0, np.inf], n, p=[0.5, 0.3, 0.1, 0.05, 0.05]),
        "granted": rng.choice(["yes", "no", " ", None], n, p=[0.5, 0.4, 0.05, 0.05]),
        "repaid": rng.choice(["good", "bad", None], n),
        "score": rng.normal(500, 50, n).round(3),
    })  # fmt: skip
    frame.loc[[3, 4, 5], "score"] = [np.nan, np.inf, -np.inf]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    score = pa.array([None if i == 6 else value for i, value in enumerate(frame["score"])], pa.float64(), from_pandas=False)  # not-a-number and none
    return table.set_column(table.column_names.index("score"), "score", score)


@pytest.fixture(scope="module")
def there(spark, people):
    return spark.createDataFrame(people).cache()


def same(one, other):
    """The same rows, in whatever order an engine gives them."""
    by = list(one.columns)
    pd.testing.assert_frame_equal(one.sort_values(by, ignore_index=True), other.sort_values(by, ignore_index=True), check_exact=True)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="decision in a column"),
        pytest.param(
            {"score": {"column": "score", "higher_is": "worse"}, "decision": {"cutoff": {"rule": "accept_share", "value": 0.6}}}, id="share accepted"
        ),
    ],
)
def test_the_counts_are_those_of_one_machine(there, people, changes):
    asked = plan(**changes)
    activity = scoring.ProcessingActivity.model_construct(study=asked)
    activity.__class__.document, kept = (lambda _: {}), activity.__class__.document
    try:
        one, other = (scoring.conduct_study(activity, frame) for frame in (people, there))
    finally:
        activity.__class__.document = kept
    same(one.counts.cells, other.counts.cells)
    same(one.counts.histogram, other.counts.histogram)
    np.testing.assert_array_equal(one.counts.edges, other.counts.edges)
    pd.testing.assert_frame_equal(one.verdicts(), other.verdicts())


def test_an_audit_gives_the_verdicts_of_one_machine(there, people):
    said = {"decision": "granted", "favourable": "yes", "groups": {"sex": None}, "score": "score"}
    whole = people.filter(pc.and_(pc.is_in(people["granted"], pa.array(["yes", "no"])), pc.is_finite(people["score"])))
    some = there.filter("granted IN ('yes', 'no') AND score < double('inf') AND score > -double('inf')")
    one, other = (scoring.audit(frame, **said) for frame in (whole, some))
    same(one.counts.cells, other.counts.cells)
    pd.testing.assert_frame_equal(one.verdicts(), other.verdicts())


def test_the_rejected_rows_are_those_of_one_machine_without_their_places(there, people, monkeypatch):
    monkeypatch.setenv("EQUISCORE_KEY", "secret")
    asked = plan()
    one, other = (rejected_rows(admit(asked, frame), asked).to_pandas() for frame in (people, there))
    assert other["row"].isna().all()
    same(one[["reason", "person"]], other[["reason", "person"]])
    assert len(other) == count(admit(asked, people), asked).rejected["n"].sum()


VALUES = ["12", "12.0", "12.5", " 7 ", "1e3", "9007199254740993", "9223372036854775807", "9223372036854775808", "x", "12d", "nan", "1990-01-31",
          "1990", "1990-02-30", "31/01/1990", "1990/01/31", "90-01-31", "true", "FALSE", "no", "2", "0.0", "", "  ", None]  # fmt: skip


@pytest.mark.parametrize("kind", list(Type), ids=str)
def test_a_text_is_taken_as_on_one_machine(spark, kind):
    frame = pd.DataFrame({"place": range(len(VALUES)), "v": pd.Series(VALUES, dtype=object)})
    there = spark.createDataFrame(list(frame.itertuples(index=False, name=None)), "place INT, v STRING")
    types = {"place": Type.INTEGER, "v": kind}
    one, other = (sorted(collect(open_frame(f, types).frame).to_pylist(), key=lambda row: row["c0"]) for f in (frame, there))
    assert [str(row) for row in other] == [str(row) for row in one]


@pytest.mark.parametrize("engine", ["scorecard", "gradient_boosting", None], ids=["scorecard", "boosting", "a column"])
def test_people_are_scored_on_the_cluster_as_on_one_machine(there, people, monkeypatch, engine):
    """By batches on the workers (mapInArrow): nothing is brought here before somebody asks for it."""
    monkeypatch.setenv("EQUISCORE_KEY", "secret")
    activity = scoring.ProcessingActivity.model_construct(study=scored_plan(engine))
    served = serve(activity.study.model_copy(update={"source": None}), None, 500.0) if engine is None else trained_on(activity.study, people)
    monkeypatch.setattr("scoring.serving.score_files.serve", lambda *_: served)
    one = score_frame(activity, people).to_pandas()
    for action in ("collect", "toPandas", "toArrow", "count", "toLocalIterator"):
        monkeypatch.setattr(type(there), action, lambda *_, action=action: pytest.fail(f"{action} was called"))
    made = score_frame(activity, there)
    monkeypatch.undo()
    assert "MapInArrow" in made._jdf.queryExecution().toString()
    other = made.toPandas()
    assert list(other.columns) == list(one.columns)
    assert one["reason"].notna().sum() >= 4
    same(one.astype(object).where(one.notna(), None).astype(str), other.astype(object).where(other.notna(), None).astype(str))


def scored_plan(engine):
    columns = {**COLUMNS, "age": {"type": "integer", "roles": "feature"}, "member": {"type": "boolean", "roles": "feature"}}
    columns |= {"region; DROP `x`": {"type": "text", "roles": "feature"}, "weight": {"type": "number", "roles": "feature"}}
    score = {"column": "score"} if engine is None else {"train": {"engine": engine, "folds": 2}}
    bands = {"edges": [450.5, 550]} if engine != "gradient_boosting" else {"edges": [0.4, 0.6]}
    return plan(
        columns=columns, groups={"sex": {"column": "sex"}}, score=score,
        segments={"bands": {**bands, "labels": ["low", "middle", "high"]}, "offers": {"low": None, "middle": "a", "high": "b"}},
        decision={"cutoff": {"rule": "value", "value": 0.5 if engine == "gradient_boosting" else 500}},
    )  # fmt: skip


def trained_on(asked, people):
    clean = people.filter(pc.is_finite(people["weight"]))
    scored = score_customers(admit(asked, clean), asked)
    return Served("trained here", scored.estimator, scored.cutoff, edges=asked.segments.bands.edges)


def test_a_missing_column_is_named(there):
    with pytest.raises(ContractError, match=r"column 'agee' is declared but not there.*Fix: rename 'age' to 'agee'"):
        open_frame(there, {"agee": Type.TEXT})
