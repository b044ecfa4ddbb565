"""Customer files on disk: which they are, what stands in their heads, and the SQL that reads them. No row is read here.

Only the delimiter of a CSV is found out; encoding and types are declared. Every name and path is quoted, and no character of
a path is a wildcard: `customers[1].csv` is that file and no other.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import re
import tempfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

import pyarrow as pa

from scoring.errors import ContractError, EquiscoreError
from scoring.plan import Source

DELIMITERS = ",;\t|"
_LINE = 1 << 20
_KINDS = {".csv": "csv", ".csv.gz": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet"}
_ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16", "iso8859-1": "latin-1"}
"""What DuckDB reads by itself; a file in another encoding is written again in UTF-8 first."""
_SAYS = (  # what DuckDB says of a line, and how we say it
    (r"Expected Number of Columns: (\d+) Found: (\d+)", "{1} fields where the header has {0}", "mend the line, or declare study.source.delimiter"),
    (r"unterminated quote", "a quotation mark that is not closed", 'mend the line; a quotation mark inside quotes is written twice ("")'),
    (r"(?i)not (?:utf-8|latin-1|utf-16) encoded|unicode", "not in the declared encoding", "declare study.source.encoding, such as latin-1 or cp1252"),
    (r"Maximum line size", "a line too long to be one of a customer file", "declare study.source.delimiter, or mend the line"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Files that stand one after the other and have the same head: they are read together."""

    files: tuple[Path, ...]
    header: tuple[str, ...]
    delimiter: str | None = None
    """None for Parquet."""


def find(path: Path | None) -> list[Path]:
    """Return the files of a source, in the order of their names.

    Raises
    ------
    ContractError
        Nothing there, no file that can be read, both kinds in one folder, or an empty file.
    """
    if path is None or not path.exists():
        raise ContractError(f"{path}: no such file or folder. Fix: correct study.source.path, or give the file with --data.")
    inside = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    files = [file for file in inside if kind(file)]
    if not files:
        raise ContractError(f"{path}: no CSV or Parquet file. Fix: give a .csv, .csv.gz or .parquet file, or a folder of them.")
    if len({kind(file) for file in files}) > 1:
        raise ContractError(f"{path}: CSV and Parquet files in one folder. Fix: keep one kind.")
    if empty := [file.name for file in files if not file.stat().st_size]:
        raise ContractError(f"{path}: empty file ({', '.join(empty)}). Fix: give a file with a header and rows.")
    return files


def kind(file: Path) -> str:
    """Return csv, parquet or nothing, by the end of the name."""
    return next((kind for end, kind in _KINDS.items() if file.name.lower().endswith(end)), "")


def parts(files: Sequence[Path], source: Source, wanted: Collection[str]) -> list[Part]:
    """Read the heads; neighbours with the same head make one part.

    Raises
    ------
    ContractError
        A head that cannot be read.
    """
    made: list[Part] = []
    last = None
    for file in files:
        head = _parquet_head(file) if kind(file) == "parquet" else _csv_head(file, source, wanted)
        if head == last and not _alike(head.header):
            made[-1] = replace(made[-1], files=(*made[-1].files, file))
        else:
            made.append(Part((file,), head.header, head.delimiter))
        last = head
    return made


@dataclass(frozen=True, slots=True)
class _Head:
    header: tuple[str, ...]
    types: tuple[str, ...] = ()
    delimiter: str | None = None


def _alike(header: Sequence[str]) -> bool:
    """Tell whether two names differ by case only: DuckDB would mix them up over several files."""
    return len({name.casefold() for name in header}) < len(header)


def _parquet_head(file: Path) -> _Head:
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise ContractError(f"{file}: not readable as Parquet ({first_line(error)}). Fix: write the file again, or copy it again whole.") from error
    return _Head(tuple(schema.names), tuple(map(str, schema.types)))


def _csv_head(file: Path, source: Source, wanted: Collection[str]) -> _Head:
    def cut(delimiter: str) -> tuple[str, ...]:
        with _opened(file, source.encoding) as stream:
            lines = iter(lambda: stream.readline(_LINE), "")
            return tuple(name.strip() for name in next(csv.reader(lines, delimiter=delimiter), []))

    def fit(delimiter: str) -> tuple[int, int]:
        return len(set(cut(delimiter)) & set(wanted)), len(cut(delimiter))

    try:
        delimiter = source.delimiter or max(DELIMITERS, key=fit)
        header = cut(delimiter)
    except UnicodeError as error:
        raise ContractError(
            f"{file}: not in the encoding {source.encoding}. Fix: declare study.source.encoding, such as latin-1 or cp1252."
        ) from error
    except (csv.Error, OSError, EOFError, zlib.error) as error:
        raise ContractError(f"{file}: not readable as CSV ({first_line(error)}). Fix: write the file again, or copy it again whole.") from error
    if not any(header):
        raise ContractError(f"{file}: the first line is empty, so no column has a name. Fix: begin the file with a line of column names.")
    return _Head(header, delimiter=delimiter)


