"""Which rows of a judgement say something new: the two rules of `filters`, for tables of verdicts.

`accounted_for` and `hollow` need the rows alone, as they hold every combination to their depth. `excluded_structure` has the counts as
well, and so the whole of rule 1: combinations deeper than the table, and parts joined to a union.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from scoring.bounds import Bounds
from scoring.fairness.counts import Counts
from scoring.fairness.metrics import METRICS
from scoring.fairness.searching.cell_tables import Cells, cells_of, numbered_rows
from scoring.fairness.searching.conjunctions import Floats, Ints, Lattice, Mask, labels, lattice
from scoring.fairness.searching.filters import filtered, structure, structure_of_sums
from scoring.fairness.searching.parts import Rule, parts_that_hollow, rule_of
from scoring.texts import say
from scoring.vocabulary import CROSS, Better, Verdict

BETWEEN = "; "
"""Between the parts that hollow a group."""


def accounted_for(rows: pd.DataFrame, bounds: Bounds) -> list[str]:
    """Return for each excluded combination the excluded group that accounts for it ("sex: F"); "" where it stands by itself.

    A combination is accounted for by a larger excluded group that stands itself if it is not shown worse than the rest of that group; or,
    with several nearest such groups, no worse than their gaps multiply up to (formulas, section 5, rule 2). Who is excluded as a woman in a
    priority neighbourhood because everybody there is, is not a second finding. With several, the one with most conditions is named.

    Parameters
    ----------
    rows
        A judgement: every combination to a depth, with attribute, levels, depth, metric, known, hits, trials, n and verdict.
    bounds
        Tolerance and level.
    """
    under = np.full(len(rows), "", object)
    for place, table, rule in _families(rows, bounds):
        parts, within, depth, excluded = _lattice_of_rows(table)
        which = np.flatnonzero(excluded)
        position = np.append(np.where(excluded, np.cumsum(excluded) - 1, -1), -1)
        found = structure_of_sums(rule, parts=position[parts[which]], within=within[which], depth=depth[which], effect=_effect(table)[which])
        said = filtered(found, np.ones(len(which), bool))
        told = np.flatnonzero(said.accounted)
        holder = parts[which[told], said.by[told]]
        under[place[which[told]]] = _named(table.iloc[holder])
    return [str(name) for name in under]


def hollow(rows: pd.DataFrame, bounds: Bounds) -> list[str]:
    """Return for each excluded group the part ("age: 66+") without which it does as well as others without it; "" where there is none.

    Rule 1 of formulas, section 5, for one part at a time and no deeper than the rows go; `excluded_structure` has the whole of it.

    Parameters
    ----------
    rows, bounds
        As for `accounted_for`.
    """
    because = np.full(len(rows), "", object)
    for place, table, rule in _families(rows, bounds):
        parts, within, depth, excluded = _lattice_of_rows(table)
        for group, part in _hollowed(parts, within, depth, excluded=np.append(excluded, False), effect=_effect(table), rule=rule):
            names = _named(table.iloc[part])
            taken = because[place[group]] == ""
            because[place[group[taken]]] = names[taken]
    return [str(name) for name in because]


def excluded_structure(counts: Counts, rows: pd.DataFrame, bounds: Bounds) -> pd.DataFrame:
    """Return `under` and `hollow_because` of each row by both rules in full: what is hollow accounts for nothing.

    Parameters
    ----------
    counts
        The counts that the rows were worked out from.
    rows, bounds
        As for `accounted_for`.

    Returns
    -------
    DataFrame
        The columns `under` (the larger group that accounts for it) and `hollow_because` (its parts that account for it), "" where there is
        nothing to say; in the order, and with the index, of the rows.
    """
    said = pd.DataFrame({"under": "", "hollow_because": ""}, index=rows.index, dtype=object)
    for place, table, rule in _families(rows, bounds):
        cells = cells_of(counts, METRICS[str(table["metric"].iloc[0])])
        held = lattice(cells.codes, int(table["depth"].max()))
        which = np.flatnonzero(table["verdict"].eq(Verdict.EXCLUSION).to_numpy() & (table["trials"] > 0).to_numpy())
        numbers = _found_again(cells, held, table.iloc[which])
        found = structure(held, cells.tally, numbers, rule, _effect(table)[which])
        everyone = np.ones(len(which), bool)
        told = filtered(found, everyone)
        accounted = np.flatnonzero(told.accounted)
        said.iloc[place[which[accounted]], 0] = _named(table.iloc[which].iloc[found.parts[accounted, told.by[accounted]]])
        if found.hollows is not None:
            group, part = parts_that_hollow(held, found.hollows, everyone)
            because = joined(group, named(cells, held, part), len(which))
            said.iloc[place[which[told.hollow]], 1] = because[told.hollow]
    return said


def placed(rows: pd.DataFrame, counts: Counts, bounds: Bounds) -> pd.DataFrame:
    """Return judged rows with what accounts for each excluded one: `under` and `hollow_because`, and the reason of a hollow one said.

    A combination that is excluded only because of a part of it stands under that part; a group of a single attribute is listed all the
    same, and says so.
    """
    said = excluded_structure(counts, rows, bounds)
    hollow = said["hollow_because"] != ""
    first = said["hollow_because"].str.split(BETWEEN).str[0]
    under = said["under"].mask(hollow & (rows["depth"] > 1) & (said["under"] == ""), first)
    told = rows.assign(under=under, hollow_because=said["hollow_because"])
    reasons = [(*codes, "hollow") if flag else codes for codes, flag in zip(told["reasons"], hollow, strict=True)]
    words = [say("because.hollow", "en", hollow_because=parts) if parts else "" for parts in said["hollow_because"]]
    return told.assign(
        reasons=pd.Series(reasons, index=rows.index, dtype=object),
        because=[f"{one} {two}".strip() for one, two in zip(told["because"], words, strict=True)],
    )


def named(cells: Cells, held: Lattice, which: Ints) -> list[str]:
    """Return conjunctions as text: "sex x age: F x 66+"."""
    attribute, group, _ = labels(held, cells.attributes, cells.levels, which)
    return [": ".join(both) for both in zip(attribute, group, strict=True)]


def joined(group: Ints, names: list[str], size: int) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return for each of `size` groups the names that go with it, joined."""
    texts = np.full(size, "", object)
    by_group = pd.Series(names, dtype=object).groupby(group).agg(BETWEEN.join)
    texts[by_group.index.to_numpy(np.int64)] = by_group.to_numpy(object)
    return texts


