"""Words that the whole house shares; each member is explained where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Role(StrEnum):
    """What a column is for. A column may have several roles: age may be a feature and protected."""

    IDENTIFIER = "identifier"
    """Names the person; pseudonymised as soon as it is read."""
    FEATURE = "feature"
    """May enter a score."""
    PROTECTED = "protected"
    """Makes population groups; never enters a score unless it is declared a feature too."""
    DECISION = "decision"
    """What was decided about the person."""
    OUTCOME = "outcome"
    """What came true later; may be unobserved."""
    SCORE = "score"
    """A score that exists already."""
    WEIGHT = "weight"
    """How many people, or how much of the population, a row stands for."""
    STRATUM = "stratum"
    """A legitimate factor within which groups are compared as well."""
    CLUSTER = "cluster"
    """Rows that belong together (a household): they are not independent."""
    PERIOD = "period"
    """When the decision was made."""
    SEGMENT = "segment"
    """A segment that exists already."""
    STAGE = "stage"
    """Whether the person passed a stage before the decision (reachable, eligible ...)."""
    AMOUNT = "amount"
    """A number that is decided: a limit, a discount, a price."""
    PROBABILITY = "probability"
    """The probability of being a member of a group, from an outside source."""
    CELL = "cell"
    """The area or name group that a probability of membership comes from."""


class Verdict(StrEnum):
    """The answer to whether a group gets less than the tolerance allows."""

    EXCLUSION = "exclusion"
    """The group gets less than the tolerance allows, and chance does not explain it."""
    WITHIN_TOLERANCE = "within tolerance"
    """Shown to be within the tolerance: the test for that was passed, not merely the other one failed."""
    LEANING = "leaning"
    """The estimate is under the tolerance, but too few people to be sure."""
    UNDETERMINED = "undetermined"
    """The estimate is within the tolerance, but exclusion cannot be ruled out. Never read this as cleared."""
    NOT_APPLICABLE = "not applicable"
    """The question cannot be asked of this data; the reason is beside it."""


class Better(StrEnum):
    """Which way a metric is good for the person."""

    MORE = "more"
    LESS = "less"


class WeightMeaning(StrEnum):
    """What a weight says."""

    COUNT = "count"
    """The row stands for that many identical people: intervals as if the row were repeated."""
    WEIGHT = "weight"
    """Sampling or importance weight: estimates as if repeated, intervals by linearisation."""


UNKNOWN = "(unknown)"
"""The level of those whose membership is not known: a row of its own, never part of a reference."""
SMALL_GROUPS = "(small groups)"
"""The level into which `published` folds what is too small to show."""
WITHHELD = "(withheld)"
"""The row of a crossing that cannot be shown at all, but must not be silent."""
REST = "rest"
"""The reference made of everyone known who is not in the group."""
CROSS = " x "
"""Between the names of a combination: ``sex x age``, ``F x 66+``."""


TIMES = " × "
"""`CROSS` before a reader."""


def combined(levels: Sequence[str]) -> str:
    """Return what a combination is called by its levels: one that holds `CROSS` itself is written so that the name comes apart again.

    A level that stands alone is called as it is.

    >>> combined(["F", "66+"]), combined(["10 x 20", "F"]), combined(["10 x 20"])
    ('F x 66+', '10 × 20 x F', '10 x 20')
    """
    return CROSS.join(level.replace(CROSS, TIMES) for level in levels) if len(levels) > 1 else CROSS.join(levels)


def undecided_reason(column: str | None) -> str:
    """Return why somebody without a decision is rejected; `column` is that of the decision, none where the score decides.

    >>> undecided_reason("accepted"), undecided_reason(None)
    ('accepted: empty, so no decision', 'score: empty, so no decision')
    """
    return f"{column or 'score'}: empty, so no decision"


class ColumnType(StrEnum):
    """What the values of a column are. Declared, never guessed from how many different values there are."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


class Criterion(StrEnum):
    """Grounds on which French law forbids to treat people differently (loi 2008-496, art. 1; Code pénal, art. 225-1)."""

    ORIGIN = "origin"
    SEX = "sex"
    FAMILY_SITUATION = "family_situation"
    PREGNANCY = "pregnancy"
    PHYSICAL_APPEARANCE = "physical_appearance"
    ECONOMIC_VULNERABILITY = "economic_vulnerability"
    NAME = "name"
    RESIDENCE = "residence"
    BANK_DOMICILIATION = "bank_domiciliation"
    HEALTH = "health"
    LOSS_OF_AUTONOMY = "loss_of_autonomy"
    DISABILITY = "disability"
    GENETIC_CHARACTERISTICS = "genetic_characteristics"
    MORES = "mores"
    SEXUAL_ORIENTATION = "sexual_orientation"
    GENDER_IDENTITY = "gender_identity"
    AGE = "age"
    POLITICAL_OPINIONS = "political_opinions"
    UNION_ACTIVITIES = "union_activities"
    WHISTLEBLOWER = "whistleblower"
    LANGUAGE = "language"
    ETHNICITY_OR_NATION = "ethnicity_or_nation"
    RELIGION = "religion"


class LegalBasis(StrEnum):
    """Why a processing is lawful (GDPR art. 6(1))."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


OF_A_SEARCH = ("alternatives", "confirmed", "alternatives_findings")
"""Tables that a study keeps of a search for other ways to score: what was tried, the choice on people set aside, the sentences."""
