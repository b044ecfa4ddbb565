"""The counts of one amount as arrays: means and quantiles of any join of groups, with what their intervals stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.fairness.intervals import proportion_interval
from scoring.plan import Amount
from scoring.vocabulary import UNKNOWN

QUANTILES: Final = {"q10": 0.1, "q50": 0.5, "q90": 0.9}
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Histogram:
    """The amounts of the groups of one attribute: arrays (groups, bins) of weights, their squares and totals, and what goes by group."""

    groups: tuple[str, ...]
    known: NDArray[np.bool_]
    lower: Floats
    upper: Floats
    weight: Floats
    weight_squared: Floats
    total: Floats
    people: Floats
    centre: Floats
    """Mean of the amounts by squared weights, by group; and the spread about it, sum w^2 (a - centre)^2."""
    spread: Floats
    without: Floats
    zero: Floats
    negative: Floats
    log_total: Floats


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, its variance and its degrees of freedom, by group."""

    value: Floats
    variance: Floats
    free: Floats


def histogram(part: pd.DataFrame, amount: Amount) -> Histogram:
    """Lay the rows of one attribute and amount out as arrays."""
    groups = tuple(dict.fromkeys(part["group"]))
    kept = part[part["favoured"] == 1] if amount.of == "favoured" else part
    held = kept[kept["bin"] >= 0]
    bins, place = np.unique(held["bin"].to_numpy(np.int64), return_inverse=True)
    row = pd.Index(groups).get_indexer(held["group"])
    shape = len(groups), len(bins)

    def laid(name: str) -> Floats:
        added = np.bincount(row * shape[1] + place, held[name].to_numpy(float), minlength=shape[0] * shape[1])
        return added.reshape(shape).astype(float)

    def by_group(rows: pd.DataFrame, name: str = "n") -> Floats:
        return np.bincount(pd.Index(groups).get_indexer(rows["group"]), rows[name].to_numpy(float), minlength=len(groups)).astype(float)

    ends = held.drop_duplicates("bin").sort_values("bin")
    squares, totals = by_group(held, "weight_squared"), by_group(held, "squared_total")
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = totals / squares
        own = held["squared_total"].to_numpy(float) / held["weight_squared"].to_numpy(float)
        apart = np.nan_to_num(held["weight_squared"].to_numpy(float) * (own - centre[row]) ** 2)
    return Histogram(
        groups, np.array([group != UNKNOWN for group in groups], bool), ends["lower"].to_numpy(float), ends["upper"].to_numpy(float),
        laid("weight"), laid("weight_squared"), laid("total"), by_group(held), np.nan_to_num(centre),
        by_group(held.assign(n=held["spread"].to_numpy(float) + apart)), by_group(kept[kept["bin"] < 0]),
        by_group(held[held["sign"] == 0]), by_group(held[held["sign"] < 0]), by_group(held, "log_total"),
    )  # fmt: skip


def means(held: Histogram, chosen: Floats) -> Mean:
    """Return the means of joined groups; the spread of a join is that within its parts and that between them."""
    weight, people = chosen @ held.weight.sum(1), chosen @ held.people
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (chosen @ held.total.sum(1)) / weight
        apart = (held.centre[None, :] - mean[:, None]) ** 2
        spread = np.where(chosen > 0, chosen * (held.spread[None, :] + held.weight_squared.sum(1)[None, :] * apart), 0.0).sum(1)
        variance = np.where(people > 1, spread / weight**2 * people / (people - 1), np.nan)
    return Mean(mean, variance, people - 1)


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile by group, its limits with and without the width of the bins."""

    value: Floats
    low: Floats
    high: Floats
    from_: Floats
    to: Floats
    width: Floats


def quantiles(held: Histogram, chosen: Floats, confidence: float) -> dict[str, Quantile]:
    """Return the quantiles of joined groups."""
    if not len(held.lower):
        nothing = np.full(len(held.groups), np.nan)
        return dict.fromkeys(QUANTILES, Quantile(*[nothing] * 6))
    weight, squared, total = chosen @ held.weight, chosen @ held.weight_squared, chosen @ held.total
    return {
        name: _quantile(weight, squared, total, ends=(held.lower, held.upper), share=share, confidence=confidence)
        for name, share in QUANTILES.items()
    }


def _quantile(weight: Floats, squared: Floats, total: Floats, *, ends: tuple[Floats, Floats], share: float, confidence: float) -> Quantile:
    """Return the amount that a share of the weight does not pass, with its limits after Woodruff (1952)."""
    reached, reached_squared = np.cumsum(weight, 1), np.cumsum(squared, 1)
    everything, squares = reached[:, -1:], reached_squared[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        below = reached / everything
        mean = total / weight
    rows = np.arange(len(weight))
    place = _first(below >= share - 1e-12)
    size = _effective(reached[rows, place], everything[:, 0], reached_squared[rows, place], squares[:, 0])
    low, high = proportion_interval(share * size, size, confidence=confidence)
    first, last = _first(below >= low[:, None] - 1e-12), _first(below > high[:, None] + 1e-12)
    alpha = (1 - confidence) / 2
    there = everything[:, 0] > 0
    # of so few people the quantile may lie beyond all of them: then there is no limit on that side
    has_low, has_high = there & ((1 - share) ** size <= alpha), there & (share**size <= alpha)
    lower, upper = ends
    return Quantile(
        np.where(there, mean[rows, place], np.nan),
        np.where(has_low, lower[first], np.nan), np.where(has_high, upper[last], np.nan),
        np.where(has_low, mean[rows, first], np.nan), np.where(has_high, mean[rows, last], np.nan),
        np.where(there, np.maximum(upper - lower, 0.0)[np.stack([first, place, last])].max(0), np.nan),
    )  # fmt: skip


def _first(condition: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first place where something holds, the last of all where it holds nowhere."""
    return np.where(condition.any(1), np.argmax(condition, 1), condition.shape[1] - 1)


def _effective(hits: Floats, weight: Floats, hits_squared: Floats, squares: Floats) -> Floats:
    """Return the number of independent people that a share has the precision of, 0 where there are none (as for a weighted rate)."""
    misses, misses_squared = weight - hits, np.maximum(squares - hits_squared, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = hits_squared * (misses / weight) ** 2 + misses_squared * (hits / weight) ** 2
        size = np.where((hits > 0) & (misses > 1e-12 * weight) & (spread > 0), hits * misses / spread, weight**2 / squares)
    return np.where(weight > 0, size, 0.0)
