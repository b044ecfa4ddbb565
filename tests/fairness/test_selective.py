"""Outcomes seen only for the accepted: bounds against every outcome counted out, and assumptions that are named."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

import scoring
from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.hypotheses import ratio_test
from scoring.fairness.intervals import proportion_interval, ratio_interval
from scoring.fairness.metrics import COMPOSITES, METRICS, STATES, Metric
from scoring.fairness.unobserved import selective_sentence
from scoring.fairness.unseen.selective import EVERY_METRIC, SELECTIVE, selective_rows
from scoring.fairness.unseen.selective_ends import MOST_STEPS, Parts, ends_of, rated
from scoring.vocabulary import Verdict

RATES = [metric for metric in EVERY_METRIC if isinstance(metric, Metric)]
J = Metric("f1", ("tp",), ("tp", "fp", "fn"), COMPOSITES["f1"].better, "", "", "")
TPR, FPR, BASE = (METRICS[name] for name in ("true_positive_rate", "false_positive_rate", "base_rate"))
few = st.integers(0, 4)


def ends(states, metrics, *, cap=False):
    """Return the lowest and the highest rate of one group of counts of the six states."""
    weight = np.array([states], float)
    parts = Parts(np.array([0]), weight, weight, np.array([not cap]))
    f1 = np.array([metric.name == "f1" for metric in metrics])
    return rated(ends_of(parts, 1, metrics), f1=f1, exact=False).rate[0]


def every_rate(states, metric, most_good=None):
    """Return the metric for every number of good outcomes among the unseen accepted and refused."""
    tp, fp, fn, tn, au, ru = states
    found = []
    for t, s in itertools.product(range(au + 1), range((ru if most_good is None else most_good) + 1)):
        whole = dict(zip(STATES, (tp + t, fp + au - t, fn + s, tn + ru - s, 0, 0), strict=True))
        trials = sum(whole[state] for state in metric.trials)
        value = sum(whole[state] for state in metric.hits) / trials if trials else np.nan
        found.append(2 * value / (1 + value) if metric.name == "f1" else value)
    defined = [value for value in found if not np.isnan(value)]
    return (min(defined), max(defined)) if defined else (np.nan, np.nan)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(states=st.tuples(few, few, few, few, few, few))
def test_bounds_are_the_extremes_over_every_outcome(states):
    metrics = [*RATES, J]
    np.testing.assert_allclose(ends(states, metrics), [every_rate(states, metric) for metric in metrics], atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(accepted=st.tuples(st.integers(0, 3), st.integers(0, 3)), others=st.tuples(few, few, few), times=st.integers(1, 3))
def test_under_monotone_they_are_the_extremes_over_as_many_good_refused_as_the_accepted_allow(accepted, others, times):
    (good, bad), (fn, tn, au) = accepted, others
    if not good + bad:
        return
    states = (good, bad, fn, tn, au, times * (good + bad))  # as many refused as make the cap a whole number
    metrics = [*RATES, J]
    expected = [every_rate(states, metric, times * good) for metric in metrics]
    np.testing.assert_allclose(ends(states, metrics, cap=True), expected, atol=1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(a1=st.integers(1, 500), a0=st.integers(1, 500), refused=st.integers(1, 500))
def test_where_only_the_accepted_are_seen_the_bounds_are_the_formulas(a1, a0, refused):
    n = a1 + a0 + refused
    states = (a1, a0, 0, 0, 0, refused)
    names = ["true_positive_rate", "false_positive_rate", "base_rate", "accuracy", "negative_predictive_value", "positive_predictive_value"]
    found = ends(states, [*(METRICS[name] for name in names), J])
    expected = [
        (a1 / (a1 + refused), 1), (a0 / (a0 + refused), 1), (a1 / n, (a1 + refused) / n), (a1 / n, (a1 + refused) / n), (0, 1),
        (a1 / (a1 + a0), a1 / (a1 + a0)), (2 * a1 / (2 * a1 + a0 + refused), 2 * a1 / (2 * a1 + a0)),
    ]  # fmt: skip
    np.testing.assert_allclose(found, expected)
    monotone = ends(states, [TPR, FPR, BASE], cap=True)
    selected = (a1 + a0) / n
    assert monotone[0, 0] == pytest.approx(selected)  # TPR >= selection rate >= FPR
    assert monotone[1, 1] == pytest.approx(selected)
    assert monotone[2, 1] == pytest.approx(a1 / (a1 + a0))


def file_of(counts):
    """Return one row a person from counts of the six states by group."""
    told = {"tp": (1, 1.0), "fp": (1, 0.0), "fn": (0, 1.0), "tn": (0, 0.0), "au": (1, np.nan), "ru": (0, np.nan)}
    rows = [(group, *told[state]) for group, states in counts.items() for state, n in zip(STATES, states, strict=True) for _ in range(n)]
    return pd.DataFrame(rows, columns=["g", "ok", "good"])


def study_of(counts, **asked):
    return scoring.audit(file_of(counts), groups=["g"], decision="ok", favourable=1, outcome="good", favourable_outcome=1, **asked)


TWO = {"F": (60, 20, 0, 0, 0, 120), "M": (150, 30, 0, 0, 0, 20)}


def rows_of(counts=None, metrics=None, **asked):
    return selective_rows(study_of(counts or TWO).counts, metrics, bounds=Bounds(), **asked)


def one(rows, group, metric, assumption="none"):
    return rows[(rows["group"] == group) & (rows["metric"] == metric) & (rows["assumption"] == assumption)].iloc[0]


def test_rows_are_the_ends_against_the_ends_of_the_rest_with_score_limits():
    row = one(rows_of(), "F", "true_positive_rate")
    assert (row["observed"], row["unobserved"]) == (80.0, 120.0)
    assert (row["lowest"], row["highest"]) == (60 / 180, 1.0)
    assert (row["ratio_lowest"], row["ratio_highest"]) == pytest.approx((60 / 180, 1 / (150 / 170)))
    assert row["low"] == pytest.approx(float(proportion_interval(60, 180)[0]))
    assert row["ratio_low"] == pytest.approx(float(ratio_interval(60, 180, 150, 150, method="gart-nam")[0]))
    assert row["ratio_high"] == pytest.approx(float(ratio_interval(60, 60, 150, 170, method="gart-nam")[1]))
    assert row["verdict"] == Verdict.UNDETERMINED


def test_a_metric_of_harm_is_turned():
    rows = rows_of()
    more, less = one(rows, "F", "true_positive_rate"), one(rows, "F", "false_negative_rate")
    assert (less["lowest"], less["highest"]) == pytest.approx((1 - more["highest"], 1 - more["lowest"]))
    assert (less["ratio_lowest"], less["ratio_highest"]) == (0.0, np.inf)
    assert less["verdict"] == ""


def test_every_metric_is_there_and_f1_is_its_own_rate():
    rows = rows_of()
    assert list(rows.columns) == SELECTIVE
    assert set(rows["metric"]) == {metric.name for metric in EVERY_METRIC}
    f1 = one(rows, "F", "f1")
    assert (f1["lowest"], f1["highest"]) == pytest.approx((120 / (120 + 20 + 120), 120 / 140))
    j_low = float(proportion_interval(60, 200)[0])
    assert f1["low"] == pytest.approx(2 * j_low / (1 + j_low), abs=0.01)


def test_rows_of_an_assumption_come_with_those_without_it_and_are_no_wider():
    rows = rows_of(assumption="monotone")
    keys = ["group", "metric"]
    without, under = (rows[rows["assumption"] == name].set_index(keys) for name in ("none", "monotone"))
    assert without.index.tolist() == under.index.tolist()
    assert (under["lowest"] >= without["lowest"] - 1e-12).all()
    assert (under["highest"] <= without["highest"] + 1e-12).all()
    assert under["because"].str.contains("the refused would have done no better than the accepted").all()
    assert under["because"].str.contains("implausible for a group whose good members are refused").all()
    assert not without["because"].str.contains("assumption").any()


def test_exclusion_needs_the_whole_band():
    counts = {"F": (60, 20, 400, 20, 0, 30), "M": (480, 100, 20, 20, 0, 5)}
    row = one(rows_of(counts), "F", "true_positive_rate")
    assert row["ratio_high"] < 0.8
    assert row["verdict"] == Verdict.EXCLUSION
    wide = one(rows_of(TWO), "F", "true_positive_rate")
    assert wide["ratio_low"] < 0.8 < wide["ratio_high"]
    assert wide["verdict"] == Verdict.UNDETERMINED


def test_within_tolerance_needs_the_whole_band_and_enough_people():
    counts = {"F": (900, 50, 20, 60, 0, 10), "M": (900, 50, 20, 60, 0, 10)}
    assert one(rows_of(counts), "F", "true_positive_rate")["verdict"] == Verdict.WITHIN_TOLERANCE
    small = counts | {"F": (26, 1, 0, 0, 0, 0)}
    assert one(rows_of(small), "F", "true_positive_rate")["reasons"] == ("small",)


def test_the_ends_are_tested_as_any_counts_are_exactly_where_people_are_few():
    row = one(rows_of({"F": (3, 0, 2, 0, 0, 3), "M": (150, 30, 10, 10, 0, 0)}), "F", "true_positive_rate")
    assert row["p_exclusion"] == pytest.approx(float(ratio_test(3, 5, 150, 160).p_exclusion))
    assert row["p_within"] == pytest.approx(float(ratio_test(3, 8, 150, 160).p_within))
    nobody = one(rows_of({"F": (0, 3, 6, 0, 0, 0), "M": (150, 30, 10, 10, 0, 0)}), "F", "true_positive_rate")
    assert nobody["p_exclusion"] == pytest.approx(float(ratio_test(0, 6, 150, 160, exact=True).p_exclusion))


@pytest.mark.parametrize(
    ("counts", "group", "reason", "said"),
    [
        pytest.param({"F": (0, 0, 0, 0, 40, 60), "M": (0, 0, 0, 0, 70, 30)}, "F", "outcome_never_seen", "No outcome was ever observed", id="never"),
        pytest.param({"F": (0, 0, 0, 0, 40, 60), "M": (50, 20, 0, 0, 0, 30)}, "F", "outcome_unseen_here", "in this group", id="not in the group"),
        pytest.param({"F": (0, 0, 0, 0, 40, 60), "M": (50, 20, 0, 0, 0, 30)}, "M", "outcome_unseen_there", "among the others", id="not in the rest"),
        pytest.param({"F": (50, 20, 0, 0, 0, 30)}, "F", "alone", "nobody else", id="nobody else"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(counts, group, reason, said):
    frame = file_of(counts)
    frame["good"] = frame["good"].astype(object).where(frame["good"].notna(), None)
    if reason == "outcome_never_seen":
        frame.loc[:0, "good"] = None
        study = scoring.audit(frame.drop(columns="good"), groups=["g"], decision="ok", favourable=1)
        rows = selective_rows(study.counts, bounds=Bounds())
    else:
        rows = rows_of(counts)
    row = one(rows, group, "true_positive_rate")
    assert (row["verdict"], row["reasons"]) == (Verdict.NOT_APPLICABLE, (reason,))
    assert said in row["because"]


def test_weights_of_1_are_none_and_weights_that_differ_widen():
    frame = file_of(TWO)
    asked = {"groups": ["g"], "decision": "ok", "favourable": 1, "outcome": "good", "favourable_outcome": 1}
    plain = rows_of()
    ones = selective_rows(scoring.audit(frame.assign(w=1.0), weights="w", **asked).counts, bounds=Bounds())
    numbers = [name for name in SELECTIVE if name not in {"p_exclusion", "p_within", "reasons", "because", "verdict"}]
    pd.testing.assert_frame_equal(ones[numbers], plain[numbers], rtol=1e-6)
    drawn = frame.assign(w=np.random.default_rng(0).gamma(0.5, 2, len(frame)))
    uneven = one(selective_rows(scoring.audit(drawn, weights="w", **asked).counts, bounds=Bounds()), "F", "base_rate")
    base = one(plain, "F", "base_rate")
    assert uneven["lowest"] - uneven["low"] > 1.3 * (base["lowest"] - base["low"])


def test_monotone_holds_within_each_stratum():
    frame = file_of(TWO)
    frame["branch"] = np.where(np.arange(len(frame)) % 3 == 0, "x", "y")
    columns = {
        "g": {"type": "text", "roles": "protected"},
        "branch": {"type": "text", "roles": "stratum"},
        "ok": {"type": "integer"},
        "good": {"type": "number"},
    }
    plan = scoring.plan.Plan.model_validate({
        "columns": columns, "groups": {"g": {"column": "g"}}, "decision": {"column": "ok", "favourable": 1},
        "outcome": {"column": "good", "favourable": 1},
    })  # fmt: skip
    from scoring.fairness.counts import count
    from scoring.tables import open_frame

    counts = count(open_frame(frame, {name: column.type for name, column in plan.columns.items()}), plan)
    row = one(selective_rows(counts, [BASE], bounds=Bounds(), assumption="monotone"), "F", "base_rate", "monotone")
    women = frame[frame["g"] == "F"]
    good = sum((part["good"] == 1).sum() + part["good"].isna().sum() * part["good"].mean() for _, part in women.groupby("branch"))
    assert row["highest"] == pytest.approx(good / len(women))


# monotone in the score


def scored(n=6000, seed=3):
    rng = np.random.default_rng(seed)
    group = rng.choice(["F", "M"], n)
    score = np.round(rng.normal(size=n) - 0.5 * (group == "F"), 2)
    good = rng.random(n) < 1 / (1 + np.exp(-1 - score))
    accepted = score + 0.2 * rng.normal(size=n) > 0
    return pd.DataFrame({"g": group, "s": score, "ok": accepted.astype(int), "good": np.where(accepted, good.astype(float), np.nan)}), good


def scored_rows(frame, **asked):
    study = scoring.audit(frame, groups=["g"], decision="ok", favourable=1, outcome="good", favourable_outcome=1, score="s")
    return selective_rows(study.counts, [BASE, TPR], bounds=Bounds(), **asked), study


def joined_from_the_lowest(sizes, least):
    """Return the number of each bin's run: runs hold `least` people; what is left over joins the last."""
    run, held, number = [], 0, 0
    for size in sizes:
        run.append(number)
        held += size
        if held >= least:
            number, held = number + 1, 0
    return [min(place, max(number - 1, 0)) for place in run]


