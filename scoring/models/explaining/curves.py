"""Probing a model: what each feature does alone, all others held at one person's, and whom to hold them at.

Where a model is a sum of one curve a feature, these effects are its curves, exactly; whether it is one is not decided here but added
up by `scoring.models.explaining.contributions`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module, util
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError
from scoring.models.columns import Kind, kind_of, read_favourable
from scoring.models.threads import threads_for

Floats = NDArray[np.float64]
Score = Callable[[pd.DataFrame], Floats]

POINTS: Final = "points"
LOG_ODDS: Final = "log-odds"
PROBABILITY: Final = "probability"


def scored_by(estimator: Any, favourable: Any = None, *, names: bool = True, points: bool = True) -> tuple[Score, str]:
    """Return how the estimator scores a table before any link function, more being more favourable, and the scale.

    `names` is False where the model was fitted on an array without names of columns; `points` where the unrounded log-odds of a card
    are meant, of which its probabilities are made.
    """
    if points and hasattr(estimator, "score_points"):
        return lambda table: np.asarray(estimator.score_points(table), np.float64), POINTS
    place = favourable_place(estimator, favourable)
    raw = hasattr(estimator, "decision_function")

    def score(table: pd.DataFrame) -> Floats:
        rows = table if names else table.to_numpy()
        with threads_for(len(table)):
            if raw:
                return np.asarray(estimator.decision_function(rows), np.float64) * (1 if place else -1)
            return np.asarray(estimator.predict_proba(rows), np.float64)[:, place]

    return score, LOG_ODDS if raw else PROBABILITY


def favourable_place(estimator: Any, favourable: Any = None) -> int:
    """Return the place (0 or 1) of the favourable class among the classes of a fitted classifier, or of the last step of a pipeline."""
    classes = list(getattr(estimator, "classes_", ()))
    if len(classes) != 2:
        said = f"{type(estimator).__name__} has {len(classes)} classes"
        raise EquiscoreError(f"{said}: parts are shown of a fitted classifier of two. Fix: fit it, or give a classifier of two classes.")
    asked = own_favourable(estimator) if favourable is None else favourable
    return classes.index(read_favourable(np.asarray(classes), asked))


def own_favourable(estimator: Any) -> Any:
    """Return the favourable class that a model knows itself, or nothing."""
    steps = getattr(estimator, "steps", None)
    return getattr(steps[-1][1] if steps else estimator, "favourable_", None)


def typical_person(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row: of each column the (lower) median of numbers, or the commonest level; the order of the rows does not matter.

    >>> typical_person(pd.DataFrame({"age": [20, 70, 30], "home": ["rent", "own", "own"]})).to_dict("records")
    [{'age': 30, 'home': 'own'}]
    """
    typical = {j: table.iloc[[_typical(table.iloc[:, j])], j].reset_index(drop=True) for j in range(table.shape[1])}
    return pd.concat(typical.values(), axis=1)


def _typical(column: pd.Series[Any]) -> int:
    known = np.flatnonzero(column.notna())
    if not len(known):
        return 0
    if kind_of(column) is Kind.NUMBER:
        return int(known[np.argsort(column.iloc[known].to_numpy(np.float64), kind="stable")[(len(known) - 1) // 2]])
    codes, levels = pd.factorize(column.iloc[known])
    people = np.bincount(codes)
    best = min(range(len(levels)), key=lambda code: (-people[code], str(levels[code])))
    return int(known[np.argmax(codes == best)])


def curves(score: Score, table: pd.DataFrame, start: pd.DataFrame) -> tuple[Floats, float]:
    """Return what each feature's own value changes in the score of the person `start` (people x features), and that person's score.

    Each different value of a column is scored once: a column of `d` values costs `d` rows, not one a person.
    """
    base = float(score(start)[0])
    columns = [_curve(score, table, start, j) - base for j in range(table.shape[1])]
    return np.stack(columns, axis=1), base


def _curve(score: Score, table: pd.DataFrame, start: pd.DataFrame, j: int) -> Floats:
    column = table.iloc[:, j]
    codes, _ = pd.factorize(column, use_na_sentinel=False)
    _, first = np.unique(codes, return_index=True)
    probe = start.iloc[np.zeros(len(first), np.intp)].reset_index(drop=True)
    probe.isetitem(j, column.iloc[first].array)
    return score(probe)[codes]


def tree_shap(estimator: Any, X: Any, favourable: Any) -> tuple[Floats, float] | None:
    """Return TreeSHAP's parts and base, by the path-dependent rule; None where shap is not installed or cannot be trusted with the model.

    On categorical splits shap 0.51 is wrong by several units of log-odds and does not say so (shap issue 3436): it is not asked.
    """
    if util.find_spec("shap") is None or _has_categories(estimator):
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
    place = favourable_place(estimator, favourable)
    if values.ndim == 3:  # forests: a layer a class
        return values[:, :, place], float(base[place])
    sign = 1 if place else -1
    return sign * values, sign * float(base[-1])


def _has_categories(estimator: Any) -> bool:
    """Tell whether trees may split on categories: ours by the levels they know, scikit-learn's by what they note at fit."""
    if any(levels is not None for levels in getattr(estimator, "levels_", ())):
        return True
    noted = getattr(estimator, "is_categorical_", None)
    return noted is not None and bool(np.any(noted))
