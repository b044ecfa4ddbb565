"""Two-by-two tables within strata: the counts that everything pooled or standardised starts from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scoring.fairness.restricted import Floats, between_0_and_1, checked_pairs

Mask = NDArray[np.bool_]


class Tables(NamedTuple):
    """Two-by-two tables (rows, strata): x of n in the group, y of m in the reference.

    What is not comparable holds 0, and 1 as its total, so that it adds nothing.
    """

    x: Floats
    n: Floats
    y: Floats
    m: Floats
    total: Floats
    used: Mask
    one_sided: Mask


def tables(hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike) -> tuple[tuple[int, ...], Tables]:
    """Return the shape of the leading axes, and the tables with these axes as one.

    Parameters
    ----------
    hits, trials, ref_hits, ref_trials : array_like, shape (..., strata)
        Counts of group and reference, broadcast together.

    Raises
    ------
    EquiscoreError
        A count that is none, or hits above trials.

    Examples
    --------
    >>> shape, held = tables([4, 3], [10, 5], [2, 0], [9, 0])
    >>> shape, held.used.tolist(), held.one_sided.tolist(), held.total.tolist()
    ((), [[True, False]], [[False, True]], [[19.0, 1.0]])
    """
    counts = [np.atleast_1d(side) for side in checked_pairs(hits, trials, ref_hits, ref_trials)]
    shape, strata = counts[0].shape[:-1], counts[0].shape[-1]
    x, n, y, m = (side.reshape(int(np.prod(shape)), strata) for side in counts)
    used = (n > 0) & (m > 0)
    x, n, y, m = (np.where(used, side, 0.0) for side in (x, n, y, m))
    one_sided = ((counts[1] > 0) != (counts[3] > 0)).reshape(used.shape)
    return shape, Tables(x, n, y, m, np.where(used, n + m, 1.0), used, one_sided)


def quantile(confidence: float) -> float:
    """Return the quantile of the normal distribution that leaves half of what the confidence leaves on each side.

    >>> round(quantile(0.95), 4)
    1.96
    """
    return float(special.ndtri((1 + between_0_and_1(confidence, "confidence")) / 2))
