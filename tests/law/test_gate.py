"""The gate: nothing that is open or breached and blocks gets past it, and all of it is said at once."""

import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from law_small import DAY, SMALL, book, rule

from scoring.law.criteria import criteria_matrix
from scoring.law.formalities import FORMS, formalities
from scoring.law.gate import GateClosed, gate, gate_table, go_live
from scoring.law.rules import packaged_rules
from scoring.law.trace import Answer, Outcome
from scoring.texts import LANGUAGES

NEVER = book(*(rule(name, "not always") for form in FORMS for name in form.rules))
"""Every rule that calls for a formality, calling for none."""
CLEAR = {"jurisdiction": "FR", "cnil_list_items": "none"}


def with_(*rules):
    return book(*NEVER, *rules)


def codes(rules, facts=None, **more):
    return [point.code for point in gate(formalities({**CLEAR, **(facts or {})}, DAY, rules, more.get("answers")), more.get("matrix"))]


@pytest.mark.parametrize(
    ("done", "state", "said"),
    [
        ({"dpia_done": False}, "undone", "required, not done."),
        ({}, "required", "not known to be done."),
        ({"dpia_done": True, "dpia_before_launch": True}, None, ""),
    ],
    ids=["undone", "not known", "done"],
)
def test_a_formality_is_called_undone_only_where_that_is_known(done, state, said):
    facts = {"jurisdiction": "FR", "profiling": True, "exclusion_possible": ["contract"], **done}
    points = [point for point in gate(formalities(facts, DAY, SMALL)) if point.code == "dpia"]
    assert [point.state for point in points] == ([state] if state else [])
    assert all(said in point.said("en") for point in points)


def test_with_nothing_open_the_launch_passes():
    assert go_live(CLEAR, DAY, rules=NEVER).as_of == DAY
    assert gate_table(gate(formalities(CLEAR, DAY, NEVER))).empty


@pytest.mark.parametrize(
    ("facts", "state"),
    [({"opposed": True}, "breached"), ({}, "open"), ({"opposed": False}, None)],
    ids=["breached", "not known", "met"],
)
def test_a_rule_that_blocks_stops_the_launch_while_open_or_breached(facts, state):
    points = gate(formalities({**CLEAR, **facts}, DAY, with_(rule("EU-X", "always", "not opposed", blocking=True))))
    assert [(point.code, point.state) for point in points] == ([("EU-X", state)] if state else [])


def test_a_rule_that_does_not_block_is_shown_and_stops_nothing():
    assert codes(with_(rule("EU-X", "always", "not opposed")), {"opposed": True}) == []


def test_a_question_of_a_human_stops_the_launch_until_it_is_answered():
    rules = with_(rule("EU-X", "ask", blocking=True))
    no = Answer("a lawyer", DAY, "another kind of processing", applies=False)
    assert codes(rules) == ["EU-X"]
    assert codes(rules, answers={"EU-X": no}) == []
    assert codes(rules, answers={"EU-X": Answer("a lawyer", DAY, "it does", applies=True)}) == ["EU-X"]


def test_a_formality_and_its_rules_are_one_point():
    facts = {"profiling": True, "exclusion_possible": "contract"}
    rules = book(*(one for one in NEVER if one.id != "FR-AIPD-LIST-8"), SMALL["FR-AIPD-LIST-8"])
    assert codes(rules, facts) == ["dpia"]
    assert codes(rules, {**facts, "dpia_done": False}) == ["dpia"]
    assert codes(rules, {**facts, "dpia_done": True, "dpia_before_launch": True}) == []


def test_the_question_on_ethno_racial_groups_stops_the_launch():
    matrix = criteria_matrix([{"name": "g", "criterion": "origin"}], as_of=DAY, facts=CLEAR)
    assert codes(NEVER, matrix=matrix) == ["origin"]
    with pytest.raises(GateClosed, match="FR-CC-2007-557, EU-AIA-4A"):
        go_live(CLEAR, DAY, rules=NEVER, matrix=matrix)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_refusal_lists_everything_with_rule_confidence_question_and_fix(language):
    rules = with_(rule("EU-X", "always", "not opposed", blocking=True, confidence="to_verify_before_use"), rule("EU-Y", "ask", blocking=True))
    with pytest.raises(GateClosed) as refused:
        go_live({**CLEAR, "opposed": True}, DAY, rules=rules, language=language)
    said = str(refused.value)
    assert [point.code for point in refused.value.points] == ["EU-X", "EU-Y"]
    assert said.count("\n") == 3
    assert "Fix:" in said
    words = {"en": ("not settled", "no legal advice", "ask EU-Y?"), "fr": ("non établi", "pas de conseil juridique", "question EU-Y\u202f?")}
    assert all(word in said for word in words[language])


FACTS = st.dictionaries(
    st.sampled_from(["profiling", "automated", "opposed", "dpia_done", "large_scale", "solely_automated", "vulnerable", "national_id"]), st.booleans()
)


@given(FACTS, st.sampled_from(["FR", "MA", ["FR", "MA"], None]), st.sampled_from([date(2016, 1, 1), date(2021, 1, 1), DAY, date(2028, 1, 1)]))
@settings(max_examples=25, deadline=None)
def test_whatever_passes_has_nothing_blocking_that_is_open(facts, where, day):
    """The other road: the trace, read without the gate."""
    for rules in (SMALL, packaged_rules()):
        result = formalities({**facts, "jurisdiction": where}, day, rules)
        points = gate(result)
        spoken = {name for point in points for name in point.rules}
        whole = {name for item in result.items if item.done.value == "yes" for name in item.covers}
        done = {one.rule.id for one in result.trace if one.rule.id in whole and one.applies.value == "unknown"}
        left = {one.rule.id for one in result.trace if one.rule.blocking and one.outcome in {Outcome.OPEN, Outcome.BREACHED}}
        covered = {name for item in result.items if item.blocks for name in item.covers}
        assert left <= spoken | covered | done
        assert bool(points) == bool((left - done) or any(item.blocks for item in result.items))


@given(FACTS)
@settings(max_examples=10, deadline=None)
def test_to_know_nothing_never_opens_the_gate(facts):
    assert gate(formalities(facts, DAY, SMALL))


def test_with_nothing_known_the_packaged_rules_keep_the_gate_closed():
    assert gate(formalities({}, DAY, packaged_rules()))
