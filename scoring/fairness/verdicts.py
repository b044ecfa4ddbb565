"""Five verdicts: what the tests allow to be said of each group, and why nothing more.

"No evidence" is never reported as "no exclusion". Two one-sided tests, each adjusted over all that the study looks at:
Holm for single attributes; for combinations the threshold of the search (Focused Benjamini-Hochberg) on the side of exclusion,
or Benjamini-Hochberg where there was no search; Holm on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.bounds import Bounds
from scoring.fairness.clusters import FEW
from scoring.fairness.disparity import DISPARITIES, IS_REFERENCE
from scoring.fairness.hypotheses import adjust, ratio_test, used_exact
from scoring.fairness.metrics import METRICS, more_is_better
from scoring.fairness.planning import Unsettled, detectable_ratio, people_needed, why_unsettled
from scoring.texts import has, say
from scoring.vocabulary import REST, Verdict

Mask = NDArray[np.bool_]
VERDICTS = [
    *DISPARITIES,
    *("p_exclusion", "p_within", "p_exclusion_adjusted", "p_within_adjusted", "refusal_ratio", "ratio_to_best", "verdict", "needed", "because"),
]
_ORDER = [Verdict.EXCLUSION, Verdict.LEANING, Verdict.UNDETERMINED, Verdict.NOT_APPLICABLE, Verdict.WITHIN_TOLERANCE]


def judge(
    rows: pd.DataFrame,
    bounds: Bounds,
    *,
    binomial: bool,
    on_unknowns: pd.Series[bool] | None = None,
    searched: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Add tests, adjustment, verdict and reasons to rows of `disparity.compare`.

    Parameters
    ----------
    rows
        One metric or several; each metric is a family of its own, and so are its combinations.
    bounds
        Tolerance, confidence, refusal tolerance, minimum group.
    binomial
        Whether the counts are people: only then can a test be exact.
    on_unknowns
        Which rows would leave the tolerance in the worst case over unknown members.
    searched
        Of each metric whose combinations were searched, the largest p-value that the search finds (`search.threshold`).

    Returns
    -------
    DataFrame
        The columns of `VERDICTS`, with zero, family and `detectable` (the ratio at or below which exclusion of a group of this size
        would be shown with the power of the bounds), and `reasons`: the codes behind `because`.
    """
    more = more_is_better(rows["metric"])
    x, n, y, m = (rows[name].to_numpy(float) for name in "xnym")
    sides = (np.where(more, x, y), np.where(more, n, m), np.where(more, y, x), np.where(more, m, n))
    testable = (
        ~rows["blind"].to_numpy(bool)
        & rows["reference"].ne(IS_REFERENCE).to_numpy()
        & (n > 0)
        & (m > 0)
        & (rows["known"].to_numpy(bool) | (rows["depth"] == 1).to_numpy())
    )
    p_exclusion, p_within = (np.full(len(rows), np.nan) for _ in range(2))
    tested = ratio_test(*(side[testable] for side in sides), tolerance=bounds.tolerance, exact=binomial)
    p_exclusion[testable], p_within[testable] = tested
    for positions, k_exclusion, k_within in _against_all(rows, sides, testable, bounds, binomial=binomial):
        p_exclusion[positions], p_within[positions] = k_exclusion, k_within
    judged = rows.assign(p_exclusion=p_exclusion, p_within=p_within, zero=_zero(rows))
    judged = judged.assign(**_adjusted(judged, bounds, searched or {}))
    masks = _masks(judged, bounds)
    judged["verdict"] = np.select([masks[verdict] for verdict in masks], [verdict.value for verdict in masks], Verdict.NOT_APPLICABLE.value)
    judged["needed"], unsettled = _needed(judged, sides, bounds)
    judged["detectable"] = _detectable(judged, sides, bounds)
    exact = np.zeros(len(rows), bool)
    if binomial:
        exact[testable] = used_exact(*(side[testable] for side in sides), tolerance=bounds.tolerance)
    codes = dict(_reasons(judged, bounds, exact=exact, binomial=binomial, unsettled=unsettled, on_unknowns=on_unknowns))
    judged["reasons"] = [tuple(code for code, mask in codes.items() if mask[i]) for i in range(len(judged))]
    judged["because"] = [because(codes, row, bounds, "en") for codes, row in zip(judged["reasons"], records(judged), strict=True)]
    return judged


