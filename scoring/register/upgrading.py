"""The schema of the register, brought up to date when it is opened: by one process, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from scoring.errors import EquiscoreError

VERSION_TABLE: Final = "register_version"
_LOCK: Final = 0x45515549
"""Number of the advisory lock in PostgreSQL ("EQUI")."""


def is_current(connection: Connection) -> bool:
    """Tell whether nothing is to be done.

    Raises
    ------
    EquiscoreError
        The schema is newer than this software, or the database is not a register.
    """
    script, heads = _script(), set(_context(connection).get_current_heads())
    if heads - {step.revision for step in script.walk_revisions()}:
        raise EquiscoreError(f"The register was written by a newer Equiscore (schema {', '.join(sorted(heads))}). Fix: update this one.")
    if not heads and (others := set(inspect(connection).get_table_names()) - {VERSION_TABLE}):
        raise EquiscoreError(
            f"The database holds other tables ({', '.join(sorted(others)[:3])}) and no register. Fix: give an empty database, or a schema of its own."
        )
    return heads == set(script.get_heads())


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of the connection, under a lock."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer: the transaction was begun as one
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if is_current(connection):
        return
    script, context = _script(), _context(connection)
    done = {step.revision for head in context.get_current_heads() for step in script.walk_revisions("base", head)}
    for step in reversed(list(script.walk_revisions())):
        if step.revision not in done:
            with Operations.context(context):
                step.module.upgrade()
            context.stamp(script, step.revision)


def schema_version() -> str:
    """Return the newest version of the schema that this software knows."""
    return str(_script().get_current_head())


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent / "migrations"))


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
