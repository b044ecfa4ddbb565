"""The search: everything is in the log, it goes on where it stopped, and nothing that fails sinks it."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from scoring.errors import EquiscoreError
from scoring.inquiry.alternatives import reductions, search, trying
from scoring.inquiry.alternatives.candidates import Candidate, propose, words
from scoring.inquiry.alternatives.evaluate import area_of
from scoring.inquiry.alternatives.learning import learn, seen
from scoring.inquiry.alternatives.log import Log
from scoring.inquiry.alternatives.result import COLUMNS
from scoring.inquiry.alternatives.search import IN_USE, names_of_proxies, search_alternatives
from scoring.inquiry.alternatives.sentences import title_of
from scoring.inquiry.alternatives.settings import Payoffs, Settings
from scoring.models.training import favourable_scores
from scoring.plots.frontier import frontier_alternative, kinds_of, plot_frontier
from scoring.texts import LANGUAGES

CARD = Candidate("scorecard", "engines", "scorecard")
FEW = (
    CARD,
    Candidate("scorecard without years", "proxies", "scorecard", ("years",)),
    Candidate("scorecard, penalty 5 on sex", "penalty", "scorecard", method="penalty", attribute="sex", settings=words({"strength": 5.0})),
    Candidate("logistic", "engines", "logistic"),
)
BROKEN = Candidate("scorecard, C=-1", "parameters", "scorecard", parameters=words({"C": -1.0}))


@pytest.fixture(scope="module")
def made():
    """Years at an address part the sexes and tell little of the outcome, income tells it: leaving years out should help."""
    rng = np.random.default_rng(6)
    n = 700
    sex = rng.choice(["F", "M"], n)
    years = np.where(sex == "M", rng.integers(4, 12, n), rng.integers(0, 8, n))
    income = rng.normal(size=n).round(2)
    learned = (1.2 * income + 0.5 * years + rng.logistic(size=n) > 3).astype(float)
    outcome = (1.2 * income + rng.logistic(size=n) > 0).astype(float)
    outcome[rng.random(n) < 0.1] = np.nan
    groups = pd.DataFrame({"sex": pd.Series(sex).where(rng.random(n) > 0.03, None), "few": np.where(np.arange(n) < 8, "x", "y")})
    return pd.DataFrame({"years": years, "income": income}), learned, groups, outcome


def run(made, **more):
    X, learned, groups, outcome = made
    asked = {"outcome": outcome, "candidates": FEW, "n_jobs": 1, "settings": Settings(value=0.5, payoffs=Payoffs(1, -1))} | more
    return search_alternatives(X, learned, groups, **asked)


@pytest.fixture(scope="module")
def found(made, tmp_path_factory):
    return run(made, candidates=(*FEW, BROKEN), log=tmp_path_factory.mktemp("log") / "log.jsonl")


def test_leaving_the_proxy_out_is_found(found):
    rows = found.table().set_index("name")
    assert rows.loc["scorecard", "worst_ratio"] < 0.8 < rows.loc["scorecard without years", "worst_ratio"]
    assert found.baseline == "scorecard"
    assert rows.loc[found.chosen[0], "on_frontier"]
    assert rows.loc[found.chosen[0], "worst_ratio"] > 0.8
    assert list(found.table().columns) == COLUMNS


def test_a_candidate_that_fails_is_listed_with_its_reason(found):
    row = found.table().set_index("name").loc["scorecard, C=-1"]
    assert row["status"] == "failed"
    assert "C=-1" in row["reason"]
    assert np.isnan(row["auc"])
    assert not row["on_frontier"]
    with pytest.raises(EquiscoreError, match="was not measured"):
        found.choose("scorecard, C=-1")


def test_the_log_holds_everything(found):
    lines = [json.loads(line) for line in found.log.path.read_text().splitlines()]
    assert lines[0]["kind"] == "search"
    assert lines[0]["settings"]["value"] == 0.5
    assert [line["name"] for line in lines if line["kind"] == "candidate"] == list(found.table()["name"])
    assert found.log.path.with_name("log.jsonl.seconds").is_file()


def test_the_estimator_is_ordinary_and_reads_features_alone(found, made):
    X, _, _, _ = made
    model = found.estimator("scorecard without years")
    assert list(model.feature_names_in_) == ["income"]
    assert len(model.predict_proba(X[["income"]])) == len(X)
    assert found.estimator().get_params() == found.estimator(found.chosen[0]).get_params()


def test_who_is_set_aside_was_in_no_candidate(found, made):
    assert found.aside.sum() == 210
    assert (found.table()["people"].dropna() == 490).all()
    rows = found.confirmed()
    assert rows["people"].tolist() == [210, 210]
    searched, held_out = found.people.rows(~found.aside), found.people.rows(found.aside)
    one = found.candidate(found.chosen[0])
    scores = favourable_scores(learn(one, searched, found.settings), seen(one, held_out).features, favourable=1.0)
    assert rows["auc"].iloc[1] == area_of(held_out, scores, 0.95).value


def test_looks_at_the_part_set_aside_are_counted(made):
    result = run(made, candidates=FEW[:3])
    first = result.choose("scorecard without years")
    assert first.confirmed()["looks"].tolist() == [1, 1]
    assert first.confirmed()["looks"].tolist() == [1, 1]
    second = result.choose("scorecard, penalty 5 on sex").confirmed()
    assert second["looks"].tolist() == [2, 2]
    assert any("2 different choices" in said for said in result.choose("scorecard, penalty 5 on sex").narrative())


def test_it_goes_on_where_it_was_stopped(made, tmp_path, monkeypatch):
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    run(made, log=whole)
    held = whole.read_bytes()
    lines = held.splitlines(keepends=True)
    torn.write_bytes(b"".join(lines[:3]) + lines[3][:40])  # killed in the middle of a line
    tried = []
    real = trying.measured_one
    monkeypatch.setattr(trying, "measured_one", lambda task, one, key: tried.append(one.name) or real(task, one, key))
    again = run(made, log=torn)
    assert tried == [one.name for one in FEW[2:]]
    assert torn.read_bytes() == held
    tried.clear()
    third = run(made, log=torn)
    assert tried == []
    pd.testing.assert_frame_equal(third.table().drop(columns="seconds"), again.table().drop(columns="seconds"))


def test_other_people_or_settings_are_tried_anew(made, tmp_path):
    X, learned, groups, outcome = made
    log = tmp_path / "log.jsonl"
    run(made, candidates=FEW[:1], log=log)
    run(made, candidates=FEW[:1], log=log, settings=Settings(value=0.4))
    run((X, learned, groups.assign(few="y"), outcome), candidates=FEW[:1], log=log)
    assert len([record for record in Log(log).records if record["kind"] == "candidate"]) == 3


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(made, tmp_path):
    one, two = (tmp_path / f"{n}.jsonl" for n in (1, 2))
    first = run(made, candidates=(*FEW, BROKEN), log=one, n_jobs=1)
    second = run(made, candidates=(*FEW, BROKEN), log=two, n_jobs=2)
    assert one.read_bytes() == two.read_bytes()
    pd.testing.assert_frame_equal(first.table().drop(columns="seconds"), second.table().drop(columns="seconds"))


def test_what_the_budget_left_is_listed_and_tried_next_time(made, tmp_path):
    log = tmp_path / "log.jsonl"
    spent = run(made, log=log, budget_minutes=0)
    assert set(spent.table()["status"]) == {"not tried"}
    assert set(spent.table()["reason"]) == {"the budget was spent"}
    assert spent.chosen == ()
    assert any("could not be measured" in said for said in spent.narrative())
    assert set(run(made, log=log).table()["status"]) == {"measured"}


def test_without_fairlearn_its_candidates_are_listed_as_not_tried(made, monkeypatch):
    monkeypatch.setattr(reductions, "find_spec", lambda _: None)
    listed = (CARD, *[one for one in propose(["years", "income"], ["sex"], families=["reductions"]) if one.family == "reductions"][:2])
    result = run(made, candidates=listed)
    assert result.table()["status"].tolist() == ["measured", "not tried", "not tried"]
    assert result.table()["reason"].tolist()[1:] == ["fairlearn is not installed"] * 2
    assert any("2 candidates need fairlearn" in said for said in result.narrative())


@pytest.mark.slow
def test_reductions_are_measured_where_fairlearn_is_there(made):
    pytest.importorskip("fairlearn")
    listed = (CARD, *[one for one in propose(["years", "income"], ["sex"], families=["reductions"]) if one.method == "exponentiated_gradient"][:1])
    result = run(made, candidates=listed)
    assert result.table()["status"].tolist() == ["measured"] * 2
    assert result.table()["worst_ratio"].iloc[1] > result.table()["worst_ratio"].iloc[0]
    assert set(result.estimator(listed[1].name).predict(made[0])) <= {0.0, 1.0}


def test_cutoffs_by_group_are_told_of(made):
    listed = (
        CARD,
        *[one for one in propose(["years", "income"], ["sex"], families=[], protected_at_decision=True) if one.uses_protected_at_decision],
    )
    result = run(made, candidates=listed)
    assert result.table()["uses_protected_at_decision"].tolist() == [False, True]
    assert result.chosen == ()  # never by rule
    said = " ".join(result.choose(listed[1].name).narrative())
    assert "may itself be unlawful discrimination" in said
    model = result.estimator(listed[1].name)
    assert len(model.predict_proba(made[0], sensitive_features=made[2]["sex"])) == len(made[0])


def test_the_score_in_use_is_the_baseline_and_no_candidate(made):
    X, _, _, _ = made
    result = run(made, current=X["years"] * 10.0, candidates=FEW[:2])
    assert result.baseline == IN_USE
    assert result.table()["name"].tolist() == [IN_USE, "scorecard", "scorecard without years"]
    assert result.chosen == ("scorecard without years",)
    assert result.confirmed()["name"].tolist() == [IN_USE, "scorecard without years"]
    with pytest.raises(EquiscoreError, match="No candidate"):
        result.estimator(IN_USE)


def test_nobody_set_aside_is_nothing_confirmed(made):
    result = run(made, settings=Settings(value=0.5, holdout=0), candidates=FEW[:2])
    assert (result.table()["people"] == 700).all()
    with pytest.raises(EquiscoreError, match="Nobody was set aside"):
        result.confirmed()
    assert any("not confirmed" in said for said in result.narrative())


def test_proxies_are_found_in_large_groups_alone(made):
    X, learned, groups, _ = made
    result = search_alternatives(X, learned, groups, families=["proxies"], n_jobs=1, budget_minutes=0)
    assert names_of_proxies(result.proxies, (("sex", "F"), ("sex", "M"))) == ["years"]
    assert names_of_proxies(result.proxies, ()) == []
    assert "scorecard without years" in result.table()["name"].tolist()


def test_a_file_that_is_no_log_is_refused(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"kind": "search", "format": 9}\n')
    with pytest.raises(EquiscoreError, match="format 9 is not known"):
        Log(path).header({})
    path.write_text("name,auc\n")
    with pytest.raises(EquiscoreError, match="line 1: not a record"):
        Log(path)


# -- words and drawing


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_quotes_the_tables(found, language):
    said = " ".join(found.narrative(language))
    rows = found.table().set_index("name")
    for figure in (rows.loc["scorecard", "auc"], rows.loc[found.chosen[0], "auc"]):
        written = f"{figure:.3f}"
        assert (written if language == "en" else written.replace(".", ",")) in said
    assert "{" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_candidate_has_a_title(language):
    listed = propose(["a", "b", "c"], ["sex", "age"], proxies=["a"], protected_at_decision=True)
    rows = [search._row({**asdict(one), "key": "", "status": "not tried"}, Log()) for one in listed]
    titles = [title_of(row, language, titles={"sex": {"en": "Sex", "fr": "Sexe"}}) for row in rows]
    assert len(set(titles)) == len(titles)
    assert any("Sexe" in title for title in titles) == (language == "fr")


def test_the_drawing_shows_the_rows(found):
    rows = found.table()
    axes = plot_frontier(rows, bounds=found.settings.bounds)
    kinds = kinds_of(rows[rows["status"] == "measured"])
    for line in axes.lines:
        kind = (line.get_gid() or "").removeprefix("point-")
        if line.get_gid() == f"point-{kind}":
            part = rows.loc[kinds.index[kinds == kind]]
            assert list(line.get_xdata()) == part["auc"].tolist()
            assert list(line.get_ydata()) == part["worst_ratio"].tolist()
    drawn = {line.get_gid() for line in axes.lines}
    assert {"point-baseline", "point-chosen", "tolerance", "equal"} <= drawn
    assert any(text.get_gid() == "n" and "n = 490" in text.get_text() for text in axes.texts)
    words_ = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any("baseline" in word for word in words_)


def test_the_text_beside_the_drawing(found):
    rows = found.table()
    best = rows[rows["on_frontier"]]["worst_ratio"].max()
    said = frontier_alternative(rows, bounds=found.settings.bounds)
    assert f"{best:.2f}" in said
    assert "4 measured" in said
    nothing = frontier_alternative(rows.iloc[:0], "fr", bounds=found.settings.bounds)
    assert nothing == "Il n'y a rien à dessiner\u202f: aucune alternative n'a été mesurée."
    assert plot_frontier(rows.iloc[:0], bounds=found.settings.bounds).texts[0].get_gid() == "nothing"
