"""The pitfalls that other libraries fell into (peers.md, section 5), through the face: each is a test, named after it.

Those of one part stand with it: P12, P13 and P23 in test_strata and test_conditional, P22 in test_bootstrap, P25 in test_hypotheses. P32
(reject option) is of changing decisions, which nothing here does; `architecture/test_pitfalls_index.py` counts them all.
"""

import re
from importlib import resources

import numpy as np
import pandas as pd
import pytest
import yaml
from statsmodels.stats.multitest import multipletests

import scoring
from scoring.errors import EquiscoreError
from scoring.fairness.curves import auc
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.intervals import difference_interval, zero_upper
from scoring.fairness.metrics import METRICS, STATES
from scoring.vocabulary import UNKNOWN

ONE = "selection_rate"


def frame_of(groups, **columns):
    """Make a frame from {level: (favoured, refused)}."""
    sex = [level for level, (yes, no) in groups.items() for _ in range(yes + no)]
    ok = [value for yes, no in groups.values() for value in [1] * yes + [0] * no]
    return pd.DataFrame({"sex": sex, "ok": ok, **columns})


def study_of(frame, **asked):
    return scoring.audit(frame, **{"groups": ["sex"], "decision": "ok", "favourable": 1, **asked})


def row_of(rows, group, metric=ONE):
    return rows[(rows["group"] == group) & (rows["metric"] == metric)].iloc[0]


def test_p01_total_exclusion_is_listed_first():
    """0 selected gives ratio 0 with an upper limit and a verdict, never NaN, and stands before everything else."""
    study = study_of(frame_of({"F": (50, 150), "M": (150, 50), "X": (0, 40)}))
    first = study.verdicts().iloc[0]
    assert (first["group"], first["ratio"], first["verdict"]) == ("X", 0.0, "exclusion")
    assert 0 < first["ratio_high"] < 0.8
    assert study.findings()[0].startswith("Nobody was favoured. sex: X: 0 of 40")


def test_p02_no_certainty_at_the_boundary():
    study = study_of(frame_of({"none": (0, 10), "all": (10, 0), "M": (5, 5)}))
    rates = study.rates()
    assert row_of(rates, "none")[["low", "high"]].tolist() == pytest.approx([0, 0.2775], abs=1e-4)
    assert row_of(rates, "all")[["low", "high"]].tolist() == pytest.approx([0.7225, 1], abs=1e-4)
    assert zero_upper(10) == pytest.approx(1 - 0.025 ** (1 / 10))


def test_p03_the_interval_of_a_difference_covers_0_when_there_is_none():
    rng = np.random.default_rng(0)
    low, high = difference_interval(rng.binomial(300, 0.5, 2000), 300, rng.binomial(300, 0.5, 2000), 300)
    assert ((low <= 0) & (high >= 0)).mean() >= 0.93


def test_p04_an_undefined_rate_is_not_0():
    frame = frame_of({"F": (10, 10), "M": (10, 10)}, good=[0] * 20 + [1, 0] * 10)
    study = study_of(frame, outcome="good", favourable_outcome=1)
    row = row_of(study.disparities(), "F", "true_positive_rate")
    assert row[["value", "ratio", "difference"]].isna().all()
    assert row_of(study.judged(), "F", "true_positive_rate")[["verdict", "reasons"]].tolist() == ["not applicable", ("no_outcome",)]


@pytest.mark.parametrize(
    ("group", "reference", "ratio", "verdict"),
    [
        pytest.param((0, 50), (0, 50), np.nan, "not applicable", id="nobody on either side: no ratio, not parity, not the worst"),
        pytest.param((25, 25), (0, 50), np.inf, "within tolerance", id="nobody of the reference: the group is the favoured one"),
        pytest.param((0, 50), (25, 25), 0.0, "exclusion", id="nobody of the group: 0"),
    ],
)
def test_p05_one_rule_for_each_ratio_with_a_0(group, reference, ratio, verdict):
    frame = frame_of({"F": group, "M": reference, "X": (1, 0)})
    row = row_of(study_of(frame, reference={"sex": "M"}).verdicts(), "F")
    assert row["verdict"] == verdict
    np.testing.assert_equal(row["ratio"], ratio)


