"""Segments of a study: the expressions of the pass give what the estimators give of a frame, and the declaration holds together."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import scoring
from scoring.consistency import contradictions
from scoring.errors import ContractError, EquiscoreError
from scoring.models import KMeansSegments, ScoreBands
from scoring.models.segmenting.mixtures import GaussianMixtureSegments
from scoring.models.segmenting.rfm import RFMSegmenter
from scoring.models.segmenting.segment_stability import segment_stability
from scoring.models.segmenting.tiers import LoyaltyTiers
from scoring.plan import Plan
from scoring.scores import person_rows, score_customers
from scoring.segment_rules import RFM_RULES
from scoring.tables import collect, open_frame

N = 500
FEATURES = ["days", "times", "spent"]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(4)
    times = rng.geometric(0.4, N)
    return pd.DataFrame({
        "sex": rng.choice(["F", "M"], N), "granted": rng.choice(["yes", "no"], N), "score": np.round(rng.normal(500, 60, N)),
        "days": rng.integers(0, 400, N).astype(float), "times": times, "spent": np.round(rng.gamma(2.0, 30.0, N) * times, 2),
        "tier": rng.choice(["silver", "gold", "(none)", " gold ", ""], N), "unread": "x",
    })  # fmt: skip


COLUMNS = {
    "sex": {"type": "text", "roles": "protected"},
    "granted": {"type": "text", "roles": "decision"},
    "score": {"type": "number", "roles": "score"},
    "days": {"type": "number", "roles": "feature"},
    "times": {"type": "integer", "roles": "feature"},
    "spent": {"type": "number", "roles": "feature"},
    "tier": {"type": "text", "roles": "segment"},
}
RFM = {"recency": "days", "frequency": "times", "monetary": "spent"}
TIERS = {"column": "spent", "thresholds": {"silver": 50, "gold": 150}, "keep": {"gold": 100}, "previous": "tier"}


def plan(columns=COLUMNS, offers=None, **segments):
    study = {"groups": {"sex": {"column": "sex"}}, "decision": {"column": "granted", "favourable": "yes"}, "score": {"column": "score"}}
    return Plan(columns=columns, segments={**segments, "offers": offers or {}}, **study)


def scored(frame, asked):
    types = {name: column.type for name, column in asked.columns.items()}
    return score_customers(open_frame(frame, types), asked)


def segments(made):
    return collect(made.table.frame)[made.table.own["(segment)"]].to_pylist()


# -- the same as the estimators


@pytest.mark.parametrize("monetary", [True, False])
def test_rfm_is_that_of_the_estimator(frame, monetary):
    some = frame.assign(times=frame["times"].astype("Int64").mask(frame.index < 5), days=frame["days"].mask(frame.index == 9))
    chosen = RFM if monetary else {"recency": "days", "frequency": "times"}
    made = scored(some, plan(rfm=chosen))
    estimator = RFMSegmenter(**chosen, **({} if monetary else {"monetary": None})).fit(some[FEATURES])
    other = estimator.segment(some[FEATURES])
    assert segments(made) == [None if name == "(unknown)" else name for name in other]
    assert made.facts["segments"]["cuts"] == {part: cuts.tolist() for part, cuts in estimator.cuts_.items()}
    assert made.facts["segments"]["bins"] == [5] * len(chosen)


def test_rfm_by_stated_cuts_and_rules(frame):
    rules = {"best": {"r": 3, "f": 2}, "good": {"r": [2, 3]}}
    asked = {**RFM, "bins": [5, 5, 1], "cuts": {"recency": [60, 200], "frequency": [3]}, "rules": rules, "match": "first", "rest": "others"}
    made = scored(frame, plan(rfm=asked))
    best, good = (frame["days"] < 60) & (frame["times"] >= 3), frame["days"] < 200
    assert segments(made) == np.select([best, good], ["best", "good"], "others").tolist()
    assert (made.facts["segments"]["stated"], made.facts["segments"]["rest"]) == (["frequency", "recency"], "others")


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_a_mixture_is_that_of_the_estimator(frame, covariance):
    some = frame.assign(days=frame["days"].mask(frame.index < 20))
    made = scored(some, plan(mixture={"segments": 3, "features": FEATURES, "seed": 2, "covariance": covariance, "replicates": 0}))
    estimator = GaussianMixtureSegments(3, 2, features=FEATURES, covariance=covariance).fit(some[FEATURES])
    assert segments(made) == [str(label) for label in estimator.labels_]
    facts = made.facts["segments"]
    assert (facts["from"], facts["bic"], facts["replaced"]) == ("mixture", estimator.bic_, {"days": 20, "times": 0, "spent": 0})
    assert facts["centres"] == estimator.centres().to_dict("records")
    assert "stability" not in facts


def test_k_means_is_that_of_the_estimator_and_its_stability_is_told(frame):
    some = frame.assign(spent=frame["spent"].mask(frame.index < 20))
    made = scored(some, plan(kmeans={"segments": 4, "features": FEATURES, "seed": 2, "replicates": 3}))
    estimator = KMeansSegments(4, 2, features=FEATURES)
    assert segments(made) == [str(label) for label in estimator.fit(some[FEATURES]).labels_]
    told = made.facts["segments"]["stability"]
    other = segment_stability(estimator, some[FEATURES], replicates=3, seed=2)
    assert (told["replicates"], told["mean"], told["people"]) == (list(other.replicates), other.mean, N)


@pytest.mark.parametrize("labels", [None, ["D", "C", "B", "A"]])
def test_bands_by_quantiles_are_those_of_the_estimator(frame, labels):
    made = scored(frame, plan(bands={"quantiles": 4, **({"labels": labels} if labels else {})}))
    bands = ScoreBands(n_bands=4, labels=labels or list("0123")).fit(frame[["score"]].to_numpy())
    assert segments(made) == bands.band(frame["score"]).tolist()
    assert made.facts["segments"]["edges"] == bands.edges_[0].tolist()


def test_bands_that_scores_do_not_allow_are_refused(frame):
    with pytest.raises(EquiscoreError, match=r"the scores allow 2 bands, not the 4 labelled\. Fix:"):
        scored(frame.assign(score=np.where(frame.index < 50, 1.0, 2.0)), plan(bands={"quantiles": 4}))
    with pytest.raises(ContractError, match="nobody has a score"):
        scored(frame.assign(score=np.nan), plan(bands={"quantiles": 4}))


@pytest.mark.parametrize("kept", [True, False])
def test_tiers_are_those_of_the_estimator(frame, kept):
    some = frame.assign(spent=frame["spent"].mask(frame.index < 5))
    asked = TIERS if kept else {name: value for name, value in TIERS.items() if name not in {"keep", "previous"}}
    made = scored(some, plan(tiers=asked))
    tiers = LoyaltyTiers(thresholds=TIERS["thresholds"], keep=TIERS["keep"] if kept else None)
    before = frame["tier"].str.strip().replace("", None)
    other = tiers.renewed(some["spent"], before) if kept else tiers.tier(some["spent"])
    assert segments(made) == [None if name == "(unknown)" else name for name in other]
    assert made.facts["segments"]["version"] == "1"
    assert len(set(other[5:])) == 3


def test_a_tier_held_that_is_not_declared_is_refused(frame):
    with pytest.raises(ContractError, match=r"column 'tier' holds 'platinum', which is no tier\. Fix: use '\(none\)', 'silver', 'gold'\."):
        scored(frame.assign(tier="platinum"), plan(tiers=TIERS))


@pytest.mark.parametrize(
    "asked",
    [{"rfm": RFM}, {"mixture": {"segments": 2, "features": FEATURES, "replicates": 0}}, {"bands": {"quantiles": 3}}],
    ids=["rfm", "mixture", "bands"],
)
def test_rows_with_a_fault_and_rows_of_no_weight_teach_nothing(frame, asked):
    columns = {**COLUMNS, "weight": {"type": "number", "roles": "weight"}}
    some = frame.assign(weight=1.0).astype({"times": object})
    some.loc[:9, ["times", "weight"]] = ["12.5", -1.0]
    some.loc[:9, ["days", "spent", "score"]] = 1e6
    facts = scored(some, plan(columns, **asked)).facts["segments"]
    assert facts == scored(some[10:].reset_index(drop=True), plan(columns, **asked)).facts["segments"]


def test_segments_of_a_study_come_with_their_offers(frame):
    asked = plan(rfm={**RFM, "rules": {"recent": {"r": [3, 5]}, "gone": {"r": [1, 2]}}}, offers={"recent": "card", "gone": None})
    rows = person_rows(scored(frame.drop(columns="unread"), asked), asked).to_pandas()
    assert set(zip(rows["segment"], rows["offer"].fillna("none"), strict=True)) == {("recent", "card"), ("gone", "none")}


def test_only_the_columns_that_are_learned_from_are_read(frame, monkeypatch):
    from scoring import scores

    seen = []
    monkeypatch.setattr(scores, "collect", lambda lazy: seen.append(lazy.collect_schema().names()) or collect(lazy))
    asked = plan(rfm=RFM)
    made = scored(frame, asked)
    assert [sorted(names) for names in seen] == [[*sorted(made.table.own[name] for name in FEATURES), "fault"]]


# -- the declaration


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "segments come from one of column, bands, kmeans, mixture, rfm, tiers"),
        ({"rfm": RFM, "tiers": TIERS}, "declare exactly one"),
        ({"bands": {}}, "at edges or by quantiles"),
        ({"bands": {"edges": [1], "quantiles": 2}}, "at edges or by quantiles"),
        ({"bands": {"quantiles": 3, "labels": ["a", "b"]}}, "2 labels for 3 bands"),
        ({"kmeans": {"segments": 2, "features": ["days"], "replicates": 1}}, "one sample shows no spread"),
        ({"rfm": {**RFM, "bins": [5, 5]}}, "2 numbers of bins for 3 dimensions"),
        ({"rfm": {**RFM, "bins": 11}}, "give 1 to 10"),
        ({"rfm": {**RFM, "monetary": "days"}}, "a column stands for two dimensions"),
        ({"rfm": {**RFM, "cuts": {"recency": [2, 1]}}}, "cuts of recency do not rise"),
        ({"rfm": {"recency": "days", "frequency": "times", "cuts": {"monetary": [1]}}}, "are of no column"),
        ({"rfm": {**RFM, "rules": {"a": {"r": [1, 3]}, "b": {"r": [3, 5]}}}}, "'a' and 'b' overlap"),
        ({"rfm": {**RFM, "rules": {"a": {"r": [1, 3]}}}}, "No segment has r=4 f=1 m=1"),
        ({"tiers": {"column": "spent", "thresholds": {"a": 2, "b": 1}}}, "tiers do not rise"),
        ({"tiers": {**TIERS, "keep": {"gold": 151}}}, "from more points than earn it"),
        ({"tiers": {**TIERS, "previous": None}}, "declare both `keep` and `previous`"),
    ],
)
def test_faulty_rules_are_faults_of_the_declaration(asked, says):
    with pytest.raises(ValidationError, match=says):
        plan(**asked)


def said(**asked):
    raw = {"columns": COLUMNS, "groups": {"sex": {"column": "sex"}}, "decision": {"column": "granted"}, "score": {"column": "score"}}
    return [what for _, what in contradictions({"study": {**raw, "segments": asked}})]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"rfm": {**RFM, "recency": "day"}}, "study.segments.rfm.recency: 'day' is not among study.columns. Fix: did you mean 'days'?"),
        ({"rfm": {**RFM, "monetary": "sex"}}, "study.columns.sex: used as feature, but without that role. Fix: add feature to its roles."),
        ({"rfm": {**RFM, "monetary": "sex"}}, "study.columns.sex.type: a feature of RFM is no text. Fix: declare it number or integer."),
        (
            {"mixture": {"segments": 2, "features": ["sex"]}},
            "study.columns.sex.type: a feature of a mixture is no text. Fix: declare it number or integer.",
        ),
        ({"tiers": {**TIERS, "previous": "sex"}}, "study.columns.sex: used as segment, but without that role. Fix: add segment to its roles."),
        ({"tiers": TIERS, "offers": {"silver": "card", "gold": "card"}}, "nothing is said of '(none)'"),
        ({"tiers": TIERS, "offers": {"(none)": None, "silver": "x", "gold": "y", "glod": "z"}}, "study.segments.offers.glod: no such segment."),
        ({"rfm": RFM, "offers": dict.fromkeys([*RFM_RULES][1:], "card")}, "nothing is said of 'champions'"),
        ({"rfm": {**RFM, "rules": {"a": {}}, "rest": "b"}, "offers": {"a": "card"}}, "nothing is said of 'b'"),
        ({"mixture": {"segments": 2, "features": ["days"]}, "offers": {"0": "card"}}, "nothing is said of '1'"),
        ({"bands": {"quantiles": 3}, "offers": {"0": "card", "1": "card"}}, "nothing is said of '2'"),
    ],
)
def test_what_the_parts_say_against_each_other_is_told(asked, says):
    assert any(says in what for what in said(**asked))


def test_whole_declarations_say_nothing_against_themselves():
    assert said(tiers=TIERS, offers={"(none)": None, "silver": "card", "gold": "card"}) == []
    assert said(rfm=RFM, offers=dict.fromkeys(RFM_RULES, "card")) == []


def test_the_columns_that_a_rule_reads_are_known():
    assert plan(rfm=RFM).segments.reads == ("days", "times", "spent")
    assert plan(tiers=TIERS).segments.reads == ("spent", "tier")
    assert plan(mixture={"segments": 2, "features": ["days"]}).segments.reads == ("days",)
    assert plan(bands={"quantiles": 2}).segments.reads == ()


def test_a_study_of_rfm_counts_segments_and_offers(frame):
    offers = {name: None if name == "hibernating" else "card" for name in RFM_RULES}
    asked = plan(rfm=RFM, offers=offers)
    study = scoring.conduct_study(scoring.ProcessingActivity.model_construct(study=asked), frame)
    assert set(study.counts.studied["segment"]) <= set(RFM_RULES)
