"""Coverage of every interval, by enumeration: no draw, no error of simulation.

Of a rate it is a sum over the hits. Of a pair of rates, for each count y of the reference, the counts x whose interval holds the truth lie
side by side (from 1 up; 0 is asked apart), so their ends are found by bisection and their chance is a difference of two sums of binomials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special
from validity_report import Floats, Mask, Part, Section, spread

from scoring.fairness.intervals import difference_interval, proportion_interval, ratio_interval

RATIOS = (0.5, 0.64, 0.8, 1.0, 1.25)
FINEST, FINE, COARSE = (np.arange(0.02, 0.98 + step / 2, step) for step in (0.0001, 0.0025, 0.01))
SIDES, SHORT_SIDES = (20, 35, 50, 100, 200, 500, 2_000, 20_000), (20, 50, 200)
LARGE = 1_000  # differences are worked out on the coarse grid where a side has more people: each truth needs a search of its own
ENOUGH = 5  # hits and misses expected on each side
LOWEST, MEAN = 0.92, (0.94, 0.965)
Limits = Callable[..., tuple[Floats, Floats]]


class Coverage(NamedTuple):
    """Coverage at some truths: arrays, and the design that each belongs to."""

    held: Floats
    """Chance that the interval holds the truth."""
    one_side: Floats
    """Chance that it lies wholly on one side of the truth, the likelier of the two."""
    enough: Mask
    """Whether all expected hits and misses are at least 5."""
    design: tuple[str, ...]


def chance_up_to(k: Floats, trials: float, rate: Floats) -> Floats:
    """Return P(K <= k) of a binomial; 0 below 0, 1 from `trials` up.

    >>> chance_up_to(np.array([-1.0, 0.0, 2.0]), 2, np.array([0.5])).tolist()
    [0.0, 0.25, 1.0]
    """
    inside = np.clip(k, 0, trials - 1)
    return np.select([k < 0, k >= trials], [0.0, 1.0], special.betainc(trials - inside, inside + 1, 1 - rate))


def chance_of(k: Floats, trials: float, rate: Floats) -> Floats:
    """Return P(K = k) of a binomial; 0 outside 0 to `trials`."""
    inside = np.clip(k, 0, trials)
    ways = special.gammaln(trials + 1) - special.gammaln(inside + 1) - special.gammaln(trials - inside + 1)
    found = np.exp(ways + special.xlogy(inside, rate) + special.xlog1py(trials - inside, -rate))
    return np.where(k == inside, found, 0.0)


def of_proportion(limits: Limits, trials: int, rates: Floats) -> Coverage:
    """Enumerate the coverage of an interval of one rate: its limits rise with the hits, so those that hold a truth lie side by side."""
    low, high = limits(np.arange(trials + 1), trials)
    first, past = np.searchsorted(high, rates, "left"), np.searchsorted(low, rates, "right")
    below, upto = (chance_up_to(end.astype(np.float64) - 1, trials, rates) for end in (first, past))
    above = 1 - upto
    enough = np.minimum(trials * rates, trials * (1 - rates)) >= ENOUGH - 1e-9
    return Coverage(1 - below - above, np.maximum(below, above), enough, tuple(f"n = {trials:,}, p = {p:.4f}" for p in rates))


def of_pair(limits: Limits, trials: tuple[int, int], ratio: float, rates: Floats, *, difference: bool) -> Coverage:
    """Enumerate the coverage of an interval of two rates.

    Parameters
    ----------
    limits
        Of hits and trials of group and reference: the limits. Where there is none, nothing is claimed, which holds every truth.
    trials
        People of the group and of the reference.
    ratio, rates
        The group's rate is `ratio` times the reference's, which runs through `rates`.
    difference
        Whether the interval is of the difference.
    """
    n, m = trials
    p_r = rates[rates * ratio < 1]
    p_g = p_r * ratio
    reach = 6.5 * np.sqrt(m * p_r * (1 - p_r)) + 8  # beyond lies less than 1e-8
    start = np.maximum(np.floor(m * p_r - reach), 0)
    y: Floats = start[:, None] + np.arange(np.ceil(2 * reach.max()) + 2, dtype=np.float64)
    chance = chance_of(y, m, p_r[:, None])
    y = np.minimum(y, m)
    if difference:
        truth = np.broadcast_to((p_g - p_r)[:, None], y.shape)
        ends = _ends(limits, n, y, m, truth)
    else:  # the truth is the same at every rate, and each y needs one search
        every = _ends(limits, n, np.arange(m + 1.0), m, np.full(m + 1, ratio))
        ends = tuple(end[y.astype(int)] for end in every)
    first, past, zero_below, zero_above = ends
    group = p_g[:, None]
    none = (1 - group) ** n
    below = chance_up_to(first - 1, n, group) - none + none * zero_below
    above = 1 - chance_up_to(past - 1, n, group) + none * zero_above
    below, above = (chance * below).sum(1), (chance * above).sum(1)
    expected = np.minimum.reduce([n * p_g, n * (1 - p_g), m * p_r, m * (1 - p_r)])
    names = tuple(f"{n:,} against {m:,}, p = {p:.4f}, ratio {ratio:g}" for p in p_r)
    return Coverage(1 - below - above, np.maximum(below, above), expected >= ENOUGH - 1e-9, names)


def _ends(limits: Limits, n: int, y: Floats, m: int, truth: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the first x >= 1 whose upper limit reaches the truth, the first whose lower limit passes it, and what x = 0 misses."""
    y, truth, shape = y.ravel(), truth.ravel(), y.shape

    def reaches(x: Floats) -> Mask:
        return ~(limits(x, n, y, m)[1] < truth)

    def passes(x: Floats) -> Mask:
        return np.asarray(limits(x, n, y, m)[0] > truth)

    nobody = np.zeros_like(y)
    found = _first(reaches, n, y.size), _first(passes, n, y.size), (~reaches(nobody)).astype(float), passes(nobody).astype(float)
    first, past, zero_below, zero_above = (end.reshape(shape) for end in found)
    return first, past, zero_below, zero_above


