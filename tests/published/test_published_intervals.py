"""Figures that others printed, in the digits they printed them; each was found in a source named beside it, none is remembered."""

import numpy as np
import pytest

from scoring.fairness.intervals import difference_interval, proportion_interval, ratio_interval

# Newcombe 1998, Statistics in Medicine 17:873, table II, contrasts (a) to (h); the figures as in the test vectors of the packages
# mergeron-extra (tests of proportions) and ratesci (tests/testthat/test3.R, contrast d)
NEWCOMBE_TABLE_II = {
    "a: 56/70 - 48/80": ((56, 70, 48, 80), (0.0524, 0.3339), (0.0528, 0.3382)),
    "b: 9/10 - 3/10": ((9, 10, 3, 10), (0.1705, 0.8090), (0.1700, 0.8406)),
    "c: 6/7 - 2/7": ((6, 7, 2, 7), (0.0582, 0.8062), (0.0342, 0.8534)),
    "d: 5/56 - 0/29": ((5, 56, 0, 29), (-0.0381, 0.1926), (-0.0326, 0.1933)),
    "e: 0/10 - 0/20": ((0, 10, 0, 20), (-0.1611, 0.2775), (-0.1658, 0.2844)),
    "f: 0/10 - 0/10": ((0, 10, 0, 10), (-0.2775, 0.2775), (-0.2879, 0.2879)),
    "g: 10/10 - 0/20": ((10, 10, 0, 20), (0.6791, 1.0), (0.7156, 1.0)),
    "h: 10/10 - 0/10": ((10, 10, 0, 10), (0.6075, 1.0), (0.6636, 1.0)),
}


@pytest.mark.parametrize(("counts", "method_10", "method_6"), NEWCOMBE_TABLE_II.values(), ids=NEWCOMBE_TABLE_II)
def test_differences_are_those_of_newcombe_1998(counts, method_10, method_6):
    assert np.round(difference_interval(*counts), 4).tolist() == list(method_10)
    assert np.round(difference_interval(*counts, method="miettinen-nurminen"), 4).tolist() == list(method_6)


def test_miettinen_and_nurminen_1985_example_5_to_eight_digits():
    assert difference_interval(0, 10, 0, 20, method="miettinen-nurminen") == pytest.approx((-0.16576023, 0.28438134), abs=6e-9)
    assert difference_interval(10, 10, 20, 20, method="miettinen-nurminen") == pytest.approx((-0.28438134, 0.16576023), abs=6e-9)


@pytest.mark.parametrize(
    ("counts", "koopman", "gart_nam"),
    [
        pytest.param((8, 15, 4, 15), (0.815, 5.336), (0.806, 6.148), id="8/15 : 4/15"),
        pytest.param((6, 10, 6, 20), (0.844, 4.594), (0.822, 4.954), id="6/10 : 6/20"),
    ],
)
def test_ratios_are_those_of_gart_and_nam_1988(counts, koopman, gart_nam):
    """Biometrics 44:323, as in ratesci tests/testthat/test3.R (bcf=F, without and with skewness correction)."""
    assert np.round(ratio_interval(*counts), 3).tolist() == list(koopman)
    assert np.round(ratio_interval(*counts, method="gart-nam"), 3).tolist() == list(gart_nam)


def test_the_ratio_of_koopman_1984():
    assert np.round(ratio_interval(36, 40, 16, 80), 4).tolist() == [2.9396, 7.1522]


@pytest.mark.parametrize(
    ("hits", "trials", "wilson", "clopper_pearson"),
    [
        pytest.param(81, 263, (0.2553, 0.3662), (0.2527, 0.3676), id="81/263"),
        pytest.param(15, 148, (0.0624, 0.1605), (0.0578, 0.1617), id="15/148"),
        pytest.param(0, 20, (0.0, 0.1611), (0.0, 0.1684), id="0/20"),
        pytest.param(1, 29, (0.0061, 0.1718), (0.0009, 0.1776), id="1/29"),
    ],
)
def test_proportions_are_those_of_newcombe_1998(hits, trials, wilson, clopper_pearson):
    """Statistics in Medicine 17:857; the exact ones as in ratesci tests/testthat/test3.R, 81/263 and the scores as in statsmodels."""
    assert np.round(proportion_interval(hits, trials), 4).tolist() == list(wilson)
    assert np.round(proportion_interval(hits, trials, method="clopper-pearson"), 4).tolist() == list(clopper_pearson)
