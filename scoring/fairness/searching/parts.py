"""What "shown worse" means, and rule 1: which parts of an excluded group are worse than the rest of it.

For A and T excluded, c what T asks and A does not, "A and c" is compared with "A and not c"; the union of the c that are shown worse is C.
Pairs are found and added up as products of sparse arrays (groups x cells), for a cell is in no more groups than there are sets of attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from scoring.bounds import Bounds
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.searching.conjunctions import Floats, Ints, Lattice, Mask, effective


class Rule(NamedTuple):
    """What "shown worse" means: the tolerance, the level, and whether less of the metric is better for the person."""

    tolerance: float
    alpha: float
    less: bool
    exact: bool
    """Whether counts are people, so that the few may be tested exactly."""

    def worse(self, group: tuple[Floats, Floats], reference: tuple[Floats, Floats], *, exact: bool = False) -> Mask:
        """Tell where the group's rate is shown to be below tolerance x the reference's (the sides exchanged for a harm); no: nan."""
        first, second = (reference, group) if self.less else (group, reference)
        return ratio_test(*first, *second, tolerance=self.tolerance, exact=exact and self.exact).p_exclusion < self.alpha


def rule_of(bounds: Bounds, *, less: bool, exact: bool) -> Rule:
    """Return the rule of the bounds."""
    return Rule(bounds.tolerance, bounds.alpha, less, exact)


def deflated(counts: tuple[Floats, Floats], effect: Floats) -> tuple[Floats, Floats]:
    """Return hits and trials over a design effect."""
    return counts[0] / effect, counts[1] / effect


def estimated(group: Floats, reference: Floats, rule: Rule) -> Floats:
    """Return the ratio of two estimated rates in the good direction; nan where one of them is of nobody."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p, r = (np.where(side[:, :2].sum(1) > 1e-9, side[:, 0] / side[:, :2].sum(1), np.nan) for side in (group, reference))
        return np.asarray(r / p if rule.less else p / r)


@dataclass(frozen=True, slots=True)
class Hollows:
    """What rule 1 needs: the parts of each excluded group that are shown worse than the rest of it."""

    group: Ints
    """(pairs,): the group A, as a position among the excluded."""
    other: Ints
    """(pairs,): the excluded group T whose further conditions make the part."""
    part: Ints
    """(pairs,): those conditions c, as a conjunction."""
    distinct: Ints
    """The different parts, in order."""
    cells: sparse.csr_array
    """(distinct parts, cells): who is in the part, or not known not to be."""
    members: sparse.csr_array
    """(groups, cells)."""
    tally: Floats
    """(cells, K)."""
    known: Mask
    """(cells, sets): known in all attributes of a set."""
    of_set: Ints
    """(groups,)."""
    effect: Floats
    """(groups,): design effects of clusters."""


class Union(NamedTuple):
    """For each group with parts that are shown worse, the union C of these parts."""

    group: Ints
    """(rows,): the groups, as positions among the excluded, in order."""
    cells: sparse.csr_array
    """(rows, cells): 1 where a cell is in C, or not known not to be."""

    def hollow(self, hollows: Hollows, rule: Rule) -> Mask:
        """Tell which groups do, without C, as well as others without C (rule 1)."""
        hollow = np.zeros(len(hollows.of_set), bool)
        if not len(self.group):
            return hollow
        members, of_set = hollows.members[self.group], hollows.of_set[self.group]
        own, everybody = members @ hollows.tally, (hollows.known.T.astype(float) @ hollows.tally)[of_set]
        inside = _product(members, self.cells) @ hollows.tally
        rows = np.arange(len(self.group))
        known_inside = np.stack([(self.cells @ (hollows.known * column[:, None]))[rows, of_set] for column in hollows.tally.T], axis=1)
        hollow[self.group] = estimated(own - inside, everybody - own - known_inside + inside, rule) >= rule.tolerance
        return hollow

    def no_worse(self, hollows: Hollows, rule: Rule, group: Ints, holder: Ints) -> Mask:
        """Tell which groups are, without C, not shown worse than the rest of a holder without C: both rules at once, like with like."""
        if not len(group):
            return np.zeros(0, bool)
        known = sparse.csr_array(hollows.known[:, hollows.of_set[group]].T.astype(float))
        outside = known - _product(known, self.cells[np.searchsorted(self.group, group)])
        own, whole = (_product(hollows.members[who], outside) @ hollows.tally for who in (group, holder))
        first, second = (deflated(effective(side), hollows.effect[group]) for side in (own, whole - own))
        return np.asarray((first[1] > 0) & (second[1] > 0) & ~rule.worse(first, second))


def _product(first: sparse.csr_array, second: sparse.csr_array) -> sparse.csr_array:
    """Return what is in both."""
    return sparse.csr_array(first.multiply(second))


def union_of(found: Hollows, mask: Mask) -> Union:
    """Return the union of the parts that excluded groups in `mask` make, for each group in `mask` that has any."""
    pairs = mask[found.group] & mask[found.other]
    group, row = np.unique(found.group[pairs], return_inverse=True)
    column = np.searchsorted(found.distinct, found.part[pairs])
    active = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(len(group), len(found.distinct)))
    covered = sparse.csr_array(active @ found.cells)
    covered.data = np.minimum(covered.data, 1.0)
    return Union(group, covered)


