"""The two ways to search with a bounded rate of false findings: Focused Benjamini-Hochberg, and confirmation on a held-out half.

Filtering true discoveries leaves the false ones, so Benjamini-Hochberg's rate does not hold for what a filter leaves: 24 true discoveries
folded into one beside 173 nulls leave a list of which 40 % is false at a nominal 5 % (formulas, section 5).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoring.fairness.hypotheses import adjust, ratio_test, used_exact
from scoring.fairness.multiplicity import focused_threshold
from scoring.fairness.searching.conjunctions import Floats, Ints, Lattice, Mask, effective, known_sums, sums
from scoring.fairness.searching.filters import Structure, Verdicts, filtered, structure
from scoring.fairness.searching.parts import Rule


class Problem(NamedTuple):
    """What is searched: conjunctions, the sums of their cells, and what "shown worse" means."""

    held: Lattice
    tally: Floats
    """(cells, K): hits and misses, with sums of squared weights where a weight is no count."""
    rule: Rule
    effect: Floats
    """(conjunctions,): design effects of clusters, 1 without."""
    blind: Mask
    """(conjunctions,): no test, as no refused person's outcome is known."""


class AgainstRest(NamedTuple):
    """Every conjunction against everybody known in its attributes and not in it: arrays (conjunctions,)."""

    group: tuple[Floats, Floats]
    """Effective hits and trials."""
    reference: tuple[Floats, Floats]
    p: Floats


class Found(NamedTuple):
    """What a search found: arrays over the conjunctions that it lists."""

    which: Ints
    kept: Mask
    """Who stands by itself."""
    confirmed: Mask
    """Of those, who is a finding; the others are leads."""
    p: Floats
    p_adjusted: Floats
    said: Verdicts
    structure: Structure
    sure: Mask
    """Who counted as excluded in the last round of the filter."""


def problem(held: Lattice, tally: Floats, *, rule: Rule, effect: Floats | None = None, blind: Mask | None = None) -> Problem:
    """Put a search together from arrays; without design effects and unknown outcomes, where none are given."""
    inflation = np.ones(held.size) if effect is None else effect
    return Problem(held, tally, rule, inflation, np.zeros(held.size, bool) if blind is None else blind)


def against_rest(asked: Problem, which: Ints | None = None) -> AgainstRest:
    """Test conjunctions (all by default) against the rest by the corrected score: nan without people, reference or anybody hit."""
    held, tally = asked.held, asked.tally
    chosen = np.arange(held.size) if which is None else which
    own = sums(held, tally)[chosen]
    rest = np.maximum(known_sums(held, tally)[held.of_set[chosen]] - own, 0.0)
    group, reference = ((x / asked.effect[chosen], n / asked.effect[chosen]) for x, n in (effective(own), effective(rest)))
    first, second = (reference, group) if asked.rule.less else (group, reference)
    p = ratio_test(*first, *second, tolerance=asked.rule.tolerance, exact=False).p_exclusion
    return AgainstRest(group, reference, np.where(asked.blind[chosen], np.nan, p))


def made_exact(found: AgainstRest, which: Mask, rule: Rule) -> Floats:
    """Return p with the exact one where it is asked for and few are expected: 5 ms each, so it is asked of those about to be found only."""
    p = found.p.copy()
    sides = tuple(side[which] for side in (*found.group, *found.reference))
    first = (*sides[2:], *sides[:2]) if rule.less else sides
    few = used_exact(*first, tolerance=rule.tolerance)
    places = np.flatnonzero(which)[few]
    p[places] = ratio_test(*(side[few] for side in first), tolerance=rule.tolerance).p_exclusion
    return p


def discovered(asked: Problem, q: float) -> AgainstRest:
    """Return the tests of all conjunctions, exact for those that Benjamini-Hochberg would find and where few are expected."""
    found = against_rest(asked)
    return found._replace(p=made_exact(found, adjust(found.p, "bh") <= q, asked.rule)) if asked.rule.exact else found


def focused(asked: Problem, q: float) -> Found:
    """Search by Focused Benjamini-Hochberg at level `q`: findings are those kept of the p-values up to the largest t with m t <= q |kept|.

    What Benjamini-Hochberg alone would add, and the filter keeps, is a lead.
    """
    found = discovered(asked, q)
    which = np.flatnonzero(adjust(found.p, "bh") <= q)
    drawn = structure(asked.held, asked.tally, which, asked.rule, asked.effect[which])

    def kept(mask: Mask) -> Mask:
        stands = np.zeros(len(mask), bool)
        stands[which] = filtered(drawn, mask[which]).kept
        return stands

    t = focused_threshold(found.p, kept, q, monotone=True)
    sure = found.p[which] <= t  # nobody where there is no such t
    last, first = filtered(drawn, sure), filtered(drawn, np.ones(len(which), bool))
    said = Verdicts(*(np.where(sure if a.ndim == 1 else sure[:, None], a, b) for a, b in zip(last, first, strict=True)))
    family = np.count_nonzero(~np.isnan(found.p))
    adjusted = np.minimum(found.p[which] * family / max(last.kept.sum(), 1), 1.0)
    return Found(which, said.kept, said.kept & sure, found.p[which], adjusted, said, drawn, sure)


def held_out(asked: Problem, q: float, first: Floats, second: Floats) -> Found:
    """Search `first` by Benjamini-Hochberg and the filter, then confirm what stands on `second` with Holm over the list.

    Parameters
    ----------
    asked, q
        The problem, and the level of each step.
    first, second
        Values of the cells in the two halves.
    """
    looked = asked._replace(tally=first)
    found = discovered(looked, q)
    which = np.flatnonzero(adjust(found.p, "bh") <= q)
    drawn = structure(asked.held, first, which, asked.rule, asked.effect[which])
    everyone = np.ones(len(which), bool)
    said = filtered(drawn, everyone)
    again = against_rest(asked._replace(tally=second), which)
    p = made_exact(again, ~np.isnan(again.p), asked.rule) if asked.rule.exact else again.p
    adjusted = adjust(np.where(said.kept, p, np.nan))
    return Found(which, said.kept, said.kept & (adjusted <= q), p, adjusted, said, drawn, everyone)
