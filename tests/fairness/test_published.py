"""What is published holds no small group, and nobody can work one out of the rest of it."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.bounds import Bounds
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import combinations_of, compare
from scoring.fairness.metrics import METRICS
from scoring.fairness.published import level_merges, published, withheld
from scoring.plan import Population
from scoring.vocabulary import CROSS, SMALL_GROUPS, UNKNOWN

K = 10
SELECTED = [METRICS["selection_rate"]]
ALL = "(all)"


def counts_of(cells):
    """Build counts from {levels: (favoured, refused)}; the attributes are a, b, c."""
    rows = [(*levels, state, "", n) for levels, pair in cells.items() for state, n in zip(("au", "ru"), pair, strict=True) if n]
    names = [f"group.{name}" for name in "abc"[: len(next(iter(cells)))]]
    frame = pd.DataFrame(rows, columns=[*names, "state", "reject", "n"])
    return Counts(frame.assign(weight=frame["n"], weight_squared=frame["n"]), pd.DataFrame(), np.empty(0), exact=True)


def rows_of(counts, depth=3):
    sets = combinations_of(counts.attributes, min(depth, len(counts.attributes)))
    return compare(counts, sets, SELECTED, bounds=Bounds())


def random_cells(rng, shape, *, unknown=False, most=60):
    sizes = [[*[f"{name}{i}" for i in range(n)], *([UNKNOWN] if unknown else [])] for name, n in zip("abc", shape, strict=False)]
    scale = rng.choice([4, 15, most])
    found = {levels: rng.poisson(rng.gamma(0.7, scale), 2) for levels in product(*sizes)}
    return {levels: tuple(map(int, pair)) for levels, pair in found.items()} | {tuple(names[0] for names in sizes): (1, 1)}


# --- an attacker with linear algebra ---------------------------------------------------------------------------------------------


def equations(table, cells):
    """Return what the published table says of the cells: a row of 0 and 1 per published count, and zero for what is nowhere listed."""
    places = list(cells)
    known = [np.ones(len(places))]
    for attribute, rows in table.groupby("attribute"):
        names = ["abc".index(name) for name in attribute.split(CROSS)]
        covered = np.zeros(len(places))
        seen = [all(place[i] != UNKNOWN for i in names) for place in places]
        for row in rows.itertuples():
            parts = [part.split(" + ") for part in row.group.split(CROSS)] if row.group != SMALL_GROUPS else [row.folded.split(", ")]
            if row.group == UNKNOWN:
                indicator = 1.0 - np.array(seen)
            else:
                indicator = np.array([all(place[i] in part for i, part in zip(names, parts, strict=True)) for place in places], float)
            assert indicator @ np.array([sum(cells[place]) for place in places]) == row.people
            known.append(indicator)
            covered += indicator
            if row.reference_people > 0:
                known.append(np.array(seen) * (1.0 - indicator) if row.group != UNKNOWN else np.array(seen, float))
        people = np.array([sum(cells[place]) for place in places])
        assert (covered[people > 0] == 1).all()  # groups + unknown + suppressed = everybody
        known.extend(np.eye(len(places))[covered == 0])  # what is listed nowhere is known to be empty
    return np.array(known)


def small_ones(cells, *, with_unknown):
    """Go through every cell and every margin with fewer people than K: its name and the cells that it is made of."""
    places = list(cells)
    levels = [[*sorted({place[i] for place in places}), ALL] for i in range(len(places[0]))]
    for wanted in product(*levels):
        if UNKNOWN in wanted and not with_unknown:
            continue
        indicator = np.array([all(w in (ALL, p) for w, p in zip(wanted, place, strict=True)) for place in places], float)
        if 0 < sum(sum(cells[place]) for place, here in zip(places, indicator, strict=True) if here) < K:
            yield wanted, indicator


def recovered(cells, *, with_unknown=False):
    """Return the small cells that the published tables determine."""
    table = published(rows_of(counts_of(cells)), K)
    assert ((table["people"] == 0) | (table["people"] >= K)).all() or sum(map(sum, cells.values())) < K
    known = equations(table, cells)
    rank = np.linalg.matrix_rank(known)
    return [name for name, one in small_ones(cells, with_unknown=with_unknown) if np.linalg.matrix_rank(np.vstack([known, one])) == rank]


@pytest.mark.parametrize("shape", [(5, 4), (2, 6), (3, 3), (3, 2, 3)], ids=str)
def test_no_small_cell_can_be_worked_out_of_the_published_tables(shape):
    rng = np.random.default_rng(sum(shape))
    for _ in range(10):
        cells = random_cells(rng, shape)
        if sum(map(sum, cells.values())) >= K:
            assert recovered(cells) == []


def test_a_merged_cell_does_not_tell_which_of_its_parts_are_empty():
    """(a0, b1) is empty: were "a0 x b0 + b1" said to join a0 x b0 alone, b1 would all be in a1, and (a1, b0) one person."""
    cells = {("a0", "b0"): (60, 3), ("a0", "b1"): (0, 0), ("a0", "b2"): (99, 50), ("a1", "b0"): (1, 0), ("a1", "b1"): (9, 9), ("a1", "b2"): (50, 50)}
    table = published(rows_of(counts_of(cells)), K).set_index("group")
    assert table.loc["a0 x b0 + b1", "folded"] == "a0 x b0 + b1"
    assert recovered(cells) == []


def test_the_attack_finds_what_primary_suppression_leaves():
    """The attacker is not blind: leave the small cells out one by one, and the margins give them back."""
    cells = {("a0", "b0"): (3, 1), ("a0", "b1"): (20, 20), ("a1", "b0"): (30, 9), ("a1", "b1"): (20, 9)}
    rows = rows_of(counts_of(cells)).assign(folded="", reference_people=np.nan)
    kept = rows[rows["people"] >= K]
    known = np.vstack([np.ones(4), *[[float(level in place) for place in cells] for level in ("a0", "a1", "b0", "b1")]])
    known = np.vstack([known, [[float(place == tuple(group.split(CROSS))) for place in cells] for group in kept["group"] if CROSS in group]])
    assert np.linalg.matrix_rank(known) == 4


def test_a_level_is_not_the_difference_of_a_fold_and_a_merged_level():
    """a1 is small and folded with a2 alone; were it joined with the large a3 in the crossing, a2 there would give it back."""
    cells = {("a1", "b2"): (5, 4), ("a2", "b1"): (6, 6), ("a3", "b1"): (50, 50), ("a3", "b2"): (2, 2), ("a4", "b2"): (150, 150)}
    cells = {place: cells.get(place, (0, 0)) for place in product(["a1", "a2", "a3", "a4"], ["b1", "b2"])}
    assert recovered(cells) == []


def test_a_level_is_not_the_difference_of_a_fold_with_the_unknowns_and_a_merged_level():
    cells = {(level, b): pair for b in ("b0", "b1") for level, pair in {"a0": (2, 1), UNKNOWN: (6, 6), "a1": (20, 20), "a2": (30, 30)}.items()}
    table = published(rows_of(counts_of(cells)), K)
    folded = table[(table["attribute"] == "a") & (table["group"] == SMALL_GROUPS)].iloc[0]
    assert folded["folded"] == f"a0, a1, {UNKNOWN}" or set(folded["folded"].split(", ")) == {"a0", "a1", UNKNOWN}
    assert recovered(cells) == []


def test_folded_unknowns_are_not_what_a_group_and_its_rest_leave():
    """Three unknowns are folded with the smallest group; another group and its rest would be everybody known."""
    cells = {("a0",): (20, 20), ("a1",): (40, 40), ("a2",): (50, 50), (UNKNOWN,): (1, 2)}
    assert recovered(cells, with_unknown=True) == []


# Withholding such crossings would take 7 of 10 from the Taiwan clients (102 of 120 cells), 1 of 10 from the instalments sample (32 of 141),
# none from German credit; merging levels instead leaves 4 and 39 cells.
@pytest.mark.xfail(strict=True, reason="known in one attribute, unknown in another: the margin of the crossing against the single table gives them")
def test_no_small_cell_of_partly_unknown_people_can_be_worked_out():
    cells = {("a0", "b0"): (30, 30), ("a1", "b0"): (30, 30), ("a0", "b1"): (30, 30), ("a1", "b1"): (30, 30), ("a0", UNKNOWN): (1, 0)}
    cells |= {("a1", UNKNOWN): (10, 10)}
    assert recovered(cells, with_unknown=True) == []


# --- the rules, one by one -------------------------------------------------------------------------------------------------------


def shown(cells, depth=3, k=K):
    table = published(rows_of(counts_of(cells), depth), k)
    return {(row.attribute, row.group, row.folded): (row.hits, row.trials) for row in table.itertuples()}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param({"x": (9, 8), "y": (20, 5)}, {"x": "", "y": ""}, id="nothing small, nothing folded"),
        pytest.param({"x": (1, 8), "y": (2, 5), "z": (50, 5)}, {SMALL_GROUPS: "y, x", "z": ""}, id="two small ones hide each other"),
        pytest.param({"x": (1, 3), "y": (9, 9), "z": (50, 5)}, {"z": "", SMALL_GROUPS: "x, y"}, id="one small one takes the next smallest with it"),
        pytest.param({"x": (1, 1), "y": (1, 2), "z": (5, 6), "v": (20, 2)}, {"v": "", SMALL_GROUPS: "x, y, z"}, id="until the fold holds K"),
        pytest.param({"x": (10, 0), "y": (5, 5), UNKNOWN: (1, 1)}, {"y": "", SMALL_GROUPS: f"{UNKNOWN}, x"}, id="unknown is a level, ties by name"),
        pytest.param({"x": (3, 3), "y": (40, 5)}, {SMALL_GROUPS: "x, y"}, id="nothing but everybody is left"),
    ],
)
def test_single_tables_fold_small_levels_by_name(sizes, expected):
    found = shown({(level,): pair for level, pair in sizes.items()})
    names = {group: set(filter(None, folded.split(", "))) for (_, group, folded) in found}
    assert names == {group: set(filter(None, folded.split(", "))) for group, folded in expected.items()}
    assert sum(hits for hits, _ in found.values()) == sum(pair[0] for pair in sizes.values())


def test_a_folded_group_with_nobody_selected_is_still_named():
    found = shown({("x",): (0, 4), ("y",): (0, 7), ("z",): (30, 30)})
    assert found[("a", SMALL_GROUPS, "x, y")] == (0, 11)


def test_an_absent_level_is_published_as_a_row_of_nobody():
    counts = counts_of({("x",): (20, 5), ("y",): (20, 5)})
    rows = compare(counts, [("a",)], SELECTED, bounds=Bounds(), declared={"a": ["x", "y", "z"]})
    table = published(rows, K).set_index("group")
    assert table["people"].to_dict() == {"x": 25.0, "y": 25.0, "z": 0.0}


def test_levels_merged_in_one_crossing_are_merged_in_all():
    rng = np.random.default_rng(1)
    for _ in range(4):
        rows = rows_of(counts_of(random_cells(rng, (4, 3, 2), most=25)))
        merges = level_merges(rows, K)
        table = published(rows, K)
        crossed = table[table["attribute"].str.contains(CROSS) & (table["group"] != UNKNOWN)]
        for attribute, group in zip(crossed["attribute"], crossed["group"], strict=True):
            for name, level in zip(attribute.split(CROSS), group.split(CROSS), strict=True):
                assert level in merges[name].values()


def test_a_crossing_that_cannot_be_shown_is_withheld_whole_and_said_to_be():
    rows = rows_of(counts_of({("a0", "b0"): (20, 20), ("a0", "b1"): (3, 0), ("a1", "b0"): (0, 4)}))
    assert withheld(rows, K) == ["a x b"]
    assert set(published(rows, K)["attribute"]) == {"a", "b"}


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(5)
    n = 500
    frame = pd.DataFrame({"sex": rng.choice(["F", "M", "X", None], n, p=[0.5, 0.44, 0.01, 0.05]), "age": rng.choice(list("abcde"), n)})
    frame.loc[rng.random(n) < 0.03, "age"] = "rare"
    frame["score"] = rng.normal(size=n).round(2)
    frame["repaid"], frame["tier"] = rng.binomial(1, 0.8, n), rng.choice(["gold", "iron"], n)
    frame["ok"] = rng.binomial(1, np.where(frame["sex"] == "F", 0.4, 0.7))
    return scoring.audit(frame, groups=["sex", "age"], decision="ok", favourable=1, score="score", outcome="repaid", segment="tier", depth=1)


@pytest.mark.parametrize("threshold", [5, 10, 60])
def test_no_row_of_any_published_table_speaks_of_few(study, threshold):
    tables = study.published(threshold)
    shown = tables.judged()
    assert shown["people"].between(1, threshold - 1).sum() == 0
    groups = set(zip(shown["attribute"], shown["group"], strict=True))
    for rows in (
        tables.rates(),
        tables.disparities(),
        tables.bounds(),
        tables.segments(),
        tables.at_cutoff(0).judged(),
        tables.threshold_sweep("sex", ["selection_rate"]),
    ):
        assert set(zip(rows["attribute"], rows["group"], strict=True)) <= groups
    for by in (["sex", "age"], ["age", "sex"]):  # deeper than the study went: no level was merged for it
        assert tables.rates(by=by, metrics=["selection_rate"])["trials"].between(1, threshold - 1).sum() == 0
    assert tables.calibration()["people"].min() >= threshold
    association = set(zip(tables.association()["attribute"], tables.association()["group"], strict=True))
    assert association <= groups | {("sex", ""), ("age", "")}
    assert set(tables.everybody()["group"]) == {ALL}


def test_a_published_verdict_is_the_working_verdict(study):
    keys = ["attribute", "group", "metric"]
    working = study.judged().set_index(keys)
    shown = study.published().judged().set_index(keys)
    as_it_is = shown[shown["folded"] == ""]
    columns = ["verdict", "ratio", "p_exclusion", "p_within_adjusted", "because"]
    age, sex = (as_it_is.loc[[name]] for name in ("age", "sex"))
    pd.testing.assert_frame_equal(age[columns], working.loc[age.index, columns])
    # the unknowns of sex are folded: figures are told so coarsely that they do not give the number of the known back
    assert sex["verdict"].equals(working.loc[sex.index, "verdict"])
    np.testing.assert_allclose(sex["ratio"], working.loc[sex.index, "ratio"], atol=0.005)
    np.testing.assert_allclose(sex["p_exclusion"], working.loc[sex.index, "p_exclusion"], rtol=0.5)
    assert set(shown.loc[shown["folded"] != "", "verdict"]) == {"not applicable"}
    assert shown.loc[shown["folded"] != "", ["ratio", "p_exclusion", "shortfall"]].isna().all(axis=None)


# --- two worlds that the rates do not tell apart ---------------------------------------------------------------------------------


LARGE = {"a": (30, 20), "b": (25, 30)}
"""Favoured and refused of the groups that are shown."""


def world(hidden, *, large=LARGE, unscored=(), lowest=()):
    """Return a published study; `hidden` are groups that are folded; people without a score, or with the lowest, by place."""
    sizes = {**large, **hidden}
    groups = [group for group, pair in sizes.items() for _ in range(sum(pair))]
    decided = [value for yes, no in sizes.values() for value in [1] * yes + [0] * no]
    score = pd.array(np.random.default_rng(1).permutation(len(groups)) + 10, dtype="Int64")
    score[list(unscored)] = pd.NA
    score[list(lowest)] = 1
    frame = pd.DataFrame({"g": groups, "ok": decided, "score": score, "repaid": np.arange(len(groups)) % 4 > 0}).astype({"repaid": int})
    return scoring.audit(frame, groups=["g"], decision="ok", favourable=1, score="score", outcome="repaid", favourable_outcome=1).published(K)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(2, 8), st.integers(2, 8), st.data())
def test_impact_ratios_are_the_same_whatever_the_parts_of_a_fold(x, y, data):
    """Who is in which of two folded groups, and which of them was favoured, changes no number: so none tells of it."""
    hits, worlds = data.draw(st.integers(0, x + y)), []
    for size in (x, y):
        yes = data.draw(st.integers(max(0, hits - (x + y - size)), min(size, hits)))
        worlds.append(world({"x": (yes, size - yes), "y": (hits - yes, x + y - size - (hits - yes))}))
    for table in ("selection_table", "scoring_table"):
        told = [getattr(one, table)("g").drop(columns="folded") for one in worlds]
        pd.testing.assert_frame_equal(*told)


def test_the_highest_rate_is_that_of_a_group_shown_and_nobody_is_lost():
    """By hand: x and y are folded (9 of 11); b, 25 of 55, is held against a, 30 of 50, though x, 5 of 5, got most."""
    table = world({"x": (5, 0), "y": (4, 2)}).selection_table("g").set_index("group")
    assert table["applicants"].to_dict() == {"a": 50, "b": 55, SMALL_GROUPS: 11}
    assert table["impact_ratio"].to_dict() == pytest.approx({"a": 1.0, "b": (25 / 55) / 0.6, SMALL_GROUPS: (9 / 11) / 0.6})
    assert table["most_selected"].to_dict() == {"a": True, "b": False, SMALL_GROUPS: False}
    assert table["share"].sum() == pytest.approx(1.0)
    assert table.loc[SMALL_GROUPS, "folded"] in {"x, y", "y, x"}
    assert table.loc[SMALL_GROUPS, "reason"] == "joined"


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 104), min_size=1, max_size=8))
def test_scoring_rates_do_not_tell_how_many_have_no_score(places):
    """People without a score, where few, are as those who score lowest: a reader cannot tell one world from the other."""
    without, lowest = world({}, unscored=places).scoring_table("g"), world({}, lowest=places).scoring_table("g")
    told = [name for name in without if name not in {"unscored", "median"}]
    pd.testing.assert_frame_equal(without[told], lowest[told])
    assert without["unscored"].isna().all()


@pytest.mark.parametrize(("first", "second"), [(1, 0), (9, 0), (10, 0), (5, 5), (10, 9), (10, 10), (1, 30)])
def test_score_metrics_never_tell_of_fewer_than_ten_without_a_score(first, second):
    places = [*range(first), *range(50, 50 + second)]
    rows = world({}, unscored=places).scores().drop_duplicates("group").set_index("group")
    few = any(0 < number < K for number in (first, second, first + second))
    assert rows[["people", "unscored"]].drop(index="").isna().all(axis=None) == few
    if not few:
        assert rows["unscored"].to_dict() == {"": first + second, "a": first, "b": second}


def test_shares_of_a_population_do_not_part_a_fold():
    """Of x and y, folded, only x is in the benchmark: who is in it, less a and b, would be x."""
    shares = {"g": Population(shares={"a": 0.5, "b": 0.4, "x": 0.1}, source="a census")}
    tables = world({"x": (2, 1), "y": (5, 6)})
    rows = tables.representation(shares)
    assert rows[["of", "share", "ratio", "unknown"]].isna().all(axis=None)
    assert tables.representation_fit(shares).empty
    assert set(rows["group"]) == {"a", "b", SMALL_GROUPS}
    whole = {"g": Population(shares={"a": 0.5, "b": 0.3, "x": 0.1, "y": 0.1}, source="a census")}
    assert tables.representation(whole).set_index("group").loc[["a", "b"], "of"].tolist() == [119, 119]


def test_unknowns_that_are_folded_are_not_told_by_the_shares():
    shares = {"g": Population(shares={"a": 0.5, "b": 0.5}, source="a census")}
    tables = world({None: (2, 1), "y": (5, 6)})
    rows = tables.representation(shares).set_index("group")
    assert rows[["unknown", "share_lowest", "share_highest", "ratio_lowest", "ratio_highest"]].isna().all(axis=None)
    assert rows.loc["a", "of"] == 105


@pytest.mark.parametrize("people", [4, 9])
def test_of_a_file_of_fewer_than_ten_nothing_is_told_but_who_is_in_it(people):
    tables = world({}, large={"a": (people - 2, 0), "b": (0, 2)})
    judged = tables.judged()
    assert (judged["group"] == SMALL_GROUPS).all()
    assert judged[["people", "hits", "trials", "value", "ratio"]].isna().all(axis=None)
    assert set(judged["folded"]) <= {"a, b", "b, a"}
    assert tables.rates()[["hits", "trials", "value", "low", "high"]].isna().all(axis=None)
    assert tables.selection_table("g")["applicants"].isna().all()
    assert tables.scoring_table("g")["applicants"].isna().all()


# --- levels that hold what stands between them -----------------------------------------------------------------------------------


def test_combinations_of_levels_that_hold_a_cross_are_told_apart():
    """By hand: "a x b" with "c" and "a" with "b x c" would both be "a x b x c", and one row of 40 and 60 people."""
    cells = {("a x b", "c"): (20, 20), ("a x b", "b x c"): (30, 5), ("a", "c"): (12, 12), ("a", "b x c"): (30, 30)}
    rows = rows_of(counts_of(cells))
    crossed = published(rows, K)
    crossed = crossed[crossed["depth"] > 1].set_index("group")
    assert crossed["people"].to_dict() == {"a × b x c": 40, "a × b x b × c": 35, "a x c": 24, "a x b × c": 60}
    assert all(len(group.split(CROSS)) == 2 for group in crossed.index)
    assert set(rows.loc[rows["depth"] == 1, "group"]) == {"a x b", "a", "c", "b x c"}


def test_design_effects_kept_under_labels_of_before_are_found():
    counts = counts_of({("a x b", "c"): (20, 20), ("a", "c"): (12, 12)})
    kept = pd.DataFrame({"attribute": "a x b", "group": ["a x b x c", "a x c"], "metric": "selection_rate"})
    found = replace(counts, effects=kept).design_effects(("a", "b"), SELECTED, 0.8, rest=True)
    assert found["group"].tolist() == ["a × b x c", "a x c"]
