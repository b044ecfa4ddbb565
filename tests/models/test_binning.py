import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from scoring.errors import EquiscoreError
from scoring.models.binning import FeatureBins, WoEBinner
from scoring.models.card.cuts import best_cuts, log_loss
from scoring.models.card.evidence import information, information_value, shrunk, weight_of_evidence


def fit(values, outcome, **parameters):
    return WoEBinner(**parameters).fit(pd.DataFrame({"x": values}), outcome)


def rising(n=200):
    x = np.arange(n, dtype=float)
    return x, (np.random.default_rng(0).random(n) < 0.1 + 0.8 * x / n).astype(int)


# -- weight of evidence


def test_weight_of_evidence_is_the_log_ratio_of_shares_and_a_person_of_average_odds_changes_nothing():
    counts = np.array([[30.0, 60.0], [20.0, 5.0]])
    assert weight_of_evidence(counts, 1e-12) == pytest.approx([np.log(30 / 90 / (20 / 25)), np.log(60 / 90 / (5 / 25))])


def test_smoothing_draws_to_neutral_and_leaves_an_empty_bin_at_exactly_zero():
    one_lucky_person, empty = weight_of_evidence(np.array([[1.0, 0.0, 69.0], [0.0, 0.0, 30.0]]), 0.5)[:2]
    assert 0 < one_lucky_person < 2
    assert empty == 0.0


def test_shrinking_by_hand():
    """Two bins of like WoE: variance 1/1.5 + 1/2.5 and 1/1000.5 + 1/2000.5; the spread by moments is over its floor of a half."""
    counts = np.array([[1.0, 1000.0], [2.0, 2000.0]])
    v = np.array([1 / 1.5 + 1 / 2.5, 1 / 1000.5 + 1 / 2000.5])
    spread = ((4.0 / v).sum() - 2) / (1 / v).sum()
    assert spread > 0.5
    assert shrunk(np.array([2.0, -2.0]), counts) == pytest.approx([2.0 * spread / (spread + v[0]), -2.0 * spread / (spread + v[1])])
    assert shrunk(np.array([0.1, -0.1]), counts) == pytest.approx([0.05 / (0.5 + v[0]), -0.05 / (0.5 + v[1])])
    assert shrunk(np.zeros(3), np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]])).tolist() == [0, 0, 0]


def test_shrunk_evidence_is_nearer_the_truth():
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.7, (300, 12))
    people = rng.integers(3, 60, truth.shape)
    good = rng.binomial(people, 1 / (1 + np.exp(-truth)))
    raw = np.stack([weight_of_evidence(np.stack([g, n - g]).astype(float), 0.5) for g, n in zip(good, people, strict=True)])
    drawn = np.stack([shrunk(w, np.stack([g, n - g]).astype(float)) for w, g, n in zip(raw, good, people, strict=True)])
    assert ((drawn - truth) ** 2).mean() < 0.8 * ((raw - truth) ** 2).mean()


def test_information_value_against_its_definition():
    bins = FeatureBins("x", "number", (1.0,), (), (30.0, 60.0, 0.0), (20.0, 5.0, 0.0), (-0.9, 1.2, 0.0))
    assert bins.information_value == pytest.approx((30 / 90 - 20 / 25) * -0.9 + (60 / 90 - 5 / 25) * 1.2)


# -- cutting


@pytest.mark.parametrize(("monotone", "sign"), [("auto", 1), ("ascending", 1), ("descending", -1)])
def test_weight_of_evidence_goes_one_way(monotone, sign):
    x, outcome = rising()
    ranges = fit(x, outcome, monotone=monotone).bins_[0].woe[:-1]
    assert (np.diff(ranges) * sign >= 0).all()


def test_descending_is_found_by_auto():
    x, outcome = rising()
    assert (np.diff(fit(-x, outcome).bins_[0].woe[:-1]) < 0).all()


