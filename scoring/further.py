"""Further questions that the same counts answer: within strata, by score, along the funnel, of who is unknown or unobserved.

Each method asks one file of `fairness/` and lets the answer out through `_shown_groups`, as `Tables` lets its own out through `published`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scoring.decisions import FIXES, few_hidden, followed
from scoring.errors import StudyError
from scoring.fairness.by_score import ll144
from scoring.fairness.by_score.score_metrics import score_rows
from scoring.fairness.by_score.sweeps import SWEPT, threshold_sweep
from scoring.fairness.counts import Counts
from scoring.fairness.drift import Shared, compare_studies
from scoring.fairness.funnel import funnel_rows, funnel_sentences
from scoring.fairness.joining import against_shown, few_unscored, joined, parted_folds, shown_shares, without_few_unscored
from scoring.fairness.metrics import METRICS, Metric, chosen
from scoring.fairness.published import only_shown, published_levels, without_small_blocks
from scoring.fairness.representation import representation_fit, representation_rows
from scoring.fairness.searching.search import search
from scoring.fairness.sums.amounts import amount_rows, theil
from scoring.fairness.unseen.membership import membership_rows
from scoring.fairness.unseen.selective import selective_rows
from scoring.fairness.unseen.selective_ends import Assumption
from scoring.fairness.whatif import apart, coarsened
from scoring.fairness.withholding import blunted, few_seen_without_score, small_leftovers, without_known_total
from scoring.fairness.within.conditional import conditional_rows, conditional_sentences, stratum_rows
from scoring.inquiry.carriers import carriers
from scoring.law.decisiveness import Decisiveness
from scoring.plan import Population
from scoring.reading import Tables
from scoring.vocabulary import OF_A_SEARCH, UNKNOWN

_OF_SCORED = ("good", "bad", "people", "unscored")
ROC = ("true_positive_rate", "false_positive_rate")


@dataclass(frozen=True)
class FurtherTables(Tables):
    """The tables of a study beyond rates, disparities and verdicts. A table that needs what was not declared says so."""

    inquiry: Mapping[str, pd.DataFrame] = field(default_factory=dict, kw_only=True, repr=False, compare=False)
    """Tables that needed the customers themselves (`why.inquire`): drivers and proxies."""

    # within strata

    def conditional(self, strata: Sequence[str] | None = None, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return each group's ratio as it is and within strata, side by side: pooled ratio, tests, decomposition, reversal.

        Parameters
        ----------
        strata
            Names of columns declared as strata; by default each, and all of them crossed.
        metrics
            Names in the table of metrics; by default those that are judged.
        """
        rows = conditional_rows(
            self.counts, self._named(metrics), strata, reference=self.plan.reference, bounds=self.plan.bounds, declared=self._declared
        )
        return self._shown_groups(rows)

    def by_stratum(self, strata: Sequence[str] | None = None, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return each group against its reference in each stratum. Published, a table with a small cell is withheld whole."""
        rows = stratum_rows(
            self.counts, self._named(metrics), strata, reference=self.plan.reference, bounds=self.plan.bounds, declared=self._declared
        )
        return self._shown_blocks(rows, ["attribute", "stratified_by", "metric"], ["trials", "ref_trials"])

    def conditional_findings(self, language: str = "en") -> list[str]:
        """Return what `conditional` says of the primary metric as plain sentences: both figures, and what they cannot excuse."""
        rows = self.conditional(metrics=[self.plan.primary])
        return conditional_sentences(rows[rows["metric"].notna()], self.plan.bounds, language, self.titles)

    # scores

    def scores(self, probability: str | None = None) -> pd.DataFrame:
        """Return the score metrics of everybody and of each group: discrimination, calibration, distance to the rest.

        `probability` says that the score is the probability of a ``good`` (or ``bad``) outcome: only then can calibration be asked about.
        """
        self._needs_score()
        rows = score_rows(self.counts, confidence=self.plan.bounds.confidence, probability=probability, seed=self.plan.seed)
        if self.threshold is None:
            return rows
        outer = rows["metric"].isin(["score_p10", "score_p90"])  # of a small group, a person or two
        few = (rows["people"] < self.threshold) | (outer & (rows["people"] < 10 * self.threshold))
        numbers = [str(name) for name in rows if rows[name].dtype.kind in "fiu"]
        withheld = {name: rows[name].astype(float).mask(few) for name in numbers}  # the row stays: nobody is left unnamed
        shown = self._shown_groups(rows.assign(**withheld, reason=rows["reason"].mask(few, "few")))
        told = few_seen_without_score(self.counts, shown, self.threshold)
        hidden = few_unscored(shown, self.threshold) | shown["attribute"].isin(told).to_numpy()  # all less those with a score would be them
        figures = [name for name in numbers if name not in _OF_SCORED]
        return blunted(shown, figures, hidden).assign(**{name: shown[name].mask(hidden) for name in _OF_SCORED})

    def threshold_sweep(self, attribute: str, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return rates of each group and ratios to the rest at every cut-off, with intervals.

        Published, bins of each group are joined until each holds enough people, whatever came of them: then only the selection rate is told.
        """
        self._needs_score()
        if self.threshold is None:
            told = [name for name in SWEPT if self.counts.observed or not METRICS[name].needs_outcome]
            return threshold_sweep(self.counts, attribute, metrics or told, bounds=self.plan.bounds)
        counts = replace(self.counts, histogram=coarsened(self.counts.histogram, self.threshold))
        return self._shown_groups(threshold_sweep(counts, attribute, ["selection_rate"], bounds=self.plan.bounds))

    def roc(self, attribute: str) -> pd.DataFrame:
        """Return true and false positive rates of each group at every cut-off: the rows of a ROC curve.

        Published, only cut-offs between which each group has enough people with an outcome.
        """
        self._needs_score()
        rows = threshold_sweep(self.counts, attribute, ROC, bounds=self.plan.bounds)
        if self.threshold is None:
            return rows
        shown = self._shown_groups(rows)
        hits = shown.dropna(subset=["cutoff"]).pivot_table(index="cutoff", columns="group", values="hits", aggfunc="sum")
        return shown[shown["cutoff"].isin(apart(hits.sort_index(ascending=False), self.threshold))].reset_index(drop=True)

    def selection_table(self, by: str | Sequence[str]) -> pd.DataFrame:
        """Return selection rates and impact ratios in the shape of NYC Local Law 144. Published, small groups are one, and never the highest."""
        names = self._sets(by)[0]
        if self.threshold is None:
            return ll144.selection_table(self.counts, names, self.plan.bounds)
        rows, counts = self._joined(names)
        if counts is None:
            return rows.reindex(columns=[*ll144.SELECTION, "folded"]).assign(reason="withheld")
        table = against_shown(ll144.selection_table(counts, names, self.plan.bounds), "selection_rate", "most_selected")
        return table.merge(rows[["group", "folded"]], on="group", how="left").fillna({"folded": ""})

    def scoring_table(self, attribute: str) -> pd.DataFrame:
        """Return scoring rates (share above the median score of all) and impact ratios in the shape of NYC Local Law 144.

        Published, small groups are one, and never the highest; where few have no score, they count as applicants who score lowest.
        """
        self._needs_score()
        if self.threshold is None:
            return ll144.scoring_table(self.counts, attribute, self.plan.bounds)
        rows, counts = self._joined(self._sets(attribute)[0])
        if counts is None:
            return rows.reindex(columns=[*ll144.SCORING, "folded"]).assign(reason="withheld")
        scored = without_few_unscored(counts, self.threshold)
        table = against_shown(ll144.scoring_table(scored, attribute, self.plan.bounds), "scoring_rate", "highest_scoring")
        table = table if scored is counts else table.assign(unscored=np.nan)
        return table.merge(rows[["group", "folded"]], on="group", how="left").fillna({"folded": ""})

    def decisiveness(self, cutoff: float | None = None) -> Decisiveness:
        """Return how many decisions are what the score alone would have decided at the cut-off in force, and who departs from it, by group.

        Published, small groups are one, and where few have no score they count as scoring lowest. `cutoff`: by default the declared one
        (`study.score.applied_cutoff`).
        """
        found, why = self.measured_decisiveness(cutoff)
        if found is None:
            raise StudyError(FIXES[why])
        return found

    def measured_decisiveness(self, cutoff: float | None = None) -> tuple[Decisiveness | None, str]:
        """Return what `decisiveness` does, or nothing and why: a key of `scoring.decisions.FIXES`."""
        if self.threshold is None:
            return followed(self.counts, self.plan, cutoff)
        scored = without_few_unscored(self.counts, self.threshold) if len(self.counts.histogram) else self.counts
        found, why = followed(scored, self.plan, cutoff)
        if found is None or found.people < self.threshold:
            return None, why or "few"
        parts = [self._decided_by(name, cutoff) for name in self.counts.attributes]
        table = pd.concat([found.by_group.iloc[:0].assign(folded=""), *parts], ignore_index=True)
        unscored = float("nan") if scored is not self.counts else found.unscored
        return replace(found, by_group=table, unscored=unscored, undecided=few_hidden(found.undecided, self.threshold)), ""

    def _decided_by(self, name: str, cutoff: float | None) -> pd.DataFrame:
        """Return the rows of one attribute, its levels joined as they are published; none where they cannot be shown."""
        rows, counts = self._joined((name,))
        if counts is None or self.threshold is None:
            return pd.DataFrame()
        found, _ = followed(without_few_unscored(counts, self.threshold), self.plan, cutoff, attribute=name)
        if found is None:
            return pd.DataFrame()
        names = rows[["group", "folded"]].drop_duplicates("group").rename(columns={"group": "level"})
        return names.merge(found.by_group, on="level").fillna({"folded": ""})[[*found.by_group, "folded"]]

    # search

    def subgroups(self, metric: str | None = None, method: str = "focused") -> pd.DataFrame:
        """Return the fewest groups and combinations that say all that is shown, largest shortfall first, and what was left out and why.

        `method` is ``focused`` (Focused Benjamini-Hochberg) or ``held-out`` (searched on one half of the people, confirmed on the other).
        """
        rng = np.random.default_rng(self.plan.seed)
        rows = search(self.counts, metric or self.plan.primary, bounds=self.plan.bounds, attributes=self.counts.attributes, method=method, rng=rng)
        return self._shown_groups(rows)

    # what was not observed

    def memberships(self, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return each level of the attributes known by probability: the weighted estimate, and the bounds that it never stands without."""
        if self.counts.soft is None:
            raise StudyError("No attribute is known by probability. Fix: declare study.memberships, or pass memberships= to audit.")
        rng = np.random.default_rng(self.plan.seed)
        rows = membership_rows(self.counts.soft, self._named(metrics), bounds=self.plan.bounds, rng=rng)
        return rows if self.threshold is None else rows[rows["people"] >= self.threshold].reset_index(drop=True)

    def selective(self, assumption: Assumption = "none", metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return between what values each metric of outcomes lies, whatever came of those whose outcome was not seen.

        `assumption`: ``none``; ``monotone`` (the refused are no better than the accepted) or ``score`` (no better than their score says).
        """
        listed = None if metrics is None else self._named(metrics)
        return self._shown_groups(selective_rows(self.counts, listed, bounds=self.plan.bounds, assumption=assumption))

    # funnel, amounts, representation

    def funnel(self) -> pd.DataFrame:
        """Return who passed each stage of those who had passed all before, per group, and which stage makes the gap."""
        if not self.plan.funnel:
            raise StudyError("This study has no funnel. Fix: declare study.funnel, or pass funnel= to audit.")
        rows = funnel_rows(self.counts, self.plan.funnel, **self._asked)
        return self._shown_blocks(rows, ["attribute", "stage"], ["trials", "ref_trials"])

    def funnel_findings(self, language: str = "en") -> list[str]:
        """Return what `funnel` says as plain sentences."""
        rows = self.funnel()
        whole = rows[rows["stage"].notna()]
        if self.threshold is not None:  # of a funnel with a stage withheld nothing can be told without giving it away
            whole = whole[~whole["withheld"].astype(bool).groupby(whole["attribute"]).transform("any")]
        return funnel_sentences(whole, self.plan.funnel, self.plan.bounds, language, self.titles)

    def amounts(self) -> pd.DataFrame:
        """Return mean and quantiles of each declared amount per group, beside the reference's, with intervals."""
        rows = amount_rows(
            self._counted_amounts(), self.plan.amounts, bounds=self.plan.bounds, reference=self.plan.reference, clustered=self.counts.clustered
        )
        if self.threshold is not None:  # the tenth part of a small group is a person or two
            few = rows["people"] < 10 * self.threshold
            rows = rows.assign(**{name: rows[name].mask(few) for name in map(str, rows) if name.startswith(("q10", "q90"))})
        return self._shown_blocks(rows, ["attribute", "amount"], ["people", "reference_people"])

    def inequality(self) -> pd.DataFrame:
        """Return Theil's T of each amount, split into what lies between groups and within them."""
        rows = theil(self._counted_amounts(), self.plan.amounts)
        if self.threshold is None:
            return rows
        told = self.amounts()
        hidden = set(told.loc[told["withheld"].fillna(value=False).astype(bool), ["attribute", "amount"]].itertuples(index=False, name=None))
        return rows[[pair not in hidden for pair in zip(rows["attribute"], rows["amount"], strict=True)]].reset_index(drop=True)

    def representation(self, population: Mapping[str, Population] | None = None) -> pd.DataFrame:
        """Return each group's share of the file beside its share of the population served, from a cited source."""
        asked = self._population(population)
        rows = representation_rows(self.counts, asked, bounds=self.plan.bounds)
        return rows if self.threshold is None else shown_shares(self._shown_groups(rows), self._folded, asked)

    def representation_fit(self, population: Mapping[str, Population] | None = None) -> pd.DataFrame:
        """Return one test for each attribute of whether the file has the shares of the population."""
        asked = self._population(population)
        rows = representation_fit(self.counts, asked, bounds=self.plan.bounds)
        if self.threshold is None:
            return rows
        return rows[~rows["attribute"].isin(parted_folds(self._folded, asked))].reset_index(drop=True)

    # as published

    # over time

    def changes(self, before: Tables, shared: Shared = "unknown") -> pd.DataFrame:
        """Return what changed since an earlier study of the same declaration: each group's ratio with interval, and the verdicts.

        `shared`: ``none`` where no customer is in both files; otherwise the two are not independent and no interval is given.
        """
        return compare_studies(before.judged(), self.judged(), bounds=self.plan.bounds, shared=shared)

    # why: worked out when the study was made

    def drivers(self) -> pd.DataFrame:
        """Return what each feature gives to the gap in the mean score between a group and the rest: the parts add up to the gap."""
        return self._shown_groups(self._inquired("drivers"))

    def proxies(self) -> pd.DataFrame:
        """Return how well the features, together and one by one, tell who is in each group: AUC with interval."""
        rows = self._inquired("proxies").rename(columns={"level": "group"})
        return self._shown_groups(rows).rename(columns={"group": "level"})

    def carriers(self) -> pd.DataFrame:
        """Return which features carry both the gap in the score and the group."""
        return self._shown_groups(carriers(self._inquired("drivers"), self._inquired("proxies")))

    # other ways to score: searched for when the study was made

    def alternatives(self) -> pd.DataFrame:
        """Return every way to score that was tried, in the order of trying (`inquiry.alternatives`): performance, worst ratio, what it uses."""
        return self._inquired("alternatives")

    def confirmed(self) -> pd.DataFrame:
        """Return the baseline and the chosen alternative on people set aside before the search, with their differences."""
        return self._inquired("confirmed")

    def alternatives_findings(self, language: str = "en") -> list[str]:
        """Return what the search for other ways to score found, as plain sentences."""
        rows = self._inquired("alternatives_findings")
        return rows.loc[rows["language"] == language, "sentence"].tolist()

    # within

    def _inquired(self, name: str) -> pd.DataFrame:
        if name not in self.inquiry:
            how = "alternatives=Asked()), or `equiscore alternatives" if name in OF_A_SEARCH else "why=True), or `equiscore study --why"
            raise StudyError(f"This study holds no {name}. Fix: make it with conduct_study(..., {how}`.")
        return self.inquiry[name]

    @property
    def _asked(self) -> dict[str, Any]:
        """Against whom, by which bounds, with which declared levels."""
        return {"reference": self.plan.reference, "bounds": self.plan.bounds, "declared": self._declared}

    def _named(self, metrics: Sequence[str] | None) -> list[Metric]:
        return self._with_primary(chosen(metrics or self._judged_metrics, outcome=self.counts.observed))

    def _needs_score(self) -> None:
        if not len(self.counts.edges):
            raise StudyError("This study has no score. Fix: declare study.score, or pass score= to audit.")

    def _counted_amounts(self) -> pd.DataFrame:
        if self.counts.amounts is None:
            raise StudyError("This study has no amounts. Fix: declare study.amounts, or pass amounts= to audit.")
        return self.counts.amounts

    def _population(self, population: Mapping[str, Population] | None) -> Mapping[str, Population]:
        if not (found := self.plan.population if population is None else population):
            raise StudyError("There is no population to hold the file against. Fix: declare study.population, or hand it in.")
        return found

    def _shown_groups(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Leave what may be shown: groups that are published as they are, and a line that names the others."""
        if self.threshold is None:
            return rows
        return self._without_known_total(only_shown(rows, self._published_judgement))

    def _without_known_total(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Leave nothing that tells how many are known of an attribute whose unknowns are folded with small groups."""
        folded = [name for name, levels in self._folded.items() if UNKNOWN in levels]
        return without_known_total(rows, rows["attribute"].isin(folded).to_numpy(bool))

    @cached_property
    def _folded(self) -> dict[str, set[str]]:
        """Names of the levels that are folded, by attribute; all of them where everybody is few."""
        single = self._judgement[self._judgement["depth"] == 1]
        levels = {str(name): (rows, published_levels(rows, self.threshold or 0, self._merges)) for name, rows in single.groupby("attribute")}
        return {name: set(rows["group"] if found is None else found[name]) for name, (rows, found) in levels.items()}

    def _joined(self, by: tuple[str, ...]) -> tuple[pd.DataFrame, Counts | None]:
        """Return the published rows of a set of attributes, and counts in which its levels are joined as they are there; none where withheld."""
        working = self._compared(by, ["selection_rate"])
        levels = published_levels(working, self.threshold or 0, self._merges)
        return self._shown(working), None if levels is None else joined(self.counts, levels)

    def _shown_blocks(self, rows: pd.DataFrame, block: list[str], counts: list[str]) -> pd.DataFrame:
        """Leave what may be shown of a table whose cells are smaller than its groups."""
        if self.threshold is None:
            return rows
        shown = only_shown(rows, self._published_judgement)
        left = small_leftovers(rows, shown, block, counts[0], self.threshold)
        return self._without_known_total(without_small_blocks(shown, block, counts, self.threshold, also=left))
