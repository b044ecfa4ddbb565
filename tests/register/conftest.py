"""Registers to write to: a file of SQLite, and a PostgreSQL server that the tests start and stop themselves."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from scoring.register import open_register

_spec = importlib.util.spec_from_file_location("postgres_server", Path(__file__).parents[1] / "postgres_server.py")
postgres_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(postgres_server)


@pytest.fixture(scope="session")
def server():
    """The URL of a server without its database, password included."""
    pytest.importorskip("psycopg")
    with postgres_server.running() as url:
        yield url


@pytest.fixture
def new_database(server):
    """A function that makes an empty database and returns its URL."""
    import psycopg

    made = []

    def make():
        name = f"register_{os.getpid()}_{len(made)}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made.append(name)
        return f"{server}/{name}"

    yield make
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
def url(request, tmp_path):
    """The URL of an empty register, on each engine."""
    return f"sqlite:///{tmp_path / 'register.db'}" if request.param == "sqlite" else request.getfixturevalue("new_database")()


@pytest.fixture(scope="session")
def blank(tmp_path_factory):
    """An empty register of SQLite, to be copied: to make one takes half a second."""
    path = tmp_path_factory.mktemp("blank") / "register.db"
    open_register(path).close()
    return path


@pytest.fixture
def register(url, blank):
    if url.startswith("sqlite"):
        shutil.copy(blank, url.removeprefix("sqlite:///"))
    with open_register(url) as opened:
        yield opened
