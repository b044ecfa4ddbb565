"""What a dossier of prior authorisation needs beyond the register entry, and only its controller can say.

Every key may be left out: what is not said is shown as missing, with who must supply it. Nothing here is a signature or an
opinion: those are recorded in the register by the people who give them.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scoring.declaration import Text
from scoring.plan import Declared, Word

Level = Annotated[int, Field(ge=1, le=4, description="1 negligible, 2 limited, 3 important, 4 maximal (scale of the CNIL).")]


class Risk(StrEnum):
    """Feared events: the three of the CNIL's method, and the one that this tool exists for."""

    ACCESS = "access"
    """Illegitimate access to data."""
    MODIFICATION = "modification"
    """Unwanted modification of data; a wrong score is one."""
    DISAPPEARANCE = "disappearance"
    """Loss of data."""
    EXCLUSION = "exclusion"
    """People shut out of a right, a service or a contract; the CNIL's file has no place of its own for it."""


class Right(StrEnum):
    """Rights of the persons concerned."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    HUMAN_REVIEW = "human_review"
    """To a human who can change the decision, and to contest it (GDPR art. 22(3))."""
    EXPLANATION = "explanation"
    """Of the logic and of one's own score (GDPR art. 15(1)(h), AI Act art. 86)."""


class Clause(StrEnum):
    """What a contract with a processor must say (GDPR art. 28(3)), and what a licence should."""

    INSTRUCTIONS = "instructions"
    CONFIDENTIALITY = "confidentiality"
    SECURITY = "security"
    SUB_PROCESSORS = "sub_processors"
    ASSISTANCE_RIGHTS = "assistance_rights"
    ASSISTANCE_SECURITY = "assistance_security"
    RETURN_OR_ERASURE = "return_or_erasure"
    AUDIT = "audit"
    LICENCE = "licence"
    INTELLECTUAL_PROPERTY = "intellectual_property"


ARTICLE_28 = tuple(clause for clause in Clause if clause not in {Clause.LICENCE, Clause.INTELLECTUAL_PROPERTY})
"""The eight of art. 28(3)(a) to (h)."""


class Origin(Declared):
    """Where data come from (D5)."""

    source: Text
    collected: Text = Field(description="How and on what ground they were collected lawfully.")
    updated: Text | None = Field(None, description="How often, and by whom.")
    external: bool | None = Field(None, description="Whether somebody else collected them.")


class Notice(Declared):
    """What the persons concerned are told (GDPR art. 13, 14; D8)."""

    to: Text
    when: Text
    says: Text = Field(description="The text, or what it says of the score's logic, of refusal, of rights.")
    version: Word | None = None


class Desk(Declared):
    """How a right is exercised (D9)."""

    how: Text
    days: int | None = Field(None, ge=0, description="Days within which it is answered.")


class Contract(Declared):
    """A contract with somebody who takes part (GDPR art. 26, 28; D4)."""

    party: Word
    role: Literal["processor", "joint_controller", "provider", "recipient"]
    object: Text
    clauses: tuple[Clause, ...] = ()
    signed: date | None = None
    licence: Text | None = Field(None, description="Of the tool or the data: what use is licensed; who owns what.")


class Measure(Declared):
    """A measure of protection; risks name it by its key (D14; measures of the CNIL's file)."""

    title: Text
    content: Text
    kind: Literal["organisation", "technical", "legal", "exclusion"] = "technical"
    in_place: bool = Field(True, description="Whether it is in place; a planned one needs owner and due.")
    owner: Word | None = None
    due: date | None = None

    @model_validator(mode="after")
    def _planned_by_somebody(self) -> Measure:
        if not self.in_place and (self.owner is None or self.due is None):
            raise ValueError("a planned measure without owner or due date. Fix: say who does it and by when.")
        return self


class RiskAssessed(Declared):
    """A feared event: what it would do, how it could come about, how grave and how likely (D15)."""

    impacts: tuple[Text, ...] = Field(min_length=1)
    threats: tuple[Text, ...] = Field(min_length=1)
    sources: tuple[Text, ...] = Field(min_length=1)
    measures: tuple[Word, ...] = Field((), description="Keys of `measures`.")
    severity: Level
    likelihood: Level
    reason: Text | None = Field(None, description="Why so grave and so likely.")
    residual_severity: Level | None = Field(None, description="With the measures.")
    residual_likelihood: Level | None = Field(None, description="With the measures.")


