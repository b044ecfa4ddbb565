"""Studies on disk, as the dashboard finds them, and the app opened on them."""

import contextlib
import functools
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scoring

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
ACTIVITY = Path(__file__).parents[2] / "data" / "samples" / "credit" / "activity.yaml"


@pytest.fixture(scope="session", autouse=True)
def packages_read_once():
    """Let Streamlit look for components among the installed packages once: its test runner reads them all at every run, half a second each."""
    with pytest.MonkeyPatch.context() as patch:
        with contextlib.suppress(ImportError):
            from streamlit.components.v2 import manifest_scanner

            patch.setattr(manifest_scanner, "scan_component_manifests", functools.cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def credit(tmp_path_factory):
    """Return a folder that holds the study of the real sample."""
    root = tmp_path_factory.mktemp("studies")
    scoring.conduct_study(scoring.ProcessingActivity.read(ACTIVITY)).save(root / "credit")
    return root


@pytest.fixture(scope="session")
def unscored(tmp_path_factory):
    """Return a folder that holds a study of decisions without a score, with crossed groups, unknown members and a group of three."""
    rng = np.random.default_rng(7)
    town = rng.choice(["north", "south", "east"], 3000)
    sex = rng.choice(["F", "M", None], 3000, p=[0.48, 0.48, 0.04]).astype(object)
    town[:3] = "tiny"
    odds = np.where((sex == "F") & (town == "south"), 0.3, 0.7)
    frame = pd.DataFrame({"town": town, "sex": sex, "accepted": (rng.random(3000) < odds).astype(int)})
    root = tmp_path_factory.mktemp("unscored")
    scoring.audit(frame, groups=["town", "sex"], decision="accepted", favourable=1, depth=2).save(root / "decisions")
    return root


@pytest.fixture(scope="session")
def worse(tmp_path_factory):
    """Return a folder that holds a study whose higher score is worse."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"side": rng.choice(["a", "b"], 4000), "risk": rng.integers(1, 60, 4000).astype(float)})
    declared = scoring.ProcessingActivity.read(ACTIVITY)
    plan = {
        "columns": {"side": {"type": "text", "roles": ["protected"]}, "risk": {"type": "number", "roles": ["score"]}},
        "groups": {"side": {"column": "side"}},
        "score": {"column": "risk", "higher_is": "worse"},
        "decision": {"cutoff": {"rule": "value", "value": 30}},
    }
    root = tmp_path_factory.mktemp("worse")
    scoring.conduct_study(declared.model_copy(update={"study": type(declared.study).model_validate(plan)}), frame).save(root / "risk")
    return root


@pytest.fixture(scope="session")
def small(small_study, tmp_path_factory):
    """Return a folder that holds a study with a score, unknown members, people without a score and small crossings."""
    root = tmp_path_factory.mktemp("small")
    small_study.save(root / "people")
    return root


@pytest.fixture(scope="session")
def hostile(hostile_study, tmp_path_factory):
    """Return a folder that holds a study whose groups are named like markup."""
    root = tmp_path_factory.mktemp("hostile")
    hostile_study.save(root / "labels")
    return root


@pytest.fixture
def damaged(credit, tmp_path):
    """Return a folder with a good study and one in which a byte was changed."""
    shutil.copytree(credit, tmp_path, dirs_exist_ok=True)
    shutil.copytree(tmp_path / "credit", tmp_path / "altered")
    cells = bytearray((tmp_path / "altered" / "cells.parquet").read_bytes())
    cells[200] ^= 1
    (tmp_path / "altered" / "cells.parquet").write_bytes(cells)
    return tmp_path


def start(root, language="en", page=None, **query):
    """Open the app on a folder whose studies the environment names."""
    app = pytest.importorskip("streamlit.testing.v1").AppTest.from_file(APP, default_timeout=120)
    app.context = {"locale": {"en": "en-GB", "fr": "fr-FR"}[language]}
    for name, value in query.items():
        app.query_params[name] = value
    return (app.switch_page(f"views/{page}.py") if page else app).run()


@pytest.fixture
def opened(monkeypatch):
    """Return the app as a reader opens it: folder, language, page."""

    def run(root, language="en", page=None, **query):
        monkeypatch.setenv("EQUISCORE_STUDIES", str(root))
        return start(root, language, page, **query)

    return run


@pytest.fixture(scope="session")
def seen():
    """Return the app as `opened` does, without a register and opened once: for those who read a page and touch nothing on it."""
    held = {}

    def of(root, language="en", page=None):
        key = (str(root), language, page)
        if key not in held:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("EQUISCORE_STUDIES", str(root))
                environment.delenv("EQUISCORE_REGISTER", raising=False)
                held[key] = start(root, language, page)
        return held[key]

    return of
