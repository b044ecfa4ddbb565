"""The customer file at the door: opened as declared, judged whole, nothing copied.

Structural faults refuse the run here; faults of single rows are counted in the same pass as everything else
(`scoring.fairness.counts`) and listed by `rejected_rows`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa

from scoring.errors import ContractError, StudyError
from scoring.plan import Plan
from scoring.tables import Table, collect, open_frame, open_source
from scoring.vocabulary import ColumnType, Role

KEY_VARIABLE = "EQUISCORE_KEY"
"""Environment variable that holds the secret of the pseudonyms."""


def admit(plan: Plan, frame: Any = None, *, described: str = "frame") -> Table:
    """Open what the plan declares, or the frame handed in, and check its structure.

    Raises
    ------
    ContractError or FaultyInput
        Absent or doubled columns, an empty file, a person twice without a declared cluster.
    """
    types = needed(plan)
    if frame is None and plan.source is None:
        raise ContractError("There is nothing to study. Fix: declare study.source, or hand in a frame or --data.")
    table = open_source(plan.source, types) if frame is None and plan.source else open_frame(frame, types, described=described)
    rows, persons = _size(table, plan)
    if not rows:
        raise ContractError(f"{table.described}: no rows. Fix: give a file with at least one customer.")
    if persons is not None and persons < rows and plan.only(Role.CLUSTER) is None:
        raise ContractError(
            f"{table.described}: {rows - persons:,} of {rows:,} rows repeat a {plan.only(Role.IDENTIFIER)!r} (or have none), so rows are not persons. "
            "Fix: leave one row a person, or give the role cluster to a column that says which rows belong together."
        )
    return table


def needed(plan: Plan) -> dict[str, ColumnType]:
    """Return the declared columns that the run reads, and their types; the others stay on disk."""
    wanted = {group.column for group in plan.groups.values()}
    wanted |= {part.column for part in (plan.decision, plan.outcome, plan.score, plan.segments) if part is not None and part.column}
    wanted |= {name for role in (Role.STRATUM, Role.WEIGHT, Role.CLUSTER, Role.PERIOD, Role.IDENTIFIER) for name in plan.with_role(role)}
    if plan.score is not None and plan.score.train is not None:
        wanted |= set(plan.features)
    if plan.segments is not None and plan.segments.kmeans is not None:
        wanted |= set(plan.segments.kmeans.features)
    return {name: column.type for name, column in plan.columns.items() if name in wanted}


def _size(table: Table, plan: Plan) -> tuple[int, int | None]:
    identifier = plan.only(Role.IDENTIFIER)
    counted = [nw.len().alias("rows"), *([table.col(identifier).n_unique().alias("persons")] if identifier else [])]
    found = collect(table.frame.select(*counted)).to_pylist()[0]
    missing = collect(table.frame.select(table.col(identifier).is_null().sum().alias("none"))).to_pylist()[0]["none"] if identifier else 0
    persons = found["persons"] - (1 if missing else 0) if identifier else None
    return int(found["rows"]), None if persons is None else int(persons)


def key_of_pseudonyms() -> bytes:
    """Return the secret: from EQUISCORE_KEY, or from a file outside every study that is made at first use.

    Raises
    ------
    StudyError
        The file can be neither read nor made.
    """
    if given := os.environ.get(KEY_VARIABLE):
        return given.encode()
    place = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "equiscore" / "pseudonyms.key"
    try:
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(secrets.token_hex(32))
        return place.read_text().encode()
    except OSError as error:
        raise StudyError(f"{place}: the key of the pseudonyms cannot be kept ({error.strerror}). Fix: set {KEY_VARIABLE}.") from error


def pseudonymise(identifiers: Iterable[object], key: bytes) -> list[str | None]:
    """Replace each identifier by its keyed HMAC-SHA-256, in 32 hexadecimal digits; no identifier stays none.

    >>> pseudonymise(["42", None], b"secret")
    ['e9e15fa5c24c0dab15e0dd2bfea40e93', None]
    """
    return [None if one is None else hmac.new(key, str(one).encode(), hashlib.sha256).hexdigest()[:32] for one in identifiers]


def with_pseudonyms(rows: pa.Table, column: str) -> pa.Table:
    """Replace a column of identifiers by `person`, their pseudonyms."""
    names = pseudonymise(rows[column].to_pylist(), key_of_pseudonyms())
    return rows.drop_columns([column]).append_column("person", pa.array(names, pa.string()))
