"""What was not observed bounds what can be said: people whose group is unknown, and the verdict on a whole band of ratios.

Where something was not observed (the group, the probability of a group, the outcome of the refused) the data give no number but
a band: every value that what was not seen could give. A verdict needs the whole band, sampling error included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.bounds import Bounds
from scoring.fairness.hypotheses import adjust
from scoring.fairness.metrics import COMPOSITES, METRICS, more_is_better
from scoring.fairness.narrative import Titles, what, who
from scoring.texts import say
from scoring.vocabulary import REST, Verdict

Mask = NDArray[np.bool_]
BOUNDS = ["attribute", "group", "metric", "ratio", "unknown", "unknown_hits", "ratio_lowest", "ratio_highest", "breakdown"]


def unknown_bounds(rows: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Return the worst and the best ratio over every allocation of the unknown members, one attribute at a time.

    With x of n in the group, y of m in the rest and u hits among N unknown:
    low = [x/(n+N-u)] / [(y+u)/(m+u)], high = [(x+u)/(n+u)] / [y/(m+N-u)] (Horowitz & Manski 1995): sharp, as the ratio rises in
    hits and falls in misses given to the group. `breakdown` is the smallest number of the N - u refused unknowns who, if all
    were members, bring the estimate to the tolerance; nan where no number of them does, 0 where it is there already.
    Bounds of several groups are not attained together.

    Parameters
    ----------
    rows
        Rows of `disparity.compare` with the reference ``rest``.
    tolerance
        The ratio that the breakdown is about.

    Returns
    -------
    DataFrame
        A row per group of a single attribute and metric, columns `BOUNDS`; `unknown` counts those in the metric's denominator.
    """
    single = rows[(rows["depth"] == 1) & (rows["reference"] == REST)]
    unknown = single[~single["known"].astype(bool)].set_index(["attribute", "metric"])[["trials", "hits"]]
    known = single[single["known"].astype(bool)].join(
        unknown.rename(columns={"trials": "unknown", "hits": "unknown_hits"}), on=["attribute", "metric"]
    )
    known = known.fillna({"unknown": 0.0, "unknown_hits": 0.0})
    x, n, y, m, total, u = (known[name].to_numpy(float) for name in ("hits", "trials", "ref_hits", "ref_trials", "unknown", "unknown_hits"))
    more = more_is_better(known["metric"])
    with np.errstate(divide="ignore", invalid="ignore"):
        low = (x / (n + total - u)) / ((y + u) / (m + u))
        high = ((x + u) / (n + u)) / (y / (m + total - u))
        lowest, highest = np.where(more, low, 1 / high), np.where(more, high, 1 / low)
        wanted = np.ceil(np.round(x * m / (tolerance * y) - n, 9))
    reachable = more & (wanted <= total - u)
    breakdown = np.where(reachable, np.maximum(wanted, 0.0), np.nan)
    blind = known["blind"].to_numpy(bool) if "blind" in known else False  # what is seen of the accepted alone bounds nothing
    found = {name: np.where(blind, np.nan, ends) for name, ends in (("ratio_lowest", lowest), ("ratio_highest", highest), ("breakdown", breakdown))}
    return known.assign(**found)[BOUNDS].reset_index(drop=True)


def depends_on_unknowns(rows: pd.DataFrame, tolerance: float) -> pd.Series[bool]:
    """Tell which rows could be below the tolerance if the unknowns were all members."""
    found = unknown_bounds(rows, tolerance).set_index(["attribute", "group", "metric"])["ratio_lowest"]
    keys = pd.MultiIndex.from_frame(rows[["attribute", "group", "metric"]])
    return pd.Series(found.reindex(keys).to_numpy(float) < tolerance, index=rows.index)


