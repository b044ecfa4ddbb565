"""Parts of an excluded group are not second findings; what is worse than its group is."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import scoring
from scoring.bounds import Bounds
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.searching.conjunctions import lattice, sums
from scoring.fairness.searching.filters import filtered, structure, structure_of_sums
from scoring.fairness.searching.parts import Rule, union_of
from scoring.fairness.searching.search import search
from scoring.fairness.subgroups import accounted_for, excluded_structure, hollow

RULE = Rule(0.8, 0.025, less=False, exact=False)


def people(rates: dict[tuple[str, str], float], size: int = 1_000) -> pd.DataFrame:
    """So many people in each cell, accepted at a rate."""
    parts = [pd.DataFrame({"a": a, "b": b, "y": np.arange(size) < round(rate * size)}) for (a, b), rate in rates.items()]
    return pd.concat(parts, ignore_index=True)


def under(frame: pd.DataFrame) -> dict[str, str]:
    rows = scoring.audit(frame, groups=["a", "b"], decision="y", favourable=True).judged()
    shown = rows[rows["verdict"] == "exclusion"]
    return dict(zip(shown["group"], shown["under"], strict=True))


def test_parts_of_an_excluded_group_stand_under_it():
    rates = {("u", "p"): 0.3, ("u", "q"): 0.3, ("v", "p"): 0.7, ("v", "q"): 0.7, ("w", "p"): 0.7, ("w", "q"): 0.7}
    assert under(people(rates)) == {"u": "", "u x p": "a: u", "u x q": "a: u"}


def test_an_intersection_that_no_parent_shows_stands_by_itself():
    rates = {("u", "p"): 0.35, ("u", "q"): 0.85, ("v", "p"): 0.8, ("v", "q"): 0.6, ("w", "p"): 0.8, ("w", "q"): 0.6}
    assert under(people(rates)) == {"u x p": ""}


def test_a_part_that_is_worse_than_its_group_is_a_finding_of_its_own():
    rates = {("u", "p"): 0.1, ("u", "q"): 0.4, ("v", "p"): 0.7, ("v", "q"): 0.7, ("w", "p"): 0.7, ("w", "q"): 0.7}
    found = under(people(rates))
    assert found["u"] == ""
    assert found["u x p"] == ""
    assert found["u x q"] == "a: u"


CROSSED = {(a, b): 0.8 * (0.6 if a == "u" else 1) * (0.6 if b == "p" else 1) for a in "uvw" for b in "pqr"}


def test_two_gaps_that_multiply_account_for_the_pair_and_one_that_is_worse_than_that_does_not():
    """.8 x .6 x .6 = .288 is the product; the pair is worse than the rest of either group, and stands only where it is worse than .288 too."""
    assert under(people(CROSSED))["u x p"] == "a: u"
    assert under(people({**CROSSED, ("u", "p"): 0.15}))["u x p"] == ""


def test_the_product_of_two_gaps_is_rejected_where_the_z_on_the_logarithm_says_so():
    """By hand: z = (log p_S + log p_0 - log p_1 - log p_2 - log tau) / sqrt(sum (1-p)/x)."""
    for hits in range(120, 290, 10):
        frame = people({**CROSSED, ("u", "p"): hits / 1_000})
        own, outside = (hits, 1_000), (4 * 800, 4_000)
        of_one = (2 * 480, 2_000)
        logs = [math.log(x / n) for x, n in (own, outside, of_one, of_one)]
        variance = sum((1 - x / n) / x for x, n in (own, outside, of_one, of_one))
        z = (logs[0] + logs[1] - logs[2] - logs[3] - math.log(0.8)) / math.sqrt(variance)
        assert (under(frame)["u x p"] == "") == (stats.norm.cdf(z) < 0.025)


def judged(frame: pd.DataFrame):
    study = scoring.audit(frame, groups=[name for name in "abcd" if name in frame], decision="y", favourable=True)
    return study.counts, study.judged()


def test_a_group_that_does_well_without_its_bad_part_is_hollow():
    rates = {(a, b): 0.15 if (a, b) == ("u", "p") else 0.7 for a in "uvw" for b in "pqr"}
    counts, rows = judged(people(rates))
    because = dict(zip(rows["group"], hollow(rows, Bounds()), strict=True))
    assert {group: text for group, text in because.items() if text} == {"u": "b: p", "p": "a: u"}
    said = excluded_structure(counts, rows, Bounds()).assign(group=rows["group"])
    assert dict(zip(said["group"], said["hollow_because"], strict=True)) == because
    assert said["under"].tolist() == [""] * len(said)


def test_without_hollow_groups_both_ways_account_for_the_same():
    counts, rows = judged(people(CROSSED))
    said = excluded_structure(counts, rows, Bounds())
    assert said["under"].tolist() == accounted_for(rows, Bounds())
    assert said.index.equals(rows.index)


def test_a_harm_is_accounted_for_with_the_sides_exchanged():
    frame = people({cell: 1 - 0.2 * (2.0 if cell[0] == "u" else 1) * (2.0 if cell[1] == "p" else 1) for cell in CROSSED})
    study = scoring.audit(frame, groups=["a", "b"], decision="y", favourable=True, metrics="exclusion_rate")
    rows = study.judged().query("metric == 'exclusion_rate' and verdict == 'exclusion'")
    found = dict(zip(rows["group"], rows["under"], strict=True))
    assert (found["u"], found["p"], found["u x p"]) == ("", "", "a: u")


def test_a_harm_of_a_part_hollows_both_wholes():
    frame = people({cell: 1 - (0.99 if cell == ("u", "p") else 0.2) for cell in CROSSED})
    study = scoring.audit(frame, groups=["a", "b"], decision="y", favourable=True, metrics="exclusion_rate")
    rows = study.judged().query("metric == 'exclusion_rate'")
    assert set(excluded_structure(study.counts, rows, Bounds())["hollow_because"]) == set(hollow(rows, Bounds())) == {"", "a: u", "b: p"}


def test_rows_without_exclusion_have_nothing_to_say():
    counts, rows = judged(people({(a, b): 0.5 for a in "uv" for b in "pq"}))
    assert accounted_for(rows, Bounds()) == hollow(rows, Bounds()) == [""] * len(rows)
    assert (excluded_structure(counts, rows, Bounds()) == "").all(axis=None)
    assert accounted_for(rows.iloc[:0], Bounds()) == []


# the rules once more, group by group over rows, as they are written in formulas


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells of four attributes with levels unknown here and there, and gaps of all kinds."""
    rng = np.random.default_rng(seed)
    codes = np.stack(np.meshgrid([0, 1], [-1, 0, 1, 2], [0, 1, 2], [-1, 0, 1], indexing="ij"), -1).reshape(-1, 4)
    rate = 0.4 * np.where(codes[:, 1] == 0, rng.choice([1, 0.6]), 1.0) * np.where(codes[:, 2] == 1, rng.choice([1, 0.7]), 1.0)
    rate *= np.where((codes[:, 0] == 0) & (codes[:, 2] == 2), rng.choice([1, 0.5]), 1.0)
    rate *= np.where((codes[:, 0] == 1) & (codes[:, 3] == 0) & (codes[:, 1] == 1), rng.choice([1, 0.4]), 1.0)
    size = rng.multinomial(int(rng.choice([4_000, 20_000])), rng.dirichlet(np.full(len(codes), 3.0)))
    hits = rng.binomial(size, rate)
    return codes, np.stack([hits, size - hits], axis=1).astype(float)


