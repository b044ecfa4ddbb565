"""How often a file gets at least one false verdict, when many groups are judged and the truth is known.

A file is drawn as counts, a binomial a group; the tests of all groups of all files are worked out in one call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special
from validity_report import Floats, Ints, Mask, Part, Section, percent, spread
from validity_rules import ALPHA, BOUNDS, TAU, Sides, four_fifths, holm_rejects, z_test

from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.restricted import restricted_estimate, score_statistic

GROUPS, RATES = (2, 5, 20, 100), (0.03, 0.3, 0.75)
SIZES = ("50", "500", "20 to 20,000")
DESIGNS: Mapping[str, float] = {"named": 1.0, "rest, 50 %": 0.5, "rest, 95 %": 0.95, "parity": 0.0}
METHODS = ("z", "z, exact < 5", "s", "s, exact < 5")
PAIRS = 400_000  # groups of all files worked out at a time
ROOM = 8  # the exact p-value is asked for where the score's is under this many times what could be rejected
PValues = Mapping[str, tuple[Floats, Floats]]


class Layout(NamedTuple):
    """Which groups there are, and who is how far from the reference."""

    groups: int
    sizes: str
    rate: float
    design: str
    seed: int = 0


class Truth(NamedTuple):
    """People and rate of each group (groups,), and who stands exactly at the tolerance."""

    people: Ints
    rate: Floats
    at_tolerance: Mask
    named: bool


class Counted(NamedTuple):
    """Shares of the files of one layout with at least one false verdict, by method."""

    layout: Layout
    files: Mapping[str, int]
    exclusion: Mapping[str, float]
    within: Mapping[str, float]
    objected: Mapping[str, float]
    """False WITHIN_TOLERANCE left after its objections: the best-off group, refusals, few people."""


def truth(layout: Layout) -> Truth | None:
    """Return the rates of a layout; None where no rates restore the overall one.

    >>> found = truth(Layout(2, "50", 0.3, "named"))
    >>> found.rate.round(4).tolist(), float(found.rate.mean().round(4))
    ([0.2667, 0.3333], 0.3)
    """
    k = layout.groups
    people = np.geomspace(20, 20_000, k).round().astype(np.int64) if "to" in layout.sizes else np.full(k, int(layout.sizes))
    share = people / people.sum()
    if layout.design == "parity":
        return Truth(people, np.full(k, layout.rate), np.zeros(k, bool), named=False)
    if layout.design == "named":
        reference = layout.rate / (share[-1] + TAU * (1 - share[-1]))
        at = np.arange(k) < k - 1
        return Truth(people, np.where(at, TAU * reference, reference), at, named=True) if reference <= 1 else None
    at = np.arange(k) < np.clip(round(DESIGNS[layout.design] * k), 1, k - 1)
    rate = TAU * layout.rate / (1 - share * (1 - TAU))
    others = (layout.rate - (share * rate)[at].sum()) / share[~at].sum()
    return Truth(people, np.where(at, rate, others), at, named=False) if layout.rate <= others <= 1 else None


def sides_of(hits: Floats, known: Truth) -> Sides:
    """Return hits and trials of each group judged and of its reference, arrays (files, groups): the last group, or the rest."""
    people = np.broadcast_to(known.people.astype(float), hits.shape)
    if known.named:
        return hits[:, :-1], people[:, :-1], np.broadcast_to(hits[:, -1:], hits[:, :-1].shape), np.broadcast_to(people[:, -1:], hits[:, :-1].shape)
    return hits, people, hits.sum(1, keepdims=True) - hits, people.sum(1, keepdims=True) - people


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
    for start, stop in _chunks(files, exact_files, layout.groups):
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


def _chunks(files: int, exact_files: int, groups: int) -> Iterator[tuple[int, int]]:
    """Go through the files, those with the exact test first, so many at a time that they fit."""
    step = max(1, PAIRS // groups)
    for first, last in ((0, exact_files), (exact_files, files)):
        for start in range(first, last, step):
            yield start, min(start + step, last)


def alarms(job: tuple[Layout, int]) -> dict[str, float]:
    """Return the share of files with an alarm though all groups have one rate: ours (s), four-fifths on estimates, z per group, unadjusted."""
    layout, files = job
    known = truth(layout)
    assert known is not None
    rng = np.random.default_rng([layout.seed, layout.groups, SIZES.index(layout.sizes), round(100 * layout.rate), 9])
    total = np.zeros(3)
    for start, stop in _chunks(files, 0, layout.groups):
        hits = rng.binomial(known.people, known.rate, (stop - start, layout.groups)).astype(float)
        sides = sides_of(hits, known)
        ours = holm_rejects(ratio_test(*sides, tolerance=TAU, exact=False).p_exclusion, ALPHA)
        total += [flagged.any(1).sum() for flagged in (ours, four_fifths(sides), z_test(sides) < -special.ndtri(1 - ALPHA))]
    return dict(zip(("ours", "four-fifths", "z-test"), (total / files).tolist(), strict=True))


def best(job: tuple[int, int, float, int]) -> dict[str, object]:
    """Judge equal groups, half of them at the tolerance, against the best-off one: as if it had been named, and all pairs."""
    k, n, rate, files = job
    rng = np.random.default_rng([k, n, round(100 * rate)])
    people = np.arange(n + 1.0)
    p_exclusion, p_within = ratio_test(people[:, None], n, people[None, :], n, tolerance=TAU, exact=False)
    lower = np.arange(k) < k // 2
    false = np.zeros(4)
    for start, stop in _chunks(files, 0, k):
        x = rng.binomial(n, np.where(lower, TAU * rate, rate), (stop - start, k))
        top = x.argmax(1)
        rival = np.where(np.arange(k) == top[:, None], np.sort(x, axis=1)[:, -2:-1], x.max(1, keepdims=True))
        itself = np.arange(k) == top[:, None]
        naive = [np.where(itself, np.nan, p[x, x.max(1, keepdims=True)]) for p in (p_exclusion, p_within)]
        # p falls as the rival's hits rise on the side of exclusion, and rises on the other: the best of the others decides both
        pairs = np.minimum((k - 1) * p_exclusion[x, rival], 1.0), p_within[x, rival]
        for way, (excluded, within) in enumerate([holm_rejects(p, ALPHA) for p in how] for how in (naive, pairs)):
            false[2 * way : 2 * way + 2] += excluded.any(1).sum(), (within & lower).any(1).sum()
    names = ("naive EXCLUSION", "naive WITHIN", "all pairs EXCLUSION", "all pairs WITHIN")
    return {
        "groups": k,
        "people each": n,
        "rate of the better half": rate,
        **{name: percent(share) for name, share in zip(names, false / files, strict=True)},
    }


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
    sections = [_levels(possible, impossible), _parity(level, seen), _best(pd.DataFrame(rows))]
    return Part("familywise", "2. False verdicts of a whole file", sections)


def _limit(nominal: float, files: int, room: float) -> float:
    return nominal + room + 3 * float(np.sqrt(nominal * (1 - nominal) / files))


def misses(found: Sequence[Counted], name: str) -> list[str]:
    """Name the layouts in which a method gives more false verdicts than promised."""
    said = []
    for one in found:
        files, exclusion, within = one.files[name], one.exclusion[name], one.within[name]
        where = f"{one.layout.groups} groups of {one.layout.sizes}, rate {one.layout.rate}, {one.layout.design}"
        one_side = _limit(ALPHA, files, 0.005)
        said += [
            f"{name}: {percent(p)} false {side} ({where})." for p, side in ((exclusion, "EXCLUSION"), (within, "WITHIN_TOLERANCE")) if p > one_side
        ]
        if exclusion + within > _limit(2 * ALPHA, files, 0.0):
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


def _parity(layouts: Sequence[Layout], seen: Sequence[Mapping[str, float]]) -> Section:
    rows = []
    for k in sorted({layout.groups for layout in layouts}):
        cells = [found for layout, found in zip(layouts, seen, strict=True) if layout.groups == k]
        columns = {"four-fifths": "four-fifths on estimates", "z-test": "z-test per group", "ours": "EXCLUSION"}
        shown = {
            title: f"{percent(float(np.median([c[name] for c in cells])))} (worst {percent(max(c[name] for c in cells))})"
            for name, title in columns.items()
        }
        rows.append({"groups": k, **shown})
    worst = max(found["ours"] for found in seen)
    simulated = (
        "The same sizes and overall rates, with every group at the same rate: whatever is flagged is chance. Shown is the share of files in which at "
        "least one group is flagged, in the median layout and in the worst. Four-fifths: estimated ratio to the rest under .8. z-test: pooled, "
        "lower, two-sided at 5 %, not adjusted."
    )
    missed = [f"EXCLUSION in {percent(worst)} of the files."] if worst > _limit(ALPHA, 20_000, 0.005) else []
    return Section(
        "No difference at all", simulated, "EXCLUSION in at most 2.5 % of the files. The two rules promise nothing.", pd.DataFrame(rows), missed
    )


def _best(rows: pd.DataFrame) -> Section:
    simulated = (
        "Equal groups, half of them at .8 of the rate of the others, compared with whichever is best off in the file: by the ordinary test (s) "
        "and Holm, as if that group had "
        "been named beforehand; and by all pairs, as `reference: best` does. 20,000 files each (500 in the short run)."
    )
    worst = max(float(str(share).rstrip(" %")) for share in [*rows["all pairs EXCLUSION"], *rows["all pairs WITHIN"]])
    promised = f"All pairs: each at most {percent(ALPHA)}. The ordinary test promises nothing here, as the data chose the reference."
    return Section("The best-off group as the reference", simulated, promised, rows, [f"All pairs: {worst} %."] if worst > 3.0 else [])