class Justification(Declared):
    """The answer to a gap that the study shows: a justification, or a measure; by whom, until when (D12)."""

    attribute: Word = Field(description="As the study names it; a combination is `sex x age`.")
    group: Word = Field(description="The group that gets less.")
    metric: Word = "selection_rate"
    aim: Text | None = Field(None, description="The legitimate aim.")
    necessary: Text | None = Field(None, description="Why nothing less would do.")
    appropriate: Text | None = Field(None, description="Why it serves the aim.")
    alternatives: Text | None = Field(None, description="What else was tried, and what came of it.")
    measure: Text | None = Field(None, description="Or: what is done about the gap.")
    owner: Word
    due: date

    @property
    def whole(self) -> bool:
        """Whether it is a justification in all four parts, or a measure."""
        return self.measure is not None or None not in {self.aim, self.necessary, self.appropriate, self.alternatives}

    @model_validator(mode="after")
    def _answers(self) -> Justification:
        lacking = [name for name in ("aim", "necessary", "appropriate", "alternatives") if getattr(self, name) is None]
        if self.measure is None and lacking:
            raise ValueError(f"neither a measure nor a whole justification: {', '.join(lacking)} missing. Fix: write them, or a measure.")
        return self


class Variable(Declared):
    """Why a feature is used, or is not (minimisation, D6)."""

    purpose: Text | None = None
    kept: bool | None = None
    reason: Text | None = Field(None, description="Why it is kept although it is sensitive or stands for a group; why it was removed.")
    sensitive: bool | None = None


class Review(Declared):
    """A day on which something is looked at again (D17)."""

    every_months: int = Field(ge=1, le=60)
    stop: Text | None = Field(None, description="Who stops the score, and how.")


class Assessment(Declared):
    """What the dossier's sections D2 to D17 say beyond the register entry."""

    description: Text | None = Field(None, description="What is done with whose data, step by step (D2).")
    life_cycle: Text | None = Field(None, description="From collection to erasure (D2).")
    supports: tuple[Text, ...] = Field((), description="Systems and media that hold the data (D2).")
    volume: Text | None = Field(None, description="How many people, how often, over what period, where (D2; AI Act art. 27(1)(b)).")
    standards: tuple[Text, ...] = Field((), description="Standards and reference texts that apply (D4).")
    prohibited_uses: tuple[Text, ...] = Field((), description="What the score must not be used for (D3).")
    diversion_check: Text | None = Field(None, description="How actual use is held against the purposes (D3).")
    contracts: tuple[Contract, ...] = ()
    origins: tuple[Origin, ...] = ()
    quality: Text | None = Field(None, description="How data are kept exact and up to date (D5).")
    necessity: Text | None = Field(None, description="Why the purpose cannot be reached with less (D6; GDPR art. 35(7)(b)).")
    variables: dict[Word, Variable] = Field(default_factory=dict, description="column -> why it is used, or not (D6).")
    notices: tuple[Notice, ...] = ()
    consent: Text | None = Field(None, description="How consent is collected and withdrawn, or why none is needed (D10).")
    balance: Text | None = Field(None, description="Of a legitimate interest: the interests weighed (D10).")
    rights: dict[Right, Desk] = Field(default_factory=dict)
    oversight: Text | None = Field(None, description="Which human reviews what and may depart from the score (D9; AI Act art. 14, 27(1)(e)).")
    complaints: Text | None = Field(None, description="Where a person complains, and what follows (AI Act art. 27(1)(f)).")
    intended_use: Text | None = Field(None, description="What the score is made for, and by whom it is used (D11).")
    limitations: tuple[Text, ...] = Field((), description="What it cannot do (D11).")
    justifications: tuple[Justification, ...] = ()
    measures: dict[Word, Measure] = Field(default_factory=dict, description="key -> measure.")
    freeze: Text | None = Field(None, description="How customer data are frozen on demand or in a dispute (D14).")
    breach: Text | None = Field(None, description="What is done on a breach, by whom, within which time (D14).")
    risks: dict[Risk, RiskAssessed] = Field(default_factory=dict)
    training: tuple[Text, ...] = Field((), description="Who was trained in what, and when (D16; AI Act art. 4).")
    monitoring: Review | None = None

    @model_validator(mode="after")
    def _measures_are_there(self) -> Assessment:
        unknown = sorted({name for risk in self.risks.values() for name in risk.measures} - set(self.measures))
        if unknown:
            raise ValueError(f"risks name measures that are not there: {', '.join(unknown)}. Fix: add them to `measures`, or correct the key.")
        return self


class Signer(Declared):
    """Somebody whose signature the dossier needs; the certificate is pinned in the register."""

    name: Word
    role: Literal["analyst", "model_reviewer", "dpo", "controller"]


class SignOff(Declared):
    """Who must sign, in turn."""

    signers: tuple[Signer, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> SignOff:
        names = [signer.name for signer in self.signers]
        if len(set(names)) < len(names):
            raise ValueError("a signer is named twice: four eyes need different people. Fix: name each person once.")
        return self
