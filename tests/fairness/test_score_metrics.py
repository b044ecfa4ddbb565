"""Score metrics: each figure by a second road (rows with scikit-learn, scipy, statsmodels), and what must not change it."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import auc as trapezium
from sklearn.metrics import roc_auc_score, roc_curve

import scoring
from scoring.errors import EquiscoreError, StudyError
from scoring.fairness.by_score.calibration_metrics import (
    calibration_error,
    calibration_slope,
    effective_size,
    expected_calibration_error,
    hosmer_lemeshow,
    separated,
)
from scoring.fairness.by_score.distances import (
    Axis,
    Sample,
    kolmogorov_smirnov,
    mean_score,
    moved,
    score_quantile,
    standardised_mean_difference,
    wasserstein,
)
from scoring.fairness.by_score.permutation import redrawn, under_equality
from scoring.fairness.by_score.roc_area import area_between, roc
from scoring.fairness.by_score.score_bins import score_bins
from scoring.fairness.by_score.score_metrics import COLUMNS, score_rows
from scoring.fairness.by_score.score_table import SCORE_METRICS
from scoring.texts import LANGUAGES, say

UNKNOWN = "(unknown)"


def customers(n=1500, seed=0, points=True):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M", None], n, p=[0.48, 0.48, 0.04]), "age": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])})
    logit = rng.normal(loc=np.where(frame["sex"] == "F", -0.3, 0.3))
    chance = 1 / (1 + np.exp(-logit))
    frame["score"] = np.clip(np.round(chance, 2), 0.01, 0.99) if points else chance
    frame["repaid"] = pd.array(rng.binomial(1, chance), "Int64")
    frame.loc[rng.random(n) < 0.2, "repaid"] = pd.NA
    return frame


def counted(frame, **asked):
    asked = {"groups": ["sex", "age"], "outcome": "repaid", "favourable_outcome": 1, "score": "score", **asked}
    decided = {} if "decision" in asked else {"cutoff": 0.5}
    return scoring.audit(frame, **(decided | asked)).counts


@pytest.fixture(scope="module")
def frame():
    return customers()


@pytest.fixture(scope="module")
def rows(frame):
    return score_rows(counted(frame), probability="good", draws=50).set_index(["attribute", "group", "metric"]).sort_index()


def side(frame, attribute, group):
    """The rows of a group and of its rest: of known members, never of unknown ones."""
    level = frame[attribute]
    own = level.isna() if group == UNKNOWN else level == group
    return frame[own], frame[level.notna() & ~own]


def known_outcome(frame):
    seen = frame[frame["repaid"].notna()]
    return seen["repaid"].to_numpy(int), seen["score"].to_numpy(float)


GROUPS = [("sex", "F"), ("sex", "M"), ("age", "c"), ("sex", UNKNOWN)]


@pytest.mark.parametrize(("attribute", "group"), GROUPS)
def test_auc_gini_and_ks_are_those_of_the_rows(frame, rows, attribute, group):
    outcome, score = known_outcome(side(frame, attribute, group)[0])
    found = rows["value"].loc[attribute, group]
    assert found["auc"] == pytest.approx(roc_auc_score(outcome, score), abs=1e-12)
    assert found["gini"] == pytest.approx(2 * roc_auc_score(outcome, score) - 1, abs=1e-12)
    assert found["ks"] == pytest.approx(stats.ks_2samp(score[outcome == 1], score[outcome == 0]).statistic, abs=1e-12)


@pytest.mark.parametrize(("attribute", "group"), GROUPS)
def test_distances_to_the_rest_are_scipys(frame, rows, attribute, group):
    own, rest = (part["score"].to_numpy(float) for part in side(frame, attribute, group))
    found = rows["value"].loc[attribute, group]
    assert found["ks_to_rest"] == pytest.approx(stats.ks_2samp(own, rest).statistic, abs=1e-12)
    assert found["wasserstein_to_rest"] == pytest.approx(stats.wasserstein_distance(own, rest), abs=1e-12)
    assert found["smd"] == pytest.approx((own.mean() - rest.mean()) / math.sqrt((own.var(ddof=1) + rest.var(ddof=1)) / 2), abs=1e-9)


@pytest.mark.parametrize(("attribute", "group"), GROUPS)
def test_means_and_quantiles_are_numpys(frame, rows, attribute, group):
    own = side(frame, attribute, group)[0]["score"].to_numpy(float)
    found = rows.loc[attribute, group]
    assert found["value"]["mean_score"] == pytest.approx(own.mean(), abs=1e-12)
    low, high = stats.t.interval(0.95, len(own) - 1, own.mean(), stats.sem(own))
    assert found.loc["mean_score", ["low", "high"]].tolist() == pytest.approx([low, high], abs=1e-9)
    for name, share in (("score_p10", 0.1), ("score_p50", 0.5), ("score_p90", 0.9)):
        assert found["value"][name] == np.quantile(own, share, method="inverted_cdf")


@pytest.mark.parametrize(("attribute", "group"), GROUPS)
def test_the_calibration_slope_is_statsmodels(frame, rows, attribute, group):
    outcome, score = known_outcome(side(frame, attribute, group)[0])
    fit = sm.Logit(outcome, sm.add_constant(np.log(score / (1 - score)))).fit(disp=0)
    found = rows.loc[(attribute, group, "calibration_slope"), ["value", "low", "high"]]
    assert found.tolist() == pytest.approx([fit.params[1], *fit.conf_int()[1]], abs=1e-6)


@pytest.mark.parametrize(("attribute", "group"), GROUPS)
def test_calibration_in_the_large_is_the_mean_outcome_less_the_mean_score(frame, rows, attribute, group):
    outcome, score = known_outcome(side(frame, attribute, group)[0])
    found = rows.loc[attribute, group, "calibration_in_the_large"]
    assert found["value"] == pytest.approx(outcome.mean() - score.mean(), abs=1e-12)
    assert found["high"] - found["low"] == pytest.approx(np.diff(stats.binomtest(outcome.sum(), len(outcome)).proportion_ci(method="wilson"))[0])


def by_hand_ece(outcome, score, parts=10):
    """Walk up the scores; each score's people go to the part of the middle one of them."""
    total, reached, gaps = len(score), 0, {}
    for value in sorted(set(score)):
        here = outcome[score == value]
        part = min(int((reached + len(here) / 2) / total * parts), parts - 1)
        gaps[part] = gaps.get(part, 0.0) + sum(here - value)
        reached += len(here)
    return sum(abs(gap) for gap in gaps.values()) / total


