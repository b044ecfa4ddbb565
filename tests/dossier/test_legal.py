"""The law of a study: facts that it measures, facts that stay unknown, and a gate that stays shut while anything is open."""

import dataclasses
import itertools
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

import scoring
from scoring.activity import ProcessingActivity
from scoring.dossier import legal
from scoring.dossier.gaps import key_of_row, shown
from scoring.dossier.measured import information_values, measured_decisiveness
from scoring.errors import EquiscoreError
from scoring.law.conditions import YES
from scoring.law.gate import GateClosed
from scoring.law.rules import RuleBook
from scoring.law.trace import Outcome

DAY = date(2026, 11, 1)
FR = {"jurisdiction": "FR"}


def people(n=1200, seed=3):
    """People of whom those of the east are refused far more often, by a score that those who decide mostly follow."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south", "east"], n, p=[0.5, 0.3, 0.2])
    score = np.round(500 + 60 * rng.standard_normal(n) - 60 * (region == "east"))
    follows = rng.random(n) < np.where(region == "south", 0.8, 0.95)
    accepted = np.where(follows, score >= 480, score < 480).astype(int)
    return pd.DataFrame({"region": region, "sex": rng.choice(["F", "M"], n), "score": score, "accepted": accepted})


def declared(study, *, facts=None, assessment=None, as_of=DAY, **study_keys):
    """Give an audit the least of a declaration."""
    document = {
        "name": "x", "reference": "X-1", "data": [{"name": "x", "special": False}], "persons": ["customers"], "transfers": [],
        "purposes": [{"name": "x", "legal_basis": "contract"}], "facts": FR if facts is None else facts, "assessment": assessment or {},
        "study": {"decision": {"column": "accepted"}, "score": {"column": "score"}, "groups": {"region": {}}, **study_keys},
    }  # fmt: skip
    return dataclasses.replace(study, document=document, plan=study.plan.model_copy(update={"as_of": as_of}))


FRAME = people()
AUDIT = scoring.audit(FRAME, decision="accepted", favourable=1, score="score", groups=["region", "sex"])


def test_a_score_that_can_refuse_a_contract_calls_for_an_assessment_by_item_8_and_by_criteria_1_and_9():
    found = legal.assess(declared(AUDIT))
    dpia = found.formalities["dpia"]
    assert dpia.required is YES
    assert {"FR-AIPD-LIST-8", "EU-WP248"} <= set(dpia.rules)
    met = [number for number, test in enumerate(found.formalities.wp248, 1) if test.truth is YES]
    assert met == [1, 9]
    assert next(test for test in found.formalities.cnil_list if test.code == "exclusion_profiling").truth is YES
    assert any(point.code == "dpia" for point in found.points)


def test_the_credit_sample_calls_for_an_assessment_too(credit_study):
    found = legal.assess(credit_study)
    assert {"FR-AIPD-LIST-8", "EU-WP248"} <= set(found.formalities["dpia"].rules)
    truths = [test.truth for test in found.formalities.wp248]
    assert (truths[0], truths[8]) == (YES, YES)
    assert found.as_of == DAY
    assert len(found.matrix.rows) == 25
    assert len(found.trace.findings) == 107


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_is_not_known_becomes_a_question_in_both_languages(language):
    found = legal.assess(declared(AUDIT))
    open_ = [point for point in found.points if point.state in {"unknown", "open"}]
    assert open_
    assert all(point.questions[language == "fr"].endswith("?") or point.questions[language == "fr"] for point in open_)
    assert all("?" in point.questions[language == "fr"] for point in open_)
    asked = {one.fact for one in legal.wanted(found)}
    assert {"residual_risk", "dpia_done"} <= asked
    assert not asked & set(found.facts)
    assert {one.fact for one in legal.wanted(found)} <= {one.fact for one in legal.wanted(found, whole=True)}


def test_whether_it_is_an_ai_system_is_never_inferred():
    assert not {"ai_system", "uses_ai", "high_risk"} & set(legal.assess(declared(AUDIT)).facts)


def test_without_a_day_or_a_declaration_the_law_is_not_asked():
    with pytest.raises(EquiscoreError, match=r"Fix: declare study\.as_of"):
        legal.assess(declared(AUDIT, as_of=None))
    with pytest.raises(EquiscoreError, match="Fix: declare the activity"):
        legal.assess(AUDIT)
    assert legal.assess(declared(AUDIT, as_of=None), as_of=date(2027, 1, 1)).as_of == date(2027, 1, 1)


# decisions that follow the score


def by_hand(frame, cutoff, mask=None):
    rows = frame if mask is None else frame[mask]
    same = (rows["accepted"] == 1) == (rows["score"] >= cutoff)
    return int(same.sum()), len(rows)


def test_decisions_that_follow_the_score_are_counted_as_from_the_rows():
    found, why = measured_decisiveness(AUDIT, 480)
    hits, n = by_hand(FRAME, 480)
    assert (found.following, found.people, why) == (hits, n, "")
    assert (found.low, found.high) == pytest.approx(proportion_confint(hits, n, method="wilson"))
    for row in found.by_group.to_dict("records"):
        kept, people_ = by_hand(FRAME, 480, FRAME[row["attribute"]] == row["level"])
        assert (row["people"], row["overridden"]) == (people_, people_ - kept)
        assert (row["low"], row["high"]) == pytest.approx(proportion_confint(people_ - kept, people_, method="wilson"))


@settings(max_examples=20, deadline=None)
@given(st.integers(300, 700))
def test_any_cutoff_gives_what_the_rows_give(cutoff):
    found, _ = measured_decisiveness(AUDIT, cutoff)
    assert (found.following, found.people) == by_hand(FRAME, cutoff)


def test_a_score_that_is_worse_when_higher_is_turned():
    study = dataclasses.replace(
        AUDIT, plan=AUDIT.plan.model_copy(update={"score": AUDIT.plan.score.model_copy(update={"higher_is": "worse"})}),
        counts=dataclasses.replace(AUDIT.counts, edges=-AUDIT.counts.edges[::-1], histogram=turned(AUDIT.counts)),
    )  # fmt: skip
    found, _ = measured_decisiveness(study, 480)
    same = (FRAME["accepted"] == 1) == (FRAME["score"] <= 480)
    assert (found.following, found.people) == (int(same.sum()), len(FRAME))


def turned(counts):
    """The histogram of the same people with the score's sign turned: bins are the very values, so that bin i becomes n + 1 - i."""
    return counts.histogram.assign(bin=len(counts.edges) + 1 - counts.histogram["bin"])


