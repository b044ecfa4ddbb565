"""The score cut elsewhere: what each group would get, read off the published counts."""

from __future__ import annotations

import charts
import pandas as pd
import parts
import session
import streamlit as st

from scoring.fairness.verdicts import records
from scoring.further import FurtherTables
from scoring.reading import Tables
from scoring.texts import say

RATE = "selection_rate"
COLUMNS = {
    "named": "text", "verdict_in_study": "verdict", "verdict": "verdict", "hits": "count", "at_most": "count", "trials": "count", "value": "percent",
    "reference_value": "percent", "ratio": "ratio", "ratio_low": "ratio", "ratio_high": "ratio",
}  # fmt: skip


def show() -> None:
    """Show the page."""
    tables = session.tables()
    parts.opening("whatif")
    if not tables.cutoffs:
        st.info(parts.t("no_score"), icon=":material/info:", width=parts.TEXT_WIDTH)
        return
    parts.read(parts.t("not_a_study"))
    what_if()
    the_score(tables)


@st.fragment
def what_if() -> None:
    """Ask for a cut-off and show what it would change; only this part of the page is drawn again."""
    tables = session.tables()
    names = {name: parts.attribute_name(name) for name in tables.plan.groups}
    attribute = parts.choose(parts.t("choose_single"), names, key="whatif_attribute")
    curve = session.ask(_curve, attribute)
    options = {edge: parts.score(edge) for edge in sorted(tables.plan.direction * edge for edge in tables.cutoffs)}
    key = f"cutoff_{session.study().digest[:12]}"
    label = parts.t("choose_cutoff")
    cutoff = float(st.select_slider(label, list(options), value=_start(tables), format_func=lambda edge: options.get(edge, str(edge)), key=key))
    parts.note(_own_cutoff(tables))
    moved = session.ask(Tables.at_cutoff, cutoff)
    rows = compared(moved, attribute, curve)
    headline(rows, attribute)
    parts.section("rates_by_cutoff")
    charts.rates_by_cutoff(
        curve,
        cutoff=float(moved.cutoff or 0),
        declared=tables.cutoff,
        turned=tables.plan.direction,
        key="sweep",
        description=_in_words(rows, attribute, cutoff),
    )
    parts.note(parts.plain(_in_words(rows, attribute, cutoff)))
    if curve["group"].nunique() > charts.MOST_LINES:
        parts.note(parts.t("first_drawn", n=charts.MOST_LINES, of=curve["group"].nunique()))
    parts.section("ratios_there")
    charts.forest(rows, tolerance=tables.plan.bounds.tolerance, labels=rows["named"].tolist(), key="whatif_forest")
    parts.table(rows, COLUMNS, alt=parts.t("alt_whatif"))
    parts.note(parts.t("whatif_note", threshold=tables.plan.bounds.publication_threshold))
    if coarse := rows.loc[rows["verdict"] == parts.TOO_COARSE, "named"].tolist():
        parts.read(f"{parts.badge(parts.TOO_COARSE)} {parts.plain(parts.t('coarse', groups=', '.join(coarse)))}")