@pytest.mark.parametrize(("attribute", "group"), GROUPS)
def test_the_calibration_error_is_that_of_a_walk_up_the_scores(frame, rows, attribute, group):
    found = rows["value"].loc[attribute, group, "expected_calibration_error"]
    assert found == pytest.approx(by_hand_ece(*known_outcome(side(frame, attribute, group)[0])), abs=1e-12)


@pytest.mark.parametrize(("attribute", "group"), GROUPS)
def test_cross_group_aucs_are_those_of_good_against_bad_of_the_other_side(frame, rows, attribute, group):
    (won, score), (rest_won, rest_score) = map(known_outcome, side(frame, attribute, group))
    for name, good, bad in (
        ("cross_group_auc", score[won == 1], rest_score[rest_won == 0]),
        ("xauc_rest", rest_score[rest_won == 1], score[won == 0]),
    ):
        asked = roc_auc_score(np.repeat([1, 0], [len(good), len(bad)]), np.concatenate([good, bad]))
        assert rows["value"].loc[attribute, group, name] == pytest.approx(asked, abs=1e-12)


def between_by_steps(first, second, steps=200_001):
    """The area between two curves on a fine grid of false positive rates."""
    at = np.linspace(0, 1, steps)
    lines = [np.interp(at, *roc_curve(outcome, score, drop_intermediate=False)[:2]) for outcome, score in (first, second)]
    return trapezium(at, np.abs(lines[0] - lines[1]))


@pytest.mark.parametrize(("attribute", "group"), GROUPS)
def test_the_area_between_roc_curves_is_that_of_fine_steps(frame, rows, attribute, group):
    own, rest = map(known_outcome, side(frame, attribute, group))
    assert rows["value"].loc[attribute, group, "abroca"] == pytest.approx(between_by_steps(own, rest), abs=2e-5)


def test_the_area_between_roc_curves_that_do_not_cross_is_the_difference_of_aucs():
    good, bad = np.array([[1.0, 2, 3, 4], [1, 1, 1, 1]]), np.ones((2, 4))
    curve = roc(good, bad)
    other = roc(good[::-1], bad)
    assert area_between(curve, other).tolist() == pytest.approx([0.125, 0.125])
    assert np.isnan(area_between(roc(np.zeros(4), bad[0]), roc(good[0], bad[0])))


