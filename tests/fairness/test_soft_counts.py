"""Probabilities are added up by cell: everybody is counted once, on every engine the same, and what is no probability is refused."""

import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from scoring.errors import ContractError, EquiscoreError, FaultyInput
from scoring.fairness.metrics import STATES
from scoring.fairness.unseen.membership import sums_of
from scoring.fairness.unseen.soft_counts import SOFT, count_soft
from scoring.plan import Plan
from scoring.tables import open_frame

COLUMNS = {
    "sex": {"type": "text", "roles": "protected"},
    "zone": {"type": "text", "roles": "cell"},
    "a": {"type": "number", "roles": "probability"},
    "b": {"type": "number", "roles": "probability"},
    "c": {"type": "number", "roles": "probability"},
    "ok": {"type": "integer", "roles": "decision"},
    "repaid": {"type": "integer", "roles": "outcome"},
    "branch": {"type": "text", "roles": "stratum"},
    "w": {"type": "number"},
}
BY_ZONE = {"probabilities": {"north": "a", "south": "b", "abroad": "c"}, "cell": "zone", "source": "census"}
ALONE = {"probabilities": {"north": "a"}, "source": "census"}


def customers(n=500, seed=0):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([2, 3, 1], 12)
    zone = rng.integers(0, 12, n)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "zone": [f"z{i}" for i in zone], "ok": rng.integers(0, 2, n)})
    frame[["a", "b", "c"]] = shares[zone]
    frame["repaid"] = pd.array(rng.integers(0, 2, n), dtype="Int64")
    frame.loc[rng.random(n) < 0.4, "repaid"] = pd.NA
    frame["branch"], frame["w"] = rng.choice(["x", "y"], n), rng.gamma(2, 1, n).round(3)
    return frame


def plan_of(memberships, **asked):
    columns = {name: dict(column) for name, column in COLUMNS.items()}
    if asked.get("weight_meaning"):
        columns["w"]["roles"] = "weight"
    base = {
        "columns": columns,
        "groups": {"sex": {"column": "sex"}},
        "decision": {"column": "ok", "favourable": 1},
        "outcome": {"column": "repaid", "favourable": 1},
        "memberships": memberships,
    }
    return Plan.model_validate(base | asked)


def soft_of(frame, memberships=None, **asked):
    plan = plan_of({"origin": BY_ZONE} if memberships is None else memberships, **asked)
    return count_soft(open_frame(frame, {name: column.type for name, column in plan.columns.items()}), plan, None)


def states_of(frame):
    row = np.array([["fn", "tn", "ru"], ["tp", "fp", "au"]], object)
    outcome = frame["repaid"].map({1: 0, 0: 1}).fillna(2).to_numpy(int)
    return row[frame["ok"].to_numpy(), outcome]


def test_sums_are_those_of_the_rows():
    frame = customers()
    soft = soft_of(frame)
    assert list(soft.columns) == SOFT
    by_hand = frame.assign(state=states_of(frame), square=frame["a"] ** 2).groupby(["zone", "state"])[["a", "square"]].agg(["sum", "size"])
    found = soft[soft["level"] == "north"].set_index(["cell", "state"]).sort_index()
    np.testing.assert_allclose(found["expected"], by_hand["a", "sum"], atol=1e-6)
    np.testing.assert_allclose(found["r_squared"], by_hand["square", "sum"], atol=1e-6)
    np.testing.assert_array_equal(found["n"], by_hand["a", "size"])
    np.testing.assert_array_equal(found[["expected", "r"]].to_numpy(), found[["r_mixed", "r_mixed"]].to_numpy())


def test_everybody_is_counted_once_at_each_level_and_the_levels_add_up_to_everybody():
    frame = customers()
    soft = soft_of(frame)
    assert soft.groupby("level")["n"].sum().tolist() == [500.0] * 3
    assert soft["expected"].sum() == pytest.approx(500)
    assert soft["level"].unique().tolist() == ["north", "south", "abroad"]


def test_weights_are_carried_through():
    frame = customers()
    soft = soft_of(frame, weight_meaning="weight")
    levels, sums = sums_of(soft)
    w = frame["w"].to_numpy()
    for level, column in zip(levels, "abc", strict=True):
        r, i = frame[column].to_numpy(), levels.index(level)
        expected = [len(w), w.sum(), (w**2).sum(), r.sum(), (w * r).sum(), (w**2 * r).sum(), (w**2 * r**2).sum()]
        np.testing.assert_allclose([part[i].sum() for part in sums], expected, rtol=1e-7)


