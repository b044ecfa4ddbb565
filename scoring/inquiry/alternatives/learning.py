"""From a candidate to a fitted estimator: who is learned from, with which weights, by which method."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scoring.errors import EquiscoreError
from scoring.inquiry.alternatives.candidates import Candidate
from scoring.inquiry.alternatives.penalised import penalised_scorecard
from scoring.inquiry.alternatives.people import Floats, People
from scoring.inquiry.alternatives.reductions import ReducedScore, grid_point
from scoring.inquiry.alternatives.reweighing import reweighing_weights
from scoring.inquiry.alternatives.settings import Settings
from scoring.inquiry.alternatives.thresholds import GroupRanks
from scoring.inquiry.membership import Membership
from scoring.models.binning import WoEBinner
from scoring.models.training import favourable_scores, make_engine
from scoring.vocabulary import UNKNOWN

ALL: Final = "(all)"
"""In the place of an attribute: every one of them."""


def one_core() -> AbstractContextManager[Any]:
    """Hold every library to one thread: several add up in an order of their own, and the last bits of a score hang on it."""
    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


def learn(candidate: Candidate, people: People, settings: Settings) -> Any:
    """Fit a candidate on people; what it must not see is taken away first.

    Returns
    -------
    estimator
        Fitted; it predicts from features alone, unless the candidate says that it uses a protected attribute at decision.

    Raises
    ------
    EquiscoreError
        No such method, or nothing left to learn from.
    """
    if candidate.method not in METHODS:
        raise EquiscoreError(f"No method {candidate.method!r} of learning. Fix: use one of {', '.join(METHODS)}.")
    left = seen(candidate, people)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a candidate that stopped early is measured like any other
        return METHODS[candidate.method](candidate, left, settings)


def seen(candidate: Candidate, people: People) -> People:
    """Return the people with the features that the candidate may see."""
    kept = [name for name in people.features.columns if name not in candidate.left_out]
    if not kept:
        raise EquiscoreError(f"{candidate.name}: no feature is left. Fix: leave out fewer.")
    return People(kept_features(people, kept), *(getattr(people, name) for name in _REST))


_REST: Final = ("target", "outcome", "groups", "weight", "meaning", "persons", "amounts", "costs", "current")


def kept_features(people: People, kept: list[str]) -> Any:
    """Return the columns kept."""
    return people.features[kept]


def scores_by(candidate: Candidate, estimator: Any, people: People) -> Floats:
    """Score people with a fitted candidate; more is more favourable."""
    features = seen(candidate, people).features
    if not candidate.uses_protected_at_decision:
        return favourable_scores(estimator, features, favourable=1.0)
    levels = level_of_each(_named(people, candidate.attribute)[0])
    ranks: Floats = estimator.predict_proba(features, sensitive_features=levels)[:, 1]
    return ranks


def level_of_each(held: Membership, *, least: int = 0) -> NDArray[np.object_]:
    """Return the level of each person as text; who is unknown, or in a group of fewer than `least`, is ``(unknown)``."""
    people = np.bincount(held.codes[held.codes >= 0], minlength=len(held.levels))
    names = np.array([*(name if n >= least else UNKNOWN for name, n in zip(held.levels, people, strict=True)), UNKNOWN], object)
    return names[held.codes]


def _named(people: People, attribute: str) -> tuple[Membership, ...]:
    found = people.groups if attribute == ALL else tuple(held for held in people.groups if held.attribute == attribute)
    if not found:
        raise EquiscoreError(f"No attribute {attribute!r}. Fix: use one of {', '.join(held.attribute for held in people.groups)}.")
    return found


def _engine(candidate: Candidate) -> Any:
    return make_engine(candidate.engine, **dict(candidate.parameters)).set_params(favourable=1.0)


def _fitted(candidate: Candidate, people: People, weight: Floats | None) -> Any:
    known = ~np.isnan(people.target)
    weights = {} if weight is None else {"sample_weight": weight[known]}
    return _engine(candidate).fit(people.features[known], people.target[known], **weights)


def _plain(candidate: Candidate, people: People, _: Settings) -> Any:
    return _fitted(candidate, people, people.weight)


def _reweighed(candidate: Candidate, people: People, _: Settings) -> Any:
    (held,) = _named(people, candidate.attribute)
    return _fitted(candidate, people, reweighing_weights(people.target, level_of_each(held), people.weight))


def _drawn(candidate: Candidate, people: People, settings: Settings) -> Any:
    """Weigh persons by the standard exponential: the Bayesian bootstrap (Rubin 1981), a model that the same evidence could have given."""
    persons, places = np.unique(people.person, return_inverse=True)
    rng = np.random.default_rng([settings.seed, int(dict(candidate.settings)["draw"])])
    drawn = rng.standard_exponential(len(persons))[places]
    return _fitted(candidate, people, drawn if people.weight is None else drawn * people.weight)


def _penalised(candidate: Candidate, people: People, _: Settings) -> Any:
    strength, parameters = float(dict(candidate.settings)["strength"]), dict(candidate.parameters)
    groups = _named(people, candidate.attribute)
    return penalised_scorecard(people.features, people.target, groups, strength=strength, sample_weight=people.weight, **parameters)


def _gradient(candidate: Candidate, people: People, settings: Settings) -> Any:
    """Bin once, against what came true, and reduce over logistic regressions of the evidence: hundreds of fits, each of milliseconds."""
    known, levels = _to_reduce(candidate, people, settings)
    evidence = WoEBinner(favourable=1.0).fit(people.features[known], people.target[known])
    logistic = LogisticRegression(solver="newton-cholesky")
    table, good = evidence.transform(people.features), people.target[known]
    if settings.rule == "cost":
        accepted, refused = (
            (settings.costs.wrongly_accepted, settings.costs.wrongly_refused) if people.costs is None else np.nanmean(people.costs, axis=0)
        )
        threshold = float(accepted / (accepted + refused))
    else:
        chance = clone(logistic).fit(table[known], good).predict_proba(table)[:, 1]
        threshold = float(np.quantile(chance, 1 - float(settings.value)))
    bound = float(dict(candidate.settings)["difference_bound"])
    model = ReducedScore(logistic, difference_bound=bound, threshold=float(np.clip(threshold, 0.01, 0.99)), favourable=1.0)
    model.fit(table[known], good, sensitive_features=levels[known])
    return Pipeline([("evidence", evidence), ("reduced", model)])


def _grid(candidate: Candidate, people: People, settings: Settings) -> Any:
    known, levels = _to_reduce(candidate, people, settings)
    asked = dict(candidate.settings)
    good = people.target[known].astype(np.intp)
    return grid_point(_engine(candidate), people.features[known], good, levels[known], point=int(asked["point"]), points=int(asked["points"]))


def _to_reduce(candidate: Candidate, people: People, settings: Settings) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    if people.weight is not None:
        raise EquiscoreError("fairlearn's reductions take no sample weights. Fix: leave the weights or the reductions out.")
    (held,) = _named(people, candidate.attribute)
    return ~np.isnan(people.target), level_of_each(held, least=settings.least_people)


def _by_group(candidate: Candidate, people: People, _: Settings) -> Any:
    (held,) = _named(people, candidate.attribute)
    levels, known = level_of_each(held), ~np.isnan(people.target)
    model = GroupRanks(_engine(candidate), favourable=1.0)
    weight = None if people.weight is None else people.weight[known]
    fitted = model.fit(people.features[known], people.target[known], weight, sensitive_features=levels[known])
    return fitted.spread(people.features, levels)  # decisions are made about everybody, of unknown outcome too


METHODS: Final[Mapping[str, Callable[[Candidate, People, Settings], Any]]] = {
    "plain": _plain,
    "reweighing": _reweighed,
    "draws": _drawn,
    "penalty": _penalised,
    "exponentiated_gradient": _gradient,
    "grid_search": _grid,
    "thresholds": _by_group,
}
