from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression
from sklearn.tree import DecisionTreeClassifier

from scoring.errors import EquiscoreError
from scoring.models.card.cuts import MOST_DISTINCT, MOST_PIECES, Ordered, best_cuts, coarse, find_edges, log_loss, summed, turning_cuts
from scoring.models.card.ranges import places_among, range_labels, read_edges

COUNTS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(any), min_size=1, max_size=9)


def monotone(counts, direction):
    shares = counts[0] / counts.sum(axis=0)
    return direction == 0 or (np.diff(shares) * direction >= -1e-12).all()


def best_by_trying_all(counts, direction, max_bins, least):
    """Second road: every way to cut, the monotone ones of which the least log-loss."""
    n = counts.shape[1]
    ways = [np.array(cuts, int) for k in range(max_bins) for cuts in combinations(range(n - 1), k)]
    sums = [summed(counts, cuts) for cuts in ways]
    allowed = [s for s in sums if monotone(s, direction) and s.sum(axis=0).min() >= least]
    return min((log_loss(s) for s in allowed), default=np.nan)


@settings(deadline=None, max_examples=60)
@given(COUNTS, st.sampled_from([1, -1, 0]), st.integers(2, 5))
def test_no_other_monotone_cutting_is_likelier(pairs, direction, max_bins):
    counts = np.array(pairs, float).T
    found = summed(counts, best_cuts(counts, direction, max_bins=max_bins, min_share=0.0))
    assert monotone(found, direction)
    assert found.shape[1] <= max_bins
    assert log_loss(found) == pytest.approx(best_by_trying_all(counts, direction, max_bins, 0), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(COUNTS, st.integers(2, 5), st.floats(0, 0.5))
def test_every_bin_is_large_enough_and_any_shape_is_best_of_all(pairs, max_bins, min_share):
    counts = np.array(pairs, float).T
    least = min_share * counts.sum() * (1 - 1e-9)
    found = summed(counts, best_cuts(counts, 0, max_bins=max_bins, min_share=min_share))
    assert found.sum(axis=0).min() >= least
    assert log_loss(found) == pytest.approx(best_by_trying_all(counts, 0, max_bins, least), abs=1e-9)


@pytest.mark.parametrize("direction", [1, -1])
def test_it_is_likelier_than_a_greedy_tree(direction):
    """Second road: scikit-learn's tree under the same rules."""
    rng = np.random.default_rng(3)
    gains = []
    for _ in range(10):
        share = np.linspace(0.2, 0.8, 200)[::direction]
        counts = rng.binomial(4, np.stack([share, 1 - share])) + 0.0
        counts[0] += counts.sum(axis=0) == 0
        tree = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=6, monotonic_cst=[direction], random_state=0)
        tree.fit(np.tile(np.arange(200), 2)[:, None], np.repeat([1, 0], 200), sample_weight=counts.ravel())
        greedy = np.sort(np.floor(tree.tree_.threshold[tree.tree_.children_left >= 0]).astype(int))
        gains.append(log_loss(summed(counts, greedy)) - log_loss(summed(counts, best_cuts(counts, direction, max_bins=6, min_share=0.0))))
    assert min(gains) >= -1e-9
    assert max(gains) > 0.1


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(any), min_size=3, max_size=9), st.sampled_from([1, -1]))
def test_the_turn_is_where_two_isotonic_regressions_fit_best(pairs, sign):
    """Second road: scikit-learn's isotonic regression before and after each place."""
    counts = np.array(pairs, float).T
    shares, people = counts[0] / counts.sum(axis=0), counts.sum(axis=0)

    def fitted(turn):
        sides = (slice(0, turn), sign), (slice(turn, None), -sign)
        fits = [isotonic_regression(shares[side], sample_weight=people[side], increasing=way > 0) for side, way in sides]
        p = np.clip(np.concatenate(fits), 1e-300, 1 - 1e-16)
        return -(counts[0] * np.log(p) + counts[1] * np.log1p(-p)).sum()

    found = summed(counts, turning_cuts(counts, sign, max_bins=9, min_share=0.0))
    assert log_loss(found) == pytest.approx(min(fitted(turn) for turn in range(1, len(shares))), abs=1e-6)
    ways = [way for way in np.sign(np.diff(found[0] / found.sum(axis=0))) * sign if way]
    assert ways == sorted(ways, reverse=True)


def test_thousands_of_pieces_are_cut_as_well():
    n = 4 * MOST_PIECES
    counts = np.stack([np.arange(1.0, n + 1), np.arange(n, 0.0, -1)])  # rising at every step: as many blocks as values
    cuts = best_cuts(counts, 1, max_bins=6, min_share=0.05)
    assert len(cuts) == 5
    assert monotone(summed(counts, cuts), 1)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_people_are_counted_between_ends_as_a_loop_would(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.integers(0, 8, 60).astype(float), rng.integers(0, 3, 60).astype(float)
    people = Ordered.of(values, weights)
    ends = coarse(people)
    assert people.between(ends).tolist() == [weights[values == end].sum() for end in ends]
    assert Ordered.of(np.repeat(values, weights.astype(int)), np.ones(int(weights.sum()))).between(ends).tolist() == people.between(ends).tolist()


def test_quantiles_stand_in_for_many_values_weighted_or_not():
    values = np.random.default_rng(0).normal(size=5000)
    ends = coarse(Ordered.of(values, np.ones(5000)))
    assert MOST_DISTINCT * 0.9 < len(ends) <= MOST_DISTINCT
    assert ends[-1] == values.max()
    assert (
        ends.tolist() == coarse(Ordered.of(np.repeat(values, 2), np.ones(10_000))).tolist() == coarse(Ordered.of(values, np.full(5000, 2.0))).tolist()
    )


def test_nobody_has_no_edges():
    nothing = np.zeros(0)
    how = {"monotone": "auto", "max_bins": 6, "min_share": 0.05}
    assert find_edges(nothing, nothing.astype(bool), nothing, **how) == ((), ())
    assert find_edges(np.ones(3), np.array([True, False, True]), np.ones(3), **how) == ((), ())


@pytest.mark.parametrize("n_edges", [0, 1, 5, 60])
def test_ranges_hold_their_upper_edge_by_either_way_of_looking(n_edges):
    edges = tuple(map(float, range(n_edges)))
    values = np.concatenate([np.arange(-1, n_edges + 1, 0.5), [np.nan]])
    found = places_among(edges, values)
    assert found[:-1].tolist() == [sum(edge < value for edge in edges) for value in values[:-1]]
    assert found[-1] == 0


def test_labels_tell_close_edges_apart():
    assert len(set(range_labels([0.1, float(np.nextafter(0.1, 1))]))) == 3


@pytest.mark.parametrize("wrong", [[2, 1], [1, 1], [1, np.inf], [np.nan], ["a"], [1, None]])
def test_wrong_edges_are_refused(wrong):
    with pytest.raises(EquiscoreError, match=r"cuts of 'age'.*Fix:"):
        read_edges(wrong, "age")
