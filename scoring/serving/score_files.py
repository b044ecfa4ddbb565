"""Score a file of any size, or a frame on a cluster, by the model of a study: no row is lost, and what breaks the contract is not scored.

The rules are those of the study: the declared types, the same reasons to reject a row, the cut-off that the study chose, its bands, segments
and offers. Only the columns that the model needs and the identifier are read, in batches (`score_batches`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from scoring.activity import ProcessingActivity
from scoring.customers.intake import admit, key_of_pseudonyms, needed
from scoring.errors import ContractError
from scoring.fairness import one_pass
from scoring.fairness.one_pass import SEGMENT_COLUMN
from scoring.monitoring.switch import refuse_if_stopped
from scoring.plan import Plan, Source
from scoring.row_files import place_of, writing
from scoring.serving.score_batches import REASON, Scorer, Steps, scored_batches
from scoring.serving.served import Served, serve
from scoring.serving.tally import Counting, Step, Tally, refuse_many
from scoring.tables import Table, batches, collect, columns_of, header_of, mapped, on_cluster, open_frame
from scoring.vocabulary import ColumnType, Role

ROWS: Final = 1 << 17
"""Of a batch: larger ones gain nothing."""


def score_file(
    activity: ProcessingActivity,
    data: str | Path,
    out: str | Path,
    *,
    model: str | Path | None = None,
    cutoff: float | None = None,
    rejects_to: str | Path | None = None,
    switch: str | Path | None = None,
    step: Step | None = None,
    rows: int = ROWS,
) -> Tally:
    """Score the people of a file; the result appears whole or not at all.

    Parameters
    ----------
    activity
        The declaration: types, score, cut-off, segments, offers.
    data
        CSV or Parquet file, or a folder of either.
    out
        Parquet or CSV by the end of its name: a row a person in the order of `data`, with what `scores.person_rows` gives and `reason`.
    model
        Folder of a study, or a model file; by default the model is trained as declared on the declared source.
    cutoff
        In the score's own units, instead of the study's.
    rejects_to
        Also list the rows that are not scored, as CSV or Parquet: row, reason, person.
    switch
        Stop switch (`scoring.monitoring.switch`): where it is stopped, missing or damaged, nobody is scored.
    step
        Called with the rows that are done and all rows, for those who show progress.
    rows
        About so many to a batch; the result does not hang on it.

    Raises
    ------
    EquiscoreError
        The declaration, the model or the file is not what it should be, or too many rows are rejected: nothing is written then.
    """
    if switch is not None:
        refuse_if_stopped(switch)
    places = [place_of(path, data) for path in (out, rejects_to) if path is not None]
    plan = activity.study
    served = serve(plan, model, cutoff)
    source = _source(plan, Path(data))
    asked = _narrowed(plan, served, set(header_of(source, plan.columns))).model_copy(update={"source": source})
    table = admit(asked)
    total = int(collect(table.frame.select(rows=nw.len())).to_pylist()[0]["rows"]) if step is not None else 0
    counter = Counting(step, total)
    with ExitStack() as open_files:
        write, *write_rejects = [open_files.enter_context(writing(place)) for place in places]
        for batch in _scored(table, asked, served, rows):
            start = counter.rows
            counter.add(batch)
            write(batch)
            for listed in write_rejects:
                listed(_rejects(batch, start + 1))
        tally = counter.tally(served)
        refuse_many(tally, plan, table.described)
    return tally


def score_frame(
    activity: ProcessingActivity,
    frame: Any,
    *,
    model: str | Path | None = None,
    cutoff: float | None = None,
    switch: str | Path | None = None,
) -> Any:
    """Score the people of a frame by the same rules as `score_file`.

    Parameters
    ----------
    activity, model, cutoff, switch
        As for `score_file`.
    frame
        pandas, polars, Arrow, DuckDB or Spark.

    Returns
    -------
    pyarrow.Table or a Spark frame
        The columns of `score_file`. A Spark frame stays on its cluster (`mapInArrow`) and is worked out when it is used, so rows that are
        rejected are not counted, nor is an identifier that stands twice; it has no order, so `row` is empty. Its workers need this
        package, and are sent the model and the secret of the pseudonyms.

    Raises
    ------
    EquiscoreError
        As `score_file`.
    """
    if switch is not None:
        refuse_if_stopped(switch)
    served = serve(activity.study, model, cutoff)
    held = columns_of(frame)
    asked = _narrowed(activity.study, served, set(held))
    table = open_frame(frame, needed(asked))
    if not on_cluster(table.frame):
        table = admit(asked, frame)
        made = list(_scored(table, asked, served, ROWS))
        counter = Counting(None, 0)
        for batch in made:
            counter.add(batch)
        refuse_many(counter.tally(served), activity.study, table.described)
        return pa.Table.from_batches(made)
    scorer, chosen = _scorer(table, asked, served)
    return mapped(chosen, functools.partial(scored_batches, payload=scorer.payload()), _kinds(scorer.steps))


# -- what is read ------------------------------------------------------------------------------------------------------------------


def _source(plan: Plan, data: Path) -> Source:
    """Return the declared source with another file in its place: delimiter, decimal mark and encoding are as declared."""
    return (plan.source or Source(path=data)).model_copy(update={"path": data, "url": None, "table": None})


def _narrowed(plan: Plan, served: Served, header: set[str]) -> Plan:
    """Return a plan that asks only for what scoring needs: the features, the score and segment that are columns, the identifier."""
    if plan.score is None:
        raise ContractError("The declaration has no score. Fix: declare study.score: a column, or a model to train.")
    identifier, cluster = plan.only(Role.IDENTIFIER), plan.only(Role.CLUSTER)
    decision = plan.decision.column if plan.decision.column in header else None
    segments = (plan.segments.column, *plan.segments.reads) if plan.segments else ()
    wanted = {*served.features, *segments, plan.score.column, identifier, decision} - {None}
    if strange := [name for name in served.features if name not in plan.columns]:
        raise ContractError(
            f"The model needs columns that are not declared: {', '.join(strange)}. Fix: declare them, or give the model of this study."
        )
    # whatever role a column has, it is read: a stratum always is
    roles = {name: column.roles & {Role.IDENTIFIER} | {Role.STRATUM} for name, column in plan.columns.items()}
    if identifier is not None and cluster is not None:  # rows may belong together: a person may stand twice
        roles[identifier] |= {Role.CLUSTER}
    columns = {name: column.model_copy(update={"roles": roles[name]}) for name, column in plan.columns.items() if name in wanted}
    train = plan.score.train and plan.score.train.model_copy(update={"features": served.features})
    none: dict[str, Any] = {"groups": {}, "outcome": None, "funnel": (), "amounts": {}, "memberships": {}, "population": {}}
    parts = {"columns": columns, "score": plan.score.model_copy(update={"train": train})}
    return plan.model_copy(update={**none, **parts, "decision": plan.decision.model_copy(update={"column": decision})})


def _scored(table: Table, plan: Plan, served: Served, rows: int) -> Iterator[pa.RecordBatch]:
    scorer, chosen = _scorer(table, plan, served)
    done = 0
    for batch in batches(chosen, rows):
        yield scorer.score(batch, done + 1)
        done += len(batch)


def _scorer(table: Table, plan: Plan, served: Served) -> tuple[Scorer, nw.LazyFrame[Any]]:
    """Return the steps, and the columns of the table that they read with the reason that each row is rejected for."""
    table = served.segmented(table, plan)
    own, score, segments = table.own, plan.score, plan.segments
    identifier = plan.only(Role.IDENTIFIER)
    bands = segments and segments.bands
    steps = Steps(
        features=tuple((name, own[name]) for name in served.features),
        score=own[score.column] if score and score.column else None,
        segment=own.get((segments and segments.column) or SEGMENT_COLUMN),
        decision=own[plan.decision.column] if plan.decision.column else None,
        identifier=own[identifier] if identifier else None,
        direction=plan.direction,
        cutoff=served.cutoff,
        edges=served.edges,
        names=tuple(bands.names) if bands else (),
        offers=tuple(segments.offers.items()) if segments else (),
    )
    chosen = table.frame.select(*[nw.col(name) for name in own.values()], _reason(table, plan, served).alias(REASON))
    return Scorer(steps, served.estimator, key_of_pseudonyms() if identifier else b""), chosen


def _reason(table: Table, plan: Plan, served: Served) -> nw.Expr:
    """Return why a row is rejected, in the words of a study, or nothing."""
    score = table.col(plan.score.column).cast(nw.Float64) if plan.score and plan.score.column else None
    found = list(one_pass.faults(table, plan, score))
    for name in served.features:
        if plan.columns[name].type is ColumnType.NUMBER:
            value = table.col(name)
            found.append((f"{name}: not a finite number", ~value.is_null() & ~value.is_finite() & ~value.is_nan()))
    reason = nw.lit(None, dtype=nw.String())
    for words, broken in reversed(found):
        reason = nw.when(broken).then(nw.lit(words)).otherwise(reason)
    return reason


def _kinds(steps: Steps) -> dict[str, str]:
    """Return the columns of the result on a cluster, as `tables.mapped` takes them."""
    kinds: dict[str, str] = {"score": f"={steps.score}" if steps.score else "double"}
    if steps.segmented:
        kinds["segment"] = f"={steps.segment}" if steps.segment else "string"
    kinds |= {"decision": f"={steps.decision}"} if steps.decision else {}
    kinds |= {"favoured": "boolean"} if steps.cutoff is not None else {}
    kinds |= {"offer": "string"} if steps.offers else {}
    return kinds | ({"person": "string"} if steps.identifier else {"row": "bigint"}) | {REASON: "string"}


def _rejects(batch: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
    """Return row, reason and person of those who are not scored, as `rejects` lists them."""
    numbered = {"row": pa.array(range(first_row, first_row + len(batch)), pa.int64()), "reason": batch.column(REASON)}
    person = {"person": batch.column("person")} if "person" in batch.schema.names else {}
    return pa.RecordBatch.from_pydict({**numbered, **person}).filter(batch.column(REASON).is_valid())
