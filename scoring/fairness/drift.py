"""Two studies of one declaration, and a sequence of them: what changed for whom, and what many looks cost.

A change is one of the logarithm of the ratio. A group that is there in one study only is a finding, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.hypotheses import adjust
from scoring.fairness.intervals import ratio_interval
from scoring.fairness.metrics import METRICS
from scoring.fairness.narrative import Titles, who
from scoring.fairness.verdicts import records
from scoring.texts import say
from scoring.vocabulary import Better, Verdict

DRIFT: Final = [
    *("attribute", "group", "metric", "standing", "people_before", "people_after", "value_before", "value_after"),
    *("ratio_before", "ratio_after", "change", "change_low", "change_high", "log_change", "log_change_low", "log_change_high"),
    *("p", "p_adjusted", "moved", "verdict_before", "verdict_after", "changed", "reasons", "because"),
]
LOOKS: Final = [
    *("look", "attribute", "group", "metric", "people", "ratio", "alpha", "p_exclusion_adjusted", "p_within_adjusted", "verdict"),
    "first_exclusion",
]
Shared = Literal["none", "unknown"]
_KEYS: Final = ["attribute", "group", "metric"]
_ABSENT: Final = "absent"
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def compare_studies(before: pd.DataFrame, after: pd.DataFrame, *, bounds: Bounds, shared: Shared = "unknown") -> pd.DataFrame:
    """Return a row per group and metric of either study: how its ratio and its verdict changed.

    Each study gives the logarithm of its ratio with Koopman's score limits (1984); of independent studies the squares of the distances to the
    limits add up, as variances do (Zou & Donner 2008, *Statistics in Medicine* 27:1693). With many people this is the interaction of a saturated
    log-binomial model; with few, or where everybody was favoured, it is not too narrow.

    Parameters
    ----------
    before, after
        Rows as `Tables.judged` gives them: attribute, group, metric, reference, people, value, ratio, x, n, y, m, verdict, depth.
    bounds
        The confidence of the intervals.
    shared
        ``none``: no customer is in both files. ``unknown``: some may be. Two studies that share customers are not independent, and from two
        tables of counts nothing tells how much they hang together: then there is no interval.

    Returns
    -------
    DataFrame
        The columns `DRIFT`. `change` is ratio after over ratio before (below 1: it got worse), `log_change` its logarithm, with limits. `p` is
        two-sided, adjusted (Holm) over the groups of a metric; `moved` is ``worse``, ``better``, ``not shown`` or "" where nothing can be told.
        `standing` is ``both``, ``appeared`` or ``disappeared``; `changed` tells whether the verdict is another. What disappeared comes first.

    Raises
    ------
    EquiscoreError
        Two rows of one group and metric in a study, or another word for `shared`.
    """
    if shared not in {"none", "unknown"}:
        raise EquiscoreError(f"shared: {shared!r} is not known. Fix: say 'none' where no customer is in both files, otherwise 'unknown'.")
    rows = _joined(before, after)
    asked = dict(_obstacles(rows, shared))
    free = ~np.logical_or.reduce(list(asked.values()))
    comparable = ~np.logical_or.reduce([asked[code] for code in ("disappeared", "appeared", "other_reference")])
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(comparable, rows["ratio_after"].to_numpy(float) / rows["ratio_before"].to_numpy(float), np.nan)
        logs = np.log(change)
        low, high = (np.where(free, limit, np.nan) for limit in _limits(rows, logs, bounds.confidence))
        # the distance to the limit on the side of no change: p and interval tell the same
        error = np.where(logs > 0, logs - low, high - logs) / special.ndtri((1 + bounds.confidence) / 2)
        p = 2 * special.ndtr(-np.abs(logs) / error)
    found = {
        "change": change,
        "change_low": np.exp(low),
        "change_high": np.exp(high),
        "log_change": logs,
        "log_change_low": low,
        "log_change_high": high,
    }
    rows = rows.assign(**found, p=p)
    rows = rows.assign(p_adjusted=_adjusted(rows))
    shown = (rows["p_adjusted"] < 1 - bounds.confidence).to_numpy()
    rows["moved"] = np.select([np.isnan(rows["p"]), ~shown, logs < 0], ["", "not shown", "worse"], "better")
    rows["changed"] = rows["verdict_before"] != rows["verdict_after"]
    rows["reasons"] = [tuple(code for code, mask in asked.items() if mask[i]) for i in range(len(rows))]
    rows["because"] = [" ".join(say(f"drift.because_{code}", "en") for code in codes) for codes in rows["reasons"]]
    order = {"disappeared": 0, "appeared": 1, "both": 2}
    ranks = rows.assign(place=rows["standing"].map(order), worse=rows["moved"].ne("worse"), same=~rows["changed"], by=np.nan_to_num(logs, nan=np.inf))
    return ranks.sort_values(["place", "worse", "same", "by", *_KEYS], kind="stable")[DRIFT].reset_index(drop=True)


def _joined(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Lay the two studies side by side; a group without people is not there."""
    sides = []
    for side, rows in (("before", before), ("after", after)):
        if rows.duplicated(_KEYS).any():
            twice = rows.loc[rows.duplicated(_KEYS), _KEYS].iloc[0]
            raise EquiscoreError(f"{side}: {', '.join(map(str, twice))} stands twice. Fix: give the rows of one study, each group and metric once.")
        kept = rows[[*_KEYS, "depth", "people", "value", "ratio", "x", "n", "y", "m", "reference", "verdict"]]
        sides.append(kept.astype(dict.fromkeys(_KEYS, object)).rename(columns={name: f"{name}_{side}" for name in kept if name not in _KEYS}))
    rows = sides[0].merge(sides[1], on=_KEYS, how="outer")
    people = {f"people_{side}": rows[f"people_{side}"].fillna(0.0) for side in ("before", "after")}
    verdicts = {f"verdict_{side}": rows[f"verdict_{side}"].astype(object).fillna(_ABSENT) for side in ("before", "after")}
    rows = rows.assign(**people, **verdicts, depth=rows["depth_before"].fillna(rows["depth_after"]))
    gone, new = (rows["people_after"] == 0) & (rows["people_before"] > 0), (rows["people_before"] == 0) & (rows["people_after"] > 0)
    return rows.assign(standing=np.select([gone, new], ["disappeared", "appeared"], "both"))


