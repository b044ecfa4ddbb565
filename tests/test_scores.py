"""From customers to scores, decisions and segments: what is declared is trained out of fold, and what is broken trains nothing."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

import scoring
from scoring.consistency import contradictions
from scoring.customers.intake import admit, needed, pseudonymise
from scoring.errors import ContractError, EquiscoreError
from scoring.fairness.counts import count
from scoring.fairness.curves import auc
from scoring.models import ScoreBands
from scoring.models.training import cross_fit, favourable_scores, make_engine
from scoring.plan import Plan
from scoring.scores import person_rows, score_customers
from scoring.tables import collect

N = 600


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(3)
    income, job = rng.lognormal(10, 0.5, N), rng.choice(["fixed", "short", "none"], N, p=[0.6, 0.3, 0.1])
    odds = 1.5 * (np.log(income) - 10) + 1.0 * (job == "fixed")
    return pd.DataFrame({
        "id": [f"person-{i}" for i in range(N)],
        "sex": rng.choice(["F", "M"], N),
        "income": income,
        "job": job,
        "age": rng.integers(18, 80, N).astype(float),
        "repaid": np.where(rng.random(N) < 1 / (1 + np.exp(-odds)), "yes", "no"),
        "score": np.round(income / 1000, 1),
        "granted": np.where(income > 20_000, "yes", "no"),
    })  # fmt: skip


COLUMNS = {
    "id": {"type": "text", "roles": "identifier"},
    "sex": {"type": "text", "roles": "protected"},
    "income": {"type": "number", "roles": "feature"},
    "job": {"type": "text", "roles": "feature"},
    "age": {"type": "integer", "roles": "feature"},
    "repaid": {"type": "text", "roles": "outcome"},
    "score": {"type": "number", "roles": "score"},
    "granted": {"type": "text", "roles": "decision"},
}
TRAINED = {"score": {"train": {"folds": 3, "features": ["income", "job"]}}, "decision": {"cutoff": {"rule": "accept_share", "value": 0.5}}}


def plan(**changes):
    asked = {
        "columns": COLUMNS,
        "groups": {"sex": {"column": "sex"}},
        "decision": {"column": "granted", "favourable": "yes"},
        "outcome": {"column": "repaid", "favourable": "yes"},
        "score": {"column": "score"},
        "bounds": {"max_rejected_share": 0.5},
        **changes,
    }
    return Plan(**{name: value for name, value in asked.items() if value is not None})


def scored(frame, asked):
    return score_customers(admit(asked, frame), asked)


def column(made, name):
    return collect(made.table.frame)[made.table.own[name]].to_pandas()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("EQUISCORE_KEY", "secret")


# ---- training ----


def test_nobody_is_scored_by_a_model_that_saw_them(frame):
    """Of an outcome that nothing foretells, a model that saw the people remembers much; the scores of the study know nothing."""
    rng = np.random.default_rng(1)
    some = frame.assign(repaid=rng.choice(["yes", "no"], N), income=rng.normal(size=N))
    made = scored(some, plan(**{**TRAINED, "score": {"train": {"engine": "gradient_boosting", "features": ["income"]}}}))
    seen = favourable_scores(made.estimator, some[["income"]], favourable=1.0)
    good = (some["repaid"] == "yes").to_numpy(float)
    assert auc(seen, good).value > 0.6
    assert auc(column(made, "(score)").to_numpy(), good).value < 0.56


def test_the_facts_tell_what_was_trained(frame):
    facts = scored(frame, plan(**TRAINED)).facts["model"]
    kept = {name: facts[name] for name in ("engine", "folds", "seed", "features", "trained_on")}
    assert kept == {"engine": "scorecard", "folds": 3, "seed": 1, "features": ["income", "job"], "trained_on": N}
    assert len(facts["fold_aucs"]) == 3


def test_the_same_seed_gives_the_same_scores_and_another_others(frame):
    asked = [plan(**{**TRAINED, "score": {"train": {"seed": seed, "folds": 3}}}) for seed in (1, 1, 2)]
    first, second, third = (column(scored(frame, one), "(score)") for one in asked)
    assert (first == second).all()
    assert (first != third).any()


BROKEN = {
    "a value not of its type": {"age": "12.5"},
    "a negative weight": {"weight": -1.0},
    "no weight": {"weight": np.nan},
    "an endless weight": {"weight": np.inf},
}


@pytest.mark.parametrize("values", BROKEN.values(), ids=BROKEN)
def test_rows_with_a_fault_never_train_nor_move_the_cutoff(frame, values):
    """Broken rows with whatever outcome give the same model, cut-off and facts as the same rows with another."""
    columns = {**COLUMNS, "weight": {"type": "number", "roles": "weight"}}
    asked = plan(columns=columns, **{**TRAINED, "score": {"train": {"folds": 3}}})
    base = frame.assign(weight=1.0).astype({"age": object})
    base.loc[:49, list(values)] = list(values.values())
    made = [scored(base.assign(repaid=base["repaid"].where(base.index >= 50, told)), asked) for told in ("yes", "no")]
    assert made[0].facts["model"] == made[1].facts["model"]
    assert made[0].facts["model"]["trained_on"] == N - 50
    assert made[0].cutoff == made[1].cutoff


def test_an_unobserved_outcome_trains_nothing_and_is_scored_all_the_same(frame):
    made = scored(frame.assign(repaid=frame["repaid"].mask(frame.index < 100)), plan(**TRAINED))
    assert made.facts["model"]["trained_on"] == N - 100
    assert column(made, "(score)").notna().all()


@pytest.mark.parametrize("good", [True, 1, "true"])
def test_an_outcome_of_true_and_false_is_learned_from(frame, good):
    columns = {**COLUMNS, "repaid": {"type": "boolean", "roles": "outcome"}}
    asked = plan(columns=columns, **{**TRAINED, "outcome": {"column": "repaid", "favourable": good}})
    words = scored(frame, plan(**TRAINED))
    assert (column(scored(frame.assign(repaid=frame["repaid"] == "yes"), asked), "(score)") == column(words, "(score)")).all()


def test_all_rows_of_a_person_are_scored_by_models_that_saw_none_of_them(frame):
    columns = {**COLUMNS, "id": {"type": "text", "roles": ["identifier", "cluster"]}}
    twice = pd.concat([frame[:200], frame[:200]], ignore_index=True)
    values = column(scored(twice, plan(columns=columns, **TRAINED)), "(score)")
    assert (values[:200].to_numpy() == values[200:].to_numpy()).all()


def test_a_trained_score_cannot_be_declared_to_fall():
    with pytest.raises(ValidationError, match=r"rises with the favourable outcome\. Fix: take `higher_is` out"):
        plan(score={"train": {}, "higher_is": "worse"}, decision=TRAINED["decision"])


def test_an_outcome_of_one_value_cannot_be_learned_from(frame):
    with pytest.raises(EquiscoreError, match="Fix:"):
        scored(frame.assign(repaid="no"), plan(**TRAINED))


@pytest.mark.parametrize(
    ("train", "scale"),
    [
        ({"engine": "logistic", "parameters": {"C": 0.5}}, "probability"),
        ({"engine": "gradient_boosting", "parameters": {"interactions": False, "monotone": {"income": "ascending"}, "max_iter": 20}}, "probability"),
        ({"engine": "scorecard", "parameters": {"pdo": 40}, "calibration": "temperature"}, "points"),
    ],
)
def test_engines_take_their_parameters_and_a_calibration_from_the_declaration(frame, train, scale):
    """Second road: the same engine cross-fitted by hand on the same rows."""
    asked = plan(**{**TRAINED, "score": {"train": {"folds": 3, "features": ["income", "job"], **train}}})
    made = scored(frame, asked)
    engine = make_engine(train["engine"], calibration=train.get("calibration", "none"), **train["parameters"])
    good = (frame["repaid"] == "yes").astype(float)
    by_hand = cross_fit(engine, frame[["income", "job"]], good, seed=1, folds=3, favourable=1.0, groups=frame["id"])
    assert np.array_equal(column(made, "(score)"), by_hand.scores)
    facts = made.facts["model"]
    assert (facts["scale"], facts["parameters"]) == (scale, train["parameters"])
    assert facts["calibration"] == train.get("calibration", "none")
    assert facts["calibrated"] == pytest.approx(by_hand.calibration._asdict())
    assert json.loads(json.dumps(facts)) == facts


@pytest.mark.parametrize(
    ("train", "says"),
    [
        ({"engine": "logistic", "parameters": {"c": 1}}, r"no parameter 'c' \(was 'C' meant\?\)"),
        ({"engine": "gradient_boosting", "parameters": {"monotone": {"job": "ascending"}}}, "'job' has levels"),
        ({"engine": "gradient_boosting", "parameters": {"max_iter": "many"}}, "'max_iter'"),
    ],
)
def test_a_parameter_that_the_engine_does_not_take_is_refused(frame, train, says):
    with pytest.raises(EquiscoreError, match=says):
        scored(frame, plan(**{**TRAINED, "score": {"train": train}}))


def test_what_is_favourable_is_no_parameter():
    with pytest.raises(ValidationError, match=r"said elsewhere\. Fix:"):
        plan(**{**TRAINED, "score": {"train": {"parameters": {"favourable": 1}}}})


# ---- family and horizon ----

DATED = {**COLUMNS, "day": {"type": "date", "roles": "period"}}


@pytest.fixture(scope="module")
def dated(frame):
    since = np.random.default_rng(8).integers(0, 400, N)
    return frame.assign(day=(pd.Timestamp("2024-12-01") + pd.to_timedelta(since, "D")).strftime("%Y-%m-%d")), since + 90 <= 395


def test_an_outcome_whose_horizon_has_not_passed_trains_nothing_whatever_it_says(dated):
    frame, passed = dated
    asked = plan(columns=DATED, as_of="2025-12-31", **{**TRAINED, "score": {**TRAINED["score"], "family": "risk", "horizon": 90}})
    made = [scored(frame.assign(repaid=frame["repaid"].where(passed, told)), asked) for told in ("yes", "no")]
    assert made[0].facts == made[1].facts
    facts = made[0].facts
    assert (facts["score"], facts["model"]["trained_on"]) == ({"family": "risk", "horizon": 90}, passed.sum())
    assert facts["model"]["horizon_not_passed"] == (~passed).sum()
    assert column(made[0], "(score)").notna().all()


def test_nor_does_it_move_the_cutoff(dated):
    frame, passed = dated
    rule = {"cutoff": {"rule": "cost", "wrongly_accepted": 3, "wrongly_refused": 1}}
    asked = plan(columns=DATED, as_of="2025-12-31", score={"column": "score", "horizon": 90}, decision=rule)
    made = [scored(frame.assign(repaid=frame["repaid"].where(passed, told)), asked).cutoff for told in ("yes", "no")]
    assert made[0] == made[1]


def test_without_family_and_horizon_nothing_is_said_of_them(frame):
    assert "score" not in scored(frame, plan(**TRAINED)).facts


def test_a_horizon_without_a_day_is_a_contradiction():
    raw = {"study": {"columns": DATED, "score": {"column": "score", "horizon": 90}}}
    assert any("Fix: add study.as_of" in said for _, said in contradictions(raw))
    assert not any("horizon" in said for _, said in contradictions({"study": {**raw["study"], "as_of": "2025-12-31"}}))


# ---- cut-offs ----


def cut(frame, rule, **score):
    asked = plan(score={"column": "score", **score}, decision={"cutoff": rule})
    made = scored(frame, asked)
    return made, count(made.table, asked, cutoff=made.cutoff)


def accepted(counts):
    return int(counts.studied.loc[counts.studied["state"].isin(["tp", "fp", "au"]), "n"].sum())


def test_a_given_cutoff_accepts_whoever_reaches_it(frame):
    made, counts = cut(frame, {"rule": "value", "value": 22.0})
    assert (accepted(counts), made.facts["cutoff"]["value"]) == ((frame["score"] >= 22.0).sum(), 22.0)


def test_where_more_is_worse_whoever_stays_at_or_below_is_accepted(frame):
    made, counts = cut(frame, {"rule": "value", "value": 22.0}, higher_is="worse")
    assert (accepted(counts), made.facts["cutoff"]["value"]) == ((frame["score"] <= 22.0).sum(), 22.0)


@pytest.mark.parametrize("higher_is", ["better", "worse"])
def test_a_share_is_accepted_from_the_better_end(frame, higher_is):
    made, counts = cut(frame, {"rule": "accept_share", "value": 0.3}, higher_is=higher_is)
    limit = made.facts["cutoff"]["value"]
    reached = frame["score"] >= limit if higher_is == "better" else frame["score"] <= limit
    assert (accepted(counts), made.facts["cutoff"]["share"]) == (reached.sum(), pytest.approx(reached.mean()))
    assert reached.mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("higher_is", ["better", "worse"])
def test_the_cheapest_cutoff_is_found_by_trying_all(frame, higher_is):
    rule = {"rule": "cost", "wrongly_accepted": 3, "wrongly_refused": 1}
    made, _ = cut(frame, rule, higher_is=higher_is)
    good = frame["repaid"] == "yes"

    def cost(limit):
        reached = frame["score"] >= limit if higher_is == "better" else frame["score"] <= limit
        return 3 * (reached & ~good).sum() + (~reached & good).sum()

    beyond = np.inf if higher_is == "better" else -np.inf
    assert cost(made.facts["cutoff"]["value"]) == min(cost(limit) for limit in [*frame["score"], beyond])


LOANS = {**COLUMNS, "loan": {"type": "number", "roles": "amount"}}
BY_LOAN = {"rule": "cost", "wrongly_accepted": {"column": "loan"}, "wrongly_refused": 700}


@pytest.mark.parametrize("higher_is", ["better", "worse"])
def test_the_cheapest_cutoff_by_what_each_person_costs_is_found_by_trying_all(frame, higher_is):
    loan = np.random.default_rng(6).lognormal(7, 1, N).round(2)
    asked = plan(columns=LOANS, score={"column": "score", "higher_is": higher_is}, decision={"cutoff": BY_LOAN}, amounts={"loan": {"column": "loan"}})
    made = scored(frame.assign(loan=loan), asked)
    good = (frame["repaid"] == "yes").to_numpy()

    def cost(limit):
        reached = (frame["score"] >= limit if higher_is == "better" else frame["score"] <= limit).to_numpy()
        return loan[reached & ~good].sum() + 700 * (~reached & good).sum()

    beyond = np.inf if higher_is == "better" else -np.inf
    facts = made.facts["cutoff"]
    assert cost(facts["value"]) == pytest.approx(min(cost(limit) for limit in [*frame["score"], beyond]))
    assert facts["cost_columns"] == {"wrongly_accepted": "loan"}
    assert facts["declared"] == {"rule": "cost", "wrongly_accepted": pytest.approx(loan.mean()), "wrongly_refused": 700}


def test_the_column_of_a_cost_is_read_although_nothing_else_asks_for_it(frame):
    asked = plan(columns=LOANS, decision={"cutoff": BY_LOAN})
    assert "loan" in needed(asked)
    assert scored(frame.assign(loan=1.0), asked).cutoff is not None


def test_a_missing_amount_that_is_needed_is_refused(frame):
    asked = plan(columns=LOANS, decision={"cutoff": BY_LOAN}, amounts={"loan": {"column": "loan"}})
    with pytest.raises(EquiscoreError, match=r"wrongly_accepted: \d+ of the \d+ amounts needed are missing"):
        scored(frame.assign(loan=np.nan), asked)


def test_the_column_of_a_cost_must_be_an_amount():
    raw = {"study": {"columns": {**COLUMNS, "loan": {"type": "number"}}, "decision": {"cutoff": BY_LOAN}, "score": {"column": "score"}}}
    assert any("Fix: add amount to its roles" in said for _, said in contradictions(raw))
    raw["study"]["decision"] = {"cutoff": {**BY_LOAN, "wrongly_accepted": {"column": "lone"}}}
    assert any("did you mean 'loan'" in said for _, said in contradictions(raw))


def test_a_share_is_a_share_of_the_people_that_rows_stand_for(frame):
    columns = {**COLUMNS, "weight": {"type": "number", "roles": "weight"}}
    weights = np.where(frame["score"] > frame["score"].median(), 9.0, 1.0)
    asked = plan(columns=columns, decision={"cutoff": {"rule": "accept_share", "value": 0.5}})
    limit = scored(frame.assign(weight=weights), asked).facts["cutoff"]["value"]
    assert weights[frame["score"] >= limit].sum() / weights.sum() == pytest.approx(0.5, abs=0.02)


def test_who_has_no_score_does_not_move_the_cutoff(frame):
    some = pd.concat([frame, frame.head(50).assign(id=[f"none-{i}" for i in range(50)], score=np.nan)], ignore_index=True)
    rule = {"rule": "accept_share", "value": 0.3}
    assert cut(some, rule)[0].cutoff == cut(frame, rule)[0].cutoff


def test_a_file_in_which_nobody_has_a_score_is_refused(frame):
    with pytest.raises(ContractError, match=r"nobody has a score\. Fix:"):
        cut(frame.assign(score=np.nan), {"rule": "accept_share", "value": 0.5})


# ---- segments ----


def test_bands_are_those_of_the_estimator(frame):
    edges, labels = [18.0, 25.0], ["C", "B", "A"]
    some = frame.assign(score=frame["score"].where(frame.index > 2, [18.0, 25.0, 24.9, *frame["score"][3:]]))
    made = scored(some, plan(segments={"bands": {"edges": edges, "labels": labels}}))
    bands = ScoreBands(edges=edges, labels=labels).fit(some[["score"]].to_numpy()).transform(some[["score"]].to_numpy())
    assert column(made, "(segment)").tolist() == bands.ravel().tolist()


def test_who_has_no_score_is_in_no_band(frame):
    made = scored(frame.assign(score=frame["score"].mask(frame.index == 4)), plan(segments={"bands": {"edges": [20.0]}}))
    assert column(made, "(segment)").isna().to_numpy().nonzero()[0].tolist() == [4]


KMEANS = {"kmeans": {"segments": 3, "features": ["income", "age"], "seed": 5}}


def test_k_means_segments_are_the_same_at_every_run(frame):
    first, second = (column(scored(frame, plan(segments=KMEANS)), "(segment)") for _ in range(2))
    assert first.tolist() == second.tolist()
    assert sorted(set(first)) == ["0", "1", "2"]


def test_rows_with_a_fault_do_not_move_the_centres(frame):
    some = frame.astype({"age": object})
    some.loc[:9, "age"] = "12.5"
    some.loc[:9, "income"] = 1e9
    facts = scored(some, plan(segments=KMEANS)).facts["segments"]
    assert facts["centres"] == scored(frame[10:], plan(segments=KMEANS)).facts["segments"]["centres"]


def test_a_segment_of_a_column_without_an_offer_refuses_the_study(frame):
    columns = {**COLUMNS, "tier": {"type": "text", "roles": "segment"}}
    asked = plan(columns=columns, segments={"column": "tier", "offers": {"gold": "card"}})
    activity = scoring.ProcessingActivity.model_construct(study=asked)
    with pytest.raises(ContractError, match=r"segments 'tin' have no rule in study\.segments\.offers\. Fix:"):
        scoring.conduct_study(activity, frame.assign(tier=np.where(frame["sex"] == "F", "gold", "tin")))


# ---- people ----


@pytest.mark.parametrize("identified", [True, False])
def test_there_is_one_row_a_person_and_no_identifier(frame, identified):
    columns = COLUMNS if identified else {name: held for name, held in COLUMNS.items() if name != "id"}
    asked = plan(columns=columns, segments={"bands": {"edges": [500.0], "labels": ["B", "A"]}, "offers": {"A": "card", "B": None}}, **TRAINED)
    rows = person_rows(scored(frame, asked), asked)
    assert set(rows.column_names) == {"score", "segment", "favoured", "offer", "person" if identified else "row"}
    assert len(rows) == N
    assert rows["person"].to_pylist() == pseudonymise(frame["id"], b"secret") if identified else rows["row"].to_pylist() == [*range(1, N + 1)]
    assert set(zip(rows["segment"].to_pylist(), rows["offer"].to_pylist(), strict=True)) <= {("A", "card"), ("B", None)}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(TRAINED, id="trained"),
        pytest.param({"decision": {"cutoff": {"rule": "value", "value": 22.0}}}, id="cut-off"),
        pytest.param(
            {"decision": {"cutoff": {"rule": "value", "value": 22.0}}, "score": {"column": "score", "higher_is": "worse"}}, id="more is worse"
        ),
    ],
)
def test_the_decisions_of_the_people_add_up_to_the_counts_of_the_study(frame, changes):
    asked = plan(**changes)
    some = frame.assign(score=frame["score"].mask(frame.index == 4).mask(frame.index == 5, np.inf))
    made = scored(some, asked)
    counts = count(made.table, asked, cutoff=made.cutoff)
    rows = person_rows(made, asked)
    assert sum(rows["favoured"].drop_null().to_pylist()) == accepted(counts)
    assert len(rows["favoured"].drop_null()) == counts.studied["n"].sum()


def test_the_scores_are_written_by_the_study(frame, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring.ProcessingActivity, "document", lambda _: {})
    activity = scoring.ProcessingActivity.model_construct(study=plan(**TRAINED))
    study = scoring.conduct_study(activity, frame, scores_to=tmp_path / "scores.parquet")
    rows = pq.read_table(tmp_path / "scores.parquet")
    assert sum(rows["favoured"].to_pylist()) == accepted(study.counts)
    assert b"person-" not in (tmp_path / "scores.parquet").read_bytes()
