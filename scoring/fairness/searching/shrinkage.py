"""Raw and shrunken rates side by side: what a handful of people show, and what is left of it beside what their groups lead one to expect.

Empirical Bayes: within each depth the rate of a subgroup is drawn from a beta distribution whose mean is what the subgroup's single
attributes lead one to expect (a log-linear model of the odds without interaction) and whose spread is estimated from all subgroups of
that depth by their marginal likelihood. A large subgroup keeps its rate, a small one is drawn to the expectation; none is left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, special

from scoring.bounds import Bounds
from scoring.fairness.counts import Counts
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.metrics import Metric, known
from scoring.fairness.restricted import checked, shaped
from scoring.fairness.searching.cell_tables import Cells, cells_of
from scoring.fairness.searching.conjunctions import Floats, Ints, Lattice, effective, labels, lattice, sums

SMALLEST, LARGEST = -2.0, 16.0
"""Where the logarithm of the prior's size is sought: from a seventh of a person to nine million, where nothing is left of the raw rate."""


class Shrunken(NamedTuple):
    """Posterior mean and limits, and the prior's size in people."""

    value: Floats
    low: Floats
    high: Floats
    prior: float


def shrunken(hits: ArrayLike, trials: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95, prior: float | None = None) -> Shrunken:
    """Draw rates to what is expected of them, the more so the fewer trials there are (beta-binomial empirical Bayes).

    hits ~ binomial(trials, rate), rate ~ beta(prior x expected, prior x (1 - expected)); the posterior is
    beta(prior x expected + hits, prior x (1 - expected) + trials - hits). The limits take the prior as known, so where few rates share it
    they are somewhat narrow (Morris 1983, section 5).

    Parameters
    ----------
    hits, trials : array_like
        Counts, broadcast together; fractional ones (effective sizes) are welcome.
    expected : array_like
        The rate that each is drawn to, within (0, 1).
    prior : float, optional
        How many people the expectation counts for; by default the value at which all these counts together are most likely.

    References
    ----------
    Kleinman 1973, *JASA* 68:46; Morris 1983, *JASA* 78:47; for intersections Foulds, Islam, Keya & Pan 2020, *SIAM Data Mining*.

    Examples
    --------
    >>> found = shrunken([0, 300], [3, 1000], 0.5, prior=20.0)
    >>> found.value.round(3).tolist(), found.low.round(3).tolist(), found.high.round(3).tolist()
    ([0.435, 0.304], [0.244, 0.276], [0.636, 0.332])
    """
    x, n = checked(hits, trials)
    mean = np.clip(np.broadcast_to(np.asarray(expected, np.float64), x.shape), 1e-9, 1 - 1e-9)
    size = _most_likely_size(x.ravel(), n.ravel(), mean.ravel()) if prior is None else float(prior)
    a, b = size * mean + x, size * (1 - mean) + n - x
    tail = (1 - confidence) / 2
    return Shrunken(
        shaped(a / (a + b), x.shape), shaped(special.betaincinv(a, b, tail), x.shape), shaped(special.betainccinv(a, b, tail), x.shape), size
    )


def _most_likely_size(x: Floats, n: Floats, mean: Floats) -> float:
    """Return the size of the prior at which the counts are most likely."""
    held = n > 0
    if not held.any():
        return float(np.exp(LARGEST))
    x, n, mean = x[held], n[held], mean[held]

    def unlikely(log_size: float) -> float:
        a, b = np.exp(log_size) * mean, np.exp(log_size) * (1 - mean)
        return -float(np.sum(special.betaln(a + x, b + n - x) - special.betaln(a, b)))

    grid = np.linspace(SMALLEST, LARGEST, 19)
    best = int(np.argmin([unlikely(point) for point in grid]))
    inside = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    return float(np.exp(optimize.minimize_scalar(unlikely, bounds=inside, method="bounded", options={"xatol": 1e-3}).x))


