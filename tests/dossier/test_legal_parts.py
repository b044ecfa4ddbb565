"""The law in the dossier: every rule with how far it was checked, every unknown as a question, no code and no English in the French one."""

import dataclasses
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_legal import AUDIT, FR, declared

from scoring.dossier.document import Bullets, Callout, Document, Heading, KeyValues, Paragraph, TableBlock, numbered
from scoring.dossier.formats.markdown import markdown
from scoring.dossier.legal import law_of
from scoring.dossier.parts.legal.criteria import criteria
from scoring.dossier.parts.legal.exposure import exposed, exposure
from scoring.dossier.parts.legal.formalities import formalities
from scoring.dossier.parts.legal.glossary import TERMS, glossary
from scoring.dossier.parts.legal.minimisation import minimisation
from scoring.dossier.parts.legal.rule_trace import rule_trace
from scoring.law.conditions import NO
from scoring.law.criteria import GROUNDS
from scoring.law.rules import Confidence, packaged_rules
from scoring.law.trace import Outcome
from scoring.texts import say
from tests.dossier.once import view_of

PARTS = (formalities, criteria, minimisation, exposure, rule_trace, glossary)
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
ENGLISH = r"\b(the|of|and|with|from|people|than|were|which|known|is|to|by|not|shown|under|rate|read|text|rule|rules|yes)\b"
RULE = re.compile(r"\b(?:EU|FR|MA)-[A-Z0-9][A-Za-z0-9.-]*[A-Za-z0-9]")


def blocks_of(study, language, parts=PARTS, record=None):
    view = view_of(study, language, record)
    return [block for part in parts for block in part(view)]


def texts_of(block):
    """Everything that a block says, piece by piece."""
    if isinstance(block, TableBlock):
        cells = [cell for row in block.rows for cell in (*row.cells, row.remark, row.section) if isinstance(cell, str)]
        return [block.caption, block.note, block.remark, *(column.title for column in block.columns), *cells]
    if isinstance(block, KeyValues):
        return [word for pair in block.items for word in pair]
    return [*block.items, block.title] if isinstance(block, Callout) else list(block.items) if isinstance(block, Bullets) else [block.text]


STUDIES = {"little": declared(AUDIT), "nothing": declared(AUDIT, facts={}), "no day": declared(AUDIT, as_of=None), "audit": AUDIT}


@pytest.fixture(params=["little", "nothing", "credit"])
def study(request):
    return request.getfixturevalue("credit_study") if request.param == "credit" else STUDIES[request.param]


@LANGUAGES
def test_parts_start_with_headings_of_level_3_and_every_table_has_a_caption(study, language):
    for part in PARTS:
        blocks = blocks_of(study, language, [part])
        assert isinstance(blocks[0], Heading)
        assert {block.level for block in blocks if isinstance(block, Heading)} == {3}
        assert all(block.caption and block.rows for block in blocks if isinstance(block, TableBlock))
        assert all(len(row.cells) == len(block.columns) for block in blocks if isinstance(block, TableBlock) for row in block.rows)
    anchors = [block.anchor for block in blocks_of(study, language) if isinstance(block, Heading)]
    assert len(set(anchors)) == len(anchors)


@LANGUAGES
def test_an_audit_says_nothing_of_the_law_and_a_missing_day_is_shown_as_missing(language):
    assert blocks_of(STUDIES["audit"], language) == []
    blocks = blocks_of(STUDIES["no day"], language, [formalities, criteria, minimisation, exposure, rule_trace])
    assert len(blocks) == 5
    assert all(isinstance(block, Callout) and block.missing and "study.as_of" in block.items[0] for block in blocks)


@LANGUAGES
def test_no_rule_that_is_to_be_verified_stands_without_saying_so(study, language):
    doubtful = {rule.id for rule in packaged_rules() if rule.confidence is Confidence.TO_VERIFY}
    words = say("law.confidence_to_verify_before_use", language)
    seen = set()
    for block in blocks_of(study, language):
        for row in block.rows if isinstance(block, TableBlock) else ():
            if named := {name for cell in row.cells if isinstance(cell, str) for name in RULE.findall(cell)} & doubtful:
                assert words in row.cells, (named, row)
                seen |= named
    assert seen == doubtful