def test_auto_keeps_the_direction_of_lower_log_loss():
    x, outcome = rising()
    counts = np.stack([outcome, 1 - outcome]).astype(float)

    def loss(direction):
        cuts = best_cuts(counts, direction, max_bins=6, min_share=0.05)
        return log_loss(np.add.reduceat(counts, [0, *(cuts + 1)], axis=1))

    assert loss(1) < loss(-1)
    assert fit(x, outcome).bins_ == fit(x, outcome, monotone="ascending").bins_


def test_none_lets_a_hump_stand():
    x = np.repeat([0.0, 1.0, 2.0], 100)
    outcome = np.concatenate([np.repeat([1, 0], [20, 80]), np.repeat([1, 0], [80, 20]), np.repeat([1, 0], [20, 80])])
    assert len(fit(x, outcome, monotone="none").bins_[0].edges) == 2
    assert len(fit(x, outcome, monotone="either").bins_[0].edges) == 1


@pytest.mark.parametrize("sign", [1, -1], ids=["a hump", "a hollow"])
def test_auto_turns_once_where_the_data_insist(sign):
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    outcome = (sign * (1 - x**2) + rng.logistic(size=4000) > 0).astype(int)
    ways = np.sign(np.diff(fit(x, outcome).bins_[0].woe[:-1])) * sign
    assert ways.tolist() == sorted(ways, reverse=True)  # up, then down
    assert set(ways) == {1, -1}
    either = np.diff(fit(x, outcome, monotone="either").bins_[0].woe[:-1])
    assert (either > 0).all() or (either < 0).all()


def test_auto_does_not_turn_for_a_little():
    x, outcome = rising(2000)
    assert fit(x, outcome).bins_ == fit(x, outcome, monotone="either").bins_


def test_a_mapping_says_the_direction_of_some_columns():
    x, outcome = rising()
    binner = WoEBinner(monotone={"b": "descending"}).fit(pd.DataFrame({"a": x, "b": x}), outcome)
    assert (np.diff(binner.bins_[0].woe[:-1]) > 0).all()
    assert (np.diff(binner.bins_[1].woe[:-1]) <= 0).all()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from(["auto", "either", "ascending", "descending"]), st.integers(2, 60))
def test_bins_are_monotone_few_and_not_small_whatever_the_data(seed, monotone, n_values):
    rng = np.random.default_rng(seed)
    x, outcome = rng.integers(0, n_values, 150).astype(float), rng.integers(0, 2, 150)
    outcome[:2] = 0, 1
    bins = fit(x, outcome, monotone=monotone).bins_[0]
    steps = np.diff(bins.woe[:-1])
    assert (steps > 0).all() or (steps < 0).all()
    assert len(bins.edges) < 10
    assert min(np.add(bins.favourable, bins.unfavourable)[:-1]) >= 0.03 * 150


def test_an_edge_belongs_to_the_bin_below_and_far_numbers_are_told_apart():
    """Trees see float32; ranks keep 2**40 and 2**40 + 1 distinct."""
    x = np.repeat([2.0**40, 2.0**40 + 1], 50)
    bins = fit(x, np.repeat([0, 1], 50)).bins_[0]
    assert bins.edges == (2.0**40 + 0.5,)
    assert bins.codes(pd.Series([bins.edges[0], np.nextafter(bins.edges[0], np.inf), np.nan])).tolist() == [0, 1, 2]


def test_many_distinct_values_are_cut_at_quantiles_first():
    rng = np.random.default_rng(0)
    x = rng.normal(size=20_000)
    outcome = (x + rng.logistic(size=20_000) > 0).astype(int)
    bins = fit(x, outcome).bins_[0]
    assert len(bins.edges) == 9
    assert sum(bins.favourable) == outcome.sum()


# -- kinds of columns


def test_every_kind_of_column_gets_its_bins(people):
    X, y = people
    binner = WoEBinner().fit(X, y)
    assert {bins.name for bins in binner.bins_ if bins.kind == "number"} == {"age", "income", "children"}
    assert {bins.name for bins in binner.bins_ if bins.kind == "levels"} == {"home", "job", "member", "channel"}
    assert binner.transform(X).shape == X.shape
    assert np.isfinite(binner.transform(X)).all()


