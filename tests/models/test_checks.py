"""Every estimator keeps scikit-learn's contract."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from scoring.models import KMeansSegments, ScoreBands, Scorecard, WoEBinner
from scoring.models.boosting import GradientBoosting


# two checks have four different rows, fewer than five segments: said as a warning, as scikit-learn's own KMeans does
@pytest.mark.filterwarnings("ignore:Only 4 different rows:sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        WoEBinner(),
        WoEBinner(monotone="none", unseen="error"),
        Scorecard(),
        Scorecard(round_points=False),
        GradientBoosting(max_iter=20),
        ScoreBands(),
        ScoreBands(edges=[0.0, 1.0]),
        KMeansSegments(n_init=2),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
