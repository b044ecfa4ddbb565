"""A PostgreSQL server that tests start and stop themselves; a fixture wraps `running`."""

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "s3cret-word"


def lacking(what):
    """A part that is not here is a failure where everything is to be run, and said where not."""
    if os.environ.get("EQUISCORE_FULL") == "1":
        pytest.fail(f"{what} is not here, and EQUISCORE_FULL=1 asks for it")
    pytest.skip(f"{what} is not here")


def _binaries():
    places = [Path(found).parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


@contextmanager
def running(*, password=True):
    """Lend the URL of a server without its database; root may not run one, so the user postgres does.

    A URL in a declaration may hold no password: without one the server trusts whoever calls.
    """
    if (place := _binaries()) is None:
        lacking("PostgreSQL")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="equiscore-pg-"))
    (folder / "password").write_text(f"{PASSWORD}\n")
    as_root = os.geteuid() == 0
    for owned in (folder, folder / "password") if as_root else ():
        shutil.chown(owned, "postgres", "postgres")

    def run(*command):
        line = " ".join(f"'{part}'" for part in command)
        subprocess.run(["su", "postgres", "-c", line] if as_root else command, check=True, capture_output=True, cwd=folder, timeout=60)

    asked = ("-A", "scram-sha-256", f"--pwfile={folder / 'password'}") if password else ("-A", "trust")
    run(str(place / "initdb"), "-D", str(folder / "data"), "-U", "anne", *asked, "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
    run(str(place / "pg_ctl"), "-D", str(folder / "data"), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://anne{f':{PASSWORD}' if password else ''}@127.0.0.1:{port}"
    finally:
        run(str(place / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)
