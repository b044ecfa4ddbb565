"""Each drawing of a study takes the table that it is named after, as it may be published."""

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.drawings import DRAWINGS
from scoring.errors import EquiscoreError, StudyError


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(2)
    n = 3_000
    sex = rng.choice(["F", "M", None], n, p=[0.45, 0.52, 0.03]).astype(object)
    sex[:4] = "X"
    score = rng.normal(500, 50, n) - 20 * (sex == "F")
    frame = pd.DataFrame({"sex": sex, "age": rng.integers(18, 90, n), "score": score, "optin": rng.choice(["yes", "no"], n, p=[0.9, 0.1])})
    frame["granted"] = np.where(frame["optin"] == "yes", np.where(score > 490, "yes", "no"), None)
    frame["repaid"] = np.where(rng.random(n) < 1 / (1 + np.exp(-(score - 450) / 40)), "yes", "no")
    groups = {"sex": None, "age": [25, 66]}
    said = {"decision": "granted", "favourable": "yes", "outcome": "repaid", "score": "score", "funnel": {"reachable": ("optin", "yes")}}
    return scoring.audit(frame, groups=groups, **said)


@pytest.mark.parametrize("kind", sorted(set(DRAWINGS) - {"waterfall", "frontier"}))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_study_draws_itself(study, kind, language):
    drawn = study.plot(kind=kind, language=language)
    assert drawn._repr_png_().startswith(b"\x89PNG")
    words = " ".join(text.get_text() for text in drawn.figure.findobj(lambda one: hasattr(one, "get_text")))
    assert "sex: X" not in words


def test_the_roc_of_a_published_study_never_steps_by_fewer_than_ten_people(study):
    shown = study.published()
    for name in ("sex", "age"):
        rows = shown.roc(name)
        hits = rows.pivot_table(index="cutoff", columns="group", values="hits", aggfunc="sum").sort_index(ascending=False)
        assert len(hits) > 3
        assert (hits.diff().iloc[1:] >= 10).all(axis=None)
        assert (hits.iloc[0] >= 10).all()


def test_the_calibration_of_groups_adds_up_to_that_of_everybody(study):
    whole, by = study.calibration(), study.calibration(by="sex")
    assert by.groupby("part")[["people", "good"]].sum().to_numpy().tolist() == whole[["people", "good"]].to_numpy().tolist()
    assert "X" not in set(study.published().calibration(by="sex")["group"])


def test_an_unknown_drawing_or_attribute_is_said(study):
    with pytest.raises(EquiscoreError, match=r"No drawing 'heat'\. Fix: did you mean 'heatmap'\?"):
        study.plot(kind="heat")
    with pytest.raises(EquiscoreError, match=r"No attribute 'town'\. Fix: use one of sex, age\."):
        study.plot(kind="roc", attribute="town")
    with pytest.raises(StudyError, match="This study holds no drivers"):
        study.plot(kind="waterfall")
    with pytest.raises(StudyError, match="This study holds no alternatives"):
        study.plot(kind="frontier")


def test_two_studies_are_compared_group_by_group(study):
    rows = study.changes(study, shared="none")
    single = rows[rows["attribute"] == "sex"].query("metric == 'selection_rate'").set_index("group")
    assert single.loc["F", "change"] == pytest.approx(1)
    assert single.loc["F", "moved"] == "not shown"
    assert study.changes(study)["change_low"].isna().all()
