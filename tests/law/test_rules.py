"""Rule files: every fault at once; evaluation as of a day; and each packaged rule on each side of what it says."""

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from generated import example
from law_small import DAY, SMALL, book, rule

from scoring.errors import EquiscoreError
from scoring.law.conditions import Known, Truth, leaves
from scoring.law.rules import Confidence, RuleBook, check_rules, packaged_files, packaged_rules, read_rules
from scoring.law.trace import Answer, Outcome, evaluate

FR = {"jurisdiction": "FR"}
SOUND = json.loads(rule("FR-A", "profiling", "dpia_done").model_dump_json())


def written(folder, *rules, name="rules.yaml"):
    path = folder / name
    path.write_text(yaml.safe_dump({"rules": list(rules)}, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def faults(folder, *rules):
    return [str(fault).replace(str(folder), "") for fault in check_rules([written(folder, *rules)])]


def test_a_sound_file_has_no_fault_and_is_read_back(tmp_path):
    path = written(tmp_path, SOUND)
    assert check_rules([path]) == check_rules([tmp_path]) == []
    assert read_rules([path])["FR-A"].requirement.said("fr") == "y"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"applies": "profilling"}, "column 1: no fact 'profilling'. Fix: did you mean 'profiling'"),
        ({"satisfied": "profiling and"}, "satisfied, column 14"),
        ({"valid_from": "2020-13-01"}, "a day, such as"),
        ({"valid_from": "2020-02-01", "valid_to": "2020-01-31"}, "valid_to lies before valid_from"),
        ({"title": {"en": "only"}}, "title.fr: missing"),
        ({"requirement": {"en": "", "fr": "y"}}, "requirement.en: empty"),
        ({"confidence": "sure"}, "confidence"),
        ({"jurisdiction": "US"}, "jurisdiction"),
        ({"sanctions": None}, "did you mean 'sanction'"),
        ({"applies": "rule(FR-B)"}, "no rule 'FR-B'"),
        ({"over": ["FR-B"]}, "over: no rule 'FR-B'"),
        ({"applies": "rule(FR-A)"}, "runs in a circle: FR-A -> FR-A"),
        ({"over": ["FR-A"]}, "runs in a circle"),
        ({"blocking": None}, "blocking"),
    ],
)
def test_each_fault_says_where_what_and_the_fix(tmp_path, change, said):
    found = faults(tmp_path, {**SOUND, **change})
    assert any(said in fault for fault in found), found
    assert all("Fix:" in fault and "/rules.yaml:" in fault and "equiscore activity" not in fault for fault in found)


def test_a_fault_names_its_line(tmp_path):
    path = written(tmp_path, SOUND, {**SOUND, "id": "FR-B", "applies": "ask or"})
    line = next(number for number, text in enumerate(path.read_text().splitlines(), start=1) if "ask or" in text)
    assert [str(fault).split(": ")[0] for fault in check_rules([path])] == [f"{path}:{line}"]


def test_faults_of_several_rules_and_files_come_at_once(tmp_path):
    first = written(tmp_path, {**SOUND, "applies": "x"}, {**SOUND, "id": "FR-B", "prose": ""}, name="a.yaml")
    second = written(tmp_path, SOUND, name="b.yaml")
    found = [str(fault) for fault in check_rules([first, second, tmp_path / "none.yaml"])]
    assert len(found) == 4
    assert any("b.yaml" in fault and "also at" in fault and "a.yaml" in fault for fault in found)
    assert any("no such file" in fault for fault in found)


def test_circles_through_several_rules_are_found_once(tmp_path):
    ring = [{**SOUND, "id": name, "applies": f"rule({other})"} for name, other in (("A", "B"), ("B", "C"), ("C", "A"), ("D", "A"))]
    found = faults(tmp_path, *ring)
    assert len(found) == 1
    assert "circle: A -> B -> C -> A" in found[0]


@pytest.mark.parametrize("text", ["", "rules", "- a", "rules: {}", "rules: [1]", "a: [", "rules:\n  - id: !!python/object:os.system x"])
def test_a_file_that_is_none_is_a_fault_and_no_crash(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    assert check_rules([path])


def test_the_packaged_rules_have_no_fault():
    assert [str(fault) for fault in check_rules()] == []


def outcome(rules, facts=None, day=DAY, answers=None, name=None):
    trace = evaluate(rules, {**FR, **(facts or {})}, day, answers)
    return trace[name or trace.findings[0].rule.id].outcome


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2019-12-31", Outcome.NOT_IN_FORCE), ("2020-01-01", Outcome.MET), ("2020-06-30", Outcome.MET), ("2020-07-01", Outcome.NOT_IN_FORCE)],
)
def test_both_dates_are_days_in_force(day, expected):
    dated = book(rule("FR-A", "always", "always", valid_from="2020-01-01", valid_to="2020-06-30"))
    assert outcome(dated, day=date.fromisoformat(day)) is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, Outcome.OPEN),
        ({"profiling": False}, Outcome.NOT_APPLICABLE),
        ({"profiling": True}, Outcome.OPEN),
        ({"profiling": True, "dpia_done": False}, Outcome.BREACHED),
        ({"profiling": True, "dpia_done": True}, Outcome.MET),
        ({"dpia_done": True}, Outcome.OPEN),
    ],
)
def test_unknown_never_passes(facts, expected):
    assert outcome(book(rule("FR-A", "profiling", "dpia_done")), facts) is expected