@LANGUAGES
def test_every_row_on_a_rule_shows_how_far_it_was_checked(study, language):
    sure = {rule.id: say(f"law.confidence_{rule.confidence.value}", language) for rule in packaged_rules()}
    for block in blocks_of(study, language, [exposure, rule_trace]):
        for row in block.rows if isinstance(block, TableBlock) else ():
            name = next(rule for rule in RULE.findall(row.cells[0]))
            assert row.cells[-1] == sure[name]


@LANGUAGES
def test_all_rules_all_criteria_and_all_terms_are_there(study, language):
    tables = {block.caption: block for block in blocks_of(study, language) if isinstance(block, TableBlock)}
    trace = tables[say("dossier_law.caption_trace", language)]
    assert {RULE.findall(row.cells[0])[0] for row in trace.rows} == {rule.id for rule in packaged_rules()}
    assert len(trace.rows) == 107
    assert len(tables[say("dossier_law.caption_criteria", language)].rows) == len(GROUNDS) == 25
    assert len(tables[say("dossier_law.caption_wp248", language)].rows) == 9
    assert len(tables[say("dossier_law.caption_cnil_list", language)].rows) == 14
    terms = [row.cells[0] for row in tables[say("dossier_law.caption_glossary", language)].rows]
    assert len(set(terms)) == len(TERMS) >= 40
    assert all(all(row.cells) for row in tables[say("dossier_law.caption_glossary", language)].rows)


def test_sanctions_are_those_of_rules_that_apply_or_may_apply_and_of_no_other(study):
    law = law_of(view_of(study, "en"))
    told = exposed(law)
    assert told
    held = {finding.rule.id: finding for finding in law.trace}
    for rule, applies, outcome in told:
        assert rule.sanction is not None
        assert applies is not NO
        assert outcome in {Outcome.OPEN, Outcome.MET, Outcome.BREACHED, Outcome.NOT_IN_FORCE}
        assert outcome is not Outcome.NOT_IN_FORCE or rule.topic == "ai_act"
    left = {name for name, finding in held.items() if finding.rule.sanction and finding.outcome in {Outcome.OPEN, Outcome.MET, Outcome.BREACHED}}
    assert left <= {rule.id for rule, *_ in told}


