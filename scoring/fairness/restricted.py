"""Two binomials held to a ratio: the restricted estimate and the score statistics that everything about ratios stands on.

`restricted_estimate` and `score_statistic` judge what they are given; `estimate_at` and `score_at` are the same arithmetic on
counts already judged, for callers that evaluate it many times. Beside them the score of a difference, and the search for the
value at which a score is what an interval asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError

Floats = NDArray[np.float64]
ValueAndSlope = Callable[..., tuple[Floats, Floats]]

NEWTON_STEPS = 200  # five do; a root hard by the end of its bracket is reached by halving
NEAR = 1e-9  # a Newton step of this share of the value leaves an error of about its square


class Score(NamedTuple):
    """The score statistic of a ratio, standard normal at the truth; below 0 where the group gets less than ratio x reference."""

    plain: Floats
    """(hits/trials - ratio ref_hits/ref_trials) over its standard error at the restricted estimate."""
    corrected: Floats
    """The same with its skewness taken out, which tails far out need."""


def checked(hits: ArrayLike, trials: ArrayLike, *, of: str = "") -> tuple[Floats, Floats]:
    """Return hits and trials as floats, broadcast together, or say what is no count. `of` is put before the names.

    Fractional counts are welcome (effective sizes of weighted data); 0 of 0 is a count, its rate is not a number.

    >>> checked(3, [10, 2])
    Traceback (most recent call last):
    scoring.errors.EquiscoreError: hits: 3 is more than trials: 2. Fix: give hits out of trials, hits never the larger.
    """
    x, n = np.broadcast_arrays(_floats(hits, f"{of}hits"), _floats(trials, f"{of}trials"))
    # an effective size is a product of quotients: hits may pass trials by a rounding error, and by no more
    over = x > n * (1 + 1e-9)
    if over.any():
        first = np.argmax(over)
        raise EquiscoreError(
            f"{of}hits: {x.flat[first]:g} is more than {of}trials: {n.flat[first]:g}. Fix: give hits out of trials, hits never the larger."
        )
    return np.minimum(x, n), n


def checked_pairs(hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the four counts of every pair as floats, broadcast together, or say what is no count."""
    group, reference = checked(hits, trials), checked(ref_hits, ref_trials, of="ref_")
    x, n, y, m = np.broadcast_arrays(*group, *reference)
    return x, n, y, m


def positive(value: ArrayLike, name: str) -> Floats:
    """Return a ratio or tolerance as floats, or say that it is not above 0."""
    ratio = np.asarray(value, dtype=np.float64)
    if not (np.isfinite(ratio) & (ratio > 0)).all():
        raise EquiscoreError(f"{name}: {value!r} is not a ratio. Fix: give a number above 0, such as 0.8.")
    return ratio


def between_0_and_1(value: ArrayLike, name: str) -> Floats:
    """Return a level as floats, or say that it is not strictly between 0 and 1."""
    level = np.asarray(value, dtype=np.float64)
    if not ((level > 0) & (level < 1)).all():
        raise EquiscoreError(f"{name}: {value!r} is not between 0 and 1. Fix: give a share, such as 0.95 for 95 %.")
    return level


def restricted_estimate(
    hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, ratio: ArrayLike = 1.0
) -> tuple[Floats, Floats]:
    """Return the likeliest rates of group and reference among those whose ratio is `ratio`.

    The smaller root of ``ratio N p^2 - B p + (x + y) = 0``, ``B = ratio (n + y) + m + x``, for the reference and `ratio` times that for
    the group, by the form ``2(x + y) / (B + sqrt((ratio (n + y) - (m + x))^2 + 4 ratio (n - x)(m - y)))``, which cannot cancel
    (Farrington & Manning 1990; Koopman 1984). nan where one side has no trials.

    >>> group, reference = restricted_estimate(3, 20, 60, 100, ratio=0.8)
    >>> round(float(group), 4), round(float(reference), 4)
    (0.4425, 0.5531)
    """
    return estimate_at(*checked_pairs(hits, trials, ref_hits, ref_trials), positive(ratio, "ratio"))


