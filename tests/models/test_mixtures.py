"""Gaussian mixtures as segments: against scikit-learn, densities by hand, order and weights."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from scoring.errors import EquiscoreError
from scoring.models.segmenting.mixtures import GaussianMixtureSegments

FEATURES = ["age", "spent"]
COVARIANCES = ["full", "tied", "diag", "spherical"]


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    centres, spreads = np.array([[20, 900.0], [45, 200], [70, 600]]), np.array([[3, 30.0], [6, 60], [3, 90]])
    table = pd.DataFrame(centres[truth] + rng.normal(size=(400, 2)) * spreads[truth], columns=FEATURES)
    return table.assign(name="x", truth=truth)


@pytest.fixture(scope="module", params=COVARIANCES)
def fitted(request, customers):
    return GaussianMixtureSegments(3, features=FEATURES, covariance=request.param).fit(customers)


def test_it_is_scikit_learn_s_mixture_of_standardised_rows_in_order(fitted, customers):
    rows = customers[FEATURES].sort_values(FEATURES).to_numpy()
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    other = GaussianMixture(3, covariance_type=fitted.covariance, n_init=5, random_state=0).fit(rows)
    order = np.argsort(other.means_[:, 0])
    assert fitted.mixture_.means_ == pytest.approx(other.means_[order], abs=1e-6)
    assert fitted.shares_ == pytest.approx(other.weights_[order], abs=1e-6)
    assert fitted.bic_ == pytest.approx(other.bic(rows))
    assert fitted.bic(customers) == pytest.approx(fitted.bic_)


def test_segments_are_those_that_were_put_in_and_numbered_by_the_first_feature(fitted, customers):
    assert adjusted_rand_score(fitted.labels_, customers["truth"]) > 0.97
    assert fitted.centres()["age"].round(-1).tolist() == [20, 40, 70] or fitted.centres()["age"].round().tolist() == [20, 45, 70]
    assert fitted.centres()["age"].is_monotonic_increasing


def test_probabilities_are_shares_times_densities(customers):
    fitted = GaussianMixtureSegments(3, features=FEATURES).fit(customers)
    rows = (customers[FEATURES].to_numpy() - fitted.means_) / fitted.scales_
    parts = zip(fitted.shares_, fitted.mixture_.means_, fitted.mixture_.covariances_, strict=True)
    densities = np.stack([share * stats.multivariate_normal(mean, shape).pdf(rows) for share, mean, shape in parts], axis=1)
    told = fitted.predict_proba(customers)
    assert told == pytest.approx(densities / densities.sum(axis=1, keepdims=True), abs=1e-9)
    assert (told.argmax(axis=1) == fitted.predict(customers)).all()


def test_neither_the_order_of_rows_nor_weights_in_their_place_matter(customers):
    order = np.random.default_rng(1).permutation(len(customers))
    asked = GaussianMixtureSegments(3, features=FEATURES)
    fitted = asked.fit(customers)
    again = GaussianMixtureSegments(3, features=FEATURES).fit(customers.iloc[order])
    assert (again.mixture_.means_ == fitted.mixture_.means_).all()
    assert (again.labels_ == fitted.labels_[order]).all()
    weights = np.random.default_rng(2).integers(0, 4, len(customers))
    weighed = GaussianMixtureSegments(3, features=FEATURES).fit(customers, sample_weight=weights)
    rows = GaussianMixtureSegments(3, features=FEATURES).fit(customers.loc[np.repeat(customers.index, weights)])
    assert (weighed.mixture_.precisions_ == rows.mixture_.precisions_).all()


def test_parts_of_a_row_are_refused(customers):
    with pytest.raises(EquiscoreError, match=r"parts of a row\. Fix: give whole numbers"):
        GaussianMixtureSegments(2, features=FEATURES).fit(customers, sample_weight=np.full(len(customers), 0.5))


def test_missing_values_take_the_median_and_are_counted(customers):
    holed = customers.assign(age=customers["age"].mask(customers.index < 30))
    fitted = GaussianMixtureSegments(3, features=FEATURES).fit(holed)
    assert fitted.replaced_.tolist() == [30, 0]
    assert fitted.missing_values(holed).to_dict() == {"age": 30, "spent": 0}
    assert (fitted.predict(holed)[:30] == fitted.predict(customers.assign(age=fitted.medians_[0]))[:30]).all()


@pytest.mark.parametrize(
    ("asked", "says"),
    [({}, "column 'name' holds 'x'"), ({"features": ["wealth"]}, "no column 'wealth'"), ({"features": ["age"], "n_segments": 500}, "n_samples=400")],
)
def test_what_cannot_be_segmented_is_refused(customers, asked, says):
    with pytest.raises(EquiscoreError, match=rf"GaussianMixtureSegments.*{says}.*Fix:"):
        GaussianMixtureSegments(**asked).fit(customers)
