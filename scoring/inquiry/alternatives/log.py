"""The log of a search: a line of JSON for everything that was tried, failed ones too. It is evidence, and it is where a search goes on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scoring.errors import EquiscoreError

FORMAT = 1
Record = dict[str, Any]


class Log:
    """Records in memory and, where there is a path, on disk, a line each, written out before the next is begun.

    What was cut off in the middle of a line, when the machine stopped, is dropped at the next opening; whole lines stay as they are. A log holds
    no times of day and no durations, so that the same search writes the same bytes; how long each candidate took is in a file beside it
    (``.seconds``), which is no evidence.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.records: list[Record] = []
        self.seconds: dict[str, float] = {}
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.records = list(_read(self.path))
            self.seconds = {held["key"]: held["seconds"] for held in _read(self._beside())}

    def write(self, record: Mapping[str, Any]) -> None:
        """Add a record; numbers that are none become null."""
        told = _plain(dict(record))
        self.records.append(told)
        if self.path is not None:
            _append(self.path, told)

    def took(self, key: str, seconds: float) -> None:
        """Note how long a candidate took."""
        self.seconds[key] = round(seconds, 3)
        if self.path is not None:
            _append(self._beside(), {"key": key, "seconds": self.seconds[key]})

    def header(self, told: Mapping[str, Any]) -> None:
        """Begin a search, unless the log's last search is this very one.

        Raises
        ------
        EquiscoreError
            The log was begun by a version whose format is not known here.
        """
        begun = [record for record in self.records if record.get("kind") == "search"]
        if unknown := [record for record in begun if record.get("format") != FORMAT]:
            raise EquiscoreError(f"{self.path}: format {unknown[0].get('format')} is not known here. Fix: give a new file for this search.")
        line = _plain({"kind": "search", "format": FORMAT, **told})
        if not begun or begun[-1] != line:
            self.write(line)

    def tried(self, key: str) -> Record | None:
        """Return the record of a candidate that was measured or failed; none where it is still to be tried."""
        found = [record for record in self.records if record.get("kind") == "candidate" and record.get("key") == key]
        return next((record for record in reversed(found) if record["status"] != "not tried"), None)

    def confirmations(self, data: str) -> list[Record]:
        """Return the confirmations on the part set aside of these data."""
        return [record for record in self.records if record.get("kind") == "confirmation" and record.get("data") == data]

    def _beside(self) -> Path:
        if self.path is None:
            raise EquiscoreError("This log is in memory only. Fix: give it a path.")
        return self.path.with_name(self.path.name + ".seconds")


def _read(path: Path) -> Iterator[Record]:
    """Read whole lines, and cut off what follows the last."""
    if not path.is_file():
        return
    held = path.read_bytes()
    whole = held[: held.rfind(b"\n") + 1]
    if whole != held:
        with path.open("r+b") as file:
            file.truncate(len(whole))
    for number, line in enumerate(whole.decode("utf-8", errors="replace").splitlines(), start=1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise EquiscoreError(f"{path}, line {number}: not a record of a search. Fix: give another file, or restore this one.") from error
        if not isinstance(record, dict):
            raise EquiscoreError(f"{path}, line {number}: not a record of a search. Fix: give another file, or restore this one.")
        yield record


def _append(path: Path, record: Mapping[str, Any]) -> None:
    with path.open("ab") as file:
        file.write((json.dumps(record, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def _plain(value: Any) -> Any:
    """Return a value as JSON writes it and reads it back."""
    if isinstance(value, Mapping):
        return {str(name): _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, str | bool | int) else str(value)
