"""The further tables as sheets of the workbook: every published row, in the reader's words, numbers as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scoring.dossier import further_rows
from scoring.dossier.further_words import role_of, source_of, stage_titles, strata_title
from scoring.dossier.parts.study.amounts import amount_title
from scoring.dossier.view import View, rows_of
from scoring.fairness.unobserved import why
from scoring.fairness.verdicts import because_in
from scoring.inquiry.alternatives.sentences import title_of
from scoring.texts import say

Kinds = Mapping[str, str]
_LIMITS: Final = ("", "_low", "_high")
_RATIO: Final = {f"ratio{limit}": "ratio" for limit in _LIMITS}
_WHO: Final = {"attribute": "text", "group": "text"}
_AGAINST: Final = {"ref_hits": "count", "ref_trials": "count", "reference_value": "percent"}
_CONDITIONAL: Final = {
    **_WHO, "metric": "text", "stratified_by": "text", "reference": "text", **_RATIO,
    **dict.fromkeys(("pooled_ratio", "pooled_low", "pooled_high"), "ratio"), "p_homogeneity": "p", "difference": "percent",
    **{f"{part}{limit}": "percent" for part in ("composition", "within") for limit in _LIMITS}, "not_comparable_part": "percent",
    "strata": "count", "not_comparable": "count", "simpson": "text", "because": "text",
}  # fmt: skip
_BY_STRATUM: Final = {
    **_WHO, "metric": "text", "stratified_by": "text", "stratum": "text", "reference": "text",
    "hits": "count", "trials": "count", "value": "percent", **_AGAINST, **_RATIO, "because": "text",
}  # fmt: skip
_FUNNEL: Final = {
    **_WHO, "stage": "text", "verdict": "text", "people": "count", "hits": "count", "trials": "count", "value": "percent", "low": "percent",
    "high": "percent", "reference": "text", **_AGAINST, **_RATIO, "log_share": "percent", "makes_the_gap": "text",
    **dict.fromkeys(("total_ratio", "total_low", "total_high"), "ratio"), "p_exclusion": "p", "p_exclusion_adjusted": "p", "p_within": "p",
    "p_within_adjusted": "p", "family": "count", "needed": "count", "bypassed": "count", "because": "text",
}  # fmt: skip
_AMOUNTS: Final = {
    **_WHO, "amount": "text", "people": "count", "without": "count", "zero": "count", "mean": "plain", "mean_low": "plain", "mean_high": "plain",
    "q10": "plain", "q50": "plain", "q90": "plain", "reference": "text", "reference_people": "count", "reference_mean": "plain",
    "reference_q50": "plain", **_RATIO, "because": "text",
}  # fmt: skip
_INEQUALITY: Final = {
    "attribute": "text", "amount": "text", "people": "count", "mean": "plain", "theil": "ratio3", "between": "ratio3", "inside": "ratio3",
    "between_share": "percent",
}  # fmt: skip
_REPRESENTATION: Final = {
    **_WHO, "verdict": "text", "people": "count", "share_file": "percent", "share_low": "percent", "share_high": "percent", "benchmark": "percent",
    "source": "text", **_RATIO, **{f"shortfall{limit}": "count" for limit in _LIMITS}, "p_exclusion": "p", "p_exclusion_adjusted": "p",
    "p_within": "p", "p_within_adjusted": "p", "family": "count", "because": "text",
}  # fmt: skip
_MEMBERSHIPS: Final = {
    **_WHO, "metric": "text", "verdict": "text", "people": "count", "cells": "count", "value": "percent", "value_lowest": "percent",
    "value_highest": "percent", "reference_value": "percent", "ratio": "ratio", "ratio_lowest": "ratio", "ratio_highest": "ratio",
    "ratio_lowest_low": "ratio", "ratio_highest_high": "ratio", "largest_bias": "percent", "source": "text", "because": "text",
}  # fmt: skip
_SELECTIVE: Final = {
    **_WHO, "metric": "text", "assumption": "text", "verdict": "text", "observed": "count", "unobserved": "count", "lowest": "percent",
    "highest": "percent", "rate_low": "percent", "rate_high": "percent", "ratio_lowest": "ratio", "ratio_highest": "ratio",
    "ratio_lowest_low": "ratio", "ratio_highest_high": "ratio", "because": "text",
}  # fmt: skip
_SCORES: Final = {
    **_WHO, "metric": "text", "people": "count", "good": "count", "bad": "count", "figure": "plain", "figure_low": "plain", "figure_high": "plain",
    "under_equality": "plain", "because": "text",
}  # fmt: skip
_OTHER_WAYS: Final = {
    "candidate": "text", "role": "text", "status": "text", "uses_protected_at_decision": "text", "on_frontier": "text",
    **{f"auc{limit}": "ratio3" for limit in _LIMITS}, **{f"profit{limit}": "plain" for limit in _LIMITS},
    **{f"worst{limit}": "ratio" for limit in ("_ratio", "_low", "_high")}, "worst_attribute": "text", "worst_group": "text",
    "selection_rate": "percent", "excluded_groups": "count", "groups": "count", "people": "count", "observed": "count", "why_not": "text",
}  # fmt: skip


def further_tables(view: View) -> Iterator[tuple[str, Kinds, Sequence[Mapping[str, Any]]]]:
    """Go through name, columns and rows of each further table; one that the study does not ask for has no rows."""
    yield "conditional", _CONDITIONAL, [_conditional(view, row) for row in rows_of(further_rows.conditional(view.tables))]
    yield "by_stratum", _BY_STRATUM, [_stratum(view, row) for row in rows_of(further_rows.by_stratum(view.tables)[0])]
    yield "funnel", _FUNNEL, [_stage(view, row) for row in rows_of(further_rows.funnel(view.tables)[0])]
    yield "amounts", _AMOUNTS, [_amount(view, row) for row in rows_of(further_rows.amounts(view.tables)[0])]
    yield "inequality", _INEQUALITY, [_inequality(view, row) for row in rows_of(further_rows.inequality(view.tables))]
    yield "representation", _REPRESENTATION, [_share(view, row) for row in rows_of(further_rows.representation(view.tables))]
    yield "memberships", _MEMBERSHIPS, [_member(view, row) for row in rows_of(further_rows.memberships(view.tables))]
    yield "selective", _SELECTIVE, [_selective(view, row) for row in rows_of(further_rows.selective(view.tables))]
    yield "scores", _SCORES, [_score(view, row) for row in rows_of(further_rows.scores(view.tables))]
    yield "alternatives", _OTHER_WAYS, [_candidate(view, row) for row in rows_of(further_rows.other_ways(view.tables)[0])]


def _named(view: View, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in the reader's words."""
    words: dict[str, Any] = {"attribute": view.name(str(row["attribute"]))}
    words |= {"group": view.level(str(row["group"]))} if "group" in row else {}
    words |= {"metric": view.metric(str(row["metric"]))} if "metric" in row else {}
    words |= {"reference": view.whom(row)} if "reference" in row else {}
    words |= {"verdict": say(f"verdict.{row['verdict']}", view.language) if row["verdict"] else ""} if "verdict" in row else {}
    return {**row, **words}


