"""Redrawn counts against redrawn rows, Taylor's variance, and scipy's own bootstrap."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.errors import EquiscoreError
from scoring.fairness.bootstrap import FEWEST, acceleration, bootstrap_interval, quantiles, resample, resample_clustered


def share(counts):
    return counts[..., :1] / counts[..., :2].sum(-1, keepdims=True)


def log_ratio(sums):
    """Of the rates in two groups: cells are (favoured, refused) of the first, then of the second."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(sums[..., 0] / (sums[..., 0] + sums[..., 1])) - np.log(sums[..., 2] / (sums[..., 2] + sums[..., 3]))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(people=st.lists(st.integers(0, 50), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_everybody_is_drawn_again_and_nobody_from_an_empty_cell(people, seed):
    drawn = resample(people, 20, np.random.default_rng(seed))
    assert (drawn.sum(axis=1) == sum(people)).all()
    assert (drawn[:, np.array(people) == 0] == 0).all()


def test_redrawn_counts_have_the_moments_of_a_multinomial():
    people = np.array([40, 25, 20, 10, 5])
    drawn, p = resample(people, 100_000, np.random.default_rng(0)), people / 100
    np.testing.assert_allclose(drawn.mean(axis=0), people, atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), 100 * (np.diag(p) - np.outer(p, p)), atol=0.3)


def test_many_draws_come_from_streams_and_are_the_same_for_the_same_seed():
    people = np.full(1000, 20)
    one, other = (resample(people, 1500, np.random.default_rng(4)) for _ in range(2))
    assert (one == other).all()
    assert (one.sum(axis=1) == 20_000).all()
    assert one.std(axis=0).mean() == pytest.approx(np.sqrt(20), rel=0.01)


def test_two_thousand_replicates_of_two_thousand_cells_are_quick():
    start = time.process_time()
    resample(np.random.default_rng(0).integers(1, 1000, 2000), 2000, np.random.default_rng(0))
    assert time.process_time() - start < 3  # about .6 s of processor time


def weighted_rows(rng, n=1000):
    """Rows of two groups with lognormal weights; cells as in `log_ratio`."""
    group = np.repeat([0, 1], n)
    favoured = rng.random(2 * n) < np.where(group == 0, 0.35, 0.45)
    return 2 * group + ~favoured, rng.lognormal(0, 1, 2 * n)


def test_weights_are_redrawn_as_rows_would_be_and_mean_weights_are_too_sure():
    """Standard deviation of a log ratio: rows, Taylor and two moments agree; the multinomial of mean weights is far below."""
    rng = np.random.default_rng(5)
    cell, weight = weighted_rows(rng)
    n, s1, s2 = (np.bincount(cell, weight**power, 4) for power in (0, 1, 2))
    picked = rng.integers(0, len(cell), (1500, len(cell)))
    rows = np.stack([np.bincount(cell[pick], weight[pick], 4) for pick in picked])
    found = {
        "rows": log_ratio(rows).std(),
        "moments": log_ratio(resample(n, 6000, rng, weight=s1, weight_squared=s2)).std(),
        "means": log_ratio(resample(n, 6000, rng) * s1 / n).std(),
    }
    p, q = s1[0] / s1[:2].sum(), s1[2] / s1[2:].sum()
    d = np.array([1 / s1[0] - 1 / s1[:2].sum(), -1 / s1[:2].sum(), -1 / s1[2] + 1 / s1[2:].sum(), 1 / s1[2:].sum()])
    taylor = np.sqrt((s2 * d**2).sum())
    assert 0 < p < q < 1
    assert found["moments"] == pytest.approx(found["rows"], rel=0.06)
    assert found["moments"] == pytest.approx(taylor, rel=0.05)
    assert found["means"] < 0.75 * found["rows"]


def test_clusters_are_redrawn_from_their_second_moments():
    """400 households of three who share a decision: the normal of M has the spread of redrawn households, the rows have less."""
    rng = np.random.default_rng(6)
    household = np.repeat(np.arange(400), 3)
    group = rng.integers(0, 2, 1200)
    kind = rng.random(400)
    favoured = rng.random(1200) < np.where(rng.random(1200) < 0.7, (kind < 0.4)[household], 0.4)
    cell = 2 * group + ~favoured
    by_household = np.zeros((400, 4))
    np.add.at(by_household, (household, cell), 1.0)
    joint, total = by_household.T @ by_household, by_household.sum(0)
    gaussian = resample_clustered(total, joint, 400, 8000, rng)
    redrawn = by_household[rng.integers(0, 400, (8000, 400))].sum(axis=1)

    def rate(sums):
        return np.log(sums[..., 0] / (sums[..., 0] + sums[..., 1]))

    assert rate(gaussian).std() == pytest.approx(rate(redrawn).std(), rel=0.05)
    assert log_ratio(gaussian).std() == pytest.approx(log_ratio(redrawn).std(), rel=0.05)
    assert rate(resample(total, 8000, rng)).std() < 0.85 * rate(redrawn).std()
    np.testing.assert_allclose(np.cov(gaussian.T), joint - np.outer(total, total) / 400, rtol=0.12, atol=25)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), level=st.floats(0.01, 0.99))