def test_missing_is_a_bin_of_its_own_and_unseen_is_neutral(people):
    X, y = people
    table = WoEBinner().fit(X, y).binning_table("home").set_index("bin")
    assert table.loc["(missing)", "count"] == X["home"].isna().sum()
    assert table.loc["(missing)", "favourable_share"] == pytest.approx((y[X["home"].isna()] == "good").mean())
    assert table.loc["(unseen)", ["count", "woe"]].tolist() == [0, 0]


def test_numeric_missing_at_scoring_only_is_neutral():
    x, outcome = rising()
    assert fit(x, outcome).transform(pd.DataFrame({"x": [np.nan]})).tolist() == [[0.0]]


def test_polars_and_pandas_read_alike(people):
    X, y = people
    binner = WoEBinner().fit(X, y)
    assert np.array_equal(binner.transform(pl.from_pandas(X)), binner.transform(X))


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(lambda s: s.astype("float64"), id="truth values read back as 1.0 and 0.0"),
        pytest.param(lambda s: s.astype("Int64"), id="as nullable integers"),
        pytest.param(lambda s: s.astype("str"), id="as text"),
        pytest.param(lambda s: s.astype(object), id="as objects"),
    ],
)
def test_yes_or_no_reads_alike_however_it_is_stored(people, again):
    X, y = people
    binner = WoEBinner().fit(X, y)
    assert np.array_equal(binner.transform(X.assign(member=again(X["member"]))), binner.transform(X))


def test_a_reserved_word_in_the_data_is_read_as_what_it_says():
    outcome = [0, 1] * 50
    assert fit(["(missing)", "a"] * 50, outcome).bins_ == fit([None, "a"] * 50, outcome).bins_


def test_what_cannot_be_hashed_is_named_by_its_text():
    held = WoEBinner().fit(pd.DataFrame({"x": [{"a": 1}, ["b"], {"a": 1}, None]}), [0, 1, 0, 1]).bins_[0]
    assert held.levels == ("['b']", "{'a': 1}")


def test_zero_weight_rows_are_not_there(people):
    X, y = people
    weights = (X["home"] != "own").fillna(True).astype(int)
    assert WoEBinner().fit(X, y, weights).bins_ == WoEBinner().fit(X[weights == 1], y[weights == 1]).bins_


# -- by hand


def test_edges_by_hand_are_taken_as_they_are():
    x, outcome = rising()
    bins = fit(x, outcome, cuts={"x": [10, 11, 150.5]}).bins_[0]
    assert bins.edges == (10.0, 11.0, 150.5)
    assert np.add(bins.favourable, bins.unfavourable).tolist() == [11, 1, 139, 49, 0]


def test_levels_are_put_together_by_hand_and_the_rest_stay_alone():
    binner = fit(["a", "b", "c", "d", None] * 20, [0, 1, 1, 0, 1] * 20, cuts={"x": [["c", "a"], ["d"]]})
    assert binner.binning_table()["bin"].tolist() == ["a | c", "d", "b", "(missing)", "(unseen)"]
    assert binner.binning_table()["count"].tolist() == [40, 20, 20, 20, 0]
    woe = binner.transform(pd.DataFrame({"x": ["a", "c", "d"]})).ravel()
    assert woe[0] == woe[1] != woe[2]


def test_others_take_ten_thousand_levels_and_all_that_come_later():
    rng = np.random.default_rng(0)
    people = np.array([f"street {i}" for i in range(10_000)] + ["Paris"] * 5000)
    outcome = np.where(people == "Paris", rng.random(15_000) < 0.8, rng.random(15_000) < 0.5).astype(int)
    binner = fit(people, outcome, cuts={"x": [["Paris"], ["(others)"]]})
    assert binner.binning_table()[["bin", "count"]].to_numpy().tolist() == [["Paris", 5000], ["(others)", 10_000], ["(missing)", 0], ["(unseen)", 0]]
    new, known = binner.transform(pd.DataFrame({"x": ["nowhere", "street 7"]})).ravel()
    assert new == known < 0
    assert fit(people, outcome, cuts={"x": [["Paris"], ["(others)"]]}, unseen="error").codes(pd.DataFrame({"x": ["nowhere"]})).tolist() == [[1]]


