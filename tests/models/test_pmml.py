"""The PMML of a card, read by an evaluator of its own that knows the standard and nothing of our code."""

import json
import math
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import EquiscoreError
from scoring.models import Scorecard, WoEBinner
from scoring.models.card.pmml import NAMESPACE

PMML = {"p": NAMESPACE}
COMPARE = {
    "equal": lambda a, b: a == b,
    "notEqual": lambda a, b: a != b,
    "lessThan": lambda a, b: a < b,
    "lessOrEqual": lambda a, b: a <= b,
    "greaterThan": lambda a, b: a > b,
    "greaterOrEqual": lambda a, b: a >= b,
}


class Evaluator:
    """PMML 4.4 Scorecard: the first attribute that is true gives its points; comparing a missing value is unknown, which is not true."""

    def __init__(self, document):
        root = ET.fromstring(document)
        self.types = {field.get("name"): field.get("dataType") for field in root.iterfind(".//p:DataField", PMML)}
        self.valid = {field.get("name"): {v.get("value") for v in field.iterfind("p:Value", PMML)} for field in root.iterfind(".//p:DataField", PMML)}
        self.treatment = {field.get("name"): field.get("invalidValueTreatment") for field in root.iterfind(".//p:MiningField", PMML)}
        self.card = root.find("p:Scorecard", PMML)

    def score(self, row):
        """Return the score and the ranked reason codes, or None where an invalid value forbids one."""
        if any(self.invalid(name, row[name]) for name in self.types):
            return None
        total, short = float(self.card.get("initialScore")), []
        for characteristic in self.card.iterfind(".//p:Characteristic", PMML):
            partial = next(float(a.get("partialScore")) for a in characteristic.iterfind("p:Attribute", PMML) if self.true(a[0], row))
            total += partial
            short.append((float(characteristic.get("baselineScore")) - partial, characteristic.get("reasonCode")))
        return total, [code for _, code in sorted(short, key=lambda pair: -pair[0])]

    def invalid(self, name, value):
        return self.treatment[name] == "returnInvalid" and value is not None and bool(self.valid[name]) and value not in self.valid[name]

    def true(self, predicate, row):
        kind = predicate.tag.removeprefix(f"{{{NAMESPACE}}}")
        if kind == "CompoundPredicate":
            found = [self.true(part, row) for part in predicate]
            return {"and": self.all, "or": self.any}[predicate.get("booleanOperator")](found)
        assert kind == "SimplePredicate"
        value, operator = row[predicate.get("field")], predicate.get("operator")
        if operator in {"isMissing", "isNotMissing"}:
            return (value is None) == (operator == "isMissing")
        if value is None:
            return None
        read = float if self.types[predicate.get("field")] == "double" else str
        return COMPARE[operator](value, read(predicate.get("value")))

    @staticmethod
    def all(found):
        return False if False in found else None if None in found else True

    @staticmethod
    def any(found):
        return True if True in found else None if None in found else False


def as_pmml_sees_it(card, X):
    """Rows with None for missing, numbers as floats, levels as text."""
    kinds = {bins.name: bins.kind for bins in card.binner_.bins_}
    rows = X.astype(object).where(X.notna(), None).to_dict("records")
    return [
        {name: value if value is None else float(value) if kinds[name] == "number" else told(value) for name, value in row.items()} for row in rows
    ]


def told(value):
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def scored(card, X, **how):
    evaluator = Evaluator(card.to_pmml(**how))
    return [evaluator.score(row) for row in as_pmml_sees_it(card, X)]


def on_the_edges(card, X):
    """People who sit on each edge, and a hair above it; with nothing known; and of levels never seen."""
    numbers = [bins for bins in card.binner_.bins_ if bins.kind == "number"]
    values = [value for bins in numbers for edge in (*bins.edges, *bins.special) for value in (edge, np.nextafter(edge, np.inf))]
    typical = X.astype(object).where(X.notna(), None).iloc[0].to_dict()
    rows = pd.DataFrame([typical] * (len(values) + 2), columns=X.columns).astype(
        {name: float if name in {bins.name for bins in numbers} else object for name in X.columns}
    )
    for bins in numbers:
        rows.loc[: len(values) - 1, bins.name] = values
    rows.loc[len(values), :] = None
    return rows.assign(home=[*rows["home"][:-1], "houseboat"], job=pd.Series(["c"] * len(rows), dtype=object))


CARDS = {
    "plain": {},
    "unrounded, all features": {"round_points": False, "min_iv": 0.0},
    "by hand": {
        "min_iv": 0.0,
        "binner": WoEBinner(
            cuts={"age": [30, 50], "home": [["own"], ["rent", "(others)"]], "job": [["a", "b"]]}, special={"age": [20, -1]}, unseen="worst"
        ),
    },
    "unseen as missing": {"binner": WoEBinner(unseen="missing"), "favourable": "bad"},
}


@pytest.fixture(scope="module", params=CARDS.values(), ids=CARDS)
def card(request, people):
    return Scorecard(**request.param).fit(*people)


def test_another_evaluator_gives_the_same_points_to_everybody(card, people):
    X = people[0]
    strange = pd.concat([X.astype(object), on_the_edges(card, X).astype(object)], ignore_index=True)[list(X.columns)]
    strange = strange.where(strange.notna(), None).astype({bins.name: float for bins in card.binner_.bins_ if bins.kind == "number"})
    found = [score for score, _ in scored(card, strange)]
    assert found == pytest.approx(card.score_points(strange).tolist(), abs=1e-9)
    if card.round_points:
        assert found == card.score_points(strange).tolist()