def test_everybody_is_the_first_rows_and_has_no_rest(frame, rows):
    outcome, score = known_outcome(frame)
    assert rows.index[0][:2] == ("", "")
    assert rows["value"].loc["", "", "auc"] == pytest.approx(roc_auc_score(outcome, score))
    assert rows["people"].loc["", "", "auc"] == len(frame)
    assert rows["reason"].loc["", "", "smd"] == "no_rest"


def test_the_columns_and_the_order(frame):
    table = score_rows(counted(frame), draws=0)
    assert list(table) == COLUMNS
    assert table["metric"].head(len(SCORE_METRICS)).tolist() == list(SCORE_METRICS)
    assert table.drop_duplicates(["attribute", "group"])[["attribute", "group"]].to_numpy().tolist() == [
        ["", ""], ["sex", "F"], ["sex", "M"], ["sex", UNKNOWN], ["age", "a"], ["age", "b"], ["age", "c"],
    ]  # fmt: skip
    assert table["under_equality"].isna().all()


def test_a_missing_number_has_a_reason_with_words_and_no_other_has(rows):
    for name in ("value", "low", "high"):
        assert not (rows[name].isna() & (rows["reason"] == "")).any()
    assert (rows.loc[rows["reason"] != "", ["low", "high"]].isna()).all(axis=None)
    for language in LANGUAGES:
        assert all(say(f"score_metrics.{prefix}{name}", language) for name in SCORE_METRICS for prefix in ("", "explain_"))
        needs = {need for metric in SCORE_METRICS.values() for need in (*metric.needs, *metric.interval)} | {"clustered"}
        assert all(say(f"score_metrics.because_{need}", language) for need in needs)


def test_exact_bins_leave_nothing_open(rows):
    there = rows[rows["value"].notna()]
    np.testing.assert_array_equal(there["bound_low"], there["value"])
    np.testing.assert_array_equal(there["bound_high"], there["value"])


# what binning leaves open


@pytest.mark.parametrize("edges", [None, [0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9]], ids=["quantile bins", "declared edges"])
def test_the_unbinned_figure_lies_within_the_bounds(edges):
    frame = customers(4000, seed=3, points=False)
    counts = counted(frame)
    if edges is not None:
        place = np.digitize(frame["score"], edges)
        coarse = frame.assign(score=np.array([0.0, *edges])[place])
        held = counted(coarse)
        histogram = held.histogram.assign(bin=held.histogram["bin"])
        counts = type(held)(held.cells, histogram, held.edges, exact=False, weighted=held.weighted)
    table = score_rows(counts, probability="good", draws=0).set_index(["attribute", "group", "metric"]).sort_index()
    for attribute, group in GROUPS:
        own, rest = side(frame, attribute, group)
        (won, score), (rest_won, rest_score) = known_outcome(own), known_outcome(rest)
        everyone, others = own["score"].to_numpy(float), rest["score"].to_numpy(float)
        exact = {
            "auc": roc_auc_score(won, score),
            "gini": 2 * roc_auc_score(won, score) - 1,
            "ks": stats.ks_2samp(score[won == 1], score[won == 0]).statistic,
            "calibration_in_the_large": won.mean() - score.mean(),
            "mean_score": everyone.mean(),
            "score_p10": np.quantile(everyone, 0.1, method="inverted_cdf"),
            "score_p90": np.quantile(everyone, 0.9, method="inverted_cdf"),
            "ks_to_rest": stats.ks_2samp(everyone, others).statistic,
            "wasserstein_to_rest": stats.wasserstein_distance(everyone, others),
            "abroca": between_by_steps((won, score), (rest_won, rest_score)),
        }
        for name, value in exact.items():
            found = table.loc[attribute, group, name]
            assert found["bound_low"] - 2e-5 <= value <= found["bound_high"] + 2e-5, name
            assert found["bound_low"] - 1e-12 <= found["value"] <= found["bound_high"] + 1e-12, name
    assert table["bound_low"].loc["sex", "F", "calibration_slope"] is not None
    assert np.isnan(table["bound_low"].loc["sex", "F", "calibration_slope"])


