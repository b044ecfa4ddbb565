"""From purchases to customers: a table by hand, a slow loop over people, and the traps."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.models.segmenting.rfm import RFMSegmenter
from scoring.models.value.transactions import purchase_histories, rfm_table

NAMES = {"customer": "who", "date": "day", "amount": "paid"}
AS_OF = date(2026, 1, 31)
BOUGHT = pd.DataFrame(
    {
        "who": ["ann", "ann", "ann", "ann", "bob", "bob", "cleo", "dan"],
        "day": pd.to_datetime(
            ["2026-01-01 09:00", "2026-01-01 18:00", "2026-01-11", "2026-01-21", "2026-01-10 08:00", "2026-01-10 23:59", "2026-01-31", "2026-02-01"],
            format="ISO8601",
        ),
        "paid": [10.0, 90.0, 30.0, 50.0, 5.0, 5.0, 8.0, 7.0],
    }
)


def kinds(table):
    return {
        "pandas": table,
        "polars": pl.from_pandas(table),
        "arrow": pa.Table.from_pandas(table),
        "pandas on arrow": table.convert_dtypes(dtype_backend="pyarrow"),
    }


def plain(table):
    table = table if isinstance(table, pd.DataFrame) else table.to_pandas()
    return table.set_index("who").astype(float)


@pytest.mark.parametrize("kind", kinds(BOUGHT))
def test_histories_by_hand(kind):
    """Ann's two purchases of the first day are one and no repeat; her repeats are worth 30 and 50. Bob came once, Dan later."""
    told = plain(purchase_histories(kinds(BOUGHT)[kind], as_of=AS_OF, **NAMES))
    assert told.loc["ann"].to_dict() == {"frequency": 2, "recency": 20, "T": 30, "monetary": 40}
    assert told.loc["bob"].drop("monetary").to_dict() == {"frequency": 0, "recency": 0, "T": 21}
    assert told.loc["cleo"].drop("monetary").to_dict() == {"frequency": 0, "recency": 0, "T": 0}
    assert told["monetary"].isna().tolist() == [False, True, True]


@pytest.mark.parametrize("kind", kinds(BOUGHT))
def test_recency_frequency_and_monetary_value_by_hand(kind):
    told = plain(rfm_table(kinds(BOUGHT)[kind], as_of=AS_OF, **NAMES))
    assert told.to_dict("index") == {
        "ann": {"recency": 10, "frequency": 3, "monetary": 180},
        "bob": {"recency": 21, "frequency": 1, "monetary": 10},
        "cleo": {"recency": 0, "frequency": 1, "monetary": 8},
    }
    since = plain(rfm_table(kinds(BOUGHT)[kind], as_of=AS_OF, since=date(2026, 1, 11), **NAMES))
    assert since["monetary"].to_dict() == {"ann": 80, "cleo": 8}


def test_what_comes_out_is_of_the_library_that_went_in():
    assert {kind: type(purchase_histories(table, as_of=AS_OF, **NAMES)) for kind, table in kinds(BOUGHT).items()} == {
        "pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.Table, "pandas on arrow": pd.DataFrame,
    }  # fmt: skip


def slowly(bought, as_of):
    """Go through the people one by one."""
    rows = {}
    for who, mine in bought[bought["day"].dt.date <= as_of].groupby("who"):
        sums = mine.groupby(mine["day"].dt.date)["paid"].sum().sort_index()
        first, repeats = sums.index[0], sums.iloc[1:]
        rows[who] = [len(repeats), (sums.index[-1] - first).days / 7, (as_of - first).days / 7, repeats.mean() if len(repeats) else np.nan]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["frequency", "recency", "T", "monetary"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 24 * 80), st.integers(0, 500)), min_size=1, max_size=60), st.randoms())
def test_a_loop_over_people_gives_the_same_whatever_the_order(purchases, random):
    random.shuffle(purchases)
    who, hour, cents = zip(*purchases, strict=True)
    bought = pd.DataFrame({"who": who, "day": pd.Timestamp("2025-12-20") + pd.to_timedelta(np.array(hour), unit="h"), "paid": np.array(cents) / 4})
    other = slowly(bought, AS_OF)
    if other.empty:
        return
    for table in (bought, pl.from_pandas(bought)):
        told = plain(purchase_histories(table, as_of=AS_OF, unit="week", **NAMES))
        pd.testing.assert_frame_equal(told, other.astype(float), check_names=False, check_index_type=False)


def test_days_before_1970_and_days_without_times_count_like_others():
    bought = pl.DataFrame({"who": ["a", "a"], "day": [date(1969, 12, 30), date(1970, 1, 2)], "paid": [1.0, 2.0]})
    assert purchase_histories(bought, as_of=datetime(1970, 1, 12, 23, tzinfo=UTC), **NAMES).row(0) == ("a", 1, 3.0, 13.0, 2.0)


def test_the_day_is_that_of_the_clock_on_the_wall():
    """Half past midnight in Paris is the evening before in Greenwich; the customer bought on one day, not two."""
    times = pd.to_datetime(["2026-01-10 00:30", "2026-01-10 20:00"]).tz_localize("Europe/Paris")
    told = purchase_histories(pd.DataFrame({"who": ["a", "a"], "day": times, "paid": [1.0, 2.0]}), as_of=AS_OF, **NAMES)
    assert told[["frequency", "T"]].to_numpy().tolist() == [[0, 21]]


def test_amounts_may_be_left_out_of_histories():
    told = purchase_histories(BOUGHT, customer="who", date="day", as_of=AS_OF)
    assert list(told.columns) == ["who", "frequency", "recency", "T"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"who": None}, "8 rows have no 'who'"),
        ({"day": pd.NaT}, "8 rows have no 'day'"),
        ({"paid": np.nan}, "8 rows have no 'paid'"),
        ({"paid": -1.0}, "8 rows have a negative 'paid'"),
        ({"paid": "x"}, "'paid' is String, not amounts"),
        ({"day": "2026-01-01"}, "'day' is String, not days"),
        ({"day": pd.Timestamp("2027-01-01")}, "nobody bought anything by 2026-01-31"),
    ],
)
def test_what_cannot_be_counted_is_refused(change, says):
    with pytest.raises(EquiscoreError, match=rf"{says}.*Fix:"):
        purchase_histories(BOUGHT.assign(**change), as_of=AS_OF, **NAMES)


def test_unknown_columns_and_units_are_refused():
    with pytest.raises(EquiscoreError, match=r"no column 'client' among who, day, paid\. Fix:"):
        rfm_table(BOUGHT, customer="client", date="day", amount="paid", as_of=AS_OF)
    with pytest.raises(EquiscoreError, match="unit='month'"):
        purchase_histories(BOUGHT, as_of=AS_OF, unit="month", **NAMES)


def test_the_recency_of_histories_is_not_taken_for_that_of_rfm():
    with pytest.raises(EquiscoreError, match=r"age at the last purchase, not the days since\. Fix:"):
        RFMSegmenter().fit(purchase_histories(BOUGHT, as_of=AS_OF, **NAMES).drop(columns="who"))
