"""Five verdicts: what each needs, what stands against it, and how often it is wrong."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

import scoring
from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import compare
from scoring.fairness.hypotheses import adjust, ratio_test
from scoring.fairness.metrics import METRICS, STATES
from scoring.fairness.verdicts import _focused, because, judge
from scoring.vocabulary import UNKNOWN, Verdict

SELECTION, TPR, EXCLUSION_RATE = (METRICS[name] for name in ("selection_rate", "true_positive_rate", "exclusion_rate"))
E, W, L, U, N = "exclusion", "within tolerance", "leaning", "undetermined", "not applicable"


def counts_of(groups):
    """Build counts of one attribute from {level: (favoured, refused)} or {level: {state: n}}."""
    rows = []
    for level, held in groups.items():
        states = held if isinstance(held, dict) else dict(zip(("au", "ru"), held, strict=True))
        rows += [(level, state, "", n) for state, n in states.items() if n]
    frame = pd.DataFrame(rows, columns=["group.a", "state", "reject", "n"])
    assert set(frame["state"]) <= set(STATES)
    return Counts(frame.assign(weight=frame["n"], weight_squared=frame["n"]), pd.DataFrame(), np.empty(0), exact=True)


def judged(groups, metrics=(SELECTION,), *, reference="rest", declared=None, **bounds):
    bounds = Bounds(**bounds)
    rows = compare(counts_of(groups), [("a",)], metrics, reference=reference, bounds=bounds, declared=declared)
    return judge(rows, bounds, binomial=True).set_index("group")


@pytest.mark.parametrize(
    ("group", "rest", "verdict", "reasons"),
    [
        pytest.param((200, 300), (400, 100), E, (), id="half as often, many people"),
        pytest.param((395, 105), (400, 100), W, (), id="as often, many people"),
        pytest.param((360, 140), (400, 100), W, ("smaller_difference",), id="within, but a smaller difference is shown"),
        pytest.param((14, 11), (400, 100), L, ("needed", "detectable"), id="below the tolerance, few people"),
        pytest.param((18, 7), (400, 100), U, ("needed", "detectable"), id="above the tolerance, few people"),
        pytest.param((64, 36), (80, 20), L, ("at_tolerance", "detectable"), id="at the tolerance to a rounding: no number settles it"),
        pytest.param((24, 1), (400, 100), U, ("small", "detectable"), id="within by its test, but too few people to be shown so"),
        pytest.param((0, 60), (90, 810), E, ("zero", "exact"), id="0 of 60 where 6 were expected is a finding"),
        pytest.param((0, 3), (1, 49), L, ("zero", "needed"), id="0 of 3 where 0.06 were expected is no finding"),
        pytest.param((0, 20), (0, 80), N, ("nobody_selected",), id="nobody at all was selected"),
        pytest.param((40, 0), (0, 60), W, (), id="nobody of the reference: the ratio has no end"),
    ],
)
def test_a_verdict_and_its_reasons(group, rest, verdict, reasons):
    row = judged({"g": group, "r": rest}).loc["g"]
    assert (row["verdict"], row["reasons"]) == (verdict, reasons)


def test_a_refusal_twenty_times_as_frequent_is_not_reassuring():
    """.80 against .99 has a ratio of .808, within the tolerance; the refusals are twenty times as frequent."""
    groups = {"g": (8080, 1920), "r": (99000, 1000)}
    row = judged(groups).loc["g"]
    assert (row["verdict"], row["reasons"]) == (U, ("refusals", "detectable"))
    assert row["refusal_ratio"] == pytest.approx(19.2)
    assert judged(groups, refusal_tolerance=20).loc["g", "verdict"] == W


def test_two_excluded_groups_do_not_hide_each_other_in_the_rest():
    found = judged({"g": (2250, 2250), "h": (2250, 2250), "best": (1000, 0)})
    assert found.loc["g", "ratio"] == pytest.approx(0.5 / (3250 / 5500))
    assert found.loc[["g", "h"], "ratio_to_best"].tolist() == [0.5, 0.5]
    assert found.loc[["g", "h"], "verdict"].tolist() == [U, U]
    assert "not_of_the_best" in found.loc["g", "reasons"]


def test_a_group_of_less_than_2_percent_is_not_the_best_off():
    found = judged({"g": (3000, 3000), "h": (3000, 3000), "tiny": (40, 0)})
    assert found.loc["g", ["ratio_to_best", "verdict"]].tolist() == [1.0, W]


def test_the_group_that_is_everybody_has_nobody_to_compare_with():
    assert judged({"g": (30, 20)}).loc["g", ["verdict", "reasons"]].tolist() == [N, ("everybody",)]


def test_a_declared_level_that_nobody_holds_is_a_row():
    found = judged({"g": (30, 20), "r": (30, 20)}, declared={"a": ["g", "r", "gone"]})
    assert found.loc["gone", ["people", "verdict", "reasons"]].tolist() == [0.0, N, ("absent",)]
    assert found.loc["g", "family"] == 2


def test_the_unknown_are_a_row_and_no_part_of_the_reference():
    found = judged({"g": (30, 30), "r": (60, 20), UNKNOWN: (0, 500)})
    assert found.loc["g", "reference_value"] == 0.75
    assert found.loc[UNKNOWN, "reference_value"] == 90 / 140
    assert found.loc[UNKNOWN, "verdict"] == E
    for reference in ("best", "largest"):
        assert set(judged({"g": (30, 30), "r": (60, 20), UNKNOWN: (900, 0)}, reference=reference)["reference"]) == {"r", "(is the reference)"}
    with pytest.raises(EquiscoreError, match=r"No reference '\(unknown\)'.*g, r"):
        judged({"g": (30, 30), "r": (60, 20), UNKNOWN: (5, 5)}, reference=UNKNOWN)


def test_outcomes_seen_of_the_accepted_alone_give_no_verdict():
    blind = {"g": {"tp": 50, "fp": 10, "ru": 40}, "r": {"tp": 70, "fp": 10, "ru": 20}}
    row = judged(blind, [TPR]).loc["g"]
    assert (row["verdict"], row["reasons"], np.isnan(row["value"])) == (N, ("blind",), True)


def test_an_unseen_outcome_of_the_refused_forbids_the_reassuring_verdict():
    partly = {"g": {"tp": 500, "fn": 100, "ru": 40}, "r": {"tp": 500, "fn": 100, "ru": 20}}
    assert judged(partly, [TPR]).loc["g", ["verdict", "reasons"]].tolist() == [U, ("unobserved", "detectable")]


def test_no_outcome_is_said_where_the_primary_metric_needs_one():
    frame = pd.DataFrame({"a": ["g"] * 40 + ["r"] * 40, "ok": [1, 0] * 40})
    rows = scoring.audit(frame, groups=["a"], decision="ok", favourable=1, metrics="true_positive_rate").judged()
    primary = rows[rows["metric"] == "true_positive_rate"]
    assert primary[["verdict", "reasons"]].to_numpy().tolist() == [[N, ("no_outcome",)]] * 2


def test_a_harm_is_turned_so_that_below_1_is_always_worse():
    """Refused 3 times in 10 against 1 in 10: ratio 1/3, and people short are those refused too many."""
    row = judged({"g": (700, 300), "r": (900, 100)}, [EXCLUSION_RATE]).loc["g"]
    test = ratio_test(100, 1000, 300, 1000, tolerance=0.8)
    assert (row["verdict"], row["value"], row["reference_value"]) == (E, 0.3, 0.1)
    assert row[["ratio", "difference", "shortfall"]].tolist() == pytest.approx([1 / 3, -0.2, 200])
    assert (row["p_exclusion"], row["p_within"]) == (test.p_exclusion, test.p_within)
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"] < 0.8


@pytest.mark.parametrize("metric", ["selection_rate", "exclusion_rate", "accuracy"])
def test_the_interval_beside_a_verdict_agrees_with_its_test_before_adjustment(metric):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.choice(list("abcdefgh"), 3000), "good": rng.integers(0, 2, 3000)})
    frame["ok"] = rng.binomial(1, frame["a"].map(dict(zip("abcdefgh", np.linspace(0.25, 0.75, 8), strict=True))))
    study = scoring.audit(frame, groups=["a"], decision="ok", favourable=1, outcome="good", favourable_outcome=1, metrics=metric)
    rows = study.judged().query("metric == @metric")
    assert ((rows["ratio_high"] < 0.8) == (rows["p_exclusion"] < 0.025)).all()
    assert ((rows["ratio_low"] > 0.8) == (rows["p_within"] < 0.025)).all()
    shown = study.disparities().query("metric == @metric").set_index("group").loc[rows["group"], ["ratio_low", "ratio_high"]]
    np.testing.assert_array_equal(shown, rows[["ratio_low", "ratio_high"]])


def test_each_metric_is_a_family_and_combinations_are_one_apart():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({name: rng.choice(list("xyz"), 1200) for name in ("a", "b")}).assign(good=rng.integers(0, 2, 1200))
    frame["ok"] = rng.binomial(1, np.where(frame["a"] == "x", 0.4, 0.6))
    study = scoring.audit(frame, groups=["a", "b"], decision="ok", favourable=1, outcome="good", favourable_outcome=1)
    rows = study.judged()
    families = {(metric, deep): part for (metric, deep), part in rows.groupby(["metric", rows["depth"] > 1])}
    assert {key: len(part) for key, part in families.items()} == {
        ("selection_rate", False): 6, ("selection_rate", True): 9, ("true_positive_rate", False): 6, ("true_positive_rate", True): 9
    }  # fmt: skip
    for (metric, deep), part in families.items():
        if deep:  # combinations are excluded by the search: what it finds, and nothing else, is below alpha
            found = study.subgroups(metric).query("depth > 1 and p <= p_adjusted and status != 'lead'")
            assert set(part.loc[part["verdict"] == E, "group"]) == set(found["group"])
            assert (part["p_exclusion_adjusted"] >= multipletests(part["p_exclusion"], method="fdr_bh")[1] - 1e-15).all()
        else:
            np.testing.assert_allclose(part["p_exclusion_adjusted"], multipletests(part["p_exclusion"], method="holm")[1])
        np.testing.assert_allclose(part["p_within_adjusted"], multipletests(part["p_within"], method="holm")[1])
        assert (part["family"] == len(part)).all()


def test_an_open_verdict_says_the_ratio_that_would_have_been_shown():
    """Of 25 people against 500 at .8: the exclusion of a group at that ratio is shown in eight files of ten, simulated."""
    row = judged({"g": (14, 11), "r": (400, 100)}).loc["g"]
    rng = np.random.default_rng(1)
    hits, ref = rng.binomial(25, row["detectable"] * 0.8, 4000), rng.binomial(500, 0.8, 4000)
    shown = ratio_test(hits, 25, ref, 500, tolerance=0.8).p_exclusion < 0.025 / row["family"]
    assert shown.mean() == pytest.approx(0.8, abs=0.08)
    assert f"a ratio of {row['detectable']:.2f} or less would be shown" in row["because"]


def test_what_the_search_finds_and_nothing_else_is_an_excluded_combination():
    raw, bh = np.array([0.001, 0.01, 0.02, 0.5, np.nan]), np.array([0.004, 0.02, 0.0267, 0.5, np.nan])
    for threshold, shown in ((0.01, 2), (0.0005, 0), (np.nan, 0), (0.02, 2)):
        scaled = _focused(raw, bh, threshold, 0.025)
        assert (scaled < 0.025).sum() == shown
        assert (scaled[:4] >= bh[:4]).all()
        assert np.isnan(scaled[4])


def test_asking_more_questions_cannot_bury_an_exclusion():
    """Shown alone, not after adjustment for 20: it leans, and says so."""
    one = {"g": (25, 45), "r": (630, 370)}
    many = one | {f"r{i}": (63, 37) for i in range(20)}
    assert judged(one).loc["g", "verdict"] == E
    row = judged(many).loc["g"]
    assert (row["verdict"], row["p_exclusion"] < 0.025 <= row["p_exclusion_adjusted"]) == (L, True)
    assert "Shown before adjustment for 22 comparisons, not after." in row["because"]


def test_confidence_changes_verdicts_and_intervals_and_no_estimate():
    groups = {"g": (45, 45), "h": (80, 40), "r": (630, 330)}
    loose, strict = judged(groups, confidence=0.8), judged(groups, confidence=0.999)
    same = ["value", "ratio", "difference", "shortfall", "p_exclusion", "p_within", "p_exclusion_adjusted", "refusal_ratio", "ratio_to_best"]
    pd.testing.assert_frame_equal(loose[same], strict[same])
    assert (loose.loc["h", "verdict"], strict.loc["h", "verdict"]) == (W, U)
    assert (loose["ratio_low"] > strict["ratio_low"]).all()


def test_the_best_off_reference_is_tested_against_all_pairs():
    """The data chose it: (k-1) times the least p against any other, and the largest on the other side."""
    groups = {"p": (40, 60), "q": (55, 45), "r": (63, 37), "s": (60, 40)}
    found = judged(groups, reference="best")
    for level in ("p", "q", "s"):
        pairs = [ratio_test(groups[level][0], 100, groups[other][0], 100) for other in groups if other != level]
        assert found.loc[level, "p_exclusion"] == pytest.approx(min(1, 3 * min(float(pair.p_exclusion) for pair in pairs)))
        assert found.loc[level, "p_within"] == pytest.approx(max(float(pair.p_within) for pair in pairs))
    assert (found.loc["r", "verdict"], found.loc["r", "reasons"]) == (N, ("is_reference",))
    assert set(found.drop("r")["reference"]) == {"r"}


def test_nobody_selected_among_the_best_off_either_is_no_verdict():
    found = judged({"g": (0, 50), "h": (0, 60)}, reference="best")
    assert set(found["reasons"]) == {("is_reference",), ("nobody_selected",)}


@pytest.mark.parametrize("reference", ["rest", "r"])
def test_false_verdicts_stay_near_their_level(reference):
    """Groups exactly at the tolerance: EXCLUSION of any, and the test of WITHIN of any, each in about alpha of the files at most."""
    rng, sizes, tau, alpha, files = np.random.default_rng(11), np.array([60, 200, 500, 900]), 0.8, 0.025, 500
    boundary = [0] if reference == "rest" else [0, 1, 2]
    hits = rng.binomial(sizes, 0.6 * np.where(np.isin(np.arange(4), boundary), tau, 1.0), (files, 4))
    if reference == "rest":
        y, m = hits.sum(axis=1, keepdims=True) - hits, sizes.sum() - sizes
    else:
        hits, y, m = hits[:, :3], hits[:, 3:], sizes[3]
    test = ratio_test(hits, sizes[: hits.shape[1]], y, m, tolerance=tau)
    shown = [np.apply_along_axis(adjust, 1, p)[:, boundary] < alpha for p in test]
    most = stats.binom.ppf(0.999, files, alpha + 0.005)
    assert [int(side.any(axis=1).sum()) <= most for side in shown] == [True, True]
    for i in [*np.flatnonzero(shown[0].any(axis=1))[:2], *np.flatnonzero(shown[1].any(axis=1))[:2], 0]:  # that is what `judge` does
        held = dict(zip("ghir", [*hits[i], *([] if reference == "rest" else y[i])], strict=True))
        found = judged({name: (int(x), int(n - x)) for (name, x), n in zip(held.items(), sizes, strict=True)}, reference=reference)
        assert ((found["verdict"] == E)[["ghir"[j] for j in boundary]] == shown[0][i]).all()
        assert ((found["p_within_adjusted"] < alpha)[["ghir"[j] for j in boundary]] == shown[1][i]).all()


def test_needed_says_how_many_more_people_would_settle_it_and_is_true():
    row = judged({"g": (14, 11), "r": (40000, 10000)}).loc["g"]
    more = int(row["needed"])
    n = 25 + more
    rng = np.random.default_rng(0)
    tests = ratio_test(rng.binomial(n, 14 / 25, 4000), n, 40000, 50000)
    assert (np.asarray(tests.p_exclusion) < 0.025 / 2).mean() == pytest.approx(0.8, abs=0.04)
    assert f"{more:,} more people of the group would settle it (80% power)" in row["because"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_reason_can_be_said_in_both_languages(language):
    row = judged({"g": (0, 3), "r": (1, 49)}).reset_index().iloc[0].to_dict() | {"clusters": 12}
    codes = (
        *("is_reference", "absent", "no_outcome", "blind", "everybody", "no_reference", "unknown_combination", "nobody_selected", "zero"),
        *("before_adjustment", "not_of_the_best", "refusals", "unobserved", "small", "within_before_adjustment", "smaller_difference"),
        *("depends_on_unknowns", "needed", "reference_too_small", "at_tolerance", "exact", "weighted", "few_clusters"),
    )
    said = [because((code,), row, Bounds(), language) for code in codes]
    assert len(set(said)) == len(codes)
    assert not any("{" in text or not text.endswith(".") for text in said)
    assert because(("zero",), row, Bounds(), language) == {
        "en": "Nobody of 3 was selected, where 0.1 would be at the reference's rate.",
        "fr": "Personne n'a été retenu sur 3, alors que 0,1 le seraient au taux de la référence.",
    }[language]  # fmt: skip


def test_first_come_those_of_whom_nobody_was_selected_by_how_many_were_expected():
    frame = pd.DataFrame({"a": ["z"] * 60 + ["y"] * 2 + ["x"] * 400 + ["w"] * 400, "ok": [0] * 62 + [1] * 100 + [0] * 300 + [1] * 300 + [0] * 100})
    rows = scoring.audit(frame, groups=["a"], decision="ok", favourable=1).verdicts()
    assert rows["group"].tolist() == ["z", "y", "x", "w"]
    assert rows["verdict"].tolist() == [Verdict.EXCLUSION, Verdict.LEANING, Verdict.EXCLUSION, Verdict.WITHIN_TOLERANCE]
