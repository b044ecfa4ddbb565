"""Each group against its reference within the declared strata, beside the crude figure that it never replaces.

A stratum is evidence, not an excuse: what is compared within a variable that itself stands in for the group can hide an exclusion. So
every row and every sentence holds both figures. Weights and clusters enter as one design effect a group and metric.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError, nearest
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import IS_REFERENCE, Reference, chosen_reference, compare, ratio_limits, with_declared
from scoring.fairness.metrics import METRICS, Metric, more_is_better
from scoring.fairness.narrative import Titles, who, whom
from scoring.fairness.one_pass import STRATUM
from scoring.fairness.strata import mantel_haenszel, pooled_test
from scoring.fairness.verdicts import records
from scoring.fairness.within.cube import Cube, cube_of, design_effects, exchanged
from scoring.fairness.within.decomposition import conditional_demographic_disparity, kitagawa, reversal
from scoring.texts import pick, say
from scoring.vocabulary import CROSS, REST

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
) -> Iterator[tuple[Cube, pd.DataFrame]]:
    """Go through attributes and stratifications: the cube of each, and the crude rows beside it."""
    names = _named(counts, strata)
    for attribute in counts.attributes:
        crude = compare(counts, [(attribute,)], metrics, reference=reference, bounds=bounds, declared=declared)
        margin = with_declared(counts.margin((attribute,)), declared or {})
        chosen = chosen_reference(margin, metrics, reference, bounds)
        for by in _stratifications(names):
            yield cube_of(counts, margin, by, metrics, chosen), crude.assign(stratified_by=CROSS.join(by))


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


def _rows(counts: Counts, cube: Cube, crude: pd.DataFrame, metrics: Sequence[Metric], bounds: Bounds) -> pd.DataFrame:
    """Return the rows of one attribute and one stratification, in the order of `compare`."""
    effects, comparable = design_effects(counts, cube, metrics, bounds.tolerance), cube.comparable()
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


def _stratum_rows(counts: Counts, cube: Cube, crude: pd.DataFrame, metrics: Sequence[Metric], bounds: Bounds) -> pd.DataFrame:
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


def _stratum_limits(counts: Counts, cube: Cube, metrics: Sequence[Metric], bounds: Bounds) -> tuple[Floats, Floats]:
    """Return the limits of each stratum's ratio; with clusters, at the design effect of all strata together."""
    effects = design_effects(counts, cube, metrics, bounds.tolerance) if counts.clusters is not None else 1.0
    own, ref = ((side.hits, side.trials) if counts.clusters is not None else (side.x, side.n) for side in (cube.own, cube.ref))
    (x, y), (n, m) = (exchanged(metrics, own[i] / effects, ref[i] / effects) for i in range(2))
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