def test_the_gap_within_bins_is_at_most_the_mass_of_one():
    rng = np.random.default_rng(2)
    first, second = (Sample.of_counts(rng.integers(0, 9, (40, 6)).astype(float) + 0.1) for _ in "fs")
    found = kolmogorov_smirnov(first, second, exact=False)
    heaviest = np.maximum(first.weight / first.total[:, None], second.weight / second.total[:, None]).max(-1)
    assert (found.bound_high <= found.value + heaviest + 1e-12).all()
    assert (found.bound_high > found.value).all()


def test_points_have_no_end_of_the_last_bin():
    frame = customers(3000, seed=4, points=False)
    frame["score"] = 500 + 100 * np.log(frame["score"] / (1 - frame["score"]))
    table = score_rows(counted(frame, cutoff=500.0), draws=0).set_index(["attribute", "group", "metric"]).sort_index()
    assert np.isinf(table["bound_high"].loc["sex", "F", "mean_score"])
    assert table["value"].loc["sex", "F", "mean_score"] == pytest.approx(frame.loc[frame["sex"] == "F", "score"].mean(), abs=1.0)


# intervals


def test_intervals_cover_what_they_promise():
    """4,000 files of two groups of 300: the truth is known from the laws they are drawn from."""
    rng = np.random.default_rng(5)
    values, edges = np.arange(12.0), np.array([0.02, 0.04, 0.08, 0.1, 0.12, 0.14, 0.14, 0.12, 0.1, 0.08, 0.04, 0.02])
    shifted = np.roll(edges, 2)
    axis = Axis.of_values(values)
    own, rest = (Sample.of_counts(rng.multinomial(300, p, 4000).astype(float)) for p in (shifted, edges))
    mean_own, mean_rest = shifted @ values, edges @ values
    unit = math.sqrt(((shifted @ values**2 - mean_own**2) + (edges @ values**2 - mean_rest**2)) / 2)
    truths = [
        (mean_score(own, axis), mean_own),
        (standardised_mean_difference(own, rest, axis), (mean_own - mean_rest) / unit),
        (wasserstein(own, rest, axis), np.abs(np.cumsum(shifted - edges))[:-1].sum()),
        (kolmogorov_smirnov(own, rest), np.abs(np.cumsum(shifted - edges)).max()),
        (score_quantile(own, axis, 0.5), values[np.searchsorted(np.cumsum(shifted), 0.5)]),
    ]
    covered = [((found.low <= truth) & (truth <= found.high)).mean() for found, truth in truths]
    assert min(covered) >= 0.94
    assert max(covered[:3]) <= 0.96


def test_the_interval_of_the_calibration_slope_covers():
    rng = np.random.default_rng(6)
    score = np.array([0.1, 0.25, 0.4, 0.55, 0.7, 0.9])
    held = rng.multinomial(400, np.full(6, 1 / 6), 400).astype(float)
    good = rng.binomial(held.astype(int), score).astype(float)
    found = calibration_slope(Sample.of_counts(good), Sample.of_counts(held - good), Axis.of_values(score))
    assert 0.93 <= ((found.low <= 1) & (found.high >= 1)).mean() <= 0.97


def test_weights_give_the_robust_interval_of_statsmodels():
    rng = np.random.default_rng(7)
    score = np.round(rng.uniform(0.05, 0.95, 600), 1)
    outcome, w = rng.binomial(1, score), rng.gamma(2.0, 1.0, 600)
    values = np.unique(score)
    sides = [[np.array([(power[(score == v) & (outcome == o)]).sum() for v in values])[None] for power in (w, w**2)] for o in (1, 0)]
    found = calibration_slope(*(Sample(*pair) for pair in sides), Axis.of_values(values))
    x = sm.add_constant(np.log(score / (1 - score)))
    fit = sm.GLM(outcome, x, family=sm.families.Binomial(), freq_weights=w).fit(cov_type="HC0")
    assert found.value[0] == pytest.approx(fit.params[1], abs=1e-6)
    p, bread = fit.fittedvalues, np.linalg.inv(x.T @ (x * (w * fit.fittedvalues * (1 - fit.fittedvalues))[:, None]))
    meat = (
        x.T @ (x * (w * (outcome - p))[:, None] ** 2 / np.where(x == 0, 1, 1))
        if False
        else (x * (w * (outcome - p))[:, None]).T @ (x * (w * (outcome - p))[:, None])
    )
    error = np.sqrt((bread @ meat @ bread)[1, 1])
    assert (found.high - found.low)[0] / 2 == pytest.approx(1.959963984540054 * error, rel=1e-6)


