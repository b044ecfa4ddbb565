"""The table of metrics: data, not one function each.

A person is in one of six states: decided favourably or not, crossed with the outcome good, bad or not observed. A metric
is a pair of 0/1 vectors over the states, so all metrics of all groups are two matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.errors import EquiscoreError, nearest
from scoring.texts import say
from scoring.vocabulary import Better

STATES: Final = ("tp", "fp", "fn", "tn", "au", "ru")
"""tp, fp: favoured, outcome good, bad. fn, tn: not favoured, good, bad. au, ru: favoured or not, outcome not observed."""
_ALL = STATES
_SEEN = ("tp", "fp", "fn", "tn")


@dataclass(frozen=True, slots=True)
class Metric:
    """A rate: `hits` of `trials`. `better` says which way is good for the person."""

    name: str
    hits: tuple[str, ...]
    trials: tuple[str, ...]
    better: Better
    en: str
    fr: str
    source: str
    judged: bool = False
    """Whether it gets a verdict without being declared primary."""

    @property
    def needs_outcome(self) -> bool:
        """Whether the metric speaks of outcomes."""
        return self.trials != _ALL

    @property
    def needs_refused(self) -> bool:
        """Whether the metric speaks of outcomes of the refused, which are often never observed."""
        return self.needs_outcome and bool({"fn", "tn"} & set(self.trials))

    @property
    def counts_selected(self) -> bool:
        """Whether zero hits means that nobody was favoured."""
        return set(self.hits) <= {"tp", "fp", "au"} and "tp" in self.hits and bool({"fn", "ru"} & set(self.trials))


def _metric(  # noqa: PLR0917  (a row of the table below)
    name: str, hits: str, trials: tuple[str, ...] | str, better: Better, en: str, fr: str, source: str, *, judged: bool = False
) -> Metric:
    return Metric(name, tuple(hits.split()), tuple(trials.split()) if isinstance(trials, str) else trials, better, en, fr, source, judged)


_MORE, _LESS = Better.MORE, Better.LESS
_HARDT, _BERK = "Hardt, Price & Srebro 2016", "Berk et al. 2021"
METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        _metric("selection_rate", "tp fp au", _ALL, _MORE, "selection rate", "taux de sélection", "29 CFR 1607.4(D)", judged=True),
        _metric("exclusion_rate", "fn tn ru", _ALL, _LESS, "exclusion rate", "taux d'exclusion", "1 - selection rate"),
        _metric("base_rate", "tp fn", _SEEN, _MORE, "base rate of the good outcome", "taux de base du bon résultat", _BERK),
        _metric("true_positive_rate", "tp", "tp fn", _MORE, "true positive rate", "taux de vrais positifs", _HARDT, judged=True),
        _metric("false_positive_rate", "fp", "fp tn", _MORE, "false positive rate", "taux de faux positifs", _HARDT),
        _metric("true_negative_rate", "tn", "fp tn", _LESS, "true negative rate", "taux de vrais négatifs", _HARDT),
        _metric("false_negative_rate", "fn", "tp fn", _LESS, "false negative rate", "taux de faux négatifs", _HARDT),
        _metric("wrongful_exclusion_rate", "fn", "tp fn", _LESS, "wrongful exclusion rate", "taux d'exclusion à tort", "= false negative rate"),
        _metric("positive_predictive_value", "tp", "tp fp", _MORE, "positive predictive value", "valeur prédictive positive", _BERK),
        _metric("negative_predictive_value", "tn", "fn tn", _MORE, "negative predictive value", "valeur prédictive négative", _BERK),
        _metric("false_discovery_rate", "fp", "tp fp", _LESS, "false discovery rate", "taux de fausses découvertes", _BERK),
        _metric("false_omission_rate", "fn", "fn tn", _LESS, "false omission rate", "taux de fausses omissions", _BERK),
        _metric("accuracy", "tp tn", _SEEN, _MORE, "accuracy", "exactitude", _BERK),
        _metric("error_rate", "fp fn", _SEEN, _LESS, "error rate", "taux d'erreur", _BERK),
    )
}

_Parts = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Composite:
    """A measure that is no proportion itself but a function of some, each `(hits, trials)`; it rises with every one of them.

    Its point value comes from the same two matrix products as the rates; only its interval is another (`composites`).
    """

    name: str
    parts: _Parts
    combine: Callable[..., NDArray[np.float64]]
    better: Better
    en: str
    fr: str
    source: str

    def value(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the measure of counts (..., 6 states); nan where a denominator is 0.

        >>> COMPOSITES["f1"].value(np.array([[6.0, 2, 3, 9, 0, 0], [0, 0, 0, 5, 0, 0]]))
        array([0.70588235,        nan])
        """
        return self.combine(*shares(counts, self.parts))