def test_under_the_score_the_refused_have_the_fitted_share_of_their_bin_or_the_lowest():
    frame, _ = scored()
    rows, study = scored_rows(frame, assumption="score")
    women = frame[frame["g"] == "F"]
    place = np.searchsorted(study.counts.edges, women["s"], side="right")
    seen = women["good"].notna().to_numpy()
    by_bin = pd.DataFrame({"bin": place[seen], "good": women["good"][seen]}).groupby("bin")["good"].agg(["sum", "size"])
    run = joined_from_the_lowest(by_bin["size"].tolist(), max(100, by_bin["size"].sum() // MOST_STEPS))
    joined = by_bin.groupby(run).sum()
    fitted = isotonic_regression(joined["sum"] / joined["size"], weights=joined["size"]).x
    value = pd.Series(fitted[run], index=by_bin.index)
    above = np.searchsorted(value.index, place[~seen])
    cap = np.append(value.to_numpy(), 1.0)[above].sum()  # above all that were seen nothing is assumed
    row = one(rows, "F", "base_rate", "score")
    assert row["highest"] == pytest.approx((women["good"].sum() + cap) / len(women))


def test_where_the_assumption_holds_the_truth_is_inside_and_the_band_narrower_than_under_monotone_alone():
    frame, good = scored()
    under_score, _ = scored_rows(frame, assumption="score")
    under_monotone, _ = scored_rows(frame, assumption="monotone")
    for group in "FM":
        here = (frame["g"] == group).to_numpy()
        truth = good[here & (frame["ok"] == 1).to_numpy()].sum() / good[here].sum()
        narrow, wide = one(under_score, group, "true_positive_rate", "score"), one(under_monotone, group, "true_positive_rate", "monotone")
        assert narrow["low"] <= truth <= narrow["high"]
        assert narrow["lowest"] >= wide["lowest"] - 1e-9
        assert "good outcomes never fall as the score rises" in narrow["because"]


def test_the_caps_own_sampling_error_is_in_the_interval():
    """Flat rates: the assumption holds with equality, so its end is the truth; it must be covered about as often as promised."""
    rng, covered = np.random.default_rng(0), []
    for _ in range(400):
        a1, a0, refused = rng.multinomial(400, [0.4, 0.1, 0.5])
        weight = np.array([[a1, a0, 0, 0, 0, refused]], float)
        found = rated(ends_of(Parts(np.array([0]), weight, weight, np.array([False])), 1, [BASE]), f1=np.array([False]), exact=False)
        covered.append(float(proportion_interval(found.x[0, 0, 1], found.n[0, 0, 1])[1]) >= 0.8)
    assert np.mean(covered) >= 0.975 - 3 * np.sqrt(0.975 * 0.025 / 400)


def test_groups_are_fitted_each_by_itself():
    frame, _ = scored()
    both, _ = scored_rows(frame, assumption="score")
    renamed, _ = scored_rows(frame.assign(g=frame["g"].map({"F": "Z", "M": "A"})).sample(frac=1, random_state=0), assumption="score")
    for old, new in (("F", "Z"), ("M", "A")):
        assert one(both, old, "base_rate", "score")["highest"] == pytest.approx(one(renamed, new, "base_rate", "score")["highest"], rel=1e-12)


def test_an_assumption_about_a_score_needs_one_and_an_unknown_one_is_named():
    with pytest.raises(EquiscoreError, match=r"No score.*Fix: declare study.score"):
        rows_of(assumption="score")
    with pytest.raises(EquiscoreError, match=r"No assumption 'monoton'.*Fix: use one of none, monotone, score"):
        rows_of(assumption="monoton")
    with pytest.raises(EquiscoreError, match=r"balanced_accuracy has no bounds of its own\. Fix:"):
        rows_of(metrics=[COMPOSITES["balanced_accuracy"]])


def test_sentences_say_the_figures_in_both_languages():
    row = one(rows_of(assumption="monotone"), "F", "true_positive_rate", "monotone").to_dict()
    assert selective_sentence(row, Bounds(), "en") == (
        "Exclusion is neither shown nor ruled out: what was not observed could settle it either way. g: F, if the refused were no better than the "
        "accepted: the outcome of 80 people is known, that of 120 is not. Then 40.0% to 100.0% of those with a good outcome were selected "
        f"({100 * row['low']:.1f}% to 100.0% with sampling error, 95% interval). The ratio is from 0.40 to 1.11, "
        f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f} with sampling error; the tolerance is 0.80. The band of ratios holds the tolerance of "
        "0.80, or comes too near it for the number of people. This rests on an assumption that the data cannot test: within each group (and "
        "stratum) the refused would have done no better than the accepted. It is implausible for a group whose good members are refused, which "
        "is the harm looked for; the line without it stands beside."
    )
    without = {
        "attribute": "g", "group": "F", "metric": "true_positive_rate", "assumption": "none", "observed": 80, "unobserved": 1200, "lowest": 1 / 3,
        "highest": 1.0, "low": 0.269, "high": 1.0, "ratio_lowest": 0.33, "ratio_highest": 1.13, "ratio_low": 0.27, "ratio_high": 1.2,
        "verdict": "undetermined", "reasons": ("band",),
    }  # fmt: skip
    assert selective_sentence(without, Bounds(), "fr", {"g": {"fr": "Sexe"}}).replace("\u202f", " ") == (
        "Une exclusion n'est ni établie ni écartée : ce qui n'a pas été observé pourrait faire pencher dans un sens comme dans l'autre. Sexe : F : "
        "le résultat de 80 personnes est connu, celui de 1 200 ne l'est pas. Quel qu'il ait été, de 33,3 % à 100,0 % de ceux dont le résultat est "
        "bon ont été retenus (de 26,9 % à 100,0 % avec l'erreur d'échantillonnage, intervalle à 95 %). Le rapport est quelque part entre 0,33 et "
        "1,13, entre 0,27 et 1,20 avec l'erreur d'échantillonnage ; la tolérance est de 0,80. La plage des rapports contient la tolérance de "
        "0,80, ou s'en approche trop pour le nombre de personnes."
    )


def test_a_metric_without_a_verdict_and_a_rate_that_cannot_be_given_have_sentences_too():
    row = one(rows_of(), "F", "accuracy").to_dict()
    assert selective_sentence(row, Bounds(), "en").startswith("g: F: the outcome of 80 people is known")
    empty = row | {"lowest": np.nan, "reasons": ("outcome_unseen_here",), "verdict": "not applicable"}
    assert selective_sentence(empty, Bounds(), "fr").replace("\u202f", " ") == (
        "La question ne peut pas être posée. g : F : aucun taux ne peut être donné (exactitude). Aucun résultat n'a été observé dans ce groupe ; "
        "rien ne peut en être dit."
    )
