"""With and without a method, set against outcomes that were hidden: areas, squared errors and calibration, and the chance in their gains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from scoring.models.columns import ModelError

__all__ = ["METRICS", "Gains", "better_folds", "gains", "hide"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
METRICS: Final = ("auc", "brier", "calibration")
"""Area under the ROC curve; mean squared error of the probability; distance of its mean from the share of the outcome."""
_BETTER: Final = np.array([1.0, -1.0, -1.0])
_AT_ONCE: Final = 4_000_000


class Gains(NamedTuple):
    """Values by metric: without (3,), with (methods, 3), gain (positive is better) and its limits (methods, 3)."""

    without: Floats
    there: Floats
    gain: Floats
    low: Floats
    high: Floats


def hide(accepted: Floats, unfavourable: Bools, *, share: float, odds_ratio: float, rng: np.random.Generator) -> Bools:
    """Draw whom among the accepted to hide, as a policy with these probabilities of acceptance would have refused them.

    logit P(hidden) = c - logit(accepted) + ln(odds_ratio) if unfavourable, with c such that `share` are expected.

    Parameters
    ----------
    accepted : array (people,)
        Probability of acceptance of each, from the features.
    unfavourable : array (people,)
        The outcome.
    share : float
        The share to hide.
    odds_ratio : float
        1: refusals hang on the features alone. Above 1: of two people with the same features, who turned out unfavourably was the likelier to
        be refused, by so many times the odds.

    Examples
    --------
    >>> hide(np.repeat([0.1, 0.9], 500), np.zeros(1000, bool), share=0.5, odds_ratio=1, rng=np.random.default_rng(1)).reshape(2, 500).mean(1)
    array([0.902, 0.088])
    """
    if not (0 < share < 1 and odds_ratio > 0):
        raise ModelError(f"hidden_share={share!r}, hidden_odds_ratio={odds_ratio!r}. Fix: a share between 0 and 1, and odds above 0.")
    pull = np.log(odds_ratio) * unfavourable - logit(np.clip(accepted, 1e-4, 1 - 1e-4))
    centre = brentq(lambda c: float(expit(c + pull).mean()) - share, -40, 40)
    return np.asarray(rng.random(len(pull)) < expit(centre + pull))


def gains(
    favourable: Bools, without: Floats, values: Floats, weights: Floats, persons: NDArray[np.intp], *, draws: int, alpha: float, seed: int
) -> Gains:
    """Return each metric without and with each method, and the gain with its interval by a paired bootstrap of persons.

    Parameters
    ----------
    favourable : array (people,)
        The outcome.
    without, values : arrays (people,) and (methods, people)
        Probabilities of the favourable outcome.
    weights, persons : arrays (people,)
        The weight of each row, and whose it is, numbered from 0.
    draws, alpha, seed
        How many times persons are drawn, the level of both sides together, and what draws them. Models are held for given.
    """
    scores = np.vstack([without, values])
    truth = favourable.astype(np.float64)
    found = _metrics(scores, truth, weights[None, :])[:, 0]
    drawn = np.concatenate(
        [_metrics(scores, truth, block[:, persons] * weights) for block in _draws(int(persons.max()) + 1, len(truth), draws, seed)], axis=1
    )
    gain = (found[1:] - found[0]) * _BETTER
    low, high = np.nanquantile((drawn[1:] - drawn[0]) * _BETTER, [alpha / 2, 1 - alpha / 2], axis=1) if np.isfinite(found).all() else _nothing(gain)
    return Gains(found[0], found[1:], gain, low, high)


def better_folds(favourable: Bools, without: Floats, values: Floats, weights: Floats, folds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return in how many folds, each with models of its own, a method is better than none: (methods, 3).

    The bootstrap of `gains` holds the models for given; that the gain comes back with other models is asked here.
    """
    scores, truth = np.vstack([without, values]), favourable.astype(np.float64)
    found = [_metrics(scores[:, folds == fold], truth[folds == fold], weights[None, folds == fold])[:, 0] for fold in np.unique(folds)]
    return np.asarray(sum(((one[1:] - one[0]) * _BETTER > 0).astype(np.intp) for one in found))


def _nothing(gain: Floats) -> tuple[Floats, Floats]:
    return np.full_like(gain, np.nan), np.full_like(gain, np.nan)


def _draws(n_persons: int, n_rows: int, draws: int, seed: int) -> Iterator[Floats]:
    """Go through blocks of bootstrap draws: how often each person is drawn."""
    rng = np.random.default_rng(seed)
    block = max(1, _AT_ONCE // n_rows)
    for start in range(0, draws, block):
        yield rng.multinomial(n_persons, np.full(n_persons, 1 / n_persons), size=min(block, draws - start)).astype(np.float64)


def _metrics(scores: Floats, truth: Floats, weights: Floats) -> Floats:
    """Return the metrics (models, draws, 3) of scores (models, people) under weights (draws, people)."""
    total = weights.sum(1)
    brier = weights @ ((scores - truth) ** 2).T / total[:, None]
    calibration = np.abs(weights @ (scores - truth).T) / total[:, None]
    area = np.stack([_area(score, truth, weights) for score in scores], axis=1)
    return np.stack([area, brier, calibration], axis=2).transpose(1, 0, 2)


def _area(score: Floats, truth: Floats, weights: Floats) -> Floats:
    """Return the area under the ROC curve under each draw's weights, ties counting a half; nan where there is one class."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    drawn = weights[:, order]
    good = drawn * truth[order]
    if len(starts) < len(score):
        good, drawn = np.add.reduceat(good, starts, axis=1), np.add.reduceat(drawn, starts, axis=1)
    bad = drawn - good
    below = np.cumsum(bad, axis=1) - bad / 2
    with np.errstate(invalid="ignore"):
        return np.asarray((good * below).sum(1) / (good.sum(1) * bad.sum(1)), np.float64)
