"""The tables that New York City asks of an automated employment decision tool (Local Law 144 of 2021; 6 RCNY 5-300 to 5-304).

They are point estimates against the most selected category: what the rule asks for, no test, and no measure of French or European law.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.bounds import Bounds
from scoring.errors import StudyError
from scoring.fairness.by_score.score_bins import score_bins
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import Side, measured
from scoring.fairness.intervals import proportion_interval
from scoring.fairness.metrics import METRICS
from scoring.fairness.restricted import Floats, checked
from scoring.vocabulary import CROSS, UNKNOWN, combined

SELECTION: Final = [
    *("attribute", "group", "applicants", "selected", "selection_rate", "low", "high", "impact_ratio"),
    *("share", "under_2_percent", "most_selected", "reason"),
]
SCORING: Final = [
    *("attribute", "group", "applicants", "above_median", "scoring_rate", "low", "high", "impact_ratio"),
    *("rate_low", "rate_high", "exact", "median", "share", "under_2_percent", "highest_scoring", "unscored", "reason"),
]


class Impact(NamedTuple):
    """Rates by category, their ratio to the highest, and which category that is: arrays (categories,)."""

    rate: Floats
    ratio: Floats
    highest: NDArray[np.bool_]


class AboveMedian(NamedTuple):
    """People of each category above the median score of all, and the least and the most they may be where the median lies in a bin."""

    above: Floats
    least: Floats
    most: Floats
    bin: int
    """The bin of the median (of an even number, of the lower of the two in the middle)."""


def impact_ratios(hits: ArrayLike, trials: ArrayLike, *, counted: ArrayLike = True) -> Impact:
    """Return the rate of each category and its ratio to the highest rate (6 RCNY 5-300, "impact ratio").

    Parameters
    ----------
    hits, trials : array_like
        Selected (or scoring above the median), and applicants, by category.
    counted : array_like of bool
        Which categories take part; the others have a rate, no ratio, and are never the highest.

    Examples
    --------
    >>> found = impact_ratios([667, 555], [1390, 1181])
    >>> found.rate.round(2), found.ratio.round(3)
    (array([0.48, 0.47]), array([1.   , 0.979]))
    """
    x, n = checked(hits, trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.asarray(x / n)
        part = np.broadcast_to(np.asarray(counted, dtype=bool), rate.shape) & ~np.isnan(rate)
        top = np.max(np.where(part, rate, -np.inf), initial=-np.inf)
        # nobody selected at all: 0/0 is no parity
        ratio = np.where(part, rate / top, np.nan) if np.isfinite(top) else np.full(rate.shape, np.nan)
    return Impact(rate, ratio, part & (rate == top))


def above_median(people: Floats) -> AboveMedian:
    """Return how many of each category score above the median score of all (6 RCNY 5-300, "scoring rate").

    Above is strictly above: of an even number the median is the middle of the two middle scores, so that a score is above it if it is
    above the lower of the two. Where a bin holds several scores, who of the median's bin is above is not known: its people are shared
    out as those above are in the bin as a whole, between none and all of them.

    Parameters
    ----------
    people : array (categories, bins)
        Applicants by category and bin of the score, lowest bin first; all applicants.

    Examples
    --------
    >>> found = above_median(np.array([[10.0, 20.0, 30.0], [30.0, 20.0, 10.0]]))
    >>> found.above, found.least, found.most, found.bin
    (array([40., 20.]), array([30., 10.]), array([50., 30.]), 1)
    """
    total = people.sum(0)
    half, reached = total.sum() / 2, np.cumsum(total)
    middle = int(np.argmax(reached >= half * (1 - 1e-12)))
    over = people[:, middle + 1 :].sum(-1)
    inside = people[:, middle]
    if reached[middle] <= half * (1 + 1e-12):
        return AboveMedian(over, over, over, middle)  # the two in the middle are in two bins: nobody's place is open
    open_share = np.clip((half - over.sum()) / total[middle], 0.0, 1.0)
    return AboveMedian(over + inside * open_share, over, over + inside, middle)


def selection_table(counts: Counts, by: str | Sequence[str], bounds: Bounds, *, leave_out_small: bool = False) -> pd.DataFrame:
    """Return the selection rate of each category and its impact ratio against the most selected (6 RCNY 5-301(b)).

    Parameters
    ----------
    counts
        What the pass left.
    by
        An attribute (sex, race or ethnicity), or several for their intersection.
    bounds
        Confidence of the rates; `best_share` is the 2 % of 5-301(d).
    leave_out_small
        Whether categories under that share are left out of the impact ratios, which the rule allows and asks to be justified; they
        are listed with their number and rate all the same.

    Returns
    -------
    DataFrame
        A row per category, the unknowns last: attribute, group, applicants, selected, selection_rate with Wilson's low and high,
        impact_ratio, share of the known, under_2_percent, most_selected, reason ("unknown": counted and left out, 5-301(b)(5);
        "left_out": under 2 %; "no_applicants"; "nobody_selected"; "clustered": no interval; "" otherwise).
    """
    attributes = (by,) if isinstance(by, str) else tuple(by)
    margin = counts.margin(attributes)
    hits, trials, x, n = (side[:, 0] for side in measured(Side(margin.weight, margin.weight_squared), [METRICS["selection_rate"]], counts.weighted))
    labels = np.array([UNKNOWN if UNKNOWN in key else combined(key) for key in margin.keys], object)
    placed = _placed(CROSS.join(attributes), labels, margin.known, trials, bounds, leave_out_small=leave_out_small)
    found = impact_ratios(hits, trials, counted=placed.pop("counted"))
    low, high = _limits(x, n, counts, bounds)
    placed |= {"selected": hits, "impact_ratio": found.ratio, "most_selected": found.highest}
    placed |= _of_known(margin.known, {"selection_rate": found.rate, "low": low, "high": high})
    return pd.DataFrame(placed | {"reason": _reasons(placed["reason"], found, counts)})[SELECTION]


def scoring_table(counts: Counts, attribute: str, bounds: Bounds, *, leave_out_small: bool = False) -> pd.DataFrame:
    """Return the scoring rate of each category, its share above the median score of all, and the impact ratio (6 RCNY 5-301(c)).

    The histogram is kept for single attributes: for the intersection declare it as an attribute, or give counts to `above_median`.

    Parameters
    ----------
    counts
        What the pass left, with a score; all applicants with a score make the median, the unknowns too.
    attribute
        An attribute.
    bounds, leave_out_small
        As in `selection_table`.

    Returns
    -------
    DataFrame
        A row per category, the unknowns last: attribute, group, applicants (with a score), above_median, scoring_rate with Wilson's
        low and high, impact_ratio, rate_low and rate_high between which the rate lies where the median falls within a bin, exact
        (whether they meet), median (nan where not exact), share, under_2_percent, highest_scoring, unscored, reason.

    Raises
    ------
    StudyError
        No score, or no such attribute.
    """
    if attribute not in counts.attributes:
        raise StudyError(f"No attribute {attribute!r}. Fix: use one of {', '.join(counts.attributes)}.")
    bins = score_bins(counts)
    mine = bins.attribute == attribute
    everyone, labels = bins.everyone, bins.group[mine]
    weight, known = everyone.weight[mine], labels != UNKNOWN
    above = above_median(weight)
    applicants = weight.sum(-1)
    # where bins are the very values, who is in the median's bin is at the median, not above it
    hits, least, most = (above.least,) * 3 if counts.exact else above[:3]
    exact = bool((least == most).all())
    placed = _placed(attribute, labels, known, applicants, bounds, leave_out_small=leave_out_small)
    found = impact_ratios(hits, applicants, counted=placed.pop("counted"))
    size = np.where(applicants > 0, everyone.size[mine], 0.0)
    low, high = _limits(np.nan_to_num(found.rate) * size, size, counts, bounds)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = {"rate_low": least / applicants, "rate_high": most / applicants, "scoring_rate": found.rate, "low": low, "high": high}
    placed |= {"above_median": hits, "impact_ratio": found.ratio, "highest_scoring": found.highest, "unscored": bins.unscored[mine]}
    median = _median(weight.sum(0), bins.axis.score, above.bin) if counts.exact else np.nan
    placed |= {"exact": exact, "median": median, **_of_known(known, rates)}
    return pd.DataFrame(placed | {"reason": _reasons(placed["reason"], found, counts)})[SCORING]


def _placed(
    attribute: str, labels: NDArray[np.object_], known: NDArray[np.bool_], applicants: Floats, bounds: Bounds, *, leave_out_small: bool
) -> dict[str, Any]:
    """Return what both tables say of who the categories are, and which of them are counted."""
    share = np.where(known, applicants / max(float(applicants[known].sum()), 1e-300), np.nan)
    small = known & (share < bounds.best_share)
    left_out = small & leave_out_small
    reason = np.select([~known, left_out], [np.array("unknown", object), np.array("left_out", object)], np.array("", object))
    names = {"attribute": attribute, "group": labels, "applicants": applicants}
    return names | {"share": share, "under_2_percent": small, "counted": known & ~left_out, "reason": reason}


def _reasons(reason: NDArray[np.object_], found: Impact, counts: Counts) -> NDArray[np.object_]:
    """Add why a number is missing where that was not said yet."""
    missing = [reason != "", np.isnan(found.rate), np.isnan(found.ratio), np.full(reason.shape, counts.clustered)]
    told = [reason, *(np.array(word, object) for word in ("no_applicants", "nobody_selected", "clustered"))]
    return np.asarray(np.select(missing, told, np.array("", object)), object)


def _of_known(known: NDArray[np.bool_], rates: dict[str, Floats]) -> dict[str, Floats]:
    """Leave out the rates of the unknowns: they are listed, with their number, and not part of the calculations."""
    return {name: np.where(known, values, np.nan) for name, values in rates.items()}


def _limits(hits: Floats, trials: Floats, counts: Counts, bounds: Bounds) -> tuple[Floats, Floats]:
    """Return Wilson's limits; none where rows belong together, for they would be too narrow."""
    low, high = proportion_interval(hits, trials, confidence=bounds.confidence)
    return (np.full_like(low, np.nan), np.full_like(high, np.nan)) if counts.clustered else (low, high)


def _median(total: Floats, score: Floats, middle: int) -> float:
    """Return the median of scores at their very values: of an even number the middle of the two in the middle."""
    reached, half = np.cumsum(total), total.sum() / 2
    upper = int(np.argmax(reached > half * (1 + 1e-12)))
    return float((score[middle] + score[upper]) / 2)
