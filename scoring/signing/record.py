"""A signed file against what the register holds of it: rows of signatures, and the trail that each signature was put under."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from scoring.signing.findings import Finding, SeenSignature, TrailHead

_COLUMNS: Final = {
    "file_sha256": "register_file",
    "fingerprint": "register_certificate",
    "manifest": "register_manifest",
    "evidence": "register_evidence",
    "head": "register_head",
    "at": "register_time",
}
"""Columns of the register's rows, and the finding where one differs."""


def against_the_register(seen: Sequence[SeenSignature], record: Mapping[str, Any] | None) -> list[Finding]:
    """Hold the signatures of a file against the register's rows.

    Parameters
    ----------
    seen : sequence of SeenSignature
        The signatures of the file.
    record : mapping, optional
        `signatures`: rows as `SeenSignature.as_row` makes them; a column that a row has not is not compared.

    Returns
    -------
    list of Finding
        Rows that differ, are missing, or speak of a signature that the file does not hold.

    >>> one = SeenSignature("dpo", "a" * 64, None, "b" * 64)
    >>> against_the_register([one], {"signatures": [one.as_row()]})
    []
    >>> [found.code for found in against_the_register([one], {"signatures": [one.as_row() | {"file_sha256": "c" * 64}]})]
    ['register_file']
    """
    if record is None:
        return [Finding("register_not_checked")]
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in record.get("signatures", ()):
        rows.setdefault(str(row.get("reviewer", "")), []).append(row)
    gone = [Finding("register_more", {"signer": signer}) for signer in rows if signer not in {one.signer for one in seen}]
    twice = [Finding("register_twice", {"signer": signer}) for signer, held in rows.items() if len(held) > 1]
    return [*gone, *twice, *_rows(seen, rows)]


def _rows(seen: Iterable[SeenSignature], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Finding]:
    for one in seen:
        if one.signer not in rows:
            yield Finding("register_missing", {"signer": one.signer})
            continue
        is_now = one.as_row()
        row = rows[one.signer][0]
        for column, code in _COLUMNS.items():
            if column in row and _same(row[column]) != _same(is_now[column]):
                yield Finding(code, {"signer": one.signer})


def _same(value: object) -> object:
    """Return a value as it is compared: a time by its moment, not by how it is written."""
    try:
        told = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return told.timestamp() if isinstance(told, datetime) and told.tzinfo else value


def against_the_trail(seen: Iterable[SeenSignature], trail: Mapping[int, str] | None, head: tuple[int, str] | None) -> list[Finding]:
    """Hold the trail that the signatures were put under against the trail as it is now.

    Parameters
    ----------
    seen : iterable of SeenSignature
        Signatures; each may bear the number and hash of the trail's last event when it was made.
    trail : mapping of int to str, optional
        Hash by number of event, as the trail is now; it need hold only the numbers that were signed.
    head : (int, str), optional
        Number and hash of the last event, as the trail is now.

    >>> one = SeenSignature("dpo", "a" * 64, None, "b" * 64, trail=TrailHead(9, "c" * 64))
    >>> [found.code for found in against_the_trail([one], None, (8, "d" * 64))]
    ['trail_cut']
    """
    signed = [(one.signer, one.trail) for one in seen]
    if trail is None and head is None:
        return [Finding("trail_not_checked")]
    found = [Finding("trail_not_signed", {"signer": signer}) for signer, bound in signed if bound is None]
    now = {int(number): text for number, text in (trail or {}).items()} | ({head[0]: head[1]} if head else {})
    last = head[0] if head else max(now, default=0)
    return found + [_held(signer, bound, now, last) for signer, bound in signed if bound and now.get(bound.sequence) != bound.hash]


def _held(signer: str, bound: TrailHead, now: Mapping[int, str], last: int) -> Finding:
    fields = {"signer": signer, "sequence": bound.sequence, "last": last}
    if bound.sequence > last:
        return Finding("trail_cut", fields)
    return Finding("trail_rewritten" if bound.sequence in now else "trail_not_checked", fields)
