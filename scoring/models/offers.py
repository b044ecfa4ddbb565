"""What each segment is offered. No offer is a decision too: it shuts people out, and is counted as such."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
import pandas as pd

from scoring.errors import EquiscoreError


class OfferError(EquiscoreError, ValueError):
    """A policy does not say what a segment is offered."""


@dataclass(frozen=True, slots=True)
class OfferPolicy:
    """Which offer each segment gets; None is no offer, which is an exclusion and must be said as openly as an offer.

    >>> policy = OfferPolicy.of({"low": None, "high": "gold card"}, version="2026-11")
    >>> policy.apply(["high", "low"]).tolist()
    ['gold card', nan]
    >>> policy.apply(["middle"])
    Traceback (most recent call last):
    scoring.models.offers.OfferError: Offer policy 2026-11 has no rule for these segments: 'middle' (1 rows). Fix: add one for each; None is no offer.
    """

    rules: tuple[tuple[Hashable, str | None], ...]
    version: str
    valid_from: date | None = None
    """The first day that the policy counts; None: from ever."""

    def __post_init__(self) -> None:
        segments = [segment for segment, _ in self.rules]
        if twice := sorted({repr(segment) for segment in segments if segments.count(segment) > 1}):
            raise OfferError(f"Offer policy {self.version} has several rules for {', '.join(twice)}. Fix: keep one.")
        if not self.version or any(offer == "" for _, offer in self.rules):
            raise OfferError("An offer policy needs a version, and an offer a name. Fix: name both; no offer is None.")

    @classmethod
    def of(cls, rules: Mapping[Hashable, str | None], *, version: str, valid_from: date | None = None) -> Self:
        """Make a policy from a mapping of segment to offer."""
        return cls(tuple(rules.items()), version, valid_from)

    @property
    def excluded(self) -> tuple[Hashable, ...]:
        """The segments that get no offer."""
        return tuple(segment for segment, offer in self.rules if offer is None)

    def check(self, segments: Iterable[Hashable]) -> None:
        """Hold the policy against the segments there are: each has a rule, and no rule is for a segment that nobody makes.

        >>> OfferPolicy.of({"low": None, "hihg": "card"}, version="1").check(["low", "high"])
        Traceback (most recent call last):
        scoring.models.offers.OfferError: Offer policy 1: no rule for 'high'; no such segment as 'hihg'. Fix: one rule a segment; None is no offer.
        """
        made, ruled = list(segments), [segment for segment, _ in self.rules]
        faults = [f"no rule for {segment!r}" for segment in made if segment not in ruled]
        faults += [f"no such segment as {segment!r}" for segment in ruled if segment not in made]
        if faults:
            raise OfferError(f"Offer policy {self.version}: {'; '.join(faults)}. Fix: one rule a segment; None is no offer.")

    def apply(self, segments: Iterable[Hashable]) -> pd.Series:
        """Return the offer of each person, missing where there is none. A segment without a rule is an error that names it."""
        given = segments if isinstance(segments, pd.Series) else pd.Series(list(segments), dtype=object)
        codes, held = pd.factorize(given, use_na_sentinel=False)
        offers = dict(self.rules)
        without = np.array([pd.isna(segment) or segment not in offers for segment in held], dtype=bool)
        if without.any():
            named = ", ".join(sorted({"(missing)" if pd.isna(segment) else repr(segment) for segment in held[without]}))
            rows = int(without[codes].sum())
            raise OfferError(
                f"Offer policy {self.version} has no rule for these segments: {named} ({rows} rows). Fix: add one for each; None is no offer."
            )
        made = np.array([*(offers[segment] for segment in held), None], dtype=object)
        return pd.Series(made[codes], index=given.index, name="offer", dtype="str")


def in_force(policies: Iterable[OfferPolicy], day: date) -> OfferPolicy:
    """Return the policy that counts on a day: of those already valid, the one that began last.

    >>> old, new = (OfferPolicy.of({"a": "card"}, version=str(year), valid_from=date(year, 1, 1)) for year in (2025, 2026))
    >>> in_force([new, old], date(2025, 12, 31)).version
    '2025'
    """
    begun = [policy for policy in policies if policy.valid_from is None or policy.valid_from <= day]
    if not begun:
        raise OfferError(f"No offer policy counts on {day}. Fix: add one that is valid from that day or before.")
    starts = [policy.valid_from or date.min for policy in begun]
    if starts.count(max(starts)) > 1:
        raise OfferError(f"Several offer policies begin on {max(starts)}. Fix: let each begin on a day of its own.")
    return begun[starts.index(max(starts))]
