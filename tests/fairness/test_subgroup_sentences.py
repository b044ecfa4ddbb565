"""What the search found, in words: whom, how many, how sure, and why the others are not listed twice."""

from __future__ import annotations

import pandas as pd
import pytest

from scoring.bounds import Bounds
from scoring.fairness.searching.subgroup_sentences import subgroup_findings, subgroup_headline, subgroup_sentence

BOUNDS = Bounds()
ROW = {
    "attribute": "sex x age", "group": "F x 66+", "levels": ("F", "66+"), "depth": 2, "metric": "selection_rate", "people": 1_200.0,
    "hits": 300.0, "trials": 1_200.0, "value": 0.25, "ref_hits": 4_000.0, "ref_trials": 8_000.0, "reference_value": 0.5,
    "ratio": 0.5, "ratio_low": 0.45, "ratio_high": 0.55, "shortfall": 300.0, "p": 1e-9, "p_adjusted": 1e-7, "status": "finding", "why": "",
    "under": "", "hollow_because": "", "shrunken": 0.26, "shrunken_low": 0.24, "shrunken_high": 0.28, "named": (),
}  # fmt: skip
TITLES = {"sex": {"en": "Sex", "fr": "Sexe"}, "age": {"en": "Age", "fr": "Âge"}}


def said(language: str = "en", **other) -> str:
    return subgroup_sentence({**ROW, **other}, BOUNDS, language, TITLES)


def test_a_finding_says_whom_how_many_and_how_sure():
    assert said() == (
        "Sex: F; Age: 66+: 300 of 1,200 were selected (25.0%), against 50.0% of everybody else whose group is known. "
        "The ratio is 0.50 (95% interval 0.45 to 0.55); the tolerance is 0.80. "
        "About 300 people are short of the rate of everybody else whose group is known. No other excluded group accounts for it."
    )


def test_a_finding_in_french():
    assert said("fr") == (
        "Sexe\u202f: F\u202f; Âge\u202f: 66+\u202f: 300 sur 1\u202f200 ont été retenus (25,0\u202f%), contre 50,0\u202f% pour toutes les autres "
        "personnes dont le groupe est connu. Le rapport est de 0,50 (intervalle à 95\u202f%\u202f: 0,45 à 0,55)\u202f; la tolérance est de 0,80. "
        "Il manque environ 300 personnes pour atteindre le taux de toutes les autres personnes dont le groupe est connu. "
        "Aucun autre groupe exclu n'en rend compte."
    )


@pytest.mark.parametrize(("language", "first"), [("en", "A lead, not a finding:"), ("fr", "Une piste, non un constat\u202f:")])
def test_a_lead_is_called_a_lead(language, first):
    text = said(language, status="lead", why="not confirmed")
    assert text.startswith(first)
    assert "1,200" in text or "1\u202f200" in text


@pytest.mark.parametrize(("language", "part"), [("en", "“Sex: F”"), ("fr", "«\u202fSexe\u202f: F\u202f»")])
def test_a_part_names_the_group_that_accounts_for_it(language, part):
    text = said(language, status="dropped", why="part of sex: F", under="sex: F", named=(("sex", "F"),))
    assert part in text
    assert "0.50" in text or "0,50" in text


@pytest.mark.parametrize(
    ("language", "part"),
    [("en", "“Sex: F” and “Age: 66+” account for it together"), ("fr", "66+\u202f» en rendent compte ensemble")],
)
def test_a_part_of_several_names_them_all(language, part):
    assert part in said(language, status="dropped", why="part of sex: F + age: 66+", named=(("sex", "F"), ("age", "66+")))


@pytest.mark.parametrize(
    ("language", "part"), [("en", "Leaving out “Age: 66+” on both sides"), ("fr", "Si l'on met à part «\u202fÂge\u202f: 66+\u202f» des deux côtés")]
)
def test_a_hollow_group_names_its_part(language, part):
    row = {"attribute": "sex", "group": "F", "status": "dropped", "why": "hollow", "hollow_because": "age: 66+", "named": (("age", "66+"),)}
    assert part in said(language, **row)


@pytest.mark.parametrize(("language", "part"), [("en", "With only 12 people"), ("fr", "Avec seulement 12 personnes")])
def test_of_a_few_people_the_shrunken_rate_is_said_too(language, part):
    text = said(language, people=12.0, trials=12.0, hits=3.0)
    assert part in text
    assert "26.0%" in text or "26,0\u202f%" in text


@pytest.mark.parametrize("status", ["finding", "lead"])
@pytest.mark.parametrize(("language", "part"), [("en", "0 of 60 were selected, where 30.0"), ("fr", "0 sur 60 ont été retenus, alors que 30,0")])
def test_nobody_selected_is_said_first_with_how_many_would_be(language, part, status):
    text = said(language, status=status, hits=0.0, trials=60.0, people=60.0, value=0.0, ratio=0.0, ratio_low=0.0, ratio_high=0.1)
    assert part in text


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], ["The search shows exclusion of no group. That is not a clearance: a small gap, or a group of few people, can go unseen."]),
        (["lead"], ["The search shows exclusion of no group. That is not a clearance: a small gap, or a group of few people, can go unseen.",
                    "1 group is a lead: found, not confirmed."]),
        (["finding"] * 2 + ["dropped"] * 30,
         ["The search lists 2 groups of which exclusion is shown and that no other excluded group accounts for.",
          "30 more groups fall below the tolerance for what is said of others; each is listed with that reason."]),
    ],
    ids=["nothing is no pass", "a lead is not a finding", "findings and the rest"],
)  # fmt: skip
def test_the_headline_counts_and_clears_nobody(statuses, expected):
    rows = pd.DataFrame({"status": pd.Series(statuses, dtype=object)})
    assert subgroup_headline(rows, "en") == expected
    assert len(subgroup_headline(rows, "fr")) == len(expected)


def test_a_sentence_for_every_row_in_their_order():
    rows = pd.DataFrame([ROW, {**ROW, "status": "lead"}])
    texts = subgroup_findings(rows, BOUNDS, "en")
    assert len(texts) == 2
    assert texts[1].startswith("A lead")
