"""The wheel works away from the checkout: built, installed into a fresh environment, a study made with it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(os.environ.get("EQUISCORE_FULL") != "1", reason="builds and installs a wheel; run with EQUISCORE_FULL=1"),
    pytest.mark.xdist_group("wheel"),
]


def test_the_wheel_makes_a_study_outside_the_checkout(tmp_path):
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("equiscore-*.whl")
    venv.create(tmp_path / "fresh", with_pip=True)
    bin_ = tmp_path / "fresh" / "bin"
    subprocess.run([bin_ / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)], check=True, capture_output=True)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([bin_ / words[0], *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False, env=clean)

    assert run("equiscore", "--version").stdout.startswith("equiscore ")
    assert run("equiscore", "sample", "credit", "--out", "mine").returncode == 0
    study = run("equiscore", "study", "mine/activity.yaml", "--quiet")
    assert study.returncode == 3, study.stderr
    for kind in ("html", "pdf", "pia"):
        dossier = run("equiscore", "dossier", "studies/mine", "--lang", "fr", "--format", kind, "--out", f"d.{kind}")
        assert dossier.returncode == 0, dossier.stderr
    entered = run("equiscore", "register", "add", "mine/activity.yaml", "--url", "sqlite:///register.db")
    assert entered.returncode == 0, entered.stderr
    where = run("python", "-c", "import scoring, pathlib; print(pathlib.Path(scoring.__file__).parent / '_shipped/dashboard/app.py')").stdout.strip()
    assert Path(where).is_file()
    assert str(ROOT) not in where
