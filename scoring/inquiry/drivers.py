"""What the gap in the mean score between a group and the rest is made of: one exact part a feature, each with its interval.

The parts of a person add up to their score, so the differences of the mean parts add up to the difference of the mean scores.
That is arithmetic, not a cause, and no excuse either: a feature that carries a gap may itself be a stand-in for the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse, special

from scoring.errors import EquiscoreError
from scoring.fairness.narrative import Titles, who, whom
from scoring.fairness.restricted import between_0_and_1
from scoring.inquiry.membership import Floats, Membership, memberships, read_weights, spread_weights
from scoring.models.explaining.contributions import POINTS, TOLERANCE, Contributions
from scoring.texts import SEMICOLON, number, pick, say
from scoring.vocabulary import REST, UNKNOWN, WeightMeaning

DRIVERS = [
    *("attribute", "group", "feature", "people", "reference_people", "mean", "reference_mean", "gap", "gap_low", "gap_high", "share"),
    *("total_gap", "total_low", "total_high", "scale", "method", "confidence", "reason"),
]


def drivers(
    found: Contributions,
    group: Any,
    *,
    weights: ArrayLike | None = None,
    meaning: WeightMeaning = WeightMeaning.WEIGHT,
    confidence: float = 0.95,
    attribute: str | None = None,
) -> pd.DataFrame:
    """Return the mean gap of each group to the rest, feature by feature: the rows of a waterfall.

    Parameters
    ----------
    found : Contributions
        What each feature gave each person.
    group : Series, array_like or DataFrame
        The group of each person, by position; of a frame each column is an attribute. Who has none (missing, ``(unknown)``) is in
        no rest, and makes a row set of their own against all who are known.
    weights : array_like, optional
        A weight a person; `meaning` says whether a row stands for that many people or weighs that much (linearisation).
    meaning : WeightMeaning
        What a weight is.
    confidence : float
        Coverage of each interval; they are not adjusted for their number.
    attribute : str, optional
        What the groups are called, where `group` has no name.

    Returns
    -------
    DataFrame
        A row a group and feature, the largest part first: attribute, group, feature, people, reference_people (rows of positive
        weight, or the weights where they are counts), mean and reference_mean (of the feature's parts), gap = mean -
        reference_mean with its interval, share of the total gap (nan where that is 0; below 0 where the feature works the other
        way), total_gap = sum of the gaps, with its interval, scale, method, confidence, reason (``""``, ``everybody``: no rest;
        ``nobody_known``; ``one_person``: no interval).

    Raises
    ------
    EquiscoreError
        Not one group or weight a person.

    Notes
    -----
    Intervals: t of Welch (1947, *Biometrika* 34:28) with the degrees of freedom of Satterthwaite; a weighted mean's variance by
    linearisation, ``n/(n-1) sum w^2 (v - mean)^2 / (sum w)^2``. A feature that does not vary has an interval without width.
    These rows are working material: fold small groups (in `group` itself) before any of it is shown.

    Examples
    --------
    >>> parts = np.array([[10.0, 0.0], [20.0, 0.0], [30.0, 5.0], [40.0, 5.0]])
    >>> found = Contributions(("age", "home"), parts, 500.0, 500.0 + parts.sum(axis=1))
    >>> rows = drivers(found, ["F", "F", "M", "M"], attribute="sex")
    >>> rows[["group", "feature", "mean", "gap", "share", "total_gap"]].values.tolist()[:2]
    [['F', 'age', 15.0, -20.0, 0.8, -25.0], ['F', 'home', 0.0, -5.0, 0.2, -25.0]]
    """
    between_0_and_1(confidence, "confidence")
    weight = read_weights(weights, len(found.total))
    several = [_of_attribute(found, member, weight, meaning, confidence) for member in memberships(group, len(found.total), attribute)]
    if not several:
        raise EquiscoreError("group: a frame without columns. Fix: give at least one attribute.")
    return pd.concat(several, ignore_index=True)


def _of_attribute(found: Contributions, member: Membership, weight: Floats, meaning: WeightMeaning, confidence: float) -> pd.DataFrame:
    """Work out all groups of an attribute at once; the last column of each array is the score itself."""
    names = [*member.levels, *([UNKNOWN] if (member.codes < 0).any() else [])]
    parts = np.column_stack([found.values, found.total])  # noqa: PD011  (no pandas)
    shift = np.clip(parts.mean(axis=0), parts.min(axis=0), parts.max(axis=0)) if len(parts) else np.zeros(parts.shape[1])
    group, rest = _sides(member, names, parts - shift, weight, meaning)
    gap, low, high = _welch(group, rest, confidence)
    order = np.argsort(-np.abs(gap[:, :-1]), axis=1, kind="stable")
    sorted_rows = {
        "feature": np.array(found.names, object)[order],
        **{name: _taken(values + moved, order) for name, values, moved in (("mean", group.mean, shift), ("reference_mean", rest.mean, shift))},
        **{name: _taken(values, order) for name, values in (("gap", gap), ("gap_low", low), ("gap_high", high))},
    }
    by_group = {
        "attribute": [member.attribute] * len(names), "group": names, "people": np.rint(group.people).astype(np.int64),
        "reference_people": np.rint(rest.people).astype(np.int64), "total_gap": gap[:, -1], "total_low": low[:, -1], "total_high": high[:, -1],
        "scale": [found.scale] * len(names), "method": [found.method] * len(names), "confidence": [confidence] * len(names),
        "reason": _reasons(group.people, rest.people, named=len(member.levels) > 0),
    }  # fmt: skip
    rows = pd.DataFrame({name: np.repeat(np.asarray(values, None), len(found.names)) for name, values in by_group.items()})
    rows = rows.assign(**{name: values.ravel() for name, values in sorted_rows.items()})
    nothing = np.abs(rows["total_gap"]) <= TOLERANCE * max(1.0, float(np.abs(found.total).max(initial=0.0)))
    return rows.assign(share=(rows["gap"] / rows["total_gap"].mask(nothing)))[DRIVERS]


def _taken(values: Floats, order: Any) -> Floats:
    return np.take_along_axis(values[:, :-1], order, axis=1)


class _Side:
    """Mean and variance of the mean of each column, for each group; nan where nobody is."""

    __slots__ = ("mean", "people", "variance")

    def __init__(self, sums: Sequence[Floats], people: Floats) -> None:
        weight, first, spread, spread_first, spread_second = (np.where(people[:, None] > 0, one, np.nan) for one in sums)
        self.people = people
        with np.errstate(invalid="ignore", divide="ignore"):
            self.mean = first / weight
            squares = spread_second - 2 * self.mean * spread_first + self.mean**2 * spread
            correction = np.where(people > 1, people / (people - 1), np.nan)
            self.variance = np.maximum(squares, 0.0) / weight**2 * correction[:, None]


def _sides(member: Membership, names: Sequence[str], parts: Floats, weight: Floats, meaning: WeightMeaning) -> tuple[_Side, _Side]:
    """Add up each group by one sparse product; the rest of a group is all who are known, less the group, and of the unknown all known."""
    n_known = len(member.levels)
    place = np.where(member.codes < 0, n_known, member.codes)
    inside = sparse.csr_array((np.ones(len(place)), (place, np.arange(len(place)))), shape=(n_known + 1, len(place)))
    spread = spread_weights(weight, meaning)[:, None]
    each = weight if meaning is WeightMeaning.COUNT else (weight > 0).astype(np.float64)
    columns = (weight[:, None], weight[:, None] * parts, spread, spread * parts, spread * parts**2)
    own = [np.asarray(inside @ column)[: len(names)] for column in columns]
    known = [one[:n_known].sum(axis=0) for one in own]
    others = [np.where(np.arange(len(names))[:, None] < n_known, all_known - one, all_known) for all_known, one in zip(known, own, strict=True)]
    people = np.asarray(inside @ each)[: len(names)]
    rest_people = np.where(np.arange(len(names)) < n_known, people[:n_known].sum() - people, people[:n_known].sum())
    return _Side(own, people), _Side(others, rest_people)


def _welch(group: _Side, rest: _Side, confidence: float) -> tuple[Floats, Floats, Floats]:
    gap, variance = group.mean - rest.mean, group.variance + rest.variance
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = variance**2 / sum(side.variance**2 / (side.people[:, None] - 1) for side in (group, rest))
        half = np.where(variance == 0, 0.0, special.stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(variance))
    return gap, gap - half, gap + half


def _reasons(people: Floats, rest: Floats, *, named: bool) -> Any:
    return np.select([rest <= 0, (people <= 1) | (rest <= 1)], ["everybody" if named else "nobody_known", "one_person"], "").astype(object)


# -- sentences ---------------------------------------------------------------------------------------------------------------------


def driver_sentences(rows: pd.DataFrame, language: str, *, titles: Titles | None = None, most: int = 3) -> list[str]:
    """Return what the rows say, a text a group: how far its mean score is from the rest's, and the parts that make most of it.

    `titles` names attributes and features by language; `most` is how many features are named.

    >>> parts = np.array([[10.0, 0.0], [12.0, 0.0], [30.0, -2.0], [31.0, -5.0]])
    >>> rows = drivers(Contributions(("age", "home"), parts, 500.0, 500.0 + parts.sum(axis=1)), ["F", "F", "M", "M"], attribute="sex")
    >>> print(driver_sentences(rows, "en")[0])
    sex: F: the score is 16.0 points lower on average than that of everybody else whose group is known (95% interval of the
    difference: −22.1 to −9.9; 2 people against 2). Of this difference: 19.5 from age; the other way, 3.5 from home.
    """
    return [_said(part, language, titles, most) for _, part in rows.groupby(["attribute", "group"], sort=False)]


def _said(part: pd.DataFrame, language: str, titles: Titles | None, most: int) -> str:
    first = {str(name): value for name, value in part.iloc[0].items()}
    named = {"who": who(first, language, titles), "whom": whom({**first, "reference": REST}, language)}
    if first["reason"]:
        return say(f"inquiry.drivers_{first['reason']}", language, **named)
    kind = "times" if first["scale"] == POINTS else "ratio3"
    written = {name: number(first[f"total_{name}"], kind, language) for name in ("low", "high")}
    size = number(abs(first["total_gap"]), kind, language)
    settled = first["total_high"] < 0 or first["total_low"] > 0
    code = "open" if not settled else "lower" if first["total_gap"] < 0 else "higher"
    unit = say(f"inquiry.unit_{str(first['scale']).replace('-', '_')}", language)
    counted = {name: first[name] for name in ("people", "reference_people", "confidence")}
    whole = say(f"inquiry.drivers_{code}", language, **named, **written, **counted, size=size, unit=unit)
    return f"{whole} {_parts(part, language, titles, most, kind) if settled else _parts_of_open(part, language, titles, most, kind)}".strip()


def _parts(part: pd.DataFrame, language: str, titles: Titles | None, most: int, kind: str) -> str:
    """Name the largest parts, then what the others add up to; what works the other way is said to."""
    listed, others = _named(part.head(most), language, titles), part.iloc[most:]
    if len(others):
        listed.append((say(f"inquiry.other_{'one' if len(others) == 1 else 'many'}", language, n=len(others)), float(others["gap"].sum())))
    total = float(part["total_gap"].iloc[0])
    with_it, against = (
        ", ".join(
            say("inquiry.part", language, feature=name, size=number(abs(gap), kind, language)) for name, gap in listed if sign * gap * total > 0
        )
        for sign in (1, -1)
    )
    return say(f"inquiry.parts{'_both' if against else ''}", language, with_it=with_it, **({"against": against} if against else {}))


def _parts_of_open(part: pd.DataFrame, language: str, titles: Titles | None, most: int, kind: str) -> str:
    """Where the whole is open, name the parts that are not: they may cancel out."""
    listed = _named(part[(part["gap_low"] > 0) | (part["gap_high"] < 0)].head(most), language, titles)
    apart = SEMICOLON[language].join(f"{name} {'+' if gap > 0 else ''}{number(gap, kind, language)}" for name, gap in listed)
    return say("inquiry.parts_open", language, parts=apart) if listed else ""


def _named(part: pd.DataFrame, language: str, titles: Titles | None) -> list[tuple[str, float]]:
    return [(pick((titles or {}).get(name), language) or str(name), float(gap)) for name, gap in zip(part["feature"], part["gap"], strict=True)]
