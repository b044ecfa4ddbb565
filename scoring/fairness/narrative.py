"""Findings as plain sentences, English and French, generated from the signed numbers.

Who, against whom, how many of how many, how sure, how many people. No sentence clears anybody: what is not shown is said to be
not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from scoring.bounds import Bounds
from scoring.fairness.metrics import METRICS
from scoring.fairness.verdicts import because, records
from scoring.texts import SEMICOLON, has, pick, say
from scoring.vocabulary import CROSS, SMALL_GROUPS, UNKNOWN, WITHHELD, Verdict

Titles = Mapping[str, Mapping[str, str]]
"""Names of attributes by language, where the declaration gives them."""


def sentence(row: Mapping[str, Any], bounds: Bounds, language: str, titles: Titles | None = None) -> str:
    """Return what a judged row says, in one or two sentences and the reasons.

    Parameters
    ----------
    row
        A row of `Tables.judged`.
    bounds
        The tolerance and the confidence that it was judged by.
    language
        ``en`` or ``fr``.
    titles
        Names of attributes by language.
    """
    verdict = str(row["verdict"])
    code = (
        "withheld"
        if row["group"] == WITHHELD
        else "zero"
        if row["zero"] and verdict != Verdict.NOT_APPLICABLE
        else "folded"
        if "folded" in row["reasons"]
        else verdict.replace(" ", "_")
    )
    shared = {name: value for name, value in row.items() if name not in {"group", "reference", "verdict"}}
    said = say(
        f"narrative.{code}",
        language,
        **shared,
        **_people_short(row),
        verdict=say(f"verdict.{verdict}", language),
        who=who(row, language, titles),
        whom=whom(row, language),
        whom_of=whom(row, language, of="_of"),
        what=what(str(row["metric"]), language),
        tolerance=bounds.tolerance,
        confidence=bounds.confidence,
    )
    reasons = tuple(reason for reason in row["reasons"] if reason not in {"zero", "folded", "withheld_exclusion"})
    return " ".join(part for part in (said, because(reasons, dict(row), bounds, language)) if part)


def who(row: Mapping[str, Any], language: str, titles: Titles | None = None) -> str:
    """Return the group as it is spoken of: ``sex: F; age: 66+``."""
    names, levels = str(row["attribute"]).split(CROSS), str(row["group"]).split(CROSS)
    titled = [pick((titles or {}).get(name), language) or name for name in names]
    if len(levels) != len(names):
        return say("narrative.is", language, name=CROSS.join(titled), level=level(str(row["group"]), language))
    parts = (say("narrative.is", language, name=name, level=level(one, language)) for name, one in zip(titled, levels, strict=True))
    return SEMICOLON[language].join(parts)


def level(name: str, language: str) -> str:
    """Return a level in the reader's language where it is one of ours."""
    ours = {UNKNOWN: "unknown", SMALL_GROUPS: "small_groups", WITHHELD: "withheld_level"}
    return say(f"narrative.{ours[name]}", language) if name in ours else name


def whom(row: Mapping[str, Any], language: str, *, of: str = "") -> str:
    """Return the reference as it is spoken of; `of` chooses the words that follow "the rate"."""
    reference = str(row["reference"])
    if reference == "rest":
        return say(f"narrative.{'all_known' if row['group'] == UNKNOWN else 'rest'}{of}", language)
    return say(f"narrative.group{of}", language, group=level(reference, language))


def what(metric: str, language: str) -> str:
    """Return what happened to those who were counted, after "N of M"."""
    if has(f"narrative.did_{metric}", language):
        return say(f"narrative.did_{metric}", language)
    known = METRICS.get(metric)
    return say("narrative.did", language, metric=known.fr if language == "fr" and known else known.en if known else metric)


def _people_short(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the people short, floored at 0 for the reader; the table keeps the sign."""
    return {name: max(0.0, float(row[f"shortfall{name[5:]}"])) for name in ("short", "short_low", "short_high")}


def findings(rows: pd.DataFrame, bounds: Bounds, language: str, titles: Titles | None = None) -> list[str]:
    """Return the sentence of each judged row, in its order."""
    return [sentence(row, bounds, language, titles) for row in records(rows)]


def how_many(single: int, crossed: int, language: str) -> str:
    """Return so many groups and combinations in words.

    >>> how_many(1, 0, "en"), how_many(3, 2, "en")
    ('1 group', '3 groups and 2 combinations of groups')
    """
    parts = [say(f"narrative.{name}_{'one' if n == 1 else 'many'}", language, n=n) for name, n in (("group", single), ("combination", crossed)) if n]
    return say("narrative.and", language).join(f" {part} " for part in parts).strip() if len(parts) > 1 else "".join(parts)


def headline(rows: pd.DataFrame, language: str, primary: str) -> list[str]:
    """Return what must be known first: how many groups stand at each verdict for the primary metric, single and combined.

    Nothing here reads as a pass: what is open is said to be open.
    """
    main = rows[rows["metric"] == primary]
    part = main["under"].fillna("") != ""
    said = []
    for verdict in (Verdict.EXCLUSION, Verdict.LEANING, Verdict.UNDETERMINED, Verdict.NOT_APPLICABLE, Verdict.WITHIN_TOLERANCE):
        here = main["verdict"] == verdict.value
        single, crossed = int((here & (main["depth"] == 1)).sum()), int((here & (main["depth"] > 1) & ~part).sum())
        if single + crossed:
            said.append(say(f"narrative.headline_{verdict.value.replace(' ', '_')}", language, groups=how_many(single, crossed, language)))
        elif verdict is Verdict.EXCLUSION:
            said.append(say("narrative.headline_no_exclusion_shown", language))
        if verdict is Verdict.EXCLUSION and part.any():
            said.append(say(f"narrative.headline_parts_{'one' if part.sum() == 1 else 'many'}", language, parts=int(part.sum())))
    return said
