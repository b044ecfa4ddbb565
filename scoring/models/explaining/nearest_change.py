"""The nearest change of a person's data that would have brought the score to the cut-off.

The Court of Justice (C-203/22, Dun & Bradstreet Austria, 27 February 2025) holds it apt to tell the person how far a variation in
the data taken into account would have led to a different result. Here: the fewest features to change, of those the set of least
effort, found exactly, as parts that add up can be chosen feature by feature; and then scored again by the model itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import logit

from scoring.errors import EquiscoreError
from scoring.models.explaining.cheapest import cheapest
from scoring.models.explaining.contributions import LOG_ODDS, TOLERANCE, NotAdditive, by_points, contributions, uncalibrated
from scoring.models.explaining.curves import Floats, Score, own_favourable, scored_by
from scoring.models.explaining.options import Option, Place, bin_options, bins_of, is_whole, value_options
from scoring.models.explaining.traits import Trait, Traits, read_traits
from scoring.models.training import favourable_scores

REACHED, FOUND, OUT_OF_REACH, NOTHING_CHANGEABLE = "reached", "found", "out_of_reach", "nothing_changeable"
CHANGES: Final = ["feature", "before", "to", "after", "gain", "steps", "effort"]
VARIATIONS: Final = ["feature", "to", "value", "gain", "steps", "effort", "score", "crosses"]
GRID: Final = 64
"""How many values of other people are tried for a number of a model without bins."""
MOST_TRIES: Final = 500
"""Of sets that fall short when scored again: a calibration is flat in places, and only scoring tells where."""


@dataclass(frozen=True, slots=True, eq=False)
class NearestChange:
    """Whether a change of what a person can change would have been enough, and which is the nearest.

    Attributes
    ----------
    status : str
        ``reached`` (the score is at the cut-off or above: nothing to change), ``found``, ``out_of_reach`` (no change of what can be
        changed suffices) or ``nothing_changeable``.
    cutoff, score : float
        In the model's own scores: points of a card, else the probability of the favourable class.
    changes : tuple of Option
        The nearest change, in the order of the features; empty unless found.
    score_after : float
        What the model itself gives after the change (``found``), or after the best of all that can be changed (``out_of_reach``).
    considered, undeclared : tuple of str
        Features that a person can change; features of the model of which that was not declared, left as they are.
    variations : DataFrame
        Each single change by itself: see `VARIATIONS`; score by the model itself, and whether that alone crosses the cut-off.
    before : mapping
        The person's own values of the features considered.
    places : mapping
        Feature and `to` of each variation: the range or level that it is.
    unit : str
        Of the gains: points, log-odds or probability.
    """

    status: str
    cutoff: float
    score: float
    unit: str
    changes: tuple[Option, ...] = ()
    score_after: float = math.nan
    considered: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()
    variations: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=VARIATIONS))
    before: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Place] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """Return a row a change: see `CHANGES`; `to` is the bin, level or value, `after` the value that was scored."""
        rows = [(one.feature, self.before[one.feature], one.to.label, one.value, one.gain, one.steps, one.effort) for one in self.changes]
        return pd.DataFrame(rows, columns=CHANGES)


def nearest_change(
    estimator: Any,
    person: pd.DataFrame,
    *,
    cutoff: float,
    traits: Traits | Mapping[str, Trait],
    background: pd.DataFrame | None = None,
    favourable: Any = None,
    grid: int = GRID,
) -> NearestChange:
    """Return the nearest change of a person's data that brings the score to the cut-off, scored again by the model itself.

    Parameters
    ----------
    estimator
        A fitted model whose contributions add up (`scoring.models.explaining.contributions`), calibrated or not.
    person : DataFrame
        One row, with the columns of the fit.
    cutoff : float
        Points of a card, else a probability of the favourable class; who scores it or more is accepted.
    traits
        What a person can change, which way and how far. Only what is declared changeable and is not protected moves.
    background : DataFrame, optional
        Other people, by whose values a model without bins is tried; the model is held to add up on every one of them.
    favourable
        The class that more is better for; by default the model's own.
    grid : int
        Most values tried for a number of a model without bins; the nearest change is exact over these.

    Raises
    ------
    NotAdditive
        The model's parts do not add up, so nothing can be said of single features.
    EquiscoreError
        Not one person; no background for a model without bins; a trait of a column that is not there.

    Examples
    --------
    >>> from scoring.models import Scorecard, WoEBinner
    >>> people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"]})
    >>> card = Scorecard(binner=WoEBinner(shrink=False)).fit(people, ["good", "good", "bad", "good", "good", "bad"])
    >>> found = nearest_change(card, people.iloc[[2]], cutoff=500, traits={"home": Trait(changeable=True)})
    >>> found.table()[["feature", "before", "to", "gain"]].values.tolist(), found.score, found.score_after
    ([['home', 'rent', 'own', 69.0]], 480.0, 549.0)
    """
    if len(person) != 1:
        raise EquiscoreError(f"{len(person)} rows are not a person. Fix: give a frame of one row.")
    known = read_traits(traits).checked(person.columns)
    task = _Task.of(estimator, person, cutoff, background, favourable)
    own, used = float(task.decided(task.person)[0]), _used(task.model, person)
    considered = tuple(name for name in used if known.of(name).movable)
    undeclared = tuple(name for name in used if known.of(name).changeable is None and not known.of(name).protected)
    facts: dict[str, Any] = {"cutoff": cutoff, "score": own, "unit": task.unit, "considered": considered, "undeclared": undeclared}
    facts["before"] = {name: person[name].iloc[0] for name in considered}
    if not considered:
        return NearestChange(REACHED if own >= cutoff else NOTHING_CHANGEABLE, **facts)
    options, facts["variations"] = _weighed(task, _options(task, considered, known, grid))
    facts["places"] = {(one.feature, one.to.label): one.to for one in options}
    if own >= cutoff:
        return NearestChange(REACHED, **facts)
    return _found(task, options, facts)


def _used(model: Any, person: pd.DataFrame) -> list[str]:
    """Return the features that count: of a card those that entered it."""
    return list(model.features_ if hasattr(model, "points_by_feature") else person.columns)


@dataclass(frozen=True, slots=True)
class _Task:
    """One person, one model, one cut-off."""

    estimator: Any
    model: Any
    """The model under a calibration, or the estimator itself."""
    person: pd.DataFrame
    cutoff: float
    background: pd.DataFrame | None
    favourable: Any
    added: Score
    """The score on the scale on which parts add up, which is `unit`; the decision is taken by `decided`."""
    unit: str

    @classmethod
    def of(cls, estimator: Any, person: pd.DataFrame, cutoff: float, background: pd.DataFrame | None, favourable: Any) -> _Task:
        model = uncalibrated(estimator)
        known = own_favourable(estimator) if favourable is None else favourable
        scored = scored_by(model, known, points=by_points(estimator))
        return cls(estimator, model, person.reset_index(drop=True), cutoff, background, known, *scored)

    def decided(self, rows: pd.DataFrame) -> Floats:
        """Return the scores that the cut-off is held against."""
        return favourable_scores(self.estimator, rows, favourable=self.favourable)

    def changed(self, options: Sequence[Option]) -> pd.DataFrame:
        """Return the person after changes."""
        row = self.person.copy()
        for one in options:
            row[one.feature] = _column([one.value], row[one.feature].dtype)
        return row

    def needed(self) -> float:
        """Return a gain that the answer must reach: the whole of it where the scale tells, else as much as the background shows to be too little."""
        own = float(self.added(self.person)[0])
        if self.estimator is self.model or by_points(self.estimator):
            wished = float(logit(self.cutoff)) if self.unit == LOG_ODDS else self.cutoff
            return wished - own - TOLERANCE * max(1.0, abs(wished))  # rounding; whatever falls short is found out when scored again
        if self.background is None:
            raise EquiscoreError(f"{type(self.estimator).__name__} is calibrated: only people tell by how much. Fix: give background=, other people.")
        added, decided = self.added(self.background), self.decided(self.background)
        if (np.diff(decided[np.argsort(added, kind="stable")]) < -TOLERANCE).any():
            raise NotAdditive(f"{type(self.estimator).__name__}: the calibration turns some scores round. Fix: explain the model without it.")
        return math.nextafter(max([own, *added[decided < self.cutoff].tolist()]) - own, math.inf)  # who is no better falls short too


def _column(values: Sequence[Any], like: Any) -> Any:
    """Return values as a column: numbers, categories where the person's column knows them all, else as they are (text, truth values)."""
    if isinstance(like, pd.CategoricalDtype) and set(values) <= set(like.categories):
        return pd.Categorical(list(values), dtype=like)
    numbers = all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in values)
    return pd.array(list(values), dtype="float64") if numbers else pd.Series(list(values), dtype=object).infer_objects().array


