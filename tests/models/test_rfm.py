"""Scores of recency, frequency and monetary value: pandas' cuts where there are no ties, brute force where there are, and missing values."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from scoring.errors import EquiscoreError
from scoring.models.segmenting.quantile_edges import quantile_edges
from scoring.models.segmenting.rfm import RFMSegmenter


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(8)
    n = 1_000
    return pd.DataFrame({
        "recency": rng.permutation(n) * 1.0, "frequency": rng.permutation(n) + 1, "monetary": rng.permutation(n) * 3.5,
    })  # fmt: skip


@pytest.mark.parametrize("bins", [1, 2, 3, 5, 7, 10])
def test_without_ties_scores_are_those_of_pandas(people, bins):
    told = RFMSegmenter(bins=bins).fit_transform(people)
    cut = {name: pd.qcut(people[name], bins, labels=False, duplicates="drop").to_numpy() + 1 for name in people}
    cut["recency"] = bins + 1 - cut["recency"]
    sizes = [[np.bincount(column.astype(int)).tolist() for column in (told[:, j], cut[name])] for j, name in enumerate(people)]
    for j, name in enumerate(people):
        ours, theirs = sizes[j]
        assert np.abs(np.array(ours) - theirs).max() <= 1  # a cut is a value here, between two values there
        assert np.mean(told[:, j] == cut[name]) > 0.98


def brute(column, bins, part):
    """The score of each value by the definition: how many of the wished cuts lie at or below it."""
    held = sorted(set(column))
    shares = {value: np.mean(column < value) for value in held[1:]}
    edges = [min(shares, key=lambda value: (round(abs(shares[value] - k / bins), 12), value)) for k in range(1, bins)] if shares else []
    band = np.array([sum(edge <= value for edge in edges) for value in column])
    return bins - band if part == "recency" else band + 1


values = st.lists(st.integers(0, 6), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(values, st.integers(1, 10), st.randoms())
def test_ties_stay_together_whatever_the_order(column, bins, random):
    order = list(range(len(column)))
    random.shuffle(order)
    table = pd.DataFrame({"recency": column, "frequency": column, "monetary": column}).iloc[order].astype(float)
    told = RFMSegmenter(bins=bins).fit(table).transform(table)
    for j, part in enumerate(("recency", "frequency", "monetary")):
        assert told[:, j].tolist() == brute(table[part].to_numpy(), bins, part).tolist()
    assert 1 <= told.min() <= told.max() <= bins
    if len(set(column)) > 1:
        assert told[table["frequency"] == min(column), 1].max() == 1


def test_heavy_ties_score_as_the_part_of_the_people_they_are():
    """Four fifths bought once: they are the lower four fifths and score 1; who bought twice is in the upper fifth and scores 5."""
    table = pd.DataFrame({"recency": np.arange(100.0), "frequency": np.repeat([1, 2], [80, 20]), "monetary": np.arange(100.0)})
    assert set(RFMSegmenter().fit_transform(table)[:, 1]) == {1, 5}
    assert quantile_edges(table["frequency"].to_numpy(float), np.ones(100), 5).tolist() == [2, 2, 2, 2]


def test_a_constant_column_tells_nobody_apart():
    table = pd.DataFrame({"recency": [9.0, 9, 9], "frequency": [1.0, 1, 1], "monetary": [1.0, 2, 3]})
    assert RFMSegmenter(bins=3).fit_transform(table)[:, :2].tolist() == [[3, 1]] * 3


def test_stated_cuts_put_who_is_on_a_cut_above_it():
    cuts = {"recency": [30, 90], "frequency": [2], "monetary": []}
    table = pd.DataFrame({"recency": [29, 30, 90], "frequency": [1, 2, 3], "monetary": [0, 5, 9]})
    fitted = RFMSegmenter(cuts=cuts).fit(table)
    assert fitted.transform(table).tolist() == [[3, 1, 1], [2, 2, 1], [1, 2, 1]]
    assert fitted.bins_ == (3, 2, 1)


def test_segments_are_those_of_the_scores(people):
    fitted = RFMSegmenter().fit(people)
    r, f, m = fitted.transform(people).astype(int).T
    fm = (f + m + 1) // 2
    champions, lost = (r == 5) & (fm >= 4), (r <= 2) & (fm <= 2)
    assert ((fitted.segment(people) == "champions") == champions).all()
    assert ((fitted.segment(people) == "hibernating") == lost).all()
    assert (fitted.segments_[fitted.labels_] == fitted.segment(people)).all()
    assert (fitted.fit_predict(people) == fitted.predict(people)).all()


def test_names_are_told_in_the_language_asked_for(people):
    assert "Clients fidèles" in set(RFMSegmenter(language="fr").fit(people).segment(people))
    assert "Loyal customers" in set(RFMSegmenter(language="en").fit(people).segment(people))


def test_who_lacks_a_value_is_in_a_segment_of_the_unknown(people):
    holed = people.assign(frequency=people["frequency"].astype(float).mask(people.index < 3))
    fitted = RFMSegmenter().fit(people)
    assert (fitted.segment(holed) == "(unknown)").nonzero()[0].tolist() == [0, 1, 2]
    assert np.isnan(fitted.transform(holed)[:3]).tolist() == [[False, True, False]] * 3
    assert RFMSegmenter().fit(holed).cuts_["recency"].tolist() == fitted.cuts_["recency"].tolist()
    with pytest.raises(EquiscoreError, match="nobody has a value of frequency"):
        RFMSegmenter().fit(people.assign(frequency=np.nan))


def test_weight_k_is_k_rows(people):
    weights = np.random.default_rng(0).integers(0, 4, len(people))
    weighed, rows = RFMSegmenter().fit(people, sample_weight=weights), RFMSegmenter().fit(people.loc[np.repeat(people.index, weights)])
    assert [cuts.tolist() for cuts in weighed.cuts_.values()] == [cuts.tolist() for cuts in rows.cuts_.values()]


def test_columns_are_found_by_name_or_all_by_order(people):
    told = RFMSegmenter().fit(people).segment(people).tolist()
    assert RFMSegmenter().fit(people[["monetary", "recency", "frequency"]]).labels_.tolist() == RFMSegmenter().fit(people).labels_.tolist()
    assert RFMSegmenter().fit(people.to_numpy()).segment(people.to_numpy()).tolist() == told
    assert RFMSegmenter().fit(pl.from_pandas(people)).segment(pl.from_pandas(people)).tolist() == told
    renamed = people.set_axis(["days", "times", "spent"], axis=1).assign(sex="F")
    assert RFMSegmenter(recency="days", frequency="times", monetary="spent").fit(renamed).segment(renamed).tolist() == told
    with pytest.raises(EquiscoreError, match=r"has 'recency', 'frequency', but no column 'monetary'"):
        RFMSegmenter().fit(people.rename(columns={"monetary": "spent"}))


def test_monetary_value_may_be_left_out(people):
    fitted = RFMSegmenter(monetary=None).fit(people)
    assert fitted.get_feature_names_out().tolist() == ["recency_score", "frequency_score"]
    assert fitted.segment(people[:1]).shape == (1,)


def test_it_stands_in_pipelines_with_names(people):
    scores = clone(RFMSegmenter()).set_output(transform="pandas").fit_transform(people)
    assert list(scores.columns) == ["recency_score", "frequency_score", "monetary_score"]
    assert make_pipeline(RFMSegmenter(), StandardScaler()).fit_transform(people).mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-9)


def test_rules_of_ones_own_and_a_caller_s_table_left_alone(people):
    before = people.copy()
    rules = {"gone": {"r": 1}, "here": {"r": [2, 3]}}
    fitted = RFMSegmenter(bins=3, rules=rules).fit(people)
    assert ((fitted.segment(people) == "gone") == (fitted.transform(people)[:, 0] == 1)).all()
    pd.testing.assert_frame_equal(people, before)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"bins": 0}, "bins=0"),
        ({"bins": 11}, "bins=11"),
        ({"bins": (5, 5)}, r"one for each of 3 dimensions"),
        ({"cuts": {"recency": [2, 1]}}, "cuts of 'recency'"),
        ({"cuts": {"age": [2]}}, "cuts of 'age'"),
        ({"cuts": {"recency": range(10)}}, "at most 9"),
        ({"rules": {"a": {"r": 1}}}, "No segment has"),
        ({"recency": "days"}, "but no column 'days'"),
    ],
)
def test_what_cannot_be_scored_is_refused(people, asked, says):
    with pytest.raises(EquiscoreError, match=rf"(?s){says}.*Fix:|Fix:.*{says}"):
        RFMSegmenter(**asked).fit(people)


def test_text_and_a_single_column_are_refused(people):
    with pytest.raises(EquiscoreError, match="column 'recency' holds 'x'"):
        RFMSegmenter().fit(people.assign(recency="x"))
    with pytest.raises(EquiscoreError, match="1 feature"):
        RFMSegmenter().fit(people[["monetary"]].to_numpy())
