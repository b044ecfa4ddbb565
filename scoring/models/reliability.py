"""How far probabilities are from what came true, in four numbers."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from scoring.models.columns import ModelError

Floats = NDArray[np.float64]

PARTS: Final = 10
"""Parts of the expected calibration error."""
STEPS: Final = 100
"""Newton's method takes fewer; what does not arrive by then is separated."""


class Calibration(NamedTuple):
    """How well probabilities tell what came true."""

    people: float
    """By weight, of known outcome."""
    slope: float
    """Of the outcome on the log-odds: 1 where scores are as spread as they should be, below 1 where too spread (Cox 1958)."""
    intercept: float
    """What must be added to the log-odds for the mean to be right: above 0 where the probability is too low."""
    brier: float
    """Mean squared distance of the probability from what came true (Brier 1950)."""
    ece: float
    """Mean distance of mean probability and share, over ten parts of equal mass (Naeini et al. 2015); never below 0, by chance alone above."""


def calibration_of(probability: ArrayLike, favourable: ArrayLike, weights: ArrayLike | None = None) -> Calibration:
    """Return how well probabilities of the favourable class are calibrated; out of fold, or they say nothing.

    Slope and intercept are by maximum likelihood, each with Newton's method; nan where somebody's probability is 0 or 1, where only
    one class is there, and for the slope where all probabilities are equal or outcomes are separated.

    Parameters
    ----------
    probability : array (people,)
    favourable : array (people,) of truth values
    weights : array (people,), optional

    References
    ----------
    Cox 1958, *Biometrika* 45:562; Brier 1950, *Monthly Weather Review* 78:1; Naeini, Cooper & Hauskrecht 2015, *AAAI* 29:2901.

    Examples
    --------
    >>> found = calibration_of([0.2] * 40 + [0.8] * 40, [True] * 10 + [False] * 30 + [True] * 30 + [False] * 10)
    >>> round(found.slope, 3), abs(round(found.intercept, 3)), round(found.brier, 3), round(found.ece, 3)
    (0.792, 0.0, 0.19, 0.05)
    """
    p, good = np.asarray(probability, np.float64), np.asarray(favourable, bool)
    held = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
    if not (len(p) == len(good) == len(held)) or not np.isfinite(p).all() or not ((p >= 0) & (p <= 1)).all():
        raise ModelError("Calibration needs a probability and an outcome for each person. Fix: leave out who has none; weights for all or none.")
    p, good, held = p[held > 0], good[held > 0], held[held > 0]
    people = float(held.sum())
    if not people:
        return Calibration(0.0, *[np.nan] * 4)
    slope, intercept = _slope(p, good, held), _shift(p, good, held)
    return Calibration(people, slope, intercept, float(held @ (p - good) ** 2 / people), _error(p, good, held))


def _slope(p: Floats, good: NDArray[np.bool_], held: Floats) -> float:
    if not _inside(p, good) or np.ptp(p) == 0 or p[good].min() >= p[~good].max() or p[good].max() <= p[~good].min():
        return np.nan
    x = logit(p)
    centre, spread = held @ x / held.sum(), np.ptp(x)
    design = np.stack([np.ones_like(x), (x - centre) / spread], axis=1)
    return float(_newton(design, np.zeros_like(x), good, held)[1] / spread)


def _shift(p: Floats, good: NDArray[np.bool_], held: Floats) -> float:
    return float(_newton(np.ones((len(p), 1)), logit(p), good, held)[0]) if _inside(p, good) else np.nan


def _inside(p: Floats, good: NDArray[np.bool_]) -> bool:
    return bool(p.min() > 0 and p.max() < 1 and good.any() and not good.all())


def _newton(design: Floats, offset: Floats, good: NDArray[np.bool_], held: Floats) -> Floats:
    """Return the weights of a logistic regression on `design` beside an offset; steps are held short, so that it stays on its way."""
    beta = np.zeros(design.shape[1])
    for _ in range(STEPS):
        q = expit(offset + design @ beta)
        step = np.linalg.lstsq(design.T @ (design * (held * q * (1 - q))[:, None]), design.T @ (held * (good - q)), rcond=None)[0]
        length = float(np.abs(design @ step).max())
        beta += step * min(1.0, 4.0 / max(length, 1e-300))
        if length < 1e-10:
            break
    return beta


def _error(p: Floats, good: NDArray[np.bool_], held: Floats) -> float:
    """Return the expected calibration error; people of one probability share their part: that of their middle person."""
    _, place = np.unique(p, return_inverse=True)
    mass = np.bincount(place, held)
    part = np.clip((np.cumsum(mass) - mass / 2) / mass.sum() * PARTS, 0, PARTS - 1).astype(np.intp)
    return float(np.abs(np.bincount(part[place], held * (good - p), minlength=PARTS)).sum() / held.sum())
