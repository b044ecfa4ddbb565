"""Boosting on tables as they are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.models.boosting import GradientBoosting


def test_boosting_takes_every_kind_of_column_missing_and_unseen(people):
    X, y = people
    fitted = GradientBoosting(max_iter=30).fit(X, y)
    strange = X.assign(home="boat", age=np.nan, job=pd.Categorical(["z"] * len(X)))
    assert np.isfinite(fitted.predict_proba(strange)).all()
    assert np.array_equal(fitted.predict_proba(strange), fitted.predict_proba(strange.assign(home=None)))
    assert np.array_equal(fitted.predict_proba(X.iloc[[3]])[0], fitted.predict_proba(X)[3])


def test_without_interactions_the_log_odds_are_a_sum_of_curves(people):
    X, y = people
    fitted = GradientBoosting(interactions=False, max_iter=50).fit(X, y)
    a, b = X.iloc[[0]], X.iloc[[1]]
    both, only_age, only_home = (a.assign(**{c: b[c].to_numpy() for c in columns}) for columns in (["age", "home"], ["age"], ["home"]))
    f = fitted.decision_function
    assert f(both) - f(a) == pytest.approx((f(only_age) - f(a)) + (f(only_home) - f(a)), abs=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["ascending", "descending"]), st.sampled_from(["good", "bad"]), st.booleans())
def test_a_direction_is_kept_for_everybody_whichever_class_is_favourable(people, direction, favourable, interactions):
    X, y = people
    fitted = GradientBoosting(monotone={"age": direction}, favourable=favourable, interactions=interactions, max_iter=30).fit(X, y)
    ages = [18, 30, 45, 60, 79]
    chances = np.stack([fitted.predict_proba(X.assign(age=float(age)))[:, list(fitted.classes_).index(favourable)] for age in ages])
    steps = np.diff(chances, axis=0)
    assert (steps >= 0).all() if direction == "ascending" else (steps <= 0).all()


def test_unbound_it_goes_where_the_data_go(people):
    """The bound is at work: without it some ages in the middle go against the direction."""
    X, y = people
    fitted = GradientBoosting(max_iter=60).fit(X, y)
    chances = np.stack([fitted.predict_proba(X.assign(age=float(age)))[:, 1] for age in range(18, 80)])
    assert (np.diff(chances, axis=0) < 0).any()


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"monotone": {"agee": "ascending"}}, "did you mean 'age'"),
        ({"monotone": {"age": "up"}}, "cannot be 'up'"),
        ({"monotone": {"home": "ascending"}}, "'home' has levels"),
        ({"learning_rate": "fast"}, "'learning_rate'"),
        ({"max_iter": 0}, "'max_iter'"),
    ],
)
def test_parameters_that_cannot_be_are_refused(people, parameters, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        GradientBoosting(**parameters).fit(*people)
    assert "Fix:" in str(refused.value)
