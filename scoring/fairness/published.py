"""What may leave the study: one function stands between any table and any eye or file.

Small groups are folded, by name, never dropped: a single table folds its small levels together; crossed tables merge whole
levels of an attribute until no cell is small (formulas, section 13; Hundepool et al. 2012, ch. 4-5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scoring.fairness.intervals import proportion_interval
from scoring.fairness.withholding import MERGED, without_known_total
from scoring.texts import say
from scoring.vocabulary import CROSS, SMALL_GROUPS, UNKNOWN, WITHHELD, Verdict, combined

_ADDED = ["people", "hits", "trials", "x", "n"]
Merges = dict[str, dict[str, str]]


def published(table: pd.DataFrame, threshold: int = 10, *, merges: Merges | None = None, confidence: float = 0.95) -> pd.DataFrame:
    """Return a Study table as it may be shown: every row holds no people at all or at least `threshold`.

    Parameters
    ----------
    table
        Rows of `disparity.compare`, judged or not, perhaps by segment; all groups of each attribute.
    threshold
        Smallest number of people that a row may hold.
    merges
        What `level_merges` said of the whole study; by default worked out from this table, which must then hold single attributes
        beside their crossings.
    confidence
        Of the interval of a folded row.

    Returns
    -------
    DataFrame
        The same columns and `folded`, the names of the levels that a row joins. A folded row has joint counts, rate and interval,
        and no comparison; it is an exclusion if exclusion is shown for one of those it joins: folding must not hide it. So has a
        crossing that cannot be shown at all a row of its own, without counts, if it holds an exclusion. Where all people together
        are fewer than `threshold`, the row that joins them names the levels and has no count either.
        `people` is what the threshold is of: what was decided about the members of a group that is shown, and what came of it, is the
        finding, so a rate may have fewer trials (formulas, section 13, rule 4).
    """
    keys = ["attribute", *(["segment"] if "segment" in table else [])]
    merges = level_merges(table, threshold) if merges is None else merges
    parts = []
    for _, rows in table.groupby(keys, sort=False):
        names = _single_folds(rows, threshold, merges) if rows["depth"].iloc[0] == 1 else _crossed_folds(rows, merges, threshold)
        if names is None:
            parts.append(_withheld_row(rows))
        else:
            told = _folded(without_known_total(rows) if UNKNOWN in names else rows, names, confidence)
            parts.append(_uncounted(told) if 0 < _sizes(rows).sum() < threshold else told)
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else table.iloc[:0].assign(folded=[])


def _withheld_row(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row that says of a crossing which cannot be shown that it holds an exclusion; none where it holds none of its own."""
    if "verdict" not in rows:
        return rows.iloc[:0]
    own = rows[(rows["verdict"] == Verdict.EXCLUSION) & (rows["under"].fillna("") == "")].drop_duplicates("metric")
    words = say("because.withheld_exclusion", "en")
    said: dict[str, Any] = {"group": WITHHELD, "folded": "", "under": "", "zero": False, "known": True, "because": words}
    kept = own[["attribute", "metric", "depth", "verdict"]].assign(**said)
    reasons = pd.Series([("withheld_exclusion",)] * len(kept), index=kept.index, dtype=object)
    return kept.assign(reasons=reasons).reindex(columns=[*rows.columns, "folded"])


def withheld(table: pd.DataFrame, threshold: int = 10) -> list[str]:
    """Return the combinations of attributes of which nothing can be shown."""
    rows = published(table, threshold)
    shown = set(rows.loc[rows["group"] != WITHHELD, "attribute"])
    return [name for name in table["attribute"].unique() if name not in shown]


def _uncounted(rows: pd.DataFrame) -> pd.DataFrame:
    """Take away every number of rows that hold anybody; whom they join stays named."""
    numbers = [str(name) for name in rows if rows[name].dtype.kind in "iuf" and name != "depth"]
    held = rows["people"] > 0
    bare = rows.assign(**{name: rows[name].astype(float).mask(held) for name in numbers})
    return bare.assign(zero=rows["zero"] & ~held) if "zero" in rows else bare


def published_levels(rows: pd.DataFrame, threshold: int, merges: Merges) -> Merges | None:
    """Return what each level of the attributes of one table is called where it is published; nothing where it cannot be shown.

    Parameters
    ----------
    rows
        Rows of `disparity.compare` of one attribute, or of one crossing.
    threshold, merges
        As in `published`.
    """
    attributes = str(rows["attribute"].iloc[0]).split(CROSS)
    if 0 < _sizes(rows).sum() < threshold:
        return None
    if len(attributes) == 1:
        return {attributes[0]: _single_folds(rows, threshold, merges)}
    return None if _crossed_folds(rows, merges, threshold) is None else {name: dict(merges.get(name, {})) for name in attributes}


def _sizes(rows: pd.DataFrame) -> pd.Series[float]:
    """Return people by group, whatever the metrics in the table."""
    return rows.groupby("group", sort=False)["people"].max()


