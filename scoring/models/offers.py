"""What each segment is offered. No offer is a decision too: it shuts people out, and is counted as such."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

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

    def __post_init__(self) -> None:
        segments = [segment for segment, _ in self.rules]
        if twice := sorted({repr(segment) for segment in segments if segments.count(segment) > 1}):
            raise OfferError(f"Offer policy {self.version} has several rules for {', '.join(twice)}. Fix: keep one.")
        if not self.version or any(offer == "" for _, offer in self.rules):
            raise OfferError("An offer policy needs a version, and an offer a name. Fix: name both; no offer is None.")

    @classmethod
    def of(cls, rules: Mapping[Hashable, str | None], *, version: str) -> Self:
        """Make a policy from a mapping of segment to offer."""
        return cls(tuple(rules.items()), version)

    @property
    def excluded(self) -> tuple[Hashable, ...]:
        """The segments that get no offer."""
        return tuple(segment for segment, offer in self.rules if offer is None)

    def apply(self, segments: Iterable[Hashable]) -> pd.Series:
        """Return the offer of each person, missing where there is none. A segment without a rule is an error that names it."""
        given = segments if isinstance(segments, pd.Series) else pd.Series(list(segments), dtype=object)
        offers = dict(self.rules)
        without = given[~given.isin(list(offers))]
        if len(without):
            named = ", ".join(sorted({"(missing)" if pd.isna(segment) else repr(segment) for segment in without.unique()}))
            raise OfferError(
                f"Offer policy {self.version} has no rule for these segments: {named} ({len(without)} rows). Fix: add one for each; None is no offer."
            )
        return pd.Series([offers[segment] for segment in given], index=given.index, name="offer", dtype="str")