def test_p06_a_person_of_unknown_group_is_counted():
    rows = study_of(frame_of({"F": (2, 1), "M": (2, 1), None: (1, 0)})).rates(metrics=[ONE])
    assert dict(zip(rows["group"], rows["trials"], strict=True)) == {"F": 3, "M": 3, UNKNOWN: 1}
    assert "nan" not in set(rows["group"])


@pytest.mark.parametrize("reference", ["rest", "best", "largest"])
def test_p07_the_unknown_are_never_in_the_reference(reference):
    known = {"F": (25, 75), "M": (120, 0)}
    plain = row_of(study_of(frame_of(known)).disparities(reference=reference), "F")
    diluted = row_of(study_of(frame_of(known | {None: (0, 1000)})).disparities(reference=reference), "F")
    assert plain["ratio"] == diluted["ratio"] == 0.25


def told(study):
    """Every table that compares, without the rows of the unknown."""
    tables = {
        "disparities": study.disparities(),
        "conditional": study.conditional(),
        "by_stratum": study.by_stratum(),
        "scores": study.scores().drop(columns=["under_equality", "p_equality"]),  # drawn by chance
        "sweep": study.threshold_sweep("sex"),
        "funnel": study.funnel()[["attribute", "group", "stage", "trials", "ref_hits", "ref_trials", "ratio", "p_exclusion"]],  # not the family
        "amounts": study.amounts(),
        "selection_table": study.selection_table("sex"),
        "selective": study.selective()[["attribute", "group", "metric", "lowest", "highest", "ratio_lowest", "ratio_highest"]],
    }
    return {name: rows[rows["group"].isin(["F", "M", "X"])].reset_index(drop=True) for name, rows in tables.items()}


def test_p07_the_unknown_are_in_the_reference_of_no_table():
    """As many people again of unknown group, all refused, with lower scores and small amounts, change no row of the others."""
    rng = np.random.default_rng(7)
    known = pd.DataFrame({"sex": rng.choice(["F", "M", "X"], 600, p=[0.5, 0.4, 0.1]), "branch": rng.choice(["north", "south"], 600)})
    known["ok"], known["asked"], known["good"] = rng.binomial(1, 0.5, 600), 1, rng.binomial(1, 0.7, 600)
    known["score"], known["credit"] = rng.integers(40, 90, 600), rng.integers(10, 30, 600)
    known.loc[known["ok"] == 0, "good"] = np.nan
    everybody = pd.concat([known, known.assign(sex=None, ok=0, good=0, score=known["score"] - 5, credit=1)], ignore_index=True)
    funnel = {"asked": ("asked", 1)}
    asked = {"outcome": "good", "favourable_outcome": 1, "score": "score", "strata": ["branch"], "funnel": funnel, "amounts": ["credit"]}
    plain, diluted = (told(study_of(frame, **asked)) for frame in (known, everybody))
    shared = set(plain["sweep"]["cutoff"]) & set(diluted["sweep"]["cutoff"])
    for tables in (plain, diluted):
        tables["sweep"] = tables["sweep"][tables["sweep"]["cutoff"].isin(shared)].reset_index(drop=True)
    for name, rows in plain.items():
        assert len(rows) > 0
        pd.testing.assert_frame_equal(rows, diluted[name], obj=name, check_dtype=False)


