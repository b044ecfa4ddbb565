"""Fitted estimators on disk: no pickle, nothing is loaded but the types of a fixed list (`trusted`), and nothing before it was looked at.

`save` writes one file by the end of its name: a card as ``.json``, which hangs on no library and can be read in ten years; everything else
in the format of skops, sealed (`model_files`). `inspect` says what a file is without loading it. `load` checks the digest, the seal, the
types, the versions and the arrays of trees, in this order, and refuses with one error, `UntrustedModel`.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import skops.io
from sklearn.exceptions import InconsistentVersionWarning

from scoring.models.filing.model_facts import ModelFacts, facts_of, fault_of_card, feature_kinds, inspect, is_json, read
from scoring.models.filing.model_files import UntrustedModel, pack, pack_card, unpack, unpack_card
from scoring.models.filing.trees import fault_of_trees
from scoring.models.filing.trusted import CARDS, ESTIMATORS, PARTS, TRUSTED, admitted, check, refuse_other
from scoring.provenance import write_file

__all__ = ["ESTIMATORS", "PARTS", "TRUSTED", "ModelFacts", "UntrustedModel", "dumps", "feature_kinds", "inspect", "load", "loads", "save"]


# -- writing -----------------------------------------------------------------------------------------------------------------------


def save(estimator: Any, path: str | os.PathLike[str]) -> str:
    """Write a fitted estimator to `path`, whole or not at all, for its owner only; return the SHA-256 of the file.

    Parameters
    ----------
    estimator
        Of a type in `ESTIMATORS`.
    path
        ``.json`` for a card, any other name for the format of skops.

    Raises
    ------
    UntrustedModel
        What `load` would refuse is refused here, while the one who can mend it is at hand.
    StudyError
        It cannot be written there.
    """
    target = Path(path)
    data = dumps(estimator, card=target.suffix.lower() == ".json")
    write_file(target, data, restricted=True)
    return hashlib.sha256(data).hexdigest()


def dumps(estimator: Any, *, card: bool = False) -> bytes:
    """Return the file that `save` would write. The same estimator gives the same bytes.

    >>> from scoring.models import ScoreBands
    >>> bands = ScoreBands(edges=[500, 550]).fit([[480.0]])
    >>> dumps(bands) == dumps(bands), loads(dumps(bands)).band([510]).tolist()
    (True, [1])
    """
    kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    if card:
        if kind not in CARDS.values():
            raise UntrustedModel(f"A {type(estimator).__name__} is no card that JSON can hold. Fix: save it under a name that ends in .skops.")
        return pack_card(estimator.to_dict(), facts_of(estimator, kind, ()))
    refuse_other(kind, "This estimator")
    return pack(estimator, lambda made: facts_of(estimator, kind, admitted(made, f"This {type(estimator).__name__}")))


# -- reading -----------------------------------------------------------------------------------------------------------------------


def load(path: str | os.PathLike[str], *, sha256: str | None = None, other_version: bool = False) -> Any:
    """Read an estimator that `save` wrote, of this format or an older one.

    Parameters
    ----------
    path
        The file.
    sha256
        What `save` returned. Without it damage is found, but not a file that somebody made.
    other_version
        Also load what another minor version of scikit-learn wrote. Hold its scores against known ones.

    Raises
    ------
    UntrustedModel
        Whatever is wrong with the file: one error that says what and how to mend it.
    """
    return loads(read(path), sha256=sha256, other_version=other_version, where=str(path))


def loads(data: bytes, *, sha256: str | None = None, other_version: bool = False, where: str = "model") -> Any:
    """Read an estimator from the bytes of a file; see `load`."""
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise UntrustedModel(f"{where}: its SHA-256 is {found}, not {sha256}. Fix: get the file as it was saved; do not re-save it.")
    try:
        return _card(data) if is_json(data) else _estimator(data, other_version=other_version)
    except UntrustedModel as refused:
        raise UntrustedModel(f"{where}: {refused}") from refused.__cause__


def _card(data: bytes) -> Any:
    held, _ = unpack_card(data)
    if refused := fault_of_card(held):
        raise UntrustedModel(refused)
    module, _, name = CARDS[held["format"]].rpartition(".")
    try:
        return getattr(import_module(module), name).from_dict(held)
    except ValueError as fault:
        raise UntrustedModel(str(fault)) from fault


def _estimator(data: bytes, *, other_version: bool) -> Any:
    opened = unpack(data)
    check(opened, other_version=other_version)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # `check` saw to it, and says it better
            made = skops.io.loads(data, trusted=list(TRUSTED))
        fault = fault_of_trees(made)
    except Exception as error:  # skops and scikit-learn raise what the content made them stumble over: any error at all
        raise UntrustedModel(f"it cannot be loaded ({type(error).__name__}: {str(error)[:200]}). Fix: give a file that `save` wrote.") from error
    if fault is not None:
        raise UntrustedModel(f"it is made to harm, or damaged: {fault}. Fix: get the file from whoever trained the model.")
    return made
