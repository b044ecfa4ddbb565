"""On the samples: the planted proxy is found and costs nothing to leave out; German credit by age, whatever it says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.alternatives import Asked, search
from scoring.customers.intake import admit
from scoring.errors import StudyError
from scoring.fairness.labels import interval_labels
from scoring.inquiry.alternatives.candidates import Candidate, propose, words
from scoring.inquiry.alternatives.search import IN_USE, names_of_proxies, search_alternatives
from scoring.inquiry.alternatives.settings import Payoffs, Settings
from scoring.inquiry.alternatives.worst_ratio import large_groups
from scoring.plan import Plan
from scoring.scores import score_customers

SAMPLES = Path(__file__).parents[2] / "data/samples"
RULE = ["residence_years", "months_as_customer", "channel", "product_range", "purchases_12m", "returns_12m"]


def asked_of(table):
    """What the retailer's rule sees, what was decided and repaid, and the attributes of the declaration."""
    age = (pd.Timestamp("2026-11-01") - pd.to_datetime(table["birth_date"])).dt.days / 365.25
    edges = [25, 40, 66]
    groups = pd.DataFrame({
        "sex": table["sex"], "age": pd.cut(age, [0, *edges, 200], right=False, labels=interval_labels(edges, whole=True)),
        "commune": table["commune_type"], "QPV": table["qpv"], "language": table["contact_language"], "bank": table["bank_domicile"],
    })  # fmt: skip
    repaid = table["repaid"].map({"yes": 1.0, "no": 0.0})
    return table[RULE], (table["accepted"] == "yes").astype(float), groups, repaid


def test_the_planted_proxy_is_found_and_leaving_it_out_costs_no_auc(instalments):
    table, _ = instalments
    X, accepted, groups, repaid = asked_of(table)
    listed = propose(RULE, list(groups), proxies=["residence_years"], families=["proxies"])
    found = search_alternatives(
        X, accepted, groups, outcome=repaid, current=table["score"], candidates=[one for one in listed if one.engine == "scorecard"],
        settings=Settings(value=float(accepted.mean())), n_jobs=1,
    )  # fmt: skip
    rows = found.table().set_index("name")
    assert rows.loc[IN_USE, ["worst_attribute", "worst_group"]].tolist() == ["QPV", "yes"]
    assert rows.loc[[IN_USE, "scorecard"], "worst_ratio"].max() < 0.7
    assert rows.loc["scorecard without residence_years", "worst_ratio"] > 0.8
    assert rows.loc["scorecard without residence_years", "auc"] > rows.loc[IN_USE, "auc"] - 0.01
    assert found.chosen == ("scorecard without residence_years",)
    confirmed = found.confirmed().set_index("name").loc["scorecard without residence_years"]
    assert confirmed["watched_difference_low"] > 0.2  # of people in priority neighbourhoods
    assert confirmed["ratio_difference"] > 0
    assert confirmed["people"] == 3600


@pytest.mark.slow
def test_the_search_names_the_proxy_itself(instalments):
    table, _ = instalments
    X, accepted, groups, repaid = asked_of(table)
    settings = Settings(value=float(accepted.mean()))
    found = search_alternatives(X, accepted, groups, outcome=repaid, settings=settings, families=["proxies"], n_jobs=1, budget_minutes=0)
    qpv = tuple(pair for pair in large_groups(found.people, settings) if pair[0] == "QPV")
    assert names_of_proxies(found.proxies, qpv)[0] == "residence_years"
    assert "scorecard without residence_years" in found.table()["name"].tolist()


def credit():
    activity = scoring.ProcessingActivity.read(SAMPLES / "credit/activity.yaml")
    return activity.study, score_customers(admit(activity.study), activity.study)


