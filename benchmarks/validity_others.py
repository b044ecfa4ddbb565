"""What else is claimed: weights, clusters, F1, AUC, the bootstrap and the widest gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special
from validity_report import Floats, Part, Section, percent, spread
from validity_rules import ALPHA, TAU

from scoring.fairness.bootstrap import resample
from scoring.fairness.clusters import effects_of_set, gathered
from scoring.fairness.composites import effective_counts, score_estimate
from scoring.fairness.counts import Margin
from scoring.fairness.curves import auc_from_bins, curves_of
from scoring.fairness.frames.simultaneous import Limits, pairwise_confidence, widest_gap
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.metrics import COMPOSITES, METRICS, STATES

FAVOURED, REFUSED = STATES.index("au"), STATES.index("ru")
LOW, HIGH = 0.92, 0.98
IN_A_GROUP = 1_000
AREA, PERSON = "areas (a household is in one)", "sexes (within a household)"


class Heavy(NamedTuple):
    """A sample in which some rows weigh ten times the others: their share, and the rate of the heavy and of the light."""

    name: str
    share: float
    of_heavy: float
    of_light: float


HEAVY = (
    Heavy("unrelated to the outcome", 0.1, 0.3, 0.3),
    Heavy("few heavy rows, mostly hit", 0.05, 0.9, 0.1),
    Heavy("many heavy rows, hardly ever hit", 0.3, 0.02, 0.5),
)


def _covered(limits: tuple[Floats, Floats], truth: float) -> str:
    low, high = limits
    return f"{np.mean((low <= truth) & (truth <= high)):.4f}"


def weighted(job: tuple[Heavy, int, int]) -> dict[str, object]:
    """Return the coverage of Wilson's interval of a weighted rate, by Kish's effective size and by the linearised one in use."""
    design, rows, files = job
    rng = np.random.default_rng([rows, round(1000 * design.share)])
    shares = [
        design.share * design.of_heavy,
        design.share * (1 - design.of_heavy),
        *((1 - design.share) * p for p in (design.of_light, 1 - design.of_light)),
    ]
    people = rng.multinomial(rows, shares, files).astype(float)
    weights = np.array([10.0, 10, 1, 1])
    s1, s2 = (np.zeros((files, len(STATES))) for _ in range(2))
    for total, power in ((s1, 1), (s2, 2)):
        total[:, FAVOURED], total[:, REFUSED] = (people[:, kind::2] @ weights[kind::2] ** power for kind in (0, 1))
    truth = float(np.dot(shares, weights * [1, 0, 1, 0]) / np.dot(shares, weights))
    rate, kish = s1[:, FAVOURED] / s1.sum(1), s1.sum(1) ** 2 / s2.sum(1)
    taylor = effective_counts(s1, s2, ("au",), ("au", "ru"))
    columns = {"Kish (for comparison)": proportion_interval(rate * kish, kish), "linearised (in use)": proportion_interval(*taylor)}
    return {
        "heavy rows": design.name,
        "rows": rows,
        "true rate": f"{truth:.3f}",
        **{name: _covered(limits, truth) for name, limits in columns.items()},
    }


def clustered(job: tuple[str, int]) -> dict[str, object]:
    """Return how often a file at the tolerance gets a verdict (either, unadjusted) when households share luck: as if independent, and by D."""
    kind, files = job
    rng = np.random.default_rng([len(kind), 5])
    wrong = np.zeros(3)
    for _ in range(files):
        group, hit, house = _households(kind, rng)
        state = np.where(hit, FAVOURED, REFUSED)
        number = group * 2 + (state == REFUSED)
        people = np.bincount(number, minlength=4).astype(float)
        counts = np.zeros((2, len(STATES)))
        counts[:, FAVOURED], counts[:, REFUSED] = people[::2], people[1::2]
        place = np.array([FAVOURED, REFUSED, len(STATES) + FAVOURED, len(STATES) + REFUSED])
        found = effects_of_set(
            gathered(house, number, np.ones(len(house)), 4), place, Margin(("group",), (("g",), ("r",)), counts, counts, counts),
            [METRICS["selection_rate"]], rest=True, tolerance=TAU,
        )  # fmt: skip
        sides = (people[0], people[:2].sum(), people[2], people[2:].sum())
        by_rate, contrast = found["effect_rate"].to_numpy(), float(found["effect_ratio"].iloc[0])
        divisors = (np.ones(4), np.repeat(np.maximum(by_rate, 1e-9), 2), np.full(4, contrast))
        for way, divisor in enumerate(divisors):
            p = ratio_test(*(side / by for side, by in zip(sides, divisor.tolist(), strict=True)), tolerance=TAU, exact=False)
            wrong[way] += min(p.p_exclusion, p.p_within) < ALPHA
    shares = (wrong / files).tolist()
    return {
        "groups": kind,
        **{
            name: percent(share)
            for name, share in zip(("as if independent", "one effect a side", "effect of the contrast, D (in use)"), shares, strict=True)
        },
    }


def _households(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw 500 households of one to six people who share luck; the group at .8 of the other's rate of .5."""
    size = rng.integers(1, 7, 500)
    house = np.repeat(np.arange(500), size)
    of_house = rng.random(500) < 0.4
    group = (~of_house[house] if kind == AREA else rng.random(len(house)) < 0.5).astype(np.int64)
    luck = special.ndtr(np.sqrt(0.6) * rng.standard_normal(500)[house] + np.sqrt(0.4) * rng.standard_normal(len(house)))
    return group, luck < np.where(group == 0, TAU * 0.5, 0.5), house


