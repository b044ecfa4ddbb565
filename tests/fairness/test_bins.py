"""Bins of a score: the cut-off is an edge, an edge parts exactly, and nothing is squeezed by an outlier."""

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.customers.intake import admit
from scoring.fairness.bins import NO_SCORE, Grid, bin_of, edges, grid, profile
from scoring.fairness.counts import count
from scoring.plan import Plan
from scoring.scores import score_customers


def study_of(scores, cutoff, *, higher_is="better", declared=None):
    """Cut a score, by a declaration."""
    frame = pd.DataFrame({"sex": np.resize(["F", "M"], len(scores)), "score": scores})
    plan = Plan.model_validate(
        {
            "columns": {"sex": {"type": "text", "roles": "protected"}, "score": {"type": "number", "roles": "score"}},
            "groups": {"sex": {"column": "sex"}},
            "decision": {"cutoff": {"rule": "value", "value": cutoff}},
            "score": {"column": "score", "higher_is": higher_is, "edges": declared},
        }
    )
    scored = score_customers(admit(plan, frame), plan)
    return frame, scoring.Study(plan, count(scored.table, plan, cutoff=scored.cutoff), None, scored.cutoff)


def recounted(frame, favoured):
    return frame.assign(favoured=favoured).groupby("sex")["favoured"].sum().tolist()


RNG = np.random.default_rng(3)
SCORES = {
    "uniform": RNG.random(5000),
    "normal": RNG.normal(size=5000),
    "four decimals": np.round(RNG.random(8000), 4),
    "two decimals": np.round(RNG.random(5000), 2),
    "points": RNG.integers(300, 850, 5000).astype(float),
    "many points": RNG.integers(0, 9000, 5000).astype(float),
    "heavy tails": np.exp(3 * RNG.normal(size=5000)),
    "two outliers": np.append(RNG.random(5000), [-1e6, 1e6]),
    "all the same but one": np.append(np.ones(50), 2.0),
}


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("at", [0.3, 0.9997], ids=["a third", "almost everybody refused"])
def test_every_edge_parts_people_as_a_recount_would(scores, at):
    cutoff = float(np.quantile(scores, at, method="higher"))
    frame, study = study_of(scores, cutoff)
    assert cutoff in study.cutoffs
    assert study.rates(metrics=["selection_rate"])["hits"].tolist() == recounted(frame, scores >= cutoff)
    swept = study.threshold_sweep("sex", ["selection_rate"]).pivot_table(index="cutoff", columns="group", values="hits")
    assert swept.to_numpy().tolist() == [recounted(frame, scores >= edge) for edge in study.cutoffs]


@pytest.mark.parametrize("cutoff", [0.3, 0.7, 0.07, 1 / 3])
def test_decimals_fall_on_their_own_side_of_an_edge(cutoff):
    """0.3 / 0.001 is 299.99...: the edge itself decides, not the rounded quotient."""
    frame, study = study_of(SCORES["four decimals"], cutoff)
    swept = study.threshold_sweep("sex", ["selection_rate"]).pivot_table(index="cutoff", columns="group", values="hits")
    assert swept.to_numpy().tolist() == [recounted(frame, frame["score"] >= edge) for edge in study.cutoffs]


@pytest.mark.parametrize("name", ["uniform", "four decimals", "heavy tails", "points"])
def test_declared_edges_part_people_exactly_and_hold_the_cutoff(name):
    scores = SCORES[name]
    declared = [float(np.quantile(scores, at)) + 1e-9 for at in (0.11, 0.5, 0.777)]
    cutoff = float(np.quantile(scores, 0.4))
    frame, study = study_of(scores, cutoff, declared=declared)
    assert study.cutoffs == sorted([*declared, cutoff])
    for edge in study.cutoffs:
        assert study.at_cutoff(edge).rates(metrics=["selection_rate"])["hits"].tolist() == recounted(frame, scores >= edge)


@pytest.mark.parametrize("name", ["uniform", "points"])
def test_where_higher_is_worse_the_low_scores_are_favoured_and_declared_edges_keep_their_units(name):
    scores = SCORES[name]
    declared = [float(edge) for edge in np.quantile(scores, [0.2, 0.6])]
    frame, study = study_of(scores, declared[1], higher_is="worse", declared=declared)
    assert study.rates(metrics=["selection_rate"])["hits"].tolist() == recounted(frame, scores <= declared[1])
    assert study.cutoffs == [-edge for edge in reversed(declared)]
    for edge in declared:
        assert study.at_cutoff(edge).rates(metrics=["selection_rate"])["hits"].tolist() == recounted(frame, scores <= edge)


def test_people_without_a_score_are_counted_and_keep_their_decision():
    frame = pd.DataFrame({"sex": list("FFMM"), "score": pd.array([1, None, 2, None], dtype="Float64"), "ok": [1, 1, 0, 0]})
    study = scoring.audit(frame, groups=["sex"], decision="ok", favourable=1, score="score")
    assert study.counts.histogram.query(f"bin == {NO_SCORE}")["n"].tolist() == [1, 1]
    assert study.at_cutoff(2).rates(metrics=["selection_rate"])[["hits", "trials"]].to_numpy().tolist() == [[1, 2], [1, 2]]


def test_no_score_and_a_decision_by_score_is_a_rejected_row():
    frame = pd.DataFrame({"sex": ["F"] * 30 + ["M"] * 30, "score": pd.array([None, *range(59)], dtype="Float64")})
    study = scoring.audit(frame, groups=["sex"], score="score", cutoff=10)
    assert study.rejects().to_dict() == {"score: empty, so no decision": 1}


def test_few_values_are_their_own_edges_and_many_are_about_as_many_quantiles_as_wanted():
    few = np.arange(7.0)
    assert edges(few, np.ones(7, int), 200, 2.5, exact=False).tolist() == sorted([*few, 2.5])
    many = np.arange(5000.0)
    chosen = edges(many, np.ones(5000, int), 200, None, exact=True)
    assert (len(chosen), chosen[0]) == (200, 0.0)
    assert set(np.diff(chosen)) <= {24.0, 25.0, 26.0}


def test_a_bin_is_left_closed():
    assert bin_of(np.array([-1, 0, 0.5, 1, 9, np.nan]), np.array([0.0, 1.0])).tolist() == [0, 1, 1, 2, 2, NO_SCORE]


@pytest.mark.parametrize("cutoff", [None, 0.5, -7.0, 1e4])
def test_a_cutoff_among_the_outliers_still_parts_people(cutoff):
    import narwhals as nw

    scores = SCORES["two outliers"]
    frame = nw.from_native(pd.DataFrame({"s": scores}))
    found = profile(frame.lazy(), nw.col("s"))
    made = grid(found, cutoff)
    keys = frame.select(k=made.key(nw.col("s")))["k"].to_numpy()
    lower = made.values(keys)
    assert (found.least, found.kept) == (-1e6, False)
    assert (lower <= scores).all()
    assert cutoff is None or (made.reached(keys, cutoff) == (scores >= cutoff)).all()


def test_a_grid_without_width_keeps_the_values():
    assert Grid().values(np.array([1.5, np.nan])).tolist()[0] == 1.5