def test_weights_that_stand_for_rows_are_rows(frame):
    times = np.random.default_rng(8).integers(1, 4, len(frame))
    weighted = score_rows(counted(frame.assign(w=times), weights="w", weight_meaning="count"), probability="good", draws=0)
    repeated = score_rows(counted(frame.loc[np.repeat(frame.index, times)].reset_index(drop=True)), probability="good", draws=0)
    numbers = weighted.columns.drop(["attribute", "group", "metric", "reason"])
    np.testing.assert_allclose(weighted[numbers].to_numpy(float), repeated[numbers].to_numpy(float), rtol=1e-9, atol=1e-9)


def test_sampling_weights_keep_the_values_and_widen_the_intervals(frame):
    times = np.random.default_rng(8).integers(1, 4, len(frame)).astype(float)
    as_weights = score_rows(counted(frame.assign(w=times), weights="w"), probability="good", draws=20)
    as_rows = score_rows(counted(frame.assign(w=times), weights="w", weight_meaning="count"), probability="good", draws=0)
    plain = as_rows["metric"] != "smd"  # whose variances have a divisor of the effective size less one
    np.testing.assert_allclose(as_weights["value"][plain], as_rows["value"][plain], rtol=1e-9)
    np.testing.assert_allclose(as_weights["value"], as_rows["value"], rtol=0.01)
    width = [
        (table["high"] - table["low"])[table["metric"].isin(["auc", "mean_score", "smd", "calibration_slope"])].dropna()
        for table in (as_weights, as_rows)
    ]
    assert (width[0].to_numpy() > width[1].to_numpy()).all()
    assert as_weights["under_equality"].isna().all()  # weights cannot be drawn as people