def test_where_it_cannot_be_measured_it_is_unknown_and_says_why(credit_study):
    coarse = dataclasses.replace(AUDIT, counts=dataclasses.replace(AUDIT.counts, exact=False, edges=np.array([400.0, 500.0])))
    plain = scoring.audit(FRAME, decision="accepted", favourable=1, groups=["region"])
    by_cutoff = scoring.audit(FRAME, score="score", cutoff=480, groups=["region"])
    whys = [measured_decisiveness(*one)[1] for one in ((plain,), (by_cutoff,), (AUDIT,), (coarse, 480), (credit_study,))]
    assert whys == ["no_score", "is_the_score", "no_cutoff", "coarse", "is_the_score"]
    found = legal.assess(declared(AUDIT))
    assert "decisions_following_score" not in found.facts
    assert "score_decisive" in {name for finding in found.trace for name in finding.missing}


def test_a_measured_share_enters_the_law_and_only_a_high_one_settles_it():
    following = FRAME.assign(accepted=(FRAME["score"] >= 480).astype(int))
    high = scoring.audit(following, decision="accepted", favourable=1, score="score", groups=["region"])
    assert legal.assess(declared(high), cutoff=480).trace["EU-CJEU-SCHUFA"].applies is YES
    low = legal.assess(declared(AUDIT), cutoff=400)
    assert low.facts["decisions_following_score"] < 0.9
    assert low.trace["EU-CJEU-SCHUFA"].outcome is Outcome.OPEN


def in_force(study, cutoff):
    """Declare the cut-off that was in force."""
    return dataclasses.replace(
        study, plan=study.plan.model_copy(update={"score": study.plan.score.model_copy(update={"applied_cutoff": float(cutoff)})})
    )


def test_a_declared_cutoff_measures_what_one_handed_in_does_and_feeds_the_question_of_art_22():
    following = FRAME.assign(accepted=(FRAME["score"] >= 480).astype(int))
    high = scoring.audit(following, decision="accepted", favourable=1, score="score", groups=["region"])
    told, handed = legal.assess(in_force(declared(high), 480)), legal.assess(declared(high), cutoff=480)
    assert told.facts == handed.facts
    assert told.facts["decisions_following_score"] == 1
    assert told.trace["EU-CJEU-SCHUFA"].applies is YES
    assert told.not_measured == ""
    assert legal.assess(declared(high)).not_measured == "no_cutoff"


# gaps and their justification

WORDS = {"aim": "a", "necessary": "b", "appropriate": "c", "alternatives": "d", "owner": "x", "due": "2027-01-01"}


def test_a_gap_is_shown_and_is_justified_only_when_each_is_justified_in_all_four_parts():
    gaps = [key_of_row(row) for row in shown(AUDIT.published())]
    assert ("region", "east", "selection_rate") in gaps
    whole = [{"attribute": attribute, "group": group, "metric": metric, **WORDS} for attribute, group, metric in gaps]
    assert legal.assess(declared(AUDIT)).facts["group_gap"] is True
    assert "gap_justified" not in legal.assess(declared(AUDIT)).facts
    assert legal.assess(declared(AUDIT, assessment={"justifications": whole})).facts["gap_justified"] is True
    assert legal.assess(declared(AUDIT), record={"justifications": whole}).facts["gap_justified"] is True
    for part, position in itertools.product(("aim", "necessary", "appropriate", "alternatives"), range(len(whole))):
        short = [{**one, part: None, "measure": "m"} if place == position else one for place, one in enumerate(whole)]
        assert "gap_justified" not in legal.assess(declared(AUDIT), record={"justifications": short}).facts
    assert "gap_justified" not in legal.assess(declared(AUDIT), record={"justifications": whole[1:]}).facts


