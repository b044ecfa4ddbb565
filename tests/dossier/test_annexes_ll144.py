"""Tables in the shape of Local Law 144: by hand, by pandas from the people, and with nobody given away."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.dossier.document import Paragraph, TableBlock
from scoring.dossier.parts.annexes.ll144 import COLUMNS, Shape, impact_table, ll144, selection
from scoring.dossier.parts.annexes.ll144 import scoring as scoring_rates
from scoring.dossier.view import View
from scoring.vocabulary import SMALL_GROUPS, UNKNOWN

sys.path.insert(0, str(Path(__file__).parent))
from annex_studies import ASKED, activity, hand_frame, people

NO_SCORE = {
    **{name: value for name, value in ASKED.items() if name != "score"},
    "columns": {name: held for name, held in ASKED["columns"].items() if name != "score"},
}


@pytest.fixture(scope="module")
def view():
    return View.of(scoring.conduct_study(activity(), people()), "en")


@pytest.fixture(scope="module")
def crossed():
    """Enough people of unknown region that its crossings may be shown."""
    return View.of(scoring.conduct_study(activity(), people(unknown=15)), "en")


def hand_view(groups):
    return View.of(scoring.conduct_study(activity(study=NO_SCORE), hand_frame(groups)), "en")


def rows_of(groups):
    rows = pd.DataFrame([(name, *held) for name, held in groups.items()], columns=["group", "hits", "trials"])
    return rows.assign(attribute="sex", value=rows["hits"] / rows["trials"], low=0.0, high=1.0)


def test_selection_rates_and_impact_ratios_by_hand():
    table = selection(hand_view({"F": (30, 70), "M": (60, 60), "X": (20, 30), None: (7, 5)}), ["sex"]).set_index("group")
    assert list(table.columns) == [name for name in COLUMNS if name != "group"]
    assert table["applicants"].to_dict() == {"F": 100, "M": 120, "X": 50, UNKNOWN: 12}
    assert table["hits"].to_dict() == {"F": 30, "M": 60, "X": 20, UNKNOWN: 7}
    assert table["rate"].tolist() == pytest.approx([0.3, 0.5, 0.4, np.nan], nan_ok=True)
    assert table["impact_ratio"].tolist() == pytest.approx([0.6, 1.0, 0.8, np.nan], nan_ok=True)
    assert table["share"].tolist() == pytest.approx([100 / 270, 120 / 270, 50 / 270, np.nan], nan_ok=True)
    assert table["reason"].to_dict() == {"F": "", "M": "", "X": "", UNKNOWN: "unknown"}


def test_selection_rates_of_the_people_by_pandas(view):
    frame = people()
    for name in ("sex", "region"):
        mine = selection(view, [name]).set_index("group")
        theirs = frame.groupby(name)["ok"].agg(["sum", "count", "mean"])
        levels = [level for level in mine.index if level in theirs.index]
        assert len(levels) >= 2
        np.testing.assert_allclose(mine.loc[levels, ["hits", "applicants", "rate"]].astype(float), theirs.loc[levels])
        np.testing.assert_allclose(mine.loc[levels, "impact_ratio"].astype(float), theirs.loc[levels, "mean"] / theirs.loc[levels, "mean"].max())


def test_crossed_criteria_by_pandas(crossed):
    mine = selection(crossed, ["sex", "region"]).set_index("group")
    frame = people(unknown=15)
    theirs = frame.groupby(frame["sex"] + " x " + frame["region"])["ok"].mean()
    levels = [level for level in mine.index if level in theirs.index]
    assert len(levels) >= 4
    np.testing.assert_allclose(mine.loc[levels, "rate"].astype(float), theirs.loc[levels])


def test_scoring_rates_by_pandas(view):
    frame = people()
    frame["score"] = frame["score"].astype(float).fillna(-1e9)  # few have no score: they count as scoring lowest
    above = frame["score"] > frame["score"].median()
    theirs = above.groupby(frame["sex"]).mean()
    mine = scoring_rates(view, "sex").set_index("group")
    np.testing.assert_allclose(mine["rate"].astype(float), theirs.loc[mine.index].astype(float))
    np.testing.assert_allclose(mine["impact_ratio"].astype(float), theirs.loc[mine.index].astype(float) / float(theirs.max()))
    assert mine["applicants"].tolist() == people()["sex"].value_counts().loc[mine.index].tolist()


def test_neither_who_has_no_score_nor_a_hidden_category_is_given_away(view):
    """The islet (five people, all accepted) has the highest rate of all: as the reference it would tell of them."""
    single = selection(view, ["region"]).set_index("group")
    assert "islet" not in single.index
    assert single["reason"].tolist().count("joined") == 1
    shown = single[single["reason"] == ""]
    assert shown["impact_ratio"].max() == 1.0
    assert shown["rate"].max() < 1.0
    scored = scoring_rates(view, "region")
    assert scored["hits"].isna().all()
    assert scored.set_index("group")["applicants"].drop(SMALL_GROUPS).to_dict() == shown["applicants"].to_dict()
    assert single["share"].sum() == pytest.approx(1.0), "of the rows shown: a share of all known would tell how many are unknown"


def test_a_joined_row_has_a_ratio_and_is_never_the_highest():
    table = impact_table(rows_of({"F": (30, 100), "M": (60, 120), SMALL_GROUPS: (9, 10)})).set_index("group")
    assert table["impact_ratio"].tolist() == pytest.approx([0.6, 1.0, 1.8])
    assert table["reason"].tolist() == ["", "", "joined"]


def test_small_categories_may_be_left_out_and_are_counted_still():
    groups = {"F": (300, 1000), "M": (500, 1000), "X": (20, 25)}
    whole, less = (impact_table(rows_of(groups), left_out).set_index("group") for left_out in (0.0, 0.02))
    assert whole["impact_ratio"].tolist() == pytest.approx([0.375, 0.625, 1.0])
    assert less["impact_ratio"].tolist() == pytest.approx([0.6, 1.0, np.nan], nan_ok=True)
    assert less.loc["X", ["applicants", "hits", "reason"]].tolist() == [25, 20, "left_out"]


def test_nobody_selected_is_no_parity():
    table = impact_table(rows_of({"F": (0, 100), "M": (0, 120)}))
    assert table["impact_ratio"].isna().all()
    assert table["reason"].tolist() == ["nobody_selected"] * 2


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=2, max_size=6), st.randoms())
@settings(max_examples=60, deadline=None)
def test_ratios_are_at_most_one_do_not_hang_on_the_order_and_are_those_of_people_counted_k_times(cells, rng):
    groups = {f"g{i}": (min(hits, trials), trials) for i, (hits, trials) in enumerate(cells)}
    table = impact_table(rows_of(groups)).set_index("group")
    order = list(groups)
    rng.shuffle(order)
    again = impact_table(rows_of({name: groups[name] for name in order})).set_index("group").loc[list(groups)]
    pd.testing.assert_frame_equal(table, again)
    thrice = impact_table(rows_of({name: (3 * hits, 3 * trials) for name, (hits, trials) in groups.items()})).set_index("group")
    np.testing.assert_allclose(thrice["impact_ratio"], table["impact_ratio"], equal_nan=True)
    ratios = table["impact_ratio"].dropna()
    assert ratios.empty or ratios.max() == 1.0


def test_the_part_shows_single_crossed_and_scoring_tables_and_says_that_it_is_no_duty(crossed):
    blocks = list(ll144(crossed))
    captions = [block.caption for block in blocks if isinstance(block, TableBlock)]
    assert captions == [
        "Selection rates and impact ratios, each criterion alone",
        "Selection rates and impact ratios, criteria crossed",
        "Share above the median score of all, and impact ratios, each criterion alone",
    ]
    parts = [[section for section, _ in block.parts] for block in blocks if isinstance(block, TableBlock)]
    assert parts == [["sex", "region"], ["sex × region"], ["sex", "region"]]
    assert "no duty outside New York City" in next(block.text for block in blocks if isinstance(block, Paragraph))
    assert all("no duty outside New York City" in block.note for block in blocks if isinstance(block, TableBlock))


def test_a_crossing_that_may_not_be_shown_says_so(view):
    assert selection(view, ["sex", "region"]).empty
    said = [block.text for block in ll144(view) if isinstance(block, Paragraph)]
    assert "Not shown, for a category would be of fewer than 10 people: sex × region." in said


def test_criteria_depth_and_what_is_left_out_can_be_chosen(view):
    blocks = list(ll144(view, Shape(criteria=("region",), depth=1, left_out=0.02, why="few people")))
    assert [section for block in blocks if isinstance(block, TableBlock) for section, _ in block.parts] == ["region", "region"]
    assert any("few people" in str(getattr(block, "items", "")) for block in blocks)


def test_a_study_without_a_score_has_no_scoring_table():
    view = hand_view({"F": (30, 70), "M": (60, 60)})
    assert scoring_rates(view, "sex").empty
    assert not [block for block in ll144(view) if isinstance(block, TableBlock) and "median" in block.caption]


def test_a_crossing_of_one_column_with_itself_is_not_shown(credit_study):
    sections = [section for block in ll144(View.of(credit_study, "en")) if isinstance(block, TableBlock) for section, _ in block.parts]
    assert sections
    assert not [section for section in sections if " x " in section]


def test_the_parts_read_published_tables_only(view):
    """Working counts of the study are not asked: a view whose study holds none gives the same."""
    bare = dataclasses.replace(view, study=dataclasses.replace(view.study, counts=None))
    assert list(ll144(bare)) == list(ll144(view))
