"""Figures that others printed, in the digits they printed them; each was found in a source named beside it, none is remembered."""

import numpy as np
import pytest

from scoring.fairness.exact import HeldDifference, HeldRatio, exact_p_held
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
    """Statistics in Medicine 17:857, table I; the exact ones as in ratesci tests/testthat/test3.R, 81/263 and the scores as in statsmodels."""
    assert np.round(proportion_interval(hits, trials), 4).tolist() == list(wilson)
    assert np.round(proportion_interval(hits, trials, method="clopper-pearson"), 4).tolist() == list(clopper_pearson)


@pytest.mark.parametrize(
    ("hits", "trials", "mid_p"),
    [
        pytest.param(81, 263, (0.2544, 0.3658), id="81/263"),
        pytest.param(15, 148, (0.0601, 0.1581), id="15/148"),
        pytest.param(0, 20, (0.0, 0.1391), id="0/20"),
        pytest.param(1, 29, (0.0017, 0.1585), id="1/29"),
    ],
)
def test_mid_p_proportions_are_those_of_newcombe_1998(hits, trials, mid_p):
    """Statistics in Medicine 17:857, table I (p. 861), as in the regression tests of the R packages coin (confint_midp) and ratesci (test3.R)."""
    assert np.round(proportion_interval(hits, trials, method="mid-p"), 4).tolist() == list(mid_p)


@pytest.mark.parametrize(
    ("method", "limits"),
    [("wilson", (0.5699, 0.9341)), ("clopper-pearson", (0.5435, 0.9595)), ("mid-p", (0.5699, 0.9500))],
)
def test_a_proportion_of_fagerland_lydersen_and_laake_2017(method, limits):
    """Statistical Analysis of Contingency Tables, chapter 2, 13 of 16; as printed by the authors' R package contingencytables (test-ch2.R)."""
    assert np.round(proportion_interval(13, 16, method=method), 4).tolist() == list(limits)


# Fagerland, Lydersen & Laake 2017, chapter 4 (and 2015, Statistical Methods in Medical Research 24:224), high against standard dose of
# epinephrine (Perondi et al. 2004) and CHRNA4 genotype against exfoliation (Ritland et al. 2007); contingencytables, test-ch4.R
PERONDI, RITLAND = (7, 34, 1, 34), (0, 16, 15, 72)


@pytest.mark.parametrize(
    ("interval", "counts", "method", "limits"),
    [
        (ratio_interval, PERONDI, "koopman", (1.2209, 42.5757)),
        (ratio_interval, PERONDI, "miettinen-nurminen", (1.2086, 43.0330)),
        (ratio_interval, PERONDI, "katz", (0.9096, 53.8695)),
        (difference_interval, PERONDI, "newcombe", (0.0189, 0.3404)),
        (difference_interval, RITLAND, "miettinen-nurminen", (-0.3164, -0.0056)),
    ],
)
def test_pairs_of_fagerland_lydersen_and_laake(interval, counts, method, limits):
    assert np.round(interval(*counts, method=method), 4).tolist() == list(limits)


@pytest.mark.parametrize(
    ("counts", "limits"),
    [
        pytest.param((24, 73, 53, 65), (0.280, 0.560), id="24/73 : 53/65"),
        pytest.param((29, 55, 11, 11), (0.397, 0.742), id="29/55 : 11/11"),
        pytest.param((7, 18, 1, 18), (1.296, 42.544), id="7/18 : 1/18"),
    ],
)
def test_ratios_of_fagerland_and_newcombe_2013(counts, limits):
    """Statistics in Medicine 32:2823, the Miettinen-Nurminen column, as in ratesci tests/testthat/test3.R."""
    assert np.round(ratio_interval(*counts, method="miettinen-nurminen"), 3).tolist() == list(limits)


def test_the_aspirin_study_in_agresti_2019():
    """An Introduction to Categorical Data Analysis, 3rd ed., p. 31: relative risk 1.82, (1.43, 2.30) by the score method."""
    counts = 189, 11_034, 104, 11_037
    assert round((189 / 11_034) / (104 / 11_037), 2) == 1.82
    assert np.round(ratio_interval(*counts), 2).tolist() == [1.43, 2.30]


@pytest.mark.parametrize(("interval", "limits"), [(ratio_interval, (1.0964, 10.8647)), (difference_interval, (0.0616, 0.7968))])
def test_exact_limits_of_sas(interval, limits):
    """PROC FREQ, EXACT RELRISK and RISKDIFF (METHOD=SCORE), 9/11 against 4/12, as in the R package exact2x2, inst/slowTests/test_SAS.R."""
    assert np.round(interval(9, 11, 4, 12, method="exact"), 4).tolist() == list(limits)


def test_where_sas_searches_every_rate_of_the_reference_its_limits_are_wider():
    """24/61 against 10/35, the same source: where SAS's worst rate lies in Berger & Boos's interval the limits agree, elsewhere ours are inside."""
    counts = 24, 61, 10, 35
    low, high = ratio_interval(*counts, method="exact")
    assert round(float(low), 4) == 0.7663
    assert high < 3.0005
    low, high = difference_interval(*counts, method="exact")
    assert round(float(high), 4) == 0.2949
    assert low > -0.0992
    for held, limit, side in ((HeldRatio, 3.0005, -1), (HeldDifference, -0.0992, 1)):
        within, without = (exact_p_held(*counts, held(limit + step), side=side, beyond=0) for step in (side * 5e-5, -side * 5e-5))
        assert within > 0.025 >= without
