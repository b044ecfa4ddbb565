"""Reject inference, offered only with the experiment that asks whether it helps.

Outcomes are known of the accepted alone. A method of reject inference puts an assumption where those of the refused would be; whether that
makes better scores cannot be seen from the data that it is made on. So part of the people whose outcome is known is hidden, as the policy
hides the refused; models with and without each method score them, and the truth decides. A method can be applied from the result of such an
experiment only, and only where it was shown to help. Otherwise what the outcomes of the refused could be is bounded, not guessed: see
`scoring.fairness.unseen.selective`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.models.columns import ModelError
from scoring.models.refused.reject_experiment import METRICS, Gains, better_folds, gains
from scoring.models.refused.reject_methods import KINDS, RejectMethod, fit_training, seen_by
from scoring.models.refused.reject_task import RejectTask, read_task, scored, simulated
from scoring.texts import say

__all__ = ["DEFAULT_METHODS", "RejectExperiment", "RejectMethod", "reject_inference_experiment"]

Bools = NDArray[np.bool_]
DEFAULT_METHODS: Final = (
    RejectMethod("reweighting"),
    RejectMethod("fuzzy_augmentation"),
    RejectMethod("parcelling", factor=1.5),  # our choice: half as many again as among the accepted of like score
    RejectMethod("extrapolation"),
    RejectMethod("self_learning"),
)
REJECT: Final = [
    "method",
    "population",
    "metric",
    "people",
    "unfavourable",
    "without",
    "with",
    "gain",
    "low",
    "high",
    "better_folds",
    "folds",
    "helps",
    "confidence",
]
SHOWN: Final = "shown"
"""The gain is above 0 with its whole interval and in every fold, and no less than what is worth having."""
NOT_SHOWN: Final = "not shown"
"""Neither a gain nor a loss is shown. Never a reason to use the method."""
HARMS: Final = "harms"
"""A loss is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class RejectExperiment:
    """Whether each method helped people whose outcome was hidden; the only door to applying one."""

    table: pd.DataFrame
    """A row a method, population (``hidden``, ``everybody``) and metric; the columns `REJECT`."""
    methods: tuple[RejectMethod, ...]
    simulated: bool
    """True: accepted people were hidden on purpose. False: outcomes of refused people were given."""
    hidden_odds_ratio: float
    """How refusals were assumed to hang on the outcome itself, where simulated; 1: not at all."""
    hidden: Bools
    """Whose outcome was hidden, a row each."""
    _task: RejectTask

    def helps(self, method: str) -> str:
        """Return ``shown``, ``not shown`` or ``harms`` for a method, all its rows together.

        shown: the Brier score of the hidden is shown to be better, and nothing is shown to be worse. harms: something is.
        """
        mine = self.table[self.table["method"] == self._named(method).name]
        judged = mine[(mine["population"] == "hidden") | (mine["metric"] != "calibration")]
        if (judged["helps"] == HARMS).any():
            return HARMS
        primary = mine[(mine["population"] == "hidden") & (mine["metric"] == "brier")]
        return SHOWN if (primary["helps"] == SHOWN).all() else NOT_SHOWN

    @property
    def verdicts(self) -> pd.Series:
        """What `helps` says of each method."""
        return pd.Series({method.name: self.helps(method.name) for method in self.methods}, name="helps", dtype=object)

    def apply(self, method: str) -> Any:
        """Fit the estimator on everybody by a method that was shown to help.

        Where outcomes of refused people were given, they are left unused here as in the experiment, which says nothing of a training that
        has them.

        Returns
        -------
        estimator
            A fitted copy of the estimator, with nothing of this package around it.

        Raises
        ------
        EquiscoreError
            The method was not shown to help, is not of this experiment, nobody was refused, or the experiment assumed how refusals hang on the
        outcome (`hidden_odds_ratio`), which nothing in the data can bear out.
        """
        chosen, task = self._named(method), self._task
        if self.simulated and self.hidden_odds_ratio != 1:
            raise ModelError(
                f"{method}: the experiment took a bad outcome to raise the odds of refusal {self.hidden_odds_ratio:g} times. That shows what would "
                "follow, not what is. Fix: bring outcomes of some refused people (hidden), or state the bounds (scoring.fairness.unseen.selective)."
            )
        if (said := self.helps(method)) != SHOWN:
            raise ModelError(
                f"{method}: that it helps is {said!r} in this experiment, so it is not applied. Fix: train on the accepted, and state the bounds of "
                "what the outcomes of the refused could be (scoring.fairness.unseen.selective); or bring outcomes of some refused people."
            )
        visible = task.observed & ~self.hidden if not self.simulated else task.observed
        if visible.all():
            raise ModelError(f"{method}: nobody was refused, so nothing is to be inferred. Fix: fit the estimator itself.")
        _, seen = seen_by(task.estimator, task.acceptance, task.X, visible, task.favourable, task.classes, task.weights, seed=task.seed)
        return fit_training(task.estimator, task.X, KINDS[chosen.kind](seen, chosen), task.classes)

    def sentences(self, language: str) -> list[str]:
        """Return what the experiment says, in English or French: how it was made, each method, and what to do where none helps."""
        primary = self.table[(self.table["population"] == "hidden") & (self.table["metric"] == "brier")]
        first = primary.iloc[0]
        how = "simulated" if self.simulated else "given"
        said = [say(f"stability.reject_{how}", language, people=first["people"], odds=self.hidden_odds_ratio)]
        for row in primary.rename(columns={"with": "there"}).to_dict("records"):
            named = say(f"stability.method_{row['method'].split(' ')[0]}", language)
            factor = row["method"].partition(" x")[2]
            named = say("stability.method_factor", language, method=named, factor=float(factor)) if factor else named
            verdict = self.helps(row["method"]).replace(" ", "_")
            said.append(say(f"stability.reject_{verdict}", language, **{str(key): value for key, value in row.items()} | {"method": named}))
        if self.simulated and self.hidden_odds_ratio != 1:
            said.append(say("stability.reject_what_if", language))
        return said if (self.verdicts == SHOWN).any() else [*said, say("stability.reject_bounds", language)]

    def _named(self, method: str) -> RejectMethod:
        for one in self.methods:
            if one.name == method:
                return one
        raise ModelError(f"No method {method!r} in this experiment. Fix: use one of {', '.join(one.name for one in self.methods)}.")


