"""The same rows give the same cells, whatever they come in; what cannot be read is one clear error with place and fix."""

import csv
import datetime as dt
import gzip
import io
import math
import sqlite3

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.errors import ContractError, EquiscoreError
from scoring.plan import Source
from scoring.tables import arrow_digest, collect, columns_of, frame_digest, only_columns, open_frame, open_source
from scoring.vocabulary import ColumnType as Type

TYPES = {"name": Type.TEXT, "age": Type.INTEGER, "Age": Type.INTEGER, "income": Type.NUMBER, "member": Type.BOOLEAN, "birth": Type.DATE}
ROWS = [
    ("Zoé; d'Arc", 30, 1, 1000.5, True, dt.date(1990, 1, 31)),
    ('a "b", c\nd', 66, 2, -0.25, False, dt.date(2000, 2, 29)),
    (None, None, 3, None, None, None),
    ("x'; DROP TABLE t; --", 2**53 + 1, 4, 2000.0, True, dt.date(1940, 12, 1)),
    ("01", 0, 5, 1e-3, False, dt.date(1970, 1, 1)),
]
TAKEN = [{**{f"c{i}": value for i, value in enumerate(row)}, "fault": None} for row in ROWS]


def cells(table):
    return collect(table.frame).to_pylist()


def opened(path, types=TYPES, **said):
    return cells(open_source(Source(path=path, **said), types))


