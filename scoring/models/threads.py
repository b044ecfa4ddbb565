"""How many threads scikit-learn may use, decided by the size of the table and not by the machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

MANY_ROWS = 100_000
"""From here on more threads than one pay."""


def threads_for(n_rows: int) -> AbstractContextManager[Any]:
    """Hold OpenMP to one thread on small tables: on a busy machine threads wait for each other (400 rows: 0.1 s with one, 8 s with two)."""
    limits: AbstractContextManager[Any] = threadpool_limits(1 if n_rows < MANY_ROWS else None, user_api="openmp")
    return limits


def one_thread() -> AbstractContextManager[Any]:
    """Hold OpenMP to one thread: several add up in an order of their own, and the last bits of a sum hang on it."""
    return threads_for(0)
