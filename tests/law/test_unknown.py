"""What is not known never passes for lawful: of any facts, what a rule came to is what all completions agree on, or open."""

import itertools
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pytest

from scoring.facts import FACTS
from scoring.law.ai_act import ai_class
from scoring.law.conditions import Among, Compared, Elapsed, Truth, facts_named, later, leaves, rules_named
from scoring.law.formalities import FORMS, formalities
from scoring.law.rules import RuleBook, packaged_rules
from scoring.law.trace import TERRITORY, Outcome, evaluate

BOOK = packaged_rules()
EXHAUSTIVE = 300
"""Up to so many ways to know some of the facts of a rule, all are tried; beyond, some are drawn."""
SETTLED = {Outcome.MET, Outcome.BREACHED, Outcome.NOT_APPLICABLE, Outcome.NOT_IN_FORCE, Outcome.GIVES_WAY}


@lru_cache
def needed(name):
    """The rule and those that it speaks of, or that come before it."""
    wanted, ahead = {name}, [name]
    while ahead:
        rule = BOOK[ahead.pop()]
        more = rules_named(rule.when) | rules_named(rule.met) | {other.id for other in BOOK if rule.id in other.over}
        ahead += more - wanted
        wanted |= more
    return RuleBook({one.id: one for one in BOOK if one.id in wanted})


def spoken(rules):
    """The leaves of all conditions of some rules."""
    return [leaf for rule in rules for part in (rule.when, rule.met) for leaf in leaves(part)]


def values(fact, rules, day):
    """Enough values of a fact to reach every side of every condition that speaks of it."""
    if fact == "jurisdiction":
        return [("FR",), ("EU",), ("MA",), ("FR", "MA")]
    kind = FACTS[fact].kind
    if kind == "bool":
        return [True, False]
    mine = [leaf for leaf in spoken(rules) if getattr(leaf, "fact", "") == fact]
    if kind in {"number", "date"}:
        bounds = [leaf.bound for leaf in mine if isinstance(leaf, Compared)]
        bounds += [later(day, -leaf.number, leaf.unit) for leaf in mine if isinstance(leaf, Elapsed)]
        step = timedelta(days=1) if kind == "date" else 1.0
        return list(dict.fromkeys(value for bound in bounds for value in (bound - step, bound, bound + step)))
    asked = list(dict.fromkeys(value for leaf in mine if isinstance(leaf, Among) for value in leaf.values))
    other = [value for value in FACTS[fact].allowed if value not in asked and value != "none"][:1]
    words = [*asked, *other, *(["none"] if "none" in FACTS[fact].allowed else [])]
    if kind == "word":
        return list(dict.fromkeys(words))
    pairs = list(itertools.combinations([word for word in words if word != "none"], 2))
    return list(dict.fromkeys([(word,) for word in words] + pairs + [()]))


def spaces(rules, day):
    facts = sorted({name for rule in rules for part in (rule.when, rule.met) for name in facts_named(part)} | {"jurisdiction"})
    return {fact: values(fact, rules, day) for fact in facts}


def ways(space, rng):
    """Go through partial knowledge: every way where they are few, else ways drawn at random, a fact unknown as often as not."""
    names = list(space)
    if np.prod([float(len(found) + 1) for found in space.values()]) <= EXHAUSTIVE:
        choices = itertools.product(*([None, *space[name]] for name in names))
    else:
        shares = (0.15, 0.5, 0.85)
        choices = ([None if rng.random() < share else space[name][rng.integers(len(space[name]))] for name in names]
                   for share in shares for _ in range(15))  # fmt: skip
    for chosen in choices:
        yield {name: value for name, value in zip(names, chosen, strict=True) if value is not None}


def steps(known, space):
    """Go through what may be known besides: one more fact. By induction what holds of each step holds of every completion."""
    for name in space.keys() - known.keys():
        for value in space[name]:
            yield {**known, name: value}


