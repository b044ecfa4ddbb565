"""Studies on disk: the same input gives the same bytes, what is loaded is what was saved, and no change goes unseen."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.errors import StudyError
from scoring.provenance import MANIFEST, canonical, digest_of, faults_of, read_manifest
from scoring.storage import estimator_of

ACTIVITY = """\
reference: A-1
name: {en: Loans, fr: Prêts}
controller: {name: A, contact: a@a.example}
purposes: [{name: Loans, legal_basis: contract}]
persons: [Applicants]
data: [{name: Income}]
recipients: []
transfers: []
retention: [{data: All, period: 6 months}]
security: [Locks]
study:
  as_of: 2026-01-31
  source: {path: people.csv}
  columns:
    id: {type: text, roles: identifier}
    sex: {type: text, roles: protected}
    birth: {type: date, roles: protected}
    region: {type: text, roles: stratum}
    income: {type: number, roles: [feature]}
    job: {type: text, roles: [feature]}
    weight: {type: number, roles: weight}
    repaid: {type: text, roles: outcome}
  groups:
    sex: {column: sex}
    age: {column: birth, edges: [25, 66]}
  outcome: {column: repaid, favourable: "yes"}
  score: {train: {engine: ENGINE, folds: 3}}
  decision: {cutoff: {rule: accept_share, value: 0.6}}
  segments: {bands: {edges: [0.3, 500], labels: [C, B, A]}, offers: {A: card, B: card, C: null}}
