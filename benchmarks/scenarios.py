"""Files of which the truth is known: what the subgroup search finds of it, beside the four-fifths rule and a z-test per group.

`python benchmarks/scenarios.py [--files N]` prints, for 60,000 people in four attributes (197 conjunctions to depth 3), the share of files in
which exactly what was planted is found, and precision and recall of each way; then the false share of a list of which most was folded away.
A file is drawn as counts: a multinomial for the cells, a binomial for the favoured of each; no rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from scoring.bounds import Bounds
from scoring.fairness.hypotheses import adjust, focused_threshold
from scoring.fairness.searching.conjunctions import Lattice, known_sums, lattice, sums
from scoring.fairness.searching.discovery import Problem, discovered, focused, held_out, problem
from scoring.fairness.searching.halves import split
from scoring.fairness.searching.parts import rule_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
PEOPLE, BASE, DEPTH = 60_000, 0.3, 3
SHARES = ((0.5, 0.5), (0.385, 0.315, 0.3), (0.385, 0.315, 0.3), (0.3, 0.25, 0.2, 0.15, 0.1))
"""Shares of the levels of four independent attributes: 13 groups, 62 pairs and 122 triples, 197 conjunctions."""


class Scenario(NamedTuple):
    """Gaps, each a conjunction {attribute: level} and the factor on its members' rate, and what a search ought to list."""

    gaps: tuple[tuple[Mapping[int, int], float], ...]
    planted: tuple[Mapping[int, int], ...]


class File(NamedTuple):
    """The counts of one drawn file: cells with favoured and others, (cells, 2), and the true rate of each cell."""

    codes: Ints
    tally: Floats
    rate: Floats


_PAIR, _TRIPLE = {0: 0, 1: 1}, {0: 0, 1: 1, 2: 2}
SCENARIOS: Mapping[str, Scenario] = {
    "nothing": Scenario((), ()),
    "one attribute": Scenario((({1: 0}, 0.65),), ({1: 0},)),
    "two multiplying": Scenario((({1: 0}, 0.65), ({2: 0}, 0.65)), ({1: 0}, {2: 0})),
    "a pair": Scenario(((_PAIR, 0.5),), (_PAIR,)),
    "a triple": Scenario(((_TRIPLE, 0.4),), (_TRIPLE,)),
    "attribute and triple": Scenario((({3: 1}, 0.65), (_TRIPLE, 0.4)), ({3: 1}, _TRIPLE)),
    "two tolerated gaps of .82": Scenario((({1: 0}, 0.82), ({2: 0}, 0.82)), ({1: 0, 2: 0},)),
}


def planted(scenario: str, rng: np.random.Generator) -> tuple[File, tuple[Mapping[int, int], ...]]:
    """Draw one file of a scenario; return its counts and the conjunctions that a search ought to list."""
    return drawn_file(SCENARIOS[scenario].gaps, rng), SCENARIOS[scenario].planted


def drawn_file(gaps: tuple[tuple[Mapping[int, int], float], ...], rng: np.random.Generator) -> File:
    """Draw the counts of 60,000 people of whom the members of some conjunctions are favoured less often."""
    codes = np.stack(np.meshgrid(*(np.arange(len(levels)) for levels in SHARES), indexing="ij"), -1).reshape(-1, len(SHARES))
    share = np.prod([np.array(levels)[codes[:, name]] for name, levels in enumerate(SHARES)], axis=0)
    rate = np.full(len(codes), BASE)
    for gap, factor in gaps:
        rate[_members(codes, gap)] *= factor
    people = rng.multinomial(PEOPLE, share)
    hits = rng.binomial(people, rate).astype(float)
    return File(codes, np.stack([hits, people - hits], axis=1), rate)


def _members(codes: Ints, gap: Mapping[int, int]) -> Mask:
    return np.logical_and.reduce([codes[:, name] == level for name, level in gap.items()])


def numbers(held: Lattice, wanted: tuple[Mapping[int, int], ...]) -> set[int]:
    """Return conjunctions by number."""
    conditions = held.conditions(np.arange(held.size))
    asked = [np.array([gap.get(name, -1) for name in range(conditions.shape[1])]) for gap in wanted]
    return {int(np.flatnonzero((conditions == one).all(axis=1))[0]) for one in asked}


def truly_excluded(held: Lattice, drawn: File, tolerance: float) -> set[int]:
    """Return the conjunctions whose true rate is below the tolerance, the parts of what was planted included."""
    people = drawn.tally.sum(1)
    true = np.stack([drawn.rate * people, people], axis=1)
    own = sums(held, true)
    rest = known_sums(held, true)[held.of_set] - own
    return set(np.flatnonzero((own[:, 0] / own[:, 1]) / (rest[:, 0] / rest[:, 1]) < tolerance).tolist())


