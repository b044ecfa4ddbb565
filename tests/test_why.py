"""What drives the gaps in a score, and which features stand for a group: worked out with the study, kept with it, published like it."""

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.activity import ProcessingActivity
from scoring.errors import StudyError
from scoring.plan import Plan
from scoring.study import Study


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(4)
    n = 1_500
    sex = np.where(rng.random(n) < 0.4, "F", "M").astype(object)
    sex[:12] = None
    sex[12:15] = "X"
    shoe = rng.normal(np.where(sex == "F", 37, 43), 2).round(1)
    income = rng.lognormal(7.5, 0.4, n).round()
    good = rng.random(n) < 1 / (1 + np.exp(-(np.log(income) - 7.5) * 2 - 1 - (shoe - 41) / 8))
    frame = pd.DataFrame({"sex": sex, "shoe": shoe, "income": income, "repaid": np.where(good, "yes", "no")})
    columns = {
        "sex": {"type": "text", "roles": "protected"},
        "shoe": {"type": "number", "roles": "feature"},
        "income": {"type": "number", "roles": "feature"},
        "repaid": {"type": "text", "roles": "outcome"},
    }
    plan = Plan.model_validate({
        "columns": columns, "groups": {"sex": {"column": "sex"}}, "outcome": {"column": "repaid", "favourable": "yes"},
        "score": {"train": {"engine": "scorecard"}}, "decision": {"cutoff": {"rule": "accept_share", "value": 0.6}},
    })  # fmt: skip
    activity = ProcessingActivity.model_construct(study=plan)
    kept, ProcessingActivity.document = ProcessingActivity.document, lambda _: {}
    try:
        return scoring.conduct_study(activity, frame, why=True)
    finally:
        ProcessingActivity.document = kept


def test_the_parts_of_a_gap_add_up_to_the_gap_in_mean_points(study):
    rows = study.drivers()
    for _, part in rows.groupby("group"):
        assert part["gap"].sum() == pytest.approx(part["total_gap"].iloc[0], abs=1e-9)
    card = study.estimator.points_table()
    assert set(rows["feature"]) <= set(card["feature"])


def test_the_feature_that_stands_for_the_group_is_named_and_the_other_is_not(study):
    rows = study.carriers().query("group == 'F'").set_index("feature")
    assert rows.loc["shoe", "both"]
    assert not rows.loc["income", "both"]


def test_the_unknown_are_counted_and_left_out_of_the_rest(study):
    rows = study.proxies().query("level == 'F' and feature == '(all)'")
    assert rows["unknown"].tolist() == [12]
    assert study.drivers().query("group == 'F'")["people"].iloc[0] + study.drivers().query("group == 'F'")["reference_people"].iloc[0] == 1_488


def test_what_is_kept_is_read_back_and_published_without_small_groups(study, tmp_path):
    read = Study.load(study.save(tmp_path / "study"))
    for name in ("drivers", "proxies"):
        pd.testing.assert_frame_equal(getattr(read, name)(), getattr(study, name)(), check_dtype=False)
    shown = read.published()
    assert "X" in set(study.drivers()["group"])
    assert "X" not in set(shown.drivers()["group"]) | set(shown.proxies()["level"]) | set(shown.carriers()["group"])
    assert shown.drivers().query("group == '(small groups)'")["folded"].str.contains("X").all()


def test_without_being_asked_for_nothing_is_worked_out_and_the_error_says_how():
    frame = pd.DataFrame({"sex": ["F", "M"] * 20, "ok": [1, 0] * 20})
    made = scoring.audit(frame, groups=["sex"], decision="ok", favourable=1)
    with pytest.raises(StudyError, match=r"This study holds no drivers\. Fix: make it with conduct_study\(\.\.\., why=True\)"):
        made.drivers()
