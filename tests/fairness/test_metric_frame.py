"""`MetricFrame`: what differs from fairlearn's, its limits, its shapes and its errors. Equality with fairlearn: test_against_fairlearn."""

import functools
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as skm

from scoring.errors import EquiscoreError
from scoring.fairness.frames.metric_names import Reads, served
from scoring.fairness.frames.simultaneous import pairwise_confidence
from scoring.fairness.intervals import difference_interval, proportion_interval
from scoring.fairness.metric_frame import MetricFrame

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fairlearn import metrics as theirs

RATES = ["selection_rate", "true_positive_rate", "accuracy", "f1", "balanced_accuracy"]
Q95 = {"n_boot": 2000, "ci_quantiles": [0.025, 0.5, 0.975], "random_state": 0}


def people_of(groups):
    """Make arguments from {level: (selected, refused)}, the outcome good for every second person."""
    sex = [level for level, (yes, no) in groups.items() for _ in range(yes + no)]
    ok = [value for yes, no in groups.values() for value in [1] * yes + [0] * no]
    return {"y_true": np.arange(len(ok)) % 2, "y_pred": ok, "sensitive_features": pd.Series(sex, name="sex")}


def random_people(n, seed=0):
    rng = np.random.default_rng(seed)
    groups = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "age": rng.choice([20, 40, 60], n)})
    return {"y_true": rng.integers(0, 2, n), "y_pred": rng.integers(0, 2, n), "sensitive_features": groups}


# the documented differences


