"""Formalities: what is required, on which facts and rules; the nine criteria; measured decisiveness; the AI Act by date."""

import json
import re
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from law_small import DAY, SMALL, book, rule

from scoring.errors import EquiscoreError
from scoring.facts import FACTS, checked_facts
from scoring.fairness.intervals import proportion_interval
from scoring.law.ai_act import effective_from
from scoring.law.au_005 import au_005_variables
from scoring.law.decisiveness import DECISIVE_SHARE, decisiveness
from scoring.law.formalities import FORMS, derived, formalities
from scoring.law.rules import packaged_rules
from scoring.law.trace import Answer, evaluate
from scoring.law.wording import fact_name, written
from scoring.law.wp248 import CRITERIA, enough, nine_criteria
from scoring.texts import LANGUAGES, has

FR = {"jurisdiction": "FR"}
SCORE = {**FR, "profiling": True, "automated": True, "exclusion_possible": "contract"}


def required(facts, code, rules=SMALL, day=DAY, answers=None):
    return formalities(facts, day, rules, answers)[code].required.value


def test_nothing_known_is_unknown_throughout():
    found = formalities({}, DAY, SMALL)
    assert {item.code: item.required.value for item in found.items if item.required.value != "unknown"} == {
        "declaration": "no",
        "authorisation": "no",
        "au_005": "no",
        "fria": "no",
    }
    assert {item.confidence for item in found.items if item.required.value == "no"} == {None}, "only what is not in force is settled"


def test_a_rule_that_is_not_in_the_book_leaves_its_formality_unknown():
    assert required(SCORE, "consultation", book(rule("FR-A"))) == "unknown"
    assert formalities(SCORE, DAY, book(rule("FR-A")))["consultation"].missing == ("rule(EU-GDPR-36)",)


def test_a_formality_is_no_surer_than_the_weakest_rule_that_decides():
    rules = book(
        rule("FR-AIPD-LIST-8", "profiling", confidence="source_read"),
        rule("FR-AIPD-LIST-10", "profiling", confidence="to_verify_before_use"),
        rule("EU-GDPR-36", "not profiling", confidence="secondary_source"),
    )
    found = formalities(SCORE, DAY, rules)
    assert found["dpia"].confidence.value == "to_verify_before_use"
    assert "not settled" in found["dpia"].row("en")["confidence_words"]
    assert found["consultation"].confidence.value == "secondary_source"


def test_an_assessment_that_is_done_closes_the_question():
    done = {**SCORE, "dpia_done": True, "dpia_before_launch": True}
    assert (formalities(SCORE, DAY, SMALL)["dpia"].blocks, formalities(done, DAY, SMALL)["dpia"].blocks) == (True, False)


@pytest.mark.parametrize(
    ("more", "blocks"),
    [
        ({}, True),
        ({"authorisation_obtained": True}, False),
        ({"au_005_commitment": True, "variables_in_list": True}, False),
        ({"au_005_commitment": True, "variables_in_list": False}, True),
        ({"au_005_commitment": True}, True),
    ],
)
def test_the_single_authorisation_stands_for_the_other_where_its_list_is_kept(more, blocks):
    facts = {**SCORE, "purpose": "credit_scoring", "controller_type": "credit_institution", "statutory_basis": False, **more}
    found = formalities(facts, date(2016, 1, 1), SMALL)
    assert found["au_005"].required.value == "yes"
    assert found["authorisation"].blocks is blocks


def test_a_dpia_answer_rests_on_its_facts_and_says_so_in_both_languages():
    found = formalities(SCORE, DAY, SMALL)["dpia"]
    assert found.reason("en") == (
        "Required by EU-WP248, FR-AIPD-LIST-8, on: possible exclusion = contract; law that applies = France; profiling = yes."
    )
    assert found.reason("fr").startswith("Requise par EU-WP248, FR-AIPD-LIST-8, au vu de\u202f: exclusion possible = contrat")


@given(
    st.dictionaries(
        st.sampled_from(["profiling", "monitoring", "highly_personal", "large_scale", "matching", "vulnerable", "innovative"]), st.booleans()
    )
)
@settings(max_examples=60, deadline=None)
def test_the_nine_criteria_and_the_rule_that_counts_them_agree(facts):
    whole = {**FR, "automated": False, "special_category": False, "special_category_inferred": False, "offences": False, "genetic_data": False}
    whole |= {"public_monitoring": False, "interconnection": False, "purpose": "commercial", "exclusion_possible": "none", "effect": "none", **facts}
    counted = enough(nine_criteria(checked_facts(whole), DAY))
    assert evaluate(SMALL, whole, DAY)["EU-WP248"].applies is counted
    if "EU-WP248" in packaged_rules():
        assert evaluate(packaged_rules(), whole, DAY)["EU-WP248"].applies is counted


