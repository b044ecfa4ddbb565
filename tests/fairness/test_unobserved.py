"""Bounds over people whose group is unknown: sharp, against every allocation counted out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.fairness.unobserved import BOUNDS, depends_on_unknowns, unknown_bounds

TAU = 0.8
few = st.integers(0, 6)
files = st.tuples(few, few, few, few, few, few)


def table(*counts, metric="selection_rate"):
    """Build the rows of one attribute with the levels g and r and the unknowns, as `disparity.compare` gives them."""
    x, n, y, m, hits, unknown = counts
    pairs = {"g": (x, n, y, m), "r": (y, m, x, n), "(unknown)": (hits, unknown, x + y, n + m)}
    rows = [("a", level, metric, *pair) for level, pair in pairs.items() if level != "(unknown)" or unknown]
    frame = pd.DataFrame(rows, columns=["attribute", "group", "metric", "hits", "trials", "ref_hits", "ref_trials"])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (frame["hits"].to_numpy() / frame["trials"].to_numpy()) / (frame["ref_hits"].to_numpy() / frame["ref_trials"].to_numpy())
    return frame.assign(depth=1, reference="rest", known=frame["group"] != "(unknown)", ratio=ratio)


def ratio_of(x, n, y, m):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.float64(np.float64(x) / n) / (np.float64(y) / m)


def every_ratio(*counts):
    """Return the ratio for every number of hits and misses among the unknown that are members."""
    x, n, y, m, hits, misses = counts
    return np.array([ratio_of(x + h, n + h + s, y + hits - h, m + hits - h + misses - s) for h in range(hits + 1) for s in range(misses + 1)])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(file=files)
def test_bounds_are_the_extremes_over_every_allocation(file):
    x, refused, y, others, hits, misses = file
    n, m = x + refused, y + others
    found = unknown_bounds(table(x, n, y, m, hits, hits + misses), TAU).set_index("group").loc["g"]
    every = every_ratio(x, n, y, m, hits, misses)
    lowest, highest = ratio_of(x, n + misses, y + hits, m + hits), ratio_of(x + hits, n + hits, y, m + misses)
    np.testing.assert_allclose([found["ratio_lowest"], found["ratio_highest"]], [lowest, highest])
    defined = every[~np.isnan(every)]
    if n and m and len(defined) == len(every):
        np.testing.assert_allclose([found["ratio_lowest"], found["ratio_highest"]], [defined.min(), defined.max()])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(file=files)
def test_the_breakdown_is_the_first_number_of_refused_unknowns_that_reaches_the_tolerance(file):
    x, refused, y, others, hits, misses = file
    n, m = x + refused, y + others
    found = unknown_bounds(table(x, n, y, m, hits, hits + misses), TAU).set_index("group").loc["g", "breakdown"]
    if not n or not m or not y:
        return
    reached = [b for b in range(misses + 1) if ratio_of(x, n + b, y, m) <= TAU + 1e-12]
    np.testing.assert_equal(found, float(reached[0]) if reached else np.nan)


def test_a_metric_of_harm_has_its_bounds_turned():
    more = unknown_bounds(table(30, 100, 20, 100, 5, 20), TAU).set_index("group").loc["g"]
    less = unknown_bounds(table(30, 100, 20, 100, 5, 20, metric="exclusion_rate"), TAU).set_index("group").loc["g"]
    assert less["ratio_lowest"] == pytest.approx(1 / more["ratio_highest"])
    assert less["ratio_highest"] == pytest.approx(1 / more["ratio_lowest"])
    assert np.isnan(less["breakdown"])


def test_nobody_unknown_leaves_the_ratio_itself():
    found = unknown_bounds(table(30, 100, 40, 100, 0, 0), TAU).set_index("group").loc["g"]
    assert found[["ratio_lowest", "ratio_highest", "unknown"]].tolist() == pytest.approx([0.75, 0.75, 0.0])
    assert found["breakdown"] == 0.0


def study_with_unknowns(unknown):
    groups = ["F"] * 300 + ["M"] * 300 + [None] * unknown
    accepted = [1] * 200 + [0] * 100 + [1] * 200 + [0] * 100 + [0] * unknown
    return scoring.audit(pd.DataFrame({"sex": groups, "ok": accepted}), groups=["sex"], decision="ok", favourable=1)


def test_the_bounds_of_a_study_count_the_unknown_of_each_metric():
    bounds = study_with_unknowns(80).bounds()
    assert list(bounds.columns) == BOUNDS
    first = bounds[bounds["group"] == "F"].iloc[0]
    assert (first["unknown"], first["unknown_hits"], first["ratio"]) == (80.0, 0.0, 1.0)
    assert first["ratio_lowest"] == pytest.approx((200 / 380) / (200 / 300))
    assert first["breakdown"] == 75.0


@pytest.mark.parametrize(("unknown", "said"), [(80, True), (60, False), (0, False)])
def test_within_tolerance_says_when_it_depends_on_the_unknown(unknown, said):
    row = study_with_unknowns(unknown).judged().query("group == 'F'").iloc[0]
    assert (row["verdict"], "depends_on_unknowns" in row["reasons"]) == ("within tolerance", said)


def test_a_row_that_has_no_bounds_depends_on_nobody():
    rows = table(5, 10, 5, 10, 1, 3).assign(reference="M")
    assert depends_on_unknowns(rows, TAU).tolist() == [False, False, False]
