"""What is found, and what is cleared, by true ratio and size of the group; and whether `people_needed` has the power that it names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special
from validity_report import Floats, Part, Section, percent, spread
from validity_rules import ALPHA, BOUNDS, TAU, Sides, four_fifths, z_test

from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.planning import people_needed
from scoring.fairness.restricted import score_statistic

REFERENCE, RATE = 10_000, 0.5
SIZES, TRUE = (30, 100, 300, 1_000, 3_000), (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0)
FAMILIES = (1, 5, 20, 100, 300)
DESIGNS = (
    *((0.30, 0.5, 5_000), (0.33, 0.5, 2_000), (0.18, 0.3, 10_000), (0.016, 0.03, 20_000)),
    *((0.50, 0.5, 5_000), (0.47, 0.5, 2_000), (0.30, 0.3, 10_000), (0.03, 0.03, 20_000)),
)
"""Rate of the group, of the reference, and people of the reference: four below the tolerance, four above."""


def drawn(group: tuple[int, float], reference: tuple[int, float], files: int, rng: np.random.Generator) -> Sides:
    """Draw hits of group and reference (people, rate), each so many times."""
    x, y = (rng.binomial(people, rate, files).astype(float) for people, rate in (group, reference))
    return x, np.full(files, float(group[0])), y, np.full(files, float(reference[0]))


def curve(job: tuple[int, float, int]) -> dict[str, object]:
    """Return what is said of a group of some people whose true ratio is known: by our verdict, and by the two rules."""
    n, ratio, files = job
    rng = np.random.default_rng([n, round(1000 * ratio)])
    sides = drawn((n, ratio * RATE), (REFERENCE, RATE), files, rng)
    tested = ratio_test(*sides, tolerance=TAU)
    z = z_test(sides)
    bar = special.ndtri(1 - ALPHA)
    below, flagged = four_fifths(sides).mean(), (z < -bar).mean()
    return {
        "people": n, "true ratio": f"{ratio:.2f}", "EXCLUSION": percent(float((tested.p_exclusion < ALPHA).mean())),
        "WITHIN_TOLERANCE": percent(float((tested.p_within < ALPHA).mean())), "four-fifths: flagged": percent(float(below)),
        "four-fifths: passed": percent(1 - float(below)), "z-test: flagged": percent(float(flagged)), "z-test: passed": percent(1 - float(flagged)),
    }  # fmt: skip


def planned(job: tuple[float, float, int, int]) -> dict[str, object]:
    """Return the share of files settled when the group has as many people as `people_needed` says."""
    group, reference, m, files = job
    n = 10 + int(people_needed(10 * group, 10, m * reference, m, tolerance=TAU, alpha=ALPHA, power=BOUNDS.power))
    rng = np.random.default_rng([n, m])
    sides = drawn((n, group), (m, reference), files, rng)
    side = 1.0 if group < TAU * reference else -1.0
    score = score_statistic(*sides, ratio=TAU)
    by_z, by_s = ((special.ndtr(side * found) < ALPHA).mean() for found in (score.plain, score.corrected))
    return {
        "rates": f"{group:g} and {reference:g}", "true ratio": f"{group / reference:.3f}", "reference": m,
        "people needed": n, "settled by z": f"{by_z:.4f}", "settled by s": f"{by_s:.4f}",
    }  # fmt: skip


def with_family(families: Sequence[int], files: int) -> pd.DataFrame:
    """Return the power at 500 people and a ratio of .65 when so many hypotheses are adjusted for and no other is false (Holm's first step)."""
    sides = drawn((500, 0.65 * RATE), (REFERENCE, RATE), files, np.random.default_rng(7))
    p: Floats = ratio_test(*sides, tolerance=TAU).p_exclusion
    return pd.DataFrame([{"hypotheses": m, "EXCLUSION": percent(float((p < ALPHA / m).mean()))} for m in families])


def plug_in(files: int) -> tuple[float, float]:
    """Return the 10th and 90th percentile of what `people_needed` says of 30 people truly at the tolerance, where it says a number."""
    hits = np.random.default_rng(30).binomial(30, TAU * RATE, files)
    said = people_needed(hits, 30, RATE * REFERENCE, REFERENCE, tolerance=TAU, alpha=ALPHA, power=BOUNDS.power)
    low, high = np.quantile(said[np.isfinite(said)], [0.1, 0.9], method="inverted_cdf")
    return float(low), float(high)


def run(*, short: bool, processes: int) -> Part:
    """Draw the curves."""
    files = 2_000 if short else 40_000
    curves = spread(curve, [(n, ratio, files) for n in SIZES for ratio in TRUE], processes, "power")
    plans = spread(planned, [(*design, files if short else 200_000) for design in DESIGNS], processes, "people needed")
    families = with_family(FAMILIES, files)
    return Part("power", "3. Power", [_curves(pd.DataFrame(curves), files), _families(families, files), _plans(pd.DataFrame(plans), short=short)])


def _curves(rows: pd.DataFrame, files: int) -> Section:
    simulated = (
        f'{files:,} files a line: one group of 30 to 3,000 people beside {REFERENCE:,} others, half of whom are selected. "Flagged" and '
        f'"passed" of the two rules are their only '
        "two answers; of ours the rest is LEANING or UNDETERMINED, which never counts as passed. At a true ratio of 1 every flag is a false alarm."
    )
    nominal = _nominal(rows)
    promised = (
        "At a true ratio of exactly .8, where neither is true, EXCLUSION and WITHIN_TOLERANCE in 2.5 % each (+ .5 points + 3 standard errors), "
        "and less of "
        "the false one away from it. The rules promise nothing."
    )
    bar = 100 * (ALPHA + 0.005 + 3 * np.sqrt(ALPHA * (1 - ALPHA) / files))
    missed = [f"{n} people: {share:.2f} % {side}." for n, side, share in nominal if share > bar]
    return Section("By true ratio and size of the group", simulated, promised, rows, missed)


def _nominal(rows: pd.DataFrame) -> list[tuple[int, str, float]]:
    at = rows[rows["true ratio"] == "0.80"]
    return [(int(row["people"]), side, float(row[side].rstrip(" %"))) for _, row in at.iterrows() for side in ("EXCLUSION", "WITHIN_TOLERANCE")]


def _families(rows: pd.DataFrame, files: int) -> Section:
    simulated = (
        f"{files:,} files: 500 people with a true ratio of .65 beside {REFERENCE:,} others, half of whom are selected, adjusted (Holm) for so "
        f"many hypotheses, the others true."
    )
    promised = "No figure: this is the price of asking many questions. What is shown before adjustment only stays LEANING and says so."
    return Section("By the number of groups asked about", simulated, promised, rows, [])


def _plans(rows: pd.DataFrame, *, short: bool) -> Section:
    files = 2_000 if short else 200_000
    low, high = plug_in(files)
    simulated = f"{files:,} files each: the group has as many people as `people_needed` says for a power of .8, the rates being the true ones."
    promised = "The rule in use (s) settles 79 to 83 % of the files; the formula is that of z, so z is nearer to .8."
    room = 3 * np.sqrt(0.16 / files)
    missed = [f"{row['rates']}: {row['settled by s']}." for _, row in rows.iterrows() if not 0.79 - room <= float(row["settled by s"]) <= 0.83 + room]
    remark = (
        f"It is right if the rates put in are the true ones. From 30 people truly at .8 of {RATE:g}, where no number would settle it, the rates "
        f"seen make it say {low:,.0f} to "
        f"{high:,.0f} more (8 files of 10 in which it gives a number): it is never shown without its condition."
    )
    return Section("People needed", simulated, promised, rows, missed, [remark])
