import numpy as np
import pandas as pd
import pytest

from scoring.errors import EquiscoreError
from scoring.models import KMeansSegments, ScoreBands
from scoring.models.offers import OfferPolicy

# -- bands


def test_who_scores_an_edge_is_in_the_band_above():
    assert ScoreBands(edges=[10, 20]).fit([[0.0]]).transform([[9.9], [10], [19], [20]]).ravel().tolist() == [0, 1, 1, 2]


def test_learned_bands_are_of_equal_number_where_scores_allow():
    bands = ScoreBands(n_bands=4).fit(pd.Series(range(100), name="score"))
    assert np.bincount(bands.band(range(100))).tolist() == [25] * 4
    assert set(bands.edges_[0]) <= set(range(100))


def test_people_of_equal_score_stay_together_even_if_that_makes_fewer_bands():
    scores = [1] * 90 + [2] * 10
    assert np.bincount(ScoreBands(n_bands=5).fit(pd.Series(scores)).band(scores)).tolist() == [90, 10]
    with pytest.raises(EquiscoreError, match="allow 2 bands, not the 5 labelled"):
        ScoreBands(n_bands=5, labels="abcde").fit(pd.Series(scores))


def test_labels_and_weights():
    bands = ScoreBands(n_bands=2, labels=["low", "high"]).fit(pd.Series([1, 2, 3]), sample_weight=[1, 1, 8])
    assert bands.band([1, 2, 3]).tolist() == ["low", "low", "high"]


def test_a_missing_score_gets_no_band():
    with pytest.raises(ValueError, match="NaN"):
        ScoreBands(edges=[1]).band([np.nan])


@pytest.mark.parametrize("wrong", [{"edges": [2, 1]}, {"edges": [1], "labels": ["a"]}, {"n_bands": 0}, {"n_bands": 2, "labels": ["a", "a"]}])
def test_faulty_bands_are_refused(wrong):
    with pytest.raises(EquiscoreError, match="Fix:"):
        ScoreBands(**wrong).fit([[1.0], [2.0]])


# -- clusters


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(0)
    centres = np.array([[10, 1000.0], [50, 200.0], [90, 600.0]])
    table = pd.DataFrame(centres[rng.integers(0, 3, 300)] + rng.normal(size=(300, 2)) * [3, 30], columns=["age", "spent"])
    return table.assign(name="x")


@pytest.fixture(scope="module")
def segments(customers):
    return KMeansSegments(3, features=["age", "spent"]).fit(customers)


def test_segments_are_numbered_by_the_mean_of_the_first_feature(customers, segments):
    assert segments.centres()["age"].round(-1).tolist() == [10, 50, 90]
    means = customers.groupby(segments.labels_)[["age", "spent"]].mean()
    assert segments.centres().to_numpy() == pytest.approx(means.to_numpy())
    by_spending = KMeansSegments(3, features=["spent", "age"]).fit(customers)
    assert by_spending.centres()["spent"].round(-2).tolist() == [200, 600, 1000]


def test_neither_order_nor_seed_moves_clear_segments(customers, segments):
    order = np.random.default_rng(1).permutation(len(customers))
    assert np.array_equal(KMeansSegments(3, features=["age", "spent"]).fit_predict(customers.iloc[order]), segments.labels_[order])
    assert np.array_equal(KMeansSegments(3, 99, features=["age", "spent"]).fit_predict(customers), segments.labels_)


def test_weight_k_is_k_rows(customers):
    weights = np.random.default_rng(2).integers(0, 4, len(customers))
    repeated = customers.loc[np.repeat(customers.index, weights)]
    weighed, rows = KMeansSegments(4, features=["age"]).fit(customers, sample_weight=weights), KMeansSegments(4, features=["age"]).fit(repeated)
    assert np.array_equal(weighed.cluster_centers_, rows.cluster_centers_)


def test_missing_values_take_the_median_and_are_counted(customers, segments):
    holed = customers.assign(age=customers["age"].mask(customers.index < 30))
    fitted = KMeansSegments(3, features=["age", "spent"]).fit(holed)
    assert fitted.replaced_.tolist() == [30, 0]
    assert segments.missing_values(holed).to_dict() == {"age": 30, "spent": 0}
    assert np.array_equal(segments.predict(holed)[:30], segments.predict(customers.assign(age=segments.medians_[0]))[:30])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "column 'name' holds 'x'"),
        ({"features": ["wealth"]}, "no column 'wealth'"),
        ({"features": []}, "at least one"),
        ({"features": ["age"], "n_segments": 400}, "n_samples=300"),
        ({"features": ["age"], "n_segments": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_segmented_is_refused(customers, arguments, says):
    with pytest.raises(EquiscoreError, match=says):
        KMeansSegments(**arguments).fit(customers)


# -- offers


def test_no_offer_is_a_missing_offer_and_its_segments_are_named():
    policy = OfferPolicy.of({0: None, 1: "card", 2: "card"}, version="v1")
    offers = policy.apply(pd.Series([1, 0, 2], index=[7, 8, 9]))
    assert offers.notna().to_dict() == {7: True, 8: False, 9: True}
    assert policy.excluded == (0,)
    assert hash(policy) == hash(OfferPolicy.of({0: None, 1: "card", 2: "card"}, version="v1"))


@pytest.mark.parametrize(("given", "named"), [(["a", "z", "y", "z"], r"'y', 'z' \(3 rows\)"), (["a", None], r"\(missing\) \(1 rows\)")])
def test_a_segment_without_a_rule_is_an_error_that_names_it(given, named):
    with pytest.raises(EquiscoreError, match=named):
        OfferPolicy.of({"a": "card"}, version="v1").apply(given)


def test_a_policy_is_whole():
    with pytest.raises(EquiscoreError, match="several rules for 'a'"):
        OfferPolicy((("a", "card"), ("a", None)), "v1")
    with pytest.raises(EquiscoreError, match="needs a version"):
        OfferPolicy.of({"a": "card"}, version="")


def test_bands_of_a_score_get_their_offers():
    bands = ScoreBands(edges=[500], labels=["low", "high"])
    offers = OfferPolicy.of({"low": None, "high": "card"}, version="v1").apply(bands.band([480, 520]))
    assert offers.isna().tolist() == [True, False]
