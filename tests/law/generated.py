"""Facts on each side of a condition, found by building them from the condition itself."""

from datetime import date, timedelta
from itertools import islice, product

from scoring.facts import FACTS
from scoring.law.conditions import Among, Applies, Compared, Count, Elapsed, Joined, Known, Not, Stated, Truth, later, rules_named
from scoring.law.rules import RuleBook
from scoring.law.trace import TERRITORY, Answer, Outcome, evaluate

TRIES = 3000
DAYS = [date(2028, 1, 1), date(2026, 12, 1), date(2023, 12, 31), date(2017, 12, 1), date(2010, 1, 1)]


def candidates(condition, want, rules, day):
    """Go through mappings of facts that should give a condition a truth; who takes one checks it."""
    yield from _WAYS[type(condition)](condition, want, rules, day)


def _known(condition, want, _rules, _day):
    if not condition.always or want:
        yield {} if condition.always else {"ask": want}


def _stated(condition, want, _rules, _day):
    fact = FACTS[condition.fact]
    if fact.kind == "bool":
        yield {condition.fact: want}
        return
    other = next((value for value in fact.allowed if value != "none"), "x")
    value = other if want else "none"
    yield {condition.fact: (value,) if fact.kind == "list" and (want or "none" in fact.allowed) else () if fact.kind == "list" else value}


def _among(condition, want, _rules, _day):
    fact = FACTS[condition.fact]
    inside = want is condition.wanted
    values = condition.values if inside else [value for value in (fact.allowed or ("x",)) if value not in condition.values]
    for value in values:
        yield {condition.fact: (value,) if fact.kind == "list" else value}
    if not inside and fact.kind == "list":
        yield {condition.fact: ()}


def _compared(condition, want, _rules, day):
    if condition.fact == "date":
        if (Compared("date", condition.sign, condition.bound).read(_At(day)).truth is Truth.YES) is want:
            yield {}
        return
    step = timedelta(days=1) if isinstance(condition.bound, date) else 1
    for value in (condition.bound, condition.bound - step, condition.bound + step):
        yield {condition.fact: value}


def _elapsed(condition, _want, _rules, day):
    start = later(day, -condition.number, condition.unit)
    for shift in (0, -2, 2):
        yield {condition.fact: start + timedelta(days=shift)}


def _applies(condition, want, rules, day):
    other = rules[condition.rule]
    if not other.in_force(day):
        if not want:
            yield {}
        return
    yield from candidates(other.when, want, rules, day)


def _joined(condition, want, rules, day):
    if (condition.word == "and") is want:
        yield from _together([(part, want) for part in condition.parts], rules, day)
    else:
        for part in condition.parts:
            yield from candidates(part, want, rules, day)


def _count(condition, want, rules, day):
    first = want is (condition.sign in {">=", ">"})
    for sides in product((first, not first), repeat=len(condition.parts)):
        yield from islice(_together(list(zip(condition.parts, sides, strict=True)), rules, day), 5)


def _together(wanted, rules, day):
    for found in product(*(list(islice(candidates(part, want, rules, day), 12)) for part, want in wanted)):
        merged = {}
        for facts in found:
            for name, value in facts.items():
                both = isinstance(value, tuple) and isinstance(merged.get(name), tuple)
                merged[name] = tuple(dict.fromkeys((*merged[name], *value))) if both else value
        yield merged


_WAYS = {
    Known: _known,
    Stated: _stated,
    Among: _among,
    Compared: _compared,
    Elapsed: _elapsed,
    Applies: _applies,
    Joined: _joined,
    Count: _count,
    Not: lambda condition, want, rules, day: candidates(condition.part, not want, rules, day),
}


class _At:
    def __init__(self, day):
        self.as_of = day


def days_of(rule):
    """Days on which the rule is in force: its own dates, then others."""
    return [day for day in (rule.valid_from, rule.valid_to, *DAYS) if day is not None and rule.in_force(day)]


def around(rule, rules):
    """Return the rule, those that it speaks of and those over it: all that its outcome hangs on."""
    near, ahead = {}, [rule.id]
    while ahead:
        name = ahead.pop()
        if name not in near:
            one = near[name] = rules[name]
            ahead += [*rules_named(one.when), *rules_named(one.met), *(other.id for other in rules if name in other.over)]
    return RuleBook({one.id: one.model_copy(update={"over": tuple(name for name in one.over if name in near)}) for one in near.values()})


def example(rule, rules, want, part="applies"):
    """Return facts, a day and an answer on one side of a rule's condition, or nothing where there is none.

    For ``satisfied`` the facts also make the rule apply.
    """
    rules = around(rule, rules)
    for day in days_of(rule):
        for found in islice(_sides(rule, rules, want, part, day), TRIES):
            facts = {"jurisdiction": TERRITORY[rule.jurisdiction], **found}
            applies, met = facts.pop("ask", None), facts.pop("ask_met", None)
            answer = Answer("a lawyer", day, "for the test", applies, met) if {applies, met} != {None} else None
            finding = evaluate(rules, facts, day, {rule.id: answer} if answer else None)[rule.id]
            got = finding.applies if part == "applies" else finding.satisfied
            if (
                got is (Truth.YES if want else Truth.NO)
                and (part == "applies" or finding.applies is Truth.YES)
                and finding.outcome is not Outcome.GIVES_WAY
            ):
                return facts, day, answer
    return None


def _sides(rule, rules, want, part, day):
    if part == "applies":
        yield from candidates(rule.when, want, rules, day)
        return
    for one in islice(candidates(rule.when, True, rules, day), 40):
        for other in islice(candidates(rule.met, want, rules, day), 200):
            yield {**one, **{"ask_met" if name == "ask" else name: value for name, value in other.items()}}