def parts_that_hollow(held: Lattice, found: Hollows, mask: Mask) -> tuple[Ints, Ints]:
    """Return the pairs (group, part) behind a union of parts, each once; a part of such a part is not repeated."""
    pairs = mask[found.group] & mask[found.other]
    key = np.unique(found.group[pairs] * held.size + found.part[pairs])
    group, part = np.divmod(key, held.size)
    larger = held.parts(part)
    larger = np.where((larger >= 0) & (larger != part[:, None]), group[:, None] * held.size + larger, -1)
    alone = ~np.isin(larger, key).any(axis=1)
    return group[alone], part[alone]


def hollows_of(held: Lattice, values: Floats, excluded: Ints, *, rule: Rule, effect: Floats) -> Hollows:
    """Compare, for all pairs (A, T) of excluded groups that share somebody, A-and-c with A-and-not-c, c what T asks and A does not."""
    members = _members(held, excluded)
    further = _further(held)
    together = sparse.coo_array(members @ members.T)
    group, other = (axis.astype(np.int64) for axis in together.coords)
    of_set = held.of_set[excluded]
    asked = further[of_set[group], of_set[other]]
    group, other, asked = (side[asked >= 0] for side in (group, other, asked))
    part = held.place[held.some_cell[excluded[other]], asked]
    # many T give the same part: each pair (A, c) is tested once
    first, back = _once(group, part, held.size)
    joint, rest = _both_sides(held, values, members, group=group[first], other=other[first], of_set=of_set)
    worse = rule.worse(deflated(effective(joint), effect[group[first]]), deflated(effective(rest), effect[group[first]]))[back]
    group, other, part = group[worse], other[worse], part[worse]
    distinct = np.unique(part)
    return Hollows(group, other, part, distinct, _possible(held, distinct), members, values, held.place >= 0, of_set, effect)


def _members(held: Lattice, which: Ints) -> sparse.csr_array:
    """Return (conjunctions, cells): 1 where a cell is in one."""
    position = np.full(held.size + 1, -1)
    position[which] = np.arange(len(which))
    where = position[held.place]
    cell, column = np.nonzero(where >= 0)
    return sparse.csr_array((np.ones(len(cell)), (where[cell, column], cell)), shape=(len(which), len(where)))


def _once(group: Ints, part: Ints, size: int) -> tuple[Ints, Ints]:
    """Return the first place of each pair (group, part), and where each pair went."""
    _, first, back = np.unique(group * size + part, return_index=True, return_inverse=True)
    return first.astype(np.int64), back.astype(np.int64)


def _both_sides(held: Lattice, values: Floats, members: sparse.csr_array, *, group: Ints, other: Ints, of_set: Ints) -> tuple[Floats, Floats]:
    """Return the sums of A-and-c and of A-and-not-c, known in the attributes of both: (pairs, K)."""
    known = (held.place >= 0).astype(float)
    joint, rest = [], []
    for column in values.T:
        weighed = members.multiply(column[None, :]).tocsr()
        both = (weighed @ members.T).tocsr()
        joint.append(_entries(both, group, other))
        rest.append(np.maximum((weighed @ known)[group, of_set[other]] - joint[-1], 0.0))
    return np.stack(joint, axis=1), np.stack(rest, axis=1)


def _entries(matrix: sparse.csr_array, rows: Ints, columns: Ints) -> Floats:
    """Return single entries of a sparse array as a dense one."""
    picked: Any = matrix[rows, columns]  # sparse or dense: that differs between releases of scipy
    return np.asarray(picked if isinstance(picked, np.ndarray) else picked.toarray(), np.float64).ravel()


def _further(held: Lattice) -> Ints:
    """Return (sets, sets): the set of the attributes that the second has and the first has not; -1 for none."""
    bits = np.array([sum(1 << name for name in by) for by in held.sets], np.int64)
    left = bits[None, :] & ~bits[:, None]
    order = np.argsort(bits)
    return np.where(left == 0, -1, order[np.searchsorted(bits[order], left).clip(max=len(bits) - 1)])


def _possible(held: Lattice, parts: Ints) -> sparse.csr_array:
    """Return (parts, cells): 1 where a cell is in a part, or unknown in one of its attributes."""
    of_set = held.of_set[parts]
    number = np.full(held.size, -1)
    number[parts] = np.arange(len(parts))
    sets = np.unique(of_set)
    inside = np.where(held.place[:, sets] >= 0, number[held.place[:, sets]], -1)
    cell, column = np.nonzero(inside >= 0)
    row = inside[cell, column]
    unknown_cell, unknown_set = np.nonzero(held.place[:, of_set] < 0)
    rows, cells = np.concatenate([row, unknown_set]), np.concatenate([cell, unknown_cell])
    return sparse.csr_array((np.ones(len(rows)), (rows, cells)), shape=(len(parts), len(held.place)))
