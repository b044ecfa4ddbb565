"""The declared sections say what was declared, show what is missing with who must supply it, and invent nothing."""

import dataclasses
import hashlib
import itertools
import re
import types
import typing
from datetime import date
from enum import StrEnum
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import scoring
from scoring.assessment import ARTICLE_28, Assessment, Right, Risk
from scoring.dossier.document import (
    Bullets,
    Callout,
    Document,
    Estimate,
    Heading,
    KeyValues,
    OutOf,
    Paragraph,
    TableBlock,
    numbered,
)
from scoring.dossier.formats.html import html
from scoring.dossier.formats.markdown import markdown
from scoring.dossier.parts.declared import (
    actors,
    campaigns,
    data_quality,
    description,
    governance,
    information,
    justifications,
    legal_basis,
    purposes,
    retention,
    rights,
    risks,
    security,
)
from scoring.law.rules import packaged_rules
from scoring.provenance import canonical
from scoring.texts import say
from tests.dossier.once import view_of

MODULES = (
    description, purposes, actors, data_quality, retention, information, rights, legal_basis, justifications, campaigns, security, risks, governance,
)  # fmt: skip
PARTS = [getattr(module, module.__name__.rsplit(".", 1)[-1]) for module in MODULES]
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
ELSEWHERE = {"necessity", "variables", "intended_use", "limitations"}
"""Keys of the assessment that other sections show: D6 (minimisation) and D11 (model card)."""
ACTIVITY = Path(__file__).parents[2] / "data/samples/credit/activity.yaml"
TOO_MUCH = {
    "en": r"\b(fair|unfair|fairly|fairness|unbiased|debias\w*|compliant|compliance)\b|no bias|without bias",
    "fr": r"équitable|inéquitable|sans biais|non biaisé|\bconforme|\bconformité",
}
ENGLISH = r"\b(the|of|and|with|from|people|group|groups|others?|than|were|which|known|is|to|by|stage|shown|under|rate|missing|supplied)\b"


@pytest.fixture(scope="module")
def declared():
    return scoring.ProcessingActivity.read(ACTIVITY).document()


@pytest.fixture(scope="module")
def decided():
    """Return an audit of made people of two groups, one of which is shut out; few of one lack a score, many of both an outcome."""
    rng = np.random.default_rng(6)
    group = rng.choice(["phone", "web"], 400, p=[0.3, 0.7]).astype(object)
    frame = pd.DataFrame({"channel": group, "granted": (rng.random(400) < np.where(group == "phone", 0.2, 0.8)).astype(int)})
    frame["repaid"] = pd.Series(rng.integers(0, 2, 400)).where(rng.random(400) < 0.7)
    frame["score"] = pd.array(rng.integers(0, 900, 400), "Int64")
    frame.loc[:3, "score"] = pd.NA
    return scoring.audit(frame, decision="granted", favourable=1, groups=["channel"], outcome="repaid", favourable_outcome=1, score="score")


@pytest.fixture(scope="module")
def made(decided, declared):
    """Return a maker of studies: the decisions of made people, under a declaration with the assessment that is given."""

    def make(assessment=None, *, as_of=date(2026, 11, 1), digest="d" * 64, **changes):
        document = {**declared, **changes, "assessment": Assessment.model_validate(assessment or {}).model_dump(mode="json")}
        plan = decided.plan.model_copy(update={"as_of": as_of})
        return dataclasses.replace(decided, document=document, digest=digest, plan=plan)

    return make


def blocks_of(study, language="en", record=None, parts=PARTS):
    view = view_of(study, language, record)
    return tuple(block for part in parts for block in part(view))


def words_of(block):
    """Every piece of text that a block shows."""
    if isinstance(block, TableBlock):
        yield from (block.caption, block.note, *(column.title for column in block.columns))
        for row in block.rows:
            yield from (*(cell for cell in row.cells if isinstance(cell, str)), row.remark, row.section)
    elif isinstance(block, KeyValues):
        yield from (text for item in block.items for text in item)
    elif isinstance(block, Bullets | Callout):
        yield from block.items
    elif isinstance(block, Heading | Paragraph):
        yield block.text


def text_of(blocks):
    return "\n".join(text for block in blocks for text in words_of(block))


def missing_of(blocks):
    return [item for block in blocks if isinstance(block, Callout) and block.missing for item in block.items]