def test_each_criterion_has_its_reason():
    tests = {test.code: test for test in nine_criteria(checked_facts({"profiling": True, "large_scale": False}), DAY)}
    assert tests["evaluation"].reason("en") == "Yes, on: profiling = yes."
    assert tests["large_scale"].reason("fr") == "Non, au vu de\u202f: grande échelle = non."
    assert tests["vulnerable"].reason("en") == "Not known. Are vulnerable persons among those concerned?"


@pytest.mark.parametrize(
    ("items", "expected"), [("none", "no"), ("social_housing", "yes"), (None, "unknown")], ids=["none of them", "one of them", "nobody said"]
)
def test_the_other_items_of_the_cnil_list_count_as_well(items, expected):
    off = dict.fromkeys(("likely_high_risk", "systematic_evaluation", "profiling", "automated", "monitoring", "special_category"), False)
    off |= dict.fromkeys(("highly_personal", "large_scale", "matching", "vulnerable", "innovative", "shared_blacklist"), False)
    facts = {**FR, **off, "exclusion_possible": "none", "effect": "none", "purpose": "commercial", "cnil_list_items": items}
    assert required(facts, "dpia") == expected
    assert required({**facts, "jurisdiction": "EU"}, "dpia") == "no", "the list is French"


def test_an_answer_of_a_human_reaches_the_formality():
    facts = {**FR, "solely_automated": True, "effect": "legal", "human_review_with_authority": True, "contest_channel": True, "score_decisive": False}
    open_ = formalities(facts, DAY, SMALL)["automated_decision"]
    answered = formalities(facts, DAY, SMALL, {"FR-LIL-47": Answer("a lawyer", DAY, "sheet sent", satisfied=True)})["automated_decision"]
    assert (open_.done.value, answered.done.value) == ("unknown", "yes")


def test_decisiveness_by_hand():
    """100 decisions: 60 women with the score, 5 men with it, 5 men raised against it; 30 women with it."""
    found = decisiveness(
        [1, 1, 0, 0, 1], [1, 0, 0, 0, 1], groups={"sex": ["F", "M", "F", "M", None]}, counts=[50, 5, 30, 5, 10], interval=proportion_interval
    )
    assert (found.people, found.following, found.share) == (100, 95, 0.95)
    low, high = proportion_interval(np.array([95]), np.array([100]))
    assert (found.low, found.high) == pytest.approx((low[0], high[0]))
    rows = found.by_group.set_index("level")
    assert rows.loc["M", ["people", "overridden", "override_rate", "raised", "lowered"]].tolist() == [10, 5, 0.5, 5, 0]
    assert rows.loc["None", "people"] == 10, "the unknown are a group"
    assert rows["people"].sum() == 100


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from("ab"), st.integers(0, 3)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_counts_of_cells_give_what_rows_give(rows):
    decided, side, group, times = (np.array(list(column)) for column in zip(*rows, strict=True))
    cells = decisiveness(decided, side, groups={"g": group}, counts=times)
    people = decisiveness(*(np.repeat(part, times) for part in (decided, side)), groups={"g": np.repeat(group, times)})
    assert (cells.people, cells.following) == (people.people, people.following)
    seen = cells.by_group[cells.by_group["people"] > 0].reset_index(drop=True)
    assert seen["overridden"].tolist() == people.by_group["overridden"].tolist()
    brute = [sum(d != s for d, s, g, t in rows for _ in range(t) if g == level) for level in seen["level"]]
    assert seen["overridden"].tolist() == brute


def test_of_nobody_nothing_is_said():
    found = decisiveness([], [])
    assert np.isnan(found.share)
    assert found.facts() == {}
    assert np.isnan([found.low, found.high]).all(), "without an interval handed in there is none"


@pytest.mark.parametrize("given_", [([1, 0], [1]), ([1, None], [1, 0]), ([2], [1]), ([[1]], [[1]])])
def test_arrays_that_do_not_fit_are_refused(given_):
    with pytest.raises(EquiscoreError, match="Fix:"):
        decisiveness(*given_)
    with pytest.raises(EquiscoreError, match="negative"):
        decisiveness([1], [1], counts=[-1])


def test_a_share_raises_the_question_of_schufa_and_never_closes_it():
    assert derived({"decisions_following_score": DECISIVE_SHARE})["score_decisive"] is True
    assert "score_decisive" not in derived({"decisions_following_score": DECISIVE_SHARE - 1e-9})
    assert derived({"decisions_following_score": 1.0, "score_decisive": False})["score_decisive"] is False
    facts = {**FR, "solely_automated": False, "effect": "legal"}
    assert required({**facts, "decisions_following_score": 0.97}, "automated_decision") == "yes"
    assert required({**facts, "decisions_following_score": 0.4}, "automated_decision") == "unknown"
    assert required({**facts, "decisions_following_score": 0.97}, "automated_decision", day=date(2023, 12, 6)) == "no"


