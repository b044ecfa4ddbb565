"""Conditions: read by a parser of our own, evaluated in three-valued logic."""

import re
import sys
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from law_small import DAY, rule

from scoring.errors import EquiscoreError, FaultyInput
from scoring.facts import FACTS, checked_facts
from scoring.law.conditions import ConditionError, Count, Elapsed, Joined, Known, Not, Reading, Stated, Truth, World, facts_named, later, rules_named
from scoring.law.facts import facts_of
from scoring.law.parsing import parse
from scoring.texts import LANGUAGES, say

YES, NO, UNKNOWN = Truth
A, B, C = "profiling", "automated", "large_scale"


def read(text, facts=None, day=DAY, *, applies=None, asked=None):
    return parse(text).read(World(checked_facts(facts or {}), day, applies or (lambda _: Reading(UNKNOWN)), asked))


TABLE = {True: YES, False: NO, None: UNKNOWN}
ORDER = [NO, UNKNOWN, YES]


@pytest.mark.parametrize(("first", "second"), list(product([True, False, None], repeat=2)))
def test_and_is_the_least_or_the_greatest_of_kleenes_order(first, second):
    facts = {A: first, B: second}
    least, greatest = (pick([TABLE[first], TABLE[second]], key=ORDER.index) for pick in (min, max))
    assert (read(f"{A} and {B}", facts).truth, read(f"{A} or {B}", facts).truth) == (least, greatest)
    assert read(f"not {A}", facts).truth is {YES: NO, NO: YES, UNKNOWN: UNKNOWN}[TABLE[first]]


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("channel = email", {"channel": ["email", "sms"]}, YES),
        ("channel != email", {"channel": ["email", "sms"]}, NO),
        ("channel contains fax", {"channel": ["email", "sms"]}, NO),
        ("channel in [fax, sms]", {"channel": ["email", "sms"]}, YES),
        ("channel not in [fax, sms]", {"channel": "email"}, YES),
        ("channel not in [fax, sms]", {}, UNKNOWN),
        ("exclusion_possible", {"exclusion_possible": "none"}, NO),
        ("exclusion_possible", {"exclusion_possible": []}, NO),
        ("exclusion_possible", {"exclusion_possible": ["none", "right"]}, YES),
        ("effect", {"effect": "legal"}, YES),
        ("effect in [legal, similarly_significant]", {"effect": "none"}, NO),
        ("staff >= 250", {"staff": 250}, YES),
        ("staff > 250", {"staff": 250}, NO),
        ("collected_on < 2026-01-01", {"collected_on": "2025-12-31"}, YES),
        ("date >= 2026-09-01", {}, YES),
        ("date > 2026-09-01", {}, NO),
        ("profiling = yes", {"profiling": "yes"}, YES),
        ("profiling != yes", {"profiling": "yes"}, NO),
        ("always", {}, YES),
        ("ask", {}, UNKNOWN),
        ("ask and profiling", {"profiling": False}, NO),
        ("elapsed(last_contact_from_person) > 3 years", {"last_contact_from_person": "2023-09-01"}, NO),
        ("elapsed(last_contact_from_person) > 3 years", {"last_contact_from_person": "2023-08-31"}, YES),
        ("elapsed(last_contact_from_person) <= 1 day", {}, UNKNOWN),
        ("count(profiling, automated, large_scale) >= 2", {"profiling": True, "automated": True}, YES),
        ("count(profiling, automated, large_scale) >= 2", {"profiling": True}, UNKNOWN),
        ("count(profiling, automated, large_scale) >= 2", {"profiling": False, "automated": False}, NO),
        ("count(profiling, automated) = 1", {"profiling": True, "automated": False}, YES),
    ],
)
def test_each_form_of_condition(text, facts, expected):
    assert read(text, facts).truth is expected


def test_a_rule_that_is_spoken_of_lends_its_truth_and_its_facts():
    said = read("rule(X-1) and profiling", {"profiling": True}, applies=lambda name: Reading(YES, frozenset({"staff"})) if name == "X-1" else None)
    assert said == Reading(YES, frozenset({"rule(X-1)", "staff", "profiling"}))


