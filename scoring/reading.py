"""Reading a study: every table, of the working counts or as published, comes through here.

`Tables` asks the arithmetic of `fairness/` and selects columns; it adds none of its own. With a threshold, everything passes
`published` first: that is what dashboard, dossier and exports are handed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scoring.errors import StudyError
from scoring.fairness import segments as segmentation
from scoring.fairness.by_score.score_metrics import score_rows
from scoring.fairness.composites import composite_rows
from scoring.fairness.counts import Counts, everybody
from scoring.fairness.disparity import DISPARITIES, RATES, Reference, combinations_of, compare, rates_of
from scoring.fairness.funnel import stage_effects
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.joining import without_few_seen
from scoring.fairness.labels import levels_of
from scoring.fairness.metrics import COMPOSITES, METRICS, Metric, chosen, known
from scoring.fairness.narrative import findings
from scoring.fairness.published import Merges, level_merges, published
from scoring.fairness.representation import representation_effects
from scoring.fairness.searching.search import threshold
from scoring.fairness.subgroups import placed
from scoring.fairness.unobserved import BOUNDS, depends_on_unknowns, unknown_bounds
from scoring.fairness.verdicts import VERDICTS, because, first_things_first, judge, records
from scoring.fairness.whatif import at_edge, coarsened, runs
from scoring.fairness.withholding import blunted, few_seen_without_score, joined_reasons
from scoring.plan import Plan
from scoring.vocabulary import CROSS, REST, UNKNOWN, WeightMeaning, combined

PERFORMANCE = ["attribute", "group", "good", "bad", "auc", "low", "high"]
CALIBRATION = ["part", "from_score", "people", "good", "share", "low", "high"]
By = str | Sequence[str] | None


@dataclass(frozen=True)
class Tables:
    """The tables of a study. `threshold` None: working tables, personal data where groups are small."""

    plan: Plan
    counts: Counts
    threshold: int | None = None
    cutoff: float | None = None
    """The cut-off that these counts were decided at, in the score's better direction; none where a column decides."""
    merges: Merges | None = field(default=None, kw_only=True, repr=False)
    """Levels that other tables of the same people join; by default those that the crossings of these counts ask for."""

    # what the architecture promises

    def rates(self, by: By = None, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return a rate with its interval per group and metric.

        Parameters
        ----------
        by
            An attribute, or several for their combination; by default each attribute alone.
        metrics
            Names in the table of metrics; by default all that the data can give.
        """
        plain = None if metrics is None else [name for name in metrics if name not in COMPOSITES]
        listed = chosen(plain, outcome=self.counts.observed)
        rows = rates_of(self.counts, self._sets(by), listed, self.plan.bounds, self._declared) if listed else None
        parts = [] if rows is None else [self._shown(rows)[RATES]]
        composed = [name for name in metrics or () if name in COMPOSITES]
        return pd.concat([*parts, *(self._composed(by, composed) for by in self._sets(by) if composed)], ignore_index=True)

    def _composed(self, by: tuple[str, ...], names: Sequence[str]) -> pd.DataFrame:
        """Return the rates that are no proportions; they are not folded, so only groups that are published as they are have them."""
        held = self.counts.margin(by)
        squared = held.weight_squared if self.counts.weighted is WeightMeaning.WEIGHT else None
        groups = [UNKNOWN if UNKNOWN in key else combined(key) for key in held.keys]
        rng = np.random.default_rng(self.plan.seed)
        rows = composite_rows(
            held.weight, squared, attribute=CROSS.join(by), groups=groups, names=names, confidence=self.plan.bounds.confidence, rng=rng
        )
        if self.counts.clustered:
            rows = rows.assign(low=np.nan, high=np.nan)
        if self.threshold is None:
            return rows[RATES]
        shown = self._shown(self._compared(list(by), ["selection_rate"]))
        return rows[rows["group"].isin(shown["group"])][RATES]

    def disparities(self, reference: Reference | None = None, by: By = None, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return each group against its reference: ratio, difference and shortfall, with intervals.

        `reference` is ``rest``, ``best``, ``largest``, a level, or levels by attribute; by default what the plan declares.
        """
        return self._shown(self._compared(by, metrics, reference))[DISPARITIES]

    def verdicts(self, depth: int | None = None) -> pd.DataFrame:
        """Return a verdict per group and judged metric, combinations up to `depth` included, first things first."""
        return self.judged(depth)[VERDICTS]

    # more of the same counts

    def judged(self, depth: int | None = None) -> pd.DataFrame:
        """Return `verdicts` with everything that they were worked out from: counts of both sides, zero, family, reasons.

        `under` names the excluded group that accounts for an excluded combination, larger or a part of it; "" where it stands by itself.
        `hollow_because` names the parts of an excluded group without which it would not be one.
        """
        rows = first_things_first(self._published_judgement)
        return rows[rows["depth"] <= (depth or self.plan.bounds.depth)].reset_index(drop=True)

    def findings(self, language: str = "en", depth: int | None = None) -> list[str]:
        """Return what each verdict says as plain sentences, in the order of `verdicts`; parts of an excluded group are not repeated."""
        rows = self.judged(depth)
        return findings(rows[rows["under"].fillna("") == ""], self.plan.bounds, language, self.titles)

    @property
    def titles(self) -> dict[str, Mapping[str, str]]:
        """Names of the attributes by language, where the declaration gives them."""
        return {name: {str(language): words for language, words in group.title.items()} for name, group in self.plan.groups.items()}

    def bounds(self) -> pd.DataFrame:
        """Return the worst and the best ratio of each group over its unknown members."""
        rows = self._compared(None, self._judged_metrics, REST)
        shown = self._shown(rows)
        # bounds give the number of the unknowns back, so they are shown only where the unknowns are
        of = shown.loc[shown["group"] == UNKNOWN, "attribute"].unique() if self.threshold else shown["attribute"].unique()
        without = set(shown["attribute"]) - set(rows.loc[rows["group"] == UNKNOWN, "attribute"])
        kept = shown[shown["attribute"].isin([*of, *without])][["attribute", "group", "metric"]]
        return unknown_bounds(rows, self.plan.bounds.tolerance).merge(kept, on=["attribute", "group", "metric"])[BOUNDS]

    def segments(self) -> pd.DataFrame:
        """Return the share of each group in each segment, beside its reference's."""
        offers = self.plan.segments.offers if self.plan.segments else {}
        rows = segmentation.segment_rows(self.counts, offers, reference=self.plan.reference, bounds=self.plan.bounds)
        return self._shown(rows)[segmentation.SHARES] if len(rows) else rows

    def offers(self) -> pd.DataFrame:
        """Return the verdict on getting an offer at all, per group; empty where no segment has an offer."""
        return self._offers.copy()

    @cached_property
    def _offers(self) -> pd.DataFrame:
        offers = self.plan.segments.offers if self.plan.segments else {}
        if not offers or "segment" not in self.counts.cells:
            return pd.DataFrame(columns=VERDICTS)
        rows = segmentation.offer_rows(self.counts, offers, reference=self.plan.reference, bounds=self.plan.bounds)
        judged = judge(rows, self.plan.bounds, binomial=self._binomial)
        return first_things_first(self._shown(judged)).assign(metric="offer_rate")

    def association(self) -> pd.DataFrame:
        """Return how far groups and segments go together (Cramer's V, total variation distance)."""
        if "segment" not in self.counts.cells:
            return pd.DataFrame()
        listed = rates_of(self.counts, self._sets(None), [METRICS["selection_rate"]], self.plan.bounds, self._declared)
        shown = listed[self._large(listed)]
        return segmentation.association(self.counts, {str(name): set(rows["group"]) for name, rows in shown.groupby("attribute")})

    def everybody(self) -> pd.DataFrame:
        """Return where everybody of the file is: studied or rejected and why, by attribute and group."""
        rows = everybody(self.counts)
        if self.threshold is None:
            return rows
        by = rows.groupby(["attribute", "standing"], as_index=False)["people"].sum()
        return by.assign(group="(all)", reason="").loc[:, ["attribute", "group", "standing", "reason", "people"]]

    def rejects(self) -> pd.Series[int]:
        """Return how many people are rejected, by reason; published, reasons of few people are one."""
        found = self.counts.rejected.groupby("reject")["n"].sum().sort_values(ascending=False)
        return found if self.threshold is None else joined_reasons(found, self.threshold)

    def performance(self) -> pd.DataFrame:
        """Return the AUC of the score, for everybody and per group, with its interval and its counts.

        Published, no counts where they would tell of few with an outcome but no score, and an AUC that does not give them back.
        """
        if not len(self.counts.edges) or not self.counts.observed:
            return pd.DataFrame(columns=PERFORMANCE)
        rows = score_rows(self.counts, metrics=["auc"], confidence=self.plan.bounds.confidence, draws=0)
        listed = rows[rows["good"] + rows["bad"] > 0].rename(columns={"value": "auc"})[PERFORMANCE]
        if self.threshold is None:
            return listed.reset_index(drop=True)
        shown = listed[(listed["group"] == "") | self._large(listed)].reset_index(drop=True)
        if self.counts.studied["n"].sum() < self.threshold:
            return shown.assign(**dict.fromkeys(PERFORMANCE[2:], np.nan))
        hidden = shown["attribute"].isin(few_seen_without_score(self.counts, shown, self.threshold)).to_numpy(bool)
        bare = {name: shown[name].astype(float).mask(hidden) for name in ("good", "bad")}
        return blunted(shown, ["auc", "low", "high"], hidden).assign(**bare)

    def calibration(self, parts: int = 10, by: str | None = None) -> pd.DataFrame:
        """Return, for about `parts` equal parts by score, from the lowest: people with an outcome, and the share of good ones with its interval.

        With `by`, an attribute, the same parts of everybody's score, group by group. Published, those with an outcome but no score
        stand in the lowest part where they are few.
        """
        told = self._calibrated(self.counts.attributes[0] if by is None else by, parts, grouped=by is not None)
        if by is None or self.threshold is None:
            return told
        small = told["people"].lt(self.threshold).groupby(told["group"]).transform("any")
        return told[~small & self._large(told)].reset_index(drop=True)

    def _calibrated(self, attribute: str, parts: int, *, grouped: bool) -> pd.DataFrame:
        keys = ["attribute", "group"] if grouped else []
        counts: Counts | None = self.counts
        if self.threshold is not None and len(self.counts.histogram):
            counts = without_few_seen(self.counts, attribute, self.threshold, grouped=grouped)
        if counts is None:
            return pd.DataFrame(columns=[*keys, *CALIBRATION])
        held = counts.histogram[(counts.histogram["outcome"] >= 0) & (counts.histogram["bin"] >= 0)]
        rows = held[held["attribute"] == attribute]
        if rows["n"].sum() < (self.threshold or 1):
            return pd.DataFrame(columns=[*keys, *CALIBRATION])
        sizes = rows.groupby("bin")["n"].sum()
        part = ((sizes.cumsum() - sizes / 2) / sizes.sum() * parts).astype(int).clip(upper=parts - 1)
        if self.threshold is not None:
            of_part = sizes.groupby(part).sum()
            part = part.map(dict(zip(of_part.index, runs(of_part.to_numpy(), self.threshold), strict=True)))
        lowest = pd.Series(np.append(np.nan, self.counts.edges)[sizes.index.to_numpy(int)], index=sizes.index).groupby(part).first()
        good = rows["n"].where(rows["outcome"] == 1, 0)
        placed = rows.assign(good=good, part=rows["bin"].map(part)).groupby([*keys, "part"], as_index=False)[["n", "good"]].sum()
        low, high = proportion_interval(placed["good"].to_numpy(float), placed["n"].to_numpy(float), confidence=self.plan.bounds.confidence)
        told = placed.assign(from_score=placed["part"].map(lowest), part=placed["part"] + 1, share=placed["good"] / placed["n"], low=low, high=high)
        return told.rename(columns={"n": "people"})[[*keys, *CALIBRATION]]

    # what if

    @property
    def cutoffs(self) -> list[float]:
        """Return the cut-offs at which the what-if can stand: the edges of the histogram, like `cutoff` in the score's better direction."""
        return [float(edge) for edge in self.counts.edges]

    def at_cutoff(self, cutoff: float) -> Tables:
        """Return the tables as they would be had the score been cut at `cutoff`, in its own units, from the histogram alone.

        It stands at the nearest edge of the histogram (`cutoff` of the result says which). People without a score keep the
        decision they have. The histogram is kept per attribute: combinations have no what-if. Published, a group steps only where
        its bins hold enough people: between its steps its hits are a lower bound, off by about the threshold
        (the dashboard shows both ends, and gives no verdict where they do not agree).

        Raises
        ------
        StudyError
            The study has no score.
        """
        if not len(self.counts.edges):
            raise StudyError("This study has no score, so there is nothing to cut. Fix: declare study.score, or pass score= to audit.")
        place = int(np.argmin(np.abs(self.counts.edges - self.plan.direction * cutoff)))
        histogram = self.counts.histogram if self.threshold is None else coarsened(self.counts.histogram, self.threshold)
        moved = at_edge(self.counts, histogram, place, outcomes=self.threshold is None)
        plan = self.plan.model_copy(update={"bounds": self.plan.bounds.model_copy(update={"depth": 1})})
        return Tables(plan, moved, self.threshold, float(self.counts.edges[place]), merges=self._merges)

    def design_effects(self) -> pd.DataFrame | None:
        """Return the design effects of clusters that a study keeps: every metric of single attributes, judged ones of combinations."""
        if not self.counts.clustered:
            return None
        single, judged = chosen(None, outcome=self.counts.observed), [METRICS[name] for name in self._judged_metrics]
        parts = [
            self.counts.design_effects(by, single if len(by) == 1 else judged, self.plan.bounds.tolerance, rest=self.plan.reference == REST)
            for by in self._crossings
        ]
        parts += [stage_effects(self.counts, self.plan.funnel, self.plan.bounds.tolerance), representation_effects(self.counts, self.plan.population)]
        # the order of clusters differs from run to run, and with it the last digits of a sum
        return pd.concat([part for part in parts if len(part)], ignore_index=True).round(9)

    # within

    @property
    def _binomial(self) -> bool:
        return self.counts.weighted is not WeightMeaning.WEIGHT and not self.counts.clustered

    @property
    def _judged_metrics(self) -> list[str]:
        """Names of the metrics that get a verdict, the primary one first."""
        names = [known(self.plan.primary).name, *(metric.name for metric in METRICS.values() if metric.judged)]
        return [name for name in dict.fromkeys(names) if name == names[0] or self.counts.observed or not METRICS[name].needs_outcome]

    def _with_primary(self, metrics: Sequence[Metric]) -> list[Metric]:
        """Mark the primary metric as judged, so that the interval beside its verdict is that of the test."""
        return [replace(metric, judged=True) if metric.name == self.plan.primary else metric for metric in metrics]

    @cached_property
    def _declared(self) -> dict[str, list[str]]:
        return {name: levels_of(group, self.plan) for name, group in self.plan.groups.items()}

    @property
    def _crossings(self) -> list[tuple[str, ...]]:
        """Sets of attributes up to the declared depth; two cuts of one column cross into nothing new."""
        columns = {name: group.column for name, group in self.plan.groups.items()}
        every = combinations_of(self.counts.attributes, min(self.plan.bounds.depth, len(self.counts.attributes)))
        return [by for by in every if len({columns[name] for name in by}) == len(by)]

    @cached_property
    def _judgement(self) -> pd.DataFrame:
        sets = self._crossings
        listed = self._with_primary([METRICS[name] for name in self._judged_metrics])
        rows = compare(self.counts, sets, listed, reference=self.plan.reference, bounds=self.plan.bounds, declared=self._declared)
        unsure = depends_on_unknowns(rows, self.plan.bounds.tolerance) if self.plan.reference == REST else None
        judged = judge(rows, self.plan.bounds, binomial=self._binomial, on_unknowns=unsure, searched=self._searched(listed, sets))
        return placed(judged, self.counts, self.plan.bounds) if self._crossed(sets) else judged.assign(under="", hollow_because="")

    def _crossed(self, sets: Sequence[tuple[str, ...]]) -> bool:
        return any(len(by) > 1 for by in sets)

    def _searched(self, metrics: Sequence[Metric], sets: Sequence[tuple[str, ...]]) -> dict[str, float]:
        """Return what the search of combinations finds of each metric; it compares with the rest."""
        if self.plan.reference != REST or not self._crossed(sets):
            return {}
        return {metric.name: threshold(self.counts, metric, bounds=self.plan.bounds) for metric in metrics}

    @cached_property
    def _published_judgement(self) -> pd.DataFrame:
        return self._shown(self._judgement)

    def _compared(self, by: By, metrics: Sequence[str] | None, reference: Reference | None = None) -> pd.DataFrame:
        sets = self._sets(by)
        listed = self._with_primary(chosen(metrics, outcome=self.counts.observed))
        return compare(self.counts, sets, listed, reference=reference or self.plan.reference, bounds=self.plan.bounds, declared=self._declared)

    def _sets(self, by: By) -> list[tuple[str, ...]]:
        if by is None:
            return [(name,) for name in self.counts.attributes]
        names = tuple(by.split(CROSS)) if isinstance(by, str) else tuple(by)
        if unknown := [name for name in names if name not in self.counts.attributes]:
            raise StudyError(f"No attribute {unknown[0]!r}. Fix: use one of {', '.join(self.counts.attributes)}.")
        return [names]

    def _shown(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Let rows out; published, reasons are worded anew where a number in them was rounded."""
        if self.threshold is None:
            return rows.assign(folded="")
        shown = published(rows, self.threshold, merges=self._merges, confidence=self.plan.bounds.confidence)
        if "because" not in shown or "needed" not in shown:
            return shown
        folds = shown["folded"].map(lambda names: UNKNOWN in str(names).split(", "))
        anew = shown["attribute"].isin(shown.loc[folds, "attribute"]) & (shown["folded"] == "")
        words = [because(tuple(row["reasons"]), row, self.plan.bounds, "en") for row in records(shown[anew])]
        return shown.assign(because=shown["because"].mask(anew, pd.Series(words, shown.index[anew], dtype=object)))

    @cached_property
    def _merges(self) -> Merges:
        """Levels that are joined in every crossed table, from the crossings of the whole study."""
        return level_merges(self._judgement, self.threshold or 0) if self.merges is None else self.merges

    def _large(self, rows: pd.DataFrame) -> pd.Series[bool]:
        """Tell which rows speak of a group that is published as it is."""
        shown = self._published_judgement
        large = set(zip(shown["attribute"], shown["group"], strict=True))
        return pd.Series([pair in large for pair in zip(rows["attribute"], rows["group"], strict=True)], index=rows.index)


def plain_verdicts(tables: Tables) -> list[dict[str, Any]]:
    """Return judged rows as JSON holds them: what is no number is null; hand in published tables where the rows leave the study."""
    rows = tables.judged().drop(columns=["levels", "reasons", "x", "n", "y", "m"])
    return json.loads(rows.to_json(orient="records", double_precision=12))