def shares(counts: NDArray[np.float64], parts: _Parts) -> list[NDArray[np.float64]]:
    """Return each proportion `(hits, trials)` of counts (..., 6 states); nan where it has no trials."""
    numerator, denominator = (
        np.array([[float(state in part[side]) for part in parts] for state in STATES]).reshape(len(STATES), len(parts)) for side in (0, 1)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return list(np.moveaxis((counts @ numerator) / (counts @ denominator), -1, 0))


def f1_of_jaccard(jaccard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2J/(1+J), J = tp/(tp+fp+fn): J is a proportion, F1 is none.

    >>> f1_of_jaccard(np.array([0.0, 0.5, 1.0]))
    array([0.        , 0.66666667, 1.        ])
    """
    return np.asarray(2 * jaccard / (1 + jaccard))


def _mean_of_two(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return (one + other) / 2


_TPR, _TNR = (("tp",), ("tp", "fn")), (("tn",), ("fp", "tn"))
COMPOSITES: Final[dict[str, Composite]] = {
    "f1": Composite(
        "f1", ((("tp",), ("tp", "fp", "fn")),), f1_of_jaccard, _MORE, "F1 score", "score F1", "van Rijsbergen 1979; 2J/(1+J), J of Jaccard"
    ),
    "balanced_accuracy": Composite(
        "balanced_accuracy", (_TPR, _TNR), _mean_of_two, _MORE, "balanced accuracy", "exactitude équilibrée", "Brodersen et al. 2010"
    ),
}


def meaning(name: str, language: str = "en") -> str:
    """Return in one sentence what a metric says about people.

    Raises
    ------
    EquiscoreError
        There is no metric of that name, or no text in that language.

    Examples
    --------
    >>> meaning("selection_rate")
    'Of all people of the group, the share that got the favourable decision.'
    """
    return say(f"metrics.{COMPOSITES[name].name if name in COMPOSITES else known(name).name}", language)


def chosen(names: Iterable[str] | None, *, outcome: bool) -> list[Metric]:
    """Return the metrics asked for, or all that the data can give.

    Raises
    ------
    EquiscoreError
        A name that is not in the table.
    """
    if names is None:
        return [metric for metric in METRICS.values() if outcome or not metric.needs_outcome]
    return [known(name) for name in names]


def known(name: str) -> Metric:
    """Return the metric of that name.

    Raises
    ------
    EquiscoreError
        There is none; the text names the nearest.
    """
    if name not in METRICS:
        near = nearest(name, METRICS)
        raise EquiscoreError(f"No metric {name!r}. Fix: " + (f"did you mean {near!r}?" if near else f"use one of {', '.join(METRICS)}."))
    return METRICS[name]


def more_is_better(names: Iterable[str]) -> NDArray[np.bool_]:
    """Tell of each named metric whether more of it is better for the person.

    >>> more_is_better(["selection_rate", "exclusion_rate"])
    array([ True, False])
    """
    return np.array([METRICS[name].better is Better.MORE for name in names], bool)


def unobserved_refused(counts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell of counts (..., 6 states) where no refused person's outcome was observed: what is seen of the accepted alone says nothing.

    >>> unobserved_refused(np.array([[5.0, 1, 0, 0, 0, 3], [5, 1, 1, 0, 0, 3]]))
    array([ True, False])
    """
    return np.asarray((counts[..., 5] > 0) & (counts[..., 2] + counts[..., 3] == 0))


def vectors(metrics: Iterable[Metric]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return numerators and denominators as two arrays (6 states, metrics).

    >>> hits, trials = vectors([METRICS["selection_rate"]])
    >>> hits.T, trials.T
    (array([[1., 1., 0., 0., 1., 0.]]), array([[1., 1., 1., 1., 1., 1.]]))
    """
    listed = list(metrics)
    return tuple(  # type: ignore[return-value]  # a tuple of two, built in one breath
        np.array([[float(state in getattr(metric, side)) for metric in listed] for state in STATES]).reshape(len(STATES), -1)
        for side in ("hits", "trials")
    )
