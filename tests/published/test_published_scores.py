"""Figures on scores that others printed, in the digits they printed them; each was found in a source named beside it."""

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.bounds import Bounds
from scoring.fairness.by_score.calibration_metrics import hosmer_lemeshow
from scoring.fairness.by_score.curve_differences import auc_difference, auc_difference_paired
from scoring.fairness.by_score.distances import gap
from scoring.fairness.by_score.ll144 import above_median, impact_ratios, scoring_table, selection_table
from scoring.fairness.curves import auc, curves_of

# Turck et al. 2010, Intensive Care Medicine 36:107: 113 patients with aneurysmal subarachnoid haemorrhage, three markers by rank (equal
# ranks are ties; a curve asks for no more), poor outcome, women. The figures below are those of the tests and manual of pROC (R),
# which carries these patients: test-auc, test-ci.auc, test-var and test-roc.test.
RANKS = {
    "wfns": """
        1 1 1 1 3 2 5 4 1 2 5 2 5 5 1 2 5 2 2 5 2 1 1 1 1 2 1 2 1 1 3 4 2 1 4 5 4 1 4 2 5 5 1 1 2 4 1 1 2 5 5 2 1 2 5 1 2 2 2 1 5 1 1 2 5
        2 1 4 5 2 4 4 1 4 1 2 1 4 2 1 2 3 2 4 2 1 4 5 1 1 5 4 2 2 1 1 1 3 1 2 5 2 2 5 5 5 2 4 4 5 1 1 1""",
    "s100b": """
        11 12 8 2 11 8 36 14 16 8 10 8 33 44 2 6 38 2 5 27 7 7 5 9 5 15 5 9 11 17 3 14 31 12 28 29 37 7 49 21 39 35 14 5 32 34 9 6 7 48 40
        6 4 11 50 8 12 13 5 4 46 3 7 25 1 7 2 19 43 7 23 44 6 22 6 14 7 11 8 6 9 27 9 24 5 8 26 18 5 3 20 30 8 13 6 12 8 5 2 17 41 12 42
        26 47 45 13 36 15 33 13 39 37""",
    "ndka": """
        1 27 23 42 82 61 8 66 76 9 78 83 5 28 67 86 49 79 97 105 98 104 100 31 10 56 13 11 108 62 35 36 38 84 4 72 90 22 17 25 14 33 65 21
        74 101 18 16 58 69 2 30 19 64 109 95 91 39 87 53 41 106 12 48 55 70 80 93 63 34 89 24 107 76 43 45 75 6 33 3 88 81 60 30 47 85 46
        7 54 20 37 44 96 26 57 63 102 51 59 29 32 99 52 73 103 50 94 40 71 77 92 15 68""",
}
MARKER = {name: np.array(ranks.split(), float) for name, ranks in RANKS.items()}
POOR = np.array(list("00001101001011001011101000000000100110110000000001100010001010011101101111000110100000010000000000001111110001000"), int)
WOMEN = np.array(list("11111000110100110110111011011011111011011110100001101111010110111000011101010001111101001011111101010111011100110"), int)


def by_rank(name):
    place = MARKER[name].astype(int)
    return np.bincount(place, POOR), np.bincount(place, 1 - POOR)