def test_numbers_may_be_grouped_as_levels():
    binner = fit([1.0, 2.0, 3.0, np.nan] * 20, [0, 1, 1, 0] * 20, cuts={"x": [[1], [2, 3]]})
    assert binner.bins_[0].labels == ("1", "2 | 3", "(missing)", "(unseen)")
    assert binner.codes(pd.DataFrame({"x": [3, 1, 9]})).ravel().tolist() == [1, 0, 3]


@pytest.mark.parametrize("special", [[999, -1], {"x": [-1, 999]}], ids=["for all columns", "for one"])
def test_special_values_are_never_part_of_a_range(special):
    x, outcome = rising()
    strange = np.concatenate([x, np.repeat([-1.0, 999.0], 30)])
    y = np.concatenate([outcome, np.ones(30, int), np.zeros(30, int)])
    bins = fit(strange, y, special=special).bins_[0]
    assert bins.edges == fit(x, outcome).bins_[0].edges
    assert bins.labels[-3:] == ("= -1", "= 999", "(missing)")
    assert np.add(bins.favourable, bins.unfavourable)[-3:].tolist() == [30, 30, 0]
    assert bins.codes(pd.Series([-1, 999, -1.5, 1000, np.nan])).tolist() == [len(bins.edges) + k for k in (1, 2)] + [
        0,
        len(bins.edges),
        len(bins.edges) + 3,
    ]


def test_a_special_value_that_nobody_had_is_neutral():
    x, outcome = rising()
    assert fit(x, outcome, special=[-1]).transform(pd.DataFrame({"x": [-1.0]})).tolist() == [[0.0]]


@pytest.mark.parametrize(("unseen", "worth"), [("neutral", 0.0), ("missing", -2), ("worst", None)])
def test_what_a_level_never_seen_is_worth(unseen, worth):
    binner = fit(["a", "b", None] * 20, [0, 1, 1] * 10 + [0, 1, 0] * 10, unseen=unseen)
    woe = binner.bins_[0].woe
    expected = {"neutral": 0.0, "missing": woe[-2], "worst": min(woe[:-1])}[unseen]
    assert binner.transform(pd.DataFrame({"x": ["z"]})).tolist() == [[expected]]
    assert binner.information_values().tolist() == fit(["a", "b", None] * 20, [0, 1, 1] * 10 + [0, 1, 0] * 10).information_values().tolist()


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        pytest.param({"cuts": {"y": [1]}}, "cuts names 'y', which is no column", id="cuts of no column"),
        pytest.param({"special": {"y": [1]}}, "special names 'y', which is no column", id="special of no column"),
        pytest.param({"cuts": {"x": [["a"], ["a", "b"]]}}, "name each level once", id="a level in two groups"),
        pytest.param({"cuts": {"x": [["a"], []]}}, "no group empty", id="an empty group"),
        pytest.param({"cuts": {"x": [["(missing)", "a"]]}}, "and not \\(missing\\)", id="missing in a group"),
        pytest.param({"cuts": {"x": [1, 2]}}, "the column holds levels", id="edges for levels"),
    ],
)
def test_wrong_cuts_are_refused(parameters, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        fit(["a", "b"] * 20, [0, 1] * 20, **parameters)
    assert "Fix:" in str(refused.value)


@pytest.mark.parametrize("special", [["a"], [np.inf], {"x": [None]}])
def test_special_values_are_finite_numbers(special):
    with pytest.raises(EquiscoreError, match=r"special of 'x'.*Fix:"):
        fit([1.0, 2.0] * 20, [0, 1] * 20, special=special)


def test_two_bins_of_one_name_and_a_reserved_level_are_refused():
    with pytest.raises(EquiscoreError, match="called alike"):
        fit(["a", "b", "a | b"] * 20, [0, 1, 1] * 20, cuts={"x": [["a", "b"]]})
    with pytest.raises(EquiscoreError, match="means in its own way"):
        fit(["a", "b", "(others)"] * 20, [0, 1, 1] * 20, cuts={"x": [["a", "b"]]})


# -- how sure


def test_standard_errors_of_the_table_against_a_logistic_regression():
    """Second road: in a regression on one indicator a bin, without intercept, a coefficient is the bin's log-odds with its standard error."""
    statsmodels = pytest.importorskip("statsmodels.api")
    home, outcome = np.repeat(["a", "b", "c"], [60, 30, 90]), np.concatenate([np.repeat([1, 0], k) for k in ((40, 20), (10, 20), (45, 45))])
    table = fit(home, outcome, smoothing=1e-9, shrink=False).binning_table()
    regression = statsmodels.Logit(outcome, pd.get_dummies(home).astype(float)).fit(disp=False)
    assert table["woe_error"][:3].tolist() == pytest.approx(regression.bse.tolist(), rel=1e-5)
    assert table["woe"][:3].tolist() == pytest.approx((regression.params - np.log(95 / 85)).tolist(), abs=1e-5)
    assert table["woe_error"][3:].isna().all()


def test_interval_of_the_information_value_against_a_bootstrap():
    counts = np.array([[300.0, 200.0, 100.0], [100.0, 150.0, 250.0]])
    told = information(counts, weight_of_evidence(counts, 1e-6), 1e-6)
    rng = np.random.default_rng(0)
    draws = [rng.multinomial(int(side.sum()), side / side.sum(), 4000) for side in counts]
    values = [information_value(pair, weight_of_evidence(pair, 1e-6)) for pair in np.stack(draws, axis=1).astype(float)]
    assert told.standard_error == pytest.approx(np.std(values), rel=0.05)
    assert (told.low, told.high) == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.03)