def test_p04_a_rate_of_nobody_is_undefined_and_not_0():
    frame = MetricFrame(metrics="true_positive_rate", y_true=[0, 0, 1, 1], y_pred=[0, 0, 1, 0], sensitive_features=list("FFMM"))
    assert np.isnan(frame.by_group["F"])
    assert frame.by_group["M"] == 0.5
    assert np.isnan([frame.difference(), frame.ratio(), frame.difference("to_overall"), frame.ratio("to_overall")]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = theirs.MetricFrame(metrics=theirs.true_positive_rate, y_true=[0, 0, 1, 1], y_pred=[0, 0, 1, 0], sensitive_features=list("FFMM"))
    assert (there.by_group["F"], there.difference()) == (0.0, 0.5)


def test_p05_nobody_selected_anywhere_is_no_ratio_and_one_group_with_nobody_is_0():
    assert np.isnan(MetricFrame(metrics="selection_rate", **people_of({"F": (0, 5), "M": (0, 5)})).ratio())
    frame = MetricFrame(metrics="selection_rate", **people_of({"F": (0, 5), "M": (2, 3)}))
    assert (frame.ratio(), frame.ratio("to_overall")) == (0, 0)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("kind", ["list", "series", "category", "string"])
def test_p06_who_has_no_group_is_shown_and_counted(missing, kind):
    sex = ["F", missing, "M", "F", missing, "M", "M"]
    given = {"list": sex, "series": pd.Series(sex, name="sensitive_feature_0"), "category": pd.Series(sex).astype("category")}
    frame = MetricFrame(
        metrics={"n": "count", "rate": "selection_rate"}, y_true=[1] * 7, y_pred=[1, 0, 1, 0, 0, 1, 1],
        sensitive_features=given.get(kind, pd.Series(sex).astype("string")),
    )  # fmt: skip
    assert frame.by_group["n"].to_dict() == {"F": 2, "M": 3, "(unknown)": 2}
    assert frame.by_group["n"].sum() == frame.overall["n"] == 7


def test_p06_integers_keep_their_levels_beside_the_unknown():
    frame = MetricFrame(metrics="count", y_true=[1] * 4, y_pred=[1] * 4, sensitive_features=pd.Series([2, pd.NA, 10, 2], dtype="Int64"))
    assert frame.by_group.to_dict() == {2: 2, 10: 1, "(unknown)": 1}


def test_p07_the_unknown_are_neither_the_best_nor_the_worst_group():
    groups = people_of({"F": (5, 5), "M": (6, 4), "?": (10, 0)})
    groups["sensitive_features"] = groups["sensitive_features"].replace("?", None)
    frame = MetricFrame(metrics="selection_rate", **groups, **Q95)
    assert frame.by_group["(unknown)"] == 1.0
    assert (frame.group_min(), frame.group_max()) == (0.5, 0.6)
    assert frame.difference() == pytest.approx(0.1)
    assert frame.ratio("to_overall") == pytest.approx(0.5 / 0.7)
    without = MetricFrame(metrics="selection_rate", **people_of({"F": (5, 5), "M": (6, 4)}), **Q95)
    assert frame.difference_ci() == without.difference_ci()


def test_p17_exchanging_the_names_of_two_groups_changes_no_extreme_and_exchanges_their_rows():
    one, other = (MetricFrame(metrics="selection_rate", **people_of(groups)) for groups in ({"F": (2, 8), "M": (6, 4)}, {"M": (2, 8), "F": (6, 4)}))
    assert (one.difference(), one.ratio()) == (other.difference(), other.ratio())
    assert one.by_group["F"] == other.by_group["M"] == 0.2


def test_p18_gaps_of_opposite_sign_do_not_cancel():
    yes = [1] * 8 + [0] * 2 + [1] * 2 + [0] * 8
    no = [1] * 6 + [0] * 4 + [1] * 4 + [0] * 6
    frame = MetricFrame(
        metrics={"tpr": "true_positive_rate", "fpr": "false_positive_rate"},
        y_true=([1] * 10 + [0] * 10) * 2, y_pred=yes + no, sensitive_features=["F"] * 20 + ["M"] * 20,
    )  # fmt: skip
    assert frame.difference().to_dict() == pytest.approx({"tpr": 0.2, "fpr": 0.2})


@pytest.mark.parametrize("metric", ["selection_rate", theirs.selection_rate, skm.recall_score, theirs.false_positive_rate, skm.f1_score])
def test_p19_labels_that_are_words_need_a_favourable_one_that_occurs(metric):
    asked = {"y_true": ["good", "bad", "good"], "y_pred": ["good", "good", "bad"], "sensitive_features": list("FFM")}
    with pytest.raises(EquiscoreError, match="which one is favourable is not said"):
        MetricFrame(metrics=metric, **asked)
    with pytest.raises(EquiscoreError, match="pos_label 'yes' does not occur"):
        MetricFrame(metrics=metric, pos_label="yes", **asked)
    found = MetricFrame(metrics=metric, pos_label="good", **asked)
    same = MetricFrame(metrics=metric, y_true=[1, 0, 1], y_pred=[1, 1, 0], sensitive_features=list("FFM"))
    pd.testing.assert_series_equal(found.by_group, same.by_group)


def test_p19_a_partial_names_the_label_of_one_metric():
    frame = MetricFrame(
        metrics={"sel": functools.partial(theirs.selection_rate, pos_label=2), "prec": functools.partial(skm.precision_score, pos_label=2)},
        y_true=[2, 1, 2, 1], y_pred=[2, 2, 1, 1], sensitive_features=list("FFMM"),
    )  # fmt: skip
    assert frame.by_group.loc["F"].to_dict() == {"sel": 1.0, "prec": 0.5}


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1), (False, True), (0.0, 1.0), (np.int8(0), np.int8(1))], ids=str)
def test_p19_labels_that_speak_for_themselves_need_no_word(labels):
    low, high = labels
    frame = MetricFrame(metrics="true_positive_rate", y_true=[high, high, low], y_pred=[high, low, low], sensitive_features=list("FFF"))
    assert frame.overall == 0.5


def test_p19_nobody_selected_is_a_rate_of_0_and_no_error():
    assert MetricFrame(metrics="selection_rate", y_true=[1, 0], y_pred=[0, 0], sensitive_features=list("FM")).overall == 0.0


