"""Tables under the names of aequitas and AIF360: their arithmetic, written out, on the same people."""

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.errors import EquiscoreError
from scoring.fairness.exporters import AEQUITAS, AIF360, to_aequitas, to_aif360
from scoring.fairness.metrics import METRICS

STATES = {"F": {"tp": 20, "fp": 10, "fn": 30, "tn": 40}, "M": {"tp": 60, "fp": 30, "fn": 10, "tn": 50}, "X": {"tp": 5, "fp": 0, "fn": 5, "tn": 0}}


def study_of(states=STATES, sex="sex"):
    rows = [(sex, state in {"tp", "fp"}, state in {"tp", "fn"}) for sex, held in states.items() for state, n in held.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["sex", "ok", "good"])
    return scoring.audit(frame, groups=["sex"], decision="ok", favourable=True, outcome="good", favourable_outcome=True)


@pytest.fixture(scope="module")
def study():
    return study_of()


def aequitas_row(held):
    """aequitas 1.1.0, group.py, `gen_metrics_df`; a division by 0 is nan there."""
    tp, fp, fn, tn = (held[name] for name in ("tp", "fp", "fn", "tn"))
    over = np.vectorize(lambda x, y: x / y if y else np.nan)
    names = {
        "accuracy": (tp + tn, tp + tn + fp + fn), "tpr": (tp, fn + tp), "tnr": (tn, fp + tn), "for": (fn, fn + tn), "fdr": (fp, tp + fp),
        "fpr": (fp, fp + tn), "fnr": (fn, fn + tp), "npv": (tn, fn + tn), "precision": (tp, tp + fp), "pprev": (tp + fp, tp + fp + fn + tn),
        "prev": (tp + fn, tp + fp + fn + tn), "ppr": (tp + fp, 125),
    }  # fmt: skip
    return {name: float(over(*pair)) for name, pair in names.items()} | {"pp": tp + fp, "pn": fn + tn, "group_size": sum(held.values()), **held}


def test_the_rows_of_aequitas_are_its_own_arithmetic(study):
    table = to_aequitas(study.rates()).set_index("attribute_value")
    assert (table["attribute_name"] == "sex").all()
    for level, held in STATES.items():
        expected = pd.Series(aequitas_row(held))
        pd.testing.assert_series_equal(table.loc[level, expected.index].astype(float), expected.astype(float), check_names=False)
    assert (table["total_entities"] == 260).all()
    assert (table["k"] == 125).all()
    assert table.loc["F", ["group_label_pos", "group_label_neg"]].tolist() == [50, 50]


def test_a_disparity_of_aequitas_is_rate_over_rate_also_where_less_is_better(study):
    table = to_aequitas(study.rates(), study.disparities(reference={"sex": "M"})).set_index("attribute_value")
    for name in AEQUITAS.values():
        assert table.loc["F", f"{name}_disparity"] == pytest.approx(table.loc["F", name] / table.loc["M", name])
        assert table.loc["M", f"{name}_disparity"] == 1.0
        assert set(table[f"{name}_ref_group_value"]) == {"M"}


def test_p05_a_disparity_to_a_rate_of_0_is_infinite_and_not_capped():
    states = {"F": {"tp": 0, "fp": 0, "fn": 5, "tn": 5}, "M": {"tp": 5, "fp": 5, "fn": 0, "tn": 0}}
    table = to_aequitas(study_of(states).rates(), study_of(states).disparities(reference={"sex": "F"})).set_index("attribute_value")
    assert table.loc["M", "pprev_disparity"] == np.inf
    assert np.isnan(table.loc["F", "precision"])
    turned = to_aequitas(study_of(states).rates(), study_of(states).disparities(reference={"sex": "M"})).set_index("attribute_value")
    assert turned.loc["F", "pprev_disparity"] == 0


def test_a_decision_alone_gives_aequitas_no_errors():
    frame = pd.DataFrame({"sex": list("FFMM"), "ok": [1, 0, 1, 1]})
    table = to_aequitas(scoring.audit(frame, groups=["sex"], decision="ok", favourable=1).rates())
    assert {"pprev", "pp", "pn", "group_size"} <= set(table)
    assert not {"tpr", "tp", "prev"} & set(table)


def test_measures_of_aif360_are_unprivileged_minus_privileged(study):
    row = to_aif360(study.disparities(reference={"sex": "M"})).set_index("group").loc["F"]
    f, m = (aequitas_row(STATES[level]) for level in "FM")
    names = {"selection_rate": "pprev", "base_rate": "prev", **AEQUITAS}
    error = {level: 1 - aequitas_row(STATES[level])["accuracy"] for level in "FM"}
    for name, (metric, kind) in AIF360.items():
        own, other = (error["F"], error["M"]) if metric == "error_rate" else (f[names[metric]], m[names[metric]])
        assert row[name] == pytest.approx(own - other if kind == "difference" else own / other), name
    assert row["privileged"] == "M"
    assert row["average_odds_difference"] == pytest.approx(((f["fpr"] - m["fpr"]) + (f["tpr"] - m["tpr"])) / 2)


def test_p18_a_mean_of_odds_that_cancels_stands_beside_its_two_gaps():
    states = {"F": {"tp": 8, "fp": 2, "fn": 2, "tn": 8}, "M": {"tp": 6, "fp": 4, "fn": 4, "tn": 6}}
    row = to_aif360(study_of(states).disparities(reference={"sex": "M"})).iloc[0]
    assert row["average_odds_difference"] == pytest.approx(0)
    assert row["average_abs_odds_difference"] == pytest.approx(0.2)
    assert row[["true_positive_rate_difference", "false_positive_rate_difference"]].tolist() == pytest.approx([0.2, -0.2])


def test_p17_exchanging_who_is_privileged_turns_signs_and_inverts_ratios(study):
    one = to_aif360(study.disparities(reference={"sex": "M"})).set_index("group").loc["F"]
    other = to_aif360(study.disparities(reference={"sex": "F"})).set_index("group").loc["M"]
    assert one["statistical_parity_difference"] == pytest.approx(-other["statistical_parity_difference"])
    assert one["disparate_impact"] == pytest.approx(1 / other["disparate_impact"])
    assert one["statistical_parity_difference"] < 0


def test_neither_the_reference_nor_the_unknown_are_unprivileged():
    frame = pd.DataFrame({"sex": ["F", "F", "M", "M", None], "ok": [1, 0, 1, 1, 0]})
    study = scoring.audit(frame, groups=["sex"], decision="ok", favourable=1)
    assert to_aif360(study.disparities(reference={"sex": "M"}))["group"].tolist() == ["F"]
    assert set(to_aif360(study.disparities())["privileged"]) == {"rest"}
    assert "(unknown)" in set(to_aequitas(study.rates())["attribute_value"])


def test_every_name_speaks_of_a_metric_of_the_table():
    assert set(AEQUITAS) <= set(METRICS)
    assert {metric for metric, _ in AIF360.values()} <= set(METRICS)


def test_frames_that_are_not_these_tables_are_refused(study):
    with pytest.raises(EquiscoreError, match="no selection_rate"):
        to_aequitas(study.rates(metrics=["accuracy"]))
    with pytest.raises(EquiscoreError, match="disparities: no column 'reference'"):
        to_aif360(study.rates())
