"""What the further tables say first, in plain sentences: the rows that speak of a loss, a reversal or a verdict; the tables hold the others.

Nothing is worked out here: rows are chosen, and `fairness/` has the sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from scoring.bounds import Bounds
from scoring.fairness.funnel import DECISION, funnel_sentences
from scoring.fairness.narrative import Titles, who
from scoring.fairness.representation import representation_sentences
from scoring.fairness.sums.amounts import amount_sentences, theil_sentences
from scoring.fairness.unobserved import membership_sentence, selective_sentence
from scoring.fairness.verdicts import records
from scoring.fairness.within.conditional import conditional_sentences
from scoring.further import FurtherTables
from scoring.plan import Plan
from scoring.texts import pick, say
from scoring.vocabulary import CROSS, Verdict

MOST: Final = 12
"""Sentences of one table; a reader loses the thread after that, and the table has the rest."""
Said = tuple[str, str]
"""A verdict, or "", and a sentence."""
_SHOWN: Final = (Verdict.EXCLUSION.value, Verdict.LEANING.value)


def titles_of(tables: FurtherTables) -> dict[str, Mapping[str, str]]:
    """Return the names of the attributes by language, of those known by probability too."""
    soft = {name: {str(language): words for language, words in one.title.items()} for name, one in tables.plan.memberships.items()}
    return soft | tables.titles


def loses(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `conditional` in which a group gets less by one of the two figures, or has none; shown reversals first."""
    asked = rows["reason"] != "is_reference"
    less = (rows["ratio"] < 1) | (rows["pooled_ratio"] < 1) | rows["simpson"] | (rows["pooled_ratio"].isna() & rows["ratio"].notna())
    return rows[asked & less].sort_values(["simpson_shown", "ratio"], ascending=[False, True], kind="stable")


def conditional_said(rows: pd.DataFrame, bounds: Bounds, language: str, titles: Titles) -> list[str]:
    """Return what chosen rows of `conditional` say; the caution, the same for all of them, is `cautions`."""
    lines = conditional_sentences(rows, bounds, language, titles)
    ends = [say("strata.caution", language, by=strata_title(str(by), language, titles)) for by in rows["stratified_by"]]
    return [line.removesuffix(end).rstrip() for line, end in zip(lines, ends, strict=True)]


def cautions(rows: pd.DataFrame, language: str, titles: Titles) -> list[str]:
    """Return, of each variable that strata are made of, that it may itself give the group away."""
    return [say("strata.caution", language, by=strata_title(str(by), language, titles)) for by in rows["stratified_by"].unique() if CROSS not in by]


def strata_title(name: str, language: str, titles: Titles) -> str:
    """Return what a stratification is called."""
    return CROSS.join(pick(titles.get(one), language) or one for one in name.split(CROSS))


def stage_titles(plan: Plan, language: str) -> dict[str, str]:
    """Return what each stage is called, the decision last."""
    named = {stage.name: pick({str(key): words for key, words in stage.title.items()}, language) or stage.name for stage in plan.funnel}
    return named | {DECISION: say("funnel.decision", language)}


