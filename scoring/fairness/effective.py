"""How many people weighted counts are worth: the one linearisation that every table, search and interval takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def effective_size(hits: Floats, misses: Floats, hits_squared: Floats, misses_squared: Floats) -> tuple[Floats, Floats]:
    """Return the hits and trials that intervals and tests of a weighted proportion are worked out from.

    n_e = p(1-p)/V, V = sum S2 (num - p den)^2 / (sum S1 den)^2, by linearisation (Woodruff 1971; Korn & Graubard 1998). Kish's size,
    which is right only where weight and outcome are unrelated, stands in where p is 0 or 1.

    Parameters
    ----------
    hits, misses : array
        Sums of weights.
    hits_squared, misses_squared : array
        Sums of squared weights.

    Examples
    --------
    >>> effective_size(*(np.array([value]) for value in (60.0, 140.0, 120.0, 280.0)))  # every weight is 2
    (array([30.]), array([100.]))
    """
    trials = hits + misses
    with np.errstate(divide="ignore", invalid="ignore"):
        p = hits / trials
        spread = hits_squared * (misses / trials) ** 2 + misses_squared * p**2  # sums of what is not negative: a huge weight cancels nothing
        n = np.where((hits > 0) & (misses > 0), hits * misses / spread, trials**2 / (hits_squared + misses_squared))
    n = np.where(trials > 0, n, 0.0)
    x = np.where(trials > 0, np.minimum(np.where(trials > 0, p, 0.0), 1.0) * n, 0.0)
    return np.minimum(x, n), n