def _obstacles(rows: pd.DataFrame, shared: Shared) -> Iterator[tuple[str, Mask]]:
    """Go through why no change, or no interval of it, can be given."""
    both = (rows["standing"] == "both").to_numpy()
    ratios = rows[["ratio_before", "ratio_after"]].to_numpy(float)
    yield "disappeared", (rows["standing"] == "disappeared").to_numpy()
    yield "appeared", (rows["standing"] == "appeared").to_numpy()
    yield "other_reference", both & (rows["reference_before"].astype(object) != rows["reference_after"].astype(object)).to_numpy()
    undefined = both & np.isnan(ratios).any(1)
    yield "no_ratio", undefined
    yield "nobody", both & ~undefined & ((ratios == 0) | np.isinf(ratios)).any(1)
    yield "shared", both & (shared == "unknown")


def _limits(rows: pd.DataFrame, logs: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the limits of a change of the logarithm: the distances of both studies to their limits, squared and added."""
    (below_1, above_1), (below_2, above_2) = (_reaches(rows, side, confidence) for side in ("before", "after"))
    return logs - np.hypot(below_2, above_1), logs + np.hypot(above_2, below_1)


def _reaches(rows: pd.DataFrame, side: str, confidence: float) -> tuple[Floats, Floats]:
    """Return how far the lower and the upper limit of the logarithm of a study's ratio are from it; for a metric of harm turned round."""
    counts = rows[[f"{name}_{side}" for name in "xnym"]].fillna(0.0).to_numpy(float)
    low, high = ratio_interval(*counts.T, confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(counts[:, 0] / counts[:, 1] / (counts[:, 2] / counts[:, 3]))
        below, above = log - np.log(low), np.log(high) - log
    more = np.array([name not in METRICS or METRICS[name].better is Better.MORE for name in rows["metric"]], bool)
    return np.where(more, below, above), np.where(more, above, below)


def _adjusted(rows: pd.DataFrame) -> Floats:
    adjusted = np.full(len(rows), np.nan)
    for positions in rows.groupby(["metric", rows["depth"] > 1]).indices.values():
        adjusted[positions] = adjust(rows["p"].to_numpy()[positions])
    return adjusted


def sequence(rows_per_look: Sequence[pd.DataFrame], looks: int, *, bounds: Bounds, spent: Sequence[float] | None = None) -> pd.DataFrame:
    """Return the verdicts of a sequence of studies, the level shared among the looks that are planned.

    Each look is judged at its part of alpha = (1 - confidence)/2, by default alpha / looks (Bonferroni): the chance of any false EXCLUSION in
    the whole sequence stays within alpha, and that of any false WITHIN_TOLERANCE, whether or not the studies share customers.

    Parameters
    ----------
    rows_per_look
        Rows as `Tables.judged` gives them, one table a look, the first look first.
    looks
        How many are planned, those to come included.
    bounds
        Tolerance and confidence.
    spent
        The part of alpha that each planned look may spend, instead of equal parts.

    Returns
    -------
    DataFrame
        The columns `LOOKS`: a row per look, group and metric. `verdict` is that of the look at its level; `first_exclusion` the first look at
        which exclusion of the group is shown, nan where at none. A group that a later look does not have keeps its rows, with ``absent``.

    Raises
    ------
    EquiscoreError
        More looks than planned, or levels that are not one a look or exceed alpha.
    """
    alphas = _alphas(len(rows_per_look), looks, bounds, spent)
    parts = [_at(rows, look, alphas[look - 1], bounds) for look, rows in enumerate(rows_per_look, start=1)]
    if not parts:
        return pd.DataFrame(columns=LOOKS)
    listed = pd.concat(parts, ignore_index=True)
    every = listed[_KEYS].drop_duplicates().merge(pd.DataFrame({"look": range(1, len(parts) + 1), "alpha": alphas[: len(parts)]}), how="cross")
    listed = every.merge(listed.drop(columns="alpha"), on=[*_KEYS, "look"], how="left")
    listed = listed.assign(verdict=listed["verdict"].astype(object).fillna(_ABSENT), people=listed["people"].fillna(0.0))
    first = listed[listed["verdict"] == Verdict.EXCLUSION.value].groupby(_KEYS)["look"].min().rename("first_exclusion")
    return listed.join(first.astype(float), on=_KEYS)[LOOKS]


def _alphas(taken: int, looks: int, bounds: Bounds, spent: Sequence[float] | None) -> list[float]:
    if taken > looks:
        raise EquiscoreError(
            f"{taken} looks were taken where {looks} were planned, so the level is spent. Fix: declare study.looks before the first."
        )
    if spent is None:
        return [bounds.alpha / looks] * looks
    if len(spent) != looks or min(spent) <= 0 or sum(spent) > bounds.alpha * (1 + 1e-9):
        raise EquiscoreError(
            f"spent: {', '.join(f'{part:g}' for part in spent)} is no sharing of {bounds.alpha:g} among {looks} looks. "
            "Fix: give one part above 0 a look, together no more than that."
        )
    return list(spent)


def _at(rows: pd.DataFrame, look: int, alpha: float, bounds: Bounds) -> pd.DataFrame:
    """Return the verdicts of one look at its level; what the whole level showed and this one does not is open."""
    was = rows["verdict"].to_numpy(object)
    exclusion = (rows["p_exclusion_adjusted"] < alpha).to_numpy()
    within = (was == Verdict.WITHIN_TOLERANCE.value) & (rows["p_within_adjusted"] < alpha).to_numpy() & ~exclusion
    below = (rows["ratio"] < bounds.tolerance).to_numpy() | (rows["p_exclusion"] < alpha).to_numpy()
    below |= np.isin(was, [Verdict.EXCLUSION.value, Verdict.LEANING.value])
    unasked = was == Verdict.NOT_APPLICABLE.value
    order = [Verdict.NOT_APPLICABLE, Verdict.EXCLUSION, Verdict.WITHIN_TOLERANCE, Verdict.LEANING]
    verdict = np.select([unasked, exclusion, within, below], [one.value for one in order], Verdict.UNDETERMINED.value)
    kept = rows[[*_KEYS, "people", "ratio", "p_exclusion_adjusted", "p_within_adjusted"]].astype(dict.fromkeys(_KEYS, object))
    return kept.assign(look=look, alpha=alpha, verdict=verdict)


def drift_sentences(rows: pd.DataFrame, bounds: Bounds, language: str = "en", titles: Titles | None = None) -> list[str]:
    """Return what each row of `compare_studies` says."""
    return [_sentence(row, bounds, language, titles) for row in records(rows)]


def _sentence(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None) -> str:
    numbers = {str(name): value for name, value in row.items() if name != "group"}
    numbers |= {side: _verdict(row[side], language) for side in ("verdict_before", "verdict_after")}
    spoken = {"who": who(row, language, titles), "named": _named(str(row["metric"]), language), "confidence": bounds.confidence}
    form = row["standing"] if row["standing"] != "both" else (row["moved"].replace(" ", "_") or ("no_interval" if _known(row) else "no_change"))
    parts = [say(f"drift.{form}", language, **numbers, **spoken)]
    if row["standing"] == "both":
        parts.append(say(f"drift.verdict_{'changed' if row['changed'] else 'same'}", language, **numbers))
        parts += [say(f"drift.because_{code}", language) for code in row["reasons"]]
    return " ".join(parts)


def _named(metric: str, language: str) -> str:
    known = METRICS.get(metric)
    return metric if known is None else known.fr if language == "fr" else known.en


def _known(row: Mapping[str, Any]) -> bool:
    return bool(row["change"] == row["change"])


def _verdict(name: str, language: str) -> str:
    return say("drift.absent", language) if name == _ABSENT else say(f"verdict.{name}", language)


def sequence_sentences(rows: pd.DataFrame, looks: int, language: str = "en", titles: Titles | None = None) -> list[str]:
    """Return what a sequence says: at which look an exclusion is first shown, and how many looks are left."""
    taken = int(rows["look"].max()) if len(rows) else 0
    alpha = float(rows["alpha"].iloc[-1]) if len(rows) else float("nan")
    said = [say("drift.looks", language, taken=taken, looks=looks, alpha=alpha)]
    found = rows[(rows["look"] == rows["first_exclusion"])].sort_values(["look", *_KEYS])
    for row in records(found):
        named = _named(str(row["metric"]), language)
        said.append(say("drift.first_exclusion", language, who=who(row, language, titles), look=row["look"], ratio=row["ratio"], named=named))
    return said if len(found) else [*said, say("drift.no_exclusion", language)]
