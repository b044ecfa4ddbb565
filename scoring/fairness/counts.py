"""Counts: what is left of the customer file after the one pass. Everything after is arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import ContractError, StudyError
from scoring.fairness import bins, one_pass
from scoring.fairness.clusters import Clusters, effects_of_set, gathered
from scoring.fairness.labels import STUDIED, labelled
from scoring.fairness.metrics import STATES, Metric
from scoring.fairness.one_pass import GROUP, STRATUM
from scoring.plan import Plan
from scoring.tables import Table
from scoring.vocabulary import CROSS, UNKNOWN, Role, WeightMeaning, combined

MEASURES = ["n", "weight", "weight_squared"]
_SCORE_SUMS = ["score_sum", "score_squared_sum"]
_PLACE = ["attribute", "group", "decision", "outcome", "bin"]


@dataclass(frozen=True, slots=True)
class Margin:
    """Counts of the groups of one attribute, or of the combinations of several: arrays (groups, 6 states).

    `keys` holds a tuple of levels a group. Who is unknown in any of the attributes is in the one group of unknowns.
    """

    by: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    people: NDArray[np.float64]
    weight: NDArray[np.float64]
    weight_squared: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which groups have a known membership."""
        return np.array([UNKNOWN not in key for key in self.keys], bool)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts by combination (cells) and by score bin (histogram); every row of the file is in exactly one cell.

    `cells`: a row per combination of groups, strata, period, segment, state and reject reason, with n, weight and
    weight_squared. `histogram`: a row per attribute, group, decision, outcome (1, 0, -1 for none) and score bin, with the
    same and the sums of the score at the bin's lower end. Bin i lies at or above `edges[i - 1]`; -1 is no score.
    """

    cells: pd.DataFrame
    histogram: pd.DataFrame
    edges: NDArray[np.float64]
    exact: bool
    """Whether the bins are the very values of the score."""
    weighted: WeightMeaning | None = None
    clusters: Clusters | None = field(default=None, repr=False, compare=False)
    """Which rows belong together; in memory only."""
    effects: pd.DataFrame | None = field(default=None, repr=False, compare=False)
    """Design effects that were kept with a study whose rows belong together."""
    soft: pd.DataFrame | None = field(default=None, repr=False)
    """Sums of probabilities of membership by proxy cell and state (`membership`); none where no attribute is known by probability."""
    amounts: pd.DataFrame | None = field(default=None, repr=False)
    """Sums and histograms of the numbers that are decided (`amounts`); none where none is declared."""
    _margins: dict[tuple[str, ...], Margin] = field(default_factory=dict, repr=False, compare=False)

    @property
    def attributes(self) -> list[str]:
        """Names of the protected attributes."""
        return [name.removeprefix(GROUP) for name in self.cells.columns if name.startswith(GROUP)]

    @property
    def total(self) -> int:
        """Everybody in the file."""
        return int(self.cells["n"].sum())

    @property
    def studied(self) -> pd.DataFrame:
        """The cells of those who are not rejected."""
        return self.cells[self.cells["reject"] == STUDIED]

    @property
    def rejected(self) -> pd.DataFrame:
        """The cells of those whose row breaks the contract."""
        return self.cells[self.cells["reject"] != STUDIED]

    @property
    def clustered(self) -> bool:
        """Whether rows belong together."""
        return self.clusters is not None or self.effects is not None

    @property
    def observed(self) -> bool:
        """Whether any outcome was observed."""
        return bool(self.studied["state"].isin(STATES[:4]).any())

    def margin(self, by: Sequence[str]) -> Margin:
        """Sum the studied cells over everything but `by`."""
        key = tuple(by)
        if key not in self._margins:
            self._margins[key] = margin(self.studied, key, self.weighted)
        return self._margins[key]

    def design_effects(self, by: Sequence[str], metrics: Sequence[Metric], tolerance: float, *, rest: bool) -> pd.DataFrame:
        """Return how much wider clusters make the intervals of each group; from memory, or as the study kept them."""
        if self.clusters is not None:
            held = self.margin(by)
            return effects_of_set(self.clusters, places(self.studied, held), held, metrics, rest=rest, tolerance=tolerance)
        if self.effects is None or not rest:
            raise StudyError("With clusters, a stored study is compared with the rest only. Fix: use reference='rest', or make the study again.")
        kept = self.effects[self.effects["attribute"] == CROSS.join(by)]
        before = {CROSS.join(key): combined(key) for key in self.margin(by).keys}  # studies of before wrote levels as they are
        return kept.assign(group=kept["group"].replace(before)) if any(old != new for old, new in before.items()) else kept


def count(table: Table, plan: Plan, *, cutoff: float | None = None) -> Counts:
    """Count the customers in one pass (and a look at the range of score and weight, where there are any).

    Parameters
    ----------
    table
        The customer file under names of our own.
    plan
        What is studied.
    cutoff
        Of a decision by score: at or above it, in the score's better direction, is favourable.

    Raises
    ------
    ContractError or FaultyInput
        What the content of the file breaks, all at once; or more rejected rows than declared.
    """
    cutoff = plan.applied_cutoff if cutoff is None else cutoff  # of decisions that were taken: an edge of the bins, and no more
    raw = one_pass.run(table, plan, cutoff)
    fine = labelled(raw, plan, cutoff, table.described)
    weighted = plan.weight_meaning if plan.only(Role.WEIGHT) else None
    if weighted is None:
        fine["weight"] = fine["weight_squared"] = fine["n"].astype(float)
    elif weighted is WeightMeaning.COUNT:  # a row stands for so many people: they are who is counted
        fine["n"] = fine["weight_squared"] = fine["weight"]
        raw = replace(raw, scales=dict.fromkeys(MEASURES, raw.scales["weight"]))
    fine["state"] = _states(fine)
    ways = [str(name) for name in fine if str(name).startswith((GROUP, STRATUM)) or name in {"period", "segment", "stage"}]
    cells = _unscaled(_added(fine, [*ways, "state", "reject"], MEASURES), raw)
    _refuse_many_rejects(cells, plan, table.described)
    studied = fine[fine["reject"] == STUDIED]
    edges, exact = _edges(studied, plan, cutoff, kept=raw.exact)
    together = None
    if (cluster := plan.only(Role.CLUSTER)) is not None:
        together = _gathered(table, plan, cutoff, cells[cells["reject"] == STUDIED], cluster)
    return Counts(cells, _unscaled(_histogram(studied, plan, edges), raw), edges, exact, weighted, together)


def studied_rows(
    table: Table, plan: Plan, cutoff: float | None, also: Mapping[str, nw.Expr], sums: Mapping[str, nw.Expr] | None = None
) -> pd.DataFrame:
    """Group once more, by further keys too, and label: the studied rows alone, with `state`, the keys, the sums and `q`, what each weighs.

    Parameters
    ----------
    also
        Further keys by name, over the columns of the table.
    sums
        Whole numbers to add up, by name: sums of integers are the same on every engine.
    """
    raw = one_pass.run(table, plan, cutoff, also=also, sums=sums)
    fine = labelled(raw, plan, cutoff, table.described)
    fine["state"] = _states(fine)
    fine = fine.assign(**{name: raw.rows[name] for name in (*also, *(sums or {}))})
    fine["q"] = fine["weight"] / raw.scales["weight"] if "weight" in fine else fine["n"].astype(float)
    return fine[fine["reject"] == STUDIED].reset_index(drop=True)


def _gathered(table: Table, plan: Plan, cutoff: float | None, cells: pd.DataFrame, cluster: str) -> Clusters:
    """Find the cell of each row and its cluster; a row without a cluster is a cluster of its own."""
    fine = studied_rows(table, plan, cutoff, {"cluster": table.col(cluster)})
    ways = [name for name in cells if name not in MEASURES]
    placed = fine.merge(cells[ways].assign(place=np.arange(len(cells))), on=ways)
    codes, _ = pd.factorize(placed["cluster"])
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return gathered(codes.astype(np.int64), placed["place"].to_numpy(np.int64), placed["q"].to_numpy(float), len(cells))


def places(cells: pd.DataFrame, held: Margin) -> NDArray[np.int64]:
    """Return for each cell its group in a margin, times six, plus its state."""
    numbers = {key: i for i, key in enumerate(held.keys)}
    unknown = (UNKNOWN,) * len(held.by)
    rows = zip(*(cells[GROUP + name] for name in held.by), strict=True)
    group = np.array([numbers[unknown if UNKNOWN in row else row] for row in rows], np.int64)
    return group * len(STATES) + cells["state"].map({name: i for i, name in enumerate(STATES)}).to_numpy(np.int64)


def _unscaled(frame: pd.DataFrame, raw: one_pass.Pass) -> pd.DataFrame:
    """Turn the whole numbers that were summed back into people and weights.

    A sum of squares is never under the square of the sum by the people: beside a huge weight the squares of the others were rounded away.
    """
    if not raw.scales:  # nothing was weighed
        return frame
    scale = raw.scales.get("n", 1.0)
    people, weight, squared = (frame[name] / raw.scales.get(name, 1.0) for name in MEASURES)
    least = weight**2 / people.where(people > 0, 1.0)
    if (people == np.floor(people)).all():
        people = people.astype(np.int64)
    return frame.assign(
        n=people, weight=weight, weight_squared=squared.clip(lower=least), **{name: frame[name] / scale for name in _SCORE_SUMS if name in frame}
    )


def _states(fine: pd.DataFrame) -> NDArray[np.object_]:
    """Return the state of each combination; who has no decision has none."""
    by_decision = np.array([["fn", "tn", "ru"], ["tp", "fp", "au"], ["", "", ""]], object)
    states: NDArray[np.object_] = by_decision[fine["decision"].to_numpy(), np.array([1, 0, 2])[fine["outcome"].to_numpy()]]
    return states


def _refuse_many_rejects(cells: pd.DataFrame, plan: Plan, described: str) -> None:
    rejected, total = cells[cells["reject"] != STUDIED], int(cells["n"].sum())
    share = rejected["n"].sum() / total
    if share > plan.bounds.max_rejected_share:
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in rejected.groupby("reject")["n"].sum().sort_values(ascending=False).items())
        raise ContractError(
            f"{described}: {int(rejected['n'].sum()):,} of {total:,} rows ({share:.1%}) break the contract, more than the declared "
            f"{plan.bounds.max_rejected_share:.1%}: {reasons}. Fix: mend the file, or raise study.bounds.max_rejected_share and say why."
        )


def _edges(fine: pd.DataFrame, plan: Plan, cutoff: float | None, *, kept: bool) -> tuple[NDArray[np.float64], bool]:
    scored = fine[fine["score"].notna()]
    if scored.empty:
        return np.empty(0), True
    held = scored.groupby("score")["n"].sum()
    held = held[held > 0]
    values = held.index.to_numpy(float)
    if plan.score is not None and plan.score.edges is not None:
        edges = bins.declared_edges(plan.score, cutoff)
    else:
        edges = bins.edges(values, held.to_numpy(), plan.bounds.score_bins, cutoff, exact=kept)
    return edges, kept and bool(np.isin(values, edges).all())


def _histogram(fine: pd.DataFrame, plan: Plan, edges: NDArray[np.float64]) -> pd.DataFrame:
    """Add up by attribute, group, decision, outcome and bin: one long table for all attributes."""
    if plan.score is None:
        return pd.DataFrame({name: np.empty(0, np.int64 if name == "n" else float) for name in [*_PLACE, *MEASURES, *_SCORE_SUMS]})
    parts = []
    for name in plan.groups:
        # whole numbers first, products with the score after, in a fixed order: the same bytes from any engine
        by_score = _by_score(fine, name)
        value = by_score["score"].fillna(0.0)
        binned = by_score.assign(
            attribute=name,
            bin=bins.bin_of(by_score["score"].to_numpy(float), edges),
            score_sum=value * by_score["n"],
            score_squared_sum=value**2 * by_score["n"],
        )
        parts.append(_added(binned.sort_values(["group", "decision", "outcome", "score"]), _PLACE, [*MEASURES, *_SCORE_SUMS]))
    return pd.concat(parts, ignore_index=True)


def _by_score(fine: pd.DataFrame, name: str) -> pd.DataFrame:
    """Add whole numbers up by group, decision, outcome and score of one attribute: each combination is a place in one array."""
    groups = fine[GROUP + name].cat
    scores, values = pd.factorize(fine["score"], use_na_sentinel=False)
    sides = (fine["decision"].to_numpy() + 1) * 3 + fine["outcome"].to_numpy() + 1
    place = (groups.codes.to_numpy(np.int64) * 9 + sides) * len(values) + scores
    rows = pd.DataFrame({measure: fine[measure].to_numpy() for measure in MEASURES})
    people = np.bincount(place, fine["n"].to_numpy(float))
    held = np.flatnonzero(np.bincount(place))
    if (rows["weight"] == rows["n"]).all() and (rows["weight_squared"] == rows["n"]).all():
        added = pd.DataFrame({measure: people[held].astype(rows[measure].to_numpy().dtype) for measure in MEASURES})
    else:
        added = rows.groupby(place, sort=True).sum().reset_index(drop=True)
    group, rest = np.divmod(held, 9 * len(values))
    side, score = np.divmod(rest, len(values))
    where = {
        "group": np.asarray(groups.categories, object)[group],
        "decision": side // 3 - 1,
        "outcome": side % 3 - 1,
        "score": np.asarray(values)[score],
    }
    return added.assign(**where)


def _added(rows: pd.DataFrame, keys: list[str], measures: list[str]) -> pd.DataFrame:
    """Add rows up by keys; levels are plain text again, in the order of the alphabet, whatever order their categories have."""
    found = [_ranked(rows[name]) for name in keys]
    order = np.lexsort([codes for codes, _ in reversed(found)])
    ordered = [codes[order] for codes, _ in found]
    new = np.any([codes[1:] != codes[:-1] for codes in ordered], axis=0) if len(order) else np.empty(0, bool)
    starts = np.concatenate([[0], np.flatnonzero(new) + 1])[: len(order)]
    columns = {name: values[codes[starts]] for name, (_, values), codes in zip(keys, found, ordered, strict=True)}
    sums = {name: np.add.reduceat(rows[name].to_numpy()[order], starts) if len(order) else rows[name].to_numpy() for name in measures}
    return pd.DataFrame(columns | sums)


def _ranked(values: pd.Series[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return the rank of each value among the different ones, and these in their order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        names, codes = np.asarray(values.cat.categories, object), values.cat.codes.to_numpy(np.intp)
    else:
        codes, names = pd.factorize(values.to_numpy())
    order = np.argsort(names)
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    return rank[codes], names[order]


def margin(cells: pd.DataFrame, by: tuple[str, ...], weighted: WeightMeaning | None) -> Margin:
    """Sum cells by the levels of `by`: groups in a stable order, unknowns last."""
    keys: dict[tuple[str, ...], int] = {}
    columns = [cells[GROUP + name].to_numpy(object) for name in by]
    levels = [(UNKNOWN,) * len(by) if UNKNOWN in row else row for row in zip(*columns, strict=True)]
    place = np.array([keys.setdefault(row, len(keys)) for row in levels], np.int64)
    order = sorted(keys, key=lambda row: (UNKNOWN in row, *map(rank_of, row)))
    moved = np.empty(len(order), np.int64)
    moved[[keys[row] for row in order]] = np.arange(len(order))
    flat = moved[place] * len(STATES) + cells["state"].map({name: i for i, name in enumerate(STATES)}).to_numpy(np.int64)

    def summed(column: str) -> NDArray[np.float64]:
        added = np.bincount(flat, cells[column].to_numpy(float), minlength=len(order) * len(STATES))
        return added.astype(float).reshape(-1, len(STATES))

    people = summed("n")
    weight = people if weighted is None else summed("weight")
    squared = weight if weighted is not WeightMeaning.WEIGHT else summed("weight_squared")
    return Margin(by, tuple(order), people, weight, squared)


def rank_of(level: str) -> tuple[float, str]:
    """Sort "<25" before "25-65" before "66+", and names by the alphabet."""
    digits = level.lstrip("<").split("-")[0].split(" ")[0].rstrip("+")
    number = digits.replace(".", "", 1).isdecimal()
    return (float(digits) - 0.5 * level.startswith("<") if number else math.inf), level


def everybody(counts: Counts) -> pd.DataFrame:
    """Return where everybody is: a row per attribute, group and standing (studied, or the reason of the rejection)."""
    parts: list[Any] = []
    for name in counts.attributes:
        by = counts.cells.groupby([GROUP + name, "reject"], as_index=False)["n"].sum()
        parts.append(by.set_axis(["group", "reason", "people"], axis=1).assign(attribute=name))
    listed = pd.concat(parts, ignore_index=True)
    listed["standing"] = np.where(listed["reason"] == STUDIED, "studied", "rejected")
    return listed.loc[:, ["attribute", "group", "standing", "reason", "people"]]
