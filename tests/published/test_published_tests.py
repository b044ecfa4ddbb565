"""P-values that others printed, in the digits they printed them; each was found in a source named beside it, none is remembered."""

import numpy as np
import pytest

from scoring.fairness.exact import HeldDifference, HeldRatio, exact_p_held
from scoring.fairness.hypotheses import adjust, fisher, focused_bh

# Benjamini & Hochberg 1995, JRSS B 57:289: fifteen comparisons in patients with myocardial infarction
MYOCARDIAL = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]


def test_fisher_and_the_lady_tasting_tea():
    """Agresti 2019, An Introduction to Categorical Data Analysis, section 2.6.2: three of four guessed right, one-sided .243."""
    assert round(float(fisher(3, 4, 1, 4, side="greater")), 3) == 0.243


def test_the_lady_who_is_right_all_four_times():
    """Fisher 1935, ch. 2: 1 in 70."""
    assert float(fisher(4, 4, 0, 4, side="greater")) == pytest.approx(1 / 70, rel=1e-14)


def test_fisher_for_the_genotypes_of_ritland_2007():
    """Fagerland, Lydersen & Laake 2017, chapter 4: CHRNA4 genotype and exfoliation, P = .06287 (contingencytables, test-ch4.R)."""
    assert round(float(fisher(0, 16, 15, 72)), 5) == 0.06287


def test_fishers_example_in_scipy():
    """Scipy's manual of fisher_exact: [[8, 2], [1, 5]], .034965034965034975."""
    assert float(fisher(8, 10, 1, 6)) == pytest.approx(0.034965034965034975, rel=1e-12)


def test_the_influenza_vaccine_of_chan_1998():
    """7 of 15 against 12 of 15, Barnard's one-sided p .0341 (Mehta & Senchaudhuri 2003; scipy's manual, which tries 32 rates, has .03407)."""
    for held in (HeldRatio(1.0), HeldDifference(0.0)):
        assert round(exact_p_held(7, 15, 12, 15, held, side=-1, beyond=0), 4) == 0.0341


@pytest.mark.parametrize(("counts", "p"), [((24, 61, 10, 35), 0.2142), ((9, 11, 4, 12), 0.0120)])
def test_barnards_test_of_sas(counts, p):
    """PROC FREQ, EXACT BARNARD, one-sided, as in the R package exact2x2, inst/slowTests/test_SAS.R."""
    assert round(exact_p_held(*counts, HeldDifference(0.0), side=1, beyond=0), 4) == p


def test_the_tea_without_conditioning():
    """Suissa & Shuster's test with Berger & Boos's 1e-4, two-sided P = .28916 (contingencytables, test-ch4.R): two equal sides, worst at 1/2."""
    one_side = exact_p_held(3, 4, 1, 4, HeldDifference(0.0), side=1, beyond=0)
    assert round(2 * one_side + 1e-4, 5) == 0.28916


@pytest.mark.parametrize(("method", "rejected"), [("bonferroni", 3), ("bh", 4)])
def test_the_fifteen_p_values_of_benjamini_and_hochberg_1995(method, rejected):
    p = np.array(MYOCARDIAL)
    adjusted = p * p.size if method == "bonferroni" else adjust(p, method)
    assert np.flatnonzero(adjusted <= 0.05).tolist() == list(range(rejected))


def test_focused_bh_rejects_the_same_four_where_nothing_is_folded():
    assert focused_bh(MYOCARDIAL, lambda found: found, 0.05).sum() == 4


# R package multtest, mt.rawp2adjp, as recorded in statsmodels/stats/tests/test_multi.py: raw, Holm, BH, BY
MULTTEST = np.array(
    [
        [5.23656777208e-05, 5.23656777208e-04, 5.23656777208e-04, 1.5337740764175588e-03],
        [2.8140506198e-04, 2.53264555782e-03, 1.4070253099e-03, 4.1211324652269442e-03],
        [1.49877310796e-02, 1.1990184863680001e-01, 4.9959103598666670e-02, 1.4632862843720582e-01],
        [2.02732688798e-02, 1.4191288215860001e-01, 5.0683172199499998e-02, 1.4844940238274187e-01],
        [1.77096952723e-01, 1.0, 3.5419390544599999e-01, 1.0],
        [6.42193923795e-01, 1.0, 8.9533672797500008e-01, 1.0],
        [6.80845947633e-01, 1.0, 8.9533672797500008e-01, 1.0],
        [7.1626938238e-01, 1.0, 8.9533672797500008e-01, 1.0],
        [8.38541367553e-01, 1.0, 9.3171263061444454e-01, 1.0],
        [9.67833824309e-01, 1.0, 9.6783382430900000e-01, 1.0],
    ]
)


@pytest.mark.parametrize(("method", "column"), [("holm", 1), ("bh", 2), ("by", 3)])
def test_ten_p_values_of_the_r_package_multtest(method, column):
    np.testing.assert_allclose(adjust(MULTTEST[:, 0], method), MULTTEST[:, column], rtol=1e-10)


def test_the_24_p_values_in_the_manual_of_sas_multtest():
    """SAS/STAT User's Guide, PROC MULTTEST, example 60.5: tests 1 to 8, step-down Bonferroni 1.0000, FDR .9243."""
    raw = [0.28282, 0.30688, 0.71022, 0.77175, 0.78180, 0.88581, 0.54685, 0.84978, 0.24228, 0.58977, 0.03498, 0.41607, 0.31631, 0.05254, 0.45061]
    raw += [0.75758, 0.12496, 0.49485, 0.21572, 0.50505, 0.94372, 0.81260, 0.77596, 0.36889]
    assert adjust(raw, "holm")[:8].round(4).tolist() == [1.0] * 8
    assert adjust(raw, "bh")[:8].round(4).tolist() == [0.9243] * 8
