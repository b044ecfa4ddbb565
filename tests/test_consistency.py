"""What the parts of a declaration must not say against each other: each contradiction with its place and fix."""

import copy

import pytest

from scoring.consistency import contradictions

STUDY = {
    "as_of": "2026-01-31",
    "columns": {
        "id": {"type": "text", "roles": "identifier"},
        "sex": {"type": "text", "roles": "protected"},
        "birth": {"type": "date", "roles": ["protected"]},
        "income": {"type": "number", "roles": "feature"},
        "granted": {"type": "text", "roles": "decision"},
        "repaid": {"type": "text", "roles": "outcome"},
        "score": {"type": "number", "roles": "score"},
    },
    "groups": {"sex": {"column": "sex", "criterion": "sex"}, "age": {"column": "birth", "criterion": "age", "edges": [25]}},
    "decision": {"column": "granted", "favourable": "yes"},
    "outcome": {"column": "repaid", "favourable": "yes"},
    "score": {"column": "score"},
}


def study(**changes):
    """The study with some keys at dotted places changed, or taken away by None."""
    changed = copy.deepcopy(STUDY)
    for place, value in changes.items():
        *above, last = place.split("__")
        node = changed
        for part in above:
            node = node.setdefault(part, {})
        if value is None:
            node.pop(last)
        else:
            node[last] = value
    return {"study": changed}


def said(**changes):
    return [what for _, what in contradictions(study(**changes))]


