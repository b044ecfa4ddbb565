"""Starting the dashboard: the app lies beside the package in a checkout, and inside it in an installed wheel."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from scoring.errors import EquiscoreError

STUDIES: Final = "EQUISCORE_STUDIES"
"""The environment variable that tells the app where the studies are."""
PORT: Final = 8501
_WHERE: Final = ("_shipped/dashboard/app.py", "../dashboard/app.py")


def app_path() -> Path:
    """Return where the app lies.

    Raises
    ------
    EquiscoreError
        It was not installed.
    """
    for place in _WHERE:
        path = Path(__file__).parent / place
        if path.is_file():
            return path.resolve()
    raise EquiscoreError("The dashboard was not installed. Fix: install equiscore from its wheel or a checkout.")


def dashboard_command(studies_dir: str | Path, port: int = PORT, *, headless: bool = False) -> list[str]:
    """Return the command that serves the studies of a folder, whole: it needs no environment. The rest stands in the app's config.toml.

    >>> dashboard_command("studies", 8600, headless=True)[-4:]
    ['--server.port=8600', '--server.headless=true', '--', 'studies']
    """
    options = [f"--server.port={port}", f"--server.headless={str(headless).lower()}"]
    return [sys.executable, "-m", "streamlit", "run", str(app_path()), *options, "--", str(studies_dir)]


def launch(studies_dir: str | Path, *, port: int = PORT, headless: bool = False) -> int:
    """Serve the studies of a folder until stopped; return the exit code of the server.

    Raises
    ------
    EquiscoreError
        No such folder, no such port, or Streamlit is not installed.
    """
    studies = Path(studies_dir).absolute()
    if not studies.is_dir():
        raise EquiscoreError(f"{studies}: no such folder. Fix: give the folder that holds the studies; `equiscore study` writes them.")
    if not 1 <= port <= 65_535:
        raise EquiscoreError(f"Port {port} does not exist. Fix: choose one from 1024 to 65535.")
    if missing := [name for name in ("streamlit", "altair") if importlib.util.find_spec(name) is None]:
        raise EquiscoreError(f"The dashboard needs {' and '.join(missing)}. Fix: pip install 'equiscore[dashboard]'.")
    command = dashboard_command(studies, port, headless=headless)
    try:
        return subprocess.run(command, env={**os.environ, STUDIES: str(studies)}, check=False).returncode  # noqa: S603  (a command of ours)
    except KeyboardInterrupt:
        return 0
