"""What a French lawyer stumbled over, reading the dossier whole: each sentence that said more than was known, or not what was meant."""

import unicodedata

import pytest

from scoring.dossier.document import Callout, KeyValues, Paragraph, TableBlock
from scoring.dossier.parts.annexes.annex_iv import places
from scoring.dossier.parts.annexes.model_card import inputs
from scoring.dossier.parts.cover.phases import needs
from scoring.dossier.parts.legal.glossary import glossary
from scoring.dossier.parts.legal.minimisation import minimisation
from scoring.dossier.parts.study.page_one import page_one
from scoring.dossier.parts.study.verdicts import verdict_tables
from scoring.dossier.parts.study.wording import reject_reason
from scoring.dossier.pia import pia_of
from scoring.dossier.view import View
from scoring.plots.forest import label_of
from scoring.texts import number, say

LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])


@pytest.fixture(scope="module")
def view(credit_study):
    return View.of(credit_study, "fr")


def blocks(part, view, kind):
    return [block for block in part(view) if isinstance(block, kind)]


def test_the_reason_why_no_less_would_do_is_shown_where_it_was_declared(view):
    """The list of phases said "done, section D6", and section D6 did not hold a word of it."""
    declared = view.assessment["necessity"]["fr"]
    assert [value for block in blocks(minimisation, view, KeyValues) for _, value in block.items] == [declared]


def test_the_reason_why_no_less_would_do_is_missing_where_it_was_not(credit_study, view, monkeypatch):
    monkeypatch.setitem(credit_study.document["assessment"], "necessity", None)
    told = [item for block in blocks(minimisation, View.of(credit_study, "fr"), Callout) if block.missing for item in block.items]
    assert say("dossier_law.necessity", "fr") in told[0]


@LANGUAGES
def test_where_nobody_looked_for_proxies_an_empty_cell_does_not_say_that_there_is_none(credit_study, language):
    """Housing tells the under-25s with an AUC of 0.68; the table had a dash for it."""
    looked = View.of(credit_study, language)
    assert "proxies" not in looked.tables.inquiry
    assert [block.text for block in blocks(minimisation, looked, Paragraph)] == [say("dossier_law.proxies_not_searched", language)]


def test_the_variables_of_a_score_made_elsewhere_are_not_those_that_the_study_was_handed(credit_study, view, monkeypatch):
    def captions():
        return [block.caption for block in blocks(minimisation, View.of(credit_study, "fr"), TableBlock)]

    assert captions() == ["Variables du score"]
    monkeypatch.setitem(credit_study.facts, "model", None)
    assert captions() == [say("dossier_law.caption_features", "fr")]
    assert inputs(View.of(credit_study, "fr")) == say("dossier_annexes.inputs_unknown", "fr")


def test_the_terms_stand_in_the_order_of_a_french_dictionary(view):
    terms = [row.cells[0] for block in blocks(glossary, view, TableBlock) for row in block.rows]
    plain = ["".join(one for one in unicodedata.normalize("NFD", term.casefold()) if unicodedata.category(one) != "Mn") for term in terms]
    assert plain == sorted(plain)
    assert terms.index("Intérêt légitime") < terms.index("Intervalle de confiance")
    assert terms.index("Règle des quatre cinquièmes") < terms.index("Responsable du traitement")


def done(assessment, record=()):
    return {need.name: need.done for need in needs({"assessment": assessment}, dict(record))}["in_place"]


MEASURE = {"roles": {"title": "Access by role"}}
GAP = {"attribute": "qpv", "group": "yes", "measure": {"en": "Ask for another", "fr": "En demander un autre"}, "owner": "A", "due": "2027-01-31"}


@pytest.mark.parametrize(
    ("assessment", "record", "expected"),
    [
        pytest.param({}, {}, False, id="no measure at all"),
        pytest.param({"measures": MEASURE}, {}, True, id="in place"),
        pytest.param({"measures": {"roles": {"in_place": False}}}, {}, False, id="planned"),
        pytest.param({"measures": MEASURE, "justifications": [GAP]}, {}, False, id="a gap is answered by one still to do"),
        pytest.param({"measures": MEASURE}, {"justifications": [GAP]}, False, id="the same, from the register"),
        pytest.param(
            {"measures": MEASURE, "justifications": [GAP]},
            {"actions": [{"what": "En demander un autre", "done_at": "2027-01-02"}]},
            True,
            id="done, says the register",
        ),
    ],
)
def test_planned_measures_are_in_place_only_where_none_is_left_to_do(assessment, record, expected):
    assert done(assessment, record) is expected


def test_deviations_that_no_register_was_asked_for_are_not_on_record():
    """Without a register, the command hands over the study itself; Annex IV then read "studies and deviations on record"."""

    def state(record):
        return places({"study": {}}, record, model=True, digest="d")[5].state

    assert state({"studies": [{"digest": "d"}]}) == "missing"
    assert state({"deviations": []}) == "held"


def test_the_file_for_the_cnil_software_counts_the_grounds_of_the_law_as_the_dossier_does(credit_study, view):
    (told,) = [block.text for block in blocks(page_one, view, Paragraph) if "critères recensés" in block.text]
    assert "25 critères" in told
    held = next(one for one in pia_of(credit_study, "fr")["answers"] if one["reference_to"] == 212)["data"]["text"]
    assert told.replace("'", "&#x27;") in held.replace("&#39;", "&#x27;") or told in held


def test_the_file_for_the_cnil_software_clears_no_score_of_which_nobody_knows_what_it_reads(credit_study, monkeypatch):
    def told():
        return next(one for one in pia_of(credit_study, "fr")["answers"] if one["reference_to"] == 213)["data"]["text"]

    assert "Aucune colonne qui définit un groupe comparé" in told()
    monkeypatch.setitem(credit_study.facts, "model", None)
    assert "Aucune colonne qui définit un groupe comparé" not in told()
    assert "établi ailleurs" in told()
    assert "Variables du score" not in told()


def test_parts_of_a_combination_are_parted_as_french_parts_them():
    row = {"attribute": "sex x age", "group": "F x 66+"}
    assert label_of(row, "fr") == "sex\u202f: F\u202f; age\u202f: 66+"
    assert label_of(row, "en") == "sex: F; age: 66+"


def test_nobody_needed_is_no_number_where_the_case_is_open(view):
    rows = view.single(view.plan.primary).copy()
    rows["needed"] = 0.0
    *_, tested = verdict_tables(view, rows, "")
    assert {row.cells[-1] for row in tested.rows} == {None}


@pytest.mark.parametrize(("p", "expected"), [(0.00001, "< 0,0001"), (0.0123, "= 0,012")])
def test_a_p_value_in_a_sentence_has_one_sign(p, expected):
    assert number(p, "p_is", "fr") == expected
    assert f"(p {expected})" in say("strata.differ", "fr", p_homogeneity=p)


def test_reasons_of_rejection_that_were_joined_are_worded_one_by_one(view):
    assert reject_reason(view, "age: not text + sex: not text") == view.semicolons(
        reject_reason(view, one) for one in ("age: not text", "sex: not text")
    )
    assert "not text" not in reject_reason(view, "age: not text + sex: not text")