def test_a_study_without_contradiction_says_nothing():
    assert said() == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param(
            {"decision": {"cutoff": {"rule": "value", "value": 1}}, "score__applied_cutoff": 1, "columns__granted__roles": []},
            "study.score.applied_cutoff: the decision is itself a cut-off of the score. Fix: take it out, or declare study.decision.column.",
            id="a cut-off that was in force beside one that decides",
        ),
        pytest.param(
            {"funnel": [{"name": "reachable", "column": "optin", "passes": ["yes"]}]},
            "study.funnel[0].column: 'optin' is not among study.columns. Fix: declare it there.",
            id="column of a stage",
        ),
        pytest.param(
            {"funnel": [{"name": "seen", "column": "granted", "passes": ["yes"]}], "columns__granted__roles": ["decision"]},
            "study.columns.granted: used as stage, but without that role. Fix: add stage to its roles.",
            id="role of a stage",
        ),
        pytest.param(
            {"funnel": [{"name": "a", "column": ""}, {"name": "a", "column": ""}]},
            "study.funnel: two stages are called 'a'. Fix: give each its own name.",
            id="stages of one name",
        ),
        pytest.param(
            {"amounts": {"income": {"column": "income"}}},
            "study.columns.income: used as amount, but without that role. Fix: add amount to its roles.",
            id="role of an amount",
        ),
        pytest.param(
            {"population": {"sx": {"shares": {"F": 0.5, "M": 0.5}}}},
            "study.population: 'sx' is no group. Fix: did you mean 'sex'?",
            id="population of nothing",
        ),
        pytest.param(
            {"population": {"sex": {"shares": {"F": 0.5, "H": 0.5}}}, "groups__sex__levels": ["F", "M"]},
            "study.population.sex.shares: 'H' is no level of 'sex'. Fix: use F, M.",
            id="level of a population",
        ),
        pytest.param(
            {"memberships": {"origin": {"probabilities": {"north": "p"}}}},
            "study.memberships.origin.probabilities.north: 'p' is not among study.columns. Fix: declare it there.",
            id="column of a probability",
        ),
        pytest.param(
            {"memberships": {"sex": {"probabilities": {}}}},
            "study.memberships: 'sex' is a group too. Fix: rename one of the two.",
            id="membership beside a group",
        ),
        pytest.param(
            {"groups__sex__column": "sx"},
            "study.groups.sex.column: 'sx' is not among study.columns. Fix: did you mean 'sex'?",
            id="column of a group",
        ),
        pytest.param(
            {"decision__column": "zzz"},
            "study.decision.column: 'zzz' is not among study.columns. Fix: declare it there.",
            id="column of the decision",
        ),
        pytest.param(
            {"columns__granted__roles": "feature"},
            "study.columns.granted: used as decision, but without that role. Fix: add decision to its roles.",
            id="role",
        ),
        pytest.param(
            {"columns__region": {"type": "text", "roles": "protected"}},
            "study.columns.region: protected, but no group is made of it. Fix: add it to study.groups, or take the role away.",
            id="no group",
        ),
        pytest.param(
            {"columns__id2": {"type": "text", "roles": "identifier"}},
            "study.columns: id and id2 all have the role identifier. Fix: leave it to one.",
            id="two identifiers",
        ),
        pytest.param(
            {"as_of": None},
            "study.groups.age: an age needs a day to be worked out for. Fix: add study.as_of (there is no clock in a study).",
            id="age without a day",
        ),
        pytest.param(
            {"groups__age__edges": None},
            "study.groups.age: a date makes no groups. Fix: add edges in completed years, such as [25, 66].",
            id="date without edges",
        ),
        pytest.param(
            {"groups__sex__edges": [1]},
            "study.groups.sex.edges: text cannot be cut at edges. Fix: take the edges away, or declare the column a number.",
            id="text with edges",
        ),
        pytest.param(
            {"decision": {"cutoff": {"rule": "value", "value": 1}}, "score": None},
            "study.decision.cutoff: there is no score to cut. Fix: add study.score.",
            id="cut-off without score",
        ),
        pytest.param(
            {"score": {"train": {}}, "outcome": None},
            "study.score.train: nothing to learn from. Fix: add study.outcome.",
            id="training without outcome",
        ),
        pytest.param(
            {"score": {"train": {}}, "columns__income__roles": []},
            "study.score.train: no column has the role feature. Fix: give the role to those that may enter the score.",
            id="training without features",
        ),
        pytest.param(
            {"score": {"train": {}}, "columns__birth__roles": ["protected", "feature"]},
            "study.columns.birth: a day is no feature of a score. Fix: give the role to a number, such as an age.",
            id="a day as feature",
        ),
        pytest.param(
            {"columns__score__type": "text"}, "study.columns.score.type: a score is no text. Fix: declare it number or integer.", id="score of words"
        ),
        pytest.param(
            {"columns__w": {"type": "text", "roles": "weight"}},
            "study.columns.w.type: a weight is no text. Fix: declare it number or integer.",
            id="weight of words",
        ),
        pytest.param(
            {"columns__job": {"type": "text", "roles": "feature"}, "segments": {"kmeans": {"segments": 2, "features": ["job"]}}},
            "study.columns.job.type: a feature of k-means is no text. Fix: declare it number or integer.",
            id="distances of words",
        ),
        pytest.param(
            {"segments": {"bands": {"edges": [1], "labels": ["low", "high"]}, "offers": {"low": None, "hihg": "card", "high": "card"}}},
            "study.segments.offers.hihg: no such segment. Fix: did you mean 'high'?",
            id="offer for nobody",
        ),
        pytest.param(
            {"segments": {"bands": {"edges": [1, 2]}, "offers": {"0": None}}},
            "study.segments.offers: nothing is said of '1', '2'. Fix: add each; empty (null) says that there is no offer.",
            id="no offer said",
        ),
        pytest.param(
            {"groups__a x b": {"column": "sex"}},
            "study.groups: 'a x b' holds ' x ', which stands between the names of a combination. Fix: rename it.",
            id="name of a combination",
        ),
        pytest.param({"reference": {"sx": "M"}}, "study.reference: 'sx' is no group. Fix: did you mean 'sex'?", id="reference of no group"),
        pytest.param(
            {"not_measured": [{"criterion": "sex", "why": "x"}]},
            "study.not_measured: sex is measured by a group. Fix: take it out of one of the two.",
            id="measured after all",
        ),
    ],
)
def test_a_contradiction_names_its_place_and_its_fix(changes, fault):
    assert said(**changes) == [fault]


def test_contradictions_come_all_at_once():
    assert len(said(as_of=None, reference={"sx": "M"}, columns__score__type="text")) == 3


def test_the_place_of_a_contradiction_is_a_key_of_the_file():
    assert [where for where, _ in contradictions(study(columns__score__type="text"))] == [("study", "columns", "score", "type")]


@pytest.mark.parametrize("junk", [None, 5, "x", [], {}, [[]], {"a": 5}, {"a": {"column": []}}, {5: {}}, True])
@pytest.mark.parametrize("part", sorted(STUDY))
def test_parts_of_the_wrong_kind_are_left_to_the_check_of_single_keys(part, junk):
    assert all("Fix:" in what for what in said(**{part: junk} if junk is not None else {part: None}))
