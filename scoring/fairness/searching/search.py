"""The subgroup search: the fewest groups that say everything that is shown, largest shortfall first, with what is left out and why.

Every conjunction of the protected attributes to a depth is tested, however few people it has; those shown excluded are filtered by the two
rules of `filters`, and the filtered list keeps its rate of false findings: by Focused Benjamini-Hochberg, or by confirmation on the half of
the people that the search did not see (formulas, section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError, nearest
from scoring.fairness.counts import Counts
from scoring.fairness.intervals import ratio_interval
from scoring.fairness.metrics import Metric, known
from scoring.fairness.searching.cell_tables import Cells, cells_of
from scoring.fairness.searching.conjunctions import Floats, Ints, Lattice, Mask, known_sums, labels, lattice, sums
from scoring.fairness.searching.discovery import Found, Problem, against_rest, focused, held_out, problem
from scoring.fairness.searching.halves import halves
from scoring.fairness.searching.parts import parts_that_hollow, rule_of
from scoring.fairness.searching.shrinkage import shrink
from scoring.fairness.subgroups import BETWEEN
from scoring.vocabulary import Better, WeightMeaning

FOUND = [
    *("attribute", "group", "levels", "depth", "metric", "people", "hits", "trials", "value", "ref_hits", "ref_trials", "reference_value"),
    *("ratio", "ratio_low", "ratio_high", "shortfall", "p", "p_adjusted", "status", "why", "under", "hollow_because"),
    *("shrunken", "shrunken_low", "shrunken_high", "named"),
]
FINDING, LEAD, DROPPED = "finding", "lead", "dropped"
TOGETHER = " + "
"""Between groups whose gaps account for another only together."""


def search(
    counts: Counts,
    metric: Metric | str,
    *,
    bounds: Bounds,
    attributes: Sequence[str] | None = None,
    depth: int | None = None,
    method: str = "focused",
    rng: np.random.Generator | None = None,
) -> pd.DataFrame:
    """Search every conjunction of protected attributes for exclusion, and return those that say something of their own.

    Parameters
    ----------
    counts
        What the pass left.
    metric
        A metric or its name.
    bounds
        Tolerance, level (alpha is the rate of false findings) and depth.
    attributes, depth
        What is crossed, and how far; by default everything, to the depth of the bounds.
    method
        ``"focused"``: Focused Benjamini-Hochberg over the whole file. ``"held-out"``: searched in one half of the people of each cell (of the
        clusters, where there are any), confirmed in the other with Holm's adjustment over what was found; `p` and `p_adjusted` are then those
        of the second half.
    rng
        Draws the halves; a generator of seed 0 by default, so that a study gives the same list twice.

    Returns
    -------
    DataFrame
        The columns `FOUND`; a row per conjunction that is shown excluded before the filter: findings, leads, then what was dropped, each
        largest shortfall first. `status` is finding, lead or dropped; `why` is "hollow", "part of ..." or "not confirmed"; `under` names
        the larger group that accounts for a row (several joined by " + "), `hollow_because` the parts; `named` holds either as pairs
        (attribute, group). Nobody is left out for being few.

    Raises
    ------
    EquiscoreError
        No such method, metric or attribute; halves of clusters asked of a stored study.

    References
    ----------
    Katsevich, Sabatti & Bogomolov 2023, *JASA* 118:165 (Focused BH).
    """
    chosen = known(metric) if isinstance(metric, str) else metric
    if method not in _METHODS:
        near = nearest(method, _METHODS)
        raise EquiscoreError(f"No method {method!r}. Fix: " + (f"did you mean {near!r}?" if near else f"use one of {', '.join(_METHODS)}."))
    cells, asked = _asked(counts, chosen, bounds, attributes, depth)
    found = _METHODS[method](asked, bounds.alpha, lambda: halves(cells, counts, rng or np.random.default_rng(0)))
    return _listed(found, asked, cells, chosen, bounds)


def threshold(counts: Counts, metric: Metric, *, bounds: Bounds, attributes: Sequence[str] | None = None, depth: int | None = None) -> float:
    """Return the largest p-value that Focused Benjamini-Hochberg finds in the search of a metric; nan where it finds none."""
    _, asked = _asked(counts, metric, bounds, attributes, depth)
    found = focused(asked, bounds.alpha)
    return float(found.p[found.sure].max()) if found.sure.any() else float("nan")


def _asked(counts: Counts, metric: Metric, bounds: Bounds, attributes: Sequence[str] | None, depth: int | None) -> tuple[Cells, Problem]:
    cells = cells_of(counts, metric, attributes)
    held = lattice(cells.codes, depth or bounds.depth)
    binomial = counts.weighted is not WeightMeaning.WEIGHT and not counts.clustered
    rule = rule_of(bounds, less=metric.better is Better.LESS, exact=binomial)
    return cells, problem(held, cells.tally, rule=rule, effect=_effects(counts, metric, cells, held, bounds), blind=_blind(cells, held, metric))


Halves = Callable[[], tuple[Floats, Floats]]
_METHODS: Mapping[str, Callable[[Problem, float, Halves], Found]] = {
    "focused": lambda asked, q, _: focused(asked, q),
    "held-out": lambda asked, q, both: held_out(asked, q, *both()),
}


def _effects(counts: Counts, metric: Metric, cells: Cells, held: Lattice, bounds: Bounds) -> Floats | None:
    """Return the design effect of each conjunction's contrast, where rows belong together."""
    if not counts.clustered:
        return None
    sets = [tuple(cells.attributes[name] for name in by) for by in held.sets]
    listed = pd.concat([counts.design_effects(by, [metric], bounds.tolerance, rest=True) for by in sets], ignore_index=True)
    listed = listed[listed["metric"] == metric.name]
    attribute, group, _ = labels(held, cells.attributes, cells.levels, np.arange(held.size))
    effects = listed.set_index(["attribute", "group"])["effect_ratio"].reindex(pd.MultiIndex.from_arrays([attribute, group]))
    return effects.fillna(1.0).to_numpy(float)


