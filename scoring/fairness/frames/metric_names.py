"""What a user hands to `MetricFrame`: which counts serve a metric, a name of ours or a function of fairlearn or scikit-learn.

Functions are told by module and name, so neither library is imported. What is not told here is run as it is, by fairlearn.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from scoring.errors import EquiscoreError, nearest
from scoring.fairness.metrics import COMPOSITES, METRICS, Composite, Metric

Asked = str | Callable[..., Any]


class Reads(StrEnum):
    """What of `y_true` and `y_pred` a measure reads."""

    BOTH = "both"
    """Decision and outcome, each favourable or not."""
    DECISION = "decision"
    """The decision alone; `y_true` may hold anything."""
    AGREEMENT = "agreement"
    """Whether the two are equal: any labels will do, none is favourable."""
    PEOPLE = "people"
    """Nothing: people are counted."""


@dataclass(frozen=True, slots=True)
class Served:
    """A measure that counts give: which, what it reads, and the favourable label where the user named one."""

    measure: Metric | Composite | None
    """None counts people."""
    reads: Reads
    pos_label: Any = None


COUNT: Final = "count"
METHODS: Final = ("between_groups", "to_overall")
_OF_FAIRLEARN: Final = {
    "selection_rate": "selection_rate",
    "true_positive_rate": "true_positive_rate",
    "false_positive_rate": "false_positive_rate",
    "true_negative_rate": "true_negative_rate",
    "false_negative_rate": "false_negative_rate",
    "count": COUNT,
}
_OF_SKLEARN: Final = {
    "accuracy_score": "accuracy",
    "zero_one_loss": "error_rate",
    "precision_score": "positive_predictive_value",
    "recall_score": "true_positive_rate",
    "f1_score": "f1",
    "balanced_accuracy_score": "balanced_accuracy",
}
_LIBRARIES: Final[Mapping[str, Mapping[str, str]]] = {"fairlearn": _OF_FAIRLEARN, "sklearn": _OF_SKLEARN}
_WITHOUT_LABEL: Final = {"accuracy_score", "zero_one_loss", "balanced_accuracy_score", "count"}
"""Functions that know no `pos_label`; their authors refuse it."""


def served(asked: Asked, sample_params: Mapping[str, Any] | None = None, pos_label: Any = None) -> Served | None:
    """Return how counts serve a metric; nothing where they do not (it is then run by fairlearn).

    Parameters
    ----------
    asked
        A name of `METRICS` or `COMPOSITES`, ``count``, a function, or a `functools.partial` of one that names `pos_label`.
    sample_params
        What goes to the function row by row; counts know `sample_weight`.
    pos_label
        The favourable label where the metric itself names none.

    Raises
    ------
    EquiscoreError
        A name that is none of ours, or what is neither a name nor a function.

    Examples
    --------
    >>> served("selection_rate").reads, served(lambda y_true, y_pred: 0.0)
    (<Reads.DECISION: 'decision'>, None)
    """
    if isinstance(asked, str):
        return _of(_own(asked), pos_label)
    if not callable(asked):
        raise EquiscoreError(f"metrics: {asked!r} is no metric. Fix: give a function (y_true, y_pred), or one of {', '.join(_names())}.")
    function, label = _unbound(asked)
    name = getattr(function, "__name__", "")
    found = _LIBRARIES.get(str(getattr(function, "__module__", "")).partition(".")[0], {}).get(name)
    weights = {key for key, value in (sample_params or {}).items() if value is not None}
    if found is None or weights - ({"sample_weight"} if found != COUNT else set()):
        return None
    if label is not None and name in _WITHOUT_LABEL:
        return None
    return _of(found, pos_label if label is None else label)


def named(asked: Asked) -> str:
    """Return the name that a metric goes by in a table.

    >>> named("accuracy"), named(functools.partial(max, 1))
    ('accuracy', 'metric')
    """
    return asked if isinstance(asked, str) else str(getattr(asked, "__name__", "metric"))


def _unbound(asked: Callable[..., Any]) -> tuple[Any, Any]:
    """Return the function under a partial and the label it names; a partial that binds anything else stays a function of its own."""
    if isinstance(asked, functools.partial) and not asked.args and set(asked.keywords) <= {"pos_label"}:
        return asked.func, asked.keywords.get("pos_label")
    return asked, None


def _of(name: str, pos_label: Any) -> Served:
    if name == COUNT:
        return Served(None, Reads.PEOPLE)
    measure = METRICS.get(name) or COMPOSITES[name]
    if isinstance(measure, Metric) and not measure.needs_outcome:
        return Served(measure, Reads.DECISION, pos_label)
    return Served(measure, Reads.AGREEMENT) if name in {"accuracy", "error_rate"} else Served(measure, Reads.BOTH, pos_label)


def _names() -> list[str]:
    return [*METRICS, *COMPOSITES, COUNT]


def _own(name: str) -> str:
    if name not in _names():
        near = nearest(name, _names())
        raise EquiscoreError(f"No metric {name!r}. Fix: " + (f"did you mean {near!r}?" if near else f"use one of {', '.join(_names())}."))
    return name


def params_of(asked: Mapping[str, Asked], given: Mapping[str, Any] | None, *, single: bool) -> dict[str, Mapping[str, Any]]:
    """Return the parameters of each metric by its name; None stands for none.

    >>> params_of({"accuracy": "accuracy"}, {"sample_weight": None}, single=True)
    {'accuracy': {}}
    """
    by_name = {next(iter(asked)): given or {}} if single else dict(given or {})
    if stray := sorted(set(by_name) - set(asked)):
        raise EquiscoreError(f"sample_params speak of {stray[0]!r}, which is no metric here. Fix: use the names of metrics: {', '.join(asked)}.")
    return {name: {key: value for key, value in (by_name.get(name) or {}).items() if value is not None} for name in asked}


def draws_of(n_boot: int | None, levels: Sequence[float] | None) -> tuple[int | None, list[float] | None]:
    """Return number of draws and levels, both or neither.

    >>> draws_of(100, [0.025, 0.975])
    (100, [0.025, 0.975])
    """
    if (n_boot is None) != (levels is None or len(levels) == 0):
        raise EquiscoreError("n_boot and ci_quantiles go together. Fix: give both, or neither.")
    if n_boot is None or levels is None:
        return None, None
    if int(n_boot) != n_boot or n_boot < 1:
        raise EquiscoreError(f"n_boot: {n_boot!r}. Fix: give a whole number of draws, such as 2000.")
    if not all(0 < level < 1 for level in levels):
        raise EquiscoreError(f"ci_quantiles: {levels!r}. Fix: give levels between 0 and 1, such as [0.025, 0.975].")
    return int(n_boot), [float(level) for level in levels]


def seed_of(random_state: Any) -> int:
    """Return one number for whatever stands for chance, so that a member asked twice answers twice the same.

    >>> seed_of(1) == seed_of(1)
    True
    """
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    return int(np.random.default_rng(random_state).integers(2**63))


def method_of(method: str) -> str:
    """Return the way to compare, or say which there are.

    >>> method_of("to_overall")
    'to_overall'
    """
    if method not in METHODS:
        raise EquiscoreError(f"No comparison {method!r}. Fix: use {' or '.join(METHODS)}.")
    return method


def run_by(others: Iterable[str]) -> Any:
    """Return fairlearn's own `MetricFrame`, for what counts do not give.

    Raises
    ------
    EquiscoreError
        fairlearn is not installed.
    """
    try:
        from fairlearn.metrics import MetricFrame as Theirs
    except ImportError as error:
        raise EquiscoreError(
            f"Counts do not give {', '.join(others)}, and fairlearn, which would run it, is not installed. Fix: pip install fairlearn."
        ) from error
    return Theirs
