"""Numbers that would give back what is withheld: a total less what is shown, a rate whose denominator can be guessed.

A figure worked out from counts gives them back where it is told to the last digit and the reader knows between which few numbers they
lie: of 0.5751295 = y/m with m from 190 to 199 only 111/193 is left. So where a count is withheld, what rests on it is told more coarsely.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.fairness.bins import NO_SCORE
from scoring.fairness.counts import Counts
from scoring.vocabulary import SMALL_GROUPS

MERGED: Final = " + "
"""Between the names of what is joined into one."""
_COUNTS: Final = ("reference_people", "ref_hits", "ref_trials", "y", "m")
_COMPARED: Final = (
    *("ratio", "reference_", "difference", "shortfall", "refusal_ratio", "expected_hits", "needed", "detectable", "p_", "pooled_"),
    *("composition", "within", "not_comparable_part", "cdd", "log_", "total_", "median_gap"),
)
"""How the names of columns begin that rest on who a group is compared with."""
_DIGITS: Final = {"p_": 1, "needed": 2, "shortfall_": 1, "shortfall": 2, "expected_hits": 1}
"""How many digits are told of these; of the others two decimals, as the pages write them. Each more parts worlds that were alike."""


def significant(values: ArrayLike, digits: int) -> NDArray[np.float64]:
    """Round to so many significant digits; what is 0, infinite or no number stays.

    >>> significant([1234.0, 0.056789, -0.0, np.inf], 2).tolist()
    [1200.0, 0.057, -0.0, inf]
    """
    held = np.asarray(values, float)
    sound = np.isfinite(held) & (held != 0)
    finite = np.where(sound, held, 1.0)
    scale = np.power(10.0, digits - 1 - np.floor(np.log10(np.abs(finite))))
    # divided by a power of ten or multiplied by its inverse: the shortest number that rounds so
    rounded = np.where(scale >= 1, np.round(finite * scale) / scale, np.round(finite * scale) * np.round(1 / scale))
    return np.where(sound, rounded, held)


def blunted(rows: pd.DataFrame, figures: Sequence[str], where: NDArray[np.bool_]) -> pd.DataFrame:
    """Round figures to three digits in some rows: what rests on a count that is withheld there.

    >>> blunted(pd.DataFrame({"auc": [0.51014877, 0.51014877]}), ["auc"], np.array([True, False]))["auc"].tolist()
    [0.51, 0.51014877]
    """
    return rows.assign(**{name: np.where(where, significant(rows[name], 3), rows[name].astype(float)) for name in figures})


def _blunt(name: str, values: pd.Series[Any]) -> pd.Series[Any]:
    """Round one column of comparisons: its parts stay, no two numbers of people near each other are told apart by it."""
    if name.startswith("difference"):  # the ratio beside it says as much
        return values * np.nan
    held = values.to_numpy(float)
    digits = next((digits for start, digits in _DIGITS.items() if name.startswith(start)), 0)
    if digits:
        return pd.Series(significant(held, digits), values.index)
    return pd.Series(np.where(np.abs(held) < 10, np.round(held, 2), significant(held, 3)), values.index)


def without_known_total(rows: pd.DataFrame, where: Sequence[bool] | NDArray[np.bool_] | None = None) -> pd.DataFrame:
    """Take the counts of the reference away, and round what rests on them: a group and its rest are everybody known, and that leaves the unknowns.

    Parameters
    ----------
    rows
        Any table that compares groups of attributes.
    where
        Rows of attributes whose unknowns are folded with small groups; by default all.

    >>> rows = pd.DataFrame({"trials": [200.0], "ref_trials": [193.0], "reference_value": [111 / 193], "p_within": [0.0246]})
    >>> without_known_total(rows).iloc[0].to_dict()
    {'trials': 200.0, 'ref_trials': nan, 'reference_value': 0.58, 'p_within': 0.02}
    """
    here = np.ones(len(rows), bool) if where is None else np.asarray(where, bool)
    if not here.any():
        return rows
    compared = [name for name in map(str, rows) if rows[name].dtype.kind == "f" and name.startswith(_COMPARED) and name not in _COUNTS]
    blunted = {name: rows[name].mask(here, _blunt(name, rows[name])) for name in compared}
    return rows.assign(**{name: rows[name].astype(float).mask(here) for name in _COUNTS if name in rows}, **blunted)


def few_seen_without_score(counts: Counts, shown: pd.DataFrame, threshold: int) -> set[str]:
    """Return the attributes whose people with an outcome but no score are few: in a group shown, in what the groups shown leave, in all ("").

    Those with an outcome, less those of them with a score, would be told.

    Parameters
    ----------
    counts
        Of the study.
    shown
        Attributes and groups of a table that counts those with an outcome and a score.
    """
    held = counts.histogram[(counts.histogram["bin"] == NO_SCORE) & (counts.histogram["outcome"] >= 0)]
    pairs = set(zip(shown["attribute"], shown["group"], strict=True))
    own = [group if (name, group) in pairs else SMALL_GROUPS for name, group in zip(held["attribute"], held["group"], strict=True)]
    by_group = held["n"].groupby([held["attribute"], pd.Series(own, held.index, dtype=object)]).sum()
    few = by_group.between(0, threshold, inclusive="neither")
    every = by_group.groupby(level=0).sum().between(0, threshold, inclusive="neither").any()
    return {*few[few].index.get_level_values(0), *({""} | set(counts.attributes) if every else ())}


def small_leftovers(rows: pd.DataFrame, shown: pd.DataFrame, block: Sequence[str], count: str, threshold: int) -> set[tuple[str, ...]]:
    """Return the blocks in which the groups that are not shown are few in a cell: all in it, less the groups shown, would be them.

    Parameters
    ----------
    rows, shown
        A table of all groups, and what of it may be shown; a cell is a block, or a ``stratum`` of it.
    block
        Columns that make a block, the attribute first.
    count
        Column that holds people.
    """
    pairs = set(zip(shown["attribute"], shown["group"], strict=True))
    hidden = rows[[pair not in pairs for pair in zip(rows["attribute"], rows["group"], strict=True)]]
    cell = [*block, *(["stratum"] if "stratum" in rows else [])]
    left = hidden.groupby([hidden[name].fillna("") for name in cell])[count].sum()
    few = left[left.between(0, threshold, inclusive="neither")].index
    return {tuple(key[: len(block)]) for key in few}


def joined_reasons(rejects: pd.Series[int], threshold: int) -> pd.Series[int]:
    """Return people by reason of rejection, reasons of few joined into one that names them: one left alone would be all less the others.

    How many are rejected in all is told whatever it is: the rows of the file, less those studied.

    >>> joined_reasons(pd.Series({"age: empty": 30, "sex: empty": 12, "score: empty": 4}), 10).to_dict()
    {'age: empty': 30, 'score: empty + sex: empty': 16}
    """
    found = rejects.sort_index().sort_values(kind="stable")
    taken = int(((found > 0) & (found < threshold)).sum())
    while 0 < taken < len(found) and (taken < 2 or found.iloc[:taken].sum() < threshold):
        taken += 1
    if taken < 2:
        return rejects
    joint = pd.Series({MERGED.join(map(str, found.index[:taken])): int(found.iloc[:taken].sum())})
    told = pd.concat([found.iloc[taken:], joint]).sort_values(ascending=False)
    told.name, told.index.name = rejects.name, rejects.index.name
    return told
