"""Segments and offers: shares that add up, association against scipy, no offer is an exclusion."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association

import scoring
from scoring.fairness.segments import NO_OFFER, cramers_v
from scoring.fairness.verdicts import VERDICTS
from scoring.plan import Segments
from scoring.vocabulary import UNKNOWN


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(2)
    n = 900
    made = pd.DataFrame({"sex": rng.choice(["F", "M", None], n, p=[0.45, 0.45, 0.1]), "age": rng.choice(["a", "b", "c"], n)})
    made["tier"] = np.where(made["sex"] == "F", rng.choice(["gold", "iron", "none"], n, p=[0.1, 0.2, 0.7]), rng.choice(["gold", "iron", "none"], n))
    made.loc[rng.random(n) < 0.05, "tier"] = None
    made["ok"] = rng.integers(0, 2, n)
    return made


@pytest.fixture(scope="module")
def study(frame):
    study = scoring.audit(frame, groups=["sex", "age"], decision="ok", favourable=1, segment="tier")
    offers = {"gold": "free", "iron": "paid", "none": None, UNKNOWN: None}
    plan = study.plan.model_copy(update={"segments": Segments(column="tier", offers=offers)})
    return scoring.Study(plan, study.counts)


def test_the_shares_of_a_group_add_up_to_1(study):
    shares = study.segments().groupby(["attribute", "group"])["value"].sum()
    np.testing.assert_allclose(shares, 1.0)
    assert len(shares) == 6


def test_shares_are_those_of_a_cross_table_and_the_reference_is_the_rest(study, frame):
    filled = frame.fillna(UNKNOWN)
    found = study.segments().query("attribute == 'sex'").set_index(["group", "segment"])
    expected = filled.groupby("sex")["tier"].value_counts(normalize=True).rename_axis(["group", "segment"])
    np.testing.assert_allclose(found["value"], expected.loc[found.index])
    rest = filled[filled["sex"] == "M"]["tier"].value_counts(normalize=True)
    assert found.loc[("F", "gold"), "reference_value"] == pytest.approx(rest["gold"])
    assert found.loc[("F", "gold"), "ratio"] == pytest.approx(expected[("F", "gold")] / rest["gold"])


def test_each_segment_bears_its_offer_and_no_offer_is_said(study):
    offers = study.segments().drop_duplicates("segment").set_index("segment")["offer"].to_dict()
    assert offers == {"gold": "free", "iron": "paid", "none": NO_OFFER, UNKNOWN: NO_OFFER}


def test_getting_no_offer_is_judged_like_any_other_refusal(study, frame):
    offers = study.offers()
    assert set(VERDICTS) <= set(offers.columns)
    row = offers.query("group == 'F'").iloc[0]
    got = frame["tier"].isin(["gold", "iron"]).groupby(frame["sex"]).mean()
    assert (row["metric"], row["verdict"]) == ("offer_rate", "exclusion")
    assert (row["value"], row["reference_value"]) == pytest.approx((got["F"], got["M"]))
    assert study.exit_code() == 1


def test_without_segments_the_tables_are_empty(frame):
    plain = scoring.audit(frame, groups=["sex"], decision="ok", favourable=1)
    assert plain.segments().empty
    assert plain.offers().empty
    assert plain.association().empty


def corrected(table):
    """Correct scipy's V for bias by hand (Bergsma 2013)."""
    n, (r, c) = table.sum(), table.shape
    phi2 = association(table, method="cramer") ** 2 * (min(r, c) - 1)
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    return np.sqrt(phi2 / min(r - (r - 1) ** 2 / (n - 1) - 1, c - (c - 1) ** 2 / (n - 1) - 1))


@pytest.mark.parametrize("seed", range(8))
def test_cramers_v_is_that_of_scipy_corrected_for_bias(seed):
    rng = np.random.default_rng(seed)
    table = rng.poisson(rng.gamma(1, 20, (rng.integers(2, 5), rng.integers(2, 5)))) + 1
    assert cramers_v(table.astype(float)) == pytest.approx(corrected(table), abs=1e-12)


@pytest.mark.parametrize(
    ("table", "v"),
    [
        pytest.param([[50, 0], [0, 50]], 1.0, id="the segment is the group"),
        pytest.param([[25, 25], [25, 25]], 0.0, id="independent: never below 0"),
        pytest.param([[50, 50]], np.nan, id="one group"),
        pytest.param([[50, 0], [50, 0]], np.nan, id="one segment that anybody is in"),
        pytest.param([[50, 0, 0], [0, 50, 0], [0, 0, 0]], 1.0, id="empty rows and columns do not count"),
    ],
)
def test_cramers_v_at_its_ends(table, v):
    np.testing.assert_allclose(cramers_v(np.array(table, float)), v, atol=0.02)


def test_association_leaves_the_unknown_group_out_and_names_the_farthest(study, frame):
    found = study.association().set_index("attribute")
    known = frame.dropna(subset="sex").fillna(UNKNOWN)
    table = pd.crosstab(known["sex"], known["tier"])
    assert found.loc["sex", "cramers_v"] == pytest.approx(corrected(table.to_numpy()))
    shares = table.div(table.sum(axis=1), axis=0)
    assert found.loc["sex", "total_variation"] == pytest.approx(0.5 * (shares.loc["F"] - shares.loc["M"]).abs().sum())
    ages = pd.crosstab(frame["age"], frame["tier"].fillna(UNKNOWN))
    distance = {age: 0.5 * (ages.loc[age] / ages.loc[age].sum() - ages.drop(age).sum() / ages.drop(age).sum().sum()).abs().sum() for age in "abc"}
    assert (found.loc["age", "group"], found.loc["age", "total_variation"]) == (
        max(distance, key=distance.get),
        pytest.approx(max(distance.values())),
    )


def test_a_small_group_is_never_named_as_the_farthest_in_what_is_published(frame):
    odd = frame.assign(sex=frame["sex"].where(frame.index > 2, "X"), tier=frame["tier"].where(frame.index > 2, "gold"))
    study = scoring.audit(odd, groups=["sex"], decision="ok", favourable=1, segment="tier")
    assert study.association()["group"].tolist() == ["X"]
    assert study.published().association()["group"].tolist() != ["X"]
