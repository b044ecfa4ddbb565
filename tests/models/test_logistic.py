import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from scoring.errors import EquiscoreError
from scoring.models.logistic import LogisticScore

SOME = settings(deadline=None, max_examples=20)


@pytest.fixture(scope="module")
def fitted(people):
    return LogisticScore(favourable="good").fit(*people)


def test_parts_add_up_to_the_last_bit(people, fitted):
    base, parts = fitted.contributions(people[0])
    total = np.full(len(parts), base)
    for name in parts:
        total = total + parts[name].to_numpy()
    assert (total == fitted.log_odds(people[0])).all()
    assert list(parts) == list(people[0])
    assert parts.index.equals(people[0].index)


def test_it_is_the_penalised_likelihood_maximised_by_hand():
    """Second road: scipy minimises the same sum, on a design written out here."""
    rng = np.random.default_rng(0)
    x, home = rng.normal(3, 2, 80), rng.choice(["a", "b", "c"], 80)
    good = rng.random(80) < expit(x - 3 + (home == "a"))
    weights = rng.integers(1, 4, 80).astype(float)
    mean = np.average(x, weights=weights)
    z = (x - mean) / np.sqrt(np.average((x - mean) ** 2, weights=weights))
    design = np.column_stack([z, *[home == level for level in "abc"]]).astype(float)

    def lost(beta):
        f = beta[0] + design @ beta[1:]
        return weights @ np.logaddexp(0, np.where(good, -f, f)) + beta[1:] @ beta[1:] / 2

    best = minimize(lost, np.zeros(5), method="BFGS", options={"gtol": 1e-9}).x
    X = pd.DataFrame({"x": x, "home": home})
    found = LogisticScore().fit(X, good, sample_weight=weights)
    assert found.log_odds(X) == pytest.approx(best[0] + design @ best[1:], abs=1e-5)


def test_on_standardised_numbers_it_is_scikit_learns():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 3))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = rng.random(300) < expit(X[:, 0])
    assert LogisticScore().fit(X, y).decision_function(X) == pytest.approx(LogisticRegression(tol=1e-10).fit(X, y).decision_function(X), abs=1e-4)


def test_levels_are_centred_and_what_nobody_had_gives_nothing(people, fitted):
    X = people[0]
    _, parts = fitted.contributions(X)
    for name in ("home", "job", "member", "channel"):
        assert parts[name].mean() == pytest.approx(0, abs=1e-12)
    _, strange = fitted.contributions(X.assign(home="boat", job=pd.Categorical([None] * len(X), categories=["a"]), income=np.nan))
    assert not strange[["home", "job", "income"]].to_numpy().any()
    assert (fitted.contributions(X.assign(home=None))[1]["home"] != 0).all()  # missing at fit for some: a weight of its own


def test_beyond_the_range_at_fit_counts_its_end(people, fitted):
    X = people[0]
    far, end = X.assign(income=1e300), X.assign(income=X["income"].max())
    assert (fitted.log_odds(far) == fitted.log_odds(end)).all()


def test_the_table_of_terms_gives_every_score(people, fitted):
    X = people[0]
    table = fitted.terms_table().set_index(["feature", "term"])["log_odds"]
    assert table[("(base)", "(everybody)")] == fitted.intercept_
    said = X["home"].astype(object).where(X["home"].notna(), "(missing)")
    assert [table[("home", level)] for level in said] == fitted.contributions(X)[1]["home"].tolist()
    assert table[("home", "(unseen)")] == 0


@SOME
@given(st.integers(0, 10_000))
def test_a_weight_is_so_many_rows_and_their_order_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"n": rng.normal(size=40).round(1), "l": rng.choice(["a", "b", None], 40)})
    y, weights = np.arange(40) % 2, rng.integers(0, 4, 40)
    weights[:2] = 1
    weighted = LogisticScore().fit(X, y, sample_weight=weights)
    rows = rng.permutation(np.repeat(np.arange(40), weights))
    repeated = LogisticScore().fit(X.iloc[rows], y[rows])
    assert repeated.log_odds(X) == pytest.approx(weighted.log_odds(X), abs=1e-7)


@SOME
@given(st.integers(0, 10_000), st.floats(1e-3, 1e6), st.floats(-1e6, 1e6))
def test_another_unit_and_other_names_of_levels_change_no_score(seed, unit, shift):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"n": rng.normal(size=40), "l": rng.choice(["a", "b", "c"], 40)})
    y = np.arange(40) % 2
    other = pd.DataFrame({"n": X["n"] * unit + shift, "l": X["l"].map({"a": "z", "b": "y", "c": "x"})})
    assert LogisticScore().fit(other, y).log_odds(other) == pytest.approx(LogisticScore().fit(X, y).log_odds(X), abs=1e-5)


def test_both_directions_mirror_each_other(people, fitted):
    other = LogisticScore(favourable="bad").fit(*people)
    assert other.log_odds(people[0]) == pytest.approx(-fitted.log_odds(people[0]), abs=1e-8)
    assert other.predict_proba(people[0]) == pytest.approx(fitted.predict_proba(people[0]), abs=1e-9)


@pytest.mark.parametrize(
    "column",
    [
        pytest.param([7.0] * 40, id="constant"),
        pytest.param([0.1 + 0.2] * 39 + [0.3], id="constant but for the last bit"),
        pytest.param(["a"] * 40, id="one level"),
        pytest.param([1e300, -1e300] * 20, id="numbers whose squares are none"),
    ],
)
def test_a_column_that_tells_little_gives_finite_scores(column):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=40), "c": column})
    fitted = LogisticScore().fit(X, rng.random(40) < 0.5)
    assert np.isfinite(fitted.log_odds(X)).all()
    assert fitted.log_odds(X.iloc[[3]])[0] == fitted.log_odds(X)[3]


@pytest.mark.parametrize(
    ("arguments", "change", "says"),
    [
        ({"C": 0}, {}, "C=0"),
        ({"C": "much"}, {}, "C='much'"),
        ({"favourable": "great"}, {}, "'great' is not in the target"),
        ({}, {"job": [f"j{i}" for i in range(400)]}, "400 levels"),
        ({}, {"income": np.inf}, "infinity in column 'income'"),
        ({}, {"income": np.nan, "home": None}, "Columns 'income', 'home' have no value"),
    ],
)
def test_what_cannot_be_fitted_is_refused(people, arguments, change, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        LogisticScore(**arguments).fit(people[0].assign(**change), people[1])
    assert "Fix:" in str(refused.value)