def score_statistic(hits: ArrayLike, trials: ArrayLike, ref_hits: ArrayLike, ref_trials: ArrayLike, *, ratio: ArrayLike = 1.0) -> Score:
    """Return the score statistic of `ratio`, plain and with its skewness corrected.

    With p_g, p_r the restricted estimate and ``V = p_g q_g / n + ratio^2 p_r q_r / m``: ``z = (x/n - ratio y/m) / sqrt(V)``,
    and s the root of ``s + a (s^2 - 1) = z``, ``a = (p_g q_g (q_g - p_g) / n^2 - ratio^3 p_r q_r (q_r - p_r) / m^2) / (6 V^1.5)``.
    Exchanging the samples and inverting the ratio turns the sign of both. nan where one side has no trials or nobody at all was hit;
    0 where the data equal the only possible data (everybody hit, ratio 1).

    References
    ----------
    Farrington & Manning 1990; Gart & Nam 1988, *Biometrics* 44:323; Laud 2017, *Pharmaceutical Statistics* 16:334.

    Examples
    --------
    >>> score = score_statistic(3, 20, 60, 100, ratio=0.8)
    >>> round(float(score.plain), 3), round(float(score.corrected), 3)
    (-2.797, -2.85)
    """
    return score_at(*checked_pairs(hits, trials, ref_hits, ref_trials), positive(ratio, "ratio"))


def estimate_at(x: Floats, n: Floats, y: Floats, m: Floats, ratio: Floats) -> tuple[Floats, Floats]:
    """Return the restricted estimate (group, reference) of counts already judged."""
    from_group, from_reference = ratio * (n + y), m + x
    root = np.sqrt((from_group - from_reference) ** 2 + 4 * ratio * ((n - x) * (m - y)))
    with np.errstate(invalid="ignore"):  # 0/0 only where both samples are empty
        reference = np.asarray(2 * (x + y) / (from_group + from_reference + root))
    reference = np.where((n > 0) & (m > 0), reference, np.nan)
    return np.minimum(ratio * reference, 1.0), np.minimum(reference, 1.0)


def variance_at(group: Floats, n: Floats, reference: Floats, m: Floats, ratio: Floats) -> Floats:
    """Return the variance of ``hits/trials - ratio ref_hits/ref_trials`` at the two rates."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(group * (1 - group) / n + ratio**2 * (reference * (1 - reference)) / m)


def score_at(x: Floats, n: Floats, y: Floats, m: Floats, ratio: Floats) -> Score:
    """Return both score statistics of counts already judged."""
    group, reference = estimate_at(x, n, y, m, ratio)
    variance = variance_at(group, n, reference, m, ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = x / n - ratio * y / m
        plain = np.where((variance <= 0) & (x + y > 0), 0.0, gap / np.sqrt(variance))
        third = group * (1 - group) * (1 - 2 * group) / n**2 - ratio**3 * (reference * (1 - reference) * (1 - 2 * reference)) / m**2
        skewness = np.where(variance <= 0, 0.0, third / (6 * variance**1.5))
    return Score(plain, without_skewness(plain, skewness))


def without_skewness(plain: Floats, skewness: Floats) -> Floats:
    """Return the s nearest to z of ``s + a (s^2 - 1) = z``; where no s solves it, the turning point -1/(2a)."""
    inside = 1 + 4 * skewness * (plain + skewness)
    with np.errstate(divide="ignore", invalid="ignore"):
        # the textbook root (-1 + sqrt(inside))/(2a) loses all digits as a -> 0; this one is the same number and does not
        return np.where(inside < 0, -0.5 / skewness, 2 * (plain + skewness) / (1 + np.sqrt(inside)))


def score_of_difference_at(x: Floats, n: Floats, y: Floats, m: Floats, gap: Floats) -> Floats:
    """Return the score of the difference `gap`, of counts already judged; below 0 where the group gets less than reference + gap.

    Its variance is at the likeliest rates whose difference is `gap` (Miettinen & Nurminen 1985; Farrington & Manning 1990), without the
    factor N/(N-1), which is the same for every table of two sizes.
    """
    group, reference = _restricted_to_difference(gap, x, n, y, m)
    variance = group * (1 - group) / n + reference * (1 - reference) / m
    # at the ends of the parameter space the variance is 0: the sign is what counts
    return np.asarray((x / n - y / m - gap) / np.sqrt(np.maximum(variance, 1e-300)))


def _restricted_to_difference(gap: Floats, x: Floats, n: Floats, y: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Return the likeliest rates (group, reference) whose difference is `gap`: the middle root of a cubic, by trigonometry."""
    total = n + m
    square = ((n + 2 * m) * gap - total - x - y) / (3 * total)
    linear = ((m * gap - total - 2 * y) * gap + x + y) / (3 * total)
    constant = y * gap * (1 - gap) / (2 * total)
    turn = square**3 - 1.5 * linear * square + constant
    size = np.copysign(np.sqrt(np.maximum(square**2 - linear, 0.0)), turn)
    angle = (np.pi + np.arccos(np.clip(turn / np.where(size == 0, 1.0, size**3), -1.0, 1.0))) / 3
    reference = np.clip(2 * size * np.cos(angle) - square, np.maximum(0.0, -gap), np.minimum(1.0, 1 - gap))
    return np.clip(reference + gap, 0.0, 1.0), reference


