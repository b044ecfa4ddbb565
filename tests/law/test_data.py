"""The rules shipped are those of the list that was researched: none lost, none surer, none in one language only."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from scoring.law.conditions import Truth, facts_named, leaves
from scoring.law.rules import Confidence, Rule, check_rules, packaged_files, packaged_rules
from scoring.law.trace import Answer, Outcome, evaluate

LISTED = Path(__file__).parents[2].parent / "shared" / "law" / "rules.json"
RULES = list(packaged_rules())
BY_ID = {rule.id: rule for rule in RULES}
TO_VERIFY = [rule for rule in RULES if rule.confidence is Confidence.TO_VERIFY]
DOUBTS = {
    "FR-TEL-HOURS": "to be checked",
    "FR-TEL-RENOV": "to be verified",
    "FR-TEL-FINE": "to be verified",
    "FR-L2008-496": "to be verified",
    "EU-AIA-4A": "not resolved",
    "FR-CC-2007-557": "not resolved",
    "EU-AIA-86": "by reasoning and not by a text",
    "EU-GDPR-OMNIBUS": "not law",
    "MA-0908-12-AUT": "to be verified",
    "MA-0908-5-9": "to be verified",
    "MA-0908-11": "to be checked",
}
"""Doubts of the source list that have to be said beside the rule, not only in its confidence."""
PROHIBITIONS = (
    *("FR-CPCE-L34-5", "FR-TEL-BLOCTEL", "FR-TEL-OPTIN", "FR-TEL-RENOV", "EU-GDPR-9", "EU-GDPR-21-2", "EU-AIA-5-1-c", "FR-CP-225-1", "FR-CP-225-2"),
    *("FR-L2008-496", "EU-2004-113", "EU-2000-43", "FR-CCONSO-L121-11"),
)
FORMALITIES = (
    *("FR-LIL-25-I-4", "FR-LIL-22-DECL", "FR-AU-005", "EU-GDPR-35-1", "EU-WP248", "FR-AIPD-LIST-8", "FR-AIPD-LIST-9", "FR-AIPD-LIST-10"),
    *("FR-ALERTES-PRO", "EU-GDPR-36", "EU-AIA-27", "MA-0908-12-AUT", "MA-0908-12-DECL"),
)
QUESTIONS = ("FR-CC-2007-557", "EU-AIA-4A", "EU-GDPR-22", "EU-CJEU-SCHUFA", "FR-LIL-47", "MA-0908-11")


def listed() -> dict[str, dict[str, str]]:
    if not LISTED.is_file():
        pytest.skip(f"the list of rules is not here: {LISTED}")
    return {rule["id"]: rule for rule in json.loads(LISTED.read_text(encoding="utf-8"))["rules"]}


def texts(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """Go through the texts of a rule: key, English, French."""
    for key in ("title", "requirement", "question", "evidence", "sanction"):
        if words := getattr(rule, key):
            yield key, words.en, words.fr


def french(rule: Rule) -> Iterator[str]:
    yield from (words for _, _, words in texts(rule))
    if isinstance(rule.reference, dict):
        yield rule.reference["fr"]


def numbers(text: str) -> set[float]:
    """Return the numbers of a text from ten on, hours aside, whichever way its language writes them."""
    without_hours = re.sub(r"\d+ (?:[ap]\.m\.|h\b)", "", text)
    found = re.findall(r"\d+(?:[,\u202f]\d{3})*(?:[.,]\d+)?", without_hours)
    return {float(re.sub(r"[,\u202f](?=\d{3})", "", one).replace(",", ".")) for one in found if len(one) > 1}


def outcome(rule: str, facts: dict[str, object], day: date, answers: dict[str, Answer] | None = None) -> Outcome:
    return evaluate(packaged_rules(), {"jurisdiction": ["FR"], **facts}, day, answers)[rule].outcome


def test_every_rule_of_the_list_is_there_and_no_other():
    assert set(BY_ID) == set(listed())


def test_dates_confidence_source_and_place_are_those_of_the_list():
    def as_listed(rule: Rule) -> dict[str, str | None]:
        day = {key: str(value) if value else None for key, value in (("valid_from", rule.valid_from), ("valid_to", rule.valid_to))}
        place = {"jurisdiction": rule.jurisdiction, "topic": rule.topic, "condition": rule.prose}
        return {**day, **place, "confidence": rule.confidence.value, "source": rule.source}

    own_notes = ("seed ", "knowledge", "mine")  # what the list says of itself is worded anew; a published source stands as it is
    wanted = {
        name: row | ({"source": BY_ID[name].source} if any(word in row["source"] for word in own_notes) else {}) for name, row in listed().items()
    }
    assert {name: as_listed(rule) for name, rule in BY_ID.items()} == {
        name: {key: wanted[name][key] for key in as_listed(BY_ID[name])} for name in BY_ID
    }


def test_the_files_have_no_fault():
    assert check_rules() == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_both_languages_are_there_and_differ(rule):
    same = [key for key, english, other in texts(rule) if english == other]
    assert not same
    assert rule.evidence
    assert set(rule.reference) == {"en", "fr"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_both_languages_give_the_same_numbers(rule):
    """Numbers from ten on: smaller ones may be words (and 8 p.m. is 20 h)."""
    for key, english, other in texts(rule):
        assert numbers(english) == numbers(other), key


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_french_is_set_as_french_is(rule):
    """A narrow no-break space before double signs and per cent, within guillemets and between thousands; one form of apostrophe."""
    for text in french(rule):
        assert not re.search(r"[^\u202f][;?!»%]|[^\u202f\d]:(?=\s|$)|«[^\u202f]|’|\d \d{3}(?!\d)|\d €|\.\.|  ", text), text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_no_english_word_is_left_in_the_french(rule):
    without_ids = [re.sub(r"\b(?:EU|FR|MA)-[A-Z0-9-]+", "", text) for text in french(rule)]
    assert not [text for text in without_ids if re.search(r"\b(the|of|and|with|is|are|by|GDPR|DPIA|DPO|CJEU|EDPB|FRIA|EUR)\b", text)]


@pytest.mark.parametrize("rule", TO_VERIFY, ids=lambda rule: rule.id)
def test_no_rule_to_verify_is_worded_as_settled(rule):
    assert rule.title.en.startswith("To be verified: ")
    assert rule.title.fr.startswith("À vérifier\u202f: ")
    assert rule.requirement.en.startswith("To be verified on the official text: ")
    assert rule.requirement.fr.startswith("À vérifier sur le texte officiel\u202f: ")
    assert not re.search(r"\b(must|shall|is required|is forbidden|is prohibited)\b", rule.requirement.en)
    assert not re.search(r"\b(doit|doivent|est requis|est interdit)", rule.requirement.fr)


@pytest.mark.parametrize(("name", "doubt"), DOUBTS.items())
def test_a_doubt_of_the_source_is_said_in_the_requirement(name, doubt):
    assert doubt in BY_ID[name].requirement.en


@pytest.mark.parametrize("name", [*PROHIBITIONS, *FORMALITIES, *QUESTIONS])
def test_prohibitions_prior_formalities_and_open_conflicts_block(name):
    assert BY_ID[name].blocking


def test_no_sanction_and_no_pending_text_blocks():
    assert not [rule.id for rule in RULES if rule.blocking and rule.topic in {"sanctions", "pending"}]


def test_without_facts_no_rule_is_met():
    for day in (date(2016, 6, 1), date(2026, 11, 22), date(2028, 1, 1)):
        assert not evaluate(packaged_rules(), {}, day).of(Outcome.MET, Outcome.BREACHED)


def test_only_pending_texts_ask_alone():
    alone = {rule.id for rule in RULES if not facts_named(rule.when) and not any("rule(" in str(leaf) for leaf in leaves(rule.when))}
    assert alone == {"EU-GDPR-OMNIBUS", "FR-TEL-DECREE"}


def test_each_file_says_what_it_holds_as_of_when_and_how_sure_and_is_short():
    for path in packaged_files():
        text = path.read_text(encoding="utf-8")
        head = text.partition("rules:\n")[0]
        assert "As of September 2026" in head
        assert all(one.value in head for one in Confidence)
        assert len(text.splitlines()) <= 270, path.name
        assert not re.search(r"[ \t]$|\n\n\n", text, re.MULTILINE), path.name


CALL = {"channel": "phone_human", "audience": "consumer", "consent": "none", "relation": "prospect", "offer_related_to_contract": False}


@pytest.mark.parametrize(
    ("rule", "facts", "day", "expected"),
    [
        ("FR-TEL-BLOCTEL", {"bloctel_checked": True, "opposed": False}, date(2026, 8, 10), Outcome.MET),
        ("FR-TEL-BLOCTEL", {"bloctel_checked": True, "opposed": True}, date(2026, 8, 10), Outcome.BREACHED),
        ("FR-TEL-BLOCTEL", {"bloctel_checked": True}, date(2026, 8, 10), Outcome.OPEN),
        ("FR-TEL-BLOCTEL", {}, date(2026, 8, 11), Outcome.NOT_IN_FORCE),
        ("FR-TEL-OPTIN", {}, date(2026, 8, 10), Outcome.NOT_IN_FORCE),
        ("FR-TEL-OPTIN", {}, date(2026, 8, 11), Outcome.BREACHED),
        ("FR-TEL-OPTIN", {"consent": "opt_in"}, date(2026, 8, 11), Outcome.MET),
        ("FR-TEL-OPTIN", {"consent": "withdrawn"}, date(2026, 8, 11), Outcome.BREACHED),
        ("FR-TEL-OPTIN", {"relation": "ongoing_contract", "offer_related_to_contract": True}, date(2026, 8, 11), Outcome.MET),
        ("FR-TEL-HOURS", {"call_hours_kept": False}, date(2026, 8, 10), Outcome.BREACHED),
        ("FR-TEL-HOURS", {"call_hours_kept": False}, date(2026, 8, 11), Outcome.OPEN),
    ],
)
def test_calls_to_consumers_turn_on_the_eleventh_of_august(rule, facts, day, expected):
    assert outcome(rule, {**CALL, **facts}, day) is expected


MAIL = {
    "channel": "email",
    "audience": "consumer",
    "relation": "customer",
    "consent": "none",
    "collected_at_sale": True,
    "same_entity": True,
    "similar_products": True,
    "opt_out_offered_at_collection": True,
    "opt_out_in_message": True,
    "opposed": False,
}


@pytest.mark.parametrize("missing", ["collected_at_sale", "same_entity", "similar_products", "opt_out_offered_at_collection", "opt_out_in_message"])
def test_mail_to_a_customer_needs_every_condition_of_the_exception(missing):
    day = date(2026, 11, 1)
    assert outcome("FR-CPCE-L34-5", MAIL, day) is Outcome.NOT_APPLICABLE
    assert outcome("FR-CPCE-L34-5", {**MAIL, missing: False}, day) is Outcome.BREACHED


@pytest.mark.parametrize(
    "also",
    [
        {"relation": ["customer", "prospect"]},
        {"relation": ["customer", "former_customer"]},
        {"channel": ["email", "automated_call"]},
        {"channel": ["sms", "fax"]},
    ],
)
def test_the_exception_for_customers_frees_neither_others_nor_other_channels(also):
    """A campaign goes to several kinds of people by several channels: the exception covers a part of it, consent is needed for the rest."""
    day = date(2026, 11, 1)
    assert outcome("FR-CPCE-L34-5-EXC", {**MAIL, **also}, day) is Outcome.MET
    assert outcome("FR-CPCE-L34-5", {**MAIL, **also}, day) is Outcome.BREACHED
    assert outcome("FR-CPCE-L34-5", {**MAIL, **also, "consent": "opt_in"}, day) is Outcome.MET


@pytest.mark.parametrize(
    ("rule", "day"), [("FR-TEL-OPTIN", date(2026, 8, 11)), ("FR-TEL-BLOCTEL", date(2026, 8, 10)), ("FR-TEL-RENOV", date(2026, 8, 11))]
)
@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        (["ongoing_contract"], Outcome.MET),
        (["ongoing_contract", "prospect"], Outcome.BREACHED),
        (["ongoing_contract", "former_customer"], Outcome.BREACHED),
        (["ongoing_contract", "customer"], Outcome.OPEN),
    ],
)
def test_an_ongoing_contract_frees_calls_to_those_who_have_one_alone(rule, day, relation, expected):
    facts = {**CALL, "relation": relation, "offer_related_to_contract": True, "bloctel_checked": False, "opposed": False, "sector": "home_adaptation"}
    assert outcome(rule, facts, day) is expected


def test_a_ground_that_no_group_measures_is_open_and_not_out_of_scope():
    """The directives hold whether or not a study looks at sex or origin."""
    day = date(2026, 11, 22)
    for rule, ground in (("EU-2004-113", "sex"), ("EU-2000-43", "origin")):
        assert outcome(rule, {"criterion": ["age"]}, day) is Outcome.OPEN
        assert outcome(rule, {"criterion": "none"}, day) is Outcome.NOT_APPLICABLE
        assert evaluate(packaged_rules(), {"jurisdiction": "FR", "criterion": ["age", ground]}, day)[rule].applies is Truth.YES


def test_a_decision_that_a_law_authorises_needs_no_sheet_of_the_contract_cases():
    facts = {"solely_automated": True, "effect": "legal", "explanation_sheet": False}
    assert outcome("FR-LIL-47", {**facts, "art_22_exception": "authorised_by_law"}, date(2026, 11, 22)) is Outcome.MET
    assert outcome("FR-LIL-47", {**facts, "art_22_exception": "contract_necessity"}, date(2026, 11, 22)) is Outcome.BREACHED


def test_observations_free_a_moroccan_decision_within_a_contract_alone():
    facts = {"jurisdiction": "MA", "solely_automated": True, "effect": "legal", "observations_possible": True, "request_satisfied": False}
    day = date(2026, 11, 22)
    assert outcome("MA-0908-11", {**facts, "legal_basis": "contract"}, day) is Outcome.MET
    assert outcome("MA-0908-11", {**facts, "legal_basis": "public_task", "exclusion_possible": "right"}, day) is Outcome.OPEN
    assert outcome("MA-0908-11", {**facts, "observations_possible": False}, day) is Outcome.BREACHED


def test_a_score_that_is_itself_a_decision_has_its_logic_explained():
    facts = {"personal_data": True, "solely_automated": False, "score_decisive": True, "notice_given": True, "logic_explained": False}
    assert outcome("EU-GDPR-13-14", facts, date(2026, 11, 22)) is Outcome.BREACHED


@pytest.mark.parametrize(
    ("last", "expected"), [(date(2023, 11, 22), Outcome.MET), (date(2023, 11, 21), Outcome.BREACHED)], ids=["three years", "and a day"]
)
def test_a_prospect_is_kept_three_years_and_not_a_day_more(last, expected):
    assert outcome("FR-RET-PROSPECT", {"relation": "prospect", "last_contact_from_person": last}, date(2026, 11, 22)) is expected


def test_a_score_that_excludes_needed_an_authorisation_in_2016_and_needs_an_assessment_now():
    score = {"profiling": True, "automated": True, "exclusion_possible": "contract", "statutory_basis": False, "exempted": False}
    undone = {"authorisation_obtained": False, "au_005_commitment": False, "dpia_done": False, "no_dpia_reasons_documented": False}
    assert outcome("FR-LIL-25-I-4", {**score, **undone}, date(2016, 6, 1)) is Outcome.BREACHED
    assert outcome("FR-LIL-22-DECL", {**score, **undone}, date(2016, 6, 1)) is Outcome.GIVES_WAY
    assert outcome("FR-AIPD-LIST-8", {**score, **undone}, date(2026, 6, 1)) is Outcome.BREACHED
    assert outcome("EU-WP248", {**score, **undone}, date(2026, 6, 1)) is Outcome.BREACHED
    assert outcome("FR-LIL-25-I-4", {**score, **undone}, date(2026, 6, 1)) is Outcome.NOT_IN_FORCE


def test_ethno_racial_groups_in_france_stay_open_whatever_else_is_in_order():
    facts = {"ethno_racial_groups": True, "bias_audit": True, "special_category": True, "art_4a_conditions_met": True}
    trace = evaluate(packaged_rules(), {"jurisdiction": ["FR"], **facts}, date(2026, 11, 22))
    assert {"FR-CC-2007-557", "EU-AIA-4A"} <= {finding.rule.id for finding in trace.blocking}
    assert trace["FR-CC-2007-557"].applies is Truth.YES
    assert trace["EU-AIA-4A"].outcome is Outcome.OPEN


def test_health_data_in_a_bias_audit_are_met_under_the_six_conditions():
    facts = {"ethno_racial_groups": False, "group_variable": "objective", "bias_audit": True, "special_category": True, "art_4a_conditions_met": True}
    assert outcome("EU-AIA-4A", facts, date(2026, 11, 22)) is Outcome.MET


def test_a_moroccan_file_is_authorised_with_the_identity_number_and_declared_without():
    triggers = dict.fromkeys(["special_category", "reuse_for_other_purpose", "genetic_data", "offences", "national_id", "interconnection"], False)
    ours = {"jurisdiction": ["MA"], **triggers, "cndp_authorisation_obtained": False, "cndp_declaration_filed": False}
    day = date(2026, 11, 22)
    assert outcome("MA-0908-12-AUT", {**ours, "national_id": True}, day) is Outcome.BREACHED
    assert outcome("MA-0908-12-DECL", {**ours, "national_id": True}, day) is Outcome.NOT_APPLICABLE
    assert outcome("MA-0908-12-AUT", ours, day) is Outcome.NOT_APPLICABLE
    assert outcome("MA-0908-12-DECL", ours, day) is Outcome.BREACHED
    assert outcome("MA-0908-12-DECL", {key: value for key, value in ours.items() if key != "national_id"}, day) is Outcome.OPEN


def test_a_person_who_objected_may_be_in_no_marketing_audience():
    assert outcome("EU-GDPR-21-2", {"purpose": "prospecting", "opposed": True}, date(2026, 11, 22)) is Outcome.BREACHED
    assert outcome("EU-GDPR-21-2", {"purpose": "prospecting"}, date(2026, 11, 22)) is Outcome.OPEN
    assert outcome("EU-GDPR-21-2", {"purpose": "credit_scoring", "opposed": True}, date(2026, 11, 22)) is Outcome.NOT_APPLICABLE
