"""Any table behind narwhals: files and frames become one lazy frame, projected, typed, under names of our own.

The only file that imports duckdb. On one machine every table becomes a DuckDB relation; a Spark frame stays where it is.
Columns are renamed c0, c1, ...: DuckDB does not tell "age" from "Age", and a name from data never reaches SQL.
"""

from __future__ import annotations

import csv
import functools
import gzip
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from scoring.databases import fetch
from scoring.errors import ContractError, raise_all
from scoring.plan import Source
from scoring.vocabulary import ColumnType

if TYPE_CHECKING:
    import duckdb

FAULT = "fault"
"""Column that names what a row's values break of their declared types; null where nothing."""
_SQL = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
}
_IS_ALREADY = {
    ColumnType.TEXT: {"VARCHAR"},
    ColumnType.INTEGER: {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"},
    ColumnType.NUMBER: {"DOUBLE"},
    ColumnType.BOOLEAN: {"BOOLEAN"},
    ColumnType.DATE: {"DATE"},
}


@dataclass(frozen=True, slots=True)
class Table:
    """A customer file as the rest of the house sees it: lazy, typed, with the name of its own for each declared column."""

    frame: nw.LazyFrame[Any]
    own: Mapping[str, str]
    described: str
    fingerprint: str | None

    def col(self, name: str) -> nw.Expr:
        """Return the expression of a declared column."""
        return nw.col(self.own[name])


@functools.cache
def connection() -> duckdb.DuckDBPyConnection:
    """Return the one connection of this process. `EQUISCORE_MEMORY` (such as 2GiB) caps what it may hold before it spills to disk."""
    import duckdb

    cap = os.environ.get("EQUISCORE_MEMORY")
    shared = duckdb.connect(config={"memory_limit": cap} if cap else {})
    shared.execute("SET enable_progress_bar = false")
    return shared


def open_source(source: Source, types: Mapping[str, ColumnType]) -> Table:
    """Open the declared file, folder or database table; nothing is read yet but its head.

    Raises
    ------
    ContractError or FaultyInput
        Missing or empty file, absent or doubled columns: all at once.
    """
    if source.url is not None:
        held = fetch(source.url, source.table or "", list(types))
        return _from_relation(connection().from_arrow(held), types, f"{source.table} ({source.url.split('@')[-1]})", fingerprint=arrow_digest(held))
    files = _files(source)
    described = str(source.path)
    if _kind(files[0]) == "parquet":
        relation, header = _parquet(files, described)
    else:
        relation, header = _csv(files, source, described)
    _check_columns(header, types, described)
    taken = relation.project(", ".join(f"{_quoted(relation.columns[header.index(name)])} AS {own}" for name, own in _owned(types).items()))
    return _typed(taken, types, described, files_digest(files), decimal=source.decimal)


def open_frame(frame: Any, types: Mapping[str, ColumnType], *, described: str = "frame", fingerprint: str | None = None) -> Table:
    """Take a pandas, polars, Arrow, DuckDB or Spark frame without copying it; the caller's frame is never changed."""
    wrapped: Any = nw.from_native(frame, pass_through=False)
    header = [str(name) for name in getattr(frame, "columns", wrapped.columns)] if not isinstance(frame, pa.Table) else frame.column_names
    _check_columns(header, types, described)
    if wrapped.implementation.is_spark_like():
        return _on_cluster(wrapped, types, described)
    return _from_relation(_relation(frame, wrapped, list(types)), types, described, fingerprint=fingerprint)


def _relation(frame: Any, wrapped: Any, names: Sequence[str]) -> duckdb.DuckDBPyRelation:
    if wrapped.implementation.is_duckdb():
        return frame.project(", ".join(_quoted(name) for name in names))
    if wrapped.implementation.is_pandas():
        return connection().from_arrow(pa.table({f"c{i}": _from_pandas(frame[name]) for i, name in enumerate(names)}))
    chosen = wrapped.select(*[nw.col(name).alias(f"c{i}") for i, name in enumerate(names)]).lazy().collect(backend="pyarrow")
    return connection().from_arrow(chosen.to_native())


def _from_pandas(column: Any) -> pa.Array | pa.ChunkedArray:
    """Take a column as Arrow. A float that is not a number stays one (DuckDB would take it for missing); mixed objects become text."""
    if column.dtype.kind == "f" and not hasattr(column.dtype, "na_value"):
        return pa.array(column.to_numpy(), from_pandas=False)
    try:
        taken = pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        taken = pa.array([None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)], pa.string())
    return taken.cast(taken.type.value_type) if pa.types.is_dictionary(taken.type) else taken


def _from_relation(relation: duckdb.DuckDBPyRelation, types: Mapping[str, ColumnType], described: str, *, fingerprint: str | None) -> Table:
    """Type a relation whose columns stand in the order of `types`."""
    taken = relation.project(", ".join(f"{_quoted(held)} AS {own}" for held, own in zip(relation.columns, _owned(types).values(), strict=True)))
    return _typed(taken, types, described, fingerprint)


