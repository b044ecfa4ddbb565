"""The sheet that tells a person how their score was worked out (GDPR art. 15(1)(h); CJEU C-203/22, Dun & Bradstreet Austria).

It says which data were used, by which procedure, what each gave, which cost most, where the cut-off lies, and how far a change of
what the person can change would have changed the result; what is not known, and what the person may ask for. It neither needs nor
keeps who the person is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scoring.errors import ContractError, StudyError
from scoring.explanations.facts import Facts, find_out, one_person
from scoring.explanations.sheet import Part, fragment, to_html, to_markdown
from scoring.explanations.wording import Words, sheet_parts
from scoring.models.columns import level_name
from scoring.models.explaining.traits import Trait, Traits, read_traits
from scoring.plan import Plan
from scoring.texts import say
from scoring.vocabulary import ColumnType, Role

__all__ = ["Explanation", "explain", "explain_person", "traits_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One person's sheet.

    Attributes
    ----------
    facts : Facts
        What was found out: score, parts (`facts.found`), reasons (`facts.reasons`), nearest change (`facts.nearest`).
    parts : tuple of Part
        The same in words, in the order of the sheet.
    language : str
        ``en`` or ``fr``.
    """

    facts: Facts
    parts: tuple[Part, ...]
    language: str

    def table(self) -> pd.DataFrame:
        """Return a row a feature, between the start and the total.

        Columns: feature, value, place (the bin of a card), part, baseline, difference, rank (0: no reason), unit, protected,
        changeable (missing where it was not declared). The parts of the rows but the last add up to the last.
        """
        return self.facts.table()

    def to_html(self) -> str:
        """Return the sheet as one page that loads nothing; text of the data is escaped."""
        return to_html(self._title, self.parts, self.language)

    def to_markdown(self) -> str:
        """Return the sheet as Markdown; text of the data is escaped."""
        return to_markdown(self._title, self.parts)

    @property
    def _title(self) -> str:
        return say("explanation.title", self.language)

    def _repr_html_(self) -> str:
        return fragment(self._title, self.parts)


def explain(
    estimator: Any,
    person: Any,
    *,
    cutoff: float | None = None,
    background: Any = None,
    traits: Traits | Mapping[str, Trait] | None = None,
    language: str = "en",
    baseline: str | Mapping[str, float] = "mean",
    most: int = 4,
    favourable: Any = None,
    decision_title: str | Mapping[str, str] = "",
    origin: str = "",
    contact: str = "",
) -> Explanation:
    """Explain one person's score.

    Parameters
    ----------
    estimator
        A fitted model whose contributions add up: a scorecard, a logistic score, boosting without interactions, one of these calibrated.
    person
        A frame of one row, a Series, or a mapping from column to value; columns that the model does not know are not looked at.
    cutoff : float, optional
        Points of a card, else a probability of the favourable class; who scores it or more gets the favourable result.
    background : DataFrame, optional
        Other people, to compare with; a card needs none, for it knows how many people stood in each bin at fit.
    traits
        What is known of the features: titles, units, which are protected, which a person can change and how far.
    language : {"en", "fr"}
        Of the sheet.
    baseline, most
        What the parts are held against, and how many reasons are listed (`scoring.models.explaining.reasons.reason_codes`).
    favourable
        The class that more is better for; by default the model's own.
    decision_title, origin, contact
        What the favourable result is called, where the cut-off comes from, and whom to write to, as the person is to read it.

    Raises
    ------
    NotAdditive
        The model is no sum of parts: an explanation by parts would be wrong.
    EquiscoreError
        Not one person, a column missing, no background for a model that needs one.

    Examples
    --------
    >>> from scoring.models import Scorecard, WoEBinner
    >>> people = pd.DataFrame({"home": ["own", "own", "rent", "own", "rent", "rent"]})
    >>> card = Scorecard(binner=WoEBinner(shrink=False)).fit(people, ["good", "good", "bad", "good", "good", "bad"])
    >>> sheet = explain(card, {"home": "rent"}, cutoff=500, traits={"home": Trait(title="Housing", changeable=True)})
    >>> sheet.table()[["feature", "part", "rank"]].values.tolist()
    [['(base)', 506.0, <NA>], ['home', -26.0, 1], ['(total)', 480.0, <NA>]]
    >>> print(sheet.parts[5].text[0], sheet.parts[5].listed[0])
    One change would have been enough, everything else being as it is: Housing: own instead of rent (+69 points)
    """
    say("explanation.title", language)  # refuses a language that nobody wrote
    facts = find_out(
        estimator,
        one_person(person),
        cutoff=cutoff,
        background=background,
        traits=read_traits(traits),
        baseline=baseline,
        most=most,
        favourable=favourable,
    )
    return Explanation(facts, sheet_parts(facts, Words(language, decision_title, origin, contact)), language)