@pytest.mark.parametrize(
    ("name", "value", "variance"),
    [
        ("wfns", 0.823678861788618, 0.00146991470882363),
        ("ndka", 0.611957994579946, 0.0031908105493913),
        ("s100b", 0.731368563685637, 0.00266868245717244),
    ],
)
def test_auc_and_delongs_variance_are_procs(name, value, variance):
    assert auc(MARKER[name], POOR).value == pytest.approx(value, abs=1e-14)
    curve, _ = curves_of(*by_rank(name), None, exact_ties=True)
    assert curve.value[0] == pytest.approx(value, abs=1e-14)
    assert curve.variance[0] == pytest.approx(variance, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "who", "printed"),
    [
        pytest.param("ndka", slice(None), (0.501244999271703, 0.722670989888189), id="ndka"),
        pytest.param("ndka", WOMEN == 1, (0.5261398281, 0.8081458862), id="ndka of women"),
        pytest.param("s100b", slice(None), (0.6301, 0.8326), id="s100b, as the manual prints it"),
    ],
)
def test_delongs_plain_limits_are_procs(name, who, printed):
    """The variance is what pROC's interval shares with ours; ours stands on the logit."""
    scores, poor = MARKER[name][who], POOR[who]
    alone = auc_difference_paired(scores, np.zeros_like(scores), poor)  # a score that tells nothing has an AUC of .5 and no variance
    value, error = (
        auc(scores, poor).value,
        np.sqrt(curves_of(*(np.bincount(scores.astype(int), side) for side in (poor, 1 - poor)), None, exact_ties=True)[0].variance[0]),
    )
    assert alone.value == pytest.approx(value - 0.5)
    digits = 4 if len(str(printed[0])) == 6 else 10
    assert np.round([value - 1.959963984540054 * error, value + 1.959963984540054 * error], digits).tolist() == np.round(printed, digits).tolist()


@pytest.mark.parametrize(
    ("first", "second", "z", "p", "limits"),
    [
        ("wfns", "s100b", 2.20898359144091, 0.0271757822291882, (0.0104061769564846, 0.174214419249478)),
        ("wfns", "ndka", 2.79777591868904, 0.00514557970691098, (0.0634011709339876, 0.3600405634833566)),
        ("ndka", "s100b", -1.39077002573558, 0.164295175223054, (-0.2876917446341914, 0.0488706064228094)),
    ],
)
def test_the_paired_difference_is_procs(first, second, z, p, limits):
    found = auc_difference_paired(MARKER[first], MARKER[second], POOR)
    assert [found.z, found.p] == pytest.approx([z, p], abs=1e-12)
    assert [found.low, found.high] == pytest.approx(limits, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "statistic"), [("wfns", "s100b", 1.43490640926908), ("wfns", "ndka", 3.10125096778969), ("ndka", "s100b", -1.55995743389685)]
)
def test_the_unpaired_difference_is_procs(first, second, statistic):
    """pROC refers the same statistic to Student's distribution; its p is a little larger."""
    found = auc_difference(by_rank(first), by_rank(second), exact_ties=True)
    assert float(found.z) == pytest.approx(statistic, abs=1e-12)


# the tests (_snaps/hosmer-lemeshow.md) and the README of blorr (R) on the 200 pupils of hsb2: expected counts in two digits
HOSMER_LEMESHOW = {
    "honcomp ~ race + read + science": (
        [20, 21, 19, 22, 18, 20, 20, 21, 19, 20],
        [0, 1, 0, 2, 2, 4, 9, 9, 13, 13],
        [0.29, 0.74, 1.05, 2.04, 2.93, 4.47, 6.17, 8.93, 11.16, 15.22],
        (5.8839, 8, 0.6602),
    ),
    "honcomp ~ female + read + science": (
        [20, 20, 20, 20, 21, 19, 20, 20, 20, 20],
        [0, 0, 2, 1, 3, 3, 7, 10, 13, 14],
        [0.16, 0.53, 0.99, 1.64, 2.72, 4.05, 6.50, 8.90, 11.49, 16.02],
        (4.4998, 8, 0.8095),
    ),
}


@pytest.mark.parametrize(("people", "observed", "expected", "printed"), HOSMER_LEMESHOW.values(), ids=HOSMER_LEMESHOW)
def test_hosmer_and_lemeshow_as_blorr_prints_it(people, observed, expected, printed):
    found = hosmer_lemeshow(observed, expected, people)
    assert found.df == printed[1]
    # the expected counts are known to half a hundredth
    assert float(found.statistic) == pytest.approx(printed[0], abs=0.02)
    assert float(found.p) == pytest.approx(printed[2], abs=0.002)