def test_a_feature_that_tells_nothing_shows_about_what_chance_would():
    rng = np.random.default_rng(1)
    counts = np.stack([rng.multinomial(n, [0.2, 0.3, 0.5], 3000) for n in (700, 300)], axis=1).astype(float)
    values = [information_value(pair, weight_of_evidence(pair, 1e-6)) for pair in counts]
    assert information(counts[0], weight_of_evidence(counts[0], 1e-6), 1e-6).by_chance == pytest.approx(np.mean(values), rel=0.05)


def test_information_table_and_binning_table_agree(people):
    X, y = people
    binner = WoEBinner(special={"age": [30]}).fit(X, y)
    told, table = binner.information_table().set_index("feature"), binner.binning_table()
    assert told["value"].to_dict() == binner.information_values().to_dict()
    assert (told["low"] <= told["value"]).all()
    assert (told["high"] >= told["value"]).all()
    assert table.drop_duplicates("feature").set_index("feature")["information_high"].to_dict() == told["high"].to_dict()
    assert list(table.columns) == [
        *("feature", "bin", "count", "favourable_share", "woe", "woe_error"),
        *("information_value", "information_low", "information_high"),
    ]


# -- laws


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_weight_k_is_k_rows_and_order_does_not_matter(people, seed):
    X, y = people
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, len(X))
    order = rng.permutation(np.repeat(np.arange(len(X)), weights))
    weighed = WoEBinner().fit(X, y, weights)
    assert weighed.bins_ == WoEBinner().fit(X.iloc[order], y.iloc[order]).bins_


def test_one_row_gets_what_it_got_among_many(people):
    X, y = people
    binner = WoEBinner().fit(X, y)
    rows = np.vstack([binner.transform(X.iloc[[i]]) for i in range(40)])
    assert np.array_equal(rows, binner.transform(X.iloc[:40]))


def test_favourable_turns_the_sign_and_nothing_else(people):
    X, y = people
    good, bad = WoEBinner(favourable="good").fit(X, y), WoEBinner(favourable="bad").fit(X, y)
    assert good.transform(X) == pytest.approx(-bad.transform(X))
    assert good.information_values().to_numpy() == pytest.approx(bad.information_values().to_numpy())


