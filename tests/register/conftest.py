"""Registers to write to: a file of SQLite, and a PostgreSQL server that the tests start and stop themselves."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from scoring.register import open_register


def lacking(what):
    """A part that is not here is a failure where everything is to be run, and said where not."""
    if os.environ.get("EQUISCORE_FULL") == "1":
        pytest.fail(f"{what} is not here, and EQUISCORE_FULL=1 asks for it")
    pytest.skip(f"{what} is not here")


def binaries():
    places = [Path(found).parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


@pytest.fixture(scope="session")
def server():
    """The URL of a server without its database, password included; root may not run one, so the user postgres does."""
    pytest.importorskip("psycopg")
    if (place := binaries()) is None:
        lacking("PostgreSQL")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="equiscore-pg-"))
    (folder / "password").write_text("s3cret-word\n")
    as_root = os.geteuid() == 0
    if as_root:
        shutil.chown(folder, "postgres", "postgres")
        shutil.chown(folder / "password", "postgres", "postgres")

    def run(*command):
        line = " ".join(f"'{part}'" for part in command)
        subprocess.run(["su", "postgres", "-c", line] if as_root else command, check=True, capture_output=True, cwd=folder, timeout=60)

    account = ("-U", "anne", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}")
    run(str(place / "initdb"), "-D", str(folder / "data"), *account, "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
    run(str(place / "pg_ctl"), "-D", str(folder / "data"), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://anne:s3cret-word@127.0.0.1:{port}"
    finally:
        run(str(place / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


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
