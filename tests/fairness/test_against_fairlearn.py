"""Our rates and our MetricFrame against fairlearn's on the same people: equal to 1e-12, but where fairlearn turns 0/0 into 0."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.fairness.metric_frame import MetricFrame

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fairlearn import metrics as theirs
    from sklearn import metrics as skm
    from sklearn.metrics import accuracy_score

METRICS = {
    "selection_rate": theirs.selection_rate,
    "true_positive_rate": theirs.true_positive_rate,
    "false_positive_rate": theirs.false_positive_rate,
    "true_negative_rate": theirs.true_negative_rate,
    "false_negative_rate": theirs.false_negative_rate,
    "accuracy": accuracy_score,
}
ATTRIBUTES = ["sex", "age"]
WAYS = [("sex",), ("age",), ("sex", "age")]


@st.composite
def files(draw, most=60):
    """Customers without a gap: two attributes, a decision, an outcome and a weight; somebody is favoured and somebody is good."""
    n = draw(st.integers(2, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels, rate = draw(st.integers(1, 4)), draw(st.sampled_from([0.1, 0.5, 0.9]))
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "age": rng.choice(list("abcd")[:levels], n)})
    frame["accepted"], frame["repaid"] = rng.binomial(1, rate, n), rng.binomial(1, 0.7, n)
    frame["w"] = np.round(rng.gamma(2.0, 1.0, n) + 0.01, 3)
    frame.loc[rng.integers(n), ["accepted", "repaid"]] = 1
    return frame


def study_of(frame, **asked):
    return scoring.audit(frame, groups=ATTRIBUTES, decision="accepted", favourable=1, outcome="repaid", favourable_outcome=1, **asked)


def metric_frame(frame, by, weights=None):
    parameters = None if weights is None else {name: {"sample_weight": frame[weights]} for name in METRICS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return theirs.MetricFrame(
            metrics=METRICS,
            y_true=frame["repaid"],
            y_pred=frame["accepted"],
            sensitive_features=frame[list(by)],
            sample_params=parameters,
        )


def wide(rows, by, value="value"):
    """Turn our long table into the shape of `MetricFrame.by_group`."""
    table = rows.pivot_table(index="group", columns="metric", values=value, dropna=False)
    keys = [tuple(group.split(" x ")) for group in table.index]
    table.index = pd.MultiIndex.from_tuples(keys, names=by) if len(by) > 1 else pd.Index([key[0] for key in keys], name=by[0])
    return table[list(METRICS)]


def compared(ours, frame_of_theirs):
    """Pair our rates with theirs, group by group; who is nowhere in the file is in neither."""
    held = frame_of_theirs.by_group.dropna(how="all")
    return ours.loc[held.index].to_numpy(float), held.to_numpy(float)


@pytest.mark.parametrize("weights", [None, "w"], ids=["unweighted", "weighted"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(frame=files())
def test_rates_are_fairlearns_and_differ_only_where_it_makes_0_of_0_a_0(frame, weights):
    study = study_of(frame, weights=weights)
    for by in WAYS:
        rows = study.rates(by=list(by), metrics=list(METRICS))
        ours, theirs_ = compared(wide(rows, by), metric_frame(frame, by, weights))
        undefined = np.isnan(ours)
        np.testing.assert_allclose(ours[~undefined], theirs_[~undefined], rtol=0, atol=1e-12)
        assert (theirs_[undefined] == 0).all()
        assert (rows["value"].isna() == (rows["trials"] == 0)).all()


def smallest(values):
    return min((value for value in values if not np.isnan(value)), default=np.nan)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(frame=files())
def test_the_gap_to_the_best_off_is_fairlearns_between_groups(frame):
    """With the best-off group as the reference, our worst difference and ratio are fairlearn's largest difference and smallest ratio."""
    study = study_of(frame)
    study = scoring.Study(study.plan.model_copy(update={"bounds": study.plan.bounds.model_copy(update={"best_share": 0.0})}), study.counts)
    for by in WAYS:
        rows = study.disparities(reference="best", by=list(by), metrics=["selection_rate"])
        held = metric_frame(frame, by)
        if len(rows) == 1:
            assert rows[["ratio", "difference"]].isna().all(axis=None)
            continue
        assert smallest(rows["difference"]) == pytest.approx(-held.difference(method="between_groups")["selection_rate"], abs=1e-12)
        assert smallest(rows["ratio"]) == pytest.approx(held.ratio(method="between_groups")["selection_rate"], abs=1e-12)


def test_the_one_difference_a_rate_of_nobody_is_undefined_here_and_0_there():
    """No woman had the good outcome: her true positive rate is not 0, there is none."""
    frame = pd.DataFrame({"sex": list("FFMM"), "age": list("abab"), "accepted": [0, 1, 1, 0], "repaid": [0, 0, 1, 1], "w": 1.0})
    ours = study_of(frame).rates(by="sex", metrics=["true_positive_rate"]).set_index("group")
    held = metric_frame(frame, ("sex",)).by_group["true_positive_rate"]
    assert held.to_dict() == {"F": 0.0, "M": 0.5}
    assert ours["trials"].to_dict() == {"F": 0.0, "M": 2.0}
    assert np.isnan(ours.loc["F", "value"])
    assert ours.loc["M", "value"] == 0.5
    shown = study_of(frame).disparities(metrics=["true_positive_rate"]).set_index("group").loc[["F", "M"], ["ratio", "difference"]]
    assert shown.isna().all(axis=None)