def shape(blocks):
    return [(type(block).__name__, len(block.rows) if isinstance(block, TableBlock) else None) for block in blocks]


def cells(blocks, caption):
    return [row.cells for block in blocks if isinstance(block, TableBlock) and caption in block.caption for row in block.rows]


# every key of the assessment


class Marks:
    """Fills a model with texts that are found nowhere else, both languages, from its own annotations: a new key is tested as it comes."""

    def __init__(self):
        self.next, self.placed = count(1), {}

    def word(self, where, *, both):
        number = next(self.next)
        self.placed[number] = where
        return {"en": f"MARK{number:04d}EN", "fr": f"MARK{number:04d}FR"} if both else f"MARK{number:04d}XX"

    def model(self, kind, where=()):
        return {name: self.value(field.annotation, (*where, name)) for name, field in kind.model_fields.items()}

    def value(self, kind, where):  # noqa: PLR0911  (a table of kinds)
        origin, inside = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Annotated:
            return self.value(inside[0], where)
        if origin is typing.Literal:
            return inside[0]
        if origin in (typing.Union, types.UnionType):
            inside = [one for one in inside if one is not type(None)]
            texts = any(typing.get_origin(one) is dict for one in inside)
            return self.word(where, both=True) if texts else self.value(inside[0], where)
        if origin is tuple:
            return ["measure"] if where[-1] == "measures" else [self.value(inside[0], where)]
        if origin is dict:
            keys = [str(one) for one in inside[0]] if isinstance(inside[0], type) and issubclass(inside[0], StrEnum) else ["measure"]
            return {key: self.value(inside[1], (*where, key)) for key in keys}
        if issubclass(kind, BaseModel):
            return self.model(kind, where)
        if issubclass(kind, StrEnum):
            return str(next(iter(kind)))
        return {bool: False, int: 2, date: "2027-01-31"}.get(kind) if kind in (bool, int, date) else self.word(where, both=False)


@LANGUAGES
def test_every_text_of_the_assessment_stands_in_the_blocks(made, language):
    marks = Marks()
    blocks = blocks_of(made(marks.model(Assessment)), language)
    text = text_of(blocks)
    lost = [where for number, where in marks.placed.items() if f"MARK{number:04d}" not in text and where[0] not in ELSEWHERE]
    assert len(marks.placed) > 60
    assert not lost
    assert not re.search(r"MARK\d{4}" + {"en": "FR", "fr": "EN"}[language], text)


@LANGUAGES
def test_a_key_that_is_left_out_is_shown_as_missing_with_who_must_supply_it(made, language):
    missing = missing_of(blocks_of(made(), language))
    simple = ["description", "life_cycle", "supports", "volume", "prohibited_uses", "diversion_check", "standards", "quality", "oversight"]
    simple += ["complaints", "consent", "freeze", "breach", "stop"]
    wanted = [say(f"dossier_declared.key_{key}", language) for key in simple]
    wanted += [say(f"dossier_declared.lacks_{key}", language) for key in ("contracts", "origins", "measures", "training", "reviews", "trail")]
    wanted += [
        say("dossier_declared.lacks_right", language, right=say(f"dossier_declared.right_{right}", language))
        for right in Right
        if right is not Right.OBJECTION
    ]
    wanted += [say("dossier_declared.lacks_risk", language, risk=say(f"dossier_declared.risk_{risk}", language)) for risk in Risk]
    for what in wanted:
        assert any(item.startswith(what) for item in missing), what
    whom = say("missing.item", language, what="", who="").strip()
    assert all(whom in item for item in missing)


@pytest.mark.parametrize("key", sorted(set(Assessment.model_fields) - ELSEWHERE - {"balance", "justifications", "notices", "monitoring"}))
def test_what_is_said_is_no_longer_missing(made, key):
    whole = Marks().model(Assessment)
    if key == "measures":
        whole["risks"] = {}
    if key == "contracts":
        whole["contracts"][0] |= {"role": "recipient", "signed": "2026-01-01"}
    nothing = Assessment().model_dump()[key]
    assert len(missing_of(blocks_of(made(whole)))) < len(missing_of(blocks_of(made({**whole, key: nothing}))))


