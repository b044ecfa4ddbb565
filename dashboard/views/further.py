"""What else a declaration may ask: strata, funnel, amounts, the population, what was not observed, the score. Sentences first, then the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pandas as pd
import parts
import session
import streamlit as st

from scoring.dossier import further_rows, further_words
from scoring.fairness.narrative import who
from scoring.fairness.verdicts import records
from scoring.further import FurtherTables
from scoring.inquiry.alternatives.sentences import title_of
from scoring.texts import pick, say

RATES = {"hits": "count", "trials": "count", "value": "percent"}
RATIO = {"ratio": "ratio", "ratio_low": "ratio", "ratio_high": "ratio"}
CONDITIONAL = {
    "named": "text", "strata": "text", "ratio_all": "ratio", "ratio_low": "ratio", "ratio_high": "ratio", "pooled_ratio": "ratio",
    "pooled_low": "ratio", "pooled_high": "ratio", "hits": "count", "trials": "count", "composition": "points", "within": "points",
}  # fmt: skip
BY_STRATUM = {"named": "text", "strata": "text", **RATES, "reference_value": "percent", **RATIO}
SCORES = ("mean_score", "smd", "cross_group_auc", "xauc_rest", "abroca")
MOST = further_words.MOST


def show() -> None:
    """Show the page."""
    parts.opening("further")
    sections = (conditional, funnel, amounts, representation, memberships, selective, scores, other_ways)
    shown = [section() for section in sections]
    if not any(shown):
        st.info(parts.t("further_none"), icon=":material/info:")


def published() -> FurtherTables:
    """Return what the open study publishes."""
    return cast(FurtherTables, session.tables())


def titles() -> dict[str, dict[str, str]]:
    """Return the names of the attributes, of those known by probability too."""
    return {name: dict(title) for name, title in further_words.titles_of(published()).items()}


def words(key: str, **values: object) -> str:
    """Return a text that the dossier says too."""
    return say(f"dossier_further.{key}", session.language(), **values)


def heading(key: str) -> None:
    """Show the heading of a question."""
    st.header(words(f"heading_{key}"), anchor=False, divider=False)


def told(lines: Sequence[str], none: str = "") -> None:
    """Show sentences, those after the first few folded; where there are none, what that means."""
    for line in lines[:MOST]:
        parts.read(f"- {parts.plain(line)}")
    if more := lines[MOST:]:
        with st.expander(parts.t("more_findings", n=len(more)), width=parts.TEXT_WIDTH):
            for line in more:
                parts.read(f"- {parts.plain(line)}")
    if not lines and none:
        parts.read(words(none))


def judged(lines: Sequence[further_words.Said]) -> None:
    """Show sentences under the badges of their verdicts."""
    for verdict, line in lines[:MOST]:
        parts.finding(verdict, line) if verdict else parts.read(f"- {parts.plain(line)}")


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Name the group of each row with its attribute."""
    names, language = titles(), session.language()
    return rows.assign(named=[who(row, language, names) if row["attribute"] else parts.t("everybody") for row in records(rows)])


def conditional() -> bool:
    """Show both figures of each group: over all strata together, and within them."""
    tables, language = published(), session.language()
    rows = session.ask(further_rows.conditional, [tables.plan.primary])
    if rows.empty:
        return False
    heading("conditional")
    cautions = [*further_words.cautions(rows, language, titles()), words("conditional_verdicts")]
    st.warning(parts.plain(" ".join(cautions)), icon=":material/balance:", width=parts.TEXT_WIDTH)
    told(further_words.conditional_said(further_words.loses(rows), tables.plan.bounds, language, titles()), "conditional_none")
    by = [further_words.strata_title(str(name), language, titles()) for name in rows["stratified_by"]]
    rates = tables.rates(metrics=[tables.plan.primary])[["attribute", "group", "hits", "trials"]]
    shown = named(rows.drop(columns="strata")).assign(strata=by, ratio_all=rows["ratio"]).merge(rates, on=["attribute", "group"], how="left")
    parts.table(shown, CONDITIONAL, alt=parts.t("alt_conditional"))
    parts.note(f"{parts.t('metric_in_table', metric=parts.metric_name(tables.plan.primary))} {parts.t('below_one')}")
    strata(tables)
    return True


