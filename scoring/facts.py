"""The facts that conditions of law speak of: a closed list, so that a slip is a fault and never a silent "unknown".

A declaration states them, `scoring.law` asks them. What is asked while a fact is not known stands in the texts (``law.fact_<name>``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from scoring.errors import DeclarationError, nearest, raise_all
from scoring.vocabulary import Criterion, LegalBasis

Kind = Literal["bool", "word", "number", "list", "date"]
Value = bool | str | float | date | tuple[str, ...]
Facts = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a fact may be: its kind, and for words and lists the values allowed (none named: any word)."""

    kind: Kind
    allowed: tuple[str, ...] = ()


def _facts(kind: Kind, names: str) -> dict[str, Fact]:
    return {name: Fact(kind) for name in names.split()}


_BOOLS: Final = """
personal_data profiling automated solely_automated systematic_evaluation score_decisive likely_high_risk large_scale matching vulnerable
innovative monitoring public_monitoring special_category special_category_inferred highly_personal offences genetic_data national_id
interconnection reuse_for_other_purpose social_behaviour unrelated_treatment statutory_basis exempted cil_designated dpo_designated
consumer_credit au_005_commitment second_review interview_offered shared_blacklist public_body
public_service legal_person joint processor cross_border recipient_outside_eea recipient_outside_ma ai_system uses_ai high_risk bias_audit
human_review human_review_with_authority contest_channel explanation_sheet notice_given refusal_notice logic_explained consent_proof
withdrawal_as_easy opposed opposition_checked bloctel_checked collected_at_sale same_entity similar_products opt_out_offered_at_collection
opt_out_in_message offer_related_to_contract related_to_profession stop_address phone_number_collected phone_consent_told call_hours_kept
non_essential_tracker customer_list_uploaded account_inactive retention_expired statistics_after_retention anonymised breach unfair_collection
purpose_diversion over_retention disclosure security_measures register_entry processor_contract joint_arrangement transfer_tool
literacy_training group_gap gap_justified offer_refused legitimate_reason sex_in_price indirect_disadvantage felt_belonging objective_data
declaration_filed authorisation_obtained dpia_done dpia_before_launch dpo_opinion views_sought consultation_sent consultation_answered
fria_done fria_notified registered_eu technical_file risk_file data_governance logs_kept instructions_for_use human_oversight
robustness_tested deployer_measures art_4a_conditions_met special_category_exception variables_in_list dpia_exempt identity_clear
prior_formality_missing infringement observations_possible cndp_declaration_filed cndp_authorisation_obtained
ethno_racial_groups art_22_4_exception direct_distinction distinction_exception offer_conditioned vulnerability_exploited
subject_not_misleading refused_call_in_60_days strict_access request_satisfied no_dpia_reasons_documented
"""
_NUMBERS: Final = """
decisions_following_score override_rate staff calls_in_30_days months_of_inactivity months_log_kept
"""
_DATES: Final = "last_contact_from_person end_of_relation dpia_date consultation_date go_live_date collected_on refused_on last_activity"
CHANNELS: Final = ("email", "sms", "mms", "automated_call", "fax", "phone_human", "post", "social_dm", "inbox_ad", "social_ads", "web")
PURPOSES: Final = (
    *("commercial", "prospecting", "loyalty", "segmentation", "credit_scoring", "life_health_insurance_pricing", "insurance_pricing", "fraud"),
    *("customer_risk", "professional_alert", "list_transfer", "statistics", "supplier_relations", "human_resources", "membership", "other"),
)
EXCLUSIONS: Final = ("right", "service", "contract", "none")
BREACHES: Final = ("phone", "electronic_message", "opposition", "security", "formality", "data_breach", "none")
SECTORS: Final = (
    "energy_renovation",
    "home_adaptation",
    "banking",
    "insurance",
    "retail",
    "telecom",
    "energy",
    "health",
    "housing",
    "press",
    "other",
)
CONTROLLERS: Final = (
    "credit_institution",
    "financing_company",
    "insurer",
    "public_body",
    "private_public_service",
    "company",
    "association",
    "other",
)
SOURCES: Final = (
    *("form", "sale", "membership", "invoice", "mail", "operator", "crm", "web", "bought_list", "partner", "social_network", "open_data"),
    *("external", "internal"),
)
CNIL_LIST: Final = (
    *("health_care", "genetic_vulnerable", "hr_profiling", "employee_monitoring", "social_alerts", "professional_alerts", "health_warehouse"),
    *("exclusion_profiling", "shared_breaches", "external_profiling", "biometric_vulnerable", "social_housing", "social_support"),
    *("large_scale_location", "none"),
)
"""The 14 processings of CNIL deliberation 2018-327; wording not read in full."""
SPLIT: Final = ("ethnicity", "nation", "race")
"""The law names three grounds where the vocabulary has one member."""