def _typed(
    relation: duckdb.DuckDBPyRelation, types: Mapping[str, ColumnType], described: str, fingerprint: str | None, *, decimal: str = "."
) -> Table:
    """Apply the declared types; a value that is not of its type becomes null, and its row says so in FAULT."""
    held = dict(zip(relation.columns, map(str, relation.types), strict=True))
    columns, faults = [], []
    for name, own in _owned(types).items():
        value = _cast(own, held[own], types[name], decimal)
        columns.append(f"{value} AS {own}")
        if held[own] not in _IS_ALREADY[types[name]] and types[name] is not ColumnType.TEXT:
            present = f"nullif(trim({own}), '') IS NOT NULL" if held[own] == "VARCHAR" else f"{own} IS NOT NULL"
            faults.append(f"WHEN {present} AND ({value}) IS NULL THEN '{own}'")
    columns.append(f"CASE {' '.join(faults)} END AS {FAULT}" if faults else f"NULL::VARCHAR AS {FAULT}")
    return Table(nw.from_native(relation.project(", ".join(columns))).lazy(), _owned(types), described, fingerprint)


def _cast(own: str, held: str, kind: ColumnType, decimal: str) -> str:
    if kind is ColumnType.TEXT:
        return _text(own, held)
    if held in _IS_ALREADY[kind]:
        return own
    raw = f"replace({own}, ',', '.')" if decimal == "," and held == "VARCHAR" and kind in {ColumnType.INTEGER, ColumnType.NUMBER} else own
    if kind is ColumnType.INTEGER:  # '12.0' is an integer, '12.5' is none: a cast would round it
        return f"CASE WHEN try_cast({raw} AS DOUBLE) = floor(try_cast({raw} AS DOUBLE)) THEN try_cast(try_cast({raw} AS DOUBLE) AS BIGINT) END"
    return f"try_cast({raw} AS {_SQL[kind]})"


def _text(own: str, held: str) -> str:
    """Write a value as text: 1.0 is 1, and not a number is no value. Blanks are seen to after the pass: it is faster there."""
    if held == "VARCHAR":
        return own
    if held in {"DOUBLE", "FLOAT"}:
        whole = f"{own} = floor({own}) AND abs({own}) < 9e15"
        return f"CASE WHEN isnan({own}) THEN NULL WHEN {whole} THEN CAST(CAST({own} AS BIGINT) AS VARCHAR) ELSE CAST({own} AS VARCHAR) END"
    return f"CAST({own} AS VARCHAR)"


def _on_cluster(frame: Any, types: Mapping[str, ColumnType], described: str) -> Table:
    """Project and type a Spark frame with narwhals alone; the rows stay on the cluster."""
    kinds = {
        ColumnType.TEXT: nw.String(),
        ColumnType.INTEGER: nw.Int64(),
        ColumnType.NUMBER: nw.Float64(),
        ColumnType.BOOLEAN: nw.Boolean(),
        ColumnType.DATE: nw.Date(),
    }
    lazy = frame.lazy().select(
        *[nw.col(name).cast(kinds[kind]).alias(own) for (name, kind), own in zip(types.items(), _owned(types).values(), strict=True)],
        nw.lit(None, dtype=nw.String()).alias(FAULT),
    )
    return Table(lazy, _owned(types), described, None)


def _owned(types: Mapping[str, ColumnType]) -> dict[str, str]:
    return {name: f"c{i}" for i, name in enumerate(types)}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _files(source: Source) -> list[Path]:
    path = source.path
    if path is None or not path.exists():
        raise ContractError(f"{path}: no such file or folder. Fix: correct study.source.path, or give the file with --data.")
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if _kind(file))
    if not files or not _kind(files[0]):
        raise ContractError(f"{path}: no CSV or Parquet file. Fix: give a .csv, .csv.gz or .parquet file, or a folder of them.")
    if len({_kind(file) for file in files}) > 1:
        raise ContractError(f"{path}: CSV and Parquet files in one folder. Fix: keep one kind.")
    if empty := [file.name for file in files if not file.stat().st_size]:
        raise ContractError(f"{path}: empty file ({', '.join(empty)}). Fix: give a file with a header and rows.")
    return files


def _kind(file: Path) -> str:
    name = file.name.lower()
    return "csv" if name.endswith((".csv", ".csv.gz", ".tsv", ".txt")) else "parquet" if name.endswith((".parquet", ".pq")) else ""


def _parquet(files: Sequence[Path], described: str) -> tuple[duckdb.DuckDBPyRelation, list[str]]:
    import duckdb
    import pyarrow.parquet as pq

    try:
        headers = [pq.read_schema(file).names for file in files]
        _same_header(headers, files, described)
        return connection().read_parquet([str(file) for file in files]), list(headers[0])
    except (pa.ArrowInvalid, duckdb.Error) as error:
        raise ContractError(f"{described}: not readable as Parquet ({_first_line(error)}). Fix: write the file again.") from error


