"""Rows within strata: both figures beside each other, nobody compared with nobody, weights and households minded, and plain words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.metrics import METRICS
from scoring.fairness.strata import mantel_haenszel, pooled_test
from scoring.fairness.within.conditional import BY_STRATUM, CONDITIONAL, conditional_rows, conditional_sentences, stratum_rows
from scoring.fairness.within.decomposition import conditional_demographic_disparity, kitagawa
from scoring.texts import say

SELECTION, EXCLUSION = METRICS["selection_rate"], METRICS["exclusion_rate"]
NUMBERS = ["ratio", "ratio_low", "ratio_high", "pooled_ratio", "pooled_low", "pooled_high", "p_exclusion", "p_within", "p_cmh", "p_homogeneity"]
NUMBERS += ["difference", "composition", "within", "not_comparable_part", "cdd"]
BERKELEY = {
    "A": ((512, 825), (89, 108)), "B": ((353, 560), (17, 25)), "C": ((120, 325), (202, 593)),
    "D": ((138, 417), (131, 375)), "E": ((53, 191), (94, 393)), "F": ((22, 373), (24, 341)),
}  # fmt: skip


def people(cells, names=("level", "group")):
    """Turn {(stratum, group): (accepted, people)} into a row a person."""
    parts = [pd.DataFrame({**dict(zip(names, key, strict=True)), "ok": np.arange(n) < x}) for key, (x, n) in cells.items()]
    return pd.concat(parts, ignore_index=True).astype({"ok": int})


def study_of(frame, strata=("level",), groups=("group",), **asked):
    return scoring.audit(frame, groups=list(groups), decision="ok", favourable=1, strata=list(strata), **asked)


def rows_of(frame, metrics=(SELECTION,), *, reference="rest", names=None, declared=None, bounds=None, **asked):
    counts = study_of(frame, **asked).counts
    return conditional_rows(counts, list(metrics), names, reference=reference, bounds=bounds or Bounds(), declared=declared)


def one(rows, group, **more):
    found = rows[(rows["group"] == group) & np.logical_and.reduce([rows[name] == value for name, value in more.items()] or [True])]
    assert len(found) == 1
    return found.iloc[0]


def berkeley():
    return people({(department, sex): side for department, sides in BERKELEY.items() for sex, side in zip(("men", "women"), sides, strict=True)})


def made(n=900, seed=3):
    """People of three groups, some unknown, in three levels, some unknown, with outcomes, weights and households."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"group": rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]), "level": rng.choice(["low", "mid", "top"], n)}).astype(object)
    frame["area"] = rng.choice(["town", "land"], n)
    rate = np.select([frame["level"] == "low", frame["level"] == "mid"], [0.3, 0.5], 0.8) * np.where(frame["group"] == "c", 0.7, 1)
    frame["ok"] = (rng.random(n) < rate).astype(int)
    frame["repaid"] = (rng.random(n) < 0.7).astype(int)
    frame["w"] = rng.choice([0.5, 1.0, 2.5], n)
    frame.loc[rng.random(n) < 0.05, "group"] = None
    frame.loc[rng.random(n) < 0.05, "level"] = None
    return frame


def sides(frame, group, by=("level",)):
    """Count hits and trials of a group and of everybody else known, stratum by stratum, the long way."""
    levels = frame[list(by)].astype(object).where(frame[list(by)].notna(), "(unknown)").apply(" x ".join, axis=1)
    found = []
    for level in sorted(levels.unique()):
        here = frame[levels == level]
        own, ref = here[here["group"] == group], here[here["group"].notna() & (here["group"] != group)]
        found.append((own["ok"].sum(), len(own), ref["ok"].sum(), len(ref)))
    return tuple(np.array(side, float) for side in zip(*found, strict=True))


# the rows