def expected_rates(held: Lattice, added: Floats, total: Floats) -> Floats:
    """Return what the single attributes of each conjunction lead one to expect: ``logit p0 + sum (logit p_j - logit p0)``.

    Parameters
    ----------
    held
        The conjunctions.
    added
        (conjunctions, K): hits and misses of each.
    total
        (K,): hits and misses of everybody; of a single attribute this is what is expected.
    """
    odds = _log_odds(added)
    overall = _log_odds(total[None, :])[0]
    singles = [bits for bits in range(1, held.subsets.shape[1]) if bits & (bits - 1) == 0]
    parts = held.parts(np.arange(held.size))[:, singles]
    gaps = np.where(parts >= 0, odds[parts] - overall, 0.0).sum(1)
    return np.asarray(special.expit(overall + np.where(held.depth == 1, 0.0, gaps)))


def _log_odds(added: Floats) -> Floats:
    """Return the logarithm of hits over misses, half of one added to both so that none is infinite."""
    return np.asarray(np.log(added[:, 0] + 0.5) - np.log(added[:, 1] + 0.5))


def shrink(held: Lattice, values: Floats, which: Ints, *, confidence: float, effect: Floats | None = None) -> Shrunken:
    """Return the shrunken rates of some conjunctions; the prior of each depth is estimated from all conjunctions of that depth.

    Parameters
    ----------
    held, values
        Conjunctions, and hits and misses of the cells, with squares where weighted.
    which
        The conjunctions asked for.
    effect
        (conjunctions,): design effects of clusters.
    """
    added = sums(held, values)
    x, n = (side / (1.0 if effect is None else effect) for side in effective(added))
    expected = expected_rates(held, added[:, :2], values[:, :2].sum(0))
    value, low, high = (np.full(len(which), np.nan) for _ in range(3))
    for depth in np.unique(held.depth[which]):
        of_depth, asked = held.depth == depth, held.depth[which] == depth
        prior = _most_likely_size(x[of_depth], n[of_depth], expected[of_depth])
        here = which[asked]
        found = shrunken(x[here], n[here], expected[here], confidence=confidence, prior=prior)
        value[asked], low[asked], high[asked] = found.value, found.low, found.high
    return Shrunken(value, low, high, float("nan"))


def estimates(counts: Counts, metric: Metric | str, *, bounds: Bounds, attributes: list[str] | None = None, depth: int | None = None) -> pd.DataFrame:
    """Return every conjunction with its rate as it is and as shrunken, the smallest groups included.

    Parameters
    ----------
    counts
        What the pass left.
    metric
        A metric or its name.
    bounds
        Confidence and depth.
    attributes, depth
        What is crossed, and how far; by default everything, to the depth of the bounds.

    Returns
    -------
    DataFrame
        attribute, group, levels, depth, metric, people, hits, trials, value, low, high (Wilson), expected, shrunken, shrunken_low,
        shrunken_high: single attributes first.
    """
    chosen = known(metric) if isinstance(metric, str) else metric
    cells = cells_of(counts, chosen, attributes)
    held = lattice(cells.codes, depth or bounds.depth)
    return _side_by_side(cells, held, chosen.name, bounds.confidence)


def _side_by_side(cells: Cells, held: Lattice, metric: str, confidence: float) -> pd.DataFrame:
    every = np.arange(held.size)
    added = sums(held, cells.tally)
    hits, trials = added[:, 0], added[:, 0] + added[:, 1]
    low, high = proportion_interval(*effective(added), confidence=confidence)
    found = shrink(held, cells.tally, every, confidence=confidence)
    attribute, group, levels = labels(held, cells.attributes, cells.levels, every)
    with np.errstate(invalid="ignore"):
        value = hits / trials
    columns = {
        "attribute": attribute, "group": group, "levels": levels, "depth": held.depth, "metric": metric,
        "people": sums(held, cells.everybody[:, None])[:, 0], "hits": hits, "trials": trials, "value": value, "low": low, "high": high,
        "expected": expected_rates(held, added[:, :2], cells.tally[:, :2].sum(0)),
        "shrunken": found.value, "shrunken_low": found.low, "shrunken_high": found.high,
    }  # fmt: skip
    return pd.DataFrame(columns)
