"""Monotone bins and their weight of evidence.

The weight of evidence (WoE) of a bin is how much more favourable its people turned out than all people together, in log-odds:
``ln(favourable / unfavourable in the bin) - ln(favourable / unfavourable in all)``. Above 0 is better than average, 0 is neutral.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.validation import check_is_fitted

from scoring.models.columns import (
    MISSING,
    UNSEEN,
    Kind,
    ModelError,
    check_levels,
    check_two_classes,
    codes_among,
    kind_of,
    names_of,
    read_favourable,
    read_levels,
    read_numbers,
    read_table,
    read_target,
    read_weights,
)

Counts = NDArray[np.float64]
"""People by weight: a row for the favourable and one for the others, a column a bin (or a distinct value)."""

DIRECTIONS: Mapping[str, tuple[int, ...]] = {"auto": (1, -1), "ascending": (1,), "descending": (-1,), "none": (0,)}
"""What `monotone` may be, and the directions then tried: +1 more is more favourable, -1 less is, 0 any shape."""
UNSEEN_POLICIES = ("neutral", "error")
"""A level nobody had at fit: a weight of evidence of 0, or an error that names it."""
MOST_DISTINCT = 4096
"""A column with more distinct values is first cut at that many quantiles: a bin holds 5 % of people, so no bin needs finer steps."""


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """The bins of one feature and the people in them, by weight.

    The bins come in this order: the ranges (upper edge included) or the levels, then missing, then, for levels, unseen.
    """

    name: str
    kind: str
    edges: tuple[float, ...]
    levels: tuple[str, ...]
    favourable: tuple[float, ...]
    unfavourable: tuple[float, ...]
    woe: tuple[float, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What each bin is called; no two of a feature alike.

        >>> FeatureBins("age", "number", (25.5, 40.0), (), (), (), ()).labels
        ('<= 25.5', '25.5 < .. <= 40', '> 40', '(missing)')
        """
        return (*self.levels, MISSING, UNSEEN) if self.kind == Kind.LEVELS else (*range_labels(self.edges), MISSING)

    @property
    def information_value(self) -> float:
        """How much the feature tells: sum over bins of (share of the favourable - share of the others) x WoE. Never negative."""
        favourable, others = np.array(self.favourable), np.array(self.unfavourable)
        return float(((favourable / favourable.sum() - others / others.sum()) * np.array(self.woe)).sum())

    def codes(self, column: pd.Series) -> NDArray[np.intp]:
        """Return the number of the bin of each row."""
        if self.kind == Kind.LEVELS:
            return codes_among(column, self.levels)
        values = read_numbers(column, self.name)
        found = np.searchsorted(np.array(self.edges), values, side="left")
        return np.where(np.isnan(values), len(self.edges) + 1, found)


def range_labels(edges: Sequence[float]) -> tuple[str, ...]:
    """Name the ranges between edges; edges are written with as many digits as tell them apart.

    >>> range_labels([]), range_labels([0.5])
    (('any number',), ('<= 0.5', '> 0.5'))
    """
    if not edges:
        return ("any number",)
    words = [repr(float(edge)).removesuffix(".0") for edge in edges]
    return (f"<= {words[0]}", *(f"{low} < .. <= {high}" for low, high in pairwise(words)), f"> {words[-1]}")


def weight_of_evidence(counts: Counts, smoothing: float) -> NDArray[np.float64]:
    """Return the WoE of each bin, with `smoothing` people of each class added to it, split as in all people together.

    An average person is thus what is added: a small bin is drawn towards 0 and an empty one is exactly neutral, where adding
    the same number to both classes would draw it towards even odds.

    >>> weight_of_evidence(np.array([[8.0, 2.0, 0.0], [2.0, 8.0, 0.0]]), 0.5).round(3)
    array([ 1.224, -1.224,  0.   ])
    """
    shares = counts / counts.sum(axis=1, keepdims=True)  # of the favourable, and of the others, in each bin
    added = 2 * smoothing / counts.sum()
    woe: NDArray[np.float64] = np.log((shares[0] + added) / (shares[1] + added))
    return woe


