"""What a wrong decision costs: one number for everybody, or each person's own amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import make_scorer

from scoring.errors import EquiscoreError

Floats = NDArray[np.float64]
ROUTED = ("wrongly_accepted", "wrongly_refused", "sample_weight")


class CutoffError(EquiscoreError, ValueError):
    """A cut-off cannot be chosen from what was given."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What an error costs, in any unit; only the ratio moves the cut-off."""

    wrongly_accepted: float
    wrongly_refused: float

    def __post_init__(self) -> None:
        if not (self.wrongly_accepted >= 0 and self.wrongly_refused >= 0 and self.wrongly_accepted + self.wrongly_refused > 0):
            raise CutoffError(f"{self} is not a pair of costs. Fix: give two numbers of 0 or more, not both 0.")


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """What one kind of error costs, a row a person; 0 where it cannot be made."""

    amounts: Floats
    due: NDArray[np.bool_]
    """Of whom the error can be made."""
    number: float | None
    """The cost where it is the same for everybody."""


def decision_cost(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    favourable: Any = 1,
    wrongly_accepted: ArrayLike = 1.0,
    wrongly_refused: ArrayLike = 1.0,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the mean cost a person of decisions, by weight: `y_pred` is favourable where somebody is accepted.

    Parameters
    ----------
    y_true, y_pred : array (people,)
        What came true, what was decided.
    favourable
        The class that is good for the person.
    wrongly_accepted, wrongly_refused : number or array (people,)
        What is lost if somebody of unfavourable outcome is accepted, or of favourable outcome refused; 0 or more.

    Raises
    ------
    CutoffError
        An amount that is needed is missing or below 0.

    References
    ----------
    Elkan 2001, *Proceedings of IJCAI* 17:973.

    Examples
    --------
    >>> decision_cost([1, 0, 0, 1], [1, 1, 0, 0], wrongly_accepted=[0, 300, 800, 0], wrongly_refused=20)
    80.0
    """
    good, accepted = np.asarray(y_true) == favourable, np.asarray(y_pred) == favourable
    lost = read_amounts("wrongly_accepted", wrongly_accepted, ~good).amounts * accepted
    missed = read_amounts("wrongly_refused", wrongly_refused, good).amounts * ~accepted
    weights = np.ones(len(lost)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    return float(np.average(lost + missed, weights=weights))


def cost_scorer(favourable: Any = 1, **numbers: float) -> Any:
    """Return a scorer (the higher, the cheaper) whose amounts are routed row by row, for scikit-learn's searches.

    `numbers` are costs that are the same for everybody; any other of ``wrongly_accepted``, ``wrongly_refused`` and ``sample_weight`` is
    asked for as metadata, so ``sklearn.set_config(enable_metadata_routing=True)`` must be on.

    Raises
    ------
    CutoffError
        Metadata routing is off, or a name is none of the costs.

    Examples
    --------
    >>> from sklearn import config_context
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import TunedThresholdClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X, loan = rng.normal(size=(200, 1)), rng.uniform(100, 900, 200)
    >>> repaid = (X[:, 0] + rng.normal(size=200) > 0).astype(int)
    >>> with config_context(enable_metadata_routing=True):
    ...     scoring = cost_scorer(wrongly_refused=50)
    ...     tuned = TunedThresholdClassifierCV(LogisticRegression(), scoring=scoring).fit(X, repaid, wrongly_accepted=loan)
    >>> bool(tuned.best_threshold_ > 0.5)
    True
    """
    if wrong := sorted(set(numbers) - set(ROUTED[:2])):
        raise CutoffError(f"{', '.join(wrong)}: no cost of a decision. Fix: use wrongly_accepted and wrongly_refused.")
    scorer = make_scorer(decision_cost, greater_is_better=False, favourable=favourable, **numbers)
    try:
        return scorer.set_score_request(**{name: True for name in ROUTED if name not in numbers})
    except RuntimeError as fault:
        raise CutoffError("Amounts a person are routed as metadata. Fix: sklearn.set_config(enable_metadata_routing=True) first.") from fault


def total_costs(if_accepted: ArrayLike, if_refused: ArrayLike) -> Floats:
    """Return the cost of each cut: accept everybody, all but the lowest score, ..., nobody.

    Parameters
    ----------
    if_accepted, if_refused : array (scores,)
        What is lost with the people of each score, in rising order, if they are accepted, and if they are refused.

    Returns
    -------
    array (scores + 1,)

    Examples
    --------
    >>> total_costs([4, 1], [0, 2])
    array([5., 1., 2.])
    """
    accepted, refused = np.asarray(if_accepted, np.float64), np.asarray(if_refused, np.float64)
    return np.concatenate([accepted[::-1].cumsum()[::-1], [0.0]]) + np.concatenate([[0.0], refused.cumsum()])


# -- reading -----------------------------------------------------------------------------------------------------------------------


def read_costs(value: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return both costs by name, each a number or an array of amounts; `value` is a pair of them, `given` holds them one by one."""
    beside = {name: cost for name, cost in given.items() if cost is not None}
    if isinstance(value, Costs):
        held: Mapping[str, Any] = {"wrongly_accepted": value.wrongly_accepted, "wrongly_refused": value.wrongly_refused}
    else:
        held = value if isinstance(value, Mapping) else {}
    named = {**held, **beside}
    if (value is not None and not held) or set(named) != set(given) or set(held) & set(beside):
        raise CutoffError(f'The rule "cost" cannot use {value!r}. Fix: give wrongly_accepted and wrongly_refused, each once.')
    numbers = {name: cost if np.ndim(cost) else a_number(cost, name) for name, cost in named.items()}
    if not any(np.ndim(cost) for cost in numbers.values()):
        Costs(**numbers)
    return numbers


def read_amounts(name: str, cost: Any, due: NDArray[np.bool_]) -> Amounts:
    """Read what one kind of error costs, for those of whom it can be made."""
    own = np.ndim(cost) > 0
    given = pd.to_numeric(pd.Series(cost), errors="coerce").to_numpy(np.float64, na_value=np.nan) if own else np.asarray(cost, np.float64)
    if own and given.shape != due.shape:
        raise CutoffError(f"{name} has {len(given)} amounts for {len(due)} scores. Fix: give a number, or one amount for each score.")
    amounts = np.where(due, given, 0.0)
    if wrong := int((~np.isfinite(amounts) | (amounts < 0)).sum()):
        raise CutoffError(f"{name}: {wrong} of the {int(due.sum())} amounts needed are missing or below 0. Fix: give a number of 0 or more for each.")
    return Amounts(amounts, due, None if own else float(given))


def a_number(value: Any, meant: str) -> float:
    """Return a finite number, or say what was meant to be one."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise CutoffError(f"{value!r} is not {meant}. Fix: give a finite number.")
    return number
