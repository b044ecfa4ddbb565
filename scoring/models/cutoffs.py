"""Where acceptance begins: a cut-off, the share it accepts, and where it came from, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.errors import EquiscoreError, nearest

Floats = NDArray[np.float64]


class CutoffError(EquiscoreError, ValueError):
    """A cut-off cannot be chosen from what was given."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What an error costs, in any unit; only the ratio moves the cut-off."""

    wrongly_accepted: float
    wrongly_refused: float

    def __post_init__(self) -> None:
        if not (self.wrongly_accepted >= 0 and self.wrongly_refused >= 0 and self.wrongly_accepted + self.wrongly_refused > 0):
            raise CutoffError(f"{self} is not a pair of costs. Fix: give two numbers of 0 or more, not both 0.")


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Whoever scores `value` or more is accepted."""

    value: float
    share: float
    """Share of the scored people, by weight, that `value` accepts."""
    rule: str
    origin: str
    """Where the value comes from, as a sentence for the file."""


@dataclass(frozen=True, slots=True)
class _Scored:
    """Distinct scores in rising order, and the people at each by weight: all, known favourable, known unfavourable."""

    scores: Floats
    people: Floats
    favourable: Floats
    unfavourable: Floats

    def accepted(self, cutoff: float) -> float:
        return float(self.people[self.scores >= cutoff].sum() / self.people.sum())


def choose_cutoff(scores: ArrayLike, *, rule: str, value: Any, outcome: Any = None, weights: ArrayLike | None = None) -> Cutoff:
    """Choose a cut-off by a rule of `RULES`. Everybody at the cut-off or above is accepted; people of equal score share their fate.

    - ``"value"``: `value` is the cut-off.
    - ``"accept_share"``: `value` is the share to accept, above 0, at most 1. The cut-off is an existing score: the one whose share of
      accepted people is nearest to `value`; of two equally near, the higher, which accepts fewer.
    - ``"cost"``: `value` is a `Costs`, or a mapping with its two names. The cut-off is the existing score (or one above all, which
      accepts nobody) of least cost over the people whose `outcome` is known; of equals, the lowest, which accepts most.

    `outcome` is True (or 1) where it turned out favourable, False (or 0) where not, missing where it is not known.

    >>> choose_cutoff([500, 510, 510, 520, 530], rule="accept_share", value=0.5).origin
    'Accepted from 520: the score whose share of accepted people, 40 %, is nearest to the 50 % wished.'
    """
    if rule not in RULES:
        likely = nearest(rule, RULES)
        raise CutoffError(f"No rule {rule!r} for a cut-off{f' (was {likely!r} meant?)' if likely else ''}. Fix: use one of {', '.join(RULES)}.")
    return RULES[rule](_counted(scores, outcome, weights), value)


def _given(scored: _Scored, value: Any) -> Cutoff:
    cutoff = _number(value, "a cut-off")
    return Cutoff(cutoff, scored.accepted(cutoff), "value", f"Accepted from {_said(cutoff)}: the cut-off was given.")


def _accept_share(scored: _Scored, value: Any) -> Cutoff:
    wished = _number(value, "a share")
    if not 0 < wished <= 1:
        raise CutoffError(f"A share of {wished:g} cannot be accepted. Fix: give a share above 0 and up to 1 (0.6 for 60 %).")
    shares = scored.people[::-1].cumsum()[::-1] / scored.people.sum()
    # from the highest score down, so that of two equally near shares the smaller is met first; rounded, lest noise of 1e-17 decides
    place = len(shares) - 1 - int(np.abs(shares - wished).round(12)[::-1].argmin())
    cutoff, share = float(scored.scores[place]), float(shares[place])
    found = f"the score whose share of accepted people, {_percent(share)}, is nearest to the {_percent(wished)} wished"
    return Cutoff(cutoff, share, "accept_share", f"Accepted from {_said(cutoff)}: {found}.")


def _cost(scored: _Scored, value: Any) -> Cutoff:
    costs = _costs(value)
    known = float(scored.favourable.sum() + scored.unfavourable.sum())
    if not known:
        raise CutoffError('The rule "cost" needs to know how it turned out. Fix: pass outcome, True where favourable.')
    refused_wrongly = np.concatenate([[0.0], scored.favourable.cumsum()])
    accepted_wrongly = np.concatenate([scored.unfavourable[::-1].cumsum()[::-1], [0.0]])
    cost = (costs.wrongly_accepted * accepted_wrongly + costs.wrongly_refused * refused_wrongly) / known
    place = int(cost.round(12).argmin())
    cutoff = float([*scored.scores, _above_all(scored.scores)][place])
    origin = (
        f"Accepted from {_said(cutoff)}: the cut-off of least expected cost, {cost[place]:.4g} a person, where a wrongly accepted person costs "
        f"{costs.wrongly_accepted:g} and a wrongly refused one {costs.wrongly_refused:g} ({known:g} people of known outcome)."
    )
    return Cutoff(cutoff, scored.accepted(cutoff), "cost", origin)


RULES: Mapping[str, Callable[[_Scored, Any], Cutoff]] = {"value": _given, "accept_share": _accept_share, "cost": _cost}


# -- reading what was given --------------------------------------------------------------------------------------------------------


def _counted(scores: ArrayLike, outcome: Any, weights: ArrayLike | None) -> _Scored:
    values = np.asarray(scores, dtype=np.float64)
    people = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise CutoffError("Scores must be one column of finite numbers, at least one. Fix: leave out people without a score, and say so.")
    if people.shape != values.shape or not np.isfinite(people).all() or people.min() < 0 or not people.sum() > 0:
        raise CutoffError("Weights must be one number of 0 or more for each score. Fix: give one a person, not all 0.")
    distinct, places = np.unique(values[people > 0], return_inverse=True)

    everybody, favourable, unfavourable = (
        np.bincount(places, (people * chosen)[people > 0], minlength=len(distinct)).astype(np.float64)
        for chosen in (np.ones(len(values), dtype=bool), *_outcomes(outcome, len(values)))
    )
    return _Scored(distinct, everybody, favourable, unfavourable)


def _outcomes(outcome: Any, n_people: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return who turned out favourable and who did not; nobody is known to be either where no outcome is given."""
    if outcome is None:
        return np.zeros(n_people, dtype=bool), np.zeros(n_people, dtype=bool)
    told = pd.Series(np.asarray(outcome, dtype=object))
    known = told.notna().to_numpy()
    if len(told) != n_people or not known.any() or not told[known].isin([0, 1]).all():
        due = "The outcome must be True, False or missing for each score, and known for some"
        raise CutoffError(f"{due}. Fix: compare it with the favourable value first.")
    favourable = np.where(known, told, False).astype(bool)
    return favourable, known & ~favourable


def _costs(value: Any) -> Costs:
    if isinstance(value, Costs):
        return value
    if isinstance(value, Mapping) and set(value) == {"wrongly_accepted", "wrongly_refused"}:
        return Costs(**{name: _number(cost, name) for name, cost in value.items()})
    raise CutoffError(f'The rule "cost" cannot use {value!r}. Fix: give the mapping wrongly_accepted: ..., wrongly_refused: ....')


def _number(value: Any, meant: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise CutoffError(f"{value!r} is not {meant}. Fix: give a finite number.")
    return number


def _above_all(scores: Floats) -> float:
    """Return a cut-off that nobody reaches: one point more where scores are whole, else the next float."""
    highest = float(scores[-1])
    return highest + 1 if (scores == np.rint(scores)).all() else float(np.nextafter(highest, np.inf))


def _said(cutoff: float) -> str:
    return repr(cutoff).removesuffix(".0")


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
