"""A study of the decisions in a frame, without a declaration: what a notebook hands in becomes the plan of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import numpy as np
from pydantic import ValidationError

from scoring.bounds import Bounds
from scoring.customers.intake import admit
from scoring.declaration import dotted
from scoring.errors import EquiscoreError, StudyError, nearest, raise_all
from scoring.fairness.metrics import known
from scoring.plan import Amount, Column, Cutoff, Decision, Group, Membership, Outcome, Plan, Score, Segments, Stage
from scoring.scores import score_customers
from scoring.study import Study, counted, study_of
from scoring.tables import columns_of, only_columns
from scoring.vocabulary import CROSS, REST, ColumnType, Role, WeightMeaning

_ESTIMATED = "(estimated)"
_HANDED_IN = "handed in with the frame"
Cuts = dict[str, Sequence[float] | None]
Roles = dict[str, list[Role]]


def audit(
    frame: Any,
    *,
    groups: Sequence[str] | Mapping[str, Sequence[float] | None],
    decision: str | None = None,
    favourable: Any = None,
    outcome: str | None = None,
    favourable_outcome: Any = None,
    score: str | None = None,
    estimator: Any = None,
    cutoff: float | None = None,
    strata: Sequence[str] = (),
    weights: str | None = None,
    weight_meaning: str = "weight",
    cluster: str | None = None,
    segment: str | None = None,
    funnel: Mapping[str, tuple[str, Any]] | None = None,
    amounts: Sequence[str] = (),
    memberships: Mapping[str, Mapping[str, str]] | None = None,
    cells: Mapping[str, str] | None = None,
    reference: str | Mapping[str, Any] = REST,
    tolerance: float = 0.8,
    confidence: float = 0.95,
    depth: int = 3,
    as_of: date | None = None,
    metrics: str = "selection_rate",
) -> Study:
    """Study the decisions in a frame, without a declaration.

    Parameters
    ----------
    frame
        Customers, a row each: pandas, polars, Arrow, DuckDB or Spark.
    groups
        Columns that make population groups, or a mapping of column to None or to edges at which a number is cut (left-closed).
    decision, favourable
        The column of the decision and the value (or values) that are good for the person; nothing guesses them.
    outcome, favourable_outcome
        The column of what came true, empty where not observed; `favourable_outcome` defaults to `favourable` when the outcome
        holds it. Without `outcome` only metrics that need none are returned.
    score, cutoff
        The column of a score, and the cut-off that makes it a decision (at or above it is favourable).
    estimator
        A fitted scikit-learn classifier: `favourable` is its class, the score its probability of it, cut at `cutoff` (default .5).
    strata, weights, weight_meaning, cluster, segment
        Further columns; `weight_meaning` is ``weight`` or ``count``.
    funnel
        Stages before the decision, in their order: name -> (column, the value or values that pass).
    amounts
        Columns of numbers that are decided, of those decided favourably; more is better for the person.
    memberships, cells
        Attributes known by probability only: name -> {level -> column of probabilities}; and the column of the area that they come from.
    reference, tolerance, confidence, depth, metrics
        How it is judged; `metrics` names the primary metric.
    as_of
        The day that ages are worked out for, where a group is a date of birth cut at completed years.

    Returns
    -------
    Study

    Raises
    ------
    EquiscoreError
        What the frame lacks or breaks, all at once.
    """
    added: dict[str, np.ndarray[Any, Any]] = {}
    if estimator is not None:
        decision, score = None, _ESTIMATED
        added[_ESTIMATED], favourable = _estimated(frame, estimator, favourable)
        cutoff = 0.5 if cutoff is None else cutoff
    if decision is None and cutoff is None:
        raise EquiscoreError("What is decided is not said. Fix: pass decision= and favourable=, score= and cutoff=, or estimator=.")
    cuts, held = _cuts(groups), columns_of(frame)
    single = {Role.DECISION: decision, Role.OUTCOME: outcome, Role.SCORE: score, Role.WEIGHT: weights, Role.CLUSTER: cluster, Role.SEGMENT: segment}
    roles = _roles({name: [Role.PROTECTED] for name in cuts}, single, [strata] if isinstance(strata, str) else strata)
    _check_names(cuts, memberships or {}, weight_meaning)
    further = _further(funnel or {}, amounts, memberships or {}, cells or {})
    _add_roles(roles, further)
    with _explained():
        plan = Plan(
            columns={name: Column(type=_type(name, held, cuts, has), roles=frozenset(has)) for name, has in roles.items()},
            groups={name: Group(column=name, edges=None if edges is None else tuple(map(float, edges))) for name, edges in cuts.items()},
            decision=_decision(decision, favourable, cutoff),
            outcome=None if outcome is None else Outcome(column=outcome, favourable=_outcome_values(outcome, favourable, favourable_outcome)),
            score=None if score is None else Score(column=score),
            segments=None if segment is None else Segments(column=segment),
            weight_meaning=WeightMeaning(weight_meaning),
            reference=dict(reference) if isinstance(reference, Mapping) else reference,
            primary=known(metrics).name,
            as_of=as_of,
            bounds=Bounds(tolerance=tolerance, confidence=confidence, depth=depth),
            **further,
        )
    table = admit(plan, only_columns(frame, [name for name in roles if name not in added], added))
    scored = score_customers(table, plan)
    counts = counted(scored, plan)
    return study_of(plan, counts, scored, {"name": "frame", "sha256": None, "rows": counts.total}, None)


def _check_names(cuts: Cuts, memberships: Mapping[str, Any], weight_meaning: str) -> None:
    """Refuse names that a combination would take, as a declaration does, and a meaning of weights that is none."""
    faults = [
        f"groups: {name!r} holds {CROSS!r}, which stands between the names of a combination. Fix: rename the column."
        for name in [*cuts, *memberships]
        if CROSS in str(name)
    ]
    faults += [f"memberships: {name!r} is a group too. Fix: rename one of the two." for name in memberships if name in cuts]
    if weight_meaning not in set(WeightMeaning):
        near = nearest(weight_meaning, WeightMeaning)
        faults.append(f"weight_meaning: {weight_meaning!r} is not known. Fix: " + (f"did you mean {near!r}?" if near else "say 'weight' or 'count'."))
    raise_all("audit", [EquiscoreError(f"audit: {fault}") for fault in faults])


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what pydantic finds in the arguments of `audit` into one error that lists it all."""
    try:
        yield
    except ValidationError as error:
        said = [(dotted(fault["loc"]), fault["msg"].removeprefix("Value error, ")) for fault in error.errors(include_url=False)]
        raise_all("audit", [EquiscoreError(f"audit: {where}: {what}" + ("" if "Fix:" in what else ". Fix: pass that.")) for where, what in said])


