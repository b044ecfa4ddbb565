"""How many threads scikit-learn may use, decided by the size of the table and not by the machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it ships no types

MANY_ROWS = 100_000
"""From here on more threads than one pay."""


def threads_for(n_rows: int) -> AbstractContextManager[Any]:
    """Hold OpenMP to one thread on small tables: on a busy machine threads wait for each other (400 rows: 0.1 s with one, 8 s with two)."""
    limits: AbstractContextManager[Any] = _pools().limit(limits=1 if n_rows < MANY_ROWS else None, user_api="openmp")
    return limits


def one_blas_thread() -> AbstractContextManager[Any]:
    """Hold linear algebra to one thread: on a busy machine a product of 24,000 numbers took two 3 to 50 ms, and one 0.01 ms."""
    limits: AbstractContextManager[Any] = _pools().limit(limits=1, user_api="blas")
    return limits


@cache
def _pools() -> Any:
    """Look the libraries up once: a look takes 5 ms, as long as scoring some thousand people."""
    for library in ("sklearn.utils._openmp_helpers", "scipy.linalg"):  # they load the OpenMP and the BLAS that are to be held
        import_module(library)
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Hold OpenMP to one thread: several add up in an order of their own, and the last bits of a sum hang on it."""
    return threads_for(0)
