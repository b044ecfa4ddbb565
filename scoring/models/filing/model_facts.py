"""What a model file is, told without loading it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import skops

from scoring.models.filing.model_files import FORMAT, UntrustedModel, unpack, unpack_card
from scoring.models.filing.trusted import CARDS, beyond_plain, check, sklearn_of
from scoring.provenance import environment

_VERSIONS: Final = ("numpy", "scikit-learn")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model file is, read without loading it."""

    kind: str | None
    """Full name of the estimator's class; none where the file cannot even be taken apart."""
    format: int
    """Of the file: 1 (before there were facts and a seal), 2, or 0 where it is unreadable."""
    types: tuple[str, ...]
    """Types and functions that loading would make, beyond plain values; those of `TRUSTED` are loaded, others never."""
    features: tuple[tuple[str, str | None], ...]
    """Names of the columns at fit, and whether each is "number" or "levels"; empty where the file does not say."""
    favourable: Any
    versions: Mapping[str, str]
    """Of equiscore and the libraries that wrote it."""
    bytes: int
    unpacked: int
    sha256: str
    refused: str | None
    """Why `load` would refuse it, or nothing. The arrays of trees are looked at by `load` alone."""


def facts_of(estimator: Any, kind: str, types: tuple[str, ...]) -> dict[str, Any]:
    """Return what is written of an estimator beside it: format, kind, types, features, favourable class, versions. There is no date in it."""
    known = environment()
    versions = {"equiscore": known["equiscore"], "skops": skops.__version__, **{name: known["libraries"][name] for name in _VERSIONS}}
    favourable = getattr(estimator, "favourable_", None)
    favourable = favourable.item() if isinstance(favourable, np.generic) else favourable
    return {
        "format": FORMAT,
        "kind": kind,
        "types": list(types),
        "features": [list(pair) for pair in feature_kinds(estimator)],
        "favourable": favourable if favourable is None or isinstance(favourable, str | bool | int | float) else str(favourable),
        "versions": versions,
    }


def feature_kinds(estimator: Any) -> tuple[tuple[str, str | None], ...]:
    """Return the columns that an estimator was fitted on and how it reads each ("number" or "levels"), where it or what it wraps says so."""
    names = [str(name) for name in getattr(estimator, "feature_names_in_", ())]
    inner = estimator
    while (held := getattr(inner, "estimator_", None)) is not None:
        inner = held
    levels = getattr(inner, "levels_", None)
    kinds: list[str | None] = [None] * len(names)
    if levels is not None and len(levels) == len(names):
        kinds = ["number" if known is None else "levels" for known in levels]
    parts = [*getattr(getattr(inner, "binner_", inner), "bins_", ()), *getattr(inner, "terms_", ())]
    told = {part.name: _kind_of(part) for part in parts if hasattr(part, "levels") and hasattr(part, "name")}
    return tuple((name, told.get(name, kind)) for name, kind in zip(names, kinds, strict=True))


def _kind_of(part: Any) -> str:
    return str(part.kind) if hasattr(part, "kind") else "number" if part.levels is None else "levels"


def inspect(path: str | os.PathLike[str]) -> ModelFacts:
    """Say what a model file is and whether it would be loaded, without loading it.

    Raises
    ------
    UntrustedModel
        There is no such file. Whatever is wrong inside it is told in `refused`.
    """
    data = read(path)
    unknown = ModelFacts(None, 0, (), (), None, {}, len(data), 0, hashlib.sha256(data).hexdigest(), None)
    try:
        return _of_card(data, unknown) if is_json(data) else _of_estimator(data, unknown)
    except UntrustedModel as fault:
        return replace(unknown, refused=str(fault))


def _of_card(data: bytes, unknown: ModelFacts) -> ModelFacts:
    held, told = unpack_card(data)
    pairs = [part for part in _listed(held.get("features")) if isinstance(part, dict)]
    by_hand = {"kind": CARDS.get(str(held.get("format"))), "features": [(part.get("name"), part.get("kind")) for part in pairs]}
    facts = told or {**by_hand, "favourable": held.get("favourable")}
    return replace(_with(facts, unknown), format=FORMAT if told else 1, unpacked=len(data), refused=fault_of_card(held))


def _of_estimator(data: bytes, unknown: ModelFacts) -> ModelFacts:
    opened = unpack(data)
    refused = None
    try:
        check(opened)
    except UntrustedModel as fault:
        refused = str(fault)
    facts = opened.facts or {"kind": opened.kind, "versions": {"skops": str(opened.schema.get("_skops_version")), **sklearn_of(opened)}}
    return replace(_with(facts, unknown), format=opened.format, types=beyond_plain(opened), unpacked=opened.unpacked, refused=refused)


def _with(facts: Mapping[str, Any], unknown: ModelFacts) -> ModelFacts:
    features = tuple((str(pair[0]), pair[1]) for pair in _listed(facts.get("features")) if isinstance(pair, list | tuple) and len(pair) == 2)
    versions = facts.get("versions")
    known = versions if isinstance(versions, dict) else {}
    return replace(unknown, kind=facts.get("kind"), features=features, favourable=facts.get("favourable"), versions=known)


def _listed(held: Any) -> list[Any]:
    return held if isinstance(held, list) else []


def fault_of_card(held: Mapping[str, Any]) -> str | None:
    """Return why a JSON is no card that is known here, or nothing."""
    return None if held.get("format") in CARDS else f"its format is {held.get('format')!r}, not one of {', '.join(CARDS)}. Fix: give a card."


def read(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a model file.

    Raises
    ------
    UntrustedModel
        There is none, or it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as fault:
        raise UntrustedModel(f"{path}: no model can be read there ({fault.strerror}). Fix: give the file that `save` wrote.") from fault


def is_json(data: bytes) -> bool:
    """Tell a card from the format of skops."""
    return data[:64].lstrip().startswith(b"{")