@pytest.mark.parametrize(
    ("where", "places", "expected"),
    [("EU", "FR", "yes"), ("EU", "EU", "yes"), ("FR", "EU", "no"), ("FR", "MA", "no"), ("MA", ["FR", "MA"], "yes"), ("EU", None, "unknown")],
)
def test_a_rule_holds_where_its_law_does(where, places, expected):
    found = evaluate(book(rule("X", jurisdiction=where)), {"jurisdiction": places}, DAY)["X"]
    assert found.applies.value == expected


def test_an_open_question_asks_for_itself_and_for_each_missing_fact():
    found = evaluate(book(rule("FR-A", "profiling and large_scale", blocking=True)), {**FR, "profiling": True}, DAY)["FR-A"]
    assert (found.missing, found.blocks) == (("ask", "large_scale"), True)
    assert found.questions("fr") == ["question FR-A\u202f?", "Les données sont-elles traitées à grande échelle\u202f?"]
    assert found.questions("en") == ["ask FR-A?", "Are data processed on a large scale?"]


def test_a_named_human_answers_what_no_fact_can_and_nothing_else():
    rules = book(rule("FR-A", "ask and profiling", "ask"), rule("FR-B", "profiling", "dpia_done"))
    yes = Answer("a lawyer", DAY, "read the contract", applies=True, satisfied=True)
    assert outcome(rules, {"profiling": True}, answers={"FR-A": yes}) is Outcome.MET
    assert outcome(rules, {}, answers={"FR-A": yes}) is Outcome.OPEN
    assert outcome(rules, {"profiling": True, "dpia_done": False}, answers={"FR-B": yes}, name="FR-B") is Outcome.BREACHED
    assert outcome(rules, {"profiling": True}, answers={"FR-B": yes}, name="FR-B") is Outcome.OPEN
    with pytest.raises(EquiscoreError, match="No rule 'FR-C'"):
        evaluate(rules, FR, DAY, {"FR-C": yes})
    with pytest.raises(EquiscoreError, match="who answers"):
        Answer(" ", DAY, "x")


def test_a_rule_not_in_force_does_not_apply_for_another():
    rules = book(rule("FR-A", "rule(FR-B)"), rule("FR-B", valid_from="2027-01-01"))
    assert outcome(rules) is Outcome.NOT_APPLICABLE
    assert outcome(rules, day=date(2027, 1, 1)) is Outcome.OPEN


def test_the_special_comes_before_the_general_where_it_applies():
    rules = book(rule("FR-G", "always", "profiling"), rule("FR-S", "large_scale", "always", over=["FR-G"]))
    trace = evaluate(rules, {**FR, "large_scale": True, "profiling": False}, DAY)
    assert (trace["FR-G"].outcome, trace["FR-G"].gives_way_to) == (Outcome.GIVES_WAY, ("FR-S",))
    assert outcome(rules, {"profiling": False, "large_scale": False}) is Outcome.BREACHED
    assert outcome(rules, {"profiling": False}) is Outcome.BREACHED, "the special is not known to apply"


@pytest.mark.parametrize(
    ("one", "other", "gives_way"),
    [
        ({"valid_from": "2020-01-01"}, {"valid_from": "2024-01-01"}, "FR-1"),
        ({"valid_from": "2024-01-01"}, {"valid_from": "2020-01-01"}, "FR-2"),
        ({"blocking": True}, {"blocking": False}, "FR-2"),
        ({}, {}, None),
    ],
    ids=["later wins", "later wins, the other way round", "a prohibition wins", "equals stand beside each other"],
)
def test_rules_over_each_other_are_decided_by_date_then_by_prohibition(one, other, gives_way):
    rules = book(rule("FR-1", over=["FR-2"], **one), rule("FR-2", over=["FR-1"], **other))
    found = evaluate(rules, FR, DAY).of(Outcome.GIVES_WAY)
    assert [finding.rule.id for finding in found] == ([gives_way] if gives_way else [])


def test_a_rule_to_verify_is_never_settled_and_its_confidence_is_on_every_row():
    rules = book(rule("FR-A", "always", "always", confidence="to_verify_before_use"), rule("FR-B", "always", "always"), rule("FR-C"))
    trace = evaluate(rules, FR, DAY)
    assert [finding.settled for finding in trace] == [False, True, False]
    assert "not settled" in trace.table()["confidence_words"][0]
    assert "non établi" in trace.table("fr")["confidence_words"][0]