def _conditional(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    by = strata_title(str(row["stratified_by"]), view.language, view.titles)
    return {**_named(view, row), "stratified_by": by, "simpson": _whether(view, row["simpson"]), "because": _why_strata(view, row)}


def _stratum(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    by = strata_title(str(row["stratified_by"]), view.language, view.titles)
    return {**_named(view, row), "stratified_by": by, "stratum": view.level(str(row["stratum"])), "because": _why_strata(view, row)}


def _why_strata(view: View, row: Mapping[str, Any]) -> str:
    return say(f"strata.why_{row['reason']}", view.language) if row["reason"] else ""


def _whether(view: View, said: Any) -> str:
    return view.say("said_yes" if said else "said_no")


def _stage(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    named = stage_titles(view.plan, view.language)
    words = {"stage": named.get(row["stage"], row["stage"]), "makes_the_gap": _whether(view, row["makes_the_gap"])}
    return {**_named(view, row), **words, "because": because_in("funnel", row, view.plan.bounds, view.language)}


def _amount(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_named(view, row), "amount": amount_title(view, row["amount"]), "because": because_in("amounts", row, view.plan.bounds, view.language)}


def _inequality(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_named(view, row), "amount": amount_title(view, row["amount"]), "inside": row["within"]}


def _share(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    numbers = {"share_file": row["share"], "share_low": row["low"], "share_high": row["high"]}
    return {**_named(view, row), **numbers, "because": because_in("representation", row, view.plan.bounds, view.language)}


def _member(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    source = source_of(view.plan, str(row["attribute"]), view.language)
    return {**_named(view, row), "source": source, "because": why(tuple(row["reasons"]), row, view.plan.bounds, view.language)}


def _selective(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    numbers = {"rate_low": row["low"], "rate_high": row["high"], "ratio_lowest_low": row["ratio_low"], "ratio_highest_high": row["ratio_high"]}
    because = why(tuple(row["reasons"]), row, view.plan.bounds, view.language)
    return {**_named(view, row), **numbers, "assumption": view.say(f"assumption_{row['assumption']}"), "because": because}


def _score(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    words = {"metric": say(f"score_metrics.{row['metric']}", view.language)}
    words |= {"group": view.level(str(row["group"])) if row["attribute"] else view.say("everybody")}
    words |= {"because": say(f"score_metrics.because_{row['reason']}", view.language) if row["reason"] else ""}
    numbers = {"figure": row["value"], "figure_low": row["low"], "figure_high": row["high"]}
    return {**row, "attribute": view.name(str(row["attribute"])) if row["attribute"] else "", **words, **numbers}


def _candidate(view: View, row: Mapping[str, Any]) -> Mapping[str, Any]:
    words = {name: _whether(view, row[name]) for name in ("uses_protected_at_decision", "on_frontier")}
    words |= {
        "candidate": title_of(row, view.language, titles=view.plan.titles),
        "role": role_of(row, view.language),
        "status": view.say(f"status_{row['status'].replace(' ', '_')}"),
    }
    words |= {"why_not": row["reason"] or "", "worst_attribute": view.name(row["worst_attribute"]) if row["worst_attribute"] else ""}
    return {**row, **words, "worst_group": view.level(row["worst_group"]) if row["worst_group"] else ""}