def test_clustered_rows_get_no_interval_and_a_reason(frame):
    counts = counted(frame.assign(home=np.arange(len(frame)) // 2), cluster="home")
    table = score_rows(counts, probability="good", draws=20)
    assert table["low"].isna().all()
    assert set(table.loc[table["value"].notna(), "reason"]) <= {"clustered", "no_interval"}
    assert table["under_equality"].isna().all()


# the value under equality


def test_the_value_under_equality_is_that_of_shuffled_labels(frame, rows):
    rng = np.random.default_rng(9)
    known = frame[frame["sex"].notna()]
    score, n = known["score"].to_numpy(float), int((known["sex"] == "F").sum())
    drawn = [
        (stats.ks_2samp(one[:n], one[n:]).statistic, stats.wasserstein_distance(one[:n], one[n:]))
        for one in (rng.permutation(score) for _ in range(200))
    ]
    for name, seen in zip(("ks_to_rest", "wasserstein_to_rest"), np.mean(drawn, 0), strict=True):
        assert rows["under_equality"].loc["sex", "F", name] == pytest.approx(seen, rel=0.15)


def test_p25_no_p_value_is_0(rows):
    assert rows["p_equality"].min() == pytest.approx(1 / 51)
    found = score_rows(counted(customers(300)), draws=9)["p_equality"].dropna()
    assert set((found * 10).round(9)) <= set(range(1, 11))


def test_the_same_seed_draws_the_same(frame):
    counts = counted(frame)
    first, again, other = (score_rows(counts, draws=5, seed=seed)["under_equality"] for seed in (1, 1, 2))
    pd.testing.assert_series_equal(first, again)
    assert (first.dropna() != other.dropna()).any()
    np.random.seed(0)  # noqa: NPY002  (the global generator is not ours)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    score_rows(counts, draws=2)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_draws_have_the_moments_of_the_multivariate_hypergeometric():
    pool, take = np.array([[5.0, 0.0, 20.0, 7.0, 8.0], [100.0, 3.0, 3.0, 3.0, 91.0]]), np.array([12.0, 50.0])
    drawn = redrawn(pool, take, 20_000, np.random.default_rng(10)).astype(float)
    assert (drawn.sum(-1) == take).all()
    assert ((drawn >= 0) & (drawn <= pool)).all()
    for i in range(2):
        law = stats.multivariate_hypergeom(pool[i].astype(int), int(take[i]))
        np.testing.assert_allclose(drawn[:, i].mean(0), law.mean(), atol=0.1)
        np.testing.assert_allclose(np.cov(drawn[:, i].T), law.cov(), atol=0.35)


def test_draws_in_portions_are_all_drawn(monkeypatch):
    monkeypatch.setattr("scoring.fairness.by_score.permutation.AT_ONCE", 20)
    own, rest = np.full((2, 4), 3.0), np.full((2, 4), 5.0)

    def figure(one, _):
        return one[..., 0] / one.sum(-1)

    found = under_equality(own, rest, {"share": (figure, np.full(2, 0.25))}, draws=400, rng=np.random.default_rng(1))["share"]
    assert found.mean == pytest.approx([0.25, 0.25], abs=0.02)
    with pytest.raises(EquiscoreError, match=r"draws: 0 is none. Fix: "):
        under_equality(own, rest, {}, draws=0, rng=np.random.default_rng(1))


# what cannot be said


def small(groups):
    """A frame from {level: [(score, outcome), ...]}."""
    listed = [(level, score, outcome) for level, people in groups.items() for score, outcome in people]
    frame = pd.DataFrame(listed, columns=["sex", "score", "repaid"])
    return frame.astype({"repaid": "Int64", "score": "Float64"})


MIXED = [(0.2, 0), (0.3, 1), (0.4, 0), (0.6, 1), (0.8, 0), (0.9, 1)]


@pytest.mark.parametrize(
    ("people", "metric", "reason"),
    [
        pytest.param([(0.3, 1), (0.7, 1)], "auc", "no_bad", id="only good"),
        pytest.param([(0.3, 0), (0.7, 0)], "ks", "no_good", id="only bad"),
        pytest.param([(0.3, None), (0.7, None)], "calibration_in_the_large", "no_outcome", id="no outcome"),
        pytest.param([(0.3, 0), (0.4, 0), (0.7, 1)], "calibration_slope", "separated", id="parted without a mistake"),
        pytest.param([(0.5, 0), (0.5, 1)], "calibration_slope", "separated", id="one score only"),
        pytest.param([(0.0, 0), (0.5, 1), (0.6, 0)], "calibration_slope", "certain_score", id="a score of 0"),
        pytest.param([(0.5, 1)], "mean_score", "one_person", id="one person"),
        pytest.param([(0.5, 1)], "smd", "one_person", id="one person has no spread"),
        pytest.param([(None, 1), (None, 0)], "mean_score", "nobody_scored", id="nobody has a score"),
        pytest.param([(0.3, 1), (0.7, 1)], "abroca", "no_bad", id="no curve of the group"),
        pytest.param([(0.3, 1), (0.7, 1)], "xauc_rest", "no_bad", id="nobody to be beaten"),
    ],
)
def test_what_cannot_be_worked_out_says_why(people, metric, reason):
    frame = small({"X": people, "M": MIXED * 5})
    table = score_rows(counted(frame.assign(ok=1), groups=["sex"], decision="ok", favourable=1), probability="good", draws=5)
    row = table[(table["group"] == "X") & (table["metric"] == metric)].iloc[0]
    assert row["reason"] == reason
    assert row[["low", "high"]].isna().all()
    assert np.isnan(row["value"]) or metric == "mean_score"


def test_a_group_without_bad_ones_has_a_cross_group_auc():
    table = (
        score_rows(counted(small({"X": [(0.3, 1), (0.7, 1)], "M": MIXED * 5}), groups=["sex"]), draws=0).set_index(["group", "metric"]).sort_index()
    )
    assert table["value"]["X", "cross_group_auc"] == pytest.approx(roc_auc_score([1, 1, 0, 0, 0], [0.3, 0.7, 0.2, 0.4, 0.8]))


def test_a_group_that_is_everybody_has_no_rest():
    table = score_rows(counted(small({"M": MIXED}), groups=["sex"]), draws=5).set_index(["group", "metric"]).sort_index()
    assert table["reason"]["M", "ks_to_rest"] == "no_rest"
    assert table["under_equality"].isna().all()


def test_unknown_members_are_in_no_rest(frame):
    moved_away = frame.assign(score=frame["score"].where(frame["sex"].notna(), 0.99))
    names = ["smd", "ks_to_rest", "wasserstein_to_rest", "cross_group_auc", "xauc_rest", "abroca"]
    first, second = (
        score_rows(counted(one), draws=0).set_index(["attribute", "group", "metric"]).sort_index()["value"] for one in (frame, moved_away)
    )
    for group in ("F", "M"):
        assert first.loc["sex", group][names].tolist() == pytest.approx(second.loc["sex", group][names].tolist(), abs=1e-12)


def test_without_a_score_there_is_nothing_to_measure(frame):
    counts = scoring.audit(frame.assign(ok=1), groups=["sex"], decision="ok", favourable=1).counts
    with pytest.raises(StudyError, match=r"no score.*Fix: "):
        score_rows(counts)


# P28: what the score is, is said


def test_p28_a_probability_is_declared_never_guessed_from_the_range(frame):
    table = score_rows(counted(frame), draws=0)
    calibration = table[table["metric"].str.contains("calibration")]
    assert set(calibration["reason"]) == {"not_probability"}
    assert calibration["value"].isna().all()


def test_p28_what_is_no_probability_is_refused(frame):
    points = counted(frame.assign(score=frame["score"] * 1000), cutoff=500.0)
    with pytest.raises(EquiscoreError, match=r"the score runs from 50 to 960. Fix: "):
        score_rows(points, probability="good")
    with pytest.raises(EquiscoreError, match=r"probability: 'auto' is none. Fix: use one of good, bad"):
        score_rows(points, probability="auto")


def test_p28_the_probability_of_bad_is_turned(frame):
    good = score_rows(counted(frame), probability="good", draws=0)
    counts = counted(frame.assign(score=frame["score"] - 1))  # as a score of which higher is worse is held
    bad = score_rows(counts, probability="bad", draws=0)
    names = ["calibration_in_the_large", "calibration_slope", "expected_calibration_error", "mean_score"]
    for name in names:
        np.testing.assert_allclose(*(table.loc[table["metric"] == name, "value"] for table in (good, bad)), atol=1e-6)


# invariants


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(20, 200))
def test_order_of_rows_and_names_of_groups_change_nothing(seed, n):
    people = customers(n, seed=seed)
    names = {"F": "zebra", "M": "ant"}
    renamed = people.sample(frac=1, random_state=seed).assign(sex=lambda one: one["sex"].map(names))
    first, second = (
        score_rows(counted(one), probability="good", draws=0).set_index(["attribute", "group", "metric"]).sort_index() for one in (people, renamed)
    )
    for group, name in names.items():
        if ("sex", group) in first.index:
            numbers = ["value", "low", "high", "bound_low", "bound_high", "good", "bad", "people"]
            np.testing.assert_allclose(
                first.loc["sex", group][numbers].to_numpy(float), second.loc["sex", name][numbers].to_numpy(float), rtol=1e-7, atol=1e-9
            )
            assert first.loc["sex", group]["reason"].tolist() == second.loc["sex", name]["reason"].tolist()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), groups=st.integers(1, 5), bins=st.integers(1, 12), most=st.integers(1, 30))
