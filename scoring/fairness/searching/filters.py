"""Which excluded combinations say something new: what is wrong with a part of a group, or with a whole that holds it, is no second finding.

Two rules (formulas, section 5). A group is *hollow* if what is wrong with it is wrong with a part of it; it is *accounted for* by a larger
one that stands if it is not shown worse than the rest of that one, or, with several such, no worse than their gaps multiply up to.
"Shown worse" is `ratio_test` at the tolerance, p < alpha. All of it is sums of cells, in arrays over all excluded groups at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from scoring.fairness.searching.conjunctions import Floats, Ints, Lattice, Mask, effective, sums_within
from scoring.fairness.searching.parts import Hollows, Rule, deflated, estimated, hollows_of, union_of


class Verdicts(NamedTuple):
    """What the filter says of each excluded group: arrays (groups,)."""

    kept: Mask
    hollow: Mask
    accounted: Mask
    by: Ints
    """The bits of the group that accounts for it, of its own conditions; 0 where none does."""
    together: Mask
    """Whether it takes the gaps of several groups, multiplied."""
    nearest: Mask
    """(groups, 2^depth): the nearest groups that stand and hold it."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What the two rules need of the excluded groups, worked out once; `filtered` then asks of any part of them which stand."""

    rule: Rule
    parts: Ints
    """(groups, 2^depth): the position among the excluded of who meets the conditions whose bits are set, -1 where it is not excluded."""
    within: Floats
    """(groups, 2^depth, K): sums over those, among the known in all the group's attributes."""
    worse: Mask
    """(groups, 2^depth): whether the group is shown worse than the rest of those."""
    depth: Ints
    effect: Floats
    """(groups,): design effects of clusters, by which effective counts are divided."""
    ratio: Floats
    """(groups,): each against its rest, estimated, in the good direction."""
    hollows: Hollows | None = None


def structure(held: Lattice, values: Floats, excluded: Ints, rule: Rule, effect: Floats | None = None) -> Structure:
    """Work out what the rules need of excluded conjunctions.

    Parameters
    ----------
    held, values
        The conjunctions, and hits and misses (and their squares) of the cells: (cells, 2) or (cells, 4).
    excluded
        The conjunctions that are shown excluded (set E).
    rule
        What "shown worse" means.
    effect
        Design effect of each excluded conjunction.
    """
    position = np.full(held.size + 1, -1)
    position[excluded] = np.arange(len(excluded))
    inflation = np.ones(len(excluded)) if effect is None else effect
    within = sums_within(held, values, excluded)
    hollows = hollows_of(held, values, excluded, rule=rule, effect=inflation)
    parts, depth = position[held.parts(excluded)], held.depth[excluded]
    return structure_of_sums(rule, parts=parts, within=within, depth=depth, effect=inflation, hollows=hollows)


def structure_of_sums(rule: Rule, *, parts: Ints, within: Floats, depth: Ints, effect: Floats, hollows: Hollows | None = None) -> Structure:
    """Test every group against the rest of each excluded group that holds it, all at once (for the fields, see `Structure`)."""
    full = (1 << depth) - 1
    bits = np.arange(parts.shape[1])
    larger = (parts >= 0) & (bits[None, :] > 0) & (bits[None, :] < full[:, None])
    group, holder = np.nonzero(larger)
    own = within[group, full[group]]
    worse = np.zeros(parts.shape, bool)
    sides = (deflated(effective(side), effect[group]) for side in (own, within[group, holder] - own))
    worse[group, holder] = rule.worse(*sides, exact=True)
    each = within[np.arange(len(full)), full]
    return Structure(rule, np.where(larger, parts, -1), within, worse, depth, effect, estimated(each, within[:, 0] - each, rule), hollows)


def filtered(found: Structure, mask: Mask) -> Verdicts:
    """Tell which of the excluded groups in `mask` stand by themselves, and what is wrong with the others: rules 1 and 2.

    What is wrong with a part must be said of some group that stands. A gap in four attributes at once, searched to depth 3, makes four
    triples each of which blames the fourth condition on the others: then the worst of them is spared, and the others stand under it.

    Parameters
    ----------
    found
        What `structure` returned.
    mask
        (groups,): those that count as excluded; the others are as if they were not.
    """
    spared = np.zeros(len(mask), bool)
    while True:
        said, by_part = _round(found, mask, spared)
        lost = np.flatnonzero(_groundless(found.hollows, mask, said, by_part)) if found.hollows is not None else ()
        if not len(lost):
            return said
        spared[lost[np.argmin(found.ratio[lost])]] = True


