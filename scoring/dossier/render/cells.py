"""What stands in a cell, written in the reader's language: the same in every format of text."""

from __future__ import annotations

import math
from functools import singledispatch

from scoring.dossier.document import Cell, Estimate, OutOf
from scoring.errors import EquiscoreError
from scoring.texts import NOTHING, number, say
from scoring.vocabulary import Verdict


@singledispatch
def written(cell: Cell, kind: str, language: str) -> str:
    """Return a cell as text.

    >>> written(0.8221, "ratio", "fr"), written(OutOf(76, 149), "count", "en"), written(None, "count", "en")
    ('0,82', '76 of 149', '–')
    """
    raise EquiscoreError(f"No way to write a cell of {type(cell).__name__}. Fix: register one beside the others in this file.")


@written.register
def _(cell: None, kind: str, language: str) -> str:  # noqa: ARG001  (a table of functions has one signature)
    return NOTHING


@written.register
def _(cell: str, kind: str, language: str) -> str:  # noqa: ARG001
    return cell


@written.register
def _(cell: Verdict, kind: str, language: str) -> str:  # noqa: ARG001
    return say(f"verdict.{cell.value}", language)


@written.register(int)
@written.register(float)
def _(cell: float, kind: str, language: str) -> str:
    return number(float(cell), kind if kind not in {"text", "verdict"} else "plain", language)


@written.register
def _(cell: Estimate, kind: str, language: str) -> str:
    if math.isnan(cell.value):
        return NOTHING
    value, low, high = (number(one, kind, language) for one in (cell.value, cell.low, cell.high))
    return say("dossier.estimate", language, value=value, low=low, high=high)


@written.register
def _(cell: OutOf, kind: str, language: str) -> str:
    return say("dossier.out_of", language, hits=number(cell.hits, kind, language), trials=number(cell.trials, kind, language))