def compared(moved: Tables, attribute: str, curve: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one attribute at the new cut-off, the verdict of the study beside.

    No verdict stands where the published counts are too coarse for it (see `_at_most`).
    """
    rows = moved.judged(depth=1)
    rows = rows[(rows["attribute"] == attribute) & (rows["metric"] == RATE)]
    study = in_study(attribute).set_index("group")["verdict"]
    at_most = _at_most(rows, curve, float(moved.cutoff or 0))
    coarse = at_most / rows["trials"] > rows["high"]
    return rows.assign(
        named=rows["group"].map(parts.group_name),
        verdict_in_study=rows["group"].map(study).fillna(""),
        at_most=at_most,
        verdict=rows["verdict"].mask(coarse, parts.TOO_COARSE),
    ).reset_index(drop=True)


def in_study(attribute: str) -> pd.DataFrame:
    """Return the rows of one attribute as the study has them."""
    rows = session.ask(Tables.judged)
    return rows[(rows["attribute"] == attribute) & (rows["metric"] == RATE)]


def _at_most(rows: pd.DataFrame, curve: pd.DataFrame, edge: float) -> pd.Series[float]:
    """Return how many of each group may be selected at most: published counts move in steps, held at their lower end.

    Where the count falls at the very next cut-off, a step ends here and the count is exact. Elsewhere the truth lies between it and
    that of the step before. Where that gap is wider than what chance leaves open (in a small group, or in a large one whose scores
    crowd at the cut-off), a verdict would speak of the steps, not of the people.
    """
    steps = curve.sort_values("cutoff").pivot_table(index="cutoff", columns="group", values="hits")
    here = steps.index.get_indexer([edge], method="nearest")[0]
    now, after = steps.iloc[here], steps.iloc[min(here + 1, len(steps) - 1)]
    before = steps.where(steps > now).min()
    gap = (before - now).where(after >= now, 0.0).fillna(0.0)
    return rows["hits"] + rows["group"].map(gap).fillna(0.0)


def headline(rows: pd.DataFrame, attribute: str) -> None:
    """Show the share of everybody that would be selected, beside the study's own, and how the verdicts stand."""
    before, after = (_overall(table) for table in (in_study(attribute), rows))
    with st.container(horizontal=True, gap="small"):
        parts.tile(parts.num(after, "percent"), parts.t("selected_there"), parts.t("in_the_study", value=before))
        for verdict, found in rows.groupby("verdict", sort=False):
            parts.verdict_tile(str(verdict), parts.num(len(found)), parts.t("groups_of", n=len(rows)))


def _overall(rows: pd.DataFrame) -> float:
    """Return the rate of everybody: the groups of one attribute, unknown and small ones included, are everybody."""
    return float(rows["hits"].sum() / rows["trials"].sum())


def _curve(tables: FurtherTables, attribute: str) -> pd.DataFrame:
    """Return the selection rate of each group that is shown, at each cut-off."""
    rows = tables.threshold_sweep(attribute, ["selection_rate"])
    return rows[rows["cutoff"].notna()]


def _start(tables: Tables) -> float:
    """Return the study's own cut-off, or the one that selects about as many people as the study."""
    if tables.cutoff is not None:
        return tables.plan.direction * min(tables.cutoffs, key=lambda edge: abs(edge - float(tables.cutoff or 0)))
    attribute = next(iter(tables.plan.groups))
    selected = in_study(attribute)["hits"].sum()
    return tables.plan.direction * float((session.ask(_curve, attribute).groupby("cutoff")["hits"].sum() - selected).abs().idxmin())


def _own_cutoff(tables: Tables) -> str:
    """Say what the study decided by."""
    better = parts.t("better_at_most" if tables.plan.direction < 0 else "better_at_least")
    if tables.cutoff is None:
        return f"{parts.t('decided_by_column')} {better}"
    rule = tables.plan.decision.cutoff.rule if tables.plan.decision.cutoff else "value"
    value = tables.plan.decision.cutoff.value if tables.plan.decision.cutoff else None
    said = parts.t(f"rule_{rule}", value=value or 0)
    return f"{parts.t('own_cutoff', cutoff=parts.score(tables.plan.direction * tables.cutoff))} {said} {better}"


def _in_words(rows: pd.DataFrame, attribute: str, cutoff: float) -> str:
    """Return what the chart shows at the chosen cut-off, for those who cannot see it."""
    said = " · ".join(parts.t("group_rate", group=row["named"], value=row["value"]) for row in records(rows.sort_values("value")))
    return parts.t("alt_sweep", attribute=parts.attribute_name(attribute), cutoff=parts.score(cutoff), rates=said)


def the_score(tables: Tables) -> None:
    """Say how well the score tells good outcomes from bad ones, for everybody and per group."""
    found = session.ask(Tables.performance)
    if found.empty:
        return
    parts.section("the_score")
    first = records(found)[0]
    parts.read(parts.t("auc", **{name: first[name] for name in ("auc", "low", "high")}, confidence=tables.plan.bounds.confidence))
    rows = found.assign(named=[parts.named(row) if row["group"] else say("dashboard.everybody", session.language()) for row in records(found)])
    kinds = {"named": "text", "auc": "ratio3", "low": "ratio3", "high": "ratio3", "good": "count", "bad": "count"}
    parts.table(rows, kinds, alt=parts.t("alt_auc"))
    parts.note(parts.t("auc_note"))


show()