def test_the_columns_are_those_that_are_promised_and_the_order_that_of_compare():
    study = study_of(made(), strata=["level", "area"])
    rows = conditional_rows(study.counts, [SELECTION, EXCLUSION], bounds=Bounds())
    assert list(rows) == CONDITIONAL
    assert rows["stratified_by"].unique().tolist() == ["level", "area", "level x area"]
    assert rows["group"].unique().tolist() == ["a", "b", "c", "(unknown)"]
    assert len(rows) == 3 * 4 * 2
    assert list(stratum_rows(study.counts, [SELECTION], bounds=Bounds())) == BY_STRATUM


@pytest.mark.parametrize("by", [("level",), ("level", "area")])
@pytest.mark.parametrize("group", ["a", "c"])
def test_each_figure_is_that_of_the_long_way(group, by):
    frame = made()
    row = one(rows_of(frame, strata=["level", "area"]), group, stratified_by=" x ".join(by))
    counts = sides(frame, group, by)
    pooled, test, parts = mantel_haenszel(*counts), pooled_test(*counts), kitagawa(*counts)
    expected = {
        "pooled_ratio": pooled.ratio, "pooled_low": pooled.low, "pooled_high": pooled.high, "p_exclusion": test.p_exclusion,
        "p_within": test.p_within, "p_cmh": pooled.p, "p_homogeneity": pooled.p_homogeneity, "composition": parts.composition,
        "within": parts.within, "not_comparable_part": parts.not_comparable, "within_low": parts.within_low,
        "cdd": conditional_demographic_disparity(*counts).value, "strata": pooled.strata, "left_out": pooled.left_out,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-9)


def test_the_crude_side_is_that_of_the_table_of_disparities():
    study = study_of(made())
    crude = study.disparities().query("metric == 'selection_rate'").reset_index(drop=True)
    rows = conditional_rows(study.counts, [SELECTION], bounds=Bounds())
    names = ["group", "reference", "ratio", "ratio_low", "ratio_high", "difference"]
    pd.testing.assert_frame_equal(rows[names], crude[names])


def test_p12_berkeley_turns_round_and_says_both_figures():
    row = one(rows_of(berkeley()), "women")
    assert (round(row["ratio"], 3), round(row["pooled_ratio"], 3)) == (0.682, 1.058)
    assert (row["simpson"], row["simpson_shown"]) == (True, False)
    assert row["cdd"] < 0 < one(rows_of(berkeley()), "men")["cdd"]
    assert row["composition"] + row["within"] == pytest.approx(row["difference"], abs=1e-12)


