import json

import numpy as np
import pandas as pd
import pytest

from scoring.errors import EquiscoreError
from scoring.models import Scorecard, WoEBinner

BY = {"who": "credit committee", "why": "a test"}


@pytest.fixture(scope="module")
def card(people):
    return Scorecard(min_iv=0).fit(*people)


def again(card):
    return Scorecard.from_dict(json.loads(json.dumps(card.to_dict(), allow_nan=False)))


def bins_of(card, feature):
    return next(bins for bins in card.binner_.bins_ if bins.name == feature)


# -- points


def test_new_points_are_scored_and_the_old_card_stays_as_it_was(card, people):
    X = people[0]
    before, table = card.score_points(X), card.points_table()
    edited = card.with_points("home", "own", 99, **BY)
    owned = (X["home"] == "own").fillna(False).to_numpy()
    given = table.set_index(["feature", "bin"]).loc[("home", "own"), "points"]
    assert edited.score_points(X).tolist() == np.where(owned, before - given + 99, before).tolist()
    assert card.score_points(X).tolist() == before.tolist()
    assert not card.is_edited
    assert edited.is_edited
    assert edited.edits_ == ({"feature": "home", "bin": "own", "before": given, "after": 99, **BY},)


def test_the_points_of_everybody_can_be_edited_too(card, people):
    shifted = card.with_points("(base)", "(everybody)", card.base_ + 10, **BY)
    assert (shifted.score_points(people[0]) - card.score_points(people[0])).tolist() == [10] * len(people[0])


def test_probabilities_of_an_edited_card_are_those_that_its_points_stand_for(card, people):
    """Second road: 20 points double the odds, 600 stand for 50 to 1."""
    X = people[0]
    edited = card.with_points("home", "own", 99, **BY)
    odds = 50 * 2 ** ((edited.score_points(X) - 600) / 20)
    assert edited.predict_proba(X)[:, 1] == pytest.approx(odds / (1 + odds))
    assert (edited.predict(X) == np.where(odds > 1, "good", "bad")).all()


def test_an_edited_table_is_read_bin_by_bin(card, people):
    table = card.points_table()
    unchanged = card.edited(table, **BY)
    assert unchanged.edits_ == ()
    changed = table.sample(frac=1, random_state=0)
    changed.loc[changed["bin"] == "(missing)", "points"] = -5
    edited = card.edited(changed, **BY)
    new = edited.points_table()
    assert (new.loc[new["bin"] == "(missing)", "points"] == -5).all()
    others = new["bin"] != "(missing)"
    assert new.loc[others, "points"].tolist() == table.loc[others, "points"].tolist()
    assert len(edited.edits_) == ((table["bin"] == "(missing)") & (table["points"] != -5)).sum()


def test_the_sum_of_the_table_stays_the_score(card, people):
    X = people[0]
    edited = card.with_points("home", "rent", -40, **BY).with_bins("job", [["a", "b"]], **BY)
    base, parts = edited.contributions(X)
    assert (base + parts.sum(axis=1)).tolist() == edited.score_points(X).tolist()
    assert edited.points_by_feature(X).sum(axis=1).tolist() == edited.score_points(X).tolist()


def test_a_new_fit_forgets_the_edits(card, people):
    assert card.with_points("home", "own", 99, **BY).fit(*people).edits_ == ()


# -- bins


def test_ranges_are_joined_without_data_and_as_a_fit_would_have_counted(card, people):
    X, y = people
    edges = bins_of(card, "income").edges
    joined = card.with_bins("income", edges[1:], **BY)
    told = WoEBinner(cuts={"income": edges[1:]}).fit(X, y).bins_[1]
    assert bins_of(joined, "income") == told
    weight = card.coef_[card.features_.index("income")]
    expected = [round(20 / np.log(2) * weight * woe) for woe in told.woe]
    assert joined.points_[card.features_.index("income")] == tuple(expected)


def test_levels_are_joined_without_data_too(card, people):
    X, y = people
    joined = bins_of(card.with_bins("home", [["rent", "lodger"]], **BY), "home")
    assert joined == WoEBinner(cuts={"home": [["rent", "lodger"]]}).fit(X, y).bins_[2]
    rest = bins_of(card.with_bins("home", [["own"], ["(others)"]], **BY), "home")
    assert rest.labels == ("own", "(others)", "(missing)", "(unseen)")
    assert rest.codes(pd.Series(["own", "rent", "boat", None])).tolist() == [0, 1, 1, 2]
    assert sum(rest.favourable) == (y == "good").sum()
    assert rest.favourable[1] == ((y == "good") & X["home"].isin(["rent", "lodger"])).sum()


def test_joined_levels_can_be_joined_again_but_not_parted(card):
    once = card.with_bins("home", [["rent", "lodger"]], **BY)
    assert bins_of(once.with_bins("home", [["rent", "lodger", "own"]], **BY), "home").labels[0] == "lodger | own | rent"
    assert bins_of(once.with_bins("home", [["own"]], **BY), "home").labels[:2] == ("own", "lodger | rent")
    with pytest.raises(EquiscoreError, match=r"part a bin of the card.*give X and y"):
        once.with_bins("home", [["rent", "own"]], **BY)


