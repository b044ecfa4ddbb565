"""One attribute, or a combination, and one rate: each group against its reference, and what may be said of it."""

from __future__ import annotations

import charts
import pandas as pd
import parts
import session
import streamlit as st

from scoring.fairness.metrics import chosen as metrics_of
from scoring.fairness.narrative import sentence
from scoring.fairness.segments import NO_OFFER
from scoring.fairness.verdicts import records
from scoring.reading import Tables
from scoring.vocabulary import CROSS

SINGLE, CROSSED = "(single)", "(crossed)"  # every attribute alone; every combination
DRAWN = 20  # lines of a chart at most; the table holds all
KEYS = ["attribute", "group", "metric"]
JUDGED = {
    "named": "text", "verdict": "verdict", "hits": "count", "trials": "count", "value": "percent", "reference_value": "percent",
    "ratio": "ratio", "ratio_low": "ratio", "ratio_high": "ratio", "shortfall": "count", "needed": "count", "difference": "points",
    "refusal_ratio": "times", "ratio_to_best": "ratio", "p_exclusion_adjusted": "p", "p_within_adjusted": "p",
}  # fmt: skip
DESCRIBED = {
    "named": "text", "hits": "count", "trials": "count", "value": "percent", "low": "percent", "high": "percent",
    "reference_value": "percent", "ratio": "ratio", "ratio_low": "ratio", "ratio_high": "ratio", "difference": "points",
}  # fmt: skip


def show() -> None:
    """Show the page."""
    tables = session.tables()
    parts.opening("groups")
    metric, what = controls(tables)
    judged = metric in set(session.ask(Tables.judged)["metric"])
    rows = judged_rows(metric, what) if judged else described_rows(tables, metric, what)
    if rows.empty:
        st.info(parts.t("nothing_published"), icon=":material/visibility_off:")
        return
    parts.section("ratios")
    parts.note(parts.t("ratio_means") if judged else parts.t("described_only", metric=parts.metric_name(metric)))
    forest(rows, tables)
    parts.section("numbers")
    parts.table(rows, JUDGED if judged else DESCRIBED, alt=parts.t("alt_groups"))
    parts.note(parts.t("shortfall_means") if judged else parts.t("interval_means"))
    one_group(rows, tables, judged=judged)
    if judged:
        parts.section("verdicts_mean")
        parts.legend()
    bounds(tables, what)
    segments(what)


def controls(tables: Tables) -> tuple[str, str]:
    """Ask for the rate and for the groups."""
    left, right = st.columns(2)
    judged = set(session.ask(Tables.judged)["metric"])
    rates = {name: parts.t("with_verdict" if name in judged else "without_verdict", metric=parts.metric_name(name)) for name in _metrics(tables)}
    metric = parts.choose(parts.t("choose_metric"), rates, key="metric", place=left)
    names = {SINGLE: parts.t("every_attribute"), CROSSED: parts.t("every_combination")}
    sets = {name: names.get(name) or parts.attribute_name(name) for name in _sets(tables)}
    return metric, parts.choose(parts.t("choose_attribute"), sets, key="attribute", place=right)


def _metrics(tables: Tables) -> list[str]:
    """Return the rates that the study has, those with a verdict first."""
    judged = list(
        dict.fromkeys([tables.plan.primary, *sorted(session.ask(Tables.judged)["metric"].unique(), key=lambda name: name != tables.plan.primary)])
    )
    return [*judged, *(metric.name for metric in metrics_of(None, outcome=tables.counts.observed) if metric.name not in judged)]


def _sets(tables: Tables) -> list[str]:
    """Return the attributes and combinations that one can ask for."""
    rows = session.ask(Tables.judged)
    crossed = sorted(rows.loc[rows["depth"] > 1, "attribute"].unique(), key=lambda name: name.count(CROSS))
    return [SINGLE, *tables.plan.groups, *([CROSSED] if crossed else []), *crossed]


def judged_rows(metric: str, what: str) -> pd.DataFrame:
    """Return the judged rows that were asked for, first things first."""
    rows = session.ask(Tables.judged)
    rows = rows[rows["metric"] == metric]
    if what in {SINGLE, CROSSED}:
        return _named(rows[(rows["depth"] == 1) == (what == SINGLE)], alone=False)
    return _named(rows[rows["attribute"] == what], alone=True)