def test_p13_a_gap_that_is_all_of_mix_is_nothing_within():
    cells = {("low", "a"): (20, 100), ("low", "b"): (4, 20), ("top", "a"): (16, 20), ("top", "b"): (80, 100)}
    row = one(rows_of(people(cells)), "a")
    assert row["ratio"] < 0.5
    assert (row["pooled_ratio"], row["within"], row["cdd"]) == pytest.approx((1, 0, 0), abs=1e-12)
    assert row["composition"] == pytest.approx(row["difference"])
    assert not row["simpson"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_parts_add_up_to_the_difference(seed):
    rows = rows_of(made(150, seed), [SELECTION, EXCLUSION], strata=["level", "area"])
    told = rows[rows["difference"].notna()]
    parts = told[["composition", "within", "not_comparable_part"]].fillna(0).sum(axis=1)
    np.testing.assert_allclose(parts, told["difference"], atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_harm_is_the_good_it_takes_with_the_sides_exchanged(seed):
    """The group's exclusion over the reference's is turned; differences and disparities are the same two ways."""
    rows = rows_of(made(200, seed), [SELECTION, EXCLUSION])
    good, harm = (rows[rows["metric"] == name].reset_index(drop=True) for name in ("selection_rate", "exclusion_rate"))
    for name in ("difference", "composition", "within", "not_comparable_part", "cdd", "p_cmh"):
        np.testing.assert_allclose(harm[name], good[name], atol=1e-10, err_msg=name)
    x, n, y, m = sides(made(200, seed), "c")
    assert one(rows, "c", metric="exclusion_rate")["pooled_ratio"] == pytest.approx(mantel_haenszel(m - y, m, n - x, n).ratio)


def test_the_order_of_rows_is_nothing():
    frame = made()
    pd.testing.assert_frame_equal(rows_of(frame), rows_of(frame.sample(frac=1, random_state=1)))


def test_relabelling_strata_changes_no_figure():
    frame = made()
    other = frame.assign(level=frame["level"].map({"low": "z", "mid": "y", "top": "x"}))
    pd.testing.assert_frame_equal(rows_of(frame), rows_of(other))


def test_unknown_members_are_in_no_reference_and_an_unknown_level_is_a_stratum():
    frame = made()
    by_stratum = stratum_rows(study_of(frame).counts, [SELECTION], bounds=Bounds())
    assert by_stratum["stratum"].unique().tolist() == ["low", "mid", "top", "(unknown)"]
    a = by_stratum[by_stratum["group"] == "a"]
    x, n, y, m = sides(frame, "a")
    order = ["low", "mid", "top", "(unknown)"]
    place = [sorted(order).index(level) for level in order]
    np.testing.assert_array_equal(a[["hits", "trials", "ref_hits", "ref_trials"]].to_numpy(), np.stack([x, n, y, m], axis=1)[place])
    unknown = by_stratum[by_stratum["group"] == "(unknown)"]
    assert unknown["ref_trials"].sum() == frame["group"].notna().sum()


def test_rows_by_stratum_add_up_to_the_row_and_each_ratio_is_its_own():
    study = study_of(made())
    row, by_stratum = one(conditional_rows(study.counts, [SELECTION], bounds=Bounds()), "c"), stratum_rows(study.counts, [SELECTION], bounds=Bounds())
    own = by_stratum[by_stratum["group"] == "c"]
    assert own["composition"].sum() == pytest.approx(row["composition"])
    assert own["within"].sum() == pytest.approx(row["within"])
    assert own["ratio"].tolist() == pytest.approx((own["value"] / own["reference_value"]).tolist())
    assert ((own["ratio_low"] < own["ratio"]) & (own["ratio"] < own["ratio_high"])).all()
    assert own["comparable"].all()


# references


@pytest.mark.parametrize("reference", ["b", "largest", {"group": "b"}])
def test_a_named_group_is_the_reference_in_every_stratum(reference):
    frame = made().replace({"group": {"a": "b", "b": "a"}})  # b is the largest
    rows = rows_of(frame, reference=reference)
    itself = one(rows, "b")
    assert itself["reason"] == "is_reference"
    assert itself[NUMBERS].isna().all()
    x, n, *_ = sides(frame, "c")
    y, m, *_ = sides(frame, "b")
    assert one(rows, "c")["pooled_ratio"] == pytest.approx(mantel_haenszel(x, n, y, m).ratio)
    assert one(rows, "c")["reference"] == "b"


def test_a_reference_that_the_data_chose_has_no_test_within_strata():
    row = one(rows_of(made(), reference="best"), "c")
    assert row["reason"] == "reference_chosen"
    assert np.isnan([row["p_exclusion"], row["p_within"]]).all()
    assert row["pooled_low"] < row["pooled_ratio"] < row["pooled_high"]


# what cannot be compared


def test_p23_a_stratum_of_one_group_is_not_comparable_and_no_parity():
    cells = {("low", "a"): (30, 100), ("low", "b"): (60, 100), ("top", "a"): (45, 50)}
    study = study_of(people(cells))
    row = one(conditional_rows(study.counts, [SELECTION], bounds=Bounds()), "a")
    assert row["pooled_ratio"] == pytest.approx(0.5)
    assert (row["strata"], row["not_comparable"]) == (1, 1)
    assert (row["within"], row["not_comparable_part"]) == pytest.approx((-0.3, 0.2))
    by_stratum = stratum_rows(study.counts, [SELECTION], bounds=Bounds()).set_index(["group", "stratum"])
    assert by_stratum.loc[("a", "top"), ["comparable", "reason"]].tolist() == [False, "no_reference_here"]
    assert by_stratum.loc[("b", "top"), ["comparable", "reason"]].tolist() == [False, "no_group"]
    assert np.isnan(by_stratum.loc[("a", "top"), ["ratio", "ratio_low", "ratio_high", "composition"]].astype(float)).all()


def test_p23_where_groups_share_no_stratum_there_is_no_figure_within_and_the_crude_one_stays():
    row = one(rows_of(people({("low", "a"): (20, 100), ("top", "b"): (80, 100)})), "a")
    assert row["reason"] == "nothing_comparable"
    assert row["ratio"] == pytest.approx(0.25)
    within = [name for name in NUMBERS if name.startswith(("pooled", "p_")) or name in {"composition", "within", "cdd"}]
    assert row[within].isna().all()
    assert row["not_comparable_part"] == pytest.approx(row["difference"])
    assert not row["simpson"]


def test_one_stratum_only_is_said():
    row = one(rows_of(people({("low", "a"): (20, 100), ("low", "b"): (80, 100)})), "a")
    assert row["reason"] == "one_stratum"
    assert row["pooled_ratio"] == pytest.approx(row["ratio"])


def test_nobody_selected_in_the_group_has_a_ratio_of_0_with_an_upper_limit():
    cells = {("low", "a"): (0, 30), ("low", "b"): (30, 90), ("top", "a"): (0, 20), ("top", "b"): (60, 90)}
    row = one(rows_of(people(cells)), "a")
    assert (row["pooled_ratio"], row["pooled_low"]) == (0, 0)
    assert 0 < row["pooled_high"] < 0.5
    assert row["p_exclusion"] < 0.001


def test_who_is_not_there_has_a_row_that_says_so():
    rows = rows_of(made(), declared={"group": ["a", "b", "c", "d"]})
    assert one(rows, "d")["reason"] == "absent"
    assert one(rows, "d")[NUMBERS].isna().all()
    alone = people({("low", "a"): (20, 100), ("top", "a"): (3, 5)})
    assert one(rows_of(alone), "a")["reason"] == "no_reference"
    nobody = people({("low", "a"): (0, 10), ("low", "b"): (0, 10), ("low", None): (1, 1)})
    assert one(rows_of(nobody), "a")["reason"] == "nobody_counted"


def test_a_rate_of_nobody_has_no_row_of_figures():
    frame = made().assign(repaid=lambda f: f["repaid"].where(f["group"] != "c"))
    row = one(rows_of(frame, [METRICS["positive_predictive_value"]], outcome="repaid", favourable_outcome=1), "c")
    assert row["reason"] == "nobody"


def test_where_no_refused_outcome_is_known_nothing_is_said_and_a_blind_stratum_is_not_compared():
    frame = made()
    refused = frame["ok"] == 0
    rate = [METRICS["true_positive_rate"]]
    asked = {"outcome": "repaid", "favourable_outcome": 1}
    row = one(rows_of(frame.assign(repaid=frame["repaid"].mask(refused)), rate, **asked), "c")
    assert row["reason"] == "blind"
    assert row[NUMBERS].isna().all()
    part = frame.assign(repaid=frame["repaid"].mask(refused & (frame["level"] == "top")))
    row = one(rows_of(part, rate, **asked), "c")
    assert (row["strata"], row["not_comparable"]) == (3, 1)
    assert row[["composition", "within", "not_comparable_part"]].sum() == pytest.approx(row["difference"], abs=1e-12)
    by_stratum = stratum_rows(study_of(part, **asked).counts, rate, bounds=Bounds()).set_index(["group", "stratum"])
    assert by_stratum.loc[("c", "top"), ["comparable", "reason"]].tolist() == [False, "blind"]


# weights and households


def log_ratio(frame, weight):
    """Pool the ratio of group c the long way."""
    own, ok = (frame["group"] == "c").to_numpy(), frame["ok"].to_numpy()
    over = under = 0.0
    for level in ("low", "mid", "top"):
        here = weight * (frame["level"] == level).to_numpy()
        x, n, y, m = ((here * side).sum(-1) for side in (own * ok, own, ~own * ok, ~own))
        over, under = over + x * m / (n + m), under + y * n / (n + m)
    return np.log(over / under)


def jackknife(frame, weight, unit):
    """Return the standard error of `log_ratio` from leaving out one unit after the other."""
    units = np.unique(unit)
    left_out = log_ratio(frame, np.where(unit == units[:, None], 0.0, weight))
    return np.sqrt((len(units) - 1) * left_out.var())


def test_a_weight_of_three_that_counts_people_is_three_rows():
    frame = made(300)
    weighted = rows_of(frame.assign(k=3), weights="k", weight_meaning="count")
    pd.testing.assert_frame_equal(weighted, rows_of(pd.concat([frame] * 3)))


def test_a_weight_that_is_the_same_for_all_changes_nothing():
    frame = made(300)
    weighted, plain = rows_of(frame.assign(k=3), weights="k", weight_meaning="weight"), rows_of(frame)
    for name in ("pooled_ratio", "pooled_low", "pooled_high", "p_exclusion", "p_cmh", "p_homogeneity", "composition", "within", "cdd"):
        np.testing.assert_allclose(weighted[name], plain[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_weighted_estimates_are_those_of_weighted_counts_and_their_error_that_of_the_jackknife():
    frame = made(900).assign(group=lambda f: f["group"].fillna("a"), level=lambda f: f["level"].fillna("low"))
    row = one(rows_of(frame, weights="w", weight_meaning="weight"), "c")

    weight = frame["w"].to_numpy()
    assert np.log(row["pooled_ratio"]) == pytest.approx(log_ratio(frame, weight))
    assert np.log(row["pooled_high"] / row["pooled_low"]) / (2 * 1.959964) == pytest.approx(jackknife(frame, weight, np.arange(900)), rel=0.03)
    plain = one(rows_of(frame), "c")
    assert row["pooled_high"] / row["pooled_low"] > 1.1 * plain["pooled_high"] / plain["pooled_low"]


def test_everybody_twice_in_one_household_is_everybody_once():
    frame = made(600).assign(home=np.arange(600))
    twice = rows_of(pd.concat([frame, frame]), cluster="home")
    once = rows_of(frame)
    for name in ("pooled_ratio", "pooled_low", "pooled_high", "within_low"):  # but for H/(H-1), and for N-1
        np.testing.assert_allclose(twice[name], once[name], rtol=2e-3, atol=2e-4, err_msg=name)
    assert (twice["p_cmh"] > rows_of(pd.concat([frame, frame]))["p_cmh"]).all()


def test_households_that_cross_groups_and_strata_have_the_error_of_the_jackknife():
    """The design effect is that of the contrast at the tolerance, as for the crude ratio: near the jackknife of the ratio, not equal."""
    rng = np.random.default_rng(9)
    home = np.repeat(np.arange(400), 3)
    group = np.where(rng.random(1_200) < 0.3, rng.choice(["a", "c"], 1_200), np.repeat(rng.choice(["a", "c"], 400), 3))
    frame = pd.DataFrame({"group": group, "level": rng.choice(["low", "mid", "top"], 1_200), "home": home})
    frame["ok"] = (rng.random(1_200) < np.repeat(rng.choice([0.15, 0.85], 400), 3)).astype(int)
    row = one(rows_of(frame, cluster="home"), "c")
    error = np.log(row["pooled_high"] / row["pooled_low"]) / (2 * 1.959964)
    assert error == pytest.approx(jackknife(frame, np.ones(1_200), home), rel=0.06)
    assert error > 1.15 * jackknife(frame, np.ones(1_200), np.arange(1_200))


def test_a_stored_study_with_households_keeps_its_estimates_and_says_what_it_lost(tmp_path):
    frame = made(600).assign(home=np.repeat(np.arange(200), 3))
    study = study_of(frame, cluster="home")
    stored = scoring.Study.load(study.save(tmp_path / "kept")).counts
    fresh, row = (one(conditional_rows(counts, [SELECTION], bounds=Bounds()), "c") for counts in (study.counts, stored))
    assert row["reason"] == "clusters_not_kept"
    assert np.isnan(row[["pooled_low", "pooled_high", "p_exclusion", "p_cmh"]].astype(float)).all()
    names = ["ratio", "ratio_low", "pooled_ratio", "composition", "within"]
    assert row[names].tolist() == pytest.approx(fresh[names].tolist())
    assert stratum_rows(stored, [SELECTION], bounds=Bounds())["ratio_low"].isna().all()


# what is asked for and is not there


def test_a_study_without_strata_says_how_to_have_some():
    counts = study_of(made(), strata=()).counts
    for function in (conditional_rows, stratum_rows):
        with pytest.raises(EquiscoreError, match=r"no strata .* Fix: declare a column with the role stratum, or pass strata= to audit"):
            function(counts, [SELECTION], bounds=Bounds())


def test_a_stratum_that_is_not_there_names_the_nearest():
    with pytest.raises(EquiscoreError, match=r"No stratum 'levl' in this study. Fix: did you mean 'level'\? Use one of level, or"):
        rows_of(made(), names=["levl"])


# in words

ROW = {
    "attribute": "sex", "group": "F", "metric": "selection_rate", "stratified_by": "branch", "reference": "rest", "ratio": 0.68183,
    "ratio_low": 0.628173, "ratio_high": 0.738882, "pooled_ratio": 0.9, "pooled_low": 0.85, "pooled_high": 0.95, "p_exclusion": 0.99,
    "p_within": 0.01, "p_cmh": 0.03, "p_homogeneity": 0.4, "difference": -0.1416, "composition": -0.1, "within": -0.0416,
    "not_comparable_part": 0.0, "cdd": 0.02, "strata": 1_234, "not_comparable": 0, "left_out": 0, "simpson": False, "simpson_shown": False,
    "reason": "",
}  # fmt: skip
TITLES = {"sex": {"en": "sex", "fr": "sexe"}, "branch": {"en": "branch", "fr": "agence"}}
NAN = float("nan")
BOTH = (
    "sex: F, selection rate, compared with everybody else whose group is known: the ratio is 0.68 (95% interval 0.63 to 0.74) over all strata"
    ' together, and 0.90 (95% interval 0.85 to 0.95) within the same strata of "branch" (strata compared: 1,234).'
)
BOTH_FR = (
    "sexe : F, taux de sélection, en comparaison avec toutes les autres personnes dont le groupe est connu : le rapport est de 0,68 "
    "(intervalle à 95~% : 0,63 à 0,74) toutes strates confondues, et de 0,90 (intervalle à 95~% : 0,85 à 0,95) au sein des mêmes strates de "
    "« agence » (strates comparées : 1~234)."
)
PARTS = (
    " Of the difference of \u221214.2 points, \u221210.0 come from being in different strata and \u22124.2 from different rates in the same strata."
)
PARTS_FR = (
    " De l'écart de \u221214,2 points, \u221210,0 viennent de l'appartenance à des strates différentes"
    " et \u22124,2 de taux différents au sein des mêmes strates."
)
CAUTION = ' "branch" may itself give the group away: comparing within its strata can then hide an exclusion. So neither figure replaces the other.'
CAUTION_FR = (
    " La variable « agence » peut elle-même trahir l'appartenance au groupe : comparer à l'intérieur de ses strates peut alors masquer une "
    "exclusion. Aucun des deux chiffres ne remplace donc l'autre."
)
CASES = {
    "both figures": ({}, BOTH + PARTS + CAUTION, BOTH_FR + PARTS_FR + CAUTION_FR),
    "a reversal": (
        {"pooled_ratio": 1.06, "pooled_low": 0.97, "pooled_high": 1.15, "simpson": True, "within": 0.036, "composition": -0.1776},
        BOTH.replace("0.90 (95% interval 0.85 to 0.95)", "1.06 (95% interval 0.97 to 1.15)")
        + " The estimates turn round within strata (Simpson's paradox): over all strata together the group gets less, within the same strata it "
        "gets more. Chance could explain at least one of the two figures."
        + PARTS.replace("\u221210.0", "\u221217.8").replace("\u22124.2", "+3.6") + CAUTION,
        BOTH_FR.replace("0,90 (intervalle à 95~% : 0,85 à 0,95)", "1,06 (intervalle à 95~% : 0,97 à 1,15)")
        + " Les estimations se renversent au sein des strates (paradoxe de Simpson) : toutes strates confondues, le groupe obtient moins ; au "
        "sein des mêmes strates, il obtient plus. Le hasard peut expliquer l'un au moins des deux chiffres."
        + PARTS_FR.replace("\u221210,0", "\u221217,8").replace("\u22124,2", "+3,6") + CAUTION_FR,
    ),
    "a reversal beyond chance, the other way": (
        {"ratio": 1.3, "ratio_low": 1.2, "ratio_high": 1.4, "simpson": True, "simpson_shown": True},
        BOTH.replace("0.68 (95% interval 0.63 to 0.74)", "1.30 (95% interval 1.20 to 1.40)")
        + " The estimates turn round within strata (Simpson's paradox): over all strata together the group gets more, within the same strata it "
        "gets less. Chance explains neither of the two figures." + PARTS + CAUTION,
        BOTH_FR.replace("0,68 (intervalle à 95~% : 0,63 à 0,74)", "1,30 (intervalle à 95~% : 1,20 à 1,40)")
        + " Les estimations se renversent au sein des strates (paradoxe de Simpson) : toutes strates confondues, le groupe obtient plus ; au "
        "sein des mêmes strates, il obtient moins. Le hasard n'explique aucun des deux chiffres." + PARTS_FR + CAUTION_FR,
    ),
    "below the tolerance within, and not everywhere alike": (
        {"p_exclusion": 0.001, "p_homogeneity": 0.0003},
        BOTH + PARTS
        + " Within the same strata too, the ratio is shown to be below the tolerance of 0.80 (before adjustment for several comparisons). The "
        "ratio is not the same in all strata (p = 0.0003): read them one by one." + CAUTION,
        BOTH_FR + PARTS_FR
        + " Au sein des mêmes strates aussi, il est établi que le rapport est sous la tolérance de 0,80 (avant correction pour comparaisons "
        "multiples). Le rapport n'est pas le même dans toutes les strates (p = 0,0003) : il faut les lire une par une." + CAUTION_FR,
    ),
    "strata of one side": (
        {"not_comparable": 2, "not_comparable_part": -0.02, "within": -0.0216},
        BOTH + " Of the difference of \u221214.2 points,"
        " \u221210.0 come from being in different strata, \u22122.2 from different rates in the same strata and "
        "\u22122.0 from strata that cannot be compared (such strata: 2)." + CAUTION,
        BOTH_FR + " De l'écart de \u221214,2 points,"
        " \u221210,0 viennent de l'appartenance à des strates différentes, \u22122,2 de taux différents au sein des "
        "mêmes strates et \u22122,0 de strates qui ne peuvent pas être comparées (nombre de ces strates : 2)." + CAUTION_FR,
    ),
    "nothing comparable": (
        {"reason": "nothing_comparable", "pooled_ratio": NAN, "pooled_low": NAN, "pooled_high": NAN, "composition": NAN, "within": NAN,
         "not_comparable_part": -0.1416, "not_comparable": 3, "strata": 0, "p_exclusion": NAN, "p_homogeneity": NAN},
        "sex: F, selection rate, compared with everybody else whose group is known: the ratio is 0.68 (95% interval 0.63 to 0.74) over all "
        'strata together; within the same strata of "branch" there is no ratio. No stratum holds people of both sides. That is no sign of equal '
        "treatment." + CAUTION,
        "sexe : F, taux de sélection, en comparaison avec toutes les autres personnes dont le groupe est connu : le rapport est de 0,68 "
        "(intervalle à 95~% : 0,63 à 0,74) toutes strates confondues ; au sein des mêmes strates de « agence », il n'y a pas de rapport. Aucune "
        "strate ne contient de personnes des deux côtés. Ce n'est pas un signe d'égalité de traitement." + CAUTION_FR,
    ),
    "one stratum, a harm, a named reference": (
        {"reason": "one_stratum", "metric": "exclusion_rate", "reference": "M", "strata": 1},
        BOTH.replace("selection rate", "exclusion rate").replace("everybody else whose group is known", "the group M").replace("1,234", "1")
        + " The ratio is turned so that below 1 is worse for the group. There is one stratum only: comparing within it is comparing everybody."
        + PARTS + CAUTION,
        BOTH_FR.replace("taux de sélection", "taux d'exclusion").replace(
            "toutes les autres personnes dont le groupe est connu", "le groupe M"
        ).replace("1~234", "1")
        + " Le rapport est inversé, de sorte qu'une valeur inférieure à 1 est défavorable au groupe. Il n'y a qu'une seule strate : comparer en "
        "son sein revient à comparer tout le monde." + PARTS_FR + CAUTION_FR,
    ),
    "nobody in the file": (
        {"reason": "absent"},
        ('sex: F, selection rate, within the strata of "branch": there is no figure, neither over all strata together nor within them. Declared '
         "as part of the population, but nobody in the file is in it."),
        ("sexe : F, taux de sélection, au sein des strates de « agence » : aucun chiffre ne peut être donné, ni toutes strates confondues, ni à "
         "l'intérieur des strates. Déclaré comme partie de la population, mais personne du fichier n'en fait partie."),
    ),
}  # fmt: skip
"""Changes to ROW, and what is said; ~ is the narrow blank that no line may break at, and so is the one before double signs."""


def typeset(text):
    for plain, spaced in (("~", "\u202f"), (" :", "\u202f:"), (" ;", "\u202f;"), ("« ", "«\u202f"), (" »", "\u202f»")):
        text = text.replace(plain, spaced)
    return text


@pytest.mark.parametrize(("changes", "english", "french"), CASES.values(), ids=CASES)
def test_a_row_is_said_word_by_word(changes, english, french):
    rows = pd.DataFrame([ROW | changes])
    assert conditional_sentences(rows, Bounds(), "en", TITLES) == [english]
    assert conditional_sentences(rows, Bounds(), "fr", TITLES)[0] == typeset(french)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_row_that_has_a_figure_says_both_and_the_caution(language):
    bounds = Bounds()
    rows = rows_of(made(), [SELECTION, EXCLUSION], strata=["level", "area"], declared={"group": ["a", "b", "c", "d"]})
    said = conditional_sentences(rows, bounds, language)
    assert len(said) == len(rows)
    caution = {"en": "neither figure replaces the other", "fr": "Aucun des deux chiffres ne remplace"}[language]
    for text, ratio, pooled in zip(said, rows["ratio"], rows["pooled_ratio"], strict=True):
        if not np.isnan(ratio):
            assert caution in text
            assert all(f"{value:.2f}".replace(".", {"en": ".", "fr": ","}[language]) in text for value in (ratio, pooled))


REASONS = ["is_reference", "blind", "nobody", "no_reference", "nobody_counted", "nobody_counted_within", "clusters_not_kept", "reference_chosen"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_reason_has_a_text(language):
    for reason in REASONS:
        assert say(f"strata.why_{reason}", language) in conditional_sentences(pd.DataFrame([ROW | {"reason": reason}]), Bounds(), language)[0]
    assert all(say(f"strata.why_{reason}", language) for reason in ("nobody_here", "no_group", "no_reference_here"))