def test_p08_each_test_is_of_its_own_denominator():
    """Equal false positive rates, very unequal shares of false among the accepted: the test of the one is not that of the other."""
    states = {"F": {"tp": 50, "fp": 30, "fn": 50, "tn": 70}, "M": {"tp": 850, "fp": 30, "fn": 50, "tn": 70}}
    rows = [(sex, state in {"tp", "fp"}, state in {"tp", "fn"}) for sex, held in states.items() for state, n in held.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["sex", "ok", "good"])
    for metric, counts in {"false_positive_rate": (30, 100, 30, 100), "false_discovery_rate": (30, 880, 30, 80)}.items():
        row = row_of(study_of(frame, outcome="good", favourable_outcome=True, favourable=True, metrics=metric).verdicts(), "F", metric)
        test = ratio_test(*counts, tolerance=0.8)
        assert (row["p_exclusion"], row["p_within"]) == (float(test.p_exclusion), float(test.p_within))
    assert row["verdict"] == "exclusion"
    assert float(ratio_test(30, 100, 30, 100, tolerance=0.8).p_exclusion) > 0.5
    assert row["p_exclusion"] < 1e-9


def test_p09_two_attributes_with_the_same_labels_keep_their_own_tests():
    frame = frame_of({"a": (20, 80), "b": (80, 20)}).assign(other=["a", "b"] * 100)
    rows = study_of(frame, groups=["sex", "other"]).verdicts(depth=1).query("group == 'a'").set_index("attribute")
    assert (rows.loc["sex", "verdict"], rows.loc["other", "verdict"] == "exclusion") == ("exclusion", False)
    assert rows.loc["sex", "p_exclusion"] < 1e-6 < rows.loc["other", "p_exclusion"]


def test_p10_another_confidence_changes_the_verdict_and_no_number_seen():
    frame = frame_of({"F": (25, 45), "M": (630, 370)})
    loose, strict = (row_of(study_of(frame, confidence=confidence).verdicts(), "F") for confidence in (0.95, 0.999))
    assert (loose["verdict"], strict["verdict"]) == ("exclusion", "leaning")
    same = ["value", "ratio", "p_exclusion", "p_exclusion_adjusted", "shortfall"]
    assert loose[same].tolist() == strict[same].tolist()


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_p11_a_target_share_is_reached_not_its_complement(share):
    from scoring.models.cutoffs import choose_cutoff

    scores = np.random.default_rng(0).normal(size=1000)
    cutoff = choose_cutoff(scores, rule="accept_share", value=share).value
    rows = scoring.audit(pd.DataFrame({"sex": ["F", "M"] * 500, "score": scores}), groups=["sex"], score="score", cutoff=cutoff).rates(metrics=[ONE])
    assert rows["hits"].sum() / rows["trials"].sum() == pytest.approx(share, abs=0.001)
    assert rows["hits"].tolist() == [(scores[::2] >= cutoff).sum(), (scores[1::2] >= cutoff).sum()]


def test_p14_the_adjusted_p_of_a_search_are_those_of_statsmodels():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"sex": rng.choice(list("abcde"), 2000), "age": rng.choice(list("vwxyz"), 2000), "ok": rng.binomial(1, 0.5, 2000)})
    rows = study_of(frame, groups=["sex", "age"]).judged().query("depth == 2")
    assert len(rows) == 25
    np.testing.assert_allclose(rows["p_exclusion_adjusted"], multipletests(rows["p_exclusion"], method="fdr_bh")[1])
    assert not (rows["verdict"] == "exclusion").any()


def test_p15_a_weight_of_k_is_a_row_k_times_and_of_0_is_nobody():
    frame = frame_of({"F": (30, 30), "M": (40, 20)}, good=[1, 0] * 60, w=[0, 1, 2, 3] * 30)
    asked = {"outcome": "good", "favourable_outcome": 1}
    weighted, repeated = study_of(frame, weights="w", **asked).rates(), study_of(frame.loc[frame.index.repeat(frame["w"])], **asked).rates()
    pd.testing.assert_frame_equal(weighted[["hits", "trials", "value"]], repeated[["hits", "trials", "value"]])