def test_ks_of_deciles_as_blorr_prints_it():
    """Gains table of the README: 58.52907 % in the fourth decile."""
    good, bad = np.array([14, 13, 10, 7, 3, 3, 1, 2, 0, 0.0]), np.array([6, 7, 10, 13, 17, 17, 19, 18, 20, 20.0])
    assert round(100 * float(gap(good, bad)), 5) == 58.52907


# 6 RCNY 5-301, the two worked examples of the final rule (DCWP, Notice of Adoption, April 2023): applicants, selected, rate, impact ratio
SELECTION = {
    "sex": {"Male": (1390, 667, "48%", "1.00"), "Female": (1181, 555, "47%", "0.979")},
    "race or ethnicity": {
        "Hispanic or Latino": (408, 204, "50%", "0.97"),
        "White": (797, 412, "52%", "1.00"),
        "Black or African American": (390, 170, "44%", "0.84"),
        "Native Hawaiian or Pacific Islander": (119, 52, "44%", "0.85"),
        "Asian": (616, 302, "49%", "0.95"),
        "Native American or Alaska Native": (41, 18, "44%", "0.85"),
        "Two or More Races": (213, 96, "45%", "0.87"),
    },
}
BOTH = {
    ("Male", "Hispanic or Latino"): (205, 90, "43.9%", "0.841"),
    ("Female", "Hispanic or Latino"): (190, 82, "43.2%", "0.827"),
    ("Male", "White"): (412, 215, "52.2%", "1.000"),
    ("Male", "Black or African American"): (226, 95, "42.0%", "0.806"),
    ("Male", "Native Hawaiian or Pacific Islander"): (87, 37, "42.5%", "0.815"),
    ("Male", "Asian"): (321, 167, "52.0%", "0.997"),
    ("Male", "Native American or Alaska Native"): (24, 11, "45.8%", "0.878"),
    ("Male", "Two or More Races"): (115, 52, "45.2%", "0.866"),
    ("Female", "White"): (385, 197, "51.2%", "0.981"),
    ("Female", "Black or African American"): (164, 75, "45.7%", "0.876"),
    ("Female", "Native Hawaiian or Pacific Islander"): (32, 15, "46.9%", "0.898"),
    ("Female", "Asian"): (295, 135, "45.8%", "0.877"),
    ("Female", "Native American or Alaska Native"): (17, 7, "41.2%", "0.789"),
    ("Female", "Two or More Races"): (98, 44, "44.9%", "0.860"),
}
UNKNOWN_SELECTED = 250

# applicants, above the median (the rule prints the rate only: 92 x 54.3 % = 50 ...), rate, impact ratio
SCORING_BOTH = {
    ("Male", "Hispanic or Latino"): (16, 12, "75%", "1.00"),
    ("Female", "Hispanic or Latino"): (12, 6, "50%", "0.67"),
    ("Male", "White"): (20, 7, "35%", "0.47"),
    ("Male", "Black or African American"): (20, 10, "50%", "0.67"),
    ("Male", "Native Hawaiian or Pacific Islander"): (4, 3, "75%", "1.00"),
    ("Male", "Asian"): (12, 7, "58.3%", "0.78"),
    ("Male", "Native American or Alaska Native"): (8, 5, "62.5%", "0.83"),
    ("Male", "Two or More Races"): (12, 6, "50%", "0.67"),
    ("Female", "White"): (20, 8, "40%", "0.53"),
    ("Female", "Black or African American"): (12, 6, "50%", "0.67"),
    ("Female", "Native Hawaiian or Pacific Islander"): (4, 2, "50%", "0.67"),
    ("Female", "Asian"): (12, 3, "25%", "0.33"),
    ("Female", "Native American or Alaska Native"): (8, 5, "62.5%", "0.83"),
    ("Female", "Two or More Races"): (8, 4, "50%", "0.67"),
}
# of Hispanic or Latino the rule prints 64.2%, which is 18/28 = 64.29 % cut off
SCORING = {
    "sex": {"Male": (92, "54.3%", "1.00"), "Female": (76, "44.7%", "0.82")},
    "race": {
        "Hispanic or Latino": (28, "64.3%", "1.00"),
        "White": (40, "37.5%", "0.58"),
        "Black or African American": (32, "50.0%", "0.78"),
        "Native Hawaiian or Pacific Islander": (8, "62.5%", "0.97"),
        "Asian": (24, "41.7%", "0.65"),
        "Native American or Alaska Native": (16, "62.5%", "0.97"),
        "Two or More Races": (20, "50.0%", "0.78"),
    },
}