def _against_all(
    rows: pd.DataFrame, sides: tuple[NDArray[np.float64], ...], testable: Mask, bounds: Bounds, *, binomial: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """Go through the tables whose reference is the best-off group, and test each group against every other.

    The data chose that reference, so a test against it alone is not valid: p_exclusion = (k-1) min over the others, p_within =
    max over the others (union-intersection and intersection-union: Roy 1953; Berger 1982).
    """
    best = rows["reference_is_best"].to_numpy(bool)
    more = more_is_better(rows["metric"])
    x, n = np.where(more, sides[0], sides[2]), np.where(more, sides[1], sides[3])
    for found in rows[best].groupby(["attribute", "metric"]).groups.values():
        table = rows.index.get_indexer(found)
        rivals = table[rows["eligible"].to_numpy(bool)[table] & (n[table] > 0)]
        asked = table[testable[table]]
        if not len(rivals) or not len(asked):
            continue
        pairs = (x[asked, None], n[asked, None], x[None, rivals], n[None, rivals])
        pairs = pairs if more[asked[0]] else (pairs[2], pairs[3], pairs[0], pairs[1])
        tested = ratio_test(*pairs, tolerance=bounds.tolerance, exact=binomial and rows["depth"].iloc[asked[0]] == 1)
        itself = asked[:, None] == rivals[None, :]
        others = np.maximum((~itself).sum(1), 1)
        lowest = np.nanmin(np.where(itself, np.inf, np.nan_to_num(tested.p_exclusion, nan=1.0)), axis=1)
        highest = np.nanmax(np.where(itself, -np.inf, np.nan_to_num(tested.p_within, nan=1.0)), axis=1)
        both = np.clip(np.stack([others * lowest, highest]), 0, 1)
        nobody = (sides[0][asked] == 0) & (sides[2][asked] == 0)  # neither here nor among the best-off: there is nothing to compare
        yield asked, *np.where(nobody, np.nan, both)


def _zero(rows: pd.DataFrame) -> Mask:
    """Tell where nobody of a group was favoured."""
    selects = rows["metric"].map({name: metric.counts_selected for name, metric in METRICS.items()}).to_numpy(bool)
    return np.asarray(selects & (rows["hits"] == 0) & (rows["trials"] > 0))


def _adjusted(rows: pd.DataFrame, bounds: Bounds, searched: Mapping[str, float]) -> dict[str, NDArray[np.float64]]:
    """Adjust within each family: a metric's single attributes, and its combinations."""
    adjusted = {name: np.full(len(rows), np.nan) for name in ("p_exclusion_adjusted", "p_within_adjusted", "family")}
    for positions in rows.groupby(["metric", rows["depth"] > 1]).indices.values():
        part = rows.iloc[positions]
        metric, crossed = str(part["metric"].iloc[0]), bool(part["depth"].iloc[0] > 1)
        raw = part["p_exclusion"].to_numpy(float)
        found = adjust(raw, method="bh" if crossed else "holm")
        if crossed and metric in searched:
            found = _focused(raw, found, searched[metric], bounds.alpha)
        adjusted["p_exclusion_adjusted"][positions] = found
        adjusted["p_within_adjusted"][positions] = adjust(part["p_within"].to_numpy(), method="holm")
        adjusted["family"][positions] = part["p_exclusion"].notna().sum()
    return adjusted


def _focused(p: NDArray[np.float64], adjusted: NDArray[np.float64], threshold: float, alpha: float) -> NDArray[np.float64]:
    """Scale p so that what the search finds, p at or below its threshold, and nothing else, is below alpha; never less than without the search."""
    scaled = np.full_like(p, alpha) if np.isnan(threshold) else p * (alpha * (1 - 1e-9) / max(threshold, 1e-300))
    return np.where(np.isnan(p), np.nan, np.clip(np.maximum(adjusted, scaled), p, 1.0))


def _masks(rows: pd.DataFrame, bounds: Bounds) -> dict[Verdict, Mask]:
    """Return where each verdict holds."""
    asked = rows["p_exclusion"].notna().to_numpy()
    exclusion = asked & (rows["p_exclusion_adjusted"] < bounds.alpha).to_numpy()
    shown = asked & (rows["p_within_adjusted"] < bounds.alpha).to_numpy()
    below = (rows["ratio"] < bounds.tolerance).to_numpy()
    before = (rows["p_exclusion"] < bounds.alpha).to_numpy()
    return {
        Verdict.EXCLUSION: exclusion,
        Verdict.WITHIN_TOLERANCE: shown & ~np.logical_or.reduce(list(_objections(rows, bounds).values())),
        Verdict.LEANING: asked & ~exclusion & (below | before),
        Verdict.UNDETERMINED: asked & ~exclusion & ~below,
    }


def _objections(rows: pd.DataFrame, bounds: Bounds) -> dict[str, Mask]:
    """Return what stands against a reassuring verdict though its test was passed."""
    rest = (rows["reference"] == REST).to_numpy()
    return {
        "not_of_the_best": rest & ~(rows["ratio_to_best"] >= bounds.tolerance).to_numpy(),
        "refusals": (rows["refusal_ratio"] > bounds.refusal_tolerance).to_numpy(),
        "unobserved": (rows["unobserved"] > 0).to_numpy(),
        "small": (rows["people"] < bounds.minimum_group).to_numpy(),
    }


def _needed(rows: pd.DataFrame, sides: tuple[NDArray[np.float64], ...], bounds: Bounds) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Return how many more people of the group would settle an open case, and why no number would where none does."""
    open_case = rows["verdict"].isin([Verdict.LEANING, Verdict.UNDETERMINED]).to_numpy()
    more = more_is_better(rows["metric"])
    plannable = open_case & more  # for a harm metric the group is the reference of the test
    needed, why = np.full(len(rows), np.nan), np.full(len(rows), "", object)
    alpha = bounds.alpha / rows["family"].to_numpy(float)[plannable]
    chosen = tuple(side[plannable] for side in sides)
    needed[plannable] = people_needed(*chosen, tolerance=bounds.tolerance, alpha=alpha, power=bounds.power)
    why[plannable] = why_unsettled(*chosen, tolerance=bounds.tolerance, alpha=alpha, power=bounds.power)
    return np.where(np.isfinite(needed), needed, np.nan), why


def _detectable(rows: pd.DataFrame, sides: tuple[NDArray[np.float64], ...], bounds: Bounds) -> NDArray[np.float64]:
    """Return the ratio at or below which exclusion would be shown of a group of this size, where it is open; nan where not even 0 would be."""
    asked = rows["verdict"].isin([Verdict.LEANING, Verdict.UNDETERMINED]).to_numpy() & more_is_better(rows["metric"])
    found = np.full(len(rows), np.nan)
    alpha = bounds.alpha / rows["family"].to_numpy(float)[asked]
    _, n, y, m = (side[asked] for side in sides)
    found[asked] = detectable_ratio(n, y, m, tolerance=bounds.tolerance, alpha=alpha, power=bounds.power)[0]
    return found


def _reasons(
    rows: pd.DataFrame, bounds: Bounds, *, exact: Mask, binomial: bool, unsettled: NDArray[np.object_], on_unknowns: pd.Series[bool] | None
) -> Iterator[tuple[str, Mask]]:
    """Go through the codes of `because`, in the order in which they are read."""
    verdict = rows["verdict"].to_numpy()
    asked = rows["p_exclusion"].notna().to_numpy()
    itself = (rows["reference"] == IS_REFERENCE).to_numpy()
    empty, alone = (rows["trials"] == 0).to_numpy(), (rows["ref_trials"] == 0).to_numpy()
    yield "is_reference", itself
    yield "absent", (rows["people"] == 0).to_numpy()
    yield "no_outcome", empty & (rows["people"] > 0).to_numpy()
    blind = rows["blind"].to_numpy(bool)
    yield "blind", blind & ~empty
    alone = alone & ~blind
    yield "everybody", alone & ~empty & ~itself & (rows["reference_people"] == 0).to_numpy()
    yield "no_reference", alone & ~empty & ~itself & (rows["reference_people"] > 0).to_numpy()
    yield "unknown_combination", ~rows["known"].to_numpy(bool) & (rows["depth"] > 1).to_numpy()
    yield "nobody_selected", ~asked & ~blind & ~empty & ~alone & ~itself & rows["known"].to_numpy(bool) & (rows["hits"] == 0).to_numpy()
    yield "zero", rows["zero"].to_numpy(bool) & asked
    unadjusted = asked & (rows["p_exclusion"] < bounds.alpha).to_numpy() & (verdict == Verdict.LEANING)
    yield "before_adjustment", unadjusted
    reassuring = (rows["p_within_adjusted"] < bounds.alpha).to_numpy() & (verdict == Verdict.UNDETERMINED)
    for code, mask in _objections(rows, bounds).items():
        yield code, mask & reassuring
    cautious = asked & (rows["p_within"] < bounds.alpha).to_numpy() & (rows["p_within_adjusted"] >= bounds.alpha).to_numpy()
    yield "within_before_adjustment", cautious & (verdict == Verdict.UNDETERMINED)
    yield "smaller_difference", (verdict == Verdict.WITHIN_TOLERANCE) & (rows["ratio_high"] < 1).to_numpy()
    if on_unknowns is not None:
        yield "depends_on_unknowns", (verdict == Verdict.WITHIN_TOLERANCE) & on_unknowns.to_numpy(bool)
    yield "needed", rows["needed"].notna().to_numpy() & (rows["needed"] > 0).to_numpy()
    yield "reference_too_small", unsettled == Unsettled.REFERENCE_TOO_SMALL
    yield "at_tolerance", unsettled == Unsettled.AT_TOLERANCE
    yield "detectable", rows["detectable"].notna().to_numpy()
    yield "exact", exact & asked
    if not binomial:
        yield "weighted", asked
    yield "one_cluster", ~asked & np.isinf(rows["effect_ratio"].to_numpy(float)) & ~empty & ~alone
    yield "few_clusters", asked & (rows["clusters"] < FEW).to_numpy()


def because(codes: tuple[str, ...], row: dict[str, object], bounds: Bounds, language: str) -> str:
    """Write the reasons of a verdict out."""
    return " ".join(say(f"because.{code}", language, **row, tolerance=bounds.tolerance, refusal_tolerance=bounds.refusal_tolerance,
                        power=bounds.power, minimum_group=bounds.minimum_group) for code in codes)  # fmt: skip


def because_in(room: str, row: Mapping[Any, Any], bounds: Bounds, language: str) -> str:
    """Write the reasons of a row out in the words of its own table (`room`), or else in those of the verdicts."""
    own = {**row, **{name: getattr(bounds, name) for name in ("minimum_group", "power", "tolerance")}}
    return " ".join(
        say(f"{room}.because_{code}", language, **own) if has(f"{room}.because_{code}", language) else because((code,), dict(row), bounds, language)
        for code in row["reasons"]
    )


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as mappings of column to value."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def first_things_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Sort: nobody selected at all, by how many were expected; then by verdict and by people short."""
    order = {verdict.value: position for position, verdict in enumerate(_ORDER)}
    expected = np.where(rows["zero"], rows["trials"] * rows["reference_value"], -1.0)
    keys = pd.DataFrame(
        {
            "zero": ~rows["zero"].to_numpy(bool) | (rows["verdict"] == Verdict.NOT_APPLICABLE).to_numpy(),
            "expected": -expected,
            "verdict": rows["verdict"].map(order),
            "depth": rows["depth"],
            "short": -rows["shortfall"].fillna(-np.inf),
            "attribute": rows["attribute"],
            "group": rows["group"],
        },
        index=rows.index,
    )
    return rows.loc[keys.sort_values([str(name) for name in keys], kind="stable").index].reset_index(drop=True)