def lost_on_the_way(rows: pd.DataFrame, withheld: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return the rows of groups that are shown to lose at a stage, or over the whole funnel, where every stage of it is shown."""
    if rows.empty:
        return rows
    whole = ~rows["attribute"].isin([attribute for attribute, _ in withheld])
    keys = [rows["attribute"], rows["group"]]
    lost = (rows["verdict"].isin(_SHOWN) | (rows["total_high"] < 1) | (rows["people"] == 0)).groupby(keys).transform("any")
    return rows[whole & lost]


def funnel_said(rows: pd.DataFrame, plan: Plan, language: str, titles: Titles) -> list[str]:
    """Return what the funnel says of each group: one text a group."""
    parts = (part for _, part in rows.groupby(["attribute", "group"], sort=False))
    return [" ".join(funnel_sentences(part, plan.funnel, plan.bounds, language, titles)) for part in parts]


def amounts_said(rows: pd.DataFrame, plan: Plan, language: str, titles: Titles) -> list[str]:
    """Return what is said of the groups that get less, those first whose interval shows it."""
    less = rows[rows["ratio"] < 1].sort_values("ratio_high", kind="stable", na_position="last")
    return amount_sentences(less.head(MOST), plan.amounts, plan.bounds, language, titles)


def inequality_said(rows: pd.DataFrame, plan: Plan, language: str, titles: Titles) -> list[str]:
    """Return how much of the inequality of each amount lies between groups."""
    return theil_sentences(rows, plan.amounts, language, titles)


def representation_said(rows: pd.DataFrame, plan: Plan, language: str, titles: Titles) -> list[Said]:
    """Return verdict and sentence of the groups whose share is not shown to be within the tolerance."""
    told = rows[~rows["verdict"].isin([Verdict.WITHIN_TOLERANCE.value, Verdict.NOT_APPLICABLE.value])]
    lines = representation_sentences(told, plan.bounds, language, titles)
    return list(zip(told["verdict"].astype(str), lines, strict=True))


def fit_said(rows: pd.DataFrame, language: str, titles: Titles) -> list[str]:
    """Return of each attribute whether the file has the shares of its source."""
    return [
        say("dossier_further.fit", language, **_numbers(row, "statistic", "degrees", "p"), name=strata_title(row["attribute"], language, titles))
        for row in records(rows[rows["p"].notna()])
    ]


def source_of(plan: Plan, name: str, language: str) -> str:
    """Return where the probabilities of an attribute come from."""
    source = plan.memberships[name].source
    return say("dossier_further.handed_in", language) if source == HANDED_IN else source


HANDED_IN: Final = "handed in with the frame"
"""The source of an audit's probabilities, as `scoring.audit` names it."""


def memberships_said(rows: pd.DataFrame, plan: Plan, language: str, titles: Titles) -> list[Said]:
    """Return verdict and sentence of each level known by probability, the bounds in the same sentence as the estimate."""
    return [(str(row["verdict"]), membership_sentence(row, plan.bounds, language, titles)) for row in records(rows)]


def selective_said(rows: pd.DataFrame, plan: Plan, language: str, titles: Titles) -> list[Said]:
    """Return verdict and sentence of the bands that settle a question, whatever was not observed or under a named assumption."""
    told = rows[rows["verdict"].isin([Verdict.EXCLUSION.value, Verdict.WITHIN_TOLERANCE.value])]
    order = told.assign(first=told["verdict"] != Verdict.EXCLUSION.value, free=told["assumption"] != "none").sort_values(
        ["first", "free"], kind="stable"
    )
    return [(str(row["verdict"]), selective_sentence(row, plan.bounds, language, titles)) for row in records(order.head(MOST))]


def undecided(rows: pd.DataFrame, language: str, titles: Titles) -> list[str]:
    """Return the names of the groups whose band settles nothing without an assumption."""
    held = rows[(rows["assumption"] == "none") & (rows["verdict"] == Verdict.UNDETERMINED.value)]
    return [who(row, language, titles) for row in records(held)]


def ranked_behind(rows: pd.DataFrame, language: str, titles: Titles) -> list[str]:
    """Return of which groups the good are ranked behind others more often than the other way round, beyond both intervals."""
    held = rows[rows["metric"].isin(["cross_group_auc", "xauc_rest"])]
    wide = held.pivot_table(index=["attribute", "group"], columns="metric", values=["value", "low", "high"], aggfunc="first", sort=False)
    said = []
    for key, row in zip(wide.index, wide.to_dict("records"), strict=True):
        own, other = ({name: float(row.get((name, metric), float("nan"))) for name in ("value", "low", "high")} for metric in _CROSSED)
        if own["high"] < other["low"]:
            named = who({"attribute": key[0], "group": key[1]}, language, titles)
            said.append(say("dossier_further.ranked_behind", language, who=named, **_prefixed("own", own), **_prefixed("other", other)))
    return said


_CROSSED: Final = ("cross_group_auc", "xauc_rest")


def _prefixed(prefix: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name}": value for name, value in values.items()}


def _numbers(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def role_of(row: Mapping[str, Any], language: str) -> str:
    """Say what a way to score is in a search: the baseline, the choice, or nothing of these."""
    return next((say(f"dossier_further.candidate_{role}", language) for role in ("baseline", "chosen") if row[role]), "")