def _csv(files: Sequence[Path], source: Source, described: str) -> tuple[duckdb.DuckDBPyRelation, list[str]]:
    import duckdb

    try:
        delimiter = source.delimiter or _sniffed(files[0], source.encoding)
        headers = [_header(file, delimiter, source.encoding) for file in files]
        _same_header(headers, files, described)
        names = [f"c{i}" for i in range(len(headers[0]))]  # a doubled or odd name in the file must not reach DuckDB
        relation = connection().read_csv(
            [str(file) for file in files],
            sep=delimiter,
            header=True,
            names=names,
            all_varchar=True,
            encoding=source.encoding,
            quotechar='"',
            null_padding=False,
        )
    except (duckdb.Error, UnicodeError, csv.Error) as error:
        raise ContractError(
            f"{described}: not readable as CSV ({_first_line(error)}). Fix: mend that line, or declare delimiter and encoding."
        ) from error
    return relation, headers[0]


def _sniffed(file: Path, encoding: str) -> str:
    """Find the delimiter in the header: the candidate that cuts it into most fields."""
    line = _first_row(file, encoding)
    return max(",;\t|", key=lambda candidate: len(next(csv.reader([line], delimiter=candidate), [])))


def _header(file: Path, delimiter: str, encoding: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([_first_row(file, encoding)], delimiter=delimiter), [])]


def _first_row(file: Path, encoding: str) -> str:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8-sig" if encoding.lower() == "utf-8" else encoding, newline="") as stream:
        return stream.readline().rstrip("\r\n")


def _same_header(headers: Sequence[Sequence[str]], files: Sequence[Path], described: str) -> None:
    for file, header in zip(files, headers, strict=True):
        if list(header) != list(headers[0]):
            raise ContractError(
                f"{described}: {file.name} has other columns than {files[0].name}. Fix: write all files of the folder with the same columns."
            )


def _check_columns(header: Sequence[str], types: Mapping[str, ColumnType], described: str) -> None:
    twice = [name for name, times in Counter(header).items() if times > 1]
    faults: list[Any] = (
        [ContractError(f"{described}: {len(twice)} column names stand twice: {', '.join(twice)}. Fix: rename or drop one of each.")] if twice else []
    )
    faults += [ContractError.missing_column(name, table=described, has=header) for name in types if name not in header]
    raise_all(described, faults)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:300]


def files_digest(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a file, or of the list of SHA-256 of several."""
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def frame_digest(frame: Any, names: Sequence[str]) -> str | None:
    """Return the SHA-256 of some columns of a frame in memory; none for a frame on a cluster."""
    wrapped: Any = nw.from_native(frame)
    if wrapped.implementation.is_spark_like():
        return None
    return arrow_digest(wrapped.lazy().select(*names).collect(backend="pyarrow").to_native())


def arrow_digest(table: pa.Table) -> str:
    """Return the SHA-256 of a table's Arrow stream; the same values give the same digest, however they were chunked."""
    digest = hashlib.sha256()
    with pa.ipc.new_stream(sink := pa.BufferOutputStream(), table.schema) as writer:
        for batch in table.combine_chunks().to_batches(max_chunksize=1 << 20):
            writer.write_batch(batch)
    digest.update(sink.getvalue())
    return digest.hexdigest()


def extended(table: Table, rows: pa.Table, added: Mapping[str, pa.Array]) -> Table:
    """Return the table with columns that were worked out from its rows, which are in memory now; names are not those of any file."""
    own = dict(table.own)
    for name, values in added.items():
        own[name] = f"c{len(own)}"
        rows = rows.append_column(own[name], values)
    return Table(nw.from_native(connection().from_arrow(rows)).lazy(), own, table.described, table.fingerprint)


def collect(frame: nw.LazyFrame[Any]) -> pa.Table:
    """Run a lazy frame and return its rows as Arrow. Only counts, or the columns that a model learns from, go through here."""
    return frame.collect(backend="pyarrow").to_native()


def columns_of(frame: Any) -> dict[str, ColumnType]:
    """Return the columns of a frame and what the frame itself says they are."""
    schema = nw.from_native(frame).lazy().collect_schema() if not hasattr(frame, "dtypes") or not hasattr(frame, "iloc") else None
    if schema is None:  # pandas may hold a name twice, which a schema cannot say
        return {str(name): _kind_of(nw.from_native(frame.iloc[:0, [i]]).schema[str(name)]) for i, name in enumerate(frame.columns)}
    return {name: _kind_of(kind) for name, kind in schema.items()}


def _kind_of(kind: Any) -> ColumnType:
    if kind == nw.Boolean:
        return ColumnType.BOOLEAN
    if kind.is_integer():
        return ColumnType.INTEGER
    if kind.is_numeric():
        return ColumnType.NUMBER
    return ColumnType.DATE if kind in {nw.Date, nw.Datetime} else ColumnType.TEXT


def only_columns(frame: Any, names: Sequence[str], added: Mapping[str, Any] | None = None) -> Any:
    """Return a frame of the same kind with some columns, and others added; the caller's frame is not changed."""
    if not added:
        return frame if set(names) - set(map(str, nw.from_native(frame).columns)) else nw.from_native(frame).select(*dict.fromkeys(names)).to_native()
    arrow = nw.from_native(frame).lazy().select(*dict.fromkeys(names)).collect(backend="pyarrow").to_native()
    for name, values in added.items():
        arrow = arrow.append_column(name, pa.array(values))
    return arrow