@pytest.mark.parametrize("name", [rule.id for rule in BOOK])
def test_what_a_rule_came_to_is_what_every_completion_says_or_open(name):
    rules, rng = needed(name), np.random.default_rng(1)
    rule = BOOK[name]
    day = next(day for day in (rule.valid_to, max(filter(None, [rule.valid_from, date(2028, 1, 3)]))) if day)
    space = spaces(rules, day)
    told = lru_cache(maxsize=None)(lambda facts: evaluate(rules, dict(facts), day)[name])

    def finding(facts):
        return told(tuple(sorted(facts.items())))

    for known in ways(space, rng):
        found = finding(known)
        for more in steps(known, space):
            then = finding(more)
            assert found.applies in {Truth.UNKNOWN, then.applies}, (known, more)
            if found.outcome in SETTLED:
                assert then.outcome is found.outcome, (known, more)


@pytest.mark.parametrize("form", FORMS, ids=[form.code for form in FORMS])
@pytest.mark.parametrize("day", [date(2016, 6, 1), date(2028, 1, 3)], ids=str)
def test_a_formality_that_is_settled_is_settled_whatever_else_becomes_known(form, day):
    rules = RuleBook({one.id: one for name in form.rules for one in needed(name)})
    rng, space = np.random.default_rng(2), {**spaces(rules, day), "cnil_list_items": [("none",), ("large_scale_location",)]}
    space |= {name: [True, False] for name in ("high_risk", "decisions_following_score") if name in space}
    for number, known in enumerate(ways(space, rng)):
        if number == 30:
            break
        found = formalities(known, day, rules)[form.code]
        for more in steps(known, space):
            then = formalities(more, day, rules)[form.code]
            assert found.required in {Truth.UNKNOWN, then.required}, (known, more)
            assert found.blocks or not then.blocks, (known, more)


def test_a_class_under_the_ai_act_is_kept_or_names_what_may_change_it():
    rules = RuleBook({name: BOOK[name] for name in ("EU-AIA-5-1-c", "EU-AIA-III-5B")})
    day = date(2028, 1, 3)
    space = {**spaces(rules, day), "high_risk": [True], "jurisdiction": [("FR",)], "purpose": [("credit_scoring",), ("commercial",)]}
    for known in ways(space, np.random.default_rng(3)):
        found = ai_class(rules, known, day)
        for more in steps(known, space):
            then = ai_class(rules, more, day)
            added = next(iter(more.keys() - known.keys()))
            assert found.code in {"unknown", then.code} or added in {*found.missing, "high_risk"}, (known, more)


def test_territories_are_those_of_the_test():
    assert {place for places in TERRITORY.values() for place in places} <= {"FR", "EU", "MA"}


def test_reasons_not_to_make_an_assessment_do_not_close_what_else_may_call_for_one():
    """Two of the nine criteria are answered by documented reasons; profiling with data from outside sources is not."""
    facts = {"jurisdiction": "FR", "profiling": True, "large_scale": True, "no_dpia_reasons_documented": True}
    found = formalities(facts, date(2026, 11, 22))["dpia"]
    assert (found.required, found.done, found.blocks) == (Truth.YES, Truth.UNKNOWN, True)
    assert {"dpia_done", "data_sources", "exclusion_possible"} <= set(found.missing)
    assert all("?" in text for tongue in found.questions for text in tongue)


def test_the_list_of_the_cnil_calls_for_nothing_where_french_law_may_not_hold():
    listed = {
        "cnil_list_items": "large_scale_location",
        "profiling": False,
        "likely_high_risk": False,
        "large_scale": False,
        "exclusion_possible": "none",
    }
    day = date(2026, 11, 22)
    required = [formalities({**listed, **place}, day)["dpia"].required for place in ({"jurisdiction": "FR"}, {})]
    assert required == [Truth.YES, Truth.UNKNOWN]
    assert evaluate(BOOK, {**listed, "jurisdiction": "FR"}, day)["EU-GDPR-35-7"].applies is Truth.YES, "its content is that of any other"
