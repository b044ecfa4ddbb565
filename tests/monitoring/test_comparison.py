"""A new study against the signed one: each number by a second road, groups never lost, what cannot be compared said."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import confint_proportions_2indep

import scoring
from scoring.errors import EquiscoreError
from scoring.monitoring.comparison import COMPARED, compare
from scoring.monitoring.differences import differences
from scoring.monitoring.wording import changes
from tests.monitoring.conftest import people, study

SIGNED = people(5000, seed=1)
LATER = people(4500, seed=2, women=0.45)


@cache
def signed_study():
    return study(SIGNED)


@cache
def later_study():
    return study(LATER)


@pytest.fixture(scope="module")
def held():
    return compare(signed_study(), later_study(), shared="none")


def row(comparison, group, metric="selection_rate", attribute="sex"):
    table = comparison.table
    return table[(table["attribute"] == attribute) & (table["group"] == group) & (table["metric"] == metric)].iloc[0]


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")  # the log link of a binomial
@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.PerfectSeparationWarning")  # a saturated model fits every cell
def test_the_change_of_a_ratio_is_the_interaction_of_a_log_binomial_model_on_the_people(held):
    both = pd.concat([SIGNED.assign(late=0), LATER.assign(late=1)])
    cells = both.assign(f=both["sex"] == "F").groupby(["f", "late"])["accepted"].agg(["sum", "count"]).reset_index()
    design = np.column_stack([np.ones(4), cells["f"], cells["late"], cells["f"] * cells["late"]]).astype(float)
    family = sm.families.Binomial(link=sm.families.links.Log())
    with np.errstate(divide="ignore"):  # a saturated model has no degrees of freedom left for its scale
        fitted = sm.GLM(np.column_stack([cells["sum"], cells["count"] - cells["sum"]]), design, family=family).fit(start_params=[-0.5, 0, 0, 0])
    found = row(held, "F")
    assert found["log_change"] == pytest.approx(fitted.params[3], abs=1e-8)
    limits = fitted.params[3] + 1.959964 * fitted.bse[3] * np.array([-1, 1])
    np.testing.assert_allclose([found["log_change_low"], found["log_change_high"]], limits, atol=1e-3)


def test_by_hand_the_change_is_ratio_now_over_ratio_then_and_its_variance_the_sum_of_four_deltas(held):
    def side(frame):
        group, rest = (frame.loc[which, "accepted"] for which in (frame["sex"] == "F", frame["sex"] == "M"))
        variance = sum((1 - one.mean()) / one.sum() for one in (group, rest))
        return group.mean() / rest.mean(), variance

    (then, first), (now, second) = side(SIGNED), side(LATER)
    found = row(held, "F")
    assert found["ratio_then"] == pytest.approx(then)
    assert found["change"] == pytest.approx(now / then)
    width = 1.959964 * np.sqrt(first + second)
    np.testing.assert_allclose([found["log_change_low"], found["log_change_high"]], np.log(now / then) + width * np.array([-1, 1]), atol=1e-3)
    assert found["moved"] == "worse"


def test_the_level_is_shared_by_all_groups_and_metrics_of_single_attributes(held):
    single = held.table[(held.table["depth"] == 1) & held.table["p"].notna()]
    p = np.sort(single["p"].to_numpy())
    by_hand = np.minimum(np.maximum.accumulate(p * np.arange(len(p), 0, -1)), 1)
    np.testing.assert_allclose(np.sort(single["p_adjusted"]), by_hand)


def test_the_stability_index_is_that_of_the_tenths_of_the_signed_score():
    moved = people(6000, seed=3, shift=25)
    found = compare(signed_study(), study(moved), shared="none").stability
    values, totals = np.unique(SIGNED["score"], return_counts=True)
    below = np.cumsum(totals)[:-1] / totals.sum()
    cuts = sorted({values[1:][np.argmin(np.abs(below - share))] for share in np.arange(1, 10) / 10})
    p, q = (np.histogram(frame["score"], [-np.inf, *cuts, np.inf])[0] / len(frame) for frame in (SIGNED, moved))
    assert found.change == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert found.low < found.change < found.high
    assert found.more["p"] < 1e-6


def test_scores_with_no_edge_in_common_have_no_index_and_signed_edges_give_one():
    rng = np.random.default_rng(5)
    frames = [frame.assign(score=frame["score"] + rng.random(len(frame))) for frame in (people(4000, seed=6), people(4000, seed=7))]
    signed, new = map(study, frames)
    assert compare(signed, new, shared="none").stability.reasons == ("no_common_edges",)
    plan = new.plan.model_copy(update={"score": new.plan.score.model_copy(update={"edges": tuple(signed.counts.edges.tolist())})})
    activity = replace_plan(plan)
    again = scoring.conduct_study(activity, frames[1])
    found = compare(signed, again, shared="none").stability
    assert found.more["bins"] == 10
    assert found.low == 0


def replace_plan(plan):
    from scoring.activity import ProcessingActivity
    from tests.monitoring.conftest import ACTIVITY

    return ProcessingActivity.model_validate(ACTIVITY).model_copy(update={"study": plan})


def test_the_auc_is_sklearns_and_its_change_joins_both_intervals(held):
    then, now = (roc_auc_score(frame["good"], frame["score"]) for frame in (SIGNED, LATER))
    assert held.auc.then == pytest.approx(then, abs=1e-9)
    assert held.auc.change == pytest.approx(now - then, abs=1e-9)
    errors = [delong(frame) for frame in (SIGNED, LATER)]
    limits = now - then + 1.959964 * np.hypot(*errors) * np.array([-1, 1])
    np.testing.assert_allclose([held.auc.low, held.auc.high], limits, atol=3e-3)


def delong(frame):
    good, bad = (frame.loc[frame["good"] == one, "score"].to_numpy() for one in (1, 0))
    above = (good[:, None] > bad[None, :]) + 0.5 * (good[:, None] == bad[None, :])
    return np.sqrt(above.mean(1).var(ddof=1) / len(good) + above.mean(0).var(ddof=1) / len(bad))


def test_the_share_of_unknown_people_has_statsmodels_newcombe_interval():
    then, now = people(3000, seed=4, unknown=0.05), people(2500, seed=5, unknown=0.12)
    found = compare(study(then), study(now), shared="none").unknown["sex"]
    counts = [(frame["sex"].isna().sum(), len(frame)) for frame in (now, then)]
    expected = confint_proportions_2indep(*counts[0], *counts[1], method="newcomb", compare="diff")
    np.testing.assert_allclose([found.low, found.high], expected)
    assert found.change == pytest.approx(counts[0][0] / counts[0][1] - counts[1][0] / counts[1][1])


def test_overrides_are_counted_against_the_cut_off_or_taken_as_stated():
    then, now = signed_study(), later_study()
    assert compare(then, now, shared="none").overrides.reasons == ("no_overrides",)
    cut = replace(then, cutoff=520.0)
    found = compare(cut, now, shared="none").overrides
    for frame, rate in ((SIGNED, found.then), (LATER, found.now)):
        assert rate == pytest.approx(((frame["score"] >= 520) != (frame["accepted"] == 1)).mean())
    stated = [replace(one, document={"facts": {"override_rate": rate}}) for one, rate in ((then, 0.1), (now, 0.2))]
    found = compare(*stated, shared="none").overrides
    assert (found.then, found.now, found.reasons) == (0.1, 0.2, ("stated",))


def test_where_customers_may_be_in_both_files_nothing_has_an_interval():
    found = compare(signed_study(), later_study())
    assert found.table["change_low"].isna().all()
    assert {"shared"} <= set(row(found, "F")["reasons"])
    assert found.auc.reasons == found.unknown["sex"].reasons == ("shared",)
    same = compare(*(replace(signed_study(), source={"sha256": "one"}) for _ in range(2)), shared="none")
    assert same.shared == "unknown"  # of the very same file nobody can say that no customer is in both
    with pytest.raises(EquiscoreError, match="shared"):
        compare(signed_study(), later_study(), shared="some")


GROUPS = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e, f", "(x)"]), st.integers(1, 60), min_size=2, max_size=6)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(GROUPS, GROUPS, st.integers(0, 30))
def test_no_group_of_either_study_is_lost(then, now, unknown):
    def made(sizes, lost):
        group = np.array([name for name, n in sizes.items() for _ in range(n)] + [None] * lost, object)
        return scoring.audit(pd.DataFrame({"g": group, "ok": np.arange(len(group)) % 2}), groups=["g"], decision="ok", favourable=1)

    found = compare(made(then, unknown), made(now, 0), shared="none")
    main = found.table[found.table["metric"] == "selection_rate"]
    stands = dict(zip(main["group"], main["standing"], strict=True))
    assert set(then) | set(now) <= set(stands)
    assert all((stands[name] == "vanished") for name in set(then) - set(now))
    assert all(stands[name].startswith("appeared") for name in set(now) - set(then))
    assert all(stands[name] in {"both", "too_small", "too_small_now", "too_small_then"} for name in set(then) & set(now))
    # what is not published by itself has no number here
    hidden = main[main["verdict_then"] == "not shown"]
    assert hidden[["people_then", "ratio_then", "value_then", "change"]].isna().all(axis=None)
    if sum(then.values()) + unknown >= 10:  # of fewer people in all the one row that joins them is all there is
        assert not main["people_then"].fillna(99).between(1, 9).any()


def test_the_columns_are_as_promised_and_the_plain_form_is_json(held):
    assert list(held.table) == COMPARED
    text = json.dumps(held.document(), allow_nan=False)
    assert json.loads(text)["table"][0].keys() == set(COMPARED)


def test_swapping_the_studies_turns_every_change_round(held):
    turned = compare(later_study(), signed_study(), shared="none")
    keys = ["attribute", "group", "metric"]
    pairs = held.table.merge(turned.table, on=keys)
    np.testing.assert_allclose(pairs["log_change_x"], -pairs["log_change_y"], atol=1e-9)
    np.testing.assert_allclose(pairs["log_change_low_x"], -pairs["log_change_high_y"], atol=1e-9)


def test_an_attribute_that_is_cut_otherwise_or_left_out_is_said_and_not_compared():
    frames = [frame.assign(age=np.arange(len(frame)) % 60 + 20) for frame in (SIGNED, LATER)]
    signed, new = (study(frame, groups={"sex": None, "age": [edge]}) for frame, edge in zip(frames, (30, 40), strict=True))
    found = compare(signed, new, shared="none")
    age = found.table[found.table["attribute"] == "age"]
    assert age["change"].isna().all()
    assert any(one.what == "group" and one.about == "age" for one in found.differences)
    labels = {str(name) for one in (signed, new) for name in one.judged().query("attribute == 'age'")["group"]}
    assert labels <= set(age["group"])


def test_levels_of_the_same_names_that_mean_other_people_are_not_compared():
    signed, new = signed_study(), later_study()
    group = new.plan.groups["region"].model_copy(update={"criterion": "residence"})
    new = replace(new, plan=new.plan.model_copy(update={"groups": {**new.plan.groups, "region": group}}))
    found = compare(signed, new, shared="none")
    assert "redefined" in row(found, "north", attribute="region")["reasons"]
    assert found.table.loc[found.table["attribute"] == "region", "change"].isna().all()
    assert np.isfinite(row(found, "F")["change"])


def test_an_attribute_of_one_study_only_keeps_its_groups():
    found = compare(signed_study(), study(LATER, groups=["sex"]), shared="none")
    region = found.table[found.table["attribute"] == "region"]
    assert set(region["standing"]) == {"not_studied_now"}
    assert {"north", "south"} <= set(region["group"])
    assert found.unknown["region"].reasons == ("other_attributes",)


def test_studies_of_other_things_are_not_comparable_and_why_is_said():
    signed = signed_study()
    flipped = study(LATER, favourable=0)
    found = compare(signed, flipped, shared="none")
    assert found.obstacles == ("other_decision",)
    assert found.table["change"].isna().all()
    assert set(found.table["verdict_now"]) != {"absent"}
    named = [replace(one, document={"reference": word}) for one, word in ((signed, "A"), (later_study(), "B"))]
    assert compare(*named, shared="none").obstacles == ("other_activity",)
    assert "same_study" in compare(replace(signed, digest="d"), replace(signed, digest="d")).obstacles


def test_what_differs_is_listed_in_both_languages():
    signed, new = signed_study(), replace(study(LATER, tolerance=0.9), source={"sha256": "other"})
    found = differences(signed, new)
    assert ("bound", "0.8", "0.9", "tolerance") in [tuple(one) for one in found]
    assert "data" in {one.what for one in found}
    comparison = compare(signed, new, shared="none")
    english, french = (" ".join(changes(comparison, language)) for language in ("en", "fr"))
    assert "0.9" in english
    assert "tolerance" in french
    assert len(changes(comparison, "en")) == len(changes(comparison, "fr"))


def test_the_interval_covers_the_true_change_as_often_as_it_says():
    rng = np.random.default_rng(12)
    from scoring.bounds import Bounds
    from scoring.fairness.drift import compare_studies

    n, rates, sides = 1500, ((0.6, 0.5), (0.5, 0.5)), []
    for group, rest in rates:
        x, y = rng.binomial(400, group, n).astype(float), rng.binomial(700, rest, n).astype(float)
        names = {"attribute": "g", "group": np.arange(n).astype(str), "metric": "selection_rate", "depth": 1, "people": 400.0}
        rows = pd.DataFrame({**names, "x": x, "n": 400.0, "y": y, "m": 700.0, "reference": "rest", "verdict": "undetermined"})
        sides.append(rows.assign(value=x / 400, ratio=(x / 400) / (y / 700)))
    found = compare_studies(*sides, bounds=Bounds(), shared="none")
    covered = ((found["change_low"] <= 0.5 / 0.6) & (found["change_high"] >= 0.5 / 0.6)).mean()
    assert stats.binomtest(round(covered * n), n, 0.95).pvalue > 0.001