def _round(found: Structure, mask: Mask, spared: Mask) -> tuple[Verdicts, Mask]:
    """Apply both rules once, depth by depth; say also who is dropped for a part that is worse."""
    union = union_of(found.hollows, mask) if found.hollows is not None else None
    hollow = np.zeros(len(mask), bool) if union is None or found.hollows is None else union.hollow(found.hollows, found.rule) & mask & ~spared
    kept, accounted, together, by_part = (mask & ~hollow), np.zeros(len(mask), bool), np.zeros(len(mask), bool), hollow.copy()
    by, nearest = np.zeros(len(mask), np.int64), np.zeros(found.parts.shape, bool)
    for depth in range(2, int(found.depth.max(initial=1)) + 1):
        rows = np.flatnonzero(kept & (found.depth == depth))
        if not len(rows):
            continue
        near = _nearest(kept, found.parts[rows, : 1 << depth])
        alone = near & ~found.worse[rows, : 1 << depth]
        several = np.flatnonzero(~alone.any(1) & (near.sum(1) > 1))
        together[rows[several]] = ~_worse_than_the_product(found, rows[several], near[several])
        if union is not None and found.hollows is not None:
            open_ = np.flatnonzero(~alone.any(1) & ~together[rows] & ~spared[rows] & near.any(1))
            at, bits = np.nonzero(near[open_] & np.isin(rows[open_], union.group).reshape(-1, 1))
            group = rows[open_[at]]
            alone[open_[at], bits] = union.no_worse(found.hollows, found.rule, group, found.parts[group, bits])
            by_part[rows[open_]] = alone[open_].any(1)
        by_one = np.asarray(alone.any(axis=1))
        accounted[rows] = by_one | together[rows]
        by[rows] = np.where(accounted[rows], _most_conditions(np.where(by_one[:, None], alone, near)), 0)
        nearest[rows, : 1 << depth] = near
        kept[rows] &= ~accounted[rows]
    return Verdicts(kept, hollow, accounted, by, together, nearest), by_part


def _groundless(found: Hollows, mask: Mask, said: Verdicts, by_part: Mask) -> Mask:
    """Tell who was dropped for parts of which no group that stands, or is part of one, speaks."""
    pairs = mask[found.group] & mask[found.other]
    group, other = found.group[pairs], found.other[pairs]
    grounded = said.kept | (said.accounted & ~by_part)
    while (reached := by_part & ~grounded & _any_of(group, grounded[other], len(mask))).any():
        grounded |= reached
    return by_part & ~grounded


def _any_of(group: Ints, true: Mask, size: int) -> Mask:
    """Tell of which of `size` groups anything is true."""
    return np.asarray(np.bincount(group, true, size) > 0)


def _nearest(kept: Mask, parts: Ints) -> Mask:
    """Return (groups, 2^depth): the groups that stand and hold each, but for those that hold another such."""
    stands = (parts >= 0) & kept[parts]
    inside = _inside(parts.shape[1])
    return np.asarray(stands & ~((stands[:, None, :] & inside[None, :, :]).any(2)))


@cache
def _inside(size: int) -> Mask:
    """Tell (b, b') where b' has all the bits of b, and more."""
    bits = np.arange(size)
    return ((bits[:, None] & bits[None, :]) == bits[:, None]) & (bits[:, None] != bits[None, :])


def _most_conditions(which: Mask) -> Ints:
    """Return for each row the first true column among those with most bits."""
    bits = np.array([b.bit_count() for b in range(which.shape[1])])
    return np.argmax(np.where(which, bits[None, :] + 1, 0), axis=1)


def _worse_than_the_product(found: Structure, rows: Ints, nearest: Mask) -> Mask:
    """Tell where ``p_S >= tau p_0 prod(p_j / p_0)`` is rejected: the group is worse than the gaps of its holders multiply up to.

    p_j is the rate in holder j outside the group and the other holders, p_0 the rate outside all holders within the conditions that they
    share. One-sided z on the logarithm; the variance is the sum of (1-p)/x, with the factor (r-1)^2 for p_0. What has no rate accounts for
    nothing.
    """
    size = nearest.shape[1]
    exactly = _exactly(found.within[rows, :size])
    meets = _inside(size) | np.eye(size, dtype=bool)
    holders = nearest @ meets.astype(np.int64)
    common = np.bitwise_and.reduce(np.where(nearest, np.arange(size)[None, :], size - 1), axis=1)
    of_one = nearest[:, :, None] & meets[None, :, :] & (holders == 1)[:, None, :]
    outside = (holders == 0) & meets[common]
    count = nearest.sum(1)
    z_own, v_own = _log_rate(exactly[:, size - 1], found.effect[rows])
    z_one, v_one = _log_rate(np.einsum("gbp,gpk->gbk", of_one.astype(float), exactly), found.effect[rows][:, None])
    z_out, v_out = _log_rate(np.einsum("gp,gpk->gk", outside.astype(float), exactly), found.effect[rows])
    gap = z_own + (count - 1) * z_out - np.where(nearest, z_one, 0.0).sum(1)
    variance = v_own + (count - 1) ** 2 * v_out + np.where(nearest, v_one, 0.0).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = ((-gap if found.rule.less else gap) - np.log(found.rule.tolerance)) / np.sqrt(variance)
    return np.asarray(~(special.ndtr(z) >= found.rule.alpha))


def _exactly(at_least: Floats) -> Floats:
    """Turn sums over who meets the bits set into sums over who meets these and no others (Moebius inversion)."""
    exactly = at_least.copy()
    bits = np.arange(at_least.shape[1])
    for one in (1 << bit for bit in range(int(at_least.shape[1]).bit_length() - 1)):
        without = bits[(bits & one) == 0]
        exactly[:, without] -= exactly[:, without | one]
    return np.maximum(exactly, 0.0)


def _log_rate(added: Floats, effect: Floats) -> tuple[Floats, Floats]:
    """Return the logarithm of a rate and its variance (1-p)/x; half a hit is added where there is none; nan without trials."""
    x, n = deflated(effective(added), effect)
    nobody = x <= 0
    x, n = np.where(nobody, 0.5, x), np.where(nobody & (n > 0), n + 1, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(n > 0, x / n, np.nan)
        return np.log(p), (1 - p) / x