def rising_root(rising: ValueAndSlope, start: Floats, low: Floats, high: Floats, *args: Floats) -> Floats:
    """Return, for each element, where a function rises through 0 between `low` and `high`, which may be infinite.

    Newton's method; where it would leave the bracket or does not halve its step, the bracket is halved instead.

    Parameters
    ----------
    rising : callable
        Of the values and of `args`, all of one shape: the function and its slope there.
    start, low, high, args : array, shape (k,)
        Where to begin, inside the bracket; the bracket, whose ends are never evaluated; what else the function takes.

    Examples
    --------
    >>> square, zero, ten = np.array([2.0, 9.0]), np.zeros(2), np.full(2, 10.0)
    >>> rising_root(lambda v, of: (v * v - of, 2 * v), np.ones(2), zero, ten, square).round(6).tolist()
    [1.414214, 3.0]
    """
    found, open_, last = start.copy(), np.arange(start.size), np.full_like(start, np.inf)
    for _ in range(NEWTON_STEPS):
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            value, slope = rising(start, *args)
            step = np.where(value == 0, start, start - value / slope)
        low, high = np.where(value < 0, start, low), np.where(value < 0, high, start)
        fast = (step >= low) & (step <= high) & (np.abs(step - start) <= last / 2)
        step = np.where(fast, step, _between(low, high))
        start, last = step, np.abs(step - start)
        left = last > NEAR * np.abs(step)
        if left.all() and left.size:
            continue
        found[open_[~left]] = step[~left]
        if not left.any():
            return found
        open_, args = open_[left], tuple(a[left] for a in args)
        start, low, high, last = start[left], low[left], high[left], last[left]
    found[open_] = start
    return found


def _between(low: Floats, high: Floats) -> Floats:
    """Return the middle of a bracket; of an open one a value twice as far."""
    ends = [np.isinf(high), np.isinf(low)]
    with np.errstate(invalid="ignore"):
        return np.select(ends, [2 * np.abs(low) + 1, -2 * np.abs(high) - 1], (low + high) / 2)


def _floats(values: ArrayLike, name: str) -> Floats:
    counts = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(counts) & (counts >= 0)).all():
        first = counts.flat[np.argmin(np.isfinite(counts) & (counts >= 0))]
        raise EquiscoreError(f"{name}: {first:g} is no count. Fix: give finite numbers of 0 or more; 0 of 0 where there is nobody.")
    return counts


def shaped(values: Any, shape: tuple[int, ...]) -> Floats:
    """Return `values` in `shape`; a single one as a number."""
    result: Floats = np.reshape(values, shape)[()]
    return result
