"""Raw and shrunken side by side: the few are drawn to what is expected of them, the many keep their rate, nobody is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import scoring
from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.searching.conjunctions import lattice, sums
from scoring.fairness.searching.shrinkage import _most_likely_size, estimates, expected_rates, shrunken


def test_the_posterior_is_that_of_scipy():
    x, n, mean = np.array([0, 3, 40, 1000]), np.array([3, 3, 50, 4000]), np.array([0.4, 0.4, 0.6, 0.2])
    found = shrunken(x, n, mean, prior=25.0, confidence=0.9)
    posterior = stats.beta(25 * mean + x, 25 * (1 - mean) + n - x)
    np.testing.assert_allclose(found.value, posterior.mean())
    np.testing.assert_allclose(found.low, posterior.ppf(0.05))
    np.testing.assert_allclose(found.high, posterior.ppf(0.95))


def test_the_prior_is_the_most_likely_one():
    """The likelihood of scipy's beta-binomial over a fine grid has its top at the same size."""
    rng = np.random.default_rng(0)
    n = rng.integers(5, 200, 300)
    mean = rng.uniform(0.2, 0.6, 300)
    x = stats.betabinom.rvs(n, 30 * mean, 30 * (1 - mean), random_state=rng)
    grid = np.exp(np.linspace(np.log(5), np.log(200), 400))
    likelihood = [stats.betabinom.logpmf(x, n, size * mean, size * (1 - mean)).sum() for size in grid]
    found = _most_likely_size(x.astype(float), n.astype(float), mean)
    assert found == pytest.approx(grid[int(np.argmax(likelihood))], rel=0.02)
    assert found == pytest.approx(30, rel=0.3)


def test_rates_that_differ_by_chance_alone_are_drawn_together():
    rng = np.random.default_rng(1)
    n = np.full(500, 20)
    found = shrunken(rng.binomial(n, 0.3), n, 0.3)
    assert found.prior > 500
    assert found.value.std() < 0.02


def test_shrunken_rates_are_nearer_to_the_truth_than_raw_ones():
    rng = np.random.default_rng(2)
    n = rng.integers(2, 60, 2_000)
    truth = rng.beta(30 * 0.4, 30 * 0.6, len(n))
    x = rng.binomial(n, truth)
    found = shrunken(x, n, 0.4)
    assert ((found.value - truth) ** 2).mean() < 0.6 * ((x / n - truth) ** 2).mean()
    assert ((found.low <= truth) & (truth <= found.high)).mean() == pytest.approx(0.95, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500), st.floats(0, 1), st.floats(0.01, 0.99), st.floats(0.5, 1e4))
def test_a_shrunken_rate_lies_between_the_raw_one_and_what_is_expected(n, share, expected, prior):
    x = round(share * n)
    found = shrunken(x, n, expected, prior=prior)
    assert min(x / n, expected) - 1e-9 <= found.value <= max(x / n, expected) + 1e-9
    assert 0 <= found.low <= found.high <= 1


def test_what_is_expected_of_a_pair_is_the_product_of_odds():
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    tally = np.array([[100.0, 900.0], [400.0, 600.0], [400.0, 600.0], [700.0, 300.0]])
    held = lattice(codes, 2)
    added = sums(held, tally)
    odds = (added[:, 0] + 0.5) / (added[:, 1] + 0.5)
    overall = 1600.5 / 2400.5
    pair = odds[0] * odds[2] / overall  # numbers 0 and 2 are the first levels of both attributes
    expected = expected_rates(held, added, tally.sum(0))
    assert expected[4] == pytest.approx(pair / (1 + pair))
    np.testing.assert_allclose(expected[:4], overall / (1 + overall))


def table(frame: pd.DataFrame) -> pd.DataFrame:
    counts = scoring.audit(frame, groups=["a", "b"], decision="y", favourable=True).counts
    return estimates(counts, "selection_rate", bounds=Bounds()).set_index("group")


def customers(n: int = 4_000) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.choice(list("uvw"), n), "b": rng.choice(list("pqr"), n)})
    return frame.assign(y=rng.random(n) < np.where(frame["a"] == "u", 0.3, 0.6))


def test_p21_a_group_of_three_is_shown_raw_and_shrunken_and_never_dropped():
    frame = pd.concat([customers(), pd.DataFrame({"a": "z", "b": ["p", "q", "r"], "y": False})])
    rows = table(frame)
    tiny = rows.loc["z"]
    assert tiny[["people", "hits", "trials", "value"]].tolist() == [3, 0, 3, 0.0]
    assert 0 < tiny["shrunken_low"] < tiny["shrunken"] < tiny["shrunken_high"] < 1
    assert tiny["shrunken"] > 0.3
    assert rows.loc["u", "shrunken"] == pytest.approx(rows.loc["u", "value"], abs=0.01)
    assert {"z x p", "z x q", "z x r"} <= set(rows.index)
    assert rows.groupby("attribute")["people"].sum().tolist() == [4_003] * 3


def test_everybody_is_in_the_table_at_every_depth_and_order_does_not_matter():
    frame = customers()
    pd.testing.assert_frame_equal(table(frame), table(frame.sample(frac=1, random_state=0)))


def test_no_trials_leave_what_is_expected():
    found = shrunken([0, 10], [0, 20], 0.4, prior=10.0)
    assert found.value[0] == pytest.approx(0.4)
    assert _most_likely_size(np.zeros(2), np.zeros(2), np.full(2, 0.5)) > 1e6


def test_more_hits_than_trials_are_refused():
    with pytest.raises(EquiscoreError, match="Fix: give hits out of trials"):
        shrunken(4, 3, 0.5)
