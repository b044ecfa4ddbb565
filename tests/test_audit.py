"""`audit` on any frame, and everything that it refuses: one clear error each, the caller's frame never changed."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

import scoring
from scoring.activity import ProcessingActivity
from scoring.errors import ContractError, EquiscoreError, FaultyInput
from scoring.plan import Plan
from scoring.vocabulary import UNKNOWN


def customers(n=400, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M", None], n, p=[0.5, 0.45, 0.05]), "age": rng.integers(18, 90, n)})
    frame["accepted"] = rng.binomial(1, np.where(frame["sex"] == "F", 0.5, 0.7))
    frame["repaid"] = pd.array(rng.binomial(1, 0.8, n), "Int64")
    frame.loc[frame["accepted"] == 0, "repaid"] = pd.NA
    frame["score"], frame["w"] = rng.normal(size=n).round(3), rng.integers(1, 5, n)
    return frame


ASKED = {"groups": {"sex": None, "age": [25, 66]}, "decision": "accepted", "favourable": 1, "outcome": "repaid", "score": "score", "weights": "w"}


def arrow(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


FRAMES = {
    "pandas": lambda frame: frame,
    "pandas on arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "pandas with an odd index": lambda frame: frame.set_axis([7] * len(frame)),
    "polars": lambda frame: pl.from_arrow(arrow(frame)),
    "polars, lazy": lambda frame: pl.from_arrow(arrow(frame)).lazy(),
    "arrow": arrow,
    "duckdb": lambda frame: duckdb.from_arrow(arrow(frame)),
    "duckdb of another connection": lambda frame: duckdb.connect().from_arrow(arrow(frame)),
}


@pytest.mark.parametrize("made", FRAMES.values(), ids=FRAMES)
def test_the_same_customers_give_the_same_tables_in_any_frame(made):
    expected, study = scoring.audit(customers(), **ASKED), scoring.audit(made(customers()), **ASKED)
    pd.testing.assert_frame_equal(study.judged(), expected.judged())
    pd.testing.assert_frame_equal(study.rates(), expected.rates())
    pd.testing.assert_frame_equal(study.at_cutoff(0.5).rates(), expected.at_cutoff(0.5).rates())


@pytest.mark.parametrize("made", FRAMES.values(), ids=FRAMES)
def test_the_callers_frame_is_never_changed(made):
    if (frame := made(customers())).__class__.__module__.startswith("duckdb"):
        before, after = frame.fetchall(), scoring.audit(frame, **ASKED) and frame.fetchall()
    elif isinstance(frame, pl.LazyFrame):
        before, after = frame.collect(), scoring.audit(frame, **ASKED) and frame.collect()
    else:
        before, after = made(customers()), scoring.audit(frame, **ASKED) and frame
    assert before.equals(after) if hasattr(before, "equals") else before == after


def test_the_face_of_a_study_is_that_of_the_architecture():
    study = scoring.audit(customers(), **ASKED)
    shown = ["attribute", "group", "metric"]
    effects = ["ratio", "ratio_low", "ratio_high", "difference", "difference_low", "difference_high", "shortfall"]
    assert list(study.rates().columns) == [*shown, "hits", "trials", "value", "low", "high"]
    assert list(study.disparities().columns) == [*shown, "reference", "value", "reference_value", *effects]
    tests = ["p_exclusion", "p_within", "p_exclusion_adjusted", "p_within_adjusted", "refusal_ratio", "ratio_to_best", "verdict", "needed", "because"]
    assert list(study.verdicts().columns) == [*study.disparities().columns, *tests]
    assert set(study.rates(by=["sex", "age"])["attribute"]) == {"sex x age"}
    assert "F x 66+" in set(study.rates(by=["sex", "age"])["group"])


def test_ages_are_cut_left_closed_and_the_unknown_are_a_level():
    frame = pd.DataFrame({"age": [24.9, 25, 65.5, 66, np.nan, np.inf], "ok": [1, 0, 1, 0, 1, 1]})
    rows = scoring.audit(frame, groups={"age": [25, 66]}, decision="ok", favourable=1).rates(metrics=["selection_rate"])
    assert dict(zip(rows["group"], rows["trials"], strict=True)) == {"<25": 1, "25 to <66": 2, "66+": 1, UNKNOWN: 2}


@pytest.mark.parametrize("favourable", [1, 1.0, True, "1", [1], np.int64(1)], ids=repr)
def test_the_favourable_value_may_be_written_in_many_ways(favourable):
    frame = customers()
    if favourable is True:
        frame["accepted"] = frame["accepted"].astype(bool)
    found = scoring.audit(frame, groups=["sex"], decision="accepted", favourable=favourable).rates(metrics=["selection_rate"])
    assert found["hits"].sum() == customers()["accepted"].sum()


def test_words_are_favourable_too_and_several_of_them():
    frame = customers().assign(accepted=lambda f: f["accepted"].map({1: "yes", 0: "no"}))
    frame.loc[:9, "accepted"] = "later"
    found = scoring.audit(frame, groups=["sex"], decision="accepted", favourable=["yes", "later"])
    assert found.rates(metrics=["selection_rate"])["hits"].sum() == frame["accepted"].isin(["yes", "later"]).sum()


@pytest.mark.parametrize("made", [FRAMES["pandas"], FRAMES["polars"], FRAMES["arrow"]], ids=["pandas", "polars", "arrow"])
@pytest.mark.parametrize("cutoff", [None, 0.3])
def test_a_fitted_estimator_decides_at_its_cutoff(cutoff, made):
    frame = customers().dropna()
    frame["paid"] = np.where(frame["repaid"] == 1, "yes", "no")
    model = LogisticRegression().fit(frame[["score", "w"]], frame["paid"])
    study = scoring.audit(made(frame), groups=["sex"], estimator=model, favourable="yes", cutoff=cutoff)
    chosen = model.predict_proba(frame[["score", "w"]])[:, 1] >= (0.5 if cutoff is None else cutoff)
    assert study.rates(metrics=["selection_rate"])["hits"].tolist() == pd.Series(chosen).groupby(frame["sex"].to_numpy()).sum().tolist()
    assert "(estimated)" not in frame


# --- what is refused -------------------------------------------------------------------------------------------------------------


def refused(frame=None, **changes):
    with pytest.raises(EquiscoreError, match="Fix: ") as caught:
        scoring.audit(customers() if frame is None else frame, **(ASKED | changes))
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"favourable": 7}, "no row of column 'accepted' holds a favourable value ('7'); it holds '0', '1'.", id="no favourable value"),
        pytest.param({"favourable": None}, "Which value of the decision is favourable is not said.", id="favourable not said"),
        pytest.param({"decision": "acepted"}, "column 'acepted' is declared but not there", id="wrong column"),
        pytest.param({"groups": ["sx"]}, "Fix: rename 'sex' to 'sx', or declare 'sex'", id="wrong column: the likeliest slip"),
        pytest.param({"decision": None}, "What is decided is not said.", id="no decision"),
        pytest.param({"metrics": "selection_rat"}, "did you mean 'selection_rate'?", id="no such metric"),
        pytest.param({"favourable_outcome": 9}, "no row of column 'repaid' holds a favourable value ('9')", id="no favourable outcome"),
    ],
)
def test_what_is_wrong_is_said_with_a_fix(changes, said):
    assert said in refused(**changes)


def test_a_wrong_reference_is_refused_when_it_is_asked_for():
    with pytest.raises(EquiscoreError, match=r"No reference 'W' in 'sex'.*Fix: .*one of F, M"):
        scoring.audit(customers(), **(ASKED | {"reference": {"sex": "W"}})).judged()


@pytest.mark.parametrize("made", [FRAMES["pandas"], FRAMES["polars"], FRAMES["arrow"]], ids=["pandas", "polars", "arrow"])
def test_an_empty_frame_is_refused(made):
    assert "no rows" in refused(made(customers().head(0)))


@pytest.mark.parametrize(
    "made", [pd.DataFrame, lambda f: arrow(f.iloc[:, :1]).append_column("sex", pa.array(["F"] * len(f)))], ids=["pandas", "arrow"]
)
def test_a_doubled_column_is_refused(made):
    frame = customers()
    doubled = pd.concat([frame, frame[["sex"]]], axis=1) if made is pd.DataFrame else made(frame)
    assert "sex" in refused(doubled)


def test_a_column_with_5000_levels_makes_no_groups():
    frame = pd.DataFrame({"code": np.arange(5000), "ok": np.arange(5000) % 2})
    with pytest.raises(ContractError, match=r"column 'code' has 5,000 levels, more than 100: it makes no groups\. Fix:"):
        scoring.audit(frame, groups=["code"], decision="ok", favourable=1)


def test_weights_that_are_all_0_are_refused():
    assert "holds no weight above 0" in refused(customers().assign(w=0))


def test_several_faults_come_at_once():
    with pytest.raises(FaultyInput) as caught:
        scoring.audit(customers(), **(ASKED | {"groups": ["sx", "aeg"]}))
    assert [type(fault) for fault in caught.value.faults.exceptions] == [ContractError, ContractError]


def test_broken_rows_are_rejected_one_by_one_with_the_reason_of_each():
    frame = customers(2000).astype({"w": float, "accepted": "Int64"})
    frame.loc[[0, 1], "score"], frame.loc[2, "score"] = np.nan, np.inf
    frame.loc[[3, 4, 5], "w"], frame.loc[[6], "w"], frame.loc[7, "w"] = -1.0, np.nan, np.inf
    frame.loc[[8, 9], "accepted"] = pd.NA
    frame.loc[10, ["score", "w"]] = [np.nan, -1.0]  # counted once, for its first fault
    study = scoring.audit(frame, **ASKED)
    assert study.rejects().to_dict() == {
        "w: negative weight": 4,
        "score: not a number": 3,
        "w: no weight": 2,
        "accepted: empty, so no decision": 2,
    }
    assert study.counts.total == 2000
    clean = scoring.audit(frame.drop(index=range(11)), **ASKED)
    pd.testing.assert_frame_equal(study.judged(), clean.judged())


def test_too_many_broken_rows_refuse_the_study():
    frame = customers().astype({"w": float})
    frame.loc[:20, "w"] = -1.0
    assert "21 of 400 rows (5.2%) break the contract, more than the declared 5.0%: w: negative weight (21)" in refused(frame)


# --- by declaration --------------------------------------------------------------------------------------------------------------


def conducted(frame, **study):
    columns = {
        "sex": {"type": "text", "roles": "protected"},
        "accepted": {"type": "text", "roles": "decision"},
        "born": {"type": "date", "roles": "protected"},
    }
    plan = {"columns": columns, "groups": {"sex": {"column": "sex"}}, "decision": {"column": "accepted", "favourable": "yes", "unfavourable": "no"}}
    text = {"en": "x", "fr": "x"}
    activity = ProcessingActivity.model_construct(study=Plan.model_validate(plan | study), name=text)
    return scoring.conduct_study(activity, frame)


def declared_frame(**changes):
    return pd.DataFrame({"sex": ["F", "M"] * 40, "accepted": ["yes", "no", "yes", "no"] * 20, "born": pd.Timestamp("1990-05-05").date()} | changes)


def test_a_third_value_where_two_are_declared_is_refused():
    with pytest.raises(ContractError, match=r"column 'accepted' \(decision\) also holds 'maybe'.*neither favourable nor unfavourable\. Fix:"):
        conducted(declared_frame(accepted=["yes", "no", "maybe", "no"] * 20))


def test_1_and_0_are_declared_of_a_column_of_true_and_false():
    decision = {"column": "accepted", "favourable": 1, "unfavourable": 0}
    study = conducted(declared_frame(accepted=[True, False] * 40), decision=decision)
    assert study.rates(metrics=["selection_rate"])["hits"].tolist() == [40, 0]


@pytest.mark.parametrize(("undeclared", "rejected"), [("refuse", None), ("reject", 2)])
def test_an_undeclared_level_refuses_the_study_or_rejects_its_rows(undeclared, rejected):
    groups = {"sex": {"column": "sex", "levels": ["F", "M", "X"], "undeclared": undeclared}}
    frame = declared_frame(sex=["F", "M"] * 39 + ["other", "W"])
    if rejected is None:
        with pytest.raises(ContractError, match=r"column 'sex' holds 'W', 'other', not among the declared levels of 'sex'\. Fix:"):
            conducted(frame, groups=groups)
        return
    study = conducted(frame, groups=groups)
    assert study.rejects().to_dict() == {"sex: undeclared level": 2}
    assert study.verdicts()["group"].tolist().count("X") == 1


def test_an_age_needs_a_day_and_there_is_no_clock():
    groups = {"age": {"column": "born", "edges": [25, 34, 35]}}
    with pytest.raises(ContractError, match=r"an age needs a day to be worked out for\. Fix: declare study\.as_of"):
        conducted(declared_frame(), groups=groups)
    for day, age in (("2025-05-04", "34"), ("2025-05-05", "35+")):
        assert conducted(declared_frame(), groups=groups, as_of=day).judged().query("people > 0")["group"].unique().tolist() == [age]
