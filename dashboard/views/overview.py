"""What the reader must know in ten seconds: who is excluded, what stays open, and what was not looked at."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import parts
import session
import streamlit as st

from scoring.facts import SPLIT
from scoring.fairness.narrative import sentence
from scoring.fairness.verdicts import records
from scoring.reading import Tables
from scoring.texts import pick, say
from scoring.vocabulary import REST, SMALL_GROUPS, UNKNOWN, Criterion, Verdict

FIRST = 5  # findings shown at once; the others open below them
_APART = tuple(f"criteria.{ground}" for ground in SPLIT)  # the law names three grounds where a declaration has one
_OPEN = (Verdict.LEANING.value, Verdict.UNDETERMINED.value)
_TILES = (Verdict.EXCLUSION, Verdict.LEANING, Verdict.UNDETERMINED, Verdict.NOT_APPLICABLE, Verdict.WITHIN_TOLERANCE)


def show() -> None:
    """Show the page."""
    parts.opening("overview")
    tables, rows = session.tables(), session.ask(Tables.judged)
    tiles(rows, tables.plan.primary)
    in_short(tables)
    excluded(rows)
    still_open(rows)
    not_measured(tables)
    people(tables)
    judging(tables)
    provenance()


def tiles(rows: pd.DataFrame, primary: str) -> None:
    """Show how many groups stand at each verdict, single groups large, combinations below."""
    main = rows[(rows["metric"] == primary) & ~_parts(rows)]
    crossed = bool((rows["depth"] > 1).any())
    with st.container(horizontal=True, gap="small"):
        for verdict in _TILES:
            found = main[main["verdict"] == verdict.value]
            below = parts.t("and_combinations", n=len(found[found["depth"] > 1])) if crossed else None
            parts.verdict_tile(verdict.value, parts.num(len(found[found["depth"] == 1])), below)
    said = parts.t("tiles" if crossed else "tiles_single", metric=parts.metric_name(primary))
    parts.note(f"{said} {parts.t('tiles_parts', n=int(_parts(rows).sum()))}" if _parts(rows).any() else said)
    with st.expander(parts.t("verdicts_mean"), width=parts.TEXT_WIDTH):
        parts.legend()


def _parts(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which combinations are only parts of an excluded group."""
    return rows["under"].fillna("") != ""


def in_short(tables: Tables) -> None:
    """Say in one breath what the numbers above do not speak of."""
    silent = _silent(tables)
    named = ", ".join(say(f"criterion.{one.criterion}", session.language()).lower() for one in tables.plan.not_measured)
    parts.read(parts.t("short_not_measured", named=named, n=len(silent)) if named else parts.t("short_none_named", n=len(silent)))


def excluded(rows: pd.DataFrame) -> None:
    """List the groups whose exclusion is shown, and those of whom nobody was favoured, in plain sentences."""
    parts.section("who_is_excluded")
    offers = session.ask(Tables.offers)
    found = [*_findings(rows[~_parts(rows)], _is_finding), *_findings(offers, _is_finding)]
    if not any(verdict == Verdict.EXCLUSION.value for verdict, _ in found):
        parts.read(say("narrative.headline_no_exclusion_shown", session.language()))
    _listed(found)


def still_open(rows: pd.DataFrame) -> None:
    """List what is not settled, in either direction."""
    found = _findings(rows, lambda one: one["verdict"].isin(_OPEN) & ~_is_finding(one))
    parts.section("what_is_open")
    parts.read(parts.t("open_is_no_pass", n=len(found)) if found else parts.t("nothing_open"))
    _listed(found, first=3)


