"""Groups + unknown + suppressed + rejected = everybody, in every table, whatever the file is made of."""

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scoring
from scoring.bounds import Bounds
from scoring.customers.intake import admit
from scoring.fairness.counts import count
from scoring.scores import score_customers
from scoring.study import counted
from scoring.study import study_of as study_from
from scoring.vocabulary import SMALL_GROUPS, UNKNOWN


@st.composite
def files(draw, most=150):
    """Customers with gaps everywhere: unknown membership, no outcome, no decision, no segment, few people in a group."""
    n = draw(st.integers(12, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame = pd.DataFrame({"sex": rng.choice(["F", "M", "X", None], n, p=[0.45, 0.4, 0.05, 0.1]), "age": rng.choice(["a", "b", "c", "", " "], n)})
    frame["accepted"] = rng.choice([0, 1, None], n, p=[0.4, 0.58, 0.02])
    frame["repaid"] = rng.choice([0, 1, None], n, p=[0.2, 0.5, 0.3])
    frame["score"] = np.round(rng.normal(size=n), 2)
    frame["tier"] = rng.choice(["gold", "iron", None], n)
    frame["w"] = rng.integers(1, 4, n)
    frame.loc[0, ["accepted", "repaid"]] = 1
    return frame


def study_of(frame):
    """Study a file however many of its rows are rejected: `audit` refuses more than 5 %."""
    asked = {"groups": ["sex", "age"], "decision": "accepted", "favourable": 1, "outcome": "repaid", "score": "score", "segment": "tier"}
    plan = scoring.audit(frame.dropna(subset="accepted"), **asked).plan
    plan = plan.model_copy(update={"bounds": Bounds(max_rejected_share=0.9)})
    return scoring.Study(plan, count(admit(plan, frame), plan))


def people(rows, attribute):
    return rows[(rows["attribute"] == attribute) & (rows["metric"] == "selection_rate")]["trials"].sum()


def names_all_and_counts_nobody(rows, attribute, groups):
    """Tell whether one row joins all groups of an attribute and has no number: so is a file published that holds too few people."""
    [(group, folded)] = rows.loc[rows["attribute"] == attribute, ["group", "folded"]].drop_duplicates().itertuples(index=False)
    assert rows.loc[rows["attribute"] == attribute, ["hits", "trials", "value"]].isna().all(axis=None)
    return group == SMALL_GROUPS and set(folded.split(", ")) == set(groups)


@pytest.mark.slow
@settings(max_examples=5, deadline=None, derandomize=True)
@given(frame=files(), threshold=st.sampled_from([2, 10, 40]))
def test_groups_unknown_suppressed_and_rejected_are_everybody_in_every_table(frame, threshold):
    study = study_of(frame)
    rejected = int(study.rejects().sum())
    assert study.counts.total == len(frame)
    assert rejected == frame["accepted"].isna().sum()
    shown = study.published(threshold)
    for tables in (study, shown, study.at_cutoff(0.3), shown.at_cutoff(0.3)):
        standing = tables.everybody()
        for name in ("sex", "age"):
            rates = tables.rates(metrics=["selection_rate"])
            if len(frame) - rejected < (tables.threshold or 0):
                assert names_all_and_counts_nobody(tables.judged(), name, study.rates().query("attribute == @name")["group"])
                assert people(rates, name) == 0
            else:
                assert people(rates, name) + rejected == len(frame)
            assert standing.loc[standing["attribute"] == name, "people"].sum() == len(frame)
            assert standing.loc[(standing["attribute"] == name) & (standing["standing"] == "rejected"), "people"].sum() == rejected
    told = len(frame) - rejected >= threshold
    assert people(study.judged(), "sex") + rejected == len(frame)
    assert people(shown.judged(), "age") == (len(frame) - rejected if told else 0)
    for tables in (study, shown):
        crossed = tables.rates(by=["sex", "age"], metrics=["selection_rate"])
        assert people(crossed, "sex x age") + rejected == len(frame) or (tables is shown and crossed.empty)
        segments = tables.segments()
        for name in ("sex", "age"):
            rows = segments[segments["attribute"] == name]
            if tables is shown and not told:
                assert rows[["hits", "trials", "value"]].isna().all(axis=None)
                continue
            assert rows["hits"].sum() + rejected == len(frame)
            assert rows.groupby("group")["hits"].sum().equals(rows.groupby("group")["trials"].first())
    assert (study.threshold_sweep("sex", ["selection_rate"]).groupby("cutoff")["trials"].sum() + rejected == len(frame)).all()


# the further tables

FUNNEL = {"called back": ("called", "yes"), "visited": ("visited", "yes")}
WITH_AMOUNT = {"limit": "favoured", "income": "everybody"}
NAMES = ["sex", "age"]


@st.composite
def fuller_files(draw):
    """Customers with strata, two stages, two amounts and probabilities besides, each with gaps of its own."""
    frame = draw(files(most=80))
    n, rng = len(frame), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame["branch"] = rng.choice(["north", "south", None], n, p=[0.6, 0.3, 0.1])
    frame["called"], frame["visited"] = (rng.choice(["yes", "no", None], n, p=[0.7, 0.2, 0.1]) for _ in range(2))
    frame["limit"], frame["income"] = (pd.array(rng.integers(-1, 9, n), "Int64") for _ in range(2))
    for name in WITH_AMOUNT:
        frame.loc[rng.random(n) < 0.2, name] = pd.NA
    frame["score"] = frame["score"].astype("Float64").mask(rng.random(n) < 0.1)
    frame["p_here"] = np.round(rng.random(n), 6)
    frame.loc[0, ["called", "visited"]] = "yes"
    return frame


@cache
def fuller_plan():
    """Ask for everything that can be asked for, however many rows are rejected."""
    amounts, known = list(WITH_AMOUNT), {"origin": {"here": "p_here"}}
    asked = {"groups": NAMES, "decision": "accepted", "favourable": 1, "outcome": "repaid", "score": "score", "segment": "tier", "strata": ["branch"]}
    one = {"sex": ["F"], "age": ["a"], "accepted": [1], "repaid": [1], "score": [1.0], "tier": ["gold"], "branch": ["north"], "p_here": [0.5]}
    one |= {"called": ["yes"], "visited": ["yes"], "limit": [1], "income": [1]}
    plan = scoring.audit(pd.DataFrame(one), **asked, funnel=FUNNEL, amounts=amounts, memberships=known).plan
    listed = {name: amount.model_copy(update={"of": WITH_AMOUNT[name]}) for name, amount in plan.amounts.items()}
    return plan.model_copy(update={"bounds": Bounds(max_rejected_share=0.9), "amounts": listed})


def fuller_study_of(frame):
    plan = fuller_plan()
    scored = score_customers(admit(plan, frame), plan)
    return study_from(plan, counted(scored, plan), scored, {}, None)


def by_hand(frame):
    """Label each row as the study should: its groups, whether it is rejected, how far it got, whether it was favoured."""
    sex, age = frame["sex"].fillna(UNKNOWN), frame["age"].str.strip().replace("", UNKNOWN)
    through = (frame["called"] == "yes").astype(int) + ((frame["called"] == "yes") & (frame["visited"] == "yes")).astype(int)
    rejected = frame["accepted"].isna() & (through == 2)
    # who was lost before the decision did not get what it gives
    return frame.assign(sex=sex, age=age, through=through, favoured=frame["accepted"].fillna(0) == 1)[~rejected]


def sums(rows, columns, name, by=("group",)):
    """Add columns up by group of one attribute, groups without people left out."""
    held = rows[(rows["attribute"] == name) & rows["group"].ne("")].groupby(list(by))[columns].sum()
    return {key: tuple(map(float, values)) for key, values in zip(held.index, held.to_numpy(float), strict=True) if values.any()}


def counted_by(rows, name, *masks):
    """Count the rows by hand: by group of one attribute, how many each mask holds of."""
    held = pd.concat([mask.groupby(rows[name]).sum().astype(float) for mask in masks], axis=1)
    return {key: tuple(values) for key, values in zip(held.index, held.to_numpy(float), strict=True) if values.any()}


def further(tables):
    """Work out every table that lists people, of single attributes."""
    one = ["selection_rate"]
    return {
        "by_stratum": tables.by_stratum(metrics=one), "conditional": tables.conditional(metrics=one), "funnel": tables.funnel(),
        "amounts": tables.amounts(), "scores": tables.scores(), "selective": tables.selective(), "performance": tables.performance(),
        "selection_table": pd.concat([tables.selection_table(name) for name in NAMES]),
        "scoring_table": pd.concat([tables.scoring_table(name) for name in NAMES]),
        "threshold_sweep": pd.concat([tables.threshold_sweep(name, one) for name in NAMES]),
    }  # fmt: skip


def check_further(study, tables, rows):
    """Compare every further table of the working counts, group by group, with the rows counted by hand."""
    outcome, score = rows["repaid"].notna(), rows["score"].notna()
    everyone = pd.Series(True, index=rows.index)
    for name in NAMES:
        whole = counted_by(rows, name, everyone)
        assert sums(tables["by_stratum"], ["hits", "trials"], name) == counted_by(rows, name, rows["favoured"], everyone)
        branches = rows.assign(pair=list(zip(rows[name], rows["branch"].fillna(UNKNOWN), strict=True)))
        assert sums(tables["by_stratum"], ["trials"], name, ("group", "stratum")) == counted_by(branches, "pair", everyone)
        scores = tables["scores"][tables["scores"]["metric"] == "auc"]
        repaid = [outcome & score & (rows["repaid"] == side) for side in (1, 0)]
        assert sums(scores, ["good", "bad", "people", "unscored"], name) == counted_by(rows, name, *repaid, score, ~score)
        assert sums(tables["performance"], ["good", "bad"], name) == counted_by(rows, name, *repaid)
        assert sums(tables["selection_table"], ["applicants", "selected"], name) == counted_by(rows, name, everyone, rows["favoured"])
        assert sums(tables["scoring_table"], ["applicants", "unscored"], name) == counted_by(rows, name, score, ~score)
        assert all(sums(part, ["trials"], name) == whole for _, part in tables["threshold_sweep"].groupby("cutoff"))
        for _, part in tables["selective"].groupby("metric"):
            assert sums(part, ["observed", "unobserved"], name) == counted_by(rows, name, outcome, ~outcome)
        check_funnel(tables["funnel"], rows, name)
        for amount, of in WITH_AMOUNT.items():
            asked, has = (rows["favoured"] if of == "favoured" else everyone), rows[amount].notna()
            part = tables["amounts"][tables["amounts"]["amount"] == amount]
            signs = [asked & has & (rows[amount] == 0).fillna(value=False), asked & has & (rows[amount] < 0).fillna(value=False)]
            assert sums(part, ["people", "without", "zero", "negative"], name) == counted_by(rows, name, asked & has, asked & ~has, *signs)
    told = study.calibration()
    assert told["people"].sum() == (outcome & score).sum()
    soft = study.memberships(metrics=["selection_rate"])
    assert soft["people"].item() == pytest.approx(rows["p_here"].sum(), abs=1e-6)
    assert study.counts.soft["n"].sum() == len(rows)


def check_funnel(funnel, rows, name):
    """Trials of a stage are the hits of the one before; the first are everybody; who was favoured past a stage is counted apart."""
    held = funnel[funnel["attribute"] == name]
    stages = [part.set_index("group") for _, part in held.groupby("position")]
    assert [stage["stage"].iloc[0] for stage in stages] == [*FUNNEL, "(decision)"]
    for before, after in pairwise(stages):
        pd.testing.assert_series_equal(after["trials"], before["hits"], check_names=False)
        assert after["ref_trials"].tolist() == before["ref_hits"].tolist()
    through = [rows["through"] >= done for done in (0, 1, 2)] + [(rows["through"] == 2) & rows["favoured"]]
    for position, stage in enumerate(stages):
        found = sums(stage.reset_index(), ["people", "trials", "hits"], name)
        assert found == counted_by(rows, name, through[0], through[position], through[position + 1])
    assert sums(held[held["position"] == 0], ["bypassed"], name) == counted_by(rows, name, rows["favoured"] & (rows["through"] < 2))


JOINT = {"selection_table": "selected", "scoring_table": "unscored"}
"""Tables worked out from joined counts, and the column that is counted beside the applicants."""


def check_joint_tables(shown, published, rows):
    """Every applicant stands in a row, alone or joined; where few have no score, they are applicants too, and their number is not told."""
    joined = {name: shown.selection_table(name).set_index("group")["folded"] for name in NAMES}
    for name in NAMES:
        parts = {level: group for group, levels in joined[name].items() for level in (levels.split(", ") if levels else [group])}
        for table, beside in JOINT.items():
            told = published[table].query("attribute == @name")
            if len(rows) < shown.threshold:
                assert told[["applicants", beside]].isna().all(axis=None)
                continue
            groups, scored = rows[name].map(parts), rows["score"].notna()
            assert groups.notna().all()
            masks = [pd.Series(True, rows.index), rows["favoured"]] if table == "selection_table" else [scored, ~scored]
            by_group = counted_by(rows.assign(joint=groups), "joint", *masks)
            silent = bool(told[beside].isna().all())
            if table == "scoring_table" and any(0 < two[1] < shown.threshold for two in [(0, (~scored).sum()), *by_group.values()]):
                assert silent
            assert table == "scoring_table" or not silent
            if silent:
                assert sums(told, ["applicants"], name) == {group: (sum(two),) for group, two in by_group.items()}
            else:
                assert sums(told, ["applicants", beside], name) == by_group


def check_published(shown, tables, rows):
    """Of each attribute, the groups shown and those that one row names hold everybody; what is shown is what was counted."""
    published = {table: found for table, found in further(shown).items() if table not in {"performance", "threshold_sweep"}}
    check_joint_tables(shown, published, rows)
    for name in NAMES:
        people_of = rows[name].value_counts().to_dict()
        for table, found in published.items():
            told, working = (part[part["attribute"] == name] for part in (found, tables[table]))
            named = told[told["group"] == SMALL_GROUPS]
            left = set(", ".join(named["folded"].unique()).split(", ")) - {""}
            groups = set(told["group"]) - {SMALL_GROUPS}
            assert groups | left == set(working["group"])
            assert not groups & left
            assert sum(people_of.get(group, 0) for group in groups | left) == len(rows)
            assert all(people_of.get(group, 0) in (0, *range(shown.threshold, len(rows) + 1)) for group in groups)
            if table in JOINT:  # their fold has counts of its own
                continue
            assert named.drop(columns=["attribute", "group", "folded", "withheld"], errors="ignore").isna().all(axis=None) or named.empty
            for column in {"people", "trials", "applicants", "observed", "without", "unscored"} & set(told):
                keys = [key for key in ("group", "metric", "stage", "stratum", "amount") if key in told]
                seen = told[told["group"].isin(groups) & told[column].notna()]
                both = seen.merge(working, on=keys, suffixes=("", "_counted"))
                assert len(both) == len(seen)
                assert (both[column].astype(float) == both[f"{column}_counted"].astype(float)).all()
        standing = shown.everybody()
        assert standing.loc[standing["attribute"] == name, "people"].sum() == shown.counts.total


@pytest.mark.slow
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(frame=fuller_files())
def test_the_further_tables_hold_everybody_group_by_group(frame):
    study, rows = fuller_study_of(frame), by_hand(frame)
    assert study.counts.total == len(frame)
    assert study.rejects().sum() == len(frame) - len(rows)
    check_further(study, further(study), rows)


@pytest.mark.slow
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(frame=fuller_files(), threshold=st.sampled_from([2, 5, 10]))
def test_the_further_tables_as_published_hold_or_name_everybody(frame, threshold):
    study = fuller_study_of(frame)
    check_published(study.published(threshold), further(study), by_hand(frame))


SEX = ["F", "F", "M", "M", "F", "M", None, None]
DTYPES = {
    "object with None": lambda: pd.Series(SEX, dtype=object),
    "object with NaN": lambda: pd.Series([np.nan if one is None else one for one in SEX], dtype=object),
    "str": lambda: pd.Series(SEX, dtype="str"),
    "category": lambda: pd.Series(SEX, dtype="category"),
    "Int64": lambda: pd.Series([{"F": 0, "M": 1}.get(one, pd.NA) for one in SEX], dtype="Int64"),
    "float": lambda: pd.Series([{"F": 0.0, "M": 1.0}.get(one, np.nan) for one in SEX]),
    "boolean": lambda: pd.Series([{"F": False, "M": True}.get(one, pd.NA) for one in SEX], dtype="boolean"),
    "object of bools": lambda: pd.Series([{"F": False, "M": True}.get(one) for one in SEX], dtype=object),
    "category of numbers": lambda: pd.Series([{"F": 0, "M": 1}.get(one) for one in SEX]).astype("Int64").astype("category"),
    "nothing written": lambda: pd.Series([one or "" for one in SEX]),
    "blanks": lambda: pd.Series([one or "  \t" for one in SEX]),
    "polars Enum": lambda: pl.Series(SEX, dtype=pl.Enum(["F", "M"])),
    "polars Categorical": lambda: pl.Series(SEX, dtype=pl.Categorical),
    "polars Int8": lambda: pl.Series([{"F": 0, "M": 1}.get(one) for one in SEX], dtype=pl.Int8),
    "polars float with NaN": lambda: pl.Series([{"F": 0.0, "M": 1.0}.get(one, float("nan")) for one in SEX]),
    "arrow dictionary": lambda: pa.array(SEX).dictionary_encode(),
    "arrow large string": lambda: pa.array(SEX, pa.large_string()),
    "arrow float with NaN": lambda: pa.array([{"F": 0.0, "M": 1.0}.get(one, float("nan")) for one in SEX]),
}


@pytest.mark.parametrize("made", DTYPES.values(), ids=DTYPES)
def test_missing_is_unknown_in_every_type_and_never_a_level(made):
    sex, accepted = made(), [1, 0, 1, 1, 0, 1, 1, 0]
    if isinstance(sex, pd.Series):
        frame = pd.DataFrame({"sex": sex, "accepted": accepted})
    else:
        frame = pl.DataFrame({"sex": sex, "accepted": accepted}) if isinstance(sex, pl.Series) else pa.table({"sex": sex, "accepted": accepted})
    rows = scoring.audit(frame, groups=["sex"], decision="accepted", favourable=1).rates(metrics=["selection_rate"])
    women, men, unknown = rows["group"]
    assert (women, men, unknown) in {("F", "M", UNKNOWN), ("0", "1", UNKNOWN), ("false", "true", UNKNOWN)}
    assert rows[["hits", "trials"]].to_numpy().tolist() == [[1, 3], [3, 3], [1, 2]]


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        pytest.param([1, 2, 2, 1], ["1", "2"], id="integers"),
        pytest.param([1.0, 2.5, 2.5, 1.0], ["1", "2.5"], id="floats: 1.0 is 1"),
        pytest.param([True, False, False, True], ["false", "true"], id="true and false"),
        pytest.param([10, 9, 9, 10], ["9", "10"], id="numbers stand in their order"),
        pytest.param(["nan", "NA", "NA", "nan"], ["NA", "nan"], id="words that look like missing are words"),
        pytest.param(["²", "³", "³", "²"], ["²", "³"], id="digits that are no numbers"),
    ],
)
def test_groups_of_any_kind_are_levels_by_name(values, levels):
    rows = scoring.audit(pd.DataFrame({"g": values, "ok": [1, 0, 1, 1]}), groups=["g"], decision="ok", favourable=1)
    rows = rows.rates(metrics=["selection_rate"])
    assert rows["group"].tolist() == levels


