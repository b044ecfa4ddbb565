"""Scores, bands, segments and offers: scikit-learn estimators that know nothing of law or of groups.

Importing this package loads nothing heavy; scikit-learn is imported when one of the names below is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scoring.models.binning import WoEBinner
    from scoring.models.boosting import GradientBoosting
    from scoring.models.calibration import CalibratedScore
    from scoring.models.families import ScoreSpec
    from scoring.models.logistic import LogisticScore
    from scoring.models.scorecard import Scorecard
    from scoring.models.segmenting.mixtures import GaussianMixtureSegments
    from scoring.models.segmenting.rfm import RFMSegmenter
    from scoring.models.segmenting.tiers import LoyaltyTiers
    from scoring.models.segments import KMeansSegments, ScoreBands
    from scoring.models.value.customer_value import BGNBD
    from scoring.models.value.spend import GammaGamma

__all__ = [
    "BGNBD",
    "CalibratedScore",
    "GammaGamma",
    "GaussianMixtureSegments",
    "GradientBoosting",
    "KMeansSegments",
    "LogisticScore",
    "LoyaltyTiers",
    "RFMSegmenter",
    "ScoreBands",
    "ScoreSpec",
    "Scorecard",
    "WoEBinner",
]

_HOMES = {
    "BGNBD": "value.customer_value",
    "CalibratedScore": "calibration",
    "GammaGamma": "value.spend",
    "GaussianMixtureSegments": "segmenting.mixtures",
    "GradientBoosting": "boosting",
    "KMeansSegments": "segments",
    "LogisticScore": "logistic",
    "LoyaltyTiers": "segmenting.tiers",
    "RFMSegmenter": "segmenting.rfm",
    "ScoreBands": "segments",
    "ScoreSpec": "families",
    "Scorecard": "scorecard",
    "WoEBinner": "binning",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {', '.join(__all__)}. Fix: use one of them.")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
