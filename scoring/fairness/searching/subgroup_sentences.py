"""What the subgroup search found, as plain sentences, English and French: findings, leads, and what was dropped and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles, what, who, whom
from scoring.fairness.searching.search import DROPPED, FINDING, LEAD
from scoring.fairness.verdicts import records
from scoring.texts import say
from scoring.vocabulary import REST


def subgroup_sentence(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None = None) -> str:
    """Return what a row of `search` says.

    Parameters
    ----------
    row
        A row of `search.search`.
    bounds
        The tolerance, the confidence and the smallest group that it was judged by.
    language
        ``en`` or ``fr``.
    titles
        Names of attributes by language.
    """
    code = _code(row)
    against = {"reference": REST, "group": row["group"]}
    said = say(
        f"subgroups.{code}",
        language,
        **{name: value for name, value in row.items() if name not in {"group", "named"}},
        who=who(row, language, titles),
        whom=whom(against, language),
        whom_of=whom(against, language, of="_of"),
        what=what(str(row["metric"]), language),
        others=_others(row, language, titles),
        short=max(0.0, float(row["shortfall"])),
        expected=float(row["trials"]) * float(row["reference_value"]),
        tolerance=bounds.tolerance,
        confidence=bounds.confidence,
    )
    small = say("subgroups.small", language, **row) if row["people"] < bounds.minimum_group else ""
    return " ".join(part for part in (said, small) if part)


def _code(row: Mapping[str, Any]) -> str:
    """Return the key of the sentence that a row asks for."""
    if row["status"] == DROPPED:
        return "hollow" if row["why"] == "hollow" else "part_of_several" if len(row["named"]) > 1 else "part"
    nobody = "_zero" if row["hits"] == 0 else ""
    return f"{'finding' if row['status'] == FINDING else 'lead'}{nobody}"


def _others(row: Mapping[str, Any], language: str, titles: Titles | None) -> str:
    """Return the groups that a row names, as they are spoken of."""
    named = [who({"attribute": attribute, "group": group}, language, titles) for attribute, group in row["named"]]
    quoted = [say("subgroups.quoted", language, who=one) for one in named]
    last = say("subgroups.and", language)
    return f" {last} ".join(part for part in (", ".join(quoted[:-1]), *quoted[-1:]) if part)


def subgroup_findings(rows: pd.DataFrame, bounds: Bounds, language: str, titles: Titles | None = None) -> list[str]:
    """Return the sentence of each row of `search.search`, in its order."""
    return [subgroup_sentence(row, bounds, language, titles) for row in records(rows)]


def subgroup_headline(rows: pd.DataFrame, language: str) -> list[str]:
    """Return how many findings, leads and dropped groups there are. Nothing here reads as a pass.

    >>> subgroup_headline(pd.DataFrame({"status": ["finding", "lead", "dropped", "dropped"]}), "en")[0]
    'The search lists 1 group of which exclusion is shown and that no other excluded group accounts for.'
    """
    number = {status: int((rows["status"] == status).sum()) for status in (FINDING, LEAD, DROPPED)}
    keys = [f"{status}s_{'none' if n == 0 else 'one' if n == 1 else 'many'}" for status, n in number.items() if n or status == FINDING]
    return [say(f"subgroups.{key}", language, n=number[key.split("s_")[0]]) for key in keys]
