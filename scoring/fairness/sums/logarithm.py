"""A logarithm from comparisons, additions, multiplications and divisions alone.

IEEE 754 fixes the last bit of these on every engine, but of no engine's own logarithm: what is rounded to whole numbers
afterwards, and added up, would not be the same bytes everywhere.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Final

import narwhals as nw

TERMS: Final = 11
"""Of the series of artanh: ((sqrt 2 - 1) / (sqrt 2 + 1))^2 = .0294 to the power 11 is under 2^-53."""
FAINTEST: Final = 52
"""Binary digits below the largest number; what is fainter is taken for that, as a ln a of it is nothing in a sum."""
LOGARITHM: Final = "logarithm"
_CLEAR, _POWER, _SHRINK, _RATIO, _SQUARE = "ln_clear", "ln_power", "ln_shrink", "ln_ratio", "ln_square"


def with_logarithm(frame: nw.LazyFrame[Any], value: nw.Expr, largest: float) -> nw.LazyFrame[Any]:
    """Return the frame with a column `LOGARITHM`: ln of `value` where it is above 0, else 0.

    With value = m 2^k, m in [1/sqrt 2, sqrt 2): ln = k ln 2 + 2 artanh((m - 1)/(m + 1)) (Abramowitz & Stegun 1964, 4.1.27). Each step is a
    column of its own, so that none is written out again in the next.

    Parameters
    ----------
    value
        Numbers without gaps, none above `largest`.
    largest
        Above 0; numbers under 2^-52 of it are taken for that.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = nw.from_native(pd.DataFrame({"a": [8.0, 1.0, 0.0, -2.0]})).lazy()
    >>> with_logarithm(frame, nw.col("a"), 8.0).collect()["logarithm"].to_list()
    [2.0794415416798357, 0.0, 0.0, 0.0]
    """
    most = math.frexp(largest)[1]
    powers = range(most - FAINTEST, most + 1)
    edges = [math.ldexp(math.sqrt(0.5), power) for power in powers[1:]]
    faintest = math.ldexp(1.0, powers[0])
    clear = nw.when(value > faintest).then(value).otherwise(nw.when(value > 0).then(faintest).otherwise(1.0))
    shrink = chosen(nw.col(_CLEAR), edges, [math.ldexp(1.0, -power) for power in powers])
    ratio = (nw.col(_CLEAR) * nw.col(_SHRINK) - 1.0) / (nw.col(_CLEAR) * nw.col(_SHRINK) + 1.0)
    series = functools.reduce(lambda sum_, term: sum_ * nw.col(_SQUARE) + 1.0 / (2 * term + 1), range(TERMS - 1, -1, -1), nw.lit(0.0))
    return (
        frame.with_columns(clear.alias(_CLEAR))
        .with_columns(shrink.alias(_SHRINK), chosen(nw.col(_CLEAR), edges, [power * math.log(2.0) for power in powers]).alias(_POWER))
        .with_columns(ratio.alias(_RATIO))
        .with_columns((nw.col(_RATIO) * nw.col(_RATIO)).alias(_SQUARE))
        .with_columns((nw.col(_POWER) + 2.0 * nw.col(_RATIO) * series).alias(LOGARITHM))
    )


def chosen(value: nw.Expr, edges: Sequence[float], leaves: Sequence[float]) -> nw.Expr:
    """Return the leaf of the interval that a value lies in, found by halving: leaves are one more than edges."""
    if not edges:
        return nw.lit(leaves[0])
    middle = len(edges) // 2
    left, right = chosen(value, edges[:middle], leaves[: middle + 1]), chosen(value, edges[middle + 1 :], leaves[middle + 1 :])
    return nw.when(value < edges[middle]).then(left).otherwise(right)
