"""The rules that are compared: Holm over a file, the four-fifths rule on estimates and the z-test per group; arrays (files, groups)."""

from __future__ import annotations

import numpy as np
from validity_report import Floats, Mask

from scoring.bounds import Bounds

BOUNDS = Bounds()
TAU, ALPHA = BOUNDS.tolerance, BOUNDS.alpha
Sides = tuple[Floats, Floats, Floats, Floats]
"""Hits and trials of group and reference."""


def holm_rejects(p: Floats, alpha: float) -> Mask:
    """Return what Holm rejects in each row of p-values; nan is no hypothesis.

    >>> holm_rejects(np.array([[0.01, 0.04, np.nan, 0.03]]), 0.05).tolist()
    [[True, False, False, False]]
    """
    order = np.argsort(p, axis=1)
    ascending = np.take_along_axis(p, order, 1)
    family = (~np.isnan(p)).sum(1, keepdims=True)
    small = ascending * np.maximum(family - np.arange(p.shape[1]), 1) < alpha
    rejected = np.zeros(p.shape, bool)
    np.put_along_axis(rejected, order, np.logical_and.accumulate(small, axis=1), 1)
    return rejected


def four_fifths(sides: Sides) -> Mask:
    """Return where the estimated ratio is under the tolerance; nothing is said where there is none."""
    x, n, y, m = sides
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((x / n) / (y / m) < TAU)


def z_test(sides: Sides) -> Floats:
    """Return the pooled two-proportion z of equality, 0 where nobody or everybody is hit."""
    x, n, y, m = sides
    pooled = (x + y) / (n + m)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((pooled > 0) & (pooled < 1), (x / n - y / m) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)), 0.0)
