"""The question tree of the CNIL PIA software, as data: eight evaluated items, 36 questions, and who must supply what.

Source: LINCnil/pia 4.1.0 (GPL-3.0; facts only), ``src/assets/files/pia_architecture.json``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal

import yaml

Kind = Literal["text", "list", "gauge"]
KEYS: Final = ("pia", "answers", "measures", "evaluations", "comments")
"""The five keys of the file; the first is an object, the others are arrays."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the tree: how it is evaluated, and its questions with what each answer must hold."""

    ref: str
    evaluated: Literal["item", "question", "measure"]
    questions: Mapping[int, Kind]
    gauges: bool = False
    risk: str | None = None

    def references(self, measures: tuple[int, ...]) -> tuple[str, ...]:
        """Return what evaluations of this item refer to.

        >>> Item("3.1", "measure", {}).references((1, 2)), Item("1.1", "item", {111: "text"}).references(())
        (('3.1.1', '3.1.2'), ('1.1',))
        """
        below = {"item": (), "question": tuple(self.questions), "measure": measures}[self.evaluated]
        return (self.ref,) if self.evaluated == "item" else tuple(f"{self.ref}.{one}" for one in below)


@functools.cache
def data(name: str) -> Mapping[str, Any]:
    """Return a data file that lies beside this module."""
    held: Mapping[str, Any] = yaml.safe_load(files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return held


ITEMS: Final[tuple[Item, ...]] = tuple(Item(ref, **given) for ref, given in data("tree")["items"].items())
"""The eight evaluated items, in the order of the tree."""
QUESTIONS: Final[Mapping[int, Kind]] = {number: kind for item in ITEMS for number, kind in item.questions.items()}
"""The 36 questions: what the answer of each must hold."""
SUPPLIED_BY: Final[Mapping[str, str]] = data("tree")["supplied_by"]
"""Piece of an answer: the role that must supply it."""
