"""Where acceptance begins: a cut-off, the share it accepts, and where it came from, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scoring.errors import nearest
from scoring.models.costs import Amounts, Costs, CutoffError, a_number, read_amounts, read_costs, total_costs

__all__ = ["RULES", "Costs", "Cutoff", "CutoffError", "choose_cutoff"]

Floats = NDArray[np.float64]


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
    """Distinct scores in rising order, and of the people at each, by weight: how many, and of known outcome how many and what errors cost."""

    scores: Floats
    people: Floats
    favourable: Floats
    unfavourable: Floats
    if_accepted: Floats
    if_refused: Floats
    said: tuple[str, str] = ("", "")
    """What an error costs, in words: accepted, refused."""

    def accepted(self, cutoff: float) -> float:
        return float(self.people[self.scores >= cutoff].sum() / self.people.sum())


def choose_cutoff(
    scores: ArrayLike,
    *,
    rule: str,
    value: Any = None,
    outcome: Any = None,
    weights: ArrayLike | None = None,
    wrongly_accepted: ArrayLike | None = None,
    wrongly_refused: ArrayLike | None = None,
) -> Cutoff:
    """Choose a cut-off by a rule of `RULES`. Everybody at the cut-off or above is accepted; people of equal score share their fate.

    - ``"value"``: `value` is the cut-off.
    - ``"accept_share"``: `value` is the share to accept, above 0, at most 1. The cut-off is an existing score: the one whose share of
      accepted people is nearest to `value`; of two equally near, the higher, which accepts fewer.
    - ``"cost"``: `wrongly_accepted` and `wrongly_refused` are numbers, or amounts of 0 or more, one for each score (what is lost of this
      loan, the margin missed with this person); `value` may hold them instead, as `Costs` or as a mapping with these two names. The
      cut-off is the existing score (or one above all, which accepts nobody) of least cost over the people whose
      `outcome` is known; of equals, the lowest, which accepts most.

    `outcome` is True (or 1) where it turned out favourable, False (or 0) where not, missing where it is not known. An amount may be missing
    where it is not needed: of `wrongly_accepted` only those of unfavourable outcome, of `wrongly_refused` the favourable.

    Raises
    ------
    CutoffError
        An unknown rule, scores or weights that are none, a rule without what it needs, an amount missing or below 0.

    References
    ----------
    Elkan 2001, *Proceedings of IJCAI* 17:973: costs that differ from example to example.

    Examples
    --------
    >>> choose_cutoff([500, 510, 510, 520, 530], rule="accept_share", value=0.5).origin
    'Accepted from 520: the score whose share of accepted people, 40 %, is nearest to the 50 % wished.'
    >>> choose_cutoff([1, 2, 3], rule="cost", outcome=[0, 1, 0], wrongly_accepted=[9, 0, 1], wrongly_refused=5).value
    2.0
    """
    if rule not in RULES:
        likely = nearest(rule, RULES)
        raise CutoffError(f"No rule {rule!r} for a cut-off{f' (was {likely!r} meant?)' if likely else ''}. Fix: use one of {', '.join(RULES)}.")
    given = {"wrongly_accepted": wrongly_accepted, "wrongly_refused": wrongly_refused}
    if rule != "cost" and any(cost is not None for cost in given.values()):
        raise CutoffError(f'Costs belong to the rule "cost", not to {rule!r}. Fix: take them away, or choose by rule="cost".')
    asked = read_costs(value, given) if rule == "cost" else None
    return RULES[rule](_counted(scores, outcome, weights, asked), value)


def _given(scored: _Scored, value: Any) -> Cutoff:
    cutoff = a_number(value, "a cut-off")
    return Cutoff(cutoff, scored.accepted(cutoff), "value", f"Accepted from {_said(cutoff)}: the cut-off was given.")


def _accept_share(scored: _Scored, value: Any) -> Cutoff:
    wished = a_number(value, "a share")
    if not 0 < wished <= 1:
        raise CutoffError(f"A share of {wished:g} cannot be accepted. Fix: give a share above 0 and up to 1 (0.6 for 60 %).")
    shares = scored.people[::-1].cumsum()[::-1] / scored.people.sum()
    # from the highest score down, so that of two equally near shares the smaller is met first; rounded, lest noise of 1e-17 decides
    place = len(shares) - 1 - int(np.abs(shares - wished).round(12)[::-1].argmin())
    cutoff, share = float(scored.scores[place]), float(shares[place])
    found = f"the score whose share of accepted people, {_percent(share)}, is nearest to the {_percent(wished)} wished"
    return Cutoff(cutoff, share, "accept_share", f"Accepted from {_said(cutoff)}: {found}.")


def _cost(scored: _Scored, value: Any) -> Cutoff:  # noqa: ARG001  (the costs were read with the scores)
    known = float(scored.favourable.sum() + scored.unfavourable.sum())
    if not known:
        raise CutoffError('The rule "cost" needs to know how it turned out. Fix: pass outcome, True where favourable.')
    cost = total_costs(scored.if_accepted, scored.if_refused)
    place = int((cost / (cost.max() or 1.0)).round(12).argmin())  # relative, lest noise of the last bit decides between equals
    cutoff = float([*scored.scores, _above_all(scored.scores)][place])
    accepted, refused = scored.said
    said = f"where a wrongly accepted person costs {accepted} and a wrongly refused one {refused} ({known:g} people of known outcome)"
    origin = f"Accepted from {_said(cutoff)}: the cut-off of least expected cost, {cost[place] / known:.4g} a person, {said}."
    return Cutoff(cutoff, scored.accepted(cutoff), "cost", origin)


RULES: Mapping[str, Callable[[_Scored, Any], Cutoff]] = {"value": _given, "accept_share": _accept_share, "cost": _cost}


# -- reading what was given --------------------------------------------------------------------------------------------------------


def _counted(scores: ArrayLike, outcome: Any, weights: ArrayLike | None, costs: Mapping[str, Any] | None) -> _Scored:
    values = np.asarray(scores, dtype=np.float64)
    people = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise CutoffError("Scores must be one column of finite numbers, at least one. Fix: leave out people without a score, and say so.")
    if people.shape != values.shape or not np.isfinite(people).all() or people.min() < 0 or not people.sum() > 0:
        raise CutoffError("Weights must be one number of 0 or more for each score. Fix: give one a person, not all 0.")
    held = people > 0
    distinct, places = np.unique(values[held], return_inverse=True)

    def added(what: Floats) -> Floats:
        return np.bincount(places, (people * what)[held], minlength=len(distinct)).astype(np.float64)

    good, bad = (known.astype(np.float64) for known in _outcomes(outcome, len(values)))
    found = _Scored(distinct, added(np.ones(len(values))), added(good), added(bad), *np.zeros((2, len(distinct))))
    if costs is None:
        return found
    accepted = read_amounts("wrongly_accepted", costs["wrongly_accepted"], held & (bad > 0))
    refused = read_amounts("wrongly_refused", costs["wrongly_refused"], held & (good > 0))
    lost = {"if_accepted": added(bad * accepted.amounts), "if_refused": added(good * refused.amounts)}
    return replace(found, **lost, said=(_cost_said(accepted, people), _cost_said(refused, people)))


def _cost_said(cost: Amounts, people: Floats) -> str:
    if cost.number is not None:
        return f"{cost.number:g}"
    held = people * cost.due
    mean = held @ cost.amounts / held.sum() if held.any() else np.nan
    return f"an amount of their own, {mean:.4g} on average,"


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


def _above_all(scores: Floats) -> float:
    """Return a cut-off that nobody reaches: one point more where scores are whole, else the next float."""
    highest = float(scores[-1])
    return highest + 1 if (scores == np.rint(scores)).all() else float(np.nextafter(highest, np.inf))


def _said(cutoff: float) -> str:
    return repr(cutoff).removesuffix(".0")


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
