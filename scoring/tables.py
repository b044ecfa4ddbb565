"""Any table behind narwhals: files and frames become one lazy frame, projected, typed, under names of our own.

The only file that imports duckdb. On one machine every table becomes a DuckDB relation; a Spark frame stays where it is.
Columns are renamed c0, c1, ...: DuckDB does not tell "age" from "Age", and a name from data never reaches SQL.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from scoring import clusters, files
from scoring.databases import fetch
from scoring.errors import ContractError, EquiscoreError, raise_all
from scoring.plan import Source
from scoring.vocabulary import ColumnType

if TYPE_CHECKING:
    import duckdb

FAULT = "fault"
"""Column that names what a row's values break of their declared types; null where nothing."""
_IS_ALREADY = {
    ColumnType.TEXT: {"VARCHAR"},
    ColumnType.INTEGER: {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"},
    ColumnType.NUMBER: {"DOUBLE"},
    ColumnType.BOOLEAN: {"BOOLEAN"},
    ColumnType.DATE: {"DATE"},
}
_NUMERIC = {ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.BOOLEAN}


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
    shared = duckdb.connect(config={"autoinstall_known_extensions": "false", **({"memory_limit": cap} if cap else {})})
    with contextlib.suppress(duckdb.Error):  # in a notebook without ipywidgets even turning the bar off is refused
        shared.execute("SET enable_progress_bar = false")
    shared.execute("SET TimeZone = 'UTC'")  # the same day from the same moment on every machine
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
        return _from_relation(connection().from_arrow(held), types, source.described, arrow_digest(held))
    found = files.find(source.path)
    described = str(source.path)
    parts = files.parts(found, source, types)
    _check_heads(parts, types, described)
    typed = [_typed(_projected(_scanned(part, source), part.header, types), types, source.decimal) for part in parts]
    relation = functools.reduce(lambda above, below: above.union(below), typed)
    return Table(nw.from_native(relation).lazy(), _owned(types), described, files.digest(found))


def _check_heads(parts: Sequence[files.Part], types: Mapping[str, ColumnType], described: str) -> None:
    """Check each head that differs from the others, a file of several by its own name."""
    heads = {part.header: part.files[0] for part in reversed(parts)}
    faults = [
        fault for header, file in reversed(heads.items()) for fault in _columns_at_fault(header, types, described if len(heads) == 1 else str(file))
    ]
    raise_all(described, faults)


def _scanned(part: files.Part, source: Source) -> duckdb.DuckDBPyRelation:
    import duckdb

    stands_for: dict[str, Path] = {}
    try:
        if part.delimiter is None or not files.foreign(source):
            return connection().sql(files.scan(part, source))
        with files.in_utf8(part, source) as copied:
            stands_for = dict(zip(map(str, copied.files), part.files, strict=True))
            return connection().from_arrow(connection().sql(files.scan(copied, source)).to_arrow_table())
    except duckdb.Error as error:
        raise (files.unreadable(error, stands_for) or error) from error


def _projected(relation: duckdb.DuckDBPyRelation, header: Sequence[str], types: Mapping[str, ColumnType]) -> duckdb.DuckDBPyRelation:
    """Take the declared columns by their place in the head, under names of our own."""
    places = {name: relation.columns[header.index(name)] for name in types}
    return relation.project(", ".join(f"{_quoted(places[name])} AS {own}" for name, own in _owned(types).items()))


def open_frame(frame: Any, types: Mapping[str, ColumnType], *, described: str = "frame", fingerprint: str | None = None) -> Table:
    """Take a pandas, polars, Arrow, DuckDB or Spark frame without copying it; the caller's frame is never changed.

    Raises
    ------
    ContractError or FaultyInput
        Not a table, absent or doubled columns, values of a kind that no type fits.
    """
    frame = _native(frame)
    raise_all(described, _columns_at_fault(_header(frame), types, described))
    wrapped: Any = nw.from_native(frame)
    if wrapped.implementation.is_spark_like():
        return _on_cluster(wrapped, types, described)
    return _from_relation(_relation(frame, list(types)), types, described, fingerprint)


def _native(frame: Any) -> Any:
    """Return a frame of the library that it came from; columns of pandas are named by text."""
    frame = nw.to_native(frame, pass_through=True)
    if nw.dependencies.is_pandas_dataframe(frame):
        names = [str(name) for name in frame.columns]
        return frame if names == list(frame.columns) else frame.set_axis(names, axis=1)
    if not nw.dependencies.is_pyarrow_table(frame):
        try:
            nw.from_native(frame)
        except TypeError as error:
            raise ContractError(
                f"A {type(frame).__name__} is no table of customers. Fix: hand in a frame of pandas, polars, Arrow, DuckDB or Spark."
            ) from error
    return frame


def _header(frame: Any) -> list[str]:
    """Return the names of the columns; one may stand twice in pandas and Arrow."""
    if nw.dependencies.is_pandas_dataframe(frame):
        return list(frame.columns)
    if nw.dependencies.is_pyarrow_table(frame):
        return list(frame.column_names)
    return list(nw.from_native(frame).lazy().collect_schema().names())


def _relation(frame: Any, names: Sequence[str]) -> duckdb.DuckDBPyRelation:
    """Return the columns of a frame in the order of `names`."""
    import duckdb

    if isinstance(frame, duckdb.DuckDBPyRelation):
        return frame.project(", ".join(_quoted(name) for name in names))
    try:
        return connection().from_arrow(_arrow(frame, names))
    except duckdb.Error as error:
        raise ContractError(
            f"frame: not a table that can be counted ({files.first_line(error)}). Fix: turn its columns into text, numbers or dates."
        ) from error


def _arrow(frame: Any, names: Sequence[str]) -> pa.Table:
    """Take the columns of a frame in memory as Arrow, under names of our own."""
    if nw.dependencies.is_pandas_dataframe(frame):
        return pa.table({f"c{i}": _from_pandas(frame[name]) for i, name in enumerate(names)})
    wrapped: Any = nw.from_native(frame)
    chosen = wrapped.lazy().select(*[nw.col(name).alias(f"c{i}") for i, name in enumerate(names)]).collect(backend="pyarrow").to_native()
    return pa.table({name: _plain(chosen[name]) for name in chosen.column_names})


def _from_pandas(column: Any) -> pa.Array | pa.ChunkedArray:
    """Take a column as Arrow. A float that is not a number stays one (DuckDB would take it for missing); mixed objects become text."""
    if column.dtype.kind == "f" and not hasattr(column.dtype, "na_value"):
        return pa.array(column.to_numpy(), from_pandas=False)
    try:
        return _plain(pa.array(column, from_pandas=True))
    except (pa.ArrowException, OverflowError):
        return pa.array([None if missing else written(value) for value, missing in zip(column, column.isna(), strict=True)], pa.string())


def _plain(column: Any) -> Any:
    """Return a column whose values stand for themselves: no codes of levels, no shift to another time zone."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pc.local_timestamp(column)
    if isinstance(kind, pa.BaseExtensionType):
        raise pa.ArrowNotImplementedError(str(kind))
    return column


def written(value: object) -> str:
    """Write one value of a column without a type as text, as the columns with one are: 1.0 is 1, True is true."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _from_relation(relation: duckdb.DuckDBPyRelation, types: Mapping[str, ColumnType], described: str, fingerprint: str | None) -> Table:
    """Type a relation whose columns stand in the order of `types`."""
    typed = _typed(_projected(relation, list(types), types), types)
    return Table(nw.from_native(typed).lazy(), _owned(types), described, fingerprint)


def _typed(relation: duckdb.DuckDBPyRelation, types: Mapping[str, ColumnType], decimal: str = ".") -> duckdb.DuckDBPyRelation:
    """Apply the declared types; a value that is not of its type becomes null, and its row says so in FAULT."""
    held = dict(zip(relation.columns, map(str, relation.types), strict=True))
    columns, faults = [], []
    for name, own in _owned(types).items():
        value = _cast(own, held[own], types[name], decimal)
        columns.append(f"{value} AS {own}")
        if held[own] not in _IS_ALREADY[types[name]] and types[name] is not ColumnType.TEXT:
            faults.append(f"WHEN {_present(own, held[own])} AND ({value}) IS NULL THEN '{own}'")
    columns.append(f"CASE {' '.join(faults)} END AS {FAULT}" if faults else f"NULL::VARCHAR AS {FAULT}")
    return relation.project(", ".join(columns))


def _present(own: str, held: str) -> str:
    """Tell a value from none: blanks are none, and a float that is not a number says no integer, no date, no truth."""
    if held == "VARCHAR":
        return f"trim({own}, ' \t\r\n') <> ''"
    return f"NOT isnan({own})" if held in {"DOUBLE", "FLOAT"} else f"{own} IS NOT NULL"


def _cast(own: str, held: str, kind: ColumnType, decimal: str) -> str:
    if kind is ColumnType.TEXT:
        return _text(own, held)
    if held in _IS_ALREADY[kind]:
        return own
    # with a decimal comma, a point is no decimal mark: 1.000 is not one
    raw = f"replace(replace({own}, '.', '?'), ',', '.')" if decimal == "," and held == "VARCHAR" and kind in _NUMERIC else own
    number = f"try_cast({raw} AS DOUBLE)"
    if kind is ColumnType.INTEGER:  # '12.0' is an integer, '12.5' is none: a cast would round it; beyond 2^53 a double would
        exact = f"CASE WHEN abs({number}) < 9007199254740992 THEN CAST({number} AS BIGINT) ELSE try_cast({raw} AS BIGINT) END"
        return f"CASE WHEN {number} = floor({number}) THEN {exact} END"
    if kind is ColumnType.BOOLEAN:  # 1.0 is true, and 2 is neither
        said = f"try_cast({own} AS BOOLEAN)" if held == "VARCHAR" else "NULL"
        return f"CASE {number} WHEN 1 THEN true WHEN 0 THEN false ELSE {said} END"
    if kind is ColumnType.DATE:  # a year of two digits would be read as one of antiquity
        day = f"try_cast({raw} AS DATE)"
        return f"CASE WHEN {day} BETWEEN DATE '1000-01-01' AND DATE '9999-12-30' THEN {day} END"
    return number


def _text(own: str, held: str) -> str:
    """Write a value as text: 1.0 is 1, and not a number is no value. Blanks are seen to after the pass: it is faster there."""
    if held == "VARCHAR":
        return own
    if held in {"DOUBLE", "FLOAT"}:
        whole = f"{own} = floor({own}) AND abs({own}) < 9e15"
        return f"CASE WHEN isnan({own}) THEN NULL WHEN {whole} THEN CAST(CAST({own} AS BIGINT) AS VARCHAR) ELSE CAST({own} AS VARCHAR) END"
    if held.startswith("DECIMAL"):
        return f"CASE WHEN {own} = floor({own}) THEN CAST(CAST({own} AS HUGEINT) AS VARCHAR) ELSE rtrim(CAST({own} AS VARCHAR), '0') END"
    return f"CAST({own} AS VARCHAR)"


def _on_cluster(frame: Any, types: Mapping[str, ColumnType], described: str) -> Table:
    """Project and type a Spark frame where it is, by the rules of `_typed`; a name from data never reaches SQL."""
    spark = frame.to_native()
    places = {name: f"s{spark.columns.index(name)}" for name in types}
    renamed = spark.toDF(*[f"s{i}" for i in range(len(spark.columns))])
    held = dict(renamed.dtypes)
    columns, faults = [], []
    for name, own in _owned(types).items():
        at, kind = places[name], types[name]
        value = clusters.cast(at, held[at], kind)
        columns.append(f"{value} AS {own}")
        if kind is not ColumnType.TEXT and not clusters.is_already(held[at], kind):
            faults.append(f"WHEN {clusters.present(at, held[at])} AND ({value}) IS NULL THEN '{own}'")
    columns.append(f"CASE {' '.join(faults)} END AS {FAULT}" if faults else f"CAST(NULL AS STRING) AS {FAULT}")
    return Table(nw.from_native(renamed.selectExpr(*columns)).lazy(), _owned(types), described, None)


def _owned(types: Mapping[str, ColumnType]) -> dict[str, str]:
    return {name: f"c{i}" for i, name in enumerate(types)}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _columns_at_fault(header: Sequence[str], types: Collection[str], described: str) -> list[EquiscoreError]:
    times = Counter(header)
    twice = [name for name in times if times[name] > 1]
    faults: list[EquiscoreError] = [
        ContractError(f"{described}: the column name {name!r} stands {times[name]} times. Fix: rename or drop one.") for name in twice
    ]
    return faults + [ContractError.missing_column(name, table=described, has=header) for name in types if name not in header]


def frame_digest(frame: Any, names: Sequence[str]) -> str | None:
    """Return the SHA-256 of some columns of a frame in memory; none for a frame on a cluster."""
    frame = _native(frame)
    return None if nw.from_native(frame).implementation.is_spark_like() else arrow_digest(_arrow(frame, names))


def arrow_digest(table: pa.Table) -> str:
    """Return the SHA-256 of a table's Arrow stream; the same values give the same digest, however they were chunked."""
    digest = files.Hashing()
    with pa.ipc.new_stream(pa.PythonFile(digest, "w"), table.schema) as writer:
        for batch in table.combine_chunks().to_batches(max_chunksize=1 << 20):
            writer.write_batch(batch)
    return digest.hexdigest()


def extended(table: Table, rows: pa.Table, added: Mapping[str, pa.Array]) -> Table:
    """Return the table with columns that were worked out from its rows, which are in memory now; names are not those of any file."""
    own = dict(table.own)
    for name, values in added.items():
        own[name] = f"c{len(own)}"
        rows = rows.append_column(own[name], values)
    return Table(nw.from_native(connection().from_arrow(rows)).lazy(), own, table.described, table.fingerprint)


def numbered(table: Table, name: str) -> nw.LazyFrame[Any]:
    """Return the rows with their number in the file, from 1; on a cluster rows have no order, so they have no number."""
    if not table.frame.implementation.is_duckdb():
        return table.frame.with_columns(nw.lit(None, dtype=nw.Int64()).alias(name))
    return nw.from_native(table.frame.to_native().project(f"*, row_number() OVER () AS {_quoted(name)}")).lazy()


def encoded(rows: pa.Table) -> pa.Table:
    """Return the rows with text as numbers of a dictionary: what is looked at afterwards is each different text once."""
    text = {pa.string(), pa.large_string()}
    return pa.table([column.dictionary_encode() if column.type in text else column for column in rows.columns], names=rows.column_names)


def collect(frame: nw.LazyFrame[Any]) -> pa.Table:
    """Run a lazy frame and return its rows as Arrow. Only counts, or the columns that a model learns from, go through here.

    Raises
    ------
    ContractError
        The file breaks off or holds a line that is none; it is read no sooner than here.
    """
    import duckdb

    try:
        return frame.collect(backend="pyarrow").to_native()
    except duckdb.Error as error:
        raise (files.unreadable(error) or error) from error


def columns_of(frame: Any) -> dict[str, ColumnType]:
    """Return the columns of a frame and what the frame itself says they are."""
    frame = _native(frame)
    if nw.dependencies.is_pandas_dataframe(frame) and not frame.columns.is_unique:  # which a schema cannot say
        return {name: _kind_of(nw.from_native(frame.iloc[:0, [i]]).schema[name]) for i, name in enumerate(frame.columns)}
    if nw.dependencies.is_pyarrow_table(frame):
        return {name: _kind_of(nw.from_native(frame.select([i])).schema[name]) for i, name in enumerate(frame.column_names)}
    return {name: _kind_of(kind) for name, kind in nw.from_native(frame).lazy().collect_schema().items()}


def _kind_of(kind: Any) -> ColumnType:
    if kind == nw.Boolean:
        return ColumnType.BOOLEAN
    if kind.is_integer():
        return ColumnType.INTEGER
    if kind.is_numeric():
        return ColumnType.NUMBER
    return ColumnType.DATE if isinstance(kind, nw.Date | nw.Datetime) else ColumnType.TEXT


def only_columns(frame: Any, names: Sequence[str], added: Mapping[str, Any] | None = None) -> Any:
    """Return a frame of the same kind with some columns (Arrow where others are added); the caller's frame is not changed.

    Raises
    ------
    ContractError or FaultyInput
        Every column that is not there, or stands twice.
    """
    frame = _native(frame)
    raise_all("frame", _columns_at_fault(_header(frame), names, "frame"))
    chosen = nw.from_native(frame).select(*dict.fromkeys(names))
    if not added:
        return chosen.to_native()
    arrow = chosen.lazy().collect(backend="pyarrow").to_native()
    for name, values in added.items():
        arrow = arrow.append_column(name, pa.array(values))
    return arrow


def batches(frame: nw.LazyFrame[Any], rows: int = 1 << 17) -> Iterator[pa.RecordBatch]:
    """Run a lazy frame on one machine and hand out its rows in their order, about `rows` at a time; they are never all in memory.

    Raises
    ------
    ContractError
        The file breaks off or holds a line that is none.
    """
    import duckdb

    try:
        reader = frame.to_native().to_arrow_reader(rows)
        try:
            yield from reader
        finally:
            reader.close()
    except duckdb.Error as error:
        raise (files.unreadable(error) or error) from error
    except pa.ArrowException as error:  # what the engine says while a reader runs comes through Arrow
        raise (files.unreadable(error) or error) from error


def on_cluster(frame: nw.LazyFrame[Any]) -> bool:
    """Tell whether the rows are on a Spark cluster."""
    return frame.implementation.is_spark_like()


def header_of(source: Source, wanted: Collection[str]) -> list[str]:
    """Return the names that stand in every head of a file or folder; nothing else of it is read. `wanted` tells the delimiter of a CSV.

    Raises
    ------
    ContractError
        No file there, or one without a head.
    """
    headers = [part.header for part in files.parts(files.find(source.path), source, wanted)]
    return [name for name in headers[0] if all(name in header for header in headers)]


def mapped(frame: nw.LazyFrame[Any], function: Callable[..., Any], kinds: Mapping[str, str]) -> Any:
    """Return the Spark frame whose parts `function` makes from the parts of this one, batch by batch; nothing is run or brought here.

    Parameters
    ----------
    function
        From an iterator of Arrow batches to another; it is sent to the workers.
    kinds
        The columns that it returns: the type of Spark of each, or after ``=`` the column of `frame` that has it.
    """
    spark = frame.to_native()
    held = dict(spark.dtypes)
    types = {name: held[kind.removeprefix("=")] if kind.startswith("=") else kind for name, kind in kinds.items()}
    return spark.mapInArrow(function, ", ".join(f"`{name}` {kind}" for name, kind in types.items()))
