"""What the dossier says, and in which order; every number is the study's."""

import re

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.dossier.document import Bullets, Callout, Code, Estimate, Figure, Findings, Heading, KeyValues, OutOf, Paragraph, TableBlock
from scoring.dossier.formats.markdown import markdown
from scoring.texts import number, say
from scoring.vocabulary import Criterion, Verdict
from tests.dossier.once import composed as compose

TINY = "Île Minuscule"
LANGUAGES = ["en", "fr"]
TOO_MUCH = {
    "en": r"\b(fair|unfair|fairly|fairness|unbiased|debias\w*|compliant|compliance)\b|no bias|without bias",
    "fr": r"équitable|inéquitable|sans biais|non biaisé|\bconforme|\bconformité",
}


@pytest.fixture(scope="module", params=["credit_study", "small_study"])
def any_study(request):
    return request.getfixturevalue(request.param)


def shape(document):
    return [(type(block).__name__, *_size(block)) for block in document.blocks]


def _size(block):
    if isinstance(block, TableBlock):
        return [len(block.columns), len(block.rows), tuple(column.kind for column in block.columns)]
    return [len(block.items)] if isinstance(block, KeyValues | Bullets | Findings | Callout) else []


def strings(document):
    return markdown(document).decode()


def tables(document):
    return [block for block in document.blocks if isinstance(block, TableBlock)]


def table(document, words):
    return next(block for block in tables(document) if words in block.caption)


def test_both_languages_have_the_same_blocks(any_study):
    assert shape(compose(any_study, "en")) == shape(compose(any_study, "fr"))


def test_headings_have_anchors_of_their_own(any_study):
    anchors = [block.anchor for block in compose(any_study, "en").blocks if isinstance(block, Heading)]
    assert len(anchors) == len(set(anchors))


def test_the_study_of_an_audit_begins_with_what_was_asked_and_ends_with_how_to_make_it_again(small_study):
    anchors = [section.anchor for section in compose(small_study, "en").sections]
    assert anchors[:3] == ["studied", "findings", "verdicts"]
    assert anchors[-1] == "provenance"


def test_the_dossier_of_a_declared_activity_has_the_twenty_sections_in_order(credit_study):
    document = compose(credit_study, "en")
    assert [section.anchor for section in document.sections] == [f"d{number}" for number in range(20)]
    assert [block.anchor for block in document.blocks if isinstance(block, Heading) and block.level == 3][-1] == "provenance"


@pytest.mark.parametrize("name", ["credit_study", "small_study"])
def test_page_one_says_first_what_was_not_measured_who_is_missing_and_what_is_not_said(name, request):
    blocks = list(compose(request.getfixturevalue(name), "en").blocks)
    anchors = [block.anchor for block in blocks if isinstance(block, Heading)]
    first = [anchor for anchor in anchors if anchor != "d0"][:5]
    assert first == ["studied", "not-measured", "missing", "held-against", "in-short" if "d0" in anchors else "findings"]
    after = next(place for place, block in enumerate(blocks) if isinstance(block, Heading) and block.anchor == first[-1])
    assert isinstance(blocks[after - 1], Callout)
    assert any(isinstance(block, Findings) for block in blocks[after:])


def test_the_cover_counts_what_every_section_lacks(credit_study):
    document = compose(credit_study, "en")
    lacking = {item for block in document.blocks if isinstance(block, Callout) and block.missing for item in block.items}
    listed = {row.cells[0] for row in table(document, "What is missing, by section").rows}
    assert lacking
    assert lacking <= listed


def test_every_ground_that_no_group_measures_is_named_with_its_reason_or_the_lack_of_one(credit_study):
    document = compose(credit_study, "en")
    told = {row.cells[0]: row.cells[1] for row in table(document, "Not measured").rows}
    text = next(block.text for block in document.blocks if isinstance(block, Paragraph) and "no reason was declared" in block.text)
    silent = text.removeprefix("Not measured, and no reason was declared: ").removesuffix(".").split("; ")
    for criterion in Criterion:
        name = say(f"criterion.{criterion.value}", "en")
        if criterion is Criterion.ETHNICITY_OR_NATION:
            name = say("dossier.three_grounds", "en", ground=name)
        assert (name in told) + (name in silent) == (criterion is not Criterion.AGE), name
    assert "Groemping" in told["Sex"]


