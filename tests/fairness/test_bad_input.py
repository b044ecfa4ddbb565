"""What a file may get wrong: each fault is said in exact words with its fix, and what cannot be asked is not applicable, with its reason.

Nothing here ends in an error of a library, in a number for nobody, or in silence.
"""

import re

import numpy as np
import pandas as pd
import pytest

import scoring
from scoring.errors import ContractError, EquiscoreError, FaultyInput, StudyError
from scoring.vocabulary import Verdict

N = 240
NO = Verdict.NOT_APPLICABLE.value
BOTH = {"memberships": {"origin": {"here": "p_here", "abroad": "p_abroad"}}}
FULL = {
    "outcome": "good",
    "score": "score",
    "strata": ["branch"],
    "amounts": ["limit"],
    "funnel": {"asked": ("asked", 1)},
    **BOTH,
}
"""Everything that a study may be asked for, so that every table has something to say."""
PLAIN = {"outcome": "good", "strata": ["branch"]}


def people(**columns):
    """Make 240 customers: half of F and three quarters of M are favoured, the outcome of the refused is not known."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"sex": ["F", "M"] * (N // 2), "branch": ["north", "north", "south", "south", "south", "north"] * (N // 6)})
    frame["ok"] = [1, 0, 1, 1, 0, 1, 0, 1] * (N // 8)
    frame["good"] = [1.0, np.nan, 0, 1, np.nan, 1, np.nan, 1] * (N // 8)
    frame["p_here"] = np.round(rng.uniform(0.1, 0.9, N), 3)
    frame["p_abroad"] = 1 - frame["p_here"]
    frame["score"], frame["limit"], frame["asked"] = np.round(rng.normal(0, 1, N), 2), rng.integers(1, 9, N), 1
    return frame.assign(**columns)


def study_of(frame, **asked):
    return scoring.audit(frame, **{"groups": ["sex"], "decision": "ok", "favourable": 1, **asked})


def refused(kind, words, frame, **asked):
    """Check that the study is refused in exactly these words, by an error of ours."""
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        study_of(frame, **asked)
    assert "Fix: " in words


def reasons(rows, metric="selection_rate"):
    """Verdict and reasons of each group, for one metric."""
    return {row["group"]: (row["verdict"], row["reasons"]) for _, row in rows[rows["metric"] == metric].iterrows()}


def every_table(tables):
    """Work out every table that a study of everything has; an error of a library would come out here."""
    name = next(iter(tables.plan.groups))
    found = {call: getattr(tables, call)() for call in ("rates", "disparities", "judged", "bounds", "everybody", "performance", "calibration")}
    found |= {call: getattr(tables, call)() for call in ("conditional", "by_stratum", "scores", "subgroups", "memberships", "selective", "funnel")}
    found |= {call: getattr(tables, call)(name) for call in ("threshold_sweep", "selection_table", "scoring_table")}
    found |= {"amounts": tables.amounts(), "inequality": tables.inequality(), "monotone": tables.selective("monotone")}
    for language in ("en", "fr"):
        said = [*tables.findings(language), *tables.conditional_findings(language), *tables.funnel_findings(language)]
        assert [text for text in said if re.search(r"\bnan\b|\binf\b|None", text)] == []
    return found


def everywhere(frame, **asked):
    """Every table of a study of everything, of the working counts and as published."""
    study = study_of(frame, **{**FULL, **asked})
    return every_table(study), every_table(study.published())


# weights


@pytest.mark.parametrize("meaning", ["weight", "count"])
@pytest.mark.parametrize("weight", [0.0, 0, -1.0, np.nan, None], ids=str)
def test_weights_of_which_none_is_above_0_are_refused(weight, meaning):
    words = "frame: column 'w' holds no weight above 0. Fix: give positive weights, or leave the weight out."
    refused(ContractError, words, people(w=pd.array([weight] * N, dtype=float)), weights="w", weight_meaning=meaning)


@pytest.mark.parametrize(("bad", "reason"), [(-1.0, "negative weight"), (np.nan, "no weight"), (np.inf, "no weight")])
def test_many_weights_that_are_none_are_refused_with_their_number(bad, reason):
    frame = people(w=[bad] * 24 + [1.0] * 216)
    words = (
        f"frame: 24 of 240 rows (10.0%) break the contract, more than the declared 5.0%: w: {reason} (24). "
        "Fix: mend the file, or raise study.bounds.max_rejected_share and say why."
    )
    refused(ContractError, words, frame, weights="w")


@pytest.mark.parametrize(("meaning", "reason"), [("weight", "no_outcome"), ("count", "absent")])
def test_a_group_whose_weights_are_all_0_has_no_rate(meaning, reason):
    frame = people(w=1.0)
    frame.loc[frame["sex"] == "F", "w"] = 0.0
    study = study_of(frame, weights="w", weight_meaning=meaning, **PLAIN)
    found = reasons(study.judged())
    assert found["F"] == (NO, (reason,))
    assert found["M"][0] == NO
    rates = study.rates(metrics=["selection_rate"]).set_index("group")
    assert rates.loc["F", ["value", "low", "high"]].isna().all()
    assert rates.loc["F", "trials"] == 0
    assert set(study.selective().loc[lambda rows: rows["metric"] == "true_positive_rate", "verdict"]) == {NO}
    assert study.conditional()["pooled_ratio"].isna().all()


# probabilities


@pytest.mark.parametrize("missing", [np.nan, None, np.inf, -np.inf], ids=str)
def test_a_person_without_a_probability_is_refused_with_the_column(missing):
    frame = people()
    frame.loc[[3, 8], "p_here"] = missing
    words = (
        "study.memberships.origin: column 'p_here' holds no probability (empty, not a number, or infinite) in 2 rows. Fix: give each person a "
        "probability, that of the whole population where nothing more is known, or leave them out of the file."
    )
    refused(ContractError, words, frame, **BOTH)


def test_probabilities_that_do_not_add_up_to_one_are_refused():
    frame = people()
    frame.loc[:4, "p_abroad"] = 0.01
    words = (
        "study.memberships.origin: columns 'p_here', 'p_abroad' do not add up to 1 (within 1e-06) in 5 rows. Fix: declare every level of the "
        "attribute, or one level alone (its rest is worked out), and make each row add up to 1."
    )
    refused(ContractError, words, frame, **BOTH)
    assert len(study_of(frame, memberships={"origin": {"here": "p_here"}}).memberships()) > 0  # one level has a rest


def test_every_fault_of_the_probabilities_is_said_at_once():
    frame = people()
    frame.loc[[0, 1], "p_abroad"], frame.loc[7, "p_here"], frame.loc[[9, 11], "p_here"] = 1.5, -0.2, np.nan
    with pytest.raises(FaultyInput) as error:
        study_of(frame, **BOTH)
    assert [str(fault).split(". Fix: ")[0] for fault in error.value.faults.exceptions] == [
        "study.memberships.origin: column 'p_here' holds no probability (empty, not a number, or infinite) in 2 rows",
        "study.memberships.origin: column 'p_here' holds a probability below 0 or above 1 in 1 rows",
        "study.memberships.origin: column 'p_abroad' holds a probability below 0 or above 1 in 2 rows",
        "study.memberships.origin: columns 'p_here', 'p_abroad' do not add up to 1 (within 1e-06) in 3 rows",
    ]
    assert str(error.value).count("Fix: ") == 4


def test_a_column_of_words_is_no_probability():
    words = (
        "frame: 240 of 240 rows (100.0%) break the contract, more than the declared 5.0%: p_here: not a number (240). "
        "Fix: mend the file, or raise study.bounds.max_rejected_share and say why."
    )
    refused(ContractError, words, people(p_here="often"), **BOTH)


def test_probabilities_all_0_or_all_1_leave_nobody_to_compare():
    rows = study_of(people(p_here=0.0, p_abroad=1.0), **BOTH).memberships()
    assert reasons(rows) == {"here": (NO, ("nobody_known",)), "abroad": (NO, ("everybody",))}
    assert rows["because"].tolist() == [
        "Nobody has a probability above 0 of being a member.",
        "Everybody is a member, so there is nobody to compare the group with.",
    ]
    assert rows[["ratio_lowest", "ratio_highest", "p_exclusion", "p_within"]].isna().all(axis=None)


def test_a_table_of_memberships_that_nobody_declared_says_so():
    with pytest.raises(
        StudyError, match=r"^No attribute is known by probability\. Fix: declare study\.memberships, or pass memberships= to audit\.$"
    ):
        study_of(people()).memberships()


# strata


def test_a_stratum_of_one_group_is_not_comparable_and_the_others_are():
    frame = people()
    frame.loc[frame["branch"] == "south", "sex"] = "M"
    study = study_of(frame, **FULL)
    rows = study.conditional(metrics=["selection_rate"]).set_index("group")
    assert rows[["strata", "not_comparable"]].to_numpy().tolist() == [[1, 1], [1, 1]]
    by_stratum = study.by_stratum(metrics=["selection_rate"]).set_index(["group", "stratum"])
    assert by_stratum["reason"].to_dict() == {("F", "north"): "", ("F", "south"): "no_group", ("M", "north"): "", ("M", "south"): "no_reference_here"}
    assert by_stratum["ratio"].isna().tolist() == [False, True, False, True]
    north = frame[frame["branch"] == "north"].groupby("sex")["ok"].mean()
    assert rows.loc["F", "pooled_ratio"] == pytest.approx(north["F"] / north["M"])


def test_where_each_stratum_holds_one_group_there_is_no_figure_within_and_it_says_why():
    frame = people()
    frame["branch"] = frame["sex"].map({"F": "north", "M": "south"})
    study = study_of(frame, **FULL)
    rows = study.conditional(metrics=["selection_rate"])
    assert rows["reason"].tolist() == ["nothing_comparable"] * 2
    assert rows[["pooled_ratio", "p_exclusion", "p_within", "within", "cdd"]].isna().all(axis=None)
    assert rows["ratio"].tolist() == pytest.approx([2 / 3, 3 / 2])  # the crude figure stays
    assert all("No stratum holds people of both sides. That is no sign of equal treatment." in text for text in study.conditional_findings())
    everywhere(frame)


def test_the_stratum_that_is_the_group_itself_compares_nothing():
    rows = study_of(people(), strata=["sex"]).conditional()
    assert set(rows["reason"]) == {"nothing_comparable"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["branhc"], "No stratum 'branhc' in this study. Fix: did you mean 'branch'? Use one of branch, or declare its column as a stratum."),
        (["zz"], "No stratum 'zz' in this study. Fix: Use one of branch, or declare its column as a stratum."),
    ],
)
def test_a_stratum_that_is_none_is_refused(asked, words):
    with pytest.raises(EquiscoreError, match=f"^{re.escape(words)}$"):
        study_of(people(), strata=["branch"]).conditional(asked)


# a group that is everybody


def test_a_group_that_is_everybody_has_nobody_to_be_compared_with():
    working, shown = everywhere(people(sex="F"))
    for tables in (working, shown):
        assert reasons(tables["judged"]) == {"F": (NO, ("everybody",))}
        because = tables["judged"].loc[lambda rows: rows["metric"] == "selection_rate", "because"].item()
        assert because == "The group is everybody, so there is nobody to compare it with."
        assert tables["disparities"][["ratio", "ratio_low", "ratio_high", "difference", "shortfall"]].isna().all(axis=None)
        assert set(tables["conditional"]["reason"]) == {"no_reference", "blind"}
        assert set(tables["selective"]["reasons"]) == {("alone",)}
        assert tables["selective"]["because"].iloc[0] == "There is nobody else whose group is known."
        assert tables["funnel"]["reasons"].tolist() == [("everybody",)] * 2
        assert tables["amounts"]["reasons"].tolist() == [("no_reference",)]
    assert working["rates"].loc[lambda rows: rows["metric"] == "selection_rate", "value"].tolist() == [150 / 240]
    assert working["subgroups"].empty


def test_of_one_person_nothing_is_said():
    rows = study_of(people().iloc[:1]).judged()
    assert reasons(rows) == {"F": (NO, ("everybody",))}


def test_an_attribute_that_is_unknown_of_everybody_has_no_group():
    rows = study_of(people(sex=None)).judged()
    assert reasons(rows) == {"(unknown)": (NO, ("everybody",))}


def test_an_attribute_that_is_unknown_of_everybody_is_published_like_any_other():
    for groups in (["sex"], ["sex", "branch"]):
        every_table(study_of(people(sex=None), **{**FULL, "strata": ["asked"], "groups": groups}).published())


# two attributes with the same labels


def test_two_attributes_with_the_same_labels_are_what_each_is_alone():
    frame = people()
    rng = np.random.default_rng(9)
    frame["first"], frame["second"] = np.where(frame["sex"] == "F", "x", "y"), rng.choice(["x", "y"], N)
    frame["q_x"] = np.round(rng.uniform(0.2, 0.8, N), 3)
    frame["q_y"] = 1 - frame["q_x"]
    two = {"one": {"x": "p_here", "y": "p_abroad"}, "other": {"x": "q_x", "y": "q_y"}}

    def told(study):
        """Figures that do not depend on how many comparisons there are."""
        return {
            "disparities": study.disparities(),
            "conditional": study.conditional(),
            "by_stratum": study.by_stratum(),
            "verdicts": study.judged(depth=1)[
                ["attribute", "group", "metric", "hits", "trials", "ref_hits", "ref_trials", "p_exclusion", "p_within"]
            ],
            "selective": study.selective()[["attribute", "group", "metric", "lowest", "highest", "ratio_lowest", "ratio_highest"]],
            "amounts": study.amounts(),
            "funnel": study.funnel()[["attribute", "group", "stage", "hits", "trials", "ref_hits", "ref_trials", "p_exclusion"]],
            "scores": study.performance(),
        }

    together = told(study_of(frame, **{**FULL, "groups": ["first", "second"], "memberships": two}))
    for name in ("first", "second"):
        for table, rows in told(study_of(frame, **{**FULL, "groups": [name]})).items():
            keys = [key for key in ("attribute", "group", "metric", "stratum", "amount", "stage") if key in rows]
            of_both, alone = (part[part["attribute"] == name].sort_values(keys, ignore_index=True) for part in (together[table], rows))
            assert len(alone) > 0
            pd.testing.assert_frame_equal(of_both, alone, check_dtype=False, obj=f"{table} of {name}")


def test_two_memberships_with_the_same_labels_are_what_each_is_alone():
    frame = people(q_here=people()["p_abroad"], q_abroad=people()["p_here"])
    two = {"one": {"here": "p_here", "abroad": "p_abroad"}, "other": {"here": "q_here", "abroad": "q_abroad"}}
    both = study_of(frame, memberships=two).memberships().set_index(["attribute", "group"])
    figures = ["people", "value", "ratio", "ratio_lowest", "ratio_highest", "difference_lowest", "difference_highest"]
    for name, levels in two.items():
        alone = study_of(frame, memberships={name: levels}).memberships().set_index(["attribute", "group"])
        pd.testing.assert_frame_equal(both.loc[[name], figures], alone[figures], check_exact=True)
    assert both.loc[("one", "here"), "people"] == both.loc[("other", "abroad"), "people"]


# outcomes


@pytest.mark.parametrize(
    "column", [pd.array([np.nan] * N), pd.array([pd.NA] * N, dtype="Int64"), [None] * N, [" "] * N], ids=["NaN", "NA", "None", "blanks"]
)
def test_an_outcome_column_that_holds_nothing_is_refused(column):
    with pytest.raises(ContractError, match=r"^frame: .*'good'.*Fix: "):
        study_of(people(good=pd.Series(column)), outcome="good", favourable_outcome=1)


def test_an_outcome_of_which_none_is_favourable_is_refused():
    words = "frame: no row of column 'good' holds a favourable value ('1'); it holds '0'. Fix: correct study.outcome.favourable; nothing guesses it."
    refused(ContractError, words, people(good=0), outcome="good", favourable_outcome=1)


def test_where_no_outcome_was_asked_for_every_metric_of_outcomes_is_not_applicable():
    study = study_of(people(), **BOTH, strata=["branch"])
    asked = ["true_positive_rate"]
    assert study.rates(metrics=asked)[["value", "low", "high"]].isna().all(axis=None)
    assert study.disparities(metrics=asked)[["ratio", "difference"]].isna().all(axis=None)
    assert set(study.verdicts()["metric"]) == {"selection_rate"}
    for rows in (study.selective(), study.selective("monotone"), study.memberships(metrics=asked)):
        assert {found[0] for found in rows["reasons"]} == {"outcome_never_seen"}
        assert {text.split(". ")[0].rstrip(".") for text in rows["because"]} == {"No outcome was ever observed, so nothing can be said of it"}
        assert set(rows.loc[rows["metric"] == "true_positive_rate", "verdict"]) == {NO}
    assert study.conditional(metrics=asked)[["ratio", "pooled_ratio", "within"]].isna().all(axis=None)


def test_a_primary_metric_of_outcomes_without_outcomes_is_not_applicable():
    assert reasons(study_of(people(), metrics="true_positive_rate").judged(), "true_positive_rate") == {
        "F": (NO, ("no_outcome",)),
        "M": (NO, ("no_outcome",)),
    }


def test_an_outcome_seen_in_one_group_only_compares_nothing():
    study = study_of(people(good=people()["good"].where(people()["sex"] == "F")), outcome="good")
    rows = study.selective()
    assert {group: set(part["reasons"]) for group, part in rows.groupby("group")} == {
        "F": {("outcome_unseen_there",)},
        "M": {("outcome_unseen_here",)},
    }
    assert reasons(study.judged(), "true_positive_rate") == {"F": (NO, ("blind",)), "M": (NO, ("no_outcome",))}
    assert rows["because"].unique().tolist() == [
        "No outcome was observed among the others, so there is nothing to compare with.",
        "No outcome was observed in this group, so nothing can be said of it.",
    ]


def test_refused_people_without_outcomes_leave_no_rate_of_them():
    judged = study_of(people(), outcome="good").judged()
    assert set(reasons(judged, "true_positive_rate").values()) == {(NO, ("blind",))}
    because = judged.loc[judged["metric"] == "true_positive_rate", "because"].iloc[0]
    assert because == "No refused person's outcome is known here (60 refused), so those seen are the accepted alone; no rate can be given."


# decisions, scores, amounts


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"ok": 0},
            "frame: no row of column 'ok' holds a favourable value ('1'); it holds '0'. Fix: correct study.decision.favourable; nothing guesses it.",
        ),
        (
            {"asked": 0},
            "frame: no row of column 'asked' passes the stage 'asked' ('1'); it holds '0'. Fix: correct study.funnel[0].passes; nothing guesses it.",
        ),
        (
            {"score": np.nan},
            (
                "frame: 240 of 240 rows (100.0%) break the contract, more than the declared 5.0%: score: not a number (240). "
                "Fix: mend the file, or raise study.bounds.max_rejected_share and say why."
            ),
        ),
        (
            {"limit": 1e200},
            "frame: column 'limit' holds 1e+200, which is no amount. Fix: mend the column, or leave the cell empty where there is no amount.",
        ),
    ],
    ids=["nobody favoured", "nobody passes", "no score", "no amount"],
)
def test_a_column_that_says_nothing_is_refused(columns, words):
    refused(ContractError, words, people(**columns), **FULL)


def test_an_amount_that_nobody_has_and_a_score_of_one_value_have_no_comparison():
    working, shown = everywhere(people(limit=np.nan, score=1.0))
    for tables in (working, shown):
        assert tables["amounts"]["reasons"].tolist() == [("no_amounts",)] * 2
        assert tables["amounts"]["because"].iloc[0] == "Nobody of this group has an amount."
    assert set(working["performance"]["auc"].dropna()) == {0.5}


# what is not yet said as it should be: each mark goes with the fault


@pytest.mark.parametrize("weight", [1e200, 1e300])
def test_a_weight_beyond_all_measure_is_refused_in_our_words(weight):
    with pytest.raises(EquiscoreError, match=r"'w'.*Fix: "):
        study_of(people(w=[weight] + [1.0] * (N - 1)), weights="w")


def test_a_meaning_of_weights_that_is_none_is_refused_in_our_words():
    with pytest.raises(EquiscoreError, match=r"counts.*Fix: "):
        study_of(people(w=1.0), weights="w", weight_meaning="counts")


def test_a_selection_table_of_no_attribute_is_refused_in_our_words():
    with pytest.raises(StudyError, match=r"^No attribute 'sexe'\. Fix: use one of sex\.$"):
        study_of(people()).selection_table("sexe")


@pytest.mark.parametrize("clusters", [1, 2])
def test_where_each_group_is_one_cluster_there_is_no_verdict(clusters):
    """Whoever belongs together counts once: one file of one branch shows nothing beyond itself."""
    study = study_of(people(c=(people()["sex"] == "M") if clusters == 2 else 1), cluster="c")
    assert not {Verdict.EXCLUSION.value, Verdict.WITHIN_TOLERANCE.value, Verdict.LEANING.value} & set(study.judged()["verdict"])


def test_names_that_a_combination_would_take_are_refused():
    """As in a declaration: the name of an attribute holds no " x ", and no level known by probability is a group too."""
    with pytest.raises(EquiscoreError, match="Fix: "):
        study_of(people().rename(columns={"sex": "sex x branch"}), groups=["sex x branch", "branch"])
    with pytest.raises(EquiscoreError, match="Fix: "):
        study_of(people(), memberships={"sex": {"F": "p_here", "M": "p_abroad"}})