FACTS: Final[Mapping[str, Fact]] = {
    **_facts("bool", _BOOLS),
    **_facts("number", _NUMBERS),
    **_facts("date", _DATES),
    "jurisdiction": Fact("list", ("FR", "EU", "MA")),
    "controller_type": Fact("word", CONTROLLERS),
    "sector": Fact("list", SECTORS),
    "audience": Fact("list", ("consumer", "professional")),
    "relation": Fact("list", ("prospect", "customer", "ongoing_contract", "former_customer")),
    "channel": Fact("list", CHANNELS),
    "consent": Fact("word", ("none", "opt_in", "double_opt_in", "withdrawn")),
    "purpose": Fact("list", PURPOSES),
    "legal_basis": Fact("list", tuple(LegalBasis)),
    "data_sources": Fact("list", SOURCES),
    "art_22_exception": Fact("word", ("contract_necessity", "authorised_by_law", "explicit_consent", "none")),
    "effect": Fact("word", ("none", "legal", "similarly_significant")),
    "exclusion_possible": Fact("list", EXCLUSIONS),
    "role": Fact("list", ("provider", "deployer", "importer", "distributor")),
    "residual_risk": Fact("word", ("low", "medium", "high")),
    "request": Fact("list", ("access", "rectification", "erasure", "restriction", "portability", "objection", "human_review", "none")),
    "criterion": Fact("list", (*Criterion, *SPLIT, "none")),
    "group_variable": Fact("list", ("ethnic", "racial", "objective", "felt_belonging", "area", "none")),
    "recipients": Fact("list", ("internal", "processor", "partner", "authority", "outside_eea", "none")),
    "cnil_list_items": Fact("list", CNIL_LIST),
    "breach_of": Fact("list", BREACHES),
}


def checked_facts(given: Mapping[str, Any], *, where: str = "facts") -> dict[str, Value]:
    """Return facts in their proper kinds; what is said to be unknown (nothing, "unknown") is left out.

    ``yes`` and ``no`` are the words that YAML of ours reads for truth values; a single word stands for a list of one.

    Raises
    ------
    FaultyInput or DeclarationError
        With every fault: a name or a value that the vocabulary does not have, a value of another kind.

    Examples
    --------
    >>> checked_facts({"profiling": "yes", "channel": "email", "large_scale": None})
    {'profiling': True, 'channel': ('email',)}
    """
    known: dict[str, Value] = {}
    faults: list[DeclarationError] = []
    for name, value in given.items():
        if value is None or value == "unknown":
            continue
        try:
            known[name] = proper(name, value)
        except ValueError as fault:
            faults.append(DeclarationError(f"{where}: {name}: {fault}"))
    raise_all(where, faults)
    return known


def proper(name: str, value: Any) -> Value:
    """Return a fact in its proper kind.

    Raises
    ------
    ValueError
        No such fact, or a value of another kind: what is wrong, and how to mend it.

    >>> proper("channel", "email")
    ('email',)
    """
    if name not in FACTS:
        raise ValueError(f"no fact {name!r}. Fix: {mend(name, FACTS)}")
    return _PROPER[FACTS[name].kind](FACTS[name], value)


def mend(word: str, known: Iterable[str]) -> str:
    """Say how a word that the vocabulary does not have is mended: the nearest one that it has, or all.

    >>> mend("profilling", ["profiling"]), mend("x", ["yes", "no"])
    ("did you mean 'profiling'?", 'use one of no, yes.')
    """
    words = [str(one) for one in known]
    near = nearest(word, words)
    return f"did you mean {near!r}?" if near else _choices(sorted(words))


def _choices(known: list[str]) -> str:
    return f"use one of {', '.join(known)}." if len(known) <= 30 else f"use one of the {len(known)} that `scoring.facts` lists."


def _truth(_: Fact, value: Any) -> bool:
    truth = {"yes": True, "no": False, "true": True, "false": False}.get(str(value).lower())
    if truth is None:
        raise ValueError(f"should be yes or no (it is {value!r}). Fix: write yes or no, or leave it out while it is not known.")
    return truth


def _amount(_: Fact, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124  (nan)
        raise ValueError(f"should be a number (it is {value!r}). Fix: write a number, or leave it out while it is not known.")
    return float(value)


def _day(_: Fact, value: Any) -> date:
    if isinstance(value, date):
        return value
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)):
        raise ValueError(f"should be a day (it is {value!r}). Fix: write it like 2026-01-31.")
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"no such day as {value!r}. Fix: write one that is in the calendar.") from None


def _word(fact: Fact, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"should be one word (it is {value!r}). Fix: use one of {', '.join(fact.allowed)}.")  # noqa: TRY004  (a fault of the file, not of the code)
    if fact.allowed and value not in fact.allowed:
        raise ValueError(f"no value {value!r}. Fix: {mend(value, fact.allowed)}")
    return str(value)


def _words(fact: Fact, value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple, set, frozenset)):
        raise ValueError(f"should be a list (it is {value!r}). Fix: list some of {', '.join(fact.allowed)}.")  # noqa: TRY004  (a fault of the file, not of the code)
    return tuple(dict.fromkeys(_word(fact, one) for one in (listed if isinstance(listed, (list, tuple)) else sorted(listed))))


_PROPER: Final[Mapping[str, Callable[[Fact, Any], Value]]] = {"bool": _truth, "number": _amount, "date": _day, "word": _word, "list": _words}
