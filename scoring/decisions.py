"""How far the decisions taken follow the score at the cut-off that was in force: counted from the histogram of a study, for art. 22 GDPR."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from scoring.fairness.bins import NO_SCORE
from scoring.fairness.counts import Counts
from scoring.fairness.intervals import proportion_interval
from scoring.law.decisiveness import Decisiveness, decisiveness
from scoring.plan import Plan
from scoring.vocabulary import undecided_reason

FIXES: Final = {
    "no_score": "There is no score, or nobody with one was decided about. Fix: declare study.score.",
    "is_the_score": "The decision is the score at its cut-off, so that it follows the score by construction. Fix: declare study.decision.column, "
    "the decisions that were taken.",
    "no_cutoff": "The cut-off in force when the decisions were taken is not said. Fix: declare study.score.applied_cutoff.",
    "coarse": "The bins in which the scores were counted do not part at the cut-off. Fix: declare study.score.applied_cutoff, then study again.",
    "few": "So few people were decided about that nothing can be told of them. Fix: none; nothing of them is published.",
}
"""Why it cannot be measured, and how that is mended."""


def followed(counts: Counts, plan: Plan, cutoff: float | None = None, *, attribute: str | None = None) -> tuple[Decisiveness | None, str]:
    """Count the decisions that the score alone would have taken, with Wilson intervals, or return nothing and why.

    Where the decision *is* the score at a cut-off, nothing was observed of the decisions really taken: a share of 100 % would be true by
    construction and say nothing, so it is left unknown. Who has no decision, or no score, is counted apart.

    Parameters
    ----------
    counts, plan
        Of the study.
    cutoff
        That was in force when the decisions were taken, in the score's own units; by default the declared one (`Score.applied_cutoff`).
    attribute
        The only attribute to count by; by default all.

    Returns
    -------
    Decisiveness or None
        Nothing where it cannot be measured.
    str
        Why not, a key of `FIXES`; else empty.
    """
    at = plan.applied_cutoff if cutoff is None else plan.direction * cutoff
    if why := _why_not(counts, plan, at):
        return None, why
    names = counts.attributes if attribute is None else [attribute]
    listed = [mine for name in names if len(mine := counts.histogram[counts.histogram["attribute"] == name])]
    parts = [_of_attribute(mine, np.append(-np.inf, counts.edges) >= at, plan) for mine in listed]
    if not parts or not parts[0].people:
        return None, "no_score"
    first, table = parts[0], pd.concat([part.by_group for part in parts], ignore_index=True)
    return Decisiveness(first.people, first.following, first.low, first.high, table, _unscored(listed[0]), _undecided(counts, plan)), ""


def _why_not(counts: Counts, plan: Plan, at: float | None) -> str:
    if plan.score is None or counts.histogram.empty:
        return "no_score"
    if plan.decision.column is None:
        return "is_the_score"
    if at is None:
        return "no_cutoff"
    return "" if counts.exact or (counts.edges == at).any() else "coarse"


def _of_attribute(rows: pd.DataFrame, reached: np.ndarray[Any, Any], plan: Plan) -> Decisiveness:
    """Count one attribute; `reached` tells of each bin whether it lies at or above the cut-off."""
    held = rows[(rows["bin"] != NO_SCORE) & rows["decision"].isin([0, 1])]
    return decisiveness(
        held["decision"].to_numpy(),
        reached[held["bin"].to_numpy()],
        groups={str(rows["attribute"].iloc[0]): held["group"].to_numpy()},
        counts=held["n"].to_numpy(),
        interval=lambda hits, trials: proportion_interval(hits, trials, confidence=plan.bounds.confidence),
    )


def _unscored(rows: pd.DataFrame) -> float:
    """Return how many people of one attribute were decided about without a score."""
    return float(rows.loc[rows["decision"].isin([0, 1]) & (rows["bin"] == NO_SCORE), "n"].sum())


def _undecided(counts: Counts, plan: Plan) -> float:
    """Return how many people have no decision: their rows are among the rejected."""
    rejected = counts.rejected
    return float(rejected.loc[rejected["reject"] == undecided_reason(plan.decision.column), "n"].sum())


def few_hidden(number: float, threshold: int) -> float:
    """Return a count as it may be told: nan where it is of a few.

    >>> few_hidden(3, 10), few_hidden(0, 10), few_hidden(12, 10)
    (nan, 0, 12)
    """
    return float("nan") if 0 < number < threshold else number
