"""The evidence of a dossier as one JSON file: what a machine reads where a person reads the pages.

It holds the published tables and nothing else of the people: what is folded or withheld in the workbook is folded or withheld here.
It does not depend on the language of the dossier, so the files of a study in two languages carry the same evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from scoring.dossier.further_sheets import further_tables
from scoring.dossier.view import View
from scoring.dossier.workbook import published_tables
from scoring.provenance import canonical
from scoring.study import Study

KEY: Final = "equiscore_evidence"
FORMAT: Final = 1
NAME: Final = "evidence.json"
"""What the file is called where it is attached."""
_LANGUAGE: Final = "en"


def evidence_of(study: Study) -> bytes:
    """Return the published tables of a study, its declaration and the digest of its manifest, as canonical JSON.

    Equal studies give equal bytes. No number is null; an infinite one is ``"Infinity"`` or ``"-Infinity"``, which JSON has no number for.

    Parameters
    ----------
    study
        Of a declaration or of an audit; read from disk it has a digest, which binds the file to the study's manifest.
    """
    return canonical({
        KEY: FORMAT,
        "manifest_digest": study.digest,
        "input": dict(study.source),
        "environment": dict(study.environment),
        "seed": study.plan.seed,
        "as_of": study.plan.as_of.isoformat() if study.plan.as_of else None,
        "publication_threshold": study.plan.bounds.publication_threshold,
        "bounds": study.plan.bounds.model_dump(mode="json"),
        "declaration": plain(study.document),
        "tables": tables_of(study),
    })  # fmt: skip


def tables_of(study: Study) -> dict[str, dict[str, Any]]:
    """Return each published table that has rows: the names of its columns, and its rows in their order."""
    view = View.of(study, _LANGUAGE)
    told = (*published_tables(view), *further_tables(view))
    return {name: {"columns": list(kinds), "rows": _rows(kinds, rows)} for name, kinds, rows in told if len(rows)}


def _rows(kinds: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    names = list(kinds)
    return [[plain(row[name]) for name in names] for row in rows]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: numpy's numbers become Python's, what is no number becomes null, sets are sorted.

    >>> plain({"b": float("nan"), "a": (np.int64(3), float("inf"), {"y", "x"})})
    {'b': None, 'a': [3, 'Infinity', ['x', 'y']]}
    """
    if isinstance(value, Mapping):
        return {str(name): sorted(plain(held)) if name == "roles" else plain(held) for name, held in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(one) for one in value)
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(one) for one in value]
    return _scalar(value.item() if isinstance(value, np.generic) else value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
    return str(value).encode("utf-8", "replace").decode()