@LANGUAGES
def test_an_audit_without_a_declaration_says_nothing_here(decided, language):
    assert blocks_of(decided, language, {"opinions": [{"kind": "dpo", "by": "A", "text": "x"}]}) == ()


def test_both_languages_have_the_same_blocks(made, declared):
    for study in (made(), made(declared["assessment"]), made(Marks().model(Assessment))):
        assert shape(blocks_of(study, "en")) == shape(blocks_of(study, "fr"))


@LANGUAGES
def test_headings_are_of_the_third_level_with_anchors_of_their_own_and_tables_have_captions(made, declared, language):
    blocks = blocks_of(made(declared["assessment"]), language)
    headings = [block for block in blocks if isinstance(block, Heading)]
    assert {block.level for block in headings} == {3}
    assert len({block.anchor for block in headings}) == len(headings)
    assert all(block.caption for block in blocks if isinstance(block, TableBlock))
    assert not any(isinstance(first, Heading) and isinstance(second, Heading) for first, second in itertools.pairwise(blocks))


@LANGUAGES
def test_no_section_promises_what_no_tool_can_give(made, language):
    assert not re.search(TOO_MUCH[language], text_of(blocks_of(made(), language)), re.IGNORECASE)


def test_no_english_word_stands_in_french_sections(made, declared):
    text = text_of(blocks_of(made(declared["assessment"]), "fr"))
    for name in (declared["dpo"]["name"], declared["controller"]["name"], declared["controller"]["address"], "Hugues Mercier"):
        text = text.replace(name, "")
    assert [line for line in text.splitlines() if re.search(ENGLISH, line, re.IGNORECASE)] == []


def test_french_sections_have_narrow_blanks_before_double_signs(made):
    plain = [{"name": "Prospection", "legal_basis": "contract", "detail": None}]  # words of a declaration are as they were written
    text = text_of(blocks_of(made(purposes=plain), "fr"))
    assert not re.search(r" [;:?!»]|« ", text)


def test_a_fresh_study_of_the_sample_is_written_in_every_format_of_text(credit_study):
    for language in ("en", "fr"):
        document = Document("t", language, numbered(blocks_of(credit_study, language), language))
        assert html(document)
        assert markdown(document)


# each section on its own


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(ARTICLE_28)), st.sampled_from(["processor", "recipient", "provider", "joint_controller"]))
def test_clauses_held_and_missing_are_the_eight_of_a_processor(held, role):
    missing = actors.clauses_missing({"role": role, "clauses": list(held)})
    assert set(missing) == (set(ARTICLE_28) - held if role == "processor" else set())


def test_a_contract_shows_its_clauses_its_signature_and_what_it_lacks(made):
    contract = {"party": "Host", "role": "processor", "object": "Hosting", "clauses": [str(one) for one in ARTICLE_28[:-1]], "licence": "L"}
    blocks = blocks_of(made({"contracts": [contract]}), parts=[actors.actors])
    ((_, role, _, signed, clauses),) = cells(blocks, "Contracts")
    assert (role, signed, clauses) == ("processor", "not said", "7 of 8")
    missing = missing_of(blocks)
    assert any("clauses not declared: proof, audits and inspections" in item for item in missing)
    assert any("date of signature" in item for item in missing)


def test_joint_controllers_need_an_arrangement_and_a_provider_a_licence(made):
    provider = {"party": "P", "role": "provider", "object": "Tool", "signed": "2026-01-01"}
    joint = [{"name": "J", "contact": "j@example"}]
    missing = missing_of(blocks_of(made({"contracts": [provider]}, joint_controllers=joint), parts=[actors.actors]))
    assert any("art. 26" in item for item in missing)
    assert any("what use is licensed" in item for item in missing)


def test_a_contract_that_the_register_holds_is_shown_once(made):
    contract = {"party": "Host", "role": "recipient", "object": "x", "clauses": [], "signed": "2026-01-01", "licence": None}
    study = made({"contracts": [contract]})
    assert len(cells(blocks_of(study, record={"contracts": [contract]}, parts=[actors.actors]), "Contracts")) == 1
    assert len(cells(blocks_of(study, record={"contracts": [{**contract, "party": "Q"}]}, parts=[actors.actors]), "Contracts")) == 2