def _first(holds: Callable[[Floats], Mask], n: int, size: int) -> Floats:
    """Return the first x from 1 to n at which `holds` turns true; n + 1 where it never does."""
    low, high = np.ones(size), np.full(size, n + 1.0)
    while (low < high).any():
        middle = np.floor((low + high) / 2)
        true = holds(np.minimum(middle, n)) | (middle > n)
        open_ = low < high
        low, high = np.where(open_ & ~true, middle + 1, low), np.where(open_ & true, middle, high)
    return low


def wald(hits: Floats, trials: Floats) -> tuple[Floats, Floats]:
    """Return the textbook's interval of a rate, p +- 1.96 se, for comparison."""
    p = np.asarray(hits) / trials
    half = special.ndtri(0.975) * np.sqrt(p * (1 - p) / trials)
    return p - half, p + half


ONE: Mapping[str, Limits] = {
    "wilson": partial(proportion_interval, method="wilson"),
    "mid-p": partial(proportion_interval, method="mid-p"),
    "clopper-pearson": partial(proportion_interval, method="clopper-pearson"),
    "Wald (for comparison)": wald,
}
TWO: Mapping[str, tuple[str, Limits]] = {
    "newcombe (difference)": ("difference", partial(difference_interval, method="newcombe")),
    "miettinen-nurminen (difference)": ("difference", partial(difference_interval, method="miettinen-nurminen")),
    "koopman (ratio)": ("ratio", partial(ratio_interval, method="koopman")),
    "gart-nam (ratio)": ("ratio", partial(ratio_interval, method="gart-nam")),
    "miettinen-nurminen (ratio)": ("ratio", partial(ratio_interval, method="miettinen-nurminen")),
    "katz (ratio, for comparison)": ("ratio", partial(ratio_interval, method="katz")),
}
EXACT: Mapping[str, tuple[str, Limits]] = {
    "exact (ratio)": ("ratio", partial(ratio_interval, method="exact")),
    "exact (difference)": ("difference", partial(difference_interval, method="exact")),
}
NEVER_UNDER = ("clopper-pearson", "exact (ratio)", "exact (difference)")


def _one(name: str, sizes: Sequence[int]) -> Coverage:
    return joined([of_proportion(ONE[name], n, FINEST) for n in sizes])


def _two(job: tuple[str, int, int, bool]) -> tuple[str, Coverage]:
    name, n, m, coarse = job
    kind, limits = TWO[name]
    rates = COARSE if coarse or (kind == "difference" and max(n, m) > LARGE) else FINE
    return name, joined([of_pair(limits, (n, m), ratio, rates, difference=kind == "difference") for ratio in RATIOS])


def _tabled(limits: Limits, n: int, m: int) -> Limits:
    """Work out the limits of all pairs of counts once, and look them up."""
    x, y = np.meshgrid(np.arange(n + 1.0), np.arange(m + 1.0), indexing="ij")
    low, high = limits(x, n, y, m)
    return lambda x, _n, y, _m: (low[x.astype(int), y.astype(int)], high[x.astype(int), y.astype(int)])


def _exact(job: tuple[str, int, int]) -> tuple[str, Coverage]:
    name, n, m = job
    kind, limits = EXACT[name]
    known = _tabled(limits, n, m)
    return name, joined([of_pair(known, (n, m), ratio, FINE, difference=kind == "difference") for ratio in RATIOS])


