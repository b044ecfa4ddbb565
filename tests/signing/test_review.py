"""Review: four eyes, an opinion has words, and it covers the study that it was given for and no other."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.signing.kept_reviews import from_mapping, not_covered, parts_of, to_mapping
from scoring.signing.persons import same_person
from scoring.signing.review import (
    Decision,
    Required,
    ReviewError,
    Role,
    State,
    covers,
    draft,
    give,
    may_sign,
    outcome_of,
    renew,
    required_signers,
    submit,
    withdraw,
)
from scoring.texts import LANGUAGES, has

STUDY, OTHER = "a" * 64, "b" * 64
AT = datetime(2026, 3, 2, tzinfo=UTC)
WANTED = (Required("Rita", Role.MODEL_REVIEWER), Required("Dora", Role.DPO), Required("Carl", Role.CONTROLLER))
APPROVE, RESERVE, REFUSE = Decision.APPROVE, Decision.APPROVE_WITH_RESERVATIONS, Decision.REFUSE


def begun(**others):
    return draft(STUDY, **({"authors": ["Anna"], "required": WANTED} | others))


def submitted(**others):
    return submit(begun(**others), by="Anna", at=AT)


def say(review, by, decision=APPROVE, role=None, **others):
    wanted = role or next((one.role for one in review.required if one.name == by), Role.DPO)
    told = {"text": "I read all of it.", "manifest": STUDY, "at": AT + timedelta(days=1)} | others
    return give(review, by=by, role=wanted, decision=decision, **told)


def reviewed(*decisions):
    review = submitted()
    for wanted, decision in zip(WANTED, decisions or (APPROVE,) * 3, strict=True):
        review = say(review, wanted.name, decision)
    return review


def test_a_study_goes_from_draft_to_reviewed():
    review = submitted()
    assert (begun().state, review.state, review.waiting_for) == (State.DRAFT, State.SUBMITTED, ("Rita", "Dora", "Carl"))
    review = say(say(review, "Dora"), "Rita")
    assert (review.state, review.outcome, review.waiting_for) == (State.SUBMITTED, "waiting", ("Carl",))
    assert outcome_of(review).say("en") == "waiting for an opinion of: Carl"
    review = say(review, "Carl")
    assert (review.state, review.outcome) == (State.REVIEWED, APPROVE)


@pytest.mark.parametrize(
    ("decisions", "outcome"),
    [
        ((APPROVE, APPROVE, APPROVE), APPROVE),
        ((APPROVE, RESERVE, APPROVE), RESERVE),
        ((APPROVE, RESERVE, REFUSE), REFUSE),
        ((REFUSE, APPROVE, APPROVE), REFUSE),
    ],
)
def test_one_refusal_refuses_and_one_reservation_is_one_of_the_whole(decisions, outcome):
    review = reviewed(*decisions)
    assert review.outcome == outcome
    assert may_sign(review, "Dora", STUDY) is (outcome is not REFUSE)


def test_who_refused_is_named():
    assert outcome_of(reviewed(APPROVE, REFUSE, APPROVE)).say("fr") == "refusé par\u202f: Dora"


def test_nobody_may_sign_before_all_have_spoken_nor_another_study_nor_a_stranger():
    assert not may_sign(say(submitted(), "Dora"), "Dora", STUDY)
    assert not may_sign(reviewed(), "Dora", OTHER)
    assert not may_sign(reviewed(), "Anna", STUDY)


# Four eyes


@pytest.mark.parametrize("name", ["Anna", "anna", " ANNA ", "An\u200bna", "Ａnna"])
def test_nobody_approves_own_work_however_the_name_is_written(name):
    with pytest.raises(ReviewError, match="four eyes"):
        begun(required=(*WANTED, Required(name, Role.DPO)))
    with pytest.raises(ReviewError, match="four eyes"):
        say(submitted(), name, role=Role.DPO)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param("Hélène Le Goff", "LE GOFF, Helene", id="order, accents, capitals"),
        pytest.param("Jean-Paul Roy", "Jean Paul Roy", id="hyphen"),
        pytest.param("Anna Roy", "\u0410nna R\u043ey", id="Cyrillic letters"),
        pytest.param("Nina Kotler", "\u039dina \u039a\u03bftler", id="Greek letters"),
        pytest.param("Anna", "An\u3164na", id="a letter that is drawn as nothing"),
        pytest.param("Hélène", "He\u0301le\u0300ne", id="composed and not"),
    ],
)
def test_one_person_is_known_under_other_spellings(name, other):
    assert same_person(name, other)
    with pytest.raises(ReviewError, match="four eyes"):
        draft(STUDY, authors=[name], required=[Required(other, Role.DPO)])


@pytest.mark.parametrize(
    ("name", "other"), [("Anna Roy", "Anna Ray"), ("Anna Roy", "Anna B. Roy"), ("王芳", "王方"), ("Νίκος", "Νίκη"), ("राम", "रामी")]
)
def test_two_people_stay_two(name, other):
    assert not same_person(name, other)


def test_an_analyst_signs_and_gives_no_opinion():
    review = submitted(required=(Required("Anna", Role.ANALYST), *WANTED))
    assert review.signers == ("Anna", "Rita", "Dora", "Carl")
    assert "Anna" not in review.waiting_for
    with pytest.raises(ReviewError, match="four eyes"):
        say(review, "Anna", role=Role.ANALYST)


def test_nobody_speaks_twice_or_in_another_role_or_unasked():
    review = say(submitted(), "Dora")
    with pytest.raises(ReviewError, match="opinion already"):
        say(review, "Dora", REFUSE)
    with pytest.raises(ReviewError, match="not asked"):
        say(review, "Carl", role=Role.DPO)
    with pytest.raises(ReviewError, match="not asked"):
        say(review, "Zoe")


def test_one_person_has_one_role():
    with pytest.raises(ReviewError, match="named twice"):
        begun(required=(Required("Dora", Role.DPO), Required("dora", Role.CONTROLLER)))


# Steps


def test_steps_go_in_order_only():
    with pytest.raises(ReviewError, match="draft cannot give"):
        say(begun(), "Dora")
    with pytest.raises(ReviewError, match="submitted cannot submit"):
        submit(submitted(), by="Anna", at=AT)
    with pytest.raises(ReviewError, match="reviewed cannot withdraw"):
        withdraw(reviewed(), by="Anna", at=AT)
    with pytest.raises(ReviewError, match="reviewed cannot give"):
        say(reviewed(), "Dora")


def test_only_an_author_submits_and_withdraws():
    with pytest.raises(ReviewError, match="did not make the study"):
        submit(begun(), by="Dora", at=AT)
    with pytest.raises(ReviewError, match="did not make the study"):
        withdraw(submitted(), by="Dora", at=AT)


def test_what_is_withdrawn_is_a_draft_without_opinions():
    assert withdraw(say(submitted(), "Dora"), by="Anna", at=AT) == begun()


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001])
def test_an_opinion_has_words(text):
    with pytest.raises(ReviewError, match="needs words"):
        say(submitted(), "Dora", text=text)


def test_times_have_a_zone_and_run_forward():
    with pytest.raises(ReviewError, match="time zone"):
        submit(begun(), by="Anna", at=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ReviewError, match="before the study was submitted"):
        say(submitted(), "Dora", at=AT - timedelta(seconds=1))


def test_a_draft_needs_a_digest_and_an_author():
    for manifest, authors in (("", ["Anna"]), ("xyz", ["Anna"]), (STUDY, []), (STUDY, [" "])):
        with pytest.raises(ReviewError, match="Fix:"):
            draft(manifest, authors=authors, required=WANTED)


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"signers": []},
        {"signers": "Anna"},
        {"signers": [{"name": "Anna", "role": "boss"}]},
        {"signers": [{"role": "dpo"}]},
        {"signers": [{"name": "Anna", "role": "analyst"}]},
        {"signers": ["Anna"]},
        {"signers": [{"name": "A", "role": "dpo"}, {"name": "a", "role": "controller"}]},
    ],
)
def test_a_wrong_list_of_signers_is_refused(key):
    with pytest.raises(ReviewError, match="Fix:"):
        required_signers(key)


# What an opinion covers


def test_an_opinion_covers_the_study_it_was_given_for():
    review = reviewed()
    assert covers(review, STUDY)
    assert not covers(review, OTHER)
    assert not covers(review, "")
    assert not_covered(review, STUDY) is None
    with pytest.raises(ReviewError, match="another study"):
        say(submitted(), "Dora", manifest=OTHER)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": {"sha256": "1" * 64}}, {"data"}),
        ({"files": {"scorecard.json": {"sha256": "2" * 64}, "cells.parquet": {"sha256": "4" * 64}}}, {"model"}),
        ({"python": "3.12"}, {"software"}),
    ],
)
def test_what_changed_is_said(change, words):
    manifest = {
        "input": {"sha256": "0" * 64},
        "python": "3.11",
        "files": {"scorecard.json": {"sha256": "3" * 64}, "cells.parquet": {"sha256": "4" * 64}},
    }
    review = submitted(parts=parts_of(manifest, {"purpose": "credit"}))
    said = not_covered(review, OTHER, parts=parts_of(manifest | change, {"purpose": "credit"}))
    assert set(said.fields["changed"]) == words
    assert said.is_fault
    declared = not_covered(review, OTHER, parts=parts_of(manifest, {"purpose": "insurance"}))
    assert declared.fields["changed"] == ["declaration"]
    assert "(la déclaration)" in declared.say("fr")
    assert all("aaaaaaaaaaaa" in said.say(language) for language in LANGUAGES)
    assert not_covered(review, OTHER).code == "not_covered"


def test_a_new_study_begins_without_opinions():
    review = renew(reviewed(), OTHER)
    assert (review.state, review.opinions, review.manifest, review.required) == (State.DRAFT, (), OTHER, WANTED)


# Keeping


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WANTED), st.sampled_from(list(Decision)), st.text(max_size=20)), max_size=6), st.booleans())
def test_whatever_was_allowed_is_read_back_and_the_rules_hold(steps, hand_in):
    review = submitted(parts={"data": "0"}) if hand_in else begun()
    for wanted, decision, text in steps:
        try:
            review = say(review, wanted.name, decision, text=text)
        except ReviewError:
            continue
    assert from_mapping(json.loads(json.dumps(to_mapping(review)))) == review
    assert (review.state is State.REVIEWED) == (hand_in and not review.waiting_for)
    assert len({opinion.by for opinion in review.opinions}) == len(review.opinions)


@pytest.mark.parametrize(
    "harm",
    [
        lambda kept: kept["opinions"].append(kept["opinions"][0]),
        lambda kept: kept["opinions"].pop(),
        lambda kept: kept["opinions"][0].update(by="Anna"),
        lambda kept: kept["opinions"][0].update(manifest=OTHER),
        lambda kept: kept["opinions"][0].update(decision="yes"),
        lambda kept: kept.update(state="draft"),
        lambda kept: kept.update(manifest=OTHER),
        lambda kept: kept.update(authors=["Dora"]),
        lambda kept: kept.pop("required"),
        lambda kept: kept.update(submitted_by=None),
    ],
)
def test_a_kept_review_that_breaks_a_rule_is_not_read(harm):
    kept = json.loads(json.dumps(to_mapping(reviewed())))
    assert from_mapping(kept) == reviewed()
    harm(kept)
    with pytest.raises(ReviewError, match="Fix:"):
        from_mapping(kept)


def test_a_review_does_not_change_in_place():
    review = submitted()
    before = asdict(review)
    say(review, "Dora")
    assert asdict(review) == before
    assert replace(review) == review


def test_every_word_of_a_review_has_a_text():
    words = [f"{kind}_{word}" for kind, words in (("role", Role), ("opinion", Decision), ("state", State)) for word in words]
    words += [f"outcome_{word}" for word in ("waiting", *Decision)]
    assert all(has(f"signatures.{word}", language) for word in words for language in LANGUAGES)