def _families(rows: pd.DataFrame, bounds: Bounds) -> Iterator[tuple[Ints, pd.DataFrame, Rule]]:
    """Go through the metrics that exclude anybody: the places of their known rows, these rows, and what "shown worse" means."""
    known = rows["known"].to_numpy(bool)
    metrics = rows["metric"].to_numpy(object)
    for metric in dict.fromkeys(metrics):
        here = np.flatnonzero(known & (metrics == metric))
        table = rows.iloc[here]
        if table["verdict"].eq(Verdict.EXCLUSION).any():
            less = METRICS[str(metric)].better is Better.LESS
            yield here, table, rule_of(bounds, less=less, exact=bool((_effect(table) == 1).all()))


def _effect(table: pd.DataFrame) -> Floats:
    """Return by how much weights and clusters shrink the trials of each row to effective ones."""
    trials, n = table["trials"].to_numpy(float), table["n"].to_numpy(float)
    return np.where((n > 0) & (trials > 0), trials / np.where(n > 0, n, 1.0), 1.0)


def _lattice_of_rows(table: pd.DataFrame) -> tuple[Ints, Floats, Ints, Mask]:
    """Return the parts of each row as positions in the table (rows, 2^depth), sums over them, depth, and who is excluded."""
    depth = table["depth"].to_numpy(np.int64)
    conditions = [tuple(zip(name.split(CROSS), levels, strict=True)) for name, levels in zip(table["attribute"], table["levels"], strict=True)]
    position: Mapping[frozenset[tuple[str, str]], int] = {frozenset(one): i for i, one in enumerate(conditions)}
    width = 1 << int(depth.max())
    parts = np.full((len(table), width), -1, np.int64)
    for i, one in enumerate(conditions):  # a look-up of names, row by row; the arithmetic is in arrays
        for bits in range(1, 1 << len(one)):
            parts[i, bits] = position.get(frozenset(part for bit, part in enumerate(one) if bits >> bit & 1), -1)
    hits, trials = table["hits"].to_numpy(float), table["trials"].to_numpy(float)
    values = np.stack([hits, trials - hits], axis=1)
    within = np.where((parts >= 0)[:, :, None], values[parts], 0.0)
    everybody = pd.DataFrame(values).groupby(table["attribute"].to_numpy()).transform("sum").to_numpy(float)
    within[:, 0] = everybody
    excluded = table["verdict"].eq(Verdict.EXCLUSION).to_numpy() & (trials > 0)
    return parts, within, depth, excluded


def _hollowed(parts: Ints, within: Floats, depth: Ints, *, excluded: Mask, effect: Floats, rule: Rule) -> Iterator[tuple[Ints, Ints]]:
    """Go through the ways in which a row is "A and c": excluded A, c the rest of its conditions, which an excluded T asks for too."""
    for bits in range(1, parts.shape[1] - 1):
        rows = np.flatnonzero((depth >= int(bits).bit_length()) & ((1 << depth) - 1 != bits))
        rows = rows[excluded[parts[rows, bits]]]
        if not len(rows):
            continue
        full = (1 << depth[rows]) - 1
        asks = [excluded[parts[rows, other]] & ((other | bits) == full) for other in range(1, parts.shape[1]) if other & ~bits]
        rows, full = (side[np.logical_or.reduce(asks)] for side in (rows, full))
        own, whole, part, everybody = (within[rows, which] for which in (full, bits, full & ~bits, 0))
        sides = tuple((side[:, 0] / effect[rows], side.sum(1) / effect[rows]) for side in (own, np.maximum(whole - own, 0.0)))
        left, others = whole - own, everybody - whole - part + own
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = [np.where(side.sum(1) > 0, side[:, 0] / side.sum(1), np.nan) for side in (left, others)]
            ratio = rates[1] / rates[0] if rule.less else rates[0] / rates[1]
        empty = rule.worse(*sides) & (ratio >= rule.tolerance)
        yield parts[rows[empty], bits], parts[rows[empty], (full & ~bits)[empty]]


def _found_again(cells: Cells, held: Lattice, table: pd.DataFrame) -> Ints:
    """Return the conjunction of each row."""
    codes = [{level: code for code, level in enumerate(levels)} for levels in cells.levels]
    column = {name: i for i, name in enumerate(cells.attributes)}
    wanted = np.full((len(table), len(column)), -1, np.int64)
    for i, (names, levels) in enumerate(zip(table["attribute"], table["levels"], strict=True)):
        for name, level in zip(names.split(CROSS), levels, strict=True):
            wanted[i, column[name]] = codes[column[name]][level]
    number = numbered_rows(np.concatenate([held.conditions(np.arange(held.size)), wanted]))
    back = np.full(int(number.max(initial=-1)) + 1, -1, np.int64)
    back[number[: held.size]] = np.arange(held.size)
    return back[number[held.size :]]


def _named(table: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.array([f"{attribute}: {group}" for attribute, group in zip(table["attribute"], table["group"], strict=True)], object)