def test_the_tolerance_is_called_a_us_guideline_under_every_table_of_verdicts(any_study):
    for language, words in (("en", "US employment guideline"), ("fr", "ligne directrice américaine")):
        document = compose(any_study, language)
        judged = [block for block in tables(document) if any(column.kind == "verdict" for column in block.columns)]
        assert len(judged) > 1
        assert all(words in block.note for block in judged)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_numbers_of_the_verdict_table_are_the_study_s(any_study, language):
    rows = any_study.published().judged(depth=1)
    rows = rows[rows["metric"] == any_study.plan.primary]
    judged = [block for block in tables(compose(any_study, language)) if any(column.kind == "verdict" for column in block.columns)]
    shown = next(block for block in judged if re.search(r"selection rate|taux de sélection", block.caption) and len(block.columns) == 6)
    assert len(shown.rows) == len(rows)
    for row, (_, signed) in zip(shown.rows, rows.iterrows(), strict=True):
        verdict, rate, ratio = (next(cell for cell in row.cells if isinstance(cell, kind)) for kind in (Verdict, OutOf, Estimate))
        assert (verdict.value, rate.hits, rate.trials) == (signed["verdict"], signed["hits"], signed["trials"])
        np.testing.assert_equal((ratio.value, ratio.low, ratio.high), (signed["ratio"], signed["ratio_low"], signed["ratio_high"]))


def test_the_groups_where_nobody_was_selected_come_first(small_study):
    told = next(block for block in compose(small_study, "en").blocks if isinstance(block, Findings))
    assert told.items[0].text.startswith("Nobody was favoured. channel: phone")
    assert [one.verdict for one in told.items] == sorted((one.verdict for one in told.items), key=list(_order()).index)


def _order():
    return Verdict.EXCLUSION, Verdict.LEANING, Verdict.UNDETERMINED, Verdict.NOT_APPLICABLE, Verdict.WITHIN_TOLERANCE


def test_unscored_and_unknown_people_are_on_page_one(small_study):
    held = {row.cells[0]: row.cells[1] for row in table(compose(small_study, "en"), "Everybody in the customer file").rows}
    assert held["In the customer file"] == 900
    assert held["Studied without a score"] == "fewer than 10"
    assert held["sex: group unknown"] == 40
    assert held["region: group unknown"] == "too few to be shown alone"


def test_rejected_people_are_on_page_one_with_their_reasons():
    study = scoring.audit(rejected_frame(), decision="accepted", favourable=1, groups=["sex"], score="score")
    rows = {row.cells[0]: row for row in table(compose(study, "fr"), "Toutes les personnes").rows}
    rejected = next(row for name, row in rows.items() if name.startswith("Rejetées"))
    assert rejected.cells[1] == 15
    assert "score\u202f: pas un nombre" in rejected.remark
    assert "accepted\u202f: vide, donc sans décision" in rejected.remark
    assert re.findall(r"\d+", rejected.remark) == ["15"]  # 12 of the one reason would tell the three of the other


def rejected_frame():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], 600), "accepted": rng.choice([0.0, 1.0], 600), "score": rng.random(600)})
    frame.loc[:11, "score"] = np.inf
    frame.loc[20:22, "accepted"] = np.nan
    return frame