def text_of(rows=ROWS, header=tuple(TYPES), *, delimiter=",", decimal=".", end="\n"):
    """The rows as CSV, written by Python's own writer."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerow(header)
    for row in rows:
        shown = (
            "" if v is None else str(v).lower() if isinstance(v, bool) else str(v).replace(".", decimal) if isinstance(v, float) else v for v in row
        )
        writer.writerow(shown)
    return stream.getvalue()


def arrow_of(rows=ROWS):
    kinds = [pa.string(), pa.int64(), pa.int64(), pa.float64(), pa.bool_(), pa.date32()]
    return pa.table({name: pa.array(column, kind) for name, kind, column in zip(TYPES, kinds, zip(*rows, strict=True), strict=True)})


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- the same rows ----


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("a.csv", text_of(), {}, id="comma"),
        pytest.param("a.csv", text_of(delimiter=";", decimal=","), {"decimal": ","}, id="semicolon and decimal comma"),
        pytest.param("a.tsv", text_of(delimiter="\t"), {}, id="tabulator"),
        pytest.param("a.txt", text_of(delimiter="|"), {"delimiter": "|"}, id="bar, declared"),
        pytest.param("a.csv", text_of().encode("latin-1"), {"encoding": "latin-1"}, id="latin-1"),
        pytest.param("a.csv", text_of().encode("cp1252"), {"encoding": "cp1252"}, id="cp1252"),
        pytest.param("a.csv", text_of().encode("utf-16"), {"encoding": "utf-16"}, id="utf-16"),
        pytest.param("a.csv", text_of().encode("utf-8-sig"), {}, id="byte order mark"),
        pytest.param("a.csv", text_of(end="\r\n"), {}, id="ends of Windows"),
        pytest.param("a.csv", text_of().rstrip("\n"), {}, id="no final end of line"),
        pytest.param("A.CSV", text_of(), {}, id="name in capitals"),
        pytest.param("a.csv.gz", gzip.compress(text_of().encode()), {}, id="gzip"),
        pytest.param("a.csv.gz", gzip.compress(text_of().encode("cp1252")), {"encoding": "cp1252"}, id="gzip in cp1252"),
        pytest.param("it's; [1]*? {a,b}.csv", text_of(), {}, id="odd file name"),
        pytest.param("back\\slash.csv", text_of(), {}, id="backslash in the name"),
    ],
)
def test_a_csv_gives_the_rows(tmp_path, name, content, said):
    put(tmp_path, "it's; 1xx a.csv", text_of([]))  # what the odd name would match if it were a pattern
    assert opened(put(tmp_path, name, content), **said) == TAKEN


def test_parquet_gives_the_rows(tmp_path):
    pq.write_table(arrow_of(), tmp_path / "a.parquet")
    assert opened(tmp_path / "a.parquet") == TAKEN


@pytest.mark.parametrize("name", ["p[1].parquet", "p?.parquet", "p*.parquet", "it's.parquet"])
def test_a_character_of_a_parquet_name_is_no_wildcard(tmp_path, name):
    pq.write_table(arrow_of(ROWS[:1]), tmp_path / "p1.parquet")
    pq.write_table(arrow_of(ROWS[1:]), tmp_path / name)
    assert opened(tmp_path / name) == TAKEN[1:]


def test_a_folder_of_csv_gives_the_rows_in_the_order_of_the_names(tmp_path):
    put(tmp_path, "2.csv", text_of(ROWS[2:]))
    put(tmp_path, "1.csv", text_of(ROWS[:2]))
    put(tmp_path, ".hidden.csv", "a,b\n1,2\n")
    put(tmp_path, "_SUCCESS", "")
    assert opened(tmp_path) == TAKEN


def test_files_of_a_folder_may_have_their_columns_in_another_order_and_their_own_delimiter(tmp_path):
    turned = [row[::-1] for row in ROWS[2:4]]
    put(tmp_path, "1.csv", text_of(ROWS[:2]))
    put(tmp_path, "2.csv", text_of(turned, tuple(TYPES)[::-1], delimiter=";"))
    put(tmp_path, "3.csv", text_of([(*row, "more") for row in ROWS[4:]], (*TYPES, "other")))
    assert opened(tmp_path) == TAKEN


def test_a_folder_of_parquet_goes_by_name_and_by_the_types_of_each_file(tmp_path):
    pq.write_table(arrow_of(ROWS[:2]), tmp_path / "1.parquet")
    turned = arrow_of(ROWS[2:]).select(list(TYPES)[::-1])
    as_text = turned.set_column(1, "member", pa.array(["", "true", "false"])).set_column(3, "Age", pa.array([3.0, 4.0, 5.0]))
    pq.write_table(as_text, tmp_path / "2.parquet")
    assert opened(tmp_path) == TAKEN


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path):
    put(tmp_path, "name=nobody/a.csv", text_of())
    pq.write_table(arrow_of(), tmp_path / "name=nobody" / "a.parquet")
    assert opened(tmp_path / "name=nobody" / "a.csv") == opened(tmp_path / "name=nobody" / "a.parquet") == TAKEN


FRAMES = {
    "arrow": arrow_of,
    "arrow of dictionaries": lambda: arrow_of().set_column(0, "name", arrow_of()["name"].dictionary_encode()),
    "pandas": lambda: arrow_of().to_pandas(),
    "pandas objects": lambda: pd.DataFrame(ROWS, columns=list(TYPES)).astype(object),
    "pandas arrow": lambda: arrow_of().to_pandas(types_mapper=pd.ArrowDtype),
    "pandas nullable": lambda: arrow_of().to_pandas().convert_dtypes(),
    "pandas categories": lambda: arrow_of().to_pandas().astype({"name": "category", "Age": "category"}),
    "pandas datetimes": lambda: arrow_of().to_pandas().assign(birth=lambda frame: pd.to_datetime(frame["birth"])),
    "pandas text": lambda: pd.DataFrame([[None if v is None else str(v) for v in row] for row in ROWS], columns=list(TYPES)),
    "polars": lambda: pl.from_arrow(arrow_of()),
    "polars lazy": lambda: pl.from_arrow(arrow_of()).lazy(),
    "polars categories": lambda: pl.from_arrow(arrow_of()).with_columns(pl.col("name").cast(pl.Categorical)),
    "narwhals": lambda: nw.from_native(arrow_of()),
    "narwhals of pandas": lambda: nw.from_native(arrow_of().to_pandas()),
}


LOSSY = [
    made
    for name, made in FRAMES.items()
    if name in {"pandas", "pandas objects", "pandas nullable", "pandas categories", "pandas datetimes", "narwhals of pandas"}
]


@pytest.mark.parametrize("made", FRAMES.values(), ids=FRAMES)
def test_a_frame_gives_the_rows(made):
    lost = {"c1": 2**53} if made in LOSSY else {}  # pandas holds integers beside a missing one as floats: it lost the digit, not we
    expected = [{**row, **lost} if row["c1"] == 2**53 + 1 else row for row in TAKEN]
    assert [without_nan(row) for row in cells(open_frame(made(), TYPES))] == expected


def without_nan(row):
    """A row whose missing floats are missing: pandas has no other word for them than not-a-number."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


