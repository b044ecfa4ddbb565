"""Whether a score that is a probability says what came true: in the large, in slope, and part by part. Arrays (groups, bins)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scoring.errors import EquiscoreError
from scoring.fairness.by_score.distances import Axis, Bounded, Sample, along
from scoring.fairness.curves import quantile
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.restricted import Floats

PARTS = 10
STEPS = 60  # of Newton's method; five are usual
LONGEST = 4.0  # logits that one step may move anybody: a longer one can overshoot for good


class GoodnessOfFit(NamedTuple):
    """A chi-square statistic, its degrees of freedom and its p-value."""

    statistic: Floats
    df: int
    p: Floats


def calibration_in_the_large(good: Sample, bad: Sample, axis: Axis, *, confidence: float = 0.95) -> Bounded:
    """Return the share of good outcomes less the mean score; above 0 the group did better than its scores said.

    The interval is Wilson's for the share, the scores held as they are (so of no width nowhere, and a little wide).

    References
    ----------
    Cox 1958, *Biometrika* 45:562; Steyerberg 2019, *Clinical Prediction Models*, 2nd ed., section 15.3.

    Examples
    --------
    >>> good, bad = (Sample.of_counts(np.array([n])) for n in ([10.0, 30.0], [30.0, 10.0]))
    >>> found = calibration_in_the_large(good, bad, Axis.of_values(np.array([0.3, 0.8])))
    >>> found.value.round(3), found.low.round(3), found.high.round(3)
    (array([-0.05]), array([-0.157]), array([0.057]))
    """
    everybody = good + bad
    with np.errstate(divide="ignore", invalid="ignore"):
        share = good.total / everybody.total
    size = effective_size(good, bad)
    low, high = proportion_interval(np.where(size > 0, share * size, 0.0), size, confidence=confidence)
    mean, least, most = (along(everybody.weight, ends) for ends in (axis.score, axis.low, axis.high))
    return Bounded(share - mean, low - mean, high - mean, share - most, share - least)


def effective_size(good: Sample, bad: Sample) -> Floats:
    """Return of how many people the share of good outcomes has the variance (Korn & Graubard 1998); of counts, of how many it is.

    >>> effective_size(*(Sample.of_counts(np.array([[3.0, 4.0]])) for _ in "gb"))
    array([14.])
    """
    won, lost, squares = good.total, bad.total, (good.squared.sum(-1), bad.squared.sum(-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        linear = won * lost * (won + lost) ** 2 / (squares[0] * lost**2 + squares[1] * won**2)
        kish = (won + lost) ** 2 / (squares[0] + squares[1])
    return np.where((won > 0) & (lost > 0), linear, np.where(won + lost > 0, kish, 0.0))


def separated(good: Floats, bad: Floats) -> NDArray[np.bool_]:
    """Tell where some cut-off parts good from bad without a mistake, so that no slope is the likeliest (Albert & Anderson 1984).

    One bin may hold both, at the end of either. Without both outcomes there is nothing to part, and that is told too.

    >>> separated(np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 2.0]]), np.array([[3.0, 1.0, 0.0], [3.0, 1.0, 1.0]]))
    array([ True, False])
    """
    (low_good, high_good), (low_bad, high_bad) = _ends(good), _ends(bad)
    neither = (good.sum(-1) == 0) | (bad.sum(-1) == 0)
    return np.asarray((high_bad <= low_good) | (high_good <= low_bad) | neither)


def _ends(counts: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    held = counts > 0
    return np.argmax(held, -1), held.shape[-1] - 1 - np.argmax(held[..., ::-1], -1)


def calibration_slope(good: Sample, bad: Sample, axis: Axis, *, confidence: float = 0.95) -> Bounded:
    """Return the slope of the outcome on the logit of the score: 1 where scores are as spread as they should be, below 1 where too spread.

    Maximum likelihood with intercept, by Newton's method for all groups at once, and Wald's interval; of weights the variance is
    the robust one. nan where a score of somebody is 0 or 1, or where outcomes are separated. What binning leaves open is not known.

    References
    ----------
    Cox 1958, *Biometrika* 45:562; Binder 1983, *International Statistical Review* 51:279, for weights.

    Examples
    --------
    >>> good, bad = (Sample.of_counts(np.array([n])) for n in ([10.0, 20.0, 30.0], [30.0, 20.0, 10.0]))
    >>> found = calibration_slope(good, bad, Axis.of_values(np.array([0.2, 0.5, 0.8])))
    >>> found.value.round(3), found.low.round(3), found.high.round(3)
    (array([0.792]), array([0.427]), array([1.158]))
    """
    held = good.weight + bad.weight
    edge = (held * ((axis.score <= 0) | (axis.score >= 1))).sum(-1) > 0
    solvable = ~separated(good.weight, bad.weight) & ~edge
    x = special.logit(np.clip(axis.score, 1e-12, 1 - 1e-12))
    won, lost, won2, lost2 = (side[solvable] for side in (good.weight, bad.weight, good.squared, bad.squared))
    value, error = (np.full(held.shape[:-1], np.nan) for _ in "ve")
    if solvable.any():
        value[solvable], error[solvable] = _slope(won, lost, won2, lost2, x)
    half = quantile(confidence) * error
    bound = value if axis.exact else np.full_like(value, np.nan)
    return Bounded(value, value - half, value + half, bound, bound)


def _slope(good: Floats, bad: Floats, good2: Floats, bad2: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return slope and standard error of a logistic regression on x, for each row of counts."""
    held, centre = good + bad, along(good + bad, np.broadcast_to(x, good.shape))
    x = x - centre[:, None]
    design = np.stack([np.ones_like(x), x], -1)
    beta = np.stack([special.logit(good.sum(-1) / held.sum(-1)), np.zeros(len(good))], -1)
    for _ in range(STEPS):
        p = special.expit((design * beta[:, None, :]).sum(-1))
        step = np.linalg.solve(_information(held * p * (1 - p), design), ((good - held * p)[..., None] * design).sum(1)[..., None])[..., 0]
        farthest = np.abs(step[:, None, :] * design).sum(-1).max(-1)
        beta += step * np.minimum(1.0, LONGEST / np.maximum(farthest, 1e-300))[:, None]
        if (farthest < 1e-10).all():
            break
    p = special.expit((design * beta[:, None, :]).sum(-1))
    inverse = np.linalg.inv(_information(held * p * (1 - p), design))
    robust = inverse @ _information(good2 * (1 - p) ** 2 + bad2 * p**2, design) @ inverse
    of_counts = (good == good2).all() and (bad == bad2).all()
    return beta[:, 1], np.sqrt((inverse if of_counts else robust)[:, 1, 1])