STRANGERS = st.fixed_dictionaries(
    {
        "age": st.one_of(st.none(), st.floats(-1e6, 1e6)),
        "income": st.one_of(st.none(), st.floats(0, 1e9)),
        "home": st.sampled_from(["own", "rent", "lodger", "boat", "", None]),
        "member": st.sampled_from([True, False, None]),
    }
)


@settings(deadline=None, max_examples=25)
@given(stranger=STRANGERS)
def test_and_to_whoever_may_come(card, people, stranger):
    X = people[0].iloc[[0]].astype({"home": object, "member": object}).assign(**stranger).astype({"age": float, "income": float})
    assert scored(card, X)[0][0] == pytest.approx(card.score_points(X)[0], abs=1e-9)


def test_reason_codes_are_the_features_furthest_below_their_best(people):
    X, y = people
    card = Scorecard().fit(X, y)
    parts = card.contributions(X.iloc[:30])[1]
    best = {
        name: max(p for p, n in zip(points, count_of(card, name), strict=True) if n)
        for name, points in zip(card.features_, card.points_, strict=True)
    }
    for (_, reasons), (_, row) in zip(scored(card, X.iloc[:30]), parts.iterrows(), strict=True):
        assert reasons == sorted(card.features_, key=lambda name: -(best[name] - row[name]))


def count_of(card, name):
    return next(bins for bins in card.binner_.bins_ if bins.name == name).counts.sum(axis=0)


@pytest.mark.parametrize("baseline", ["max", "mean", "min", "neutral"])
def test_the_baseline_is_stated_and_is_what_it_says(people, baseline):
    X, y = people
    card = Scorecard(round_points=False).fit(X, y)
    model = ET.fromstring(card.to_pmml(baseline=baseline)).find("p:Scorecard", PMML)
    assert (model.get("baselineMethod"), model.get("reasonCodeAlgorithm"), model.get("useReasonCodes")) == (baseline, "pointsBelow", "true")
    against = {c.get("name"): float(c.get("baselineScore")) for c in model.iterfind(".//p:Characteristic", PMML)}
    parts = card.contributions(X)[1]  # everybody at fit, so that their mean, best and worst are the card's
    expected = {"max": parts.max(), "mean": parts.mean(), "min": parts.min(), "neutral": parts.mean() * 0}[baseline]
    assert against == pytest.approx(expected.to_dict(), abs=1e-9)


def test_a_level_never_seen_is_invalid_where_it_is_an_error(people):
    X, y = people
    card = Scorecard(binner=WoEBinner(unseen="error")).fit(X, y)
    found = scored(card, pd.concat([X.iloc[[0]], X.iloc[[0]].assign(home="boat")]))
    assert found[0][0] == card.score_points(X.iloc[[0]])[0]
    assert found[1] is None


def test_an_edited_card_is_written_as_edited(people):
    X, y = people
    card = Scorecard().fit(X, y).with_points("home", "own", 99, who="committee", why="test")
    assert [score for score, _ in scored(card, X)] == card.score_points(X).tolist()


def test_names_that_xml_must_escape_come_back():
    X, y = pd.DataFrame({'a <"b"> & c': ["<x>", "it's", 'say "hi"', "two\nlines\ttab", " ", ""] * 20}), [0, 1, 1, 0, 1, 0] * 20
    card = Scorecard(min_iv=0).fit(X, y)
    assert [score for score, _ in scored(card, X)] == card.score_points(X).tolist()


def test_what_xml_cannot_hold_is_refused():
    with pytest.raises(EquiscoreError, match="which XML cannot"):
        Scorecard().fit(pd.DataFrame({"x": ["a\x00", "b"] * 20}), [0, 1] * 20).to_pmml()


def test_a_card_of_nothing_and_an_unknown_baseline_are_refused():
    empty = Scorecard().fit(pd.DataFrame({"x": [1.0] * 10}), [1] * 8 + [0] * 2)
    with pytest.raises(EquiscoreError, match=r"no feature.*Fix:"):
        empty.to_pmml()
    with pytest.raises(EquiscoreError, match=r"No baseline 'best'.*Fix:"):
        empty.to_pmml(baseline="best")


def test_the_document_keeps_the_order_and_the_attributes_of_the_standard(people):
    """By the schema of PMML 4.4: PMML holds Header, DataDictionary, a model; Scorecard holds MiningSchema, Output, Characteristics."""
    root = ET.fromstring(Scorecard().fit(*people).to_pmml())
    assert root.get("version") == "4.4"
    assert [child.tag.split("}")[1] for child in root] == ["Header", "DataDictionary", "Scorecard"]
    model = root[2]
    assert model.get("functionName") == "regression"
    assert [child.tag.split("}")[1] for child in model] == ["MiningSchema", "Output", "Characteristics"]
    for characteristic in model.iterfind(".//p:Characteristic", PMML):
        fields = {predicate.get("field") for predicate in characteristic.iter(f"{{{NAMESPACE}}}SimplePredicate")}
        assert fields == {characteristic.get("name")}  # «must all reference a single field»
        assert all(math.isfinite(float(a.get("partialScore"))) for a in characteristic.iterfind("p:Attribute", PMML))


def test_the_same_card_gives_the_same_document(people):
    card = Scorecard().fit(*people)
    assert card.to_pmml() == Scorecard.from_dict(json.loads(json.dumps(card.to_dict()))).to_pmml()