def test_nobody_selected_anywhere_is_no_ratio_here_nor_there():
    frame = pd.DataFrame({"sex": list("FFMMMX"), "age": ["a"] * 6, "accepted": [0, 0, 0, 0, 0, 1], "repaid": 1, "w": 1.0})
    ours = study_of(frame).disparities(by="sex", reference={"sex": "M"}, metrics=["selection_rate"]).set_index("group")
    assert np.isnan(ours.loc["F", "ratio"])
    assert ours.loc["X", "ratio"] == np.inf


SERVED = {
    **METRICS,
    "loss": skm.zero_one_loss,
    "precision": skm.precision_score,
    "recall": skm.recall_score,
    "f1": skm.f1_score,
    "balanced": skm.balanced_accuracy_score,
    "n": theirs.count,
}
METHODS = ["between_groups", "to_overall"]


def clean(n, seed, control):
    """Customers of whom every combination has people of every outcome and decision, so that nothing is 0 of 0."""
    rng = np.random.default_rng(seed)
    corners = pd.DataFrame([(s, a, c, t, p) for s in "FM" for a in (20, 40) for c in "xy" for t in (0, 1) for p in (0, 1)])
    rest = pd.DataFrame({i: rng.choice(values, n) for i, values in enumerate((["F", "M"], [20, 40], ["x", "y"], [0, 1], [0, 1]))})
    frame = pd.concat([corners, rest], ignore_index=True).set_axis(["sex", "age", "region", "repaid", "accepted"], axis=1)
    features = {"sensitive_features": frame[["sex", "age"]] if control != "region x age" else frame["sex"]}
    controls = {"none": None, "region": frame["region"], "region x age": frame[["region", "age"]]}[control]
    weight = np.round(rng.gamma(2.0, 1.0, len(frame)) + 0.01, 3)
    return {"y_true": frame["repaid"], "y_pred": frame["accepted"], **features, "control_features": controls}, weight


def both(metrics, asked, parameters=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = theirs.MetricFrame(metrics=metrics, sample_params=parameters, **asked)
    return MetricFrame(metrics=metrics, sample_params=parameters, **asked), there


def same(ours, there):
    if isinstance(there, (pd.Series, pd.DataFrame)):
        assert type(ours) is type(there)
        check = pd.testing.assert_frame_equal if isinstance(there, pd.DataFrame) else pd.testing.assert_series_equal
        check(ours, there, rtol=0, atol=1e-12)
    else:
        assert ours == pytest.approx(there, abs=1e-12)


def every_member(frame):
    yield frame.overall
    yield frame.by_group
    yield from (frame.group_min(), frame.group_max())
    yield from (member(method=method) for member in (frame.difference, frame.ratio) for method in METHODS)
    yield from (frame.control_levels, frame.sensitive_levels)


@pytest.mark.parametrize("control", ["none", "region", "region x age"])
@pytest.mark.parametrize("metrics", [SERVED, skm.recall_score, theirs.count, {"n": theirs.count}], ids=["all", "one", "count", "a mapping of one"])
@pytest.mark.parametrize("seed", range(3))
def test_every_member_of_the_metric_frame_is_fairlearns_in_value_type_and_index(metrics, control, seed):
    asked, _ = clean(60, seed, control)
    for ours, there in zip(*map(every_member, both(metrics, asked)), strict=True):
        same(ours, there)


@pytest.mark.parametrize("control", ["none", "region"])
def test_weights_of_each_metric_are_fairlearns(control):
    asked, weight = clean(60, 7, control)
    parameters = {
        name: {"sample_weight": weight * (i + 1) ** (i % 3) if i % 2 else weight[::-1]} for i, name in enumerate(SERVED) if name not in {"n", "f1"}
    }
    for ours, there in zip(*map(every_member, both(SERVED, asked, parameters)), strict=True):
        same(ours, there)
    for ours, there in zip(*map(every_member, both(skm.accuracy_score, asked, {"sample_weight": weight})), strict=True):
        same(ours, there)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(frame=files())
def test_the_metric_frame_differs_only_where_fairlearn_makes_0_of_0_a_0(frame):
    asked = {"y_true": frame["repaid"], "y_pred": frame["accepted"], "sensitive_features": frame["age"]}
    metrics = {name: metric for name, metric in SERVED.items() if name != "balanced"}  # of one class alone scikit-learn gives that one's share
    ours, there = (held.by_group.to_numpy(float) for held in both(metrics, asked))
    undefined = np.isnan(ours)
    np.testing.assert_allclose(ours[~undefined], there[~undefined], rtol=0, atol=1e-12)
    assert (there[undefined] == 0).all()


@pytest.mark.parametrize("kind", [list, np.asarray, pd.Series, lambda values: pd.Series(values).astype("category"), lambda values: {"sex": values}])
def test_groups_may_come_in_any_shape(kind):
    asked, _ = clean(30, 1, "none")
    asked["sensitive_features"] = kind(list(asked["sensitive_features"]["sex"]))
    for ours, there in zip(*map(every_member, both(SERVED, asked)), strict=True):
        same(ours, there)


def test_labels_of_another_kind_are_fairlearns():
    asked, _ = clean(30, 2, "none")
    for low, high in ((-1, 1), (False, True)):
        turned = asked | {name: asked[name].map({0: low, 1: high}) for name in ("y_true", "y_pred")}
        for ours, there in zip(*map(every_member, both(theirs.true_positive_rate, turned)), strict=True):
            same(ours, there)


def test_a_function_that_counts_do_not_give_is_run_by_fairlearn_to_the_same_values():
    asked, _ = clean(40, 3, "region")
    metrics = {"mean": theirs.mean_prediction, "sel": theirs.selection_rate, "mae": skm.mean_absolute_error}
    for ours, there in zip(*map(every_member, both(metrics, asked)), strict=True):
        same(ours, there)