@pytest.mark.parametrize("meaning", ["weight", "count"])
def test_p15_weights_of_one_are_no_weights(meaning):
    frame = frame_of({"F": (30, 30), "M": (45, 15)}, good=[1, 0] * 60, w=1.0)
    asked = {"outcome": "good", "favourable_outcome": 1}
    plain, weighted = study_of(frame, **asked), study_of(frame, weights="w", weight_meaning=meaning, **asked)
    pd.testing.assert_frame_equal(plain.disparities(), weighted.disparities(), rtol=1e-12, check_dtype=False)
    assert plain.verdicts()["verdict"].tolist() == weighted.verdicts()["verdict"].tolist()


def test_p15_a_weight_that_counts_is_so_many_rows_in_every_figure():
    frame = frame_of({"F": (30, 30), "M": (45, 15)}, good=[1, 0] * 60, w=[1, 2, 3] * 40)
    asked = {"outcome": "good", "favourable_outcome": 1}
    counted, repeated = study_of(frame, weights="w", weight_meaning="count", **asked), study_of(frame.loc[frame.index.repeat(frame["w"])], **asked)
    for table in ("rates", "disparities", "verdicts"):
        pd.testing.assert_frame_equal(getattr(counted, table)(), getattr(repeated, table)(), rtol=1e-12, check_dtype=False)


@pytest.mark.parametrize("small", ["F", "M"])
def test_p16_a_small_group_is_said_to_be_small_whichever_it_is(small):
    groups = {"F": (2000, 400), "M": (2000, 400), "Q": (2000, 400)} | {small: (24, 1)}
    rows = study_of(frame_of(groups)).judged()
    assert {row["group"]: "small" in row["reasons"] for _, row in rows.iterrows()} == {name: name == small for name in groups}


def test_p17_the_direction_is_one_and_the_words_follow_the_sign():
    """Exchange the names: the ratio is inverted, the difference negated, and the sentence speaks of the other group."""
    one = study_of(frame_of({"F": (50, 150), "M": (150, 50)}))
    other = study_of(frame_of({"M": (50, 150), "F": (150, 50)}))
    worse, better = row_of(one.verdicts(), "F"), row_of(other.verdicts(), "F")
    assert worse["ratio"] == pytest.approx(1 / better["ratio"]) == pytest.approx(1 / 3)
    assert worse["difference"] == -better["difference"] == -0.5
    assert one.findings()[0].startswith("Exclusion is shown. sex: F: 50 of 200 were selected (25.0%), against 75.0%")
    assert other.findings()[0].startswith("Exclusion is shown. sex: M: 50 of 200")


def test_p18_gaps_of_opposite_sign_are_both_shown_and_no_mean_hides_them():
    good = [1] * 100 + [0] * 100
    f, m = [1] * 80 + [0] * 20 + [1] * 20 + [0] * 80, [1] * 60 + [0] * 40 + [1] * 40 + [0] * 60
    frame = pd.DataFrame({"sex": ["F"] * 200 + ["M"] * 200, "ok": f + m, "good": good * 2})
    rows = study_of(frame, outcome="good", favourable_outcome=1).disparities()
    gaps = {name: row_of(rows, "F", name)["difference"] for name in ("true_positive_rate", "false_positive_rate")}
    assert gaps == pytest.approx({"true_positive_rate": 0.2, "false_positive_rate": -0.2})
    assert all(set(metric.hits) < set(metric.trials) <= set(STATES) for metric in METRICS.values())


def test_p19_the_favourable_value_is_said_and_occurs():
    frame = frame_of({"F": (5, 5), "M": (5, 5)}).assign(ok=lambda f: f["ok"].map({1: "granted", 0: "refused"}))
    for favourable, said in ((1, r"holds a favourable value \('1'\); it holds 'granted', 'refused'"), (None, "is not said")):
        with pytest.raises(EquiscoreError, match=said):
            study_of(frame, favourable=favourable)