def test_arrays_of_groups_are_the_groups_one_by_one(seed, groups, bins, most):
    rng = np.random.default_rng(seed)
    good, bad, third = (rng.integers(0, most, (groups, bins)).astype(float) for _ in range(3))
    axis = Axis.of_values(np.sort(rng.choice(np.arange(1, 1000), bins, replace=False)) / 1000)
    one, other, every = (Sample.of_counts(side) for side in (good, bad, good + bad + third))
    measures = [
        lambda pick: kolmogorov_smirnov(pick(one), pick(other)),
        lambda pick: wasserstein(pick(one), pick(every), axis),
        lambda pick: standardised_mean_difference(pick(one), pick(other), axis),
        lambda pick: calibration_slope(pick(one), pick(other), axis),
        lambda pick: expected_calibration_error(pick(one), pick(other), axis),
        lambda pick: score_quantile(pick(every), axis, 0.3),
    ]
    for measure in measures:
        whole = measure(lambda sample: sample)
        for i in range(groups):
            alone = measure(lambda sample, i=i: Sample.of_counts(sample.weight[[i]]))
            for found, single in zip(whole, alone, strict=True):
                np.testing.assert_allclose(found[i], single[0], rtol=1e-8, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), bins=st.integers(1, 10), k=st.integers(2, 5))
def test_a_figure_does_not_change_when_everybody_is_there_k_times(seed, bins, k):
    rng = np.random.default_rng(seed)
    good, bad = (rng.integers(0, 9, (1, bins)).astype(float) for _ in "gb")
    score = np.arange(1, bins + 1) / (bins + 1)
    for figure in (lambda g, b: calibration_error(g, b, score), lambda g, b: moved(g, b, score), lambda g, b: area_between(roc(g, b), roc(b, g))):
        np.testing.assert_allclose(figure(good, bad), figure(k * good, k * bad), atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), bins=st.integers(2, 8))
