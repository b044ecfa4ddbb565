"""From the customers of a study to the search for less excluding alternatives: what was declared is what is searched, and how it is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from scoring.errors import StudyError
from scoring.fairness.labels import as_text, texts
from scoring.inquiry.alternatives.candidates import FAMILIES
from scoring.inquiry.alternatives.result import Alternatives
from scoring.inquiry.alternatives.search import search_alternatives
from scoring.inquiry.alternatives.settings import Payoffs, Settings
from scoring.plan import Plan
from scoring.scores import Scored, costs_of, features_of, groups_of, outcomes_of, persons_of, plain_parameters, sound_rows
from scoring.tables import Table, collect
from scoring.vocabulary import OF_A_SEARCH, Role

LearnFrom = Literal["outcome", "decision"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search is asked for beside what the declaration says."""

    learn_from: LearnFrom = "outcome"
    """``outcome``: candidates learn what came true; ``decision``: they learn the decisions, and are held against what came true where it is known."""
    features: tuple[str, ...] | None = None
    """Columns that candidates may see; by default those with the role feature. A score that is a given column may have used others."""
    families: tuple[str, ...] = FAMILIES
    payoffs: Payoffs | None = None
    protected_at_decision: bool = False
    holdout: float = 0.3
    n_jobs: int = 2
    budget_minutes: float | None = None


def search(
    scored: Scored, plan: Plan, *, asked: Asked | None = None, log: Path | None = None, step: Callable[[str], None] | None = None
) -> Alternatives:
    """Search for alternatives to the scoring of a study.

    Held against is the score in use where it is a column, otherwise the declared engine with all features, cross-fitted like every other. The
    cut-off is the declared one; where a decision is a column, every candidate accepts the share that it accepts. Rows that break the contract are
    left out and counted. A feature whose column makes groups is left out of what candidates see, even where the declaration lets a score use it.

    Parameters
    ----------
    scored
        What `scores.score_customers` made.
    plan
        What is studied.
    asked
        What to search.
    log
        File of the log; what is in it is not tried again.
    step
        Told what was just finished.

    Raises
    ------
    StudyError
        No feature that is not protected, no outcome (or decision) to learn from, nobody decided about.
    """
    asked = asked or Asked()
    rows = collect(scored.table.frame)
    sound, weights = sound_rows(rows, scored.table, plan)
    features = _features(rows, scored.table, plan, asked)
    outcome = outcomes_of(rows, scored.table, plan)
    decided = _decided(rows, scored, plan)
    target = outcome if asked.learn_from == "outcome" else decided
    if not target[sound].notna().any():
        missing = "outcome was observed" if asked.learn_from == "outcome" else "decision is known"
        raise StudyError(f"No {missing}, so candidates have nothing to learn. Fix: declare it, or let them learn from the other one.")
    return search_alternatives(
        features[sound].reset_index(drop=True),
        target[sound],
        groups_of(scored.table, plan)[sound].reset_index(drop=True),
        settings=_settings(scored, plan, asked, decided[sound], None if weights is None else weights[sound]),
        outcome=None if asked.learn_from == "outcome" else outcome[sound],
        current=_current(rows, scored.table, plan, sound),
        persons=_some(persons_of(rows, scored.table, plan), sound),
        sample_weight=_some(weights, sound),
        meaning=plan.weight_meaning,
        costs=_own_costs(rows, scored.table, plan, sound),
        rejected=int((~sound).sum()),
        families=asked.families,
        protected_at_decision=asked.protected_at_decision,
        log=log,
        n_jobs=asked.n_jobs,
        budget_minutes=asked.budget_minutes,
        step=step,
    )


def tried(found: Alternatives, *, titles: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, pd.DataFrame]:
    """Return what a study keeps of a search: every candidate, the confirmation of the choice, and the sentences in each language."""
    listed, confirmed, findings = OF_A_SEARCH
    kept = {listed: found.table()}
    if found.chosen and found.aside.any():
        kept[confirmed] = found.confirmed()
    said = [(language, sentence) for language in ("en", "fr") for sentence in found.narrative(language, titles=titles)]
    return kept | {findings: pd.DataFrame(said, columns=["language", "sentence"])}


