"""The scoring benchmarks: their arithmetic by a second road, and a short run that can fail."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_score

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import kozodoi
import scorecards
import scoring_page
import scoring_sets


def test_out_of_fold_auc_is_that_of_cross_val_score():
    rows = scoring_sets.few_rows(np.random.default_rng(0)).drop(columns="kind")
    folds = scoring_sets.deal(rows["favourable"].to_numpy(), 2)
    found = scorecards.score(LogisticRegression, rows, folds)
    X, y = rows.drop(columns="favourable"), rows["favourable"]
    theirs = [cross_val_score(LogisticRegression(), X, y, cv=PredefinedSplit(dealt), scoring="roc_auc").mean() for dealt in folds.T]
    assert found.aucs == pytest.approx(theirs)
    assert found.auc == pytest.approx(np.mean(theirs))


def test_folds_are_the_same_each_time_and_hold_a_fifth_of_each_class():
    favourable = np.repeat([0, 1], [40, 60])
    folds = scoring_sets.deal(favourable, 3)
    assert (folds == scoring_sets.deal(favourable, 3)).all()
    assert (folds[:, 0] != folds[:, 1]).any()
    for dealt in folds.T:
        assert np.bincount(dealt[favourable == 0]).tolist() == [8] * 5
        assert np.bincount(dealt[favourable == 1]).tolist() == [12] * 5


@pytest.mark.parametrize(("name", "bad"), [("ties", 0.2), ("many_levels", 0.2), ("one_percent", 0.01), ("missing_for_a_reason", 0.25)])
def test_a_made_set_is_the_same_each_time_and_has_its_share_of_bad(name, bad):
    once, again = (scoring_sets.MADE[name](np.random.default_rng([*name.encode()])) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)
    share = 1 - once["favourable"].mean()
    assert abs(share - bad) < 4 * np.sqrt(bad * (1 - bad) / len(once))


def test_the_scorecard_follows_effects_that_a_straight_line_cannot():
    rows = scoring_sets.skewed(np.random.default_rng(1)).head(2_000)
    folds = scoring_sets.deal(rows["favourable"].to_numpy(), 1)
    card = scorecards.score(scorecards.ENGINES["scorecard"], rows, folds)
    line = scorecards.score(lambda: LogisticRegression(max_iter=5_000), rows, folds)
    assert card.auc > line.auc + 0.02
    assert card.seconds > 0


def result(auc, seconds=1.0):
    return scorecards.Result([auc], seconds)


def told(card=0.79, boosting=0.79, peer=0.79, slow=5.0):
    return {
        "set": "german", "rows": 1000, "columns": 20, "bad": 0.3, "repeats": 5, "scorecard": result(card), "boosting": result(boosting),
        "sklearn": result(0.78), "optbinning": result(peer, slow),
    }  # fmt: skip


def test_what_is_not_as_asked_is_said():
    assert list(scorecards.missed(told())) == []
    assert list(scorecards.missed(told(card=0.7851, peer=0.79))) == []
    assert list(scorecards.missed(told(card=0.7849, peer=0.79))) == ["german: 0.0051 under optbinning"]
    assert list(scorecards.missed(told(card=0.779, peer=0.78))) == ["german: scorecard 0.7790, asked for 0.78"]
    assert list(scorecards.missed(told(slow=1.9))) == ["german: 1.9 times faster than optbinning, asked for 2"]


def test_the_page_has_a_row_a_set_and_what_is_missed():
    page = scorecards.page([told(slow=1.5), {**told(), "set": "ties"}])
    assert "| german | 1,000 x 20 | 0.300 | 0.7900 | 0.7900 | +0.0000 |" in page
    assert "| ties |" in page.split("### Made sets")[1]
    assert page.endswith("- german: 1.5 times faster than optbinning, asked for 2")


def test_each_part_of_the_page_is_replaced_alone(tmp_path):
    page = tmp_path / "page.md"
    scoring_page.written("kozodoi", "first", page)
    scoring_page.written("peers", "others", page)
    scoring_page.written("kozodoi", "second", page)
    text = page.read_text()
    assert "first" not in text
    assert text.index("others") < text.index("second")


# -- Kozodoi, Jacob & Lessmann -----------------------------------------------------------------------------------------------------


def expected_maximum_profit_share(score, good):
    """Average, over a fine grid of losses, the share rejected at the cut-off of highest profit: the definition, without a hull."""
    cuts = np.concatenate([[-np.inf], np.unique(score)])
    rejected = score[None, :] <= cuts[:, None]
    bads, goods = (rejected & ~good).sum(1), (rejected & good).sum(1)

    def best(loss):
        return rejected[(loss * bads - kozodoi.INTEREST * goods).argmax()].mean()

    losses = (np.arange(4_000) + 0.5) / 4_000
    return (1 - kozodoi.P_ALL - kozodoi.P_NONE) * np.mean([best(loss) for loss in losses]) + kozodoi.P_ALL * best(1 - 1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=6, max_size=25).filter(lambda rows: len({good for _, good in rows}) == 2))
def test_the_share_rejected_is_that_of_the_definition(rows):
    score, good = np.array([at for at, _ in rows], float), np.array([is_good for _, is_good in rows])
    assert kozodoi.share_rejected(score, good) == pytest.approx(expected_maximum_profit_share(score, good), abs=2e-3)


@pytest.fixture
def some():
    rng = np.random.default_rng(3)
    good, old = rng.random(60) < 0.6, rng.random(60) < 0.7
    loans = kozodoi.Loans(pd.DataFrame(index=range(60)), good, rng.integers(100, 900, 60).astype(float), old)
    score = rng.normal(size=60).round(1)
    return loans, kozodoi.Scored(score, score > -0.2, score > 0.1)


def test_the_measures_are_those_of_their_definitions(some):
    loans, scored = some
    found = {name: float(values[0]) for name, values in kozodoi.judged(loans, np.arange(60), scored).items()}
    rows = pd.DataFrame({"good": loans.good, "old": loans.old, "yes": scored.accepted})
    young, old = rows[~rows.old], rows[rows.old]
    assert found["AUC"] == pytest.approx(roc_auc_score(rows.good, scored.score))
    assert found["parity"] == pytest.approx(young.yes.mean() - old.yes.mean())
    assert found["predictive"] == pytest.approx(young[young.yes].good.mean() - old[old.yes].good.mean())
    gaps = [young[young.good == kind].yes.mean() - old[old.good == kind].yes.mean() for kind in (True, False)]
    assert found["odds"] == pytest.approx(sum(gaps) / 2)
    each = [0.2644 if g and y else -0.2644 if g else -0.275 if y else 0.0 for g, y in zip(loans.good, scored.granted, strict=True)]
    assert found["profit"] == pytest.approx((np.array(each) * loans.amount).sum() / loans.amount.sum())


def test_a_person_drawn_twice_counts_as_two(some):
    loans, scored = some
    times = np.random.default_rng(5).integers(1, 4, 60)
    rows = np.repeat(np.arange(60), times)
    twice = kozodoi.Scored(*(values[rows] for values in scored))
    by_rows, by_weight = kozodoi.judged(loans, rows, twice), kozodoi.judged(loans, np.arange(60), scored, times[None, :].astype(float))
    assert {name: float(values[0]) for name, values in by_weight.items()} == pytest.approx(
        {name: float(values[0]) for name, values in by_rows.items()}
    )


def test_a_split_uses_every_loan_once():
    split = kozodoi.Split.of(1000, 1, 2)
    assert [len(rows) for rows in split] == [560, 140, 300]
    assert sorted(np.concatenate(split)) == list(range(1000))


def test_redrawn_people_have_no_gap_in_their_outcomes():
    rng = np.random.default_rng(0)
    old = rng.random(1000) < 0.8
    good = rng.random(1000) < np.where(old, 0.73, 0.58)
    loans = kozodoi.Loans(pd.DataFrame(index=range(1000)), good, np.ones(1000), old)
    split = kozodoi.Split.of(1000, 1, 0)
    drawn = np.concatenate([split.redrawn(loans, np.random.default_rng(seed)).test for seed in range(60)])
    gap = good[drawn][~old[drawn]].mean() - good[drawn][old[drawn]].mean()
    assert abs(gap) < 0.03
    assert good[split.test][~old[split.test]].mean() - good[split.test][old[split.test]].mean() < -0.05