@LANGUAGES
def test_the_standard_that_excludes_exclusion_is_said_not_to_apply_with_its_confidence(made, language):
    text = text_of(blocks_of(made(), language, parts=[actors.actors]))
    rule = packaged_rules()["FR-REF-GC-SCOPE"]
    assert rule.requirement.said(language) in text
    assert say(f"law.confidence_{rule.confidence}", language) in text


@LANGUAGES
def test_every_rule_that_is_named_has_its_confidence_beside_it(made, declared, language):
    for block in blocks_of(made(declared["assessment"]), language):
        for text in words_of(block):
            for rule in re.findall(r"\b(?:EU|FR|MA)-[A-Z0-9][A-Z0-9-]*", text):
                assert say(f"law.confidence_{packaged_rules()[rule].confidence}", language) in text


def test_a_rule_still_to_come_is_dated_and_one_of_another_time_is_not_relied_on(made):
    now = text_of(blocks_of(made(as_of=date(2026, 11, 1)), parts=[information.information]))
    assert "EU-AIA-26, from 2 December 2027" in now
    assert "EU-AIA-26, from" not in text_of(blocks_of(made(as_of=date(2028, 1, 1)), parts=[information.information]))
    desk = {"rights": {"access": {"how": "By letter"}}}
    assert "by law one month" in text_of(blocks_of(made(desk), parts=[rights.rights]))
    assert "by law one month" not in text_of(blocks_of(made(desk, as_of=date(2016, 1, 1)), parts=[rights.rights]))


@pytest.mark.parametrize(
    ("days", "said"), [(0, "0 days"), (30, "30 days"), (31, "31 days"), (32, "32 days, longer than the month of GDPR art. 12(3)")]
)
def test_a_time_longer_than_the_month_is_said_to_be(made, days, said):
    rows = cells(blocks_of(made({"rights": {"access": {"how": "x", "days": days}}}), parts=[rights.rights]), "each right")
    assert rows[0] == ("Access", "x", said)
    assert len(rows) == len(Right)
    assert all(row[1:] == ("not declared", "not declared") for row in rows[1:] if row[0] != "Objection")


def test_what_notices_tell_is_read_from_the_facts_in_three_values(made):
    blocks = blocks_of(made(facts={"logic_explained": True, "refusal_notice": False}), parts=[information.information])
    assert [row[1] for row in cells(blocks, "What is told")] == ["not said", "yes", "no"]
    assert any(item.startswith("Whether this is so: A notice is given") for item in missing_of(blocks))
    assert not any("refused is told" in item for item in missing_of(blocks))


def test_the_balance_is_missing_only_where_a_legitimate_interest_is_claimed(made):
    name = say("dossier_declared.key_balance", "en")
    claimed = [{"name": "Prospecting", "legal_basis": "legitimate_interests", "detail": None}]
    assert any(name in item for item in missing_of(blocks_of(made(purposes=claimed), parts=[legal_basis.legal_basis])))
    assert not any(name in item for item in missing_of(blocks_of(made(), parts=[legal_basis.legal_basis])))
    assert any("Prospecting" in item for item in missing_of(blocks_of(made(purposes=claimed), parts=[legal_basis.legal_basis])))


def test_the_log_counts_incidents_of_the_register_and_lacks_one_where_there_is_none(made):
    text = text_of(
        blocks_of(made(), record={"incidents": [{"at": "2026-01-01", "closed_at": None}, {"closed_at": "2026-02-01"}]}, parts=[rights.rights])
    )
    assert "2, still open: 1" in text
    assert not any("Log of incidents" in item for item in missing_of(blocks_of(made(), record={"incidents": []}, parts=[rights.rights])))
    assert any("Log of incidents" in item for item in missing_of(blocks_of(made(), parts=[rights.rights])))


# what is missing of each group