def test_no_shown_gap_is_no_all_clear(credit_study):
    assert "group_gap" not in legal.assess(credit_study).facts
    assert legal.assess(credit_study).trace["FR-L2008-496"].outcome is Outcome.OPEN


def test_a_human_may_say_that_a_justification_does_not_hold():
    whole = [dict(zip(("attribute", "group", "metric"), gap, strict=True)) | WORDS for gap in map(key_of_row, shown(AUDIT.published()))]
    found = legal.assess(declared(AUDIT, facts={**FR, "gap_justified": "no"}), record={"justifications": whole})
    assert found.facts["gap_justified"] is False
    with pytest.raises(EquiscoreError, match=r"group_gap.*Fix: correct one"):
        legal.assess(declared(AUDIT, facts={**FR, "group_gap": "no"}))


# answers, variables, history, gate


def test_an_answer_of_a_named_human_is_read_from_the_record():
    answer = {"rule": "EU-GDPR-OMNIBUS", "by": "A. Lawyer", "on": "2026-10-01", "reason": "not adopted", "applies": False}
    found = legal.assess(declared(AUDIT), record={"answers": [answer]})
    assert found.trace["EU-GDPR-OMNIBUS"].answer.by == "A. Lawyer"
    assert found.trace["EU-GDPR-OMNIBUS"].outcome is Outcome.NOT_APPLICABLE
    for fault in ({**answer, "on": "soon"}, {"rule": "EU-GDPR-OMNIBUS"}, {**answer, "rule": "EU-NONE"}):
        with pytest.raises(EquiscoreError, match="Fix:"):
            legal.assess(declared(AUDIT), record={"answers": [fault]})


def test_information_values_from_the_points_are_those_of_the_card(credit_study):
    told = information_values(credit_study.facts["points"])
    expected = credit_study.estimator.information_values()
    assert told
    assert all(value == pytest.approx(expected[name], abs=1e-9) for name, value in told.items())


def test_variables_are_the_features_and_those_that_the_declaration_speaks_of(credit_study):
    rows = legal.assess(credit_study).minimisation("fr")
    assert set(credit_study.plan.features) <= set(rows["variable"])
    spoken = credit_study.document["assessment"]["variables"]
    assert set(rows["variable"]) == {*credit_study.plan.features, *spoken}
    unspoken = rows[~rows["variable"].isin(spoken)]
    assert (unspoken["decision"] == "unknown").all()
    assert unspoken["questions"].str.contains("Est-elle conservée").all()
    plain = legal.assess(declared(AUDIT, assessment={"variables": {"sex": {"kept": False, "reason": "prohibited"}}}))
    assert plain.minimisation()[["variable", "decision", "sensitive"]].to_numpy().tolist() == [["sex", "removed", True]]


def test_regimes_of_before_are_asked_on_their_last_day():
    stated = {**FR, "statutory_basis": "no", "purpose": "credit_scoring", "controller_type": "credit_institution"}
    history = {item.code: item.required.value for item in legal.assess(declared(AUDIT, facts=stated)).historic}
    assert history == {"declaration": "unknown", "authorisation": "yes", "au_005": "yes"}
    assert legal.assess(declared(AUDIT, facts={"jurisdiction": "MA"})).historic == ()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_gate_refuses_with_everything_that_is_open(language):
    with pytest.raises(GateClosed) as refused:
        legal.go_live(declared(AUDIT), language=language)
    found = legal.assess(declared(AUDIT))
    assert refused.value.points == found.points
    assert all(point.title[language == "fr"] in str(refused.value) for point in found.points)
    assert ("1 November 2026" if language == "en" else "1er novembre 2026") in str(refused.value)


def test_the_gate_opens_where_no_rule_is_open_and_names_no_authorisation():
    from scoring.law.formalities import FORMS
    from scoring.law.rules import packaged_rules

    book = {name: packaged_rules()[name].model_copy(update={"applies": "not always"}) for form in FORMS for name in form.rules}
    found = legal.go_live(declared(AUDIT, facts={**FR, "cnil_list_items": "none"}), rules=RuleBook(book))
    assert found.points == ()


def test_a_declaration_that_was_not_studied_leaves_what_is_measured_unknown():
    activity = ProcessingActivity.read("data/samples/credit/activity.yaml")
    found = legal.assess_activity(activity)
    assert found.not_measured == "no_study"
    assert not {"group_gap", "decisions_following_score"} & set(found.facts)
    assert found.points
    assert all(row["predictive_value"] is None for row in found.variables)
