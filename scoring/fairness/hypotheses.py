"""Is a group's ratio to its reference below the tolerance, or shown to be above it? Score tests, exact where they must be, and families.

How many people would settle what is not settled is in `planning`; the restricted estimate all of it stands on in `restricted`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scoring.errors import EquiscoreError
from scoring.fairness.exact import exact_p
from scoring.fairness.restricted import Floats, Score, checked_pairs, estimate_at, positive, restricted_estimate, score_at, score_statistic, shaped

__all__ = ["RatioTest", "Score", "adjust", "ratio_test", "restricted_estimate", "score_statistic", "used_exact"]

FEW_EXPECTED = 5.0  # Cochran's bound of a small expected count; above it the corrected score keeps its level (formulas, section 4)
WORTH_EXACTNESS = 0.1  # a larger p decides nothing at any level in use


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
    two need not add up to 1. nan where one side has no trials or nobody at all was hit.

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
            for i in np.flatnonzero(few & (p < WORTH_EXACTNESS)):
                p[i] = exact_p(*(float(a[i]) for a in flat), side=side)
    return RatioTest(shaped(below, counts[0].shape), shaped(above, counts[0].shape))


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


def adjust(p: ArrayLike, method: str = "holm") -> Floats:
    """Adjust p-values for being many; what is nan stays nan and is not counted in the family.

    ``"holm"`` bounds the chance of any false finding, ``"bh"`` the expected share of false ones among the findings (under independence or
    positive dependence). All entries of `p`, whatever its shape, are one family.

    References
    ----------
    Holm 1979, *Scandinavian Journal of Statistics* 6:65; Benjamini & Hochberg 1995, *JRSS B* 57:289.

    Examples
    --------
    >>> adjust([0.01, 0.04, float("nan"), 0.03]).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    if method not in _ADJUSTMENTS:
        raise EquiscoreError(f"No adjustment {method!r}. Fix: use one of {', '.join(_ADJUSTMENTS)}.")
    raw = np.asarray(p, dtype=np.float64)
    adjusted = raw.ravel().copy()
    if ((adjusted < 0) | (adjusted > 1)).any():
        raise EquiscoreError("p: a p-value lies outside [0, 1]. Fix: give the p-values themselves, nan where there is none.")
    family = np.flatnonzero(~np.isnan(adjusted))
    order = family[np.argsort(adjusted[family], kind="stable")]
    adjusted[order] = np.minimum(_ADJUSTMENTS[method](adjusted[order]), 1.0)
    return shaped(adjusted, raw.shape)


def _holm(ascending: Floats) -> Floats:
    return np.maximum.accumulate(ascending * np.arange(ascending.size, 0, -1))


def _benjamini_hochberg(ascending: Floats) -> Floats:
    m = ascending.size
    return np.minimum.accumulate((ascending * (m / np.arange(1, m + 1)))[::-1])[::-1]


_ADJUSTMENTS: Mapping[str, Callable[[Floats], Floats]] = {"holm": _holm, "bh": _benjamini_hochberg}
