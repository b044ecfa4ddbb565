"""Bootstrap stability: by a loop, the same for any number of processes, high for clear segments and low for none."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.metrics import adjusted_rand_score

from scoring.errors import EquiscoreError
from scoring.models import KMeansSegments
from scoring.models.segmenting.mixtures import GaussianMixtureSegments
from scoring.models.segmenting.segment_stability import choose_segments, segment_stability


@pytest.fixture(scope="module")
def clear():
    rng = np.random.default_rng(0)
    return pd.DataFrame(np.array([[0, 0.0], [8, 0], [0, 8]])[np.repeat([0, 1, 2], 80)] + rng.normal(size=(240, 2)), columns=["a", "b"])


@pytest.fixture(scope="module")
def none():
    return pd.DataFrame(np.random.default_rng(1).uniform(size=(240, 2)), columns=["a", "b"])


def test_each_replicate_by_a_loop(clear):
    """The index is Hubert & Arabie's, here from the contingency table by hand."""
    asked = KMeansSegments(4, n_init=2)
    found = segment_stability(asked, clear, replicates=4, seed=3)
    labels = KMeansSegments(4, n_init=2).fit_predict(clear)
    told = []
    for stream in np.random.SeedSequence(3).spawn(4):
        drawn = np.random.default_rng(stream).integers(0, 240, 240)
        told.append(by_hand(labels, KMeansSegments(4, n_init=2).fit(clear.iloc[drawn]).predict(clear)))
    assert found.replicates == pytest.approx(told)
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(told), *np.quantile(told, [0.025, 0.975])))
    assert (found.people, found.seed, found.level) == (240, 3, 0.95)


def by_hand(one, other):
    def pairs(counts):
        return (counts * (counts - 1) / 2).sum()

    table = pd.crosstab(one, other).to_numpy()
    expected = pairs(table.sum(0)) * pairs(table.sum(1)) / pairs(np.array([table.sum()]))
    return (pairs(table) - expected) / ((pairs(table.sum(0)) + pairs(table.sum(1))) / 2 - expected)


@pytest.mark.parametrize("estimator", [KMeansSegments(3, n_init=2), GaussianMixtureSegments(3, n_init=1)], ids=["k-means", "mixture"])
def test_the_same_bytes_for_any_number_of_processes(clear, estimator):
    alone, together = (segment_stability(estimator, clear, replicates=4, seed=1, n_jobs=jobs) for jobs in (1, 2))
    assert alone == together
    assert segment_stability(estimator, clear.to_numpy(), replicates=4, seed=1) == alone
    assert segment_stability(estimator, clear, replicates=4, seed=2) != alone or alone.mean == 1


def test_clear_segments_are_stable_and_segments_of_nothing_are_not(clear, none):
    assert segment_stability(KMeansSegments(3, n_init=2), clear, replicates=8, seed=1).mean > 0.98
    assert segment_stability(KMeansSegments(7, n_init=2), none, replicates=8, seed=1).mean < 0.8


class Numbered(ClusterMixin, BaseEstimator):
    """Segments whose numbers are drawn anew at each fit."""

    def fit(self, X, y=None):  # noqa: ARG002  (scikit-learn's signature)
        self.flipped_ = len(np.unique(X, axis=0)) % 2
        return self

    def predict(self, X):
        return (np.asarray(X)[:, 0] > 4) ^ bool(self.flipped_)


def test_another_numbering_is_no_difference(clear):
    assert segment_stability(Numbered(), clear, replicates=6, seed=1).replicates == (1.0,) * 6
    assert adjusted_rand_score([0, 1], [1, 0]) == 1


def test_the_number_chosen_is_the_largest_that_is_stable(clear, none):
    choice = choose_segments(KMeansSegments(n_init=2), clear, numbers=[2, 3, 6], replicates=6, seed=1)
    assert choice.chosen == 3
    assert list(choice.table.columns) == ["segments", "ari_mean", "ari_low", "ari_high", "smallest_share"]
    assert choice.table["ari_mean"][1] == segment_stability(KMeansSegments(3, n_init=2), clear, replicates=6, seed=1).mean
    assert choice.table["smallest_share"][1] == pytest.approx(1 / 3)
    assert choose_segments(KMeansSegments(n_init=2), none, numbers=[5, 7], replicates=6, seed=1, floor=0.95).chosen is None
    assert "bic" in choose_segments(GaussianMixtureSegments(n_init=1), clear, numbers=[2], replicates=2, seed=1).table


@pytest.mark.parametrize("wrong", [{"replicates": 1}, {"level": 1.0}])
def test_too_little_to_tell_is_refused(clear, wrong):
    with pytest.raises(EquiscoreError, match="Fix:"):
        segment_stability(KMeansSegments(2), clear, seed=1, **wrong)