def _sides(asked: Problem) -> tuple[Floats, Floats, Floats, Floats]:
    own = sums(asked.held, asked.tally)
    rest = known_sums(asked.held, asked.tally)[asked.held.of_set] - own
    return own[:, 0], own.sum(1), rest[:, 0], rest.sum(1)


def _found(asked: Problem, q: float, _: np.random.Generator) -> Ints:
    found = focused(asked, q)
    return found.which[found.confirmed]


def _confirmed(asked: Problem, q: float, rng: np.random.Generator) -> Ints:
    found = held_out(asked, q, *split(asked.tally, asked.tally, rng))
    return found.which[found.confirmed]


def _benjamini_hochberg(asked: Problem, q: float, _: np.random.Generator) -> Ints:
    return np.flatnonzero(adjust(discovered(asked, q).p, "bh") <= q)


def _four_fifths(asked: Problem, _: float, __: np.random.Generator) -> Ints:
    """Flag every group whose estimated ratio is under the tolerance."""
    x, n, y, m = _sides(asked)
    return np.flatnonzero((x / n) / (y / m) < asked.rule.tolerance)


def _z_test(asked: Problem, _: float, __: np.random.Generator) -> Ints:
    """Flag every group whose rate is lower than the others' by a two-proportion z-test at .05, two-sided."""
    x, n, y, m = _sides(asked)
    pooled = (x + y) / (n + m)
    z = (x / n - y / m) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return np.flatnonzero(z < special.ndtri(0.025))


WAYS: Mapping[str, Callable[[Problem, float, np.random.Generator], Ints]] = {
    "search, Focused BH": _found,
    "search, held-out half": _confirmed,
    "BH without the filter": _benjamini_hochberg,
    "four-fifths on estimates": _four_fifths,
    "z-test per group": _z_test,
}


def evaluated(scenario: str, files: int, *, seed: int = 0, bounds: Bounds | None = None) -> pd.DataFrame:
    """Draw files of a scenario and search each in every way.

    Returns
    -------
    DataFrame
        A row per way: `exact` (share of files in which exactly the planted set is listed), `listed` (mean number), `precision` and `recall`
        (of the planted set, over all files together), `wrong` (share of what is listed whose true ratio is not below the tolerance).
    """
    chosen, rng = bounds or Bounds(), np.random.default_rng(seed)
    tally = {way: np.zeros(5) for way in WAYS}
    for _ in range(files):
        drawn, wanted = planted(scenario, rng)
        held = lattice(drawn.codes, DEPTH)
        asked = problem(held, drawn.tally, rule=rule_of(chosen, less=False, exact=True))
        want, true = numbers(held, wanted), truly_excluded(held, drawn, chosen.tolerance)
        for way, flag in WAYS.items():
            got = set(flag(asked, chosen.alpha, rng).tolist())
            tally[way] += [got == want, len(got), len(got & want), len(want), len(got - true)]
    return pd.DataFrame([_scored(scenario, way, counted, files) for way, counted in tally.items()])


def _scored(scenario: str, way: str, counted: Floats, files: int) -> dict[str, object]:
    exact, listed, right, wanted, wrong = counted.tolist()
    nothing = float("nan")
    return {
        "scenario": scenario, "way": way, "exact": exact / files, "listed": listed / files,
        "precision": right / listed if listed else nothing, "recall": right / wanted if wanted else nothing,
        "wrong": wrong / listed if listed else 0.0,
    }  # fmt: skip


def folded(files: int, *, seed: int = 0, q: float = 0.05, true: int = 24, null: int = 173) -> dict[str, float]:
    """Return the mean false share of a list in which true discoveries are folded into one, after BH and after Focused BH.

    24 hypotheses are false beyond doubt, the first of which accounts for the others; 173 are true, their p-values uniform.
    """
    rng = np.random.default_rng(seed)
    parts = np.arange(true + null) < true

    def kept(mask: Mask) -> Mask:
        stands = mask & ~parts
        stands[np.flatnonzero(mask & parts)[:1]] = True
        return stands

    shares = np.zeros((files, 2))
    for i in range(files):
        p = np.where(parts, 1e-12, rng.random(true + null))
        for way, found in enumerate((adjust(p, "bh") <= q, p <= focused_threshold(p, kept, q, monotone=True))):
            listed = kept(found)
            shares[i, way] = (listed & ~parts).sum() / max(listed.sum(), 1)
    return {"BH": float(shares[:, 0].mean()), "Focused BH": float(shares[:, 1].mean())}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=40)
    files = parser.parse_args().files
    for name in SCENARIOS:
        print(evaluated(name, files).round(3).to_string(index=False), "\n")
    for q in (0.05, 0.025):
        print(f"24 true discoveries folded into one beside 173 nulls, q = {q}: false share", folded(4000, q=q))


if __name__ == "__main__":
    main()