def _further(
    funnel: Mapping[str, tuple[str, Any]], amounts: Sequence[str], memberships: Mapping[str, Mapping[str, str]], cells: Mapping[str, str]
) -> dict[str, Any]:
    """Return the parts of the plan that few studies have."""
    if strange := sorted(set(cells) - set(memberships)):
        raise EquiscoreError(f"audit: cells speaks of {strange[0]!r}, which is no membership. Fix: name one of memberships.")
    with _explained():
        return {
            "funnel": tuple(Stage(name=name, column=column, passes=_values(passes)) for name, (column, passes) in funnel.items()),
            "amounts": {name: Amount(column=name) for name in ([amounts] if isinstance(amounts, str) else amounts)},
            "memberships": {
                name: Membership(probabilities=dict(levels), cell=cells.get(name), source=_HANDED_IN) for name, levels in memberships.items()
            },
        }


def _add_roles(roles: Roles, further: Mapping[str, Any]) -> None:
    """Give the columns of stages, amounts and memberships their roles."""
    for stage in further["funnel"]:
        roles.setdefault(stage.column, []).append(Role.STAGE)
    for amount in further["amounts"].values():
        roles.setdefault(amount.column, []).append(Role.AMOUNT)
    for membership in further["memberships"].values():
        for column in membership.probabilities.values():
            roles.setdefault(column, []).append(Role.PROBABILITY)
        if membership.cell is not None:
            roles.setdefault(membership.cell, []).append(Role.CELL)


def _decision(decision: str | None, favourable: Any, cutoff: float | None) -> Decision:
    if decision is None:
        return Decision(cutoff=Cutoff(rule="value", value=cutoff))
    return Decision(column=decision, favourable=_values(favourable))


def _estimated(frame: Any, estimator: Any, favourable: Any) -> tuple[np.ndarray[Any, Any], Any]:
    """Return the probability of the favourable class by a fitted estimator."""
    names = list(getattr(estimator, "feature_names_in_", [])) or None
    features = only_columns(frame, names) if names else frame
    classes = list(estimator.classes_)
    wanted = classes[-1] if favourable is None and len(classes) == 2 else favourable
    if wanted not in classes:
        raise EquiscoreError(f"The estimator knows no class {wanted!r}. Fix: pass favourable= as one of {', '.join(map(repr, classes))}.")
    if not hasattr(estimator, "predict_proba"):
        return (np.asarray(estimator.predict(features)) == wanted).astype(float), wanted
    return np.asarray(estimator.predict_proba(features))[:, classes.index(wanted)], wanted


def _cuts(groups: Sequence[str] | Mapping[str, Sequence[float] | None]) -> Cuts:
    if isinstance(groups, str):
        groups = [groups]
    return dict(groups) if isinstance(groups, Mapping) else dict.fromkeys(groups)


def _roles(roles: Roles, single: Mapping[Role, str | None], strata: Sequence[str]) -> Roles:
    """Add to the protected columns those with one role each, and the strata."""
    for role, name in [*single.items(), *((Role.STRATUM, name) for name in strata)]:
        if name is not None:
            roles.setdefault(name, []).append(role)
    return roles


def _type(name: str, held: Mapping[str, ColumnType], cuts: Cuts, roles: Sequence[Role]) -> ColumnType:
    """Return what the frame's own type says; nothing is guessed from how many different values there are."""
    if {Role.SCORE, Role.WEIGHT, Role.AMOUNT, Role.PROBABILITY} & set(roles):
        return ColumnType.NUMBER
    if cuts.get(name) is not None and held.get(name) is not ColumnType.DATE:
        return ColumnType.NUMBER
    kind = held.get(name, ColumnType.TEXT)
    return ColumnType.TEXT if kind is ColumnType.NUMBER else kind


def _values(favourable: Any) -> tuple[Any, ...]:
    if favourable is None:
        raise EquiscoreError("Which value of the decision is favourable is not said. Fix: pass favourable=; nothing guesses it.")
    values = favourable if isinstance(favourable, (list, tuple, set, frozenset)) else [favourable]
    return tuple(value.item() if isinstance(value, np.generic) else value for value in values)


def _outcome_values(outcome: str, favourable: Any, favourable_outcome: Any) -> tuple[Any, ...]:
    """Return the favourable outcomes; by default those of the decision, which `count` refuses where the outcome does not hold them."""
    if favourable_outcome is None and favourable is None:
        raise StudyError(f"Which value of {outcome!r} is favourable is not said. Fix: pass favourable_outcome=.")
    return _values(favourable if favourable_outcome is None else favourable_outcome)
