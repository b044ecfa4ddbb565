"""Groups known by probability: the weighted rate, its standard error, and the bounds without which it never stands."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.metrics import METRICS, STATES
from scoring.fairness.unobserved import membership_sentence
from scoring.fairness.unseen.membership import (
    MEMBERSHIPS,
    Sums,
    bound_interval,
    bounds_of,
    largest_bias,
    membership_rows,
    merged,
    sharp_bounds,
    sums_of,
    weighted_rates,
)
from scoring.fairness.unseen.soft_counts import SOFT
from scoring.vocabulary import Verdict

SELECTION, TPR = METRICS["selection_rate"], METRICS["true_positive_rate"]
EXCLUSION = METRICS["exclusion_rate"]


def counted(cell, r, state, *, weight=None, levels=None):
    """Return what `count_soft` would: sums by cell, level and state."""
    w = np.ones(len(state)) if weight is None else np.asarray(weight, float)
    names, cells = np.unique(np.asarray(cell).astype(str), return_inverse=True)
    kinds, states = np.unique(np.asarray(state).astype(str), return_inverse=True)
    held, place = np.unique(cells * len(kinds) + states, return_inverse=True)
    parts = []
    for level, column in (levels or {"a": r}).items():
        p = np.asarray(column, float)
        of_each = {
            "n": np.ones(len(w)),
            "weight": w,
            "weight_squared": w**2,
            "expected": p,
            "r": w * p,
            "r_mixed": w**2 * p,
            "r_squared": w**2 * p**2,
        }
        sums = {name: np.bincount(place, values) for name, values in of_each.items()}
        where = {"cell": names[held // len(kinds)], "state": kinds[held % len(kinds)], "level": level, "attribute": "origin"}
        parts.append(pd.DataFrame(where | sums))
    return pd.concat(parts, ignore_index=True)[SOFT]


def population(seed=0, people=6000, cells=30, gap=0.2, shape=(2, 5)):
    """Return cell, probability, membership and state of people whose members do worse than their neighbours of the same cell."""
    rng = np.random.default_rng(seed)
    share, base = rng.beta(*shape, cells), np.clip(0.65 + 0.1 * rng.normal(size=cells), 0.3, 0.95)
    cell = rng.integers(0, cells, people)
    member = rng.random(people) < share[cell]
    selected = rng.random(people) < base[cell] - gap * member
    return cell, share[cell], member, np.where(selected, "au", "ru")


def rows_of(soft, metrics=(SELECTION,), *, seed=0, **asked):
    return membership_rows(soft, list(metrics), bounds=Bounds(), rng=np.random.default_rng(seed), **asked)


# the sharp bounds, against linear programs


def spread(members, hits, misses, people):
    """Return the equalities of a way to spread members (groups, cells) over hits, misses and others of each cell."""
    groups, cells = members.shape
    ends = np.stack([hits, misses, people - hits - misses])
    place = np.arange(groups * cells * 3).reshape(groups, cells, 3)
    of_members, of_ends = np.zeros((groups * cells, place.size)), np.zeros((3 * cells, place.size))
    for g in range(groups):
        for z in range(cells):
            of_members[g * cells + z, place[g, z]] = 1
            of_ends[z * 3 + np.arange(3), place[g, z]] = 1
    return np.vstack([of_members, of_ends]), np.concatenate([members.ravel(), ends.T.ravel()]), place


def problems(seed, with_others):
    rng = np.random.default_rng(seed)
    people = rng.dirichlet(np.ones(4))
    members = (rng.dirichlet(np.ones(3), 4) * people[:, None]).T
    shares = rng.dirichlet(np.ones(3), 4)
    hits = people * shares[:, 0]
    return people, members, hits, people * shares[:, 1] if with_others else people - hits


@pytest.mark.parametrize("seed", range(30))
def test_bounds_of_a_rate_of_everybody_are_those_of_a_linear_program(seed):
    people, members, hits, misses = problems(seed, with_others=False)
    found = sharp_bounds(people, members, hits, misses)
    equal, to, place = spread(members, hits, misses, people)

    def best(cost):
        return linprog(cost, A_eq=equal, b_eq=to, bounds=(0, None)).fun

    rate = np.zeros((3, place.size))
    for g in range(3):
        rate[g, place[g, :, 0]] = 1 / members[g].sum()
    np.testing.assert_allclose([best(cost) for cost in rate], found.lowest, atol=1e-9)
    np.testing.assert_allclose([-best(-cost) for cost in rate], found.highest, atol=1e-9)
    assert best(rate[0] - rate[1]) == pytest.approx(found.lowest[0] - found.highest[1], abs=1e-9)
    assert -best(rate[1] - rate[0]) == pytest.approx(found.highest[0] - found.lowest[1], abs=1e-9)
    others = np.zeros(place.size)
    others[place[1:, :, 0].ravel()] = 1 / members[1:].sum()
    assert best(others) == pytest.approx(found.rest_lowest[0], abs=1e-9)
    assert best(rate[0] - others) == pytest.approx(found.lowest[0] - found.rest_highest[0], abs=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_bounds_of_a_rate_of_some_are_those_of_a_linear_fractional_program(seed):
    """The denominator itself is spread: the program is made linear by a scale t (Charnes & Cooper 1962)."""
    people, members, hits, misses = problems(seed, with_others=True)
    found = sharp_bounds(people, members, hits, misses)
    equal, to, place = spread(members, hits, misses, people)
    trials, cost = np.zeros(place.size + 1), np.zeros(place.size + 1)
    trials[place[0, :, :2].ravel()], cost[place[0, :, 0]] = 1, 1
    scaled = np.vstack([np.hstack([equal, -to[:, None]]), trials])
    right = np.append(np.zeros(len(to)), 1.0)
    lowest, highest = (sign * linprog(sign * cost, A_eq=scaled, b_eq=right, bounds=(0, None)).fun for sign in (1, -1))
    np.testing.assert_allclose([lowest, highest], [found.lowest[0], found.highest[0]], atol=1e-9)


def test_the_ratio_to_the_rest_is_the_formula_of_the_selection_rate():
    people, members, hits, misses = problems(3, with_others=False)
    found = sharp_bounds(people, members, hits, misses)
    lower, upper = np.maximum(0, hits + members - people).sum(1), np.minimum(hits, members).sum(1)
    share, total = members.sum(1), hits.sum()
    np.testing.assert_allclose(found.lowest / found.rest_highest, (lower / share) / ((total - lower) / (1 - share)))
    np.testing.assert_allclose(found.highest / found.rest_lowest, (upper / share) / ((total - upper) / (1 - share)))


def test_a_denominator_that_can_be_emptied_leaves_what_is_left():
    found = sharp_bounds([10.0], [2.0], [5.0], [0.0])
    assert (found.lowest, found.highest) == (1.0, 1.0)
    found = sharp_bounds([10.0], [2.0], [0.0], [5.0])
    assert (found.lowest, found.highest) == (0.0, 0.0)
    assert np.isnan(sharp_bounds([10.0], [2.0], [0.0], [0.0]).lowest)


def test_more_members_than_people_are_refused():
    with pytest.raises(EquiscoreError, match="Fix: give counts of the same people"):
        sharp_bounds([10.0], [12.0], [5.0], [5.0])


# hard membership takes the same path


def hard(seed=0, people=900):
    rng = np.random.default_rng(seed)
    level = rng.choice(["a", "b", "c"], people, p=[0.5, 0.3, 0.2])
    return level, rng.choice(STATES[:4], people, p=[0.4, 0.2, 0.1, 0.3])


@pytest.mark.parametrize("metric", list(METRICS.values()), ids=list(METRICS))
def test_hard_membership_gives_the_hard_rates_and_bounds_that_are_points(metric):
    level, state = hard()
    soft = counted(level, None, state, levels={name: level == name for name in "abc"})
    levels, sums = sums_of(soft)
    found, ends = weighted_rates(sums, [metric]), bounds_of(merged(sums), [metric])
    hit, trial = np.isin(state, metric.hits), np.isin(state, metric.trials)
    expected = [hit[level == name].sum() / trial[level == name].sum() for name in levels]
    others = [hit[level != name].sum() / trial[level != name].sum() for name in levels]
    np.testing.assert_allclose(found.value[:, 0], expected, rtol=1e-14)
    np.testing.assert_allclose(found.reference[:, 0], others, rtol=1e-14)
    np.testing.assert_allclose(ends.value_lowest[:, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(ends.value_highest[:, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(ends.ratio_lowest, found.ratio, rtol=1e-12)
    np.testing.assert_allclose(ends.difference_highest, found.difference, rtol=1e-12, atol=1e-15)
    binomial = np.sqrt([p * (1 - p) / trial[level == name].sum() for p, name in zip(expected, levels, strict=True)])
    np.testing.assert_allclose(found.value_se[:, 0], binomial, rtol=1e-12)


def test_hard_membership_of_enough_people_gets_the_verdict_of_its_ratio():
    rng = np.random.default_rng(4)
    member = np.arange(4000) < 1000
    state = np.where(rng.random(4000) < np.where(member, 0.4, 0.7), "au", "ru")
    row = rows_of(counted(member, member, state)).iloc[0]
    assert row["verdict"] == Verdict.EXCLUSION
    assert row["ratio_lowest"] == pytest.approx(row["ratio"])
    assert row["ratio_lowest_low"] == pytest.approx(row["ratio_low"], abs=0.02)
    alike = np.where(rng.random(4000) < 0.7, "au", "ru")
    assert rows_of(counted(member, member, alike)).iloc[0]["verdict"] == Verdict.WITHIN_TOLERANCE


# the simulated population: what the weighted rate hides


def test_members_who_do_worse_than_their_neighbours_look_nearly_equal_and_only_the_bounds_hold_the_truth():
    cell, r, member, state = population(people=200_000, cells=40)
    selected = state == "au"
    truth = selected[member].mean() - selected[~member].mean()
    _, sums = sums_of(counted(cell, r, state))
    weighted, ends = weighted_rates(sums, [SELECTION]).difference[0, 0], bounds_of(merged(sums), [SELECTION])
    assert truth < -0.17
    assert abs(weighted) < 0.06
    assert ends.difference_lowest[0, 0] < truth < ends.difference_highest[0, 0]
    assert ends.difference_highest[0, 0] - ends.difference_lowest[0, 0] > 0.8
    inside = pd.DataFrame({"cell": cell, "member": member, "selected": selected}).groupby("cell")
    covariance = (inside.apply(lambda z: np.cov(z["member"], z["selected"], ddof=0)[0, 1]) * inside.size()).sum() / len(cell)
    bias = -covariance * (1 / member.mean() + 1 / (1 - member.mean()))
    assert weighted - truth == pytest.approx(bias, abs=0.01)


def test_with_one_person_a_cell_the_bounds_collapse_which_is_why_cells_are_merged():
    _, r, _, state = population(people=2000)
    _, sums = sums_of(counted(np.arange(2000), r, state))
    alone, found = bounds_of(sums, [SELECTION]), weighted_rates(sums, [SELECTION])
    np.testing.assert_allclose(alone.difference_lowest, found.difference, atol=1e-12)
    np.testing.assert_allclose(alone.difference_highest, found.difference, atol=1e-12)
    wide = bounds_of(merged(sums), [SELECTION])
    assert wide.difference_highest[0, 0] - wide.difference_lowest[0, 0] > 0.8


def test_the_standard_error_is_the_spread_of_the_estimate_and_not_that_of_independent_samples():
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        cell = rng.integers(0, 20, 1000)
        share = np.linspace(0.05, 0.6, 20)
        state = np.where(rng.random(1000) < 0.3 + 0.5 * share[cell], "au", "ru")
        _, sums = sums_of(counted(cell, share[cell], state))
        turned = sums._replace(
            r=sums.weight - sums.r,
            r_mixed=sums.weight_squared - sums.r_mixed,
            r_squared=sums.weight_squared - 2 * sums.r_mixed + sums.r_squared,
        )
        one, other = weighted_rates(sums, [SELECTION]), weighted_rates(turned, [SELECTION])
        log = np.log(one.ratio[0, 0])
        two_samples = np.hypot(one.value_se[0, 0], other.value_se[0, 0])
        found.append((one.difference[0, 0], one.difference_se[0, 0], two_samples, log, one.log_ratio_se[0, 0]))
    difference, se, two_samples, log, log_se = np.array(found).T
    assert se.mean() == pytest.approx(difference.std(), rel=0.16)
    assert log_se.mean() == pytest.approx(log.std(), rel=0.16)
    assert two_samples.mean() > 1.3 * difference.std()


def test_the_standard_error_is_the_influence_of_each_person_added_up():
    rng = np.random.default_rng(2)
    cell, r, _, state = population(people=400)
    w = rng.gamma(2, 1, 400)
    _, sums = sums_of(counted(cell, r, state, weight=w))
    found, y = weighted_rates(sums, [SELECTION]), state == "au"
    p, q = np.average(y, weights=w * r), np.average(y, weights=w * (1 - r))
    u = w * (r * (y - p) / (w * r).sum() - (1 - r) * (y - q) / (w * (1 - r)).sum())
    assert found.value[0, 0] == pytest.approx(p)
    assert found.difference_se[0, 0] == pytest.approx(np.sqrt((u**2).sum()))


# merging


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), least=st.sampled_from([50, 100, 300]))
def test_merging_keeps_everybody_fills_each_cell_and_only_widens(seed, least):
    rng = np.random.default_rng(seed)
    cell, r, _, state = population(seed, people=3000, cells=int(rng.integers(2, 200)))
    _, sums = sums_of(counted(cell, r, state, levels={"a": r, "b": 1 - r}))
    found = merged(sums, least=least)
    people = found.n.sum(2)
    assert (people[people > 0] >= least).all()
    for whole, part in zip(sums, found, strict=True):
        np.testing.assert_allclose(part.sum(1), whole.sum(1))
    fine, wide = bounds_of(sums, [SELECTION]), bounds_of(found, [SELECTION])
    assert (wide.value_lowest <= fine.value_lowest + 1e-9).all()
    assert (wide.value_highest >= fine.value_highest - 1e-9).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_the_weighted_rate_lies_within_its_bounds_and_order_and_names_do_not_matter(seed):
    cell, r, _, state = population(seed, people=1500)
    soft = counted(cell, r, state)
    _, sums = sums_of(soft)
    found, ends = weighted_rates(sums, [SELECTION, EXCLUSION]), bounds_of(merged(sums), [SELECTION, EXCLUSION])
    assert (ends.value_lowest <= found.value + 1e-12).all()
    assert (found.value <= ends.value_highest + 1e-12).all()
    order = np.random.default_rng(seed).permutation(len(soft))
    _, again = sums_of(soft.iloc[order].assign(cell=lambda rows: "z" + rows["cell"]))
    np.testing.assert_allclose(weighted_rates(again, [SELECTION]).value, found.value[:, :1])
    np.testing.assert_allclose(bounds_of(merged(again), [SELECTION]).value_lowest, ends.value_lowest[:, :1], atol=0.02)


def test_a_metric_of_harm_is_turned():
    cell, r, _, state = population()
    _, sums = sums_of(counted(cell, r, state))
    more, less = (bounds_of(merged(sums), [metric]) for metric in (SELECTION, EXCLUSION))
    assert less.difference_lowest[0, 0] == pytest.approx(more.difference_lowest[0, 0])
    rest_highest = more.value_lowest[0, 0] - more.difference_lowest[0, 0]
    assert less.ratio_lowest[0, 0] == pytest.approx((1 - rest_highest) / (1 - more.value_lowest[0, 0]))


# sampling error


def test_the_interval_of_the_bounds_covers_the_bounds_of_the_population():
    """200 files of 4,000 people; each end is to be covered with 97.5 %."""
    rng = np.random.default_rng(0)
    share, base = rng.beta(2, 5, 25), np.clip(0.65 + 0.1 * rng.normal(size=25), 0.3, 0.95)
    q = base - 0.2 * share
    true = sharp_bounds(np.ones(25), share, q, 1 - q)
    covered = []
    for _ in range(200):
        cell = rng.integers(0, 25, 4000)
        state = np.where(rng.random(4000) < q[cell], "au", "ru")
        _, sums = sums_of(counted(cell, share[cell], state))
        found = bound_interval(merged(sums), [SELECTION], rng, draws=300)
        ends = found.low.value_lowest[0, 0] <= true.lowest, found.high.value_highest[0, 0] >= true.highest
        ratios = found.low.ratio_lowest[0, 0] <= true.lowest / true.rest_highest, found.high.ratio_highest[0, 0] >= true.highest / true.rest_lowest
        covered.append((*ends, *ratios))
    assert (np.mean(covered, axis=0) >= 0.975 - 3 * np.sqrt(0.975 * 0.025 / 200)).all()


def test_clusters_and_weights_widen_the_interval():
    cell, r, _, state = population()
    plain = rows_of(counted(cell, r, state)).iloc[0]
    clustered = rows_of(counted(cell, r, state), design_effect=4.0).iloc[0]
    weighted = rows_of(counted(cell, r, state, weight=np.random.default_rng(1).gamma(0.5, 2, len(r)))).iloc[0]
    for wider in (clustered, weighted):
        assert wider["difference_high"] - wider["difference_low"] > 1.3 * (plain["difference_high"] - plain["difference_low"])
        assert wider["difference_lowest"] - wider["difference_lowest_low"] > 1.3 * (plain["difference_lowest"] - plain["difference_lowest_low"])
    assert "clusters" in clustered["reasons"]
    assert "Rows belong together" in clustered["because"]


def test_the_same_seed_gives_the_same_rows():
    cell, r, _, state = population()
    pd.testing.assert_frame_equal(rows_of(counted(cell, r, state)), rows_of(counted(cell, r, state)))


# the rows, and what they say


def test_the_point_estimate_never_stands_without_its_bounds():
    cell, r, _, state = population()
    rows = rows_of(counted(cell, r, state, levels={"a": r, "b": 1 - r}), [SELECTION, EXCLUSION])
    assert list(rows.columns) == MEMBERSHIPS
    inner = rows[["value_lowest", "value", "value_highest"]].to_numpy()
    assert (np.diff(inner, axis=1) >= 0).all()
    outer = rows[["ratio_lowest_low", "ratio_lowest", "ratio", "ratio_highest", "ratio_highest_high"]].to_numpy()
    assert (np.diff(outer, axis=1) >= 0).all()
    np.testing.assert_allclose(rows["largest_bias"], largest_bias(rows["value"], rows["value_lowest"], rows["value_highest"]))
    assert rows.query("metric == 'selection_rate'")["people"].sum() == pytest.approx(len(r))
    assert set(rows["verdict"]) == {Verdict.UNDETERMINED, ""}


def test_a_proxy_that_tells_nearly_everything_lets_exclusion_be_shown_and_one_that_tells_little_does_not():
    rng = np.random.default_rng(8)
    cell = rng.integers(0, 20, 20_000)
    sure = np.where(np.arange(20) < 8, 0.97, 0.02)[cell]
    state = np.where(rng.random(20_000) < np.where(rng.random(20_000) < sure, 0.35, 0.8), "au", "ru")
    row = rows_of(counted(cell, sure, state)).iloc[0]
    assert row["verdict"] == Verdict.EXCLUSION
    assert row["ratio_highest_high"] < 0.8
    unsure = np.where(np.arange(20) < 8, 0.5, 0.3)[cell]
    assert rows_of(counted(cell, unsure, state)).iloc[0]["verdict"] == Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("r", "states", "metric", "reason"),
    [
        pytest.param(1.0, ("au", "ru"), SELECTION, "everybody", id="everybody is a member"),
        pytest.param(0.0, ("au", "ru"), SELECTION, "nobody_known", id="nobody is"),
        pytest.param(0.3, ("au", "ru"), TPR, "outcome_never_seen", id="no outcome was ever observed"),
        pytest.param(0.3, ("tp", "fp", "ru"), TPR, "blind", id="no refused person's outcome was"),
        pytest.param(0.3, ("ru",), SELECTION, "nobody_hit", id="nobody was selected"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(r, states, metric, reason):
    state = np.resize(states, 600)
    row = rows_of(counted(np.arange(600) % 6, np.full(600, r), state), [metric]).iloc[0]
    assert (row["verdict"], row["reasons"][0]) == (Verdict.NOT_APPLICABLE, reason)
    assert membership_sentence(row.to_dict(), Bounds(), "en").startswith("The question cannot be asked.")


def test_few_people_are_never_shown_within_tolerance_nor_excluded_by_a_redrawn_zero():
    member = np.arange(600) < 4
    state = np.where(np.arange(600) % 10 < 7, "au", "ru")
    state[:4] = "ru"
    row = rows_of(counted(member, member, state)).iloc[0]
    assert row["verdict"] == Verdict.UNDETERMINED
    assert row["ratio_highest_high"] > 0.5


def test_sentences_say_the_figures_in_both_languages():
    row = {
        "attribute": "origin", "group": "a", "metric": "selection_rate", "people": 245.3, "cells": 17, "value": 0.55, "reference_value": 0.59,
        "value_lowest": 0.2, "value_highest": 0.86, "ratio": 0.93, "ratio_lowest": 0.31, "ratio_highest": 1.62, "ratio_lowest_low": 0.27,
        "ratio_highest_high": 1.7, "largest_bias": 0.35, "verdict": "undetermined", "reasons": ("band", "bias"),
    }  # fmt: skip
    assert membership_sentence(row, Bounds(), "en") == (
        "Exclusion is neither shown nor ruled out: what was not observed could settle it either way. origin: a: about 245 people, by "
        "probability, in 17 cells. Weighted by the probabilities 55.0% were selected, against 59.0% of the others; by the bounds it is anywhere "
        "from 20.0% to 86.0%. The ratio is 0.93 as weighted, anywhere from 0.31 to 1.62 by the bounds, and 0.27 to 1.70 with sampling error "
        "(95% interval); the tolerance is 0.80. The band of ratios holds the tolerance of 0.80, or comes too near it for the number of people. "
        "The weighted rate may be wrong for up to 35.0% of the members, and these data cannot tell; where members do worse than their "
        "neighbours of the same cell, it is too favourable."
    )
    assert membership_sentence(row, Bounds(), "fr", {"origin": {"fr": "Origine"}}).replace("\u202f", " ") == (
        "Une exclusion n'est ni établie ni écartée : ce qui n'a pas été observé pourrait faire pencher dans un sens comme dans l'autre. "
        "Origine : a : environ 245 personnes, en probabilité, dans 17 cellules. En pondérant par les probabilités, 55,0 % ont été retenus, "
        "contre 59,0 % pour les autres ; d'après les bornes, c'est n'importe quelle valeur de 20,0 % à 86,0 %. Le rapport pondéré est de 0,93, "
        "quelque part entre 0,31 et 1,62 d'après les bornes, et entre 0,27 et 1,70 avec l'erreur d'échantillonnage (intervalle à 95 %) ; la "
        "tolérance est de 0,80. La plage des rapports contient la tolérance de 0,80, ou s'en approche trop pour le nombre de personnes. Le taux "
        "pondéré peut se tromper pour 35,0 % des membres au plus, et ces données ne permettent pas de le savoir ; là où les membres sont moins "
        "bien lotis que leurs voisins de la même cellule, il est trop favorable."
    )


def test_sums_take_cells_of_any_order():
    soft = counted([0, 1, 1], [0.2, 0.4, 0.4], ["au", "ru", "au"])
    levels, sums = sums_of(soft)
    assert isinstance(sums, Sums)
    assert (levels, sums.n.sum(), sums.r.sum()) == (["a"], 3.0, pytest.approx(1.0))
