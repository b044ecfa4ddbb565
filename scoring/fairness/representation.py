"""Who is in the file, held against the population served: a public source says the shares, the file is a sample held to them.

A group that never applies, or is never let in, has no rate to be compared; its share has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError, nearest
from scoring.fairness.clusters import EFFECTS, FEW
from scoring.fairness.counts import Counts, Margin
from scoring.fairness.hypotheses import adjust
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.narrative import Titles, who
from scoring.fairness.one_pass import GROUP
from scoring.fairness.verdicts import because_in, records
from scoring.plan import Population
from scoring.texts import say
from scoring.vocabulary import UNKNOWN, Verdict, WeightMeaning

REPRESENTATION: Final = [
    *("attribute", "group", "people", "of", "share", "low", "high", "benchmark", "source", "ratio", "ratio_low", "ratio_high"),
    *("shortfall", "shortfall_low", "shortfall_high", "unknown", "share_lowest", "share_highest", "ratio_lowest", "ratio_highest"),
    *("p_exclusion", "p_within", "p_exclusion_adjusted", "p_within_adjusted", "verdict", "zero", "family", "reasons", "because"),
]
FIT: Final = ["attribute", "people", "levels", "statistic", "degrees", "p", "smallest_expected", "because"]
METRIC: Final = "representation"
"""The name under which the design effects of shares are kept."""
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_ORDER: Final = [verdict.value for verdict in (Verdict.EXCLUSION, Verdict.LEANING, Verdict.UNDETERMINED, Verdict.NOT_APPLICABLE)]


def representation_rows(counts: Counts, population: Mapping[str, Population], *, bounds: Bounds) -> pd.DataFrame:
    """Return a row per group of each attribute with a benchmark: its share of the file beside its share of the population.

    The benchmark is taken without error. With x of N people and a benchmark b, p_exclusion = P(X <= x) and p_within = P(X >= x) under the
    binomial of N and tolerance x b, exactly; the interval of the ratio inverts that test (Clopper & Pearson 1934), so before adjustment the
    verdict agrees with it. Weighted or clustered counts take their effective size, as Korn & Graubard (1998) do.

    Parameters
    ----------
    counts
        What the pass left.
    population
        Shares by attribute and level, with their source.
    bounds
        Tolerance, confidence, smallest file.

    Returns
    -------
    DataFrame
        The columns `REPRESENTATION`, first things first. N, `of`, is everybody whose level is known and in the benchmark. `shortfall` counts
        the people missing at the same N. Unknown members bound the share: `share_lowest` if none of them is of the group, `share_highest` if all
        are. A level of the benchmark that nobody holds has the ratio 0 and an exact upper bound; a level of the file that the benchmark does not
        name, and the unknown, are listed without a verdict. One family (Holm) over all groups and attributes.

    Raises
    ------
    EquiscoreError
        A benchmark of an attribute that is not studied, or of a single level.
    """
    for name, benchmark in population.items():
        _check(name, benchmark, counts)
    parts = [_one_attribute(counts, name, benchmark, bounds) for name, benchmark in population.items()]
    if not parts:
        return pd.DataFrame(columns=REPRESENTATION)
    return _first_things_first(_judged(pd.concat(parts, ignore_index=True), counts, bounds))


def _check(name: str, benchmark: Population, counts: Counts) -> None:
    if name not in counts.attributes:
        near = nearest(name, counts.attributes)
        raise EquiscoreError(f"No attribute {name!r} to hold against a population. Fix: use {near or ', '.join(counts.attributes)!r}.")
    if len(benchmark.shares) < 2:
        raise EquiscoreError(f"The population of {name!r} has one level, so its share is everybody. Fix: give the share of every level.")


def _one_attribute(counts: Counts, name: str, benchmark: Population, bounds: Bounds) -> pd.DataFrame:
    margin = counts.margin((name,))
    present = [key[0] for key in margin.keys]
    groups = [*(level for level in present if level != UNKNOWN), *(level for level in benchmark.shares if level not in present)]
    groups += [level for level in present if level == UNKNOWN]
    expected = np.array([benchmark.shares.get(level, np.nan) for level in groups])
    people, x, n = _sizes(counts, margin, groups, ~np.isnan(expected))
    effect, clusters = _design(counts, name, groups, benchmark)
    x, n = x / effect, n / effect
    unknown = float(margin.weight[~margin.known].sum())
    total = float(margin.weight[[level in benchmark.shares for level in present]].sum())
    held = np.array([margin.weight[present.index(level)].sum() if level in present else 0.0 for level in groups])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.isnan(expected), np.nan, held / total)
        lowest, highest = (np.where(np.isnan(expected), np.nan, part / (total + unknown)) for part in (held, held + unknown))
        low, high = proportion_interval(x, n, confidence=bounds.confidence)
        exact_low, exact_high = proportion_interval(x, n, confidence=bounds.confidence, method="clopper-pearson")
        ratios = {"ratio": share, "ratio_low": exact_low, "ratio_high": exact_high, "ratio_lowest": lowest, "ratio_highest": highest}
        ratios = {column: np.where(expected > 0, values / expected, np.nan) for column, values in ratios.items()}
    short = {"shortfall": share, "shortfall_low": exact_high, "shortfall_high": exact_low}
    return pd.DataFrame(
        {"attribute": name, "group": groups, "people": people, "of": total, "share": share, "low": low, "high": high, "benchmark": expected,
         "source": benchmark.source, "unknown": unknown, "share_lowest": lowest, "share_highest": highest, "x": x, "n": n, "clusters": clusters}
        | ratios | {column: total * (expected - values) for column, values in short.items()}
    )  # fmt: skip


def _sizes(counts: Counts, margin: Margin, groups: list[str], named: Mask) -> tuple[Floats, Floats, Floats]:
    """Return the people of each group, and the effective counts (x of n) that its share is as sure as."""
    places = {key[0]: place for place, key in enumerate(margin.keys)}
    taken = np.array([places.get(level, -1) for level in groups])
    people, q, q2 = (np.where(taken >= 0, side.sum(1)[taken], 0.0) for side in (margin.people, margin.weight, margin.weight_squared))
    total, squares = (q * named).sum(), (q2 * named).sum()
    x, n = q, np.full_like(q, total)
    if counts.weighted is WeightMeaning.WEIGHT:
        with np.errstate(divide="ignore", invalid="ignore"):
            p = q / total
            spread = q2 * (1 - p) ** 2 + (squares - q2) * p**2
            n = np.where((p > 0) & (p < 1), p * (1 - p) * total**2 / spread, total**2 / squares)
            x = p * n
    blank = ~named | (total == 0)
    return people, np.where(blank, 0.0, x), np.where(blank, 0.0, n)


def _design(counts: Counts, name: str, groups: list[str], benchmark: Population) -> tuple[Floats, Floats]:
    """Return the design effect of each share, 1 where rows are independent, and how many clusters the group has."""
    if not counts.clustered:
        return np.ones(len(groups)), np.full(len(groups), np.nan)
    effects = representation_effects(counts, {name: benchmark}) if counts.clusters is not None else counts.effects
    held = pd.DataFrame(columns=["attribute", "group", "metric", *EFFECTS]) if effects is None else effects
    held = held[(held["metric"] == METRIC) & (held["attribute"] == name)].set_index("group")[["effect_rate", "clusters"]]
    if held.empty:
        raise EquiscoreError(f"The study keeps no design effects of the shares of {name!r}. Fix: make the study again from its declaration.")
    found = held.reindex(groups)
    return found["effect_rate"].fillna(1.0).to_numpy(float), found["clusters"].to_numpy(float)


def representation_effects(counts: Counts, population: Mapping[str, Population]) -> pd.DataFrame:
    """Return the design effects of clusters on shares, for a study to keep: `representation_rows` finds them in `Counts.effects`.

    Returns
    -------
    DataFrame
        As `Counts.design_effects`, `metric` being ``representation``; empty without clusters in memory.
    """
    if counts.clusters is None or not population:
        return pd.DataFrame(columns=["attribute", "group", "metric", *EFFECTS])
    return pd.concat([_effects_of(counts, name, benchmark) for name, benchmark in population.items()], ignore_index=True)


def _effects_of(counts: Counts, name: str, benchmark: Population) -> pd.DataFrame:
    """Return V / V_iid of each share: V = H/(H-1) sum over clusters of (sum of w (member - share))^2."""
    cells, clusters = counts.studied, counts.clusters
    if clusters is None:
        raise AssertionError
    level = cells[GROUP + name].to_numpy(object)
    weight, squared = cells["weight"].to_numpy(float), cells["weight_squared"].to_numpy(float)
    groups = np.array([key[0] for key in counts.margin((name,)).keys if key[0] in benchmark.shares], object)
    member, named = level[:, None] == groups[None, :], np.isin(level, list(benchmark.shares))[:, None]
    share = (weight[:, None] * member).sum(0) / (weight[:, None] * named).sum()
    influence = np.where(named, member - share, 0.0)
    by_cluster = clusters.weights @ influence
    several = clusters.number / max(clusters.number - 1, 1)
    clustered, independent = several * (by_cluster**2).sum(0), (squared[:, None] * influence**2).sum(0)
    effect = np.where((independent > 0) & (clustered > 0), clustered / np.where(independent > 0, independent, 1.0), 1.0)
    present = np.asarray((clusters.weights @ member.astype(float) > 0).sum(0), float)
    effects = dict.fromkeys(EFFECTS[:-1], effect) | {"clusters": present}
    return pd.DataFrame({"attribute": name, "group": groups, "metric": METRIC, **effects})


def _judged(rows: pd.DataFrame, counts: Counts, bounds: Bounds) -> pd.DataFrame:
    """Add tests, adjustment, verdict and reasons."""
    x, n, held = (rows[name].to_numpy(float) for name in ("x", "n", "benchmark"))
    asked = (n > 0) & (held > 0)
    limit = np.where(asked, held * bounds.tolerance, 0.5)
    size = np.where(asked, n, 1.0)
    hits = np.where(asked, x, 0.0)
    at_most = np.where(hits < size, special.betainc(np.maximum(size - hits, 1e-300), hits + 1, 1 - limit), 1.0)
    at_least = np.where(hits > 0, special.betainc(np.where(hits > 0, hits, 1.0), size - hits + 1, limit), 1.0)
    p = {"p_exclusion": np.where(asked, at_most, np.nan), "p_within": np.where(asked, at_least, np.nan)}
    rows = rows.assign(**p, **{f"{name}_adjusted": adjust(values) for name, values in p.items()}, family=int(asked.sum()))
    rows = rows.assign(zero=asked & (rows["people"] == 0).to_numpy())
    codes = dict(_codes(rows, asked, counts, bounds))
    shown = (rows["p_within_adjusted"] < bounds.alpha).to_numpy()
    doubted = codes["depends_on_unknowns"] | codes["small"]
    exclusion = (rows["p_exclusion_adjusted"] < bounds.alpha).to_numpy()
    leaning = asked & ~exclusion & ((rows["ratio"] < bounds.tolerance) | (rows["p_exclusion"] < bounds.alpha)).to_numpy()
    verdicts = [Verdict.EXCLUSION, Verdict.WITHIN_TOLERANCE, Verdict.LEANING, Verdict.UNDETERMINED]
    rows["verdict"] = np.select([exclusion, shown & ~doubted, leaning, asked], [verdict.value for verdict in verdicts], Verdict.NOT_APPLICABLE.value)
    only = {"depends_on_unknowns": shown, "small": shown, "within_before_adjustment": (rows["verdict"] == Verdict.UNDETERMINED).to_numpy()}
    only |= {"before_adjustment": (rows["verdict"] == Verdict.LEANING).to_numpy()}
    only |= {"smaller_share": (rows["verdict"] == Verdict.WITHIN_TOLERANCE).to_numpy()}
    masks = {code: mask & only.get(code, np.ones(len(rows), bool)) for code, mask in codes.items()}
    rows["reasons"] = [tuple(code for code, mask in masks.items() if mask[i]) for i in range(len(rows))]
    rows["because"] = [because_in("representation", row, bounds, "en") for row in records(rows)]
    return rows


def _codes(rows: pd.DataFrame, asked: Mask, counts: Counts, bounds: Bounds) -> Iterator[tuple[str, Mask]]:
    """Go through what may be said beside a verdict."""
    unknown = (rows["group"] == UNKNOWN).to_numpy()
    missing = rows["benchmark"].isna().to_numpy() & ~unknown
    yield "unknown", unknown
    yield "not_in_benchmark", missing
    yield "benchmark_zero", (rows["benchmark"] == 0).to_numpy()
    yield "nobody_known", ~asked & ~unknown & ~missing & (rows["benchmark"] > 0).to_numpy()
    yield "zero", rows["zero"].to_numpy(bool)
    yield "before_adjustment", asked & (rows["p_exclusion"] < bounds.alpha).to_numpy() & (rows["p_exclusion_adjusted"] >= bounds.alpha).to_numpy()
    yield "within_before_adjustment", asked & (rows["p_within"] < bounds.alpha).to_numpy() & (rows["p_within_adjusted"] >= bounds.alpha).to_numpy()
    yield "depends_on_unknowns", asked & (rows["ratio_lowest"] < bounds.tolerance).to_numpy() & (rows["unknown"] > 0).to_numpy()
    yield "small", asked & (rows["of"] < bounds.minimum_group).to_numpy()
    yield "smaller_share", asked & (rows["ratio_high"] < 1).to_numpy()
    yield "weighted", asked & (counts.weighted is WeightMeaning.WEIGHT or counts.clustered)
    yield "few_clusters", asked & (rows["clusters"] < FEW).to_numpy()


def _first_things_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Sort: levels that nobody holds, by how many were expected; then by verdict and by people short; the unknown last."""
    order = {verdict: place for place, verdict in enumerate(_ORDER)}
    keys = pd.DataFrame({
        "zero": ~rows["zero"].to_numpy(bool), "unknown": rows["group"] == UNKNOWN,
        "verdict": rows["verdict"].map(lambda verdict: order.get(verdict, len(order))), "short": -rows["shortfall"].fillna(-np.inf),
        "attribute": rows["attribute"], "group": rows["group"],
    })  # fmt: skip
    return rows.loc[keys.sort_values([str(name) for name in keys], kind="stable").index, REPRESENTATION].reset_index(drop=True)


