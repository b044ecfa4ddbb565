"""A few rules written for tests, in the form of the packaged ones; no statement of law."""

from datetime import date

from scoring.law.rules import Rule, RuleBook

TEXT = {"en": "x", "fr": "y"}


def rule(name, applies="always", satisfied=None, **changes):
    given = {
        "id": name,
        "jurisdiction": name[:2] if name[:2] in {"FR", "EU", "MA"} else "EU",
        "topic": "test",
        "reference": "art. 1",
        "valid_from": None,
        "valid_to": None,
        "title": {"en": f"title {name}", "fr": f"titre {name}"},
        "requirement": TEXT,
        "applies": applies,
        "satisfied": satisfied,
        "question": {"en": f"ask {name}?", "fr": f"question {name} ?"},
        "evidence": None,
        "blocking": False,
        "prose": "-",
        "confidence": "to_confirm",
        "source": "",
    }
    return Rule.model_validate({**given, **changes})


def book(*rules):
    return RuleBook({one.id: one for one in rules})


def _from(day, **more):
    return {"valid_from": day, **more}


OLD = _from("2004-08-07", valid_to="2018-05-24", blocking=True)
GDPR = _from("2018-05-25", blocking=True)
LIST = _from("2018-11-07", blocking=True)
AIA = _from("2027-12-02", topic="ai_act", blocking=True)
MA = _from("2009-03-05", blocking=True)
NINE = (
    "count(profiling, automated and effect in [legal, similarly_significant], monitoring, special_category or highly_personal, large_scale, "
    "matching, vulnerable, innovative, exclusion_possible) >= 2"
)
SOFT = "collected_at_sale and same_entity and similar_products and opt_out_offered_at_collection and opt_out_in_message and not opposed"
TRIGGERS = "special_category or reuse_for_other_purpose or genetic_data or offences or national_id or interconnection"
SMALL = book(
    rule("FR-LIL-22-DECL", "automated and not exempted", **{**OLD, "valid_from": "1978-01-07"}),
    rule("FR-LIL-25-I-4", "automated and exclusion_possible and not statutory_basis", "authorisation_obtained", **OLD),
    rule("FR-AU-005", "purpose contains credit_scoring and controller_type = credit_institution", **{**OLD, "valid_from": "2006-03-23"}),
    rule(
        "EU-GDPR-35-1", "likely_high_risk or (systematic_evaluation and automated and effect in [legal, similarly_significant])", "dpia_done", **GDPR
    ),
    rule("EU-WP248", NINE, "dpia_done", **{**GDPR, "valid_from": "2017-10-04"}),
    rule("FR-AIPD-LIST-8", "profiling and exclusion_possible contains contract", "dpia_done", **LIST),
    rule("FR-AIPD-LIST-9", "shared_blacklist and exclusion_possible", "dpia_done", **LIST),
    rule("FR-AIPD-LIST-10", "profiling and data_sources in [external, bought_list, partner]", "dpia_done", **LIST),
    rule("FR-ALERTES-PRO", "purpose contains professional_alert", "dpia_done", **LIST),
    rule("EU-GDPR-36", "residual_risk = high", "consultation_answered", **GDPR),
    rule("EU-GDPR-22", "solely_automated and effect in [legal, similarly_significant]", "human_review_with_authority and contest_channel", **GDPR),
    rule("EU-CJEU-SCHUFA", "score_decisive", "human_review_with_authority", **_from("2023-12-07", blocking=True)),
    rule("FR-LIL-47", "solely_automated and effect", **_from("2019-06-01")),
    rule("EU-AIA-5-1-c", "ai_system and social_behaviour and unrelated_treatment", "not always", **{**AIA, "valid_from": "2025-02-02"}),
    rule("EU-AIA-III-5B", "ai_system and purpose in [credit_scoring, life_health_insurance_pricing]", **AIA),
    rule("EU-AIA-9", "role contains provider and rule(EU-AIA-III-5B)", "risk_file", **AIA),
    rule("EU-AIA-27", "role contains deployer and rule(EU-AIA-III-5B)", "fria_done", **AIA),
    rule("EU-CCD2-18", "purpose contains credit_scoring and date >= 2026-11-20", **_from("2026-11-20")),
    rule(
        "FR-TEL-BLOCTEL",
        "channel contains phone_human and audience contains consumer",
        "bloctel_checked and not opposed",
        **_from("2016-06-01", valid_to="2026-08-10", blocking=True),
    ),
    rule(
        "FR-TEL-OPTIN",
        "channel contains phone_human and audience contains consumer",
        "consent in [opt_in, double_opt_in] or (relation contains ongoing_contract and offer_related_to_contract)",
        **_from("2026-08-11", blocking=True),
    ),
    rule(
        "FR-CPCE-L34-5",
        "channel in [email, sms, mms, automated_call, fax] and audience contains consumer and not rule(FR-CPCE-L34-5-EXC)",
        "consent in [opt_in, double_opt_in]",
        **_from("2004-06-22", blocking=True),
    ),
    rule("FR-CPCE-L34-5-EXC", f"channel in [email, sms] and relation contains customer and {SOFT}", "always", **_from("2004-06-22")),
    rule("EU-GDPR-21-2", "purpose contains prospecting", "not opposed", **GDPR),
    rule("FR-RET-PROSPECT", "relation contains prospect", "elapsed(last_contact_from_person) <= 3 years", **_from("2022-04-11")),
    rule("MA-0908-12-AUT", TRIGGERS, "cndp_authorisation_obtained", **MA),
    rule("MA-0908-12-DECL", "not rule(MA-0908-12-AUT)", "cndp_declaration_filed", **MA),
    rule("MA-0908-11", "solely_automated and effect = legal", "observations_possible or request_satisfied", **MA),
)
DAY = date(2026, 9, 1)
