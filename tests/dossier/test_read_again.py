"""What readers of the dossier found: facts that speak against, rights that look optional, needs that are done too soon."""

import dataclasses
from datetime import date

import pytest

import scoring
from scoring.assessment import Right
from scoring.dossier.document import Callout, KeyValues, Paragraph, TableBlock
from scoring.dossier.parts.annexes.fria import fria
from scoring.dossier.parts.cover.phases import needs, phases
from scoring.dossier.parts.declared.data_quality import data_quality
from scoring.dossier.parts.declared.rights import rights, rights_given
from scoring.dossier.parts.legal.exposure import exposure
from scoring.dossier.parts.legal.formalities import formalities
from scoring.dossier.parts.legal.rule_trace import rule_trace
from scoring.dossier.parts.study.closing import everybody
from scoring.dossier.parts.study.page_one import page_one
from scoring.dossier.pia import pia_of
from scoring.dossier.view import View
from scoring.law.rules import packaged_rules
from scoring.texts import french, say
from tests.dossier.annex_studies import WHOLE, activity, people

LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])


@pytest.fixture(scope="module")
def view(credit_study):
    return View.of(credit_study, "en")


@pytest.fixture(scope="module")
def south():
    """A study that shows an exclusion, which a measure answers."""
    return dataclasses.replace(scoring.conduct_study(activity(WHOLE), people()), digest="d" * 64)


def table_of(part, view, room, key):
    caption = say(f"{room}.{key}", view.language)
    return next(block for block in part(view) if isinstance(block, TableBlock) and block.caption == caption)


def declared_as(study, **changes):
    return View.of(dataclasses.replace(study, document={**study.document, **changes}), "en")


def states(study):
    return {row.cells[0]: row.cells[2] for block in phases(View.of(study, "en")) if isinstance(block, TableBlock) for row in block.rows}


def test_only_the_facts_that_call_for_an_assessment_are_named(view):
    row = next(row for row in table_of(formalities, view, "dossier_law", "caption_formalities").rows if "35" in row.cells[0])
    assert "profiling = yes" in row.remark
    assert "= no" not in row.remark


@LANGUAGES
def test_the_rights_that_a_request_sets_off_are_not_open_whether_they_are_owed(credit_study, language):
    view = View.of(credit_study, language)
    rows = {row.cells[0].split("(")[-1].rstrip(")"): row.cells for row in table_of(exposure, view, "dossier_law", "caption_exposure").rows}
    asked, open_ = say("dossier_law.on_request", language), say("law.outcome_on_request", language)
    assert {rows[f"EU-GDPR-{article}"][1:3] for article in (15, 16, 17, 18, 20)} == {(asked, open_)}
    assert rows["EU-GDPR-9"][1] == say("dossier_law.unknown", language), "what hangs on more than a request stays unknown"


def test_the_right_to_object_is_asked_for_where_the_basis_gives_it_or_is_not_known(credit_study, view):
    def bases(*names, **facts):
        purposes = [{"name": "x", "legal_basis": name} for name in names]
        return declared_as(credit_study, purposes=purposes, facts={**credit_study.document["facts"], **facts})

    assert Right.OBJECTION not in rights_given(bases("contract", "legal_obligation"))
    assert Right.OBJECTION not in rights_given(bases("consent"))
    for one in (
        bases("contract", "legitimate_interests"),
        bases("public_task"),
        bases("contract", None),
        bases(),
        bases("contract", purpose=["prospecting"]),
    ):
        assert Right.OBJECTION in rights_given(one)
    assert not [item for block in rights(view) if isinstance(block, Callout) for item in block.items if "Objection" in item]
    row = next(row for row in table_of(rights, view, "dossier_declared", "caption_rights").rows if row.cells[0] == "Objection")
    assert row.cells[1] == say("dossier_declared.no_objection", "en")
    answer = next(one for one in pia_of(view.study, "en")["answers"] if str(one["reference_to"]) == "225")
    assert "not given by GDPR art. 21(1)" in answer["data"]["text"]


def test_before_the_gdpr_the_right_to_object_did_not_hang_on_the_basis(credit_study):
    before = dataclasses.replace(credit_study, plan=credit_study.plan.model_copy(update={"as_of": date(2017, 1, 1)}))
    assert Right.OBJECTION in rights_given(View.of(before, "en"))