def test_quantiles_are_numpys_without_the_nans(seed, level):
    rng = np.random.default_rng(seed)
    draws = np.where(rng.random((37, 3)) < 0.3, np.nan, rng.normal(size=(37, 3)))
    draws[0] = 0.0  # some value in each column
    np.testing.assert_allclose(quantiles(draws, level), np.nanquantile(draws, level, axis=0), atol=1e-12)


def test_infinite_replicates_stay_infinite():
    assert quantiles([[1.0], [np.inf], [np.inf]], 0.9).tolist() == [np.inf]
    assert quantiles([[1.0], [2.0], [np.inf]], 0.5).tolist() == [2.0]


def test_p22_a_replicate_that_misses_a_group_is_nan_for_that_group_alone():
    people = np.array([1, 1, 500, 500])

    def rates(counts):
        with np.errstate(invalid="ignore"):
            return np.stack([counts[..., 0] / counts[..., :2].sum(-1), counts[..., 2] / counts[..., 2:].sum(-1)], -1)

    draws = rates(resample(people, 4000, np.random.default_rng(0)))
    missed = np.isnan(draws)
    assert missed[:, 0].mean() == pytest.approx((1 - 2 / 1002) ** 1002, abs=0.03)
    assert not missed[:, 1].any()
    assert np.isfinite(quantiles(draws, 0.025)).all()


def test_bca_is_scipys_bca_on_the_rows():
    people = np.array([18, 102])
    rows = np.repeat([1.0, 0.0], people)
    theirs = stats.bootstrap((rows,), np.mean, n_resamples=20_000, rng=np.random.default_rng(0), vectorized=True).confidence_interval
    found = bootstrap_interval(people, share, np.random.default_rng(1), replicates=20_000)
    assert (found.low[0], found.high[0]) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_the_acceleration_is_that_of_leaving_each_row_out():
    people = np.array([7, 20, 3])

    def odds(counts):
        return (counts[..., :1] + 1) / (counts[..., 1:2] + counts[..., 2:] + 1)

    cell = np.repeat([0, 1, 2], people)
    without = np.array([odds(people - np.eye(3)[c])[0] for c in cell])
    gap = without.mean() - without
    assert acceleration(people, odds)[0] == pytest.approx((gap**3).sum() / (6 * (gap**2).sum() ** 1.5), rel=1e-12)


def test_the_acceleration_of_many_groups_is_that_of_each():
    groups = np.array([[7.0, 20.0], [50.0, 30.0]])
    np.testing.assert_allclose(acceleration(groups, share), [acceleration(row, share) for row in groups])


def test_p02_where_a_count_is_under_five_no_limits_are_drawn():
    found = bootstrap_interval([0, 10], share, np.random.default_rng(0), numerators=[0])
    assert found.value.tolist() == [0.0]
    assert np.isnan([found.low[0], found.high[0]]).all()
    assert found.few.tolist() == [True]
    assert not bootstrap_interval([FEWEST, 10], share, np.random.default_rng(0), numerators=[FEWEST]).few.any()


def test_intervals_cover_as_often_as_promised():
    """BCa intervals of a share of .3 in 120: 600 files, so a standard error of .009."""
    rng = np.random.default_rng(8)
    files = rng.multinomial(120, [0.3, 0.7], size=600)
    held = [bootstrap_interval(file, share, rng, replicates=400) for file in files]
    assert np.mean([bool(found.low[0] <= 0.3 <= found.high[0]) for found in held]) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"method": "studentised"}, "use bca or percentile"), ({"confidence": 95}, "0.95 for 95 %"), ({"replicates": 0}, "at least 1")],
)
def test_what_cannot_be_asked_is_said(asked, said):
    with pytest.raises(EquiscoreError, match=said):
        bootstrap_interval([5, 5], share, np.random.default_rng(0), **asked)


def test_a_matrix_of_clusters_of_another_size_is_refused():
    with pytest.raises(EquiscoreError, match="one row and one column a cell"):
        resample_clustered([1.0, 2.0], np.eye(3), 3, 10, np.random.default_rng(0))
