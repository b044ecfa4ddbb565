"""A sentence a plot: it quotes rows, in both languages, and has one for every table that says nothing."""

import numpy as np
import pandas as pd
import pytest

from scoring.bounds import Bounds
from scoring.plots import alternatives as said
from scoring.texts import LANGUAGES

B = Bounds()
DISPARITIES = pd.DataFrame({
    "attribute": "sex", "group": ["F", "F", "M", "M"], "metric": ["selection_rate", "accuracy"] * 2, "ratio": [0.5, np.nan, 2.0, 0.7],
})  # fmt: skip
JUDGED = pd.DataFrame({
    "attribute": ["sex", "sex x age", "sex"], "group": ["F", "F x 66+", "M"], "metric": "selection_rate", "people": [80, 20, 90],
    "verdict": ["exclusion", "leaning", "within tolerance"], "under": ["", np.nan, ""], "ratio": [0.6, 0.4, 0.1],
})  # fmt: skip
SWEPT = pd.DataFrame({
    "attribute": "sex", "group": ["F", "F", "M", "M"], "cutoff": [1.0, 2.0] * 2, "metric": "true_positive_rate", "hits": [8.0, 0, 9, 6],
    "trials": 10.0, "value": [0.8, 0.0, 0.9, 0.6], "ratio": [8 / 9, 0.0, 9 / 8, np.inf], "ratio_low": [0.7, 0.0, 0.9, 2.0],
    "ratio_high": [1.2, 0.4, 1.6, np.inf],
})  # fmt: skip
CALIBRATED = pd.DataFrame({
    "attribute": "sex", "group": ["F", "F", "M", "M"], "part": [1, 2] * 2, "people": [10, 11, 12, 13], "share": [0.3, 0.5, 0.4, 0.9],
})  # fmt: skip
FUNNEL = pd.DataFrame({
    "attribute": "sex", "group": ["F", "F", "M", "M"], "stage": ["mail", "(decision)"] * 2, "ratio": [0.4, 1.0, 2.5, 1.0], "people": 70,
    "total_ratio": [0.4, 0.4, 2.5, 2.5], "total_low": 0.3, "total_high": 0.6, "makes_the_gap": [True, False, False, False],
})  # fmt: skip
DRIVEN = pd.DataFrame({
    "attribute": "sex", "group": "F", "feature": ["age", "home"], "people": 9, "reference_people": 8, "gap": [5.0, -20.0], "gap_low": [1.0, -30.0],
    "gap_high": [9.0, -10.0], "total_gap": -15.0, "total_low": -27.0, "total_high": -3.0, "scale": "points",
})  # fmt: skip
BANDED = pd.DataFrame({
    "attribute": "sex", "group": ["F", "M", "X"], "metric": "selection_rate", "ratio_lowest": [0.5, 0.7, 0.9], "ratio_highest": [0.7, 1.2, 1.3],
})  # fmt: skip
ALL = {
    "heatmap": (DISPARITIES, lambda rows, language: said.heatmap_alternative(rows, language, bounds=B), ["ratio"]),
    "lattice": (JUDGED, said.lattice_alternative, ["ratio"]),
    "roc": (SWEPT, lambda rows, language: said.roc_alternative(rows, language, cutoff=2.0), ["value"]),
    "roc without cut-off": (SWEPT, said.roc_alternative, ["ratio_high"]),
    "sweep": (SWEPT, lambda rows, language: said.sweep_alternative(rows, language, metric="true_positive_rate", cutoff=2.0), ["value"]),
    "calibration": (CALIBRATED, said.group_calibration_alternative, ["share"]),
    "funnel": (FUNNEL, said.funnel_alternative, ["total_ratio"]),
    "waterfall": (DRIVEN, said.waterfall_alternative, ["gap", "total_gap"]),
    "bounds": (BANDED, lambda rows, language: said.bounds_alternative(rows, language, bounds=B), ["ratio_lowest", "ratio_highest"]),
}
each = pytest.mark.parametrize("name", ALL)


def heard(name, language="en", **changed):
    rows, tell, _ = ALL[name]
    return tell(rows.assign(**changed), language)


@each
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_has_one_sentence_with_a_stop(name, language):
    text = heard(name, language)
    assert text.endswith(".")
    assert "\n" not in text
    assert "{" not in text
    assert "nan" not in text


@each
def test_french_is_not_english(name):
    assert heard(name, "fr") != heard(name, "en")


@each
@pytest.mark.parametrize("language", LANGUAGES)
def test_where_no_number_is_known_it_is_said(name, language):
    rows, tell, columns = ALL[name]
    text = tell(rows.assign(**dict.fromkeys(columns, np.nan)), language)
    assert text.endswith(".")
    assert "–" not in text


@each
def test_no_rows_are_said_to_be_none(name):
    rows, tell, _ = ALL[name]
    for empty in (rows.iloc[:0], pd.DataFrame()):
        assert tell(empty, "en") == "There is nothing to draw: the table has no rows."


@each
def test_rows_with_any_index_say_the_same(name):
    rows, tell, _ = ALL[name]
    assert tell(rows.set_axis([3] * len(rows)), "en") == tell(rows, "en")


@each
def test_control_characters_are_cleaned(name):
    assert "\x00" not in heard(name, group="a\x00b", **({"feature": ["a\x00", "b\x00"]} if name == "waterfall" else {}))


def test_heatmap_counts_and_quotes_the_lowest():
    assert "below the tolerance of 0.80: 2 of 3; the lowest is 0.50, of sex: F, selection rate." in heard("heatmap")


def test_lattice_looks_at_the_flagged_alone():
    assert "at exclusion: 1, of these as parts of another: 0; leaning to it: 1; the lowest ratio is 0.40" in heard("lattice")


def test_roc_and_sweep_quote_the_cutoff():
    assert "at the cut-off 2, of those with a good outcome F is selected least often, 0.0% (0 of 10), and M most often, 60.0%" in heard("roc")
    assert "F has the lowest, 0.0% (0 of 10)" in heard("sweep")
    ratios = said.sweep_alternative(SWEPT, "fr", metric="true_positive_rate", cutoff=1.0, show="ratio")
    assert "F a le plus bas, 0,89 (8 sur 10), et M le plus haut, 1,12 (9 sur 10)" in ratios


def test_without_a_cutoff_the_clearest_gap_is_quoted():
    assert "F is furthest behind the others at the cut-off 2, with a ratio of 0.00 (0.00 to 0.40)" in heard("roc without cut-off")


def test_calibration_names_the_part_where_groups_differ_most():
    assert "in part 2, from 50.0% of F (n\u00a0=\u00a011) to 90.0% of M (n\u00a0=\u00a013)" in heard("calibration")


def test_funnel_names_the_stage_with_the_gap():
    assert "F has the lowest ratio, 0.40 (0.30 to 0.60; n\u00a0=\u00a070); its lowest stage is mail, 0.40." in heard("funnel")
    assert "lowest stage" not in heard("funnel", makes_the_gap=False)


def test_waterfall_quotes_the_whole_and_the_largest_part():
    told = "in all -15.0 points (-27.0 to -3.0); the largest part is home, -20.0 (-30.0 to -10.0).".replace("-", "\u2212")
    assert told in heard("waterfall")


def test_bounds_count_what_lies_below_and_what_may():
    assert "wholly below the tolerance of 0.80: 1; reaching below it: 1; the lowest is sex: F, 0.50 to 0.70." in heard("bounds")
