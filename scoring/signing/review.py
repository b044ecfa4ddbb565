"""Review of a study before it is signed: draft, submitted, reviewed. Pure rules on plain values; keeping them is the register's.

Nobody gives an opinion on own work, nobody gives two, each has words. An opinion covers the study that it was given for, by the digest
of its manifest: new data, another model or declaration, and it covers nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from scoring.errors import EquiscoreError
from scoring.signing.findings import Finding, plain
from scoring.signing.persons import person_of

LONGEST: Final = 10_000
"""Signs of an opinion; our choice."""


class ReviewError(EquiscoreError):
    """A step that the rules of review do not allow."""


class Role(StrEnum):
    """What somebody signs as."""

    ANALYST = "analyst"  # made the study; signs for it and gives no opinion
    MODEL_REVIEWER = "model_reviewer"
    DPO = "dpo"  # data protection officer, GDPR art. 39
    CONTROLLER = "controller"  # who answers for the processing, GDPR art. 4(7)


class State(StrEnum):
    """Where a review stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    REVIEWED = "reviewed"  # everybody who must has given an opinion


class Decision(StrEnum):
    """What somebody says of a study."""

    APPROVE = "approve"
    APPROVE_WITH_RESERVATIONS = "approve_with_reservations"
    REFUSE = "refuse"


Outcome = Literal["waiting"] | Decision
STEPS: Final[Mapping[str, tuple[State, ...]]] = {"submit": (State.DRAFT,), "give": (State.SUBMITTED,), "withdraw": (State.SUBMITTED,)}
"""From which states each step goes out."""


