"""Two halves of the people, drawn from the counts: one to search in, one to confirm in."""

from __future__ import annotations

import numpy as np

from scoring.errors import StudyError
from scoring.fairness.counts import Counts
from scoring.fairness.searching.cell_tables import Cells
from scoring.fairness.searching.conjunctions import Floats


def halves(cells: Cells, counts: Counts, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw half of the people of each cell without replacement, or half of the clusters; return the values of both halves.

    Identical in distribution to dealing out the rows. With weights that are not counts, the weight of so many people drawn from a cell has
    its finite-population mean and variance.

    Returns
    -------
    tuple of ndarray
        Two arrays like `cells.tally`, which add up to it.

    Raises
    ------
    StudyError
        Rows belong together, but the study was stored, and the clusters with it were not.
    """
    if not counts.clustered:
        return split(cells.tally, cells.people, rng)
    if counts.clusters is None:
        raise StudyError("Halves of a stored study cannot be drawn by cluster: clusters are never stored. Fix: use method='focused'.")
    weights = counts.clusters.weights
    chosen = np.zeros(weights.shape[0])
    chosen[rng.permutation(len(chosen))[: len(chosen) // 2]] = 1.0
    drawn = np.bincount(cells.rows * 3 + cells.sides, chosen @ weights, 3 * len(cells.tally)).reshape(-1, 3)[:, :2]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(cells.tally[:, :2] > 0, drawn / cells.tally[:, :2], 0.0).clip(0.0, 1.0)
    return _parted(cells.tally, np.tile(share, cells.tally.shape[1] // 2))


def split(values: Floats, people: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Deal the people of each cell out to two halves: hypergeometric, an odd one to either with equal chance.

    Parameters
    ----------
    values
        (cells, 2): hits and misses; (cells, 4): their squared weights too.
    people
        (cells, 2): people who hit, and who missed.
    rng
        Draws them.

    Examples
    --------
    >>> first, second = split(np.array([[6.0, 4.0]]), np.array([[6.0, 4.0]]), np.random.default_rng(1))
    >>> (first + second).tolist(), float(first.sum())
    ([[6.0, 4.0]], 5.0)
    """
    whole = np.rint(people).astype(np.int64)
    total = whole.sum(1)
    taken = total // 2 + (total % 2) * rng.integers(0, 2, len(total))
    hits = rng.hypergeometric(whole[:, 0], whole[:, 1], taken)
    drawn = np.stack([hits, taken - hits], axis=1).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(whole > 0, drawn / whole, 0.0)
    if values.shape[1] == 2:
        # a product of quotients may miss a whole number by a rounding error, and a count must not
        first = np.where(values == people, drawn, values * share)
        return first, values - first
    first, _ = _parted(values, np.tile(share, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.maximum(values[:, 2:] / whole - (values[:, :2] / whole) ** 2, 0.0)
        variance = np.where(whole > 1, drawn * (1 - share) * spread * whole / (whole - 1), 0.0)
    first[:, :2] = np.clip(first[:, :2] + np.sqrt(variance) * rng.standard_normal(variance.shape), 0.0, values[:, :2])
    return first, values - first


def _parted(values: Floats, share: Floats) -> tuple[Floats, Floats]:
    first = values * share
    return first, values - first
