"""What the data could have shown, and how many more people would show it: power of the score test of a ratio."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import elementwise

from scoring.fairness.restricted import Floats, between_0_and_1, checked_pairs, estimate_at, positive, shaped, variance_at

DOUBLINGS = 50  # 10^15 people: whatever that many cannot settle is not a matter of more


class Unsettled(StrEnum):
    """Why more members of the group would not settle it; empty where they would."""

    MORE_MEMBERS = ""
    """A number of people settles it, `people_needed` says which; none where it is settled."""
    AT_TOLERANCE = "at the tolerance"
    """The rates are exactly at the tolerance: no number settles it."""
    REFERENCE_TOO_SMALL = "the reference is too small"
    """However many members, the uncertainty of the reference's rate remains."""
    UNDEFINED = "undefined"
    """There is no ratio to settle."""


def people_needed(
    hits: ArrayLike,
    trials: ArrayLike,
    ref_hits: ArrayLike,
    ref_trials: ArrayLike,
    *,
    tolerance: ArrayLike = 0.8,
    alpha: ArrayLike = 0.025,
    power: ArrayLike = 0.8,
) -> Floats:
    """Return how many more people of the group would settle it, **if the rates seen are the true ones**.

    The smallest whole number k of additional members, the reference staying as it is, such that with n + k trials
    ``z_(1-alpha) sqrt(V0) + z_power sqrt(p_g q_g/(n + k) + tolerance^2 p_r q_r/m) <= |p_g - tolerance p_r|``, V0 at the restricted estimate
    (Farrington & Manning 1990, *Statistics in Medicine* 9:1447). 0 where there are enough already, inf where more members cannot settle it
    (`why_unsettled` says why), nan where there is no ratio. Never show it without its condition: from 30 people truly at the tolerance it
    says 72 to 2,185 in eight files of ten. For a family of m hypotheses give ``alpha / m``.

    >>> people_needed([18, 45], [30, 100], 480, 600).tolist()
    [16952.0, 0.0]
    """
    x, n, y, m = checked_pairs(hits, trials, ref_hits, ref_trials)
    return _needed(_rate(x, n), n, _rate(y, m), m, tolerance=tolerance, alpha=alpha, power=power)


def people_needed_at_parity(
    trials: ArrayLike,
    ref_hits: ArrayLike,
    ref_trials: ArrayLike,
    *,
    tolerance: ArrayLike = 0.8,
    alpha: ArrayLike = 0.025,
    power: ArrayLike = 0.8,
) -> Floats:
    """Return how many more people of the group would settle it, if the group's true rate were the reference's.

    As `people_needed`, with the group's rate set to the reference's; what was seen in the group does not enter.

    >>> float(people_needed_at_parity(30, 480, 600))
    37.0
    """
    _, n, y, m = checked_pairs(0, trials, ref_hits, ref_trials)
    return _needed(_rate(y, m), n, _rate(y, m), m, tolerance=tolerance, alpha=alpha, power=power)


def why_unsettled(
    hits: ArrayLike,
    trials: ArrayLike,
    ref_hits: ArrayLike,
    ref_trials: ArrayLike,
    *,
    tolerance: ArrayLike = 0.8,
    alpha: ArrayLike = 0.025,
    power: ArrayLike = 0.8,
) -> NDArray[np.object_]:
    """Return for each pair an `Unsettled`: why `people_needed` is inf, or that it is not.

    >>> [str(why) for why in why_unsettled([64, 63], 100, [80, 4], [100, 5])]
    ['at the tolerance', 'the reference is too small']
    """
    x, n, y, m = checked_pairs(hits, trials, ref_hits, ref_trials)
    group, reference = _rate(x, n), _rate(y, m)
    needed = _needed(group, n, reference, m, tolerance=tolerance, alpha=alpha, power=power)
    level = _at_tolerance(group, reference, positive(tolerance, "tolerance"))
    reasons: NDArray[np.object_] = np.full(needed.shape, Unsettled.MORE_MEMBERS, dtype=object)
    reasons[np.isinf(needed)] = Unsettled.REFERENCE_TOO_SMALL
    reasons[np.isinf(needed) & level] = Unsettled.AT_TOLERANCE
    reasons[np.isnan(needed)] = Unsettled.UNDEFINED
    return reasons[()]


