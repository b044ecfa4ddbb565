"""Amounts: sums and intervals against pandas, scipy and statsmodels on the rows; Theil against its definition."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from scoring.bounds import Bounds
from scoring.customers.intake import admit
from scoring.errors import ContractError, EquiscoreError
from scoring.fairness.counts import count
from scoring.fairness.sums.amount_counts import AMOUNTS, count_amounts
from scoring.fairness.sums.amounts import AMOUNT_ROWS, THEIL, amount_rows, amount_sentences, theil, theil_sentences
from scoring.fairness.sums.steps import STEPS, steps
from scoring.plan import Plan

BOUNDS = Bounds()


def plan_of(*, of="everybody", higher_is="better", weight=None, **more):
    columns = {
        "sex": {"type": "text", "roles": "protected"}, "region": {"type": "text", "roles": "protected"},
        "limit": {"type": "number", "roles": "amount"}, "ok": {"type": "integer", "roles": "decision"},
    }  # fmt: skip
    if weight:
        columns["w"] = {"type": "number", "roles": "weight"}
        more["weight_meaning"] = weight
    return Plan.model_validate(
        {
            "columns": columns | more.pop("columns", {}),
            "groups": {"sex": {"column": "sex"}, "region": {"column": "region"}},
            "decision": {"column": "ok", "favourable": [1]},
            "amounts": {"limit": {"column": "limit", "of": of, "higher_is": higher_is}},
        }
        | more
    )


def people(n=2000, seed=1, *, grid=True):
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({"sex": rng.choice(["F", "M", None], n, p=[0.45, 0.45, 0.1]), "region": rng.choice(["a", "b", "c"], n)})
    amount = np.exp(rng.normal(7, 0.8, n) - 0.3 * (made["sex"] == "F"))
    made["limit"] = amount if grid else (amount / 100).round() * 100
    made.loc[rng.random(n) < 0.05, "limit"] = np.nan
    return made.assign(ok=rng.integers(0, 2, n), w=rng.lognormal(0, 0.6, n))


def counted(frame, plan=None, cutoff=None):
    plan = plan or plan_of()
    return count_amounts(admit(plan, frame), plan, cutoff)


def rows_of(frame, plan=None, **more):
    plan = plan or plan_of()
    return amount_rows(counted(frame, plan), plan.amounts, bounds=BOUNDS, **more).set_index(["attribute", "group"])


@pytest.fixture(scope="module", params=[True, False], ids=["grid", "values"])
def frame(request):
    return people(grid=request.param)


# counting


def test_everybody_is_in_one_bin_of_each_attribute(frame):
    found = counted(frame)
    assert list(found.columns) == AMOUNTS
    assert (found.groupby("attribute")["n"].sum() == len(frame)).all()
    missing = found[(found["attribute"] == "sex") & (found["bin"] < 0)]
    assert missing["n"].sum() == frame["limit"].isna().sum()


@pytest.mark.parametrize("weight", [None, "count", "weight"])
def test_sums_are_those_of_the_rows(frame, weight):
    found = counted(frame, plan_of(weight=weight)).query("attribute == 'sex' and bin >= 0").groupby(["group", "favoured"])
    there = frame.dropna(subset="limit").assign(sex=lambda made: made["sex"].fillna("(unknown)"))
    w, a = (np.ones(len(there)) if weight is None else there["w"]), there["limit"]
    squared = w**2 if weight == "weight" else w
    wanted = pd.DataFrame({"weight": w, "weight_squared": squared, "total": w * a, "squared_total": squared * a, "log_total": w * a * np.log(a)})
    expected = wanted.groupby([there["sex"], there["ok"]]).sum()
    np.testing.assert_allclose(found[list(wanted)].sum(), expected, rtol=1e-10)


@pytest.mark.parametrize("weight", [None, "count", "weight"])
def test_the_spread_is_that_about_the_mean_of_each_bin(frame, weight):
    found = counted(frame, plan_of(weight=weight)).query("attribute == 'region' and bin >= 0 and group == 'a'")
    centre = found["squared_total"].sum() / found["weight_squared"].sum()
    own = found["squared_total"] / found["weight_squared"]
    there = frame.dropna(subset="limit").query("region == 'a'")
    w = np.ones(len(there)) if weight is None else there["w"] ** (2 if weight == "weight" else 1)
    expected = (w * (there["limit"] - centre) ** 2).sum()
    assert (found["spread"] + found["weight_squared"] * (own - centre) ** 2).sum() == pytest.approx(expected, rel=1e-9)


def test_amounts_lie_between_the_ends_of_their_bins():
    frame = people()
    found = counted(frame).query("attribute == 'sex' and bin >= 0").drop_duplicates("bin").sort_values("bin")
    ends, amounts = found[["lower", "upper"]].to_numpy(), frame["limit"].dropna().to_numpy()
    inside = ((amounts[:, None] >= ends[:, 0]) & (amounts[:, None] <= ends[:, 1])).any(1)
    assert inside.all()
    assert (ends[1:, 0] >= ends[:-1, 0]).all()


def test_one_huge_amount_does_not_coarsen_the_others():
    frame = people()
    frame.loc[0, "limit"] = 1e9
    found = counted(frame).query("bin >= 0")
    near = found[(found["lower"] > 200) & (found["upper"] < 5000)]
    assert ((near["upper"] - near["lower"]) / near["upper"]).max() < 0.02
    row = rows_of(frame.drop(index=0)).loc[("sex", "F")]
    assert rows_of(frame).loc[("sex", "M"), "q50"] == pytest.approx(row["reference_q50"], rel=0.02)


def test_a_variance_survives_a_mean_that_is_huge_beside_it():
    rng = np.random.default_rng(2)
    frame = people().assign(limit=1e9 + rng.random(2000))
    row = rows_of(frame).loc[("sex", "F")]
    women = frame.loc[frame["sex"] == "F", "limit"]
    assert row["mean_high"] - row["mean"] == pytest.approx(stats.t.ppf(0.975, len(women) - 1) * stats.sem(women), rel=1e-6)


@pytest.mark.parametrize("kind", ["polars", "arrow", "shuffled"])
def test_the_bytes_are_the_same_from_any_frame_in_any_order(kind):
    frame = people()
    other = {"polars": pl.from_pandas, "arrow": lambda f: pl.from_pandas(f).to_arrow(), "shuffled": lambda f: f.sample(frac=1, random_state=1)}
    plan = plan_of(weight="weight")
    pd.testing.assert_frame_equal(counted(frame, plan), counted(other[kind](frame), plan), check_exact=True)


def test_a_decision_by_score_is_cut_as_the_study_cuts_it():
    frame = people().assign(score=lambda made: np.random.default_rng(4).normal(size=len(made)))
    for higher, cutoff in (("better", 0.3), ("worse", -0.3)):
        plan = plan_of(
            of="favoured",
            columns={"score": {"type": "number", "roles": "score"}},
            score={"column": "score", "higher_is": higher},
            decision={"cutoff": {"rule": "value", "value": 0.3}},
        )
        favoured = frame[frame["score"] >= 0.3] if higher == "better" else frame[frame["score"] <= 0.3]
        found = amount_rows(counted(frame, plan, cutoff), plan.amounts, bounds=BOUNDS).set_index(["attribute", "group"])
        assert found.loc[("sex", "F"), "mean"] == pytest.approx(favoured.loc[favoured["sex"] == "F", "limit"].mean())


def test_who_was_lost_before_the_decision_is_not_favoured():
    frame = people().assign(mail=lambda made: np.where(made.index % 3 == 0, "no", "yes"), ok=lambda made: made["ok"].where(made.index % 3 != 0))
    stage = {"columns": {"mail": {"type": "text", "roles": "stage"}}, "funnel": [{"name": "reachable", "column": "mail", "passes": ["yes"]}]}
    found = counted(frame, plan_of(**stage)).query("attribute == 'sex'")
    assert found["n"].sum() == len(frame)
    assert found.loc[found["favoured"] == 1, "n"].sum() == (frame["ok"] == 1).sum()


def test_without_amounts_there_is_nothing_to_count():
    frame = people(50)
    assert counted(frame, plan_of(amounts={})) is None


# means


@pytest.mark.parametrize("of", ["everybody", "favoured"])
def test_means_and_differences_are_those_of_statsmodels(frame, of):
    found = rows_of(frame, plan_of(of=of))
    kept = frame.dropna(subset=["limit"]).query("ok == 1" if of == "favoured" else "ok >= 0")
    for attribute, group in (("sex", "F"), ("region", "b")):
        row = found.loc[(attribute, group)]
        mine = kept.loc[kept[attribute] == group, "limit"]
        rest = kept.loc[kept[attribute].notna() & (kept[attribute] != group), "limit"]
        compared = CompareMeans(DescrStatsW(mine), DescrStatsW(rest))
        assert (row["mean"], row["people"]) == (pytest.approx(mine.mean()), len(mine))
        assert (row["mean_low"], row["mean_high"]) == pytest.approx(DescrStatsW(mine).tconfint_mean())
        assert (row["difference_low"], row["difference_high"]) == pytest.approx(compared.tconfint_diff(usevar="unequal"))
        assert row["ratio"] == pytest.approx(mine.mean() / rest.mean())


def test_the_ratio_is_beyond_1_exactly_where_the_difference_is_beyond_0():
    for seed in range(5):
        found = rows_of(people(150, seed))
        low, high = found["ratio_low"] > 1, found["ratio_high"] < 1
        assert ((found["difference_low"] > 0) == low).all()
        assert ((found["difference_high"] < 0) == high).all()


def test_fieller_of_many_people_is_the_delta_method_on_the_logarithm():
    frame = people(20_000)
    row = rows_of(frame).loc[("sex", "F")]
    mine, rest = (frame.loc[frame["sex"] == sex, "limit"].dropna() for sex in "FM")
    error = math.hypot(stats.sem(mine) / mine.mean(), stats.sem(rest) / rest.mean())
    np.testing.assert_allclose(np.log([row["ratio_low"], row["ratio_high"]]), math.log(row["ratio"]) + 1.96 * error * np.array([-1, 1]), atol=1e-3)


def test_a_price_that_is_lower_is_better_for_the_group():
    frame = people()
    better, worse = rows_of(frame).loc[("sex", "F")], rows_of(frame, plan_of(higher_is="worse")).loc[("sex", "F")]
    assert better["ratio"] < 1 < worse["ratio"]
    assert worse["ratio"] == pytest.approx(1 / better["ratio"])
    np.testing.assert_allclose([worse["ratio_low"], worse["ratio_high"]], [1 / better["ratio_high"], 1 / better["ratio_low"]])
    np.testing.assert_allclose(
        worse[["difference", "difference_low", "median_gap"]].astype(float), -better[["difference", "difference_high", "median_gap"]].astype(float)
    )
    assert worse["mean"] == better["mean"]


def test_a_sampling_weight_is_linearised():
    frame = people()
    row = rows_of(frame, plan_of(weight="weight")).loc[("sex", "F")]
    women = frame[(frame["sex"] == "F") & frame["limit"].notna()]
    w, a, n = women["w"], women["limit"], len(women)
    mean = np.average(a, weights=w)
    variance = (w**2 * (a - mean) ** 2).sum() / w.sum() ** 2 * n / (n - 1)
    assert row["mean"] == pytest.approx(mean)
    assert row["mean_high"] - mean == pytest.approx(stats.t.ppf(0.975, n - 1) * math.sqrt(variance))


def test_a_count_weight_is_a_row_repeated(frame):
    times = np.random.default_rng(3).integers(1, 4, len(frame))
    once = rows_of(frame.assign(w=times.astype(float)), plan_of(weight="count"))
    again = rows_of(frame.loc[frame.index.repeat(times)].reset_index(drop=True))
    numbers = [name for name in once if name not in {"reasons", "because", "amount", "of", "reference"} and not name.startswith(("q", "median"))]
    np.testing.assert_allclose(once[numbers].astype(float), again[numbers].astype(float), rtol=1e-9)


@pytest.mark.parametrize("reference", ["best", "largest", "M", {"sex": "M"}])
def test_a_reference_may_be_a_group(reference):
    frame = people()
    found = amount_rows(counted(frame).query("attribute == 'sex'"), plan_of().amounts, bounds=BOUNDS, reference=reference).set_index("group")
    name = found.loc["F", "reference"]
    other = {"best": "M", "largest": frame.dropna(subset="limit")["sex"].value_counts().index[0]}.get(
        reference if isinstance(reference, str) else "", "M"
    )
    assert name in {other, "(is the reference)"}
    assert (found["reference"] == "(is the reference)").sum() == 1
    assert found.loc[found["reference"] == "(is the reference)", "ratio"].isna().all()


def test_an_unknown_reference_names_the_nearest():
    with pytest.raises(EquiscoreError, match=r"No reference 'lagest'.*'largest'"):
        rows_of(people(60), reference="lagest")


# quantiles


def test_quantiles_of_few_values_are_those_of_numpy():
    frame = people(grid=False)
    row = rows_of(frame).loc[("sex", "F")]
    women = frame.loc[frame["sex"] == "F", "limit"].dropna()
    assert row[["q10", "q50", "q90"]].tolist() == pytest.approx(np.quantile(women, [0.1, 0.5, 0.9], method="inverted_cdf").tolist())


def test_quantiles_on_the_grid_are_within_a_bin():
    frame = people()
    row = rows_of(frame).loc[("sex", "F")]
    women = frame.loc[frame["sex"] == "F", "limit"].dropna()
    np.testing.assert_allclose(row[["q10", "q50", "q90"]].astype(float), np.quantile(women, [0.1, 0.5, 0.9], method="inverted_cdf"), rtol=0.02)


def test_limits_of_a_median_are_order_statistics_near_the_exact_ones():
    frame = people(grid=False)
    row = rows_of(frame).loc[("sex", "F")]
    women = np.sort(frame.loc[frame["sex"] == "F", "limit"].dropna())
    n = len(women)
    exact = women[[int(stats.binom.ppf(0.025, n, 0.5)) - 1, int(stats.binom.ppf(0.975, n, 0.5))]]
    assert abs(row[["q50_low", "q50_high"]].to_numpy(float) - exact).max() <= 100


def laid_out(women, men):
    """Lay amounts out as they are counted where every value is a bin."""
    values = np.concatenate([women, men])
    made = pd.DataFrame({"group": ["F"] * len(women) + ["M"] * len(men), "lower": values, "upper": values, "bin": stats.rankdata(values).astype(int)})
    ones = dict.fromkeys(("n", "weight", "weight_squared"), 1.0)
    sums = {"total": values, "squared_total": values, "spread": 0.0, "log_total": values * np.log(values)}
    return made.assign(attribute="sex", amount="limit", favoured=1, sign=1, **ones, **sums)[AMOUNTS]


def test_coverage_of_means_medians_and_their_gap():
    rng, covered = np.random.default_rng(8), []
    centre = math.exp(7)
    for _ in range(200):
        made = laid_out(np.exp(rng.normal(7, 0.5, 60)), np.exp(rng.normal(7.2, 0.5, 80)))
        row = amount_rows(made, plan_of().amounts, bounds=BOUNDS).iloc[0]
        truth = {"mean": math.exp(7.125), "q50": centre, "median_gap": centre - math.exp(7.2), "ratio": math.exp(-0.2)}
        covered.append({name: row[f"{name}_low"] <= value <= row[f"{name}_high"] for name, value in truth.items()})
    # three standard errors of 200 files
    assert (pd.DataFrame(covered).mean() >= 0.95 - 0.047).all()


def test_of_very_few_people_a_quantile_has_no_limit():
    frame = people(400).assign(sex=lambda made: ["F"] * 8 + ["M"] * (len(made) - 8), limit=lambda made: made["limit"].fillna(5.0))
    row = rows_of(frame).loc[("sex", "F")]
    assert row[["q10_low", "q90_high"]].isna().all()
    assert row[["q50_low", "q50_high"]].notna().all()


# inequality


def theil_of(amounts):
    amounts = np.asarray(amounts, float)
    share = amounts / amounts.mean()
    return np.where(share > 0, share * np.log(np.where(share > 0, share, 1.0)), 0.0).mean()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(amounts=st.lists(st.integers(0, 50), min_size=4, max_size=60), seed=st.integers(0, 999))
def test_theil_is_its_definition_and_splits_exactly(amounts, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], len(amounts)), "region": rng.choice(["a", "b"], len(amounts)), "limit": amounts, "ok": 1})
    row = theil(counted(frame), plan_of().amounts).set_index("attribute").loc["sex"]
    if not sum(amounts):
        assert np.isnan(row["theil"])
        return
    parts = [part["limit"] for _, part in frame.groupby("sex") if part["limit"].sum()]
    total = frame["limit"].sum()
    within = sum(part.sum() / total * theil_of(part) for part in parts)
    between = sum(part.sum() / total * math.log(part.mean() / frame["limit"].mean()) for part in parts)
    np.testing.assert_allclose([row["theil"], row["within"], row["between"]], [theil_of(amounts), within, between], atol=1e-11)
    assert row["within"] + row["between"] == pytest.approx(row["theil"], abs=1e-11)
    assert row["zero"] == amounts.count(0)


def test_theil_on_the_grid_loses_nothing():
    frame = people()
    row = theil(counted(frame), plan_of().amounts).set_index("attribute").loc["region"]
    assert row["theil"] == pytest.approx(theil_of(frame["limit"].dropna()), rel=1e-9)


def test_the_unknown_are_in_no_inequality_between_groups():
    frame = people()
    found = theil(counted(frame), plan_of().amounts)
    assert list(found.columns) == THEIL
    assert found.set_index("attribute").loc["sex", "people"] == frame.dropna(subset=["sex", "limit"]).shape[0]


@settings(max_examples=5, deadline=None, derandomize=True)
@given(power=st.integers(-3, 6), seed=st.integers(0, 99))
def test_scaling_the_amounts_scales_the_means_and_nothing_else(power, seed):
    frame = people(300, seed, grid=False)
    other = frame.assign(limit=frame["limit"] * 10.0**power)
    mine, theirs = rows_of(frame), rows_of(other)
    np.testing.assert_allclose(theirs["mean_high"], mine["mean_high"] * 10.0**power, rtol=1e-9)
    np.testing.assert_allclose(theirs[["ratio", "ratio_low", "ratio_high"]], mine[["ratio", "ratio_low", "ratio_high"]], rtol=1e-8)
    split = [theil(counted(one), plan_of().amounts)[["theil", "between"]] for one in (frame, other)]
    np.testing.assert_allclose(*split, atol=1e-9)


# what can go wrong


def test_all_amounts_missing_is_not_applicable_with_its_reason():
    found = rows_of(people(60).assign(limit=np.nan))
    assert set(found["because"]) == {"Nobody of this group has an amount."}
    assert (found["people"] == 0).all()
    assert found["ratio"].isna().all()
    assert theil(counted(people(60).assign(limit=np.nan)), plan_of().amounts)["because"].str.contains("above 0").all()


def test_a_row_with_an_infinite_amount_is_rejected_and_one_without_is_counted():
    frame = people(400)
    frame.loc[:9, "limit"] = np.inf
    frame.loc[10:14, "limit"] = -np.inf
    found = count(admit(plan_of(), frame), plan_of())
    assert found.rejected.groupby("reject")["n"].sum().to_dict() == {"limit: not a number": 15}
    assert counted(frame).query("attribute == 'sex'")["n"].sum() == 385
    assert counted(frame).query("attribute == 'sex' and bin < 0")["n"].sum() == frame["limit"].isna().sum()


def test_an_amount_beyond_all_measure_is_refused_by_name():
    with pytest.raises(ContractError, match=r"column 'limit' holds 1e\+200, which is no amount. Fix:"):
        counted(people(20).assign(limit=1e200))


def test_amounts_below_zero_are_counted_and_have_no_ratio_and_no_theil():
    frame = people(300).assign(limit=lambda made: made["limit"].fillna(0.0) - 5000)
    found = rows_of(frame)
    assert found.loc[("sex", "F"), "negative"] == ((frame["sex"] == "F") & (frame["limit"] < 0)).sum()
    assert found["ratio"].isna().all()
    assert found["difference"].notna().all()
    assert "A mean is below 0" in found.loc[("sex", "F"), "because"]
    assert theil(counted(frame), plan_of().amounts)["because"].str.contains("below 0").all()


def test_a_text_amount_is_rejected_as_every_text_in_a_number_is():
    frame = people(400).astype({"limit": object})
    frame.loc[:4, "limit"] = "a lot"
    assert counted(frame).query("attribute == 'sex'")["n"].sum() == 395


def test_clusters_take_the_intervals_away_and_say_why():
    found = rows_of(people(200), clustered=True)
    assert found[[name for name in found if name.endswith(("_low", "_high"))]].isna().all(axis=None)
    assert found["ratio"].notna().all()
    assert found["because"].str.contains("too narrow").all()


def test_one_person_has_a_mean_and_no_interval():
    frame = people(100).assign(sex=["F"] + ["M"] * 99, limit=lambda made: made["limit"].fillna(3.0))
    row = rows_of(frame).loc[("sex", "F")]
    assert row["mean"] == frame["limit"][0]
    assert np.isnan(row["mean_low"])
    assert "one_person" in row["reasons"]


def test_steps_meet_and_hold_what_lies_in_them():
    cut = steps(-700.0, 3000.0, 10.0)
    keys = np.arange(-30 * STEPS, 30 * STEPS, dtype=float)
    lower, upper = cut.ends(keys)
    near = np.abs(keys) > 1
    np.testing.assert_array_equal(upper[:-1][near[:-1] & near[1:]], lower[1:][near[:-1] & near[1:]])
    assert (upper >= lower).all()


# words


@pytest.mark.parametrize(("language", "word"), [("en", "on average"), ("fr", "en moyenne")])
def test_sentences_say_mean_median_and_ratio(language, word):
    frame = people(300)
    rows = amount_rows(counted(frame), plan_of().amounts, bounds=BOUNDS)
    assert list(rows.columns) == AMOUNT_ROWS
    said = amount_sentences(rows, plan_of().amounts, BOUNDS, language)
    assert len(said) == len(rows)
    assert all(word in line for line in said)
    split = theil_sentences(theil(counted(frame), plan_of().amounts), plan_of().amounts, language)
    assert all("Theil" in line for line in split)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_sentences_of_what_cannot_be_said_hold_no_number_that_is_none(language):
    made = people(60)
    for frame in (made.assign(limit=np.nan), made.assign(limit=7.0), made.assign(limit=-1.0)):
        plan = plan_of()
        rows = amount_rows(counted(frame), plan.amounts, bounds=BOUNDS, clustered=True)
        said = amount_sentences(rows, plan.amounts, BOUNDS, language) + theil_sentences(theil(counted(frame), plan.amounts), plan.amounts, language)
        assert not any("nan" in line or "–" in line for line in said)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")  # those of pyspark
def test_a_cluster_gives_the_same_bytes():
    builder = pytest.importorskip("pyspark.sql").SparkSession.builder.master("local[2]")
    for name, value in {"ui.enabled": "false", "driver.host": "127.0.0.1", "driver.bindAddress": "127.0.0.1"}.items():
        builder = builder.config(f"spark.{name}", value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    frame, plan = people(500), plan_of(weight="weight")
    there = spark.createDataFrame(frame.astype({"sex": object}).where(frame.notna(), None))
    pd.testing.assert_frame_equal(counted(there, plan), counted(frame, plan), check_exact=True)
    spark.stop()
