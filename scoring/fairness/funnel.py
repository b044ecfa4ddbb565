"""Where a group is lost on the way to the decision: each stage is a decision about those who passed all the stages before.

The ratios of the stages multiply to the ratio of the whole funnel, so their logarithms add up to its logarithm: they say
which stage makes how much of the gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.bounds import Bounds
from scoring.errors import StudyError
from scoring.fairness.clusters import EFFECTS
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import IS_REFERENCE, Reference, compare
from scoring.fairness.metrics import METRICS
from scoring.fairness.narrative import Titles, who, whom
from scoring.fairness.verdicts import because_in, judge, records
from scoring.plan import Stage
from scoring.texts import pick, say
from scoring.vocabulary import REST, Verdict, WeightMeaning

DECISION: Final = "(decision)"
"""The name of the last stage: the decision about those who passed all the stages before it."""
FUNNEL: Final = [
    *("attribute", "group", "stage", "position", "people", "reference", "hits", "trials", "value", "low", "high"),
    *("ref_hits", "ref_trials", "reference_value", "ratio", "ratio_low", "ratio_high", "log_ratio", "log_share"),
    *("total_ratio", "total_low", "total_high", "makes_the_gap", "p_exclusion", "p_within"),
    *("p_exclusion_adjusted", "p_within_adjusted", "refusal_ratio", "ratio_to_best", "verdict", "needed", "zero", "family", "clusters"),
    *("bypassed", "reasons", "because"),
]
_RATE: Final = METRICS["true_positive_rate"]
"""A pass rate has the form of a true positive rate: passed (tp) of passed and lost here (fn); who was lost before (fp) is no part of it."""
_FAVOURED: Final = ("tp", "fp", "au")


def funnel_rows(
    counts: Counts,
    stages: Sequence[Stage],
    *,
    reference: Reference = REST,
    bounds: Bounds,
    declared: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Return a row per attribute, group and stage: who passed of those who had passed all before, beside the reference.

    Parameters
    ----------
    counts
        Counts whose cells have a column `stage`: how many stages in a row were passed.
    stages
        The stages in their order; the decision itself is the last one (`DECISION`).
    reference
        As in `disparity.compare`. ``best`` is the best-off group of the whole funnel, the same at every stage, so that the ratios multiply.
    bounds
        Tolerance, confidence, smallest groups.
    declared
        Levels by attribute; one that nobody in the file holds never reaches the score, and has rows of its own with no people.

    Returns
    -------
    DataFrame
        The columns `FUNNEL`, then whatever else `judge` works out. `people` is everybody of the group, `trials` those who are left at the
        stage. `log_ratio` adds up over the stages to the logarithm of `total_ratio`; `log_share` is its part of it. `makes_the_gap` marks the
        stage with the lowest ratio of a group whose total is below 1. `bypassed` counts those favoured though they failed a stage: no stage saw
        them through. Each stage is a family of its own (Holm). Empty where there is no funnel.

    Raises
    ------
    StudyError
        A stored study with clusters that kept no design effects of its stages (`stage_effects`).
    """
    if not stages or "stage" not in counts.cells:
        return pd.DataFrame(columns=FUNNEL)
    total = _compared(counts, len(stages) + 1, stages, reference, bounds, declared=declared)
    fixed: Reference = _best_levels(total) if reference == "best" else reference
    binomial = counts.weighted is not WeightMeaning.WEIGHT and not counts.clustered
    parts = []
    for position in range(len(stages) + 1):
        rows = _compared(counts, position, stages, fixed, bounds, declared=declared)
        rows = rows.assign(reference_is_best=reference == "best", everybody=rows["people"], people=_left(counts, position, rows))
        judged = judge(rows, bounds, binomial=binomial)
        parts.append(judged.assign(stage=_key(position, stages).removeprefix(_PREFIX), position=position, people=judged["everybody"]))
    return _with_totals(pd.concat(parts, ignore_index=True), total, _bypassed(counts, len(stages)), bounds)


_PREFIX: Final = "stage."


def _key(position: int, stages: Sequence[Stage]) -> str:
    """Return the name under which the design effects of a stage are kept; after the decision comes the whole."""
    return _PREFIX + [*(stage.name for stage in stages), DECISION, "(all)"][position]


