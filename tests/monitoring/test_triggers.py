"""A planted drift is found, no drift fires no more often than its level, what cannot be measured is never read as fine."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.bounds import Bounds
from scoring.fairness.drift import compare_studies
from scoring.fairness.hypotheses import adjust
from scoring.monitoring.comparison import COMPARED, Comparison, compare
from scoring.monitoring.measures import Change
from scoring.monitoring.running import kept
from scoring.monitoring.schedule import Thresholds
from scoring.monitoring.triggers import Kind, Outcome, Trigger, conclude, sentences, triggers
from scoring.monitoring.wording import changes
from scoring.texts import has
from tests.monitoring.conftest import people, study

SIGNED = study(people(3000, seed=1, tiny=4))


def fired(found, kind):
    return [one for one in found if one.kind is kind and one.outcome is Outcome.FIRED]


def test_a_planted_drift_is_found_and_asks_for_a_revision():
    new = study(people(3000, seed=2, women=0.4, shift=60, unknown=0.06, tiny=4))
    held = compare(SIGNED, new, shared="none")
    found = triggers(held, Thresholds())
    assert {"F", "M"} == {one.subject["group"] for one in fired(found, Kind.RATIO_FALL)} | {"M"}
    assert any(one.subject["group"] == "F" for one in fired(found, Kind.NEW_EXCLUSION))
    assert fired(found, Kind.STABILITY)
    assert [one.subject["attribute"] for one in fired(found, Kind.UNKNOWN_RISE)] == ["sex"]
    end = conclude(found)
    assert (end.result, end.exit_code) == ("revise", 1)
    assert kept(held, found)["result"] == "revise"


def test_a_score_that_tells_less_fires_the_auc():
    frame = people(3000, seed=3)
    frame["good"] = np.random.default_rng(1).permutation(frame["good"])
    found = triggers(compare(SIGNED, study(frame), shared="none"), Thresholds())
    assert fired(found, Kind.AUC_FALL)


def test_without_drift_nothing_fires_and_that_is_no_clearance():
    held = compare(SIGNED, study(people(3000, seed=4, tiny=4)), shared="none")
    found = triggers(held, Thresholds())
    end = conclude(found)
    assert end.fired == 0
    assert end.not_measurable > 0  # the isle is too small to be shown
    assert end.exit_code == 3
    assert "not a clearance" in end.sentence("en")
    assert "pas un quitus" in end.sentence("fr")


def test_where_nothing_changed_the_falls_of_all_groups_together_keep_their_level():
    rng, draws = np.random.default_rng(8), 1000
    rates, sizes = np.tile([0.3, 0.5, 0.6, 0.62, 0.7], (draws, 1)), np.tile([300.0, 500, 800, 200, 1000], (draws, 1))
    sides = []
    for _side in range(2):
        x = rng.binomial(sizes.astype(int), rates).astype(float)
        y, m = x.sum(1, keepdims=True) - x, sizes.sum(1, keepdims=True) - sizes
        counts = {name: values.ravel() for name, values in zip("xnym", (x, sizes, y, m), strict=True)}
        names = {"attribute": "g", "group": np.arange(x.size), "metric": "selection_rate", "depth": 1, "reference": "rest", "verdict": "leaning"}
        rows = pd.DataFrame({**names, **counts, "people": sizes.ravel()})
        sides.append(rows.assign(value=rows["x"] / rows["n"], ratio=rows["x"] / rows["n"] / (rows["y"] / rows["m"])))
    table = compare_studies(*sides, bounds=Bounds(), shared="none").sort_values("group")
    p = np.vstack([adjust(one) for one in table["p"].to_numpy().reshape(draws, 5)])  # of five groups together, as in a comparison
    worse = ((p < 0.05) & (table["log_change"].to_numpy().reshape(draws, 5) < np.log(0.9))).any(1)
    assert worse.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


def test_where_nothing_changed_the_index_of_the_score_does_not_fire_even_of_few_people():
    fires = 0
    for seed in range(3):
        signed, new = (study(people(80, seed=1000 + 2 * seed + side), groups=["sex"]) for side in range(2))
        fires += len(fired(triggers(compare(signed, new, shared="none"), Thresholds()), Kind.STABILITY))
    assert fires == 0


def test_a_group_that_became_too_small_vanished_or_is_not_studied_is_not_measurable():
    few = study(people(3000, seed=5, tiny=4))
    many = study(people(3000, seed=6, tiny=200))
    none = study(people(3000, seed=7))
    for new, reason in ((few, "too_small_now"), (none, "vanished"), (study(people(3000, seed=8), groups=["sex"]), "not_studied_now")):
        found = triggers(compare(many, new, shared="none"), Thresholds())
        isle = [one for one in found if one.subject.get("group") == "isle"]
        assert {one.outcome for one in isle} == {Outcome.NOT_MEASURABLE}
        assert {Kind.NEW_EXCLUSION, Kind.RATIO_FALL} == {one.kind for one in isle}
        assert all(reason in one.reasons for one in isle)
        assert conclude(found).exit_code in {1, 3}


def test_an_exclusion_that_is_new_fires_even_where_nothing_else_can_be_compared():
    excluded = study(people(3000, seed=9, women=0.3))
    held = compare(replace(SIGNED, document={"reference": "A"}), replace(excluded, document={"reference": "B"}))
    assert not held.comparable
    found = triggers(held, Thresholds())
    assert fired(found, Kind.NEW_EXCLUSION)
    assert {one.outcome for one in found if one.kind is not Kind.NEW_EXCLUSION} == {Outcome.NOT_MEASURABLE}
    assert "different activities" in " ".join(sentences(held, found, "en"))


def test_an_exclusion_that_was_signed_is_not_new():
    signed, new = (study(people(3000, seed=seed, women=0.3)) for seed in (10, 11))
    held = compare(signed, new, shared="none")
    assert (held.excluded("stays")["group"] == "F").any()
    assert not fired(triggers(held, Thresholds()), Kind.NEW_EXCLUSION)


def test_an_exclusion_hidden_in_folded_groups_fires():
    frame = people(2000, seed=12)
    frame.loc[:7, "region"], frame.loc[8:15, "region"] = "isle", "cape"
    quiet, loud = frame.copy(), frame.copy()
    quiet.loc[:15, "accepted"], loud.loc[:15, "accepted"] = 1, 0
    found = triggers(compare(*(study(one, tolerance=0.9) for one in (quiet, loud)), shared="none"), Thresholds())
    if not (study(loud, tolerance=0.9).published().judged().query("group == '(small groups)'")["verdict"] == "exclusion").any():
        pytest.skip("too few people for an exclusion")
    assert any(one.subject["group"] == "(small groups)" for one in fired(found, Kind.NEW_EXCLUSION))


def comparison(**measured):
    return Comparison(
        {}, {}, pd.DataFrame(columns=COMPARED), (), (), **({"stability": Change(), "auc": Change(), "overrides": Change(), "unknown": {}} | measured),
        shared="none", confidence=0.95,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "measured", "outcome", "open_"),
    [
        (Kind.STABILITY, {"stability": Change(change=0.25, low=0.1, high=0.4, more={"p": 0.001})}, Outcome.FIRED, False),
        (Kind.STABILITY, {"stability": Change(change=0.3, low=0, high=0.8, more={"p": 0.4})}, Outcome.NOT_FIRED, True),
        (Kind.STABILITY, {"stability": Change(change=0.249, low=0.1, high=0.2495, more={"p": 0.001})}, Outcome.NOT_FIRED, False),
        (Kind.AUC_FALL, {"auc": Change(0.8, 0.76, -0.04, -0.06, -0.02)}, Outcome.FIRED, False),
        (Kind.AUC_FALL, {"auc": Change(0.8, 0.76, -0.04, -0.09, 0.01)}, Outcome.NOT_FIRED, True),
        (Kind.AUC_FALL, {"auc": Change(0.8, 0.84, 0.04, 0.02, 0.06)}, Outcome.NOT_FIRED, False),
        (Kind.AUC_FALL, {"auc": Change(0.8, 0.7, -0.1, reasons=("shared",))}, Outcome.NOT_MEASURABLE, False),
        (Kind.UNKNOWN_RISE, {"unknown": {"sex": Change(0.01, 0.05, 0.04, 0.02, 0.06)}}, Outcome.FIRED, False),
        (Kind.UNKNOWN_RISE, {"unknown": {"sex": Change(0.05, 0.01, -0.04, -0.06, -0.02)}}, Outcome.NOT_FIRED, False),
        (Kind.OVERRIDES, {"overrides": Change(0.1, 0.2, 0.1, reasons=("stated",))}, Outcome.FIRED, False),
        (Kind.OVERRIDES, {"overrides": Change(0.2, 0.1, -0.1, -0.12, -0.08)}, Outcome.FIRED, False),
        (Kind.OVERRIDES, {"overrides": Change(0.2, 0.19, -0.01, reasons=("stated",))}, Outcome.NOT_FIRED, False),
        (Kind.OVERRIDES, {"overrides": Change(reasons=("no_overrides",))}, Outcome.NOT_MEASURABLE, False),
    ],
)
def test_each_side_of_each_threshold(kind, measured, outcome, open_):
    found = next(one for one in triggers(comparison(**measured), Thresholds()) if one.kind is kind)
    assert (found.outcome, found.open) == (outcome, open_)


def test_what_was_never_worked_out_is_not_taken_for_fine():
    found = triggers(comparison(), Thresholds())
    assert {one.outcome for one in found if one.kind is not Kind.NEW_EXCLUSION} == {Outcome.NOT_MEASURABLE}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_trigger_outcome_and_reason_has_words(language):
    numbers = dict.fromkeys(("threshold", "then", "now", "change", "low", "high", "confidence", "p", "bias"), 0.5)
    for kind in Kind:
        for outcome in Outcome:
            subject = {"attribute": "sex"} | ({} if kind is Kind.UNKNOWN_RISE else {"group": "F", "metric": "selection_rate"})
            said = Trigger(kind, outcome, subject, numbers, ("shared", "too_small_now"), open=True).sentence(language)
            assert said.endswith(".")
    held = compare(SIGNED, study(people(3000, seed=2, women=0.4, tiny=0)), shared="none")
    codes = {code for codes in held.table["reasons"] for code in codes} | set(held.table["standing"]) - {"both"}
    assert all(has(f"monitoring.because_{code}", language) or has(f"drift.because_{code}", language) for code in codes)
    assert all(changes(held, language))


def test_the_texts_of_hostile_groups_stay_words():
    labels = ["<script>alert(1)</script>", '=HYPERLINK("x")', "{0.__class__}", "a x b", "%s", "العربية"]
    rng = np.random.default_rng(5)
    frames = [pd.DataFrame({"@g": np.repeat(labels, 80), "ok": (rng.random(480) < rate).astype(int)}) for rate in (0.6, 0.5)]
    held = compare(*(scoring.audit(one, groups=["@g"], decision="ok", favourable=1) for one in frames), shared="none")
    found = triggers(held, Thresholds(ratio_fall=0.001))
    said = " ".join(one.sentence("fr", held.titles) for one in found)
    assert all(label in said for label in labels)
