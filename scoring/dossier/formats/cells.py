"""What stands in a cell, written in the reader's language: the same in every format of text."""

from __future__ import annotations

import math
from functools import singledispatch

from scoring.dossier.document import Cell, Estimate, OutOf
from scoring.errors import EquiscoreError
from scoring.texts import NOTHING, number, say
from scoring.vocabulary import Verdict


@singledispatch
def written(cell: Cell, kind: str, language: str) -> str:  # noqa: ARG001  (a table of functions has one signature)
    """Return a cell as text.

    >>> written(0.8221, "ratio", "fr"), written(OutOf(0.51, 76, 149), "percent", "en"), written(None, "count", "en")
    ('0,82', '51.0% (76 of 149)', '–')
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
    return _number(float(cell), kind if kind not in {"text", "verdict"} else "plain", language)


def _number(value: float, kind: str, language: str) -> str:
    """Write a number; what rounds to nobody is 0, not -0."""
    return number(0.0 if kind == "count" and abs(value) < 0.5 else value, kind, language)


@written.register
def _(cell: Estimate, kind: str, language: str) -> str:
    if math.isnan(cell.value):
        return NOTHING
    value, low, high = (_number(one, kind, language) for one in (cell.value, cell.low, cell.high))
    return say("dossier.estimate", language, value=value, low=low, high=high)


@written.register
def _(cell: OutOf, kind: str, language: str) -> str:
    hits, trials = (_number(one, "count", language) for one in (cell.hits, cell.trials))
    return say("dossier.out_of", language, value=_number(cell.value, kind, language), hits=hits, trials=trials)
