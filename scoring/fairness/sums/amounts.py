"""Numbers that are decided (a limit, a discount, a price): means and quantiles by group, from counts and sums alone.

Every effect has the direction of the house: a ratio below 1 or a difference below 0 means that the group gets less of what is
good. For an amount that is better low, such as a price, the two sides are exchanged, here and nowhere else. Intervals are
linearised; cells of a histogram are never drawn from by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError, nearest
from scoring.fairness.disparity import IS_REFERENCE, Reference
from scoring.fairness.sums.amount_sums import QUANTILES, Floats, Histogram, Mean, Quantile, histogram, means, quantiles
from scoring.fairness.sums.amount_texts import amount_sentences, theil_sentences
from scoring.fairness.sums.inequality import THEIL, theil
from scoring.plan import Amount
from scoring.texts import say
from scoring.vocabulary import REST

__all__ = ["AMOUNT_ROWS", "THEIL", "amount_rows", "amount_sentences", "theil", "theil_sentences"]

_LIMITS: Final = [f"{name}{end}" for name in ("mean", "difference", "ratio", *QUANTILES, "median_gap") for end in ("", "_low", "_high")]
AMOUNT_ROWS: Final = [
    *("attribute", "group", "amount", "of", "reference", "people", "without", "zero", "negative", "reference_people", "reference_mean"),
    *("reference_q50", *_LIMITS, "reasons", "because"),
]


def amount_rows(
    amounts: pd.DataFrame, plan_amounts: Mapping[str, Amount], *, bounds: Bounds, reference: Reference = REST, clustered: bool = False
) -> pd.DataFrame:
    """Return a row per attribute, group and amount: mean and quantiles beside the reference's, with intervals.

    Means: linearised variance ``V = n/(n-1) sum w^2 (a - mean)^2 / (sum w)^2`` and Student's quantile; differences after Welch (1947), ratios
    after Fieller (1954), which agree on whether they are 1. Quantiles: Woodruff (1952), the proportion below by Wilson's interval at its
    effective size; their limits are the outer ends of the bins, so that binning never makes them too narrow, and nan where so few people
    have no limit. The gap of the medians joins the limits of both (Zou & Donner 2008), the width of their bins added.

    Parameters
    ----------
    amounts
        What `amount_counts.count_amounts` counted.
    plan_amounts
        The declared amounts: which way is better, and whose are compared.
    bounds
        Confidence, smallest share of a best-off group.
    reference
        ``rest``, ``best`` (the best mean), ``largest``, a level, or levels by attribute.
    clustered
        Whether rows belong together: then there is no interval, as one for independent rows would be too narrow.

    Returns
    -------
    DataFrame
        The columns `AMOUNT_ROWS`. `people` have an amount, `without` have none; `zero` and `negative` count such amounts. `mean`, `q10`, `q50`,
        `q90` are those of the group; `difference`, `ratio` and `median_gap` are below 0, 1 and 0 where it gets less of what is good.
    """
    parts = [
        _rows(histogram(part, plan_amounts[str(name)]), plan_amounts[str(name)], reference, bounds, attribute=str(attribute), clustered=clustered)
        .assign(attribute=str(attribute), amount=str(name))
        .loc[:, AMOUNT_ROWS]
        for (attribute, name), part in amounts.groupby(["attribute", "amount"], sort=False)
        if name in plan_amounts
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=AMOUNT_ROWS)


def _rows(held: Histogram, amount: Amount, reference: Reference, bounds: Bounds, *, attribute: str, clustered: bool) -> pd.DataFrame:
    """Return the rows of one attribute and amount."""
    against, named = _references(held, attribute, amount, reference, bounds)
    itself = np.array([label == IS_REFERENCE for label in named], bool)
    every, better = np.eye(len(held.groups)), amount.higher_is == "better"
    group, other = means(held, every), means(held, against)
    low, high = _student(group.value, group.variance, group.free, bounds.confidence)
    columns: dict[str, Any] = {
        "group": held.groups, "of": amount.of, "reference": named,
        "people": held.people, "without": held.without, "zero": held.zero, "negative": held.negative,
        "reference_people": against @ held.people, "reference_mean": other.value, "mean": group.value, "mean_low": low, "mean_high": high,
    }  # fmt: skip
    sides = (group, other) if better else (other, group)
    effects = _effects(*sides, bounds.confidence, signed=bool(held.negative.any()))
    of_group, of_other = quantiles(held, every, bounds.confidence), quantiles(held, against, bounds.confidence)
    for quantile, part in of_group.items():
        columns |= {quantile: part.value, f"{quantile}_low": part.low, f"{quantile}_high": part.high}
    columns["reference_q50"] = of_other["q50"].value
    medians = (of_group["q50"], of_other["q50"]) if better else (of_other["q50"], of_group["q50"])
    effects |= _median_gap(*medians)
    columns |= {name: np.where(itself, np.nan, values) for name, values in effects.items()}
    if clustered:
        columns |= {name: np.full(len(held.groups), np.nan) for name in _LIMITS if name.endswith(("_low", "_high"))}
    reasons = list(_reasons(held, against, columns, itself=itself, clustered=clustered))
    said = [" ".join(say(f"amounts.because_{code}", "en") for code in codes) for codes in reasons]
    return pd.DataFrame(columns | {"reasons": reasons, "because": said})


def _references(held: Histogram, attribute: str, amount: Amount, reference: Reference, bounds: Bounds) -> tuple[Floats, list[str]]:
    """Return who is compared with whom, (groups, groups) of 0 and 1, and the names of the references; no unknown is in any."""
    size = len(held.groups)
    wanted = reference if isinstance(reference, str) else reference.get(attribute, REST)
    if wanted == REST or not held.known.any():
        return (held.known[None, :] & ~np.eye(size, dtype=bool)).astype(float), [REST] * size
    if wanted in {"best", "largest"}:
        rank = np.where(held.known, held.people, -1.0)
        if wanted == "best":
            mean = means(held, np.eye(size)).value
            eligible = held.known & (held.people >= bounds.best_share * held.people[held.known].sum()) & ~np.isnan(mean)
            rank = np.where(eligible, mean if amount.higher_is == "better" else -mean, -np.inf)
        place = int(np.argmax(rank))
    elif wanted in held.groups:
        place = held.groups.index(wanted)
    else:
        near = nearest(wanted, [*held.groups, REST, "best", "largest"])
        raise EquiscoreError(
            f"No reference {wanted!r} in {attribute!r}. Fix: did you mean {near or REST!r}? Or name one of {', '.join(held.groups)}."
        )
    against = np.zeros((size, size))
    against[:, place] = 1.0
    return against, [IS_REFERENCE if position == place else held.groups[place] for position in range(size)]


def _student(value: Floats, variance: Floats, free: Floats, confidence: float) -> tuple[Floats, Floats]:
    half = _t(free, confidence) * np.sqrt(variance)
    return value - half, value + half


def _t(free: Floats, confidence: float) -> Floats:
    found = special.stdtrit(np.where(free > 0, free, 1.0), (1 + confidence) / 2)
    return np.where(free > 0, found, np.nan)


def _effects(first: Mean, second: Mean, confidence: float, *, signed: bool) -> dict[str, Floats]:
    """Return difference and ratio of two independent means; a ratio of numbers below 0 says nothing of more or less."""
    with np.errstate(divide="ignore", invalid="ignore"):
        both = first.variance + second.variance
        free = both**2 / (first.variance**2 / first.free + second.variance**2 / second.free)
        free = np.where(both > 0, free, first.free + second.free)
        low, high = _student(first.value - second.value, both, free, confidence)
        asked = (first.value >= 0) & (second.value >= 0) & (first.value + second.value > 0)
        ratio = np.where(asked, first.value / second.value, np.nan)
        ratio_low, ratio_high = _fieller(first, second, _t(free, confidence), floor=-np.inf if signed else 0.0)
    undefined = ~asked | np.isnan(low)
    return {
        "difference": first.value - second.value, "difference_low": low, "difference_high": high,
        "ratio": ratio, "ratio_low": np.where(undefined, np.nan, ratio_low), "ratio_high": np.where(undefined, np.nan, ratio_high),
    }  # fmt: skip


def _fieller(first: Mean, second: Mean, t: Floats, *, floor: float) -> tuple[Floats, Floats]:
    """Return every ratio r with ``(first - r second)^2 <= t^2 (V1 + r^2 V2)`` (Fieller 1954); any ratio where the second mean may be 0."""
    a, b = first.value, second.value
    square, product = b**2 - t**2 * second.variance, a * b
    root = np.sqrt(np.maximum(product**2 - square * (a**2 - t**2 * first.variance), 0.0))
    bounded = square > 0
    low, high = (product - root) / square, (product + root) / square
    return np.where(bounded, np.maximum(low, floor), floor), np.where(bounded, high, np.inf)


def _median_gap(first: Quantile, second: Quantile) -> dict[str, Floats]:
    """Return the gap of two medians, with the square of the distances to the limits added up, and the width of the bins."""
    gap, width = first.value - second.value, first.width + second.width
    low = gap - np.hypot(first.value - first.from_, second.to - second.value) - width
    high = gap + np.hypot(first.to - first.value, second.value - second.from_) + width
    return {"median_gap": gap, "median_gap_low": low, "median_gap_high": high}


def _reasons(
    held: Histogram, against: Floats, columns: Mapping[str, Any], *, itself: NDArray[np.bool_], clustered: bool
) -> Iterator[tuple[str, ...]]:
    """Go through the codes of what cannot be said of each group, and why."""
    nobody, others = held.people == 0, against @ held.people
    everyone = held.people + held.without
    averages = np.stack([columns["mean"], columns["reference_mean"]])
    codes = {
        "nobody": nobody & (everyone == 0),
        "no_amounts": nobody & (everyone > 0),
        "is_reference": itself,
        "no_reference": ~nobody & ~itself & (others == 0),
        "one_person": held.people == 1,
        "same_amount": (held.people > 1) & (held.spread == 0) & (columns["q10"] == columns["q90"]),
        "below_zero": ~nobody & (others > 0) & ~itself & np.nan_to_num(averages < 0).any(0),
        "clustered": np.full(len(nobody), clustered) & ~nobody,
    }
    for i in range(len(nobody)):
        yield tuple(code for code, mask in codes.items() if mask[i])
