"""What a signed dossier is held against beside its signatures: the review, the roles, the declaration and the numbers of its study."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scoring.authorising.reviewing import review_kept
from scoring.dossier.evidence import KEY, plain
from scoring.register import Register
from scoring.register.people import review_written, roles_of
from scoring.signing.binding import Evidence
from scoring.signing.findings import Finding, SeenSignature
from scoring.signing.review import Decision, Required, Review, ReviewError, required_signers


def declared_in(attached: Evidence | None) -> Mapping[str, Any]:
    """Return the declaration that attached evidence carries, which everybody signed with it; empty where it carries none."""
    told = _read(attached.content).get("declaration") if attached else None
    return told if isinstance(told, dict) else {}


def wanted_signers(review: Review | None, *declarations: Mapping[str, Any]) -> tuple[Required, ...]:
    """Return who must sign, by the review and by each declaration; nobody is left out because one of them no longer names them."""
    named = list(review.required if review else ())
    for declared in declarations:
        try:
            named += required_signers(declared.get("review") or {})
        except (ReviewError, AttributeError):
            continue  # what is not a list of signers names nobody
    return tuple(dict.fromkeys(named))


def held_review_of(register: Register, digest: str) -> tuple[Review | None, list[Finding]]:
    """Return the review of a study, and what is wrong with it or worth to be read: a signature is for a study that was approved."""
    try:
        review = review_kept(register, digest)
    except ReviewError:
        return None, [Finding("review_broken")]
    if review is None or review.outcome == "waiting":
        return review, [Finding("review_missing")]
    if review.outcome is Decision.APPROVE:
        return review, []
    names = [one.by for one in review.opinions if one.decision is review.outcome]
    return review, [Finding("review_refused" if review.outcome is Decision.REFUSE else "review_with_reservations", {"names": names})]


def against_the_review(register: Register, digest: str, seen: Sequence[SeenSignature]) -> Iterator[Finding]:
    """Yield the signatures that were put on before the review had its last opinion: the head of the trail that they bear is older."""
    written = review_written(register, digest)
    if written is not None:
        yield from (Finding("signed_before_review", {"signer": one.signer}) for one in seen if one.trail and one.trail.sequence < written)


def against_the_roles(register: Register, wanted: Sequence[Required]) -> Iterator[Finding]:
    """Yield the signers who sign as what the register does not know them as."""
    roles = roles_of(register)
    for one in wanted:
        if one.name in roles and roles[one.name] != one.role:
            yield Finding("role_other", {"signer": one.name, "known": [roles[one.name]], "asked": [str(one.role)]})


def against_the_declaration(signed: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding where the activity is declared otherwise now; what is left empty is as what is not there (versions add keys)."""
    if signed and now and _filled(plain(signed)) != _filled(plain(now)):
        yield Finding("declaration_changed")


def _filled(held: Any) -> Any:
    if isinstance(held, Mapping):
        return {name: _filled(value) for name, value in held.items() if value not in (None, [], {})}
    return [_filled(value) for value in held] if isinstance(held, list) else held


def contradicts(attached: Evidence | None, evidence: bytes | None) -> bool:
    """Tell whether attached evidence says other than the study itself; where a later version tells more, what both tell is compared."""
    if attached is None or evidence is None or attached.content == evidence:
        return False
    was, now = _read(attached.content), _read(evidence)
    if not was or was.get(KEY) != now.get(KEY):
        return not was
    tables, known = was.get("tables"), now["tables"]
    if not isinstance(tables, dict) or set(tables) - set(known):
        return True
    rest = ("manifest_digest", "input", "seed", "as_of", "publication_threshold")
    return any(was.get(name) != now[name] for name in rest) or any(_rows(table) != _rows(known[name], table) for name, table in tables.items())


def _rows(table: Mapping[str, Any], shape: Mapping[str, Any] | None = None) -> Any:
    """Return the rows of a table with the columns of another; nothing where it has no such columns."""
    wanted = (shape or table)["columns"]
    if set(wanted) - set(table["columns"]):
        return None
    places = [table["columns"].index(name) for name in wanted]
    return [[row[place] for place in places] for row in table["rows"]]


def _read(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
