"""What a candidate is worth, and to whom: out-of-fold scores, one cut-off rule, and the counts that verdicts are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from scoring.errors import EquiscoreError
from scoring.fairness.curves import Estimate, auc, auc_from_bins, quantile
from scoring.inquiry.alternatives.candidates import Candidate
from scoring.inquiry.alternatives.learning import learn, scores_by
from scoring.inquiry.alternatives.people import Bools, Floats, People
from scoring.inquiry.alternatives.settings import Settings
from scoring.inquiry.alternatives.worst_ratio import Groups, groups_of, large_groups, worst
from scoring.inquiry.membership import spread_weights
from scoring.models.cutoffs import choose_cutoff
from scoring.vocabulary import WeightMeaning

FIGURES: Final = [
    *("auc", "auc_low", "auc_high", "profit", "profit_low", "profit_high", "worst_ratio", "worst_low", "worst_high"),
    *("worst_attribute", "worst_group", "selection_rate", "cutoff", "excluded_groups", "groups", "people", "observed", "unscored"),
]


def out_of_fold(candidate: Candidate, people: People, settings: Settings) -> Floats:
    """Score everybody by a model that was learned from the people of all other folds; the folds are the same for every candidate."""
    dealt = people.dealt(settings.folds, settings.seed)
    scores = np.full(len(people), np.nan)
    for fold in range(settings.folds):
        here = dealt == fold
        scores[here] = scores_by(candidate, learn(candidate, people.rows(~here), settings), people.rows(here))
    return scores


def measure(people: People, scores: Floats, settings: Settings, among: Groups | None = None) -> dict[str, Any]:
    """Return the figures of a score: performance, selection and the worst ratio, with intervals.

    Parameters
    ----------
    people
        Who is scored.
    scores
        One a person, more being more favourable; nan for who has none, who is counted and left out.
    settings
        How the cut-off is chosen, what a decision brings, what groups are held against.
    among
        The groups that have a part in the worst ratio; by default those of these people that are large enough.

    Returns
    -------
    dict
        The keys of `FIGURES`. AUC and profit speak of those whose outcome is known; all else of everybody with a score. The worst ratio
        is the smallest over the groups of at least `Settings.least_people`; its interval is the smallest of the lower and of the upper
        limits of all of them, each at the level ``1 - alpha/m`` of m groups (Bonferroni), so that it covers the smallest of the true
        ratios at the stated confidence, whichever group that is.
    """
    scored = np.isfinite(scores)
    some, values = (people, scores) if scored.all() else (people.rows(scored), scores[scored])
    cutoff = cut(some, values, settings)
    favoured = values >= cutoff
    weight = np.ones(len(some)) if some.weight is None else some.weight
    share = float(weight[favoured].sum() / weight.sum())
    gain = profit(some, favoured, settings)
    area = area_of(some, values, settings.bounds.confidence)
    figures = {
        "auc": area.value, "auc_low": area.low, "auc_high": area.high,
        "profit": gain.value, "profit_low": gain.low, "profit_high": gain.high,
        **worst(groups_of(some, favoured, settings), settings, large_groups(some, settings) if among is None else among),
        "selection_rate": share, "cutoff": cutoff, "people": len(people),
        "observed": int((~np.isnan(some.outcome)).sum()), "unscored": int((~scored).sum()),
    }  # fmt: skip
    return {name: figures[name] for name in FIGURES}


def cut(people: People, scores: Floats, settings: Settings) -> float:
    """Return the cut-off by the settled rule; for costs from those whose outcome is known."""
    outcome = None
    if settings.rule == "cost":
        outcome = pd.Series(people.outcome).astype(object).where(~np.isnan(people.outcome), None)
    if settings.rule != "cost" or people.costs is None:
        value = settings.costs if settings.rule == "cost" else settings.value
        return choose_cutoff(scores, rule=settings.rule, value=value, outcome=outcome, weights=people.weight).value
    accepted, refused = people.costs.T
    return choose_cutoff(scores, rule="cost", outcome=outcome, weights=people.weight, wrongly_accepted=accepted, wrongly_refused=refused).value


def settled(settings: Settings, people: People) -> Settings:
    """Turn a cut-off on the scale of the score in use into the share that it accepts: only that carries over to other scores.

    Raises
    ------
    EquiscoreError
        The value accepts nobody or everybody, or there is no score in use.
    """
    if settings.rule != "value":
        return settings
    if people.current is None:
        raise EquiscoreError("The rule value is about a score in use, and none is given. Fix: give `current`, or a share to accept.")
    scored = np.isfinite(people.current)
    found = choose_cutoff(
        people.current[scored], rule="value", value=settings.value, weights=None if people.weight is None else people.weight[scored]
    )
    if not 0 < found.share < 1:
        raise EquiscoreError(f"value: {settings.value} accepts {found.share:.0%} of the people. Fix: give a cut-off that parts them.")
    return replace(settings, rule="accept_share", value=found.share)


# -- performance -------------------------------------------------------------------------------------------------------------------


def area_of(people: People, scores: Floats, confidence: float) -> Estimate[float]:
    """Return the AUC over the people whose outcome is known; of weights that are no counts the variance is linearised.

    Rows of one person are taken as independent here: `weight` apart, the interval is that of `scoring.fairness.curves.auc`.
    """
    known = ~np.isnan(people.outcome)
    good, weight = people.outcome[known], None if people.weight is None else people.weight[known]
    if weight is None or people.meaning is WeightMeaning.COUNT:
        return auc(scores[known], good, weights=weight, confidence=confidence)
    values, place = np.unique(scores[known], return_inverse=True)
    sides = [np.bincount(place, side * chosen, minlength=len(values)) for side in (weight, weight**2) for chosen in (good, 1 - good)]
    found = auc_from_bins(sides[0], sides[1], squared=(sides[2], sides[3]), exact_ties=True, confidence=confidence)
    return Estimate(float(found.value), float(found.low), float(found.high))


def brought(people: People, favoured: Bools, settings: Settings) -> Floats:
    """Return what the decision about each person brings; nan where it is not known how it turned out, or where no payoffs are declared."""
    good = people.outcome == 1
    if settings.payoffs is None and people.costs is not None:
        lost = np.select([favoured & ~good, ~favoured & good], list(people.costs.T), 0.0)
        return np.where(np.isnan(people.outcome), np.nan, -lost)
    payoffs = settings.gains
    if payoffs is None:
        return np.full(len(people), np.nan)
    table = np.array([[payoffs.refused_bad, payoffs.refused_good], [payoffs.accepted_bad, payoffs.accepted_good]])
    value = table[favoured.astype(np.intp), good.astype(np.intp)]
    return np.where(np.isnan(people.outcome), np.nan, value if people.amounts is None else value * people.amounts)


def profit(people: People, favoured: Bools, settings: Settings) -> Estimate[float]:
    """Return the mean profit a person over those whose outcome (and amount) is known; nan where no payoffs are declared."""
    return mean_of(brought(people, favoured, settings), people, settings.bounds.confidence)


def mean_of(values: Floats, people: People, confidence: float) -> Estimate[float]:
    """Return the weighted mean of what is known, with the normal interval of its linearised variance, by person."""
    known = ~np.isnan(values)
    weight = (np.ones(len(people)) if people.weight is None else people.weight)[known]
    total = weight.sum()
    if not total > 0:
        return Estimate(*[float("nan")] * 3)
    mean = float(weight @ values[known] / total)
    if people.independent:
        squares, n = float(spread_weights(weight, people.meaning) @ (values[known] - mean) ** 2), float(known.sum())
        n = float(total) if people.meaning is WeightMeaning.COUNT and people.weight is not None else n
    else:
        sums = np.bincount(np.unique(people.person[known], return_inverse=True)[1], weight * (values[known] - mean))
        squares, n = float((sums**2).sum()), float(len(sums))
    half = quantile(confidence) * np.sqrt(squares * n / (n - 1)) / total if n > 1 else float("nan")
    return Estimate(mean, float(mean - half), float(mean + half))