def _options(task: _Task, considered: Sequence[str], traits: Traits, grid: int) -> list[Option]:
    others, person = task.background, task.person
    if hasattr(task.model, "points_by_feature"):
        bins = bins_of(task.model)
        whole = {name: is_whole(person[name], None if others is None or name not in others else others[name]) for name in considered}
        return [one for name in considered for one in bin_options(bins[name], person[name], traits.of(name), whole=whole[name])]
    if others is None:
        raise EquiscoreError(f"{type(task.model).__name__} has no bins to move between. Fix: give background=, a table of other people.")
    contributions(task.model, others, favourable=task.favourable, reference=person)  # refuses what does not add up
    return [one for name in considered for one in value_options(name, person[name], others[name], traits.of(name), grid)]


def _weighed(task: _Task, options: Sequence[Option]) -> tuple[list[Option], pd.DataFrame]:
    """Score each change by itself: what it gains, and the score that it alone would give."""
    if not options:
        return [], pd.DataFrame(columns=VARIATIONS)
    rows = _probes(task.person, options)
    gains, scores = task.added(rows) - task.added(task.person)[0], task.decided(rows)
    weighed = [one._replace(gain=float(gain)) for one, gain in zip(options, gains, strict=True)]
    told = [(one.feature, one.to.label, one.value, one.gain, one.steps, one.effort) for one in weighed]
    return weighed, pd.DataFrame(told, columns=VARIATIONS[:6]).assign(score=scores, crosses=scores >= task.cutoff)


