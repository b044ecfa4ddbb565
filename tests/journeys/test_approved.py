"""What a signed dossier is held against beside its signatures: review, roles, declaration and numbers; no PDF is made here."""

import datetime as dt
import json

import pytest

from scoring.authorising.approved import (
    against_the_declaration,
    against_the_review,
    against_the_roles,
    contradicts,
    declared_in,
    held_review_of,
    wanted_signers,
)
from scoring.authorising.filed import Filed
from scoring.authorising.reviewing import give_opinion, reviews_of, studies_of, submit_study
from scoring.dossier.evidence import evidence_of
from scoring.register import add_activity, open_register
from scoring.register.findings import add_study
from scoring.register.people import add_reviewer, review_written
from scoring.signing.binding import Evidence
from scoring.signing.findings import SeenSignature, TrailHead
from scoring.signing.kept_reviews import to_mapping
from scoring.signing.review import Decision, Required, Role
from scoring.texts import LANGUAGES

AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
BY = {"actor": "Anna", "at": AT}
SIGNERS = [{"name": "Claire", "role": "model_reviewer"}, {"name": "Denis", "role": "dpo"}]
DECLARED = {"reference": "A-1", "name": "Scoring", "controller": {"name": "Company"}, "review": {"signers": SIGNERS}}
FIRST, SECOND = "a" * 64, "b" * 64
STUDY = Filed(FIRST, DECLARED, {}, {})


@pytest.fixture
def register():
    with open_register("sqlite://") as opened:
        add_activity(opened, DECLARED, **BY)
        add_study(opened, FIRST, activity="A-1", as_of=None, verdicts=[], **BY)
        yield opened


def reviewed(register, *decisions):
    submit_study(register, STUDY, by="Anna", at=AT)
    for one, decision in zip(SIGNERS, decisions, strict=False):
        give_opinion(register, STUDY, by=one["name"], decision=decision, text="Read.", at=AT)


def said(found):
    found = list(found)
    assert all(one.say(language) for one in found for language in LANGUAGES)
    return [(one.code, one.is_fault) for one in found]


@pytest.mark.parametrize(
    ("decisions", "found"),
    [
        ([Decision.APPROVE, Decision.APPROVE], []),
        ([Decision.APPROVE], [("review_missing", True)]),
        ([Decision.APPROVE, Decision.REFUSE], [("review_refused", True)]),
        ([Decision.APPROVE_WITH_RESERVATIONS, Decision.APPROVE], [("review_with_reservations", False)]),
    ],
)
def test_a_signature_is_for_a_study_that_was_approved(register, decisions, found):
    assert said(held_review_of(register, FIRST)[1]) == [("review_missing", True)]
    reviewed(register, *decisions)
    assert said(held_review_of(register, FIRST)[1]) == found


def test_a_review_of_another_study_in_its_place_is_broken(register):
    from scoring.register.people import keep_review

    reviewed(register, Decision.APPROVE, Decision.APPROVE)
    kept = to_mapping(held_review_of(register, FIRST)[0])
    add_study(register, SECOND, activity="A-1", as_of=None, verdicts=[], **BY)
    keep_review(register, SECOND, "reviewed", kept, **BY)
    assert said(held_review_of(register, SECOND)[1]) == [("review_broken", True)]


def test_who_signed_before_the_last_opinion_is_named(register):
    reviewed(register, Decision.APPROVE, Decision.APPROVE)
    last = review_written(register, FIRST)
    seen = [SeenSignature(name, "", AT, "", trail=TrailHead(number, "c" * 64)) for name, number in (("Claire", last - 1), ("Denis", last))]
    found = list(against_the_review(register, FIRST, seen))
    assert [(one.code, one.fields["signer"]) for one in found] == [("signed_before_review", "Claire")]


def test_who_signs_as_what_the_register_does_not_know_them_as_is_named(register):
    add_reviewer(register, "Claire", name="Claire", role="dpo", **BY)
    add_reviewer(register, "Denis", name="Denis", role="dpo", **BY)
    found = list(against_the_roles(register, wanted_signers(None, DECLARED)))
    assert [one.say("en") for one in found] == ["The register knows Claire as data protection officer, the declaration asks for model reviewer."]
    assert said(found) == [("role_other", True)]


def test_nobody_is_left_out_who_a_later_declaration_no_longer_names(register):
    reviewed(register)
    fewer = {**DECLARED, "review": {"signers": SIGNERS[:1]}}
    add_activity(register, fewer, **BY)
    (review,) = reviews_of(register, "A-1")
    assert wanted_signers(review, {}) == wanted_signers(None, DECLARED) == (Required("Claire", Role.MODEL_REVIEWER), Required("Denis", Role.DPO))
    attached = Evidence(json.dumps({"declaration": DECLARED}).encode())
    assert said(against_the_declaration(declared_in(attached), fewer)) == [("declaration_changed", True)]
    assert not list(against_the_declaration(declared_in(attached), {**DECLARED, "added_by_a_later_version": None}))


def test_an_old_study_that_is_entered_again_is_not_the_last_one(register):
    add_study(register, SECOND, activity="A-1", as_of=None, verdicts=[], **BY)
    add_study(register, FIRST, activity="A-1", as_of=None, verdicts=[], **BY)
    assert studies_of(register, "A-1") == [FIRST, SECOND]


def test_evidence_with_another_number_contradicts_the_study(small_study):
    true = evidence_of(small_study)
    told = json.loads(true)
    name = next(name for name, table in told["tables"].items() if table["rows"])
    assert not contradicts(Evidence(true), true)
    told["tables"][name]["rows"][0][-1] = "something else"
    assert contradicts(Evidence(json.dumps(told).encode()), true)
    later = json.loads(true)
    later["tables"]["added by a later version"] = later["tables"][name]
    assert not contradicts(Evidence(true), json.dumps(later).encode())
    assert contradicts(Evidence(json.dumps(later).encode()), true)
    assert contradicts(Evidence(b"[]"), true)