def test_a_relation_of_another_connection_gives_the_rows():
    mine = duckdb.connect()
    mine.register("t", arrow_of().rename_columns(["name", "age", "other", "income", "member", "birth"]))
    types = {("other" if name == "Age" else name): kind for name, kind in TYPES.items()}
    assert cells(open_frame(mine.sql("SELECT * FROM t"), types)) == TAKEN


def test_the_frame_of_the_caller_is_as_it_was():
    frame = arrow_of().to_pandas()
    before = frame.copy(deep=True)
    cells(open_frame(frame, TYPES))
    pd.testing.assert_frame_equal(frame, before)


def test_columns_of_pandas_may_be_named_by_numbers():
    frame = pd.DataFrame([["a", 1]])
    assert cells(open_frame(frame, {"1": Type.INTEGER})) == [{"c0": 1, "fault": None}]
    assert columns_of(frame) == {"0": Type.TEXT, "1": Type.INTEGER}


def test_sqlite_gives_the_rows(tmp_path):
    path = tmp_path / "shop #1 100%.db"
    with sqlite3.connect(path) as database:
        database.execute('CREATE TABLE "my ""table"" ;" (name TEXT, age INTEGER, income REAL, member INTEGER, birth TEXT)')
        rows = [(n, a, i, m, d and d.isoformat()) for n, a, _, i, m, d in ROWS]
        database.executemany('INSERT INTO "my ""table"" ;" VALUES (?, ?, ?, ?, ?)', rows)
    database.close()
    types = {name: kind for name, kind in TYPES.items() if name != "Age"}
    expected = [{f"c{i}": row[f"c{j}"] for i, j in enumerate((0, 1, 3, 4, 5))} | {"fault": None} for row in TAKEN]
    for name in ('my "table" ;', 'main.my "table" ;'):
        table = open_source(Source(url=f"sqlite:///{path}", table=name), types)
        assert cells(table) == expected
    assert str(tmp_path) not in table.described


# ---- names ----


@pytest.mark.parametrize("name", ['a "b" c', "x'; DROP TABLE t; --", "a;b", "a,b", "a\nb", "c0", "fault", "é à", "select", '"', "a.b", "{a}", "%s"])
def test_any_name_of_a_column_is_only_a_name(tmp_path, name):
    types = {name: Type.TEXT, "other": Type.TEXT}
    pq.write_table(pa.table({name: ["1"], "other": ["2"]}), tmp_path / "a.parquet")
    expected = [{"c0": "1", "c1": "2", "fault": None}]
    assert opened(put(tmp_path, "a.csv", text_of([("1", "2")], (name, "other"))), types) == expected
    assert opened(tmp_path / "a.parquet", types) == expected
    for frame in (
        pd.DataFrame({name: ["1"], "other": ["2"]}),
        pl.DataFrame({name: ["1"], "other": ["2"]}),
        duckdb.from_arrow(pa.table({name: ["1"], "other": ["2"]})),
    ):
        assert cells(open_frame(frame, types)) == expected