@LANGUAGES
def test_no_fact_is_named_by_its_code_but_in_the_trace(study, language):
    columns = {*study.plan.columns, *study.plan.groups}
    for block in blocks_of(study, language, [formalities, criteria, minimisation, exposure, glossary]):
        for text in texts_of(block):
            codes = set(re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", text.replace("study.as_of", ""))) - columns - {"foreign_worker"}
            assert not codes, text


def test_the_french_one_holds_no_english_word(study):
    for block in blocks_of(study, "fr"):
        for text in texts_of(block):
            plain = re.sub(r"\[[^]]*\]|\([A-Z]{2}-[^)]*\)|\S+\.(?:com|fr|eu|org|law|md|ma|it)\S*|foreign_worker|B to B", " ", text)
            assert not re.findall(ENGLISH, RULE.sub(" ", plain)), text
            assert not re.findall(r"[^\u202f\s][;?!»](?!\w)|[^\u202f\d]:(?=\s|$)|«[^\u202f]", plain), text


@LANGUAGES
def test_the_gate_lists_every_point_with_its_question_and_never_authorises(study, language):
    blocks = blocks_of(study, language, [formalities])
    law = law_of(view_of(study, language))
    table = next(block for block in blocks if isinstance(block, TableBlock) and block.caption == say("dossier_law.caption_gate", language))
    assert len(table.rows) == len(law.points)
    assert all(row.remark for row, point in zip(table.rows, law.points, strict=True) if point.state in {"open", "unknown"})
    said = " ".join(text for block in blocks for text in texts_of(block)).lower()
    assert not re.search(r"\b(is authorised|are authorised|est autorisée?|launch is allowed)\b", said)
    assert any(isinstance(block, Callout) and block.missing for block in blocks)
    assert any(isinstance(block, Paragraph) and block.text == say("law.no_advice", language) for block in blocks)


@LANGUAGES
def test_what_could_not_be_measured_is_said_and_what_could_stands_with_its_interval(language, monkeypatch):
    said = " ".join(text for block in blocks_of(STUDIES["little"], language, [formalities]) for text in texts_of(block))
    assert say("dossier_law.decisive_no_cutoff", language) in said
    view = view_of(STUDIES["little"], language)
    from scoring.dossier import legal

    vars(view)["_law"] = legal.assess(STUDIES["little"], cutoff=480)
    blocks = list(formalities(view))
    table = next(block for block in blocks if isinstance(block, TableBlock) and block.caption == say("dossier_law.caption_overrides", language))
    assert {row.cells[0] for row in table.rows} == {"north", "south", "east", "F", "M"}
    assert all(row.cells[5].low <= row.cells[5].value <= row.cells[5].high for row in table.rows)
    assert all(row.cells[2] == row.cells[3] + row.cells[4] for row in table.rows)


@LANGUAGES
def test_a_declared_cutoff_stands_before_the_share_and_who_is_in_no_number_after_it(language):
    little = STUDIES["little"]
    score = little.plan.score.model_copy(update={"applied_cutoff": 480.0})
    study = dataclasses.replace(little, plan=little.plan.model_copy(update={"score": score}))
    said = " ".join(text for block in blocks_of(study, language, [formalities]) for text in texts_of(block))
    assert say("dossier_law.decisive_at_least", language, value=480) in said
    assert say("dossier_law.decisive_left_out", language, unscored="0", undecided="0") in said
    assert say("dossier_law.decisive_no_cutoff", language) not in said


def test_small_groups_are_not_among_the_overrides():
    few = dataclasses.replace(
        STUDIES["little"],
        plan=STUDIES["little"].plan.model_copy(update={"bounds": AUDIT.plan.bounds.model_copy(update={"publication_threshold": 300})}),
    )
    view = view_of(few, "en")
    from scoring.dossier import legal

    vars(view)["_law"] = legal.assess(few, cutoff=480)
    table = next(
        block for block in formalities(view) if isinstance(block, TableBlock) and block.caption == say("dossier_law.caption_overrides", "en")
    )
    assert "east" not in {row.cells[0] for row in table.rows}
    assert all(row.cells[1] >= 300 for row in table.rows)


@LANGUAGES
def test_a_fraud_purpose_is_said_apart(language):
    stated = {**FR, "purpose": ["credit_scoring", "fraud"]}
    said = {
        key: " ".join(text for block in blocks_of(declared(AUDIT, facts=facts), language, [formalities]) for text in texts_of(block))
        for key, facts in {"yes": stated, "no": {**FR, "purpose": "credit_scoring"}, "unknown": FR}.items()
    }
    fraud = say("fact_names.value_fraud", language)
    assert say("dossier_law.tracks_yes", language, purposes=fraud) in said["yes"]
    assert say("dossier_law.tracks_no", language) in said["no"]
    assert say("dossier_law.tracks_unknown", language) in said["unknown"]


@LANGUAGES
def test_hostile_words_of_an_answer_stay_words(language):
    answer = {"rule": "EU-GDPR-OMNIBUS", "by": "<script>x</script>", "on": "2026-10-01", "reason": "{0} | `id`\n# x", "applies": False}
    blocks = blocks_of(STUDIES["little"], language, [rule_trace], {"answers": [answer]})
    assert any("<script>x</script>" in text and "{0} | `id`" in text for block in blocks for text in texts_of(block))
    written = markdown(Document("x", language, numbered(tuple(blocks), language))).decode()
    assert "<script>" not in written


def test_the_law_is_worked_out_once_a_view():
    view = view_of(STUDIES["little"], "en")
    assert law_of(view) is law_of(view)