def _is_finding(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell what stands first: exclusion, and nobody favoured."""
    return (rows["verdict"] == Verdict.EXCLUSION.value) | (rows["zero"].astype(bool) & (rows["verdict"] != Verdict.NOT_APPLICABLE.value))


def _findings(rows: pd.DataFrame, chosen: Callable[[pd.DataFrame], pd.Series[bool]]) -> list[tuple[str, str]]:
    if rows.empty:
        return []
    tables, language = session.tables(), session.language()
    return [(row["verdict"], sentence(row, tables.plan.bounds, language, tables.titles)) for row in records(rows[chosen(rows)])]


def _listed(found: list[tuple[str, str]], first: int = FIRST) -> None:
    for verdict, said in found[:first]:
        parts.finding(verdict, said)
    if more := found[first:]:
        with st.expander(parts.t("more_findings", n=len(more)), width=parts.TEXT_WIDTH):
            for verdict, said in more:
                parts.finding(verdict, said)


def _silent(tables: Tables) -> list[str]:
    """Return the names of the legal grounds of which the declaration says nothing at all, counted as the law and the dossier count them."""
    spoken = {group.criterion for group in tables.plan.groups.values()} | {one.criterion for one in tables.plan.not_measured}
    left = [ground for ground in Criterion if ground not in spoken]
    keys = [key for ground in left for key in (_APART if ground is Criterion.ETHNICITY_OR_NATION else (f"criterion.{ground}",))]
    return [say(key, session.language()) for key in keys]


def not_measured(tables: Tables) -> None:
    """Say which legal grounds were not looked at, and why."""
    language = session.language()
    parts.section("not_measured")
    measured = dict.fromkeys(group.criterion for group in tables.plan.groups.values() if group.criterion)
    names = ", ".join(say(f"criterion.{ground}", language) for ground in measured)
    parts.read(parts.t("measured", names=names) if names else parts.t("measured_none"))
    reasons = {one.criterion: parts.plain(pick(one.why, language)) for one in tables.plan.not_measured}
    parts.read("\n".join(parts.t("not_measured_because", ground=say(f"criterion.{ground}", language), why=why) for ground, why in reasons.items()))
    if silent := _silent(tables):
        with st.expander(parts.t("silent", n=len(silent)), width=parts.TEXT_WIDTH):
            parts.read("\n".join(f"- {ground}" for ground in silent))


def people(tables: Tables) -> None:
    """Show where everybody of the file is: studied, of unknown group, in groups too small to show, rejected."""
    parts.section("people")
    everybody = session.ask(Tables.everybody).pivot_table(
        index="attribute", columns="standing", values="people", aggfunc="sum", fill_value=0, sort=False
    )
    rates = tables.rates(metrics=["selection_rate"]).pivot_table(index="attribute", columns="group", values="trials", sort=False)
    rows = pd.DataFrame(
        {
            "attribute": list(tables.plan.groups),
            "studied": _column(everybody, "studied", tables),
            "unknown": _column(rates, UNKNOWN, tables),
            "small": _column(rates, SMALL_GROUPS, tables),
            "rejected": _column(everybody, "rejected", tables),
        }
    )
    kinds = {"attribute": "attribute", "studied": "count", "unknown": "count", "small": "count", "rejected": "count"}
    parts.table(rows, kinds, alt=parts.t("alt_people"))
    reasons(tables)
    parts.note(parts.t("people_note", threshold=tables.plan.bounds.publication_threshold))


def _column(table: pd.DataFrame, name: str, tables: Tables) -> list[float]:
    """Return a column by attribute; nobody where it is absent."""
    held = table[name] if name in table else pd.Series(dtype=float)
    return held.reindex(list(tables.plan.groups)).fillna(0.0).tolist()


def reasons(tables: Tables) -> None:
    """Say why rows were rejected; few of one reason are not counted out loud."""
    threshold, found = tables.plan.bounds.publication_threshold, session.ask(Tables.rejects)
    if found.empty:
        parts.read(parts.t("nobody_rejected"))
        return
    parts.read(parts.t("rejected_because"))
    held = {str(reason): parts.num(n) if n >= threshold else parts.t("fewer_than", n=threshold) for reason, n in found.items()}
    parts.read("\n".join(parts.t("reason_and_count", reason=parts.plain(reason), n=n) for reason, n in held.items()))


def judging(tables: Tables) -> None:
    """Say by what it was judged, and what none of this says."""
    parts.section("how_judged")
    bounds, reference = tables.plan.bounds, tables.plan.reference
    against = parts.t("reference_rest") if reference == REST else parts.t("reference_other", reference=parts.plain(str(reference)))
    lines = [
        parts.t("tolerance", tolerance=bounds.tolerance),
        f"{parts.t('reference')} {against}",
        parts.t("confidence", confidence=bounds.confidence),
        parts.t("small_groups_judged", n=bounds.minimum_group),
    ]
    parts.read("\n".join(f"- {line}" for line in lines))
    parts.read(parts.t("no_advice"))


def provenance() -> None:
    """Show what the numbers came from."""
    opened = session.study()
    source, environment = opened.source or {}, opened.environment or {}
    with st.expander(parts.t("provenance"), width=parts.TEXT_WIDTH):
        parts.read(parts.t("source", name=parts.plain(str(source.get("name"))), rows=source.get("rows") or 0))
        if source.get("sha256"):
            st.code(str(source["sha256"]), language=None, wrap_lines=True)
        parts.read(parts.t("manifest", folder=parts.plain(opened.folder), version=environment.get("equiscore", "?")))
        st.code(opened.digest, language=None, wrap_lines=True)
        parts.note(parts.t("restricted"))


show()
