"""What each feature gave each person: parts that add up to the model's own score, or a refusal.

A points card is read off, and a model that states its parts is asked. Any other model is probed: each feature in turn takes the
values that people have, all others being held at a typical person's; where the model is a sum of one curve a feature, these effects
are its curves, exactly. Whether they are is not believed but added up, for every person. Trees of numbers that are no such sum are
left to TreeSHAP (the extra `shap`) and added up again. What does not add up is refused by name: an approximate explanation of a
decision is a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator

from scoring.errors import EquiscoreError
from scoring.models.calibration import CalibratedScore
from scoring.models.columns import as_table
from scoring.models.explaining.curves import (
    LOG_ODDS,
    POINTS,
    PROBABILITY,
    Floats,
    curves,
    favourable_place,
    own_favourable,
    scored_by,
    tree_shap,
    typical_person,
)

__all__ = ["LOG_ODDS", "POINTS", "PROBABILITY", "TOLERANCE", "Contributions", "NotAdditive", "by_points", "contributions", "uncalibrated"]

TOLERANCE: Final = 1e-9
"""How far the parts of a person may miss their score, in units of the score or as a share of it, whichever is more: rounding, nothing else."""


class NotAdditive(EquiscoreError):  # noqa: N818  (it names what was found, not a failure)
    """The parts do not add up to the score, so they explain nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """Parts of a score by person and feature. There is none that does not add up: making one is the check.

    Attributes
    ----------
    names : tuple of str
        The features, p of them.
    values : ndarray (people, p)
        What each feature gave each person, in units of `scale`; more is more favourable.
    base : float
        What everybody gets.
    total : ndarray (people,)
        The score as the model itself gives it: ``base + values.sum(axis=1)`` to 1e-9.
    scale : str
        ``points``, ``log-odds`` (of the favourable class) or ``probability``.
    method : str
        ``points`` (read off the card), ``coefficients`` (stated by the model), ``curves`` (one curve a feature, exact) or ``TreeSHAP``.
    model : str
        The name of the model, for errors.
    calibrated : bool
        Whether the model's probability is this score after a calibration: what is explained is then the score before it.

    Raises
    ------
    NotAdditive
        The parts miss the score of somebody.

    Examples
    --------
    >>> Contributions(("age", "home"), np.array([[10.0, 5.0], [0.0, -5.0]]), 500.0, np.array([515.0, 495.0])).deviation
    0.0
    >>> Contributions(("age",), np.array([[10.0]]), 500.0, np.array([511.0]), model="card")
    Traceback (most recent call last):
        ...
    scoring.models.explaining.contributions.NotAdditive: card: the parts miss the score (points) by up to 1, ...
    """

    names: tuple[str, ...]
    values: Floats
    base: float
    total: Floats
    scale: str = POINTS
    method: str = POINTS
    model: str = "the model"
    calibrated: bool = False

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.total), len(self.names)):
            raise EquiscoreError(
                f"{self.model}: values of shape {self.values.shape} for {len(self.total)} people and {len(self.names)} features. "
                f"Fix: give a row a person and a column a feature."
            )
        missed = np.abs(self._missed())
        if not (missed <= TOLERANCE * np.maximum(1.0, np.abs(self.total))).all():  # nan is no sum either
            off = f"{missed.max():.4g}, where {TOLERANCE:g} is allowed"
            raise NotAdditive(f"{self.model}: the parts miss the score ({self.scale}) by up to {off}. {_FIXES[self.method]}")

    @property
    def deviation(self) -> float:
        """The largest miss of a person's sum, in units of the score."""
        return float(np.abs(self._missed()).max(initial=0.0))

    def _missed(self) -> Floats:
        return np.asarray(self.values.sum(axis=1) + self.base - self.total)


_FIXES: Final = {
    POINTS: "Fix: give every part of the score, and the base.",
    "coefficients": "Fix: correct the parts that the model states, or use the scorecard.",
    "curves": "Fix: train with interactions=False, use the scorecard or a linear model; for trees of numbers only, install equiscore[shap].",
    "TreeSHAP": "Fix: TreeSHAP is wrong on this model; train with interactions=False, or use the scorecard.",
}


