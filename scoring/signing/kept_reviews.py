"""What is kept of a review, and whether it still covers the study: what changed since is named.

A review that is read back goes through the same steps again, so that a row edited by hand shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from scoring.provenance import canonical
from scoring.signing.findings import Finding
from scoring.signing.review import Decision, Required, Review, ReviewError, Role, covers, draft, give, submit

_MODELS: Final = ("scorecard.json", "model.skops")
_PARTS: Final = ("data", "model", "declaration", "software", "results")


def not_covered(review: Review, manifest: str, *, parts: Mapping[str, str] | None = None) -> Finding | None:
    """Say that a review no longer covers the study and, where parts are known, what changed; nothing where it does.

    Parameters
    ----------
    review : Review
        As it was given.
    manifest : str
        Digest of the study as it is now.
    parts : mapping, optional
        Digest by part of the study as it is now.
    """
    if covers(review, manifest):
        return None
    was, is_now = dict(review.parts), dict(parts or {})
    changed = [part for part in _PARTS if part in was and part in is_now and was[part] != is_now[part]]
    fields = {"signed": review.manifest[:12], "now": manifest[:12]}
    return Finding("not_covered_because", {**fields, "changed": changed}) if changed else Finding("not_covered", fields)


def parts_of(manifest: Mapping[str, Any], declaration: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return a digest for each part of a study, so that a later change can be named.

    Parameters
    ----------
    manifest : mapping
        The manifest of the study's folder.
    declaration : mapping, optional
        The declaration, as the study keeps it.

    >>> parts = parts_of({"input": {"sha256": "a" * 64}, "files": {"scorecard.json": {"sha256": "b" * 64}}, "python": "3.11"})
    >>> sorted(parts), parts["data"][:3]
    (['data', 'model', 'results', 'software'], 'aaa')
    """
    files = {name: known["sha256"] for name, known in manifest.get("files", {}).items()}
    models = {name: digest for name, digest in files.items() if name in _MODELS}
    results = {name: digest for name, digest in files.items() if name.endswith(".parquet")}
    software = {name: manifest.get(name) for name in ("equiscore", "libraries", "python")}
    found = {"data": manifest.get("input", {}).get("sha256"), "model": _digest(models) if models else None}
    found |= {"declaration": _digest(declaration) if declaration is not None else None, "software": _digest(software), "results": _digest(results)}
    return {part: str(digest) for part, digest in found.items() if digest}


def _digest(content: object) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def to_mapping(review: Review) -> dict[str, Any]:
    """Return a review as words and lists, as the register keeps it."""
    told = asdict(review)
    told |= {"submitted_at": review.submitted_at and review.submitted_at.isoformat(), "state": str(review.state), "parts": dict(review.parts)}
    told["authors"] = list(review.authors)
    told["required"] = [{"name": one.name, "role": str(one.role)} for one in review.required]
    told["opinions"] = [{**asdict(one), "role": str(one.role), "decision": str(one.decision), "at": one.at.isoformat()} for one in review.opinions]
    return told


def from_mapping(kept: Mapping[str, Any]) -> Review:
    """Read a review back by going the same steps again, so that what the rules do not allow is not read either.

    Raises
    ------
    ReviewError
        What was kept breaks a rule, or lacks a part.
    """
    try:
        required = tuple(Required(one["name"], Role(one["role"])) for one in kept["required"])
        review = draft(kept["manifest"], authors=kept["authors"], required=required, parts=kept.get("parts"))
        if kept.get("submitted_by"):
            review = submit(review, by=kept["submitted_by"], at=datetime.fromisoformat(kept["submitted_at"]))
        for one in kept["opinions"]:
            said = {"by": one["by"], "role": Role(one["role"]), "decision": Decision(one["decision"]), "text": one["text"]}
            review = give(review, **said, manifest=one["manifest"], at=datetime.fromisoformat(one["at"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ReviewError(f"A review that cannot be read ({type(error).__name__}). Fix: restore it from the register's trail.") from error
    if review.state != kept.get("state"):
        raise ReviewError(f"A review kept as {kept.get('state')!s:.40} is {review.state} by its opinions. Fix: restore it from the trail.")
    return review