def _blind(cells: Cells, held: Lattice, metric: Metric) -> Mask:
    """Tell where no refused person's outcome is known, in the group or in its rest."""
    if not metric.needs_refused:
        return np.zeros(held.size, bool)
    own = sums(held, cells.refused)
    rest = known_sums(held, cells.refused)[held.of_set] - own
    return np.logical_or.reduce([(side[:, 0] > 0) & (side[:, 1] <= 0) for side in (own, rest)])


def _listed(found: Found, asked: Problem, cells: Cells, metric: Metric, bounds: Bounds) -> pd.DataFrame:
    """Write the list out."""
    held, which = asked.held, found.which
    again = against_rest(asked, which)
    own = sums(held, cells.tally)[which]
    rest = known_sums(held, cells.tally)[held.of_set[which]] - own
    limits = (*again.reference, *again.group) if asked.rule.less else (*again.group, *again.reference)
    low, high = ratio_interval(*limits, confidence=bounds.confidence, method="gart-nam")
    with np.errstate(divide="ignore", invalid="ignore"):
        value, against = own[:, 0] / own[:, :2].sum(1), rest[:, 0] / rest[:, :2].sum(1)
        gain, floor = (against, value) if asked.rule.less else (value, against)
        ratio = gain / floor
    attribute, group, levels = labels(held, cells.attributes, cells.levels, which)
    drawn = shrink(held, cells.tally, which, confidence=bounds.confidence, effect=asked.effect)
    columns: dict[str, Any] = {
        "attribute": attribute, "group": group, "levels": levels, "depth": held.depth[which], "metric": metric.name,
        "people": sums(held, cells.everybody[:, None])[which, 0], "hits": own[:, 0], "trials": own[:, :2].sum(1), "value": value,
        "ref_hits": rest[:, 0], "ref_trials": rest[:, :2].sum(1), "reference_value": against,
        "ratio": ratio, "ratio_low": low, "ratio_high": high, "shortfall": own[:, :2].sum(1) * (floor - gain),
        "p": found.p, "p_adjusted": found.p_adjusted,
        **_standing(found, held, cells), "shrunken": drawn.value, "shrunken_low": drawn.low, "shrunken_high": drawn.high,
    }  # fmt: skip
    rows = pd.DataFrame(columns, columns=FOUND)
    rank = rows["status"].map({FINDING: 0, LEAD: 1, DROPPED: 2})
    order = rows.assign(rank=rank, short=-rows["shortfall"]).sort_values(["rank", "short", "attribute", "group"], kind="stable").index
    return rows.loc[order].reset_index(drop=True)


def _standing(found: Found, held: Lattice, cells: Cells) -> dict[str, Any]:
    """Return status, why, under, hollow_because of each row, and the groups that the last two name."""
    status = np.where(found.confirmed, FINDING, np.where(found.kept, LEAD, DROPPED))
    accounted, hollow = found.said.accounted, found.said.hollow
    holders, parts = _gathered(*_holders(found), held, cells, len(status)), _gathered(*_parts(found, held), held, cells, len(status))
    under = np.array([TOGETHER.join(": ".join(pair) for pair in one) for one in holders], object)
    because = np.array([BETWEEN.join(": ".join(pair) for pair in one) for one in parts], object)
    return {
        "status": status,
        "why": np.select([hollow, accounted, status == LEAD], ["hollow", "part of " + under, "not confirmed"], ""),
        "under": under, "hollow_because": because,
        "named": pd.Series([one or other for one, other in zip(holders, parts, strict=True)], dtype=object),
    }  # fmt: skip


def _holders(found: Found) -> tuple[Ints, Ints]:
    """Return the pairs (row, conjunction) of groups that account for another."""
    said, width = found.said, found.structure.parts.shape[1]
    one = said.accounted[:, None] & (np.arange(width)[None, :] == said.by[:, None])
    group, bits = np.nonzero(np.where(said.together[:, None], said.nearest, one))
    return group, found.which[found.structure.parts[group, bits]]


def _parts(found: Found, held: Lattice) -> tuple[Ints, Ints]:
    """Return the pairs (row, conjunction) of parts that hollow a group."""
    hollows = found.structure.hollows
    if hollows is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    asked = found.said.hollow
    both = [(group[here], part[here]) for mask, whom in ((found.sure, found.sure), (np.ones_like(found.sure), ~found.sure))
            for group, part in [parts_that_hollow(held, hollows, mask)] for here in [(asked & whom)[group]]]  # fmt: skip
    return np.concatenate([group for group, _ in both]), np.concatenate([part for _, part in both])


def _gathered(row: Ints, conjunction: Ints, held: Lattice, cells: Cells, size: int) -> list[tuple[tuple[str, str], ...]]:
    """Return for each row the attribute and group of every conjunction that goes with it."""
    attribute, group, _ = labels(held, cells.attributes, cells.levels, conjunction)
    pairs = pd.Series(list(zip(attribute, group, strict=True)), dtype=object).groupby(row).agg(tuple)
    return [pairs.get(i, ()) for i in range(size)]
