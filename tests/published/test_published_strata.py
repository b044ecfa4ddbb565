"""Figures within strata that others printed, in the digits they printed them; each was found in a source named beside it, or is a
quotient of counts found there."""

import numpy as np
import pytest

from scoring.fairness.intervals import ratio_interval
from scoring.fairness.strata import mantel_haenszel
from scoring.fairness.within.decomposition import conditional_demographic_disparity, kitagawa, reversal, standardised

# Bickel, Hammel & O'Connell 1975, Science 187:398: the six largest departments, women and men admitted, as in R's UCBAdmissions
WOMEN, MEN = ([89, 17, 202, 131, 94, 24], [108, 25, 593, 375, 393, 341]), ([512, 353, 120, 138, 53, 22], [825, 560, 325, 417, 191, 373])
# Charig et al. 1986, BMJ 292:879: small and large stones, open surgery and percutaneous nephrolithotomy
OPEN, PERCUTANEOUS = ([81, 192], [87, 263]), ([234, 55], [270, 80])
# Radelet & Pierce 1991, Florida Law Review 43:1, in Agresti, Categorical Data Analysis: victims white and black; sentenced to death
WHITE, BLACK = ([53, 0], [467, 16]), ([11, 4], [48, 143])
# University Group Diabetes Program, in Rothman, Greenland & Lash 2008, Modern Epidemiology, table 15-1: age under 55, 55 and over
TOLBUTAMIDE, PLACEBO = ([8, 22], [106, 98]), ([5, 16], [120, 85])
# SAS/STAT, FREQ procedure, example "Cochran-Mantel-Haenszel Statistics": women, men
ACTIVE, INACTIVE = ([16, 12], [27, 28]), ([5, 7], [25, 26])
# Liu 1992, smoking and lung cancer in eight Chinese cities, in Agresti, table 3.3: cancer and control by smoking
SMOKE = np.array([[126, 100, 35, 61], [908, 688, 497, 807], [913, 747, 336, 598], [235, 172, 58, 121], [402, 308, 121, 215],
                  [182, 156, 72, 98], [60, 99, 11, 43], [104, 89, 21, 36]], float)  # fmt: skip


def rates(hits, trials):
    return (np.array(hits) / np.array(trials)).tolist()


def whole(side):
    return sum(side[0]), sum(side[1])


def test_berkeley_1973_admits_44_5_and_30_4_percent():
    assert [round(100 * a / b, 1) for a, b in (whole(MEN), whole(WOMEN))] == [44.5, 30.4]
    assert (*whole(MEN), *whole(WOMEN)) == (1198, 2691, 557, 1835)


def test_berkeley_1973_by_mantelhaen_test_of_r():
    """With continuity correction X-squared = 1.4269, p = 0.2323, common odds ratio 0.9046968 (0.7719074, 1.0603298), men to women."""
    pooled = mantel_haenszel(*MEN, *WOMEN, correction=True)
    assert (round(float(pooled.cmh), 4), round(float(pooled.p), 4)) == (1.4269, 0.2323)
    assert [round(float(value), 7) for value in (pooled.odds_ratio, pooled.odds_low, pooled.odds_high)] == [0.9046968, 0.7719074, 1.0603298]


def test_berkeley_1973_within_department_a_by_sas():
    """Relative risk of admission, men to women in department A: 0.7531 (0.6799, 0.8341); odds ratio of refusal 2.8636."""
    pooled = mantel_haenszel(MEN[0][:1], MEN[1][:1], WOMEN[0][:1], WOMEN[1][:1])
    assert [round(float(value), 4) for value in (pooled.ratio, pooled.low, pooled.high)] == [0.7531, 0.6799, 0.8341]
    assert round(1 / float(pooled.odds_ratio), 4) == 2.8636
    # its chi-squares of the one table, 17.2480 and (Mantel-Haenszel) 17.2295, are in the ratio N/(N-1)
    assert round(float(pooled.cmh), 4) == 17.2295


def test_berkeley_1973_is_a_reversal():
    pooled = mantel_haenszel(*WOMEN, *MEN)
    (x, n), (y, m) = whole(WOMEN), whole(MEN)
    told = reversal(((x / n) / (y / m), *ratio_interval(x, n, y, m)), (pooled.ratio, pooled.low, pooled.high))
    assert told.simpson
    assert not told.shown  # within departments, the interval holds 1
    assert standardised(*WOMEN, *MEN).difference > 0


def test_berkeley_1973_demographic_disparity_as_amazon_prints_it():
    """Women are 46 % of the refused and 32 % of the accepted, disparity .14 (SageMaker Clarify, conditional demographic disparity)."""
    found = conditional_demographic_disparity(*WOMEN, *MEN)
    assert [round(1278 / 2771, 2), round(557 / 1755, 2), round(float(found.crude), 2)] == [0.46, 0.32, 0.14]
    assert round(float(conditional_demographic_disparity(*MEN, *WOMEN).crude), 2) == -0.14
    assert found.value < 0


def test_kidney_stones_of_charig_1986():
    """78 % against 83 %; small stones 93 % against 87 %, large stones 73 % against 69 %."""
    assert [round(100 * a / b) for a, b in (whole(OPEN), whole(PERCUTANEOUS))] == [78, 83]
    assert np.round(np.multiply(rates(*OPEN), 100)).tolist() == [93, 73]
    assert np.round(np.multiply(rates(*PERCUTANEOUS), 100)).tolist() == [87, 69]
    pooled = mantel_haenszel(*OPEN, *PERCUTANEOUS)
    assert pooled.ratio > 1 > (273 / 350) / (289 / 350)
    parts = kitagawa(*OPEN, *PERCUTANEOUS)
    assert parts.composition < 0 < parts.within


