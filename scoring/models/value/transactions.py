"""From a table of purchases to what the models of customers read: one row a customer, as of a declared day.

Several purchases a day are one, of their sum. Nothing after the declared day counts, nor do customers who came later. There is no clock: the day
is always given.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import narwhals as nw

from scoring.models.columns import ModelError

UNIT_DAYS = {"day": 1.0, "week": 7.0}
_DAY, _SUM = "(day)", "(sum)"
_DAY_MS = 86_400_000


def purchase_histories(
    transactions: Any, *, customer: str, date: str, as_of: date, amount: str | None = None, unit: Literal["day", "week"] = "day"
) -> Any:
    """Return what `BGNBD` and `GammaGamma` read of each customer (Fader, Hardie & Lee 2005).

    Parameters
    ----------
    transactions : pandas or polars frame or Arrow table, one row a purchase.
    customer, date, amount : names of the columns; `date` holds days or times (cut to their day, in their own time zone).
    as_of : the last day that counts.
    unit : of the ages.

    Returns
    -------
    frame of the library that was handed in, sorted by customer:
        the customer, under the name of the column;
        frequency: days with a purchase, but for the first one; recency: from the first purchase to the last, 0 without a repeat;
        T: from the first purchase to `as_of`; with an `amount`, monetary: mean sum of a day over the repeats, missing without a repeat.
        This recency is not that of `rfm_table`.

    Raises
    ------
    ModelError
        Rows without customer, day or amount, negative amounts, text where days are promised, nobody by `as_of`.

    Examples
    --------
    >>> import pandas as pd
    >>> bought = pd.DataFrame({"who": ["a", "a", "a", "b"], "day": pd.to_datetime(["2026-01-01", "2026-01-11", "2026-01-11", "2026-01-05"]),
    ...                        "paid": [9.0, 20.0, 10.0, 5.0]})
    >>> purchase_histories(bought, customer="who", date="day", amount="paid", as_of=date(2026, 1, 31))
      who  frequency  recency     T  monetary
    0   a          1     10.0  30.0      30.0
    1   b          0      0.0  26.0       NaN
    """
    if unit not in UNIT_DAYS:
        raise ModelError(f"purchase_histories: unit={unit!r}. Fix: use one of {', '.join(UNIT_DAYS)}.")
    days, length = _by_day(transactions, customer, date, amount, as_of=as_of), UNIT_DAYS[unit]
    first = nw.col(_DAY).min().over(customer)
    repeats = days.with_columns(first=first, frequency=(nw.col(_DAY) > first).cast(nw.Int64()))
    repeats = repeats.with_columns(total=nw.col(_SUM) * nw.col("frequency"))
    people = repeats.group_by(customer).agg(nw.col("frequency", "total").sum(), nw.col("first").min(), nw.col(_DAY).max())
    told = people.sort(customer).with_columns(
        recency=(nw.col(_DAY) - nw.col("first")) / length,
        T=(_number(as_of) - nw.col("first")) / length,
        monetary=nw.when(nw.col("frequency") > 0).then(nw.col("total") / nw.col("frequency")),
    )
    return told.select(customer, "frequency", "recency", "T", *(["monetary"] if amount else [])).to_native()


def rfm_table(transactions: Any, *, customer: str, date: str, amount: str, as_of: date, since: date | None = None) -> Any:
    """Return recency, frequency and monetary value of each customer, as `RFMSegmenter` reads them.

    Parameters
    ----------
    since : the first day that counts, the beginning by default. With it the table holds those only who bought in the period;
        `monetary` is then the spend of the period, as `LoyaltyTiers` reads it.

    The other parameters and the errors are those of `purchase_histories`.

    Returns
    -------
    frame of the library that was handed in, sorted by customer: the customer; recency: days since the last purchase (fewer is
    better); frequency: days with a purchase, the first one too; monetary: sum of all amounts.

    Examples
    --------
    >>> import pandas as pd
    >>> bought = pd.DataFrame({"who": ["a", "a", "a", "b"], "day": pd.to_datetime(["2026-01-01", "2026-01-11", "2026-01-11", "2026-01-05"]),
    ...                        "paid": [9.0, 20.0, 10.0, 5.0]})
    >>> rfm_table(bought, customer="who", date="day", amount="paid", as_of=date(2026, 1, 31))
      who  recency  frequency  monetary
    0   a     20.0          2      39.0
    1   b     26.0          1       5.0
    """
    days = _by_day(transactions, customer, date, amount, as_of=as_of, since=since)
    people = days.with_columns(frequency=nw.lit(1)).group_by(customer).agg(nw.col(_DAY).max(), nw.col("frequency", _SUM).sum())
    told = people.sort(customer).with_columns(
        recency=(_number(as_of) - nw.col(_DAY)) * 1.0, frequency=nw.col("frequency").cast(nw.Int64()), monetary=nw.col(_SUM)
    )
    return told.select(customer, "recency", "frequency", "monetary").to_native()


def _by_day(transactions: Any, customer: str, when: str, amount: str | None, *, as_of: date, since: date | None = None) -> nw.DataFrame[Any]:
    """Return one row a customer and day, with the sum of its amounts (0 where there is no column of amounts)."""
    table = nw.from_native(transactions, eager_only=True)
    _check(table, customer, when, amount)
    sums = nw.lit(0.0) if amount is None else nw.col(amount).cast(nw.Float64())
    moment = nw.col(when) if table.schema[when] == nw.Date else nw.col(when).dt.replace_time_zone(None)  # the day by the clock on the wall
    rows = table.select(nw.col(customer), (moment.dt.timestamp("ms") // _DAY_MS).cast(nw.Int64()).alias(_DAY), sums.alias(_SUM))
    rows = rows.filter(nw.col(_DAY) <= _number(as_of))
    rows = rows if since is None else rows.filter(nw.col(_DAY) >= _number(since))
    if not len(rows):
        raise ModelError(f"transactions: nobody bought anything by {as_of}. Fix: check the column {when!r} and the day.")
    return rows.group_by(customer, _DAY).agg(nw.col(_SUM).sum())


def _check(table: nw.DataFrame[Any], customer: str, when: str, amount: str | None) -> None:
    names = [customer, when, *([amount] if amount else [])]
    if missing := [name for name in names if name not in table.columns]:
        raise ModelError(
            f"transactions: no column {', '.join(map(repr, missing))} among {', '.join(table.columns)}. Fix: state columns that are there."
        )
    if not (table.schema[when] == nw.Date or table.schema[when] == nw.Datetime):
        raise ModelError(f"transactions: column {when!r} is {table.schema[when]}, not days. Fix: turn it into dates first (pandas.to_datetime).")
    if amount and not table.schema[amount].is_numeric():
        raise ModelError(f"transactions: column {amount!r} is {table.schema[amount]}, not amounts. Fix: turn it into numbers first.")
    for name in names:
        if rows := _missing(table, name):
            raise ModelError(f"transactions: {rows} rows have no {name!r}. Fix: leave them out, or fill them, knowing which.")
    if amount and (rows := int((table[amount] < 0).sum())):
        raise ModelError(f"transactions: {rows} rows have a negative {amount!r}. Fix: take returns off the purchase they belong to.")


def _missing(table: nw.DataFrame[Any], name: str) -> int:
    column = table[name]
    missing = column.is_null() | column.is_nan() if table.schema[name].is_float() else column.is_null()
    return int(missing.sum())


def _number(day: date) -> int:
    """Return the number of a day since 1 January 1970; of a time, that of its day."""
    return day.toordinal() - date(1970, 1, 1).toordinal()