def contributions(estimator: Any, X: Any, *, favourable: Any = None, reference: Any = None) -> Contributions:
    """Return what each feature gave each person, on the model's own additive scale.

    Parameters
    ----------
    estimator
        A fitted `Scorecard` (points); a model with a method ``contributions(X)`` that returns base and a frame of parts, by log-odds
        of the favourable class; or a fitted classifier of two classes: log-odds where it has a `decision_function`, else the
        probability. Pipelines are probed like any other model. Of one calibrated model the score before calibration is explained,
        and the result says so (`calibrated`); points, which no calibration touches, stay points where the model gives them.
    X
        The people, a row each, with the columns of the fit.
    favourable
        The class that more is better for; by default the model's own ``favourable_``, else the second.
    reference
        A frame of one row: the person from whom effects are counted, for whom all are 0. By default each column's typical value
        in `X` (median or commonest). It moves the base and not a single difference between people. A card has its base.

    Raises
    ------
    NotAdditive
        The parts do not add up to the score of each person, by any road that is there.
    EquiscoreError
        Not a classifier of two classes; a single row without `reference`, being its own typical person.

    Examples
    --------
    >>> from scoring.models import Scorecard, WoEBinner
    >>> people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"]})
    >>> found = contributions(Scorecard(binner=WoEBinner(shrink=False)).fit(people, ["good", "good", "bad", "good", "good", "bad"]), people)
    >>> found.base, found.values[:, 0].tolist()
    (506.0, [43.0, 43.0, -26.0, 43.0, -26.0, -26.0])
    """
    X = as_table(X)
    model = uncalibrated(estimator)
    wanted = own_favourable(estimator) if favourable is None else favourable
    if by_points(estimator):
        return _points(model, X)
    calibrated = model is not estimator
    if callable(getattr(model, "contributions", None)) and not by_points(model):  # a card states points, its probabilities are made of log-odds
        return _stated(model, X, wanted, calibrated=calibrated)
    return _probed(model, X, wanted, reference, calibrated=calibrated)


def by_points(estimator: Any) -> bool:
    """Tell whether people are scored by points: by a card, calibrated or not, as long as the model itself gives its points."""
    return hasattr(estimator, "score_points")


def uncalibrated(estimator: Any) -> Any:
    """Return the model under a calibration, ours or scikit-learn's, or the model itself where there is none.

    Raises
    ------
    NotAdditive
        Several calibrated models are averaged: their mean probability is no sum of parts.
    """
    if isinstance(estimator, CalibratedScore):
        return estimator.estimator_
    within = getattr(estimator, "calibrated_classifiers_", None)
    if within is None:
        return estimator
    name = type(estimator).__name__
    if len(within) != 1:
        raise NotAdditive(f"{name}: the mean of {len(within)} calibrated models is no sum of parts. Fix: calibrate one, with ensemble=False.")
    inner = within[0].estimator
    return inner.estimator if isinstance(inner, FrozenEstimator) else inner


def _points(card: Any, X: Any) -> Contributions:
    parts = card.points_by_feature(X)
    names = tuple(str(name) for name in parts.columns[1:])  # the first is the base
    values = parts.to_numpy(np.float64)[:, 1:]
    return Contributions(names, values, float(card.base_), np.asarray(card.score_points(X), np.float64), POINTS, POINTS, type(card).__name__)


def _stated(model: Any, X: Any, favourable: Any, *, calibrated: bool) -> Contributions:
    """Ask the model for its parts towards its own favourable class, turn them where the other is asked for, and hold them against its score."""
    base, parts = model.contributions(X)
    score, scale = scored_by(model, favourable, names=isinstance(X, pd.DataFrame))
    sign = 1.0 if favourable_place(model, favourable) == favourable_place(model) else -1.0
    names, values = tuple(str(name) for name in parts.columns), sign * parts.to_numpy(np.float64)
    return Contributions(names, values, sign * float(base), score(_framed(X)), scale, "coefficients", type(model).__name__, calibrated)


def _probed(model: Any, X: Any, favourable: Any, reference: Any, *, calibrated: bool) -> Contributions:
    score, scale = scored_by(model, favourable, names=isinstance(X, pd.DataFrame), points=False)
    table, name = _framed(X), type(model).__name__
    values, base = curves(score, table, _start(table, reference, name))
    total, names = score(table), tuple(str(column) for column in table.columns)
    try:
        return Contributions(names, values, base, total, scale, "curves", name, calibrated)
    except NotAdditive:
        if (told := tree_shap(model, X, favourable)) is None:
            raise
    return Contributions(names, *told, total, scale, "TreeSHAP", name, calibrated)


def _framed(X: Any) -> pd.DataFrame:
    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X)).rename(columns="x{}".format)


def _start(table: pd.DataFrame, reference: Any, model: str) -> pd.DataFrame:
    if reference is not None:
        given = reference if isinstance(reference, pd.DataFrame) else pd.DataFrame(np.atleast_2d(reference), columns=table.columns)
        return given[table.columns].iloc[[0]].reset_index(drop=True)
    if len(table) < 2:
        raise EquiscoreError(f"{model}: {len(table)} row has nobody to be counted from. Fix: give reference=, a frame of one row.")
    return typical_person(table)
