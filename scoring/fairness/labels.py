"""After the pass: a few rows of counts get the names of their groups, their state, and the reason why some are rejected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import ContractError, raise_all
from scoring.fairness.one_pass import GROUP, STAGE, STRATUM, Pass
from scoring.plan import Decision, Group, Outcome, Plan, Stage
from scoring.vocabulary import UNKNOWN, ColumnType, undecided_reason

STUDIED = ""
"""The reject reason of those who are not rejected."""


def labelled(raw: Pass, plan: Plan, cutoff: float | None, described: str) -> pd.DataFrame:
    """Name groups, strata, states and reject reasons; the score becomes the lower end of its step.

    Raises
    ------
    ContractError or FaultyInput
        Every structural fault of the content at once: no favourable value, undeclared values or levels, too many levels.
    """
    rows = raw.rows
    columns: dict[str, Any] = {name: rows[name] for name in ("n", "weight", "weight_squared") if name in rows}
    columns |= {GROUP + name: named_levels(rows[GROUP + name], group, plan.columns[group.column].type) for name, group in plan.groups.items()}
    further = [str(column) for column in rows if str(column).startswith(STRATUM) or column in {"period", "segment"}]
    columns |= {name: or_unknown(texts(rows[name])) for name in further}
    columns["score"] = raw.grid.values(rows["score"].to_numpy(float, na_value=np.nan)) if "score" in rows else np.nan
    columns["decision"] = _decided(raw, plan, cutoff)
    if plan.funnel:
        columns["stage"] = stages_passed(rows, plan)
        lost = (columns["stage"] < len(plan.funnel)) & (columns["decision"] == -1)
        columns["decision"] = np.where(lost, 0, columns["decision"])  # who never got as far as the decision did not get what it gives
    columns["outcome"] = _side(rows["outcome"], plan.outcome) if plan.outcome is not None else -1
    columns["reject"] = np.array([STUDIED, *raw.reasons], object)[rows["fault"].to_numpy(np.int64)]
    named = pd.DataFrame(columns)
    found = [*_undeclared_values(rows, plan), *_no_favourable(rows, named, plan), *_stray_levels(named, plan)]
    raise_all(described, [ContractError(f"{described}: {fault}") for fault in found])
    _reject_strays(named, plan)
    undecided = (named["reject"] == STUDIED) & (named["decision"] == -1)
    named["reject"] = named["reject"].mask(undecided, undecided_reason(plan.decision.column))
    return named


def texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Write the values of a key as text, none where there is none or nothing but blanks; only the different values are looked at.

    Returns
    -------
    Series of categories, the texts that there are in the order of the alphabet.
    """
    codes, levels = pd.factorize(values, use_na_sentinel=True)
    written = [as_text(level).strip() for level in levels.tolist()]
    names = sorted(set(written) - {""})
    places = np.array([*(names.index(name) if name else -1 for name in written), -1], np.int64)
    return pd.Series(pd.Categorical.from_codes(places[codes], pd.Index(names, dtype=object)), index=values.index)


def or_unknown(values: pd.Series[Any]) -> pd.Series[Any]:
    """Give those without a level the level of the unknown."""
    return values.cat.add_categories([UNKNOWN]).fillna(UNKNOWN) if UNKNOWN not in values.cat.categories else values.fillna(UNKNOWN)


def as_text(value: object) -> str:
    """Write a value as a level is spoken of: 1.0 and 1 are one level, True is "true".

    >>> [as_text(value) for value in (1.0, 1, True, "F", 2.5)]
    ['1', '1', 'true', 'F', '2.5']
    """
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def interval_labels(edges: Sequence[float], *, whole: bool) -> list[str]:
    """Name left-closed intervals.

    >>> interval_labels([25, 66], whole=True)
    ['<25', '25-65', '66+']
    >>> interval_labels([0.5, 1], whole=False)
    ['<0.5', '0.5 to <1', '1+']
    """
    shown = [as_text(float(edge)) for edge in edges]
    between = []
    for low, high in pairwise(edges):
        last = as_text(float(high) - 1)
        between.append(
            (as_text(float(low)) if high - low == 1 else f"{as_text(float(low))}-{last}")
            if whole
            else f"{as_text(float(low))} to <{as_text(float(high))}"
        )
    return [f"<{shown[0]}", *between, f"{shown[-1]}+"]


def levels_of(group: Group, plan: Plan) -> list[str]:
    """Return the levels that a group declares, by its intervals or by name; none where the data say."""
    kind = plan.columns[group.column].type
    if group.edges is not None:
        return list(group.labels or interval_labels(group.edges, whole=kind is not ColumnType.NUMBER))
    return [as_text(level) for level in group.levels or plan.columns[group.column].levels or ()]


def named_levels(keys: pd.Series[Any], group: Group, kind: ColumnType) -> pd.Series[Any]:
    """Return the level that each key of a group stands for, as categories in their order."""
    if group.edges is None:
        return or_unknown(texts(keys))
    labels = [*(group.labels or interval_labels(group.edges, whole=kind is not ColumnType.NUMBER)), UNKNOWN]
    places = keys.fillna(len(labels) - 1).to_numpy(np.int64)
    return pd.Series(pd.Categorical.from_codes(places, pd.Index(labels, dtype=object)), index=keys.index)