def _probes(person: pd.DataFrame, options: Sequence[Option]) -> pd.DataFrame:
    """Return the person as often as there are changes, each time with one of them; the changes of a feature stand together."""
    blocks = []
    for name, same in groupby(options, key=lambda one: one.feature):
        values = [one.value for one in same]
        rows = person.iloc[np.zeros(len(values), np.intp)].reset_index(drop=True)
        rows[name] = _column(values, person[name].dtype)
        blocks.append(rows)
    return pd.concat(blocks, ignore_index=True)


def _found(task: _Task, options: Sequence[Option], facts: Mapping[str, Any]) -> NearestChange:
    """Take the cheapest set; where it falls short when scored again, ask for more than it gave, until one suffices or none is left."""
    by_feature = [[one for one in options if one.feature == name and one.gain > 0] for name in facts["considered"]]
    need = task.needed()
    for _ in range(MOST_TRIES):
        chosen = cheapest(by_feature, need)
        if chosen is None:
            break
        after = float(task.decided(task.changed(chosen))[0])
        if after >= task.cutoff:
            return NearestChange(FOUND, changes=chosen, score_after=after, **facts)
        need = math.nextafter(sum(one.gain for one in chosen), math.inf)
    else:
        raise EquiscoreError(f"{MOST_TRIES} sets of changes fell short when scored again. Fix: give background=, or the model uncalibrated.")
    best = [max(own, key=lambda one: one.gain) for own in by_feature if own]
    return NearestChange(OUT_OF_REACH, score_after=float(task.decided(task.changed(best))[0]), **facts)
