"""Decisions that follow the score at the cut-off in force: counted from the study as from the rows, and told as published tables are."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from scoring.customers.intake import admit
from scoring.decisions import FIXES
from scoring.errors import EquiscoreError, StudyError
from scoring.fairness.counts import count
from scoring.plan import Plan, Score
from scoring.scores import score_customers
from scoring.study import Study, study_of
from scoring.vocabulary import SMALL_GROUPS


def people(n=900, seed=5):
    """People by region, with scores of many decimals, of whom some have no score and some no decision."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south", "east"], n, p=[0.6, 0.38, 0.02])
    score = 500 + 60 * rng.standard_normal(n)
    accepted = np.where(rng.random(n) < 0.9, score >= 481.25, score < 481.25).astype(float)
    frame = pd.DataFrame({"region": region, "score": score, "accepted": accepted}).astype({"score": "Float64", "accepted": "Float64"})
    frame.loc[rng.random(n) < 0.03, "score"] = pd.NA
    frame.loc[rng.random(n) < 0.02, "accepted"] = pd.NA
    return frame


def studied(frame, threshold=10, **score):
    plan = Plan.model_validate(
        {
            "columns": {
                "region": {"type": "text", "roles": "protected"},
                "score": {"type": "number", "roles": "score"},
                "accepted": {"type": "number", "roles": "decision"},
            },
            "groups": {"region": {"column": "region"}},
            "decision": {"column": "accepted", "favourable": 1, "unfavourable": 0},
            "score": {"column": "score", "applied_cutoff": 481.25, **score},
            "bounds": {"publication_threshold": threshold, "max_rejected_share": 0.5},
        }
    )
    scored = score_customers(admit(plan, frame), plan)
    return study_of(plan, count(scored.table, plan, cutoff=scored.cutoff), scored, {}, None)


FRAME = people()
STUDY = studied(FRAME)


def by_hand(frame, *, worse=False):
    """Return who was decided about with a score, and who of them was raised or lowered against it."""
    held = frame.dropna()
    side = held["score"] <= 481.25 if worse else held["score"] >= 481.25
    return len(held), int(((held["accepted"] == 1) & ~side).sum()), int(((held["accepted"] == 0) & side).sum())


def test_the_declared_cutoff_is_an_edge_so_that_scores_of_many_decimals_are_parted_at_it_exactly():
    found = STUDY.decisiveness()
    n, raised, lowered = by_hand(FRAME)
    assert not STUDY.counts.exact
    assert (found.people, found.following, found.raised, found.lowered) == (n, n - raised - lowered, raised, lowered)
    assert (found.low, found.high) == pytest.approx(proportion_confint(n - raised - lowered, n, method="wilson"))
    unscored, undecided = FRAME["score"].isna() & FRAME["accepted"].notna(), FRAME["accepted"].isna()
    assert (found.unscored, found.undecided) == (unscored.sum(), undecided.sum())
    assert found.people + found.unscored + found.undecided == len(FRAME)
    for row in found.by_group.to_dict("records"):
        n, raised, lowered = by_hand(FRAME[FRAME["region"] == row["level"]])
        assert (row["people"], row["raised"], row["lowered"]) == (n, raised, lowered)
        assert (row["low"], row["high"]) == pytest.approx(proportion_confint(raised + lowered, n, method="wilson"))


def test_the_cutoff_parts_without_deciding_anything():
    """The decisions are those of the column, whatever cut-off is declared."""
    other = studied(FRAME, applied_cutoff=600.5)
    assert other.rates().equals(STUDY.rates())
    assert other.cutoff is None
    assert other.decisiveness().share < STUDY.decisiveness().share


def test_a_score_that_is_better_when_lower_is_favourable_up_to_the_cutoff():
    found = studied(FRAME, higher_is="worse").decisiveness()
    assert (found.people, found.raised, found.lowered) == by_hand(FRAME, worse=True)


def test_published_small_groups_are_one_and_named_and_everybody_is_in_a_row():
    found = STUDY.published(30).decisiveness()
    assert set(found.by_group["level"]) == {"north", SMALL_GROUPS}
    assert set(found.by_group.set_index("level").loc[SMALL_GROUPS, "folded"].split(", ")) == {"east", "south"}
    assert found.by_group["people"].sum() == found.people
    assert found.by_group["overridden"].sum() == found.people - found.following


def test_few_without_a_score_are_not_told_apart():
    few = FRAME.assign(score=FRAME["score"].fillna(450.0), accepted=FRAME["accepted"].fillna(0.0))
    few.loc[[0, 300, 600], "score"] = pd.NA
    found = studied(few).published().decisiveness()
    assert found.people == len(few)
    assert np.isnan(found.unscored)
    assert found.by_group["people"].sum() == len(few)


def test_of_fewer_people_than_may_be_shown_nothing_is_told():
    with pytest.raises(StudyError, match="So few people"):
        STUDY.published(10_000).decisiveness()


@pytest.mark.parametrize("why", FIXES)
def test_each_reason_says_how_it_is_mended(why):
    assert "Fix: " in FIXES[why]


def test_without_a_declared_cutoff_it_is_asked_for():
    with pytest.raises(StudyError, match=r"Fix: declare study\.score\.applied_cutoff"):
        studied(FRAME, applied_cutoff=None).decisiveness()


@pytest.mark.parametrize("cutoff", [float("nan"), float("inf")])
def test_a_cutoff_is_a_number(cutoff):
    with pytest.raises(ValueError, match="finite"):
        Score(column="score", applied_cutoff=cutoff)


def test_a_score_trained_here_was_in_force_for_no_decision():
    with pytest.raises(ValueError, match="in force for no decision yet"):
        Score.model_validate({"train": {}, "applied_cutoff": 3})


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(60)))
def test_the_order_of_rows_changes_nothing(order):
    small = FRAME.head(60)
    one, other = studied(small).decisiveness(), studied(small.iloc[order]).decisiveness()
    assert one.by_group.equals(other.by_group)
    assert (one.people, one.following, one.unscored) == (other.people, other.following, other.unscored)


def test_a_study_of_before_is_read_and_asks_for_the_cutoff(tmp_path):
    STUDY.save(tmp_path / "study")
    held = json.loads((tmp_path / "study" / "study.json").read_text(encoding="utf-8"))
    assert Study.load(tmp_path / "study").decisiveness().share == STUDY.decisiveness().share
    del held["plan"]["score"]["applied_cutoff"]  # as an earlier version wrote it
    plan = Plan.model_validate(held["plan"])
    assert plan.applied_cutoff is None
    with pytest.raises(EquiscoreError, match="not said"):
        study_of(plan, STUDY.counts, score_customers(admit(plan, FRAME), plan), {}, None).decisiveness()
