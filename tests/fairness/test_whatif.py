"""The score cut elsewhere is what a recount would give; the published what-if says nothing of few people."""

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.errors import StudyError
from scoring.fairness.whatif import runs

RATE = ["selection_rate"]


def customers(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"sex": rng.choice(["F", "M", None], n, p=[0.48, 0.48, 0.04]), "age": rng.choice(["a", "b", "rare"], n, p=[0.6, 0.395, 0.005])}
    )
    frame["score"] = rng.normal(loc=np.where(frame["sex"] == "F", -0.3, 0.3))
    frame["repaid"] = pd.array(rng.binomial(1, 1 / (1 + np.exp(-1 - frame["score"]))), "Int64")
    frame.loc[rng.random(n) < 0.2, "repaid"] = pd.NA
    return frame


def study_of(frame, cutoff=0.1, **asked):
    asked = {"groups": ["sex", "age"], "outcome": "repaid", "favourable_outcome": 1, **asked}
    return scoring.audit(frame, score="score", cutoff=cutoff, **asked)


@pytest.fixture(scope="module")
def frame():
    return customers()


@pytest.fixture(scope="module")
def study(frame):
    return study_of(frame)


def test_at_the_declared_cutoff_it_is_the_study(study):
    moved = study.at_cutoff(0.1)
    single = study.plan.bounds.model_copy(update={"depth": 1})
    alone = scoring.Study(study.plan.model_copy(update={"bounds": single}), study.counts)
    assert moved.cutoff == study.cutoff == 0.1
    pd.testing.assert_frame_equal(moved.rates(), study.rates())
    pd.testing.assert_frame_equal(moved.judged(), alone.judged())
    pd.testing.assert_frame_equal(moved.everybody(), study.everybody())
    assert moved.rejects().to_dict() == study.rejects().to_dict()


@pytest.mark.parametrize("share", [0.0, 0.05, 0.31, 0.5, 0.9, 1.0])
def test_at_any_edge_it_is_a_recount(study, frame, share):
    """All six states, metric by metric: a study of the same people decided at that edge says the same."""
    edge = study.cutoffs[round(share * (len(study.cutoffs) - 1))]
    decided = frame.assign(ok=(frame["score"] >= edge).astype(int))
    again = scoring.audit(decided, groups=["sex", "age"], decision="ok", favourable=1, outcome="repaid", favourable_outcome=1)
    pd.testing.assert_frame_equal(study.at_cutoff(edge).rates(), again.rates())
    pd.testing.assert_frame_equal(study.at_cutoff(edge).disparities(), again.disparities())


def test_it_stands_at_the_nearest_edge_and_says_which(study):
    edges = np.array(study.cutoffs)
    asked = float((edges[40] * 0.9) + (edges[41] * 0.1))
    assert study.at_cutoff(asked).cutoff == edges[40]
    assert study.at_cutoff(1e9).cutoff == edges[-1]


def test_the_sweep_is_at_cutoff_at_every_edge(study):
    swept = study.threshold_sweep("sex", ["selection_rate"]).set_index(["cutoff", "group"])
    for edge in study.cutoffs[::40]:
        rows = study.at_cutoff(edge).rates(metrics=RATE).query("attribute == 'sex'").set_index("group")
        np.testing.assert_array_equal(swept.loc[edge, ["hits", "trials", "value"]].loc[rows.index], rows[["hits", "trials", "value"]])


def test_a_lower_cutoff_never_favours_fewer(study):
    table = study.threshold_sweep("age", ["selection_rate"]).pivot_table(index="cutoff", columns="group", values="hits").sort_index()
    assert (table.diff().dropna() <= 0).all(axis=None)


def test_weights_are_counted_in_the_what_if(frame):
    weighted = frame.assign(w=np.random.default_rng(1).gamma(2.0, 1.0, len(frame)))
    study = study_of(weighted, weights="w")
    edge = study.cutoffs[77]
    favoured = weighted["w"].where(weighted["score"] >= edge, 0).groupby(weighted["sex"]).sum()
    rows = study.at_cutoff(edge).rates(metrics=RATE).query("attribute == 'sex'").set_index("group")
    np.testing.assert_allclose(rows.loc[["F", "M"], "hits"], favoured[["F", "M"]])


def test_combinations_have_no_what_if(study):
    with pytest.raises(StudyError, match=r"one attribute at a time"):
        study.at_cutoff(0).rates(by=["sex", "age"])


def test_without_a_score_there_is_nothing_to_cut(frame):
    study = scoring.audit(frame.assign(ok=1), groups=["sex"], decision="ok", favourable=1)
    assert study.cutoffs == []
    with pytest.raises(StudyError, match=r"no score.*Fix:"):
        study.at_cutoff(0.5)


@pytest.mark.parametrize("threshold", [10, 50])
def test_between_two_published_cutoffs_stand_many_people_or_none(study, threshold):
    shown = study.published(threshold)
    for name in ("sex", "age"):
        table = (
            shown.threshold_sweep(name, ["selection_rate"]).pivot_table(index="cutoff", columns="group", values="hits").sort_index(ascending=False)
        )
        steps = pd.concat([table.iloc[:1], table.diff().iloc[1:]])
        assert not ((steps > 0) & (steps < threshold)).any(axis=None)
        assert "rare" not in table or threshold == 0


def test_the_published_what_if_knows_no_outcomes_and_loses_nobody(study):
    moved = study.published().at_cutoff(0.4)
    assert moved.rates()["metric"].unique().tolist() == ["selection_rate", "exclusion_rate"]
    counted = moved.rates(metrics=RATE).groupby("attribute")["trials"].sum()
    assert set(counted) == {1500.0}
    pd.testing.assert_frame_equal(moved.everybody(), study.published().everybody())


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param([10, 10], [0, 1], id="large enough already"),
        pytest.param([4, 4, 4, 10], [0, 0, 0, 1], id="neighbours are joined until they are many"),
        pytest.param([10, 3], [0, 0], id="what is left over joins the last"),
        pytest.param([3], [0], id="alone and too few"),
        pytest.param([], [], id="nobody"),
    ],
)
def test_runs_of_bins(sizes, expected):
    assert runs(np.array(sizes, int), 10).tolist() == expected
