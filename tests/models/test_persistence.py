import subprocess
import sys

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from scoring.errors import EquiscoreError
from scoring.models import KMeansSegments, ScoreBands, Scorecard, WoEBinner, persistence
from scoring.models.boosting import GradientBoosting
from scoring.models.persistence import load, save


class Foreign:
    """A type that no list names."""


def fitted(people):
    X, y = people
    return {
        "score_points": Scorecard(binner=WoEBinner(monotone={"age": "none"})).fit(X, y),
        "predict_proba": GradientBoosting(max_iter=10).fit(X, y),
        "transform": WoEBinner().fit(X, y),
        "predict": KMeansSegments(3, features=["age", "income"]).fit(X),
    }


@pytest.mark.parametrize("method", ["score_points", "predict_proba", "transform", "predict"])
def test_what_is_saved_is_what_is_loaded(people, tmp_path, method):
    estimator = fitted(people)[method]
    digest = save(estimator, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops", sha256=digest)
    assert type(again) is type(estimator)
    assert np.array_equal(getattr(again, method)(people[0]), getattr(estimator, method)(people[0]))


def test_bands_too(tmp_path):
    save(ScoreBands(edges=[1, 2], labels=["a", "b", "c"]).fit([[0.0]]), tmp_path / "bands.skops")
    assert load(tmp_path / "bands.skops").band([0, 1, 2]).tolist() == ["a", "b", "c"]


def test_a_foreign_estimator_is_refused_on_both_ways(people, tmp_path):
    X, y = people[0][["income"]], people[1]
    forest = RandomForestClassifier(2).fit(X, y)
    with pytest.raises(EquiscoreError, match="RandomForestClassifier, which is not kept here"):
        save(forest, tmp_path / "forest.skops")
    skops.io.dump(forest, tmp_path / "forest.skops")
    with pytest.raises(EquiscoreError, match="RandomForestClassifier, which is not kept here"):
        load(tmp_path / "forest.skops")


@pytest.mark.parametrize("inside", [Foreign(), RandomForestClassifier, LogisticRegression().fit], ids=["an object", "a type", "a method"])
def test_a_foreign_type_inside_one_of_ours_is_refused(tmp_path, inside):
    card = Scorecard(favourable=inside)
    with pytest.raises(EquiscoreError, match="not loaded here"):
        save(card, tmp_path / "card.skops")
    skops.io.dump(card, tmp_path / "card.skops")
    with pytest.raises(EquiscoreError, match="not loaded here"):
        load(tmp_path / "card.skops")


def test_another_file_under_the_same_name_is_refused(people, tmp_path):
    digest = save(WoEBinner().fit(*people), tmp_path / "model.skops")
    save(WoEBinner(max_bins=2).fit(*people), tmp_path / "model.skops")
    with pytest.raises(EquiscoreError, match="its SHA-256 is"):
        load(tmp_path / "model.skops", sha256=digest)


def test_rubbish_is_refused(tmp_path):
    (tmp_path / "model.skops").write_bytes(b"rubbish")
    with pytest.raises(EquiscoreError, match="is not a skops file"):
        load(tmp_path / "model.skops")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(people, tmp_path, monkeypatch):
    digest = save(WoEBinner().fit(*people), tmp_path / "model.skops")

    def full(_):
        raise OSError("disk full")

    monkeypatch.setattr(persistence.os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        save(WoEBinner(max_bins=2).fit(*people), tmp_path / "model.skops")
    assert [file.name for file in tmp_path.iterdir()] == ["model.skops"]
    assert load(tmp_path / "model.skops", sha256=digest).max_bins == 6


def test_the_list_names_types_that_exist():
    for name in persistence.TRUSTED:
        module, _, kind = name.rpartition(".")
        assert hasattr(__import__(module, fromlist=[kind]), kind)


def test_importing_the_package_loads_no_scikit_learn():
    heavy = "{'sklearn', 'pandas', 'numpy'} & set(sys.modules)"
    code = f"import sys, scoring.models; assert not {heavy}; scoring.models.Scorecard; assert {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_says_the_known_ones():
    import scoring.models

    with pytest.raises(AttributeError, match="KMeansSegments, ScoreBands, Scorecard, WoEBinner"):
        scoring.models.Scoredeck  # noqa: B018
