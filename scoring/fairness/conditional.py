"""Each group against its reference within the declared strata, beside the crude figure that it never replaces.

A stratum is evidence, not an excuse: what is compared within a variable that itself stands in for the group can hide an exclusion. So
every row and every sentence holds both figures. Weights and clusters enter as one design effect a group and metric.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError, nearest
from scoring.fairness.clusters import Clusters
from scoring.fairness.counts import Counts, Margin, places, rank_of
from scoring.fairness.disparity import IS_REFERENCE, Reference, Side, chosen_reference, compare, measured, ratio_limits, rest_of, with_declared
from scoring.fairness.metrics import METRICS, STATES, Metric, more_is_better, vectors
from scoring.fairness.narrative import Titles, who, whom
from scoring.fairness.one_pass import STRATUM
from scoring.fairness.strata import conditional_demographic_disparity, kitagawa, mantel_haenszel, pooled_test, reversal
from scoring.fairness.verdicts import records
from scoring.texts import pick, say
from scoring.vocabulary import CROSS, REST, UNKNOWN, WeightMeaning

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Declared = Mapping[str, Sequence[str]]
_CRUDE, _POOLED = ["ratio", "ratio_low", "ratio_high"], ["pooled_ratio", "pooled_low", "pooled_high"]
_LIMITS = ["pooled_low", "pooled_high", "composition_low", "composition_high", "within_low", "within_high"]
_TESTS = ["p_exclusion", "p_within", "p_cmh", "p_homogeneity"]
_FIGURES = [*_CRUDE, "pooled_ratio", "difference", "composition", "within", "not_comparable_part", "cdd", *_LIMITS, *_TESTS]
CONDITIONAL = [
    *("attribute", "group", "metric", "stratified_by", "reference", *_CRUDE, *_POOLED),
    *(*_TESTS, "difference", "composition", "composition_low", "composition_high"),
    *("within", "within_low", "within_high", "not_comparable_part", "cdd", "strata", "not_comparable", "left_out"),
    *("simpson", "simpson_shown", "reason"),
]
BY_STRATUM = [
    *("attribute", "group", "metric", "stratified_by", "stratum", "reference", "hits", "trials", "ref_hits", "ref_trials"),
    *("value", "reference_value", "ratio", "ratio_low", "ratio_high", "composition", "within", "not_comparable_part", "comparable", "reason"),
]
_SILENT = ("absent", "is_reference", "blind", "nobody", "no_reference", "nobody_counted")
"""Reasons for which there is no figure at all."""


@dataclass(frozen=True, slots=True)
class _Side:
    """Hits and trials (groups, metrics, strata), as weighted and as effective counts."""

    hits: Floats
    trials: Floats
    x: Floats
    n: Floats


@dataclass(frozen=True, slots=True)
class _Cube:
    """Counts of one attribute by group, stratum and state, and the two sides of each comparison."""

    margin: Margin
    place: NDArray[np.int64]
    """Of each studied cell: its (group, stratum, state) as one number."""
    strata: tuple[str, ...]
    weight: Floats
    squared: Floats
    ref_weight: Floats
    ref_squared: Floats
    """Of the reference: shape (groups, strata, 6) for the rest; (groups, metrics, strata, 6) for one chosen by metric."""
    own: _Side
    ref: _Side
    blind: Mask
    """Strata (groups, metrics, strata) in which no refused person's outcome is known on one of the sides."""

    def comparable(self) -> Mask:
        """Tell which strata have trials on both sides that say something."""
        return (self.own.trials > 0) & (self.ref.trials > 0) & ~self.blind

    def turned(self, metrics: Sequence[Metric]) -> tuple[Floats, Floats, Floats, Floats]:
        """Return hits and trials of who gains and of whom it is set against."""
        (x, y), (n, m) = _turned(metrics, self.own.hits, self.ref.hits), _turned(metrics, self.own.trials, self.ref.trials)
        return x, n, y, m