def judge_band(
    rows: pd.DataFrame, bounds: Bounds, *, family: list[str], obstacles: Mapping[str, Mask], objections: Mapping[str, Mask], notes: Mapping[str, Mask]
) -> pd.DataFrame:
    """Add the verdict that a whole band of ratios allows, and why.

    EXCLUSION where even the highest ratio that what was not seen allows is shown to be below the tolerance; WITHIN_TOLERANCE
    where even the lowest is shown to be above it and nothing stands against it; otherwise UNDETERMINED. Never LEANING: inside the
    band no value is likelier than another. Each side is adjusted by Holm over the rows of a family, as for other verdicts.

    Parameters
    ----------
    rows
        With p_exclusion (of the band's upper end), p_within (of its lower end), and judged: whether the metric gets a verdict.
    family
        Columns whose values make a family.
    obstacles
        Why the question cannot be asked, by code: where.
    objections
        What stands against WITHIN_TOLERANCE though its test was passed.
    notes
        What is said beside any verdict.

    Returns
    -------
    DataFrame
        `rows` with verdict ("" where the metric is described only), reasons (codes) and because (English).
    """
    impossible = np.logical_or.reduce([np.zeros(len(rows), bool), *obstacles.values()])
    judged = rows["judged"].to_numpy(bool)
    asked = judged & ~impossible & rows["p_exclusion"].notna().to_numpy() & rows["p_within"].notna().to_numpy()
    by = [rows[name] for name in family]
    raw = {side: rows[side].where(asked) for side in ("p_exclusion", "p_within")}
    below, above = (p.groupby(by).transform(lambda held: adjust(held.to_numpy(float))).to_numpy() < bounds.alpha for p in raw.values())
    stands_against = np.logical_or.reduce([np.zeros(len(rows), bool), *objections.values()])
    choices = [~judged & ~impossible, ~asked, below, above & ~stands_against]
    names = ["", Verdict.NOT_APPLICABLE.value, Verdict.EXCLUSION.value, Verdict.WITHIN_TOLERANCE.value]
    verdict = np.select(choices, names, Verdict.UNDETERMINED.value)
    open_case = asked & (verdict == Verdict.UNDETERMINED.value)
    before = open_case & ((raw["p_exclusion"] < bounds.alpha) | ((raw["p_within"] < bounds.alpha) & ~above)).to_numpy()
    codes = dict(obstacles) | {"undefined": judged & ~impossible & ~asked, "band": open_case & ~before & ~above, "before_adjustment": before}
    codes |= {code: mask & open_case & above for code, mask in objections.items()} | dict(notes)
    reasons = [tuple(code for code, mask in codes.items() if mask[i]) for i in range(len(rows))]
    said = [why(reason, row, bounds, "en") for reason, row in zip(reasons, rows.to_dict("records"), strict=True)]
    listed = pd.Series(reasons, index=rows.index, dtype=object)
    return rows.assign(verdict=verdict, reasons=listed, because=said)


def why(codes: tuple[str, ...], row: Mapping[Any, Any], bounds: Bounds, language: str) -> str:
    """Write out the reasons behind the verdict on a band."""
    chosen = {name: getattr(bounds, name) for name in ("tolerance", "refusal_tolerance", "minimum_group")}
    return " ".join(say(f"unobserved.{code}", language, **{str(name): value for name, value in row.items()} | chosen) for code in codes)


def membership_sentence(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None = None) -> str:
    """Return what a row of `membership.membership_rows` says: the weighted estimate, never without its bounds, and the verdict.

    Parameters
    ----------
    row
        A row of that table, as a mapping.
    bounds
        The tolerance and the confidence that it was judged by.
    language
        ``en`` or ``fr``.
    titles
        Names of attributes by language.
    """
    return _said("member", row, bounds, language, titles, undefined=bool(np.isnan(row["value"])))


def selective_sentence(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None = None) -> str:
    """Return what a row of `selective.selective_rows` says: the band, the assumption behind it by name, and the verdict.

    Parameters are those of `membership_sentence`, of the other table.
    """
    return _said(f"selective_{row['assumption']}", row, bounds, language, titles, undefined=bool(np.isnan(row["lowest"])))


def _said(key: str, row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None, *, undefined: bool) -> str:
    verdict = str(row["verdict"])
    fields = {name: value for name, value in row.items() if name not in {"verdict", "because", "reasons"}}
    fields |= {"who": who(row, language, titles), "what": what(str(row["metric"]), language)}
    fields["metric"] = _named(str(row["metric"]), language)
    fields |= {"confidence": bounds.confidence, "tolerance": bounds.tolerance}
    opening = say(f"unobserved.verdict_{verdict.replace(' ', '_')}", language) if verdict else ""
    band = say(f"unobserved.{'nothing' if undefined else key}", language, **fields)
    return " ".join(part for part in (opening, band, why(tuple(row["reasons"]), row, bounds, language)) if part)


def _named(metric: str, language: str) -> str:
    """Return the name of a metric as it is spoken of."""
    known = METRICS.get(metric) or COMPOSITES[metric]
    return known.fr if language == "fr" else known.en
