"""Monotone bins and their weight of evidence.

The weight of evidence (WoE) of a bin is how much more favourable its people turned out than all people together, in log-odds:
``ln(favourable / unfavourable in the bin) - ln(favourable / unfavourable in all)``. Above 0 is better than average, 0 is neutral.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.validation import check_is_fitted

from scoring.models.card.cuts import DIRECTIONS, count_by, find_edges
from scoring.models.card.evidence import Counts, Floats, Information, information, information_value, shrunk, standard_errors, weight_of_evidence
from scoring.models.card.grouping import OTHERS, Cuts, Special, check_named, group_labels, group_levels, is_grouping, special_of
from scoring.models.card.ranges import number_word, places_among, range_labels, read_edges
from scoring.models.columns import (
    MISSING,
    UNSEEN,
    Kind,
    ModelError,
    check_known,
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

UNSEEN_POLICIES = ("neutral", "missing", "worst", "error")
"""A level nobody had at fit is worth: nothing, a missing value, the worst bin of its feature; or it is an error that names it."""


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """The bins of one feature and the people in them, by weight.

    The bins come in this order: the ranges (upper edge included), then special values; or the levels. Then missing, then, for
    levels, unseen. `places` says the bin of each level where levels were put together by hand; empty, each is its own.
    """

    name: str
    kind: str
    edges: tuple[float, ...]
    levels: tuple[str, ...]
    favourable: tuple[float, ...]
    unfavourable: tuple[float, ...]
    woe: tuple[float, ...]
    special: tuple[float, ...] = ()
    places: tuple[int, ...] = ()

    def __setstate__(self, state: Sequence[Any]) -> None:
        """Read stored fields; a file from before `special` and `places` has neither."""
        for field, value in zip(fields(self), [*state, (), ()], strict=False):
            object.__setattr__(self, field.name, value)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each bin is called; no two of a feature alike.

        >>> FeatureBins("age", "number", (25.5, 40.0), (), (), (), (), special=(-1.0,)).labels
        ('<= 25.5', '25.5 < .. <= 40', '> 40', '= -1', '(missing)')
        """
        if self.kind == Kind.LEVELS:
            return (*(group_labels(self.levels, self.places) if self.places else self.levels), MISSING, UNSEEN)
        return (*range_labels(self.edges), *(f"= {number_word(value)}" for value in self.special), MISSING)

    @property
    def counts(self) -> Counts:
        """People of each bin by weight: (2, bins), the favourable first."""
        return np.array([self.favourable, self.unfavourable])

    @property
    def information_value(self) -> float:
        """How much the feature tells: sum over bins of (share of the favourable - share of the others) x WoE. Never negative."""
        return information_value(self.counts, np.array(self.woe))

    def codes(self, column: pd.Series) -> NDArray[np.intp]:
        """Return the number of the bin of each row."""
        if self.kind == Kind.LEVELS:
            return self._bin_of_level()[codes_among(column, self.levels)]
        return self.codes_of(read_numbers(column, self.name))

    def codes_of(self, values: Floats) -> NDArray[np.intp]:
        """Return the number of the bin of each number; nan is missing."""
        found = places_among(self.edges, values)
        for place, value in enumerate(self.special):
            found[values == value] = len(self.edges) + 1 + place
        found[np.isnan(values)] = len(self.edges) + 1 + len(self.special)
        return found

    def _bin_of_level(self) -> NDArray[np.intp]:
        """Return the bin of each known level, of missing and of unseen."""
        bins = [*self.places] if self.places else [*range(len(self.levels))]
        missing = max(bins, default=-1) + 1
        unseen = bins[self.levels.index(OTHERS)] if self.places and OTHERS in self.levels else missing + 1
        return np.array([*bins, missing, unseen], np.intp)


def weighed(bins: FeatureBins, counts: Counts, rules: WoEBinner) -> FeatureBins:
    """Return bins with these people in them and their weight of evidence by the rules of a binner: smoothing, shrinkage, unseen."""
    woe = weight_of_evidence(counts, rules.smoothing)
    if rules.shrink:
        woe = shrunk(woe, counts)
    if bins.kind == Kind.LEVELS and rules.unseen in {"missing", "worst"}:
        woe[-1] = woe[-2] if rules.unseen == "missing" else woe[:-1].min()
    return replace(bins, favourable=_floats(counts[0]), unfavourable=_floats(counts[1]), woe=_floats(woe))