def detectable_ratio(
    trials: ArrayLike,
    ref_hits: ArrayLike,
    ref_trials: ArrayLike,
    *,
    tolerance: ArrayLike = 0.8,
    alpha: ArrayLike = 0.025,
    power: ArrayLike = 0.8,
) -> tuple[Floats, Floats]:
    """Return the ratio below, and that above, which a group of this size would be told from the tolerance with this power.

    The two solve the equation of `people_needed` in the group's rate at its present size. nan on a side where not even a rate of 0, or
    of 1, would be told from it, and where no group could be at the tolerance (the reference's rate 0 or undefined, or too near 1).

    >>> low, high = detectable_ratio([30, 3000], 480, 600)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.487, 0.743], [1.083, 0.853])
    """
    _, n, y, m = checked_pairs(0, trials, ref_hits, ref_trials)
    (n, reference, m, ratio, z_level, z_power), shape = _flat(n, _rate(y, m), m, tolerance=tolerance, alpha=alpha, power=power)
    args = n, reference, m, ratio, z_level, z_power
    low = _detectable(np.zeros_like(n), *args)
    return shaped(low, shape), shaped(_detectable(np.ones_like(n), *args), shape)


def _detectable(  # noqa: PLR0917  (as _lacking takes them)
    end: Floats, n: Floats, reference: Floats, m: Floats, ratio: Floats, z_level: Floats, z_power: Floats
) -> Floats:
    """Return the ratio between the tolerance and the rate `end` from which on the gap suffices."""
    args = n, reference, m, ratio, z_level, z_power
    at_tolerance = ratio * reference
    reaches = (reference > 0) & (n > 0) & (at_tolerance < 1) & (_lacking(end, *args) <= 0)
    root = elementwise.find_root(_lacking, (at_tolerance[reaches], end[reaches]), args=tuple(a[reaches] for a in args))
    found = np.full_like(reference, np.nan)
    found[reaches] = root.x / reference[reaches]
    return found


def _needed(group: Floats, n: Floats, reference: Floats, m: Floats, **asked: ArrayLike) -> Floats:
    """Double the additional members until they suffice, then halve the interval, all pairs at once."""
    flat, shape = _flat(group, n, reference, m, **asked)
    group, n, reference, m, ratio, *z = flat

    def suffice(more: Floats) -> NDArray[np.bool_]:
        return np.asarray(_lacking(group, n + more, reference, m, ratio, *z) <= 0)

    defined = (n > 0) & (m > 0) & (group + reference > 0)
    # at the tolerance a rounding error of the gap must not pass for a gap that enough people show
    level = _at_tolerance(group, reference, ratio)
    lacking = level | ~suffice(np.zeros_like(n))
    high = np.ones_like(n)
    for _ in range(DOUBLINGS):
        high = np.where(lacking & ~suffice(high), 2 * high, high)
    hopeless = level | (lacking & ~suffice(high))
    low = np.floor(high / 2)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = suffice(middle)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return shaped(np.select([~defined, hopeless, lacking], [np.nan, np.inf, high], 0.0), shape)


def _lacking(  # noqa: PLR0917  (as find_root hands them)
    group: Floats, n: Floats, reference: Floats, m: Floats, ratio: Floats, z_level: Floats, z_power: Floats
) -> Floats:
    """Return by how much the gap between group and tolerance is too small to be shown with the power asked for."""
    with np.errstate(invalid="ignore"):
        held = estimate_at(n * group, n, m * reference, m, ratio)
        wide = z_level * np.sqrt(variance_at(held[0], n, held[1], m, ratio)) + z_power * np.sqrt(variance_at(group, n, reference, m, ratio))
        return np.asarray(wide - np.abs(group - ratio * reference))


def _at_tolerance(group: Floats, reference: Floats, ratio: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(group - ratio * reference) <= 1e-12 * np.maximum(group, ratio * reference))


def _rate(hits: Floats, trials: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(hits / trials)


def _flat(*values: Floats, tolerance: ArrayLike, alpha: ArrayLike, power: ArrayLike) -> tuple[tuple[Floats, ...], tuple[int, ...]]:
    """Return the values, the ratio and the normal quantiles of level and power, broadcast together and flat, and their shape."""
    z_level, z_power = special.ndtri(1 - between_0_and_1(alpha, "alpha")), special.ndtri(between_0_and_1(power, "power"))
    spread = np.broadcast_arrays(*values, positive(tolerance, "tolerance"), z_level, z_power)
    return tuple(a.ravel() for a in spread), spread[0].shape
