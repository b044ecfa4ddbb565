"""Every pitfall of measuring that other libraries fell into has a test that bears its number.

The table is that of `peers.md`, section 5: what went wrong, where, and what shows that it does not here.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PITFALLS = {
    1: "total exclusion passes: ratio 0 becomes no number",
    2: "certainty at the boundary: 0 of 10 with an interval of no width",
    3: "an interval of the largest gap that never contains 0",
    4: "an undefined rate is coded as 0",
    5: "ratios with a 0 have no rule",
    6: "people of unknown group are dropped without a word",
    7: "people of unknown group dilute the reference",
    8: "the p-value of another denominator",
    9: "p-values overwritten where two attributes share a label",
    10: "a level of confidence that is wired half",
    11: "an inverted threshold: a target of 0.8 achieves 0.2",
    12: "conditioning without a stratum, which cancels",
    13: "inverted weights of standardisation",
    14: "places taken for ranks in Benjamini and Hochberg",
    15: "weights in the wrong place",
    16: "the flag of small samples is never set for one side",
    17: "the direction of a ratio and of its threshold differ",
    18: "signed means cancel",
    19: "a favourable value that matches nothing",
    20: "the ratio of a metric that may be negative",
    21: "a tiny group drives the largest gap",
    22: "a redrawn sample misses a group",
    23: "a stratum with one group read as parity",
    24: "the area under the curve with ties",
    25: "a p-value of 0 from draws",
    26: "groups renumbered where a batch lacks some",
    27: "several cut-offs squashed into one row",
    28: "units of the score guessed from its range",
    29: "a floor by share hides a small minority",
    30: "overlapping intervals read as equal, an interval as a probability",
    31: "the type of a column guessed from how many values it has",
    32: "reject-option post-processing flips both ways",
}


def asserting_tests() -> dict[int, list[str]]:
    """Tests by the number that they bear; one that checks nothing does not count."""
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"def test_p\d+_", text):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (named := re.match(r"test_p(\d+)_", node.name)) and _checks(node):
                found[int(named[1])].append(f"{path.name}::{node.name}")
    return found


def _checks(test: ast.FunctionDef) -> bool:
    called = {getattr(node.func, "attr", "") for node in ast.walk(test) if isinstance(node, ast.Call)}
    return any(isinstance(node, ast.Assert) for node in ast.walk(test)) or any(name == "raises" or name.startswith("assert_") for name in called)


FOUND = asserting_tests()


@pytest.mark.parametrize("number", sorted(PITFALLS), ids=lambda number: f"P{number}")
def test_every_pitfall_of_measuring_has_a_test(number):
    assert FOUND[number], f"P{number}, {PITFALLS[number]}: no test is named test_p{number:02}_..."


def test_no_test_bears_the_number_of_no_pitfall():
    assert {number for number, tests in FOUND.items() if tests} <= set(PITFALLS)
