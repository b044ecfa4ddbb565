"""The cover (D0): which version this is, who stands behind it, who has signed it, and what it lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scoring.dossier.document import Block, Callout, Column, KeyValues, Paragraph, Row, TableBlock
from scoring.dossier.parts.annexes.shared import listed, part, words
from scoring.dossier.parts.days import day, moment
from scoring.dossier.parts.lacking import lacking
from scoring.dossier.parts.study.page_one import party
from scoring.dossier.view import View
from scoring.provenance import canonical

APPROVES: Final = frozenset({"approve", "reservations"})
OUTCOMES: Final = frozenset({*APPROVES, "refuse"})
SHORT: Final = 12
"""Digits of a digest that are shown where the whole is beside it."""


@dataclass(frozen=True, slots=True)
class Signing:
    """A required signer: what they said of this version, and whether they have signed since."""

    name: str
    role: str
    review: Mapping[str, Any] | None
    signed: bool
    elsewhere: bool
    """Whether a review or a signature of theirs is there that does not cover this version."""


@dataclass(frozen=True, slots=True)
class SignOff:
    """How far a version has come."""

    state: str
    """draft, submitted, reviewed or validated."""
    signers: tuple[Signing, ...]
    refused_by: tuple[str, ...]
    elsewhere: tuple[Mapping[str, Any], ...]
    """Reviews of other versions: they cover nothing here."""


def sign_off(declared: Mapping[str, Any], record: Mapping[str, Any], digest: str | None) -> SignOff:
    """Return how far the version of that digest has come, from what is declared and what people recorded; nobody's word is assumed.

    A review covers the version whose digest it names and no other; the last one of a person counts. A signature carries no digest of
    a study: it counts from a signer who approved this version before. Validated: every required signer approved it, with or without
    reservations, and signed; nobody refused it. Reviewed: all that are required have spoken. Submitted: some have, or it was handed in.

    Parameters
    ----------
    declared
        The declaration as plain data; `review.signers` are required.
    record
        `reviews` (by, role, outcome, text, at, digest), `signatures` (by, role, at) and, where there is one, `submissions` (digest).
    digest
        Of the study; a study that was never saved has none, and no review can cover it.

    Examples
    --------
    >>> said = {"by": "A", "role": "dpo", "outcome": "approve", "at": "2026-01-02", "digest": "d1"}
    >>> sign_off({}, {"reviews": [said]}, "d1").state, sign_off({}, {"reviews": [said]}, "d2").state
    ('reviewed', 'draft')
    """
    reviews = sorted((one for one in listed(record, "reviews") if one.get("outcome") in OUTCOMES), key=lambda one: moment(one.get("at")))
    covering = {(one.get("by"), one.get("role")): one for one in reviews if digest and one.get("digest") == digest}
    elsewhere = tuple(one for one in reviews if not digest or one.get("digest") != digest)
    required = (declared.get("review") or {}).get("signers") or ()
    signers = tuple(_signing(one, covering, elsewhere, listed(record, "signatures")) for one in required)
    refused = tuple(str(one.get("by")) for one in covering.values() if one["outcome"] == "refuse")
    handed_in = any(digest and one.get("digest") == digest for one in listed(record, "submissions"))
    return SignOff(_state(signers, covering, refused, handed_in=handed_in), signers, refused, elsewhere)


def _signing(
    one: Mapping[str, Any],
    covering: Mapping[tuple[Any, Any], Mapping[str, Any]],
    elsewhere: Sequence[Mapping[str, Any]],
    signatures: Sequence[Mapping[str, Any]],
) -> Signing:
    who = one["name"], one["role"]
    review = covering.get(who)
    own = [held for held in signatures if (held.get("by"), held.get("role")) == who]
    since = review is not None and review["outcome"] in APPROVES and any(moment(held.get("at")) >= moment(review.get("at")) for held in own)
    other = any((held.get("by"), held.get("role")) == who for held in elsewhere) or (bool(own) and not since)
    return Signing(*who, review, since, other)


def _state(signers: Sequence[Signing], covering: Mapping[Any, Any], refused: Sequence[str], *, handed_in: bool) -> str:
    if not covering:
        return "submitted" if handed_in else "draft"
    if any(signer.review is None for signer in signers):
        return "submitted"
    return "validated" if signers and not refused and all(signer.signed for signer in signers) else "reviewed"


def status(view: View, missing: Sequence[Callout] = ()) -> Iterator[Block]:
    """Show who has to sign this version and has, everything that is missing, and the hashes of what the version is made of.

    `missing` are the callouts of the whole dossier that say what it lacks; each has the name of its section for a title. What stands
    in several sections is counted in the first.
    """
    if not view.declared:
        return
    standing = sign_off(view.declared, view.record, view.study.digest)
    yield from _elsewhere(view, standing)
    yield part(view, "signers")
    own = list(lacking(view, (words(view, "missing_signers"), "controller"))) if not standing.signers else []
    yield from own or (_signers(view, standing),)
    yield part(view, "lacks")
    here = (replace(one, title=words(view, "heading_signers")) for one in own if isinstance(one, Callout))
    yield from _lacks(view, [*here, *missing])
    yield part(view, "hashes")
    yield KeyValues(tuple(_hashes(view)))


def version(view: View) -> Iterator[Block]:
    """Show who stands behind the dossier, which version this is and how far it has come."""
    if view.declared:
        yield KeyValues(tuple(_version(view, sign_off(view.declared, view.record, view.study.digest))))


def cover(view: View) -> tuple[tuple[str, str], ...]:
    """Return what a title page says of the activity and of its version; nothing of an audit."""
    if not view.declared:
        return ()
    digest, as_of = view.study.digest, view.plan.as_of
    return (
        (words(view, "reference"), str(view.declared["reference"])),
        (view.say("controller"), party(view, view.declared["controller"])),
        (words(view, "version"), digest[:SHORT] if digest else view.say("not_saved")),
        (words(view, "date"), day(as_of, view.language) if as_of else view.say("not_declared")),
    )


def standing_of(view: View) -> str:
    """Return in a few words how far a version has come, for the head of each page; nothing of an audit."""
    return words(view, f"standing_{sign_off(view.declared, view.record, view.study.digest).state}") if view.declared else ""


def _version(view: View, standing: SignOff) -> Iterator[tuple[str, str]]:
    declared, digest, as_of = view.declared, view.study.digest, view.plan.as_of
    unsaid = view.say("not_declared")
    yield words(view, "title"), view.pick(declared["name"])
    yield words(view, "reference"), str(declared["reference"])
    yield words(view, "version"), words(view, "version_said", short=digest[:SHORT], digest=digest) if digest else view.say("not_saved")
    yield words(view, "date"), day(as_of, view.language) if as_of else unsaid
    yield view.say("controller"), party(view, declared["controller"])
    yield view.say("dpo"), party(view, declared["dpo"]) if declared.get("dpo") else unsaid
    yield words(view, "authors"), view.listed(_authors(view)) or view.say("not_recorded")
    yield words(view, "law_day"), words(view, "law_day_said", day=day(as_of, view.language)) if as_of else unsaid
    said = words(view, f"state_{standing.state}")
    yield words(view, "state"), f"{said} {words(view, 'refused', who=view.listed(standing.refused_by))}" if standing.refused_by else said


def _authors(view: View) -> list[str]:
    """Return who made the study, as recorded; otherwise the analyst among those who must sign."""
    recorded = [str(one.get("name") or one.get("by") or "") if isinstance(one, Mapping) else str(one) for one in view.record.get("authors") or ()]
    signers = (view.declared.get("review") or {}).get("signers") or ()
    return [name for name in recorded if name] or [str(one["name"]) for one in signers if one["role"] == "analyst"]


def _elsewhere(view: View, standing: SignOff) -> Iterator[Block]:
    if standing.elsewhere:
        said = tuple(
            words(
                view,
                "elsewhere_one",
                who=one.get("by"),
                role=role(view, one.get("role")),
                day=day(one.get("at"), view.language),
                digest=str(one.get("digest") or "?")[:SHORT],
            )
            for one in standing.elsewhere
        )
        yield Callout(words(view, "elsewhere"), said)


def role(view: View, name: Any) -> str:
    """Return a role in the reader's language; one that is not ours stays as it was recorded."""
    known = {"analyst", "model_reviewer", "dpo", "controller"}
    return words(view, f"role_{name}") if name in known else str(name or "")


