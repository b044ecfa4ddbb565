"""Calling pyHanko: from any thread, with its remarks kept out of the reader's way."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
_LOGGERS: Final = ("pyhanko", "pyhanko_certvalidator", "fontTools")


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end in a thread of its own: a notebook already runs a loop in this one.

    >>> async def one() -> int:
    ...     return 1
    >>> run(one())
    1
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the logs and warnings of the signing libraries; what they find comes back as findings and errors."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    try:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
