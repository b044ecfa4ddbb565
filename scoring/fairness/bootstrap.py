"""Redrawing the counts: what chance does to any measure of them, without reading a row again.

Rows drawn with replacement give counts that are exactly multinomial, so independent rows need nothing but their counts. Weights
and clusters need their second moments as well. Chance comes in as a generator; a replicate that misses a group gives nan for
itself and for nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scoring.errors import EquiscoreError
from scoring.fairness.restricted import between_0_and_1

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Counts (..., cells) in, measures (..., statistics) out."""
FEWEST: Final = 5
"""A numerator under this is not redrawn: at 0 every replicate is 0, which looks like certainty. Score intervals take over."""
REPLICATES: Final = 2000
_STREAMS, _LARGE = 4, 1_000_000


class BootstrapInterval(NamedTuple):
    """Measures with limits, arrays (statistics,)."""

    value: Floats
    low: Floats
    high: Floats
    few: NDArray[np.bool_]
    """Where limits are withheld, as a numerator is under `FEWEST`."""


def resample(
    people: ArrayLike,
    replicates: int,
    rng: np.random.Generator,
    *,
    weight: ArrayLike | None = None,
    weight_squared: ArrayLike | None = None,
) -> Floats:
    """Redraw the counts of cells as if the rows had been drawn again.

    Without weights: multinomial, the very law of the row bootstrap. With weights: the first two moments of the row bootstrap,
    N*_c S1_c/n_c + sqrt(N*_c v_c) e, v_c = S2_c/n_c - (S1_c/n_c)^2, e standard normal; cut at 0. A multinomial of mean weights
    would miss v_c and be too sure.

    Parameters
    ----------
    people
        Rows in each cell (cells,).
    replicates
        How often to redraw.
    rng
        Where chance comes from; the same state gives the same draws.
    weight, weight_squared
        Sum of the weights and of their squares in each cell (cells,).

    Returns
    -------
    array (replicates, cells)
        Counts, or sums of weights.

    References
    ----------
    Efron 1979, *Annals of Statistics* 7:1.

    Examples
    --------
    >>> resample([5, 0, 15], 3, np.random.default_rng(0)).sum(axis=1).tolist()
    [20.0, 20.0, 20.0]
    """
    n = np.asarray(people, np.float64)
    held = np.flatnonzero(n > 0)
    drawn = np.zeros((_counted(replicates), n.size))
    drawn[:, held] = _multinomial(n[held], replicates, rng)
    if weight is None:
        return drawn
    safe = np.where(n > 0, n, 1.0)
    mean = np.asarray(weight, np.float64) / safe
    spread = np.maximum(np.asarray(weight_squared if weight_squared is not None else weight, np.float64) / safe - mean**2, 0.0)
    return np.maximum(drawn * mean + np.sqrt(drawn * spread) * rng.standard_normal(drawn.shape), 0.0)


def resample_clustered(weight: ArrayLike, joint: ArrayLike, clusters: int, replicates: int, rng: np.random.Generator) -> Floats:
    """Redraw sums of weights as if whole clusters had been drawn again: Normal(S1, M - S1 S1'/H), cut at 0.

    Parameters
    ----------
    weight
        S1, the sum of the weights in each cell (cells,).
    joint
        M (cells, cells): M_cc' = sum over clusters h of W_hc W_hc', W_hc the weight of cluster h in cell c.
    clusters
        H, how many clusters there are.
    replicates, rng
        As in `resample`.

    Returns
    -------
    array (replicates, cells)

    References
    ----------
    Liang & Zeger 1986, *Biometrika* 73:13 (the variance); the normal stands in for the draw of clusters.

    Examples
    --------
    >>> resample_clustered([2.0, 2.0], [[4.0, 0.0], [0.0, 4.0]], 2, 1, np.random.default_rng(0)).sum().round(9)
    np.float64(4.0)
    """
    total, matrix = np.asarray(weight, np.float64), np.asarray(joint, np.float64)
    if matrix.shape != (total.size, total.size):
        raise EquiscoreError(f"joint: {matrix.shape} for {total.size} cells. Fix: give M with one row and one column a cell.")
    # the matrix is singular (cells of one cluster sum up): eigenvectors bear that, a Cholesky factor does not
    values, vectors = np.linalg.eigh(matrix - np.outer(total, total) / clusters)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.maximum(total + rng.standard_normal((_counted(replicates), total.size)) @ root.T, 0.0)


def quantiles(draws: ArrayLike, levels: ArrayLike) -> Floats:
    """Return quantiles over the replicates, leaving out those that are nan; nan where none is left.

    Parameters
    ----------
    draws
        Array (replicates, ...).
    levels
        One level for all measures, or an array (...) with one of each.

    Examples
    --------
    >>> quantiles([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]], 0.5)
    array([ 2., nan])
    """
    ordered = np.sort(np.asarray(draws, np.float64), axis=0)  # nan last
    left = (~np.isnan(ordered)).sum(axis=0)
    place = np.maximum(left - 1, 0) * np.asarray(levels, np.float64)
    below = np.where(np.isnan(place), 0, np.floor(place)).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(left - 1, 0))
    low, high = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (below, above))
    with np.errstate(invalid="ignore"):  # an infinite replicate (a ratio to nobody) stays infinite, not inf - inf
        between = low + (place - below) * (high - low)
    return np.where((left > 0) & ~np.isnan(place), np.where((low == high) | (place == below), low, between), np.nan)