def f1(job: tuple[int, float, int]) -> dict[str, object]:
    """Return the coverage of F1's interval: Wilson's of 2tp of 2tp + fp + fn as if that were a proportion, and that of J, mapped."""
    people, hard, files = job
    shares = np.array([0.3 - hard, hard * 1.2, hard, 0.7 - hard * 1.2])
    tp, fp, fn, _ = shares
    truth = float(2 * tp / (2 * tp + fp + fn))
    drawn = np.random.default_rng([people, round(1000 * hard)]).multinomial(people, shares, files).astype(float)
    counts = np.zeros((files, len(STATES)))
    counts[:, :4] = drawn
    found = score_estimate(COMPOSITES["f1"], counts)
    naive = proportion_interval(2 * drawn[:, 0], 2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2])
    columns = {"as a proportion (for comparison)": naive, "by J (in use)": (found.low, found.high)}
    return {"people": people, "true F1": f"{truth:.3f}", **{name: _covered(limits, truth) for name, limits in columns.items()}}


def auc_coverage(job: tuple[float, int, int]) -> dict[str, object]:
    """Return the coverage of AUC's interval of two normal scores: Wald, on the logit (both DeLong), and the one in use."""
    area, positives, files = job
    rng = np.random.default_rng([round(1000 * area), positives])
    scores = rng.standard_normal((files, positives + 200))
    scores[:, :positives] += np.sqrt(2) * special.ndtri(area)
    good = (np.argsort(scores, axis=1) < positives).astype(float)
    curve, _ = curves_of(good, 1 - good, None, exact_ties=True)
    half = 1.96 * np.sqrt(curve.variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        logit, spread_ = special.logit(curve.value), half / (curve.value * (1 - curve.value))
        low, high = (np.nan_to_num(special.expit(logit + sign * spread_), nan=1.0) for sign in (-1, 1))
    ours = auc_from_bins(good, 1 - good, exact_ties=True)
    columns = {"Wald (for comparison)": (curve.value - half, curve.value + half), "logit": (low, high), "in use": (ours.low, ours.high)}
    return {"true AUC": f"{area:.2f}", "positives": positives, **{name: _covered(limits, area) for name, limits in columns.items()}}


def redrawn(job: tuple[int, int]) -> dict[str, float]:
    """Return the standard error of a log ratio of weighted rates by four ways: rows redrawn, cells with and without their spread, Taylor."""
    seed, replicates = job
    rng = np.random.default_rng([seed, 6])
    rows = 2_000
    group, weight = rng.integers(0, 2, rows), rng.lognormal(0, 1, rows)
    hit = rng.random(rows) < np.where(group == 0, 0.3, 0.4)
    cell = group * 2 + ~hit
    people, s1, s2 = (np.bincount(cell, weight**power, 4) for power in (0, 1, 2))
    again = rng.multinomial(rows, np.full(rows, 1 / rows), replicates)
    by_rows = np.stack([(again * weight)[:, cell == c].sum(1) for c in range(4)], axis=1)
    of_cells = resample(people, replicates, rng, weight=s1, weight_squared=s2)
    mean_weight = resample(people, replicates, rng) * s1 / people
    p = s1[::2] / (s1[::2] + s1[1::2])
    taylor = (s2[::2] * (1 - p) ** 2 + s2[1::2] * p**2) / (s1[::2] + s1[1::2]) ** 2 / p**2
    drawn = {"rows redrawn": by_rows, "cells, mean weight (for comparison)": mean_weight, "cells, two moments (in use)": of_cells}
    return {**{name: float(_log_ratio(counts).std()) for name, counts in drawn.items()}, "Taylor": float(np.sqrt(taylor.sum()))}


def _log_ratio(counts: Floats) -> Floats:
    group, other = (counts[:, 2 * i] / (counts[:, 2 * i] + counts[:, 2 * i + 1]) for i in (0, 1))
    return np.log(group / other)


def gaps(job: tuple[int, float, int]) -> dict[str, object]:
    """Return the coverage of the largest less the smallest rate: percentiles of the redrawn, and the limits in use."""
    groups, lowest, files = job
    rng = np.random.default_rng([groups, round(100 * lowest)])
    rates = np.where(np.arange(groups) == 0, lowest, 0.5)
    hits = rng.binomial(IN_A_GROUP, rates, (files, groups))
    value, truth = hits / IN_A_GROUP, 0.5 - lowest
    limits = Limits(*proportion_interval(hits, IN_A_GROUP, confidence=pairwise_confidence(groups, 0.95)))
    again = rng.binomial(IN_A_GROUP, value, (400, files, groups)) / IN_A_GROUP
    signed, absolute = again[:, :, 1] - again[:, :, 0], again.max(2) - again.min(2)
    columns = {
        "percentiles of the redrawn gap (for comparison)": tuple(np.quantile(absolute, (0.025, 0.975), axis=0)),
        "signed, of one pair named beforehand": tuple(np.quantile(signed, (0.025, 0.975), axis=0)), "in use": widest_gap(value, limits),
    }  # fmt: skip
    return {"groups": groups, "true gap": f"{truth:.2f}", **{name: _covered((pair[0], pair[1]), truth) for name, pair in columns.items()}}


def run(*, short: bool, processes: int) -> Part:
    """Draw all of them."""

    def many(files: int) -> int:
        return max(200, files // 20) if short else files

    jobs: Mapping[str, tuple[Callable[..., Mapping[str, object]], Sequence[tuple[object, ...]]]] = {
        "weights": (weighted, [(design, rows, many(40_000)) for design in HEAVY for rows in (300, 1_000)]),
        "clusters": (clustered, [(kind, many(4_000)) for kind in (AREA, PERSON)]),
        "F1": (f1, [(people, hard, many(40_000)) for people in (60, 200, 1_000) for hard in (0.05, 0.15)]),
        "AUC": (auc_coverage, [(area, positives, many(10_000)) for area in (0.90, 0.95, 0.97) for positives in (10, 15, 20, 30, 50)]),
        "bootstrap": (redrawn, [(seed, 200 if short else 1_000) for seed in range(2 if short else 20)]),
        "gaps": (gaps, [(groups, lowest, many(4_000)) for groups in (2, 5) for lowest in (0.5, 0.4)]),
    }
    found = {name: spread(work, listed, processes, name) for name, (work, listed) in jobs.items()}
    rows = {name: pd.DataFrame(list(results)) for name, results in found.items()}
    return Part("others", "5. The other claims", [_SECTIONS[name](table, many) for name, table in rows.items()])


def _out(rows: pd.DataFrame, column: str, files: int, least: float = LOW, most: float = HIGH) -> list[str]:
    room = 3 * np.sqrt(0.05 * 0.95 / files)
    bad = rows[(rows[column].astype(float) < least - room) | (rows[column].astype(float) > most + room)]
    named = list(rows.columns)[: next(i for i, name in enumerate(rows.columns) if "comparison" in str(name))]
    return [f"{', '.join(f'{name} {row[name]}' for name in named)}: {row[column]}." for _, row in bad.iterrows()]


Files = Callable[[int], int]


def _weights(rows: pd.DataFrame, many: Files) -> Section:
    simulated = (
        f"{many(40_000):,} files each, of rows of weight 1 and rows of weight 10: heavy ones drawn whatever the outcome (10 %, rate .3 for "
        f"both); few of them, mostly hit (5 %; .9 against .1); "
        "many, hardly ever hit (30 %; .02 against .5). Coverage of Wilson's interval."
    )
    promised = "92 to 98 % by linearisation, whatever the weights have to do with the outcome."
    return Section("Weights", simulated, promised, rows, _out(rows, "linearised (in use)", many(40_000)))


def _clusters(rows: pd.DataFrame, many: Files) -> Section:
    files = many(4_000)
    simulated = (
        f"{files:,} files each: 500 households of one to six people who share luck (correlation .6 of the normal behind the decision), one "
        f"group at exactly .8 of the other's rate of .5. "
        "Share of the files with a false verdict on either side, not adjusted."
    )
    column = "effect of the contrast, D (in use)"
    bar = 100 * (2 * ALPHA + 0.01 + 3 * np.sqrt(0.05 * 0.95 / files))
    missed = [f"{row['groups']}: {row[column]}." for _, row in rows.iterrows() if float(row[column].rstrip(" %")) > bar]
    return Section("Households", simulated, "5 % (+ 1 point for the normal approximation + 3 standard errors) by D.", rows, missed)


def _f1(rows: pd.DataFrame, many: Files) -> Section:
    simulated = f"{many(40_000):,} files each, 30 % of them good, a sixth or half of these missed, and 1.2 times as many bad ones accepted. Coverage."
    return Section("F1", simulated, "92 to 98 % by J.", rows, _out(rows, "by J (in use)", many(40_000)))


def _auc(rows: pd.DataFrame, many: Files) -> Section:
    simulated = (
        f"{many(10_000):,} files each: two normal scores, 200 negatives. In use: the logit; with fewer than 20 in a class Newcombe's method 5. "
        f"Coverage."
    )
    return Section("AUC with few positives", simulated, "92 to 98 %.", rows, _out(rows, "in use", many(10_000)))


def _bootstrap(rows: pd.DataFrame, _: Files) -> Section:
    mean = rows.mean().to_frame().T
    shown = pd.DataFrame([{name: f"{mean[name].iloc[0]:.4f}" for name in mean}])
    off = float(mean["cells, two moments (in use)"].iloc[0] / mean["rows redrawn"].iloc[0])
    simulated = (
        f"{len(rows)} files of 2,000 rows in two groups with lognormal weights: standard error of the log of the ratio of two weighted rates, "
        f"mean over the files."
    )
    missed = [] if 0.95 <= off <= 1.05 else [f"two moments: {off:.3f} of the rows'."]
    return Section("Bootstrap from counts, with weights", simulated, "By two moments within 5 % of the rows'.", shown, missed)


def _gaps(rows: pd.DataFrame, many: Files) -> Section:
    simulated = (
        f"{many(4_000):,} files each: groups of {IN_A_GROUP:,} people at a rate of .5, one of them at .5 or .4; 400 redraws of each file. "
        f"Coverage of the largest less the smallest rate."
    )
    promised = (
        "At least 93 % in use: with no difference at all, 0 must be inside as often as promised (more is possible: the pairs are judged together)."
    )
    return Section("The widest gap", simulated, promised, rows, _out(rows, "in use", many(4_000), 0.93, 1.0))


_SECTIONS: Mapping[str, Callable[[pd.DataFrame, Files], Section]] = {
    "weights": _weights, "clusters": _clusters, "F1": _f1, "AUC": _auc, "bootstrap": _bootstrap, "gaps": _gaps,
}  # fmt: skip