def _single_folds(rows: pd.DataFrame, threshold: int, merges: Merges | None = None) -> dict[str, str]:
    """Fold every small level; one more while the fold holds fewer than two levels or too few people.

    Where the unknowns are in the fold, it takes in whole merged levels: crossed tables never join unknowns with a level, so a
    level that they join with one shown here would be the difference of the two.
    """
    sizes = _sizes(rows).rename_axis("group").reset_index().sort_values(["people", "group"])
    present = sizes[sizes["people"] > 0]
    small = present[present["people"] < threshold]
    taken = len(small)
    while 0 < taken < len(present) and (taken < 2 or present["people"].iloc[:taken].sum() < threshold):
        taken += 1
    folded = list(present["group"].iloc[:taken])
    if UNKNOWN in folded:
        joined = (merges or {}).get(str(rows["attribute"].iloc[0]), {})
        classes = {joined[level] for level in folded if level in joined}
        folded += [level for level in present["group"].iloc[taken:] if joined.get(level) in classes]
    return dict.fromkeys(folded, SMALL_GROUPS)


def _crossed_folds(rows: pd.DataFrame, merges: Merges, threshold: int) -> dict[str, str] | None:
    """Return the new name of each combination whose levels were merged; nothing where the table cannot be shown."""
    attributes = str(rows["attribute"].iloc[0]).split(CROSS)
    unknown = _sizes(rows).get(UNKNOWN, 0)
    if 0 < unknown < threshold or any(len(set(merges.get(name, {}).values())) < 2 for name in attributes):
        return None
    renamed, held = dict[str, str](), defaultdict[tuple[str, ...], float](float)
    for group, levels, people in rows.drop_duplicates("group")[["group", "levels", "people"]].itertuples(index=False):
        merged = tuple(merges[name].get(level, level) for name, level in zip(attributes, levels, strict=True))
        held[merged] += people
        if merged != tuple(levels):
            renamed[str(group)] = combined(merged)
    # a crossing deeper than those that the levels were merged for may still hold a small cell
    return None if any(0 < people < threshold for people in held.values()) else renamed


def level_merges(table: pd.DataFrame, threshold: int) -> Merges:
    """Return for each attribute what each level is called in every crossed table, so that no crossed cell is small.

    Levels that are folded together in the single table start as one: joined with others, the difference of the two tables would
    give them back. Then the smallest small cell gives up one of its levels: the one with fewest people, merged with the next
    smallest level of its attribute; until no cell is small. Dropping single cells instead would let margins give them back.
    """
    crossed = table[(table["depth"] > 1) & table["known"].astype(bool)].drop_duplicates(["attribute", "group"])
    single = table[(table["depth"] == 1) & table["known"].astype(bool)].drop_duplicates(["attribute", "group"])
    sizes: dict[str, dict[str, float]] = defaultdict(dict)
    for name, group, people in zip(single["attribute"], single["group"], single["people"], strict=True):
        if people > 0:
            sizes[name][group] = people
    cells = [
        (name.split(CROSS), levels, people) for name, levels, people in zip(crossed["attribute"], crossed["levels"], crossed["people"], strict=True)
    ]
    merges: Merges = {str(name): {level: level for level in sizes[str(name)]} for name in table.loc[table["depth"] == 1, "attribute"].unique()}
    for name, rows in table[table["depth"] == 1].groupby("attribute", sort=False):
        folded = [level for level in _single_folds(rows, threshold) if level != UNKNOWN]
        merges[str(name)].update(dict.fromkeys(folded, MERGED.join(sorted(folded))))
    while (victim := _smallest(cells, merges, threshold)) is not None:
        name = min(victim, key=lambda one: (_held(sizes, merges, one, victim[one]), one))
        _merge(merges[name], victim[name], sizes[name])
    return merges


def _smallest(cells: Sequence[tuple[list[str], tuple[str, ...], float]], merges: Merges, threshold: int) -> dict[str, str] | None:
    """Return the levels of the smallest small cell, by attribute; attributes with one level left are out of every table."""
    added: dict[tuple[tuple[str, str], ...], float] = defaultdict(float)
    for attributes, levels, people in cells:
        if all(len(set(merges.get(name, {}).values())) > 1 for name in attributes):
            added[tuple((name, merges[name][level]) for name, level in zip(attributes, levels, strict=True))] += people
    small = [(people, cell) for cell, people in added.items() if 0 < people < threshold]
    return dict(min(small)[1]) if small else None


def _held(sizes: dict[str, dict[str, float]], merges: Merges, name: str, merged: str) -> float:
    return sum(people for level, people in sizes[name].items() if merges[name][level] == merged)


def _merge(names: dict[str, str], victim: str, sizes: dict[str, float]) -> None:
    """Join a level with the next smallest of its attribute."""
    held: dict[str, float] = defaultdict(float)
    for level, name in names.items():
        held[name] += sizes[level]
    partner = min((name for name in held if name != victim), key=lambda name: (held[name], name))
    joined = MERGED.join(sorted([*victim.split(MERGED), *partner.split(MERGED)]))
    names.update({level: joined for level, name in names.items() if name in {victim, partner}})


