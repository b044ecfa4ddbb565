"""Score metrics of each group, from the histogram: how well the score tells good from bad, whether it means what it says, how far apart it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.fairness.by_score.calibration_metrics import PARTS, calibration_error, separated
from scoring.fairness.by_score.distances import gap, moved
from scoring.fairness.by_score.permutation import Figure, UnderEquality, under_equality
from scoring.fairness.by_score.roc_area import area_between, roc
from scoring.fairness.by_score.score_bins import ScoreBins, score_bins
from scoring.fairness.by_score.score_table import SCORE_METRICS, ScoreMetric
from scoring.fairness.counts import Counts
from scoring.fairness.restricted import Floats

COLUMNS: Final = [
    *("attribute", "group", "metric", "good", "bad", "people", "value", "low", "high", "bound_low", "bound_high"),
    *("under_equality", "p_equality", "reason", "unscored"),
]


def score_rows(
    counts: Counts,
    *,
    metrics: Iterable[str] = tuple(SCORE_METRICS),
    confidence: float = 0.95,
    probability: str | None = None,
    draws: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Return score metrics of everybody and of each group of each attribute.

    Parameters
    ----------
    counts
        What the pass left, with a score.
    metrics
        Names in the table of score metrics; by default all.
    confidence
        Coverage of the intervals.
    probability
        Whether the score is a probability: ``"good"``, ``"bad"`` (see `score_bins`) or None, for which calibration has no meaning.
    draws
        How often groups are drawn anew for the value under equality; 0 leaves it out. Only unweighted rows that do not belong
        together can be drawn.
    seed
        Of the draws.

    Returns
    -------
    DataFrame
        A row per attribute, group (everybody first, both "") and metric: good, bad, people with a score; value; low, high, the
        interval (AUC, Gini, KS, cross-group AUC and quantiles include what binning leaves open, the others do not); bound_low,
        bound_high, between which the unbinned value lies (nan: not known); under_equality, p_equality, mean value and share of
        draws as large if membership said nothing of the score (for what chance alone makes positive); reason, a key of the texts
        ``score_metrics.because_...`` where a number is missing; unscored, people without a score.

    Raises
    ------
    StudyError
        There is no score.
    EquiscoreError
        The score is said to be a probability and is none.
    """
    bins = score_bins(counts, probability=probability)
    absent = _absences(bins, probability)
    equal = _under_equality(bins, draws, seed, probability)
    parts = [_rows(metric, bins, absent, equal.get(name), confidence) for name in metrics for metric in [SCORE_METRICS[name]]]
    order = np.arange(len(bins.group) * len(parts)).reshape(len(parts), -1).T.ravel()
    return pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)[COLUMNS]


def _rows(
    metric: ScoreMetric, bins: ScoreBins, absent: Mapping[str, NDArray[np.bool_]], equal: UnderEquality | None, confidence: float
) -> pd.DataFrame:
    """Return the rows of one metric; no value without what it needs, no interval without what that needs."""
    lacking, no_limits = _first(metric.needs, absent), _first((*metric.interval, "clustered"), absent)
    found, reason = metric.measure(bins, confidence), np.where(lacking != "", lacking, no_limits)
    without = {"value": lacking, "low": reason, "high": reason, "bound_low": lacking, "bound_high": lacking}
    empty = np.full(len(bins.group), np.nan)
    drawn = {"under_equality": empty, "p_equality": empty} if equal is None else {"under_equality": equal.mean, "p_equality": equal.p}
    return pd.DataFrame({
        "attribute": bins.attribute, "group": bins.group, "metric": metric.name,
        "good": bins.good.total, "bad": bins.bad.total, "people": bins.everyone.total, "unscored": bins.unscored,
        **{name: np.where(without[name] != "", np.nan, getattr(found, name)) for name in without},
        **{name: np.where(lacking != "", np.nan, values) for name, values in drawn.items()},
        "reason": reason,
    })  # fmt: skip


def _first(needs: tuple[str, ...], absent: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.object_]:
    """Return for each group the first need that is not met, "" where all are."""
    return np.asarray(np.select([absent[name] for name in needs], [np.array(name, object) for name in needs], np.array("", object)), object)


def _absences(bins: ScoreBins, probability: str | None) -> dict[str, NDArray[np.bool_]]:
    """Tell for each group what is not there."""
    everyone, rest = bins.everyone, bins.rest_everyone
    edge = (bins.axis.score <= 0) | (bins.axis.score >= 1)
    outcomes = bins.good.weight + bins.bad.weight
    alike = ((everyone.weight + rest.weight) > 0).sum(-1) < 2
    within = (everyone.weight > 0).sum(-1) + (rest.weight > 0).sum(-1) <= 2
    every = np.ones(len(bins.group), bool)
    return {
        "not_probability": every & (probability is None),
        "nobody_scored": everyone.total == 0,
        "no_outcome": outcomes.sum(-1) == 0,
        "no_good": bins.good.total == 0,
        "no_bad": bins.bad.total == 0,
        "no_rest": rest.total == 0,
        "rest_no_good": bins.rest_good.total == 0,
        "rest_no_bad": bins.rest_bad.total == 0,
        "one_person": everyone.size <= 1,
        "rest_one_person": rest.size <= 1,
        "no_spread": alike | within,
        "certain_score": (outcomes * edge).sum(-1) > 0,
        "separated": separated(bins.good.weight, bins.bad.weight),
        "no_interval": every,
        "clustered": every & bins.clustered,
    }


def _under_equality(bins: ScoreBins, draws: int, seed: int, probability: str | None) -> dict[str, UnderEquality]:
    """Draw groups anew for the figures that chance alone makes positive; weights and clusters cannot be drawn so."""
    if not draws or not bins.counted or bins.clustered:
        return {}
    own = np.concatenate(list(bins.people), -1)
    rest = np.concatenate(list(bins.others @ bins.people), -1)
    seen = _figures(bins, probability)
    there = (rest.sum(-1) > 0) & (own.sum(-1) > 0)
    if not there.any():
        return {}
    figures = {name: (figure, figure(own, rest)[there]) for name, figure in seen.items()}
    found = under_equality(own[there], rest[there], figures, draws=draws, rng=np.random.default_rng(seed))
    return {name: UnderEquality(*(_spread(values, there) for values in drawn)) for name, drawn in found.items()}


def _spread(values: Floats, there: NDArray[np.bool_]) -> Floats:
    whole = np.full(there.shape, np.nan)
    whole[there] = values
    return whole


def _figures(bins: ScoreBins, probability: str | None) -> dict[str, Figure]:
    """Return the figures that are drawn, of people by outcome and bin in one row."""
    size, score = bins.people.shape[-1], bins.axis.score

    def parted(cells: Floats) -> tuple[Floats, Floats, Floats]:
        return cells[..., :size], cells[..., size : 2 * size], cells[..., 2 * size :]

    def together(cells: Floats) -> Floats:
        return np.asarray(sum(parted(cells)))

    figures: dict[str, Figure] = {
        "ks": lambda own, _: gap(*parted(own)[:2]),
        "ks_to_rest": lambda own, rest: gap(together(own), together(rest)),
        "wasserstein_to_rest": lambda own, rest: moved(together(own), together(rest), score),
        "abroca": lambda own, rest: area_between(roc(*parted(own)[:2]), roc(*parted(rest)[:2])),
    }
    if probability is not None:
        figures["expected_calibration_error"] = lambda own, _: calibration_error(*parted(own)[:2], score, PARTS)
    return figures