def test_what_settles_is_rested_on_and_what_lacks_is_named():
    assert read(f"{A} and {B} and {C}", {A: True, B: False}) == Reading(NO, frozenset({B}))
    assert read(f"{A} and {B} and ask", {A: True}) == Reading(UNKNOWN, frozenset(), frozenset({B, "ask"}))
    assert read("ask", asked=True) == Reading(YES, frozenset({"answer"}))


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("profilling", 1, "did you mean 'profiling'"),
        ("not (profiling or automted)", 19, "did you mean 'automated'"),
        ("channel contains emial", 18, "did you mean 'email'"),
        ("profiling AND automated", 11, "lower case"),
        ("(profiling", 11, "'\\)'"),
        ("profiling)", 10, "complete"),
        ("", 1, "a fact is wanted"),
        ("profiling; drop", 10, "no part"),
        ("consent in email", 12, "'\\['"),
        ("count(profiling) >= profiling", 21, "a number"),
        ("date >= 2026-02-30", 9, "a day"),
        ("elapsed(profiling) > 3 years", 9, "not a day"),
        ("elapsed(collected_on) > 3 moons", 27, "days, months or years"),
        ("controller_type", 1, "a word"),
        ("staff", 6, "comparison"),
        ("profiling = maybe", 13, "yes or no"),
        ("__import__('os')", 12, "no part"),
        ("and profiling", 1, "a fact is wanted"),
        ("rule()", 1, "a fact is wanted"),
    ],
)
def test_a_fault_names_its_column_and_the_fix(text, column, said):
    with pytest.raises(ConditionError, match=said) as error:
        parse(text)
    assert error.value.column == column
    assert "Fix:" in str(error.value)


@pytest.mark.parametrize("text", ["(" * 5000 + "profiling", "not " * 3000 + "profiling", "profiling or " * 2000 + "profiling"])
def test_what_is_deep_or_long_is_refused_and_not_run_into_the_ground(text):
    with pytest.raises(ConditionError):
        parse(text)


LEAVES = st.sampled_from(
    [
        *(Stated(name) for name in (A, B, C, "exclusion_possible")),
        *map(parse, ("channel in [email, sms]", "staff >= 3", "date < 2027-01-01", "consent != none")),
    ]
)
TREES = st.recursive(
    LEAVES | st.builds(Known, st.booleans()),
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(Joined, st.sampled_from(["and", "or"]), st.lists(parts, min_size=2, max_size=3).map(tuple)),
        st.builds(Count, st.lists(parts, min_size=1, max_size=3).map(tuple), st.sampled_from([">=", "<", "="]), st.integers(0, 3).map(float)),
    ),
    max_leaves=8,
)
WHOLE = st.fixed_dictionaries(
    {
        **{name: st.booleans() for name in (A, B, C)},
        "exclusion_possible": st.sampled_from([("none",), ("contract",)]),
        "channel": st.sampled_from([("email",), ("post",), ("post", "sms")]),
        "staff": st.integers(2, 4).map(float),
        "consent": st.sampled_from(["none", "opt_in"]),
    }
)


def world(facts, asked=None):
    return World(facts, DAY, lambda _: Reading(UNKNOWN), asked)


@given(TREES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back_the_same(tree):
    assert str(parse(str(tree))) == str(tree)
    assert facts_named(parse(str(tree))) == facts_named(tree)


@given(TREES, WHOLE, st.booleans())
@settings(max_examples=60, deadline=None)
def test_with_everything_known_it_is_the_logic_of_python(tree, facts, asked):
    """The other road: the text turned into Python, and Python asked."""
    text = str(tree)
    text = re.sub(r"(\w+) in (\[[^]]*\])", r"among('\1', '\2')", text)
    text = re.sub(r"\bconsent != none", str(facts["consent"] != "none"), text)
    text = re.sub(r"\bstaff >= 3", str(facts["staff"] >= 3), text)
    text = text.replace("date < 2027-01-01", "True").replace("exclusion_possible", str(facts["exclusion_possible"] != ("none",)))
    text = text.replace("always", "True").replace("ask", str(asked)).replace(") = ", ") == ")
    names = {**{name: facts[name] for name in (A, B, C)}, "count": lambda *parts: sum(parts)}
    names["among"] = lambda name, values: any(value in values for value in facts[name])
    expected = eval(text, {"__builtins__": {}}, names)
    assert tree.read(world(facts, asked)).truth is (YES if expected else NO)


@given(TREES, WHOLE, st.sets(st.sampled_from([A, B, C, "exclusion_possible", "channel", "staff", "consent"])))
@settings(max_examples=60, deadline=None)
def test_to_know_less_never_turns_a_yes_into_a_no(tree, facts, forgotten):
    more = tree.read(world(facts))
    less = tree.read(world({name: value for name, value in facts.items() if name not in forgotten}))
    assert less.truth in {more.truth, UNKNOWN}
    assert (less.truth is UNKNOWN) == bool(less.missing)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 400), st.sampled_from(["days", "months", "years"]))
