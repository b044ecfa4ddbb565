"""A study: the whole trip from a customer file to verdicts, as one page of calls, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import ValidationError

from scoring.activity import ProcessingActivity
from scoring.bounds import Bounds
from scoring.customers.intake import admit, needed
from scoring.declaration import dotted
from scoring.errors import ContractError, EquiscoreError, StudyError, raise_all
from scoring.fairness.counts import Counts, count
from scoring.fairness.metrics import known
from scoring.plan import Column, Cutoff, Decision, Group, Outcome, Plan, Score, Segments
from scoring.provenance import environment
from scoring.reading import Tables
from scoring.rejects import write_rejects
from scoring.scores import Scored, person_rows, score_customers
from scoring.tables import columns_of, frame_digest, only_columns
from scoring.vocabulary import REST, UNKNOWN, ColumnType, Role, Verdict, WeightMeaning

Step = Callable[[str], None]


@dataclass(frozen=True)
class Study(Tables):
    """The frozen result: what was asked, the counts, what the score is made of, and where everything came from.

    The tables of a Study are working material: a row may speak of one person. `published()` gives what may be shown.
    """

    document: Mapping[str, Any] | None = None
    """The declaration as plain data; none for a study made in a notebook by `audit`."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a reviewer asks of the score: engine, points, cut-off and its origin."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Name, SHA-256 and rows of the input."""
    environment: Mapping[str, Any] = field(default_factory=environment)
    digest: str | None = None
    """The digest of the manifest, once the study is on disk."""
    estimator: Any = field(default=None, repr=False, compare=False)

    def published(self, threshold: int | None = None) -> Tables:
        """Return the tables with small groups folded, as dossier, dashboard and exports show them."""
        return Tables(self.plan, self.counts, threshold or self.plan.bounds.publication_threshold, self.cutoff)

    def save(self, folder: str | Path) -> Path:
        """Write the study as one folder, whole or not at all; it is restricted like the file it came from."""
        from scoring.storage import save

        return save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Study:
        """Read a study, after every byte was checked against its manifest."""
        from scoring.storage import load

        return load(Path(folder))

    def plot(self, metric: str | None = None, *, ax: Any = None, language: str = "en") -> Any:
        """Draw the impact ratios with their intervals against the tolerance, as they may be published; a notebook shows it."""
        from scoring.display import Drawing
        from scoring.plots.forest import plot_ratios

        rows = self.published().judged(depth=1)
        chosen = rows[rows["metric"] == (metric or self.plan.primary)]
        return Drawing(plot_ratios(chosen, bounds=self.plan.bounds, ax=ax, language=language, titles=self.titles))

    def exit_code(self) -> int:
        """Return 1 where exclusion is shown, 0 where all is shown within tolerance, 3 where anything is not settled."""
        found = set(self.judged()["verdict"]) | set(self.offers()["verdict"])
        if Verdict.EXCLUSION.value in found:
            return 1
        return 0 if found <= {Verdict.WITHIN_TOLERANCE.value} else 3

    def _repr_html_(self) -> str:
        from scoring.display import study_html

        return study_html(self.published())


def conduct_study(
    activity: ProcessingActivity,
    frame: Any = None,
    *,
    scores_to: str | Path | None = None,
    rejects_to: str | Path | None = None,
    step: Step = lambda _: None,
) -> Study:
    """Make the study that a declaration asks for.

    Parameters
    ----------
    activity
        The declaration.
    frame
        The customers (pandas, polars, Arrow, DuckDB, Spark); by default the declared source.
    scores_to
        Parquet file for score, decision, segment and offer of each person, under pseudonyms.
    rejects_to
        CSV or Parquet file for the rows that break the contract: row, reason, pseudonym.
    step
        Called with the name of each step, for those who show progress.

    Raises
    ------
    EquiscoreError
        The file is not what the declaration promises; every fault at once.
    """
    plan = activity.study
    known(plan.primary)
    step("intake")
    table = admit(plan, frame)
    step("scores")
    scored = score_customers(table, plan)
    step("counts")
    counts = count(scored.table, plan, cutoff=scored.cutoff)
    _check_offers(counts, plan)
    if rejects_to is not None:
        step("rejects")
        write_rejects(scored.table, plan, Path(rejects_to), cutoff=scored.cutoff)
    if scores_to is not None:
        step("people")
        _write_people(scored, plan, Path(scores_to))
    fingerprint = table.fingerprint or (frame_digest(frame, list(needed(plan))) if frame is not None else None)
    return _study(plan, counts, scored, {"name": Path(table.described).name, "sha256": fingerprint, "rows": counts.total}, activity.document())


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
    single = {Role.DECISION: decision, Role.OUTCOME: outcome, Role.SCORE: score, Role.WEIGHT: weights, Role.CLUSTER: cluster, Role.SEGMENT: segment}
    columns = _roles({name: [Role.PROTECTED] for name in _cuts(groups)}, single, [strata] if isinstance(strata, str) else strata)
    held = columns_of(frame)
    with _explained():
        plan = Plan(
            columns={name: Column(type=_type(name, held, groups, score, weights), roles=frozenset(roles)) for name, roles in columns.items()},
            groups={name: Group(column=name, edges=None if edges is None else tuple(map(float, edges))) for name, edges in _cuts(groups).items()},
            decision=Decision(column=decision, favourable=_values(favourable))
            if decision is not None
            else Decision(cutoff=Cutoff(rule="value", value=cutoff)),
            outcome=None if outcome is None else Outcome(column=outcome, favourable=_outcome_values(outcome, favourable, favourable_outcome)),
            score=None if score is None else Score(column=score),
            segments=None if segment is None else Segments(column=segment),
            weight_meaning=WeightMeaning(weight_meaning),
            reference=dict(reference) if isinstance(reference, Mapping) else reference,
            primary=known(metrics).name,
            as_of=as_of,
            bounds=Bounds(tolerance=tolerance, confidence=confidence, depth=depth),
        )
    table = admit(plan, only_columns(frame, [name for name in columns if name not in added], added))
    scored = score_customers(table, plan)
    counts = count(scored.table, plan, cutoff=scored.cutoff)
    return _study(plan, counts, scored, {"name": "frame", "sha256": None, "rows": counts.total}, None)


_ESTIMATED = "(estimated)"


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what pydantic finds in the arguments of `audit` into one error that lists it all."""
    try:
        yield
    except ValidationError as error:
        said = [(dotted(fault["loc"]), fault["msg"].removeprefix("Value error, ")) for fault in error.errors(include_url=False)]
        raise_all("audit", [EquiscoreError(f"audit: {where}: {what}" + ("" if "Fix:" in what else ". Fix: pass that.")) for where, what in said])


def _study(plan: Plan, counts: Counts, scored: Scored, source: Mapping[str, Any], document: Mapping[str, Any] | None) -> Study:
    facts = dict(scored.facts)
    if scored.estimator is not None and hasattr(scored.estimator, "points_table"):
        facts["points"] = _records(scored.estimator.points_table())
    return Study(plan, counts, None, scored.cutoff, document, facts, source, estimator=scored.estimator)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain JSON: numpy numbers become Python's, what is no number becomes none."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value.item() if isinstance(value, np.generic) else value for name, value in row.items()} for row in rows]


def _check_offers(counts: Counts, plan: Plan) -> None:
    """Refuse a segment that the offers do not speak of: silence would be read as no offer."""
    if plan.segments is None or not plan.segments.offers or "segment" not in counts.cells:
        return
    if others := sorted(set(counts.studied["segment"]) - {*plan.segments.offers, UNKNOWN}):
        raise ContractError(
            f"segments {', '.join(map(repr, others))} have no rule in study.segments.offers. Fix: add each; empty (null) says that there is no offer."
        )


def _write_people(scored: Scored, plan: Plan, path: Path) -> None:
    import pyarrow.parquet as pq

    from scoring.provenance import write_file

    sink = pa.BufferOutputStream()
    pq.write_table(person_rows(scored, plan), sink)
    write_file(path, sink.getvalue().to_pybytes(), restricted=True)


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


def _cuts(groups: Sequence[str] | Mapping[str, Sequence[float] | None]) -> dict[str, Sequence[float] | None]:
    if isinstance(groups, str):
        groups = [groups]
    return dict(groups) if isinstance(groups, Mapping) else dict.fromkeys(groups)


def _roles(roles: dict[str, list[Role]], single: Mapping[Role, str | None], strata: Sequence[str]) -> dict[str, list[Role]]:
    """Add to the protected columns those with one role each, and the strata."""
    for role, name in [*single.items(), *((Role.STRATUM, name) for name in strata)]:
        if name is not None:
            roles.setdefault(name, []).append(role)
    return roles


def _type(name: str, held: Mapping[str, ColumnType], groups: Any, score: str | None, weights: str | None) -> ColumnType:
    """Return what the frame's own type says; nothing is guessed from how many different values there are."""
    if name in {score, weights} or (_cuts(groups).get(name) is not None and held.get(name) is not ColumnType.DATE):
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
