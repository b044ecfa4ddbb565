"""Studies on disk: a folder with a manifest of hashes, believed only after it was checked.

Format 2. A new format adds a reader to READERS; an old reader is never changed. (Format 1 had no soft, amounts, drivers, proxies.)
  study.json          what was asked, facts of the score, provenance, edges of the histogram
  cells.parquet       the counts, sorted; integers and floats that come from integers, so the same input gives the same bytes
  histogram.parquet   the score counts, sorted
  soft.parquet        sums of probabilities of membership by proxy cell, where attributes are known by probability only
  amounts.parquet     sums and histograms of the numbers that are decided, where there are any
  drivers.parquet, proxies.parquet   what needed the customers themselves, where it was asked for
  effects.parquet     design effects, where rows belong together; who belongs together is never written
  scorecard.json      the card, where one was trained; read back without pickle
  model.skops         another trained model: its bytes differ at every run, so it is written once and hashed
  MANIFEST.json       SHA-256 of each, of the input, versions, seed, and its own digest
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.errors import StudyError
from scoring.fairness.counts import Counts
from scoring.plan import Plan
from scoring.provenance import canonical, faults_of, read_manifest, write_folder
from scoring.study import Study
from scoring.vocabulary import OF_A_SEARCH, WeightMeaning
from scoring.why import DRIVERS, PROXIES

FORMAT: Final = 2
_OF_COUNTS: Final = ("soft", "amounts")
_OF_ROWS: Final = (DRIVERS, PROXIES, *OF_A_SEARCH)
RESTRICTED: Final = (
    "Working counts: a cell of one person is a person. Keep this folder like the file it came from; show only what `published` lets out."
)


def save(study: Study, folder: Path) -> Path:
    """Write a study as a folder that appears whole or not at all.

    Raises
    ------
    StudyError
        The place is taken or cannot be written.
    """
    files = {
        "study.json": canonical(_facts(study), sort=False),
        "cells.parquet": _parquet(study.counts.cells),
        "histogram.parquet": _parquet(study.counts.histogram),
    }
    files |= {f"{name}.parquet": _parquet(rows) for name in _OF_COUNTS if (rows := getattr(study.counts, name)) is not None}
    files |= {f"{name}.parquet": _parquet(rows, as_they_stand=True) for name, rows in study.inquiry.items()}
    if (effects := study.design_effects()) is not None:
        files["effects.parquet"] = _parquet(effects)
    files |= _model(study)
    manifest = {"format": FORMAT, "restricted": RESTRICTED, "input": dict(study.source), "seed": study.plan.seed, **study.environment}
    write_folder(folder, files, manifest, replaces=lambda place: (place / "study.json").is_file())
    return folder


def _facts(study: Study) -> dict[str, Any]:
    counts = study.counts
    plan = study.plan.portable().model_dump(mode="json")
    return {
        "format": FORMAT,
        "document": study.document,
        "plan": _sorted_roles(plan),
        "facts": study.facts,
        "source": study.source,
        "environment": study.environment,
        "cutoff": study.cutoff,
        "counts": {"edges": counts.edges.tolist(), "exact": counts.exact, "weighted": counts.weighted},
    }


def _sorted_roles(plan: dict[str, Any]) -> dict[str, Any]:
    """Sort sets, whose order differs from run to run."""
    for column in plan["columns"].values():
        column["roles"] = sorted(column["roles"])
    return plan


def _parquet(frame: pd.DataFrame, *, as_they_stand: bool = False) -> bytes:
    """Write a table without the metadata of pandas, sorted unless its order says something."""
    table = pa.table({str(name): pa.array(frame[name].tolist() if frame[name].dtype == object else frame[name].to_numpy()) for name in frame})
    keys = [name for name in table.column_names if not pa.types.is_floating(table[name].type) and name != "n"]
    sink = pa.BufferOutputStream()
    sorted_ = table if as_they_stand or not keys or not len(table) else table.sort_by([(name, "ascending") for name in keys])
    pq.write_table(sorted_, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _model(study: Study) -> dict[str, bytes]:
    if study.estimator is None:
        return {}
    if hasattr(study.estimator, "to_dict"):
        return {"scorecard.json": canonical(study.estimator.to_dict())}
    from scoring.models import persistence

    return {"model.skops": persistence.dumps(study.estimator)}


def load(folder: Path) -> Study:
    """Read a study after checking it against its manifest.

    Raises
    ------
    StudyError
        No study, a changed or missing file (each is named), or a format that this version does not know.
    """
    if faults := faults_of(folder):
        raise StudyError(f"{folder}: not as it was written: {'; '.join(faults)}. Fix: ask for the folder again; never mend it by hand.")
    manifest = read_manifest(folder)
    if manifest.get("format") not in READERS:
        raise StudyError(f"{folder}: format {manifest.get('format')} is not known here. Fix: use a version of equiscore that wrote or follows it.")
    try:
        study = READERS[manifest["format"]](folder)
    except (KeyError, TypeError, ValueError, pa.ArrowException) as error:  # it is as it was written, so another version wrote it
        wrote = manifest.get("equiscore", "unknown")
        raise StudyError(f"{folder}: cannot be read here ({type(error).__name__}). Fix: read it with equiscore {wrote}, which wrote it.") from error
    return replace(study, digest=manifest["digest"])


def _read_1(folder: Path) -> Study:
    held: Mapping[str, Any] = json.loads((folder / "study.json").read_bytes())
    about = held["counts"]
    counts = Counts(
        _frame(folder / "cells.parquet"),
        _frame(folder / "histogram.parquet"),
        np.array(about["edges"], float),
        about["exact"],
        WeightMeaning(about["weighted"]) if about["weighted"] else None,
        effects=_frame(folder / "effects.parquet") if (folder / "effects.parquet").is_file() else None,
    )
    plan = Plan.model_validate(held["plan"])
    return Study(plan, counts, None, held["cutoff"], held["document"], held["facts"], held["source"], held["environment"])


def _read_2(folder: Path) -> Study:
    study = _read_1(folder)

    def there(names: Sequence[str]) -> dict[str, Any]:
        return {name: _frame(folder / f"{name}.parquet") for name in names if (folder / f"{name}.parquet").is_file()}

    return replace(study, counts=replace(study.counts, **there(_OF_COUNTS)), inquiry=there(_OF_ROWS))


def _frame(path: Path) -> pd.DataFrame:
    frame = pq.read_table(path).to_pandas()
    return frame.astype({name: object for name in frame if frame[name].dtype.kind not in "if"})


def estimator_of(folder: Path) -> Any:
    """Return the trained model of a study, or none.

    Raises
    ------
    StudyError
        The folder is not as it was written.
    """
    if faults := faults_of(folder):
        raise StudyError(f"{folder}: not as it was written: {'; '.join(faults)}. Fix: ask for the folder again.")
    if (folder / "scorecard.json").is_file():
        from scoring.models.scorecard import Scorecard

        return Scorecard.from_dict(json.loads((folder / "scorecard.json").read_bytes()))
    if (folder / "model.skops").is_file():
        from scoring.models import persistence

        return persistence.load(folder / "model.skops")
    return None


READERS: Final[Mapping[int, Callable[[Path], Study]]] = {1: _read_1, 2: _read_2}