def reject_inference_experiment(
    estimator: Any,
    X: Any,
    y: Any,
    observed: Any = None,
    *,
    methods: Sequence[RejectMethod] = DEFAULT_METHODS,
    hidden: Any = None,
    hidden_share: float | None = None,
    hidden_odds_ratio: float = 1.0,
    acceptance: Any = None,
    favourable: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    folds: int = 5,
    seed: int = 1,
    draws: int = 2000,
    confidence: float = 0.95,
    least: float = 0.001,
) -> RejectExperiment:
    """Ask of people whose outcome is known, but hidden from training, whether methods of reject inference make better scores of them.

    Parameters
    ----------
    estimator
        Any scikit-learn classifier with `predict_proba`; `sample_weight` is needed by reweighting and fuzzy augmentation.
    X, y
        Features, and the outcome (missing, or anything, where it was not observed).
    observed : array_like of bool, optional
        Whose outcome was seen, the accepted; by default where `y` is not missing.
    methods : sequence of RejectMethod
        What is tried. The intervals are wider the more are tried (Bonferroni).
    hidden : array_like of bool, optional
        Refused people whose outcome is known all the same (from a bureau, or accepted at random for the purpose): the best evidence
        there is. By default accepted people are hidden instead, as a model of acceptance by the features would have refused them again.
    hidden_share : float, optional
        The share of the accepted to hide; by default the share of people who were refused.
    hidden_odds_ratio : float
        Simulated refusals hang on the features alone at 1, and on the outcome itself above (`hide`). It is an assumption about what cannot
        be seen: another value than 1 asks what would follow from it, and nothing can be applied from that.
    acceptance
        A classifier that learns who was accepted; by default `Scorecard`.
    favourable, groups, sample_weight
        The favourable class (by default the second), whose each row is, its weight.
    folds, seed, draws
        Nobody is scored by a model that saw them, even without their outcome; bootstrap draws of persons.
    confidence : float
        Of the intervals of all methods together, metric by metric.
    least : float
        The least gain or loss worth speaking of, in each metric's own unit; our choice.

    Returns
    -------
    RejectExperiment
        With `table`, `helps`, `apply`, `sentences`. gain: positive is better, whatever the metric.

    Raises
    ------
    EquiscoreError
        Nobody to hide or to learn from, too few people of a class for the folds, settings outside their ranges, a method twice.

    Notes
    -----
    The bootstrap holds the models for given: it says how sure one can be about these models and people like these. That a gain comes back
    with other models is asked by the folds (better_folds of folds): a gain is shown only where it is one in each; a loss needs no such thing. A
    method shown to help people hidden in one way need not help those who were refused in another; where refusals hang on what is in no file,
    only `hidden` can tell.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> people = pd.DataFrame({"x": rng.normal(size=600), "z": rng.normal(size=600)})
    >>> outcome = (people["x"] + rng.logistic(size=600) > 0).astype(float).where(people["x"] + people["z"] > -0.5)
    >>> from sklearn.linear_model import LogisticRegression
    >>> tried = reject_inference_experiment(LogisticRegression(), people, outcome, methods=[RejectMethod("fuzzy_augmentation")], draws=200)
    >>> tried.verdicts.to_dict(), len(tried.table)
    ({'fuzzy_augmentation': 'not shown'}, 6)
    """
    _check_settings(methods, confidence, draws, least)
    task = read_task(estimator, acceptance, X, y, observed, hidden, favourable, groups, sample_weight, seed)
    if hidden is None:
        concealed = simulated(task, folds, hidden_share, hidden_odds_ratio)
        among = task.observed
    else:
        concealed = np.asarray(hidden, dtype=bool) & task.observed
        among = np.ones(len(task.observed), bool)
    if not concealed.any() or not (task.observed & ~concealed).any():
        raise ModelError(f"{concealed.sum()} of {task.observed.sum()} known outcomes are hidden. Fix: hide some, and leave some to learn from.")
    without, values, dealt = scored(task, concealed, among, methods, folds)
    parts = []
    for population, rows in (("hidden", concealed), ("everybody", task.observed & among)):
        persons = np.unique(task.persons[rows], return_inverse=True)[1]
        part = task.favourable[rows], without[rows], values[:, rows], task.weights[rows]
        found = gains(*part, persons, draws=draws, alpha=(1 - confidence) / len(methods), seed=seed)
        told = _rows(found, methods, better_folds(*part, dealt[rows]), len(np.unique(dealt[rows])), least=least)
        parts.append(told.assign(population=population, people=int(rows.sum()), unfavourable=int((~task.favourable[rows]).sum())))
    table = pd.concat(parts, ignore_index=True).assign(confidence=confidence)[REJECT]
    concealed.flags.writeable = False
    return RejectExperiment(table, tuple(methods), hidden is None, hidden_odds_ratio if hidden is None else float("nan"), concealed, task)


def _check_settings(methods: Sequence[RejectMethod], confidence: float, draws: int, least: float) -> None:
    names = [method.name for method in methods]
    if not names or len(set(names)) < len(names):
        raise ModelError(f"methods: {', '.join(names) or 'none'}. Fix: give at least one, and each once.")
    if not (0 < confidence < 1 and draws >= 100 and least >= 0):
        raise ModelError(
            f"confidence={confidence!r}, draws={draws!r}, least={least!r}. Fix: confidence in (0, 1), 100 draws or more, least 0 or more."
        )


def _rows(found: Gains, methods: Sequence[RejectMethod], better: NDArray[np.intp], folds: int, *, least: float) -> pd.DataFrame:
    gained = (found.low > 0) & (found.gain >= least) & (better == folds)
    helps = np.select([gained, (found.high < 0) & (found.gain <= -least)], [SHOWN, HARMS], NOT_SHOWN)
    columns = {
        "method": np.array([method.name for method in methods], object)[:, None], "metric": np.array(METRICS, object)[None, :],
        "without": found.without[None, :], "with": found.there, "gain": found.gain, "low": found.low, "high": found.high,
        "better_folds": better, "helps": helps,
    }  # fmt: skip
    return pd.DataFrame({name: np.broadcast_to(values, found.gain.shape).ravel() for name, values in columns.items()}).assign(folds=folds)
