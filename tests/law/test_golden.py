"""The golden tests: nine situations of which the answer is stated beforehand, on rules of our own and on the packaged ones."""

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from law_small import SMALL

from scoring.law.formalities import formalities
from scoring.law.gate import GateClosed, go_live
from scoring.law.rules import packaged_rules
from scoring.law.trace import Outcome, evaluate

FRANCE = {"jurisdiction": "FR"}
CALL = {**FRANCE, "channel": "phone_human", "audience": "consumer", "relation": "prospect", "consent": "none", "bloctel_checked": True}
CALL |= {"opposed": False, "offer_related_to_contract": False}
SCORE = {**FRANCE, "profiling": True, "automated": True, "exclusion_possible": "contract", "statutory_basis": False}
NINE = {
    "profiling": True,
    "automated": True,
    "effect": "none",
    "monitoring": False,
    "public_monitoring": False,
    "special_category": False,
    "special_category_inferred": False,
    "highly_personal": False,
    "offences": False,
    "genetic_data": False,
    "large_scale": False,
    "matching": False,
    "interconnection": False,
    "vulnerable": False,
    "innovative": False,
    "exclusion_possible": "none",
    "purpose": "commercial",
    "data_sources": ["form"],
    "shared_blacklist": False,
    "likely_high_risk": False,
    "systematic_evaluation": False,
    "cnil_list_items": "none",
    "dpia_exempt": False,
    **FRANCE,
}


@pytest.fixture(params=["rules of the tests", "packaged rules"])
def rules(request):
    if request.param == "rules of the tests":
        return SMALL
    book = packaged_rules()
    if lacking := [rule.id for rule in SMALL if rule.id not in book]:
        pytest.skip(f"the package lacks {len(lacking)} rules, {lacking[0]} first")
    return book


def outcome(rules, name, facts, day):
    return evaluate(rules, facts, date.fromisoformat(day))[name].outcome


def test_1_a_call_without_consent_is_allowed_after_bloctel_until_10_august_2026(rules):
    assert outcome(rules, "FR-TEL-BLOCTEL", CALL, "2026-08-10") is Outcome.MET
    assert outcome(rules, "FR-TEL-OPTIN", CALL, "2026-08-10") is Outcome.NOT_IN_FORCE
    assert outcome(rules, "FR-TEL-BLOCTEL", {**CALL, "bloctel_checked": False}, "2026-08-10") is Outcome.BREACHED


def test_1_a_call_without_consent_is_refused_from_11_august_2026(rules):
    finding = evaluate(rules, CALL, date(2026, 8, 11))["FR-TEL-OPTIN"]
    assert finding.outcome is Outcome.BREACHED
    assert finding.blocks
    assert outcome(rules, "FR-TEL-BLOCTEL", CALL, "2026-08-11") is Outcome.NOT_IN_FORCE


def test_1_a_call_related_to_an_ongoing_contract_is_allowed(rules):
    related = {**CALL, "relation": "ongoing_contract", "offer_related_to_contract": True}
    assert outcome(rules, "FR-TEL-OPTIN", related, "2026-08-11") not in {Outcome.BREACHED, Outcome.OPEN}


def test_1_whether_there_was_consent_is_not_known_so_the_call_does_not_pass(rules):
    unknown = {name: value for name, value in CALL.items() if name != "consent"}
    assert outcome(rules, "FR-TEL-OPTIN", unknown, "2026-08-11") is Outcome.OPEN


SIMILAR = {
    **FRANCE,
    "channel": "email",
    "audience": "consumer",
    "relation": "customer",
    "collected_at_sale": True,
    "same_entity": True,
    "similar_products": True,
    "opt_out_offered_at_collection": True,
    "opt_out_in_message": True,
    "opposed": False,
    "consent": "none",
}


def test_2_an_email_on_similar_products_is_allowed_with_every_condition(rules):
    assert evaluate(rules, SIMILAR, date(2026, 9, 1))["FR-CPCE-L34-5-EXC"].applies.value == "yes"
    assert outcome(rules, "FR-CPCE-L34-5", SIMILAR, "2026-09-01") in {Outcome.NOT_APPLICABLE, Outcome.GIVES_WAY}


def test_2_without_the_wording_to_refuse_at_collection_it_is_refused(rules):
    without = {**SIMILAR, "opt_out_offered_at_collection": False}
    assert outcome(rules, "FR-CPCE-L34-5", without, "2026-09-01") is Outcome.BREACHED
    assert evaluate(rules, without, date(2026, 9, 1))["FR-CPCE-L34-5"].blocks


def test_3_a_score_that_may_exclude_from_a_contract_calls_for_an_assessment_by_item_8(rules):
    found = formalities(SCORE, date(2026, 9, 1), rules)["dpia"]
    assert found.required.value == "yes"
    assert "FR-AIPD-LIST-8" in found.rules
    assert {"profiling", "exclusion_possible"} <= {name for name, _ in found.inputs}
    assert found.blocks


