"""Counts as they are published: levels that are folded are one level before anything is worked out from them.

A table that is worked out whole and then cut tells of the groups that were cut: by the highest rate, the total or the median that it
was held against. Worked out from joined counts it knows no more than its reader.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from scoring.fairness.bins import NO_SCORE
from scoring.fairness.by_score.ll144 import impact_ratios
from scoring.fairness.counts import Counts
from scoring.fairness.one_pass import GROUP
from scoring.fairness.published import Merges
from scoring.plan import Population
from scoring.vocabulary import SMALL_GROUPS, UNKNOWN


def joined(counts: Counts, names: Merges) -> Counts:
    """Return counts in which levels bear other names; those that share one are one level."""
    columns = {f"{GROUP}{name}": levels for name, levels in names.items()}
    cells = counts.cells.assign(**{column: counts.cells[column].replace(levels) for column, levels in columns.items()})
    histogram = counts.histogram
    for name, levels in names.items() if len(histogram) else ():
        mine = histogram["attribute"] == name
        histogram = histogram.assign(group=histogram["group"].mask(mine, histogram["group"].replace(levels)))
    return replace(counts, cells=cells, histogram=histogram, _margins={})


def without_few_unscored(counts: Counts, threshold: int) -> Counts:
    """Return counts in which people without a score stand in the lowest bin where they are few, in a group or in all.

    What is counted of those with a score alone would give the number of the others, taken from all.
    """
    histogram = counts.histogram
    without = histogram["bin"] == NO_SCORE
    held = histogram[without].groupby(["attribute", "group"])["n"].sum()
    few = pd.concat([held, held.groupby("attribute").sum()]).between(1, threshold - 1).any()
    if not few or without.all():
        return counts
    return replace(counts, histogram=histogram.assign(bin=histogram["bin"].mask(without, histogram.loc[~without, "bin"].min())))


def without_few_seen(counts: Counts, attribute: str, threshold: int, *, grouped: bool) -> Counts | None:
    """Return counts in which people with an outcome but no score stand in the lowest bin, where they are few; nothing where more must move.

    Parameters
    ----------
    counts
        Of the study, with a histogram.
    attribute
        By which they are counted.
    grouped
        Whether each group is told of, or all of them together.
    """
    rows = counts.histogram
    without = ((rows["bin"] == NO_SCORE) & (rows["outcome"] >= 0)).to_numpy()
    mine = without & (rows["attribute"] == attribute).to_numpy()
    every = rows.loc[mine, "n"].sum()
    by_group = rows.loc[mine].groupby("group")["n"].sum()
    few = 0 < every < threshold or (grouped and by_group.between(0, threshold, inclusive="neither").any())
    scored = rows.loc[rows["bin"] != NO_SCORE, "bin"]
    if not few:
        return counts
    if every >= threshold or scored.empty:
        return None
    return replace(counts, histogram=rows.assign(bin=rows["bin"].mask(without, scored.min())))


def against_shown(table: pd.DataFrame, rate: str, top: str) -> pd.DataFrame:
    """Return a table of impact ratios whose highest rate is that of a group which is shown by itself.

    Parameters
    ----------
    table
        Of `ll144`, worked out from joined counts; `rate` and `top` name its columns of the rates and of which is the highest.
    """
    joint = (table["group"] == SMALL_GROUPS).to_numpy()
    counted = ~joint & (table["group"] != UNKNOWN).to_numpy() & table[rate].notna().to_numpy()
    found = impact_ratios(table[rate].fillna(0.0), np.ones(len(table)), counted=counted)
    highest = table.loc[counted, rate].max()
    ratio = np.where(joint, table[rate] / highest if highest > 0 else np.nan, found.ratio)
    return table.assign(impact_ratio=ratio, reason=table["reason"].mask(joint, "joined"), **{top: found.highest})


def parted_folds(folded: Mapping[str, Collection[str]], population: Mapping[str, Population]) -> set[str]:
    """Return the attributes of which levels in the benchmark are folded together with levels that are not in it, or with the unknowns.

    Who is in the benchmark, less the groups shown, would part the fold; so no number of such an attribute is told.

    Parameters
    ----------
    folded
        Names of the levels that are folded, by attribute.
    population
        Benchmarks by attribute.
    """
    listed = {name: set(population[name].shares) for name in folded if name in population}
    return {name for name, levels in listed.items() if levels & set(folded[name]) and set(folded[name]) - levels}


def shown_shares(rows: pd.DataFrame, folded: Mapping[str, Collection[str]], population: Mapping[str, Population]) -> pd.DataFrame:
    """Return rows of `representation.representation_rows` without what would give a folded level, or folded unknowns, back.

    Parameters
    ----------
    rows
        Of the groups that are shown.
    folded, population
        As in `parted_folds`.
    """
    unknown = rows["attribute"].isin([name for name, levels in folded.items() if UNKNOWN in levels])
    parted = rows["attribute"].isin(parted_folds(folded, population))
    bounded = ["unknown", "share_lowest", "share_highest", "ratio_lowest", "ratio_highest"]
    rows = rows.assign(**{name: rows[name].mask(unknown) for name in bounded})
    numbers = [str(name) for name in rows if rows[name].dtype.kind in "fi" and name not in {"people", "benchmark", "family"}]
    return rows.assign(**{name: rows[name].astype(float).mask(parted) for name in numbers})


def few_unscored(rows: pd.DataFrame, threshold: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which rows of `score_metrics.score_rows` stand where few have no score: in a group, in all, or in what the groups shown leave.

    Parameters
    ----------
    rows
        The published rows, that of everybody among them; groups that are folded have none.
    """
    held = rows.drop_duplicates(["attribute", "group"]).set_index(["attribute", "group"])["unscored"]
    total = float(held.get(("", ""), 0.0))
    told = held.drop(("", ""), errors="ignore").fillna(0.0)
    left = total - told.groupby("attribute").sum()
    few = told.between(0, threshold, inclusive="neither").groupby("attribute").any() | left.between(0, threshold, inclusive="neither")
    every = 0 < total < threshold
    return np.array([every or bool(few.get(name, False)) for name in rows["attribute"]])
