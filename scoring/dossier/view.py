"""What a part of the dossier is handed: the study's facts, its published tables, and the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from scoring.dossier.document import Heading
from scoring.dossier.further_words import titles_of
from scoring.fairness.disparity import IS_REFERENCE
from scoring.fairness.metrics import METRICS
from scoring.fairness.narrative import level, whom
from scoring.fairness.verdicts import records
from scoring.further import FurtherTables
from scoring.plan import Plan
from scoring.plots.forest import label_of
from scoring.study import Study
from scoring.texts import SEMICOLON, has, number, pick, say
from scoring.vocabulary import CROSS, SMALL_GROUPS, UNKNOWN

_NEW_PAGE = frozenset({"findings", "score", "method", "register", "provenance"})


@dataclass(frozen=True)
class View:
    """A study as a reader of one language may see it. `tables` are published tables: working tables never come here."""

    study: Study
    tables: FurtherTables
    language: str
    record: Mapping[str, Any] = field(default_factory=dict)
    """What people recorded in the register, as plain data: opinions, reviews, justifications, incidents, the head of the trail."""

    @classmethod
    def of(cls, study: Study, language: str, record: Mapping[str, Any] | None = None) -> View:
        """Return the view of a study's published tables."""
        return cls(study, study.published(), language, record or {})

    @property
    def declared(self) -> Mapping[str, Any]:
        """The declaration as plain data; nothing of an audit."""
        return self.study.document or {}

    @property
    def assessment(self) -> Mapping[str, Any]:
        """What the controller says beyond the register entry (`scoring.assessment`); a study of before has none."""
        return self.declared.get("assessment") or {}

    @property
    def plan(self) -> Plan:
        """What was asked."""
        return self.study.plan

    @property
    def threshold(self) -> int:
        """Smallest number of people that a row may hold."""
        return self.plan.bounds.publication_threshold

    @cached_property
    def judged(self) -> pd.DataFrame:
        """Every published row with a verdict, first things first."""
        return self.tables.judged()

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics with a verdict, the primary one first."""
        return sorted(self.judged["metric"].unique(), key=lambda name: (name != self.plan.primary, name))

    def single(self, metric: str) -> pd.DataFrame:
        """Return the rows of single attributes."""
        return self.judged[(self.judged["metric"] == metric) & (self.judged["depth"] == 1)]

    def say(self, key: str, /, **values: Any) -> str:
        """Return a text of the dossier; those of the further questions have a room of their own."""
        room = "dossier" if has(f"dossier.{key}", self.language) or not has(f"dossier_further.{key}", self.language) else "dossier_further"
        return say(f"{room}.{key}", self.language, **values)

    def known(self, key: str, otherwise: str) -> str:
        """Return a text of the dossier, or other words where it has none."""
        return self.say(key) if has(f"dossier.{key}", self.language) else otherwise

    def number(self, value: float | None, kind: str) -> str:
        """Write a number."""
        return number(value, kind, self.language)

    def people(self, count: float) -> int | str:
        """Return a count of people, or that it is too small to be shown."""
        return int(count) if count == 0 or count >= self.threshold else self.say("fewer", threshold=self.threshold)

    def pick(self, words: Any) -> str:
        """Return words of the declaration."""
        return pick(words, self.language)

    @cached_property
    def titles(self) -> dict[str, Mapping[str, str]]:
        """Names of the attributes by language, of those known by probability too."""
        return titles_of(self.tables)

    def name(self, attribute: str) -> str:
        """Return the title of an attribute or of a combination of several."""
        return CROSS.join(pick(self.titles.get(name), self.language) or name for name in attribute.split(CROSS))

    def level(self, group: str) -> str:
        """Return a group in the reader's language where it is one of ours."""
        return level(group, self.language)

    def who(self, row: Mapping[str, Any]) -> str:
        """Return the group of a row, its attribute before it."""
        return label_of(row, self.language, self.titles)

    def whom(self, row: Mapping[str, Any]) -> str:
        """Return who the group of a row is compared with; nothing where it is the reference itself."""
        return whom(row, self.language) if isinstance(row["reference"], str) and row["reference"] != IS_REFERENCE else ""

    def metric(self, name: str) -> str:
        """Return the name of a metric; one that is not in the table of metrics speaks of offers."""
        found = METRICS.get(name)
        return self.say(name) if found is None else found.fr if self.language == "fr" else found.en

    def heading(self, anchor: str, *, level: int = 2, **values: Any) -> Heading:
        """Return the heading of a section or of a part of one."""
        return Heading(level, self.say(f"heading_{anchor}", **values), anchor.replace("_", "-"), anchor in _NEW_PAGE)

    def listed(self, words: Iterable[str]) -> str:
        """Write a list into a sentence."""
        return f"{self.say('comma')} ".join(words)

    def semicolons(self, words: Iterable[str]) -> str:
        """Write a list whose members may hold commas."""
        return SEMICOLON[self.language].join(words)

    @cached_property
    def places(self) -> dict[tuple[str, str], int]:
        """The order of the groups: attributes as counted, levels from the lowest."""
        rows = self.tables.rates(metrics=[self.plan.primary])
        return {pair: place for place, pair in enumerate(zip(rows["attribute"], rows["group"], strict=True))}

    @cached_property
    def named(self) -> dict[str, str]:
        """The published groups by the name that the core gives them in ``under``."""
        return {f"{row['attribute']}: {row['group']}": self.who(row) for row in records(self.judged)}

    def unknown(self, attribute: str) -> float | None:
        """Return how many people's group is unknown; none where they are folded with small groups and not shown alone."""
        rows = self.single(self.plan.primary)
        rows = rows[rows["attribute"] == attribute]
        if (found := rows[rows["group"] == UNKNOWN]["people"]).size:
            return float(found.iloc[0])
        folded = rows[rows["group"] == SMALL_GROUPS]["folded"]
        return None if any(UNKNOWN in str(names) for names in folded) else 0.0


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as mappings of column to value."""
    return records(table)