def _left_and_passing(counts: Counts, position: int, last: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which cells are left at a stage, and which of them pass it; after the decision, everybody and who got through it all."""
    passed = counts.cells["stage"].to_numpy(np.int64)
    favoured = counts.cells["state"].isin(_FAVOURED).to_numpy(bool)
    if position > last:
        return np.ones(len(passed), bool), (passed >= last) & favoured
    return passed >= position, favoured if position == last else passed > position


def _compared(
    counts: Counts,
    position: int,
    stages: Sequence[Stage],
    reference: Reference,
    bounds: Bounds,
    *,
    declared: Mapping[str, Sequence[str]] | None,
) -> pd.DataFrame:
    """Compare the groups as if passing were the outcome: rows that `judge` accepts. One position after the decision is the whole."""
    left, passing = _left_and_passing(counts, position, len(stages))
    key = _key(position, stages)
    state = np.select([~left, passing], ["fp", "tp"], "fn")
    read = replace(counts, cells=counts.cells.assign(state=state), effects=_kept_effects(counts, key), _margins={})
    return compare(read, [(name,) for name in counts.attributes], [_RATE], reference=reference, bounds=bounds, declared=declared)


def _kept_effects(counts: Counts, key: str) -> pd.DataFrame | None:
    """Return the design effects that a stored study kept of a stage."""
    if counts.clusters is not None or counts.effects is None:
        return None
    held = counts.effects[counts.effects["metric"] == key]
    if held.empty:
        raise StudyError(f"The study keeps no design effects of {key.removeprefix(_PREFIX)!r}. Fix: make the study again from its declaration.")
    return held.assign(metric=_RATE.name)


def stage_effects(counts: Counts, stages: Sequence[Stage], tolerance: float) -> pd.DataFrame:
    """Return the design effects of clusters at each stage, for a study to keep: `funnel_rows` finds them in `Counts.effects`.

    Returns
    -------
    DataFrame
        As `Counts.design_effects`, `metric` being ``stage.<name>``; empty without clusters in memory.
    """
    if counts.clusters is None or not stages:
        return pd.DataFrame(columns=["attribute", "group", "metric", *EFFECTS])
    parts = []
    for position in range(len(stages) + 2):
        left, passing = _left_and_passing(counts, position, len(stages))
        state = np.select([~left, passing], ["fp", "tp"], "fn")
        read = replace(counts, cells=counts.cells.assign(state=state), _margins={})
        found = [read.design_effects((name,), [_RATE], tolerance, rest=True) for name in counts.attributes]
        parts.append(pd.concat(found).assign(metric=_key(position, stages)))
    return pd.concat(parts, ignore_index=True)


def _best_levels(total: pd.DataFrame) -> dict[str, str]:
    """Return the level with the best total of each attribute: the others say which it is."""
    itself = total[total["reference"] == IS_REFERENCE]
    return dict(zip(itself["attribute"].astype(str), itself["group"].astype(str), strict=True))


def _left(counts: Counts, position: int, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return how many people of each group are left at a stage; everybody where nobody is, so that the reason is not their absence."""
    people = _people(counts, counts.studied["stage"].to_numpy() >= position)
    left = np.array([people.get(key, 0.0) for key in zip(rows["attribute"], rows["group"], strict=True)])
    return np.where(left > 0, left, rows["people"].to_numpy(float))


def _bypassed(counts: Counts, last: int) -> dict[tuple[str, str], float]:
    studied = counts.studied
    return _people(counts, (studied["state"].isin(_FAVOURED) & (studied["stage"] < last)).to_numpy(bool))


def _people(counts: Counts, chosen: NDArray[np.bool_]) -> dict[tuple[str, str], float]:
    """Return the people of some cells by attribute and group."""
    cells = counts.studied[chosen]
    by = ((name, cells.groupby(f"group.{name}")["n"].sum()) for name in counts.attributes)
    return {(name, str(group)): float(n) for name, people in by for group, n in people.items()}


def _with_totals(rows: pd.DataFrame, total: pd.DataFrame, bypassed: Mapping[tuple[str, str], float], bounds: Bounds) -> pd.DataFrame:
    """Add the whole funnel to each stage, and the part that the stage has in it."""
    keys = ["attribute", "group"]
    whole = total.set_index(keys)[["ratio", "ratio_low", "ratio_high"]].set_axis(["total_ratio", "total_low", "total_high"], axis=1)
    joined = rows.join(whole, on=keys)
    with np.errstate(divide="ignore", invalid="ignore"):
        joined["log_ratio"], logs = np.log(joined["ratio"].to_numpy(float)), np.log(joined["total_ratio"].to_numpy(float))
        share = joined["log_ratio"].to_numpy() / logs
    # where all of one side are lost at a stage, they are lost there, whatever came before
    share = np.where(np.isinf(logs), np.where(np.isnan(joined["log_ratio"]), np.nan, np.isinf(joined["log_ratio"])), share)
    joined["log_share"] = np.where(logs == 0, np.nan, share)
    lowest = joined.groupby(keys)["log_ratio"].transform("min")
    joined["makes_the_gap"] = (joined["log_ratio"] == lowest) & (joined["log_ratio"] < 0) & (joined["total_ratio"] < 1)
    pairs = zip(joined["attribute"], joined["group"], strict=True)
    joined["bypassed"] = [bypassed.get(pair, 0.0) for pair in pairs]
    joined["because"] = [because_in("funnel", row, bounds, "en") for row in records(joined)]
    order = joined.groupby(keys, sort=False).ngroup().to_numpy()
    others = [str(name) for name in joined if name not in {*FUNNEL, "everybody", "metric", "reference_is_best"}]
    return joined.iloc[np.lexsort((joined["position"], order))][[*FUNNEL, *others]].reset_index(drop=True)


def funnel_sentences(rows: pd.DataFrame, stages: Sequence[Stage], bounds: Bounds, language: str = "en", titles: Titles | None = None) -> list[str]:
    """Return what the funnel says of each group: how it ends, which stage makes the gap, and what each stage shows.

    Parameters
    ----------
    rows
        Rows of `funnel_rows`.
    stages
        The declared stages, for their titles.
    language
        ``en`` or ``fr``.
    titles
        Names of attributes by language.
    """
    named = {stage.name: pick(stage.title, language) or stage.name for stage in stages} | {DECISION: say("funnel.decision", language)}
    groups = (records(part) for _, part in rows.groupby(["attribute", "group"], sort=False))
    return [line for part in groups for line in _lines(part, named, bounds, language, titles)]


def _lines(part: list[dict[str, Any]], named: Mapping[str, str], bounds: Bounds, language: str, titles: Titles | None) -> Iterator[str]:
    """Go through the sentences of one group."""
    first, last = part[0], part[-1]
    spoken = {"who": who(first, language, titles), "whom": whom(first, language), "whom_of": whom(first, language, of="_of")}
    if not first["people"]:
        yield say("funnel.absent", language, **spoken)
        return
    if last["total_ratio"] == last["total_ratio"]:
        shared = {name: last[name] for name in ("total_ratio", "total_low", "total_high")} | {"ended": _ended(part), "people": first["people"]}
        yield say(f"funnel.total{'_nobody' if not shared['ended'] else ''}", language, **spoken, **shared, confidence=bounds.confidence)
    for row in part:
        stage = named.get(row["stage"], row["stage"])
        if row["makes_the_gap"]:
            share = "_mostly" if 0 < row["log_share"] < 1 else ""
            yield say(f"funnel.gap{share}", language, stage=stage, **{name: row[name] for name in ("ratio", "log_share")})
        yield _stage_line(row, stage, spoken, bounds, language)
    if last["bypassed"]:
        yield say("funnel.bypassed", language, **spoken, bypassed=last["bypassed"])


def _ended(part: list[dict[str, Any]]) -> float:
    """Return how many of a group got through; who are lost whole at a stage are not left at the next."""
    return float(min(row["hits"] for row in part))


def _stage_line(row: Mapping[str, Any], stage: str, spoken: Mapping[str, str], bounds: Bounds, language: str) -> str:
    numbers = {name: row[name] for name in ("hits", "trials", "value", "reference_value", "ratio", "ratio_low", "ratio_high")}
    asked = row["verdict"] != Verdict.NOT_APPLICABLE
    verdict = say(f"verdict.{row['verdict']}", language)
    said = say(f"funnel.{'stage' if asked else 'stage_not_asked'}", language, **spoken, **numbers, stage=stage, verdict=verdict)
    return " ".join(filter(None, (said, because_in("funnel", row, bounds, language))))
