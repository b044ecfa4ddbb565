"""The table of score metrics: data, as the table of rates is. Each is worked out for all groups at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.fairness.by_score.calibration_metrics import calibration_in_the_large, calibration_slope, expected_calibration_error
from scoring.fairness.by_score.distances import (
    Bounded,
    Sample,
    kolmogorov_smirnov,
    mean_score,
    score_quantile,
    standardised_mean_difference,
    wasserstein,
)
from scoring.fairness.by_score.roc_area import area_between, roc
from scoring.fairness.by_score.score_bins import ScoreBins
from scoring.fairness.curves import auc_from_bins

Measure = Callable[[ScoreBins, float], Bounded]


@dataclass(frozen=True, slots=True)
class ScoreMetric:
    """A figure of a score by group. `needs` names what must be there, in the order in which its absence is told."""

    name: str
    measure: Measure
    needs: tuple[str, ...]
    interval: tuple[str, ...] = ()
    """What the interval alone needs."""
    source: str = ""


def _between(good: Sample, bad: Sample, *, exact: bool, confidence: float) -> Bounded:
    """Return the chance that a good one of one side scores above a bad one of another, and what ties within bins leave open."""
    found = auc_from_bins(good.weight, bad.weight, confidence=confidence, exact_ties=exact, squared=(good.squared, bad.squared))
    with np.errstate(divide="ignore", invalid="ignore"):
        tied = 0.0 if exact else (good.weight * bad.weight).sum(-1) / (2 * good.total * bad.total)
    return Bounded(found.value, found.low, found.high, found.value - tied, found.value + tied)


def _auc(bins: ScoreBins, confidence: float) -> Bounded:
    return _between(bins.good, bins.bad, exact=bins.axis.exact, confidence=confidence)


def _gini(bins: ScoreBins, confidence: float) -> Bounded:
    return Bounded(*(2 * side - 1 for side in _auc(bins, confidence)))


def _abroca(bins: ScoreBins, confidence: float) -> Bounded:  # noqa: ARG001  (no interval is known)
    value = area_between(roc(bins.good.weight, bins.bad.weight), roc(bins.rest_good.weight, bins.rest_bad.weight))
    none = np.full_like(value, np.nan)
    if bins.axis.exact:
        return Bounded(value, none, none, value, value)
    with np.errstate(divide="ignore", invalid="ignore"):
        sides = ((bins.good, bins.bad), (bins.rest_good, bins.rest_bad))
        tied = sum((good.weight * bad.weight).sum(-1) / (2 * good.total * bad.total) for good, bad in sides)
    return Bounded(value, none, none, np.maximum(value - tied, 0.0), np.minimum(value + tied, 1.0))


def _quantile_of(share: float) -> Measure:
    return lambda bins, confidence: score_quantile(bins.everyone, bins.axis, share, confidence=confidence)


_OUTCOMES, _REST, _BOTH = ("nobody_scored", "no_good", "no_bad"), ("nobody_scored", "no_rest"), ("rest_no_good", "rest_no_bad")
_PROBABILITY = ("not_probability", *_OUTCOMES)
SCORE_METRICS: Final[Mapping[str, ScoreMetric]] = {
    metric.name: metric
    for metric in (
        ScoreMetric("auc", _auc, _OUTCOMES, source="DeLong, DeLong & Clarke-Pearson 1988"),
        ScoreMetric("gini", _gini, _OUTCOMES, source="2 AUC - 1; Somers 1962"),
        ScoreMetric(
            "ks",
            lambda bins, confidence: kolmogorov_smirnov(bins.good, bins.bad, exact=bins.axis.exact, confidence=confidence),
            _OUTCOMES,
            source="Smirnov 1939; Massart 1990",
        ),
        ScoreMetric(
            "calibration_in_the_large",
            lambda bins, confidence: calibration_in_the_large(bins.good, bins.bad, bins.axis, confidence=confidence),
            ("not_probability", "nobody_scored", "no_outcome"),
            source="Cox 1958",
        ),
        ScoreMetric(
            "calibration_slope",
            lambda bins, confidence: calibration_slope(bins.good, bins.bad, bins.axis, confidence=confidence),
            (*_PROBABILITY, "certain_score", "separated"),
            source="Cox 1958",
        ),
        ScoreMetric(
            "expected_calibration_error",
            lambda bins, confidence: expected_calibration_error(bins.good, bins.bad, bins.axis, confidence=confidence),
            ("not_probability", "nobody_scored", "no_outcome"),
            source="Naeini, Cooper & Hauskrecht 2015",
        ),
        ScoreMetric(
            "mean_score",
            lambda bins, confidence: mean_score(bins.everyone, bins.axis, confidence=confidence),
            ("nobody_scored",),
            ("one_person",),
        ),
        ScoreMetric("score_p10", _quantile_of(0.1), ("nobody_scored",), source="Woodruff 1952"),
        ScoreMetric("score_p50", _quantile_of(0.5), ("nobody_scored",), source="Woodruff 1952"),
        ScoreMetric("score_p90", _quantile_of(0.9), ("nobody_scored",), source="Woodruff 1952"),
        ScoreMetric(
            "smd",
            lambda bins, confidence: standardised_mean_difference(bins.everyone, bins.rest_everyone, bins.axis, confidence=confidence),
            (*_REST, "one_person", "rest_one_person", "no_spread"),
            source="Austin 2009; Bonett 2008",
        ),
        ScoreMetric(
            "ks_to_rest",
            lambda bins, confidence: kolmogorov_smirnov(bins.everyone, bins.rest_everyone, exact=bins.axis.exact, confidence=confidence),
            _REST,
            source="Smirnov 1939; Massart 1990",
        ),
        ScoreMetric(
            "wasserstein_to_rest",
            lambda bins, confidence: wasserstein(bins.everyone, bins.rest_everyone, bins.axis, confidence=confidence),
            _REST,
            ("one_person", "rest_one_person"),
            source="del Barrio, Gine & Matran 1999",
        ),
        ScoreMetric(
            "cross_group_auc",
            lambda bins, confidence: _between(bins.good, bins.rest_bad, exact=bins.axis.exact, confidence=confidence),
            (*_REST, "no_good", "rest_no_bad"),
            source="Kallus & Zhou 2019",
        ),
        ScoreMetric(
            "xauc_rest",
            lambda bins, confidence: _between(bins.rest_good, bins.bad, exact=bins.axis.exact, confidence=confidence),
            (*_REST, "no_bad", "rest_no_good"),
            source="Kallus & Zhou 2019",
        ),
        ScoreMetric("abroca", _abroca, (*_REST, "no_good", "no_bad", *_BOTH), ("no_interval",), source="Gardner, Brooks & Baker 2019"),
    )
}
"""Every score metric, in the order of the table: data, as the rates are."""
