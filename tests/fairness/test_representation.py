"""Representation: shares against a benchmark, by scipy's binomial and chi-square, and by every allocation of the unknown."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scoring.bounds import Bounds
from scoring.customers.intake import admit
from scoring.errors import EquiscoreError
from scoring.fairness.counts import Counts, count
from scoring.fairness.hypotheses import adjust
from scoring.fairness.representation import FIT, REPRESENTATION, representation_effects, representation_fit, representation_rows
from scoring.fairness.representation import representation_sentences as sentences
from scoring.plan import Plan, Population
from scoring.vocabulary import WeightMeaning

BOUNDS = Bounds()
SOURCE = "Statistical office, Population 2025, table 3"
POPULATION = {
    "sex": Population(shares={"F": 0.52, "M": 0.48}, source=SOURCE),
    "region": Population(shares={"a": 0.5, "b": 0.3, "d": 0.2}, source=SOURCE),
}


def counts_of(frame, *, weight=None, cluster=False):
    columns = {name: {"type": "text", "roles": "protected"} for name in ("sex", "region")} | {"ok": {"type": "integer", "roles": "decision"}}
    columns |= {"w": {"type": "number", "roles": "weight"}} if weight else {}
    columns |= {"home": {"type": "integer", "roles": "cluster"}} if cluster else {}
    groups = {name: {"column": name} for name in ("sex", "region")}
    plan = Plan.model_validate(
        {"columns": columns, "groups": groups, "decision": {"column": "ok", "favourable": [1]}, "weight_meaning": weight or "weight"}
    )
    return count(admit(plan, frame), plan)


def people(n=600, seed=1):
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({"sex": rng.choice(["F", "M", None], n, p=[0.3, 0.6, 0.1]), "region": rng.choice(["a", "b", "c"], n)})
    return made.assign(ok=np.arange(n) % 2, w=rng.lognormal(0, 0.7, n))


@pytest.fixture(scope="module")
def frame():
    return people()


@pytest.fixture(scope="module")
def rows(frame):
    return representation_rows(counts_of(frame), POPULATION, bounds=BOUNDS)


def row_of(rows, attribute, group):
    return rows[(rows["attribute"] == attribute) & (rows["group"] == group)].iloc[0]


def test_share_and_ratio_are_those_of_the_known_in_the_benchmark(rows, frame):
    known = frame["sex"].dropna()
    women = row_of(rows, "sex", "F")
    assert (women["people"], women["of"]) == ((known == "F").sum(), len(known))
    assert women["share"] == pytest.approx((known == "F").mean())
    assert women["ratio"] == pytest.approx((known == "F").mean() / 0.52)
    assert women["shortfall"] == pytest.approx(0.52 * len(known) - (known == "F").sum())
    assert row_of(rows, "region", "a")["of"] == frame["region"].isin(["a", "b"]).sum()


def test_limits_and_tests_are_those_of_scipy(rows):
    for _, row in rows[rows["ratio"].notna()].iterrows():
        x, n = int(row["people"]), int(row["of"])
        wilson, exact = (stats.binomtest(x, n).proportion_ci(method=method) for method in ("wilson", "exact"))
        assert (row["low"], row["high"]) == pytest.approx((wilson.low, wilson.high))
        np.testing.assert_allclose([row["ratio_low"], row["ratio_high"]], np.array([exact.low, exact.high]) / row["benchmark"])
        limit = 0.8 * row["benchmark"]
        p = [stats.binomtest(x, n, limit, alternative=side).pvalue for side in ("less", "greater")]
        np.testing.assert_allclose([row["p_exclusion"], row["p_within"]], p, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("side", ["p_exclusion", "p_within"])
def test_all_groups_are_one_family(rows, side):
    np.testing.assert_allclose(rows[f"{side}_adjusted"], adjust(rows[side]))
    assert set(rows["family"]) == {5}


def test_before_adjustment_the_verdict_agrees_with_the_interval():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        frame = people(int(rng.integers(20, 200)), seed)
        found = representation_rows(counts_of(frame), {"sex": POPULATION["sex"]}, bounds=BOUNDS).dropna(subset="ratio")
        assert ((found["p_exclusion"] < 0.025) == (found["ratio_high"] < 0.8)).all()
        assert ((found["p_within"] < 0.025) == (found["ratio_low"] > 0.8)).all()


def test_a_level_that_nobody_holds_is_first_with_an_exact_bound(rows, frame):
    first = rows.iloc[0]
    n = frame["region"].isin(["a", "b"]).sum()
    assert (first["group"], first["people"], first["ratio"], first["verdict"], first["zero"]) == ("d", 0, 0.0, "exclusion", True)
    assert first["ratio_high"] == pytest.approx((1 - 0.025 ** (1 / n)) / 0.2)
    assert first["shortfall"] == pytest.approx(0.2 * n)


def test_women_missing_from_the_file_are_an_exclusion(rows):
    assert row_of(rows, "sex", "F")["verdict"] == "exclusion"
    assert row_of(rows, "sex", "M")["verdict"] == "within tolerance"


def test_levels_without_a_benchmark_and_the_unknown_are_listed_with_a_reason(rows, frame):
    other, unknown = row_of(rows, "region", "c"), row_of(rows, "sex", "(unknown)")
    assert (other["verdict"], other["reasons"], other["people"]) == ("not applicable", ("not_in_benchmark",), (frame["region"] == "c").sum())
    assert (unknown["verdict"], unknown["reasons"], unknown["people"]) == ("not applicable", ("unknown",), frame["sex"].isna().sum())
    assert rows.groupby("attribute")["people"].sum().to_dict() == {"region": len(frame), "sex": len(frame)}


def test_the_unknown_bound_the_share_over_every_allocation(rows, frame):
    women, unknown, n = (frame["sex"] == "F").sum(), frame["sex"].isna().sum(), len(frame)
    every = [(women + members) / n for members in range(unknown + 1)]
    row = row_of(rows, "sex", "F")
    assert (row["share_lowest"], row["share_highest"]) == pytest.approx((min(every), max(every)))
    assert (row["ratio_lowest"], row["ratio_highest"]) == pytest.approx((min(every) / 0.52, max(every) / 0.52))


def test_many_unknown_forbid_the_reassuring_verdict():
    frame = pd.DataFrame({"sex": ["F"] * 520 + ["M"] * 480 + [None] * 400, "region": "a", "ok": 1})
    row = row_of(representation_rows(counts_of(frame), {"sex": POPULATION["sex"]}, bounds=BOUNDS), "sex", "F")
    assert (row["verdict"], row["reasons"]) == ("undetermined", ("depends_on_unknowns",))


def test_a_small_file_forbids_the_reassuring_verdict():
    frame = pd.DataFrame({"sex": ["F"] * 25 + ["M"], "region": "a", "ok": 1})
    row = row_of(representation_rows(counts_of(frame), {"sex": POPULATION["sex"]}, bounds=BOUNDS), "sex", "F")
    assert (row["verdict"], row["reasons"]) == ("undetermined", ("small",))


def test_shown_before_adjustment_only_is_leaning():
    frame = pd.DataFrame({"sex": ["F"] * 33 + ["M"] * 67, "region": "a", "ok": 1})
    row = row_of(representation_rows(counts_of(frame), POPULATION, bounds=BOUNDS), "sex", "F")
    assert row["p_exclusion"] < 0.05
    assert row["verdict"] == "leaning"


def test_nobody_known_is_not_applicable():
    frame = pd.DataFrame({"sex": [None] * 20 + ["F"], "region": ["c"] * 21, "ok": 1})
    found = representation_rows(counts_of(frame), {"region": POPULATION["region"]}, bounds=BOUNDS)
    assert set(found["verdict"]) == {"not applicable"}
    fit = representation_fit(counts_of(frame), {"region": POPULATION["region"]}, bounds=BOUNDS).iloc[0]
    assert np.isnan(fit["p"])
    assert fit["because"].startswith("Nobody")


def test_a_benchmark_of_zero_has_no_ratio():
    population = {"sex": Population(shares={"F": 0.0, "M": 1.0}, source=SOURCE)}
    row = row_of(representation_rows(counts_of(people(50)), population, bounds=BOUNDS), "sex", "F")
    assert (row["verdict"], row["reasons"]) == ("not applicable", ("benchmark_zero",))


def test_a_benchmark_of_one_level_or_of_no_attribute_is_refused():
    counts = counts_of(people(50))
    alone = Population.model_construct(shares={"F": 1.0}, source=SOURCE)
    with pytest.raises(EquiscoreError, match=r"'sex' has one level.*Fix: give the share of every level"):
        representation_rows(counts, {"sex": alone}, bounds=BOUNDS)
    with pytest.raises(EquiscoreError, match=r"No attribute 'sexe'.*Fix: use 'sex'"):
        representation_rows(counts, {"sexe": POPULATION["sex"]}, bounds=BOUNDS)
    with pytest.raises(ValueError, match="at least 2"):
        Population(shares={"F": 1.0}, source=SOURCE)
    assert representation_rows(counts, {}, bounds=BOUNDS).empty


# the whole


def test_the_fit_is_pearsons_chi_square(frame):
    found = representation_fit(counts_of(frame), POPULATION, bounds=BOUNDS).set_index("attribute")
    assert [*found.reset_index().columns] == FIT
    region = frame["region"].value_counts()
    seen = np.array([region["a"], region["b"], 0])
    wanted = stats.chisquare(seen, seen.sum() * np.array([0.5, 0.3, 0.2]))
    assert found.loc["region", ["statistic", "p"]].tolist() == pytest.approx([wanted.statistic, wanted.pvalue])
    assert found.loc["region", "degrees"] == 2


def test_the_fit_keeps_its_level_with_weights():
    """Counts are put together here: the pass over each file would take longer than all files together."""
    rng = np.random.default_rng(5)
    rejected = []
    for _ in range(120):
        region, w = rng.choice(3, 300, p=[0.5, 0.3, 0.2]), rng.lognormal(0, 1, 300)
        sums = {name: np.bincount(region, values, 3) for name, values in {"n": np.ones(300), "weight": w, "weight_squared": w**2}.items()}
        cells = pd.DataFrame({"group.region": ["a", "b", "d"], "state": "au", "reject": ""} | sums)
        counts = Counts(cells, pd.DataFrame(), np.empty(0), exact=True, weighted=WeightMeaning.WEIGHT)
        rejected.append(representation_fit(counts, {"region": POPULATION["region"]}, bounds=BOUNDS)["p"].item() < 0.05)
    assert np.mean(rejected) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)


# weights, clusters, order


def test_counts_as_weights_are_rows_repeated(frame):
    times = np.random.default_rng(3).integers(1, 4, len(frame))
    once = representation_rows(counts_of(frame.assign(w=times.astype(float)), weight="count"), POPULATION, bounds=BOUNDS)
    again = representation_rows(counts_of(frame.loc[frame.index.repeat(times)]), POPULATION, bounds=BOUNDS)
    pd.testing.assert_frame_equal(once, again, check_dtype=False)


def test_sampling_weights_are_linearised(frame):
    row = row_of(representation_rows(counts_of(frame, weight="weight"), POPULATION, bounds=BOUNDS), "sex", "F")
    known = frame.dropna(subset="sex")
    w, member = known["w"], known["sex"] == "F"
    share = w[member].sum() / w.sum()
    variance = (w**2 * (member - share) ** 2).sum() / w.sum() ** 2
    size = share * (1 - share) / variance
    wilson = (share + 1.96**2 / (2 * size)) / (1 + 1.96**2 / size)
    assert row["share"] == pytest.approx(share)
    assert (row["low"] + row["high"]) / 2 == pytest.approx(wilson, abs=1e-4)


def test_people_of_one_household_count_as_one_and_a_stored_study_gives_the_same(frame):
    frame = frame.assign(region=frame["region"].replace("c", "d"))
    twins = pd.concat([frame] * 3).assign(home=np.tile(np.arange(len(frame)), 3))
    counts = counts_of(twins, cluster=True)
    found = representation_rows(counts, POPULATION, bounds=BOUNDS)
    single = representation_rows(counts_of(frame), POPULATION, bounds=BOUNDS)
    mine, alone = row_of(found, "sex", "F"), row_of(single, "sex", "F")
    assert mine["high"] - mine["low"] == pytest.approx(alone["high"] - alone["low"], rel=0.01)
    kept = representation_effects(counts, POPULATION)
    stored = replace(counts, clusters=None, effects=kept, _margins={})
    pd.testing.assert_frame_equal(representation_rows(stored, POPULATION, bounds=BOUNDS), found)
    with pytest.raises(EquiscoreError, match="keeps no design effects of the shares"):
        representation_rows(replace(stored, effects=kept.iloc[:0], _margins={}), POPULATION, bounds=BOUNDS)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 9999))
def test_order_and_names_change_nothing(seed):
    frame = people(80, seed)
    found = representation_rows(counts_of(frame), POPULATION, bounds=BOUNDS)
    pd.testing.assert_frame_equal(found, representation_rows(counts_of(frame.sample(frac=1, random_state=seed)), POPULATION, bounds=BOUNDS))
    renamed = {"sex": Population(shares={"x": 0.52, "M": 0.48}, source=SOURCE)}
    other = representation_rows(counts_of(frame.replace({"sex": {"F": "x"}})), renamed, bounds=BOUNDS)
    assert row_of(other, "sex", "x")["ratio_high"] == row_of(found, "sex", "F")["ratio_high"]


@pytest.mark.parametrize(
    ("language", "words"), [("en", ["population served", "nobody in the file"]), ("fr", ["population desservie", "personne dans le fichier"])]
)
def test_sentences_cite_the_source(rows, language, words):
    assert list(rows.columns) == REPRESENTATION
    said = sentences(rows, BOUNDS, language)
    assert len(said) == len(rows)
    assert SOURCE in said[0]
    assert all(word in " ".join(said) for word in words)
    assert not any("–" in line or "nan" in line for line in said)