def test_missing_scores_and_outcomes_by_group_are_those_of_the_frame():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {"sex": rng.choice(["F", "M", "(none)"], 600, p=[0.5, 0.47, 0.03]), "place": rng.choice(["a", "b", "c"], 600, p=[0.6, 0.39, 0.01])}
    )
    frame["sex"] = frame["sex"].replace("(none)", None)
    frame["score"], frame["granted"] = pd.array(rng.integers(0, 900, 600), "Int64"), rng.integers(0, 2, 600)
    frame["repaid"] = pd.Series(rng.integers(0, 2, 600)).where(rng.random(600) < 0.7)
    frame.loc[rng.random(600) < 0.2, "score"] = pd.NA
    study = scoring.audit(frame, decision="granted", favourable=1, groups=["sex", "place"], outcome="repaid", favourable_outcome=1, score="score")
    view = view_of(study, "en")
    for attribute, what, column in itertools.product(("sex", "place"), ("unobserved", "unscored"), ("repaid", "score")):
        if (what == "unscored") == (column == "score"):  # the second road: the frame itself
            published = set(view.single("selection_rate").query("attribute == @attribute")["group"])
            named = frame[attribute].fillna("(unknown)")
            groups = named.where(named.isin(published), "(small groups)")
            wanted = {name: (len(part), int(part[column].isna().sum())) for name, part in frame.groupby(groups)}
            assert data_quality.missing_of(view, attribute, what) == wanted


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text(max_size=2), st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=5),
    st.integers(2, 20),
)
def test_no_cell_of_some_people_but_few_is_let_out(held, threshold):
    found = data_quality.shown(held, threshold)
    few = [part for people, without in held.values() for part in (without, people - without) if 0 < part < threshold]
    assert (found is None) == bool(few)
    assert found is None or found == held


def test_a_column_that_would_tell_of_few_people_is_withheld_for_the_whole_attribute(made):
    block = next(
        block for block in blocks_of(made(), parts=[data_quality.data_quality]) if isinstance(block, TableBlock) and "missing" in block.caption
    )
    for _, rows in block.parts:
        for place in (2, 3):
            column = [row.cells[place] for row in rows]
            assert all(cell == "withheld" for cell in column) if place == 2 else all(isinstance(cell, int) and cell >= 10 for cell in column)


# risks, opinions, evidence


@settings(max_examples=60, deadline=None)
@given(st.dates(), st.none() | st.dates(), st.none() | st.dates())
def test_an_action_is_overdue_when_its_day_has_passed_and_it_was_not_done(due, done, as_of):
    late = risks.Action("x", "o", due, done).overdue(as_of)
    assert late == (as_of is not None and due < as_of and (done is None or done > as_of))


def test_the_plan_of_action_holds_planned_measures_answers_and_recorded_actions_by_day(made):
    assessment = {
        "measures": {
            "a": {"title": "Planned", "content": "x", "in_place": False, "owner": "P", "due": "2026-10-01"},
            "b": {"title": "There", "content": "x"},
        },
        "justifications": [{"attribute": "channel", "group": "phone", "measure": "Call back", "owner": "Q", "due": "2026-12-01"}],
    }
    record = {
        "actions": [{"what": "Audit", "owner": "R", "due": "2026-01-01", "done_at": "2026-01-01"}, {"what": "Nobody's", "owner": None, "due": None}]
    }
    blocks = blocks_of(made(assessment), record=record, parts=[risks.risks])
    states = {row[0]: row[3] for row in cells(blocks, "What is to be done")}
    assert states == {"Audit": "done on 1 January 2026", "Planned": "overdue", "Call back": "to do", "Nobody's": "to do"}
    assert list(states) == ["Audit", "Planned", "Call back", "Nobody's"]
    assert any("Nobody's" in item for item in missing_of(blocks))


def assessed(severity, likelihood):
    told = {"impacts": ["i"], "threats": ["t"], "sources": ["s"], "severity": 4, "likelihood": 4}
    return {"risks": {str(risk): {**told, "residual_severity": severity, "residual_likelihood": likelihood} for risk in Risk}}


@pytest.mark.parametrize(
    ("severity", "likelihood", "said"),
    [
        (2, 2, "no feared event keeps"),
        (3, 1, "stays important or maximal"),
        (1, 4, "stays important or maximal"),
        (None, 1, "not known whether a high risk"),
    ],
)
def test_a_residual_risk_that_is_important_or_maximal_asks_for_the_authority_and_an_unknown_one_never_passes(made, severity, likelihood, said):
    assert said in text_of(blocks_of(made(assessed(severity, likelihood)), parts=[risks.risks]))