def test_3_in_2016_it_called_for_an_authorisation(rules):
    found = formalities(SCORE, date(2016, 6, 1), rules)
    assert found["authorisation"].required.value == "yes"
    assert found["authorisation"].rules == ("FR-LIL-25-I-4",)
    assert (found["dpia"].required.value, found["dpia"].confidence) == ("no", None)
    assert formalities({**SCORE, "statutory_basis": True}, date(2016, 6, 1), rules)["authorisation"].required.value == "no"


@pytest.mark.parametrize(("day", "required"), [("2018-05-24", "yes"), ("2018-05-25", "no")])
def test_3_the_authorisation_ends_with_24_may_2018(rules, day, required):
    assert formalities(SCORE, date.fromisoformat(day), rules)["authorisation"].required.value == required


@pytest.mark.parametrize(("more", "met", "required"), [({}, 1, "no"), ({"large_scale": True}, 2, "yes")], ids=["one criterion", "two"])
def test_4_two_of_the_nine_criteria_call_for_an_assessment(rules, more, met, required):
    found = formalities({**NINE, **more}, date(2026, 9, 1), rules)
    assert sum(test.truth.value == "yes" for test in found.wp248) == met
    assert found["dpia"].required.value == required
    assert evaluate(rules, {**NINE, **more}, date(2026, 9, 1))["EU-WP248"].applies.value == required


def test_4_one_criterion_and_one_not_known_leaves_it_open(rules):
    found = formalities({name: value for name, value in NINE.items() if name != "large_scale"}, date(2026, 9, 1), rules)["dpia"]
    assert found.required.value == "unknown"
    assert found.blocks
    assert "large_scale" in found.missing


def test_5_a_residual_risk_that_stays_high_calls_for_consultation_and_stops_the_launch(rules):
    facts = {**NINE, "residual_risk": "high", "dpia_done": True}
    assert formalities(facts, date(2026, 9, 1), rules)["consultation"].required.value == "yes"
    with pytest.raises(GateClosed) as refused:
        go_live(facts, date(2026, 9, 1), rules=rules)
    assert "consultation" in [point.code for point in refused.value.points]
    assert formalities({**facts, "residual_risk": "low"}, date(2026, 9, 1), rules)["consultation"].required.value == "no"


CREDIT = {**SCORE, "purpose": "credit_scoring", "ai_system": True, "role": ["deployer"], "consumer_credit": True}
CREDIT |= {"social_behaviour": False, "unrelated_treatment": False, "vulnerability_exploited": False, "effect": "legal"}


@pytest.mark.parametrize(("day", "in_force"), [("2027-12-01", False), ("2027-12-02", True)])
def test_6_a_credit_score_is_high_risk_from_2_december_2027(rules, day, in_force):
    found = formalities(CREDIT, date.fromisoformat(day), rules)
    assert (found.ai_class.code, found.ai_class.in_force, found.ai_class.since) == ("high_risk", in_force, date(2027, 12, 2))
    assert found["fria"].required.value == ("yes" if in_force else "no")
    fria = next(duty for duty in found.duties if duty.rule.id == "EU-AIA-27")
    assert (fria.applies.value, fria.in_force) == ("yes", in_force)


@pytest.mark.parametrize(("day", "expected"), [("2026-11-19", False), ("2026-11-20", True)])
def test_6_the_consumer_credit_directive_holds_from_20_november_2026(rules, day, expected):
    finding = evaluate(rules, CREDIT, date.fromisoformat(day))["EU-CCD2-18"]
    assert (finding.outcome is not Outcome.NOT_IN_FORCE and finding.applies.value == "yes") is expected


def test_7_an_opposed_person_in_a_marketing_audience_is_an_error(rules):
    facts = {**FRANCE, "purpose": "prospecting", "opposed": True}
    finding = evaluate(rules, facts, date(2026, 9, 1))["EU-GDPR-21-2"]
    assert finding.outcome is Outcome.BREACHED
    assert finding.blocks
    assert evaluate(rules, {**facts, "opposed": False}, date(2026, 9, 1))["EU-GDPR-21-2"].outcome is not Outcome.BREACHED


@pytest.mark.parametrize(("contact", "due"), [("2023-09-01", False), ("2023-08-31", True)], ids=["3 years", "3 years and 1 day"])
def test_8_a_prospect_silent_for_over_three_years_is_due_for_purge(rules, contact, due):
    facts = {**FRANCE, "relation": "prospect", "last_contact_from_person": contact}
    assert (outcome(rules, "FR-RET-PROSPECT", facts, "2026-09-01") is Outcome.BREACHED) is due


MOROCCO = {
    "jurisdiction": "MA",
    "special_category": False,
    "special_category_inferred": False,
    "reuse_for_other_purpose": False,
    "genetic_data": False,
    "offences": False,
    "interconnection": False,
}


@pytest.mark.parametrize(("number", "authorisation", "declaration"), [(True, "yes", "no"), (False, "no", "yes"), (None, "unknown", "unknown")])
def test_9_a_moroccan_file_with_identity_numbers_is_authorised_else_declared(rules, number, authorisation, declaration):
    found = formalities({**MOROCCO, "national_id": number}, date(2026, 9, 1), rules)
    assert (found["ma_authorisation"].required.value, found["ma_declaration"].required.value) == (authorisation, declaration)
    assert found["dpia"].required.value == "no"
