"""Cover, phases, model card, impact assessment on fundamental rights, Annex IV: what is there is shown, what is not is named."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import scoring
from scoring.assessment import Assessment
from scoring.dossier.document import Callout, Document, Estimate, Heading, KeyValues, Paragraph, TableBlock
from scoring.dossier.formats.markdown import markdown
from scoring.dossier.gaps import Answer, answers, shown
from scoring.dossier.parts.annexes.annex_iv import annex_iv, places
from scoring.dossier.parts.annexes.fria import fria
from scoring.dossier.parts.annexes.ll144 import ll144
from scoring.dossier.parts.annexes.model_card import model_card, slices
from scoring.dossier.parts.annexes.model_card_file import model_card_json
from scoring.dossier.parts.cover.phases import needs, phases
from scoring.dossier.parts.cover.status import cover, declaration_digest, model_digest, sign_off, standing_of, status, version
from scoring.dossier.view import View
from scoring.texts import LANGUAGES
from tests.dossier.once import view_of

sys.path.insert(0, str(Path(__file__).parent))
from annex_studies import SIGNERS, WHOLE, activity, people

PARTS = (status, phases, model_card, fria, annex_iv, ll144)
CLOSED = {"incidents": [], "deviations": [], "actions": []}
DIGEST = "a" * 64
OTHER = "b" * 64


@pytest.fixture(scope="module")
def whole():
    return dataclasses.replace(scoring.conduct_study(activity(WHOLE, SIGNERS), people()), digest=DIGEST)


@pytest.fixture(scope="module")
def empty():
    return dataclasses.replace(scoring.conduct_study(activity(), people()), digest=None)


@pytest.fixture(scope="module", params=["whole", "empty", "credit_study"])
def any_declared(request):
    return request.getfixturevalue(request.param)


def text(blocks, language="en"):
    return markdown(Document("", language, tuple(blocks))).decode()


def strings(found):
    """Return every text of blocks."""
    if isinstance(found, str):
        return [found]
    if dataclasses.is_dataclass(found):
        return strings([getattr(found, field.name) for field in dataclasses.fields(found)])
    return [text for one in found for text in strings(one)] if isinstance(found, list | tuple) else []


def read(blocks):
    """Return names and values of all key values."""
    return {name: value for block in blocks if isinstance(block, KeyValues) for name, value in block.items}


def review(by="Ana", role="analyst", outcome="approve", at="2026-11-02", digest=DIGEST):
    return {"by": by, "role": role, "outcome": outcome, "at": at, "digest": digest, "text": ""}


def signature(by="Ana", role="analyst", at="2026-11-03"):
    return {"by": by, "role": role, "at": at, "file_sha256": "f"}


BOTH = {
    "reviews": [review(), review("Cleo", "controller")],
    "signatures": [signature(), signature("Cleo", "controller")],
}


# every part, every study


@pytest.mark.parametrize("part", PARTS)
def test_an_audit_without_a_declaration_yields_nothing(part, small_study):
    assert list(part(view_of(small_study, "en"))) == []


@pytest.mark.parametrize("part", PARTS)
def test_both_languages_have_the_same_blocks(part, any_declared):
    english, french = ([*part(view_of(any_declared, language))] for language in LANGUAGES)
    assert [type(block) for block in english] == [type(block) for block in french]
    rows = [[len(block.rows) for block in blocks if isinstance(block, TableBlock)] for blocks in (english, french)]
    assert rows[0] == rows[1]


def test_headings_are_parts_of_a_section_each_with_an_anchor_of_its_own(any_declared):
    headings = [block for part in PARTS for block in part(view_of(any_declared, "en")) if isinstance(block, Heading)]
    assert {heading.level for heading in headings} == {3, 4}
    assert headings[0].level == 3
    assert len({heading.anchor for heading in headings}) == len(headings)


def test_every_table_has_a_caption_and_rows_as_wide_as_its_columns(any_declared):
    tables = [block for part in PARTS for block in part(view_of(any_declared, "fr")) if isinstance(block, TableBlock)]
    assert all(block.caption and all(len(row.cells) == len(block.columns) for row in block.rows) for block in tables)


def test_the_french_has_no_english_word_of_ours_and_narrow_blanks(whole, empty):
    french = "\n".join(strings([block for study in (whole, empty) for part in PARTS for block in part(view_of(study, "fr"))]))
    assert not re.search(r"\b(the|and|with|missing|review|signed|unsigned|draft|rate|group|overall|withheld)\b", french)
    assert not re.search(r"[^\u202f][;?!»](?=\s|$)|[^\u202f\d]:(?=\s|$)|« | %", french)


def test_no_group_of_five_people_is_counted_alone_in_any_annex(whole, empty):
    for study in (whole, empty):
        blocks = [block for part in PARTS for block in part(view_of(study, "en"))]
        alone = [row for block in blocks if isinstance(block, TableBlock) for row in block.rows if "islet" in str(row.cells)]
        assert not alone
    assert "islet" not in model_card_json(view_of(whole, "en")).decode()


def test_an_empty_assessment_is_shown_as_missing_and_nothing_is_invented(empty):
    view = view_of(empty, "en")
    lacks = [item for part in (status, model_card) for block in part(view) if isinstance(block, Callout) and block.missing for item in block.items]
    assert len(lacks) == 4
    assert all("to be supplied by the controller" in item for item in lacks)
    shown = [block for block in fria(view) if isinstance(block, Callout)]
    assert len(shown) == 5
    assert not any(block.missing for block in shown), "the cover counts each in the section that asks for it"


def test_hostile_and_very_long_words_stay_words(whole):
    words = "<script>{x}%s</script> \u202e]]> =1+1 " + "é" * 1_000_000
    study = dataclasses.replace(whole, document={**whole.document, "assessment": {**whole.document["assessment"], "oversight": words}})
    assert read(fria(view_of(study, "en")))["Human oversight"] == words


# cover


def test_without_a_review_a_version_is_a_draft(whole):
    assert sign_off(whole.document, {}, DIGEST).state == "draft"
    assert "Draft" in read(version(view_of(whole, "en")))["Status"]
    assert standing_of(view_of(whole, "en")).startswith("Draft")
    assert "signed by every" in standing_of(view_of(whole, "en", BOTH))


def test_a_title_page_says_reference_controller_version_and_day_in_short(whole):
    told = dict(cover(view_of(whole, "fr")))
    assert told["Référence"] == whole.document["reference"]
    assert whole.document["controller"]["name"] in told["Responsable du traitement"]
    assert (told["Version"], told["Date de l'étude"]) == (DIGEST[:12], "1er novembre 2026")


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ({"submissions": [{"by": "Ana", "digest": DIGEST}]}, "submitted"),
        ({"submissions": [{"by": "Ana", "digest": OTHER}]}, "draft"),
        ({"reviews": [review()]}, "submitted"),
        ({"reviews": [review(digest=OTHER)]}, "draft"),
        ({"reviews": [review(), review("Cleo", "controller")]}, "reviewed"),
        ({"reviews": [review(), review("Cleo", "analyst")]}, "submitted"),
        (BOTH, "validated"),
        ({**BOTH, "reviews": [review(outcome="reservations"), review("Cleo", "controller")]}, "validated"),
        ({**BOTH, "reviews": [review(outcome="refuse"), review("Cleo", "controller")]}, "reviewed"),
        ({**BOTH, "reviews": [*BOTH["reviews"], review("Dan", "dpo", "refuse")]}, "reviewed"),
        ({**BOTH, "reviews": [*BOTH["reviews"], review(outcome="refuse", at="2026-11-05")]}, "reviewed"),
        ({**BOTH, "reviews": [review(outcome="refuse", at="2026-11-01"), *BOTH["reviews"]]}, "validated"),
        ({**BOTH, "signatures": BOTH["signatures"][:1]}, "reviewed"),
        ({**BOTH, "signatures": [signature(at="2026-11-01"), signature("Cleo", "controller")]}, "reviewed"),
        ({**BOTH, "reviews": [{**one, "digest": OTHER} for one in BOTH["reviews"]]}, "draft"),
        ({**BOTH, "reviews": [{**one, "outcome": "perhaps"} for one in BOTH["reviews"]]}, "draft"),
    ],
)
def test_the_state_of_a_version(whole, record, state):
    assert sign_off(whole.document, record, DIGEST).state == state


def test_a_study_that_was_never_saved_cannot_be_covered(whole):
    assert sign_off(whole.document, {"reviews": [review(digest=None)], "submissions": [{"digest": None}]}, None).state == "draft"


def test_moments_with_and_without_a_zone_are_compared(whole):
    record = {"reviews": [review(at="2026-11-02T10:00:00+02:00"), review("Cleo", "controller")]}
    signed = [signature(at="2026-11-02T08:00:00"), signature("Cleo", "controller", at="2026-11-02T00:00:00Z")]
    assert sign_off(whole.document, {**record, "signatures": signed}, DIGEST).state == "validated"


def test_a_sign_off_of_another_version_is_said_not_to_cover_this_one(whole):
    blocks = list(status(view_of(whole, "en", {**BOTH, "reviews": [review(digest=OTHER)]})))
    callout = next(block for block in blocks if isinstance(block, Callout) and not block.missing)
    assert callout.title == "A sign-off exists for another version and does not cover this one"
    assert callout.items == ("Ana (analyst), 2 November 2026, version bbbbbbbbbbbb",)
    row = next(block for block in blocks if isinstance(block, TableBlock)).rows[0]
    assert row.cells == ("Ana", "analyst", "none", "unsigned")
    assert "another version" in row.remark


def test_the_cover_names_version_day_controller_hashes_signers_and_the_head_of_the_trail(whole):
    head = {"sequence": 12, "hash": "e" * 64}
    view = view_of(whole, "fr", {**BOTH, "trail_head": head})
    held = {**read(version(view)), **read(status(view))}
    assert held["Version"] == f"{DIGEST[:12]} (empreinte de l'étude\u202f: {DIGEST})"
    assert held["Date de l'étude"] == "1er novembre 2026"
    assert held["Auteurs"] == "Ana"
    assert held["Dernier maillon du journal du registre"] == f"événement 12, {'e' * 64}"
    assert held["Déclaration (SHA-256)"] == declaration_digest(whole.document)
    assert whole.source["sha256"] in held.values()
    rows = next(block for block in status(view) if isinstance(block, TableBlock)).rows
    assert [row.cells for row in rows] == [
        ("Ana", "analyste", "Approuvé le 2 novembre 2026.", "signé"),
        ("Cleo", "responsable du traitement", "Approuvé le 2 novembre 2026.", "signé"),
    ]


def test_what_is_missing_is_counted_by_section_each_thing_once(whole):
    missing = [Callout("D2. Description", ("volume", "flows"), missing=True), Callout("D9. Rights", ("desk", "volume"), missing=True)]
    blocks = list(status(view_of(whole, "en"), missing))
    table = next(block for block in blocks if isinstance(block, TableBlock) and "missing" in block.caption)
    assert [(section, [row.cells[0] for row in rows]) for section, rows in table.parts] == [
        ("D2. Description (2)", ["volume", "flows"]),
        ("D9. Rights (1)", ["desk"]),
    ]
    assert any(isinstance(block, Paragraph) and block.text.startswith("Pieces missing: 3, in 2 sections") for block in blocks)


def test_signers_who_are_not_named_are_themselves_missing(empty):
    blocks = list(status(view_of(empty, "en")))
    assert next(block for block in blocks if isinstance(block, Callout)).missing
    table = next(block for block in blocks if isinstance(block, TableBlock))
    assert [row.section for row in table.rows] == ["Reviews and signatures (1)"]


def test_the_hash_of_the_model_is_the_same_before_and_after_the_study_was_saved(credit_study, tmp_path):
    credit_study.save(tmp_path / "study")
    loaded = scoring.Study.load(tmp_path / "study")
    assert model_digest(credit_study.facts) == model_digest(loaded.facts)
    assert declaration_digest(credit_study.document) == declaration_digest(loaded.document)
    assert model_digest({**loaded.facts, "cutoff": {**loaded.facts["cutoff"], "value": 510.0}}) != model_digest(loaded.facts)
    assert model_digest({}) is None


# phases


def test_a_whole_declaration_and_record_meet_every_need(whole):
    done = {"actions": [{"what": "A second reading", "done_at": "2026-12-01"}]}  # the measure that answers the gap
    record = BOTH | CLOSED | done | {"opinions": [{"kind": "dpo"}, {"kind": "persons"}]}
    found = needs(whole.document, record, gaps=[("region", "south", "selection_rate")], digest=DIGEST)
    assert [need.name for need in found if not need.done] == []


def test_nothing_declared_leaves_everything_open_and_a_list_is_closed_only_where_there_is_one(empty):
    def done(record):
        return {need.name for need in needs({"assessment": empty.document["assessment"]}, record) if need.done}

    assert done({}) == {"gaps"}
    assert done(CLOSED) == {"gaps", *CLOSED}


@pytest.mark.parametrize(
    ("record", "open_"),
    [
        ({"incidents": [{"what": "x", "closed_at": None}]}, "incidents"),
        ({"deviations": [{"what": "x"}]}, "deviations"),
        ({"actions": [{"what": "x", "done_at": ""}]}, "actions"),
    ],
)
def test_what_is_open_in_the_register_is_open_here(whole, record, open_):
    def undone(record):
        return {need.name for need in needs(whole.document, CLOSED | record) if not need.done}

    assert undone(record) - undone({}) == {open_}


def test_half_a_justification_answers_nothing():
    half = {"attribute": "region", "group": "south", "aim": "x", "necessary": "y"}
    assert answers({}, {"justifications": [half]}) == {}
    measure = half | {"measure": "z"}
    assert answers({}, {"justifications": [measure]}) == {}, "nobody answers for it, and until no day"
    owned = measure | {"owner": "A", "due": "2027-01-01"}
    assert answers({}, {"justifications": [owned]}) == {("region", "south", "selection_rate"): Answer.of(owned)}


def test_the_next_step_is_the_first_open_need(whole, empty):
    said = [block.text for block in phases(view_of(empty, "fr")) if isinstance(block, Paragraph)][-1]
    assert said == "Prochaine étape (Prévoir)\u202f: Décrire le traitement étape par étape (section D2)."
    said = [block.text for block in phases(view_of(whole, "en")) if isinstance(block, Paragraph)][-1]
    assert said == "Next step (Frame): Record the opinion of the data protection officer (section D15)."


# model card


def test_every_slice_is_a_published_number_with_its_interval(whole):
    view = view_of(whole, "en")
    rates = whole.published().rates().set_index(["metric", "attribute", "group"])
    found = [one for one in slices(view) if one.metric != "auc"]
    assert len(found) == len(rates)
    for one in found:
        row = rates.loc[(one.metric, one.attribute, one.group)]
        if row["trials"] >= view.threshold:
            np.testing.assert_equal(dataclasses.astuple(one.estimate), (row["value"], row["low"], row["high"]))
        else:
            assert np.isnan(one.estimate.value)


def test_the_rates_of_the_card_are_those_of_the_people(whole):
    frame = people()
    shown = {(one.attribute, one.group): one for one in slices(view_of(whole, "en")) if one.metric == "selection_rate"}
    for name, level in [("sex", "F"), ("sex", "M"), ("region", "north"), ("region", "south")]:
        mine = frame.loc[frame[name] == level, "ok"]
        assert shown[name, level].estimate.value == pytest.approx(mine.mean())
        assert shown[name, level].people == len(mine)


def test_the_card_shows_users_limits_sensitive_fields_and_what_answers_an_exclusion(whole):
    blocks = list(model_card(view_of(whole, "en")))
    held = read(blocks)
    assert held["Intended use and users"] == "Advisers decide on requests."
    assert held["Limitations"] == "It knows one region badly."
    assert held["Sensitive fields"] == "sex, region"
    assert held["Licence"] == "Host: One site"
    table = next(block for block in blocks if isinstance(block, TableBlock) and "answers" in block.caption)
    assert table.rows[0].cells == ("region: south", "selection rate", "Measure: A second reading. (Head, 31 March 2027)")


def test_an_exclusion_without_an_answer_is_shown_as_missing(empty):
    table = next(block for block in model_card(view_of(empty, "en")) if isinstance(block, TableBlock) and "answers" in block.caption)
    assert {row.cells[2] for row in table.rows} == {"Missing; the controller must answer it."}
    assert len(table.rows) == len(shown(empty.published()))


def test_the_weight_of_the_score_is_by_construction_declared_or_missing(credit_study, empty):
    assert "by construction" in read(model_card(view_of(credit_study, "en")))["Weight of the score in the decision"]
    assert read(model_card(view_of(empty, "en")))["Weight of the score in the decision"] == "Not declared"
    told = dataclasses.replace(empty, document={**empty.document, "facts": {"decisions_following_score": 0.93}})
    said = read(model_card(view_of(told, "en")))["Weight of the score in the decision"]
    assert said == "Declared: 93.0% of decisions follow the score, 7.0% depart from it."


SCHEMA = {  # the parts of model_card.schema.json v0.0.2 (Model Card Toolkit, commit 4161ebb) that the card fills in
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "schema_version": {"type": "string"},
        "model_details": {
            "type": "object",
            "properties": {
                **{name: {"type": "string"} for name in ("name", "overview", "documentation")},
                "owners": {"type": "array", "items": {"properties": {"name": {"type": "string"}, "contact": {"type": "string"}}}},
                "version": {"properties": {"name": {"type": "string"}, "date": {"type": "string", "format": "date"}}},
                "licenses": {"type": "array", "items": {"oneOf": [{"required": ["identifier"]}, {"required": ["custom_text"]}]}},
            },
        },
        "model_parameters": {
            "type": "object",
            "properties": {
                **{name: {"type": "string"} for name in ("model_architecture", "input_format", "output_format")},
                "data": {
                    "type": "array",
                    "items": {
                        "properties": {
                            **{name: {"type": "string"} for name in ("name", "description")},
                            "sensitive": {"properties": {"sensitive_data": {"type": "array", "items": {"type": "string"}}}},
                        }
                    },
                },
            },
        },
        "quantitative_analysis": {
            "type": "object",
            "properties": {
                "performance_metrics": {
                    "type": "array",
                    "items": {"properties": {"type": {"type": "string"}, "value": {"type": "number"}, "slice": {"type": "string"}}},
                }
            },
        },
        "considerations": {
            "type": "object",
            "properties": {
                **{
                    name: {"type": "array", "items": {"properties": {"description": {"type": "string"}}}}
                    for name in ("users", "use_cases", "limitations", "tradeoffs")
                },
                "ethical_considerations": {
                    "type": "array",
                    "items": {"properties": {"name": {"type": "string"}, "mitigation_strategy": {"type": "string"}}},
                },
            },
        },
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_as_a_file_is_valid_and_the_same_each_time(any_declared, language):
    view = view_of(any_declared, language)
    written = model_card_json(view)
    jsonschema.validate(json.loads(written), SCHEMA)
    assert written == model_card_json(View.of(any_declared, language))


def test_every_metric_of_the_file_has_its_interval_or_no_value(whole):
    metrics = json.loads(model_card_json(view_of(whole, "en")))["quantitative_analysis"]["performance_metrics"]
    valued = [one for one in metrics if "value" in one]
    assert len(valued) > 10
    assert all({"lower_bound", "upper_bound"} & set(one.get("confidence_interval", {})) for one in valued)
    south = next(one for one in metrics if one["type"] == "selection_rate_ratio" and one["slice"] == "region: south")
    assert south["verdict"] == "exclusion"


def test_the_file_of_an_audit_is_an_empty_object(small_study):
    assert json.loads(model_card_json(view_of(small_study, "en"))) == {}


# fundamental rights, Annex IV


def test_the_six_blocks_stand_in_their_order_with_what_was_declared(whole):
    blocks = list(fria(view_of(whole, "en")))
    assert [block.text[:3] for block in blocks if isinstance(block, Heading)][1:] == [f"({letter})" for letter in "abcdef"]
    held = read(blocks)
    assert held["Process"] == "Each request is scored."
    assert held["Persons, frequency and period"] == "1,200 a year"
    assert held["Groups studied"].startswith("sex: F, M\nregion: ")
    assert held["Grounds not measured"] == "Age: No date of birth in the file."
    assert held["Impacts on persons"] == "No contract"
    assert held["Gravity and likelihood"] == "severity 3 (important), likelihood 2 (limited)"
    assert (held["Human oversight"], held["Complaints"]) == ("An adviser may depart from the score.", "To the ombudsman.")
    assert held["Measures"] == "Second reading: By another\nregion: south: A second reading (planned: Head, 31 March 2027)"
    assert not [block for block in blocks if isinstance(block, Callout)]


def test_what_the_study_shows_stands_among_the_harms(whole):
    assert "region: south: selection rate, ratio" in text(fria(view_of(whole, "en")))


def test_the_nine_headings_each_say_where_they_are_held_or_that_they_are_missing(whole, empty):
    table = next(block for block in annex_iv(view_of(whole, "en", BOTH)) if isinstance(block, TableBlock))
    assert [row.cells[0][:2] for row in table.rows] == [f"{number}." for number in range(1, 10)]
    assert [row.cells[2] for row in table.rows] == ["held", "in part", "held", "held", "held", "missing", "held", "missing", "held"]
    assert table.rows[6].cells[3] == "Standard A."
    bare = places(empty.document, {}, model=False, digest=None)
    assert [place.state for place in bare] == ["missing", "part", "part", "held", *["missing"] * 5]


def test_a_change_on_record_fills_the_heading_of_changes(whole):
    found = places(whole.document, {"deviations": [{"what": "cut-off"}]}, model=True, digest=DIGEST)
    assert found[5].state == "held"


def test_estimates_of_the_printed_card_are_withheld_under_the_threshold(whole):
    shown = [block for block in model_card(view_of(whole, "en")) if isinstance(block, TableBlock) and block.columns[1].kind == "percent"]
    cells = [row.cells for block in shown for row in block.rows]
    assert all(isinstance(cell[1], Estimate) or cell[2] == "fewer than 10" for cell in cells)


def test_an_empty_assessment_is_the_default_of_a_declaration():
    assert activity().assessment == Assessment()