def joined(parts: Sequence[Coverage]) -> Coverage:
    """Put coverages one after the other."""
    held, one_side, enough = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Coverage(held, one_side, enough, tuple(name for part in parts for name in part.design))


def summary(name: str, found: Coverage) -> dict[str, object]:
    """Return a row of the table: mean, lowest, lowest with at least 5 expected, and the chance of the likelier side."""
    anywhere, clause = int(found.held.argmin()), int(np.where(found.enough, found.held, 2).argmin())
    return {
        "interval": name, "points": found.held.size, "mean": float(found.held.mean()), "lowest where 5 are expected": float(found.held[clause]),
        "at": found.design[clause], "lowest anywhere": float(found.held[anywhere]), "reached at": found.design[anywhere],
        "worst side where 5 are expected": float(found.one_side[found.enough].max()),
    }  # fmt: skip


def misses(row: Mapping[str, object]) -> list[str]:
    """Say in what a row of the table misses what is promised."""
    name, mean, lowest, anywhere = (
        str(row["interval"]),
        float(str(row["mean"])),
        float(str(row["lowest where 5 are expected"])),
        float(str(row["lowest anywhere"])),
    )
    if "comparison" in name:
        return []
    if name in NEVER_UNDER:
        return [] if anywhere >= 0.95 - 1e-6 else [f"{name}: {anywhere:.4f} where .95 is promised everywhere ({row['reached at']})."]
    said = [] if MEAN[0] <= mean <= MEAN[1] else [f"{name}: mean coverage {mean:.4f}."]
    return said if lowest >= LOWEST else [*said, f"{name}: {lowest:.4f} with at least 5 expected ({row['at']})."]


def run(*, short: bool, processes: int) -> Part:
    """Enumerate all of them."""
    sizes = [20, 35, 51, 100, 500] if short else [*range(20, 201), 300, 500, 1_000, 2_000, 5_000, 10_000, 20_000]
    sides = SHORT_SIDES if short else SIDES
    rows = [summary(name, _one(name, sizes)) for name in ONE]
    jobs = [(name, n, m, short) for m in reversed(sides) for n in sides for name in TWO]
    found = spread(_two, jobs, processes, "coverage of pairs")
    pairs = [summary(name, joined([part for key, part in found if key == name])) for name in TWO]
    exact_jobs = [] if short else [(name, *size) for name in EXACT for size in ((20, 20), (10, 30), (30, 10))]
    exact = spread(_exact, exact_jobs, processes, "coverage of exact limits")
    pairs += [summary(name, joined([part for key, part in exact if key == name])) for name in EXACT if exact]
    return Part("coverage", "1. Coverage of the intervals", [_section_one(rows, sizes), _section_two(pairs, sides, short=short)])


PROMISE = (
    "Nominal 95 %: a mean between 94 and 96.5 %, and at least 92 % wherever 5 hits and 5 misses or more are expected. A count is a whole number, "
    "so no interval but a wider one can keep to 95 % at every truth (Brown, Cai & DasGupta 2001); elsewhere the minimum is printed."
)


def _section_one(rows: list[dict[str, object]], sizes: Sequence[int]) -> Section:
    simulated = (
        f"Nothing: the sum over all counts of hits, at every rate from .02 to .98 in steps of .0001, of {len(sizes)} sizes from {min(sizes)} to "
        f"{max(sizes):,}."
    )
    promised = (
        f"{PROMISE} Clopper-Pearson: never under 95 %. A verdict uses one side of an interval, so the worst side is printed too (nominal .025)."
    )
    return Section("One rate", simulated, promised, pd.DataFrame(rows), [miss for row in rows for miss in misses(row)])


def _section_two(rows: list[dict[str, object]], sides: Sequence[int], *, short: bool) -> Section:
    steps = ".01" if short else f".0025 (differences with more than {LARGE:,} people on a side: .01)"
    simulated = (
        f"Nothing: all counts of both sides but those of chance under 1e-8; group and reference of {', '.join(f'{n:,}' for n in sides)} people, "
        f"every size against "
        f"every other; the reference's rate from .02 to .98 in steps of {steps}; ratio of the rates .5, .64, .8, 1 and 1.25 (where it leaves the "
        "group's rate under 1). The exact limits at 20 against 20, 10 against 30 and 30 against 10 only: they take .2 s a pair of counts. Where "
        "there is "
        "no interval (nobody hit on either side, or a side without limit), nothing is claimed and nothing missed."
    )
    promised = f"{PROMISE} Exact: never under 95 %."
    return Section("Two rates", simulated, promised, pd.DataFrame(rows), [miss for row in rows for miss in misses(row)])