def test_a_need_is_not_done_while_its_section_names_what_is_missing(credit_study):
    found = states(credit_study)
    assert found["Put the contracts with those who take part on record"] == say("dossier_annexes.begun", "en")
    assert found["Assess the four feared events: access, modification, loss, exclusion"] == say("dossier_annexes.begun", "en")
    assert found["Answer every exclusion that is shown, by a justification or a measure"] == "none is shown"
    assert found["Say how each right is exercised"] == "done"
    assert found["State the purposes and their legal basis"] == "done"


def test_what_is_lacking_is_counted_as_open():
    declared = {"assessment": {"contracts": [{"party": "x"}]}}
    one = {need.name: (need.done, need.state) for need in needs(declared, {}, lacking={"contracts", "notices"})}
    assert one["contracts"] == (False, "begun")
    assert one["notices"] == (False, "missing")


@LANGUAGES
def test_ages_are_worked_out_only_of_a_date(credit_study, language):
    """The sample reads an age in years: nothing is worked out of it."""
    view = View.of(credit_study, language)
    told = {name for block in page_one(view) if isinstance(block, KeyValues) for name, _ in block.items}
    assert say("dossier.as_of", language) not in told
    group = view.plan.groups["age_25"].column if "age_25" in view.plan.groups else next(iter(view.plan.groups.values())).column
    columns = {**view.plan.columns, group: view.plan.columns[group].model_copy(update={"type": scoring.vocabulary.ColumnType.DATE})}
    dated = dataclasses.replace(credit_study, plan=view.plan.model_copy(update={"columns": columns}))
    told = {name for block in page_one(View(dated, view.tables, language)) if isinstance(block, KeyValues) for name, _ in block.items}
    assert say("dossier.as_of", language) in told


@LANGUAGES
def test_the_item_that_stands_for_three_grounds_says_so(credit_study, language):
    said = " ".join(block.text for block in page_one(View.of(credit_study, language)) if isinstance(block, Paragraph))
    ground = say("criterion.ethnicity_or_nation", language)
    assert say("dossier.three_grounds", language, ground=ground) in said


@LANGUAGES
def test_nobody_reads_that_creditworthiness_was_not_owed_before_its_new_wording(credit_study, language):
    row = next(
        row for row in table_of(rule_trace, View.of(credit_study, language), "dossier_law", "caption_trace").rows if "FR-L312-16" in row.cells[0]
    )
    assert "2026" in row.cells[0]
    assert {"en": "ask a lawyer", "fr": "interroger un juriste"}[language] in row.remark


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("l’art. 13, § 2, et l'art. L312-16", "l'art.\u00a013, §\u00a02, et l'art.\u00a0L312-16"),
        ("délibération n° 2018-327, p. 3 ; C. conso.", "délibération n°\u00a02018-327, p.\u00a03\u202f; C.\u00a0conso."),
        ("art. premier, la p. suivante, n° inconnu", "art. premier, la p. suivante, n° inconnu"),
    ],
)
def test_french_has_one_apostrophe_and_keeps_numbers_with_what_they_count(written, shown):
    assert french(written) == shown
    assert french(shown) == shown


def test_rules_of_law_are_set_as_the_other_french_texts():
    texts = [text for rule in packaged_rules() for text in (rule.title.fr, rule.requirement.fr, rule.question.fr, rule.reference["fr"])]
    assert not [text for text in texts if "’" in text or text != french(text)]


def test_groups_stand_in_the_order_of_their_levels_where_no_verdict_is_told(view):
    for part, room, key in ((data_quality, "dossier_declared", "caption_completeness"), (everybody, "dossier", "caption_everybody")):
        table = table_of(part, view, room, key)
        bands = [row.cells[0] for row in table.rows if row.section == "Age band"]
        assert bands[:5] == ["<25", "25-34", "35-44", "45-59", "60+"]


def test_a_measure_that_answers_a_gap_stands_among_the_measures(south):
    view = View.of(south, "en")
    told = [value for block in fria(view) if isinstance(block, KeyValues) for name, value in block.items if name == "Measures"]
    assert "region: south: A second reading (planned: Head, 31 March 2027)" in told[0]
    made = pia_of(south, "en")
    assert "Against the exclusion of region: south" in [one["title"] for one in made["measures"]]
    tags = next(one["data"]["list"] for one in made["answers"] if str(one["reference_to"]) == "334")
    assert "Against the exclusion of region: south" in tags
