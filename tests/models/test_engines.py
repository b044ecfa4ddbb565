import numpy as np
import pytest

from scoring.errors import EquiscoreError
from scoring.models.boosting import GradientBoosting
from scoring.models.calibration import CalibratedScore
from scoring.models.engines import CALIBRATIONS, ENGINES, engine_parameters, make_engine
from scoring.models.logistic import LogisticScore
from scoring.models.scorecard import Scorecard
from scoring.models.training import favourable_scores


def test_engines_are_made_by_name():
    kinds = {"scorecard": Scorecard, "logistic": LogisticScore, "gradient_boosting": GradientBoosting}
    assert {name: type(make_engine(name, favourable="good")) for name in ENGINES} == kinds


def test_a_scorecard_takes_the_parameters_of_its_binner():
    card = make_engine("scorecard", pdo=40, monotone="none")
    assert (card.pdo, card.binner.monotone) == (40, "none")
    assert make_engine("scorecard", pdo=40).binner is None
    assert {"pdo", "monotone"} <= set(engine_parameters("scorecard"))


def test_a_calibration_wraps_the_engine():
    made = make_engine("logistic", calibration="temperature", C=0.5, favourable="good")
    assert isinstance(made, CalibratedScore)
    assert (made.method, made.favourable, made.estimator.C) == ("temperature", "good", 0.5)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("forest", {}, r"No engine 'forest'.*scorecard"),
        ("logistics", {}, "was 'logistic' meant"),
        ("logistic", {"calibration": "platt"}, "No calibration 'platt'"),
        ("logistic", {"c": 1}, "was 'C' meant"),
        ("gradient_boosting", {"interaction": False}, "was 'interactions' meant"),
        ("scorecard", {"max_bin": 3}, "has no parameter 'max_bin'"),
    ],
)
def test_what_is_not_known_is_refused_by_name(name, arguments, says):
    with pytest.raises(EquiscoreError, match=says) as refused:
        make_engine(name, **arguments)
    assert "Fix:" in str(refused.value)


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("favourable", ["good", "bad"])
def test_scores_rise_with_the_favourable_class_and_one_row_scores_as_in_a_batch(people, name, calibration, favourable):
    X, y = people
    small = {"max_iter": 15} if name == "gradient_boosting" else {}
    fitted = make_engine(name, calibration=calibration, favourable=favourable, **small).fit(X, y)
    scores = favourable_scores(fitted, X)
    assert scores[y == favourable].mean() > scores[y != favourable].mean()
    alone = np.concatenate([favourable_scores(fitted, X.iloc[[i]]) for i in range(0, 400, 40)])
    assert alone.tobytes() == scores[::40].tobytes()
    assert favourable_scores(fitted, X.iloc[100:237]).tobytes() == scores[100:237].tobytes()