@pytest.mark.parametrize(
    ("language", "levels"), [("en", ["Negligible", "Limited", "Important", "Maximal"]), ("fr", ["Négligeable", "Limitée", "Importante", "Maximale"])]
)
def test_levels_are_said_in_the_words_of_the_scale(made, language, levels):
    told = {"impacts": ["i"], "threats": ["t"], "sources": ["s"], "severity": 1, "likelihood": 2, "residual_severity": 3, "residual_likelihood": 4}
    rows = cells(blocks_of(made({"risks": {"access": told}}), language, parts=[risks.risks]), {"en": "Feared", "fr": "redoutés"}[language])
    assert list(rows[0][1:]) == levels


def test_an_opinion_without_a_name_is_none_and_nothing_is_said_for_anybody(made):
    record = {
        "opinions": [
            {"kind": "dpo", "by": "  ", "text": "all well", "favourable": True},
            {"kind": "persons", "by": "Panel", "text": "told", "favourable": None},
        ]
    }
    blocks = blocks_of(made(), record=record, parts=[risks.risks])
    assert "all well" not in text_of(blocks)
    assert cells(blocks, "Opinions") == [("Persons concerned", "Panel", "not said", "not said")]
    missing = missing_of(blocks)
    assert any("data protection officer, recorded under their name" in item for item in missing)
    assert not any("Views of the persons" in item for item in missing)


@pytest.mark.parametrize(
    ("digest", "outcome", "valid"), [("d" * 64, "approve", True), ("d" * 64, "refuse", False), ("e" * 64, "approve", False), (None, "approve", False)]
)
def test_the_controller_s_decision_counts_only_for_this_version(made, digest, outcome, valid):
    record = {"reviews": [{"by": "C", "role": "controller", "outcome": outcome, "text": "so", "at": "2026-10-01T08:00:00Z", "digest": digest}]}
    missing = missing_of(blocks_of(made(), record=record, parts=[risks.risks]))
    assert any("Decision of the controller" in item for item in missing) != valid
    unsaved = missing_of(blocks_of(made(digest=None), record=record, parts=[risks.risks]))
    assert any("Decision of the controller" in item for item in unsaved)


def test_the_evidence_is_known_by_its_hashes(made):
    study = made()
    record = {
        "trail_head": {"sequence": 7, "hash": "f" * 64},
        "studies": [{"digest": study.digest, "files": {"model.skops": "a" * 64}}, {"digest": "other", "files": {"x": "y"}}],
    }
    rows = dict(cells(blocks_of(study, record=record, parts=[governance.governance]), "Evidence"))
    assert rows["Manifest of the study"] == study.digest
    assert rows["Declaration, as JSON"] == hashlib.sha256(canonical(study.document)).hexdigest()
    assert rows["File of the study model.skops"] == "a" * 64
    assert "y" not in rows.values()
    assert "f" * 64 in text_of(blocks_of(study, record=record, parts=[governance.governance]))


# hostile words


HOSTILE = [
    "<script>alert(1)</script>",
    "{0} {x!r} {{7*7}} %s",
    "=cmd|' /C calc'!A0",
    "#eval(sys) $x$ *b* `c`",
    "a\u202eb\u200bc",
    "أهلاً",
    "x" * 100_000,
    "🙂",
]


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_stay_words_in_every_field(made, words):
    marks = Marks()
    marks.word = lambda where, *, both: words  # noqa: ARG005
    assessment = marks.model(Assessment)
    entry = dict.fromkeys(
        ("by", "role", "outcome", "text", "at", "digest", "kind", "what", "owner", "due", "done_at", "party", "object", "signed"), words
    )
    record = {name: [entry] for name in ("opinions", "reviews", "actions", "contracts", "notices", "training", "incidents", "studies")}
    record |= {
        "justifications": [{"attribute": words, "group": words, "metric": words, "aim": words, "due": words}],
        "trail_head": {"sequence": words, "hash": words},
    }
    blocks = blocks_of(made(assessment), "fr", record)
    assert words in text_of(blocks)
    document = Document("t", "fr", numbered(blocks, "fr"))
    assert b"<script>alert" not in html(document)


def test_the_cells_of_the_sections_are_words_or_numbers_that_a_format_can_write(made, declared):
    for block in blocks_of(made(declared["assessment"])):
        for row in block.rows if isinstance(block, TableBlock) else ():
            assert len(row.cells) == len(block.columns)
            assert all(cell is None or isinstance(cell, str | int | float | Estimate | OutOf) for cell in row.cells)
