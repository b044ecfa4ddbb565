"""What a PIA says, before it is a file: an answer for each of the 36 questions or none, the measures, the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from scoring.dossier.pia.markup import Passage


@dataclass(frozen=True, slots=True)
class Given:
    """An answer: passages of text, tags of a list, or a gauge of 1 to 4 with its reason."""

    passages: tuple[Passage, ...] = ()
    tags: tuple[str, ...] = ()
    gauge: int | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A measure of protection; the tags of 324, 334 and 344 are titles of these."""

    title: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """All that the file is made of.

    A question that `given` leaves out is answered as missing, with who must supply it. `on` is the day that the file bears:
    there is no clock here.
    """

    language: str
    on: date
    name: str
    given: Mapping[int, Given] = field(default_factory=dict)
    controls: tuple[Control, ...] = ()
    category: str | None = None
    author: str | None = None
    evaluator: str | None = None
    validator: str | None = None
    remarks: tuple[tuple[int, str], ...] = ()
    """Remarks on questions, for lists and gauges whose answer has no room for words."""
