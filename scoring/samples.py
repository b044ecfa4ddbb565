"""The samples that come with the software: a copy to play with, made data made on the spot."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from scoring.errors import EquiscoreError

_WHERE = ("_shipped/samples", "../data/samples")
_LINES = {
    "credit": "1,000 real loans (German credit, UCI, CC BY 4.0); a scorecard is trained; groups by age",
    "instalments": "60,000 made customers of a retailer, with exclusions planted and documented",
}


def samples() -> dict[str, str]:
    """Return the samples, each with a line that says what it is."""
    return dict(_LINES)


def sample_folder(name: str) -> Path:
    """Return where a sample lies: in the wheel, or in the checkout.

    Raises
    ------
    EquiscoreError
        There is no such sample.
    """
    if name not in _LINES:
        raise EquiscoreError(f"No sample {name!r}. Fix: use one of {', '.join(_LINES)}.")
    for place in _WHERE:
        folder = Path(__file__).parent / place / name
        if folder.is_dir():
            return folder.resolve()
    raise EquiscoreError(f"The sample {name!r} was not installed. Fix: install equiscore from its wheel or a checkout.")


def copy_sample(name: str, out: Path) -> Path:
    """Copy a sample into a new folder, whole or not at all; return its declaration.

    Raises
    ------
    EquiscoreError
        No such sample, or the folder is there already.
    """
    source = sample_folder(name)
    out = out.absolute()
    if out.exists():
        raise EquiscoreError(f"{out}: is there already. Fix: choose another folder with --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as made:
        fresh = Path(made) / "fresh"
        shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("__pycache__"))
        _generate(fresh)
        fresh.rename(out)
    return out / "activity.yaml"


def _generate(folder: Path) -> None:
    """Run the sample's generator where it has one."""
    script = folder / "generate.py"
    if not script.is_file():
        return
    spec = importlib.util.spec_from_file_location("equiscore_sample_generator", script)
    if spec is None or spec.loader is None:
        raise EquiscoreError(f"{script}: cannot be run. Fix: install equiscore again.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.generate(folder)
