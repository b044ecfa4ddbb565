"""The model that new people are scored by: of a study, from a file, or trained as declared; with its cut-off, and its segments."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scoring.customers.intake import admit
from scoring.errors import ContractError
from scoring.plan import Plan
from scoring.scores import learned_from, score_customers
from scoring.segmenting import Learned, make_segments
from scoring.storage import estimator_of
from scoring.study import Study
from scoring.tables import Table
from scoring.vocabulary import ColumnType


@dataclass(frozen=True, slots=True)
class Served:
    """The fitted parts that new people are scored by."""

    origin: str
    """Where they come from, in a sentence."""
    estimator: Any = None
    cutoff: float | None = None
    """In the score's better direction."""
    direction: float = 1.0
    edges: tuple[float, ...] | None = None
    """Of the bands, where segments are bands of the score."""
    read: Callable[[Sequence[str]], Learned] | None = None
    """Reads what other segments are learned from."""

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that the estimator was fitted on, in its order."""
        return tuple(map(str, getattr(self.estimator, "feature_names_in_", ())))

    def segmented(self, table: Table, plan: Plan) -> Table:
        """Return the table with the segment of each row, where it hangs on columns and not on the score."""
        rule = plan.segments
        if rule is None or rule.bands is not None or self.read is None:
            return table
        unmeasured = {way: held.model_copy(update={"replicates": 0}) for way in ("kmeans", "mixture") if (held := getattr(rule, way)) is not None}
        asked = plan.model_copy(update={"segments": rule.model_copy(update=unmeasured)})  # how stable they are, the study told
        return make_segments(table, asked, self.read)[0]


def serve(plan: Plan, model: str | Path | None = None, cutoff: float | None = None) -> Served:
    """Find or train what a plan scores by.

    Parameters
    ----------
    plan
        What is declared.
    model
        Folder of a study, a model file, or none: then the declared source is read and the model trained on all of it.
    cutoff
        In the score's own units, instead of the one that the study or the plan has.

    Raises
    ------
    EquiscoreError
        Nothing to score by, a model of another declaration, or a cut-off that nobody chose.
    """
    if plan.score is None:
        raise ContractError("The declaration has no score. Fix: declare study.score: a column, or a model to train.")
    place = None if model is None else Path(model)
    found = _trained(plan, cutoff) if place is None else _of_study(plan, place) if place.is_dir() else _of_file(plan, place)
    chosen = found.cutoff if cutoff is None else plan.direction * cutoff
    if plan.decision.cutoff is not None and chosen is None:
        raise ContractError(
            f"The cut-off is chosen by a study (rule {plan.decision.cutoff.rule}), and a model file holds none. "
            "Fix: give the folder of the study as the model, or the cut-off itself."
        )
    if found.estimator is not None:
        _check_features(plan, found.estimator)
    return replace(found, cutoff=chosen if plan.decision.cutoff is not None else None, direction=plan.direction)


def _declared(plan: Plan) -> float | None:
    """Return the cut-off that the plan itself states, if it does."""
    rule = plan.decision.cutoff
    return plan.direction * rule.value if rule is not None and rule.rule == "value" and rule.value is not None else None


def _edges(plan: Plan, facts: Mapping[str, Any] | None) -> tuple[float, ...] | None:
    """Return the edges of the declared bands; those of quantiles are what a study found."""
    bands = plan.segments.bands if plan.segments else None
    if bands is None or bands.quantiles is None:
        return bands.edges if bands else None
    if facts is None or "segments" not in facts:
        raise ContractError(
            "The bands are quantiles that a study finds, and a model file holds none. Fix: give the folder of the study as the model."
        )
    return tuple(facts["segments"]["edges"])


def _trained(plan: Plan, cutoff: float | None) -> Served:
    """Train on the declared source; nothing is read where the score is a column, and its cut-off and bands are known."""
    score, bands = plan.score, plan.segments.bands if plan.segments else None
    column = score.column if score is not None else None
    learned = bands is not None and bands.quantiles is not None
    known = plan.decision.cutoff is None or cutoff is not None or _declared(plan) is not None
    if column is not None and known and not learned:
        return Served(f"the column {column!r}", None, _declared(plan), edges=_edges(plan, None), read=_reader(plan, None))
    scored = score_customers(admit(plan), plan if learned else plan.model_copy(update={"segments": None}))
    origin = f"the column {column!r}"
    if column is None:
        named = plan.source.described if plan.source is not None else "the source"
        origin = f"trained as declared on {named}, and refitted on all {scored.facts['model']['trained_on']:,} of known outcome"
    return Served(origin, scored.estimator, scored.cutoff, edges=_edges(plan, scored.facts), read=_reader(plan, None))


def _of_file(plan: Plan, path: Path) -> Served:
    from scoring.models import persistence

    if plan.score is not None and plan.score.column is not None:
        raise ContractError(f"The score is the column {plan.score.column!r}, so there is nothing for {path} to score. Fix: leave the model out.")
    estimator = persistence.load(path)
    if not (hasattr(estimator, "score_points") or hasattr(estimator, "predict_proba")):
        raise ContractError(f"{path}: a {type(estimator).__name__} gives no score. Fix: give the file of a scorecard or a classifier.")
    if not hasattr(estimator, "feature_names_in_"):
        raise ContractError(f"{path}: the model does not say which columns it was fitted on. Fix: fit it on a table with names, and save it again.")
    return Served(f"the model file {path.name}", estimator, _declared(plan), edges=_edges(plan, None), read=_reader(plan, None))


def _of_study(plan: Plan, folder: Path) -> Served:
    """Read a study that is held against its manifest and against the declaration."""
    study = Study.load(folder)
    mine, theirs = (_asked(held) for held in (plan, study.plan))
    if other := [name for name in mine if mine[name] != theirs[name]]:
        raise ContractError(
            f"{folder}: a study of another declaration: {', '.join(other)} differ. Fix: make the study again, or give its declaration."
        )
    estimator = estimator_of(folder)
    if estimator is None and plan.score is not None and plan.score.train is not None:
        raise ContractError(f"{folder}: the study holds no model. Fix: make it again with this version, or give a model file.")
    origin = f"the study {folder.name} ({str(study.digest)[:12]})"
    return Served(origin, estimator, study.cutoff, edges=_edges(plan, study.facts), read=_reader(plan, study))


def _asked(plan: Plan) -> dict[str, Any]:
    """Return what makes a score, by name: two declarations that agree in it give the same scores."""
    features = plan.features if plan.score is not None and plan.score.train is not None else []
    return {
        "the types of features": {name: plan.columns[name].type for name in features},
        "study.score": plan.score,
        "study.decision": (plan.decision.column, plan.decision.cutoff),
        "study.segments": plan.segments,
    }


def _check_features(plan: Plan, estimator: Any) -> None:
    """Refuse a model that was fitted on numbers where the declaration says text."""
    from scoring.models.persistence import feature_kinds

    wrong = [
        name for name, kind in feature_kinds(estimator) if kind == "number" and name in plan.columns and plan.columns[name].type is ColumnType.TEXT
    ]
    if wrong:
        raise ContractError(
            f"The model was fitted on numbers in {', '.join(wrong)}, declared as text. Fix: declare them as number, or give another model."
        )


def _reader(plan: Plan, study: Study | None) -> Callable[[Sequence[str]], Learned]:
    """Return what reads the columns that segments are learned from: of the declared source, opened when it is first asked for."""

    @functools.cache
    def source() -> Table:
        table = admit(plan)
        if study is not None and table.fingerprint != study.source.get("sha256"):
            raise ContractError(
                f"{table.described}: the segments of the study were learned from other customers than stand there now. "
                "Fix: declare the file that the study was made of."
            )
        return table

    return lambda names: learned_from(source(), plan, names)
