"""What is at hand for a PIA: the published study, the declaration, the facts; and how a missing piece is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scoring.dossier.parts.study.page_one import party
from scoring.dossier.pia.build import missing
from scoring.dossier.pia.markup import Passage
from scoring.dossier.view import View, rows_of
from scoring.fairness.narrative import sentence
from scoring.texts import say
from scoring.vocabulary import Verdict


@dataclass(frozen=True, slots=True)
class Told:
    """A study as it may be published, the register entry, what the controller declared beyond it, and the facts stated."""

    view: View
    activity: Mapping[str, Any]
    declared: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def language(self) -> str:
        """The reader's language."""
        return self.view.language

    def say(self, key: str, /, **values: Any) -> str:
        """Return a text of the PIA."""
        return say(f"pia.{key}", self.language, **values)

    def lacks(self, piece: str) -> Passage:
        """Return that a piece is missing, and who must supply it."""
        return Passage(missing(piece, self.language), missing=True)

    def words(self, piece: str, key: str | None = None, **values: Any) -> Passage:
        """Return a declared text, in the sentence of `key` where one is named; or that it is missing."""
        said = self.view.pick(self.declared.get(piece))
        if not said:
            return self.lacks(piece)
        return Passage(self.say(key, words=said, **values) if key else said)

    def listed(self, piece: str, items: Iterable[str], key: str | None = None) -> Passage:
        """Return a list under its heading; or that it is missing."""
        held = tuple(items)
        return Passage(self.say(key or f"list_{piece}"), held) if held else self.lacks(piece)

    def picked(self, piece: str) -> tuple[str, ...]:
        """Return declared texts in the reader's language."""
        return tuple(filter(None, (self.view.pick(one) for one in self.declared.get(piece) or ())))

    def fact(self, name: str) -> Passage:
        """Return a question of fact with its answer; or that nobody answered it."""
        question = say(f"law.fact_{name}", self.language)
        value = self.facts.get(name)
        if not isinstance(value, bool):
            return Passage(self.say("fact_missing", question=question, who=self.say("by_controller")), missing=True)
        return Passage(self.say("fact", question=question, answer=say("law.yes" if value else "law.no", self.language).capitalize()))

    def desk(self, right: str) -> Passage:
        """Return how a right is exercised; or that it is missing."""
        held = (self.declared.get("rights") or {}).get(right)
        if not held:
            return self.lacks(right)
        said = self.say(f"right_{right}", how=self.view.pick(held["how"]))
        days = held.get("days")
        return Passage(said if days is None else f"{ended(said)} {self.say('answered', days=days)}")

    def party(self, role: str) -> str:
        """Return a body of the register entry with its role."""
        return self.say("party", role=self.view.say(role), name=party(self.view, self.activity[role]))

    def answers_to(self, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the justifications and measures declared for the gap of a row."""
        place = (row["attribute"], row["group"], row["metric"])
        return [one for one in self.declared.get("justifications") or () if (one["attribute"], one["group"], one["metric"]) == place]

    def gaps(self) -> Iterator[dict[str, Any]]:
        """Give the published rows that speak of exclusion, of groups and offers, and combinations that no excluded group accounts for.

        A row that the declaration answers is given too, whatever its verdict.
        """
        judged, offers = self.view.judged, self.view.tables.offers()
        about_offers = offers[offers["depth"] == 1] if len(offers) else offers
        own = (judged["depth"] == 1) | ((judged["verdict"] == Verdict.EXCLUSION) & (judged["under"].fillna("") == ""))
        asked = {Verdict.EXCLUSION.value, Verdict.LEANING.value}
        yield from (row for row in rows_of(judged) if self.answers_to(row) and row["verdict"] not in asked)
        for rows in (judged[own], about_offers):
            yield from rows_of(rows[rows["verdict"].isin(asked)])

    def open_rows(self) -> Iterator[dict[str, Any]]:
        """Give the groups that are not shown within the tolerance, for the primary metric; a reference is compared with nobody."""
        rows = self.view.single(self.view.plan.primary)
        rows = rows[rows["verdict"] != Verdict.WITHIN_TOLERANCE]
        yield from (row for row in rows_of(rows) if tuple(row["reasons"]) != ("is_reference",))

    def found(self, row: Mapping[str, Any]) -> str:
        """Return what a row shows, in a sentence."""
        return sentence(row, self.view.plan.bounds, self.language, self.view.tables.titles)


def ended(text: str) -> str:
    """Return a text that ends as a sentence, so that another may follow.

    >>> ended("By post"), ended("By post.")
    ('By post.', 'By post.')
    """
    return text if text.rstrip().endswith((".", "!", "?", "…", ")")) else f"{text.rstrip()}."
