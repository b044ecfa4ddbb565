"""The first schema: the trail with its guards, and the tables of activities, studies, findings, people, documents and what follows launch.

Written out, not taken from the models: those will move on, this step will not.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from scoring.register.trail import GENESIS

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Kind = sa.types.TypeEngine[Any] | str
_SHORT, _DAY, _HASH, _NUMBER = sa.String(300), sa.String(10), sa.String(64), sa.Integer()
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES: dict[str, dict[str, _Kind]] = {
    # a text is the table whose key the column holds; "?" where there may be none
    "activities": {"name": _SHORT, "controller": _SHORT, "status": _SHORT, "search": sa.Text()},
    "actors": {"name": _SHORT, "role": _SHORT},
    "clauses": {"title": _SHORT, "language": _SHORT},
    "documents": {"name": _SHORT, "content": sa.LargeBinary()},
    "reviewers": {"name": _SHORT, "role": _SHORT, "fingerprint?": _HASH, "status": _SHORT},
    "training": {"person": _SHORT, "held": _DAY},
    "contracts": {"actor": "actors", "activity?": "activities", "ends?": _DAY},
    "incidents": {"activity": "activities", "happened": _DAY, "status": _SHORT},
    "notices": {"activity": "activities", "language": _SHORT, "valid_from": _DAY},
    "opinions": {"activity": "activities", "giver": _SHORT, "given": _DAY},
    "studies": {"activity": "activities", "as_of?": _DAY, "exclusion": _NUMBER, "unsettled": _NUMBER, "within": _NUMBER},
    "deviations": {"activity": "activities", "study?": "studies", "found": _DAY, "status": _SHORT},
    "findings": {"study": "studies", "verdict": _SHORT, "status": _SHORT, "owner?": _SHORT, "due?": _DAY},
    "reviews": {"study": "studies", "status": _SHORT},
    "signatures": {"study": "studies", "reviewer": "reviewers", "file_sha256": _HASH, "fingerprint": _HASH},
    "decisions": {"review": "reviews", "reviewer": "reviewers", "decision": _SHORT},
}
_NOT_INDEXED = {
    ("activities", "search"),
    ("documents", "content"),
    ("reviewers", "fingerprint"),
    ("signatures", "fingerprint"),
    *(("studies", name) for name in ("exclusion", "unsettled", "within")),
}
GUARDS = {
    "sqlite": (
        "CREATE TRIGGER trail_update BEFORE UPDATE ON trail BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END",
        "CREATE TRIGGER trail_delete BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END",
        # INSERT OR REPLACE takes a row away without telling the trigger above
        (
            "CREATE TRIGGER trail_replace BEFORE INSERT ON trail WHEN EXISTS "
            "(SELECT 1 FROM trail WHERE sequence = NEW.sequence OR hash = NEW.hash OR previous = NEW.previous) "
            "BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END"
        ),
    ),
    "postgresql": (
        "CREATE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the trail is append-only'; END $$",
        "CREATE TRIGGER trail_update BEFORE UPDATE ON trail FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_delete BEFORE DELETE ON trail FOR EACH ROW EXECUTE FUNCTION trail_refuse()",
        "CREATE TRIGGER trail_truncate BEFORE TRUNCATE ON trail FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse()",
    ),
}


def upgrade() -> None:
    """Make it."""
    _make_trail()
    for table, columns in _TABLES.items():
        _make(table, columns)
    for guard in GUARDS[op.get_bind().dialect.name]:
        op.execute(guard)


def _make_trail() -> None:
    op.create_table(
        "trail",
        sa.Column("sequence", _BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("row_sha256", _HASH),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("previous", _HASH, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_trail"),
        sa.UniqueConstraint("previous", name="uq_trail_previous"),
        sa.UniqueConstraint("hash", name="uq_trail_hash"),
    )
    op.create_index("ix_trail_kind", "trail", ["kind"])
    op.create_index("ix_trail_subject", "trail", ["subject"])
    head = op.create_table(
        "trail_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", _BIG, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trail_head"),
        sa.CheckConstraint("id = 1", name="ck_trail_head_one"),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": GENESIS.sequence, "hash": GENESIS.hash}])


def _make(table: str, columns: dict[str, _Kind]) -> None:
    made = [_column(table, name, kind) for name, kind in columns.items()]
    op.create_table(
        table,
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("written", _BIG, sa.ForeignKey("trail.sequence", name=f"fk_{table}_written"), nullable=False),
        *made,
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    if table == "reviewers":
        op.create_index("uq_reviewers_fingerprint", table, ["fingerprint"], unique=True)
    for name in ("written", *(column.name for column in made)):
        if (table, name) not in _NOT_INDEXED:
            op.create_index(f"ix_{table}_{name}", table, [name])


def _column(table: str, name: str, kind: _Kind) -> sa.Column[Any]:
    plain = name.removesuffix("?")
    if isinstance(kind, str):
        return sa.Column(plain, sa.String(200), sa.ForeignKey(f"{kind}.id", name=f"fk_{table}_{plain}"), nullable=plain != name)
    return sa.Column(plain, kind, nullable=plain != name)
