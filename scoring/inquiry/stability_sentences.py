"""What the tables of stability and of churn say, in English and French; nothing is ever called stable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from scoring.fairness.narrative import Titles, who
from scoring.inquiry.stability import ALL
from scoring.texts import pick, say


def stability_sentences(rows: pd.DataFrame, language: str, *, titles: Titles | None = None) -> list[str]:
    """Return what each row of `stability_table` says; no sentence calls a score stable.

    Parameters
    ----------
    rows : DataFrame
        As `stability_table` gives them.
    language : str
        ``en`` or ``fr``.
    titles
        Names of attributes and variables by language.
    """
    return [_sentence({str(key): value for key, value in row.items()}, language, titles) for row in rows.to_dict("records")]


def _sentence(row: Mapping[str, Any], language: str, titles: Titles | None) -> str:
    named = _named(row, language, titles)
    variable = pick((titles or {}).get(str(row["variable"])), language) or str(row["variable"])
    code = row["reason"] or str(row["verdict"]).replace(" ", "_")
    said = [say(f"stability.{code}", language, **{**row, "who": named, "variable": variable})]
    if not row["reason"] and row["unseen_after"]:
        said.append(say("stability.unseen", language, **row))
    if not row["reason"] and row["one_sided"]:
        said.append(say("stability.one_sided", language, **row))
    return " ".join(said)


def churn_sentences(rows: pd.DataFrame, language: str, *, titles: Titles | None = None) -> list[str]:
    """Return what each row of `membership_churn` says: who changed, who came and went, and how far the segmentations agree."""
    return [_churn({str(key): value for key, value in row.items()}, language, titles) for row in rows.to_dict("records")]


def _churn(row: Mapping[str, Any], language: str, titles: Titles | None) -> str:
    values = {**row, "who": _named(row, language, titles)}
    codes = ["churn_share" if row["both"] else "churn_nobody"]
    codes += ["churn_bands"] if row["both"] and row["up"] == row["up"] else []
    codes += ["churn_rand"] if row["rand"] == row["rand"] else []
    codes += ["churn_others"] if row["entered"] or row["left"] or row["no_segment"] else []
    return " ".join(say(f"stability.{code}", language, **values) for code in codes)


def _named(row: Mapping[str, Any], language: str, titles: Titles | None) -> str:
    return say("stability.everybody", language) if row["attribute"] == ALL else who(row, language, titles)
