"""How often a file gets at least one false verdict, when many groups are judged and the truth is known.

A file is drawn as counts, a binomial a group; the tests of all groups of all files are worked out in one call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special
from validity_layouts import DESIGNS, GROUPS, RATES, SIZES, Layout, Truth, chunks, limit, sides_of, truth
from validity_report import Floats, Mask, Part, Section, percent, spread
from validity_rivals import alarms, best, best_section, parity_section
from validity_rules import ALPHA, BOUNDS, TAU, Sides, holm_rejects

from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.restricted import restricted_estimate, score_statistic

METHODS = ("z", "z, exact < 5", "s", "s, exact < 5")
ROOM = 8  # the exact p-value is asked for where the score's is under this many times what could be rejected
PValues = Mapping[str, tuple[Floats, Floats]]


class Counted(NamedTuple):
    """Shares of the files of one layout with at least one false verdict, by method."""

    layout: Layout
    files: Mapping[str, int]
    exclusion: Mapping[str, float]
    within: Mapping[str, float]
    objected: Mapping[str, float]
    """False WITHIN_TOLERANCE left after its objections: the best-off group, refusals, few people."""


def p_by_score(sides: Sides) -> PValues:
    """Return (p_exclusion, p_within) by the plain score z and by the corrected one, s."""
    plain = score_statistic(*sides, ratio=TAU).plain
    by_s = ratio_test(*sides, tolerance=TAU, exact=False)
    return {"z": (special.ndtr(plain), special.ndtr(-plain)), "s": (by_s.p_exclusion, by_s.p_within)}


def p_with_exact(sides: Sides, scores: PValues, nulls: tuple[int, int]) -> PValues:
    """Return the p-values with the exact one where an expected count is under 5.

    Holm's first false rejection needs a p-value under alpha over the number of true hypotheses. Where the score's is over eight times that,
    the exact one, 4 ms each, is not asked for.
    """
    group, reference = restricted_estimate(*sides, ratio=TAU)
    _, n, _, m = sides
    few = np.minimum.reduce([n * group, n * (1 - group), m * reference, m * (1 - reference)]) < 5
    bars = [min(0.1, ROOM * ALPHA / max(number, 1)) for number in nulls]
    asked = few & ((scores["s"][0] < bars[0]) | (scores["s"][1] < bars[1]))
    exact = ratio_test(*(side[asked] for side in sides), tolerance=TAU)
    by_z, by_s = [], []
    for p_z, p_s, p_exact in zip(scores["z"], scores["s"], exact, strict=True):
        of_z, of_s = np.where(few, np.where(np.isnan(p_z), np.nan, 1.0), p_z), p_s.copy()
        of_z[asked], of_s[asked] = p_exact, p_exact
        by_z.append(of_z)
        by_s.append(of_s)
    return {"z, exact < 5": (by_z[0], by_z[1]), "s, exact < 5": (by_s[0], by_s[1])}


def objections(sides: Sides, hits: Floats, known: Truth) -> Mask:
    """Return where a reassuring verdict is withheld though its test was passed: the best-off group, refusals, few people."""
    x, n, y, m = sides
    with np.errstate(divide="ignore", invalid="ignore"):
        refusals = ((n - x) / n) / ((m - y) / m) > BOUNDS.refusal_tolerance
        rates = hits / known.people
        best = np.where(known.people >= BOUNDS.best_share * known.people.sum(), rates, 0.0).max(1, keepdims=True)
        of_best = np.zeros(x.shape, bool) if known.named else ~(rates / best >= TAU)
    return np.asarray(refusals | of_best | (n < BOUNDS.minimum_group))


def counted(job: tuple[Layout, int, int]) -> Counted | None:
    """Draw the files of a layout and count those with a false verdict; the exact test on the first so many of them."""
    layout, files, exact_files = job
    known = truth(layout)
    if known is None:
        return None
    rng = np.random.default_rng([layout.seed, layout.groups, SIZES.index(layout.sizes), round(100 * layout.rate), list(DESIGNS).index(layout.design)])
    false = {name: np.zeros(3) for name in METHODS}
    drawn = dict.fromkeys(METHODS, 0)
    at = known.at_tolerance[:-1] if known.named else known.at_tolerance
    for start, stop in chunks(files, exact_files, layout.groups):
        hits = rng.binomial(known.people, known.rate, (stop - start, layout.groups)).astype(float)
        sides = sides_of(hits, known)
        p = dict(p_by_score(sides))
        if stop <= exact_files:
            p |= p_with_exact(sides, p, (at.size, int(at.sum())))
        withheld = objections(sides, hits, known)
        for name, (p_exclusion, p_within) in p.items():
            excluded, within = holm_rejects(p_exclusion, ALPHA), holm_rejects(p_within, ALPHA) & at
            false[name] += [excluded.any(1).sum(), within.any(1).sum(), (within & ~withheld).any(1).sum()]
            drawn[name] += stop - start
    share = {name: found / max(drawn[name], 1) for name, found in false.items()}
    return Counted(layout, drawn, *({name: float(found[i]) for name, found in share.items()} for i in range(3)))


def run(*, short: bool, processes: int) -> Part:
    """Draw all layouts."""
    groups = (2, 5, 20) if short else GROUPS
    layouts = [Layout(k, sizes, rate, design) for k in reversed(groups) for sizes in SIZES for rate in RATES for design in DESIGNS]
    judged = [layout for layout in layouts if layout.design != "parity"]
    jobs = [(layout, *((500, 100) if short else (20_000, 20_000))) for layout in judged]
    found = spread(counted, jobs, processes, "familywise")
    possible = [one for one in found if one is not None]
    impossible = [layout for layout, one in zip(judged, found, strict=True) if one is None]
    level = [layout for layout in layouts if layout.design == "parity"]
    seen = spread(alarms, [(layout, 500 if short else 20_000) for layout in level], processes, "false alarms at parity")
    chosen = [(20, 100, 0.5)] if short else [(k, n, rate) for k in (5, 20, 100) for n in (50, 100, 200) for rate in (0.3, 0.5, 0.9)]
    rows = spread(best, [(*one, 500 if short else 20_000) for one in chosen], processes, "against the best-off group")
    sections = [_levels(possible, impossible), parity_section(level, seen), best_section(pd.DataFrame(rows))]
    return Part("familywise", "2. False verdicts of a whole file", sections)


def misses(found: Sequence[Counted], name: str) -> list[str]:
    """Name the layouts in which a method gives more false verdicts than promised."""
    said = []
    for one in found:
        files, exclusion, within = one.files[name], one.exclusion[name], one.within[name]
        where = f"{one.layout.groups} groups of {one.layout.sizes}, rate {one.layout.rate}, {one.layout.design}"
        one_side = limit(ALPHA, files, 0.005)
        said += [
            f"{name}: {percent(p)} false {side} ({where})." for p, side in ((exclusion, "EXCLUSION"), (within, "WITHIN_TOLERANCE")) if p > one_side
        ]
        if exclusion + within > limit(2 * ALPHA, files, 0.0):
            said.append(f"{name}: {percent(exclusion + within)} false verdicts of both kinds ({where}).")
    return said


def _levels(found: Sequence[Counted], impossible: Sequence[Layout]) -> Section:
    rows = []
    for k in sorted({one.layout.groups for one in found}):
        cells = [one for one in found if one.layout.groups == k]
        row: dict[str, object] = {"groups": k, "layouts": len(cells)}
        for name in METHODS:
            row[name] = f"{percent(max(one.exclusion[name] for one in cells))} / {percent(max(one.within[name] for one in cells))}"
        row["left by the objections"] = percent(max(one.objected["s, exact < 5"] for one in cells))
        row["worst sum"] = percent(max(one.exclusion["s, exact < 5"] + one.within["s, exact < 5"] for one in cells))
        rows.append(row)
    simulated = (
        f"{found[0].files['s']:,} files a layout ({found[0].files['s, exact < 5']:,} with the exact test). 2, 5, 20 or 100 groups; of 50, of "
        f"500, or of 20 to 20,000 "
        "people in geometric steps; overall rate .03, .3 or .75. `named`: every group at .8 of the rate of the largest. `rest`: the smaller 50 "
        "or 95 % of the groups at exactly .8 "
        f"of the rest's rate, the others at the rate that restores the overall one. {len(impossible)} layouts have no such rate (it would be "
        f"over 1, or the "
        f"others would be no better off) and are left out. The table shows the worst layout: false EXCLUSION / false WITHIN_TOLERANCE. z: the "
        f"plain score test; s: the "
        "corrected score; exact < 5: with the exact test where a count expected is under 5, which is the rule in use. A false WITHIN_TOLERANCE "
        "is counted "
        "as the test alone gives it; the column after the tests counts those left when the estimate to the best-off group, the ratio of "
        "refusals and a "
        "minimum of 30 people have been asked as well, as for the verdict (s, exact < 5). Exact p-values are worked out where the score's is "
        "under eight times what Holm could reject."
    )
    promised = f"Each rate at most {percent(ALPHA)} + .5 points + 3 standard errors; the sum of the two at most 5 % + 3 standard errors."
    missed = {name: len(misses(found, name)) for name in METHODS}
    remark = (
        f"By the same measure, the tests that are not used miss {missed['z']} (z), {missed['z, exact < 5']} (z, exact < 5) and "
        f"{missed['s']} (s alone) times in {3 * len(found)}."
    )
    return Section("Groups exactly at the tolerance", simulated, promised, pd.DataFrame(rows), misses(found, "s, exact < 5"), [remark])