def as_printed(value, printed):
    percent = printed.endswith("%")
    digits = len(printed.rstrip("%").partition(".")[2])
    return f"{100 * value:.{digits}f}%" if percent else f"{value:.{digits}f}"


@pytest.mark.parametrize("table", SELECTION.values(), ids=SELECTION)
def test_impact_ratios_are_those_of_the_rule(table):
    applicants, selected, rates, ratios = zip(*table.values(), strict=True)
    found = impact_ratios(selected, applicants)
    assert tuple(map(as_printed, found.rate, rates)) == rates
    assert tuple(map(as_printed, found.ratio, ratios)) == ratios


def people(categories, hits, unknown=0, **columns):
    rows = [(*key, int(i < hit)) for (key, n), hit in zip(categories, hits, strict=True) for i in range(n)]
    rows += [(None, None, i % 2) for i in range(unknown)]
    return pd.DataFrame(rows, columns=["sex", "race", "hit"]).assign(**columns)


def test_the_intersectional_table_and_its_unknowns_are_those_of_the_rule():
    frame = people([(key, row[0]) for key, row in BOTH.items()], [row[1] for row in BOTH.values()], UNKNOWN_SELECTED)
    study = scoring.audit(frame, groups=["sex", "race"], decision="hit", favourable=1)
    table = selection_table(study.counts, ["sex", "race"], Bounds()).set_index("group")
    for (sex, race), (applicants, selected, rate, ratio) in BOTH.items():
        row = table.loc[f"{sex} x {race}"]
        assert (row["applicants"], row["selected"]) == (applicants, selected)
        assert (as_printed(row["selection_rate"], rate), as_printed(row["impact_ratio"], ratio)) == (rate, ratio)
    assert table.loc["(unknown)", "applicants"] == UNKNOWN_SELECTED
    assert table.loc["(unknown)", ["selection_rate", "impact_ratio"]].isna().all()
    assert set(table.index[table["under_2_percent"]]) == {
        "Male x Native American or Alaska Native",
        "Female x Native American or Alaska Native",
        "Female x Native Hawaiian or Pacific Islander",
    }


def test_the_scoring_tables_are_those_of_the_rule():
    """168 applicants and 15 unknown; half of each side of the median, which is the middle of 1 and 2."""
    frame = people([(key, row[0]) for key, row in SCORING_BOTH.items()], [row[1] for row in SCORING_BOTH.values()], 15)
    frame["score"] = 1.0 + frame["hit"]
    frame["both"] = frame["sex"] + " x " + frame["race"]
    study = scoring.audit(frame, groups=["sex", "race", "both"], score="score", cutoff=2.0)
    for attribute, printed in (*SCORING.items(), ("both", {" x ".join(key): (n, rate, ratio) for key, (n, _, rate, ratio) in SCORING_BOTH.items()})):
        table = scoring_table(study.counts, attribute, Bounds()).set_index("group")
        assert table["exact"].all()
        for group, (applicants, rate, ratio) in printed.items():
            row = table.loc[group]
            assert row["applicants"] == applicants
            assert (as_printed(row["scoring_rate"], rate), as_printed(row["impact_ratio"], ratio)) == (rate, ratio)
        assert table.loc["(unknown)", "applicants"] == 15


def test_half_of_all_applicants_of_the_rule_are_above_the_median():
    counts = np.array([[n - hit, hit] for n, hit, _, _ in SCORING_BOTH.values()], float)
    assert above_median(counts).above.tolist() == [hit for _, hit, _, _ in SCORING_BOTH.values()]
