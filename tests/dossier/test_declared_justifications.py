"""Every exclusion that is shown has one row with its answer; an answer that names nothing shown answers nothing."""

import dataclasses
import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.assessment import Assessment, Justification
from scoring.dossier.document import Bullets, Callout, OutOf, Paragraph, TableBlock
from scoring.dossier.gaps import Answer, key_of
from scoring.dossier.parts.declared.justifications import answers_of, gaps, justifications
from scoring.plan import Segments
from scoring.texts import say
from scoring.vocabulary import Verdict
from tests.dossier.once import view_of

LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
WHOLE = {"aim": "A", "necessary": "N", "appropriate": "P", "alternatives": "T", "owner": "O", "due": "2027-01-31"}


def crossed_people():
    """Women of the east alone are shut out, so that a combination stands by itself; and one segment, in which they are, has no offer."""
    rng = np.random.default_rng(2)
    n = 4000
    sex, place = rng.choice(["F", "M"], n), rng.choice(["east", "west", "south", "north"], n)
    there = (sex == "F") & (place == "east")
    accepted = rng.random(n) < np.where(there, 0.35, 0.75)
    segment = np.where(rng.random(n) < np.where(there, 0.1, 0.8), "A", "B")
    return pd.DataFrame({"sex": sex, "place": place, "accepted": accepted.astype(int), "segment": segment})


@pytest.fixture(scope="module")
def crossed():
    study = scoring.audit(crossed_people(), decision="accepted", favourable=1, groups=["sex", "place"], segment="segment")
    return dataclasses.replace(study, plan=study.plan.model_copy(update={"segments": Segments(column="segment", offers={"A": "card", "B": None})}))