def log_loss(counts: Counts) -> float:
    """Return the log-loss of saying to each person the favourable share of their bin."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = counts * np.log(counts / counts.sum(axis=0))
    return -float(np.nansum(terms))


# -- cutting numbers ---------------------------------------------------------------------------------------------------------------


def count_by(places: NDArray[np.intp], favourable: NDArray[np.bool_], weights: NDArray[np.float64], n_places: int) -> Counts:
    """Count people by place (a bin, a distinct value), by weight: the only pass over the rows; all the rest is arithmetic on counts."""
    return np.stack([np.bincount(places, weights * chosen, minlength=n_places) for chosen in (favourable, ~favourable)])


def tree_cuts(counts: Counts, direction: int, *, max_bins: int, min_share: float) -> NDArray[np.intp]:
    """Cut ordered distinct values into at most `max_bins` runs with one decision tree; return the last place of each run but the last.

    The tree sees the ranks of the values and their counts, not the people: it cannot matter whether a value is 1e9 or 1e-9 (trees
    round to float32), in which order people come, or whether one row of weight 2 is two rows.
    """
    n_values = counts.shape[1]
    weights = counts.ravel()
    tree = DecisionTreeClassifier(
        criterion="entropy", max_leaf_nodes=max_bins, min_weight_fraction_leaf=min_share, monotonic_cst=[direction], random_state=0
    )
    ranks = np.tile(np.arange(n_values), 2).reshape(-1, 1)
    tree.fit(ranks[weights > 0], np.repeat([1, 0], n_values)[weights > 0], sample_weight=weights[weights > 0])
    inner = tree.tree_.children_left >= 0
    return np.sort(np.floor(tree.tree_.threshold[inner]).astype(np.intp))


def summed(counts: Counts, cuts: NDArray[np.intp]) -> Counts:
    """Add up the counts of each run between cuts."""
    sums: Counts = np.add.reduceat(counts, np.concatenate([[0], cuts + 1]), axis=1)
    return sums


def without_reversals(counts: Counts, cuts: NDArray[np.intp], direction: int, smoothing: float) -> NDArray[np.intp]:
    """Join neighbouring runs until their WoE goes one way only.

    The tree orders favourable shares; smoothing can reverse two near-equal ones of different size, and this takes that back.
    """
    while len(cuts) and direction:
        steps = np.diff(weight_of_evidence(summed(counts, cuts), smoothing)) * direction
        if steps.min() > 0:
            break
        cuts = np.delete(cuts, steps.argmin())
    return cuts


def coarse(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distinct values that may end a bin: all of them, or those at `MOST_DISTINCT` quantiles of the people."""
    distinct, places = np.unique(values, return_inverse=True)
    if len(distinct) <= MOST_DISTINCT:
        return distinct
    below = np.cumsum(np.bincount(places, weights))
    wanted = np.searchsorted(below, np.linspace(0, below[-1], MOST_DISTINCT + 1)[1:-1])
    ends: NDArray[np.float64] = distinct[np.unique([*wanted, len(distinct) - 1])]
    return ends


def midpoint(low: float, high: float) -> float:
    """Return the number half-way, or `low` where rounding would put it at `high`: the edge itself belongs to the bin below.

    >>> midpoint(25, 26)
    25.5
    """
    middle = low / 2 + high / 2
    return middle if low <= middle < high else low


# -- the transformer ---------------------------------------------------------------------------------------------------------------