def _folded(rows: pd.DataFrame, names: dict[str, str], confidence: float) -> pd.DataFrame:
    """Replace the rows that are renamed by joint rows without comparison; the others stay as they are."""
    moved = rows["group"].isin(list(names))
    kept = rows[~moved].assign(folded="")
    if not moved.any():
        return kept
    gone = rows[moved].assign(into=rows["group"].map(names))
    keys = ["into", "metric", *(["segment", "offer"] if "segment" in rows else [])]
    joint = gone.groupby(keys, as_index=False, sort=False)[_ADDED].sum()
    members = gone.drop_duplicates(["into", "group"]).groupby("into")["group"].agg(lambda groups: ", ".join(map(str, groups)))
    if rows["depth"].iloc[0] > 1:  # the label has the levels; to list the cells that are not empty would tell which are
        members = pd.Series(members.index, members.index)
    low, high = proportion_interval(joint["x"].to_numpy(float), joint["n"].to_numpy(float), confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = joint["hits"].to_numpy(float) / joint["trials"].to_numpy(float)
    first = rows.iloc[0]
    joint = joint.assign(
        group=joint["into"], folded=joint["into"].map(members), value=value, low=low, high=high,
        **{name: first[name] for name in ("attribute", "depth")}, known=True, zero=joint["hits"] == 0,
    )  # fmt: skip
    if "verdict" in rows:
        joint = joint.assign(**_joint_verdict(gone, joint))
    return pd.concat([kept, joint.reindex(columns=kept.columns)], ignore_index=True)


def _joint_verdict(gone: pd.DataFrame, joint: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Return the verdict of joint rows: an exclusion if exclusion is shown for one of those joined, else none."""
    shown = gone[gone["verdict"] == Verdict.EXCLUSION]
    under = shown["under"].fillna("") if "under" in shown else pd.Series("", index=shown.index)
    # sorted so that a group that stands by itself is met last, and so is what the joint row says
    parts = {(into, metric): whole for whole, into, metric in sorted(zip(under, shown["into"], shown["metric"], strict=True), reverse=True)}
    held = [parts.get(key) for key in zip(joint["into"], joint["metric"], strict=True)]
    codes = [("folded",) if under is None else ("folded", "folded_exclusion") for under in held]
    return {
        "verdict": pd.Series([Verdict.NOT_APPLICABLE.value if under is None else Verdict.EXCLUSION.value for under in held]),
        "under": pd.Series([under or "" for under in held]),
        "reasons": pd.Series(codes, dtype=object),
        "because": pd.Series([" ".join(say(f"because.{code}", "en") for code in listed) for listed in codes]),
    }


def only_shown(rows: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """Return rows of groups that are published as they are, and for each attribute a row that names those that are not.

    Parameters
    ----------
    rows
        A table with attribute and group that says something of each group by itself; a group without attribute is everybody.
    shown
        `published` rows of the same people, which say what each group is published as.
    """
    as_they_are = set(zip(shown["attribute"], shown["group"], strict=True))
    pairs = list(zip(rows["attribute"], rows["group"], strict=True))
    kept = pd.Series([not attribute or (attribute, group) in as_they_are for attribute, group in pairs], index=rows.index, dtype=bool)
    left: dict[str, list[str]] = defaultdict(list)
    for (attribute, group), keep in zip(pairs, kept, strict=True):
        if not keep and group not in left[attribute]:
            left[attribute].append(group)
    named = [{"attribute": attribute, "group": SMALL_GROUPS, "folded": ", ".join(groups)} for attribute, groups in left.items() if groups]
    whole = rows[kept].assign(folded="")
    if not named:
        return whole.reset_index(drop=True)
    return pd.concat([whole, pd.DataFrame(named).reindex(columns=whole.columns)], ignore_index=True)


def without_small_blocks(
    rows: pd.DataFrame, block: Sequence[str], counts: Sequence[str], threshold: int, *, also: Collection[tuple[str, ...]] = ()
) -> pd.DataFrame:
    """Withhold every number of a block in which a cell holds fewer than `threshold` people: blanking that cell alone, a total gives it back.

    Parameters
    ----------
    rows
        A table whose rows are cells of groups; `block` names the columns that make a block, `counts` those that hold people.
    also
        Blocks that are withheld whatever their cells hold.
    """
    left = {*also}
    blocks = rows[list(block)].fillna("").itertuples(index=False, name=None)
    small = ((rows[list(counts)] > 0) & (rows[list(counts)] < threshold)).any(axis=1) | np.array([key in left for key in blocks], bool)
    held = small.groupby([rows[name].fillna("") for name in block]).transform("any").to_numpy(bool)
    numbers = [str(name) for name in rows if rows[name].dtype.kind in "fiub" and name not in block]
    blanked = {name: rows[name].astype(object if rows[name].dtype.kind == "b" else float).mask(held) for name in numbers}
    words = {name: rows[name].mask(held, "") for name in ("because", "verdict", "reason", "stratum") if name in rows}
    return rows.assign(**blanked, **words, withheld=held)
