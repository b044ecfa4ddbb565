"""What can go wrong, said once: what, where, and how to mend it.

Every error of ours is an `EquiscoreError` whose text ends with ``Fix:``. Input is judged whole, so several faults
come as one `FaultyInput`, whose text lists them all and whose ``faults`` holds each.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class EquiscoreError(Exception):
    """Anything that this software refuses or cannot do; the text says what, where and the fix."""


class DeclarationError(EquiscoreError):
    """The declaration (activity.yaml) does not say what it must."""


class ContractError(EquiscoreError):
    """The customer file is not what the declaration promises."""

    @classmethod
    def missing_column(cls, column: str, *, table: str, has: Sequence[str]) -> ContractError:
        """Name the absent column, what is there, and the likeliest slip."""
        near = nearest(column, has)
        fix = f"rename {near!r} to {column!r}, or declare {near!r}" if near else f"add the column {column!r}, or take it out of the declaration"
        return cls(f"{table}: column {column!r} is declared but not there. It has: {', '.join(has)}. Fix: {fix}.")


class StudyError(EquiscoreError):
    """A study cannot be made, read or believed."""


class FaultyInput(EquiscoreError):  # noqa: N818  (the faults are the errors; this is the list of them)
    """Several faults of one input, all at once.

    >>> print(FaultyInput("credit.csv", [ContractError("No column 'age'. Fix: add it."), ContractError("Empty. Fix: fill it.")]))
    credit.csv: 2 faults
      1. No column 'age'. Fix: add it.
      2. Empty. Fix: fill it.
    """

    def __init__(self, where: str, faults: Iterable[EquiscoreError]) -> None:
        self.where = where
        self.faults = ExceptionGroup(where, list(faults))
        listed = [f"  {i}. {fault}" for i, fault in enumerate(self.faults.exceptions, start=1)]
        super().__init__("\n".join([f"{where}: {len(listed)} fault{'s' * (len(listed) > 1)}", *listed]))


def raise_all(where: str, faults: Sequence[EquiscoreError]) -> None:
    """Raise nothing, the one fault, or the list of all."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise FaultyInput(where, faults)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` was probably meant to be.

    >>> nearest("tolerence", ["tolerance", "reference"])
    'tolerance'
    """
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), None)