def _information(weight: Floats, design: Floats) -> Floats:
    return np.asarray(np.einsum("gb,gbi,gbj->gij", weight, design, design))


def expected_calibration_error(good: Sample, bad: Sample, axis: Axis, *, parts: int = PARTS, confidence: float = 0.95) -> Bounded:
    """Return the mean distance, over parts of about equal mass by score, of the share of good outcomes from the mean score.

    It is never below 0, so chance alone makes it positive: read it beside the value under equality. The interval is for the gaps
    with the signs that they have; a part's variance is taken at a share drawn towards 1/2, so that no part is certain.

    References
    ----------
    Naeini, Cooper & Hauskrecht 2015, *AAAI* 29:2901; Agresti & Coull 1998, *American Statistician* 52:119, for the variance.

    Examples
    --------
    >>> good, bad = (Sample.of_counts(np.array([n])) for n in ([10.0, 30.0], [30.0, 10.0]))
    >>> found = expected_calibration_error(good, bad, Axis.of_values(np.array([0.3, 0.8])))
    >>> found.value.round(3), found.low.round(3), found.high.round(3)
    (array([0.05]), array([0.]), array([0.143]))
    """
    z = quantile(confidence)
    part = _parts(good.weight + bad.weight, parts)
    won, held = _by_part(good.weight, part, parts), _by_part(good.weight + bad.weight, part, parts)
    # a probability has ends: an open bin stops at 0 or 1
    ends = (np.clip(end, 0.0, 1.0) for end in (axis.score, axis.low, axis.high))
    stands, least, most = (_by_part((good.weight + bad.weight) * end, part, parts) for end in ends)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(held > 0, held**2 / _by_part(good.squared + bad.squared, part, parts), 0.0)
        share = (np.where(held > 0, won / held, 0.0) * size + z * z / 2) / (size + z * z)
        total = held.sum(-1)
        half = z * np.sqrt((held**2 * share * (1 - share) / (size + z * z)).sum(-1)) / total
        value = np.abs(won - stands).sum(-1) / total
        low = np.maximum(np.maximum(least - won, won - most), 0.0).sum(-1) / total
        high = np.maximum(np.abs(won - least), np.abs(won - most)).sum(-1) / total
    return Bounded(value, np.maximum(value - half, 0.0), np.minimum(value + half, 1.0), low, high)


