"""The search for less excluding alternatives: set some people aside, try candidates on the others, keep everything in a log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from scoring.inquiry.alternatives.candidates import FAMILIES, Candidate, propose
from scoring.inquiry.alternatives.evaluate import FIGURES, settled
from scoring.inquiry.alternatives.log import Log, Record
from scoring.inquiry.alternatives.people import People, read_people, set_aside
from scoring.inquiry.alternatives.result import Alternatives
from scoring.inquiry.alternatives.settings import Settings
from scoring.inquiry.alternatives.trying import IN_USE, Step, score_in_use, tried
from scoring.inquiry.alternatives.worst_ratio import Groups, large_groups
from scoring.inquiry.proxies import ALL, recoverability
from scoring.vocabulary import WeightMeaning

LEAST_AUC: Final = 0.55
"""A feature that tells a group with a smaller AUC is no proxy worth a candidate of its own; our choice, as in `carriers`."""
MOST_PROXIES: Final = 5


def search_alternatives(
    X: Any,
    y: Any,
    groups: pd.DataFrame,
    *,
    settings: Settings | None = None,
    outcome: Any = None,
    current: Any = None,
    persons: Any = None,
    sample_weight: Any = None,
    meaning: WeightMeaning = WeightMeaning.WEIGHT,
    amounts: Any = None,
    costs: tuple[Any, Any] | None = None,
    rejected: int = 0,
    families: Sequence[str] = FAMILIES,
    candidates: Sequence[Candidate] | None = None,
    protected_at_decision: bool = False,
    log: str | Path | None = None,
    n_jobs: int = 2,
    budget_minutes: float | None = None,
    step: Step | None = None,
) -> Alternatives:
    """Search for ways to score that exclude less, and for what they cost.

    A part of the people (`Settings.holdout`, whole persons) is set aside first. Every candidate is then cross-fitted on the others, with the
    same folds, decided by the same rule of cut-off and counted alike; the table, the frontier and the choice are of these counts. The part
    set aside is used to confirm what was chosen (`Alternatives.confirmed`).

    Parameters
    ----------
    X : table (n, features)
        What candidates may see. No protected attribute.
    y : array-like (n,)
        What they learn: 1 favourable, 0 not, missing where not known.
    groups : DataFrame (n, attributes)
        The level of each person in each protected attribute; missing where not known. Read by some methods while they learn; by none at
        decision, unless `protected_at_decision`.
    settings : Settings, optional
        Cut-off, payoffs, bounds, engine in use, folds, part set aside, seed.
    outcome : array-like (n,), optional
        What performance is measured against, where it is not `y`: candidates may learn from past decisions and be held against what came true.
    current : array-like (n,), optional
        The score in use, more being better for the person. It is then the baseline; otherwise the engine in use with all features is.
    persons : array-like (n,), optional
        Whose each row is (a household): never split between folds or parts.
    sample_weight : array-like (n,), optional
        Weight of each row; `meaning` says what it means.
    amounts : array-like (n,), optional
        What the payoffs of each row are multiplied by.
    costs : pair of array-like (n,), optional
        What a wrong acceptance and a wrong refusal of each row cost, for the rule ``cost``; a number stands for all rows.
    rejected : int
        Rows that were left out before, because they break the contract: they are told of.
    families : sequence of str
        Which of `FAMILIES` to try.
    candidates : sequence of Candidate, optional
        Instead of those that `propose` lists.
    protected_at_decision : bool
        Also try cut-offs by group. They treat people by a protected attribute, which may itself be unlawful.
    log : path, optional
        File of the log. What is in it is not tried again.
    n_jobs : int
        Processes; the result is the same for any number.
    budget_minutes : float, optional
        After so long nothing new is begun; what was not tried is listed as such.
    step : callable, optional
        Told what was just finished, and how many of how many.

    Returns
    -------
    Alternatives
        With a choice made by its default rule (`Alternatives.choose`).

    Raises
    ------
    EquiscoreError
        Input that cannot be read, a protected attribute among the features, nothing to learn from.
    """
    everybody = read_people(
        X,
        y,
        groups,
        outcome=outcome,
        current=current,
        persons=persons,
        sample_weight=sample_weight,
        meaning=meaning,
        amounts=amounts,
        costs=costs,
    )
    asked = settled(settings or Settings(), everybody)
    aside = set_aside(everybody, asked.holdout, asked.seed)
    searched = everybody.rows(~aside)
    proxies = proxies_of(searched, asked) if candidates is None and "proxies" in families else pd.DataFrame()
    listed = tuple(candidates) if candidates is not None else propose(
        list(everybody.features.columns), [held.attribute for held in everybody.groups], engine=asked.engine, parameters=asked.parameters,
        proxies=names_of_proxies(proxies, large_groups(searched, asked)), families=families, protected_at_decision=protected_at_decision,
    )  # fmt: skip
    data = everybody.digest()
    kept = Log(log)
    kept.header(
        {
            "data": data,
            "settings": asked.told(),
            "people": len(everybody),
            "set_aside": int(aside.sum()),
            "rejected": rejected,
            "candidates": len(listed),
        }
    )
    deadline = None if budget_minutes is None else time.monotonic() + 60 * budget_minutes
    in_use = score_in_use(searched, asked, kept)
    found = [*in_use, *tried(listed, searched, asked, kept, n_jobs=n_jobs, deadline=deadline, step=step or (lambda _: None))]
    baseline = IN_USE if everybody.current is not None else listed[0].name
    rows = pd.DataFrame([_row(record, kept) for record in found])
    return Alternatives.of(
        rows, baseline=baseline, candidates=listed, settings=asked, log=kept, data=data, proxies=proxies, people=everybody, aside=aside,
        rejected=rejected,
    )  # fmt: skip


# -- what to try -------------------------------------------------------------------------------------------------------------------


def proxies_of(people: People, settings: Settings) -> pd.DataFrame:
    """Return how well each feature tells each group, on the people of the search alone: rows of `proxies.recoverability`."""
    groups = pd.DataFrame({held.attribute: _levels(people, place) for place, held in enumerate(people.groups)})
    return recoverability(
        people.features, groups, groups=people.persons, weights=people.weight, meaning=people.meaning, seed=settings.seed, left_out=0,
        confidence=settings.bounds.confidence,
    )  # fmt: skip


def _levels(people: People, place: int) -> Any:
    held = people.groups[place]
    return pd.Categorical.from_codes(held.codes, categories=pd.Index(held.levels))


def names_of_proxies(rows: pd.DataFrame, among: Groups) -> list[str]:
    """Return the features that are shown to tell a large group, by the lower limit of their AUC, at most `MOST_PROXIES`."""
    if rows.empty or not among:
        return []
    large = pd.MultiIndex.from_frame(rows[["attribute", "level"]].astype(str)).isin(list(among))
    told = rows[large & (rows["feature"] != ALL) & (rows["low"] > 0.5) & (rows["auc"] >= LEAST_AUC)]
    strongest = told.groupby("feature", sort=True)["low"].max().sort_values(ascending=False, kind="stable")
    return [str(name) for name in strongest.index[:MOST_PROXIES]]


# -- rows --------------------------------------------------------------------------------------------------------------------------


def _row(record: Record, log: Log) -> dict[str, Any]:
    """Return a record as a row of the table: parameters as text, no number as nan."""
    figures = {name: np.nan if record.get(name) is None else record[name] for name in FIGURES}
    named = {name: "" if record.get(name) is None else record[name] for name in ("worst_attribute", "worst_group")}
    return {
        "name": record["name"], "family": record["family"], "engine": record["engine"],
        "features_left_out": ", ".join(record["left_out"]), "parameters": _told(record["parameters"]), "method": record["method"],
        "attribute": record["attribute"], "settings": _told(record["settings"]),
        "uses_protected_at_decision": bool(record["uses_protected_at_decision"]),
        **figures, **named, "status": record["status"], "reason": record.get("reason", ""), "seconds": log.seconds.get(record["key"], np.nan),
    }  # fmt: skip


def _told(pairs: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in pairs)
