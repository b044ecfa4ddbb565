"""The funnel: pass rates counted by pandas on the rows, ratios that multiply to the whole, who is lost where."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from scoring.bounds import Bounds
from scoring.customers.intake import admit
from scoring.errors import StudyError
from scoring.fairness.counts import count
from scoring.fairness.funnel import DECISION, FUNNEL, funnel_rows, funnel_sentences, stage_effects
from scoring.fairness.hypotheses import adjust, ratio_test
from scoring.fairness.intervals import proportion_interval, ratio_interval
from scoring.plan import Plan

BOUNDS = Bounds()
STAGES = ("reachable", "eligible")
DECLARED = {"region": ["a", "b", "c", "d"]}


def plan_of(**more):
    columns = {
        "sex": {"type": "text", "roles": "protected"}, "region": {"type": "text", "roles": "protected", "levels": ["a", "b", "c", "d"]},
        "mail": {"type": "text", "roles": "stage"}, "old": {"type": "text", "roles": "stage"}, "ok": {"type": "text", "roles": "decision"},
    }  # fmt: skip
    return Plan.model_validate(
        {
            "columns": columns | more.pop("columns", {}),
            "groups": {"sex": {"column": "sex"}, "region": {"column": "region"}},
            "decision": {"column": "ok", "favourable": ["1"]},
            "funnel": [
                {"name": "reachable", "column": "mail", "passes": ["yes"], "title": {"fr": "joignables"}},
                {"name": "eligible", "column": "old", "passes": ["yes", "maybe"]},
            ],
        }
        | more
    )


def people(n=3000, seed=1):
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({"sex": rng.choice(["F", "M", None], n, p=[0.45, 0.45, 0.1]), "region": rng.choice(["a", "b", "c"], n)})
    made["mail"] = np.where(rng.random(n) < np.where(made["sex"] == "F", 0.6, 0.9), "yes", None)
    made["old"] = np.where(made["region"] == "c", "no", rng.choice(["yes", "maybe", "no"], n))
    made["ok"] = np.where(rng.random(n) < 0.5, "1", "0")
    made.loc[(made["mail"] != "yes") | (made["old"] == "no"), "ok"] = None
    return made


def counted(frame, plan=None):
    plan = plan or plan_of()
    return count(admit(plan, frame), plan)


@pytest.fixture(scope="module")
def frame():
    return people()


@pytest.fixture(scope="module")
def rows(frame):
    return funnel_rows(counted(frame), plan_of().funnel, bounds=BOUNDS, declared=DECLARED)


def by_hand(frame):
    """Return, per sex, the people left and those who pass, stage by stage."""
    steps = [frame["mail"].eq("yes"), frame["old"].isin(["yes", "maybe"]), frame["ok"].eq("1")]
    left, found = pd.Series(True, frame.index), []
    for step in steps:
        passing = left & step
        sex = frame["sex"].fillna("(unknown)")
        found.append(pd.DataFrame({"trials": left.groupby(sex).sum(), "hits": passing.groupby(sex).sum()}))
        left = passing
    return pd.concat(dict(zip([*STAGES, DECISION], found, strict=True)), names=["stage", "group"])


def test_every_stage_counts_those_who_passed_all_before(rows, frame):
    expected = by_hand(frame)
    found = rows.query("attribute == 'sex'").set_index(["stage", "group"]).loc[expected.index]
    pd.testing.assert_frame_equal(found[["trials", "hits"]].astype(int), expected.astype(int))


def test_columns_and_stages_stand_in_their_order(rows):
    assert list(rows.columns)[: len(FUNNEL)] == FUNNEL
    assert rows.query("group == 'F'")["stage"].tolist() == [*STAGES, DECISION]


def test_rates_ratios_and_tests_are_those_of_the_counts_against_everybody_else_known(rows, frame):
    counted_by_hand = by_hand(frame)
    women, men = (counted_by_hand.xs(sex, level="group").loc[[*STAGES, DECISION]] for sex in "FM")
    found = rows.query("attribute == 'sex' and group == 'F'")
    sides = women["hits"], women["trials"], men["hits"], men["trials"]
    np.testing.assert_allclose(found[["low", "high"]].T, proportion_interval(*sides[:2]))
    np.testing.assert_allclose(found[["ratio_low", "ratio_high"]].T, ratio_interval(*sides, method="gart-nam"))
    np.testing.assert_allclose(found["p_exclusion"], ratio_test(*sides).p_exclusion)


def test_each_stage_is_a_family_of_its_own(rows):
    for _, stage in rows.groupby("stage"):
        np.testing.assert_allclose(stage["p_exclusion_adjusted"], adjust(stage["p_exclusion"]))
        np.testing.assert_allclose(stage["p_within_adjusted"], adjust(stage["p_within"]))


def test_the_stage_that_makes_the_gap_is_named_and_judged(rows):
    assert rows[rows["makes_the_gap"]].set_index("group")["stage"].loc["F"] == "reachable"
    assert rows.query("group == 'F' and stage == 'reachable'")["verdict"].item() == "exclusion"
    assert not rows.query("group == 'M'")["makes_the_gap"].any()


def test_who_are_all_lost_at_a_stage_are_zero_there_and_not_asked_later(rows):
    lost = rows.query("group == 'c'").set_index("stage")
    assert (lost.loc["eligible", "verdict"], lost.loc["eligible", "zero"], lost.loc["eligible", "makes_the_gap"]) == ("exclusion", True, True)
    assert lost["log_share"].tolist()[:2] == [0.0, 1.0]
    assert (lost.loc[DECISION, "verdict"], lost.loc[DECISION, "because"]) == ("not applicable", "Nobody of this group is left at this stage.")
    assert lost.loc["eligible", "total_ratio"] == 0


def test_a_declared_level_that_nobody_holds_never_reaches_the_score(rows):
    absent = rows.query("group == 'd'")
    assert absent["people"].tolist() == [0, 0, 0]
    assert set(absent["verdict"]) == {"not applicable"}
    said = [line for line in funnel_sentences(rows, plan_of().funnel, BOUNDS) if "region: d" in line]
    assert len(said) == 1
    assert "never reaches the score" in said[0]


def test_the_unknown_have_rows_and_are_in_no_reference(rows, frame):
    known = frame.dropna(subset="sex")
    unknown = rows.query("attribute == 'sex' and stage == 'reachable' and group == '(unknown)'").iloc[0]
    assert unknown["ref_trials"] == len(known)
    assert rows.query("group == 'F' and stage == 'reachable'")["ref_trials"].item() == (known["sex"] == "M").sum()


@pytest.mark.parametrize("reference", ["rest", "best", "largest", {"sex": "M"}])
def test_logarithms_add_up_to_the_whole_whoever_is_the_reference(frame, reference):
    found = funnel_rows(counted(frame), plan_of().funnel, bounds=BOUNDS, reference=reference)
    sums = found.groupby(["attribute", "group"]).agg(log=("log_ratio", lambda x: x.sum(skipna=False)), total=("total_ratio", "first"))
    sums = sums[(sums["total"] > 0) & np.isfinite(sums["total"])]
    assert len(sums) >= 2
    np.testing.assert_allclose(sums["log"], np.log(sums["total"]), rtol=1e-10, atol=1e-12)
    shares = found[(found["total_ratio"] > 0)].groupby(["attribute", "group"])["log_share"].sum()
    np.testing.assert_allclose(shares, 1.0)


def test_the_best_off_group_is_one_for_all_stages_and_tested_against_all(frame):
    found = funnel_rows(counted(frame), plan_of().funnel, bounds=BOUNDS, reference="best").query("attribute == 'sex'")
    assert set(found.query("group == 'F'")["reference"]) == {"M"}
    plain = funnel_rows(counted(frame), plan_of().funnel, bounds=BOUNDS, reference={"sex": "M"}).query("attribute == 'sex'")
    assert (found["p_exclusion"].fillna(1).to_numpy() >= plain["p_exclusion"].fillna(0).to_numpy() - 1e-12).all()


def test_a_stage_that_nobody_of_the_reference_reaches_says_so():
    made = pd.DataFrame({"sex": ["F"] * 40 + ["M"] * 40, "region": "a", "mail": ["yes"] * 40 + ["no"] * 40, "old": "yes", "ok": "1"})
    found = funnel_rows(counted(made), plan_of().funnel, bounds=BOUNDS).query("group == 'F'").set_index("stage")
    assert found.loc["eligible", "because"].startswith("Nobody of the reference is left at this stage")
    assert np.isinf(found.loc["reachable", "ratio"])


def test_favoured_past_a_failed_stage_is_counted_and_said(frame):
    odd = frame.copy()
    odd.loc[odd.index[odd["mail"] != "yes"][:7], "ok"] = "1"
    found = funnel_rows(counted(odd), plan_of().funnel, bounds=BOUNDS)
    assert found.drop_duplicates(["attribute", "group"]).groupby("attribute")["bypassed"].sum().tolist() == [7.0, 7.0]
    assert any("failed a stage before" in line for line in funnel_sentences(found, plan_of().funnel, BOUNDS))


def test_without_a_funnel_the_table_is_empty(frame):
    plan = plan_of(funnel=[])
    filled = frame.fillna({"ok": "0"})
    assert funnel_rows(counted(filled, plan), plan.funnel, bounds=BOUNDS).empty


def weighted(meaning):
    return plan_of(columns={"w": {"type": "number", "roles": "weight"}}, weight_meaning=meaning)


def test_weights_that_are_counts_are_rows_repeated(frame):
    few = frame.head(600).assign(w=np.random.default_rng(3).integers(1, 4, 600).astype(float))
    once = funnel_rows(counted(few, weighted("count")), plan_of().funnel, bounds=BOUNDS)
    repeated = few.loc[few.index.repeat(few["w"].astype(int))].reset_index(drop=True)
    again = funnel_rows(counted(repeated), plan_of().funnel, bounds=BOUNDS)
    pd.testing.assert_frame_equal(once.drop(columns=["reasons"]), again.drop(columns=["reasons"]), check_dtype=False)


def test_sampling_weights_move_the_estimate_and_widen_the_interval(frame):
    heavy = frame.assign(w=np.random.default_rng(3).lognormal(0, 1, len(frame)))
    found = funnel_rows(counted(heavy, weighted("weight")), plan_of().funnel, bounds=BOUNDS).query("group == 'F' and stage == 'reachable'").iloc[0]
    plain = funnel_rows(counted(frame), plan_of().funnel, bounds=BOUNDS).query("group == 'F' and stage == 'reachable'").iloc[0]
    women = heavy[heavy["sex"] == "F"]
    assert found["value"] == pytest.approx(women.loc[women["mail"] == "yes", "w"].sum() / women["w"].sum())
    assert found["high"] - found["low"] > 1.3 * (plain["high"] - plain["low"])
    assert "weighted" in found["reasons"]


def test_clusters_widen_and_a_stored_study_gives_the_same(frame):
    plan = plan_of(columns={"home": {"type": "integer", "roles": "cluster"}})
    twins = pd.concat([frame.head(800)] * 3).assign(home=np.tile(np.arange(800), 3))
    counts = counted(twins, plan)
    found = funnel_rows(counts, plan.funnel, bounds=BOUNDS)
    single = funnel_rows(counted(frame.head(800)), plan.funnel, bounds=BOUNDS)
    inner = (found["hits"] > 0).to_numpy()
    np.testing.assert_allclose((found["high"] - found["low"])[inner], (single["high"] - single["low"])[inner], rtol=0.02)
    kept = stage_effects(counts, plan.funnel, BOUNDS.tolerance)
    stored = replace(counts, clusters=None, effects=kept, _margins={})
    pd.testing.assert_frame_equal(funnel_rows(stored, plan.funnel, bounds=BOUNDS), found)
    with pytest.raises(StudyError, match=r"keeps no design effects of .*Fix:"):
        funnel_rows(replace(stored, effects=kept[kept["metric"] == "stage.eligible"], _margins={}), plan.funnel, bounds=BOUNDS)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_and_the_names_of_groups_change_nothing(seed):
    made = people(200, seed)
    found = funnel_rows(counted(made), plan_of().funnel, bounds=BOUNDS)
    shuffled = made.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(found, funnel_rows(counted(shuffled), plan_of().funnel, bounds=BOUNDS))
    swapped = made.assign(sex=made["sex"].map({"F": "M", "M": "F"}))
    other = funnel_rows(counted(swapped), plan_of().funnel, bounds=BOUNDS)
    mine, theirs = found.query("group == 'F'")["ratio"], other.query("group == 'M'")["ratio"]
    np.testing.assert_allclose(mine, theirs)


def test_an_exact_interval_agrees_with_scipy_on_the_same_counts(rows):
    row = rows.query("group == 'F' and stage == 'reachable'").iloc[0]
    limits = binomtest(int(row["hits"]), int(row["trials"])).proportion_ci(method="wilson")
    assert (row["low"], row["high"]) == pytest.approx((limits.low, limits.high))


@pytest.mark.parametrize(
    ("language", "words"), [("en", ["lowest ratio", "joignables", "exclusion"]), ("fr", ["« joignables »", "rapport le plus bas", "Le verdict est"])]
)
def test_sentences_name_the_stage_in_both_languages(rows, language, words):
    said = " ".join(funnel_sentences(rows, plan_of().funnel, BOUNDS, language)).replace("\u202f", " ")
    assert all(word in said for word in words)
    assert "nan" not in said