def test_names_and_set_output(people):
    X, y = people
    out = WoEBinner().set_output(transform="pandas").fit(X, y).transform(X.set_index(X.index + 5))
    assert list(out.columns) == list(X.columns)
    assert out.index[0] == 5


def test_the_callers_frame_is_not_changed(people):
    X, y = people
    before = X.copy()
    clone(WoEBinner()).fit(X, y).transform(X)
    pd.testing.assert_frame_equal(X, before)


# -- refusals


@pytest.mark.parametrize(
    ("table", "says"),
    [
        pytest.param({"x": pd.date_range("2026-01-01", periods=4)}, "neither numbers nor levels", id="dates"),
        pytest.param({"x": [1.0, np.inf, 2.0, 3.0]}, "infinity in column 'x'", id="infinity"),
        pytest.param({"x": [1j, 2, 3, 4]}, "Complex data not supported", id="complex numbers"),
        pytest.param({"x": pd.arrays.SparseArray([0.0, 0.0, 1.0, 0.0])}, "is sparse", id="sparse"),
        pytest.param({"x": []}, "0 rows", id="nobody"),
        pytest.param({"x": [None, np.nan, None, np.nan]}, "Column 'x' has no value in any of 4 rows", id="a feature all missing"),
        pytest.param({"x": [1, 2, 3, 4], "y": [None] * 4, "z": [np.nan] * 4}, "Columns 'y', 'z' have no value", id="two features all missing"),
        pytest.param({"x": ["(unseen)", "a", "b", "c"]}, "reserved name", id="a level with a reserved name"),
    ],
)
def test_what_cannot_be_read_is_refused(table, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        WoEBinner().fit(pd.DataFrame(table), [0, 1, 0, 1])
    assert "Fix:" in str(refused.value)


def test_a_column_that_names_people_is_refused():
    with pytest.raises(EquiscoreError, match="300 levels"):
        fit([f"customer {i}" for i in range(300)], [0, 1] * 150)


def test_ten_thousand_levels_are_refused_and_the_way_out_is_said():
    with pytest.raises(EquiscoreError, match=r"10000 levels, more than 255.*Fix: .*\(others\)"):
        fit([f"street {i}" for i in range(10_000)], [0, 1] * 5000)


@pytest.mark.parametrize("outcome", [[1, 1, 1, 1], ["a", "a", "a", "a"]])
def test_a_constant_target_is_refused(outcome):
    with pytest.raises(EquiscoreError, match=r"Only one class.*Fix:"):
        fit([1.0, 2.0, 3.0, 4.0], outcome)


def test_two_columns_of_one_name_are_refused():
    table = pd.DataFrame(np.eye(4)[:, :2], columns=["x", "x"])
    with pytest.raises(EquiscoreError, match="several columns are named x"):
        WoEBinner().fit(table, [0, 1, 0, 1])


def test_text_where_numbers_were_is_refused_not_missing():
    x, outcome = rising()
    with pytest.raises(EquiscoreError, match="held numbers when the model was fitted and now holds 'abc'"):
        fit(x, outcome).transform(pd.DataFrame({"x": ["abc"]}))


def test_unseen_error_names_the_level():
    binner = fit(["a", "b"] * 20, [0, 1] * 20, unseen="error")
    with pytest.raises(EquiscoreError, match="never seen at fit: 'z'"):
        binner.transform(pd.DataFrame({"x": ["a", "z"]}))


def test_a_missing_outcome_is_named_as_such():
    with pytest.raises(EquiscoreError, match="outcome of 1 of 3 rows is missing"):
        WoEBinner().fit(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), pd.Series([0, 1, None]))


@pytest.mark.parametrize(
    "wrong", [{"monotone": "up"}, {"monotone": {"x": "up"}}, {"unseen": "drop"}, {"max_bins": 1}, {"smoothing": 0}, {"favourable": 7}]
)
def test_wrong_parameters_are_refused(wrong):
    x, outcome = rising()
    with pytest.raises(EquiscoreError, match="Fix:"):
        fit(x, outcome, **wrong)