def described_rows(tables: Tables, metric: str, what: str) -> pd.DataFrame:
    """Return rows of a rate that gets no verdict: disparities beside their counts."""
    crossed = sorted(name for name in _sets(tables) if CROSS in name)
    asked = {SINGLE: list(tables.plan.groups), CROSSED: crossed}.get(what, [what])
    found = [
        tables.disparities(by=one, metrics=[metric]).merge(tables.rates(by=one, metrics=[metric]).drop(columns="value"), on=KEYS) for one in asked
    ]
    return _named(pd.concat(found, ignore_index=True), alone=what not in {SINGLE, CROSSED})


def _named(rows: pd.DataFrame, *, alone: bool) -> pd.DataFrame:
    """Name each group, with its attribute where the table mixes several."""
    return rows.assign(named=[parts.group_name(str(row["group"])) if alone else parts.named(row) for row in records(rows)]).reset_index(drop=True)


def forest(rows: pd.DataFrame, tables: Tables) -> None:
    """Draw the ratios, and say what the chart shows in words."""
    drawn = rows.head(DRAWN)
    charts.forest(drawn, tolerance=tables.plan.bounds.tolerance, labels=drawn["named"].tolist(), key="forest")
    if len(rows) > len(drawn):
        parts.note(parts.t("first_drawn", n=len(drawn), of=len(rows)))
    parts.note(f"{parts.t('chart_in_words', tolerance=tables.plan.bounds.tolerance)} {parts.t('no_threshold_in_law')}")


def one_group(rows: pd.DataFrame, tables: Tables, *, judged: bool) -> None:
    """Say in words what is known of one group."""
    parts.section("one_group")
    listed = records(rows)
    names = {f"{row['attribute']}: {row['group']}": parts.named(row) for row in listed}
    chosen = parts.choose(parts.t("choose_group"), names, key="group")
    row = next(row for row in listed if f"{row['attribute']}: {row['group']}" == chosen)
    if judged:
        parts.finding(row["verdict"], sentence(row, tables.plan.bounds, session.language(), tables.titles))
        if row.get("under"):
            parts.note(parts.t("part_of", group=parts.plain(str(row["under"]))))
        return
    said = parts.t("described", who=parts.named(row), **{name: row[name] for name in ("hits", "trials", "value", "low", "high", "reference_value")})
    parts.read(parts.plain(said))


def bounds(tables: Tables, what: str) -> None:
    """Show how far people of unknown group could move the ratios."""
    if CROSS in what or what == CROSSED:
        return
    parts.section("unknown_people")
    rows = session.ask(Tables.bounds)
    rows = rows[(rows["metric"] == tables.plan.primary) & (rows["unknown"] > 0)]
    rows = rows[rows["attribute"] == what] if what != SINGLE else rows
    if rows.empty:
        parts.read(parts.t("nobody_unknown"))
        return
    parts.read(parts.t("bounds_mean", metric=parts.metric_name(tables.plan.primary)))
    kinds = {"named": "text", "ratio": "ratio", "ratio_lowest": "ratio", "ratio_highest": "ratio", "unknown": "count", "breakdown": "count"}
    parts.table(_named(rows, alone=what != SINGLE), kinds, alt=parts.t("alt_bounds"))


def segments(what: str) -> None:
    """Show who is in which segment and who gets an offer, where the study has segments."""
    shares = session.ask(Tables.segments)
    if shares.empty or CROSS in what or what == CROSSED:
        return
    parts.section("segments_and_offers")
    shares = shares[shares["attribute"] == what] if what != SINGLE else shares
    offers = session.ask(Tables.offers)
    offers = offers[offers["attribute"] == what] if what != SINGLE else offers
    if len(offers):
        st.subheader(parts.t("offers"), anchor=False)
        parts.read(parts.t("offers_mean"))
        kinds = {"named": "text", "verdict": "verdict", "hits": "count", "trials": "count", "value": "percent", "reference_value": "percent",
                 "ratio": "ratio", "ratio_low": "ratio", "ratio_high": "ratio"}  # fmt: skip
        parts.table(_named(offers, alone=what != SINGLE), kinds, alt=parts.t("alt_offers"))
    st.subheader(parts.t("segments"), anchor=False)
    parts.read(parts.t("segments_mean"))
    kinds = {"named": "text", "segment": "text", "offer": "text", "in_segment": "count", "trials": "count", "value": "percent",
             "reference_value": "percent", "ratio": "ratio", "ratio_low": "ratio", "ratio_high": "ratio"}  # fmt: skip
    shares = _named(shares, alone=what != SINGLE).fillna({"offer": ""}).replace({"offer": {NO_OFFER: parts.t("no_offer")}})
    shares["in_segment"] = shares["hits"]
    parts.table(shares, kinds, alt=parts.t("alt_segments"))


show()