def test_p20_a_ratio_of_values_of_which_one_is_negative_is_none():
    def signed(y_true, y_pred):
        return float(np.mean(y_pred) - np.mean(y_true))

    frame = MetricFrame(metrics=signed, y_true=[1, 1, 0, 0], y_pred=[1, 0, 1, 0], sensitive_features=list("FFMM"))
    assert frame.by_group.to_dict() == {"F": -0.5, "M": 0.5}
    assert frame.difference() == 1.0
    assert np.isnan([frame.ratio(), frame.ratio("to_overall")]).all()


def test_p23_a_stratum_with_one_group_is_not_comparable():
    frame = MetricFrame(
        metrics="selection_rate", y_true=[1] * 6, y_pred=[1, 0, 1, 0, 1, 1], sensitive_features=list("FMFMFF"), control_features=list("aaaabb")
    )
    assert frame.difference()["a"] == 1.0
    assert np.isnan([frame.difference()["b"], frame.ratio()["b"]]).all()


def test_p26_levels_keep_their_names_whatever_levels_are_absent():
    categories = pd.Categorical(["M", "X", "M"], categories=["X", "F", "M"])
    frame = MetricFrame(metrics="count", y_true=[1, 1, 1], y_pred=[1, 0, 1], sensitive_features=categories)
    assert frame.by_group.to_dict() == {"M": 2, "X": 1}


def test_p31_few_people_with_labels_0_and_1_are_no_averages():
    frame = MetricFrame(metrics="selection_rate", **people_of({"F": (1, 3), "M": (4, 0)}))
    assert frame.by_group.to_dict() == {"F": 0.25, "M": 1.0}


def test_an_outcome_that_is_missing_is_not_observed():
    frame = MetricFrame(
        metrics={"sel": "selection_rate", "tpr": "true_positive_rate", "acc": "accuracy"},
        y_true=[1, 0, np.nan, np.nan], y_pred=[1, 1, 1, 0], sensitive_features=list("FFFF"),
    )  # fmt: skip
    assert frame.overall.to_dict() == {"sel": 0.75, "tpr": 1.0, "acc": 0.5}
    with pytest.raises(EquiscoreError, match="y_pred: some rows have no value"):
        MetricFrame(metrics="selection_rate", y_true=[1, 0], y_pred=[1, np.nan], sensitive_features=list("FM"))


# limits


def test_p02_limits_at_0_and_at_all_of_n_have_a_width():
    frame = MetricFrame(metrics="selection_rate", **people_of({"none": (0, 10), "all": (10, 0), "M": (50, 50)}), **Q95)
    low, _, high = frame.by_group_ci
    assert (low["none"], high["none"]) == pytest.approx((0, 0.2775), abs=1e-4)
    assert (low["all"], high["all"]) == pytest.approx((0.7225, 1), abs=1e-4)
    assert (low["M"], high["M"]) == pytest.approx(proportion_interval(50, 100), abs=0.02)
    together = pairwise_confidence(3, 0.95)
    assert frame.difference_ci()[0] == pytest.approx(difference_interval(10, 10, 0, 10, confidence=together)[0])
    assert 0 == frame.ratio_ci()[0] < frame.ratio_ci()[2] < 0.5


def test_p03_the_interval_of_a_difference_can_hold_0_and_that_of_a_ratio_1():
    """40 files of equal groups: fairlearn's percentiles hold 0 in none of them."""
    held, ours = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = people_of({"F": ((k := rng.binomial(300, 0.5)), 300 - k), "M": ((k := rng.binomial(300, 0.5)), 300 - k)})
        frame = MetricFrame(metrics="selection_rate", **rows, n_boot=20, ci_quantiles=[0.025, 0.975], random_state=seed)
        ours.append(frame.difference_ci()[0] == 0 and frame.ratio_ci()[1] == 1)
        if seed == 0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                there = theirs.MetricFrame(metrics=theirs.selection_rate, **rows, n_boot=20, ci_quantiles=[0.025, 0.975], random_state=seed)
            held.append(there.difference_ci()[0] > 0)
    assert np.mean(ours) >= 0.9
    assert all(held)


