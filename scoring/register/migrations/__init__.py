"""Migrations of the register (Alembic), run when it is opened. A migration that was shipped is never changed: the next one is added."""
