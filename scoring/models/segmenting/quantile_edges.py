"""Where a column is cut into bins of about as many people each: on existing values, so that equal values stay together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def quantile_edges(values: NDArray[np.float64], weights: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Return the existing values for which the shares of people below are nearest to 1/n, 2/n, ...

    Parameters
    ----------
    values, weights : arrays, one entry a person; values without NaN. Weight 0 does not count.
    n_bins : int, 1 or more.

    Returns
    -------
    array of ``n_bins - 1`` rising edges, each the least value of the bin above it. Where ties leave fewer places to cut, an edge stands
    several times: the bins between are empty, and nobody's bin means another share of people than it says. A column of one
    value cannot be cut: no edges.

    Examples
    --------
    >>> quantile_edges(np.array([1.0, 2, 3, 4, 5, 6]), np.ones(6), 3)
    array([3., 5.])
    >>> quantile_edges(np.array([1.0, 1, 1, 1, 2, 3]), np.ones(6), 3)
    array([2., 2.])
    """
    held, places = np.unique(values[weights > 0], return_inverse=True)
    people = np.bincount(places, weights[weights > 0])
    below = ((people.cumsum() - people) / people.sum())[1:]
    if not len(below):
        return np.zeros(0)
    wished = np.arange(1, n_bins) / n_bins
    # rounded, so that the last bit of a share does not decide between two places equally near
    return held[1:][[int(np.abs(below - share).round(12).argmin()) for share in wished]]
