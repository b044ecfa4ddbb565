"""Every number that a human chose, in one place, with where it comes from."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Bounds(BaseModel):
    """The choices that a study is judged by. A declaration may change each; a report prints each.

    >>> Bounds().alpha
    0.025
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tolerance: float = Field(0.80, gt=0, le=1, description="Smallest tolerated ratio of rates.")
    """Four-fifths rule, 29 CFR 1607.4(D): a US employment guideline, not a European legal threshold."""
    refusal_tolerance: float = Field(2.0, ge=1, description="Largest tolerated ratio of refusal rates beside a reassuring verdict.")
    """Our choice: .80 against .99 has a ratio of .81, yet twenty times the refusals."""
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Two-sided confidence of intervals; each side of a verdict has (1 - confidence) / 2.")
    power: float = Field(0.80, gt=0, lt=1, description="Power at which 'people needed' is worked out.")
    minimum_group: int = Field(30, ge=1, description="Smaller groups are judged, but never shown to be within tolerance.")
    """Our choice. It can only make the reassuring verdict rarer."""
    best_share: float = Field(0.02, ge=0, lt=1, description="Smallest share of a group that may be the best-off reference.")
    """NYC LL144 rule, 6 RCNY 5-301(d)."""
    publication_threshold: int = Field(10, ge=1, description="Smallest number of people that a published row may hold.")
    """Hundepool et al. 2012, ch. 4."""
    depth: int = Field(3, ge=1, le=4, description="How many attributes a combination of groups may cross.")
    max_rejected_share: float = Field(0.05, ge=0, lt=1, description="A larger share of rows that break the contract refuses the study.")
    """Our choice: above it the study would not be about this file."""
    max_levels: int = Field(100, ge=2, description="A protected column with more levels refuses the study: it is not an attribute of groups.")
    score_bins: int = Field(200, ge=2, le=10_000, description="Quantile bins of the score kept for the what-if, the cut-off added.")

    @property
    def alpha(self) -> float:
        """Level of each side: a verdict before adjustment agrees with the interval beside it."""
        return round((1 - self.confidence) / 2, 12)
