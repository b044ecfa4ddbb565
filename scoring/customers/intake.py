"""The customer file at the door: opened as declared, judged whole, nothing copied.

Structural faults refuse the run here; faults of single rows are counted in the same pass as everything else
(`scoring.fairness.counts`) and listed by `scoring.rejects`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa

from scoring.errors import ContractError, StudyError
from scoring.plan import Plan
from scoring.tables import Table, collect, open_frame, open_source, written
from scoring.vocabulary import ColumnType, Role

KEY_VARIABLE = "EQUISCORE_KEY"
"""Environment variable that holds the secret of the pseudonyms."""


def admit(plan: Plan, frame: Any = None, *, described: str = "frame", also: Collection[str] = ()) -> Table:
    """Open what the plan declares, or the frame handed in, and check its structure.

    `also` names declared columns to read beside those that the run needs.

    Raises
    ------
    ContractError or FaultyInput
        Absent or doubled columns, an empty file, a person twice without a declared cluster.
    """
    types = needed(plan, also)
    if frame is None and plan.source is None:
        raise ContractError("There is nothing to study. Fix: declare study.source, or hand in a frame or --data.")
    table = open_source(plan.source, types) if frame is None and plan.source else open_frame(frame, types, described=described)
    rows, named, persons = _size(table, plan)
    if not rows:
        raise ContractError(f"{table.described}: no rows. Fix: give a file with at least one customer.")
    if persons < rows and plan.only(Role.CLUSTER) is None:
        counted = [f"{named - persons:,} repeat an identifier"] * (persons < named) + [f"{rows - named:,} have none"] * (named < rows)
        raise ContractError(
            f"{table.described}: column {plan.only(Role.IDENTIFIER)!r}: of {rows:,} rows, {' and '.join(counted)}, so rows are not persons. "
            "Fix: leave one row a person, or give the role cluster to a column that says which rows belong together."
        )
    return table


def needed(plan: Plan, also: Collection[str] = ()) -> dict[str, ColumnType]:
    """Return the declared columns that the run reads, and their types; the others stay on disk."""
    wanted = {*also} | {group.column for group in plan.groups.values()}
    wanted |= {part.column for part in (plan.decision, plan.outcome, plan.score, plan.segments) if part is not None and part.column}
    wanted |= {name for role in (Role.STRATUM, Role.WEIGHT, Role.CLUSTER, Role.PERIOD, Role.IDENTIFIER) for name in plan.with_role(role)}
    wanted |= {stage.column for stage in plan.funnel} | {amount.column for amount in plan.amounts.values()}
    wanted |= {name for part in plan.memberships.values() for name in (*part.probabilities.values(), part.cell) if name is not None}
    if plan.score is not None and plan.score.train is not None:
        wanted |= set(plan.features)
    if plan.segments is not None:
        wanted |= set(plan.segments.reads)
    if plan.decision.cutoff is not None:
        wanted |= set(plan.decision.cutoff.cost_columns.values())
    return {name: column.type for name, column in plan.columns.items() if name in wanted}


def _size(table: Table, plan: Plan) -> tuple[int, int, int]:
    """Return how many rows there are, how many bear an identifier, and how many different ones."""
    if (identifier := plan.only(Role.IDENTIFIER)) is None:
        rows = int(collect(table.frame.select(rows=nw.len())).to_pylist()[0]["rows"])
        return rows, rows, rows
    who = table.col(identifier).cast(nw.String()).str.strip_chars()
    named = nw.when(who != "").then(who)
    found = collect(table.frame.select(rows=nw.len(), named=named.count(), persons=named.n_unique(), without=named.is_null().any())).to_pylist()[0]
    return int(found["rows"]), int(found["named"] or 0), int(found["persons"] or 0) - bool(found["without"])


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
            _make_key(place)
        key = place.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{place}: the key of the pseudonyms cannot be kept ({error}). Fix: set {KEY_VARIABLE}.") from error
    if not key:
        raise StudyError(f"{place}: the key of the pseudonyms is empty. Fix: bring the file back from a copy, or delete it to have another key made.")
    return key.encode()


def _make_key(place: Path) -> None:
    """Make the secret, whole or not at all; where another process was faster, its key stands."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            place.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)


def pseudonymise(identifiers: Iterable[object], key: bytes) -> list[str | None]:
    """Replace each identifier by its keyed HMAC-SHA-256, in 32 hexadecimal digits; no identifier, or a blank one, stays none.

    >>> pseudonymise(["42", None], b"secret")
    ['93c121e7aa437a1e01e3c512c6f0ce3c', None]
    """
    keyed = hmac.new(key, digestmod=hashlib.sha256)  # the key is worked in once, not once a person

    def of(name: str) -> str:
        one = keyed.copy()
        one.update(name.encode())
        return one.hexdigest()[:32]

    names = ("" if one is None else written(one).strip() for one in identifiers)
    return [of(name) if name else None for name in names]


def with_pseudonyms(rows: pa.Table, column: str) -> pa.Table:
    """Replace a column of identifiers by `person`, their pseudonyms."""
    names = pseudonymise(rows[column].to_pylist(), key_of_pseudonyms())
    return rows.drop_columns([column]).append_column("person", pa.array(names, pa.string()))
