"""Loyalty tiers: thresholds on points or spend over a period, and what is kept when the points no longer reach."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from scoring.models.columns import ModelError, names_of, read_table
from scoring.models.segmenting.stated_columns import numbers_of
from scoring.vocabulary import UNKNOWN


class LoyaltyTiers(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Give each customer the highest tier whose threshold the points reach; each one has one tier.

    Tiers rise in the order they are stated. Who has fewer points than the lowest threshold is in `below`. A tier may be kept with fewer
    points than it takes to earn it (`keep`), so that nobody goes up and down from one period to the next: see `renewed`.

    Parameters
    ----------
    thresholds : mapping of tier to the points that earn it, rising.
    keep : mapping of tier to the points that keep it once earned, at most its threshold; a tier not named is kept from its threshold on.
    below : name of those under the lowest threshold.
    version : of the rules. valid_from : the first day they count, as in "2026-01-01", or None.

    Attributes
    ----------
    tiers_ : array of names, lowest first, `below` among them. ``thresholds_``, ``keep_`` : arrays, one entry a tier above `below`.

    A missing number of points is in the tier ``(unknown)``, number -1.

    Examples
    --------
    >>> tiers = LoyaltyTiers(thresholds={"silver": 500, "gold": 2000}, keep={"gold": 1500}, version="2026")
    >>> tiers.tier([499, 500, 1999, 2000]).tolist()
    ['(none)', 'silver', 'silver', 'gold']
    >>> tiers.renewed([1600, 1400, 1600], ["gold", "gold", "silver"]).tolist()
    ['gold', 'silver', 'silver']
    """

    def __init__(
        self,
        *,
        thresholds: Mapping[str, float],
        keep: Mapping[str, float] | None = None,
        below: str = "(none)",
        version: str = "1",
        valid_from: str | None = None,
    ) -> None:
        self.thresholds = thresholds
        self.keep = keep
        self.below = below
        self.version = version
        self.valid_from = valid_from

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  (scikit-learn's signature)
        """Check the rules; nothing is learned from the points."""
        self._read(X, reset=True)
        self._take_rules()
        return self

    def transform(self, X: Any) -> NDArray[np.intp]:
        """Return the number of the tier of each number of points, its place in ``tiers_``, column by column; -1 for unknown."""
        check_is_fitted(self)
        return self._earned(self._read(X, reset=False))

    def tier(self, points: Any) -> NDArray[Any]:
        """Return the name of the tier of each of one column of points; needs no fit."""
        self._take_rules()
        return self._names(self._earned(_numbers(points)))

    def renewed(self, points: Any, previous: Any, *, guaranteed: Any = None) -> NDArray[Any]:
        """Return the tier of each customer in a new period, given the tier of the last one.

        It is the highest of: the tier the points earn; the highest tier, up to the last one, that the points keep; the last tier itself where it is
        guaranteed. Needs no fit.

        Parameters
        ----------
        points : one a customer, NaN for missing: then a guaranteed tier stays, and any other is ``(unknown)``.
        previous : names of tiers, ``(unknown)`` or None for none.
        guaranteed : truth, one a customer: the last tier was promised until a day that has not come (see `guaranteed_on`).
        """
        self._take_rules()
        values, before = _numbers(points), self._numbered(previous)
        kept = values[:, None] >= self.keep_
        held = np.where(kept & (np.arange(1, kept.shape[1] + 1) <= before[:, None]), np.arange(1, kept.shape[1] + 1), 0)
        now = np.maximum(self._earned(values), held.max(axis=1, initial=0))
        now = np.where(np.isnan(values), -1, now)
        if guaranteed is not None:
            now = np.where(np.asarray(guaranteed, dtype=bool), np.maximum(now, before), now)
        return self._names(now)

    def _take_rules(self) -> None:
        names = list(self.thresholds)
        earn = np.array([self.thresholds[name] for name in names], dtype=np.float64)
        keep = np.array([(self.keep or {}).get(name, self.thresholds[name]) for name in names], dtype=np.float64)
        if not names or not (np.isfinite(earn) & np.isfinite(keep)).all() or (np.diff(earn) <= 0).any() or (np.diff(keep) < 0).any():
            raise ModelError(f"LoyaltyTiers: thresholds {self.thresholds!r}, keep {self.keep!r}. Fix: give finite numbers that rise.")
        if (keep > earn).any() or set(self.keep or {}) - set(names) or {self.below, UNKNOWN} & set(names) or not self.version:
            told = f"{names}, keep {self.keep!r}, below {self.below!r}, version {self.version!r}"
            raise ModelError(f"LoyaltyTiers: {told}. Fix: a name of its own for each tier, each kept from at most its threshold, and a version.")
        if self.valid_from is not None:
            _check_day(self.valid_from)
        self.tiers_ = np.array([self.below, *names], dtype=object)
        self.thresholds_, self.keep_ = earn, keep

    def _earned(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        return np.where(np.isnan(values), -1, np.searchsorted(self.thresholds_, values, side="right"))

    def _names(self, numbers: NDArray[np.intp]) -> NDArray[Any]:
        return np.where(numbers < 0, UNKNOWN, self.tiers_[numbers])

    def _numbered(self, names: Any) -> NDArray[np.intp]:
        """Return the number of each tier named, -1 for none."""
        codes, held = pd.factorize(np.asarray(names, dtype=object))
        place = {name: number for number, name in enumerate(self.tiers_)} | {UNKNOWN: -1}
        if strange := [name for name in held if name not in place]:
            raise ModelError(f"LoyaltyTiers: no tier {', '.join(map(repr, strange))}. Fix: use {', '.join(map(repr, place))}.")
        return np.array([*(place[name] for name in held), -1], dtype=np.intp)[codes]

    def _read(self, X: Any, *, reset: bool) -> NDArray[np.float64]:
        columns = read_table(self, X.to_frame() if hasattr(X, "to_frame") else X, reset=reset)
        return np.stack([numbers_of(self, column, name) for column, name in zip(columns, names_of(self), strict=True)], axis=1)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def guaranteed_on(day: date, until: Any) -> NDArray[np.bool_]:
    """Return whose tier is still promised on a day, given the last day of each promise (missing: none).

    >>> guaranteed_on(date(2026, 6, 30), [date(2026, 12, 31), date(2026, 6, 30), None]).tolist()
    [True, True, False]
    """
    ends = np.asarray(until, dtype="datetime64[D]")
    return ~np.isnat(ends) & (ends >= np.datetime64(day))


def _check_day(day: str) -> None:
    try:
        date.fromisoformat(day)
    except (TypeError, ValueError):
        raise ModelError(f"LoyaltyTiers: valid_from={day!r}. Fix: write the day as 2026-01-01.") from None


def _numbers(points: Any) -> NDArray[np.float64]:
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 1 or np.isinf(values).any():
        raise ModelError("LoyaltyTiers: points are not one column of finite numbers. Fix: give one number a customer, NaN for missing.")
    return values