def test_the_slope_exists_just_where_outcomes_overlap(seed, bins):
    """Where it is not separated, the likeliest slope is that of statsmodels on rows."""
    rng = np.random.default_rng(seed)
    good, bad = (rng.integers(0, 3, (1, bins)).astype(float) for _ in "gb")
    axis = Axis.of_values(np.arange(1, bins + 1) / (bins + 1))
    found = calibration_slope(Sample.of_counts(good), Sample.of_counts(bad), axis)
    assert np.isnan(found.value[0]) == bool(separated(good, bad)[0])
    if not np.isnan(found.value[0]):
        x, outcome = (np.repeat(side, np.concatenate([good[0], bad[0]]).astype(int)) for side in (np.tile(axis.score, 2), np.repeat([1, 0], bins)))
        fit = sm.Logit(outcome, sm.add_constant(np.log(x / (1 - x)))).fit(disp=0)
        assert found.value[0] == pytest.approx(fit.params[1], abs=1e-4)


def test_an_axis_that_does_not_rise_is_refused():
    with pytest.raises(EquiscoreError, match=r"they do not rise. Fix: "):
        Axis.of_values(np.array([1.0, 1.0]))


def test_the_effective_size_is_that_of_the_linearised_variance():
    rng = np.random.default_rng(11)
    w, outcome = rng.gamma(1.0, 1.0, 500), rng.binomial(1, 0.3, 500)
    good, bad = (Sample(*(np.array([(power * (outcome == o)).sum()])[None] for power in (w, w**2))) for o in (1, 0))
    p = np.average(outcome, weights=w)
    variance = (w**2 * (outcome - p) ** 2).sum() / w.sum() ** 2
    assert effective_size(good, bad)[0] == pytest.approx(p * (1 - p) / variance)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(([1, 2], [0.0, 2.0], [10, 10]), "some are no part of the people", id="nobody expected"),
        pytest.param(([1, 2], [1.0, 2.0], [10, 10]), "2 parts leave no degree of freedom", id="too few parts"),
    ],
)
def test_tables_without_a_test_are_refused(arguments, says):
    with pytest.raises(EquiscoreError, match=rf"{says}.* Fix: "):
        hosmer_lemeshow(*arguments)


def test_hosmer_and_lemeshow_of_other_people_has_as_many_degrees_of_freedom_as_parts():
    observed, expected, people = np.array([3, 6, 12]), np.array([2.0, 7.0, 11.0]), np.array([20, 20, 20])
    table = stats.chi2.sf(((observed - expected) ** 2 / expected + (observed - expected) ** 2 / (people - expected)).sum(), 3)
    assert float(hosmer_lemeshow(observed, expected, people, fitted=False).p) == pytest.approx(table)


def test_score_bins_keep_everybody(frame):
    some = frame["score"].astype("Float64").where(np.arange(len(frame)) % 7 > 0)
    bins = score_bins(counted(frame.assign(score=some, ok=1), decision="ok", favourable=1))
    assert bins.people[:, 0].sum() + bins.unscored[0] == len(frame)
    assert bins.people[:, 1:4].sum() == bins.people[:, 0].sum()


def test_people_below_the_lowest_declared_edge_stand_at_their_mean():
    """The lowest bin has no lower end: its middle is no number, and asking for it is no warning (pytest makes one a failure)."""
    frame = pd.DataFrame({"sex": ["F", "M"] * 20, "score": np.arange(40.0)})
    held = scoring.audit(frame.assign(ok=1), groups=["sex"], decision="ok", favourable=1).counts
    places = np.digitize(frame["score"], [10.0, 20.0])
    rows = pd.DataFrame({"attribute": "sex", "group": frame["sex"], "decision": 1, "outcome": -1, "bin": places, "n": 1, "weight": 1.0})
    rows = rows.assign(weight_squared=1.0, score_sum=frame["score"])
    counts = type(held)(held.cells, rows, np.array([10.0, 20.0]), exact=False, weighted=held.weighted)
    np.testing.assert_allclose(score_bins(counts).axis.score, [4.5, 14.5, 29.5])