def _side(values: pd.Series[Any], rule: Decision | Outcome | Stage) -> NDArray[np.int64]:
    """Return 1 for a favourable value (of a stage: one that passes), 0 for another, -1 for none."""
    written = texts(values)
    good = _as_written((rule.passes if isinstance(rule, Stage) else rule.favourable) or (), written)
    return np.where(written.isna(), -1, written.isin(good)).astype(np.int64)


def stages_passed(rows: pd.DataFrame, plan: Plan) -> NDArray[np.int64]:
    """Return how many stages of the funnel were passed, one after the other."""
    passed = np.stack([passes(rows[f"{STAGE}{position}"], stage) for position, stage in enumerate(plan.funnel)])
    return np.asarray(np.cumprod(passed, axis=0).sum(0), np.int64)


def passes(values: pd.Series[Any], stage: Stage) -> NDArray[np.bool_]:
    """Tell which values pass a stage."""
    return _side(values, stage) == 1


def _as_written(values: Sequence[Any], written: pd.Series[Any]) -> list[str]:
    """Return declared values as text; 1 means true in a column of true and false."""
    if set(written.cat.categories) <= {"true", "false"}:
        values = [bool(value) if value in (0, 1) else value for value in values]
    return [as_text(value) for value in values]


def _decided(raw: Pass, plan: Plan, cutoff: float | None) -> NDArray[np.int64]:
    if plan.decision.column is not None:
        return _side(raw.rows["decision"], plan.decision)
    score = raw.rows["score"].to_numpy(float, na_value=np.nan)
    reached = raw.grid.reached(score, math.inf if cutoff is None else cutoff)
    return np.where(np.isnan(score), -1, reached).astype(np.int64)


def _undeclared_values(rows: pd.DataFrame, plan: Plan) -> Iterator[str]:
    for part, rule in (("decision", plan.decision), ("outcome", plan.outcome)):
        if rule is None or rule.unfavourable is None or part not in rows:
            continue
        written = texts(rows[part])
        if others := sorted(set(written.cat.categories) - {*_as_written(rule.favourable or (), written), *_as_written(rule.unfavourable, written)}):
            yield (
                f"column {rule.column!r} ({part}) also holds {_listed(others)}, which the declaration calls neither favourable nor unfavourable. "
                f"Fix: add each to study.{part}.favourable or study.{part}.unfavourable."
            )


def _no_favourable(rows: pd.DataFrame, named: pd.DataFrame, plan: Plan) -> Iterator[str]:
    for position, stage in enumerate(plan.funnel):
        values = rows[f"{STAGE}{position}"]
        if not passes(values, stage).any():
            wanted, there = _listed([as_text(value) for value in stage.passes]), _listed(list(texts(values).cat.categories)) or "nothing"
            yield (
                f"no row of column {stage.column!r} passes the stage {stage.name!r} ({wanted}); it holds {there}. "
                f"Fix: correct study.funnel[{position}].passes; nothing guesses it."
            )
    for part, rule in (("decision", plan.decision), ("outcome", plan.outcome)):
        if rule is not None and part in rows and not (named[part] == 1).any():
            held = list(texts(rows[part]).cat.categories)
            if not held and part == "outcome":
                yield f"column {rule.column!r} is empty: no outcome was observed of anybody. Fix: leave the outcome out, or give what came true."
                continue
            wanted = _listed([as_text(value) for value in rule.favourable or ()])
            yield (
                f"no row of column {rule.column!r} holds a favourable value ({wanted}); it holds {_listed(held) or 'nothing'}. "
                f"Fix: correct study.{part}.favourable; nothing guesses it."
            )


def _stray_levels(named: pd.DataFrame, plan: Plan) -> Iterator[str]:
    for name, group in plan.groups.items():
        levels, declared = set(named[GROUP + name].unique()) - {UNKNOWN}, set(levels_of(group, plan))
        if len(levels) > plan.bounds.max_levels:
            yield (
                f"column {group.column!r} has {len(levels):,} levels, more than {plan.bounds.max_levels}: it makes no groups. "
                "Fix: declare another column, or edges, or raise study.bounds.max_levels."
            )
        elif declared and group.undeclared == "refuse" and (others := sorted(levels - declared)):
            yield (
                f"column {group.column!r} holds {_listed(others)}, not among the declared levels of {name!r}. "
                f"Fix: add it to the levels of {name!r}, or say `undeclared: reject` there."
            )


def _reject_strays(named: pd.DataFrame, plan: Plan) -> None:
    for name, group in plan.groups.items():
        if group.undeclared == "reject" and (declared := levels_of(group, plan)):
            stray = ~named[GROUP + name].isin([*declared, UNKNOWN])
            named["reject"] = named["reject"].mask(stray & (named["reject"] == STUDIED), f"{group.column}: undeclared level")
            named[GROUP + name] = or_unknown(named[GROUP + name].mask(stray))


def _listed(values: Sequence[str], most: int = 8) -> str:
    return ", ".join(map(repr, values[:most])) + (f" and {len(values) - most:,} more" if len(values) > most else "")