def representation_fit(counts: Counts, population: Mapping[str, Population], *, bounds: Bounds) -> pd.DataFrame:
    """Return how far the file as a whole is from each benchmark: Pearson's chi-square of goodness of fit.

    Shares that were rounded are scaled to add up to 1. Weighted or clustered counts: divided by the mean design effect
    sum (p_g / b_g)(1 - p_g) d_g / (k - 1) (Rao & Scott 1981, *JASA* 76:221). It says that the file differs, not who is missing, and of a large
    file the smallest difference.

    Returns
    -------
    DataFrame
        A row per attribute, columns `FIT`; nan where nobody is known. Levels that the benchmark puts at 0 are left out.
    """
    for name, benchmark in population.items():
        _check(name, benchmark, counts)
    return pd.DataFrame([{"attribute": name} | _fit(counts, name, benchmark, bounds) for name, benchmark in population.items()], columns=FIT)


def _fit(counts: Counts, name: str, benchmark: Population, bounds: Bounds) -> dict[str, Any]:
    rows = _one_attribute(counts, name, benchmark, bounds)
    rows = rows[rows["benchmark"] > 0]
    people, held, p = (rows[column].to_numpy(float) for column in ("people", "benchmark", "share"))
    wanted, degrees = held / held.sum(), len(rows) - 1
    n = people.sum()
    if not n or degrees < 1:
        nothing = dict.fromkeys(("statistic", "p", "smallest_expected"), np.nan)
        return {"people": n, "levels": len(rows), "degrees": degrees, "because": say("representation.because_nobody_known", "en"), **nothing}
    p = p / p.sum()
    statistic = n * ((p - wanted) ** 2 / wanted).sum()
    if counts.weighted is WeightMeaning.WEIGHT or counts.clustered:
        # of a share that is 0 or 1 the size is Kish's, so its effect has a value too
        effect = np.divide(n, rows["n"].to_numpy(float), out=np.ones(len(p)), where=rows["n"].to_numpy(float) > 0)
        statistic /= (p / wanted * (1 - p) * effect).sum() / degrees
    smallest = float((n * wanted).min())
    because = say("representation.because_few_expected", "en", smallest_expected=smallest) if smallest < 5 else ""
    found = {"statistic": float(statistic), "p": float(stats.chi2.sf(statistic, degrees)), "smallest_expected": smallest}
    return {"people": n, "levels": len(rows), "degrees": degrees, "because": because, **found}


def representation_sentences(rows: pd.DataFrame, bounds: Bounds, language: str = "en", titles: Titles | None = None) -> list[str]:
    """Return what each row of `representation_rows` says, with the source of its benchmark."""
    return [_sentence(row, bounds, language, titles) for row in records(rows)]


def _sentence(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None) -> str:
    asked = row["verdict"] != Verdict.NOT_APPLICABLE
    numbers = {str(name): value for name, value in row.items() if name not in {"group", "verdict"}}
    numbers |= {"missing": max(0.0, row["shortfall"]), "missing_low": max(0.0, row["shortfall_low"]), "missing_high": max(0.0, row["shortfall_high"])}
    form = "zero" if row["zero"] else "compared" if asked else "not_asked"
    verdict = say(f"verdict.{row['verdict']}", language)
    parts = [say(f"representation.{form}", language, **numbers, who=who(row, language, titles), verdict=verdict, confidence=bounds.confidence)]
    if asked and row["ratio"] < 1:
        parts.append(say("representation.missing", language, **numbers))
    reasons = dict(row) | {"reasons": tuple(code for code in row["reasons"] if code != "zero")}
    return " ".join(filter(None, [*parts, because_in("representation", reasons, bounds, language)]))
