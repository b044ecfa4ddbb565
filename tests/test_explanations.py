"""One person's sheet: it adds up, speaks both languages, says what is protected and what is not known, and promises nothing."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from typer.testing import CliRunner

import scoring
from scoring.cli import app
from scoring.errors import ContractError, EquiscoreError, StudyError
from scoring.explanations import explain, explain_person, traits_of
from scoring.explanations.facts import TABLE
from scoring.explanations.person import person_in
from scoring.models import Scorecard
from scoring.models.boosting import GradientBoosting
from scoring.models.calibration import CalibratedScore
from scoring.models.explaining.contributions import NotAdditive
from scoring.models.explaining.traits import Trait
from scoring.models.logistic import LogisticScore
from scoring.models.training import favourable_scores
from scoring.plan import Column, Plan
from scoring.storage import estimator_of

CREDIT = Path(__file__).parents[1] / "data/samples/credit"
CHANGEABLE = {"duration_in_month": True, "credit_amount": True, "present_employment_since": False}


@pytest.fixture(scope="module")
def customers():
    return pd.read_csv(CREDIT / "customers.csv")


@pytest.fixture(scope="module")
def declared(credit_study):
    """The credit study, with what a person can change declared: the model is the same."""
    columns = {name: column.model_copy(update={"changeable": None}) for name, column in credit_study.plan.columns.items()}
    for name, changeable in CHANGEABLE.items():
        columns[name] = columns[name].model_copy(update={"changeable": changeable, "title": {"en": f"The {name}", "fr": f"Le {name}"}})
    plan = credit_study.plan.model_copy(update={"columns": columns})
    return replace(credit_study, plan=plan)


@pytest.fixture(scope="module")
def below(declared, customers):
    """Somebody a little below the cut-off."""
    points = declared.estimator.score_points(customers[list(declared.plan.features)])
    return customers.iloc[int(np.flatnonzero((points < declared.cutoff) & (points > declared.cutoff - 15))[0])]


def made(n=400, seed=5):
    rng = np.random.default_rng(seed)
    months, rent = rng.integers(0, 60, n), rng.random(n).round(3)
    home = pd.Series(rng.choice(["own", "rent"], n), dtype="str").mask(rng.random(n) < 0.1)
    good = rng.random(n) < 1 / (1 + np.exp(-(months - 30) / 10 + 2 * (rent - 0.5)))
    return pd.DataFrame({"months": months, "rent": rent, "home": home}), np.where(good, "good", "bad")


X, Y = made()
TRAITS = {
    "months": Trait(title={"en": "Months with us", "fr": "Ancienneté"}, unit={"en": "months", "fr": "mois"}, changeable=True, direction="rises"),
    "home": Trait(title={"en": "Housing", "fr": "Logement"}, protected=True, changeable=False),
}


# -- the study


def test_the_table_adds_up_from_the_start_to_the_score(declared, below):
    table = explain_person(declared, below).table()
    assert list(table.columns) == TABLE
    assert table["part"].iloc[:-1].sum() == table["part"].iloc[-1] == declared.estimator.score_points(below.to_frame().T[declared.plan.features])[0]


def test_the_sheet_says_every_figure_of_the_table(declared, below):
    sheet = explain_person(declared, below)
    said = sheet.to_markdown()
    card = declared.estimator.points_table().set_index(["feature", "bin"])["points"]
    for row in sheet.table().iloc[1:-1].to_dict("records"):
        assert card[row["feature"], row["place"]] == row["part"]
        assert f"{row['part']:+.0f} |".replace("+0", "0").replace("-", "\u2212") in said
    assert f"Score: {sheet.facts.score:.0f} points." in said
    assert f"Cut-off: {declared.cutoff:.0f}." in said


def test_the_cutoff_has_its_origin_and_the_result_its_title(declared, below):
    said, gesagt = explain_person(declared, below).to_markdown(), explain_person(declared, below, language="fr").to_markdown()
    assert "nearest to the declared share of 60.0%" in said
    assert "la part déclarée de 60,0\u202f%" in gesagt
    assert "loan granted" in said
    assert "prêt accordé" in gesagt


def test_the_nearest_change_is_told_and_only_of_what_is_declared_changeable(declared, below):
    sheet = explain_person(declared, below)
    nearest = sheet.facts.nearest
    assert set(nearest.considered) <= {"duration_in_month", "credit_amount"}
    assert nearest.status in {"found", "out_of_reach"}
    assert "present_employment_since" not in nearest.undeclared
    assert "Whether you can change these was not declared" in sheet.to_markdown()


def test_the_same_person_gets_the_same_bytes_and_nobody_is_named(declared, customers):
    row = customers.iloc[[7]].assign(name="Anne Example", customer_id="C-000007")
    one, other = explain_person(declared, row), explain_person(declared, row.iloc[0].to_dict())
    assert one.to_html() == other.to_html()
    assert "Anne" not in one.to_html()
    assert "C-000007" not in repr(one.facts)


def test_the_person_may_be_text_as_a_form_gives_it(declared, below):
    as_text = {name: str(value) for name, value in below.items()}
    assert explain_person(declared, as_text).to_markdown() == explain_person(declared, below).to_markdown()
    with pytest.raises(ContractError, match=r"'credit_amount' holds 'much'.*Fix:"):
        explain_person(declared, {**as_text, "credit_amount": "much"})


def test_a_declaration_and_a_model_do_as_well_as_a_study(declared, below):
    activity = scoring.ProcessingActivity.read(CREDIT / "activity.yaml")
    sheet = explain_person(activity, below, estimator=declared.estimator, cutoff=500)
    assert sheet.facts.cutoff == 500
    assert "dpo@credit.example" in sheet.to_markdown()
    with pytest.raises(StudyError, match=r"no model here.*Fix:"):
        explain_person(activity, below)


def test_a_missing_column_is_named(declared, below):
    with pytest.raises(ContractError, match="credit_amount"):
        explain_person(declared, below.drop("credit_amount"))


def test_a_feature_that_makes_groups_is_protected_whatever_its_role():
    plan = Plan.model_validate({
        "columns": {
            "age": {"type": "integer", "roles": "feature", "changeable": False}, "job": {"type": "text", "roles": "feature"}, "ok": {"type": "text"},
        },
        "groups": {"age": {"column": "age", "edges": [25], "title": {"en": "Age", "fr": "Âge"}}},
        "decision": {"column": "ok", "favourable": "yes"},
    })  # fmt: skip
    traits = traits_of(plan)
    assert (traits.of("age").protected, traits.of("age").title["fr"], traits.of("age").changeable) == (True, "Âge", False)
    assert (traits.of("job").protected, traits.of("job").changeable) == (False, None)


# -- every kind of model


@pytest.mark.parametrize(
    "model",
    [
        Scorecard(min_iv=0),
        Scorecard(min_iv=0, round_points=False),
        LogisticScore(),
        GradientBoosting(interactions=False, max_iter=30),
        CalibratedClassifierCV(LogisticScore(), ensemble=False, cv=3),
        CalibratedClassifierCV(FrozenEstimator(Scorecard(min_iv=0).fit(X, Y))),
        CalibratedScore(GradientBoosting(interactions=False, max_iter=30), folds=2),
    ],
    ids=["card", "unrounded card", "logistic", "one curve a feature", "calibrated logistic", "calibrated card", "calibrated curves"],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_kind_of_model_has_its_sheet_in_both_languages(model, language):
    model = model.fit(X, Y)
    person = {"months": 3, "rent": 0.9, "home": None}
    cutoff = float(np.quantile(favourable_scores(model, X), 0.4))
    sheet = explain(model, person, cutoff=cutoff, background=X, traits=TRAITS, language=language)
    table = sheet.table()
    assert table["part"].iloc[:-1].sum() == pytest.approx(table["part"].iloc[-1], abs=1e-9)
    assert "{" not in sheet.to_html().split("</style>")[1]
    assert ("calibr" in sheet.to_markdown()) == isinstance(model, CalibratedClassifierCV | CalibratedScore)
    assert sheet.facts.nearest.status == "found"
    assert [one.feature for one in sheet.facts.nearest.changes] == ["months"]


def test_both_languages_say_the_same_numbers():
    card = Scorecard(min_iv=0).fit(X, Y)
    english, french = (explain(card, X.iloc[[3]], cutoff=560, traits=TRAITS, language=language) for language in ("en", "fr"))
    assert len(english.parts) == len(french.parts)
    for one, other in zip(english.parts, french.parts, strict=True):
        numbers = [sorted(re.findall(r"\d+", re.sub(r"(?<=\d)[.,\u202f](?=\d)", "", " ".join([*part.text, *part.listed])))) for part in (one, other)]
        assert numbers[0] == numbers[1], one.title


def test_without_a_cutoff_the_score_is_explained_and_no_decision_is():
    sheet = explain(Scorecard(min_iv=0).fit(X, Y), X.iloc[[0]])
    assert sheet.facts.favoured is None
    assert "says nothing of a decision" in sheet.to_markdown()
    assert "What would have changed" not in sheet.to_markdown()


def test_who_reaches_the_cutoff_is_told_that_no_change_was_needed():
    said = explain(Scorecard(min_iv=0).fit(X, Y), X.iloc[[0]], cutoff=0, traits=TRAITS).to_markdown()
    assert "no change was needed" in said
    assert "the result is favourable" in said


def test_that_nothing_would_have_been_enough_is_said_plainly():
    card = Scorecard(min_iv=0).fit(X, Y)
    assert "No change of what you can change would have been enough" in explain(card, X.iloc[[0]], cutoff=9999, traits=TRAITS).to_markdown()
    assert "Nothing that counts is declared as something that you can change" in explain(card, X.iloc[[0]], cutoff=9999).to_markdown()


# -- what is not known, what is protected


def test_what_is_missing_and_what_was_never_met_is_named():
    card = Scorecard(min_iv=0).fit(X, Y)
    said = explain(card, {"months": None, "rent": 0.2, "home": "boat"}, traits=TRAITS).to_markdown()
    assert "Not known of you: Months with us." in said
    assert "met in no past case, and counted as neutral or as not known: Housing." in said
    assert "Nothing that counts was missing." in explain(card, {"months": 1, "rent": 0.2, "home": "own"}).to_markdown()


def test_a_protected_characteristic_is_marked_wherever_it_is_listed():
    card = Scorecard(min_iv=0).fit(X, Y)
    sheet = explain(card, X.iloc[[2]], traits=TRAITS, baseline="attainable", most=9)
    for part in sheet.parts:
        for row in part.grid.rows if part.grid and len(part.grid.heads) in (3, 5) and part.grid.heads[-1] == "remark" else ():
            assert ("protected by law" in row[-1]) == ("Housing" in row)
    assert "A characteristic that the law protects counts in this score" in sheet.to_markdown()
    marked = sheet.table().set_index("feature")["protected"]
    assert bool(marked["home"]) is True
    assert bool(marked["rent"]) is False


# -- what is written


def test_text_of_the_data_is_nothing_but_text():
    evil = '<script>alert(1)</script>|*x* [y](z) "q" {{ 7*7 }}'
    rows = X.assign(home=X["home"].replace({"own": evil}))
    sheet = explain(Scorecard(min_iv=0).fit(rows, Y), {"months": 1, "rent": 0.5, "home": evil}, traits={"home": Trait(title=evil)}, contact=evil)
    for text in (sheet.to_html(), sheet._repr_html_(), sheet.to_markdown()):
        assert "<script>" not in text
        assert "&lt;script&gt;" in text
    rows = [line for line in sheet.to_markdown().splitlines() if "script" in line and line.startswith("|")]
    heads = [len(re.findall(r"(?<!\\)\|", line)) for line in rows]
    assert set(heads) <= {4, 6}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_sheet_never_clears_itself(language, declared, below):
    said = explain_person(declared, below, language=language).to_markdown()
    assert not re.search(r"\bfair\b|unbiased|no bias|équitable|sans biais|conforme", said, re.IGNORECASE)
    assert ("promise" in said) or ("promesse" in said)


def test_the_page_is_whole_and_loads_nothing(declared, below):
    page = explain_person(declared, below, language="fr").to_html()
    assert page.startswith('<!DOCTYPE html>\n<html lang="fr">')
    assert not re.search(r"<script|<link|src=|href=|url\(", page)


# -- refusals


def test_a_model_that_is_no_sum_has_no_sheet(monkeypatch):
    monkeypatch.setattr("scoring.models.explaining.curves.util.find_spec", lambda _: None)
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(600, 2)), columns=["a", "b"])
    model = GradientBoosting(max_iter=40).fit(rows, rows["a"] * rows["b"] > 0)
    with pytest.raises(NotAdditive, match=r"GradientBoosting: the parts miss the score"):
        explain(model, rows.iloc[[0]], background=rows)


def test_a_curve_needs_other_people_to_be_held_against():
    model = LogisticScore().fit(X, Y)
    with pytest.raises(EquiscoreError, match=r"LogisticScore keeps no people.*Fix: give background="):
        explain(model, X.iloc[[0]])


@pytest.mark.parametrize("people", [X.iloc[:2], [1, 2], X.iloc[:0]], ids=["two", "a list", "nobody"])
def test_a_sheet_speaks_of_one_person(people):
    with pytest.raises(EquiscoreError, match="one person"):
        explain(Scorecard(min_iv=0).fit(X, Y), people)


def test_an_unknown_language_names_those_there_are():
    with pytest.raises(EquiscoreError, match="en, fr"):
        explain(Scorecard(min_iv=0).fit(X, Y), X.iloc[[0]], language="de")


# one person of a file


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    out = tmp_path_factory.mktemp("explained") / "study"
    scoring.conduct_study(scoring.ProcessingActivity.read(CREDIT / "activity.yaml")).save(out)
    return out


def equiscore(*said):
    return CliRunner().invoke(app, list(map(str, said)))


def test_the_sheet_of_a_row_is_that_of_the_shipped_model(studied):
    card = estimator_of(studied)
    people = pd.read_csv(CREDIT / "customers.csv")
    found = equiscore("explain", studied, "--data", CREDIT / "customers.csv", "--row", 4)
    assert found.exit_code == 0
    assert f"Score: {card.score_points(people.loc[[3], list(card.feature_names_in_)])[0]} points." in found.output


def test_a_sheet_is_written_in_french_and_by_identifier(studied, tmp_path):
    plan = scoring.Study.load(studied).plan
    people = pd.read_csv(CREDIT / "customers.csv").assign(who=lambda rows: "p" + (rows.index + 1).astype(str))
    people.to_csv(tmp_path / "people.csv", index=False)
    columns = {**plan.columns, "who": Column(type="text", roles=frozenset(["identifier"]))}
    person, others = person_in(plan.model_copy(update={"columns": columns}), tmp_path / "people.csv", identifier="p12")
    assert person.to_numpy().tolist() == people.loc[[11], plan.features].to_numpy().tolist()
    assert len(others) == len(people)
    page = tmp_path / "sheet.html"
    assert equiscore("explain", studied, "--data", CREDIT / "customers.csv", "--row", 12, "--lang", "fr", "--out", page).exit_code == 0
    assert "Comment votre score a été calculé" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (["--row", 5000], "nobody has row 5000"),
        ([], "Whose score is not said"),
        (["--row", 1, "--id", "a"], "Whose score is not said"),
        (["--id", "a"], "No column has the role identifier"),
        (["--row", 1, "--out", "sheet.pdf"], "a sheet is HTML or Markdown"),
    ],
)
def test_a_person_who_is_not_to_be_found_is_one_clear_error(said, fault, studied):
    found = equiscore("explain", studied, "--data", CREDIT / "customers.csv", *said)
    assert fault in str(found.exception)
    assert "Fix:" in str(found.exception)
