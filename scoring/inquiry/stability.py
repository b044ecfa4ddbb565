"""Whether a score and its features are spread as they were, for everybody and for each group.

The index of a score (PSI) and of a feature (CSI) is above 0 by chance alone, the more so the fewer the people; each therefore stands with
its interval, its chance where nothing moved, and its bias. What is not shown to have moved is never said to be stable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import EquiscoreError
from scoring.fairness.multiplicity import adjust
from scoring.fairness.restricted import between_0_and_1
from scoring.inquiry.membership import Membership, memberships, read_weights
from scoring.models.columns import as_table
from scoring.models.shifts.stability import BINS, BinnedCounts, VariableBins, counted_bins, learn_bins
from scoring.models.shifts.stability_intervals import population_stability, stability_parts
from scoring.vocabulary import UNKNOWN, WeightMeaning

ALL: Final = "(all)"
"""Attribute and group of the rows of everybody."""
STABILITY: Final = [
    *("attribute", "group", "variable", "index", "people_before", "people_after", "missing_before", "missing_after", "unseen_after", "bins"),
    *("one_sided", "psi", "low", "high", "bias", "p", "p_adjusted", "convention", "verdict", "reason", "confidence"),
]
BIN_PARTS: Final = ["attribute", "group", "variable", "bin", "before", "after", "share_before", "share_after", "part"]
CONVENTION: Final = (0.10, 0.25)
"""Customary bounds of "little" and "much" (Siddiqi 2006); a convention that heeds neither people nor bins."""
SHIFT: Final = "shift"
"""A change is shown."""
SMALL_IF_ANY: Final = "small if any"
"""No change is shown, and an index of .10 or more is ruled out by the interval. It does not show that there is none."""
TOO_FEW: Final = "too few people"
"""No change is shown, nor is a large one ruled out. It tells nothing either way."""
NOT_APPLICABLE: Final = "not applicable"
"""The question cannot be asked; the reason stands beside it."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """One variable counted on both sides, the cells being the levels of one attribute; the last is the unknown."""

    attribute: str
    groups: tuple[str, ...]
    bins: VariableBins
    index: str
    before: BinnedCounts
    after: BinnedCounts


def stability_table(
    before: Any,
    after: Any,
    *,
    score: str | None = None,
    features: Sequence[str] = (),
    groups: Sequence[str] = (),
    weights: str | None = None,
    meaning: WeightMeaning = WeightMeaning.COUNT,
    bins: int = BINS,
    confidence: float = 0.95,
    draws: int = 1999,
    seed: int = 1,
) -> pd.DataFrame:
    """Return how far a score and features moved between two dates: for everybody, and within each group.

    Bins are learned from everybody before (quantiles of numbers, levels of the rest) and are the same for every group. A value that is
    missing is in a bin of its own, and so is a level that nobody had before.

    Parameters
    ----------
    before, after : DataFrame
        One row a person, the columns named below; pandas, polars or Arrow.
    score : str, optional
        The column of the score; its rows have the index ``PSI``.
    features : sequence of str
        Columns of features; their rows have the index ``CSI``.
    groups : sequence of str
        Columns of attributes. People whose level is not known are a row ``(unknown)``, so a variable's groups add up to everybody.
    weights, meaning
        A column of weights, and what a weight says; one that is no count enters by linearisation.
    bins : int
        Ranges of a number, about.
    confidence : float
        Of the intervals; a change is shown where the adjusted p is below (1 - confidence) / 2, as its interval then leaves 0.
    draws, seed : int
        Of the chance where bins hold few people (`population_stability`).

    Returns
    -------
    DataFrame
        The columns `STABILITY`, everybody first. people_before and people_after (sums of weights), those of them missing a value or of a
        level unseen before; bins in use, one_sided those with people on one side only; psi with its limits and bias (its mean where
        nothing moved); p, and p_adjusted (Holm) over the rows of an attribute and index. `convention` is where the whole interval lies
        among the customary bounds .10 and .25: ``< .10``, ``.10 to .25``, ``>= .25``, or ``open`` where it lies in more than one.
        verdict: ``shift`` (shown), ``small if any`` (not shown, and below .10 with its whole interval), ``too few people`` (neither),
        ``not applicable`` with its reason ``appeared``, ``disappeared`` (nobody on one side) or ``one_bin`` (all are in one bin).

    Raises
    ------
    EquiscoreError
        No variable, a column that is not there or cannot be read, weights that are none.

    Examples
    --------
    >>> then = pd.DataFrame({"score": [1, 2, 3, 4] * 200, "sex": ["F", "M"] * 400})
    >>> now = pd.DataFrame({"score": [1, 2, 3, 3] * 200, "sex": ["F", "M"] * 400})
    >>> stability_table(then, now, score="score", groups=["sex"])[["group", "psi", "bins", "one_sided", "verdict"]].round(2).values.tolist()
    [['(all)', 1.67, 4, 1, 'shift'], ['F', 0.0, 2, 0, 'small if any'], ['M', 5.97, 3, 2, 'shift']]
    """
    between_0_and_1(confidence, "confidence")
    counted = _counted(before, after, score, features, groups, weights, bins, squared=WeightMeaning(meaning) is WeightMeaning.WEIGHT)
    rows = pd.concat([_rows(one, confidence=confidence, draws=draws, seed=seed) for one in counted], ignore_index=True)
    rows["p_adjusted"] = np.nan
    for positions in rows.groupby(["attribute", "index"]).indices.values():
        rows.loc[positions, "p_adjusted"] = adjust(rows["p"].to_numpy()[positions])
    rows["verdict"] = _verdicts(rows, (1 - confidence) / 2)
    return rows.assign(confidence=confidence)[STABILITY]


def stability_bins(
    before: Any,
    after: Any,
    *,
    score: str | None = None,
    features: Sequence[str] = (),
    groups: Sequence[str] = (),
    weights: str | None = None,
    bins: int = BINS,
) -> pd.DataFrame:
    """Return the bins behind `stability_table`: people and shares before and after, and what each bin adds to the index.

    Returns
    -------
    DataFrame
        The columns `BIN_PARTS`; the parts of a group and variable add up to its psi. Bins that are empty on both sides are left out.

    Raises
    ------
    EquiscoreError
        As `stability_table`.

    Examples
    --------
    >>> stability_bins(pd.DataFrame({"x": list("aab")}), pd.DataFrame({"x": list("abb")}), features=["x"])[["bin", "part"]].round(3).values.tolist()
    [['a', 0.231], ['b', 0.231]]
    """
    parts = [_bin_rows(one) for one in _counted(before, after, score, features, groups, weights, bins, squared=False)]
    return pd.concat(parts, ignore_index=True)[BIN_PARTS]


# -- counting, the only pass over the people ---------------------------------------------------------------------------------------


def _counted(  # noqa: PLR0917  (the parameters of the public function, handed on)
    before: Any, after: Any, score: str | None, features: Sequence[str], groups: Sequence[str], weights: str | None, bins: int, *, squared: bool
) -> list[_Counted]:
    variables = [*([score] if score is not None else []), *(name for name in features if name != score)]
    if not variables:
        raise EquiscoreError("stability: neither a score nor a feature is named. Fix: name at least one column.")
    sides = [_table(frame, side, [*variables, *groups, *([weights] if weights else [])]) for frame, side in ((before, "before"), (after, "after"))]
    weight = [None if weights is None else _weights(table[weights]) for table in sides]
    cells = [_everybody(sides), *_members(sides, groups)]
    found: dict[str, list[_Counted]] = {name: [] for name in variables}
    for name in variables:
        learned = learn_bins(sides[0][name], name, bins=bins, weights=weight[0])
        codes = [learned.codes(table[name]) for table in sides]
        for member in cells:
            size = len(member.levels) + 1
            places = np.split(np.where(member.codes < 0, size - 1, member.codes), [len(sides[0])])
            pair = [
                counted_bins(code, len(learned.labels), place, size, weigh, squared=squared)
                for code, place, weigh in zip(codes, places, weight, strict=True)
            ]
            found[name].append(_Counted(member.attribute, (*member.levels, UNKNOWN), learned, "PSI" if name == score else "CSI", pair[0], pair[1]))
    return [found[name][i] for i in range(len(cells)) for name in variables]


def _table(frame: Any, side: str, names: Sequence[str]) -> pd.DataFrame:
    table = as_table(frame)
    lacking = [name for name in names if name not in table.columns]
    if lacking or not table.columns.is_unique:
        has = ", ".join(map(str, table.columns))
        raise EquiscoreError(f"{side}: no column {', '.join(map(repr, lacking))}, or two of one name, among {has}. Fix: name columns that are there.")
    if not len(table):
        raise EquiscoreError(f"{side}: the table holds nobody. Fix: give at least one person.")
    return pd.DataFrame(table)


def _weights(column: pd.Series[Any]) -> Floats:
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise EquiscoreError(f"weights: column {column.name!r} holds {column.dtype}, no numbers. Fix: name a column of numbers.")
    return read_weights(column.to_numpy(dtype=np.float64, na_value=np.nan), len(column))


def _everybody(sides: Sequence[pd.DataFrame]) -> Membership:
    return Membership(ALL, (ALL,), np.zeros(sum(map(len, sides)), np.intp))


def _members(sides: Sequence[pd.DataFrame], groups: Sequence[str]) -> list[Membership]:
    """Read the attributes of both sides together, so that a level has one name and place."""
    people = sum(map(len, sides))
    return [next(memberships(pd.concat([table[name] for table in sides], ignore_index=True), people, name)) for name in groups]


# -- from counts to rows -----------------------------------------------------------------------------------------------------------


def _rows(counted: _Counted, *, confidence: float, draws: int, seed: int) -> pd.DataFrame:
    before, after = counted.before, counted.after
    found = population_stability(
        before.sums, after.sums, expected_squares=before.squares, actual_squares=after.squares, confidence=confidence, draws=draws, seed=seed
    )
    rows = pd.DataFrame({"attribute": counted.attribute, "group": np.array(counted.groups, object), "variable": counted.bins.name})
    people = {"people_before": before.sums.sum(1), "people_after": after.sums.sum(1)}
    missing = {"missing_before": before.sums[:, -2], "missing_after": after.sums[:, -2], "unseen_after": after.sums[:, -1]}
    rows = rows.assign(**people, **missing, index=counted.index, bins=found.bins, one_sided=found.one_sided)
    rows = rows.assign(psi=found.value, low=found.low, high=found.high, bias=found.bias, p=found.p)
    gone = [rows["people_after"] == 0, rows["people_before"] == 0, rows["bins"] < 2]
    rows["reason"] = np.select(gone, ["disappeared", "appeared", "one_bin"], "")
    rows["convention"] = _convention(rows["low"].to_numpy(), rows["high"].to_numpy())
    return rows[(rows["people_before"] > 0) | (rows["people_after"] > 0)]


def _convention(low: Floats, high: Floats) -> NDArray[np.object_]:
    """Say where the whole interval lies; an estimate alone would call small groups unstable for being small."""
    little, much = CONVENTION
    inside = [np.isnan(low) | np.isnan(high), high < little, low >= much, (low >= little) & (high < much)]
    return np.asarray(np.select(inside, ["", "< .10", ">= .25", ".10 to .25"], "open"), object)


def _verdicts(rows: pd.DataFrame, alpha: float) -> NDArray[np.object_]:
    asked = [rows["reason"] != "", rows["p_adjusted"] < alpha, rows["high"] < CONVENTION[0]]
    return np.asarray(np.select(asked, [NOT_APPLICABLE, SHIFT, SMALL_IF_ANY], TOO_FEW), object)


def _bin_rows(counted: _Counted) -> pd.DataFrame:
    before, after = counted.before.sums, counted.after.sums
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = before / before.sum(1, keepdims=True), after / after.sum(1, keepdims=True)
    both = (before.sum(1) > 0) & (after.sum(1) > 0)
    columns = {
        "group": np.array(counted.groups, object)[:, None], "bin": np.array(counted.bins.labels, object)[None, :],
        "before": before, "after": after, "share_before": shares[0], "share_after": shares[1],
        "part": np.where(both[:, None], stability_parts(before, after), np.nan),
    }  # fmt: skip
    flat = {name: np.broadcast_to(values, before.shape).ravel() for name, values in columns.items()}
    rows = pd.DataFrame(flat).assign(attribute=counted.attribute, variable=counted.bins.name)
    return rows[(rows["before"] > 0) | (rows["after"] > 0)]
