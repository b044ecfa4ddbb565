from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.models.families import FAMILIES, ScoreSpec

START, END = date(2025, 1, 1), date(2025, 12, 31)


def days(*said):
    return pd.DataFrame({"next": pd.to_datetime(list(said), format="ISO8601"), "n": range(len(said))})


@pytest.mark.parametrize(
    ("family", "favourable", "expected"),
    [
        ("propensity", "event", [1, 1, 0, 0]),
        ("propensity", "no_event", [0, 0, 1, 1]),
        ("risk", "no_event", [0, 0, 1, 1]),
        ("churn", "no_event", [1, 1, 0, 0]),
        ("churn", "event", [0, 0, 1, 1]),
    ],
)
def test_the_event_comes_within_the_horizon_or_not(family, favourable, expected):
    """The thirtieth day still counts, whatever the hour; the next does not."""
    people = days("2025-01-02", "2025-01-31 23:59", "2025-02-01", None)
    told = ScoreSpec(family=family, target="next", horizon=30, favourable=favourable).observe(people, snapshot=START, as_of=END)
    assert told.tolist() == expected


def test_a_horizon_that_has_not_passed_is_not_observed_even_where_the_event_came():
    people = days("2025-12-15", "2025-03-01", None).assign(since=pd.to_datetime(["2025-12-01", "2025-02-20", "2025-12-20"]))
    told = ScoreSpec(family="risk", target="next", horizon=30, favourable="no_event").observe(people, snapshot="since", as_of=END)
    assert told.isna().tolist() == [False, False, True]
    later = ScoreSpec(family="risk", target="next", horizon=31, favourable="no_event").observe(people, snapshot="since", as_of=END)
    assert later.isna().tolist() == [True, False, True]


def test_the_value_of_a_period_is_an_event_from_an_amount_on():
    people = pd.DataFrame({"spent": [0.0, 99.9, 100.0, np.nan]})
    spec = ScoreSpec(family="value", target="spent", horizon=90, favourable="event", at_least=100)
    assert spec.observe(people, snapshot=START, as_of=END).fillna(-1).tolist() == [0, 0, 1, -1]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 400), st.sampled_from(["propensity", "churn", "risk"]))
def test_it_is_what_each_row_says_for_itself(seed, horizon, family):
    """Second road: plain dates, a row at a time; turning the favourable side turns every known outcome."""
    rng = np.random.default_rng(seed)
    since = [START + timedelta(days=int(d)) for d in rng.integers(0, 300, 30)]
    came = [None if rng.random() < 0.4 else day + timedelta(days=int(rng.integers(1, 60))) for day in since]
    people = pd.DataFrame({"since": pd.to_datetime(since), "next": pd.to_datetime(came)})
    told = ScoreSpec(family=family, target="next", horizon=horizon, favourable="event").observe(people, snapshot="since", as_of=END)
    turned = ScoreSpec(family=family, target="next", horizon=horizon, favourable="no_event").observe(people, snapshot="since", as_of=END)
    for i, (day, event) in enumerate(zip(since, came, strict=True)):
        within = event is not None and (event - day).days <= horizon
        due = None if day + timedelta(days=horizon) > END else float(within != (family == "churn"))
        assert (None if pd.isna(told[i]) else told[i]) == due
    assert (told + turned).dropna().eq(1).all()


def test_one_call_trains_on_what_was_observed():
    rng = np.random.default_rng(0)
    n = 300
    x = rng.normal(size=n)
    came = np.where(x + rng.logistic(size=n) > 0, rng.integers(1, 90, n), 400)
    people = pd.DataFrame({"x": x, "since": pd.Timestamp(START) + pd.to_timedelta(rng.integers(0, 330, n), "D")})
    gone = people["since"] + pd.to_timedelta(came, "D")
    people["next"] = gone.where((came < 400) & (gone <= pd.Timestamp(END)))
    spec = ScoreSpec(family="propensity", target="next", horizon=90, favourable="event")
    done = spec.train(people, features=["x"], snapshot="since", as_of=END, seed=0, engine="logistic")
    passed = people["since"] + pd.Timedelta(days=90) <= pd.Timestamp(END)
    assert (done.observed == passed).all()
    assert done.auc > 0.65
    assert done.favourable == 1
    with pytest.raises(EquiscoreError, match="is what is to be foretold"):
        spec.train(people, features=["x", "next"], snapshot="since", as_of=END, seed=0)


GOOD = {"family": "risk", "target": "next", "horizon": 30, "favourable": "event"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"family": "risks"}, "did you mean 'risk'"),
        ({"favourable": "good"}, "use one of event, no_event"),
        ({"horizon": 0}, "whole number of 1 or more"),
        ({"horizon": 1.5}, "whole number of 1 or more"),
        ({"family": "value"}, "give an amount for value"),
        ({"at_least": 5.0}, "give an amount for value"),
    ],
)
def test_what_is_not_said_well_is_refused(change, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        ScoreSpec(**{**GOOD, **change})
    assert "Fix:" in str(refused.value)


@pytest.mark.parametrize(
    ("frame", "snapshot", "says"),
    [
        (days("2024-12-30"), START, "1 dates are on or before the snapshot"),
        (days("2026-01-05"), START, "1 dates are after 2025-12-31"),
        (days("2025-02-01").rename(columns={"next": "nextt"}), START, "did you mean 'nextt'"),
        (days("2025-02-01"), "since", "'since' is not a column"),
        (pd.DataFrame({"next": ["soon"]}), START, "holds no dates"),
        (pd.DataFrame({"next": ["03/04/2025"]}), START, "holds no dates"),
    ],
)
def test_a_frame_that_cannot_tell_is_refused(frame, snapshot, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        ScoreSpec(**GOOD).observe(frame, snapshot=snapshot, as_of=END)
    assert "Fix:" in str(refused.value)


def test_each_family_says_what_its_event_is():
    assert set(FAMILIES) == {"propensity", "churn", "risk", "value"}