def test_german_credit_by_age_has_the_same_table(tmp_path):
    plan, scored = credit()
    asked = Asked(families=("penalty",), n_jobs=1, budget_minutes=0.0, payoffs=Payoffs(1, -5))
    result = search(scored, plan, asked=asked, log=tmp_path / "log.jsonl")
    assert result.settings.value == 0.6
    assert result.settings.engine == "scorecard"
    assert "age_in_years" not in result.people.features
    assert [held.attribute for held in result.people.groups] == ["age", "age band"]
    listed = [one for one in result.candidates if one.name in {"scorecard", "scorecard, penalty 3 on age"}]
    found = search_alternatives(
        result.people.features, result.people.target, frame_of(result.people), candidates=listed, settings=result.settings, n_jobs=1
    )
    rows = found.table()
    assert rows["status"].tolist() == ["measured"] * 2
    assert (rows[["worst_low", "worst_ratio", "worst_high"]].diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    assert rows["worst_ratio"].iloc[1] > rows["worst_ratio"].iloc[0]


def frame_of(people):
    held = {one.attribute: np.array([*one.levels, None], object)[one.codes] for one in people.groups}
    return pd.DataFrame(held)


def frame(n=400):
    rng = np.random.default_rng(4)
    sex = rng.choice(["F", "M"], n)
    years = rng.integers(0, 10, n) + 5 * (sex == "M")
    score = 10.0 * years
    score[:5] = np.nan
    accepted = np.where(score >= 80, "yes", "no")
    repaid = np.where(rng.random(n) < 0.8, "yes", "no").astype(object)
    repaid[accepted == "no"] = None
    weight = np.ones(n)
    weight[-2:] = -1.0
    return pd.DataFrame({
        "id": [f"c{i}" for i in range(n)], "sex": sex, "age": rng.integers(18, 80, n), "years": years, "income": rng.normal(size=n),
        "score": score, "accepted": accepted, "repaid": repaid, "weight": weight, "lost": rng.random(n),
    })  # fmt: skip


def plan(**study):
    columns = {
        "id": {"type": "text", "roles": "identifier"}, "sex": {"type": "text", "roles": "protected"},
        "age": {"type": "integer", "roles": ["feature", "protected"]}, "years": {"type": "integer", "roles": "feature"},
        "income": {"type": "number", "roles": "feature"}, "score": {"type": "number", "roles": "score"},
        "accepted": {"type": "text", "roles": "decision"}, "repaid": {"type": "text", "roles": "outcome"},
        "weight": {"type": "number", "roles": "weight"}, "lost": {"type": "number", "roles": "amount"},
    }  # fmt: skip
    held = {
        "columns": columns, "groups": {"sex": {"column": "sex"}, "age": {"column": "age", "edges": [40]}}, "score": {"column": "score"},
        "amounts": {"lost": {"column": "lost"}},
        "decision": {"column": "accepted", "favourable": "yes"}, "outcome": {"column": "repaid", "favourable": "yes"},
        "segments": {"kmeans": {"segments": 2, "features": ["years", "income"]}},
    }  # fmt: skip
    return Plan.model_validate({**held, **study})


def searched(declared, **asked):
    return search(score_customers(admit(declared, frame()), declared), declared, asked=Asked(n_jobs=1, budget_minutes=0, families=(), **asked))


def test_what_is_declared_is_what_is_searched():
    result = searched(plan(), learn_from="decision")
    assert list(result.people.features) == ["years", "income"]  # age is declared a feature too, and is left out all the same
    assert result.rejected == 2  # of a weight below 0
    assert result.baseline == IN_USE
    held = frame().iloc[:-2]
    assert result.settings.value == pytest.approx((held["accepted"] == "yes").mean())
    assert result.table()["unscored"].iloc[0] == np.isnan(result.people.rows(~result.aside).current).sum()
    assert np.nansum(result.people.target) == (held["accepted"] == "yes").sum()
    assert np.isnan(result.people.outcome).sum() == held["repaid"].isna().sum()
    assert any("2 more rows break the contract" in said for said in result.narrative()) == (result.table()["status"] == "measured").any()


def test_a_cutoff_becomes_its_share_and_costs_of_each_person_are_read():
    by_value = searched(plan(decision={"cutoff": {"rule": "value", "value": 80}}))
    scores = frame()["score"].iloc[:-2].dropna()
    assert by_value.settings.value == pytest.approx((scores >= 80).mean())
    costs = {"rule": "cost", "wrongly_accepted": {"column": "lost"}, "wrongly_refused": 2.0}
    by_cost = searched(plan(decision={"cutoff": costs}))
    assert by_cost.settings.rule == "cost"
    assert by_cost.people.costs == pytest.approx(np.column_stack([frame()["lost"].iloc[:-2], np.full(398, 2.0)]))
    assert not np.isnan(by_cost.table()["profit"].iloc[0])


def test_nothing_to_learn_from_is_said():
    with pytest.raises(StudyError, match="No outcome was observed"):
        searched(plan(outcome=None))
    with pytest.raises(StudyError, match="Fix: give the role feature"):
        searched(plan(), features=("age",))
    with pytest.raises(StudyError, match="rent not declared, or not read"):
        searched(plan(), features=("rent",))


@pytest.mark.slow
def test_the_whole_of_instalments_penalty_and_reweighing(instalments):
    table, _ = instalments
    X, accepted, groups, repaid = asked_of(table)
    listed = [
        Candidate("scorecard", "engines", "scorecard"),
        Candidate("penalty", "penalty", "scorecard", method="penalty", attribute="QPV", settings=words({"strength": 10.0})),
        Candidate("reweighed", "reweighing", "scorecard", method="reweighing", attribute="QPV"),
    ]
    found = search_alternatives(X, accepted, groups, outcome=repaid, candidates=listed, settings=Settings(value=float(accepted.mean())), n_jobs=1)
    ratio = found.table().set_index("name")["worst_ratio"]
    assert ratio["penalty"] > 0.8 > ratio["reweighed"]  # weights cannot undo a rule that is followed to the letter; a charge on the gap can
