"""The house: light imports, honest names, errors that say the fix, floors."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "scoring").rglob("*.py"))
PROMISES = {"debias", "unbiased", "fair", "compliant", "guarantee", "proof"}


def in_a_fresh_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def test_importing_the_face_loads_nothing_heavy():
    loaded = json.loads(in_a_fresh_process("import json, sys, scoring; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"))
    assert not {"numpy", "pandas", "sklearn", "matplotlib", "duckdb", "pydantic", "scipy", "streamlit"} & set(loaded)


def test_help_loads_no_arithmetic():
    code = (
        "import sys, scoring.cli; print(sorted({name.split('.')[0] for name in sys.modules} & {'numpy', 'pandas', 'sklearn', 'duckdb', 'pydantic'}))"
    )
    assert in_a_fresh_process(code).strip() == "[]"


def test_every_public_name_is_there():
    import scoring

    assert [name for name in scoring.__all__ if not hasattr(scoring, name)] == []


def test_an_unknown_name_of_the_face_names_those_there_are():
    import scoring

    with pytest.raises(AttributeError, match="conduct_study"):
        scoring.conduct  # noqa: B018


def test_no_name_promises_what_no_tool_can_give():
    said = {
        word
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        for word in re.split(r"_|(?=[A-Z])", node.name.lower())
    }
    assert not said & PROMISES


def raised_texts(path: Path) -> list[tuple[int, str]]:
    """Texts that are raised with an error of ours."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            text = "".join(part.value for part in ast.walk(node.exc) if isinstance(part, ast.Constant) and isinstance(part.value, str))
            if node.exc.func.id.endswith("Error") and node.exc.func.id not in {"AttributeError", "NotImplementedError", "AssertionError"} and text:
                found.append((node.lineno, text))
    return found


@pytest.mark.parametrize("path", [path for path in SOURCES if raised_texts(path)], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_error_says_the_fix(path):
    assert [line for line, text in raised_texts(path) if "Fix:" not in text] == []


def test_no_file_speaks_of_where_it_was_written():
    files = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    texts = {
        name: (ROOT / name).read_text(encoding="utf-8", errors="ignore") for name in files if (ROOT / name).is_file() and name != Path(__file__).name
    }
    told = ["/" + "work/", "/" + "root/", "py" + "env", "file:" + "///opt"]
    assert [name for name, text in texts.items() if any(word in text for word in told) and "test_house" not in name] == []


def test_imports_run_down_only():
    done = subprocess.run([str(Path(sys.executable).parent / "lint-imports")], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout
