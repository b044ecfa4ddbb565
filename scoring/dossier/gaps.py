"""Which gaps a study shows, and what answers them: one rule for the facts of law, the cover, the sections and the annexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pandas as pd

from scoring.dossier.parts.days import as_day
from scoring.fairness.verdicts import records
from scoring.further import FurtherTables
from scoring.vocabulary import CROSS, Verdict

PARTS: Final = ("aim", "necessary", "appropriate", "alternatives")
"""What a justification needs, all four (`scoring.assessment.Justification`)."""
Key = tuple[str, str, str]
"""Attribute, group and metric of a gap, the attributes of a combination in the order of their names."""


def key_of(attribute: str, group: str, metric: str) -> Key:
    """Return what names a gap, whatever the order of the attributes of a combination.

    >>> key_of("sex x age", "F x 66+", "m") == key_of("age x sex", "66+ x F", "m")
    True
    """
    names, levels = attribute.split(CROSS), group.split(CROSS)
    if len(names) != len(levels):
        return attribute, group, metric
    pairs = sorted(zip(names, levels, strict=True))
    return CROSS.join(name for name, _ in pairs), CROSS.join(level for _, level in pairs), metric


def key_of_row(row: Mapping[str, Any]) -> Key:
    """Return what names the gap of a row of verdicts."""
    return key_of(str(row["attribute"]), str(row["group"]), str(row["metric"]))


def verdicts_of(tables: FurtherTables, judged: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the verdicts of decisions and of offers; `judged` where the first are at hand."""
    decisions, offers = tables.judged() if judged is None else judged, tables.offers()
    return pd.concat([decisions, offers], ignore_index=True) if len(offers) else decisions


def standing(rows: pd.DataFrame, *verdicts: Verdict) -> pd.DataFrame:
    """Return the rows of these verdicts that stand by themselves: no other group accounts for them."""
    return rows[rows["verdict"].isin(verdicts) & (rows["under"].fillna("") == "")]


def shown(tables: FurtherTables, judged: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    """Return every exclusion of published tables that stands by itself, groups, combinations and offers."""
    return records(standing(verdicts_of(tables, judged), Verdict.EXCLUSION))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the controller says to a gap, in the words of the declaration or of the register."""

    attribute: str
    group: str
    metric: str
    parts: Mapping[str, Any]
    """The four parts of a justification that are there."""
    measure: Any
    owner: str
    due: date | None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Answer:
        """Return the answer of plain data."""
        parts = {name: said[name] for name in PARTS if said.get(name)}
        named = (str(said.get("attribute", "")), str(said.get("group", "")), str(said.get("metric") or "selection_rate"))
        return cls(*named, parts, said.get("measure") or None, str(said.get("owner") or ""), as_day(said.get("due")))

    @property
    def key(self) -> Key:
        """The gap that it names."""
        return key_of(self.attribute, self.group, self.metric)

    @property
    def justified(self) -> bool:
        """Whether it is a justification in all four parts: a measure alone justifies nothing."""
        return len(self.parts) == len(PARTS)

    @property
    def whole(self) -> bool:
        """Whether it answers: a justification in all four parts or a measure, with somebody who answers for it and a day."""
        return (self.justified or self.measure is not None) and self.owner != "" and self.due is not None


def given(declared: Mapping[str, Any], record: Mapping[str, Any]) -> list[Answer]:
    """Return what the declaration and the register answer to gaps, each once."""
    said = [*((declared.get("assessment") or {}).get("justifications") or ()), *(record.get("justifications") or ())]
    found = [Answer.of(one) for one in said if isinstance(one, Mapping)]
    return [one for place, one in enumerate(found) if one not in found[:place]]


def answers(declared: Mapping[str, Any], record: Mapping[str, Any]) -> dict[Key, Answer]:
    """Return the whole answer of each gap that has one; one of the register comes after one declared.

    >>> half = {"attribute": "sex", "group": "F", "measure": "Ask for less"}
    >>> answers({}, {"justifications": [half]}), list(answers({}, {"justifications": [half | {"owner": "A", "due": "2027-01-01"}]}))
    ({}, [('sex', 'F', 'selection_rate')])
    """
    return {one.key: one for one in given(declared, record) if one.whole}
