"""The 25 criteria, the French bar with art. 4a, and the table of variables."""

import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.law.criteria import GROUNDS, NOTED, criteria_matrix, minimisation
from scoring.texts import LANGUAGES
from scoring.vocabulary import Criterion

DAY = date(2026, 9, 1)
FR = {"jurisdiction": ["FR"]}


def matrix(*groups, not_measured=(), day=DAY, facts=None):
    return criteria_matrix(groups, not_measured, as_of=day, facts={**FR, **(facts or {})})


def test_there_are_25_grounds_and_each_has_its_words_in_both_languages():
    assert len(GROUNDS) == len(set(GROUNDS)) == 25
    assert set(Criterion) - set(GROUNDS) == {"ethnicity_or_nation"}
    for language in LANGUAGES:
        table = matrix().table(language)
        assert table["title"].is_unique
        assert set(table.loc[table["note"] != "", "criterion"]) == NOTED


def test_each_ground_is_measured_by_proxy_excused_or_unknown():
    found = matrix(
        {"name": "sex", "criterion": "sex"},
        {"name": "district", "criterion": "residence", "proxy": True},
        not_measured=[{"criterion": "religion", "why": {"en": "not collected", "fr": "non collectée"}}],
    )
    assert {ground: found[ground].measured.value for ground in ("sex", "residence", "religion", "age")} == {
        "sex": "measured",
        "residence": "by proxy",
        "religion": "not measurable",
        "age": "unknown",
    }
    assert found.table("fr").set_index("criterion").loc["religion", "why"] == "non collectée"
    assert found["age"].row("en")["question"].startswith("Is this criterion measured")
    assert not found["age"].blocks


def test_to_excuse_without_a_reason_is_not_to_answer():
    assert matrix(not_measured=[{"criterion": "religion", "why": ""}])["religion"].measured.value == "unknown"


@pytest.mark.parametrize(
    ("criterion", "facts", "day", "question"),
    [
        ("origin", {}, DAY, "q_bar_4a"),
        ("origin", {}, date(2026, 7, 26), "q_bar"),
        ("origin", {"ethno_racial_groups": False}, DAY, None),
        ("origin", {"ethno_racial_groups": True}, DAY, "q_bar_4a"),
        ("ethnicity", {"ethno_racial_groups": False}, DAY, "q_bar_4a"),
        ("race", {}, DAY, "q_bar_4a"),
        ("origin", {"jurisdiction": "MA"}, DAY, None),
        ("origin", {"jurisdiction": None}, DAY, "q_bar_4a"),
        ("nation", {}, DAY, None),
        ("sex", {}, DAY, None),
    ],
)
def test_the_bar_on_ethno_racial_groups_in_france_is_a_question_that_blocks(criterion, facts, day, question):
    row = matrix({"name": "g", "criterion": criterion}, day=day, facts=facts)[criterion]
    assert (row.question, row.blocks) == (question, question is not None)


def test_one_member_of_the_vocabulary_stands_for_three_grounds_and_is_asked_about():
    found = matrix({"name": "g", "criterion": "ethnicity_or_nation"})
    assert [row.ground for row in found.blocking] == ["ethnicity", "nation", "race"]
    assert matrix({"name": "g", "criterion": "ethnicity_or_nation"}, facts={"ethno_racial_groups": False}).blocking == ()


def test_a_ground_names_the_texts_of_its_day():
    assert matrix()["bank_domiciliation"].texts == ("loi 2008-496",)
    assert matrix()["whistleblower"].texts == ("C. pénal 225-1",)
    assert matrix(day=date(2022, 8, 31))["whistleblower"].texts == ()


def test_a_ground_that_the_law_does_not_name_is_refused():
    with pytest.raises(EquiscoreError, match="did you mean 'sex'"):
        matrix({"name": "g", "criterion": "sexe"})
    with pytest.raises(EquiscoreError, match="no ground 'hair'"):
        _ = matrix()["hair"]


WHOLE = {"name": "income", "purpose": {"en": "ability to repay", "fr": "capacité"}, "predictive_value": 0.4, "proxy_strength": 0.1, "kept": True}


@pytest.mark.parametrize(
    ("change", "decision", "asked"),
    [
        ({}, "kept", 0),
        ({"kept": None}, "unknown", 1),
        ({"kept": False}, "removed", 0),
        ({"purpose": None}, "unknown", 1),
        ({"purpose": None, "kept": False}, "removed", 0),
        ({"predictive_value": None}, "kept", 1),
        ({"proxy_strength": None}, "kept", 1),
        ({"proxy_of": "age"}, "unknown", 1),
        ({"proxy_of": "age", "reason": "nothing else tells it"}, "kept", 0),
        ({"sensitive": True}, "unknown", 1),
    ],
)
def test_a_variable_is_kept_only_where_that_was_declared_with_its_grounds(change, decision, asked):
    row = minimisation([{**WHOLE, **change}]).iloc[0]
    assert (row["decision"], row["questions"].count("?")) == (decision, asked)


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"name": st.text(), "purpose": st.text(), "kept": st.booleans(), "predictive_value": st.floats(0, 1)})
    )
)
@settings(max_examples=40, deadline=None)
def test_every_variable_has_its_row_in_its_order_and_none_is_kept_without_being_declared_so(variables):
    table = minimisation(variables, "fr")
    assert table["variable"].tolist() == [one.get("name", "") for one in variables]
    assert all(one.get("kept") is True for one, decision in zip(variables, table["decision"], strict=True) if decision == "kept")
    assert all(math.isnan(value) for one, value in zip(variables, table["predictive_value"], strict=True) if "predictive_value" not in one)
