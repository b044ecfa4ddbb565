"""The histogram cut elsewhere: what each group would get at another cut-off, without a second look at the customers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import StudyError
from scoring.fairness.bins import NO_SCORE
from scoring.fairness.clusters import EFFECTS
from scoring.fairness.counts import MEASURES, Counts, Margin, margin
from scoring.fairness.metrics import METRICS
from scoring.fairness.one_pass import GROUP
from scoring.vocabulary import WeightMeaning

_STATES = np.array([["fn", "tn", "ru"], ["tp", "fp", "au"]], object)


class _ByAttribute(Counts):
    """Counts that are known for one attribute at a time."""

    __slots__ = ()

    def margin(self, by: Sequence[str]) -> Margin:
        key = tuple(by)
        if key not in self._margins:
            raise StudyError("The histogram is kept per attribute. Fix: ask the what-if for one attribute at a time.")
        return self._margins[key]


def at_edge(counts: Counts, histogram: pd.DataFrame, place: int, *, outcomes: bool) -> Counts:
    """Decide everybody anew: at or above `edges[place]` is favourable; who has no score keeps the decision they have."""
    scored = histogram["bin"].to_numpy() != NO_SCORE
    decision = np.where(scored, histogram["bin"].to_numpy() > place, histogram["decision"].to_numpy() == 1).astype(int)
    outcome = np.array([1, 0, 2])[histogram["outcome"].to_numpy()] if outcomes else np.full(len(histogram), 2)
    cells = histogram[["attribute", "group", *MEASURES]].assign(state=_STATES[decision, outcome], reject="")
    margins: dict[tuple[str, ...], Margin] = {
        (name,): _margin(cells[cells["attribute"] == name], name, counts.weighted) for name in counts.attributes
    }
    return _ByAttribute(
        _who_is_where(counts, outcomes=outcomes),
        counts.histogram,
        counts.edges,
        counts.exact,
        counts.weighted,
        effects=_kept_effects(counts),
        _margins=margins,
    )


def _who_is_where(counts: Counts, *, outcomes: bool) -> pd.DataFrame:
    """Return the cells of the study without strata and segments: they say who is studied and who is rejected, the margins who is favoured."""
    kept = counts.cells[[*(GROUP + name for name in counts.attributes), "state", "reject", *MEASURES]]
    return kept if outcomes else kept.assign(state=kept["state"].replace({"tp": "au", "fp": "au", "fn": "ru", "tn": "ru"}))


def _kept_effects(counts: Counts) -> pd.DataFrame | None:
    """Carry the design effects of the study over to another cut-off, none below 1: the histogram does not know who belongs together."""
    if not counts.clustered:
        return None
    every = [METRICS[name] for name in ("selection_rate", "true_positive_rate")]
    found = pd.concat([counts.design_effects((name,), every, 0.8, rest=True) for name in counts.attributes])
    return found.assign(**{name: found[name].clip(lower=1.0) for name in EFFECTS[:-1]})


def _margin(cells: pd.DataFrame, name: str, weighted: WeightMeaning | None) -> Margin:
    return margin(cells.rename(columns={"group": GROUP + name}), (name,), weighted)


def coarsened(histogram: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Merge adjacent bins of each group until each holds `threshold` people, whatever was decided and came of it.

    A merged bin stands at its lowest one, so a group steps at fewer cut-offs than the score has.
    """
    kept = histogram.groupby(["attribute", "group", "bin", "decision"], as_index=False, sort=True)[MEASURES].sum()
    scored, others = kept[kept["bin"] != NO_SCORE], kept[kept["bin"] == NO_SCORE]
    by_bin = scored.groupby(["attribute", "group", "bin"], as_index=False)["n"].sum()
    by_bin["merged"] = by_bin.groupby(["attribute", "group"])["n"].transform(lambda n: runs(n.to_numpy(), threshold))
    first = by_bin.groupby(["attribute", "group", "merged"])["bin"].transform("min")
    placed = scored.merge(by_bin.assign(first=first)[["attribute", "group", "bin", "first"]], on=["attribute", "group", "bin"])
    merged = placed.groupby(["attribute", "group", "first"], as_index=False)[MEASURES].sum().rename(columns={"first": "bin"}).assign(decision=-1)
    return pd.concat([merged, others], ignore_index=True).assign(outcome=-1)


def runs(n: NDArray[np.int64], threshold: int) -> NDArray[np.int64]:
    """Return the number of each bin's run: bins that hold at least `threshold` together; what is left over joins the last run."""
    numbers, run, held = np.zeros(len(n), np.int64), 0, 0
    for i, people in enumerate(n):
        numbers[i] = run
        held += people
        if held >= threshold:
            run, held = run + 1, 0
    return np.minimum(numbers, max(run - 1, 0))


def apart(reached: pd.DataFrame, threshold: int) -> list[float]:
    """Return the cut-offs, from the highest, between which every group gains at least `threshold` people.

    Parameters
    ----------
    reached
        People at or above each cut-off (rows, from the highest) of each group (columns).
    """
    kept, last = [], np.zeros(reached.shape[1])
    for cutoff, people in zip(reached.index, reached.to_numpy(float), strict=True):
        if (people - last >= threshold).all():
            kept.append(float(cutoff))
            last = people
    return kept