def strata(tables: FurtherTables) -> None:
    """Show each stratum by itself; a table with a small cell is withheld whole."""
    language = session.language()
    rows, withheld = session.ask(further_rows.by_stratum, [tables.plan.primary])
    st.subheader(words("heading_by_stratum"), anchor=False)
    if len(rows):
        pairs = zip(rows["stratified_by"], rows["stratum"], strict=True)
        of = [
            say("narrative.is", language, name=further_words.strata_title(by, language, titles()), level=parts.group_name(one)) for by, one in pairs
        ]
        parts.table(named(rows).assign(strata=of), BY_STRATUM, alt=parts.t("alt_by_stratum"))
    if withheld:
        names = "; ".join(words("pair", name=_title(name), by=further_words.strata_title(by, language, titles())) for name, by in withheld)
        parts.note(parts.plain(words("by_stratum_withheld", threshold=tables.plan.bounds.publication_threshold, names=names)))


def _title(name: str) -> str:
    return pick(titles().get(name), session.language()) or name


def funnel() -> bool:
    """Show who passed each stage."""
    tables, language = published(), session.language()
    if not tables.plan.funnel:
        return False
    rows, withheld = session.ask(further_rows.funnel)
    stages = further_words.stage_titles(tables.plan, language)
    heading("funnel")
    parts.read(parts.plain(words("funnel_intro", names=", ".join(stages.values()))))
    lost = further_words.lost_on_the_way(rows, withheld)
    told(further_words.funnel_said(lost, tables.plan, language, titles()) if len(lost) else [], "funnel_none")
    if len(rows):
        kinds = {"named": "text", "stage": "text", "verdict": "verdict", **RATES, "reference_value": "percent", **RATIO}
        parts.table(named(rows).assign(stage=[stages.get(one, one) for one in rows["stage"]]), kinds, alt=parts.t("alt_funnel"))
    if withheld:
        names = "; ".join(words("named_stage", name=_title(name), stage=stages.get(stage, stage)) for name, stage in withheld)
        parts.note(parts.plain(words("funnel_withheld", threshold=tables.plan.bounds.publication_threshold, names=names)))
    return True


def amounts() -> bool:
    """Show the amounts that are decided."""
    tables, language = published(), session.language()
    if not tables.plan.amounts:
        return False
    rows, withheld = session.ask(further_rows.amounts)
    names = {name: pick({str(key): said for key, said in one.title.items()}, language) or name for name, one in tables.plan.amounts.items()}
    heading("amounts")
    parts.read(parts.plain(words("amounts_intro", names=", ".join(names.values()))))
    if len(rows):
        told(further_words.amounts_said(rows, tables.plan, language, titles()), "amounts_none")
        kind = "count" if rows["mean"].abs().max() >= 1000 else "ratio"
        kinds = {"named": "text", "amount": "text", "people": "count", "mean": kind, "mean_low": kind, "mean_high": kind,
                 "reference_mean": kind, "q50": kind, **RATIO}  # fmt: skip
        parts.table(named(rows).assign(amount=rows["amount"].map(names)), kinds, alt=parts.t("alt_amounts"))
        told(further_words.inequality_said(session.ask(further_rows.inequality), tables.plan, language, titles()))
    if withheld:
        pairs = "; ".join(words("pair_amount", name=_title(name), amount=names[amount]) for name, amount in withheld)
        parts.note(parts.plain(words("amounts_withheld", threshold=tables.plan.bounds.publication_threshold, names=pairs)))
    return True


def representation() -> bool:
    """Show the file beside the population served, and where the figures of the population come from."""
    tables, language = published(), session.language()
    rows = session.ask(further_rows.representation)
    if rows.empty:
        return False
    heading("representation")
    parts.read(words("representation_intro"))
    lines = further_words.representation_said(rows, tables.plan, language, titles())
    judged(lines) if lines else parts.read(words("representation_none"))
    kinds = {"named": "text", "verdict": "verdict", "people": "count", "share": "percent", "low": "percent", "high": "percent",
             "benchmark": "percent", **RATIO, "shortfall": "count"}  # fmt: skip
    parts.table(named(rows), kinds, alt=parts.t("alt_representation"))
    for name, one in tables.plan.population.items():
        parts.note(parts.plain(parts.t("source_is", name=_title(name), source=one.source)))
    return True