@dataclass(frozen=True, slots=True)
class Required:
    """Somebody whose signature the declaration asks for."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a reviewer said, in words, of which study and when."""

    by: str
    role: Role
    decision: Decision
    text: str
    manifest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """A review of one study."""

    manifest: str
    """Digest of the study's manifest."""
    authors: tuple[str, ...]
    required: tuple[Required, ...]
    state: State = State.DRAFT
    submitted_by: str | None = None
    submitted_at: datetime | None = None
    opinions: tuple[Opinion, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    """Digest by part of the study (see `parts_of`), to say what changed."""

    @property
    def signers(self) -> tuple[str, ...]:
        """Return who must sign, in order."""
        return tuple(one.name for one in self.required)

    @property
    def reviewers(self) -> tuple[Required, ...]:
        """Return who must give an opinion: all who must sign but the analysts."""
        return tuple(one for one in self.required if one.role is not Role.ANALYST)

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Return who has not given an opinion."""
        given = {person_of(opinion.by) for opinion in self.opinions}
        return tuple(one.name for one in self.reviewers if person_of(one.name) not in given)

    @property
    def outcome(self) -> Outcome:
        """Return what the opinions come to: one refusal refuses, one reservation is a reservation of the whole."""
        if self.state is not State.REVIEWED:
            return "waiting"
        said = {opinion.decision for opinion in self.opinions}
        return next(decision for decision in (Decision.REFUSE, Decision.APPROVE_WITH_RESERVATIONS, Decision.APPROVE) if decision in said)


def required_signers(review: Mapping[str, Any]) -> tuple[Required, ...]:
    """Read who must sign from the key `review` of a declaration.

    Parameters
    ----------
    review : mapping
        `signers`: a list of `{name, role}`.

    Raises
    ------
    ReviewError
        Nobody, nobody but analysts, somebody twice, or a role that is none.

    >>> required_signers({"signers": [{"name": "Anna", "role": "dpo"}]})
    (Required(name='Anna', role=<Role.DPO: 'dpo'>),)
    """
    listed = review.get("signers")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not all(isinstance(one, Mapping) for one in listed):
        raise ReviewError("review.signers: not a list of name and role. Fix: give one {name, role} for each who must sign.")
    required = tuple(Required(str(one.get("name") or "").strip(), _role(one.get("role"))) for one in listed)
    people = Counter(person_of(one.name) for one in required)
    if "" in people:
        raise ReviewError("review.signers: somebody without a name. Fix: name each who must sign.")
    if twice := [one.name for one in required if people[person_of(one.name)] > 1]:
        raise ReviewError(f"review.signers: {plain(twice[0])} is named twice, and one person signs once. Fix: name another for the other role.")
    if all(one.role is Role.ANALYST for one in required):
        raise ReviewError("review.signers: nobody reviews the study. Fix: name a model reviewer, a data protection officer or the controller.")
    return required


def _role(word: object) -> Role:
    try:
        return Role(str(word))
    except ValueError:
        raise ReviewError(f"review.signers: {plain(str(word))!r} is no role. Fix: use one of {', '.join(Role)}.") from None


def draft(manifest: str, *, authors: Iterable[str], required: Sequence[Required], parts: Mapping[str, str] | None = None) -> Review:
    """Begin the review of a study.

    Parameters
    ----------
    manifest : str
        Digest of the study's manifest.
    authors : iterable of str
        Who made the study: none of them gives an opinion on it.
    required : sequence of Required
        Who must sign.
    parts : mapping, optional
        Digest by part of the study, from `parts_of`.

    Raises
    ------
    ReviewError
        No digest, no author, or an author among those who must give an opinion.
    """
    wrote = tuple(authors)
    if not re.fullmatch(r"[0-9a-f]{64}", manifest):
        raise ReviewError("The study has no digest. Fix: save it first, and review what was saved.")
    if not wrote or not all(map(person_of, wrote)):
        raise ReviewError("Nobody is said to have made the study. Fix: name the authors.")
    checked = required_signers({"signers": [asdict(one) for one in required]})
    mine = [one.name for one in checked if one.role is not Role.ANALYST and person_of(one.name) in set(map(person_of, wrote))]
    if mine:
        raise ReviewError(f"{plain(mine[0])} made the study and may not approve it. Fix: name another reviewer (four eyes).")
    return Review(manifest, wrote, checked, parts=tuple(sorted((parts or {}).items())))


def submit(review: Review, *, by: str, at: datetime) -> Review:
    """Hand a draft in for review; an author does it.

    Raises
    ------
    ReviewError
        It is not a draft, or somebody else hands it in.
    """
    _may(review, "submit", at)
    if person_of(by) not in set(map(person_of, review.authors)):
        raise ReviewError(f"{plain(by)} did not make the study. Fix: let an author submit it.")
    return replace(review, state=State.SUBMITTED, submitted_by=by, submitted_at=at)


def withdraw(review: Review, *, by: str, at: datetime) -> Review:
    """Take a submitted study back to mend it: it is a draft again, and the opinions given so far go.

    Raises
    ------
    ReviewError
        It is not submitted, or somebody else takes it back.
    """
    _may(review, "withdraw", at)
    if person_of(by) not in set(map(person_of, review.authors)):
        raise ReviewError(f"{plain(by)} did not make the study. Fix: let an author withdraw it.")
    return replace(review, state=State.DRAFT, submitted_by=None, submitted_at=None, opinions=())


def give(review: Review, *, by: str, role: Role, decision: Decision, text: str, manifest: str, at: datetime) -> Review:
    """Add an opinion; with the last one that is due the study is reviewed.

    Parameters
    ----------
    review : Review
        Submitted.
    by, role : str, Role
        Who, and as what.
    decision, text : Decision, str
        What is said, and why.
    manifest : str
        Digest of the study that was read.
    at : datetime
        When, with its time zone.

    Raises
    ------
    ReviewError
        Not submitted, not one of the reviewers or not in that role, an author, a second opinion, no words, or another study.
    """
    _may(review, "give", at)
    if person_of(by) in set(map(person_of, (*review.authors, review.submitted_by or ""))):
        raise ReviewError(f"{plain(by)} made or submitted the study and may not approve it. Fix: let another reviewer do so (four eyes).")
    if (person_of(by), role) not in {(person_of(one.name), one.role) for one in review.reviewers}:
        raise ReviewError(f"{plain(by)} is not asked for an opinion as {role}. Fix: name the person and role in review.signers.")
    if person_of(by) not in set(map(person_of, review.waiting_for)):
        raise ReviewError(f"{plain(by)} has given an opinion already. Fix: withdraw the study and submit it again to change it.")
    if not text.strip() or len(text) > LONGEST:
        raise ReviewError(f"An opinion needs words, at most {LONGEST:,} signs. Fix: say why.")
    if not covers(review, manifest):
        raise ReviewError("The opinion is on another study than the one submitted. Fix: read the one submitted, or submit the new one.")
    given = replace(review, opinions=(*review.opinions, Opinion(by, Role(role), Decision(decision), text.strip(), manifest, at)))
    return given if given.waiting_for else replace(given, state=State.REVIEWED)


def _may(review: Review, step: str, at: datetime) -> None:
    if review.state not in STEPS[step]:
        raise ReviewError(f"A review that is {review.state} cannot {step}. Fix: it must be {' or '.join(STEPS[step])}.")
    if at.tzinfo is None:
        raise ReviewError(f"{at}: a time without a time zone. Fix: give one, such as UTC.")
    if review.submitted_at and at < review.submitted_at:
        raise ReviewError(f"{at}: before the study was submitted ({review.submitted_at}). Fix: correct the time.")


def covers(review: Review, manifest: str) -> bool:
    """Tell whether a review is of the study of that digest."""
    return bool(manifest) and review.manifest == manifest


def renew(review: Review, manifest: str, *, parts: Mapping[str, str] | None = None) -> Review:
    """Begin again for the study as it is now; no opinion is carried over."""
    return draft(manifest, authors=review.authors, required=review.required, parts=parts)


def outcome_of(review: Review) -> Finding:
    """Return where a review stands, as a finding that can be said in both languages."""
    names = review.waiting_for if review.outcome == "waiting" else [one.by for one in review.opinions if one.decision is Decision.REFUSE]
    return Finding(f"outcome_{review.outcome}", {"names": list(names)})


def may_sign(review: Review, name: str, manifest: str) -> bool:
    """Tell whether somebody may sign: one of the required, of the study that was reviewed, which nobody refused."""
    wanted = {person_of(one) for one in review.signers}
    return person_of(name) in wanted and covers(review, manifest) and review.outcome in {Decision.APPROVE, Decision.APPROVE_WITH_RESERVATIONS}
