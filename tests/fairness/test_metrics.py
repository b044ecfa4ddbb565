"""The table of metrics, what each says in words, and the measures that are no proportions."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, f1_score

from scoring.errors import EquiscoreError
from scoring.fairness.composites import ROWS, composite_rows, effective_counts, influence, score_estimate
from scoring.fairness.disparity import Side, measured
from scoring.fairness.metrics import COMPOSITES, METRICS, STATES, f1_of_jaccard, meaning, shares
from scoring.texts import LANGUAGES
from scoring.vocabulary import WeightMeaning

ALL = [*METRICS, *COMPOSITES]
SKLEARN = {"f1": f1_score, "balanced_accuracy": balanced_accuracy_score}
COUNTS = st.lists(st.integers(0, 30), min_size=4, max_size=4)


def rows_of(tp, fp, fn, tn):
    """Outcomes and decisions, one a person."""
    return [1] * tp + [0] * fp + [1] * fn + [0] * tn, [1] * (tp + fp) + [0] * (fn + tn)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ALL)
def test_every_metric_says_in_one_sentence_what_it_means(name, language):
    assert meaning(name, language).endswith(".")
    assert len({meaning(other, language) for other in ALL}) == len(ALL)


def test_the_meaning_of_no_metric_names_the_nearest():
    with pytest.raises(EquiscoreError, match="did you mean 'accuracy'"):
        meaning("acuracy")


@pytest.mark.parametrize("name", COMPOSITES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(counts=COUNTS)
def test_composites_are_those_of_scikit_learn(name, counts):
    tp, fp, fn, tn = counts
    value = COMPOSITES[name].value(np.array([tp, fp, fn, tn, 7, 9], float))
    defined = tp + fp + fn > 0 if name == "f1" else tp + fn > 0 and fp + tn > 0
    assert np.isnan(value) != defined
    if defined:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert value == pytest.approx(SKLEARN[name](*rows_of(*counts)), abs=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(counts=COUNTS, k=st.integers(2, 5))
def test_a_composite_of_people_counted_k_times_is_the_same(counts, k):
    held = np.array([*counts, 0, 0], float)
    for composite in COMPOSITES.values():
        np.testing.assert_allclose(composite.value(k * held), composite.value(held), atol=1e-12)


def test_the_table_of_rates_holds_no_composite_and_no_composite_is_a_rate():
    assert not set(METRICS) & set(COMPOSITES)
    assert set(composite_rows(np.ones((1, 6)), attribute="a", groups=["g"])["metric"]) == set(COMPOSITES)


def test_rates_and_composites_come_from_the_same_products():
    counts = np.array([[30, 10, 20, 40, 5, 5.0]])
    (jaccard,) = shares(counts, COMPOSITES["f1"].parts)
    assert jaccard == 30 / 60
    assert COMPOSITES["f1"].value(counts) == f1_of_jaccard(jaccard) == 60 / 90


@settings(max_examples=40, deadline=None, derandomize=True)
@given(states=st.lists(st.integers(0, 40), min_size=6, max_size=6), seed=st.integers(0, 99))
def test_effective_counts_are_those_of_the_disparities(states, seed):
    rng = np.random.default_rng(seed)
    people = np.array([states], float)
    weight = people * rng.uniform(0.5, 2, (1, 6))
    squared = weight**2 / np.maximum(people, 1) * rng.uniform(1, 3, (1, 6))
    for metric in METRICS.values():
        _, _, x, n = measured(Side(weight, squared), [metric], WeightMeaning.WEIGHT)
        np.testing.assert_allclose(effective_counts(weight, squared, metric.hits, metric.trials), (x[:, 0], n[:, 0]), rtol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_the_influence_is_what_a_little_more_of_each_state_adds(name):
    measure = METRICS.get(name) or COMPOSITES[name]
    counts, step = np.array([30, 10, 20, 40, 5, 6.0]), 1e-4
    value = measure.value if name in COMPOSITES else (lambda held: shares(held, ((measure.hits, measure.trials),))[0])
    slope = [(value(counts + step * unit) - value(counts - step * unit)) / (2 * step) for unit in np.eye(len(STATES))]
    np.testing.assert_allclose(influence(measure, counts), slope, atol=1e-8)


def test_f1_is_covered_as_often_as_promised_by_the_interval_of_j_and_less_often_by_its_own_fraction():
    """Wilson on 2tp/(2tp+fp+fn) counts each true positive twice, so it is too short."""
    rng, p = np.random.default_rng(1), np.array([0.25, 0.15, 0.20, 0.40])
    truth = 2 * p[0] / (2 * p[0] + p[1] + p[2])
    drawn = np.zeros((20_000, 6))
    drawn[:, :4] = rng.multinomial(200, p, size=20_000)
    by_j = score_estimate(COMPOSITES["f1"], drawn)
    tp, wrong = drawn[:, 0], drawn[:, 1] + drawn[:, 2]
    n, share, z = 2 * tp + wrong, 2 * tp / (2 * tp + wrong), stats.norm.ppf(0.975)
    centre, half = (share + z**2 / (2 * n)) / (1 + z**2 / n), z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert np.mean((by_j.low <= truth) & (truth <= by_j.high)) == pytest.approx(0.95, abs=0.01)
    assert np.mean(np.abs(truth - centre) <= half) < 0.93


def test_balanced_accuracy_is_covered_by_both_of_its_intervals():
    rng, p = np.random.default_rng(2), np.array([0.3, 0.1, 0.2, 0.4])
    truth = (0.3 / 0.5 + 0.4 / 0.5) / 2
    drawn = np.zeros((800, 6))
    drawn[:, :4] = rng.multinomial(150, p, size=800)
    for generator, method in ((None, "square-and-add"), (np.random.default_rng(3), "bca")):
        rows = composite_rows(drawn, attribute="a", groups=[""] * 800, names=["balanced_accuracy"], rng=generator, replicates=500)
        assert (rows["method"] == method).mean() > 0.99
        assert rows.eval(f"low <= {truth} <= high").mean() == pytest.approx(0.95, abs=0.02)


def test_rows_of_composites_have_the_columns_of_rates_and_say_their_method():
    rows = composite_rows([[30, 10, 10, 50, 0, 0], [0, 0, 0, 0, 0, 0]], attribute="sex", groups=["F", "M"], rng=np.random.default_rng(0))
    assert list(rows) == ROWS
    f, nobody = (rows[rows["group"] == name].set_index("metric") for name in "FM")
    assert f.loc["f1", ["hits", "trials", "method"]].tolist() == [30, 50, "jaccard"]
    assert f.loc["balanced_accuracy", "method"] == "bca"
    assert f.eval("low < value < high").all()
    assert nobody[["value", "low", "high"]].isna().all(axis=None)


def test_no_composite_is_given_where_no_refused_persons_outcome_is_known():
    rows = composite_rows([[30, 10, 0, 0, 0, 50]], attribute="sex", groups=["F"])
    assert rows[["value", "low", "high"]].isna().all(axis=None)


def test_limits_at_the_boundary_have_a_width():
    rows = composite_rows([[10, 0, 0, 10, 0, 0], [0, 5, 5, 0, 0, 0]], attribute="a", groups=["right", "wrong"], rng=np.random.default_rng(0))
    assert rows["value"].tolist() == [1, 0, 1, 0]
    assert (rows["high"] - rows["low"] > 0.1).all()
    assert set(rows["method"]) == {"jaccard", "square-and-add"}


def test_weights_widen_the_interval_of_a_composite_and_counts_narrow_it():
    one = np.array([[30, 10, 20, 40, 0, 0.0]])
    width = {}
    for role, squares in (("count", None), ("weight", 9 * one)):
        rows = composite_rows(3 * one, squares, attribute="a", groups=["g"])
        width[role] = (rows["high"] - rows["low"]).to_numpy()
    same = composite_rows(one, attribute="a", groups=["g"])
    np.testing.assert_allclose(width["weight"], (same["high"] - same["low"]).to_numpy(), rtol=1e-9)
    assert (width["count"] < 0.65 * width["weight"]).all()


def test_a_composite_that_is_none_is_refused():
    with pytest.raises(EquiscoreError, match="use f1 or balanced_accuracy"):
        composite_rows(np.ones((1, 6)), attribute="a", groups=["g"], names=["f2"])
    assert isinstance(composite_rows(np.ones((1, 6)), attribute="a", groups=["g"], names=[]), pd.DataFrame)