@pytest.fixture(scope="module", params=["small_study", "crossed", "hostile_study", "credit_study"])
def any_study(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def declared():
    return scoring.ProcessingActivity.read(Path(__file__).parents[2] / "data/samples/credit/activity.yaml").document()


@pytest.fixture(scope="module")
def under(declared):
    """Return a study under a declaration with these answers."""

    def put(study, *answers):
        assessment = Assessment.model_validate({"justifications": list(answers)}).model_dump(mode="json")
        plan = study.plan.model_copy(update={"as_of": date(2026, 11, 1)})
        return dataclasses.replace(study, plan=plan, document={**declared, "assessment": assessment})

    return put


def blocks_of(study, language="en", record=None):
    return tuple(justifications(view_of(study, language, record)))


def table(blocks, caption):
    return next((block for block in blocks if isinstance(block, TableBlock) and caption in block.caption), None)


def shown(study):
    """The exclusions of the published tables that stand by themselves, counted by hand."""
    tables = study.published()
    rows = [*tables.judged().to_dict("records"), *tables.offers().to_dict("records")]
    return [row for row in rows if row["verdict"] == "exclusion" and not (isinstance(row.get("under"), str) and row["under"])]


@LANGUAGES
def test_every_shown_exclusion_has_exactly_one_row(any_study, under, language):
    view = view_of(any_study, language)
    wanted = [(row["attribute"], row["group"], row["metric"]) for row in shown(any_study)]
    assert sorted((gap.attribute, gap.group, gap.metric) for gap in gaps(view)) == sorted(wanted)
    listed = table(blocks_of(under(any_study), language), say("dossier_declared.caption_gaps", language))
    rows = [] if listed is None else [(row.section, row.cells[0]) for row in listed.rows]
    assert len(rows) == len(wanted)
    assert sorted((re.split(r"\s?: ", section)[-1], who) for section, who in rows) == sorted((view.metric(gap.metric), gap.who) for gap in gaps(view))


def test_a_combination_that_stands_alone_and_a_refused_offer_are_gaps(crossed):
    keys = {gap.key for gap in gaps(view_of(crossed, "en"))}
    assert key_of("place x sex", "east x F", "selection_rate") in keys
    assert any(key[2] == "offer_rate" for key in keys)


def test_a_gap_has_its_people_its_rate_and_its_ratio_with_the_interval(crossed):
    gap = next(gap for gap in gaps(view_of(crossed, "en")) if gap.metric == "selection_rate" and " x " in gap.attribute)
    frame = crossed_people()
    there = frame[(frame["sex"] == "F") & (frame["place"] == "east")]
    rest = frame.drop(index=there.index)
    assert gap.people == len(there)
    assert gap.rate == OutOf(there["accepted"].mean(), there["accepted"].sum(), len(there))
    assert gap.ratio.value == pytest.approx(there["accepted"].mean() / rest["accepted"].mean())
    assert gap.ratio.low < gap.ratio.value < gap.ratio.high < 0.8


@LANGUAGES
def test_a_gap_without_an_answer_is_missing_and_one_with_an_answer_is_not(small_study, under, language):
    view = view_of(small_study, language)
    first, *others = gaps(view)
    answer = {"attribute": first.attribute, "group": first.group, "metric": first.metric, **WHOLE}
    for study, open_ in ((under(small_study), [first, *others]), (under(small_study, answer), others)):
        missing = [item for block in blocks_of(study, language) if isinstance(block, Callout) for item in block.items]
        assert len(missing) == len(open_)
        for gap in open_:
            assert any(gap.who in item and view.metric(gap.metric) in item and say("missing.who_controller", language) in item for item in missing)


def test_the_answer_stands_in_the_row_of_its_gap_in_full_with_owner_and_day(small_study, under):
    answer = {"attribute": "channel", "group": "phone", **WHOLE}
    rows = table(blocks_of(under(small_study, answer)), "Every exclusion").rows
    (row,) = [row for row in rows if row.remark]
    assert row.cells[0] == "channel: phone"
    assert row.cells[-3:] == ("justification", "O", "31 January 2027")
    assert row.remark.splitlines() == ["Legitimate aim: A", "Why nothing less would do: N", "Why it serves the aim: P", "What else was tried: T"]


def test_a_measure_answers_a_gap_and_justifies_nothing_and_a_late_one_is_flagged(small_study, under):
    answer = {"attribute": "channel", "group": "phone", "measure": "Call back", "owner": "O", "due": "2026-10-31"}
    study = under(small_study, answer)
    found = answers_of(view_of(study, "en"))
    assert "channel" not in {gap.attribute for gap in found.unanswered if gap.metric == "selection_rate"}
    assert "channel" in {gap.attribute for gap in found.unjustified if gap.metric == "selection_rate"}
    (row,) = [row for row in table(blocks_of(study), "Every exclusion").rows if row.remark]
    assert row.cells[-3] == "measure (overdue)"


def test_an_answer_to_a_combination_is_found_whatever_the_order_of_its_attributes(crossed, under):
    answers = [{"attribute": name, "group": group, **WHOLE} for name, group in (("sex x place", "F x east"), ("place x sex", "east x F"))]
    for answer in answers:
        found = answers_of(view_of(under(crossed, answer), "en"))
        assert not found.astray
        assert sum(bool(given) for _, given in found.to) == 1
    assert not answers_of(view_of(under(crossed, {**answers[0], "group": "M x east"}), "en")).to[0][1]


@LANGUAGES
def test_answers_that_name_no_shown_gap_answer_nothing_and_say_why_without_giving_a_small_group_away(small_study, under, language):
    given = [("region", "Île Minuscule", "selection_rate"), ("region", "nowhere", "selection_rate"), ("no such", "F", "selection_rate")]
    given += [("sex", "M", "selection_rate"), ("sex", "F", "no_such_metric"), ("channel x sex", "phone + shop x F", "selection_rate")]
    study = under(small_study, *({"attribute": a, "group": g, "metric": m, **WHOLE} for a, g, m in given))
    assert len(answers_of(view_of(study, language)).astray) == len(given)
    rows = table(blocks_of(study, language), say("dossier_declared.caption_astray", language)).rows
    assert len(rows) == len(given)
    why = [row.cells[2] for row in rows]
    assert why[0] == why[1] == why[2] == why[4] == say("dossier_declared.astray_nothing", language)
    assert say("verdict.within tolerance", language) in why[3]
    assert "phone" in why[5]


def test_a_folded_gap_is_answered_under_the_name_that_is_shown(small_study, under):
    found = answers_of(view_of(under(small_study, {"attribute": "region", "group": "(small groups)", **WHOLE}), "en"))
    assert [gap.group for gap, answers in found.to if answers] == ["(small groups)"]
    assert not found.astray


@LANGUAGES
def test_what_leans_or_is_undetermined_is_listed_as_not_settled_and_never_as_a_gap(any_study, under, language):
    blocks = blocks_of(under(any_study), language)
    rows = any_study.published().judged()
    offers = any_study.published().offers()
    every = pd.concat([rows, offers]) if len(offers) else rows
    open_ = every[every["verdict"].isin(["leaning", "undetermined"]) & (every["under"].fillna("") == "")]
    listed = table(blocks, say("dossier_declared.caption_open", language))
    single = open_[(open_["verdict"] == "leaning") | (open_["depth"] == 1)]
    assert (0 if listed is None else len(listed.rows)) == len(single)
    if listed is not None:
        assert {row.cells[1] for row in listed.rows} <= {Verdict.LEANING, Verdict.UNDETERMINED}
        assert ("US employment guideline" if language == "en" else "ligne directrice américaine") in listed.note
    counted = [item for block in blocks if isinstance(block, Bullets) for item in block.items]
    assert len(counted) == open_.drop(index=single.index).loc[lambda rows: rows["depth"] > 1, "metric"].nunique()
    said = [block.text for block in blocks if isinstance(block, Paragraph)]
    assert say(f"dossier_declared.{'not_settled' if len(open_) else 'all_settled'}", language) in said


def test_no_exclusion_is_no_clearance(credit_study, under):
    text = " ".join(block.text for block in blocks_of(under(credit_study)) if isinstance(block, Paragraph))
    assert "That is not a clearance" in text
    assert "It is not cleared either" in text


def test_an_answer_of_the_register_counts_and_the_same_one_is_not_said_twice(small_study, under):
    answer = {"attribute": "channel", "group": "phone", **WHOLE}
    for study in (under(small_study), under(small_study, answer)):
        found = answers_of(view_of(study, "en", {"justifications": [answer]}))
        assert [len(given) for gap, given in found.to if gap.attribute == "channel" and gap.metric == "selection_rate"] == [1]


@pytest.mark.parametrize("gone", ["aim", "necessary", "appropriate", "alternatives", "owner", "due"])
def test_a_recorded_answer_that_lacks_a_part_answers_nothing_yet(small_study, under, gone):
    answer = {"attribute": "channel", "group": "phone", **{name: one for name, one in WHOLE.items() if name != gone}}
    found = answers_of(view_of(under(small_study), "en", {"justifications": [answer]}))
    assert "channel" in {gap.attribute for gap in found.unanswered if gap.metric == "selection_rate"}


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({name: st.none() | st.just("x") for name in ("aim", "necessary", "appropriate", "alternatives", "measure")}))
def test_an_answer_is_whole_exactly_where_the_declaration_takes_it(parts):
    said = {"attribute": "a", "group": "g", "owner": "O", "due": "2027-01-31", **parts}
    try:
        taken = Justification.model_validate(said).whole
    except ValueError:
        taken = False
    assert Answer.of(said).whole == taken


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["sex", "age", "region", "a: b"]), st.sampled_from(["F", "66+", "(small groups)", "north + east"]), min_size=1),
    st.randoms(),
)
def test_the_order_of_a_combination_does_not_matter_to_its_name(group, random):
    pairs = list(group.items())
    again = random.sample(pairs, len(pairs))
    keys = {key_of(" x ".join(name for name, _ in listed), " x ".join(level for _, level in listed), "m") for listed in (pairs, again)}
    assert len(keys) == 1
