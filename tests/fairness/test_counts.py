"""Counts do not care how the file lies on the table: order, engine, chunks, names of levels, repetition of rows."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.fairness.counts import Margin
from scoring.vocabulary import UNKNOWN


def customers(n=300, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M", None], n, p=[0.5, 0.4, 0.1]), "age": rng.choice(["a", "b", "c"], n)})
    frame["accepted"] = rng.binomial(1, np.where(frame["sex"] == "F", 0.4, 0.7))
    frame["repaid"] = pd.array(rng.binomial(1, 0.8, n), dtype="Int64")
    frame.loc[rng.random(n) < 0.3, "repaid"] = pd.NA
    frame["score"] = np.round(rng.normal(size=n), 1)
    frame["w"] = rng.integers(0, 4, n)
    return frame


def study_of(frame, **asked):
    return scoring.audit(frame, **{"groups": ["sex", "age"], "decision": "accepted", "favourable": 1, "outcome": "repaid", "score": "score", **asked})


def files_of(study, folder):
    return {path.name: path.read_bytes() for path in sorted(Path(study.save(folder)).iterdir())}


def test_the_same_content_is_the_same_bytes_in_any_order_from_any_engine(tmp_path):
    frame = customers()
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    same = {
        "again": frame,
        "permuted": frame.sample(frac=1, random_state=1),
        "polars": pl.from_arrow(arrow),
        "arrow": arrow,
        "chunks": pa.concat_tables([arrow.slice(150), arrow.slice(0, 150)]),
        "duckdb": duckdb.from_arrow(arrow),
        "categories": frame.astype({"sex": "category", "age": "category"}),
    }
    expected = files_of(study_of(frame), tmp_path / "first")
    assert set(expected) == {"study.json", "cells.parquet", "histogram.parquet", "MANIFEST.json"}
    for name, other in same.items():
        assert files_of(study_of(other), tmp_path / name) == expected, name


@pytest.mark.parametrize("meaning", ["count", "weight"])
def test_weighted_files_are_the_same_bytes_in_any_order(tmp_path, meaning):
    frame = customers().assign(w=lambda f: f["w"] * 0.1 + 1 / 3)
    asked = {"weights": "w", "weight_meaning": meaning}
    expected = files_of(study_of(frame, **asked), tmp_path / "first")
    assert files_of(study_of(frame.sample(frac=1, random_state=2), **asked), tmp_path / "second") == expected
    assert files_of(study_of(pl.from_pandas(frame.assign(sex=frame["sex"].astype(object))), **asked), tmp_path / "third") == expected


def test_a_study_that_was_saved_and_read_gives_the_same_tables(tmp_path):
    study = study_of(customers())
    again = scoring.Study.load(study.save(tmp_path / "study"))
    for table in ("judged", "rates", "disparities", "bounds", "everybody", "performance"):
        pd.testing.assert_frame_equal(getattr(again, table)(), getattr(study, table)())
    pd.testing.assert_frame_equal(again.at_cutoff(0.5).judged(), study.at_cutoff(0.5).judged())


def test_cells_are_sorted_by_what_they_are_when_saved(tmp_path):
    study_of(customers()).save(tmp_path / "study")
    cells = pd.read_parquet(tmp_path / "study" / "cells.parquet")
    keys = [name for name in cells if name not in {"n", "weight", "weight_squared"}]
    pd.testing.assert_frame_equal(cells, cells.sort_values(keys, ignore_index=True))


ESTIMATES = ["value", "reference_value", "ratio", "difference", "shortfall", "refusal_ratio", "ratio_to_best"]


@settings(max_examples=3, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_a_count_of_k_is_the_row_k_times_in_everything(seed):
    frame = customers(150, seed)
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    counted, plain = study_of(frame, weights="w", weight_meaning="count"), study_of(repeated)
    pd.testing.assert_frame_equal(counted.judged(), plain.judged())
    pd.testing.assert_frame_equal(counted.everybody().query("people > 0").reset_index(drop=True), plain.everybody())
    pd.testing.assert_frame_equal(counted.published().judged(), plain.published().judged())
    pd.testing.assert_frame_equal(counted.performance(), plain.performance())
    assert (counted.counts.total, counted.rejects().tolist()) == (len(repeated), [])


@settings(max_examples=3, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_a_weight_of_k_is_the_row_k_times_in_estimates_only(seed):
    frame = customers(150, seed)
    weighted = study_of(frame, weights="w").disparities().set_index(["attribute", "group", "metric"])
    plain = study_of(frame.loc[frame.index.repeat(frame["w"])]).disparities().set_index(["attribute", "group", "metric"])
    for name in ("value", "ratio", "difference", "shortfall"):
        np.testing.assert_allclose(weighted[name], plain[name], rtol=1e-12, atol=1e-12)
    wider = (weighted["difference_high"] - weighted["difference_low"]) > (plain["difference_high"] - plain["difference_low"])
    assert wider.mean() > 0.9


@pytest.mark.parametrize("meaning", ["count", "weight"])
def test_weights_of_1_are_none(meaning):
    frame = customers().assign(w=1.0)
    weighted, plain = study_of(frame, weights="w", weight_meaning=meaning), study_of(frame)
    columns = ["attribute", "group", "metric", *ESTIMATES, "ratio_low", "ratio_high", "difference_low", "difference_high"]
    exact = meaning == "count"
    one, other = (study.judged().sort_values(["metric", "attribute", "group"], ignore_index=True)[columns] for study in (weighted, plain))
    pd.testing.assert_frame_equal(one, other, **({} if exact else {"rtol": 1e-7, "atol": 1e-9}))
    assert (weighted.judged()["because"].str.contains("linearisation").any()) is not exact or not exact


def test_one_huge_weight_leaves_the_others_an_interval():
    """Beside a weight of 10^12 the squares of the others are rounded away; their intervals must not become points, nor the run fail."""
    frame = customers().assign(w=1.0)
    frame.loc[0, "w"] = 1e12
    rows = study_of(frame, weights="w", groups=["sex"]).rates(metrics=["selection_rate"]).set_index("group")
    assert (rows["high"] - rows["low"] > 0).all()
    huge = "F" if frame.loc[0, "sex"] == "F" else "M"
    other = study_of(frame, groups=["sex"]).rates(metrics=["selection_rate"]).set_index("group").drop(index=huge)
    np.testing.assert_allclose(rows.drop(index=huge)[["value", "low", "high"]], other[["value", "low", "high"]], rtol=1e-6)


def test_a_group_whose_weights_are_all_0_is_undefined_not_0():
    frame = customers().assign(w=lambda f: np.where(f["sex"] == "F", 0, 1))
    row = study_of(frame, weights="w", groups=["sex"]).judged().query("group == 'F' and metric == 'selection_rate'").iloc[0]
    assert (row["trials"], row["verdict"]) == (0.0, "not applicable")
    assert np.isnan(row["value"])


@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_swapping_two_groups_inverts_the_ratio_and_negates_the_difference(seed):
    frame = customers(200, seed).dropna(subset=["sex"])
    rows = study_of(frame, groups=["sex"]).disparities().set_index(["metric", "group"])
    one, other = rows.xs("F", level="group"), rows.xs("M", level="group").loc[rows.xs("F", level="group").index]
    np.testing.assert_allclose(one["ratio"] * other["ratio"], np.where(one["ratio"].isna(), np.nan, 1.0), rtol=1e-12)
    np.testing.assert_allclose(one["difference"], -other["difference"], atol=1e-15)
    np.testing.assert_allclose(one["difference_low"], -other["difference_high"], atol=1e-12)
    np.testing.assert_allclose(one["ratio_low"] * other["ratio_high"], np.where(one["ratio"].isna(), np.nan, 1.0), rtol=1e-6)


def test_a_new_name_changes_the_name_and_nothing_else():
    frame = customers()
    named = frame.assign(sex=frame["sex"].replace({"F": "zz", "M": "aa"}))
    order = ["attribute", "group", "metric"]
    one = (
        study_of(frame)
        .judged()
        .replace({"F": "zz", "M": "aa"})
        .assign(group=lambda r: r["group"].str.replace("F x", "zz x").str.replace("M x", "aa x"))
    )
    other = study_of(named).judged()
    columns = [*order, *ESTIMATES, "p_exclusion_adjusted", "p_within_adjusted", "verdict", "needed", "because"]
    one, other = (rows[columns].sort_values(order, ignore_index=True) for rows in (one, other))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def test_a_margin_is_a_sum_of_cells_with_the_unknowns_last():
    frame = pd.DataFrame({"sex": ["F", None, "M", "F"], "age": ["25-65", "<25", "66+", None], "ok": [1, 1, 0, 0]})
    counts = scoring.audit(frame, groups=["sex", "age"], decision="ok", favourable=1).counts
    margin: Margin = counts.margin(("age",))
    assert margin.keys == (("<25",), ("25-65",), ("66+",), (UNKNOWN,))
    assert margin.people.tolist() == [[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 1]]
    assert counts.margin(("sex", "age")).keys == (("F", "25-65"), ("M", "66+"), (UNKNOWN, UNKNOWN))
    assert counts.margin(("sex", "age")).people.sum(1).tolist() == [1, 1, 2]
