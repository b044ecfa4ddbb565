"""How well the features tell who is in a group, all together and one by one, always asked of people whom the model had not seen.

A model that is never shown an attribute is not blind to it where its inputs recover it. The reverse is never claimed: that a group
is not recovered by these models does not show that it cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scoring.errors import EquiscoreError
from scoring.fairness.curves import Estimate
from scoring.fairness.restricted import between_0_and_1
from scoring.inquiry.columns import Encoded, encoded
from scoring.inquiry.membership import Floats, Membership, memberships, read_weights
from scoring.inquiry.recovery import Bools, Places, Task, by_rate, estimated, together
from scoring.models.threads import one_thread
from scoring.models.training import deal_folds
from scoring.vocabulary import UNKNOWN, WeightMeaning

ALL: Final = "(all)"
"""The row of all features together."""
PROXIES = [
    *("attribute", "level", "feature", "auc", "low", "high", "without", "fall", "members", "n", "people", "unknown", "learned_from"),
    *("folds", "seed", "confidence", "reason"),
]

MOST: Final = 100_000
"""People asked at most; of more, a sample is drawn. The interval is then about .01 either way for a group of 3,000."""


def recoverability(
    features: Any,
    membership: Any,
    *,
    folds: int = 5,
    seed: int = 1,
    groups: Any = None,
    weights: ArrayLike | None = None,
    meaning: WeightMeaning = WeightMeaning.WEIGHT,
    confidence: float = 0.95,
    attribute: str | None = None,
    left_out: int | None = 5,
    most: int = MOST,
) -> pd.DataFrame:
    """Return how well the features recover each level of a protected attribute, cross-fitted.

    Each level against all other known people: gradient boosting on all features, and on all but one for the `left_out` strongest;
    and of each single feature the rate of members by bin (level, or about 50 people and more), drawn to the overall rate. Everybody is
    scored by a model of the other folds and set against people of the same fold only, so that differences between folds are no signal.

    Parameters
    ----------
    features : DataFrame or array_like
        What the score sees: numbers, text, categories, yes/no, missing values. Never the attribute itself.
    membership : Series, array_like or DataFrame
        The level of each person, by position; of a frame each column is an attribute. The unknown are left out and counted.
    folds, seed : int
        How many folds, and what deals them; the same people give the same result, in whatever order they come.
    groups : array_like, optional
        Whose each row is: all rows of a person are in one fold. The interval takes rows as independent all the same.
    weights, meaning
        A weight a person, and what it is; weights that are no counts enter the interval by linearisation.
    confidence : float
        Coverage of the interval.
    attribute : str, optional
        What the attribute is called, where `membership` has no name.
    left_out : int, optional
        Of how many features, the strongest alone first, the AUC without it is worked out; None for all.
    most : int
        People asked at most; of more a sample of whole persons is drawn, and `n` and `people` say so.

    Returns
    -------
    DataFrame
        A row a level and feature, ``(all)`` first, then the strongest alone: attribute, level, feature, auc with its interval (DeLong's
        variance within folds, limits as in `scoring.fairness.curves.auc`; of these people and models, not of learning anew), without
        (AUC of all features but it; nan where it was not left out), fall (AUC of all, less that), members, n (rows asked), people
        (rows whose group is known), unknown, learned_from (rows of the largest model), folds, seed, confidence, reason (``""``;
        ``constant``: the feature is the same for all; ``everybody``, ``nobody_known``, ``few_members``, ``few_others``: the question
        cannot be asked, one row).

    Notes
    -----
    The interval holds the models for given, so it is a little narrow where there is nothing to find: in 300 made files of 400 people
    and noise, its lower limit was above .5 in 5 to 7 of a hundred, where 2.5 are meant, and its upper limit below .5 in 6 to 10. An AUC
    under .5 says that what one fold taught did not hold in the next.

    Raises
    ------
    EquiscoreError
        Not one level or weight a person, fewer than two folds, a column that cannot be read.

    Examples
    --------
    >>> people = pd.DataFrame({"postcode": ["a"] * 60 + ["b"] * 40, "shoe": list(range(100))[::-1]})
    >>> rows = recoverability(people[["postcode"]], ["north"] * 50 + ["south"] * 50, attribute="region")
    >>> rows[["level", "feature", "auc", "n"]].round(2).values.tolist()[:2]
    [['north', '(all)', 0.9, 100], ['north', 'postcode', 0.9, 100]]
    """
    between_0_and_1(confidence, "confidence")
    if folds < 2:
        raise EquiscoreError(f"folds: {folds} leave nobody to be asked. Fix: give 2 or more.")
    table = encoded(features)
    n_rows = len(table.values)
    weight, persons = read_weights(weights, n_rows), _persons(groups, n_rows)
    rows: list[dict[str, Any]] = []
    for member in memberships(membership, n_rows, attribute):
        chosen = _asked(table, member, persons, weight, seed=seed, most=most)
        some = table.rows(chosen)
        whose = None if persons is None else persons[chosen]
        task = Task(some, some.bins(), whose, weight[chosen], WeightMeaning(meaning), folds, seed, confidence, left_out)
        shared = {
            "attribute": member.attribute, "n": len(chosen), "people": int(((member.codes >= 0) & (weight > 0)).sum()),
            "unknown": int((member.codes < 0).sum()), "folds": folds, "seed": seed, "confidence": confidence,
        }  # fmt: skip
        with one_thread():  # entered once: looking for the threads of the machine takes longer than a small model
            rows += [{**shared, **row} for row in _of_attribute(task, member, member.codes[chosen])]
    return pd.DataFrame(rows, columns=PROXIES)


def _persons(groups: Any, n_rows: int) -> Places | None:
    if groups is None:
        return None
    codes, _ = pd.factorize(np.asarray(groups), sort=True)
    if len(codes) != n_rows or (codes < 0).any():
        raise EquiscoreError(f"groups: {len(codes)} for {n_rows} rows, or some missing. Fix: say of each row whose it is.")
    return codes.astype(np.intp)


def _asked(table: Encoded, member: Membership, persons: Places | None, weight: Floats, *, seed: int, most: int) -> Places:
    """Return the rows of those whose group is known; where they are too many, a sample of whole persons."""
    known = np.flatnonzero((member.codes >= 0) & (weight > 0))
    if len(known) <= most:
        return known
    whose = np.zeros(len(known), np.intp) if persons is None else persons[known]
    known = known[np.lexsort((whose, weight[known], member.codes[known], table.order[known]))]  # chance must not hang on the order of rows
    who = np.arange(len(known)) if persons is None else np.unique(persons[known], return_inverse=True)[1]
    drawn = np.random.default_rng(seed).permutation(who.max() + 1)
    return known[np.isin(who, drawn[np.cumsum(np.bincount(who)[drawn]) <= most])]


def _sorted(task: Task, member: Bools) -> tuple[Task, Bools]:
    """Put people in an order that neither that of their rows nor the names of the groups had a part in, and number them in it."""
    whose = np.zeros(len(member), np.intp) if task.persons is None else task.persons
    order = np.lexsort((whose, task.weight, member, task.features.order))
    numbers = np.arange(len(member)) if task.persons is None else np.unique(whose[order], return_inverse=True)[1]
    moved = replace(task, features=task.features.rows(order), bins=task.bins[order], persons=numbers, weight=task.weight[order])
    return moved, member[order]


def _of_attribute(task: Task, member: Membership, codes: Places) -> Iterator[dict[str, Any]]:
    """Ask for each level; of two levels one is the other's mirror. A level is a model, so they come one by one."""
    n_levels = len(member.levels)
    if not n_levels:
        yield {"level": UNKNOWN, **_nothing("nobody_known", 0)}
        return
    found = [list(_of_level(*_sorted(task, codes == place))) for place in range(1 if n_levels == 2 else n_levels)]
    for place, level in enumerate(member.levels):
        rows = found[place] if place < len(found) else [_mirrored(row) for row in found[0]]
        yield from ({"level": level, "members": int((codes == place).sum()), **row} for row in rows)