def test_p22_a_group_that_some_draws_miss_keeps_its_limits():
    frame = MetricFrame(metrics={"sel": "selection_rate", "n": "count"}, **people_of({"tiny": (1, 0), "M": (300, 300)}), **Q95)
    low, high = frame.by_group_ci[0], frame.by_group_ci[2]
    assert low.notna().all(axis=None)
    assert high.notna().all(axis=None)
    assert low.loc["tiny", "sel"] == pytest.approx(proportion_interval(1, 1)[0])


def test_redrawn_limits_are_those_of_fairlearns_redrawn_rows():
    """60 draws there and 2,000 here: the quantiles differ by chance alone."""
    rows = random_people(600) | {"sensitive_features": random_people(600)["sensitive_features"]["sex"]}
    asked = {"metrics": {"sel": theirs.selection_rate, "n": theirs.count}, "ci_quantiles": [0.1, 0.9], "random_state": 3}
    ours = MetricFrame(**asked, **rows, n_boot=2000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = theirs.MetricFrame(**asked, **rows, n_boot=60)
    scale = np.array([1, 600.0])
    for mine, other in zip([*ours.overall_ci, *ours.by_group_ci], [*there.overall_ci, *there.by_group_ci], strict=True):
        np.testing.assert_allclose(mine.to_numpy(float) / scale, other.to_numpy(float) / scale, atol=0.02)


def test_limits_are_in_order_and_hold_the_estimate_for_every_member():
    people = random_people(500) | {"control_features": np.random.default_rng(1).choice(["x", "y"], 500)}
    frame = MetricFrame(metrics={name: name for name in [*RATES, "count"]}, **people, **Q95)
    members = {
        "overall": (frame.overall, frame.overall_ci), "by_group": (frame.by_group, frame.by_group_ci),
        "min": (frame.group_min(), frame.group_min_ci()), "max": (frame.group_max(), frame.group_max_ci()),
        **{f"difference {how}": (frame.difference(how), frame.difference_ci(how)) for how in ("between_groups", "to_overall")},
        **{f"ratio {how}": (frame.ratio(how), frame.ratio_ci(how)) for how in ("between_groups", "to_overall")},
    }  # fmt: skip
    for name, (point, (low, middle, high)) in members.items():
        assert list(low.index) == list(point.index), name
        assert list(low.columns) == list(point.columns), name
        inside = (low <= point + 1e-9) & (point <= high + 1e-9)
        assert inside.all(axis=None), name
        if name not in {"overall", "by_group"}:
            pd.testing.assert_frame_equal(middle, point)


def test_the_same_seed_gives_the_same_limits_and_a_member_asked_twice_answers_twice_the_same():
    one, other = (MetricFrame(metrics="selection_rate", **random_people(200), **Q95) for _ in range(2))
    assert [a.equals(b) for a, b in zip(one.by_group_ci, other.by_group_ci, strict=True)] == [True] * 3
    assert one.overall_ci == one.overall_ci
    for state in (np.random.RandomState(0), np.random.default_rng(0), None):
        MetricFrame(metrics="selection_rate", **random_people(50), **(Q95 | {"random_state": state})).overall_ci  # noqa: B018


def test_weights_widen_the_limits():
    rows = random_people(400) | {"sensitive_features": random_people(400)["sensitive_features"]["sex"]}
    weight = np.random.default_rng(0).lognormal(0, 1, 400)
    plain = MetricFrame(metrics="selection_rate", **rows, **Q95)
    heavy = MetricFrame(metrics="selection_rate", **rows, sample_params={"sample_weight": weight}, **Q95)
    for member in ("by_group_ci", "overall_ci"):
        (a, _, b), (c, _, d) = getattr(plain, member), getattr(heavy, member)
        assert np.all(d - c > 1.2 * (b - a))
    assert heavy.difference_ci()[2] > plain.difference_ci()[2]


# shapes, other functions, errors


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 9999), k=st.integers(2, 4))
def test_order_and_repetition_of_rows_change_no_value(seed, k):
    people = random_people(40, seed)
    order = np.random.default_rng(seed).permutation(40)
    metrics = {name: name for name in RATES}
    base = MetricFrame(metrics=metrics, **people)
    moved = MetricFrame(metrics=metrics, **{name: (v.iloc[order] if hasattr(v, "iloc") else v[order]) for name, v in people.items()})
    pd.testing.assert_frame_equal(base.by_group, moved.by_group)
    weighted = MetricFrame(metrics=metrics, **people, sample_params={name: {"sample_weight": np.full(40, k)} for name in RATES})
    pd.testing.assert_frame_equal(base.by_group, weighted.by_group)