def conditional_rows(
    counts: Counts,
    metrics: Sequence[Metric],
    strata: Sequence[str] | None = None,
    *,
    reference: Reference = REST,
    bounds: Bounds,
    declared: Declared | None = None,
) -> pd.DataFrame:
    """Return a row per attribute, group, metric and stratum variable, and for all of these variables crossed where there are several.

    Parameters
    ----------
    counts
        What the pass left; unknown members are never in the reference, an unknown level of a stratum is a stratum of its own.
    metrics
        Rows of the table of metrics.
    strata
        Names of declared strata; by default all.
    reference
        As for `disparity.compare`; one chosen by the data (``best``) has no valid test, so p_exclusion and p_within are nan.
    bounds
        Confidence, tolerance, smallest share of a best-off group.
    declared
        Levels that an attribute is declared to have; one that nobody holds has a row that says so.

    Returns
    -------
    DataFrame
        Columns `CONDITIONAL`. Below 1, below 0: the group gets less of what is good, as everywhere; `cdd` above 0 says the same. `ratio` is
        crude, `pooled_ratio` within strata; composition + within + not_comparable_part = difference. p-values are raw. `strata` are
        compared, `not_comparable` hold one side only or are blind. `reason` is "" or a code of the texts ``strata.why_*``.

    Raises
    ------
    EquiscoreError
        No strata, or not those, are declared.
    """
    walk = _walk(counts, metrics, strata, reference=reference, bounds=bounds, declared=declared)
    return pd.concat([_rows(counts, cube, crude, metrics, bounds) for cube, crude in walk], ignore_index=True)[CONDITIONAL]


def stratum_rows(
    counts: Counts,
    metrics: Sequence[Metric],
    strata: Sequence[str] | None = None,
    *,
    reference: Reference = REST,
    bounds: Bounds,
    declared: Declared | None = None,
) -> pd.DataFrame:
    """Return a row per stratum, group and metric: both sides, the ratio, and the part of the stratum in the gap.

    Parameters as for `conditional_rows`; several strata are crossed too. Working figures: a stratum may hold one person.

    Returns
    -------
    DataFrame
        Columns `BY_STRATUM`. Where `comparable` is false there is no ratio, and `reason` says why.

    Raises
    ------
    EquiscoreError
        No strata, or not those, are declared.
    """
    walk = _walk(counts, metrics, strata, reference=reference, bounds=bounds, declared=declared)
    return pd.concat([_stratum_rows(counts, cube, crude, metrics, bounds) for cube, crude in walk], ignore_index=True)[BY_STRATUM]


def _walk(
    counts: Counts, metrics: Sequence[Metric], strata: Sequence[str] | None, *, reference: Reference, bounds: Bounds, declared: Declared | None
) -> Iterator[tuple[_Cube, pd.DataFrame]]:
    """Go through attributes and stratifications: the cube of each, and the crude rows beside it."""
    names = _named(counts, strata)
    for attribute in counts.attributes:
        crude = compare(counts, [(attribute,)], metrics, reference=reference, bounds=bounds, declared=declared)
        margin = with_declared(counts.margin((attribute,)), declared or {})
        chosen = chosen_reference(margin, metrics, reference, bounds)
        for by in _stratifications(names):
            yield _cube(counts, margin, by, metrics, chosen), crude.assign(stratified_by=CROSS.join(by))


def _named(counts: Counts, strata: Sequence[str] | None) -> list[str]:
    held = [str(column).removeprefix(STRATUM) for column in counts.cells.columns if str(column).startswith(STRATUM)]
    wanted = held if strata is None else [strata] if isinstance(strata, str) else list(strata)
    if not held or not wanted:
        raise EquiscoreError("This study has no strata to compare within. Fix: declare a column with the role stratum, or pass strata= to audit.")
    for name in wanted:
        if name not in held:
            near = nearest(name, held)
            hint = f"did you mean {near!r}? " if near else ""
            raise EquiscoreError(f"No stratum {name!r} in this study. Fix: {hint}Use one of {', '.join(held)}, or declare its column as a stratum.")
    return wanted


def _stratifications(names: Sequence[str]) -> list[tuple[str, ...]]:
    return [*((name,) for name in names), *([tuple(names)] if len(names) > 1 else [])]


