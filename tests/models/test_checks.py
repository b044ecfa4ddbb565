"""Every estimator keeps scikit-learn's contract."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from scoring.models import KMeansSegments, ScoreBands, Scorecard, WoEBinner
from scoring.models.boosting import GradientBoosting
from scoring.models.calibration import CalibratedScore
from scoring.models.logistic import LogisticScore


def expected_failures(estimator):
    if not isinstance(estimator, CalibratedScore):
        return {}
    # A row of weight 0, or a row that is there twice, is dealt to folds like any other person: another table, other folds, another map.
    # scikit-learn's own that cross-validate pass because the check hands them like folds for both tables through their parameter `cv`.
    return {"check_sample_weight_equivalence_on_dense_data": "rows are dealt to folds, so rows of weight 0 move the others"}


# two checks have four different rows, fewer than five segments: said as a warning, as scikit-learn's own KMeans does
@pytest.mark.filterwarnings("ignore:Only 4 different rows:sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        WoEBinner(),
        WoEBinner(monotone="none", unseen="error"),
        Scorecard(),
        Scorecard(round_points=False),
        LogisticScore(),
        GradientBoosting(max_iter=20),
        GradientBoosting(max_iter=20, interactions=False, monotone={}),
        CalibratedScore(folds=2),
        CalibratedScore(LogisticScore(), method="isotonic", folds=2),
        CalibratedScore(GradientBoosting(max_iter=10), method="temperature", folds=2),
        ScoreBands(),
        ScoreBands(edges=[0.0, 1.0]),
        KMeansSegments(n_init=2),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