def test_everybody_adds_up_to_the_file_attribute_by_attribute(any_study):
    total = any_study.source["rows"]
    shown = table(compose(any_study, "en"), "Everybody, by attribute")
    for _, rows in shown.parts:
        assert sum(row.cells[1] for row in rows[:-1]) == rows[-1].cells[1] == total


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_group_of_three_is_named_in_its_fold_and_nowhere_counted(small_study, language):
    working = small_study.judged(depth=1)
    assert (working["group"] == TINY).any()
    document = compose(small_study, language)
    for block in tables(document):
        for row in block.rows:
            assert TINY not in str(row.cells), block.caption
    text = strings(document)
    joins = [line for line in text.splitlines() if TINY in line]
    assert joins
    assert all("east, " in line or f", {TINY}" in line or f"{TINY}, " in line for line in joins)
    assert not re.search(r"\b[0-3] (of|sur) 3\b", text)


def test_no_row_of_the_primary_metric_speaks_of_fewer_people_than_may_be_published(any_study):
    for block in tables(compose(any_study, "en")):
        if "selection rate" in block.caption or "Everybody, by" in block.caption:
            rates = [cell for row in block.rows for cell in row.cells if isinstance(cell, OutOf)]
            assert all(rate.trials == 0 or rate.trials >= 10 for rate in rates)


def test_few_unknown_people_do_not_come_out_through_their_bounds(small_study):
    shown = table(compose(small_study, "en"), "Ratios over every possible membership")
    assert {row.section for row in shown.rows} == {"sex"}


def test_small_bins_of_the_card_are_withheld_and_one_more_with_each(credit_study):
    shown = table(compose(credit_study, "en"), "The card")
    for _, rows in shown.parts:
        hidden = [row for row in rows if row.cells[2] == "withheld"]
        assert len(hidden) != 1
        assert all(row.cells[2] == "withheld" or row.cells[2] == 0 or row.cells[2] >= 10 for row in rows)


def test_the_dossier_of_an_audit_says_how_to_make_it_again(small_study):
    code = next(block.text for block in compose(small_study, "en").blocks if isinstance(block, Code))
    call = code.split("\n)\n")[0].removeprefix("study = ") + "\n)"
    made = eval(call, {"scoring": _Echo, "frame": None})
    asked = {"decision": "accepted", "favourable": 1, "outcome": "repaid", "favourable_outcome": 1, "score": "score"}
    judged = {"reference": "rest", "metrics": "selection_rate", "tolerance": 0.8, "confidence": 0.95, "depth": 3}
    assert made == {"groups": dict.fromkeys(("sex", "region", "channel")), **asked, **judged}


class _Echo:
    @staticmethod
    def audit(_, **given):
        return given


def test_a_reviewer_finds_card_auc_calibration_cut_off_and_digest(credit_study, tmp_path):
    credit_study.save(tmp_path / "study")
    study = scoring.Study.load(tmp_path / "study")
    document = compose(study, "en")
    text = strings(document)
    auc = study.published().performance()["auc"].iloc[0]
    assert study.digest in text
    assert number(auc, "ratio3", "en") in text
    assert f"Favourable from {study.cutoff:.0f} up" in text
    assert "nearest to the declared share of 60.0%" in text
    assert "the refit" in text
    assert any(isinstance(block, Figure) and "good outcomes" in block.caption for block in document.blocks)
    assert len(table(document, "The card").rows) > 50


def test_a_study_says_the_same_before_and_after_it_was_saved(credit_study, tmp_path):
    credit_study.save(tmp_path / "study")
    loaded = scoring.Study.load(tmp_path / "study")
    before, after = ([str(block) for block in compose(study, "fr").blocks] for study in (credit_study, loaded))
    differing = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert [pair for pair in differing if not all(re.search("enregistrée|empreinte|signature", one, re.IGNORECASE) for one in pair)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_dossier_promises_what_no_tool_can_give(any_study, language):
    codes_left_out = re.sub(r"\\\[[a-z\\_]+\\\]", "", strings(compose(any_study, language)))
    assert not re.search(TOO_MUCH[language], codes_left_out, re.IGNORECASE)


def test_what_is_within_tolerance_is_said_to_clear_nobody(any_study):
    text = strings(compose(any_study, "en"))
    assert "it clears nobody" in text
    assert "No verdict is a clearance" in text
    assert "never count as passed" in text