def _cube(counts: Counts, margin: Margin, by: tuple[str, ...], metrics: Sequence[Metric], chosen: NDArray[np.int64] | None) -> _Cube:
    """Count by group and stratum; `chosen` is the position of the reference of each group and metric, none for the rest."""
    place, strata = _placed(counts, margin, by)
    shape = (len(margin.keys), len(strata), len(STATES))
    held, weight, squared = (_summed(counts, place, name, shape) for name in ("held", "weight", "weight_squared"))
    own = _counted(weight, squared, metrics, counts.weighted)
    if chosen is None:
        ref_held, ref_weight, ref_squared = (_others(margin, part) for part in (held, weight, squared))
        # what is left of a sum from which everything was taken is a rounding error, not people
        ref_weight, ref_squared = (np.where(ref_held > 0, np.maximum(part, 0.0), 0.0) for part in (ref_weight, ref_squared))
        ref = _counted(ref_weight, ref_squared, metrics, counts.weighted)
        ref_blind = _blind(ref_weight)[:, None, :]
    else:
        ref_weight, ref_squared = weight[chosen], squared[chosen]
        ref = _Side(*(np.take_along_axis(part, chosen[:, :, None], 0) for part in (own.hits, own.trials, own.x, own.n)))
        ref_blind = _blind(weight)[chosen]
    refused = np.array([metric.needs_refused for metric in metrics])[None, :, None]
    blind = (_blind(weight)[:, None, :] | ref_blind) & refused
    return _Cube(margin, place, strata, weight, squared, ref_weight, ref_squared, own, ref, blind)


