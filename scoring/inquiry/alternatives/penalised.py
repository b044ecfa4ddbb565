"""A scorecard that is charged for parting groups: the likelihood less what the score and membership have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from scoring.errors import EquiscoreError
from scoring.inquiry.membership import Membership
from scoring.models.scorecard import Scale, Scorecard

Floats = NDArray[np.float64]
_MOST_STEPS, _SMALL = 100, 1e-10


def penalised_scorecard(
    X: pd.DataFrame, y: Floats, groups: Sequence[Membership], *, strength: float, sample_weight: Floats | None = None, **parameters: Any
) -> Scorecard:
    """Fit a scorecard whose weights pay for a gap in the score between each group and everyone else known.

    The bins are those of `Scorecard`. The regression minimises, b the weights and N the weight of the rows that are learned from,

    ``- log likelihood + |b|^2 / (2 C) + strength N / 2 sum_g Cov(1_g, score)^2 / (p_g (1 - p_g))``,

    the covariance of membership and score of Zafar et al., as a penalty instead of a bound, each group's divided by the variance of
    its membership: the term of a group is the part of the variance of the score that lies between it and the others. Convex, so there is
    one optimum (Newton's method). The covariance is taken over everybody whose group is known, of unknown outcome too: decisions are made
    about them all. A large strength may turn the sign of a weight: evidence in favour then costs points.

    Parameters
    ----------
    X : DataFrame (n, features)
        The features; no protected attribute among them.
    y : ndarray (n,)
        1 favourable, 0 not, nan not known.
    groups : sequence of Membership
        The protected attributes; read here, and never again: the card holds features alone.
    strength : float
        0 or more; 0 is `Scorecard` itself.
    sample_weight : ndarray (n,), optional
        Weight of each row.
    **parameters
        Of `Scorecard`.

    Returns
    -------
    Scorecard
        An ordinary card: points, explanation and storage are the card's own.

    References
    ----------
    Zafar, Valera, Gomez Rodriguez & Gummadi 2017, "Fairness constraints", AISTATS (PMLR 54:962), eq. 2 and 4.

    Examples
    --------
    >>> X = pd.DataFrame({"home": ["own", "rent"] * 50, "job": ["a"] * 50 + ["b"] * 50})
    >>> y = np.array([1.0, 0.0] * 40 + [0.0, 1.0] * 10)
    >>> sex = Membership("sex", ("F", "M"), np.tile([0, 1], 50))
    >>> plain, held = (penalised_scorecard(X, y, [sex], strength=strength) for strength in (0.0, 100.0))
    >>> bool(np.ptp(held.score_points(X)) < np.ptp(plain.score_points(X)))
    True
    """
    if not strength >= 0:
        raise EquiscoreError(f"strength: {strength} is no penalty. Fix: give 0 or more.")
    known, weight = ~np.isnan(y), np.ones(len(y)) if sample_weight is None else sample_weight
    card = Scorecard(favourable=1.0, **parameters).fit(X[known], y[known], None if sample_weight is None else weight[known])
    if not card.features_ or strength == 0:
        return card
    entered = [bins.name in card.features_ for bins in card.binner_.bins_]
    evidence = card.binner_.transform(X)[:, entered]
    pulls = _pulls(evidence, groups, weight)
    ridge = np.eye(evidence.shape[1]) / card.C + strength * weight[known].sum() * pulls.T @ pulls
    start = np.concatenate([[card.intercept_], card.coef_])
    found = _optimum(evidence[known], y[known], weight[known], ridge, start)
    return _written(card, float(found[0]), found[1:])


def _pulls(evidence: Floats, groups: Sequence[Membership], weight: Floats) -> Floats:
    """Return, a row a group, the covariance of membership with each column over the standard deviation of membership."""
    rows = []
    for held in groups:
        known = held.codes >= 0
        values, shares = evidence[known], weight[known] / max(weight[known].sum(), 1e-300)
        for place in range(len(held.levels)):
            member = held.codes[known] == place
            p = float(shares @ member)
            if 0 < p < 1:
                rows.append((shares * (member - p)) @ values / np.sqrt(p * (1 - p)))
    return np.array(rows).reshape(len(rows), evidence.shape[1])


def _optimum(evidence: Floats, y: Floats, weight: Floats, ridge: Floats, start: Floats) -> Floats:
    """Minimise the penalised log-loss by Newton's method, steps halved until they go down; the intercept is first and free."""
    design = np.column_stack([np.ones(len(evidence)), evidence])
    quadratic = np.zeros((design.shape[1],) * 2)
    quadratic[1:, 1:] = ridge

    def loss(at: Floats) -> float:
        line = design @ at
        return float(weight @ (np.logaddexp(0.0, line) - y * line) + at @ quadratic @ at / 2)

    at, here = start, loss(start)
    for _ in range(_MOST_STEPS):
        chance = expit(design @ at)
        slope = design.T @ (weight * (chance - y)) + quadratic @ at
        curve = design.T @ (design * (weight * chance * (1 - chance))[:, None]) + quadratic
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while loss(at - size * step) > here and size > _SMALL:
            size /= 2
        at = at - size * step
        before, here = here, loss(at)
        if np.abs(size * step).max() < _SMALL or before - here < _SMALL * _SMALL * abs(here):
            break
    return at


def _written(card: Scorecard, intercept: float, coef: Floats) -> Scorecard:
    """Give a fitted card other weights, and the points that follow from them."""
    scale = Scale.through(card.base_points, card.base_odds, card.pdo)

    def points(log_odds: float) -> float:
        return round(log_odds) if card.round_points else log_odds

    entered = [bins for bins in card.binner_.bins_ if bins.name in card.features_]
    card.coef_, card.intercept_ = coef, intercept
    card.base_ = points(scale.offset + scale.factor * intercept)
    card.points_ = tuple(tuple(points(scale.factor * float(b) * woe) for woe in bins.woe) for b, bins in zip(coef, entered, strict=True))
    return card