class WoEBinner(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Replace each feature by the weight of evidence of its bin.

    A numeric feature is cut by two decision trees on that feature alone, one held to rise and one to fall (entropy, at most
    `max_bins` leaves, each at least `min_share` of those with a value, by weight); the one of lower log-loss stays. Missing
    values are a bin of their own. Text, category and yes/no columns keep their levels as they are. WoE is smoothed
    (`weight_of_evidence`); a bin that nobody was in at fit (missing, unseen) is neutral, WoE 0.

    A row of weight k counts as that row k times, exactly: the least size of a bin is a share of the weight, not a number of
    rows. Rows of weight 0 are not there. The order of rows does not matter (for whole weights to the last bit).

    Parameters
    ----------
    monotone : {"auto", "ascending", "descending", "none"} or mapping from column name to one of these
        Ascending: more is more favourable. Columns that a mapping does not name are "auto". Levels have no order and ignore it.
    max_bins, min_share, smoothing
        6 bins, 5 % and 0.5 people of each class: the recipe measured on four real data sets.
    unseen : {"neutral", "error"}
        What a level never seen is worth: WoE 0, or an error that names it.
    favourable : object
        The class of `y` that is good for the person; by default the second in order.

    Attributes
    ----------
    bins_ : tuple of FeatureBins, one a column.
    classes_, favourable_ : the two classes of `y`, and the favourable one.

    Examples
    --------
    >>> people = pd.DataFrame({"age": [20, 25, 30, 45, 50, 60], "home": ["rent", "rent", "own", None, "own", "own"]})
    >>> binner = WoEBinner(min_share=0.3).fit(people, ["bad", "bad", "good", "good", "bad", "good"])
    >>> binner.transform(people).round(2)[0].tolist()
    [-1.61, -1.61]
    """

    def __init__(
        self,
        *,
        monotone: str | Mapping[str, str] = "auto",
        max_bins: int = 6,
        min_share: float = 0.05,
        smoothing: float = 0.5,
        unseen: str = "neutral",
        favourable: Any = None,
    ) -> None:
        self.monotone = monotone
        self.max_bins = max_bins
        self.min_share = min_share
        self.smoothing = smoothing
        self.unseen = unseen
        self.favourable = favourable

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the bins of each column of `X` against the two classes of `y`."""
        columns = read_table(self, X, reset=True)
        self._check_parameters()
        classes, numbers = read_target(self, y, len(columns[0]))
        weights = read_weights(sample_weight, len(columns[0]))
        present = weights > 0
        check_two_classes(numbers[present])
        self.classes_ = classes
        self.favourable_ = read_favourable(classes, self.favourable)
        favourable = classes[numbers[present]] == self.favourable_
        pairs = zip(names_of(self), columns, strict=True)
        self.bins_ = tuple(self._bins(name, column[present], favourable, weights[present]) for name, column in pairs)
        return self

    def codes(self, X: Any) -> NDArray[np.int16]:
        """Return the number of the bin of each row (down) and column (across), as ordered in ``bins_``."""
        check_is_fitted(self)
        columns = read_table(self, X, reset=False)
        codes = np.stack([bins.codes(column).astype(np.int16) for bins, column in zip(self.bins_, columns, strict=True)], axis=1)
        if self.unseen == "error":
            self._refuse_unseen(codes, columns)
        return codes

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the weight of evidence of each row and column."""
        codes = self.codes(X)
        return np.stack([np.array(bins.woe)[codes[:, j]] for j, bins in enumerate(self.bins_)], axis=1)

    def information_values(self) -> pd.Series:
        """Return the information value of each feature, by name."""
        check_is_fitted(self)
        return pd.Series({bins.name: bins.information_value for bins in self.bins_}, name="information_value", dtype=np.float64)

    def binning_table(self, feature: str | None = None) -> pd.DataFrame:
        """Return one row a bin: feature, bin, count (by weight), favourable_share, woe, information_value (of the feature)."""
        check_is_fitted(self)
        chosen = [bins for bins in self.bins_ if feature in (None, bins.name)]
        if not chosen:
            raise ModelError(f"No feature {feature!r}. Fix: use one of {', '.join(bins.name for bins in self.bins_)}.")
        return pd.concat([bin_rows(bins) for bins in chosen], ignore_index=True)

    def _bins(self, name: str, column: pd.Series, favourable: NDArray[np.bool_], weights: NDArray[np.float64]) -> FeatureBins:
        kind = kind_of(column)
        empty = FeatureBins(name, kind.value, (), (), (), (), ())
        if kind is Kind.LEVELS:
            levels = read_levels(column).names
            check_levels(levels, name)
            empty = replace(empty, levels=levels)
        else:
            empty = replace(empty, edges=self._edges(name, read_numbers(column, name), favourable, weights))
        counts = count_by(empty.codes(column), favourable, weights, len(empty.labels))
        woe = weight_of_evidence(counts, self.smoothing)
        return replace(empty, favourable=_floats(counts[0]), unfavourable=_floats(counts[1]), woe=_floats(woe))

    def _edges(self, name: str, values: NDArray[np.float64], favourable: NDArray[np.bool_], weights: NDArray[np.float64]) -> tuple[float, ...]:
        known = ~np.isnan(values)
        values, favourable, weights = values[known], favourable[known], weights[known]
        ends = coarse(values, weights)
        if len(ends) < 2:
            return ()
        counts = count_by(np.searchsorted(ends, values), favourable, weights, len(ends))
        cuts = min((self._cuts(counts, direction) for direction in self._directions(name)), key=lambda cuts: log_loss(summed(counts, cuts)))
        following = _next_above(values, ends[cuts])
        return tuple(midpoint(float(low), float(high)) for low, high in zip(ends[cuts], following, strict=True))

    def _cuts(self, counts: Counts, direction: int) -> NDArray[np.intp]:
        cuts = tree_cuts(counts, direction, max_bins=self.max_bins, min_share=self.min_share)
        return without_reversals(counts, cuts, direction, self.smoothing)

    def _directions(self, name: str) -> tuple[int, ...]:
        return DIRECTIONS[self.monotone if isinstance(self.monotone, str) else self.monotone.get(name, "auto")]

    def _refuse_unseen(self, codes: NDArray[np.int16], columns: Sequence[pd.Series]) -> None:
        for bins, column, found in zip(self.bins_, columns, codes.T, strict=True):
            rows = np.flatnonzero((found == len(bins.levels) + 1) & (bins.kind == Kind.LEVELS))
            if len(rows):
                raise ModelError(
                    f"Column {bins.name!r} has a level never seen at fit: {column.iloc[rows[0]]!r} ({len(rows)} rows). "
                    f'Fix: correct it, refit, or choose unseen="neutral".'
                )

    def _check_parameters(self) -> None:
        asked = [self.monotone] if isinstance(self.monotone, str) else [*self.monotone.values()]
        if wrong := sorted(set(asked) - set(DIRECTIONS)):
            raise ModelError(f"WoEBinner: monotone={wrong[0]!r} is not known. Fix: use one of {', '.join(DIRECTIONS)}.")
        if self.unseen not in UNSEEN_POLICIES:
            raise ModelError(f"WoEBinner: unseen={self.unseen!r} is not known. Fix: use one of {', '.join(UNSEEN_POLICIES)}.")
        if not self.max_bins >= 2 or not 0 <= self.min_share <= 0.5 or not self.smoothing > 0:
            raise ModelError(
                f"WoEBinner: max_bins={self.max_bins!r}, min_share={self.min_share!r}, smoothing={self.smoothing!r}. "
                f"Fix: at least 2 bins, a share from 0 to 0.5, a smoothing above 0."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)  # of y: two classes, no more
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def bin_rows(bins: FeatureBins) -> pd.DataFrame:
    """Return the bins of one feature as rows."""
    favourable, unfavourable = np.array(bins.favourable), np.array(bins.unfavourable)
    count = favourable + unfavourable
    share = np.divide(favourable, count, out=np.full(len(count), np.nan), where=count > 0)
    columns = {"feature": bins.name, "bin": bins.labels, "count": count, "favourable_share": share, "woe": bins.woe}
    return pd.DataFrame({**columns, "information_value": bins.information_value})


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(map(float, values))


def _next_above(values: NDArray[np.float64], ends: NDArray[np.float64]) -> list[float]:
    """Return the least value above each end."""
    return [float(values[values > end].min()) for end in ends]
