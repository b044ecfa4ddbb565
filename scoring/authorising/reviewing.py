"""The review of a study, kept in the register: handed in, opinions given, taken back; and sign-offs that cover it no longer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, literal, select

from scoring.authorising.filed import Filed
from scoring.errors import EquiscoreError
from scoring.register import Register
from scoring.register.models import Review, Study, TrailEvent
from scoring.register.people import keep_review, review_of
from scoring.signing.findings import Finding
from scoring.signing.kept_reviews import from_mapping, not_covered, to_mapping
from scoring.signing.persons import same_person
from scoring.signing.review import Decision, ReviewError, Role, draft, give, outcome_of, submit, withdraw
from scoring.signing.review import Review as Reviewing


def submit_study(register: Register, study: Filed, *, by: str, authors: Sequence[str] = (), at: datetime) -> Reviewing:
    """Hand a study in for review: its authors are named, and none of them may approve it.

    Raises
    ------
    EquiscoreError
        It is not in the register, was handed in already, or the rules of review do not allow it.
    """
    kept = review_of(register, study.digest)
    begun = from_mapping(kept) if kept else draft(study.digest, authors=tuple(authors) or (by,), required=study.required, parts=study.parts)
    return _keep(register, submit(begun, by=by, at=at), actor=by, at=at)


def give_opinion(register: Register, study: Filed, *, by: str, decision: Decision, text: str, at: datetime) -> Reviewing:
    """Add an opinion to the review of a study: approved, approved with reservations, or refused; each with its words.

    Raises
    ------
    EquiscoreError
        The study was not handed in, `by` is not asked for an opinion, made the study, or has spoken already.
    """
    review = held_review(register, study.digest)
    role = next((one.role for one in study.required if same_person(one.name, by)), Role.MODEL_REVIEWER)
    return _keep(register, give(review, by=by, role=role, decision=decision, text=text, manifest=study.digest, at=at), actor=by, at=at)


def withdraw_study(register: Register, study: Filed, *, by: str, at: datetime) -> Reviewing:
    """Take a study back while its review runs; opinions given so far go, and the trail keeps them."""
    return _keep(register, withdraw(held_review(register, study.digest), by=by, at=at), actor=by, at=at)


def held_review(register: Register, digest: str) -> Reviewing:
    """Return the review of a study; a study that was not handed in has none, and is refused."""
    review = review_kept(register, digest)
    if review is None:
        raise EquiscoreError(f"{digest[:12]}: this study was not submitted. Fix: `equiscore review submit STUDY`.")
    return review


def review_kept(register: Register, digest: str) -> Reviewing | None:
    """Return the review of a study; none where it was not handed in.

    Raises
    ------
    ReviewError
        What is kept breaks the rules of review, or speaks of another study.
    """
    kept = review_of(register, digest)
    review = from_mapping(kept) if kept is not None else None
    if review is not None and review.manifest != digest:
        raise ReviewError(f"{digest[:12]}: the review that is kept is that of another study. Fix: restore it from the register's trail.")
    return review


def _keep(register: Register, review: Reviewing, *, actor: str, at: datetime) -> Reviewing:
    keep_review(register, review.manifest, str(review.state), to_mapping(review), actor=actor, at=at)
    return review


def standing(register: Register, study: Filed) -> tuple[Reviewing | None, tuple[Finding, ...]]:
    """Return the review of a study, and what there is to say of it: where it stands, and sign-offs that no longer cover the study."""
    kept = review_of(register, study.digest)
    others = [one for one in reviews_of(register, study.reference) if one.manifest != study.digest]
    stale = [found for other in others if other.opinions and (found := not_covered(other, study.digest, parts=study.parts))]
    review = from_mapping(kept) if kept else None
    return review, (*([outcome_of(review)] if review else []), *stale)


def studies_of(register: Register, reference: str) -> list[str]:
    """Return the digests of an activity's studies, in the order in which they were entered first: entered again, an old one stays old."""
    entered = select(func.min(TrailEvent.sequence)).where(TrailEvent.subject == literal("studies/") + Study.id).scalar_subquery()
    with register.reading() as session:
        return list(session.scalars(select(Study.id).where(Study.activity == reference).order_by(entered, Study.written)))


def reviews_of(register: Register, reference: str) -> list[Reviewing]:
    """Return the reviews of an activity's studies."""
    studies = studies_of(register, reference)
    with register.reading() as session:
        kept = session.scalars(select(Review).where(Review.study.in_(studies)).order_by(Review.written))
        return [from_mapping(row.document) for row in kept]
