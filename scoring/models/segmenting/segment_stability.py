"""How far segments come out the same of another sample of the same people, and how many segments do."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scoring.models.columns import ModelError, as_table

FLOOR = 0.9
"""Our choice: the adjusted Rand index from which segments count as stable. Plain k-means on log RFM of 23 570 customers had .90 to .99 for 3 to 8
segments, mini-batch k-means .50 to .82."""


@dataclass(frozen=True, slots=True)
class SegmentStability:
    """Agreement of the segments of all customers with those learned from bootstrap samples of them."""

    replicates: tuple[float, ...]
    """Adjusted Rand index (Hubert & Arabie 1985) of each replicate: 1 the same segments, 0 no better than chance."""
    mean: float
    low: float
    high: float
    """Ends of the middle part of the replicates that `level` says: how far samples differ, not an interval of the mean."""
    level: float
    people: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class SegmentChoice:
    """Stability by number of segments, and the number chosen."""

    table: pd.DataFrame
    """One row a number: segments, ari_mean, ari_low, ari_high, smallest_share, and bic where the estimator has one."""
    chosen: int | None
    """The largest number whose mean index reaches the floor; None where none does."""
    floor: float


def segment_stability(estimator: Any, X: Any, *, replicates: int = 20, seed: int, level: float = 0.95, n_jobs: int | None = None) -> SegmentStability:
    """Fit the segments again on bootstrap samples and compare the labels of *all* customers.

    Each replicate draws as many customers again with replacement, fits a clone and labels the customers of `X`; the labels are held
    against those of a clone fitted on `X` itself by the adjusted Rand index, which numbering does not touch. The draws of a replicate hang
    on `seed` and its number alone, so the result is the same whatever `n_jobs`.

    Parameters
    ----------
    estimator : unfitted, with fit and predict. X : table, one row a customer.
    replicates : int, 2 or more. level : float, the part of the replicates between low and high.
    n_jobs : int, processes; one by default.

    Returns
    -------
    SegmentStability

    Examples
    --------
    >>> from scoring.models import KMeansSegments
    >>> far_apart = np.repeat([[0.0], [10.0], [20.0]], 30, axis=0)
    >>> segment_stability(KMeansSegments(3), far_apart, replicates=5, seed=1).mean
    1.0
    """
    if replicates < 2 or not 0 < level < 1:
        raise ModelError(f"segment_stability: replicates={replicates!r}, level={level!r}. Fix: 2 replicates or more, and a level between 0 and 1.")
    table = as_table(X)
    return _compared(estimator, table, _labels(estimator, table), replicates=replicates, seed=seed, level=level, n_jobs=n_jobs)


def choose_segments(
    estimator: Any,
    X: Any,
    *,
    numbers: Sequence[int] = range(2, 9),
    replicates: int = 20,
    seed: int,
    floor: float = FLOOR,
    n_jobs: int | None = None,
) -> SegmentChoice:
    """Report the stability of each number of segments and choose the largest that is stable.

    Parameters
    ----------
    estimator : unfitted, with the parameter ``n_segments``.
    numbers : numbers of segments to try. floor : float, the mean adjusted Rand index that counts as stable.

    The other parameters are those of `segment_stability`. The same customers are drawn for every number.

    Returns
    -------
    SegmentChoice; nobody is forced into a number that is not stable: `chosen` may be None.

    Examples
    --------
    >>> from scoring.models import KMeansSegments
    >>> far_apart = np.repeat([[0.0], [10.0], [21.0]], 30, axis=0) + np.linspace(0, 1, 90)[:, None]
    >>> choose_segments(KMeansSegments(n_init=2), far_apart, numbers=[2, 3], replicates=5, seed=1).chosen
    3
    """
    table = as_table(X)
    rows = [_row(clone(estimator).set_params(n_segments=k), table, replicates=replicates, seed=seed, n_jobs=n_jobs) for k in numbers]
    found = pd.DataFrame(rows)
    stable = found.loc[found["ari_mean"] >= floor, "segments"]
    return SegmentChoice(found, int(stable.max()) if len(stable) else None, floor)


def _row(estimator: Any, table: Any, *, replicates: int, seed: int, n_jobs: int | None) -> dict[str, float]:
    fitted = _fitted(estimator, table)
    labels = np.asarray(fitted.predict(table))
    found = _compared(estimator, table, labels, replicates=replicates, seed=seed, level=0.95, n_jobs=n_jobs)
    _, counts = np.unique(labels, return_counts=True)
    told = {"segments": estimator.n_segments, "ari_mean": found.mean, "ari_low": found.low, "ari_high": found.high}
    return {**told, "smallest_share": counts.min() / len(labels), **({"bic": fitted.bic_} if hasattr(fitted, "bic_") else {})}


def _compared(estimator: Any, table: Any, labels: NDArray[Any], *, replicates: int, seed: int, level: float, n_jobs: int | None) -> SegmentStability:
    streams = np.random.SeedSequence(seed).spawn(replicates)
    told = Parallel(n_jobs=n_jobs)(delayed(_agreement)(estimator, table, labels, stream) for stream in streams)
    low, high = np.quantile(told, [(1 - level) / 2, (1 + level) / 2])
    return SegmentStability(tuple(told), float(np.mean(told)), float(low), float(high), level, len(labels), seed)


def _agreement(estimator: Any, table: Any, labels: NDArray[Any], stream: np.random.SeedSequence) -> float:
    drawn = np.random.default_rng(stream).integers(0, len(labels), len(labels))
    sample = table.iloc[drawn] if isinstance(table, pd.DataFrame) else np.asarray(table)[drawn]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a sample with few different rows: said of the table itself
        return float(adjusted_rand_score(labels, _labels(estimator, table, of=sample)))


def _labels(estimator: Any, table: Any, *, of: Any = None) -> NDArray[Any]:
    """Return the segments of a table, learned from it or from a sample of it."""
    with threadpool_limits(1):  # a process of several has one thread, so one process takes one: the last bits are then the same
        return np.asarray(_fitted(estimator, table if of is None else of).predict(table))


def _fitted(estimator: Any, table: Any) -> Any:
    with threadpool_limits(1):
        return clone(estimator).fit(table)
