"""What each feature gave each person: parts that add up to the model's own score, or a refusal.

A points card is read off. Any other model is probed: each feature in turn takes the values that people have, all others being
held at a typical person's; where the model is a sum of one curve a feature, these effects are its curves, exactly. Whether they
are is not believed but added up, for every person. Trees that are no such sum are left to TreeSHAP (the extra `shap`) and
added up again: on categorical splits shap 0.51 is wrong by several units of log-odds and does not say so (shap issue 3436).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, util
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError
from scoring.models.columns import Kind, as_table, kind_of, read_favourable
from scoring.models.threads import threads_for

Floats = NDArray[np.float64]
Score = Callable[[pd.DataFrame], Floats]

TOLERANCE: Final = 1e-9
"""How far the parts of a person may miss their score, in units of the score or as a share of it, whichever is more: rounding, nothing else."""
POINTS, LOG_ODDS, PROBABILITY = "points", "log-odds", "probability"


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
        ``points`` (read off the card), ``curves`` (one curve a feature, exact) or ``TreeSHAP``.
    model : str
        The name of the model, for errors.

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
    scoring.inquiry.attribution.NotAdditive: card: the parts miss the score (points) by up to 1, ...
    """

    names: tuple[str, ...]
    values: Floats
    base: float
    total: Floats
    scale: str = POINTS
    method: str = POINTS
    model: str = "the model"

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
    "curves": "Fix: train with interactions=False, use the scorecard or a linear model; for trees of numbers only, install equiscore[shap].",
    "TreeSHAP": "Fix: TreeSHAP is wrong on this model (categorical splits); train with interactions=False, or use the scorecard.",
}


def contributions(estimator: Any, X: Any, *, favourable: Any = None, reference: Any = None) -> Contributions:
    """Return what each feature gave each person, on the model's own additive scale.

    Parameters
    ----------
    estimator
        A fitted `Scorecard` (points), or a fitted classifier of two classes: log-odds where it has a `decision_function`, else the
        probability. Pipelines are probed like any other model.
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
    >>> from scoring.models import Scorecard
    >>> people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"]})
    >>> found = contributions(Scorecard().fit(people, ["good", "good", "bad", "good", "good", "bad"]), people)
    >>> found.base, found.values[:, 0].tolist()
    (506.0, [43.0, 43.0, -26.0, 43.0, -26.0, -26.0])
    """
    X = as_table(X)
    if hasattr(estimator, "points_by_feature"):
        return _points(estimator, X)
    score, scale = _scored_by(estimator, favourable, names=isinstance(X, pd.DataFrame))
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X)).rename(columns="x{}".format)
    model, total = type(estimator).__name__, score(table)
    start = _start(table, reference, model)
    values, base = _curves(score, table, start)
    names = tuple(str(name) for name in table.columns)
    try:
        return Contributions(names, values, base, total, scale, "curves", model)
    except NotAdditive:
        if (told := _tree_shap(estimator, X, favourable)) is None:
            raise
    return Contributions(names, *told, total, scale, "TreeSHAP", model)


def _points(card: Any, X: Any) -> Contributions:
    parts = card.points_by_feature(X)
    names = tuple(str(name) for name in parts.columns[1:])  # the first is the base
    values = parts.to_numpy(np.float64)[:, 1:]
    return Contributions(names, values, float(card.base_), np.asarray(card.score_points(X), np.float64), POINTS, POINTS, type(card).__name__)


# -- probing -----------------------------------------------------------------------------------------------------------------------


def _scored_by(estimator: Any, favourable: Any, *, names: bool) -> tuple[Score, str]:
    """Return how the estimator scores a table, towards the favourable class, and the scale."""
    place = _favourable_place(estimator, favourable)
    raw = hasattr(estimator, "decision_function")

    def score(table: pd.DataFrame) -> Floats:
        rows = table if names else table.to_numpy()
        with threads_for(len(table)):
            if raw:
                return np.asarray(estimator.decision_function(rows), np.float64) * (1 if place else -1)
            return np.asarray(estimator.predict_proba(rows), np.float64)[:, place]

    return score, LOG_ODDS if raw else PROBABILITY