def test_bins_are_parted_with_the_people_of_the_fit_only(card, people):
    X, y = people
    with pytest.raises(EquiscoreError, match=r"33.3 parts a bin of the card.*or give X and y"):
        card.with_bins("age", [33.3], **BY)
    parted = card.with_bins("age", [33.3], X=X, y=y, **BY)
    assert bins_of(parted, "age") == WoEBinner(cuts={"age": [33.3]}).fit(X, y).bins_[0]
    with pytest.raises(EquiscoreError, match=r"the card was fitted on.*give the people of the fit"):
        card.with_bins("age", [33.3], X=X.iloc[:300], y=y.iloc[:300], **BY)


def test_special_values_stay_when_ranges_are_joined(people):
    X, y = people
    card = Scorecard(min_iv=0, binner=WoEBinner(special={"age": [30, 31]})).fit(X, y)
    joined = bins_of(card.with_bins("age", [], **BY), "age")
    assert joined.labels == ("any number", "= 30", "= 31", "(missing)")
    assert joined.counts[:, 1:].tolist() == bins_of(card, "age").counts[:, -3:].tolist()
    assert bins_of(card.with_bins("age", [40.5], X=X, y=y, **BY), "age").special == (30.0, 31.0)


# -- storing


def test_an_edited_card_is_stored_with_who_and_why(card, people):
    X = people[0]
    edited = card.with_points("home", "own", 99, **BY).with_bins("job", [["a", "b"]], **BY).with_points("job", "a | b", 7, **BY)
    read = again(edited)
    assert read.edits_ == edited.edits_
    assert [edit["who"] for edit in read.edits_] == ["credit committee"] * 3
    assert read.score_points(X).tolist() == edited.score_points(X).tolist()
    assert np.array_equal(read.predict_proba(X), edited.predict_proba(X))
    assert read.to_dict() == edited.to_dict()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.update(edits=[]), id="the edit is taken out"),
        pytest.param(lambda d: d["edits"][0].update(after=98), id="the edit declares other points"),
        pytest.param(lambda d: d["edits"][0].update(bin="rent"), id="the edit declares another bin"),
        pytest.param(lambda d: d["edits"][0].update(who=" "), id="nobody did it"),
        pytest.param(lambda d: d["edits"][0].pop("why"), id="for no reason"),
        pytest.param(lambda d: d["edits"].append("more"), id="an edit that is a word"),
    ],
)
def test_only_declared_edits_are_let_in(card, change):
    stored = json.loads(json.dumps(card.with_points("home", "own", 99, **BY).to_dict()))
    change(stored)
    with pytest.raises(EquiscoreError, match="Fix:"):
        Scorecard.from_dict(stored)


def test_version_1_knows_no_edits(card):
    stored = {**card.with_points("home", "own", 99, **BY).to_dict(), "version": 1}
    with pytest.raises(EquiscoreError, match="gives 99 points for home"):
        Scorecard.from_dict(stored)


# -- refusals


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("house", "own", 1), "'house' is not a feature of the card", id="no such feature"),
        pytest.param(("home", "castle", 1), "has no bin 'castle'", id="no such bin"),
        pytest.param(("home", "own", 1.5), "on a card of whole points", id="half a point"),
        pytest.param(("home", "own", np.nan), "are no points", id="not a number"),
        pytest.param(("home", "own", True), "are no points", id="a truth value"),
        pytest.param(("home", "own", "9"), "are no points", id="text"),
    ],
)
def test_wrong_points_are_refused(card, arguments, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        card.with_points(*arguments, **BY)
    assert "Fix:" in str(refused.value)


@pytest.mark.parametrize("by", [{"who": "", "why": "x"}, {"who": "x", "why": "  "}, {"who": None, "why": "x"}])
def test_nobody_edits_for_no_reason(card, by):
    with pytest.raises(EquiscoreError, match="say who changes the card and why"):
        card.with_points("home", "own", 1, **by)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda t: t.iloc[1:], "differ in the row", id="a row is missing"),
        pytest.param(lambda t: pd.concat([t, t.iloc[[3]]]), "differ in the row", id="a row twice"),
        pytest.param(lambda t: t.assign(bin=t["bin"].replace("own", "castle")), "differ in the row", id="a bin renamed"),
        pytest.param(lambda t: t.drop(columns="points"), "lacks points", id="no points"),
        pytest.param(lambda t: t.assign(points=t["points"] + 0.5), "whole points", id="half points"),
    ],
)
def test_a_table_that_is_not_of_this_card_is_refused(card, change, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        card.edited(change(card.points_table()), **BY)
    assert "Fix:" in str(refused.value)


@pytest.mark.parametrize(
    ("feature", "cuts", "says"),
    [
        pytest.param("house", [1], "is not a feature of the card", id="no such feature"),
        pytest.param("home", [1, 2], "lists of levels for levels", id="edges for levels"),
        pytest.param("age", [["a"]], "edges for numbers", id="levels for numbers"),
        pytest.param("home", [["castle"]], "no level 'castle' on the card", id="no such level"),
        pytest.param("home", [["own"], ["own", "rent"]], "name each level once", id="a level twice"),
    ],
)
def test_wrong_bins_are_refused(card, feature, cuts, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        card.with_bins(feature, cuts, **BY)
    assert "Fix:" in str(refused.value)
