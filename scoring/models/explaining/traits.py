"""What is known of a feature beyond its values: what it is called, whether the law protects it, whether a person can change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from scoring.errors import EquiscoreError, nearest

DIRECTIONS: Final = ("rises", "falls")
"""Which way a feature can change at all: months at the bank can only rise."""
_NO_WORDS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """Facts about a feature that no data tell; nothing here is guessed, and what is not declared is said to be so.

    Attributes
    ----------
    title, unit : str or mapping from language to words
        What the feature is called and counted in, for readers.
    protected : bool
        A ground on which the law forbids to treat people differently. It is marked wherever it is listed, and never proposed as a change.
    changeable : bool or None
        Whether a person can change it; None where that was not declared.
    direction : {"rises", "falls"} or None
        The only way it can change; of levels, along the order of `levels`.
    low, high : float or None
        The least and the greatest number that can be reached, both included.
    levels : tuple of str or None
        The levels that can be reached, in their order where they have one.
    cost : float
        What a step costs the person, in any unit, above 0; only ratios between features matter.

    Examples
    --------
    >>> Trait(changeable=True).movable, Trait(changeable=True, protected=True).movable, Trait().movable
    (True, False, False)
    """

    title: str | Mapping[str, str] = ""
    unit: str | Mapping[str, str] = ""
    protected: bool = False
    changeable: bool | None = None
    direction: str | None = None
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] | None = None
    cost: float = 1.0

    def __post_init__(self) -> None:
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise EquiscoreError(f"A feature that {self.direction!r}? Fix: direction is one of {', '.join(DIRECTIONS)}, or left out.")
        if not 0 < self.cost < float("inf"):
            raise EquiscoreError(f"A step that costs {self.cost!r}. Fix: give a number above 0.")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise EquiscoreError(f"Nothing lies from {self.low!r} to {self.high!r}. Fix: give the lower number first.")

    @property
    def movable(self) -> bool:
        """Whether a change of it may be proposed: declared changeable, and not protected."""
        return self.changeable is True and not self.protected


@dataclass(frozen=True, slots=True)
class Traits:
    """The traits of named features; a feature of which nothing is known has the default ones."""

    by_name: Mapping[str, Trait] = field(default_factory=dict)

    def of(self, name: str) -> Trait:
        """Return the traits of one feature."""
        return self.by_name.get(name, Trait())

    def checked(self, names: Iterable[str]) -> Traits:
        """Return these traits, after every name among them was found among the features: a slip would protect nobody.

        >>> Traits({"agee": Trait(protected=True)}).checked(["age"])
        Traceback (most recent call last):
            ...
        scoring.errors.EquiscoreError: No feature 'agee' (was 'age' meant?). Fix: use one of age.
        """
        known = list(names)
        for name in self.by_name:
            if name not in known:
                near = nearest(name, known)
                raise EquiscoreError(f"No feature {name!r}{f' (was {near!r} meant?)' if near else ''}. Fix: use one of {', '.join(known)}.")
        return self


def read_traits(given: Traits | Mapping[str, Trait] | None) -> Traits:
    """Return traits as they were given, or none."""
    return given if isinstance(given, Traits) else Traits(given or {})
