"""Fitted estimators on disk, by skops: no pickle, and nothing is loaded but the types written down here.

A type on the list is not a promise about the file: tree arrays of a forged file can crash a prediction. So `save` returns the SHA-256 of
what it wrote, `load` can be held to it, and a scorecard is better kept as JSON (`Scorecard.to_dict`).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import skops.io

from scoring.errors import EquiscoreError

ESTIMATORS = (
    "scoring.models.binning.WoEBinner",
    "scoring.models.boosting.GradientBoosting",
    "scoring.models.scorecard.Scorecard",
    "scoring.models.segments.KMeansSegments",
    "scoring.models.segments.ScoreBands",
)
"""What a file may be."""
PARTS = (
    "scoring.models.binning.FeatureBins",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    # How scikit-learn's boosting checks a table with categories. A partial only holds a function, and that one must be on this list too.
    "functools.partial",
    "sklearn.utils.validation.check_array",
)
TRUSTED = (*ESTIMATORS, *PARTS)
"""All that a file may hold beyond what skops itself trusts. Fixed: it is never taken from the file."""


class UntrustedModel(EquiscoreError):  # noqa: N818  (it is the model that is not trusted)
    """A file, or an estimator to be filed, is not what this software may load."""


def save(estimator: Any, path: str | os.PathLike[str]) -> str:
    """Write a fitted estimator to `path`, whole or not at all; return the SHA-256 of the file.

    It is written under another name, forced to disk and renamed: a reader never sees half a file, whatever fails. What `load` would
    refuse is refused here, while the one who can mend it is at hand.
    """
    _refuse_other(f"{type(estimator).__module__}.{type(estimator).__qualname__}", "This estimator")
    data: bytes = skops.io.dumps(estimator)
    _refuse_foreign(data, f"This {type(estimator).__name__}")
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    return hashlib.sha256(data).hexdigest()


def load(path: str | os.PathLike[str], *, sha256: str | None = None) -> Any:
    """Read an estimator that `save` wrote, after checking its digest (if given) and that it holds no type but those of `TRUSTED`."""
    data = Path(path).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise UntrustedModel(f"{path}: its SHA-256 is {found}, not {sha256}. Fix: get the file as it was saved; do not re-save it.")
    _refuse_foreign(data, str(path))
    return skops.io.loads(data, trusted=list(TRUSTED))


def _refuse_other(kind: str, where: str) -> None:
    if kind not in ESTIMATORS:
        raise UntrustedModel(f"{where} is a {kind}, which is not kept here. Fix: use one of {', '.join(ESTIMATORS)}.")


def _refuse_foreign(data: bytes, where: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read("schema.json"))
        kind, asked = f"{schema['__module__']}.{schema['__class__']}", set(skops.io.get_untrusted_types(data=data))
    except Exception as fault:  # skops raises what the bytes made it stumble over: any error at all
        raise UntrustedModel(f"{where} is not a skops file ({type(fault).__name__}: {fault}). Fix: give a file that `save` wrote.") from fault
    _refuse_other(kind, where)
    if foreign := sorted(asked - set(TRUSTED)):
        raise UntrustedModel(f"{where} holds types that are not loaded here: {', '.join(foreign)}. Fix: use plain values in it.")


def _sync_folder(folder: Path) -> None:
    """Force the new name to disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
