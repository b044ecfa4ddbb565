"""Many p-values at once: adjusted for being many, filtered without losing their error rate, or drawn by permutation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError
from scoring.fairness.restricted import Floats, between_0_and_1, shaped

Bools = NDArray[np.bool_]


def adjust(p: ArrayLike, method: str = "holm") -> Floats:
    """Adjust p-values for being many; what is nan stays nan and is not counted in the family.

    ``"holm"`` bounds the chance of any false finding, ``"bh"`` the expected share of false ones among the findings (under independence or
    positive dependence), ``"by"`` that share under every dependence. All entries of `p`, whatever its shape, are one family.

    References
    ----------
    Holm 1979, *Scandinavian Journal of Statistics* 6:65; Benjamini & Hochberg 1995, *JRSS B* 57:289; Benjamini & Yekutieli 2001,
    *Annals of Statistics* 29:1165.

    Examples
    --------
    >>> adjust([0.01, 0.04, float("nan"), 0.03]).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    if method not in _ADJUSTMENTS:
        raise EquiscoreError(f"No adjustment {method!r}. Fix: use one of {', '.join(_ADJUSTMENTS)}.")
    raw = np.asarray(p, dtype=np.float64)
    adjusted = _p_values(raw).ravel().copy()
    family = np.flatnonzero(~np.isnan(adjusted))
    order = family[np.argsort(adjusted[family], kind="stable")]
    adjusted[order] = np.minimum(_ADJUSTMENTS[method](adjusted[order]), 1.0)
    return shaped(adjusted, raw.shape)


def focused_bh(p: ArrayLike, kept: Callable[[Bools], Bools], q: float) -> Bools:
    """Return what is kept of the findings at the largest threshold t with ``m t <= q |kept(p <= t)|`` (Focused Benjamini-Hochberg).

    Folding findings into fewer after Benjamini-Hochberg leaves the false ones among fewer; here what is counted is what is kept. With
    nothing folded it is Benjamini-Hochberg.

    Only p-values can be the largest t. A filter keeps no more than it is given, so a t that fails Benjamini-Hochberg's own inequality,
    ``m t <= q |p <= t|``, fails this one: `kept` is asked only about the others, from the largest down, and no more after the first that
    holds. That search is right for every filter: one that folds many into few may keep more at a smaller t, and is asked there. The
    promise is not: the false discovery rate is at most q where a smaller p-value never makes the filter keep fewer and the p-values are
    positively dependent (Katsevich, Sabatti & Bogomolov 2023).

    Parameters
    ----------
    p : array_like
        P-values; nan where there is none, which is not counted in m and never found.
    kept : callable
        What stays of a set of findings: of a boolean array in the shape of `p`, the same with some of its True made False.
    q : float
        The level of the false discovery rate among what is kept.

    Returns
    -------
    array of bool
        What is kept, in the shape of `p`.

    Raises
    ------
    EquiscoreError
        Where a p-value or `q` is no probability, or the filter returns another shape or what it was not given.

    References
    ----------
    Katsevich, Sabatti & Bogomolov 2023, *JASA* 118:165.

    Examples
    --------
    >>> first_two = lambda found: found & (np.arange(4) < 2)
    >>> focused_bh([0.001, 0.02, 0.03, 0.9], first_two, q=0.05).tolist()
    [True, True, False, False]
    >>> focused_bh([0.001, 0.03, 0.03, 0.9], first_two, q=0.05).tolist()
    [True, False, False, False]
    """
    values = _p_values(np.asarray(p, dtype=np.float64))
    found = _largest(values, kept, q, monotone=False)
    return np.zeros(values.shape, dtype=np.bool_) if found is None else found[1]


def focused_threshold(p: ArrayLike, kept: Callable[[Bools], Bools], q: float, *, monotone: bool = False) -> float:
    """Return the threshold of `focused_bh`; nan where there is none.

    Parameters
    ----------
    p, kept, q
        As there.
    monotone : bool
        True where a smaller p-value never makes the filter keep fewer: where it keeps k, no t above q k/m can hold then, so the search
        jumps there, which is much faster. Of a filter that is not, it finds a t that holds, though perhaps not the largest.
    """
    found = _largest(_p_values(np.asarray(p, dtype=np.float64)), kept, q, monotone=monotone)
    return float("nan") if found is None else found[0]