def explain_person(
    source: Any, row: Any, *, estimator: Any = None, cutoff: float | None = None, language: str = "en", contact: str = "", **asked: Any
) -> Explanation:
    """Explain one person's score by a study, or by a declaration and a model.

    Parameters
    ----------
    source
        A `Study` that trained a score, or a `ProcessingActivity`; titles, protected columns and what a person can change are read from it.
    row
        The person; of the columns only the features are looked at.
    estimator, cutoff
        By default those of the study. The study's own decisions are out-of-fold; the sheet explains the model that was shipped.
    language
        ``en`` or ``fr``.
    contact
        By default that of the data protection officer, else of the controller.
    **asked
        Further arguments of `explain`: background, baseline, most.

    Raises
    ------
    StudyError
        There is no model to explain.
    ContractError
        A feature is missing, or no number where one is declared.
    """
    plan: Plan = source.plan if hasattr(source, "plan") else source.study
    model = getattr(source, "estimator", None) if estimator is None else estimator
    if model is None:
        raise StudyError("There is no model here to explain. Fix: declare study.score.train and study again, or give estimator=.")
    known = getattr(source, "cutoff", None) if cutoff is None else cutoff
    origin = _origin(source, language) if cutoff is None and known is not None else ""
    person = _typed(one_person(row), plan)
    words = {"decision_title": dict(plan.decision.title), "origin": origin, "contact": contact or _contact(source)}
    features = set(getattr(model, "feature_names_in_", plan.features))
    traits = {name: trait for name, trait in traits_of(plan).by_name.items() if name in features}
    return explain(model, person, **{"cutoff": known, "traits": traits, "language": language, **words, **asked})


def traits_of(plan: Plan) -> Traits:
    """Return what a declaration says of its features; a column that makes groups, or has the role protected, is protected."""
    groups = {group.column: group for group in reversed(plan.groups.values())}
    traits = {}
    for name in plan.features:
        column, group = plan.columns[name], groups.get(name)
        title = {str(language): words for language, words in (column.title or (group.title if group else {})).items()}
        levels = tuple(level_name(level) for level in column.levels) if column.levels else None
        protected = Role.PROTECTED in column.roles or group is not None
        traits[name] = Trait(title=title, protected=protected, changeable=column.changeable, direction=column.direction, levels=levels)
    return Traits(traits)


def _typed(person: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Read numbers where numbers are declared: a form or a CSV gives text."""
    read = {}
    for name in plan.features:
        if name in person and plan.columns[name].type in (ColumnType.INTEGER, ColumnType.NUMBER):
            try:
                read[name] = pd.to_numeric(person[name])
            except (TypeError, ValueError):
                raise ContractError(f"Column {name!r} holds {person[name].iloc[0]!r}, where a number is declared. Fix: give a number.") from None
    return person.assign(**read)


def _origin(source: Any, language: str) -> str:
    """Return where the cut-off of a study comes from, by its rule and its numbers."""
    facts = getattr(source, "facts", {}).get("cutoff")
    if not facts:
        return ""
    declared = facts["declared"]
    costs = {name: declared.get(name, 0.0) for name in ("wrongly_accepted", "wrongly_refused")}
    return say(f"explanation.origin_{facts['rule']}", language, share=facts["share"], wished=declared.get("value", 0.0), **costs)


def _contact(source: Any) -> str:
    """Return whom to write to, as the declaration names them."""
    document = getattr(source, "document", None)
    declared: Mapping[str, Any] = (document() if callable(document) else document) or {}
    named = [declared.get(who) or {} for who in ("dpo", "controller")]
    return next((str(one["contact"]) for one in named if one.get("contact")), "")
