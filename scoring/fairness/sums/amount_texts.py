"""What amounts say of each group, as plain sentences, English and French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from scoring.bounds import Bounds
from scoring.fairness.narrative import Titles, who, whom
from scoring.fairness.verdicts import records
from scoring.plan import Amount
from scoring.texts import number, pick, say


def amount_sentences(
    rows: pd.DataFrame, plan_amounts: Mapping[str, Amount], bounds: Bounds, language: str = "en", titles: Titles | None = None
) -> list[str]:
    """Return what each row of `amount_rows` says, in one or two sentences and the reasons."""
    return [_sentence(row, plan_amounts[row["amount"]], bounds, language, titles) for row in records(rows)]


def _sentence(row: Mapping[str, Any], amount: Amount, bounds: Bounds, language: str, titles: Titles | None) -> str:
    shown = {name: _amount(row[name], language) for name in ("mean", "mean_low", "mean_high", "reference_mean", "q50", "reference_q50")}
    effects = {name: row[name] for name in ("people", "without", "ratio", "ratio_low", "ratio_high")}
    spoken = {
        "who": who(row, language, titles), "whom": whom(row, language), "confidence": bounds.confidence,
        "amount": pick(amount.title, language) or row["amount"], "way": say(f"amounts.{amount.higher_is}", language),
    }  # fmt: skip
    known = row["ratio"] == row["ratio"]
    form = ("compared" if row["ratio_low"] == row["ratio_low"] else "compared_alone") if known else "alone" if row["people"] else "nobody"
    parts = [say(f"amounts.{form}", language, **spoken, **shown, **effects)]
    if row["without"]:
        parts.append(say("amounts.without", language, without=row["without"]))
    return " ".join([*parts, *(say(f"amounts.because_{code}", language) for code in row["reasons"])])


def _amount(value: float, language: str) -> str:
    """Write an amount: whole from a thousand on, with two decimals below."""
    return number(value, "count" if abs(value) >= 1000 else "ratio", language)


def theil_sentences(rows: pd.DataFrame, plan_amounts: Mapping[str, Amount], language: str = "en", titles: Titles | None = None) -> list[str]:
    """Return what each row of `theil` says."""
    said = []
    for row in records(rows):
        named = pick((titles or {}).get(str(row["attribute"])), language) or row["attribute"]
        amount = pick(plan_amounts[row["amount"]].title, language) or row["amount"]
        form = "theil" if row["between_share"] == row["between_share"] else "theil_same" if row["theil"] == row["theil"] else "theil_none"
        said.append(say(f"amounts.{form}", language, **{name: row[name] for name in ("theil", "between_share", "people")}, name=named, amount=amount))
    return said
