"""Two studies and a sequence: the change against a saturated log-binomial model, coverage, and the level over many looks."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import scoring
from scoring.bounds import Bounds
from scoring.errors import EquiscoreError
from scoring.fairness.drift import DRIFT, LOOKS, compare_studies, drift_sentences, sequence, sequence_sentences
from scoring.fairness.hypotheses import adjust, ratio_test

BOUNDS = Bounds()


def judged(*groups, metric="selection_rate", **more):
    """Build judged rows of one attribute: (name, x, n, y, m)."""
    rows = pd.DataFrame(groups, columns=["group", "x", "n", "y", "m"]).astype(dict.fromkeys("xnym", float))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (rows["x"] / rows["n"]) / (rows["y"] / rows["m"])
    fixed = {"attribute": "sex", "metric": metric, "depth": 1, "reference": "rest", "verdict": "undetermined"}
    ratio = 1 / ratio if metric == "exclusion_rate" else ratio
    return rows.assign(people=rows["n"], value=rows["x"] / rows["n"], ratio=ratio, **(fixed | more))


def audited(frame):
    return scoring.audit(frame, groups=["sex", "region"], decision="ok", favourable=1, depth=1).judged()


def people(n=1500, seed=1, gap=0.1):
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "region": rng.choice(["a", "b", "c"], n)})
    return made.assign(ok=(rng.random(n) < 0.6 - gap * (made["sex"] == "F")).astype(int))


def interaction(before, after):
    """Return the interaction of study and group in a log-binomial model, with its standard error."""
    cells = []
    for late, (x, n, y, m) in enumerate((before, after)):
        cells += [(x, n - x, 1, late), (y, m - y, 0, late)]
    hits, misses, group, late = np.array(cells, float).T
    design = np.column_stack([np.ones(4), group, late, group * late])
    family = sm.families.Binomial(link=sm.families.links.Log())
    with np.errstate(divide="ignore"):  # a saturated model has no degrees of freedom left for its scale
        fitted = sm.GLM(np.column_stack([hits, misses]), design, family=family).fit(start_params=[np.log(0.4), 0, 0, 0])
    return fitted.params[3], fitted.bse[3]


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")  # the log link of a binomial
@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.PerfectSeparationWarning")  # a saturated model fits every cell
def test_of_many_people_the_change_is_the_interaction_of_a_log_binomial_model():
    before, after = (3000, 8000, 4200, 9000), (2500, 8200, 4300, 8800)
    row = compare_studies(judged(("F", *before)), judged(("F", *after)), bounds=BOUNDS, shared="none").iloc[0]
    change, error = interaction(before, after)
    assert row["log_change"] == pytest.approx(change, abs=1e-8)
    np.testing.assert_allclose([row["log_change_low"], row["log_change_high"]], change + 1.959964 * error * np.array([-1, 1]), atol=5e-4)
    assert row["p"] == pytest.approx(2 * stats.norm.sf(abs(change) / error), rel=0.05)
    assert row["change"] == pytest.approx(np.exp(change))


def test_coverage_of_the_change_with_few_people():
    rng = np.random.default_rng(4)
    truth = [(40, 0.5), (200, 0.6), (50, 0.4), (200, 0.6)]
    n = 1500
    x, y, x2, y2 = (rng.binomial(size, rate, n) for size, rate in truth)
    names = [f"g{i}" for i in range(n)]
    before = judged(*zip(names, x, [40] * n, y, [200] * n, strict=True))
    after = judged(*zip(names, x2, [50] * n, y2, [200] * n, strict=True))
    found = compare_studies(before, after, bounds=BOUNDS, shared="none")
    wanted = np.log(0.4 / 0.6) - np.log(0.5 / 0.6)
    inside = (found["log_change_low"] <= wanted) & (found["log_change_high"] >= wanted)
    assert 0.93 < inside.mean() < 0.975


def test_where_everybody_is_favoured_the_interval_keeps_a_width():
    row = compare_studies(judged(("F", 20, 20, 80, 80)), judged(("F", 20, 20, 80, 80)), bounds=BOUNDS, shared="none").iloc[0]
    assert row["log_change_low"] < -0.1 < 0.1 < row["log_change_high"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(counts=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), min_size=4, max_size=4))
def test_back_and_forth_are_opposite_and_p_agrees_with_the_interval(counts):
    (x, a), (y, b), (x2, c), (y2, d) = counts
    before, after = judged(("F", x, x + a, y, y + b)), judged(("F", x2, x2 + c, y2, y2 + d))
    there = compare_studies(before, after, bounds=BOUNDS, shared="none").iloc[0]
    back = compare_studies(after, before, bounds=BOUNDS, shared="none").iloc[0]
    np.testing.assert_allclose(
        back[["log_change", "log_change_low"]].astype(float), -there[["log_change", "log_change_high"]].astype(float), atol=1e-12
    )
    excludes = there["log_change_low"] > 0 or there["log_change_high"] < 0
    if not np.isnan(there["p"]):
        assert (there["p"] < 0.05) == excludes


def test_a_metric_of_harm_is_turned_round():
    more = compare_studies(judged(("F", 30, 100, 60, 120)), judged(("F", 50, 100, 60, 120)), bounds=BOUNDS, shared="none").iloc[0]
    sides = [judged(("F", x, 100, 60, 120), metric="exclusion_rate") for x in (30, 50)]
    less = compare_studies(*sides, bounds=BOUNDS, shared="none").iloc[0]
    assert less["log_change"] == pytest.approx(-more["log_change"])
    assert less["log_change_low"] == pytest.approx(-more["log_change_high"])
    assert (more["moved"], less["moved"]) == ("better", "worse")


def test_a_change_is_shown_only_after_adjustment_over_the_groups():
    groups = [(f"g{i}", 50, 100, 500, 1000) for i in range(9)]
    before, after = judged(("F", 50, 100, 500, 1000), *groups), judged(("F", 33, 100, 500, 1000), *groups)
    found = compare_studies(before, after, bounds=BOUNDS, shared="none").set_index("group")
    assert found.loc["F", "p"] < 0.05
    np.testing.assert_allclose(found["p_adjusted"], adjust(found["p"]))
    assert found.loc["F", "moved"] == "not shown"
    alone = compare_studies(before.iloc[:1], after.iloc[:1], bounds=BOUNDS, shared="none").iloc[0]
    assert alone["moved"] == "worse"


def test_studies_that_may_share_customers_have_no_interval_and_say_why():
    row = compare_studies(judged(("F", 30, 100, 60, 100)), judged(("F", 50, 100, 60, 100)), bounds=BOUNDS).iloc[0]
    assert row["change"] == pytest.approx(5 / 3)
    assert row[["change_low", "change_high", "p"]].isna().all()
    assert row["because"] == "Two studies that share customers are not independent, so no interval is given."
    assert row["moved"] == ""


def test_whoever_appears_or_disappears_is_listed_first():
    before, after = (
        judged(("F", 30, 100, 60, 100), ("old", 5, 10, 60, 100)),
        judged(("F", 30, 100, 60, 100), ("new", 5, 10, 60, 100), ("old", 0, 0, 1, 1)),
    )
    found = compare_studies(before, after, bounds=BOUNDS, shared="none")
    assert found[["group", "standing"]].to_numpy().tolist() == [["old", "disappeared"], ["new", "appeared"], ["F", "both"]]
    assert found.loc[0, ["people_before", "people_after"]].tolist() == [10, 0]
    assert found.loc[1, "verdict_before"] == "absent"
    assert found.loc[[0, 1], "change"].isna().all()


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        pytest.param(("F", 0, 50, 60, 100), ("F", 5, 50, 60, 100), "nobody", id="zero before"),
        pytest.param(("F", 5, 50, 60, 100), ("F", 5, 50, 0, 100), "nobody", id="nobody in the reference"),
        pytest.param(("F", 0, 50, 0, 100), ("F", 5, 50, 6, 100), "no_ratio", id="nobody at all"),
    ],
)
def test_a_change_without_a_logarithm_says_so(before, after, code):
    row = compare_studies(judged(before), judged(after), bounds=BOUNDS, shared="none").iloc[0]
    assert row["reasons"] == (code,)
    assert np.isnan(row["p"])


def test_ratios_to_different_references_are_not_compared():
    row = compare_studies(judged(("F", 30, 99, 60, 99), reference="M"), judged(("F", 30, 99, 60, 99), reference="X"), bounds=BOUNDS, shared="none")
    assert row["reasons"].item() == ("other_reference",)
    assert np.isnan(row["change"].item())


def test_a_group_that_stands_twice_and_an_unknown_word_are_refused():
    rows = judged(("F", 30, 100, 60, 100), ("F", 30, 100, 60, 100))
    with pytest.raises(EquiscoreError, match=r"after: sex, F, selection_rate stands twice.*Fix:"):
        compare_studies(rows.iloc[:1], rows, bounds=BOUNDS)
    with pytest.raises(EquiscoreError, match=r"shared: 'some' is not known.*Fix:"):
        compare_studies(rows.iloc[:1], rows.iloc[:1], bounds=BOUNDS, shared="some")


def test_two_audits_are_compared_group_by_group():
    before, after = audited(people(seed=1)), audited(people(seed=2, gap=0.35))
    found = compare_studies(before, after, bounds=BOUNDS, shared="none")
    assert list(found.columns) == DRIFT
    women = found.set_index("group").loc["F"]
    assert (women["moved"], women["verdict_after"], women["changed"]) == ("worse", "exclusion", True)
    pd.testing.assert_frame_equal(found, compare_studies(before.sample(frac=1, random_state=1), after.sample(frac=1), bounds=BOUNDS, shared="none"))


# a sequence


def test_each_look_has_its_part_of_the_level():
    looks = [audited(people(seed=seed, gap=gap)) for seed, gap in ((1, 0.1), (2, 0.17), (3, 0.4))]
    found = sequence(looks, 5, bounds=BOUNDS)
    assert list(found.columns) == LOOKS
    assert set(found["alpha"]) == {0.005}
    shown = found[found["verdict"] == "exclusion"]
    assert (shown["p_exclusion_adjusted"] < 0.005).all()
    assert (found.loc[found["verdict"] == "within tolerance", "p_within_adjusted"] < 0.005).all()
    women = found[found["group"] == "F"]
    assert set(women["first_exclusion"]) == {women.loc[women["verdict"] == "exclusion", "look"].min()}
    assert found.loc[found["group"] == "a", "first_exclusion"].isna().all()


def test_one_look_of_one_is_the_study_itself():
    rows = audited(people(gap=0.4))
    found = sequence([rows], 1, bounds=BOUNDS)
    assert found.set_index(["attribute", "group"])["verdict"].to_dict() == rows.set_index(["attribute", "group"])["verdict"].to_dict()


def test_what_the_shared_level_no_longer_shows_is_leaning():
    rows = audited(people(400, seed=3, gap=0.26)).assign(p_exclusion_adjusted=0.01, p_exclusion=0.01, verdict="exclusion")
    assert set(sequence([rows], 5, bounds=BOUNDS)["verdict"]) == {"leaning"}


def test_a_group_that_leaves_the_sequence_keeps_its_rows():
    first, second = people(seed=1), people(seed=2)
    found = sequence([audited(first), audited(second[second["region"] != "c"])], 4, bounds=BOUNDS)
    gone = found[(found["group"] == "c")].set_index("look")
    assert (gone.loc[2, "verdict"], gone.loc[2, "people"]) == ("absent", 0.0)


def test_the_level_of_a_whole_sequence_is_kept():
    rng, looks, files = np.random.default_rng(7), 4, 3000
    first = np.zeros((files, looks), bool)
    for look in range(looks):
        x, y = rng.binomial(400, 0.4, files), rng.binomial(1200, 0.5, files)
        first[:, look] = ratio_test(x, 400, y, 1200).p_exclusion < BOUNDS.alpha / looks
    assert first.any(1).mean() < BOUNDS.alpha + 3 * np.sqrt(BOUNDS.alpha / files)


def test_a_level_may_be_spent_otherwise_but_not_beyond():
    rows = audited(people())
    assert set(sequence([rows], 2, bounds=BOUNDS, spent=[0.02, 0.005])["alpha"]) == {0.02}
    for spent in ([0.02, 0.02], [0.025], [0.025, 0.0]):
        with pytest.raises(EquiscoreError, match=r"is no sharing of 0.025 among 2 looks. Fix:"):
            sequence([rows], 2, bounds=BOUNDS, spent=spent)
    with pytest.raises(EquiscoreError, match=r"2 looks were taken where 1 were planned.*Fix:"):
        sequence([rows, rows], 1, bounds=BOUNDS)
    assert sequence([], 3, bounds=BOUNDS).empty


# words


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("shared", ["none", "unknown"])
def test_sentences_say_before_after_and_why_not(language, shared):
    first, second = people(seed=1), people(seed=2, gap=0.4)
    rows = compare_studies(audited(first), audited(second[second["region"] != "c"]), bounds=BOUNDS, shared=shared)
    said = drift_sentences(rows, BOUNDS, language)
    assert len(said) == len(rows)
    assert not any("–" in line or " nan" in line for line in said)
    assert ("chance does not explain" in " ".join(said) or "le hasard ne l'explique pas" in " ".join(said)) == (shared == "none")


@pytest.mark.parametrize(
    ("language", "shown", "none"), [("en", "first shown at look 2", "not a clearance"), ("fr", "à l'examen numéro 2", "pas un quitus")]
)
def test_a_sequence_says_when_exclusion_is_first_shown(language, shown, none):
    same, worse = audited(people(seed=1, gap=0.0)), audited(people(seed=2, gap=0.4))
    assert shown in " ".join(sequence_sentences(sequence([same, worse], 4, bounds=BOUNDS), 4, language))
    assert none in " ".join(sequence_sentences(sequence([same], 4, bounds=BOUNDS), 4, language))
