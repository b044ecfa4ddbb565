"""Segments, tiers and models of customer value keep scikit-learn's contract."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from scoring.models import KMeansSegments, ScoreBands
from scoring.models.columns import ModelError, read_table
from scoring.models.segmenting.mixtures import GaussianMixtureSegments
from scoring.models.segmenting.rfm import RFMSegmenter
from scoring.models.segmenting.stated_columns import numbers_of
from scoring.models.segmenting.tiers import LoyaltyTiers
from scoring.models.value.customer_value import BGNBD
from scoring.models.value.spend import GammaGamma


def padded(estimator, X, *, reset, columns):
    """Read whatever table as so many columns of positive numbers: the checks make tables that no customer could have."""
    values = np.stack([numbers_of(estimator, column, "x") for column in read_table(estimator, X, reset=reset)], axis=1)
    if values.shape[1] < 2:
        raise ModelError("1 feature(s)")
    if np.isnan(values).any():
        raise ModelError("NaN")
    return np.abs(np.tile(values, 2)[:, :columns]) + 0.1


class AnyHistory(BGNBD):
    """BG/NBD that makes a history of any numbers; `BGNBD` refuses what is none."""

    def _read(self, X, *, reset):
        x, *ages = padded(self, X, reset=reset, columns=3).T
        ages = np.sort(ages, axis=0)
        return self._checked(np.column_stack([np.rint(x), np.where(np.rint(x) > 0, ages[0], 0.0), ages[1]]))


class AnySpend(GammaGamma):
    """Gamma-Gamma that makes purchases and their mean of any numbers."""

    def _read(self, X, *, reset):
        x, mean = padded(self, X, reset=reset, columns=2).T
        return self._checked(np.column_stack([np.rint(x) + 1, mean]))


# tables of a few noisy rows: fewer different rows than segments, or no maximum inside the limits, is said as a warning
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        ScoreBands(n_bands=3),
        KMeansSegments(3, n_init=2),
        GaussianMixtureSegments(3, n_init=1),
        GaussianMixtureSegments(2, covariance="diag", n_init=1),
        RFMSegmenter(),
        RFMSegmenter(bins=(3, 2), monetary=None, rules={"active": {"r": [2, 3]}, "gone": {"r": 1}}),
        LoyaltyTiers(thresholds={"silver": 0.0, "gold": 1.0}, keep={"gold": 0.5}),
        AnyHistory(),
        AnySpend(),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