def test_one_function_that_counts_do_not_give_does_not_disturb_the_others():
    metrics = {
        "sel": "selection_rate",
        "matrix": skm.confusion_matrix,
        "auc": skm.roc_auc_score,
        "macro": functools.partial(skm.f1_score, average="macro"),
    }
    frame = MetricFrame(metrics=metrics, **random_people(300))
    assert list(frame.by_group) == list(metrics)
    assert frame.by_group["matrix"].iloc[0].shape == (2, 2)
    f = random_people(300)
    pick = ((f["sensitive_features"]["sex"] == "F") & (f["sensitive_features"]["age"] == 20)).to_numpy()
    assert frame.by_group.loc[("F", 20), "auc"] == skm.roc_auc_score(f["y_true"][pick], f["y_pred"][pick])
    assert np.isnan(frame.difference()["matrix"])
    assert frame.difference()[["sel", "auc", "macro"]].notna().all()
    assert np.isnan(frame.group_min("coerce")["matrix"])
    with pytest.raises(EquiscoreError, match="errors='coerce'"):
        frame.group_min()


def test_a_function_alone_that_counts_do_not_give():
    frame = MetricFrame(metrics=skm.confusion_matrix, y_true=[0, 1, 0, 1], y_pred=[0, 1, 1, 0], sensitive_features=list("aabb"))
    assert frame.overall.tolist() == [[1, 1], [1, 1]]
    assert frame.by_group["a"].tolist() == [[1, 0], [0, 1]]