def test_the_trace_is_a_table_and_a_json_that_say_the_same():
    trace = evaluate(SMALL, {**FR, "profiling": True, "collected_on": "2026-01-01"}, DAY)
    told = json.loads(trace.json("fr"))
    assert [row["rule"] for row in told["rules"]] == trace.table("fr")["rule"].tolist() == [one.id for one in SMALL]
    assert told["facts"] == {"collected_on": "2026-01-01", "jurisdiction": ["FR"], "profiling": True}
    assert "conseil juridique" in told["no_advice"]
    assert trace.json() == evaluate(SMALL, {"collected_on": "2026-01-01", "profiling": True, **FR}, DAY).json()


@given(st.permutations(list(SMALL)), st.dictionaries(st.sampled_from(["profiling", "automated", "opposed"]), st.booleans()))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rules_and_facts_changes_nothing(rules, facts):
    found = evaluate(RuleBook({one.id: one for one in rules}), {**FR, **facts}, DAY)
    before = evaluate(SMALL, {**dict(reversed(facts.items())), **FR}, DAY)
    assert {one.rule.id: one for one in found} == {one.rule.id: one for one in before}


# ---- generated from the data: each rule on each side of what it says ----

PACKAGED = list(packaged_rules()) if not check_rules() else []
EVERY = [*((SMALL, one) for one in SMALL), *((packaged_rules(), one) for one in PACKAGED)]
NAMES = [f"{'small' if rules is SMALL else 'packaged'}-{one.id}" for rules, one in EVERY]
PARTS = [(rules, one, part, want) for rules, one in EVERY for part in ("applies", "satisfied") for want in (True, False)]
DAYS = [(rules, one, edge) for rules, one in EVERY for edge in ("valid_from", "valid_to") if getattr(one, edge)]


def constant(condition):
    """Return what a condition says whatever the facts are: always, or not always."""
    parts = list(leaves(condition))
    return str(condition) if all(isinstance(part, Known) and part.always for part in parts) else None


def test_the_package_has_rules():
    assert packaged_files()
    assert PACKAGED


@pytest.mark.parametrize(
    ("rules", "one", "part", "want"), PARTS, ids=[f"{'small' if r is SMALL else 'packaged'}-{o.id}-{p}-{w}" for r, o, p, w in PARTS]
)
def test_each_rule_on_each_side_of_its_conditions(rules, one, part, want):
    condition = one.when if part == "applies" else one.met
    found = example(one, rules, want, part)
    if says := constant(condition):
        assert (found is not None) == ((says == "always") is want), "a constant has one side"
        return
    assert found, f"no facts put {part} of {one.id} on the side {want}: {condition}"


@pytest.mark.parametrize(("rules", "one"), EVERY, ids=NAMES)
def test_each_rule_with_nothing_known_is_open(rules, one):
    day = next(day for day in (one.valid_from, one.valid_to, DAY) if day)
    found = evaluate(rules, {}, day)[one.id]
    assert found.applies is not Truth.YES
    assert found.outcome in {Outcome.OPEN, Outcome.NOT_APPLICABLE}
    assert found.outcome is Outcome.OPEN or "date" in found.rested, "only a date settles what nobody declared"


@pytest.mark.parametrize(("rules", "one"), EVERY, ids=NAMES)
def test_each_rule_holds_only_where_its_law_does(rules, one):
    found = example(one, rules, want=True)
    if found is None:
        pytest.fail(f"{one.id} applies to nothing")
    facts, day, answer = found
    elsewhere = evaluate(rules, {**facts, "jurisdiction": "FR" if one.jurisdiction == "MA" else "MA"}, day, {one.id: answer} if answer else None)
    assert elsewhere[one.id].outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(("rules", "one", "edge"), DAYS, ids=[f"{'small' if r is SMALL else 'packaged'}-{o.id}-{e}" for r, o, e in DAYS])
def test_each_rule_on_each_side_of_its_dates(rules, one, edge):
    day, step = getattr(one, edge), timedelta(days=1 if edge == "valid_to" else -1)
    facts, _, answer = example(one, rules, want=True) or ({}, None, None)
    answers = {one.id: answer} if answer else None
    assert evaluate(rules, facts, day, answers)[one.id].outcome is not Outcome.NOT_IN_FORCE
    assert evaluate(rules, facts, day + step, answers)[one.id].outcome is Outcome.NOT_IN_FORCE


@pytest.mark.parametrize(("rules", "one"), EVERY, ids=NAMES)
def test_no_rule_to_verify_is_ever_settled(rules, one):
    if one.confidence is Confidence.TO_VERIFY:
        assert not any(finding.settled for finding in evaluate(rules, FR, DAY) if finding.rule.id == one.id)