def without_reversals(bins: FeatureBins, steps: Sequence[int], rules: WoEBinner) -> FeatureBins:
    """Join neighbouring ranges until the WoE goes the way of each step; 0 is any way.

    The cuts order favourable shares; smoothing and shrinkage can reverse two near-equal ones of different size, and this takes that back.
    """
    ways = np.array(steps)
    while ways.any():
        short = np.where(ways == 0, np.inf, np.diff(bins.woe[: len(ways) + 1]) * ways)
        if short.min() > 0:
            break
        worst = int(short.argmin())
        edges = tuple(edge for place, edge in enumerate(bins.edges) if place != worst)
        counts = np.add.reduceat(bins.counts, np.delete(np.arange(len(bins.woe)), worst + 1), axis=1)
        bins, ways = weighed(replace(bins, edges=edges), counts, rules), np.delete(ways, worst)
    return bins


# -- the transformer ---------------------------------------------------------------------------------------------------------------


class WoEBinner(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Replace each feature by the weight of evidence of its bin.

    A numeric feature is cut, once rising and once falling, into the at most `max_bins` ranges of highest likelihood that hold each
    at least `min_share` of those with a value (`cuts.best_cuts`, exact); the direction of higher likelihood stays. Missing
    values are a bin of their own. Text, category and yes/no columns keep their levels as they are. WoE is smoothed
    (`weight_of_evidence`) and shrunk (`shrunk`); a bin that nobody was in at fit (missing, unseen) is neutral, WoE 0.

    A row of weight k counts as that row k times, exactly: the least size of a bin is a share of the weight, not a number of
    rows. Rows of weight 0 are not there. The order of rows does not matter (for whole weights to the last bit).

    Parameters
    ----------
    monotone : {"auto", "either", "ascending", "descending", "none"} or mapping from column name to one of these
        Ascending: more is more favourable. "either" takes the likelier of the two; "auto" also lets the WoE turn once, where the
        data insist (a gain in deviance of `cuts.TURN`); "none" allows any shape. Columns that a mapping does not name are "auto".
        Levels have no order and ignore it, as do columns cut by hand.
    max_bins, min_share, smoothing, shrink
        10 bins, 3 %, 0.5 people of each class, and shrinkage of small bins: the recipe measured on 27 data sets.
    unseen : {"neutral", "missing", "worst", "error"}
        What a level never seen is worth: WoE 0, that of missing, the lowest of its feature, or an error that names it.
    cuts : mapping from column name to edges or groups
        Cuts by hand, taken as they are. Numbers are upper edges of ranges. Lists are levels put together, a list a bin (also of a
        column of numbers, which is then read as levels); levels that no list names stay bins of their own, or fall into the list
        that holds "(others)", as does every level never seen. A column of more than 255 levels needs such a list.
    special : sequence of numbers, or mapping from column name to one
        Values of numeric columns that are a bin of their own and never part of a range, such as -1 or 999 for "no answer".
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
    [-0.28, -0.28]
    >>> by_hand = WoEBinner(cuts={"age": [29]}, special=[60]).fit(people, ["bad", "bad", "good", "good", "bad", "good"])
    >>> by_hand.binning_table("age")[["bin", "count"]].values.tolist()
    [['<= 29', 2.0], ['> 29', 3.0], ['= 60', 1.0], ['(missing)', 0.0]]
    """

    def __init__(
        self,
        *,
        monotone: str | Mapping[str, str] = "auto",
        max_bins: int = 10,
        min_share: float = 0.03,
        smoothing: float = 0.5,
        shrink: bool = True,
        unseen: str = "neutral",
        cuts: Cuts | None = None,
        special: Special | None = None,
        favourable: Any = None,
    ) -> None:
        self.monotone = monotone
        self.max_bins = max_bins
        self.min_share = min_share
        self.smoothing = smoothing
        self.shrink = shrink
        self.unseen = unseen
        self.cuts = cuts
        self.special = special
        self.favourable = favourable

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the bins of each column of `X` against the two classes of `y`."""
        self.fit_codes(X, y, sample_weight)
        return self

    def fit_codes(self, X: Any, y: Any, sample_weight: Any = None) -> NDArray[np.int16]:
        """Fit, and return the number of the bin of each row and column, as `codes` would; a row of weight 0 may have any."""
        columns = read_table(self, X, reset=True)
        self._check_parameters()
        classes, numbers = read_target(self, y, len(columns[0]))
        weights = read_weights(sample_weight, len(columns[0]))
        present = weights > 0
        check_two_classes(numbers[present])
        check_known(columns, names_of(self), present)
        self.classes_ = classes
        self.favourable_ = read_favourable(classes, self.favourable)
        favourable = classes[numbers] == self.favourable_
        pairs = zip(names_of(self), columns, strict=True)
        found = [self._bins(name, column, favourable, weights, present) for name, column in pairs]
        self.bins_ = tuple(bins for bins, _ in found)
        return np.stack([codes.astype(np.int16) for _, codes in found], axis=1)

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

    def information_table(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return one row a feature: feature, value (of information), standard_error, low, high, by_chance; see `evidence.information`."""
        check_is_fitted(self)
        rows = [information(bins.counts, np.array(bins.woe), self.smoothing, confidence) for bins in self.bins_]
        return pd.DataFrame(rows, columns=list(Information._fields)).assign(feature=names_of(self))[["feature", *Information._fields]]

    def binning_table(self, feature: str | None = None) -> pd.DataFrame:
        """Return one row a bin: feature, bin, count, favourable_share, woe, woe_error, information_value, information_low, information_high.

        `count` is by weight; `woe_error` is the standard error of the WoE in log-odds, nan where nobody is in the bin
        (`evidence.standard_errors`); the information value and its 95 % interval are the feature's (`evidence.information`).
        """
        check_is_fitted(self)
        chosen = [bins for bins in self.bins_ if feature in (None, bins.name)]
        if not chosen:
            raise ModelError(f"No feature {feature!r}. Fix: use one of {', '.join(bins.name for bins in self.bins_)}.")
        return pd.concat([bin_rows(bins, self.smoothing) for bins in chosen], ignore_index=True)

    def _bins(
        self, name: str, column: pd.Series, favourable: NDArray[np.bool_], weights: Floats, present: NDArray[np.bool_]
    ) -> tuple[FeatureBins, NDArray[np.intp]]:
        """Return the bins of a column and the bin of each row."""
        by_hand = (self.cuts or {}).get(name)
        if is_grouping(by_hand) or kind_of(column) is Kind.LEVELS:
            empty = self._level_bins(name, column if present.all() else column[present], by_hand)
            codes = empty.codes(column)
            return weighed(empty, count_by(codes, favourable, weights, len(empty.labels)), self), codes
        values = read_numbers(column, name)
        empty, steps = self._ranges(name, values, favourable, weights, by_hand)
        codes = empty.codes_of(values)
        bins = weighed(empty, count_by(codes, favourable, weights, len(empty.labels)), self)
        settled = without_reversals(bins, steps, self)
        return settled, codes if settled is bins else settled.codes_of(values)

    def _level_bins(self, name: str, column: pd.Series, groups: Sequence[Any] | None) -> FeatureBins:
        if groups is not None and not is_grouping(groups):
            raise ModelError(f"cuts of {name!r}: the column holds levels. Fix: give lists of levels, a list a bin, or make the column numbers.")
        levels, places = group_levels(read_levels(column).names, groups, name)
        return FeatureBins(name, Kind.LEVELS.value, (), levels, (), (), (), places=places if groups else ())

    def _ranges(
        self, name: str, values: Floats, favourable: NDArray[np.bool_], weights: Floats, edges: Sequence[Any] | None
    ) -> tuple[FeatureBins, Sequence[int]]:
        """Return empty bins, and which way the WoE is to go from range to range."""
        empty = FeatureBins(name, Kind.NUMBER.value, (), (), (), (), (), special=special_of(self.special, name))
        if edges is not None:
            return replace(empty, edges=read_edges(edges, name)), ()
        cut = (empty.codes_of(values) == 0) & (weights > 0)  # neither special nor missing
        monotone = self.monotone if isinstance(self.monotone, str) else self.monotone.get(name, "auto")
        found = find_edges(values[cut], favourable[cut], weights[cut], monotone=monotone, max_bins=self.max_bins, min_share=self.min_share)
        return replace(empty, edges=found.edges), found.steps

    def _refuse_unseen(self, codes: NDArray[np.int16], columns: Sequence[pd.Series]) -> None:
        for bins, column, found in zip(self.bins_, columns, codes.T, strict=True):
            rows = np.flatnonzero((found == len(bins.labels) - 1) & (bins.kind == Kind.LEVELS))
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
        for parameter in ("cuts", "special"):
            check_named(getattr(self, parameter), names_of(self), parameter)

    def __setstate__(self, state: Any) -> None:
        """Read a stored binner; one from before `shrink`, `cuts` and `special` has none."""
        super().__setstate__(state | {name: value for name, value in _BEFORE.items() if name not in state})

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)  # of y: two classes, no more
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def bin_rows(bins: FeatureBins, smoothing: float = 0.5) -> pd.DataFrame:
    """Return the bins of one feature as rows, with the columns of `WoEBinner.binning_table`."""
    counts, told = bins.counts, information(bins.counts, np.array(bins.woe), smoothing)
    count = counts.sum(axis=0)
    share = np.divide(counts[0], count, out=np.full(len(count), np.nan), where=count > 0)
    columns = {"feature": bins.name, "bin": bins.labels, "count": count, "favourable_share": share, "woe": bins.woe}
    errors = standard_errors(counts, np.array(bins.woe), smoothing)
    return pd.DataFrame({**columns, "woe_error": errors, "information_value": told.value, "information_low": told.low, "information_high": told.high})


_BEFORE = {"shrink": False, "cuts": None, "special": None}
"""What a stored binner did that does not say so."""


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(map(float, values))