def _favourable_place(estimator: Any, favourable: Any) -> int:
    classes = list(getattr(estimator, "classes_", ()))
    if len(classes) != 2:
        said = f"{type(estimator).__name__} has {len(classes)} classes"
        raise EquiscoreError(f"{said}: parts are shown of a fitted classifier of two. Fix: fit it, or give a classifier of two classes.")
    asked = getattr(estimator, "favourable_", None) if favourable is None else favourable
    return classes.index(read_favourable(np.asarray(classes), asked))


def _start(table: pd.DataFrame, reference: Any, model: str) -> pd.DataFrame:
    if reference is not None:
        given = reference if isinstance(reference, pd.DataFrame) else pd.DataFrame(np.atleast_2d(reference), columns=table.columns)
        return given[table.columns].iloc[[0]].reset_index(drop=True)
    if len(table) < 2:
        raise EquiscoreError(f"{model}: {len(table)} row has nobody to be counted from. Fix: give reference=, a frame of one row.")
    typical = {j: table.iloc[[_typical(table.iloc[:, j])], j].reset_index(drop=True) for j in range(table.shape[1])}
    return pd.concat(typical.values(), axis=1)


def _typical(column: pd.Series[Any]) -> int:
    """Return a row that holds the typical value: the (lower) median of numbers, the commonest level, whatever the order of rows."""
    known = np.flatnonzero(column.notna())
    if not len(known):
        return 0
    if kind_of(column) is Kind.NUMBER:
        return int(known[np.argsort(column.iloc[known].to_numpy(np.float64), kind="stable")[(len(known) - 1) // 2]])
    codes, levels = pd.factorize(column.iloc[known])
    people = np.bincount(codes)
    best = min(range(len(levels)), key=lambda code: (-people[code], str(levels[code])))
    return int(known[np.argmax(codes == best)])


def _curves(score: Score, table: pd.DataFrame, start: pd.DataFrame) -> tuple[Floats, float]:
    base = float(score(start)[0])
    columns = [_curve(score, table, start, j) - base for j in range(table.shape[1])]
    return np.stack(columns, axis=1), base


def _curve(score: Score, table: pd.DataFrame, start: pd.DataFrame, j: int) -> Floats:
    """Return the score of the typical person with each person's own value of one feature; each different value is scored once."""
    column = table.iloc[:, j]
    codes, _ = pd.factorize(column, use_na_sentinel=False)
    _, first = np.unique(codes, return_index=True)
    probe = start.iloc[np.zeros(len(first), np.intp)].reset_index(drop=True)
    probe.isetitem(j, column.iloc[first].array)
    return score(probe)[codes]


# -- trees -------------------------------------------------------------------------------------------------------------------------


def _tree_shap(estimator: Any, X: Any, favourable: Any) -> tuple[Floats, float] | None:
    """Return TreeSHAP's parts and base, by the path-dependent rule; None where shap is not installed or cannot read the model."""
    if util.find_spec("shap") is None:
        return None
    ours = hasattr(estimator, "model_") and hasattr(estimator, "levels_")
    model, rows = (estimator.model_, estimator._read(X)) if ours else (estimator, X)  # noqa: SLF001  (the numbers that our trees see)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap's import and arithmetic warn of the libraries it uses
        try:
            explainer = import_module("shap").TreeExplainer(model)
            values = np.asarray(explainer.shap_values(rows, check_additivity=False), np.float64)
        except Exception:  # noqa: BLE001  (whatever shap cannot read it cannot explain; the refusal by name is ours)
            return None
    base = np.ravel(np.asarray(explainer.expected_value, np.float64))
    place = _favourable_place(estimator, favourable)
    if values.ndim == 3:  # forests: a layer a class
        return values[:, :, place], float(base[place])
    sign = 1 if place else -1
    return sign * values, sign * float(base[-1])
