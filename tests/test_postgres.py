"""A table of PostgreSQL, read through ADBC: a temporary server that this test starts and stops itself."""

import datetime as dt
import importlib.util
from pathlib import Path

import pytest

from scoring.errors import ContractError
from scoring.plan import Source
from scoring.tables import collect, open_source
from scoring.vocabulary import ColumnType as Type

_spec = importlib.util.spec_from_file_location("postgres_server", Path(__file__).with_name("postgres_server.py"))
postgres_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(postgres_server)

pytestmark = pytest.mark.full

TYPES = {
    "Näme": Type.TEXT,
    "age": Type.INTEGER,
    "income": Type.NUMBER,
    "rate": Type.TEXT,
    "member": Type.BOOLEAN,
    "birth": Type.DATE,
    "mood": Type.TEXT,
}
TABLE = """
CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE shop.people (
  "Näme" text, age bigint, income numeric(10, 2), rate numeric, member boolean, birth date, mood mood, seen timestamptz, id uuid
);
INSERT INTO shop.people VALUES
  ('x''; DROP TABLE shop.people; --', 9007199254740993, 1000.50, 2.5, true, '1990-01-31', 'glad', '2020-01-01 23:30+00', gen_random_uuid()),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (E'é\\n"', 30, 0, 3, false, '2000-02-29', 'sad', now(), gen_random_uuid());
CREATE VIEW people_view AS SELECT * FROM shop.people;
"""
ROWS = [
    {
        "c0": "x'; DROP TABLE shop.people; --",
        "c1": 2**53 + 1,
        "c2": 1000.5,
        "c3": "2.5",
        "c4": True,
        "c5": dt.date(1990, 1, 31),
        "c6": "glad",
        "fault": None,
    },
    {"c0": None, "c1": None, "c2": None, "c3": None, "c4": None, "c5": None, "c6": None, "fault": None},
    {"c0": 'é\n"', "c1": 30, "c2": 0.0, "c3": "3", "c4": False, "c5": dt.date(2000, 2, 29), "c6": "sad", "fault": None},
]


@pytest.fixture(scope="module")
def url():
    """The URL of a server of our own, with the table."""
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        postgres_server.lacking("adbc_driver_postgresql")
    with postgres_server.running(password=False) as server:
        found = f"{server}/postgres"
        with dbapi.connect(found) as database, database.cursor() as cursor:
            for statement in TABLE.strip().split(";\n"):
                cursor.execute(statement)
            database.commit()
        yield found


@pytest.mark.parametrize("table", ["shop.people", "people_view", "public.people_view"])
@pytest.mark.parametrize("dialect", ["postgresql", "postgresql+psycopg", "postgres"])
def test_a_table_or_view_gives_its_rows(url, table, dialect):
    opened = open_source(Source(url=url.replace("postgresql", dialect, 1), table=table), TYPES)
    assert collect(opened.frame).to_pylist() == ROWS
    assert "anne" not in opened.described


def test_the_same_table_has_the_same_digest(url):
    first, second = (open_source(Source(url=url, table="shop.people"), TYPES).fingerprint for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("table", "columns", "says"),
    [
        pytest.param("people", ["age"], "no such table", id="not on the search path"),
        pytest.param("shop.people; DROP TABLE shop.people", ["age"], "no such table", id="more than a name"),
        pytest.param('shop."people', ["age"], "no such table", id="a quotation mark"),
        pytest.param("shop.people", ["agee"], "column 'agee' is declared but not there", id="column"),
        pytest.param("shop.people", ["Age"], "column 'Age' is declared but not there", id="column in capitals"),
    ],
)
def test_what_is_not_there_is_one_error(url, table, columns, says):
    with pytest.raises(ContractError, match=rf"{says}.*Fix:"):
        open_source(Source(url=url, table=table), dict.fromkeys(columns, Type.TEXT))


def test_every_missing_column_is_named(url):
    with pytest.raises(Exception, match=r"(?s)'one'.*'two'"):
        open_source(Source(url=url, table="shop.people"), {"one": Type.TEXT, "two": Type.TEXT})


def test_a_server_that_does_not_answer_is_one_error_without_the_account(url):
    with pytest.raises(ContractError, match="Fix: check url, table, password and rights") as caught:
        open_source(Source(url="postgresql://anne@127.0.0.1:1/postgres", table="t"), TYPES)
    assert "anne" not in str(caught.value)
    assert "\n" not in str(caught.value)
