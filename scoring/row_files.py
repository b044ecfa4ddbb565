"""Files of rows that are written batch by batch, and appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa

from scoring.errors import EquiscoreError, StudyError

PARQUET: Final = frozenset({".parquet", ".pq"})
CSV: Final = frozenset({".csv"})


def place_of(path: str | Path, data: str | Path) -> Path:
    """Return where rows are to be written.

    Raises
    ------
    EquiscoreError
        A name that is neither Parquet nor CSV, or the place of the data that are read.
    """
    place = Path(path).absolute()
    if place.suffix.lower() not in PARQUET | CSV:
        raise EquiscoreError(f"{path}: neither Parquet nor CSV by its name. Fix: let it end in .parquet or .csv.")
    if place.is_dir() or (Path(data).exists() and place.resolve() in {Path(data).resolve(), *Path(data).resolve().glob("*")}):
        raise EquiscoreError(f"{path}: the data, or a folder, is there. Fix: write the scores to another place.")
    return place


@contextmanager
def writing(place: Path) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Write batches to a file that appears whole, for its owner only, or not at all; folders that were made for it go again with it."""
    missing = [parent for parent in place.parents if not parent.exists()]
    made: Path | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        made = Path(name)
        with os.fdopen(handle, "wb") as stream:
            with _Writer(stream, csv=place.suffix.lower() in CSV) as writer:
                yield writer.write
            stream.flush()
            os.fsync(stream.fileno())
        made.replace(place)
    except BaseException as error:
        if made is not None:
            made.unlink(missing_ok=True)
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        if isinstance(error, OSError) and not isinstance(error, EquiscoreError):
            raise StudyError(f"{place}: cannot be written ({error.strerror or error}). Fix: choose a place that you may write to.") from error
        raise


class _Writer:
    """Parquet or CSV, opened with the columns of the first batch."""

    def __init__(self, stream: Any, *, csv: bool) -> None:
        self._stream, self._csv = stream, csv
        self._open: Any = None

    def write(self, batch: pa.RecordBatch) -> None:
        import pyarrow.csv
        import pyarrow.parquet

        if self._open is None:
            self._open = (pyarrow.csv.CSVWriter if self._csv else pyarrow.parquet.ParquetWriter)(self._stream, batch.schema)
        self._open.write_batch(batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.close()