class ByHand:
    """Sets of conditions and sums over masks of cells: no lattice, no bits, no sparse arrays."""

    def __init__(self, codes, tally):
        self.codes, self.tally = codes, tally

    def known(self, *wholes):
        return np.logical_and.reduce([self.codes[:, name] >= 0 for whole in wholes for name, _ in whole])

    def meets(self, conditions):
        return np.logical_and.reduce([self.codes[:, name] == level for name, level in conditions])

    def worse(self, group, reference):
        (x, miss), (y, other) = self.tally[group].sum(0), self.tally[reference].sum(0)
        return bool(ratio_test(x, x + miss, y, y + other, tolerance=0.8, exact=False).p_exclusion < 0.025)

    def rate(self, mask):
        x, miss = self.tally[mask].sum(0)
        return (x / (x + miss), x) if x + miss else (math.nan, 0)

    def excluded(self):
        found = []
        for size in (1, 2, 3):
            for by in combinations(range(4), size):
                rows = self.codes[:, by]
                for levels in sorted({tuple(row) for row in rows[(rows >= 0).all(1)]}):
                    one = frozenset(zip(by, (int(level) for level in levels), strict=True))
                    if self.worse(self.meets(one), self.known(one) & ~self.meets(one)):
                        found.append(one)
        return found

    def hollow(self, excluded):
        """Rule 1."""
        hollow = set()
        for a in excluded:
            parts = set()
            for t in excluded:
                compatible = len({name for name, _ in a | t}) == len(a | t)
                c = t - a
                if compatible and c and self.worse(self.meets(a) & self.meets(c), self.meets(a) & self.known(c) & ~self.meets(c)):
                    parts.add(c)
            if parts:
                without = np.logical_and.reduce([self.known(c) & ~self.meets(c) for c in parts])
                left, others = self.rate(self.meets(a) & without)[0], self.rate(self.known(a) & ~self.meets(a) & without)[0]
                if left / others >= 0.8:
                    hollow.add(a)
        return hollow

    def accounted(self, excluded):
        """Rule 2."""
        kept, accounted = set(), set()
        for s in sorted(excluded, key=len):
            above = [a for a in kept if a < s]
            nearest = [a for a in above if not any(a < b for b in above)]
            known, own = self.known(s), self.meets(s)
            if any(not self.worse(own, known & self.meets(a) & ~own) for a in nearest) or (
                len(nearest) > 1 and not self.worse_than_product(own, [known & self.meets(a) for a in nearest], self.shared(known, nearest))
            ):
                accounted.add(s)
            else:
                kept.add(s)
        return kept, accounted

    def shared(self, known, nearest):
        common = frozenset.intersection(*nearest)
        return known & self.meets(common) if common else known

    def worse_than_product(self, own, holders, within):
        r = len(holders)
        (p, x), (p0, x0) = self.rate(own), self.rate(within & ~np.logical_or.reduce(holders))
        z, variance = math.log(p) + (r - 1) * math.log(p0), (1 - p) / x + (r - 1) ** 2 * (1 - p0) / x0
        for j, holder in enumerate(holders):
            others = np.logical_or.reduce([own, *(h for i, h in enumerate(holders) if i != j)])
            pj, xj = self.rate(holder & ~others)
            z, variance = z - math.log(pj), variance + (1 - pj) / xj
        return stats.norm.cdf((z - math.log(0.8)) / math.sqrt(variance)) < 0.025


