"""A file is scored as the study scores in memory: row for row, whatever the batches, and nobody is lost."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring import cli
from scoring.customers.intake import admit, pseudonymise
from scoring.errors import ContractError, EquiscoreError
from scoring.fairness.one_pass import SCORE_COLUMN, SEGMENT_COLUMN
from scoring.models import KMeansSegments, ScoreBands, Scorecard, persistence
from scoring.models.boosting import GradientBoosting
from scoring.models.training import favourable_scores
from scoring.plan import Plan
from scoring.rejects import rejected_rows
from scoring.scores import Scored, features_of, person_rows, score_customers
from scoring.serving.score_files import score_file, score_frame
from scoring.serving.served import serve
from scoring.tables import collect, extended

N = 600
FILES = Path(__file__).parent / "models/files"
COLUMNS = {
    "id": {"type": "text", "roles": "identifier"},
    "sex": {"type": "text", "roles": "protected"},
    "income": {"type": "number", "roles": "feature"},
    "job": {"type": "text", "roles": "feature"},
    "age": {"type": "integer", "roles": "feature"},
    "member": {"type": "boolean", "roles": "feature"},
    "repaid": {"type": "text", "roles": "outcome"},
    "score": {"type": "number", "roles": "score"},
    "granted": {"type": "text", "roles": "decision"},
}
ACCEPT = {"cutoff": {"rule": "accept_share", "value": 0.5}}
BANDS = {"bands": {"edges": [520.0, 560.0], "labels": ["C", "B", "A"]}, "offers": {"A": "card", "B": "card", "C": None}}
KMEANS = {"kmeans": {"segments": 3, "features": ["income", "age"], "seed": 5, "replicates": 0}}


def people(n=N, seed=3):
    rng = np.random.default_rng(seed)
    income, job = rng.lognormal(10, 0.5, n), rng.choice(["fixed", "short", "none", "  ", None], n, p=[0.5, 0.3, 0.1, 0.05, 0.05])
    odds = 1.5 * (np.log(income) - 10) + 1.0 * (job == "fixed")
    return pd.DataFrame({
        "id": [f"person-{seed}-{i}" for i in range(n)],
        "sex": rng.choice(["F", "M"], n),
        "income": np.where(rng.random(n) < 0.05, np.nan, income),
        "job": pd.Series(job, dtype=object),
        "age": pd.array(np.where(rng.random(n) < 0.1, None, rng.integers(18, 80, n)), dtype="Int64"),
        "member": rng.random(n) < 0.5,
        "repaid": np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), "yes", "no"),
        "score": np.round(income / 1000, 1),
        "granted": np.where(income > 20_000, "yes", "no"),
    })  # fmt: skip


def plan(**changes):
    asked = {
        "columns": COLUMNS,
        "groups": {"sex": {"column": "sex"}},
        "decision": ACCEPT,
        "outcome": {"column": "repaid", "favourable": "yes"},
        "score": {"train": {"folds": 3}},
        "bounds": {"max_rejected_share": 0.5},
        **changes,
    }
    return Plan(**{name: value for name, value in asked.items() if value is not None})


def declared(folder, **changes):
    """An activity whose source is a file of a folder, as it would be read from its YAML."""
    people().to_parquet(folder / "customers.parquet")
    study = plan(**changes, source={"path": folder / "customers.parquet"})
    sample = scoring.ProcessingActivity.read(Path(__file__).parents[1] / "data/samples/credit/activity.yaml")
    return sample.model_copy(update={"study": study})


def known_road(activity, frame, **served):
    """What `person_rows` says of the same people by the same model, all in memory."""
    asked = activity.study
    model = serve(asked, **served)
    table = admit(asked, frame)
    rows = collect(table.frame)
    if model.estimator is not None:
        X = features_of(rows, table, asked)
        table = extended(table, rows, {SCORE_COLUMN: pa.array(favourable_scores(model.estimator, X[list(model.estimator.feature_names_in_)]))})
    if asked.segments is not None and asked.segments.bands is not None:
        rows = collect(table.frame)
        bands = ScoreBands(edges=asked.segments.bands.edges, labels=asked.segments.bands.names)
        score = rows[table.own[SCORE_COLUMN if model.estimator is not None else asked.score.column]].to_pandas()
        table = extended(table, rows, {SEGMENT_COLUMN: pa.array(bands.band(score.fillna(0)), mask=score.isna().to_numpy())})
    if asked.segments is not None and asked.segments.kmeans is not None:
        rows, names = collect(table.frame), ["income", "age"]
        made = KMeansSegments(3, 5, features=names).fit(people()[names].astype(float))
        labels = made.predict(pd.DataFrame({name: rows[table.own[name]].to_pandas() for name in names}))
        table = extended(table, rows, {SEGMENT_COLUMN: pa.array(labels.astype(str))})
    return person_rows(Scored(table, model.cutoff), asked)


def columns(table):
    return {name: table[name].to_pylist() for name in table.column_names}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("EQUISCORE_KEY", "secret")


WAYS = {
    "scorecard": {},
    "boosting": {"score": {"train": {"engine": "gradient_boosting", "folds": 2}}},
    "bands and offers": {"segments": BANDS},
    "k-means": {"segments": KMEANS},
    "no identifier": {"columns": {name: held for name, held in COLUMNS.items() if name != "id"}},
    "a column": {"score": {"column": "score"}, "segments": {"bands": {"edges": [18.0, 25.0]}}},
    "a column, more is worse": {"score": {"column": "score", "higher_is": "worse"}},
    "a cut-off given": {"decision": {"cutoff": {"rule": "value", "value": 540}}},
    "a decision that exists": {"decision": {"column": "granted", "favourable": "yes"}},
}


# ---- two roads ----


@pytest.mark.parametrize("changes", WAYS.values(), ids=WAYS)
def test_a_file_is_scored_as_the_study_scores_in_memory(tmp_path, changes):
    activity, new = declared(tmp_path, **changes), people(400, seed=9)
    new.to_parquet(tmp_path / "new.parquet")
    tally = score_file(activity, tmp_path / "new.parquet", tmp_path / "out.parquet", rows=70)
    out, other = columns(pq.read_table(tmp_path / "out.parquet")), columns(known_road(activity, new))
    assert out.pop("reason") == [None] * 400
    assert out == other
    assert list(out) == list(other)
    assert (tally.rows, tally.scored, tally.unscored, tally.rejected) == (400, 400, 0, {})
    assert tally.favoured == (sum(out["favoured"]) if "favoured" in out else None)


@pytest.fixture(scope="module")
def batched(tmp_path_factory):
    """A file in small parts and two models of it, the trees few."""
    folder = tmp_path_factory.mktemp("batches")
    activity, known = declared(folder, segments=BANDS), people()
    features = known[["income", "job", "age", "member"]].replace(r"^\s*$", None, regex=True)
    persistence.save(Scorecard(favourable="yes").fit(features, known["repaid"]), folder / "scorecard.json")
    persistence.save(GradientBoosting(max_iter=8, favourable="yes").fit(features, known["repaid"]), folder / "boosting.skops")
    people(500, seed=4).to_parquet(folder / "new.parquet", row_group_size=90)
    return activity, folder


@pytest.mark.parametrize("model", ["scorecard.json", "boosting.skops"])
@settings(max_examples=8, deadline=None)
@given(rows=st.integers(7, 700))
def test_the_batches_change_nothing(batched, model, rows):
    activity, folder = batched
    for name, size in (("one", 1 << 20), ("other", rows)):
        score_file(activity, folder / "new.parquet", folder / f"{name}.parquet", model=folder / model, cutoff=540.0, rows=size)
    assert pq.read_table(folder / "one.parquet").equals(pq.read_table(folder / "other.parquet"))


def test_csv_gives_what_parquet_gives_and_is_written_as_well(tmp_path):
    activity, new = declared(tmp_path, segments=BANDS), people(300, seed=9)
    new.to_parquet(tmp_path / "new.parquet")
    new.to_csv(tmp_path / "new.csv", index=False)
    score_file(activity, tmp_path / "new.parquet", tmp_path / "a.parquet")
    score_file(activity, tmp_path / "new.csv", tmp_path / "b.parquet")
    score_file(activity, tmp_path / "new.csv", tmp_path / "c.csv", rows=100)
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))
    written = pd.read_csv(tmp_path / "c.csv", keep_default_na=False)
    assert written["person"].tolist() == pseudonymise(new["id"], b"secret")
    assert written["segment"].tolist() == pq.read_table(tmp_path / "a.parquet")["segment"].to_pylist()


def test_a_folder_of_files_is_scored_in_the_order_of_their_names(tmp_path):
    activity, new = declared(tmp_path), people(300, seed=9)
    (tmp_path / "parts").mkdir()
    for i in (2, 0, 1):
        new[i * 100 : (i + 1) * 100].to_parquet(tmp_path / f"parts/part-{i}.parquet")
    new.to_parquet(tmp_path / "new.parquet")
    for source, out in (("parts", "a.parquet"), ("new.parquet", "b.parquet")):
        score_file(activity, tmp_path / source, tmp_path / out)
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))


def test_only_the_columns_that_are_needed_have_to_be_there(tmp_path):
    activity, new = declared(tmp_path), people(300, seed=9)
    new.to_parquet(tmp_path / "new.parquet")
    new[["member", "age", "id", "income", "job"]].assign(more=1).to_parquet(tmp_path / "few.parquet")
    for name in ("new", "few"):
        score_file(activity, tmp_path / f"{name}.parquet", tmp_path / f"{name}.out.parquet")
    assert pq.read_table(tmp_path / "new.out.parquet").equals(pq.read_table(tmp_path / "few.out.parquet"))


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_a_frame_is_scored_as_a_file(tmp_path, kind):
    activity, new = declared(tmp_path, segments=BANDS), people(300, seed=9)
    new.to_parquet(tmp_path / "new.parquet")
    score_file(activity, tmp_path / "new.parquet", tmp_path / "out.parquet")
    made = {"pandas": lambda: new, "arrow": lambda: pa.Table.from_pandas(new), "polars": lambda: __import__("polars").from_pandas(new)}[kind]()
    assert columns(score_frame(activity, made)) == columns(pq.read_table(tmp_path / "out.parquet"))


# ---- models ----


def test_a_study_gives_its_model_and_its_cutoff(tmp_path, monkeypatch):
    activity, new = declared(tmp_path, segments=BANDS), people(300, seed=9)
    new.to_parquet(tmp_path / "new.parquet")
    study = scoring.conduct_study(activity)
    study.save(tmp_path / "study")
    score_file(activity, tmp_path / "new.parquet", tmp_path / "a.parquet")
    (tmp_path / "customers.parquet").unlink()
    monkeypatch.setattr("scoring.serving.served.score_customers", lambda *_: pytest.fail("it was trained again"))
    tally = score_file(activity, tmp_path / "new.parquet", tmp_path / "b.parquet", model=tmp_path / "study")
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))
    assert tally.cutoff == study.cutoff
    assert tally.model.startswith("the study study (")


@pytest.mark.parametrize("engine", ["scorecard", "gradient_boosting"])
def test_a_model_file_gives_what_its_study_gives(tmp_path, engine):
    activity, new = declared(tmp_path, score={"train": {"engine": engine, "folds": 3}}), people(300, seed=9)
    new.to_parquet(tmp_path / "new.parquet")
    study = scoring.conduct_study(activity)
    study.save(tmp_path / "study")
    held = next(path for path in (tmp_path / "study").iterdir() if path.name in {"scorecard.json", "model.skops"})
    for name, model in (("a", tmp_path / "study"), ("b", held)):
        score_file(activity, tmp_path / "new.parquet", tmp_path / f"{name}.parquet", model=model, cutoff=study.cutoff if name == "b" else None)
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))


def test_a_model_file_without_a_cutoff_is_refused_where_a_study_would_choose_it(tmp_path):
    activity = declared(tmp_path)
    persistence.save(serve(activity.study).estimator, tmp_path / "card.json")
    people(50, seed=9).to_parquet(tmp_path / "new.parquet")
    with pytest.raises(ContractError, match=r"a model file holds none\. Fix: give the folder of the study as the model, or the cut-off itself"):
        score_file(activity, tmp_path / "new.parquet", tmp_path / "out.parquet", model=tmp_path / "card.json")


def test_a_study_of_another_declaration_is_refused(tmp_path):
    activity = declared(tmp_path)
    scoring.conduct_study(activity).save(tmp_path / "study")
    other = declared(tmp_path, decision={"cutoff": {"rule": "accept_share", "value": 0.6}})
    with pytest.raises(ContractError, match=r"a study of another declaration: study\.decision differ\. Fix:"):
        score_file(other, tmp_path / "customers.parquet", tmp_path / "out.parquet", model=tmp_path / "study")


def test_k_means_segments_of_a_study_need_its_customers_as_they_were(tmp_path):
    activity = declared(tmp_path, segments=KMEANS)
    scoring.conduct_study(activity).save(tmp_path / "study")
    people(200, seed=9).to_parquet(tmp_path / "new.parquet")
    for name, model in (("a", None), ("b", tmp_path / "study")):
        score_file(activity, tmp_path / "new.parquet", tmp_path / f"{name}.parquet", model=model)
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))
    people(N, seed=8).to_parquet(tmp_path / "customers.parquet")
    with pytest.raises(ContractError, match=r"were learned from other customers than stand there now.*Fix:"):
        score_file(activity, tmp_path / "new.parquet", tmp_path / "out.parquet", model=tmp_path / "study")


def test_a_tampered_model_is_refused_and_a_segmenter_is_no_model(tmp_path):
    activity = declared(tmp_path)
    persistence.save(serve(activity.study).estimator, tmp_path / "card.skops")
    held = bytearray((tmp_path / "card.skops").read_bytes())
    held[200] ^= 1
    (tmp_path / "bad.skops").write_bytes(held)
    persistence.save(KMeansSegments(2, features=["income"]).fit(people()[["income"]]), tmp_path / "segments.skops")
    for name, said in (("bad", "changed since it was written"), ("segments", "a KMeansSegments gives no score"), ("none", "no model can be read")):
        with pytest.raises(EquiscoreError, match=rf"{said}.*Fix:"):
            score_file(activity, tmp_path / "customers.parquet", tmp_path / "out.parquet", model=tmp_path / f"{name}.skops", cutoff=500)
    assert not (tmp_path / "out.parquet").exists()


# ---- nobody is lost ----


def test_rows_that_break_the_contract_are_told_as_the_study_tells_them(tmp_path):
    new = people(300, seed=9).astype({"age": object, "member": object, "income": object})
    new.loc[3, "age"], new.loc[7, "member"], new.loc[11, "income"], new.loc[13, ["age", "income"]] = "12.5", "perhaps", "much", ["x", "y"]
    new.to_csv(tmp_path / "new.csv", index=False)
    activity = declared(tmp_path)
    tally = score_file(activity, tmp_path / "new.csv", tmp_path / "out.parquet", rejects_to=tmp_path / "rejects.csv", rows=40)
    asked = activity.study.model_copy(update={"source": activity.study.source.model_copy(update={"path": tmp_path / "new.csv"})})
    study = rejected_rows(score_customers(admit(asked), asked).table, asked, cutoff=0.0).to_pandas()
    listed = pd.read_csv(tmp_path / "rejects.csv")
    pd.testing.assert_frame_equal(listed, study.astype(listed.dtypes.to_dict()))
    assert listed["row"].tolist() == [4, 8, 12, 14]
    out = pq.read_table(tmp_path / "out.parquet").to_pandas()
    assert out.loc[[3, 7, 11, 13], ["score", "favoured"]].isna().all(axis=None)
    assert out.loc[[3, 7, 11, 13], "person"].tolist() == pseudonymise(new["id"][[3, 7, 11, 13]], b"secret")
    assert out["score"].notna().sum() == tally.scored == 296
    assert tally.rejected == {"income: not a number": 2, "age: not an integer": 1, "member: not true or false": 1}


def test_those_without_a_score_are_counted_apart(tmp_path):
    activity, new = declared(tmp_path, score={"column": "score"}, segments={"bands": {"edges": [20.0]}}), people(100, seed=9)
    new["score"] = pa.array([None, np.nan, np.inf, *new["score"][3:]], from_pandas=False).to_pandas(types_mapper=pd.ArrowDtype)
    new.to_parquet(tmp_path / "new.parquet")
    tally = score_file(activity, tmp_path / "new.parquet", tmp_path / "out.parquet")
    out = pq.read_table(tmp_path / "out.parquet")
    assert (tally.scored, tally.unscored, tally.rejected) == (97, 1, {"score: not a number": 2})
    assert out["reason"].to_pylist()[:4] == ["score: empty, so no decision", "score: not a number", "score: not a number", None]
    assert out["segment"].null_count == out["favoured"].null_count == 3


def test_an_endless_feature_is_rejected_not_scored(tmp_path):
    activity, new = declared(tmp_path), people(100, seed=9)
    new.loc[5, "income"] = np.inf
    new.to_parquet(tmp_path / "new.parquet")
    tally = score_file(activity, tmp_path / "new.parquet", tmp_path / "out.parquet")
    assert (tally.scored, tally.rejected) == (99, {"income: not a finite number": 1})


@settings(max_examples=15, deadline=None)
@given(broken=st.sets(st.integers(0, 99), max_size=45), rows=st.integers(1, 120))
def test_every_row_comes_out_in_its_place(tmp_path_factory, broken, rows):
    folder = tmp_path_factory.getbasetemp() / "nobody"
    folder.mkdir(exist_ok=True)
    activity = declared(folder, score={"column": "score"})
    new = people(100, seed=9)
    new["score"] = np.where(new.index.isin(broken), np.inf, new["score"])
    new.to_parquet(folder / "new.parquet")
    tally = score_file(activity, folder / "new.parquet", folder / "out.parquet", cutoff=20.0, rows=rows)
    out = pq.read_table(folder / "out.parquet").to_pandas()
    assert out["person"].tolist() == pseudonymise(new["id"], b"secret")
    assert set(out.index[out["reason"].notna()]) == broken
    assert tally.rows == 100 == tally.scored + tally.unscored + sum(tally.rejected.values())
    assert tally.favoured == ((new["score"] >= 20) & ~new.index.isin(broken)).sum()


def test_offers_of_segments_that_are_numbers_are_found(tmp_path):
    tiers = {**COLUMNS, "tier": {"type": "integer", "roles": "segment"}}
    activity = declared(tmp_path, score={"column": "score"}, columns=tiers, segments={"column": "tier", "offers": {"1": "card", "2": None}})
    people(50, seed=9).assign(tier=[1, 2] * 25).to_parquet(tmp_path / "new.parquet")
    score_file(activity, tmp_path / "new.parquet", tmp_path / "out.parquet", cutoff=20.0)
    assert pq.read_table(tmp_path / "out.parquet")["offer"].to_pylist() == ["card", None] * 25


# ---- bad input: one clear error, and nothing half-written ----

BAD = {
    "a missing column": (lambda f: f.drop(columns="income"), r"column 'income' is declared but not there"),
    "a missing identifier": (lambda f: f.drop(columns="id"), r"column 'id' is declared but not there"),
    "no rows": (lambda f: f[:0], "no rows"),
    "text for numbers": (lambda f: f.assign(income="much"), r"100 of 100 rows \(100\.0%\) break the contract.*income: not a number"),
    "a person twice": (lambda f: pd.concat([f, f[:5]]), "5 repeat an identifier"),
}


@pytest.mark.parametrize(("spoil", "said"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_bad_file_is_one_clear_error_and_nothing_is_written(tmp_path, spoil, said, kind):
    activity, bad = declared(tmp_path), spoil(people(100, seed=9))
    bad.to_csv(tmp_path / "bad.csv", index=False) if kind == "csv" else bad.to_parquet(tmp_path / "bad.parquet")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(EquiscoreError, match=rf"(?s){said}.*Fix:"):
        score_file(activity, tmp_path / f"bad.{kind}", tmp_path / "deep/er/out.parquet", rejects_to=tmp_path / "rejects.csv")
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_breaks_off_leaves_nothing_and_the_engine_can_go_on(tmp_path):
    activity, new = declared(tmp_path), people(4000, seed=9)
    new.to_csv(tmp_path / "new.csv", index=False)
    with (tmp_path / "new.csv").open("a") as stream:
        stream.write('"person-x,F,1\n')
    with pytest.raises(EquiscoreError, match="Fix:"):
        score_file(activity, tmp_path / "new.csv", tmp_path / "out.parquet", rows=100)
    assert not (tmp_path / "out.parquet").exists()
    assert score_file(activity, tmp_path / "customers.parquet", tmp_path / "out.parquet").rows == N


def test_an_error_in_the_midst_of_the_batches_frees_the_engine(tmp_path, monkeypatch):
    activity = declared(tmp_path, score={"column": "score"}, columns={**COLUMNS, "tier": {"type": "text", "roles": "segment"}},
                        segments={"column": "tier", "offers": {"gold": "card"}})  # fmt: skip
    people(1000, seed=9).assign(tier=["gold"] * 990 + ["tin"] * 10).to_parquet(tmp_path / "new.parquet", row_group_size=100)
    with pytest.raises(ContractError, match=r"segments 'tin' have no rule in study\.segments\.offers\. Fix:"):
        score_file(activity, tmp_path / "new.parquet", tmp_path / "out.parquet", cutoff=1.0, rows=100)
    assert not (tmp_path / "out.parquet").exists()
    assert len(score_frame(declared(tmp_path), people(20, seed=9))) == 20


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    activity = declared(tmp_path)
    (tmp_path / "out.parquet").write_bytes(b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EquiscoreError, match=r"cannot be written \(No space left on device\)\. Fix:"):
        score_file(activity, tmp_path / "customers.parquet", tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customers.parquet", "out.parquet"]


@pytest.mark.parametrize(
    ("out", "said"), [("out.xlsx", "neither Parquet nor CSV"), ("customers.parquet", "the data, or a folder, is there")], ids=["kind", "itself"]
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_read(tmp_path, out, said):
    activity = declared(tmp_path)
    before = (tmp_path / "customers.parquet").read_bytes()
    with pytest.raises(EquiscoreError, match=rf"{said}.*Fix:"):
        score_file(activity, tmp_path / "customers.parquet", tmp_path / out)
    assert (tmp_path / "customers.parquet").read_bytes() == before


def test_a_model_of_other_columns_is_refused_by_name(tmp_path):
    activity = declared(tmp_path)
    X = people().rename(columns={"income": "wealth"})[["wealth", "job"]]
    persistence.save(Scorecard().fit(X, people()["repaid"]), tmp_path / "other.skops")
    with pytest.raises(ContractError, match=r"columns that are not declared: wealth\. Fix:"):
        score_file(activity, tmp_path / "customers.parquet", tmp_path / "out.parquet", model=tmp_path / "other.skops", cutoff=500)
    numbers = people().assign(job=1.5 * np.arange(N))[["income", "job"]]
    persistence.save(Scorecard().fit(numbers, people()["repaid"]), tmp_path / "numbers.skops")
    with pytest.raises(ContractError, match=r"fitted on numbers in job, declared as text\. Fix:"):
        score_file(activity, tmp_path / "customers.parquet", tmp_path / "out.parquet", model=tmp_path / "numbers.skops", cutoff=500)


# ---- the command ----

ROOT = Path(__file__).parents[1]
CREDIT = ROOT / "data/samples/credit"


@pytest.fixture
def equiscore(tmp_path, monkeypatch, capsys):
    """The command in this process: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["equiscore", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return call


def test_the_command_scores_and_says_what_became_of_the_rows(equiscore, credit_study, tmp_path):
    credit_study.save(tmp_path / "s")
    words = ["score", CREDIT / "activity.yaml", "--data", CREDIT / "customers.csv", "--out", "scored.parquet"]
    code, out, said = equiscore(*words)
    assert (code, out) == (0, "scored.parquet\n")
    assert "1,000 rows: 1,000 scored, 0 without a score, 0 rejected" in said
    assert "trained as declared on customers.csv, and refitted on all 1,000 of known outcome" in said
    assert equiscore(*words, "--model", "s", "--quiet") == (0, "", "")
    told = json.loads(equiscore(*words, "--model", "s", "--json")[1])
    assert (told["rows"], told["scored"], told["rejected"], told["cutoff"]) == (1000, 1000, {}, credit_study.cutoff)
    assert pq.read_table("scored.parquet")["favoured"].to_pylist().count(True) == told["favoured"]


def test_the_command_refuses_with_one_error(equiscore, tmp_path):
    shutil.copy(CREDIT / "activity.yaml", tmp_path)
    (tmp_path / "new.csv").write_text("creditability\ngood\n")
    for words, expected in (
        (["--data", "new.csv", "--model", "nowhere"], "no model can be read there"),
        (["--data", "nowhere.csv", "--model", CREDIT], "no MANIFEST.json"),
        (["--data", "new.csv"], "no such file or folder"),
        (["--data", "new.csv", "--model", FILES / "card_1.json", "--cutoff", "500"], "columns that are not declared: age, home"),
    ):
        code, _, said = equiscore("score", "activity.yaml", *words, "--out", "out.parquet")
        assert (code, said.count("Fix:")) == (2, 1), said
        assert expected in said
        assert "Traceback" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["activity.yaml", "new.csv"]