def memberships() -> bool:
    """Show groups known by probability alone: no estimate without its bounds."""
    tables, language = published(), session.language()
    if not tables.plan.memberships:
        return False
    rows = session.ask(further_rows.memberships, [tables.plan.primary])
    heading("memberships")
    parts.read(words("memberships_intro"))
    if rows.empty:
        parts.read(words("memberships_small"))
        return True
    judged(further_words.memberships_said(rows, tables.plan, language, titles()))
    kinds = {"named": "text", "verdict": "verdict", "people": "count", "value": "percent", "value_lowest": "percent", "value_highest": "percent",
             **dict.fromkeys(("ratio", "ratio_lowest", "ratio_highest", "ratio_lowest_low", "ratio_highest_high"), "ratio")}  # fmt: skip
    parts.table(named(rows), kinds, alt=parts.t("alt_memberships"))
    parts.note(parts.t("short_bounds"))
    for name in tables.plan.memberships:
        parts.note(parts.plain(parts.t("source_is", name=_title(name), source=further_words.source_of(tables.plan, name, language))))
    return True


def selective() -> bool:
    """Show between what values each ratio lies, whatever came of those whose outcome was not seen."""
    tables, language = published(), session.language()
    rows = session.ask(further_rows.selective)
    if rows.empty:
        return False
    heading("selective")
    for metric, part in rows.groupby("metric", sort=False):
        parts.read(parts.plain(words("selective_intro", metric=parts.metric_name(str(metric)))))
        judged(further_words.selective_said(part, tables.plan, language, titles()))
        if names := further_words.undecided(part, language, titles()):
            parts.read(parts.plain(words("selective_undecided", names="; ".join(names))))
        shown = named(part).assign(assumption=[words(f"assumption_{one}") for one in part["assumption"]])
        shown = shown.assign(ratio_lowest_low=part["ratio_low"], ratio_highest_high=part["ratio_high"])
        kinds = {"named": "text", "assumption": "text", "verdict": "verdict", "observed": "count", "unobserved": "count",
                 "ratio_lowest": "ratio", "ratio_highest": "ratio", "ratio_lowest_low": "ratio", "ratio_highest_high": "ratio"}  # fmt: skip
        parts.table(shown, kinds, alt=parts.t("alt_selective"))
    return True


def scores() -> bool:
    """Show what the score does to each group."""
    language = session.language()
    rows = session.ask(further_rows.scores)
    rows = rows[rows["metric"].isin(SCORES)] if len(rows) else rows
    if rows.empty:
        return False
    heading("score_groups")
    lines = further_words.ranked_behind(rows, language, titles())
    if "cross_group_auc" in set(rows["metric"]):
        told(lines, "ranked_none")
    turned = published().plan.direction
    signs = [turned if name == "mean_score" else 1.0 for name in rows["metric"]]
    limits = [(row["high"], row["low"]) if sign < 0 else (row["low"], row["high"]) for sign, row in zip(signs, records(rows), strict=True)]
    shown = named(rows).assign(
        measure=[say(f"score_metrics.{name}", language) for name in rows["metric"]],
        figure=rows["value"] * signs,
        low=[sign * low for sign, (low, _) in zip(signs, limits, strict=True)],
        high=[sign * high for sign, (_, high) in zip(signs, limits, strict=True)],
    )
    kinds = {"named": "text", "measure": "text", "people": "count", "figure": "ratio3", "low": "ratio3", "high": "ratio3", "under_equality": "ratio3"}
    parts.table(shown, kinds, alt=parts.t("alt_scores"))
    parts.note(parts.t("no_verdict_score"))
    return True


def other_ways() -> bool:
    """Show the other ways to score that were tried."""
    tables, language = published(), session.language()
    rows, listed = session.ask(further_rows.other_ways)
    if rows.empty:
        return False
    heading("alternatives")
    parts.read(parts.plain(words("alternatives_intro")))
    for line in tables.alternatives_findings(language):
        parts.read(f"- {parts.plain(line)}")
    limits = {"auc": "ratio3", "auc_low": "ratio3", "auc_high": "ratio3", "worst_ratio": "ratio", "worst_low": "ratio", "worst_high": "ratio"}
    kinds = {"candidate": "text", "role": "text", **limits, "worst_off": "text", "excluded_groups": "count"}
    named_rows = listed.assign(
        candidate=[title_of(row, language, titles=tables.plan.titles) for row in records(listed)],
        role=[further_words.role_of(row, language) for row in records(listed)],
        worst_off=[
            who({"attribute": row["worst_attribute"], "group": row["worst_group"]}, language, titles()) if row["worst_group"] else ""
            for row in records(listed)
        ],
    )
    parts.table(named_rows, kinds, alt=words("caption_alternatives"))
    parts.note(parts.plain(words("note_alternatives")))
    return True


show()