def test_p20_a_ratio_is_of_rates_and_never_negative():
    frame = frame_of({"F": (50, 60), "M": (90, 20)}, good=[0, 1, 1, 0] * 55)
    rows = study_of(frame, outcome="good", favourable_outcome=1).disparities()
    assert rows["value"].between(0, 1).all()
    assert (rows[["ratio", "ratio_low", "ratio_high"]] >= 0).all(axis=None)


def test_p21_a_tiny_group_is_shown_and_drives_nothing():
    rows = study_of(frame_of({"F": (600, 400), "M": (600, 400), "X": (3, 0)})).verdicts().set_index("group")
    assert rows["verdict"].to_dict() == {"X": "undetermined", "F": "within tolerance", "M": "within tolerance"}
    assert rows.loc["F", "ratio_to_best"] == 1.0


def test_p24_tied_and_binary_scores_have_the_auc_of_half_a_win():
    assert auc([1, 1, 1, 1], [0, 1, 0, 1]).value == 0.5
    assert auc([0, 1, 1, 1], [0, 0, 1, 1]).value == 0.75
    frame = frame_of({"F": (30, 30), "M": (30, 30)}, good=[1, 0] * 60, score=[1, 1, 0, 0] * 30)
    found = study_of(frame, outcome="good", favourable_outcome=1, score="score").performance()
    assert found["auc"].tolist() == [0.5, 0.5, 0.5]


def test_p26_a_batch_without_some_groups_keeps_the_names_of_the_others():
    """9 is there twice, 2 and 10 once, in the order of numbers and not of the alphabet: batches add up to the whole, name by name."""
    batches = frame_of({"9": (30, 20), "2": (10, 50)}), frame_of({"10": (40, 5), "9": (7, 3)})
    whole, *parts = (study_of(frame).rates(metrics=[ONE]).set_index("group")[["hits", "trials"]] for frame in (pd.concat(batches), *batches))
    assert whole.T.to_dict("list") == {"2": [10, 60], "9": [37, 60], "10": [40, 45]}
    assert parts[1].T.to_dict("list") == {"9": [7, 10], "10": [40, 45]}
    pd.testing.assert_frame_equal(parts[0].add(parts[1], fill_value=0).loc[whole.index], whole, check_dtype=False)


def test_p27_each_cutoff_keeps_its_own_row():
    rng = np.random.default_rng(0)
    frame = frame_of({"F": (20, 20), "M": (20, 20)}, score=rng.normal(size=80))
    study = study_of(frame, score="score")
    swept = study.threshold_sweep("sex", ["selection_rate"])
    assert not swept.duplicated(["attribute", "group", "cutoff"]).any()
    assert len(swept) == 2 * len(study.cutoffs) > 100


def test_p28_a_cutoff_is_in_the_units_of_the_score_and_nothing_is_guessed_from_its_range():
    scores = np.array([-3.0, -0.2, 0.4, 2.0] * 20)
    frame = pd.DataFrame({"sex": ["F", "M"] * 40, "score": scores})
    for cutoff, accepted in ((0.5, 20), (0.0, 40), (-3.0, 80)):
        assert scoring.audit(frame, groups=["sex"], score="score", cutoff=cutoff).rates(metrics=[ONE])["hits"].sum() == accepted


def test_p29_a_minority_of_1_percent_is_found_by_its_evidence():
    assert row_of(study_of(frame_of({"F": (3000, 2000), "M": (3000, 2000), "X": (5, 95)})).verdicts(), "X")["verdict"] == "exclusion"


def test_p30_groups_whose_intervals_overlap_may_differ():
    study = study_of(frame_of({"F": (260, 240), "M": (295, 205)}))
    assert row_of(study.rates(), "F")["high"] > row_of(study.rates(), "M")["low"]
    assert row_of(study.disparities(), "F")["difference_high"] < 0


