"""The nearest change is the nearest: every other set was tried by brute force; and it suffices: the model was asked again."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from scoring.errors import EquiscoreError
from scoring.models import Scorecard, WoEBinner
from scoring.models.boosting import GradientBoosting
from scoring.models.calibration import CalibratedScore
from scoring.models.explaining.cheapest import cheapest
from scoring.models.explaining.contributions import NotAdditive
from scoring.models.explaining.nearest_change import CHANGES, VARIATIONS, nearest_change
from scoring.models.explaining.options import Option, Place
from scoring.models.explaining.traits import Trait
from scoring.models.logistic import LogisticScore
from scoring.models.threads import one_thread
from scoring.models.training import favourable_scores

few = settings(max_examples=60, deadline=None)
FREE = Trait(changeable=True)


@pytest.fixture(scope="module")
def card(people):
    X, y = people
    return Scorecard(min_iv=0).fit(X, y)


@pytest.fixture(scope="module")
def refused(card, people):
    """Ten people far enough below the cut-off that it takes something."""
    X, _ = people
    points = card.score_points(X)
    return X.iloc[np.argsort(points, kind="stable")[20:120:10]], float(np.quantile(points, 0.6))


# -- the choice, by brute force


def brute(by_feature, need):
    """Try every set: fewest changes, then least effort."""
    found = []
    for picked in itertools.product(*[[None, *own] for own in by_feature]):
        chosen = [one for one in picked if one is not None]
        if chosen and sum(one.gain for one in chosen) >= need:
            found.append((len(chosen), sum(one.effort for one in chosen), -sum(one.gain for one in chosen)))
    return min(found) if found else None


problems = st.tuples(
    st.lists(
        st.lists(st.tuples(st.integers(1, 6), st.integers(1, 40)), max_size=5),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 120),
)


@few
@given(problems)
def test_the_cheapest_set_is_that_of_brute_force(problem):
    told, need = problem
    by_feature = [[Option(f"f{j}", 0, Place(""), effort, float(effort), float(gain)) for effort, gain in own] for j, own in enumerate(told)]
    chosen, due = cheapest(by_feature, float(need)), brute(by_feature, need)
    if due is None:
        assert chosen is None
    else:
        assert (len(chosen), sum(one.effort for one in chosen), -sum(one.gain for one in chosen)) == due
        assert len({one.feature for one in chosen}) == len(chosen)


def test_one_large_change_is_nearer_than_two_small_ones_whatever_they_cost():
    options = [[Option("a", 0, Place(""), 9, 9.0, 10.0)], [Option("b", 0, Place(""), 1, 1.0, 5.0)], [Option("c", 0, Place(""), 1, 1.0, 5.0)]]
    assert [one.feature for one in cheapest(options, 10.0)] == ["a"]
    assert [one.feature for one in cheapest(options[1:], 10.0)] == ["b", "c"]


# -- a card, by brute force over its whole table


def by_table(card, person, cutoff, free):
    """Every combination of bins of known values of the free features: fewest features changed, then fewest bins moved."""
    codes = dict(zip([bins.name for bins in card.binner_.bins_], card.binner_.codes(person)[0], strict=True))
    bins = {one.name: one for one in card.binner_.bins_}
    points = dict(zip(card.features_, card.points_, strict=True))
    rest = card.base_ + sum(points[name][codes[name]] for name in card.features_ if name not in free)
    best = None
    known = {name: range(len(bins[name].levels) if bins[name].kind == "levels" else len(bins[name].edges) + 1) for name in free}
    for picked in itertools.product(*[{codes[name], *known[name]} for name in free]):
        moved = [(name, k) for name, k in zip(free, picked, strict=True) if k != codes[name]]
        if rest + sum(points[name][k] for name, k in zip(free, picked, strict=True)) >= cutoff:
            steps = [1 if bins[name].kind == "levels" or codes[name] not in known[name] else abs(k - codes[name]) for name, k in moved]
            best = min(best or (math.inf, math.inf), (len(moved), sum(steps)))
    return best


@pytest.mark.parametrize("free", [("income", "home", "children"), ("age", "income", "job", "member"), ("home",), ("age", "income")])
def test_on_a_card_it_is_the_one_that_trying_every_cell_of_the_table_finds(card, refused, free):
    people, cutoff = refused
    for k in range(len(people)):
        person = people.iloc[[k]]
        found = nearest_change(card, person, cutoff=cutoff, traits=dict.fromkeys(free, FREE))
        due = by_table(card, person, cutoff, free)
        assert found.status == ("found" if due else "out_of_reach")
        if due:
            assert (len(found.changes), sum(one.steps for one in found.changes)) == due


def test_the_score_after_it_is_the_models_own_and_reaches_the_cutoff(card, refused):
    people, cutoff = refused
    for k in range(len(people)):
        person = people.iloc[[k]]
        found = nearest_change(card, person, cutoff=cutoff, traits=dict.fromkeys(card.features_, FREE))
        after = person.assign(**dict(zip(found.table()["feature"], found.table()["after"], strict=True)))
        assert found.status == "found"
        assert card.score_points(after)[0] == found.score_after >= cutoff > found.score
        assert found.score_after == found.score + found.table()["gain"].sum()


def test_every_single_variation_is_scored_by_the_model_and_told(card, refused):
    people, cutoff = refused
    rows = nearest_change(card, people.iloc[[0]], cutoff=cutoff, traits={"home": FREE, "income": FREE}).variations
    assert list(rows.columns) == VARIATIONS
    for row in rows.to_dict("records"):
        assert card.score_points(people.iloc[[0]].assign(**{row["feature"]: row["value"]}))[0] == row["score"]
        assert row["crosses"] == (row["score"] >= cutoff)


def test_the_person_given_is_left_as_it_was(card, refused):
    people, cutoff = refused
    person = people.iloc[[0]]
    kept = person.copy(deep=True)
    nearest_change(card, person, cutoff=cutoff, traits=dict.fromkeys(card.features_, FREE))
    pd.testing.assert_frame_equal(person, kept)


# -- what may be changed


def ladder():
    """A card of one number that rises with every bin, and a level."""
    rng = np.random.default_rng(2)
    months = rng.integers(0, 60, 800)
    home = rng.choice(["own", "rent", "lodger"], 800, p=[0.4, 0.4, 0.2])
    good = rng.random(800) < 1 / (1 + np.exp(-(months - 30) / 12 - 1.5 * (home == "own") + 1.0))
    return Scorecard(min_iv=0).fit(pd.DataFrame({"months": months, "home": home}), np.where(good, "good", "bad"))


LADDER = ladder()


def asked(traits, cutoff=None, **values):
    person = pd.DataFrame([{"months": 20, "home": "rent", **values}])
    return nearest_change(LADDER, person, cutoff=LADDER.score_points(person)[0] + 15 if cutoff is None else cutoff, traits=traits)


def test_months_at_the_bank_can_only_rise():
    up, down = asked({"months": Trait(changeable=True, direction="rises")}), asked({"months": Trait(changeable=True, direction="falls")})
    assert up.status == "found"
    assert up.changes[0].value > 20
    assert down.status == "out_of_reach"
    assert (down.variations["value"] < 20).all()


def test_a_whole_number_moves_to_the_nearest_whole_number_of_the_bin():
    (change,) = asked({"months": FREE}).changes
    assert change.value == math.floor(change.to.low) + 1
    assert change.to.low < change.value <= change.to.high


@pytest.mark.parametrize(
    ("trait", "inside"),
    [
        (Trait(changeable=True, high=22), lambda value: value <= 22),
        (Trait(changeable=True, low=45), lambda value: value >= 45),
        (Trait(changeable=True, low=30.2, high=31.9), lambda value: value == 31),
    ],
)
def test_only_what_can_be_reached_is_proposed(trait, inside):
    values = asked({"months": trait}).variations["value"]
    assert all(map(inside, values))


def test_of_levels_only_those_that_can_be_reached_and_in_their_order():
    only = asked({"home": Trait(changeable=True, levels=("lodger", "rent"))}).variations["to"]
    assert only.tolist() == ["lodger"]
    rising = asked({"home": Trait(changeable=True, levels=("lodger", "rent", "own"), direction="rises")}, home="lodger").variations
    assert dict(zip(rising["to"], rising["steps"], strict=True)) == {"rent": 1, "own": 2}
    with pytest.raises(EquiscoreError, match=r"none is higher.*Fix: give their order"):
        asked({"home": Trait(changeable=True, direction="rises")})


def test_protected_and_undeclared_features_are_never_proposed():
    found = asked({"months": Trait(changeable=True, protected=True)})
    assert (found.status, found.considered, found.undeclared, len(found.variations)) == ("nothing_changeable", (), ("home",), 0)
    assert asked({"months": FREE, "home": Trait(protected=True)}).undeclared == ()


def test_a_cost_turns_the_choice():
    cheap, dear = (asked({"months": Trait(changeable=True, cost=cost), "home": FREE}).changes for cost in (0.01, 100))
    assert [one.feature for one in cheap] == ["months"]
    assert [one.feature for one in dear] == ["home"]


def test_a_value_that_is_missing_can_be_told_and_none_is_ever_withdrawn():
    found = asked({"months": FREE, "home": FREE}, months=None, cutoff=10_000)
    assert not set(found.variations["to"]) & {"(missing)", "(unseen)"}
    assert found.variations.query("feature == 'months'")["steps"].eq(1).all()


def test_that_no_change_suffices_is_said_with_the_best_that_could_be():
    found = asked({"months": FREE, "home": FREE}, cutoff=10_000)
    best = LADDER.base_ + sum(max(points) for points in LADDER.points_)
    assert (found.status, found.changes, found.score_after) == ("out_of_reach", (), best)
    assert list(found.table().columns) == CHANGES


def test_who_reaches_the_cutoff_needs_no_change():
    found = asked({"months": FREE}, cutoff=0)
    assert (found.status, found.changes) == ("reached", ())
    assert len(found.variations)


def test_special_values_are_neither_ranges_nor_ever_proposed():
    rng = np.random.default_rng(4)
    months = rng.integers(0, 40, 600).astype(float)
    months[:60] = 20.0  # 20 means that nobody knows
    y = np.where(rng.random(600) < 0.2 + months / 60, "good", "bad")
    rows = pd.DataFrame({"months": months})
    card = Scorecard(min_iv=0, binner=WoEBinner(special=[20])).fit(rows, y)
    edges = card.binner_.bins_[0].edges
    for own in (20.0, 0.0, 39.0):
        found = nearest_change(card, pd.DataFrame({"months": [own]}), cutoff=9999, traits={"months": FREE}, background=rows)
        assert 20.0 not in found.variations["value"].tolist()
        assert len(found.variations) == len(edges) + (own == 20.0)
        for row in found.variations.to_dict("records"):
            assert card.points_table().query("bin == @row['to']")["points"].iloc[0] + card.base_ == row["score"]


def test_levels_that_were_put_together_gain_nothing_among_themselves():
    rng = np.random.default_rng(4)
    home = rng.choice(["own", "rent", "lodger"], 400)
    y = np.where(rng.random(400) < np.where(home == "own", 0.8, 0.4), "good", "bad")
    card = Scorecard(min_iv=0, binner=WoEBinner(cuts={"home": [["rent", "lodger"], ["own"]]})).fit(pd.DataFrame({"home": home}), y)
    found = nearest_change(
        card, pd.DataFrame({"home": ["rent"]}), cutoff=card.score_points(pd.DataFrame({"home": ["own"]}))[0], traits={"home": FREE}
    )
    assert found.variations.set_index("to")["gain"].gt(0).to_dict() == {"own": True, "lodger": False}
    assert [one.to.level for one in found.changes] == ["own"]


# -- models without bins


def fitted(model, X, y):
    with one_thread():
        return model.fit(X, y)


@pytest.fixture(scope="module")
def plain(people):
    X, y = people
    return X[["age", "income", "home", "job"]], (y == "good").to_numpy()


ONE_HOT = make_column_transformer((StandardScaler(), ["income"]), (OneHotEncoder(handle_unknown="ignore"), ["home", "job"]))


@pytest.mark.parametrize(
    "model",
    [
        GradientBoosting(interactions=False, max_iter=40),
        LogisticScore(),
        CalibratedClassifierCV(LogisticScore(), ensemble=False, cv=3),
        CalibratedClassifierCV(LogisticScore(), ensemble=False, cv=3, method="isotonic"),
        CalibratedScore(LogisticScore(), folds=3, method="isotonic"),
        make_pipeline(ONE_HOT, LogisticRegression()),
    ],
    ids=["one curve a feature", "logistic", "sigmoid", "isotonic", "our isotonic", "pipeline"],
)
def test_without_bins_it_is_the_one_that_trying_every_pair_of_values_finds(plain, model):
    X, y = plain
    model = fitted(model, X, y)
    chance = favourable_scores(model, X, favourable=True)
    cutoff = float(np.quantile(chance, 0.7))
    for k in np.argsort(chance, kind="stable")[[5, 100, 200]]:
        person = X.iloc[[k]]
        found = nearest_change(model, person, cutoff=cutoff, traits={"income": FREE, "home": FREE}, background=X, grid=12)
        assert (found.status == "reached") == (chance[k] >= cutoff)  # steps of a calibration: many people have one score
        if found.status == "reached":
            continue
        values = {name: part["value"].tolist() for name, part in found.variations.groupby("feature")}
        own = {name: person[name].iloc[0] for name in values}
        pairs = [(i, h) for i in [own["income"], *values["income"]] for h in [own["home"], *values["home"]]]
        tried = pd.concat([person.assign(income=i, home=pd.Series([h], index=person.index, dtype=X["home"].dtype)) for i, h in pairs])
        enough = favourable_scores(model, tried, favourable=True) >= cutoff
        changed = [(i is not own["income"]) + (h is not own["home"]) for i, h in pairs]
        if not enough.any():
            assert found.status == "out_of_reach"
            continue
        assert len(found.changes) == min(n for n, ok in zip(changed, enough, strict=True) if ok)
        assert found.score_after >= cutoff


def test_a_calibrated_card_that_gives_points_changes_as_the_card_does(card, refused, people):
    persons, cutoff = refused
    model = CalibratedScore(Scorecard(min_iv=0), folds=2).fit(*people)
    traits = dict.fromkeys(card.features_, FREE)
    one, other = (nearest_change(which, persons.iloc[[0]], cutoff=cutoff, traits=traits) for which in (model, model.estimator_))
    pd.testing.assert_frame_equal(one.table(), other.table())
    assert one.score_after == other.score_after


def test_a_calibrated_card_that_gives_probabilities_moves_between_its_bins(card, people):
    X, y = people
    model = CalibratedClassifierCV(FrozenEstimator(card)).fit(X, y)
    chance = model.predict_proba(X)[:, 1]
    person, cutoff = X.iloc[[int(np.argsort(chance, kind="stable")[60])]], float(np.quantile(chance, 0.6))
    found = nearest_change(model, person, cutoff=cutoff, traits=dict.fromkeys(card.features_, FREE), background=X)
    assert (found.status, found.unit) == ("found", "log-odds")
    assert found.score_after >= cutoff
    singles = found.variations.query("crosses")
    assert (len(found.changes) == 1) == (len(singles) > 0)
    with pytest.raises(EquiscoreError, match=r"CalibratedClassifierCV is calibrated.*Fix: give background="):
        nearest_change(model, person, cutoff=cutoff, traits={"home": FREE})


def test_a_calibration_that_turns_scores_round_is_refused(plain):
    X, y = plain
    model = LogisticScore().fit(X, y)
    turned = CalibratedClassifierCV(FrozenEstimator(model)).fit(X, ~y)
    with pytest.raises(NotAdditive, match="turns some scores round"):
        nearest_change(turned, X.iloc[[0]], cutoff=0.99, traits={"income": FREE}, background=X, favourable=True)


def test_the_favourable_class_may_be_the_first(plain):
    X, y = plain
    model = GradientBoosting(interactions=False, max_iter=30, favourable=False).fit(X, y)
    chance = model.predict_proba(X)[:, 0]
    person = X.iloc[[int(chance.argmin())]]
    found = nearest_change(model, person, cutoff=float(np.quantile(chance, 0.5)), traits=dict.fromkeys(X.columns, FREE), background=X)
    assert found.status == "found"
    assert all(one.gain > 0 for one in found.changes)


# -- refusals


def test_a_model_that_is_no_sum_is_refused_by_name(plain, monkeypatch):
    X, y = plain
    monkeypatch.setattr("scoring.models.explaining.curves.util.find_spec", lambda _: None)
    with pytest.raises(NotAdditive, match="GradientBoosting"):
        nearest_change(GradientBoosting(max_iter=40).fit(X, y), X.iloc[[0]], cutoff=0.99, traits={"income": FREE}, background=X)


def test_without_bins_other_people_are_needed(plain):
    X, y = plain
    with pytest.raises(EquiscoreError, match=r"LogisticScore has no bins.*Fix: give background="):
        nearest_change(LogisticScore().fit(X, y), X.iloc[[0]], cutoff=0.99, traits={"income": FREE})


@pytest.mark.parametrize(("rows", "traits", "says"), [(2, {}, "2 rows are not a person"), (1, {"incme": FREE}, "was 'income' meant")])
def test_what_is_no_question_is_refused(card, people, rows, traits, says):
    with pytest.raises(EquiscoreError, match=says):
        nearest_change(card, people[0].iloc[:rows], cutoff=500, traits=traits)


def test_an_undecided_many_features_take_no_long_time():
    rng = np.random.default_rng(1)
    options = [[Option(f"f{j}", 0, Place(""), k, float(k), float(rng.uniform(0, k))) for k in range(1, 20)] for j in range(40)]
    assert cheapest(options, 150.0) is not None
