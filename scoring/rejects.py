"""The rows that were refused, one by one, for whoever must mend the file: where each stands and why, under pseudonyms.

Nothing is judged here a second time: what the pass and its labels say of the different values that stand in the file becomes
one expression, so the list and the counts of a study cannot part company.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import narwhals as nw
import pandas as pd
import pyarrow as pa

from scoring.customers.intake import with_pseudonyms
from scoring.fairness import one_pass
from scoring.fairness.labels import STUDIED, labelled, levels_of, passes, texts
from scoring.fairness.one_pass import GROUP, SCORE_COLUMN, STAGE, Pass
from scoring.plan import Plan
from scoring.provenance import write_file
from scoring.tables import Table, collect, numbered
from scoring.vocabulary import Role, undecided_reason

MOST: Final = 10_000
"""Rows listed; a file that breaks more has one fault, not ten thousand."""
_ROW: Final = "row_of_file"
NONE: Final = -1
"""How `labelled` writes that there is no decision."""


def rejected_rows(table: Table, plan: Plan, *, cutoff: float | None = None, most: int = MOST) -> pa.Table:
    """List the rows that break the contract, in the order of the file.

    Parameters
    ----------
    table
        The customer file, with what was worked out from it (`Scored.table`).
    plan
        What is studied.
    cutoff
        Of a decision by score, as `count` was handed it.
    most
        So many rows at most.

    Returns
    -------
    pyarrow.Table
        `row` (from 1, the header not counted, files of a folder in the order of their names; none on a cluster, where rows have
        no order), `reason` (as `Study.rejects` counts them), and `person`, a pseudonym, where there is an identifier.
        `left_off` tells how many more there are.
    """
    raw = one_pass.run(table, plan, cutoff)
    named = labelled(raw, plan, cutoff, table.described)
    total = int(named.loc[named["reject"] != STUDIED, "n"].sum())
    identifier = plan.only(Role.IDENTIFIER)
    chosen = {"row": nw.col(_ROW), "reason": _reason(table, plan, raw, named)} | ({"identifier": table.col(identifier)} if identifier else {})
    broken = numbered(table, _ROW).select(**chosen).filter(~nw.col("reason").is_null())
    rows = collect(broken.sort("row").head(most))
    listed = with_pseudonyms(rows, "identifier") if identifier else rows
    return listed.replace_schema_metadata({"left_off": str(total - len(listed))})


def write_rejects(table: Table, plan: Plan, path: Path, *, cutoff: float | None = None, most: int = MOST) -> int:
    """Write the list as CSV or, by the end of the name, Parquet, for its owner only; return how many rows were left off.

    Raises
    ------
    StudyError
        It cannot be written there.
    """
    import pyarrow.csv
    import pyarrow.parquet

    rows = rejected_rows(table, plan, cutoff=cutoff, most=most)
    sink = pa.BufferOutputStream()
    (pyarrow.parquet.write_table if path.suffix.lower() in {".parquet", ".pq"} else pyarrow.csv.write_csv)(rows, sink)
    write_file(path, sink.getvalue().to_pybytes(), restricted=True)
    return int(rows.schema.metadata[b"left_off"])


def _reason(table: Table, plan: Plan, raw: Pass, named: pd.DataFrame) -> nw.Expr:
    """Return why a row is rejected, or nothing: a fault of a value, then a level nobody declared, then no decision."""
    score = table.col(plan.score.column or SCORE_COLUMN).cast(nw.Float64) if plan.score is not None else None
    found = [*one_pass.faults(table, plan, score), *_strays(table, plan, raw), _undecided(table, plan, raw, named, score)]
    reason = nw.lit(None, dtype=nw.String())
    for words, broken in reversed(found):
        reason = nw.when(broken).then(nw.lit(words)).otherwise(reason)
    return reason


def _strays(table: Table, plan: Plan, raw: Pass) -> Iterator[tuple[str, nw.Expr]]:
    for name, group in plan.groups.items():
        declared = levels_of(group, plan)
        if group.edges is None and group.undeclared == "reject" and declared:
            held = raw.rows[GROUP + name].drop_duplicates().dropna()
            said = texts(held)
            if strays := held[said.notna() & ~said.isin(declared)].tolist():
                yield f"{group.column}: undeclared level", table.col(group.column).is_in(strays)


def _undecided(table: Table, plan: Plan, raw: Pass, named: pd.DataFrame, score: nw.Expr | None) -> tuple[str, nw.Expr]:
    """Return who has no decision: everybody without one who came as far as it."""
    words = undecided_reason(plan.decision.column)
    if plan.decision.column is None:
        none = nw.lit(value=True) if score is None else score.is_null()
    else:
        value = table.col(plan.decision.column)
        blanks = raw.rows.loc[named["decision"] == NONE, "decision"].dropna().unique().tolist()
        none = value.is_null() | value.is_in(blanks) if blanks else value.is_null()
    for position, stage in enumerate(plan.funnel):
        held = raw.rows[f"{STAGE}{position}"]
        none &= table.col(stage.column).is_in(held[passes(held, stage)].dropna().unique().tolist())
    return words, none
