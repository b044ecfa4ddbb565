"""Groups + unknown + suppressed + rejected = everybody, in every table, whatever the file is made of."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.bounds import Bounds
from scoring.customers.intake import admit
from scoring.fairness.counts import count
from scoring.vocabulary import UNKNOWN


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
            assert people(tables.rates(metrics=["selection_rate"]), name) + rejected == len(frame)
            assert standing.loc[standing["attribute"] == name, "people"].sum() == len(frame)
            assert standing.loc[(standing["attribute"] == name) & (standing["standing"] == "rejected"), "people"].sum() == rejected
    assert people(study.judged(), "sex") + rejected == people(shown.judged(), "age") + rejected == len(frame)
    for tables in (study, shown):
        crossed = tables.rates(by=["sex", "age"], metrics=["selection_rate"])
        assert people(crossed, "sex x age") + rejected == len(frame) or (tables is shown and crossed.empty)
        segments = tables.segments()
        for name in ("sex", "age"):
            rows = segments[segments["attribute"] == name]
            assert rows["hits"].sum() + rejected == len(frame)
            assert rows.groupby("group")["hits"].sum().equals(rows.groupby("group")["trials"].first())
    assert (study.threshold_sweep("sex", ["selection_rate"]).groupby("cutoff")["trials"].sum() + rejected == len(frame)).all()


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