def _placed(counts: Counts, margin: Margin, by: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the (group, stratum, state) of each studied cell as one number, and the names of the strata in order."""
    cells = counts.studied
    levels = list(zip(*(cells[STRATUM + name].to_numpy(object) for name in by), strict=True))
    order = sorted(set(levels), key=lambda row: (UNKNOWN in row, *map(rank_of, row)))
    number = {row: i for i, row in enumerate(order)}
    group, state = np.divmod(places(cells, margin), len(STATES))
    stratum = np.array([number[row] for row in levels], np.int64)
    return (group * len(order) + stratum) * len(STATES) + state, tuple(CROSS.join(row) for row in order)


def _summed(counts: Counts, place: NDArray[np.int64], column: str, shape: tuple[int, ...]) -> Floats:
    """Sum the studied cells by place; ``held`` counts them, and what weights mean is minded as in `counts.margin`."""
    cells = counts.studied
    if column == "weight" and counts.weighted is None:
        column = "n"
    elif column == "weight_squared" and counts.weighted is not WeightMeaning.WEIGHT:
        column = "n" if counts.weighted is None else "weight"
    values = (cells["n"] > 0).to_numpy(float) if column == "held" else cells[column].to_numpy(float)
    return np.bincount(place, values, minlength=int(np.prod(shape))).astype(float).reshape(shape)


def _others(margin: Margin, counted: Floats) -> Floats:
    """Return the counts of the rest of each group, stratum by stratum."""
    flat = counted.reshape(len(margin.keys), -1)
    return rest_of(Margin(margin.by, margin.keys, flat, flat, flat)).weight.reshape(counted.shape)


def _counted(weight: Floats, squared: Floats, metrics: Sequence[Metric], weighted: WeightMeaning | None) -> _Side:
    flat = Side(weight.reshape(-1, len(STATES)), squared.reshape(-1, len(STATES)))
    found = measured(flat, metrics, weighted)
    return _Side(*(np.moveaxis(part.reshape(*weight.shape[:2], len(metrics)), -1, 1) for part in found))


def _blind(weight: Floats) -> Mask:
    """Tell where no refused person's outcome was observed: what is seen of the accepted alone says nothing."""
    return np.asarray((weight[..., 5] > 0) & (weight[..., 2] + weight[..., 3] == 0))


def _turned(metrics: Sequence[Metric], own: Floats, ref: Floats) -> tuple[Floats, Floats]:
    """Exchange the sides of metrics of which less is better, here and nowhere else: below 1, the group gets less of what is good."""
    more = more_is_better(metric.name for metric in metrics)[None, :, None]
    return np.where(more, own, ref), np.where(more, ref, own)


def _effects(counts: Counts, cube: _Cube, metrics: Sequence[Metric], tolerance: float) -> Floats:
    """Return the design effect (groups, metrics, 1) of weights and clusters on the contrast ``sum w (p_a - tolerance p_b)``.

    D = V / V_iid of its linearised influence (Binder 1983; Rao & Scott 1992): counts divided by D keep every ratio, and their variances
    are right. 1 for plain counts.
    """
    effects = np.ones((*cube.own.trials.shape[:2], 1))
    if counts.weighted is not WeightMeaning.WEIGHT and counts.clusters is None:
        return effects
    numerator, denominator = vectors(metrics)
    x, n, y, m = cube.turned(metrics)
    used = cube.comparable()
    total = np.where(used, n + m, 1.0)
    both = np.where(used, (x + tolerance * y) / total**2, 0.0)
    of_a = np.where(used, m / total, 0.0), -m * both
    of_b = np.where(used, -tolerance * n / total, 0.0), n * both
    for i, metric in enumerate(metrics):
        by_state = [hit[:, i, :, None] * numerator[:, i] + trial[:, i, :, None] * denominator[:, i] for hit, trial in (of_a, of_b)]
        own, ref = by_state if more_is_better([metric.name])[0] else by_state[::-1]
        ref_weight, ref_squared = (part[:, i] if part.ndim == 4 else part for part in (cube.ref_weight, cube.ref_squared))
        plain = (own**2 * cube.weight + ref**2 * ref_weight).sum((1, 2))
        spread = (
            (own**2 * cube.squared + ref**2 * ref_squared).sum((1, 2)) if counts.clusters is None else _clustered(counts.clusters, cube, own, ref)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            effects[:, i, 0] = np.where((plain > 0) & (spread > 0), spread / plain, 1.0)
    return effects


def _clustered(clusters: Clusters, cube: _Cube, own: Floats, ref: Floats) -> Floats:
    """Return H/(H-1) times the sum over clusters of the squared influence, each group against the rest."""
    groups, classes = len(own), own[0].size
    gather = sparse.csr_array((np.ones(len(cube.place)), (np.arange(len(cube.place)), cube.place)), shape=(len(cube.place), groups * classes))
    by_class = clusters.weights @ gather
    known = np.repeat(cube.margin.known, classes)
    own_only = sparse.csr_array(
        (
            (own.reshape(groups, -1) - cube.margin.known[:, None] * ref.reshape(groups, -1)).ravel(),
            (np.arange(groups * classes), np.repeat(np.arange(groups), classes)),
        )
    )
    everybody = np.tile(ref.reshape(groups, -1).T, (groups, 1)) * known[:, None]
    sums = (by_class @ own_only).toarray() + by_class @ everybody
    return np.asarray((sums**2).sum(0) * clusters.number / max(clusters.number - 1, 1))


def _rows(counts: Counts, cube: _Cube, crude: pd.DataFrame, metrics: Sequence[Metric], bounds: Bounds) -> pd.DataFrame:
    """Return the rows of one attribute and one stratification, in the order of `compare`."""
    effects, comparable = _effects(counts, cube, metrics, bounds.tolerance), cube.comparable()
    x, n, y, m = cube.turned(metrics)
    everything = tuple(part / effects for part in (x, n, y, m))
    compared = tuple(np.where(cube.blind, 0.0, part) for part in everything)
    pooled = mantel_haenszel(*compared, confidence=bounds.confidence)
    test = pooled_test(*compared, tolerance=bounds.tolerance)
    parts = kitagawa(*everything, confidence=bounds.confidence, comparable=comparable)
    peopled = (cube.own.trials > 0) | (cube.ref.trials > 0)
    found: dict[str, Any] = {
        "pooled_ratio": pooled.ratio, "pooled_low": pooled.low, "pooled_high": pooled.high,
        "p_exclusion": test.p_exclusion, "p_within": test.p_within, "p_cmh": pooled.p, "p_homogeneity": pooled.p_homogeneity,
        "composition": parts.composition, "composition_low": parts.composition_low, "composition_high": parts.composition_high,
        "within": parts.within, "within_low": parts.within_low, "within_high": parts.within_high,
        "not_comparable_part": parts.not_comparable, "cdd": conditional_demographic_disparity(*compared).value,
        "strata": pooled.strata, "not_comparable": (peopled & ~comparable).sum(-1), "left_out": pooled.left_out, "peopled": peopled.sum(-1),
    }  # fmt: skip
    rows = crude.assign(**{name: np.asarray(values).ravel() for name, values in found.items()})
    return _reasoned(rows, kept=not counts.clustered or counts.clusters is not None)


def _reasoned(rows: pd.DataFrame, *, kept: bool) -> pd.DataFrame:
    """Say why a figure is missing or says less than it seems, blank what cannot be said, and tell reversals."""
    rows = rows.assign(reason=_reasons(rows, kept=kept))
    silent = rows["reason"].isin(_SILENT).to_numpy()
    rows.loc[silent, _FIGURES] = np.nan
    if not kept:
        rows[[*_LIMITS, *_TESTS]] = np.nan
    rows.loc[rows["reference_is_best"].to_numpy(bool), ["p_exclusion", "p_within"]] = np.nan
    (crude, *of_crude), (pooled, *of_pooled) = (rows[names].to_numpy(float).T for names in (_CRUDE, _POOLED))
    turned = reversal((crude, of_crude[0], of_crude[1]), (pooled, of_pooled[0], of_pooled[1]))
    return rows.assign(simpson=turned.simpson, simpson_shown=turned.shown)


def _reasons(rows: pd.DataFrame, *, kept: bool) -> NDArray[np.object_]:
    """Return the first reason that holds of each row."""
    holds = {
        "absent": rows["people"] == 0,
        "is_reference": rows["reference"] == IS_REFERENCE,
        "blind": rows["blind"].astype(bool),
        "nobody": rows["trials"] == 0,
        "no_reference": rows["ref_trials"] == 0,
        "nobody_counted": (rows["hits"] == 0) & (rows["ref_hits"] == 0),
        "nothing_comparable": rows["strata"] == 0,
        "nobody_counted_within": rows["pooled_ratio"].isna(),
        "one_stratum": rows["peopled"] == 1,
        "clusters_not_kept": pd.Series(not kept, index=rows.index),
        "reference_chosen": rows["reference_is_best"].astype(bool),
    }
    return np.select([mask.to_numpy(bool) for mask in holds.values()], list(holds), "").astype(object)


def _stratum_rows(counts: Counts, cube: _Cube, crude: pd.DataFrame, metrics: Sequence[Metric], bounds: Bounds) -> pd.DataFrame:
    comparable = cube.comparable()
    shape = comparable.shape
    x, n, y, m = cube.turned(metrics)
    parts = kitagawa(x, n, y, m, comparable=comparable)
    itself = np.repeat((crude["reference"] == IS_REFERENCE).to_numpy(), shape[-1]).reshape(shape)
    said = comparable & ~itself
    with np.errstate(divide="ignore", invalid="ignore"):
        value, against = cube.own.hits / cube.own.trials, cube.ref.hits / cube.ref.trials
        ratio = np.where(said, (x / n) / (y / m), np.nan)
    reasons = {
        "is_reference": itself, "nobody_here": (cube.own.trials == 0) & (cube.ref.trials == 0), "no_group": cube.own.trials == 0,
        "no_reference_here": cube.ref.trials == 0, "blind": cube.blind, "nobody_counted": (x == 0) & (y == 0),
    }  # fmt: skip
    low, high = _stratum_limits(counts, cube, metrics, bounds)
    columns: dict[str, Any] = {
        **{name: np.repeat(crude[name].to_numpy(object), shape[-1]) for name in ("attribute", "group", "metric", "stratified_by", "reference")},
        "stratum": np.broadcast_to(np.array(cube.strata, object), shape),
        "hits": cube.own.hits, "trials": cube.own.trials, "ref_hits": cube.ref.hits, "ref_trials": cube.ref.trials,
        "value": np.where(cube.blind, np.nan, value), "reference_value": np.where(cube.blind, np.nan, against), "ratio": ratio,
        "ratio_low": np.where(said, low, np.nan), "ratio_high": np.where(said, high, np.nan),
        "composition": np.where(itself, np.nan, parts.composition_by_stratum), "within": np.where(itself, np.nan, parts.within_by_stratum),
        "not_comparable_part": np.where(itself, np.nan, parts.not_comparable_by_stratum),
        "comparable": said, "reason": np.select(list(reasons.values()), list(reasons), "").astype(object),
    }  # fmt: skip
    return pd.DataFrame({name: np.asarray(values).ravel() for name, values in columns.items()})


def _stratum_limits(counts: Counts, cube: _Cube, metrics: Sequence[Metric], bounds: Bounds) -> tuple[Floats, Floats]:
    """Return the limits of each stratum's ratio; with clusters, at the design effect of all strata together."""
    effects = _effects(counts, cube, metrics, bounds.tolerance) if counts.clusters is not None else 1.0
    own, ref = ((side.hits, side.trials) if counts.clusters is not None else (side.x, side.n) for side in (cube.own, cube.ref))
    (x, y), (n, m) = (_turned(metrics, own[i] / effects, ref[i] / effects) for i in range(2))
    judged = np.broadcast_to(np.array([metric.judged for metric in metrics])[None, :, None], x.shape)
    low, high = ratio_limits((x.ravel(), n.ravel()), (y.ravel(), m.ravel()), judged.ravel(), bounds.confidence)
    lost = counts.clustered and counts.clusters is None
    return (np.full(x.shape, np.nan),) * 2 if lost else (low.reshape(x.shape), high.reshape(x.shape))


def conditional_sentences(rows: pd.DataFrame, bounds: Bounds, language: str, titles: Titles | None = None) -> list[str]:
    """Return what each row of `conditional_rows` says: both figures, what turns round, what the gap is made of, and the caution.

    Parameters
    ----------
    rows
        Rows of `conditional_rows`.
    bounds
        The confidence and the tolerance that they were worked out with.
    language
        ``en`` or ``fr``.
    titles
        Names of attributes and strata by language.
    """
    return [_sentence(row, bounds, language, titles or {}) for row in records(rows)]


def _sentence(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles) -> str:
    metric = METRICS[str(row["metric"])]
    values = {
        **row,
        "who": who(row, language, titles),
        "what": metric.fr if language == "fr" else metric.en,
        "whom": whom(row, language),
        "by": CROSS.join(pick(titles.get(name), language) or name for name in str(row["stratified_by"]).split(CROSS)),
        "confidence": bounds.confidence,
        "tolerance": bounds.tolerance,
    }
    return " ".join(say(f"strata.{key}", language, **values) for key in _said(row, bounds, more=bool(more_is_better([metric.name])[0])))


def _said(row: Mapping[str, Any], bounds: Bounds, *, more: bool) -> list[str]:
    """Return the keys of what is said of a row, in order."""
    reason = str(row["reason"])
    if reason in _SILENT:
        return ["silent", f"why_{reason}"]
    alone = reason in {"nothing_comparable", "nobody_counted_within"}
    said = ["crude_alone" if alone else "both"]
    said += [] if more else ["turned"]
    said += [f"why_{reason}"] if reason else []
    if row["simpson"]:
        said += ["reversal_more" if row["pooled_ratio"] > 1 else "reversal_less"]
        said += ["reversal_shown" if row["simpson_shown"] else "reversal_not_shown"]
    if not np.isnan(row["within"]):
        said += ["parts_apart" if row["not_comparable"] else "parts"]
    said += ["below"] if row["p_exclusion"] < bounds.alpha else []
    said += ["differ"] if row["p_homogeneity"] < 1 - bounds.confidence else []
    return [*said, "caution"]