def test_death_penalty_of_radelet_and_pierce_1991():
    """Agresti: 11.0 % of white and 7.9 % of black defendants; by victim 11.3 against 22.9, 0.0 against 2.8."""
    assert [round(100 * a / b, 1) for a, b in (whole(WHITE), whole(BLACK))] == [11.0, 7.9]
    assert [np.round(np.multiply(rates(*side), 100), 1).tolist() for side in (WHITE, BLACK)] == [[11.3, 0.0], [22.9, 2.8]]
    pooled = mantel_haenszel(*WHITE, *BLACK)
    assert pooled.ratio < 1
    assert pooled.left_out == 1


def test_tolbutamide_of_rothman_greenland_and_lash():
    """As metafor's rma.mh (tests, analysis example rothman2008) prints them: 90 % intervals on the logarithm, Sato for the difference."""
    pooled = mantel_haenszel(*TOLBUTAMIDE, *PLACEBO, confidence=0.9)
    assert [round(float(value), 4) for value in (pooled.ratio, pooled.low, pooled.high)] == [1.3256, 0.8658, 2.0296]
    assert [round(float(value), 4) for value in (pooled.homogeneity, pooled.p_homogeneity)] == [0.4472, 0.5037]
    assert [round(float(value), 4) for value in (pooled.difference, pooled.difference_low, pooled.difference_high)] == [0.0349, -0.0176, 0.0874]
    assert [round(float(value), 4) for value in (pooled.odds_ratio, pooled.odds_low, pooled.odds_high)] == [1.4031, 0.8411, 2.3409]
    assert [round(float(value), 4) for value in (pooled.cmh, pooled.p)] == [1.1914, 0.275]
    assert [round(float(value), 4) for value in (pooled.breslow_day, pooled.p_breslow_day)] == [0.3489, 0.5547]


def test_tolbutamide_by_stratum_and_crude():
    """Risk ratios 1.8113 and 1.1926, crude 1.4356 (0.8510, 2.4216): same source, 95 %."""
    strata = [mantel_haenszel(*([side[i]] for side in (*TOLBUTAMIDE, *PLACEBO))) for i in range(2)]
    assert [round(float(one.ratio), 4) for one in strata] == [1.8113, 1.1926]
    assert [round(float(one.low), 4) for one in strata] == [0.6112, 0.6713]
    assert [round(float(one.high), 4) for one in strata] == [5.3679, 2.1188]
    crude = mantel_haenszel([30], [204], [21], [205])
    assert [round(float(value), 4) for value in (crude.ratio, crude.low, crude.high)] == [1.4356, 0.851, 2.4216]


def test_migraine_of_sas():
    """Cochran-Mantel-Haenszel 8.3052, p .0040; Breslow-Day p .2218, which Tarone's correction moves in the fourth digit."""
    pooled = mantel_haenszel(*ACTIVE, *INACTIVE)
    assert (round(float(pooled.cmh), 4), round(float(pooled.p), 4)) == (8.3052, 0.004)
    assert pooled.p_breslow_day == pytest.approx(0.2218, abs=4e-4)


def test_chinese_smokers_of_agresti():
    """SAS: CMH 280.138; odds ratio 2.174, relative risks 1.519 and 0.700; Breslow-Day 5.200 with 7 df, p .636."""
    x, miss, y, ref_miss = SMOKE.T
    cancer, control = (mantel_haenszel(a, x + miss, b, y + ref_miss) for a, b in ((x, y), (miss, ref_miss)))
    assert [round(float(value), 3) for value in (cancer.cmh, cancer.odds_ratio, cancer.ratio, control.ratio)] == [280.138, 2.174, 1.519, 0.7]
    assert (round(float(cancer.breslow_day), 1), round(float(cancer.p_breslow_day), 2)) == (5.2, 0.64)


@pytest.mark.parametrize(
    ("tables", "corrected", "p", "odds", "tarone"),
    [
        pytest.param([[0, 0, 6, 5], [3, 0, 3, 6], [6, 2, 0, 4], [5, 6, 1, 0], [2, 5, 0, 0]], 3.9286, 0.04747,
                     (7, 1.026713, 47.725133), None, id="rabbits"),
        pytest.param([[20, 14, 10, 24], [15, 12, 3, 15], [3, 2, 3, 2], [12, 3, 7, 5], [1, 0, 3, 2]], 11.8852, 0.0005658,
                     (3.5912, 1.781135, 7.240633), (1.8436, 0.7645), id="five strata"),
    ],
)  # fmt: skip
def test_r_by_the_tests_of_statsmodels(tables, corrected, p, odds, tarone):
    """mantelhaen.test and DescTools::BreslowDayTest(correct = TRUE), as statsmodels' tests of contingency tables hold them."""
    a, b, c, d = np.array(tables, float).T
    pooled = mantel_haenszel(a, a + b, c, c + d, correction=True)
    assert (pooled.cmh, pooled.p) == pytest.approx((corrected, p), rel=1e-3)
    assert (pooled.odds_ratio, pooled.odds_low, pooled.odds_high) == pytest.approx(odds, rel=1e-4)
    if tarone is not None:
        assert (pooled.breslow_day, pooled.p_breslow_day) == pytest.approx(tarone, rel=1e-4)