def bootstrap_interval(
    people: ArrayLike,
    statistic: Statistic,
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
    replicates: int = REPLICATES,
    method: str = "bca",
    numerators: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    weight_squared: ArrayLike | None = None,
) -> BootstrapInterval:
    """Return limits of any measures of counts.

    ``"bca"`` corrects the percentiles for bias and skewness; its acceleration comes from the cells, a = sum n_c d_c^3 /
    (6 (sum n_c d_c^2)^1.5), d_c what leaving one row of cell c out does. With weights the percentiles stay as they are, as a row
    to leave out is no longer known.

    Parameters
    ----------
    people, weight, weight_squared, replicates, rng
        As in `resample`.
    statistic
        Counts (..., cells) to measures (..., statistics).
    confidence
        Of each interval by itself, between 0 and 1.
    method
        ``"bca"`` or ``"percentile"``.
    numerators
        The smallest count that each measure is made of (statistics,); under `FEWEST` limits are nan and `few` is true.

    Raises
    ------
    EquiscoreError
        No such method, a confidence that is none, fewer than one replicate.

    References
    ----------
    Efron 1987, *JASA* 82:171.

    Examples
    --------
    >>> share = lambda counts: counts[..., :1] / counts.sum(-1, keepdims=True)
    >>> found = bootstrap_interval([30, 70], share, np.random.default_rng(0), numerators=[30])
    >>> float(found.value[0]), bool(found.low[0] < 0.3 < found.high[0])
    (0.3, True)
    """
    if method not in {"bca", "percentile"}:
        raise EquiscoreError(f"No bootstrap {method!r}. Fix: use bca or percentile.")
    value = statistic(np.asarray(people if weight is None else weight, np.float64))
    draws = statistic(resample(people, replicates, rng, weight=weight, weight_squared=weight_squared))
    corrected = method == "bca" and weight is None
    limits = bca_limits(draws, value, acceleration(people, statistic) if corrected else None, confidence=confidence)
    few = np.broadcast_to(np.asarray(np.inf if numerators is None else numerators) < FEWEST, value.shape)
    low, high = (np.where(few | np.isnan(value), np.nan, limit) for limit in limits)
    return BootstrapInterval(value, low, high, few)


def bca_limits(draws: Floats, value: Floats, accelerated: Floats | None, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return limits from replicates (replicates, ...): percentiles, moved by bias and acceleration where that is given (Efron 1987)."""
    tail = (1 - float(between_0_and_1(confidence, "confidence"))) / 2
    levels = np.multiply.outer(np.array([tail, 1 - tail]), np.ones_like(value))
    if accelerated is not None:
        levels = _bca_levels(levels, draws, value, accelerated)
    return quantiles(draws, levels[0]), quantiles(draws, levels[1])


def acceleration(people: ArrayLike, statistic: Statistic) -> Floats:
    """Return the acceleration of each measure, how its spread changes with its value: counts (..., cells) to (..., statistics).

    References
    ----------
    Efron 1987, *JASA* 82:171, equation 6.6.

    Examples
    --------
    >>> acceleration([80, 20], lambda n: n[..., :1] / n.sum(-1, keepdims=True)).round(4)
    array([-0.025])
    """
    n = np.asarray(people, np.float64)
    own = n[..., None]
    without = np.where(own > 0, statistic(n[..., None, :] - np.eye(n.shape[-1])), 0.0)
    gap = (own * without).sum(-2, keepdims=True) / own.sum(-2, keepdims=True) - without
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (own * gap**3).sum(-2) / (6 * (own * gap**2).sum(-2) ** 1.5)
    return np.where(np.isfinite(found), found, 0.0)


def _bca_levels(levels: Floats, draws: Floats, value: Floats, accelerated: Floats) -> Floats:
    """Move the levels (2, statistics) by the bias of the replicates and by the acceleration."""
    defined = ~np.isnan(draws)
    left = np.maximum(defined.sum(0), 1)
    under = ((draws < value) & defined).sum(0) + 0.5 * ((draws == value) & defined).sum(0)
    bias = special.ndtri(np.clip(under / left, 0.5 / left, 1 - 0.5 / left))
    moved = bias + special.ndtri(levels)
    return np.asarray(special.ndtr(bias + moved / (1 - accelerated * moved)))


def _multinomial(n: Floats, replicates: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the counts; many draws come from a fixed number of streams at once, so the cores of a machine do not change them."""
    total, shares = round(n.sum()), n / n.sum() if n.size else n
    if not n.size or replicates * n.size < _LARGE:
        return rng.multinomial(total, shares, size=replicates) if n.size else np.zeros((replicates, 0), np.int64)
    sizes = [len(part) for part in np.array_split(np.arange(replicates), _STREAMS)]
    with ThreadPoolExecutor(_STREAMS) as pool:
        drawn = list(pool.map(lambda stream, size: stream.multinomial(total, shares, size=size), rng.spawn(_STREAMS), sizes))
    return np.concatenate(drawn)


def _counted(replicates: int) -> int:
    if replicates < 1:
        raise EquiscoreError(f"replicates: {replicates} draws say nothing. Fix: give at least 1; 2,000 are usual.")
    return replicates