def test_a_header_with_blanks_around_its_names_is_read_without_them(tmp_path):
    assert opened(put(tmp_path, "a.csv", "a , b\n1,2\n"), {"a": Type.TEXT, "b": Type.TEXT}) == [{"c0": "1", "c1": "2", "fault": None}]


def test_the_declared_names_decide_which_delimiter_it_is(tmp_path):
    path = put(tmp_path, "a.csv", "age;income, net, in euro, a month\n30;1\n")
    assert opened(path, {"age": Type.INTEGER, "income, net, in euro, a month": Type.NUMBER}) == [{"c0": 30, "c1": 1.0, "fault": None}]


# ---- types ----


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Type.INTEGER, "12", 12), (Type.INTEGER, "12.0", 12), (Type.INTEGER, " 7 ", 7), (Type.INTEGER, "1e3", 1000), (Type.INTEGER, "-5", -5),
        (Type.INTEGER, "9223372036854775807", 2**63 - 1), (Type.INTEGER, "9007199254740993", 2**53 + 1),
        (Type.NUMBER, "12", 12.0), (Type.NUMBER, "1e-3", 0.001), (Type.NUMBER, "-.5", -0.5),
        (Type.BOOLEAN, "true", True), (Type.BOOLEAN, "FALSE", False), (Type.BOOLEAN, "1", True), (Type.BOOLEAN, "0.0", False),
        (Type.BOOLEAN, "no", False),
        (Type.DATE, "1990-01-31", dt.date(1990, 1, 31)), (Type.DATE, "1990-01-31 10:00:00", dt.date(1990, 1, 31)),
        (Type.TEXT, "01", "01"), (Type.TEXT, "1.0", "1.0"), (Type.TEXT, "NA", "NA"), (Type.TEXT, "NULL", "NULL"),
    ],
)  # fmt: skip
def test_a_text_of_the_declared_type_is_taken(tmp_path, kind, text, value):
    assert opened(put(tmp_path, "a.csv", f"v,w\n{text},1\n"), {"v": kind}) == [{"c0": value, "fault": None}]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Type.INTEGER, "12.5"), (Type.INTEGER, "9223372036854775808"), (Type.INTEGER, "99999999999999999999"), (Type.INTEGER, "x"),
        (Type.INTEGER, "0x10"),
        (Type.INTEGER, "nan"), (Type.NUMBER, "x"), (Type.NUMBER, '"1,5"'), (Type.NUMBER, "1 000"), (Type.BOOLEAN, "2"), (Type.BOOLEAN, "vrai"),
        (Type.DATE, "1990-02-30"), (Type.DATE, "31/01/1990"), (Type.DATE, "90-01-31"), (Type.DATE, "infinity"), (Type.DATE, "19900131"),
    ],
)  # fmt: skip
def test_a_text_of_another_type_is_a_fault_of_its_row(tmp_path, kind, text):
    assert opened(put(tmp_path, "a.csv", f"v,w\n{text},1\n"), {"w": Type.INTEGER, "v": kind}) == [{"c0": 1, "c1": None, "fault": "c1"}]


@pytest.mark.parametrize("kind", [Type.INTEGER, Type.NUMBER, Type.BOOLEAN, Type.DATE])
@pytest.mark.parametrize("blank", ["", '""', "  ", "\t"])
def test_a_blank_is_no_value_and_no_fault(tmp_path, kind, blank):
    assert opened(put(tmp_path, "a.csv", f"v,w\n{blank},1\n"), {"v": kind}) == [{"c0": None, "fault": None}]


@pytest.mark.parametrize("text", ["1.000", "1.234,5"])
def test_with_a_decimal_comma_a_point_is_no_decimal_mark(tmp_path, text):
    path = put(tmp_path, "a.csv", f"v;w\n{text};1\n")
    for kind in (Type.NUMBER, Type.INTEGER):
        assert opened(path, {"v": kind}, decimal=",") == [{"c0": None, "fault": "c0"}]