def _opened(file: Path, encoding: str) -> TextIO:
    codec = "utf-8-sig" if _ENCODINGS.get(codecs.lookup(encoding).name) == "utf-8" else encoding
    return gzip.open(file, "rt", encoding=codec, newline="") if file.suffix.lower() == ".gz" else file.open(encoding=codec, newline="")


def scan(part: Part, source: Source) -> str:
    """Write the SQL that reads a part; its columns are c0, c1, ... in the order of the header (those of Parquet keep their names)."""
    listed = ", ".join(literal(_no_wildcards(file)) for file in part.files)
    if part.delimiter is None:
        return f"FROM read_parquet([{listed}], hive_partitioning = false)"
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(part.header)))  # a doubled or odd name in the file must not reach DuckDB
    encoding = _ENCODINGS.get(codecs.lookup(source.encoding).name, "utf-8")
    return (
        f"FROM read_csv([{listed}], auto_detect = false, header = true, columns = {{{columns}}}, delim = {literal(part.delimiter)}, "
        f"quote = '\"', escape = '\"', encoding = '{encoding}', hive_partitioning = false)"
    )


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _no_wildcards(file: Path) -> str:
    path = file.as_posix()
    if "\\" in path and re.search(r"[\[*?]", path):  # DuckDB has no way to write both
        raise ContractError(f"{file}: a path with a backslash and one of [ * ? cannot be read. Fix: rename the file or its folder.")
    return re.sub(r"([\[*?])", r"[\1]", path)


def foreign(source: Source) -> bool:
    """Tell whether a CSV must be written in UTF-8 before DuckDB can read it."""
    return codecs.lookup(source.encoding).name not in _ENCODINGS


@contextmanager
def in_utf8(part: Part, source: Source) -> Iterator[Part]:
    """Lend the part written in UTF-8; the copies are gone when it is given back."""
    with tempfile.TemporaryDirectory(prefix="equiscore-") as folder:
        copies = tuple(Path(folder) / f"{i}.csv" for i in range(len(part.files)))
        for file, copy in zip(part.files, copies, strict=True):
            try:
                with _opened(file, source.encoding) as stream, copy.open("w", encoding="utf-8", newline="") as written:
                    while text := stream.read(_LINE):
                        written.write(text)
            except UnicodeError as error:
                raise ContractError(f"{file}: not in the encoding {source.encoding}. Fix: declare the right study.source.encoding.") from error
        yield Part(copies, part.header, part.delimiter)


def unreadable(error: BaseException, stands_for: Mapping[str, Path] = MappingProxyType({})) -> EquiscoreError | None:
    """Turn what DuckDB says of a file into a sentence with place and fix, without the line itself; none where it is no fault of a file."""
    told = str(error)
    if told.startswith("Out of Memory"):
        return EquiscoreError("More memory is needed than allowed. Fix: raise EQUISCORE_MEMORY, such as 4GiB, or free some disk space.")
    line, named = re.search(r"CSV Error on Line: (\d+)", told), re.search(r"^\s*file = (.+)$", told, re.MULTILINE)
    if line is None:
        whole = re.match(r"(?:IO|Invalid Input|Serialization) Error: (.*)", told)
        return whole and ContractError(
            f"The customer file cannot be read to its end ({whole[1][:300]}). Fix: write the file again, or copy it again whole."
        )
    place = f"{stands_for.get(named[1], named[1]) if named else 'CSV'}:{line[1]}"
    for pattern, says, fix in _SAYS:
        if found := re.search(pattern, told):
            return ContractError(f"{place}: {says.format(*found.groups())}. Fix: {fix}.")
    return ContractError(f"{place}: no line of a CSV. Fix: mend the line.")


def first_line(error: BaseException) -> str:
    """Return what a library says first."""
    return str(error).strip().split("\n")[0][:300]


def digest(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a file, or of the list of SHA-256 of several."""
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


class Hashing:
    """A place to write to that keeps only the SHA-256 of what was written."""

    closed = False

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def write(self, content: Any) -> int:
        """Take some bytes in."""
        self._hash.update(content)
        return len(content)

    def flush(self) -> None:
        """Do nothing: there is nothing to flush."""

    def hexdigest(self) -> str:
        """Return the SHA-256 in hexadecimal digits."""
        return self._hash.hexdigest()