def test_the_same_label_in_two_attributes_stays_two_groups():
    frame = pd.DataFrame({"a": ["x", "x", "y"], "b": ["x", "y", "y"], "ok": [1, 0, 1]})
    rows = scoring.audit(frame, groups=["a", "b"], decision="ok", favourable=1).rates(metrics=["selection_rate"])
    found = {(row.attribute, row.group): (row.hits, row.trials) for row in rows.itertuples()}
    assert found == {("a", "x"): (1, 2), ("a", "y"): (1, 1), ("b", "x"): (1, 1), ("b", "y"): (1, 2)}


@pytest.mark.slow
@settings(max_examples=4, deadline=None, derandomize=True)
@given(frame=files(), seed=st.integers(0, 1000))
def test_two_halves_add_up_to_the_whole(frame, seed):
    """Chunks that lack some groups included: a group is its name, not its number."""
    frame["accepted"] = frame["accepted"].fillna(0)
    first = np.random.default_rng(seed).random(len(frame)) < 0.5
    first[0] = True
    frame.loc[np.flatnonzero(~first)[:1], ["accepted", "repaid"]] = 1
    whole, *halves = (study_of(part).counts.cells for part in (frame, frame[first], frame[~first]) if len(part))
    keys = [name for name in whole if name not in {"n", "weight", "weight_squared"}]
    added = pd.concat(halves).groupby(keys, as_index=False)[["n", "weight", "weight_squared"]].sum()
    pd.testing.assert_frame_equal(added, whole, check_dtype=False)