def _hashes(view: View) -> Iterator[tuple[str, str]]:
    yield words(view, "hash_data"), str(view.study.source.get("sha256") or view.say("not_recorded"))
    yield words(view, "hash_model"), model_digest(view.study.facts) or words(view, "no_model")
    yield words(view, "hash_declaration"), declaration_digest(view.declared)
    yield words(view, "hash_study"), view.study.digest or view.say("not_saved")
    head = view.record.get("trail_head")
    yield words(view, "trail"), words(view, "trail_said", sequence=head["sequence"], hash=head["hash"]) if head else words(view, "no_trail")


def model_digest(facts: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of what the study says of a trained model: engine, features, points, cut-off; none where none was trained.

    The file of the model itself is held by the manifest of the study.
    """
    if not facts.get("model"):
        return None
    return hashlib.sha256(canonical({name: facts.get(name) for name in ("model", "points", "cutoff")})).hexdigest()


def declaration_digest(declared: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a declaration as plain data; roles of a column are a set, whose order says nothing.

    >>> one, two = ({"study": {"columns": {"age": {"roles": roles}}}} for roles in (["feature", "protected"], ["protected", "feature"]))
    >>> declaration_digest(one) == declaration_digest(two)
    True
    """
    study = dict(declared.get("study") or {})
    columns = {name: {**column, "roles": sorted(column.get("roles") or ())} for name, column in (study.get("columns") or {}).items()}
    return hashlib.sha256(canonical({**declared, "study": {**study, "columns": columns}})).hexdigest()


def _signers(view: View, standing: SignOff) -> TableBlock:
    columns = tuple(Column(words(view, f"col_{name}")) for name in ("signer", "role", "review", "signature"))
    rows = tuple(
        Row(
            (one.name, role(view, one.role), _reviewed(view, one), words(view, "signed" if one.signed else "unsigned")),
            words(view, "elsewhere") if one.elsewhere else "",
        )
        for one in standing.signers
    )
    return TableBlock(words(view, "caption_signers"), columns, rows, words(view, "note_signers"), words(view, "remark"))


def _reviewed(view: View, one: Signing) -> str:
    if one.review is None:
        return words(view, "not_reviewed")
    said = words(view, f"outcome_{one.review['outcome']}", day=day(one.review.get("at"), view.language))
    return f"{said} {view.pick(one.review.get('text'))}".strip()


def _lacks(view: View, missing: Sequence[Callout]) -> Iterator[Block]:
    seen: set[str] = set()
    held: dict[str, list[str]] = {}
    for callout in missing:
        fresh = [item for item in callout.items if item not in seen]
        seen.update(fresh)
        held.setdefault(callout.title, []).extend(fresh)
    held = {title: items for title, items in held.items() if items}
    if not held:
        yield Paragraph(words(view, "lacks_nothing"))
        return
    yield Paragraph(words(view, "lacks", pieces=len(seen), sections=len(held)))
    rows = tuple(
        Row((item,), section=words(view, "lacks_section", title=title, pieces=len(items))) for title, items in held.items() for item in items
    )
    yield TableBlock(words(view, "caption_lacks"), (Column(words(view, "col_missing")),), rows)