def _largest(values: Floats, kept: Callable[[Bools], Bools], q: float, *, monotone: bool) -> tuple[float, Bools] | None:
    """Return the threshold and what is kept there."""
    level = float(between_0_and_1(q, "q"))
    family = np.sort(values[~np.isnan(values)])
    thresholds, firsts = np.unique(family[::-1], return_index=True)
    found, room = family.size - firsts, 1.0
    for t, most in zip(thresholds[::-1].tolist(), found[::-1].tolist(), strict=True):
        if t <= room and _holds(t, family.size, most, level):
            result = _filtered(kept, values <= t)
            stand = int(result.sum())
            if _holds(t, family.size, stand, level):
                return float(t), result
            room = level * stand / family.size * (1 + 1e-12) if monotone else room
    return None


def permutation_p(statistic: ArrayLike, draws: ArrayLike) -> Floats:
    """Return ``(b + 1)/(m + 1)``, b the number of m draws under the hypothesis that are at least `statistic`: never 0.

    The statistic itself is one of the m + 1 equally likely values, so that the level is kept whatever m. Draws that differ from it by
    rounding count as equal, and undefined draws (nan) as at least as large: neither can make p smaller. nan where the statistic is.

    Parameters
    ----------
    statistic : array_like, shape S
        Large where it speaks against the hypothesis.
    draws : array_like, shape (m, ...)
        The same of permuted data, along the first axis.

    References
    ----------
    Phipson & Smyth 2010, *Statistical Applications in Genetics and Molecular Biology* 9:39; Davison & Hinkley 1997, ch. 4.

    Examples
    --------
    >>> float(permutation_p(3.0, [1.0, 2.0, 0.5, 1.5]))
    0.2
    """
    seen, drawn = np.asarray(statistic, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    if drawn.ndim != seen.ndim + 1 or drawn.shape[1:] != seen.shape:
        raise EquiscoreError(
            f"draws: shape {drawn.shape} does not go with a statistic of shape {seen.shape}. Fix: put the draws along the first axis."
        )
    bar = seen - 1e-12 * np.abs(seen)
    as_large = np.count_nonzero(~(drawn < bar), axis=0)
    return shaped(np.where(np.isnan(seen), np.nan, (as_large + 1) / (len(drawn) + 1)), seen.shape)


def _p_values(p: Floats) -> Floats:
    if ((p < 0) | (p > 1)).any():
        raise EquiscoreError("p: a p-value lies outside [0, 1]. Fix: give the p-values themselves, nan where there is none.")
    return p


def _holds(t: float, family: int, kept: int, q: float) -> bool:
    # in the order of operations of `_benjamini_hochberg`, so that both say the same where t is exactly at the line
    return kept > 0 and t * (family / kept) <= q


def _filtered(kept: Callable[[Bools], Bools], found: Bools) -> Bools:
    result = np.asarray(kept(found.copy()))
    if result.shape != found.shape or result.dtype != np.bool_ or (result & ~found).any():
        raise EquiscoreError(
            "kept: the filter returned what it was not given. Fix: return a boolean array of the same shape, a part of the findings."
        )
    return result


def _holm(ascending: Floats) -> Floats:
    return np.maximum.accumulate(ascending * np.arange(ascending.size, 0, -1))


def _benjamini_hochberg(ascending: Floats) -> Floats:
    m = ascending.size
    return np.minimum.accumulate((ascending * (m / np.arange(1, m + 1)))[::-1])[::-1]


def _benjamini_yekutieli(ascending: Floats) -> Floats:
    return _benjamini_hochberg(ascending * np.sum(1 / np.arange(1, ascending.size + 1)))


_ADJUSTMENTS: Mapping[str, Callable[[Floats], Floats]] = {"holm": _holm, "bh": _benjamini_hochberg, "by": _benjamini_yekutieli}