def _mirrored(row: dict[str, Any]) -> dict[str, Any]:
    swapped = {"few_members": "few_others", "few_others": "few_members"}
    return {**row, "reason": swapped.get(row["reason"], row["reason"])}


def _nothing(reason: str, learned_from: int) -> dict[str, Any]:
    nan = float("nan")
    return {"feature": ALL, "auc": nan, "low": nan, "high": nan, "without": nan, "fall": nan, "learned_from": learned_from, "reason": reason}


def _of_level(task: Task, member: Bools) -> Iterator[dict[str, Any]]:
    if reason := _why_not(task, member):
        yield _nothing(reason, 0)
        return
    dealt = deal_folds(_numbers(task), 1 + member.astype(np.intp), folds=task.folds, seed=task.seed)
    constant = task.features.constant
    varying = np.flatnonzero(~constant)
    if not len(varying):
        yield {**_nothing("constant", 0), "auc": 0.5}
        return
    whole, learned_from = together(task, member, dealt, varying)
    alone = {int(j): estimated(task, by_rate(task, member, dealt, int(j)), member, dealt) for j in varying}
    strongest = sorted(alone, key=lambda j: (-alone[j].value, j))
    yield _row(ALL, whole, float("nan"), float("nan"), learned_from)
    for place, j in enumerate(strongest):
        asked = task.left_out is None or place < task.left_out
        without = _without(task, member, dealt, varying, j) if asked else float("nan")
        yield _row(task.features.names[j], alone[j], without, whole.value - without, learned_from)
    for same in np.flatnonzero(constant):
        yield {**_nothing("constant", learned_from), "feature": task.features.names[same], "auc": 0.5, "without": whole.value, "fall": 0.0}


def _without(task: Task, member: Bools, dealt: Places, columns: Places, j: int) -> float:
    others = columns[columns != j]
    return together(task, member, dealt, others)[0].value if len(others) else 0.5


def _row(feature: str, found: Estimate[float], without: float, fall: float, learned_from: int) -> dict[str, Any]:
    return {
        "feature": feature, "auc": found.value, "low": found.low, "high": found.high,
        "without": without, "fall": fall, "learned_from": learned_from, "reason": "",
    }  # fmt: skip


def _why_not(task: Task, member: Bools) -> str:
    """Return why the question cannot be asked: each side needs a person for each fold."""
    if member.all():
        return "everybody"
    sides = {"few_members": member, "few_others": ~member}
    return next((reason for reason, side in sides.items() if len(np.unique(_numbers(task)[side])) < task.folds), "")


def _numbers(task: Task) -> Places:
    return np.arange(len(task.weight)) if task.persons is None else task.persons