EQUAL = r"(equal|alike|the same|no different|no difference|égaux|égales|semblables?|se ressemblent|identiques?|aucune différence|pas de différence)"
NEVER_SAID = [
    re.compile(rf"(overlap|chevauch|recouvr)[^.]*\b{EQUAL}", re.IGNORECASE),
    re.compile(rf"{EQUAL}[^.]*(overlap|chevauch|recouvr)", re.IGNORECASE),
    re.compile(
        r"(likelihood|probability|chance|sure|certain|confident) that (the|its|their) (true|ratio|rate|value|gap|difference|metric)", re.IGNORECASE
    ),
    re.compile(
        r"(probabilité|chances?|vraisemblance|sûrs?|certains?) que (le|la|son|sa|leur) (vraie?|taux|rapport|valeur|écart|différence)", re.IGNORECASE
    ),
    re.compile(r"(\}|\d) ?% ?(of )?(likelihood|probability|chance|likely)|\{confidence[^}]*\} (likelihood|probability|chance|likely)", re.IGNORECASE),
    re.compile(r"(\}|\d) ?% de (probabilité|chances?|vraisemblance)|\{confidence[^}]*\} de (probabilité|chances?|vraisemblance)", re.IGNORECASE),
]
NO_SIGN = re.compile(r"(are no sign|is no sign|n'indiquent pas|n'est pas|do not mean|ne signifie)", re.IGNORECASE)


def claimed(text):
    """Sentences that read overlap as equality or an interval as a probability; one that warns of it is welcome."""
    sentences = re.split(r"(?<=[.!?;])\s", text)
    return [sentence for sentence in sentences if any(claim.search(sentence) for claim in NEVER_SAID) and not NO_SIGN.search(sentence)]


@pytest.mark.parametrize(
    "words",
    [
        "The intervals overlap, so the groups are the same.",
        "There is no difference, as the intervals overlap.",
        "Les intervalles se chevauchent : les taux sont égaux.",
        "There is a 95% likelihood that the metric of our sample lies in it.",
        "With 95% probability the rate lies there.",
        "The probability that the true rate lies there is {confidence:percent}.",
        "Avec {confidence:percent} de probabilité, le taux s'y trouve.",
        "Il y a 95 % de chances que le taux soit entre les deux.",
    ],
)
def test_p30_the_words_that_are_looked_for_are_found(words):
    assert claimed(words) == [words]


def room_texts():
    """Every text that a user may read, by the place where it stands."""
    for folder in ("en", "fr"):
        for file in (resources.files("scoring.texts") / folder).iterdir():
            if file.name.endswith(".yaml"):
                yield from _flat(f"{folder}/{file.name}", yaml.safe_load(file.read_text(encoding="utf-8")))


def _flat(place, content):
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _flat(f"{place}:{key}", value)
    elif isinstance(content, list):
        for value in content:
            yield from _flat(place, value)
    else:
        yield place, str(content)


def test_p30_no_room_says_them():
    texts = list(room_texts())
    assert len(texts) > 500
    assert {place: found for place, text in texts if (found := claimed(text))} == {}


@pytest.mark.parametrize("kind", [int, float, bool, "Int64", object])
@pytest.mark.parametrize("n", [10, 20, 40])
def test_p31_a_small_0_1_column_is_no_number_to_be_averaged(n, kind):
    """Decision, outcome and group are 0 and 1 in whatever type: they are values to be counted, however few people there are."""
    frame = frame_of({"F": (n // 8, n // 2 - n // 8), "M": (n // 2, 0)})
    frame = frame.assign(good=frame["ok"], sex=(frame["sex"] == "M").astype(int)).astype(dict.fromkeys(["sex", "ok", "good"], kind))
    rows = study_of(frame, outcome="good", favourable_outcome=1).rates(metrics=[ONE, "base_rate"])
    assert rows["value"].tolist() == [(n // 8) / (n // 2)] * 2 + [1.0] * 2
    assert rows["trials"].tolist() == [n // 2] * 4