@pytest.mark.parametrize("seed", range(12))
def test_both_rules_agree_with_themselves_written_group_by_group(seed):
    codes, tally = drawn(seed)
    hand = ByHand(codes, tally)
    held = lattice(codes, 3)
    conditions = [frozenset((name, code) for name, code in enumerate(row) if code >= 0) for row in held.conditions(np.arange(held.size)).tolist()]
    excluded = hand.excluded()
    which = np.array(sorted(conditions.index(one) for one in excluded), np.int64)
    found = structure(held, tally, which, RULE)
    everyone = np.ones(len(which), bool)
    hollow_ones = union_of(found.hollows, everyone).hollow(found.hollows, RULE)
    assert {conditions[i] for i in which[hollow_ones]} == hand.hollow(excluded)
    alone = structure_of_sums(RULE, parts=found.parts, within=found.within, depth=found.depth, effect=found.effect)
    kept, accounted = hand.accounted(excluded)
    said = filtered(alone, everyone)
    assert {conditions[i] for i in which[said.kept]} == kept
    assert {conditions[i] for i in which[said.accounted]} == accounted


def test_every_excluded_group_is_kept_hollow_or_a_part_and_never_two_of_them():
    for seed in range(12):
        codes, tally = drawn(seed)
        held = lattice(codes, 3)
        own = sums(held, tally)
        which = np.flatnonzero(own[:, 0] / own.sum(1) < 0.35)
        said = filtered(structure(held, tally, which, RULE), np.ones(len(which), bool))
        assert (said.kept.astype(int) + said.hollow + said.accounted == 1).all()
        assert said.kept.any() or not len(which)


def test_search_and_judgement_let_the_same_groups_stand():
    frame = people({**CROSSED, ("w", "r"): 0.3}, size=2_000)
    study = scoring.audit(frame, groups=["a", "b"], decision="y", favourable=True)
    rows = study.judged()
    full = excluded_structure(study.counts, rows, Bounds())
    alone = rows[(rows["verdict"] == "exclusion") & (full["under"] == "") & (full["hollow_because"] == "")]
    found = search(study.counts, "selection_rate", bounds=Bounds())
    assert set(found.loc[found["status"] == "finding", "group"]) == set(alone["group"]) == {"u", "p", "w x r"}