def _some(values: Any, chosen: NDArray[np.bool_]) -> Any:
    return None if values is None else values[chosen]


def _features(rows: pa.Table, table: Table, plan: Plan, asked: Asked) -> pd.DataFrame:
    """Return what candidates may see: the features asked for, but for the columns that make groups."""
    protected = {group.column for group in plan.groups.values()} | set(plan.with_role(Role.PROTECTED)) | set(plan.groups)
    wanted = [name for name in (plan.features if asked.features is None else asked.features) if name not in protected]
    if absent := [name for name in wanted if name not in table.own]:
        raise StudyError(f"features: {', '.join(absent)} not declared, or not read. Fix: declare them with the role feature.")
    if not wanted:
        raise StudyError("There are no features that are not protected, so there is nothing to search. Fix: give the role feature to some columns.")
    return features_of(rows, table, plan, wanted)


def _current(rows: pa.Table, table: Table, plan: Plan, sound: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Return the score in use, more being better; none where the study trains one, which is then a candidate like the others."""
    if plan.score is None or plan.score.column is None:
        return None
    held: NDArray[np.float64] = pd.to_numeric(rows[table.own[plan.score.column]].to_pandas()).to_numpy(float, na_value=np.nan)[sound]
    return plan.direction * np.where(np.isfinite(held), held, np.nan)


def _decided(rows: pa.Table, scored: Scored, plan: Plan) -> pd.Series[Any]:
    """Return 1 for a favourable decision, 0 for another, missing where there is none."""
    if plan.decision.column is None:
        score = _current(rows, scored.table, plan, np.ones(len(rows), dtype=bool))
        if score is None or scored.cutoff is None:
            return pd.Series(pd.NA, index=range(len(rows)), dtype="Float64")
        return pd.Series(score >= scored.cutoff).astype("Float64").mask(np.isnan(score))
    told = texts(rows[scored.table.own[plan.decision.column]].to_pandas())
    truth = set(told.dropna()) <= {"true", "false"}  # 1 means true there
    good = [as_text(bool(value) if truth and value in (0, 1) else value) for value in plan.decision.favourable or ()]
    return told.isin(good).astype("Float64").mask(told.isna())


def _own_costs(rows: pa.Table, table: Table, plan: Plan, sound: NDArray[np.bool_]) -> tuple[Any, Any] | None:
    """Return what errors cost with each person, where the declaration names a column for one of them."""
    rule = plan.decision.cutoff
    if rule is None or not rule.cost_columns:
        return None
    costs = costs_of(rows, table, rule, sound)
    return costs["wrongly_accepted"], costs["wrongly_refused"]


def _settings(scored: Scored, plan: Plan, asked: Asked, decided: pd.Series[Any], weights: NDArray[np.float64] | None) -> Settings:
    """Return how candidates are measured, from the declaration."""
    train = plan.score.train if plan.score else None
    shared: dict[str, Any] = {
        "payoffs": asked.payoffs, "bounds": plan.bounds, "reference": plan.reference, "seed": train.seed if train else plan.seed,
        "holdout": asked.holdout, "engine": train.engine if train else "scorecard", "folds": train.folds if train else 5,
        "parameters": plain_parameters(train.parameters) if train else {},
    }  # fmt: skip
    rule = plan.decision.cutoff
    if rule is not None and rule.rule == "cost":
        costs = {"wrongly_accepted": rule.wrongly_accepted, "wrongly_refused": rule.wrongly_refused}
        return Settings(rule="cost", value=None if rule.cost_columns else costs, **shared)
    if rule is not None:
        return Settings(rule="accept_share", value=rule.value if rule.rule == "accept_share" else scored.facts["cutoff"]["share"], **shared)
    return Settings(rule="accept_share", value=_share(decided, weights), **shared)


def _share(decided: pd.Series[Any], weights: NDArray[np.float64] | None) -> float:
    """Return the share decided favourably, of those decided about."""
    known = decided.notna().to_numpy()
    if not known.any():
        raise StudyError("Nobody was decided about, so there is no share to accept. Fix: declare a cut-off, or check the column of the decision.")
    return float(np.average(decided[known].astype(float), weights=None if weights is None else weights[known]))
