"""What a study measures of what the law asks: decisions that follow the score, gaps and their justification, variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from scoring.dossier.gaps import given, key_of_row, shown
from scoring.fairness.verdicts import records
from scoring.further import FurtherTables
from scoring.law.decisiveness import Decisiveness
from scoring.plan import Plan
from scoring.study import Study
from scoring.vocabulary import Role, Verdict

_BASE: Final = "(base)"


def measured_decisiveness(study: FurtherTables, cutoff: float | None = None) -> tuple[Decisiveness | None, str]:
    """Return how far the decisions taken follow the score at the cut-off in force, or nothing and why (a key of `scoring.decisions.FIXES`).

    Of published tables small groups are folded. `cutoff` is by default the declared one (`study.score.applied_cutoff`).
    """
    return study.measured_decisiveness(cutoff)


def gap_facts(study: Study, record: Mapping[str, Any] | None = None, tables: FurtherTables | None = None) -> dict[str, bool]:
    """Return ``group_gap`` and ``gap_justified`` as far as the study settles them.

    A gap is there where exclusion is shown, and is known not to be there only where all is shown within tolerance. It is justified only
    where every published gap that stands by itself has a justification in all four parts; a measure alone answers a gap, it does not
    justify it, and one without somebody who answers for it and a day answers nothing. Otherwise nothing is said, which is a question.
    """
    verdicts = {*study.judged()["verdict"], *study.offers()["verdict"]} - {Verdict.NOT_APPLICABLE.value}
    if Verdict.EXCLUSION.value not in verdicts:
        return {"group_gap": False} if verdicts == {Verdict.WITHIN_TOLERANCE.value} else {}
    gaps = {key_of_row(row) for row in shown(tables or study.published())}
    justified = {one.key for one in given(study.document or {}, record or {}) if one.justified and one.whole}
    return {"group_gap": True, **({"gap_justified": True} if gaps and gaps <= justified else {})}


# variables


def variables_of(study: Study, tables: FurtherTables | None = None) -> tuple[Mapping[str, Any], ...]:
    """Return the variables of a score: declared purpose, information value of the card, the group that each one alone tells best."""
    document, values = study.document or {}, information_values(study.facts.get("points") or ())
    proxies = _proxies(tables or study.published())
    return tuple(variable(name, study.plan, document, values, proxies) for name in names_of(study.plan, document))


def names_of(plan: Plan, document: Mapping[str, Any]) -> list[str]:
    """Return the features, and the variables that the declaration speaks of besides."""
    return list(dict.fromkeys([*plan.features, *((document.get("assessment") or {}).get("variables") or ())]))


def variable(
    name: str, plan: Plan, document: Mapping[str, Any], values: Mapping[str, float], proxies: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return what is known of one variable, as `scoring.law.criteria.minimisation` reads it."""
    said = ((document.get("assessment") or {}).get("variables") or {}).get(name) or {}
    protected = name in plan.columns and Role.PROTECTED in plan.columns[name].roles
    sensitive = True if protected and said.get("sensitive") is None else said.get("sensitive")
    return {"name": name, **said, "sensitive": sensitive, "predictive_value": values.get(name), **proxies.get(name, {})}


def information_values(points: Any) -> dict[str, float]:
    """Return the information value of each feature of a card, from its published points: the sum of (good share - bad share) x weight of evidence.

    Source: Siddiqi 2006, *Credit Risk Scorecards*, ch. 6.

    >>> rows = [{"feature": "a", "count": 10, "favourable_share": share, "woe": woe} for share, woe in ((0.8, 1.39), (0.2, -1.39))]
    >>> round(information_values(rows)["a"], 3)
    1.668
    """
    rows = pd.DataFrame(list(points), columns=["feature", "count", "favourable_share", "woe"])
    rows = rows[(rows["feature"] != _BASE) & (pd.to_numeric(rows["count"]) > 0)]
    good = (rows["count"] * rows["favourable_share"]).astype(float)
    bad = rows["count"].astype(float) - good
    parts = (_share(good, rows["feature"]) - _share(bad, rows["feature"])) * rows["woe"].astype(float)
    return {str(name): float(value) for name, value in parts.groupby(rows["feature"]).sum().items()}


def _share(values: pd.Series[Any], by: pd.Series[Any]) -> pd.Series[Any]:
    return values / values.groupby(by).transform("sum")


def _proxies(tables: FurtherTables) -> dict[str, Mapping[str, Any]]:
    """Return, of each feature, the published group that it alone tells best, and how well (AUC); no group where that may be chance."""
    if "proxies" not in tables.inquiry:
        return {}
    rows = tables.proxies().dropna(subset=["auc"]).sort_values("auc", ascending=False).drop_duplicates("feature")
    return {
        str(row["feature"]): {"proxy_of": f"{row['attribute']}: {row['level']}" if row["low"] > 0.5 else "", "proxy_strength": row["auc"]}
        for row in records(rows)
    }