def test_limits_of_a_function_that_fairlearn_runs_are_fairlearns():
    people = people_of({"F": (20, 20), "M": (21, 19)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = MetricFrame(
            metrics={"sel": "selection_rate", "mean": theirs.mean_prediction}, **people, n_boot=20, ci_quantiles=[0.1, 0.9], random_state=0
        )
        low, high = frame.difference_ci()
    assert low["sel"] == 0
    assert 0 < low["mean"] < high["mean"]


@pytest.mark.parametrize("asked", [skm.accuracy_score, theirs.count, "accuracy", functools.partial(skm.recall_score, pos_label=1)])
def test_what_counts_give_is_told_without_running_it(asked):
    assert served(asked) is not None


@pytest.mark.parametrize(
    "asked", [functools.partial(skm.f1_score, average="macro"), skm.roc_auc_score, len, functools.partial(skm.precision_score, zero_division=0)]
)
def test_what_counts_do_not_give_is_left_to_fairlearn(asked):
    assert served(asked) is None


def test_a_function_of_the_same_name_from_elsewhere_is_another():
    def recall_score(y_true, y_pred):
        return 7.0

    assert served(recall_score) is None
    assert served(skm.recall_score).reads is Reads.BOTH
    assert served(skm.recall_score, {"sample_weight": [1], "other": [1]}) is None


def test_polars_frames_keep_their_names():
    polars = pytest.importorskip("polars")
    groups = polars.DataFrame({"sex": ["F", "M", None], "age": [1, 2, 2]})
    frame = MetricFrame(metrics="count", y_true=[1, 0, 1], y_pred=[1, 0, 1], sensitive_features=groups)
    assert frame.sensitive_levels == ["sex", "age"]
    assert frame.by_group.sum() == 3


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param({"metrics": "acuracy"}, "did you mean 'accuracy'", id="unknown name"),
        pytest.param({"metrics": 3}, "is no metric", id="no metric"),
        pytest.param({"metrics": "accuracy", "sensitive_features": ["F"]}, "1 values for 4 rows", id="too few groups"),
        pytest.param({"metrics": "accuracy", "y_true": [1, 0]}, "2 values for 4 rows", id="too few labels"),
        pytest.param({"metrics": "accuracy", "n_boot": 10}, "go together", id="draws without levels"),
        pytest.param({"metrics": "accuracy", "n_boot": 0, "ci_quantiles": [0.5]}, "whole number of draws", id="no draw"),
        pytest.param({"metrics": "accuracy", "n_boot": 5, "ci_quantiles": [95]}, "between 0 and 1", id="percent"),
        pytest.param({"metrics": {"a": "accuracy"}, "sample_params": {"b": {}}}, "speak of 'b'", id="parameters of no metric"),
        pytest.param({"metrics": "accuracy", "sample_params": {"sample_weight": [1, 1, 1, -1]}}, "weights of 0 or more", id="negative weight"),
        pytest.param({"metrics": "f1", "y_pred": [0, 1, 2, 1], "pos_label": 1}, "more than two", id="three labels"),
        pytest.param(
            {"metrics": "accuracy", "sensitive_features": {"x": list("FFMM")}, "control_features": {"x": list("abab")}},
            "stands twice",
            id="a name twice",
        ),
        pytest.param({"metrics": "accuracy", "sensitive_features": pd.Series(list("FFMM"), name=3)}, "is no text", id="a name that is a number"),
    ],
)
def test_what_cannot_be_asked_is_said(asked, said):
    given = {"y_true": [1, 0, 1, 0], "y_pred": [1, 1, 0, 0], "sensitive_features": list("FFMM")} | asked
    with pytest.raises(EquiscoreError, match=said):
        MetricFrame(**given)


def test_limits_that_were_not_asked_for_and_ways_that_do_not_exist_are_said():
    frame = MetricFrame(metrics="accuracy", **random_people(10))
    for ask in (lambda: frame.by_group_ci, frame.group_min_ci, frame.difference_ci):
        with pytest.raises(EquiscoreError, match="No limits were asked for"):
            ask()
    for ask in (frame.difference, frame.ratio, frame.difference_ci):
        with pytest.raises(EquiscoreError, match="between_groups or to_overall"):
            ask("between")
    with pytest.raises(EquiscoreError, match="raise or coerce"):
        frame.group_min("ignore")


def test_neither_scikit_learn_nor_fairlearn_is_imported_for_what_counts_give():
    code = (
        "import sys; from scoring.fairness.metric_frame import MetricFrame as M;"
        "M(metrics={'a': 'accuracy', 'b': 'f1'}, y_true=[1, 0], y_pred=[1, 1], sensitive_features=['F', 'M']).difference();"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'sklearn', 'fairlearn', 'duckdb'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "[]"


def test_without_fairlearn_a_function_of_ones_own_is_refused_and_says_how_to_run_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "fairlearn.metrics", None)
    with pytest.raises(EquiscoreError, match="pip install fairlearn"):
        MetricFrame(metrics=np.corrcoef, **random_people(10)).overall  # noqa: B018


def test_a_million_rows_are_counted_once():
    n, rng = 1_000_000, np.random.default_rng(0)
    groups = pd.DataFrame({"a": rng.choice(["F", "M"], n), "b": rng.choice(list("abcde"), n), "c": rng.choice(["x", "y", "z"], n)})
    y_true, y_pred = rng.integers(0, 2, n), rng.integers(0, 2, n)
    start = time.process_time()
    frame = MetricFrame(
        metrics={name: name for name in [*RATES, "count", "error_rate", "false_positive_rate"]},
        y_true=y_true,
        y_pred=y_pred,
        sensitive_features=groups,
    )
    assert frame.by_group["count"].sum() == n
    frame.difference()
    assert time.process_time() - start < 3  # about .4 s of processor time
