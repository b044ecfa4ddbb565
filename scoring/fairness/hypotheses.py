"""Is a group's ratio to its reference below the tolerance, or shown to be above it? Score tests, exact where they must be.

What is done with many p-values at once is in `multiplicity`, a ratio within strata in `strata` (both named here too); how many people
would settle what is not settled in `planning`; the restricted estimate all of it stands on in `restricted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scoring.errors import EquiscoreError
from scoring.fairness.exact import exact_p
from scoring.fairness.multiplicity import adjust, focused_bh, focused_threshold, permutation_p
from scoring.fairness.restricted import Floats, Score, checked_pairs, estimate_at, positive, restricted_estimate, score_at, score_statistic, shaped
from scoring.fairness.strata import mantel_haenszel

__all__ = [
    "RatioTest",
    "Score",
    "adjust",
    "fisher",
    "focused_bh",
    "focused_threshold",
    "mantel_haenszel",
    "permutation_p",
    "ratio_test",
    "restricted_estimate",
    "score_statistic",
    "used_exact",
]

FEW_EXPECTED = 5.0  # Cochran's bound of a small expected count; above it the corrected score keeps its level (formulas, section 4)
WORTH_EXACTNESS = 0.1  # a larger p decides nothing at any level in use
SIDES = ("two-sided", "less", "greater")
AS_LIKELY = 1e-7  # tables of the same chance in exact arithmetic must not be parted by rounding (R's margin)


class RatioTest(NamedTuple):
    """The two one-sided p-values of a ratio against the tolerance."""

    p_exclusion: Floats
    """Small: the ratio is shown to be below the tolerance."""
    p_within: Floats
    """Small: the ratio is shown to be above it."""


def ratio_test(
    hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, tolerance: ArrayLike = 0.8, exact: bool = True
) -> RatioTest:
    """Test the group's rate over the reference's against `tolerance`, from both sides.

    ``p_exclusion = Phi(s)`` and ``p_within = Phi(-s)``, s the skewness-corrected score (Gart & Nam 1988; Laud 2017). Where an expected
    count of hits or misses is under 5 and the p-value under .1, that p-value is the exact unconditional one (Berger & Boos 1994), so the
    two need not add up to 1. Pairs that occur several times are tested exactly once. nan where one side has no trials or nobody at all
    was hit.

    Parameters
    ----------
    hits, trials, ref_hits, ref_trials : array_like
        Counts of group and reference, broadcast together.
    tolerance : array_like
        The ratio under test.
    exact : bool
        False for weighted or clustered counts, which have no binomial distribution. Fractional counts are never tested exactly.

    Examples
    --------
    >>> test = ratio_test([30, 60, 0], 100, [480, 480, 0], 800)
    >>> test.p_exclusion.round(4).tolist(), test.p_within.round(4).tolist()
    ([0.0002, 0.9896, nan], [0.9998, 0.0104, nan])
    """
    x, n, y, m = checked_pairs(hits, trials, ref_hits, ref_trials)
    counts = np.broadcast_arrays(x, n, y, m, positive(tolerance, "tolerance"))
    flat = [a.ravel() for a in counts]
    score = score_at(*flat).corrected
    below, above = special.ndtr(score), special.ndtr(-score)
    if exact:
        few = _too_few(*flat)
        for p, side in ((below, -1), (above, 1)):
            which = few & (p < WORTH_EXACTNESS)
            p[which] = _exact_ps([a[which] for a in flat], side)
    return RatioTest(shaped(below, counts[0].shape), shaped(above, counts[0].shape))


def _exact_ps(counts: Sequence[Floats], side: int) -> Floats:
    """Return the exact p-values of (x, n, y, m, ratio); equal rows are worked out once."""
    rows, back = np.unique(np.column_stack(counts), axis=0, return_inverse=True)
    found = [exact_p(x, n, y, m, ratio, side=side) for x, n, y, m, ratio in rows.tolist()]
    return np.array(found, dtype=np.float64)[back]


def used_exact(hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, tolerance: ArrayLike = 0.8) -> NDArray[np.bool_]:
    """Tell where `ratio_test` (with ``exact=True``) gives an exact p-value on one of its sides.

    >>> used_exact([0, 30], [6, 100], 480, 800).tolist()
    [True, False]
    """
    x, n, y, m = checked_pairs(hits, trials, ref_hits, ref_trials)
    counts = np.broadcast_arrays(x, n, y, m, positive(tolerance, "tolerance"))
    p = special.ndtr(-np.abs(score_at(*counts).corrected))
    return np.asarray(_too_few(*counts) & (p < WORTH_EXACTNESS))


def _too_few(x: Floats, n: Floats, y: Floats, m: Floats, ratio: Floats) -> NDArray[np.bool_]:
    """Tell where counts are whole and one of the four expected at the restricted estimate is under 5."""
    group, reference = estimate_at(x, n, y, m, ratio)
    expected = np.minimum.reduce([n * group, n * (1 - group), m * reference, m * (1 - reference)])
    whole = np.logical_and.reduce([a == np.floor(a) for a in (x, n, y, m)])
    return np.asarray(whole & (expected < FEW_EXPECTED))


def fisher(hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, side: str = "two-sided") -> Floats:
    """Test whether group and reference have the same rate, given how many were hit in both together (Fisher's exact test).

    ``"less"``: P(as many hits in the group, or fewer); ``"greater"``: as many or more; ``"two-sided"``: P(a table no likelier than this
    one), as scipy and R have it. For equality only, and never anti-conservative; `ratio_test` is the test of a tolerance. 1 where only
    one table is possible, nan where one side has no trials.

    Parameters
    ----------
    hits, trials, ref_hits, ref_trials : array_like
        Whole counts of group and reference, broadcast together.
    side : {"two-sided", "less", "greater"}
        What counts as extreme.

    Raises
    ------
    EquiscoreError
        Where a count is not whole, or the side is none of the three.

    References
    ----------
    Fisher 1935, *The Design of Experiments*, ch. 2; Irwin 1935, *Metron* 12:83.

    Examples
    --------
    >>> fisher(3, 4, 1, 4, side="greater").round(3), fisher(3, 4, 1, 4).round(3)
    (np.float64(0.243), np.float64(0.486))
    """
    if side not in SIDES:
        raise EquiscoreError(f"No side {side!r}. Fix: use one of {', '.join(SIDES)}.")
    x, n, y, m = checked_pairs(hits, trials, ref_hits, ref_trials)
    if not all((a == np.floor(a)).all() for a in (x, n, y, m)):
        raise EquiscoreError("fisher: a count is no whole number. Fix: give people counted; for weighted counts use ratio_test(..., tolerance=1).")
    p = np.full(x.shape, np.nan)
    asked = (n > 0) & (m > 0)
    test = {"less": _hypergeometric_low, "greater": _hypergeometric_high, "two-sided": _no_likelier}[side]
    p[asked] = np.minimum(test(x[asked], n[asked], y[asked], m[asked]), 1.0)
    return shaped(p, x.shape)


def _hypergeometric_low(x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
    """Return P(as many hits in the group as x, or fewer), given all the hits."""
    from scipy.stats import hypergeom  # slow to import, and not on the way to any verdict

    return np.asarray(hypergeom.cdf(x, n + m, x + y, n))


def _hypergeometric_high(x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
    return _hypergeometric_low(y, m, x, n)


def _no_likelier(x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
    """Return P(a table no likelier than this one): the tail it is in, and of the other tail what is no likelier (found by bisection)."""
    mirrored = x * (n + m) > n * (x + y)  # turned so that the group has no more hits than expected
    x, n, y, m = np.where(mirrored, y, x), np.where(mirrored, m, n), np.where(mirrored, x, y), np.where(mirrored, n, m)
    bar, most = _log_chance(x, n, y, m) + AS_LIKELY, np.minimum(n, x + y)
    first, last = np.floor((x + y + 1) * (n + 1) / (n + m + 2)), most + 1  # from the likeliest count upward
    while (first < last).any():
        middle = np.floor((first + last) / 2)
        likelier = _log_chance(np.minimum(middle, most), n, x + y - np.minimum(middle, most), m) > bar
        open_ = first < last
        first, last = np.where(open_ & likelier, middle + 1, first), np.where(open_ & ~likelier, middle, last)
    other = np.where(first <= most, _hypergeometric_high(first, n, x + y - first, m), 0.0)
    return np.where(first <= x, 1.0, _hypergeometric_low(x, n, y, m) + other)


def _log_chance(x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
    """Return the logarithm of the chance of a table, but for what all tables with these totals share."""
    return np.asarray(-(special.gammaln(x + 1) + special.gammaln(n - x + 1) + special.gammaln(y + 1) + special.gammaln(m - y + 1)))
