"""The area between two ROC curves: two groups may have the same AUC and yet be told apart at quite different cut-offs."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from scoring.fairness.by_score.distances import shares
from scoring.fairness.restricted import Floats


class Roc(NamedTuple):
    """An ROC curve of each group, from the strictest cut-off, where nobody is selected, to the mildest: arrays (..., bins + 1)."""

    false_positive: Floats
    true_positive: Floats


def roc(good: Floats, bad: Floats) -> Roc:
    """Return the ROC curves of counts by bin (last axis, lowest bin first); the point (0, 0) is always there, however many tie at the top.

    >>> roc(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    Roc(false_positive=array([0. , 0.5, 1. ]), true_positive=array([0., 1., 1.]))
    """
    return Roc(_from_above(bad), _from_above(good))


def _from_above(counts: Floats) -> Floats:
    reached = np.cumsum(shares(counts)[..., ::-1], -1)
    reached[..., -1:] = np.where(np.isnan(reached[..., -1:]), np.nan, 1.0)
    return np.concatenate([np.zeros_like(reached[..., :1]), np.minimum(reached, 1.0)], -1)


def area_between(first: Roc, second: Roc) -> Floats:
    """Return the area between the ROC curves of each group and another (ABROCA), exactly: the curves are straight between their points.

    nan where one of the four classes is empty.

    References
    ----------
    Gardner, Brooks & Baker 2019, *Learning Analytics & Knowledge* (LAK19), 225.

    Examples
    --------
    >>> area_between(roc(np.array([0.0, 1.0]), np.array([1.0, 0.0])), roc(np.array([1.0, 1.0]), np.array([1.0, 1.0]))).tolist()
    0.5
    """
    shape = first.false_positive.shape[:-1]
    one, other = (Roc(*(np.nan_to_num(side.reshape(math.prod(shape), -1)) for side in curve)) for curve in (first, second))
    ends = np.sort(np.concatenate([one.false_positive, other.false_positive], -1), -1)
    width = np.diff(ends)
    # a curve may jump at an end, so it is read inside: at a quarter and at three quarters of the way, which give the line
    early, late = (ends[:, :-1] + part * width for part in (0.25, 0.75))
    gaps = [_heights(one, at) - _heights(other, at) for at in (early, late)]
    left, right = 1.5 * gaps[0] - 0.5 * gaps[1], 1.5 * gaps[1] - 0.5 * gaps[0]
    defined = np.isfinite([side[..., -1] for side in (*first, *second)]).all(0)
    return np.where(defined, (_under(left, right) * width).sum(-1).reshape(shape), np.nan)


def _heights(curve: Roc, at: Floats) -> Floats:
    """Return the true positive rates at false positive rates, of all curves in one call: each has its own stretch of the axis."""
    stretch = 2.0 * np.arange(len(at))[:, None]
    read = np.interp((at + stretch).ravel(), (curve.false_positive + stretch).ravel(), curve.true_positive.ravel())
    return np.asarray(read.reshape(at.shape))


def _under(left: Floats, right: Floats) -> Floats:
    """Return the mean distance from 0 of a line from `left` to `right`; where it crosses 0, of two triangles."""
    sizes = np.abs(left) + np.abs(right)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(left * right < 0, (left**2 + right**2) / (2 * sizes), sizes / 2)
