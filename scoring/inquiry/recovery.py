"""Models that recover a group, each asked of a fold that it did not learn from: boosting on several features, rates on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from scoring.fairness.curves import Curve, Estimate, curves_of, limits_of, quantile
from scoring.inquiry.columns import Encoded
from scoring.inquiry.membership import Floats, spread_weights
from scoring.vocabulary import WeightMeaning

LEARNED: Final = 10_000
"""Members, and others, that one model learns from at most. Five times as many moved no AUC of the made sample by more than .002."""
SHRUNK: Final = 10.0
"""People of the overall rate that are added to each bin of a single feature; our choice."""

_TREES: Final = {"learning_rate": 0.15, "max_iter": 30, "max_leaf_nodes": 4, "early_stopping": False, "random_state": 0}
"""Small trees and few. On German credit (1,000 people) five age bands are recovered with .80, .70, .66, .70 and .77 (means of three
seeds); 200 trees of 8 leaves at a third of the rate, as our engine for scores has, reach .78, .68, .62, .66 and .72."""

Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """People whose group is known, and how they are to be asked. `persons` None: each row is a person of its own."""

    features: Encoded
    bins: Places
    persons: Places | None
    weight: Floats
    meaning: WeightMeaning
    folds: int
    seed: int
    confidence: float
    left_out: int | None


def together(task: Task, member: Bools, dealt: Places, columns: Places) -> tuple[Estimate[float], int]:
    """Rank everybody by boosting on some of the features; return the AUC and how many rows the largest model saw."""
    scores, learned = np.empty(len(member)), 0
    alike = bool((task.weight == task.weight[0]).all())  # weights make scikit-learn's binning five times as slow
    rows = task.features.values[:, columns]
    for fold in range(task.folds):
        training = lesson(member, dealt != fold, np.random.default_rng([task.seed, fold]))
        model = HistGradientBoostingClassifier(categorical_features=task.features.levels[columns], **_TREES)
        here = dealt == fold
        weight = None if alike else task.weight[training] / task.weight[training].mean()
        told = np.where(np.isnan(rows[training]).all(axis=0), 0.0, rows)  # a column without a value in this lesson: scikit-learn cannot bin it
        scores[here] = model.fit(told[training], member[training], sample_weight=weight).decision_function(told[here])
        learned = max(learned, len(training))
    return estimated(task, scores, member, dealt), learned


def lesson(member: Bools, others: Bools, rng: np.random.Generator) -> Places:
    """Return the rows to learn from: of each side at most `LEARNED`, drawn; an AUC does not depend on how frequent the sides are."""
    sides = [np.flatnonzero(others & side) for side in (member, ~member)]
    drawn = [side if len(side) <= LEARNED else rng.choice(side, LEARNED, replace=False) for side in sides]
    return np.sort(np.concatenate(drawn))


def by_rate(task: Task, member: Bools, dealt: Places, j: int) -> Floats:
    """Return, for each person, the rate of members in their bin of one feature among the other folds, drawn to the rate of all."""
    bins, weight = task.bins[:, j], task.weight / task.weight.mean()
    place, shape = dealt * (bins.max() + 1) + bins, (task.folds, bins.max() + 1)
    people, members = (np.bincount(place, weights=w, minlength=shape[0] * shape[1]).reshape(shape) for w in (weight, weight * member))
    people, members = (total.sum(axis=0) - total for total in (people, members))
    overall = members.sum(axis=1, keepdims=True) / people.sum(axis=1, keepdims=True)
    rate: Floats = (members + SHRUNK * overall) / (people + SHRUNK)
    return rate[dealt, bins]


def estimated(task: Task, scores: Floats, member: Bools, dealt: Places) -> Estimate[float]:
    """Return the chance that a member scores above a non-member of the same fold: models of different folds have no common scale.

    The AUCs of the folds by their pairs, DeLong's variances added (LeDell, Petersen & van der Laan 2015, *Electronic Journal of
    Statistics* 9:1583, whose influence curves are these). Pooled, the folds would tell on
    each other: of 50 members in "a", 10 others in "a" and 40 in "b" the AUC is .90, but .93 by pooled ranks and .87 by pooled rates.
    """
    values, place = np.unique(scores, return_inverse=True)
    cell, shape = dealt * len(values) + place, (task.folds, len(values))
    spread = spread_weights(task.weight, task.meaning)
    good, bad, good2, bad2 = (
        np.bincount(cell, w, shape[0] * shape[1]).reshape(shape) for side in (task.weight, spread) for w in (side * member, side * ~member)
    )
    curve, _ = curves_of(good, bad, (good2, bad2), exact_ties=True)
    pairs = good.sum(axis=1) * bad.sum(axis=1)
    share, there = pairs / pairs.sum(), pairs > 0
    value, variance = np.clip((share * curve.value)[there].sum(), 0.0, 1.0), (share**2 * curve.variance)[there].sum()
    whole = Curve(*(np.array([one]) for one in (value, variance, curve.good.sum(), curve.bad.sum(), 0.0)))
    low, high = limits_of(whole, quantile(task.confidence))
    return Estimate(float(value), float(low[0]), float(high[0]))