@settings(max_examples=60, deadline=None)
def test_calendar_time_rises_and_keeps_the_day_of_the_month_where_it_can(day, number, unit):
    end = later(day, number, unit)
    assert end >= day
    assert later(day, number + 1, unit) > end
    if unit != "days":
        assert end.day == day.day or (end + timedelta(days=1)).day == 1
    assert parse(str(Elapsed("collected_on", ">", number, unit))) == Elapsed("collected_on", ">", number, unit)


def test_rules_that_are_spoken_of_are_known():
    assert rules_named(parse("not (rule(A-1) or rule( B.2 ) and profiling)")) == {"A-1", "B.2"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FACTS)
def test_every_fact_has_its_question(name, language):
    assert say(f"law.fact_{name}", language).endswith("?")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"profilling": True}, "did you mean 'profiling'"),
        ({"profiling": "perhaps"}, "yes or no"),
        ({"staff": "many"}, "a number"),
        ({"staff": float("nan")}, "a number"),
        ({"collected_on": "2026-02-30"}, "calendar"),
        ({"collected_on": 20260101}, "2026-01-31"),
        ({"channel": ["emial"]}, "did you mean 'email'"),
        ({"channel": 3}, "a list"),
        ({"consent": ["opt_in"]}, "one word"),
    ],
)
def test_a_fact_that_is_not_of_the_vocabulary_is_a_fault(facts, said):
    with pytest.raises(EquiscoreError, match=said):
        checked_facts(facts)


def test_faults_of_facts_come_all_at_once():
    with pytest.raises(FaultyInput) as error:
        checked_facts({"profilling": 1, "staff": "x", "profiling": True})
    assert len(error.value.faults.exceptions) == 2


def declaration(**changes):
    return {
        "data": [{"name": "x", "special": False}],
        "persons": ["x"],
        "transfers": [],
        "purposes": [{"name": "x", "legal_basis": "contract"}],
        "study": {"score": {"column": "s"}, "decision": {"column": "d", "favourable": [True]}, "groups": {"sex": {"criterion": "sex"}}},
        **changes,
    }


def test_a_declaration_gives_what_it_implies_and_nothing_more():
    assert facts_of(declaration()) == {
        "personal_data": True,
        "profiling": True,
        "automated": True,
        "legal_basis": ("contract",),
        "exclusion_possible": ("contract",),
        "recipient_outside_eea": False,
        "bias_audit": True,
        "criterion": ("sex",),
    }
    assert facts_of({}) == {}


def test_data_that_are_not_said_to_be_special_leave_it_unknown():
    assert "special_category" not in facts_of(declaration())
    assert facts_of(declaration(data=[{"name": "x", "special": True}]))["special_category"] is True
    assert facts_of(declaration(study={"groups": {"g": {"criterion": "health"}}}))["special_category"] is True


def test_stated_facts_and_measures_join_and_contradictions_are_refused():
    found = facts_of(declaration(facts={"jurisdiction": "FR", "exclusion_possible": ["service"]}), {"decisions_following_score": 0.9})
    assert found["exclusion_possible"] == ("contract", "service")
    assert (found["jurisdiction"], found["decisions_following_score"]) == (("FR",), 0.9)
    for facts in ({"profiling": "no"}, {"exclusion_possible": "none"}):
        with pytest.raises(EquiscoreError, match="correct one of them"):
            facts_of(declaration(facts=facts))


def test_a_segment_without_an_offer_excludes():
    assert facts_of({"study": {"segments": {"offers": {"A": "x", "B": None}}}})["exclusion_possible"] == ("contract",)
    assert "exclusion_possible" not in facts_of({"study": {"segments": {"offers": {"A": "x"}}}})


def test_rules_of_tests_have_the_form_of_rules():
    assert rule("FR-X", "profiling").when == Stated("profiling")


@pytest.mark.parametrize(
    ("sign", "rested"),
    [
        (">= 1", {"profiling", "automated"}),
        (">= 3", {"vulnerable", "large_scale"}),
        ("< 2", {"profiling", "automated"}),
        ("<= 2", {"vulnerable", "large_scale"}),
    ],
)
def test_a_count_rests_on_the_parts_that_carry_it(sign, rested):
    """Two hold and two do not: those that hold carry "at least", those that do not carry "at most"."""
    facts = {"profiling": True, "automated": True, "vulnerable": False, "large_scale": False}
    count = parse(f"count(profiling, automated, vulnerable, large_scale) {sign}")
    read = count.read(World(facts, DAY, no_rules))
    assert read.rested == rested
    again = count.read(World({name: value for name, value in facts.items() if name in rested}, DAY, no_rules))
    assert again.truth is read.truth, "what it does not rest on changes nothing"


def no_rules(name):
    raise AssertionError(name)