def calibration_error(good: Floats, bad: Floats, score: Floats, parts: int = PARTS) -> Floats:
    """Return the value alone of `expected_calibration_error`, of counts with any leading axes.

    >>> calibration_error(np.array([10.0, 30.0]), np.array([30.0, 10.0]), np.array([0.3, 0.8])).round(3).tolist()
    0.05
    """
    held, part = good + bad, _parts(good + bad, parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(_by_part(good - held * score, part, parts)).sum(-1) / held.sum(-1))


def _parts(held: Floats, parts: int) -> NDArray[np.int64]:
    """Return the part of each bin: that of its middle person."""
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (np.cumsum(held, -1) - held / 2) / held.sum(-1, keepdims=True)
    return np.asarray(np.clip(np.nan_to_num(middle) * parts, 0, parts - 1), np.int64)


def _by_part(values: Floats, part: NDArray[np.int64], parts: int) -> Floats:
    """Add up bins by part, for each row of any shape."""
    rows = np.arange(part.size // max(part.shape[-1], 1)).reshape(*part.shape[:-1], 1)
    added = np.bincount((rows * parts + part).ravel(), np.broadcast_to(values, part.shape).ravel(), minlength=rows.size * parts)
    return added.astype(np.float64).reshape(*part.shape[:-1], parts)


def hosmer_lemeshow(observed: ArrayLike, expected: ArrayLike, people: ArrayLike, *, fitted: bool = True) -> GoodnessOfFit:
    """Test whether the outcomes of each part by score are as the scores said: sum of (O - E)^2 / (E (1 - E / n)).

    Parameters
    ----------
    observed, expected : array_like
        Good outcomes that came, and that the scores said, a part (last axis).
    people : array_like
        People a part.
    fitted : bool
        True where the score was fitted to these very people: two degrees of freedom fewer than parts, otherwise as many as parts.

    References
    ----------
    Hosmer & Lemeshow 1980, *Communications in Statistics A* 9:1043; Hosmer, Lemeshow & Sturdivant 2013, section 5.2.2.

    Examples
    --------
    >>> found = hosmer_lemeshow([2, 6, 12], [3.0, 6.0, 11.0], [20, 20, 20])
    >>> round(float(found.statistic), 4), found.df, round(float(found.p), 4)
    (0.5942, 1, 0.4408)
    """
    o, e, n = np.broadcast_arrays(*(np.asarray(values, dtype=np.float64) for values in (observed, expected, people)))
    if not ((e > 0) & (e < n) & (o >= 0) & (o <= n)).all():
        raise EquiscoreError("observed or expected: some are no part of the people. Fix: join parts until 0 < expected < people in each.")
    df = o.shape[-1] - 2 * fitted
    if df < 1:
        raise EquiscoreError(f"observed: {o.shape[-1]} parts leave no degree of freedom. Fix: give three parts or more.")
    statistic = np.asarray(((o - e) ** 2 / (e * (1 - e / n))).sum(-1))
    return GoodnessOfFit(statistic, df, np.asarray(special.chdtrc(df, statistic)))