@pytest.mark.parametrize(
    ("values", "kind", "taken"),
    [
        pytest.param([1.0, np.nan, 2.5], Type.INTEGER, [(1, None), (None, None), (None, "c0")], id="not a number is no integer, but no fault"),
        pytest.param([1.0, np.nan, 2.0], Type.BOOLEAN, [(True, None), (None, None), (None, "c0")], id="2 is neither true nor false"),
        pytest.param([1.0, np.nan, 2.5], Type.TEXT, [("1", None), (None, None), ("2.5", None)], id="1.0 is 1"),
        pytest.param(
            pd.Series([1, 1.0, True, "x", np.nan], dtype=object),
            Type.TEXT,
            [("1", None), ("1", None), ("true", None), ("x", None), (None, None)],
            id="mixed",
        ),
        pytest.param([2**70, 1], Type.INTEGER, [(None, "c0"), (1, None)], id="too large for any integer"),
        pytest.param(np.array([2**64 - 1, 1], "uint64"), Type.INTEGER, [(None, "c0"), (1, None)], id="unsigned"),
        pytest.param(pd.cut(pd.Series([1, 2]), [0, 1, 2]), Type.TEXT, [("(0, 1]", None), ("(1, 2]", None)], id="intervals of pandas"),
        pytest.param(pd.period_range("2020", periods=2, freq="M"), Type.TEXT, [("2020-01", None), ("2020-02", None)], id="periods of pandas"),
        pytest.param(pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Paris"), Type.DATE, [(dt.date(2020, 1, 1), None)], id="midnight in Paris"),
        pytest.param([[1, 2]], Type.NUMBER, [(None, "c0")], id="a list is no number"),
        pytest.param([1j], Type.NUMBER, [(None, "c0")], id="a complex number is none of ours"),
        pytest.param(pd.to_datetime(["2020-01-01"]), Type.NUMBER, [(None, "c0")], id="a day is no number"),
    ],
)
def test_a_column_of_pandas_is_taken_as_declared(values, kind, taken):
    assert [tuple(row.values()) for row in cells(open_frame(pd.DataFrame({"v": values}), {"v": kind}))] == taken


def test_not_a_number_stays_one_and_null_stays_null():
    frames = [pd.DataFrame({"v": [np.nan]}), pl.DataFrame({"v": [math.nan]}), pa.table({"v": [math.nan]}), duckdb.sql("SELECT 'nan'::DOUBLE AS v")]
    assert [math.isnan(cells(open_frame(frame, {"v": Type.NUMBER}))[0]["c0"]) for frame in frames] == [True] * 4
    empty = [
        pd.DataFrame({"v": [None]}),
        pl.DataFrame({"v": [None]}),
        pa.table({"v": pa.array([None], pa.float64())}),
        duckdb.sql("SELECT NULL::DOUBLE AS v"),
    ]
    assert [cells(open_frame(frame, {"v": Type.NUMBER}))[0]["c0"] for frame in empty] == [None] * 4


def test_a_decimal_of_a_database_is_written_as_its_number():
    frame = pa.table({"v": pa.array([1, 2], pa.decimal128(9, 2))})
    assert [row["c0"] for row in cells(open_frame(frame, {"v": Type.TEXT}))] == ["1", "2"]


# ---- what cannot be read ----


def refused(do):
    """The one error, in one piece, with a fix and with nothing of a library in its class or text."""
    with pytest.raises(EquiscoreError) as caught:
        do()
    text = str(caught.value)
    assert "Fix:" in text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        pytest.param("a.csv", "", "empty file (a.csv)", id="empty file"),
        pytest.param("a.csv", "\n\n", "the first line is empty", id="blank header"),
        pytest.param("a.csv", "v,w\n1,2\n3\n4,5\n", "a.csv:3: 1 fields where the header has 2", id="too few fields"),
        pytest.param("a.csv", "v,w\n1,2\n3,4,5\n", "a.csv:3: 3 fields where the header has 2", id="too many fields"),
        pytest.param("a.csv", "v,w\n" + "1,2\n" * 30_000 + "3\n", "a.csv:30002: 1 fields where the header has 2", id="a ragged line far down"),
        pytest.param("a.csv", 'v,w\n"1,2\n3,4\n', "a.csv:2: a quotation mark that is not closed", id="open quote"),
        pytest.param("a.csv", b"v,w\n\xe9,2\n", "not in the encoding utf-8", id="latin-1 taken for utf-8"),
        pytest.param("a.csv", b"v,w\n" + b"1,2\n" * 9_000 + b"\xe9,2\n", "a.csv:9002: not in the declared encoding", id="latin-1 far down"),
        pytest.param("a.csv", "v,w\n" + "x" * 3_000_000 + ",2\n", "a.csv:2: a line too long", id="endless line"),
        pytest.param("a.csv.gz", gzip.compress(text_of().encode())[:60], "not readable as CSV", id="gzip cut short"),
        pytest.param("a.csv.gz", text_of(), "not readable as CSV", id="no gzip"),
        pytest.param("a.parquet", b"PAR1 nothing", "not readable as Parquet", id="no Parquet"),
        pytest.param("a\\[1].csv", "v\n1\n", "a path with a backslash and one of [ * ? cannot be read", id="two kinds of odd characters"),
        pytest.param("a.xlsx", b"PK", "no CSV or Parquet file", id="another kind of file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error_with_its_place(tmp_path, name, content, says):
    path = put(tmp_path, name, content)
    text = refused(lambda: opened(path, {"v": Type.TEXT}))
    assert says in text
    assert "\n" not in text
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_line_at_fault_is_not_shown_for_it_speaks_of_a_person(tmp_path):
    assert "Dupont" not in refused(lambda: opened(put(tmp_path, "a.csv", "v,w\nDupont\n"), {"v": Type.TEXT}))


def test_a_parquet_file_cut_short_or_overwritten_is_refused(tmp_path):
    pq.write_table(pa.table({"v": np.arange(200_000)}), tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    for name, damaged in (("cut.parquet", content[: len(content) // 2]), ("over.parquet", content[:3_000] + b"\xff" * 9_000 + content[12_000:])):
        assert "Fix: write the file again" in refused(lambda: opened(put(tmp_path, name, damaged), {"v": Type.INTEGER}))  # noqa: B023


def test_every_file_of_a_folder_is_named_by_its_own_fault(tmp_path):
    put(tmp_path, "1.csv", "v,w\n1,2\n")
    put(tmp_path, "2.csv", "v,x\n1,2\n")
    put(tmp_path, "3.csv", "v,w,w\n1,2,3\n")
    text = refused(lambda: opened(tmp_path, {"v": Type.TEXT, "w": Type.TEXT}))
    assert "2.csv: column 'w' is declared but not there. It has: v, x." in text
    assert "3.csv: the column name 'w' stands 2 times." in text


def test_missing_and_doubled_columns_come_at_once_with_the_likeliest_slip(tmp_path):
    path = put(tmp_path, "a.csv", "agee,b,b\n1,2,3\n")
    assert refused(lambda: opened(path, {"age": Type.TEXT, "zz": Type.TEXT})).splitlines()[1:] == [
        f"  1. {path}: the column name 'b' stands 2 times. Fix: rename or drop one.",
        f"  2. {path}: column 'age' is declared but not there. It has: agee, b, b. Fix: rename 'agee' to 'age', or declare 'agee'.",
        f"  3. {path}: column 'zz' is declared but not there. It has: agee, b, b. Fix: add the column 'zz', or take it out of the declaration.",
    ]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param([], "no CSV or Parquet file", id="empty folder"),
        pytest.param(["readme.md", "b.xlsx"], "no CSV or Parquet file", id="other files"),
        pytest.param(["a.csv", "b.parquet"], "CSV and Parquet files in one folder", id="mixed"),
        pytest.param(["a.csv/b.csv"], "no CSV or Parquet file", id="a folder named like a file"),
    ],
)
def test_a_folder_without_one_kind_of_file_is_refused(tmp_path, files, says):
    for name in files:
        put(tmp_path, name, "v\n1\n")
    assert says in refused(lambda: opened(tmp_path, {"v": Type.TEXT}))


def test_a_missing_file_is_refused(tmp_path):
    assert "no such file or folder" in refused(lambda: opened(tmp_path / "none.csv", {"v": Type.TEXT}))


@pytest.mark.parametrize(
    ("url", "table", "says"),
    [
        ("sqlite:///{}/none.db", "t", "no such SQLite file"),
        ("sqlite:///{}/text.db", "t", "check that the file is a SQLite database"),
        ("sqlite:///{}/shop.db", "none", "no such table"),
        ("sqlite:///{}/shop.db", "t; DROP TABLE t", "no such table"),
        ("sqlite:///{}/shop.db", "t", "column 'v' is declared but not there"),
        ("oracle://host/db", "t", "no reader for this database. Fix: use one of sqlite, postgresql, postgres"),
    ],
)
def test_a_database_that_cannot_be_read_is_refused(tmp_path, url, table, says):
    put(tmp_path, "text.db", "no database at all, but long enough to look like a page of one" * 99)
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE t (w)")
    database.close()
    assert says in refused(lambda: open_source(Source(url=url.format(tmp_path), table=table), {"v": Type.TEXT}))


@pytest.mark.parametrize("thing", [[1], {"v": [1]}, "a.csv", 5, pd.Series([1], name="v")], ids=lambda thing: type(thing).__name__)
def test_what_is_no_table_is_refused(thing):
    assert "is no table of customers" in refused(lambda: open_frame(thing, {"v": Type.TEXT}))


@pytest.mark.parametrize("frame", [pd.DataFrame([[1, 2]], columns=["v", "v"]), pa.table([[1], [2]], names=["v", "v"])], ids=["pandas", "arrow"])
def test_a_frame_with_a_doubled_column_is_refused(frame):
    assert "the column name 'v' stands 2 times" in refused(lambda: open_frame(frame, {"v": Type.TEXT}))
    assert columns_of(frame) == {"v": Type.INTEGER}


def test_only_columns_names_every_one_that_is_missing():
    text = refused(lambda: only_columns(pd.DataFrame({"a": [1]}), ["b", "c"], {"x": np.array([1.0])}))
    assert [line for line in text.splitlines() if "'b'" in line or "'c'" in line][1:] != []


# ---- digests ----


def test_the_digest_depends_on_the_values_and_not_on_how_they_were_chunked():
    whole = arrow_of()
    chunked = pa.concat_tables([whole.slice(0, 2), whole.slice(2)])
    other = arrow_of([*ROWS[:-1], ("02", *ROWS[-1][1:])])
    assert arrow_digest(whole) == arrow_digest(chunked) != arrow_digest(other)


def test_a_frame_with_mixed_objects_has_a_digest():
    frame = pd.DataFrame({"v": pd.Series([1, "x"], dtype=object)})
    assert frame_digest(frame, ["v"]) == frame_digest(frame.copy(), ["v"]) != frame_digest(frame[::-1], ["v"])


def test_the_digest_of_a_folder_tells_its_files_apart(tmp_path):
    put(tmp_path, "1.csv", "v\n1\n")
    put(tmp_path, "2.csv", "v\n2\n")
    before = open_source(Source(path=tmp_path), {"v": Type.TEXT}).fingerprint
    put(tmp_path, "2.csv", "v\n3\n")
    assert open_source(Source(path=tmp_path), {"v": Type.TEXT}).fingerprint != before


def test_an_unknown_database_error_is_a_contract_error(tmp_path):
    with pytest.raises(ContractError):
        open_source(Source(url=f"sqlite:///{tmp_path}/none.db", table="t"), {"v": Type.TEXT})