AI = {**FR, "ai_system": True, "purpose": "credit_scoring", "social_behaviour": False, "role": "provider"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "high_risk"),
        ({"purpose": "loyalty"}, "other"),
        ({"purpose": "loyalty", "high_risk": True}, "high_risk"),
        ({"purpose": "loyalty", "high_risk": True, "ai_system": None}, "unknown"),
        ({"purpose": None}, "unknown"),
        ({"ai_system": False}, "no_ai_system"),
        ({"ai_system": None, "purpose": "loyalty"}, "unknown"),
        ({"social_behaviour": True, "unrelated_treatment": True}, "prohibited"),
    ],
)
def test_the_class_under_the_ai_act(change, expected):
    assert formalities({**AI, **change}, DAY, SMALL).ai_class.code == expected


def test_duties_of_the_ai_act_come_by_date_and_by_role():
    found = formalities(AI, DAY, SMALL).duties
    assert [duty.since for duty in found] == sorted(duty.since for duty in found)
    applies = {duty.rule.id: (duty.applies.value, duty.in_force) for duty in found}
    assert applies == {"EU-AIA-5-1-c": ("no", True), "EU-AIA-27": ("no", False), "EU-AIA-9": ("yes", False), "EU-AIA-III-5B": ("yes", False)}


@pytest.mark.parametrize(
    ("day", "in_force"), [(date(2026, 8, 1), False), (date(2026, 9, 1), False), (date(2027, 12, 1), False), (date(2027, 12, 2), True)]
)
def test_a_duty_that_hangs_on_a_later_day_is_dated_by_it_and_never_said_not_to_fall_on_an_activity(day, in_force):
    found = {duty.rule.id: duty for duty in formalities({**AI, "role": "deployer", "effect": "legal"}, day).duties}["EU-AIA-86"]
    assert (found.since, found.in_force, found.applies.value) == (date(2027, 12, 2), in_force, "yes")
    open_ = {duty.rule.id: duty for duty in formalities({"jurisdiction": "FR"}, day).duties}["EU-AIA-86"]
    assert open_.applies.value == "unknown"
    assert open_.missing


def test_the_first_day_of_a_rule_is_read_from_its_dates_and_its_condition():
    dated = {"valid_from": date(2026, 8, 2)}
    assert effective_from(rule("EU-X", "profiling", **dated)) == date(2026, 8, 2)
    assert effective_from(rule("EU-X", "date >= 2027-12-02 and profiling", **dated)) == date(2027, 12, 2)
    assert effective_from(rule("EU-X", "date >= 2027-12-02 or profiling", **dated)) == date(2026, 8, 2)
    assert effective_from(rule("EU-X", "date >= 2020-01-01", **dated)) == date(2026, 8, 2)
    assert effective_from(rule("EU-X")) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_speak_of_facts_by_their_names_never_by_their_codes(language):
    facts = {
        **SCORE,
        "purpose": ["credit_scoring", "fraud"],
        "controller_type": "credit_institution",
        "role": "deployer",
        "decisions_following_score": 0.97,
    }
    found = formalities(facts, DAY)
    said = " ".join([item.reason(language) for item in (*found.items, *found.wp248, *found.cnil_list)])
    assert re.findall(r"[a-z0-9]+(?:_[a-z0-9]+)+", said) == []
    assert ("credit scoring, fraud" if language == "en" else "score de crédit, fraude") in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fact_and_every_value_has_a_short_name(language):
    assert [name for name in FACTS if fact_name(name, language) == name and "_" in name] == []
    assert [(name, value) for name, fact in FACTS.items() for value in fact.allowed if "_" in written(value, language, name)] == []


def test_the_result_is_plain_data_in_both_languages():
    found = formalities(SCORE, DAY, SMALL)
    for language in LANGUAGES:
        told = json.loads(json.dumps(found.document(language)))
        assert {row["code"] for row in told["formalities"]} == {form.code for form in FORMS}
        assert len(told["wp248"]) == len(CRITERIA) == 9
        assert len(told["cnil_list"]) == 14
        assert all(row["reason"] and row["title"] for row in told["formalities"] + told["wp248"] + told["cnil_list"])
        assert all(has(f"formalities.ai_{code}", language) for code in ("prohibited", "high_risk", "other", "no_ai_system", "unknown"))
    assert found.table()["code"].tolist() == [form.code for form in FORMS]
    with pytest.raises(EquiscoreError, match="No formality"):
        _ = found["fee"]


@pytest.mark.parametrize(
    ("variables", "day", "listed", "expected"),
    [
        ({"a": "age"}, date(2010, 1, 1), None, "unknown"),
        ({"a": "age"}, date(2010, 1, 1), {"age"}, "yes"),
        ({"a": "age", "b": "blood type"}, date(2010, 1, 1), {"age"}, "no"),
        ({"a": "sex"}, date(2008, 8, 4), {"sex"}, "yes"),
        ({"a": "sex"}, date(2008, 8, 5), {"sex"}, "no"),
        ({}, date(2010, 1, 1), {"age"}, "unknown"),
    ],
)
def test_variables_against_the_closed_list_of_the_single_authorisation(variables, day, listed, expected):
    assert au_005_variables(variables, day, listed).all_listed.value == expected