"""


def people(n=400):
    rng = np.random.default_rng(11)
    income, job = rng.lognormal(10, 0.5, n), rng.choice(["fixed", "short"], n)
    return pd.DataFrame({
        "id": [f"person-{i}" for i in range(n)],
        "sex": pd.Series(rng.choice(["F", "M"], n)).mask(rng.random(n) < 0.05),
        "birth": pd.Timestamp("1930-01-01") + pd.to_timedelta(rng.integers(0, 27_000, n), unit="D"),
        "region": rng.choice(["north", "south"], n),
        "income": income.round(2),
        "job": job,
        "weight": rng.choice([1.0, 0.1, 2.5, -1.0], n, p=[0.5, 0.3, 0.18, 0.02]),
        "repaid": pd.Series(np.where(rng.random(n) < 0.3 + 0.4 * (income > 20_000), "yes", "no")).mask(rng.random(n) < 0.2),
    })  # fmt: skip


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("declared")
    people().to_csv(folder / "people.csv", index=False)
    for engine in ("scorecard", "gradient_boosting"):
        (folder / f"{engine}.yaml").write_text(ACTIVITY.replace("ENGINE", engine), encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=["scorecard", "gradient_boosting"])
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def study(declared, engine):
    return scoring.conduct_study(scoring.ProcessingActivity.read(declared / f"{engine}.yaml"))


@pytest.fixture(scope="module")
def saved(study, tmp_path_factory):
    return study.save(tmp_path_factory.mktemp("saved") / "study")


@pytest.fixture
def folder(saved, tmp_path):
    copy = tmp_path / "study"
    copy.mkdir()
    for path in saved.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


RUN = "import sys, scoring; scoring.conduct_study(scoring.ProcessingActivity.read(sys.argv[1])).save(sys.argv[2])"


def start(activity, out, seed, zone):
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
    return subprocess.Popen([sys.executable, "-W", "error", "-c", RUN, str(activity), str(out)], env=environment, cwd=out.parent)


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_input_and_seed_give_the_same_bytes(declared, tmp_path):
    """In two processes, with other hashes, in other time zones, in other folders."""
    outs = tmp_path / "one", tmp_path / "two"
    runs = [start(declared / "scorecard.yaml", out, *said) for out, said in zip(outs, (("1", "Pacific/Kiritimati"), ("2", "UTC")), strict=True)]
    assert [run.wait(300) for run in runs] == [0, 0]
    assert content_of(outs[0]) == content_of(outs[1])


def test_a_study_made_again_is_the_same_bytes_model_and_all(declared, saved, engine, tmp_path):
    again = content_of(scoring.conduct_study(scoring.ProcessingActivity.read(declared / f"{engine}.yaml")).save(tmp_path / "again"))
    first = content_of(saved)
    assert {name for name in first if first[name] != again.get(name)} == set()


def test_what_is_loaded_is_what_was_saved(study, saved):
    loaded = scoring.Study.load(saved)
    for name in ("rates", "disparities", "verdicts", "judged", "bounds", "segments", "offers", "association", "everybody", "findings"):
        one, other = getattr(study, name)(), getattr(loaded, name)()
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(other, one, check_dtype=True)
        else:
            assert other == one
    pd.testing.assert_series_equal(loaded.rejects(), study.rejects())
    pd.testing.assert_frame_equal(loaded.at_cutoff(study.cutoff).verdicts(), study.at_cutoff(study.cutoff).verdicts())
    assert (loaded.facts, loaded.document, loaded.source, loaded.environment) == (study.facts, study.document, study.source, study.environment)


def test_a_loaded_study_is_saved_in_the_same_bytes_but_for_its_model(saved, tmp_path):
    again = scoring.Study.load(saved).save(tmp_path / "again")
    for name in ("study.json", "cells.parquet", "histogram.parquet"):
        assert (again / name).read_bytes() == (saved / name).read_bytes()


def test_a_loaded_study_bears_the_digest_of_its_manifest(saved):
    assert scoring.Study.load(saved).digest == read_manifest(saved)["digest"]


def unpacked(folder):
    """Every file, and what is inside those that are archives: in packed bytes any two letters may stand by chance."""
    for path in folder.iterdir():
        if not zipfile.is_zipfile(path):
            yield path.name, path.read_bytes()
            continue
        with zipfile.ZipFile(path) as archive:
            yield from ((f"{path.name}/{name}", archive.read(name)) for name in archive.namelist())


def test_no_file_names_a_person_or_a_place_on_this_machine(saved, declared):
    places = [str(declared), str(Path.cwd()), str(Path.home()), "/tmp", "person-", os.uname().nodename]
    held = dict(unpacked(saved))
    assert [(name, place) for name, content in held.items() for place in places if place.encode() in content] == []


def test_no_url_of_a_database_brings_its_folder_or_account_into_a_study(declared, tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "shop.db") as database:
        people().to_sql("people", database, index=False)
    database.close()
    text = ACTIVITY.replace("ENGINE", "scorecard").replace("{path: people.csv}", f"{{url: 'sqlite:///{tmp_path}/shop.db', table: people}}")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    study = scoring.conduct_study(scoring.ProcessingActivity.read(tmp_path / "a.yaml"))
    folder = study.save(tmp_path / "study")
    assert [path.name for path in folder.iterdir() if str(tmp_path).encode() in path.read_bytes()] == []
    of_csv = scoring.conduct_study(scoring.ProcessingActivity.read(declared / "scorecard.yaml"))
    pd.testing.assert_frame_equal(study.verdicts(), of_csv.verdicts())


@pytest.mark.parametrize("part", [0.0, 0.3, 0.7, 1.0])
def test_any_changed_byte_refuses_the_study_and_names_the_file(folder, part):
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        place = min(int(part * len(whole)), len(whole) - 1)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(StudyError, match=rf"{path.name}.*Fix:"):
            scoring.Study.load(folder)
        path.write_bytes(whole)
    assert faults_of(folder) == []


def test_a_folder_cut_short_is_refused_whatever_is_missing(folder):
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        path.unlink()
        with pytest.raises(StudyError, match=rf"{path.name}.*Fix:"):
            scoring.Study.load(folder)
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(StudyError, match=rf"{path.name}.*Fix:"):
            scoring.Study.load(folder)
        path.write_bytes(whole)


def sealed_with(folder, **changes):
    """The manifest changed and sealed again, as another version would have written it."""
    manifest = {**read_manifest(folder), **changes}
    manifest["digest"] = digest_of(manifest)
    (folder / MANIFEST).write_bytes(canonical(manifest))


def test_a_format_of_the_future_is_not_guessed_at(folder):
    sealed_with(folder, format=99)
    with pytest.raises(StudyError, match=r"format 99 is not known here\. Fix:"):
        scoring.Study.load(folder)


def test_a_study_that_this_version_cannot_read_names_the_one_that_wrote_it(folder):
    from scoring.provenance import describe

    held = json.loads((folder / "study.json").read_bytes())
    content = canonical({**held, "plan": {**held["plan"], "novelty": 1}})
    (folder / "study.json").write_bytes(content)
    sealed_with(folder, equiscore="9.9", files={**read_manifest(folder)["files"], "study.json": describe(content)})
    with pytest.raises(StudyError, match=r"Fix: read it with equiscore 9\.9"):
        scoring.Study.load(folder)


def test_a_study_is_not_saved_over_a_foreign_folder(study, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StudyError, match="something else is there"):
        study.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_model_read_back_scores_as_it_did(study, saved):
    features = people()[["income", "job"]]
    before, after = study.estimator, estimator_of(saved)
    np.testing.assert_array_equal(after.predict_proba(features), before.predict_proba(features))


def test_a_model_of_a_changed_study_is_not_opened(folder):
    (path,) = [path for path in folder.iterdir() if path.name in {"scorecard.json", "model.skops"}]
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(StudyError, match=rf"{path.name}.*Fix:"):
        estimator_of(folder)


def test_a_study_without_a_model_has_none(tmp_path):
    frame = pd.DataFrame({"sex": ["F", "M"] * 50, "granted": [1, 0, 1, 1] * 25})
    folder = scoring.audit(frame, decision="granted", favourable=1, groups=["sex"]).save(tmp_path / "study")
    assert (estimator_of(folder), sorted(path.name for path in folder.iterdir())) == (
        None,
        [MANIFEST, "cells.parquet", "histogram.parquet", "study.json"],
    )
    pd.testing.assert_frame_equal(
        scoring.Study.load(folder).verdicts(), scoring.audit(frame, decision="granted", favourable=1, groups=["sex"]).verdicts()
    )
