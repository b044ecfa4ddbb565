"""Planted intersections: what the subgroup search lists of them, beside the two rules as they are and at the same rate of false alarms.

The files, the scenarios and the ways of searching are those of `scenarios.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scenarios import DEPTH, PEOPLE, SCENARIOS, WAYS, folded, numbers, planted, truly_excluded
from validity_report import Floats, Ints, Part, Section, percent, spread
from validity_rules import BOUNDS, Sides, z_test

from scoring.fairness.searching.conjunctions import known_sums, lattice, sums
from scoring.fairness.searching.discovery import Problem, problem
from scoring.fairness.searching.parts import rule_of

Flag = Callable[[Problem, float, np.random.Generator], Ints]
OURS = ("search, Focused BH", "search, held-out half")
NOTHING = "nothing"


def sides(asked: Problem) -> Sides:
    """Return hits and trials of each conjunction and of the rest."""
    own = sums(asked.held, asked.tally)
    rest = known_sums(asked.held, asked.tally)[asked.held.of_set] - own
    return own[:, 0], own.sum(1), rest[:, 0], rest.sum(1)


def estimated_ratio(of: Sides) -> Floats:
    """Return the estimated ratio; 1 where there is none."""
    x, n, y, m = of
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num((x / n) / (y / m), nan=1.0)


def extremes(job: tuple[int, int]) -> tuple[list[float], list[float]]:
    """Return, of files in which nothing is planted, the lowest ratio and the lowest z among the conjunctions."""
    seed, files = job
    rng = np.random.default_rng([seed, 1])
    ratios, scores = [], []
    for _ in range(files):
        drawn, _wanted = planted(NOTHING, rng)
        of = sides(problem(lattice(drawn.codes, DEPTH), drawn.tally, rule=rule_of(BOUNDS, less=False, exact=True)))
        ratios.append(float(estimated_ratio(of).min()))
        scores.append(float(z_test(of).min()))
    return ratios, scores


def searched(job: tuple[str, int, int, float, float]) -> tuple[str, dict[str, Floats]]:
    """Search files of a scenario in every way; return how often what was listed.

    Returns
    -------
    str, dict
        The scenario, and by way: files in which exactly the planted set is listed, files in which anything wrong is, listed, listed and planted,
        planted, listed whose true ratio is not under the tolerance.
    """
    scenario, seed, files, ratio, z = job
    rng = np.random.default_rng([seed, list(SCENARIOS).index(scenario), 2])
    ways: Mapping[str, Flag] = {
        **WAYS,
        "four-fifths, same false alarms": lambda asked, _q, _rng: np.flatnonzero(estimated_ratio(sides(asked)) < ratio),
        "z-test, same false alarms": lambda asked, _q, _rng: np.flatnonzero(z_test(sides(asked)) < z),
    }
    tally = {way: np.zeros(6) for way in ways}
    for _ in range(files):
        drawn, wanted = planted(scenario, rng)
        held = lattice(drawn.codes, DEPTH)
        asked = problem(held, drawn.tally, rule=rule_of(BOUNDS, less=False, exact=True))
        want, true = numbers(held, wanted), truly_excluded(held, drawn, BOUNDS.tolerance)
        for way, flag in ways.items():
            got = set(flag(asked, BOUNDS.alpha, rng).tolist())
            tally[way] += [got == want, bool(got - true), len(got), len(got & want), len(want), len(got - true)]
    return scenario, tally


def run(*, short: bool, processes: int) -> Part:
    """Draw and search."""
    files, calibration, parts = (6, 40, 1) if short else (400, 2_000, 8)
    found = spread(extremes, [(seed, calibration // parts) for seed in range(parts)], processes, "false alarms of the rules")
    ratio, z = (float(np.quantile(np.concatenate([part[i] for part in found]), BOUNDS.alpha)) for i in (0, 1))
    jobs = [(name, seed, files // parts, ratio, z) for name in SCENARIOS for seed in range(parts)]
    results = spread(searched, jobs, processes, "planted intersections")
    added = {name: _added([tally for key, tally in results if key == name]) for name in SCENARIOS}
    rows = pd.DataFrame([_row(name, way, tally, files) for name, ways in added.items() for way, tally in ways.items()])
    return Part("subgroups", "4. Planted intersections", [_planted(rows, added, files, (ratio, z, calibration)), _folded(500 if short else 4_000)])


def _added(parts: list[dict[str, Floats]]) -> dict[str, Floats]:
    return {way: np.sum([part[way] for part in parts], axis=0) for way in parts[0]}


def _row(name: str, way: str, tally: Floats, files: int) -> dict[str, object]:
    exact, alarmed, listed, right, wanted, wrong = tally.tolist()
    return {
        "planted": name, "way": way, "listed, mean": f"{listed / files:.2f}", "precision": percent(right / listed) if listed else "",
        "recall": percent(right / wanted) if wanted else "", "exactly the planted set": percent(exact / files),
        "not truly under .8": percent(wrong / listed) if listed else "", "files with such a one": percent(alarmed / files),
    }  # fmt: skip


def _planted(rows: pd.DataFrame, added: Mapping[str, Mapping[str, Floats]], files: int, calibrated: tuple[float, float, int]) -> Section:
    ratio, z, calibration = calibrated
    simulated = (
        f"{files} files of {PEOPLE:,} people a scenario, 197 conjunctions of four attributes to depth 3, base rate .3. Planted: nothing; one "
        f"attribute at a factor .65; two that multiply; "
        "a pair at .5; a triple at .4; an attribute and a triple; two gaps of .82, each tolerated, whose pair is truly at .75. Precision and "
        "recall are of the planted set: a group that is lower only because a "
        "larger or smaller one is planted counts as not planted. The column after tells how many of those listed are not truly under .8 of the "
        "rest, whoever accounts for them. "
        f'"Same false alarms": the rule\'s bar is set so that it flags anything in {percent(BOUNDS.alpha)} of {calibration:,} files in which '
        f"nothing is planted, as ours may: "
        f"estimated ratio under {ratio:.3f}, z under {z:.2f}."
    )
    promised = (
        f"Findings of the search that are not truly under .8: a share of at most {percent(BOUNDS.alpha)}. Something planted, tolerated gaps "
        f"aside: exactly "
        "the planted set in at least 97 % of the files (3 standard errors allowed for). Two tolerated gaps: no promise but never a wrong one; "
        "the pair is hard to show."
    )
    return Section("What the search lists", simulated, promised, rows, _misses(added, files))


def _misses(added: Mapping[str, Mapping[str, Floats]], files: int) -> list[str]:
    said = []
    for name, ways in added.items():
        for way in OURS:
            exact, alarmed, _listed, _right, _wanted, _wrong = ways[way].tolist()
            # the share wrong of a list is at most 1 in each file with anything wrong, and 0 elsewhere
            if alarmed / files > BOUNDS.alpha + 3 * np.sqrt(BOUNDS.alpha / files):
                said.append(f"{way}, {name}: something not truly under .8 in {percent(alarmed / files)} of the files.")
            if "tolerated" not in name and exact / files < 0.97 - 3 * np.sqrt(0.03 / files):
                said.append(f"{way}, {name}: exactly the planted set in {percent(exact / files)} of the files.")
    return said


def _folded(files: int) -> Section:
    rows, missed = [], []
    for q in (0.05, BOUNDS.alpha):
        found = folded(files, q=q)
        rows.append({"level": percent(q), **{f"false share after {way}": percent(share) for way, share in found.items()}})
        if found["Focused BH"] > q + 3 * np.sqrt(q / files):
            missed.append(f"level {percent(q)}: {percent(found['Focused BH'])}.")
    simulated = (
        f"{files:,} lists: 24 hypotheses false beyond doubt, the first of which accounts for the others, beside 173 true ones with uniform p-values."
    )
    promised = "Focused BH: at most its level. Benjamini-Hochberg followed by folding promises nothing."
    return Section("When true findings are folded into one", simulated, promised, pd.DataFrame(rows), missed)