def test_a_count_of_k_is_the_row_k_times():
    frame = customers().assign(w=lambda rows: np.arange(len(rows)) % 4)
    counted = soft_of(frame, weight_meaning="count")
    repeated = soft_of(frame.loc[frame.index.repeat(frame["w"])])
    counted = counted[counted["n"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(counted, repeated, rtol=1e-6, check_exact=False)


@pytest.mark.parametrize("asked", [{}, {"weight_meaning": "weight"}], ids=["plain", "weighted"])
def test_the_same_content_is_the_same_sums_in_any_order_from_any_engine(asked):
    frame = customers()
    both = {"origin": BY_ZONE, "binned": ALONE}
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    expected = soft_of(frame, both, **asked)
    for other in (frame.sample(frac=1, random_state=1), pl.from_arrow(arrow), arrow, duckdb.from_arrow(arrow)):
        pd.testing.assert_frame_equal(soft_of(other, both, **asked), expected, check_exact=True)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("asked", [{}, {"weight_meaning": "weight"}], ids=["plain", "weighted"])
def test_a_spark_frame_gives_the_same_sums(monkeypatch, asked):
    sql = pytest.importorskip("pyspark.sql")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    frame = customers(120)
    both = {"origin": BY_ZONE, "binned": ALONE}
    builder = sql.SparkSession.builder.master("local[2]").appName("equiscore-tests")
    settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        there = session.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False))
        pd.testing.assert_frame_equal(soft_of(there, both, **asked), soft_of(frame, both, **asked), check_exact=True)
    finally:
        session.stop()


def test_without_a_cell_the_probability_is_binned():
    frame = customers(400)
    frame["a"] = np.linspace(0, 1, 400)
    soft = soft_of(frame, {"origin": ALONE})
    assert soft["cell"].nunique() == 20
    assert soft.loc[soft["cell"] == "0.95-1", "n"].sum() == 20  # 1 belongs to the last bin
    share = soft.groupby("cell")["expected"].sum() / soft.groupby("cell")["n"].sum()
    assert all(float(cell.split("-")[0]) <= value <= float(cell.split("-")[1]) for cell, value in share.items())


def test_several_levels_are_binned_together():
    soft = soft_of(customers(), {"origin": {**BY_ZONE, "cell": None}})
    assert soft["cell"].str.count(" / ").eq(1).all()
    assert soft.groupby("level")["n"].sum().tolist() == [500.0] * 3


def test_a_person_without_a_cell_is_in_a_cell_of_its_own():
    frame = customers()
    frame.loc[:9, "zone"] = None
    soft = soft_of(frame)
    assert soft.loc[(soft["cell"] == "(unknown)") & (soft["level"] == "north"), "n"].sum() == 10


def test_rejected_rows_are_not_counted_and_their_probabilities_not_asked_for():
    frame = customers()
    frame["ok"] = frame["ok"].astype("Int64")
    frame.loc[:9, "ok"] = pd.NA
    frame.loc[:9, ["a", "b", "c"]] = np.nan
    assert soft_of(frame)["n"].sum() == 3 * 490


def test_a_plan_without_memberships_has_none():
    assert soft_of(customers(), {}) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(np.nan, "column 'a' holds no probability .* in 3 rows. Fix: give each person a probability", id="not a number"),
        pytest.param(None, "column 'a' holds no probability .* in 3 rows", id="missing"),
        pytest.param(np.inf, "column 'a' holds no probability .* in 3 rows", id="infinite"),
        pytest.param(1.2, "column 'a' holds a probability below 0 or above 1 in 3 rows. Fix: write a share", id="above 1"),
        pytest.param(-0.1, "column 'a' holds a probability below 0 or above 1 in 3 rows", id="below 0"),
    ],
)
def test_what_is_no_probability_is_refused(value, said):
    frame = customers().astype({"a": object if value is None else float})
    frame.loc[:2, "a"] = value
    with pytest.raises(ContractError, match=f"study.memberships.origin: {said}"):
        soft_of(frame, {"origin": ALONE})


def test_levels_that_do_not_add_up_to_one_are_refused_but_for_rounding():
    frame = customers()
    frame.loc[:4, "a"] += 0.01
    frame["a"] = frame["a"].clip(upper=1)
    with pytest.raises(ContractError, match=r"columns 'a', 'b', 'c' do not add up to 1 \(within 1e-06\) in \d rows. Fix: declare every level"):
        soft_of(frame)
    rounded = customers()
    rounded[["a", "b", "c"]] = rounded[["a", "b", "c"]].round(7)
    assert soft_of(rounded)["n"].sum() == 1500


def test_all_faults_come_at_once():
    frame = customers()
    frame.loc[0, "a"], frame.loc[1, "b"], frame.loc[2, "c"] = np.nan, 1.5, 0.9999
    with pytest.raises(FaultyInput) as raised:
        soft_of(frame, {"origin": BY_ZONE, "binned": ALONE})
    assert [type(fault) for fault in raised.value.faults.exceptions] == [ContractError] * 4
    assert "in 2 rows" in str(raised.value)  # the levels of two rows no longer add up
    assert all("Fix:" in str(fault) for fault in raised.value.faults.exceptions if isinstance(fault, EquiscoreError))


def test_only_states_of_the_six_are_there():
    assert set(soft_of(customers())["state"]) <= set(STATES)
